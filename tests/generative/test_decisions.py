"""`decide` against an oracle that was written apart from it: the same verdicts, or one is wrong."""

import random
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from oracle import Verdict, judge
from worlds import Case, cases

from commonthread.broker.rules.decisions import Decision, decide, what_can, who_can
from commonthread.broker.rules.force import in_force
from commonthread.broker.rules.requests import Lookup, Request, Sql
from commonthread.broker.rules.standing import Standing
from commonthread.broker.rules.terms import Grant

CODES = {
    "agreement-unknown",
    "by",
    "charter-dates",
    "charter-unknown",
    "clause-unknown",
    "clock-behind",
    "contract",
    "credential-ended",
    "credential-missing",
    "dpia-not-approved",
    "dpia-review",
    "dpia-unknown",
    "ended",
    "grant-unknown",
    "linkage",
    "member-unknown",
    "mode",
    "needs",
    "no-data",
    "not-acceded",
    "not-linked",
    "not-started",
    "own-charter",
    "own-data",
    "own-data-role",
    "party-left",
    "purpose",
    "purpose-unknown",
    "rate",
    "reason",
    "recipient",
    "rests-on",
    "suspended",
    "unsigned",
    "withdrawn",
}
SEED = 20_261_124


def said(decision: Decision, verdict: Verdict) -> tuple[object, object]:
    """Both in one form; when a refusal ends is nobody's business."""
    codes = frozenset(reason.code for reason in decision.reasons)
    if decision.permitted and verdict.permitted:
        return (True, codes, decision.expires), (True, verdict.codes, verdict.expires)
    return (decision.permitted, codes), (verdict.permitted, verdict.codes)


@pytest.mark.usefixtures("remembered")
def test_decide_agrees_with_the_oracle(scale: Callable[[int, int], int]) -> None:
    count, permits = scale(20_000, 1_000_000), 0
    decisive: Counter[str] = Counter()
    for case in cases(SEED, count):
        verdict = judge(case.request, case.standing, case.at)
        found, expected = said(decide(case.request, case.standing, case.at), verdict)
        assert found == expected, (case.request, case.at)
        permits += verdict.permitted
        # An unknown purpose is no grant's purpose either: the two always come together.
        if len(verdict.codes - {"purpose-unknown"}) == 1:
            decisive.update(verdict.codes)
    assert permits * 3 >= count
    rare = {code: decisive[code] for code in CODES if decisive[code] < scale(5, 1_000)}
    assert not rare
    assert set(decisive) == CODES


def some(count: int, seed: int) -> Iterator[Case]:
    """Cases far apart from one another, whose clock is not behind."""
    chosen = random.Random(seed)
    for case in cases(seed, count * 400):
        if chosen.random() < 1 / 400:
            yield case


def question_for(grant: Grant) -> Sql | Lookup:
    if grant.mode == "lookup":
        return Lookup(grant.id, "any", "any", grant.by == "person")
    return Sql("", (grant.table,))


def governing_grants(standing: Standing) -> Iterator[tuple[str, Grant]]:
    for reference in standing.agreements:
        version = standing.governing(reference)
        assert version is not None
        for grant in version.terms.grants:
            yield reference, grant


@pytest.mark.usefixtures("remembered")
def test_what_can_says_what_decide_and_the_oracle_say(scale: Callable[[int, int], int]) -> None:
    for case in some(scale(8, 200), SEED + 1):
        standing, at, member = case.standing, case.at, case.request.member
        expected = {
            (reference, grant.id): judge(
                Request(member, question_for(grant), reference, grant.purpose), standing, at
            ).codes
            for reference, grant in governing_grants(standing)
        }
        found = {
            (decision.request.agreement, grant): frozenset(r.code for r in decision.reasons)
            for grant, decision in what_can(member, standing, at)
        }
        assert found == expected
        for _, decision in what_can(member, standing, at):
            assert decision == decide(decision.request, standing, at)


@pytest.mark.usefixtures("remembered")
def test_who_can_says_what_the_oracle_says(scale: Callable[[int, int], int]) -> None:
    for case in some(scale(2, 40), SEED + 2):
        standing, at = case.standing, case.at
        expected = {
            (member, reference, grant.id): judge(
                Request(member, question_for(grant), reference, grant.purpose), standing, at
            ).permitted
            for member in standing.members
            for reference, grant in governing_grants(standing)
            if grant.dataset == "ash/alpha"
        }
        found = {
            (member, decision.request.agreement, grant): decision.permitted
            for member, grant, decision in who_can("ash/alpha", standing, at)
        }
        assert found == expected


@pytest.mark.usefixtures("remembered")
@pytest.mark.parametrize("depth", range(11))
def test_agreements_rest_on_one_another_eight_deep_at_most(depth: int) -> None:
    case = next(cases(SEED, 1))
    reference = next(name for name in case.standing.agreements if name.startswith("ISA-0"))
    codes = {reason.code for reason in in_force(reference, case.standing, case.at, depth).reasons}
    assert ("rests-on-depth" in codes) == (depth > 8)


def test_a_member_who_asks_nothing_known_is_refused() -> None:
    for case in some(3, SEED + 3):
        for question in (Sql(""), Sql("", ("x",)), Lookup("", "", "")):
            assert not decide(Request("", question), case.standing, case.at).permitted
