"""Each rule of `decide` taken away, and each of its comparisons turned round: the oracle objects.

A test that cannot fail proves nothing; this one shows that the sample of `test_decisions` would
notice the loss of any one rule.
"""

import ast
import inspect
from collections.abc import Callable, Iterator
from types import ModuleType

import pytest
from oracle import Verdict, judge
from test_decisions import CODES, SEED, said
from worlds import Case, cases

from commonthread.broker.rules import decisions, force
from commonthread.broker.rules.decisions import Decision, GrantDecision
from commonthread.broker.rules.errors import Reason
from commonthread.broker.rules.force import Force

SAMPLE = 6_000
Change = Callable[[tuple[Reason, ...]], tuple[Reason, ...]]


# Turned round, these change a message, a warning, the questions that `what_can` asks (which
# test_decisions holds to the oracle), or nothing at all: at the first instant of the span that
# on_lapse = "end" looks at, what was covered at its beginning is covered.
EXPLAINED = {
    "_credential_reasons: state == 'held' -> state != 'held'",
    "_lookup_reasons: grant.by == PERSON -> grant.by != PERSON",
    "signature_reasons: partner == PLATFORM -> partner != PLATFORM",
    "_use: grant.mode == 'lookup' -> grant.mode != 'lookup'",
    "charter_reasons: partner == PLATFORM -> partner != PLATFORM",
    "credential_state: since <= at -> since < at",
    "in_force: at >= ends(terms.review) -> at < ends(terms.review)",
    "in_force: at >= ends(terms.review) -> at > ends(terms.review)",
    "in_force: version is not None -> version is None",
}
ASKING = ("_dataset_of:", "probe:", "what_can:", "who_can:")

pytestmark = pytest.mark.usefixtures("remembered")


@pytest.fixture(scope="module")
def judged() -> list[tuple[Case, Verdict]]:
    """The beginning of the sample, judged once."""
    return [(case, judge(case.request, case.standing, case.at)) for case in cases(SEED, SAMPLE)]


def dropped(code: str) -> Change:
    return lambda reasons: tuple(reason for reason in reasons if reason.code != code)


def turned_round(code: str) -> Change:
    """The reason stands where it should not, and not where it should."""
    drop = dropped(code)
    return lambda reasons: drop(reasons) or (() if reasons else (Reason(code, "", ""),))


def change_reasons(monkeypatch: pytest.MonkeyPatch, change: Change) -> None:
    """Every verdict, about an agreement, a grant or a request, is made of changed reasons."""

    def changed(made: type, place: int) -> Callable[..., object]:
        def make(*values: object) -> object:
            listed = list(values)
            listed[place] = change(tuple(listed[place]))  # type: ignore[call-overload]
            return made(*listed)

        return make

    monkeypatch.setattr(force, "Force", changed(Force, 1))
    monkeypatch.setattr(decisions, "GrantDecision", changed(GrantDecision, 1))
    monkeypatch.setattr(decisions, "Decision", changed(Decision, 3))


def objection(
    judged: list[tuple[Case, Verdict]], decide: Callable[..., Decision] = decisions.decide
) -> Case | None:
    """The first case in which the oracle says otherwise, or in which `decide` fails."""
    for case, verdict in judged:
        try:
            found, expected = said(decide(case.request, case.standing, case.at), verdict)
        except Exception:  # noqa: BLE001 - a mutant may fail in any way, and a test would notice
            return case
        if found != expected:
            return case
    return None


@pytest.mark.parametrize("code", sorted(CODES | {"rests-on-depth"}))
def test_without_the_rule_something_is_permitted_that_is_not(
    code: str, judged: list[tuple[Case, Verdict]], monkeypatch: pytest.MonkeyPatch
) -> None:
    change_reasons(monkeypatch, dropped(code))
    if code == "purpose-unknown":  # what is no purpose of the agreement is no grant's purpose
        assert objection(judged)
        return
    assert any(
        decisions.decide(case.request, case.standing, case.at).permitted
        for case, verdict in judged
        if not verdict.permitted
    )


@pytest.mark.parametrize("code", sorted(CODES))
def test_a_rule_turned_round_is_noticed(
    code: str, judged: list[tuple[Case, Verdict]], monkeypatch: pytest.MonkeyPatch
) -> None:
    change_reasons(monkeypatch, turned_round(code))
    assert objection(judged)


OPPOSITE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.GtE,
    ast.LtE: ast.Gt,
    ast.Gt: ast.LtE,
    ast.GtE: ast.Lt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
NEIGHBOUR: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
}


def mutants() -> Iterator[tuple[str, Callable[..., Decision]]]:
    """`decide` with one comparison turned round, or off by one instant; with where it stands."""
    for where, mutant in mutants_of(decisions):
        yield where, mutant.decide
    for where, mutant in mutants_of(force):
        deciding = compiled(decisions, ast.parse(inspect.getsource(decisions)))
        for name in ("in_force", "charter_reasons"):
            setattr(deciding, name, getattr(mutant, name))
        yield where, deciding.decide


def mutants_of(module: ModuleType) -> Iterator[tuple[str, ModuleType]]:
    source = inspect.getsource(module)
    count = sum(isinstance(node, ast.Compare) for node in ast.walk(ast.parse(source)))
    for place in range(count):
        for table in (OPPOSITE, NEIGHBOUR):
            tree = ast.parse(source)
            compared = [node for node in ast.walk(tree) if isinstance(node, ast.Compare)][place]
            where = f"{function_of(tree, compared)}: {ast.unparse(compared)}"
            operator = table.get(type(compared.ops[0]))
            if operator is not None:
                compared.ops[0] = operator()
                yield f"{where} -> {ast.unparse(compared)}", compiled(module, tree)


def function_of(tree: ast.Module, node: ast.AST) -> str:
    return next(
        outer.name
        for outer in ast.walk(tree)
        if isinstance(outer, ast.FunctionDef) and node in set(ast.walk(outer))
    )


def compiled(module: ModuleType, tree: ast.Module) -> ModuleType:
    mutant = ModuleType(module.__name__)
    mutant.__package__ = module.__package__
    exec(compile(ast.fix_missing_locations(tree), "mutant", "exec"), mutant.__dict__)  # noqa: S102
    return mutant


def test_each_comparison_is_needed(judged: list[tuple[Case, Verdict]]) -> None:
    unnoticed = {
        where
        for where, decide in mutants()
        if not where.startswith(ASKING) and objection(judged, decide) is None
    }
    assert unnoticed <= EXPLAINED


def test_agreements_may_not_rest_deeper(
    judged: list[tuple[Case, Verdict]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for deepest in (force.DEEPEST - 1, force.DEEPEST + 1):
        monkeypatch.setattr(force, "DEEPEST", deepest)
        assert objection(judged)
