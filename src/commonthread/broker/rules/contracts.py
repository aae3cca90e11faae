"""What a dataset is: its owner, its columns, which of them say who, and how it is delivered.

A grant carries the digest of the contract of the columns it uses: a column that changes its
meaning closes the grant until the parties sign again (rule 5).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from .canonical import digest, sorted_set
from .errors import Problem
from .fields import COLUMN, DATASET, IDENTIFIER, Fields, check, read

TYPES = ("text", "integer", "decimal", "boolean", "date", "timestamp")
CLASSIFICATIONS = ("open", "personal", "special-category", "criminal")
DELIVERIES = ("snapshot", "append", "changes")
OPERATION, ADD, CORRECT, REMOVE = "operation", "add", "correct", "remove"
ROLES = (
    "given_name",
    "family_name",
    "full_name",
    "date_of_birth",
    "sex",
    "postcode",
    "area",
    "address",
    "nhs_number",
    "own_id",
)
RESERVED = ("person", OPERATION, "quarantine_reason", "quarantine_line")
EARLIEST_BIRTH_YEAR = 1880
DATASET_ID = re.compile(r"[a-z][a-z0-9-]*")


@dataclass(frozen=True, slots=True)
class Column:
    """One declared column. `format` is a strptime form for dates and timestamps."""

    name: str
    type: str
    optional: bool = False
    values: tuple[str, ...] = ()
    minimum: int | date | None = None
    maximum: int | date | None = None
    format: str = ""

    def __post_init__(self) -> None:
        check(self._problems(), "A column")

    def _problems(self) -> Iterator[Problem]:
        if self.values and self.type != "text":
            yield Problem(".values", "a list of values is for text columns")
        if self.format and self.type not in ("date", "timestamp"):
            yield Problem(".format", "a format is for dates and timestamps")
        for name, bound in (("minimum", self.minimum), ("maximum", self.maximum)):
            if bound is not None and not _bounds(self.type, bound):
                yield Problem(f".{name}", f"this bound does not fit a column of type {self.type}")

    def to_plain(self) -> dict[str, Any]:
        bounds = {"minimum": self.minimum, "maximum": self.maximum}
        return {
            "name": self.name,
            "type": self.type,
            "optional": self.optional,
            "values": sorted_set(self.values),
            "format": self.format,
            **{name: value for name, value in bounds.items() if value is not None},
        }


def _bounds(kind: str, bound: int | date) -> bool:
    if kind in ("integer", "decimal"):
        return isinstance(bound, int)
    return kind in ("date", "timestamp") and isinstance(bound, date)


OPERATIONS = Column(OPERATION, "text", values=(ADD, CORRECT, REMOVE))


@dataclass(frozen=True, slots=True)
class Contract:
    """A dataset `owner/id`: classification, delivery, key, columns and identity roles.

    `delivery`: each file is the whole dataset (`snapshot`), more rows of it (`append`), or what is
    otherwise in it from now on (`changes`).
    """

    owner: str
    id: str
    title: str
    classification: str
    delivery: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    identity: tuple[tuple[str, str], ...] = ()
    derived_from: tuple[str, ...] = ()
    earliest_birth_year: int = EARLIEST_BIRTH_YEAR
    digest: str = field(init=False, compare=False)
    _by_name: dict[str, Column] = field(init=False, repr=False, compare=False)
    # Every decision asks for the same few digests again.
    _digests: dict[frozenset[str], str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_name", {column.name: column for column in self.columns})
        object.__setattr__(self, "_digests", {})
        check(self._problems(), "A dataset")
        object.__setattr__(self, "digest", digest(self.to_plain()))

    def _problems(self) -> Iterator[Problem]:
        for place, declared in enumerate(self.columns):
            if declared.name in RESERVED or declared.name.startswith("_"):
                where = f".column[{place}].name"
                yield Problem(where, "this name is kept for the platform", "choose another")
        if len(self._by_name) != len(self.columns):
            yield Problem(".column", "two columns have the same name", "rename one of them")
        if not self.key or set(self.key) - set(self._by_name):
            yield Problem(".key", "the key must name columns of this dataset")
        for name in self.key:
            if name in self._by_name and self._by_name[name].optional:
                yield Problem(".key", f"column {name} of the key cannot be optional")
        for role, column in self.identity:
            if column not in self._by_name:
                yield Problem(f".identity.{role}", "this names no column of the dataset")
        if self.name in self.derived_from:
            yield Problem(".derived_from", "a dataset cannot be derived from itself")

    @property
    def name(self) -> str:
        return f"{self.owner}/{self.id}"

    @property
    def delivered(self) -> tuple[Column, ...]:
        """The columns of a file of it: a file of changes says first what each row does."""
        return (OPERATIONS, *self.columns) if self.delivery == "changes" else self.columns

    def column(self, name: str) -> Column | None:
        return self._by_name.get(name)

    def role(self, role: str) -> str | None:
        """The column that plays the identity role, if one does."""
        return dict(self.identity).get(role)

    def digest_of(self, columns: Iterable[str]) -> str:
        """The digest of what a grant over `columns` rests on; unknown names are left out."""
        used = frozenset(self._by_name).intersection(columns).union(self.key)
        if used not in self._digests:
            self._digests[used] = self._digest_of(used)
        return self._digests[used]

    def _digest_of(self, used: frozenset[str]) -> str:
        own = self.role("own_id")
        return digest(
            {
                "dataset": self.name,
                "key": list(self.key),
                "own_id": own or "",
                "derived_from": sorted_set(self.derived_from),
                "classification": self.classification,
                "columns": sorted_set(self._by_name[name].to_plain() for name in used),
            }
        )

    def to_plain(self) -> dict[str, Any]:
        return {
            "owner": self.owner,
            "id": self.id,
            "title": self.title,
            "classification": self.classification,
            "delivery": self.delivery,
            "key": list(self.key),
            "column": [column.to_plain() for column in self.columns],
            "identity": dict(self.identity),
            "derived_from": sorted_set(self.derived_from),
            "earliest_birth_year": self.earliest_birth_year,
        }


def parse_contract(table: Any, where: str = "dataset") -> Contract:
    """Read one `[[dataset]]` table; raises `BadInput` with every fault and its path."""
    contract: Contract = read(table, where, contract_fields, "The dataset")
    return contract


def contract_fields(fields: Fields) -> Contract | None:
    made: Contract | None = fields.make(
        Contract,
        owner=fields.text("owner", like=IDENTIFIER),
        id=fields.text("id", like=re.compile(r"[a-z][a-z0-9-]*(?:-[A-Z0-9-]+)?")),
        title=fields.text("title"),
        classification=fields.choice("classification", CLASSIFICATIONS),
        delivery=fields.choice("delivery", DELIVERIES),
        key=_ordered(fields, "key"),
        columns=fields.tables("column", _column, least=1),
        identity=_identity(fields),
        derived_from=fields.texts("derived_from", (), like=DATASET),
        earliest_birth_year=fields.whole("earliest_birth_year", EARLIEST_BIRTH_YEAR, least=1),
    )
    return made


def _ordered(fields: Fields, name: str) -> tuple[str, ...]:
    fields.texts(name, like=COLUMN)
    value = fields.raw(name)
    return tuple(value) if isinstance(value, list) else ()


def _identity(fields: Fields) -> tuple[tuple[str, str], ...]:
    table = fields.raw("identity", {})
    if not isinstance(table, dict):
        fields.wrong("identity", "a table of roles is needed here")
        return ()
    for role, column in table.items():
        if role not in ROLES:
            fields.wrong("identity", "a role is not known", "one of: " + ", ".join(ROLES))
        elif not isinstance(column, str):
            fields.wrong(f"identity.{role}", "the name of a column is needed here")
    return tuple(sorted((role, column) for role, column in table.items() if role in ROLES))


def _column(fields: Fields) -> Column | None:
    kind = fields.choice("type", TYPES)
    made: Column | None = fields.make(
        Column,
        name=fields.text("name", like=COLUMN),
        type=kind,
        optional=fields.flag("optional", False),
        values=fields.texts("values", ()),
        minimum=_bound(fields, "minimum", kind),
        maximum=_bound(fields, "maximum", kind),
        format=fields.text("format", ""),
    )
    return made


def _bound(fields: Fields, name: str, kind: str) -> int | date | None:
    if not fields.has(name):
        fields.raw(name)
        return None
    bound: int | date | None = (
        fields.day(name) if kind in ("date", "timestamp") else fields.whole(name)
    )
    return bound
