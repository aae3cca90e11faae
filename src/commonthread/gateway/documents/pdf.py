"""The document of one version of an agreement: PDF/UA-1 and PDF/A-3a, from its terms alone.

- PDF/A-3, because the canonical terms are attached and PDF/A-2 takes no such attachment; level a,
  because it is tagged. PDF/A-4 would need PDF 2.0, which PDF/UA-1 does not know.
- The same paper gives the same bytes: time, fonts and identifiers come from it and from nowhere
  else. Nothing of the machine is read but the template.
- What people wrote goes to the typesetter as JSON and is never made into its markup.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typst

from commonthread.broker.access import AgreementStatus, BadInput
from commonthread.broker.access.status import agreement_status
from commonthread.broker.rules.canonical import canonical_bytes, instant_text
from commonthread.broker.rules.standing import Act, Standing, Version
from commonthread.broker.rules.terms import PLATFORM, Terms
from commonthread.gateway import words
from commonthread.gateway.changes import changes

from .wording import Names, Section, basis, listed, moment, opens, sections, table, text

if TYPE_CHECKING:
    from typst import PDFStandard

STANDARDS: list[PDFStandard] = ["ua-1", "a-3a"]
TEMPLATE = Path(__file__).with_name("agreement.typ")
TERMS_FILE, ABOUT_FILE = "terms.json", "about.json"
DRAFT = "DRAFT: this opens nothing until every party has signed it."
DEMO = "Demo home: made-up partners and people. Nobody is bound by this document."
# A summary stands on one page of so many lines: long lists and long lines are cut to fit it.
PAGE_LINES, MOST_ITEMS, LONGEST_ITEM, LINE_LETTERS = 28, 8, 250, 90
# What the fonts of the typesetter have; anything else is spelt out, or no document could be made.
BEYOND_FONTS = re.compile("[^\n\t -~\u00a0-\u024f\u0370-\u03ff\u0400-\u045f\u2010-\u2027\u20ac]")


@dataclass(frozen=True, slots=True)
class Paper:
    """What a document is made of: one version, how it stood at a time, and what things are called.

    `before` are the terms that this version replaces, if any. `at` is in whole seconds.
    """

    version: Version
    status: AgreementStatus
    at: datetime
    origin: str
    demo: bool
    names: Names
    people: dict[str, str]
    before: Terms | None = None

    @property
    def terms(self) -> Terms:
        return self.version.terms

    @property
    def draft(self) -> bool:
        """Whether somebody has still to sign."""
        return self.version.completed is None


def paper(standing: Standing, reference: str, at: datetime, *, draft: bool = False) -> Paper:
    """The paper of the version that governs, or of the draft that waits beside it.

    Raises `BadInput` where there is no such agreement, or no such draft.
    """
    home, at = standing.home, at.astimezone(UTC).replace(microsecond=0)
    status = agreement_status(reference, standing, at)
    if draft and status.draft is None:
        raise BadInput(f"No draft of {reference} waits for signatures.")
    shown = status.draft if draft and status.draft else status
    versions = standing.agreements[reference]
    place = next(n for n, v in enumerate(versions) if v.terms.digest == shown.digest)
    partners = {partner.id: partner.name for partner in standing.partners.values()}
    return Paper(
        version=versions[place],
        status=shown,
        at=at,
        origin=home.origin if home else "",
        demo=bool(home and home.demo),
        names=Names(partners, standing.contracts),
        people={member.id: member.name for member in standing.members.values()},
        before=next((v.terms for v in reversed(versions[:place]) if v.completed), None),
    )


def agreement_pdf(paper: Paper) -> bytes:
    """The document, not yet sealed."""
    said = content(paper)
    try:
        return _typeset(said, paper.at)
    except typst.TypstError:
        # A letter that no font has would be a hole in the page, which PDF/A forbids.
        return _typeset(_spelt(said), paper.at)


def _typeset(said: dict[str, Any], at: datetime) -> bytes:
    made = typst.compile(
        TEMPLATE.read_bytes(),
        format="pdf",
        sys_inputs={"said": json.dumps(said, ensure_ascii=False)},
        pdf_standards=STANDARDS,
        timestamp=int(at.timestamp()),
        ignore_system_fonts=True,
    )
    if not isinstance(made, bytes):
        raise TypeError("the typesetter made no document")
    return made


def _spelt(value: Any, name: str = "") -> Any:
    """The same, with each letter that may have no shape written as its number; never the terms."""
    if isinstance(value, dict):
        return {key: _spelt(inner, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [_spelt(inner) for inner in value]
    if isinstance(value, str) and name not in ("terms", "about"):
        return BEYOND_FONTS.sub(_number, unicodedata.normalize("NFC", value))
    return value


def _number(found: re.Match[str]) -> str:
    return f"[U+{ord(found.group()):04X}]"


def content(paper: Paper) -> dict[str, Any]:
    """All that the document says, as plain data for the template."""
    terms = paper.terms
    return {
        "title": terms.title,
        "reference": terms.reference,
        "version": str(terms.version),
        "digest": terms.digest,
        "origin": paper.origin,
        "description": f"{terms.reference}, version {terms.version}, digest {terms.digest}",
        "made": moment(paper.at),
        "marks": [*([DRAFT] if paper.draft else []), *([DEMO] if paper.demo else [])],
        "state": _state(paper),
        "summary": list(_summary(paper)),
        "sections": [_signatures(paper), *sections(terms, paper.names), _about(paper)],
        "terms": canonical_bytes(terms.to_plain()).decode(),
        "about": canonical_bytes(_made_of(paper)).decode(),
    }


def _made_of(paper: Paper) -> dict[str, Any]:
    return {
        "at": instant_text(paper.at),
        "demo": paper.demo,
        "digest": paper.terms.digest,
        "draft": paper.draft,
        "in_force": paper.status.in_force,
        "origin": paper.origin,
        "reference": paper.terms.reference,
        "version": paper.terms.version,
    }


def _state(paper: Paper) -> str:
    if paper.draft:
        waiting = [_plainly(paper, who) for who in paper.status.unsigned]
        return f"Draft. It waits for {words.joined(waiting)}."
    return "In force." if paper.status.in_force else "Not in force."


def _plainly(paper: Paper, partner: str) -> str:
    return "the platform" if partner == PLATFORM else paper.names.partner(partner)


def _summary(paper: Paper) -> list[dict[str, Any]]:
    """One page: all of what is cut here stands on the pages that follow."""
    answers = list(_answers(paper))
    for most in range(MOST_ITEMS, 0, -1):
        rows = [{"title": title, "says": _cut(said, most)} for title, said in answers]
        if sum(_height(row["says"]) for row in rows) <= PAGE_LINES:
            break
    return rows


def _cut(said: list[str], most: int) -> list[str]:
    shown = [
        line if len(line) <= LONGEST_ITEM else f"{line[: LONGEST_ITEM - 1].rstrip()}…"
        for line in said[:most]
    ]
    left = len(said) - len(shown)
    return [*shown, f"and {left} more, on the pages that follow"] if left else shown


def _height(said: Any) -> int:
    return sum(1 + len(line) // LINE_LETTERS for line in said)


def _answers(paper: Paper) -> Iterator[tuple[str, list[str]]]:
    """What, who, why, on which basis, which risks, until when, what is new."""
    terms, names = paper.terms, paper.names
    bases = [
        f"{names.partner(party.partner)}: {' '.join(said)}"
        for party in terms.parties
        if (said := list(basis(party)))
    ]
    yield "What", [opens(grant, names) for grant in terms.grants]
    yield "Who", [_role(paper, party.partner, party.role) for party in terms.parties]
    yield "Why", [purpose.text for purpose in terms.purposes]
    yield "On which legal basis", bases
    yield "Risks", _gravest(terms)
    yield "Until when", [_until(terms)]
    yield "What is new", _new(paper)


def _role(paper: Paper, partner: str, role: str) -> str:
    gives = any(grant.owner == partner for grant in paper.terms.grants)
    takes = any(
        group.partition("/")[0] == partner
        for grant in paper.terms.grants
        for group in grant.recipients
    )
    does = [said for said, so in (("gives", gives), ("takes", takes)) if so]
    return f"{_plainly(paper, partner)}, {role}{': ' if does else ''}{' and '.join(does)}"


def _gravest(terms: Terms) -> list[str]:
    order = ("high", "medium", "low")
    risks = sorted(terms.risks, key=lambda risk: (order.index(risk.residual), risk.id))
    said = [f"{risk.text} What is left of it is {risk.residual}." for risk in risks]
    return said or ["None is named in the terms."]


def _until(terms: Terms) -> str:
    days = [words.day(each) for each in (terms.starts, terms.ends, terms.review)]
    return f"From {days[0]} to {days[1]}; to be reviewed by {days[2]}."


def _new(paper: Paper) -> list[str]:
    if paper.before is None:
        return ["This is the first version."]
    said = list(changes(paper.before, paper.terms))
    return said or [f"Nothing but its number: it says what version {paper.before.version} said."]


def _signatures(paper: Paper) -> Section:
    """Who signed when, and why it is not in force if it is not."""
    rows = []
    for partner, _, role in paper.status.parties:
        act = paper.version.signatures.get(partner)
        rows.append([_plainly(paper, partner), role.capitalize(), _signed(paper, act)])
    blocks = [text(_state(paper)), table(["Party", "Role", "Signed"], rows)]
    if said := [*_acts(paper), *(reason.message for reason in paper.status.reasons)]:
        blocks.append(listed(list(dict.fromkeys(said))))
    if paper.status.warnings:
        blocks.append(text("Take note:"))
        blocks.append(listed([warning.message for warning in paper.status.warnings]))
    if paper.before is not None:
        new = list(changes(paper.before, paper.terms))
        blocks.append(text(f"What is other than in version {paper.before.version}:"))
        blocks.append(listed(new or ["Nothing but the number of the version."]))
    return {"title": "Signatures", "blocks": blocks}


def _signed(paper: Paper, act: Act | None) -> str:
    if act is None:
        return "Not yet"
    who = paper.people.get(act.envelope.member, act.envelope.member)
    return f"{moment(act.at)}, by {who}"


def _acts(paper: Paper) -> Iterator[str]:
    for did, held in (
        ("has withdrawn", paper.version.withdrawals),
        ("has suspended it", paper.version.suspensions),
    ):
        for partner, act in sorted(held.items()):
            yield f"{_plainly(paper, partner)} {did}, on {moment(act.at)}."


def _about(paper: Paper) -> Section:
    said = [
        f"Made by {paper.origin} of the terms with the digest {paper.terms.digest}.",
        f"The terms are attached as {TERMS_FILE}, the very bytes that every signature is about. "
        "Where these pages and the terms differ, the terms hold.",
        "A document cannot know what happened after it was made. Hand it in at the page “Check a "
        "document” of this trust, which says whether it is the one in force.",
        "The seal is an electronic seal by a certificate of this trust itself. It shows that the "
        "file is as it was made here. It is no qualified signature, and the parties’ own "
        "signatures are in the evidence pack.",
        "A time stamp by an independent authority is in the seal only where one is set up; else "
        "its time is that of the trust’s own clock.",
    ]
    return {"title": "About this document", "blocks": [listed(said)]}
