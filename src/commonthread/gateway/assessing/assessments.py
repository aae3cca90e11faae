"""What can be done to an assessment while it is written. Each action is one transaction.

- Everything saved is kept. Who saves a step must have seen what it says, so no two people
  overwrite each other; a change while advisers have it takes it back from them.
- An assessment that is approved is not written in again: it is followed by another one.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from commonthread.broker.access import BadInput
from commonthread.broker.rules.canonical import digest, plain
from commonthread.broker.rules.dates import london_day
from commonthread.broker.rules.errors import Problem
from commonthread.broker.rules.standing import Member
from commonthread.gateway.drafting import drafts
from commonthread.gateway.drafting.drafts import LARGEST_TABLE, NEW, ONE_SITTING
from commonthread.gateway.models import (
    APPROVED,
    DRAFTING,
    OPEN,
    WITH_ADVISERS,
    Assessment,
    AssessmentRevision,
    Draft,
)

from . import people
from .asked import BY_ID, NEED, OUTCOME
from .steps import Reading, part, read, seen

BEING_WRITTEN = (DRAFTING, WITH_ADVISERS)
# What of a draft an assessment is about: who gives what to whom, and on which ground.
SUBSTANCE = ("purpose", "party", "grant", "rests_on", "single_out")


class SavedMeanwhile(BadInput):
    """Somebody else has saved the step since it was shown."""

    def __init__(self) -> None:
        super().__init__(
            "Somebody has saved this step since you opened it.",
            mend="Your answers are below. Read what is there now, then save again.",
        )


def start(draft_id: uuid.UUID | None, *, by: Member | None, at: datetime) -> Assessment:
    """A new assessment for a draft of the same lead, or for none."""
    draft = _draft(draft_id, by)
    title = str(draft.terms.get("title", ""))[:200] if draft else ""
    named = str(draft.terms.get("reference", "")).partition("-")[2] if draft else ""
    need = {"title": title, "reference": f"DPIA-{named}" if named else ""}
    steps: dict[str, Any] = {NEED: {name: value for name, value in need.items() if value}}
    return _create(draft, steps, by, at)


def revise(
    assessment_id: uuid.UUID, draft_id: uuid.UUID | None, *, by: Member | None, at: datetime
) -> Assessment:
    """A new version of an approved one. The record of the old stays what agreements rest on."""
    with transaction.atomic():
        old = locked(assessment_id)
        if old.state != APPROVED:
            raise BadInput("Only an assessment that is approved gets a new version.")
        check_writer(old, by, state=(APPROVED,))
        if old.followers.filter(state__in=BEING_WRITTEN).exists():
            raise BadInput("A new version is being written already.")
        draft = _draft(draft_id, by)
        steps = {name: dict(part(old.steps, name)) for name in BY_ID}
        steps[OUTCOME].pop("review", None)
        return _create(draft, steps, by, at, follows=old)


def _draft(draft_id: uuid.UUID | None, by: Member | None) -> Draft | None:
    if not people.may_start(by):
        raise people.only("A governance officer assesses, for their own partner.")
    if draft_id is None:
        return None
    draft = Draft.objects.filter(id=draft_id).first()
    if draft is None or not drafts.may_write(draft, by):
        raise people.only("Only a governance officer of the partner that leads it assesses it.")
    if draft.state not in OPEN:
        raise BadInput("This draft is no longer being written.", mend="Start a new version.")
    return draft


def _create(
    draft: Draft | None,
    steps: dict[str, Any],
    by: Member | None,
    at: datetime,
    follows: Assessment | None = None,
) -> Assessment:
    if by is None:
        raise people.only("A governance officer assesses, for their own partner.")
    with transaction.atomic():
        made = Assessment(
            lead=by.partner,
            author=by.id,
            draft=draft,
            follows=follows,
            steps=sound(steps),
            created=at,
            changed=at,
        )
        _named(made)
        made.save()
        AssessmentRevision.objects.create(
            assessment=made, number=1, steps=made.steps, by=by.id, at=at, step=NEW
        )
    return made


def save(
    assessment_id: uuid.UUID,
    step: str,
    answers: Mapping[str, Any],
    seen_word: str,
    *,
    by: Member | None,
    at: datetime,
) -> Assessment:
    """Put what was answered into a step; answers may be missing or wrong, and are kept so."""
    with transaction.atomic():
        found = locked(assessment_id)
        writer = check_writer(found, by)
        if seen(found.steps, step) != seen_word:
            raise SavedMeanwhile
        put(found, step, answers, by=writer, at=at)
    return found


def put(
    found: Assessment, step: str, answers: Mapping[str, Any], *, by: Member, at: datetime
) -> None:
    """Write into a step of a locked assessment; nothing if it says so already."""
    chosen = BY_ID[step]
    known = {question.name for question in chosen.questions}
    known |= {chosen.rows.name} if chosen.rows else set()
    kept = {n: v for n, v in answers.items() if n in known and v not in ("", [], None, False)}
    steps = sound({**found.steps, step: kept})
    if part(steps, step) != part(found.steps, step):
        revised(found, steps, step, by.id, at)


def revised(found: Assessment, steps: dict[str, Any], step: str, by: str, at: datetime) -> None:
    last = found.revisions.get(number=found.revision)
    together = last.by == by and last.step == step and at - last.at < ONE_SITTING
    found.steps, found.changed = steps, at
    _named(found)
    if together and not is_spoken_of(found):
        last.steps, last.at = steps, at
        last.save(update_fields=["steps", "at"])
    else:
        found.revision += 1
        AssessmentRevision.objects.create(
            assessment=found, number=found.revision, steps=steps, by=by, at=at, step=step
        )
    # What advisers are reading must not change under them: they are asked again.
    found.state = DRAFTING
    found.save()


def is_spoken_of(found: Assessment) -> bool:
    """Whether it was shown to advisers as it stands: then that revision stays as it was read."""
    return found.state != DRAFTING or found.advice.filter(revision=found.revision).exists()


def _named(found: Assessment) -> None:
    need = part(found.steps, NEED)
    found.reference = str(need.get("reference", ""))[:200]
    found.title = str(need.get("title", ""))[:200]


def reading(found: Assessment, at: datetime) -> Reading:
    return read(found.steps, people.parties(found), london_day(at))


def substance(draft: Draft | None) -> str:
    """Names what a draft shares: an assessment of something else is none of it."""
    if draft is None:
        return ""
    return digest({name: draft.terms[name] for name in SUBSTANCE if name in draft.terms})


def is_about_it_still(found: Assessment) -> bool:
    """Whether the draft shares now what it did when the advisers were asked."""
    return substance(found.draft) == found.about


def locked(assessment_id: uuid.UUID) -> Assessment:
    found = (
        Assessment.objects.select_for_update(of=("self",))
        .select_related("draft")
        .filter(id=assessment_id)
        .first()
    )
    if found is None:
        raise BadInput("There is no such assessment.")
    return found


def check_writer(
    found: Assessment, by: Member | None, state: tuple[str, ...] = BEING_WRITTEN
) -> Member:
    if by is None or not people.may_write(found, by):
        raise people.only("Only a governance officer of the lead writes in an assessment.")
    if found.state not in state:
        raise BadInput(
            "This assessment is not open for that.",
            [Problem("assessment", f"it is {found.state.replace('-', ' ')}")],
        )
    people.check_apart(people.did(found), by, people.AUTHOR)
    return by


def sound(steps: Mapping[str, Any]) -> dict[str, Any]:
    """The steps if they can be stored as they are: plain values, not too many of them."""
    made = plain(dict(steps), "assessment")
    if not isinstance(made, dict) or len(repr(made)) > LARGEST_TABLE:
        raise BadInput("The assessment is too large.", mend="Say it in fewer words.")
    return made
