"""What a new version changes, clause by clause: administrative, or material.

Administrative is what leaves everybody's position as it was: no more or fewer data, to nobody
else, for no other purpose, on no other ground, for no longer, no less safely. `ADMINISTRATIVE` is
the whole list; everything else is material. Both need every signature (a digest is a digest): the
difference is told to the signatory, who has to read a material change as a new agreement.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

from commonthread.broker.rules.terms import Terms
from commonthread.gateway.changes import LISTS, WITHOUT_WORDS, changes


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that a version says otherwise: the clause, a sentence, and how far it reaches.

    `note`: why it is administrative, or what else a material change asks of the parties.
    """

    clause: str
    sentence: str
    administrative: bool
    note: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """A kind of change that is administrative, and why it is."""

    clause: str
    why: str
    holds: Callable[[Any, Any], bool]


def _another_text(old: Any, new: Any) -> bool:
    """The same statement with other words; a new one, or one that is gone, is material."""
    return old is not None and new is not None


ADMINISTRATIVE = (
    Rule("title", "A name; the reference and the purposes say what it is.", lambda old, new: True),
    Rule(
        "review",
        "An earlier review asks more of the parties and opens nothing. A later one is material.",
        lambda old, new: new < old,
    ),
    Rule("statement[complaints]", "Whom to write to with a complaint.", _another_text),
    Rule("statement[benefits]", "What is hoped for; the purposes bind.", _another_text),
    Rule(
        "risk",
        "A risk said in other words, with the same rating, owner and mitigation.",
        lambda old, new: old is not None and new is not None and replace(old, text=new.text) == new,
    ),
)
# What a change of a party's ground asks for besides signatures (ICO, Data Sharing Code).
NEW_GROUND = "Another lawful basis or condition: the people concerned are told before it is used."
UNSAID = "This is written otherwise. Compare it in the whole text."


def variation(old: Terms, new: Terms) -> tuple[Change, ...]:
    """Every change, material ones first, otherwise in the order of the terms."""
    found = [change for field in fields(Terms) for change in _of_field(old, new, field.name)]
    return tuple(sorted(found, key=lambda change: change.administrative))


def _of_field(old: Terms, new: Terms, name: str) -> Iterator[Change]:
    was, now = getattr(old, name), getattr(new, name)
    if name in WITHOUT_WORDS or was == now:
        return
    if name not in LISTS:
        yield from _changes(old, name, now, name, was, now)
        return
    kind, key = LISTS[name]
    before, after = _by(key, was), _by(key, now)
    for id_ in dict.fromkeys((*before, *after)):
        had, has = before.get(id_, ()), after.get(id_, ())
        if set(had) != set(has):
            clause = f"{CLAUSES.get(name, kind)}[{id_}]"
            mixed = (*(part for part in was if part not in had), *has)
            yield from _changes(old, name, mixed, clause, _only(had), _only(has))


CLAUSES = {"demands": "requires_credentials"}


def _by(key: str, parts: tuple[Any, ...]) -> dict[str, tuple[Any, ...]]:
    """The parts of each id; of a section there may be several statements."""
    found: dict[str, tuple[Any, ...]] = {}
    for part in parts:
        id_ = getattr(part, key)
        found[id_] = (*found.get(id_, ()), part)
    return found


def _only(parts: tuple[Any, ...]) -> Any:
    return parts[0] if len(parts) == 1 else None


def _changes(
    old: Terms, name: str, value: Any, clause: str, was: Any, now: Any
) -> Iterator[Change]:
    """The sentences of one change. What lies between two versions is compared, never made valid."""
    between = copy.copy(old)
    object.__setattr__(between, name, value)
    rule = next((rule for rule in ADMINISTRATIVE if _is_of(rule, clause, was, now)), None)
    note = rule.why if rule else NEW_GROUND if _another_ground(name, was, now) else ""
    sentences = tuple(changes(old, between)) or (UNSAID,)
    for sentence in sentences:
        yield Change(clause, sentence, rule is not None, note)
        note = ""


def _is_of(rule: Rule, clause: str, was: Any, now: Any) -> bool:
    named = clause == rule.clause or clause.startswith(f"{rule.clause}[")
    return named and rule.holds(was, now)


def _another_ground(name: str, was: Any, now: Any) -> bool:
    if name != "parties" or was is None or now is None:
        return False
    grounds = ("lawful_basis", "condition")
    return any(getattr(was, name) != getattr(now, name) for name in grounds)


def is_material(found: tuple[Change, ...]) -> bool:
    return any(not change.administrative for change in found)
