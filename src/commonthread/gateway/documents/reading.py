"""Reading a document that somebody handed in, without trusting it.

The file is parsed by a fenced child that has no keys, no network, no files, and bounded memory
and time. Its death is a problem that is said plainly, never a crash here; what it answers is a
stranger's work too, and each part of it is checked. At most `AT_ONCE` are read at a time.
"""

from __future__ import annotations

import base64
import binascii
import json
import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from commonthread.broker.fence import NAMES
from commonthread.broker.rules.errors import BadInput
from commonthread.gateway.child import ask

LARGEST_DOCUMENT = 10 * 1024 * 1024
# Address space; a sealed document of ours needs a fifth of it.
LIMIT_BYTES = 1 << 30
LONGEST_SECONDS = 20.0
LONGEST_ANSWER = 32 * 1024 * 1024
AT_ONCE = 2
WAIT_SECONDS = 10.0
PDF_MARK, MARK_WITHIN = b"%PDF-", 1024
KINDS = ("pdf", "pack", "terms", "none")
LOG = logging.getLogger(__name__)
_TURNS = threading.BoundedSemaphore(AT_ONCE)


@dataclass(frozen=True, slots=True)
class Stamp:
    """A time stamp; `vouched` says whether its authority is one that this trust knows."""

    at: datetime
    by: str
    vouched: bool


@dataclass(frozen=True, slots=True)
class Seal:
    """One seal: whether it holds over the whole file, and whether it is this trust's."""

    holds: bool
    ours: bool
    stamp: Stamp | None = None


@dataclass(frozen=True, slots=True)
class Read:
    """What a file turned out to be. `problem` is a code where it could not be read as its kind."""

    kind: str
    problem: str = ""
    files: Mapping[str, bytes] = field(default_factory=dict)
    table: Mapping[str, Any] = field(default_factory=dict)
    seals: int = 0
    seal: Seal | None = None


@dataclass(frozen=True, slots=True)
class Trusted:
    """Certificates (DER): the roots and seals that are ours, and the stamp roots we vouch for."""

    roots: tuple[bytes, ...] = ()
    seals: tuple[bytes, ...] = ()
    stamp_roots: tuple[bytes, ...] = ()


def is_pdf(content: bytes) -> bool:
    """As readers of PDF look for it: the mark may stand a little behind the start."""
    return PDF_MARK in content[:MARK_WITHIN]


def read_document(content: bytes, trusted: Trusted) -> Read:
    """Read a document in a fenced child; raises `BadInput` only where too many are being read."""
    if len(content) > LARGEST_DOCUMENT:
        return Read("none", "too-large")
    if not content:
        return Read("none", "empty")
    with _turn():
        answer = _ask(content, trusted)
    try:
        said = json.loads(answer)
        found = _read(said)
        if unfenced := [name for name in said.get("unfenced", ()) if name in NAMES]:
            LOG.warning("A document was read without these fences: %s.", ", ".join(unfenced))
        return found
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, binascii.Error):
        return Read("none", "stopped")


@contextmanager
def _turn() -> Iterator[None]:
    if not _TURNS.acquire(timeout=WAIT_SECONDS):
        raise BadInput("Too many documents are being checked.", mend="Try again in a minute.")
    try:
        yield
    finally:
        _TURNS.release()


def _ask(content: bytes, trusted: Trusted) -> bytes:
    """The child's answer: empty where it died, took too long or said too much."""
    header = {
        name: [base64.b64encode(one).decode() for one in getattr(trusted, name)]
        for name in Trusted.__slots__
    }
    return ask(
        "commonthread.gateway.documents.fenced",
        json.dumps(header).encode() + b"\n" + content,
        seconds=LONGEST_SECONDS,
        answer_bytes=LONGEST_ANSWER,
        limit_bytes=LIMIT_BYTES,
    )


def _read(said: Any) -> Read:
    """The child belongs to whoever made the file, if they broke its parser: believe no shape."""
    kind = said["kind"]
    if kind not in KINDS:
        raise ValueError(kind)
    given = said.get("files") or said.get("attached") or {}
    table = said.get("table", {})
    if not isinstance(table, dict):
        raise TypeError(kind)
    return Read(
        kind=kind,
        problem=str(said.get("problem", ""))[:40],
        files={str(name): base64.b64decode(one, validate=True) for name, one in given.items()},
        table=table,
        seals=int(said.get("seals", 0)),
        seal=_seal(said.get("seal")),
    )


def _seal(said: Any) -> Seal | None:
    if said is None:
        return None
    stamp = said["stamp"]
    stamped = None
    if stamp is not None:
        at = datetime.fromisoformat(stamp["at"])
        stamped = Stamp(at, str(stamp["by"])[:200], stamp["vouched"] is True)
    return Seal(said["holds"] is True, said["ours"] is True, stamped)
