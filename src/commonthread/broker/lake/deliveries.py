"""What partners deliver, in the lake: rows, quarantine and profile, each file under its own key."""

from __future__ import annotations

import contextlib
import json
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow
from sqlglot import exp

from commonthread.broker.rules.contracts import ADD, CORRECT, OPERATION, Contract
from commonthread.broker.rules.errors import BadInput, IntegrityFailure
from commonthread.broker.rules.standing import Deposit

from .compiler import record_query
from .store import Sealed, Store

# What a shared key in an earlier delivery is called, in the words that quarantined rows carry.
REPEATED = "{}: this key was deposited before"
ADDED_BEFORE = "{}: this key is there already: correct it instead of adding it"
NOT_THERE = "{}: there is no such key to correct or remove"
INCOMING = "_incoming"


@dataclass(frozen=True, slots=True)
class Stored:
    """A delivery in its place: `digest` of the file of its rows, and how many there are."""

    digest: str
    rows: int
    quarantined: int


@dataclass(frozen=True, slots=True)
class Deliveries:
    """The deliveries of one home."""

    store: Store

    def put(
        self,
        contract: Contract,
        id_: str,
        good: pyarrow.RecordBatchReader,
        quarantine: pyarrow.Table | None,
        profile: Mapping[str, Any],
        earlier: Sequence[Deposit],
    ) -> Stored:
        """Seal a delivery: its rows, or with `changes` the whole dataset as they leave it.

        Rows whose key an earlier delivery has, and changes that do not fit, join the quarantine.
        """
        path = self.store.deposit_path(contract.name, id_)
        with contextlib.closing(self.store.connect()) as connection:
            try:
                if contract.delivery == "changes":
                    sealed, unfit = self._changed(connection, contract, good, path, earlier)
                else:
                    sealed, unfit = self._added(connection, contract, good, path, earlier)
                if unfit is not None and unfit.num_rows:
                    quarantine = _joined(quarantine, unfit)
            except duckdb.Error:
                raise BadInput("The file could not be taken.", mend="Deposit it again.") from None
            count = quarantine.num_rows if quarantine is not None else 0
            if quarantine is not None and count:
                place = self.store.quarantine_path(contract.name, id_)
                self.store.seal_reader(connection, quarantine.to_reader(), place)
            text = json.dumps({**profile, "rows": sealed.rows, "quarantined": count})
            about = pyarrow.table({"profile": [text]})
            place = self.store.profile_path(contract.name, id_)
            self.store.seal_reader(connection, about.to_reader(), place)
        return Stored(sealed.digest, sealed.rows, count)

    def _added(
        self,
        connection: duckdb.DuckDBPyConnection,
        contract: Contract,
        good: pyarrow.RecordBatchReader,
        path: Path,
        earlier: Sequence[Deposit],
    ) -> tuple[Sealed, pyarrow.Table | None]:
        sealed = self.store.seal_reader(connection, good, path)
        repeated = self._repeated(connection, contract, path, earlier)
        if repeated is not None and repeated.num_rows:
            sealed = self._without_repeated(connection, contract, path, earlier)
        return sealed, repeated

    def _changed(
        self,
        connection: duckdb.DuckDBPyConnection,
        contract: Contract,
        good: pyarrow.RecordBatchReader,
        path: Path,
        earlier: Sequence[Deposit],
    ) -> tuple[Sealed, pyarrow.Table]:
        # Changes stand in memory (or its encrypted spill) until the whole dataset is written.
        name, key = f"_changes_{secrets.token_hex(4)}", _names(contract.key)
        connection.register("incoming", good)
        connection.execute(f"CREATE TEMP TABLE {name} AS SELECT * FROM incoming")
        connection.unregister("incoming")
        columns = ", ".join(_name(column.name) for column in contract.columns)
        before = f"SELECT {columns} FROM {name} LIMIT 0"
        for deposit in earlier[-1:]:
            view = self.store.open_deposit(connection, deposit)
            before = f"SELECT {columns} FROM {view}"
        adds = f"{OPERATION} = '{ADD}'"
        known = f"(SELECT {key} FROM ({before}))"
        unfit = connection.execute(
            f"{self._unfit(contract, ADDED_BEFORE)} FROM (SELECT * FROM {name} WHERE {adds})"
            f" SEMI JOIN {known} USING ({key}) UNION ALL "
            f"{self._unfit(contract, NOT_THERE)} FROM (SELECT * FROM {name} WHERE NOT {adds})"
            f" ANTI JOIN {known} USING ({key})"
        ).to_arrow_table()
        sealed = self.store.seal(
            connection,
            f"SELECT * FROM ({before}) ANTI JOIN"
            f" (SELECT {key} FROM {name} WHERE NOT {adds}) USING ({key}) UNION ALL"
            f" SELECT {columns} FROM {name} SEMI JOIN {known} USING ({key})"
            f" WHERE {OPERATION} = '{CORRECT}' UNION ALL"
            f" SELECT {columns} FROM {name} ANTI JOIN {known} USING ({key}) WHERE {adds}",
            path,
        )
        return sealed, unfit

    def _unfit(self, contract: Contract, reason: str) -> str:
        said = exp.Literal.string(reason.format(", ".join(contract.key))).sql("duckdb")
        columns = ", ".join(
            f"CAST({_name(c.name)} AS VARCHAR) AS {_name(c.name)}" for c in contract.delivered
        )
        return (
            f"SELECT {columns}, CAST(NULL AS BIGINT) AS quarantine_line,"
            f" {said} AS quarantine_reason"
        )

    def _repeated(
        self,
        connection: duckdb.DuckDBPyConnection,
        contract: Contract,
        path: Path,
        earlier: Sequence[Deposit],
    ) -> pyarrow.Table | None:
        if not earlier:
            return None
        query = (
            f"{self._unfit(contract, REPEATED)} FROM {self.store.scan(connection, path)} SEMI JOIN"
            f" ({self._keys(connection, contract, earlier)}) USING ({_names(contract.key)})"
        )
        return connection.execute(query).to_arrow_table()

    def _without_repeated(
        self,
        connection: duckdb.DuckDBPyConnection,
        contract: Contract,
        path: Path,
        earlier: Sequence[Deposit],
    ) -> Any:
        # The rows stand in memory (or its encrypted spill) while their file is written anew.
        kept = f"_kept_{secrets.token_hex(4)}"
        connection.execute(
            f"CREATE TEMP TABLE {kept} AS SELECT * FROM {self.store.scan(connection, path)}"
            f" ANTI JOIN ({self._keys(connection, contract, earlier)})"
            f" USING ({_names(contract.key)})"
        )
        return self.store.seal(connection, f"SELECT * FROM {kept}", path)

    def _keys(
        self,
        connection: duckdb.DuckDBPyConnection,
        contract: Contract,
        earlier: Sequence[Deposit],
    ) -> str:
        names = _names(contract.key)
        views = [self.store.open_deposit(connection, deposit) for deposit in earlier]
        return " UNION ALL ".join(f"SELECT {names} FROM {view}" for view in views)

    def holds(self, contract: Contract, deposits: Sequence[Deposit], record: str) -> bool:
        """Whether one of the deposits has a row of this record (`treatments.record_text`)."""
        with contextlib.closing(self.store.connect()) as connection:
            for deposit in deposits:
                view = self.store.open_deposit(connection, deposit)
                found = connection.execute(record_query(contract, view), [record]).fetchone()
                if found and found[0]:
                    return True
        return False

    def quarantine(self, dataset: str, id_: str) -> pyarrow.Table:
        """The rows that were not taken, as they stood; an empty table when all were."""
        path = self.store.quarantine_path(dataset, id_)
        if not self.store.holds(path):
            empty = {"quarantine_line": pyarrow.array([], pyarrow.int64())}
            return pyarrow.table(
                {**empty, "quarantine_reason": pyarrow.array([], pyarrow.string())}
            )
        return self._read(path)

    def profile(self, dataset: str, id_: str) -> Mapping[str, Any]:
        """The quality profile, as plain values."""
        table = self._read(self.store.profile_path(dataset, id_))
        said: Mapping[str, Any] = json.loads(table.column("profile")[0].as_py())
        return said

    def map(self, deposit: Deposit) -> dict[tuple[str, str], str]:
        """(dataset, record) → resident, of one deposit of a person index."""
        with contextlib.closing(self.store.connect()) as connection:
            view = self.store.open_deposit(connection, deposit)
            rows = connection.execute(f"SELECT dataset, record, resident FROM {view}").fetchall()
        return {(dataset, record): resident for dataset, record, resident in rows}

    def forget(self, dataset: str, id_: str) -> None:
        """Remove a delivery that never became a fact."""
        for path in self._paths(dataset, id_):
            self.store.destroy(path)

    def sweep(self, known: Mapping[str, Collection[str]]) -> int:
        """Remove deliveries that no fact names: what a killed process left behind.

        The caller holds the locks of the datasets in `known` (dataset → ids of its deposits).
        """
        swept = 0
        for dataset, ids in known.items():
            found = {
                stored.name.split(".")[0]
                for path in self._paths(dataset, "0" * 64)
                for stored in path.parent.glob("[0-9a-f]*.parquet*")
            }
            for id_ in sorted(found - set(ids)):
                self.forget(dataset, id_)
                swept += 1
            for path in self._paths(dataset, "0" * 64):
                for draft in path.parent.glob(".*.tmp"):
                    draft.unlink(missing_ok=True)
        return swept

    def lock_path(self, dataset: str) -> Path:
        """The file whose lock lets one process at a time deposit the dataset."""
        return self.store.deposit_path(dataset, "0" * 64).with_name(".lock")

    def _paths(self, dataset: str, id_: str) -> tuple[Path, ...]:
        store = self.store
        return (
            store.deposit_path(dataset, id_),
            store.quarantine_path(dataset, id_),
            store.profile_path(dataset, id_),
        )

    def _read(self, path: Path) -> pyarrow.Table:
        with contextlib.closing(self.store.connect()) as connection:
            try:
                scan = self.store.scan(connection, path)
                return connection.execute(f"SELECT * FROM {scan}").to_arrow_table()
            except duckdb.Error:
                raise IntegrityFailure("A stored file cannot be read.") from None


def _joined(quarantine: pyarrow.Table | None, more: pyarrow.Table) -> pyarrow.Table:
    if quarantine is None or not quarantine.num_rows:
        return more
    return pyarrow.concat_tables([quarantine, more.cast(quarantine.schema)])


def _name(name: str) -> str:
    return str(exp.to_identifier(name, quoted=True).sql("duckdb"))


def _names(names: Sequence[str]) -> str:
    return ", ".join(map(_name, names))
