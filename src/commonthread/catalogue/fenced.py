"""The child that reads a stranger's file: fences itself first, and only then imports engines.

Started by `reading` with the file already open, so that no path of the machine needs to be
readable beyond Python itself. It holds no keys, and its environment is empty.
"""

from __future__ import annotations

import os
import sys

from commonthread.broker.fence import fence


def main(source: str, limit_bytes: int, descriptor: int) -> None:
    _, missing = fence(readable=[source], limit_bytes=limit_bytes)
    # An engine prints a progress bar once a statement takes seconds: the answers have a pipe of
    # their own, and what anybody prints goes where errors go.
    answer = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    # Engines start threads as they load, and a fence holds only the threads that start after it.
    from commonthread.catalogue.parsing import serve

    serve(descriptor, sys.stdin.buffer, answer, missing)
