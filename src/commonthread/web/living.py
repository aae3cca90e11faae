"""Living with an agreement: its timeline, its duties with attestations, and calendars of dates."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect

from commonthread.broker.access import BadInput
from commonthread.broker.access.leases import now
from commonthread.broker.rules.standing import Version
from commonthread.gateway.living import calendar, duties, endings
from commonthread.gateway.living.timeline import FACTS, timeline
from commonthread.gateway.models import Attestation
from commonthread.web.lifeline import draw_lifeline
from commonthread.web.pages import Visit, page, partner_names

CALENDAR = "text/calendar; charset=utf-8"
ENDINGS_IN_WORDS = {
    endings.PLANNED: "When it ends after its last day",
    endings.ENDED: "It ended after its last day",
    endings.WITHDRAWN: "A party withdrew",
    endings.NARROWED: "The version in force opens less than the one before",
}


def _version(visit: Visit, reference: str) -> Version:
    version = visit.broker.standing().governing(reference)
    if version is None:
        raise Http404
    return version


@page("GET")
def one_timeline(visit: Visit, reference: str) -> HttpResponse:
    version = _version(visit, reference)
    facts = visit.broker.ledger.facts(FACTS, reference=reference)
    attested = duties.attested(reference)
    found = timeline(reference, visit.broker.standing(), facts, attested, now())
    return visit.show(
        "web/living/timeline.html",
        nav="agreements",
        terms=version.terms,
        past=list(enumerate(found.past, 1)),
        ahead=list(enumerate(found.ahead, len(found.past) + 1)),
        drawing=draw_lifeline(found, f"The life of {reference}"),
    )


@page("GET", "POST")
def one_duties(visit: Visit, reference: str) -> HttpResponse:
    version = _version(visit, reference)
    if version.completed is None:
        return _duties(visit, version)
    if visit.request.method != "POST":
        return _duties(visit, version)
    key, note = visit.sent("key"), visit.sent("note")
    try:
        standing = visit.broker.standing()
        duties.attest(reference, standing, key, note, by=visit.member, at=now())
    except BadInput as error:
        return _duties(visit, version, key, note, str(error))
    return redirect("duties", reference=reference)


def _duties(
    visit: Visit, version: Version, key: str = "", note: str = "", failure: str = ""
) -> HttpResponse:
    reference, at = version.terms.reference, now()
    names, standing = partner_names(visit.broker), visit.broker.standing()
    attested = duties.attested(reference)
    found = duties.owed_under(reference, standing, attested, at)
    member = visit.member
    rows: list[dict[str, Any]] = [
        {
            "owed": one,
            "owner": names.get(one.undertaking.owner, one.undertaking.owner),
            "mine": bool(member and member.roles and member.partner == one.undertaking.owner),
            "number": number,
            "failure": failure if one.key == key else "",
            "note": note if one.key == key else "",
        }
        for number, one in enumerate(found, 1)
    ]
    return visit.show(
        "web/living/duties.html",
        code=400 if failure else 200,
        nav="agreements",
        terms=version.terms,
        open=[row for row in rows if not row["owed"].attested],
        done=[row for row in rows if row["owed"].attested],
        endings=_endings(reference, standing, names, at),
        failure=failure,
        is_signed=version.completed is not None,
    )


def _endings(reference: str, standing: Any, names: dict[str, str], at: Any) -> list[dict[str, Any]]:
    owes = endings.owes(reference, standing, at)
    return [
        {
            "said": ENDINGS_IN_WORDS[ending.kind],
            "ending": ending,
            "left": names.get(ending.left, ending.left),
            "owes": [(names.get(due.partner, due.partner), due) for due in owes
                     if due.ending == ending],
        }
        for ending in endings.endings(reference, standing, at)
    ]  # fmt: skip


@page("GET")
def one_calendar(visit: Visit, reference: str) -> HttpResponse:
    _version(visit, reference)
    standing, at = visit.broker.standing(), now()
    found = calendar.dates(reference, standing, duties.attested(reference), at)
    return _calendar(visit, reference, reference, found)


@page("GET")
def my_calendar(visit: Visit) -> HttpResponse:
    """All that the partner of whoever is signed in is party to, and what it owes itself."""
    standing, at = visit.broker.standing(), now()
    partner = visit.member.partner if visit.member else ""
    references = calendar.agreements_of(partner, standing)
    attested: dict[str, list[duties.Attested]] = {}
    for one in Attestation.objects.filter(partner=partner):
        said = duties.Attested(one.clause, one.partner, one.due, one.by, one.at, one.note)
        attested.setdefault(one.reference, []).append(said)
    found = [
        date
        for reference in references
        for date in calendar.dates(reference, standing, attested.get(reference, ()), at, partner)
    ]
    name = partner_names(visit.broker).get(partner, partner)
    return _calendar(visit, f"Agreements of {name}", "calendar", found)


def _calendar(visit: Visit, name: str, file: str, found: Any) -> HttpResponse:
    content = calendar.icalendar(name, found, visit.broker.origin, now())
    answer = HttpResponse(content, content_type=CALENDAR)
    answer["Content-Disposition"] = f'attachment; filename="{file}.ics"'
    answer["X-Content-Type-Options"] = "nosniff"
    return answer
