"""Draws one partner's rows: what is asked, a sheet that is filled column by column, what is drawn.

The truth goes in (people, addresses, days); what the partner wrote comes out. Every error hangs
on the record's own number (see `habits.Dice`), so the same record has the same errors in the file
of any day. Arrays of a sheet have one entry per row; what a sector reads from the events has one
entry per source record, and `Sheet.row` leads from the first to the second.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from commonthread.county import habits
from commonthread.county.habits import Dice
from commonthread.county.settings import MISSING, NEVER, Settings

Array = NDArray[Any]

DIGITS = 8
LATE, LINGERING = (14, 180), (30, 400)


class World(Protocol):
    """What is read of a county: see `county.life`."""

    @property
    def settings(self) -> Settings: ...
    @property
    def place(self) -> Any: ...
    @property
    def people(self) -> Any: ...
    @property
    def residence(self) -> Any: ...
    @property
    def events(self) -> Mapping[str, Mapping[str, Array]]: ...

    def family_at(self, persons: Array, days: Array) -> Array: ...


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a partner's file; `values` are the codes that a text column may have."""

    name: str
    type: str
    optional: bool = False
    values: tuple[str, ...] = ()
    label: str = ""


@dataclass(frozen=True, slots=True)
class Drawn:
    """The partner's rows, sorted by key, and the truth beside them, which never goes to the file.

    - `person`: int32, whom each row is about; -1 where it is about nobody
    - `touched`: habit -> bool per row
    - `counts`: habit -> (records that have the error, records that could have it)
    """

    table: pa.Table
    person: Array
    touched: Mapping[str, Array] = field(default_factory=dict)
    counts: Mapping[str, tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Plan:
    """A dataset of one partner: its contract, and how its rows come from the people.

    - `identity`: roles of the contract, as (role, column)
    - `prefix`: what its references begin with
    - `notes`: what is found in its free text, before the canary
    - `late`, `lingering`: the delays, in days, of who is late or lingers: from, to
    """

    owner: str
    id: str
    title: str
    classification: str
    delivery: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    identity: tuple[tuple[str, str], ...]
    draw: Callable[[Ask], Sheet] = field(repr=False)
    prefix: str = ""
    notes: tuple[str, ...] = ()
    late: tuple[int, int] = LATE
    lingering: tuple[int, int] = LINGERING

    @property
    def canary_columns(self) -> tuple[str, ...]:
        """Columns that no agreement grants: each value says where it came from."""
        return ("note",) if self.notes else ()

    def rows(
        self, world: World, at: int | None = None, rates: Mapping[str, float] | None = None
    ) -> Drawn:
        """The file as it stands when day `at` ends (the last day of the county, if not said).

        `rates` (habit -> share) take the place of `habits.RATES`; an empty mapping gives the truth.
        """
        if rates is None:
            rates = {name: rate.rate for name, rate in habits.RATES[self.id].items()}
        day = world.settings.end if at is None else at
        ask = Ask(world, self, day, rates, Dice.of(world.settings, self.id))
        return self.draw(ask).drawn()


def contract(plan: Plan) -> dict[str, Any]:
    """The `[[dataset]]` table of a plan, as `broker.rules.contracts` reads it."""
    return {
        "owner": plan.owner,
        "id": plan.id,
        "title": plan.title,
        "classification": plan.classification,
        "delivery": plan.delivery,
        "key": list(plan.key),
        "identity": dict(plan.identity),
        "column": [_column(column) for column in plan.columns],
    }


def _column(column: Column) -> dict[str, Any]:
    table: dict[str, Any] = {"name": column.name, "type": column.type}
    if column.optional:
        table["optional"] = True
    if column.values:
        table["values"] = list(column.values)
    return table


def code_of(dataset: str, numbers: Array) -> Array:
    """int64 below 10**8, one for each record number; the same number has others elsewhere.

    Two datasets may count the same people, and equal references would say who is who.
    """
    seed = zlib.crc32(dataset.encode())
    # Ends in 7, so it is prime to 10 and no two numbers meet.
    factor = 10**7 + seed % (9 * 10**6) * 10 + 7
    codes: Array = (numbers.astype(np.int64) * factor + seed) % 10**DIGITS
    return codes


def digits_of(codes: Array) -> pa.Array:
    return pc.utf8_lpad(pa.array(codes).cast(pa.string()), DIGITS, "0")


def references(plan: Plan, numbers: Array) -> pa.Array:
    """The references that a partner gives to its records."""
    return pc.binary_join_element_wise(plan.prefix, digits_of(code_of(plan.id, numbers)), "")


def last_at_or_before(persons: Array, days: Array, person: Array, day: Array) -> Array:
    """For each (person, day): the last row of (persons, days), sorted, not later; -1 for none."""
    rows = np.searchsorted(_moment(persons, days), _moment(person, day), side="right") - 1
    return np.where((rows >= 0) & (persons[rows] == person), rows, -1)


def _moment(person: Array, day: Array) -> Array:
    return (person.astype(np.int64) << 32) + (day.astype(np.int64) - MISSING)


def homes_at(residence: Any, person: Array, day: Array) -> Array:
    """The row of `residence` where each person lives or lived last; where first, if not yet; -1."""
    rows = last_at_or_before(residence.person, residence.since, person, day)
    first = np.searchsorted(residence.person, person)
    known = residence.person[np.minimum(first, len(residence.person) - 1)] == person
    return np.where((rows < 0) & known, first, rows)


@dataclass(frozen=True, slots=True)
class Ask:
    """What a plan is asked for: which county, as on which day, with which rates and luck."""

    world: World
    plan: Plan
    at: int
    rates: Mapping[str, float]
    dice: Dice

    def events(self, kind: str) -> Mapping[str, Array]:
        return self.world.events[kind]

    def lags(self, numbers: Array) -> Array:
        """int64 days until each record hears of a change; 0 for who is not late."""
        return self._delays("late", numbers, self.plan.late)

    def lingers(self, numbers: Array) -> Array:
        """int64 days that each record stays open after its end; 0 for who does not linger."""
        return self._delays("lingering", numbers, self.plan.lingering)

    def gone(self, person: Array) -> Array:
        """int32 day on which each person died or moved away; `NEVER`."""
        people = self.world.people
        day: Array = np.minimum(people.died[person], people.left[person])
        return day

    def _delays(self, habit: str, numbers: Array, span: tuple[int, int]) -> Array:
        rate = self.rates.get(habit, 0.0)
        if not rate:
            return np.zeros(len(numbers), np.int64)
        long = span[0] + self.dice.pick(f"{habit} days", numbers, span[1] - span[0])
        return np.where(self.dice.roll(habit, numbers) < rate, long, 0)

    def some_day(self, name: str, numbers: Array, first: Array | int, last: Array | int) -> Array:
        """int32 day from `first` to `last`, by each record's luck."""
        lower = np.asarray(first, dtype=np.int64)
        span = np.maximum(np.asarray(last, dtype=np.int64) - lower, 0)
        days: Array = (lower + self.dice.roll(name, numbers) * span).astype(np.int32)
        return days

    def sheet(
        self,
        person: Array,
        *,
        since: Array,
        until: Array | None = None,
        closed_stay: bool = True,
        keep: Array | None = None,
        told: Array | None = None,
    ) -> Sheet:
        """A sheet of the source records that the file of day `at` holds.

        - `since`, `until`: days; a record is there from `since`, and open until `until` plus the
          days that it lingers
        - `closed_stay`: a closed record stays in the file, with its end
        - `keep`: bool, which source records the partner holds at all
        - `told`: the day on which the details were given; without it they are kept up to date
        """
        return Sheet(self, person, _Span(since, until, closed_stay), keep, told)


@dataclass(frozen=True, slots=True)
class _Span:
    since: Array
    until: Array | None
    closed_stay: bool

    def known_end(self, ask: Ask, person: Array) -> tuple[Array, Array]:
        """The end of each record as the partner knows it, and who lingers at all."""
        if self.until is None:
            return np.full(len(person), NEVER, np.int64), np.zeros(len(person), bool)
        until = self.until.astype(np.int64)
        # A death is reported by somebody; who moves away tells nobody.
        dead = ask.world.people.died[person] <= until + 1
        days = ask.lingers(np.arange(len(person)))
        days = np.where(dead, days // 4, days)
        return np.where(until == NEVER, until, until + days), days > 0


class Sheet:
    """Rows in the making: sectors put in columns, and the habits of the plan spoil them.

    `row` is the index of each row's source record, `number` the record's own number (duplicates
    have others), `person` whom it is about, `until` its end as the partner knows it.
    """

    def __init__(
        self, ask: Ask, person: Array, span: _Span, keep: Array | None, told: Array | None
    ) -> None:
        self.ask, self.plan, self.world = ask, ask.plan, ask.world
        self.counts: dict[str, tuple[int, int]] = {}
        self.touched: dict[str, Array] = {}
        self.columns: dict[str, Any] = {}
        known, lingers = span.known_end(ask, person)
        held = span.since <= ask.at
        if keep is not None:
            held &= keep
        if span.until is not None and ask.rates.get("lingering"):
            ended = held & (span.until <= ask.at)
            self.counts["lingering"] = int((ended & lingers).sum()), int(ended.sum())
        shown = held if span.closed_stay else held & (known > ask.at)
        self.row, self.number = self._with_duplicates(np.flatnonzero(shown), len(person))
        self.person = person[self.row]
        self.until = np.where(known > ask.at, NEVER, known)[self.row].astype(np.int32)
        if "lingering" in self.counts and span.until is not None:
            self.touched["lingering"] = (span.until[self.row] <= ask.at) & (self.until == NEVER)
        self.luck_dice, self.luck_number = ask.dice, self.number
        self.day = self._heard(ask.at if told is None else told[self.row])
        self._home: Array | None = None

    def _with_duplicates(self, rows: Array, records: int) -> tuple[Array, Array]:
        rate = self.ask.rates.get("duplicate", 0.0)
        again = rows[self.ask.dice.roll("duplicate", rows) < rate]
        if rate:
            self.counts["duplicate"] = len(again), len(rows)
            self.touched["duplicate"] = np.arange(len(rows) + len(again)) >= len(rows)
        return np.concatenate([rows, again]), np.concatenate([rows, again + records])

    def _heard(self, days: Array | int) -> Array:
        lags = self.ask.lags(self.row)
        if self.ask.rates.get("late"):
            self.touched["late"] = lags > 0
            self.counts["late"] = int((lags > 0).sum()), len(lags)
        return (days - lags).astype(np.int32)

    def as_written_in(self, dataset: str, numbers: Array) -> None:
        """Copy names, dates and addresses from the records `numbers` of another dataset."""
        self.luck_dice, self.luck_number = Dice.of(self.world.settings, dataset), numbers

    def luck(self, name: str, rows: Array) -> Array:
        return self.luck_dice.luck(name, self.luck_number[rows])

    def touch(self, habit: str, able: Array | None = None) -> Array:
        """Rows (int64) that `habit` gets wrong among those `able` (bool); all, if not said."""
        rate = self.ask.rates.get(habit, 0.0)
        if not rate:
            return np.empty(0, np.int64)
        wrong = self.luck_dice.roll(habit, self.luck_number) < rate
        if able is not None:
            wrong &= able
        self.touched[habit] = wrong
        self.counts[habit] = int(wrong.sum()), int(len(wrong) if able is None else able.sum())
        return np.flatnonzero(wrong)

    def may(self, habit: str) -> bool:
        return self.ask.rates.get(habit, 0.0) > 0

    @property
    def protected(self) -> Array:
        """bool: people of the scheme for safe addresses, who are the canaries of the county."""
        guarded: Array = self.world.people.canary[self.person]
        return guarded

    @property
    def home(self) -> Array:
        """int32 index in `place.addresses` of the address that the record has; -1 for none."""
        if self._home is None:
            residence = self.world.residence
            rows = homes_at(residence, self.person, self.day)
            if self.may("old-address"):
                moved = (rows > 0) & (residence.person[rows - 1] == self.person)
                rows[self.touch("old-address", moved)] -= 1
            self._home = np.where(rows >= 0, residence.address[rows], -1)
        return self._home

    def live_at(self, addresses: Array) -> None:
        """The record is of a dwelling: int32 index in `place.addresses` per source record."""
        self._home = addresses[self.row]

    def put(self, **columns: Array) -> None:
        """Columns as the source records have them: no habit spoils these."""
        for name, values in columns.items():
            self.columns[name] = values[self.row]

    def write(self, **columns: Any) -> None:
        """Columns row by row."""
        self.columns.update(columns)

    def drawn(self) -> Drawn:
        plan = self.plan
        codes = code_of(plan.id, self.number)
        if plan.prefix:
            self.columns[plan.key[0]] = references(plan, self.number)
        else:
            codes = self.columns[plan.key[0]]
        if plan.notes:
            self.columns["protected"] = self.protected
            self.columns["note"] = self._notes(codes)
        order = np.argsort(codes, kind="stable")
        table = pa.table(
            [_array(column, self.columns[column.name]) for column in plan.columns],
            schema=schema(plan),
        )
        touched = {name: wrong[order] for name, wrong in self.touched.items()}
        return Drawn(table.take(order), self.person[order], touched, self.counts)

    def _notes(self, codes: Array) -> pa.Array:
        phrases = np.array(self.plan.notes, dtype=object)
        said = pa.array(phrases[self.ask.dice.pick("note", self.number, len(phrases))], pa.string())
        canary = pc.binary_join_element_wise(f"CANARY-{self.plan.id}-", digits_of(codes), "")
        return pc.binary_join_element_wise(said, canary, " ")


def recoded(values: Array, codes: Mapping[str, str]) -> Array:
    """object array of a partner's own codes."""
    return np.array([codes[value] for value in values.tolist()], dtype=object)


TYPES: Mapping[str, pa.DataType] = {
    "text": pa.string(),
    "integer": pa.int64(),
    "decimal": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("s"),
}


def schema(plan: Plan) -> pa.Schema:
    return pa.schema([(column.name, TYPES[column.type]) for column in plan.columns])


def _array(column: Column, values: Any) -> pa.Array:
    """One column in its type; `""` and the two days that are none become empty if they may."""
    if isinstance(values, pa.Array):
        return values
    kind = TYPES[column.type]
    if column.type == "text":
        gaps = values == "" if column.optional else None
        return pa.array(values, kind, mask=gaps)
    if column.type in ("date", "integer") and column.optional:
        gaps = (values == NEVER) | (values == MISSING)
        values = pa.array(values, mask=gaps)
        return values.cast(kind) if column.type == "integer" else values.cast(pa.int32()).cast(kind)
    if column.type == "date":
        return pa.array(values.astype(np.int32)).cast(kind)
    return pa.array(values).cast(kind)
