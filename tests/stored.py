"""A real encrypted lake for tests: rows given as plain Python become sealed, recorded deposits."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow
from factories import LINKAGE_REFERENCE, County

from commonthread.broker.keyring import Keyring
from commonthread.broker.lake import reference
from commonthread.broker.lake.extracts import Extract, Extracts
from commonthread.broker.lake.pseudonyms import Pseudonyms
from commonthread.broker.lake.store import Sealed, Store
from commonthread.broker.rules.contracts import Contract
from commonthread.broker.rules.standing import Deposit, map_of
from commonthread.broker.rules.treatments import record_text
from commonthread.broker.rules.views import GrantView

ARROW_TYPES = {
    "text": pyarrow.string(),
    "integer": pyarrow.int64(),
    "decimal": pyarrow.decimal128(28, 10),
    "boolean": pyarrow.bool_(),
    "date": pyarrow.date32(),
    "timestamp": pyarrow.timestamp("us"),
}
Rows = Sequence[Mapping[str, Any]]


@dataclass(slots=True)
class Lake:
    """A store with its extracts; `tables` holds each deposit's rows for the reference engine."""

    home: Path
    memory: str = ""
    keyring: Keyring = field(init=False, repr=False)
    store: Store = field(init=False)
    extracts: Extracts = field(init=False)
    tables: dict[str, Rows] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        fresh = not (self.home / "keys").exists()
        self.keyring = Keyring.create(self.home) if fresh else Keyring.load(self.home)
        self.store = Store(self.home, self.keyring, self.memory)
        self.extracts = Extracts(self.store)

    def deposit(self, county: County, dataset: str, rows: Rows) -> Deposit:
        """Seal the rows as the dataset's next deposit, and record it in the county."""
        contract = county.standing.contracts[dataset]
        number = len(county.standing.deposits.get(dataset, ())) + 1
        id_ = hashlib.sha256(f"{self.home}{dataset}{number}".encode()).hexdigest()
        sealed = self.seal(as_arrow(contract, rows), self.store.deposit_path(dataset, id_))
        deposit = county.deposit(dataset, id_=id_, file=sealed.digest, rows=len(rows))
        self.tables[sealed.digest] = rows
        return deposit

    def link(
        self,
        county: County,
        residents: Mapping[tuple[str, str], str | None],
        linkage: str = LINKAGE_REFERENCE,
    ) -> Deposit:
        """Deposit the person index's map: (dataset, record text) → resident."""
        rows = [
            {"dataset": dataset, "record": record, "resident": resident}
            for (dataset, record), resident in residents.items()
        ]
        return self.deposit(county, map_of(linkage), rows)

    def seal(self, table: pyarrow.Table, path: Path) -> Sealed:
        connection = self.extracts.reader()
        connection.register("given", table)
        return self.store.seal(connection, "SELECT * FROM given", path)

    def rows(self, extract: Extract) -> list[dict[str, Any]]:
        connection = self.extracts.reader()
        scan = self.store.scan(connection, extract.path)
        rows: list[dict[str, Any]] = connection.execute(f"FROM {scan}").to_arrow_table().to_pylist()
        return rows

    def reference(self, view: GrantView) -> list[dict[str, Any]]:
        return reference.rows(view, self.tables, Pseudonyms(self.keyring, view.reference))


def as_arrow(contract: Contract, rows: Rows) -> pyarrow.Table:
    return pyarrow.table(
        {
            column.name: pyarrow.array([row[column.name] for row in rows], ARROW_TYPES[column.type])
            for column in contract.columns
        }
    )


def text_of(*key: Any) -> str:
    """The record text of a key."""
    return record_text(key)


def multiset(rows: Rows) -> Counter[tuple[tuple[str, Any], ...]]:
    return Counter(tuple(sorted(row.items())) for row in rows)
