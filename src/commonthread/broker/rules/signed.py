"""Whether a fact is signed by whom it must be, about what it says, and after what came before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import keys
from .errors import BadInput, Problem
from .facts import Fact, fact_digest
from .keys import Envelope, parse_envelope
from .standing import GUARDIAN, SIGNATORY, Member, Standing, partner_reference
from .terms import PLATFORM


def attested(standing: Standing, fact: Fact, reference: str) -> Member:
    """The signatory or guardian whose key signed this fact."""
    envelope = parse_envelope(fact.body.get("envelope"), f"{fact.kind}.envelope")
    member = standing.members.get(envelope.member)
    if member is None or not {SIGNATORY, GUARDIAN} & set(member.roles):
        raise wrong(fact.kind, "a signatory or a guardian attests this")
    subject = fact_digest(fact.kind, fact.body)
    check_envelope(standing, envelope, keys.ATTEST, subject, reference, fact.kind)
    key = standing.key_of(member.id)
    if envelope.partner != member.partner or not key or not envelope.holds(key):
        raise wrong(fact.kind, "the member's admitted key did not sign this")
    return member


def own_fact(standing: Standing, fact: Fact, partner: str) -> None:
    """After its accession a partner's own facts change only with its root key (DESIGN §2)."""
    if partner == PLATFORM or not standing.acceded(partner):
        if "envelope" in fact.body:
            raise wrong(fact.kind, "this needs no signature yet")
        return
    if "envelope" not in fact.body:
        raise wrong(
            fact.kind, f"{partner} has acceded: its facts need its root key", "give --partner-key"
        )
    envelope = parse_envelope(fact.body["envelope"], f"{fact.kind}.envelope")
    subject = fact_digest(fact.kind, fact.body)
    reference = partner_reference(partner)
    check_envelope(standing, envelope, keys.DECLARE, subject, reference, fact.kind)
    root = standing.partners[partner].root_key
    if envelope.partner != partner or not envelope.holds(root):
        raise wrong(fact.kind, "the partner's root key did not sign this")


def check_envelope(
    standing: Standing, envelope: Envelope, act: str, subject: str, reference: str, where: str
) -> None:
    if envelope.act != act or envelope.subject != subject:
        raise wrong(where, "the signature is about something else")
    if envelope.previous != standing.previous(reference):
        raise wrong(where, "something changed since this was signed", "sign again")


def bare(body: Mapping[str, Any]) -> dict[str, Any]:
    """What a fact says, without the signature over it."""
    return {name: value for name, value in body.items() if name != "envelope"}


def wrong(where: str, message: str, mend: str = "") -> BadInput:
    return BadInput("This fact cannot be taken.", [Problem(where, message, mend)])
