"""Five years, a month at a time: births, deaths, marriages, separations, moves, comings and goings.

All rates are per year and stand in `RATES`, each with its source or marked as an assumption.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .figures import TENURES
from .households import MALE, by_age
from .settings import NEVER
from .state import NOBODY, VACANT, State
from .world import NOWHERE

Array = np.ndarray
YEAR = 365.2425
LANDLORD = TENURES.index("private-landlord")
CARE = TENURES.index("private-other")
FIXED_TENURE = {"council", "housing-association"}


@dataclass(frozen=True)
class Rates:
    """Per person, couple or household and year, unless it is said otherwise."""

    # ONS national life tables, 2020-2022: deaths double about every 8 years of age from 30 on.
    death_at_75: float = 0.0225
    death_growth: float = 0.098
    death_of_men: float = 1.35
    winter: float = 0.18  # ONS weekly deaths: January over the mean of the year
    # ONS births 2021: by the mother's age, per woman.
    fertility: tuple[tuple[int, float], ...] = (
        *((16, 0.01), (20, 0.05), (25, 0.105), (30, 0.12), (35, 0.07), (40, 0.015), (45, 0.0)),
    )
    coupled_fertility: float = 1.35  # assumption
    twins: float = 0.015  # ONS births 2021: maternities of more than one child
    marriage: float = 0.07  # assumption: of couples who live together unmarried
    separation: float = 0.009  # ONS divorces 2021: about nine in a thousand marriages
    takes_name: float = 0.72  # assumption: wives who take their husband's name
    reverts_name: float = 0.3  # assumption
    leaves_home: float = 0.04  # assumption, from 18 to 34
    pairs: float = 0.18  # assumption, single people from 20 to 55
    # English Housing Survey 2021-22: households moving in a year, by tenure.
    move: tuple[float, ...] = (0.03, 0.055, 0.06, 0.06, 0.06, 0.22, 0.15, 0.1)
    leaves_county: float = 0.32  # ONS internal migration: share of movers who leave a county
    care_home_at_85: float = 0.05  # assumption
    deed_poll: float = 0.0006  # assumption: other changes of a family name


RATES = Rates()
CAUSES = (
    *("dementia", "heart disease", "cancer", "respiratory disease", "stroke", "accident", "other"),
)
CAUSE_SHARES = (0.13, 0.17, 0.27, 0.12, 0.06, 0.04, 0.21)


class Life:
    """Moves a `State` on by a month at a time."""

    def __init__(self, state: State, rates: Rates = RATES) -> None:
        self.state, self.rates = state, rates
        self.chance = state.settings.generator("life")

    def month(self, first: int, days: int) -> None:
        """One month of `days` days from the day `first` on."""
        self.first, self.days = first, days
        self.part = days / YEAR
        self.season = np.cos(2 * np.pi * ((first % YEAR) - 15) / YEAR)
        self._deaths()
        self._births()
        self._marriages()
        self._separations()
        self._new_names()
        self._leaving_home()
        self._pairs()
        self._moves()
        self._care_homes()

    def _when(self, number: int) -> Array:
        return self.first + self.chance.integers(0, self.days, number)

    def _age(self, persons: Array) -> Array:
        return (self.first - self.state["born"][persons]) / YEAR

    def _happens(self, rate: Array) -> Array:
        return self.chance.random(len(rate), np.float32) < rate * self.part

    def _vacant(self) -> Array:
        """Homes that nobody lives in, in an order of chance; care homes are not among them."""
        state = self.state
        empty = (state.occupants() == 0) & (state.place.addresses.beds == 0)
        state.tenure[empty] = VACANT
        return self.chance.permutation(np.flatnonzero(empty))

    # Ends and beginnings

    def _deaths(self) -> None:
        state, rates = self.state, self.rates
        here = state.here()
        age = self._age(here)
        decile = self._decile(state["address"][here])
        rate = rates.death_at_75 * np.exp(rates.death_growth * (age - 75))
        rate *= np.where(state["sex"][here] == MALE, rates.death_of_men, 1.0)
        rate *= (1 + rates.winter * self.season) * (1.25 - 0.04 * decile)
        rate *= 0.5 + 1.6 * state["frail"][here]
        dead = here[self._happens(np.where(age < 1, 0.004, np.minimum(rate, 2.0)))]
        when = self._when(len(dead))
        when = np.maximum(when, state["born"][dead] + 1)
        state["died"][dead] = when
        cause = np.asarray(CAUSES, object)[
            self.chance.choice(len(CAUSES), len(dead), p=CAUSE_SHARES)
        ]
        state.happened("death", person=dead, day=when, cause=cause)
        self._end(dead)

    def _decile(self, addresses: Array) -> Array:
        deciles = np.asarray([area.decile for area in self.state.place.areas])
        return deciles[self.state.place.addresses.area[addresses]]

    def _end(self, persons: Array) -> None:
        """They live here no more; whoever was with them is alone."""
        state = self.state
        others = state["partner"][persons]
        others = others[others != NOBODY]
        state["partner"][others] = NOBODY
        state["married"][others] = False
        state.gone(persons)

    def _births(self) -> None:
        state, rates = self.state, self.rates
        here = state.here()
        women = here[(state["sex"][here] != MALE)]
        rate = by_age(dict(rates.fertility), self._age(women).astype(int))
        rate = rate * np.where(state["partner"][women] != NOBODY, rates.coupled_fertility, 0.55)
        mothers = women[
            self._happens(rate * (1 + 0.04 * np.cos(2 * np.pi * (self.first % YEAR - 265) / YEAR)))
        ]
        when = self._when(len(mothers))
        twins = self.chance.random(len(mothers)) < rates.twins
        one = self._born(mothers, when)
        two = self._born(mothers[twins], when[twins])
        state["twin"][two], state["twin"][one[twins]] = one[twins], two

    def _born(self, mothers: Array, when: Array) -> Array:
        state = self.state
        father = state["partner"][mothers]
        father = np.where((father != NOBODY) & (state["sex"][father] == MALE), father, NOBODY)
        named = np.where(father != NOBODY, father, mothers)
        family = state["family_now"][named]
        babies = state.add(
            len(mothers),
            born=when,
            arrived=when,
            sex=self.chance.random(len(mothers)) < 0.513,
            ethnic=state["ethnic"][mothers],
            mother=mothers,
            father=father,
            family=family,
            family_now=family,
            frail=np.clip(self.chance.beta(1.6, 6, len(mothers)), 0, 1),
            canary=state["canary"][mothers],
        )
        state.identify(babies, self.chance)
        home = state["address"][mothers]
        state.house(babies, home, when, state.tenure[home])
        state.happened("birth", person=babies, mother=mothers, day=when)
        return babies

    # Couples and names

    def _couples(self) -> Array:
        """One of each couple that lives here, the one with the lower number."""
        state = self.state
        here = state.here()
        partner = state["partner"][here]
        return here[(partner != NOBODY) & (here < partner)]

    def _marriages(self) -> None:
        state, rates = self.state, self.rates
        some = self._couples()
        some = some[~state["married"][some]]
        some = some[self._happens(np.full(len(some), rates.marriage * (1 - 0.6 * self.season)))]
        others, when = state["partner"][some], self._when(len(some))
        state["married"][some] = state["married"][others] = True
        state.happened("marriage", person=some, other=others, day=when)
        wife = np.where(state["sex"][some] == MALE, others, some)
        husband = np.where(wife == some, others, some)
        takes = self.chance.random(len(some)) < rates.takes_name
        self._rename(wife[takes], state["family_now"][husband[takes]], when[takes])

    def _rename(self, persons: Array, names: Array, when: Array) -> None:
        """A person changes the family name once in these years at most; canaries never do."""
        state = self.state
        able = (state["family_changed"][persons] == NEVER) & ~state["canary"][persons]
        able &= state["family_now"][persons] != names
        persons, names, when = persons[able], names[able], when[able]
        old = state["family_now"][persons]
        state["family_now"][persons], state["family_changed"][persons] = names, when
        state.happened("name-change", person=persons, day=when, old=old, new=names)

    def _separations(self) -> None:
        state, rates = self.state, self.rates
        some = self._couples()
        some = some[self._happens(np.full(len(some), rates.separation))]
        homes = self._vacant()
        some = some[: len(homes)]
        others, when = state["partner"][some], self._when(len(some))
        reverts = (state["sex"][others] != MALE) & (
            self.chance.random(len(some)) < rates.reverts_name
        )
        self._rename(
            others[reverts], state.surnames(int(reverts.sum()), self.chance), when[reverts]
        )
        for persons in (some, others):
            state["partner"][persons] = NOBODY
            state["married"][persons] = False
        leaves = np.where(self.chance.random(len(some)) < 0.6, others, some)
        state.house(leaves, homes[: len(some)], when, np.full(len(some), LANDLORD))

    def _new_names(self) -> None:
        here = self.state.here()
        some = here[self._happens(np.full(len(here), self.rates.deed_poll))]
        self._rename(some, self.state.surnames(len(some), self.chance), self._when(len(some)))

    # Homes

    def _with_parents(self, persons: Array) -> Array:
        mother = self.state["mother"][persons]
        home = self.state["address"]
        return (mother != NOBODY) & (home[mother] == home[persons])

    def _leaving_home(self) -> None:
        state = self.state
        here = state.here()
        age = self._age(here)
        young = here[(age >= 18) & (age < 35)]
        young = young[self._with_parents(young)]
        young = young[self._happens(np.full(len(young), self.rates.leaves_home))]
        homes = self._vacant()
        young = young[: len(homes) // 2]
        when = self._when(len(young))
        state.house(young, homes[: len(young)], when, np.full(len(young), LANDLORD))

    def _pairs(self) -> None:
        state = self.state
        here = state.here()
        age = self._age(here)
        single = here[(age >= 20) & (age < 56) & (state["partner"][here] == NOBODY)]
        single = single[self._happens(np.full(len(single), self.rates.pairs))]
        women = single[state["sex"][single] != MALE]
        men = single[state["sex"][single] == MALE]
        number = min(len(women), len(men))
        women, men = self.chance.permutation(women)[:number], self.chance.permutation(men)[:number]
        women = women[np.argsort(state["born"][women], kind="stable")]
        men = men[np.argsort(state["born"][men], kind="stable")]
        fit = ~self._with_parents(women) & (state["mother"][men] != state["mother"][women])
        women, men = women[fit], men[fit]
        state["partner"][women], state["partner"][men] = men, women
        home = state["address"][women]
        state.house(men, home, self._when(len(men)), state.tenure[home])

    def _moves(self) -> None:
        """Whole households change homes, leave the county, or come into it."""
        state, rates = self.state, self.rates
        private = state.place.addresses.beds == 0
        homes = np.flatnonzero((state.tenure != VACANT) & private)
        rate = np.asarray(rates.move)[state.tenure[homes]] * (1 - 0.25 * self.season)
        moving = homes[self._happens(rate)]
        leaving = self.chance.random(len(moving)) < rates.leaves_county
        self._exchange(moving[leaving])
        self._move_within(moving[~leaving])

    def _move_within(self, origins: Array) -> None:
        """The homes that are left, and empty ones, are taken by those who left others."""
        state = self.state
        empty = self._vacant()
        pool = self.chance.permutation(np.concatenate([origins, empty[: len(origins)]]))
        targets = pool[: len(origins)]
        target = np.full(len(state.tenure), NOWHERE)
        changed = targets != origins
        target[origins[changed]] = targets[changed]
        held = state.tenure.copy()
        here = state.here()
        persons = here[target[state["address"][here]] != NOWHERE]
        origin = state["address"][persons]
        day = np.zeros(len(state.tenure), np.int64)
        day[origins] = self._when(len(origins))
        state.tenure[origins[changed]] = VACANT
        # One at a time: whoever was born this month moves after it.
        when = np.maximum(day[origin], state["born"][persons] + 1)
        state.house(persons, target[origin], when, held[origin])

    def _exchange(self, origins: Array) -> None:
        """Households leave, and others like them come: the same ages and ties, other people."""
        state = self.state
        here = state.here()
        leaves = np.zeros(len(state.tenure), bool)
        leaves[origins] = True
        leaves[state["address"][here[state["canary"][here]]]] = False
        persons = here[leaves[state["address"][here]]]
        day = np.zeros(len(state.tenure), np.int64)
        day[origins] = self._when(len(origins))
        origin = state["address"][persons]
        when = np.maximum(day[origin], state["born"][persons] + 1)
        state["left"][persons] = when
        newcomers = self._like(persons, when)
        self._part(persons)
        state.house(
            newcomers, origin, np.minimum(when + 1, self.first + self.days), state.tenure[origin]
        )

    def _like(self, persons: Array, when: Array) -> Array:
        state = self.state
        born = state["born"][persons] + self.chance.integers(-300, 300, len(persons))
        newcomers = state.add(
            len(persons),
            born=np.minimum(born, when - 1),
            arrived=when,
            sex=state["sex"][persons],
            ethnic=state["ethnic"][persons],
            disabled=state["disabled"][persons],
            frail=state["frail"][persons],
            married=state["married"][persons],
        )
        follows = np.full(state.count, NOBODY)
        follows[persons] = newcomers
        for tie in ("mother", "father", "partner"):
            other = state[tie][persons]
            state[tie][newcomers] = np.where(other == NOBODY, NOBODY, follows[np.maximum(other, 0)])
        state.identify(newcomers, self.chance)
        self._name_like(persons, newcomers)
        return newcomers

    def _name_like(self, persons: Array, newcomers: Array) -> None:
        """Who shared a name goes on sharing one."""
        state = self.state
        home = state["address"][persons]
        shared = np.asarray(
            [
                f"{h} {n}"
                for h, n in zip(home.tolist(), state["family_now"][persons].tolist(), strict=True)
            ],
            object,
        )
        _, group = np.unique(shared.astype(str), return_inverse=True)
        names = state.surnames(int(group.max()) + 1 if len(group) else 0, self.chance)
        state["family"][newcomers] = state["family_now"][newcomers] = names[group]

    def _part(self, persons: Array) -> None:
        """They are gone; a partner who stays is alone."""
        stays = self.state["partner"][persons]
        gone = np.zeros(self.state.count, bool)
        gone[persons] = True
        stays = stays[(stays != NOBODY) & ~gone[np.maximum(stays, 0)]]
        self.state["partner"][stays] = NOBODY
        self.state.gone(persons)

    def _care_homes(self) -> None:
        """The frail and old move into free places."""
        state = self.state
        beds = state.place.addresses.beds
        free = np.maximum(beds - state.occupants(), 0) * (beds > 0)
        rooms = self.chance.permutation(np.repeat(np.arange(len(beds)), free))
        here = state.here()
        here = here[beds[state["address"][here]] == 0]
        age = self._age(here)
        rate = self.rates.care_home_at_85 * np.exp(0.14 * (age - 85)) * 2 * state["frail"][here]
        moving = here[(age > 70) & self._happens(np.minimum(rate, 2.0))][: len(rooms)]
        state.house(
            moving, rooms[: len(moving)], self._when(len(moving)), np.full(len(moving), CARE)
        )
