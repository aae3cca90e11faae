"""What a party's `legal_power` cites: several citations, each after a semicolon."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from .bases import ANNEX_1
from .conditions import SCHEDULE_1
from .entry import Entry
from .powers import POWERS

# What a draft has in place of a power until one is chosen: it cites nothing.
UNCHOSEN = "not chosen yet"
SPELLINGS = (
    (re.compile(r"’"), "'"),
    (re.compile(r"\bdata protection act 2018\b"), "dpa 2018"),
    (re.compile(r"\bschedule\b"), "sch"),
    (re.compile(r"\bparagraph\b"), "para"),
    (re.compile(r"\b(?:sections|section|ss|s)\b\.?\s*(?=\d)"), "s."),
    (re.compile(r"\b(?:regulations|regulation|regs|reg)\b\.?\s*(?=\d)"), "reg."),
    (re.compile(r"\s+"), " "),
)


@dataclass(frozen=True, slots=True)
class Citation:
    """One citation as it was written, with the entry it means; None where no list has it."""

    text: str
    entry: Entry | None


def citations(legal_power: str) -> tuple[Citation, ...]:
    """Each citation of the text, in its order."""
    parts = (part.strip() for part in legal_power.split(";"))
    return tuple(Citation(part, _meant(part)) for part in parts if part and part != UNCHOSEN)


def _spelt(text: str) -> str:
    spelt = text.casefold()
    for pattern, plain in SPELLINGS:
        spelt = pattern.sub(plain, spelt)
    return spelt.strip(" .")


def _names(entry: Entry) -> Iterator[str]:
    yield entry.id
    yield _spelt(entry.citation)
    for spelling in getattr(entry, "spellings", ()):
        yield _spelt(spelling)


KNOWN = {
    name: entry
    for entry in (*POWERS.values(), *SCHEDULE_1.values(), *ANNEX_1.values())
    for name in _names(entry)
}


def _meant(part: str) -> Entry | None:
    """The entry whose name the citation begins with; `s.6` is not the beginning of `s.67`."""
    spelt = _spelt(part)
    begun = [
        name
        for name in KNOWN
        if spelt.startswith(name) and (len(spelt) == len(name) or not spelt[len(name)].isalnum())
    ]
    return KNOWN[max(begun, key=len)] if begun else None
