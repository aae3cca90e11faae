"""Terms held against declared datasets: what does not fit, and what a grant's table shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from .contracts import Contract
from .errors import Problem
from .filters import filter_problems
from .terms import PERSON, Grant, Terms, sources_of
from .treatments import FITS, fits, output_type


def binding_problems(terms: Terms, contracts: Mapping[str, Contract]) -> Iterator[Problem]:
    """What does not fit the datasets as they are declared: checked at signing and at run."""
    for grant in terms.grants:
        where = f"agreement.grant[{grant.id}]"
        contract = contracts.get(grant.dataset)
        if contract is None:
            yield Problem(f"{where}.dataset", "no dataset of this name is declared")
            continue
        yield from grant_problems(grant, contract, where)
        yield from _party_problems(terms, grant, contract, contracts, where)


def _party_problems(
    terms: Terms,
    grant: Grant,
    contract: Contract,
    contracts: Mapping[str, Contract],
    where: str,
) -> Iterator[Problem]:
    owner = terms.party(grant.owner)
    if owner and contract.classification == "special-category" and not owner.condition:
        yield Problem(where, f"{owner.partner} must state a condition", "UK GDPR Article 9(2)")
    for source in sorted(sources_of(grant.dataset, contracts)):
        if terms.party(source.split("/")[0]) is None:
            yield Problem(where, f"the dataset derives from {source}; its owner must be a party")


def grant_problems(grant: Grant, contract: Contract, where: str) -> Iterator[Problem]:
    for granted in grant.columns:
        column = contract.column(granted.name)
        if column is None:
            yield Problem(f"{where}.columns", f"{contract.name} has no column {granted.name}")
        elif not fits(granted.treatment, column.type):
            yield Problem(
                f"{where}.columns",
                f"{granted.treatment} does not fit {granted.name}, a {column.type}",
                "it fits: " + ", ".join(FITS.get(granted.treatment, ())),
            )
    if grant.by not in ("", PERSON) and contract.column(grant.by) is None:
        yield Problem(f"{where}.by", f"{contract.name} has no such column")
    yield from filter_problems(grant.rows, contract, f"{where}.rows")


def exposed_types(grant: Grant, contract: Contract) -> dict[str, tuple[str, bool]]:
    """The grant's table: exposed name → (type, is it plain), in the order of the contract."""
    order = {column.name: index for index, column in enumerate(contract.columns)}
    columns = sorted(grant.columns, key=lambda column: (order.get(column.name, 0), column.exposed))
    shown: dict[str, tuple[str, bool]] = {"person": ("person", True)} if grant.person else {}
    for granted in columns:
        column = contract.column(granted.name)
        kind = output_type(granted.treatment, column.type) if column else "text"
        shown[granted.exposed] = (kind, granted.treatment == "plain")
    return shown
