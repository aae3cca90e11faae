"""The schemes of assurance that public bodies know, with their levels in order.

A reading aid: the broker takes any scheme and compares a level letter by letter, so that a higher
level than the one asked for does not count for it. `rank` says which is higher, for people.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from commonthread.broker.rules.errors import Problem
from commonthread.broker.rules.fields import IDENTIFIER, check

CHECKED = date(2026, 11, 25)


@dataclass(frozen=True, slots=True)
class Level:
    """One level: `also` are other spellings of it that partners have recorded."""

    id: str
    title: str
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheme:
    """One scheme: its levels from low to high, how long it lasts, and where that was read.

    `checked`: the day on which `source` was read; None when nobody has, and then `lasts` is from
    memory.
    """

    id: str
    title: str
    short: str
    reference: str
    lasts: str
    source: str
    levels: tuple[Level, ...] = ()
    checked: date | None = CHECKED

    def __post_init__(self) -> None:
        check(self._problems(), "A scheme of assurance")

    def _problems(self) -> Iterator[Problem]:
        if not IDENTIFIER.fullmatch(self.id):
            yield Problem(".id", "an id is lower-case words with hyphens")
        spelt = [name for level in self.levels for name in (level.id, *level.also)]
        if len(set(spelt)) != len(spelt):
            yield Problem(".levels", "two levels are spelt the same")

    def level(self, spelt: str) -> Level | None:
        return next((one for one in self.levels if spelt in (one.id, *one.also)), None)

    def rank(self, spelt: str) -> int | None:
        """How high a level is, from 0; None for one that this scheme does not know."""
        found = self.level(spelt)
        return None if found is None else self.levels.index(found)


_KNOWN = (
    Scheme(
        id="ico-registration",
        title="Data protection fee, in the ICO’s register of fee payers",
        short="ICO fee",
        reference="Registration number, such as Z1234567",
        lasts="One year.",
        source="ico.org.uk, Data protection fee; SI 2018/480",
        checked=None,
    ),
    Scheme(
        id="dspt",
        title="NHS Data Security and Protection Toolkit",
        short="DSPT",
        reference="ODS code of the organisation",
        lasts="Published again every year, by 30 June; void a year after it was published.",
        source="digitalcarehub.co.uk, Review and update your DSPT",
        levels=(
            Level("standards-not-met", "Standards not met", ("not-met",)),
            Level("approaching-standards", "Approaching standards", ("approaching",)),
            Level("standards-met", "Standards met", ("met",)),
            Level("standards-exceeded", "Standards exceeded", ("exceeded",)),
        ),
    ),
    Scheme(
        id="cyber-essentials",
        title="Cyber Essentials",
        short="Cyber Essentials",
        reference="Certificate number",
        lasts="Twelve months.",
        source="iasme.atlassian.net, How to recertify to Cyber Essentials",
    ),
    Scheme(
        id="cyber-essentials-plus",
        title="Cyber Essentials Plus, audited by others",
        short="Cyber Essentials Plus",
        reference="Certificate number",
        lasts="Twelve months.",
        source="iasme.atlassian.net, How to recertify to Cyber Essentials",
    ),
    Scheme(
        id="iso-27001",
        title="ISO/IEC 27001, management of information security",
        short="ISO 27001",
        reference="Certificate number and the body that certified",
        lasts="Three years, with an audit in each.",
        source="ISO/IEC 27006-1",
        checked=None,
    ),
    Scheme(
        id="psn",
        title="Public Services Network, connection compliance",
        short="PSN",
        reference="Certificate number",
        lasts="One year.",
        source="gov.uk, Apply for a PSN connection compliance certificate",
        checked=None,
    ),
)
SCHEMES: Mapping[str, Scheme] = {scheme.id: scheme for scheme in _KNOWN}


def scheme_in_words(scheme: str) -> str:
    """Its short name; a partner's own kind is called by its id."""
    known = SCHEMES.get(scheme)
    return known.short if known else scheme.replace("-", " ").capitalize()


def level_in_words(scheme: str, level: str) -> str:
    known = SCHEMES.get(scheme)
    found = known.level(level) if known else None
    return found.title if found else level.replace("-", " ").capitalize()


def is_higher(scheme: str, level: str, than: str) -> bool:
    """Whether a level is higher than another of the same scheme; unknown ones are not compared."""
    known = SCHEMES.get(scheme)
    one, other = (known.rank(level), known.rank(than)) if known else (None, None)
    return one is not None and other is not None and one > other
