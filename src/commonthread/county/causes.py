"""What makes things happen here: the answer key of the county.

Whoever models the county's data can be told right or wrong, because every effect was put in on
purpose, with its size. All sizes are assumptions: they are chosen to be found, not to be true.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Effect:
    """`kind`: "cause", "sign" (same hidden cause, earlier), or "confounded" (none at all)."""

    name: str
    of: str
    on: str
    kind: str
    size: float
    unit: str
    note: str


EFFECTS = (
    Effect(
        "spell-alarms",
        *("telecare alarms in the last 30 days", "emergency attendance", "sign", 0.34),
        "share of spells that end in an attendance within 30 days",
        "An unsteady spell raises alarms first and ends in a fall and an attendance for a third of "
        "those who have it. Alarms foretell; switching them off would change nothing.",
    ),
    Effect(
        "age-falls",
        *("age", "falls", "cause", 0.060),
        "log hazard per year of age over 65",
        "Falls double about every twelve years of age.",
    ),
    Effect(
        "alone-falls",
        *("living alone", "falls", "cause", 1.45),
        "ratio of hazards",
        "Living alone raises the risk of a fall by 45 %, and of lying long after it.",
    ),
    Effect(
        "frailty-falls",
        *("frailty (hidden)", "falls, stays, care", "cause", 2.2),
        "log hazard from 0 to 1",
        "Nobody records frailty; codes at the GP are a rough image of it.",
    ),
    Effect(
        "damp-breathing",
        *("a damp home", "attendance for breathing", "cause", 2.1),
        "ratio of hazards",
        "Damp homes more than double attendances for breathing, most in winter, most under five.",
    ),
    Effect(
        "deprivation-attendance",
        *("deprivation of the area", "attendances of all kinds", "cause", 1.07),
        "ratio of hazards per decile",
        "Seven per cent more attendances for each decile towards the most deprived.",
    ),
    Effect(
        "badge-attendance",
        *("a blue badge", "emergency attendance", "confounded", 1.0),
        "ratio of hazards, given frailty and age",
        "Holders attend far more often: frailty and age cause both. The badge does nothing.",
    ),
    Effect(
        "visit-attendance",
        *("a home fire safety visit", "emergency attendance", "confounded", 1.0),
        "ratio of hazards, given age, living alone and frailty",
        "Visits go to those at risk, who attend more. The visit does nothing to attendances.",
    ),
)
BY_NAME = {effect.name: effect for effect in EFFECTS}


def size(name: str) -> float:
    return BY_NAME[name].size
