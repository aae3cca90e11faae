"""Walks over everything that anybody can do to an assessment: none is approved with a step missing.

A second opinion, written without the product's rules, says from the walk alone whether an approval
may happen at each of its steps; both have to agree, whoever does what in whichever order.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest
from django.db import transaction
from tests.assessed import (
    AT,
    LEAD,
    PEOPLE,
    AssessedBroker,
    answers,
    complete,
    fresh,
    member,
    terms,
    world,
)

from commonthread.broker.access import UserFacing
from commonthread.broker.rules.standing import Member
from commonthread.gateway.assessing import advice, approval, assessments, suggestions
from commonthread.gateway.assessing.steps import seen
from commonthread.gateway.drafting import drafts
from commonthread.gateway.models import APPROVED, Assessment, Draft

pytestmark = pytest.mark.django_db
OFFICER, DPO, GUARDIAN, SIGNATORY = (
    "governance-officer",
    "data-protection-officer",
    "caldicott-guardian",
    "signatory",
)
MANY = "x.many"
SUGGESTED = "more-than-needed"
SAYS = ("supports", "supports", "supports-with-conditions", "advises-against")
LENGTH = 35


Tried = Callable[["Walk", Member], Any]


@dataclass
class Happened:
    """One thing that was let happen: what, who in which role, and what was said."""

    what: str
    who: str
    role: str
    partner: str
    said: Any = None


@dataclass
class Walk:
    """One walk, and the second opinion on it."""

    chance: random.Random
    broker: AssessedBroker
    made: Assessment
    mischief: float
    base: dict[str, dict[str, Any]]
    turn: int = -1
    log: list[Happened] = field(default_factory=list)

    # What somebody may try. Each returns what was said, if that matters later.

    def mend(self, by: Member) -> None:
        for step in self.base:
            self._save(step, self.base, by)

    def spoil(self, by: Member) -> None:
        self._save(self.chance.choice(list(answers())), {}, by)

    def make_high(self, by: Member) -> None:
        self._save("measures", answers(after="likely", impact_after="severe"), by)

    def say_care(self, by: Member) -> None:
        said = answers()["processing"] | {"care_data": True}
        self._save("processing", {"processing": said}, by)

    def _save(self, step: str, table: dict[str, Any], by: Member) -> None:
        now = fresh(self.made)
        said = table.get(step, {})
        if step in ("risks", "measures") and said:
            said = self._with_suggested(step, said)
        assessments.save(now.id, step, said, seen(now.steps, step), by=by, at=AT)

    def _with_suggested(self, step: str, said: dict[str, Any]) -> dict[str, Any]:
        [(name, own)] = said.items()
        key = {"risks": "id", "measures": "risk"}[step]
        steps: Any = self.made.steps
        return {name: [*own, *(one for one in steps[step][name] if one[key] == SUGGESTED)]}

    def take_over(self, by: Member) -> None:
        suggestions.take_over(self.made.id, SUGGESTED, self.broker.standing(), by=by, at=AT)

    def dismiss(self, by: Member) -> str:
        suggestions.dismiss(self.made.id, SUGGESTED, "No.", self.broker.standing(), by=by, at=AT)
        return "dismissed"

    def ask(self, by: Member) -> dict[str, Any]:
        advice.ask(self.made.id, self.broker.standing(), by=by, at=AT)
        return self._draft().terms

    def take_back(self, by: Member) -> None:
        advice.take_back(self.made.id, by=by, at=AT)

    def advise(self, by: Member) -> str:
        says = self.chance.choice(SAYS)
        revision = fresh(self.made).revision
        advice.advise(self.made.id, says, "We looked.", revision, by=by, at=AT)
        return says

    def decide(self, by: Member) -> str:
        how = self.chance.choice(("accepted", "overruled"))
        reason = self.chance.choice(("", "Lives are at risk."))
        advice.decide(self.made.id, how, reason, fresh(self.made).revision, by=by, at=AT)
        assert how == "accepted" or reason
        return how

    def consult(self, by: Member) -> None:
        revision = fresh(self.made).revision
        advice.consult(self.made.id, date(2026, 11, 1), "Fine.", revision, by=by, at=AT)

    def change_draft(self, by: Member) -> None:
        draft = self._draft()
        text = self.chance.choice(("Plan.", "Plan the winter."))
        changed = {**draft.terms, "purpose": [{"id": "planning", "text": text}]}
        Draft.objects.filter(id=draft.id).update(terms=changed)

    def approve(self, by: Member) -> None:
        revision = fresh(self.made).revision
        approval.approve(self.made.id, self.broker, revision, by=by, at=AT)  # type: ignore[arg-type]

    def _draft(self) -> Draft:
        return Draft.objects.get(id=self.made.draft_id)

    def step(self) -> bool:
        """One thing tried by somebody; whether it was an approval that came about."""
        what, wanted = self._next()
        by = self._somebody(wanted)
        before = fresh(self.made).steps
        expected = self.may_approve(by) if what is Walk.approve else None
        try:
            with transaction.atomic():
                said = what(self, by)
            happened = True
        except UserFacing:
            happened = False
        assert expected in (None, happened), (what.__name__, by, self.log)
        if happened:
            changed = fresh(self.made).steps != before or said == "dismissed"
            if changed:
                self.log.append(Happened("changed", by.id, by.roles[0], by.partner))
            self.log.append(Happened(what.__name__, by.id, by.roles[0], by.partner, said))
        return happened and what is Walk.approve

    def _next(self) -> tuple[Tried, str]:
        if self.chance.random() < self.mischief:
            return self.chance.choice(BACK)
        self.turn += 1 + (self.chance.random() < 0.3)
        return FORWARD[self.turn % len(FORWARD)]

    def _somebody(self, role: str) -> Member:
        """Mostly of the role that it takes; now and then anybody, or one who has every role."""
        luck = self.chance.random()
        if luck < 0.25:
            other = self.chance.choice((OFFICER, DPO, GUARDIAN, SIGNATORY))
            return Member(MANY, MANY, LEAD, (role if luck < 0.2 else other,), ())
        wanted = [id_ for id_, (_, has) in PEOPLE.items() if luck < 0.35 or has == role]
        own = [id_ for id_ in wanted if PEOPLE[id_][0] == LEAD]
        wanted = own if own and luck > 0.5 else wanted
        return member(self.broker, self.chance.choice(wanted))

    def nobody_is_two(self) -> bool:
        roles: dict[str, set[str]] = {}
        for each in self._parts():
            roles.setdefault(each.who, set()).add(each.role)
        return all(len(has) == 1 for has in roles.values())

    # The second opinion.

    def may_approve(self, by: Member) -> bool:
        return (
            by.roles == (SIGNATORY,)
            and by.partner == LEAD
            and not any(each.who == by.id and each.role != SIGNATORY for each in self._parts())
            and self._with_advisers()
            and self._complete()
            and self._advised()
            and (not self._care() or self._guarded())
            and (not self._high() or any(each.what == "consult" for each in self._since()))
        )

    def _parts(self) -> list[Happened]:
        """What makes somebody an author, an adviser or a signatory of it; the ICO does not."""
        begun = [Happened("changed", "g.penn", OFFICER, LEAD)]
        kinds = ("changed", "take_over", "dismiss", "advise", "decide")
        return begun + [each for each in self.log if each.what in kinds]

    def _since(self) -> list[Happened]:
        """What happened after the last change of a word."""
        last = max((i for i, each in enumerate(self.log) if each.what == "changed"), default=-1)
        return self.log[last + 1 :]

    def _with_advisers(self) -> bool:
        moves = ("ask", "take_back", "changed")
        last = next((each for each in reversed(self.log) if each.what in moves), None)
        return last is not None and last.what == "ask" and last.said == self._draft().terms

    def _complete(self) -> bool:
        steps: Any = fresh(self.made).steps
        return all(
            steps.get(step, {}).get(name) for step, said in answers().items() for name in said
        )

    def _newest(self, role: str) -> dict[str, Happened]:
        given = [e for e in self._since() if e.what == "advise" and e.role == role]
        return {each.who: each for each in given}

    def _advised(self) -> bool:
        newest = self._newest(DPO)
        if not any(each.partner == LEAD for each in newest.values()):
            return False
        since = [
            e for e in self._since() if e.what == "decide" or (e.what, e.role) == ("advise", DPO)
        ]
        against = any(each.said == "advises-against" for each in newest.values())
        return since[-1].what == "decide" and (since[-1].said == "overruled" or not against)

    def _care(self) -> bool:
        steps: Any = fresh(self.made).steps
        return steps.get("processing", {}).get("care_data") is True

    def _guarded(self) -> bool:
        newest = self._newest(GUARDIAN).values()
        return bool(newest) and not any(each.said == "advises-against" for each in newest)

    def _high(self) -> bool:
        steps: Any = fresh(self.made).steps
        return any(
            (each["likelihood"], each["impact"]) == ("likely", "severe")
            for each in steps["measures"].get("measure", [])
        )


# The way to an approval, which walks go round and round on, leaving out a step now and then.
FORWARD: tuple[tuple[Tried, str], ...] = (
    (Walk.ask, OFFICER),
    (Walk.advise, DPO),
    (Walk.advise, GUARDIAN),
    (Walk.consult, OFFICER),
    (Walk.decide, SIGNATORY),
    (Walk.approve, SIGNATORY),
    (Walk.mend, OFFICER),
)
BACK: tuple[tuple[Tried, str], ...] = (
    (Walk.spoil, OFFICER),
    (Walk.make_high, OFFICER),
    (Walk.say_care, OFFICER),
    (Walk.take_over, OFFICER),
    (Walk.dismiss, OFFICER),
    (Walk.take_back, OFFICER),
    (Walk.change_draft, OFFICER),
)


def test_no_walk_reaches_approval_with_a_step_missing(scale: Callable[[int, int], int]) -> None:
    approved = 0
    for seed in range(scale(45, 3_000)):
        with transaction.atomic():
            approved += _walk(random.Random(seed))
            transaction.set_rollback(True)
    # A walk that never gets there would say nothing about getting there.
    assert approved > 5


def _walk(chance: random.Random) -> bool:
    broker = world()
    broker.county.add_member(MANY, LEAD, roles=[SIGNATORY])
    draft = drafts.start(member(broker, "g.penn"), terms(), "blank", AT)
    left = chance.choice((("rare", "minor"), ("likely", "severe")))
    made = complete(broker, draft, after=left[0], impact_after=left[1])
    base = answers(after=left[0], impact_after=left[1])
    walk = Walk(chance, broker, made, chance.choice((0.05, 0.2)), base)
    if chance.random() < 0.5:
        base["processing"]["care_data"] = True
        walk.mend(member(broker, "g.penn"))
    for _ in range(LENGTH):
        approved = walk.step()
        assert walk.nobody_is_two(), walk.log
        if approved:
            made = fresh(walk.made)
            assert made.state == APPROVED
            assert broker.standing().dpias[made.digest].approved_by == made.approved_by
            return True
    assert fresh(walk.made).digest == ""
    return False
