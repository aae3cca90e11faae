"""Agreements: searched and listed, in force or why not, who gives what to whom, what waits.

The list is one page of what was found, and everything on it is calculated for that page only. No
query of the database is made for a row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect

from commonthread.broker.access import Decision
from commonthread.broker.access.leases import now
from commonthread.broker.rules.dates import london_day
from commonthread.broker.rules.decisions import decide, probe
from commonthread.broker.rules.terms import Grant
from commonthread.gateway import words
from commonthread.gateway.changes import changes
from commonthread.web import files, listing
from commonthread.web.acts import Offer, offer
from commonthread.web.flow import Line, draw_flow
from commonthread.web.pages import PLATFORM, Visit, page, partner_names, status_of

if TYPE_CHECKING:
    from commonthread.broker.access import AgreementStatus

INDEX = listing.Index()
# A card names this many parties; a charter may have more than a thousand.
MOST_PARTIES = 24


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
    names = partner_names(visit.broker)
    wanted = listing.read(visit.request.GET)
    found = _found(visit, wanted, names)
    shown = listing.cut(found, wanted.page)
    return visit.show(
        "web/agreements.html",
        nav="agreements",
        cards=[_card(visit, row.status, names) for row in shown.rows],
        wanted=wanted,
        shown=shown,
        query=wanted.query(page=1),
        before=wanted.query(page=shown.page - 1) if shown.page > 1 else None,
        after=wanted.query(page=shown.page + 1) if shown.page < shown.pages else None,
        states=listing.STATES,
        periods=listing.WITHIN,
        sorts=listing.SORTS,
        kinds=tuple(files.MAKERS),
    )


def _found(visit: Visit, wanted: listing.Filters, names: Mapping[str, str]) -> list[listing.Row]:
    partner = visit.member.partner if visit.member else ""
    rows = INDEX.rows(visit.broker.agreements(), names, wanted.sort)
    return listing.select(rows, wanted, partner, london_day(now()))


def _card(visit: Visit, status: AgreementStatus, names: Mapping[str, str]) -> dict[str, Any]:
    decided = _decided(visit, _grants(status), status.reference)
    return {
        "status": status,
        "usable": [grant for grant, decision in decided.items() if decision.permitted],
        "flows": _flows(status, names),
        "offered": offer(visit, status),
        "waiting": _waiting(status, names),
        "signed": signed_in_words(status),
        "parties": status.parties[:MOST_PARTIES],
        "more": max(len(status.parties) - MOST_PARTIES, 0),
    }


@page("GET")
def export(visit: Visit, kind: str) -> HttpResponse:
    """All that a filter finds, on every page of it, as a file."""
    if kind not in files.MAKERS:
        raise Http404("There is no file of this kind.")
    wanted = listing.read(visit.request.GET)
    found = _found(visit, wanted, partner_names(visit.broker))
    return files.download(kind, "agreements", listing.FIELDS, map(listing.record, found))


def _decided(visit: Visit, grants: Iterable[Grant], reference: str) -> dict[str, Decision]:
    """Each grant of one agreement with the decision for the one signed in, now."""
    standing, at = visit.broker.standing(), now()
    version = standing.governing(reference)
    if version is None:
        return {}
    return {
        grant.id: decide(probe(visit.who, version.terms, grant), standing, at) for grant in grants
    }


@page("GET")
def one(visit: Visit, reference: str) -> HttpResponse:
    status = status_of(visit.broker, reference)
    return _whole(visit, status, offer(visit, status), _decided(visit, _grants(status), reference))


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
    decisions: Mapping[str, Decision],
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
        flows=_flows(status, names),
        drawing=_drawing(visit, status, names, is_draft=governs is not None),
        parties=[
            (names.get(partner, partner), signed, role) for partner, signed, role in status.parties
        ],
        grants=[_opened(grant, decisions.get(grant.id), names) for grant in _grants(status)],
        offered=offered,
        waiting=_waiting(status, names),
        signed=signed_in_words(status),
    )


def _changes(old: AgreementStatus | None, new: AgreementStatus) -> list[str]:
    return list(changes(old.terms, new.terms)) if old and old.terms and new.terms else []


def _waiting(status: AgreementStatus, names: Mapping[str, str]) -> list[str]:
    """Who has still to sign the draft, in words."""
    if status.draft is None:
        return []
    unsigned = [names.get(who, who) for who in status.draft.unsigned if who != PLATFORM]
    platform = ["the platform, by itself when all others have"]
    return unsigned + (platform if PLATFORM in status.draft.unsigned else [])


def signed_in_words(status: AgreementStatus) -> str:
    """`1 of 2 signed` of the version that waits for signatures, without the platform; or empty."""
    waiting = status.draft or status
    people = [(who, signed) for who, signed, _ in waiting.parties if who != PLATFORM]
    if status.kind == "charter" or all(signed for _, signed in people):
        return ""
    return f"{sum(signed for _, signed in people)} of {len(people)} signed"


def _grants(status: AgreementStatus) -> tuple[Grant, ...]:
    return status.terms.grants if status.terms else ()


def _flows(status: AgreementStatus, names: Mapping[str, str]) -> list[Flow]:
    return [
        Flow(
            names.get(grant.owner, grant.owner),
            grant.id.replace("-", " "),
            words.MODES.get(grant.mode, grant.mode),
            words.groups(grant, names),
        )
        for grant in _grants(status)
    ]


def _drawing(
    visit: Visit, status: AgreementStatus, names: Mapping[str, str], *, is_draft: bool
) -> str:
    grants = _grants(status)
    if not grants:
        return ""
    contracts = visit.broker.standing().contracts
    named = {grant.dataset for grant in grants} & contracts.keys()
    titles = {name: contracts[name].title for name in named}
    lines = [Line(grant, status.in_force and not is_draft) for grant in grants]
    title = f"What {status.reference} opens, and to whom"
    return draw_flow(lines, titles, names, title)


def _opened(grant: Grant, decision: Decision | None, names: Mapping[str, str]) -> Opened:
    return Opened(
        grant,
        tuple(words.columns(grant)),
        words.MODES.get(grant.mode, grant.mode),
        tuple(words.conditions(grant)),
        words.groups(grant, names),
        bool(decision and decision.permitted),
        tuple(decision.reasons) if decision else (),
    )
