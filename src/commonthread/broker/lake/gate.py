"""The gate: a stranger's SQL in, SQL that this platform wrote out (DESIGN §4, rules 6 and 7).

One SELECT is parsed, each node and function is looked up in a closed list (`grammar`), the tree
is qualified against exactly the columns that the grants show, and SQL is written anew from it.
The analyst's text goes no further: comments, quoting tricks and differences between two parsers
end here. In the regenerated SQL:

- each table is one of `shapes` (or a named sub-query), without database or schema;
- each column is named with its table and shown by its grant; no star but `count(*)`, no whole row;
- `_resident` and whatever else begins with `_` in a table is out of reach;
- with a `limit`, at most `limit + 1` rows come back: one more than shown says that there are more;
- when one table is statistics, all of it is (`statistics`).

Refusals are `errors.Refused` with one `Reason`; text that is not SQL is `errors.BadInput`. No
message repeats a literal or a name that was typed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NoReturn

from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, traverse_scope
from sqlglot.schema import MappingSchema

from . import statistics
from .grammar import DIALECT, check_nodes, parse, refuse
from .shapes import PSEUDONYMS, TableShape

__all__ = ["Gated", "TableShape", "gate", "tables_of"]

# Any type will do: names are what the tree is qualified against.
_SOME_TYPE = "TEXT"


@dataclass(frozen=True, slots=True)
class Gated:
    """SQL to run over the tables in a worker, and what the door must know of its answer.

    - `columns`: (name, type) of each output column; the type is that of the grant's column where
      one is passed on, "pseudonym" where a pseudonym may be in it, "" where only the engine knows
    - `pseudonyms`: the output columns that are shown as text when the engine returns BIGINT
    """

    sql: str
    mode: str
    tables: tuple[str, ...]
    columns: tuple[tuple[str, str], ...]
    pseudonyms: frozenset[str]


def tables_of(sql: str) -> tuple[str, ...]:
    """The names of the tables that the SQL asks for, granted or not, in order of appearance."""
    return _tables_in(parse(sql))


def gate(sql: str, shapes: Mapping[str, TableShape], limit: int | None = None) -> Gated:
    """The SQL to run instead of `sql`, over exactly the tables of `shapes`.

    - `limit`: rows that the door will show; None for all
    - raises `BadInput` or `Refused`; nothing has been run
    """
    tree = parse(sql)
    if any(cte.alias.lower() in shapes for cte in tree.find_all(exp.CTE)):
        refuse("gate-name", "A named sub-query has the name of a table.", "Choose another name.")
    tables = _tables_in(tree)
    used = {name: shapes[name] for name in tables if name in shapes}
    if set(tables) - set(used):
        refuse("gate-table", "The question names a table that no grant opens.", _known(shapes))
    if any(shape.mode == "statistics" for shape in used.values()):
        published = statistics.publish(tree, used, limit)
        return Gated(
            published.sql,
            "statistics",
            tables,
            published.columns,
            frozenset(name for name, kind in published.columns if kind in PSEUDONYMS),
        )
    if any(shape.mode != "rows" for shape in used.values()):
        refuse("gate-mode", "A table of another mode is not asked in SQL.", "Use its own question.")
    return _rows(tree, tables, used, limit)


def _tables_in(tree: exp.Query) -> tuple[str, ...]:
    named = {cte.alias.lower() for cte in tree.find_all(exp.CTE)}
    found = [table.name.lower() for table in tree.find_all(exp.Table, bfs=False)]
    return tuple(dict.fromkeys(name for name in found if name not in named))


def _known(shapes: Mapping[str, TableShape]) -> str:
    return f"Its tables: {', '.join(sorted(shapes)) or 'none'}."


def _rows(
    tree: exp.Query, tables: tuple[str, ...], shapes: Mapping[str, TableShape], limit: int | None
) -> Gated:
    _name_outputs(tree, shapes)
    tree = _qualified(tree, shapes)
    check_nodes(tree)
    _check_joins(tree)
    scopes = traverse_scope(tree)
    _check_sources(tree, scopes, shapes)
    outputs = _outputs(scopes, shapes)[id(tree)]
    columns = _separate_names(tree, outputs)
    if limit is not None:
        own = tree.args.get("limit")
        rows = min(limit + 1, int(own.expression.name)) if own else limit + 1
        tree.set("limit", exp.Limit(expression=exp.Literal.number(rows)))
    return Gated(
        tree.sql(DIALECT, comments=False, identify=True),
        "rows",
        tables,
        columns,
        frozenset(name for name, kind in columns if kind in PSEUDONYMS),
    )


def _check_joins(tree: exp.Query) -> None:
    """Each join has an equality across it: a product of tables has no answer in time."""
    for join in tree.find_all(exp.Join):
        waiting = [join.args.get("on")]
        equal = False
        while waiting and not equal:
            part = waiting.pop()
            if isinstance(part, exp.And):
                waiting += [part.left, part.right]
            elif isinstance(part, exp.Paren):
                waiting.append(part.this)
            elif isinstance(part, exp.EQ):
                left, right = _tables_of_columns(part.left), _tables_of_columns(part.right)
                equal = bool(left and right and left != right)
        if not equal:
            refuse("gate-join", "A join names the columns that are equal.", "Write ON a.x = b.x.")


def _tables_of_columns(node: exp.Expr) -> set[str]:
    return {column.table for column in node.find_all(exp.Column)}


def _name_outputs(tree: exp.Query, shapes: Mapping[str, TableShape]) -> None:
    """Names for what the analyst left without one, so that none depends on the text typed."""
    select = tree
    while isinstance(select, exp.SetOperation | exp.Subquery):
        select = select.this
    taken = {name.name.lower() for name in tree.find_all(exp.Identifier)}
    taken |= {column for shape in shapes.values() for column in shape.columns}
    for item in select.expressions:
        if isinstance(item, exp.Alias | exp.Column | exp.Star):
            continue
        word = item.sql_name().lower() if isinstance(item, exp.Func) else "column"
        name = _free(word, taken)
        taken.add(name)
        item.replace(exp.alias_(item.copy(), name, quoted=True))


def _free(word: str, taken: Iterable[str]) -> str:
    number = 1
    name = word
    while name in taken:
        number += 1
        name = f"{word}_{number}"
    return name


def _qualified(tree: exp.Query, shapes: Mapping[str, TableShape]) -> exp.Query:
    schema = MappingSchema(
        {name: dict.fromkeys(shape.columns, _SOME_TYPE) for name, shape in shapes.items()},
        dialect=DIALECT,
    )
    typed = tree.copy()  # the qualifier adds names to the tree even where it fails
    try:
        return qualify(tree, dialect=DIALECT, schema=schema)
    except RecursionError:
        refuse("gate-size", "The question is nested too deeply.")
    except SqlglotError:
        _refuse_column(typed, shapes)
    except Exception:  # noqa: BLE001 - rule 1: an error is a refusal, whatever raised it
        refuse("gate-error", "The question cannot be read with certainty.", "Write it plainer.")


def _refuse_column(tree: exp.Query, shapes: Mapping[str, TableShape]) -> NoReturn:
    known = {column for shape in shapes.values() for column in shape.columns}
    known |= {alias.alias.lower() for alias in tree.find_all(exp.Alias)}
    if all(column.name.lower() in known for column in tree.find_all(exp.Column)):
        refuse(
            "gate-ambiguous",
            "A column could be of two tables, or is not of the table it is named with.",
            "Write table.column.",
        )
    refuse("gate-column", "The question names a column that no grant opens.", _columns(shapes))


def _columns(shapes: Mapping[str, TableShape]) -> str:
    each = (f"{name}({', '.join(shape.columns)})" for name, shape in sorted(shapes.items()))
    return f"There are: {'; '.join(each)}."


def _check_sources(tree: exp.Query, scopes: list[Scope], shapes: Mapping[str, TableShape]) -> None:
    """What the qualifier says it did is looked at once more, column by column."""
    seen: set[int] = set()
    for scope in scopes:
        for source in scope.sources.values():
            if isinstance(source, exp.Table) and source.name not in shapes:
                refuse("gate-table", "The question names a table that no grant opens.")
        for column in scope.columns:
            if column.name in _names(_source(column, scope), shapes):
                seen.add(id(column))
    for column in tree.find_all(exp.Column):
        if id(column) not in seen and not _is_own_output(column):
            refuse("gate-column", "The question names a column that no grant opens.")


def _is_own_output(column: exp.Column) -> bool:
    """Without a table there are only names of a query's own output, in its ORDER BY."""
    order = column.find_ancestor(exp.Order)
    query = order.parent if order else None
    if column.table or not isinstance(query, exp.Query):
        return False
    tables = {table.alias_or_name.lower() for table in query.find_all(exp.Table)}
    own = {name.lower() for name in query.named_selects}
    return column.name.lower() in own - tables


def _source(column: exp.Column, scope: Scope | None) -> exp.Table | Scope | None:
    while scope is not None:
        source = scope.sources.get(column.table)
        if isinstance(source, exp.Table | Scope):
            return source
        scope = scope.parent
    return None


def _names(source: exp.Table | Scope | None, shapes: Mapping[str, TableShape]) -> Iterable[str]:
    if isinstance(source, exp.Table):
        return shapes[source.name].columns
    query = source.expression if source else None
    return query.named_selects if isinstance(query, exp.Query) else ()


Output = tuple[str, str]


def _outputs(scopes: list[Scope], shapes: Mapping[str, TableShape]) -> dict[int, list[Output]]:
    """For each query, by its id: (name, type) of its columns; inner queries come first."""
    found: dict[int, list[Output]] = {}
    for scope in scopes:
        query = scope.expression
        if isinstance(query, exp.SetOperation):
            sides = (found[id(query.left.unnest())], found[id(query.right.unnest())])
            found[id(query)] = [
                (left[0], _either((left[1], right[1]))) for left, right in zip(*sides, strict=False)
            ]
        elif isinstance(query, exp.Select):
            found[id(query)] = [
                (item.alias_or_name, _kind(item, scope, shapes, found))
                for item in query.expressions
            ]
    return found


def _kind(
    node: exp.Expr,
    scope: Scope,
    shapes: Mapping[str, TableShape],
    found: Mapping[int, list[Output]],
) -> str:
    """A type, where it is known; "pseudonym" wherever one may be in the value.

    A count, a comparison and a rank hold none, whatever they are made of.
    """
    match node:
        case exp.Column():
            source = _source(node, scope)
            if isinstance(source, exp.Table):
                return shapes[source.name].columns.get(node.name, ("", False))[0]
            columns = found.get(id(source.expression), []) if source else []
            return dict(columns).get(node.name, "")
        case exp.Count() | exp.RowNumber() | exp.Rank() | exp.DenseRank():
            return "integer"
        case exp.Predicate() | exp.And() | exp.Or() | exp.Not():
            return "boolean"
        case exp.Alias() | exp.Paren() | exp.Window() | exp.Filter() | exp.IgnoreNulls():
            return _kind(node.this, scope, shapes, found)
        case exp.Subquery():
            return found.get(id(node.this), [("", "")])[0][1]
    parts = [_kind(part, scope, shapes, found) for part in node.iter_expressions()]
    if any(kind in PSEUDONYMS for kind in parts):
        return "pseudonym"
    return parts[0] if isinstance(node, exp.Min | exp.Max | exp.AnyValue) else ""


def _either(kinds: tuple[str, str]) -> str:
    if any(kind in PSEUDONYMS for kind in kinds):
        return "pseudonym"
    return kinds[0] if kinds[0] == kinds[1] else ""


def _separate_names(tree: exp.Query, outputs: list[Output]) -> tuple[Output, ...]:
    """No two output columns share a name; the later of two is numbered."""
    select = tree
    while isinstance(select, exp.SetOperation | exp.Subquery):
        select = select.this
    names: list[str] = []
    for item, (name, _) in zip(select.expressions, outputs, strict=True):
        lowered = {other.lower() for other in names}
        if name.lower() in lowered:
            name = _free(name, lowered | {other.lower() for other, _ in outputs})
            item.set("alias", exp.to_identifier(name, quoted=True))
        names.append(name)
    return tuple((name, kind) for name, (_, kind) in zip(names, outputs, strict=True))
