"""The fields of a register: what the law asks, where the terms say it, and how it is read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from .held import Held

Subject = TypeVar("Subject")
Value = str | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Field(Generic[Subject]):
    """One field. `where` is the place in the terms, or in the partner's facts, that says it."""

    name: str
    asks: str
    where: str
    read: Callable[[Held, Subject], Value]


@dataclass(frozen=True, slots=True)
class Missing:
    """A field that nothing says yet, and where to say it."""

    field: str
    where: str

    def to_plain(self) -> dict[str, str]:
        return {"field": self.field, "where": self.where}


def filled(
    fields: Sequence[Field[Subject]], held: Held, subject: Subject
) -> tuple[dict[str, Any], tuple[Missing, ...]]:
    """(name → value, fields without one); a blank is never a value."""
    values = {each.name: each.read(held, subject) for each in fields}
    missing = tuple(Missing(each.name, each.where) for each in fields if not any(values[each.name]))
    said = {name: _plain(value) for name, value in values.items() if any(value)}
    return said, missing


def _plain(value: Value) -> Any:
    return value if isinstance(value, str) else list(value)


def table(fields: Iterable[Field[Any]]) -> list[str]:
    """The fields as the rows of a Markdown table, as `docs/registers.md` shows them."""
    return [f"| `{each.name}` | {each.asks} | {each.where} |" for each in fields]
