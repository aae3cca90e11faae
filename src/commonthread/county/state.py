"""The county on one day, as the simulation moves it on: who lives, where, and with whom."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np

from .figures import Figures
from .names import NhsNumbers, family_names, given_names, telephones
from .place import Place
from .settings import MISSING, NEVER, Settings
from .world import NOWHERE

Array = np.ndarray
NOBODY = -1
VACANT = -1
OF_THE_LIVING = {"alarm", "attendance", "fall", "stay", "fire-visit", "notice"}
COLUMNS: dict[str, tuple[Any, Any]] = {
    "born": (np.int32, 0),
    "died": (np.int32, NEVER),
    "arrived": (np.int32, MISSING),
    "left": (np.int32, NEVER),
    "sex": (np.int8, 0),
    "ethnic": (np.int8, 0),
    "given": (object, ""),
    "middle": (object, ""),
    "family": (object, ""),
    "family_now": (object, ""),
    "family_changed": (np.int32, NEVER),
    "nhs": (np.int64, 0),
    "phone": (object, ""),
    "mother": (np.int32, NOBODY),
    "father": (np.int32, NOBODY),
    "partner": (np.int32, NOBODY),
    "twin": (np.int32, NOBODY),
    "disabled": (np.bool_, False),
    "frail": (np.float32, 0.0),
    "canary": (np.bool_, False),
    "married": (np.bool_, False),
    "address": (np.int32, NOWHERE),
}


class State:
    """People in arrays with room for more; `self["born"]` is the part that is filled.

    `tenure` [address]: how it is held now, `VACANT` where nobody lives.
    """

    def __init__(self, settings: Settings, figures: Figures, place: Place) -> None:
        self.settings, self.figures, self.place = settings, figures, place
        self.count = 0
        room = round(settings.residents * (1 + 0.09 * settings.years)) + 1_000
        self._columns = {
            name: np.full(room, empty, kind) for name, (kind, empty) in COLUMNS.items()
        }
        self.tenure = np.full(len(place.addresses.uprn), VACANT, np.int8)
        self._homes: list[tuple[Array, Array, Array, Array]] = []
        self._events: dict[str, list[dict[str, Array]]] = defaultdict(list)
        self._numbers = NhsNumbers()

    def __getitem__(self, name: str) -> Array:
        return self._columns[name][: self.count]

    def add(self, number: int, **values: Any) -> Array:
        """New people; the places they have got. Names and numbers are given by `identify`."""
        if self.count + number > len(self._columns["born"]):
            for name, (kind, empty) in COLUMNS.items():
                more = np.full(len(self._columns[name]), empty, kind)
                self._columns[name] = np.concatenate([self._columns[name], more])
        added = np.arange(self.count, self.count + number)
        self.count += number
        for name, value in values.items():
            self._columns[name][added] = value
        return added

    def identify(self, persons: Array, chance: np.random.Generator) -> None:
        """Given and middle names, NHS numbers and telephones."""
        given, middle = given_names(
            self["born"][persons], self["sex"][persons], self.figures, chance
        )
        self["given"][persons], self["middle"][persons] = given, middle
        self["nhs"][persons] = self._numbers.take(len(persons))
        self["phone"][persons] = telephones(len(persons), chance)

    def surnames(self, number: int, chance: np.random.Generator) -> Array:
        return family_names(number, self.figures, chance)

    def house(self, persons: Array, addresses: Array, days: Array, tenure: Array) -> None:
        """The persons live there from these days on."""
        self["address"][persons] = addresses
        self.tenure[addresses] = tenure
        self._homes.append((persons, addresses, days, np.broadcast_to(tenure, len(persons))))

    def happened(self, kind: str, /, **values: Array) -> None:
        self._events[kind].append(values)

    def here(self) -> Array:
        """The persons who are alive and live in the county, in order."""
        return np.flatnonzero(self["address"] != NOWHERE)

    def gone(self, persons: Array) -> None:
        self["address"][persons] = NOWHERE

    def occupants(self) -> Array:
        """How many live at each address now."""
        return np.bincount(self["address"][self.here()], minlength=len(self.tenure))

    def homes(self) -> tuple[Array, ...]:
        """Every residence: person, address, since, until, tenure; sorted by person and day.

        What a month brought one person happened in the order in which it was told.
        """
        person, address, since, tenure = (
            np.concatenate([part[place] for part in self._homes]) for place in range(4)
        )
        order = np.argsort(person, kind="stable")
        person, address, since, tenure = person[order], address[order], since[order], tenure[order]
        shift = person.astype(np.int64) << 33
        since = (np.maximum.accumulate(shift + since) - shift).astype(np.int64)
        last = np.append(person[1:] != person[:-1], True)
        ends = np.minimum(self["died"][person], self["left"][person])
        until = np.where(last, ends, np.append(since[1:], NEVER))
        until = np.minimum(until, ends)
        kept = until > since
        return tuple(
            column[kept]
            for column in (
                person.astype(np.int32),
                address.astype(np.int32),
                since.astype(np.int32),
                until.astype(np.int32),
                tenure.astype(np.int8),
            )
        )

    def events(self) -> dict[str, dict[str, Array]]:
        """Kind → columns, in the order in which they happened."""
        found = {}
        for kind, parts in sorted(self._events.items()):
            columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
            if kind in OF_THE_LIVING:
                columns = self._of_the_living(columns)
            day = columns["day"] if "day" in columns else columns["since"]
            order = np.lexsort((np.arange(len(day)), day))
            found[kind] = {name: column[order] for name, column in columns.items()}
        return found

    def _of_the_living(self, columns: dict[str, Array]) -> dict[str, Array]:
        """What was told ahead, less what somebody did not live or stay to see."""
        person = columns["person"]
        kept = columns["day"] < np.minimum(self["died"][person], self["left"][person])
        return {name: column[kept] for name, column in columns.items()}
