"""Look-ups: one resident or one key at a time, in the trusted process, in milliseconds.

The value is a bound parameter; a value that cannot be one of the column's gives an empty table, so
that nothing but presence is told.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow
from sqlglot import exp

from commonthread.broker.rules.errors import IntegrityFailure
from commonthread.broker.rules.filters import DECIMAL
from commonthread.broker.rules.requests import Lookup
from commonthread.broker.rules.terms import PERSON
from commonthread.broker.rules.views import GrantView

from .extracts import Extracts, sorted_by

WHOLE = re.compile(r"-?[0-9]{1,19}")
PSEUDONYM = re.compile(r"[0-9]{1,19}")
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?")
LARGEST = 2**63 - 1


def look_up(extracts: Extracts, view: GrantView, lookup: Lookup) -> pyarrow.Table:
    """The rows of the view whose `by` column is the value: its exposed columns, and no others."""
    extract = extracts.ensure(view)
    value = _typed(lookup.value, _kind(view))
    cursor = extracts.reader()
    try:
        scan = extracts.store.scan(cursor, extract.path)
        columns = ", ".join(
            exp.to_identifier(name, quoted=True).sql("duckdb") for name in view.columns
        )
        by = exp.to_identifier(sorted_by(view), quoted=True).sql("duckdb")
        query = f"SELECT {columns} FROM {scan} WHERE {by} = ?"
        if value is None:
            return cursor.execute(f"{query} LIMIT 0", [None]).to_arrow_table()
        return cursor.execute(query, [value]).to_arrow_table()
    except duckdb.Error:
        raise IntegrityFailure("An extract cannot be read.") from None
    finally:
        cursor.close()


def _kind(view: GrantView) -> str:
    if view.grant.by == PERSON:
        return PERSON
    column = view.contract.column(view.grant.by)
    return column.type if column else ""


def _typed(text: str, kind: str) -> Any:
    """The value as the column's type, or None when it is none of them."""
    try:
        match kind:
            case "text":
                text.encode()
                return text
            case "integer" if WHOLE.fullmatch(text) and abs(int(text)) <= LARGEST:
                return int(text)
            case "person" if PSEUDONYM.fullmatch(text) and int(text) <= LARGEST:
                return int(text)
            case "decimal" if DECIMAL.fullmatch(text):
                return Decimal(text)
            case "boolean":
                return {"true": True, "false": False}.get(text)
            case "date" if DAY.fullmatch(text):
                return date.fromisoformat(text)
            case "timestamp" if MOMENT.fullmatch(text):
                return datetime.fromisoformat(text)
    except ValueError:
        return None
    return None
