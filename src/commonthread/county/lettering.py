"""What an envelope says: street names, house names and numbers, towns and postcodes.

Postcodes have the form that Royal Mail's guide for PAF gives, in the area WX, which is not in use:
a district for each pair of wards, a sector for each small area, a unit for each street.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import gazetteer
from .geography import Divisions
from .land import Chance

POSTCODE_AREA = "WX"
UNIT_LETTERS = "ABDEFGHJLNPQRSTUWXYZ"  # not C I K M O V
NAMED = 0.12  # share of country houses that have a name and no number
FLATS_IN_A_COURT, FLATS_IN_A_HOUSE = 12, 3
TERRACED, FLAT, CONVERTED, COMMERCIAL, CARAVAN, CARE_HOME = range(2, 8)
TOWER, FARM, CARE = 1, 2, 3
Texts = np.ndarray


@dataclass(frozen=True, slots=True)
class Lettering:
    """One entry for each address, but `streets`: one for each street."""

    number: np.ndarray
    line1: Texts
    town: Texts
    postcode: Texts
    streets: Texts


def letter(
    chance: Chance,
    divisions: Divisions,
    street_area: np.ndarray,
    street: np.ndarray,
    kind: np.ndarray,
    building: np.ndarray,
    country: np.ndarray,
) -> Lettering:
    """Names and numbers for homes sorted by street; no two homes of one street read alike."""
    streets = street_names(chance, divisions, street_area)
    seeds = chance.integers(0, 1_000_000, len(streets))
    rank = np.arange(len(street)) - np.searchsorted(street, street)
    numbers = house_numbers(street, kind, rank)
    named = country & (kind < FLAT) & (chance.uniform(size=len(street)) < NAMED)
    numbers[named | (building == FARM)] = 0
    line1 = np.empty(len(street), dtype=object)
    columns = (rank, numbers, kind, building, street, seeds[street])
    lists = (column.tolist() for column in columns)
    line1[:] = [
        line(place, number, what, built, streets[on], seed)
        for place, number, what, built, on, seed in zip(*lists, strict=True)
    ]
    towns = [divisions.districts[area.district].name for area in divisions.areas]
    town = np.array(towns, dtype=object)[street_area[street]]
    return Lettering(numbers, line1, town, postcodes(divisions, street_area)[street], streets)


def house_numbers(street: np.ndarray, kind: np.ndarray, rank: np.ndarray) -> np.ndarray:
    """1, 2, 3 … along the street; flats are numbered through their street's blocks."""
    numbers = rank + 1
    for what in (FLAT, CONVERTED):
        chosen = np.flatnonzero(kind == what)
        on = street[chosen]
        numbers[chosen] = np.arange(len(chosen)) - np.searchsorted(on, on) + 1
    return numbers.astype(np.int32)


def line(place: int, number: int, kind: int, building: int, street: str, seed: int) -> str:
    """The first line of an address; `place` is the home's rank on its street."""
    if building == TOWER:
        return f"Flat {number}, {pick(gazetteer.BLOCKS, seed)} House"
    if building == FARM:
        return f"{pick(gazetteer.FARMS, seed + place)} Farm"
    if kind == CARE_HOME:
        return f"{pick(gazetteer.HOMES, seed)} Care Home, {number} {street}"
    if kind == FLAT:
        block, flat = divmod(number - 1, FLATS_IN_A_COURT)
        return f"Flat {flat + 1}, {pick(gazetteer.COURTS, seed + block)} Court, {street}"
    if kind == CONVERTED:
        # Numbered past the street's end: houses of several flats may not share a house's number.
        house, flat = divmod(number - 1, FLATS_IN_A_HOUSE)
        return f"Flat {flat + 1}, {41 + house} {street}"
    if kind == COMMERCIAL:
        return f"{number}A {street}"
    if kind == CARAVAN:
        return f"{number} {street} Park"
    return f"{number} {street}" if number else f"{pick(gazetteer.COTTAGES, seed + place)}, {street}"


def pick(words: list[str], index: int) -> str:
    return words[index % len(words)]


def street_names(chance: Chance, divisions: Divisions, street_area: np.ndarray) -> Texts:
    """Names of streets: none comes twice in one post town unless all are used up."""
    names = np.empty(len(street_area), dtype=object)
    urban = np.array([area.urban for area in divisions.areas])[street_area]
    district = np.array([area.district for area in divisions.areas])[street_area]
    for i in range(len(divisions.districts)):
        for in_town, kinds in ((True, gazetteer.TOWN_STREETS), (False, gazetteer.COUNTRY_STREETS)):
            chosen = np.flatnonzero((district == i) & (urban == in_town))
            names[chosen] = drawn_names(chance, kinds, len(chosen))
    return names


def drawn_names(chance: Chance, kinds: list[str], number: int) -> list[str]:
    """The plain names first; when they run out, Upper, Lower and so on."""
    stems, forms = gazetteer.STREET_STEMS, gazetteer.STREET_FORMS
    found: list[str] = []
    turn = 0
    while len(found) < number:
        form = forms[turn % len(forms)]
        for index in chance.permutation(len(stems) * len(kinds))[: number - len(found)]:
            stem, kind = stems[index // len(kinds)], kinds[index % len(kinds)]
            found.append(form.format(f"{stem} {kind}"))
        turn += 1
    return found


def postcodes(divisions: Divisions, street_area: np.ndarray) -> Texts:
    """One for each street: "WX12 3AB"."""
    outward = outward_codes(divisions)
    ward = np.array([area.ward for area in divisions.areas])
    pair = outward[ward]
    # Areas that share an outward code take its digits in turn.
    digit = np.array([int((pair[:i] == pair[i]).sum()) for i in range(len(pair))])
    within = np.arange(len(street_area)) - np.searchsorted(street_area, street_area)
    found = np.empty(len(street_area), dtype=object)
    for i, (area, unit) in enumerate(zip(street_area.tolist(), within.tolist(), strict=True)):
        first, second = divmod(unit, len(UNIT_LETTERS))
        letters = UNIT_LETTERS[first] + UNIT_LETTERS[second]
        found[i] = f"{POSTCODE_AREA}{pair[area]} {digit[area] % 10}{letters}"
    return found


def outward_codes(divisions: Divisions) -> np.ndarray:
    """Number of the postcode district of each ward: two wards of one district share one."""
    numbers, last = [], 0
    seen: dict[int, int] = {}
    for ward in divisions.wards:
        if seen.get(ward.district, 0) % 2 == 0:
            last += 1
        seen[ward.district] = seen.get(ward.district, 0) + 1
        numbers.append(last)
    return np.array(numbers)
