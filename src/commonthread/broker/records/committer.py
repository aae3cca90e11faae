"""One thread of the process commits for all of them: whoever waits shares one transaction.

The thread starts with the first entry, closes its own database connection when nothing is left to
do, and ends. An entry is durable when `submit` returns.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import DatabaseError, connection

from commonthread.broker.rules.errors import IntegrityFailure, UserFacing

from .entries import Sealed
from .tally import Tally
from .writing import Draft, Writer, time_text

MOST_IN_BATCH = 512
IDLE_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Limit:
    """Fewer than `most` entries of the kind with the token since a time, or nothing is written."""

    kind: str
    token: str
    since: datetime
    most: int


@dataclass(slots=True)
class Request:
    """Entries that wait, to be written all or none, one after the other.

    `seq` becomes the number of the first; it stays None when their limit is used up.
    """

    group: Sequence[Sealed]
    at: datetime | None
    limit: Limit | None = None
    seq: int | None = None
    error: BaseException | None = None
    done: threading.Event = field(default_factory=threading.Event)


class Committer:
    """The queue of one home in this process, and the thread that empties it."""

    def __init__(self, writer: Writer, tally: Tally) -> None:
        self._writer, self._tally = writer, tally
        self._waiting: deque[Request] = deque()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closing = False

    def submit(self, request: Request) -> int | None:
        """Wait until the entries are durable; raises what went wrong with them or their batch."""
        with self._changed:
            self._waiting.append(request)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="ledger", daemon=True)
                self._thread.start()
            self._changed.notify()
        request.done.wait()
        if request.error is not None:
            raise _as_own(request.error) from request.error
        return request.seq

    def close(self) -> None:
        """End the thread once nothing waits; a later entry starts another."""
        with self._changed:
            self._closing = True
            thread = self._thread
            self._changed.notify()
        if thread is not None:
            thread.join()
        self._closing = False

    def _run(self) -> None:
        try:
            while self._wait():
                self._commit()
        finally:
            connection.close()

    def _wait(self) -> bool:
        """Whether there is something to do; when there is not, the thread is done."""
        with self._changed:
            if not self._waiting and not self._closing:
                self._changed.wait(IDLE_SECONDS)
            if not self._waiting:
                # The connection goes first: who sees no thread may drop the database.
                connection.close()
                self._thread = None
            return bool(self._waiting)

    def _commit(self) -> None:
        batch: list[Request] = []

        def build(draft: Draft) -> None:
            # Under the lock, so that whoever came while it was awaited is in this batch.
            batch.extend(self._taken())
            for request in batch:
                self._append(draft, request)

        try:
            self._writer.commit(build)
        # Whoever waits must hear of it, and the next batch needs a sound connection.
        except Exception as error:  # noqa: BLE001
            connection.close()
            for request in batch or self._taken():
                request.error = error
                request.done.set()
            return
        for request in batch:
            request.done.set()

    def _taken(self) -> list[Request]:
        """Who waited longest, as far as their entries fit into one batch; a group is not split."""
        taken: list[Request] = []
        room = MOST_IN_BATCH
        with self._changed:
            while self._waiting and (not taken or len(self._waiting[0].group) <= room):
                taken.append(self._waiting.popleft())
                room -= len(taken[-1].group)
        return taken

    def _append(self, draft: Draft, request: Request) -> None:
        try:
            at = draft.time(request.at)
            if request.limit is not None and not self._within(draft, request.limit):
                return
        except UserFacing as error:
            request.error = error
            return
        # What goes wrong from here on fails the batch: half of a group must not stay in the draft.
        request.seq = draft.frontier.size
        for sealed in request.group:
            draft.append(sealed, at)

    def _within(self, draft: Draft, limit: Limit) -> bool:
        since = time_text(limit.since)
        used = self._tally.count(limit.kind, limit.token, since, draft.before)
        return used + draft.matching(limit.kind, limit.token, since) < limit.most


def _as_own(error: BaseException) -> BaseException:
    """Each of those who wait gets an exception of its own: a traceback belongs to one thread."""
    if isinstance(error, IntegrityFailure):
        return IntegrityFailure(error.message, mend=error.mend)
    if isinstance(error, DatabaseError | OSError):
        return IntegrityFailure("The ledger cannot be written.", mend="Nothing was released.")
    return error
