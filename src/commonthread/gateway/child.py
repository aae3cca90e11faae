"""Starting a fenced child that reads a stranger's file: no keys, no network, bounded time.

Its death, its silence and its talking too much are one answer here: nothing. What it does say is a
stranger's work, if the file broke its parser: whoever asked believes no shape of it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

SOURCE = str(Path(__file__).resolve().parents[2])
START = (
    "import sys; from importlib import import_module; sys.path.insert(0, sys.argv[1]); "
    "import_module(sys.argv[3]).main(sys.argv[1], int(sys.argv[2]))"
)


def ask(
    module: str, question: bytes, *, seconds: float, answer_bytes: int, limit_bytes: int
) -> bytes:
    """What `main` of a module answers in a child: empty where it died, took or said too much.

    `limit_bytes` bounds its address space. The module fences itself before it imports a parser.
    """
    child = subprocess.Popen(
        [sys.executable, "-I", "-B", "-c", START, SOURCE, str(limit_bytes), module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        # A traceback of the child's could hold what the document says.
        stderr=subprocess.DEVNULL,
        env={},
        cwd="/",
        start_new_session=True,
    )
    timer = threading.Timer(seconds, _kill, [child])
    timer.daemon = True
    timer.start()
    try:
        return _exchanged(child, question, answer_bytes)
    finally:
        timer.cancel()
        _kill(child)
        child.wait()


def _exchanged(child: subprocess.Popen[bytes], question: bytes, answer_bytes: int) -> bytes:
    assert child.stdin is not None and child.stdout is not None  # noqa: S101 - pipes were asked for
    with child.stdin as asked, child.stdout as answer:
        # A child that dies early closes its end.
        with suppress(OSError):
            asked.write(question)
            asked.flush()
        with suppress(OSError):
            asked.close()
        said = answer.read(answer_bytes + 1)
    return said if len(said) <= answer_bytes else b""


def _kill(child: subprocess.Popen[bytes]) -> None:
    # Not once it was waited for: its number may be another's by then.
    if child.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
