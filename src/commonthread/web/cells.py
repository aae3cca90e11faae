"""Values as text for a page and for a spreadsheet. Values come in as Python's own."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

# A spreadsheet takes text that begins so for a formula and runs it.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
# Numbers of 63 bits that name somebody: text, or a spreadsheet rounds them.
NAMES = ("person", "pseudonym")
NUMBERS = (int, float, Decimal)


def as_text(value: Any) -> str | None:
    """One value as a reader sees it; missing stays None."""
    match value:
        case None | str():
            return value
        case bool():
            return "true" if value else "false"
        case datetime():
            return value.isoformat(sep=" ")
        case date():
            return value.isoformat()
        case Decimal():
            return format(value, "f")
    return str(value)


def is_number(value: Any, kind: str) -> bool:
    return isinstance(value, NUMBERS) and not isinstance(value, bool) and kind not in NAMES


def csv_lines(
    columns: Sequence[tuple[str, str]], rows: Iterable[Sequence[Any]], banner: str
) -> Iterator[str]:
    """CSV by RFC 4180, safe to open in a spreadsheet: no text in it runs as a formula."""
    if banner:
        yield _line([f"# {banner}"])
    yield _line([_safe(name) for name, _ in columns])
    for row in rows:
        yield _line([_cell(value, kind) for value, (_, kind) in zip(row, columns, strict=True)])


def _cell(value: Any, kind: str) -> str:
    text = as_text(value) or ""
    return text if is_number(value, kind) else _safe(text)


def _safe(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def _line(cells: Sequence[str]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()
