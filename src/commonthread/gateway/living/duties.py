"""What the parties of an agreement owe, each on its day, and who attested that it was done.

A duty that recurs falls due again each period until the agreement ends; each time is attested for
itself. Software does none of it, and an attestation is the owner's word with its evidence named.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import IntegrityError, transaction

from commonthread.broker.access import BadInput, Refused
from commonthread.broker.rules.dates import london_day
from commonthread.broker.rules.errors import Reason
from commonthread.broker.rules.standing import Member, Standing
from commonthread.broker.rules.terms import Terms
from commonthread.gateway import models
from commonthread.gateway.clauses import Undertaking, after, undertakings

from . import endings

# A duty of every day for nine years would be a list nobody reads; the newest ones matter.
MOST_TIMES = 200
AHEAD = timedelta(days=400)
SOON = timedelta(days=30)
LONGEST_NOTE = 2_000
DONE, OVERDUE, DUE_SOON, LATER = "done", "overdue", "due-soon", "later"


@dataclass(frozen=True, slots=True)
class Attested:
    """A partner's word that something owed was done; `note` says where the evidence is."""

    clause: str
    partner: str
    due: date
    by: str
    at: datetime
    note: str


@dataclass(frozen=True, slots=True)
class Owed:
    """One thing that is owed on one day, done or not, as of `today`."""

    undertaking: Undertaking
    due: date
    today: date
    attested: Attested | None = None

    @property
    def key(self) -> str:
        """A word for the form that attests it; the same for the same duty and day."""
        return f"{self.undertaking.clause}|{self.undertaking.owner}|{self.due.isoformat()}"

    @property
    def state(self) -> str:
        if self.attested:
            return DONE
        if self.due < self.today:
            return OVERDUE
        return DUE_SOON if self.due - self.today <= SOON else LATER

    @property
    def said(self) -> str:
        """How it stands, in words."""
        if self.attested:
            return "done"
        return days_in_words(self.due, self.today)


def days_in_words(due: date, today: date) -> str:
    """`overdue by 3 days`, `due today`, `due in 1 day`."""
    days = (due - today).days
    if not days:
        return "due today"
    said = f"{abs(days):,} day{'' if abs(days) == 1 else 's'}"
    return f"due in {said}" if days > 0 else f"overdue by {said}"


def owed_under(
    reference: str, standing: Standing, attested: Iterable[Attested], at: datetime
) -> tuple[Owed, ...]:
    """All that is owed under an agreement that all have signed, with what its endings ask for."""
    version = standing.governing(reference)
    if version is None or version.completed is None:
        return ()
    wanted = tuple(_with_endings(version.terms, standing, at))
    return owed(wanted, version.terms.ends, attested, london_day(at))


def _with_endings(terms: Terms, standing: Standing, at: datetime) -> Iterator[Undertaking]:
    """An ending sets its own days; and what has ended is neither reviewed nor mitigated."""
    found = endings.owes(terms.reference, standing, at)
    ended = [due for due in found if due.ending.kind != endings.PLANNED]
    replaced = {(due.clause, due.partner) for due in ended}
    last = endings.has_ended(terms.reference, standing, at)
    for each in undertakings(terms):
        lapsed = last is not None and each.due > last and not each.clause.startswith(STAYS)
        if (each.clause, each.owner) not in replaced and not lapsed:
            yield each
    for due in ended:
        yield Undertaking(due.clause, due.text, due.partner, due.due)


STAYS = ("duty[", "grant[")


def owed(
    wanted: Iterable[Undertaking], last: date, attested: Iterable[Attested], today: date
) -> tuple[Owed, ...]:
    """All that is owed up to a good year from now, soonest first; further ahead, the next time.

    `last`: the agreement's last day; what recurs does not fall due after it.
    """
    known = {(one.clause, one.partner, one.due): one for one in attested}
    found = [
        Owed(each, due, today, known.get((each.clause, each.owner, due)))
        for each in wanted
        for due in _times(each, last, today)
    ]
    once = {one.key: one for one in found}
    return tuple(sorted(once.values(), key=lambda one: (one.due, one.undertaking.owner, one.key)))


def _times(each: Undertaking, last: date, today: date) -> list[date]:
    times = list(every_time(each, last))
    near = [day for day in times if day <= today + AHEAD]
    return (near or times[:1])[-MOST_TIMES:]


def every_time(each: Undertaking, last: date) -> Iterator[date]:
    """The days on which it falls due: counted from the first, so that the 31st stays the 31st."""
    yield each.due
    if not each.every:
        return
    number = 1
    while each.due < (day := _later(each, number)) <= last:
        yield day
        number += 1


def _later(each: Undertaking, number: int) -> date:
    """The day so many periods later; beyond the calendar it is the last day that there is."""
    try:
        return after(each.due, times(each.every, number))
    except (ValueError, OverflowError):
        return date.max


def times(period: str, number: int) -> str:
    """An ISO period so many times over: P6M twice is P12M."""
    digits = ""
    said = ""
    for letter in period:
        if letter.isdigit():
            digits += letter
        else:
            said += (str(int(digits) * number) if digits else "") + letter
            digits = ""
    return said


def attest(
    reference: str,
    standing: Standing,
    key: str,
    note: str,
    *,
    by: Member | None,
    at: datetime,
) -> models.Attestation:
    """A member with a role of the owner says that it was done, and where the evidence is."""
    wanted = next((one for one in owed_under(reference, standing, (), at) if one.key == key), None)
    if wanted is None:
        raise BadInput("The agreement owes nothing of this kind.", mend="Look at its duties again.")
    owner = wanted.undertaking.owner
    if by is None or not by.roles or by.partner != owner:
        raise _only(f"Only a member with a role of {owner} can attest this.")
    text = note.strip()
    if not text or len(text) > LONGEST_NOTE:
        raise BadInput(
            "Enter what was done and where the evidence is.",
            mend=f"Write 1 to {LONGEST_NOTE:,} characters.",
        )
    try:
        with transaction.atomic():
            return models.Attestation.objects.create(
                reference=reference,
                clause=wanted.undertaking.clause,
                partner=owner,
                due=wanted.due,
                by=by.id,
                at=at,
                note=text,
            )
    except IntegrityError:
        raise BadInput("This has been attested already.") from None


def attested(reference: str) -> tuple[Attested, ...]:
    """What was attested of an agreement, as values."""
    return tuple(
        Attested(one.clause, one.partner, one.due, one.by, one.at, one.note)
        for one in models.Attestation.objects.filter(reference=reference).order_by("at", "id")
    )


def _only(said: str) -> Refused:
    return Refused([Reason("duty", "duty", said)])
