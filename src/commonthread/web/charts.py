"""A published answer as a chart: bars, a line over time, or bars in groups.

- It is made of the rows that the page shows anyway, and of nothing else.
- Where it is not plain which column is the figure, there is no chart.
- Lengths are shares of the width, and letters are not: a chart is as readable on a telephone.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from typing import Any

from django.utils.safestring import SafeString

from commonthread.web import cells
from commonthread.web.drawing import (
    BRAND,
    PALE,
    QUIET,
    SERIES,
    WHITE,
    cut,
    element,
    picture,
    writing,
)

MOST_MARKS, LONGEST_LABEL = 40, 30
MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")
YEARS = range(1850, 2200)
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
NICE = (1.0, 1.2, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
# Of the line chart: where the plot stands, across in parts of 100 and down in pixels.
LEFT, RIGHT, TOP, FLOOR, HEIGHT = 17.0, 95.0, 28, 226, 262
LABELLED = 6

Columns = Sequence[tuple[str, str]]
Rows = Sequence[Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture, or in words why there is none."""

    title: str
    picture: str = ""
    instead: str = ""


@dataclass(frozen=True, slots=True)
class Figures:
    """One figure for each group: `groups` are the names of one or two columns."""

    name: str
    groups: tuple[str, ...]
    cells: tuple[tuple[tuple[Any, ...], float, str], ...]

    @property
    def title(self) -> str:
        return f"{_words(self.name)} by {' and '.join(_words(name) for name in self.groups)}"

    @property
    def extremes(self) -> str:
        least, most = (pick(self.cells, key=lambda cell: cell[1]) for pick in (min, max))
        said = [f"{_label(keys)}, {text}" for keys, _, text in (most, least)]
        return f"Highest: {said[0]}. Lowest: {said[1]}."


def chart(columns: Columns, rows: Rows, grouping: Collection[str]) -> Chart | None:
    """`grouping`: the names of the granted columns, which group what is counted."""
    figures = figures_of(columns, rows, grouping)
    if figures is None:
        return None
    marks = len(figures.cells)
    if marks > MOST_MARKS:
        return Chart(
            figures.title,
            instead=f"This answer is not drawn: it has {marks:,} figures, and a chart has "
            f"{MOST_MARKS} at most. Group by fewer columns, or keep fewer rows with WHERE.",
        )
    if len(figures.groups) == 2:
        return Chart(figures.title, _grouped(figures))
    times = [when(keys[0]) for keys, _, _ in figures.cells]
    if all(time is not None for time in times):
        return Chart(figures.title, _line(figures))
    bars = [(_label(keys), value, text, BRAND) for keys, value, text in figures.cells]
    return Chart(figures.title, _bars(figures, "Bar chart", [("", bars)]))


def figures_of(columns: Columns, rows: Rows, grouping: Collection[str]) -> Figures | None:
    """The one figure and its groups, or nothing where the answer is something else."""
    places = range(len(columns))
    if any(kind in cells.NAMES for _, kind in columns) or len(rows) < 2:
        return None
    groups = [
        n for n in places if not _numeric(rows, n) or _groups(columns[n][0], rows, n, grouping)
    ]
    found = [n for n in places if n not in groups]
    if len(found) != 1 or len(groups) not in (1, 2):
        return None
    figure = found[0]
    if len({tuple(row[n] for n in groups) for row in rows}) != len(rows):
        return None
    shown = [
        (
            tuple(_key(columns[n][0], row[n]) for n in groups),
            float(row[figure]),
            figure_text(row[figure]),
        )
        for row in rows
        if row[figure] is not None
    ]
    if len(shown) < 2 or any(not value >= 0 or math.isinf(value) for _, value, _ in shown):
        return None
    return Figures(columns[figure][0], tuple(columns[n][0] for n in groups), tuple(shown))


def _key(name: str, value: Any) -> Any:
    """A truth alone says little under a bar."""
    return f"{_words(name)}: {'yes' if value else 'no'}" if isinstance(value, bool) else value


def _numeric(rows: Rows, place: int) -> bool:
    values = [row[place] for row in rows if row[place] is not None]
    return bool(values) and all(cells.is_number(value, "") for value in values)


def _groups(name: str, rows: Rows, place: int, grouping: Collection[str]) -> bool:
    """Whether a column of numbers says which group: it was granted, or holds years."""
    values = [row[place] for row in rows]
    years = all(isinstance(value, int) and value in YEARS for value in values)
    return name in grouping or (years and "year" in name)


def figure_text(value: Any) -> str:
    """A figure as people read it: 1,204."""
    if isinstance(value, int):
        return f"{value:,}"
    return f"{float(value):,.2f}".rstrip("0").rstrip(".")


def when(value: Any) -> int | None:
    """The place in time of a month, a year or a day; missing where it is none of them."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.toordinal()
    if isinstance(value, str) and (month := MONTH.fullmatch(value)):
        return int(month[1]) * 12 + int(month[2]) - 1
    if isinstance(value, int) and not isinstance(value, bool) and value in YEARS:
        return value
    return None


def _label(keys: Sequence[Any]) -> str:
    return ", ".join(_word(key) for key in keys)


def _word(key: Any) -> str:
    if isinstance(key, str) and (month := MONTH.fullmatch(key)):
        return f"{MONTHS[int(month[2]) - 1]} {month[1]}"
    if isinstance(key, date):
        return f"{key.day} {MONTHS[key.month - 1]} {key.year}"
    return cells.as_text(key) or "missing"


def _words(name: str) -> str:
    return name.replace("_", " ")


Bars = Sequence[tuple[str, float, str, str]]


def _bars(figures: Figures, kind: str, groups: Sequence[tuple[str, Bars]]) -> SafeString:
    """Bars (label, value, its text, colour) under the headings of their groups."""
    most = max(value for _, value, _ in figures.cells) or 1
    parts: list[SafeString] = []
    y = 0
    for heading, bars in groups:
        if heading:
            y += 22
            parts.append(writing(0, y, cut(heading, LONGEST_LABEL), font_weight="bold"))
            y += 4
        for label, value, text, colour in bars:
            parts += _bar(y + 18, label, 100 * value / most, text, colour)
            y += 40
        y += 10 if heading else 0
    said = f"{kind} of {figures.title}. {figures.extremes}"
    return _picture(figures, said, parts, y + 4)


def _bar(y: int, label: str, share: float, text: str, colour: str) -> list[SafeString]:
    value = element("tspan", [text], font_weight="bold")
    name = element("text", [cut(label, LONGEST_LABEL), "  ", value], x=0, y=y, font_size=15)
    return [
        name,
        element("rect", x=0, y=y + 5, width="100%", height=12, fill="#f3f4f4"),
        element("rect", x=0, y=y + 5, width=f"{share:.2f}%", height=12, fill=colour),
    ]


def _grouped(figures: Figures) -> SafeString:
    """The column with fewer values is the colour, so that few have to be told apart."""
    values = [list(dict.fromkeys(keys[n] for keys, _, _ in figures.cells)) for n in (0, 1)]
    inner = 1 if len(values[1]) <= len(values[0]) else 0
    outer = 1 - inner
    colour = {key: SERIES[n % len(SERIES)] for n, key in enumerate(values[inner])}
    groups = [
        (
            f"{_words(figures.groups[outer])}: {_word(heading)}",
            [
                (_word(keys[inner]), value, text, colour[keys[inner]])
                for keys, value, text in figures.cells
                if keys[outer] == heading
            ],
        )
        for heading in _in_order(values[outer])
    ]
    return _bars(figures, "Bar chart in groups", groups)


def _in_order(values: Sequence[Any]) -> list[Any]:
    """Numbers and times in their order; anything else as the answer has it."""
    if all(isinstance(value, int) for value in values):
        return sorted(values)
    times = {value: when(value) for value in values}
    if any(time is None for time in times.values()):
        return list(values)
    return sorted(values, key=lambda value: times[value] or 0)


@dataclass(frozen=True, slots=True)
class Point:
    x: float
    y: float
    time: int
    label: str
    text: str


def _line(figures: Figures) -> SafeString:
    points = _points(figures)
    # What was left out is not drawn over: a line joins neighbours only.
    step = min((b.time - a.time for a, b in pairwise(points)), default=1)
    parts = list(_grid(figures))
    parts += [
        element(
            "line", x1=f"{a.x:.2f}%", y1=a.y, x2=f"{b.x:.2f}%", y2=b.y, stroke=BRAND, stroke_width=3
        )
        for a, b in pairwise(points)
        if b.time - a.time == step
    ]
    parts += [_dot(point) for point in points]
    parts += _values(points)
    parts += _times(points)
    words = f"Line chart of {figures.title}, {points[0].label} to {points[-1].label}."
    return _picture(figures, f"{words} {figures.extremes}", parts, HEIGHT)


def _points(figures: Figures) -> list[Point]:
    found = sorted(
        (when(keys[0]) or 0, _word(keys[0]), value, text) for keys, value, text in figures.cells
    )
    first, last = found[0][0], found[-1][0]
    top = ceiling(max(value for _, _, value, _ in found))
    return [
        Point(
            LEFT + (RIGHT - LEFT) * (time - first) / (last - first),
            FLOOR - (FLOOR - TOP) * value / top,
            time,
            label,
            text,
        )
        for time, label, value, text in found
    ]


def ceiling(value: float) -> float:
    """The next round number, for the top of an axis."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(nice * power for nice in NICE if nice * power >= value * 0.999_999)


def _grid(figures: Figures) -> list[SafeString]:
    top = ceiling(max(value for _, value, _ in figures.cells))
    parts: list[SafeString] = []
    for share in (0.0, 0.5, 1.0):
        y = FLOOR - (FLOOR - TOP) * share
        text = f"{top * share:,.10g}"
        parts.append(
            element("line", x1=f"{LEFT - 2}%", y1=y, x2="100%", y2=y, stroke=PALE, stroke_width=1)
        )
        parts.append(
            writing(f"{LEFT - 3}%", y + 5, text, text_anchor="end", fill=QUIET, font_size=14)
        )
    return parts


def _dot(point: Point) -> SafeString:
    said = element("title", [f"{point.label}: {point.text}"])
    look = {"fill": WHITE, "stroke": BRAND, "stroke_width": 2.5}
    return element("circle", [said], cx=f"{point.x:.2f}%", cy=point.y, r=4, **look)


def _values(points: Sequence[Point]) -> list[SafeString]:
    """Each value where they are few, else the highest and the lowest."""
    lowest, highest = (pick(points, key=lambda point: -point.y) for pick in (min, max))
    shown = [lowest, highest] if len(points) > LABELLED else points
    halo = {"stroke": WHITE, "stroke_width": 4, "paint_order": "stroke"}
    return [
        writing(
            f"{point.x:.2f}%",
            point.y + (21 if point is lowest and point.y < FLOOR - 24 else -11),
            point.text,
            text_anchor="middle",
            font_weight="bold",
            **halo,
        )
        for point in shown
    ]


def _times(points: Sequence[Point]) -> list[SafeString]:
    """The first, the last, and one in the middle."""
    shown = [(points[0], "middle"), (points[-1], "end")]
    middle = (LEFT + RIGHT) / 2
    inner = min(points, key=lambda point: abs(point.x - middle))
    if abs(inner.x - middle) < 10:
        shown.append((inner, "middle"))
    return [
        writing(
            "100%" if anchor == "end" else f"{point.x:.2f}%",
            FLOOR + 26,
            point.label,
            text_anchor=anchor,
            font_size=14,
        )
        for point, anchor in shown
    ]


def _picture(figures: Figures, said: str, parts: list[SafeString], height: int) -> SafeString:
    look = {"class": "ct-drawing ct-drawing--chart"}
    return picture("chart", figures.title, said, parts, width="100%", height=height, **look)
