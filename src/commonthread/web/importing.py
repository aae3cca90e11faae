"""An existing agreement beside the draft: brought in, its clauses mapped, copied, or left out."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from commonthread.broker.access import BadInput
from commonthread.gateway.drafting import drafts
from commonthread.gateway.drafting.sections import BY_ID, SECTIONS, Section
from commonthread.gateway.importing import imports
from commonthread.gateway.importing.imports import Choice
from commonthread.gateway.importing.reading import KINDS, LARGEST_FILE
from commonthread.gateway.importing.targets import (
    SECTION_IDS,
    STATEMENT,
    STATEMENT_IDS,
    section_of,
    suggest,
)
from commonthread.gateway.models import LEFT_OUT, OPEN, Draft, ImportedClause, ImportedText
from commonthread.web.documents import FORM_BYTES, InMemory
from commonthread.web.drafts.asked import STATEMENTS
from commonthread.web.drafts.draft import title
from commonthread.web.drafts.wording import lines
from commonthread.web.pages import Visit, page

PER_PAGE = 40
UNMAPPED = "unmapped"
SAVE, AWAY = "save", "away"
ACT = re.compile(r"(copy|take)-([0-9]{1,6})")
GONE = (
    "The draft does not say these very words any more: somebody has changed them or undone the "
    "copy. Nothing in the draft was changed. Read the section before you copy the clause again."
)
TITLES = {
    **{id_: BY_ID[id_].title for id_ in SECTION_IDS},
    **{f"{STATEMENT}-{name}": said.partition(":")[0] for name, said in STATEMENTS.items()},
    LEFT_OUT: "Left out",
}


# The size of what is sent is looked at before any of it is read, which the check for forgery
# would do; the check is made all the same, one step later.
@csrf_exempt
def bring(request: HttpRequest, draft_id: uuid.UUID) -> HttpResponse:
    """What was brought into a draft, and the form to bring in more."""
    sent = request.META.get("CONTENT_LENGTH") or "0"
    if request.method == "POST":
        request.upload_handlers = [InMemory(request)]
        if not sent.isdecimal() or int(sent) > LARGEST_FILE + FORM_BYTES:
            return _too_large(request, draft_id=draft_id)
    return _bring(request, draft_id=draft_id)


@page("POST")
def _too_large(visit: Visit, draft_id: uuid.UUID) -> HttpResponse:
    said = BadInput(f"Choose a file of {LARGEST_FILE // 1024 // 1024} MB or less.")
    return _form(visit, _draft(visit, draft_id), said)


@csrf_protect
@page("GET", "POST")
def _bring(visit: Visit, draft_id: uuid.UUID) -> HttpResponse:
    draft = _draft(visit, draft_id)
    if visit.request.method != "POST":
        return _form(visit, draft)
    file = visit.request.FILES.get("file")
    if file is None:
        return _form(visit, draft, BadInput("Choose a file to bring in."))
    try:
        made = imports.bring_in(
            draft.id, str(file.name), file.read(), by=visit.member, at=timezone.now()
        )
    except BadInput as error:
        return _form(visit, draft, error)
    return redirect("draft-existing-text", draft_id=draft.id, number=made.pk)


def _draft(visit: Visit, draft_id: uuid.UUID) -> Draft:
    draft = Draft.objects.filter(id=draft_id).first()
    if draft is None or not imports.may_see(draft, visit.member):
        raise Http404
    return draft


def _base(visit: Visit, draft: Draft) -> dict[str, Any]:
    return {
        "nav": "drafts",
        "draft": draft,
        "title": title(draft),
        "may_write": drafts.may_write(draft, visit.member) and draft.state in OPEN,
    }


def _form(visit: Visit, draft: Draft, error: BadInput | None = None) -> HttpResponse:
    return visit.show(
        "web/importing/bring.html",
        code=400 if error else 200,
        **_base(visit, draft),
        texts=[(one, KINDS[one.kind], _counts(one)) for one in imports.brought_in(draft)],
        failure=f"{error.message} {error.mend}".strip() if error else "",
        largest=LARGEST_FILE // 1024 // 1024,
    )


def _counts(text: ImportedText) -> dict[str, int]:
    every = list(text.clauses.values_list("section", flat=True))
    return {"of": len(every), "unmapped": every.count(""), "left_out": every.count(LEFT_OUT)}


@page("GET", "POST")
def beside(visit: Visit, draft_id: uuid.UUID, number: int) -> HttpResponse:
    """The clauses of one text on the left, the sections of the draft on the right."""
    draft = _draft(visit, draft_id)
    text = draft.imported.filter(pk=number, put_away_at=None).first()
    if text is None:
        raise Http404
    if visit.request.method != "POST":
        return _beside(visit, draft, text)
    do = visit.sent("do")
    if do == AWAY:
        return _put_away(visit, draft, text)
    act = ACT.fullmatch(do)
    if do != SAVE and act is None:
        raise Http404
    chosen = _chosen(visit)
    faults = imports.map_clauses(text.pk, chosen, by=visit.member, at=timezone.now())
    if faults:
        return _beside(visit, draft, text, faults=faults, chosen=chosen)
    if act is not None:
        return _acted(visit, draft, text, act[1], int(act[2]))
    return redirect(_address(visit, draft, text))


def _chosen(visit: Visit) -> dict[int, Choice]:
    """What the form says of each clause that it showed."""
    numbers = [
        int(match[1])
        for name in visit.request.POST
        if (match := re.fullmatch(r"seen-([0-9]{1,6})", name))
    ]
    return {
        one: Choice(
            visit.sent(f"section-{one}"), visit.sent(f"reason-{one}"), visit.sent(f"seen-{one}")
        )
        for one in numbers
    }


def _acted(visit: Visit, draft: Draft, text: ImportedText, act: str, number: int) -> HttpResponse:
    by, at = visit.member, timezone.now()
    try:
        if act == "copy":
            imports.copy(text.pk, number, by=by, at=at)
        elif not imports.take_out(text.pk, number, by=by, at=at):
            return _beside(visit, draft, text, notice=f"Clause {number}. {GONE}")
    except BadInput as error:
        return _beside(visit, draft, text, faults={number: f"{error.message} {error.mend}".strip()})
    return redirect(f"{_address(visit, draft, text)}#clause-{number}")


def _put_away(visit: Visit, draft: Draft, text: ImportedText) -> HttpResponse:
    try:
        imports.put_away(text.pk, by=visit.member, at=timezone.now())
    except BadInput as error:
        return _beside(visit, draft, text, failure=f"{error.message} {error.mend}".strip())
    return redirect("draft-existing", draft_id=draft.id)


def _address(visit: Visit, draft: Draft, text: ImportedText) -> str:
    """The page that the form stood on, of the clauses that it showed."""
    given = visit.request.GET
    wanted = {name: str(given[name]) for name in ("only", "page") if given.get(name)}
    address = reverse("draft-existing-text", args=[draft.id, text.pk])
    return f"{address}?{urlencode(wanted)}" if wanted else address


def _beside(
    visit: Visit,
    draft: Draft,
    text: ImportedText,
    *,
    faults: Mapping[int, str] | None = None,
    chosen: Mapping[int, Choice] | None = None,
    failure: str = "",
    notice: str = "",
) -> HttpResponse:
    said, kept = faults or {}, chosen or {}
    draft.refresh_from_db()
    people = {member.id: member.name for member in visit.broker.members()}
    every = list(text.clauses.order_by("number"))
    only = visit.request.GET.get("only") == UNMAPPED
    shown = [one for one in every if not only or not one.section or one.number in said]
    part = Paginator(shown, PER_PAGE).get_page(visit.request.GET.get("page"))
    return visit.show(
        "web/importing/beside.html",
        code=400 if said or failure else 200,
        **_base(visit, draft),
        text=text,
        kind=KINDS[text.kind],
        counts=_counts(text),
        only=only,
        part=part,
        query=f"only={UNMAPPED}&" if only else "",
        by=people.get(text.by, text.by),
        clauses=[
            _clause(one, said.get(one.number, ""), kept.get(one.number))
            | {"who": people.get(one.mapped_by, one.mapped_by)}
            for one in part
        ],
        sections=[_section(visit, draft, one, every) for one in SECTIONS],
        faults=sorted(said.items()),
        failure=failure,
        notice=notice,
    )


def _clause(one: ImportedClause, fault: str, kept: Choice | None) -> dict[str, Any]:
    """One clause as the page shows it; what was sent and not taken is shown as it was sent."""
    refused = kept is not None and fault not in ("", imports.MEANWHILE)
    section, reason = (
        (kept.section, kept.reason) if kept is not None and refused else (one.section, one.reason)
    )
    return {
        "clause": one,
        "seen": imports.seen_word(one),
        "fault": fault,
        "reason": reason,
        "where": TITLES.get(one.section, ""),
        "address": section_of(one.section) if one.section not in ("", LEFT_OUT) else "",
        "groups": _groups(section),
        "suggested": [
            (TITLES[each.target], each.words) for each in suggest(one.text, one.under)
        ],
    }  # fmt: skip


def _groups(chosen: str) -> list[tuple[str, list[tuple[str, str, bool]]]]:
    """(heading, [(value, label, is it chosen)]) of where a clause may go."""
    groups = (
        ("Sections of the draft", SECTION_IDS),
        ("Rights, security and other clauses", STATEMENT_IDS),
    )
    return [(name, [(one, TITLES[one], one == chosen) for one in ids]) for name, ids in groups] + [
        ("Not in the draft", [(LEFT_OUT, "Left out, because …", chosen == LEFT_OUT)])
    ]


def _section(
    visit: Visit, draft: Draft, section: Section, every: list[ImportedClause]
) -> dict[str, Any]:
    mapped = [one for one in every if one.section and section_of(one.section) == section.id]
    return {
        "section": section,
        "clauses": mapped,
        "copied": sum(one.copied_at is not None for one in mapped),
        "says": lines(section, visit.broker, draft.terms),
    }
