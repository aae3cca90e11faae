"""What a permit allows to be read: the only thing an engine accepts.

A `GovernedView` is made by `govern` from a decision that permits, and by nothing else: its maker's
seal is checked when it is made. Everything that an engine needs is pinned in it, so that the same
view gives the same answer on every engine and on every day.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .binding import exposed_types
from .canonical import digest, sorted_set
from .contracts import Contract
from .decisions import Decision, data_reasons, linkages_of
from .errors import IntegrityFailure
from .force import in_force
from .requests import OwnData
from .standing import Deposit, Standing, Version, map_of
from .terms import Grant

_SEAL = object()
# Changes when the same view would be compiled to other bytes: extracts made before are then stale.
COMPILER = "1"


@dataclass(frozen=True, slots=True)
class Linkage:
    """The person index that a grant uses: its agreement and the deposits of its map."""

    reference: str
    deposits: tuple[Deposit, ...]


@dataclass(frozen=True, slots=True)
class GrantView:
    """One grant, with all that its rows depend on.

    - `deposits`: pinned, in their order; together they are the dataset's rows.
    - `linkage`: says which records are one resident; without it, `own_id` does, else every record
      is alone.
    - `persons`: keep only residents that are present in that view.
    - `hidden`: record texts whose residents objected to this purpose.
    """

    grant: Grant
    contract: Contract
    reference: str
    terms: str
    deposits: tuple[Deposit, ...]
    linkage: Linkage | None
    persons: GrantView | None
    hidden: tuple[tuple[str, str], ...]
    seal: Any = field(repr=False, compare=False, default=None)

    def __post_init__(self) -> None:
        _check_seal(self.seal)

    @property
    def table(self) -> str:
        return self.grant.table

    @property
    def columns(self) -> dict[str, tuple[str, bool]]:
        """The table's columns as it is shown: name → (type, plain?), `person` first."""
        return exposed_types(self.grant, self.contract)

    @property
    def address(self) -> str:
        """SHA-256 of all that the extract is made of."""
        return digest(self._made_of())

    def _made_of(self) -> dict[str, Any]:
        linkage = self.linkage
        return {
            "compiler": COMPILER,
            "terms": self.terms,
            "grant": self.grant.id,
            "contract": self.contract.digest,
            "deposits": [deposit.file for deposit in self.deposits],
            "map": [deposit.file for deposit in linkage.deposits] if linkage else [],
            "persons": self.persons.address if self.persons else "",
            "hidden": sorted_set(list(pair) for pair in self.hidden),
        }

    def pins(self) -> dict[str, int]:
        """Dataset → number of its newest pinned deposit, stated in every answer."""
        used = {self.grant.dataset: self.deposits[-1].number}
        if self.linkage:
            used[map_of(self.linkage.reference)] = self.linkage.deposits[-1].number
        return {**(self.persons.pins() if self.persons else {}), **used}


@dataclass(frozen=True, slots=True)
class GovernedView:
    """What one member may read under one agreement for one purpose, until `expires`."""

    member: str
    reference: str
    purpose: str
    digest: str
    tables: tuple[GrantView, ...]
    expires: datetime
    own: tuple[Deposit, ...] = ()
    seal: Any = field(repr=False, compare=False, default=None)

    def __post_init__(self) -> None:
        _check_seal(self.seal)

    def table(self, name: str) -> GrantView | None:
        return next((view for view in self.tables if view.table == name), None)


def govern(decision: Decision, standing: Standing) -> GovernedView:
    """The view of a decision that permits; a refusal has none and raises `IntegrityFailure`."""
    if not decision.permitted:
        raise IntegrityFailure("A refusal has no view.")
    request = decision.request
    tables: tuple[GrantView, ...] = ()
    own: tuple[Deposit, ...] = ()
    version = standing.governing(request.agreement)
    if isinstance(request.question, OwnData):
        own = standing.deposits.get(request.question.dataset, ())
    elif version is not None and version.terms.digest == decision.digest:
        tables = tuple(
            _grant_view(grant, version, standing)
            for grant in version.terms.grants
            if grant.id in decision.open
        )
    return GovernedView(
        member=request.member,
        reference=request.agreement,
        purpose=request.purpose,
        digest=decision.digest,
        tables=tables,
        expires=decision.expires,
        own=own,
        seal=_SEAL,
    )


def _grant_view(grant: Grant, version: Version, standing: Standing) -> GrantView:
    terms = version.terms
    linkage = None
    linkages = linkages_of(grant, terms, standing)
    if len(linkages) == 1 and standing.pinned(map_of(linkages[0])):
        linkage = Linkage(linkages[0], standing.pinned(map_of(linkages[0])))
    other = terms.grant(grant.persons) if grant.persons else None
    return GrantView(
        grant=grant,
        contract=standing.contracts[grant.dataset],
        reference=terms.reference,
        terms=terms.digest,
        deposits=standing.pinned(grant.dataset),
        linkage=linkage,
        persons=_grant_view(other, version, standing) if other else None,
        hidden=_hidden(f"{terms.reference}/{grant.purpose}", standing),
        seal=_SEAL,
    )


def _hidden(purpose: str, standing: Standing) -> tuple[tuple[str, str], ...]:
    """(dataset, record) of each upheld objection that covers the purpose."""
    return tuple(
        sorted(
            (objection.dataset, objection.record)
            for objection in standing.objections.values()
            if not objection.lifted and purpose in objection.purposes
        )
    )


def _check_seal(seal: Any) -> None:
    if seal is not _SEAL:
        raise IntegrityFailure("Only the rules make a governed view.")


def every_view(standing: Standing, at: datetime) -> Iterator[GrantView]:
    """The view of each grant that is readable by somebody now: extracts of all others are dead."""
    for reference in sorted(standing.agreements):
        force = in_force(reference, standing, at)
        if force.reasons or force.version is None:
            continue
        for grant in force.version.terms.grants:
            if not any(True for _ in data_reasons(grant, force.version, standing)):
                yield _grant_view(grant, force.version, standing)
