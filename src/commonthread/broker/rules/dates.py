"""Dates that bound: a day begins and ends at midnight in London (Interpretation Act 1978 s.9)."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

LONDON = ZoneInfo("Europe/London")


def begins(day: date) -> datetime:
    """The instant at which `day` begins in London, in UTC."""
    return datetime.combine(day, time(), LONDON).astimezone(UTC)


def ends(day: date) -> datetime:
    """The first instant that is no longer `day`: 00:00 in London on the day after."""
    return begins(day + timedelta(days=1))


def london_day(at: datetime) -> date:
    """The day it is in London at the instant `at`."""
    return at.astimezone(LONDON).date()
