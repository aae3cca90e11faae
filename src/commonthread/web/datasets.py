"""Datasets: what each is, who may use it and how; to its owner's data engineer, how good it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.http import Http404, HttpResponse

from commonthread.broker.access import OwnData, Request
from commonthread.broker.rules.requests import DEPOSITS, PROFILE
from commonthread.broker.rules.terms import Grant
from commonthread.gateway import words
from commonthread.web.flow import Line, draw_flow
from commonthread.web.pages import PLATFORM, Visit, page, partner_names

if TYPE_CHECKING:
    from commonthread.broker.rules.contracts import Column, Contract

# What a profile counts of a column, what the page calls it, and the colour of its bar.
MEASURES = (
    ("missing", "Missing", "#b8570d"),
    ("distinct", "Different", "#0b4a5c"),
    ("malformed", "Badly formed", "#a02413"),
)


@dataclass(frozen=True, slots=True)
class Use:
    """One grant over the dataset: under which agreement, to whom, and how each column is shown."""

    agreement: str
    title: str
    in_force: bool
    grant: Grant
    takers: str
    columns: tuple[tuple[str, str], ...]
    conditions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Described:
    """One column of a contract, in words."""

    name: str
    kind: str
    roles: str
    limits: str


@dataclass(frozen=True, slots=True)
class Measure:
    """One count of one column, which may not have been taken, and its share of the rows in %."""

    name: str
    count: int | None
    share: float
    colour: str

    @property
    def text(self) -> str:
        share = f"{self.share:.1f}%" if self.count else ""
        return ", ".join(filter(None, (f"{self.count or 0:,}", share)))


@dataclass(frozen=True, slots=True)
class Measured:
    """One column of the profile."""

    name: str
    measures: tuple[Measure, ...]


@dataclass(frozen=True, slots=True)
class Arrived:
    """One deposit, its numbers as text."""

    number: int
    at: datetime
    rows: str
    quarantined: str


@dataclass(frozen=True, slots=True)
class Own:
    """What the owner's data engineer sees of the deposits; the newest comes first."""

    deposits: tuple[Arrived, ...]
    columns: tuple[Measured, ...]
    reasons: tuple[tuple[str, int], ...]


@page("GET")
def all_datasets(visit: Visit) -> HttpResponse:
    names = partner_names(visit.broker)
    used = {name: sorted({use.agreement for use in uses}) for name, uses in _uses(visit).items()}
    by_owner: dict[str, list[tuple[Contract, str, list[str]]]] = {}
    for name, contract in sorted(visit.broker.standing().contracts.items()):
        owner = names.get(contract.owner, contract.owner)
        by_owner.setdefault(owner, []).append((contract, _class(contract), used.get(name, [])))
    return visit.show("web/datasets.html", nav="datasets", owners=sorted(by_owner.items()))


@page("GET")
def one(visit: Visit, owner: str, dataset: str) -> HttpResponse:
    contract = visit.broker.standing().contracts.get(f"{owner}/{dataset}")
    if contract is None:
        raise Http404("There is no dataset of this name. The list of datasets has them all.")
    uses = _uses(visit).get(contract.name, [])
    return visit.show(
        "web/dataset.html",
        nav="datasets",
        contract=contract,
        owner=partner_names(visit.broker).get(contract.owner, contract.owner),
        delivery=words.DELIVERIES.get(contract.delivery, contract.delivery),
        classification=_class(contract).capitalize(),
        columns=[_described(column, contract) for column in contract.columns],
        uses=uses,
        drawing=_drawing(visit, contract, uses),
        own=_own(visit, contract),
        is_map=contract.owner == PLATFORM,
    )


def _class(contract: Contract) -> str:
    return contract.classification.replace("-", " ")


def _uses(visit: Visit) -> dict[str, list[Use]]:
    names, found = partner_names(visit.broker), dict[str, list[Use]]()
    for status in visit.broker.agreements():
        for grant in status.terms.grants if status.terms else ():
            use = Use(
                status.reference,
                status.title,
                status.in_force,
                grant,
                words.groups(grant, names),
                tuple(words.columns(grant)),
                tuple(words.conditions(grant)),
            )
            found.setdefault(grant.dataset, []).append(use)
    return found


def _drawing(visit: Visit, contract: Contract, uses: list[Use]) -> str:
    if not uses:
        return ""
    lines = [Line(use.grant, use.in_force, use.agreement) for use in uses]
    title = f"Who may use {contract.title}"
    return draw_flow(lines, {contract.name: contract.title}, partner_names(visit.broker), title)


def _described(column: Column, contract: Contract) -> Described:
    roles = [
        words.IDENTITY.get(role, role) for role, name in contract.identity if name == column.name
    ]
    if column.name in contract.key:
        roles.insert(0, "key")
    limits = ["may be missing"] if column.optional else []
    if column.values:
        limits.append(f"one of {', '.join(column.values)}")
    for bound, said in ((column.minimum, "from"), (column.maximum, "to")):
        limits += [] if bound is None else [f"{said} {bound}"]
    if column.format:
        limits.append(f"written as {column.format}")
    return Described(column.name, column.type, ", ".join(roles), "; ".join(limits))


def _own(visit: Visit, contract: Contract) -> Own | None:
    """Asked of the broker only by who may: each time is an entry of the ledger."""
    request = Request(visit.who, OwnData(contract.name, DEPOSITS))
    if not visit.broker.decide(request).permitted:
        return None
    deposits = tuple(
        Arrived(each.number, each.at, f"{each.rows:,}", f"{each.quarantined:,}")
        for each in reversed(visit.broker.own(request))
    )
    if not deposits:
        return Own((), (), ())
    profile = visit.broker.own(Request(visit.who, OwnData(contract.name, PROFILE)))
    return Own(
        deposits,
        tuple(_measured(column) for column in profile.get("columns", [])),
        tuple((each["reason"], each["rows"]) for each in profile.get("reasons", [])),
    )


def _measured(column: Mapping[str, Any]) -> Measured:
    rows = column["rows"]
    measures = []
    for field, name, colour in MEASURES:
        count = column.get(field)
        share = 100 * (count or 0) / rows if rows else 0.0
        measures.append(Measure(name, count, share, colour))
    return Measured(column["name"], tuple(measures))
