"""Not signing, for now: decline with a reason, delegate to a colleague, take either back.

- Only a signatory of a party that has still to sign the version declines or delegates it.
- A decline or a delegation is about one digest: a new version is asked anew.
- Neither binds the broker. Whoever declined may still sign, which settles it; the delegate could
  sign before, and whoever delegated still can: a delegation says whom to wait for.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta

from django.db import IntegrityError, transaction

from commonthread.broker.access import BadInput, Refused
from commonthread.broker.rules.dates import ends, london_day
from commonthread.broker.rules.errors import Reason
from commonthread.broker.rules.standing import SIGNATORY, Member, Standing, Version
from commonthread.broker.rules.terms import required_parties
from commonthread.gateway.assurance.reminders import told
from commonthread.gateway.models import Decline, Delegation
from commonthread.gateway.post.outbox import queue

from .progress import Declined, Delegated

LONGEST_REASON = 4_000
LONGEST_DELEGATION = timedelta(days=92)


def decline(
    version: Version, standing: Standing, reason: str, *, by: Member | None, at: datetime
) -> Decline:
    """Say that the partner will not sign this version, and why."""
    member = _signatory(version, standing, by)
    said = _text(reason, "Enter why your partner does not sign.")
    with _alone(), transaction.atomic():
        if _open(Decline, version, member.partner):
            raise BadInput("Your partner has declined this version already.")
        _settle(Delegation, version, member, at)
        made = Decline.objects.create(
            reference=version.terms.reference,
            digest=version.terms.digest,
            partner=member.partner,
            by=member.id,
            at=at,
            reason=said,
        )
        _tell(made, version, standing)
        return made


def _tell(made: Decline, version: Version, standing: Standing) -> None:
    """Every other party hears of it at once. The reason stays on the page: mail is not private."""
    reference, number = made.reference, version.terms.version
    who = standing.partners[made.partner].name
    subject = f"{who} has declined version {number} of {reference}"
    text = f"{subject}. The reason stands on its summary: /agreements/{reference}/summary/"
    for partner in required_parties(version.terms, standing.contracts):
        for member in told(standing, partner) if partner != made.partner else ():
            queue(f"decline:{made.pk}:{member.id}", member.id, subject, text, made.at)


def delegate(
    version: Version,
    standing: Standing,
    to: str,
    until: date,
    note: str = "",
    *,
    by: Member | None,
    at: datetime,
) -> Delegation:
    """Hand the reading and signing to another signatory of the same partner until a day."""
    member = _signatory(version, standing, by)
    _delegate_is_able(member, standing.members.get(to))
    if at >= ends(until) or until > london_day(at) + LONGEST_DELEGATION:
        raise BadInput(
            "The day is over, or too far away.",
            mend=f"Choose a day within {LONGEST_DELEGATION.days} days.",
        )
    with _alone(), transaction.atomic():
        if _open(Decline, version, member.partner):
            raise BadInput(
                "Your partner has declined this version.", mend="Take the decline back first."
            )
        _settle(Delegation, version, member, at)
        return Delegation.objects.create(
            reference=version.terms.reference,
            digest=version.terms.digest,
            partner=member.partner,
            by=member.id,
            to=to,
            at=at,
            until=until,
            note=note.strip()[:LONGEST_REASON],
        )


def take_back_decline(
    version: Version, standing: Standing, *, by: Member | None, at: datetime
) -> None:
    """Any signatory of the partner takes its decline back: then it is waited for again."""
    member = _signatory(version, standing, by)
    with transaction.atomic():
        if not _settle(Decline, version, member, at):
            raise BadInput("Your partner has not declined this version.")


def take_back_delegation(
    version: Version, standing: Standing, *, by: Member | None, at: datetime
) -> None:
    """Any signatory of the partner takes its delegation back: then all of them are asked again."""
    member = _signatory(version, standing, by)
    with transaction.atomic():
        if not _settle(Delegation, version, member, at):
            raise BadInput("Your partner has not delegated this version.")


@contextmanager
def _alone() -> Iterator[None]:
    """Two signatories of one partner at the same moment: the second is told so."""
    try:
        yield
    except IntegrityError:
        raise BadInput(
            "A colleague has done this at the same moment.", mend="Look at the page again."
        ) from None


def said_of(digests: list[str]) -> tuple[dict[str, list[Declined]], dict[str, list[Delegated]]]:
    """What was declined and delegated, by digest: two queries, however many digests."""
    declines: dict[str, list[Declined]] = {}
    for no in Decline.objects.filter(digest__in=digests, taken_back=None):
        declines.setdefault(no.digest, []).append(Declined(no.partner, no.by, no.at, no.reason))
    delegations: dict[str, list[Delegated]] = {}
    for one in Delegation.objects.filter(digest__in=digests, taken_back=None):
        given = Delegated(one.partner, one.by, one.to, one.at, one.until, one.note)
        delegations.setdefault(one.digest, []).append(given)
    return declines, delegations


def _signatory(version: Version, standing: Standing, by: Member | None) -> Member:
    """The member, if a signatory of a party that has still to sign; else it is refused."""
    if by is None or SIGNATORY not in by.roles:
        raise _refused("Only a signatory can do this, for their own partner.")
    if by.partner not in standing.outstanding(version):
        raise _refused("Your partner is not waited for: it has signed, or it is no party.")
    newest = standing.newest(version.terms.reference)
    if newest is not None and newest.terms.digest != version.terms.digest:
        raise BadInput("A newer version has been proposed.", mend="Read that one.")
    return by


def _delegate_is_able(member: Member, to: Member | None) -> None:
    if to is None or to.partner != member.partner or SIGNATORY not in to.roles:
        raise BadInput(
            "Only another signatory of your partner can be asked.", mend="Choose one of them."
        )
    if to.id == member.id:
        raise BadInput("You cannot delegate to yourself.", mend="Choose somebody else.")


def _open(kind: type[Decline | Delegation], version: Version, partner: str) -> bool:
    found = kind.objects.filter(digest=version.terms.digest, partner=partner, taken_back=None)
    return found.exists()


def _settle(
    kind: type[Decline | Delegation], version: Version, member: Member, at: datetime
) -> int:
    """Take back what is open of the member's partner; how many there were."""
    found = kind.objects.filter(
        digest=version.terms.digest, partner=member.partner, taken_back=None
    )
    return found.update(taken_back=at, taken_back_by=member.id)


def _text(said: str, missing: str) -> str:
    text = said.strip()
    if not text or len(text) > LONGEST_REASON:
        raise BadInput(missing, mend=f"Write 1 to {LONGEST_REASON:,} characters.")
    return text


def _refused(said: str) -> Refused:
    return Refused([Reason("signing", "party", said)])
