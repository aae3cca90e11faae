"""The same rows in a PostgreSQL 15 with row-level security, column grants and an audit log.

Debian's server where it is installed, else the one of scripts/postgres.py. pgaudit where its
package is there, else every statement is logged; which of them it was is said.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import duckdb
import psycopg
from scripts.postgres import Cluster, unprivileged, wheel_binaries

DEBIAN = Path("/usr/lib/postgresql/15/bin")
SQL_TYPES = {"text": "text", "date": "date", "boolean": "boolean", "timestamp": "timestamp"}
# What a DBA gives a machine of 24 GB with two cores, next to other work.
SETTINGS = {
    "shared_buffers": "4GB",
    "work_mem": "512MB",
    "maintenance_work_mem": "1GB",
    "effective_cache_size": "12GB",
    "random_page_cost": "1.1",
    "max_parallel_workers_per_gather": "2",
    "max_wal_size": "8GB",
    "fsync": "off",
}
INDEXES = (
    "CREATE INDEX ON people (resident)",
    "CREATE INDEX ON people (practice)",
    "CREATE INDEX ON events (resident, happened)",
    "CREATE INDEX ON events (happened)",
    "CREATE INDEX ON events (service, reason)",
)


class Tuned(Cluster):
    """A cluster with a DBA's settings, and pgaudit preloaded where it is there."""

    audits = False

    def start(self) -> None:
        self._do("initdb", "-U", "ct", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        self.audits = any(self.binaries.parent.rglob("pgaudit.so"))
        given = {**SETTINGS, **({"shared_preload_libraries": "pgaudit"} if self.audits else {})}
        given |= {"pgaudit.log": "read"} if self.audits else {"log_statement": "all"}
        said = " ".join(f"-c {name}={value}" for name, value in given.items())
        said += f" -c listen_addresses='' -c unix_socket_directories={self.run}"
        self._do("pg_ctl", "-w", "-l", str(self.run / "log"), "-o", said, "start")


@dataclass
class Beside:
    """A connection that is the analyst's, and what is to be said of the server."""

    connection: psycopg.Connection[Any]
    version: str
    audit: str
    megabytes: float
    log: Path

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(sql.encode()).fetchall()


@contextmanager
def beside(
    files: Mapping[str, Path],
    columns: Mapping[str, Mapping[str, str]],
    keys: Mapping[str, str],
    granted: Mapping[str, tuple[str, ...]],
) -> Iterator[Beside]:
    """Load the files, protect them, index them, and be the analyst."""
    with tempfile.TemporaryDirectory(prefix="ct-pg-", ignore_cleanup_errors=True) as name:
        room = Path(name)
        (room / "run").mkdir(mode=0o700)
        binaries, who = wheel_binaries(), {}
        if os.geteuid() == 0:
            binaries, who = unprivileged(room, room / "run")
        cluster = Tuned(DEBIAN if DEBIAN.is_dir() else binaries, room / "run", who)
        cluster.start()
        try:
            url = f"postgresql://@/postgres?host={quote(str(room / 'run'), safe='')}"
            with psycopg.connect(url, user="ct", autocommit=True) as owner:
                if cluster.audits:
                    owner.execute("CREATE EXTENSION pgaudit")
                for table, path in files.items():
                    _load(owner, table, path, columns[table], keys[table], room)
                _protect(owner, granted)
                version = owner.info.parameter_status("server_version") or "?"
                size = owner.execute("SELECT pg_database_size('postgres') / 1e6").fetchone()
            with psycopg.connect(url, user="analyst", autocommit=True) as analyst:
                audit = "pgaudit, read" if cluster.audits else "no pgaudit: log_statement = all"
                megabytes = float(size[0]) if size else 0.0
                yield Beside(analyst, version.split()[0], audit, megabytes, room / "run" / "log")
        finally:
            cluster.stop()


def _load(
    owner: psycopg.Connection[Any],
    table: str,
    path: Path,
    columns: Mapping[str, str],
    key: str,
    room: Path,
) -> None:
    declared = ", ".join(f"{name} {SQL_TYPES[kind]}" for name, kind in columns.items())
    owner.execute(f"CREATE TABLE {table} ({declared})".encode())
    names = ", ".join(columns)
    text = room / f"{table}.csv"
    duckdb.connect().execute(f"COPY (SELECT {names} FROM '{path}') TO '{text}' (HEADER false)")
    with (
        owner.cursor().copy(f"COPY {table} ({names}) FROM STDIN (FORMAT csv)".encode()) as copy,
        text.open("rb") as file,
    ):
        while part := file.read(1 << 20):
            copy.write(part)
    text.unlink()
    owner.execute(f"ALTER TABLE {table} ADD PRIMARY KEY ({key})".encode())


def _protect(owner: psycopg.Connection[Any], granted: Mapping[str, tuple[str, ...]]) -> None:
    owner.execute("CREATE ROLE analyst LOGIN")
    for index in INDEXES:
        owner.execute(index.encode())
    for table, names in granted.items():
        owner.execute(f"GRANT SELECT ({', '.join(names)}) ON {table} TO analyst".encode())
        owner.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY".encode())
        policy = f"CREATE POLICY open ON {table} FOR SELECT TO analyst USING (protected = false)"
        owner.execute(policy.encode())
        owner.execute(f"VACUUM (ANALYZE) {table}".encode())
