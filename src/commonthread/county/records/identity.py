"""Who a record is about, as the partner wrote it: names, birth, postcode, NHS number, sex.

Each function fills columns of a sheet with the truth of the day the record was told, and then
spoils them by the habits that the sheet's rates name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from commonthread.county import habits
from commonthread.county.settings import MISSING

from .drawing import Array, Sheet


def names(sheet: Sheet, given: str, family: str, *, middle: bool = False) -> None:
    """Columns `given` and `family`; with the `middle` names if asked."""
    first, last = _named(sheet, middle)
    sheet.write(**{given: first, family: last})


def full_name(sheet: Sheet, column: str) -> None:
    """One column, given name first."""
    first, last = _named(sheet, False)
    sheet.write(**{column: first + " " + last})


def _named(sheet: Sheet, middle: bool) -> tuple[Array, Array]:
    people, person = sheet.world.people, sheet.person
    # Whoever misspells a canary would hide where it went.
    free = ~sheet.protected
    given = people.given[person]
    if middle:
        given = with_middle(given, people.middle[person])
    family = sheet.world.family_at(person, sheet.day)
    if sheet.may("twin"):
        rows = sheet.touch("twin", free & (people.twin[person] >= 0))
        given[rows] = people.given[people.twin[person[rows]]]
    if sheet.may("old-name"):
        changed = free & (people.family_changed[person] <= sheet.day)
        rows = sheet.touch("old-name", changed)
        family[rows] = people.family[person[rows]]
    if sheet.may("nickname"):
        given = _spoilt(sheet, "nickname", given, free & _have_short(given), habits.known_for_short)
    given, family = _misspelt(sheet, "sound", given, family, free, habits.at_sound)
    given, family = _misspelt(sheet, "typing", given, family, free, habits.mistyped)
    given = _spoilt(sheet, "initial", given, free, habits.initial)
    rows = sheet.touch("swapped", free & (given != family))
    given[rows], family[rows] = family[rows], given[rows]
    rows = sheet.touch("upper")
    for written in (given, family):
        written[rows] = [name.upper() for name in written[rows].tolist()]
    return given, family


def with_middle(given: Array, middle: Array) -> Array:
    """Object arrays: `Mary` and `Ann` as `Mary Ann`."""
    both = given.copy()
    rows = np.flatnonzero(middle != "")
    both[rows] = given[rows] + " " + middle[rows]
    return both


def _have_short(given: Array) -> Array:
    firsts = given.tolist()
    known = habits.NICKNAMES
    return np.fromiter((name.partition(" ")[0] in known for name in firsts), bool, len(firsts))


Change = Callable[[str, int], str]


def _spoilt(sheet: Sheet, habit: str, values: Array, able: Array | None, change: Change) -> Array:
    rows = sheet.touch(habit, able)
    return habits.applied(values, rows, change, sheet.luck(f"{habit} how", rows))


def _misspelt(
    sheet: Sheet, habit: str, given: Array, family: Array, able: Array, change: Change
) -> tuple[Array, Array]:
    """The given or the family name, each half of the time."""
    rows = sheet.touch(habit, able)
    second = sheet.luck(f"{habit} which", rows) % np.uint64(2) == 0
    luck = sheet.luck(f"{habit} how", rows)
    given = habits.applied(given, rows[~second], change, luck[~second])
    return given, habits.applied(family, rows[second], change, luck[second])


def born(sheet: Sheet, column: str) -> None:
    """The day of birth; `MISSING` where it is not known."""
    days = sheet.world.people.born[sheet.person]
    if sheet.may("day-month"):
        rows = sheet.touch("day-month", habits.can_swap_day_and_month(days))
        days[rows] = habits.day_and_month_swapped(days[rows])
    rows = sheet.touch("year")
    days[rows] = habits.year_mistyped(days[rows], sheet.luck("year how", rows), sheet.ask.at)
    rows = sheet.touch("placeholder")
    days[rows] = habits.placeholder(days[rows], sheet.luck("placeholder how", rows))
    days[sheet.touch("no-birth-date")] = MISSING
    sheet.write(**{column: days})


def postcode(sheet: Sheet, column: str) -> None:
    """The postcode of the address that the record has; empty for who lives nowhere."""
    home = sheet.home
    codes = np.where(home >= 0, sheet.world.place.addresses.postcode[home], "")
    known = None if (home >= 0).all() else home >= 0
    codes = _spoilt(sheet, "postcode-typing", codes, known, habits.code_mistyped)
    codes = _spoilt(sheet, "spacing", codes, known, habits.unspaced)
    codes[sheet.touch("no-postcode", known)] = ""
    sheet.write(**{column: codes})


def uprn(sheet: Sheet, column: str) -> None:
    """The property number of the address that the record has; `MISSING` for none."""
    home = sheet.home
    numbers = sheet.world.place.addresses.uprn[home]
    sheet.write(**{column: np.where(home >= 0, numbers, MISSING)})


def address_line(sheet: Sheet, column: str) -> None:
    home = sheet.home
    lines = sheet.world.place.addresses.line1[home]
    sheet.write(**{column: np.where(home >= 0, lines, "")})


def district(sheet: Sheet, column: str) -> None:
    """The name of the district of the address that the record has."""
    found = np.array([area.district for area in sheet.world.place.areas])
    named = np.array([place.name for place in sheet.world.place.districts], dtype=object)
    home = sheet.home
    within = named[found[sheet.world.place.addresses.area[home]]]
    sheet.write(**{column: np.where(home >= 0, within, "")})


def nhs_number(sheet: Sheet, column: str, *, grouped: bool = False) -> None:
    """Ten digits, `grouped` as 943 476 5919 if asked; empty where nobody asked for it."""
    numbers = sheet.world.people.nhs[sheet.person]
    rows = sheet.touch("number-typing")
    numbers[rows] = habits.digit_mistyped(numbers[rows], sheet.luck("number-typing how", rows))
    gaps = np.zeros(len(numbers), bool)
    gaps[sheet.touch("no-number")] = True
    written = pa.array(numbers, mask=gaps).cast(pa.string())
    sheet.write(**{column: _grouped(written) if grouped else written})


def _grouped(numbers: Any) -> Any:
    parts = [pc.utf8_slice_codeunits(numbers, *ends) for ends in ((0, 3), (3, 6), (6, 10))]
    return pc.binary_join_element_wise(*parts, " ")


def sex(sheet: Sheet, column: str, codes: tuple[str, str]) -> None:
    """The codes for female and male, in this order."""
    written = np.array(codes, dtype=object)
    sheet.write(**{column: written[sheet.world.people.sex[sheet.person]]})


def relative(sheet: Sheet, relatives: Array, given: str, family: str) -> None:
    """Names of somebody else on the row: int32 per row, -1 for nobody (empty)."""
    people = sheet.world.people
    known = relatives >= 0
    first = np.where(known, people.given[relatives], "")
    last = np.where(known, sheet.world.family_at(np.maximum(relatives, 0), sheet.day), "")
    sheet.write(**{given: first, family: last})
