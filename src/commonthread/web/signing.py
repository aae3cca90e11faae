"""Before a signature: the one-page summary, declining with a reason, delegating to a colleague.

None of these signs anything: `acts` does, once the summary and the whole have been read.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from commonthread.broker.access import BadInput
from commonthread.broker.rules.standing import SIGNATORY, Member, Standing, Version
from commonthread.broker.rules.terms import required_parties
from commonthread.gateway.signing import (
    Progress,
    Wait,
    decline,
    delegate,
    progress,
    summarise,
    take_back_decline,
    take_back_delegation,
)
from commonthread.gateway.signing.declines import said_of
from commonthread.gateway.signing.progress import DECLINED, DELEGATED
from commonthread.web.drafts.fields import CHOICE, DAY, TEXT, Field, answered, show
from commonthread.web.pages import PLATFORM, Visit, page, partner_names, status_of

DECLINE, DELEGATION = "decline", "delegation"
REASON = Field(
    "reason",
    "Why your partner does not sign",
    TEXT,
    "All parties read it. Say what would have to change. Do not name a resident.",
    rows=4,
)


def waiting_version(visit: Visit, reference: str) -> Version:
    """The newest version of an agreement: the one that a signature would be about."""
    version = visit.broker.standing().newest(reference)
    if version is None:
        raise Http404
    return version


def how_far(standing: Standing, version: Version, at: datetime) -> Progress:
    """Who has signed the version and who is waited for, with what was declined and delegated."""
    digest = version.terms.digest
    declines, delegations = said_of([digest])
    return progress(
        version,
        standing.outstanding(version),
        standing.members.values(),
        declines.get(digest, ()),
        delegations.get(digest, ()),
        at,
    )


@page("GET")
def summary(visit: Visit, reference: str) -> HttpResponse:
    if reference in visit.broker.standing().charters:
        return redirect("agreement", reference=reference)
    return _summary(visit, reference)


def _summary(visit: Visit, reference: str) -> HttpResponse:
    standing, at = visit.broker.standing(), timezone.now()
    version = waiting_version(visit, reference)
    status = status_of(visit.broker, reference)
    found = how_far(standing, version, at)
    mine = _mine(visit.member, found)
    return visit.show(
        "web/signing/summary.html",
        nav="agreements",
        reference=reference,
        summary=summarise(version.terms, standing, at),
        status=status,
        is_draft=status.draft is not None,
        progress=found,
        waits=_waits(visit, found, version),
        platform_waits=PLATFORM in standing.outstanding(version),
        mine=mine,
        may_sign=mine is not None and version.terms.digest == _digest(status),
        can_delegate=bool(_colleagues(visit)),
    )


def _digest(status: Any) -> str:
    return str((status.draft or status).digest)


def _mine(member: Member | None, found: Progress) -> Wait | None:
    """That the partner of a signatory is waited for; None for everybody else."""
    if member is None or SIGNATORY not in member.roles:
        return None
    return found.of(member.partner)


def _waits(visit: Visit, found: Progress, version: Version) -> list[dict[str, Any]]:
    """Who is waited for, with people by their names; reasons are for those they are meant for."""
    standing, names = visit.broker.standing(), partner_names(visit.broker)
    members = standing.members

    def called(id_: str) -> str:
        return members[id_].name if id_ in members else id_

    return [
        {
            "wait": wait,
            "partner": names.get(wait.partner, wait.partner),
            "asked": [called(id_) for id_ in wait.asked],
            "by": called(wait.by) if wait.by else "",
            "reason": wait.reason if _may_read(visit, wait, version) else "",
            "declined": wait.state == DECLINED,
            "delegated": wait.state == DELEGATED,
        }
        for wait in found.waits
    ]


def _may_read(visit: Visit, wait: Wait, version: Version) -> bool:
    """Why a party declined is for all parties; what a delegate should know, for its own."""
    partner = visit.member.partner if visit.member else ""
    if wait.state == DECLINED:
        return partner in required_parties(version.terms, visit.broker.standing().contracts)
    return partner == wait.partner


@page("GET", "POST")
def declining(visit: Visit, reference: str) -> HttpResponse:
    version = waiting_version(visit, reference)
    standing = visit.broker.standing()
    values: dict[str, Any] = {}
    failure = ""
    if visit.request.method == "POST":
        values = answered([REASON], visit.request.POST)
        try:
            _demand_seen(visit, version)
            reason = str(values.get("reason", ""))
            decline(version, standing, reason, by=visit.member, at=timezone.now())
            return redirect("summary", reference=reference)
        except BadInput as error:
            failure = str(error)
    return _form(visit, version, "decline", [REASON], values, failure)


@page("GET", "POST")
def delegating(visit: Visit, reference: str) -> HttpResponse:
    version = waiting_version(visit, reference)
    fields = _delegation_fields(visit)
    values: dict[str, Any] = {}
    failure = ""
    if visit.request.method == "POST":
        values = answered(fields, visit.request.POST)
        try:
            _demand_seen(visit, version)
            delegate(
                version,
                visit.broker.standing(),
                str(values.get("to", "")),
                day(values.get("until"), "until when your colleague is asked"),
                str(values.get("note", "")),
                by=visit.member,
                at=timezone.now(),
            )
            return redirect("summary", reference=reference)
        except BadInput as error:
            failure = str(error)
    return _form(visit, version, "delegate", fields, values, failure)


def _delegation_fields(visit: Visit) -> list[Field]:
    choices = [(member.id, member.name) for member in _colleagues(visit)]
    return [
        Field("to", "Who reads and signs instead of you", CHOICE, choices=choices),
        Field("until", "Until when", DAY, "Your colleague is asked until the end of this day."),
        Field("note", "What your colleague should know", TEXT, optional=True),
    ]


def _colleagues(visit: Visit) -> list[Member]:
    """The other signatories of the partner of whoever is signed in."""
    member = visit.member
    if member is None:
        return []
    return [
        other
        for other in visit.broker.members()
        if other.partner == member.partner and SIGNATORY in other.roles and other.id != member.id
    ]


def _form(
    visit: Visit,
    version: Version,
    what: str,
    fields: list[Field],
    values: dict[str, Any],
    failure: str,
) -> HttpResponse:
    found = how_far(visit.broker.standing(), version, timezone.now())
    return visit.show(
        f"web/signing/{what}.html",
        code=400 if failure else 200 if _mine(visit.member, found) else 403,
        nav="agreements",
        terms=version.terms,
        fields=show(fields, values, {}),
        failure=failure,
        may=_mine(visit.member, found) is not None,
        has_colleagues=bool(_colleagues(visit)),
    )


@page("POST")
def taking_back(visit: Visit, reference: str) -> HttpResponse:
    """Take back a decline or a delegation of one's own partner."""
    version = waiting_version(visit, reference)
    _demand_seen(visit, version)
    back = {DECLINE: take_back_decline, DELEGATION: take_back_delegation}.get(visit.sent("what"))
    if back is None:
        raise Http404
    back(version, visit.broker.standing(), by=visit.member, at=timezone.now())
    return redirect("summary", reference=reference)


def _demand_seen(visit: Visit, version: Version) -> None:
    """The digest that was on the page is the one that is meant, or nothing is done."""
    if visit.sent("digest") != version.terms.digest:
        raise BadInput("The terms have changed.", mend="Read them again.")


def day(said: Any, what: str) -> date:
    """A day that a form sent; raises `BadInput` where it is none."""
    try:
        return date.fromisoformat(str(said or ""))
    except ValueError:
        raise BadInput(f"Enter {what}, as day, month and year.") from None
