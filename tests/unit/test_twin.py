"""The twin invents rows from a contract, and shows them as the broker's own rules would."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from commonthread.broker.rules.authored import parse_grant
from commonthread.broker.rules.contracts import Contract, parse_contract
from commonthread.gateway.drafting.twin import ROWS, SHOWN, preview, twin

COLUMNS = [
    {"name": "ref", "type": "text"},
    {"name": "surname", "type": "text"},
    {"name": "born", "type": "date"},
    {"name": "postcode", "type": "text"},
    {"name": "device", "type": "text", "values": ["pendant", "sensor"]},
    {"name": "alarms", "type": "integer", "minimum": 2, "maximum": 9, "optional": True},
]


@pytest.fixture
def contract() -> Contract:
    return parse_contract(
        {
            "owner": "wychshire",
            "id": "telecare",
            "title": "Telecare",
            "classification": "special-category",
            "delivery": "snapshot",
            "key": ["ref"],
            "identity": {"family_name": "surname", "date_of_birth": "born", "postcode": "postcode"},
            "column": COLUMNS,
        }
    )


def grant(**more: Any) -> Any:
    table = {
        "id": "telecare",
        "dataset": "wychshire/telecare",
        "purpose": "planning",
        "recipients": ["wychshire/analysts"],
        "mode": "rows",
        "columns": ["device"],
        "retention": "P30D",
        **more,
    }
    return parse_grant(table)


def test_rows_are_of_the_contract_and_the_same_each_time(contract: Contract) -> None:
    rows = twin(contract)
    assert rows == twin(contract)
    assert rows != twin(contract, seed=2)
    assert len({row["ref"] for row in rows}) == ROWS
    assert {row["device"] for row in rows} == {"pendant", "sensor"}
    numbers = [row["alarms"] for row in rows]
    assert None in numbers
    assert all(2 <= number <= 9 for number in numbers if number is not None)


def test_columns_are_seen_as_they_are_treated(contract: Contract) -> None:
    columns = [
        {"name": "born", "treatment": "age-band", "as_at": date(2026, 1, 1), "as": "age"},
        {"name": "postcode", "treatment": "outward"},
        {"name": "surname", "treatment": "flag"},
    ]
    shown = preview(grant(columns=columns), contract)
    assert shown.columns == ("age", "postcode", "surname")
    assert len(shown.rows) == SHOWN
    for age, outward, there in shown.rows:
        assert "-" in age or age == "90+"
        assert outward in ("QX1", "QX2", "QX3")
        assert there == "true"


def test_a_pseudonym_stands_for_its_value(contract: Contract) -> None:
    shown = preview(grant(columns=[{"name": "ref", "treatment": "pseudonym"}]), contract)
    assert not any("ref" in cell for (cell,) in shown.rows)
    assert len({cell for (cell,) in shown.rows}) == SHOWN


def test_a_condition_keeps_the_rows_that_it_says(contract: Contract) -> None:
    shown = preview(grant(rows=["device", "=", "pendant"]), contract)
    assert {cell for (cell,) in shown.rows} == {"pendant"}
    assert 0 < shown.kept < shown.of


def test_a_missing_value_passes_no_condition(contract: Contract) -> None:
    rows = twin(contract)
    shown = preview(grant(rows=["alarms", ">=", 0], columns=["alarms"]), contract)
    assert shown.kept == sum(row["alarms"] is not None for row in rows)


def test_a_look_up_shows_one_record(contract: Contract) -> None:
    assert len(preview(grant(mode="lookup", by="ref"), contract).rows) == 1


def test_statistics_show_no_group_under_the_minimum(contract: Contract) -> None:
    few = preview(grant(mode="statistics", minimum_count=5, round_to=5), contract)
    assert few.columns == ("device", "count")
    assert abs(sum(int(count) for _, count in few.rows) - ROWS) <= 5
    assert all(int(count) % 5 == 0 for _, count in few.rows)
    none = preview(grant(mode="statistics", minimum_count=ROWS + 1, round_to=5), contract)
    assert none.rows == ()


def test_a_condition_that_does_not_fit_is_an_error(contract: Contract) -> None:
    with pytest.raises((KeyError, ValueError)):
        preview(grant(rows=["device", "=", 3]), contract)
