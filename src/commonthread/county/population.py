"""The county on its first day: people in households, households in homes of a fitting kind.

Tenures are divided by each district's quotas; which area a household lives in follows the tenures
of small areas of the same deprivation, by iterative proportional fitting.
"""

from __future__ import annotations

import numpy as np

from .figures import ETHNIC_GROUPS, TENURES, Figures, quota
from .households import MALE, People, form, people_of
from .place import Place
from .settings import MISSING, Settings
from .state import NOBODY, State

Array = np.ndarray
SHARED_NAME = 0.84  # assumption: married women who bear their husband's name
MARRIED = 0.76  # ONS, families and households 2021: married among couples who live together
TWIN = 0.35  # of siblings of one age, those born on one day; others are a year less a day apart
OWNS, MORTGAGE, SHARED, COUNCIL, ASSOCIATION, LANDLORD, OTHER, FREE = range(len(TENURES))
BEDS_TAKEN = 0.88  # Care Quality Commission, State of Care: occupancy of care homes
CANARY_FAMILY = "Zz"


def settle(settings: Settings, figures: Figures, place: Place) -> State:
    """Everybody of the first day, housed and named."""
    state = State(settings, figures, place)
    chance = settings.generator("population")
    numbers = quota(settings.residents, figures.population)
    for district, number in enumerate(numbers.tolist()):
        _settle_district(state, district, number, chance)
    _plant_canaries(state, settings)
    return state


def _settle_district(state: State, district: int, number: int, chance: np.random.Generator) -> None:
    figures = state.figures
    at = state.place.addresses
    areas = np.asarray([area.district for area in state.place.areas])
    local = np.flatnonzero(areas[at.area] == district)
    care = local[at.beds[local] > 0]
    private = local[at.beds[local] == 0]
    people = people_of(district, number, figures, chance)
    beds = int(at.beds[care].sum() * BEDS_TAKEN)
    wanted = min(round(number * figures.households_per_person[district]), len(private))
    count = form(people, wanted, beds, chance)
    persons = _enter(state, people, district, chance)
    tenure = _tenures(people, count, figures.tenure[district], chance)
    homes = _homes(state, people, private, tenure, chance)
    in_home = np.flatnonzero(people.home != NOBODY)
    place_of = homes[people.home[in_home]]
    since = np.full(len(in_home), MISSING)
    state.house(persons[in_home], place_of, since, tenure[people.home[in_home]])
    communal = np.flatnonzero(people.communal)
    rooms = np.repeat(care, at.beds[care])
    rooms = chance.permutation(rooms)[: len(communal)]
    state.house(
        persons[communal], rooms, np.full(len(communal), MISSING), np.full(len(communal), OTHER)
    )


def _enter(state: State, people: People, district: int, chance: np.random.Generator) -> Array:
    """Add the people with birthdays, names and hidden frailty."""
    first = state.count
    number = len(people.age)
    born = state.settings.start - np.ceil((people.age + chance.random(number)) * 365.2425)
    born = np.minimum(born, state.settings.start - 1).astype(np.int32)
    twin = _twins(people, born, chance)
    ethnic = chance.permutation(
        np.repeat(
            np.arange(len(ETHNIC_GROUPS)), quota(number, state.figures.ethnic_groups[district])
        )
    )
    persons = state.add(number, born=born, sex=people.sex, ethnic=ethnic)
    for name in ("mother", "father", "partner"):
        other = getattr(people, name)
        state[name][persons] = np.where(other == NOBODY, NOBODY, other + first)
    state["twin"][persons] = np.where(twin == NOBODY, NOBODY, twin + first)
    state.identify(persons, chance)
    _name_families(state, persons, people, chance)
    _health(state, persons, people.age, district, chance)
    return persons


def _twins(people: People, born: Array, chance: np.random.Generator) -> Array:
    """Siblings of one age are twins, or, changing `born`, are not born on days too near."""
    twin = np.full(len(born), NOBODY)
    children = np.flatnonzero((people.mother != NOBODY) & (people.age < 18))
    order = children[np.lexsort((children, people.age[children], people.mother[children]))]
    elder, younger = order[:-1], order[1:]
    alike = (people.mother[elder] == people.mother[younger]) & (
        people.age[elder] == people.age[younger]
    )
    alike &= ~np.append(False, alike[:-1])
    elder, younger = elder[alike], younger[alike]
    chosen = chance.random(len(elder)) < TWIN
    born[younger[chosen]] = born[elder[chosen]]
    twin[younger[chosen]], twin[elder[chosen]] = elder[chosen], younger[chosen]
    return twin


def _name_families(
    state: State, persons: Array, people: People, chance: np.random.Generator
) -> None:
    """Everybody a name of their own; wives mostly their husbands', children their fathers'."""
    own = state.surnames(len(persons), chance)
    paired = np.flatnonzero((people.partner != NOBODY) & (np.arange(len(persons)) < people.partner))
    other = people.partner[paired]
    wed = chance.random(len(paired)) < np.where(people.age[paired] < 30, 0.3, MARRIED)
    state["married"][persons[paired[wed]]] = True
    state["married"][persons[other[wed]]] = True
    takes = wed & (chance.random(len(paired)) < SHARED_NAME)
    man = np.where(people.sex[paired] == MALE, paired, other)[takes]
    woman = np.where(people.sex[paired] == MALE, other, paired)[takes]
    own[woman] = own[man]
    children = np.flatnonzero(people.mother != NOBODY)
    parent = np.where(
        people.father[children] != NOBODY, people.father[children], people.mother[children]
    )
    own[children] = own[parent]
    state["family"][persons] = own
    state["family_now"][persons] = own


def _health(
    state: State, persons: Array, age: Array, district: int, chance: np.random.Generator
) -> None:
    """Frailty, 0 to 1 and rising with age, is a hidden cause; disability rests on it by quota."""
    frail = np.clip(chance.beta(1.6, 6, len(age)) + np.maximum(age - 60, 0) * 0.012, 0, 1)
    state["frail"][persons] = frail
    number = round(len(age) * state.figures.disabled[district])
    score = frail + chance.normal(0, 0.15, len(age))
    state["disabled"][persons[np.argsort(-score)[:number]]] = True


def _tenures(people: People, count: int, shares: Array, chance: np.random.Generator) -> Array:
    """A tenure for each household, by the district's quotas: likelier households come first."""
    home, lives = people.home, people.home != NOBODY
    oldest = np.zeros(count)
    np.maximum.at(oldest, home[lives], people.age[lives])
    grown = np.bincount(home[lives & (people.age >= 18)], minlength=count)
    young = np.bincount(home[lives & (people.age < 18)], minlength=count)
    pair = np.bincount(home[lives & (people.partner != NOBODY)], minlength=count) > 0
    numbers = quota(count, shares)
    likely = {
        OWNS: oldest + chance.normal(0, 9, count),
        MORTGAGE: 14 * pair - abs(oldest - 44) + chance.normal(0, 9, count),
        SHARED: -abs(oldest - 35) + chance.normal(0, 10, count),
        COUNCIL: 12 * ((grown == 1) & (young > 0)) + chance.normal(0, 14, count),
        ASSOCIATION: 12 * ((grown == 1) & (young > 0)) + chance.normal(0, 14, count),
        OTHER: chance.random(count),
        FREE: chance.random(count),
        LANDLORD: chance.random(count),
    }
    tenure = np.full(count, NOBODY, np.int8)
    for kind, score in likely.items():
        left = np.flatnonzero(tenure == NOBODY)
        tenure[left[np.argsort(-score[left], kind="stable")[: numbers[kind]]]] = kind
    return tenure


def _homes(
    state: State, people: People, private: Array, tenure: Array, chance: np.random.Generator
) -> Array:
    """An address for each household."""
    at = state.place.addresses
    area = at.area[private]
    areas = np.unique(area)
    decile = np.asarray([state.place.areas[each].decile for each in areas.tolist()]) - 1
    dwellings = np.bincount(np.searchsorted(areas, area), minlength=len(areas))
    table = _fitted(
        dwellings[:, None] * (state.figures.tenure_by_decile[decile] + 1e-4),
        dwellings * (len(tenure) / len(private)),
        np.bincount(tenure, minlength=len(TENURES)),
    )
    given = _whole(table, np.bincount(tenure, minlength=len(TENURES)), dwellings)
    size = np.bincount(people.home[people.home != NOBODY], minlength=len(tenure))
    chosen = np.full(len(tenure), NOBODY, np.int64)
    where = np.empty(len(tenure), np.int64)
    for kind in range(len(TENURES)):
        homes = chance.permutation(np.flatnonzero(tenure == kind))
        where[homes] = np.repeat(np.arange(len(areas)), given[:, kind])
    wish = size + np.where(tenure <= MORTGAGE, 1.0, -0.5) + chance.normal(0, 0.8, len(tenure))
    room = at.bedrooms[private] + (at.kind[private] < 2) + chance.normal(0, 0.5, len(private))
    empty = chance.random(len(private))
    local = np.searchsorted(areas, area)
    for place in range(len(areas)):
        homes, here = np.flatnonzero(where == place), np.flatnonzero(local == place)
        here = here[np.argsort(empty[here])[: len(homes)]]
        chosen[homes[np.argsort(wish[homes])]] = private[here[np.argsort(room[here])]]
    return chosen


def _fitted(table: Array, rows: Array, columns: Array) -> Array:
    """Iterative proportional fitting of a table to sums of its rows and columns."""
    for _ in range(60):
        table = table * (rows / table.sum(axis=1))[:, None]
        table = table * (columns / np.maximum(table.sum(axis=0), 1e-12))
    return table


def _whole(table: Array, columns: Array, most: Array) -> Array:
    """Whole numbers near a table's: columns add up exactly, no row to more than `most`."""
    found = np.stack(
        [
            quota(int(columns[kind]), table[:, kind] / max(table[:, kind].sum(), 1e-12))
            for kind in range(table.shape[1])
        ],
        axis=1,
    )
    over = found.sum(axis=1) - most
    for row in np.flatnonzero(over > 0):
        for _ in range(int(over[row])):
            kind = int(np.argmax(found[row]))
            spare = int(np.argmax(most - found.sum(axis=1)))
            found[row, kind] -= 1
            found[spare, kind] += 1
    return found


def _plant_canaries(state: State, settings: Settings) -> None:
    """Some people of every district whom no agreement covers, under names that nobody has."""
    chance = settings.generator("canaries")
    adults = np.flatnonzero(state["born"] < settings.start - 20 * 366)
    chosen = np.sort(chance.choice(adults, settings.canaries, replace=False))
    letters = chance.integers(0, 26, (settings.canaries, 6))
    for person, row in zip(chosen.tolist(), letters.tolist(), strict=True):
        name = CANARY_FAMILY + "".join(chr(97 + letter) for letter in row)
        state["family"][person] = state["family_now"][person] = name
        state["canary"][person] = True


def district_of(state: State, persons: Array) -> Array:
    """The district in which each person lives now; a place in `figures.districts`."""
    areas = np.asarray([area.district for area in state.place.areas])
    return areas[state.place.addresses.area[state["address"][persons]]]
