"""Documents of agreements to take away, and the public page that says whether one still holds.

The check is open to everybody, in every home: whoever holds a document may ask. What is handed in
stays in memory, is read by a child without keys, and is gone with the answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.files.uploadhandler import MemoryFileUploadHandler
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt

from commonthread.broker.access import Reason, Refused, UserFacing, open_broker
from commonthread.broker.rules.terms import required_parties
from commonthread.web.pages import MEMBER, Visit, page, personas, status_of

if TYPE_CHECKING:
    from commonthread.broker.access import Broker
    from commonthread.broker.rules.standing import Member
    from commonthread.gateway.documents.check import Verdict
    from commonthread.gateway.documents.issue import Issued

# What a form adds to the file in it.
FORM_BYTES = 64 * 1024
PDF, ZIP, PEM = "application/pdf", "application/zip", "application/x-pem-file"


@page("GET")
def document(visit: Visit, reference: str) -> HttpResponse:
    return _document(visit, reference, draft=False)


@page("GET")
def draft_document(visit: Visit, reference: str) -> HttpResponse:
    return _document(visit, reference, draft=True)


def _document(visit: Visit, reference: str, *, draft: bool) -> HttpResponse:
    from commonthread.gateway.documents.issue import issue_document

    status_of(visit.broker, reference)
    authority = settings.TIMESTAMP_AUTHORITY
    issued = issue_document(visit.broker, reference, draft=draft, authority=authority)
    return _attached(issued, PDF)


@page("GET")
def evidence(visit: Visit, reference: str) -> HttpResponse:
    """The evidence pack: it names who signed, so it is for the members of the parties."""
    from commonthread.gateway.documents.issue import issue_evidence

    status_of(visit.broker, reference)
    if not may_take_evidence(visit, reference):
        raise Refused(
            [
                Reason(
                    "no-party",
                    "agreement.party",
                    f"Only a member of a party to {reference} may take its evidence.",
                    "Ask a party for it: the pack proves itself, whoever hands it on.",
                )
            ]
        )
    return _attached(issue_evidence(visit.broker, reference), ZIP)


def may_take_evidence(visit: Visit, reference: str) -> bool:
    standing = visit.broker.standing()
    version = standing.governing(reference)
    parties = required_parties(version.terms, standing.contracts) if version else ()
    return visit.member is not None and visit.member.partner in parties


def _attached(issued: Issued, kind: str) -> HttpResponse:
    answer = HttpResponse(issued.content, content_type=kind)
    answer["Content-Disposition"] = f'attachment; filename="{issued.name}"'
    return answer


class InMemory(MemoryFileUploadHandler):
    """Whatever its size, which was looked at before: no part of a document touches the disk."""

    def handle_raw_input(self, *arguments: Any, **named: Any) -> None:
        super().handle_raw_input(*arguments, **named)
        self.activated = True


# Asking changes nothing and needs no session, so there is nothing to forge; and the size of what
# is sent is looked at before any of it is read, which the check for forgery would do.
@csrf_exempt
def check(request: HttpRequest) -> HttpResponse:
    if request.method not in ("GET", "HEAD", "POST"):
        return HttpResponseNotAllowed(("GET", "POST"))
    try:
        broker = open_broker()
        visit = Visit(request, broker, _member(request, broker))
        answer = _asked(visit) if request.method == "POST" else _form(visit)
    except UserFacing as error:
        said = {"error": error, "layout": "web/plain.html"}
        answer = render(request, "web/error.html", said, status=error.http_status)
    answer["Cache-Control"] = "no-store"
    return answer


def _member(request: HttpRequest, broker: Broker) -> Member | None:
    """Who is signed in, for the navigation only."""
    wanted = request.session.get(MEMBER) if broker.demo else None
    return next((member for member in personas(broker) if member.id == wanted), None)


def _asked(visit: Visit) -> HttpResponse:
    from commonthread.gateway.documents.check import check_document
    from commonthread.gateway.documents.reading import LARGEST_DOCUMENT
    from commonthread.gateway.documents.seal import stamp_roots

    request, most = visit.request, LARGEST_DOCUMENT
    sent = request.META.get("CONTENT_LENGTH") or "0"
    if not sent.isdecimal() or int(sent) > most + FORM_BYTES:
        return _form(visit, f"Choose a file of {most // (1024 * 1024)} MB or less")
    request.upload_handlers = [InMemory(request)]
    file = request.FILES.get("document")
    if file is None or not file.size:
        return _form(visit, "Choose a file to check")
    roots = stamp_roots(settings.TIMESTAMP_ROOTS)
    return _form(visit, verdict=check_document(file.read(), visit.broker, stamp_roots=roots))


def _form(visit: Visit, missing: str = "", verdict: Verdict | None = None) -> HttpResponse:
    code = 400 if missing else 200
    return visit.show("web/check.html", code=code, missing=missing, verdict=verdict)


def certificate(request: HttpRequest) -> HttpResponse:
    """The root certificate of the seals, for whoever checks them with a program of their own."""
    from commonthread.gateway.documents.seal import identity

    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(("GET",))
    try:
        root = identity(open_broker()).root_pem()
    except UserFacing as error:
        said = {"error": error, "layout": "web/plain.html"}
        return render(request, "web/error.html", said, status=error.http_status)
    answer = HttpResponse(root, content_type=PEM)
    answer["Content-Disposition"] = 'attachment; filename="documents-root.pem"'
    return answer
