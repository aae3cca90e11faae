"""A suggested risk, how high it is, and the matrix that it is drawn in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from commonthread.broker.rules.errors import Problem
from commonthread.broker.rules.fields import check
from commonthread.broker.rules.terms import (
    IMPACTS,
    LEVELS,
    LIKELIHOODS,
    Risk,
)

LOW, MEDIUM, HIGH = LEVELS
# Likelihood plus impact, both counted from 0: the usual diagonals of a five by four matrix.
MEDIUM_FROM, HIGH_FROM = 3, 5


def level(likelihood: str, impact: str) -> str:
    """Low, medium or high, of a likelihood and an impact."""
    score = LIKELIHOODS.index(likelihood) + IMPACTS.index(impact)
    return HIGH if score >= HIGH_FROM else MEDIUM if score >= MEDIUM_FROM else LOW


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A risk that the terms suggest: what, why, how likely and bad, and what would help.

    - `clauses`: the paths of the clauses that made it; `explanation` says how
    - `residual`: what is left once the mitigation is done, as one of `LEVELS`
    """

    id: str
    text: str
    explanation: str
    clauses: tuple[str, ...]
    likelihood: str
    impact: str
    mitigation: str
    residual: str

    def __post_init__(self) -> None:
        check(self._problems(), "A suggested risk")

    def _problems(self) -> Iterator[Problem]:
        if self.likelihood not in LIKELIHOODS or self.impact not in IMPACTS:
            yield Problem(".likelihood", "likelihood and impact are of the lists in the terms")
        if self.residual not in LEVELS:
            yield Problem(".residual", "the residual risk is low, medium or high")
        if not self.clauses:
            yield Problem(".clauses", "a suggestion names the clause that made it")

    @property
    def level(self) -> str:
        return level(self.likelihood, self.impact)

    def as_risk(self, owner: str) -> Risk:
        """The suggestion as a risk of the terms, with the party that owns it."""
        return Risk(
            id=self.id,
            text=self.text,
            owner=owner,
            likelihood=self.likelihood,
            impact=self.impact,
            mitigation=self.mitigation,
            residual=self.residual,
        )


@dataclass(frozen=True, slots=True)
class Counted:
    """What an owner counted of its own rows: how many are unique on what a grant shows."""

    unique: int
    rows: int

    def __post_init__(self) -> None:
        if not 0 <= self.unique <= self.rows:
            check([Problem(".unique", "as many rows as there are can be unique")], "A count")

    @property
    def share(self) -> float:
        return self.unique / self.rows if self.rows else 0.0


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of the matrix; `risks` are the ids of those that lie in it."""

    likelihood: str
    impact: str
    level: str
    risks: tuple[str, ...]


def matrix(risks: Iterable[Risk | Suggestion]) -> tuple[tuple[Cell, ...], ...]:
    """The matrix for drawing: the severest impact is the first row, the rarest the first cell."""
    found: dict[tuple[str, str], list[str]] = {}
    for risk in risks:
        found.setdefault((risk.likelihood, risk.impact), []).append(risk.id)
    return tuple(
        tuple(
            Cell(likelihood, impact, level(likelihood, impact), _ids(found, likelihood, impact))
            for likelihood in LIKELIHOODS
        )
        for impact in reversed(IMPACTS)
    )


def _ids(
    found: Mapping[tuple[str, str], list[str]], likelihood: str, impact: str
) -> tuple[str, ...]:
    return tuple(sorted(found.get((likelihood, impact), ())))
