"""Two partners with everybody whom an assessment needs, a draft between them, and full answers.

The broker is in memory: real facts and the rules' own decisions, no ledger on disk.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from tests.factories import County, dataset, home_standing
from tests.stand_in_broker import StandInBroker

from commonthread.broker.access import Document
from commonthread.broker.rules.charter import parse_dpia
from commonthread.broker.rules.facts import DPIA
from commonthread.broker.rules.standing import Member
from commonthread.gateway.assessing import advice, approval, assessments, suggestions
from commonthread.gateway.assessing.steps import seen
from commonthread.gateway.models import Advice, AdviceDecision, Assessment, Draft

LEAD, OTHER = "wychshire", "severn-acute"
CALLS, CARE = f"{LEAD}/calls", f"{OTHER}/attendances"
REFERENCE = "ISA-2027-001"
AT = datetime(2026, 11, 25, 12, tzinfo=UTC)
PEOPLE = {
    "g.penn": (LEAD, "governance-officer"),
    "g.holt": (LEAD, "governance-officer"),
    "d.lane": (LEAD, "data-protection-officer"),
    "d.ashe": (LEAD, "signatory"),
    "e.wren": (LEAD, "data-engineer"),
    "m.dove": (OTHER, "signatory"),
    "n.crane": (OTHER, "data-engineer"),
    "p.moss": (OTHER, "data-protection-officer"),
    "c.lowe": (OTHER, "caldicott-guardian"),
}


class AssessedBroker(StandInBroker):
    """A broker in memory that takes assessments, as facts of its county."""

    def apply(self, documents: Sequence[Document]) -> None:
        for document in documents:
            assert set(document.table) == {"dpia"}
            body = parse_dpia(document.table["dpia"]).to_plain()
            before = self.county.standing.copy()
            self.ledger.tell(self.county.add(DPIA, body), before)


def world() -> AssessedBroker:
    county = home_standing(demo=True, at=AT)
    county.add_partner(LEAD)
    county.add_partner(OTHER, kind="nhs-trust")
    for id_, (partner, role) in PEOPLE.items():
        county.add_member(id_, partner, roles=[role])
    county.add_member("a.reed", OTHER, groups=[f"{OTHER}/analysts"])
    county.add_charter()
    for partner in (LEAD, OTHER):
        county.accede(partner)
    _datasets(county)
    return AssessedBroker(county)


def _datasets(county: County) -> None:
    columns = {"ref": "text", "district": "text", "minutes": "integer"}
    county.add_dataset(dataset(LEAD, "calls", columns))
    care = {"ref": "text", "born": "date", "sex": "text", "postcode": "text", "ward": "text"}
    identity = {"date_of_birth": "born", "sex": "sex", "postcode": "postcode"}
    county.add_dataset(
        dataset(OTHER, "attendances", care, identity=identity, classification="special-category")
    )
    for name in (CALLS, CARE):
        county.deposit(name, rows=1_000)


def member(broker: StandInBroker, id_: str) -> Member:
    return broker.standing().members[id_]


def terms(*, care: bool = False) -> dict[str, Any]:
    """A sound draft: calls of the council to the trust; with `care`, attendances back."""
    grants = [grant("calls", CALLS, [f"{OTHER}/analysts"], ["ref", "district", "minutes"])]
    if care:
        columns = ["born", "sex", "postcode"]
        grants.append(grant("attendances", CARE, [f"{LEAD}/analysts"], columns))
    return {
        "reference": REFERENCE,
        "title": "Calls for planning",
        "version": 1,
        "charter": "CHARTER-2026",
        "starts": "2027-01-01",
        "ends": "2029-12-31",
        "review": "2028-12-31",
        "party": [party(LEAD), party(OTHER)],
        "purpose": [{"id": "planning", "text": "Plan."}],
        "grant": grants,
    }


def party(id_: str) -> dict[str, str]:
    return {
        "partner": id_,
        "role": "controller",
        "lawful_basis": "public-task",
        "legal_power": "Local Government Act 1972 s.111",
    }


def grant(id_: str, of: str, recipients: list[str], columns: list[str]) -> dict[str, Any]:
    return {
        "id": id_,
        "dataset": of,
        "purpose": "planning",
        "recipients": recipients,
        "mode": "rows",
        "columns": columns,
        "export": False,
        "retention": "P30D",
    }


def answers(*, after: str = "rare", impact_after: str = "minor") -> dict[str, dict[str, Any]]:
    """Every step answered; what is left of the one risk can be made higher."""
    return {
        "need": {
            "reference": "DPIA-2027-001",
            "title": "Calls for planning",
            "aim": "Plan the winter from where calls come from.",
            "why": "Calls of many people are shared with another body.",
        },
        "processing": {
            name: f"The {name} of it." for name in ("nature", "scope", "context", "purposes")
        },
        "consultation": {
            "experts": "The security team of the lead.",
            "view": [
                {
                    "who": "carers’ forum",
                    "how": "A meeting in June 2026",
                    "said": "Do not show names.",
                    "answer": "No name is shared.",
                }
            ],
        },
        "necessity": {
            name: f"About {name.replace('_', ' ')}."
            for name in (
                "lawful_basis",
                "achieves",
                "other_ways",
                "function_creep",
                "quality",
                "information",
                "rights",
                "processors",
                "transfers",
            )
        },
        "risks": {
            "risk": [
                {
                    "id": "seen-by-many",
                    "text": "More people see it than need to.",
                    "owner": LEAD,
                    "likelihood": "likely",
                    "impact": "significant",
                }
            ]
        },
        "measures": {
            "measure": [
                {
                    "risk": "seen-by-many",
                    "text": "Two named groups only.",
                    "owner": OTHER,
                    "effect": "reduced",
                    "likelihood": after,
                    "impact": impact_after,
                }
            ]
        },
        "outcome": {
            "actions": "The project manager puts them into the plan.",
            "reviewer": "Data protection officer of the lead",
            "review": "2028-06-30",
        },
    }


def without(steps: Mapping[str, Any], step: str) -> dict[str, Any]:
    return {name: value for name, value in steps.items() if name != step}


def complete(broker: AssessedBroker, draft: Draft | None, **more: Any) -> Assessment:
    """Every step answered, and every suggested risk taken over."""
    officer = member(broker, "g.penn")
    made = assessments.start(draft.id if draft else None, by=officer, at=AT)
    for step, said in answers(**more).items():
        word = seen(fresh(made).steps, step)
        assessments.save(made.id, step, said, word, by=officer, at=AT)
    for each in suggestions.offered(fresh(made), broker.standing()):
        suggestions.take_over(made.id, each.suggestion.id, broker.standing(), by=officer, at=AT)
    return fresh(made)


def fresh(made: Assessment) -> Assessment:
    return Assessment.objects.get(id=made.id)


def advise(broker: AssessedBroker, made: Assessment, who: str, says: str = "supports") -> Advice:
    by = member(broker, who)
    return advice.advise(made.id, says, "We looked.", fresh(made).revision, by=by, at=AT)


def decide(
    broker: AssessedBroker, made: Assessment, how: str = "accepted", reason: str = ""
) -> AdviceDecision:
    by = member(broker, "d.ashe")
    return advice.decide(made.id, how, reason, fresh(made).revision, by=by, at=AT)


def approve(broker: AssessedBroker, made: Assessment, who: str = "d.ashe") -> Assessment:
    by = member(broker, who)
    return approval.approve(made.id, broker, fresh(made).revision, by=by, at=AT)  # type: ignore[arg-type]
