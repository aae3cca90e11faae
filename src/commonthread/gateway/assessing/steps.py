"""How far the seven steps are: what is missing, what is wrong, and which risks they state.

An assessment in writing may hold anything; only one whose every step is completed goes to the
advisers, and only such a one is approved.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from commonthread.broker.rules.canonical import digest
from commonthread.broker.rules.errors import Problem
from commonthread.broker.rules.fields import GRANT, REFERENCE
from commonthread.broker.rules.terms import LEVELS
from commonthread.gateway.drafting.sections import DONE, EMPTY, STARTED, WRONG
from commonthread.gateway.risks import level

from .asked import (
    ACCEPTED,
    BY_ID,
    CHOICE,
    CONSULTATION,
    DAY,
    FLAG,
    MEASURES,
    NEED,
    OUTCOME,
    RISKS,
    STEPS,
    Question,
    Step,
)

MISSING = "this answer is missing"
Answers = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Weighed:
    """A risk that is stated soundly, before and after what is done about it."""

    id: str
    text: str
    owner: str
    likelihood: str
    impact: str
    measure: str
    doer: str
    effect: str
    likelihood_after: str
    impact_after: str

    @property
    def level(self) -> str:
        return level(self.likelihood, self.impact)

    @property
    def residual(self) -> str:
        return level(self.likelihood_after, self.impact_after)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one step is."""

    step: Step
    state: str
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """An assessment as far as it is sound: each step's state, and the risks that it weighs."""

    progress: tuple[Progress, ...]
    risks: tuple[Weighed, ...]

    @property
    def complete(self) -> bool:
        return all(each.state == DONE for each in self.progress)

    @property
    def done(self) -> int:
        return sum(each.state == DONE for each in self.progress)

    @property
    def problems(self) -> tuple[Problem, ...]:
        return tuple(problem for each in self.progress for problem in each.problems)

    @property
    def residual(self) -> str:
        """The highest level that is left, or low where no risk is stated."""
        return max((each.residual for each in self.risks), key=LEVELS.index, default=LEVELS[0])

    def of(self, step: str) -> Progress:
        return next(each for each in self.progress if each.step.id == step)


def read(steps: Mapping[str, Any], parties: Sequence[str], day: date) -> Reading:
    """What the steps say on `day`; `parties` may own risks and measures."""
    return Reading(
        tuple(_progress(step, part(steps, step.id), steps, parties, day) for step in STEPS),
        tuple(weighed(steps)),
    )


def part(steps: Mapping[str, Any], step: str) -> Answers:
    held = steps.get(step)
    return held if isinstance(held, Mapping) else {}


def seen(steps: Mapping[str, Any], step: str) -> str:
    """A word for what a step says: who saves it must have seen this."""
    return digest(dict(part(steps, step)))[:16]


def rows(steps: Mapping[str, Any], step: Step) -> list[Answers]:
    held = part(steps, step.id).get(step.rows.name) if step.rows else None
    return [each for each in held if isinstance(each, Mapping)] if isinstance(held, list) else []


def _progress(
    step: Step, answers: Answers, steps: Mapping[str, Any], parties: Sequence[str], day: date
) -> Progress:
    problems = [*_asked(step, answers, steps, parties), *_of_the_step(step, steps, day)]
    held = [value for value in answers.values() if value not in ("", [], None, False)]
    if not held:
        return Progress(step, EMPTY, tuple(problems))
    if not problems:
        return Progress(step, DONE, ())
    unanswered = all(problem.message == MISSING for problem in problems)
    return Progress(step, STARTED if unanswered else WRONG, tuple(problems))


def _asked(
    step: Step, answers: Answers, steps: Mapping[str, Any], parties: Sequence[str]
) -> Iterator[Problem]:
    for question in step.questions:
        yield from _answer(question, answers, f"{step.id}.{question.name}", ())
    if step.rows is None:
        return
    allowed = {"owner": parties, "risk": _risk_ids(steps)}
    for number, row in enumerate(rows(steps, step)):
        for question in step.rows.questions:
            where = f"{step.id}.{step.rows.name}[{number}].{question.name}"
            yield from _answer(question, row, where, allowed.get(question.name, ()))


def _answer(
    question: Question, answers: Answers, where: str, allowed: Sequence[str]
) -> Iterator[Problem]:
    value = answers.get(question.name)
    if value in ("", [], None):
        if question.needed:
            yield Problem(where, MISSING)
    elif question.kind == FLAG:
        if not isinstance(value, bool):
            yield Problem(where, "the answer is yes or no")
    elif not isinstance(value, str) or len(value) > question.most:
        yield Problem(where, f"text of 1 to {question.most:,} characters is needed here")
    elif question.kind == CHOICE:
        known = allowed or [each for each, _ in question.choices]
        if value not in known:
            yield Problem(where, "this is none of what can be chosen", "choose again")
    elif question.kind == DAY and _day(value) is None:
        yield Problem(where, "a date is needed here", "a day, a month and a year")


def _of_the_step(step: Step, steps: Mapping[str, Any], day: date) -> Iterator[Problem]:
    """What only this step has to hold, beside an answer to each question."""
    if step.id == NEED:
        reference = part(steps, NEED).get("reference")
        if isinstance(reference, str) and reference and not REFERENCE.fullmatch(reference):
            yield Problem("need.reference", "capitals, figures and hyphens", "DPIA-2027-003")
    elif step.id == CONSULTATION:
        yield from _consultation(step, steps)
    elif step.id == RISKS:
        yield from _risks(step, steps)
    elif step.id == MEASURES:
        yield from _measures(step, steps)
    elif step.id == OUTCOME:
        review = _day(part(steps, OUTCOME).get("review"))
        if review is not None and review <= day:
            yield Problem("outcome.review", "this day has passed", "a day that is still to come")


def _consultation(step: Step, steps: Mapping[str, Any]) -> Iterator[Problem]:
    who = [each.get("who") for each in rows(steps, step)]
    if not who and not part(steps, CONSULTATION).get("not_asked"):
        yield Problem(
            "consultation.not_asked", "nobody was asked", "add a view, or say why nobody was"
        )
    if len(set(who)) != len(who):
        yield Problem("consultation.view", "somebody stands twice", "put both views into one")


def _risks(step: Step, steps: Mapping[str, Any]) -> Iterator[Problem]:
    ids = [each.get("id") for each in rows(steps, step)]
    if not ids:
        yield Problem("risks.risk", MISSING, "state at least one")
    for number, id_ in enumerate(ids):
        where = f"risks.risk[{number}].id"
        if id_ and not (isinstance(id_, str) and GRANT.fullmatch(id_)):
            yield Problem(where, "small letters, figures and hyphens")
        elif id_ and id_ in ids[:number]:
            yield Problem(where, "another risk has this name", "choose another")


def _measures(step: Step, steps: Mapping[str, Any]) -> Iterator[Problem]:
    named = [each.get("risk") for each in rows(steps, step)]
    for number, risk in enumerate(named):
        if risk and risk in named[:number]:
            where = f"measures.measure[{number}].risk"
            yield Problem(where, "what is done about this risk is said above", "put it there")
    before = {str(each.get("id")): _cell(each) for each in rows(steps, BY_ID[RISKS])}
    for number, each in enumerate(rows(steps, step)):
        if each.get("effect") == ACCEPTED and _cell(each) != before.get(str(each.get("risk"))):
            where = f"measures.measure[{number}].effect"
            yield Problem(where, "a risk that is accepted as it is stays where it is")
    for id_ in _risk_ids(steps):
        if id_ not in named:
            yield Problem("measures.measure", f"nothing is said about the risk {id_}", "add it")


def _cell(row: Answers) -> tuple[Any, Any]:
    return row.get("likelihood"), row.get("impact")


def _risk_ids(steps: Mapping[str, Any]) -> list[str]:
    return [str(each["id"]) for each in rows(steps, BY_ID[RISKS]) if each.get("id")]


def _day(value: Any) -> date | None:
    try:
        return date.fromisoformat(value) if isinstance(value, str) and value else None
    except ValueError:
        return None


def review_day(steps: Mapping[str, Any]) -> date | None:
    """Until when the assessment holds, if it says so soundly."""
    return _day(part(steps, OUTCOME).get("review"))


def weighed(steps: Mapping[str, Any]) -> Iterator[Weighed]:
    """The risks that can be drawn; one whose measure is not sound yet stays where it is."""
    measures = {str(each.get("risk")): each for each in rows(steps, BY_ID[MEASURES])}
    for risk in rows(steps, BY_ID[RISKS]):
        if not _placed(risk) or not risk.get("id"):
            continue
        measure = measures.get(str(risk["id"]), {})
        after = measure if _placed(measure) else risk
        yield Weighed(
            id=str(risk["id"]),
            text=str(risk.get("text", "")),
            owner=str(risk.get("owner", "")),
            likelihood=risk["likelihood"],
            impact=risk["impact"],
            measure=str(measure.get("text", "")),
            doer=str(measure.get("owner", "")),
            effect=str(measure.get("effect", "")),
            likelihood_after=after["likelihood"],
            impact_after=after["impact"],
        )


def _placed(row: Answers) -> bool:
    """Whether likelihood and impact are such as the matrix knows."""
    try:
        level(row.get("likelihood", ""), row.get("impact", ""))
    except ValueError:
        return False
    return True
