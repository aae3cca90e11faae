"""Assessments: the list, the task list of the seven steps, each step, and what moves it on."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils import timezone

from commonthread.broker.access import BadInput
from commonthread.gateway.assessing import advice, approval, assessments, people, suggestions
from commonthread.gateway.assessing.asked import BY_ID, MEASURES, RISKS, STEPS, Step
from commonthread.gateway.assessing.steps import Reading, seen
from commonthread.gateway.drafting.sections import BY_ID as SECTIONS
from commonthread.gateway.models import (
    APPROVED,
    DRAFTING,
    OPEN,
    SUPERSEDED,
    WITH_ADVISERS,
    Assessment,
)
from commonthread.web.drafts.wording import lines
from commonthread.web.pages import Visit, page, partner_names

from . import asked
from .matrix import drawn, said

SAVE, ADD, REMOVE = "save", "add", "remove"
LISTED = 200
STATES = {
    DRAFTING: ("Being written", "govuk-tag--blue"),
    WITH_ADVISERS: ("With its advisers", "govuk-tag--yellow"),
    APPROVED: ("Approved", "govuk-tag--green"),
    SUPERSEDED: ("Followed by another", "govuk-tag--grey"),
}
ROLES = {
    "data-protection-officer": "Data protection officer",
    "caldicott-guardian": "Caldicott guardian",
    "signatory": "Signatory",
}


@page("GET")
def all_assessments(visit: Visit) -> HttpResponse:
    found = [
        each
        for each in Assessment.objects.select_related("draft")
        .prefetch_related("advice")
        .order_by("-changed")[:LISTED]
        if people.may_read(each, visit.member) or people.may_count(each, visit.member)
    ]
    names = partner_names(visit.broker)
    return visit.show(
        "web/assessments/all.html",
        nav="drafts",
        may_start=people.may_start(visit.member),
        cards=[_card(visit, each, names) for each in found],
    )


def _card(visit: Visit, found: Assessment, names: Mapping[str, str]) -> dict[str, Any]:
    return {
        "assessment": found,
        "title": title(found),
        "lead": names.get(found.lead, found.lead),
        "state": STATES[found.state],
        "waiting": waiting(visit, found, names),
        "only_counts": not people.may_read(found, visit.member),
    }


def waiting(visit: Visit, found: Assessment, names: Mapping[str, str]) -> list[str]:
    """Who is waited for, in words: the role and the partner."""
    return [
        f"{ROLES[role]} of {names.get(partner, partner) if partner else 'a party'}"
        for role, partner in advice.waits_for(found, visit.broker.standing())
    ]


def title(found: Assessment) -> str:
    return found.title or found.reference or "Without a title yet"


@page("POST")
def new(visit: Visit) -> HttpResponse:
    """Start one, for the draft that was named or for none."""
    named = visit.sent("draft")
    made = assessments.start(_uuid(named) if named else None, by=visit.member, at=timezone.now())
    return redirect("assessment", assessment_id=made.id)


def _uuid(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError as error:
        raise Http404 from error


def found(visit: Visit, assessment_id: uuid.UUID) -> Assessment:
    """The assessment, if the one signed in may read it; a page about none is not found."""
    made = Assessment.objects.select_related("draft").filter(id=assessment_id).first()
    if made is None or not people.may_read(made, visit.member):
        raise Http404
    return made


def base(visit: Visit, made: Assessment) -> dict[str, Any]:
    """What every page of one assessment shows."""
    open_ = made.state in assessments.BEING_WRITTEN
    return {
        "nav": "drafts",
        "assessment": made,
        "title": title(made),
        "may_write": people.may_write(made, visit.member) and open_,
        "names": partner_names(visit.broker),
        "state": STATES[made.state],
    }


@page("GET")
def tasks(visit: Visit, assessment_id: uuid.UUID) -> HttpResponse:
    made = found(visit, assessment_id)
    reading = assessments.reading(made, timezone.now())
    context = base(visit, made)
    return visit.show(
        "web/assessments/tasks.html",
        **context,
        **risks_shown(reading, context["names"]),
        reading=reading,
        of=len(STEPS),
        waiting=waiting(visit, made, context["names"]),
        advised=advised(visit, made),
        decision=advice.decision(made),
        consultation=advice.consultation(made),
        open_suggestions=[
            each for each in suggestions.offered(made, visit.broker.standing()) if each.open
        ],
        may_advise=made.state == WITH_ADVISERS and people.advises_as(made, visit.member),
        may_sign=made.state == WITH_ADVISERS and people.may_sign(made, visit.member),
        may_revise=made.state == APPROVED and people.may_write(made, visit.member),
        may_copy=_may_copy(visit, made),
        may_count=people.may_count(made, visit.member),
        outdated=made.state != DRAFTING and not assessments.is_about_it_still(made),
        saved=made.revisions.get(number=made.revision),
    )


def _may_copy(visit: Visit, made: Assessment) -> bool:
    draft = made.draft
    return (
        made.state == APPROVED
        and draft is not None
        and draft.state in OPEN
        and people.may_write(made, visit.member)
    )


def risks_shown(reading: Reading, names: Mapping[str, str]) -> dict[str, Any]:
    """The matrix and the table of the risks that it draws."""
    return {
        "matrix": drawn(reading.risks),
        "matrix_said": list(said(reading.risks)),
        "risks": [
            (number, each, names.get(each.owner, each.owner), names.get(each.doer, each.doer))
            for number, each in enumerate(reading.risks, 1)
        ],
        "residual": reading.residual,
    }


def advised(visit: Visit, made: Assessment) -> list[dict[str, Any]]:
    """What was advised on the assessment as it stands, the newest of each adviser."""
    members = {member.id: member.name for member in visit.broker.members()}
    names = partner_names(visit.broker)
    return [
        {
            "advice": each,
            "role": ROLES[each.role],
            "who": members.get(each.member, each.member),
            "partner": names.get(each.partner, each.partner),
        }
        for each in advice.current(made)
    ]


@page("GET", "POST")
def step(visit: Visit, assessment_id: uuid.UUID, step: str) -> HttpResponse:
    made = found(visit, assessment_id)
    chosen = BY_ID.get(step)
    if chosen is None:
        raise Http404
    if visit.request.method != "POST":
        return form(visit, made, chosen, asked.held(made, chosen))
    values = asked.sent(chosen, made, partner_names(visit.broker), visit.request.POST)
    do = visit.sent("do") or SAVE
    if chosen.rows and do.startswith(REMOVE):
        number = do.rpartition("-")[2]
        rows = values[chosen.rows.name]
        if number.isdigit() and int(number) < len(rows):
            rows.pop(int(number))
    if chosen.rows and do == ADD:
        values[chosen.rows.name].append({})
    return _saved(visit, made, chosen, values, do)


def _saved(
    visit: Visit, made: Assessment, chosen: Step, values: dict[str, Any], do: str
) -> HttpResponse:
    autosave = visit.request.headers.get("X-Autosave") == "1"
    try:
        made = assessments.save(
            made.id,
            chosen.id,
            asked.kept(values),
            visit.sent("seen"),
            by=visit.member,
            at=timezone.now(),
        )
    except assessments.SavedMeanwhile as error:
        if autosave:
            return JsonResponse({"saved": False, "said": str(error)}, status=409)
        return form(visit, found(visit, made.id), chosen, values, failure=str(error))
    if autosave:
        at = timezone.localtime(made.changed)
        word = seen(made.steps, chosen.id)
        return JsonResponse({"saved": True, "said": f"Saved at {at:%H:%M}", "seen": word})
    if do == SAVE:
        return redirect("assessment", assessment_id=made.id)
    return form(visit, made, chosen, values)


def form(
    visit: Visit, made: Assessment, chosen: Step, values: Mapping[str, Any], *, failure: str = ""
) -> HttpResponse:
    context = base(visit, made)
    names = context["names"]
    reading = assessments.reading(made, timezone.now())
    progress = reading.of(chosen.id) if values == asked.held(made, chosen) else None
    return visit.show(
        "web/assessments/step.html",
        code=400 if failure else 200,
        **context,
        **(risks_shown(reading, names) if chosen.id in (RISKS, MEASURES) else {}),
        step=chosen,
        fields=asked.shown(chosen, made, names, values, progress),
        items=asked.shown_rows(chosen, made, names, values, progress),
        seen=seen(made.steps, chosen.id),
        failure=failure,
        problems=progress.problems if progress else (),
        offered=suggestions.offered(made, visit.broker.standing()) if chosen.id == RISKS else [],
        counted=suggestions.to_count(made, visit.broker.standing()) if chosen.id == RISKS else [],
        draft_says=_draft_says(visit, made, chosen),
        following=STEPS[chosen.number].id if chosen.number < len(STEPS) else "",
    )


def _draft_says(visit: Visit, made: Assessment, chosen: Step) -> list[str]:
    """What the draft says about the step already, so that nobody has to say it twice."""
    if made.draft is None or not chosen.of_the_draft:
        return []
    return lines(SECTIONS[chosen.of_the_draft], visit.broker, made.draft.terms)


@page("POST")
def act(visit: Visit, assessment_id: uuid.UUID, act: str) -> HttpResponse:
    made = found(visit, assessment_id)
    by, at = visit.member, timezone.now()
    if act == "ask":
        advice.ask(made.id, visit.broker.standing(), by=by, at=at)
    elif act == "take-back":
        advice.take_back(made.id, by=by, at=at)
    elif act == "copy-risks":
        draft = approval.copy_risks(made.id, by=by, at=at)
        return redirect("draft-section", draft_id=draft.id, section="risks")
    elif act == "revise":
        named = visit.sent("draft")
        made = assessments.revise(made.id, _uuid(named) if named else None, by=by, at=at)
    else:
        raise Http404
    return redirect("assessment", assessment_id=made.id)


@page("POST")
def suggested(visit: Visit, assessment_id: uuid.UUID, suggestion: str) -> HttpResponse:
    """Take a suggested risk over, or dismiss it with a reason."""
    made = found(visit, assessment_id)
    if visit.member is None:
        raise Http404
    standing, by, at = visit.broker.standing(), visit.member, timezone.now()
    if visit.sent("do") == "take":
        suggestions.take_over(made.id, suggestion, standing, by=by, at=at)
        return redirect("assessment-step", assessment_id=made.id, step=RISKS)
    try:
        reason = visit.sent("reason")
        suggestions.dismiss(made.id, suggestion, reason, standing, by=by, at=at)
    except BadInput as error:
        return form(visit, made, BY_ID[RISKS], asked.held(made, BY_ID[RISKS]), failure=str(error))
    return redirect("assessment-step", assessment_id=made.id, step=RISKS)
