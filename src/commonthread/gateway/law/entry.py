"""What a line of a maintained list says. The lists are reading aids for officers, not advice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from commonthread.broker.rules.errors import Problem
from commonthread.broker.rules.fields import IDENTIFIER, check

from .bodies import CLASSES

CHECKED = date(2026, 11, 25)
FROM_MEMORY = "Not read at its source when the list was made: read it before you rely on it."


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of a list, under an id that agreements may keep for ever.

    - `bodies`: the classes of bodies that it can bind or empower; none named means any body
    - `fits`: when it fits, in one plain sentence; `needs`: what has to stand beside it
    - `checked`: the day on which `source` was read; None when it was not, and then `doubt` says so
    - `doubt`: what somebody has still to verify; an entry with a doubt says `verify`
    """

    id: str
    title: str
    citation: str
    fits: str
    source: str
    bodies: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    checked: date | None = CHECKED
    doubt: str = ""

    def __post_init__(self) -> None:
        check(self._problems(), "An entry of the law's lists")

    def _problems(self) -> Iterator[Problem]:
        if not IDENTIFIER.fullmatch(self.id):
            yield Problem(".id", "an id is lower-case words with hyphens")
        for name in ("title", "citation", "fits", "source"):
            if not getattr(self, name).strip():
                yield Problem(f".{name}", "an entry says this")
        if unknown := sorted(set(self.bodies) - set(CLASSES)):
            yield Problem(".bodies", f"no class of bodies is called {', '.join(unknown)}")
        if self.checked is None and not self.doubt:
            yield Problem(".doubt", "an entry that nobody checked says so")

    @property
    def verify(self) -> bool:
        """Whether something about it has still to be verified; `doubt` says what."""
        return bool(self.doubt)


Line = TypeVar("Line", bound=Entry)


def listed(entries: Iterable[Line]) -> dict[str, Line]:
    """The entries by id, in their order; raises `BadInput` when two share one."""
    found: dict[str, Line] = {}
    problems = []
    for entry in entries:
        if entry.id in found:
            problems.append(Problem(f".{entry.id}", "two entries have this id"))
        found[entry.id] = entry
    check(problems, "A list of the law")
    return found
