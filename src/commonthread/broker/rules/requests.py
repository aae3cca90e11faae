"""What a request asks: a closed set of questions, each under one agreement and for one purpose.

`OwnData` rests on the charter's standing clause instead of an agreement (DESIGN §3).
"""

from __future__ import annotations

from dataclasses import dataclass

DEPOSITS, QUARANTINE, PROFILE = "deposits", "quarantine", "profile"
OWN_DATA = (DEPOSITS, QUARANTINE, PROFILE)
PERSON = "person"


@dataclass(frozen=True, slots=True)
class Sql:
    """A query over the tables of the grants. `tables` are the names it reads, found by the gate."""

    text: str
    tables: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Lookup:
    """One resident (`by_person`) or one key at a time, for a stated reason.

    `used_today` is how many look-ups the member has made under the grant on this London day.
    """

    grant: str
    value: str
    reason: str
    by_person: bool = False
    used_today: int = 0


@dataclass(frozen=True, slots=True)
class OwnData:
    """What a partner deposited itself: its deposits, its quarantine or its quality profile."""

    dataset: str
    what: str = DEPOSITS


Question = Sql | Lookup | OwnData


@dataclass(frozen=True, slots=True)
class Request:
    """Who asks what, under which agreement (its reference) and for which purpose (its id)."""

    member: str
    question: Question
    agreement: str = ""
    purpose: str = ""
