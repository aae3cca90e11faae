"""All partners and what they hold, as a grid: what is in date, what ends, what a lapse stops.

Pure: a standing and a time in, a `Grid` out. Whether a credential is held is the broker's own
calculation (`rules.force.credential_state`), asked once for each demand, so that the grid cannot
say something else than what is decided.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple

from commonthread.broker.rules.dates import ends, london_day
from commonthread.broker.rules.force import credential_state
from commonthread.broker.rules.standing import Credential, Partner, Standing, Version
from commonthread.broker.rules.terms import PLATFORM, Demand, Party

from .schemes import SCHEMES, is_higher, level_in_words, scheme_in_words

LAPSED, MISSING, ENDED, LEVEL, ENDING, IN_DATE, NOT_HELD = (
    "lapsed",
    "missing",
    "ended",
    "level",
    "ending",
    "in-date",
    "not-held",
)
# From worst to best; the words of a filter.
STATES = {
    LAPSED: "Lapsed",
    MISSING: "Asked for, not held",
    ENDED: "In date, after a gap that ended an agreement",
    LEVEL: "Another level than asked for",
    ENDING: "Ends within 60 days",
    IN_DATE: "In date",
    NOT_HELD: "Not held",
}
SOON_DAYS = 60
HELD = "held"
WARN, END = "warn", "end"
EFFECTS = {
    "warn": "everybody is warned, and sharing goes on",
    "suspend": "it opens nothing until the credential is renewed",
    "end": "it ends for good, and renewing does not bring it back",
}


class Ask(NamedTuple):
    """What one agreement asks of one partner, whether it has it, and until when.

    `state` and `until` are the broker's. `signed`: all have signed, so a lapse acts by itself.
    `carries`: the agreements that rest on it, however far, and open nothing when it does not.
    A tuple, since a large trust makes a hundred thousand of them for one grid.
    """

    reference: str
    title: str
    level: str
    on_lapse: str
    state: str
    until: datetime
    signed: bool
    carries: tuple[str, ...] = ()

    @property
    def is_held(self) -> bool:
        return self.state == HELD

    @property
    def stops(self) -> bool:
        """Whether it opens nothing now for the want of this credential."""
        return self.signed and not self.is_held and self.on_lapse != WARN

    @property
    def effect(self) -> str:
        return EFFECTS[self.on_lapse]


@dataclass(frozen=True, slots=True)
class Cell:
    """One partner and one scheme: the newest credential, its state, and who asks for it."""

    partner: str
    scheme: str
    state: str
    expires: date | None = None
    days: int = 0
    level: str = ""
    asks: tuple[Ask, ...] = ()

    @property
    def stops(self) -> tuple[Ask, ...]:
        return tuple(ask for ask in self.asks if ask.stops)

    @property
    def stopped(self) -> tuple[str, ...]:
        """What opens nothing now for the want of it: those that ask, and what rests on them."""
        found = {reference for ask in self.stops for reference in (ask.reference, *ask.carries)}
        return tuple(sorted(found))

    @property
    def wanting(self) -> tuple[Ask, ...]:
        """The demands that are not met, warnings among them."""
        return tuple(ask for ask in self.asks if not ask.is_held)

    @property
    def in_words(self) -> str:
        """The state in a few words, such as `Ends in 12 days`."""
        if self.state == ENDING:
            if not self.days:
                return "Ends today"
            return f"Ends in {self.days} day{'' if self.days == 1 else 's'}"
        if self.state == LEVEL:
            asked = self.wanting[0].level
            higher = is_higher(self.scheme, self.level, asked)
            said = f"{level_in_words(self.scheme, asked)} is asked for"
            return f"{said}; a higher level does not count for it" if higher else said
        return STATES[self.state]

    @property
    def tone(self) -> str:
        """How much it matters, for a colour: `stop`, `act`, `soon`, `good` or `none`."""
        if self.stops or self.state in (LAPSED, MISSING, ENDED):
            return "stop"
        if self.state == LEVEL:
            return "act"
        return {ENDING: "soon", IN_DATE: "good"}.get(self.state, "none")

    @property
    def weight(self) -> tuple[int, int, int]:
        """Sorts worst first: what stops most, then by state, then by days left."""
        return -len(self.stops), [*STATES].index(self.state), self.days


@dataclass(frozen=True, slots=True)
class Row:
    partner: Partner
    cells: tuple[Cell, ...]

    @property
    def worst(self) -> Cell:
        nothing = Cell(self.partner.id, "", NOT_HELD)
        return min(self.cells, key=lambda cell: cell.weight, default=nothing)

    @property
    def stops(self) -> tuple[str, ...]:
        """The agreements that open nothing now for want of something that this partner lacks."""
        return tuple(sorted({reference for cell in self.cells for reference in cell.stopped}))


@dataclass(frozen=True, slots=True)
class Grid:
    """Partners × schemes, partners worst first."""

    schemes: tuple[str, ...]
    rows: tuple[Row, ...]
    at: datetime

    def only(self, state: str) -> Grid:
        """The partners that have a cell of this state; all of them without one."""
        if state not in STATES:
            return self
        kept = [row for row in self.rows if any(cell.state == state for cell in row.cells)]
        return Grid(self.schemes, tuple(kept), self.at)

    def counts(self) -> dict[str, int]:
        """State → how many partners have a cell of it."""
        return {
            state: sum(any(cell.state == state for cell in row.cells) for row in self.rows)
            for state in STATES
        }

    def row(self, partner: str) -> Row | None:
        return next((row for row in self.rows if row.partner.id == partner), None)


def grid(standing: Standing, at: datetime) -> Grid:
    """Every partner but the platform, which is vouched for by its service key."""
    asks = _Asks(standing, at)
    partners = [one for one in standing.partners.values() if one.id != PLATFORM]
    schemes = _schemes(partners, (scheme for _, scheme in asks.found))
    today = london_day(at)
    rows = [
        Row(one, tuple(_cell(one, scheme, asks.of(one.id, scheme), today) for scheme in schemes))
        for one in partners
    ]
    rows.sort(key=lambda row: (row.worst.weight, row.partner.name))
    return Grid(schemes, tuple(rows), at)


def _schemes(partners: Iterable[Partner], asked: Iterable[str]) -> tuple[str, ...]:
    """The known ones that anybody holds or asks for, in their order; then the partners' own."""
    used = {held.scheme for partner in partners for held in partner.credentials} | set(asked)
    own = sorted(used - set(SCHEMES), key=scheme_in_words)
    return (*(scheme for scheme in SCHEMES if scheme in used), *own)


@dataclass(slots=True)
class _Asks:
    """Who is asked for what, over all agreements that still have a future."""

    standing: Standing
    at: datetime
    found: dict[tuple[str, str], list[Ask]] = field(default_factory=dict)
    _resting: dict[str, list[str]] = field(default_factory=dict)
    _states: dict[tuple[str, str, str], tuple[str, datetime]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        today = london_day(self.at)
        known = [self.standing.governing(reference) for reference in self.standing.agreements]
        lasting = [one for one in known if one is not None and today <= one.terms.ends]
        for version in lasting:
            for below in version.terms.rests_on:
                self._resting.setdefault(below, []).append(version.terms.reference)
        for version in lasting:
            self._take(version)

    def of(self, partner: str, scheme: str) -> tuple[Ask, ...]:
        return tuple(self.found.get((partner, scheme), ()))

    def _take(self, version: Version) -> None:
        carries = self._carries(version.terms.reference)
        for party in asked_parties(version):
            for demand in version.terms.demands:
                ask = self._ask(version, party.partner, demand, carries)
                self.found.setdefault((party.partner, demand.scheme), []).append(ask)

    def _carries(self, reference: str) -> tuple[str, ...]:
        found: set[str] = set()
        waiting = list(self._resting.get(reference, ()))
        while waiting:
            above = waiting.pop()
            if above not in found:
                found.add(above)
                waiting += self._resting.get(above, ())
        return tuple(sorted(found - {reference}))

    def _ask(self, version: Version, partner: str, demand: Demand, carries: tuple[str, ...]) -> Ask:
        state, until = self._state(version, partner, demand)
        return Ask(
            version.terms.reference,
            version.terms.title,
            demand.level,
            demand.on_lapse,
            state,
            until,
            version.completed is not None,
            carries,
        )

    def _state(self, version: Version, partner: str, demand: Demand) -> tuple[str, datetime]:
        # Whether a gap has ended an agreement hangs on its own history; all else is the same
        # for every agreement that asks for it.
        if demand.on_lapse == END:
            return credential_state(demand, partner, version, self.standing, self.at)
        key = (partner, demand.scheme, demand.level)
        if key not in self._states:
            self._states[key] = credential_state(demand, partner, version, self.standing, self.at)
        return self._states[key]


def asked_parties(version: Version) -> Iterator[Party]:
    """The parties of whom the terms ask credentials: those who control, and have not withdrawn."""
    for party in version.terms.parties:
        if party.role != "processor" and party.partner not in version.withdrawals:
            yield party


def newest(partner: Partner, scheme: str, level: str = "") -> Credential | None:
    """The credential of a scheme, or of one level of it, that lasts longest.

    A renewal stands before what it renews.
    """
    held = [one for one in partner.credentials if one.scheme == scheme and level in ("", one.level)]
    return max(held, key=lambda one: (one.expires, one.recorded)) if held else None


def _cell(partner: Partner, scheme: str, asks: tuple[Ask, ...], today: date) -> Cell:
    last = newest(partner, scheme)
    if last is None:
        return Cell(partner.id, scheme, MISSING if asks else NOT_HELD, asks=asks)
    days = _days_left(last, asks, today)
    return Cell(partner.id, scheme, _state(last, asks, today), last.expires, days, last.level, asks)


def _days_left(last: Credential, asks: tuple[Ask, ...], today: date) -> int:
    """Until the first of them lapses: an agreement may rest on one that ends before the last."""
    lapse = min([ends(last.expires), *(ask.until for ask in asks if ask.is_held)])
    return max((london_day(lapse) - today).days - 1, 0)


def _state(last: Credential, asks: tuple[Ask, ...], today: date) -> str:
    if last.expires < today:
        return LAPSED
    if any(not ask.is_held and ask.level not in ("", last.level) for ask in asks):
        return LEVEL
    if any(not ask.is_held for ask in asks):
        return ENDED
    return ENDING if _days_left(last, asks, today) <= SOON_DAYS else IN_DATE


def lapses(row: Row) -> Mapping[str, tuple[Ask, ...]]:
    """Scheme → what each lapse of it does, the first to act first; schemes nobody asks for not."""
    return {
        cell.scheme: tuple(sorted(cell.asks, key=lambda ask: (ask.until, ask.reference)))
        for cell in row.cells
        if cell.asks
    }
