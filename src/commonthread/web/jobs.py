"""Queries that run while their page is looked at, each in a thread of its own.

- A job belongs to the member who asked; for anybody else it does not exist.
- What it holds lives in this process's memory only, and is dropped after 15 minutes, when the
  permit that it rests on has ended, and oldest first when there are more than 50.
- Nothing that was asked or answered is logged.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import connections
from django.utils import timezone

from commonthread.broker.access import (
    BadInput,
    IntegrityFailure,
    LeaseEnded,
    Reason,
    Refused,
    Request,
    UserFacing,
)

if TYPE_CHECKING:
    from commonthread.broker.access import Answer, Broker

LIFETIME = timedelta(minutes=15)
MOST_JOBS = 50
MOST_RUNNING = 3
SHOWN_ROWS = 1_000
# A download is made of the rows that were released to this page, so they are held until then.
EXPORTED_ROWS = 100_000
RUNNING, DONE, STOPPED, ENDED = "running", "done", "stopped", "ended"
REFUSED, FAULTY, UNFINISHED, BROKEN = "refused", "faulty", "unfinished", "broken"
# The broker refuses by reasons; those of these codes are no matter of what was agreed.
RUN, WRITING = "run-", ("gate-", "statistics-")
# A slip of the pen and a name that is not granted look the same, and must.
NAMES = frozenset({"gate-table", "gate-column", "grant-unknown"})
AGREED = NAMES | {"gate-mode"}
LOG = logging.getLogger(__name__)


@dataclass(eq=False)
class Job:
    """One question and what came of it. Its state changes once, from running to something else."""

    request: Request
    key: str = field(default_factory=lambda: secrets.token_urlsafe(18))
    started: datetime = field(default_factory=timezone.now)
    finished: datetime | None = None
    state: str = RUNNING
    columns: tuple[tuple[str, str], ...] = ()
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    more: bool = False
    export: bool = False
    digest: str = ""
    entry: int | None = None
    mode: str = ""
    pins: dict[str, Any] = field(default_factory=dict)
    reasons: tuple[Reason, ...] = ()
    error: UserFacing | None = None
    _answer: Answer | None = None
    _stopping: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def running(self) -> bool:
        return self.state == RUNNING

    @property
    def seconds(self) -> int:
        return int(((self.finished or timezone.now()) - self.started).total_seconds())

    def run(self, broker: Broker) -> None:
        """The thread's work. Every way out leaves a state that the page can show."""
        try:
            with broker.read(self.request) as answer:
                self._take(answer)
            self._finish(STOPPED if self._stopping else DONE)
        except LeaseEnded as error:
            if self._stopping:
                self._finish(STOPPED)
            else:
                self.end(error.reasons)
        except Refused as error:
            self._finish(STOPPED if self._stopping else kind_of(error), error)
        except BadInput as error:
            self._finish(STOPPED if self._stopping else FAULTY, error)
        except UserFacing as error:
            self._finish(BROKEN, error)
        except Exception:
            # The formatter of the log leaves out what the error says: it may hold somebody's data.
            LOG.exception("a query of the pages failed")
            self._finish(BROKEN, IntegrityFailure("The query failed, and nothing is shown of it."))
        finally:
            connections.close_all()

    def _take(self, answer: Answer) -> None:
        with self._lock:
            self._answer = answer
            stopping = self._stopping
        self.columns = tuple((str(name), str(kind)) for name, kind in answer.columns)
        self.export, self.digest, self.mode = answer.export, answer.digest, answer.mode
        self.entry, self.pins = answer.entry, dict(answer.pins)
        most = EXPORTED_ROWS if answer.export else SHOWN_ROWS
        if stopping:
            answer.stop()
        for batch in answer.batches():
            names = [name for name, _ in self.columns]
            self.rows += [tuple(row[name] for name in names) for row in batch.to_pylist()]
            if len(self.rows) > most:
                self.more = True
                del self.rows[most:]
                return

    def stop(self) -> None:
        """By the member's own wish: what came so far is dropped."""
        with self._lock:
            self._stopping = True
            answer = self._answer
        if answer is not None and self.running:
            answer.stop()

    def end(self, reasons: Sequence[Reason]) -> None:
        """What it rested on has ended: nothing of it is shown from now on."""
        self.reasons = tuple(reasons)
        self._finish(ENDED)

    def seen(self) -> Job:
        """The job as it is at one moment, so that a page does not show half of two states."""
        with self._lock:
            return copy(self)

    @property
    def misnamed(self) -> bool:
        """Whether it was refused for a name alone, which may be no more than a slip."""
        return self.state == REFUSED and {reason.code for reason in self.reasons} <= NAMES

    def _finish(self, state: str, error: UserFacing | None = None) -> None:
        with self._lock:
            if state != DONE:
                self.rows, self.more = [], False
            self.error = error
            if error is not None:
                self.reasons = tuple(getattr(error, "reasons", ()))
            self.finished = timezone.now()
            self._answer = None
            self.state = state


def kind_of(error: Refused) -> str:
    """Whether the agreement refuses, or the way it was written, or the run came to no end."""
    codes = [reason.code for reason in error.reasons]
    if any(code.startswith(RUN) for code in codes):
        return UNFINISHED
    written = all(code.startswith(WRITING) and code not in AGREED for code in codes)
    return FAULTY if codes and written else REFUSED


class Jobs:
    """All jobs of this process, by their keys."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()

    def start(self, broker: Broker, request: Request) -> Job:
        job = Job(request)
        with self._lock:
            self._sweep()
            mine = [
                other for other in self._jobs.values() if other.request.member == job.request.member
            ]
            if sum(other.running for other in mine) >= MOST_RUNNING:
                raise BadInput(
                    f"{MOST_RUNNING} of your queries are running already.",
                    mend="Stop one of them, or wait until one is done.",
                )
            self._make_room()
            self._jobs[job.key] = job
        threading.Thread(target=job.run, args=(broker,), name="query", daemon=True).start()
        timer = threading.Timer(LIFETIME.total_seconds(), self.drop, args=(job.key,))
        timer.daemon = True
        timer.start()
        return job

    def find(self, key: str, member: str) -> Job | None:
        with self._lock:
            self._sweep()
            job = self._jobs.get(key)
        return job if job is not None and job.request.member == member else None

    def of(self, member: str) -> list[Job]:
        """The member's jobs, newest first."""
        with self._lock:
            self._sweep()
            mine = [job for job in self._jobs.values() if job.request.member == member]
        return sorted(mine, key=lambda job: job.started, reverse=True)

    def drop(self, key: str) -> None:
        with self._lock:
            job = self._jobs.pop(key, None)
        if job is not None:
            job.stop()

    def _sweep(self) -> None:
        oldest = timezone.now() - LIFETIME
        for key in [key for key, job in self._jobs.items() if job.started < oldest]:
            self._jobs.pop(key).stop()

    def _make_room(self) -> None:
        while len(self._jobs) >= MOST_JOBS:
            done = [job for job in self._jobs.values() if not job.running]
            oldest = min(done or self._jobs.values(), key=lambda job: job.started)
            self._jobs.pop(oldest.key).stop()


def recheck(job: Job, broker: Broker) -> None:
    """Drop an answer once the decision that opened it would no longer be made."""
    if job.state != DONE:
        return
    decision = broker.decide(job.request)
    # An answer that was the last of the day stays; only the next look-up is refused.
    reasons = tuple(reason for reason in decision.reasons if reason.code != "rate")
    if reasons or decision.digest != job.digest:
        job.end(reasons or (SUPERSEDED,))


SUPERSEDED = Reason("superseded", "version", "The terms it rested on no longer govern.")
JOBS = Jobs()
