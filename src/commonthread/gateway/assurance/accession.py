"""Who acceded to which version of a charter, who has not, and whom that keeps waiting.

An accession signs the digest of one version together with the root key that it pins. A new version
or a new root key therefore asks for a new signature; until then the broker opens nothing that the
partner is a party to.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from commonthread.broker.rules.charter import Charter
from commonthread.broker.rules.dates import begins, ends
from commonthread.broker.rules.force import parties_left
from commonthread.broker.rules.standing import Act, Partner, Standing
from commonthread.broker.rules.terms import PLATFORM

ACCEDED, EARLIER, KEY_CHANGED, NEVER = "acceded", "earlier", "key-changed", "never"


@dataclass(frozen=True, slots=True)
class Accession:
    """Where one partner stands: the version it signed (0 when none), when, and by whom.

    `waits`: the agreements under the charter that stay closed until the partner signs.
    """

    partner: Partner
    state: str
    version: int = 0
    at: datetime | None = None
    by: str = ""
    waits: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Roll:
    """One charter, its earlier versions (newest first), and every partner's accession.

    `agreements`: how many name it. All of them close in the second in which it ends.
    """

    charter: Charter
    earlier: tuple[Charter, ...]
    accessions: tuple[Accession, ...]
    agreements: int
    in_force: bool
    closes: datetime

    @property
    def acceded(self) -> tuple[Accession, ...]:
        return tuple(one for one in self.accessions if one.state == ACCEDED)

    @property
    def waited_for(self) -> tuple[Accession, ...]:
        """Those who have not signed this version; who keeps most agreements waiting first."""
        left = [one for one in self.accessions if one.state != ACCEDED]
        return tuple(sorted(left, key=lambda one: (-len(one.waits), one.partner.name)))


def roll(charter: Charter, earlier: Iterable[Charter], standing: Standing, at: datetime) -> Roll:
    """`earlier`: the versions that this one replaced, in any order."""
    before = {one.digest: one for one in earlier if one.digest != charter.digest}
    versions = sorted(before.values(), key=lambda one: -one.version)
    parties = _parties(charter, standing, at)
    accessions = [
        _accession(partner, charter, versions, standing, parties.get(partner.id, ()))
        for partner in standing.partners.values()
        if partner.id != PLATFORM
    ]
    return Roll(
        charter,
        tuple(versions),
        tuple(accessions),
        len({reference for held in parties.values() for reference in held}),
        begins(charter.starts) <= at < ends(charter.ends),
        ends(charter.ends),
    )


def _parties(charter: Charter, standing: Standing, at: datetime) -> dict[str, tuple[str, ...]]:
    """Partner → the agreements under the charter that need it, ended ones left out."""
    found: dict[str, list[str]] = {}
    for reference in sorted(standing.agreements):
        version = standing.governing(reference)
        if version is None or version.terms.charter != charter.reference:
            continue
        if at < ends(version.terms.ends):
            for partner in parties_left(version, standing):
                found.setdefault(partner, []).append(reference)
    return {partner: tuple(held) for partner, held in found.items()}


def _accession(
    partner: Partner,
    charter: Charter,
    earlier: Iterable[Charter],
    standing: Standing,
    needed: tuple[str, ...],
) -> Accession:
    act = standing.accessions.get((charter.reference, partner.id))
    if act is None:
        return Accession(partner, NEVER, waits=needed)
    by = act.envelope.member
    if act.envelope.subject == charter.accession(partner.root_key):
        return Accession(partner, ACCEDED, charter.version, act.at, by)
    version = _version_of(act, partner, earlier)
    return Accession(partner, EARLIER if version else KEY_CHANGED, version, act.at, by, needed)


def _version_of(act: Act, partner: Partner, earlier: Iterable[Charter]) -> int:
    """The earlier version that was signed; 0 when none fits the key that the partner has now."""
    signed = act.envelope.subject
    return next((one.version for one in earlier if one.accession(partner.root_key) == signed), 0)
