"""A draft in words, section by section, whether sound or not; and two of them side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from difflib import SequenceMatcher
from typing import Any

from commonthread.broker.access import Broker
from commonthread.broker.rules.errors import Problem
from commonthread.broker.rules.filters import parse_filter
from commonthread.gateway import words
from commonthread.gateway.drafting.sections import SECTIONS, Section

from .asked import STATEMENTS, Many, asked
from .fields import DAY, FLAG, LINE, Field

NOTHING = "Nothing yet."


@dataclass(frozen=True, slots=True)
class Line:
    """One line on either side; `changed` when they differ, and one side may have none."""

    left: str
    right: str
    changed: bool


def lines(section: Section, broker: Broker, table: Mapping[str, Any]) -> list[str]:
    """What a section says, one sentence a line."""
    if section.id == "data":
        return [
            f"{row.get('id', 'no name yet')}: {line}"
            for row in _rows(table, "grant")
            for line in of_grant(row)
        ]
    if section.id == "rights":
        return [
            f"{STATEMENTS.get(str(row.get('section')), row.get('section'))}. {row.get('text', '')}"
            for row in _rows(table, "statement")
        ]
    form = asked(section.id, broker, table)
    said = list(_answers(form.fields, table))
    return said + (list(_many(form.many, table)) if form.many else [])


def beside(
    broker: Broker, old: Mapping[str, Any], new: Mapping[str, Any]
) -> list[tuple[Section, list[Line]]]:
    """Each section of two tables side by side; a section that neither says is left out."""
    found = []
    for section in SECTIONS:
        compared = _aligned(lines(section, broker, old), lines(section, broker, new))
        if compared:
            found.append((section, compared))
    return found


def _aligned(old: list[str], new: list[str]) -> list[Line]:
    found = []
    for kind, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        left, right = old[a:b], new[c:d]
        for index in range(max(len(left), len(right))):
            found.append(
                Line(
                    left[index] if index < len(left) else "",
                    right[index] if index < len(right) else "",
                    kind != "equal",
                )
            )
    return found


def _rows(table: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    rows = table.get(name, [])
    return [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []


def _many(many: Many, table: Mapping[str, Any]) -> Iterator[str]:
    for number, row in enumerate(_rows(table, many.name), 1):
        answers = "; ".join(_answers(many.fields, row))
        yield f"{many.one.capitalize()} {number} – {answers}" if answers else f"{many.one} {number}"


def _answers(fields: tuple[Field, ...], row: Mapping[str, Any]) -> Iterator[str]:
    for field in fields:
        value = row.get(field.name)
        if value not in (None, "", [], False):
            yield f"{field.label}: {_said(field, value)}" if field.kind != FLAG else field.label


def _said(field: Field, value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_said(field, one) for one in value)
    if field.kind == DAY:
        return day(value)
    return dict(field.choices).get(str(value), str(value)) if field.kind != LINE else str(value)


def day(value: Any) -> str:
    """A day in words, or what was typed where it is none."""
    try:
        return words.day(date.fromisoformat(str(value)))
    except ValueError:
        return str(value)


def of_grant(row: Mapping[str, Any]) -> Iterator[str]:
    """What one grant of a draft says, one sentence a line."""
    mode = words.MODES.get(str(row.get("mode")), "No mode yet")
    takers = ", ".join(str(one) for one in row.get("recipients", [])) or "nobody yet"
    yield f"{mode} of {row.get('dataset', 'no dataset yet')}, for {takers}"
    yield f"purpose {row.get('purpose', 'not chosen')}"
    if row.get("person"):
        yield "person, a pseudonym of the resident, under this agreement only"
    for column in row.get("columns", []):
        yield _column(column)
    yield rows_of(row)
    for key, label in GRANT_LABELS.items():
        if row.get(key) not in (None, "", [], False):
            yield f"{label} {_plain(row[key])}"


GRANT_LABELS = {
    "persons": "only residents who are in",
    "minimum_count": "no figure about fewer residents than",
    "round_to": "figures rounded to",
    "by": "looked up by",
    "per_day": "look-ups a day at most",
    "needs": "needs first",
    "export": "may be downloaded:",
    "retention": "what is kept is destroyed after",
}


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(str(one) for one in value)
    if value is True:
        return "yes"
    return words.period(value) if isinstance(value, str) else str(value)


def _column(column: Any) -> str:
    if not isinstance(column, Mapping):
        return f"{column}, {words.TREATMENTS['plain']}"
    treatment = str(column.get("treatment", "plain"))
    said = words.TREATMENTS.get(treatment, treatment)
    if treatment == "age-band":
        said = f"the age in bands of five years, as at {day(column.get('as_at', 'no date yet'))}"
    named = column.get("as")
    shown = f", shown as {named}" if named and named != column.get("name") else ""
    return f"{column.get('name')}, {said}{shown}"


def rows_of(row: Mapping[str, Any]) -> str:
    """Which rows a grant opens, in words; a filter that cannot be read says so."""
    if "rows" not in row:
        return words.rows_in_words(None)
    problems: list[Problem] = []
    found = parse_filter(row["rows"], "rows", problems)
    return "Rows by a condition that is not sound yet" if problems else words.rows_in_words(found)
