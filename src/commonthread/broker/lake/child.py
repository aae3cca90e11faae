"""One worker as the trusted side sees it: a process, the pipes to it, and how it ended."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from commonthread.broker.rules.errors import CommonthreadError

__all__ = ["Child", "WorkerFailed", "said_in"]

_FRAME_AT_MOST = 32 << 20
_HEAD = struct.Struct(">cQ")
_SOURCES = str(Path(__file__).resolve().parents[3])
_BOOT = (
    "import sys; sys.path.insert(0, sys.argv[1]);"
    "from commonthread.broker.lake.worker import main; main()"
)
_SAID = {
    "error": "the question could not be answered",
    "memory": "the question needs more memory than a worker has",
    "size": "the answer is larger than a worker may give",
    "deadline": "the question took longer than it may",
    "ended": "the worker was ended",
    "fence": "this machine cannot shut a worker in",
}


class WorkerFailed(CommonthreadError):
    """A run that gave no (complete) answer. `kind` is all that is known outside the worker.

    error, memory, size: the statement's own doing; deadline, ended: the worker was killed;
    fence: `missing` names what this machine cannot do and was not accepted; no key was handed over.
    """

    def __init__(self, kind: str, missing: Mapping[str, str] | None = None) -> None:
        self.kind = kind if kind in _SAID else "error"
        self.missing = dict(missing or {})
        super().__init__(", ".join([_SAID[self.kind], *sorted(self.missing)]))


class Child:
    """One child and the pipes to it: `until` is set while busy, `ended` once it was killed."""

    def __init__(self, key: str, addresses: tuple[str, ...]) -> None:
        self.key, self.addresses = key, addresses
        self.born: Future[None] = Future()
        self.loaded = self.ready = False
        self.until: float | None = None
        self.used = time.monotonic()
        self.ended: str | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._using = threading.Lock()  # held while a pipe is in use, so that none closes under it
        # Reading wakes when this is written: a large process takes its time to close its pipes.
        self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)

    def bear(self) -> None:
        """Start the child, unless it was killed before."""
        try:
            if self.ended is None:
                self._process = subprocess.Popen(
                    [sys.executable, "-I", "-c", _BOOT, _SOURCES],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    env={},
                    cwd="/",
                    bufsize=0,
                    start_new_session=True,
                )
            self.born.set_result(None)
        except OSError:
            self.born.set_exception(WorkerFailed("error"))

    def idle(self) -> bool:
        """Whether it waits for the next statement: alive, and it has not spoken out of turn."""
        if self.ended is not None or self._process is None or self._process.poll() is not None:
            return False
        return not self._poll().poll(0)

    def kill(self, kind: str) -> None:
        if self.ended is None:
            self.ended = kind
            with contextlib.suppress(OSError):
                os.eventfd_write(self._wake, 1)
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def buried(self) -> bool:
        """Whether nothing is left of the child; once it is gone and unused, its pipes close."""
        if self._process is not None and self._process.poll() is None:
            return False
        if not self._using.acquire(blocking=False):
            return False
        with contextlib.ExitStack() as closing:
            closing.callback(self._using.release)
            closing.callback(os.close, self._wake)
            for pipe in (self._process.stdin, self._process.stdout) if self._process else ():
                if pipe is not None:
                    closing.callback(pipe.close)
        return True

    def send(self, ask: Mapping[str, Any]) -> None:
        self.ready = False
        rest = memoryview(json.dumps(ask).encode() + b"\n")
        with self._using:
            pipe = self._pipe("stdin")
            try:
                while rest:
                    rest = rest[pipe.write(rest) or 0 :]
            except OSError as error:
                raise WorkerFailed(self.ended or "error") from error

    def expect(self, letter: bytes) -> bytes:
        """The content of the next frame, which has to be of this letter."""
        said, content = self.frame()
        if said != letter:
            raise WorkerFailed("error")
        return content

    def frame(self) -> tuple[bytes, bytes]:
        """The next frame. X is raised as the kind it says, silence as the reason of the end."""
        letter, length = _HEAD.unpack(self._read(_HEAD.size))
        if length > _FRAME_AT_MOST:
            raise WorkerFailed("size")
        content = self._read(length)
        if letter == b"X":
            said = said_in(content)
            self.ready = said.get("ready") is True
            raise WorkerFailed(str(said.get("kind")))
        return letter, content

    def _read(self, length: int) -> bytes:
        parts, left = [], length
        with self._using:
            pipe = self._pipe("stdout").fileno()
            poll = self._poll()
            while left:
                poll.poll()
                part = b"" if self.ended is not None else os.read(pipe, min(left, 1 << 20))
                if not part:
                    raise WorkerFailed(self.ended or "error")
                parts.append(part)
                left -= len(part)
        return b"".join(parts)

    def _poll(self) -> select.poll:
        poll = select.poll()
        poll.register(self._pipe("stdout").fileno(), select.POLLIN)
        poll.register(self._wake, select.POLLIN)
        return poll

    def _pipe(self, name: str) -> Any:
        if self.ended is not None or self._process is None:
            raise WorkerFailed(self.ended or "error")
        return getattr(self._process, name)


def said_in(content: bytes) -> dict[str, Any]:
    try:
        said = json.loads(content)
    except ValueError:
        said = None
    if not isinstance(said, dict):
        raise WorkerFailed("error")
    return said
