"""A list as a file to take away: CSV, a workbook, JSON. No text in them runs as a formula."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.http import Http404, HttpResponse
from openpyxl import Workbook  # type: ignore[import-untyped]
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE  # type: ignore[import-untyped]

from commonthread.broker.access.exports import safe

TYPES = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
# What one cell of a workbook holds at most (ECMA-376 as spreadsheets have it).
LONGEST_CELL = 32_767

Rows = Iterable[Mapping[str, Any]]


def as_csv(names: Sequence[str], rows: Rows) -> bytes:
    """RFC 4180 with a heading, one record a row."""
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(names)
    writer.writerows([_cell(row.get(name, "")) for name in names] for row in rows)
    return file.getvalue().encode()


def as_workbook(names: Sequence[str], rows: Rows) -> bytes:
    """One sheet; every text is text, whatever it begins with."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet("List")
    sheet.append(list(names))
    for row in rows:
        sheet.append([_in_workbook(row.get(name, "")) for name in names])
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def as_json(names: Sequence[str], rows: Rows) -> bytes:
    found = [{name: row.get(name, "") for name in names} for row in rows]
    return json.dumps(found, ensure_ascii=False, indent=1).encode() + b"\n"


MAKERS = {"csv": as_csv, "json": as_json, "xlsx": as_workbook}


def _cell(value: Any) -> Any:
    return safe(value) if isinstance(value, str) else value


def _in_workbook(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return ILLEGAL_CHARACTERS_RE.sub("", safe(value))[:LONGEST_CELL]


def download(kind: str, name: str, names: Sequence[str], rows: Rows) -> HttpResponse:
    """The answer that a browser saves; a kind that is not known is not found."""
    if kind not in MAKERS:
        raise Http404("There is no file of this kind.")
    answer = HttpResponse(MAKERS[kind](names, rows), content_type=TYPES[kind])
    answer["Content-Disposition"] = f'attachment; filename="{name}.{kind}"'
    answer["X-Content-Type-Options"] = "nosniff"
    return answer
