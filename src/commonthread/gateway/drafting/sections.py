"""The parts of an agreement as its authors see them: the sections of the ICO's data sharing code.

A draft is the authored table of the broker's own rules, and those rules say what is wrong with it:
there is no second list of what is required. Source: ICO, Data sharing: a code of practice (2021),
"Data sharing agreements".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from commonthread.broker.rules.authored import parse_terms
from commonthread.broker.rules.canonical import digest
from commonthread.broker.rules.errors import BadInput, Problem
from commonthread.broker.rules.terms import Terms

EMPTY, STARTED, WRONG, DONE = "not started", "in progress", "something to mend", "completed"
_STEP = re.compile(r"^\.?([a-z_]+)(?:\[([^\]]*)\])?")


@dataclass(frozen=True, slots=True)
class Section:
    """One part: its title, the fields of the table that it holds, what it asks, is it needed."""

    id: str
    title: str
    fields: tuple[str, ...]
    asks: str
    needed: bool = True


SECTIONS = (
    Section(
        "about",
        "About the agreement",
        (
            "reference",
            "title",
            "version",
            "charter",
            "starts",
            "ends",
            "review",
            "on_withdrawal",
            "rests_on",
            "single_out",
        ),
        "What it is called, from when to when it holds, and when the parties look at it again.",
    ),
    Section("purposes", "Purposes", ("purpose",), "What the data will be used for, one by one."),
    Section(
        "parties",
        "Parties and their legal grounds",
        ("party",),
        "Who is bound, in which role, and on which lawful basis, condition and power each shares.",
    ),
    Section(
        "data",
        "What is shared",
        ("grant",),
        "Which columns of which datasets, treated how, about whom, for which groups and purpose.",
    ),
    Section(
        "assurance",
        "Credentials that are asked for",
        ("requires_credentials",),
        "What each controller must hold, and what happens when it lapses.",
        needed=False,
    ),
    Section(
        "rights",
        "Rights, security and other clauses",
        ("statement",),
        "How rights requests, complaints, accuracy, onward sharing and breaches are handled.",
    ),
    Section(
        "duties",
        "Duties",
        ("duty",),
        "What people have promised to do, by when: software cannot enforce it, so it is attested.",
        needed=False,
    ),
    Section(
        "risks",
        "Risks",
        ("risk",),
        "What could go wrong, how likely and how bad, what is done about it and what is left.",
        needed=False,
    ),
    Section(
        "assessment",
        "Data protection impact assessment",
        ("dpia",),
        "The assessment that the agreement rests on, fixed by its digest.",
        needed=False,
    ),
)
BY_ID = {section.id: section for section in SECTIONS}
_SECTION_OF = {field: section.id for section in SECTIONS for field in section.fields}


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one section is, by the broker's own rules."""

    section: Section
    state: str
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """A draft as the rules read it: its terms, if they can be taken, and each section's state."""

    terms: Terms | None
    progress: tuple[Progress, ...]

    @property
    def done(self) -> int:
        return sum(each.state == DONE for each in self.progress)

    @property
    def problems(self) -> tuple[Problem, ...]:
        return tuple(problem for each in self.progress for problem in each.problems)

    def of(self, section: str) -> Progress:
        return next(each for each in self.progress if each.section.id == section)


def read(table: Mapping[str, Any]) -> Reading:
    """What a draft says and what is still wrong with it, section by section."""
    terms: Terms | None = None
    problems: tuple[Problem, ...] = ()
    try:
        terms = parse_terms(dict(table))
    except BadInput as error:
        problems = error.problems
    by_section: dict[str, list[Problem]] = {section.id: [] for section in SECTIONS}
    for problem in problems:
        by_section[section_of(problem)].append(problem)
    return Reading(
        terms,
        tuple(_progress(section, table, by_section[section.id]) for section in SECTIONS),
    )


def section_of(problem: Problem) -> str:
    """The section in which a problem is mended; what fits none is about the whole agreement."""
    step = _STEP.match(problem.where.removeprefix("agreement"))
    if step is None:
        return "about"
    if problem.where.endswith(".owner") and step.group(1) not in _SECTION_OF:
        return "duties" if "duty" in problem.where else "risks"
    return _SECTION_OF.get(step.group(1), "about")


def item_of(problem: Problem) -> tuple[int | None, str]:
    """(index in a list, field) that a problem is about; None for the section as a whole."""
    found = re.match(r"^agreement\.[a-z_]+\[(\d+)\]\.?([a-z_]*)", problem.where)
    if found:
        return int(found.group(1)), found.group(2)
    field = problem.where.removeprefix("agreement").lstrip(".")
    return None, field.split(".")[0].split("[")[0]


def part(table: Mapping[str, Any], section: Section) -> dict[str, Any]:
    """What a section holds of the table."""
    return {name: table[name] for name in section.fields if name in table}


def seen(table: Mapping[str, Any], section: Section) -> str:
    """A word for what a section says: who saves it must have seen this."""
    return digest(part(table, section))[:16]


def _progress(section: Section, table: Mapping[str, Any], problems: Sequence[Problem]) -> Progress:
    held = [value for value in part(table, section).values() if value not in ("", [], None)]
    if not held:
        return Progress(section, EMPTY, tuple(problems))
    if not problems:
        return Progress(section, DONE, ())
    unanswered = all(problem.message == "this field is missing" for problem in problems)
    return Progress(section, STARTED if unanswered else WRONG, tuple(problems))
