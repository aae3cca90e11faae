"""An assessment through the real door: its record, and the agreement that rests on it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.assessed import answers
from tests.homes import (
    ENGINEER,
    OTHER_SIGNATORY,
    OWNER,
    READER,
    SIGNATORY,
    agreement,
    small_home,
)

from commonthread.broker.access import Broker, Document, Refused
from commonthread.broker.records import close_ledgers
from commonthread.gateway.assessing import advice, approval, assessments, suggestions
from commonthread.gateway.assessing.steps import seen
from commonthread.gateway.drafting import drafts
from commonthread.gateway.models import Assessment, Draft

pytestmark = pytest.mark.django_db(transaction=True)
AT = datetime(2026, 11, 25, 12, tzinfo=UTC)
NEW = "ISA-2027-001"
OFFICER, DPO = "g.penn", "d.lane"


@pytest.fixture
def broker(tmp_path: Path, settings: Any) -> Iterator[Broker]:
    settings.HOME = tmp_path / "home"
    made = small_home(tmp_path, rows=40)
    people = [
        {"id": OFFICER, "name": "Officer", "partner": OWNER, "roles": ["governance-officer"]},
        {"id": DPO, "name": "DPO", "partner": OWNER, "roles": ["data-protection-officer"]},
    ]
    made.apply([Document("people.toml", {"member": people})])
    yield made
    made.close()
    close_ledgers()


def assessed(broker: Broker, draft: Draft) -> Assessment:
    """The draft with an assessment that is approved at the real door."""
    members = broker.standing().members
    officer = members[OFFICER]
    made = assessments.start(draft.id, by=officer, at=AT)
    steps = answers()
    steps["measures"]["measure"][0]["owner"] = READER
    steps["risks"]["risk"][0]["owner"] = OWNER
    for step, said in steps.items():
        now = Assessment.objects.get(id=made.id)
        assessments.save(made.id, step, said, seen(now.steps, step), by=officer, at=AT)
    for each in suggestions.offered(made, broker.standing()):
        suggestions.take_over(made.id, each.suggestion.id, broker.standing(), by=officer, at=AT)
    advice.ask(made.id, broker.standing(), by=officer, at=AT)
    revision = Assessment.objects.get(id=made.id).revision
    advice.advise(made.id, "supports", "We looked.", revision, by=members[DPO], at=AT)
    director = members[SIGNATORY]
    advice.decide(made.id, "accepted", "", revision, by=director, at=AT)
    return approval.approve(made.id, broker, revision, by=director, at=AT)


def test_an_agreement_in_force_rests_on_the_assessment_it_was_signed_with(broker: Broker) -> None:
    officer = broker.standing().members[OFFICER]
    table = {**agreement().table["agreement"], "reference": NEW}
    draft = drafts.start(officer, table, "blank", AT)
    made = assessed(broker, draft)
    assert broker.standing().dpias[made.digest].approved_by == SIGNATORY
    drafts.offer(draft.id, broker, by=officer, at=AT)
    for who in (SIGNATORY, OTHER_SIGNATORY):
        broker.act(NEW, "sign", who)
    status = broker.status(NEW)
    assert status.in_force
    assert status.terms is not None
    assert status.terms.dpia == made.digest
    kinds = [entry.kind for entry in broker.ledger.entries(0, 1_000)]
    assert kinds.count("dpia") == 1


def test_the_owner_counts_under_the_charter_and_nobody_else(broker: Broker) -> None:
    members = broker.standing().members
    table = {**agreement().table["agreement"], "reference": NEW}
    draft = drafts.start(members[OFFICER], table, "blank", AT)
    made = assessments.start(draft.id, by=members[OFFICER], at=AT)
    counted = suggestions.count(
        made.id, "calls", 3, 30, AT.date(), broker, by=members[ENGINEER], at=AT
    )
    assert (counted.deposit, counted.by) == (1, ENGINEER)
    with pytest.raises(Refused):
        suggestions.count(made.id, "calls", 3, 30, AT.date(), broker, by=members[OFFICER], at=AT)
