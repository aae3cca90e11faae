"""The ledger: newest entries, the checkpoint, a check of everything, and copies to keep."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils.text import slugify

from commonthread.broker.rules.facts import ACT
from commonthread.gateway import words
from commonthread.web.pages import Visit, page, partner_names

if TYPE_CHECKING:
    from commonthread.broker.access import Broker
    from commonthread.broker.rules.standing import Act

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
    "act": "A signatory’s act",
    "deposit": "A deposit",
    "fulfilment": "A need met",
    "objection": "An objection",
    "lease.opened": "An answer opened",
    "lease.closed": "An answer closed",
    "request.refused": "A request refused",
    "lookup": "A look-up",
    "own-data.read": "A partner read its own data",
}


ACTS = {
    "accede": "A charter acceded to",
    "sign": "An agreement signed",
    "withdraw": "A withdrawal from an agreement",
    "suspend": "An agreement suspended",
    "resume": "An agreement resumed",
}
# What a public part is called here, where its own name says little to a reader.
LABELS = {
    "agreement": "digest of the terms",
    "codes": "reasons",
    "grants": "what was opened",
    "how": "end",
    "lease": "answer opened by",
    "pins": "deposits read",
}
ENDS = {
    "stopped": "stopped, or left, by whoever asked",
    "ended": "cut off, for what it rested on had ended",
    "deadline": "took too long",
    "memory": "needed too much memory",
    "size": "too large",
    "error": "failed while it ran",
}


@dataclass(frozen=True, slots=True)
class Said:
    """One thing that an entry says: in full where it was shortened, and an entry to look at."""

    name: str
    text: str
    full: str = ""
    entry: int | None = None


@page("GET")
def newest(visit: Visit) -> HttpResponse:
    ledger = visit.broker.ledger
    before = str(visit.request.GET.get("before", ""))
    end = min(int(before), ledger.size) if before.isdecimal() and len(before) < 16 else ledger.size
    first = max(end - PAGE, 0)
    entries = ledger.entries(first, end - first) if end else ()
    return visit.show(
        "web/ledger.html",
        nav="ledger",
        ledger=_about(visit),
        entries=_shown(visit, entries),
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


def _shown(visit: Visit, entries: Sequence[Any]) -> list[dict[str, Any]]:
    """Newest first. Public parts say no act: which it was, the facts and the outbox say."""
    acts = _acts(visit.broker)
    told = {notice.seq: notice for notice in visit.broker.ledger.notices()}
    names = partner_names(visit.broker)
    shown = []
    for entry in reversed(entries):
        kind = KINDS.get(entry.kind, entry.kind.replace("-", " ").replace(".", " ").capitalize())
        # Parts come in the order of their names; an answer's own entry is what it is about.
        parts = sorted(entry.public.items(), key=lambda part: part[0] != "lease")
        says = [_part(name, value) for name, value in parts]
        if entry.kind == ACT:
            act, notice = acts.get(entry.leaf.hex()), told.get(entry.seq)
            if act is not None:
                kind = ACTS.get(act.envelope.act, kind)
                partner = act.envelope.partner
                says = [Said("signatory", act.envelope.member), *says]
                says = [Said("partner", names.get(partner, partner)), *says]
            elif notice is not None:
                kind, partner = ACTS.get(notice.kind, kind), str(notice.body["by"])
                says = [Said("partner", names.get(partner, partner)), *says]
        shown.append({"seq": entry.seq, "at": words.moment(entry.at), "kind": kind, "says": says})
    return shown


def _acts(broker: Broker) -> dict[str, Act]:
    """The acts that stand, by the hash of their entry; one that was undone is not among them."""
    standing = broker.standing()
    acts = list(standing.accessions.values())
    for versions in standing.agreements.values():
        for version in versions:
            for held in (version.signatures, version.withdrawals, version.suspensions):
                acts += held.values()
    return {act.leaf: act for act in acts}


def _part(name: str, value: Any) -> Said:
    label = LABELS.get(name, name.replace("_", " "))
    if name == "lease" and isinstance(value, int):
        return Said(label, f"entry {value}", entry=value)
    if name == "how":
        return Said(label, ENDS.get(str(value), str(value)))
    return Said(label, *_said(value))


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
