"""One small tree of errors: what a person can mend, said plainly, apart from bugs.

No message holds a value out of anybody's data: names of clauses, columns and partners only.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with what was handed in: where, what, and how to mend it."""

    where: str
    message: str
    mend: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.message}" + (f" ({self.mend})" if self.mend else "")


@dataclass(frozen=True, slots=True, order=True)
class Reason:
    """One ground of a decision: a stable code, the clause, and what would change it."""

    code: str
    clause: str
    message: str
    mend: str = ""

    def __str__(self) -> str:
        return f"{self.message} [{self.clause}]" + (f" {self.mend}" if self.mend else "")


class CommonthreadError(Exception):
    """The root of everything this package raises on purpose."""


class UserFacing(CommonthreadError):
    """Said plainly to a person, without a traceback; each kind has its exit code and status."""

    exit_code = 2
    http_status = 400

    def __init__(self, message: str, *, mend: str = "") -> None:
        super().__init__(message if not mend else f"{message} {mend}")
        self.message = message
        self.mend = mend


class BadInput(UserFacing):
    """Something handed in cannot be taken; every problem is named, and nothing was written."""

    def __init__(self, message: str, problems: Iterable[Problem] = (), *, mend: str = "") -> None:
        super().__init__(message, mend=mend)
        self.problems = tuple(problems)

    def __str__(self) -> str:
        return "\n".join([super().__str__(), *(f"  {problem}" for problem in self.problems)])


class Refused(UserFacing):
    """The agreements do not allow it; every reason is named with its clause."""

    exit_code = 3
    http_status = 403

    def __init__(self, reasons: Iterable[Reason], message: str = "Refused.") -> None:
        super().__init__(message)
        self.reasons = tuple(reasons)

    def __str__(self) -> str:
        return "\n".join([self.message, *(f"  {reason}" for reason in self.reasons)])


class IntegrityFailure(UserFacing):
    """What is stored does not agree with what was signed; nothing is released until it does."""

    exit_code = 4
    http_status = 503
