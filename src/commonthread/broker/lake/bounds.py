"""Cells that are safe whoever stands in them, found without looking at residents.

If no resident has more than `most` rows in a table, a cell of `n` rows has at least `n / most`
residents, and none of them makes more than `most / n` of it. So a cell of
`max(minimum, 2) · most` rows can be published from its sums alone; one of fewer rows than the
minimum never is; `statistics` looks at the residents of the others, and of those only.

The same holds for a sum, with the most that one resident has of absolute values, and across
tables that are inner-joined by person, where one resident has at most the product of both.
"""

from __future__ import annotations

from dataclasses import dataclass

from .normal_form import Cells, Ref, column_sql
from .shapes import PERSON, cells_of, most_of
from .summaries import above, below

# What one resident has is computed in floating point, where nothing overflows: a little to spare.
SPARE = 1.000001


@dataclass(frozen=True, slots=True)
class Bounds:
    """Of one question: its `values` are the numbers summed, `minimum` what a cell must have."""

    cells: Cells
    values: list[Ref]
    minimum: int

    def hold(self) -> bool:
        """Whether the rows of a resident are bounded: not so if other rows repeat them freely."""
        return all(
            figure.kind != "persons" for figure in self.cells.figures
        ) and all(
            table.shape.mode == "statistics"
            and (number == 0 or (not table.left and self._by_person(table.on)))
            for number, table in enumerate(self.cells.tables)
        )  # fmt: skip

    def _by_person(self, pairs: tuple[tuple[Ref, Ref], ...]) -> bool:
        return any(self.cells.kind(left) == PERSON for left, _ in pairs)

    def most(self) -> str:
        """One row: `n` rows and `m0`, `m1` … of absolute values, the most one resident has."""
        tables = range(len(self.cells.tables))
        rows = [f'm{table}."/n"::DOUBLE' for table in tables]
        columns = [f"{' * '.join(rows)} AS n"]
        for index, ref in enumerate(self.values):
            value = f'm{ref.table}."{ref.name}/m"::DOUBLE'
            factors = [value, *(rows[table] for table in tables if table != ref.table)]
            columns.append(f"{' * '.join(factors)} AS m{index}")
        named = (f'"{most_of(t.shape.name)}" AS m{i}' for i, t in enumerate(self.cells.tables))
        return f"SELECT {', '.join(columns)} FROM {' CROSS JOIN '.join(named)}"

    def counted(self, source: str) -> str:
        """Of each cell its sums, as `statistics` names them; from what was added up if it may."""
        cells = self.cells
        added = self._is_added_up()
        if added:
            source = f'"{cells_of(cells.tables[0].shape.name)}" AS t0'
        columns = [f"{column_sql(ref)} AS k{index}" for index, ref in enumerate(cells.keys)]
        columns.append(f"{_added('/n') if added else 'count(*)'} AS n")
        for index, ref in enumerate(self.values):
            sums = _sums_added(ref) if added else _sums_of(ref)
            columns += [f"{sql} AS {name}{index}" for name, sql in zip("nud", sums, strict=True)]
        where = f" WHERE {' AND '.join(cells.where)}" if cells.where else ""
        by = ", ".join(column_sql(ref) for ref in cells.keys)
        group = f" GROUP BY {by}" if by else ""
        return f"SELECT {', '.join(columns)} FROM {source}{where}{group}"

    def _is_added_up(self) -> bool:
        first, *others = self.cells.tables
        few = first.shape.summed.few if first.shape.summed else ()
        return not others and {ref.name for ref in [*self.cells.keys, *self.cells.tested]} <= {*few}

    def safe(self) -> str:
        """What a cell of `counted` must hold, beside `most`, to be published as it is."""
        times = max(self.minimum, 2) * SPARE
        # An empty table has no most, and a question without groups one cell all the same.
        conditions = ["_counted.n >= 1", f"_counted.n >= {times} * _most.n"]
        for i in range(len(self.values)):
            conditions.append(f"_counted.n{i} >= {times} * _most.n")
            conditions.append(
                f"(_counted.u{i} - _counted.d{i})::DOUBLE >= {2 * SPARE} * _most.m{i}"
            )
        return " AND ".join(conditions)

    def doubtful(self) -> str:
        """The cells whose residents have to be looked at."""
        keys = [f"_counted.k{index}" for index in range(len(self.cells.keys))]
        return (
            f"SELECT {', '.join(['_counted.n', *keys])} FROM _counted CROSS JOIN _most"
            f" WHERE _counted.n >= {self.minimum} AND ({self.safe()}) IS NOT TRUE"
        )


def _added(name: str) -> str:
    return f'coalesce(sum(t0."{name}"), 0)'


def _sums_added(ref: Ref) -> tuple[str, str, str]:
    return (
        _added(f"{ref.name}/n"),
        f'sum(t0."{ref.name}/u")',
        f'sum(t0."{ref.name}/d")',
    )


def _sums_of(ref: Ref) -> tuple[str, str, str]:
    column = column_sql(ref)
    return f"count({column})", f"sum({above(column)})", f"sum({below(column)})"
