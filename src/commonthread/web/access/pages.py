"""Personal access: what is asked and what waits, asking, one request with its steps, each act."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import redirect

from commonthread.broker.access import BadInput, Refused
from commonthread.broker.access.leases import now
from commonthread.broker.rules.dates import london_day
from commonthread.gateway.models import (
    ACCESS_GRANTED,
    ACCESS_OPEN,
    ACCESS_REFUSED,
    ACCESS_WITHDRAWN,
    ALLOWED,
    ASKED,
    GRANTING,
    JUDGED,
    MANAGER_APPROVED,
    REFUSAL,
    REVIEW,
    REVIEWED,
    WITHDRAWAL,
    AccessRequest,
    AccessStep,
)
from commonthread.gateway.personal_access import people, requests
from commonthread.gateway.personal_access.requests import EXPIRED
from commonthread.gateway.personal_access.steps import DONE, Progress, ends_at, progress
from commonthread.web.drafts.fields import CHOICE, DAY, TEXT, Field, answered, show
from commonthread.web.pages import Visit, page, partner_names
from commonthread.web.signing import day

from .acts import FINDINGS, NOT_OF_RESIDENTS, Act, act_of, offered, take

# Of what is not settled yet, how many are looked at for what waits; the oldest first.
PER_PAGE, LOOKED_AT = 25, 50
STATES = {
    ASKED: ("Asked", "govuk-tag--blue"),
    MANAGER_APPROVED: ("Approved by the line manager", "govuk-tag--blue"),
    JUDGED: ("Judged", "govuk-tag--yellow"),
    ALLOWED: ("Granted, waits for a signature on the training", "govuk-tag--yellow"),
    ACCESS_GRANTED: ("Granted", "govuk-tag--green"),
    EXPIRED: ("Ended by itself", "govuk-tag--grey"),
    REVIEWED: ("Ended and reviewed", "govuk-tag--grey"),
    ACCESS_REFUSED: ("Refused", "govuk-tag--red"),
    ACCESS_WITHDRAWN: ("Taken back", "govuk-tag--grey"),
}
SETTLED = (ACCESS_GRANTED, EXPIRED, REVIEWED)
TAGS = {
    "done": ("Done", ""),
    "missing": ("Not yet", "govuk-tag--blue"),
    "late": ("To be done again", "govuk-tag--red"),
}
HAPPENED = {
    "approval": "approved it as line manager",
    "training": "stated the training",
    "judgement": "judged the Five Safes",
    GRANTING: "granted it",
    REFUSAL: "refused it",
    WITHDRAWAL: "took it back",
    REVIEW: "reviewed it",
}


@page("GET")
def mine(visit: Visit) -> HttpResponse:
    """What waits for the one signed in, then all that they may read, newest first, in pages."""
    at, found = now(), _readable(visit)
    pages = max(-(-found.count() // PER_PAGE), 1)
    number = min(_number(str(visit.request.GET.get("page", "1"))), pages)
    unsettled = found.filter(state__in=(*ACCESS_OPEN, ACCESS_GRANTED)).order_by("changed")
    waiting = [_row(visit, one, at) for one in unsettled[:LOOKED_AT]]
    shown = found[(number - 1) * PER_PAGE : number * PER_PAGE]
    return visit.show(
        "web/access/all.html",
        nav="query",
        waiting=[row for row in waiting if row["waits"]],
        rows=[_row(visit, one, at) for one in shown],
        shown={"page": number, "pages": pages},
        before=f"page={number - 1}" if number > 1 else None,
        after=f"page={number + 1}" if number < pages else None,
        may_ask=bool(visit.member and requests.askable(visit.broker, visit.member)),
    )


def _readable(visit: Visit) -> QuerySet[AccessRequest]:
    """As `people.may_read` says of one."""
    theirs = Q(member=visit.who) | Q(manager=visit.who)
    if visit.member and visit.member.roles:
        theirs |= Q(partner=visit.member.partner) | Q(owner=visit.member.partner)
    return AccessRequest.objects.filter(theirs).prefetch_related("steps").order_by("-asked")


def _number(said: str) -> int:
    return max(int(said), 1) if said.isascii() and said.isdecimal() and len(said) < 7 else 1


def _row(visit: Visit, found: AccessRequest, at: datetime) -> dict[str, Any]:
    names = partner_names(visit.broker)
    members = visit.broker.standing().members
    asker = members.get(found.member)
    state, tag = STATES[requests.state(found, visit.broker.standing(), at)]
    return {
        "request": found,
        "asker": asker.name if asker else found.member,
        "partner": names.get(found.partner, found.partner),
        "owner": names.get(found.owner, found.owner),
        "state": state,
        "tag": tag,
        "ends_on": _last_day(found.ends) if found.ends else None,
        "waits": _waits(visit, found, at),
    }


def _last_day(ends: datetime) -> date:
    return london_day(ends - timedelta(seconds=1))


def _waits(visit: Visit, found: AccessRequest, at: datetime) -> list[Act]:
    """What only the one signed in, or another of their part, can bring forward now."""
    acts = [act for act in offered(visit, found, at) if not act.second]
    if not acts:
        return []
    standing = visit.broker.standing()
    if requests.state(found, standing, at) == EXPIRED:
        return [act for act in acts if act.id == "review"]
    done = {step.id for step in progress(found, standing, at) if step.is_done}
    return [act for act in acts if act.step not in done and act.id != "review"]


@page("GET", "POST")
def new(visit: Visit) -> HttpResponse:
    fields = _fields(visit)
    values: dict[str, Any] = {}
    failure = ""
    if visit.request.method == "POST":
        values = answered(fields, visit.request.POST)
        try:
            made = _ask(visit, values)
            return redirect("access-request", request_id=made.id)
        except (BadInput, Refused) as error:
            failure = _why(error)
    return visit.show(
        "web/access/new.html",
        code=400 if failure else 200,
        nav="query",
        offers=_offers(visit),
        fields=show(fields, values, {}),
        failure=failure,
    )


def _ask(visit: Visit, values: Mapping[str, Any]) -> AccessRequest:
    if visit.member is None:
        raise Http404
    reference, _, grant = str(values.get("grant", "")).partition("/")
    return requests.ask(
        reference,
        grant,
        str(values.get("purpose", "")),
        str(values.get("reason", "")),
        str(values.get("manager", "")),
        day(values.get("until"), "until when you need it"),
        visit.broker.standing(),
        by=visit.member,
        at=now(),
    )


def _offers(visit: Visit) -> tuple[requests.Askable, ...]:
    return requests.askable(visit.broker, visit.member) if visit.member else ()


def _fields(visit: Visit) -> list[Field]:
    offers = [
        (f"{one.reference}/{one.grant.id}", f"{one.grant.id}: {one.title} ({one.reference})")
        for one in _offers(visit)
    ]
    standing = visit.broker.standing()
    named = requests.managers(standing, visit.member) if visit.member else ()
    managers = [(one.id, one.name) for one in named]
    return [
        Field("grant", "Which records", CHOICE, choices=offers),
        Field("purpose", "What you will do with them", TEXT, NOT_OF_RESIDENTS),
        Field("reason", "Why your work needs these, and nothing less", TEXT, NOT_OF_RESIDENTS),
        Field("manager", "Who is your line manager", CHOICE, "They approve it.", managers),
        Field("until", "Until when you need it", DAY, "At most twelve months ahead."),
    ]


def _found(visit: Visit, request_id: uuid.UUID) -> AccessRequest:
    found = AccessRequest.objects.prefetch_related("steps").filter(id=request_id).first()
    if found is None or not people.may_read(found, visit.member):
        raise Http404
    return found


@page("GET")
def one(visit: Visit, request_id: uuid.UUID) -> HttpResponse:
    """One request: its steps as a task list, what the one signed in can do, what happened."""
    found, at = _found(visit, request_id), now()
    return visit.show(
        "web/access/request.html",
        nav="query",
        **_context(visit, found, at),
        acts=offered(visit, found, at),
        history=[_happened(visit, step) for step in found.steps.all()],
    )


def _context(visit: Visit, found: AccessRequest, at: datetime) -> dict[str, Any]:
    steps = _steps(visit, found, at)
    complete = found.ends is None and all(each.is_done for each in steps)
    return {
        "would_end_on": _last_day(ends_at(found, visit.broker.standing())) if complete else None,
        "row": _row(visit, found, at),
        "request_made": found,
        "steps": [_step(visit, each) for each in steps],
        "done": sum(each.is_done for each in steps),
        "of": len(steps),
        "is_settled": found.ends is not None and found.state in SETTLED,
        "has_ended": found.ends is not None and at >= found.ends,
    }


def _steps(visit: Visit, found: AccessRequest, at: datetime) -> list[Progress]:
    """As they stand now; of what was granted as they stood then, when each was in order."""
    standing = visit.broker.standing()
    steps = progress(found, standing, at)
    if found.ends is None or requests.state(found, standing, at) not in SETTLED:
        return list(steps)
    return [replace(step, state=DONE, why="") for step in steps]


def _step(visit: Visit, step: Progress) -> dict[str, Any]:
    state, tag = TAGS[step.state]
    return {"step": step, "who": _name(visit, step.by), "state": state, "tag": tag}


def _happened(visit: Visit, step: AccessStep) -> dict[str, Any]:
    finding = dict(FINDINGS).get(step.said.get("finding", ""), "")
    return {
        "at": step.at,
        "who": _name(visit, step.by),
        "what": HAPPENED[step.kind],
        "finding": finding,
        "text": step.said.get("reason") or step.said.get("text") or "",
    }


def _name(visit: Visit, member: str) -> str:
    known = visit.broker.standing().members.get(member)
    return known.name if known else member


@page("GET", "POST")
def act(visit: Visit, request_id: uuid.UUID, act_id: str) -> HttpResponse:
    """The form of one thing to do, for whoever can do it now."""
    found, at = _found(visit, request_id), now()
    chosen = act_of(visit, found, act_id, at)
    if chosen is None:
        raise Http404("This is not yours to do now.")
    values: dict[str, Any] = {}
    failure, problems = "", ()
    if visit.request.method == "POST":
        values = answered(chosen.fields, visit.request.POST)
        try:
            take(chosen, visit, found, values, at)
            return redirect("access-request", request_id=found.id)
        except (BadInput, Refused) as error:
            failure, problems = _why(error), getattr(error, "problems", ())
    return visit.show(
        "web/access/act.html",
        code=400 if failure else 200,
        nav="query",
        **_context(visit, found, at),
        act=chosen,
        fields=show(chosen.fields, values, {}),
        failure=failure,
        problems=problems,
    )


def _why(error: BadInput | Refused) -> str:
    reasons = getattr(error, "reasons", ())
    said = [error.message, *(f"{each.message} {each.mend}" for each in reasons), error.mend]
    return " ".join(part for part in said if part)
