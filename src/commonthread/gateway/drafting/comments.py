"""Negotiating a draft: comments, suggestions, opinions, and who is holding it up since when."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from commonthread.broker.access import BadInput, Refused
from commonthread.broker.rules.errors import Reason
from commonthread.broker.rules.standing import Member
from commonthread.gateway.models import (
    ACCEPTED,
    CHANGES_WANTED,
    COMMENT,
    CONTENT,
    NEGOTIATING,
    REFUSED,
    SETTLED,
    SUGGESTION,
    Comment,
    Draft,
    Opinion,
)

from . import drafts
from .sections import BY_ID, seen

LONGEST_COMMENT = 4_000


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a partner has said of the draft as it stands, or since when it is waited for."""

    partner: str
    says: str
    since: datetime
    outdated: bool = False

    @property
    def holds_up(self) -> bool:
        return self.says != CONTENT or self.outdated


def comment(
    draft_id: uuid.UUID,
    section: str,
    text: str,
    *,
    by: Member,
    at: datetime,
    answers: int | None = None,
    proposed: Mapping[str, Any] | None = None,
) -> Comment:
    """Say something about a section; with `proposed`, what the section should hold instead."""
    said = text.strip()
    if not said or len(said) > LONGEST_COMMENT:
        raise BadInput(f"Write 1 to {LONGEST_COMMENT:,} characters.")
    with transaction.atomic():
        draft = _readable(draft_id, by)
        chosen = BY_ID[section]
        earlier = draft.comments.filter(id=answers, section=section).first() if answers else None
        held = {n: v for n, v in (proposed or {}).items() if n in chosen.fields}
        return Comment.objects.create(
            draft=draft,
            kind=COMMENT if proposed is None else SUGGESTION,
            section=section,
            revision=draft.revision,
            by=by.id,
            partner=by.partner,
            at=at,
            text=said,
            proposed=None if proposed is None else held,
            answers=earlier.answers or earlier if earlier else None,
        )


def settle(comment_id: int, how: str, *, by: Member, at: datetime) -> Comment:
    """Accept or refuse a suggestion (the lead), or settle a comment (the lead or who made it).

    Accepting puts what was proposed into the draft, if the section still says what it said then.
    """
    with transaction.atomic():
        found = Comment.objects.select_for_update().filter(id=comment_id).first()
        if found is None or found.settled:
            raise BadInput("This comment is settled already.")
        draft = _readable(found.draft_id, by)
        leads = drafts.may_write(draft, by)
        if not leads and (how != SETTLED or found.by != by.id):
            raise Refused(
                [Reason("draft", "comment", "Only the lead's governance officer does so.")]
            )
        if how not in ((ACCEPTED, REFUSED) if found.kind == SUGGESTION else (SETTLED,)):
            raise BadInput("A suggestion is accepted or refused; a comment is settled.")
        if how == ACCEPTED:
            _accept(draft, found, by, at)
        found.settled, found.settled_by, found.settled_at = how, by.id, at
        found.save(update_fields=["settled", "settled_by", "settled_at"])
        return found


def _accept(draft: Draft, found: Comment, by: Member, at: datetime) -> None:
    section = BY_ID[found.section]
    then = draft.revisions.get(number=found.revision)
    drafts.save(draft.id, section.id, found.proposed or {}, seen(then.terms, section), by=by, at=at)


def say(draft_id: uuid.UUID, says: str, *, by: Member, at: datetime) -> Opinion:
    """A partner's opinion of the draft as it stands; the newest of each partner counts."""
    if says not in (CONTENT, CHANGES_WANTED):
        raise BadInput("A partner is content, or wants changes.")
    with transaction.atomic():
        draft = _readable(draft_id, by)
        if draft.state != NEGOTIATING:
            raise BadInput("Opinions are given while a draft is being negotiated.")
        held = {"says": says, "revision": draft.revision, "by": by.id, "at": at}
        return Opinion.objects.update_or_create(draft=draft, partner=by.partner, defaults=held)[0]


def waiting(draft: Draft) -> Sequence[Waiting]:
    """Each party of the draft in turn: what it says, and since when it is waited for."""
    opinions = {opinion.partner: opinion for opinion in draft.opinions.all()}
    found = []
    for partner in drafts.parties(draft):
        opinion = opinions.get(partner)
        if opinion is None:
            found.append(Waiting(partner, "", draft.changed))
        else:
            outdated = opinion.revision < draft.revision
            since = draft.changed if outdated else opinion.at
            found.append(Waiting(partner, opinion.says, since, outdated))
    return found


def _readable(draft_id: uuid.UUID, by: Member) -> Draft:
    draft = Draft.objects.select_for_update().filter(id=draft_id).first()
    if draft is None or not drafts.may_read(draft, by):
        raise BadInput("There is no such draft.")
    return draft
