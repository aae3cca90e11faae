"""Agreements as ODRL 2.2 policies in JSON-LD, with DPV 2.1 terms: a view, and never the record.

One permission for each grant and each partner that receives it, since an ODRL agreement has one
assigner and one assignee in each rule. A policy is named by the digest of the terms and carries
them whole, so that what is read back is what was signed: `read_back` refuses a policy whose terms
have another digest, or whose rules are not those that its terms give.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from commonthread.broker.access import BadInput
from commonthread.broker.rules.authored import parse_terms
from commonthread.broker.rules.canonical import instant_text, parse_json
from commonthread.broker.rules.dates import begins, ends
from commonthread.broker.rules.terms import Duty, Grant, GrantedColumn, Party, Terms

from . import linked
from .files import as_json
from .held import Held

COMMENT = (
    "A view for readers of ODRL. The record is the canonical terms with their signatures: the uid "
    "is the SHA-256 of the terms. Nothing is enforced by this document."
)
ACTIONS = {"rows": "read", "statistics": "aggregate", "lookup": "read"}
PERIOD = re.compile(r"P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?")
Node = dict[str, Any]


def document(held: Held) -> bytes:
    """All agreements that all have signed, as one JSON-LD document."""
    policies = [policy(signed.terms) for signed in held.agreements]
    context = [linked.ODRL, linked.CONTEXT]
    return as_json(
        {"@context": context, "ct:madeOf": linked.literal(held.about()), "@graph": policies}
    )


def policy(terms: Terms) -> Node:
    digest = terms.digest
    return {
        "@type": "Agreement",
        "uid": linked.policy(digest),
        "profile": f"{linked.TERM}odrl-profile",
        "rdfs:comment": COMMENT,
        "dct:identifier": terms.reference,
        "dct:title": terms.title,
        "ct:version": terms.version,
        "ct:party": [_party(each) for each in sorted(terms.parties, key=lambda p: p.partner)],
        "dpv:hasPurpose": [
            {
                "@id": linked.purpose(digest, each.id),
                "@type": "dpv:Purpose",
                "dct:description": each.text,
            }
            for each in sorted(terms.purposes, key=lambda p: p.id)
        ],
        "permission": list(_permissions(terms)),
        **(
            {"obligation": [_obligation(terms, duty) for duty in _duties(terms)]}
            if terms.duties
            else {}
        ),
        "ct:terms": linked.literal(terms.to_plain()),
    }


def _party(party: Party) -> Node:
    bases = linked.bases(party)
    return {
        "@id": linked.partner(party.partner),
        "@type": ["Party", linked.ROLES[party.role]],
        **({"dpv:hasLegalBasis": bases} if bases else {}),
        **({"ct:legalPower": party.legal_power} if party.legal_power else {}),
    }


def _permissions(terms: Terms) -> Iterator[Node]:
    for grant in sorted(terms.grants, key=lambda grant: grant.id):
        for partner in sorted({group.split("/")[0] for group in grant.recipients}):
            yield _permission(terms, grant, partner)


def _permission(terms: Terms, grant: Grant, partner: str) -> Node:
    copy = ["reproduce"] if grant.export else []
    return {
        "@type": "Permission",
        "uid": f"{linked.part(terms.digest, grant)}-to-{partner}",
        "assigner": linked.partner(grant.owner),
        "assignee": linked.partner(partner),
        "action": [ACTIONS[grant.mode], *copy],
        "target": _target(terms, grant),
        "constraint": list(_constraints(terms, grant, partner)),
        "duty": [_deletion(grant)],
    }


def _target(terms: Terms, grant: Grant) -> Node:
    """The columns are parts of a collection, which is a part of the dataset."""
    uid = linked.part(terms.digest, grant)
    columns = sorted(grant.columns, key=lambda column: column.exposed)
    rows = (
        []
        if grant.rows is None
        else [_constraint("ct:rows", "eq", linked.literal(grant.rows.to_plain()))]
    )
    persons = [_constraint("ct:persons", "eq", grant.persons)] if grant.persons else []
    refined = rows + persons
    return {
        "@type": "AssetCollection",
        "uid": uid,
        "partOf": linked.dataset(grant.dataset),
        "hasPart": [_asset(uid, column) for column in columns],
        **({"ct:person": {"@id": "dpv:PseudonymisedData"}} if grant.person else {}),
        **({"refinement": refined} if refined else {}),
    }


def _asset(uid: str, column: GrantedColumn) -> Node:
    as_at = {} if column.as_at is None else {"ct:asAt": _date(column.as_at.isoformat())}
    return {
        "@type": "Asset",
        "uid": f"{uid}-column-{column.exposed}",
        "ct:column": column.name,
        "ct:treatment": column.treatment,
        **as_at,
    }


def _constraints(terms: Terms, grant: Grant, partner: str) -> Iterator[Node]:
    groups = sorted(group for group in grant.recipients if group.split("/")[0] == partner)
    purpose = {"@id": linked.purpose(terms.digest, grant.purpose)}
    yield _constraint("purpose", "eq", purpose)
    yield _constraint("recipient", "isAnyOf", [{"@id": linked.group(group)} for group in groups])
    yield _constraint("dateTime", "gteq", _instant(begins(terms.starts)))
    yield _constraint("dateTime", "lt", _instant(ends(terms.ends)))
    for need in sorted(grant.needs):
        yield _constraint("ct:need", "eq", need)
    if grant.mode == "statistics":
        yield _constraint("ct:minimumCount", "gteq", grant.minimum_count)
        yield _constraint("ct:roundedTo", "eq", grant.round_to)
    if grant.mode == "lookup":
        yield _constraint("ct:lookedUpBy", "eq", grant.by)
        yield {**_constraint("count", "lteq", grant.per_day), "unit": {"@id": "ct:aDay"}}


def _deletion(grant: Grant) -> Node:
    until = {"@type": "xsd:duration", "@value": duration(grant.retention)}
    return {"action": "delete", "constraint": [_constraint("elapsedTime", "lteq", until)]}


def _duties(terms: Terms) -> list[Duty]:
    return sorted(terms.duties, key=lambda duty: duty.id)


def _obligation(terms: Terms, duty: Duty) -> Node:
    """What the owner owes all the others, in the parties' words."""
    uid = linked.policy(terms.digest)
    others = sorted({party.partner for party in terms.parties} - {duty.owner}) or [duty.owner]
    every = (
        {"ct:every": {"@type": "xsd:duration", "@value": duration(duty.every)}}
        if duty.every
        else {}
    )
    return {
        "@type": "Duty",
        "uid": f"{uid}#duty-{duty.id}",
        "assigner": [linked.partner(each) for each in others],
        "assignee": linked.partner(duty.owner),
        "action": "ct:fulfil",
        "dct:description": duty.text,
        "constraint": [_constraint("dateTime", "lteq", _date(duty.due.isoformat()))],
        **every,
    }


def _constraint(left: str, operator: str, right: Any) -> Node:
    return {"leftOperand": left, "operator": operator, "rightOperand": right}


def _instant(at: datetime) -> Node:
    return {"@type": "xsd:dateTime", "@value": instant_text(at)}


def _date(text: str) -> Node:
    return {"@type": "xsd:date", "@value": text}


def duration(period: str) -> str:
    """A period without weeks, which xsd:duration does not know: P2W is P14D."""
    found = PERIOD.fullmatch(period)
    years, months, weeks, days = (int(part or 0) for part in found.groups()) if found else (0,) * 4
    counts = ((years, "Y"), (months, "M"), (7 * weeks + days, "D"))
    return "P" + ("".join(f"{count}{unit}" for count, unit in counts if count) or "0D")


def read_back(document: bytes) -> tuple[Terms, ...]:
    """The terms that an exported document shows; raises `BadInput` where it shows others."""
    whole = parse_json(document)
    policies = whole.get("@graph") if isinstance(whole, dict) else None
    if not isinstance(policies, list):
        raise BadInput("This is no document of policies.", mend="Export one.")
    return tuple(_terms(each) for each in policies)


def _terms(shown: Any) -> Terms:
    held = shown.get("ct:terms") if isinstance(shown, dict) else None
    terms = parse_terms(held.get("@value") if isinstance(held, dict) else None)
    if shown.get("uid") != linked.policy(terms.digest):
        raise BadInput(f"The policy of {terms.reference} is not named by the digest of its terms.")
    if shown != policy(terms):
        raise BadInput(f"The policy of {terms.reference} does not show its terms.")
    return terms
