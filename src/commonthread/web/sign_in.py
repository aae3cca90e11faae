"""Sign in as one of the personas of a demo home, and out again."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import redirect

from commonthread.broker.rules.standing import Member
from commonthread.gateway import words
from commonthread.web import report
from commonthread.web.pages import MEMBER, Visit, page, partner_names, personas
from commonthread.web.tries import Try, tries


@dataclass(frozen=True, slots=True)
class Persona:
    """A member, with what the member can do now, in words."""

    member: Member
    does: tuple[str, ...]
    opens: tuple[tuple[str, tuple[str, ...]], ...]


@page("GET", open_to_all=True)
def start(visit: Visit) -> HttpResponse:
    names = partner_names(visit.broker)
    # In the order in which they joined: whoever built the home put first whom to look at first.
    joined = [names.get(partner, partner) for partner in visit.broker.standing().partners]
    by_partner: dict[str, list[Persona]] = {}
    for member in personas(visit.broker):
        name = names.get(member.partner, member.partner)
        by_partner.setdefault(name, []).append(_persona(visit, member))
    partners = sorted(by_partner.items(), key=lambda one: joined.index(one[0]))
    return visit.show("web/start.html", nav="start", partners=partners, tries=_tries(visit))


def _tries(visit: Visit) -> list[Try]:
    if not report.here():
        return []
    references = {status.reference for status in visit.broker.agreements()}
    return tries({member.id for member in personas(visit.broker)}, references)


def _persona(visit: Visit, member: Member) -> Persona:
    does = tuple(words.ROLES.get(role, role) for role in member.roles)
    opens: dict[str, list[str]] = {}
    for grant, decision in visit.broker.can(member.id):
        if decision.permitted:
            opens.setdefault(decision.request.agreement, []).append(grant)
    return Persona(member, does, tuple((key, tuple(ids)) for key, ids in opens.items()))


@page("POST", open_to_all=True)
def sign_in(visit: Visit) -> HttpResponse:
    tried = next((one for one in _tries(visit) if one.id == visit.sent("try")), None)
    wanted = tried.member if tried else visit.sent("member")
    if wanted not in {member.id for member in personas(visit.broker)}:
        return redirect("start")
    visit.request.session.flush()
    visit.request.session[MEMBER] = wanted
    return redirect(tried.address if tried else "agreements")


@page("POST", open_to_all=True)
def sign_out(visit: Visit) -> HttpResponse:
    visit.request.session.flush()
    return redirect("start")
