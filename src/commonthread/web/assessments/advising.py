"""Advice on an assessment, the signatory's decision on it and approval, the ICO, and counts."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from commonthread.broker.access import BadInput, Refused
from commonthread.broker.rules.standing import DPO, GUARDIAN
from commonthread.gateway.assessing import advice, approval, assessments, people, suggestions
from commonthread.gateway.assessing.asked import BY_ID, CONSULTATION, DAY, STEPS, TEXT
from commonthread.gateway.assessing.steps import part, rows
from commonthread.gateway.models import (
    ADVICE_ACCEPTED,
    AGAINST,
    OVERRULED,
    SUPPORTS,
    WITH_ADVISERS,
    WITH_CONDITIONS,
    Assessment,
)
from commonthread.web.drafts.fields import CHOICE, WHOLE, Field, answered, show
from commonthread.web.pages import Visit, page

from . import asked
from .pages import advised, base, found, risks_shown, waiting

SAYS = (
    (SUPPORTS, "I support it"),
    (WITH_CONDITIONS, "I support it with conditions, which I state"),
    (AGAINST, "I advise against it"),
)
DECIDES = (
    (ADVICE_ACCEPTED, "The advice is accepted"),
    (OVERRULED, "The advice is overruled, for the reason below"),
)
ADVICE = (
    Field("says", "Your advice", CHOICE, "", SAYS),
    Field("text", "What it rests on", TEXT, "It becomes part of the record. Name no resident."),
)
DECISION = (
    Field("how", "Data protection officers’ advice", CHOICE, "", DECIDES),
    Field("reason", "Reason", TEXT, "Needed if it is overruled.", optional=True),
)
CONSULTED = (
    Field("asked_on", "When the ICO was asked", DAY),
    Field("answer", "What the ICO answered", TEXT),
)
COUNTED = (
    Field("rows", "Rows that the grant opens", WHOLE),
    Field("unique", "How many of them no other row equals on what is shown", WHOLE),
    Field("counted_on", "When you counted", DAY),
)


def _whole(visit: Visit, made: Assessment) -> dict[str, Any]:
    """The whole assessment to read, with its risks and what was advised."""
    context = base(visit, made)
    reading = assessments.reading(made, timezone.now())
    return {
        **context,
        **risks_shown(reading, context["names"]),
        "reading": reading,
        "written": [(each, _said(visit, made, each.id)) for each in STEPS],
        "advised": advised(visit, made),
        "waiting": waiting(visit, made, context["names"]),
        "decision": advice.decision(made),
        "consultation": advice.consultation(made),
        "dismissed": made.suggestion_answers.filter(how="dismissed").order_by("id"),
        "revision": made.revision,
    }


def _said(visit: Visit, made: Assessment, step: str) -> list[tuple[str, str]]:
    """(label, answer) of each question of a step that is answered; lists have a table elsewhere."""
    held = part(made.steps, step)
    names = base(visit, made)["names"]
    chosen = BY_ID[step]
    own = asked.fields(chosen.questions, made, names)
    said = [(field.label, _text(field, held.get(field.name))) for field in own]
    if step == CONSULTATION:
        for row in rows(made.steps, chosen):
            view = [str(row.get(name, "")) for name in ("how", "said", "answer")]
            said.append((str(row.get("who", "")), "\n".join(filter(None, view))))
    return [(label, text) for label, text in said if text]


def _text(field: Field, value: Any) -> str:
    if value is True:
        return "Yes"
    return dict(field.choices).get(str(value), str(value)) if value else ""


@page("GET", "POST")
def advise(visit: Visit, assessment_id: uuid.UUID) -> HttpResponse:
    made = found(visit, assessment_id)
    if visit.member is None or not people.advises_as(made, visit.member):
        raise Http404
    values, failure = _answers(visit, ADVICE), ""
    if visit.request.method == "POST":
        try:
            advice.advise(
                made.id,
                values.get("says", ""),
                values.get("text", ""),
                _revision(visit),
                by=visit.member,
                at=timezone.now(),
            )
            return redirect("assessment", assessment_id=made.id)
        except (BadInput, Refused) as error:
            failure = _why(error)
    return visit.show(
        "web/assessments/advise.html",
        code=400 if failure else 200,
        **_whole(visit, made),
        fields=show(ADVICE, values, {}),
        failure=failure,
        guardian=people.advises_as(made, visit.member) == GUARDIAN,
        may_advise=made.state == WITH_ADVISERS,
    )


@page("GET", "POST")
def decide(visit: Visit, assessment_id: uuid.UUID) -> HttpResponse:
    """The signatory's page: decide on the advice, see what is in the way, approve."""
    made = found(visit, assessment_id)
    if visit.member is None or not people.may_sign(made, visit.member):
        raise Http404
    values, failure = _answers(visit, DECISION), ""
    problems: Sequence[Any] = ()
    if visit.request.method == "POST":
        try:
            return _decided(visit, made, values)
        except (BadInput, Refused) as error:
            failure, problems = _why(error), getattr(error, "problems", ())
    made = found(visit, assessment_id)
    way = approval.hindrances(made, visit.broker.standing(), timezone.now())
    return visit.show(
        "web/assessments/decide.html",
        code=400 if failure else 200,
        **_whole(visit, made),
        fields=show(DECISION, values, {}),
        failure=failure,
        problems=problems,
        hindrances=way,
        may_decide=made.state == WITH_ADVISERS and bool(advice.of_officers(made)),
    )


def _decided(visit: Visit, made: Assessment, values: dict[str, Any]) -> HttpResponse:
    if visit.member is None:
        raise Http404
    by, at, revision = visit.member, timezone.now(), _revision(visit)
    if visit.sent("do") == "approve":
        approval.approve(made.id, visit.broker, revision, by=by, at=at)
        return redirect("assessment", assessment_id=made.id)
    advice.decide(made.id, values.get("how", ""), values.get("reason", ""), revision, by=by, at=at)
    return redirect("assessment-decision", assessment_id=made.id)


@page("GET", "POST")
def consult(visit: Visit, assessment_id: uuid.UUID) -> HttpResponse:
    made = found(visit, assessment_id)
    member = visit.member
    officer = people.may_write(made, member) or people.advises_as(made, member) == DPO
    if member is None or not officer or member.partner != made.lead:
        raise Http404
    values, failure = _answers(visit, CONSULTED), ""
    if visit.request.method == "POST":
        try:
            advice.consult(
                made.id,
                _day(values.get("asked_on")),
                values.get("answer", ""),
                _revision(visit),
                by=member,
                at=timezone.now(),
            )
            return redirect("assessment", assessment_id=made.id)
        except (BadInput, Refused) as error:
            failure = _why(error)
    return visit.show(
        "web/assessments/consult.html",
        code=400 if failure else 200,
        **base(visit, made),
        fields=show(CONSULTED, values, {}),
        failure=failure,
        residual=assessments.reading(made, timezone.now()).residual,
        may_record=made.state == WITH_ADVISERS,
    )


@page("GET", "POST")
def counts(visit: Visit, assessment_id: uuid.UUID) -> HttpResponse:
    """An owner's data engineer enters what they counted of their own rows."""
    made = Assessment.objects.select_related("draft").filter(id=assessment_id).first()
    member = visit.member
    if made is None or member is None or not people.may_count(made, member):
        raise Http404
    values, failure = _answers(visit, COUNTED), ""
    if visit.request.method == "POST":
        try:
            suggestions.count(
                made.id,
                visit.sent("grant"),
                _number(values.get("unique")),
                _number(values.get("rows")),
                _day(values.get("counted_on")),
                visit.broker,
                by=member,
                at=timezone.now(),
            )
            return redirect("assessment-counts", assessment_id=made.id)
        except (BadInput, Refused) as error:
            failure = _why(error)
    own = suggestions.to_count(made, visit.broker.standing(), member.partner)
    chosen = visit.sent("grant")
    return visit.show(
        "web/assessments/counts.html",
        code=400 if failure else 200,
        **base(visit, made),
        failure=failure,
        grants=[
            (each, show(COUNTED, values if each.grant.id == chosen else {}, {}, f"{number}-"))
            for number, each in enumerate(own)
        ],
    )


def _answers(visit: Visit, fields: tuple[Field, ...]) -> dict[str, Any]:
    prefix = f"{visit.sent('number')}-" if visit.sent("number") else ""
    return answered(fields, visit.request.POST, prefix)


def _revision(visit: Visit) -> int:
    """The revision that was on the page; a form without one is of none."""
    said = visit.sent("revision")
    return int(said) if said.isdigit() and len(said) < 10 else 0


def _number(value: Any) -> int:
    return value if isinstance(value, int) else -1


def _day(value: Any) -> date | None:
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _why(error: BadInput | Refused) -> str:
    reasons = getattr(error, "reasons", ())
    return " ".join(
        [error.message, *(f"{each.message} {each.mend}" for each in reasons), error.mend]
    )
