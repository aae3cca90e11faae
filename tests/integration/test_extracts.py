"""Extracts as files: never in clear, never another's, gone when destroyed, built once."""

import hashlib
import multiprocessing
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from factories import LINKAGE_REFERENCE, PURPOSE, REFERENCE, County, dataset, grant, signed
from stored import Lake, text_of

from commonthread.broker.lake.lookups import look_up
from commonthread.broker.rules.errors import IntegrityFailure
from commonthread.broker.rules.requests import Lookup

CANARY = "Quillfeather-7731"
TELECARE, ATTENDANCE = "wychshire/telecare", "severn-acute/attendance"


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[Lake]:
    lake = Lake(tmp_path / "home")
    yield lake
    lake.extracts.forget()


@pytest.fixture
def county(lake: Lake) -> County:
    """Ann (R1) and Bob (R2) have telecare and attended; Cy attended and is not linked."""
    county = signed(
        [
            dataset(
                "wychshire", "telecare", {"install_ref": "text", "surname": "text", "born": "date"}
            ),
            dataset(
                "severn-acute",
                "attendance",
                {"ref": "integer", "surname": "text", "cost": "decimal", "born": "date"},
            ),
        ],
        [
            grant("telecare", TELECARE, ["surname"], person="pseudonym"),
            grant("attendance", ATTENDANCE, ["surname", "cost"], person="pseudonym"),
            grant("by-ref", ATTENDANCE, ["surname"], mode="lookup", by="ref", per_day=5),
            grant("by-cost", ATTENDANCE, ["surname"], mode="lookup", by="cost", per_day=5),
            grant("by-born", ATTENDANCE, ["surname"], mode="lookup", by="born", per_day=5),
            grant(
                "by-person",
                ATTENDANCE,
                ["surname"],
                mode="lookup",
                by="person",
                per_day=5,
                person="pseudonym",
            ),
        ],
    )
    lake.deposit(
        county,
        TELECARE,
        [
            {"install_ref": "AT1", "surname": CANARY, "born": date(1936, 2, 29)},
            {"install_ref": "AT2", "surname": "Bob", "born": None},
        ],
    )
    lake.deposit(
        county,
        ATTENDANCE,
        [
            {"ref": 1, "surname": CANARY, "cost": Decimal("1.50"), "born": date(1936, 2, 29)},
            {"ref": 2, "surname": "Bob", "cost": None, "born": None},
            {"ref": 3, "surname": "Cy", "cost": Decimal("1.50"), "born": None},
        ],
    )
    lake.link(
        county,
        {
            (TELECARE, text_of("AT1")): "R1",
            (TELECARE, text_of("AT2")): "R2",
            (ATTENDANCE, text_of(1)): "R1",
            (ATTENDANCE, text_of(2)): "R2",
        },
    )
    return county


def files(home: Path) -> list[Path]:
    return [path for path in home.rglob("*") if path.is_file()]


def test_no_stored_file_shows_a_value_or_a_column(lake: Lake, county: County) -> None:
    lake.extracts.ensure(county.grant_view("telecare"))
    for path in files(lake.home):
        assert CANARY.encode() not in path.read_bytes()
        assert b"surname" not in path.read_bytes()


def test_what_does_not_fit_memory_is_spilled_encrypted(tmp_path: Path) -> None:
    store = Lake(tmp_path / "home", memory="80MB").store
    connection = store.connect()
    connection.execute(
        f"CREATE TEMP TABLE large AS SELECT '{CANARY}' || sha256(i::VARCHAR) AS text"
        " FROM range(2000000) AS t(i)"
    )
    spilled = files(store.home / "temp")
    assert sum(path.stat().st_size for path in spilled) > 1_000_000
    assert not any(CANARY.encode() in path.read_bytes() for path in spilled)
    connection.close()


def test_folders_and_files_are_their_owners_only(lake: Lake, county: County) -> None:
    lake.extracts.ensure(county.grant_view("telecare"))
    assert not [path for path in files(lake.home) if path.stat().st_mode & 0o077]
    folders = [path for path in lake.home.rglob("*") if path.is_dir()]
    assert not [path for path in folders if path.stat().st_mode & 0o077]


def test_an_extract_is_made_once(lake: Lake, county: County) -> None:
    first = lake.extracts.ensure(county.grant_view("telecare"))
    written = first.path.stat().st_mtime_ns
    assert lake.extracts.ensure(county.grant_view("telecare")) == first
    assert first.path.stat().st_mtime_ns == written
    assert first.rows == 2


def test_the_data_key_does_not_show_in_its_repr(lake: Lake, county: County) -> None:
    extract = lake.extracts.ensure(county.grant_view("telecare"))
    assert repr(extract.key) not in repr(extract)


def flip(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)


def test_a_flipped_byte_in_an_extract_is_refused(lake: Lake, county: County) -> None:
    extract = lake.extracts.ensure(county.grant_view("telecare"))
    flip(extract.path)
    with pytest.raises(IntegrityFailure):
        lake.extracts.ensure(county.grant_view("telecare"))


def test_a_flipped_byte_in_a_deposit_is_refused(lake: Lake, county: County) -> None:
    deposit = county.standing.deposits[TELECARE][0]
    flip(lake.store.deposit_path(TELECARE, deposit.id))
    with pytest.raises(IntegrityFailure):
        lake.extracts.ensure(county.grant_view("telecare"))


def test_a_deposit_sealed_again_with_other_rows_is_refused(lake: Lake, county: County) -> None:
    """Whoever holds the home key can seal; the ledger names the bytes all the same."""
    deposit = county.standing.deposits[TELECARE][0]
    connection = lake.store.connect()
    query = "SELECT 'AT1' AS install_ref, 'Eve' AS surname, DATE '2000-01-01' AS born"
    lake.store.seal(connection, query, lake.store.deposit_path(TELECARE, deposit.id))
    connection.close()
    with pytest.raises(IntegrityFailure):
        lake.extracts.ensure(county.grant_view("telecare"))


def test_an_extract_put_in_anothers_place_is_refused(lake: Lake, county: County) -> None:
    one = lake.extracts.ensure(county.grant_view("telecare"))
    other = lake.extracts.ensure(county.grant_view("attendance"))
    other.path.write_bytes(one.path.read_bytes())
    with pytest.raises(IntegrityFailure):
        lake.extracts.ensure(county.grant_view("attendance"))


def test_an_extract_moved_with_its_key_is_refused(lake: Lake, county: County) -> None:
    one = lake.extracts.ensure(county.grant_view("telecare"))
    other = lake.extracts.ensure(county.grant_view("attendance"))
    other.path.write_bytes(one.path.read_bytes())
    key = Path(f"{other.path}.key")
    key.write_bytes(Path(f"{one.path}.key").read_bytes())
    with pytest.raises(IntegrityFailure):
        lake.extracts.ensure(county.grant_view("attendance"))


def test_destroying_leaves_no_file_and_no_key(lake: Lake, county: County) -> None:
    extract = lake.extracts.ensure(county.grant_view("telecare"))
    lake.extracts.destroy(extract.address)
    assert not extract.path.exists()
    assert not Path(f"{extract.path}.key").exists()


def test_destroying_what_is_not_there_is_no_fault(lake: Lake) -> None:
    lake.extracts.destroy("0" * 64)


def test_a_file_without_its_key_is_made_again(lake: Lake, county: County) -> None:
    """A process that died between the two steps of destroying, or of sealing."""
    extract = lake.extracts.ensure(county.grant_view("telecare"))
    Path(f"{extract.path}.key").unlink()
    assert lake.extracts.ensure(county.grant_view("telecare")).key != extract.key


def test_sweeping_keeps_only_what_is_alive(lake: Lake, county: County) -> None:
    dead = lake.extracts.ensure(county.grant_view("telecare"))
    alive = lake.extracts.ensure(county.grant_view("attendance"))
    assert len(lake.extracts.sweep(lambda: [alive.address])) == 1
    assert not lake.store.holds(dead.path)
    assert lake.extracts.ensure(county.grant_view("attendance")) == alive


def test_sweeping_removes_what_a_crash_left(lake: Lake, county: County) -> None:
    extract = lake.extracts.ensure(county.grant_view("telecare"))
    draft = extract.path.with_name(f".{extract.path.name}.99999999.abcd.tmp")
    draft.write_bytes(b"half")
    spill = lake.home / "temp" / "99999999-abcd"
    spill.mkdir()
    lake.extracts.sweep(lambda: [extract.address])
    assert not draft.exists() and not spill.exists()


def test_who_was_in_an_extract_outlives_it(lake: Lake, county: County) -> None:
    extract = lake.extracts.ensure(county.grant_view("attendance"))
    lake.extracts.destroy(extract.address)
    lake.extracts.sweep(list)
    members = lake.extracts.members(extract.address).to_pylist()
    assert sorted((row["dataset"], row["record"], row["resident"]) for row in members) == [
        (ATTENDANCE, "1:1", f"resident:{LINKAGE_REFERENCE}:R1"),
        (ATTENDANCE, "1:2", f"resident:{LINKAGE_REFERENCE}:R2"),
        (ATTENDANCE, "1:3", f"record:{ATTENDANCE}:1:3"),
    ]


def test_an_objection_about_one_dataset_hides_the_resident_in_the_other(
    lake: Lake, county: County
) -> None:
    county.object(TELECARE, text_of("AT1"), [f"{REFERENCE}/{PURPOSE}"])
    rows = lake.rows(lake.extracts.ensure(county.grant_view("attendance")))
    assert {row["surname"] for row in rows} == {"Bob", "Cy"}


def _ensure(home: str, county: County, gate: Any, answers: Any) -> None:
    lake = Lake(Path(home))
    gate.wait(30)
    extract = lake.extracts.ensure(county.grant_view("telecare"))
    answers.put((hashlib.sha256(extract.path.read_bytes()).hexdigest(), extract.key, extract.rows))


def test_two_processes_that_build_at_once_agree(lake: Lake, county: County) -> None:
    context = multiprocessing.get_context("fork")
    gate, answers = context.Barrier(2), context.Queue()
    processes = [
        context.Process(target=_ensure, args=(str(lake.home), county, gate, answers))
        for _ in range(2)
    ]
    for process in processes:
        process.start()
    first, second = answers.get(timeout=60), answers.get(timeout=60)
    for process in processes:
        process.join(30)
    assert first == second
    assert not list((lake.home / "extracts").glob(".*.tmp"))


def names(lake: Lake, county: County, grant_id: str, value: str) -> list[str]:
    view = county.grant_view(grant_id)
    lookup = Lookup(grant_id, value, "A nurse asks.", view.grant.by == "person")
    found = look_up(lake.extracts, view, lookup)
    assert found.column_names == list(view.columns)
    return sorted(found.column("surname").to_pylist())


@pytest.mark.parametrize(
    ("grant_id", "value", "expected"),
    [
        ("by-ref", "3", ["Cy"]),
        ("by-ref", "9", []),
        ("by-cost", "1.5", ["Cy", CANARY]),
        ("by-born", "1936-02-29", [CANARY]),
    ],
)
def test_a_look_up_finds_what_has_the_value(
    lake: Lake, county: County, grant_id: str, value: str, expected: list[str]
) -> None:
    assert names(lake, county, grant_id, value) == expected


def test_a_look_up_by_person_takes_the_pseudonym(lake: Lake, county: County) -> None:
    rows = lake.rows(lake.extracts.ensure(county.grant_view("telecare")))
    person = next(row["person"] for row in rows if row["surname"] == "Bob")
    assert names(lake, county, "by-person", str(person)) == ["Bob"]


@pytest.mark.parametrize(
    ("grant_id", "value"),
    [
        ("by-ref", "1 OR 1=1"),
        ("by-ref", "99999999999999999999"),
        ("by-ref", "9223372036854775808"),
        ("by-cost", "NaN"),
        ("by-cost", "1e0"),
        ("by-born", "1936-02-30"),
        ("by-born", "' OR ''='"),
        ("by-person", "-1"),
        ("by-person", str(2**63)),
        ("by-person", "²"),
    ],
)
def test_a_value_of_another_type_finds_nothing_and_says_nothing(
    lake: Lake, county: County, grant_id: str, value: str
) -> None:
    assert names(lake, county, grant_id, value) == []
