"""Privacy notices: what a partner tells people about the agreements in force (UK GDPR Arts 13, 14).

The sentences here are written for a reader of nine to eleven years, and a test holds them to it.
Titles, purposes and laws are the agreements' own words. No member of a partner is named.
"""

from __future__ import annotations

from collections.abc import Iterator

from commonthread.broker.rules.standing import Standing
from commonthread.broker.rules.terms import CONTROLLING, PLATFORM, Grant, Party

from .files import as_text
from .held import Held, Signed, governing
from .wording import (
    BECAUSE,
    BECAUSE_PRIVATE,
    basis,
    columns,
    condition,
    day,
    kept,
    listed,
    takers,
)

# Everything that is said by us and not by an agreement, by what Articles 13 and 14 ask for.
SAYS = {
    "why": "This page tells you how we share facts about you, who sees them, and why.",
    "made": "It is made from agreements that we and the others have signed.",
    "nothing": "We share no facts about you under an agreement now.",
    "who": "We look after the facts that we hold about you. The law calls us a controller.",
    "ask": "You can ask us about this page.",
    "officer": "You can also ask for our data protection officer. That person checks that we "
    "keep to the rules.",
    "lets": "The law lets us do this because",
    "health": "Some facts are private, like facts about health. We may use them because",
    "code": "A code stands in the place of a name.",
    "counts": "They see counts of groups. They never see one person.",
    "one": "They look up one person at a time. They must give a reason each time.",
    "rows": "They see the facts one record at a time.",
    "some": "They see some of the records.",
    "all": "They see all of the records.",
    "leave": "They may keep a copy for this time, and must then destroy it:",
    "stay": "They may not take a copy. What they see is kept for this time at most:",
    "abroad": "No agreement here says that facts leave the United Kingdom.",
    "alone": "No agreement here lets a computer alone decide about you.",
    "see": "You can ask us for a copy of the facts that we hold about you. It is free.",
    "used": "You can ask who saw them, when, and why.",
    "mend": "You can ask us to put right what is wrong.",
    "limit": "You can ask us to stop using the facts for a while.",
    "stop": "You can tell us to stop this. We must then look at your reasons.",
    "undo": "You can take back your yes at any time. It is as easy as to say yes.",
    "wipe": "You can ask us to wipe these facts.",
    "move": "You can ask for these facts in a file, to give them to others.",
    "must": "You do not have to do a thing for this. The facts were given to one of us before.",
    "when": "We must answer you in one month.",
    "first": "Please tell us first. We must tell you in 30 days that we have read it.",
    "then": "You can also tell the ICO. It watches over the rules for all of us.",
}
MISSING = "Missing: how to reach us. Say it in the agreement, in a statement: `Contact: …`."
ICO = "The ICO is at ico.org.uk, or call 0303 123 1113."
# What anybody may ask for, and what depends on the lawful basis (UK GDPR Arts 15 to 21).
ALWAYS = ("see", "used", "mend", "limit")
RIGHTS = {
    "consent": ("undo", "wipe", "move"),
    "contract": ("wipe", "move"),
    "legal-obligation": (),
    "vital-interests": ("wipe",),
    "public-task": ("stop",),
    "legitimate-interests": ("stop", "wipe"),
    "recognised-legitimate-interests": ("stop", "wipe"),
}
MODES = {"statistics": "counts", "lookup": "one", "rows": "rows"}


def partners(standing: Standing) -> tuple[str, ...]:
    """Who needs a notice: each controller of an agreement that all have signed."""
    found = {
        party.partner
        for reference in standing.agreements
        if (version := governing(standing, reference)) is not None
        for party in version.terms.parties
        if party.role in CONTROLLING and party.partner != PLATFORM
    }
    return tuple(sorted(found))


def notice(held: Held, partner: str) -> bytes:
    """The notice of one partner as Markdown; only agreements that hold for it now are in it."""
    return as_text(_lines(held, partner))


def _lines(held: Held, partner: str) -> Iterator[str]:
    concerned = [
        (signed, party)
        for signed in held.agreements
        if signed.holds_for(partner)
        and (party := signed.terms.party(partner)) is not None
        and party.role in CONTROLLING
    ]
    name = held.name(partner)
    yield from (f"# {name}: how we share facts about you", "", f"{SAYS['why']} {SAYS['made']}", "")
    yield held.about_in_words()
    yield from ("", "## Who we are", "", f"We are {name}. {SAYS['who']}", "")
    yield from _contact([signed for signed, _ in concerned])
    yield from ("", "## What we share, and why", "")
    if not concerned:
        yield SAYS["nothing"]
    for signed, party in concerned:
        yield from _agreement(held, signed, party)
    yield from _ending([signed for signed, _ in concerned])


def _contact(agreed: list[Signed]) -> Iterator[str]:
    contacts = sorted({each for signed in agreed for each in signed.labelled("Contact")})
    yield f"{SAYS['ask']} {SAYS['officer']}"
    yield from (f"- {each}" for each in contacts or ([MISSING] if agreed else []))


def _agreement(held: Held, signed: Signed, party: Party) -> Iterator[str]:
    terms, others = signed.terms, [p for p in signed.controllers() if p != party]
    yield from (f"### {terms.title}", "")
    yield from (f"- {purpose.text}" for purpose in sorted(terms.purposes, key=lambda p: p.text))
    yield from (
        "",
        f"{SAYS['lets']} {BECAUSE[party.lawful_basis]} ({basis(party)}; {party.legal_power}).",
    )
    if party.condition:
        yield f"{SAYS['health']} {BECAUSE_PRIVATE[party.condition]} ({condition(party)})."
    yield ""
    for grant in signed.grants():
        if grant.owner == party.partner or _takes(grant, party.partner):
            yield from _given(held, grant)
    if others:
        yield f"We share with: {listed(sorted(held.name(p.partner) for p in others))}."
    for processor in signed.processors():
        yield f"{held.name(processor.partner)} does work for us. It may do what we say and no more."
    yield from ("", " ".join(SAYS[right] for right in RIGHTS[party.lawful_basis]), "")
    yield f"This goes on from {day(terms.starts)} to {day(terms.ends)}."
    yield from (f"Its number is {terms.reference}.", "")


def _takes(grant: Grant, partner: str) -> bool:
    return any(each.startswith(f"{partner}/") for each in grant.recipients)


def _given(held: Held, grant: Grant) -> Iterator[str]:
    narrowed = grant.rows is not None or grant.persons
    how = [SAYS[MODES[grant.mode]], SAYS["some" if narrowed else "all"]]
    how += [SAYS["code"]] if grant.person else []
    yield f"**{held.title(grant.dataset)}.** It comes from {held.name(grant.owner)} and goes to"
    may = SAYS["leave" if grant.export else "stay"]
    yield f"{listed(takers(grant, held))}. {' '.join(how)} {may} {kept(grant)}."
    yield from ("", "They see:", "")
    yield from (f"- {name}" for name in columns(grant))
    yield ""


def _ending(agreed: list[Signed]) -> Iterator[str]:
    abroad = sorted({text for signed in agreed for text in signed.section("transfers")})
    yield from ("", "## Where the facts go, and who decides", "")
    yield from abroad or [SAYS["abroad"]]
    yield from ("", SAYS["alone"], "", SAYS["must"], "", "## What you can ask for", "")
    yield from (f"- {SAYS[each]}" for each in ALWAYS)
    yield from ("", SAYS["when"])
    own = sorted({text for signed in agreed for text in signed.section("rights")})
    yield from ("", *own) if own else ()
    yield from ("", "## If you are not happy", "", SAYS["first"])
    yield from sorted({text for signed in agreed for text in signed.section("complaints")})
    yield from ("", f"{SAYS['then']} {ICO}")
