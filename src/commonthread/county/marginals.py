"""How near the county comes to the public figures that it is made to match."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .figures import DWELLINGS, ETHNIC_GROUPS, OLDEST, TENURES
from .households import SEX_BANDS
from .world import World

Array = np.ndarray
BAND = 5
WITHIN = 0.02


@dataclass(frozen=True, slots=True)
class Marginal:
    """One table of figures. `wanted`, `found`: shares, each [district, kind] or [kind].

    `farthest` is the largest difference of a share, from 0 to 1.
    """

    name: str
    kinds: tuple[str, ...]
    wanted: Array
    found: Array

    @property
    def farthest(self) -> float:
        return float(np.abs(self.wanted - self.found).max())


def marginals(world: World) -> list[Marginal]:
    """Every figure that the county is held to, on its first day."""
    return list(_marginals(world))


def _marginals(world: World) -> Iterator[Marginal]:
    figures, start = world.figures, world.settings.start
    here = world.here_at(start)
    days = np.full(len(here), start)
    address = world.address_at(here, days)
    areas = np.asarray([area.district for area in world.place.areas])
    decile = np.asarray([area.decile for area in world.place.areas])
    at = world.place.addresses
    district = areas[at.area[address]]
    age = np.minimum(world.age_at(here, start), OLDEST)
    bands = tuple(f"{first}-{first + BAND - 1}" for first in range(0, OLDEST + 1, BAND))
    wanted = np.add.reduceat(figures.ages, np.arange(0, OLDEST + 1, BAND), axis=1)
    yield Marginal("people by age", bands, wanted, _shares(district, age // BAND, len(bands)))
    yield Marginal(
        "women, by age", ("<16", "16-64", "65-74", "75+"), *_women(world, here, district)
    )
    yield Marginal(
        "people by district",
        figures.districts,
        figures.population,
        np.bincount(district, minlength=6) / len(here),
    )
    private = at.beds[address] == 0
    homes, first = np.unique(address[private], return_index=True)
    home_district = areas[at.area[homes]]
    size = np.bincount(district, minlength=6) / np.bincount(home_district, minlength=6)
    yield Marginal(
        "households per person", figures.districts, figures.households_per_person, 1 / size
    )
    tenure = world.tenure_at(here, days)[private][first]
    yield Marginal("tenure", TENURES, figures.tenure, _shares(home_district, tenure, len(TENURES)))
    plain = at.beds == 0
    yield Marginal(
        "kind of dwelling",
        DWELLINGS,
        figures.dwellings,
        _shares(areas[at.area[plain]], at.kind[plain], len(DWELLINGS)),
    )
    groups = world.people.ethnic[here]
    yield Marginal(
        "ethnic group", ETHNIC_GROUPS, figures.ethnic_groups, _shares(district, groups, 5)
    )
    disabled = np.bincount(district, world.people.disabled[here], 6) / np.bincount(district)
    yield Marginal("disabled", figures.districts, figures.disabled, disabled)
    spread = np.average(figures.deciles, axis=0, weights=figures.population)
    found = np.bincount(decile[at.area[address]] - 1, minlength=10) / len(here)
    yield Marginal("people by deprivation decile", tuple(map(str, range(1, 11))), spread, found)


def _women(world: World, here: Array, district: Array) -> tuple[Array, Array]:
    age = world.age_at(here, world.settings.start)
    band = np.searchsorted(SEX_BANDS, age, side="right")
    women = world.people.sex[here] == 0
    cell = district * 4 + band
    whole = np.maximum(np.bincount(cell, minlength=24), 1)
    return world.figures.female, (np.bincount(cell, women, 24) / whole).reshape(6, 4)


def _shares(district: Array, kind: Array, kinds: int) -> Array:
    counts = np.bincount(district * kinds + kind, minlength=6 * kinds).reshape(6, kinds)
    return counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
