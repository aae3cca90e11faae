"""The questions of a step as fields of a form, with the partners and risks that may be chosen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from commonthread.gateway.assessing import people
from commonthread.gateway.assessing.asked import BY_ID, RISKS, TEXT, Question, Step
from commonthread.gateway.assessing.steps import Progress, part, rows
from commonthread.gateway.models import Assessment
from commonthread.web.drafts.fields import Choices, Field, Shown, answered, rows_sent, show

LONG_ANSWER, SHORT_ANSWER = 5, 3


def fields(
    questions: Iterable[Question], found: Assessment, names: Mapping[str, str]
) -> tuple[Field, ...]:
    """A step's questions as fields. `names`: partner → its name."""
    choices: dict[str, Choices] = {
        "owner": [(one, names.get(one, one)) for one in people.parties(found)],
        "risk": [
            (str(each["id"]), f"{each['id']}: {each.get('text', '')}"[:120])
            for each in rows(found.steps, BY_ID[RISKS])
            if each.get("id")
        ],
    }
    return tuple(
        Field(
            each.name,
            each.label,
            each.kind,
            each.hint,
            each.choices or choices.get(each.name, ()),
            optional=not each.needed,
            rows=LONG_ANSWER if each.kind == TEXT and each.most > 3_000 else SHORT_ANSWER,
        )
        for each in questions
    )


def sent(step: Step, found: Assessment, names: Mapping[str, str], post: Any) -> dict[str, Any]:
    """What a form of the step said."""
    values = answered(fields(step.questions, found, names), post)
    if step.rows:
        own, name = fields(step.rows.questions, found, names), step.rows.name
        values[name] = [
            answered(own, post, f"{name}-{number}-")
            for number in rows_sent(post, name)[: step.rows.most]
        ]
    return values


def shown(
    step: Step,
    found: Assessment,
    names: Mapping[str, str],
    values: Mapping[str, Any],
    progress: Progress | None,
) -> list[Shown]:
    return show(fields(step.questions, found, names), values, _problems(step, progress, None))


def shown_rows(
    step: Step,
    found: Assessment,
    names: Mapping[str, str],
    values: Mapping[str, Any],
    progress: Progress | None,
) -> list[list[Shown]]:
    """The form of each item of a step's list; an empty one where there is none."""
    if step.rows is None:
        return []
    own, name = fields(step.rows.questions, found, names), step.rows.name
    held: Sequence[Mapping[str, Any]] = values.get(name) or [{}]
    return [
        show(own, row, _problems(step, progress, number), f"{name}-{number}-")
        for number, row in enumerate(held)
    ]


def _problems(step: Step, progress: Progress | None, number: int | None) -> dict[str, str]:
    """field → what is wrong with it, beside what only is missing."""
    start = f"{step.id}." if number is None else f"{step.id}.{_rows_name(step)}[{number}]."
    found: dict[str, str] = {}
    for problem in progress.problems if progress else ():
        name = problem.where.removeprefix(start)
        if problem.where.startswith(start) and "." not in name and "[" not in name:
            mend = f" {problem.mend[0].upper()}{problem.mend[1:]}." if problem.mend else ""
            found.setdefault(name, f"{problem.message[0].upper()}{problem.message[1:]}.{mend}")
    return found


def _rows_name(step: Step) -> str:
    return step.rows.name if step.rows else ""


def kept(values: Mapping[str, Any]) -> dict[str, Any]:
    """The answers without items that nothing was said of."""
    return {
        name: [row for row in value if row] if isinstance(value, list) else value
        for name, value in values.items()
    }


def held(found: Assessment, step: Step) -> Mapping[str, Any]:
    return part(found.steps, step.id)
