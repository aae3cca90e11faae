"""The place: its divisions, river, ways and addresses, all drawn from a seed and none copied.

    place = make_place(Settings(residents=20_000, seed=1), figures())

Coordinates are metres on a frame like the British National Grid's (EPSG:27700), in a county of its
own that lies over a real one without having any of its shapes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shapely.geometry import LineString, Polygon

from .addresses import KINDS, Addresses, make_addresses
from .figures import Figures
from .geography import MAIN_TOWN, Area, District, Ward, divide
from .settings import Settings
from .water import make_water
from .ways import Path, Road, Village, make_paths, make_roads, make_villages

__all__ = [
    "KINDS",
    "RIVER",
    "Addresses",
    "Area",
    "District",
    "Path",
    "Place",
    "Road",
    "Village",
    "Ward",
    "make_place",
]

RIVER = "River Wyche"


@dataclass(frozen=True, slots=True)
class Place:
    """Everything that lies still.

    - small areas cover wards, wards cover districts, districts cover `boundary`, without overlap
    - `flood_plain` is zone "2", which holds zone "3"
    - `addresses.area` counts `areas`, an area's `ward` and `district` count `wards`, `districts`
    """

    boundary: Polygon
    districts: tuple[District, ...]
    wards: tuple[Ward, ...]
    areas: tuple[Area, ...]
    river: LineString
    flood_plain: Polygon
    zones: Mapping[str, Polygon]
    villages: tuple[Village, ...]
    roads: tuple[Road, ...]
    paths: tuple[Path, ...]
    addresses: Addresses


def make_place(settings: Settings, figures: Figures) -> Place:
    """The same settings and figures give the same place."""
    divisions = divide(settings, figures)
    main = figures.districts.index(MAIN_TOWN)
    water = make_water(settings.generator("place.water"), divisions, main)
    villages = make_villages(settings.generator("place.villages"), divisions, water)
    return Place(
        boundary=divisions.boundary,
        districts=divisions.districts,
        wards=divisions.wards,
        areas=divisions.areas,
        river=water.river,
        flood_plain=water.flood_plain,
        zones=water.zones,
        villages=villages,
        roads=make_roads(settings.generator("place.roads"), divisions, water, villages),
        paths=make_paths(settings.generator("place.paths"), divisions, water, villages),
        addresses=make_addresses(settings, figures, divisions, water, villages),
    )
