"""The maintained lists: complete, honest about what was checked, and found by their citations."""

from dataclasses import replace

import pytest

from commonthread.broker.rules.errors import BadInput
from commonthread.broker.rules.fields import IDENTIFIER
from commonthread.broker.rules.terms import CONDITIONS as CONDITION_IDS
from commonthread.broker.rules.terms import LAWFUL_BASES
from commonthread.gateway.law import (
    ANNEX_1,
    ARTICLE_10,
    BASES,
    CLASSES,
    CONDITIONS,
    CONFIDENTIALITY,
    KINDS,
    OPT_OUTS,
    POWERS,
    SCHEDULE_1,
    Entry,
    choices,
    citations,
    in_words,
    is_one_of,
)
from commonthread.gateway.law.entry import listed

LISTS = (BASES, ANNEX_1, CONDITIONS, SCHEDULE_1, POWERS, CONFIDENTIALITY, OPT_OUTS)
ENTRIES: list[Entry] = [ARTICLE_10, *(entry for each in LISTS for entry in each.values())]
NAMED = (
    "dea-multiple-disadvantages",
    "dea-debt",
    "dea-fraud",
    "dea-research",
    "dea-statistics",
    "registration-service-act-19aa",
    "civil-contingencies-act",
    "contingency-planning-regulations",
    "care-act-6",
    "care-act-7",
    "care-act-42",
    "care-act-45",
    "children-act-10",
    "children-act-11",
    "children-information-sharing-duty",
    "hsca-251b",
    "copi-regulation-3",
    "copi-regulation-5",
    "crime-and-disorder-act-115",
    "localism-act-1",
    "local-government-act-111",
    "homelessness-duty-to-refer",
    "fire-and-rescue-services-act-6",
    "police-act-30",
    "education-act-2002-175",
)


def test_the_bases_are_those_of_the_terms() -> None:
    assert tuple(sorted(BASES)) == tuple(sorted(LAWFUL_BASES))


def test_the_conditions_are_those_of_the_terms() -> None:
    assert tuple(CONDITIONS) == CONDITION_IDS


def test_annex_1_has_five_conditions() -> None:
    assert len(ANNEX_1) == 5


@pytest.mark.parametrize("id_", NAMED)
def test_the_powers_that_agreements_need_are_listed(id_: str) -> None:
    assert id_ in POWERS


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: f"{type(entry).__name__}-{entry.id}")
def test_an_entry_that_nobody_checked_asks_to_be_verified(entry: Entry) -> None:
    assert entry.checked is not None or entry.verify


def test_what_the_research_could_not_read_asks_to_be_verified() -> None:
    unsure = ("children-information-sharing-duty", "dea-debt", "dea-fraud", "dea-fuel-poverty")
    assert all(POWERS[id_].verify for id_ in unsure)
    assert POWERS["registration-service-act-19aa"].verify
    assert POWERS["contingency-planning-regulations"].verify


@pytest.mark.parametrize("id_", ["implied-consent-direct-care", "section-251-support"])
def test_the_county_speaks_of_confidentiality_as_the_list_does(id_: str) -> None:
    assert id_ in CONFIDENTIALITY


@pytest.mark.parametrize("id_", ["national-data-opt-out", "not-applicable-direct-care", "none"])
def test_the_county_speaks_of_opt_outs_as_the_list_does(id_: str) -> None:
    assert id_ in OPT_OUTS


def test_ids_can_stand_in_the_fields_of_a_party() -> None:
    assert all(IDENTIFIER.fullmatch(entry.id) for entry in ENTRIES)


def test_substantial_public_interest_needs_part_2_and_a_policy_document() -> None:
    condition = CONDITIONS["substantial-public-interest"]
    assert condition.part == 2
    assert any("policy document" in need for need in condition.needs)


@pytest.mark.parametrize("id_", [each for each in SCHEDULE_1 if SCHEDULE_1[each].part == 2])
def test_part_2_needs_a_policy_document(id_: str) -> None:
    assert SCHEDULE_1[id_].policy_document


@pytest.mark.parametrize("number", [2, 3, 4])
def test_health_and_research_in_part_1_need_no_policy_document(number: int) -> None:
    assert not SCHEDULE_1[f"sch-1-para-{number}"].policy_document


def test_employment_and_social_protection_needs_a_policy_document() -> None:
    assert SCHEDULE_1["sch-1-para-1"].policy_document


@pytest.mark.parametrize("id_", [id_ for id_ in CONDITIONS if CONDITIONS[id_].part == 1])
def test_a_condition_that_rests_on_part_1_names_its_paragraph(id_: str) -> None:
    assert SCHEDULE_1[CONDITIONS[id_].implies].part == 1


@pytest.mark.parametrize("id_", ["legitimate-interests", "recognised-legitimate-interests"])
def test_a_public_authority_cannot_rest_its_tasks_on(id_: str) -> None:
    assert BASES[id_].closed_to_tasks


@pytest.mark.parametrize("id_", ["dea-multiple-disadvantages", "dea-debt", "dea-research"])
def test_the_digital_economy_act_leaves_health_bodies_out(id_: str) -> None:
    assert "health-body" in POWERS[id_].excludes


@pytest.mark.parametrize(
    ("kind", "classes", "answer"),
    [
        ("police", ("police",), True),
        ("police", ("health-body",), False),
        ("district-council", ("social-care-authority",), False),
        ("council", ("social-care-authority",), True),
        ("fire", (), True),
        ("circus", ("police",), None),
    ],
)
def test_whether_a_kind_is_in_a_class(
    kind: str, classes: tuple[str, ...], answer: bool | None
) -> None:
    assert is_one_of(kind, classes) is answer


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.id)
def test_the_classes_of_a_kind_are_known(kind: object) -> None:
    assert set(getattr(kind, "classes", ())) <= set(CLASSES)


def test_every_kind_of_the_county_is_known() -> None:
    from commonthread.county.governance import ORGANISATIONS

    assert {each.kind for each in ORGANISATIONS} <= set(KINDS)


def test_classes_are_said_in_words() -> None:
    assert in_words(("police", "fire-and-rescue")) == "a police force, a fire and rescue authority"


def test_no_class_means_any_body() -> None:
    assert in_words(()) == "any body"


@pytest.mark.parametrize(
    ("text", "id_"),
    [
        ("Care Act 2014 s.6", "care-act-6"),
        ("Care Act 2014 section 6", "care-act-6"),
        ("care act 2014 ss. 6 and 7", "care-act-6"),
        ("care-act-42", "care-act-42"),
        ("Children's Wellbeing and Schools Act 2026 s.4", "children-information-sharing-duty"),
        ("Children’s Wellbeing and Schools Act 2026 s.4", "children-information-sharing-duty"),
        ("Data Protection Act 2018 Schedule 1 paragraph 18", "sch-1-para-18"),
        ("DPA 2018 Sch 1 para 1", "sch-1-para-1"),
        ("UK GDPR Annex 1 para 6", "annex-1-safeguarding"),
        ("SI 2005/2042 reg.47", "contingency-planning-regulations"),
        ("Civil Contingencies Act 2004", "civil-contingencies-act"),
        (
            "Civil Contingencies Act 2004 (Contingency Planning) Regulations 2005 regulation 47",
            "contingency-planning-regulations",
        ),
        ("Digital Economy Act 2017 s.35 (fuel poverty)", "dea-fuel-poverty"),
    ],
)
def test_a_citation_is_found(text: str, id_: str) -> None:
    (found,) = citations(text)
    assert found.entry is not None
    assert found.entry.id == id_


@pytest.mark.parametrize(
    "text", ["Care Act 2014 s.67", "Digital Economy Act 2017 s.35", "Magna Carta 1215 c.39"]
)
def test_a_citation_that_no_list_has_is_not_guessed(text: str) -> None:
    (found,) = citations(text)
    assert found.entry is None


def test_several_citations_stand_after_semicolons() -> None:
    found = citations("Care Act 2014 s.42; DPA 2018 Sch 1 para 18;")
    assert [each.entry.id for each in found if each.entry] == ["care-act-42", "sch-1-para-18"]


def test_nothing_is_cited_by_nothing() -> None:
    assert citations("") == ()


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: f"{type(entry).__name__}-{entry.id}")
def test_a_power_is_found_by_its_own_citation(entry: Entry) -> None:
    if entry.id not in {*POWERS, *SCHEDULE_1, *ANNEX_1}:
        return
    (found,) = citations(entry.citation)
    assert found.entry is entry


def test_a_police_force_is_offered_police_powers() -> None:
    assert POWERS["policing-at-common-law"] in choices("police")


def test_a_police_force_is_not_offered_what_is_for_councils() -> None:
    assert POWERS["localism-act-1"] not in choices("police")


def test_a_health_body_is_not_offered_what_leaves_it_out() -> None:
    assert POWERS["dea-fraud"] not in choices("health")


def test_a_body_of_unknown_kind_is_offered_all_that_leaves_nobody_out() -> None:
    assert POWERS["localism-act-1"] in choices("circus")


def good() -> Entry:
    return Entry(id="a", title="A", citation="A", fits="Always.", source="here")


def test_an_entry_without_a_source_cannot_be_made() -> None:
    with pytest.raises(BadInput, match="source"):
        replace(good(), source=" ")


def test_an_entry_for_a_class_that_is_not_known_cannot_be_made() -> None:
    with pytest.raises(BadInput, match="no class of bodies is called circus"):
        replace(good(), bodies=("circus",))


def test_an_unchecked_entry_without_a_doubt_cannot_be_made() -> None:
    with pytest.raises(BadInput, match="nobody checked"):
        replace(good(), checked=None)


def test_an_entry_whose_id_is_no_identifier_cannot_be_made() -> None:
    with pytest.raises(BadInput, match="lower-case words"):
        replace(good(), id="An Act")


def test_a_list_with_two_entries_of_one_id_cannot_be_made() -> None:
    with pytest.raises(BadInput, match="two entries have this id"):
        listed((good(), good()))
