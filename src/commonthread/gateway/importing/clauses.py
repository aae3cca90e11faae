"""Cutting the paragraphs of an agreement into its clauses, by their numbers and headings alone.

- The clauses one after the other are the text, character by character: nothing is lost or moved.
- A clause begins at a heading, at "Schedule 2" and its kin, and at a number of one or two places
  that goes on from the number before. Points such as (a) stay in their clause.
- A heading alone is no clause: it stays with what stands under it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .found import Paragraph

NAMED = re.compile(
    r"(?:clause|section|schedule|annexe?|appendix|part|article)\s+(?:\d{1,3}|[A-Z]|[IVXLC]{1,6})\b",
    re.IGNORECASE,
)
NUMBERED = re.compile(
    r"(?P<top>\d{1,2})(?:\.(?P<second>\d{1,2}))?(?P<deeper>(?:\.\d{1,2})*)(?P<end>[.):]?)"
    r"(?:\s+(?P<rest>\S.*)|$)"
)
LONGEST_TITLE = 90
# A heading of a deeper level than this is a point of its clause.
DEEPEST = 3


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause: its text as it stands, with its line ends, and the heading it stands under."""

    text: str
    under: str = ""

    @property
    def title(self) -> str:
        """Its first line, cut to what a heading holds."""
        first = self.text.strip().partition("\n")[0]
        return first if len(first) <= LONGEST_TITLE else f"{first[: LONGEST_TITLE - 1].rstrip()}…"


@dataclass(slots=True)
class _Begun:
    """A clause that is being read: its lines, and how deep it began."""

    lines: list[str]
    depth: int
    under: str
    only_title: bool


def whole_text(paragraphs: Sequence[Paragraph]) -> str:
    """The text that is kept: each paragraph on a line of its own."""
    return "".join(f"{one.line}\n" for one in paragraphs)


def split(paragraphs: Sequence[Paragraph]) -> tuple[Clause, ...]:
    """The clauses in their order; together they are `whole_text`."""
    return tuple(_clauses(paragraphs))


def _clauses(paragraphs: Sequence[Paragraph]) -> Iterator[Clause]:
    now: _Begun | None = None
    numbers, heading = Counting(), ""
    for one in paragraphs:
        depth = numbers.depth(one)
        if depth == 1:
            heading = one.line
        if now is not None and not _begins(depth, now):
            now.lines.append(one.line)
            now.only_title = now.only_title and depth > 0 and _is_title(one)
            now.depth = depth if depth > 0 and now.only_title else now.depth
            continue
        if now is not None:
            yield _made(now)
        under = heading if depth != 1 else ""
        now = _Begun([one.line], depth, under, depth > 0 and _is_title(one))
    if now is not None:
        yield _made(now)


def _begins(depth: int, now: _Begun) -> bool:
    return depth > 0 and not (now.only_title and depth > now.depth > 0)


def _made(begun: _Begun) -> Clause:
    return Clause("".join(f"{line}\n" for line in begun.lines), begun.under)


def _is_title(one: Paragraph) -> bool:
    """A heading, or a short line that ends no sentence."""
    return one.level > 0 or (len(one.line) <= LONGEST_TITLE and not one.line.endswith((".", ";")))


class Counting:
    """The numbers so far: one that does not go on from them begins no clause.

    So "12 months after the end" in a line of its own, or a date, stays where it stands.
    """

    def __init__(self) -> None:
        self._top = self._second = 0

    def depth(self, one: Paragraph) -> int:
        """1 for a heading or a number of one place, 2 for one of two; 0 begins nothing."""
        numbered = self._numbered(one)
        if numbered:
            return numbered
        if 0 < one.level <= DEEPEST:
            return one.level
        return 1 if NAMED.match(one.line) and _is_title(one) else 0

    def _numbered(self, one: Paragraph) -> int:
        found = NUMBERED.match(one.line)
        if found is None or found["deeper"]:
            return 0
        top, second = int(found["top"]), int(found["second"] or 0)
        if not self._goes_on(top, second, one, found):
            return 0
        self._top, self._second = top, second
        return 2 if second else 1

    def _goes_on(self, top: int, second: int, one: Paragraph, found: re.Match[str]) -> bool:
        if one.number:
            return True
        rest = found["rest"] or ""
        if second:
            follows = (top == self._top and second == self._second + 1) or (second == 1)
            return follows and top in (self._top, self._top + 1)
        # A schedule begins to count anew; without a stop, only a capital letter makes it a number.
        follows = top in (self._top + 1, 1)
        return follows and bool(found["end"] or rest[:1].isupper())
