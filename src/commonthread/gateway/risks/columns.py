"""Risks that lie in what the columns show about people."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from commonthread.broker.rules.terms import Grant

from .matrix import Suggestion
from .scene import SCHOOLING, Scene, Shown

Rule = Callable[[Scene], Iterator[Suggestion]]
SMALL_COUNT = 10
# The share of rows that are unique from which somebody is likely to be recognised.
MANY_UNIQUE = 0.05


def small_areas(scene: Scene) -> Iterator[Suggestion]:
    """Statistics by small areas with a small threshold: a figure may be one family."""
    places = [
        shown
        for grant in scene.personal()
        if grant.mode == "statistics" and grant.minimum_count < SMALL_COUNT
        for shown in scene.shown(grant)
        if shown.is_place
    ]
    if places:
        fine = any(shown.is_fine_place for shown in places)
        yield Suggestion(
            "small-areas",
            "A figure for a small area may point to one family.",
            f"Figures are divided by area ({_names(places)}), and counts from "
            f"{min(shown.grant.minimum_count for shown in places)} are shown.",
            tuple(shown.clause for shown in places),
            "likely" if fine else "possible",
            "significant",
            "Show the outward postcode or the district only, and raise minimum_count to 10.",
            "low",
        )


def special_categories(scene: Scene) -> Iterator[Suggestion]:
    grants = scene.grants_of("special-category")
    if grants:
        seen = [grant for grant in grants if grant.mode != "statistics"]
        yield Suggestion(
            "special-categories",
            "Somebody’s health or another sensitive fact becomes known to people it is no business "
            "of.",
            "Special-category data are shared "
            + ("row by row" if seen else "as statistics")
            + f": {_grants(grants)}.",
            _clauses(grants, "dataset"),
            "possible" if seen else "unlikely",
            "severe",
            "Show codes and no more of them than the purpose needs; train recipients first.",
            "medium" if seen else "low",
        )


def criminal_data(scene: Scene) -> Iterator[Suggestion]:
    grants = scene.grants_of("criminal")
    if grants:
        yield Suggestion(
            "criminal-data",
            "Somebody is treated as an offender because of an allegation or an old record.",
            f"Criminal-offence data are shared: {_grants(grants)}.",
            _clauses(grants, "dataset"),
            "possible",
            "severe",
            "Keep facts and allegations apart, show no spent convictions, and decide nothing on "
            "the data alone.",
            "medium",
        )


def children(scene: Scene) -> Iterator[Suggestion]:
    """Dates of birth and ages that may be children's, and what schools hold."""
    found = [
        shown for grant in scene.personal() for shown in scene.shown(grant) if _young(scene, shown)
    ]
    if found:
        seen = any(shown.grant.mode != "statistics" for shown in found)
        yield Suggestion(
            "children",
            "Data about children are used in ways that they and their families do not expect.",
            f"These columns may be about people under 18: {_names(found)}.",
            tuple(shown.clause for shown in found),
            "possible" if seen else "unlikely",
            "severe" if seen else "significant",
            "Leave out those under 18 by a row filter, or say why their best interests are served, "
            "in words that they understand.",
            "medium" if seen else "low",
        )


def _young(scene: Scene, shown: Shown) -> bool:
    about = shown.words | frozenset(scene.title(shown.grant).casefold().split())
    if about & SCHOOLING:
        return True
    birth = shown.role == "date_of_birth" and shown.granted.treatment != "flag"
    return birth and not scene.adults_only(shown.grant, shown.granted.name)


def re_identification(scene: Scene) -> Iterator[Suggestion]:
    """Birth, sex and place together, without a name; with the owners' counts where given."""
    for grant in scene.personal():
        shown = scene.shown(grant)
        telling = [each for each in shown if _tells(each)]
        counted = scene.counted.get(grant.id)
        many = counted is not None and counted.share >= MANY_UNIQUE
        named = any(each.is_direct for each in shown)
        if grant.mode == "statistics" or named or (len(telling) < 2 and not many):
            continue
        if counted is not None:
            said = f" {counted.unique} of {counted.rows} rows are unique on what is shown."
            likelihood = "likely" if many else "unlikely" if counted.unique == 0 else "possible"
        else:
            said = " The owner has not counted how many rows are unique."
            likelihood = "likely" if len(telling) > 2 else "possible"
        yield Suggestion(
            f"re-identification-{grant.id}",
            "Somebody without a name in the data is recognised all the same.",
            f"{grant.id} shows {_names(telling) or 'rare combinations'} together.{said}",
            tuple(each.clause for each in telling) or (f"grant[{grant.id}].columns",),
            likelihood,
            "significant",
            "Show an age band for the date of birth and the outward half of the postcode, or give "
            "statistics.",
            "low",
        )


def _tells(shown: Shown) -> bool:
    """Whether it narrows down who somebody is, although it is no name."""
    birth = shown.role == "date_of_birth" and shown.granted.treatment in ("plain", "month", "year")
    return birth or shown.role == "sex" or shown.is_fine_place


def free_text(scene: Scene) -> Iterator[Suggestion]:
    found = [
        shown for grant in scene.personal() for shown in scene.shown(grant) if shown.is_free_text
    ]
    if found:
        yield Suggestion(
            "free-text",
            "A note says more than anybody meant to share, or names a third person.",
            f"No list of values bounds these columns: {_names(found)}.",
            tuple(shown.clause for shown in found),
            "likely",
            "significant",
            "Leave the column out, or show only whether it is filled (flag).",
            "low",
        )


def rows_for_nothing(scene: Scene) -> Iterator[Suggestion]:
    """Rows that nobody can act on, since they name nobody: statistics may do."""
    grants = [
        grant
        for grant in scene.personal()
        if grant.mode == "rows" and not _acted_on(scene, grant) and scene.shown(grant)
    ]
    if grants:
        yield Suggestion(
            "more-than-needed",
            "Recipients see people’s records where a count would answer the question.",
            f"Rows that name nobody help nobody by name, and these are such: {_grants(grants)}.",
            _clauses(grants, "mode"),
            "likely",
            "minor",
            "Give statistics, or say why rows are needed.",
            "low",
        )


def _acted_on(scene: Scene, grant: Grant) -> bool:
    """Whether its rows say whom they are about, themselves or by `person` beside other rows."""
    with_names = {
        other.id
        for other in scene.terms.grants
        if other.mode in ("rows", "lookup")
        and any(each.is_direct or each.is_reference for each in scene.shown(other))
    }
    beside = {
        other.id
        for other in scene.terms.grants
        if grant.person and other.person and set(other.recipients) & set(grant.recipients)
    }
    return bool(({grant.id} | beside) & with_names)


def _names(shown: list[Shown]) -> str:
    return ", ".join(dict.fromkeys(each.granted.name for each in shown))


def _grants(grants: tuple[Grant, ...] | list[Grant]) -> str:
    return ", ".join(grant.id for grant in grants)


def _clauses(grants: tuple[Grant, ...] | list[Grant], field: str) -> tuple[str, ...]:
    return tuple(f"grant[{grant.id}].{field}" for grant in grants)


COLUMN_RULES: tuple[Rule, ...] = (
    small_areas,
    special_categories,
    criminal_data,
    children,
    re_identification,
    free_text,
    rows_for_nothing,
)
