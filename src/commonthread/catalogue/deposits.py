"""Receiving a delivery: read by a child without keys, then handed to the broker whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from commonthread.broker.access import BadInput, Broker, OwnData, Request
from commonthread.broker.access.deposits import Delivery
from commonthread.catalogue.reading import read_file


@dataclass(frozen=True, slots=True)
class Received:
    """What a delivery became. `stated` says how the file was read: format, delimiter, encoding."""

    dataset: str
    number: int
    new: bool
    rows: int
    quarantined: int
    stated: Mapping[str, Any]
    profile: Mapping[str, Any]


def receive(
    broker: Broker,
    dataset: str,
    path: Path,
    member: str,
    progress: Callable[[int], None] | None = None,
) -> Received:
    """Take a CSV or Parquet file as a deposit of `dataset`, whole or not at all.

    Raises `Refused` for anybody but a data engineer of the owner, before the file is read, and
    `BadInput` for a file that cannot be taken.
    """
    contract = broker.depositor.contract_for(dataset, member)
    if not path.is_file():
        raise BadInput(f"There is no file {path}.")
    with read_file(path, contract, at=datetime.now(UTC), progress=progress) as reading:
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
        )


def quarantine(broker: Broker, dataset: str, member: str) -> list[dict[str, Any]]:
    """The rows of the newest deposit that were not taken, as they stood, each with its reason."""
    table = broker.own(Request(member, OwnData(dataset, "quarantine")))
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows
