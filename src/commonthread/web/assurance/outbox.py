"""The outbox, where reminders of a member go, and the nudge to those who hold a draft up."""

from __future__ import annotations

import uuid
from functools import partial
from typing import Any

from django.conf import settings
from django.http import Http404, HttpResponse
from django.shortcuts import redirect

from commonthread.broker.access import BadInput
from commonthread.broker.access.leases import now
from commonthread.gateway.assurance.reminders import told
from commonthread.gateway.drafting import drafts
from commonthread.gateway.models import FAILED, Draft, Message
from commonthread.gateway.post import nudges, outbox
from commonthread.web.pages import Visit, page

SHOWN = 50


@page("GET")
def all_messages(visit: Visit) -> HttpResponse:
    """In a demo home everybody's, since nobody in it is anybody; elsewhere one's own."""
    everybody = visit.broker.demo
    found = outbox.queue_of(of=None if everybody else [visit.who])
    first = (_number(visit) - 1) * SHOWN
    messages = list(found[first : first + SHOWN + 1])
    members = {member.id: member.name for member in visit.broker.members()}
    return visit.show(
        "web/assurance/outbox.html",
        nav="assurance",
        messages=[
            (one, members.get(one.to, one.to), _may_retry(visit, one)) for one in messages[:SHOWN]
        ],
        everybody=everybody,
        mail=settings.MAIL,
        address=outbox.address_of(visit.who),
        before=_number(visit) - 1 if first else None,
        after=_number(visit) + 1 if len(messages) > SHOWN else None,
    )


def _number(visit: Visit) -> int:
    text = str(visit.request.GET.get("page", "1"))
    if not (text.isascii() and text.isdecimal() and len(text) < 7 and int(text)):
        raise Http404
    return int(text)


def _may_retry(visit: Visit, message: Message) -> bool:
    return message.state == FAILED and message.to == visit.who


@page("POST")
def retry(visit: Visit, number: int) -> HttpResponse:
    message = Message.objects.filter(pk=number, to=visit.who).first()
    if message is None or not outbox.retry(number, now()):
        raise Http404
    return redirect("outbox")


@page("GET", "POST")
def account(visit: Visit) -> HttpResponse:
    """The address stands in the gateway's own table, and is shown to its member only."""
    failure = ""
    address = visit.sent("address")
    if visit.request.method == "POST":
        try:
            outbox.keep_address(visit.who, address)
            return redirect("account")
        except BadInput as error:
            failure = error.message
    else:
        address = outbox.address_of(visit.who)
    return visit.show(
        "web/assurance/account.html",
        code=400 if failure else 200,
        failure=failure,
        address=address,
        mail=settings.MAIL,
        is_told=visit.member is not None and visit.member in _told(visit),
    )


def _told(visit: Visit) -> tuple[Any, ...]:
    partner = visit.member.partner if visit.member else ""
    return told(visit.broker.standing(), partner)


@page("POST")
def nudge(visit: Visit, draft_id: uuid.UUID) -> HttpResponse:
    draft = Draft.objects.filter(id=draft_id).first()
    if draft is None or not drafts.may_read(draft, visit.member):
        raise Http404
    through = partial(told, visit.broker.standing())
    nudges.nudge(draft, through, by=visit.member, at=now())
    return redirect("draft-tasks", draft_id=draft_id)
