"""What one worker answers, what it refuses, and what does not leave it, whatever it is asked."""

import base64
import json
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow
import pytest
from tests.sealed import PERSON, Sealed, answer, children, failure, seal

from commonthread.broker.lake import worker
from commonthread.broker.lake.workers import Pool, WorkerFailed


@pytest.fixture(scope="module")
def person(tmp_path_factory: pytest.TempPathFactory) -> Sealed:
    return seal(tmp_path_factory.mktemp("extracts") / "person.parquet", PERSON)


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    with Pool(limit_bytes=2 << 30) as made:
        yield made
    assert children() == []


# What a worker answers


def test_rows_come_as_record_batches(pool: Pool, person: Sealed) -> None:
    sql = "select sex, count(*) as n from person group by sex order by sex"
    with pool.run("member", [person], sql, deadline_seconds=30) as batches:
        rows = [row for batch in batches for row in batch.to_pylist()]
    assert rows == [{"sex": "F", "n": 1000}, {"sex": "M", "n": 1000}]


def test_an_answer_without_rows_has_its_schema(pool: Pool, person: Sealed) -> None:
    sql = "select person_id, surname from person where false"
    with pool.run("member", [person], sql, deadline_seconds=30) as batches:
        assert batches.schema.names == ["person_id", "surname"]
        assert list(batches) == []


def test_all_rows_of_a_large_answer_arrive(pool: Pool, person: Sealed) -> None:
    sql = (
        "select a.person_id, repeat(b.surname, 5) from person a, range(100), person b limit 300000"
    )
    with pool.run("member", [person], sql, deadline_seconds=30) as batches:
        assert sum(batch.num_rows for batch in batches) == 300_000


def test_an_enumeration_arrives_as_its_words(pool: Pool, person: Sealed) -> None:
    sql = "select 'b'::enum('a', 'b') as word"
    with pool.run("member", [person], sql, deadline_seconds=30) as batches:
        assert next(batches).to_pylist() == [{"word": "b"}]


def test_several_extracts_are_tables_side_by_side(
    pool: Pool, person: Sealed, tmp_path: Path
) -> None:
    places = seal(tmp_path / "places.parquet", "SELECT 'D1' AS district, 'North' AS name", "places")
    sql = "select count(*) as n from person join places using (district)"
    with pool.run("member", [person, places], sql, deadline_seconds=30) as batches:
        assert next(batches).to_pylist() == [{"n": 286}]


def test_ordinary_questions_are_answered(pool: Pool, person: Sealed, shared: Path) -> None:
    for sql in json.loads((shared / "attacks" / "ordinary.json").read_text()):
        with pool.run("member", [person], sql, deadline_seconds=30) as batches:
            assert sum(batch.num_rows for batch in batches) > 0, sql


def test_a_statement_leaves_nothing_for_the_next(pool: Pool, person: Sealed) -> None:
    assert failure(pool, person, "create temp table kept as select 1") == "error"
    assert failure(pool, person, "set variable kept = 1") == "error"
    assert failure(pool, person, "from kept") == "error"


# Bombs

BOMBS = [
    "select repeat('x', 2000000000)",
    "select list(a.person_id) from person a, person b, person c, person d",
    "select lpad(surname, 1500000000, 'x') from person",
    "select string_agg(repeat(a.surname, 10000)) from person a, person b",
    "with recursive t(n) as (select 1 union all select n + 1 from t) select count(*) from t",
    "select range(1000000000)",
]


@pytest.mark.parametrize("sql", BOMBS)
def test_a_bomb_fails_and_the_next_question_is_answered(
    pool: Pool, person: Sealed, sql: str
) -> None:
    answer(pool, person, "select 1")
    start = time.monotonic()
    assert failure(pool, person, sql, seconds=1) in {"memory", "error", "size", "deadline"}
    assert time.monotonic() - start < 1.5
    assert "2000" in answer(pool, person, "select count(*) from person")


def test_an_answer_of_too_many_rows_is_no_answer(pool: Pool, person: Sealed) -> None:
    sql = "select * from person"
    with (
        pytest.raises(WorkerFailed) as raised,
        pool.run("member", [person], sql, deadline_seconds=30, rows=1999) as batches,
    ):
        list(batches)
    assert raised.value.kind == "size"


def test_an_answer_of_too_many_bytes_is_no_answer(pool: Pool, person: Sealed) -> None:
    sql = "select repeat(surname, 1000) from person"
    with (
        pytest.raises(WorkerFailed) as raised,
        pool.run("member", [person], sql, deadline_seconds=30, size=1_000_000) as batches,
    ):
        list(batches)
    assert raised.value.kind == "size"


def test_a_value_larger_than_a_frame_is_no_answer(pool: Pool, person: Sealed) -> None:
    # Which limit it meets first depends on what the engine holds meanwhile.
    assert failure(pool, person, "select repeat('x', 40000000)") in ("size", "memory")


# Secrets


def forms(key: bytes) -> list[bytes]:
    return [key, base64.b64encode(key), key.hex().encode(), base64.b64encode(key).strip(b"=")]


def test_the_key_is_in_no_process_listing_or_environment(pool: Pool, person: Sealed) -> None:
    with pool.run("member", [person], "select * from person", deadline_seconds=30) as batches:
        process = Path(f"/proc/{children()[0]}")
        seen = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        assert not any(form in seen for form in forms(person.key))
        assert person.path.name.encode() not in seen
        list(batches)


def test_a_worker_has_an_empty_environment(
    pool: Pool, person: Sealed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", "c4n4ry")
    pool.kill("member")
    answer(pool, person, "select 1")
    assert (Path(f"/proc/{children()[0]}") / "environ").read_bytes() == b""


KEY_PROBES = [
    "select * from duckdb_settings()",
    "select * from duckdb_secrets()",
    "select * from duckdb_variables()",
    "select * from duckdb_logs",
    "select * from enable_logging('QueryLog')",
    "select * from duckdb_logs()",
    "select * from duckdb_views()",
    "select * from duckdb_functions() where function_name like '%key%'",
    "select * from duckdb_tables()",
    "select * from duckdb_memory()",
    "select * from duckdb_databases()",
    "select * from duckdb_external_file_cache()",
    "select * from read_text('/proc/self/environ')",
    "select * from read_blob('/proc/self/mem')",
    "select * from read_blob('/proc/self/cmdline')",
    "select * from parquet_metadata('{path}')",
    "select * from read_parquet('{path}', encryption_config = {{footer_key: 'extract_0'}})",
    "select * from read_parquet('{path}')",
    "select * from read_blob('{path}')",
    "explain analyze select * from person",
    "PRAGMA add_parquet_key('extract_0', 'AAAAAAAAAAAAAAAAAAAAAA==')",
    "CALL enable_logging('QueryLog')",
    "CALL enable_logging('QueryLog', storage = 'file', storage_path = '/tmp/ct-log')",
    "PRAGMA print_debug",
    "select current_setting('parquet_key')",
]


def test_no_statement_reads_the_key_or_the_sealed_file(pool: Pool, person: Sealed) -> None:
    before = person.path.read_bytes()
    for probe in KEY_PROBES:
        said = answer(pool, person, probe.format(path=person.path)).encode()
        assert not any(form in said for form in forms(person.key)), probe
        assert before[:100] not in said
    assert person.path.read_bytes() == before


def test_a_log_that_a_statement_switches_on_is_not_written(
    pool: Pool, person: Sealed, tmp_path: Path
) -> None:
    for storage in (f"'file', storage_path = '{tmp_path}'", f"'{tmp_path}/log.csv'"):
        answer(pool, person, f"from enable_logging('QueryLog', storage = {storage})")
        answer(pool, person, "select 'written?'")
    assert list(tmp_path.iterdir()) == []
    pool.kill("member")


def test_every_thread_of_a_worker_is_behind_the_fence(pool: Pool, person: Sealed) -> None:
    answer(pool, person, "select sum(k) from person")
    threads = list(Path(f"/proc/{children()[0]}/task").iterdir())
    assert len(threads) > 1
    for thread in threads:
        said = dict(line.split(":\t", 1) for line in (thread / "status").read_text().splitlines())
        assert (said["Seccomp"], said["NoNewPrivs"]) == ("2", "1")
        assert int(said["CapEff"], 16) & ~(1 << 2) == 0


@pytest.mark.parametrize(
    "sql",
    [
        "PRAGMA add_parquet_key('extract_0', 'AAAAAAAAAAAAAAAAAAAAAA==')",
        "CALL enable_logging('QueryLog')",
        "SET lock_configuration = false",
        "SET memory_limit = '100GB'",
        "COPY person TO '{path}' (FORMAT parquet, USE_TMP_FILE false)",
        "select * from read_parquet('{path}', encryption_config = {{footer_key: 'extract_0'}})",
        "select 1; select 2",
        "",
    ],
)
def test_the_lock_refuses(pool: Pool, person: Sealed, sql: str) -> None:
    assert failure(pool, person, sql.format(path=person.path)) == "error"


def test_the_wrong_key_is_an_error_without_words(pool: Pool, person: Sealed) -> None:
    other = secrets.token_bytes(32)
    wrong = Sealed("person", person.path, other, "another address")
    said = answer(pool, wrong, "select 1").encode()
    assert said.startswith(b"error ")
    assert not any(form in said for form in forms(other))
    assert person.path.name.encode() not in said


def test_the_text_of_an_error_stays_in_the_worker(pool: Pool, person: Sealed) -> None:
    said = answer(pool, person, "select cast(surname as int) from person")
    assert said.startswith("error ")
    assert "Name" not in said


def test_hostile_questions_without_any_gate_leak_nothing(
    pool: Pool, person: Sealed, shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    canary = f"c4n4ry{secrets.token_hex(8)}"
    pyvar = pyarrow.table({"a": [canary]})
    monkeypatch.setenv("SECRET", canary)
    pool.kill("member")
    (tmp_path / "secret.txt").write_text(canary)
    (tmp_path / "secret.json").write_text(json.dumps([{"nhs_no": canary}]))
    with duckdb.connect(str(tmp_path / "other.db")) as connection:
        connection.execute(f"CREATE TABLE t AS SELECT '{canary}' AS nhs_no")
        connection.execute(f"COPY t TO '{tmp_path}/person.parquet' (FORMAT parquet)")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    for attack in json.loads((shared / "attacks" / "queries.json").read_text()):
        sql = attack["sql"].replace("{D}", str(tmp_path))
        said = answer(pool, person, sql, seconds=1)
        assert canary not in said, attack["id"]
        ready = answer(pool, person, "select count(*) as n from person")
        assert "[{'n': 2000}]" in ready, attack["id"]

    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert pyvar.num_rows == 1


# How a worker takes an extract in


@pytest.mark.parametrize("step", [100, 700, 2_000, 5_000])
def test_slices_are_all_of_an_extract_in_its_order(
    person: Sealed, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "ROWS_IN_A_SLICE", step)
    with worker.load(order(person)) as connection:
        loaded = connection.execute("FROM person").fetchall()
    with duckdb.connect() as connection:
        assert loaded == connection.execute(PERSON).fetchall()


def test_a_column_with_the_name_of_a_rows_place_hides_no_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "ROWS_IN_A_SLICE", 3)
    query = "SELECT 7 AS FILE_ROW_NUMBER, i AS k FROM range(10) t(i)"
    with worker.load(order(seal(tmp_path / "odd.parquet", query, "odd"))) as connection:
        assert connection.execute("SELECT k FROM odd").fetchall() == [(k,) for k in range(10)]


def test_tables_are_compressed_in_memory(tmp_path: Path) -> None:
    query = "SELECT 'word' || (i % 3) AS k FROM range(200000) t(i)"
    with worker.load(order(seal(tmp_path / "long.parquet", query, "long"))) as connection:
        kinds = connection.execute("SELECT DISTINCT compression FROM pragma_storage_info('long')")
        assert "Uncompressed" not in {kind for (kind,) in kinds.fetchall()}


def order(extract: Sealed) -> dict[str, Any]:
    key = base64.b64encode(extract.key).decode()
    table = {"name": extract.table, "path": str(extract.path), "key": key, "summed": None}
    return {"tables": [table], "memory_bytes": 1 << 30, "threads": 2}


# What a worker adds up when it loads a statistics table


def summed(connection: Any, table: str) -> tuple[str, int]:
    """(kind, rows) of the cells beside a table."""
    kinds = "SELECT table_type FROM information_schema.tables WHERE table_name = ?"
    ((kind,),) = connection.execute(kinds, [f"{table}/cells"]).fetchall()
    ((rows,),) = connection.execute(f'SELECT count(*) FROM "{table}/cells"').fetchall()
    return kind, rows


@pytest.mark.parametrize(
    ("few", "kind", "rows"), [(("sex",), "BASE TABLE", 2), (("person_id",), "VIEW", 2_000)]
)
def test_a_table_is_added_up_where_that_makes_it_smaller(
    person: Sealed, few: tuple[str, ...], kind: str, rows: int
) -> None:
    said = order(person)
    said["tables"][0]["summed"] = {"few": list(few), "numbers": ["k"]}
    with worker.load(said) as connection:
        assert summed(connection, "person") == (kind, rows)
        query = 'SELECT sum("/n"), sum("k/n"), sum("k/u") + sum("k/d") FROM "person/cells"'
        added = connection.execute(query).fetchall()
        assert (
            added == connection.execute("SELECT count(*), count(k), sum(k) FROM person").fetchall()
        )
        most = connection.execute('SELECT "/n", "k/m" FROM "person/most"').fetchall()
        assert most == [(1, 49)]


def test_a_table_of_rows_is_not_added_up(person: Sealed) -> None:
    with worker.load(order(person)) as connection:
        tables = connection.execute("SELECT table_name FROM information_schema.tables").fetchall()
        assert tables == [("person",)]
