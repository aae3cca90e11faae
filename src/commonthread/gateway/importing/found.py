"""What is found in a file: paragraphs, what was left out, or why it cannot be read.

Both sides of the fence know these, so nothing here may import beyond the standard library.
"""

from __future__ import annotations

from dataclasses import dataclass

# What the child reads at most; what is kept is bounded again, without empty lines.
MOST_PARAGRAPHS, MOST_CHARACTERS = 20_000, 1_000_000


@dataclass(frozen=True, slots=True)
class Paragraph:
    """One paragraph: the number that a program gave it, and its level if it is a heading."""

    text: str
    number: str = ""
    level: int = 0

    @property
    def line(self) -> str:
        """As it reads, its number before it."""
        return f"{self.number} {self.text}" if self.number else self.text


class Unreadable(Exception):
    """A file that cannot be read, by the code of its problem."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Parsed:
    """What was found; `notes` are codes of what the file holds besides, which was left out."""

    kind: str
    paragraphs: tuple[Paragraph, ...]
    notes: tuple[str, ...] = ()
