"""The river and the land it floods.

The river meanders as Langbein and Leopold describe (*River meanders: theory of minimum variance*,
1966): its bearing swings as a sine, so that bends overhang. Its flood plain is a belt whose width
wanders, narrower where a town has grown up to the banks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import shapely
from shapely.geometry import LineString, Polygon

from . import land
from .geography import Divisions
from .land import Bend, Chance, Points

MEANDER = 3_100.0  # metres along the valley for a bend to either side
SWING = 720.0  # metres to either side of the valley's middle
OVERHANG = 430.0
VALLEY_BENDS = ((17_000, 1_500), (8_000, 500))
INNER = 0.55  # width of zone 3 as a share of zone 2's


@dataclass(frozen=True, slots=True)
class Water:
    """`zones` as planners name them: "3" is likely to flood, "2" may, and holds "3"."""

    river: LineString
    flood_plain: Polygon
    zones: Mapping[str, Polygon]


def make_water(chance: Chance, divisions: Divisions, main: int) -> Water:
    valley = make_valley(chance, waypoints(chance, divisions, main))
    towns = np.array([district.town for district in divisions.districts])
    # Bends that run into one another are drawn again, several times before they are made smaller.
    river = next(
        line
        for size in np.repeat((1.0, 0.8, 0.6, 0.4, 0.2, 0.0), 6)
        if (line := meander(chance, valley, towns, size)).is_simple
    )
    river = land.biggest(river.intersection(divisions.boundary))
    # Vertices closer than the narrowest width, or the belt's discs would not meet.
    river = shapely.transform(shapely.segmentize(river, 75.0), np.round)
    widths = plain_widths(chance, river, towns)
    outer = belt(river, widths, divisions.boundary)
    inner = belt(river, widths * INNER, outer)
    return Water(river, outer, {"2": outer, "3": inner})


def waypoints(chance: Chance, divisions: Divisions, main: int) -> Points:
    """From beyond the north by the main town to beyond the south, past another town on the way."""
    towns = np.array([district.town for district in divisions.districts])
    _, south, _, north = divisions.boundary.bounds
    town, others = towns[main], np.delete(towns, main, axis=0)
    slope = np.abs(others[:, 0] - town[0]) / np.maximum(np.abs(others[:, 1] - town[1]), 1.0)
    passed = others[slope.argmin()]
    through = [town, passed + chance.choice((-1, 1)) * np.array([900.0, 0.0])]
    through.sort(key=lambda at: -at[1])
    middle = shapely.centroid(divisions.boundary).x
    ends = [end_x(chance, at, middle) for at in (through[0], through[-1])]
    return np.vstack(([ends[0], north + 2_000], *through, [ends[1], south - 2_000]))


def make_valley(chance: Chance, points: Points) -> LineString:
    """A line through the points that never crosses itself: bent where it may be."""
    smooth = land.curve(points)
    lines = [ways_round(chance, smooth, points) for _ in range(4)]
    return next(line for line in (*lines, smooth, LineString(points)) if line.is_simple)


def ways_round(chance: Chance, line: LineString, held: Points) -> LineString:
    """The valley's own slow bends, which still pass the held points."""
    bend = Bend(chance, VALLEY_BENDS)
    places = shapely.get_coordinates(line)
    nearest = np.hypot(*(places[:, None] - held[None]).transpose(2, 0, 1)).min(axis=1)
    away = np.minimum(nearest / 4_000, 1)[:, None]
    return LineString(places + (bend(places) - places) * away**2)


def end_x(chance: Chance, nearest: Points, middle: float) -> float:
    """Where the valley leaves the county: aside of its last town, towards the middle."""
    return float((nearest[0] + middle) / 2 + chance.uniform(-3_500, 3_500))


def meander(chance: Chance, valley: LineString, towns: Points, size: float) -> LineString:
    """The valley's line with bends laid over it, smaller where it passes a town."""
    along = np.arange(0, valley.length, 45.0)
    places = shapely.get_coordinates(shapely.line_interpolate_point(valley, along))
    ahead = np.gradient(places, axis=0)
    ahead /= np.hypot(*ahead.T)[:, None]
    aside = np.column_stack((-ahead[:, 1], ahead[:, 0]))
    phase = 2 * np.pi * np.cumsum(45.0 / MEANDER * wander(chance, along, 7_000, 0.42))
    strength = size * np.clip(wander(chance, along, 11_000, 0.7), 0.12, 1.5) * calm(places, towns)
    push = SWING * strength * np.sin(phase)
    back = OVERHANG * strength * np.sin(2 * phase)
    return LineString(np.round(places + aside * push[:, None] - ahead * back[:, None]))


def wander(chance: Chance, along: np.ndarray, length: float, height: float) -> np.ndarray:
    """A factor about 1 that changes slowly along a line."""
    phases, stretch = chance.uniform(0, 2 * np.pi, 3), np.array([1.0, 0.61, 0.37])
    waves = np.sin(2 * np.pi * along[:, None] / (length * stretch) + phases) * stretch
    return np.asarray(1 + height * waves.sum(axis=1) / stretch.sum() * 1.5)


def calm(places: Points, towns: Points) -> np.ndarray:
    """0.45 in a town, 1 out of it."""
    nearest = np.hypot(*(places[:, None] - towns[None]).transpose(2, 0, 1)).min(axis=1)
    return np.asarray(1 - 0.55 * np.exp(-((nearest / 2_200) ** 2)))


def plain_widths(chance: Chance, river: LineString, towns: Points) -> np.ndarray:
    """Metres from the river to the plain's edge, at each of the river's vertices."""
    places = shapely.get_coordinates(river)
    along = np.concatenate(([0.0], np.cumsum(np.hypot(*np.diff(places, axis=0).T))))
    wide = wander(chance, along, 7_000, 0.55) * wander(chance, along, 2_300, 0.3)
    return np.asarray(430 * np.clip(wide, 0.3, 2.2) * calm(places, towns) + 40)


def belt(river: LineString, widths: np.ndarray, within: Polygon) -> Polygon:
    """All that is within the width of the river there, its edge smoothed, on whole metres."""
    spots = shapely.points(shapely.get_coordinates(river))
    whole = shapely.unary_union(shapely.buffer(spots, widths, quad_segs=6)).simplify(4)
    whole = whole.buffer(180, quad_segs=4).buffer(-180, quad_segs=4).simplify(8)
    whole = land.biggest(whole.intersection(within))
    return shapely.normalize(land.biggest(shapely.set_precision(whole, 1.0)))
