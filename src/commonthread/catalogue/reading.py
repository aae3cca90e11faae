"""Reading a file that somebody handed in, without trusting it.

    with read_file(path, contract, at=at) as reading:
        reading.stated, reading.profile, reading.digest, reading.rows, reading.quarantined
        reading.good()         # typed rows, as a stream of Arrow batches
        reading.quarantine()   # rows with a fault, as text, each with its line and its reasons

- The file is parsed by a fenced child that has no keys, no network, no other file, and bounded
  memory and time. Its death is a `BadInput`, never a crash here.
- What the child sends is a stranger's work too: its schema and each batch are checked.
- All or nothing: a column that no contract knows, a column that is missing or stands twice, or
  text that cannot be read refuses the whole file (`BadInput`) before any row is seen.
- A row with a type, range, list or key fault goes to quarantine with all its reasons. Reasons and
  errors name columns and lines and never hold a value.
- Nothing is written to disk.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import date, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa

from commonthread.broker.rules.contracts import Contract
from commonthread.broker.rules.errors import BadInput, Problem

SOURCE = str(Path(__file__).resolve().parents[2])
# Address space, of which engines reserve more than they use; 3 million rows need about a third.
LIMIT_BYTES = 4 << 30
ENGINE_SHARE = 0.5
LONGEST_SECONDS = 900.0
LONGEST_MESSAGE = 16 << 20
BLOCK = 1 << 20
START = (
    "import sys; sys.path.insert(0, sys.argv[1]); "
    "from commonthread.catalogue.fenced import main; "
    "main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))"
)
ARROW_TYPES = {
    "text": pa.string(),
    "integer": pa.int64(),
    "decimal": pa.decimal128(28, 10),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
}
Progress = Callable[[int], None]


def read_file(
    path: Path,
    contract: Contract,
    *,
    at: datetime,
    progress: Progress | None = None,
    limit_bytes: int = LIMIT_BYTES,
    longest_seconds: float = LONGEST_SECONDS,
) -> Reading:
    """Parse the CSV or Parquet file at `path` under `contract`, in a fenced child.

    `at` is when it arrived: nobody in it may be born later. `progress` is called with the number
    of rows read so far. Raises `BadInput` with every fault of the file as a whole.
    """
    descriptor = _opened(path)
    try:
        before = _state(descriptor)
        digest = _digest(descriptor)
        child = _Child(descriptor, limit_bytes, longest_seconds)
        try:
            with _named(path):
                report = child.report(contract, at, limit_bytes, progress or (lambda _: None))
            if _state(descriptor) != before:
                raise BadInput("The file changed while it was read.", mend="Deposit it again.")
            return Reading(child, contract, digest, report)
        except BaseException:
            child.end()
            raise
    finally:
        os.close(descriptor)


class Reading:
    """What a file turned out to hold. Close it, or use it as a context manager.

    - `stated`: what was detected: format, delimiter, encoding, rows_read.
    - `profile`: rows, quarantined, reasons with their counts, and per column its counts, as plain
      values without fractions and nulls.
    - `unfenced`: what this machine could not fence the child from, by name, with its reason.
    - `digest`: SHA-256 of the bytes of the file, in hex.
    """

    def __init__(
        self, child: _Child, contract: Contract, digest: str, report: dict[str, Any]
    ) -> None:
        self.digest = digest
        self.stated: dict[str, Any] = report["stated"]
        self.profile: dict[str, Any] = report["profile"]
        self.unfenced: dict[str, str] = report["unfenced"]
        self.rows = int(report["rows"])
        self.quarantined = int(report["quarantined"])
        self._child = child
        names = [column.name for column in contract.delivered]
        kinds = [ARROW_TYPES[column.type] for column in contract.delivered]
        self.schema = pa.schema(list(zip(names, kinds, strict=True)))
        self._quarantine_schema = pa.schema(
            [
                *((name, pa.string()) for name in names),
                ("quarantine_line", pa.int64()),
                ("quarantine_reason", pa.string()),
            ]
        )

    def good(self) -> pa.RecordBatchReader:
        """The good rows in the order of the file, typed, in the contract's column order.

        Read it to its end before anything else is asked; it may be asked for again. If the child
        dies on the way, the stream raises `BadInput` and `broken` is set.
        """
        batches = self._child.stream("good", self.schema, self.rows)
        return pa.RecordBatchReader.from_batches(self.schema, batches)

    def quarantine(self) -> pa.Table:
        """Every row with a fault: all columns as they stood, its line, and all its reasons."""
        batches = self._child.stream("quarantine", self._quarantine_schema, self.quarantined)
        return pa.Table.from_batches(list(batches), self._quarantine_schema)

    @property
    def broken(self) -> BadInput | None:
        """The failure that cut a stream short: an engine between may have worn it down to text."""
        return self._child.broken

    def close(self) -> None:
        self._child.end()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class _Child:
    """The fenced process and its two pipes; ended by the group, so that nothing outlives it."""

    def __init__(self, descriptor: int, limit_bytes: int, longest_seconds: float) -> None:
        self.broken: BadInput | None = None
        self._longest = longest_seconds
        self._streaming = False
        arguments = [SOURCE, str(limit_bytes), str(descriptor)]
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-B", "-c", START, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # A traceback of the child's could hold a row.
            stderr=subprocess.DEVNULL,
            env={},
            pass_fds=[descriptor],
            start_new_session=True,
        )
        assert self._process.stdin is not None  # noqa: S101 - pipes were asked for
        assert self._process.stdout is not None  # noqa: S101 - likewise
        self._asked, self._answer = self._process.stdin, self._process.stdout

    def report(
        self, contract: Contract, at: datetime, limit_bytes: int, progress: Progress
    ) -> dict[str, Any]:
        memory = f"{int(limit_bytes * ENGINE_SHARE) >> 20}MiB"
        asked = {"contract": contract.to_plain(), "at": at.isoformat(), "engine_memory": memory}
        with self._deadline():
            self._ask(json.dumps(asked, default=date.isoformat))
            while True:
                message = self._message()
                match message:
                    case {"progress": int(done)}:
                        progress(done)
                    case {
                        "refused": {"message": str(said), "mend": str(mend), "problems": list(all_)}
                    }:
                        raise BadInput(said, map(_problem, all_[:100]), mend=mend)
                    case {"report": dict(report)} if _whole(report):
                        return report
                    case _:
                        raise _unreadable()

    def _ask(self, line: str) -> None:
        try:
            self._asked.write(line.encode() + b"\n")
            self._asked.flush()
        except OSError:
            raise _unreadable() from None

    def _message(self) -> dict[str, Any]:
        line = self._answer.readline(LONGEST_MESSAGE)
        try:
            message = json.loads(line)
        except ValueError:
            raise _unreadable() from None
        if not isinstance(message, dict):
            raise _unreadable()
        return message

    def stream(self, which: str, schema: pa.Schema, rows: int) -> Iterator[pa.RecordBatch]:
        if self._streaming:
            raise RuntimeError("a stream of this reading has not been read to its end")
        self._streaming, left = True, rows
        try:
            with self._deadline():
                self._ask(which)
                with pa.ipc.open_stream(self._answer) as stream:
                    if stream.schema != schema:
                        raise _unreadable()
                    for batch in stream:
                        # A hostile file may have taken the child over: believe no offset.
                        batch.validate(full=True)
                        left -= batch.num_rows
                        yield batch
            if left:
                raise _unreadable()
            self._streaming = False
        except (pa.ArrowException, OSError, EOFError, BadInput):
            self.broken = _unreadable()
            raise self.broken from None

    def _deadline(self) -> _Deadline:
        return _Deadline(self._longest, self._kill)

    def _kill(self) -> None:
        # Not once it was waited for: its number may be another's by then.
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def end(self) -> None:
        self._kill()
        self._process.wait()
        for pipe in (self._asked, self._answer):
            with suppress(OSError):
                pipe.close()


class _Deadline:
    """Ends the child if a step takes too long; its reader then meets the end of the pipe."""

    def __init__(self, seconds: float, end: Callable[[], None]) -> None:
        self._timer = threading.Timer(seconds, end)
        self._timer.daemon = True

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()


def _unreadable() -> BadInput:
    return BadInput(
        "The file could not be read: the process that reads it stopped, for want of memory or "
        "time, or because the file is damaged.",
        mend="Check that it opens elsewhere, or deposit it in smaller parts.",
    )


def _whole(report: dict[str, Any]) -> bool:
    """The child belongs to whoever wrote the file, if they broke its parser: believe no shape."""
    counts, parts = ("rows", "quarantined"), ("stated", "profile", "unfenced")
    return all(isinstance(report.get(name), int) for name in counts) and all(
        isinstance(report.get(name), dict) for name in parts
    )


def _problem(said: Any) -> Problem:
    match said:
        case [str(where), str(message), str(mend)]:
            return Problem(where, message, mend)
    raise _unreadable()


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Faults of a file begin with its name: the child never learns it."""
    try:
        yield
    except BadInput as error:
        raise BadInput(f"{path.name}: {error.message}", error.problems, mend=error.mend) from None


def _opened(path: Path) -> int:
    try:
        # Not blocking: a pipe without a writer would otherwise hold us here for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise BadInput(f"{path.name} cannot be opened: {error.strerror}.") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise BadInput(f"{path.name} is not a file.", mend="Give a CSV or Parquet file.")
    return descriptor


def _state(descriptor: int) -> tuple[int, int]:
    found = os.fstat(descriptor)
    return found.st_size, found.st_mtime_ns


def _digest(descriptor: int) -> str:
    """By `pread`: the child shares this descriptor, and its place in the file."""
    digest, place = hashlib.sha256(), 0
    while block := os.pread(descriptor, BLOCK, place):
        digest.update(block)
        place += len(block)
    return digest.hexdigest()


__all__ = ["ARROW_TYPES", "Reading", "read_file"]
