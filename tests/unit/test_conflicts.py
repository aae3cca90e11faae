"""Choices that do not go together: a sound agreement has none, and each fault is found alone."""

from collections.abc import Mapping
from typing import Any

import pytest

from commonthread.broker.rules.authored import parse_terms
from commonthread.broker.rules.contracts import Contract, parse_contract
from commonthread.broker.rules.standing import Partner
from commonthread.gateway.law import STOP, WARN, Conflict, conflicts, provisional

KINDS = {"ash": "county-council", "birch": "nhs-trust"}


def contract(owner: str, classification: str) -> Contract:
    return parse_contract(
        {
            "owner": owner,
            "id": "records",
            "title": "Records",
            "classification": classification,
            "delivery": "snapshot",
            "key": ["ref"],
            "column": [{"name": "ref", "type": "text"}, {"name": "need", "type": "text"}],
        }
    )


def party(partner: str, **said: Any) -> dict[str, Any]:
    return {
        "partner": partner,
        "role": "controller",
        "lawful_basis": "public-task",
        "condition": "health-or-social-care",
        "legal_power": "Health and Social Care Act 2012 s.251B",
        "confidentiality": "implied-consent-direct-care",
        "opt_out": "not-applicable-direct-care",
        **said,
    }


def grant(owner: str = "birch", **said: Any) -> dict[str, Any]:
    return {
        "id": "rows",
        "dataset": f"{owner}/records",
        "purpose": "care",
        "recipients": ["ash/team"],
        "mode": "rows",
        "columns": ["need"],
        "retention": "P30D",
        **said,
    }


def sound() -> dict[str, Any]:
    """Direct care between a council and a hospital: nothing is wrong with it."""
    return {
        "reference": "ISA-1",
        "title": "One",
        "charter": "CHARTER-1",
        "starts": "2026-01-01",
        "ends": "2026-12-31",
        "review": "2026-06-30",
        "dpia": "a" * 64,
        "party": [party("ash"), party("birch")],
        "purpose": [{"id": "care", "text": "To care."}],
        "grant": [grant()],
        "statement": [{"section": "rights", "text": "Ask either."}],
    }


def found(
    table: Mapping[str, Any],
    kinds: Mapping[str, str] | None = None,
    classification: str = "special-category",
) -> tuple[Conflict, ...]:
    kinds = {**KINDS, **(kinds or {})}
    partners = {id_: Partner(id_, id_.title(), kind, "") for id_, kind in kinds.items() if kind}
    contracts = {f"{id_}/records": contract(id_, classification) for id_ in kinds}
    return conflicts(parse_terms(dict(table)), partners, contracts)


def codes(*args: Any, **named: Any) -> list[tuple[str, str, str]]:
    return [(each.code, each.path, each.severity) for each in found(*args, **named)]


def changed(partner: str, **said: Any) -> dict[str, Any]:
    table = sound()
    table["party"] = [
        {**each, **said} if each["partner"] == partner else each for each in table["party"]
    ]
    return table


def test_a_sound_agreement_has_no_conflict() -> None:
    assert found(sound()) == ()


def test_every_conflict_says_how_to_mend_it() -> None:
    bare = changed("birch", condition="", confidentiality="", opt_out="")
    assert all(each.mend and each.message.endswith(".") for each in found(bare))


def test_a_power_that_does_not_bind_the_party() -> None:
    table = changed("birch", legal_power="Localism Act 2011 s.1")
    assert codes(table) == [("power-not-theirs", "party[birch].legal_power", STOP)]


def test_a_power_for_another_tier_of_council() -> None:
    table = changed("ash", legal_power="Housing Act 1996 Part 6")
    assert ("power-not-theirs", "party[ash].legal_power", STOP) in codes(table)


def test_a_wide_kind_is_not_accused_of_being_the_wrong_tier() -> None:
    table = changed("ash", legal_power="Housing Act 1996 Part 6")
    assert codes(table, {"ash": "council"}) == []


def test_a_power_that_leaves_health_bodies_out() -> None:
    table = changed("birch", legal_power="Digital Economy Act 2017 s.35 (multiple disadvantages)")
    assert codes(table)[0] == ("power-excludes", "party[birch].legal_power", STOP)


def test_a_power_that_leaves_the_other_side_out() -> None:
    table = changed("ash", legal_power="Digital Economy Act 2017 s.35 (multiple disadvantages)")
    assert codes(table) == [("power-excludes", "grant[rows]", STOP)]


def test_a_power_that_no_list_has() -> None:
    table = changed("ash", legal_power="Magna Carta 1215 c.39")
    assert codes(table) == [("power-unlisted", "party[ash].legal_power", WARN)]


def test_a_condition_in_place_of_a_power() -> None:
    table = changed("ash", legal_power="DPA 2018 Sch 1 para 2")
    assert codes(table) == [("power-missing", "party[ash].legal_power", STOP)]


def test_a_party_of_unknown_kind_is_named_and_not_judged() -> None:
    table = changed("birch", legal_power="Localism Act 2011 s.1")
    assert codes(table, {"birch": "circus"}) == [("kind-unknown", "party[birch]", WARN)]


def test_a_partner_that_is_not_known_is_named_and_not_judged() -> None:
    assert ("kind-unknown", "party[ash]", WARN) in codes(sound(), {"ash": ""})


def test_legitimate_interests_of_a_public_authority() -> None:
    table = changed("ash", lawful_basis="legitimate-interests")
    assert codes(table) == [("basis-closed-to-authority", "party[ash].lawful_basis", STOP)]


def test_recognised_legitimate_interests_of_a_public_authority() -> None:
    table = changed(
        "ash",
        lawful_basis="recognised-legitimate-interests",
        legal_power="Care Act 2014 s.6; UK GDPR Annex 1 para 6",
    )
    assert codes(table) == [("basis-closed-to-authority", "party[ash].lawful_basis", STOP)]


def test_legitimate_interests_of_a_care_provider_are_its_own_affair() -> None:
    table = changed("ash", lawful_basis="legitimate-interests")
    assert codes(table, {"ash": "care-provider"}) == []


def test_a_recognised_legitimate_interest_without_its_condition() -> None:
    table = changed("ash", lawful_basis="recognised-legitimate-interests")
    expected = [("annex-1-missing", "party[ash].legal_power", STOP)]
    assert codes(table, {"ash": "care-provider"}) == expected


def test_a_legal_obligation_from_a_power_that_leaves_a_choice() -> None:
    table = changed("ash", lawful_basis="legal-obligation", legal_power="Localism Act 2011 s.1")
    assert codes(table) == [("obligation-without-duty", "party[ash].lawful_basis", WARN)]


def test_a_legal_obligation_from_a_duty() -> None:
    table = changed("ash", lawful_basis="legal-obligation", legal_power="Care Act 2014 s.6")
    assert codes(table) == []


def test_consent_beside_a_duty() -> None:
    table = changed("ash", lawful_basis="consent")
    expected = [("consent-and-duty", "party[ash].lawful_basis", WARN)]
    assert codes(table, {"ash": "care-provider"}) == expected


def test_consent_given_to_a_public_authority() -> None:
    table = changed("ash", lawful_basis="consent", legal_power="Localism Act 2011 s.1")
    assert codes(table) == [("consent-of-authority", "party[ash].lawful_basis", WARN)]


def test_a_duty_that_waits_for_consent_goes_with_consent() -> None:
    table = changed("ash", lawful_basis="consent", legal_power="Housing Act 1996 s.213B")
    assert "consent-and-duty" not in [code for code, *_ in codes(table)]


def test_vital_interests_in_something_planned() -> None:
    table = changed("ash", lawful_basis="vital-interests")
    assert codes(table) == [("vital-interests-planned", "party[ash].lawful_basis", WARN)]


def test_substantial_public_interest_without_schedule_1() -> None:
    table = changed("ash", condition="substantial-public-interest")
    assert codes(table) == [("schedule-1-missing", "party[ash].legal_power", STOP)]


def test_a_paragraph_of_part_1_is_none_of_part_2() -> None:
    table = changed(
        "ash",
        condition="substantial-public-interest",
        legal_power="Care Act 2014 s.42; DPA 2018 Sch 1 para 2",
    )
    assert codes(table) == [("schedule-1-missing", "party[ash].legal_power", STOP)]


def safeguarding() -> dict[str, Any]:
    return changed(
        "ash",
        condition="substantial-public-interest",
        legal_power="Care Act 2014 s.42; DPA 2018 Sch 1 para 18",
    )


def test_a_condition_without_its_policy_document() -> None:
    assert codes(safeguarding()) == [("policy-document-missing", "party[ash].condition", WARN)]


def test_a_condition_with_its_policy_document() -> None:
    duty = {"id": "policy-document", "text": "Keep it.", "owner": "ash", "due": "2026-02-01"}
    assert codes({**safeguarding(), "duty": [duty]}) == []


def test_the_policy_document_of_another_party_is_none() -> None:
    duty = {"id": "policy-document", "text": "Keep it.", "owner": "birch", "due": "2026-02-01"}
    assert codes({**safeguarding(), "duty": [duty]}) == [
        ("policy-document-missing", "party[ash].condition", WARN)
    ]


def test_a_condition_of_part_1_that_needs_a_policy_document() -> None:
    table = changed("ash", condition="employment-social-security-and-protection")
    assert codes(table) == [("policy-document-missing", "party[ash].condition", WARN)]


def test_the_condition_of_care_for_a_body_that_does_not_care() -> None:
    table = changed("ash", legal_power="Civil Contingencies Act 2004 s.2")
    expected = ("condition-not-theirs", "party[ash].condition", WARN)
    assert expected in codes(table, {"ash": "fire"})


def test_special_category_data_without_a_condition() -> None:
    table = changed("ash", condition="")
    assert codes(table) == [("condition-missing", "party[ash].condition", STOP)]


def test_personal_data_need_no_condition() -> None:
    table = changed("ash", condition="")
    assert codes(table, classification="personal") == []


def test_a_party_that_neither_gives_nor_takes_needs_no_condition() -> None:
    table = sound()
    table["party"].append(party("cedar", condition="", legal_power="Care Act 2014 s.6"))
    assert codes(table, {"cedar": "police"}) == []


def test_one_missing_condition_is_one_conflict_with_all_its_grants() -> None:
    table = changed("ash", condition="")
    table["grant"].append(grant(id="more"))
    (conflict,) = found(table)
    assert conflict.grants == ("rows", "more")


def test_criminal_data_without_schedule_1() -> None:
    assert codes(sound(), classification="criminal") == [
        ("criminal-condition-missing", "party[ash].legal_power", STOP),
        ("criminal-condition-missing", "party[birch].legal_power", STOP),
    ]


def test_criminal_data_with_schedule_1() -> None:
    cited = "Health and Social Care Act 2012 s.251B; DPA 2018 Sch 1 para 30"
    table = changed("ash", legal_power=cited)
    assert codes(table, classification="criminal") == [
        ("criminal-condition-missing", "party[birch].legal_power", STOP)
    ]


def test_criminal_data_under_official_authority() -> None:
    table = sound()
    table["party"] = [
        party("ash", legal_power="Care Act 2014 s.6; DPA 2018 Sch 1 para 30"),
        party("birch", legal_power="Care Act 2014 s.6", condition="", confidentiality=""),
    ]
    assert codes(table, {"birch": "police"}, classification="criminal") == []


def test_patient_data_without_a_basis_for_confidentiality() -> None:
    table = changed("birch", confidentiality="", opt_out="national-data-opt-out")
    assert codes(table) == [("confidentiality-missing", "party[birch].confidentiality", STOP)]


def test_social_care_data_without_a_basis_for_confidentiality() -> None:
    table = changed("ash", confidentiality="", opt_out="local-objection")
    table["grant"] = [grant("ash", recipients=["birch/team"])]
    assert codes(table) == [("confidentiality-missing", "party[ash].confidentiality", WARN)]


def test_patient_data_beyond_direct_care_without_an_opt_out_rule() -> None:
    table = changed("birch", confidentiality="public-interest", opt_out="")
    assert codes(table) == [("opt-out-missing", "party[birch].opt_out", WARN)]


def test_section_251_without_an_opt_out_rule() -> None:
    table = changed("birch", confidentiality="section-251-support", opt_out="")
    assert codes(table) == [("opt-out-missing", "party[birch].opt_out", STOP)]


def test_direct_care_needs_no_opt_out_rule() -> None:
    assert codes(changed("birch", opt_out="")) == []


def test_section_251_with_another_opt_out_rule() -> None:
    table = changed("birch", confidentiality="section-251-support", opt_out="none")
    assert codes(table) == [("opt-out-contradicts", "party[birch].opt_out", WARN)]


def test_an_opt_out_for_direct_care_without_direct_care() -> None:
    table = changed("birch", confidentiality="public-interest")
    assert codes(table) == [("opt-out-contradicts", "party[birch].opt_out", WARN)]


def test_statistics_are_not_covered_by_implied_consent() -> None:
    table = sound()
    table["grant"] = [grant(mode="statistics")]
    assert codes(table) == [("implied-consent-reach", "grant[rows].mode", WARN)]


def test_implied_consent_does_not_reach_those_who_do_not_care() -> None:
    table = changed("ash", condition="vital-interests", legal_power="Care Act 2014 s.6")
    table["party"][1]["legal_power"] = "Care Act 2014 s.6"
    expected = [("implied-consent-reach", "grant[rows].recipients", WARN)]
    assert codes(table, {"ash": "police"}) == expected


def test_a_statute_that_lifts_no_confidence() -> None:
    table = changed(
        "ash", confidentiality="statutory-requirement", legal_power="Localism Act 2011 s.1"
    )
    table["party"][0]["opt_out"] = "local-objection"
    assert codes(table) == [("confidence-not-lifted", "party[ash].confidentiality", WARN)]


def test_a_statute_that_lifts_the_confidence() -> None:
    table = changed("ash", confidentiality="statutory-requirement", opt_out="local-objection")
    assert codes(table) == []


def test_a_basis_for_confidentiality_that_no_list_has() -> None:
    table = changed("ash", confidentiality="a-handshake")
    assert codes(table) == [("confidentiality-unlisted", "party[ash].confidentiality", WARN)]


def test_an_opt_out_rule_that_no_list_has() -> None:
    table = changed("ash", opt_out="by-letter")
    assert codes(table) == [("opt-out-unlisted", "party[ash].opt_out", WARN)]


def test_a_power_that_does_not_reach_the_recipients() -> None:
    table = changed("ash", condition="vital-interests", legal_power="Care Act 2014 s.6")
    table["party"][1] = party("birch", confidentiality="public-interest", opt_out="none")
    expected = [("power-does-not-reach", "grant[rows].recipients", WARN)]
    assert codes(table, {"ash": "police"}) == expected


def test_a_power_to_tell_anybody_reaches_the_recipients() -> None:
    table = changed("birch", legal_power="National Health Service Act 2006 s.82")
    assert codes(table) == []


def test_personal_data_for_the_public() -> None:
    table = sound()
    table["party"].append({"partner": "public", "role": "processor"})
    table["grant"] = [grant(recipients=["public/everyone"])]
    expected = ("personal-to-public", "grant[rows].recipients", STOP)
    assert expected in codes(table)


def test_open_data_for_the_public() -> None:
    table = sound()
    table["party"].append({"partner": "public", "role": "processor"})
    table["grant"] = [grant(recipients=["public/everyone"])]
    assert codes(table, classification="open") == []


def test_sensitive_data_without_an_assessment() -> None:
    table = sound()
    del table["dpia"]
    assert codes(table) == [("dpia-missing", "dpia", WARN)]


def test_joint_controllers_without_an_arrangement() -> None:
    table = changed("ash", role="joint")
    del table["statement"]
    assert codes(table) == [("joint-without-arrangement", "statement[rights]", WARN)]


def test_joint_controllers_with_an_arrangement() -> None:
    assert codes(changed("ash", role="joint")) == []


def test_a_processor_needs_no_basis_of_its_own() -> None:
    table = sound()
    table["party"].append({"partner": "commonthread", "role": "processor"})
    assert codes(table) == []


def test_another_processor_needs_none_either() -> None:
    table = sound()
    table["party"].append({"partner": "cedar", "role": "processor"})
    table["grant"] = [grant(recipients=["ash/team", "cedar/team"])]
    assert codes(table, {"cedar": "care-provider"}) == []


def test_personal_data_of_a_care_body_are_not_confidential_care_data() -> None:
    table = changed("birch", confidentiality="", opt_out="")
    assert codes(table, classification="personal") == []


def test_a_dataset_that_is_not_known_is_passed_over() -> None:
    partners = {id_: Partner(id_, id_, kind, "") for id_, kind in KINDS.items()}
    assert conflicts(parse_terms(changed("ash", condition="")), partners, {}) == ()


@pytest.mark.parametrize("severity", [STOP, WARN])
def test_only_a_stop_stops(severity: str) -> None:
    assert Conflict("a", "b", "c", "d", severity).stops is (severity == STOP)


def unfinished(table: dict[str, Any], classification: str = "special-category") -> list[str]:
    """The codes of what is found in a draft as far as it goes."""
    seen = provisional(table).terms
    assert seen is not None
    partners = {id_: Partner(id_, id_, kind, "") for id_, kind in KINDS.items()}
    contracts = {f"{id_}/records": contract(id_, classification) for id_ in KINDS}
    return [each.code for each in conflicts(seen, partners, contracts)]


def test_a_finished_draft_is_read_as_it_is() -> None:
    seen = provisional(sound())
    assert seen.terms == parse_terms(sound())
    assert seen.left_out == ()


@pytest.mark.parametrize(
    "name", ["reference", "title", "charter", "starts", "ends", "review", "statement"]
)
def test_what_a_draft_does_not_say_yet_is_no_conflict(name: str) -> None:
    table = sound()
    del table[name]
    assert unfinished(table) == []


def test_a_power_that_is_not_chosen_yet_is_no_conflict() -> None:
    table = sound()
    for each in table["party"]:
        del each["legal_power"], each["lawful_basis"]
    assert unfinished(table) == []


def test_a_fault_shows_while_the_rest_is_missing() -> None:
    table = {"party": [party("birch", legal_power="Localism Act 2011 s.1"), party("ash")]}
    table |= {"purpose": sound()["purpose"], "grant": sound()["grant"]}
    assert unfinished(table) == ["power-not-theirs", "dpia-missing"]


def test_a_grant_without_columns_is_left_out_and_named() -> None:
    table = sound()
    table["grant"].append(grant(id="later", columns=[]))
    seen = provisional(table)
    assert seen.left_out == ("grant[later]",)
    assert seen.terms is not None
    assert [each.id for each in seen.terms.grants] == ["rows"]


def test_what_is_left_out_is_named_by_its_own_id() -> None:
    table = sound()
    table["grant"] = [grant(id="a", columns=[]), grant(id="b", mode="dance"), grant(id="c")]
    assert provisional(table).left_out == ("grant[a]", "grant[b]")


def test_a_duty_without_an_owner_is_left_out() -> None:
    table = {**sound(), "duty": [{"id": "train", "text": "Train.", "owner": "elm", "due": "soon"}]}
    assert provisional(table).left_out == ("duty[train]",)


def test_a_duty_of_somebody_who_is_no_party_is_left_out() -> None:
    duty = {"id": "train", "text": "Train.", "owner": "elm", "due": "2026-02-01"}
    assert provisional({**sound(), "duty": [duty]}).left_out == ("duty[train]",)


def test_dates_that_cannot_be_are_put_aside() -> None:
    seen = provisional({**sound(), "ends": "2025-01-01"})
    assert seen.terms is not None
    assert seen.left_out == ("ends",)


def test_a_field_that_is_not_known_is_put_aside() -> None:
    assert provisional({**sound(), "colour": "red"}).left_out == ("colour",)


def test_rows_and_statistics_on_one_person_can_be_looked_at() -> None:
    counts = grant(id="counts", mode="statistics", person="pseudonym")
    table = {**sound(), "rests_on": ["ISA-0"], "grant": [grant(person="pseudonym"), counts]}
    seen = provisional(table)
    assert seen.terms is not None
    assert seen.left_out == ("single_out",)


def test_without_parties_there_is_nothing_to_look_at() -> None:
    assert provisional({**sound(), "party": []}).terms is None


@pytest.mark.parametrize("name", ["purpose", "grant"])
def test_parties_can_be_looked_at_before_anything_is_granted(name: str) -> None:
    table = {**changed("birch", legal_power="Localism Act 2011 s.1"), name: []}
    assert unfinished(table) == ["power-not-theirs"]


def test_the_draft_itself_is_not_changed() -> None:
    table = {**sound(), "colour": "red"}
    provisional(table)
    assert table == {**sound(), "colour": "red"}
