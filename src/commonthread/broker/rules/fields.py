"""Reading a table of authored fields: every fault is found in one pass, each with its path.

An unknown field is a fault (rule 1: silence is refusal): a clause that nobody reads would
otherwise look as if it bound somebody.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any

from .canonical import LARGEST, plain
from .errors import BadInput, Problem

GRANT = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
IDENTIFIER = re.compile(r"[a-z][a-z0-9]*(?:[-.][a-z0-9]+)*")
REFERENCE = re.compile(r"[A-Z][A-Z0-9]*(?:-[A-Z0-9]+)*")
COLUMN = re.compile(r"[a-z][a-z0-9_]*")
DATASET = re.compile(r"[a-z][a-z0-9-]*/[a-z][a-z0-9-]*(?:-[A-Z0-9-]+)?")
GROUP = re.compile(r"[a-z][a-z0-9-]*/[a-z][a-z0-9-]*")
PERIOD = re.compile(r"P(?=\d)(?:\d+Y)?(?:\d+M)?(?:\d+W)?(?:\d+D)?")
DIGEST = re.compile(r"[0-9a-f]{64}")
LONGEST, LONGEST_NAME = 20_000, 200


class Fields:
    """One authored table: take each field once by name; `finish` names what nobody took."""

    def __init__(self, table: Any, where: str, problems: list[Problem] | None = None) -> None:
        self.where = where
        self.problems: list[Problem] = [] if problems is None else problems
        self._table: Mapping[str, Any] = table if isinstance(table, Mapping) else {}
        self._taken: set[str] = set()
        if not isinstance(table, Mapping):
            self.wrong("", "a table of fields is needed here")

    def wrong(self, name: str, message: str, mend: str = "") -> None:
        self.problems.append(Problem(f"{self.where}.{name}" if name else self.where, message, mend))

    def _take(self, name: str, kind: type | tuple[type, ...], wanted: str, default: Any) -> Any:
        self._taken.add(name)
        value = self._table.get(name, default)
        if value is _MISSING:
            self.wrong(name, "this field is missing", f"give {wanted}")
            return None
        if value is default:
            return value
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is int):
            self.wrong(name, f"{wanted} is needed here")
            return None if default is _MISSING else default
        return value

    def text(self, name: str, default: Any = ..., like: re.Pattern[str] | None = None) -> Any:
        value = self._take(name, str, "text", _MISSING if default is ... else default)
        if isinstance(value, str) and value != default:
            if not value.strip() or len(value) > LONGEST:
                self.wrong(name, f"text of 1 to {LONGEST} characters is needed here")
            elif like is not None and len(value) > LONGEST_NAME:
                self.wrong(name, f"at most {LONGEST_NAME} characters are needed here")
            elif like is not None and not like.fullmatch(value):
                self.wrong(name, "this is not of the form asked for", f"form: {like.pattern}")
            else:
                self._plain(name, value)
        return value

    def _plain(self, name: str, value: Any) -> None:
        try:
            plain(value, f"{self.where}.{name}")
        except BadInput as error:
            self.problems.extend(error.problems)

    def choice(self, name: str, allowed: Iterable[str], default: Any = ...) -> Any:
        allowed = tuple(allowed)
        value = self._take(name, str, "text", _MISSING if default is ... else default)
        if isinstance(value, str) and value not in allowed and value != default:
            self.wrong(name, "this value is not known", "one of: " + ", ".join(allowed))
        return value

    def whole(self, name: str, default: Any = ..., least: int = -LARGEST) -> Any:
        value = self._take(name, int, "a whole number", _MISSING if default is ... else default)
        if isinstance(value, int) and not least <= value <= LARGEST:
            self.wrong(name, f"a number of {least} or more is needed here")
        return value

    def flag(self, name: str, default: bool) -> bool:
        return bool(self._take(name, bool, "true or false", default))

    def day(self, name: str, default: Any = ...) -> Any:
        value = self._take(
            name, (date, str), "a date such as 2026-01-31", _MISSING if default is ... else default
        )
        if value is default or value is None:
            return value
        return self.as_day(name, value)

    def as_day(self, name: str, value: Any) -> date | None:
        try:
            day = date.fromisoformat(value) if isinstance(value, str) else value
        except ValueError:
            day = None
        if type(day) is not date or not 1900 <= day.year <= 9000:
            self.wrong(name, "a date such as 2026-01-31 is needed here")
            return None
        return day

    def texts(self, name: str, default: Any = ..., like: re.Pattern[str] | None = None) -> Any:
        """A set of texts, in their canonical order."""
        values = self._take(name, list, "a list", _MISSING if default is ... else default)
        if not isinstance(values, list):
            return tuple(values or ())
        for index, value in enumerate(values):
            if not isinstance(value, str) or not value.strip():
                self.wrong(f"{name}[{index}]", "text is needed here")
            elif like is not None and len(value) > LONGEST_NAME:
                self.wrong(name, f"at most {LONGEST_NAME} characters are needed here")
            elif like is not None and not like.fullmatch(value):
                self.wrong(f"{name}[{index}]", "this is not of the form asked for", like.pattern)
            else:
                self._plain(f"{name}[{index}]", value)
        good = [value for value in values if isinstance(value, str)]
        if len(set(good)) != len(good):
            self.wrong(name, "the same entry stands twice", "keep one of them")
        return tuple(sorted(set(good), key=lambda text: text.encode()))

    def raw(self, name: str, default: Any = None) -> Any:
        self._taken.add(name)
        return self._table.get(name, default)

    def has(self, name: str) -> bool:
        return name in self._table

    def tables(self, name: str, parse: Callable[[Fields], Any], least: int = 0) -> tuple[Any, ...]:
        """Each table of the list `name`, parsed; those that could not be made are left out."""
        values = self._take(name, list, "a list of tables", [] if least == 0 else _MISSING)
        if not isinstance(values, list):
            return ()
        if len(values) < least:
            self.wrong(name, f"at least {least} is needed here")
        made = [
            parse(Fields(value, f"{self.where}.{name}[{index}]", self.problems))
            for index, value in enumerate(values)
        ]
        return tuple(item for item in made if item is not None)

    def make(self, factory: Callable[..., Any], /, **values: Any) -> Any:
        """Make the value if its fields are sound so far; its own faults join the list."""
        for name in sorted(set(self._table) - self._taken):
            shown = name if isinstance(name, str) and len(name) < 60 else "(a long name)"
            self.wrong(shown, "no such field is known", "remove it, or correct its name")
        if any(problem.where.startswith(self.where) for problem in self.problems):
            return None
        try:
            return factory(**values)
        except BadInput as error:
            self.problems.extend(
                Problem(f"{self.where}{problem.where}", problem.message, problem.mend)
                for problem in error.problems
            )
            return None


class _Missing:
    pass


_MISSING = _Missing()


def read(table: Any, where: str, parse: Callable[[Fields], Any], what: str) -> Any:
    """Parse one table whole, or raise `BadInput` with everything that is wrong with it."""
    fields = Fields(table, where)
    value = parse(fields)
    if fields.problems or value is None:
        raise BadInput(f"{what} cannot be taken.", fields.problems)
    return value


def check(problems: Iterable[Problem], what: str) -> None:
    """Raise `BadInput` if there are problems: a frozen value calls this when it is made."""
    found = tuple(problems)
    if found:
        raise BadInput(f"{what} cannot be taken.", found)
