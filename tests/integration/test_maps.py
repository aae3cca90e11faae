"""The map of a person index as a deposit: the same map is the same, however its rows stand."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.homes import DATASET, LINKAGE, small_home

from commonthread.broker.access import Broker
from commonthread.broker.keyring import Keyring
from commonthread.broker.lake import maps
from commonthread.broker.lake.store import Store
from commonthread.broker.records import close_ledgers

Row = tuple[str, str, str]
SOME = [
    ("b/b", "2:10", "r1"),
    ("a/a", "1:é", "r2"),
    ("a/a", '3:a"\\', "r1"),
    ("a/a", "2:\U0001f600", "r3"),
    ("a/a", "1:\uffff", "r3"),
    ("a/a", "1:\x7f", "r3"),
    ("a/a", "3:~ \n", "r3"),
    ("a/a", "0:", "r3"),
    ("a/a", "1:[", "r3"),
    ("a/a", "1:]", "r3"),
]
# What JSON escapes and what sorts unlike in UTF-16, among what it does not and what is alike.
TEXT = st.text(st.sampled_from('a1: ~[]^"\\/\n\x00\x1f\x7fé\ud7ff\uffff\U0001f600'), max_size=4)


def table(rows: Sequence[Row]) -> pa.Table:
    columns = zip(*rows, strict=True) if rows else ((), (), ())
    arrays = [pa.array(column, pa.string()) for column in columns]
    return pa.table(dict(zip(maps.COLUMNS, arrays, strict=True)))


def plainly(rows: Sequence[Row]) -> str:
    """What `maps.content` says it is, written as it says it."""
    return hashlib.sha256("".join(map(json.dumps, sorted(rows))).encode()).hexdigest()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    home = tmp_path_factory.mktemp("home")
    return Store(home, Keyring.create(home))


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    made = small_home(tmp_path, rows=8)
    yield made
    made.close()
    close_ledgers()


@pytest.mark.parametrize("rows", [[], SOME[:1], SOME, SOME[::-1], [*SOME, SOME[0]]])
def test_the_digest_is_that_of_the_rows_in_order(store: Store, rows: list[Row]) -> None:
    assert maps.content(store, table(rows)) == plainly(rows)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(TEXT, TEXT, TEXT), max_size=12))
def test_the_digest_of_any_text_is_that_of_its_json(store: Store, rows: list[Row]) -> None:
    assert maps.content(store, table(rows)) == plainly(rows)


def test_a_map_of_many_batches_has_one_digest(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [("a/b", f"{len(str(n))}:{n}", f"r{n % 7}") for n in range(20_000)]
    monkeypatch.setattr(maps, "BATCH_ROWS", 2_048)
    in_chunks = pa.concat_tables([table(rows[9_000:]), table(rows[:9_000])])
    assert maps.content(store, in_chunks) == plainly(rows)


def test_a_map_larger_than_its_memory_has_the_same_digest(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [("a/b", f"8:{n * 7919 % 400_000:08}", f"{n:032}") for n in range(400_000)]
    monkeypatch.setattr(maps, "MEMORY", "60MB")
    assert maps.content(store, table(rows)) == plainly(rows)
    assert list((store.home / "temp").iterdir()) == []


@pytest.mark.parametrize("column", maps.COLUMNS)
def test_a_map_without_a_column_is_an_error(store: Store, column: str) -> None:
    with pytest.raises(KeyError):
        maps.content(store, table(SOME).drop_columns(column))


@pytest.mark.parametrize("place", [0, 1])
def test_a_map_with_a_row_of_no_record_is_an_error(store: Store, place: int) -> None:
    row = [None if n == place else text for n, text in enumerate(SOME[0])]
    with pytest.raises(TypeError):
        maps.content(store, table([*SOME, tuple(row)]))


@pytest.mark.django_db(transaction=True)
def test_the_same_map_in_another_order_makes_no_new_version(broker: Broker) -> None:
    pins = {DATASET: broker.standing().pinned(DATASET)[-1].id}
    first = broker.deposit_map(LINKAGE, pins, table(SOME))
    again = broker.deposit_map(LINKAGE, pins, table(SOME[::-1]))
    other = broker.deposit_map(LINKAGE, pins, table(SOME[1:]))
    assert (first.new, again.new, other.new) == (True, False, True)
    assert again.deposit == first.deposit
    assert broker.map(LINKAGE) == {row[:2]: row[2] for row in SOME[1:]}


@pytest.mark.django_db(transaction=True)
def test_the_same_map_of_other_deposits_is_a_new_version(broker: Broker) -> None:
    pin = broker.standing().pinned(DATASET)[-1].id
    first = broker.deposit_map(LINKAGE, {DATASET: pin}, table(SOME))
    other = broker.deposit_map(LINKAGE, {DATASET: "0" * 64}, table(SOME))
    assert other.new and other.deposit.id != first.deposit.id
