"""The grid of all partners and what they hold. Kept of one home: the grid of these facts today."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from django.http import Http404, HttpResponse

from commonthread.broker.access.leases import now
from commonthread.broker.rules.dates import london_day
from commonthread.gateway.assurance.grid import STATES, Cell, Grid, grid
from commonthread.gateway.assurance.schemes import SCHEMES, level_in_words, scheme_in_words
from commonthread.gateway.models import CredentialCheck
from commonthread.web.pages import Visit, page

if TYPE_CHECKING:
    from commonthread.broker.access import Broker

PER_PAGE = 50
# (class of the tag, mark): a colour is never the only way to tell them apart.
TONES = {
    "stop": ("govuk-tag--red", "✕"),
    "act": ("govuk-tag--orange", "▲"),
    "soon": ("govuk-tag--yellow", "◔"),
    "good": ("govuk-tag--green", "✓"),
    "none": ("govuk-tag--grey", "–"),
}


@dataclass(slots=True)
class Shelf:
    """The grid as it was made of these partners and agreements on this day, whoever asks."""

    key: tuple[object, ...] | None = None
    grid: Grid | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


_SHELVES: WeakKeyDictionary[Any, Shelf] = WeakKeyDictionary()


def grid_of(broker: Broker) -> Grid:
    """Every boundary of a credential is a midnight in London, so one grid holds for a day."""
    at, standing = now(), broker.standing()
    shelf = _SHELVES.setdefault(broker.ledger, Shelf())
    with shelf.lock:
        # Facts of other kinds, such as deposits, leave the same partners and agreements.
        held = tuple(standing.partners.values()), tuple(standing.agreements.values())
        key = (london_day(at), *held)
        if shelf.grid is None or shelf.key != key:
            shelf.key, shelf.grid = key, grid(standing, at)
        return shelf.grid


Looked = Mapping[tuple[str, str, date | None], date]


def looked_at(partners: Iterable[str]) -> Looked:
    """(partner, scheme, last day) of a credential → the day on which somebody last checked it."""
    rows = CredentialCheck.objects.filter(partner__in=list(partners)).order_by("checked_on")
    return {(one.partner, one.scheme, one.expires): one.checked_on for one in rows}


def shown(cell: Cell, looked: Looked | None = None) -> dict[str, Any]:
    """One cell as the pages show it: colour, mark, words, what it stops, when it was checked."""
    tag, mark = TONES[cell.tone]
    known = SCHEMES.get(cell.scheme)
    return {
        "cell": cell,
        "scheme": scheme_in_words(cell.scheme),
        "title": known.title if known else "",
        "lasts": known.lasts if known else "",
        "level": level_in_words(cell.scheme, cell.level) if cell.level else "",
        "tag": tag,
        "mark": mark,
        "stops": cell.stopped,
        "checked": (looked or {}).get((cell.partner, cell.scheme, cell.expires)),
    }


@page("GET")
def assurance(visit: Visit) -> HttpResponse:
    """Worst first, so many on a page: no page grows with the trust."""
    whole = grid_of(visit.broker)
    state = str(visit.request.GET.get("state", ""))
    chosen = whole.only(state)
    number = _number(str(visit.request.GET.get("page", "1")))
    first = (number - 1) * PER_PAGE
    rows = chosen.rows[first : first + PER_PAGE]
    if number > 1 and not rows:
        raise Http404
    counts, looked = whole.counts(), looked_at(row.partner.id for row in rows)
    return visit.show(
        "web/assurance/grid.html",
        nav="assurance",
        schemes=[(one, scheme_in_words(one)) for one in chosen.schemes],
        rows=[(row, [shown(cell, looked) for cell in row.cells]) for row in rows],
        state=state if state in STATES else "",
        states=[(one, words, counts[one]) for one, words in STATES.items() if counts[one]],
        total=len(chosen.rows),
        first=first + 1,
        last=first + len(rows),
        before=number - 1 if number > 1 else None,
        after=number + 1 if first + PER_PAGE < len(chosen.rows) else None,
        stopped=sorted({reference for row in whole.rows for reference in row.stops}),
        all=len(whole.rows),
    )


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 7 and int(text)):
        raise Http404
    return int(text)
