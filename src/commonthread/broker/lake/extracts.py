"""Extracts: governed views made into files, one per grant, addressed by what they are made of.

The trusted process alone makes them; analysts' SQL and look-ups read nothing else (rule 6). Each
leaves an encrypted membership list, so that "who saw me" outlives it (rule 9).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import threading
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pyarrow

from commonthread.broker.rules.errors import IntegrityFailure
from commonthread.broker.rules.standing import Deposit
from commonthread.broker.rules.terms import PERSON
from commonthread.broker.rules.treatments import value_text
from commonthread.broker.rules.views import GrantView

from .compiler import (
    IDENTITY,
    NUMBER,
    PERSON_KEYS,
    RECORD,
    ROWS,
    VALUE,
    Compiled,
    compile_grant,
)
from .pseudonyms import Pseudonyms
from .shapes import Summed, shape_of
from .store import ROW_GROUP, Store

# A look-up reads one group: small groups, found by their smallest and largest value.
LOOKUP_ROW_GROUP = 8_192
LOCKS = ".locks"


@dataclass(frozen=True, slots=True)
class Extract:
    """One extract in its place, with the key that a worker needs to read it."""

    table: str
    path: Path
    key: bytes = field(repr=False)
    address: str
    rows: int
    summed: Summed | None = None


class Extracts:
    """The extracts of one home. Threads may share it; processes may each have one."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._lock = threading.Lock()
        self._reader: duckdb.DuckDBPyConnection | None = None

    def ensure(self, view: GrantView) -> Extract:
        """The view's extract, made if it is not there yet, by this process or another.

        Raises `IntegrityFailure` when a stored file is not what the ledger or its seal says.
        """
        address = view.address
        path = self.store.extract_path(address)
        if not self.store.holds(path):
            with self._building(address):
                if not self.store.holds(path):
                    _build(self.store, view)
        opened = self.store.opened(path)
        summed = shape_of(view).summed
        return Extract(view.table, opened.path, opened.key, address, opened.rows, summed)

    def destroy(self, address: str) -> None:
        """Make an extract unreadable: its key first. Its membership list stays."""
        self.store.destroy(self.store.extract_path(address))
        self.forget()

    def sweep(self, alive: Callable[[], Collection[str]]) -> frozenset[str]:
        """Destroy every extract but those whose addresses live, and what a crash left behind.

        `alive` is asked after the files are listed: an extract that another process makes from
        newer facts meanwhile is not among them. Returns what it destroyed; membership lists stay.
        """
        folder = self.store.home / "extracts"
        stored = {name.name.split(".")[0] for name in folder.glob("[0-9a-f]*.parquet*")}
        dead = frozenset(stored - set(alive())) if stored else frozenset()
        for address in sorted(dead):
            self.store.destroy(self.store.extract_path(address))
        self._sweep_drafts()
        _sweep_temporary(self.store.home / "temp")
        if dead:
            self.forget()
        return dead

    def members(self, address: str) -> pyarrow.Table:
        """Who was in the extract: `dataset`, `record` and `resident` (its text), as text."""
        with contextlib.closing(self.store.connect()) as connection:
            scan = self.store.scan(connection, self.store.members_path(address))
            return connection.execute(f"SELECT * FROM {scan}").to_arrow_table()

    def reader(self) -> duckdb.DuckDBPyConnection:
        """A cursor for look-ups on a connection that is kept, for opening one takes longer."""
        with self._lock:
            if self._reader is None:
                self._reader = self.store.connect()
            return self._reader.cursor()

    def forget(self) -> None:
        """Close the connection for look-ups, and with it the data keys that it holds."""
        with self._lock:
            if self._reader is not None:
                self._reader.close()
            self._reader = None

    @contextlib.contextmanager
    def _building(self, address: str, *, wait: bool = True) -> Iterator[None]:
        """The right to build: one builder at a time, freed by the kernel if its process dies."""
        folder = self.store.home / "extracts" / LOCKS
        folder.mkdir(mode=0o700, exist_ok=True)
        # A lock for each first byte: a lock file that is removed could be locked by two.
        descriptor = os.open(folder / address[:2], os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            yield
        finally:
            os.close(descriptor)

    def _sweep_drafts(self) -> None:
        for place in ("extracts", "members"):
            for draft in (self.store.home / place).glob(".*.tmp"):
                # Whoever still builds it holds the lock.
                with (
                    contextlib.suppress(BlockingIOError),
                    self._building(draft.name[1:], wait=False),
                ):
                    draft.unlink(missing_ok=True)


def _build(store: Store, view: GrantView) -> None:
    """Compile and seal: first who is in it, then the extract itself."""
    with contextlib.closing(store.connect()) as connection:
        try:
            compiled = compile_grant(view, _Opened(store, connection))
            connection.execute(f"CREATE TEMP TABLE {ROWS} AS {compiled.rows}")
            _number(connection, compiled, Pseudonyms(store.keyring, view.reference))
            _seal_members(store, connection, view)
            row_group = LOOKUP_ROW_GROUP if view.grant.by else ROW_GROUP
            path = store.extract_path(view.address)
            store.seal(connection, compiled.shown, path, row_group=row_group)
        except duckdb.Error:
            # Its message may quote values: who asked is told that it failed, and no more.
            raise IntegrityFailure("An extract could not be made from what is stored.") from None


def _number(
    connection: duckdb.DuckDBPyConnection, compiled: Compiled, pseudonyms: Pseudonyms
) -> None:
    """Give the connection the numbers of each pseudonym as a table; the key stays here."""
    for column, table in {IDENTITY: PERSON_KEYS, **compiled.keys}.items():
        values = connection.execute(
            f'SELECT DISTINCT "{column}" FROM {ROWS} WHERE "{column}" IS NOT NULL'
        ).to_arrow_table()
        stored = values.column(0)
        texts = stored.to_pylist()
        if not pyarrow.types.is_string(stored.type):
            texts = [value_text(value) for value in texts]
        numbers = pyarrow.array(pseudonyms.numbers(texts), pyarrow.int64())
        connection.register(table, pyarrow.table({VALUE: stored, NUMBER: numbers}))


def _seal_members(store: Store, connection: duckdb.DuckDBPyConnection, view: GrantView) -> None:
    path = store.members_path(view.address)
    if store.holds(path):
        return
    query = (
        f"SELECT '{view.contract.name}' AS dataset, {RECORD} AS record, {IDENTITY} AS resident"
        f" FROM {ROWS}"
    )
    store.seal(connection, query, path)


class _Opened:
    """What a view rests on, opened on one connection."""

    def __init__(self, store: Store, connection: duckdb.DuckDBPyConnection) -> None:
        self._store = store
        self._connection = connection
        self._objections = 0

    def deposit(self, deposit: Deposit) -> str:
        return self._store.open_deposit(self._connection, deposit)

    def objections(self, view: GrantView) -> str:
        self._objections += 1
        name = f"_objections_{self._objections}"
        columns = {
            "dataset": [dataset for dataset, _ in view.hidden],
            "record": [record for _, record in view.hidden],
        }
        self._connection.register(name, pyarrow.table(columns))
        return name


def _sweep_temporary(folder: Path) -> None:
    """Spill folders of processes that are no more; each is named by its process."""
    for left in folder.iterdir():
        number = left.name.split("-")[0]
        if number.isdigit() and not _lives(int(number)):
            shutil.rmtree(left, ignore_errors=True)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def sorted_by(view: GrantView) -> str:
    """The column by which a look-up's extract is sorted and asked: `person` or `_by`."""
    return PERSON if view.grant.by == PERSON else "_by"
