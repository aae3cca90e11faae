"""The trusted side of the workers: starts them, hands each its extracts, ends them at once.

- One worker holds the extracts of one `key` (one member's grants under one agreement) and has never
  seen another path or key. It is fenced before it is given any key; see `worker` and `fence`.
- Keys go through a pipe: not the command line, not the environment, not a file.
- Idle workers wait for the next run under the same key with the same extracts, `idle_seconds` at
  most; when there are `most` of them, the one that waited longest makes room. A killed worker never
  runs again; the next run starts another.
- Nothing that a worker says is trusted: frames, rows and bytes are bounded, and each batch is
  checked by `untrusted` before anybody sees it.
"""

from __future__ import annotations

import atexit
import base64
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

import pyarrow

from commonthread.broker.fence import NAMES
from commonthread.broker.lake.child import Child, WorkerFailed, said_in
from commonthread.broker.lake.shapes import Summed
from commonthread.broker.lake.untrusted import Untrusted, read_batch, read_schema

__all__ = ["Answer", "Extract", "Pool", "WorkerFailed"]

ROWS_AT_MOST = 20_000_000
BYTES_AT_MOST = 2 << 30


class Extract(Protocol):
    """What a worker loads: `path` is encrypted Parquet under `key`; `address` names its content.

    `summed`: what the worker adds up when it loads, of a statistics table.
    """

    @property
    def table(self) -> str: ...
    @property
    def path(self) -> Path: ...
    @property
    def key(self) -> bytes: ...
    @property
    def address(self) -> str: ...
    @property
    def summed(self) -> Summed | None: ...


class Pool:
    """Fenced workers, at most `most` of them and `most_each` under one key; safe from any thread.

    `accept_missing` names the fences a worker may lack. Without a network namespace, seccomp and
    Landlock still hold the network, each by itself, so that one is accepted unless asked otherwise.
    """

    def __init__(
        self,
        *,
        limit_bytes: int = 4 << 30,
        most: int = 8,
        most_each: int = 2,
        threads: int = 2,
        idle_seconds: float = 600,
        accept_missing: Collection[str] = ("network",),
    ) -> None:
        self._limit_bytes, self._threads = limit_bytes, threads
        # What the interpreter and the engine map for themselves is about one GiB.
        self._memory_bytes = max(limit_bytes - (1 << 30), limit_bytes // 4)
        self._most, self._most_each, self._idle_seconds = most, most_each, idle_seconds
        self._accept_missing = frozenset(accept_missing)
        self._missing: dict[str, str] = {}
        self._changed = threading.Condition()
        self._workers: list[Child] = []
        self._unborn: list[Child] = []
        self._dying: list[Child] = []
        self._closed = False
        self._keeper: threading.Thread | None = None
        atexit.register(self.close)

    @property
    def missing(self) -> dict[str, str]:
        """The fences that workers of this pool reported missing so far, name to reason."""
        return dict(self._missing)

    def run(
        self,
        key: str,
        extracts: Sequence[Extract],
        sql: str,
        *,
        deadline_seconds: float,
        on_start: Callable[[], None] | None = None,
        on_batch: Callable[[pyarrow.RecordBatch], None] | None = None,
        rows: int = ROWS_AT_MOST,
        size: int = BYTES_AT_MOST,
    ) -> Answer:
        """The answer to one SELECT over `extracts`, under a worker that `kill(key)` ends at once.

        - `on_start` is called when the worker is registered and before it is sent anything: what it
          checks cannot change unseen between the check and the run.
        - `on_batch` is called before each batch is given out; what it raises ends the run.
        - `deadline_seconds` counts from the call, waiting for a free worker included.
        - More than `rows` rows or `size` bytes is a failure, never a shortened answer.

        Raises WorkerFailed, here or while the answer is iterated.
        """
        until = time.monotonic() + deadline_seconds
        worker = self._take(key, tuple(extract.address for extract in extracts), until)
        try:
            if on_start is not None:
                on_start()
            if not worker.loaded:
                self._start(worker, extracts)
            worker.send({"sql": sql, "rows": rows, "bytes": size})
            return Answer(self, worker, on_batch, rows, size)
        except WorkerFailed as error:
            self._settle(worker, error)
            raise
        except BaseException:
            self._end(worker, "ended")
            raise

    def kill(self, key: str) -> int:
        """End every worker under `key` now, whatever it does; how many there were."""
        return self._end_all(lambda worker: worker.key == key)

    def forget(self, address: str) -> int:
        """End every worker that holds the extract of this address, idle ones too; how many."""
        return self._end_all(lambda worker: address in worker.addresses)

    def close(self) -> None:
        """End all workers and wait until they are gone. A closed pool stays closed."""
        atexit.unregister(self.close)
        with self._changed:
            self._closed = True
            self._end_all(lambda worker: True)
            self._changed.notify_all()
            keeper = self._keeper
        if keeper is not None and keeper is not threading.current_thread():
            keeper.join()

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def _take(self, key: str, addresses: tuple[str, ...], until: float) -> Child:
        """A worker for these extracts, marked busy: an idle one, or one yet to start."""
        with self._changed:
            while True:
                if self._closed:
                    raise WorkerFailed("ended")
                worker = self._idle(key, addresses) or self._room(key, addresses)
                if worker is not None:
                    worker.until = until
                    self._changed.notify_all()  # the keeper has a new deadline to watch
                    return worker
                left = until - time.monotonic()
                if left <= 0:
                    raise WorkerFailed("deadline")
                self._changed.wait(left)

    def _idle(self, key: str, addresses: tuple[str, ...]) -> Child | None:
        """An idle worker with exactly these extracts; those that are stale or dead are ended."""
        for worker in [one for one in self._workers if one.key == key and one.until is None]:
            if worker.addresses == addresses and worker.idle():
                return worker
            self._end(worker, "ended")
        return None

    def _room(self, key: str, addresses: tuple[str, ...]) -> Child | None:
        if sum(worker.key == key for worker in self._workers) >= self._most_each:
            return None
        if len(self._workers) >= self._most:
            idle = [worker for worker in self._workers if worker.until is None]
            if not idle:
                return None
            self._end(min(idle, key=lambda worker: worker.used), "ended")
        worker = Child(key, addresses)
        self._workers.append(worker)
        return worker

    def _start(self, worker: Child, extracts: Sequence[Extract]) -> None:
        """Start the child, see it fenced, and only then hand it keys."""
        with self._changed:
            if worker.ended is not None:
                raise WorkerFailed(worker.ended)
            self._unborn.append(worker)
            if self._keeper is None:
                self._keeper = threading.Thread(
                    target=self._keep, name="commonthread-workers", daemon=True
                )
                self._keeper.start()
            self._changed.notify_all()
        worker.born.result()
        paths = [str(extract.path) for extract in extracts]
        worker.send({"readable": paths, "limit_bytes": self._limit_bytes})
        missing = said_in(worker.expect(b"F")).get("missing")
        if not isinstance(missing, dict):
            missing = dict.fromkeys(NAMES, "not said")
        self._missing.update(missing)
        if refused := set(missing) - self._accept_missing:
            raise WorkerFailed("fence", {name: missing[name] for name in refused})
        tables = [_order(one) for one in extracts]
        memory = {"memory_bytes": self._memory_bytes, "threads": self._threads}
        worker.send({"tables": tables, **memory})
        worker.expect(b"L")
        worker.loaded = True

    def _settle(self, worker: Child, error: WorkerFailed | None = None) -> None:
        """After a run: a sound worker waits for the next one, any other is gone."""
        if error is not None and not worker.ready:
            self._end(worker, error.kind)
            return
        with self._changed:
            worker.until, worker.used = None, time.monotonic()
            self._changed.notify_all()

    def _end_all(self, chosen: Callable[[Child], bool]) -> int:
        with self._changed:
            found = [worker for worker in self._workers if chosen(worker)]
            for worker in found:
                self._end(worker, "ended")
        return len(found)

    def _end(self, worker: Child, kind: str) -> None:
        with self._changed:
            if worker in self._workers:
                self._workers.remove(worker)
                self._dying.append(worker)
            worker.kill(kind)
            self._changed.notify_all()

    def _keep(self) -> None:
        """One thread for the life of the pool: starts children, watches deadlines, buries the dead.

        A child dies with the thread that started it, so the thread of a request must not be that.
        """
        with self._changed:
            while not self._closed or self._dying or self._unborn:
                while self._unborn:
                    self._unborn.pop().bear()
                now = time.monotonic()
                for worker in [one for one in self._workers if self._limit(one) <= now]:
                    self._end(worker, "ended" if worker.until is None else "deadline")
                self._dying = [worker for worker in self._dying if not worker.buried()]
                if not self._closed or self._dying:
                    self._changed.wait(self._pause(now))

    def _pause(self, now: float) -> float | None:
        if self._dying:
            return 0.02
        limits = [self._limit(worker) for worker in self._workers]
        return max(min(limits) - now, 0.0) if limits else None

    def _limit(self, worker: Child) -> float:
        """Until when it may stay: its deadline while busy, its patience while idle."""
        return worker.used + self._idle_seconds if worker.until is None else worker.until


def _order(extract: Extract) -> dict[str, Any]:
    return {
        "name": extract.table,
        "path": str(extract.path),
        "key": base64.b64encode(extract.key).decode(),
        "summed": asdict(extract.summed) if extract.summed else None,
    }


class Answer:
    """Record batches as they come, once. Close it (or use `with`) when it is not read to its end.

    An answer that is left unread holds its worker until the deadline ends both.
    """

    def __init__(
        self,
        pool: Pool,
        worker: Child,
        on_batch: Callable[[pyarrow.RecordBatch], None] | None,
        rows: int,
        size: int,
    ) -> None:
        self._pool, self._worker, self._on_batch = pool, worker, on_batch
        self._rows_left, self._bytes_left = rows, size
        self._open = True
        self.schema: pyarrow.Schema = self._trusted(read_schema, worker.expect(b"S"))

    def __iter__(self) -> Iterator[pyarrow.RecordBatch]:
        return self

    def __next__(self) -> pyarrow.RecordBatch:
        if not self._open:
            raise StopIteration
        try:
            letter, content = self._worker.frame()
            if letter == b"B":
                return self._checked(content)
        except WorkerFailed as error:
            self._open = False
            self._pool._settle(self._worker, error)
            raise
        except BaseException:
            self.close()
            raise
        if letter != b"E":
            self.close()
            raise WorkerFailed("error")
        self._open = False
        self._pool._settle(self._worker)
        raise StopIteration

    def close(self) -> None:
        """Done with it: a worker that is still at work is ended."""
        if self._open:
            self._open = False
            self._pool._end(self._worker, "ended")

    def __enter__(self) -> Answer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        raised: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    @staticmethod
    def _trusted(read: Callable[..., Any], *content: Any) -> Any:
        try:
            return read(*content)
        except Untrusted:
            raise WorkerFailed("error") from None

    def _checked(self, content: bytes) -> pyarrow.RecordBatch:
        self._bytes_left -= len(content)
        batch = self._trusted(read_batch, content, self.schema)
        self._rows_left -= batch.num_rows
        if self._rows_left < 0 or self._bytes_left < 0:
            raise WorkerFailed("size")
        if self._on_batch is not None:
            self._on_batch(batch)
        if self._worker.ended is not None:
            raise WorkerFailed(self._worker.ended)
        return batch
