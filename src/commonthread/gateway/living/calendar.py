"""Dates of agreements as a calendar (iCalendar, RFC 5545): reviews, ends, duties, credentials.

Each date has an identifier that stays: made of the agreement, what it is, whose, and for what falls
due again and again of its day. A calendar that is subscribed to moves a date and does not double
it. The same facts on the same day give the same bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import sha256

from icalendar import Calendar, vDate
from icalendar import Event as CalendarEvent

from commonthread.broker.rules.dates import begins, london_day
from commonthread.broker.rules.standing import Standing, Version
from commonthread.broker.rules.terms import CONTROLLING, required_parties

from .duties import Attested, owed_under

PRODUCT = "-//commonthread//agreements//EN"
OUTSIDE = re.compile(r"[^A-Za-z0-9.-]+")


@dataclass(frozen=True, slots=True)
class Dated:
    """One day in the calendar. `key` names it for ever; it holds nothing about a resident."""

    key: str
    day: date
    title: str
    text: str


def dates(
    reference: str,
    standing: Standing,
    attested: Iterable[Attested],
    at: datetime,
    partner: str = "",
) -> tuple[Dated, ...]:
    """The dates of one agreement that all have signed; with `partner`, only what it owes itself."""
    version = standing.governing(reference)
    if version is None or version.completed is None:
        return ()
    terms = version.terms
    found = [
        Dated(f"{reference}/review", terms.review, f"Review {reference}", terms.title),
        Dated(f"{reference}/ends", terms.ends, f"{reference} ends after this day", terms.title),
        *_assessment(version, standing),
        *_credentials(version, standing, partner),
        *_duties(reference, standing, attested, at, partner),
    ]
    return tuple(sorted(found, key=lambda one: (one.day, one.key)))


def _assessment(version: Version, standing: Standing) -> Iterator[Dated]:
    dpia = standing.dpias.get(version.terms.dpia)
    if dpia is not None:
        reference = version.terms.reference
        said = f"The assessment of {reference} is due for review"
        text = "Past this day the agreement is not in force until it is reviewed."
        yield Dated(f"{reference}/dpia/{dpia.reference}", dpia.review, said, text)


def _credentials(version: Version, standing: Standing, partner: str) -> Iterator[Dated]:
    """When what the terms demand runs out, of each controller that is still in it."""
    terms = version.terms
    for party in terms.parties:
        known = standing.partners.get(party.partner)
        left = party.partner in version.withdrawals
        if party.role not in CONTROLLING or known is None or left:
            continue
        if partner not in ("", party.partner):
            continue
        for demand in terms.demands:
            held = [
                item.expires
                for item in known.credentials
                if item.scheme == demand.scheme and demand.level in ("", item.level)
            ]
            if held:
                key = f"{terms.reference}/credential/{party.partner}/{demand.scheme}"
                said = f"{demand.scheme} of {known.name} runs out"
                text = f"{terms.reference} demands it. When it lapses: {demand.on_lapse}."
                yield Dated(key, max(held), said, text)


def _duties(
    reference: str,
    standing: Standing,
    attested: Iterable[Attested],
    at: datetime,
    partner: str,
) -> Iterator[Dated]:
    for one in owed_under(reference, standing, attested, at):
        each = one.undertaking
        if each.clause == "review" or one.attested or partner not in ("", each.owner):
            continue
        known = standing.partners.get(each.owner)
        day = f"/{one.due.isoformat()}" if each.every else ""
        yield Dated(
            f"{reference}/{each.clause}/{each.owner}{day}",
            one.due,
            f"{reference}: due from {known.name if known else each.owner}",
            each.text,
        )


def agreements_of(partner: str, standing: Standing) -> tuple[str, ...]:
    """The agreements that a partner is party to and has not left, by reference."""
    return tuple(
        name
        for name in sorted(standing.agreements)
        if (version := standing.governing(name)) is not None
        and partner not in version.withdrawals
        and partner in required_parties(version.terms, standing.contracts)
    )


def icalendar(name: str, found: Iterable[Dated], origin: str, at: datetime) -> bytes:
    """The calendar as a file, each date a whole day; `origin` names the home in identifiers."""
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", name)
    stamp = begins(london_day(at))
    for one in found:
        calendar.add_component(_event(one, origin, stamp))
    return bytes(calendar.to_ical())


def _event(one: Dated, origin: str, stamp: datetime) -> CalendarEvent:
    event = CalendarEvent()
    event.add("uid", uid(one.key, origin))
    event.add("dtstamp", stamp)
    event.add("dtstart", vDate(one.day))
    event.add("dtend", vDate(one.day + timedelta(days=1)))
    event.add("summary", one.title)
    event.add("description", one.text)
    event.add("transp", "TRANSPARENT")
    return event


def uid(key: str, origin: str) -> str:
    """The same for the same date of the same home: a digest of the key at the home's name."""
    host = OUTSIDE.sub("-", origin).strip("-") or "commonthread"
    return f"{sha256(key.encode()).hexdigest()[:32]}@{host}"
