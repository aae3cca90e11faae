"""A governed view becomes SQL, as a syntax tree: no name and no value is ever pasted into text.

Two statements, run one after the other in the trusted process:

- `rows`: the rows that the grant opens, with the columns it uses, before any treatment, and for
  each its record and the text of its resident (`_record`, `_identity`).
- `shown`: those rows as the grant shows them, once the pseudonyms are computed, with `_resident`.

`rules.treatments` and `rules.filters` say what both mean; `reference` says it in plain Python.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Protocol

from sqlglot import exp

from commonthread.broker.rules.contracts import Contract
from commonthread.broker.rules.errors import IntegrityFailure
from commonthread.broker.rules.filters import All, Among, Any_, Compare, Filter, Not, typed
from commonthread.broker.rules.standing import Deposit
from commonthread.broker.rules.terms import PERSON, GrantedColumn
from commonthread.broker.rules.treatments import OLDEST_BAND, OUTWARD_POSTCODE, WHOLE_POSTCODE
from commonthread.broker.rules.views import GrantView

from .store import SQL_TYPES

# Names that no column of a contract can have: they begin with an underscore.
ROWS, RECORD, IDENTITY, RESIDENT, BY = "_rows", "_record", "_identity", "_resident", "_by"
PERSON_KEYS = "_keys"
VALUE, NUMBER = "_value", "_number"
FULL_MATCH, EXTRACT, STRFTIME, STRLEN = (
    "regexp_full_match",
    "regexp_extract",
    "strftime",
    "strlen",
)
OPERATORS: dict[str, type[exp.Binary]] = {
    "=": exp.EQ,
    "!=": exp.NEQ,
    "<": exp.LT,
    "<=": exp.LTE,
    ">": exp.GT,
    ">=": exp.GTE,
}
TIMESTAMP_TEXT = "%Y-%m-%d %H:%M:%S.%f"


class Sources(Protocol):
    """Names of tables on the connection that will run the SQL."""

    def deposit(self, deposit: Deposit) -> str:
        """A table with the rows of the deposit."""

    def objections(self, view: GrantView) -> str:
        """A table (dataset, record) of what `view.hidden` names."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """`rows` makes the table `_rows`; `shown` reads it, and one table of numbers per pseudonym.

    Those tables are `_keys` for `_identity`, and `keys[column]` for each column that is shown as a
    pseudonym; each has the columns `_value` and `_number`.
    """

    rows: str
    shown: str
    keys: dict[str, str]


def compile_grant(view: GrantView, sources: Sources) -> Compiled:
    """Compile one view. Raises `IntegrityFailure` for a clause that is not known (rule 1)."""
    keys = {
        column.name: f"{PERSON_KEYS}_{column.name}"
        for column in view.grant.columns
        if column.treatment == "pseudonym"
    }
    wanted = [*sorted(view.grant.used_columns()), RECORD, IDENTITY]
    rows = _governed(view, sources, wanted)
    return Compiled(_text(rows), _text(_shown(view, keys)), keys)


def record_query(contract: Contract, table: str) -> str:
    """How many rows of a table of the contract have the record that is the one parameter."""
    text = exp.EQ(this=_record_text(contract), expression=exp.Placeholder())
    return _text(exp.select(exp.Count(this=exp.Star())).from_(exp.to_table(table)).where(text))


def _text(select: exp.Select) -> str:
    return str(select.sql("duckdb", identify=True))


# Which rows.


def _governed(view: GrantView, sources: Sources, wanted: list[str]) -> exp.Select:
    """The rows that the view opens: filter, objections, residents of another view."""
    located = _located(view, sources)
    kept = exp.select(*(_column(name) for name in wanted)).from_(_alias_of(located, "located"))
    if view.grant.rows is not None:
        kept = kept.where(_filter(view.grant.rows, view.contract))
    if view.hidden:
        for column, hidden in _hidden(view, sources, located):
            kept = kept.where(exp.Not(this=_among(column, hidden)))
    if view.persons is not None:
        present = _governed(view.persons, sources, [IDENTITY])
        kept = kept.where(_among(IDENTITY, present))
    return kept


def _hidden(
    view: GrantView, sources: Sources, located: exp.Select
) -> Iterator[tuple[str, exp.Select]]:
    """Whose rows objections hide: the records named, and all of the same residents.

    The record may be of another dataset of the same map; it need not be among the rows any more.
    """
    table = sources.objections(view)
    named = (
        exp.select(_column("record"))
        .from_(exp.to_table(table))
        .where(_equal("dataset", view.contract.name))
    )
    yield RECORD, named
    yield (
        IDENTITY,
        exp.select(_column(IDENTITY))
        .from_(_alias_of(located.copy(), "objecting"))
        .where(_among(RECORD, named.copy())),
    )
    if view.linkage is not None:
        yield (
            IDENTITY,
            exp.select(_mapped(view, _column("resident", "map")))
            .from_(_alias_of(_map(view, sources), "map"))
            .join(
                exp.alias_(exp.to_table(table), "o", table=True, quoted=True),
                on=exp.and_(
                    exp.EQ(this=_column("dataset", "map"), expression=_column("dataset", "o")),
                    exp.EQ(this=_column("record", "map"), expression=_column("record", "o")),
                ),
            ),
        )


def _located(view: GrantView, sources: Sources) -> exp.Select:
    """All rows of the pinned deposits with their record and the text of their resident."""
    contract = view.contract
    record = exp.select(exp.Star(), exp.alias_(_record_text(contract), RECORD, quoted=True)).from_(
        _alias_of(_stored(view, sources), "stored")
    )
    if view.linkage is None:
        return exp.select(exp.Star(), exp.alias_(_unmapped(contract), IDENTITY, quoted=True)).from_(
            _alias_of(record, "records")
        )
    own_map = (
        exp.select(_column("record"), _column("resident"))
        .from_(_alias_of(_map(view, sources), "map"))
        .where(_equal("dataset", contract.name))
    )
    mapped = _mapped(view, _column("resident", "own"))
    identity = exp.Coalesce(this=mapped, expressions=[_unmapped(contract, "records")])
    return (
        exp.select(
            exp.Column(this=exp.Star(), table=exp.to_identifier("records", quoted=True)),
            exp.alias_(identity, IDENTITY, quoted=True),
        )
        .from_(_alias_of(record, "records"))
        .join(
            _alias_of(own_map, "own"),
            on=exp.EQ(this=_column("record", "own"), expression=_column(RECORD, "records")),
            join_type="left",
        )
    )


def _stored(view: GrantView, sources: Sources) -> exp.Expr:
    """The columns that matter, of each deposit in turn: other columns may differ between them."""
    contract = view.contract
    needed = view.grant.used_columns() | set(contract.key)
    needed |= {own} if (own := contract.role("own_id")) else set()
    parts = [
        exp.select(*(_stored_column(name, contract) for name in sorted(needed))).from_(
            exp.to_table(sources.deposit(deposit))
        )
        for deposit in view.deposits
    ]
    whole: exp.Expr = parts[0]
    for part in parts[1:]:
        whole = exp.Union(this=whole, expression=part, distinct=False)
    return whole


def _stored_column(name: str, contract: Contract) -> exp.Expr:
    kind = SQL_TYPES[_type(contract, name)]
    return exp.alias_(exp.cast(_column(name), kind, dialect="duckdb"), name, quoted=True)


def _map(view: GrantView, sources: Sources) -> exp.Select:
    """The newest map, with one resident for each record whatever it says."""
    if view.linkage is None:
        raise IntegrityFailure("A view without a person index has no map.")
    newest = view.linkage.deposits[-1]
    return (
        exp.select(
            _column("dataset"),
            _column("record"),
            exp.alias_(exp.Min(this=_column("resident")), "resident", quoted=True),
        )
        .from_(exp.to_table(sources.deposit(newest)))
        .where(exp.Not(this=exp.Is(this=_column("resident"), expression=exp.Null())))
        .group_by(_column("dataset"), _column("record"))
    )


def _mapped(view: GrantView, resident: exp.Expr) -> exp.Expr:
    reference = view.linkage.reference if view.linkage else ""
    return _joined(exp.Literal.string(f"resident:{reference}:"), resident)


def _unmapped(contract: Contract, table: str = "") -> exp.Expr:
    """Who a record belongs to without a map: its owner's own number says, else it is alone."""
    alone = _joined(exp.Literal.string(f"record:{contract.name}:"), _column(RECORD, table))
    own = contract.role("own_id")
    if own is None:
        return alone
    text = _value_text(_column(own, table), _type(contract, own))
    numbered = _joined(exp.Literal.string(f"own:{contract.name}:"), text)
    return exp.Coalesce(this=numbered, expressions=[alone])


def _record_text(contract: Contract) -> exp.Expr:
    """`rules.treatments.record_text` of the key."""
    parts: list[exp.Expr] = []
    for name in contract.key:
        text = exp.Coalesce(
            this=_value_text(_column(name), _type(contract, name)),
            expressions=[exp.Literal.string(str(None))],
        )
        length = exp.cast(_call(STRLEN, text.copy()), "VARCHAR", dialect="duckdb")
        parts += [length, exp.Literal.string(":"), text]
    return _joined(*parts)


def _value_text(column: exp.Expr, kind: str) -> exp.Expr:
    """`rules.treatments.value_text`: the casts of the other types say the same."""
    if kind == "timestamp":
        return _call(STRFTIME, column, exp.Literal.string(TIMESTAMP_TEXT))
    return exp.cast(column, "VARCHAR", dialect="duckdb")


def _filter(part: Filter, contract: Contract) -> exp.Expr:
    match part:
        case Compare(column=name, operator=operator, value=value):
            kind = _type(contract, name)
            return OPERATORS[operator](this=_column(name), expression=_constant(value, kind))
        case Among(column=name, values=values):
            kind = _type(contract, name)
            constants = [_constant(value, kind) for value in values]
            return exp.In(this=_column(name), expressions=constants)
        case All(parts=parts):
            return exp.paren(exp.and_(*(_filter(item, contract) for item in parts)))
        case Any_(parts=parts):
            return exp.paren(exp.or_(*(_filter(item, contract) for item in parts)))
        case Not(part=inner):
            return exp.Not(this=exp.paren(_filter(inner, contract)))
    raise IntegrityFailure("A filter holds a clause that is not known.")


def _constant(value: str | int | bool, kind: str) -> exp.Expr:
    constant: Any = typed(value, kind)
    if isinstance(constant, bool):
        return exp.Boolean(this=constant)
    if isinstance(constant, str):
        return exp.Literal.string(constant)
    if isinstance(constant, Decimal):
        text = f"{constant:f}"
    elif isinstance(constant, datetime):
        text = constant.isoformat(sep=" ")
    elif isinstance(constant, date):
        text = constant.isoformat()
    else:
        text = str(constant)
    return exp.cast(exp.Literal.string(text), SQL_TYPES[kind], dialect="duckdb")


# How they are shown.


def _shown(view: GrantView, keys: dict[str, str]) -> exp.Select:
    number = _column(NUMBER, PERSON_KEYS)
    columns = {column.exposed: column for column in view.grant.columns}
    shown = [
        exp.alias_(
            number.copy() if name == PERSON else _treated(columns[name], view.contract, keys),
            name,
            quoted=True,
        )
        for name in view.columns
    ]
    shown.append(exp.alias_(number.copy(), RESIDENT, quoted=True))
    by = view.grant.by
    if by and by != PERSON:
        shown.append(exp.alias_(_column(by, ROWS), BY, quoted=True))
    select = exp.select(*shown).from_(exp.to_table(ROWS))
    for table, column in {PERSON_KEYS: IDENTITY, **{keys[name]: name for name in keys}}.items():
        on = exp.EQ(this=_column(VALUE, table), expression=_column(column, ROWS))
        select = select.join(exp.to_table(table), on=on, join_type="left")
    if by:
        select = select.order_by(_column(PERSON if by == PERSON else BY))
    return select


def _treated(granted: GrantedColumn, contract: Contract, keys: dict[str, str]) -> exp.Expr:
    column = _column(granted.name, ROWS)
    match granted.treatment:
        case "plain":
            return column
        case "pseudonym":
            return _column(NUMBER, keys[granted.name])
        case "year":
            return exp.cast(_call("year", column), "BIGINT", dialect="duckdb")
        case "month":
            return _call(STRFTIME, column, exp.Literal.string("%Y-%m"))
        case "age-band" if granted.as_at is not None:
            return _age_band(column, granted.as_at)
        case "outward":
            return _outward(column)
        case "flag":
            return exp.Not(this=exp.Is(this=column, expression=exp.Null()))
    raise IntegrityFailure("A grant holds a treatment that is not known.")


def _age_band(born: exp.Expr, as_at: date) -> exp.Expr:
    before_birthday = exp.LT(
        this=exp.Literal.number(as_at.month * 100 + as_at.day),
        expression=exp.Add(
            this=exp.Mul(this=_call("month", born.copy()), expression=exp.Literal.number(100)),
            expression=_call("day", born.copy()),
        ),
    )
    age = exp.paren(
        exp.Sub(
            this=exp.Sub(
                this=exp.Literal.number(as_at.year), expression=_call("year", born.copy())
            ),
            expression=exp.cast(exp.paren(before_birthday), "BIGINT", dialect="duckdb"),
        )
    )
    lowest = exp.Mul(
        this=exp.paren(exp.IntDiv(this=age.copy(), expression=exp.Literal.number(5))),
        expression=exp.Literal.number(5),
    )
    highest = exp.Add(this=lowest.copy(), expression=exp.Literal.number(4))
    band = _joined(
        exp.cast(exp.paren(lowest), "VARCHAR", dialect="duckdb"),
        exp.Literal.string("-"),
        exp.cast(exp.paren(highest), "VARCHAR", dialect="duckdb"),
    )
    nobody = exp.LT(this=age.copy(), expression=exp.Literal.number(0))
    oldest = exp.GTE(this=age.copy(), expression=exp.Literal.number(OLDEST_BAND))
    missing = exp.Is(this=born.copy(), expression=exp.Null())
    return (
        exp.Case()
        .when(exp.or_(missing, nobody), exp.Null())
        .when(oldest, exp.Literal.string(f"{OLDEST_BAND}+"))
        .else_(band)
    )


def _outward(postcode: exp.Expr) -> exp.Expr:
    squeezed = _call("translate", postcode, exp.Literal.string(" \t"), exp.Literal.string(""))
    whole = exp.Literal.string(WHOLE_POSTCODE.pattern)
    outward = exp.Literal.string(OUTWARD_POSTCODE.pattern)
    first = _call(
        EXTRACT,
        squeezed.copy(),
        exp.Literal.string(f"^{WHOLE_POSTCODE.pattern}$"),
        exp.Literal.number(1),
    )
    return (
        exp.Case()
        .when(_call(FULL_MATCH, squeezed.copy(), whole), _call("upper", first))
        .when(_call(FULL_MATCH, squeezed.copy(), outward), _call("upper", squeezed.copy()))
        .else_(exp.Null())
    )


# Small parts of trees.


def _type(contract: Contract, name: str) -> str:
    column = contract.column(name)
    if column is None:
        raise IntegrityFailure("A grant names a column that its dataset does not have.")
    return column.type


def _column(name: str, table: str = "") -> exp.Column:
    return exp.column(name, table=table or None, quoted=True)


def _call(name: str, *arguments: exp.Expr) -> exp.Anonymous:
    """A function of DuckDB as it is, without sqlglot's own idea of it."""
    return exp.Anonymous(this=name, expressions=list(arguments))


def _joined(first: exp.Expr, *rest: exp.Expr) -> exp.Expr:
    whole = first
    for part in rest:
        whole = exp.DPipe(this=whole, expression=part, safe=False)
    return exp.paren(whole)


def _equal(name: str, text: str) -> exp.Expr:
    return exp.EQ(this=_column(name), expression=exp.Literal.string(text))


def _among(name: str, query: exp.Select) -> exp.Expr:
    return exp.In(this=_column(name), query=exp.Subquery(this=query))


def _alias_of(query: exp.Expr, name: str) -> exp.Subquery:
    alias = exp.TableAlias(this=exp.to_identifier(name, quoted=True))
    return exp.Subquery(this=query, alias=alias)
