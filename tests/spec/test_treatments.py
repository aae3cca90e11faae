"""What each treatment shows: tables in, tables out, on DuckDB and on the reference engine."""

import hmac
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from factories import LINKAGE_REFERENCE, REFERENCE, County, dataset, grant, signed
from stored import Lake

from commonthread.broker.keyring import Keyring
from commonthread.broker.lake import reference
from commonthread.broker.lake.pseudonyms import Pseudonyms

DATASET = "wychshire/telecare"
Engine = Callable[[Lake, County], list[dict[str, Any]]]


def by_duckdb(lake: Lake, county: County) -> list[dict[str, Any]]:
    return lake.rows(lake.extracts.ensure(county.grant_view("shown")))


def by_reference(lake: Lake, county: County) -> list[dict[str, Any]]:
    return lake.reference(county.grant_view("shown"))


@pytest.fixture(params=[by_duckdb, by_reference], ids=["duckdb", "reference"])
def engine(request: pytest.FixtureRequest) -> Engine:
    return request.param


def shown(
    engine: Engine, home: Path, kind: str, values: list[Any], column: Any = "value", **clauses: Any
) -> dict[int, Any]:
    """Row number → what the grant shows of the value, for the rows that it shows."""
    columns = {"ref": "integer", "value": kind}
    county = signed(
        [dataset("wychshire", "telecare", columns)],
        [grant("shown", DATASET, ["ref", column], **clauses)],
    )
    lake = Lake(home)
    lake.deposit(county, DATASET, [{"ref": n, "value": v} for n, v in enumerate(values)])
    rows = engine(lake, county)
    lake.extracts.forget()
    return {row["ref"]: row["value"] for row in rows}


TREATED: list[tuple[str, str, list[tuple[Any, Any]]]] = [
    ("plain", "text", [("Zoë", "Zoë"), ("", ""), (None, None)]),
    ("plain", "decimal", [(Decimal("1.10"), Decimal("1.1")), (None, None)]),
    ("flag", "text", [("", True), ("x", True), (None, False)]),
    ("flag", "boolean", [(False, True), (None, False)]),
    ("year", "date", [(date(2025, 12, 31), 2025), (date(33, 1, 1), 33), (None, None)]),
    ("year", "timestamp", [(datetime.fromisoformat("2025-12-31T23:59:59.999999"), 2025)]),
    ("month", "date", [(date(2025, 1, 31), "2025-01"), (date(33, 12, 1), "0033-12"), (None, None)]),
    ("month", "timestamp", [(datetime.fromisoformat("2024-02-29T12:00:00"), "2024-02")]),
    (
        "outward",
        "text",
        [
            ("WR1 2AB", "WR1"),
            ("wr12ab", "WR1"),
            ("WR12 3AB", "WR12"),
            ("SW1A\t1AA", "SW1A"),
            (" B1 1BB ", "B1"),
            ("WR1", "WR1"),
            ("wr12", "WR12"),
            ("The Cottage, Saltbridge", None),
            ("WR1 2AB ring twice", None),
            ("WR1 2AB\n", None),
            ("\u212a1 2AB", None),
            ("", None),
            (None, None),
        ],
    ),
]


@pytest.mark.parametrize(
    ("treatment", "kind", "table"), TREATED, ids=[f"{name}-{kind}" for name, kind, _ in TREATED]
)
def test_treatment(
    engine: Engine, tmp_path: Path, treatment: str, kind: str, table: list[tuple[Any, Any]]
) -> None:
    column = {"name": "value", "treatment": treatment}
    values = [value for value, _ in table]
    expected = {number: result for number, (_, result) in enumerate(table)}
    assert shown(engine, tmp_path, kind, values, column) == expected


def test_age_band_is_as_at_its_date(engine: Engine, tmp_path: Path) -> None:
    column = {"name": "value", "treatment": "age-band", "as_at": "2026-01-01"}
    table = [
        (date(1961, 1, 1), "65-69"),
        (date(1961, 1, 2), "60-64"),
        (date(1936, 1, 1), "90+"),
        (date(1936, 1, 2), "85-89"),
        (date(2026, 1, 1), "0-4"),
        (date(2026, 1, 2), None),
        (date(1956, 2, 29), "65-69"),
        (None, None),
    ]
    values = [value for value, _ in table]
    expected = dict(enumerate(result for _, result in table))
    assert shown(engine, tmp_path, "date", values, column) == expected


def test_a_pseudonym_says_who_is_the_same_and_nothing_else(engine: Engine, tmp_path: Path) -> None:
    column = {"name": "value", "treatment": "pseudonym"}
    found = shown(
        engine, tmp_path, "text", ["9000000001", "9000000002", "9000000001", None], column
    )
    assert found[0] == found[2] != found[1]
    assert found[3] is None
    assert all(0 <= found[number] < 2**63 for number in (0, 1))


FILTERS: list[tuple[Any, list[int]]] = [
    (["value", "=", "b"], [1]),
    (["value", "!=", "b"], [0, 2]),
    ({"not": ["value", "=", "b"]}, [0, 2]),
    ({"not": {"not": ["value", "=", "b"]}}, [1]),
    ({"or": [["value", "=", "b"], {"not": ["value", "=", "b"]}]}, [0, 1, 2]),
    ({"or": [["value", "=", "b"], ["ref", "=", 3]]}, [1, 3]),
    ({"and": [["value", "!=", "b"], ["ref", "<=", 3]]}, [0, 2]),
    (["value", "in", ["a", "b"]], [0, 1]),
    ({"not": ["value", "in", ["a", "b"]]}, [2]),
    (["value", ">", "b"], [2]),
]


@pytest.mark.parametrize(("rows", "expected"), FILTERS, ids=range(len(FILTERS)))
def test_a_comparison_with_a_missing_value_hides_the_row(
    engine: Engine, tmp_path: Path, rows: Any, expected: list[int]
) -> None:
    found = shown(engine, tmp_path, "text", ["a", "b", "é", None], rows=rows)
    assert sorted(found) == expected


def test_text_compares_by_its_bytes(engine: Engine, tmp_path: Path) -> None:
    """In UTF-16, as some engines compare, the first would come before the second."""
    found = shown(engine, tmp_path, "text", ["\U0001f9f5", "\uffee"], rows=["value", ">", "\uffee"])
    assert sorted(found) == [0]


def test_a_date_compared_with_a_timestamp_is_its_midnight(engine: Engine, tmp_path: Path) -> None:
    values = [
        datetime.fromisoformat(text)
        for text in ("2024-12-31T23:59:59.999999", "2025-01-01T00:00:00", "2025-01-01T00:00:01")
    ]
    found = shown(engine, tmp_path, "timestamp", values, rows=["value", "<=", "2025-01-01"])
    assert sorted(found) == [0, 1]


# Pseudonyms of one agreement.


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    return Keyring.create(tmp_path)


def test_a_pseudonym_is_an_hmac_cut_to_63_bits(keyring: Keyring) -> None:
    key = hmac.digest(keyring.derive("pseudonyms"), REFERENCE.encode(), "sha256")
    whole = int.from_bytes(hmac.digest(key, "Zoë".encode(), "sha256"), "big")
    assert Pseudonyms(keyring, REFERENCE).numbers(["Zoë"]) == [whole >> (256 - 63)]


def test_two_agreements_share_no_pseudonym(keyring: Keyring) -> None:
    texts = [str(number) for number in range(100)]
    ours = Pseudonyms(keyring, REFERENCE).numbers(texts)
    assert not set(ours) & set(Pseudonyms(keyring, LINKAGE_REFERENCE).numbers(texts))


def test_clashes_are_counted_up_whatever_the_order(keyring: Keyring) -> None:
    few = Pseudonyms(keyring, REFERENCE, bits=4)
    texts = [str(number) for number in range(16)]
    found = few.of(texts)
    assert sorted(found.values()) == list(range(16))
    assert few.of(list(reversed(texts))) == found


def test_a_record_that_nothing_links_is_alone(tmp_path: Path) -> None:
    county = signed(
        [dataset("wychshire", "telecare", {"ref": "integer", "value": "text"})],
        [grant("shown", DATASET, ["ref"])],
    )
    lake = Lake(tmp_path)
    lake.deposit(county, DATASET, [{"ref": 1, "value": "same"}, {"ref": 2, "value": "same"}])
    found = reference.members(county.grant_view("shown"), lake.tables)
    assert len({resident for _, resident in found}) == 2
