"""A DCAT 3 catalogue of the datasets that have a contract, with the policies that open them.

What a dataset is, not what is in it: no row, no count of rows. `accessRights` says whether some
agreement in force opens it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from commonthread.broker.rules.contracts import Column, Contract
from commonthread.broker.rules.dates import london_day
from commonthread.broker.rules.terms import PLATFORM

from . import linked
from .files import as_json
from .held import Held

RIGHTS = "http://publications.europa.eu/resource/authority/access-right/"
PUBLIC_GROUP = "public"
DELIVERIES = {
    "snapshot": "each delivery is the whole dataset",
    "append": "each delivery adds rows",
    "changes": "each delivery adds, corrects and removes rows",
}
Node = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Opening:
    """The policies in force that open a dataset, and the partners that they open it to."""

    policies: tuple[str, ...] = ()
    takers: frozenset[str] = frozenset()

    @property
    def access(self) -> str:
        """PUBLIC when one gives it to the public, RESTRICTED when to anybody."""
        if PUBLIC_GROUP in self.takers:
            return "PUBLIC"
        return "RESTRICTED" if self.takers else "NON_PUBLIC"


NOTHING = Opening()


def document(held: Held) -> bytes:
    home, opened = held.standing.home, openings(held)
    origin = home.origin if home else ""
    return as_json(
        {
            "@context": linked.CONTEXT,
            "@id": f"urn:commonthread:catalogue:{origin}",
            "@type": "dcat:Catalog",
            "dct:title": f"Datasets of {origin}",
            "dct:description": "Datasets whose owners declared a contract for them.",
            "dct:publisher": _agent(held, PLATFORM),
            "dct:language": "en-GB",
            "ct:madeOf": linked.literal(held.about()),
            "dcat:dataset": [
                _dataset(held, contract, opened.get(contract.name, NOTHING))
                for contract in contracts(held)
            ],
        }
    )


def contracts(held: Held) -> tuple[Contract, ...]:
    """The partners' own: the platform's maps of residents are nobody's to ask for."""
    known = sorted(held.standing.contracts.items())
    return tuple(contract for _, contract in known if contract.owner != PLATFORM)


def _agent(held: Held, partner: str) -> Node:
    return {"@id": linked.partner(partner), "@type": "foaf:Agent", "foaf:name": held.name(partner)}


def _dataset(held: Held, contract: Contract, opening: Opening) -> Node:
    policies = [{"@id": linked.policy(digest)} for digest in opening.policies]
    return {
        "@id": linked.dataset(contract.name),
        "@type": "dcat:Dataset",
        "dct:identifier": contract.name,
        "dct:title": contract.title,
        "dct:publisher": _agent(held, contract.owner),
        "dct:accessRights": {"@id": f"{RIGHTS}{opening.access}"},
        "ct:classification": contract.classification,
        "dpv:hasPersonalData": {"@id": linked.CLASSIFICATIONS[contract.classification]},
        "ct:contract": contract.digest,
        "ct:delivery": DELIVERIES[contract.delivery],
        "ct:column": [_column(column) for column in contract.columns],
        **({"dct:source": _sources(contract)} if contract.derived_from else {}),
        **({"odrl:hasPolicy": policies} if policies else {}),
        **_modified(held, contract),
    }


def openings(held: Held) -> dict[str, Opening]:
    """Dataset → what agreements in force open of it."""
    found: dict[str, tuple[dict[str, None], set[str]]] = {}
    for signed in held.agreements:
        for grant in signed.grants() if signed.is_in_force else ():
            policies, takers = found.setdefault(grant.dataset, ({}, set()))
            policies[signed.terms.digest] = None
            takers |= {group.split("/")[0] for group in grant.recipients}
    return {
        name: Opening(tuple(policies), frozenset(takers))
        for name, (policies, takers) in found.items()
    }


def _column(column: Column) -> Node:
    return {"dct:title": column.name, "ct:type": column.type, "ct:optional": column.optional}


def _sources(contract: Contract) -> list[Node]:
    return [{"@id": linked.dataset(name)} for name in sorted(contract.derived_from)]


def _modified(held: Held, contract: Contract) -> Node:
    """The day of the newest delivery, if there was one."""
    deposits = held.standing.deposits.get(contract.name, ())
    if not deposits:
        return {}
    day = london_day(deposits[-1].at).isoformat()
    return {"dct:modified": {"@type": "xsd:date", "@value": day}}
