"""The person index of one linkage agreement: read through the door, linked, deposited as a map.

The platform has no back door: it reads as its service member, under the signed agreement, and its
reads stand in the ledger like everybody's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from commonthread.broker.access import BadInput, Broker, Reason, Refused, Request, Sql
from commonthread.people import index
from commonthread.people.linker import Source, link

LINKER = "commonthread.linker"
PERSON_INDEX = "commonthread/person-index"


def run(
    broker: Broker, reference: str, progress: Callable[[str], None] | None = None
) -> dict[str, Any]:
    """Link the datasets of a linkage agreement and deposit its map; returns a report.

    Raises `Refused` while the agreement is not in force, and `BadInput` where it links nothing.
    """
    terms = broker.status(reference).terms
    grants = [g for g in (terms.grants if terms else ()) if PERSON_INDEX in g.recipients]
    if not grants:
        raise BadInput(f"{reference} grants nothing to {PERSON_INDEX}.")
    standing = broker.standing()
    sources, pins = [], {}
    for grant in grants:
        if progress:
            progress(f"reading {grant.dataset}")
        if not standing.pinned(grant.dataset):
            raise Refused(
                [
                    Reason(
                        "no-data",
                        f"grant[{grant.id}]",
                        f"{grant.dataset} has no deposit yet.",
                        "A data engineer of the owner deposits it.",
                    )
                ]
            )
        contract = standing.contracts[grant.dataset]
        granted = {column.name: column.exposed for column in grant.columns}
        request = Request(LINKER, Sql(f'select * from "{grant.table}"'), reference, grant.purpose)  # noqa: S608 - a granted name
        with broker.read(request) as answer:
            table = answer.table()
        roles = {role: granted[column] for role, column in contract.identity if column in granted}
        keys = tuple(granted[column] for column in contract.key)
        sources.append(Source(grant.dataset, keys, roles, table, contract.earliest_birth_year))
        pins[grant.dataset] = standing.pinned(grant.dataset)[-1].id
    linked = link(sources, progress=progress)
    previous = broker.map(reference)
    residents = index.residents(linked, previous)
    receipt = broker.deposit_map(reference, pins, residents)
    return {**linked.report, "map": receipt.deposit.number, "new": receipt.new}
