"""Real signed agreements for tests, in one line: nothing here goes round a signature.

`home_standing()` makes an empty `County`; its methods add one thing each, sign it as an honest
home would, and apply it to `county.standing`. `signed(...)` makes a whole small county in force.
Every fact is kept in `county.facts`, so that a test can write the same facts to a ledger.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from commonthread.broker.rules import keys
from commonthread.broker.rules.authored import parse_terms
from commonthread.broker.rules.charter import parse_charter, parse_dpia
from commonthread.broker.rules.contracts import Contract, parse_contract
from commonthread.broker.rules.decisions import Decision, decide
from commonthread.broker.rules.facts import (
    ACT,
    AGREEMENT,
    CHARTER,
    DATASET_FACT,
    DEPOSIT,
    DPIA,
    FULFILMENT,
    HOME,
    KEY,
    MEMBER,
    OBJECTION,
    PARTNER,
    Fact,
    fact_digest,
    text_digest,
)
from commonthread.broker.rules.keys import Envelope, public_key, sign
from commonthread.broker.rules.replay import apply
from commonthread.broker.rules.requests import Lookup, Question, Request, Sql
from commonthread.broker.rules.standing import (
    ENGINEER,
    LINKER_MEMBER,
    SERVICE_MEMBER,
    SIGNATORY,
    Deposit,
    Standing,
    map_of,
    partner_reference,
)
from commonthread.broker.rules.terms import PERSON, PERSON_INDEX, PLATFORM, Terms
from commonthread.broker.rules.views import GovernedView, GrantView, govern

AT = datetime(2026, 11, 25, 9, tzinfo=UTC)
CHARTER_REFERENCE = "CHARTER-2026"
LINKAGE_REFERENCE = "ISA-2026-001"
REFERENCE = "ISA-2026-014"
PURPOSE = "falls-prevention"


@dataclass(slots=True)
class County:
    """A county under test: `at` moves one second with each fact; `keys` are members' own."""

    at: datetime = AT
    demo: bool = False
    standing: Standing = field(default_factory=Standing)
    root_keys: dict[str, Ed25519PrivateKey] = field(default_factory=dict)
    keys: dict[str, Ed25519PrivateKey] = field(default_factory=dict)
    facts: list[Fact] = field(default_factory=list)

    def add(self, kind: str, body: Mapping[str, Any]) -> Fact:
        """Apply one fact as it is; raises `BadInput` and adds nothing if the rules refuse it."""
        at = self.at + timedelta(seconds=1)
        leaf = hashlib.sha256(f"{len(self.facts)}:{kind}".encode()).hexdigest()
        fact = Fact(kind, dict(body), at, leaf)
        apply(self.standing, fact)
        self.facts.append(fact)
        self.at = at
        return fact

    # What partners say about themselves.

    def add_partner(
        self,
        id_: str,
        *,
        kind: str = "county-council",
        credentials: Iterable[Mapping[str, Any]] | None = None,
        root_key: Ed25519PrivateKey | None = None,
    ) -> None:
        """A partner with a root key of its own and, by default, an ICO registration in date."""
        private = root_key or self.root_keys.get(id_) or Ed25519PrivateKey.generate()
        if credentials is None:
            credentials = [
                {"scheme": "ico-registration", "reference": "Z0000001", "expires": "2036-03-31"}
            ]
        body = {
            "id": id_,
            "name": id_.replace("-", " ").title(),
            "kind": kind,
            "root_key": str(public_key(private)),
            "credential": [dict(credential) for credential in credentials],
        }
        self._own(PARTNER, body, id_)
        self.root_keys[id_] = private

    def add_member(
        self,
        id_: str,
        partner: str,
        *,
        roles: Sequence[str] = (),
        groups: Sequence[str] = (),
        admit: bool = True,
    ) -> None:
        """A member; with `admit`, a key of the member that the partner's root key admits."""
        body = {"id": id_, "name": id_, "partner": partner}
        body |= {"roles": list(roles), "groups": list(groups)}
        self._own(MEMBER, body, partner)
        if admit and id_ not in self.keys:
            self.admit_key(id_)

    def admit_key(self, member: str, private: Ed25519PrivateKey | None = None) -> None:
        private = private or Ed25519PrivateKey.generate()
        text = str(public_key(private))
        partner = self.standing.members[member].partner
        envelope = self.envelope(
            keys.ADMIT,
            text_digest(text),
            member=member,
            reference=partner_reference(partner),
            private=self.root_keys[partner],
        )
        self.add(KEY, {"key": text, "envelope": envelope.to_plain()})
        self.keys[member] = private

    def add_dataset(self, table: Mapping[str, Any] | Contract) -> Contract:
        """Declare a dataset from its table (see `dataset()`), or a contract made already."""
        contract = table if isinstance(table, Contract) else parse_contract(dict(table))
        self._own(DATASET_FACT, contract.to_plain(), contract.owner)
        return self.standing.contracts[contract.name]

    def add_charter(self, reference: str = CHARTER_REFERENCE, **changes: Any) -> None:
        table = {
            "reference": reference,
            "title": "Data sharing charter",
            "version": 1,
            "starts": "2026-01-01",
            "ends": "2035-12-31",
            "review": "2030-01-01",
            "principles": ["We share no more than the purpose needs."],
            "own_data": "A partner may see what it deposited itself.",
        }
        self.add(CHARTER, parse_charter(table | changes).to_plain())

    def add_dpia(self, approved_by: str, reference: str = "DPIA-2026-001", **changes: Any) -> str:
        """A DPIA; returns its digest, which terms carry as `dpia`."""
        table = {
            "reference": reference,
            "title": "Falls prevention",
            "need": "Special category data of many people are matched.",
            "necessity": "Counts suffice; nobody is shown.",
            "dpo_advice": "Proceed.",
            "dpo_advice_accepted": True,
            "residual_risk": "low",
            "approved_by": approved_by,
            "approved": "2026-01-01",
            "review": "2030-01-01",
        }
        dpia = parse_dpia(table | changes)
        self.add(DPIA, dpia.to_plain())
        return dpia.digest

    # What partners agree.

    def accede(self, partner: str, reference: str = CHARTER_REFERENCE) -> None:
        charter = self.standing.charters[reference]
        subject = charter.accession(self.standing.partners[partner].root_key)
        self.act(keys.ACCEDE, reference, partner, subject)

    def propose(self, table: Mapping[str, Any] | Terms) -> Terms:
        """Add a version of an agreement, with the digests of the contracts its grants use."""
        terms = table if isinstance(table, Terms) else parse_terms(dict(table))
        grants = tuple(
            replace(
                grant,
                contract=grant.contract
                or self.standing.contracts[grant.dataset].digest_of(grant.used_columns()),
            )
            for grant in terms.grants
        )
        self.add(AGREEMENT, replace(terms, grants=grants).to_plain())
        newest = self.standing.newest(terms.reference)
        assert newest is not None
        return newest.terms

    def sign(self, reference: str, partner: str) -> None:
        version = self.standing.newest(reference)
        assert version is not None
        self.act(keys.SIGN, reference, partner, version.terms.digest)

    def sign_all(self, reference: str) -> None:
        """Whoever has not signed the newest version signs it, the platform last."""
        version = self.standing.newest(reference)
        assert version is not None
        for partner in sorted(
            self.standing.outstanding(version), key=lambda party: party == PLATFORM
        ):
            self.sign(reference, partner)

    def withdraw(self, reference: str, partner: str, reason: str = "We leave.") -> None:
        self._act_on_governing(keys.WITHDRAW, reference, partner, reason)

    def suspend(self, reference: str, partner: str, reason: str = "We look into it.") -> None:
        self._act_on_governing(keys.SUSPEND, reference, partner, reason)

    def resume(self, reference: str, partner: str, reason: str = "It is mended.") -> None:
        self._act_on_governing(keys.RESUME, reference, partner, reason)

    def _act_on_governing(self, act: str, reference: str, partner: str, reason: str) -> None:
        version = self.standing.governing(reference)
        assert version is not None
        self.act(act, reference, partner, version.terms.digest, reason)

    def act(self, act: str, reference: str, partner: str, subject: str, reason: str = "") -> None:
        """One act, signed by the first signatory of the partner."""
        member = self.member_of(partner, SIGNATORY)
        envelope = self.envelope(act, subject, member=member, reference=reference, reason=reason)
        self.add(ACT, {"reference": reference, "envelope": envelope.to_plain()})

    # What is delivered, met and objected to.

    def deposit(
        self,
        dataset: str,
        *,
        file: str = "",
        rows: int = 0,
        quarantined: int = 0,
        id_: str = "",
        pins: Iterable[tuple[str, str]] = (),
    ) -> Deposit:
        """By the owner's first data engineer; `file` is the SHA-256 of what lies stored."""
        contract = self.standing.contracts[dataset]
        number = len(self.standing.deposits.get(dataset, ())) + 1
        made_up = hashlib.sha256(f"{dataset}#{number}".encode()).hexdigest()
        linker = contract.owner == PLATFORM
        body = {
            "dataset": dataset,
            "number": number,
            "id": id_ or made_up,
            "contract": contract.digest,
            "file": file or made_up,
            "rows": rows,
            "quarantined": quarantined,
            "member": LINKER_MEMBER if linker else self.member_of(contract.owner, ENGINEER),
            "pins": [list(pin) for pin in pins],
        }
        self.add(DEPOSIT, body)
        return self.standing.deposits[dataset][-1]

    def object(
        self, dataset: str, record: str, purposes: Sequence[str], *, lifted: bool = False
    ) -> None:
        """An objection that the dataset's owner upholds; purposes read `REFERENCE/purpose-id`."""
        owner = dataset.split("/")[0]
        body = {
            "dataset": dataset,
            "record": record,
            "purposes": sorted(purposes),
            "lifted": lifted,
        }
        self._attest(OBJECTION, body, owner, partner_reference(owner))

    def fulfil(
        self,
        reference: str,
        grant: str,
        need: str,
        *,
        partner: str,
        member: str = "",
        starts: str = "2026-01-01T00:00:00Z",
        ends: str = "2027-01-01T00:00:00Z",
    ) -> None:
        body = {"reference": reference, "grant": grant, "need": need, "member": member}
        self._attest(FULFILMENT, body | {"starts": starts, "ends": ends}, partner, reference)

    # How they are signed.

    def envelope(
        self,
        act: str,
        subject: str,
        *,
        member: str,
        reference: str,
        reason: str = "",
        private: Ed25519PrivateKey | None = None,
    ) -> Envelope:
        """A signed envelope with the right `previous`; by the member's own key unless told."""
        unsigned = Envelope(
            act,
            subject,
            member,
            self.standing.members[member].partner,
            reason,
            self.standing.previous(reference),
        )
        return sign(unsigned, private or self.keys[member])

    def member_of(self, partner: str, role: str) -> str:
        """The first member of the partner with this role."""
        return next(
            member.id
            for member in self.standing.members.values()
            if member.partner == partner and role in member.roles
        )

    def _own(self, kind: str, body: dict[str, Any], partner: str) -> None:
        """A partner's own fact: under its root key once it has acceded."""
        if partner != PLATFORM and self.standing.acceded(partner):
            reference = partner_reference(partner)
            envelope = self.envelope(
                keys.DECLARE,
                fact_digest(kind, body),
                member=self.member_of(partner, SIGNATORY),
                reference=reference,
                private=self.root_keys[partner],
            )
            body = body | {"envelope": envelope.to_plain()}
        self.add(kind, body)

    def _attest(self, kind: str, body: dict[str, Any], partner: str, reference: str) -> None:
        envelope = self.envelope(
            keys.ATTEST,
            fact_digest(kind, body),
            member=self.member_of(partner, SIGNATORY),
            reference=reference,
        )
        self.add(kind, body | {"envelope": envelope.to_plain()})

    # What tests ask of it.

    def decide(
        self, member: str, question: Question, reference: str = REFERENCE, purpose: str = PURPOSE
    ) -> Decision:
        return decide(Request(member, question, reference, purpose), self.standing, self.at)

    def view(
        self, member: str, question: Question, reference: str = REFERENCE, purpose: str = PURPOSE
    ) -> GovernedView:
        """The view of a decision that must permit; says the reasons when it does not."""
        decision = self.decide(member, question, reference, purpose)
        assert decision.permitted, decision.reasons
        return govern(decision, self.standing)

    def grant_view(self, grant: str, reference: str = REFERENCE) -> GrantView:
        """One grant's view, asked for by the first member of a group that receives it."""
        version = self.standing.governing(reference)
        assert version is not None
        wanted = version.terms.grant(grant)
        assert wanted is not None
        member = next(
            member.id
            for member in self.standing.members.values()
            if set(member.groups) & set(wanted.recipients)
        )
        question: Question = Sql("", (wanted.table,))
        if wanted.mode == "lookup":
            question = Lookup(grant, "1", "a test looks", wanted.by == PERSON)
        found = self.view(member, question, reference, wanted.purpose).table(wanted.table)
        assert found is not None
        return found


def home_standing(*, at: datetime = AT, demo: bool = False, origin: str = "test.home") -> County:
    """A new home: the platform with its service key, and nothing else."""
    county = County(at=at, demo=demo)
    service = Ed25519PrivateKey.generate()
    county.keys[SERVICE_MEMBER] = county.root_keys[PLATFORM] = service
    body = {"origin": origin, "demo": demo, "service_key": str(public_key(service))}
    county.add(HOME, body)
    return county


def dataset(
    owner: str,
    id_: str,
    columns: Mapping[str, str],
    *,
    key: Sequence[str] = (),
    identity: Mapping[str, str] | None = None,
    delivery: str = "snapshot",
    classification: str = "personal",
    derived_from: Sequence[str] = (),
    optional: bool = True,
) -> dict[str, Any]:
    """A dataset's table. `columns` is name → type; the first is the key unless told otherwise."""
    names = list(key) or [next(iter(columns))]
    return {
        "owner": owner,
        "id": id_,
        "title": id_,
        "classification": classification,
        "delivery": delivery,
        "key": names,
        "column": [
            {"name": name, "type": kind, "optional": optional and name not in names}
            for name, kind in columns.items()
        ],
        "identity": dict(identity or {}),
        "derived_from": list(derived_from),
    }


def map_dataset(reference: str, derived_from: Sequence[str] = ()) -> dict[str, Any]:
    """The person index's dataset for a linkage agreement."""
    columns = {"dataset": "text", "record": "text", "resident": "text"}
    return dataset(
        PLATFORM,
        map_of(reference).split("/")[1],
        columns,
        key=("dataset", "record"),
        derived_from=derived_from,
    )


def party(partner: str, role: str = "controller", **changes: Any) -> dict[str, Any]:
    if role == "processor":
        return {"partner": partner, "role": role, **changes}
    return {
        "partner": partner,
        "role": role,
        "lawful_basis": "public-task",
        "condition": "health-or-social-care",
        "legal_power": "Care Act 2014 s.6",
        **changes,
    }


def grant(id_: str, dataset: str, columns: Sequence[Any] = (), **changes: Any) -> dict[str, Any]:
    """A grant's table, for rows unless `mode` says otherwise."""
    return {
        "id": id_,
        "dataset": dataset,
        "purpose": PURPOSE,
        "recipients": ["wychshire/analysts"],
        "mode": "rows",
        "columns": list(columns),
        "retention": "P90D",
        **changes,
    }


def agreement(
    grants: Sequence[Mapping[str, Any]],
    *,
    reference: str = REFERENCE,
    parties: Sequence[Mapping[str, Any]] = (),
    **changes: Any,
) -> dict[str, Any]:
    """An agreement's table: parties and purposes are those of the grants unless given."""
    named = {grant["dataset"].split("/")[0] for grant in grants}
    named |= {group.split("/")[0] for grant in grants for group in grant["recipients"]}
    return {
        "reference": reference,
        "title": "A test of sharing",
        "version": 1,
        "charter": CHARTER_REFERENCE,
        "starts": "2026-01-01",
        "ends": "2034-12-31",
        "review": "2029-12-31",
        "party": [dict(item) for item in parties]
        or [
            party(name, "processor" if name == PLATFORM else "controller") for name in sorted(named)
        ],
        "purpose": [
            {"id": purpose, "text": "To plan prevention."}
            for purpose in sorted({grant["purpose"] for grant in grants})
        ],
        "grant": [dict(item) for item in grants],
        **changes,
    }


def linkage(datasets: Sequence[str], reference: str = LINKAGE_REFERENCE) -> dict[str, Any]:
    """A linkage agreement that grants each dataset's key columns to the person index."""
    grants = [
        grant(
            f"index-{name.split('/')[1]}",
            name,
            purpose="linkage",
            recipients=[PERSON_INDEX],
            retention="P10Y",
        )
        for name in datasets
    ]
    return agreement(grants, reference=reference)


def signed(
    datasets: Sequence[Mapping[str, Any]],
    grants: Sequence[Mapping[str, Any]],
    *,
    link: Sequence[str] | None = None,
    deposits: Mapping[str, Sequence[str]] | None = None,
    county: County | None = None,
    **changes: Any,
) -> County:
    """A county whose agreement `REFERENCE` with these grants is signed by all and in force.

    Makes what is named: partners with a signatory `sign.PARTNER`, an engineer `eng.PARTNER` and a
    member `in.GROUP` for each receiving group. `link` names datasets that a linkage agreement
    grants to the person index, whose map is declared (default: those of grants with `person`).
    `deposits` is dataset → SHA-256 of each file, in order; the map is deposited so as well.
    """
    county = county or home_standing()
    linked = list(link) if link is not None else _linked(grants)
    owners = {table["owner"] for table in datasets}
    groups = {group for item in grants for group in item["recipients"]}
    partners = sorted((owners | {group.split("/")[0] for group in groups}) - {PLATFORM})
    for partner in partners:
        county.add_partner(partner)
        county.add_member(f"sign.{partner}", partner, roles=[SIGNATORY])
        county.add_member(f"eng.{partner}", partner, roles=[ENGINEER])
    for group in sorted(group for group in groups if not group.startswith(f"{PLATFORM}/")):
        county.add_member(f"in.{group.split('/')[1]}", group.split("/")[0], groups=[group])
    for table in datasets:
        county.add_dataset(table)
    county.add_charter()
    for partner in [*partners, PLATFORM]:
        county.accede(partner)
    if linked:
        county.propose(_with_keys(linkage(linked), county))
        county.sign_all(LINKAGE_REFERENCE)
        county.add_dataset(map_dataset(LINKAGE_REFERENCE))
        changes.setdefault("rests_on", [LINKAGE_REFERENCE])
    county.propose(agreement(grants, **changes))
    county.sign_all(changes.get("reference", REFERENCE))
    for name, files in (deposits or {}).items():
        for file in files:
            county.deposit(name, file=file)
    return county


def _linked(grants: Sequence[Mapping[str, Any]]) -> list[str]:
    return sorted({item["dataset"] for item in grants if item.get("person")})


def _with_keys(table: dict[str, Any], county: County) -> dict[str, Any]:
    """Linkage grants show at least the key of each dataset."""
    for item in table["grant"]:
        item["columns"] = item["columns"] or list(county.standing.contracts[item["dataset"]].key)
    return table
