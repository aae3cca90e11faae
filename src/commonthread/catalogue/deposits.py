"""Receiving a delivery: read by a child without keys, then handed to the broker whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from commonthread.broker.access import BadInput, Broker, OwnData, Request
from commonthread.broker.access.deposits import Delivery
from commonthread.broker.rules.standing import Deposit
from commonthread.catalogue.reading import Reading, read_file


@dataclass(frozen=True, slots=True)
class Received:
    """What a delivery became. `stated` says how the file was read: format, delimiter, encoding.

    `delivery` is the contract's: a snapshot takes the place of `previous_rows`, None at first.
    """

    dataset: str
    number: int
    new: bool
    rows: int
    quarantined: int
    stated: Mapping[str, Any]
    profile: Mapping[str, Any]
    delivery: str
    previous_rows: int | None


def receive(
    broker: Broker,
    dataset: str,
    path: Path,
    member: str,
    progress: Callable[[int], None] | None = None,
    *,
    may_shrink: bool = False,
) -> Received:
    """Take a CSV or Parquet file as a deposit of `dataset`, whole or not at all.

    Raises `Refused` for anybody but a data engineer of the owner, before the file is read, and
    `BadInput` for a file that cannot be taken, or for a snapshot that would take the place of one
    with more than twice its rows, unless it `may_shrink`.
    """
    contract = broker.depositor.contract_for(dataset, member)
    if not path.is_file():
        raise BadInput(
            f"There is no file {path}." if not path.is_dir() else f"{path} is a folder.",
            mend="Give a CSV or Parquet file.",
        )
    with read_file(path, contract, at=datetime.now(UTC), progress=progress) as reading:
        before = broker.standing().pinned(dataset)
        if contract.delivery == "snapshot" and before and not may_shrink:
            _demand_as_large(reading, before[-1])
        delivery = Delivery(reading.digest, reading.good(), reading.quarantine(), reading.profile)
        receipt = broker.deposit(dataset, member, delivery)
        deposit = receipt.deposit
        return Received(
            dataset=dataset,
            number=deposit.number,
            new=receipt.new,
            rows=deposit.rows,
            quarantined=deposit.quarantined,
            stated=reading.stated,
            profile=reading.profile,
            delivery=contract.delivery,
            previous_rows=before[-1].rows if before else None,
        )


def _demand_as_large(reading: Reading, last: Deposit) -> None:
    """A broken export is usually a short one, and a snapshot replaces what was there."""
    if reading.rows * 2 < last.rows:
        raise BadInput(
            f"Nothing was deposited: of the rows of the file {reading.rows:,} are good and "
            f"{reading.quarantined:,} are not, and the snapshot that it would replace, deposit "
            f"{last.number}, has {last.rows:,}.",
            mend="If the rest is really gone, deposit it with --yes.",
        )


def quarantine(broker: Broker, dataset: str, member: str) -> list[dict[str, Any]]:
    """The rows of the newest deposit that were not taken, as they stood, each with its reason."""
    table = broker.own(Request(member, OwnData(dataset, "quarantine")))
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows
