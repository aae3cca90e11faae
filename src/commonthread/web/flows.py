"""Who gives what to whom across the county: a drawing of partners, and a table of every flow.

The drawing adds up: one curve for each giver and taker. The table names every grant, and where few
are left by a filter they are drawn one by one as on an agreement's own page.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.http import HttpResponse

from commonthread.broker.rules.terms import MODES, Grant
from commonthread.gateway import words
from commonthread.web.flow import Line, draw_flow
from commonthread.web.pages import PLATFORM, Visit, page, partner_names
from commonthread.web.streams import MOST_PARTNERS, Stream, draw_streams

if TYPE_CHECKING:
    from commonthread.broker.access import AgreementStatus

PER_PAGE = 50
# As many grants are drawn one by one; beyond, the drawing of partners is what can be read.
MOST_DRAWN = 8
LONGEST = 200
STATES = (("", "In force"), ("all", "In force or not"))


@dataclass(frozen=True, slots=True)
class Given:
    """One grant to one partner: who gives which dataset to whom, how, under which agreement."""

    giver: str
    taker: str
    grant: Grant
    reference: str
    in_force: bool
    text: str


@dataclass
class Kept:
    """The flows of the statuses last seen; safe between threads."""

    _of: Sequence[AgreementStatus] = ()
    _flows: tuple[Given, ...] = ()
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def flows(
        self, statuses: Sequence[AgreementStatus], names: Mapping[str, str]
    ) -> tuple[Given, ...]:
        with self._lock:
            if statuses is not self._of:
                self._flows = tuple(_flows(statuses, names))
                self._of = statuses
            return self._flows


KEPT = Kept()


def _flows(statuses: Iterable[AgreementStatus], names: Mapping[str, str]) -> Iterable[Given]:
    for status in statuses:
        for grant in status.terms.grants if status.terms else ():
            if grant.owner in status.withdrawn:
                continue
            for taker in sorted({group.split("/")[0] for group in grant.recipients}):
                if taker in status.withdrawn:
                    continue
                said = [grant.owner, taker, *(names.get(who, who) for who in (grant.owner, taker))]
                text = "\n".join(said).casefold()
                yield Given(grant.owner, taker, grant, status.reference, status.in_force, text)


@dataclass(frozen=True, slots=True)
class Wanted:
    """The filter of the table and the drawing, as an address has it."""

    partner: str = ""
    dataset: str = ""
    mode: str = ""
    agreement: str = ""
    state: str = ""

    def query(self, page: int = 1) -> str:
        parts: dict[str, Any] = {
            name: getattr(self, name) for name in self.__slots__ if getattr(self, name)
        }
        return urlencode(parts | ({"page": page} if page > 1 else {}))

    def select(self, flows: Iterable[Given]) -> list[Given]:
        """The flows that the filter keeps; what is empty is not looked at."""
        partner, dataset = self.partner.casefold(), self.dataset.casefold()
        agreement, every = self.agreement.upper(), self.state == "all"
        return [
            given
            for given in flows
            if (given.in_force or every)
            and (not partner or partner in given.text)
            and (not dataset or dataset in given.grant.dataset)
            and (not self.mode or self.mode == given.grant.mode)
            and (not agreement or agreement in given.reference)
        ]


def read(sent: Mapping[str, Any]) -> Wanted:
    said = {name: str(sent.get(name, "")).strip()[:LONGEST] for name in Wanted.__slots__}
    if said["mode"] not in MODES:
        said["mode"] = ""
    if said["state"] != "all":
        said["state"] = ""
    return Wanted(**said)


@page("GET")
def county(visit: Visit) -> HttpResponse:
    names = {**partner_names(visit.broker), PLATFORM: "The platform"}
    wanted = read(visit.request.GET)
    found = wanted.select(KEPT.flows(visit.broker.agreements(), names))
    number, pages = _page(str(visit.request.GET.get("page", "1")), len(found))
    shown = found[(number - 1) * PER_PAGE : number * PER_PAGE]
    return visit.show(
        "web/flows.html",
        nav="agreements",
        wanted=wanted,
        rows=[_row(given, names) for given in shown],
        total=len(found),
        first=(number - 1) * PER_PAGE + 1,
        last=(number - 1) * PER_PAGE + len(shown),
        shown={"page": number, "pages": pages},
        before=wanted.query(number - 1) if number > 1 else None,
        after=wanted.query(number + 1) if number < pages else None,
        drawing=draw_streams(streams(found), names, "Who gives to whom"),
        one_by_one=_one_by_one(visit, found, names),
        modes=[(mode, words.MODES[mode]) for mode in MODES],
        states=STATES,
    )


def _page(said: str, total: int) -> tuple[int, int]:
    pages = max(-(-total // PER_PAGE), 1)
    number = int(said) if said.isascii() and said.isdecimal() and len(said) < 7 else 1
    return min(max(number, 1), pages), pages


def streams(found: Sequence[Given]) -> list[Stream]:
    """One for each giver and taker, with how many grants and whether any of them is in force.

    None where there are too many partners for a drawing.
    """
    sides = ({given.giver for given in found}, {given.taker for given in found})
    if max(map(len, sides)) > MOST_PARTNERS:
        return []
    counted: dict[tuple[str, str], list[Given]] = {}
    for given in found:
        counted.setdefault((given.giver, given.taker), []).append(given)
    return [
        Stream(giver, taker, len(all_), any(given.in_force for given in all_))
        for (giver, taker), all_ in sorted(counted.items())
    ]


def _row(given: Given, names: Mapping[str, str]) -> dict[str, Any]:
    return {
        "given": given,
        "giver": names.get(given.giver, given.giver),
        "taker": names.get(given.taker, given.taker),
        "dataset_id": given.grant.dataset.partition("/")[2],
        "mode": words.MODES.get(given.grant.mode, given.grant.mode),
    }


def _one_by_one(visit: Visit, found: Sequence[Given], names: Mapping[str, str]) -> str:
    """Few grants are drawn whole, with the groups they are for."""
    if len(found) > MOST_DRAWN * MOST_PARTNERS:
        return ""
    grants = {(given.reference, given.grant.id): given for given in found}
    if not 0 < len(grants) <= MOST_DRAWN:
        return ""
    contracts = visit.broker.standing().contracts
    named = {given.grant.dataset for given in grants.values()} & contracts.keys()
    titles = {name: contracts[name].title for name in named}
    lines = [Line(given.grant, given.in_force, given.reference) for given in grants.values()]
    return draw_flow(lines, titles, names, "The grants one by one")
