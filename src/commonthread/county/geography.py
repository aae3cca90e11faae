"""The county's divisions: six districts, their wards, and small areas of about 1,600 residents.

Nothing here is copied from a map. Districts are sized by how many detached houses they have, towns
lie where districts are thickest, and small areas are small in towns and wide in the country.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from shapely.geometry import Polygon

from . import gazetteer, land
from .figures import Figures, quota
from .land import Bend, Chance, Points
from .settings import Settings

CENTRE = np.array([393_000.0, 253_000.0])
RADIUS = 20_500.0
MAIN_TOWN = "Saltbridge"
RESIDENTS_PER_AREA = 1_600
# People on a square kilometre of town; small counties get roomier towns, or they would not show.
TOWN_DENSITY = 3_600
SMALLEST_TOWN = 1_900.0
WIDEST_TOWN = 0.55  # of the radius of its district
# Codes in the pattern of the statistical ones. Districts' come from the design.
DISTRICT_CODE, WARD_CODE, AREA_CODE = "Y06{:06d}", "Y05{:06d}", "Y01{:06d}"
FIRST_INVENTED = 900_001  # wards and areas: far above every code in use


@dataclass(frozen=True, slots=True)
class District:
    name: str
    code: str
    polygon: Polygon
    town: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Ward:
    name: str
    code: str
    district: int
    polygon: Polygon


@dataclass(frozen=True, slots=True)
class Area:
    """A small area: `decile` 1 is the most deprived tenth; `heart` is where homes are thickest."""

    code: str
    name: str
    ward: int
    district: int
    decile: int
    urban: bool
    polygon: Polygon
    heart: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Divisions:
    """`reach` is the radius in metres of each district's town."""

    boundary: Polygon
    districts: tuple[District, ...]
    wards: tuple[Ward, ...]
    areas: tuple[Area, ...]
    reach: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Sketch:
    """The divisions while they are flat: one entry per small area, and the districts' towns."""

    cells: list[Polygon]
    hearts: Points
    district: np.ndarray
    urban: np.ndarray
    towns: Points
    reach: np.ndarray


def divide(settings: Settings, figures: Figures) -> Divisions:
    """Lay the county out flat, bend it, then join small areas to wards and districts."""
    chance = settings.generator("place.areas")
    sketch = draw(chance, settings, figures)
    bend, polygons = fold_free(settings.generator("place.bend"), sketch)
    hearts, towns = bend(sketch.hearts), bend(sketch.towns)
    ward_of = wards_of(sketch)
    deciles = rank(chance, figures, sketch, hearts, towns)
    districts = tuple(
        District(
            name, DISTRICT_CODE.format(i + 1), joined(polygons, sketch.district == i), spot(at)
        )
        for i, (name, at) in enumerate(zip(figures.districts, towns, strict=True))
    )
    wards = named_wards(figures, sketch, ward_of, polygons)
    names = area_names(figures, sketch, ward_of)
    areas = tuple(
        Area(
            code=AREA_CODE.format(FIRST_INVENTED + i),
            name=names[i],
            ward=int(ward_of[i]),
            district=int(sketch.district[i]),
            decile=int(deciles[i]),
            urban=bool(sketch.urban[i]),
            polygon=polygons[i],
            heart=spot(hearts[i]),
        )
        for i in range(len(polygons))
    )
    whole = shapely.normalize(shapely.coverage_union_all(polygons))
    return Divisions(whole, districts, wards, areas, tuple(sketch.reach.tolist()))


def spot(at: Points) -> tuple[float, float]:
    return (float(np.round(at[0])), float(np.round(at[1])))


def fold_free(chance: Chance, sketch: Sketch) -> tuple[Bend, list[Polygon]]:
    """The first drawn bend that folds nothing; nearly always the first."""
    for _ in range(20):
        bend = Bend(chance)
        polygons = land.bent(sketch.cells, sketch.hearts, bend)
        if polygons is not None:
            return bend, polygons
    raise AssertionError("twenty bends in a row folded the county")


def draw(chance: Chance, settings: Settings, figures: Figures) -> Sketch:
    """Districts, towns and small areas with straight edges, in the order of the districts."""
    # A generator of its own: a county of any size has the same outline, districts and towns.
    lie = settings.generator("place.land")
    cells = district_cells(lie, figures, land.outline(lie, CENTRE, RADIUS))
    towns = np.array([town_site(lie, figures, i, cell) for i, cell in enumerate(cells)])
    numbers = areas_of(settings, figures)
    urban = np.clip(np.round(numbers * town_share(figures)), 1, numbers).astype(int)
    reach = np.sqrt(settings.residents * figures.population * town_share(figures) / TOWN_DENSITY)
    reach = np.maximum(reach / np.sqrt(np.pi) * 1_000, SMALLEST_TOWN)
    # The county stays as large as it is: millions make its towns denser, not wider.
    reach = np.minimum(reach, WIDEST_TOWN * np.sqrt([cell.area / np.pi for cell in cells]))
    hearts, parts, flags = [], [], []
    for i, cell in enumerate(cells):
        centres = np.vstack(
            (
                town_hearts(
                    chance, cell, towns[i], reach[i], int(urban[i]), bool(urban[i] == numbers[i])
                ),
                country_hearts(chance, cell, towns[i], reach[i], int(numbers[i] - urban[i])),
            )
        )
        hearts.append(centres)
        parts += land.nearest_cells(cell, centres)
        flags += [True] * int(urban[i]) + [False] * int(numbers[i] - urban[i])
    district = np.repeat(np.arange(len(cells)), numbers)
    return Sketch(parts, np.vstack(hearts), district, np.array(flags), towns, reach)


def areas_of(settings: Settings, figures: Figures) -> np.ndarray:
    """How many small areas each district has, by population, at least one."""
    total = int(np.clip(settings.residents // RESIDENTS_PER_AREA, 36, 400))
    return 1 + quota(total - len(figures.districts), figures.population)


def detached(figures: Figures) -> np.ndarray:
    return np.asarray(figures.dwellings[:, 0] / figures.dwellings[:, 0].mean())


def town_share(figures: Figures) -> np.ndarray:
    """Share of a district's small areas that are town; all of the main one is."""
    share = np.clip(1.35 - 0.62 * detached(figures), 0.45, 0.94)
    share[main(figures)] = 1.0
    return share


def main(figures: Figures) -> int:
    return figures.districts.index(MAIN_TOWN)


def district_cells(chance: Chance, figures: Figures, whole: Polygon) -> list[Polygon]:
    """The main town's district in the middle, the others around it in a drawn order."""
    count, middle = len(figures.districts), main(figures)
    turn = chance.uniform(0, 2 * np.pi)
    angles = turn + np.arange(count - 1) / (count - 1) * 2 * np.pi + chance.uniform(-0.2, 0.2, 5)
    ring = np.column_stack((np.cos(angles), np.sin(angles))) * RADIUS * 0.62
    sites = np.insert(chance.permutation(ring), middle, 0, axis=0) + CENTRE
    sites[middle] += chance.uniform(-0.12, 0.12, 2) * RADIUS
    size = detached(figures) ** 1.6 * figures.population**0.4
    return land.share_out(whole, sites, np.maximum(size / size.sum(), 0.065), middle)


def town_site(chance: Chance, figures: Figures, district: int, cell: Polygon) -> Points:
    middle = np.array(cell.centroid.coords[0])
    wander = 0.02 if district == main(figures) else 0.13
    return np.asarray(middle + chance.uniform(-wander, wander, 2) * np.sqrt(cell.area))


def town_hearts(
    chance: Chance, cell: Polygon, town: Points, reach: float, number: int, whole: bool
) -> Points:
    """Centres of a town's small areas, thicker towards its middle; a large one has a suburb."""
    suburb = number // 5 if number >= 15 and not whole else 0
    angle, shrunk = chance.uniform(0, 2 * np.pi), cell.buffer(-reach * 0.5)
    away = town + np.array([np.cos(angle), np.sin(angle)]) * reach * chance.uniform(1.9, 2.4)
    hearts = [disc_hearts(chance, cell, town, reach, number - suburb)]
    if suburb and shrunk.contains(land.point(away)):
        return np.vstack((*hearts, disc_hearts(chance, cell, away, reach * 0.42, suburb)))
    return disc_hearts(chance, cell, town, reach, number, whole)


def disc_hearts(
    chance: Chance, cell: Polygon, town: Points, reach: float, number: int, whole: bool = False
) -> Points:
    """Centres within a town's reach; `whole` spreads some over the whole district."""
    draws = 80 * number + 200
    angle = chance.uniform(0, 2 * np.pi, draws)
    radius = reach * chance.uniform(0, 1, draws) ** 0.62
    points = town + np.column_stack((np.cos(angle), np.sin(angle))) * radius[:, None]
    inner = cell.buffer(-150)
    points = points[shapely.contains_xy(inner, points[:, 0], points[:, 1])]
    if whole:
        points = np.vstack((points, land.scatter(chance, inner, draws // 3)))
    return land.clusters(points, number)


def country_hearts(
    chance: Chance, cell: Polygon, town: Points, reach: float, number: int
) -> Points:
    """Centres of country areas; some hug the town, which keeps its outermost areas small."""
    if not number:
        return np.empty((0, 2))
    points = land.scatter(chance, cell.buffer(-600), 90 * number + 500)
    distance = np.hypot(*(points - town).T)
    belt = (distance > 1.5 * reach) & (distance < 3 * reach)
    outer = points[distance > 1.7 * reach]
    near = points[belt]
    return land.clusters(np.vstack((outer, np.repeat(near, 2, axis=0))), number)


def wards_of(sketch: Sketch) -> np.ndarray:
    """Ward of each small area: 3 or 4 neighbours of one district, numbered through the county."""
    ward = np.zeros(len(sketch.cells), dtype=np.int64)
    count = 0
    for district in range(len(sketch.towns)):
        members = np.flatnonzero(sketch.district == district)
        beside = land.neighbours([sketch.cells[i] for i in members])
        groups = halved(sketch.hearts[members], beside, list(range(len(members))))
        for group in groups:
            ward[members[group]] = count
            count += 1
    return ward


def halved(hearts: Points, beside: list[list[int]], members: list[int]) -> list[list[int]]:
    """Split in two along the line that leaves both sides connected, until 3 or 4 are left."""
    wards = max(1, round(len(members) / 3.5))
    if wards == 1 or len(members) < 6:
        return [members]
    left = round(len(members) * (wards // 2) / wards)
    # Where a side would be too small for its wards, the sizes are evened out.
    left = int(np.clip(left, 3, len(members) - 3))
    for first, second in cuts(hearts, members, left):
        if connected(beside, first) and connected(beside, second):
            break
    return halved(hearts, beside, first) + halved(hearts, beside, second)


def cuts(hearts: Points, members: list[int], left: int) -> list[tuple[list[int], list[int]]]:
    """Cuts in two by straight lines, the one across the longest way first."""
    places = hearts[members] - hearts[members].mean(axis=0)
    widths, axes = np.linalg.eigh(places.T @ places)
    start = float(np.arctan2(*axes[:, int(np.argmax(widths))][::-1]))
    found = []
    for turn in sorted(range(24), key=lambda step: min(step, 24 - step)):
        angle = start + turn * np.pi / 12
        order = np.argsort(places @ np.array([np.cos(angle), np.sin(angle)]), kind="stable")
        ordered = [members[i] for i in order]
        found.append((sorted(ordered[:left]), sorted(ordered[left:])))
    return found


def connected(beside: list[list[int]], members: list[int]) -> bool:
    inside, seen, waiting = set(members), {members[0]}, [members[0]]
    while waiting:
        for other in beside[waiting.pop()]:
            if other in inside and other not in seen:
                seen.add(other)
                waiting.append(other)
    return len(seen) == len(inside)


def joined(polygons: list[Polygon], chosen: np.ndarray) -> Polygon:
    picked = [polygons[i] for i in np.flatnonzero(chosen)]
    return shapely.normalize(shapely.coverage_union_all(picked))


def named_wards(
    figures: Figures, sketch: Sketch, ward_of: np.ndarray, polygons: list[Polygon]
) -> tuple[Ward, ...]:
    """Wards named after their district and a word of their own."""
    wards, seen = [], [0] * len(figures.districts)
    for i in range(int(ward_of.max()) + 1):
        district = int(sketch.district[ward_of == i][0])
        word = gazetteer.WARD_WORDS[seen[district] % len(gazetteer.WARD_WORDS)]
        again = " 2" if seen[district] >= len(gazetteer.WARD_WORDS) else ""
        name = f"{figures.districts[district]} {word}{again}"
        code = WARD_CODE.format(FIRST_INVENTED + i)
        wards.append(Ward(name, code, district, joined(polygons, ward_of == i)))
        seen[district] += 1
    return tuple(wards)


def area_names(figures: Figures, sketch: Sketch, ward_of: np.ndarray) -> list[str]:
    """ "Saltbridge 004B": the district, the ward's number in it, a letter."""
    names, letters = [], np.zeros(int(ward_of.max()) + 1, dtype=int)
    first = [int(ward_of[sketch.district == i].min()) for i in range(len(figures.districts))]
    for ward, district in zip(ward_of, sketch.district, strict=True):
        number = ward - first[district] + 1
        names.append(f"{figures.districts[district]} {number:03d}{chr(65 + letters[ward])}")
        letters[ward] += 1
    return names


def rank(
    chance: Chance, figures: Figures, sketch: Sketch, hearts: Points, towns: Points
) -> np.ndarray:
    """Deciles by the district's quota; the poorest near the middle of towns and on one side."""
    deciles = np.zeros(len(hearts), dtype=np.int64)
    for district, town in enumerate(towns):
        members = np.flatnonzero(sketch.district == district)
        away = (hearts[members] - town) / sketch.reach[district]
        angle = chance.uniform(0, 2 * np.pi)
        side = away @ np.array([np.cos(angle), np.sin(angle)])
        score = 0.8 * np.hypot(*away.T) - 0.6 * np.tanh(side) - 0.9 * sketch.urban[members]
        score += chance.normal(0, 0.35, len(members))
        counts = quota(len(members), figures.deciles[district])
        deciles[members[np.argsort(score, kind="stable")]] = np.repeat(np.arange(1, 11), counts)
    return deciles
