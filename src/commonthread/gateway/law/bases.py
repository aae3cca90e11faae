"""Lawful bases: UK GDPR Article 6(1), and the conditions of Annex 1 that (ea) needs."""

from __future__ import annotations

from dataclasses import dataclass

from .entry import Entry, listed

GDPR = "legislation.gov.uk/eur/2016/679/article/6"
ICO_RECOGNISED = "ico.org.uk, Recognised legitimate interest, published 23 March 2026"


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis(Entry):
    """A lawful basis. `closed_to_tasks`: a public authority may not use it for its tasks."""

    closed_to_tasks: bool = False
    annex: bool = False


BASES = listed(
    (
        Basis(
            id="consent",
            title="Consent",
            citation="UK GDPR Art 6(1)(a)",
            fits="People have a real choice, and nothing is worse for them if they say no.",
            needs=("A record of who consented to what, and a way to withdraw.",),
            source=GDPR,
        ),
        Basis(
            id="contract",
            title="Contract",
            citation="UK GDPR Art 6(1)(b)",
            fits="It is needed to do what was agreed in a contract with the person.",
            source=GDPR,
        ),
        Basis(
            id="legal-obligation",
            title="Legal obligation",
            citation="UK GDPR Art 6(1)(c)",
            fits="A law obliges this body to share, and leaves it no choice.",
            needs=("A legal power that is a duty on this body (Art 6(3)).",),
            source=GDPR,
        ),
        Basis(
            id="vital-interests",
            title="Vital interests",
            citation="UK GDPR Art 6(1)(d)",
            fits="Someone’s life is in danger and no other basis can be used in time.",
            needs=("Recital 46: only where no other basis plainly fits.",),
            source=GDPR,
            doubt="Recital 46 itself was not read.",
        ),
        Basis(
            id="public-task",
            title="Public task",
            citation="UK GDPR Art 6(1)(e)",
            fits="A law gives the body this task, or authority to act: most public sharing.",
            needs=("A legal power that gives the task (Art 6(3)).",),
            source=GDPR,
        ),
        Basis(
            id="recognised-legitimate-interests",
            title="Recognised legitimate interest",
            citation="UK GDPR Art 6(1)(ea)",
            fits="A body that does not act in a public task of its own meets Annex 1.",
            needs=("A condition of UK GDPR Annex 1; no weighing against people’s interests.",),
            source=ICO_RECOGNISED,
            closed_to_tasks=True,
            annex=True,
        ),
        Basis(
            id="legitimate-interests",
            title="Legitimate interests",
            citation="UK GDPR Art 6(1)(f)",
            fits="A body that is not a public authority in its tasks has a good reason that people "
            "would expect.",
            needs=("A written weighing of that reason against people’s interests.",),
            source=GDPR,
            closed_to_tasks=True,
        ),
    )
)

ANNEX_1 = listed(
    (
        Entry(
            id="annex-1-disclosure-for-public-task",
            title="A public body asks for it",
            citation="UK GDPR Annex 1 para 1",
            fits="Somebody asks for the data and states that a public task of theirs needs it.",
            needs=("The request, with that statement in it.",),
            source=ICO_RECOGNISED,
        ),
        Entry(
            id="annex-1-security-and-defence",
            title="National security, public security and defence",
            citation="UK GDPR Annex 1 para 2",
            fits="It is needed to safeguard national security, public security or defence.",
            source=ICO_RECOGNISED,
        ),
        Entry(
            id="annex-1-emergencies",
            title="Emergencies",
            citation="UK GDPR Annex 1 para 3",
            fits="It is needed to respond to an emergency as the Civil Contingencies Act means it.",
            source=ICO_RECOGNISED,
            doubt="The number of the paragraph was not read in Annex 1 itself.",
        ),
        Entry(
            id="annex-1-crime",
            title="Crime",
            citation="UK GDPR Annex 1 para 5",
            fits="It is needed to detect, investigate or prevent crime, or to find offenders.",
            source=ICO_RECOGNISED,
            doubt="The number of the paragraph was not read in Annex 1 itself.",
        ),
        Entry(
            id="annex-1-safeguarding",
            title="Safeguarding",
            citation="UK GDPR Annex 1 para 6",
            fits="It is needed to protect a child, or an adult at risk, from neglect or harm.",
            source=ICO_RECOGNISED,
            doubt="The number of the paragraph was not read in Annex 1 itself.",
        ),
    )
)
