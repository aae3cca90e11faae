"""The facts of the ledger, replayed in their order.

`apply` takes one fact after another and refuses whatever no honest ledger can hold: an act that its
signatory's key did not sign, a change of an acceded partner without its root key, a deposit by
somebody else's engineer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from . import keys
from .authored import parse_terms
from .binding import binding_problems
from .canonical import parse_instant
from .charter import parse_charter, parse_dpia
from .contracts import Contract, parse_contract
from .errors import BadInput, Problem
from .facts import (
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
    text_digest,
)
from .fields import DATASET, DIGEST, GRANT, GROUP, IDENTIFIER, REFERENCE, Fields, read
from .keys import parse_envelope, parse_key
from .signed import attested, bare, check_envelope, own_fact, wrong
from .standing import (
    ENGINEER,
    LINKER_MEMBER,
    MAP_PREFIX,
    ROLES,
    SERVICE_MEMBER,
    SIGNATORY,
    Act,
    Credential,
    Deposit,
    Fulfilment,
    Home,
    Member,
    Objection,
    Partner,
    Standing,
    Version,
    partner_reference,
)
from .terms import NEEDS, PLATFORM, Terms, required_parties


def apply(standing: Standing, fact: Fact) -> None:
    """Add one fact, or raise `BadInput` and leave the standing as it was."""
    handler = _HANDLERS.get(fact.kind)
    if handler is None:
        raise wrong(fact.kind, "no such kind of fact is known")
    if standing.last_at is not None and fact.at < standing.last_at:
        raise wrong(fact.kind, "the fact is earlier than the one before it")
    if (standing.home is None) != (fact.kind == HOME):
        raise wrong(fact.kind, "the first fact, and only that, makes the home")
    handler(standing, fact)
    standing.last_at = fact.at
    standing.facts += 1


def _home(standing: Standing, fact: Fact) -> None:
    def parse(fields: Fields) -> Any:
        return fields.make(
            Home,
            origin=fields.text("origin"),
            demo=fields.flag("demo", False),
            service_key=fields.text("service_key"),
        )

    home: Home = read(fact.body, HOME, parse, "The home")
    parse_key(home.service_key, "home.service_key")
    standing.home = home
    standing.partners[PLATFORM] = Partner(PLATFORM, "commonthread", "platform", home.service_key)
    standing.members[SERVICE_MEMBER] = Member(
        SERVICE_MEMBER, "The platform's service key", PLATFORM, (SIGNATORY,)
    )
    standing.members[LINKER_MEMBER] = Member(
        LINKER_MEMBER, "The person index", PLATFORM, (), (f"{PLATFORM}/person-index",)
    )
    standing.member_keys[SERVICE_MEMBER] = (home.service_key, home.service_key)


def _partner(standing: Standing, fact: Fact) -> None:
    def parse(fields: Fields) -> Any:
        return fields.make(
            Partner,
            id=fields.text("id", like=IDENTIFIER),
            name=fields.text("name"),
            kind=fields.text("kind", like=IDENTIFIER),
            root_key=fields.text("root_key"),
            credentials=fields.tables("credential", _credential(fact.at)),
        )

    partner: Partner = read(bare(fact.body), PARTNER, parse, "The partner")
    parse_key(partner.root_key, "partner.root_key")
    if partner.id == PLATFORM:
        raise wrong("partner.id", "the platform's own facts do not change")
    known = standing.partners.get(partner.id)
    own_fact(standing, fact, partner.id)
    if known:
        held = {_credential_facts(item) for item in known.credentials}
        added = tuple(item for item in partner.credentials if _credential_facts(item) not in held)
        partner = replace(partner, credentials=known.credentials + added)
    standing.partners[partner.id] = partner
    standing.last[partner_reference(partner.id)] = fact.leaf


def _credential(at: datetime) -> Callable[[Fields], Any]:
    return lambda fields: fields.make(
        Credential,
        scheme=fields.text("scheme", like=IDENTIFIER),
        reference=fields.text("reference"),
        level=fields.text("level", ""),
        expires=fields.day("expires"),
        recorded=at,
    )


def _credential_facts(item: Credential) -> tuple[str, str, str, date]:
    return item.scheme, item.reference, item.level, item.expires


def _member(standing: Standing, fact: Fact) -> None:
    def parse(fields: Fields) -> Any:
        member = fields.make(
            Member,
            id=fields.text("id", like=IDENTIFIER),
            name=fields.text("name"),
            partner=fields.text("partner", like=IDENTIFIER),
            roles=fields.texts("roles", ()),
            groups=fields.texts("groups", (), like=GROUP),
        )
        if member is not None:
            _check_duties(fields, member)
        return member

    member: Member = read(bare(fact.body), MEMBER, parse, "The member")
    if member.partner not in standing.partners or member.partner == PLATFORM:
        raise wrong("member.partner", "no partner of this id is known")
    known = standing.members.get(member.id)
    if known is not None and known.partner != member.partner:
        raise wrong("member.id", "another partner has a member of this id", "choose another id")
    own_fact(standing, fact, member.partner)
    standing.members[member.id] = member
    standing.last[partner_reference(member.partner)] = fact.leaf


def _check_duties(fields: Fields, member: Member) -> None:
    for role in member.roles:
        if role not in ROLES:
            fields.wrong("roles", "a role is not known", "one of: " + ", ".join(ROLES))
    if len(member.roles) + bool(member.groups) > 1:
        fields.wrong(
            "roles",
            "nobody signs, advises, deposits and asks at once",
            "one role, or groups, but not both",
        )
    for group in member.groups:
        if group.split("/")[0] != member.partner:
            fields.wrong("groups", "a group belongs to the member's own partner")


def _key(standing: Standing, fact: Fact) -> None:
    envelope = parse_envelope(fact.body.get("envelope"), "key.envelope")
    text, member = str(fact.body.get("key")), standing.members.get(envelope.member)
    parse_key(text, "key.key")
    if set(fact.body) != {"key", "envelope"} or member is None or member.partner == PLATFORM:
        raise wrong("key", "no member of this id is known")
    partner = standing.partners[member.partner]
    reference = partner_reference(partner.id)
    check_envelope(standing, envelope, keys.ADMIT, text_digest(text), reference, "key")
    if envelope.partner != partner.id or not envelope.holds(partner.root_key):
        raise wrong("key", "the partner's root key did not sign this", "sign with the root key")
    standing.member_keys[member.id] = (text, partner.root_key)
    standing.last[reference] = fact.leaf


def _dataset(standing: Standing, fact: Fact) -> None:
    contract = parse_contract(bare(fact.body))
    if contract.owner not in standing.partners:
        raise wrong("dataset.owner", "no partner of this id is known")
    if contract.owner == PLATFORM and not contract.name.startswith(MAP_PREFIX):
        raise wrong("dataset.owner", "the platform owns nothing but its maps")
    for source in contract.derived_from:
        if source not in standing.contracts:
            raise wrong("dataset.derived_from", f"no dataset {source} is declared")
    own_fact(standing, fact, contract.owner)
    standing.contracts[contract.name] = contract
    standing.past_contracts[contract.digest] = contract
    standing.last[partner_reference(contract.owner)] = fact.leaf


def _charter(standing: Standing, fact: Fact) -> None:
    charter = parse_charter(fact.body)
    known = standing.charters.get(charter.reference)
    if charter.reference in standing.agreements:
        raise wrong("charter.reference", "an agreement has this reference")
    acceded = any(reference == charter.reference for reference, _ in standing.accessions)
    if known is not None and charter.version < known.version + acceded:
        raise wrong("charter.version", "a charter that is signed changes by a higher version")
    standing.charters[charter.reference] = charter
    standing.last[charter.reference] = fact.leaf


def _dpia(standing: Standing, fact: Fact) -> None:
    dpia = parse_dpia(fact.body)
    if dpia.approved_by not in standing.members:
        raise wrong("dpia.approved_by", "no member of this id is known")
    standing.dpias[dpia.digest] = dpia


def _agreement(standing: Standing, fact: Fact) -> None:
    terms = parse_terms(fact.body)
    versions = standing.agreements.get(terms.reference, ())
    if terms.reference in standing.charters:
        raise wrong("agreement.reference", "a charter has this reference")
    touched = bool(versions) and bool(
        versions[-1].signatures or versions[-1].withdrawals or versions[-1].suspensions
    )
    if versions and terms.version < versions[-1].terms.version + touched:
        raise wrong("agreement.version", "what is signed changes only by a higher version")
    if versions and terms.version == versions[-1].terms.version:
        versions = versions[:-1]
    problems = [
        *binding_problems(terms, standing.contracts),
        *_reference_problems(standing, terms),
    ]
    if problems:
        raise BadInput("The agreement cannot be taken.", problems)
    version = Version(terms, fact.at, fact.leaf)
    standing.agreements[terms.reference] = (*versions, version)
    standing.last[terms.reference] = fact.leaf


def _reference_problems(standing: Standing, terms: Terms) -> Iterator[Problem]:
    for party in terms.parties:
        if party.partner not in standing.partners:
            yield Problem("agreement.party", f"no partner {party.partner} is known")
    if terms.charter not in standing.charters:
        yield Problem("agreement.charter", "no charter of this reference is known")
    if terms.dpia and terms.dpia not in standing.dpias:
        yield Problem("agreement.dpia", "no DPIA of this digest is known")
    for reference in terms.rests_on:
        if reference not in standing.agreements:
            yield Problem("agreement.rests_on", f"no agreement {reference} is known")


def _act(standing: Standing, fact: Fact) -> None:
    envelope = parse_envelope(fact.body.get("envelope"), "act.envelope")
    reference = str(fact.body.get("reference"))
    if set(fact.body) != {"envelope", "reference"}:
        raise wrong("act", "an act is a reference and an envelope")
    member = standing.members.get(envelope.member)
    if member is None or member.partner != envelope.partner or SIGNATORY not in member.roles:
        raise wrong("act.member", "only a signatory of the partner may do this")
    key = standing.key_of(member.id)
    if not key or not envelope.holds(key):
        raise wrong("act.signature", "the member's admitted key did not sign this")
    if envelope.previous != standing.previous(reference):
        raise wrong("act.previous", "something was done on this reference since", "sign again")
    act = Act(envelope, fact.at, fact.leaf)
    if envelope.act == keys.ACCEDE:
        _accede(standing, reference, act)
    else:
        _act_on_agreement(standing, reference, act)
    standing.last[reference] = fact.leaf


def _accede(standing: Standing, reference: str, act: Act) -> None:
    charter, partner = standing.charters.get(reference), act.envelope.partner
    if charter is None:
        raise wrong("act.reference", "no charter of this reference is known")
    if act.envelope.subject != charter.accession(standing.partners[partner].root_key):
        raise wrong("act.subject", "this is not the digest of the charter with the root key")
    standing.accessions[reference, partner] = act


def _act_on_agreement(standing: Standing, reference: str, act: Act) -> None:
    envelope, partner = act.envelope, act.envelope.partner
    versions = standing.agreements.get(reference, ())
    found = next((v for v in versions if v.terms.digest == envelope.subject), None)
    if found is None:
        raise wrong("act.subject", "no version of the agreement has this digest")
    needed = required_parties(found.terms, standing.contracts)
    if partner not in needed:
        raise wrong("act.partner", "the partner is no party to this agreement")
    if envelope.act != keys.SIGN and not envelope.reason.strip():
        raise wrong("act.reason", "a reason is needed")
    changed = _changed(found, act, needed, versions[-1])
    standing.agreements[reference] = tuple(changed if v is found else v for v in versions)


def _changed(version: Version, act: Act, needed: tuple[str, ...], newest: Version) -> Version:
    partner = act.envelope.partner
    if partner in version.withdrawals:
        raise wrong("act", "the partner withdrew from this version", "propose a new version")
    match act.envelope.act:
        case keys.SIGN:
            if version is not newest:
                raise wrong("act.subject", "a newer version has been proposed")
            if partner in version.signatures:
                raise wrong("act", "the partner has signed already")
            signatures = {**version.signatures, partner: act}
            if partner == PLATFORM and set(needed) - set(signatures):
                raise wrong("act", "the platform signs last")
            complete = act.at if not set(needed) - set(signatures) else None
            return replace(version, signatures=signatures, completed=complete)
        case keys.WITHDRAW:
            return replace(version, withdrawals={**version.withdrawals, partner: act})
        case keys.SUSPEND:
            if partner in version.suspensions:
                raise wrong("act", "the partner has suspended it already")
            return replace(version, suspensions={**version.suspensions, partner: act})
        case keys.RESUME:
            if partner not in version.suspensions:
                raise wrong("act", "only who suspended an agreement can resume it")
            left = {who: what for who, what in version.suspensions.items() if who != partner}
            return replace(version, suspensions=left)
    raise wrong("act.act", "this is no act on an agreement")


def _deposit(standing: Standing, fact: Fact) -> None:
    def parse(fields: Fields) -> Any:
        return fields.make(
            Deposit,
            dataset=fields.text("dataset", like=DATASET),
            number=fields.whole("number", least=1),
            id=fields.text("id", like=DIGEST),
            contract=fields.text("contract", like=DIGEST),
            file=fields.text("file", like=DIGEST),
            rows=fields.whole("rows", least=0),
            quarantined=fields.whole("quarantined", least=0),
            member=fields.text("member", like=IDENTIFIER),
            at=fact.at,
            pins=_pins(fields),
        )

    deposit: Deposit = read(fact.body, DEPOSIT, parse, "The deposit")
    contract = standing.contracts.get(deposit.dataset)
    member = standing.members.get(deposit.member)
    if contract is None or contract.digest != deposit.contract:
        raise wrong("deposit.contract", "the dataset is not declared so")
    if not may_deposit(member, contract):
        raise wrong("deposit.member", "only a data engineer of the owner may deposit")
    if deposit.number != len(standing.deposits.get(deposit.dataset, ())) + 1:
        raise wrong("deposit.number", "somebody else deposited meanwhile", "deposit again")
    before = standing.deposits.get(deposit.dataset, ())
    standing.deposits[deposit.dataset] = (*before, deposit)


def _pins(fields: Fields) -> tuple[tuple[str, str], ...]:
    """(dataset, deposit) of what this was made from."""
    values = fields.raw("pins", [])
    for pin in values if isinstance(values, list) else [values]:
        match pin:
            case [str(dataset), str(deposit)]:
                if DATASET.fullmatch(dataset) and DIGEST.fullmatch(deposit):
                    continue
        fields.wrong("pins", "pairs of a dataset and the id of a deposit are needed here")
        return ()
    return tuple(sorted((dataset, deposit) for dataset, deposit in values))


def may_deposit(member: Member | None, contract: Contract) -> bool:
    """A data engineer of the owner may; the platform's linker deposits its maps."""
    if member is None or member.partner != contract.owner:
        return False
    return ENGINEER in member.roles or member.id == LINKER_MEMBER


def _fulfilment(standing: Standing, fact: Fact) -> None:
    def parse(fields: Fields) -> Any:
        return fields.make(
            Fulfilment,
            reference=fields.text("reference", like=REFERENCE),
            grant=fields.text("grant", like=GRANT),
            need=fields.choice("need", NEEDS),
            member=fields.text("member", "", like=IDENTIFIER),
            starts=_instant(fields, "starts"),
            ends=_instant(fields, "ends"),
        )

    fulfilment: Fulfilment = read(bare(fact.body), FULFILMENT, parse, "The fulfilment")
    version = standing.governing(fulfilment.reference)
    grant = version.terms.grant(fulfilment.grant) if version else None
    if version is None or grant is None or fulfilment.need not in grant.needs:
        raise wrong("fulfilment.grant", "no grant of this agreement has this need")
    if fulfilment.member and fulfilment.member not in standing.members:
        raise wrong("fulfilment.member", "no member of this id is known")
    if fulfilment.need == "training" and not fulfilment.member:
        raise wrong("fulfilment.member", "training is somebody's", "name the member")
    attesting = attested(standing, fact, fulfilment.reference)
    if attesting.partner not in _attesters(standing, version.terms, grant.owner, fulfilment):
        raise wrong("fulfilment.envelope", "this partner cannot attest that need")
    standing.fulfilments = (*standing.fulfilments, fulfilment)
    standing.last[fulfilment.reference] = fact.leaf


def _attesters(standing: Standing, terms: Terms, owner: str, fulfilment: Fulfilment) -> set[str]:
    """Approval is the owner's, activation any controller's, training the learner's partner's."""
    if fulfilment.need == "approval":
        return {owner}
    if fulfilment.need == "training":
        return {standing.members[fulfilment.member].partner}
    return {party.partner for party in terms.parties if party.role != "processor"}


def _instant(fields: Fields, name: str) -> datetime | None:
    text = fields.text(name)
    try:
        return parse_instant(text) if text is not None else None
    except ValueError:
        fields.wrong(name, "a time such as 2026-01-31T09:00:00Z is needed here")
        return None


def _objection(standing: Standing, fact: Fact) -> None:
    def parse(fields: Fields) -> Any:
        return fields.make(
            Objection,
            dataset=fields.text("dataset", like=DATASET),
            record=fields.text("record"),
            purposes=fields.texts("purposes"),
            lifted=fields.flag("lifted", False),
        )

    objection: Objection = read(bare(fact.body), OBJECTION, parse, "The objection")
    contract = standing.contracts.get(objection.dataset)
    if contract is None:
        raise wrong("objection.dataset", "no dataset of this name is declared")
    attesting = attested(standing, fact, partner_reference(contract.owner))
    if attesting.partner != contract.owner:
        raise wrong("objection.envelope", "the dataset's owner decides on objections")
    standing.objections[objection.dataset, objection.record] = objection
    standing.last[partner_reference(contract.owner)] = fact.leaf


_HANDLERS: Mapping[str, Callable[[Standing, Fact], None]] = {
    HOME: _home,
    PARTNER: _partner,
    MEMBER: _member,
    KEY: _key,
    DATASET_FACT: _dataset,
    CHARTER: _charter,
    DPIA: _dpia,
    AGREEMENT: _agreement,
    ACT: _act,
    DEPOSIT: _deposit,
    FULFILMENT: _fulfilment,
    OBJECTION: _objection,
}
