"""Terms: what is refused when they are read, all at once, and what their digest stands for."""

import copy
import datetime
import random
import unicodedata
from collections.abc import Iterator
from typing import Any

import pytest

from commonthread.broker.rules.authored import parse_terms
from commonthread.broker.rules.binding import binding_problems
from commonthread.broker.rules.canonical import canonical_bytes, parse_json
from commonthread.broker.rules.contracts import Contract, parse_contract
from commonthread.broker.rules.errors import BadInput
from commonthread.broker.rules.terms import (
    Grant,
    GrantedColumn,
    Party,
    Terms,
    required_parties,
    sources_of,
)

# Computed once. A change of them changes what was signed: never without a new format.
DIGEST = "a3db1d2fbd0c4510bfc7af94eef6008fbf61484baa3388c609c88bb0fdab2c00"
SHORTEST_DIGEST = "2d2b0a11895eb51a4d7a9c9bd89fc5d1a36160fb8a7a35a1c9bdaac52b1083e6"


def shortest() -> dict[str, Any]:
    """An agreement that says no more than it must."""
    return {
        "reference": "ISA-1",
        "title": "One",
        "charter": "CHARTER-1",
        "starts": "2026-01-01",
        "ends": "2026-12-31",
        "review": "2026-06-30",
        "party": [
            {
                "partner": "ash",
                "role": "controller",
                "lawful_basis": "public-task",
                "legal_power": "Localism Act 2011 s.1",
            }
        ],
        "purpose": [{"id": "care", "text": "To care."}],
        "grant": [
            {
                "id": "rows",
                "dataset": "ash/visits",
                "purpose": "care",
                "recipients": ["ash/team"],
                "mode": "rows",
                "columns": ["ref"],
                "retention": "P1Y",
            }
        ],
    }


def longest() -> dict[str, Any]:
    """An agreement that says everything that one can."""
    party = {
        "lawful_basis": "public-task",
        "condition": "public-health",
        "legal_power": "Care Act 2014 s.6",
        "confidentiality": "implied-consent",
        "opt_out": "national-opt-out",
    }
    grant = {"purpose": "care", "recipients": ["ash/team", "birch/team"], "retention": "P1Y"}
    return {
        **shortest(),
        "version": 3,
        "party": [
            {"partner": "ash", "role": "controller", **party},
            {"partner": "birch", "role": "joint", **party},
            {"partner": "commonthread", "role": "processor"},
        ],
        "purpose": [{"id": "care", "text": "To care."}, {"id": "plan", "text": "To plan."}],
        "grant": [
            {
                **grant,
                "id": "counts",
                "dataset": "ash/visits",
                "contract": "a" * 64,
                "mode": "statistics",
                "columns": [{"name": "born", "treatment": "age-band", "as_at": "2026-01-01"}],
                "rows": {"and": [["score", ">", 3], {"not": ["place", "in", ["N", "S"]]}]},
                "person": "pseudonym",
                "persons": "people",
                "minimum_count": 10,
                "round_to": 5,
                "needs": ["activation", "training"],
                "export": True,
            },
            {
                **grant,
                "id": "people",
                "dataset": "birch/homes",
                "mode": "lookup",
                "columns": ["ref", {"name": "born", "treatment": "year", "as": "year_of_birth"}],
                "person": "pseudonym",
                "by": "person",
                "per_day": 20,
                "needs": ["approval"],
            },
        ],
        "requires_credentials": [
            {"scheme": "dspt", "level": "standards-met", "on_lapse": "end"},
            {"scheme": "ico-registration"},
        ],
        "on_withdrawal": "continue-without",
        "dpia": "b" * 64,
        "rests_on": ["LINK-1", "LINK-2"],
        "single_out": True,
        "statement": [{"section": "rights", "text": "Ask either."}],
        "duty": [
            {"id": "d1", "text": "Train.", "owner": "ash", "due": "2026-03-01", "every": "P1Y"}
        ],
        "risk": [
            {
                "id": "r1",
                "text": "Loss",
                "owner": "birch",
                "likelihood": "unlikely",
                "impact": "minor",
                "mitigation": "Encrypt.",
                "residual": "low",
            }
        ],
    }


def where(error: BadInput) -> list[str]:
    return [problem.where for problem in error.problems]


def faults(table: Any) -> list[str]:
    with pytest.raises(BadInput) as raised:
        parse_terms(table)
    return where(raised.value)


def with_grant(**fields: Any) -> dict[str, Any]:
    table = shortest()
    table["grant"][0].update(fields)
    return table


# Digests


def test_digests_are_those_that_were_pinned() -> None:
    assert parse_terms(shortest()).digest == SHORTEST_DIGEST
    assert parse_terms(longest()).digest == DIGEST


def test_terms_read_back_from_their_own_bytes_are_the_same() -> None:
    terms = parse_terms(longest())
    again = parse_terms(parse_json(canonical_bytes(terms.to_plain())))
    assert again.digest == terms.digest
    assert again.to_plain() == terms.to_plain()


def shuffled(value: Any, order: random.Random) -> Any:
    """The same authored tables with fields and lists in another order."""
    if isinstance(value, dict):
        items = [(name, shuffled(item, order)) for name, item in value.items()]
        order.shuffle(items)
        return dict(items)
    if isinstance(value, list) and not is_comparison(value):
        items = [shuffled(item, order) for item in value]
        order.shuffle(items)
        return items
    return value


def is_comparison(value: list[Any]) -> bool:
    return len(value) == 3 and value[1] in ("in", ">")


@pytest.mark.parametrize("seed", range(20))
def test_the_order_of_fields_and_lists_means_nothing(seed: int) -> None:
    assert parse_terms(shuffled(longest(), random.Random(seed))).digest == DIGEST


def test_a_default_that_is_written_out_means_nothing() -> None:
    table = with_grant(export=False, needs=[], columns=[{"name": "ref", "treatment": "plain"}])
    table.update(version=1, on_withdrawal="end", rests_on=[], single_out=False)
    assert parse_terms(table).digest == SHORTEST_DIGEST


def test_a_date_of_toml_and_its_text_are_one_date() -> None:
    table = shortest()
    table["starts"] = datetime.date(2026, 1, 1)
    assert parse_terms(table).digest == SHORTEST_DIGEST


def test_text_that_is_not_nfc_is_refused() -> None:
    table = shortest()
    table["title"] = unicodedata.normalize("NFD", "Café")
    assert faults(table) == ["agreement.title"]


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of all values that stand in a table."""
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for name, item in items:
            yield from leaves(item, (*path, name))
    else:
        yield path


def changed(table: Any, path: tuple[Any, ...]) -> Any:
    """The plain terms with one value changed, whatever it means."""
    copied = copy.deepcopy(table)
    place = copied
    for name in path[:-1]:
        place = place[name]
    value = place[path[-1]]
    if isinstance(value, bool):
        place[path[-1]] = not value
    else:
        place[path[-1]] = value + 1 if isinstance(value, int) else f"{value}x"
    return copied


PLAIN = parse_terms(longest()).to_plain()


@pytest.mark.parametrize("path", list(leaves(PLAIN)), ids=lambda path: ".".join(map(str, path)))
def test_every_value_is_under_the_digest(path: tuple[Any, ...]) -> None:
    """A change is refused, or it changes the digest: nothing that is signed lies outside it."""
    try:
        other = parse_terms(changed(PLAIN, path))
    except BadInput:
        return
    assert other.digest != DIGEST


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", "Two"),
        ("version", 4),
        ("charter", "CHARTER-2"),
        ("starts", "2026-01-02"),
        ("ends", "2026-12-30"),
        ("review", "2026-06-29"),
        ("on_withdrawal", "end"),
        ("dpia", "c" * 64),
        ("rests_on", ["LINK-1"]),
        ("requires_credentials", []),
        ("statement", []),
        ("duty", []),
        ("risk", []),
    ],
)
def test_a_valid_change_of_a_field_changes_the_digest(field: str, value: Any) -> None:
    assert parse_terms({**longest(), field: value}).digest != DIGEST


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("contract", "d" * 64),
        ("recipients", ["ash/team"]),
        ("minimum_count", 11),
        ("round_to", 10),
        ("rows", ["score", ">", 3]),
        ("rows", {"and": [["score", ">=", 3], {"not": ["place", "in", ["N", "S"]]}]}),
        ("rows", {"or": [["score", ">", 3], {"not": ["place", "in", ["N", "S"]]}]}),
        ("columns", [{"name": "born", "treatment": "year"}]),
        ("columns", [{"name": "born", "treatment": "age-band", "as_at": "2026-01-02"}]),
        ("needs", ["activation"]),
        ("export", False),
        ("purpose", "plan"),
        ("retention", "P2Y"),
    ],
)
def test_a_valid_change_of_a_grant_changes_the_digest(field: str, value: Any) -> None:
    table = longest()
    table["grant"][0][field] = value
    assert parse_terms(table).digest != DIGEST


def test_a_grant_without_persons_is_another_grant() -> None:
    table = longest()
    del table["grant"][0]["persons"]
    assert parse_terms(table).digest != DIGEST


# What is refused


def test_all_faults_are_named_at_once_with_the_paths_of_their_clauses() -> None:
    table = longest()
    table["starts"] = "2026-02-30"
    table["party"][1]["role"] = "owner"
    table["grant"][0]["columns"][0]["treatment"] = "blur"
    table["grant"][1]["rows"] = ["score", "~", 3]
    table["requires_credentials"][0]["on_lapse"] = "ignore"
    table["surprise"] = 1
    assert sorted(faults(table)) == [
        "agreement.grant[0].columns[0].treatment",
        "agreement.grant[1].rows",
        "agreement.party[1].role",
        "agreement.requires_credentials[0].on_lapse",
        "agreement.starts",
        "agreement.surprise",
    ]


@pytest.mark.parametrize("place", ["agreement", "party", "purpose", "grant", "column", "demand"])
def test_an_unknown_clause_never_widens_access(place: str) -> None:
    """A dataspace connector drops the constraints it does not know; here they refuse the whole.

    Eclipse EDC: an unknown constraint left the policy, and what stayed behind permitted more.
    """
    table = longest()
    inside = {
        "agreement": table,
        "party": table["party"][0],
        "purpose": table["purpose"][0],
        "grant": table["grant"][0],
        "column": table["grant"][0]["columns"][0],
        "demand": table["requires_credentials"][0],
    }
    inside[place]["only_if"] = "the moon is full"
    assert len(faults(table)) == 1


@pytest.mark.parametrize(
    "rows",
    [
        {"xor": [["score", ">", 3]]},
        {"and": [["score", ">", 3], ["score", "matches", "x"]]},
        {"and": [["score", ">", 3], {"nor": []}]},
        {"and": []},
        {"and": [["score", ">", 3]], "or": [["score", "<", 9]]},
        ["score", ">", None],
        ["score", ">", 1.5],
        ["score", ">"],
        [],
        "score > 3",
    ],
)
def test_an_unknown_part_of_a_filter_never_widens_access(rows: Any) -> None:
    assert faults(with_grant(rows=rows))[0].startswith("agreement.grant[0].rows")


def test_a_rule_that_cannot_be_read_is_not_skipped() -> None:
    """A policy engine skips a rule that errors, and lets the others decide; here nothing is left.

    Cedar: a `forbid` whose evaluation errs is left out of the decision.
    """
    table = longest()
    table["grant"].append({"id": "broken"})
    with pytest.raises(BadInput) as raised:
        parse_terms(table)
    assert all(place.startswith("agreement.grant[2]") for place in where(raised.value))


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"mode": "area"}, "mode"),
        ({"mode": "anything"}, "mode"),
        ({"recipients": []}, "recipients"),
        ({"recipients": ["team"]}, "recipients[0]"),
        ({"recipients": ["ash/team", "ash/team"]}, "recipients"),
        ({"columns": []}, "columns"),
        ({"columns": ["ref", "ref"]}, "columns"),
        ({"columns": ["_resident"]}, "columns[0].name"),
        ({"columns": [{"name": "ref", "as": "person"}]}, "columns[0].as"),
        ({"columns": [{"name": "born", "treatment": "age-band"}]}, "columns[0].as_at"),
        ({"columns": [{"name": "born", "as_at": "2026-01-01"}]}, "columns[0].as_at"),
        ({"needs": ["luck"]}, "needs"),
        ({"retention": "a year"}, "retention"),
        ({"export": "yes"}, "export"),
        ({"contract": "abc"}, "contract"),
        ({"dataset": "visits"}, "dataset"),
        ({"person": "name"}, "person"),
    ],
)
def test_a_grant_refuses(fields: dict[str, Any], fault: str) -> None:
    assert faults(with_grant(**fields)) == [f"agreement.grant[0].{fault}"]


@pytest.mark.parametrize(
    "fields",
    [
        {"minimum_count": 5, "round_to": 5},
        {"by": "ref", "per_day": 5},
        {"mode": "statistics", "minimum_count": 0},
        {"mode": "lookup", "by": "ref", "per_day": 0},
    ],
)
def test_counts_and_rates_stand_where_they_mean_something(fields: dict[str, Any]) -> None:
    assert faults(with_grant(**fields)) == ["agreement.grant[0]"]


def test_a_look_up_by_person_needs_person() -> None:
    assert faults(with_grant(mode="lookup")) == ["agreement.grant[0].by"]


def test_persons_needs_person() -> None:
    assert faults(with_grant(persons="other")) == ["agreement.grant[0].persons"]


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"ends": "2025-12-31"}, ".ends"),
        ({"rests_on": ["ISA-1"]}, ".rests_on"),
        ({"version": 0}, ".version"),
        ({"reference": "isa 1"}, ".reference"),
        ({"on_withdrawal": "carry on"}, ".on_withdrawal"),
        ({"dpia": "later"}, ".dpia"),
        ({"party": []}, ".party"),
        ({"grant": []}, ".grant"),
        ({"purpose": []}, ".purpose"),
        ({"starts": "1066-10-14"}, ".starts"),
        ({"duty": [{"id": "d", "text": "t", "owner": "elm", "due": "2026-01-01"}]}, ".d.owner"),
    ],
)
def test_an_agreement_refuses(fields: dict[str, Any], fault: str) -> None:
    assert faults({**shortest(), **fields}) == [f"agreement{fault}"]


def test_a_purpose_must_stand_in_the_agreement() -> None:
    assert faults(with_grant(purpose="fun")) == ["agreement.grant[rows].purpose"]


def test_the_partner_of_a_recipient_must_be_a_party() -> None:
    assert faults(with_grant(recipients=["elm/team"])) == ["agreement.grant[rows]"]


def test_the_owner_of_a_dataset_must_be_a_party() -> None:
    assert faults(with_grant(dataset="elm/visits")) == ["agreement.grant[rows]"]


def test_person_needs_an_agreement_that_links() -> None:
    assert faults(with_grant(person="pseudonym")) == ["agreement.grant[rows].person"]


def test_a_controller_states_its_basis() -> None:
    table = shortest()
    del table["party"][0]["legal_power"]
    assert faults(table) == ["agreement.party[0]"]


@pytest.mark.parametrize("name", ["party", "purpose", "grant", "requires_credentials", "risk"])
def test_no_id_stands_twice(name: str) -> None:
    table = longest()
    table[name].append(copy.deepcopy(table[name][0]))
    assert f"agreement.{name}" in faults(table)


def test_two_grants_may_not_be_one_table() -> None:
    table = longest()
    table["grant"].append({**shortest()["grant"][0], "id": "a-b"})
    assert parse_terms(table).grant("a-b") is not None
    table["grant"].append({**shortest()["grant"][0], "id": "a-b"})
    assert faults(table) == ["agreement.grant"]


@pytest.mark.parametrize("id_", ["a.b", "a_b", "a b", "A", "1a", "a-", "a" * 201])
def test_a_grant_is_named_so_that_it_can_be_a_table(id_: str) -> None:
    table = longest()
    table["grant"].append({**shortest()["grant"][0], "id": id_})
    place = len(table["grant"]) - 1
    assert faults(table) == [f"agreement.grant[{place}].id"]


def test_grants_do_not_name_each_other_in_a_circle() -> None:
    table = longest()
    table["grant"][1]["persons"] = "counts"
    assert set(faults(table)) == {
        "agreement.grant[counts].persons",
        "agreement.grant[people].persons",
    }


def test_persons_names_a_grant_with_person() -> None:
    table = longest()
    table["grant"][1].update(by="ref")
    del table["grant"][1]["person"]
    assert faults(table) == ["agreement.grant[counts].persons"]


def test_persons_names_a_grant_that_stands_there() -> None:
    table = longest()
    table["grant"][0]["persons"] = "nobody"
    assert faults(table) == ["agreement.grant[counts].persons"]


def test_rows_and_statistics_on_one_person_need_single_out() -> None:
    table = longest()
    table["single_out"] = False
    assert faults(table) == ["agreement.single_out"]


def test_values_check_themselves_however_they_are_made() -> None:
    with pytest.raises(BadInput):
        Grant("g", "ash/visits", "care", ("ash/team",), "statistics", (GrantedColumn("ref"),))
    with pytest.raises(BadInput):
        Party("ash", "controller")
    terms = parse_terms(shortest())
    with pytest.raises(BadInput):
        Terms(
            **{name: getattr(terms, name) for name in FIELDS} | {"ends": datetime.date(2000, 1, 1)}
        )


FIELDS = [name for name in Terms.__slots__ if name != "digest"]

# Against the contracts


def visits(**fields: Any) -> Contract:
    return parse_contract(
        {
            "owner": "ash",
            "id": "visits",
            "title": "Visits",
            "classification": "personal",
            "delivery": "snapshot",
            "key": ["ref"],
            "column": [{"name": "ref", "type": "text"}, {"name": "born", "type": "date"}],
            **fields,
        }
    )


def misfits(table: dict[str, Any], *contracts: Contract) -> list[str]:
    known = {contract.name: contract for contract in contracts}
    return [problem.where for problem in binding_problems(parse_terms(table), known)]


def test_a_grant_that_fits_has_no_problem() -> None:
    assert misfits(shortest(), visits()) == []


def test_a_dataset_must_be_declared() -> None:
    assert misfits(shortest()) == ["agreement.grant[rows].dataset"]


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"columns": ["nowhere"]}, ".columns"),
        ({"columns": [{"name": "ref", "treatment": "year"}]}, ".columns"),
        ({"columns": [{"name": "born", "treatment": "outward"}]}, ".columns"),
        ({"rows": ["nowhere", "=", 1]}, ".rows"),
        ({"rows": ["born", "=", "yesterday"]}, ".rows"),
        ({"mode": "lookup", "by": "nowhere"}, ".by"),
    ],
)
def test_a_grant_must_fit_its_contract(fields: dict[str, Any], fault: str) -> None:
    assert misfits(with_grant(**fields), visits()) == [f"agreement.grant[rows]{fault}"]


def test_special_categories_need_a_condition() -> None:
    special = visits(classification="special-category")
    assert misfits(shortest(), special) == ["agreement.grant[rows]"]


def test_owners_of_what_a_dataset_derives_from_must_be_parties_and_sign() -> None:
    derived = visits(derived_from=["elm/base"])
    assert misfits(shortest(), derived) == ["agreement.grant[rows]"]
    assert required_parties(parse_terms(shortest()), {"ash/visits": derived}) == ("ash", "elm")


def test_datasets_that_derive_from_each_other_end() -> None:
    first = visits(derived_from=["elm/base"])
    second = visits(owner="elm", id="base", derived_from=["ash/visits"])
    known = {first.name: first, second.name: second}
    assert sources_of("ash/visits", known) == {"ash/visits", "elm/base"}
