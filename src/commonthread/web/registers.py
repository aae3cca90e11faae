"""Registers: a list of them, their files, and the public register of agreements for anybody.

Public registers are read without signing in; the others are for members. Kept between visits are
the counts of the ledger, so that a visit reads only the entries since the last one, and the files
made last: the same facts on the same day give the same bytes, however often a stranger asks.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from django.http import Http404, HttpResponse
from django.shortcuts import redirect

from commonthread.broker.access.leases import now
from commonthread.broker.rules.dates import london_day
from commonthread.gateway import words
from commonthread.gateway.registers import (
    REGISTERS,
    Held,
    Maker,
    Reading,
    hold,
    maker,
    references,
)
from commonthread.gateway.registers import public as public_register
from commonthread.web.pages import Visit, page

if TYPE_CHECKING:
    from commonthread.broker.access import Broker

PER_PAGE = 20
TYPES = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "jsonld": "application/ld+json",
    "md": "text/markdown; charset=utf-8",
}
MOST_KEPT = 12
Key = tuple[int, date, str]


class Shelf:
    """What is kept of one home between visits; safe between threads."""

    def __init__(self) -> None:
        self.reading = Reading()
        self._files: dict[Key, bytes] = {}
        self._lock = threading.Lock()

    def file(self, key: Key, make: Callable[[], bytes]) -> bytes:
        """The file as it was made of these facts on this day; made once, whoever asks."""
        with self._lock:
            if key not in self._files:
                self._files[key] = make()
                for old in list(self._files)[:-MOST_KEPT]:
                    del self._files[old]
            return self._files[key]


SHELVES: WeakKeyDictionary[Any, Shelf] = WeakKeyDictionary()


def _shelf(broker: Broker) -> Shelf:
    return SHELVES.setdefault(broker.ledger, Shelf())


def _held(broker: Broker, only: tuple[str, ...] | None = None) -> Held:
    activity = _shelf(broker).reading.activity(broker.ledger)
    return hold(broker.standing(), activity, now(), only)


@page("GET")
def all_registers(visit: Visit) -> HttpResponse:
    standing = visit.broker.standing()
    listed = [(register, sorted(register.files(standing))) for register in REGISTERS]
    return visit.show("web/registers.html", nav="registers", registers=listed)


@page("GET", open_to_all=True)
def public(visit: Visit) -> HttpResponse:
    """The register of agreements, so many on a page: no page grows with the trust."""
    known = references(visit.broker.standing())
    number = _number(str(visit.request.GET.get("page", "1")))
    first = (number - 1) * PER_PAGE
    held = _held(visit.broker, known[first : first + PER_PAGE])
    if number > 1 and not held.agreements:
        raise Http404
    return visit.show(
        "web/registers_public.html",
        nav="registers",
        agreements=[_told(each) for each in public_register.agreements(held)],
        about=held.about_in_words(),
        total=len(known),
        first=first + 1,
        last=first + len(held.agreements),
        before=number - 1 if number > 1 else None,
        after=number + 1 if first + PER_PAGE < len(known) else None,
        files=sorted(_public_files(visit)),
    )


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 7 and int(text)):
        raise Http404
    return int(text)


def _told(each: public_register.Published) -> dict[str, Any]:
    return {
        "said": each,
        "first": words.day(date.fromisoformat(each.starts)),
        "last": words.day(date.fromisoformat(each.ends)),
        "sentences": [public_register.sentence(flow) for flow in each.flows],
        "laws": [public_register.law(ground) for ground in each.grounds],
    }


def _public_files(visit: Visit) -> list[str]:
    register = next(each for each in REGISTERS if each.name == "public")
    return list(register.files(visit.broker.standing()))


@page("GET", open_to_all=True)
def download(visit: Visit, file: str) -> HttpResponse:
    """One file of one register, whole; one that is not public is for members."""
    found = maker(visit.broker.standing(), file)
    if found is not None and not found[0].is_public and visit.member is None:
        return redirect("start")
    if found is None:
        raise Http404("No register has a file of this name.")
    content = _content(visit.broker, file, found[1])
    answer = HttpResponse(content, content_type=TYPES[file.rpartition(".")[2]])
    answer["Content-Disposition"] = f'attachment; filename="{file}"'
    answer["X-Content-Type-Options"] = "nosniff"
    return answer


def _content(broker: Broker, file: str, make: Maker) -> bytes:
    key = (broker.standing().facts, london_day(now()), file)
    return _shelf(broker).file(key, lambda: make(_held(broker)))
