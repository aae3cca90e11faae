"""A county as arrays: people, where they lived and when, and what happened to them.

Days are int32 from 1970-01-01, `NEVER` for not yet and `MISSING` for unknown. A person is a place
in the arrays of `People`; an address is a place in those of `place.addresses`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .figures import Figures
from .place import Place
from .settings import Settings

Array = np.ndarray
Events = Mapping[str, Array]
NOWHERE = -1


@dataclass(frozen=True)
class People:
    """Everybody who lived here at any time of the events.

    - `born`, `died`, `arrived` (`MISSING`: always here), `left`: days
    - `sex`: 0 female, 1 male; `ethnic`: place in `figures.ETHNIC_GROUPS`
    - `given`, `middle`, `family` (at birth or at the beginning), `family_now` from `family_changed`
    - `nhs`: NHS number; `phone`; `mother`, `father`, `partner`, `twin`: persons or -1
    - `disabled`; `frail`: a hidden cause, 0 to 1
    - `canary`: no agreement covers them
    """

    born: Array
    died: Array
    arrived: Array
    left: Array
    sex: Array
    ethnic: Array
    given: Array
    middle: Array
    family: Array
    family_now: Array
    family_changed: Array
    nhs: Array
    phone: Array
    mother: Array
    father: Array
    partner: Array
    twin: Array
    disabled: Array
    frail: Array
    canary: Array

    def __len__(self) -> int:
        return len(self.born)


@dataclass(frozen=True)
class Residence:
    """Who lived where from when until when (not included), sorted by person, then `since`."""

    person: Array
    address: Array
    since: Array
    until: Array
    tenure: Array


@dataclass(frozen=True)
class World:
    """One county. `events`: kind → arrays of one length; `docs/county.md` lists them."""

    settings: Settings
    figures: Figures
    place: Place
    people: People
    residence: Residence
    events: Mapping[str, Events]

    @cached_property
    def _rank(self) -> Array:
        """A number that sorts residences by person and day."""
        return self._key(self.residence.person, self.residence.since)

    def _key(self, persons: Array, days: Array) -> Array:
        shifted = np.clip(days.astype(np.int64), -100_000, 100_000) + 100_000
        return persons.astype(np.int64) * 200_001 + shifted

    def stay_at(self, persons: Array, days: Array) -> Array:
        """The residence of each person on each day: a place in `residence`, or -1."""
        found = np.searchsorted(self._rank, self._key(persons, days), side="right") - 1
        home = self.residence
        safe = np.maximum(found, 0)
        lives = (found >= 0) & (home.person[safe] == persons) & (days < home.until[safe])
        return np.where(lives, found, NOWHERE)

    def address_at(self, persons: Array, days: Array) -> Array:
        """The address of each person on each day, -1 for nowhere in the county."""
        stay = self.stay_at(persons, days)
        return np.where(stay >= 0, self.residence.address[np.maximum(stay, 0)], NOWHERE)

    def tenure_at(self, persons: Array, days: Array) -> Array:
        stay = self.stay_at(persons, days)
        return np.where(stay >= 0, self.residence.tenure[np.maximum(stay, 0)], NOWHERE)

    def family_at(self, persons: Array, days: Array) -> Array:
        """The family name of each person on each day."""
        who = self.people
        return np.where(
            days >= who.family_changed[persons], who.family_now[persons], who.family[persons]
        )

    def alive_at(self, persons: Array, days: Array) -> Array:
        return (self.people.born[persons] <= days) & (days < self.people.died[persons])

    def here_at(self, day: int) -> Array:
        """The persons who live in the county on that day, in order."""
        everybody = np.arange(len(self.people))
        return everybody[self.stay_at(everybody, np.full(len(everybody), day)) >= 0]

    def age_at(self, persons: Array, days: Array | int) -> Array:
        """Whole years, by 365.2425 days each."""
        return ((days - self.people.born[persons]) / 365.2425).astype(np.int64)
