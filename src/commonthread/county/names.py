"""Names, numbers and telephones for people who do not exist."""

from __future__ import annotations

import numpy as np

from .figures import Figures, Names

Array = np.ndarray
# Numbers from 9 on are not given to patients of England today; every one here has its check digit.
FIRST_NHS, NHS_SPAN, NHS_STRIDE = 900_000_000, 99_999_989, 7_654_321
FICTION = 900_000  # Ofcom keeps 07700 900000 to 900999 for drama
MIDDLE = 0.62  # assumption: the share of people with a middle name
DOUBLE = 0.02  # assumption: the share of families with a double surname


def draw(names: Names, number: int, chance: np.random.Generator) -> Array:
    return np.asarray(names.names[chance.choice(len(names.names), number, p=names.shares)])


def given_names(
    born: Array, sex: Array, figures: Figures, chance: np.random.Generator
) -> tuple[Array, Array]:
    """A given and a middle name (often empty) for each, of their decade and sex."""
    given = np.empty(len(born), object)
    middle = np.full(len(born), "", object)
    decade = np.clip(years(born) // 10 * 10, 1900, 2020)
    for code, letter in ((0, "F"), (1, "M")):
        for ten in np.unique(decade):
            here = np.flatnonzero((sex == code) & (decade == ten))
            names = figures.first_names[letter, int(ten)]
            given[here] = draw(names, len(here), chance)
            second = here[chance.random(len(here)) < MIDDLE]
            middle[second] = draw(names, len(second), chance)
    same = given == middle
    middle[same] = ""
    return given, middle


def family_names(number: int, figures: Figures, chance: np.random.Generator) -> Array:
    found = draw(figures.surnames, number, chance)
    double = np.flatnonzero(chance.random(number) < DOUBLE)
    found[double] = found[double] + "-" + draw(figures.surnames, len(double), chance)
    return found


def years(days: Array) -> Array:
    """The calendar year of each day."""
    return days.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970


class NhsNumbers:
    """Different NHS numbers, one run after another."""

    def __init__(self) -> None:
        self._next = 0

    def take(self, number: int) -> Array:
        """`number` numbers that were not taken before; int64."""
        found: list[Array] = []
        while (lacking := number - sum(map(len, found))) > 0:
            index = np.arange(self._next, self._next + lacking, dtype=np.int64)
            self._next += lacking
            base = FIRST_NHS + index * NHS_STRIDE % NHS_SPAN
            digit = check_digit(base)
            found.append((base * 10 + digit)[digit < 10])
        return np.concatenate(found) if found else np.empty(0, np.int64)


def check_digit(base: Array) -> Array:
    """Of nine digits, by modulus 11 (NHS Data Dictionary); 10 means that there is none."""
    total = np.zeros(len(base), np.int64)
    left = base.copy()
    for weight in range(2, 11):
        total += left % 10 * weight
        left //= 10
    return (11 - total % 11) % 11


def telephones(number: int, chance: np.random.Generator) -> Array:
    digits = FICTION + chance.integers(0, 1_000, number)
    return np.asarray([f"07700 {each}" for each in digits.tolist()], dtype=object)
