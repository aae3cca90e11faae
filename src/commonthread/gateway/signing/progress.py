"""Who has signed a version, who is waited for, and since when.

Pure: what the broker says of signatures comes first, then what was declined or delegated. A
signature settles a decline and a delegation of its party; a delegation ends with its last day.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from commonthread.broker.rules.dates import ends
from commonthread.broker.rules.standing import SIGNATORY, Member, Version
from commonthread.broker.rules.terms import PLATFORM

WAITING, DECLINED, DELEGATED = "waiting", "declined", "delegated"


@dataclass(frozen=True, slots=True)
class Declined:
    """A party will not sign: who said so, when and why."""

    partner: str
    by: str
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Delegated:
    """A party's reading and signing, handed to another of its signatories until a day."""

    partner: str
    by: str
    to: str
    at: datetime
    until: date
    note: str = ""

    def holds(self, at: datetime) -> bool:
        return at < ends(self.until)


@dataclass(frozen=True, slots=True)
class Signature:
    partner: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Wait:
    """A party that has not signed: what it said, who of it is asked, and since when."""

    partner: str
    state: str
    asked: tuple[str, ...]
    since: datetime
    reason: str = ""
    until: date | None = None
    by: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """Signatures of people; the platform, which signs last by itself, is not counted."""

    signed: tuple[Signature, ...]
    waits: tuple[Wait, ...]

    @property
    def total(self) -> int:
        return len(self.signed) + len(self.waits)

    @property
    def said(self) -> str:
        return f"{len(self.signed)} of {self.total} signed"

    @property
    def declined(self) -> tuple[Wait, ...]:
        return tuple(wait for wait in self.waits if wait.state == DECLINED)

    def of(self, partner: str) -> Wait | None:
        return next((wait for wait in self.waits if wait.partner == partner), None)


def progress(
    version: Version,
    outstanding: Iterable[str],
    members: Iterable[Member],
    declines: Iterable[Declined],
    delegations: Iterable[Delegated],
    at: datetime,
) -> Progress:
    """`outstanding`: the required parties whose signature the version lacks."""
    signed = sorted(
        (Signature(who, act.envelope.member, act.at) for who, act in version.signatures.items()),
        key=lambda one: (one.at, one.partner),
    )
    asked = _signatories(members)
    no = {one.partner: one for one in declines}
    handed = {one.partner: one for one in delegations if one.holds(at)}
    waits = tuple(
        _wait(partner, version.proposed, asked, no, handed)
        for partner in outstanding
        if partner != PLATFORM
    )
    return Progress(tuple(one for one in signed if one.partner != PLATFORM), waits)


def _signatories(members: Iterable[Member]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for member in members:
        if SIGNATORY in member.roles:
            found[member.partner] = (*found.get(member.partner, ()), member.id)
    return found


def _wait(
    partner: str,
    proposed: datetime,
    asked: Mapping[str, tuple[str, ...]],
    no: Mapping[str, Declined],
    handed: Mapping[str, Delegated],
) -> Wait:
    if (said := no.get(partner)) is not None:
        return Wait(partner, DECLINED, (), said.at, said.reason, by=said.by)
    if (given := handed.get(partner)) is not None:
        return Wait(partner, DELEGATED, (given.to,), given.at, given.note, given.until, given.by)
    return Wait(partner, WAITING, asked.get(partner, ()), proposed)
