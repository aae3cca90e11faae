"""Terms in plain English for registers: what a grant shows, to whom, and by which law.

Titles of laws come from the maintained lists in `gateway.law`; here is how a reader is told them.
"""

from __future__ import annotations

from collections.abc import Iterable

from commonthread.broker.rules.terms import PERSON_INDEX, Grant, GrantedColumn, Party
from commonthread.gateway.law import BASES, CONDITIONS, Entry
from commonthread.gateway.words import day, period

from .held import Held

__all__ = ["basis", "columns", "condition", "day", "group", "kept", "listed", "takers"]

# How the sentence `The law lets us do this because …` ends.
BECAUSE = {
    "consent": "you said yes",
    "contract": "we have a contract with you",
    "legal-obligation": "another law says that we must",
    "vital-interests": "it could save a life",
    "public-task": "it is part of our job by law",
    "legitimate-interests": "we have a good reason and it is fair to you",
    "recognised-legitimate-interests": "it is on a list of good reasons in law",
}
# And this one: `Some facts are private, like facts about health. We may use them because …`.
BECAUSE_PRIVATE = {
    "explicit-consent": "you clearly said yes",
    "employment-social-security-and-protection": "laws about work or social care ask for it",
    "vital-interests": "it could save a life when you cannot say yes",
    "not-for-profit-bodies": "you belong to a group that needs them",
    "made-public": "you told them to all the world",
    "legal-claims": "they are needed in a court case",
    "substantial-public-interest": "it does much good for all, and a law says so",
    "health-or-social-care": "they are needed for health or social care",
    "public-health": "it keeps all of us well",
    "archiving-research-and-statistics": "they are needed for research or for counts",
}
MODES = {
    "rows": "one row for each record, read where it lies",
    "statistics": "counts and averages of groups, never one person",
    "lookup": "one person at a time, each time with a reason",
}
TREATMENTS = {
    "plain": "",
    "pseudonym": "a code in its place",
    "year": "the year only",
    "month": "the month only",
    "age-band": "as an age in bands of five years",
    "outward": "the first half of the postcode only",
    "flag": "only whether it is there",
}
CLASSIFICATIONS = {
    "open": "open data, about nobody",
    "personal": "personal data",
    "special-category": "special category personal data",
    "criminal": "criminal offence data",
}


def basis(party: Party) -> str:
    """UK GDPR Art 6(1)(e), public task; nothing for a party without one."""
    return _law(BASES.get(party.lawful_basis))


def condition(party: Party) -> str:
    return _law(CONDITIONS.get(party.condition))


def _law(entry: Entry | None) -> str:
    return f"{entry.citation}, {entry.title[:1].lower()}{entry.title[1:]}" if entry else ""


def listed(parts: Iterable[str]) -> str:
    """One, two and three."""
    *first, last = list(parts) or [""]
    return f"{', '.join(first)} and {last}" if first else last


def column(granted: GrantedColumn) -> str:
    """`born (the year only)`."""
    name = granted.exposed.replace("_", " ")
    said = TREATMENTS[granted.treatment]
    return f"{name} ({said})" if said else name


def columns(grant: Grant) -> tuple[str, ...]:
    """What a grant shows, in the order of the names, the pseudonym of the person first."""
    person = ("a code for the person",) if grant.person else ()
    return (*person, *sorted(column(each) for each in grant.columns))


def group(id_: str, held: Held) -> str:
    """`wychshire/telecare-team` → the telecare team of Wychshire County Council."""
    partner, _, name = id_.partition("/")
    if id_ == PERSON_INDEX:
        return "the person index of the platform"
    return f"the {name.replace('-', ' ')} of {held.name(partner)}"


def takers(grant: Grant, held: Held) -> tuple[str, ...]:
    return tuple(group(each, held) for each in sorted(grant.recipients))


def kept(grant: Grant) -> str:
    """How long what was taken may be kept."""
    return period(grant.retention)
