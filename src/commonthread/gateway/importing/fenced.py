"""The child that reads a stranger's agreement: fences itself first, and only then imports a parser.

It gets the file through its standard input and answers with one line of JSON. It holds no keys, and
its environment is empty.
"""

from __future__ import annotations

import os
import sys

from commonthread.broker.fence import fence


def main(source: str, limit_bytes: int) -> None:
    _, missing = fence(readable=[source], limit_bytes=limit_bytes)
    # What a parser prints goes where errors go, and not into the answer.
    answer = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    from commonthread.gateway.importing.parsing import serve

    serve(sys.stdin.buffer, answer, missing)
