"""What was recorded: the ledger in the control database, and the tables that are its caches.

The door is `open_ledger`. Every fact a decision rests on is a ledger entry; a table that says more
than the entries do, or less, is an `IntegrityFailure`, and nothing is released.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .ledger import Ledger, close_ledgers, open_ledger
    from .values import Consistency, Entry, Inclusion, Notice, Verified

__all__ = [
    "Consistency",
    "Entry",
    "Inclusion",
    "Ledger",
    "Notice",
    "Verified",
    "close_ledgers",
    "open_ledger",
]


def __getattr__(name: str) -> Any:
    # Django imports this package before there are models, so the door opens on first use.
    if name not in __all__:
        raise AttributeError(name)
    from . import ledger, values

    return getattr(ledger if hasattr(ledger, name) else values, name)
