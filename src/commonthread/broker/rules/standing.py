"""What holds now: all that the facts of the ledger say, as values.

`facts.apply` makes a standing, one fact after another. Decisions rest on it and on nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from . import keys
from .charter import Charter, Dpia
from .contracts import Contract
from .keys import Envelope
from .terms import PLATFORM, Terms, required_parties

SIGNATORY, GUARDIAN, ENGINEER = "signatory", "caldicott-guardian", "data-engineer"
OFFICER, DPO = "governance-officer", "data-protection-officer"
ROLES = (SIGNATORY, GUARDIAN, ENGINEER, OFFICER, DPO)
SERVICE_MEMBER = "commonthread.service"
LINKER_MEMBER = "commonthread.linker"
MAP_PREFIX = f"{PLATFORM}/map-"


@dataclass(frozen=True, slots=True)
class Home:
    """The first fact: whose ledger this is, and the platform's service key (a public key)."""

    origin: str
    demo: bool
    service_key: str


@dataclass(frozen=True, slots=True)
class Credential:
    """An assurance that a partner holds until the end of the day `expires`."""

    scheme: str
    reference: str
    level: str
    expires: date
    recorded: datetime


@dataclass(frozen=True, slots=True)
class Partner:
    """An organisation; `credentials` are all it ever recorded, oldest first."""

    id: str
    name: str
    kind: str
    root_key: str
    credentials: tuple[Credential, ...] = ()


@dataclass(frozen=True, slots=True)
class Member:
    """A person of one partner. A role and a group exclude each other: duties are kept apart."""

    id: str
    name: str
    partner: str
    roles: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Act:
    """A verified act on a charter or an agreement."""

    envelope: Envelope
    at: datetime
    leaf: str


@dataclass(frozen=True, slots=True)
class Version:
    """One version of an agreement with what its parties did to it."""

    terms: Terms
    proposed: datetime
    leaf: str
    signatures: Mapping[str, Act] = field(default_factory=dict)
    withdrawals: Mapping[str, Act] = field(default_factory=dict)
    suspensions: Mapping[str, Act] = field(default_factory=dict)
    completed: datetime | None = None


@dataclass(frozen=True, slots=True)
class Deposit:
    """One delivery of a dataset. `id` is the digest of what was delivered under which contract."""

    dataset: str
    number: int
    id: str
    contract: str
    file: str
    rows: int
    quarantined: int
    member: str
    at: datetime
    pins: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Fulfilment:
    """A need that is met between two instants: for one member, or for all without one."""

    reference: str
    grant: str
    need: str
    member: str
    starts: datetime
    ends: datetime


@dataclass(frozen=True, slots=True)
class Objection:
    """An upheld objection (UK GDPR Art 21) about one record; purposes are `REFERENCE/id`."""

    dataset: str
    record: str
    purposes: tuple[str, ...]
    lifted: bool = False


@dataclass(slots=True)
class Standing:
    """Everything that holds. `copy` before trying facts that may be refused."""

    home: Home | None = None
    partners: dict[str, Partner] = field(default_factory=dict)
    members: dict[str, Member] = field(default_factory=dict)
    member_keys: dict[str, tuple[str, str]] = field(default_factory=dict)
    contracts: dict[str, Contract] = field(default_factory=dict)
    past_contracts: dict[str, Contract] = field(default_factory=dict)
    charters: dict[str, Charter] = field(default_factory=dict)
    accessions: dict[tuple[str, str], Act] = field(default_factory=dict)
    dpias: dict[str, Dpia] = field(default_factory=dict)
    agreements: dict[str, tuple[Version, ...]] = field(default_factory=dict)
    deposits: dict[str, tuple[Deposit, ...]] = field(default_factory=dict)
    fulfilments: tuple[Fulfilment, ...] = ()
    objections: dict[tuple[str, str], Objection] = field(default_factory=dict)
    last: dict[str, str] = field(default_factory=dict)
    last_at: datetime | None = None
    facts: int = 0

    def copy(self) -> Standing:
        twin = Standing()
        for name in self.__slots__:
            value = getattr(self, name)
            setattr(twin, name, dict(value) if isinstance(value, dict) else value)
        return twin

    def previous(self, reference: str) -> str:
        """The ledger hash that the next envelope on this reference carries.

        References of charters and agreements, and `partner:ID` for a partner's own facts.
        """
        return self.last.get(reference, keys.START)

    def newest(self, reference: str) -> Version | None:
        """The newest version proposed, signed or not."""
        versions = self.agreements.get(reference, ())
        return versions[-1] if versions else None

    def governing(self, reference: str) -> Version | None:
        """The newest version that all signed; before there is one, the newest proposed."""
        versions = self.agreements.get(reference, ())
        complete = [version for version in versions if version.completed is not None]
        return complete[-1] if complete else self.newest(reference)

    def acceded(self, partner: str) -> bool:
        """Whether the partner ever acceded: from then on its own facts need its key."""
        return any(who == partner for _, who in self.accessions)

    def pinned(self, dataset: str) -> tuple[Deposit, ...]:
        """The deposits that make up the dataset now: the last, or all when they add up."""
        deposits = self.deposits.get(dataset, ())
        contract = self.contracts.get(dataset)
        return deposits if contract and contract.delivery == "append" else deposits[-1:]

    def key_of(self, member: str) -> str:
        """The member's key, while the root key that admitted it is its partner's; else empty."""
        key, root = self.member_keys.get(member, ("", ""))
        known = self.members.get(member)
        partner = self.partners.get(known.partner) if known else None
        return key if partner and partner.root_key == root else ""

    def outstanding(self, version: Version) -> tuple[str, ...]:
        """The required parties whose signature this version still lacks."""
        needed = required_parties(version.terms, self.contracts)
        return tuple(party for party in needed if party not in version.signatures)


def partner_reference(partner: str) -> str:
    return f"partner:{partner}"


def map_of(reference: str) -> str:
    """The dataset that holds the person index made under a linkage agreement."""
    return f"{MAP_PREFIX}{reference}"
