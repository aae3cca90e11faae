"""Names on the web for what agreements speak of: ODRL 2.2, DPV 2.1 and this trust's own.

DPV is a community report and not a W3C standard, and knows the GDPR of the European Union: its
names map ours and never decide. Our own names are URNs, so that no server has to answer for them.
"""

from __future__ import annotations

from typing import Any

from commonthread.broker.rules.terms import Grant, Party

ODRL = "http://www.w3.org/ns/odrl.jsonld"
TERM = "urn:commonthread:term:"
CONTEXT: dict[str, Any] = {
    "ct": TERM,
    "dcat": "http://www.w3.org/ns/dcat#",
    "dct": "http://purl.org/dc/terms/",
    "dpv": "https://w3id.org/dpv#",
    "eu-gdpr": "https://w3id.org/dpv/legal/eu/gdpr#",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "odrl": "http://www.w3.org/ns/odrl/2/",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
LAWFUL_BASES = {
    "consent": "eu-gdpr:A6-1-a",
    "contract": "eu-gdpr:A6-1-b",
    "legal-obligation": "eu-gdpr:A6-1-c",
    "vital-interests": "eu-gdpr:A6-1-d",
    "public-task": "eu-gdpr:A6-1-e",
    "legitimate-interests": "eu-gdpr:A6-1-f",
    # Article 6(1)(ea) is the United Kingdom's alone; DPV 2.1 has only what it is a kind of.
    "recognised-legitimate-interests": "dpv:LegitimateInterest",
}
CONDITIONS = {
    "explicit-consent": "eu-gdpr:A9-2-a",
    "employment-social-security-and-protection": "eu-gdpr:A9-2-b",
    "vital-interests": "eu-gdpr:A9-2-c",
    "not-for-profit-bodies": "eu-gdpr:A9-2-d",
    "made-public": "eu-gdpr:A9-2-e",
    "legal-claims": "eu-gdpr:A9-2-f",
    "substantial-public-interest": "eu-gdpr:A9-2-g",
    "health-or-social-care": "eu-gdpr:A9-2-h",
    "public-health": "eu-gdpr:A9-2-i",
    "archiving-research-and-statistics": "eu-gdpr:A9-2-j",
}
ROLES = {
    "controller": "dpv:DataController",
    "joint": "dpv:JointDataControllers",
    "processor": "dpv:DataProcessor",
}
CLASSIFICATIONS = {
    "open": "dpv:NonPersonalData",
    "personal": "dpv:PersonalData",
    "special-category": "dpv:SpecialCategoryPersonalData",
    "criminal": "dpv:PersonalData",
}


def policy(digest: str) -> str:
    """The name of a policy is the SHA-256 of the terms it shows (RFC 6920, `nih`)."""
    return f"nih:sha-256;{digest}"


def partner(id_: str) -> str:
    return f"urn:commonthread:partner:{id_}"


def group(id_: str) -> str:
    return f"urn:commonthread:group:{id_}"


def dataset(name: str) -> str:
    return f"urn:commonthread:dataset:{name}"


def part(digest: str, grant: Grant) -> str:
    """What one grant opens of a dataset."""
    return f"{policy(digest)}#grant-{grant.id}"


def purpose(digest: str, id_: str) -> str:
    return f"{policy(digest)}#purpose-{id_}"


def bases(party: Party) -> list[dict[str, str]]:
    named = (LAWFUL_BASES.get(party.lawful_basis), CONDITIONS.get(party.condition))
    return [{"@id": name} for name in named if name]


def literal(value: Any) -> dict[str, Any]:
    """A JSON value that JSON-LD carries as it is (JSON-LD 1.1 §4.2.2)."""
    return {"@type": "@json", "@value": value}
