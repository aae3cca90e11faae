"""Terms out of a draft that is not finished, so that conflicts and risks show while it is written.

What cannot be read yet is left out, part by part, and named. What is missing gets a value that no
rule of `conflicts` or of the suggested risks speaks about. Such terms are for looking at: they are
never offered, signed or stored.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from commonthread.broker.rules.authored import parse_terms
from commonthread.broker.rules.errors import BadInput, Problem
from commonthread.broker.rules.terms import Terms

from .citations import UNCHOSEN

LISTS = ("party", "purpose", "grant", "requires_credentials", "statement", "duty", "risk")
DATES = {"starts": "2999-01-01", "ends": "2999-12-31", "review": "2999-12-31"}
NEUTRAL = {
    "reference": "DRAFT",
    "title": "Draft",
    "charter": "DRAFT",
    **DATES,
}
NEUTRAL_PARTY = {"role": "controller", "lawful_basis": "public-task", "legal_power": UNCHOSEN}
NOTHING = "not-chosen-yet"
NEUTRAL_GRANT = {"mode": "rows", "retention": "P1D"}
ITEM = re.compile(r"^agreement\.([a-z_]+)\[([^\]]+)\]")
OWNED = re.compile(r"^agreement\.([a-z][a-z0-9.-]*)\.owner$")
FIELD = re.compile(r"^agreement\.([a-z_]+)")


@dataclass(frozen=True, slots=True)
class Provisional:
    """Terms to look at, or None while there is too little; `left_out` are paths of the draft."""

    terms: Terms | None
    left_out: tuple[str, ...] = ()


def provisional(table: Mapping[str, Any]) -> Provisional:
    """The draft as far as it can be read; it ends, since each round leaves something out."""
    made = _neutral(table)
    left_out: list[str] = []
    while True:
        try:
            return Provisional(parse_terms(made), tuple(left_out))
        except BadInput as error:
            # One at a time: what goes shifts the numbers of the problems after it.
            gone = next(filter(None, (_leave_out(made, each) for each in error.problems)), "")
        if gone:
            left_out.append(gone)
        elif not _stand_in(made):
            return Provisional(None, tuple(left_out))


def _stand_in(made: dict[str, Any]) -> bool:
    """A purpose and a grant over nothing where a draft has none: its parties can be looked at."""
    parties = [each.get("partner") for each in _tables(made, "party")]
    first = next((each for each in parties if isinstance(each, str)), "")
    if not first or (_tables(made, "purpose") and _tables(made, "grant")):
        return False
    if not _tables(made, "purpose"):
        made["purpose"] = [{"id": NOTHING, "text": NOTHING}]
    if not _tables(made, "grant"):
        made["grant"] = [
            {
                **NEUTRAL_GRANT,
                "id": NOTHING,
                "dataset": f"{first}/{NOTHING}",
                "purpose": _tables(made, "purpose")[0].get("id"),
                "recipients": [f"{first}/{NOTHING}"],
                "columns": ["nothing"],
            }
        ]
    return True


def _neutral(table: Mapping[str, Any]) -> dict[str, Any]:
    """A copy with neutral values where nothing is said."""
    made = copy.deepcopy({name: value for name, value in table.items() if value not in ("", None)})
    made = {**NEUTRAL, **made}
    for name, neutral in (("party", NEUTRAL_PARTY), ("grant", NEUTRAL_GRANT)):
        made[name] = [
            {**neutral, **{k: v for k, v in each.items() if v not in ("", None)}}
            for each in _tables(made, name)
        ]
    purposes = {str(each.get("id")) for each in _tables(made, "purpose")}
    for grant in made["grant"]:
        if "purpose" not in grant and len(purposes) == 1:
            grant["purpose"] = next(iter(purposes))
    return made


def _tables(made: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    held = made.get(name)
    return [each for each in held if isinstance(each, dict)] if isinstance(held, list) else []


def _leave_out(made: dict[str, Any], problem: Problem) -> str:
    """Take out what a problem is about; the path of what went, or "" when nothing could."""
    if item := ITEM.match(problem.where):
        return _take(made, item.group(1), item.group(2))
    if owned := OWNED.match(problem.where):
        return _take(made, "duty", owned.group(1)) or _take(made, "risk", owned.group(1))
    field = FIELD.match(problem.where)
    if field is None or field.group(1) in LISTS:
        return ""
    name = field.group(1)
    if name == "single_out" and made.get(name) is not True:
        made[name] = True
        return name
    neutral = DATES if name in DATES else {name: NEUTRAL[name]} if name in NEUTRAL else {}
    if not neutral and name in made:
        del made[name]
        return name
    if all(made.get(each) == value for each, value in neutral.items()):
        return ""
    made.update(neutral)
    return name


def _take(made: dict[str, Any], name: str, which: str) -> str:
    """Take out an item by its number or its id."""
    items = made.get(name)
    if not isinstance(items, list):
        return ""
    for number, item in enumerate(items):
        if str(number) == which or (isinstance(item, dict) and item.get("id") == which):
            said = item.get("id") or item.get("partner") if isinstance(item, dict) else None
            del items[number]
            return f"{name}[{said or number}]"
    return ""
