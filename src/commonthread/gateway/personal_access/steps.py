"""The steps of a request for access, as values: which are done, by whom, and what is in the way.

- Purpose and reason; the agreement in force with a DPIA in date; the line manager's approval;
  training in date; five judgements, one for each of the Five Safes; a time limit.
- A step is late when it says nothing about now: training past its day, an approval or a judgement
  older than 90 days, a judgement of other terms, or one by somebody who no longer has the part.
- Access ends by itself at the earliest of what it rests on.

Source: the Five Safes (UK Data Service); Tier 3b of the framework.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from commonthread.broker.rules.dates import ends, london_day
from commonthread.broker.rules.force import in_force
from commonthread.broker.rules.standing import Standing
from commonthread.broker.rules.terms import Grant, Terms
from commonthread.gateway.models import APPROVAL, JUDGEMENT, TRAINING, AccessRequest, AccessStep

from . import people

DONE, MISSING, LATE = "done", "missing", "late"
FRESH = timedelta(days=90)
# An activation is of an incident and for all whom it concerns; nobody is granted one personally.
PERSONAL_NEEDS = ("approval", "training")


@dataclass(frozen=True, slots=True)
class Safe:
    """One of the Five Safes and the question that is judged."""

    id: str
    title: str
    asks: str


FIVE_SAFES = (
    Safe("projects", "Safe projects", "Is this an appropriate use, lawful and fair?"),
    Safe("people", "Safe people", "Can this person be trusted to use the records as agreed?"),
    Safe("settings", "Safe settings", "Does where and how they see them prevent misuse?"),
    Safe("data", "Safe data", "Is what they see no more than the work needs?"),
    Safe("outputs", "Safe outputs", "Does what they write or say from it reveal nothing more?"),
)


@dataclass(frozen=True, slots=True)
class Progress:
    """How one step stands. `why` says what is missing or late, and who does it."""

    id: str
    title: str
    state: str
    why: str = ""
    by: str = ""
    at: datetime | None = None
    said: tuple[tuple[str, str], ...] = ()

    @property
    def is_done(self) -> bool:
        return self.state == DONE


def newest(request: AccessRequest, kind: str) -> AccessStep | None:
    """The newest step of a kind: it counts, whatever was said before."""
    found = [step for step in request.steps.all() if step.kind == kind]
    return max(found, key=lambda step: step.id, default=None)


def terms_of(request: AccessRequest, standing: Standing) -> tuple[Terms, Grant] | None:
    """The terms that govern and the grant in them, if it is still there."""
    version = standing.governing(request.reference)
    grant = version.terms.grant(request.grant) if version else None
    return (version.terms, grant) if version and grant else None


def progress(request: AccessRequest, standing: Standing, at: datetime) -> tuple[Progress, ...]:
    """Every step in its order. All are done exactly when the owner's signatory may grant."""
    return (
        _asked(request),
        _agreement(request, standing, at),
        _dpia(request, standing, at),
        _approval(request, standing, at),
        _training(request, standing, at),
        _judgement(request, standing, at),
        _limit(request, standing, at),
        _apart(request),
    )


def hindrances(request: AccessRequest, standing: Standing, at: datetime) -> tuple[Progress, ...]:
    """The steps that are missing or late."""
    return tuple(step for step in progress(request, standing, at) if not step.is_done)


def _asked(request: AccessRequest) -> Progress:
    said = (("What for", request.purpose), ("Why these records", request.reason))
    return Progress("asked", "Purpose and reason", DONE, "", request.member, request.asked, said)


def _agreement(request: AccessRequest, standing: Standing, at: datetime) -> Progress:
    id_, title = "agreement", "The agreement is in force, and for who asks"
    found, member = terms_of(request, standing), standing.members.get(request.member)
    force = in_force(request.reference, standing, at)
    if found is None or not set(PERSONAL_NEEDS) & set(found[1].needs):
        return Progress(id_, title, MISSING, "The agreement no longer has a grant that needs this.")
    if force.reasons:
        return Progress(id_, title, LATE, " ".join(each.message for each in force.reasons))
    if member is None or not set(member.groups) & set(found[1].recipients):
        return Progress(id_, title, MISSING, "The asker is in no group that the grant is for.")
    return Progress(id_, title, DONE)


def _dpia(request: AccessRequest, standing: Standing, at: datetime) -> Progress:
    id_, title = "dpia", "Data protection impact assessment"
    found = terms_of(request, standing)
    dpia = standing.dpias.get(found[0].dpia) if found else None
    if dpia is None:
        why = "The agreement rests on no assessment: its parties sign a version that does."
        return Progress(id_, title, MISSING, why)
    said = (("Assessment", dpia.reference), ("Review by", _day(dpia.review)))
    if not dpia.approved <= london_day(at) or at >= ends(dpia.review):
        why = "The assessment is past its review: the parties review it."
        return Progress(id_, title, LATE, why, said=said)
    return Progress(id_, title, DONE, said=said)


def _approval(request: AccessRequest, standing: Standing, at: datetime) -> Progress:
    title, step = "Line manager’s approval", newest(request, APPROVAL)
    said = (("Note", step.said["note"]),) if step and step.said.get("note") else ()
    return _by_somebody(request, APPROVAL, title, step, standing, at, said)


def _training(request: AccessRequest, standing: Standing, at: datetime) -> Progress:
    title, step = "Training", newest(request, TRAINING)
    if step is None:
        return _by_somebody(request, TRAINING, title, step, standing, at)
    until = date.fromisoformat(step.said["until"])
    said = (
        ("Training", step.said["what"]),
        ("Done on", _day(date.fromisoformat(step.said["done"]))),
        ("Valid until", _day(until)),
        ("Evidence", step.said["evidence"]),
    )
    if at >= ends(until):
        why = "The training is no longer valid: it is done again."
        return Progress(TRAINING, title, LATE, why, step.by, step.at, said)
    return _by_somebody(request, TRAINING, title, step, standing, at, said, fresh=None)


def _judgement(request: AccessRequest, standing: Standing, at: datetime) -> Progress:
    title, step, found = "Five Safes", newest(request, JUDGEMENT), terms_of(request, standing)
    said = tuple((safe.title, step.said[safe.id]) for safe in FIVE_SAFES) if step else ()
    if step and found and step.said["digest"] != found[0].digest:
        why = "The agreement has changed since it was judged: it is judged again."
        return Progress(JUDGEMENT, title, LATE, why, step.by, step.at, said)
    return _by_somebody(request, JUDGEMENT, title, step, standing, at, said)


def _by_somebody(
    request: AccessRequest,
    kind: str,
    title: str,
    step: AccessStep | None,
    standing: Standing,
    at: datetime,
    said: tuple[tuple[str, str], ...] = (),
    fresh: timedelta | None = FRESH,
) -> Progress:
    part = people.PARTS[kind]
    whose = f"the {part.title} of {part.partner(request)}"
    if step is None:
        return Progress(kind, title, MISSING, f"It waits for {whose}.")
    if not people.takes(request, kind, step.by, standing):
        why = f"Who did it has another part now: it waits for {whose}."
        return Progress(kind, title, LATE, why, step.by, step.at, said)
    if fresh is not None and at >= step.at + fresh:
        why = f"It is older than {fresh.days} days: it waits for {whose} again."
        return Progress(kind, title, LATE, why, step.by, step.at, said)
    return Progress(kind, title, DONE, "", step.by, step.at, said)


def _limit(request: AccessRequest, standing: Standing, at: datetime) -> Progress:
    title, said = "Time limit", (("Asked until", _day(request.until)),)
    found = terms_of(request, standing)
    if at >= ends(request.until):
        return Progress("limit", title, LATE, "The day asked for is past: ask anew.", said=said)
    if found and request.until > found[0].ends:
        why = "It is longer than the agreement: ask anew for less."
        return Progress("limit", title, LATE, why, said=said)
    return Progress("limit", title, DONE, said=said)


def _apart(request: AccessRequest) -> Progress:
    title = "Different people"
    if people.twice(request):
        return Progress("apart", title, LATE, "Somebody has two parts: ask anew.")
    return Progress("apart", title, DONE)


def ends_at(request: AccessRequest, standing: Standing) -> datetime:
    """The earliest end of what it rests on: the day asked, the training, the DPIA, the terms.

    Every step has to be done: there is no end of what never began.
    """
    found, training = terms_of(request, standing), newest(request, TRAINING)
    if found is None or training is None:
        raise ValueError("a request with a step missing has no end")
    terms = found[0]
    last = (
        request.until,
        date.fromisoformat(training.said["until"]),
        standing.dpias[terms.dpia].review,
        terms.ends,
    )
    return ends(min(last))


def unattested(request: AccessRequest, standing: Standing) -> tuple[str, ...]:
    """The personal needs that the ledger does not hold for this member until `request.ends`."""
    found = terms_of(request, standing)
    held = {
        item.need
        for item in standing.fulfilments
        if (item.reference, item.grant) == (request.reference, request.grant)
        and (item.member, item.ends) == (request.member, request.ends)
    }
    needs = _personal(found[1]) if found else PERSONAL_NEEDS
    return tuple(each for each in needs if each not in held)


def _personal(grant: Grant) -> Iterator[str]:
    return (need for need in PERSONAL_NEEDS if need in grant.needs)


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"
