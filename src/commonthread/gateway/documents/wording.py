"""The clauses of an agreement as sections of plain English, every field of its terms among them.

A section is a title and blocks; a block is plain data that the template lays out: `text`, `list`,
`table` or `part` (a heading below the section's own). Nothing here knows of PDF.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from commonthread.broker.rules.contracts import Contract
from commonthread.broker.rules.terms import Demand, Grant, Party, Terms
from commonthread.gateway import words

Block = dict[str, Any]
Section = dict[str, Any]

LONDON = ZoneInfo("Europe/London")
BASES = {
    "consent": "consent (UK GDPR Art 6(1)(a))",
    "contract": "contract (UK GDPR Art 6(1)(b))",
    "legal-obligation": "legal obligation (UK GDPR Art 6(1)(c))",
    "vital-interests": "vital interests (UK GDPR Art 6(1)(d))",
    "public-task": "public task (UK GDPR Art 6(1)(e))",
    "recognised-legitimate-interests": "recognised legitimate interests (UK GDPR Art 6(1)(ea))",
    "legitimate-interests": "legitimate interests (UK GDPR Art 6(1)(f))",
}
CONDITIONS = {
    "explicit-consent": "explicit consent (Art 9(2)(a))",
    "employment-social-security-and-protection": (
        "employment, social security and social protection (Art 9(2)(b))"
    ),
    "vital-interests": "vital interests (Art 9(2)(c))",
    "not-for-profit-bodies": "not-for-profit bodies (Art 9(2)(d))",
    "made-public": "made public by the person (Art 9(2)(e))",
    "legal-claims": "legal claims (Art 9(2)(f))",
    "substantial-public-interest": "substantial public interest (Art 9(2)(g))",
    "health-or-social-care": "health or social care (Art 9(2)(h))",
    "public-health": "public health (Art 9(2)(i))",
    "archiving-research-and-statistics": "archiving, research and statistics (Art 9(2)(j))",
}
PARTY_ROLES = {
    "controller": "controller",
    "joint": "joint controller",
    "processor": "processor",
}
ON_LAPSE = {
    "warn": "a warning is given when it lapses",
    "suspend": "sharing stops while it is lapsed",
    "end": "the agreement ends when it lapses",
}
ON_WITHDRAWAL = {
    "end": "The agreement ends for all.",
    "continue-without": "The others go on without its data.",
}


@dataclass(frozen=True, slots=True)
class Names:
    """What people call the partners and the datasets."""

    partners: Mapping[str, str] = field(default_factory=dict)
    contracts: Mapping[str, Contract] = field(default_factory=dict)

    def partner(self, id_: str) -> str:
        return self.partners.get(id_, id_)

    def dataset(self, name: str) -> str:
        """A dataset by its title, and by its name, which is what the terms say."""
        contract = self.contracts.get(name)
        return f"{contract.title} ({name})" if contract else name


def text(said: str) -> Block:
    return {"kind": "text", "text": said}


def listed(items: list[str]) -> Block:
    return {"kind": "list", "items": items}


def table(head: list[str], rows: list[list[str]]) -> Block:
    return {"kind": "table", "head": head, "rows": rows}


def part(title: str) -> Block:
    return {"kind": "part", "text": title}


def sections(terms: Terms, names: Names) -> Iterator[Section]:
    """Every clause, in the order in which people ask: who, what for, what, how long, what else."""
    yield _section("Parties", _parties(terms, names))
    yield _section("What for", [text(f"{one.text} ({one.id})") for one in terms.purposes])
    yield _section("What it opens", [b for grant in terms.grants for b in _grant(grant, names)])
    yield _section("What it rests on", list(_rests_on(terms)))
    yield _section("Dates and endings", list(_dates(terms)))
    if terms.statements:
        yield _section("What the parties state", list(_statements(terms)))
    if terms.duties:
        yield _section("Duties", _duties(terms, names))
    if terms.risks:
        yield _section("Risks", _risks(terms, names))


def _section(title: str, blocks: list[Block]) -> Section:
    return {"title": title, "blocks": blocks}


def _parties(terms: Terms, names: Names) -> list[Block]:
    blocks: list[Block] = []
    for party in terms.parties:
        role = PARTY_ROLES.get(party.role, party.role)
        blocks += [part(names.partner(party.partner)), listed([f"It is a {role}.", *basis(party)])]
    return blocks


def basis(party: Party) -> Iterator[str]:
    """On which legal basis a party shares, one sentence each; a processor has none of its own."""
    if party.lawful_basis:
        yield f"Lawful basis: {BASES.get(party.lawful_basis, party.lawful_basis)}."
    if party.condition:
        known = CONDITIONS.get(party.condition, party.condition)
        yield f"Condition for special category data: {known}."
    if party.legal_power:
        yield f"Legal power: {party.legal_power}."
    if party.confidentiality:
        yield f"Basis for setting confidentiality aside: {_spaced(party.confidentiality)}."
    if party.opt_out:
        yield f"National data opt-out: {_spaced(party.opt_out)}."


def opens(grant: Grant, names: Names) -> str:
    """One grant in one line: how, of what, for whom."""
    mode = words.MODES.get(grant.mode, grant.mode)
    takers = words.groups(grant, names.partners)
    return f"{mode} of {names.dataset(grant.dataset)}, for {takers[:1].lower()}{takers[1:]}"


def _grant(grant: Grant, names: Names) -> Iterator[Block]:
    yield part(grant.id)
    yield text(f"{opens(grant, names)}. Purpose: {grant.purpose}.")
    shown = [[name, how[:1].upper() + how[1:]] for name, how in words.columns(grant)]
    yield table(["Column", "How it is shown"], shown)
    yield listed(list(words.conditions(grant)))
    if grant.contract:
        yield text(f"Digest of the columns as their owner declared them: {grant.contract}")


def _rests_on(terms: Terms) -> Iterator[Block]:
    said = [f"The charter {terms.charter}, which each party has acceded to."]
    said += [f"The agreement {other}, which must be in force." for other in terms.rests_on]
    said += [_demand(demand) for demand in terms.demands]
    if terms.dpia:
        said.append(f"The data protection impact assessment with the digest {terms.dpia}.")
    yield listed(said)


def _demand(demand: Demand) -> str:
    level = f" at the level {demand.level}" if demand.level else ""
    lapse = ON_LAPSE.get(demand.on_lapse, demand.on_lapse)
    return f"Each controller holds {_spaced(demand.scheme)}{level}; {lapse}."


def _dates(terms: Terms) -> Iterator[Block]:
    single = (
        "The parties accept that its grants, put together, can trace a figure to one person."
        if terms.single_out
        else "No figure may be traced to one person by putting its grants together."
    )
    yield listed(
        [
            f"It starts on {words.day(terms.starts)}.",
            f"It is reviewed by {words.day(terms.review)}.",
            f"It ends after {words.day(terms.ends)}.",
            f"When a party withdraws: {ON_WITHDRAWAL.get(terms.on_withdrawal, '')}",
            single,
        ]
    )


def _statements(terms: Terms) -> Iterator[Block]:
    yield text("No software enforces these. The parties stated them.")
    for statement in terms.statements:
        yield part(_spaced(statement.section).capitalize())
        yield text(statement.text)


def _duties(terms: Terms, names: Names) -> list[Block]:
    rows = [
        [
            f"{duty.text} ({duty.id})",
            names.partner(duty.owner),
            words.day(duty.due) + _every(duty.every),
        ]
        for duty in terms.duties
    ]
    promised = text("No software enforces these. The parties promised them.")
    return [promised, table(["Duty", "Owner", "Due"], rows)]


def _every(period: str) -> str:
    return f", then every {words.period(period)}" if period else ""


def _risks(terms: Terms, names: Names) -> list[Block]:
    rows = [
        [
            f"{risk.text} ({risk.id})",
            f"{_spaced(risk.likelihood)}, {risk.impact}".capitalize(),
            risk.mitigation,
            risk.residual.capitalize(),
            names.partner(risk.owner),
        ]
        for risk in terms.risks
    ]
    head = ["Risk", "Likelihood and impact", "What is done about it", "Risk that is left", "Owner"]
    return [table(head, rows)]


def moment(at: datetime) -> str:
    """25 November 2026 at 17:45:10, London time."""
    local = at.astimezone(LONDON)
    return f"{words.day(local)} at {local:%H:%M:%S}, London time"


def _spaced(id_: str) -> str:
    return id_.replace("-", " ")
