"""What every page has: the broker, who is signed in, the demo banner, errors said plainly.

- A home without personas has no sign-in yet, so it opens nothing but the page that says so.
- The session holds a member's id and nothing else; a member that is gone is nobody.
- No page is kept by a browser: what it shows may end a second later.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect, render

from commonthread.broker.access import UserFacing, open_broker

if TYPE_CHECKING:
    from commonthread.broker.access import Broker
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
    return view(visit, **parts)


def _signed_in(request: HttpRequest, broker: Broker) -> Member | None:
    wanted = request.session.get(MEMBER)
    return next((member for member in personas(broker) if member.id == wanted), None)


def _refusal(request: HttpRequest, error: UserFacing) -> HttpResponse:
    """Said on a page of its own. It asks the broker nothing: that may be what failed."""
    context = {
        "error": error,
        "reasons": getattr(error, "reasons", ()),
        "problems": getattr(error, "problems", ()),
    }
    return render(request, "web/error.html", context, status=error.http_status)


def personas(broker: Broker) -> list[Member]:
    """The members that somebody can be in a demo home: people, not the platform's services."""
    return [member for member in broker.members() if member.partner != PLATFORM]


def partner_names(broker: Broker) -> dict[str, str]:
    return {partner.id: partner.name for partner in broker.partners()}
