"""Fields of a form over an authored table: shown with what is there, read back as it was sent.

A draft may be incomplete, so reading refuses nothing: what is not a number stays the text that was
typed, and the broker's own rules say what is wrong with it. An empty answer is no answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

LINE, TEXT, CHOICE, DAY, WHOLE, FLAG, SEVERAL = (
    "line",
    "text",
    "choice",
    "day",
    "whole",
    "flag",
    "several",
)
DAY_PARTS = ("day", "month", "year")
_WHOLE = re.compile(r"-?[0-9]{1,15}")

Choices = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Field:
    """One question: its name in the table, its label, how it is asked, what may be chosen.

    A line that has `choices` offers them and takes any other text.
    """

    name: str
    label: str
    kind: str = LINE
    hint: str = ""
    choices: Choices = ()
    optional: bool = False
    rows: int = 3


@dataclass(frozen=True, slots=True)
class Shown:
    """A field on a page: its id there, what it holds, and what is wrong with it."""

    field: Field
    key: str
    value: Any
    problem: str = ""

    @property
    def parts(self) -> list[tuple[str, str, str]]:
        """(id, label, value) of the three boxes of a date."""
        found = re.split("-", str(self.value or "")) if self.value else []
        year, month, day = [*found, "", "", ""][:3]
        values = (day.lstrip("0"), month.lstrip("0"), year)
        return [
            (f"{self.key}-{name}", name.capitalize(), value)
            for name, value in zip(DAY_PARTS, values, strict=True)
        ]

    @property
    def options(self) -> list[tuple[str, str, bool]]:
        """(value, label, is it chosen); a value that is no longer offered is still shown."""
        held = self.value if isinstance(self.value, list) else [self.value]
        offered = [*self.field.choices]
        known = {value for value, _ in offered}
        offered += [
            (str(one), f"{one} (not known here)") for one in held if one and one not in known
        ]
        return [(value, label, value in held) for value, label in offered]


def show(
    fields: Iterable[Field],
    values: Mapping[str, Any],
    problems: Mapping[str, str],
    prefix: str = "",
) -> list[Shown]:
    """The fields with what a table holds. `problems`: field name → what is wrong."""
    return [
        Shown(field, f"{prefix}{field.name}", values.get(field.name), problems.get(field.name, ""))
        for field in fields
    ]


def answered(fields: Iterable[Field], sent: Any, prefix: str = "") -> dict[str, Any]:
    """What was sent for the fields (a `QueryDict`), without what was left empty."""
    found = {field.name: _answer(field, sent, f"{prefix}{field.name}") for field in fields}
    return {name: value for name, value in found.items() if value not in ("", [], None)}


def _answer(field: Field, sent: Any, key: str) -> Any:
    if field.kind == DAY:
        return _day([str(sent.get(f"{key}-{name}", "")).strip() for name in DAY_PARTS])
    if field.kind == SEVERAL:
        return sorted({value for value in sent.getlist(key) if value})
    text = str(sent.get(key, "")).replace("\r\n", "\n").strip()
    if field.kind == FLAG:
        return True if text else None
    if field.kind == WHOLE and _WHOLE.fullmatch(text):
        return int(text)
    return text


def _day(parts: Sequence[str]) -> str:
    """The day as ISO text; half an answer stays half, so that it can be mended."""
    day, month, year = parts
    if not (day or month or year):
        return ""
    return "-".join((year, month.zfill(2) if month else "", day.zfill(2) if day else ""))


def rows_sent(sent: Any, prefix: str) -> list[int]:
    """The numbers of the items of a list that a form sent, in their order."""
    found = {
        int(match.group(1))
        for key in sent
        if (match := re.match(rf"^{re.escape(prefix)}-([0-9]{{1,4}})-", key))
    }
    return sorted(found)
