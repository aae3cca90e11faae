"""The numbers that Word gives to paragraphs (ECMA-376 part 1, 17.9), and the styles behind them.

They stand nowhere in the text: without counting as Word does, "see clause 4.2" leads nowhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

DEEPEST_LIST = 9
ROMAN = ((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"),
         (40, "xl"), (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"))  # fmt: skip
LARGEST_ROMAN = 3_999
BULLET = "•"
PLACE = re.compile(r"%([1-9])")
HEADING = re.compile(r"heading ([1-9])")
MOST_STYLES_IN_A_ROW = 12


@dataclass(frozen=True, slots=True)
class Style:
    """What a paragraph gets from its style: outline level (-1: none), list, and depth in it."""

    outline: int = -1
    numbered: str = ""
    indent: int = 0


@dataclass(slots=True)
class _Read:
    name: str = ""
    based_on: str = ""
    outline: int | None = None
    numbered: str | None = None
    indent: int | None = None


class Styles:
    """The styles of a document, as its elements go by."""

    def __init__(self) -> None:
        self._read: dict[str, _Read] = {}
        self._now: _Read | None = None

    def started(self, name: str, given: dict[str, str]) -> None:
        value = given.get("val", "")
        if name == "style":
            self._now = self._read.setdefault(given.get("styleId", ""), _Read())
        elif self._now is None:
            return
        elif name == "name":
            self._now.name = value.lower()
        elif name == "basedOn":
            self._now.based_on = value
        elif name == "outlineLvl":
            self._now.outline = _number(value)
        elif name == "numId":
            self._now.numbered = value
        elif name == "ilvl":
            self._now.indent = _number(value)

    def ended(self, name: str) -> None:
        if name == "style":
            self._now = None

    def of(self, id_: str) -> Style:
        """A style with what it has from those it is based on, the nearest first."""
        outline: int | None = None
        numbered: str | None = None
        indent: int | None = None
        for _ in range(MOST_STYLES_IN_A_ROW):
            one = self._read.get(id_)
            if one is None:
                break
            outline = _outline(one) if outline is None else outline
            numbered = one.numbered if numbered is None else numbered
            indent = one.indent if indent is None else indent
            id_ = one.based_on
        return Style(-1 if outline is None else outline, numbered or "", indent or 0)


def _outline(one: _Read) -> int | None:
    if one.outline is not None:
        return one.outline
    found = HEADING.fullmatch(one.name)
    if found:
        return int(found.group(1)) - 1
    return 0 if one.name == "title" else None


@dataclass(slots=True)
class _Level:
    kind: str = "decimal"
    text: str = ""
    start: int = 1


@dataclass(slots=True)
class _List:
    abstract: str = ""
    starts: dict[int, int] = field(default_factory=dict)


class Numbering:
    """The lists of a document, as its elements go by; then the next number of each."""

    def __init__(self) -> None:
        self._abstract: dict[str, dict[int, _Level]] = {}
        self._lists: dict[str, _List] = {}
        self._counts: dict[str, dict[int, int]] = {}
        self._begun: set[str] = set()
        self._levels: dict[int, _Level] | None = None
        self._level: _Level | None = None
        self._list: _List | None = None
        self._depth = 0

    def started(self, name: str, given: dict[str, str]) -> None:
        value = given.get("val", "")
        if name == "abstractNum":
            self._levels = self._abstract.setdefault(given.get("abstractNumId", ""), {})
        elif name == "num":
            self._list = self._lists.setdefault(given.get("numId", ""), _List())
        elif name in ("lvl", "lvlOverride"):
            self._depth = _number(given.get("ilvl", ""))
            if name == "lvl" and self._levels is not None:
                self._level = self._levels.setdefault(self._depth, _Level())
        elif name == "abstractNumId" and self._list is not None:
            self._list.abstract = value
        elif name == "startOverride" and self._list is not None:
            self._list.starts[self._depth] = _number(value)
        elif self._level is not None:
            self._of_level(self._level, name, value)

    def _of_level(self, level: _Level, name: str, value: str) -> None:
        if name == "numFmt":
            level.kind = value
        elif name == "lvlText":
            level.text = value
        elif name == "start":
            level.start = _number(value)

    def ended(self, name: str) -> None:
        if name == "lvl":
            self._level = None
        elif name == "abstractNum":
            self._levels = None
        elif name == "num":
            self._list = None

    def next(self, id_: str, depth: int) -> str:
        """The number of the next paragraph of a list, as it is printed; empty if it has none."""
        of = self._lists.get(id_)
        levels = self._abstract.get(of.abstract) if of else None
        if of is None or levels is None or depth not in levels or depth >= DEEPEST_LIST:
            return ""
        counts = self._counts.setdefault(of.abstract, {})
        # A list of its own start begins there once; otherwise lists of one kind go on counting.
        if id_ not in self._begun:
            self._begun.add(id_)
            for own in of.starts:
                counts.pop(own, None)
        start = of.starts.get(depth, levels[depth].start)
        counts[depth] = counts[depth] + 1 if depth in counts else start
        for deeper in [one for one in counts if one > depth]:
            del counts[deeper]
        return self._printed(levels, counts, levels[depth])

    def _printed(self, levels: dict[int, _Level], counts: dict[int, int], level: _Level) -> str:
        if level.kind == "bullet":
            return BULLET

        def count(found: re.Match[str]) -> str:
            depth = int(found.group(1)) - 1
            of = levels.get(depth, _Level())
            return in_kind(counts.get(depth, of.start), of.kind)

        return PLACE.sub(count, level.text).strip()


def in_kind(count: int, kind: str) -> str:
    """A count as a list prints it; a kind that is not known here is printed in figures."""
    letters: dict[str, Callable[[int], str]] = {
        "lowerLetter": _letters,
        "upperLetter": lambda one: _letters(one).upper(),
        "lowerRoman": _roman,
        "upperRoman": lambda one: _roman(one).upper(),
        "decimalZero": lambda one: f"{one:02d}",
        "none": lambda _: "",
    }
    return letters.get(kind, str)(count)


def _letters(count: int) -> str:
    """a to z, then aa to zz, as Word goes on."""
    if count < 1:
        return str(count)
    times, letter = divmod(count - 1, 26)
    return chr(ord("a") + letter) * min(times + 1, 9)


def _roman(count: int) -> str:
    if not 0 < count <= LARGEST_ROMAN:
        return str(count)
    made = ""
    for value, sign in ROMAN:
        made += sign * (count // value)
        count %= value
    return made


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 0
