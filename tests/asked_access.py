"""Two partners, an agreement whose grants need something first, and everybody who takes a part.

The broker is in memory: real facts, real signatures and the rules' own decisions, at a time that a
test sets.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from tests.factories import County, dataset, home_standing
from tests.stand_in_broker import StandInBroker

from commonthread.broker.rules import keys
from commonthread.broker.rules.canonical import instant_text
from commonthread.broker.rules.decisions import probe
from commonthread.broker.rules.facts import FULFILMENT, fact_digest
from commonthread.broker.rules.keys import PrivateKey
from commonthread.broker.rules.standing import Member
from commonthread.gateway.models import AccessRequest
from commonthread.gateway.personal_access import requests
from commonthread.gateway.personal_access.steps import FIVE_SAFES

HOME, OWNER = "wychshire", "mercia-police"
REFERENCE, NOTICES = "ISA-2027-061", f"{OWNER}/notices"
AT = datetime(2026, 11, 25, 12, tzinfo=UTC)
AGREEMENT_ENDS, DPIA_REVIEW = date(2027, 9, 30), date(2027, 6, 30)
NEEDS: Mapping[str, tuple[str, ...]] = {
    "both": ("approval", "training"),
    "trained": ("training",),
    "approved": ("approval",),
    "declared": ("activation", "approval"),
    "incident": ("activation",),
    "open": (),
}
ASKER, OTHER_ASKER, MANAGER, OTHER_MANAGER = "a.reed", "b.cole", "m.lane", "n.ford"
TRAINER, JUDGE, GRANTER, REVIEWER = "d.ashe", "g.moss", "h.ode", "o.dunn"
PEOPLE: Mapping[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    ASKER: (HOME, (), (f"{HOME}/duty-desk",)),
    OTHER_ASKER: (HOME, (), (f"{HOME}/duty-desk",)),
    MANAGER: (HOME, (), ()),
    OTHER_MANAGER: (HOME, ("governance-officer",), ()),
    TRAINER: (HOME, ("signatory",), ()),
    "c.holt": (HOME, ("caldicott-guardian",), ()),
    JUDGE: (OWNER, ("governance-officer",), ()),
    "c.lowe": (OWNER, ("caldicott-guardian",), ()),
    GRANTER: (OWNER, ("signatory",), ()),
    "k.vane": (OWNER, ("signatory",), ()),
    REVIEWER: (OWNER, ("data-protection-officer",), ()),
    "e.stone": (OWNER, ("data-engineer",), ()),
}
JUDGED = {safe.id: f"Yes: we looked at the {safe.id}." for safe in FIVE_SAFES}


class AskedBroker(StandInBroker):
    """A broker in memory that takes attestations, each under the key of who attests."""

    def fulfil(
        self,
        reference: str,
        grant: str,
        need: str,
        *,
        member: str,
        starts: datetime,
        ends: datetime,
        by: str,
        key: PrivateKey | None = None,
    ) -> None:
        body: dict[str, Any] = {"reference": reference, "grant": grant, "need": need}
        body |= {"member": member, "starts": instant_text(starts), "ends": instant_text(ends)}
        subject = fact_digest(FULFILMENT, body)
        envelope = self.county.envelope(keys.ATTEST, subject, member=by, reference=reference)
        before = self.county.standing.copy()
        fact = self.county.add(FULFILMENT, body | {"envelope": envelope.to_plain()})
        self.ledger.tell(fact, before)

    def opens(self, member: str, grant: str) -> bool:
        """Whether the member may read the grant now: the rules' own decision."""
        terms = self.terms(REFERENCE)
        return self.decide(probe(member, terms, terms.grant(grant))).permitted

    @property
    def at(self) -> datetime:
        return self.county.at


def world(*, dpia: bool = True) -> AskedBroker:
    county = home_standing(demo=True, at=AT)
    county.add_partner(HOME)
    county.add_partner(OWNER, kind="police")
    for id_, (partner, roles, groups) in PEOPLE.items():
        county.add_member(id_, partner, roles=roles, groups=groups)
    county.add_charter()
    for partner in (HOME, OWNER):
        county.accede(partner)
    columns = {"ref": "text", "kind": "text", "risk": "text"}
    county.add_dataset(dataset(OWNER, "notices", columns))
    county.deposit(NOTICES, rows=100)
    made = county.add_dpia(GRANTER, review=DPIA_REVIEW.isoformat()) if dpia else ""
    propose(county, made)
    return AskedBroker(county)


def propose(
    county: County,
    dpia: str,
    version: int = 1,
    grants: Mapping[str, tuple[str, ...]] = NEEDS,
) -> None:
    """A version of the agreement, signed by all."""
    table = {
        "reference": REFERENCE,
        "title": "Safeguarding adults",
        "version": version,
        "charter": "CHARTER-2026",
        "starts": "2026-01-01",
        "ends": AGREEMENT_ENDS.isoformat(),
        "review": "2027-06-30",
        "party": [_party(HOME), _party(OWNER)],
        "purpose": [{"id": "safeguarding", "text": f"Keep adults safe, version {version}."}],
        "grant": [_grant(id_, needs) for id_, needs in grants.items()],
    } | ({"dpia": dpia} if dpia else {})
    county.propose(table)
    county.sign_all(REFERENCE)


def _party(id_: str) -> dict[str, str]:
    return {
        "partner": id_,
        "role": "controller",
        "lawful_basis": "public-task",
        "legal_power": "Care Act 2014 s.45",
    }


def _grant(id_: str, needs: tuple[str, ...]) -> dict[str, Any]:
    return {
        "id": id_,
        "dataset": NOTICES,
        "purpose": "safeguarding",
        "recipients": [f"{HOME}/duty-desk"],
        "mode": "rows",
        "columns": ["ref", "kind", "risk"],
        "export": False,
        "retention": "P30D",
        "needs": list(needs),
    }


def member(broker: StandInBroker, id_: str) -> Member:
    return broker.standing().members[id_]


# One step each, taken by whoever takes it.


def asked(
    broker: AskedBroker, grant: str = "both", until: date = date(2027, 5, 1), who: str = ASKER
) -> AccessRequest:
    standing, by = broker.standing(), member(broker, who)
    words = ("See whether there was a notice.", "I hold the duty desk’s cases.")
    return requests.ask(
        REFERENCE, grant, *words, MANAGER, until, standing, by=by, at=broker.at
    )  # fmt: skip


def approve(broker: AskedBroker, made: AccessRequest, who: str = MANAGER) -> AccessRequest:
    by = member(broker, who)
    return requests.approve(made.id, "", broker.standing(), by=by, at=broker.at)


def train(
    broker: AskedBroker,
    made: AccessRequest,
    who: str = TRAINER,
    until: date | None = date(2027, 8, 1),
    done: date | None = date(2026, 11, 1),
) -> AccessRequest:
    said = ("Safeguarding adults, level 3", done, until, "Certificate in the staff record.")
    by = member(broker, who)
    return requests.add_training(made.id, *said, broker.standing(), by=by, at=broker.at)


def judge(
    broker: AskedBroker,
    made: AccessRequest,
    who: str = JUDGE,
    said: Mapping[str, str] = JUDGED,
) -> AccessRequest:
    by = member(broker, who)
    return requests.judge(made.id, said, broker.standing(), by=by, at=broker.at)


def grant(broker: AskedBroker, made: AccessRequest, who: str = GRANTER) -> AccessRequest:
    by = member(broker, who)
    return requests.grant(made.id, broker, by=by, at=broker.at)  # type: ignore[arg-type]


def confirm(broker: AskedBroker, made: AccessRequest, who: str = TRAINER) -> AccessRequest:
    by = member(broker, who)
    return requests.confirm(made.id, broker, by=by, at=broker.at)  # type: ignore[arg-type]


def review(
    broker: AskedBroker, made: AccessRequest, who: str = REVIEWER, finding: str = "as-agreed"
) -> AccessRequest:
    by, said = member(broker, who), "Ten look-ups, each in an open case."
    return requests.review(made.id, finding, said, broker.standing(), by=by, at=broker.at)


def ready(broker: AskedBroker, wanted: str = "both", **more: Any) -> AccessRequest:
    """Every step there: it waits for the owner's signatory."""
    made = asked(broker, wanted, **more)
    for step in (approve, train, judge):
        made = step(broker, made)
    return made
