"""Published figures: the SQL of a statistics question in normal form (DESIGN §4, rule 7).

One statement, in this order, so that nothing an analyst writes is computed before it is safe:
`joined` (rows) → `cells` and each table's largest `share` → `published` → HAVING, ORDER, LIMIT.

A cell is an absent row, not a marked one, when

- for any grant in FROM, fewer than `minimum_count` distinct residents stand in it. The largest
  `minimum_count` and `round_to` of the grants in FROM hold for all, rows grants among them.
  Nobody is fewer than the minimum: the right side of a LEFT JOIN that matched no row of the cell
  makes it absent, for "none of these fifty is known to that service" is a statement about each;
- `sum` and `avg` of a column are held to the same minimum among the residents who have a value in
  it: otherwise fifty residents without a value would cover for the one who has it;
- one resident of any grant in FROM makes more than half of a figure: of the rows for `count(*)`,
  of the absolute values for `sum` and `avg` (signs would cancel) and of the values for `avg`, of
  the persons that would be in the cell through nobody else for `count(distinct person)`.

Figures: counts and sums are rounded half up (towards plus infinity) to `round_to`; `avg` is the
published sum by the published count of values, missing when that count is 0. Arithmetic is on whole
128-bit numbers, a decimal's whole part and its fraction apart, so that no sum that fits the stored
types can overflow: an error would tell of rows in cells that are not shown.

Ties are ordered by the grouping columns, so that the order is a function of what is published.
Not claimed: `round_to` hides little when a join repeats each row many times over, and two questions
can be subtracted from one another; governed analysis answers that, not this page.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlglot import exp

from .comparisons import DECIMAL_SCALE
from .normal_form import Cells, Figure, Item, Ref, column_sql, read_cells
from .shapes import RESIDENT, TableShape

_UNIT = 10**DECIMAL_SCALE


@dataclass(frozen=True, slots=True)
class Published:
    """The statement, and (name, type) of its columns; `avg` is a "number" (DOUBLE)."""

    sql: str
    columns: tuple[tuple[str, str], ...]


def publish(tree: exp.Query, shapes: Mapping[str, TableShape], limit: int | None) -> Published:
    """The published figures of a question over granted tables, or `Refused`.

    `limit`: as in `gate`; applied after the question's own, to what is published.
    """
    cells = read_cells(tree, shapes)
    statement = _Statement(
        cells,
        minimum=max(1, *(table.shape.minimum_count for table in cells.tables)),
        step=max(1, *(table.shape.round_to for table in cells.tables)),
    )
    return Published(statement.sql(limit), _columns(cells))


def _columns(cells: Cells) -> tuple[tuple[str, str], ...]:
    kinds = {"count": "integer", "persons": "integer", "sum": "integer", "avg": "number"}
    return tuple(
        (name, cells.kind(item) if isinstance(item, Ref) else kinds[item.kind])
        for name, item in cells.outputs
    )


def _select(columns: Iterable[str], source: str, *rest: str) -> str:
    return " ".join(["SELECT", ", ".join(columns), "FROM", source, *filter(None, rest)])


def _group(columns: list[str]) -> str:
    return f"GROUP BY {', '.join(columns)}" if columns else ""


class _Statement:
    """Names inside: k grouping column, r resident, p person, h and l whole part and fraction of a
    value, n a number of rows, c a number of residents, d of persons, f a published figure."""

    def __init__(self, cells: Cells, minimum: int, step: int) -> None:
        self.cells = cells
        self.minimum = minimum
        self.step = step
        self.keys = [f"k{index}" for index in range(len(cells.keys))]
        self.tables = range(len(cells.tables))
        figures = cells.figures
        values = [figure.ref for figure in figures if figure.kind in ("sum", "avg") and figure.ref]
        persons = [figure.ref for figure in figures if figure.kind == "persons" and figure.ref]
        self.values = list(dict.fromkeys(values))
        self.persons = list(dict.fromkeys(persons))

    def sql(self, limit: int | None) -> str:
        parts = [("joined", self._joined()), ("cells", self._cells())]
        for table in self.tables:
            parts.append((f"share{table}", self._share(table)))
            for number in range(len(self.persons)):
                parts.append((f"only{table}_{number}", self._only(table, number)))
        parts.append(("published", self._published()))
        return (
            f"WITH {', '.join(f'{name} AS ({body})' for name, body in parts)} {self._shown(limit)}"
        )

    def _joined(self) -> str:
        cells = self.cells
        columns = [f"{column_sql(ref)} AS k{index}" for index, ref in enumerate(cells.keys)]
        columns += [f't{table}."{RESIDENT}" AS r{table}' for table in self.tables]
        columns += [f"{column_sql(ref)} AS p{index}" for index, ref in enumerate(self.persons)]
        for index, ref in enumerate(self.values):
            whole, fraction = _parts(column_sql(ref), cells.kind(ref))
            columns += [f"{whole} AS h{index}", f"{fraction} AS l{index}"]
        source = f'"{cells.tables[0].shape.name}" AS t0'
        for index, joined in enumerate(cells.tables[1:], 1):
            word = "LEFT JOIN" if joined.left else "INNER JOIN"
            on = " AND ".join(f"{column_sql(a)} = {column_sql(b)}" for a, b in joined.on)
            source += f' {word} "{joined.shape.name}" AS t{index} ON {on}'
        return _select(columns, source, f"WHERE {' AND '.join(cells.where)}" if cells.where else "")

    def _cells(self) -> str:
        columns = [*self.keys, "count(*) AS n"]
        columns += [f"count(DISTINCT r{table}) AS c{table}" for table in self.tables]
        columns += [f"count(DISTINCT p{i}) AS d{i}" for i in range(len(self.persons))]
        for i in range(len(self.values)):
            columns += [f"count(h{i}) AS n{i}", f"sum(h{i}) AS h{i}", f"sum(l{i}) AS l{i}"]
            columns += [f"{_magnitude(i)} AS m{i}"]
            columns += [
                f"count(DISTINCT CASE WHEN h{i} IS NOT NULL THEN r{table} END) AS c{table}_{i}"
                for table in self.tables
            ]
        return _select(columns, "joined", _group(self.keys))

    def _share(self, table: int) -> str:
        """Of each cell: the most that one resident of the table makes of each figure."""
        numbers = range(len(self.values))
        inner = [*self.keys, "count(*) AS n"]
        inner += [f"count(h{i}) AS n{i}" for i in numbers]
        inner += [f"{_magnitude(i)} AS m{i}" for i in numbers]
        each = _select(
            inner, "joined", f"WHERE r{table} IS NOT NULL", _group([*self.keys, f"r{table}"])
        )
        outer = [*self.keys, "max(n) AS n"]
        outer += [f"max(n{i}) AS n{i}" for i in numbers]
        outer += [f"max(m{i}) AS m{i}" for i in numbers]
        return _select(outer, f"({each}) AS each_one", _group(self.keys))

    def _only(self, table: int, number: int) -> str:
        """Of each cell: the most persons that are in it through one resident of the table alone."""
        person, resident = f"p{number}", f"r{table}"
        alone = _select(
            [*self.keys, person, f"min({resident}) AS r"],
            "joined",
            f"WHERE {person} IS NOT NULL",
            _group([*self.keys, person]),
            f"HAVING count({resident}) = count(*) AND min({resident}) = max({resident})",
        )
        counted = _select(
            [*self.keys, "count(*) AS n"], f"({alone}) AS alone", _group([*self.keys, "r"])
        )
        return _select([*self.keys, "max(n) AS n"], f"({counted}) AS counted", _group(self.keys))

    def _published(self) -> str:
        columns = [f"cells.{key} AS {key}" for key in self.keys]
        columns += [
            f"{self._figure(figure)} AS f{index}" for index, figure in enumerate(self.cells.figures)
        ]
        source = "cells"
        for name in self._beside():
            equal = [f"cells.{key} IS NOT DISTINCT FROM {name}.{key}" for key in self.keys]
            source += f" LEFT JOIN {name} ON {' AND '.join(equal) or 'TRUE'}"
        return _select(columns, source, f"WHERE {' AND '.join(self._safe())}")

    def _beside(self) -> list[str]:
        shares = [f"share{table}" for table in self.tables]
        return shares + [f"only{t}_{i}" for t in self.tables for i in range(len(self.persons))]

    def _safe(self) -> list[str]:
        """What must hold of a cell; a comparison with a missing value holds nothing, so hides."""
        conditions = [f"cells.c{table} >= {self.minimum}" for table in self.tables]
        figures = self.cells.figures
        averaged = [figure.ref for figure in figures if figure.kind == "avg"]
        for table in self.tables:
            if Figure("count") in figures:
                conditions.append(f"2 * share{table}.n <= cells.n")
            for i, ref in enumerate(self.values):
                conditions.append(f"cells.c{table}_{i} >= {self.minimum}")
                conditions.append(_not_most(f"share{table}.m{i}", f"cells.m{i}"))
                if ref in averaged:
                    conditions.append(f"2 * share{table}.n{i} <= cells.n{i}")
            for i in range(len(self.persons)):
                conditions.append(f"2 * coalesce(only{table}_{i}.n, 0) <= cells.d{i}")
        return conditions

    def _figure(self, figure: Figure) -> str:
        if figure.ref is None:
            return self._count("cells.n")
        if figure.kind == "persons":
            return self._count(f"cells.d{self.persons.index(figure.ref)}")
        i = self.values.index(figure.ref)
        total = self._sum(i)
        if figure.kind == "sum":
            return total
        count = self._count(f"cells.n{i}")
        return f"CAST({total} AS DOUBLE) / nullif(CAST({count} AS DOUBLE), 0)"

    def _count(self, number: str) -> str:
        return f"((2 * {number} + {self.step}) // {2 * self.step} * {self.step})"

    def _sum(self, i: int) -> str:
        """floor((2 · sum + step) / (2 · step)) · step, of which floor(2 · sum) comes first."""
        doubled = f"(2 * cells.h{i} + {_floor(f'(2 * cells.l{i})', _UNIT)} + {self.step})"
        return f"({_floor(doubled, 2 * self.step)} * {self.step})"

    def _shown(self, limit: int | None) -> str:
        cells = self.cells
        columns = [
            f"{cells.name(item)} AS {exp.to_identifier(name, quoted=True).sql('duckdb')}"
            for name, item in cells.outputs
        ]
        return _select(
            columns,
            "published",
            f"WHERE {cells.having}" if cells.having else "",
            self._order(),
            self._limit(limit),
        )

    def _order(self) -> str:
        order: list[str] = []
        named: list[Item] = [item for item, _, _ in cells_order(self.cells)]
        for item, descending, first in cells_order(self.cells):
            nulls = "FIRST" if first else "LAST"
            way = "DESC" if descending else "ASC"
            order.append(f"{self.cells.name(item)} {way} NULLS {nulls}")
        order += [
            f"{self.cells.key(key)} ASC NULLS LAST" for key in self.cells.keys if key not in named
        ]
        return f"ORDER BY {', '.join(order)}" if order else ""

    def _limit(self, limit: int | None) -> str:
        rows = [number for number in (self.cells.limit,) if number is not None]
        rows += [] if limit is None else [limit + 1]
        shown = f"LIMIT {min(rows)}" if rows else ""
        return f"{shown} OFFSET {self.cells.offset}" if self.cells.offset else shown


def cells_order(cells: Cells) -> list[tuple[Item, bool, bool]]:
    """ORDER BY without what is named twice: only the first of them counts."""
    seen: dict[Item, tuple[Item, bool, bool]] = {}
    for item, descending, first in cells.order:
        seen.setdefault(item, (item, descending, first))
    return list(seen.values())


def _parts(column: str, kind: str) -> tuple[str, str]:
    """A number as whole part and fraction in units of 10⁻¹⁰, both of one sign, both HUGEINT."""
    if kind == "integer":
        return f"CAST({column} AS HUGEINT)", f"CASE WHEN {column} IS NOT NULL THEN 0::HUGEINT END"
    fraction = f"CAST(CAST({column} % 1 AS DECIMAL(38, {DECIMAL_SCALE})) * {_UNIT} AS HUGEINT)"
    return f"CAST(trunc({column}) AS HUGEINT)", fraction


def _magnitude(i: int) -> str:
    """Sum of absolute values, as a pair that compares like the number; never a missing part,
    for the engine takes that for the greatest."""
    whole, fraction = f"coalesce(sum(abs(h{i})), 0)", f"coalesce(sum(abs(l{i})), 0)"
    return f"struct_pack(h := {whole} + {fraction} // {_UNIT}, l := {fraction} % {_UNIT})"


def _not_most(part: str, total: str) -> str:
    """`part` is at most what is left of `total` without it."""
    borrow = f"(CASE WHEN {total}.l < {part}.l THEN 1 ELSE 0 END)"
    rest_h = f"({total}.h - {part}.h - {borrow})"
    rest_l = f"({total}.l - {part}.l + {borrow} * {_UNIT})"
    return f"({part}.h < {rest_h} OR ({part}.h = {rest_h} AND {part}.l <= {rest_l}))"


def _floor(number: str, by: int) -> str:
    """Whole division that rounds down, for either sign; the engine's own rounds towards zero."""
    return f"(({number} - (({number} % {by}) + {by}) % {by}) // {by})"
