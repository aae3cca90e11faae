"""What no row about an assessment may say: each constraint of the database, by its name."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, transaction
from tests.assessed import AT

from commonthread.gateway.models import (
    Advice,
    AdviceDecision,
    Assessment,
    AssessmentRevision,
    IcoConsultation,
    SuggestionAnswer,
    UniqueCount,
)

pytestmark = pytest.mark.django_db
APPROVED: dict[str, Any] = {
    "state": "approved",
    "asked_by": "g.penn",
    "asked_at": AT,
    "digest": "a" * 64,
    "approved_by": "d.ashe",
    "approved_at": AT,
}


def assessment(**values: Any) -> Assessment:
    said = {"lead": "wychshire", "author": "g.penn", "steps": {}, "created": AT, "changed": AT}
    return Assessment.objects.create(**(said | values))


def refused(name: str, make: Any) -> None:
    with pytest.raises(IntegrityError) as said, transaction.atomic():
        make()
    assert name in str(said.value)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("assessment_state_is_known", {"state": "done", "asked_by": "g.penn", "asked_at": AT}),
        ("assessment_approved_names_its_digest", {"digest": "a" * 64, "approved_by": "d.ashe",
                                                  "approved_at": AT}),
        ("assessment_approved_names_who", APPROVED | {"approved_by": ""}),
        ("assessment_with_advisers_was_asked", {"state": "with-advisers"}),
        ("assessment_author_does_not_approve", APPROVED | {"approved_by": "g.penn"}),
    ],
)  # fmt: skip
def test_an_assessment(name: str, values: dict[str, Any]) -> None:
    refused(name, lambda: assessment(**values))


def test_an_approved_assessment_is_taken() -> None:
    assert assessment(**APPROVED).digest == "a" * 64


def test_a_revision_is_one_of_its_number() -> None:
    made = assessment()
    row = {"assessment": made, "number": 1, "steps": {}, "by": "g.penn", "at": AT, "step": "new"}
    AssessmentRevision.objects.create(**row)
    with pytest.raises(IntegrityError), transaction.atomic():
        AssessmentRevision.objects.create(**row)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("advice_role_is_known", {"role": "signatory"}),
        ("advice_is_known", {"says": "perhaps"}),
        ("advice_says_something", {"text": ""}),
    ],
)
def test_advice(name: str, values: dict[str, Any]) -> None:
    row = {"assessment": assessment(), "revision": 1, "role": "caldicott-guardian"}
    row |= {"member": "c.lowe", "partner": "severn-acute", "says": "supports", "text": "Yes."}
    refused(name, lambda: Advice.objects.create(**(row | {"at": AT} | values)))


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("advice_decision_is_known", {"how": "noted"}),
        ("advice_overruled_says_why", {"how": "overruled"}),
    ],
)
def test_a_decision(name: str, values: dict[str, Any]) -> None:
    row = {"assessment": assessment(), "revision": 1, "advice": [], "by": "d.ashe", "at": AT}
    refused(name, lambda: AdviceDecision.objects.create(**(row | values)))


def test_a_consultation_says_the_answer() -> None:
    row = {"assessment": assessment(), "revision": 1, "asked_on": AT.date(), "answer": ""}
    refused(
        "ico_consultation_says_the_answer",
        lambda: IcoConsultation.objects.create(**row, by="g.penn", at=AT),
    )


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("suggestion_answer_is_known", {"how": "ignored", "reason": "So."}),
        ("suggestion_dismissed_says_why", {"how": "dismissed"}),
    ],
)
def test_an_answer_to_a_suggestion(name: str, values: dict[str, Any]) -> None:
    row = {"assessment": assessment(), "suggestion": "export", "word": "", "said": {}}
    row |= {"by": "g.penn", "at": AT}
    refused(name, lambda: SuggestionAnswer.objects.create(**(row | values)))


def test_a_count_is_of_its_rows() -> None:
    row = {"assessment": assessment(), "grant": "calls", "shows": "", "unique": 2, "rows": 1}
    row |= {"counted_on": AT.date(), "deposit": 1, "by": "e.wren", "at": AT}
    refused("unique_count_is_of_its_rows", lambda: UniqueCount.objects.create(**row))
