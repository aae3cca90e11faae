"""Policies and the catalogue: what is exported for other systems, and read back as signed."""

import json
from typing import Any

import pytest
from tests.factories import REFERENCE, dataset, grant, signed
from tests.unit.test_registers import HIDDEN, agreed, county, held, plain

from commonthread.broker.access import BadInput
from commonthread.gateway.registers import dcat, linked, odrl


def test_a_policy_read_back_is_the_terms_that_were_signed() -> None:
    made = county()
    (back,) = odrl.read_back(odrl.document(held(made)))
    assert back.digest == agreed(made).digest
    assert back.to_plain() == agreed(made).to_plain()


def test_each_permission_has_one_giver_one_taker_and_what_the_grant_says() -> None:
    made = county()
    signed_terms = agreed(made)
    (policy,) = plain(odrl.document(held(made)))["@graph"]
    assert policy["uid"] == f"nih:sha-256;{signed_terms.digest}"
    assert "A view" in policy["rdfs:comment"]
    assert len(policy["permission"]) == 2
    for grant_, shown in zip(
        sorted(signed_terms.grants, key=lambda g: g.id), policy["permission"], strict=True
    ):
        assert shown["assigner"] == f"urn:commonthread:partner:{grant_.owner}"
        assert shown["assignee"] == "urn:commonthread:partner:wychshire"
        assert shown["target"]["partOf"] == f"urn:commonthread:dataset:{grant_.dataset}"
        parts = {(a["ct:column"], a["ct:treatment"]) for a in shown["target"]["hasPart"]}
        assert parts == {(c.name, c.treatment) for c in grant_.columns}
        bounds = {(c["leftOperand"], c["operator"]): c["rightOperand"] for c in shown["constraint"]}
        assert bounds["dateTime", "gteq"]["@value"] == "2026-01-01T00:00:00Z"
        assert bounds["dateTime", "lt"]["@value"] == "2035-01-01T00:00:00Z"
        assert bounds["purpose", "eq"]["@id"].endswith(f"#purpose-{grant_.purpose}")
        assert shown["duty"][0]["constraint"][0]["rightOperand"]["@value"] == grant_.retention
    counted = policy["permission"][0]
    assert counted["action"] == ["aggregate", "reproduce"]
    assert {"leftOperand": "ct:minimumCount", "operator": "gteq", "rightOperand": 7} in counted[
        "constraint"
    ]
    assert counted["target"]["refinement"][0]["rightOperand"]["@value"] == ["surname", "=", HIDDEN]
    assert policy["permission"][1]["action"] == ["read"]


def test_a_grant_to_two_partners_is_two_permissions() -> None:
    visits = dataset("severn-acute", "visits", {"ref": "text"})
    both = grant("v", "severn-acute/visits", ["ref"], recipients=["ash/team", "birch/crew"])
    made = signed([visits], [both])
    (policy,) = plain(odrl.document(held(made)))["@graph"]
    takers = [each["assignee"].rpartition(":")[2] for each in policy["permission"]]
    assert takers == ["ash", "birch"]
    assert all(isinstance(each["assigner"], str) for each in policy["permission"])


@pytest.mark.parametrize(
    "change",
    [
        lambda policy: policy.update(uid=f"nih:sha-256;{'0' * 64}"),
        lambda policy: policy["permission"].pop(),
        lambda policy: policy["permission"][0]["target"]["hasPart"].clear(),
        lambda policy: policy["ct:terms"]["@value"].update(title="Another"),
        lambda policy: policy["ct:terms"]["@value"].update(surprise=True),
        lambda policy: policy.pop("ct:terms"),
    ],
    ids=["uid", "permission", "column", "terms", "unknown-clause", "no-terms"],
)
def test_a_policy_that_shows_something_else_is_not_read_back(change: Any) -> None:
    document = plain(odrl.document(held(county())))
    change(document["@graph"][0])
    with pytest.raises(BadInput):
        odrl.read_back(json.dumps(document).encode())


@pytest.mark.parametrize(
    ("period", "said"), [("P90D", "P90D"), ("P2W", "P14D"), ("P1Y1W1D", "P1Y8D"), ("P6M", "P6M")]
)
def test_a_duration_has_no_weeks(period: str, said: str) -> None:
    assert odrl.duration(period) == said


def test_the_catalogue_says_which_policies_open_a_dataset() -> None:
    made = county()
    made.add_dataset(dataset("wychshire", "unused", {"ref": "text"}))
    found = {
        each["dct:identifier"]: each for each in plain(dcat.document(held(made)))["dcat:dataset"]
    }
    visits, unused = found["severn-acute/visits"], found["wychshire/unused"]
    assert visits["odrl:hasPolicy"] == [{"@id": f"nih:sha-256;{agreed(made).digest}"}]
    assert visits["dct:accessRights"]["@id"].endswith("/RESTRICTED")
    assert visits["dct:publisher"]["foaf:name"] == "Severn Acute"
    assert visits["ct:classification"] == "special-category"
    assert visits["ct:contract"] == made.standing.contracts["severn-acute/visits"].digest
    assert [column["dct:title"] for column in visits["ct:column"]] == ["ref", "ward"]
    assert unused["dct:accessRights"]["@id"].endswith("/NON_PUBLIC")
    assert "odrl:hasPolicy" not in unused


def test_a_suspended_agreement_opens_nothing_in_the_catalogue() -> None:
    made = county()
    made.suspend(REFERENCE, "wychshire")
    for each in plain(dcat.document(held(made)))["dcat:dataset"]:
        assert each["dct:accessRights"]["@id"].endswith("/NON_PUBLIC")


def test_what_an_agreement_gives_to_the_public_is_public() -> None:
    opened = grant("open", "ash/bins", ["ref"], recipients=["public/everybody"])
    made = signed([dataset("ash", "bins", {"ref": "text"}, classification="open")], [opened])
    (bins,) = plain(dcat.document(held(made)))["dcat:dataset"]
    assert bins["dct:accessRights"]["@id"].endswith("/PUBLIC")


# The names of ODRL 2.2 that are used; its context maps them (w3.org/TR/odrl-vocab).
ODRL_NAMES = {
    *("uid", "profile", "permission", "obligation", "assigner", "assignee", "action", "target"),
    *("constraint", "duty", "partOf", "hasPart", "refinement", "unit"),
    *("leftOperand", "operator", "rightOperand"),
}


def names_of(value: Any) -> set[str]:
    """Every name in a JSON-LD document outside its context and its JSON literals."""
    if isinstance(value, list):
        return set().union(*map(names_of, value))
    if not isinstance(value, dict) or value.get("@type") == "@json":
        return set()
    inner = (names_of(each) for name, each in value.items() if name != "@context")
    return set(value).union(*inner)


def test_no_name_of_a_linked_document_is_lost_to_its_readers() -> None:
    """A reader of JSON-LD drops a name that the context does not know."""
    duty = {
        "id": "d",
        "text": "Destroy.",
        "owner": "wychshire",
        "due": "2027-01-01",
        "every": "P1Y",
    }
    made = held(county(duty=[duty]))
    for content, own in ((odrl.document(made), ODRL_NAMES), (dcat.document(made), set())):
        for name in names_of(plain(content)) - own:
            prefix, colon, _ = name.partition(":")
            assert name.startswith("@") or (colon and prefix in linked.CONTEXT), name
