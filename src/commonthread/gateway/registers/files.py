"""Registers as files: canonical JSON, CSV and text, the same bytes for the same values."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from commonthread.broker.access.exports import safe
from commonthread.broker.rules.canonical import canonical_bytes

NOT_STATED = "not stated"
BLANK = re.compile(r"\n{3,}")


def as_json(value: Any) -> bytes:
    """RFC 8785, with the line end that a text file has."""
    return canonical_bytes(value) + b"\n"


def as_csv(names: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> bytes:
    """RFC 4180 with a heading; no blank: what a row lacks reads `not stated`."""
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(names)
    for row in rows:
        writer.writerow([_cell(row.get(name, NOT_STATED)) for name in names])
    return file.getvalue().encode()


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return safe(value if isinstance(value, str) else "; ".join(value))


def as_text(lines: Iterable[str]) -> bytes:
    """Lines of Markdown; of several blank ones the first is kept."""
    text = BLANK.sub("\n\n", "\n".join(lines))
    return (text.strip("\n") + "\n").encode()
