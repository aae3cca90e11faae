"""The life of an agreement, drawn: a band to scale of when it was open, with numbered marks.

The numbers are those of the list that always stands below: the drawing is never the only way.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from commonthread.broker.rules.dates import london_day
from commonthread.gateway import words
from commonthread.gateway.living.timeline import ENDED, OPEN, STOPPED, WAITING, Timeline
from commonthread.web.drawing import (
    BRAND,
    INK,
    QUIET,
    WHITE,
    element,
    picture,
    wrapped,
    writing,
)

ROOMS, WIDTHS = ("wide", "narrow"), (960, 290)
MARGIN, BAND, MARK = 8, 30, 11
# Marks nearer than this would lie on one another: they become one.
APART = 52
# What ends at midnight held until the day before.
A_MOMENT = timedelta(seconds=1)
# (fill, what it means); each is told from its neighbours by its words in the legend as well.
STATES = {
    WAITING: ("#fdf3d8", "waits for signatures"),
    OPEN: ("#9fd3b3", "in force"),
    STOPPED: ("#f3c6bd", "stopped"),
    ENDED: ("#d5d7d9", "ended"),
}


def draw_lifeline(found: Timeline, title: str) -> SafeString:
    """The drawing twice, for a wide and a narrow window."""
    told = " ".join(_said(found))
    return format_html_join(
        "",
        "{}",
        (
            (_drawing(found, title, told, room, width),)
            for room, width in zip(ROOMS, WIDTHS, strict=True)
        ),
    )


def _said(found: Timeline) -> Iterable[str]:
    for span in found.spans:
        why = f", {span.why}" if span.why else ""
        said = STATES[span.state][1]
        yield f"{_day(span.start)} to {_day(span.end - A_MOMENT)}: {said}{why}."


def _day(moment: datetime) -> str:
    return words.day(london_day(moment))


class Scale:
    """Time to pixels, over the whole life that is drawn."""

    def __init__(self, found: Timeline, width: int) -> None:
        moments = [span.start for span in found.spans] + [span.end for span in found.spans]
        self.first, self.last = min(moments), max(moments)
        self.left, self.room = MARGIN + MARK, width - 2 * (MARGIN + MARK)

    def __call__(self, moment: datetime) -> float:
        length = (self.last - self.first).total_seconds() or 1.0
        share = (moment - self.first).total_seconds() / length
        return self.left + self.room * min(max(share, 0.0), 1.0)


def _drawing(found: Timeline, title: str, told: str, room: str, width: int) -> SafeString:
    scale, top = Scale(found, width), float(MARGIN + 2 * MARK + 8)
    parts = [
        *_band(found, scale, top),
        *(part for mark in _marks(found, scale) for part in _mark(mark, scale, top)),
        *_now(found, scale, top),
    ]
    ends, bottom = _ends(scale, top + BAND + 20, width)
    legend, bottom = _legend(found, bottom + 26, width)
    return picture(
        f"lifeline-{room}",
        title,
        told,
        [*parts, *ends, *legend],
        view_box=f"0 0 {width} {round(bottom)}",
        **{"class": f"ct-drawing ct-drawing--{room}"},
    )


@dataclass(frozen=True, slots=True)
class Mark:
    """Events so near to each other that they have one mark: the numbers of the first and last."""

    at: datetime
    first: int
    last: int

    @property
    def label(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first}–{self.last}"


def _marks(found: Timeline, scale: Scale) -> list[Mark]:
    marks: list[Mark] = []
    for number, event in enumerate(found.events, 1):
        if marks and scale(event.at) - scale(marks[-1].at) < APART:
            marks[-1] = Mark(marks[-1].at, marks[-1].first, number)
        else:
            marks.append(Mark(event.at, number, number))
    return marks


def _band(found: Timeline, scale: Scale, top: float) -> Iterable[SafeString]:
    for span in found.spans:
        x, end = scale(span.start), scale(span.end)
        yield element(
            "rect",
            x=x,
            y=top,
            width=max(end - x, 1.0),
            height=BAND,
            fill=STATES[span.state][0],
            stroke=QUIET,
            stroke_width=1,
        )


def _mark(mark: Mark, scale: Scale, top: float) -> Iterable[SafeString]:
    x, y = scale(mark.at), float(MARGIN + MARK)
    width = max(2.0 * MARK, 10.0 + 7 * len(mark.label))
    left = min(max(x - width / 2, 1.0), scale.left + scale.room + MARK - width)
    yield element("path", d=f"M{x:.1f} {y:.1f}V{top + BAND:.1f}", stroke=BRAND, fill="none")
    yield element(
        "rect",
        x=left,
        y=y - MARK,
        width=width,
        height=2 * MARK,
        rx=MARK,
        fill=WHITE,
        stroke=BRAND,
        stroke_width=2,
    )
    middle = {"font_size": 12, "text_anchor": "middle"}
    yield writing(f"{left + width / 2:.1f}", f"{y + 4:.1f}", mark.label, **middle)


def _now(found: Timeline, scale: Scale, top: float) -> Iterable[SafeString]:
    if scale.first < found.at < scale.last:
        x = scale(found.at)
        d = f"M{x:.1f} {top - 4:.1f}V{top + BAND + 6:.1f}"
        yield element("path", d=d, stroke=INK, stroke_width=3, fill="none")


def _ends(scale: Scale, y: float, width: int) -> tuple[list[SafeString], float]:
    first = writing(MARGIN, y, _day(scale.first), font_size=14)
    last = writing(width - MARGIN, y, _day(scale.last - A_MOMENT), font_size=14, text_anchor="end")
    return [first, last], y


def _legend(found: Timeline, top: float, width: int) -> tuple[list[SafeString], float]:
    """What each colour means, and the thick line; only what is drawn."""
    used = [state for state in STATES if state in {span.state for span in found.spans}]
    parts: list[SafeString] = []
    x, y = float(MARGIN), top
    for state in used:
        fill, said = STATES[state]
        needed = 24 + 8 * len(said)
        if x + needed > width:
            x, y = float(MARGIN), y + 22
        parts.append(element("rect", x=x, y=y - 12, width=14, height=14, fill=fill, stroke=QUIET))
        parts.append(writing(x + 20, y, said, font_size=14))
        x += needed + 10
    for line in wrapped("The thick line is now. The numbers are those of the list.", width, 14):
        y += 22
        parts.append(writing(MARGIN, y, line, font_size=14))
    return parts, y + MARGIN
