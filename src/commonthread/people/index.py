"""Ids that residents keep from one linkage to the next.

- An id is opaque and random: it says nothing of who it stands for, and is made of no data.
- A group keeps the id that most of its records had. After a merge the id of more records survives.
- After a split the part with more of the former records keeps the id, the others get new ones.
- Where numbers are equal, the id that the former map names first is the older and goes first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import uuid4

if TYPE_CHECKING:
    from .linker import Linked

Record = tuple[str, str]


def new_id() -> str:
    return uuid4().hex


def residents(
    linked: Linked, previous: Mapping[Record, str], *, mint: Callable[[], str] = new_id
) -> Any:
    """A table of dataset, record and resident (all text), a row for each record of `linked`.

    `previous` is the former map, (dataset, record) to resident, oldest first.
    """
    rows = linked.rows.to_pydict()
    records = list(zip(rows["dataset"], rows["record"], strict=True))
    kept = keep(records, rows["cluster"], previous)
    ids: dict[int, str] = {}
    for group in rows["cluster"]:
        if group not in ids:
            ids[group] = kept[group] if group in kept else mint()
    return linked.named([ids[group] for group in rows["cluster"]])


def keep(
    records: Sequence[Record], groups: Sequence[int], previous: Mapping[Record, str]
) -> dict[int, str]:
    """The former id of each group that keeps one: largest overlap first, no id twice."""
    age = {resident: place for place, resident in enumerate(dict.fromkeys(previous.values()))}
    overlaps = Counter(
        (group, previous[record])
        for record, group in zip(records, groups, strict=True)
        if record in previous
    )
    kept: dict[int, str] = {}
    taken: set[str] = set()
    for (group, resident), _ in sorted(
        overlaps.items(), key=lambda item: (-item[1], age[item[0][1]], item[0][0])
    ):
        if group not in kept and resident not in taken:
            kept[group] = resident
            taken.add(resident)
    return kept
