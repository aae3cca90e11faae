"""Askings to share and what came of them: granted, refused with reasons, or taken back.

The duty to share stands beside the duty to protect (Caldicott principle 8; the children's
information-sharing duty), so a refusal is as much a decision as a grant: it has a day on which it
was asked, a day by which it is due, an answer, and a reason. Nothing here opens data.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from commonthread.broker.access import BadInput, Refused
from commonthread.broker.rules.dates import london_day
from commonthread.broker.rules.errors import Reason
from commonthread.broker.rules.standing import DPO, GUARDIAN, OFFICER, SIGNATORY, Member, Standing
from commonthread.broker.rules.terms import PLATFORM
from commonthread.gateway.models import ANSWERS, GRANTED, REFUSED_TO_SHARE, TAKEN_BACK, Asking

ANSWER_WITHIN = timedelta(days=28)
LONGEST_TEXT = 4_000
FURTHEST_DUE = timedelta(days=366)
ASKERS = (OFFICER, SIGNATORY, DPO, GUARDIAN)
OPEN, OVERDUE = "open", "overdue"
STATES = (OPEN, OVERDUE, REFUSED_TO_SHARE, GRANTED, TAKEN_BACK)
STATES_IN_WORDS = {
    OPEN: "Waiting for an answer",
    OVERDUE: "Overdue",
    REFUSED_TO_SHARE: "Refused",
    GRANTED: "Granted",
    TAKEN_BACK: "Taken back",
}
FIELDS = (
    "number",
    "asker",
    "asked",
    "what",
    "why",
    "asked_on",
    "due",
    "state",
    "timer",
    "answered_on",
    "reason",
    "agreement",
)


@dataclass(frozen=True, slots=True)
class Timer:
    """How long an asking has taken, and how it stands against the day it is due."""

    asked_on: date
    due: date
    answered_on: date | None
    today: date

    @property
    def days(self) -> int:
        return ((self.answered_on or self.today) - self.asked_on).days

    @property
    def is_late(self) -> bool:
        return (self.answered_on or self.today) > self.due

    @property
    def said(self) -> str:
        """The timer in words: days are counted from the day of asking, which is day 0."""
        took = f"{self.days} day{'' if self.days == 1 else 's'}"
        late = (self.answered_on or self.today) - self.due
        by = f"{abs(late.days)} day{'' if abs(late.days) == 1 else 's'}"
        if self.answered_on is not None:
            return f"answered after {took}, {f'{by} late' if late.days > 0 else 'in time'}"
        if late.days > 0:
            return f"overdue by {by}"
        return f"{by} left" if late.days else "due today"


def timer(asking: Asking, today: date) -> Timer:
    return Timer(asking.asked_on, asking.due, asking.answered_on, today)


def state(asking: Asking, today: date) -> str:
    return asking.answer or (OVERDUE if timer(asking, today).is_late else OPEN)


def may_read(asking: Asking, member: Member | None) -> bool:
    """Members of the two partners with a part in governance."""
    return _governs(member) and member is not None and member.partner in (
        asking.asker, asking.asked
    )  # fmt: skip


def readable(member: Member | None) -> QuerySet[Asking]:
    """Those that a member may read, newest first."""
    if member is None or not _governs(member):
        return Asking.objects.none()
    mine = Q(asker=member.partner) | Q(asked=member.partner)
    return Asking.objects.filter(mine).order_by("-asked_on", "-id")


def ask(
    standing: Standing,
    asker: str,
    asked: str,
    what: str,
    why: str,
    asked_on: date,
    due: date | None = None,
    *,
    by: Member | None,
    at: datetime,
) -> Asking:
    """Record that one partner asked another. Either of the two records it: it may be a letter."""
    if by is None or not _governs(by) or by.partner not in (asker, asked):
        raise _only("Only a member with a part in governance of one of the two partners can.")
    for partner in (asker, asked):
        if partner not in standing.partners or partner == PLATFORM:
            raise BadInput("No partner of this name is known.", mend="Choose one of the list.")
    if asker == asked:
        raise BadInput("A partner does not ask itself.", mend="Choose two partners.")
    until = due or asked_on + ANSWER_WITHIN
    _sound_days(asked_on, until, london_day(at))
    return Asking.objects.create(
        asker=asker,
        asked=asked,
        what=_text(what, "Enter what was asked for."),
        why=_text(why, "Enter what it is for."),
        asked_on=asked_on,
        due=until,
        recorded_by=by.id,
        recorded=at,
    )


def answer(
    number: int,
    how: str,
    reason: str,
    standing: Standing,
    agreement: str = "",
    *,
    by: Member | None,
    at: datetime,
) -> Asking:
    """Grant or refuse (the partner asked), or take back (the asker); each with a reason, once."""
    if how not in ANSWERS:
        raise BadInput("Choose an answer.")
    said = _text(reason, "Enter the reason: refusing to share needs one, and so does sharing.")
    if agreement and agreement not in standing.agreements:
        raise BadInput("No agreement of this reference is known.", mend="Leave it empty.")
    with transaction.atomic():
        found = Asking.objects.select_for_update().filter(id=number).first()
        if found is None or not may_read(found, by) or by is None:
            raise BadInput("There is no such asking.")
        side = found.asker if how == TAKEN_BACK else found.asked
        if by.partner != side:
            raise _only(f"Only {side} can do this.")
        if found.answer:
            raise BadInput("It has been answered already.")
        found.answer, found.reason = how, said
        found.agreement = agreement if how == GRANTED else ""
        found.answered_on, found.answered_by = london_day(at), by.id
        found.save(update_fields=["answer", "reason", "agreement", "answered_on", "answered_by"])
    return found


def rows(askings: Iterable[Asking], today: date) -> list[dict[str, Any]]:
    """Each as plain values, for a file."""
    return [
        {
            "number": one.id,
            "asker": one.asker,
            "asked": one.asked,
            "what": one.what,
            "why": one.why,
            "asked_on": one.asked_on.isoformat(),
            "due": one.due.isoformat(),
            "state": state(one, today),
            "timer": timer(one, today).said,
            "answered_on": one.answered_on.isoformat() if one.answered_on else "",
            "reason": one.reason,
            "agreement": one.agreement,
        }
        for one in askings
    ]


def _sound_days(asked_on: date, due: date, today: date) -> None:
    if asked_on > today:
        raise BadInput("The day it was asked lies ahead.", mend="Enter a day up to today.")
    if not asked_on <= due <= asked_on + FURTHEST_DUE:
        raise BadInput(
            "The day it is due is before it was asked, or more than a year after.",
            mend="Leave it empty for 28 days.",
        )


def _governs(member: Member | None) -> bool:
    return member is not None and bool(set(member.roles) & set(ASKERS))


def _text(said: str, missing: str) -> str:
    text = said.strip()
    if not text or len(text) > LONGEST_TEXT:
        raise BadInput(missing, mend=f"Write 1 to {LONGEST_TEXT:,} characters.")
    return text


def _only(said: str) -> Refused:
    return Refused([Reason("asking", "asking", said)])
