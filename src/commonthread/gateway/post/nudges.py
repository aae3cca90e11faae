"""Reminding those who hold a draft up: one nudge a day for each party, to its officers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from commonthread.broker.access import BadInput, Refused
from commonthread.broker.rules.dates import london_day
from commonthread.broker.rules.errors import Reason
from commonthread.broker.rules.standing import OFFICER, Member
from commonthread.gateway.drafting import comments, drafts
from commonthread.gateway.models import NEGOTIATING, Draft, Message

from .outbox import queue

Told = Callable[[str], Sequence[Member]]


def may_nudge(draft: Draft, by: Member | None) -> bool:
    """A governance officer of a party to a draft that is being negotiated."""
    return (
        by is not None
        and draft.state == NEGOTIATING
        and OFFICER in by.roles
        and drafts.may_read(draft, by)
    )


def held_up_by(draft: Draft, by: Member) -> list[comments.Waiting]:
    """Whom the draft waits for, but for one's own partner."""
    return [one for one in comments.waiting(draft) if one.holds_up and one.partner != by.partner]


def nudge(draft: Draft, told: Told, *, by: Member | None, at: datetime) -> list[str]:
    """Queue a mail to each party that holds the draft up; the partners that are nudged by it.

    `told`: the members through whom a partner is told. A party is nudged once a day, whoever asks.
    """
    if by is None or not may_nudge(draft, by):
        raise Refused(
            [Reason("draft", "draft", "A governance officer of a party nudges the others.")]
        )
    waiting = held_up_by(draft, by)
    if not waiting:
        raise BadInput("Nobody else is holding the draft up.")
    nudged = []
    for one in waiting:
        made = [_queue(draft, one, member, at) for member in told(one.partner)]
        nudged += [one.partner] if any(made) else []
    return nudged


def nudged_today(draft: Draft, partner: str, at: datetime) -> bool:
    return Message.objects.filter(key__startswith=_key(draft, partner, at)).exists()


def _key(draft: Draft, partner: str, at: datetime) -> str:
    return f"nudge:{draft.id}:{partner}:{london_day(at).isoformat()}:"


def _queue(draft: Draft, one: comments.Waiting, member: Member, at: datetime) -> bool:
    name = str(draft.terms.get("title") or draft.terms.get("reference") or "A draft agreement")
    since = f"{one.since.day} {one.since:%B %Y}"
    text = (
        f"{name} waits for your partner, since {since}.\n\n"
        "Read the draft as it stands, and say whether your partner is content with it or wants "
        "changes. It is under Drafts.\n"
    )
    subject = f"{name}: your partner is waited for"
    return queue(f"{_key(draft, one.partner, at)}{member.id}", member.id, subject, text, at)
