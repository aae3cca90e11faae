"""The list of agreements: searched, filtered, sorted, cut into pages. Pure, over the statuses.

What a row is searched by is made once for each status and kept while the status holds, so that ten
thousand agreements are gone through in milliseconds.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

if TYPE_CHECKING:
    from commonthread.broker.access import AgreementStatus

PER_PAGE = 20
LONGEST = 200
IN_FORCE, CLOSED, WAITING, MINE = "in-force", "not-in-force", "waiting", "mine"
STATES = (
    (IN_FORCE, "In force"),
    (CLOSED, "Not in force"),
    (WAITING, "Waits for signatures"),
    (MINE, "Waits for my partner"),
)
WITHIN = (("30", "30 days"), ("90", "90 days"), ("180", "6 months"), ("365", "a year"))
SORTS = (
    ("", "In force first"),
    ("reference", "Reference"),
    ("title", "Title"),
    ("ends", "Ends soonest"),
    ("-ends", "Ends latest"),
)
NAMES = ("q", "state", "partner", "dataset", "purpose", "within", "sort")
LAST = date.max


@dataclass(frozen=True, slots=True)
class Filters:
    """What is looked for; empty says nothing. `page` counts from 1."""

    q: str = ""
    state: str = ""
    partner: str = ""
    dataset: str = ""
    purpose: str = ""
    within: str = ""
    sort: str = ""
    page: int = 1

    def query(self, **changes: Any) -> str:
        """As an address has it: without what is empty; the page only when it is not the first."""
        wanted = replace(self, **changes)
        parts = {name: getattr(wanted, name) for name in NAMES if getattr(wanted, name)}
        if wanted.page > 1:
            parts["page"] = wanted.page
        return urlencode(parts)

    @property
    def are_set(self) -> bool:
        return any(getattr(self, name) for name in NAMES if name != "sort")


def read(sent: Mapping[str, Any]) -> Filters:
    """From an address; what is not known there is no filter."""
    said = {name: str(sent.get(name, "")).strip()[:LONGEST] for name in NAMES}
    for name, known in (("state", STATES), ("within", WITHIN), ("sort", SORTS)):
        if said[name] not in {value for value, _ in known}:
            said[name] = ""
    page = str(sent.get("page", "1"))
    number = int(page) if page.isascii() and page.isdecimal() and len(page) < 7 else 1
    return Filters(**said, page=max(number, 1))


@dataclass(frozen=True, slots=True)
class Row:
    """One agreement or charter, with what it is searched by, in small letters."""

    status: AgreementStatus
    everything: str
    partners: str
    datasets: str
    purposes: str
    ends: date


def row(status: AgreementStatus, names: Mapping[str, str]) -> Row:
    terms, charter = status.terms, status.charter
    partners = [f"{who} {names.get(who, who)}" for who, _, _ in status.parties]
    datasets = sorted({grant.dataset for grant in terms.grants}) if terms else []
    purposes = [f"{one.id} {one.text}" for one in terms.purposes] if terms else []
    groups = (
        sorted({group for grant in terms.grants for group in grant.recipients}) if terms else []
    )
    # Every partner is in the charter: it is not what somebody means who looks for a partner.
    partners = [] if status.kind == "charter" else partners
    said = [status.reference, status.title, *partners, *datasets, *purposes, *groups]
    dates = terms or charter
    return Row(
        status,
        _text(said),
        _text(partners),
        _text(datasets),
        _text(purposes),
        dates.ends if dates else LAST,
    )


def _text(parts: Iterable[str]) -> str:
    return "\n".join(parts).casefold()


@dataclass
class Index:
    """The rows of the statuses last seen, in each order once asked for; safe between threads."""

    _of: Sequence[AgreementStatus] = ()
    _rows: dict[str, Row] = field(default_factory=dict)
    _sorted: dict[str, tuple[Row, ...]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def rows(
        self, statuses: Sequence[AgreementStatus], names: Mapping[str, str], sort: str
    ) -> tuple[Row, ...]:
        with self._lock:
            if statuses is not self._of:
                self._look(statuses, names)
            if sort not in self._sorted:
                key, backwards = ORDERS[sort]
                self._sorted[sort] = tuple(sorted(self._rows.values(), key=key, reverse=backwards))
            return self._sorted[sort]

    def _look(self, statuses: Sequence[AgreementStatus], names: Mapping[str, str]) -> None:
        old = self._rows
        self._rows = {}
        for status in statuses:
            known = old.get(status.reference)
            same = known is not None and known.status is status
            self._rows[status.reference] = known if known and same else row(status, names)
        self._of, self._sorted = statuses, {}


def _as_it_stands(one: Row) -> tuple[bool, bool, str]:
    return one.status.kind != "charter", not one.status.in_force, one.status.reference


ORDERS: dict[str, tuple[Callable[[Row], Any], bool]] = {
    "": (_as_it_stands, False),
    "reference": (lambda one: one.status.reference, False),
    "title": (lambda one: (one.status.title.casefold(), one.status.reference), False),
    "ends": (lambda one: (one.ends, one.status.reference), False),
    "-ends": (lambda one: (one.ends, one.status.reference), True),
}


def select(rows: Iterable[Row], wanted: Filters, partner: str, today: date) -> list[Row]:
    """The rows that a filter keeps, in their order. `partner`: of whoever asks."""
    tests = [test for test in _tests(wanted, partner, today) if test is not None]
    return [one for one in rows if all(test(one) for test in tests)]


Test = Callable[[Row], bool]


def _tests(wanted: Filters, partner: str, today: date) -> Iterable[Test | None]:
    words = wanted.q.casefold().split()
    yield (lambda one: all(word in one.everything for word in words)) if words else None
    yield _state(wanted.state, partner)
    for name in ("partner", "dataset", "purpose"):
        yield _within(f"{name}s", getattr(wanted, name).casefold())
    if wanted.within:
        last = today + timedelta(days=int(wanted.within))
        yield lambda one: today <= one.ends <= last


def _within(field_: str, said: str) -> Test | None:
    return (lambda one: said in getattr(one, field_)) if said else None


def _state(state: str, partner: str) -> Test | None:
    match state:
        case "in-force":
            return lambda one: one.status.in_force
        case "not-in-force":
            return lambda one: not one.status.in_force
        case "waiting":
            return lambda one: bool((one.status.draft or one.status).unsigned)
        case "mine":
            return lambda one: partner in (one.status.draft or one.status).unsigned
    return None


@dataclass(frozen=True, slots=True)
class Shown:
    """One page of what was found."""

    rows: tuple[Row, ...]
    page: int
    pages: int
    total: int

    @property
    def first(self) -> int:
        return (self.page - 1) * PER_PAGE + 1

    @property
    def last(self) -> int:
        return self.first + len(self.rows) - 1


def cut(found: Sequence[Row], page: int) -> Shown:
    """The page asked for, or the last there is."""
    pages = max(-(-len(found) // PER_PAGE), 1)
    number = min(page, pages)
    first = (number - 1) * PER_PAGE
    return Shown(tuple(found[first : first + PER_PAGE]), number, pages, len(found))


FIELDS = (
    "reference",
    "title",
    "kind",
    "version",
    "state",
    "starts",
    "ends",
    "review",
    "signed",
    "waits_for",
    "parties",
    "datasets",
    "purposes",
    "why_not_in_force",
    "digest",
)


def record(one: Row) -> dict[str, Any]:
    """One row as plain values, for a file."""
    status, dates = one.status, one.status.terms or one.status.charter
    waiting = status.draft or status
    signed = sum(1 for _, has_signed, _ in waiting.parties if has_signed)
    return {
        "reference": status.reference,
        "title": status.title,
        "kind": status.kind,
        "version": status.version,
        "state": IN_FORCE if status.in_force else CLOSED,
        "starts": dates.starts.isoformat() if dates else "",
        "ends": dates.ends.isoformat() if dates else "",
        "review": dates.review.isoformat() if dates else "",
        "signed": f"{signed} of {len(waiting.parties)}",
        "waits_for": "; ".join(waiting.unsigned),
        "parties": "; ".join(who for who, _, _ in status.parties),
        "datasets": "; ".join(one.datasets.split("\n")) if one.datasets else "",
        "purposes": "; ".join(p.text for p in status.terms.purposes) if status.terms else "",
        "why_not_in_force": "; ".join(reason.message for reason in status.reasons),
        "digest": status.digest,
    }
