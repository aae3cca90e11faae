"""The life of one agreement: what happened, what lies ahead, and when it was open.

Pure: the standing, the facts of the ledger and the attestations go in. Everything that is not a
fact follows from one: a credential that lapses, an end, a review. What lies ahead is said as if
nobody did anything more. An agreement on which this one rests has a timeline of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from commonthread.broker.access.proofs import Opened
from commonthread.broker.rules import keys
from commonthread.broker.rules.canonical import parse_instant
from commonthread.broker.rules.dates import begins, ends
from commonthread.broker.rules.facts import ACT, AGREEMENT
from commonthread.broker.rules.standing import Standing, Version
from commonthread.broker.rules.terms import CONTROLLING, Demand, required_parties

from .duties import Attested, owed_under

WAITING, OPEN, STOPPED, ENDED = "waiting", "open", "stopped", "ended"
FACTS = (AGREEMENT, ACT)
ACTS = {
    keys.SIGN: ("signed", "{who} signed version {version}"),
    keys.WITHDRAW: ("withdrawn", "{who} withdrew"),
    keys.SUSPEND: ("suspended", "{who} suspended it"),
    keys.RESUME: ("resumed", "{who} resumed it"),
}


@dataclass(frozen=True, slots=True)
class Event:
    """One thing on the timeline. `entry` is its number in the ledger, where it is a fact."""

    at: datetime
    kind: str
    said: str
    why: str = ""
    entry: int | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """From when until when the agreement was, is or will be in one state; `why` it is closed."""

    start: datetime
    end: datetime
    state: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Timeline:
    events: tuple[Event, ...]
    spans: tuple[Span, ...]
    at: datetime

    @property
    def past(self) -> tuple[Event, ...]:
        return tuple(event for event in self.events if event.at <= self.at)

    @property
    def ahead(self) -> tuple[Event, ...]:
        return tuple(event for event in self.events if event.at > self.at)


def timeline(
    reference: str,
    standing: Standing,
    facts: Iterable[Opened],
    attested: Sequence[Attested],
    at: datetime,
) -> Timeline:
    """`facts`: those of the kinds `FACTS` about this reference, oldest first."""
    names = {id_: partner.name for id_, partner in standing.partners.items()}
    versions = standing.agreements.get(reference, ())
    happened = tuple(facts)
    closures = [
        closure
        for place, version in enumerate(versions)
        for closure in _closures(version, versions[place + 1 :], standing, happened, names)
    ]
    events = [
        *_facts(happened, versions, names),
        *_signed_by_all(versions),
        *_lapses(closures),
        *_dates(standing, reference),
        *_duties(standing, reference, attested, names, at),
    ]
    spans = _spans(versions, closures)
    ordered = sorted(dict.fromkeys(events), key=lambda event: (event.at, event.entry is None))
    return Timeline(tuple(ordered), spans, at)


def _facts(
    facts: Iterable[Opened], versions: Sequence[Version], names: Mapping[str, str]
) -> Iterator[Event]:
    numbers = {version.terms.digest: version.terms.version for version in versions}
    for fact in facts:
        when = parse_instant(fact.at)
        if fact.kind == AGREEMENT:
            yield Event(
                when, "applied", f"Version {fact.body['version']} was proposed", "", fact.seq
            )
            continue
        envelope = fact.body["envelope"]
        known = ACTS.get(envelope["act"])
        if known is not None:
            kind, said = known
            who = names.get(envelope["partner"], envelope["partner"])
            number = numbers.get(envelope["subject"], 0)
            text = said.format(who=who, version=number)
            yield Event(when, kind, text, envelope["reason"], fact.seq)


def _signed_by_all(versions: Sequence[Version]) -> Iterator[Event]:
    complete = [version for version in versions if version.completed is not None]
    for place, version in enumerate(complete):
        number = version.terms.version
        if place:
            before = complete[place - 1].terms.version
            said = f"Version {before} was superseded by version {number}"
            yield Event(_signed(version), "superseded", said)
        yield Event(_from(version), "in-force", f"Version {number} came into force")


def _signed(version: Version) -> datetime:
    return version.completed or version.proposed


def _from(version: Version) -> datetime:
    """From when a version that all have signed governs and is within its dates."""
    return max(_signed(version), begins(version.terms.starts))


@dataclass(frozen=True, slots=True)
class Closure:
    """A time in which a version was not open though all had signed it."""

    version: int
    start: datetime
    end: datetime
    why: str
    kind: str
    over: str = ""


def _closures(
    version: Version,
    later: Sequence[Version],
    standing: Standing,
    facts: Sequence[Opened],
    names: Mapping[str, str],
) -> Iterator[Closure]:
    if version.completed is None:
        return
    start, end = _from(version), _until(version, later)
    for closure in (
        *_withdrawals(version, standing, end, names),
        *_suspensions(version, facts, end, names),
        *_credentials(version, standing, start, end, names),
        *_assessment_and_charter(version, standing, end),
    ):
        if closure.start < end and closure.end >= start:
            yield closure


def _until(version: Version, later: Sequence[Version]) -> datetime:
    replaced = [other.completed for other in later if other.completed is not None]
    return min([ends(version.terms.ends), *replaced])


def _withdrawals(
    version: Version, standing: Standing, end: datetime, names: Mapping[str, str]
) -> Iterator[Closure]:
    left = set(required_parties(version.terms, standing.contracts))
    for partner, act in sorted(version.withdrawals.items(), key=lambda one: one[1].at):
        left.discard(partner)
        if version.terms.on_withdrawal != "continue-without" or len(left) < 2:
            who = names.get(partner, partner)
            yield Closure(version.terms.version, act.at, end, f"{who} withdrew", "withdrawn")


def _suspensions(
    version: Version, facts: Sequence[Opened], end: datetime, names: Mapping[str, str]
) -> Iterator[Closure]:
    since: dict[str, datetime] = {}
    for fact in facts:
        envelope = fact.body.get("envelope", {}) if fact.kind == ACT else {}
        if envelope.get("subject") != version.terms.digest:
            continue
        partner = envelope["partner"]
        why = f"{names.get(partner, partner)} suspended it"
        if envelope["act"] == keys.SUSPEND:
            since[partner] = parse_instant(fact.at)
        elif envelope["act"] == keys.RESUME and partner in since:
            until = parse_instant(fact.at)
            yield Closure(version.terms.version, since.pop(partner), until, why, "suspended")
    for partner, start in since.items():
        why = f"{names.get(partner, partner)} suspended it"
        yield Closure(version.terms.version, start, end, why, "suspended")


def _credentials(
    version: Version,
    standing: Standing,
    start: datetime,
    end: datetime,
    names: Mapping[str, str],
) -> Iterator[Closure]:
    """Where a credential that the terms demand did not cover, as `force.credential_state` says."""
    for party in version.terms.parties:
        if party.role not in CONTROLLING:
            continue
        left = version.withdrawals.get(party.partner)
        until = min(end, left.at) if left else end
        who = names.get(party.partner, party.partner)
        for demand in version.terms.demands:
            gaps = list(_gaps(demand, party.partner, standing, start, until))
            # Where it was not held from the first instant, there is no lapse that ends for good.
            held_first = bool(gaps) and gaps[0][0] > start
            for lapse, over in gaps:
                for_good = demand.on_lapse == "end" and held_first
                warned = demand.on_lapse == "warn"
                yield Closure(
                    version.terms.version,
                    lapse,
                    lapse if warned else until if for_good else over,
                    f"{who} has no {demand.scheme} in date",
                    "warned" if warned else "lapsed",
                    "" if for_good or over >= until else f"{who} renewed its {demand.scheme}",
                )
                if for_good:
                    break


def _gaps(
    demand: Demand, partner: str, standing: Standing, start: datetime, end: datetime
) -> Iterator[tuple[datetime, datetime]]:
    """The times in [start, end) that no credential of the scheme and level covers."""
    known = standing.partners.get(partner)
    covered = start
    for item in sorted(known.credentials if known else (), key=lambda one: one.recorded):
        if item.scheme != demand.scheme or demand.level not in ("", item.level):
            continue
        if item.recorded > covered:
            yield covered, min(item.recorded, end)
        covered = max(covered, ends(item.expires))
        if covered >= end:
            return
    if covered < end:
        yield covered, end


def _assessment_and_charter(
    version: Version, standing: Standing, end: datetime
) -> Iterator[Closure]:
    number = version.terms.version
    dpia = standing.dpias.get(version.terms.dpia)
    if dpia is not None:
        why = f"The assessment {dpia.reference} is past its review date"
        yield Closure(number, ends(dpia.review), end, why, "assessment")
    charter = standing.charters.get(version.terms.charter)
    if charter is not None:
        why = f"The charter {charter.reference} has ended"
        yield Closure(number, ends(charter.ends), end, why, "charter")


def _lapses(closures: Iterable[Closure]) -> Iterator[Event]:
    """The closures that no act of a signatory made, and their ends."""
    for closure in closures:
        if closure.kind in ("lapsed", "assessment", "charter"):
            yield Event(closure.start, closure.kind, f"{closure.why}: sharing stops")
        if closure.kind == "warned":
            yield Event(closure.start, "warned", f"{closure.why}: the parties are warned")
        if closure.kind == "lapsed" and closure.over:
            yield Event(closure.end, "renewed", closure.over)


def _dates(standing: Standing, reference: str) -> Iterator[Event]:
    version = standing.governing(reference)
    if version is None:
        return
    yield Event(begins(version.terms.review), "review", "The review is due")
    yield Event(ends(version.terms.ends), "ended", "The agreement has ended")


def _duties(
    standing: Standing,
    reference: str,
    attested: Sequence[Attested],
    names: Mapping[str, str],
    at: datetime,
) -> Iterator[Event]:
    for one in owed_under(reference, standing, attested, at):
        if one.undertaking.clause == "review":
            continue
        who = names.get(one.undertaking.owner, one.undertaking.owner)
        yield Event(begins(one.due), "due", f"{who} owes: {one.undertaking.text}", one.said)
    for done in attested:
        who = names.get(done.partner, done.partner)
        yield Event(done.at, "attested", f"{who} attested {done.clause}", done.note)


def _spans(versions: Sequence[Version], closures: Sequence[Closure]) -> tuple[Span, ...]:
    """The whole life cut at each boundary, neighbours in one state joined."""
    if not versions:
        return ()
    complete = [version for version in versions if version.completed is not None]
    first = versions[0].proposed
    if not complete:
        return (Span(first, ends(versions[-1].terms.ends), WAITING, "Not all have signed"),)
    last = ends(complete[-1].terms.ends)
    cuts = {first, last, *(_from(version) for version in complete)}
    cuts |= {_until(v, complete[place + 1 :]) for place, v in enumerate(complete)}
    cuts |= {moment for closure in closures for moment in (closure.start, closure.end)}
    edges = sorted(cut for cut in cuts if first <= cut <= last)
    pieces = [
        _piece(start, end, complete, closures) for start, end in pairwise(edges) if start < end
    ]
    return tuple(_joined(pieces))


def _piece(
    start: datetime, end: datetime, complete: Sequence[Version], closures: Sequence[Closure]
) -> Span:
    """The state between two neighbouring boundaries."""
    governing = [v for v in complete if v.completed is not None and v.completed <= start]
    if not governing or start < _from(governing[-1]):
        return Span(start, end, WAITING, "Not all have signed, or it has not started")
    version = governing[-1]
    if start >= ends(version.terms.ends):
        return Span(start, end, ENDED, "It has ended")
    holding = [
        c for c in closures if c.version == version.terms.version and c.start <= start < c.end
    ]
    if not holding:
        return Span(start, end, OPEN)
    for_good = any(closure.kind == "withdrawn" for closure in holding)
    why = "; ".join(dict.fromkeys(closure.why for closure in holding))
    return Span(start, end, ENDED if for_good else STOPPED, why)


def _joined(pieces: Iterable[Span]) -> Iterator[Span]:
    held: Span | None = None
    for piece in pieces:
        if held is not None and (held.state, held.why) == (piece.state, piece.why):
            held = Span(held.start, piece.end, held.state, held.why)
            continue
        if held is not None:
            yield held
        held = piece
    if held is not None:
        yield held
