"""The standing refuses every fact that no honest ledger can hold; one dishonesty per test."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from factories import (
    CHARTER_REFERENCE,
    REFERENCE,
    County,
    agreement,
    dataset,
    grant,
    home_standing,
    signed,
)

from commonthread.broker.rules import keys
from commonthread.broker.rules.errors import BadInput
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
from commonthread.broker.rules.keys import public_key, sign
from commonthread.broker.rules.replay import apply
from commonthread.broker.rules.standing import (
    ENGINEER,
    LINKER_MEMBER,
    SERVICE_MEMBER,
    SIGNATORY,
    Standing,
    partner_reference,
)
from commonthread.broker.rules.terms import PLATFORM

STRANGER = Ed25519PrivateKey.generate()
VISITS = "ash/visits"


@pytest.fixture
def county() -> County:
    """Two partners that acceded, and an agreement that both signed."""
    return signed(
        [dataset("ash", "visits", {"ref": "text"})],
        [grant("rows", VISITS, ["ref"], recipients=["birch/team"], needs=["approval", "training"])],
        on_withdrawal="continue-without",
    )


@pytest.fixture
def draft(county: County) -> County:
    """A second version that nobody signed yet."""
    table = county.standing.governing(REFERENCE).terms  # type: ignore[union-attr]
    county.propose(replace(table, version=2, title="Two"))
    return county


def snapshot(standing: Standing) -> Standing:
    return standing.copy()


def refuses(county: County, kind: str, body: Mapping[str, Any], fault: str) -> None:
    """The fact is refused for this, and the standing is as it was."""
    before = county.standing.copy()
    with pytest.raises(BadInput) as raised:
        county.add(kind, body)
    assert [problem.where for problem in raised.value.problems] == [fault]
    assert county.standing == before


# The ledger as a whole


def test_an_unknown_kind_of_fact(county: County) -> None:
    refuses(county, "permission", {}, "permission")


def test_a_fact_earlier_than_the_one_before(county: County) -> None:
    county.at -= timedelta(hours=1)
    refuses(county, CHARTER, {}, CHARTER)


def test_two_facts_of_one_instant_are_taken(county: County) -> None:
    county.at -= timedelta(seconds=1)
    county.withdraw(REFERENCE, "birch")


def test_a_second_home(county: County) -> None:
    refuses(county, HOME, county.facts[0].body, HOME)


def test_a_fact_before_the_home(county: County) -> None:
    fact = county.facts[1]
    with pytest.raises(BadInput):
        apply(Standing(), fact)


def test_a_home_with_no_service_key(county: County) -> None:
    with pytest.raises(BadInput):
        apply(Standing(), replace(county.facts[0], body={"origin": "x", "service_key": "none"}))


def test_the_same_facts_make_the_same_standing(county: County) -> None:
    again = Standing()
    for fact in county.facts:
        apply(again, fact)
    assert again == county.standing


def test_a_copy_does_not_touch_the_standing(county: County) -> None:
    before, tried = snapshot(county.standing), county.standing.copy()
    body = {"id": "elm", "name": "Elm", "kind": "council", "root_key": str(public_key(STRANGER))}
    apply(tried, Fact(PARTNER, body, county.at, "0" * 64))
    assert "elm" in tried.partners
    assert county.standing == before


# A partner's own facts


def new_partner(**fields: Any) -> dict[str, Any]:
    root = str(public_key(STRANGER))
    return {"id": "elm", "name": "Elm", "kind": "council", "root_key": root, **fields}


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"root_key": "none"}, "partner.root_key"),
        ({"id": "Elm"}, "partner.id"),
        ({"id": PLATFORM}, "partner.id"),
        ({"colour": "blue"}, "partner.colour"),
        ({"envelope": {}}, "partner"),
    ],
)
def test_a_partner_refuses(county: County, fields: dict[str, Any], fault: str) -> None:
    refuses(county, PARTNER, new_partner(**fields), fault)


def own_facts(county: County) -> dict[str, dict[str, Any]]:
    """One honest fact of each kind that a partner states about itself."""
    ash = county.standing.partners["ash"]
    contract = county.standing.contracts[VISITS]
    return {
        PARTNER: {"id": "ash", "name": "New", "kind": "council", "root_key": ash.root_key},
        MEMBER: {"id": "new.one", "name": "New", "partner": "ash", "groups": ["ash/team"]},
        DATASET_FACT: replace(contract, title="New").to_plain(),
    }


def declared(county: County, kind: str, **changes: Any) -> dict[str, Any]:
    """The fact with its envelope by the root key; `changes` are made before it is signed."""
    body = own_facts(county)[kind]
    private = changes.pop("private", county.root_keys["ash"])
    values = {
        "act": keys.DECLARE,
        "subject": fact_digest(kind, body),
        "member": "sign.ash",
        "reference": partner_reference("ash"),
    } | changes
    envelope = county.envelope(**values, private=private)
    return body | {"envelope": envelope.to_plain()}


OWN = pytest.mark.parametrize("kind", [PARTNER, MEMBER, DATASET_FACT])


@OWN
def test_an_own_fact_under_the_root_key_is_taken(county: County, kind: str) -> None:
    county.add(kind, declared(county, kind))


@OWN
def test_an_own_fact_without_the_root_key_after_accession(county: County, kind: str) -> None:
    refuses(county, kind, own_facts(county)[kind], kind)


@OWN
def test_an_own_fact_signed_by_a_member(county: County, kind: str) -> None:
    refuses(county, kind, declared(county, kind, private=county.keys["sign.ash"]), kind)


@OWN
def test_an_own_fact_signed_by_another_partner(county: County, kind: str) -> None:
    body = declared(county, kind, private=county.root_keys["birch"], member="sign.birch")
    refuses(county, kind, body, kind)


@OWN
def test_an_own_fact_whose_signature_is_about_another(county: County, kind: str) -> None:
    refuses(county, kind, declared(county, kind, subject="a" * 64), kind)


@OWN
def test_an_own_fact_under_another_act(county: County, kind: str) -> None:
    refuses(county, kind, declared(county, kind, act=keys.ATTEST), kind)


@OWN
def test_an_own_fact_that_is_played_again(county: County, kind: str) -> None:
    body = declared(county, kind)
    county.add(kind, body)
    refuses(county, kind, body, kind)


def test_a_partner_keeps_the_credentials_it_once_recorded(county: County) -> None:
    before = county.standing.partners["ash"].credentials
    county.add(PARTNER, declared(county, PARTNER))
    assert county.standing.partners["ash"].credentials == before


def new_member(**fields: Any) -> dict[str, Any]:
    return {"id": "new.one", "name": "New", "partner": "elm", **fields}


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"partner": "oak"}, "member.partner"),
        ({"partner": PLATFORM}, "member.partner"),
        ({"id": "sign.ash"}, "member.id"),
        ({"id": SERVICE_MEMBER}, "member.id"),
        ({"roles": ["king"]}, "member.roles"),
        ({"roles": [SIGNATORY, ENGINEER]}, "member.roles"),
        ({"roles": [SIGNATORY], "groups": ["elm/team"]}, "member.roles"),
        ({"groups": ["ash/team"]}, "member.groups"),
        ({"groups": ["team"]}, "member.groups[0]"),
    ],
)
def test_a_member_refuses(county: County, fields: dict[str, Any], fault: str) -> None:
    county.add_partner("elm")
    refuses(county, MEMBER, new_member(**fields), fault)


# Keys of members


def admission(county: County, **changes: Any) -> dict[str, Any]:
    text = changes.pop("key", str(public_key(STRANGER)))
    values = {
        "act": keys.ADMIT,
        "subject": text_digest(text),
        "member": "sign.ash",
        "reference": partner_reference("ash"),
        "private": county.root_keys["ash"],
    } | changes
    return {"key": text, "envelope": county.envelope(**values).to_plain()}


def test_a_key_that_the_root_key_admits(county: County) -> None:
    county.add(KEY, admission(county))
    assert county.standing.key_of("sign.ash") == str(public_key(STRANGER))


def test_a_key_that_admits_itself(county: County) -> None:
    refuses(county, KEY, admission(county, private=STRANGER), KEY)


def test_a_key_that_another_partner_admits(county: County) -> None:
    refuses(county, KEY, admission(county, private=county.root_keys["birch"]), KEY)


def test_a_key_other_than_the_one_admitted(county: County) -> None:
    refuses(county, KEY, admission(county, subject=text_digest("another")), KEY)


def test_a_key_admitted_under_another_act(county: County) -> None:
    refuses(county, KEY, admission(county, act=keys.DECLARE), KEY)


def test_a_key_for_the_platform(county: County) -> None:
    refuses(county, KEY, admission(county, member=SERVICE_MEMBER), KEY)


def test_an_admission_played_again(county: County) -> None:
    body = admission(county)
    county.add(KEY, body)
    refuses(county, KEY, body, KEY)


def test_what_is_no_key(county: County) -> None:
    refuses(county, KEY, admission(county, key="ed25519:none"), "key.key")


def test_a_new_root_key_ends_the_keys_that_the_old_one_admitted(county: County) -> None:
    county.add_partner("ash", root_key=STRANGER)
    assert county.standing.key_of("sign.ash") == ""


# Datasets, charters, assessments


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"owner": "oak"}, "dataset.owner"),
        ({"owner": PLATFORM}, "dataset.owner"),
        ({"derived_from": ["oak/unknown"]}, "dataset.derived_from"),
    ],
)
def test_a_dataset_refuses(county: County, fields: dict[str, Any], fault: str) -> None:
    county.add_partner("elm")
    table = county.standing.contracts[VISITS].to_plain() | {"owner": "elm"} | fields
    refuses(county, DATASET_FACT, table, fault)


def charter_table(county: County, **changes: Any) -> dict[str, Any]:
    return county.standing.charters[CHARTER_REFERENCE].to_plain() | changes


def test_a_charter_that_changes_without_a_higher_version(county: County) -> None:
    refuses(county, CHARTER, charter_table(county, title="Other"), "charter.version")


def test_a_charter_with_the_reference_of_an_agreement(county: County) -> None:
    refuses(county, CHARTER, charter_table(county, reference=REFERENCE), "charter.reference")


def test_an_assessment_approved_by_nobody(county: County) -> None:
    with pytest.raises(BadInput):
        county.add_dpia("nobody")
    assert DPIA not in [fact.kind for fact in county.facts]


# Agreements


def proposal(county: County, **changes: Any) -> dict[str, Any]:
    version = county.standing.newest(REFERENCE)
    assert version is not None
    return version.terms.to_plain() | {"version": 2} | changes


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"version": 1}, "agreement.version"),
        ({"reference": CHARTER_REFERENCE}, "agreement.reference"),
        ({"charter": "CHARTER-9"}, "agreement.charter"),
        ({"dpia": "a" * 64}, "agreement.dpia"),
        ({"rests_on": ["ISA-9"]}, "agreement.rests_on"),
    ],
)
def test_an_agreement_refuses(county: County, changes: dict[str, Any], fault: str) -> None:
    refuses(county, AGREEMENT, proposal(county, **changes), fault)


def test_an_agreement_over_a_dataset_that_nobody_declared(county: County) -> None:
    table = agreement(
        [grant("rows", "ash/nothing", ["ref"], recipients=["ash/team"])], reference="ISA-9"
    )
    refuses(county, AGREEMENT, table, "agreement.grant[rows].dataset")


def test_an_agreement_with_a_party_that_nobody_knows(county: County) -> None:
    parties = [*proposal(county)["party"], {"partner": "oak", "role": "processor"}]
    refuses(county, AGREEMENT, proposal(county, party=parties), "agreement.party")


def test_an_unknown_clause_never_widens_access(county: County) -> None:
    refuses(county, AGREEMENT, proposal(county, only_if="noon"), "agreement.only_if")


# Acts


def acted(county: County, act: str, partner: str = "ash", **changes: Any) -> dict[str, Any]:
    """An honest act on the newest version, parts of which are changed before it is signed."""
    reference = changes.pop("on", REFERENCE)
    version = county.standing.newest(reference)
    values = {
        "act": act,
        "subject": version.terms.digest if version else "a" * 64,
        "member": f"sign.{partner}",
        "reference": reference,
        "reason": "Because.",
    } | changes
    envelope = county.envelope(**values)
    return {"reference": reference, "envelope": envelope.to_plain()}


def test_an_act_by_a_member_who_is_no_signatory(county: County) -> None:
    refuses(county, ACT, acted(county, keys.WITHDRAW, member="eng.ash"), "act.member")


def test_an_act_for_another_partner(county: County) -> None:
    body = acted(county, keys.WITHDRAW)
    unsigned = keys.parse_envelope(body["envelope"])
    forged = sign(replace(unsigned, partner="birch"), county.keys["sign.ash"])
    refuses(county, ACT, body | {"envelope": forged.to_plain()}, "act.member")


def test_an_act_by_a_key_that_was_never_admitted(county: County) -> None:
    refuses(county, ACT, acted(county, keys.WITHDRAW, private=STRANGER), "act.signature")


def test_an_act_by_the_root_key(county: County) -> None:
    body = acted(county, keys.WITHDRAW, private=county.root_keys["ash"])
    refuses(county, ACT, body, "act.signature")


def test_an_act_by_a_key_whose_root_key_is_gone(county: County) -> None:
    county.add_partner("ash", root_key=STRANGER)
    refuses(county, ACT, acted(county, keys.WITHDRAW), "act.signature")


def test_an_act_that_was_changed_after_it_was_signed(county: County) -> None:
    body = acted(county, keys.WITHDRAW)
    body["envelope"] = body["envelope"] | {"reason": "Another."}
    refuses(county, ACT, body, "act.signature")


def test_an_act_played_again(county: County) -> None:
    body = acted(county, keys.SUSPEND)
    county.add(ACT, body)
    county.resume(REFERENCE, "ash")
    refuses(county, ACT, body, "act.previous")


def test_an_act_signed_before_something_else_was_done(county: County) -> None:
    body = acted(county, keys.WITHDRAW)
    county.suspend(REFERENCE, "birch")
    refuses(county, ACT, body, "act.previous")


def test_an_act_on_another_version(county: County) -> None:
    refuses(county, ACT, acted(county, keys.WITHDRAW, subject="a" * 64), "act.subject")


def test_an_act_on_no_agreement(county: County) -> None:
    refuses(county, ACT, acted(county, keys.WITHDRAW, on="ISA-9"), "act.subject")


def test_an_act_with_more_in_it(county: County) -> None:
    refuses(county, ACT, acted(county, keys.WITHDRAW) | {"also": "this"}, "act")


def test_an_act_of_a_partner_that_is_no_party(county: County) -> None:
    county.add_partner("elm")
    county.add_member("sign.elm", "elm", roles=[SIGNATORY])
    refuses(county, ACT, acted(county, keys.WITHDRAW, "elm"), "act.partner")


@pytest.mark.parametrize("act", [keys.WITHDRAW, keys.SUSPEND, keys.RESUME])
def test_an_act_without_a_reason(county: County, act: str) -> None:
    refuses(county, ACT, acted(county, act, reason=""), "act.reason")


def test_an_act_that_is_none_on_an_agreement(county: County) -> None:
    refuses(county, ACT, acted(county, keys.DECLARE), "act.act")


def test_a_second_signature(county: County) -> None:
    refuses(county, ACT, acted(county, keys.SIGN), "act")


def test_a_signature_on_what_was_superseded(draft: County) -> None:
    old = draft.standing.agreements[REFERENCE][0].terms.digest
    refuses(draft, ACT, acted(draft, keys.SIGN, subject=old), "act.subject")


def test_a_signature_after_a_withdrawal(draft: County) -> None:
    draft.add(ACT, acted(draft, keys.WITHDRAW))
    refuses(draft, ACT, acted(draft, keys.SIGN), "act")


def test_a_second_suspension(county: County) -> None:
    county.suspend(REFERENCE, "ash")
    refuses(county, ACT, acted(county, keys.SUSPEND), "act")


def test_a_resumption_by_another_partner(county: County) -> None:
    county.suspend(REFERENCE, "ash")
    refuses(county, ACT, acted(county, keys.RESUME, "birch"), "act")


def test_an_agreement_is_complete_at_its_last_signature_and_not_before(draft: County) -> None:
    draft.sign(REFERENCE, "ash")
    assert draft.standing.governing(REFERENCE).terms.version == 1  # type: ignore[union-attr]
    draft.sign(REFERENCE, "birch")
    governing = draft.standing.governing(REFERENCE)
    assert governing is not None
    assert (governing.terms.version, governing.completed) == (2, draft.at)


def test_the_platform_signs_last() -> None:
    county = signed(
        [dataset("ash", "visits", {"ref": "text"})],
        [grant("rows", VISITS, ["ref"], recipients=["birch/team"], person="pseudonym")],
    )
    linkage = next(name for name in county.standing.agreements if name != REFERENCE)
    version = county.standing.newest(linkage)
    assert version is not None
    county.propose(replace(version.terms, version=2))
    refuses(county, ACT, acted(county, keys.SIGN, member=SERVICE_MEMBER, on=linkage), "act")


def test_an_accession_to_no_charter(county: County) -> None:
    body = acted(county, keys.ACCEDE, on="CHARTER-9")
    refuses(county, ACT, body, "act.reference")


def test_an_accession_that_pins_another_root_key(county: County) -> None:
    charter = county.standing.charters[CHARTER_REFERENCE]
    subject = charter.accession(str(public_key(STRANGER)))
    body = acted(county, keys.ACCEDE, on=CHARTER_REFERENCE, subject=subject)
    refuses(county, ACT, body, "act.subject")


def test_an_accession_to_the_bare_charter(county: County) -> None:
    subject = county.standing.charters[CHARTER_REFERENCE].digest
    body = acted(county, keys.ACCEDE, on=CHARTER_REFERENCE, subject=subject)
    refuses(county, ACT, body, "act.subject")


# Deposits


def delivery(county: County, **changes: Any) -> dict[str, Any]:
    return {
        "dataset": VISITS,
        "number": 1,
        "id": "a" * 64,
        "contract": county.standing.contracts[VISITS].digest,
        "file": "b" * 64,
        "rows": 3,
        "quarantined": 0,
        "member": "eng.ash",
    } | changes


def test_an_honest_deposit(county: County) -> None:
    county.add(DEPOSIT, delivery(county))
    assert len(county.standing.pinned(VISITS)) == 1


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"member": "eng.birch"}, "deposit.member"),
        ({"member": "sign.ash"}, "deposit.member"),
        ({"member": LINKER_MEMBER}, "deposit.member"),
        ({"member": "nobody"}, "deposit.member"),
        ({"contract": "c" * 64}, "deposit.contract"),
        ({"dataset": "ash/unknown"}, "deposit.contract"),
        ({"number": 2}, "deposit.number"),
        ({"number": 0}, "deposit.number"),
        ({"rows": -1}, "deposit.rows"),
        ({"file": "visits.csv"}, "deposit.file"),
        ({"comment": "x"}, "deposit.comment"),
    ],
)
def test_a_deposit_refuses(county: County, changes: dict[str, Any], fault: str) -> None:
    refuses(county, DEPOSIT, delivery(county, **changes), fault)


@pytest.mark.parametrize("pins", [7, [7], ["ab", [1, 2]], [["ash/visits"]]])
def test_a_deposit_with_pins_that_are_none(county: County, pins: Any) -> None:
    refuses(county, DEPOSIT, delivery(county, pins=pins), "deposit.pins")


# Fulfilments and objections


def attested(
    county: County, kind: str, body: dict[str, Any], reference: str, **changes: Any
) -> dict[str, Any]:
    values = {
        "act": keys.ATTEST,
        "subject": fact_digest(kind, body),
        "member": "sign.ash",
        "reference": reference,
    } | changes
    return body | {"envelope": county.envelope(**values).to_plain()}


def fulfilled(county: County, changes: dict[str, Any], **signing: Any) -> dict[str, Any]:
    body = {
        "reference": REFERENCE,
        "grant": "rows",
        "need": "approval",
        "starts": "2026-01-01T00:00:00Z",
        "ends": "2027-01-01T00:00:00Z",
    } | changes
    return attested(county, FULFILMENT, body, REFERENCE, **signing)


def test_an_approval_by_the_discloser(county: County) -> None:
    county.add(FULFILMENT, fulfilled(county, {}))
    assert len(county.standing.fulfilments) == 1


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"need": "activation"}, "fulfilment.grant"),
        ({"grant": "other"}, "fulfilment.grant"),
        ({"reference": "ISA-9"}, "fulfilment.grant"),
        ({"need": "luck"}, "fulfilment.need"),
        ({"member": "nobody"}, "fulfilment.member"),
        ({"need": "training"}, "fulfilment.member"),
        ({"need": "training", "member": "in.team"}, "fulfilment.envelope"),
        ({"ends": "2027-01-01"}, "fulfilment.ends"),
        ({"always": True}, "fulfilment.always"),
    ],
)
def test_a_fulfilment_refuses(county: County, changes: dict[str, Any], fault: str) -> None:
    refuses(county, FULFILMENT, fulfilled(county, changes), fault)


def test_an_approval_by_the_one_who_asks(county: County) -> None:
    refuses(county, FULFILMENT, fulfilled(county, {}, member="sign.birch"), "fulfilment.envelope")


@pytest.mark.parametrize(
    "signing",
    [
        {"member": "eng.ash"},
        {"private": STRANGER},
        {"subject": "a" * 64},
        {"act": keys.DECLARE},
    ],
)
def test_an_attestation_that_is_not_signed_so(county: County, signing: dict[str, Any]) -> None:
    refuses(county, FULFILMENT, fulfilled(county, {}, **signing), FULFILMENT)


def test_an_attestation_played_again(county: County) -> None:
    body = fulfilled(county, {})
    county.add(FULFILMENT, body)
    refuses(county, FULFILMENT, body, FULFILMENT)


def objected(county: County, changes: dict[str, Any], **signing: Any) -> dict[str, Any]:
    body = {"dataset": VISITS, "record": "1:7", "purposes": [f"{REFERENCE}/care"]} | changes
    return attested(county, OBJECTION, body, partner_reference("ash"), **signing)


def test_an_objection_upheld_by_the_owner(county: County) -> None:
    county.add(OBJECTION, objected(county, {}))
    assert (VISITS, "1:7") in county.standing.objections


def test_an_objection_upheld_by_another_partner(county: County) -> None:
    body = objected(county, {}, member="sign.birch")
    refuses(county, OBJECTION, body, "objection.envelope")


def test_an_objection_about_no_dataset(county: County) -> None:
    refuses(county, OBJECTION, objected(county, {"dataset": "ash/no"}), "objection.dataset")


def test_an_objection_lifted_without_a_signature(county: County) -> None:
    body = objected(county, {})
    county.add(OBJECTION, body)
    refuses(county, OBJECTION, body | {"lifted": True}, OBJECTION)


@pytest.mark.parametrize("kind", [ACT, KEY, FULFILMENT, OBJECTION])
def test_a_signed_fact_without_its_signature(county: County, kind: str) -> None:
    makers: dict[str, Callable[[], dict[str, Any]]] = {
        ACT: lambda: acted(county, keys.WITHDRAW),
        KEY: lambda: admission(county),
        FULFILMENT: lambda: fulfilled(county, {}),
        OBJECTION: lambda: objected(county, {}),
    }
    body = makers[kind]()
    del body["envelope"]
    with pytest.raises(BadInput) as raised:
        county.add(kind, body)
    assert {problem.where.split(".")[1] for problem in raised.value.problems} == {"envelope"}


def test_an_empty_home_knows_the_platform_only() -> None:
    county = home_standing()
    assert set(county.standing.partners) <= {PLATFORM}
