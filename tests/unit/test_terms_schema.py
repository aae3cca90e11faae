"""The published schema: it takes every agreement, and nothing with a field more or less."""

import copy
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.unit.test_terms import longest, shortest

from commonthread.broker.rules import terms
from commonthread.broker.rules.authored import parse_terms
from commonthread.broker.rules.filters import COMPARISONS
from commonthread.broker.rules.terms import Terms
from commonthread.broker.rules.treatments import TREATMENTS
from commonthread.county.governance import documents
from commonthread.gateway.registers.schema import DIALECT, schema, schema_bytes

ROOT = Path(__file__).resolve().parents[2]


def examples() -> dict[str, Terms]:
    """Every agreement of the examples and of the county, and the two that say least and most."""
    found = {"shortest": parse_terms(shortest()), "longest": parse_terms(longest())}
    for path in sorted((ROOT / "examples").rglob("*.toml")):
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        if "agreement" in table:
            found[f"{path.parent.parent.name}/{path.stem}"] = parse_terms(named(table["agreement"]))
    for name, document in documents().items():
        if "agreement" in document:
            found[name] = parse_terms(named(document["agreement"]))
    return found


def named(table: dict[str, Any]) -> dict[str, Any]:
    """The agreement with a digest where its author names a file of a DPIA."""
    return {**table, "dpia": "d" * 64} if "dpia" in table else table


EXAMPLES = examples()


def validator() -> Any:
    from jsonschema import Draft202012Validator

    Draft202012Validator.check_schema(schema())
    return Draft202012Validator(schema())


@pytest.fixture(scope="module")
def valid() -> Any:
    return validator().is_valid


def test_there_are_examples_of_every_kind() -> None:
    modes = {grant.mode for each in EXAMPLES.values() for grant in each.grants}
    assert modes == set(terms.MODES)
    assert len(EXAMPLES) > 10


@pytest.mark.parametrize("name", EXAMPLES)
def test_canonical_terms_are_valid(valid: Any, name: str) -> None:
    assert [error.message for error in validator().iter_errors(EXAMPLES[name].to_plain())] == []


def tables(value: Any, where: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every table within terms, with its path."""
    if isinstance(value, dict):
        yield where, value
        for name, inner in value.items():
            yield from tables(inner, f"{where}.{name}")
    if isinstance(value, list):
        for index, inner in enumerate(value):
            yield from tables(inner, f"{where}[{index}]")


def at(whole: Any, where: str) -> Any:
    return dict(tables(whole))[where]


# What the canonical form leaves out where nothing was said.
OPTIONAL = {"dpia", "every", "rows", "person", "persons"}
LONGEST = EXAMPLES["longest"].to_plain()
PLACES = [where for where, _ in tables(LONGEST)]
FIELDS = [
    (where, name)
    for where, table in tables(LONGEST)
    for name in table
    if name not in OPTIONAL and ".rows" not in where
]


@pytest.mark.parametrize("where", PLACES)
def test_a_field_that_nobody_knows_is_refused(valid: Any, where: str) -> None:
    changed = copy.deepcopy(LONGEST)
    at(changed, where)["surprise"] = "x"
    assert valid(LONGEST)
    assert not valid(changed)


@pytest.mark.parametrize(("where", "name"), FIELDS)
def test_a_field_that_is_gone_is_missed(valid: Any, where: str, name: str) -> None:
    changed = copy.deepcopy(LONGEST)
    del at(changed, where)[name]
    assert not valid(changed)


@pytest.mark.parametrize("name", sorted(OPTIONAL))
def test_a_field_that_may_be_left_out_may(valid: Any, name: str) -> None:
    changed = copy.deepcopy(LONGEST)
    holders = [table for _, table in tables(changed) if name in table]
    assert holders
    for table in holders:
        del table[name]
    assert valid(changed)


@pytest.mark.parametrize(
    ("where", "name", "value"),
    [
        ("", "version", 0),
        ("", "version", 1.5),
        ("", "starts", "2026-13-01"),
        ("", "starts", "1 January 2026"),
        ("", "charter", "charter"),
        ("", "charter", "CHARTER-1\n"),
        ("", "dpia", "dpia.toml"),
        ("", "grant", []),
        ("", "rests_on", ["LINK-1", "LINK-1"]),
        (".party[1]", "role", "owner"),
        (".party[1]", "lawful_basis", ""),
        (".party[1]", "legal_power", ""),
        (".grant[0]", "mode", "area"),
        (".grant[0]", "retention", "90 days"),
        (".grant[0]", "recipients", []),
        (".grant[1]", "per_day", 5),
        (".grant[0]", "rows", ["score", "like", "x"]),
        (".grant[0]", "rows", {"and": [], "or": []}),
        (".grant[1].columns[0]", "treatment", "plain"),
        (".statement[0]", "text", " "),
    ],
)
def test_a_value_that_the_rules_refuse_is_refused(
    valid: Any, where: str, name: str, value: Any
) -> None:
    changed = copy.deepcopy(LONGEST)
    at(changed, where)[name] = value
    assert not valid(changed)


def test_the_schema_names_the_fields_that_terms_have_and_no_others() -> None:
    """Held to the rules without any validator: the fields are those of the canonical form."""
    made = schema()
    parts = made["$defs"]
    assert set(made["properties"]) == set(LONGEST)
    shapes = [
        ("party", parts["party"]),
        ("purpose", parts["purpose"]),
        ("statement", parts["statement"]),
        ("duty", parts["duty"]),
        ("risk", parts["risk"]),
        ("requires_credentials", parts["demand"]),
    ]
    for name, shape in shapes:
        assert set(shape["properties"]) == set().union(*LONGEST[name])
        assert shape["additionalProperties"] is False
    granted = {shape["properties"]["mode"]["const"]: shape for shape in parts["grant"]["oneOf"]}
    for grant in LONGEST["grant"]:
        assert set(grant) <= set(granted[grant["mode"]]["properties"])
        assert set(granted[grant["mode"]]["required"]) <= set(grant)
    assert set(parts["column"]["properties"]) == {"name", "treatment", "as", "as_at"}


def test_the_schema_lists_the_words_that_the_rules_know() -> None:
    made = schema()
    assert made["$schema"] == DIALECT
    party, risk = made["$defs"]["party"]["properties"], made["$defs"]["risk"]["properties"]
    assert party["role"]["enum"] == list(terms.PARTY_ROLES)
    assert set(party["lawful_basis"]["enum"]) == {"", *terms.LAWFUL_BASES}
    assert set(party["condition"]["enum"]) == {"", *terms.CONDITIONS}
    assert risk["residual"]["enum"] == list(terms.LEVELS)
    assert made["$defs"]["statement"]["properties"]["section"]["enum"] == list(terms.SECTIONS)
    assert made["$defs"]["column"]["properties"]["treatment"]["enum"] == list(TREATMENTS)
    modes = [each["properties"]["mode"]["const"] for each in made["$defs"]["grant"]["oneOf"]]
    assert sorted(modes) == sorted(terms.MODES)
    operators = made["$defs"]["filter"]["oneOf"][0]["prefixItems"][1]["enum"]
    assert operators == list(COMPARISONS)


def test_the_schema_is_the_same_each_time() -> None:
    assert schema_bytes() == schema_bytes()
