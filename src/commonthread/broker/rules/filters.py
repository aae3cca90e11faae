"""Row filters: structured, typed against the contract, and three-valued (rule 5).

`["born", "<=", "1961-01-01"]`, `["district", "in", ["North", "South"]]`, and tables with one of
`and`, `or`, `not`. A comparison with a missing value is unknown, `not` unknown is unknown, and
unknown hides the row. A date compared with a timestamp means 00:00 of that day. Text compares
by its UTF-8 bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from .canonical import plain, sorted_set
from .contracts import Contract
from .errors import Problem

COMPARISONS = ("=", "!=", "<", "<=", ">", ">=")
DEEPEST = 12
MOST_VALUES = 5_000
DECIMAL = re.compile(r"-?\d{1,18}(?:\.\d{1,10})?")


@dataclass(frozen=True, slots=True)
class Compare:
    column: str
    operator: str
    value: str | int | bool

    def to_plain(self) -> Any:
        return [self.column, self.operator, self.value]


@dataclass(frozen=True, slots=True)
class Among:
    column: str
    values: tuple[str | int | bool, ...]

    def to_plain(self) -> Any:
        return [self.column, "in", sorted_set(self.values)]


@dataclass(frozen=True, slots=True)
class All:
    parts: tuple[Filter, ...]

    def to_plain(self) -> Any:
        return {"and": sorted_set(part.to_plain() for part in self.parts)}


@dataclass(frozen=True, slots=True)
class Any_:
    parts: tuple[Filter, ...]

    def to_plain(self) -> Any:
        return {"or": sorted_set(part.to_plain() for part in self.parts)}


@dataclass(frozen=True, slots=True)
class Not:
    part: Filter

    def to_plain(self) -> Any:
        return {"not": self.part.to_plain()}


Filter = Compare | Among | All | Any_ | Not


def parse_filter(value: Any, where: str, problems: list[Problem], depth: int = 0) -> Filter | None:
    """Read one authored filter; faults are added to `problems` with their path."""
    if depth > DEEPEST:
        problems.append(Problem(where, f"filters may stand {DEEPEST} deep at most"))
    elif isinstance(value, list | tuple):
        return _parse_comparison(list(value), where, problems)
    elif isinstance(value, dict) and len(value) == 1:
        return _parse_connective(*next(iter(value.items())), where, problems, depth)
    else:
        problems.append(
            Problem(where, "a filter is [column, operator, value] or one of and, or, not")
        )
    return None


def _parse_comparison(value: list[Any], where: str, problems: list[Problem]) -> Filter | None:
    match value:
        case [str(column), "in", list(values)] if 0 < len(values) <= MOST_VALUES:
            if all(_literal(item) for item in values):
                return Among(column, tuple(sorted_set(plain(item) for item in values)))
        case [str(column), str(operator), literal] if operator in COMPARISONS:
            if _literal(literal):
                return Compare(column, operator, plain(literal, where))
        case [str(), str(operator), _] if operator not in (*COMPARISONS, "in"):
            problems.append(
                Problem(where, "the operator is not known", "one of: = != < <= > >= in")
            )
            return None
    problems.append(
        Problem(where, "a comparison is [column, operator, text, number, truth or date]")
    )
    return None


def _literal(value: Any) -> bool:
    if isinstance(value, datetime):
        return False
    return isinstance(value, str | int | bool | date)


def _parse_connective(
    word: Any, inside: Any, where: str, problems: list[Problem], depth: int
) -> Filter | None:
    if word == "not":
        part = parse_filter(inside, f"{where}.not", problems, depth + 1)
        return None if part is None else Not(part)
    if word not in ("and", "or") or not isinstance(inside, list) or not inside:
        problems.append(Problem(where, "only and, or (each with a list) and not are known"))
        return None
    parts = [
        parse_filter(item, f"{where}.{word}[{index}]", problems, depth + 1)
        for index, item in enumerate(inside)
    ]
    good = tuple(part for part in parts if part is not None)
    if len(good) != len(parts):
        return None
    return All(good) if word == "and" else Any_(good)


def columns_of(filter_: Filter | None) -> Iterator[str]:
    """The columns that a filter reads."""
    match filter_:
        case Compare(column=column) | Among(column=column):
            yield column
        case All(parts=parts) | Any_(parts=parts):
            for part in parts:
                yield from columns_of(part)
        case Not(part=part):
            yield from columns_of(part)


def operators_of(filter_: Filter | None) -> Iterator[str]:
    """The operators that a filter compares by; an unknown kind of filter has an unknown one."""
    match filter_:
        case Compare(operator=operator):
            yield operator
        case All(parts=parts) | Any_(parts=parts):
            for part in parts:
                yield from operators_of(part)
        case Not(part=part):
            yield from operators_of(part)
        case Among() | None:
            return
        case _:
            yield "unknown"  # type: ignore[unreachable]  # only a faulty program gets here


def filter_problems(filter_: Filter | None, contract: Contract, where: str) -> Iterator[Problem]:
    """What does not fit the contract: unknown columns, literals of another type."""
    match filter_:
        case Compare(column=column, operator=operator, value=value):
            yield from _literal_problems(column, operator, (value,), contract, where)
        case Among(column=column, values=values):
            yield from _literal_problems(column, "in", values, contract, where)
        case All(parts=parts) | Any_(parts=parts):
            for part in parts:
                yield from filter_problems(part, contract, where)
        case Not(part=part):
            yield from filter_problems(part, contract, where)


def _literal_problems(
    name: str, operator: str, values: tuple[Any, ...], contract: Contract, where: str
) -> Iterator[Problem]:
    column = contract.column(name)
    if column is None:
        yield Problem(where, f"{contract.name} has no column of the name this filter compares")
        return
    if column.type == "boolean" and operator not in ("=", "!="):
        yield Problem(where, f"column {name} is true or false", "compare it with = or !=")
    for value in values:
        try:
            typed(value, column.type)
        except (ValueError, TypeError):
            yield Problem(where, f"a value compared with {name} is not a {column.type}")


def typed(value: str | int | bool, kind: str) -> Any:
    """The literal as a Python value of the column's type; `ValueError` if it is none."""
    if kind == "boolean":
        if not isinstance(value, bool):
            raise ValueError(kind)
        return value
    if isinstance(value, bool):
        raise ValueError(kind)
    if kind == "integer":
        if not isinstance(value, int):
            raise ValueError(kind)
        return value
    if kind == "decimal":
        if isinstance(value, str) and not DECIMAL.fullmatch(value):
            raise ValueError(kind)
        return Decimal(value)
    if not isinstance(value, str):
        raise ValueError(kind)
    if kind == "text":
        return value
    if kind == "timestamp" and "T" in value:
        # Timestamps of the data are naive local times, so this one is too.
        return datetime.strptime(value, "%Y-%m-%dT%H:%M:%S")  # noqa: DTZ007
    day = date.fromisoformat(value)
    if value != day.isoformat():
        raise ValueError(kind)
    return datetime.combine(day, time()) if kind == "timestamp" else day


def truth(filter_: Filter | None, row: Mapping[str, Any], contract: Contract) -> bool | None:
    """Three-valued: true, false or unknown (None). Only true shows the row."""
    match filter_:
        case None:
            return True
        case Compare(column=column, operator=operator, value=value):
            return _compare(row[column], operator, typed(value, _type(contract, column)))
        case Among(column=column, values=values):
            kind = _type(contract, column)
            return _either(_compare(row[column], "=", typed(value, kind)) for value in values)
        case Not(part=part):
            inner = truth(part, row, contract)
            return None if inner is None else not inner
        case All(parts=parts):
            negated = _either(
                None if (inner := truth(part, row, contract)) is None else not inner
                for part in parts
            )
            return None if negated is None else not negated
        case Any_(parts=parts):
            return _either(truth(part, row, contract) for part in parts)
    raise TypeError("unknown filter")  # closed set: a new kind must be decided here


def _type(contract: Contract, column: str) -> str:
    declared = contract.column(column)
    if declared is None:
        raise KeyError(column)
    return declared.type


def _either(parts: Iterator[bool | None]) -> bool | None:
    seen = set(parts)
    return True if True in seen else None if None in seen else False


def _compare(left: Any, operator: str, right: Any) -> bool | None:
    if left is None:
        return None
    if isinstance(left, str):
        left, right = left.encode(), right.encode()
    outcomes = {
        "=": left == right,
        "!=": left != right,
        "<": left < right,
        "<=": left <= right,
        ">": left > right,
        ">=": left >= right,
    }
    return bool(outcomes[operator])
