"""One fact of the ledger: its kinds, and what a signature over it is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .canonical import digest

HOME, PARTNER, MEMBER, KEY, DATASET_FACT = "home", "partner", "member", "key", "dataset"
CHARTER, DPIA, AGREEMENT, ACT = "charter", "dpia", "agreement", "act"
DEPOSIT, FULFILMENT, OBJECTION = "deposit", "fulfilment", "objection"
KINDS = (
    HOME,
    PARTNER,
    MEMBER,
    KEY,
    DATASET_FACT,
    CHARTER,
    DPIA,
    AGREEMENT,
    ACT,
    DEPOSIT,
    FULFILMENT,
    OBJECTION,
)


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact entry: what it says, when it was written, and the hash of its entry."""

    kind: str
    body: Mapping[str, Any]
    at: datetime
    leaf: str


def fact_digest(kind: str, body: Mapping[str, Any]) -> str:
    """What a partner's envelope over one of its own facts signs."""
    return digest({"kind": kind, **{k: v for k, v in body.items() if k != "envelope"}})


def text_digest(text: str) -> str:
    """What the root key signs when it admits a member's key."""
    return digest({"key": text})
