"""Health and help, month by month: falls, alarms, attendances, stays, care, benefits, notices.

Effects that are planted on purpose have their sizes in `causes`; plain rates stand here, each an
assumption but for those with a source beside them.
"""

from __future__ import annotations

import numpy as np

from .causes import size
from .life import YEAR
from .settings import NEVER
from .state import State

Array = np.ndarray
MINUTES = 24 * 60
DEVICES = ("pendant", "falls-detector", "bed-sensor", "smoke-link")
BENEFITS = ("housing-benefit", "pip", "attendance-allowance", "pension-credit", "universal-credit")
NEEDS = ("personal-care", "mobility", "memory", "learning", "mental-health")
NOTICES = ("self-neglect", "domestic-abuse", "mental-health", "exploitation", "missing")
RISKS = ("standard", "medium", "high")
REASONS = ("overcrowded", "medical", "homeless", "affordability", "independence")
# NHS England, A&E attendances: about 0.4 a person and year; the rest by age is an assumption.
ATTENDANCE = 0.30
ATTENDANCE_REASONS = ("chest-pain", "injury", "infection", "mental-health", "other")
ATTENDANCE_SHARES = (0.13, 0.36, 0.16, 0.06, 0.29)
FALL_AT_75, BREATHING, SPELL = 0.22, 0.018, 0.16


class Health:
    """What happens to the people of a `State`, who live as `Life` lets them."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.chance = state.settings.generator("health")
        self.held = {
            name: np.zeros(0, bool)
            for name in ("install", "care", "badge", "application", *BENEFITS)
        }
        self.open: dict[str, tuple[Array, Array]] = {}

    def begin(self) -> None:
        """What there was on the first day already, begun in the six years before."""
        self._look(self.state.settings.start - 1, 6 * 365)
        self._services(before=True)

    def month(self, first: int, days: int) -> None:
        self._look(first, days)
        self._falls()
        self._spells()
        self._breathing()
        self._other_attendances()
        self._services(before=False)

    # Where everybody stands

    def _look(self, first: int, days: int) -> None:
        state, at = self.state, self.state.place.addresses
        self.first, self.days, self.part = first, days, days / YEAR
        self.winter = (1 + np.cos(2 * np.pi * ((first % YEAR) - 15) / YEAR)) / 2
        self.who = state.here()
        home = state["address"][self.who]
        self.age = (first - state["born"][self.who]) / YEAR
        self.frail = state["frail"][self.who].astype(float)
        self.alone = (state.occupants()[home] == 1) & (at.beds[home] == 0)
        self.damp = at.damp[home]
        self.private = at.beds[home] == 0
        self.decile = np.asarray([area.decile for area in state.place.areas])[at.area[home]]
        self.deprived = size("deprivation-attendance") ** (5.5 - self.decile)
        for name, held in self.held.items():
            if len(held) < state.count:
                self.held[name] = np.append(held, np.zeros(state.count - len(held), bool))

    def _happens(self, rate: Array) -> Array:
        """Places in `who` to whom something of this yearly rate happens in the month."""
        return np.flatnonzero(self.chance.random(len(rate), np.float32) < rate * self.part)

    def _when(self, number: int) -> Array:
        return self.first + self.chance.integers(0, self.days, number)

    def _pick(
        self, words: tuple[str, ...], number: int, shares: tuple[float, ...] | None = None
    ) -> Array:
        return np.asarray(words, object)[self.chance.choice(len(words), number, p=shares)]

    def _alive(self, persons: Array, days: Array) -> Array:
        end = np.minimum(self.state["died"][persons], self.state["left"][persons])
        return (
            (days < end) & (days >= self.state["born"][persons]) & (days <= self.state.settings.end)
        )

    # Falls and attendances

    def _falls(self) -> None:
        rate = FALL_AT_75 * np.exp(size("age-falls") * (self.age - 75))
        rate = rate * np.exp(size("frailty-falls") * (self.frail - 0.35))
        rate = rate * np.where(self.alone, size("alone-falls"), 1.0) * (0.85 + 0.3 * self.winter)
        found = self._happens(np.where(self.age >= 60, rate, 0.0))
        self._fall(self.who[found], self._when(len(found)), 0.22)

    def _fall(self, persons: Array, days: Array, attends: float) -> None:
        kept = self._alive(persons, days)
        persons, days = persons[kept], days[kept]
        injured = self.chance.random(len(persons)) < 0.35
        self.state.happened("fall", person=persons, day=days, injured=injured)
        wears = self.held["install"][persons]
        raised = wears & (self.chance.random(len(persons)) < 0.75)
        self._alarm(persons[raised], days[raised], "fall")
        taken = self.chance.random(len(persons)) < np.where(injured, 0.3 + attends, 0.4 * attends)
        self._attend(persons[taken], days[taken], "fall", 0.45)

    def _alarm(self, persons: Array, days: Array, kind: str) -> None:
        kept = self._alive(persons, days)
        persons, days = persons[kept], days[kept]
        minute = self.chance.integers(0, MINUTES, len(persons))
        kinds = np.full(len(persons), kind, object)
        self.state.happened("alarm", person=persons, day=days, minute=minute, kind=kinds)

    def _spells(self) -> None:
        """Unsteady weeks: alarms first, then for some a fall and an attendance."""
        rate = SPELL * np.exp(0.05 * (self.age - 80)) * np.exp(2.0 * (self.frail - 0.4))
        found = self._happens(np.where((self.age >= 70) & self.private, rate, 0.0))
        persons, began = self.who[found], self._when(len(found))
        wears = self.held["install"][persons]
        for _ in range(3):
            raised = wears & (self.chance.random(len(persons)) < 0.8)
            days = began + self.chance.integers(0, 20, len(persons))
            kind = "pendant" if self.chance.random() < 0.5 else "inactivity"
            self._alarm(persons[raised], days[raised], kind)
        ends = self.chance.random(len(persons)) < size("spell-alarms")
        days = began + self.chance.integers(12, 30, len(persons))
        self.state.happened("spell", person=persons, day=began, attends=ends)
        fallen, when = persons[ends], days[ends]
        kept = self._alive(fallen, when)
        fallen, when = fallen[kept], when[kept]
        self.state.happened(
            "fall", person=fallen, day=when, injured=self.chance.random(len(fallen)) < 0.5
        )
        self._attend(fallen, when, "fall", 0.5)
        quiet = self.who[self._happens(np.where(self.held["install"][self.who], 1.1, 0.0))]
        self._alarm(quiet, self._when(len(quiet)), "false")

    def _breathing(self) -> None:
        young = np.where(self.age < 5, 3.0, np.where(self.age >= 75, 3.5, 1.0))
        rate = BREATHING * young * np.where(self.damp, size("damp-breathing"), 1.0)
        rate = rate * self.deprived * (0.5 + 1.2 * self.winter)
        found = self._happens(rate)
        self._attend(self.who[found], self._when(len(found)), "breathing", 0.32)

    def _other_attendances(self) -> None:
        by_age = 0.75 + 0.9 * np.exp(-self.age / 4) + np.maximum(self.age - 55, 0) * 0.022
        rate = ATTENDANCE * by_age * self.deprived * np.exp(0.9 * (self.frail - 0.25))
        found = self._happens(rate)
        reasons = self._pick(ATTENDANCE_REASONS, len(found), ATTENDANCE_SHARES)
        self._attend(self.who[found], self._when(len(found)), reasons, 0.2)

    def _attend(self, persons: Array, days: Array, reason: str | Array, admitted: float) -> None:
        kept = self._alive(persons, days)
        persons, days = persons[kept], days[kept]
        reasons = (
            reason[kept]
            if isinstance(reason, np.ndarray)
            else np.full(len(persons), reason, object)
        )
        age = (days - self.state["born"][persons]) / YEAR
        likely = np.clip(admitted * (0.5 + age / 80), 0, 0.9)
        stays = self.chance.random(len(persons)) < likely
        draw = self.chance.random(len(persons))
        ambulance = draw < np.where(age >= 70, 0.6, 0.22)
        mode = np.where(ambulance, "ambulance", np.where(draw > 0.9, "gp", "walk-in")).astype(
            object
        )
        # Arrivals peak about noon and early in the evening.
        minute = (self.chance.normal(14 * 60, 330, len(persons)).astype(int)) % MINUTES
        self.state.happened(
            "attendance",
            person=persons,
            day=days,
            minute=minute,
            reason=reasons,
            mode=mode,
            admitted=stays,
        )
        self._stay(persons[stays], days[stays], reasons[stays])

    def _stay(self, persons: Array, days: Array, reasons: Array) -> None:
        age = (days - self.state["born"][persons]) / YEAR
        length = 1 + self.chance.geometric(1 / (1.5 + np.maximum(age, 0) / 14)) - 1
        words = {"fall": "orthopaedics", "breathing": "respiratory", "chest-pain": "cardiology"}
        specialty = np.asarray(
            [words.get(reason, "general-medicine") for reason in reasons.tolist()], object
        )
        self.state.happened("stay", person=persons, day=days, days=length, specialty=specialty)

    # Help that goes on for a time

    def _services(self, *, before: bool) -> None:
        """Begin what begins in this span, and end what ends; each person has one of a kind."""
        old = np.exp(0.09 * (self.age - 80)) * np.exp(2.0 * (self.frail - 0.4))
        claims = self.state["disabled"][self.who]
        rent = self.state.tenure[self.state["address"][self.who]] >= 3
        poor = np.clip(1.35 - self.decile * 0.11, 0.1, None)
        home = self.private
        self._begin(
            "install",
            np.where(home & (self.age >= 65), 0.05 * old * (1 + 0.6 * self.alone), 0.0),
            before,
            0.12,
        )
        self._begin(
            "care", np.where(self.age >= 18, 0.02 * old + 0.004 * claims, 0.0), before, 0.15
        )
        self._begin(
            "badge",
            0.025 * claims * np.where(self.age >= 60, 1.6, 0.7) * np.exp(self.frail),
            before,
            0.08,
        )
        self._begin(
            "housing-benefit", np.where(rent & (self.age >= 60), 0.12 * poor, 0.0), before, 0.1
        )
        self._begin(
            "pip",
            np.where(claims & (self.age >= 16) & (self.age < 66), 0.055 * poor, 0.0),
            before,
            0.08,
        )
        self._begin(
            "attendance-allowance", np.where(claims & (self.age >= 66), 0.07, 0.0), before, 0.06
        )
        self._begin("pension-credit", np.where(self.age >= 66, 0.025 * poor, 0.0), before, 0.04)
        self._begin(
            "universal-credit",
            np.where((self.age >= 18) & (self.age < 66), 0.035 * poor * (1 + rent), 0.0),
            before,
            0.3,
        )
        self._begin(
            "application", np.where(rent & (self.age >= 18) & home, 0.035 * poor, 0.0), before, 0.65
        )
        if not before:
            self._visits()
            self._notices()

    def _begin(self, kind: str, rate: Array, before: bool, ends: float) -> None:
        held = self.held[kind]
        found = self._happens(np.where(held[self.who], 0.0, rate))
        persons = self.who[found]
        since = self._when(len(persons))
        if before:
            since = self.state.settings.start - 1 - self.chance.integers(0, self.days, len(persons))
            since = np.maximum(since, self.state["born"][persons])
        lasts = np.ceil(self.chance.exponential(YEAR / ends, len(persons))).astype(np.int64)
        if before:
            # Only what still goes on is known here.
            lasts += np.maximum(self.state.settings.start - since, 0)
        until = np.where(since + lasts > self.state.settings.end, NEVER, since + lasts)
        self._tell(kind, persons, since, until)
        held[persons] = True
        self.open.setdefault(kind, (np.empty(0, np.int64), np.empty(0, np.int64)))
        who, when = (
            np.concatenate(pair) for pair in zip(self.open[kind], (persons, until), strict=True)
        )
        over = when < self.first + self.days
        held[who[over]] = False
        self.open[kind] = (who[~over], when[~over])

    def _tell(self, kind: str, persons: Array, since: Array, until: Array) -> None:
        number, tell = len(persons), self.state.happened
        if kind == "install":
            tell(
                kind,
                person=persons,
                day=since,
                removed=until,
                device=self._pick(DEVICES, number, (0.55, 0.25, 0.08, 0.12)),
            )
        elif kind == "care":
            hours = self.chance.integers(2, 36, number)
            tell(
                kind,
                person=persons,
                since=since,
                until=until,
                need=self._pick(NEEDS, number, (0.45, 0.25, 0.15, 0.07, 0.08)),
                hours=hours,
            )
        elif kind == "badge":
            tell(
                kind, person=persons, since=since, until=np.minimum(until, since + round(3 * YEAR))
            )
        elif kind == "application":
            rooms = self.chance.choice(4, number, p=(0.45, 0.35, 0.16, 0.04)) + 1
            band = self._pick(("A", "B", "C", "D"), number, (0.08, 0.27, 0.4, 0.25))
            tell(
                kind,
                person=persons,
                day=since,
                closed=until,
                band=band,
                bedrooms=rooms,
                reason=self._pick(REASONS, number),
            )
        else:
            tell(
                "benefit",
                person=persons,
                kind=np.full(number, kind, object),
                since=since,
                until=until,
            )

    def _visits(self) -> None:
        """Home fire safety visits go where the risk is seen: age, living alone, frailty."""
        rate = (
            0.012
            * np.exp(0.03 * np.maximum(self.age - 60, 0))
            * (1 + self.alone)
            * np.exp(self.frail)
        )
        found = self._happens(np.where((self.age >= 18) & self.private, rate, 0.0))
        persons, days = self.who[found], self._when(len(found))
        kept = self._alive(persons, days)
        persons, days = persons[kept], days[kept]
        self.state.happened(
            "fire-visit",
            address=self.state["address"][persons],
            person=persons,
            day=days,
            alarms=self.chance.integers(0, 4, len(persons)),
            risk=self._pick(RISKS, len(persons), (0.55, 0.33, 0.12)),
        )

    def _notices(self) -> None:
        found = self._happens(np.where(self.age >= 14, 0.006 * self.deprived, 0.0))
        persons, days = self.who[found], self._when(len(found))
        kept = self._alive(persons, days)
        number = int(kept.sum())
        self.state.happened(
            "notice",
            person=persons[kept],
            day=days[kept],
            kind=self._pick(NOTICES, number, (0.25, 0.3, 0.25, 0.08, 0.12)),
            risk=self._pick(RISKS, number, (0.6, 0.3, 0.1)),
        )
