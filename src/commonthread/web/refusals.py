"""Refusals to share: who asked whom for what, by when an answer is due, and what it was."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect

from commonthread.broker.access import BadInput
from commonthread.broker.access.leases import now
from commonthread.broker.rules.dates import london_day
from commonthread.gateway.living import refusals
from commonthread.gateway.models import GRANTED, REFUSED_TO_SHARE, TAKEN_BACK, Asking
from commonthread.web import files
from commonthread.web.drafts.fields import CHOICE, DAY, LINE, TEXT, Field, answered, show
from commonthread.web.pages import PLATFORM, Visit, page, partner_names
from commonthread.web.signing import day

PER_PAGE, MOST_IN_A_FILE = 25, 10_000
NOT_OF_RESIDENTS = "Do not name a resident."
TAGS = {
    refusals.OPEN: "govuk-tag--blue",
    refusals.OVERDUE: "govuk-tag--red",
    REFUSED_TO_SHARE: "govuk-tag--orange",
    GRANTED: "govuk-tag--green",
    TAKEN_BACK: "govuk-tag--grey",
}


@page("GET")
def askings(visit: Visit) -> HttpResponse:
    """Those of the member's own partner, newest first, a page at a time."""
    today = london_day(now())
    wanted = str(visit.request.GET.get("state", ""))
    found = _in_state(visit, wanted, today)
    total = found.count()
    pages = max(-(-total // PER_PAGE), 1)
    number = min(_number(str(visit.request.GET.get("page", "1"))), pages)
    names = partner_names(visit.broker)
    state = f"state={wanted}&" if wanted in refusals.STATES else ""
    shown = found[(number - 1) * PER_PAGE : number * PER_PAGE]
    return visit.show(
        "web/living/refusals.html",
        nav="agreements",
        rows=[_row(one, names, today) for one in shown],
        total=total,
        wanted=wanted,
        states=tuple(refusals.STATES_IN_WORDS.items()),
        shown={"page": number, "pages": pages},
        before=f"{state}page={number - 1}" if number > 1 else None,
        after=f"{state}page={number + 1}" if number < pages else None,
        kinds=tuple(files.MAKERS),
        may_ask=_may_ask(visit),
    )


def _in_state(visit: Visit, wanted: str, today: date) -> Any:
    found = refusals.readable(visit.member)
    if wanted == refusals.OPEN:
        return found.filter(answer="", due__gte=today)
    if wanted == refusals.OVERDUE:
        return found.filter(answer="", due__lt=today)
    return found.filter(answer=wanted) if wanted in refusals.STATES else found


def _number(said: str) -> int:
    return max(int(said), 1) if said.isascii() and said.isdecimal() and len(said) < 7 else 1


def _may_ask(visit: Visit) -> bool:
    return visit.member is not None and bool(set(visit.member.roles) & set(refusals.ASKERS))


def _row(one: Asking, names: dict[str, str], today: date) -> dict[str, Any]:
    state = refusals.state(one, today)
    return {
        "asking": one,
        "asker": names.get(one.asker, one.asker),
        "asked": names.get(one.asked, one.asked),
        "state": refusals.STATES_IN_WORDS[state],
        "tag": TAGS[state],
        "timer": refusals.timer(one, today).said,
    }


@page("GET")
def export(visit: Visit, kind: str) -> HttpResponse:
    today = london_day(now())
    wanted = str(visit.request.GET.get("state", ""))
    found = refusals.rows(_in_state(visit, wanted, today)[:MOST_IN_A_FILE], today)
    return files.download(kind, "refusals", refusals.FIELDS, found)


@page("GET", "POST")
def new(visit: Visit) -> HttpResponse:
    fields = _fields(visit)
    values: dict[str, Any] = {"asker": visit.member.partner if visit.member else ""}
    failure = ""
    if visit.request.method == "POST":
        values = answered(fields, visit.request.POST)
        try:
            made = refusals.ask(
                visit.broker.standing(),
                str(values.get("asker", "")),
                str(values.get("asked", "")),
                str(values.get("what", "")),
                str(values.get("why", "")),
                day(values.get("asked_on"), "the day on which it was asked"),
                day(values["due"], "the day by which it is due") if "due" in values else None,
                by=visit.member,
                at=now(),
            )
            return redirect("asking", number=made.id)
        except BadInput as error:
            failure = str(error)
    else:
        values["asked_on"] = london_day(now()).isoformat()
    return visit.show(
        "web/living/refusal_new.html",
        code=400 if failure else 200,
        nav="agreements",
        fields=show(fields, values, {}),
        failure=failure,
        may_ask=_may_ask(visit),
    )


def _fields(visit: Visit) -> list[Field]:
    partners = [(one.id, one.name) for one in visit.broker.partners() if one.id != PLATFORM]
    return [
        Field("asker", "Who asks", CHOICE, "One of the two is your own partner.", partners),
        Field("asked", "Who is asked", CHOICE, choices=partners),
        Field("what", "What is asked for", TEXT, NOT_OF_RESIDENTS),
        Field("why", "What it is for", TEXT, NOT_OF_RESIDENTS),
        Field("asked_on", "When it was asked", DAY),
        Field("due", "By when an answer is due", DAY, "Empty: 28 days after.", optional=True),
    ]


@page("GET", "POST")
def one(visit: Visit, number: int) -> HttpResponse:
    """One asking with its answer, or with the form that answers it."""
    found = Asking.objects.filter(id=number).first()
    if found is None or not refusals.may_read(found, visit.member):
        raise Http404
    fields = _answer_fields(visit, found)
    values: dict[str, Any] = {}
    failure = ""
    if visit.request.method == "POST":
        values = answered(fields, visit.request.POST)
        try:
            refusals.answer(
                number,
                str(values.get("answer", "")),
                str(values.get("reason", "")),
                visit.broker.standing(),
                str(values.get("agreement", "")),
                by=visit.member,
                at=now(),
            )
            return redirect("asking", number=number)
        except BadInput as error:
            failure = str(error)
            found.refresh_from_db()
    return visit.show(
        "web/living/refusal.html",
        code=400 if failure else 200,
        nav="agreements",
        row=_row(found, partner_names(visit.broker), london_day(now())),
        fields=show(fields, values, {}) if not found.answer else [],
        failure=failure,
    )


def _answer_fields(visit: Visit, found: Asking) -> list[Field]:
    """What the one signed in may answer: the partner asked decides, the asker takes back."""
    partner = visit.member.partner if visit.member else ""
    decides = ((GRANTED, "Share it"), (REFUSED_TO_SHARE, "Refuse to share it"))
    choices = decides if partner == found.asked else ((TAKEN_BACK, "Take the asking back"),)
    fields = [
        Field("answer", "Answer", CHOICE, choices=choices),
        Field("reason", "Reason", TEXT, f"Both partners read it. {NOT_OF_RESIDENTS}"),
    ]
    under = Field("agreement", "Under which agreement", LINE, "If it is shared.", optional=True)
    return [*fields, under] if partner == found.asked else fields
