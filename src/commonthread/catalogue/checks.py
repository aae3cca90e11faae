# ruff: noqa: S608 - only names made here and quoted literals of a contract stand in this SQL
"""What a contract demands of a row, as SQL over text: typed values, and reasons in words.

Pure: a contract in, SQL text out. Columns are named by their place in the contract, `c0`, `c1` …
as text and `t0`, `t1` … typed, so that no name of a stranger's ever stands in SQL. Reasons name
columns and never hold a value.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from datetime import date, datetime

from commonthread.broker.rules.contracts import OPERATION, REMOVE, Column, Contract
from commonthread.broker.rules.dates import london_day
from commonthread.broker.rules.errors import Problem
from commonthread.broker.rules.fields import check

from .identity import WRITTEN_DATES

SQL_TYPES = {
    "text": "VARCHAR",
    "integer": "BIGINT",
    "decimal": "DECIMAL(28,10)",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
}
WHOLE = r"[+-]?[0-9]+"
# More than ten places would be rounded away; zeros after them say nothing.
DECIMAL = r"[+-]?([0-9]+(\.[0-9]{0,10}0*)?|\.[0-9]{1,10}0*)"
DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?)?"
ZONE = r" ?(Z|z|[+-][0-9]{2}(:?[0-9]{2})?)"
TRUE, FALSE = ("true", "yes", "y", "t", "1"), ("false", "no", "n", "f", "0")
EXPECTED = {
    "integer": "is not a whole number",
    "decimal": "is not a number of at most 18 digits and 10 decimal places",
    "boolean": "is not yes or no",
    "date": "is not a date such as 2026-01-31",
    "timestamp": "is not a date and time such as 2026-01-31T09:30",
}
BLANKS = "' ' || chr(9) || chr(10) || chr(13) || chr(160)"
DAYS = "BETWEEN DATE '0001-01-01' AND DATE '9999-12-31'"


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def check_formats(contract: Contract) -> None:
    """Raise `BadInput` if a declared format asks for a zone: times here are local and naive."""
    check(
        (
            Problem(f"column {column.name}", "its format asks for a time zone", "leave out %z, %Z")
            for column in contract.columns
            if re.search(r"%[zZ]", column.format)
        ),
        "The contract",
    )


def typed(column: Column, text: str, *, as_iso: bool = False) -> str:
    """The typed value of the text, missing if it cannot be read. `as_iso` ignores the format."""
    form = "" if as_iso else column.format
    match column.type:
        case "integer":
            return _cast_if(text, WHOLE, "BIGINT")
        case "decimal":
            return _cast_if(text, DECIMAL, SQL_TYPES["decimal"])
        case "boolean":
            yes, no = _among(text, TRUE), _among(text, FALSE)
            return f"CASE WHEN {yes} THEN true WHEN {no} THEN false END"
        case "date":
            return _within(_strptime(text, form) if form else _cast_if(text, DAY, "DATE"), "DATE")
        case "timestamp":
            moment = _cast_if(text, f"{DAY}[T ]{CLOCK}", "TIMESTAMP")
            return _within(_strptime(text, form) if form else moment, "TIMESTAMP")
    return text


def _cast_if(text: str, shape: str, kind: str) -> str:
    fits = f"regexp_full_match({text}, {literal(shape)})"
    return f"CASE WHEN {fits} THEN try_cast({text} AS {kind}) END"


def _among(text: str, words: tuple[str, ...]) -> str:
    return f"lower({text}) IN ({', '.join(map(literal, words))})"


def _strptime(text: str, form: str) -> str:
    return f"try_strptime({text}, {literal(form)})"


def _within(value: str, kind: str) -> str:
    # The engine knows years before Christ and after 9999; Python, JSON and people do not.
    return f"CASE WHEN CAST({value} AS DATE) {DAYS} THEN CAST({value} AS {kind}) END"


def fault(column: Column, place: int, *, key: bool, as_iso: bool = False) -> str:
    """The first reason why this column's value cannot be taken, or NULL."""
    text, value, name = f"c{place}", f"t{place}", column.name
    cases = [(f"contains({text}, chr(0))", "holds a NUL character")]
    if key or not column.optional:
        cases.append((f"{text} IS NULL", "is missing"))
    if column.type == "timestamp" and not column.format:
        zoned = f"regexp_full_match({text}, {literal(f'{DAY}[T ]{CLOCK}{ZONE}')})"
        cases.append((zoned, "has a time zone, and local time without one is needed"))
    if column.type != "text":
        form = column.format and not as_iso
        expected = f"is not a {column.type} of the form {column.format}" if form else ""
        cases.append((f"{text} IS NOT NULL AND {value} IS NULL", expected or EXPECTED[column.type]))
    cases.extend(_limits(column, value))
    whens = " ".join(f"WHEN {test} THEN {literal(f'{name}: {said}')}" for test, said in cases)
    return f"CASE {whens} END"


def _limits(column: Column, value: str) -> Iterator[tuple[str, str]]:
    if column.values:
        allowed = ", ".join(map(literal, column.values))
        yield f"{value} NOT IN ({allowed})", "is not one of the values that the contract lists"
    for bound, compare, said in ((column.minimum, "<", "below"), (column.maximum, ">", "above")):
        if bound is None:
            continue
        end = "minimum" if compare == "<" else "maximum"
        if isinstance(bound, date):
            # A bound on a timestamp is a day, and the whole of that day is inside it.
            yield f"CAST({value} AS DATE) {compare} DATE '{bound}'", f"is {said} the {end}, {bound}"
        else:
            yield f"{value} {compare} {bound}", f"is {said} the {end}, {bound}"


def checked(contract: Contract, *, iso: Collection[str] = ()) -> str:
    """SQL that reads `chunk` (line, odd, c0 …): every text, every typed value, and `reasons`.

    `iso` names the columns that came typed, as dates of a Parquet file do: their text is ISO
    whatever format the contract declares. `reasons` is empty for a row that can be taken.
    """
    columns = list(enumerate(contract.delivered))
    blank = ", ".join(f"nullif({_bare(column, f'c{n}')}, '') AS c{n}" for n, column in columns)
    values = ", ".join(
        f"{typed(column, f'c{n}', as_iso=column.name in iso)} AS t{n}" for n, column in columns
    )
    faults = ", ".join(
        _unless_removed(
            fault(column, n, key=column.name in contract.key, as_iso=column.name in iso),
            column,
            contract,
        )
        for n, column in columns
    )
    return (
        f"WITH bare AS (SELECT line, odd, {blank} FROM chunk), "
        f"typed AS (SELECT *, {values} FROM bare) "
        f"SELECT *, CASE WHEN odd IS NOT NULL THEN odd ELSE concat_ws('; ', {faults}) END "
        "AS reasons FROM typed"
    )


def _unless_removed(reason: str, column: Column, contract: Contract) -> str:
    """Of a row that removes a record only its key is looked at; `operation` is the first column."""
    if contract.delivery != "changes" or column.name in (OPERATION, *contract.key):
        return reason
    return f"CASE WHEN t0 = {literal(REMOVE)} THEN NULL ELSE {reason} END"


def _bare(column: Column, text: str) -> str:
    return text if column.type == "text" else f"trim({text}, {BLANKS})"


def repeats(contract: Contract) -> str:
    """The reason that stands beside the later rows of a repeated key."""
    plural = len(contract.key) > 1
    verb = "repeat the key of an earlier row" if plural else "repeats the key of an earlier row"
    return f"{', '.join(contract.key)}: {verb}"


def malformed(role: str, value: str, column: Column, contract: Contract, at: datetime) -> str:
    """A test, in SQL, of a present value that `identity.linkable` would not link by."""
    text = f"CAST({value} AS VARCHAR)"
    match role:
        case "nhs_number":
            digits = f"regexp_replace({text}, '[ \\t\\r\\n-]', '', 'g')"
            total = " + ".join(
                f"{10 - n} * CAST(substr({digits}, {n + 1}, 1) AS INTEGER)" for n in range(9)
            )
            same = f"{digits} = repeat(left({digits}, 1), 10)"
            last = f"CAST(substr({digits}, 10, 1) AS INTEGER)"
            sound = f"NOT {same} AND (11 - ({total}) % 11) % 11 = {last}"
            test = (
                f"CASE WHEN regexp_full_match({digits}, '[0-9]{{10}}') THEN {sound} ELSE false END"
            )
        case "postcode":
            squeezed = f"regexp_replace({text}, '[ \\t\\r\\n]', '', 'g')"
            shape = "[A-Za-z]{1,2}[0-9][A-Za-z0-9]?[0-9][A-Za-z]{2}"
            test = f"regexp_full_match({squeezed}, '{shape}')"
        case "date_of_birth":
            day = _day(value, column)
            first, arrived = f"{contract.earliest_birth_year:04d}-01-01", london_day(at)
            test = f"coalesce({day} BETWEEN DATE '{first}' AND DATE '{arrived}', false)"
        case _:
            test = f"trim({text}, ' ' || chr(9) || chr(10) || chr(13)) <> ''"
    return f"{value} IS NOT NULL AND NOT ({test})"


def _day(value: str, column: Column) -> str:
    if column.type in ("date", "timestamp"):
        return f"CAST({value} AS DATE)"
    if column.type != "text":
        return "CAST(NULL AS DATE)"
    bare = f"trim({value}, ' ' || chr(9) || chr(10) || chr(13))"
    whens = " ".join(
        f"WHEN regexp_full_match({bare}, {literal(shape.pattern)}) "
        f"THEN CAST(try_strptime({bare}, {literal(form)}) AS DATE)"
        for shape, form in WRITTEN_DATES
    )
    return f"CASE {whens} END"


def header_columns(header: list[str], contract: Contract, ignored: Collection[str]) -> list[str]:
    """The header as it may be taken; raises `BadInput` with every column that may not be.

    A file without a header row has a person's data where names should be, so a name is shown
    only if it looks like the name of a column.
    """
    known = {column.name for column in contract.delivered} | set(ignored)
    check(_header_faults(header, contract, known), "The header of the file")
    return header


def _header_faults(
    header: list[str], contract: Contract, known: Collection[str]
) -> Iterator[Problem]:
    matched = any(name in known for name in header)
    for place, name in enumerate(header):
        if name not in known:
            mend = "remove it, or correct its name" if matched else "is the header row missing?"
            yield Problem(_shown(name, place), "no such column is in the contract", mend)
        elif name in header[:place]:
            yield Problem(_shown(name, place), "this column stands twice", "keep one of them")
    for column in contract.delivered:
        if not column.optional and column.name not in header:
            yield Problem(f"column {column.name}", "this column is missing", "add it to the file")


def _shown(name: str, place: int) -> str:
    looks_like_a_name = re.fullmatch(r"[a-z0-9_ -]{1,40}", name)
    return f"column {name}" if looks_like_a_name else f"column {place + 1}"


__all__ = [
    "SQL_TYPES",
    "check_formats",
    "checked",
    "header_columns",
    "literal",
    "malformed",
    "repeats",
]
