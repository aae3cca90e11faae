"""What a governance officer does for their own partner's credentials: check, and renew.

- A check says what of a credential was looked at, and may hold a file as evidence. It is kept for
  ever and governs nothing.
- Renewing is a fact of the partner, under its key. The platform holds that key in a demo home
  only; anywhere else `renewal` is the document that the partner applies with its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import transaction

from commonthread.broker.access import BadInput, Broker, Document, Refused
from commonthread.broker.rules.dates import london_day
from commonthread.broker.rules.errors import Problem, Reason
from commonthread.broker.rules.fields import IDENTIFIER
from commonthread.broker.rules.standing import OFFICER, Credential, Member, Partner
from commonthread.gateway.models import CredentialCheck

from .evidence import Evidence, EvidenceStore
from .grid import newest

LONGEST_TEXT = 2_000
LONGEST_REFERENCE = 200
NO_FILE = Evidence("", "", "", 0)


@dataclass(frozen=True, slots=True)
class Renewal:
    """A credential as it is to be recorded: a new one, or the next of its scheme."""

    scheme: str
    reference: str
    level: str
    expires: date


def may_check(member: Member | None, partner: str) -> bool:
    return member is not None and OFFICER in member.roles and member.partner == partner


def may_see_evidence(member: Member | None) -> bool:
    """Whoever acts for a partner: assurance is for the others to look at."""
    return member is not None and bool(member.roles)


def record(
    store: EvidenceStore,
    partner: Partner,
    scheme: str,
    *,
    scope: str,
    note: str,
    checked_on: date,
    file: tuple[str, bytes] | None,
    by: Member | None,
    at: datetime,
) -> CredentialCheck:
    """Write down that a credential was checked; `file`: the name and content of the evidence."""
    if by is None or not may_check(by, partner.id):
        raise _only(partner.id)
    held = newest(partner, scheme)
    problems = [*_check_problems(held, scope, note, checked_on, at)]
    if problems or held is None:
        raise BadInput("The check cannot be taken.", problems)
    kept = _kept(store, file) if file else NO_FILE
    with transaction.atomic():
        return CredentialCheck.objects.create(
            partner=partner.id,
            scheme=scheme,
            expires=held.expires,
            scope=scope,
            note=note,
            file=kept.file,
            file_name=kept.name,
            file_digest=kept.digest,
            file_bytes=kept.size,
            checked_by=by.id,
            checked_on=checked_on,
            at=at,
        )


def _check_problems(
    held: Credential | None, scope: str, note: str, checked_on: date, at: datetime
) -> Iterator[Problem]:
    if held is None:
        yield Problem("scheme", "choose a credential that the partner has recorded")
    if not 0 < len(scope) <= LONGEST_TEXT:
        yield Problem("scope", f"say what it covers, in 1 to {LONGEST_TEXT:,} characters")
    if len(note) > LONGEST_TEXT:
        yield Problem("note", f"at most {LONGEST_TEXT:,} characters")
    if checked_on > london_day(at):
        yield Problem("checked_on", "the day of the check has not come yet")


def _kept(store: EvidenceStore, file: tuple[str, bytes]) -> Evidence:
    try:
        return store.keep(*file)
    except BadInput as error:
        where = Problem("file", error.message, error.mend)
        raise BadInput("The check cannot be taken.", [where]) from None


def evidence_of(check: CredentialCheck) -> Evidence:
    return Evidence(check.file, check.file_name, check.file_digest, check.file_bytes)


def renew(broker: Broker, partner: Partner, renewal: Renewal, by: Member | None) -> None:
    """Record it as a fact of the partner, in a demo home, which holds the partner's key."""
    if not may_check(by, partner.id):
        raise _only(partner.id)
    if not broker.demo:
        raise BadInput(
            "A partner's credentials change by the partner's own key, which is not here.",
            mend="Apply the document with it: commonthread apply renewal.toml --partner-key.",
        )
    demand_sound(partner, renewal, broker.standing().last_at)
    broker.apply([Document("renewal", renewal_table(partner, renewal))])


def demand_sound(partner: Partner, renewal: Renewal, at: datetime | None) -> None:
    """Raise `BadInput` unless it is a credential that lasts longer than the one it follows."""
    problems = []
    if not IDENTIFIER.fullmatch(renewal.scheme) or len(renewal.scheme) > LONGEST_REFERENCE:
        problems.append(Problem("scheme", "small letters, figures and hyphens only"))
    if not 0 < len(renewal.reference) <= LONGEST_REFERENCE:
        problems.append(Problem("reference", "give the number or reference it is known by"))
    if len(renewal.level) > LONGEST_REFERENCE:
        problems.append(Problem("level", f"at most {LONGEST_REFERENCE} characters"))
    if at is not None and renewal.expires < london_day(at):
        problems.append(Problem("expires", "this day has passed: give the new last day"))
    held = newest(partner, renewal.scheme)
    same = held is not None and (held.level, held.expires) == (renewal.level, renewal.expires)
    if same:
        problems.append(Problem("expires", "this is the last day of the one that is recorded"))
    if problems:
        raise BadInput("The credential cannot be taken.", problems)


def renewal_table(partner: Partner, renewal: Renewal) -> dict[str, Any]:
    """The document that records it: the partner as it is known, with one more credential."""
    level = {"level": renewal.level} if renewal.level else {}
    credential = {
        "scheme": renewal.scheme,
        "reference": renewal.reference,
        **level,
        "expires": renewal.expires.isoformat(),
    }
    said = {"id": partner.id, "name": partner.name, "kind": partner.kind}
    return {"partner": [{**said, "root_key": partner.root_key, "credential": [credential]}]}


def _only(partner: str) -> Refused:
    said = "A governance officer of the partner does so, for their own partner."
    return Refused([Reason("assurance", f"partner[{partner}]", said)])
