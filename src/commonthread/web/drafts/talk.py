"""What is said about a draft: comments, suggestions, opinions; and two revisions side by side."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from commonthread.gateway.drafting import comments, drafts
from commonthread.gateway.drafting.sections import BY_ID, Section
from commonthread.gateway.models import Comment, Draft
from commonthread.web.pages import Visit, page, partner_names

from .draft import base, found
from .wording import Line, beside


def talk(visit: Visit, draft: Draft, section: Section) -> list[dict[str, Any]]:
    """The comments on a section with their replies; a suggestion with what it would change."""
    names = partner_names(visit.broker)
    members = {member.id: member.name for member in visit.broker.members()}
    first = draft.comments.filter(section=section.id, answers=None).order_by("settled", "at")
    leads = drafts.may_write(draft, visit.member)
    return [
        {
            "comment": one,
            "who": _who(one, members, names),
            "lines": _proposal(visit, draft, section, one.proposed),
            "may_settle": leads or (one.by == visit.who and one.proposed is None),
            "replies": [(_who(it, members, names), it) for it in one.replies.order_by("at")],
        }
        for one in first
    ]  # fmt: skip


def _who(one: Comment, members: Mapping[str, str], names: Mapping[str, str]) -> str:
    return f"{members.get(one.by, one.by)}, {names.get(one.partner, one.partner)}"


def _proposal(visit: Visit, draft: Draft, section: Section, proposed: Any) -> list[Any]:
    if proposed is None:
        return []
    changed = {**{n: v for n, v in draft.terms.items() if n not in section.fields}, **proposed}
    compared = beside(visit.broker, draft.terms, changed)
    return [line for each, said in compared if each is section for line in said if line.changed]


@page("POST")
def opinion(visit: Visit, draft_id: uuid.UUID) -> HttpResponse:
    draft = found(visit, draft_id)
    if visit.member is not None:
        comments.say(draft.id, visit.sent("says"), by=visit.member, at=timezone.now())
    return redirect("draft-tasks", draft_id=draft.id)


@page("POST")
def speak(visit: Visit, draft_id: uuid.UUID, section: str) -> HttpResponse:
    draft = found(visit, draft_id)
    if section not in BY_ID or visit.member is None:
        raise Http404
    answers = visit.sent("answers")
    comments.comment(
        draft.id,
        section,
        visit.sent("text"),
        by=visit.member,
        at=timezone.now(),
        answers=int(answers) if answers.isdigit() else None,
    )
    return redirect("draft-section", draft_id=draft.id, section=section)


@page("POST")
def settle(visit: Visit, draft_id: uuid.UUID, comment: int) -> HttpResponse:
    draft = found(visit, draft_id)
    if visit.member is None or not draft.comments.filter(id=comment).exists():
        raise Http404
    done = comments.settle(comment, visit.sent("how"), by=visit.member, at=timezone.now())
    return redirect("draft-section", draft_id=draft.id, section=done.section)


@page("GET")
def compare(visit: Visit, draft_id: uuid.UUID) -> HttpResponse:
    """Two revisions side by side in words; the newest beside the one before, if none is named."""
    draft = found(visit, draft_id)
    numbers = [one.number for one in draft.revisions.order_by("number")]
    new = _number(visit, "new", numbers, draft.revision)
    old = _number(visit, "old", numbers, max(new - 1, 1))
    tables = {one.number: one.terms for one in draft.revisions.filter(number__in=(old, new))}
    members = {member.id: member.name for member in visit.broker.members()}
    whole = visit.request.GET.get("all") == "1"
    compared = beside(visit.broker, tables[old], tables[new])
    return visit.show(
        "web/drafts/compare.html",
        **base(visit, draft),
        old=old,
        new=new,
        sections=compared if whole else changed(compared),
        whole=whole,
        revisions=[
            (one, members.get(one.by, one.by), _where(one.section))
            for one in draft.revisions.order_by("-number")
        ],
    )  # fmt: skip


def changed(compared: list[tuple[Section, list[Line]]]) -> list[tuple[Section, list[Line]]]:
    """The lines that differ, and the sections that have some."""
    found = [(each, [line for line in said if line.changed]) for each, said in compared]
    return [(each, said) for each, said in found if said]


def _where(section: str) -> str:
    return BY_ID[section].title if section in BY_ID else "Start"


def _number(visit: Visit, name: str, known: list[int], default: int) -> int:
    said = str(visit.request.GET.get(name, ""))
    return int(said) if said.isdigit() and int(said) in known else default
