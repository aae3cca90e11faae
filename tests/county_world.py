"""A stand-in for a county: two thousand people drawn at random, in the real world's own types.

Nothing in it is likely; each kind of event happens often enough for the partners' records to be
tested on it. `small_world()` is the same each time.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np

from commonthread.county.settings import MISSING, NEVER, Settings
from commonthread.county.world import People, Residence, World

RESIDENTS, ADDRESSES, AREAS = 2_000, 900, 36
_GIVEN = (
    "Mary Thomas Elizabeth William Susan Robert Margaret James Patricia David Aisha Priya Keith "
    "Dawn Wayne Hazel Ivy Oscar Ruby Clive"
)
_FAMILY = (
    "Smith Jones Phillips Clark Thackeray Wright Green O'Neill Patel Reece Jackson Bennett Lowe "
    "Ashworth Whittle Knight Davies Cooke Fry Singh"
)
GIVEN, FAMILY = _GIVEN.split(), _FAMILY.split()
Array = np.ndarray


@cache
def small_world(seed: int = 1) -> World:
    settings = Settings(residents=RESIDENTS, seed=seed)
    chance = settings.generator("stand-in")
    place = _place(chance)
    people = _people(settings, chance)
    residence = _residence(settings, people, chance)
    world = World(settings, None, place, people, residence, {})  # type: ignore[arg-type]
    return World(settings, None, place, people, residence, _events(world, chance))  # type: ignore[arg-type]


def _words(words: Sequence[str], picked: Array) -> Array:
    return np.array(words, dtype=object)[picked]


def _place(chance: np.random.Generator) -> Any:
    number = np.arange(ADDRESSES)
    area = number * AREAS // ADDRESSES
    texts = {
        "line1": [f"{place % 30 + 1} Orchard Lane" for place in number.tolist()],
        "town": ["Saltbridge"] * ADDRESSES,
        "postcode": [f"WX{p // 150 + 1} {p // 15 % 10}AB" for p in number.tolist()],
    }
    addresses = SimpleNamespace(
        uprn=990_000_000_000 + number,
        area=area.astype(np.int16),
        easting=(372_000 + 40 * number).astype(np.int32),
        northing=(232_000 + 40 * number).astype(np.int32),
        kind=np.where(number < 2, 7, chance.integers(0, 7, ADDRESSES)).astype(np.uint8),
        building=np.where(number < 2, 3, 0).astype(np.uint8),
        damp=chance.random(ADDRESSES) < 0.2,
        bedrooms=chance.integers(1, 6, ADDRESSES).astype(np.uint8),
        **{name: np.array(words, dtype=object) for name, words in texts.items()},
    )
    areas = tuple(SimpleNamespace(district=area * 6 // AREAS) for area in range(AREAS))
    districts = tuple(SimpleNamespace(name=f"District {number}") for number in range(6))
    return SimpleNamespace(addresses=addresses, areas=areas, districts=districts)


def _people(settings: Settings, chance: np.random.Generator) -> People:
    count = RESIDENTS + 400
    start, end = settings.start, settings.end
    born = (start - chance.integers(0, 95 * 365, count)).astype(np.int32)
    arrived = np.full(count, MISSING, np.int32)
    late = np.arange(count) >= RESIDENTS
    arrived[late] = chance.integers(start, end, late.sum())
    babies = np.flatnonzero(late)[::2]
    born[babies] = arrived[babies]
    ends = np.maximum(arrived, start) + chance.integers(1, 5_000, count)
    died = np.where((ends <= end) & (chance.random(count) < 0.5), ends, NEVER).astype(np.int32)
    left = np.where((ends <= end) & (died == NEVER), ends, NEVER).astype(np.int32)
    family = _words(FAMILY, chance.integers(0, len(FAMILY), count))
    changes = (chance.random(count) < 0.2) & (born < start)
    canary = np.zeros(count, bool)
    canary[: settings.canaries] = True
    changes[canary] = False
    family[canary] = [f"Zz{chr(97 + n)}qwert" for n in range(settings.canaries)]
    twin = np.full(count, -1, np.int32)
    for one in range(100, 300, 2):
        twin[one], twin[one + 1] = one + 1, one
        born[one + 1] = born[one]
    mother = np.where(born > start - 18 * 365, chance.integers(0, 800, count), -1).astype(np.int32)
    now = np.where(changes, _words(FAMILY[::-1], chance.integers(0, 20, count)), family)
    changed = np.where(changes, chance.integers(start, end, count), NEVER).astype(np.int32)
    return People(
        born=born,
        died=died,
        arrived=arrived,
        left=left,
        sex=chance.integers(0, 2, count).astype(np.uint8),
        ethnic=np.zeros(count, np.uint8),
        given=_words(GIVEN, chance.integers(0, len(GIVEN), count)),
        middle=_words(["", *GIVEN], chance.integers(0, len(GIVEN) + 1, count)),
        family=family,
        family_now=now,
        family_changed=changed,
        nhs=9_000_000_000 + np.arange(count, dtype=np.int64) * 37,
        phone=np.full(count, "07700 900123", dtype=object),
        mother=mother,
        father=np.full(count, -1, np.int32),
        partner=np.full(count, -1, np.int32),
        twin=twin,
        disabled=chance.random(count) < 0.2,
        frail=chance.random(count).astype(np.float32),
        canary=canary,
    )


def _residence(settings: Settings, people: People, chance: np.random.Generator) -> Residence:
    """Each person moves up to twice; some addresses stay empty."""
    count = len(people.born)
    first = np.where(people.arrived == MISSING, MISSING, people.arrived).astype(np.int64)
    ends = np.minimum(people.died, people.left)
    stays = []
    for person in range(count):
        moves = chance.integers(max(first[person], settings.start) + 1, settings.end, 2)
        days = [first[person], *sorted(moves[: int(chance.integers(0, 3))].tolist())]
        days = [day for day in days if day < ends[person]]
        for since, until in zip(days, [*days[1:], ends[person]], strict=True):
            stays.append((person, int(chance.integers(0, ADDRESSES - 60)), since, until))
    columns = np.array(stays, dtype=np.int64).T
    tenure = chance.integers(0, 8, columns.shape[1])
    return Residence(*(column.astype(np.int32) for column in columns), tenure.astype(np.uint8))


def _events(world: World, chance: np.random.Generator) -> dict[str, dict[str, Array]]:
    people, settings = world.people, world.settings

    def some(number: int) -> tuple[Array, Array]:
        """Persons and days on which they were here."""
        person = chance.integers(0, len(people.born), number)
        day = chance.integers(settings.start, settings.end + 1, number)
        here = world.address_at(person, day) >= 0
        return person[here].astype(np.int32), day[here].astype(np.int32)

    def later(day: Array) -> Array:
        """Days of an end, half of them not yet come."""
        end = day + chance.integers(20, 1_500, len(day))
        return np.where((end > settings.end) | (chance.random(len(day)) < 0.3), NEVER, end)

    def word(words: str, many: Array) -> Array:
        return _words(words.split(), chance.integers(0, len(words.split()), len(many)))

    def number(low: int, high: int, many: Array) -> Array:
        return chance.integers(low, high, len(many))

    events: dict[str, dict[str, Array]] = {}
    born = np.flatnonzero(people.born >= settings.start)
    events["birth"] = {"person": born, "mother": people.mother[born], "day": people.born[born]}
    dead = np.flatnonzero(people.died != NEVER)
    events["death"] = {
        "person": dead,
        "day": people.died[dead],
        "cause": word("stroke other", dead),
    }
    who, day = some(300)
    other = np.roll(who, 1)
    couples = {"person": who, "other": other, "day": day}
    events["marriage"] = {
        name: np.concatenate([values, {"person": other, "other": who}.get(name, values)])
        for name, values in couples.items()
    }
    who, day = some(600)
    device = word("pendant falls-detector bed-sensor smoke-link", who)
    events["install"] = {"person": who, "day": day, "removed": later(day), "device": device}
    again = number(0, len(who), np.zeros(1_500))
    wait = day[again] + number(0, 300, again)
    events["alarm"] = {
        "person": who[again],
        "day": wait,
        "minute": number(0, 1_440, again),
        "kind": word("fall pendant inactivity smoke false", again),
    }
    who, day = some(4_000)
    events["attendance"] = {
        "person": who,
        "day": day,
        "minute": number(0, 1_440, who),
        "reason": word("fall chest-pain breathing injury infection mental-health other", who),
        "mode": word("ambulance walk-in gp", who),
        "admitted": number(0, 2, who) == 1,
    }
    who, day = some(1_500)
    words = word("cardiology orthopaedics", who)
    events["stay"] = {"person": who, "day": day, "days": number(0, 20, who), "specialty": words}
    who, day = some(1_200)
    kinds = "housing-benefit pip attendance-allowance pension-credit universal-credit"
    events["benefit"] = {
        "person": who,
        "kind": word(kinds, who),
        "since": day,
        "until": later(day),
    }
    who, day = some(900)
    events["fire-visit"] = {
        "address": world.address_at(who, day),
        "person": who,
        "day": day,
        "alarms": number(0, 4, who),
        "risk": word("standard medium high", who),
    }
    who, day = some(1_500)
    kinds = word("missing mental-health", who)
    risk = word("standard medium high", who)
    events["notice"] = {"person": who, "day": day, "kind": kinds, "risk": risk}
    who, day = some(900)
    events["badge"] = {"person": who, "since": day, "until": later(day)}
    who, day = some(1_500)
    events["care"] = {
        "person": who,
        "since": day,
        "until": later(day),
        "need": word("mobility memory", who),
        "hours": number(1, 40, who),
    }
    who, day = some(1_500)
    events["application"] = {
        "person": who,
        "day": day,
        "closed": later(day),
        "band": word("A B C D", who),
        "bedrooms": number(1, 5, who),
        "reason": word("overcrowded medical", who),
    }
    child = np.flatnonzero(
        (people.born < settings.end - 1_500) & (people.born > settings.end - 5_800)
    )
    events["school"] = {
        "person": child,
        "since": people.born[child] + 1_500,
        "until": np.full(len(child), NEVER),
        "school": number(0, 7, child),
        "send": number(0, 6, child) == 0,
        "free_meals": number(0, 4, child) == 0,
    }
    return events
