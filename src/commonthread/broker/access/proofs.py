"""The ledger as doors see it: what happened, and proof of it; nothing here can write."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from commonthread.broker.records import Entry, Ledger, Notice
from commonthread.broker.records.entries import NONCE, SALT_BYTES, read_entry
from commonthread.broker.records.tree import select
from commonthread.broker.rules.canonical import parse_json
from commonthread.broker.rules.errors import BadInput, IntegrityFailure
from commonthread.broker.rules.keys import P256_ORDER

# Proofs made one after another are of one tree unless somebody writes between them.
TRIES = 5
FACTS = (
    "SELECT e.seq, e.text, k.wrapped FROM ledger_entry e JOIN ledger_key k ON k.seq = e.seq"
    " WHERE e.fact IS NOT NULL AND e.kind = %s AND e.text LIKE %s"
)


@dataclass(frozen=True, slots=True)
class Report:
    """What a full check of the stored ledger found."""

    entries: int
    facts: int
    root: str
    failures: tuple[str, ...] = ()

    @property
    def verified(self) -> bool:
        return not self.failures


@dataclass(frozen=True, slots=True)
class Opened:
    """One fact with what its entry keeps sealed. SHA-256 of `opening` is the entry's commitment.

    `opening` is a salt of 16 bytes and the canonical JSON of `body`.
    """

    seq: int
    kind: str
    at: str
    leaf: str
    body: Mapping[str, Any]
    opening: bytes


class LedgerView:
    """The ledger of a home, to look at, check, prove and take away."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    @property
    def size(self) -> int:
        return self._ledger.size

    @property
    def origin(self) -> str:
        return self._ledger.origin

    def key_text(self) -> str:
        """The public key of the checkpoints, as verifiers are given it."""
        return self._ledger.key_text()

    def checkpoint(self) -> str:
        """The newest signed checkpoint: for somebody else to keep."""
        return self._ledger.checkpoint()

    def entries(self, first: int = 0, limit: int = 100) -> tuple[Entry, ...]:
        """Entries from `first` on, each proven to lie in the signed tree."""
        return self._ledger.entries(first, limit)

    def notices(self, party: str = "") -> tuple[Notice, ...]:
        """What each party is told of acts, oldest first."""
        return self._ledger.outbox(party)

    def verify(self) -> Report:
        """Check everything that is stored, from the first entry on."""
        try:
            found = self._ledger.verify()
        except IntegrityFailure as error:
            return Report(0, 0, "", (error.message,))
        return Report(found.size, found.facts, found.root)

    def proof(self, seq: int) -> dict[str, Any]:
        """That one entry lies under the newest checkpoint (RFC 9162 §2.1.3), as plain JSON."""
        inclusion = self._ledger.inclusion(seq)
        entry = self._ledger.entry(seq)
        return {
            "entry": entry.text.decode(),
            "index": inclusion.seq,
            "size": inclusion.size,
            "leaf": inclusion.leaf.hex(),
            "proof": [base64.b64encode(step).decode() for step in inclusion.proof],
            "checkpoint": inclusion.note,
            "key": self.key_text(),
        }

    def export(self) -> Iterator[bytes]:
        """A `*.ledger` file, line by line, for the off-line verifier."""
        return self._ledger.export()

    def facts(self, kinds: Sequence[str], *, reference: str = "") -> Iterator[Opened]:
        """The facts of these kinds, oldest first; of one reference only, where one is given.

        They are as the database has them: `disclosed` proves those that are handed out.
        """
        named = f'%"{reference}"%' if reference else "%"
        rows = [row for kind in kinds for row in select(FACTS, [kind, named])]
        for seq, text, wrapped in sorted(rows):
            opened = self._opened(seq, text, wrapped)
            if reference in ("", opened.body.get("reference")):
                yield opened

    def _opened(self, seq: int, text: str, wrapped: str) -> Opened:
        entry = read_entry(text, seq=seq)
        opening = self._opening(entry, wrapped)
        body = parse_json(opening[SALT_BYTES:])
        return Opened(seq, entry.kind, entry.at, entry.leaf.hex(), body, opening)

    def _opening(self, entry: Entry, wrapped: str) -> bytes:
        """The body with its salt, which makes the commitment checkable without our keys."""
        key = self._ledger._keyring.unwrap(wrapped, f"entry/{entry.commitment}")
        sealed = base64.b64decode(entry.sealed)
        try:
            opening = AESGCM(key).decrypt(NONCE, sealed, None)
        except InvalidTag:
            raise IntegrityFailure(f"The body of entry {entry.seq} does not open.") from None
        if sha256(opening).hexdigest() != entry.commitment:
            raise IntegrityFailure(f"The body of entry {entry.seq} is not what it commits to.")
        return opening

    def disclosed(self, facts: Iterable[Opened]) -> tuple[dict[str, Any], ...]:
        """Each fact as plain JSON: its proof under one and the same checkpoint, and its opening."""
        wanted = tuple(facts)
        for _ in range(TRIES):
            proofs = [self.proof(fact.seq) for fact in wanted]
            if len({proof["checkpoint"] for proof in proofs}) <= 1:
                break
        else:
            raise BadInput("The ledger grows too fast to be proven.", mend="Try again.")
        for fact, proof in zip(wanted, proofs, strict=True):
            if proof["leaf"] != fact.leaf:
                raise IntegrityFailure(f"Entry {fact.seq} is not the one that was read.")
        return tuple(
            {**proof, "opening": base64.b64encode(fact.opening).decode()}
            for fact, proof in zip(wanted, proofs, strict=True)
        )

    def document_key(self, use: str) -> ec.EllipticCurvePrivateKey:
        """The platform's own P-256 key for a use of documents: derived, so nothing is stored.

        64 derived bytes modulo the order (FIPS 186-5 §A.2.1), so that no key is likelier.
        """
        keyring = self._ledger._keyring
        material = b"".join(keyring.derive(f"documents/{use}/{half}") for half in (1, 2))
        scalar = int.from_bytes(material) % (P256_ORDER - 1) + 1
        return ec.derive_private_key(scalar, ec.SECP256R1())
