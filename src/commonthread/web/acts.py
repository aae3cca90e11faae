"""The acts of a signatory: which there are, who may try them, and the page before each is done.

Nothing signs but here. The page before a signature begins with the one-page summary, whichever way
somebody came to it; `presence` is asked for before each act.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.http import Http404, HttpResponse
from django.shortcuts import redirect

from commonthread.broker.access import BadInput, Refused
from commonthread.broker.access.leases import now
from commonthread.broker.rules.standing import SIGNATORY
from commonthread.gateway.signing import Summary, summarise
from commonthread.web import presence
from commonthread.web.pages import PLATFORM, Visit, page, partner_names, status_of

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
class Offer:
    """What the one signed in may try: on the version that governs, and on the draft."""

    acts: tuple[Act, ...] = ()
    on_draft: tuple[Act, ...] = ()


def to_sign(status: AgreementStatus) -> AgreementStatus:
    """The version that a signature would be about: the draft, where there is one."""
    return status.draft or status


def offer(visit: Visit, status: AgreementStatus) -> Offer:
    """What the one signed in may try. The broker decides; this only leaves out what is no use."""
    member = visit.member
    if member is None or SIGNATORY not in member.roles:
        return Offer()
    acts = acts_of(status, member.partner)
    if status.draft is None:
        return Offer(acts)
    signing = tuple(act for act in acts if act.id == SIGN)
    return Offer(tuple(act for act in acts if act.id != SIGN), signing)


def acts_of(status: AgreementStatus, partner: str) -> tuple[Act, ...]:
    """What a signatory of a partner may try now; a new version may be signed by whoever left."""
    waiting = to_sign(status)
    acts = []
    if partner in waiting.unsigned and partner not in waiting.withdrawn:
        acts.append(ACTS[SIGN])
    if status.kind != "charter" and _bound(status, partner):
        acts += [ACTS[RESUME if _suspended(status, partner) else SUSPEND], ACTS[WITHDRAW]]
    return tuple(acts)


def _bound(status: AgreementStatus, partner: str) -> bool:
    return _signed(status, partner) and partner not in status.withdrawn


def _signed(status: AgreementStatus, partner: str) -> bool:
    return any(who == partner and signed for who, signed, _ in status.parties)


def _suspended(status: AgreementStatus, partner: str) -> bool:
    return any(
        reason.code == "suspended" and reason.clause == f"party[{partner}]"
        for reason in status.reasons
    )


def parties_to_leave(status: AgreementStatus) -> list[str]:
    """The partners of an agreement in force that could withdraw from it."""
    if status.kind == "charter" or not status.in_force:
        return []
    return [who for who, _, _ in status.parties if who != PLATFORM and _bound(status, who)]


@page("GET", "POST")
def act(visit: Visit, reference: str, act: str) -> HttpResponse:
    status = status_of(visit.broker, reference)
    chosen = ACTS.get(act)
    if chosen is None:
        raise Http404
    offered = offer(visit, status)
    if chosen not in (*offered.acts, *offered.on_draft):
        return _cannot(visit, status, chosen)
    about = _about(status, chosen)
    if visit.request.method != "POST":
        return _confirm(visit, status, chosen)
    reason = visit.sent("reason")
    if chosen.needs_reason and not reason:
        return _confirm(visit, status, chosen, missing="Enter a reason")
    # The digest that was on the page is the one that is signed, or none is.
    if visit.sent("digest") != about.digest:
        failure = "The terms have changed. Read them again."
        return _confirm(visit, status, chosen, failure=failure, reason=reason)
    if failure := presence.missing(visit, about.digest):
        return _confirm(visit, status, chosen, failure=failure, reason=reason)
    try:
        visit.broker.act(reference, act, visit.who, reason)
    except (BadInput, Refused) as error:
        return _confirm(visit, status, chosen, failure=str(error), reason=reason)
    return redirect("agreement", reference=reference)


def _about(status: AgreementStatus, chosen: Act) -> AgreementStatus:
    """The version that an act is about; its digest is what is signed."""
    return to_sign(status) if chosen.id == SIGN else status


def _confirm(
    visit: Visit,
    status: AgreementStatus,
    chosen: Act,
    *,
    missing: str = "",
    failure: str = "",
    reason: str = "",
) -> HttpResponse:
    about = _about(status, chosen)
    return visit.show(
        "web/act.html",
        code=400 if missing or failure else 200,
        nav="agreements",
        agreement=about,
        summary=_summary(visit, about) if chosen.id == SIGN else None,
        governing=status.version,
        draft=chosen.id == SIGN and status.draft is not None,
        act=chosen,
        missing=missing,
        failure=failure,
        reason=reason,
    )


def _summary(visit: Visit, about: AgreementStatus) -> Summary | None:
    """What is signed, on one page; a charter is short enough to be read itself."""
    return summarise(about.terms, visit.broker.standing(), now()) if about.terms else None


def _cannot(visit: Visit, status: AgreementStatus, chosen: Act) -> HttpResponse:
    names = partner_names(visit.broker)
    return visit.show(
        "web/cannot.html",
        code=403,
        nav="agreements",
        agreement=status,
        act=chosen,
        why=_why_not(visit, status, chosen, names),
        able=_able(visit, status, chosen, names),
    )


def _why_not(visit: Visit, status: AgreementStatus, chosen: Act, names: dict[str, str]) -> str:
    member, reference = visit.member, status.reference
    if member is None or SIGNATORY not in member.roles:
        return "You are not a signatory. Only a signatory can do this, for their own partner."
    partner, name = member.partner, names.get(member.partner, member.partner)
    about = _about(status, chosen)
    if partner not in {who for who, _, _ in about.parties}:
        return f"{name} is not a party to {reference}."
    if partner in about.withdrawn:
        return f"{name} has withdrawn from {reference}. It can sign a new version."
    if chosen.id == SIGN:
        return f"{name} has signed version {about.version} of {reference} already."
    if status.kind == "charter":
        return "Partners accede to a charter. They do not leave or suspend it here."
    if not _signed(status, partner):
        return f"{name} has not signed {reference} yet."
    if chosen.id == RESUME:
        return f"{name} has not suspended {reference}, so there is nothing to resume."
    return f"{name} has suspended {reference} already."


def _able(
    visit: Visit, status: AgreementStatus, chosen: Act, names: dict[str, str]
) -> list[tuple[str, list[str]]]:
    """(partner, its signatories) for each partner that could do this now."""
    members = visit.broker.members()
    able = []
    for partner, _, _ in _about(status, chosen).parties:
        if partner != PLATFORM and chosen in acts_of(status, partner):
            signatories = [
                f"{one.name} ({one.id})"
                for one in members
                if one.partner == partner and SIGNATORY in one.roles
            ]
            able.append((names.get(partner, partner), signatories))
    return able
