"""The ledger: newest entries, the checkpoint, a check of everything, and copies to keep."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils.text import slugify

from commonthread.web import words
from commonthread.web.pages import Visit, page

PAGE = 25
SHORT = 12
HEX = frozenset("0123456789abcdef")
KINDS = {
    "home": "The ledger begins",
    "partner": "A partner",
    "member": "A member",
    "key": "A member’s key admitted",
    "dataset": "A dataset declared",
    "charter": "A charter proposed",
    "dpia": "A DPIA",
    "agreement": "An agreement proposed",
    "act": "An act of a signatory",
    "deposit": "A deposit",
    "fulfilment": "A need met",
    "objection": "An objection",
    "lease.opened": "An answer opened",
    "lease.closed": "An answer closed",
    "request.refused": "A request refused",
    "lookup": "A look-up",
    "own-data.read": "A partner read its own data",
}


@page("GET")
def newest(visit: Visit) -> HttpResponse:
    ledger = visit.broker.ledger
    before = str(visit.request.GET.get("before", ""))
    end = min(int(before), ledger.size) if before.isdecimal() and len(before) < 16 else ledger.size
    first = max(end - PAGE, 0)
    entries = ledger.entries(first, end - first) if end else []
    return visit.show(
        "web/ledger.html",
        nav="ledger",
        ledger=_about(visit),
        entries=[_entry(entry) for entry in reversed(list(entries))],
        older=first if first > 0 else None,
        newer=None if end >= ledger.size else min(end + PAGE, ledger.size),
        first=first,
        last=end - 1,
    )


def _about(visit: Visit) -> dict[str, Any]:
    ledger = visit.broker.ledger
    return {
        "size": ledger.size,
        "origin": ledger.origin,
        "checkpoint": ledger.checkpoint(),
        "key": ledger.key_text(),
    }


def _entry(entry: Any) -> dict[str, Any]:
    return {
        "seq": entry.seq,
        "at": words.moment(entry.at),
        "kind": KINDS.get(entry.kind, entry.kind.replace("-", " ").replace(".", " ").capitalize()),
        "says": [(name.replace("_", " "), *_said(value)) for name, value in entry.public.items()],
    }


def _said(value: Any) -> tuple[str, str]:
    """A public value as text, and in full where it was shortened."""
    if isinstance(value, Mapping):
        return "; ".join(f"{name}: {_said(inside)[0]}" for name, inside in value.items()), ""
    if isinstance(value, list | tuple):
        return ", ".join(_said(inside)[0] for inside in value) or "none", ""
    if isinstance(value, bool):
        return ("yes" if value else "no"), ""
    text = str(value)
    if len(text) == 64 and set(text) <= HEX:
        return f"{text[:SHORT]}…", text
    return text, ""


@page("POST")
def verify(visit: Visit) -> HttpResponse:
    report = visit.broker.ledger.verify()
    return visit.show(
        "web/verified.html",
        code=200 if report.verified else 503,
        nav="ledger",
        report=report,
        # What could not be verified is not shown beside the bad news as if it could be.
        ledger=_about(visit) if report.verified else None,
    )


@page("GET")
def export(visit: Visit) -> HttpResponse:
    chunks = iter(visit.broker.ledger.export())
    answer = StreamingHttpResponse(
        _streamed(visit.request, chunks), content_type="application/octet-stream"
    )
    return _attached(visit, answer, "ledger")


@page("GET")
def checkpoint(visit: Visit) -> HttpResponse:
    note = visit.broker.ledger.checkpoint()
    if note is None:
        raise Http404
    answer = HttpResponse(note, content_type="text/plain; charset=utf-8")
    return _attached(visit, answer, "checkpoint")


def _attached(visit: Visit, answer: Any, ending: str) -> HttpResponse:
    """The formats are signed to the byte, so a demo home says what it is in the file's name."""
    demo = "demo-home-" if visit.broker.demo else ""
    name = f"{demo}{slugify(visit.broker.ledger.origin)}-{visit.broker.ledger.size}.{ending}"
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    response: HttpResponse = answer
    return response


def _streamed(
    request: HttpRequest, chunks: Iterator[bytes]
) -> Iterator[bytes] | AsyncIterator[bytes]:
    """Under ASGI an answer is streamed by an asynchronous iterator, else by an ordinary one."""
    return _in_turn(chunks) if isinstance(request, ASGIRequest) else chunks


async def _in_turn(chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    step = sync_to_async(_next)
    while (chunk := await step(chunks)) is not None:
        yield chunk


def _next(chunks: Iterator[bytes]) -> bytes | None:
    return next(chunks, None)
