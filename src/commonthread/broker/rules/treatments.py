"""How a granted column may be seen, as plain Python: the meaning that every engine is held to.

Missing stays missing under each treatment, except that `flag` says that it is missing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

TREATMENTS = ("plain", "pseudonym", "year", "month", "age-band", "outward", "flag")
OUTPUT_TYPES = {
    "pseudonym": "pseudonym",
    "year": "integer",
    "month": "text",
    "age-band": "text",
    "outward": "text",
    "flag": "boolean",
}
FITS = {
    "year": ("date", "timestamp"),
    "month": ("date", "timestamp"),
    "age-band": ("date",),
    "outward": ("text",),
}
OLDEST_BAND = 90
# The two shapes of a UK postcode (BS 7666): whole, or its outward half. Anything else is treated
# as missing, since free text in a postcode column would otherwise be shown in full.
WHOLE_POSTCODE = re.compile(r"([A-Za-z]{1,2}[0-9][A-Za-z0-9]?)[0-9][A-Za-z]{2}")
OUTWARD_POSTCODE = re.compile(r"[A-Za-z]{1,2}[0-9][A-Za-z0-9]?")


def output_type(treatment: str, kind: str) -> str:
    """The type of a treated column; a pseudonym is a 63-bit number shown as text."""
    return OUTPUT_TYPES.get(treatment, kind)


def fits(treatment: str, kind: str) -> bool:
    return kind in FITS.get(treatment, (kind,))


def treat(treatment: str, value: Any, as_at: date | None, pseudonym: Callable[[Any], int]) -> Any:
    """One value under one treatment. `pseudonym` computes the keyed number of a value."""
    if treatment == "flag":
        return value is not None
    if value is None:
        return None
    match treatment:
        case "plain":
            return value
        case "pseudonym":
            return pseudonym(value)
        case "year":
            return value.year
        case "month":
            return f"{value.year:04d}-{value.month:02d}"
        case "age-band" if as_at is not None:
            return age_band(value, as_at)
        case "outward":
            return outward(value)
    raise ValueError("unknown treatment")


def age_band(born: date, as_at: date) -> str | None:
    """`"65-69"` … `"90+"`; somebody not yet born at `as_at` has no age."""
    age = as_at.year - born.year - ((as_at.month, as_at.day) < (born.month, born.day))
    if age < 0:
        return None
    if age >= OLDEST_BAND:
        return f"{OLDEST_BAND}+"
    return f"{age // 5 * 5}-{age // 5 * 5 + 4}"


def outward(postcode: str) -> str | None:
    squeezed = re.sub(r"[ \t]+", "", postcode)
    if whole := WHOLE_POSTCODE.fullmatch(squeezed):
        return whole.group(1).upper()
    return squeezed.upper() if OUTWARD_POSTCODE.fullmatch(squeezed) else None


def value_text(value: Any) -> str:
    """The text of a value under which its pseudonym is computed; engines must agree on it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="microseconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value:.10f}"
    return str(value)


def record_text(key: Iterable[Any]) -> str:
    """One text for the key of a record: each part behind its length in UTF-8 bytes.

    `AT0000` is `6:AT0000`; no two keys share a text, and engines build it without escaping.
    """
    texts = [value_text(part) for part in key]
    return "".join(f"{len(text.encode())}:{text}" for text in texts)
