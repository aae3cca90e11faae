"""What was brought in, what was mapped and what was copied. Each action is one transaction.

- Only a governance officer of the partner that leads the draft brings in, maps or copies, while the
  draft is open; only the lead's own people read what was brought in.
- Who maps a clause must have seen how it stands: of two at once, one is told.
- Copying adds to what the draft says and replaces nothing. It goes the way of every save, so what
  somebody saves meanwhile is not overwritten. It can be taken out again while it stands unchanged.
"""

from __future__ import annotations

import re
import unicodedata
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from django.db import transaction

from commonthread.broker.access import BadInput, Refused
from commonthread.broker.rules.errors import Reason
from commonthread.broker.rules.standing import Member
from commonthread.gateway.drafting import drafts
from commonthread.gateway.drafting.sections import BY_ID, seen
from commonthread.gateway.models import (
    LEFT_OUT,
    OPEN,
    Draft,
    ImportedClause,
    ImportedText,
)

from .clauses import Clause, split, whole_text
from .reading import Text, read_text
from .targets import LISTS, STATEMENT, TARGETS, section_of, takes_text

MOST_CLAUSES, MOST_TEXTS = 600, 20
LONGEST_NAME, LONGEST_REASON = 150, 500
MEANWHILE = "Somebody has mapped this clause since you opened the page. It is shown as it is now."


@dataclass(frozen=True, slots=True)
class Choice:
    """What somebody chose for a clause, and the word for how it stood when they did."""

    section: str
    reason: str
    seen: str


def may_see(draft: Draft, member: Member | None) -> bool:
    """The lead's own people: an old agreement is theirs to show, not the draft's."""
    return member is not None and member.partner == draft.lead


def brought_in(draft: Draft) -> list[ImportedText]:
    """What is there and was not put away, in the order it came."""
    return list(draft.imported.filter(put_away_at=None).order_by("at", "id"))


def bring_in(
    draft_id: uuid.UUID, name: str, content: bytes, *, by: Member | None, at: datetime
) -> ImportedText:
    """Read a file and keep its text with its clauses, none of them mapped."""
    draft = Draft.objects.filter(id=draft_id).first()
    _check_writable(draft, by)
    text = read_text(content)
    clauses = split(text.paragraphs)
    if len(clauses) > MOST_CLAUSES:
        raise BadInput(f"It has more than {MOST_CLAUSES} clauses.", mend="Bring it in in parts.")
    with transaction.atomic():
        held = _locked(draft_id, by)
        digest = sha256(content).hexdigest()
        _check_new(held, digest)
        return _kept(held, shown_name(name), digest, content, text, clauses, _who(by), at)


def _check_new(draft: Draft, digest: str) -> None:
    there = draft.imported.filter(put_away_at=None)
    if there.filter(file_digest=digest).exists():
        raise BadInput("This very file has been brought in already.", mend="Open it below.")
    if there.count() >= MOST_TEXTS:
        raise BadInput(f"A draft takes {MOST_TEXTS} files.", mend="Put one away first.")


def _kept(
    draft: Draft,
    name: str,
    digest: str,
    content: bytes,
    text: Text,
    clauses: Sequence[Clause],
    by: str,
    at: datetime,
) -> ImportedText:
    whole = whole_text(text.paragraphs)
    made = ImportedText.objects.create(
        draft=draft,
        file_name=name,
        kind=text.kind,
        file_digest=digest,
        file_bytes=len(content),
        text=whole,
        text_digest=sha256(whole.encode()).hexdigest(),
        notes=list(text.notes),
        by=by,
        at=at,
    )
    ImportedClause.objects.bulk_create(
        ImportedClause(imported=made, number=number, text=one.text, under=one.under)
        for number, one in enumerate(clauses, 1)
    )
    return made


def shown_name(name: str) -> str:
    """The last part of a path, without what a page could trip over; it is only ever shown."""
    last = re.split(r"[\\/]", name)[-1]
    visible = "".join(one for one in last if one == " " or unicodedata.category(one)[0] not in "CZ")
    return re.sub(r'["\'<>;]', "", unicodedata.normalize("NFC", visible)).strip(" .")[
        :LONGEST_NAME
    ] or "agreement"  # fmt: skip


def seen_word(clause: ImportedClause) -> str:
    """A word for how a clause is mapped: who maps it must have seen this."""
    said = f"{clause.section}\x00{clause.reason}\x00{clause.copied_at}"
    return sha256(said.encode()).hexdigest()[:16]


def map_clauses(
    imported_id: int, choices: Mapping[int, Choice], *, by: Member | None, at: datetime
) -> dict[int, str]:
    """Put clauses where somebody chose; returns, by number, why some were not put.

    A choice of nothing takes a mapping back. What was not changed is left as it is, whoever
    changed it meanwhile.
    """
    faults: dict[int, str] = {}
    with transaction.atomic():
        text = _text(imported_id, by)
        for clause in text.clauses.filter(number__in=list(choices)):
            fault = _map(clause, choices[clause.number], _who(by), at)
            if fault:
                faults[clause.number] = fault
    return faults


def _map(clause: ImportedClause, choice: Choice, by: str, at: datetime) -> str:
    section = choice.section
    reason = choice.reason.strip() if section == LEFT_OUT else ""
    if (section, reason) == (clause.section, clause.reason):
        return ""
    if choice.seen != seen_word(clause):
        return MEANWHILE
    if section and section not in (*TARGETS, LEFT_OUT):
        return "Choose a section of the draft."
    if clause.copied_at is not None:
        return "Its text is in the draft. Take it out of the draft first."
    if section == LEFT_OUT and not 0 < len(reason) <= LONGEST_REASON:
        return f"Say why it is left out, in at most {LONGEST_REASON} characters."
    clause.section, clause.reason = section, reason
    clause.mapped_by, clause.mapped_at = (by, at) if section else ("", None)
    clause.save(update_fields=["section", "reason", "mapped_by", "mapped_at"])
    return ""


def copy(imported_id: int, number: int, *, by: Member | None, at: datetime) -> Draft:
    """Add a clause's text to the section it is mapped to; nothing that is there is replaced."""
    with transaction.atomic():
        text = _text(imported_id, by)
        clause = _clause(text, number)
        if not takes_text(clause.section):
            raise BadInput(
                "Its text cannot be copied there: that section asks for more than words.",
                mend="Open the section and fill it in, with the clause beside you.",
            )
        if clause.copied_at is not None:
            raise BadInput("Its text is in the draft already.")
        draft = _added(text.draft, clause, by, at)
        clause.copied_by, clause.copied_at = _who(by), at
        clause.save(update_fields=["copied_by", "copied_at"])
    return draft


def take_out(imported_id: int, number: int, *, by: Member | None, at: datetime) -> bool:
    """Undo a copy: the draft loses those very words, and the clause may be mapped anew.

    False if the draft does not say them any more as they came: then nothing in it is changed.
    """
    with transaction.atomic():
        text = _text(imported_id, by)
        clause = _clause(text, number)
        if clause.copied_at is None:
            raise BadInput("Its text was not copied into the draft.")
        taken = _taken(text.draft, clause, by, at)
        clause.copied_by, clause.copied_at = "", None
        clause.save(update_fields=["copied_by", "copied_at"])
    return taken


def put_away(imported_id: int, *, by: Member | None, at: datetime) -> None:
    """Take a text that was brought in by mistake off the draft; it is kept, and governs nothing."""
    with transaction.atomic():
        text = _text(imported_id, by)
        if text.clauses.exclude(copied_at=None).exists():
            raise BadInput(
                "Some of its clauses are in the draft.", mend="Take them out of the draft first."
            )
        text.put_away_by, text.put_away_at = _who(by), at
        text.save(update_fields=["put_away_by", "put_away_at"])


def _added(draft: Draft, clause: ImportedClause, by: Member | None, at: datetime) -> Draft:
    words, target = clause.text.strip(), clause.section
    if target in LISTS:
        name = LISTS[target]
        rows = _rows(draft, name)
        rows.append({"id": _free(rows, clause.number), "text": words})
        return _save(draft, target, name, rows, by, at)
    rows, section = _rows(draft, STATEMENT), target.removeprefix(f"{STATEMENT}-")
    held = next((row for row in rows if row.get("section") == section), None)
    if held is None:
        rows.append({"section": section, "text": words})
    else:
        held["text"] = f"{held['text']}\n\n{words}" if held.get("text") else words
    return _save(draft, section_of(target), STATEMENT, rows, by, at)


def _taken(draft: Draft, clause: ImportedClause, by: Member | None, at: datetime) -> bool:
    words, target = clause.text.strip(), clause.section
    name = LISTS.get(target, STATEMENT)
    rows = _rows(draft, name)
    place = next((at for at, row in enumerate(rows) if _holds(row, target, words)), None)
    if place is None:
        return False
    left = "" if target in LISTS else _without(words, str(rows[place]["text"]))
    changed = [{**rows[place], "text": left}] if left else []
    _save(draft, section_of(target), name, [*rows[:place], *changed, *rows[place + 1 :]], by, at)
    return True


def _holds(row: Mapping[str, Any], target: str, words: str) -> bool:
    held = str(row.get("text", ""))
    if target in LISTS:
        return held == words
    return row.get("section") == target.removeprefix(f"{STATEMENT}-") and _stands(words, held)


def _stands(words: str, held: str) -> bool:
    return f"\n\n{words}\n\n" in f"\n\n{held}\n\n"


def _without(words: str, held: str) -> str:
    before, _, after = f"\n\n{held}\n\n".rpartition(f"\n\n{words}\n\n")
    return "\n\n".join(part for part in (before.strip("\n"), after.strip("\n")) if part)


def _save(
    draft: Draft, section: str, name: str, rows: Sequence[Any], by: Member | None, at: datetime
) -> Draft:
    word = seen(draft.terms, BY_ID[section])
    return drafts.save(draft.id, section, {name: list(rows)}, word, by=by, at=at)


def _rows(draft: Draft, name: str) -> list[dict[str, Any]]:
    held = draft.terms.get(name, [])
    if not isinstance(held, list) or not all(isinstance(row, Mapping) for row in held):
        raise BadInput("That section cannot be added to.", mend="Open it and mend it first.")
    return [dict(row) for row in held]


def _free(rows: Sequence[Mapping[str, Any]], number: int) -> str:
    """A short name that no other has; the officer gives it a better one."""
    taken = {str(row.get("id")) for row in rows}
    plain = f"clause-{number}"
    names = (plain, *(f"{plain}-{further}" for further in range(2, len(rows) + 3)))
    return next(name for name in names if name not in taken)


def _text(imported_id: int, by: Member | None) -> ImportedText:
    """The text with its draft as it stands, both held until the end of the transaction."""
    known = ImportedText.objects.filter(id=imported_id, put_away_at=None).first()
    if known is None:
        raise BadInput("There is no such text.")
    # The draft's row first: it is what every other writer of this draft takes first too.
    draft = _locked(known.draft_id, by)
    text = ImportedText.objects.filter(id=imported_id, put_away_at=None).first()
    if text is None:
        raise BadInput("There is no such text.")
    text.draft = draft
    return text


def _clause(text: ImportedText, number: int) -> ImportedClause:
    found = text.clauses.filter(number=number).first()
    if found is None:
        raise BadInput("There is no such clause.")
    return found


def _locked(draft_id: uuid.UUID, by: Member | None) -> Draft:
    draft = Draft.objects.select_for_update().filter(id=draft_id).first()
    return _check_writable(draft, by)


def _check_writable(draft: Draft | None, by: Member | None) -> Draft:
    if draft is None:
        raise BadInput("There is no such draft.")
    if not drafts.may_write(draft, by):
        said = "Only a governance officer of the partner that leads a draft brings in a text."
        raise Refused([Reason("draft", "draft", said)])
    if draft.state not in OPEN:
        raise BadInput("This draft is not open any more.")
    return draft


def _who(by: Member | None) -> str:
    assert by is not None  # noqa: S101 - whoever may write is somebody
    return by.id
