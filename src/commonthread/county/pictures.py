"""Pictures of the county's people, as SVG: who they are, and when things happen to them."""

from __future__ import annotations

from collections.abc import Iterator
from xml.sax.saxutils import escape

import numpy as np

from .figures import OLDEST
from .world import World

Array = np.ndarray
INK, PALE = "#0b0c0c", "#b1b4b6"
WOMEN, MEN, FIGURE = "#1d70b8", "#00703c", "#d4351c"
WIDTH, HEIGHT = 720, 560
BAND = 5


def pyramid(world: World) -> str:
    """The population pyramid of the first day, with the census figures as a line."""
    start = world.settings.start
    here = world.here_at(start)
    age = np.minimum(world.age_at(here, start), OLDEST)
    women, men = (
        np.bincount(age[world.people.sex[here] == sex] // BAND, minlength=OLDEST // BAND + 1)
        for sex in (0, 1)
    )
    share = np.average(world.figures.ages, axis=0, weights=world.figures.population)
    bands = np.add.reduceat(share, np.arange(0, OLDEST + 1, BAND)) * len(here) / 2
    widest = max(women.max(), men.max(), bands.max())
    middle, step, scale = WIDTH / 2, 24, (WIDTH / 2 - 70) / widest
    parts = []
    for band in range(len(women)):
        y = HEIGHT - 60 - band * step
        name = f"{band * BAND}–{band * BAND + 4}" if band * BAND < OLDEST else f"{OLDEST}+"
        parts.append(_text(middle, y + 14, name, "middle"))
        for count, colour, side in ((women[band], WOMEN, -1), (men[band], MEN, 1)):
            width = count * scale
            x = middle + 28 if side > 0 else middle - 28 - width
            parts.append(_bar(x, y, width, step - 4, colour))
            edge = middle + side * (28 + bands[band] * scale)
            parts.append(_line(edge, y - 1, edge, y + step - 3, FIGURE, 2))
    parts.append(_text(40, 30, "Women", "start", WOMEN))
    parts.append(_text(WIDTH - 40, 30, "Men", "end", MEN))
    parts.append(_text(middle, HEIGHT - 8, "Red marks: the census, half to each sex", "middle"))
    said = (
        f"Population pyramid of {len(here):,} residents in bands of five years of age. "
        f"The largest band has {widest:,.0f} of one sex."
    )
    return _picture("Who lives in the county", said, parts)


SHOWN = (("attendance", "#1d70b8"), ("fall", "#d4351c"), ("death", INK), ("birth", "#00703c"))


def seasons(world: World) -> str:
    """Attendances, falls, deaths and births of each month, each as a line of its own scale."""
    first = np.datetime64(world.settings.start, "D").astype("datetime64[M]").astype(int)
    months = 12 * world.settings.years
    said: list[str] = []
    parts = list(_years(first, months))
    for row, (kind, colour) in enumerate(SHOWN):
        days = world.events[kind]["day"].astype("datetime64[D]").astype("datetime64[M]").astype(int)
        counts = np.bincount(np.clip(days - first, 0, months - 1), minlength=months)
        top, height = 40 + row * 125, 95
        scale = height / max(counts.max(), 1)
        x = _month(np.arange(months), months)
        y = top + height - counts * scale
        points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
        parts.append(_line(90, top + height, WIDTH - 30, top + height, PALE, 1))
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>'
        )
        parts.append(_text(10, top + 14, f"{kind}s", "start", colour))
        parts.append(_text(84, top + 34, f"{counts.max():,}", "end"))
        parts.append(_text(84, top + height, "0", "end"))
        said.append(f"{kind}s {counts.min():,} to {counts.max():,}")
    return _picture(
        "What happens, month by month", "Each month from the first: " + "; ".join(said), parts
    )


def _month(number: Array, months: int) -> Array:
    return 90 + number * (WIDTH - 120) / (months - 1)


def _years(first: int, months: int) -> Iterator[str]:
    """A line at each January, with its year."""
    for number in range(months):
        if (first + number) % 12 == 0:
            x = float(_month(np.asarray(number), months))
            yield _line(x, 24, x, HEIGHT - 20, PALE, 1)
            yield _text(x + 4, HEIGHT - 8, str(1970 + (first + number) // 12), "start")


def _picture(title: str, said: str, parts: list[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        'aria-labelledby="title said" font-family="Arial, Helvetica, sans-serif" font-size="13">'
        f'<title id="title">{escape(title)}</title><desc id="said">{escape(said)}</desc>'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>{"".join(parts)}</svg>\n'
    )


def _bar(x: float, y: float, width: float, height: float, colour: str) -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height}" fill="{colour}"/>'


def _line(x: float, y: float, to_x: float, to_y: float, colour: str, width: int) -> str:
    return (
        f'<line x1="{x:.1f}" y1="{y:.1f}" x2="{to_x:.1f}" y2="{to_y:.1f}" '
        f'stroke="{colour}" stroke-width="{width}"/>'
    )


def _text(x: float, y: float, text: str, anchor: str, colour: str = INK) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">'
        f"{escape(text)}</text>"
    )
