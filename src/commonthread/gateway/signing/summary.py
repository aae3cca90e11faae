"""The one page a signatory reads first: what, who, why, risk, until when, what is new.

Everything in it is derived from the terms that would be signed, so it cannot say otherwise than
they do; it says less, and the whole is one step away.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from commonthread.broker.rules.dates import ends
from commonthread.broker.rules.standing import Standing
from commonthread.broker.rules.terms import CONTROLLING, LEVELS, PLATFORM, Grant, Party, Risk, Terms
from commonthread.gateway import words
from commonthread.gateway.documents.wording import ON_WITHDRAWAL, PARTY_ROLES, Names, basis, opens
from commonthread.gateway.risks import level

from .variation import Change, variation


@dataclass(frozen=True, slots=True)
class Part:
    """One party of the agreement: what it is, gives and gets, and the ground it stands on."""

    partner: str
    name: str
    role: str
    gives: tuple[str, ...]
    gets: tuple[str, ...]
    grounds: tuple[str, ...]
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class Danger:
    """One risk: how high it is, and what the mitigation leaves."""

    text: str
    level: str
    mitigation: str
    residual: str
    owner: str


@dataclass(frozen=True, slots=True)
class Summary:
    """One version in short. `governing`: the number of the version it would replace, or None."""

    reference: str
    title: str
    version: int
    digest: str
    what: tuple[str, ...]
    people: tuple[str, ...]
    who: tuple[Part, ...]
    why: tuple[str, ...]
    risks: tuple[Danger, ...]
    worst: str
    starts: date
    ends: date
    review: date
    on_withdrawal: str
    accession: str
    governing: int | None = None
    changes: tuple[Change, ...] = ()
    has_ended: bool = False

    @property
    def material(self) -> tuple[Change, ...]:
        return tuple(change for change in self.changes if not change.administrative)

    @property
    def administrative(self) -> tuple[Change, ...]:
        return tuple(change for change in self.changes if change.administrative)


NO_ACCESSION = "Nothing is said about it. A new version with the new party is signed by all."


def summarise(terms: Terms, standing: Standing, at: datetime) -> Summary:
    """The summary of a version, beside the version that all have signed, if that is another."""
    governing = standing.governing(terms.reference)
    before = governing.terms if governing and governing.completed else None
    before = None if before is None or before.digest == terms.digest else before
    names = _names(terms, standing)
    risks = tuple(sorted((_danger(risk, names) for risk in terms.risks), key=_height))
    return Summary(
        reference=terms.reference,
        title=terms.title,
        version=terms.version,
        digest=terms.digest,
        what=tuple(opens(grant, names) for grant in terms.grants),
        people=tuple(_people(terms)),
        who=tuple(_part(party, terms, before, names) for party in terms.parties),
        why=tuple(purpose.text for purpose in terms.purposes),
        risks=risks,
        worst=max((risk.residual for risk in risks), key=LEVELS.index, default=""),
        starts=terms.starts,
        ends=terms.ends,
        review=terms.review,
        on_withdrawal=ON_WITHDRAWAL.get(terms.on_withdrawal, terms.on_withdrawal),
        accession=" ".join(s.text for s in terms.statements if s.section == "accession")
        or NO_ACCESSION,
        governing=before.version if before else None,
        changes=variation(before, terms) if before else (),
        has_ended=at >= ends(terms.ends),
    )


def _names(terms: Terms, standing: Standing) -> Names:
    known = standing.partners
    found = {party.partner for party in terms.parties} & known.keys()
    return Names({id_: known[id_].name for id_ in found}, standing.contracts)


def _height(risk: Danger) -> tuple[int, int]:
    """The highest residual first."""
    return -LEVELS.index(risk.residual), -LEVELS.index(risk.level)


def _danger(risk: Risk, names: Names) -> Danger:
    owner = names.partner(risk.owner)
    height = level(risk.likelihood, risk.impact)
    return Danger(risk.text, height, risk.mitigation, risk.residual, owner)


def _people(terms: Terms) -> list[str]:
    """What of the data reaches whom, in a sentence for each mode."""
    modes = sorted({grant.mode for grant in terms.grants})
    said = [words.MODES.get(mode, mode) for mode in modes]
    if any(grant.person for grant in terms.grants):
        said.append("Records about one resident are joined, under a pseudonym of this agreement")
    if any(grant.export for grant in terms.grants):
        said.append("Some of it may be downloaded")
    return said


def _part(party: Party, terms: Terms, before: Terms | None, names: Names) -> Part:
    gives = [grant for grant in terms.grants if grant.owner == party.partner]
    gets = [grant for grant in terms.grants if party.partner in takers(grant)]
    role = PARTY_ROLES.get(party.role, party.role)
    return Part(
        partner=party.partner,
        name="The platform" if party.partner == PLATFORM else names.partner(party.partner),
        role=role,
        gives=tuple(dict.fromkeys(names.dataset(grant.dataset) for grant in gives)),
        gets=tuple(dict.fromkeys(names.dataset(grant.dataset) for grant in gets)),
        grounds=tuple(basis(party)) if party.role in CONTROLLING else (),
        is_new=before is not None and before.party(party.partner) is None,
    )


def takers(grant: Grant) -> set[str]:
    """The partners whose groups a grant is for."""
    return {group.split("/")[0] for group in grant.recipients}
