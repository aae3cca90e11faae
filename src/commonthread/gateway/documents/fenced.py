"""The child that reads a stranger's document: fences itself first, and only then imports a parser.

It gets the document through its standard input and answers with one line of JSON. It holds no
keys, and its environment is empty.
"""

from __future__ import annotations

import os
import sys
from types import ModuleType

from commonthread.broker.fence import fence


def main(source: str, limit_bytes: int) -> None:
    _, missing = fence(readable=[source], limit_bytes=limit_bytes)
    # What a parser prints goes where errors go, and not into the answer.
    answer = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    # The parser brings a network client along, which takes longer to load than all the rest.
    client = ModuleType("aiohttp")
    client.__dict__.update(BasicAuth=object, ClientSession=object)
    sys.modules["aiohttp"] = client
    from commonthread.gateway.documents.parsing import serve

    serve(sys.stdin.buffer, answer, missing)
