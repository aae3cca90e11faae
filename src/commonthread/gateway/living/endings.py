"""What an ending owes: destruction and return of data, by whom and until when.

Software ends what is here: extracts are destroyed and each query is cut within a second. What has
left the platform is for people: each recipient destroys or returns what it kept, after the
retention of the grant that gave it, and says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from commonthread.broker.rules.dates import ends, london_day
from commonthread.broker.rules.force import parties_left
from commonthread.broker.rules.standing import Standing, Version
from commonthread.broker.rules.terms import PLATFORM, Grant, Terms
from commonthread.gateway.clauses import after

PLANNED, ENDED, WITHDRAWN, NARROWED = "planned", "ended", "withdrawn", "narrowed"


@dataclass(frozen=True, slots=True)
class Ending:
    """Why data have to go, and from which day the retention runs. `left`: who withdrew."""

    kind: str
    day: date
    left: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Due:
    """What one partner owes because of an ending; `clause` is where the terms say so."""

    partner: str
    text: str
    clause: str
    due: date
    ending: Ending


def endings(reference: str, standing: Standing, at: datetime) -> tuple[Ending, ...]:
    """What has ended, oldest first; while nothing has, the end that is planned."""
    version = standing.governing(reference)
    if version is None or version.completed is None:
        return ()
    found = [
        Ending(WITHDRAWN, london_day(act.at), partner, act.envelope.reason)
        for partner, act in sorted(version.withdrawals.items())
    ]
    before = _before(reference, standing, version)
    if before is not None and any(_gone(before.terms, version.terms)):
        found.append(Ending(NARROWED, london_day(version.completed)))
    if at >= ends(version.terms.ends):
        found.append(Ending(ENDED, version.terms.ends))
    elif not found:
        found.append(Ending(PLANNED, version.terms.ends))
    return tuple(sorted(found, key=lambda one: (one.day, one.left)))


def owes(reference: str, standing: Standing, at: datetime) -> tuple[Due, ...]:
    """What each partner owes for the endings there are, soonest first."""
    version = standing.governing(reference)
    if version is None:
        return ()
    found = [
        due
        for ending in endings(reference, standing, at)
        for due in _of(ending, reference, standing, version)
    ]
    return tuple(sorted(set(found), key=lambda due: (due.due, due.partner, due.clause, due.text)))


def has_ended(reference: str, standing: Standing, at: datetime) -> date | None:
    """The day on which it ended for all, where it has: by its last day, or by a withdrawal."""
    version = standing.governing(reference)
    if version is None:
        return None
    left = parties_left(version, standing)
    for_all = version.terms.on_withdrawal == "end" or len(left) < 2
    kinds = (ENDED, WITHDRAWN) if for_all else (ENDED,)
    days = [one.day for one in endings(reference, standing, at) if one.kind in kinds]
    return min(days, default=None)


def _of(ending: Ending, reference: str, standing: Standing, version: Version) -> Iterator[Due]:
    terms = version.terms
    if ending.kind == NARROWED:
        before = _before(reference, standing, version)
        if before is not None:
            for grant in _gone(before.terms, terms):
                yield from _destroyed(grant, ending, _takers(grant))
        return
    for grant in terms.grants:
        yield from _destroyed(grant, ending, _bound(grant, ending, terms))
    if ending.kind != PLANNED:
        yield from _duties_left(terms, ending)


def _bound(grant: Grant, ending: Ending, terms: Terms) -> set[str]:
    """Who has to let go of what a grant gave: all, or where the others go on, those it touches."""
    takers = _takers(grant)
    if ending.kind != WITHDRAWN or terms.on_withdrawal == "end":
        return takers
    return takers if grant.owner == ending.left else takers & {ending.left}


def _destroyed(grant: Grant, ending: Ending, partners: set[str]) -> Iterator[Due]:
    for partner in sorted(partners):
        back = "" if partner == grant.owner else f", or return it to {grant.owner}"
        yield Due(
            partner,
            f"Destroy what was kept of {grant.id}{back}, and say so.",
            f"grant[{grant.id}].retention",
            after(ending.day, grant.retention or "P0D"),
            ending,
        )


def _duties_left(terms: Terms, ending: Ending) -> Iterator[Due]:
    """Duties that fall due once it has ended stay owed: an ending does not take them back."""
    for duty in terms.duties:
        if duty.due >= ending.day and ending.left in ("", duty.owner):
            yield Due(duty.owner, duty.text, f"duty[{duty.id}]", duty.due, ending)


def _before(reference: str, standing: Standing, version: Version) -> Version | None:
    """The version that all had signed before the one that governs."""
    versions = standing.agreements.get(reference, ())
    earlier = [one for one in versions if one.completed is not None and one is not version]
    return earlier[-1] if earlier else None


def _gone(old: Terms, new: Terms) -> Iterator[Grant]:
    """The grants that a version no longer has, or no longer to everybody."""
    for grant in old.grants:
        kept = new.grant(grant.id)
        if kept is None or kept.dataset != grant.dataset or _takers(grant) - _takers(kept):
            yield grant


def _takers(grant: Grant) -> set[str]:
    return {group.split("/")[0] for group in grant.recipients} - {PLATFORM}
