"""The ledger as doors see it: what happened, and proof of it; nothing here can write."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from commonthread.broker.records import Entry, Ledger, Notice
from commonthread.broker.rules.errors import IntegrityFailure


@dataclass(frozen=True, slots=True)
class Report:
    """What a full check of the stored ledger found."""

    entries: int
    facts: int
    root: str
    failures: tuple[str, ...] = ()

    @property
    def verified(self) -> bool:
        return not self.failures


class LedgerView:
    """The ledger of a home, to look at, check, prove and take away."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    @property
    def size(self) -> int:
        return self._ledger.size

    @property
    def origin(self) -> str:
        return self._ledger.origin

    def key_text(self) -> str:
        """The public key of the checkpoints, as verifiers are given it."""
        return self._ledger.key_text()

    def checkpoint(self) -> str:
        """The newest signed checkpoint: for somebody else to keep."""
        return self._ledger.checkpoint()

    def entries(self, first: int = 0, limit: int = 100) -> tuple[Entry, ...]:
        """Entries from `first` on, each proven to lie in the signed tree."""
        return self._ledger.entries(first, limit)

    def notices(self, party: str = "") -> tuple[Notice, ...]:
        """What each party is told of acts, oldest first."""
        return self._ledger.outbox(party)

    def verify(self) -> Report:
        """Check everything that is stored, from the first entry on."""
        try:
            found = self._ledger.verify()
        except IntegrityFailure as error:
            return Report(0, 0, "", (error.message,))
        return Report(found.size, found.facts, found.root)

    def proof(self, seq: int) -> dict[str, Any]:
        """That one entry lies under the newest checkpoint (RFC 9162 §2.1.3), as plain JSON."""
        inclusion = self._ledger.inclusion(seq)
        entry = self._ledger.entry(seq)
        return {
            "entry": entry.text.decode(),
            "index": inclusion.seq,
            "size": inclusion.size,
            "leaf": inclusion.leaf.hex(),
            "proof": [base64.b64encode(step).decode() for step in inclusion.proof],
            "checkpoint": inclusion.note,
            "key": self.key_text(),
        }

    def export(self) -> Iterator[bytes]:
        """A `*.ledger` file, line by line, for the off-line verifier."""
        return self._ledger.export()
