"""Where people live: streets laid out in small areas, homes along them, and what each is called.

A street is drawn round a centre that is further from the area's edge than the street reaches, so
that each home lies in its area without a test for each. Kinds of home are dealt out by exact quota.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely

from . import land
from .figures import DWELLINGS, Figures, quota
from .geography import Area, Divisions
from .land import Chance, Points
from .lettering import letter
from .settings import Settings
from .water import Water
from .ways import Village

KINDS = (*DWELLINGS, "care-home")
DETACHED, SEMI, TERRACED, FLAT, CONVERTED, COMMERCIAL, CARAVAN, CARE_HOME = range(8)
TOWER, FARM, CARE = 1, 2, 3
SPARE = 1.035  # dwellings for each household: voids and second homes
STREET = (8, 30)  # fewest and most dwellings on a street
BLOCK = (36, 60)  # fewest and most flats in a tower
TOWER_SHARE = 0.3  # of a district's flats
RESIDENTS_PER_HOME = 9_000
BEDS = (40, 70)
FIRST_UPRN = 990_000_000_000
CLEAR = 46.0  # metres from a street's middle to its area's edge, at least
APART = 12.0  # metres from the street's middle line to a front door
# From the middle of a town outwards; caravans last.
OUTWARDS = (COMMERCIAL, FLAT, CONVERTED, TERRACED, SEMI, DETACHED, CARAVAN)
# Chance of damp by kind. Assumption: ordered as in the English Housing Survey, not equal to it.
DAMP = np.array([0.03, 0.04, 0.09, 0.06, 0.13, 0.10, 0.12, 0.01])
# Chances of 1 to 5 bedrooms by kind. Assumption.
BEDROOMS = np.array(
    [
        [0.01, 0.09, 0.35, 0.41, 0.14],
        [0.02, 0.19, 0.65, 0.13, 0.01],
        [0.06, 0.38, 0.48, 0.07, 0.01],
        [0.50, 0.44, 0.05, 0.01, 0.00],
        [0.62, 0.30, 0.07, 0.01, 0.00],
        [0.45, 0.40, 0.13, 0.02, 0.00],
        [0.35, 0.60, 0.05, 0.00, 0.00],
        [1.00, 0.00, 0.00, 0.00, 0.00],
    ]
)


@dataclass(frozen=True, slots=True)
class Addresses:
    """One entry for each dwelling, lived in or not, and each care home, by area and street.

    - `uprn` int64; `area` int16, an index into the place's areas
    - `easting`, `northing` int32 metres
    - `kind` uint8, an index into `KINDS`
    - `building` uint8: 0 none, 1 tower block, 2 farm, 3 care home
    - `street` int32, an index into `streets` (one entry for each postcode; names may come again)
    - `number` int32: of the house, or of the flat in its block; 0 where the home has only a name
    - `line1`, `town`, `postcode`: text
    - `flood` uint8: 0, 2, 3, the highest zone that holds the point; `damp` bool; `bedrooms` uint8
    - `beds` uint8: of a care home, 0 elsewhere
    """

    uprn: np.ndarray
    area: np.ndarray
    easting: np.ndarray
    northing: np.ndarray
    kind: np.ndarray
    building: np.ndarray
    street: np.ndarray
    number: np.ndarray
    line1: np.ndarray
    town: np.ndarray
    postcode: np.ndarray
    flood: np.ndarray
    damp: np.ndarray
    bedrooms: np.ndarray
    beds: np.ndarray
    streets: np.ndarray

    def __len__(self) -> int:
        return len(self.uprn)


@dataclass(frozen=True, slots=True)
class Streets:
    """Streets while they are laid out: one entry each, in the order of areas.

    `clear` is the distance in metres from the street's middle `at` (n, 2) to its area's edge, less
    a metre for rounding.
    """

    area: np.ndarray
    size: np.ndarray
    tower: np.ndarray
    at: Points
    clear: np.ndarray


def make_addresses(
    settings: Settings,
    figures: Figures,
    divisions: Divisions,
    water: Water,
    villages: tuple[Village, ...],
) -> Addresses:
    chance = settings.generator("place.addresses")
    dwellings = dwellings_of(settings, figures)
    streets = lay_out(chance, figures, divisions, water, villages, dwellings)
    street = np.repeat(np.arange(len(streets.size)), streets.size)
    kind = deal_kinds(chance, figures, divisions, streets, street, dwellings)
    homes = care_home_streets(chance, settings, figures, divisions, streets)
    order = np.argsort(np.concatenate((street, homes)), kind="stable")
    street = np.concatenate((street, homes))[order]
    kind = np.concatenate((kind, np.full(len(homes), CARE_HOME)))[order].astype(np.uint8)
    area = streets.area[street]
    country = ~np.array([a.urban for a in divisions.areas])[area]
    building = buildings(chance, streets, street, kind, country)
    at = places(chance, streets, street, kind, building, country)
    text = letter(chance, divisions, streets.area, street, kind, building, country)
    return Addresses(
        uprn=FIRST_UPRN + np.arange(len(street), dtype=np.int64),
        area=area.astype(np.int16),
        easting=at[:, 0].astype(np.int32),
        northing=at[:, 1].astype(np.int32),
        kind=kind,
        building=building,
        street=street.astype(np.int32),
        number=text.number,
        line1=text.line1,
        town=text.town,
        postcode=text.postcode,
        flood=flood_zones(water, at),
        damp=chance.uniform(size=len(kind)) < DAMP[kind],
        bedrooms=drawn_bedrooms(chance, kind),
        beds=np.where(
            kind == CARE_HOME, chance.integers(BEDS[0], BEDS[1] + 1, len(kind)), 0
        ).astype(np.uint8),
        streets=text.streets,
    )


def dwellings_of(settings: Settings, figures: Figures) -> np.ndarray:
    """Dwellings of each district, lived in or not."""
    homes = settings.residents * figures.population * figures.households_per_person * SPARE
    return np.asarray(np.round(homes).astype(np.int64))


def lay_out(
    chance: Chance,
    figures: Figures,
    divisions: Divisions,
    water: Water,
    villages: tuple[Village, ...],
    dwellings: np.ndarray,
) -> Streets:
    """Streets and towers of every area, with the middle of each."""
    share, towers = area_dwellings(chance, figures, divisions, dwellings)
    placed: list[tuple[np.ndarray, ...]] = []
    for index, area in enumerate(divisions.areas):
        own = [village.place for village in villages if village.area == index]
        sizes = street_sizes(chance, int(share[index] - towers[index].sum()))
        number = len(sizes) + len(towers[index])
        at, clear = middles(chance, area, water, np.array(own).reshape(-1, 2), number)
        tower = np.arange(number) >= len(sizes)
        size = np.concatenate((sizes, towers[index])).astype(np.int64)
        placed.append((np.full(number, index), size, tower, at, clear))
    return Streets(*(np.concatenate(column) for column in zip(*placed, strict=True)))


def area_dwellings(
    chance: Chance, figures: Figures, divisions: Divisions, dwellings: np.ndarray
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Dwellings of each area, within a tenth of one another, and the sizes of its towers."""
    district = np.array([area.district for area in divisions.areas])
    decile = np.array([area.decile for area in divisions.areas])
    urban = np.array([area.urban for area in divisions.areas])
    share = np.zeros(len(district), dtype=np.int64)
    towers = [np.empty(0, dtype=np.int64) for _ in district]
    for i, total in enumerate(dwellings):
        members = np.flatnonzero(district == i)
        weights = chance.uniform(0.9, 1.1, len(members))
        share[members] = quota(int(total), weights / weights.sum())
        hosts = members[urban[members]]
        hosts = hosts[np.argsort(decile[hosts], kind="stable")][: max(1, len(hosts) // 3)]
        flats = int(quota(int(total), figures.dwellings[i])[FLAT])
        for number, size in enumerate(tower_sizes(chance, flats)):
            host = hosts[number % len(hosts)]
            if towers[host].sum() + size < share[host] * 0.6:
                towers[host] = np.append(towers[host], size)
    return share, towers


def tower_sizes(chance: Chance, flats: int) -> np.ndarray:
    number = int(flats * TOWER_SHARE / np.mean(BLOCK))
    if not number and flats >= 2 * BLOCK[1]:
        number = 1
    return chance.integers(BLOCK[0], BLOCK[1] + 1, number)


def street_sizes(chance: Chance, dwellings: int) -> np.ndarray:
    """Streets of 8 to 30 dwellings that add up; fewer than 8 dwellings are one short street."""
    low, high = STREET
    number = max(1, round(dwellings / 18))
    sizes = chance.integers(low, high + 1, number)
    while (gap := dwellings - int(sizes.sum())) and not (number == 1 and dwellings < low):
        step = 1 if gap > 0 else -1
        free = np.flatnonzero(sizes < high if step > 0 else sizes > low)
        sizes[chance.permutation(free)[: abs(gap)]] += step
    return sizes if sizes.sum() == dwellings else np.array([dwellings])


def middles(
    chance: Chance, area: Area, water: Water, villages: Points, number: int
) -> tuple[Points, np.ndarray]:
    """Middles of an area's streets (number, 2), whole metres, and the distance to its edge."""
    tries = 3
    while True:
        at = candidates(chance, area, villages, number, tries)
        at = at[shapely.contains_xy(area.polygon, at[:, 0], at[:, 1])]
        clear = shapely.distance(shapely.points(at), area.polygon.exterior) - 1
        good = (clear >= CLEAR) & suits(chance, at, water)
        # The first are the likeliest, so what is left over is what lies furthest out.
        chosen = np.flatnonzero(good)[:number]
        if len(chosen) == number:
            return at[chosen], clear[chosen]
        tries *= 2


def suits(chance: Chance, at: Points, water: Water) -> np.ndarray:
    """Off the river's banks, and less often in the flood plain, where older streets are."""
    wet = shapely.contains_xy(water.flood_plain, at[:, 0], at[:, 1])
    builds = chance.uniform(size=len(at)) < 0.7
    # The banks lie in the plain, so only what is wet needs measuring.
    wet_spots = shapely.points(at[wet])
    builds[wet] &= shapely.distance(wet_spots, water.river) > 75
    return np.asarray(~wet | builds)


def candidates(chance: Chance, area: Area, villages: Points, number: int, tries: int) -> Points:
    """Places for streets, the likeliest first: by town blocks or round villages, then anywhere."""
    heart = np.array(area.heart)
    if area.urban or not len(villages):
        spacing = float(np.clip(np.sqrt(area.polygon.area * 0.8 / number), 60, 150))
        return blocks(chance, heart, spacing / np.sqrt(tries / 3), number * tries)
    # The first village is the largest; a fifth of the streets are lanes between fields.
    weights = 1 / np.arange(1, len(villages) + 1) ** 0.7
    chosen = chance.choice(len(villages), number * tries, p=weights / weights.sum())
    near = villages[chosen] + chance.normal(0, 190 + 8 * np.sqrt(number), (len(chosen), 2))
    lanes = land.scatter(chance, area.polygon, number * tries)
    rural = chance.uniform(size=len(chosen)) < 0.2
    return np.round(np.where(rural[:, None], lanes, near))


def blocks(chance: Chance, heart: Points, spacing: float, number: int) -> Points:
    """Town blocks round a heart: a shaken, turned grid, nearest first."""
    side = int(np.sqrt(number) * 1.9) + 4
    steps = (np.arange(side) - side / 2) * spacing
    grid = np.column_stack([axis.ravel() for axis in np.meshgrid(steps, steps)])
    grid += chance.uniform(-0.28, 0.28, grid.shape) * spacing
    angle = chance.uniform(0, np.pi / 2)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    near = np.argsort(np.hypot(*grid.T), kind="stable")
    return np.asarray(np.round(heart + grid[near] @ turn))


def deal_kinds(
    chance: Chance,
    figures: Figures,
    divisions: Divisions,
    streets: Streets,
    street: np.ndarray,
    dwellings: np.ndarray,
) -> np.ndarray:
    """The kind of each dwelling: exact quotas by district, flats in the middle, detached outside.

    A street has a score, homes on it nearly the same, so that streets are mostly of one kind.
    """
    score = street_scores(chance, divisions, streets)[street]
    score = score + chance.normal(0, 0.07, len(street))
    tower = streets.tower[street]
    district = np.array([area.district for area in divisions.areas])[streets.area[street]]
    kind = np.full(len(street), FLAT, dtype=np.int64)
    for i, total in enumerate(dwellings):
        counts = quota(int(total), figures.dwellings[i])
        members = np.flatnonzero(district == i)
        counts[FLAT] -= int(tower[members].sum())
        open_ = members[~tower[members]]
        order = open_[np.argsort(score[open_], kind="stable")]
        kind[order] = np.repeat(OUTWARDS, counts[list(OUTWARDS)])
    return kind


def street_scores(chance: Chance, divisions: Divisions, streets: Streets) -> np.ndarray:
    """Low in the middle of towns and in deprived areas, high in the country."""
    areas = divisions.areas
    town = np.array([divisions.districts[a.district].town for a in areas])[streets.area]
    reach = np.array([divisions.reach[a.district] for a in areas])[streets.area]
    decile = np.array([a.decile for a in areas])[streets.area]
    country = np.array([not a.urban for a in areas])[streets.area]
    away = np.minimum(np.hypot(*(streets.at - town).T) / reach, 2)
    score = away + 0.12 * decile + 0.7 * country
    return np.asarray(score + chance.normal(0, 0.5, len(score)))


def care_home_streets(
    chance: Chance,
    settings: Settings,
    figures: Figures,
    divisions: Divisions,
    streets: Streets,
) -> np.ndarray:
    """Streets in towns that have a care home, one each."""
    number = max(2, settings.residents // RESIDENTS_PER_HOME)
    found = []
    district = np.array([area.district for area in divisions.areas])[streets.area]
    town = np.array([area.urban for area in divisions.areas])[streets.area] & ~streets.tower
    for i, count in enumerate(quota(number, figures.population)):
        found.append(chance.choice(np.flatnonzero(town & (district == i)), count, replace=False))
    return np.sort(np.concatenate(found))


def buildings(
    chance: Chance, streets: Streets, street: np.ndarray, kind: np.ndarray, country: np.ndarray
) -> np.ndarray:
    """Towers, care homes, and one in twelve of the country's detached houses a farm."""
    building = np.where(streets.tower[street], TOWER, 0).astype(np.uint8)
    building[kind == CARE_HOME] = CARE
    houses = np.flatnonzero(country & (kind == DETACHED))
    building[chance.choice(houses, round(len(houses) / 12), replace=False)] = FARM
    return building


def places(
    chance: Chance,
    streets: Streets,
    street: np.ndarray,
    kind: np.ndarray,
    building: np.ndarray,
    country: np.ndarray,
) -> Points:
    """Where each home stands, whole metres, no further from its street's middle than `clear`."""
    rank = np.arange(len(street)) - np.searchsorted(street, street)
    size = np.bincount(street, minlength=len(streets.size))[street]
    clear = streets.clear[street]
    wanted = np.where(country, 24.0, 9.0)
    room = np.sqrt((clear - 2) ** 2 - APART**2) * 2
    step = np.minimum(wanted, room / np.maximum((size + 1) // 2, 1))
    along = (rank // 2 - (size - 1) // 2 / 2) * step
    side = np.where(rank % 2, APART, -APART)
    theta = chance.uniform(0, np.pi, len(streets.size))[street]
    away = np.column_stack(
        (along * np.cos(theta) - side * np.sin(theta), along * np.sin(theta) + side * np.cos(theta))
    )
    away[building == TOWER] = 0
    farms = building == FARM
    away[farms] = farm_places(chance, clear[farms])
    return np.asarray(np.round(streets.at[street] + away))


def farm_places(chance: Chance, clear: np.ndarray) -> Points:
    """Up to 900 m from the middle of the lane, evenly over that disc."""
    angle = chance.uniform(0, 2 * np.pi, len(clear))
    reach = np.minimum(clear - 2, 900) * np.sqrt(chance.uniform(size=len(clear)))
    return np.asarray(np.column_stack((np.cos(angle), np.sin(angle))) * reach[:, None])


def flood_zones(water: Water, at: Points) -> np.ndarray:
    zone = np.zeros(len(at), dtype=np.uint8)
    for name in ("2", "3"):
        zone[shapely.contains_xy(water.zones[name], at[:, 0], at[:, 1])] = int(name)
    return zone


def drawn_bedrooms(chance: Chance, kind: np.ndarray) -> np.ndarray:
    steps = BEDROOMS.cumsum(axis=1)[kind]
    above = chance.uniform(size=len(kind))[:, None] > steps[:, :4]
    return np.asarray(1 + above.sum(axis=1), dtype=np.uint8)
