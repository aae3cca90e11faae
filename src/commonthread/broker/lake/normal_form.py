"""The normal form of a statistics question (DESIGN §4, rule 7): a tree read into a `Cells` value.

In statistics every row is hidden, so nothing of the analyst's is computed on a row but equalities
of columns (in ON) and comparisons of one column with literals (in WHERE):

- SELECT of grouping columns, `count(*)`, `count(distinct person)`, `sum` and `avg` of a plain
  number; no expression, CASE, cast, FILTER, DISTINCT, window, sub-query or union
- FROM granted tables, each once, by INNER or LEFT JOIN on equal columns of one type; `person`
  equals `person` only
- WHERE and ON are conjunctions; a literal must be of its column's type, or the engine would cast
  hidden rows, and whether that fails would tell of them
- GROUP BY names columns, or by position or alias what SELECT names; GROUP BY ALL too
- HAVING, ORDER BY and LIMIT see published figures and grouping columns

`person` joins and is counted; it is never compared, grouped, summed, ordered by or shown. A table
may not stand twice: joined to itself it counts one resident many times over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlglot import exp

from .comparisons import bare, comparison
from .grammar import refuse
from .shapes import NUMBERS, PERSON, TableShape


@dataclass(frozen=True, slots=True)
class Ref:
    """A granted column of the table at this place in FROM."""

    table: int
    name: str


@dataclass(frozen=True, slots=True)
class Figure:
    """`count` of rows, `persons`, `sum` or `avg`; `ref` is None for count(*)."""

    kind: str
    ref: Ref | None = None


@dataclass(frozen=True, slots=True)
class Joined:
    shape: TableShape
    alias: str
    left: bool = False
    on: tuple[tuple[Ref, Ref], ...] = ()


Item = Ref | Figure


@dataclass
class Cells:
    """A question in normal form. `outputs` are (name, item); `having` is SQL over items' names.

    `tested` are the columns that `where` compares.
    """

    tables: list[Joined] = field(default_factory=list)
    merged: dict[str, Ref] = field(default_factory=dict)
    where: list[str] = field(default_factory=list)
    tested: list[Ref] = field(default_factory=list)
    keys: list[Ref] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)
    outputs: list[tuple[str, Item]] = field(default_factory=list)
    having: str = ""
    order: list[tuple[Item, bool, bool]] = field(default_factory=list)
    limit: int | None = None
    offset: int = 0

    def kind(self, ref: Ref) -> str:
        return self.tables[ref.table].shape.columns[ref.name][0]

    def key(self, ref: Ref) -> str:
        return f"k{self.keys.index(ref)}"

    def figure(self, figure: Figure) -> str:
        """The name of a figure; one that only HAVING or ORDER BY names is published as well."""
        if figure not in self.figures:
            self.figures.append(figure)
        return f"f{self.figures.index(figure)}"

    def name(self, item: Item) -> str:
        """Qualified: an analyst may give a column of the answer any name, `f0` too."""
        return f"_published.{self.key(item) if isinstance(item, Ref) else self.figure(item)}"


def column_sql(ref: Ref) -> str:
    return f't{ref.table}."{ref.name}"'


def read_cells(tree: exp.Query, shapes: Mapping[str, TableShape]) -> Cells:
    """The question in normal form, or `Refused` with the rule that it breaks."""
    if not isinstance(tree, exp.Select) or tree.args.get("with_"):
        refuse("statistics-query", "Statistics are one SELECT without WITH or UNION.")
    if tree.find(exp.Subquery, exp.Exists) or sum(1 for _ in tree.find_all(exp.Select)) > 1:
        refuse("statistics-query", "Statistics take no sub-query.", "Join the tables instead.")
    if tree.args.get("distinct"):
        refuse("statistics-distinct", "Statistics take no SELECT DISTINCT.", "Use GROUP BY.")
    if tree.args.get("qualify") or tree.find(exp.Window):
        refuse("statistics-window", "Statistics take no window.", "Use GROUP BY.")
    cells = Cells()
    _read_from(cells, tree, shapes)
    where = tree.args.get("where")
    for condition in _conjuncts(where.this) if where else []:
        cells.where.append(_row_condition(cells, condition))
    _read_select(cells, tree)
    _read_group(cells, tree)
    having = tree.args.get("having")
    if having:
        cells.having = _published_condition(cells, having.this)
    _read_order(cells, tree)
    return cells


# FROM


def _read_from(cells: Cells, tree: exp.Select, shapes: Mapping[str, TableShape]) -> None:
    from_ = tree.args.get("from_")
    if from_ is None:
        refuse("statistics-from", "Statistics name the table they count.", "Write FROM table.")
    _add_table(cells, from_.this, shapes)
    for join in tree.args.get("joins") or []:
        _read_join(cells, join, shapes)


def _add_table(cells: Cells, table: exp.Expr, shapes: Mapping[str, TableShape]) -> None:
    shape = shapes.get(table.name.lower()) if isinstance(table, exp.Table) else None
    if shape is None:
        refuse("statistics-from", "Statistics are made from granted tables only.")
    alias = table.alias_or_name.lower()
    if any(alias == other.alias for other in cells.tables):
        refuse("statistics-from", "Two tables have one name.", "Give one of them an alias.")
    if any(shape.name == other.shape.name for other in cells.tables):
        refuse(
            "statistics-self-join",
            "A table stands twice.",
            "Statistics name each table once: joined to itself it counts a resident many times.",
        )
    cells.tables.append(Joined(shape, alias))


def _read_join(cells: Cells, join: exp.Join, shapes: Mapping[str, TableShape]) -> None:
    side, kind = join.side.upper(), join.kind.upper()
    if side not in ("", "LEFT"):
        refuse("statistics-join", "Statistics join by INNER or LEFT JOIN.", "Turn it round.")
    if kind == "OUTER" and not side:
        refuse("statistics-join", "Statistics join by INNER or LEFT JOIN.")
    earlier = len(cells.tables)
    using = [name.name.lower() for name in join.args.get("using") or []]
    lefts = [_find(cells, exp.column(name)) for name in using]
    _add_table(cells, join.this, shapes)
    pairs = [
        (left, _find(cells, exp.column(name, table=cells.tables[-1].alias)))
        for name, left in zip(using, lefts, strict=True)
    ]
    cells.merged.update(zip(using, lefts, strict=True))
    on = join.args.get("on")
    pairs += [_equality(cells, part, earlier) for part in (_conjuncts(on) if on else [])]
    if not pairs:
        refuse("statistics-join", "A join names the columns that are equal.", "Write ON a.x = b.x.")
    for left, right in pairs:
        _check_equal(cells, left, right)
    added = cells.tables[-1]
    cells.tables[-1] = Joined(added.shape, added.alias, side == "LEFT", tuple(pairs))


def _equality(cells: Cells, part: exp.Expr, new: int) -> tuple[Ref, Ref]:
    if isinstance(part, exp.EQ):
        left, right = bare(part.left), bare(part.right)
        if isinstance(left, exp.Column) and isinstance(right, exp.Column):
            refs = (_find(cells, left), _find(cells, right))
            if sorted(ref.table == new for ref in refs) == [False, True]:
                return refs if refs[1].table == new else (refs[1], refs[0])
    refuse(
        "statistics-on",
        "ON is a conjunction of equalities, each of one column of either side.",
        "Write ON a.x = b.x AND a.y = b.y; other conditions go into WHERE.",
    )


def _check_equal(cells: Cells, left: Ref, right: Ref) -> None:
    kinds = (cells.kind(left), cells.kind(right))
    if "person" in kinds and kinds != ("person", "person"):
        refuse("statistics-person", "person is equal to person only.", "Join a.person = b.person.")
    if kinds[0] != kinds[1]:
        refuse("statistics-on", "The columns of an equality have one type.")


def _conjuncts(node: exp.Expr) -> list[exp.Expr]:
    node = bare(node)
    if isinstance(node, exp.And):
        return [*_conjuncts(node.left), *_conjuncts(node.right)]
    return [node]


def _find(cells: Cells, column: exp.Column) -> Ref:
    """The column that is meant, among those granted; nothing else has a name here."""
    name, table = column.name.lower(), column.table.lower()
    if not table and name in cells.merged:
        return cells.merged[name]
    found = [
        Ref(index, name)
        for index, joined in enumerate(cells.tables)
        if name in joined.shape.columns and table in ("", joined.alias)
    ]
    if len(found) > 1:
        refuse("statistics-ambiguous", "A column could be of two tables.", "Write table.column.")
    if not found:
        refuse("gate-column", "The question names a column that no grant opens.", _granted(cells))
    return found[0]


def _granted(cells: Cells) -> str:
    each = (f"{table.shape.name}({', '.join(table.shape.columns)})" for table in cells.tables)
    return f"There are: {'; '.join(each)}."


def _shown(cells: Cells, column: exp.Column) -> Ref:
    ref = _find(cells, column)
    if cells.kind(ref) == PERSON:
        refuse(
            "statistics-person",
            "person is never compared, grouped, ordered or shown.",
            "It joins, and count(distinct person) counts it.",
        )
    return ref


# WHERE


def _row_condition(cells: Cells, node: exp.Expr) -> str:
    def operand(part: exp.Expr) -> tuple[str, str] | None:
        if not isinstance(part, exp.Column):
            return None
        ref = _shown(cells, part)
        cells.tested.append(ref)
        return column_sql(ref), cells.kind(ref)

    sql = comparison(node, operand)
    if sql is None:
        refuse(
            "statistics-filter",
            "WHERE is a conjunction of comparisons of one column with literals.",
            "Use = <> < <= > >= IN BETWEEN IS NULL IS NOT NULL, joined by AND.",
        )
    return sql


# SELECT and GROUP BY


def _read_select(cells: Cells, tree: exp.Select) -> None:
    for item in tree.expressions:
        inner = bare(item.this if isinstance(item, exp.Alias) else item)
        figure = _figure(cells, inner)
        if figure is not None:
            cells.figure(figure)
            name = item.alias if isinstance(item, exp.Alias) else _figure_name(figure)
            cells.outputs.append((_unused(name, cells), figure))
        elif isinstance(inner, exp.Column) and not isinstance(inner.this, exp.Star):
            ref = _shown(cells, inner)
            cells.outputs.append((_unused(item.alias_or_name, cells), ref))
        else:
            refuse(
                "statistics-expression",
                "SELECT shows grouping columns and figures, nothing computed from them.",
                "The figures are count(*), count(distinct person), sum(column), avg(column).",
            )


def _figure(cells: Cells, node: exp.Expr) -> Figure | None:
    match node:
        case exp.Count():
            return _count(cells, node)
        case exp.Sum() | exp.Avg():
            return _sum(cells, node)
        case exp.AggFunc() | exp.Filter():
            refuse(
                "statistics-figure",
                "This figure is not published.",
                "The figures are count(*), count(distinct person), sum(column), avg(column).",
            )
    return None


def _count(cells: Cells, node: exp.Count) -> Figure:
    inner = node.this
    if isinstance(inner, exp.Star) and not node.expressions:
        return Figure("count")
    if isinstance(inner, exp.Distinct) and len(inner.expressions) == 1 and not node.expressions:
        column = bare(inner.expressions[0])
        if isinstance(column, exp.Column) and isinstance(column.this, exp.Identifier):
            ref = _find(cells, column)
            if cells.kind(ref) == PERSON:
                return Figure("persons", ref)
    refuse(
        "statistics-count",
        "What is counted is rows or persons.",
        "Write count(*) or count(distinct person).",
    )


def _sum(cells: Cells, node: exp.Sum | exp.Avg) -> Figure:
    column = bare(node.this)
    if not isinstance(column, exp.Column) or not isinstance(column.this, exp.Identifier):
        refuse(
            "statistics-expression",
            "Inside sum and avg stands one column and nothing else.",
            "Write sum(column) or avg(column).",
        )
    ref = _shown(cells, column)
    kind, plain = cells.tables[ref.table].shape.columns[ref.name]
    if kind not in NUMBERS or not plain:
        refuse(
            "statistics-sum",
            "sum and avg take a number that is granted plain.",
            f"Such are: {_summable(cells)}.",
        )
    return Figure("sum" if isinstance(node, exp.Sum) else "avg", ref)


def _summable(cells: Cells) -> str:
    return (
        ", ".join(
            f"{table.shape.name}.{name}"
            for table in cells.tables
            for name, (kind, plain) in table.shape.columns.items()
            if kind in NUMBERS and plain
        )
        or "none"
    )


def _figure_name(figure: Figure) -> str:
    return (
        figure.kind
        if figure.ref is None or figure.kind == "persons"
        else (f"{figure.kind}_{figure.ref.name}")
    )


def _unused(name: str, cells: Cells) -> str:
    taken = {other.lower() for other, _ in cells.outputs}
    number, free = 1, name
    while free.lower() in taken:
        number += 1
        free = f"{name}_{number}"
    return free


def _read_group(cells: Cells, tree: exp.Select) -> None:
    group = tree.args.get("group")
    shown = [item for _, item in cells.outputs if isinstance(item, Ref)]
    refs = shown if group and group.args.get("all") else []
    for part in group.expressions if group else []:
        refs.append(_group_column(cells, bare(part)))
    cells.keys = list(dict.fromkeys(refs))
    if set(shown) - set(cells.keys):
        refuse(
            "statistics-group", "A column is shown that is not grouped by.", "Add it to GROUP BY."
        )


def _group_column(cells: Cells, part: exp.Expr) -> Ref:
    item: Item | None = None
    if isinstance(part, exp.Literal) and part.is_int:
        item = _by_position(cells, part)
    elif isinstance(part, exp.Column) and isinstance(part.this, exp.Identifier):
        # A column of a table comes before an alias, as the engine has it.
        named = dict((name.lower(), item) for name, item in cells.outputs)
        real = any(part.name.lower() in table.shape.columns for table in cells.tables)
        item = None if real or part.table else named.get(part.name.lower())
        item = item or _shown(cells, part)
    if not isinstance(item, Ref):
        refuse("statistics-group", "GROUP BY names columns.", "No expression, no figure.")
    return item


def _by_position(cells: Cells, part: exp.Expr) -> Item:
    position = int(part.name)
    if not 1 <= position <= len(cells.outputs):
        refuse("statistics-position", "There is no output column at a position that is named.")
    return cells.outputs[position - 1][1]


# HAVING, ORDER BY, LIMIT: on what is published


def _published_item(cells: Cells, node: exp.Expr, alias_first: bool) -> Item | None:
    figure = _figure(cells, node)
    if figure is not None:
        cells.figure(figure)
        return figure
    if not isinstance(node, exp.Column) or not isinstance(node.this, exp.Identifier):
        return None
    name = node.name.lower()
    aliased = {} if node.table else {other.lower(): item for other, item in cells.outputs}
    grouped = not node.table and any(ref.name == name for ref in cells.keys)
    if name in aliased and (alias_first or not grouped):
        return aliased[name]
    ref = _shown(cells, node)
    if ref not in cells.keys:
        refuse(
            "statistics-published",
            "HAVING and ORDER BY see published figures and grouping columns only.",
            "Group by the column, or put the comparison into WHERE.",
        )
    return ref


def _published_condition(cells: Cells, node: exp.Expr) -> str:
    node = bare(node)
    if isinstance(node, exp.And | exp.Or):
        word = "AND" if isinstance(node, exp.And) else "OR"
        left = _published_condition(cells, node.left)
        return f"({left} {word} {_published_condition(cells, node.right)})"

    def operand(part: exp.Expr) -> tuple[str, str] | None:
        item = _published_item(cells, part, alias_first=False)
        if item is None:
            return None
        return cells.name(item), cells.kind(item) if isinstance(item, Ref) else "figure"

    sql = comparison(node, operand)
    if sql is None:
        refuse(
            "statistics-having",
            "HAVING compares published figures and grouping columns with literals.",
            "Write HAVING count(*) >= 20 AND avg(column) < 3.",
        )
    return sql


def _read_order(cells: Cells, tree: exp.Select) -> None:
    order = tree.args.get("order")
    for part in order.expressions if order else []:
        node = bare(part.this)
        if isinstance(node, exp.Literal) and node.is_int:
            item: Item | None = _by_position(cells, node)
        else:
            item = _published_item(cells, node, alias_first=True)
        if item is None:
            refuse(
                "statistics-order",
                "ORDER BY names published figures and grouping columns.",
                "No expression.",
            )
        descending, first = bool(part.args.get("desc")), bool(part.args.get("nulls_first"))
        cells.order.append((item, descending, first))
    limit, offset = tree.args.get("limit"), tree.args.get("offset")
    cells.limit = int(limit.expression.name) if limit else None
    cells.offset = int(offset.expression.name) if offset else 0
