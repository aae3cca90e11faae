"""Who lives with whom at the beginning: people of the right ages, put together into households.

Ages and sexes are divided by exact quotas. Couples, parents and children are then matched by sorted
order (the oldest likely mother gets the oldest likely child), so that differences of age come out
as they should without a search. Household formation has no published table here; its assumptions
stand beside the constants, and the number of households is the census's, exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .figures import OLDEST, Figures, quota

Array = np.ndarray
FEMALE, MALE = 0, 1
NOBODY = -1
SEX_BANDS = (16, 65, 75)
# Assumptions, near the Census 2021 for England: the share that lives with parents, by age, and the
# share of women and of men in a couple, by the first age of a band.
WITH_PARENTS = {18: 0.9, 20: 0.7, 22: 0.55, 25: 0.35, 28: 0.2, 31: 0.08, 36: 0.04, 46: 0.0}
COUPLED = {
    FEMALE: {18: 0.08, 22: 0.25, 25: 0.55, 30: 0.7, 40: 0.7, 65: 0.64, 75: 0.45, 85: 0.2},
    MALE: {18: 0.04, 22: 0.18, 25: 0.45, 30: 0.65, 40: 0.7, 65: 0.72, 75: 0.65, 85: 0.45},
}
MOTHERS_AGE, MOTHERS_SPREAD, YOUNGEST_MOTHER, OLDEST_MOTHER = 30.0, 5.0, 17, 44
CHILDREN_PER_FAMILY = 1.72
OLDER_MAN, GAP_SPREAD = 2.0, 3.0


@dataclass
class People:
    """Arrays of one length for the people of one district; indices are places in it.

    `home`: a number for each household, `NOBODY` until given. `head`: is the household named after.
    """

    age: Array
    sex: Array
    partner: Array
    mother: Array
    father: Array
    home: Array
    communal: Array


def by_age(table: dict[int, float], age: Array) -> Array:
    """The value of the last band that begins at or below each age; 0 below the first."""
    starts = np.asarray(sorted(table))
    values = np.asarray([0.0, *(table[start] for start in sorted(table))])
    return values[np.searchsorted(starts, age, side="right")]


def people_of(district: int, number: int, figures: Figures, chance: np.random.Generator) -> People:
    """So many people of a district's ages and sexes, exactly, in order of age."""
    age = np.repeat(np.arange(OLDEST + 1), quota(number, figures.ages[district]))
    sex = np.empty(number, np.int8)
    band = np.searchsorted(SEX_BANDS, age, side="right")
    for place in range(len(SEX_BANDS) + 1):
        members = np.flatnonzero(band == place)
        women = quota(len(members), np.array([figures.female[district, place], 1.0]))[0]
        women = round(len(members) * figures.female[district, place])
        sexes = np.full(len(members), MALE, np.int8)
        sexes[:women] = FEMALE
        sex[members] = chance.permutation(sexes)
    # The last band is open: the years beyond 90 fall off by about a fifth each.
    oldest = age == OLDEST
    beyond = np.minimum(chance.geometric(0.21, int(oldest.sum())) - 1, 17)
    age[oldest] += beyond
    none = np.full(number, NOBODY, np.int32)
    return People(age, sex, none.copy(), none.copy(), none.copy(), none.copy(), none > 0)


def most_likely(weights: Array, number: int, chance: np.random.Generator) -> Array:
    """`number` places drawn without replacement, each in proportion to its weight; sorted."""
    if number <= 0:
        return np.empty(0, np.int64)
    with np.errstate(divide="ignore"):
        keys = np.log(weights) + chance.gumbel(size=len(weights))
    number = min(number, int(np.count_nonzero(weights > 0)))
    return np.sort(np.argpartition(-keys, number - 1)[:number])


def form(people: People, households: int, beds: int, chance: np.random.Generator) -> int:
    """Put the people together in place; the number of private households, of which `home` counts.

    `beds`: places in care homes that are taken.
    """
    frail = np.where(people.age >= 65, np.exp(0.13 * (people.age - 65.0)), 0.0)
    people.communal[most_likely(frail, beds, chance)] = True
    staying = _staying(people, chance)
    _couple(people, staying, chance)
    _give_mothers(people, staying, chance)
    return _number_homes(people, households, chance)


def _staying(people: People, chance: np.random.Generator) -> Array:
    """Children, and the grown up who live with their parents."""
    grown = chance.random(len(people.age)) < by_age(WITH_PARENTS, people.age)
    return (people.age < 18) | (grown & ~people.communal)


def _couple(people: People, staying: Array, chance: np.random.Generator) -> None:
    free = ~staying & ~people.communal
    women = np.flatnonzero(free & (people.sex == FEMALE))
    wanted = chance.random(len(women)) < by_age(COUPLED[FEMALE], people.age[women])
    women = women[wanted]
    weights = np.where(free & (people.sex == MALE), by_age(COUPLED[MALE], people.age), 0.0)
    men = most_likely(weights / np.maximum(1.02 - weights, 0.02), len(women), chance)
    women = women[: len(men)]
    likely = people.age[men] - OLDER_MAN + chance.normal(0, GAP_SPREAD, len(men))
    _match(people, women[np.argsort(people.age[women], kind="stable")], men[np.argsort(likely)])
    _match_same_sex(people, free, chance)


def _match(people: People, some: Array, others: Array) -> None:
    people.partner[some], people.partner[others] = others, some


def _match_same_sex(people: People, free: Array, chance: np.random.Generator) -> None:
    """About one couple in sixty (Census 2021)."""
    for sex in (FEMALE, MALE):
        alone = np.flatnonzero(
            free & (people.sex == sex) & (people.partner == NOBODY) & (people.age < 70)
        )
        chosen = alone[chance.random(len(alone)) < 0.04]
        chosen = chosen[: len(chosen) // 2 * 2]
        _match(people, chosen[::2], chosen[1::2])


def _give_mothers(people: People, staying: Array, chance: np.random.Generator) -> None:
    """Each child gets a mother of a likely age, and her partner as father."""
    children = np.flatnonzero(staying)
    at_birth = np.clip(
        chance.normal(MOTHERS_AGE, MOTHERS_SPREAD, len(children)), YOUNGEST_MOTHER, OLDEST_MOTHER
    )
    likely = people.age[children] + at_birth
    mothers = _mothers(people, staying, likely, round(len(children) / CHILDREN_PER_FAMILY), chance)
    slots = np.concatenate([mothers, chance.choice(mothers, len(children) - len(mothers))])
    slots = slots[np.lexsort((chance.random(len(slots)), people.age[slots]))]
    children = children[np.argsort(likely, kind="stable")]
    people.mother[children] = slots
    people.father[children] = people.partner[slots]


def _mothers(
    people: People, staying: Array, likely: Array, number: int, chance: np.random.Generator
) -> Array:
    """Women of the ages that the children's likely mothers have; women in couples come first."""
    able = (people.sex == FEMALE) & ~staying & ~people.communal & (people.age >= 18)
    wanted = np.bincount(chance.choice(likely, number).astype(int), minlength=110)
    found, carried = [], 0
    for age in range(18, 100):
        candidates = np.flatnonzero(able & (people.age == age))
        alone = people.partner[candidates] == NOBODY
        order = np.argsort(alone * 0.75 + chance.random(len(candidates)), kind="stable")
        take = min(len(candidates), wanted[age] + carried)
        carried += wanted[age] - take
        found.append(candidates[order[:take]])
    return np.concatenate(found)


def _number_homes(people: People, households: int, chance: np.random.Generator) -> int:
    private = ~people.communal
    leads = private & (people.mother == NOBODY)
    paired = leads & (people.partner != NOBODY)
    first = paired & (np.arange(len(people.age)) < people.partner)
    is_mother = np.zeros(len(people.age), bool)
    is_mother[people.mother[people.mother != NOBODY]] = True
    lone_parents = leads & ~paired & is_mother
    fixed = np.concatenate([np.flatnonzero(first), np.flatnonzero(lone_parents)])
    people.home[fixed] = np.arange(len(fixed))
    couples = np.flatnonzero(first)
    people.home[people.partner[couples]] = people.home[couples]
    count = _singles(people, leads & ~paired & ~is_mother, len(fixed), households, chance)
    children = np.flatnonzero(people.mother != NOBODY)
    people.home[children] = people.home[people.mother[children]]
    return count


def _singles(
    people: People, alone: Array, first: int, households: int, chance: np.random.Generator
) -> int:
    """Everybody left is alone, but for as many sharers as the number of households asks for."""
    singles = np.flatnonzero(alone)
    keeping = min(max(households - first, 1), len(singles))
    shares = np.where(people.age[singles] < 35, 6.0, np.where(people.age[singles] > 74, 2.0, 1.0))
    joining = most_likely(shares, len(singles) - keeping, chance)
    hosts = np.delete(singles, joining)
    people.home[hosts] = first + np.arange(len(hosts))
    guests = singles[joining]
    guests = guests[np.argsort(people.age[guests], kind="stable")]
    # Sharers are of an age: places among the hosts in the same order, with some disorder.
    hosts = hosts[np.argsort(people.age[hosts], kind="stable")]
    place = np.linspace(0, len(hosts) - 1, len(guests)) if len(guests) else np.empty(0)
    place = np.clip(place + chance.normal(0, 3, len(guests)), 0, len(hosts) - 1).astype(int)
    people.home[guests] = people.home[hosts[place]]
    return first + len(hosts)
