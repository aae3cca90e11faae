"""Every field of the terms is classed, and what is called enforced is enforced somewhere."""

import dataclasses
import importlib
import inspect
from datetime import date

import pytest
from tests.unit.test_terms import longest

from commonthread.broker.rules import terms as terms_module
from commonthread.broker.rules.authored import parse_terms
from commonthread.broker.rules.errors import BadInput
from commonthread.gateway.clauses import (
    DUTY,
    ENFORCED,
    FIELDS,
    STATEMENT,
    Field,
    after,
    undertakings,
    values,
)

DESIGN_ENFORCED = {
    "dates": ("terms.starts", "terms.ends"),
    "charter": ("terms.charter",),
    "credentials": ("terms.demands", "demand.scheme", "demand.level", "demand.on_lapse"),
    "DPIA review": ("terms.dpia",),
    "rests_on": ("terms.rests_on",),
    "parties": ("terms.parties", "party.partner", "party.role"),
    "recipients": ("grant.recipients",),
    "purpose": ("terms.purposes", "purpose.id", "grant.purpose"),
    "columns": ("grant.columns", "grantedcolumn.name", "grantedcolumn.treatment"),
    "rows": ("grant.rows",),
    "persons": ("grant.person", "grant.persons"),
    "mode": ("grant.mode", "grant.by", "grant.per_day"),
    "counts": ("grant.minimum_count", "grant.round_to"),
    "export": ("grant.export",),
    "needs": ("grant.needs",),
    "on_withdrawal": ("terms.on_withdrawal",),
}


def declared() -> set[str]:
    """Every field that somebody gives to one of the values that terms are made of."""
    found = set()
    for name, value in inspect.getmembers(terms_module, dataclasses.is_dataclass):
        if value.__module__ == terms_module.__name__:
            fields = (field for field in dataclasses.fields(value) if field.init)
            found |= {f"{name.lower()}.{field.name}" for field in fields}
    return found


def test_every_field_of_the_terms_is_classed() -> None:
    assert declared() - set(FIELDS) == set()


def test_no_class_is_given_to_a_field_that_the_terms_do_not_have() -> None:
    assert set(FIELDS) - declared() == set()


@pytest.mark.parametrize("paths", DESIGN_ENFORCED.values(), ids=list(DESIGN_ENFORCED))
def test_what_the_design_enforces_is_classed_so(paths: tuple[str, ...]) -> None:
    assert {FIELDS[path].kind for path in paths} == {ENFORCED}


@pytest.mark.parametrize("name", ["lawful_basis", "condition", "legal_power", "opt_out"])
def test_what_a_party_says_of_the_law_is_a_statement(name: str) -> None:
    assert FIELDS[f"party.{name}"].kind == STATEMENT


def test_retention_is_a_duty_and_not_something_that_software_does() -> None:
    assert FIELDS["grant.retention"].kind == DUTY


@pytest.mark.parametrize(
    "field", [each for each in FIELDS.values() if each.kind == ENFORCED], ids=lambda each: each.path
)
def test_an_enforced_field_is_used_by_the_function_that_enforces_it(field: Field) -> None:
    module, function = field.rule.split(":")
    source = inspect.getsource(getattr(importlib.import_module(module), function))
    name = field.path.split(".")[1]
    assert f".{name}" in source


def test_an_enforced_field_without_a_rule_cannot_be_made() -> None:
    with pytest.raises(BadInput, match="names its rule"):
        Field("grant.mode", "Mode", ENFORCED)


def test_a_duty_without_an_owner_cannot_be_made() -> None:
    with pytest.raises(BadInput, match="an owner and a date"):
        Field("grant.retention", "Retention", DUTY, due="some day")


def test_a_class_that_is_not_one_of_the_three_cannot_be_made() -> None:
    with pytest.raises(BadInput, match="enforced, a duty or a statement"):
        Field("grant.mode", "Mode", "hoped")


def test_each_duty_of_an_agreement_has_its_owner_and_its_date() -> None:
    found = {(each.clause, each.owner): each.due for each in undertakings(parse_terms(longest()))}
    assert found[("duty[d1]", "ash")] == date(2026, 3, 1)


def test_a_review_is_due_from_each_controller() -> None:
    found = [each for each in undertakings(parse_terms(longest())) if each.clause == "review"]
    assert [(each.owner, each.due) for each in found] == [
        ("ash", date(2026, 6, 30)),
        ("birch", date(2026, 6, 30)),
    ]


def test_recipients_destroy_when_the_retention_is_over() -> None:
    found = [
        each for each in undertakings(parse_terms(longest())) if each.clause.endswith("retention")
    ]
    assert {(each.owner, each.due) for each in found} == {
        ("ash", date(2027, 12, 31)),
        ("birch", date(2027, 12, 31)),
    }


def test_a_mitigation_is_due_from_the_owner_of_the_risk() -> None:
    found = [
        each for each in undertakings(parse_terms(longest())) if each.clause.startswith("risk")
    ]
    assert {each.owner for each in found} <= {"ash", "birch"}
    assert {each.due for each in found} == {date(2026, 6, 30)}


def test_undertakings_come_soonest_first() -> None:
    due = [each.due for each in undertakings(parse_terms(longest()))]
    assert due == sorted(due)


@pytest.mark.parametrize(
    ("day", "period", "later"),
    [
        (date(2026, 1, 31), "P1M", date(2026, 2, 28)),
        (date(2024, 2, 29), "P1Y", date(2025, 2, 28)),
        (date(2026, 12, 31), "P2W3D", date(2027, 1, 17)),
        (date(2026, 11, 30), "P1Y2M", date(2028, 1, 30)),
    ],
)
def test_a_period_later(day: date, period: str, later: date) -> None:
    assert after(day, period) == later


def test_a_period_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="a period such as"):
        after(date(2026, 1, 1), "soon")


def test_the_values_of_a_field_are_one_for_each_item() -> None:
    terms = parse_terms(longest())
    assert set(values(terms, "party.partner")) == {"ash", "birch", "commonthread"}
    assert values(terms, "terms.reference") == ("ISA-1",)
    assert "born" in values(terms, "grantedcolumn.name")
