"""Deposits and a partner's own data: encrypted first, then a fact, never the other way round."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from commonthread.broker.lake.deliveries import Deliveries
from commonthread.broker.lake.maps import content
from commonthread.broker.records import Ledger
from commonthread.broker.rules.canonical import digest
from commonthread.broker.rules.contracts import Contract
from commonthread.broker.rules.errors import BadInput, Reason, Refused
from commonthread.broker.rules.facts import DATASET_FACT, DEPOSIT
from commonthread.broker.rules.replay import may_deposit
from commonthread.broker.rules.requests import DEPOSITS, OwnData, Request
from commonthread.broker.rules.standing import LINKER_MEMBER, Deposit, Standing

from .documents import map_contract
from .leases import now

if TYPE_CHECKING:
    import pyarrow as pa


# Of one deposit; what does not fit is spilled, encrypted. A writer that may take more does, idly.
MEMORY = "1GB"


@dataclass(frozen=True, slots=True)
class Delivery:
    """What was read out of a file: good rows (a reader, once), quarantined rows, profile."""

    source: str
    good: pa.RecordBatchReader
    quarantine: pa.Table | None
    profile: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a delivery became. `new` is False when the same delivery is there already."""

    deposit: Deposit
    new: bool


class Depositor:
    """Puts deliveries into the lake and their facts into the ledger."""

    def __init__(self, ledger: Ledger, deliveries: Deliveries) -> None:
        store = deliveries.store
        self._ledger = ledger
        self._store = Deliveries(replace(store, memory=store.memory or MEMORY))

    def contract_for(self, dataset: str, member: str) -> Contract:
        """The dataset's contract, once it is clear that the member may deposit it."""
        standing = self._ledger.standing()
        contract = standing.contracts.get(dataset)
        if contract is None:
            raise BadInput(
                "No dataset of this name is declared.",
                mend="Declared are: " + (", ".join(sorted(standing.contracts)) or "none") + ".",
            )
        if not may_deposit(standing.members.get(member), contract):
            self._refuse(dataset, member)
        return contract

    def _refuse(self, dataset: str, member: str) -> None:
        reason = Reason(
            "deposit",
            f"dataset[{dataset}].owner",
            "Only a data engineer of the owner may deposit this dataset.",
        )
        self._ledger.record(
            "request.refused",
            public={"codes": [reason.code], "dataset": dataset},
            body={"member": member},
            tokens=[self._ledger.token(f"member:{member}")],
            at=now(),
        )
        raise Refused([reason])

    def known(self, dataset: str, source: str) -> Deposit | None:
        """The deposit that this very delivery became before, if it would change nothing now.

        Changes are made once: made again, what was corrected since would be as it was.
        """
        standing = self._ledger.standing()
        contract = standing.contracts.get(dataset)
        if contract is None:
            return None
        changes = contract.delivery == "changes"
        made = standing.deposits.get(dataset, ()) if changes else standing.pinned(dataset)
        for deposit in reversed(made):
            if deposit.id == _id(source, contract, deposit.number):
                return deposit
        return None

    def deposit(self, dataset: str, member: str, delivery: Delivery) -> Receipt:
        """Take a delivery whole, or nothing of it. One at a time for each dataset."""
        contract = self.contract_for(dataset, member)
        with self._alone(dataset):
            before = self.known(dataset, delivery.source)
            if before is not None:
                return Receipt(before, new=False)
            number = len(self._ledger.standing().deposits.get(dataset, ())) + 1
            fact = self._store_files(contract, number, delivery)
            return self._fact({**fact, "member": member})

    def _store_files(self, contract: Contract, number: int, delivery: Delivery) -> dict[str, Any]:
        id_ = _id(delivery.source, contract, number)
        earlier = self._ledger.standing().pinned(contract.name)
        kept = () if contract.delivery == "snapshot" else earlier
        stored = self._store.put(
            contract, id_, delivery.good, delivery.quarantine, delivery.profile, kept
        )
        return {
            "dataset": contract.name,
            "number": number,
            "id": id_,
            "contract": contract.digest,
            "file": stored.digest,
            "rows": stored.rows,
            "quarantined": stored.quarantined,
        }

    def _fact(self, body: Mapping[str, Any]) -> Receipt:
        try:
            standing = self._ledger.add([(DEPOSIT, dict(body))])
        except Exception:
            self._store.forget(str(body["dataset"]), str(body["id"]))
            raise
        return Receipt(standing.deposits[str(body["dataset"])][-1], new=True)

    def deposit_map(self, dataset: str, sources: Mapping[str, str], residents: pa.Table) -> Receipt:
        """The person index's map, an ordinary dataset of the platform. `sources`: name → file.

        Linking the same deposits to the same residents again makes no new version.
        """
        contract = map_contract(dataset, tuple(sources))
        standing = self._ledger.standing()
        known = standing.contracts.get(dataset)
        if known is None or known.digest != contract.digest:
            self._ledger.add([(DATASET_FACT, contract.to_plain())])
        with self._alone(dataset):
            pins = sorted([name, file] for name, file in sources.items())
            source = digest({"pins": pins, "map": content(self._store.store, residents)})
            before = self.known(dataset, source)
            if before is not None:
                return Receipt(before, new=False)
            number = len(self._ledger.standing().deposits.get(dataset, ())) + 1
            delivery = Delivery(source, residents.to_reader(), None, {})
            fact = self._store_files(contract, number, delivery)
            return self._fact({**fact, "member": LINKER_MEMBER, "pins": pins})

    def holds(self, contract: Contract, record: str) -> bool:
        """Whether a record is among the rows of its dataset now."""
        pinned = self._ledger.standing().pinned(contract.name)
        return self._store.holds(contract, pinned, record)

    def own(self, request: Request, standing: Standing) -> Any:
        """What a partner deposited: a list of deposits, a quarantine table, or a profile."""
        question = request.question
        assert isinstance(question, OwnData)  # noqa: S101 - the caller decided on this question
        deposits = standing.deposits.get(question.dataset, ())
        if question.what == DEPOSITS:
            return deposits
        if not deposits:
            raise BadInput("There is no deposit yet.", mend="commonthread deposit DATASET FILE")
        if question.what == "quarantine":
            return self._store.quarantine(question.dataset, deposits[-1].id)
        return self._store.profile(question.dataset, deposits[-1].id)

    def map(self, deposit: Deposit) -> dict[tuple[str, str], str]:
        return self._store.map(deposit)

    def sweep(self) -> int:
        """Remove what killed processes left half-done; a dataset being deposited now is left."""
        swept = 0
        for dataset in self._ledger.standing().contracts:
            with suppress(BlockingIOError), self._alone(dataset, wait=False):
                # Read under the lock: whatever has become a fact by now is named in it.
                deposits = self._ledger.standing().deposits.get(dataset, ())
                swept += self._store.sweep({dataset: {deposit.id for deposit in deposits}})
        return swept

    @contextmanager
    def _alone(self, dataset: str, *, wait: bool = True) -> Iterator[None]:
        path = self._store.lock_path(dataset)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        gate = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(gate, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            yield
        finally:
            os.close(gate)


def _id(source: str, contract: Contract, number: int) -> str:
    return digest({"source": source, "contract": contract.digest, "number": number})
