"""A conflict between choices in the terms, and what the rules look at to find one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from commonthread.broker.rules.contracts import Contract
from commonthread.broker.rules.standing import Partner
from commonthread.broker.rules.terms import CONTROLLING, PLATFORM, Grant, Party, Terms

from .bodies import HEALTH, KINDS, is_certainly
from .citations import Citation, citations
from .conditions import POLICY_DUTY, ScheduleCondition
from .entry import Entry
from .powers import Power

STOP, WARN = "stop", "warn"
SEVERITIES = (STOP, WARN)
PUBLIC = "public"


@dataclass(frozen=True, slots=True)
class Conflict:
    """What does not go together: where, what is wrong, how to mend it, and how much it matters.

    `stop`: the record cannot be right as it stands, and is not put to signature. `warn`: it may be
    right for a reason that the parties should give. `grants`: those that it was found in.
    """

    code: str
    path: str
    message: str
    mend: str
    severity: str = WARN
    grants: tuple[str, ...] = ()

    @property
    def stops(self) -> bool:
        return self.severity == STOP


@dataclass(frozen=True, slots=True)
class Scene:
    """The terms with what is known of their parties and datasets."""

    terms: Terms
    partners: Mapping[str, Partner]
    contracts: Mapping[str, Contract]
    cited: Mapping[str, tuple[Citation, ...]] = field(init=False)

    def __post_init__(self) -> None:
        found = {party.partner: citations(party.legal_power) for party in self.terms.parties}
        object.__setattr__(self, "cited", found)

    def kind(self, partner: str) -> str:
        known = self.partners.get(partner)
        return known.kind if known else ""

    def knows(self, partner: str) -> bool:
        return self.kind(partner) in KINDS

    def controllers(self) -> Iterator[Party]:
        """The parties that answer for the data; the public and the platform are none."""
        for party in self.terms.parties:
            if party.role in CONTROLLING and party.partner not in (PLATFORM, PUBLIC):
                yield party

    def entries(self, partner: str) -> list[Entry]:
        return [each.entry for each in self.cited.get(partner, ()) if each.entry]

    def powers(self, partner: str) -> list[Power]:
        return [entry for entry in self.entries(partner) if isinstance(entry, Power)]

    def schedule(self, partner: str) -> list[ScheduleCondition]:
        return [each for each in self.entries(partner) if isinstance(each, ScheduleCondition)]

    def has_policy_document(self, partner: str) -> bool:
        """Whether a duty of this party keeps the appropriate policy document."""
        return any(
            duty.owner == partner and duty.id.startswith(POLICY_DUTY) for duty in self.terms.duties
        )

    def classification(self, grant: Grant) -> str:
        contract = self.contracts.get(grant.dataset)
        return contract.classification if contract else ""

    def recipients(self, grant: Grant) -> list[str]:
        """The partners of the recipients, without the platform."""
        found = {group.split("/")[0] for group in grant.recipients}
        return sorted(found - {PLATFORM})

    def handlers(self, grant: Grant) -> list[Party]:
        """The controllers who give or take what a grant is over."""
        involved = {grant.owner, *self.recipients(grant)}
        return [party for party in self.controllers() if party.partner in involved]

    def is_patient_data(self, grant: Grant) -> bool:
        """Special-category data of a health body: confidential patient information."""
        return self.classification(grant) == "special-category" and is_certainly(
            self.kind(grant.owner), (HEALTH,)
        )

    def is_confidential(self, grant: Grant) -> bool:
        """Patient data, or special-category data held for care by anybody else."""
        owner = self.terms.party(grant.owner)
        for_care = owner is not None and owner.condition in ("health-or-social-care",)
        special = self.classification(grant) == "special-category"
        return self.is_patient_data(grant) or (special and for_care)
