"""What a worker adds up once, when it loads a statistics table, so that questions need not.

Beside a table NAME stand two more, out of an analyst's reach as no grant can have their names:

- `NAME/cells`: its rows grouped by every column that has few values (`few`), with how many there
  are (`/n`) and, of each number that may be summed, how many have a value (`NUMBER/n`) and the
  sums of what is above and below zero (`NUMBER/u`, `NUMBER/d`);
- `NAME/most`: one row, the most that any resident has in the whole table: of rows (`/n`) and of
  absolute values of each number (`NUMBER/m`).

`bounds` says what follows from them. Neither is needed: where so many columns differ that grouping
saves nothing, `NAME/cells` is a view of the rows one by one.
"""

from __future__ import annotations

from typing import Any

from .shapes import RESIDENT, Summed, cells_of, most_of

# A table of cells is worth its room when it is this many times smaller than the rows.
WORTH = 8


def add_summaries(connection: Any, name: str, summed: Summed) -> None:
    """Add both tables beside the table `name`; a DuckDB connection, the table filled already."""
    connection.execute(f'CREATE TABLE "{most_of(name)}" AS {_most(name, summed)}')
    if _is_worth_it(connection, name, summed):
        kind, cells = "TABLE", _cells(name, summed)
    else:
        kind, cells = "VIEW", _each(name, summed)
    connection.execute(f'CREATE {kind} "{cells_of(name)}" AS {cells}')


def _is_worth_it(connection: Any, name: str, summed: Summed) -> bool:
    if not summed.few:
        return True
    several = ", ".join(_names(summed.few))
    count = f'SELECT approx_count_distinct(hash({several})), count(*) FROM "{name}"'
    different, rows = connection.execute(count).fetchone()
    return bool(different * WORTH <= rows)


def _cells(name: str, summed: Summed) -> str:
    columns = [*_names(summed.few), 'count(*) AS "/n"']
    for number in summed.numbers:
        columns += [
            f'count("{number}") AS "{number}/n"',
            f'sum({above(_quoted(number))}) AS "{number}/u"',
            f'sum({below(_quoted(number))}) AS "{number}/d"',
        ]
    by = f" GROUP BY {', '.join(_names(summed.few))}" if summed.few else ""
    return f'SELECT {", ".join(columns)} FROM "{name}"{by}'


def _each(name: str, summed: Summed) -> str:
    columns = [*_names(summed.few), '1 AS "/n"']
    for number in summed.numbers:
        columns += [
            f'("{number}" IS NOT NULL)::INTEGER AS "{number}/n"',
            f'{above(_quoted(number))} AS "{number}/u"',
            f'{below(_quoted(number))} AS "{number}/d"',
        ]
    return f'SELECT {", ".join(columns)} FROM "{name}"'


def _most(name: str, summed: Summed) -> str:
    inner = ["count(*) AS n"]
    outer = ['coalesce(max(n), 0) AS "/n"']
    for index, number in enumerate(summed.numbers):
        inner.append(f"sum({above(_quoted(number))}) - sum({below(_quoted(number))}) AS m{index}")
        outer.append(f'coalesce(max(m{index}), 0) AS "{number}/m"')
    each = f'SELECT {", ".join(inner)} FROM "{name}" GROUP BY "{RESIDENT}"'
    return f"SELECT {', '.join(outer)} FROM ({each}) AS each_one"


def above(column: str) -> str:
    """The sides of zero apart: the smallest whole number has no absolute value."""
    return f"CASE WHEN {column} > 0 THEN {column} ELSE 0 END"


def below(column: str) -> str:
    return f"CASE WHEN {column} < 0 THEN {column} ELSE 0 END"


def _names(columns: tuple[str, ...]) -> list[str]:
    return [_quoted(column) for column in columns]


def _quoted(column: str) -> str:
    return f'"{column}"'
