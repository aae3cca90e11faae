"""The terms as the rules of risk look at them: which columns show what, and to whom."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from commonthread.broker.rules.contracts import Column, Contract
from commonthread.broker.rules.filters import All, Compare, Filter
from commonthread.broker.rules.terms import PLATFORM, Grant, GrantedColumn, Terms

from .matrix import Counted

DIRECT = ("given_name", "family_name", "full_name", "address", "nhs_number")
PLACES = frozenset(
    ("postcode", "ward", "lsoa", "oa", "parish", "district", "uprn", "locality", "easting")
)
FINE_PLACES = frozenset(("postcode", "uprn", "lsoa", "oa", "easting"))
FREE_TEXT = frozenset(
    ("note", "notes", "comment", "comments", "narrative", "description", "details", "remarks")
)
SCHOOLING = frozenset(("school", "pupil", "pupils", "upn", "send", "nursery", "child", "children"))
ADULT = 18


@dataclass(frozen=True, slots=True)
class Shown:
    """One column that a grant shows: what it is declared as, and the identity role it plays."""

    grant: Grant
    granted: GrantedColumn
    declared: Column | None
    role: str

    @property
    def clause(self) -> str:
        return f"grant[{self.grant.id}].columns[{self.granted.name}]"

    @property
    def words(self) -> frozenset[str]:
        return frozenset(self.granted.name.split("_"))

    @property
    def is_place(self) -> bool:
        return self.role in ("postcode", "area") or bool(self.words & PLACES)

    @property
    def is_fine_place(self) -> bool:
        """Whether it tells a few dozen homes apart: a whole postcode, a property."""
        fine = self.role == "postcode" or bool(self.words & FINE_PLACES)
        return fine and self.granted.treatment == "plain"

    @property
    def is_direct(self) -> bool:
        """Whether it says by itself who somebody is."""
        return self.role in DIRECT and self.granted.treatment == "plain"

    @property
    def is_reference(self) -> bool:
        """Whether its owner, or whoever shares its numbers, can tell by it who somebody is."""
        return self.role == "own_id" and self.granted.treatment == "plain"

    @property
    def is_free_text(self) -> bool:
        free = self.declared is not None and self.declared.type == "text"
        free = free and not (self.declared and self.declared.values) and not self.role
        return free and bool(self.words & FREE_TEXT) and self.granted.treatment == "plain"


@dataclass(frozen=True, slots=True)
class Scene:
    """The terms, the datasets, and what owners counted of their own rows."""

    terms: Terms
    contracts: Mapping[str, Contract]
    counted: Mapping[str, Counted]

    def shown(self, grant: Grant) -> tuple[Shown, ...]:
        contract = self.contracts.get(grant.dataset)
        roles = {column: role for role, column in contract.identity} if contract else {}
        return tuple(
            Shown(
                grant,
                granted,
                contract.column(granted.name) if contract else None,
                roles.get(granted.name, ""),
            )
            for granted in grant.columns
        )

    def classification(self, grant: Grant) -> str:
        contract = self.contracts.get(grant.dataset)
        return contract.classification if contract else ""

    def grants_of(self, *classifications: str) -> tuple[Grant, ...]:
        return tuple(
            grant for grant in self.terms.grants if self.classification(grant) in classifications
        )

    def personal(self) -> tuple[Grant, ...]:
        return self.grants_of("personal", "special-category", "criminal")

    def title(self, grant: Grant) -> str:
        contract = self.contracts.get(grant.dataset)
        return contract.title if contract else ""

    def recipients(self, grant: Grant) -> set[str]:
        """The partners of the recipients other than the owner and the platform."""
        found = {group.split("/")[0] for group in grant.recipients}
        return found - {PLATFORM, grant.owner}

    def adults_only(self, grant: Grant, column: str) -> bool:
        """Whether the rows hold only those who are of age when the agreement starts."""
        starts = self.terms.starts
        of_age = date(starts.year - ADULT, starts.month, min(starts.day, 28))
        return any(
            each.column == column
            and each.operator in ("<", "<=")
            and str(each.value)[:10] <= of_age.isoformat()
            for each in demanded(grant.rows)
        )


def demanded(rows: Filter | None) -> Iterator[Compare]:
    """The comparisons that every row passes."""
    if isinstance(rows, Compare):
        yield rows
    elif isinstance(rows, All):
        for part in rows.parts:
            yield from demanded(part)
