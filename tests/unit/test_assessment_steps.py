"""The seven steps: what is missing, what is wrong, and what a risk leaves."""

from __future__ import annotations

from copy import deepcopy
from datetime import date
from typing import Any

import pytest
from tests.assessed import LEAD, OTHER, answers

from commonthread.gateway.assessing.asked import STEPS
from commonthread.gateway.assessing.steps import read
from commonthread.gateway.assessing.suggestions import after
from commonthread.gateway.risks import Suggestion, level
from commonthread.web.drafts import fields

DAY = date(2026, 11, 25)
PARTIES = (LEAD, OTHER)


def problems(steps: dict[str, Any]) -> list[str]:
    return [problem.where for problem in read(steps, PARTIES, DAY).problems]


def changed(path: str, value: Any) -> dict[str, Any]:
    """Full answers with one of them another: `risks.risk.0.owner`; None takes it out."""
    steps: Any = deepcopy(answers())
    *way, last = path.split(".")
    inside = steps
    for name in way:
        inside = inside[int(name)] if name.isdigit() else inside[name]
    if value is None:
        del inside[last]
    else:
        inside[last] = value
    return steps  # type: ignore[no-any-return]


def test_full_answers_are_complete() -> None:
    reading = read(answers(), PARTIES, DAY)
    assert reading.complete
    assert (reading.done, reading.residual) == (7, "low")


def test_nothing_is_not_started_and_says_what_each_step_wants() -> None:
    reading = read({}, PARTIES, DAY)
    assert {each.state for each in reading.progress} == {"not started"}
    # Nothing has been identified that a measure could be about.
    assert [each.step.id for each in reading.progress if not each.problems] == ["measures"]
    assert not reading.complete


NEEDED = [
    f"{step.id}.{question.name}" for step in STEPS for question in step.questions if question.needed
] + [
    f"{step.id}.{step.rows.name}.0.{question.name}"
    for step in STEPS
    if step.rows
    for question in step.rows.questions
]


@pytest.mark.parametrize("path", NEEDED)
def test_no_answer_that_is_needed_is_left_out(path: str) -> None:
    where = path.replace(".0.", "[0].")
    assert where in problems(changed(path, None))
    assert not read(changed(path, None), PARTIES, DAY).complete


@pytest.mark.parametrize(
    ("path", "value", "where"),
    [
        ("need.reference", "dpia 1", "need.reference"),
        ("need.title", "x" * 201, "need.title"),
        ("need.aim", 7, "need.aim"),
        ("processing.care_data", "yes", "processing.care_data"),
        ("consultation.view", [], "consultation.not_asked"),
        ("consultation.view", answers()["consultation"]["view"] * 2, "consultation.view"),
        ("risks.risk", [], "risks.risk"),
        ("risks.risk.0.id", "Not a name", "risks.risk[0].id"),
        ("risks.risk", answers()["risks"]["risk"] * 2, "risks.risk[1].id"),
        ("risks.risk.0.owner", "somebody-else", "risks.risk[0].owner"),
        ("risks.risk.0.likelihood", "perhaps", "risks.risk[0].likelihood"),
        ("measures.measure.0.risk", "another", "measures.measure[0].risk"),
        ("measures.measure", answers()["measures"]["measure"] * 2, "measures.measure[1].risk"),
        ("measures.measure", [], "measures.measure"),
        ("measures.measure.0.effect", "accepted", "measures.measure[0].effect"),
        ("outcome.review", "soon", "outcome.review"),
        ("outcome.review", "2026-11-25", "outcome.review"),
    ],
)
def test_what_is_wrong_is_named(path: str, value: Any, where: str) -> None:
    assert where in problems(changed(path, value))


def test_whoever_asks_nobody_says_why() -> None:
    steps = changed("consultation.view", [])
    steps["consultation"]["not_asked"] = "Nobody can be reached before the winter."
    assert problems(steps) == []


def test_the_highest_risk_that_is_left_counts() -> None:
    steps = answers(after="likely", impact_after="severe")
    low = {**steps["risks"]["risk"][0], "id": "low", "likelihood": "rare", "impact": "minor"}
    steps["risks"]["risk"].append(low)
    assert read(steps, PARTIES, DAY).residual == "high"


def test_a_risk_without_a_sound_measure_stays_where_it_is() -> None:
    [risk] = read(changed("measures.measure.0.likelihood", None), PARTIES, DAY).risks
    assert (risk.likelihood_after, risk.residual) == (risk.likelihood, risk.level)


@pytest.mark.parametrize("residual", ["low", "medium", "high"])
@pytest.mark.parametrize("likelihood", ["rare", "possible", "almost-certain"])
@pytest.mark.parametrize("impact", ["negligible", "significant", "severe"])
def test_a_suggestion_is_drawn_where_its_residual_says(
    residual: str, likelihood: str, impact: str
) -> None:
    made = Suggestion("a", "t", "e", ("clause",), likelihood, impact, "m", residual)
    order = ("low", "medium", "high")
    left = level(*after(made))
    assert order.index(left) <= order.index(residual)
    # Nothing gets better than its mitigation promises.
    assert left == residual or left == made.level


def test_every_kind_of_question_has_a_field() -> None:
    known = {fields.LINE, fields.TEXT, fields.CHOICE, fields.DAY, fields.FLAG}
    kinds = {question.kind for step in STEPS for question in step.questions}
    kinds |= {each.kind for step in STEPS if step.rows for each in step.rows.questions}
    assert kinds <= known
