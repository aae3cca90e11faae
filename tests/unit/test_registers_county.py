"""Registers of the whole synthetic county: each agreement of it, signed by all its parties."""

import json
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.factories import CHARTER_REFERENCE, County, home_standing, map_dataset

from commonthread.broker.rules.charter import parse_dpia
from commonthread.broker.rules.facts import CHARTER, DPIA, MEMBER, PARTNER
from commonthread.broker.rules.keys import public_key
from commonthread.broker.rules.terms import PLATFORM
from commonthread.county.governance import LINKAGE, documents
from commonthread.gateway.registers import REGISTERS, Activity, Held, build, hold
from commonthread.gateway.registers.odrl import read_back

Documents = dict[str, dict[str, Any]]


@cache
def whole() -> Held:
    county, said = home_standing(), documents()
    _partners(county, said["county.toml"])
    county.add(CHARTER, said["charter.toml"]["charter"])
    for partner in list(county.standing.partners):
        county.accede(partner, CHARTER_REFERENCE)
    tables = [each["agreement"] for each in said.values() if "agreement" in each]
    # What others rest on comes first: the agreement to link, and its map.
    for table in sorted(tables, key=lambda table: table["reference"] != LINKAGE):
        _agreed(county, table, said)
    return hold(county.standing, Activity(), county.at)


def _partners(county: County, table: dict[str, Any]) -> None:
    for partner in table["partner"]:
        private = Ed25519PrivateKey.generate()
        county.add(PARTNER, {**partner, "root_key": str(public_key(private))})
        county.root_keys[partner["id"]] = private
    for member in table["member"]:
        county.add(MEMBER, member)
        county.admit_key(member["id"])
    for dataset in table["dataset"]:
        county.add_dataset(dataset)


def _agreed(county: County, table: dict[str, Any], said: Documents) -> None:
    dpia = parse_dpia(said[f"agreements/{table['dpia']}"]["dpia"])
    county.add(DPIA, dpia.to_plain())
    county.propose({**table, "dpia": dpia.digest})
    county.sign_all(table["reference"])
    if table["reference"] == LINKAGE:
        county.add_dataset(map_dataset(LINKAGE))


def test_every_agreement_of_the_county_is_in_each_register() -> None:
    held = whole()
    references = [signed.reference for signed in held.agreements]
    assert len(references) > 10
    assert all(signed.is_in_force for signed in held.agreements)
    for register in REGISTERS:
        files = build(held, register.name)
        text = b"".join(files.values()).decode()
        if register.name in ("public", "dea", "ropa", "odrl"):
            assert [name for name in references if name not in text] == []


def test_every_policy_of_the_county_is_read_back_as_signed() -> None:
    held = whole()
    back = read_back(build(held, "odrl")["odrl.jsonld"])
    assert [terms.digest for terms in back] == [each.terms.digest for each in held.agreements]


def test_every_controller_has_a_record_for_each_of_its_agreements() -> None:
    held = whole()
    records = json.loads(build(held, "ropa")["ropa.json"])
    found = {(r["fields"]["partner"], r["fields"]["agreement"]) for r in records["controllers"]}
    wanted = {
        (party.partner, each.reference) for each in held.agreements for party in each.controllers()
    }
    assert found == wanted
    assert len(records["controllers"]) == len(wanted)


def test_every_partner_with_an_agreement_has_a_notice() -> None:
    held = whole()
    notices = build(held, "notices")
    controllers = {party.partner for each in held.agreements for party in each.controllers()} - {
        PLATFORM
    }
    assert set(notices) == {f"notice-{partner}.md" for partner in controllers}


def test_every_dataset_of_a_partner_is_in_the_catalogue_and_no_map_is() -> None:
    held = whole()
    shown = json.loads(build(held, "dcat")["dcat.jsonld"])["dcat:dataset"]
    own = {name for name, each in held.standing.contracts.items() if each.owner != PLATFORM}
    assert {each["dct:identifier"] for each in shown} == own
    assert len(own) < len(held.standing.contracts)
