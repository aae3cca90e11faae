"""Suggested risks: plain terms suggest none, and each thing in them suggests its own."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from commonthread.broker.rules.authored import parse_terms
from commonthread.broker.rules.contracts import Contract, parse_contract
from commonthread.broker.rules.errors import BadInput
from commonthread.broker.rules.terms import IMPACTS, LEVELS, LIKELIHOODS, Risk
from commonthread.gateway.risks import Counted, Suggestion, level, matrix, suggested_risks

IDENTITY = {
    "given_name": "forename",
    "family_name": "surname",
    "date_of_birth": "born",
    "sex": "sex",
    "postcode": "postcode",
    "own_id": "ref",
}
ADULTS = ["born", "<=", "2007-12-31"]


def contract(owner: str, classification: str = "personal", **said: Any) -> Contract:
    columns = {
        "ref": "text",
        "forename": "text",
        "surname": "text",
        "born": "date",
        "sex": "text",
        "postcode": "text",
        "district": "text",
        "need": "text",
        "note": "text",
        "score": "integer",
    }
    return parse_contract(
        {
            "owner": owner,
            "id": "records",
            "title": "Records",
            "classification": classification,
            "delivery": "snapshot",
            "key": ["ref"],
            "identity": IDENTITY,
            "column": [{"name": name, "type": kind} for name, kind in columns.items()],
            **said,
        }
    )


def grant(owner: str = "ash", **said: Any) -> dict[str, Any]:
    return {
        "id": "counts",
        "dataset": f"{owner}/records",
        "purpose": "plan",
        "recipients": ["ash/team"],
        "mode": "statistics",
        "minimum_count": 10,
        "round_to": 5,
        "columns": ["need"],
        "retention": "P90D",
        **said,
    }


def rows(owner: str = "ash", **said: Any) -> dict[str, Any]:
    """Rows with a name, about adults: something that can be acted on."""
    made = grant(owner, **{"id": "rows", "mode": "rows", "columns": ["surname", "need"], **said})
    del made["minimum_count"], made["round_to"]
    return made


def lookup(**said: Any) -> dict[str, Any]:
    return rows(**{"id": "one", "mode": "lookup", "by": "ref", "per_day": 10, **said})


def terms(*grants: dict[str, Any], **said: Any) -> dict[str, Any]:
    party = {"role": "controller", "lawful_basis": "public-task", "legal_power": "Care Act"}
    return {
        "reference": "ISA-1",
        "title": "One",
        "charter": "CHARTER-1",
        "starts": "2026-01-01",
        "ends": "2026-12-31",
        "review": "2026-06-30",
        "party": [{"partner": "ash", **party}, {"partner": "birch", **party}],
        "purpose": [{"id": "plan", "text": "To plan."}],
        "grant": list(grants or [grant()]),
        **said,
    }


def found(
    table: Mapping[str, Any],
    classification: str = "personal",
    counted: Mapping[str, Counted] | None = None,
    **said: Any,
) -> dict[str, Suggestion]:
    contracts = {f"{each}/records": contract(each, classification, **said) for each in PARTNERS}
    suggestions = suggested_risks(parse_terms(dict(table)), contracts, counted)
    assert len({each.id for each in suggestions}) == len(suggestions)
    return {each.id: each for each in suggestions}


PARTNERS = ("ash", "birch")


def test_plain_counts_suggest_no_risk() -> None:
    assert found(terms()) == {}


def test_rows_that_are_acted_on_suggest_no_risk_by_themselves() -> None:
    assert found(terms(rows())) == {}


def test_counts_by_a_small_area_from_a_small_number() -> None:
    made = grant(columns=["district"], minimum_count=5)
    (suggestion,) = found(terms(made)).values()
    assert (suggestion.id, suggestion.likelihood) == ("small-areas", "possible")
    assert suggestion.clauses == ("grant[counts].columns[district]",)


def test_counts_by_whole_postcode_are_likelier() -> None:
    made = grant(columns=["postcode"], minimum_count=5)
    assert found(terms(made))["small-areas"].likelihood == "likely"


def test_the_outward_half_of_a_postcode_is_a_larger_area() -> None:
    made = grant(columns=[{"name": "postcode", "treatment": "outward"}], minimum_count=5)
    assert found(terms(made))["small-areas"].likelihood == "possible"


def test_counts_by_area_from_ten_suggest_nothing() -> None:
    assert found(terms(grant(columns=["district"], minimum_count=10))) == {}


def test_open_data_by_area_suggest_nothing() -> None:
    assert found(terms(grant(columns=["district"], minimum_count=5)), "open") == {}


def test_special_categories_row_by_row() -> None:
    suggestion = found(terms(rows()), "special-category")["special-categories"]
    assert (suggestion.likelihood, suggestion.residual) == ("possible", "medium")


def test_special_categories_as_statistics() -> None:
    suggestion = found(terms(), "special-category")["special-categories"]
    assert (suggestion.likelihood, suggestion.residual) == ("unlikely", "low")


def test_criminal_data() -> None:
    assert list(found(terms(), "criminal")) == ["criminal-data"]


def test_dates_of_birth_that_may_be_childrens() -> None:
    suggestion = found(terms(rows(columns=["surname", "born"])))["children"]
    assert suggestion.clauses == ("grant[rows].columns[born]",)


def test_dates_of_birth_of_adults_only() -> None:
    assert found(terms(rows(columns=["surname", "born"], rows=ADULTS))) == {}


def test_a_filter_among_others_that_leaves_children_out() -> None:
    both = {"and": [["score", ">", 3], ADULTS]}
    assert found(terms(rows(columns=["surname", "born"], rows=both))) == {}


def test_a_filter_that_only_may_leave_children_out() -> None:
    either = {"or": [["score", ">", 3], ADULTS]}
    assert "children" in found(terms(rows(columns=["surname", "born"], rows=either)))


def test_a_filter_that_keeps_the_young() -> None:
    young = rows(columns=["surname", "born"], rows=["born", "<=", "2008-06-01"])
    assert "children" in found(terms(young))


def test_age_bands_that_may_be_childrens() -> None:
    band = {"name": "born", "treatment": "age-band", "as_at": "2026-01-01"}
    assert found(terms(grant(columns=[band])))["children"].impact == "significant"


def test_whether_a_date_of_birth_is_there_says_no_age() -> None:
    assert found(terms(grant(columns=[{"name": "born", "treatment": "flag"}]))) == {}


def test_a_dataset_of_a_school() -> None:
    assert "children" in found(terms(), title="The school roll")


def test_birth_sex_and_postcode_without_a_name() -> None:
    telling = rows(columns=["born", "sex", "postcode", "ref"], rows=ADULTS)
    suggestion = found(terms(telling))["re-identification-rows"]
    assert suggestion.likelihood == "likely"
    assert "has not counted" in suggestion.explanation


def test_two_of_them_are_less_telling() -> None:
    telling = rows(columns=["sex", "postcode", "ref"])
    assert found(terms(telling))["re-identification-rows"].likelihood == "possible"


def test_one_of_them_is_not() -> None:
    assert found(terms(rows(columns=["sex", "ref"]))) == {}


def test_the_outward_half_and_a_band_are_not() -> None:
    coarse = rows(
        columns=[
            {"name": "born", "treatment": "age-band", "as_at": "2026-01-01"},
            {"name": "postcode", "treatment": "outward"},
            "sex",
            "ref",
        ],
        rows=ADULTS,
    )
    assert found(terms(coarse)) == {}


def test_beside_a_name_nobody_has_to_be_recognised() -> None:
    assert found(terms(rows(columns=["surname", "sex", "postcode"]))) == {}


def test_many_unique_rows_that_the_owner_counted() -> None:
    telling = rows(columns=["sex", "postcode", "ref"])
    suggestion = found(terms(telling), counted={"rows": Counted(800, 1_000)})
    assert suggestion["re-identification-rows"].likelihood == "likely"
    assert "800 of 1000 rows" in suggestion["re-identification-rows"].explanation


def test_no_unique_row_that_the_owner_counted() -> None:
    telling = rows(columns=["sex", "postcode", "ref"])
    suggestion = found(terms(telling), counted={"rows": Counted(0, 1_000)})
    assert suggestion["re-identification-rows"].likelihood == "unlikely"


def test_unique_rows_on_columns_that_no_rule_knows() -> None:
    odd = rows(columns=["need", "score", "ref"])
    suggestion = found(terms(odd), counted={"rows": Counted(800, 1_000)})
    assert suggestion["re-identification-rows"].clauses == ("grant[rows].columns",)


def test_free_text() -> None:
    assert list(found(terms(rows(columns=["surname", "note"])))) == ["free-text"]


def test_whether_there_is_a_note_is_no_free_text() -> None:
    flagged = rows(columns=["surname", {"name": "note", "treatment": "flag"}])
    assert found(terms(flagged)) == {}


def test_notes_that_come_from_a_list_are_no_free_text() -> None:
    listed = [
        {"name": "ref", "type": "text"},
        {"name": "note", "type": "text", "values": ["a", "b"]},
    ]
    made = rows(columns=["ref", "note"])
    assert found(terms(made), column=listed, identity={"own_id": "ref"}) == {}


def test_rows_that_name_nobody() -> None:
    suggestion = found(terms(rows(columns=["need"])))["more-than-needed"]
    assert suggestion.clauses == ("grant[rows].mode",)


def test_rows_that_stand_beside_a_name() -> None:
    named = rows(person="pseudonym")
    beside = rows(id="more", columns=["need"], person="pseudonym", persons="rows")
    assert found(terms(named, beside, rests_on=["ISA-0"])) == {}


def test_rows_that_stand_beside_somebody_elses_name() -> None:
    named = rows(person="pseudonym")
    other = rows(id="more", columns=["need"], person="pseudonym", recipients=["birch/team"])
    assert list(found(terms(named, other, rests_on=["ISA-0"]))) == ["more-than-needed"]


def linked(**said: Any) -> dict[str, Any]:
    return terms(
        rows(person="pseudonym", **said),
        rows("birch", id="theirs", person="pseudonym", **said),
        rests_on=["ISA-0"],
    )


def test_records_of_two_partners_that_are_joined() -> None:
    suggestion = found(linked())["linkage"]
    assert suggestion.clauses == ("grant[rows].person", "grant[theirs].person")


def test_rows_that_are_joined_may_be_the_wrong_persons() -> None:
    assert "wrong-person" in found(linked())


def test_counts_that_are_joined_are_nobodys() -> None:
    made = terms(
        grant(person="pseudonym"),
        grant("birch", id="theirs", person="pseudonym"),
        rests_on=["ISA-0"],
    )
    assert list(found(made)) == ["linkage"]


def test_records_of_one_partner_are_not_joined_with_others() -> None:
    assert found(terms(rows(person="pseudonym"), rests_on=["ISA-0"])) == {}


def test_rows_that_may_be_downloaded() -> None:
    assert found(terms(rows(export=True)))["export"].impact == "severe"


def test_figures_that_may_be_downloaded() -> None:
    assert found(terms(grant(export=True)))["export"].impact == "minor"


def test_open_data_may_be_downloaded() -> None:
    assert found(terms(rows(export=True)), "open") == {}


def test_a_long_retention() -> None:
    assert list(found(terms(grant(retention="P2Y")))) == ["long-retention"]


def test_a_retention_of_a_year_is_not_long() -> None:
    assert found(terms(grant(retention="P1Y"))) == {}


def groups(number: int) -> list[str]:
    return [f"birch/team-{letter}" for letter in "abcdefgh"[:number]]


def test_many_recipients() -> None:
    assert list(found(terms(grant(recipients=groups(5))))) == ["many-recipients"]


def test_a_few_recipients() -> None:
    assert found(terms(grant(recipients=groups(4)))) == {}


def test_look_ups_without_training_or_approval() -> None:
    assert list(found(terms(lookup()))) == ["browsing"]


def test_very_many_look_ups() -> None:
    assert list(found(terms(lookup(needs=["training"], per_day=50)))) == ["browsing"]


def test_look_ups_after_training() -> None:
    assert found(terms(lookup(needs=["training"]))) == {}


def caring(opt_out: str = "national-data-opt-out", **said: Any) -> dict[str, Any]:
    made = terms(grant(**said))
    made["party"][0] |= {"condition": "health-or-social-care", "opt_out": opt_out}
    return made


def test_care_data_without_an_opt_out() -> None:
    assert "no-opt-out" in found(caring(""), "special-category")


def test_care_data_for_which_there_is_said_to_be_none() -> None:
    assert "no-opt-out" in found(caring("none"), "special-category")


def test_care_data_with_an_opt_out() -> None:
    assert "no-opt-out" not in found(caring(), "special-category")


def test_care_data_that_another_body_takes() -> None:
    suggestion = found(caring(recipients=["birch/team"]), "special-category")
    assert suggestion["confidential-care"].clauses == ("grant[counts].recipients",)


def test_care_data_that_stay_at_home() -> None:
    assert "confidential-care" not in found(caring(), "special-category")


def test_a_processor() -> None:
    made = terms()
    made["party"].append({"partner": "cedar", "role": "processor"})
    assert list(found(made)) == ["processors"]


def test_the_platform_is_no_news() -> None:
    made = terms()
    made["party"].append({"partner": "commonthread", "role": "processor"})
    assert found(made) == {}


def test_transfers() -> None:
    said = [{"section": "transfers", "text": "To a processor in another country."}]
    assert list(found(terms(statement=said))) == ["transfers"]


def test_no_transfers() -> None:
    said = [{"section": "transfers", "text": "None. All stays in the United Kingdom."}]
    assert found(terms(statement=said)) == {}


def test_rows_and_statistics_on_one_person() -> None:
    assert list(found(terms(single_out=True))) == ["singled-out"]


def test_a_dataset_that_is_not_known_is_passed_over() -> None:
    assert suggested_risks(parse_terms(terms(rows(columns=["note", "born"]))), {}) == ()


def test_the_highest_risks_come_first() -> None:
    levels = [each.level for each in found(linked(export=True), "special-category").values()]
    assert levels == sorted(levels, key=LEVELS.index, reverse=True)


def test_the_same_terms_suggest_the_same() -> None:
    assert list(found(linked(), "criminal").values()) == list(found(linked(), "criminal").values())


def test_a_suggestion_becomes_a_risk_of_the_terms() -> None:
    suggestion = found(terms(), "criminal")["criminal-data"]
    table = terms(risk=[suggestion.as_risk("ash").to_plain()])
    assert parse_terms(table).risks == (suggestion.as_risk("ash"),)


@pytest.mark.parametrize(
    ("likelihood", "impact", "height"),
    [
        ("rare", "negligible", "low"),
        ("possible", "negligible", "low"),
        ("rare", "severe", "medium"),
        ("possible", "significant", "medium"),
        ("possible", "severe", "high"),
        ("almost-certain", "severe", "high"),
    ],
)
def test_how_high_a_risk_is(likelihood: str, impact: str, height: str) -> None:
    assert level(likelihood, impact) == height


def test_a_likelier_or_worse_risk_is_never_lower() -> None:
    for one, impact in enumerate(IMPACTS):
        for other, likelihood in enumerate(LIKELIHOODS):
            here = LEVELS.index(level(likelihood, impact))
            worse = IMPACTS[min(one + 1, len(IMPACTS) - 1)]
            likelier = LIKELIHOODS[min(other + 1, len(LIKELIHOODS) - 1)]
            assert LEVELS.index(level(likelihood, worse)) >= here
            assert LEVELS.index(level(likelier, impact)) >= here


def a_risk(id_: str, likelihood: str, impact: str) -> Risk:
    return Risk(id_, "Something.", "ash", likelihood, impact, "Something.", "low")


def test_the_matrix_has_a_cell_for_each_likelihood_and_impact() -> None:
    cells = [(cell.likelihood, cell.impact) for row in matrix([]) for cell in row]
    assert cells == [(here, there) for there in reversed(IMPACTS) for here in LIKELIHOODS]


def test_each_risk_lies_in_its_cell() -> None:
    drawn = matrix([a_risk("b", "rare", "severe"), a_risk("a", "rare", "severe")])
    assert drawn[0][0].risks == ("a", "b")
    assert sum(len(cell.risks) for row in drawn for cell in row) == 2


def test_a_cell_says_how_high_it_is() -> None:
    assert matrix([])[0][-1].level == "high"
    assert matrix([])[-1][0].level == "low"


def good() -> Suggestion:
    return Suggestion("a", "A.", "Because.", ("ends",), "rare", "minor", "Do.", "low")


def test_a_suggestion_without_a_clause_cannot_be_made() -> None:
    with pytest.raises(BadInput, match="names the clause"):
        replace(good(), clauses=())


def test_a_suggestion_of_unknown_likelihood_cannot_be_made() -> None:
    with pytest.raises(BadInput, match="likelihood and impact"):
        replace(good(), likelihood="now and then")


def test_a_suggestion_of_unknown_residual_cannot_be_made() -> None:
    with pytest.raises(BadInput, match="low, medium or high"):
        replace(good(), residual="gone")


def test_more_unique_rows_than_rows_cannot_be_counted() -> None:
    with pytest.raises(BadInput, match="as many rows"):
        Counted(2, 1)


def test_no_rows_have_no_share() -> None:
    assert Counted(0, 0).share == 0.0
