"""Partners that give to partners, drawn: givers on the left, takers on the right, curves between.

Each curve has an end of its own at both boxes, so that no two meet, and its number at the taker. In
a narrow window it is a tree: each giver above those that it gives to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import log2

from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from commonthread.web.drawing import (
    BRAND,
    INK,
    SERIES,
    WHITE,
    element,
    picture,
    wrapped,
    writing,
)

WIDE, NARROW, BOX, STEP = 960, 290, 280, 44
GAP, PORT, MARGIN, LINE, SIZE = 14, 18, 2, 18, 15
CLOSED = "7 5"
# More partners than this on one side cannot be told apart: then a filter comes first.
MOST_PARTNERS = 16


@dataclass(frozen=True, slots=True)
class Stream:
    """All that one partner gives to another, counted in grants."""

    giver: str
    taker: str
    grants: int
    open: bool


@dataclass(slots=True)
class Side:
    """One box: a partner as giver or as taker, with a port for each of its streams."""

    partner: str
    lines: list[str]
    x: int
    width: int
    ports: int
    top: float = 0.0

    @property
    def height(self) -> float:
        return max(len(self.lines) * LINE + 12, self.ports * PORT + 6)

    def port(self, number: int) -> float:
        return self.top + self.height / 2 + (number - (self.ports - 1) / 2) * PORT


def draw_streams(streams: Sequence[Stream], names: Mapping[str, str], title: str) -> SafeString:
    """The drawing twice, for a wide and a narrow window; empty where there is nothing to see."""
    givers = {stream.giver for stream in streams}
    takers = {stream.taker for stream in streams}
    if not streams or max(len(givers), len(takers)) > MOST_PARTNERS:
        return SafeString("")
    told = " ".join(_said(stream, names) for stream in streams)
    drawn = (
        ("wide", WIDE, *_wide(streams, names)),
        ("narrow", NARROW, *_narrow(streams, names)),
    )
    return format_html_join(
        "",
        "{}",
        (
            (
                picture(
                    f"streams-{room}",
                    title,
                    told,
                    parts,
                    view_box=f"0 0 {width} {round(bottom + MARGIN)}",
                    **{"class": f"ct-drawing ct-drawing--{room}"},
                ),
            )
            for room, width, parts, bottom in drawn
        ),
    )


def _said(stream: Stream, names: Mapping[str, str]) -> str:
    giver, taker = (names.get(who, who) for who in (stream.giver, stream.taker))
    grants = f"{stream.grants} grant{'' if stream.grants == 1 else 's'}"
    return f"{giver} to {taker}: {grants}{'' if stream.open else ', not in force'}."


def _wide(streams: Sequence[Stream], names: Mapping[str, str]) -> tuple[list[SafeString], float]:
    """(marks, lowest edge)"""
    given = _sides(streams, names, MARGIN, lambda stream: stream.giver)
    taken = _sides(streams, names, WIDE - MARGIN - BOX, lambda stream: stream.taker)
    bottom = max(_stack(given), _stack(taken))
    curves = _curves(streams, given, taken, _colours(streams, names))
    return [*curves, *map(_box, (*given.values(), *taken.values()))], bottom


def _narrow(streams: Sequence[Stream], names: Mapping[str, str]) -> tuple[list[SafeString], float]:
    """(marks, lowest edge): each giver, and below it, to the right, who gets how many grants."""
    marks: list[SafeString] = []
    top = float(MARGIN)
    for giver, colour in _colours(streams, names).items():
        box = _side(giver, names, MARGIN, NARROW - 2 * MARGIN, 1, top)
        marks.append(_box(box))
        top += box.height + GAP
        for stream in (one for one in streams if one.giver == giver):
            taker = _side(stream.taker, names, STEP, NARROW - STEP - MARGIN, 1, top)
            down = f"M{MARGIN + 9} {box.top + box.height:.1f}V{taker.port(0):.1f}H{STEP - 7}"
            marks += [_line(stream, down, STEP, taker.port(0), colour), _box(taker)]
            top += taker.height + GAP
    return marks, top - GAP


def _colours(streams: Sequence[Stream], names: Mapping[str, str]) -> dict[str, str]:
    """The givers in the order of their names, each with its colour."""
    givers = sorted({stream.giver for stream in streams}, key=lambda who: names.get(who, who))
    return {who: SERIES[number % len(SERIES)] for number, who in enumerate(givers)}


def _sides(
    streams: Sequence[Stream],
    names: Mapping[str, str],
    x: int,
    whose: Callable[[Stream], str],
) -> dict[str, Side]:
    found: dict[str, Side] = {}
    for who in sorted({whose(stream) for stream in streams}, key=lambda id_: names.get(id_, id_)):
        ports = sum(1 for stream in streams if whose(stream) == who)
        found[who] = _side(who, names, x, BOX, ports)
    return found


def _side(
    who: str, names: Mapping[str, str], x: int, width: int, ports: int, top: float = 0.0
) -> Side:
    return Side(who, wrapped(names.get(who, who), width - 16, SIZE), x, width, ports, top)


def _stack(sides: Mapping[str, Side]) -> float:
    """Place the boxes one below the other; the lowest edge."""
    top = float(MARGIN)
    for side in sides.values():
        side.top = top
        top += side.height + GAP
    return top - GAP


def _curves(
    streams: Sequence[Stream],
    given: Mapping[str, Side],
    taken: Mapping[str, Side],
    colours: Mapping[str, str],
) -> list[SafeString]:
    out, into = list(given), list(taken)
    starts: dict[tuple[str, str], float] = {}
    arrivals: dict[tuple[str, str], float] = {}
    for who, side in given.items():
        own = sorted((s for s in streams if s.giver == who), key=lambda s: into.index(s.taker))
        starts |= {(s.giver, s.taker): side.port(number) for number, s in enumerate(own)}
    for who, side in taken.items():
        own = sorted((s for s in streams if s.taker == who), key=lambda s: out.index(s.giver))
        arrivals |= {(s.giver, s.taker): side.port(number) for number, s in enumerate(own)}
    return [
        _curve(
            stream,
            (given[stream.giver].x + given[stream.giver].width, starts[stream.giver, stream.taker]),
            (taken[stream.taker].x, arrivals[stream.giver, stream.taker]),
            colours[stream.giver],
        )
        for stream in streams
    ]


def _curve(
    stream: Stream, start: tuple[float, float], end: tuple[float, float], colour: str
) -> SafeString:
    (x, y), (to_x, to_y) = start, end
    bend = (to_x - x) / 2
    d = (
        f"M{x:.1f} {y:.1f}C{x + bend:.1f} {y:.1f} {to_x - bend:.1f} {to_y:.1f} "
        f"{to_x - 7:.1f} {to_y:.1f}"
    )
    return _line(stream, d, to_x, to_y, colour)


def _line(stream: Stream, d: str, to_x: float, to_y: float, colour: str) -> SafeString:
    """A line with the head of an arrow at its end, and the number of grants before it."""
    dashes = {} if stream.open else {"stroke_dasharray": CLOSED}
    thick = 2 + log2(stream.grants)
    head = f"M{to_x - 8:.1f} {to_y - 5:.1f}L{to_x:.1f} {to_y:.1f}L{to_x - 8:.1f} {to_y + 5:.1f}Z"
    label = {"stroke": WHITE, "stroke_width": 4, "paint_order": "stroke", "text_anchor": "end"}
    return element(
        "g",
        [
            element("path", d=d, fill="none", stroke=colour, stroke_width=thick, **dashes),
            element("path", d=head, fill=colour),
            writing(
                f"{to_x - 12:.1f}", f"{to_y + 4:.1f}", str(stream.grants), font_size=12, **label
            ),
        ],
    )


def _box(side: Side) -> SafeString:
    first = side.top + side.height / 2 - (len(side.lines) - 1) * LINE / 2 + SIZE / 3
    return element(
        "g",
        [
            element(
                "rect",
                x=side.x,
                y=side.top,
                width=side.width,
                height=side.height,
                rx=4,
                fill=WHITE,
                stroke=BRAND,
                stroke_width=2,
            ),
            *(
                writing(side.x + 8, first + number * LINE, line, font_size=SIZE, fill=INK)
                for number, line in enumerate(side.lines)
            ),
        ],
    )
