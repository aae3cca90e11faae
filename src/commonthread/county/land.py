"""Shapes without names: a surface that is bent without folding, and cells that share it out.

Everything is first laid out flat with straight edges, where cutting is exact, and bent afterwards:
a bend that never folds keeps what touches touching, so that wards still nest and nothing overlaps.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely
from shapely.geometry import LineString, MultiPoint, Point, Polygon

Points = np.ndarray  # (n, 2) metres on the grid
Chance = np.random.Generator

# Wave lengths and heights of the bends, metres, applied one after another. A height times 2π over
# its length is a slope, and a bend with slopes well below one does not fold the surface.
BENDS = ((40_000, 2_800), (15_000, 900), (6_500, 390), (2_600, 150), (900, 36))
WAVES = 5
FAR = 200_000.0


class Bend:
    """A fixed, smooth displacement of the plane: waves in drawn directions, long ones first."""

    def __init__(self, chance: Chance, bends: Sequence[tuple[float, float]] = BENDS) -> None:
        self.layers = [(self.waves(chance, length), height) for length, height in bends]

    @staticmethod
    def waves(chance: Chance, length: float) -> tuple[np.ndarray, np.ndarray]:
        """Wave vectors (2, WAVES); phases (2, WAVES) of their eastward and northward push."""
        angles = chance.uniform(0, 2 * np.pi, WAVES)
        vectors = np.vstack((np.cos(angles), np.sin(angles))) * 2 * np.pi / length
        return vectors, chance.uniform(0, 2 * np.pi, (2, WAVES))

    def __call__(self, points: Points) -> Points:
        for (vectors, phases), height in self.layers:
            along = points @ vectors
            push = [np.sin(along + phase).sum(axis=1) for phase in phases]
            points = points + np.column_stack(push) * height / np.sqrt(WAVES)
        return points


def outline(chance: Chance, centre: Points, radius: float) -> Polygon:
    """A rounded convex polygon: convex, so that what is cut from it stays in one piece."""
    angles = np.sort(np.arange(13) / 13 + chance.uniform(-0.03, 0.03, 13)) * 2 * np.pi
    reach = radius * chance.uniform(0.84, 1.1, 13)
    corners = centre + np.column_stack((np.cos(angles), np.sin(angles))) * reach[:, None]
    hull = MultiPoint(corners).convex_hull
    return hull.buffer(-radius / 7).buffer(radius / 7)


def half_plane(normal: Points, limit: float) -> Polygon:
    """The part, as far as it matters, where `normal · x <= limit`."""
    foot = normal * limit / (normal @ normal)
    inward = -normal / np.sqrt(normal @ normal) * FAR
    aside = np.array([-inward[1], inward[0]])
    return Polygon([foot + aside, foot - aside, foot - aside + inward, foot + aside + inward])


def power_cells(whole: Polygon, sites: Points, weights: np.ndarray) -> list[Polygon]:
    """Cells of a power diagram (Aurenhammer, 1987): convex, and larger for a larger weight."""
    own = (sites**2).sum(axis=1) - weights
    cells = []
    for i in range(len(sites)):
        cell = whole
        for j in range(len(sites)):
            if i != j:
                side = half_plane(2 * (sites[j] - sites[i]), own[j] - own[i])
                cell = cell.intersection(side)
        cells.append(cell)
    return cells


def share_out(whole: Polygon, sites: Points, shares: np.ndarray, fixed: int) -> list[Polygon]:
    """Convex cells with the given shares of the surface; only the fixed site stays where it is."""
    origin = np.array(whole.centroid.coords[0])
    flat = shapely.transform(whole, lambda points: points - origin)
    sites, weights = sites - origin, np.zeros(len(sites))
    stays = np.arange(len(sites)) == fixed
    for _ in range(40):
        cells = power_cells(flat, sites, weights)
        weights = weights + 0.25 * (shares * flat.area - shapely.area(cells))
        middles = shapely.get_coordinates(shapely.centroid(cells))
        if len(middles) == len(sites):
            sites = np.where(stays[:, None], sites, sites * 0.8 + middles * 0.2)
    return list(shapely.transform(cells, lambda points: points + origin))


def clusters(points: Points, number: int) -> Points:
    """Centres (number, 2) of groups of near points, by Lloyd's algorithm from spread-out starts."""
    centres, distance = points[:1], np.full(len(points), np.inf)
    while len(centres) < number:
        distance = np.minimum(distance, ((points - centres[-1]) ** 2).sum(axis=1))
        centres = np.vstack((centres, points[distance.argmax()]))
    middle = points.mean(axis=0)
    for _ in range(12):
        apart = centres - middle
        nearest = ((apart**2).sum(axis=1) - 2 * (points - middle) @ apart.T).argmin(axis=1)
        counts = np.bincount(nearest, minlength=number)
        sums = [np.bincount(nearest, weights=axis, minlength=number) for axis in points.T]
        moved = np.column_stack(sums) / np.maximum(counts, 1)[:, None]
        centres = np.where(counts[:, None] > 0, moved, centres)
    return centres


def scatter(chance: Chance, polygon: Polygon, number: int) -> Points:
    """Points (number, 2) spread evenly over a polygon."""
    west, south, east, north = polygon.bounds
    found = np.empty((0, 2))
    while len(found) < number:
        draws = chance.uniform((west, south), (east, north), (number * 2, 2))
        found = np.vstack((found, draws[shapely.contains_xy(polygon, draws[:, 0], draws[:, 1])]))
    return found[:number]


def nearest_cells(whole: Polygon, centres: Points) -> list[Polygon]:
    """The convex parts of a convex polygon that are nearer to one centre than to the others."""
    if len(centres) == 1:
        return [whole]
    cells = shapely.voronoi_polygons(MultiPoint(centres), extend_to=whole, ordered=True)
    return list(shapely.intersection(shapely.get_parts(cells), whole))


def bent(cells: Sequence[Polygon], hearts: Points, bend: Bend) -> list[Polygon] | None:
    """The cells after the bend, on whole metres; None where it folded or swallowed one.

    Each edge is bent once and serves both its sides, so that no gap can open between neighbours.
    """
    edges = shapely.unary_union(shapely.boundary(np.array(cells)), grid_size=1.0)
    edges = shapely.transform(shapely.segmentize(edges, 110.0), bend)
    faces = shapely.polygonize(shapely.get_parts(shapely.unary_union(edges, grid_size=1.0)))
    faces = shapely.get_parts(faces)
    tree = shapely.STRtree(faces)
    inside, face = tree.query(shapely.points(bend(hearts)), predicate="within")
    if len(faces) != len(cells) or sorted(inside) != list(range(len(cells))):
        return None
    if len(np.unique(face)) != len(cells):
        return None
    return list(shapely.normalize(faces[face[np.argsort(inside)]]))


def neighbours(cells: Sequence[Polygon]) -> list[list[int]]:
    """For each cell, those that share an edge with it (a corner is not enough)."""
    grown = shapely.buffer(np.array(cells), 2.0)
    left, right = shapely.STRtree(grown).query(grown, predicate="intersects")
    shared = shapely.area(shapely.intersection(grown[left], grown[right])) > 400
    found: list[list[int]] = [[] for _ in cells]
    for a, b in zip(left[shared], right[shared], strict=True):
        if a != b:
            found[a].append(int(b))
    return found


def biggest(shape: Any) -> Any:
    """The largest piece of what may have come apart."""
    pieces = shapely.get_parts(shape)
    size = shapely.area(pieces) + shapely.length(pieces)
    return pieces[int(np.argmax(size))]


def curve(points: Points) -> LineString:
    """A smooth line through the points (Catmull and Rom, 1974), a vertex about every 100 m."""
    padded = np.vstack((2 * points[0] - points[1], points, 2 * points[-1] - points[-2]))
    pieces = []
    for a, b, c, d in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        steps = max(2, int(np.hypot(*(c - b)) / 100))
        t = np.linspace(0, 1, steps, endpoint=False)[:, None]
        cubic = (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3
        pieces.append((2 * b + (c - a) * t + cubic) / 2)
    return LineString(np.vstack((*pieces, points[-1:])))


def point(place: Points) -> Point:
    return Point(float(place[0]), float(place[1]))
