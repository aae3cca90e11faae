"""What has to be said in time: credentials, charters, agreements, DPIAs, reviews and duties.

Pure: a standing and a time in, reminders out. One falls due 60, 30 and 7 days before the last day
of what it is about, and each has a key of its own, so that whoever sends them sends each once. A
home that was not looked at for a while is told the nearest of them only: nobody is told that 60
days are left when 20 are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime

from commonthread.broker.rules.dates import london_day
from commonthread.broker.rules.force import in_force
from commonthread.broker.rules.standing import (
    DPO,
    OFFICER,
    SIGNATORY,
    Credential,
    Member,
    Partner,
    Standing,
    Version,
)
from commonthread.broker.rules.terms import PLATFORM
from commonthread.gateway.living.duties import owed_under

from .grid import asked_parties, newest
from .schemes import scheme_in_words

DAYS = (60, 30, 7)
CREDENTIAL, CHARTER, AGREEMENT, REVIEW, DPIA, DUTY = (
    "credential",
    "charter",
    "agreement",
    "review",
    "dpia",
    "duty",
)
FINISHED = {"withdrawn", "unsigned", "ended", "credential-ended"}
# (reference, clause, partner, day): a partner's word that it did what it owed on that day.
Done = tuple[str, str, str, date]


@dataclass(frozen=True, slots=True)
class Reminder:
    """One thing to say to some partners: what ends after the day `on`, in `days` days.

    `before` is the reminder that is due (60, 30 or 7). `what` names the thing for ever: a partner
    and a scheme, a reference, a reference and a duty.
    """

    kind: str
    what: str
    title: str
    on: date
    before: int
    days: int
    partners: tuple[str, ...]
    does: str

    @property
    def key(self) -> str:
        return f"reminder:{self.kind}:{self.what}:{self.on.isoformat()}:{self.before}"

    @property
    def subject(self) -> str:
        if not self.days:
            return f"{self.title}: today is the last day"
        return f"{self.title}: {self.days} day{'' if self.days == 1 else 's'} left"

    @property
    def text(self) -> str:
        last = f"{self.on.day} {self.on:%B %Y}"
        return f"{self.title}.\n\nThe last day is {last}. {self.does}\n"


def due_before(on: date, today: date) -> int | None:
    """The nearest reminder that has fallen due for a day: 60, 30 or 7; None too early or late."""
    days = (on - today).days
    reached = [each for each in DAYS if days <= each]
    return min(reached) if reached and days >= 0 else None


def reminders(
    standing: Standing, at: datetime, done: Collection[Done] = ()
) -> tuple[Reminder, ...]:
    """All that have fallen due at `at`, the most urgent first; `done`: what was attested."""
    today = london_day(at)
    found = [
        *_credentials(standing, today),
        *_charters(standing, today),
        *_agreements(standing, today, at, done),
    ]
    return tuple(sorted(found, key=lambda one: (one.on, one.key)))


def told(standing: Standing, partner: str) -> tuple[Member, ...]:
    """Whom a partner is told through: its governance officers; else its DPO, else who signs."""
    members = [one for one in standing.members.values() if one.partner == partner]
    for role in (OFFICER, DPO, SIGNATORY):
        holding = sorted((one for one in members if role in one.roles), key=lambda one: one.id)
        if holding:
            return tuple(holding)
    return ()


def _reminder(
    kind: str, what: str, title: str, on: date, partners: tuple[str, ...], does: str, today: date
) -> Iterator[Reminder]:
    before = due_before(on, today)
    if before is not None:
        yield Reminder(kind, what, title, on, before, (on - today).days, partners, does)


def _credentials(standing: Standing, today: date) -> Iterator[Reminder]:
    """Of each scheme the one that lasts longest; and of each level that is asked for."""
    asked = _asked(standing, today)
    for partner in standing.partners.values():
        for scheme in sorted({held.scheme for held in partner.credentials}):
            asks = asked.get((partner.id, scheme), {})
            lasting = {level: newest(partner, scheme, level) for level in {"", *asks}}
            for last in dict.fromkeys(one for one in lasting.values() if one is not None):
                stops = [ref for level in asks if lasting[level] is last for ref in asks[level]]
                yield from _credential(partner, last, stops, today)


def _credential(
    partner: Partner, last: Credential, stops: list[str], today: date
) -> Iterator[Reminder]:
    title = f"{scheme_in_words(last.scheme)} of {partner.name}"
    does = "No agreement asks for it."
    if stops:
        does = f"It is asked for by {', '.join(sorted(stops))}. Renew it before it lapses."
    what = f"{partner.id}:{last.scheme}"
    yield from _reminder(CREDENTIAL, what, title, last.expires, (partner.id,), does, today)


def _asked(standing: Standing, today: date) -> dict[tuple[str, str], dict[str, list[str]]]:
    """(partner, scheme) → level → the agreements that ask for it, ended ones left out."""
    found: dict[tuple[str, str], dict[str, list[str]]] = {}
    for reference in standing.agreements:
        version = standing.governing(reference)
        if version is None or version.terms.ends < today:
            continue
        for party in asked_parties(version):
            for demand in version.terms.demands:
                asks = found.setdefault((party.partner, demand.scheme), {})
                asks.setdefault(demand.level, []).append(reference)
    return found


def _charters(standing: Standing, today: date) -> Iterator[Reminder]:
    for charter in standing.charters.values():
        acceded = tuple(sorted(who for of, who in standing.accessions if of == charter.reference))
        yield from _reminder(
            CHARTER,
            charter.reference,
            f"{charter.reference}, {charter.title}",
            charter.ends,
            _people(acceded),
            "Everything under it closes then, unless its partners sign a new version.",
            today,
        )


def _agreements(
    standing: Standing, today: date, at: datetime, done: Collection[Done]
) -> Iterator[Reminder]:
    for reference in standing.agreements:
        version = standing.governing(reference)
        if version is None or version.completed is None:
            continue
        found = [*_dated(version, standing, today)]
        if found and not _is_finished(reference, standing, at):
            yield from found
        yield from _duties(version, standing, at, done)


def _is_finished(reference: str, standing: Standing, at: datetime) -> bool:
    """Whether nothing but a new version would bring it back: then its dates worry nobody."""
    return any(reason.code in FINISHED for reason in in_force(reference, standing, at).reasons)


def _dated(version: Version, standing: Standing, today: date) -> Iterator[Reminder]:
    terms = version.terms
    name = f"{terms.reference}, {terms.title}"
    left = _people(tuple(p.partner for p in terms.parties if p.partner not in version.withdrawals))
    does = "Nothing is opened under it afterwards, unless its parties sign a new version."
    yield from _reminder(AGREEMENT, terms.reference, name, terms.ends, left, does, today)
    does = "Look whether it still does what it was signed for."
    title = f"Review of {name}"
    yield from _reminder(REVIEW, terms.reference, title, terms.review, left, does, today)
    dpia = standing.dpias.get(terms.dpia)
    if dpia is not None:
        title = f"Review of {dpia.reference}, on which {terms.reference} rests"
        does = "Past its review date, it closes the agreement."
        what = f"{terms.reference}:{dpia.reference}"
        yield from _reminder(DPIA, what, title, dpia.review, left, does, today)


def _duties(
    version: Version, standing: Standing, at: datetime, done: Collection[Done]
) -> Iterator[Reminder]:
    """The next day of each thing that is owed and was not attested; reviews have their own."""
    terms, today = version.terms, london_day(at)
    seen = {(REVIEW, party.partner) for party in terms.parties}
    for one in owed_under(terms.reference, standing, (), at):
        each = one.undertaking
        which = (each.clause, each.owner)
        is_done = (terms.reference, *which, one.due) in done
        if one.due < today or which in seen or is_done:
            continue
        seen.add(which)
        what = f"{terms.reference}:{each.owner}:{each.clause}"
        title = f"Duty under {terms.reference}, {terms.title}"
        does = f"What has to be done: {each.text}"
        yield from _reminder(DUTY, what, title, one.due, (each.owner,), does, today)


def _people(partners: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(partner for partner in partners if partner != PLATFORM)
