"""The county explained in one page of Markdown: figures, errors, causes, and what is not true."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from .causes import EFFECTS
from .marginals import WITHIN, marginals
from .rates import DESCRIPTIONS
from .records import PLANS, Drawn
from .world import World

EVENTS = {
    "birth": "births",
    "death": "deaths",
    "marriage": "marriages",
    "name-change": "changes of a family name",
    "fall": "falls",
    "spell": "unsteady spells (hidden)",
    "alarm": "telecare alarms",
    "attendance": "emergency attendances",
    "stay": "hospital stays",
    "benefit": "benefit claims begun",
    "application": "housing applications",
    "fire-visit": "home fire safety visits",
    "notice": "police vulnerability notices",
}


def report(world: World, drawn: Mapping[str, Drawn]) -> str:
    """Markdown; the pictures lie beside it."""
    settings = world.settings
    parts = [
        "# Wychshire, a county that does not exist",
        f"{settings.residents:,} residents on the first day, seed {settings.seed}, "
        f"{settings.years} years of events. Nobody in it is real, and no place is.",
        "![Map of the county](map.svg)",
        "![Population pyramid](people.svg)",
        "![Events month by month](seasons.svg)",
        "## How near it comes to the figures",
        f"Shares on the first day against public tables ({world.figures.source}) The largest "
        f"difference of any share of any district is shown; {WITHIN:.0%} is allowed. Deprivation "
        "is a property of whole small areas: a small county has too few of them to come near.",
        *_table(("Figures", "Largest difference"), _near(world)),
        "## What happened",
        *_table(("Event", "Number"), _happened(world)),
        "## How partners record it",
        "Errors found in the files, against how many records could have had each. Rates and their "
        "sources stand in `county/rates.py`.",
        *_table(("Dataset", "Rows", "Delivery", "Errors"), _errors(drawn)),
        "What the errors are: "
        + "; ".join(f"**{name}**, {said}" for name, said in DESCRIPTIONS.items())
        + ".",
        "## The answer key",
        "Every effect was put in on purpose.",
        *_table(("Effect", "Of", "On", "Kind", "Size", "Note"), _effects()),
        "## Canaries",
        f"{int(world.people.canary.sum())} people whose family names begin with Zz, and the "
        "column `note` of every dataset about people, are covered by no agreement. A value that "
        "leaked names its dataset and its row (`truth/canaries.json`).",
    ]
    return "\n\n".join(parts) + "\n"


def _table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    columns = list(head)
    lines = [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]
    lines += [f"| {' | '.join(str(cell) for cell in row)} |" for row in rows]
    yield "\n".join(lines)


def _near(world: World) -> Iterator[tuple[str, str]]:
    for marginal in marginals(world):
        yield marginal.name, f"{marginal.farthest:.2%}"


def _happened(world: World) -> Iterator[tuple[str, str]]:
    for kind, said in EVENTS.items():
        yield said, f"{len(next(iter(world.events[kind].values()))):,}"
    moves = np.count_nonzero(world.residence.since >= world.settings.start)
    yield "residences begun", f"{moves:,}"


def _errors(drawn: Mapping[str, Drawn]) -> Iterator[tuple[str, str, str, str]]:
    for plan in PLANS:
        name = f"{plan.owner}/{plan.id}"
        found = drawn[name]
        errors = "; ".join(
            f"{habit} {wrong:,} of {able:,}"
            for habit, (wrong, able) in sorted(found.counts.items())
            if able
        )
        yield name, f"{len(found.person):,}", plan.delivery, errors or "none"


def _effects() -> Iterator[tuple[str, str, str, str, str, str]]:
    for effect in EFFECTS:
        size = f"{effect.size} ({effect.unit})"
        yield effect.name, effect.of, effect.on, effect.kind, size, effect.note
