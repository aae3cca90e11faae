"""Contracts: what is refused, and when a change of one closes the grants that rest on it."""

from typing import Any

import pytest

from commonthread.broker.rules.canonical import canonical_bytes, parse_json
from commonthread.broker.rules.contracts import RESERVED, Contract, parse_contract
from commonthread.broker.rules.errors import BadInput

# Computed once: grants that were signed carry numbers like the second.
DIGEST = "3597ad21d4781293010f378aa2537994548057b2f8cd25e44bcb1fb350fe5d5b"
DIGEST_OF_BORN = "769dd0514172565c47c1b926fe6b32d64a070c2726b8f8e3ef22d869abb1e349"


def visits(**fields: Any) -> dict[str, Any]:
    return {
        "owner": "ash",
        "id": "visits",
        "title": "Visits",
        "classification": "personal",
        "delivery": "append",
        "key": ["ref", "seen"],
        "column": [
            {"name": "ref", "type": "text"},
            {"name": "seen", "type": "timestamp", "format": "%d/%m/%Y %H:%M"},
            {"name": "born", "type": "date", "minimum": "1900-01-01", "optional": True},
            {"name": "device", "type": "text", "values": ["pendant", "bed"]},
            {"name": "score", "type": "integer", "minimum": 0, "maximum": 9},
        ],
        "identity": {"date_of_birth": "born", "own_id": "ref"},
        "derived_from": ["elm/base", "birch/base"],
        **fields,
    }


def made(**fields: Any) -> Contract:
    return parse_contract(visits(**fields))


def with_column(place: int, **fields: Any) -> dict[str, Any]:
    table = visits()
    table["column"][place].update(fields)
    return table


def faults(table: Any) -> list[str]:
    with pytest.raises(BadInput) as raised:
        parse_contract(table)
    return [problem.where for problem in raised.value.problems]


def test_digests_are_those_that_were_pinned() -> None:
    assert made().digest == DIGEST
    assert made().digest_of(["born"]) == DIGEST_OF_BORN


def test_a_contract_read_back_from_its_own_bytes_is_the_same() -> None:
    assert parse_contract(parse_json(canonical_bytes(made().to_plain()))).digest == DIGEST


def test_sets_have_no_order_and_keys_have() -> None:
    other = visits(derived_from=["birch/base", "elm/base"])
    other["column"][3]["values"] = ["bed", "pendant"]
    assert parse_contract(other).digest == DIGEST
    assert made(key=["seen", "ref"]).digest != DIGEST


@pytest.mark.parametrize(
    "fields",
    [
        {"title": "Calls"},
        {"classification": "open"},
        {"delivery": "snapshot"},
        {"key": ["ref"]},
        {"identity": {"own_id": "ref"}},
        {"derived_from": ["elm/base"]},
        {"earliest_birth_year": 1900},
        {"id": "calls"},
        {"owner": "birch"},
        {"column": visits()["column"][:4]},
    ],
)
def test_each_change_changes_the_digest(fields: dict[str, Any]) -> None:
    assert made(**fields).digest != DIGEST


@pytest.mark.parametrize(
    ("place", "fields"),
    [
        (2, {"type": "timestamp"}),
        (2, {"optional": False}),
        (2, {"minimum": "1900-01-02"}),
        (2, {"maximum": "2030-01-01"}),
        (2, {"format": "%Y%m%d"}),
        (0, {"values": ["a"]}),
        (1, {"format": "%m/%d/%Y %H:%M"}),
    ],
)
def test_a_column_that_a_grant_uses_changes_its_digest(place: int, fields: dict[str, Any]) -> None:
    """The used column and the key: both say what a row of the grant means."""
    assert parse_contract(with_column(place, **fields)).digest_of(["born"]) != DIGEST_OF_BORN


@pytest.mark.parametrize(
    "fields",
    [
        {"classification": "special-category"},
        {"derived_from": ["elm/base"]},
        {"key": ["ref"]},
        {"identity": {"date_of_birth": "born"}},
        {"id": "calls"},
    ],
)
def test_what_the_dataset_is_changes_the_digest_of_its_grants(fields: dict[str, Any]) -> None:
    assert made(**fields).digest_of(["born"]) != DIGEST_OF_BORN


@pytest.mark.parametrize("fields", [{"title": "Calls"}, {"earliest_birth_year": 1900}])
def test_what_no_grant_rests_on_leaves_it_open(fields: dict[str, Any]) -> None:
    assert made(**fields).digest_of(["born"]) == DIGEST_OF_BORN


def test_a_column_that_a_grant_does_not_use_leaves_it_open() -> None:
    other = parse_contract(with_column(4, maximum=10))
    assert other.digest_of(["born"]) == DIGEST_OF_BORN
    assert other.digest_of(["score"]) != made().digest_of(["score"])


def test_a_column_that_is_gone_changes_the_digest_of_its_grants() -> None:
    table = visits()
    del table["column"][4]
    assert parse_contract(table).digest_of(["score"]) != made().digest_of(["score"])


def test_all_faults_are_named_at_once() -> None:
    table = visits(classification="secret", colour="blue")
    table["column"][0]["type"] = "varchar"
    table["column"][3]["values"] = "pendant"
    assert sorted(faults(table)) == [
        "dataset.classification",
        "dataset.colour",
        "dataset.column[0].type",
        "dataset.column[3].values",
    ]


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"delivery": "sometimes"}, "delivery"),
        ({"delivery": "daily"}, "delivery"),
        ({"key": []}, "key"),
        ({"key": ["nowhere"]}, "key"),
        ({"key": ["ref", "ref"]}, "key"),
        ({"column": []}, "column"),
        ({"identity": {"nickname": "ref"}}, "identity"),
        ({"identity": {"own_id": "nowhere"}}, "identity.own_id"),
        ({"identity": {"own_id": 7}}, "identity.own_id"),
        ({"identity": ["ref"]}, "identity"),
        ({"derived_from": ["ash/visits"]}, "derived_from"),
        ({"derived_from": ["visits"]}, "derived_from[0]"),
        ({"owner": "Ash"}, "owner"),
        ({"id": "ash/visits"}, "id"),
        ({"title": " "}, "title"),
    ],
)
def test_a_contract_refuses(fields: dict[str, Any], fault: str) -> None:
    assert faults(visits(**fields)) == [f"dataset.{fault}"]


@pytest.mark.parametrize(
    ("place", "fields", "fault"),
    [
        (0, {"name": "Ref"}, ".name"),
        (0, {"name": "_ref"}, ".name"),
        (0, {"minimum": 1}, ".minimum"),
        (0, {"format": "%Y"}, ".format"),
        (4, {"values": ["1"]}, ".values"),
        (4, {"minimum": "2026-01-01"}, ".minimum"),
        (2, {"maximum": 9}, ".maximum"),
        (4, {"minimum": True}, ".minimum"),
        (0, {"default": "x"}, ".default"),
    ],
)
def test_a_column_refuses(place: int, fields: dict[str, Any], fault: str) -> None:
    assert faults(with_column(place, **fields)) == [f"dataset.column[{place}]{fault}"]


@pytest.mark.parametrize("name", RESERVED)
def test_names_of_the_platform_are_no_columns(name: str) -> None:
    assert faults(with_column(4, name=name)) == ["dataset.column[4].name"]


def test_two_columns_need_two_names() -> None:
    assert faults(with_column(4, name="born", maximum=9)) == ["dataset.column"]
