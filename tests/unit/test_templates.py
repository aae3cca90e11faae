"""Templates: what a draft begins with, that it can be finished, and the sixteen clauses."""

import copy
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from commonthread.broker.rules.authored import parse_terms
from commonthread.broker.rules.contracts import Contract, parse_contract
from commonthread.broker.rules.errors import BadInput
from commonthread.broker.rules.standing import Partner
from commonthread.broker.rules.terms import SECTIONS, Terms
from commonthread.gateway.clauses import FIELDS
from commonthread.gateway.law import conflicts
from commonthread.gateway.templates import (
    SIXTEEN,
    Clause,
    Template,
    template,
    templates,
    unexpressed,
)
from commonthread.gateway.templates.template import read_template

STARTS = date(2026, 12, 1)
ALL = [each.id for each in templates()]
WITH_PEOPLE = [each for each in ALL if each != "open-data"]


def contract(owner: str, id_: str, classification: str = "special-category") -> Contract:
    columns = [
        {"name": name, "type": kind}
        for name, kind in (
            ("ref", "text"),
            ("first_name", "text"),
            ("surname", "text"),
            ("born", "date"),
            ("postcode", "text"),
            ("need", "text"),
        )
    ]
    return parse_contract(
        {
            "owner": owner,
            "id": id_,
            "title": "Records",
            "classification": classification,
            "delivery": "snapshot",
            "key": ["ref"],
            "column": columns,
            "identity": {
                "given_name": "first_name",
                "family_name": "surname",
                "date_of_birth": "born",
                "postcode": "postcode",
            },
        }
    )


def partners(made: Template) -> dict[str, str]:
    return {place.id: f"{place.id}-x" for place in made.places}


def known(made: Template) -> dict[str, Partner]:
    return {
        f"{place.id}-x": Partner(f"{place.id}-x", place.title, place.example, "")
        for place in made.places
    }


def drafted(made: Template) -> dict[str, Any]:
    return made.draft(partners(made), reference="ISA-9", charter="CHARTER-1", starts=STARTS)


def finished(id_: str) -> tuple[Terms, dict[str, Contract]]:
    """A template's draft with all that it asks for, and nothing else, filled in."""
    made = template(id_)
    table = drafted(made)
    contracts: dict[str, Contract] = {}
    for written, grant in zip(made.agreement["grant"], table["grant"], strict=True):
        open_ = id_ == "open-data"
        of_grant = contract(
            f"{written['owner']}-x", grant["id"], "open" if open_ else "special-category"
        )
        contracts[of_grant.name] = of_grant
        grant["dataset"] = of_grant.name
        grant["columns"] = ["need", *made.columns_for(grant["id"], of_grant, STARTS)]
    asked = {ask.path for ask in made.asks}
    if "rests_on" in asked:
        table["rests_on"] = ["ISA-1"]
    if "dpia" in asked:
        table["dpia"] = "a" * 64
    for party in table["party"]:
        party.setdefault("legal_power", "Localism Act 2011 s.1")
    return parse_terms(table), contracts


@pytest.mark.parametrize("id_", ALL)
def test_a_template_can_be_finished_by_what_it_asks_for(id_: str) -> None:
    terms, _ = finished(id_)
    assert terms.reference == "ISA-9"


@pytest.mark.parametrize("id_", ALL)
def test_a_finished_template_has_no_conflict(id_: str) -> None:
    terms, contracts = finished(id_)
    assert conflicts(terms, known(template(id_)), contracts) == ()


@pytest.mark.parametrize("id_", ALL)
def test_a_template_has_a_statement_for_each_section(id_: str) -> None:
    terms, _ = finished(id_)
    assert {each.section for each in terms.statements} == set(SECTIONS)


@pytest.mark.parametrize("id_", ALL)
def test_a_template_names_no_place_once_partners_stand_in_them(id_: str) -> None:
    made = template(id_)
    table = drafted(made)
    owners = [each["owner"] for name in ("duty", "risk") for each in table[name]]
    groups = [group.split("/")[0] for grant in table["grant"] for group in grant["recipients"]]
    parties = [party["partner"] for party in table["party"]]
    assert {place.id for place in made.places} & {*owners, *groups, *parties} == set()


@pytest.mark.parametrize("id_", WITH_PEOPLE)
def test_a_finished_template_expresses_all_sixteen_clauses(id_: str) -> None:
    terms, _ = finished(id_)
    assert unexpressed(terms) == {}


@pytest.mark.parametrize("clause", SIXTEEN, ids=lambda each: f"{each.number}")
def test_a_clause_whose_fields_are_empty_is_not_expressed(clause: Clause) -> None:
    terms, _ = finished("statistics-for-planning")
    emptied = _without(terms, clause.fields[-1])
    assert clause.number in unexpressed(emptied)


def _without(terms: Terms, path: str) -> Terms:
    """The terms with one field of them empty, as no author could write them."""
    bare = copy.copy(terms)
    if path.startswith("statement["):
        kept = [each for each in terms.statements if f"statement[{each.section}]" != path]
        object.__setattr__(bare, "statements", tuple(kept))
        return bare
    where, name = path.split(".")
    held = {"party": "parties", "grant": "grants", "grantedcolumn": "grants"}
    if where == "terms":
        object.__setattr__(bare, name, "")
        return bare
    items = getattr(terms, held.get(where, f"{where}s" if where != "duty" else "duties"))
    emptied = []
    for item in items:
        changed = copy.copy(item)
        if where == "grantedcolumn":
            columns = [copy.copy(column) for column in item.columns]
            for column in columns:
                object.__setattr__(column, name, "")
            object.__setattr__(changed, "columns", tuple(columns))
        else:
            object.__setattr__(changed, name, None)
        emptied.append(changed)
    attribute = held.get(where, f"{where}s" if where != "duty" else "duties")
    object.__setattr__(bare, attribute, tuple(emptied))
    return bare


def test_there_are_sixteen_clauses() -> None:
    assert [clause.number for clause in SIXTEEN] == list(range(1, 17))


def test_no_field_of_the_terms_is_left_over() -> None:
    said = {path for clause in SIXTEEN for path in (*clause.fields, *clause.sometimes)}
    assert set(FIELDS) - said == set()


def test_no_section_of_the_statements_is_left_over() -> None:
    said = {path for clause in SIXTEEN for path in clause.fields}
    assert {f"statement[{section}]" for section in SECTIONS} - said == set()


def test_no_field_is_said_by_two_clauses() -> None:
    said = [path for clause in SIXTEEN for path in (*clause.fields, *clause.sometimes)]
    assert len(said) == len(set(said))


def test_a_clause_about_a_field_that_is_not_there_cannot_be_made() -> None:
    with pytest.raises(BadInput, match="no field party\\.colour"):
        Clause(1, "Colour", "Which colour.", ("party.colour",))


def test_a_clause_that_is_said_nowhere_cannot_be_made() -> None:
    with pytest.raises(BadInput, match="somewhere in the terms"):
        Clause(1, "Nothing", "Nothing.", ())


def test_days_count_from_the_start() -> None:
    table = drafted(template("direct-care"))
    assert (table["starts"], table["ends"], table["review"]) == (
        "2026-12-01",
        "2029-12-01",
        "2027-12-01",
    )
    assert table["duty"][0]["due"] == "2027-01-01"


def test_the_hints_of_a_template_are_not_in_the_draft() -> None:
    grants = drafted(template("direct-care"))["grant"]
    assert all("by_role" not in grant and "owner" not in grant for grant in grants)


def test_identity_columns_are_shown_as_the_template_says() -> None:
    made = template("statistics-for-planning")
    shown = made.columns_for("care-counts", contract("council-x", "care"), STARTS)
    assert shown == [
        {"name": "born", "treatment": "age-band", "as_at": "2026-12-01"},
        {"name": "postcode", "treatment": "outward"},
    ]


def test_a_place_without_a_partner_is_named() -> None:
    made = template("direct-care")
    with pytest.raises(BadInput, match="The health body"):
        made.draft({"council": "ash"}, reference="ISA-9", charter="CHARTER-1", starts=STARTS)


def test_one_partner_does_not_stand_in_two_places() -> None:
    made = template("direct-care")
    with pytest.raises(BadInput, match="two places"):
        made.draft(
            {"council": "ash", "hospital": "ash"},
            reference="ISA-9",
            charter="CHARTER-1",
            starts=STARTS,
        )


def test_a_place_takes_a_body_of_its_class() -> None:
    place = template("direct-care").places[1]
    assert place.takes("nhs-trust")


def test_a_place_does_not_take_another_body() -> None:
    place = template("direct-care").places[1]
    assert not place.takes("police")


def test_a_template_that_is_not_there_is_said_so() -> None:
    with pytest.raises(BadInput, match="no such template"):
        template("treaty")


def document() -> dict[str, Any]:
    return {
        "id": "small",
        "title": "Small",
        "when": "Seldom.",
        "lasts": "P1Y",
        "reviewed": "P6M",
        "place": [{"id": "one", "title": "One"}],
        "agreement": {"party": [{"partner": "one", "role": "controller"}], "grant": []},
    }


def test_a_small_template_can_be_read() -> None:
    assert read_template(document()).places[0].title == "One"


def test_an_unknown_field_of_a_template_is_a_fault() -> None:
    with pytest.raises(BadInput, match="colour: no such field"):
        read_template({**document(), "colour": "red"})


def test_a_missing_field_of_a_template_is_a_fault() -> None:
    bare = document()
    del bare["when"]
    with pytest.raises(BadInput, match="when: this field is missing"):
        read_template(bare)


def test_a_party_that_stands_in_no_place_is_a_fault() -> None:
    changed = document()
    changed["agreement"]["party"].append({"partner": "two", "role": "controller"})
    with pytest.raises(BadInput, match="no place is called two"):
        read_template(changed)


def test_a_place_in_which_nobody_stands_is_a_fault() -> None:
    changed = document()
    changed["place"].append({"id": "two", "title": "Two"})
    with pytest.raises(BadInput, match="no party stands in two"):
        read_template(changed)


def test_a_place_named_like_an_id_of_the_agreement_is_a_fault() -> None:
    changed = document()
    changed["agreement"]["purpose"] = [{"id": "one", "text": "Something."}]
    with pytest.raises(BadInput, match="called one as well"):
        read_template(changed)


def test_a_grant_whose_owner_is_no_place_is_a_fault() -> None:
    changed = document()
    changed["agreement"]["grant"] = [{"id": "rows", "owner": "two"}]
    with pytest.raises(BadInput, match="names no place"):
        read_template(changed)


def test_two_places_of_one_name_are_a_fault() -> None:
    changed = document()
    changed["place"].append({"id": "one", "title": "Another"})
    with pytest.raises(BadInput, match="same name"):
        read_template(changed)


def test_a_period_that_is_none_is_a_fault() -> None:
    with pytest.raises(BadInput, match="a period such as"):
        replace(read_template(document()), lasts="for ever")
