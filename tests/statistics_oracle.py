"""Published figures in plain Python, by rule 7 of the design and by another method than the SQL.

Rows are lists of dicts with `_resident`; numbers are fractions; every cell is looked at by itself,
every resident of it in turn. Nothing is shared with the code that it judges.
"""

from __future__ import annotations

import operator
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import floor
from typing import Any

Row = dict[str, Any]
Column = tuple[str, str]  # alias, name
COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "in": lambda value, several: value in several,
}


@dataclass(frozen=True)
class From:
    table: str
    alias: str
    left: bool = False
    on: tuple[tuple[Column, Column], ...] = ()


@dataclass(frozen=True)
class Question:
    """`figures` are (kind, column): count, persons, sum, avg. `having` compares one by position."""

    tables: tuple[From, ...]
    keys: tuple[Column, ...]
    figures: tuple[tuple[str, Column | None], ...]
    where: tuple[tuple[Column, str, Any], ...] = ()
    having: tuple[tuple[int, str, int], ...] = ()


def published(
    question: Question, tables: Mapping[str, Sequence[Row]], minimum: int, step: int
) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    """Grouping values → published figures, for the cells that are shown."""
    cells: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in _joined(question, tables):
        if all(_holds(row[column], sign, value) for column, sign, value in question.where):
            cells[tuple(row[key] for key in question.keys)].append(row)
    shown = {}
    for key, rows in cells.items():
        if _safe(question, rows, minimum):
            figures = tuple(_publish(rows, figure, step) for figure in question.figures)
            if all(_holds(figures[i], sign, value) for i, sign, value in question.having):
                shown[key] = figures
    return shown


def _joined(question: Question, tables: Mapping[str, Sequence[Row]]) -> list[dict[Column, Any]]:
    result: list[dict[Column, Any]] = [{}]
    for source in question.tables:
        rows = [
            {(source.alias, name): value for name, value in row.items()}
            for row in tables[source.table]
        ]
        names = [(source.alias, name) for name in _names(tables[source.table])]
        widened = []
        for before in result:
            matched = [
                {**before, **row}
                for row in rows
                if all(
                    _holds({**before, **row}[a], "=", {**before, **row}[b]) for a, b in source.on
                )
            ]
            if source.left and not matched:
                matched = [{**before, **dict.fromkeys(names)}]
            widened += matched
        result = widened
    return result


def _names(rows: Sequence[Row]) -> list[str]:
    return list(rows[0]) if rows else ["_resident", "person", "area", "sort", "cost", "paid", "met"]


def _holds(value: Any, sign: str, other: Any) -> bool:
    if sign == "is null":
        return value is None
    if sign == "is not null":
        return value is not None
    if value is None or other is None:
        return False
    return COMPARE[sign](value, other)


def _residents(rows: list[Row], alias: str) -> set[int]:
    return {row[alias, "_resident"] for row in rows} - {None}


def _safe(question: Question, rows: list[Row], minimum: int) -> bool:
    for source in question.tables:
        if len(_residents(rows, source.alias)) < minimum:
            return False
        for kind, column in question.figures:
            counted = [row for row in rows if row[column] is not None] if column else rows
            if kind in ("sum", "avg") and len(_residents(counted, source.alias)) < minimum:
                return False
            for resident in _residents(counted, source.alias):
                others = [row for row in counted if row[source.alias, "_resident"] != resident]
                if _makes_most(kind, column, counted, others):
                    return False
    return True


def _makes_most(kind: str, column: Column | None, rows: list[Row], others: list[Row]) -> bool:
    """What is lost without one resident's rows is more than half of the figure."""
    sizes = [len]
    if kind == "persons":
        sizes = [lambda part: len({row[column] for row in part})]
    elif kind == "sum":
        sizes = [lambda part: sum(abs(Fraction(row[column])) for row in part)]
    elif kind == "avg":
        sizes = [len, lambda part: sum(abs(Fraction(row[column])) for row in part)]
    return any(2 * (size(rows) - size(others)) > size(rows) for size in sizes)


def _publish(rows: list[Row], figure: tuple[str, Column | None], step: int) -> Any:
    kind, column = figure
    if column is None:
        return _rounded(len(rows), step)
    values = [row[column] for row in rows if row[column] is not None]
    if kind == "persons":
        return _rounded(len(set(values)), step)
    total = _rounded(sum(Fraction(value) for value in values), step)
    if kind == "sum":
        return total
    count = _rounded(len(values), step)
    return float(total) / float(count) if count else None


def _rounded(number: int | Fraction, step: int) -> int:
    """Half up: 2.5 → 5, -2.5 → 0 in steps of 5."""
    return floor(Fraction(number) / step + Fraction(1, 2)) * step
