"""What every page has: the broker, who is signed in, the demo banner, errors said plainly.

- A home without personas has no sign-in yet, so it opens nothing but the page that says so.
- The session holds a member's id and nothing else; a member that is gone is nobody.
- No page is kept by a browser: what it shows may end a second later.
- What is refused or not there is said between the banner and the navigation, unless the broker
  itself failed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect, render

from commonthread.broker.access import BadInput, Refused, UserFacing, open_broker
from commonthread.web import report

if TYPE_CHECKING:
    from commonthread.broker.access import AgreementStatus, Broker
    from commonthread.broker.rules.standing import Member

MEMBER = "member"
PLATFORM = "commonthread"
DEMO = "Demo home: holds the keys of its personas. Do not put real data in it."


@dataclass(frozen=True, slots=True)
class Visit:
    """One request to one page: the broker that answers it, and who asks."""

    request: HttpRequest
    broker: Broker
    member: Member | None

    @property
    def who(self) -> str:
        """The id of the member who is signed in; pages behind the sign-in always have one."""
        return self.member.id if self.member else ""

    def show(self, template: str, *, code: int = 200, **context: Any) -> HttpResponse:
        base = {
            "banner": DEMO if self.broker.demo else "",
            "county": report.here(),
            "member": self.member,
            "partner": partner_names(self.broker).get(self.member.partner if self.member else ""),
        }
        return render(self.request, template, {**base, **context}, status=code)

    def sent(self, name: str) -> str:
        """One field of the form that was sent, without the browser's line ends."""
        return str(self.request.POST.get(name, "")).replace("\r\n", "\n").strip()


View = Callable[..., HttpResponse]


def page(*methods: str, open_to_all: bool = False) -> Callable[[View], View]:
    """Turn a function of a visit into a view: broker, member, methods, errors, no caching."""

    allowed = (*methods, "HEAD") if "GET" in methods else methods

    def decorate(view: View) -> View:
        @wraps(view)
        def shown(request: HttpRequest, **parts: Any) -> HttpResponse:
            if request.method not in allowed:
                return HttpResponseNotAllowed(allowed)
            try:
                answer = _answer(view, request, open_to_all, parts)
            except UserFacing as error:
                answer = _refusal(request, error)
            answer["Cache-Control"] = "no-store"
            return answer

        return shown

    return decorate


def _answer(
    view: View, request: HttpRequest, open_to_all: bool, parts: dict[str, Any]
) -> HttpResponse:
    broker = open_broker()
    if not broker.demo:
        code = 200 if open_to_all else 403
        return Visit(request, broker, None).show("web/no_sign_in.html", code=code)
    visit = Visit(request, broker, _signed_in(request, broker))
    if visit.member is None and not open_to_all:
        return redirect("start")
    try:
        return view(visit, **parts)
    except Http404 as missing:
        return visit.show("web/not_found.html", code=404, said=str(missing))
    except (BadInput, Refused) as error:
        said = _said_of(error)
        return visit.show("web/error.html", code=error.http_status, layout="web/base.html", **said)


def _signed_in(request: HttpRequest, broker: Broker) -> Member | None:
    wanted = request.session.get(MEMBER)
    return next((member for member in personas(broker) if member.id == wanted), None)


def _refusal(request: HttpRequest, error: UserFacing) -> HttpResponse:
    """Said on a page of its own. It asks the broker nothing: that may be what failed."""
    context = {**_said_of(error), "layout": "web/plain.html"}
    return render(request, "web/error.html", context, status=error.http_status)


def _said_of(error: UserFacing) -> dict[str, Any]:
    return {
        "error": error,
        "reasons": getattr(error, "reasons", ()),
        "problems": getattr(error, "problems", ()),
    }


def personas(broker: Broker) -> list[Member]:
    """The members that somebody can be in a demo home: people, not the platform's services."""
    return [member for member in broker.members() if member.partner != PLATFORM]


def partner_names(broker: Broker) -> dict[str, str]:
    return {partner.id: partner.name for partner in broker.partners()}


def status_of(broker: Broker, reference: str) -> AgreementStatus:
    """How one agreement or charter stands; a page about none is not found."""
    for status in broker.agreements():
        if status.reference == reference:
            return status
    raise Http404
