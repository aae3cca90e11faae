"""The files that show a credential: certificates, letters, screenshots of a public register.

A small store of its own in the home, beside the deposits and not among them: nothing here is about
a resident, and no decision reads it. A file lies under a random name that nobody sent, is readable
by its owner only, and is given out only while it has the digest that it had when it came.
"""

from __future__ import annotations

import os
import re
import secrets
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from commonthread.broker.access import BadInput, IntegrityFailure

FOLDER = "evidence"
LARGEST = 5 * 1024 * 1024
# What a certificate comes as, by the bytes it begins with; nothing that a browser would run.
KINDS = {b"%PDF-": "pdf", b"\x89PNG\r\n\x1a\n": "png", b"\xff\xd8\xff": "jpg"}
LONGEST_NAME = 100
STORED = re.compile(r"[0-9a-f]{32}")
# A file is in place before its row: one without a row and this old was left by a dead process.
LEFT_BEHIND = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Evidence:
    """A stored file: where it lies, what it is called for people, and what it must still be."""

    file: str
    name: str
    digest: str
    size: int


class EvidenceStore:
    """The evidence of one home."""

    def __init__(self, home: Path) -> None:
        self._folder = home / FOLDER

    def keep(self, name: str, content: bytes) -> Evidence:
        """Store a file; raises `BadInput` for one that is empty, too large or not of a known kind.

        `name` is what its owner calls it: it is only ever shown.
        """
        kind = _kind(content)
        self._folder.mkdir(mode=0o700, exist_ok=True)
        file = secrets.token_hex(16)
        draft = self._folder / f".{file}"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        draft.replace(self._folder / file)
        _settle(self._folder)
        return Evidence(file, shown_name(name, kind), sha256(content).hexdigest(), len(content))

    def read(self, evidence: Evidence) -> bytes:
        """The file, whole; raises `IntegrityFailure` when it is gone or is another."""
        if not STORED.fullmatch(evidence.file):
            raise IntegrityFailure("This evidence has no file of ours.")
        try:
            content = (self._folder / evidence.file).read_bytes()
        except OSError:
            raise IntegrityFailure("The evidence is recorded, and its file is gone.") from None
        if sha256(content).hexdigest() != evidence.digest:
            raise IntegrityFailure("The evidence is not the file that was handed in.")
        return content

    def sweep(self, named: Collection[str], at: datetime) -> int:
        """Remove what no row names and nobody is writing any more; how many files that were."""
        if not self._folder.is_dir():
            return 0
        known, gone = set(named), 0
        for path in sorted(self._folder.iterdir()):
            last = datetime.fromtimestamp(path.stat().st_mtime, UTC)
            if path.name not in known and at - last > LEFT_BEHIND:
                path.unlink(missing_ok=True)
                gone += 1
        return gone


def _kind(content: bytes) -> str:
    if not content:
        raise BadInput("The file is empty.", mend="Choose the certificate or the letter itself.")
    if len(content) > LARGEST:
        raise BadInput(f"The file is larger than {LARGEST // 1024 // 1024} MB.")
    for start, kind in KINDS.items():
        if content.startswith(start):
            return kind
    raise BadInput("The file is not a PDF, a PNG or a JPEG.", mend="Save it as one of these.")


def shown_name(name: str, kind: str) -> str:
    """The last part of a path, without what a page or a header could trip over."""
    last = re.split(r"[\\/]", name)[-1]
    visible = (mark for mark in last if mark == " " or unicodedata.category(mark)[0] not in "CZ")
    plain = "".join(visible)
    stem = re.sub(r'["\'<>;]', "", plain.rpartition(".")[0] or plain).strip(" .")
    return f"{stem[:LONGEST_NAME] or 'evidence'}.{kind}"


def _settle(folder: Path) -> None:
    """The name is durable too, before a row says it."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
