"""Drafts: the list, starting one, the task list, its sections, and offering it for signature."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from commonthread.broker.access import BadInput
from commonthread.gateway.clauses import ENFORCED, FIELDS, undertakings
from commonthread.gateway.drafting import comments, drafts
from commonthread.gateway.drafting.sections import (
    BY_ID,
    DONE,
    SECTIONS,
    Progress,
    Section,
    item_of,
    read,
    seen,
)
from commonthread.gateway.law import Conflict
from commonthread.gateway.models import NEGOTIATING, OPEN, Draft
from commonthread.gateway.templates import template
from commonthread.web.pages import Visit, page, partner_names

from . import starting
from .asked import Asked, asked
from .draft import base, found, title
from .fields import Shown, answered, rows_sent, show
from .talk import talk
from .wording import lines

SAVE, ADD, REMOVE, SUGGEST, TAKE = "save", "add", "remove", "suggest", "take"
LISTED = 200


@page("GET")
def all_drafts(visit: Visit) -> HttpResponse:
    found = [
        draft
        for draft in Draft.objects.order_by("-changed").prefetch_related("opinions")[:LISTED]
        if drafts.may_read(draft, visit.member)
    ]
    names = partner_names(visit.broker)
    return visit.show(
        "web/drafts/all.html",
        nav="drafts",
        may_start=drafts.may_start(visit.member),
        open=[_card(draft, names) for draft in found if draft.state in OPEN],
        ended=[_card(draft, names) for draft in found if draft.state not in OPEN],
    )


def _card(draft: Draft, names: Mapping[str, str]) -> dict[str, Any]:
    reading = read(draft.terms)
    waiting = [one for one in comments.waiting(draft) if one.holds_up]
    return {
        "draft": draft,
        "title": title(draft),
        "lead": names.get(draft.lead, draft.lead),
        "done": reading.done,
        "of": len(SECTIONS),
        "waiting": [(names.get(one.partner, one.partner), one.since) for one in waiting]
        if draft.state == NEGOTIATING
        else [],
    }


@page("GET", "POST")
def new(visit: Visit) -> HttpResponse:
    if visit.request.method != "POST":
        return _start_page(visit)
    origin = starting.origin(visit.broker, visit.sent("from"))
    if origin is None:
        return _start_page(visit, missing="Choose what to start from", code=400)
    kind, _, name = origin.id.partition(":")
    if kind == starting.TEMPLATE:
        return redirect("draft-template", name=name)
    draft = drafts.start(visit.member, origin.table, origin.id, timezone.now())
    return redirect("draft-tasks", draft_id=draft.id)


def _start_page(visit: Visit, missing: str = "", code: int = 200) -> HttpResponse:
    return visit.show(
        "web/drafts/new.html",
        code=code,
        nav="drafts",
        groups=starting.origins(visit.broker),
        chosen=str(visit.request.GET.get("from", "")),
        missing=missing,
        may_start=drafts.may_start(visit.member),
    )


@page("GET", "POST")
def from_template(visit: Visit, name: str) -> HttpResponse:
    """Who plays which part in a template; then it is a draft."""
    chosen = template(name)
    asks = starting.places(chosen, visit.broker)
    answers: dict[str, Any] = {}
    problems: dict[str, str] = {}
    failure = ""
    if visit.request.method == "POST":
        answers = answered(asks, visit.request.POST)
        try:
            table, problems = starting.from_template(chosen, visit.broker, answers)
            if not problems:
                origin = f"{starting.TEMPLATE}:{name}"
                draft = drafts.start(visit.member, table, origin, timezone.now())
                return redirect("draft-tasks", draft_id=draft.id)
        except BadInput as error:
            failure = str(error)
    return visit.show(
        "web/drafts/template.html",
        code=400 if problems or failure else 200,
        nav="drafts",
        chosen=chosen,
        fields=show(asks, answers, problems),
        failure=failure or ("There is something to mend below" if problems else ""),
        may_start=drafts.may_start(visit.member),
    )


@page("GET")
def tasks(visit: Visit, draft_id: uuid.UUID) -> HttpResponse:
    draft = found(visit, draft_id)
    reading = read(draft.terms)
    names = partner_names(visit.broker)
    open_comments = draft.comments.filter(settled="", answers=None)
    return visit.show(
        "web/drafts/tasks.html",
        **base(visit, draft),
        reading=reading,
        of=len(SECTIONS),
        rows=[_task(draft, each, open_comments) for each in reading.progress],
        waiting=[
            (names.get(one.partner, one.partner), one) for one in comments.waiting(draft)
        ] if draft.state == NEGOTIATING else [],
        opinion_asked=_is_other_party(visit, draft),
        lead=names.get(draft.lead, draft.lead),
        saved=draft.revisions.order_by("-number").first(),
    )  # fmt: skip


def _task(draft: Draft, each: Progress, open_comments: Any) -> dict[str, Any]:
    return {
        "progress": each,
        "address": reverse("draft-section", args=[draft.id, each.section.id]),
        "tag": {DONE: "", "something to mend": "govuk-tag--red"}.get(each.state, "govuk-tag--blue"),
        "comments": sum(one.section == each.section.id for one in open_comments),
    }


def _is_other_party(visit: Visit, draft: Draft) -> bool:
    member = visit.member
    return (
        draft.state == NEGOTIATING
        and member is not None
        and bool(member.roles)
        and member.partner in drafts.parties(draft)
    )


@page("GET", "POST")
def section(visit: Visit, draft_id: uuid.UUID, section: str) -> HttpResponse:
    draft = found(visit, draft_id)
    chosen = BY_ID.get(section)
    if chosen is None:
        raise Http404
    if chosen.id == "data":
        return redirect("draft-data", draft_id=draft_id)
    form = asked(chosen.id, visit.broker, draft.terms)
    if visit.request.method != "POST":
        return _form(visit, draft, chosen, form, draft.terms)
    values = sent_values(visit, chosen, form)
    do = visit.sent("do") or SAVE
    number = do.removeprefix(f"{REMOVE}-")
    if form.many and number.isdecimal() and int(number) < len(values[form.many.name]):
        values[form.many.name].pop(int(number))
    if do == ADD and form.many:
        values[form.many.name].append({})
    if do.startswith(TAKE) and form.many:
        values[form.many.name] += _taken(visit, draft, do.partition("-")[2])
    if do == SUGGEST:
        return _suggested(visit, draft, chosen, form, values)
    if _is_other_party(visit, draft) and not drafts.may_write(draft, visit.member):
        return _form(visit, draft, chosen, form, values)  # what they would suggest, so far
    return _saved(visit, draft, chosen, form, values, do)


def _taken(visit: Visit, draft: Draft, id_: str) -> list[dict[str, Any]]:
    """A suggested risk as the lead's own: it can be changed before it is saved."""
    every = drafts.suggestions(draft, visit.broker)
    return [one.as_risk(draft.lead).to_plain() for one in every if one.id == id_]


def sent_values(visit: Visit, section: Section, form: Asked) -> dict[str, Any]:
    """The part of the table that the form says."""
    sent = visit.request.POST
    if section.id == "rights":
        texts = answered(form.fields, sent)
        return {"statement": [{"section": name, "text": text} for name, text in texts.items()]}
    values = answered(form.fields, sent)
    if form.many:
        name = form.many.name
        values[name] = [
            answered(form.many.fields, sent, f"{name}-{number}-")
            for number in rows_sent(sent, name)[: form.many.most]
        ]
    return values


def _saved(
    visit: Visit, draft: Draft, section: Section, form: Asked, values: dict[str, Any], do: str
) -> HttpResponse:
    autosave = visit.request.headers.get("X-Autosave") == "1"
    kept = {
        name: [row for row in value if row] if isinstance(value, list) else value
        for name, value in values.items()
    }
    try:
        draft = drafts.save(
            draft.id, section.id, kept, visit.sent("seen"), by=visit.member, at=timezone.now()
        )
    except drafts.SavedMeanwhile as error:
        if autosave:
            return JsonResponse({"saved": False, "said": str(error)}, status=409)
        return _form(visit, found(visit, draft.id), section, form, values, failure=str(error))
    if autosave:
        at = timezone.localtime(draft.changed)
        return JsonResponse(
            {"saved": True, "said": f"Saved at {at:%H:%M}", "seen": seen(draft.terms, section)}
        )
    if do == SAVE:
        return redirect("draft-tasks", draft_id=draft.id)
    return _form(visit, draft, section, asked(section.id, visit.broker, draft.terms), values)


def _suggested(
    visit: Visit, draft: Draft, section: Section, form: Asked, values: dict[str, Any]
) -> HttpResponse:
    text = visit.sent("why")
    if not text or visit.member is None:
        failure = "Say why, in a sentence: the lead reads it first"
        return _form(visit, draft, section, form, values, failure=failure)
    comments.comment(
        draft.id, section.id, text, by=visit.member, at=timezone.now(), proposed=values
    )
    return redirect("draft-section", draft_id=draft.id, section=section.id)


def _form(
    visit: Visit,
    draft: Draft,
    section: Section,
    form: Asked,
    values: Mapping[str, Any],
    *,
    failure: str = "",
) -> HttpResponse:
    reading = read(draft.terms)
    progress = reading.of(section.id)
    held: Mapping[str, Any] = _statements(values) if section.id == "rights" else values
    number = [one.id for one in SECTIONS].index(section.id)
    return visit.show(
        "web/drafts/section.html",
        code=400 if failure else 200,
        **base(visit, draft),
        section=section,
        fields=show(form.fields, held, _problems(progress, None)),
        many=form.many,
        items=_items(form, held, progress),
        seen=seen(draft.terms, section),
        failure=failure,
        problems=progress.problems if held == draft.terms else (),
        clashes=clashes(visit, draft, section) if held == draft.terms else (),
        suggested=drafts.suggestions(draft, visit.broker) if section.id == "risks" else (),
        comments=talk(visit, draft, section),
        may_suggest=_is_other_party(visit, draft),
        following=SECTIONS[number + 1].id if number + 1 < len(SECTIONS) else "",
    )


def clashes(visit: Visit, draft: Draft, section: Section) -> list[Conflict]:
    """Legal choices that do not go together, of those that are mended in this section."""
    every = drafts.clashes(draft, visit.broker)
    return [one for one in every if one.path.partition("[")[0] in section.fields]


def _statements(values: Mapping[str, Any]) -> dict[str, str]:
    """What is said in each section of the code; several statements of one are read as one."""
    found: dict[str, str] = {}
    for row in values.get("statement", []):
        name, text = str(row.get("section", "")), str(row.get("text", ""))
        found[name] = f"{found[name]}\n\n{text}" if name in found else text
    return found


def _items(form: Asked, values: Mapping[str, Any], progress: Progress) -> list[list[Shown]]:
    if form.many is None:
        return []
    many = form.many
    rows = values.get(many.name) or [{}]
    return [
        show(many.fields, row, _problems(progress, index), f"{many.name}-{index}-")
        for index, row in enumerate(rows)
    ]


def _problems(progress: Progress, index: int | None) -> dict[str, str]:
    """field → what is wrong, for one item of a list or for the section itself."""
    found: dict[str, str] = {}
    for problem in progress.problems:
        item, name = item_of(problem)
        if item == index and name:
            mend = f" {problem.mend[0].upper()}{problem.mend[1:]}." if problem.mend else ""
            found.setdefault(name, f"{problem.message[0].upper()}{problem.message[1:]}.{mend}")
    return found


@page("GET", "POST")
def check(visit: Visit, draft_id: uuid.UUID) -> HttpResponse:
    """Everything before it goes to the signatories; then it goes."""
    draft = found(visit, draft_id)
    if visit.request.method != "POST":
        return _check(visit, draft)
    if _unsettled(draft) and visit.sent("sure") != "yes":
        said = "Not everybody is content, or a comment is open."
        return _check(visit, draft, BadInput(said, mend="Say that you offer it all the same."))
    try:
        draft = drafts.offer(draft.id, visit.broker, by=visit.member, at=timezone.now())
    except BadInput as error:
        return _check(visit, draft, error)
    return redirect("agreement", reference=str(draft.terms["reference"]))


def _unsettled(draft: Draft) -> bool:
    """Whether somebody who was asked has not said yes to it as it stands."""
    held_up = any(one.holds_up for one in comments.waiting(draft))
    return draft.state == NEGOTIATING and (held_up or bool(_open_comments(draft)))


def _open_comments(draft: Draft) -> int:
    return draft.comments.filter(settled="", answers=None).count()


def _check(visit: Visit, draft: Draft, failure: BadInput | None = None) -> HttpResponse:
    reading = read(draft.terms)
    names = partner_names(visit.broker)
    clashing = drafts.clashes(draft, visit.broker)
    return visit.show(
        "web/drafts/check.html",
        code=400 if failure else 200,
        **base(visit, draft),
        reading=reading,
        failure=failure,
        waiting=[(names.get(one.partner, one.partner), one) for one in comments.waiting(draft)],
        open_comments=_open_comments(draft),
        unsettled=_unsettled(draft),
        clashes=clashing,
        stopped=any(each.stops for each in clashing),
        undertakings=undertakings(reading.terms) if reading.terms else (),
        enforced=[each.title for each in FIELDS.values() if each.kind == ENFORCED],
        said=[(each, lines(each, visit.broker, draft.terms)) for each in SECTIONS],
    )


@page("POST")
def act(visit: Visit, draft_id: uuid.UUID, act: str) -> HttpResponse:
    draft = found(visit, draft_id)
    acts = {"share": drafts.share, "undo": drafts.undo, "abandon": drafts.abandon}
    if act not in acts:
        raise Http404
    acts[act](draft.id, by=visit.member, at=timezone.now())
    if act == "abandon":
        return redirect("drafts")
    return redirect("draft-tasks", draft_id=draft.id)
