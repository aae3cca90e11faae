"""How often agreements are used and refused, by month: counted from the ledger's public parts.

An entry names no resident and no question, so neither does a count. Months are London's.
"""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from commonthread.broker.access.reading import LOOKED_UP, OPENED, REFUSED
from commonthread.broker.rules.canonical import parse_instant
from commonthread.broker.rules.dates import london_day

ANSWERED = (OPENED, LOOKED_UP)
AT_ONCE = 1_000
SMALLEST_SHOWN = 5
ROUNDED_TO = 5


class Entry(Protocol):
    """What is read of an entry of the ledger."""

    @property
    def at(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def public(self) -> Mapping[str, Any]: ...


class Ledger(Protocol):
    """What is asked of the ledger: `broker.ledger` is one."""

    @property
    def size(self) -> int: ...
    def entries(self, first: int = 0, limit: int = 100) -> Sequence[Entry]: ...


@dataclass(frozen=True, slots=True)
class Month:
    """One month of one agreement, as it may be published: `answered` and `refused` are words."""

    month: str
    answered: str
    refused: str


@dataclass(frozen=True, slots=True)
class Activity:
    """Reference → (month, what) → how many; what is `answered` or `refused`."""

    counts: Mapping[str, Mapping[tuple[str, str], int]] = field(default_factory=dict)

    def months(self, reference: str, at: datetime) -> tuple[Month, ...]:
        """The months of an agreement that are over at `at`, newest first.

        The month that runs is left out: whoever looked before and after a request would see it.
        """
        counts, running = self.counts.get(reference, {}), month_of(at)
        over = sorted({month for month, _ in counts if month < running}, reverse=True)
        return tuple(
            Month(
                month,
                published(counts.get((month, "answered"), 0)),
                published(counts.get((month, "refused"), 0)),
            )
            for month in over
        )


def published(count: int) -> str:
    """A count that can be published: small ones are hidden, the others rounded half up."""
    if count == 0:
        return "none"
    if count < SMALLEST_SHOWN:
        return f"fewer than {SMALLEST_SHOWN}"
    return str((2 * count + ROUNDED_TO) // (2 * ROUNDED_TO) * ROUNDED_TO)


def month_of(at: datetime) -> str:
    return f"{london_day(at):%Y-%m}"


class Reading:
    """Counts one ledger; each `activity` reads only what was written since. Safe between threads.

    Entries come proven from the ledger: one that was altered raises `IntegrityFailure`.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._read = 0
        self._counts: defaultdict[str, Counter[tuple[str, str]]] = defaultdict(Counter)

    def activity(self, ledger: Ledger) -> Activity:
        with self._lock:
            size = ledger.size
            while self._read < size:
                self._take(ledger.entries(self._read, min(AT_ONCE, size - self._read)))
            return Activity({name: dict(counts) for name, counts in self._counts.items()})

    def _take(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            what = "answered" if entry.kind in ANSWERED else "refused"
            reference = str(entry.public.get("reference", ""))
            if reference and entry.kind in (*ANSWERED, REFUSED):
                self._counts[reference][month_of(parse_instant(entry.at)), what] += 1
        self._read += len(entries)
