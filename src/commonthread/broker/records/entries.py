"""One entry: its sealed body, its verbatim text, and reading both back.

The body is encrypted under a key of its own, which the home key wraps: deleting that key erases the
body and leaves the tree whole. Its commitment is SHA-256 of a salt, kept inside, and the plaintext.
"""

from __future__ import annotations

import base64
import json
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from commonthread.broker.keyring import KEY_BYTES, NONCE_BYTES, Keyring
from commonthread.broker.rules.canonical import canonical_bytes, parse_instant, parse_json
from commonthread.broker.rules.errors import BadInput, IntegrityFailure, Problem
from commonthread.broker.rules.ledger import leaf_hash

from .values import Entry

SALT_BYTES = 16
# A key is used once, so its nonce need not differ from any other.
NONCE = bytes(NONCE_BYTES)
KIND = re.compile(r"[a-z][a-z0-9._-]{0,63}")
TOKEN = re.compile(r"[A-Za-z0-9+/=:._-]{1,200}")
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)
PARTS = {"at", "body", "commitment", "kind", "public", "seq", "tokens"}
# A verifier reads lines of 16 MiB; a body grows by a third in base64.
MOST_BODY_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Sealed:
    """An entry before it has its number and its time; made outside the ledger's lock."""

    kind: str
    public: str
    body: str
    commitment: str
    wrapped: str
    tokens: tuple[str, ...]

    def text(self, *, seq: int, at: str, fact: int = 0) -> bytes:
        """The canonical JSON (RFC 8785): every part is of letters that JSON does not escape."""
        ordinal = f'"fact":{fact},' if fact else ""
        tokens = ",".join(f'"{token}"' for token in self.tokens)
        return (
            f'{{"at":"{at}","body":"{self.body}","commitment":"{self.commitment}",{ordinal}'
            f'"kind":"{self.kind}","public":{self.public},"seq":{seq},"tokens":[{tokens}]}}'
        ).encode()


def seal(
    keyring: Keyring,
    kind: str,
    *,
    public: Mapping[str, Any],
    body: Mapping[str, Any],
    tokens: Iterable[str] = (),
) -> Sealed:
    """Encrypt a body and commit to it; raises `BadInput` for what no entry can hold."""
    ordered = tuple(sorted(set(tokens)))
    if not KIND.fullmatch(kind) or not all(map(TOKEN.fullmatch, ordered)):
        raise _wrong("kind or tokens", "a kind or a token has another form")
    plaintext = canonical_bytes(dict(body))
    shown = canonical_bytes(dict(public)).decode()
    if len(plaintext) + len(shown) > MOST_BODY_BYTES:
        raise _wrong("body", "an entry holds 8 MiB at most")
    salt, key = secrets.token_bytes(SALT_BYTES), secrets.token_bytes(KEY_BYTES)
    commitment = sha256(salt + plaintext).hexdigest()
    sealed = base64.b64encode(AESGCM(key).encrypt(NONCE, salt + plaintext, None)).decode()
    wrapped = keyring.wrap(key, _label(commitment))
    return Sealed(kind, shown, sealed, commitment, wrapped, ordered)


def read_entry(text: str, *, seq: int) -> Entry:
    """The entry of a stored text, which must be that of this number.

    Whoever calls proves that the text lies in the tree: then the ledger wrote it, in one spelling.
    """
    verbatim = text.encode()
    try:
        said = json.loads(text)
        if not isinstance(said, dict) or said.keys() - {"fact"} != PARTS or said["seq"] != seq:
            raise ValueError
        entry = Entry(
            seq=seq,
            at=said["at"],
            kind=said["kind"],
            fact=said.get("fact", 0),
            public=said["public"],
            tokens=tuple(said["tokens"]),
            commitment=said["commitment"],
            sealed=said["body"],
            text=verbatim,
            leaf=leaf_hash(verbatim),
        )
        if not INSTANT.fullmatch(entry.at):
            raise ValueError
    except (ValueError, TypeError, RecursionError):
        raise IntegrityFailure(f"Entry {seq} of the ledger is not what an entry is.") from None
    return entry


def spelling(entry: Entry) -> bytes:
    """The one text that says what this entry says; raises `BadInput` where there is none."""
    public = canonical_bytes(dict(entry.public)).decode()
    said = Sealed(entry.kind, public, entry.sealed, entry.commitment, "", entry.tokens)
    return said.text(seq=entry.seq, at=entry.at, fact=entry.fact)


def open_body(keyring: Keyring, entry: Entry, wrapped: str) -> dict[str, Any]:
    """The decrypted body, once it is what the entry commits to."""
    key = keyring.unwrap(wrapped, _label(entry.commitment))
    try:
        salted = AESGCM(key).decrypt(NONCE, base64.b64decode(entry.sealed, validate=True), None)
    except (InvalidTag, ValueError):
        raise IntegrityFailure(f"The body of entry {entry.seq} does not open.") from None
    if sha256(salted).hexdigest() != entry.commitment:
        raise IntegrityFailure(f"The body of entry {entry.seq} is not what it commits to.")
    body: dict[str, Any] = parse_json(salted[SALT_BYTES:])
    return body


def instant_of(entry: Entry) -> datetime:
    return parse_instant(entry.at)


def _label(commitment: str) -> str:
    return f"entry/{commitment}"


def _wrong(where: str, message: str) -> BadInput:
    return BadInput("This entry cannot be written.", [Problem(where, message)])
