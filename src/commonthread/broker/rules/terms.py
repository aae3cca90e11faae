"""The terms of an agreement: what the parties sign, to the machine (DESIGN §5).

Frozen values that validate themselves when they are made. `to_plain` writes every default out
and puts every set in its one order, so that `digest` of the terms is one number however they
were spelt. Enforced are: dates, charter, credentials, DPIA review, `rests_on`, parties,
recipients, purpose, columns, rows, persons, mode, counts, export, needs and `on_withdrawal`.
Everything else is a statement or a duty, and is shown as one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from .canonical import digest, sorted_set
from .contracts import Contract
from .errors import Problem
from .fields import (
    check,
)
from .filters import Filter, columns_of

PARTY_ROLES = ("controller", "joint", "processor")
CONTROLLING = ("controller", "joint")
MODES = ("lookup", "rows", "statistics")
LATER_MODES = ("events", "area", "model")
NEEDS = ("activation", "approval", "training")
ON_LAPSE = ("warn", "suspend", "end")
ON_WITHDRAWAL = ("end", "continue-without")
LAWFUL_BASES = (
    "consent",
    "contract",
    "legal-obligation",
    "vital-interests",
    "public-task",
    "legitimate-interests",
    "recognised-legitimate-interests",
)
CONDITIONS = (
    "explicit-consent",
    "employment-social-security-and-protection",
    "vital-interests",
    "not-for-profit-bodies",
    "made-public",
    "legal-claims",
    "substantial-public-interest",
    "health-or-social-care",
    "public-health",
    "archiving-research-and-statistics",
)
SECTIONS = (
    "accession",
    "accuracy",
    "benefits",
    "breach",
    "complaints",
    "onward-sharing",
    "rights",
    "security",
    "transfers",
)
LEVELS = ("low", "medium", "high")
LIKELIHOODS = ("rare", "unlikely", "possible", "likely", "almost-certain")
IMPACTS = ("negligible", "minor", "significant", "severe")
PERSON = "person"
PLATFORM = "commonthread"
PERSON_INDEX = "commonthread/person-index"
COMMONEST_MINIMUM = 5
COMMONEST_RATE = 50


@dataclass(frozen=True, slots=True)
class Party:
    """One partner's part in the agreement, with its own basis, condition and power."""

    partner: str
    role: str
    lawful_basis: str = ""
    condition: str = ""
    legal_power: str = ""
    confidentiality: str = ""
    opt_out: str = ""

    def __post_init__(self) -> None:
        if self.role in CONTROLLING and not (self.lawful_basis and self.legal_power):
            missing = "a controller states its lawful basis and its legal power"
            check([Problem("", missing, "give lawful_basis and legal_power")], "A party")

    def to_plain(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Purpose:
    id: str
    text: str

    def to_plain(self) -> dict[str, Any]:
        return {"id": self.id, "text": self.text}


@dataclass(frozen=True, slots=True)
class GrantedColumn:
    """One column as it may be seen; `exposed` is the name it has in the grant's table."""

    name: str
    treatment: str = "plain"
    as_at: date | None = None
    exposed: str = ""

    def __post_init__(self) -> None:
        if not self.exposed:
            object.__setattr__(self, "exposed", self.name)
        check(self._problems(), "A column")

    def _problems(self) -> Iterator[Problem]:
        if (self.treatment == "age-band") != (self.as_at is not None):
            yield Problem(".as_at", "an age-band, and only that, is as at a date")
        if self.exposed == PERSON or self.exposed.startswith("_"):
            yield Problem(".as", "this name is kept for the platform", "choose another")

    def to_plain(self) -> dict[str, Any]:
        as_at = {} if self.as_at is None else {"as_at": self.as_at.isoformat()}
        return {"name": self.name, "treatment": self.treatment, "as": self.exposed, **as_at}


@dataclass(frozen=True, slots=True)
class Grant:
    """One line of the terms: this dataset, these columns, these rows, to these groups."""

    id: str
    dataset: str
    purpose: str
    recipients: tuple[str, ...]
    mode: str
    columns: tuple[GrantedColumn, ...]
    contract: str = ""
    rows: Filter | None = None
    person: bool = False
    persons: str = ""
    minimum_count: int = 0
    round_to: int = 0
    by: str = ""
    per_day: int = 0
    needs: tuple[str, ...] = ()
    export: bool = False
    retention: str = ""

    def __post_init__(self) -> None:
        check(self._problems(), "A grant")

    def _problems(self) -> Iterator[Problem]:
        exposed = [column.exposed for column in self.columns]
        if len(set(exposed)) != len(exposed):
            yield Problem(".columns", "two columns would have the same name", "rename one by `as`")
        if not self.columns and not self.person:
            yield Problem(".columns", "a grant without columns shows nothing")
        if (self.mode == "statistics") != bool(self.minimum_count and self.round_to):
            yield Problem("", "minimum_count and round_to belong to statistics, and only there")
        if (self.mode == "lookup") != bool(self.by and self.per_day):
            yield Problem("", "by and per_day belong to lookup, and only there")
        if self.by == PERSON and not self.person:
            yield Problem(".by", "a look-up by person needs person", 'add person = "pseudonym"')
        if self.persons and not self.person:
            yield Problem(".persons", "persons needs person", 'add person = "pseudonym"')

    @property
    def table(self) -> str:
        """The grant's name as a table in SQL."""
        return self.id.replace("-", "_")

    @property
    def owner(self) -> str:
        return self.dataset.split("/")[0]

    def used_columns(self) -> set[str]:
        """Every column of the dataset that the grant rests on, shown or not."""
        by = {self.by} - {"", PERSON}
        return {column.name for column in self.columns} | set(columns_of(self.rows)) | by

    def to_plain(self) -> dict[str, Any]:
        modal: dict[str, Any] = {}
        if self.mode == "statistics":
            modal = {"minimum_count": self.minimum_count, "round_to": self.round_to}
        if self.mode == "lookup":
            modal = {"by": self.by, "per_day": self.per_day}
        return {
            "id": self.id,
            "dataset": self.dataset,
            "contract": self.contract,
            "purpose": self.purpose,
            "recipients": sorted_set(self.recipients),
            "mode": self.mode,
            "columns": sorted_set(column.to_plain() for column in self.columns),
            **({} if self.rows is None else {"rows": self.rows.to_plain()}),
            **({"person": "pseudonym"} if self.person else {}),
            **({"persons": self.persons} if self.persons else {}),
            "needs": sorted_set(self.needs),
            "export": self.export,
            "retention": self.retention,
            **modal,
        }


@dataclass(frozen=True, slots=True)
class Demand:
    """A credential that the terms demand of each controller, and what its lapse does."""

    scheme: str
    level: str = ""
    on_lapse: str = "suspend"

    def to_plain(self) -> dict[str, Any]:
        return {"scheme": self.scheme, "level": self.level, "on_lapse": self.on_lapse}


@dataclass(frozen=True, slots=True)
class Statement:
    """A clause that no software enforces: a section of the ICO's code in the parties' words."""

    section: str
    text: str

    def to_plain(self) -> dict[str, Any]:
        return {"section": self.section, "text": self.text}


@dataclass(frozen=True, slots=True)
class Duty:
    id: str
    text: str
    owner: str
    due: date
    every: str = ""

    def to_plain(self) -> dict[str, Any]:
        every = {"every": self.every} if self.every else {}
        return {
            "id": self.id,
            "text": self.text,
            "owner": self.owner,
            "due": self.due.isoformat(),
            **every,
        }


@dataclass(frozen=True, slots=True)
class Risk:
    id: str
    text: str
    owner: str
    likelihood: str
    impact: str
    mitigation: str
    residual: str

    def to_plain(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Terms:
    """An agreement's content; `digest` names it in every signature, decision and entry."""

    reference: str
    title: str
    version: int
    charter: str
    starts: date
    ends: date
    review: date
    parties: tuple[Party, ...]
    purposes: tuple[Purpose, ...]
    grants: tuple[Grant, ...]
    demands: tuple[Demand, ...] = ()
    on_withdrawal: str = "end"
    dpia: str = ""
    rests_on: tuple[str, ...] = ()
    single_out: bool = False
    statements: tuple[Statement, ...] = ()
    duties: tuple[Duty, ...] = ()
    risks: tuple[Risk, ...] = ()
    digest: str = field(init=False, compare=False)

    def __post_init__(self) -> None:
        check(self._problems(), "The agreement")
        object.__setattr__(self, "digest", digest(self.to_plain()))

    def _problems(self) -> Iterator[Problem]:
        if self.ends < self.starts:
            yield Problem(".ends", "the agreement would end before it starts")
        yield from self._repeats()
        partners = {party.partner for party in self.parties}
        purposes = {purpose.id for purpose in self.purposes}
        for grant in self.grants:
            where = f".grant[{grant.id}]"
            if grant.purpose not in purposes:
                yield Problem(f"{where}.purpose", "no purpose of this id stands in the agreement")
            for partner in sorted({grant.owner, *_partners(grant.recipients)} - partners):
                yield Problem(where, f"{partner} must be a party", "add it under agreement.party")
            yield from self._person_problems(grant, where)
        owned = [(duty.id, duty.owner) for duty in self.duties]
        owned += [(risk.id, risk.owner) for risk in self.risks]
        for id_, owner in owned:
            if owner not in partners:
                yield Problem(f".{id_}.owner", "the owner must be a party")
        yield from self._single_out_problems()

    def _repeats(self) -> Iterator[Problem]:
        lists: dict[str, list[str]] = {
            "party": [party.partner for party in self.parties],
            "purpose": [purpose.id for purpose in self.purposes],
            "grant": [grant.table for grant in self.grants],
            "duty": [duty.id for duty in self.duties],
            "risk": [risk.id for risk in self.risks],
            "requires_credentials": [demand.scheme for demand in self.demands],
        }
        for name, ids in lists.items():
            if len(set(ids)) != len(ids):
                yield Problem(f".{name}", "the same id stands twice", "rename one of them")
        if self.reference in self.rests_on:
            yield Problem(".rests_on", "an agreement cannot rest on itself")

    def _person_problems(self, grant: Grant, where: str) -> Iterator[Problem]:
        if grant.person and not self.rests_on:
            yield Problem(
                f"{where}.person", "person needs a linkage agreement", "name it in rests_on"
            )
        seen = {grant.id}
        other = self.grant(grant.persons) if grant.persons else None
        if grant.persons and other is None:
            yield Problem(f"{where}.persons", "no grant of this id stands in the agreement")
        while other is not None:
            if other.id in seen:
                yield Problem(f"{where}.persons", "grants name each other in a circle")
                return
            if not other.person:
                yield Problem(f"{where}.persons", "the grant it names needs person as well")
                return
            seen.add(other.id)
            other = self.grant(other.persons) if other.persons else None

    def _single_out_problems(self) -> Iterator[Problem]:
        shown = any(grant.person and grant.mode in ("rows", "lookup") for grant in self.grants)
        counted = any(grant.person and grant.mode == "statistics" for grant in self.grants)
        if shown and counted and not self.single_out:
            yield Problem(
                ".single_out",
                "rows and statistics on one person let a figure be traced to somebody",
                "split the agreement, or let the parties sign single_out = true",
            )

    def grant(self, id_: str) -> Grant | None:
        return next((grant for grant in self.grants if grant.id == id_), None)

    def party(self, partner: str) -> Party | None:
        return next((party for party in self.parties if party.partner == partner), None)

    def to_plain(self) -> dict[str, Any]:
        return {
            "reference": self.reference,
            "title": self.title,
            "version": self.version,
            "charter": self.charter,
            "starts": self.starts.isoformat(),
            "ends": self.ends.isoformat(),
            "review": self.review.isoformat(),
            "requires_credentials": sorted_set(demand.to_plain() for demand in self.demands),
            "on_withdrawal": self.on_withdrawal,
            **({"dpia": self.dpia} if self.dpia else {}),
            "rests_on": sorted_set(self.rests_on),
            "single_out": self.single_out,
            **{
                name: sorted_set(item.to_plain() for item in items)
                for name, items in (
                    ("party", self.parties),
                    ("purpose", self.purposes),
                    ("grant", self.grants),
                    ("statement", self.statements),
                    ("duty", self.duties),
                    ("risk", self.risks),
                )
            },
        }


def _partners(groups: tuple[str, ...]) -> set[str]:
    return {group.split("/")[0] for group in groups}


def required_parties(terms: Terms, contracts: Mapping[str, Contract]) -> tuple[str, ...]:
    """Whose signature is needed: every party named, with the owners of what datasets derive from.

    The platform, a processor, is among them when it is named; it signs last.
    """
    needed = {party.partner for party in terms.parties}
    for grant in terms.grants:
        needed |= {source.split("/")[0] for source in sources_of(grant.dataset, contracts)}
    return tuple(sorted(needed))


def sources_of(dataset: str, contracts: Mapping[str, Contract]) -> set[str]:
    """The dataset with everything that it derives from, however far back."""
    found: set[str] = set()
    waiting = [dataset]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            contract = contracts.get(name)
            waiting.extend(contract.derived_from if contract else ())
    return found
