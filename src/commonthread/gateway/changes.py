"""What a new version of an agreement says otherwise than the one before it, one sentence each.

Every field of the terms is compared: one that has no words of its own is still named.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from datetime import date
from typing import Any

from commonthread.broker.rules.terms import Grant, Terms
from commonthread.gateway import words

# How the parts of a list are told apart, and what one of them is called.
LISTS = {
    "parties": ("party", "partner"),
    "purposes": ("purpose", "id"),
    "grants": ("grant", "id"),
    "demands": ("credential that is asked for", "scheme"),
    "statements": ("statement", "section"),
    "duties": ("duty", "id"),
    "risks": ("risk", "id"),
}
NAMES = {
    "starts": "the first day",
    "ends": "the last day",
    "review": "the review date",
    "on_withdrawal": "what happens when a party withdraws",
    "dpia": "the DPIA",
    "rests_on": "what it rests on",
    "single_out": "whether it may single somebody out",
}
WITHOUT_WORDS = {"reference", "version", "digest"}


def changes(old: Terms, new: Terms) -> Iterator[str]:
    """In the order of the terms; nothing when only the number of the version is another."""
    for field in fields(Terms):
        was, now = getattr(old, field.name), getattr(new, field.name)
        if field.name in WITHOUT_WORDS or was == now:
            continue
        if field.name in LISTS:
            yield from _listed(*LISTS[field.name], was, now)
        else:
            name = NAMES.get(field.name, f"the {field.name}")
            yield f"{_first(name)} is now {_said(now)}; it was {_said(was)}"


def _listed(kind: str, key: str, old: tuple[Any, ...], new: tuple[Any, ...]) -> Iterator[str]:
    was, now = _by(key, old), _by(key, new)
    for id_, part in now.items():
        if id_ not in was:
            yield f"New {kind}: {id_}"
        elif part != was[id_]:
            yield from _altered(kind, id_, was[id_], part)
    for id_ in was.keys() - now.keys():
        yield f"No longer a {kind}: {id_}"


def _by(key: str, parts: tuple[Any, ...]) -> dict[str, Any]:
    """Each part by its key; one whose key another has already, as a statement may, is numbered."""
    found: dict[str, Any] = {}
    for part in parts:
        id_, number = str(getattr(part, key)), 2
        name = id_
        while name in found:
            name, number = f"{id_} ({number})", number + 1
        found[name] = part
    return found


def _altered(kind: str, id_: str, old: Any, new: Any) -> Iterator[str]:
    others = [f.name for f in fields(new) if getattr(old, f.name) != getattr(new, f.name)]
    if isinstance(new, Grant):
        was, now = list(_sentences(old)), list(_sentences(new))
        added = [sentence for sentence in now if sentence not in was]
        gone = [sentence for sentence in was if sentence not in now]
        for sentence in added:
            yield f"Grant {id_} now says: {sentence}"
        for sentence in gone:
            yield f"Grant {id_} no longer says: {sentence}"
        if added or gone:
            others = [name for name in others if name == "contract"]
    if others:
        parts = ", ".join(name.replace("_", " ") for name in others)
        yield f"{_first(kind)} {id_} has another {parts}"


def _sentences(grant: Grant) -> Iterator[str]:
    yield f"{words.MODES.get(grant.mode, grant.mode)} of {grant.dataset} for {grant.purpose}"
    yield f"For {', '.join(grant.recipients)}"
    if grant.person:
        yield "The column person, as a pseudonym"
    for column in grant.columns:
        yield f"The column {column.exposed}, {words.column_in_words(column)}"
    yield from words.conditions(grant)


def _said(value: Any) -> str:
    if isinstance(value, date):
        return words.day(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "nothing"
    return str(value) or "nothing"


def _first(text: str) -> str:
    return text[:1].upper() + text[1:]
