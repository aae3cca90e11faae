"""Roads that join towns, lanes that join villages, and paths to walk and ride.

Villages and towns are joined where no third is nearer to both (Toussaint's relative neighbourhood
graph, 1980): a network without needless crossings. The ways between towns are A roads.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import shapely
from shapely.geometry import LineString, Polygon
from shapely.ops import substring

from . import gazetteer, land
from .geography import Divisions
from .land import Bend, Chance, Points
from .water import Water

GATES = 7  # A roads that leave the county
FIRST_A, FIRST_B = 4901, 4951
ROAD_BENDS = ((9_000, 330), (3_400, 120), (1_300, 34))
PATH_BENDS = ((2_200, 260), (700, 50))
Edge = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Village:
    name: str
    area: int
    place: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Road:
    """`kind` is "A", "B" or "lane"; a lane has no number."""

    number: str
    name: str
    kind: str
    line: LineString


@dataclass(frozen=True, slots=True)
class Path:
    code: str
    kind: str
    line: LineString


def make_villages(chance: Chance, divisions: Divisions, water: Water) -> tuple[Village, ...]:
    """Villages in country areas, more in wider ones, out of the flood plain and well inside."""
    found: list[Village] = []
    names = village_names(chance)
    taken = np.array([district.town for district in divisions.districts])
    for index, area in enumerate(divisions.areas):
        if area.urban:
            continue
        number = int(np.clip(round(area.polygon.area / 11e6), 1, 9))
        for place in village_places(chance, area.polygon, water, taken, number):
            taken = np.vstack((taken, place))
            found.append(Village(next(names), index, (float(place[0]), float(place[1]))))
    return tuple(found)


def village_places(
    chance: Chance, polygon: Polygon, water: Water, taken: Points, number: int
) -> Points:
    """Dry places far from the edge, and from one another: each the best of those drawn."""
    draws = np.round(land.scatter(chance, polygon, 40 * number))
    edge = shapely.distance(shapely.points(draws), polygon.exterior)
    dry = ~shapely.contains_xy(water.flood_plain, draws[:, 0], draws[:, 1])
    kept: list[Points] = []
    for _ in range(number):
        others = np.vstack((taken, *kept))
        apart = np.hypot(*(draws[:, None] - others[None]).transpose(2, 0, 1)).min(axis=1)
        score = np.minimum(apart, 2.2 * edge) * np.where(dry, 1, 0.001)
        kept.append(draws[score.argmax()])
    return np.array(kept)


def village_names(chance: Chance) -> Iterator[str]:
    """Names without repeats."""
    starts, ends = gazetteer.VILLAGE_STARTS, gazetteer.VILLAGE_ENDS
    forms, shares = zip(*gazetteer.VILLAGE_FORMS, strict=True)
    order = chance.permutation(len(starts) * len(ends))
    for number in order:
        start, end = starts[number // len(ends)], ends[number % len(ends)]
        word = start + (end[1:] if start[-1] == end[0] else end)
        yield str(forms[chance.choice(len(forms), p=shares)]).format(word)
    raise AssertionError("more villages than names")


def make_roads(
    chance: Chance, divisions: Divisions, water: Water, villages: tuple[Village, ...]
) -> tuple[Road, ...]:
    towns = np.array([district.town for district in divisions.districts])
    gates = gate_places(chance, divisions.boundary, towns)
    places = np.vstack((towns, gates, np.array([v.place for v in villages]).reshape(-1, 2)))
    names = [d.name for d in divisions.districts] + ["County"] * len(gates)
    names += [village.name for village in villages]
    bend, edges = Bend(chance, ROAD_BENDS), neighbour_edges(places)
    near = divisions.boundary.buffer(2)
    lines = {edge: inner_line(places[list(edge)], bend, near) for edge in edges}
    lengths = {edge: edge_cost(line, water) for edge, line in lines.items()}
    kinds: dict[Edge, str] = {}
    runs = [("A", run) for run in main_runs(lengths, kinds, len(towns), len(gates))]
    important = chance.permutation(np.arange(len(towns) + len(gates), len(places)))
    runs += [
        ("B", run)
        for run in minor_runs(lengths, kinds, important[: len(important) // 3], len(towns))
    ]
    roads = list(numbered(runs, lines, names))
    roads += lanes(chance, lines, lengths, kinds, water)
    return tuple(part for road in roads for part in clip(road, near))


def gate_places(chance: Chance, boundary: Polygon, towns: Points) -> Points:
    """Points on the boundary in all directions where main roads leave."""
    centre = towns.mean(axis=0)
    angles = chance.uniform(0, 2 * np.pi) + np.arange(GATES) / GATES * 2 * np.pi
    angles += chance.uniform(-0.25, 0.25, GATES)
    found = []
    for angle in angles:
        far = centre + np.array([np.cos(angle), np.sin(angle)]) * land.FAR
        ray = land.biggest(LineString([centre, far]).intersection(boundary))
        found.append(shapely.get_coordinates(ray)[-1])
    return np.array(found)


def neighbour_edges(places: Points) -> list[Edge]:
    """Pairs (a, b) with no third place nearer to both of them."""
    apart = np.hypot(*(places[:, None] - places[None]).transpose(2, 0, 1))
    found = []
    for a in range(len(places)):
        for b in range(a + 1, len(places)):
            nearer = np.maximum(apart[a], apart[b]) < apart[a, b]
            nearer[[a, b]] = False
            if not nearer.any():
                found.append((a, b))
    return found


def road_line(ends: Points, bend: Bend, held_for: float = 1_500.0) -> LineString:
    """A line between two places, bent between them but not at them."""
    length = float(np.hypot(*(ends[1] - ends[0])))
    t = np.linspace(0, 1, max(3, int(length / 90)))[:, None]
    straight = ends[0] + (ends[1] - ends[0]) * t
    held = np.minimum(1, np.minimum(t, 1 - t) * length / held_for)
    return LineString(np.round(straight + (bend(straight) - straight) * held))


def inner_line(ends: Points, bend: Bend, near: Polygon) -> LineString:
    """A bent line where it stays in the county, else a straight one."""
    line = road_line(ends, bend)
    return line if near.covers(line) else LineString(ends)


def edge_cost(line: LineString, water: Water) -> float:
    """Its length; each bridge costs as much as four kilometres."""
    bridges = len(shapely.get_parts(line.intersection(water.river)))
    return float(line.length + 4_000 * bridges)


def main_runs(
    lengths: dict[Edge, float], kinds: dict[Edge, str], towns: int, gates: int
) -> Iterator[list[int]]:
    """A roads: between each pair of towns, then from each gate to the town nearest by road."""
    pairs = [(a, b) for a in range(towns) for b in range(a + 1, towns)]
    pairs.sort(key=lambda pair: route(lengths, kinds, pair[0], {pair[1]})[1])
    goals = [(a, {b}) for a, b in pairs]
    goals += [(towns + gate, set(range(towns))) for gate in range(gates)]
    for start, ends in goals:
        yield from unused(route(lengths, kinds, start, ends)[0], kinds, "A")


def minor_runs(
    lengths: dict[Edge, float], kinds: dict[Edge, str], starts: np.ndarray, towns: int
) -> Iterator[list[int]]:
    """B roads: from the larger villages to a town, as far as no road goes yet."""
    for start in starts:
        yield from unused(route(lengths, kinds, int(start), set(range(towns)))[0], kinds, "B")


def route(
    lengths: dict[Edge, float], kinds: dict[Edge, str], start: int, ends: set[int]
) -> tuple[list[int], float]:
    """The cheapest way (Dijkstra, 1959) and its cost; roads that are there already cost less."""
    beside: dict[int, list[tuple[int, float]]] = {}
    for (a, b), length in lengths.items():
        cost = length * (0.55 if (a, b) in kinds else 1.0)
        beside.setdefault(a, []).append((b, cost))
        beside.setdefault(b, []).append((a, cost))
    waiting, came, done = [(0.0, start, start)], {}, 0.0
    while waiting:
        done, here, before = heapq.heappop(waiting)
        if here in came:
            continue
        came[here] = before
        if here in ends:
            return traced(came, here), done
        for other, cost in beside.get(here, []):
            heapq.heappush(waiting, (done + cost, other, here))
    return [start], done


def traced(came: dict[int, int], end: int) -> list[int]:
    way = [end]
    while came[way[-1]] != way[-1]:
        way.append(came[way[-1]])
    return way[::-1]


def unused(way: list[int], kinds: dict[Edge, str], kind: str) -> Iterator[list[int]]:
    """The stretches of a way that had no road; from now on they have one of this kind."""
    run = way[:1]
    for a, b in pairwise(way):
        edge = (min(a, b), max(a, b))
        if edge in kinds:
            if len(run) > 1:
                yield run
            run = [b]
            continue
        kinds[edge] = kind
        run.append(b)
    if len(run) > 1:
        yield run


def numbered(
    runs: list[tuple[str, list[int]]], lines: dict[Edge, LineString], names: list[str]
) -> Iterator[Road]:
    """Each run as one line, numbered in order, named after where it leads."""
    counts = {"A": FIRST_A, "B": FIRST_B}
    for kind, run in runs:
        pieces = [run_piece(a, b, lines) for a, b in pairwise(run)]
        points = np.vstack([pieces[0], *(piece[1:] for piece in pieces[1:])])
        yield Road(f"{kind}{counts[kind]}", f"{names[run[-1]]} Road", kind, LineString(points))
        counts[kind] += 1


def run_piece(a: int, b: int, lines: dict[Edge, LineString]) -> Points:
    points: Points = shapely.get_coordinates(lines[min(a, b), max(a, b)])
    return np.asarray(points if a < b else points[::-1])


def lanes(
    chance: Chance,
    lines: dict[Edge, LineString],
    lengths: dict[Edge, float],
    kinds: dict[Edge, str],
    water: Water,
) -> list[Road]:
    """What is left of the network; a lane has a bridge only where nothing else leads on."""
    needed = spanning(lengths, kinds)
    rest = [
        line
        for edge, line in lines.items()
        if edge not in kinds and (edge in needed or not line.crosses(water.river))
    ]
    stems = chance.permutation(len(gazetteer.STREET_STEMS))
    return [
        Road("", f"{gazetteer.STREET_STEMS[stems[i % len(stems)]]} Lane", "lane", line)
        for i, line in enumerate(rest)
    ]


def spanning(lengths: dict[Edge, float], kinds: dict[Edge, str]) -> set[Edge]:
    """The cheapest edges that leave no place alone (Kruskal, 1956); roads first."""
    group: dict[int, int] = {place: place for edge in lengths for place in edge}
    kept = set()
    for edge in sorted(lengths, key=lambda edge: (edge not in kinds, lengths[edge])):
        first, second = (group[place] for place in edge)
        if first != second:
            kept.add(edge)
            group = {place: first if of == second else of for place, of in group.items()}
    return kept


def clip(road: Road, near: Polygon) -> Iterator[Road]:
    """The parts of a road inside the county."""
    if near.covers(road.line):
        yield road
        return
    for part in shapely.get_parts(road.line.intersection(near)):
        line = shapely.transform(part, np.round)
        if line.length > 50:
            yield Road(road.number, road.name, road.kind, line)


def make_paths(
    chance: Chance, divisions: Divisions, water: Water, villages: tuple[Village, ...]
) -> tuple[Path, ...]:
    """Paths out of villages and towns that do not cross the river, and one along its bank."""
    starts = np.array([v.place for v in villages] + [d.town for d in divisions.districts])
    starts = np.repeat(starts, 4, axis=0)
    angle = chance.uniform(0, 2 * np.pi, len(starts))
    reach = chance.uniform(500, 2_600, len(starts))
    ends = starts + np.column_stack((np.cos(angle), np.sin(angle))) * reach[:, None]
    bend = Bend(chance, PATH_BENDS)
    lines = [road_line(np.array(pair), bend, 250.0) for pair in zip(starts, ends, strict=True)]
    lines = [
        line
        for line in lines
        if divisions.boundary.contains(line) and not line.intersects(water.river)
    ]
    riding = chance.uniform(size=len(lines)) < 0.2
    kinds = ["bridleway" if rides else "footpath" for rides in riding]
    banks = bank_paths(water, divisions.boundary)
    both = [*zip(lines, kinds, strict=True), *((bank, "footpath") for bank in banks)]
    return tuple(Path(f"FP-{i + 1:04d}", kind, line) for i, (line, kind) in enumerate(both))


def bank_paths(water: Water, boundary: Polygon) -> list[LineString]:
    """A path on the river's bank, in stretches of about five kilometres with gaps."""
    length, found = water.river.length, []
    for start in np.arange(3_000, length - 6_000, 7_500):
        stretch = substring(water.river, float(start), float(start) + 5_000)
        bank = land.biggest(stretch.offset_curve(35))
        bank = shapely.transform(bank, np.round)
        if boundary.contains(bank):
            found.append(bank)
    return found
