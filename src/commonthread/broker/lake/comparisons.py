"""One comparison of a statistics question: an operand with literals of exactly its type.

A literal of another type would make the engine cast the column, hidden rows and all, and whether
that cast fails would tell of them. So each literal is read here and written out anew with its type.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from sqlglot import exp

from .grammar import refuse

LARGEST = 2**63 - 1
# A decimal literal becomes DECIMAL(38, 10): more digits would overflow where the engine compares.
DECIMAL_DIGITS, DECIMAL_SCALE = 28, 10
OPERATORS: dict[type[exp.Expr], tuple[str, str]] = {
    exp.EQ: ("=", "="),
    exp.NEQ: ("<>", "<>"),
    exp.LT: ("<", ">"),
    exp.LTE: ("<=", ">="),
    exp.GT: (">", "<"),
    exp.GTE: (">=", "<="),
}

# SQL and type of what may stand on one side; type "figure" is a published number.
Operand = Callable[[exp.Expr], tuple[str, str] | None]


def bare(node: exp.Expr) -> exp.Expr:
    while isinstance(node, exp.Paren):
        node = node.this
    return node


def comparison(node: exp.Expr, operand: Operand) -> str | None:
    """SQL of one comparison of an operand with literals of its type; None for anything else."""
    node = bare(node)
    if isinstance(node, exp.Not) and isinstance(bare(node.this), exp.Is):
        return _null_test(bare(node.this), operand, "IS NOT NULL")
    if isinstance(node, exp.Is):
        return _null_test(node, operand, "IS NULL")
    if isinstance(node, exp.In):
        return _membership(node, operand)
    if isinstance(node, exp.Between):
        low = _compared(node.this, ">=", node.args["low"], operand)
        high = _compared(node.this, "<=", node.args["high"], operand)
        return f"({low} AND {high})" if low and high else None
    if isinstance(node, exp.Binary) and type(node) in OPERATORS:
        sign, turned = OPERATORS[type(node)]
        left, right = bare(node.left), bare(node.right)
        return (
            _compared(right, turned, left, operand)
            if _is_literal(left)
            else _compared(left, sign, right, operand)
        )
    return None


def _null_test(node: exp.Expr, operand: Operand, test: str) -> str | None:
    found = operand(bare(node.this)) if isinstance(node.expression, exp.Null) else None
    return f"{found[0]} {test}" if found else None


def _membership(node: exp.In, operand: Operand) -> str | None:
    found = operand(bare(node.this))
    if found is None or node.args.get("query") or not node.expressions:
        return None
    values = [literal_sql(bare(value), found[1]) for value in node.expressions]
    return f"{found[0]} IN ({', '.join(values)})"


def _compared(left: exp.Expr, sign: str, right: exp.Expr, operand: Operand) -> str | None:
    found = operand(bare(left))
    right = bare(right)
    if found is None or not _is_literal(right):
        return None
    sql, kind = found
    if kind == "figure" and set(_text(right).lower()) & set(".e"):
        # An average, or a count beside a fraction: as doubles, so that nothing overflows.
        return f"CAST({sql} AS DOUBLE) {sign} CAST({literal_sql(right, 'decimal')} AS DOUBLE)"
    return f"{sql} {sign} {literal_sql(right, kind)}"


def _is_literal(node: exp.Expr) -> bool:
    if isinstance(node, exp.Neg | exp.Cast):
        return isinstance(node.this, exp.Literal)
    return isinstance(node, exp.Literal | exp.Boolean)


def literal_sql(node: exp.Expr, kind: str) -> str:
    """A literal as SQL of exactly its column's type, or `Refused`; its text is never repeated."""
    text = _text(node)
    made: str | None = None
    try:
        match kind:
            case "text" if isinstance(node, exp.Literal) and node.is_string:
                made = exp.Literal.string(text).sql("duckdb")
            case "boolean" if isinstance(node, exp.Boolean):
                made = "TRUE" if node.this else "FALSE"
            case "integer" | "figure" if not _is_string(node):
                made = _integer(text)
            case "pseudonym" if text.isdecimal() and text.isascii():
                made = _integer(text)
            case "decimal" if not _is_string(node):
                made = _decimal(text)
            case "date" if _is_string(node):
                made = f"CAST('{date.fromisoformat(text).isoformat()}' AS DATE)"
            case "timestamp" if _is_string(node):
                moment = datetime.fromisoformat(text)
                if moment.tzinfo is None:
                    made = f"CAST('{moment.isoformat(sep=' ')}' AS TIMESTAMP)"
    except (ValueError, InvalidOperation):
        made = None
    if made is None:
        refuse(
            "statistics-literal",
            "A literal is not of the type of what it is compared with.",
            "Numbers stand bare, text and dates in quotes, dates as YYYY-MM-DD.",
        )
    return made


def _text(node: exp.Expr) -> str:
    if isinstance(node, exp.Neg):
        return f"-{node.this.name}"
    return str(node.this.name) if isinstance(node, exp.Cast) else str(node.name)


def _is_string(node: exp.Expr) -> bool:
    if isinstance(node, exp.Cast):
        dated = node.to.this in (exp.DType.DATE, exp.DType.TIMESTAMP, exp.DType.TIMESTAMPNTZ)
        return dated and bool(node.this.is_string)
    return isinstance(node, exp.Boolean) or (isinstance(node, exp.Literal) and node.is_string)


def _integer(text: str) -> str | None:
    number = int(text)
    return str(number) if abs(number) <= LARGEST else None


def _decimal(text: str) -> str | None:
    number = Decimal(text)
    if number != round(number, DECIMAL_SCALE) or abs(number) >= 10**DECIMAL_DIGITS:
        return None
    return f"CAST('{number:.{DECIMAL_SCALE}f}' AS DECIMAL(38, {DECIMAL_SCALE}))"
