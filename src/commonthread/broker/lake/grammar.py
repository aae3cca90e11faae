"""The closed set of SQL that the gate reads: node classes, their parts, functions, types, sizes.

Everything is on a list of what is allowed; what is on no list is refused (DESIGN §4, rules 1, 6).
A node may have only the parts named here: `NATURAL`, `ASOF`, `BY NAME`, `TABLESAMPLE`,
`AT (VERSION …)`, `RECURSIVE` and their like are parts, not classes, and so meet this list as well.
Left off on purpose: functions that read files, settings, the environment or the catalogue;
REPEAT, LPAD and RPAD, which no interrupt stops; whatever makes lists or structures; clocks and
dice; the operator `~`, which the parser takes for another than DuckDB's.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from typing import NoReturn

import sqlglot
from sqlglot import Token, TokenType, exp
from sqlglot.errors import SqlglotError

from commonthread.broker.rules.errors import BadInput, Reason, Refused

DIALECT = "duckdb"
LONGEST = 20_000
MOST_TOKENS = 4_000
DEEPEST_BRACKETS = 40
DEEPEST = 100
MOST_JOINS = 6
MOST_CTES = 10
MOST_SET_OPERATIONS = 10
MOST_QUERIES = 20
MOST_IN_LIST = 1_000

# The parser writes the text of what it does not know into its log; a query may hold personal data.
logging.getLogger("sqlglot").setLevel(logging.CRITICAL + 1)

_SET_OPERATION = {"with_", "this", "expression", "distinct", "order", "limit", "offset"}
PARTS: dict[type[exp.Expr], set[str]] = {
    exp.Select: {
        "with_",
        "expressions",
        "distinct",
        "from_",
        "joins",
        "where",
        "group",
        "having",
        "qualify",
        "order",
        "limit",
        "offset",
    },
    exp.Union: _SET_OPERATION,
    exp.Except: _SET_OPERATION,
    exp.Intersect: _SET_OPERATION,
    exp.From: {"this"},
    exp.Join: {"this", "on", "using", "side", "kind"},
    exp.Table: {"this", "alias"},
    exp.TableAlias: {"this"},
    exp.Subquery: {"this", "alias"},
    exp.With: {"expressions"},
    exp.CTE: {"this", "alias"},
    exp.Where: {"this"},
    exp.Group: {"expressions", "all"},
    exp.Having: {"this"},
    exp.Qualify: {"this"},
    exp.Order: {"this", "expressions"},
    exp.Ordered: {"this", "desc", "nulls_first"},
    exp.Limit: {"expression"},
    exp.Offset: {"expression"},
    exp.Distinct: {"expressions", "on"},
    exp.Star: set(),
    exp.Column: {"this", "table"},
    exp.Identifier: {"this", "quoted"},
    exp.Alias: {"this", "alias"},
    exp.Literal: {"this", "is_string"},
    exp.Boolean: {"this"},
    exp.Null: set(),
    exp.Paren: {"this"},
    exp.Tuple: {"expressions"},
    exp.Interval: {"this", "unit"},
    exp.Var: {"this"},
    exp.Case: {"this", "ifs", "default"},
    exp.Filter: {"this", "expression"},
    exp.Window: {"this", "partition_by", "order", "spec", "over"},
    exp.WindowSpec: {"kind", "start", "start_side", "end", "end_side"},
    exp.Cast: {"this", "to"},
    exp.TryCast: {"this", "to", "safe"},
    exp.DataType: {"this", "expressions", "nested"},
    exp.DataTypeParam: {"this"},
    exp.In: {"this", "expressions", "query"},
    exp.Exists: {"this"},
    exp.Between: {"this", "low", "high"},
    exp.Is: {"this", "expression"},
    exp.Like: {"this", "expression", "negate"},
    exp.ILike: {"this", "expression", "negate"},
    exp.IgnoreNulls: {"this"},
}
OPERATORS = (
    *(exp.And, exp.Or, exp.Not, exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE),
    *(exp.NullSafeEQ, exp.NullSafeNEQ, exp.Add, exp.Sub, exp.Mul, exp.Div, exp.IntDiv, exp.Mod),
    *(exp.Neg, exp.DPipe),
)
FUNCTIONS = (
    *(exp.Abs, exp.Ceil, exp.Floor, exp.Round, exp.Trunc, exp.Sign, exp.Sqrt, exp.Ln, exp.Log),
    *(exp.Exp, exp.Pow, exp.Greatest, exp.Least, exp.Coalesce, exp.Nullif, exp.If),
    *(exp.Lower, exp.Upper, exp.Trim, exp.Length, exp.Substring, exp.Left, exp.Right, exp.Concat),
    *(exp.ConcatWs, exp.Replace, exp.Contains, exp.StartsWith, exp.EndsWith, exp.StrPosition),
    *(exp.SplitPart, exp.RegexpLike, exp.RegexpReplace, exp.RegexpExtract, exp.RegexpFullMatch),
    *(exp.Reverse, exp.Levenshtein, exp.JarowinklerSimilarity),
    *(exp.Year, exp.Month, exp.Day, exp.Quarter, exp.Week, exp.DayOfWeek, exp.DayOfWeekIso),
    *(exp.DayOfYear, exp.Hour, exp.Minute, exp.Second, exp.Extract, exp.DateTrunc),
    *(exp.TimestampTrunc, exp.DateDiff, exp.DateAdd, exp.TimeToStr, exp.LastDay),
    *(exp.DateFromParts, exp.Monthname, exp.Dayname),
    *(exp.Count, exp.Sum, exp.Avg, exp.Min, exp.Max, exp.Median, exp.Mode, exp.Stddev),
    *(exp.StddevSamp, exp.StddevPop, exp.Variance, exp.VariancePop, exp.Corr, exp.CovarPop),
    *(exp.CovarSamp, exp.PercentileCont, exp.PercentileDisc, exp.Quantile, exp.ApproxDistinct),
    *(exp.ApproxQuantile, exp.AnyValue, exp.First, exp.Last, exp.ArgMin, exp.ArgMax),
    *(exp.GroupConcat, exp.LogicalAnd, exp.LogicalOr, exp.CountIf, exp.RegrSlope),
    *(exp.RowNumber, exp.Rank, exp.DenseRank, exp.Ntile, exp.PercentRank, exp.CumeDist),
    *(exp.Lag, exp.Lead, exp.FirstValue, exp.LastValue, exp.NthValue),
)
_SIMPLE = frozenset((*OPERATORS, *FUNCTIONS))
_KIND = exp.DType
DATA_TYPES = frozenset(
    (
        *(_KIND.TINYINT, _KIND.SMALLINT, _KIND.INT, _KIND.BIGINT, _KIND.INT128),
        *(_KIND.DECIMAL, _KIND.FLOAT, _KIND.DOUBLE, _KIND.VARCHAR, _KIND.TEXT, _KIND.BOOLEAN),
        *(_KIND.DATE, _KIND.TIMESTAMP, _KIND.TIMESTAMPNTZ),
    )
)
UNITS = frozenset(
    (
        *("SECOND", "MINUTE", "HOUR", "DAY", "WEEK", "MONTH", "QUARTER", "YEAR", "DECADE"),
        *("CENTURY", "DOW", "ISODOW", "DOY", "EPOCH"),
    )
)
SIDES = frozenset(("", "LEFT", "RIGHT", "FULL"))
KINDS = frozenset(("", "INNER", "OUTER"))
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}")
_OUTPUT_NAME = re.compile(r"(?!_)[\w .,:;()/%£&'+*<>=?!-]{1,100}")
_NUMBER = re.compile(r"[0-9]*\.?[0-9]+(?:[eE][+-]?[0-9]{1,3})?|[0-9]+\.")
_STARTS = (TokenType.SELECT, TokenType.WITH, TokenType.FROM, TokenType.L_PAREN)


def refuse(code: str, message: str, mend: str = "") -> NoReturn:
    """Raise `Refused` with the one reason: the rule broken, and what would be allowed."""
    clause = "statistics" if code.startswith("statistics") else "gate"
    raise Refused([Reason(code, clause, message, mend)])


def parse(sql: str) -> exp.Query:
    """The one SELECT that the text is, every node of it on the list.

    - raises `BadInput` when the text is not SQL, `Refused` when it holds what is on no list
    - no message repeats any part of the text
    """
    tokens = _tokens(sql)
    try:
        trees = [tree for tree in sqlglot.parse(sql, read=DIALECT) if tree is not None]
    except RecursionError:
        refuse("gate-size", "The question is nested too deeply.")
    except SqlglotError as error:
        raise _unreadable(_place(sql, tokens, error)) from None
    if len(trees) != 1 or sum(token.token_type is TokenType.SEMICOLON for token in tokens) > 1:
        refuse("gate-statement", "One question is one statement.", "Send them one by one.")
    tree = trees[0]
    while isinstance(tree, exp.Paren | exp.Subquery) and tree.this is not None:
        if isinstance(tree, exp.Subquery) and set(_used(tree)) - {"this"}:
            break
        tree = tree.this
    if not isinstance(tree, exp.Select | exp.SetOperation):
        refuse("gate-statement", "Only a SELECT is answered.", "Write SELECT … FROM …")
    check_nodes(tree)
    _check_sizes(tree)
    _check_names(tree)
    return tree


def _unreadable(place: str) -> BadInput:
    return BadInput(
        f"The SQL cannot be read{place}.", mend="Write one SELECT in the dialect of DuckDB."
    )


def _place(sql: str, tokens: list[Token], error: SqlglotError) -> str:
    """Where the parser stopped, by numbers only: the text there may be a person's."""
    faults = getattr(error, "errors", None) or [{}]
    where = (faults[0].get("line"), faults[0].get("col"))
    # The parser counts to the end of a word, people to its beginning.
    stopped = next((token for token in tokens if (token.line, token.col) == where), None)
    if stopped is None:
        return ""
    line = sql.count("\n", 0, stopped.start) + 1
    column = stopped.start - sql.rfind("\n", 0, stopped.start)
    return f" near line {line}, column {column}"


def _tokens(sql: str) -> list[Token]:
    if len(sql) > LONGEST:
        refuse("gate-size", "The question is too long.", f"At most {LONGEST} characters.")
    if any(ord(character) < 32 and character not in "\t\r\n" for character in sql):
        refuse("gate-text", "The question holds a control character.", "Write plain text.")
    try:
        tokens = sqlglot.tokenize(sql, read=DIALECT)
    except SqlglotError:
        raise _unreadable(": a quote or a comment in it is not closed") from None
    if not tokens:
        raise BadInput("The query is empty.", mend="Write one SELECT in the dialect of DuckDB.")
    if tokens[0].token_type not in _STARTS:
        refuse("gate-statement", "Only a SELECT is answered.", "Write SELECT … FROM …")
    if any(token.token_type is TokenType.TILDE for token in tokens):
        refuse("gate-node", "The operator ~ is not answered.", "Write regexp_full_match(a, b).")
    depth = deepest = 0
    for token in tokens:
        depth += (token.token_type is TokenType.L_PAREN) - (token.token_type is TokenType.R_PAREN)
        deepest = max(deepest, depth)
    if len(tokens) > MOST_TOKENS or deepest > DEEPEST_BRACKETS:
        refuse("gate-size", "The question is too large.", "Ask for less at a time.")
    return tokens


def check_nodes(tree: exp.Expr) -> None:
    """Each node's class, its parts and its plain values are on the list, else `Refused`."""
    for node in tree.walk():
        kind = type(node)
        if kind not in PARTS and kind not in _SIMPLE:
            if isinstance(node, exp.Func):
                refuse(
                    "gate-function",
                    "The question uses a function that is not on the list.",
                    "The functions that are answered stand in docs/sql.md.",
                )
            refuse("gate-node", f"{kind.__name__} is not answered.", "Write it in plainer SQL.")
        extra = set(_used(node)) - PARTS[kind] if kind in PARTS else set()
        if extra:
            refuse(
                "gate-part",
                f"A part of {kind.__name__} is not answered: {', '.join(sorted(extra))}.",
                "Write it in plainer SQL.",
            )
        _check_values(node)


def _used(node: exp.Expr) -> Iterator[str]:
    for name, value in node.args.items():
        if value is not None and value is not False and value != []:
            yield name


def _check_values(node: exp.Expr) -> None:
    match node:
        case exp.Select() if not node.expressions:
            refuse("gate-statement", "A SELECT names what it shows.")
        case exp.SetOperation():
            sides = (node.this, node.expression)
            if any(
                isinstance(side, exp.Select) and set(_used(side)) & {"order", "limit", "offset"}
                for side in sides
            ):
                refuse("gate-part", "ORDER BY and LIMIT stand after the whole union.")
        case exp.Star():
            alone = isinstance(node.parent, exp.Count | exp.Select)
            of_table = isinstance(node.parent, exp.Column) and isinstance(
                node.parent.parent, exp.Select
            )
            if not (alone or of_table):
                refuse("gate-star", "A star stands alone, after a table, or in count(*).")
        case exp.Column():
            if not isinstance(node.this, exp.Identifier | exp.Star):
                refuse("gate-column", "A column is a name.")
        case exp.Literal() if not node.is_string:
            if not _NUMBER.fullmatch(str(node.this)):
                refuse("gate-literal", "A number is not written plainly.")
        case exp.DataType():
            if node.this not in DATA_TYPES or any(
                not (isinstance(part, exp.DataTypeParam) and part.this.is_int)
                for part in node.expressions
            ):
                refuse("gate-type", "A type is not on the list.", "Use a plain type.")
        case exp.Var():
            if str(node.this).upper() not in UNITS:
                refuse("gate-unit", "A unit of time is not on the list.", "Use day, month, year …")
        case exp.Join():
            if node.side.upper() not in SIDES or node.kind.upper() not in KINDS:
                refuse("gate-join", "Joins are inner, left, right or full.")
        case exp.Limit() | exp.Offset():
            if not node.expression.is_int:
                refuse("gate-limit", "LIMIT and OFFSET take a whole number.")
        case exp.Table():
            if not isinstance(node.this, exp.Identifier):
                refuse(
                    "gate-table",
                    "A table is a name; no function makes one.",
                    "Write FROM and the id of a grant, - written as _.",
                )


def _check_sizes(tree: exp.Query) -> None:
    _check_count(tree, exp.Join, MOST_JOINS, "joins")
    _check_count(tree, exp.CTE, MOST_CTES, "named sub-queries")
    _check_count(tree, exp.SetOperation, MOST_SET_OPERATIONS, "unions")
    _check_count(tree, exp.Select, MOST_QUERIES, "sub-queries")
    if any(len(node.expressions) > MOST_IN_LIST for node in tree.find_all(exp.In)):
        refuse("gate-size", "A list is too long.", f"At most {MOST_IN_LIST} values.")
    level: list[exp.Expr] = [tree]
    for _ in range(DEEPEST):
        level = [child for node in level for child in node.iter_expressions()]
        if not level:
            return
    refuse("gate-size", "The question is nested too deeply.")


def _check_count(tree: exp.Query, kind: type[exp.Expr], most: int, name: str) -> None:
    if sum(1 for _ in tree.find_all(kind)) > most:
        refuse("gate-size", f"The question has too many {name}.", f"At most {most}.")


def _check_names(tree: exp.Query) -> None:
    """Names are plain, so that a quoted path, a dotted name or `_resident` is none."""
    for name in tree.find_all(exp.Identifier):
        text = str(name.this)
        shown = isinstance(name.parent, exp.Alias) or _NAME.fullmatch(text) is not None
        if text.startswith("_"):
            refuse("gate-name", "Names that begin with _ are kept for the platform.")
        if not shown or not _OUTPUT_NAME.fullmatch(text):
            refuse("gate-name", "A name is made of letters, digits and _ only.")
