"""The ledger's arithmetic: a Merkle tree, a chain over the facts, and signed checkpoints.

- Tree, inclusion and consistency proofs: RFC 9162 §2.1, SHA-256. A leaf is the 32-byte
  `leaf_hash` of an entry's verbatim bytes; every function but that one takes leaf hashes.
- A store keeps *complete* nodes only: `(level, place)` is the subtree over the leaves from
  `place << level` up to, not including, `(place + 1) << level`. `Frontier.append` returns them,
  two for an entry on average, and both kinds of proof are made of them alone.
- Facts are also chained, so that a start replays facts and not every read. A checkpoint signs the
  tree and the chain together.
- Checkpoint: C2SP tlog-checkpoint with one extension line, `facts COUNT BASE64-HEAD`, in a C2SP
  signed note under Ed25519. Reading is strict: what is not exactly what `sign_note` writes, apart
  from further signature lines by others, is an `IntegrityFailure`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from .canonical import canonical_bytes
from .errors import BadInput, IntegrityFailure

__all__ = [
    "EMPTY_ROOT",
    "EXPORT_FORMAT",
    "FACTS_START",
    "Checkpoint",
    "Frontier",
    "Node",
    "consistency_proof",
    "export_lines",
    "inclusion_proof",
    "key_text",
    "leaf_hash",
    "next_head",
    "node_hash",
    "open_note",
    "read_key",
    "root",
    "sign_note",
    "signed_text",
    "verify_consistency",
    "verify_inclusion",
]

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256().digest()
FACTS_START = bytes(HASH_BYTES)
FACTS_PREFIX = b"commonthread/facts/v1\n"
EXPORT_FORMAT = "commonthread-ledger/v1"

ED25519 = b"\x01"
KEY_ID_BYTES = 4
DASH = "\u2014 "
# C2SP asks for a limit that is at least 16; real notes carry a handful of witnesses.
MOST_SIGNATURES = 100
MOST_NOTE_CHARACTERS = 1_000_000
LARGEST_SIZE = 2**63 - 1

NodeAt = Callable[[int, int], bytes]


class Node(NamedTuple):
    """A complete subtree over 2^level leaves, number `place` of its level from the left."""

    level: int
    place: int
    hash: bytes


def leaf_hash(entry: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def next_head(head: bytes, leaf: bytes) -> bytes:
    """The head of the fact chain after one more fact; it starts at `FACTS_START`."""
    return hashlib.sha256(FACTS_PREFIX + _hash(head) + _hash(leaf)).digest()


def root(leaves: Iterable[bytes]) -> bytes:
    """The root over leaf hashes; over none, SHA-256 of nothing."""
    frontier = Frontier()
    for leaf in leaves:
        frontier.append(leaf)
    return frontier.root()


class Frontier:
    """The right edge of a growing tree: its complete subtrees that have no parent yet.

    One lies at each 1 bit of `size`. `copy()` before a batch that may be rolled back.
    """

    __slots__ = ("_peaks", "size")

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[bytes] = []  # left to right, so the widest first

    @classmethod
    def load(cls, size: int, node: NodeAt) -> Frontier:
        """The frontier of a stored tree, from at most 63 stored nodes."""
        frontier = cls()
        frontier.size = _size(size)
        frontier._peaks = [_hash(node(level, place)) for level, place in _peaks(0, size)]
        return frontier

    def copy(self) -> Frontier:
        twin = Frontier()
        twin.size, twin._peaks = self.size, list(self._peaks)
        return twin

    def append(self, leaf: bytes) -> tuple[Node, ...]:
        """Add a leaf hash; returns the nodes that it completes, the leaf itself first."""
        made = [Node(0, self.size, _hash(leaf))]
        while self.size >> made[-1].level & 1:
            level, place, right = made[-1]
            made.append(Node(level + 1, place >> 1, node_hash(self._peaks.pop(), right)))
        self._peaks.append(made[-1].hash)
        self.size += 1
        return tuple(made)

    def root(self) -> bytes:
        return _joined(self._peaks)


def inclusion_proof(index: int, size: int, node: NodeAt) -> tuple[bytes, ...]:
    """PATH of RFC 9162 §2.1.3.1: what leads from leaf `index` to the root at `size`."""
    if not 0 <= index < _size(size):
        raise _broken("The ledger has no entry of that number.")
    start, end, path = 0, size, []
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(_subtree(middle, end, node))
            end = middle
        else:
            path.append(_subtree(start, middle, node))
            start = middle
    return tuple(reversed(path))


def verify_inclusion(
    leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> None:
    """RFC 9162 §2.1.3.2; raises `IntegrityFailure` when the proof does not hold."""
    if not 0 <= index < _size(size):
        raise _broken("The proof names an entry outside the tree.")
    here, last, found = index, size - 1, _hash(leaf)
    for sibling in proof:
        if last == 0:
            raise _broken("The proof is longer than the tree is high.")
        if here & 1 or here == last:
            found = node_hash(_hash(sibling), found)
            here, last = _past_even(here, last)
        else:
            found = node_hash(found, _hash(sibling))
        here, last = here >> 1, last >> 1
    if last != 0 or found != root:
        raise _broken("The proof does not lead from this entry to this root.")


def consistency_proof(old: int, new: int, node: NodeAt) -> tuple[bytes, ...]:
    """PROOF of RFC 9162 §2.1.4.1: that the tree at `new` only adds to the tree at `old`."""
    if not 0 <= _size(old) <= _size(new):
        raise _broken("A ledger does not shrink: the older size is the larger one.")
    if old in (0, new):
        return ()
    start, end, path = 0, new, []
    while end != old:
        middle = start + _split(end - start)
        if old <= middle:
            path.append(_subtree(middle, end, node))
            end = middle
        else:
            path.append(_subtree(start, middle, node))
            start = middle
    # Where the older tree is one whole subtree, the verifier knows its hash: the older root.
    if start:
        path.append(_subtree(start, end, node))
    return tuple(reversed(path))


def verify_consistency(
    old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """RFC 9162 §2.1.4.2; raises `IntegrityFailure` when the newer tree is not an extension."""
    if not 0 <= _size(old) <= _size(new):
        raise _broken("A ledger does not shrink: the older size is the larger one.")
    if old in (0, new):
        expected = EMPTY_ROOT if old == 0 else new_root
        if proof or old_root != expected or (new == 0 and new_root != EMPTY_ROOT):
            raise _broken("The two trees do not agree.")
        return
    path = [_hash(step) for step in proof]
    if old & (old - 1) == 0:
        path.insert(0, _hash(old_root))
    if not path:
        raise _broken("The proof is empty.")
    here, last = _past_odd(old - 1, new - 1)
    older = newer = path[0]
    for step in path[1:]:
        if last == 0:
            raise _broken("The proof is longer than the tree is high.")
        if here & 1 or here == last:
            older, newer = node_hash(step, older), node_hash(step, newer)
            here, last = _past_even(here, last)
        else:
            newer = node_hash(newer, step)
        here, last = here >> 1, last >> 1
    if last != 0 or older != old_root or newer != new_root:
        raise _broken("The newer tree does not contain the older one unchanged.")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The head of a ledger: `size` entries under `root`, `facts` of them chained to `facts_head`.

    Raises `IntegrityFailure` for a head that no ledger can have.
    """

    origin: str
    size: int
    root: bytes
    facts: int
    facts_head: bytes

    def __post_init__(self) -> None:
        if not self.origin.isprintable() or not self.origin:
            raise _broken("A checkpoint needs an origin of printable characters.")
        if not 0 <= self.facts <= _size(self.size):
            raise _broken("A checkpoint counts more facts than entries.")
        if (self.size == 0) != (_hash(self.root) == EMPTY_ROOT):
            raise _broken("A checkpoint's root does not fit its size.")
        if (self.facts == 0) != (_hash(self.facts_head) == FACTS_START):
            raise _broken("A checkpoint's head of the facts does not fit their number.")

    def body(self) -> str:
        """The text that is signed, its last newline included."""
        head = _base64(self.facts_head)
        return f"{self.origin}\n{self.size}\n{_base64(self.root)}\nfacts {self.facts} {head}\n"


def sign_note(checkpoint: Checkpoint, name: str, private_key: Ed25519PrivateKey) -> str:
    """The checkpoint as a C2SP signed note with one signature line."""
    body = checkpoint.body()
    mark = _key_id(name, private_key.public_key()) + private_key.sign(body.encode())
    return f"{body}\n{DASH}{name} {_base64(mark)}\n"


def open_note(text: str, name: str, public_key: Ed25519PublicKey) -> Checkpoint:
    """The checkpoint of a note that this key signed; raises `IntegrityFailure` otherwise."""
    body = signed_text(text, name, public_key)
    lines = body.split("\n")
    if len(lines) != 5 or lines[4] != "":
        raise _broken("A checkpoint has four lines: origin, size, root and facts.")
    facts = lines[3].split(" ")
    if len(facts) != 3 or facts[0] != "facts":
        raise _broken("A checkpoint's fourth line is `facts`, their number and their head.")
    checkpoint = Checkpoint(
        origin=lines[0],
        size=_decimal(lines[1]),
        root=_unbase64(lines[2]),
        facts=_decimal(facts[1]),
        facts_head=_unbase64(facts[2]),
    )
    # One head, one text: whatever spelling got past the readers above stops here.
    if checkpoint.body() != body:
        raise _broken("A checkpoint is not spelt in its one canonical way.")
    return checkpoint


def signed_text(text: str, name: str, public_key: Ed25519PublicKey) -> str:
    """The text of a C2SP signed note, once this key's signature on it holds.

    Lines by other keys are ignored, as the specification demands; one by this key that fails
    refuses the whole note, whatever else is on it.
    """
    _check_name(name)
    body, lines = _note_parts(text)
    wanted, held = _key_id(name, public_key), False
    for signer, mark in map(_signature_line, lines):
        if signer != name or mark[:KEY_ID_BYTES] != wanted:
            continue
        try:
            public_key.verify(mark[KEY_ID_BYTES:], body.encode())
        except InvalidSignature:
            raise _broken("The signature on a checkpoint does not hold.") from None
        held = True
    if not held:
        raise _broken("A checkpoint is not signed by the key of this ledger.")
    return body


def key_text(name: str, public_key: Ed25519PublicKey) -> str:
    """A public key as C2SP writes it for verifiers: `name+id+base64`."""
    _check_name(name)
    material = ED25519 + public_key.public_bytes_raw()
    return f"{name}+{_key_id(name, public_key).hex()}+{_base64(material)}"


def read_key(text: str) -> tuple[str, Ed25519PublicKey]:
    """The inverse of `key_text`; raises `BadInput`."""
    name, _, rest = text.partition("+")
    try:
        _check_name(name)
        material = _unbase64(rest.partition("+")[2], size=1 + HASH_BYTES)
        key = Ed25519PublicKey.from_public_bytes(material[1:])
        if key_text(name, key) == text:
            return name, key
    except (IntegrityFailure, ValueError):
        pass
    raise BadInput(
        "This is not the public key of a ledger.", mend="It reads `name+8 hex digits+base64`."
    )


def export_lines(note: str, key: str, entries: Iterable[bytes]) -> Iterator[bytes]:
    """A `*.ledger` file, line by line: the newest checkpoint, then each entry's verbatim bytes."""
    yield canonical_bytes({"checkpoint": note, "format": EXPORT_FORMAT, "key": key}) + b"\n"
    for entry in entries:
        if b"\n" in entry:
            raise _broken("A ledger entry holds a line break.")
        yield entry + b"\n"


def _split(width: int) -> int:
    """The largest power of two smaller than `width`."""
    return 1 << ((width - 1).bit_length() - 1)


def _peaks(start: int, end: int) -> Iterator[tuple[int, int]]:
    """The complete nodes that make up the RFC's subtree over leaves `start` up to `end`."""
    while start < end:
        level = (end - start).bit_length() - 1
        yield level, start >> level
        start += 1 << level


def _subtree(start: int, end: int, node: NodeAt) -> bytes:
    return _joined([_hash(node(level, place)) for level, place in _peaks(start, end)])


def _joined(peaks: Sequence[bytes]) -> bytes:
    if not peaks:
        return EMPTY_ROOT
    joined = peaks[-1]
    for peak in reversed(peaks[:-1]):
        joined = node_hash(peak, joined)
    return joined


def _past_even(here: int, last: int) -> tuple[int, int]:
    """Up the right edge, past the levels on which the node has no sibling."""
    while here and not here & 1:
        here, last = here >> 1, last >> 1
    return here, last


def _past_odd(here: int, last: int) -> tuple[int, int]:
    while here & 1:
        here, last = here >> 1, last >> 1
    return here, last


def _key_id(name: str, public_key: Ed25519PublicKey) -> bytes:
    _check_name(name)
    material = name.encode() + b"\n" + ED25519 + public_key.public_bytes_raw()
    return hashlib.sha256(material).digest()[:KEY_ID_BYTES]


def _check_name(name: str) -> None:
    if not name or "+" in name or not name.isprintable() or any(map(str.isspace, name)):
        raise _broken("The name of a signing key has neither spaces nor a plus sign.")


def _note_parts(text: str) -> tuple[str, list[str]]:
    if len(text) > MOST_NOTE_CHARACTERS:
        raise _broken("A checkpoint is too long to be one.")
    if any((mark < " " and mark != "\n") or "\ud800" <= mark <= "\udfff" for mark in text):
        raise _broken("A checkpoint holds a character that no signed note has.")
    body, blank, signatures = text.rpartition("\n\n")
    if not blank or not body or not signatures.endswith("\n"):
        raise _broken("A checkpoint has no signature.")
    lines = signatures[:-1].split("\n")
    if len(lines) > MOST_SIGNATURES:
        raise _broken("A checkpoint has more signatures than anybody needs.")
    return body + "\n", lines


def _signature_line(line: str) -> tuple[str, bytes]:
    name, space, mark = line.removeprefix(DASH).partition(" ")
    if not line.startswith(DASH) or not space:
        raise _broken("A checkpoint has a signature line that is none.")
    _check_name(name)
    signature = _unbase64(mark, size=None)
    if len(signature) <= KEY_ID_BYTES:
        raise _broken("A checkpoint has a signature line that is none.")
    return name, signature


def _decimal(text: str) -> int:
    short = len(text) <= len(str(LARGEST_SIZE))
    if not (short and text.isascii() and text.isdigit()) or (text[0] == "0" and text != "0"):
        raise _broken("A checkpoint has a number that is not plain decimal.")
    return int(text)


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _unbase64(text: str, size: int | None = HASH_BYTES) -> bytes:
    try:
        value = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise _broken("A checkpoint holds base64 that is none.") from None
    if _base64(value) != text or size not in (None, len(value)):
        raise _broken("A checkpoint holds base64 of the wrong form.")
    return value


def _hash(value: bytes) -> bytes:
    """A hash has 32 bytes: handing in an entry where its hash belongs would go unnoticed."""
    if len(value) != HASH_BYTES:
        raise _broken("A hash of the ledger does not have 32 bytes.")
    return value


def _size(size: int) -> int:
    if not 0 <= size <= LARGEST_SIZE:
        raise _broken("A ledger has no such size.")
    return size


def _broken(message: str) -> IntegrityFailure:
    return IntegrityFailure(message)
