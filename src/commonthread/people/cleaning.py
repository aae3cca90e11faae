"""Identity values as they are compared: one form for what people write in many ways, or missing.

Plain Python over single values; the linker applies each function once to each distinct value.
Badly formed values become missing, for a wrong value that looks right links strangers.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import Any

_JUNK = """NA NIL NONE NULL NAN UNKNOWN UNK NOTKNOWN NOTSTATED NOTGIVEN NOTAVAILABLE NOTRECORDED
    NOTAPPLICABLE NOTSPECIFIED UNSPECIFIED MISSING BLANK TEST TBC TBA NFA NOFIXEDABODE
    REFUSED WITHHELD DECLINED ANON ANONYMOUS"""
JUNK = frozenset(_JUNK.split())
_TITLES = "MR MRS MS MISS MX MASTER DR DOCTOR PROF PROFESSOR REV REVEREND SIR DAME LORD LADY"
TITLES = frozenset(_TITLES.split())
# Dates that systems write when nobody knew the day of birth.
PLACEHOLDERS = frozenset(("19000101", "19010101", "18991230", "18991231", "11111111", "99991231"))
SEXES = dict.fromkeys(("M", "MALE", "MAN", "BOY", "1"), "M") | dict.fromkeys(
    ("F", "FEMALE", "WOMAN", "GIRL", "2"), "F"
)
# The check digit is a weighted sum, modulus 11 (NHS Data Dictionary).
NHS_DIGITS = re.compile(r"[0-9]{10}")
POSTCODE = re.compile(r"([A-Z]{1,2}[0-9][A-Z0-9]?)([0-9])[A-Z]{2}")
# ZZ99 stands for "no fixed abode" or "abroad" in the NHS: no address has it.
PSEUDO_POSTCODE = re.compile(r"ZZ99.*")
YEAR_FIRST = re.compile(r"([0-9]{4})[-/. ]?([0-9]{1,2})[-/. ]?([0-9]{1,2})(?:[T ].*)?")
COMPACT = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})")
DAY_FIRST = re.compile(r"([0-9]{1,2})[-/. ]([0-9]{1,2})[-/. ]([0-9]{4})(?:[T ].*)?")
SOUNDS = {
    letter: code
    for code, letters in enumerate(("BFPV", "CGJKQSXZ", "DT", "L", "MN", "R"), start=1)
    for letter in letters
}
LONGEST = 200


def _folded(value: Any) -> str:
    """Upper case without accents; what is longer than any name or address is cut."""
    text = unicodedata.normalize("NFC", str(value))[:LONGEST]
    parts = unicodedata.normalize("NFKD", text.casefold().upper())
    return "".join(part for part in parts if not unicodedata.combining(part))


def _kept(text: str) -> str | None:
    """The text, unless it says that nothing is known, or repeats the sign of a gap."""
    if not text or text in JUNK or set(text) in ({"0"}, {"X"}, {"9"}):
        return None
    return text


def squeezed(value: Any) -> str | None:
    """Letters and digits only: `12 High St.` is `12HIGHST`. The form of areas and addresses too."""
    if value is None:
        return None
    return _kept("".join(sign for sign in _folded(value) if sign.isalnum()))


def name(value: Any) -> str | None:
    """Letters only: `O'Neil-Smith` is `ONEILSMITH`."""
    if value is None:
        return None
    folded = _folded(value)
    if _kept("".join(sign for sign in folded if sign.isalnum())) is None:
        return None
    return _kept("".join(sign for sign in folded if sign.isalpha()))


def names_of(value: Any) -> tuple[str | None, str | None]:
    """(given, family) of a full name: `Smith, Ann` or `Ann Mary Smith`, titles left out."""
    if value is None or name(value) is None:
        return None, None
    before, _, after = _folded(value).partition(",")
    given, words = _words(after), _words(before)
    # What follows a comma is the given names, unless it is an honour (`2nd baronet`).
    if given and words and not re.search("[0-9]", after):
        return name(given[0]), name("".join(words))
    if not words:
        return None, None
    return (name(words[0]) if len(words) > 1 else None), name(words[-1])


def _words(text: str) -> list[str]:
    return [word for word in re.findall(r"[^\W\d_]+", text) if word not in TITLES]


def born(value: Any, earliest: int, latest: int) -> str | None:
    """Eight digits, year first. Day and month need not exist: a slip of the pen still compares.

    A year outside `earliest` to `latest` is impossible, and so makes the whole date missing.
    """
    found = _digits(value)
    if found is None or found in PLACEHOLDERS or not earliest <= int(found[:4]) <= latest:
        return None
    return None if found[4:] == "0000" else found


def _digits(value: Any) -> str | None:
    if isinstance(value, date | datetime):
        return f"{value.year:04d}{value.month:02d}{value.day:02d}"
    text = str(value).strip() if value is not None else ""
    if not text.isascii() or len(text) > LONGEST:
        return None
    if found := COMPACT.fullmatch(text) or YEAR_FIRST.fullmatch(text):
        year, month, day = found.groups()
    elif found := DAY_FIRST.fullmatch(text):
        day, month, year = found.groups()
    else:
        return None
    return f"{year}{int(month):02d}{int(day):02d}"


def sex(value: Any) -> str | None:
    """`F` or `M`; anything else is no evidence for or against."""
    return SEXES.get(squeezed(value) or "")


def postcode(value: Any) -> str | None:
    """Without spaces, in capitals; what has not the UK's form stays as a text to compare."""
    text = squeezed(value)
    return None if text is None or PSEUDO_POSTCODE.fullmatch(text) else text


def outward(code: str | None) -> str | None:
    """`WR5` of `WR53AB`; nothing of a code of another form."""
    found = POSTCODE.fullmatch(code or "")
    return found.group(1) if found else None


def sector(code: str | None) -> str | None:
    """`WR53` of `WR53AB`; nothing of a code of another form."""
    found = POSTCODE.fullmatch(code or "")
    return found.group(1) + found.group(2) if found else None


def nhs_number(value: Any) -> str | None:
    """Ten digits whose check digit is right (NHS Data Dictionary: modulus 11), else missing."""
    text = re.sub(r"[ \t-]", "", str(value)) if value is not None else ""
    if not NHS_DIGITS.fullmatch(text) or len(set(text)) == 1:
        return None
    check = 11 - sum(int(text[place]) * (10 - place) for place in range(9)) % 11
    return text if check % 11 == int(text[9]) and check != 10 else None


def own_id(value: Any) -> str | None:
    """As the dataset writes it, without spaces around; nobody's where it says nothing."""
    return str(value).strip() if value is not None and squeezed(value) is not None else None


def sound(text: str | None) -> str | None:
    """American Soundex of a cleaned name; a name in another script sounds like itself."""
    if not text:
        return None
    if not text.isascii():
        return text
    found, last = text[0], SOUNDS.get(text[0])
    for letter in text[1:]:
        code = SOUNDS.get(letter)
        if code is not None and code != last:
            found += str(code)
        if letter not in "HW":
            last = code
    return (found + "000")[:4]


def each(change: Callable[[Any], Any], values: Iterable[Any]) -> list[Any]:
    """`change` of each value, computed once for equal ones; missing stays missing."""
    known: dict[Any, Any] = {None: None}
    found = []
    for value in values:
        if value not in known:
            known[value] = change(value)
        found.append(known[value])
    return found
