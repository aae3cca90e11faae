"""The risk matrix, drawn: each risk by its number, before (a ring) and after its measures (a box).

Every cell says its level in words, and shapes tell before from after, so that nothing rests on
colour. The table of risks beside it says the same in words.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from commonthread.broker.rules.terms import IMPACTS, LEVELS, LIKELIHOODS
from commonthread.gateway.assessing.steps import Weighed
from commonthread.gateway.risks import level
from commonthread.web.drawing import (
    BRAND,
    INK,
    PALE,
    QUIET,
    WHITE,
    element,
    picture,
    wrapped,
    writing,
)

FILLS = dict(zip(LEVELS, (WHITE, "#fdf3d8", "#f6d4cf"), strict=True))
GAP = 2
# Lines from before to after help while there are few.
MOST_LINES = 12
TITLE = "Risk matrix"

Place = tuple[str, str]
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Room:
    """The sizes of one drawing: of its left and upper margin, of a cell, of a mark, of a letter."""

    name: str
    left: int
    top: int
    cell: tuple[int, int]
    mark: int
    letter: int

    @property
    def width(self) -> int:
        return self.left + len(LIKELIHOODS) * self.cell[0] + 2

    @property
    def height(self) -> int:
        return self.top + len(IMPACTS) * self.cell[1] + 2

    def corner(self, place: Place) -> Point:
        """The upper left corner of a cell; the severest impact is the first row."""
        column = LIKELIHOODS.index(place[0])
        row = len(IMPACTS) - 1 - IMPACTS.index(place[1])
        return self.left + column * self.cell[0], self.top + row * self.cell[1]

    @property
    def in_a_row(self) -> int:
        return (self.cell[0] - 4) // (self.mark + GAP)

    @property
    def most(self) -> int:
        """How many marks a cell has room for, below its word."""
        return self.in_a_row * ((self.cell[1] - self.letter - 8) // (self.mark + GAP))


WIDE = Room("wide", 130, 64, (140, 84), 26, 15)
NARROW = Room("narrow", 74, 54, (43, 80), 17, 11)


@dataclass(frozen=True, slots=True)
class Mark:
    """A risk in a cell: its number, and whether that is after its measures."""

    number: int
    after: bool


def drawn(risks: Sequence[Weighed]) -> SafeString:
    """The matrix for a wide and a narrow window; pages.css shows the one that fits."""
    return format_html_join(
        "",
        "{}",
        (
            (
                picture(
                    f"matrix-{room.name}",
                    TITLE,
                    " ".join(said(risks)),
                    _parts(room, risks),
                    view_box=f"0 0 {room.width} {room.height}",
                    **{"class": f"ct-drawing ct-drawing--{room.name}"},
                ),
            )
            for room in (WIDE, NARROW)
        ),
    )


def said(risks: Sequence[Weighed]) -> Iterator[str]:
    """The drawing in words, one sentence a risk."""
    if not risks:
        yield "No risk is stated yet."
    for number, risk in enumerate(risks, 1):
        before = f"{number}, {risk.id}: {risk.level}, {_words(risk.likelihood, risk.impact)}"
        after = f"{risk.residual}, {_words(risk.likelihood_after, risk.impact_after)}"
        yield f"{before}; after its measures {after}."


def _words(likelihood: str, impact: str) -> str:
    return f"{likelihood.replace('-', ' ')} and {impact}"


def _parts(room: Room, risks: Sequence[Weighed]) -> Iterator[SafeString]:
    yield from _headings(room)
    held: dict[Place, list[Mark]] = {}
    for number, risk in enumerate(risks, 1):
        held.setdefault((risk.likelihood, risk.impact), []).append(Mark(number, False))
        held.setdefault((risk.likelihood_after, risk.impact_after), []).append(Mark(number, True))
    for impact in IMPACTS:
        for likelihood in LIKELIHOODS:
            yield from _cell(room, (likelihood, impact))
    points = {
        mark: point for place, marks in held.items() for mark, point in _placed(room, place, marks)
    }
    if len(risks) <= MOST_LINES and room is WIDE:
        yield from _lines(points, len(risks))
    for mark, point in points.items():
        yield from _mark(room, mark, point)
    for place, marks in held.items():
        yield from _rest(room, place, marks)


def _headings(room: Room) -> Iterator[SafeString]:
    size, small = room.letter, room.letter - (1 if room is NARROW else 2)
    yield writing(room.left, size, "How likely →", font_size=size, font_weight="bold")
    yield writing(0, room.top - 8, "How bad ↓", font_size=size, font_weight="bold")
    for likelihood in LIKELIHOODS:
        x, _ = room.corner((likelihood, IMPACTS[-1]))
        text = likelihood.replace("-", " ").capitalize()
        lines = wrapped(text, room.cell[0] - 2, small)
        for number, line in enumerate(lines):
            base = room.top - 6 - (len(lines) - 1 - number) * (small + 2)
            yield writing(x + room.cell[0] / 2, base, line, font_size=small, text_anchor="middle")
    for impact in IMPACTS:
        _, y = room.corner((LIKELIHOODS[0], impact))
        middle, text = y + room.cell[1] / 2, impact.capitalize()
        yield writing(room.left - 8, middle, text, font_size=small, text_anchor="end")


def _cell(room: Room, place: Place) -> Iterator[SafeString]:
    x, y = room.corner(place)
    found = level(*place)
    yield element(
        "rect",
        x=x,
        y=y,
        width=room.cell[0],
        height=room.cell[1],
        fill=FILLS[found],
        stroke=QUIET,
    )
    yield writing(
        x + 4, y + room.letter + 1, found.capitalize(), font_size=room.letter - 1, fill=INK
    )


def _placed(room: Room, place: Place, marks: Sequence[Mark]) -> Iterator[tuple[Mark, Point]]:
    """The marks that a cell has room for, each with its middle; the rest is counted."""
    x, y = room.corner(place)
    shown = marks if len(marks) <= room.most else marks[: room.most - 1]
    for number, mark in enumerate(shown):
        row, column = divmod(number, room.in_a_row)
        step = room.mark + GAP
        yield (
            mark,
            (
                x + 4 + room.mark / 2 + column * step,
                y + room.letter + 8 + room.mark / 2 + row * step,
            ),
        )


def _rest(room: Room, place: Place, marks: Sequence[Mark]) -> Iterator[SafeString]:
    left = len(marks) - room.most + 1
    if len(marks) > room.most:
        x, y = room.corner(place)
        yield writing(
            x + room.cell[0] - 4,
            y + room.cell[1] - 5,
            f"+{left}",
            font_size=room.letter,
            font_weight="bold",
            text_anchor="end",
        )


def _lines(points: dict[Mark, Point], count: int) -> Iterator[SafeString]:
    for number in range(1, count + 1):
        before, after = points.get(Mark(number, False)), points.get(Mark(number, True))
        if before and after:
            (x, y), (to_x, to_y) = before, after
            yield element("line", x1=x, y1=y, x2=to_x, y2=to_y, stroke=PALE, stroke_width=2)


def _mark(room: Room, mark: Mark, point: Point) -> Iterator[SafeString]:
    x, y = point
    half = room.mark / 2
    if mark.after:
        yield element("rect", x=x - half, y=y - half, width=room.mark, height=room.mark, fill=BRAND)
    else:
        yield element("circle", cx=x, cy=y, r=half - 1, fill=WHITE, stroke=INK, stroke_width=2)
    yield writing(
        x,
        y + room.letter / 3,
        str(mark.number),
        font_size=room.letter,
        font_weight="bold",
        fill=WHITE if mark.after else INK,
        text_anchor="middle",
    )
