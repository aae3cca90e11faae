"""What the gate knows of a granted table: its name, mode and columns; never a row of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a worker reads this page and nothing of the rules
    from commonthread.broker.rules.views import GrantView

RESIDENT = "_resident"
PERSON = "person"
PSEUDONYMS = ("person", "pseudonym")
NUMBERS = ("integer", "decimal")
# Of plain columns these have few values as a rule; what a treatment leaves has few by design.
FEW = ("text", "boolean")


@dataclass(frozen=True, slots=True)
class Summed:
    """The columns of a statistics table by which, and of which, a worker adds up beforehand."""

    few: tuple[str, ...]
    numbers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TableShape:
    """`columns`: exposed name → (type, is it plain). The hidden `_resident` is not among them."""

    name: str
    mode: str
    columns: Mapping[str, tuple[str, bool]]
    minimum_count: int = 0
    round_to: int = 0

    @property
    def summed(self) -> Summed | None:
        """What is added up beforehand; None for a table that is not statistics."""
        if self.mode != "statistics":
            return None
        numbers = tuple(n for n, (kind, plain) in self.columns.items() if plain and kind in NUMBERS)
        few = tuple(
            name
            for name, (kind, plain) in self.columns.items()
            if (kind in FEW if plain else kind not in PSEUDONYMS)
        )
        return Summed(few, numbers)


def shape_of(view: GrantView) -> TableShape:
    """The table that a grant is, as the gate and a worker need to know it."""
    grant = view.grant
    return TableShape(grant.table, grant.mode, view.columns, grant.minimum_count, grant.round_to)


def cells_of(name: str) -> str:
    """The table of what is added up beforehand; a grant's name has no slash."""
    return f"{name}/cells"


def most_of(name: str) -> str:
    """The table of the most that one resident has."""
    return f"{name}/most"
