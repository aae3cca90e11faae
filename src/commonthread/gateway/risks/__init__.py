"""Risks that the terms themselves suggest, each with the clause that made it, and the matrix.

`suggested_risks` is rules over values: the same terms give the same suggestions. A suggestion is a
draft of a risk for the assessment's fifth and sixth step (ICO); people keep, change or drop it.
What the rules do not see, such as what a purpose does to people, is for people to say.
"""

from collections.abc import Mapping

from commonthread.broker.rules.contracts import Contract
from commonthread.broker.rules.terms import LEVELS, Terms

from .columns import COLUMN_RULES
from .matrix import Cell, Counted, Suggestion, level, matrix
from .scene import Scene
from .uses import USE_RULES

__all__ = ["Cell", "Counted", "Suggestion", "level", "matrix", "suggested_risks"]


def suggested_risks(
    terms: Terms,
    contracts: Mapping[str, Contract],
    counted: Mapping[str, Counted] | None = None,
) -> tuple[Suggestion, ...]:
    """What the terms suggest, the highest level first; ids are unique and stable.

    `counted`: by grant id, what the owner of its dataset counted under the charter's own-data
    clause. A dataset that is not known is passed over where a rule would need its columns.
    """
    scene = Scene(terms, contracts, counted or {})
    found = [suggestion for rule in (*COLUMN_RULES, *USE_RULES) for suggestion in rule(scene)]
    return tuple(sorted(found, key=lambda each: (-LEVELS.index(each.level), each.id)))
