"""Published figures: the SQL of a statistics question in normal form (DESIGN §4, rule 7).

One statement, in this order, so that nothing an analyst writes is computed before it is safe:
`joined` (rows) → `residents` → `cells`, both for each table → `published` → HAVING, ORDER, LIMIT.
Cells that are safe whoever stands in them (`bounds`) go straight from `counted` to `published`.

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
published sum by the published count of values, missing when that count is 0. Sums have 128 bits,
and stored numbers so few digits (`store.SQL_TYPES`) that 10⁹ of the largest fit: an error would
tell of rows in cells that are not shown.

Ties are ordered by the grouping columns, so that the order is a function of what is published.
Not claimed: `round_to` hides little when a join repeats each row many times over, and two questions
can be subtracted from one another; governed analysis answers that, not this page.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlglot import exp

from .bounds import Bounds
from .normal_form import Cells, Figure, Item, Ref, column_sql, read_cells
from .shapes import RESIDENT, TableShape
from .summaries import above, below


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
    """The steps' names begin with an underscore, as no grant's table does.

    Inside: k grouping column, r resident, v value, u and d the sums of what is above and below
    zero, n a number of rows, c a number of residents, f a published figure, most_ the largest
    that one resident has of it.
    """

    def __init__(self, cells: Cells, minimum: int, step: int) -> None:
        self.cells = cells
        self.minimum = minimum
        self.step = step
        self.keys = [f"k{index}" for index in range(len(cells.keys))]
        self.tables = range(len(cells.tables))
        figures = cells.figures
        values = [figure.ref for figure in figures if figure.kind in ("sum", "avg") and figure.ref]
        persons = [
            figure.ref.table for figure in figures if figure.kind == "persons" and figure.ref
        ]
        self.values = list(dict.fromkeys(values))
        # A person is its table's resident, so nobody is in a cell through another of that table.
        self.alone = [
            (table, person)
            for person in dict.fromkeys(persons)
            for table in self.tables
            if table != person
        ]
        self.persons = set(persons)
        bounds = Bounds(cells, self.values, minimum)
        self.bounds = bounds if bounds.hold() else None

    def sql(self, limit: int | None) -> str:
        parts: list[tuple[str, str]] = []
        if self.bounds:
            counted = self.bounds.counted(self._source())
            parts = [("_most", self.bounds.most()), ("_counted", counted)]
            parts.append(("_doubtful", self.bounds.doubtful()))
        parts.append(("_joined", self._joined()))
        for table in self.tables:
            parts.append((f"_residents{table}", self._residents(table)))
            parts.append((f"_cells{table}", self._cells(table)))
        parts += [
            (f"_only{table}_{person}", self._only(table, person)) for table, person in self.alone
        ]
        parts.append(("_published", self._published()))
        return (
            f"WITH {', '.join(f'{name} AS ({body})' for name, body in parts)} {self._shown(limit)}"
        )

    def _joined(self) -> str:
        cells = self.cells
        columns = [f"{column_sql(ref)} AS k{index}" for index, ref in enumerate(cells.keys)]
        columns += [f't{table}."{RESIDENT}" AS r{table}' for table in self.tables]
        columns += [f"{column_sql(ref)} AS v{index}" for index, ref in enumerate(self.values)]
        source = self._source()
        if self.bounds:
            same = [
                f"{column_sql(ref)} IS NOT DISTINCT FROM _doubtful.k{index}"
                for index, ref in enumerate(cells.keys)
            ]
            source += f" INNER JOIN _doubtful ON {' AND '.join(same) or 'TRUE'}"
        return _select(columns, source, f"WHERE {' AND '.join(cells.where)}" if cells.where else "")

    def _source(self) -> str:
        tables = self.cells.tables
        source = f'"{tables[0].shape.name}" AS t0'
        for index, joined in enumerate(tables[1:], 1):
            word = "LEFT JOIN" if joined.left else "INNER JOIN"
            on = " AND ".join(f"{column_sql(a)} = {column_sql(b)}" for a, b in joined.on)
            source += f' {word} "{joined.shape.name}" AS t{index} ON {on}'
        return source

    def _residents(self, table: int) -> str:
        """Of each cell: what each resident of the table has in it; nobody is one of them."""
        columns = [*self.keys, f"r{table} AS r", "count(*) AS n"]
        for i in range(len(self.values)):
            columns += [
                f"count(v{i}) AS n{i}",
                f"sum({above(f'v{i}')}) AS u{i}",
                f"sum({below(f'v{i}')}) AS d{i}",
            ]
        return _select(columns, "_joined", _group([*self.keys, f"r{table}"]))

    def _cells(self, table: int) -> str:
        somebody = "FILTER (WHERE r IS NOT NULL)"
        columns = [*self.keys, "sum(n) AS n", "count(r) AS c", f"max(n) {somebody} AS most_n"]
        for i in range(len(self.values)):
            columns += [
                f"sum(n{i}) AS n{i}",
                f"sum(u{i}) AS u{i}",
                f"sum(d{i}) AS d{i}",
                f"count(r) FILTER (WHERE n{i} > 0) AS c{i}",
                f"max(n{i}) {somebody} AS most_n{i}",
                f"max(u{i} - d{i}) {somebody} AS most_m{i}",
            ]
        return _select(columns, f"_residents{table}", _group(self.keys))

    def _only(self, table: int, person: int) -> str:
        """Of each cell: the most persons that are in it through one resident of a table alone."""
        resident = f"r{table}"
        alone = _select(
            [*self.keys, f"min({resident}) AS r"],
            "_joined",
            f"WHERE r{person} IS NOT NULL",
            _group([*self.keys, f"r{person}"]),
            f"HAVING count({resident}) = count(*) AND min({resident}) = max({resident})",
        )
        counted = _select(
            [*self.keys, "count(*) AS n"], f"({alone}) AS alone", _group([*self.keys, "r"])
        )
        return _select([*self.keys, "max(n) AS n"], f"({counted}) AS counted", _group(self.keys))

    def _published(self) -> str:
        if not self.bounds:
            return self._looked_at()
        sure = _select(
            self._figures("_counted"), "_counted CROSS JOIN _most", f"WHERE {self.bounds.safe()}"
        )
        return f"{sure} UNION ALL {self._looked_at()}"

    def _figures(self, cells: str) -> list[str]:
        columns = [f"{cells}.{key} AS {key}" for key in self.keys]
        figures = enumerate(self.cells.figures)
        return columns + [f"{self._figure(figure, cells)} AS f{i}" for i, figure in figures]

    def _looked_at(self) -> str:
        source = "_cells0"
        beside = [f"_cells{table}" for table in self.tables[1:]]
        for name in [*beside, *(f"_only{table}_{person}" for table, person in self.alone)]:
            equal = [f"_cells0.{key} IS NOT DISTINCT FROM {name}.{key}" for key in self.keys]
            source += f" LEFT JOIN {name} ON {' AND '.join(equal) or 'TRUE'}"
        return _select(self._figures("_cells0"), source, f"WHERE {' AND '.join(self._safe())}")

    def _safe(self) -> list[str]:
        """What must hold of a cell; a comparison with a missing value holds nothing, so hides."""
        conditions = [f"_cells{table}.c >= {self.minimum}" for table in self.tables]
        figures = self.cells.figures
        averaged = [figure.ref for figure in figures if figure.kind == "avg"]
        for table in self.tables:
            if Figure("count") in figures:
                conditions.append(f"2 * _cells{table}.most_n <= _cells{table}.n")
            if table in self.persons:
                conditions.append(f"_cells{table}.c >= 2")
            for i, ref in enumerate(self.values):
                conditions.append(f"_cells{table}.c{i} >= {self.minimum}")
                conditions.append(
                    f"2 * _cells{table}.most_m{i} <= _cells{table}.u{i} - _cells{table}.d{i}"
                )
                if ref in averaged:
                    conditions.append(f"2 * _cells{table}.most_n{i} <= _cells{table}.n{i}")
        for table, person in self.alone:
            conditions.append(f"2 * coalesce(_only{table}_{person}.n, 0) <= _cells{person}.c")
        return conditions

    def _figure(self, figure: Figure, cells: str) -> str:
        if figure.ref is None:
            return self._count(f"{cells}.n")
        if figure.kind == "persons":
            return self._count(f"_cells{figure.ref.table}.c")
        i = self.values.index(figure.ref)
        total = self._sum(i, cells)
        if figure.kind == "sum":
            return total
        count = self._count(f"{cells}.n{i}")
        return f"CAST({total} AS DOUBLE) / nullif(CAST({count} AS DOUBLE), 0)"

    def _count(self, number: str) -> str:
        return f"((2 * {number} + {self.step}) // {2 * self.step} * {self.step})"

    def _sum(self, i: int, cells: str) -> str:
        """floor((2 · sum + step) / (2 · step)) · step, of which floor(2 · sum) comes first."""
        doubled = f"(CAST(floor(2 * ({cells}.u{i} + {cells}.d{i})) AS HUGEINT) + {self.step})"
        return f"({_floor(doubled, 2 * self.step)} * {self.step})"

    def _shown(self, limit: int | None) -> str:
        cells = self.cells
        columns = [
            f"{cells.name(item)} AS {exp.to_identifier(name, quoted=True).sql('duckdb')}"
            for name, item in cells.outputs
        ]
        return _select(
            columns,
            "_published",
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
            f"{self.cells.name(key)} ASC NULLS LAST" for key in self.cells.keys if key not in named
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


def _floor(number: str, by: int) -> str:
    """Whole division that rounds down, for either sign; the engine's own rounds towards zero."""
    return f"(({number} - (({number} % {by}) + {by}) % {by}) // {by})"
