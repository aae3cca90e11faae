"""What registers are made of: the agreements that all have signed, as they stand at one time.

Drafts are in no register: nothing of them governs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from commonthread.broker.access.exports import DEMO
from commonthread.broker.rules.contracts import Contract
from commonthread.broker.rules.dates import london_day
from commonthread.broker.rules.force import in_force
from commonthread.broker.rules.standing import Standing, Version
from commonthread.broker.rules.terms import CONTROLLING, Grant, Party, Terms

from .activity import Activity


@dataclass(frozen=True, slots=True)
class Signed:
    """The newest version that all have signed. `left`: who withdrew while the others go on."""

    terms: Terms
    is_in_force: bool
    left: frozenset[str] = frozenset()

    @property
    def reference(self) -> str:
        return self.terms.reference

    def holds_for(self, partner: str) -> bool:
        return self.is_in_force and partner not in self.left

    def controllers(self) -> tuple[Party, ...]:
        parties = sorted(self.terms.parties, key=lambda party: party.partner)
        return tuple(party for party in parties if party.role in CONTROLLING)

    def processors(self) -> tuple[Party, ...]:
        parties = sorted(self.terms.parties, key=lambda party: party.partner)
        return tuple(party for party in parties if party.role not in CONTROLLING)

    def grants(self) -> tuple[Grant, ...]:
        """In the order of their ids; without those whose giver or whose takers have all left."""
        ordered = sorted(self.terms.grants, key=lambda grant: grant.id)
        return tuple(grant for grant in ordered if not self._closed(grant))

    def _closed(self, grant: Grant) -> bool:
        takers = {group.split("/")[0] for group in grant.recipients}
        return grant.owner in self.left or takers <= self.left

    def section(self, name: str) -> tuple[str, ...]:
        """The statements of one section, in their canonical order."""
        return tuple(sorted(s.text for s in self.terms.statements if s.section == name))

    def labelled(self, label: str) -> tuple[str, ...]:
        """What stands behind `label:` at the beginning of a line of any statement."""
        lines = (line for s in self.terms.statements for line in s.text.splitlines())
        found = {
            rest.strip()
            for word, colon, rest in (line.partition(":") for line in lines)
            if colon and rest.strip() and word.strip().lower() == label.lower()
        }
        return tuple(sorted(found))


@dataclass(frozen=True, slots=True)
class Held:
    """Everything a register may say, at one time. Made by `hold`."""

    standing: Standing
    at: datetime
    agreements: tuple[Signed, ...]
    activity: Activity

    def name(self, partner: str) -> str:
        known = self.standing.partners.get(partner)
        return known.name if known else partner

    def contract(self, dataset: str) -> Contract | None:
        return self.standing.contracts.get(dataset)

    def title(self, dataset: str) -> str:
        contract = self.contract(dataset)
        return contract.title if contract else dataset

    def about(self) -> dict[str, Any]:
        """What a register was made of. The same facts on the same day give the same bytes."""
        home = self.standing.home
        return {
            "ledger": home.origin if home else "",
            "facts": self.standing.facts,
            "day": london_day(self.at).isoformat(),
            **({"notice": DEMO} if home and home.demo else {}),
        }

    def about_in_words(self) -> str:
        said = self.about()
        made = f"From the ledger of {said['ledger']}, {said['facts']} facts, {said['day']}."
        return " ".join(filter(None, (made, said.get("notice"))))


def references(standing: Standing) -> tuple[str, ...]:
    """The agreements that belong into registers: all parties signed some version of them."""
    return tuple(sorted(name for name in standing.agreements if governing(standing, name)))


def hold(
    standing: Standing, activity: Activity, at: datetime, only: Iterable[str] | None = None
) -> Held:
    """Everything at `at`, or the agreements `only`; `at` is not before the standing's last fact."""
    named = references(standing) if only is None else only
    found = (signed(standing, reference, at) for reference in named)
    return Held(standing, at, tuple(each for each in found if each is not None), activity)


def signed(standing: Standing, reference: str, at: datetime) -> Signed | None:
    version = governing(standing, reference)
    if version is None:
        return None
    force = in_force(reference, standing, at)
    goes_on = version.terms.on_withdrawal == "continue-without"
    left = frozenset(version.withdrawals) if goes_on else frozenset()
    return Signed(version.terms, not force.reasons, left)


def governing(standing: Standing, reference: str) -> Version | None:
    """The newest version that all signed; unlike the standing's own, never one that is open."""
    version = standing.governing(reference)
    return version if version is not None and version.completed is not None else None
