"""Files of changes: what a partner sends each week in place of the whole dataset.

A change row has the columns of the dataset after `operation`: `add` and `correct` rows are whole;
a `remove` row has the key only. Rows of one file have different keys, and are sorted by them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from .records.drawing import Plan, World, schema

ADD, CORRECT, REMOVE = "add", "correct", "remove"
OPERATION = "operation"


@dataclass(frozen=True, slots=True)
class Deposits:
    """What a partner sends: everything first, then the changes of each ISO week (`2026-W39`).

    The last week is the one in which the county's last day falls, so that all of it, applied in
    order, is the dataset of that day.
    """

    initial: pa.Table
    weeks: Mapping[str, pa.Table]


def weekly(world: World, plan: Plan, weeks: int) -> Deposits:
    """The dataset at the start of the first of `weeks` weeks, and the changes of each."""
    end = date(1970, 1, 1) + timedelta(days=world.settings.end)
    first = end - timedelta(days=end.weekday() + 7 * (weeks - 1))
    before = plan.rows(world, _day(first) - 1).table
    initial = as_changes(plan, before.slice(0, 0), before)
    changed: dict[str, pa.Table] = {}
    for week in range(weeks):
        monday = first + timedelta(days=7 * week)
        after = plan.rows(world, min(_day(monday) + 6, world.settings.end)).table
        year, number, _ = monday.isocalendar()
        changed[f"{year}-W{number:02d}"] = as_changes(plan, before, after)
        before = after
    return Deposits(initial, changed)


def _day(when: date) -> int:
    return (when - date(1970, 1, 1)).days


def between(world: World, plan: Plan, earlier: int, later: int) -> pa.Table:
    """The changes from the end of day `earlier` to the end of day `later`."""
    return as_changes(plan, plan.rows(world, earlier).table, plan.rows(world, later).table)


def as_changes(plan: Plan, before: pa.Table, after: pa.Table) -> pa.Table:
    """The change rows that lead from one table of a plan to another."""
    key = plan.key[0]
    place = pc.index_in(after[key], value_set=before[key].combine_chunks())
    added = after.filter(pc.is_null(place))
    kept = after.filter(pc.is_valid(place))
    was = before.take(place.drop_null())
    corrected = kept.filter(_differ(was, kept))
    gone = pc.is_null(pc.index_in(before[key], value_set=after[key].combine_chunks()))
    removed = before.filter(gone).select([key])
    parts = ((ADD, added), (CORRECT, corrected), (REMOVE, _emptied(plan, removed)))
    changes = pa.concat_tables([_with_operation(*part) for part in parts])
    return changes.sort_by(key).combine_chunks()


def _differ(before: pa.Table, after: pa.Table) -> pa.Array:
    """bool per row: whether any value differs; an empty cell equals an empty cell only."""
    differs = pa.array([False] * before.num_rows, pa.bool_())
    for name in before.column_names:
        one, other = before[name].combine_chunks(), after[name].combine_chunks()
        unequal = pc.fill_null(pc.not_equal(one, other), False)
        gap = pc.xor(pc.is_null(one), pc.is_null(other))
        differs = pc.or_(differs, pc.or_(unequal, gap))
    return differs


def _emptied(plan: Plan, keys: pa.Table) -> pa.Table:
    empty = {
        column.name: pa.nulls(keys.num_rows, column.type)
        for column in schema(plan)
        if column.name not in plan.key
    }
    columns = {plan.key[0]: keys[plan.key[0]], **empty}
    return pa.table({name: columns[name] for name in schema(plan).names}, schema=schema(plan))


def _with_operation(operation: str, rows: pa.Table) -> pa.Table:
    return rows.add_column(0, OPERATION, pa.array([operation] * rows.num_rows, pa.string()))


def apply(plan: Plan, held: pa.Table, changes: pa.Table) -> pa.Table:
    """The table after `changes`, sorted by key: how a reader of the files puts them together."""
    key = plan.key[0]
    untouched = pc.is_null(pc.index_in(held[key], value_set=changes[key].combine_chunks()))
    whole = changes.filter(pc.not_equal(changes[OPERATION], REMOVE)).drop_columns([OPERATION])
    return pa.concat_tables([held.filter(untouched), whole]).sort_by(key).combine_chunks()
