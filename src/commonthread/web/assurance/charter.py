"""The charter: its versions and principles, who has acceded to which, and who is waited for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.http import HttpResponse

from commonthread.broker.access.leases import now
from commonthread.broker.rules.charter import Charter, parse_charter
from commonthread.broker.rules.facts import CHARTER
from commonthread.broker.rules.standing import SIGNATORY
from commonthread.gateway.assurance.accession import KEY_CHANGED, NEVER, Accession, Roll, roll
from commonthread.web.pages import Visit, page

if TYPE_CHECKING:
    from commonthread.broker.access import Broker

SAID = {
    NEVER: "Has not signed any version",
    KEY_CHANGED: "Signed under a key that it has changed since",
}


@page("GET")
def charters(visit: Visit) -> HttpResponse:
    at, standing = now(), visit.broker.standing()
    before = _versions(visit.broker)
    rolls = [
        roll(standing.charters[reference], before.get(reference, ()), standing, at)
        for reference in sorted(standing.charters)
    ]
    members = {member.id: member.name for member in visit.broker.members()}
    return visit.show(
        "web/assurance/charter.html",
        nav="assurance",
        rolls=[_shown(visit, one, members) for one in rolls],
    )


def _versions(broker: Broker) -> dict[str, list[Charter]]:
    """Every version that was ever applied, by reference: the standing has the newest only."""
    found: dict[str, list[Charter]] = {}
    for fact in broker.ledger.facts([CHARTER]):
        charter = parse_charter(dict(fact.body))
        found.setdefault(charter.reference, []).append(charter)
    return found


def _shown(visit: Visit, one: Roll, members: Mapping[str, str]) -> dict[str, Any]:
    waiting = one.waited_for
    mine = visit.member.partner if visit.member else ""
    signs = visit.member is not None and SIGNATORY in visit.member.roles
    return {
        "roll": one,
        "charter": one.charter,
        "acceded": [(each, members.get(each.by, each.by)) for each in one.acceded],
        "waiting": [(each, _said(each)) for each in waiting],
        "may_sign": signs and any(each.partner.id == mine for each in waiting),
        "done": len(one.acceded),
        "of": len(one.accessions),
    }


def _said(one: Accession) -> str:
    return SAID.get(one.state, f"Signed version {one.version}, not this one")
