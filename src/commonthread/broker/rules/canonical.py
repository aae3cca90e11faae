"""Canonical bytes: one meaning, one digest.

RFC 8785 (JSON Canonicalization Scheme) over plain values: text in NFC, whole numbers, booleans,
lists and tables. No floats, no nulls, no local times: two spellings of one agreement would
otherwise have two digests. Dates are ISO text; times are UTC in whole seconds.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

import rfc8785

from .errors import BadInput, Problem

LARGEST = 2**53 - 1
EARLIEST_YEAR = 1900
# Lines and tabs may stand in a text.
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
SURROGATE = re.compile(r"[\ud800-\udfff]")
# The interpreter's own encoder writes plain values as RFC 8785 does, many times faster than
# `rfc8785`, but sorts names by code point and not by UTF-16 unit: the same below U+10000.
ENCODER = json.JSONEncoder(
    ensure_ascii=False, check_circular=False, sort_keys=True, separators=(",", ":")
)
BEYOND = re.compile(r"[\U00010000-\U0010ffff]")


def plain(value: Any, where: str = "$") -> Any:
    """Return `value` as plain JSON values, or raise `BadInput` naming the path that cannot be."""
    if isinstance(value, str):
        return _text(value, where)
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        if abs(value) > LARGEST:
            raise _wrong(where, "the number is beyond 2^53-1", "write it as text")
        return value
    if isinstance(value, datetime):
        return instant_text(value, where)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return [plain(item, f"{where}[{index}]") for index, item in enumerate(value)]
    if isinstance(value, dict):
        return {_text(key, where): plain(item, f"{where}.{key}") for key, item in value.items()}
    raise _wrong(where, f"{type(value).__name__} is not allowed", "use text or a whole number")


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise _wrong(where, "a name must be text", "")
    if value.isascii() and value.isprintable():
        return value
    if not unicodedata.is_normalized("NFC", value):
        raise _wrong(where, "the text is not in Unicode form NFC", "type it again, composed")
    if CONTROL.search(value):
        raise _wrong(where, "the text holds a control character", "remove it")
    if SURROGATE.search(value):
        raise _wrong(where, "the text holds half of a surrogate pair", "remove it")
    return value


def instant_text(value: datetime, where: str = "$") -> str:
    """A time as `2026-11-23T20:00:00Z`; it needs a zone and whole seconds."""
    if value.tzinfo is None or value.microsecond:
        raise _wrong(where, "a time needs a zone and whole seconds", "write 2026-01-01T00:00:00Z")
    if value.year < EARLIEST_YEAR:
        raise _wrong(where, f"a time before {EARLIEST_YEAR} is not allowed", "")
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_instant(text: str) -> datetime:
    """The inverse of `instant_text`."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def canonical_bytes(value: Any) -> bytes:
    """The RFC 8785 bytes of `value`."""
    said = plain(value)
    text = ENCODER.encode(said)
    if text.isascii() or not BEYOND.search(text):
        return text.encode()
    return rfc8785.dumps(said)


def digest(value: Any) -> str:
    """SHA-256 of the canonical bytes, as 64 lower-case hex digits."""
    return hashlib.sha256(canonical_bytes(value)).hexdigest()


def parse_json(text: bytes | str, where: str = "$") -> Any:
    """Read JSON strictly: repeated names, NaN and floats are refused instead of guessed at."""

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in items]
        if len(names) != len(set(names)):
            raise _wrong(where, "a name stands twice in one table", "keep one of them")
        return dict(items)

    def unwanted(token: str) -> Any:
        raise _wrong(where, "floating point numbers are not allowed", "use whole numbers or text")

    try:
        return json.loads(
            text, object_pairs_hook=pairs, parse_constant=unwanted, parse_float=unwanted
        )
    except (ValueError, RecursionError) as error:
        raise _wrong(where, "this is not well-formed JSON", "") from error


def sorted_set(values: Iterable[Any]) -> list[Any]:
    """A set in its one canonical order: by canonical bytes, without repeats."""
    return [item for _, item in sorted({canonical_bytes(value): value for value in values}.items())]


def _wrong(where: str, message: str, mend: str) -> BadInput:
    return BadInput("This cannot be put into canonical form.", [Problem(where, message, mend)])
