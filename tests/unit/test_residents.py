"""Which id a resident keeps when the records are linked anew."""

import pyarrow as pa

from commonthread.people.index import keep, residents
from commonthread.people.linker import Linked

A, B, C, D, E = (("p/a", f"1:{letter}") for letter in "ABCDE")
Record = tuple[str, str]


def linked(*groups: list[Record]) -> Linked:
    rows = [(*record, number) for number, group in enumerate(groups) for record in group]
    dataset, record, cluster = zip(*rows, strict=True) if rows else ([], [], [])
    schema = pa.schema([("dataset", pa.string()), ("record", pa.string()), ("cluster", pa.int64())])
    return Linked(pa.table([dataset, record, cluster], schema=schema))


def ids(found: Linked, previous: dict[Record, str]) -> dict[Record, str]:
    minted = iter(f"new-{number}" for number in range(99))
    table = residents(found, previous, mint=lambda: next(minted)).to_pydict()
    keys = zip(table["dataset"], table["record"], strict=True)
    return dict(zip(keys, table["resident"], strict=True))


def test_an_unchanged_group_keeps_its_id() -> None:
    assert ids(linked([A, B], [C]), {A: "x", B: "x", C: "y"}) == {A: "x", B: "x", C: "y"}


def test_a_new_record_takes_the_id_of_its_group() -> None:
    assert ids(linked([A, B]), {A: "x"}) == {A: "x", B: "x"}


def test_a_new_group_gets_a_new_id() -> None:
    assert ids(linked([A], [B, C]), {A: "x"}) == {A: "x", B: "new-0", C: "new-0"}


def test_a_merge_keeps_the_id_of_more_records() -> None:
    assert set(ids(linked([A, B, C]), {A: "x", B: "y", C: "y"}).values()) == {"y"}


def test_a_merge_of_equals_keeps_the_older_id() -> None:
    assert set(ids(linked([A, B]), {B: "older", A: "younger"}).values()) == {"older"}


def test_a_split_leaves_the_id_with_the_larger_part() -> None:
    found = ids(linked([A], [B, C]), {A: "x", B: "x", C: "x"})
    assert found == {A: "new-0", B: "x", C: "x"}


def test_a_group_that_loses_its_id_to_a_larger_part_falls_back_on_its_next() -> None:
    previous = {A: "x", B: "x", C: "x", D: "x", E: "y"}
    assert ids(linked([A, B, C], [D, E]), previous) == {A: "x", B: "x", C: "x", D: "y", E: "y"}


def test_records_that_are_gone_count_for_nothing() -> None:
    assert keep([A], [0], {B: "y", C: "y", A: "x"}) == {0: "x"}


def test_no_id_stands_for_two_residents() -> None:
    found = ids(linked([A], [B], [C]), {A: "x", B: "x", C: "x"})
    assert len(set(found.values())) == 3


def test_new_ids_are_random_hex_and_not_made_of_the_data() -> None:
    first, second = (residents(linked([A]), {}).column("resident").to_pylist() for _ in range(2))
    assert first != second
    assert len(first[0]) == 32
    assert int(first[0], 16)


def test_nothing_linked_is_an_empty_map_of_text() -> None:
    table = residents(linked(), {A: "x"})
    assert table.schema.types == [pa.string()] * 3
    assert table.num_rows == 0
