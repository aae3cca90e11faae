"""Approving an assessment: what is in the way, the record that goes to the ledger, and its digest.

The record is the broker's own `Dpia`, in the ICO's last step. It names the whole assessment by a
digest of all seven steps, the advice and the answers to suggested risks, so that a change of any
of them is another record; an agreement keeps the one that it was signed with until a new version.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db import transaction

from commonthread.broker.access import BadInput, Broker, Document
from commonthread.broker.rules.canonical import digest
from commonthread.broker.rules.charter import parse_dpia
from commonthread.broker.rules.dates import london_day
from commonthread.broker.rules.errors import Problem
from commonthread.broker.rules.standing import GUARDIAN, Member, Standing
from commonthread.broker.rules.terms import LEVELS
from commonthread.gateway.drafting import drafts
from commonthread.gateway.drafting import sections as draft_sections
from commonthread.gateway.models import (
    AGAINST,
    APPROVED,
    OPEN,
    OVERRULED,
    SUPERSEDED,
    WITH_ADVISERS,
    Advice,
    Assessment,
    Draft,
)

from . import people, suggestions
from .advice import (
    check_signatory,
    consultation,
    current,
    decision,
    needed,
    of_officers,
)
from .asked import BY_ID, CONSULTATION, NECESSITY, NEED
from .assessments import is_about_it_still, locked, reading
from .steps import Weighed, part, review_day, rows, weighed

HIGH = LEVELS[-1]
NO_MEASURE = "None: the risk is accepted as it is."


def hindrances(found: Assessment, standing: Standing, at: datetime) -> list[Problem]:
    """Everything that stands between the assessment and its approval; nothing of who approves."""
    if found.state != WITH_ADVISERS:
        return [Problem("assessment", "it is not with its advisers", "complete it, then ask them")]
    return [
        *reading(found, at).problems,
        *suggestions.unanswered(found, standing),
        *_about(found),
        *_advice(found, standing),
        *_decision(found),
        *_ico(found, at),
    ]


def _about(found: Assessment) -> Iterator[Problem]:
    if not is_about_it_still(found):
        yield Problem(
            "assessment", "the draft has changed since the advisers were asked", "ask them again"
        )


def _advice(found: Assessment, standing: Standing) -> Iterator[Problem]:
    for each in needed(found, standing):
        where = f"advice[{each.role}]"
        whose = each.partner or "a party"
        if each.given is None:
            yield Problem(where, f"the {each.role.replace('-', ' ')} of {whose} has not advised")
        elif each.role == GUARDIAN and each.against:
            yield Problem(where, f"the Caldicott guardian of {whose} does not approve")


def _decision(found: Assessment) -> Iterator[Problem]:
    decided = decision(found)
    if decided is None:
        yield Problem("decision", "the advice is not decided on", "accept it, or overrule it")
    elif decided.how != OVERRULED and any(each.says == AGAINST for each in of_officers(found)):
        yield Problem("decision", "the advice against it was accepted", "change the assessment")


def _ico(found: Assessment, at: datetime) -> Iterator[Problem]:
    if reading(found, at).residual == HIGH and consultation(found) is None:
        yield Problem(
            "ico_consultation",
            "a high risk is left, and no consultation of the ICO is recorded (Article 36)",
            "ask the ICO, and record what it answered",
        )


def approve(
    assessment_id: uuid.UUID, broker: Broker, revision: int, *, by: Member, at: datetime
) -> Assessment:
    """Approve the revision that was read: its record goes to the ledger, its digest to the draft.

    The ledger's entry is durable first; approving again after a crash between the two adds no
    other entry on the same day. Raises with everything that is in the way.
    """
    standing = broker.standing()
    with transaction.atomic():
        found = _ready(assessment_id, standing, revision, by, at)
        table = record(found, standing, by, at)
    broker.apply([Document(f"{found.reference}.toml", {"dpia": table})])
    with transaction.atomic():
        found = _ready(assessment_id, standing, revision, by, at)
        if record(found, standing, by, at) != table:
            raise BadInput("The assessment has changed since.", mend="Read it again.")
        found.state, found.digest = APPROVED, parse_dpia(table).digest
        found.approved_by, found.approved_at, found.changed = by.id, at, at
        found.save()
        if found.follows is not None and found.follows.state == APPROVED:
            found.follows.state = SUPERSEDED
            found.follows.save(update_fields=["state"])
        _into_draft(found, standing, at)
    return found


def _ready(
    assessment_id: uuid.UUID, standing: Standing, revision: int, by: Member, at: datetime
) -> Assessment:
    found = locked(assessment_id)
    check_signatory(found, by)
    if found.revision != revision:
        raise BadInput("The assessment has changed since you opened it.", mend="Read it again.")
    if problems := hindrances(found, standing, at):
        raise BadInput("The assessment cannot be approved yet.", problems)
    return found


def record(found: Assessment, standing: Standing, by: Member, at: datetime) -> dict[str, Any]:
    """The assessment as the ledger takes it: a `dpia` table."""
    need, necessity = part(found.steps, NEED), part(found.steps, NECESSITY)
    decided, asked = decision(found), consultation(found)
    overruled = decided is not None and decided.how == OVERRULED
    table = {
        "reference": found.reference,
        "title": found.title,
        "need": f"{need['aim']}\n\n{need['why']}\n\nWhole assessment: {whole(found)}",
        "consulted": sorted({str(each["who"]) for each in rows(found.steps, BY_ID[CONSULTATION])}),
        "necessity": "\n\n".join(
            str(necessity[name]) for name in ("achieves", "other_ways", "quality")
        ),
        "dpo_advice": _said(of_officers(found)),
        "dpo_advice_accepted": not overruled,
        "overruled_reason": decided.reason if decided is not None and overruled else "",
        "guardian_advice": _said([each for each in current(found) if each.role == GUARDIAN]),
        "ico_consultation": f"Asked on {asked.asked_on}. {asked.answer}" if asked else "",
        "residual_risk": reading(found, at).residual,
        "approved_by": by.id,
        "approved": london_day(at).isoformat(),
        "review": str(review_day(found.steps)),
    }
    return {name: value for name, value in table.items() if value != ""}


def _said(advice: list[Advice]) -> str:
    """Each piece of advice with its partner: no name of a person is needed to know whose."""
    return "\n\n".join(
        f"{each.partner}: {each.says.replace('-', ' ')}. {each.text}"
        for each in sorted(advice, key=lambda each: (each.partner, each.id))
    )


def whole(found: Assessment) -> str:
    """Names everything that the assessment says, the advice and the suggested risks included."""
    return digest(
        {
            "steps": found.steps,
            "about": found.about,
            "advice": [[each.role, each.partner, each.says, each.text] for each in current(found)],
            "counts": [
                [each.grant, each.unique, each.rows, each.counted_on.isoformat()]
                for each in found.counts.order_by("id")
            ],
            "suggestions": [
                [each.suggestion, each.how, each.reason]
                for each in found.suggestion_answers.order_by("id")
            ],
        }
    )


def _into_draft(found: Assessment, standing: Standing, at: datetime) -> None:
    """The officer who asked for advice had the digest put into the draft, once it is there."""
    officer = standing.members.get(found.asked_by)
    draft = found.draft
    if draft is None or draft.state not in OPEN or not drafts.may_write(draft, officer):
        return
    section = draft_sections.BY_ID["assessment"]
    word = draft_sections.seen(draft.terms, section)
    drafts.save(draft.id, section.id, {"dpia": found.digest}, word, by=officer, at=at)


def copy_risks(assessment_id: uuid.UUID, *, by: Member | None, at: datetime) -> Draft:
    """Put the approved assessment's risks into the draft: its own others stay as they are."""
    with transaction.atomic():
        found = locked(assessment_id)
        draft = found.draft
        if found.state != APPROVED or draft is None:
            raise BadInput("Only the risks of an approved assessment of a draft are copied.")
        if not people.may_write(found, by):
            raise people.only("Only a governance officer of the lead does so.")
        section = draft_sections.BY_ID["risks"]
        made = [risk_of(each) for each in weighed(found.steps)]
        names = {risk["id"] for risk in made}
        held = draft.terms.get("risk", [])
        others = [
            each
            for each in (held if isinstance(held, list) else [])
            if not (isinstance(each, dict) and each.get("id") in names)
        ]
        word = draft_sections.seen(draft.terms, section)
        return drafts.save(draft.id, section.id, {"risk": [*others, *made]}, word, by=by, at=at)


def risk_of(each: Weighed) -> dict[str, str]:
    """A weighed risk as a risk of the terms."""
    return {
        "id": each.id,
        "text": each.text,
        "owner": each.owner,
        "likelihood": each.likelihood,
        "impact": each.impact,
        "mitigation": each.measure or NO_MEASURE,
        "residual": each.residual,
    }
