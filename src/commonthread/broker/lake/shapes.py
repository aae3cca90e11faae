"""What the gate knows of a granted table: its name, mode and columns; never a row of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

RESIDENT = "_resident"
PERSON = "person"
PSEUDONYMS = ("person", "pseudonym")


@dataclass(frozen=True, slots=True)
class TableShape:
    """`columns`: exposed name → (type, is it plain). The hidden `_resident` is not among them."""

    name: str
    mode: str
    columns: Mapping[str, tuple[str, bool]]
    minimum_count: int = 0
    round_to: int = 0
