"""Leases: the right to read until something it rests on ends, renewed twice a second.

One watchdog thread in each process looks four times a second at the ledger's epoch and the clock.
It decides anew for every lease, ends those that no longer hold, and destroys what they were read
from. A lease whose watchdog is silent for a second lets no byte leave.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from django.db import connections

from commonthread.broker.rules.decisions import Decision, decide
from commonthread.broker.rules.errors import IntegrityFailure, Reason, Refused, UserFacing
from commonthread.broker.rules.requests import Request
from commonthread.broker.rules.standing import Standing

PERIOD_SECONDS = 0.25
SILENT_SECONDS = 1.0


class LeaseEnded(Refused):
    """What the answer rested on has ended while it was being given."""

    def __init__(self, reasons: tuple[Reason, ...]) -> None:
        super().__init__(reasons, "The answer was cut off: what it rested on has ended.")


def now() -> datetime:
    return datetime.now(UTC)


@dataclass(eq=False)
class Lease:
    """One permit in use. `on_end` is called once, from the watchdog, when it no longer holds."""

    request: Request
    decision: Decision
    on_end: Callable[[], None]
    watchdog: Watchdog
    reasons: tuple[Reason, ...] = ()
    ended: threading.Event = field(default_factory=threading.Event)

    def check(self) -> None:
        """Raise `LeaseEnded` unless a byte may leave now."""
        if not self.ended.is_set() and now() >= self.decision.expires:
            self.end((Reason("expired", "lease", "What the lease rests on has expired."),))
        if not self.ended.is_set() and self.watchdog.silent():
            self.end((Reason("unwatched", "lease", "Nothing watches over this lease."),))
        if self.ended.is_set():
            raise LeaseEnded(self.reasons)

    def end(self, reasons: tuple[Reason, ...]) -> None:
        if not self.ended.is_set():
            self.reasons = reasons
            self.ended.set()
            self.on_end()


class Watchdog:
    """Decides anew for every lease of this process; `look` is one round of it."""

    def __init__(
        self,
        epoch: Callable[[], int],
        standing: Callable[[], Standing],
        changed: Callable[[], None],
    ) -> None:
        self._epoch, self._standing, self._changed = epoch, standing, changed
        self._leases: set[Lease] = set()
        self._lock = threading.Lock()
        self._seen: int | None = None
        self._beat = time.monotonic()
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()

    def register(self, lease: Lease) -> None:
        with self._lock:
            self._leases.add(lease)
            if self._thread is None or not self._thread.is_alive():
                self._beat = time.monotonic()
                self._thread = threading.Thread(target=self._watch, name="leases", daemon=True)
                self._thread.start()

    def release(self, lease: Lease) -> None:
        with self._lock:
            self._leases.discard(lease)

    def silent(self) -> bool:
        return time.monotonic() - self._beat > SILENT_SECONDS

    def close(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=2)

    def look(self) -> None:
        """One round: renew or end each lease; tell what changed when facts did."""
        try:
            epoch, standing, at = self._epoch(), self._standing(), now()
        except UserFacing as error:
            self._end_all(Reason("integrity", "ledger", error.message))
            return
        with self._lock:
            leases = list(self._leases)
        ended = False
        for lease in leases:
            again = decide(lease.request, standing, max(at, lease.decision.at))
            if again.permitted and again.digest == lease.decision.digest:
                lease.decision = again
            else:
                ended = True
                lease.end(again.reasons or (_replaced(),))
        # An end by the clock writes nothing, and its extract has to go all the same.
        if epoch != self._seen or ended:
            self._seen = epoch
            self._changed()

    def _end_all(self, reason: Reason) -> None:
        with self._lock:
            leases = list(self._leases)
        for lease in leases:
            lease.end((reason,))

    def _watch(self) -> None:
        try:
            self._keep_watch()
        finally:
            # The thread's own connection would otherwise outlive it.
            connections.close_all()

    def _keep_watch(self) -> None:
        while not self._stop.wait(PERIOD_SECONDS):
            try:
                self.look()
                self._beat = time.monotonic()
            except Exception as error:
                self._end_all(Reason("unwatched", "lease", "The watch over leases broke down."))
                raise IntegrityFailure("The watch over leases broke down.") from error


def _replaced() -> Reason:
    return Reason("superseded", "version", "A newer version of the agreement governs now.")
