"""The law that agreements name: maintained lists, and where choices from them do not go together.

Every entry says whom it can bind or empower, when it fits, what it needs beside it, where it was
read and when, and what has still to be verified. The lists cover England and help officers choose;
they are not legal advice, and an agreement is not a lawful basis (ICO data sharing code).
"""

from .bases import ANNEX_1, BASES, Basis
from .bodies import CLASSES, KINDS, Kind, in_words, is_one_of
from .citations import Citation, citations
from .conditions import (
    ARTICLE_10,
    CONDITIONS,
    POLICY_DUTY,
    SCHEDULE_1,
    Condition,
    ScheduleCondition,
)
from .confidence import CONFIDENTIALITY, OPT_OUTS, Confidence, OptOut
from .conflicts import conflicts
from .entry import Entry
from .finding import PUBLIC, SEVERITIES, STOP, WARN, Conflict, Scene
from .powers import POWERS, Power
from .provisional import Provisional, provisional

__all__ = [
    "ANNEX_1",
    "ARTICLE_10",
    "BASES",
    "CLASSES",
    "CONDITIONS",
    "CONFIDENTIALITY",
    "KINDS",
    "OPT_OUTS",
    "POLICY_DUTY",
    "POWERS",
    "PUBLIC",
    "SCHEDULE_1",
    "SEVERITIES",
    "STOP",
    "WARN",
    "Basis",
    "Citation",
    "Condition",
    "Confidence",
    "Conflict",
    "Entry",
    "Kind",
    "OptOut",
    "Power",
    "Provisional",
    "Scene",
    "ScheduleCondition",
    "choices",
    "citations",
    "conflicts",
    "in_words",
    "is_one_of",
    "provisional",
]


def choices(kind: str) -> tuple[Power, ...]:
    """The powers that a body of this kind can choose; all of them where the kind is not known."""
    return tuple(
        power
        for power in POWERS.values()
        if is_one_of(kind, power.bodies) is not False
        and not (power.excludes and is_one_of(kind, power.excludes))
    )
