"""What the ledger hands out: frozen values, none of them a row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as everybody may see it. `text` is its verbatim bytes, `leaf` their leaf hash.

    `at` is text as in the entry. `fact` is the ordinal among the facts, 0 for what is no fact.
    """

    seq: int
    at: str
    kind: str
    fact: int
    public: Mapping[str, Any]
    tokens: tuple[str, ...]
    commitment: str
    sealed: str
    text: bytes
    leaf: bytes


@dataclass(frozen=True, slots=True)
class Inclusion:
    """That one entry lies in the tree that `note` signs (RFC 9162 §2.1.3)."""

    seq: int
    size: int
    leaf: bytes
    proof: tuple[bytes, ...]
    note: str


@dataclass(frozen=True, slots=True)
class Consistency:
    """That the tree `note` signs only adds to the tree of `old` entries (RFC 9162 §2.1.4)."""

    old: int
    size: int
    proof: tuple[bytes, ...]
    note: str


@dataclass(frozen=True, slots=True)
class Notice:
    """What a party is told of an act; `seq` is the entry that holds it and its reason."""

    seq: int
    party: str
    kind: str
    reference: str
    at: str
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Verified:
    """A full check of the stored ledger that found nothing wrong. `root` is hex."""

    size: int
    facts: int
    root: str
    erased: int
