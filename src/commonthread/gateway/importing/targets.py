"""Where a clause may belong in a draft, and the words that speak for it. Nothing is applied.

The sections are those of a draft; the clauses in the parties' words are those of the ICO's data
sharing code. The words are a closed list, written out in docs/importing.md. Source: ICO, Data
sharing: a code of practice (2021), "Data sharing agreements".
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from commonthread.broker.rules.terms import SECTIONS as STATEMENTS
from commonthread.gateway.drafting.sections import SECTIONS

STATEMENT = "statement"
# Sections that take a clause's text: the list it is added to. `rights` is reached by a statement.
LISTS = {"purposes": "purpose", "duties": "duty", "risks": "risk"}
SECTION_IDS = tuple(one.id for one in SECTIONS if one.id != "rights")
STATEMENT_IDS = tuple(f"{STATEMENT}-{name}" for name in STATEMENTS)
TARGETS = (*SECTION_IDS, *STATEMENT_IDS)

WORDS: dict[str, tuple[str, ...]] = {
    "about": (
        "commencement",
        "effective date",
        "termination",
        "expiry",
        "duration",
        "review of this agreement",
        "review date",
        "version control",
        "withdrawal",
    ),
    "purposes": ("purpose", "purposes", "aims", "objectives", "will be used for"),
    "parties": (
        "controller",
        "joint controllers",
        "processor",
        "lawful basis",
        "legal basis",
        "legal power",
        "legal gateway",
        "article 6",
        "article 9",
        "schedule 1",
        "special category",
        "confidentiality",
    ),
    "data": (
        "data items",
        "data fields",
        "dataset",
        "datasets",
        "data set",
        "categories of data",
        "information to be shared",
        "data to be shared",
        "what data",
        "recipients",
        "retention",
        "minimisation",
        "pseudonymised",
    ),
    "assurance": (
        "cyber essentials",
        "iso 27001",
        "data security and protection toolkit",
        "dspt",
        "ico registration",
        "registration fee",
        "accreditation",
        "certification",
    ),
    "duties": (
        "training",
        "destroy",
        "destruction",
        "return of data",
        "audit",
        "responsibilities",
        "shall ensure",
        "must ensure",
    ),
    "risks": ("risk", "risks", "likelihood", "mitigation"),
    "assessment": ("dpia", "data protection impact assessment", "impact assessment"),
    "statement-accession": ("accession", "new partner", "new partners", "joining"),
    "statement-accuracy": ("accuracy", "accurate", "up to date", "data quality", "rectification"),
    "statement-benefits": ("benefit", "benefits", "outcomes"),
    "statement-breach": ("breach", "breaches", "data loss", "security incident", "72 hours"),
    "statement-complaints": ("complaint", "complaints", "dispute", "disputes"),
    "statement-onward-sharing": ("onward", "third party", "third parties", "further disclosure"),
    "statement-rights": (
        "individual rights",
        "data subject rights",
        "rights of data subjects",
        "subject access",
        "right to object",
        "erasure",
        "freedom of information",
        "privacy notice",
        "fair processing",
    ),
    "statement-security": ("security", "encryption", "encrypted", "access control", "secure email"),
    "statement-transfers": (
        "transfer outside",
        "international transfer",
        "international transfers",
        "outside the united kingdom",
        "outside the uk",
        "european economic area",
    ),
}  # fmt: skip

# Every clause names the parties: the word speaks for their section only where it heads a clause.
IN_HEADINGS: dict[str, tuple[str, ...]] = {"parties": ("parties",)}


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A section that a clause may belong to, and which of its words say so."""

    target: str
    words: tuple[str, ...]


def _found_by(word: str) -> re.Pattern[str]:
    spaced = r"\s+".join(map(re.escape, word.split()))
    return re.compile(rf"(?<!\w){spaced}(?!\w)")


def _patterns(words: dict[str, tuple[str, ...]]) -> dict[str, dict[str, re.Pattern[str]]]:
    return {target: {word: _found_by(word) for word in said} for target, said in words.items()}


_PATTERNS, _HEADING_PATTERNS = _patterns(WORDS), _patterns(IN_HEADINGS)


def suggest(text: str, under: str = "") -> tuple[Suggestion, ...]:
    """The sections that a clause's words speak for: those its headings name first, then by words.

    Empty where no word of the list is in it: that is said, and nothing is made up.
    """
    first, _, rest = text.strip().partition("\n")
    title = (f"{under}\n{first}" if rest else under).lower()
    whole = f"{under}\n{text}".lower()
    found = []
    for target, patterns in _PATTERNS.items():
        headings = _HEADING_PATTERNS.get(target, {})
        words = (*_within(title, headings), *_within(whole, patterns))
        if words:
            headed = _within(title, headings | patterns)
            found.append((not headed, -len(words), TARGETS.index(target), target, words))
    return tuple(Suggestion(target, words) for *_, target, words in sorted(found))


def _within(text: str, patterns: dict[str, re.Pattern[str]]) -> tuple[str, ...]:
    # A plain look for its first word is many times quicker, and most are not there.
    return tuple(
        word
        for word, pattern in patterns.items()
        if word.partition(" ")[0] in text and pattern.search(text)
    )


def section_of(target: str) -> str:
    """The section of the draft that a target is mended in."""
    return "rights" if target in STATEMENT_IDS else target


def takes_text(target: str) -> bool:
    """Whether a clause's text can be copied there; elsewhere the draft asks for more than words."""
    return target in LISTS or target in STATEMENT_IDS
