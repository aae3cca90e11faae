"""How things stand, for people to read: agreements and charters, who signed, what holds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from commonthread.broker.rules.charter import Charter
from commonthread.broker.rules.errors import BadInput, Reason
from commonthread.broker.rules.force import charter_reasons, in_force, signature_reasons
from commonthread.broker.rules.standing import Standing, Version
from commonthread.broker.rules.terms import Terms, required_parties


@dataclass(frozen=True, slots=True)
class AgreementStatus:
    """One agreement or charter now. `parties` are (partner, has it signed, its role).

    `withdrawn` are those that left; with `on_withdrawal = "continue-without"` it goes on. `draft`
    is a newer version that waits for signatures while this one governs.
    """

    kind: str
    reference: str
    title: str
    version: int
    digest: str
    in_force: bool
    reasons: tuple[Reason, ...]
    warnings: tuple[Reason, ...]
    expires: datetime
    parties: tuple[tuple[str, bool, str], ...]
    terms: Terms | None = None
    charter: Charter | None = None
    withdrawn: tuple[str, ...] = ()
    draft: AgreementStatus | None = None

    @property
    def unsigned(self) -> tuple[str, ...]:
        """The parties that have still to sign this version."""
        return tuple(partner for partner, signed, _ in self.parties if not signed)


def unknown_reference(standing: Standing) -> BadInput:
    known = ", ".join([*sorted(standing.charters), *sorted(standing.agreements)])
    return BadInput(
        "No agreement or charter of this reference is known.",
        mend=f"Known are: {known}." if known else "Apply one: commonthread apply FILE.",
    )


def charter_status(reference: str, standing: Standing, at: datetime) -> AgreementStatus:
    charter = standing.charters[reference]
    boundaries = [datetime.max.replace(tzinfo=at.tzinfo)]
    parties, reasons = [], []
    for partner in sorted(standing.partners):
        missing = tuple(charter_reasons(partner, reference, standing, at, boundaries))
        parties.append((partner, not missing, "partner"))
        reasons += [reason for reason in missing if reason.code == "charter-dates"]
    return AgreementStatus(
        kind="charter",
        reference=reference,
        title=charter.title,
        version=charter.version,
        digest=charter.digest,
        in_force=not reasons and any(signed for _, signed, _ in parties),
        reasons=tuple(dict.fromkeys(reasons)),
        warnings=(),
        expires=min(boundaries),
        parties=tuple(parties),
        charter=charter,
    )


def agreement_status(reference: str, standing: Standing, at: datetime) -> AgreementStatus:
    force = in_force(reference, standing, at)
    version = force.version or standing.governing(reference)
    if version is None:
        raise unknown_reference(standing)
    terms = version.terms
    return AgreementStatus(
        kind="agreement",
        reference=reference,
        title=terms.title,
        version=terms.version,
        digest=terms.digest,
        in_force=not force.reasons,
        reasons=force.reasons,
        warnings=force.warnings,
        expires=force.expires,
        parties=_parties(version, standing),
        terms=terms,
        withdrawn=tuple(sorted(version.withdrawals)),
        draft=_draft(version, standing, at),
    )


def _draft(version: Version, standing: Standing, at: datetime) -> AgreementStatus | None:
    newest = standing.newest(version.terms.reference)
    if newest is None or newest is version:
        return None
    terms = newest.terms
    return AgreementStatus(
        kind="agreement",
        reference=terms.reference,
        title=terms.title,
        version=terms.version,
        digest=terms.digest,
        in_force=False,
        reasons=tuple(signature_reasons(newest, standing)),
        warnings=(),
        expires=at,
        parties=_parties(newest, standing),
        terms=terms,
        withdrawn=tuple(sorted(newest.withdrawals)),
    )


def _parties(version: Version, standing: Standing) -> tuple[tuple[str, bool, str], ...]:
    found = []
    for partner in required_parties(version.terms, standing.contracts):
        party = version.terms.party(partner)
        role = party.role if party else "owner of a source"
        found.append((partner, partner in version.signatures, role))
    return tuple(found)


def statuses(standing: Standing, at: datetime) -> tuple[AgreementStatus, ...]:
    """Charters first, then agreements, each in the order of their references."""
    charters = [charter_status(name, standing, at) for name in sorted(standing.charters)]
    agreements = [agreement_status(name, standing, at) for name in sorted(standing.agreements)]
    return (*charters, *agreements)
