"""Agreements: in force or why not, who gives what to whom, and the acts of a signatory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect

from commonthread.broker.access import BadInput, Refused
from commonthread.broker.rules.standing import SIGNATORY
from commonthread.broker.rules.terms import PERSON_INDEX, Grant
from commonthread.web import words
from commonthread.web.pages import PLATFORM, Visit, page, partner_names

if TYPE_CHECKING:
    from commonthread.broker.access import AgreementStatus

SIGN, WITHDRAW, SUSPEND, RESUME = "sign", "withdraw", "suspend", "resume"


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that a signatory can do: its button, and what the page says before it is done."""

    id: str
    button: str
    says: str
    needs_reason: bool = True
    warns: bool = False


ACTS = {
    SIGN: Act(
        SIGN,
        "Sign",
        "You sign these terms for your partner, as they stand: the digest below names every word "
        "of them. When all parties have signed, they are in force.",
        needs_reason=False,
    ),
    WITHDRAW: Act(
        WITHDRAW,
        "Withdraw",
        "Your partner leaves the agreement for good. Each query that runs under it ends within a "
        "second. It can only be made good by a new version that all parties sign.",
        warns=True,
    ),
    SUSPEND: Act(
        SUSPEND,
        "Suspend",
        "Nothing is opened under the agreement until your partner resumes it. Each query that runs "
        "under it ends within a second.",
        warns=True,
    ),
    RESUME: Act(RESUME, "Resume", "Your partner lets the agreement go on as it was signed."),
}


@dataclass(frozen=True, slots=True)
class Flow:
    """One arrow of the drawing: who gives what to whom, for which use."""

    giver: str
    what: str
    mode: str
    takers: str


@dataclass(frozen=True, slots=True)
class Opened:
    """What one grant opens, in words, and whether the one signed in can use it."""

    grant: Grant
    columns: tuple[tuple[str, str], ...]
    mode: str
    conditions: tuple[str, ...]
    takers: str
    usable: bool
    why_not: tuple[Any, ...]


@page("GET")
def all_agreements(visit: Visit) -> HttpResponse:
    usable = _usable(visit)
    cards = [
        {
            "status": status,
            "usable": usable.get(status.reference, []),
            "flows": _flows(visit, status),
            "acts": _acts(visit, status),
        }
        for status in sorted(visit.broker.agreements(), key=_order)
    ]
    return visit.show("web/agreements.html", nav="agreements", cards=cards)


def _order(status: AgreementStatus) -> tuple[bool, bool, str]:
    return status.kind != "charter", not status.in_force, status.reference


def _usable(visit: Visit) -> dict[str, list[str]]:
    usable: dict[str, list[str]] = {}
    for grant, decision in visit.broker.can(visit.who):
        if decision.permitted:
            usable.setdefault(decision.request.agreement, []).append(grant)
    return usable


@page("GET")
def one(visit: Visit, reference: str) -> HttpResponse:
    status = _found(visit, reference)
    names = partner_names(visit.broker)
    decisions = {
        grant: decision
        for grant, decision in visit.broker.can(visit.who)
        if decision.request.agreement == reference
    }
    return visit.show(
        "web/agreement.html",
        nav="agreements",
        status=status,
        terms=status.terms,
        charter=status.charter,
        flows=_flows(visit, status),
        parties=[
            (names.get(partner, partner), signed, role) for partner, signed, role in status.parties
        ],
        grants=[_opened(grant, decisions.get(grant.id), names) for grant in _grants(status)],
        acts=_acts(visit, status),
    )


def _found(visit: Visit, reference: str) -> AgreementStatus:
    for status in visit.broker.agreements():
        if status.reference == reference:
            return status
    raise Http404


def _grants(status: AgreementStatus) -> tuple[Grant, ...]:
    return status.terms.grants if status.terms else ()


def _flows(visit: Visit, status: AgreementStatus) -> list[Flow]:
    names = partner_names(visit.broker)
    return [
        Flow(
            names.get(grant.owner, grant.owner),
            grant.id.replace("-", " "),
            words.MODES.get(grant.mode, grant.mode),
            _takers(grant, names),
        )
        for grant in _grants(status)
    ]


def _takers(grant: Grant, names: dict[str, str]) -> str:
    takers = []
    for group in grant.recipients:
        partner, _, name = group.partition("/")
        if group == PERSON_INDEX:
            takers.append("The person index of the platform")
        else:
            takers.append(f"{name.replace('-', ' ')} of {names.get(partner, partner)}")
    said = "; ".join(takers)
    return said[:1].upper() + said[1:]


def _opened(grant: Grant, decision: Any, names: dict[str, str]) -> Opened:
    columns = [(column.exposed, words.column_in_words(column)) for column in grant.columns]
    if grant.person:
        columns.insert(0, ("person", "a pseudonym of the resident, under this agreement only"))
    return Opened(
        grant,
        tuple(columns),
        words.MODES.get(grant.mode, grant.mode),
        tuple(words.conditions(grant)),
        _takers(grant, names),
        bool(decision and decision.permitted),
        tuple(decision.reasons) if decision else (),
    )


def _acts(visit: Visit, status: AgreementStatus) -> list[Act]:
    """What the one signed in may try. The broker decides; this only leaves out what is no use."""
    member = visit.member
    if member is None or SIGNATORY not in member.roles:
        return []
    signed = {partner: has for partner, has, _ in status.parties}.get(member.partner)
    if signed is None or member.partner in status.withdrawn:
        return []
    if not signed:
        return [ACTS[SIGN]]
    if status.kind == "charter":
        return []
    suspended = _stopped("suspended", status, member.partner)
    return [ACTS[RESUME if suspended else SUSPEND], ACTS[WITHDRAW]]


def _stopped(code: str, status: AgreementStatus, partner: str) -> bool:
    return any(
        reason.code == code and reason.clause == f"party[{partner}]" for reason in status.reasons
    )


def parties_to_leave(status: AgreementStatus) -> list[str]:
    """The partners of an agreement in force that could withdraw from it."""
    if status.kind == "charter" or not status.in_force:
        return []
    left = {PLATFORM, *status.withdrawn}
    return [partner for partner, signed, _ in status.parties if signed and partner not in left]


@page("GET", "POST")
def act(visit: Visit, reference: str, act: str) -> HttpResponse:
    status = _found(visit, reference)
    chosen = next((item for item in _acts(visit, status) if item.id == act), None)
    if chosen is None:
        raise Http404
    if visit.request.method != "POST":
        return _confirm(visit, status, chosen)
    reason = visit.sent("reason")
    if chosen.needs_reason and not reason:
        return _confirm(visit, status, chosen, missing="Enter a reason")
    # The digest that was on the page is the one that is signed, or none is.
    if visit.sent("digest") != status.digest:
        return _confirm(visit, status, chosen, failure="The terms have changed. Read them again.")
    try:
        visit.broker.act(reference, act, visit.who, reason)
    except (BadInput, Refused) as error:
        return _confirm(visit, status, chosen, failure=str(error), reason=reason)
    return redirect("agreement", reference=reference)


def _confirm(
    visit: Visit,
    status: AgreementStatus,
    chosen: Act,
    *,
    missing: str = "",
    failure: str = "",
    reason: str = "",
) -> HttpResponse:
    return visit.show(
        "web/act.html",
        code=400 if missing or failure else 200,
        nav="agreements",
        agreement=status,
        act=chosen,
        missing=missing,
        failure=failure,
        reason=reason,
    )
