"""What somebody can do in a request for access, each as a form: its words, fields and action."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from commonthread.broker.access import BadInput
from commonthread.broker.rules.standing import Member
from commonthread.gateway.models import (
    ACCESS_GRANTED,
    ACCESS_OPEN,
    ALLOWED,
    APPROVAL,
    ASKED,
    GRANTING,
    JUDGED,
    JUDGEMENT,
    REVIEW,
    TRAINING,
    AccessRequest,
)
from commonthread.gateway.personal_access import people, requests
from commonthread.gateway.personal_access.steps import FIVE_SAFES, hindrances, newest
from commonthread.web.drafts.fields import CHOICE, DAY, LINE, TEXT, Field
from commonthread.web.pages import Visit
from commonthread.web.signing import day

NOT_OF_RESIDENTS = "Do not name a resident."
FINDINGS = (
    (requests.AS_AGREED, "It was used as agreed"),
    (requests.NOT_AS_AGREED, "It was not used as agreed, as stated below"),
)

Values = Mapping[str, Any]
Taken = Callable[[Visit, AccessRequest, Member, datetime, Values], object]


@dataclass(frozen=True, slots=True)
class Act:
    """One thing to do: `title` leads to its form, `says` what comes of it, `step` what it does."""

    id: str
    title: str
    says: str
    button: str
    take: Taken
    fields: tuple[Field, ...] = ()
    second: bool = False
    step: str = ""


def _approve(
    visit: Visit, found: AccessRequest, by: Member, at: datetime, values: Values
) -> object:
    note = str(values.get("note", ""))
    return requests.approve(found.id, note, visit.broker.standing(), by=by, at=at)


def _train(visit: Visit, found: AccessRequest, by: Member, at: datetime, values: Values) -> object:
    return requests.add_training(
        found.id,
        str(values.get("what", "")),
        _day(values, "done"),
        _day(values, "until"),
        str(values.get("evidence", "")),
        visit.broker.standing(),
        by=by,
        at=at,
    )


def _judge(visit: Visit, found: AccessRequest, by: Member, at: datetime, values: Values) -> object:
    said = {safe.id: str(values.get(safe.id, "")) for safe in FIVE_SAFES}
    return requests.judge(found.id, said, visit.broker.standing(), by=by, at=at)


def _grant(visit: Visit, found: AccessRequest, by: Member, at: datetime, values: Values) -> object:
    return requests.grant(found.id, visit.broker, by=by, at=at)


def _confirm(
    visit: Visit, found: AccessRequest, by: Member, at: datetime, values: Values
) -> object:
    return requests.confirm(found.id, visit.broker, by=by, at=at)


def _refuse(visit: Visit, found: AccessRequest, by: Member, at: datetime, values: Values) -> object:
    reason = str(values.get("reason", ""))
    return requests.refuse(found.id, reason, visit.broker.standing(), by=by, at=at)


def _withdraw(
    visit: Visit, found: AccessRequest, by: Member, at: datetime, values: Values
) -> object:
    return requests.withdraw(found.id, visit.broker.standing(), by=by, at=at)


def _review(visit: Visit, found: AccessRequest, by: Member, at: datetime, values: Values) -> object:
    said = (str(values.get("finding", "")), str(values.get("text", "")))
    return requests.review(found.id, *said, visit.broker.standing(), by=by, at=at)


def _day(values: Values, name: str) -> date | None:
    """No day where none was entered; half a day is said to be none."""
    return day(values[name], "a day") if name in values else None


ACTS = {
    act.id: act
    for act in (
        Act(
            "approve",
            "Approve as line manager",
            "You say that this is their work, and that they need these records for it.",
            "Approve",
            _approve,
            (Field("note", "Note", TEXT, NOT_OF_RESIDENTS, optional=True),),
            step=APPROVAL,
        ),
        Act(
            "training",
            "State their training",
            "Your word goes into the ledger under your signature once it is granted.",
            "State the training",
            _train,
            (
                Field("what", "Which training", LINE),
                Field("done", "When it was done", DAY),
                Field("until", "Until when it is valid", DAY, "Access ends then, or before."),
                Field("evidence", "Where the evidence is", TEXT, NOT_OF_RESIDENTS),
            ),
            step=TRAINING,
        ),
        Act(
            "judge",
            "Judge the Five Safes",
            "A sentence or two for each. If one of them is not safe, refuse it instead.",
            "Record the judgements",
            _judge,
            tuple(Field(safe.id, safe.title, TEXT, safe.asks) for safe in FIVE_SAFES),
            step=JUDGEMENT,
        ),
        Act(
            "grant",
            "Grant it",
            "It is granted to this one person under the agreement, and your signature goes into "
            "the ledger. It ends by itself; it cannot be taken back from here.",
            "Grant it",
            _grant,
        ),
        Act(
            "confirm",
            "Sign the training",
            "It was granted. Your signature on the training opens it.",
            "Sign the training",
            _confirm,
        ),
        Act(
            "review",
            "Review how it was used",
            "The ledger has each use. The review after it ended closes the request.",
            "Record the review",
            _review,
            (
                Field("finding", "What you found", CHOICE, choices=FINDINGS),
                Field("text", "What you looked at", TEXT, NOT_OF_RESIDENTS),
            ),
        ),
        Act(
            "refuse",
            "Refuse it",
            "It is closed, and whoever asked reads why.",
            "Refuse it",
            _refuse,
            (Field("reason", "Why", TEXT, NOT_OF_RESIDENTS),),
            second=True,
        ),
        Act(
            "withdraw",
            "Take it back",
            "It is closed. You can ask anew.",
            "Take it back",
            _withdraw,
            second=True,
        ),
    )
}


def offered(visit: Visit, found: AccessRequest, at: datetime) -> list[Act]:
    """What the one signed in can do now, the next step first."""
    if visit.member is None:
        return []
    return [ACTS[id_] for id_ in _offered(visit, visit.member, found, at)]


def _offered(visit: Visit, member: Member, found: AccessRequest, at: datetime) -> Iterator[str]:
    standing = visit.broker.standing()
    if requests.settled(found, standing) == ACCESS_GRANTED:
        if people.may(found, REVIEW, member, standing):
            yield "review"
        return
    if found.state not in ACCESS_OPEN:
        return
    complete = not hindrances(found, standing, at)
    yield from _steps(member, found, standing, complete=complete)
    if requests.may_refuse(found, member, standing):
        yield "refuse"
    if member.id == found.member:
        yield "withdraw"


def _steps(member: Member, found: AccessRequest, standing: Any, *, complete: bool) -> Iterator[str]:
    stated = newest(found, TRAINING)
    if people.may(found, APPROVAL, member, standing):
        yield "approve"
    if people.may(found, TRAINING, member, standing):
        if complete and found.state == ALLOWED and stated and stated.by == member.id:
            yield "confirm"
        yield "training"
    if people.may(found, JUDGEMENT, member, standing) and found.state != ASKED:
        yield "judge"
    judged = complete and found.state in (JUDGED, ALLOWED)
    if judged and people.may(found, GRANTING, member, standing):
        yield "grant"


def act_of(visit: Visit, found: AccessRequest, id_: str, at: datetime) -> Act | None:
    """The act of this id, if the one signed in can do it now."""
    return next((act for act in offered(visit, found, at) if act.id == id_), None)


def take(
    act: Act, visit: Visit, found: AccessRequest, values: Mapping[str, Any], at: datetime
) -> None:
    if visit.member is None:
        raise BadInput("Nobody is signed in.")
    act.take(visit, found, visit.member, at, values)
