"""Agreements: in force or why not, who gives what to whom, and what waits for signatures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.http import HttpResponse
from django.shortcuts import redirect

from commonthread.broker.rules.terms import Grant
from commonthread.web import words
from commonthread.web.acts import Offer, offer
from commonthread.web.changes import changes
from commonthread.web.flow import Line, draw_flow
from commonthread.web.pages import PLATFORM, Visit, page, partner_names, status_of

if TYPE_CHECKING:
    from commonthread.broker.access import AgreementStatus


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

    @property
    def dataset_id(self) -> str:
        return self.grant.dataset.partition("/")[2]


@page("GET")
def all_agreements(visit: Visit) -> HttpResponse:
    usable = _usable(visit)
    names = partner_names(visit.broker)
    cards = [
        {
            "status": status,
            "usable": usable.get(status.reference, []),
            "flows": _flows(visit, status),
            "offered": offer(visit, status),
            "waiting": _waiting(status, names),
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
    status = status_of(visit.broker, reference)
    decisions = {
        grant: decision
        for grant, decision in visit.broker.can(visit.who)
        if decision.request.agreement == reference
    }
    return _whole(visit, status, offer(visit, status), decisions)


@page("GET")
def draft(visit: Visit, reference: str) -> HttpResponse:
    """The whole terms of a version that waits for signatures, to read before they are signed."""
    status = status_of(visit.broker, reference)
    if status.draft is None:
        return redirect("agreement", reference=reference)
    return _whole(visit, status.draft, Offer(offer(visit, status).on_draft), {}, status)


def _whole(
    visit: Visit,
    status: AgreementStatus,
    offered: Offer,
    decisions: dict[str, Any],
    governs: AgreementStatus | None = None,
) -> HttpResponse:
    """One version on a page. A draft, for which what `governs` is given, opens nothing yet."""
    names = partner_names(visit.broker)
    return visit.show(
        "web/agreement.html",
        nav="agreements",
        status=status,
        terms=status.terms,
        charter=status.charter,
        governing=governs.version if governs else None,
        changes=_changes(governs, status),
        flows=_flows(visit, status),
        drawing=_drawing(visit, status, is_draft=governs is not None),
        parties=[
            (names.get(partner, partner), signed, role) for partner, signed, role in status.parties
        ],
        grants=[_opened(grant, decisions.get(grant.id), names) for grant in _grants(status)],
        offered=offered,
        waiting=_waiting(status, names),
    )


def _changes(old: AgreementStatus | None, new: AgreementStatus) -> list[str]:
    return list(changes(old.terms, new.terms)) if old and old.terms and new.terms else []


def _waiting(status: AgreementStatus, names: dict[str, str]) -> list[str]:
    """Who has still to sign the draft, in words."""
    if status.draft is None:
        return []
    unsigned = [names.get(who, who) for who in status.draft.unsigned if who != PLATFORM]
    platform = ["the platform, by itself when all others have"]
    return unsigned + (platform if PLATFORM in status.draft.unsigned else [])


def _grants(status: AgreementStatus) -> tuple[Grant, ...]:
    return status.terms.grants if status.terms else ()


def _flows(visit: Visit, status: AgreementStatus) -> list[Flow]:
    names = partner_names(visit.broker)
    return [
        Flow(
            names.get(grant.owner, grant.owner),
            grant.id.replace("-", " "),
            words.MODES.get(grant.mode, grant.mode),
            words.groups(grant, names),
        )
        for grant in _grants(status)
    ]


def _drawing(visit: Visit, status: AgreementStatus, *, is_draft: bool) -> str:
    grants = _grants(status)
    if not grants:
        return ""
    contracts = visit.broker.standing().contracts
    titles = {name: contract.title for name, contract in contracts.items()}
    lines = [Line(grant, status.in_force and not is_draft) for grant in grants]
    title = f"What {status.reference} opens, and to whom"
    return draw_flow(lines, titles, partner_names(visit.broker), title)


def _opened(grant: Grant, decision: Any, names: dict[str, str]) -> Opened:
    return Opened(
        grant,
        tuple(words.columns(grant)),
        words.MODES.get(grant.mode, grant.mode),
        tuple(words.conditions(grant)),
        words.groups(grant, names),
        bool(decision and decision.permitted),
        tuple(decision.reasons) if decision else (),
    )
