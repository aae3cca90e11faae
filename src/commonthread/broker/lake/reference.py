"""The same view in plain Python, row by row: what every engine is held to by generated cases.

Slow and plain on purpose. It shares with the compiler the rules' own words (`truth`, `treat`,
`record_text`) and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from commonthread.broker.rules.filters import truth
from commonthread.broker.rules.terms import PERSON
from commonthread.broker.rules.treatments import record_text, treat, value_text
from commonthread.broker.rules.views import GrantView

from .pseudonyms import Pseudonyms, lone_resident, mapped_resident, own_resident

Row = Mapping[str, Any]
# SHA-256 of a deposit's file → its rows.
Tables = Mapping[str, Sequence[Row]]


def rows(view: GrantView, tables: Tables, pseudonyms: Pseudonyms) -> list[dict[str, Any]]:
    """The rows of the view's extract: the exposed columns, `_resident`, and `_by` for a look-up."""
    kept = list(_kept(view, tables))
    persons = pseudonyms.of([resident for _, _, resident in kept])
    numbers = {
        column.name: pseudonyms.of(
            [value_text(row[column.name]) for row, _, _ in kept if row[column.name] is not None]
        )
        for column in view.grant.columns
        if column.treatment == "pseudonym"
    }
    return [_shown(view, row, persons[resident], numbers) for row, _, resident in kept]


def members(view: GrantView, tables: Tables) -> list[tuple[str, str]]:
    """(record, text of its resident) of each row that the view opens."""
    return [(record, resident) for _, record, resident in _kept(view, tables)]


def _shown(
    view: GrantView, row: Row, person: int, numbers: Mapping[str, Mapping[str, int]]
) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    if view.grant.person:
        shown[PERSON] = person
    for column in view.grant.columns:
        pseudonym = _numbered(numbers.get(column.name, {}))
        value = row[column.name]
        shown[column.exposed] = treat(column.treatment, value, column.as_at, pseudonym)
    shown["_resident"] = person
    if view.grant.by not in ("", PERSON):
        shown["_by"] = row[view.grant.by]
    return shown


def _numbered(known: Mapping[str, int]) -> Callable[[Any], int]:
    return lambda value: known[value_text(value)]


def _kept(view: GrantView, tables: Tables) -> Iterator[tuple[Row, str, str]]:
    """(row, record, resident) of each row that is neither filtered, hidden nor somebody else's."""
    located = list(_located(view, tables))
    objecting = _objecting(view, tables, located)
    present = None
    if view.persons is not None:
        present = {resident for _, _, resident in _kept(view.persons, tables)}
    for row, record, resident in located:
        if (view.contract.name, record) in view.hidden or resident in objecting:
            continue
        if present is not None and resident not in present:
            continue
        if truth(view.grant.rows, row, view.contract) is True:
            yield row, record, resident


def _located(view: GrantView, tables: Tables) -> Iterator[tuple[Row, str, str]]:
    contract, known = view.contract, _map(view, tables)
    own = contract.role("own_id")
    for deposit in view.deposits:
        for row in tables[deposit.file]:
            record = record_text(row[name] for name in contract.key)
            resident = known.get((contract.name, record))
            if resident is None and own is not None and row[own] is not None:
                resident = own_resident(contract.name, row[own])
            yield row, record, resident or lone_resident(contract.name, record)


def _map(view: GrantView, tables: Tables) -> dict[tuple[str, str], str]:
    """(dataset, record) → the text of its resident."""
    if view.linkage is None:
        return {}
    found: dict[tuple[str, str], str] = {}
    newest = tables[view.linkage.deposits[-1].file]
    for row in sorted(newest, key=lambda row: str(row["resident"]).encode(), reverse=True):
        if row["resident"] is not None:
            text = mapped_resident(view.linkage.reference, row["resident"])
            found[row["dataset"], row["record"]] = text
    return found


def _objecting(
    view: GrantView, tables: Tables, located: Sequence[tuple[Row, str, str]]
) -> set[str]:
    """The residents of the records that objections name."""
    known, name = _map(view, tables), view.contract.name
    found = {known[pair] for pair in view.hidden if pair in known}
    return found | {resident for _, record, resident in located if (name, record) in view.hidden}
