"""One round of what has to be done when its day has come: reminders are made, mail is sent.

Safe to run as often as anybody likes, twice at once, and to be killed in the middle: a reminder has
a key, and the outbox holds one message of each.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from commonthread.broker.rules.dates import london_day
from commonthread.broker.rules.standing import Standing
from commonthread.gateway.assurance.evidence import EvidenceStore
from commonthread.gateway.assurance.reminders import DAYS, Done, Reminder, reminders, told
from commonthread.gateway.models import Attestation, CredentialCheck, Message
from commonthread.gateway.post.outbox import Send, deliver, queue


@dataclass(frozen=True, slots=True)
class Round:
    """What one round did: reminders made, messages sent, files swept away."""

    made: int
    sent: int
    swept: int


@dataclass(slots=True)
class Seen:
    """What reminders were made of last: on the same day the same facts give the same ones."""

    held: tuple[object, ...] = ()


def _held(standing: Standing, at: datetime) -> tuple[object, ...]:
    """What reminders rest on; deposits, keys and objections are none of it."""
    facts = (
        standing.partners,
        standing.members,
        standing.charters,
        standing.accessions,
        standing.dpias,
        standing.agreements,
        standing.contracts,
    )
    return london_day(at), *(tuple(each.values()) for each in facts)


def run_due(
    standing: Standing, home: Path, at: datetime, send: Send | None, seen: Seen | None = None
) -> Round:
    """`send` None: there is no mail server, and what is made stays in the outbox to be read.

    `seen`: what whoever calls this again and again has looked at before.
    """
    held = _held(standing, at)
    made = remind(standing, at) if seen is None or seen.held != held else 0
    if seen is not None:
        seen.held = held
    sent = deliver(at, send) if send else 0
    named = CredentialCheck.objects.exclude(file="").values_list("file", flat=True)
    return Round(made, sent, EvidenceStore(home).sweep(set(named), at))


def remind(standing: Standing, at: datetime) -> int:
    """Queue every reminder that has fallen due, to everybody it is for; how many are new."""
    due = [
        (f"{one.key}:{member.id}", member.id, one)
        for one in reminders(standing, at, _done(at))
        for partner in one.partners
        for member in told(standing, partner)
    ]
    known = _known([key for key, _, _ in due])
    return sum(_queue(key, to, one, at) for key, to, one in due if key not in known)


def _done(at: datetime) -> set[Done]:
    """What was attested of the days that a reminder could be about."""
    today = london_day(at)
    near = Attestation.objects.filter(due__range=(today, today + timedelta(days=max(DAYS))))
    return set(near.values_list("reference", "clause", "partner", "due"))


def _known(keys: list[str]) -> set[str]:
    """Which are in the outbox already, asked in pieces that every database takes."""
    found: set[str] = set()
    for first in range(0, len(keys), 500):
        piece = Message.objects.filter(key__in=keys[first : first + 500])
        found.update(piece.values_list("key", flat=True))
    return found


def _queue(key: str, to: str, one: Reminder, at: datetime) -> bool:
    return queue(key, to, one.subject, one.text, at)
