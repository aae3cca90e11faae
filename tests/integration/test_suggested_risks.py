"""Suggested risks and owners' counts: each answered, each answer kept, nobody counts for others."""

from __future__ import annotations

import pytest
from tests.assessed import (
    AT,
    LEAD,
    OTHER,
    AssessedBroker,
    advise,
    answers,
    complete,
    fresh,
    member,
    terms,
    world,
)

from commonthread.broker.access import BadInput, Refused
from commonthread.gateway.assessing import advice, assessments, suggestions
from commonthread.gateway.assessing.steps import read, seen
from commonthread.gateway.drafting import drafts
from commonthread.gateway.models import DRAFTING, Assessment, Draft

pytestmark = pytest.mark.django_db
TODAY = AT.date()
PARTIES = (LEAD, OTHER)


@pytest.fixture
def broker() -> AssessedBroker:
    return world()


@pytest.fixture
def draft(broker: AssessedBroker) -> Draft:
    return drafts.start(member(broker, "g.penn"), terms(), "blank", AT)


@pytest.fixture
def care_draft(broker: AssessedBroker) -> Draft:
    return drafts.start(member(broker, "g.penn"), terms(care=True), "blank", AT)


@pytest.fixture
def begun(broker: AssessedBroker, draft: Draft) -> Assessment:
    """Every step answered, and every suggested risk."""
    return complete(broker, draft)


@pytest.fixture
def asked(broker: AssessedBroker, begun: Assessment) -> Assessment:
    return advice.ask(begun.id, broker.standing(), by=member(broker, "g.penn"), at=AT)


@pytest.fixture
def advised(broker: AssessedBroker, asked: Assessment) -> Assessment:
    advise(broker, asked, "d.lane")
    return fresh(asked)


def test_every_suggestion_is_answered_before_advisers_are_asked(
    broker: AssessedBroker, draft: Draft
) -> None:
    officer = member(broker, "g.penn")
    made = assessments.start(draft.id, by=officer, at=AT)
    for step, said in answers().items():
        assessments.save(made.id, step, said, seen(fresh(made).steps, step), by=officer, at=AT)
    with pytest.raises(BadInput) as said_of:
        advice.ask(made.id, broker.standing(), by=officer, at=AT)
    assert [problem.where for problem in said_of.value.problems] == [
        "risks.suggestion[more-than-needed]"
    ]


def test_a_suggestion_is_taken_over_with_what_would_help(
    broker: AssessedBroker, begun: Assessment
) -> None:
    risks = {each.id: each for each in read(begun.steps, PARTIES, TODAY).risks}
    taken = risks["more-than-needed"]
    assert taken.measure == "Give statistics, or say why rows are needed."
    assert (taken.level, taken.residual) == ("medium", "low")
    answer = begun.suggestion_answers.get()
    assert (answer.how, answer.by) == ("taken", "g.penn")
    assert answer.said["clauses"] == ["grant[calls].mode"]


def test_a_suggestion_is_dismissed_only_with_a_reason(broker: AssessedBroker, draft: Draft) -> None:
    officer = member(broker, "g.penn")
    made = assessments.start(draft.id, by=officer, at=AT)
    standing = broker.standing()
    with pytest.raises(BadInput, match="Say why"):
        suggestions.dismiss(made.id, "more-than-needed", " ", standing, by=officer, at=AT)
    assert [each.open for each in suggestions.offered(made, standing)] == [True]
    suggestions.dismiss(made.id, "more-than-needed", "We call.", standing, by=officer, at=AT)
    assert [each.open for each in suggestions.offered(made, standing)] == [False]
    assert made.suggestion_answers.get().reason == "We call."


def test_a_risk_dismissed_after_advice_asks_for_advice_again(
    broker: AssessedBroker, advised: Assessment
) -> None:
    suggestions.dismiss(
        advised.id,
        "more-than-needed",
        "On second thoughts.",
        broker.standing(),
        by=member(broker, "g.penn"),
        at=AT,
    )
    assert fresh(advised).state == DRAFTING
    assert advice.current(fresh(advised)) == []


def test_what_the_owner_counts_opens_the_suggestion_again(
    broker: AssessedBroker, care_draft: Draft
) -> None:
    made = complete(broker, care_draft)
    standing = broker.standing()
    name = "re-identification-attendances"
    before = {each.suggestion.id: each for each in suggestions.offered(made, standing)}
    assert not before[name].open
    engineer = member(broker, "n.crane")
    suggestions.count(made.id, "attendances", 60, 900, TODAY, broker, by=engineer, at=AT)  # type: ignore[arg-type]
    after = {each.suggestion.id: each for each in suggestions.offered(made, standing)}
    assert after[name].open
    assert after[name].before is not None
    assert "60 of 900 rows are unique" in after[name].suggestion.explanation


def test_a_count_of_other_columns_does_not_count(broker: AssessedBroker, care_draft: Draft) -> None:
    made = complete(broker, care_draft)
    engineer = member(broker, "n.crane")
    suggestions.count(made.id, "attendances", 60, 900, TODAY, broker, by=engineer, at=AT)  # type: ignore[arg-type]
    changed = terms(care=True)
    changed["grant"][1]["columns"] = ["born", "sex"]
    Draft.objects.filter(id=care_draft.id).update(terms=changed)
    [row] = suggestions.to_count(fresh(made), broker.standing(), OTHER)
    assert row.outdated
    assert "has not counted" in str(
        [
            each.suggestion.explanation
            for each in suggestions.offered(fresh(made), broker.standing())
        ]
    )


@pytest.mark.parametrize("who", ["e.wren", "g.penn", "m.dove"])
def test_nobody_but_the_owners_engineer_counts(
    broker: AssessedBroker, care_draft: Draft, who: str
) -> None:
    made = complete(broker, care_draft)
    with pytest.raises(Refused):
        suggestions.count(
            made.id,
            "attendances",
            1,
            9,
            TODAY,
            broker,
            by=member(broker, who),
            at=AT,  # type: ignore[arg-type]
        )
    assert not made.counts.exists()


def test_counting_is_asked_of_the_broker_and_recorded(
    broker: AssessedBroker, care_draft: Draft
) -> None:
    made = complete(broker, care_draft)
    engineer = member(broker, "n.crane")
    suggestions.count(made.id, "attendances", 1, 9, TODAY, broker, by=engineer, at=AT)  # type: ignore[arg-type]
    last = broker.ledger.entries()[-1]
    assert (last.kind, last.public) == ("own-data.read", {"dataset": f"{OTHER}/attendances"})
