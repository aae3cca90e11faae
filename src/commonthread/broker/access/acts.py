"""Acts on charters and agreements: sign, accede, withdraw, suspend, resume; and attestations.

The key is a member's own, or in a demo home its persona's. When all others have signed, the
platform, a processor, accedes and signs by its service key.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from commonthread.broker.keyring import Keyring
from commonthread.broker.rules import keys
from commonthread.broker.rules.canonical import instant_text
from commonthread.broker.rules.errors import BadInput, Reason, Refused
from commonthread.broker.rules.facts import ACT, FULFILMENT, OBJECTION, fact_digest
from commonthread.broker.rules.keys import Envelope, PrivateKey
from commonthread.broker.rules.standing import (
    SERVICE_MEMBER,
    SIGNATORY,
    Standing,
    partner_reference,
)
from commonthread.broker.rules.terms import PLATFORM, Purpose
from commonthread.broker.rules.treatments import record_text

from .documents import Body
from .status import unknown_reference


def act(
    standing: Standing,
    keyring: Keyring,
    reference: str,
    what: str,
    member: str,
    reason: str,
    key: PrivateKey | None,
) -> tuple[str, Body]:
    """The fact of one act, refused plainly where its signatory may not do it."""
    known = standing.members.get(member)
    if known is None:
        raise BadInput("No member of this id is known.", mend="See commonthread status.")
    if SIGNATORY not in known.roles:
        raise Refused(
            [
                Reason(
                    "signatory",
                    f"member[{member}]",
                    f"{member} is not a signatory.",
                    _signatories(standing, known.partner),
                )
            ]
        )
    if reference in standing.charters:
        if what != keys.SIGN:
            raise BadInput("A charter is acceded to; it is not withdrawn from here.")
        what = keys.ACCEDE
    _subject(standing, reference, what, known.partner)
    private = key or _demo_key(standing, keyring, member)
    return ACT, _body(reference, what, member, known.partner, reason, private)


def _signatories(standing: Standing, partner: str) -> str:
    able = sorted(
        member.id
        for member in standing.members.values()
        if member.partner == partner and SIGNATORY in member.roles
    )
    return f"Signatories of {partner}: {', '.join(able) or 'none'}."


def _body(
    reference: str, what: str, member: str, partner: str, reason: str, private: PrivateKey
) -> Body:
    def body(standing: Standing) -> Mapping[str, Any]:
        subject = _subject(standing, reference, what, partner)
        previous = standing.previous(reference)
        unsigned = Envelope(what, subject, member, partner, reason, previous)
        return {"reference": reference, "envelope": keys.sign(unsigned, private).to_plain()}

    return body


def _subject(standing: Standing, reference: str, what: str, partner: str) -> str:
    """The digest that the act is about."""
    if what == keys.ACCEDE:
        return standing.charters[reference].accession(standing.partners[partner].root_key)
    version = standing.newest(reference) if what == keys.SIGN else standing.governing(reference)
    if version is None:
        raise unknown_reference(standing)
    return version.terms.digest


def _demo_key(standing: Standing, keyring: Keyring, member: str) -> PrivateKey:
    demo = standing.home is not None and standing.home.demo
    private = keyring.demo_key(f"member.{member}") if demo else None
    if private is None:
        raise BadInput("This act needs the member's own key.", mend="Give --key FILE.")
    return private


def platform_acts(standing: Standing, keyring: Keyring) -> list[tuple[str, Body]]:
    """What the platform owes now: accede, and sign what all others have signed."""
    owed: list[tuple[str, Body]] = []
    acceding: set[str] = set()
    for reference in sorted(standing.agreements):
        version = standing.newest(reference)
        if version is None or standing.outstanding(version) != (PLATFORM,):
            continue
        charter = version.terms.charter
        if charter not in acceding and not _acceded(standing, charter):
            acceding.add(charter)
            owed.append(_platform(keyring, charter, keys.ACCEDE))
        if PLATFORM not in version.withdrawals:
            owed.append(_platform(keyring, reference, keys.SIGN))
    return owed


def _acceded(standing: Standing, charter: str) -> bool:
    act = standing.accessions.get((charter, PLATFORM))
    known = standing.charters.get(charter)
    root = standing.partners[PLATFORM].root_key
    return known is None or (act is not None and act.envelope.subject == known.accession(root))


def _platform(keyring: Keyring, reference: str, what: str) -> tuple[str, Body]:
    why = "The platform is a processor; all others have signed."
    return ACT, _body(reference, what, SERVICE_MEMBER, PLATFORM, why, keyring.service_key())


def fulfilment(
    standing: Standing,
    keyring: Keyring,
    said: Mapping[str, Any],
    starts: datetime,
    ends: datetime,
    attested_by: str,
    key: PrivateKey | None,
) -> tuple[str, Body]:
    """That a need of a grant is met: an approval, an activation or a training."""
    body = {**said, "starts": instant_text(starts), "ends": instant_text(ends)}
    reference = str(said["reference"])
    return _attested(standing, keyring, FULFILMENT, body, reference, attested_by, key)


def objected(
    standing: Standing,
    dataset: str,
    values: Sequence[str],
    purposes: Sequence[str],
    *,
    lifted: bool,
) -> str:
    """The record that an objection is about, once it is clear that it says something."""
    contract = standing.contracts.get(dataset)
    if contract is None:
        raise BadInput(
            "No dataset of this name is declared.",
            mend="Declared are: " + (", ".join(sorted(standing.contracts)) or "none") + ".",
        )
    if len(values) != len(contract.key):
        raise BadInput(
            f"The key of {dataset} has {len(contract.key)} columns.",
            mend=f"Give a value for each of: {', '.join(contract.key)}.",
        )
    known = {
        f"{reference}/{purpose.id}"
        for reference, versions in standing.agreements.items()
        for purpose in versions[-1].terms.purposes + _governing_purposes(standing, reference)
    }
    if unknown := sorted(set(purposes) - known):
        raise BadInput(
            f"No agreement has the purpose {unknown[0]}.",
            mend=f"A purpose is REFERENCE/id; known are: {', '.join(sorted(known)) or 'none'}.",
        )
    record = record_text(values)
    before = standing.objections.get((dataset, record))
    if lifted and (before is None or before.lifted):
        raise BadInput("No objection about this record is upheld, so none can be lifted.")
    return record


def _governing_purposes(standing: Standing, reference: str) -> tuple[Purpose, ...]:
    version = standing.governing(reference)
    return version.terms.purposes if version else ()


def objection(
    standing: Standing,
    keyring: Keyring,
    said: Mapping[str, Any],
    attested_by: str,
    key: PrivateKey | None,
) -> tuple[str, Body]:
    """An objection that the dataset's owner upheld, or lifts."""
    owner = str(said["dataset"]).partition("/")[0]
    reference = partner_reference(owner)
    return _attested(standing, keyring, OBJECTION, said, reference, attested_by, key)


def _attested(
    standing: Standing,
    keyring: Keyring,
    kind: str,
    said: Mapping[str, Any],
    reference: str,
    member: str,
    key: PrivateKey | None,
) -> tuple[str, Body]:
    known = standing.members.get(member)
    if known is None:
        raise BadInput("No member of this id is known.", mend="See commonthread status.")
    private = key or _demo_key(standing, keyring, member)

    def body(now: Standing) -> Mapping[str, Any]:
        subject = fact_digest(kind, said)
        previous = now.previous(reference)
        unsigned = Envelope(keys.ATTEST, subject, member, known.partner, "", previous)
        return {**said, "envelope": keys.sign(unsigned, private).to_plain()}

    return kind, body
