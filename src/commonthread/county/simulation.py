"""The whole county: a place, its people on the first day, and what the months bring."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .figures import figures
from .health import Health
from .life import Life
from .place import make_place
from .population import settle
from .settings import NEVER, Settings
from .state import State
from .world import People, Residence, World

Array = np.ndarray
Progress = Callable[[str, float], None]
SCHOOL_STARTS, SCHOOL_ENDS = 4, 16
PUPILS = 600  # assumption: to a school; the mean of primary and secondary
SPECIAL_NEEDS = 0.17  # Department for Education, 2022-23: any special educational need


def make_world(settings: Settings, progress: Progress | None = None) -> World:
    """The county of these settings; the same settings give the same arrays.

    `progress` is told what is being done and which part of the whole is done, 0 to 1.
    """
    say = progress or (lambda _what, _part: None)
    say("drawing the place", 0.0)
    place = make_place(settings, figures())
    say("settling the people", 0.1)
    state = settle(settings, figures(), place)
    life, health = Life(state), Health(state)
    health.begin()
    months = months_of(settings)
    for number, (first, days) in enumerate(months):
        say("living", 0.15 + 0.8 * number / len(months))
        life.month(first, days)
        health.month(first, days)
    say("going to school", 0.96)
    _schools(state)
    return World(
        settings=settings,
        figures=figures(),
        place=place,
        people=People(**{name: state[name].copy() for name in People.__dataclass_fields__}),
        residence=Residence(*state.homes()),
        events=state.events(),
    )


def months_of(settings: Settings) -> list[tuple[int, int]]:
    """The first day of each month of events, and how many days it has."""
    begin = np.datetime64(settings.start, "D").astype("datetime64[M]")
    months = np.arange(begin, begin + 12 * settings.years + 1)
    firsts = months.astype("datetime64[D]").astype(np.int64)
    return list(zip(firsts[:-1].tolist(), np.diff(firsts).tolist(), strict=True))


def _schools(state: State) -> None:
    """Every child of school age goes to the school of the area in which it first does."""
    settings = state.settings
    chance = settings.generator("schools")
    birth = state["born"].astype("datetime64[D]")
    turns = birth.astype("datetime64[Y]").astype(np.int64) + 1970
    late = (birth - birth.astype("datetime64[Y]")).astype(np.int64) >= 243
    begins = _day_of(turns + SCHOOL_STARTS + late, 9)
    ends = _day_of(turns + SCHOOL_ENDS + late, 8)
    came, gone = state["arrived"], np.minimum(state["died"], state["left"])
    since, until = np.maximum(begins, came), np.minimum(ends, gone)
    pupils = np.flatnonzero(
        (since < until) & (since <= settings.end) & (until > settings.start) & (since < gone)
    )
    person, address, _, _, _ = state.homes()
    first = np.searchsorted(person, pupils)
    lives = (first < len(person)) & (person[np.minimum(first, len(person) - 1)] == pupils)
    pupils, first = pupils[lives], first[lives]
    area = state.place.addresses.area[address[first]]
    decile = np.asarray([each.decile for each in state.place.areas])[area]
    schools = max(round(settings.residents * 0.14 / PUPILS), 3)
    state.happened(
        "school",
        person=pupils,
        since=since[pupils],
        until=np.where(until[pupils] > settings.end, NEVER, until[pupils]),
        school=area.astype(np.int64) * schools // len(state.place.areas),
        send=chance.random(len(pupils)) < SPECIAL_NEEDS,
        free_meals=chance.random(len(pupils)) < 0.45 - 0.042 * decile,
    )


def _day_of(year: Array, month: int) -> Array:
    months = (year - 1970).astype("datetime64[Y]").astype("datetime64[M]") + (month - 1)
    return months.astype("datetime64[D]").astype(np.int64)
