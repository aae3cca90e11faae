"""The public register of agreements: who gives what to whom, why, by which law, and how much.

For anybody, without signing in. It holds no name of a person, no value that a row is chosen by,
and no count so small that it could point to somebody.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from commonthread.broker.rules.terms import Grant, Party

from .activity import Month
from .files import as_csv, as_json, as_text
from .held import Held, Signed
from .wording import MODES, basis, columns, condition, day, kept, listed, takers

CSV = (
    "agreement",
    "title",
    "in_force",
    "giver",
    "dataset",
    "takers",
    "purpose",
    "how",
    "shown",
    "records",
    "download",
    "kept",
    "starts",
    "ends",
    "digest",
)


@dataclass(frozen=True, slots=True)
class Flow:
    """One grant in words: who gives what to whom."""

    giver: str
    dataset: str
    takers: tuple[str, ...]
    purpose: str
    how: str
    shown: tuple[str, ...]
    records: str
    download: str
    kept: str

    def to_plain(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Ground:
    """By which law one party takes part; the fields are empty for a processor."""

    partner: str
    role: str
    basis: str
    condition: str
    power: str
    has_left: bool

    def to_plain(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Published:
    """One agreement as everybody may read it."""

    reference: str
    title: str
    version: int
    digest: str
    is_in_force: bool
    starts: str
    ends: str
    purposes: tuple[str, ...]
    benefits: tuple[str, ...]
    grounds: tuple[Ground, ...]
    flows: tuple[Flow, ...]
    months: tuple[Month, ...]

    def to_plain(self) -> dict[str, Any]:
        plain = {name: getattr(self, name) for name in self.__slots__}
        return {
            **plain,
            "grounds": [ground.to_plain() for ground in self.grounds],
            "flows": [flow.to_plain() for flow in self.flows],
            "months": [
                {"month": m.month, "answered": m.answered, "refused": m.refused}
                for m in self.months
            ],
        }


def agreements(held: Held) -> tuple[Published, ...]:
    return tuple(_published(held, signed) for signed in held.agreements)


def _published(held: Held, signed: Signed) -> Published:
    terms = signed.terms
    return Published(
        reference=terms.reference,
        title=terms.title,
        version=terms.version,
        digest=terms.digest,
        is_in_force=signed.is_in_force,
        starts=terms.starts.isoformat(),
        ends=terms.ends.isoformat(),
        purposes=tuple(sorted(purpose.text for purpose in terms.purposes)),
        benefits=signed.section("benefits"),
        grounds=tuple(
            _ground(held, signed, party) for party in (*signed.controllers(), *signed.processors())
        ),
        flows=tuple(_flow(held, signed, grant) for grant in signed.grants()),
        months=held.activity.months(terms.reference, held.at),
    )


def _ground(held: Held, signed: Signed, party: Party) -> Ground:
    return Ground(
        held.name(party.partner),
        party.role,
        basis(party),
        condition(party),
        party.legal_power,
        party.partner in signed.left,
    )


def _flow(held: Held, signed: Signed, grant: Grant) -> Flow:
    purposes = {purpose.id: purpose.text for purpose in signed.terms.purposes}
    narrowed = grant.rows is not None or grant.persons
    return Flow(
        giver=held.name(grant.owner),
        dataset=held.title(grant.dataset),
        takers=takers(grant, held),
        purpose=purposes[grant.purpose],
        how=MODES[grant.mode],
        shown=columns(grant),
        records="some records" if narrowed else "all records",
        download="may be downloaded" if grant.export else "may not be downloaded",
        kept=kept(grant),
    )


def register_json(held: Held) -> bytes:
    found = [each.to_plain() for each in agreements(held)]
    return as_json({"made_of": held.about(), "agreements": found})


def register_csv(held: Held) -> bytes:
    """One line for each thing that is given."""
    return as_csv(CSV, _lines(held))


def _lines(held: Held) -> Iterator[dict[str, Any]]:
    for each in agreements(held):
        whole = {"agreement": each.reference, "title": each.title, "in_force": each.is_in_force}
        whole |= {"starts": each.starts, "ends": each.ends, "digest": each.digest}
        for flow in each.flows:
            yield {**whole, **flow.to_plain()}


def register_text(held: Held) -> bytes:
    """The register as Markdown, to read or to print."""
    lines = ["# Agreements to share data", "", held.about_in_words(), ""]
    for signed, each in zip(held.agreements, agreements(held), strict=True):
        lines += [*_told(signed, each), ""]
    return as_text(lines)


def _told(signed: Signed, each: Published) -> Iterator[str]:
    yield f"## {each.reference}: {each.title}"
    yield ""
    state = "In force." if each.is_in_force else "Not in force."
    first, last = day(signed.terms.starts), day(signed.terms.ends)
    yield f"{state} From {first} to {last}. Version {each.version}."
    yield ""
    yield f"Why: {' '.join(each.purposes)}"
    yield ""
    for flow in each.flows:
        yield f"- {sentence(flow)}"
    yield ""
    for ground in each.grounds:
        yield f"- {law(ground)}"
    for month in each.months:
        yield f"- In {month.month}: {month.answered} answered, {month.refused} refused."
    yield ""
    yield f"Digest of the signed terms: `{each.digest}`"


def sentence(flow: Flow) -> str:
    """One flow in one sentence."""
    return (
        f"{flow.giver} gives {flow.records} of “{flow.dataset}” to {listed(flow.takers)}: "
        f"{flow.how}. It {flow.download}. Kept for: {flow.kept}. Shown: {', '.join(flow.shown)}."
    )


def law(ground: Ground) -> str:
    """One party's ground in one sentence."""
    left = " It has left the agreement." if ground.has_left else ""
    if not ground.basis:
        return f"{ground.partner} only acts for the others ({ground.role}).{left}"
    laws = "; ".join(filter(None, (ground.basis, ground.condition, ground.power)))
    return f"{ground.partner} ({ground.role}) relies on {laws}.{left}"
