"""Questions to start from, made of the tables that the member may read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Columns = Mapping[str, tuple[str, bool]]
GROUPING = ("text", "boolean", "integer")
# As many self-joins as the gate lets through: even a hundred rows then take a minute.
LONG_CHAIN = 7


@dataclass(frozen=True, slots=True)
class Table:
    """One table of a grant as a query sees it: column → (type, is it plain)."""

    name: str
    mode: str
    columns: Columns

    @property
    def words(self) -> str:
        return self.name.replace("_", " ")

    def named(self, *kinds: str) -> list[str]:
        """The columns of these types, those that are plain first."""
        found = [(not plain, name) for name, (kind, plain) in self.columns.items() if kind in kinds]
        return [name for _, name in sorted(found, key=lambda one: one[0])]


@dataclass(frozen=True, slots=True)
class Example:
    title: str
    sql: str


def examples(tables: Sequence[Table]) -> list[Example]:
    """A few that work, and one that runs long enough to be ended by a withdrawal."""
    readable = [table for table in tables if table.mode in ("rows", "statistics")]
    if not readable:
        return []
    made: list[Example] = []
    for table in readable:
        made += [_rows(table)] if table.mode == "rows" else _counts(table)
    made += _joined(readable)
    return [*made, *_long(readable)]


def _rows(table: Table) -> Example:
    columns = ", ".join(table.columns)
    return Example(
        f"The first rows of {table.words}", f"SELECT {columns}\nFROM {table.name}\nLIMIT 20"
    )


def _counts(table: Table) -> list[Example]:
    made = [
        Example(
            f"Records in {table.words}, counted for each {column}",
            f"SELECT {column}, count(*) AS records\nFROM {table.name}\n"
            f"GROUP BY {column}\nORDER BY {column}",
        )
        for column in table.named(*GROUPING)[:2]
    ]
    return made[:1] if len(made) > 1 and len(table.columns) < 3 else made


def _joined(tables: Sequence[Table]) -> list[Example]:
    linked = [table for table in tables if "person" in table.columns]
    if len(linked) < 2:
        return []
    left, right = linked[:2]
    if left.mode == right.mode == "statistics":
        groups = left.named(*GROUPING)[-1:] + right.named("text")[:1]
        shown = ", ".join(f"{table}.{name}" for table, name in zip("ab", groups, strict=False))
        ask = f"SELECT {shown}, count(DISTINCT a.person) AS residents"
        end = f"\nGROUP BY {shown}"
    else:
        names = [f"a.{name}" for name in list(left.columns)[:4]]
        names += [f"b.{name}" for name in right.columns if name not in left.columns][:2]
        ask, end = f"SELECT {', '.join(names)}", "\nLIMIT 50"
    join = f"\nFROM {left.name} AS a\nJOIN {right.name} AS b ON a.person = b.person"
    return [Example(f"{left.words.capitalize()} together with {right.words}", ask + join + end)]


def _long(tables: Sequence[Table]) -> list[Example]:
    """Only rows can be joined to themselves; a column of few values makes the most of it."""
    for kind in ("boolean", "integer", "text"):
        for table in tables:
            columns = [name for name in table.named(kind) if table.columns[name][1]]
            if table.mode == "rows" and columns:
                return [_chain(table.name, columns[-1])]
    return []


def _chain(table: str, column: str) -> Example:
    sql = f"SELECT count(*) AS combinations\nFROM {table} AS t1"
    for number in range(2, LONG_CHAIN + 1):
        sql += f"\nJOIN {table} AS t{number} ON t1.{column} = t{number}.{column}"
    return Example("One that runs long, to see it ended by a withdrawal", sql)
