"""Row filters: what is read, what fits a contract, and what a missing value does to a row."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from commonthread.broker.rules.contracts import Contract, parse_contract
from commonthread.broker.rules.errors import BadInput, Problem
from commonthread.broker.rules.filters import (
    DEEPEST,
    MOST_VALUES,
    Compare,
    Filter,
    columns_of,
    filter_problems,
    parse_filter,
    truth,
    typed,
)

COLUMNS = {
    "name": "text",
    "born": "date",
    "seen": "timestamp",
    "score": "integer",
    "ratio": "decimal",
    "alive": "boolean",
}
CONTRACT: Contract = parse_contract(
    {
        "owner": "ash",
        "id": "visits",
        "title": "Visits",
        "classification": "personal",
        "delivery": "snapshot",
        "key": ["name"],
        "column": [{"name": name, "type": kind} for name, kind in COLUMNS.items()],
    }
)
ROW: dict[str, Any] = {
    "name": "Zoë",
    "born": date(1961, 1, 1),
    "seen": datetime(2026, 3, 1, 12, 30),  # noqa: DTZ001 - local, as it was delivered
    "score": 7,
    "ratio": Decimal("0.5"),
    "alive": True,
}


def read(value: Any) -> Filter:
    problems: list[Problem] = []
    made = parse_filter(value, "rows", problems)
    assert made is not None, problems
    assert problems == []
    return made


def refused(value: Any) -> list[Problem]:
    problems: list[Problem] = []
    assert parse_filter(value, "rows", problems) is None
    assert problems
    return problems


def shows(value: Any, **row: Any) -> bool | None:
    """True, False or None (unknown) for one row."""
    return truth(read(value), {**ROW, **row}, CONTRACT)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (["score", "=", 7], True),
        (["score", "!=", 7], False),
        (["score", "<", 7], False),
        (["score", "<=", 7], True),
        (["score", ">", 6], True),
        (["score", ">=", 8], False),
        (["score", "in", [1, 7]], True),
        (["score", "in", [1, 8]], False),
        (["born", "<=", "1961-01-01"], True),
        (["born", "<", "1961-01-01"], False),
        (["seen", ">", "2026-03-01"], True),
        (["seen", "=", "2026-03-01T12:30:00"], True),
        (["ratio", "=", "0.50"], True),
        (["ratio", "<", 1], True),
        (["alive", "=", True], True),
        (["name", "=", "Zoë"], True),
        (["name", ">", "Zoz"], True),  # by bytes: ë lies beyond z
        ({"not": ["score", "=", 7]}, False),
        ({"and": [["score", "=", 7], ["alive", "=", False]]}, False),
        ({"or": [["score", "=", 1], ["alive", "=", True]]}, True),
    ],
)
def test_a_filter_shows_a_row(value: Any, expected: bool) -> None:
    assert shows(value) is expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (["score", "=", 7], None),
        (["score", "!=", 7], None),
        (["score", "in", [7]], None),
        ({"not": ["score", "=", 7]}, None),
        ({"not": {"not": ["score", "=", 7]}}, None),
        ({"and": [["score", "=", 7], ["alive", "=", True]]}, None),
        ({"and": [["score", "=", 7], ["alive", "=", False]]}, False),
        ({"or": [["score", "=", 7], ["alive", "=", True]]}, True),
        ({"or": [["score", "=", 7], ["alive", "=", False]]}, None),
    ],
)
def test_a_missing_value_is_unknown(value: Any, expected: bool | None) -> None:
    assert shows(value, score=None) is expected


@pytest.mark.parametrize(
    "value",
    [
        ["score", "~", 7],
        ["score", "in", []],
        ["score", "in", 7],
        ["score", "=", None],
        ["score", "=", 0.5],
        ["score", "=", [7]],
        ["score", "="],
        ["score", "=", 7, 8],
        [7, "=", 7],
        {"and": []},
        {"and": ["score", "=", 7]},
        {"or": {}},
        {"not": [["score", "=", 7]]},
        {"nand": [["score", "=", 7]]},
        {"and": [["score", "=", 7]], "or": [["score", "=", 7]]},
        {},
        "score = 7",
        7,
        None,
    ],
)
def test_what_is_no_filter_is_refused(value: Any) -> None:
    refused(value)


def test_each_fault_has_its_path() -> None:
    value = {"and": [["score", "~", 7], {"not": ["score", "="]}, {"or": [["score", "=", 7], 7]}]}
    assert [problem.where for problem in refused(value)] == [
        "rows.and[0]",
        "rows.and[1].not",
        "rows.and[2].or[1]",
    ]


def nested(depth: int) -> Any:
    return ["score", "=", 7] if depth == 0 else {"not": nested(depth - 1)}


def test_filters_stand_no_deeper_than_they_may() -> None:
    read(nested(DEEPEST))
    refused(nested(DEEPEST + 1))


def test_a_list_holds_no_more_than_it_may() -> None:
    read(["score", "in", list(range(MOST_VALUES))])
    refused(["score", "in", list(range(MOST_VALUES + 1))])


def test_a_literal_that_is_not_nfc_is_refused() -> None:
    with pytest.raises(BadInput):
        parse_filter(["name", "=", "Zoe\u0308"], "rows", [])


def test_a_date_and_its_text_are_one_filter() -> None:
    assert read(["born", "=", date(2026, 1, 1)]) == Compare("born", "=", "2026-01-01")


def test_order_and_repeats_mean_nothing() -> None:
    first = read({"or": [["score", "in", [2, 1]], ["alive", "=", True], ["alive", "=", True]]})
    second = read({"or": [["alive", "=", True], ["score", "in", [1, 2, 2]]]})
    assert first.to_plain() == second.to_plain()


def test_a_filter_names_the_columns_it_reads() -> None:
    value = {"and": [["score", "=", 7], {"not": {"or": [["name", "in", ["a"]]]}}]}
    assert set(columns_of(read(value))) == {"score", "name"}
    assert list(columns_of(None)) == []


@pytest.mark.parametrize(
    "value",
    [
        ["nowhere", "=", 1],
        ["score", "=", "7"],
        ["score", "=", True],
        ["name", "=", 7],
        ["born", "=", "1961-1-1"],
        ["born", "=", "19610101"],
        ["born", "=", "2026-02-30"],
        ["born", "=", "2026-01-01T00:00:00"],
        ["seen", "=", "2026-01-01T00:00"],
        ["seen", "=", "2026-01-01T00:00:00Z"],
        ["ratio", "=", "1e5"],
        ["ratio", "=", "NaN"],
        ["ratio", "=", "0.12345678901"],
        ["alive", "=", 1],
        ["alive", "<", True],
        ["alive", "in", [True]],
        ["score", "in", [1, "2"]],
        {"not": {"and": [["score", "=", 1], ["score", "=", "x"]]}},
    ],
)
def test_a_literal_must_be_of_the_columns_type(value: Any) -> None:
    assert [problem.where for problem in filter_problems(read(value), CONTRACT, "w")] == ["w"]


def test_a_filter_that_fits_has_no_problem() -> None:
    value = {"and": [["born", ">", "2026-01-01"], ["ratio", "<", "-0.5"], ["alive", "!=", True]]}
    assert list(filter_problems(read(value), CONTRACT, "w")) == []


def test_truth_is_no_number() -> None:
    with pytest.raises(ValueError, match="integer"):
        typed(True, "integer")
