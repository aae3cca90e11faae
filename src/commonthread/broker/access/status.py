"""How things stand, for people to read: agreements and charters, who signed, what holds."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from commonthread.broker.rules.charter import Charter
from commonthread.broker.rules.dates import london_day
from commonthread.broker.rules.errors import BadInput, Reason
from commonthread.broker.rules.force import charter_reasons, in_force, signature_reasons
from commonthread.broker.rules.standing import Standing, Version
from commonthread.broker.rules.terms import Terms, required_parties, sources_of


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
    """Charters first, then agreements, each in the order of their references.

    While nothing has changed, the very same tuple: whoever derives from it may go by its identity.
    Of what is not in force, `expires` may lie earlier on the same day.
    """
    return _BOARD.statuses(standing, at)


class Board:
    """The statuses of the standing last asked about; a new fact makes anew only what it touches.

    All that a status rests on beside facts is days of London: within one it stays as it is. No
    fact is later than `at`, or nothing is kept.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of: tuple[Standing, int, date] | None = None
        self._seen = Standing()
        self._charters: list[AgreementStatus] = []
        self._agreements: dict[str, AgreementStatus] = {}
        self._all: tuple[AgreementStatus, ...] = ()

    def statuses(self, standing: Standing, at: datetime) -> tuple[AgreementStatus, ...]:
        if standing.last_at is not None and at < standing.last_at:
            return _all(standing, at)
        with self._lock:
            if not self._holds(standing, at):
                self._look(standing, at)
            return self._all

    def _holds(self, standing: Standing, at: datetime) -> bool:
        if self._of is None:
            return False
        of, facts, day = self._of
        return of is standing and facts == standing.facts and day == london_day(at)

    def _look(self, standing: Standing, at: datetime) -> None:
        day = london_day(at)
        same_day = self._of is not None and self._of[2] == day
        self._of = None
        touched = _touched(self._seen, standing, self._agreements) if same_day else None
        same_charters = same_day and _same_charters(self._seen, standing)
        # Most entries are of reads: they make a new standing in which nothing is another.
        if touched != set() or not same_charters:
            self._make(standing, at, touched, same_charters=same_charters)
        self._of = (standing, standing.facts, day)

    def _make(
        self, standing: Standing, at: datetime, touched: set[str] | None, *, same_charters: bool
    ) -> None:
        """Make anew what is touched: all of it where `touched` is None."""
        self._agreements = {
            name: self._agreements[name]
            if touched is not None and name not in touched
            else agreement_status(name, standing, at)
            for name in sorted(standing.agreements)
        }
        if not same_charters:
            self._charters = [
                charter_status(name, standing, at) for name in sorted(standing.charters)
            ]
        self._all = (*self._charters, *self._agreements.values())
        # A standing that is added to in place would otherwise be compared with itself.
        self._seen = standing.copy()


_BOARD = Board()


def _all(standing: Standing, at: datetime) -> tuple[AgreementStatus, ...]:
    charters = [charter_status(name, standing, at) for name in sorted(standing.charters)]
    agreements = [agreement_status(name, standing, at) for name in sorted(standing.agreements)]
    return (*charters, *agreements)


def _touched(old: Standing, new: Standing, known: Mapping[str, AgreementStatus]) -> set[str] | None:
    """The agreements whose status may be another now; None when any of them may."""
    if old.charters != new.charters or old.home != new.home:
        return None
    partners = _changed(old.partners, new.partners)
    partners |= {partner for _, partner in _changed(old.accessions, new.accessions)}
    assessed = _changed(old.dpias, new.dpias)
    datasets = _derived(_changed(old.contracts, new.contracts), old, new)
    touched = _changed(old.agreements, new.agreements)
    for name, status in known.items() if partners or assessed or datasets else ():
        if (
            partners & {who for who, _, _ in status.parties}
            or (status.terms and status.terms.dpia in assessed)
            or (datasets and datasets & _granted(name, new))
        ):
            touched.add(name)
    return _with_those_above(touched, new) if touched else touched


def _same_charters(old: Standing, new: Standing) -> bool:
    """Whether nothing has changed that the status of a charter rests on."""
    pairs = (
        (old.charters, new.charters),
        (old.partners, new.partners),
        (old.accessions, new.accessions),
    )
    return not any(_changed(before, after) for before, after in pairs)


def _derived(changed: set[str], old: Standing, new: Standing) -> set[str]:
    """The datasets with all that derive from them: their owners are required parties."""
    if not changed:
        return changed
    return changed | {
        name
        for standing in (old, new)
        for name in standing.contracts
        if not changed.isdisjoint(sources_of(name, standing.contracts))
    }


def _granted(reference: str, standing: Standing) -> set[str]:
    versions = standing.agreements.get(reference, ())
    return {grant.dataset for version in versions for grant in version.terms.grants}


def _changed(old: Mapping[Any, Any], new: Mapping[Any, Any]) -> set[Any]:
    """The keys whose value is another object than it was: facts replace values, never alter."""
    return {key for key in old.keys() | new.keys() if old.get(key) is not new.get(key)}


def _with_those_above(touched: set[str], standing: Standing) -> set[str]:
    """With all that rest on them, however far up."""
    above: dict[str, set[str]] = {}
    for name, versions in standing.agreements.items():
        for below in {below for version in versions for below in version.terms.rests_on}:
            above.setdefault(below, set()).add(name)
    found: set[str] = set()
    waiting = list(touched)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(above.get(name, ()))
    return found
