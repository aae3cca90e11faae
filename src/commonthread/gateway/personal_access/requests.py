"""What people do in a request for access: each one transaction, refused plainly out of turn.

    asked → manager-approved → judged → allowed → granted → (ended by itself) → reviewed

- Training is stated at any time before it is granted. Doing a step again replaces what it said.
- The owner's signatory grants, with every step there and in date: that attests the approval that
  the grant needs. Where it needs training too, the signatory who stated the training then signs
  that; until both are in the ledger nothing opens.
- What the ledger holds is granted, whatever a row here says: the broker decides by facts alone.
- A granted access ends by itself. It cannot be taken back from here: sooner than that the asker's
  partner takes them out of the group, or a party suspends the agreement.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import IntegrityError, transaction

from commonthread.broker.access import BadInput, Broker
from commonthread.broker.rules.dates import ends, london_day
from commonthread.broker.rules.errors import Problem
from commonthread.broker.rules.keys import PrivateKey
from commonthread.broker.rules.standing import Member, Standing
from commonthread.broker.rules.terms import Grant
from commonthread.gateway.models import (
    ACCESS_GRANTED,
    ACCESS_OPEN,
    ACCESS_REFUSED,
    ACCESS_WITHDRAWN,
    ALLOWED,
    APPROVAL,
    ASKED,
    GRANTING,
    JUDGED,
    JUDGEMENT,
    MANAGER_APPROVED,
    REFUSAL,
    REVIEW,
    REVIEWED,
    TRAINING,
    WITHDRAWAL,
    AccessRequest,
    AccessStep,
)

from . import people
from .steps import FIVE_SAFES, PERSONAL_NEEDS, ends_at, hindrances, newest, terms_of, unattested

LONGEST_TEXT = 4_000
LONGEST = timedelta(days=365)
EXPIRED = "expired"
AS_AGREED, NOT_AS_AGREED = "as-agreed", "not-as-agreed"
FINDINGS = (AS_AGREED, NOT_AS_AGREED)


@dataclass(frozen=True, slots=True)
class Askable:
    """A grant that the member could be granted personally; `missing` says what it still needs."""

    reference: str
    title: str
    grant: Grant
    missing: tuple[str, ...]


def askable(broker: Broker, member: Member) -> tuple[Askable, ...]:
    """The grants of other partners' data that the member's groups receive and a need closes."""
    standing = broker.standing()
    found = []
    for id_, decision in broker.can(member.id):
        version = standing.governing(decision.request.agreement)
        grant = version.terms.grant(id_) if version else None
        missing = tuple(each.message for each in decision.reasons if each.code == "needs")
        if version and grant and missing and may_ask(member, grant):
            found.append(Askable(version.terms.reference, version.terms.title, grant, missing))
    return tuple(found)


def may_ask(member: Member, grant: Grant) -> bool:
    return (
        grant.owner != member.partner
        and bool(set(PERSONAL_NEEDS) & set(grant.needs))
        and bool(set(member.groups) & set(grant.recipients))
    )


def managers(standing: Standing, member: Member) -> tuple[Member, ...]:
    """Whom the member may name as their line manager: others of the same partner."""
    return tuple(
        each
        for _, each in sorted(standing.members.items())
        if each.partner == member.partner and each.id != member.id
    )


def ask(
    reference: str,
    grant: str,
    purpose: str,
    reason: str,
    manager: str,
    until: date | None,
    standing: Standing,
    *,
    by: Member,
    at: datetime,
) -> AccessRequest:
    """Ask for oneself. At most twelve months, and never past the agreement."""
    version = standing.governing(reference)
    wanted = version.terms.grant(grant) if version else None
    if version is None or wanted is None or not may_ask(by, wanted):
        raise BadInput("No agreement offers you this.", mend="Choose one of the list.")
    if manager not in {each.id for each in managers(standing, by)}:
        raise BadInput("Choose your line manager: another member of your partner.")
    with transaction.atomic():
        earlier = AccessRequest.objects.select_for_update().filter(
            member=by.id, reference=reference, grant=grant, state=ALLOWED
        )
        for one in earlier:
            one.state = settled(one, standing)
            one.save(update_fields=["state"])
    try:
        with transaction.atomic():
            return AccessRequest.objects.create(
                member=by.id,
                partner=by.partner,
                manager=manager,
                owner=wanted.owner,
                reference=reference,
                grant=grant,
                purpose=_text(purpose, "Enter what you will do with the records."),
                reason=_text(reason, "Enter why your work needs these records and nothing less."),
                until=_until(until, version.terms.ends, london_day(at)),
                asked=at,
                changed=at,
            )
    except IntegrityError:
        raise BadInput("You have asked for this already.", mend="Take that back first.") from None


def approve(
    request_id: uuid.UUID, note: str, standing: Standing, *, by: Member, at: datetime
) -> AccessRequest:
    """The line manager approves: the work is theirs to give."""
    with transaction.atomic():
        found = _open(request_id, standing, APPROVAL, by)
        _step(found, APPROVAL, {"note": _short(note)}, by, at)
        return _moved(found, MANAGER_APPROVED if found.state == ASKED else found.state, at)


def add_training(
    request_id: uuid.UUID,
    what: str,
    done: date | None,
    until: date | None,
    evidence: str,
    standing: Standing,
    *,
    by: Member,
    at: datetime,
) -> AccessRequest:
    """State a training, and where its evidence is. Said anew, what was allowed is allowed anew."""
    if done is None or done > london_day(at):
        raise BadInput("Enter the day on which the training was done, up to today.")
    if until is None or until < london_day(at):
        raise BadInput("Enter the day until which the training is valid, from today on.")
    said = {
        "what": _text(what, "Enter which training it is."),
        "done": done.isoformat(),
        "until": until.isoformat(),
        "evidence": _text(evidence, "Enter where the evidence is."),
    }
    with transaction.atomic():
        found = _open(request_id, standing, TRAINING, by)
        _step(found, TRAINING, said, by, at)
        return _moved(found, JUDGED if found.state == ALLOWED else found.state, at)


def judge(
    request_id: uuid.UUID,
    said: Mapping[str, str],
    standing: Standing,
    *,
    by: Member,
    at: datetime,
) -> AccessRequest:
    """Five judgements, a sentence each, of the terms as they are now; to say no is to refuse."""
    sentences = {
        safe.id: _text(said.get(safe.id, ""), f"{safe.title}: enter your judgement.")
        for safe in FIVE_SAFES
    }
    with transaction.atomic():
        found = _open(request_id, standing, JUDGEMENT, by)
        if found.state == ASKED:
            raise BadInput("The line manager has not approved it yet.")
        terms = terms_of(found, standing)
        if terms is None:
            raise BadInput("The agreement no longer has this grant.")
        _step(found, JUDGEMENT, sentences | {"digest": terms[0].digest}, by, at)
        return _moved(found, JUDGED, at)


def grant(
    request_id: uuid.UUID,
    broker: Broker,
    *,
    by: Member,
    at: datetime,
    key: PrivateKey | None = None,
) -> AccessRequest:
    """The owner's signatory grants: every step is there, by different people, and in date."""
    with transaction.atomic():
        found = _open(request_id, broker.standing(), GRANTING, by)
        if found.state not in (JUDGED, ALLOWED):
            raise BadInput("It has not been judged yet.")
        _complete(found, broker.standing(), at)
        _step(found, GRANTING, {}, by, at)
        found.ends = ends_at(found, broker.standing())
        _moved(found, ALLOWED, at)
    return _attest(found, "approval", broker, by, at, key)


def confirm(
    request_id: uuid.UUID,
    broker: Broker,
    *,
    by: Member,
    at: datetime,
    key: PrivateKey | None = None,
) -> AccessRequest:
    """Whoever stated the training signs it for the ledger, once it is granted."""
    with transaction.atomic():
        found = _open(request_id, broker.standing(), TRAINING, by)
        stated = newest(found, TRAINING)
        if found.state != ALLOWED:
            raise BadInput("The owner’s signatory has not granted it yet.")
        if stated is None or stated.by != by.id:
            raise people.only("Whoever stated the training signs it.")
        _complete(found, broker.standing(), at)
        if found.ends != ends_at(found, broker.standing()):
            raise BadInput("What it rests on has changed.", mend="It is granted anew first.")
    return _attest(found, "training", broker, by, at, key)


def refuse(
    request_id: uuid.UUID, reason: str, standing: Standing, *, by: Member, at: datetime
) -> AccessRequest:
    """Whoever could take the next step says no, and why."""
    said = _text(reason, "Enter why: refusing to share needs a reason too.")
    with transaction.atomic():
        found = _locked(request_id, standing)
        if not may_refuse(found, by, standing):
            raise people.only("Only who approves, states, judges or grants it refuses it.")
        _step(found, REFUSAL, {"reason": said}, by, at)
        return _moved(found, ACCESS_REFUSED, at)


def may_refuse(found: AccessRequest, member: Member, standing: Standing) -> bool:
    parts = (APPROVAL, TRAINING, JUDGEMENT, GRANTING)
    takes = any(people.takes(found, kind, member.id, standing) for kind in parts)
    return found.state in ACCESS_OPEN and takes and member.id != found.member


def withdraw(
    request_id: uuid.UUID, standing: Standing, *, by: Member, at: datetime
) -> AccessRequest:
    """The asker takes it back before it is granted."""
    with transaction.atomic():
        found = _locked(request_id, standing)
        if by.id != found.member:
            raise people.only("Only who asked takes it back.")
        if found.state not in ACCESS_OPEN:
            raise BadInput("It is no longer open.", mend="What was granted ends by itself.")
        _step(found, WITHDRAWAL, {}, by, at)
        return _moved(found, ACCESS_WITHDRAWN, at)


def review(
    request_id: uuid.UUID,
    finding: str,
    text: str,
    standing: Standing,
    *,
    by: Member,
    at: datetime,
) -> AccessRequest:
    """Say how the access was used; the review after its end closes the request."""
    if finding not in FINDINGS:
        raise BadInput("Choose what you found.")
    said = {"finding": finding, "text": _text(text, "Enter what you looked at.")}
    with transaction.atomic():
        found = _locked(request_id, standing)
        if found.state != ACCESS_GRANTED:
            raise BadInput("Only what was granted and is not closed yet is reviewed.")
        people.check(found, REVIEW, by, standing)
        _step(found, REVIEW, said, by, at)
        ended = state(found, standing, at) == EXPIRED
        return _moved(found, REVIEWED if ended else ACCESS_GRANTED, at)


def state(found: AccessRequest, standing: Standing, at: datetime) -> str:
    """How it stands at an instant: what is past its end has expired, without anybody's doing."""
    held = settled(found, standing)
    if held == ACCESS_GRANTED and found.ends is not None and at >= found.ends:
        return EXPIRED
    return EXPIRED if held in ACCESS_OPEN and at >= ends(found.until) else held


def settled(found: AccessRequest, standing: Standing) -> str:
    """The state by what the ledger holds: a process may have ended between it and the row."""
    attested = found.state == ALLOWED and not unattested(found, standing)
    return ACCESS_GRANTED if attested else found.state


def _locked(request_id: uuid.UUID, standing: Standing) -> AccessRequest:
    found = AccessRequest.objects.select_for_update().filter(id=request_id).first()
    if found is None:
        raise BadInput("There is no such request.")
    found.state = settled(found, standing)
    return found


def _open(request_id: uuid.UUID, standing: Standing, kind: str, by: Member) -> AccessRequest:
    found = _locked(request_id, standing)
    if found.state not in ACCESS_OPEN:
        raise BadInput("The request is no longer open.", mend="Ask anew.")
    people.check(found, kind, by, standing)
    return found


def _complete(found: AccessRequest, standing: Standing, at: datetime) -> None:
    missing = hindrances(found, standing, at)
    if missing:
        problems = [Problem(each.id, each.why) for each in missing]
        raise BadInput("A step is missing or late.", problems)


def _attest(
    found: AccessRequest,
    need: str,
    broker: Broker,
    by: Member,
    at: datetime,
    key: PrivateKey | None,
) -> AccessRequest:
    """Sign what this member answers for. The ledger's entry is durable before the row says so."""
    if found.ends is None:
        raise ValueError("what is attested has an end")
    if need in unattested(found, broker.standing()):
        broker.fulfil(
            found.reference,
            found.grant,
            need,
            member=found.member,
            starts=at.replace(microsecond=0),  # facts have whole seconds
            ends=found.ends,
            by=by.id,
            key=key,
        )
    with transaction.atomic():
        made = _locked(found.id, broker.standing())
        made.save(update_fields=["state"])
        return made


def _moved(found: AccessRequest, to: str, at: datetime) -> AccessRequest:
    found.state, found.changed = to, at
    found.save(update_fields=["state", "changed", "ends"])
    return found


def _step(found: AccessRequest, kind: str, said: dict[str, str], by: Member, at: datetime) -> None:
    AccessStep.objects.create(
        request=found, kind=kind, by=by.id, partner=by.partner, at=at, said=said
    )


def _until(until: date | None, agreement_ends: date, today: date) -> date:
    if until is None or not today <= until <= today + LONGEST:
        raise BadInput("Enter a day from today on, at most twelve months ahead.")
    if until > agreement_ends:
        raise BadInput("The agreement ends before that day.", mend="Enter an earlier day.")
    return until


def _text(said: str, missing: str) -> str:
    text = said.strip()
    if not text or len(text) > LONGEST_TEXT or "\x00" in text:
        raise BadInput(missing, mend=f"Write 1 to {LONGEST_TEXT:,} characters.")
    return text


def _short(note: str) -> str:
    return _text(note, "Enter less.") if note.strip() else ""
