"""How clerks and systems get a person wrong, and how often.

The functions on one value take the value and `luck`, a whole number from 0 to 2**64 - 1 that
settles every choice inside; the functions on arrays take arrays of one length. A missing text is
`""`. What is wrong where is settled by `Dice`, and how often by `RATES`.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .nicknames import NICKNAMES
from .rates import DESCRIPTIONS, RATES, Rate
from .settings import Settings

__all__ = [
    "DESCRIPTIONS",
    "NICKNAMES",
    "RATES",
    "Dice",
    "Rate",
    "applied",
    "at_sound",
    "code_mistyped",
    "day_and_month_swapped",
    "digit_mistyped",
    "initial",
    "known_for_short",
    "mistyped",
    "placeholder",
    "unspaced",
    "year_mistyped",
]

Array = NDArray[Any]

_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm", "1234567890")


def _neighbours() -> dict[str, str]:
    """The keys to the left and right of each key of a British keyboard."""
    found: dict[str, str] = {}
    for row in _ROWS:
        for place, sign in enumerate(row):
            found[sign] = row[max(place - 1, 0) : place] + row[place + 1 : place + 2]
    return found | {sign.upper(): keys.upper() for sign, keys in found.items() if sign.isalpha()}


NEIGHBOURS: Mapping[str, str] = MappingProxyType(_neighbours())

# After the rules of Yannakoudakis and Fawthrop (1983): most are of vowels, of h, w and y, and of
# letters that are doubled or not.
SOUNDS = (
    ("ph", "f"),
    ("f", "ph"),
    ("ck", "k"),
    ("c", "k"),
    ("k", "c"),
    ("ee", "ea"),
    ("ea", "ee"),
    ("ie", "ei"),
    ("ei", "ie"),
    ("ai", "ay"),
    ("y", "ie"),
    ("i", "y"),
    ("e", "a"),
    ("a", "e"),
    ("o", "u"),
    ("ll", "l"),
    ("tt", "t"),
    ("nn", "n"),
    ("ss", "s"),
    ("l", "ll"),
    ("t", "tt"),
    ("n", "nn"),
    ("th", "t"),
    ("gh", "h"),
    ("s", "z"),
    ("w", "wh"),
)


@dataclass(frozen=True, slots=True)
class Dice:
    """Luck that hangs on a record's own number and on nothing around it.

    A record so keeps its errors from one week's file to the next, whoever joins or leaves.
    """

    salt: int

    @classmethod
    def of(cls, settings: Settings, dataset: str) -> Dice:
        generator = settings.generator(f"records/{dataset}")
        return cls(int(generator.integers(2**63)))

    def luck(self, name: str, numbers: Array) -> Array:
        """uint64 for each of `numbers`: splitmix64 (Steele, Lea and Flood 2014)."""
        seed = (self.salt + zlib.crc32(name.encode()) * 0x9E3779B97F4A7C15) % 2**64
        mixed = numbers.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(seed)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return mixed ^ (mixed >> np.uint64(31))

    def roll(self, name: str, numbers: Array) -> Array:
        """float64 in [0, 1) for each of `numbers`."""
        return (self.luck(name, numbers) >> np.uint64(11)).astype(np.float64) * 2.0**-53

    def pick(self, name: str, numbers: Array, many: int) -> Array:
        """int64 from 0 to `many` - 1 for each of `numbers`."""
        return (self.roll(name, numbers) * many).astype(np.int64)


def applied(values: Array, rows: Array, change: Callable[[str, int], str], luck: Array) -> Array:
    """A copy of `values` (object) with `change` made at `rows`, each by its `luck`."""
    changed = values.copy()
    changed[rows] = [
        change(value, chance)
        for value, chance in zip(values[rows].tolist(), luck.tolist(), strict=True)
    ]
    return changed


def mistyped(word: str, luck: int) -> str:
    """One slip: a neighbouring key, two letters transposed, one doubled or one dropped.

    Damerau (1964) found that four in five misspelt words hold one slip of such a kind. The first
    letter is mostly right (Yannakoudakis and Fawthrop 1983), so a word of two letters keeps it.
    """
    if not word:
        return word
    luck, place = divmod(luck, max(len(word) - 1, 1))
    place = min(place + 1, len(word) - 1)
    kind = luck % 4
    before, sign, after = word[:place], word[place], word[place + 1 :]
    if kind == 0 and after and after[0] != sign and after[0].isalpha() and sign.isalpha():
        return before + after[0] + sign + after[1:]
    if kind == 1 and len(word) > 2:
        return before + after
    if kind == 2 or sign not in NEIGHBOURS:
        return before + sign + sign.lower() + after
    keys = NEIGHBOURS[sign]
    return before + keys[(luck // 4) % len(keys)] + after


def at_sound(word: str, luck: int) -> str:
    """The name as somebody wrote it who only heard it; always another spelling."""
    lower = word.lower()
    fitting = [pair for pair in SOUNDS if pair[0] in lower]
    if not fitting:
        return word + word[-1:].lower()
    heard, written = fitting[luck % len(fitting)]
    place = lower.index(heard)
    if word[place].isupper():
        written = written.capitalize()
    return word[:place] + written + word[place + len(heard) :]


def known_for_short(given: str, luck: int) -> str:
    """A short form of the first given name, where `NICKNAMES` has one."""
    first, space, others = given.partition(" ")
    short = NICKNAMES.get(first, (first,))
    return short[luck % len(short)] + space + others


def initial(given: str, luck: int) -> str:
    """`Mary` as `M` or as `M.`"""
    return given[:1] + "." * (luck % 2)


def unspaced(code: str, luck: int) -> str:
    """`WX1 2AB` as `WX12AB`, or as `wx1 2ab` one time in four."""
    return code.replace(" ", "") if luck % 4 else code.lower()


def code_mistyped(code: str, luck: int) -> str:
    """A postcode with one key beside the right one; its space stays where it is."""
    places = [place for place, sign in enumerate(code) if sign in NEIGHBOURS]
    if not places:
        return code
    luck, which = divmod(luck, len(places))
    place = places[which]
    keys = NEIGHBOURS[code[place]]
    return code[:place] + keys[luck % len(keys)] + code[place + 1 :]


def _split(days: Array) -> tuple[Array, Array, Array]:
    """Years since 1970, months from 0 and days from 0 of int32 days since 1970-01-01."""
    whole = days.astype("datetime64[D]")
    months = whole.astype("datetime64[M]")
    since = (whole - months.astype("datetime64[D]")).astype(np.int64)
    count = months.astype(np.int64)
    return count // 12, count % 12, since


def _joined(years: Array, months: Array, days: Array) -> Array:
    """int32 days; the day is brought back into its month where the month is shorter."""
    first = (years * 12 + months).astype("datetime64[M]")
    length = ((first + 1).astype("datetime64[D]") - first.astype("datetime64[D]")).astype(np.int64)
    whole = first.astype("datetime64[D]").astype(np.int64) + np.minimum(days, length - 1)
    joined: Array = whole.astype(np.int32)
    return joined


def can_swap_day_and_month(days: Array) -> Array:
    """Where day and month are two numbers that could each be the other."""
    _, months, since = _split(days)
    able: Array = (since < 12) & (since != months)
    return able


def day_and_month_swapped(days: Array) -> Array:
    """3 December as 12 March; shape and unit as given (int32 days since 1970-01-01)."""
    years, months, since = _split(days)
    return _joined(years, since, months)


def year_mistyped(days: Array, luck: Array, latest: int) -> Array:
    """The year one off, or ten, as by a slip on its last digits; none falls after day `latest`."""
    years, months, since = _split(days)
    step = np.array([1, -1, 10, -10])[(luck % np.uint64(4)).astype(np.int64)]
    changed = _joined(years + step, months, since)
    return np.where(changed > latest, _joined(years - np.abs(step), months, since), changed)


def placeholder(days: Array, luck: Array) -> Array:
    """What a form has when the day is not known: 1900-01-01, or 1 January of the right year."""
    years, _, _ = _split(days)
    january = (years.astype("datetime64[Y]")).astype("datetime64[D]").astype(np.int32)
    unknown = np.datetime64("1900-01-01").astype(np.int32)
    # Who was born on 1 January has that day anyway.
    return np.where((luck % np.uint64(2) == 0) | (january == days), unknown, january)


def digit_mistyped(numbers: Array, luck: Array) -> Array:
    """int64 numbers of ten digits with one digit another one (the check digit is then wrong)."""
    power = 10 ** (luck % np.uint64(9)).astype(np.int64)
    digit = (numbers // power) % 10
    other = (digit + 1 + (luck // np.uint64(9) % np.uint64(9)).astype(np.int64)) % 10
    changed: Array = numbers + (other - digit) * power
    return changed
