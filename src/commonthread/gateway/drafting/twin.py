"""What recipients would see, on a synthetic twin: rows invented from a dataset's contract alone.

No real row is read, so an author may look before anybody has signed. The treatments, the filter
and the rules of statistics are the broker's own; only the values are invented.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from commonthread.broker.rules.contracts import Column, Contract
from commonthread.broker.rules.filters import truth
from commonthread.broker.rules.terms import PERSON, Grant
from commonthread.broker.rules.treatments import treat, value_text

ROWS = 400
SHOWN = 8
# A postcode area that the Post Office keeps for none.
POSTCODES = ("QX1 1AA", "QX1 2BB", "QX2 3CC", "QX2 4DD", "QX3 5EE")
GIVEN = ("Ada", "Bram", "Cara", "Dev", "Esi", "Finn", "Gita", "Hal")
FAMILY = ("Ashdown", "Birch", "Carrow", "Dale", "Elmer", "Frost", "Gorse", "Heath")
# Text without a list of values: a few that repeat, as most codes do.
SEVERAL = "ABCDEF"
MISSING_SHARE = 0.08
TODAY = date(2026, 1, 1)


@dataclass(frozen=True, slots=True)
class Preview:
    """A table as recipients would see it. `kept` of `of` invented rows pass the row filter."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    kept: int
    of: int
    note: str


def preview(grant: Grant, contract: Contract, seed: int = 1) -> Preview:
    """The first rows, the one record or the published figures that the grant would show."""
    rows = twin(contract, seed)
    kept = [row for row in rows if truth(grant.rows, row, contract) is True]
    shown = [_shown(grant, row) for row in kept]
    if grant.mode == "statistics":
        columns, figures = _figures(grant, shown)
        said = "The most common groups, counted; smaller groups are left out and figures rounded."
        return Preview(columns, figures, len(kept), len(rows), said)
    columns = _columns(grant)
    first = shown[: 1 if grant.mode == "lookup" else SHOWN]
    cells = tuple(tuple(_cell(row[name]) for name in columns) for row in first)
    one = "One record at a time, when it is looked up with a reason."
    said = one if grant.mode == "lookup" else "The first rows."
    return Preview(columns, cells, len(kept), len(rows), said)


def twin(contract: Contract, seed: int = 1, rows: int = ROWS) -> list[dict[str, Any]]:
    """Invented rows of a dataset: its types, values and bounds, and nobody's data."""
    chance = random.Random(f"{seed}:{contract.name}")  # noqa: S311 - invented rows, no secret
    roles = {column: role for role, column in contract.identity}
    return [
        {
            column.name: f"{column.name}-{number:03d}"
            if column.name in contract.key and column.type == "text"
            else _value(chance, column, roles.get(column.name, ""))
            for column in contract.columns
        }
        for number in range(rows)
    ]


def _value(chance: random.Random, column: Column, role: str) -> Any:
    if column.optional and chance.random() < MISSING_SHARE:
        return None
    if column.values:
        return chance.choice(column.values)
    named: Mapping[str, Callable[[], Any]] = {
        "given_name": lambda: chance.choice(GIVEN),
        "family_name": lambda: chance.choice(FAMILY),
        "full_name": lambda: f"{chance.choice(GIVEN)} {chance.choice(FAMILY)}",
        "postcode": lambda: chance.choice(POSTCODES),
        "date_of_birth": lambda: TODAY - timedelta(days=chance.randrange(365, 34_000)),
        "nhs_number": lambda: f"999{chance.randrange(10**7):07d}",
    }
    made = named.get(role)
    return made() if made else _by_type(chance, column)


def _by_type(chance: random.Random, column: Column) -> Any:
    match column.type:
        case "integer":
            return chance.randint(*_numbers(column))
        case "decimal":
            return Decimal(chance.randint(*_numbers(column))) + Decimal("0.5")
        case "boolean":
            return chance.random() < 0.5
        case "date":
            return _day(chance, column)
        case "timestamp":
            day = _day(chance, column)
            return datetime(day.year, day.month, day.day, chance.randrange(24))  # noqa: DTZ001
    if "postcode" in column.name:
        return chance.choice(POSTCODES)
    return f"{column.name} {chance.choice(SEVERAL)}"


def _numbers(column: Column) -> tuple[int, int]:
    low = column.minimum if isinstance(column.minimum, int) else 0
    high = column.maximum if isinstance(column.maximum, int) else low + 20
    return low, max(low, high)


def _day(chance: random.Random, column: Column) -> date:
    high = column.maximum if isinstance(column.maximum, date) else TODAY
    low = column.minimum if isinstance(column.minimum, date) else high - timedelta(days=2_000)
    return low + timedelta(days=chance.randrange(max((high - low).days, 1)))


def _columns(grant: Grant) -> tuple[str, ...]:
    person = (PERSON,) if grant.person else ()
    return (*person, *(column.exposed for column in grant.columns))


def _shown(grant: Grant, row: Mapping[str, Any]) -> dict[str, Any]:
    """One row as the grant shows it; an invented pseudonym stands for each value."""
    shown: dict[str, Any] = {PERSON: _pseudonym(str(sorted(map(str, row.items()))))}
    for column in grant.columns:
        value = row.get(column.name)
        shown[column.exposed] = treat(
            column.treatment, value, column.as_at, lambda one: _pseudonym(value_text(one))
        )
    return shown


def _pseudonym(text: str) -> int:
    return random.Random(text).getrandbits(63)  # noqa: S311 - it protects nobody: none is real


def _figures(
    grant: Grant, shown: Sequence[Mapping[str, Any]]
) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """Counts by the column of fewest values: small cells absent, the others rounded half up."""
    names = [column.exposed for column in grant.columns]
    if not names:
        return ("count",), ((str(_rounded(len(shown), grant.round_to)),),)
    different = {name: len({row[name] for row in shown}) for name in names}
    by = min(names, key=lambda name: (different[name] < 2, different[name]))
    counts = Counter(row[by] for row in shown)
    cells = list(_published(counts, grant))
    return (by, "count"), tuple(cells[:SHOWN])


def _published(counts: Counter[Any], grant: Grant) -> Iterator[tuple[str, str]]:
    for value, count in sorted(counts.items(), key=lambda one: (-one[1], str(one[0]))):
        if count >= grant.minimum_count:
            yield _cell(value), str(_rounded(count, grant.round_to))


def _rounded(count: int, step: int) -> int:
    return (2 * count + step) // (2 * step) * step


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "true" if value else "false"
    return value_text(value) if not isinstance(value, Decimal) else f"{value:f}"
