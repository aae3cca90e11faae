"""Sealed extracts and workers, for the tests that start processes."""

import base64
import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import duckdb
import pytest

from commonthread.broker.lake.shapes import Summed
from commonthread.broker.lake.worker import httpfs
from commonthread.broker.lake.workers import Pool, WorkerFailed

PERSON = (
    "SELECT i::BIGINT AS person_id, 'Name' || (i % 97) AS surname, 'D' || (i % 7) AS district,"
    " CASE WHEN i % 2 = 0 THEN 'F' ELSE 'M' END AS sex, 1930 + (i % 80)::INTEGER AS dob,"
    " i % 50 AS k, i::BIGINT AS _resident FROM range(2000) AS numbers(i)"
)
# Long enough that only a kill ends it: 64 thousand million pairs.
ENDLESS = "select sum(a.person_id * b.k * c.k) from person a, person b, person c, range(8)"


@dataclass(frozen=True)
class Sealed:
    table: str
    path: Path
    key: bytes
    address: str
    summed: Summed | None = None


def seal(path: Path, query: str, table: str = "person") -> Sealed:
    """An extract as the lake makes it: encrypted Parquet under a key of its own."""
    key = secrets.token_bytes(32)
    with duckdb.connect() as connection:
        connection.execute(f"LOAD '{httpfs(duckdb.__version__)}'")
        connection.execute(f"PRAGMA add_parquet_key('k', '{base64.b64encode(key).decode()}')")
        connection.execute(
            f"COPY ({query}) TO '{path}' (FORMAT parquet, ENCRYPTION_CONFIG {{footer_key: 'k'}})"
        )
    return Sealed(table, path, key, sha256(path.read_bytes()).hexdigest())


def children(of: int | None = None) -> list[int]:
    """The workers that a process has, as the machine sees them; a corpse is not one."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
            command = (stat.parent / "cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(parent) == (of or os.getpid()) and state != "Z" and b"lake.worker" in command:
            found.append(int(stat.parent.name))
    return sorted(found)


def answer(pool: Pool, extract: Sealed, sql: str, key: str = "member", seconds: float = 30) -> str:
    """All that leaves for one statement: the rows, or the failure as a caller could print it."""
    try:
        with pool.run(key, [extract], sql, deadline_seconds=seconds) as batches:
            names = batches.schema.to_string()
            return names + str([row for batch in batches for row in batch.to_pylist()])
    except WorkerFailed as error:
        return f"{error.kind} {error!r} {error.__cause__!r}"


def failure(pool: Pool, extract: Sealed, sql: str, seconds: float = 30) -> str:
    with (
        pytest.raises(WorkerFailed) as raised,
        pool.run("member", [extract], sql, deadline_seconds=seconds) as batches,
    ):
        list(batches)
    return raised.value.kind


def until(condition: Callable[[], object], seconds: float = 10) -> float:
    start = time.monotonic()
    while not condition():
        assert time.monotonic() - start < seconds, "it did not happen"
        time.sleep(0.005)
    return time.monotonic() - start
