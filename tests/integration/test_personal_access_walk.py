"""Walks over everything that anybody can do about personal access, with the clock moving on.

A second opinion, in plain Python and without the product's rules, says from the walk alone whether
a grant and its confirmation may happen, and after each step to whom each grant is open. The
broker's own decision has to say the same: access exactly when every step is there, by different
people, in date.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction
from tests import asked_access as steps
from tests.asked_access import (
    AGREEMENT_ENDS,
    ASKER,
    DPIA_REVIEW,
    GRANTER,
    HOME,
    JUDGE,
    MANAGER,
    NEEDS,
    OTHER_ASKER,
    OWNER,
    PEOPLE,
    REFERENCE,
    REVIEWER,
    TRAINER,
    AskedBroker,
    member,
    world,
)

from commonthread.broker.access import UserFacing
from commonthread.gateway.models import AccessRequest
from commonthread.gateway.personal_access import requests

pytestmark = pytest.mark.django_db
LENGTH = 70
ASKERS = (ASKER, OTHER_ASKER)
GROUP = (f"{HOME}/duty-desk",)
NINETY = timedelta(days=90)
OFFICER, GUARDIAN, SIGNATORY, DPO = (
    "governance-officer",
    "caldicott-guardian",
    "signatory",
    "data-protection-officer",
)
# Who may come to have another part in the world: (roles, groups) of each.
NOBODY: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
BECOMES = {
    ASKER: (NOBODY, ((), GROUP), ((), GROUP), ((SIGNATORY,), ())),
    OTHER_ASKER: (NOBODY, ((), GROUP)),
    MANAGER: (NOBODY, ((SIGNATORY,), ()), ((GUARDIAN,), ())),
    JUDGE: (((OFFICER,), ()), ((SIGNATORY,), ()), ((DPO,), ())),
    "c.holt": (NOBODY, ((GUARDIAN,), ())),
    "k.vane": (((SIGNATORY,), ()), ((OFFICER,), ())),
}


def after(day: date) -> datetime:
    """The first instant in London that is no longer the day."""
    return datetime.combine(day + timedelta(days=1), time(), ZoneInfo("Europe/London"))


@dataclass
class Told:
    """One thing that was let happen in a request: what, who, when, and the day it holds until."""

    what: str
    who: str
    at: datetime
    until: date | None = None
    version: int = 0


@dataclass
class Asked:
    """One request as the second opinion knows it."""

    row: AccessRequest
    who: str
    grant: str
    until: date
    at: datetime
    log: list[Told] = field(default_factory=list)
    closed: bool = False
    allowed: datetime | None = None
    opened: datetime | None = None

    def last(self, what: str) -> Told | None:
        return next((each for each in reversed(self.log) if each.what == what), None)

    def taken(self) -> set[tuple[str, str]]:
        kinds = ("approve", "train", "judge", "grant", "review")
        return {(each.who, each.what) for each in self.log if each.what in kinds} | {
            (self.who, "ask")
        }


@dataclass
class Walk:
    """One walk, and the second opinion on it."""

    chance: random.Random
    broker: AskedBroker
    mischief: float
    requests: list[Asked] = field(default_factory=list)
    parts: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = field(default_factory=dict)
    version: int = 1
    assessed: bool = True
    suspended: bool = False

    def __post_init__(self) -> None:
        self.parts = {id_: (roles, groups) for id_, (_, roles, groups) in PEOPLE.items()}

    @property
    def at(self) -> datetime:
        return self.broker.at

    def is_a(self, who: str, partner: str, *roles: str) -> bool:
        return PEOPLE[who][0] == partner and bool(set(roles) & set(self.parts[who][0]))

    # The second opinion.

    def governs(self) -> bool:
        last = min(AGREEMENT_ENDS, DPIA_REVIEW) if self.assessed else AGREEMENT_ENDS
        return not self.suspended and self.at < after(last)

    def complete(self, one: Asked) -> bool:
        """Every step there, by different people who still are who they were, and in date."""
        approved, trained, judged = (one.last(each) for each in ("approve", "train", "judge"))
        return (
            approved is not None
            and trained is not None
            and judged is not None
            and self.assessed
            and self.governs()
            and self.parts[one.who][1] == GROUP
            and self.at < after(one.until)
            and approved.who == MANAGER
            and self.at - approved.at < NINETY
            and self.is_a(trained.who, HOME, SIGNATORY, GUARDIAN)
            and self.at < after(trained.until or date.min)
            and self.is_a(judged.who, OWNER, OFFICER, GUARDIAN)
            and self.at - judged.at < NINETY
            and judged.version == self.version
            and len({who for who, _ in one.taken()}) == len(one.taken())
        )

    def ends(self, one: Asked) -> datetime:
        trained = one.last("train")
        assert trained is not None
        assert trained.until is not None
        return after(min(one.until, trained.until, DPIA_REVIEW, AGREEMENT_ENDS))

    def may_grant(self, one: Asked, who: str) -> bool:
        return (
            not one.closed
            and one.opened is None
            and self.is_a(who, OWNER, SIGNATORY)
            and all(what == "grant" for whom, what in one.taken() if whom == who)
            and self.complete(one)
        )

    def may_confirm(self, one: Asked, who: str) -> bool:
        trained = one.last("train")
        return (
            not one.closed
            and one.opened is None
            and one.allowed is not None
            and trained is not None
            and trained.who == who
            and all(what == "train" for whom, what in one.taken() if whom == who)
            and self.complete(one)
            and one.allowed == self.ends(one)
        )

    def is_open(self, who: str, grant: str) -> bool:
        if not self.governs() or self.parts[who][1] != GROUP or "activation" in NEEDS[grant]:
            return False
        return not NEEDS[grant] or any(
            one.opened is not None and self.at < one.opened
            for one in self.requests
            if (one.who, one.grant) == (who, grant)
        )

    # What somebody may try. Each says what is to be remembered of it.

    def approve(self, one: Asked, who: str) -> Told:
        steps.approve(self.broker, one.row, who)
        return Told("approve", who, self.at)

    def train(self, one: Asked, who: str) -> Told:
        until = self.at.date() + timedelta(days=self.chance.choice((5, 60, 200, 400)))
        steps.train(self.broker, one.row, who, until)
        one.allowed = None
        return Told("train", who, self.at, until)

    def judge(self, one: Asked, who: str) -> Told:
        steps.judge(self.broker, one.row, who)
        assert one.last("approve")
        one.allowed = None
        return Told("judge", who, self.at, version=self.version)

    def grant(self, one: Asked, who: str) -> Told:
        may, at = self.may_grant(one, who), self.at
        happened = self._tried(steps.grant, one, who)
        assert happened == may, ("grant", who, one)
        if not happened:
            raise UserFacing("not granted")
        one.allowed = self.ends(one)
        before = {(other.who, other.grant, other.opened) for other in self.requests}
        known = (one.who, one.grant, one.allowed) in before
        if "training" not in NEEDS[one.grant] or known:
            one.opened = one.allowed
        return Told("grant", who, at)

    def confirm(self, one: Asked, who: str) -> Told:
        may, at = self.may_confirm(one, who), self.at
        happened = self._tried(steps.confirm, one, who)
        assert happened == may, ("confirm", who, one)
        if not happened:
            raise UserFacing("not confirmed")
        one.opened = one.allowed
        return Told("confirm", who, at)

    def _tried(self, what: Callable[..., Any], one: Asked, who: str) -> bool:
        try:
            what(self.broker, one.row, who)
        except UserFacing:
            return False
        return True

    def refuse(self, one: Asked, who: str) -> Told:
        by, standing = member(self.broker, who), self.broker.standing()
        requests.refuse(one.row.id, "No.", standing, by=by, at=self.at)
        one.closed = True
        return Told("refuse", who, self.at)

    def withdraw(self, one: Asked, who: str) -> Told:
        by, standing = member(self.broker, who), self.broker.standing()
        requests.withdraw(one.row.id, standing, by=by, at=self.at)
        one.closed = True
        return Told("withdraw", who, self.at)

    def review(self, one: Asked, who: str) -> Told:
        steps.review(self.broker, one.row, who)
        assert one.opened is not None
        return Told("review", who, self.at)

    # The world moves on.

    def ask(self) -> None:
        who = self.chance.choice(ASKERS)
        grant = self.chance.choice(("both", "both", "trained", "approved", "declared", "incident"))
        until = self.at.date() + timedelta(days=self.chance.choice((10, 100, 300, 366)))
        row = steps.asked(self.broker, grant, until, who)
        assert "incident" not in grant
        assert self.parts[who][1] == GROUP
        self.requests.append(Asked(row, who, grant, until, self.at))

    def wait(self) -> None:
        days = self.chance.choice((0, 1, 7, 30, 91))
        self.broker.county.at += timedelta(days=days, hours=1)

    def change_part(self) -> None:
        who = self.chance.choice(tuple(BECOMES))
        roles, groups = self.chance.choice(BECOMES[who])
        self.broker.county.add_member(who, PEOPLE[who][0], roles=roles, groups=groups)
        self.parts[who] = (roles, groups)

    def suspend(self) -> None:
        act = self.broker.county.resume if self.suspended else self.broker.county.suspend
        act(REFERENCE, HOME)
        self.suspended = not self.suspended

    def new_version(self) -> None:
        [dpia] = self.broker.standing().dpias
        self.assessed = self.chance.random() < 0.6
        steps.propose(self.broker.county, dpia if self.assessed else "", self.version + 1)
        self.version, self.suspended = self.version + 1, False

    # One step.

    def step(self) -> Asked | None:
        """One thing tried by somebody; the request that it opened, if it did."""
        closed = [one for one in self.requests if one.opened is None]
        happened = False
        with suppress(UserFacing):
            self._try()
            happened = True
        everybody = [(who, grant) for who in ASKERS for grant in NEEDS]
        for who, grant in everybody if happened else [self.chance.choice(everybody)]:
            assert self.broker.opens(who, grant) == self.is_open(who, grant), (who, grant, self)
        return next((one for one in closed if one.opened is not None), None)

    def _try(self) -> None:
        luck = self.chance.random()
        if luck < self.mischief:
            self.chance.choice(WORLD)(self)
        elif not self.requests or luck > 0.93:
            self.ask()
        else:
            one = self.chance.choice(self.requests[-3:])
            what, who = self._ahead(one) if luck < 0.7 else self._anything(one)
            one.log.append(what(self, one, who))

    def _anything(self, one: Asked) -> tuple[Tried, str]:
        what, whom = self.chance.choice(TRIED)
        if what is Walk.withdraw:
            return what, one.who
        return what, self.chance.choice(list(whom if self.chance.random() < 0.8 else PEOPLE))

    def _ahead(self, one: Asked) -> tuple[Tried, str]:
        """What brings it on, by one whose part it is: else few walks would get there."""
        trained = one.last("train")
        order = ((Walk.approve, MANAGER), (Walk.train, TRAINER), (Walk.judge, JUDGE))
        missing = [each for each in order if not one.last(each[0].__name__)]
        # Now and then too soon, or in another order.
        if missing and self.chance.random() < 0.8:
            return missing[0] if self.chance.random() < 0.7 else missing[-1]
        return (Walk.confirm, trained.who) if one.allowed and trained else (Walk.grant, GRANTER)


Tried = Callable[[Walk, Asked, str], Told]
TRIED: tuple[tuple[Tried, tuple[str, ...]], ...] = (
    *((Walk.approve, (MANAGER,)),) * 3,
    *((Walk.train, (TRAINER, TRAINER, "c.holt", MANAGER)),) * 3,
    *((Walk.judge, (JUDGE, JUDGE, "c.lowe", "k.vane")),) * 4,
    *((Walk.grant, (GRANTER, GRANTER, "k.vane", JUDGE)),) * 5,
    *((Walk.confirm, (TRAINER, TRAINER, "c.holt", MANAGER)),) * 5,
    (Walk.review, (REVIEWER, JUDGE, "c.lowe")),
    (Walk.refuse, (JUDGE, GRANTER, MANAGER)),
    (Walk.withdraw, ASKERS),
)
WORLD: tuple[Callable[[Walk], None], ...] = (
    *(Walk.wait,) * 4,
    *(Walk.change_part,) * 3,
    Walk.suspend,
    Walk.new_version,
)


def test_no_walk_reaches_access_with_a_step_missing(scale: Callable[[int, int], int]) -> None:
    opened: Counter[str] = Counter()
    for seed in range(scale(40, 3_000)):
        with transaction.atomic():
            opened.update(one.grant for one in _walk(random.Random(seed)))
            transaction.set_rollback(True)
    # Walks that never get there would say nothing about getting there.
    assert min(opened[grant] for grant in ("both", "trained", "approved")) > 2, opened


def _walk(chance: random.Random) -> Iterator[Asked]:
    walk = Walk(chance, world(), chance.choice((0.1, 0.3)))
    for _ in range(LENGTH):
        if opened := walk.step():
            yield opened
