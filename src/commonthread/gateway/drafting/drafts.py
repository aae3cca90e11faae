"""What can be done to a draft, by whom. Each action is one transaction; nothing here governs.

- A governance officer starts a draft for their partner, the lead, and only the lead's officers
  write in it; what others want changed they suggest (`comments`).
- Everything saved is kept as a revision. Who saves a section must have seen what it says, so no
  two people overwrite each other.
- Offering a draft hands its terms to the broker, where they wait for signatures. From there on
  they are the broker's, and a change is a new version.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from commonthread.broker.access import BadInput, Broker, Document, Refused
from commonthread.broker.rules.canonical import plain
from commonthread.broker.rules.errors import Problem, Reason
from commonthread.broker.rules.standing import OFFICER, Member
from commonthread.broker.rules.terms import PLATFORM, Terms
from commonthread.gateway.law import Conflict, conflicts, provisional
from commonthread.gateway.models import (
    ABANDONED,
    DRAFTING,
    NEGOTIATING,
    OFFERED,
    OPEN,
    Draft,
    Revision,
)
from commonthread.gateway.risks import Suggestion, suggested_risks

from .sections import BY_ID, part, read, seen

LARGEST_TABLE = 500_000
# Saves of one officer in one section that follow each other closely are one revision.
ONE_SITTING = timedelta(minutes=10)
NEW = "new"


class SavedMeanwhile(BadInput):
    """Somebody else has saved the section since it was shown."""

    def __init__(self) -> None:
        super().__init__(
            "Somebody has saved this section since you opened it.",
            mend="Your answers are below. Read what is there now, then save again.",
        )


def may_start(member: Member | None) -> bool:
    return member is not None and OFFICER in member.roles


def may_write(draft: Draft, member: Member | None) -> bool:
    return may_start(member) and member is not None and member.partner == draft.lead


def may_read(draft: Draft, member: Member | None) -> bool:
    """The lead's own people while it is being drafted; then those of every party named in it."""
    if member is None:
        return False
    return member.partner == draft.lead or (
        draft.state in (NEGOTIATING, OFFERED) and member.partner in parties(draft)
    )


def parties(draft: Draft) -> list[str]:
    """The partners named in the draft, the lead first, without the platform."""
    rows = draft.terms.get("party", [])
    named = [row.get("partner") for row in rows if isinstance(row, Mapping)] if isinstance(
        rows, list
    ) else []  # fmt: skip
    others = sorted({str(one) for one in named if one} - {draft.lead, PLATFORM})
    return [draft.lead, *others]


def start(member: Member | None, table: Mapping[str, Any], made_from: str, at: datetime) -> Draft:
    """A new draft with what a template or another agreement says."""
    if member is None or not may_start(member):
        raise _only("A governance officer starts a draft, for their own partner.")
    terms = _sound(table)
    with transaction.atomic():
        draft = Draft.objects.create(
            id=uuid.uuid4(),
            lead=member.partner,
            author=member.id,
            terms=terms,
            made_from=made_from,
            created=at,
            changed=at,
        )
        Revision.objects.create(
            draft=draft, number=1, terms=terms, by=member.id, at=at, section=NEW
        )
    return draft


def authored(terms: Terms) -> dict[str, Any]:
    """Signed terms as a table to write on: what `parse_terms` reads back to the same terms."""
    table = {name: value for name, value in terms.to_plain().items() if value not in ("", [])}
    for name in ("party", "statement", "duty", "risk", "requires_credentials"):
        table[name] = [_filled(row) for row in table.get(name, [])]
    table["grant"] = [{**_filled(row), "contract": ""} for row in table.get("grant", [])]
    for row in table["grant"]:
        del row["contract"]
    return {name: value for name, value in table.items() if value not in ("", [])}


def _filled(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if value not in ("", [])}


def next_version(terms: Terms) -> dict[str, Any]:
    return {**authored(terms), "version": terms.version + 1}


def copy_of(terms: Terms) -> dict[str, Any]:
    """Another agreement's terms to start from: without its name, and as version 1."""
    table = {**authored(terms), "version": 1}
    for name in ("reference", "title", "dpia"):
        table.pop(name, None)
    return table


def save(
    draft_id: uuid.UUID,
    section: str,
    values: Mapping[str, Any],
    seen_word: str,
    *,
    by: Member | None,
    at: datetime,
) -> Draft:
    """Put what was answered into a section; answers may be missing or wrong, and are kept so."""
    chosen = BY_ID[section]
    with transaction.atomic():
        draft = _locked(draft_id)
        _check_writable(draft, by)
        if seen(draft.terms, chosen) != seen_word:
            raise SavedMeanwhile
        others = {name: value for name, value in draft.terms.items() if name not in chosen.fields}
        wanted = {name: value for name, value in values.items() if name in chosen.fields}
        table = _sound({**others, **{n: v for n, v in wanted.items() if v not in ("", [], None)}})
        if part(table, chosen) != part(draft.terms, chosen) and by is not None:
            _revise(draft, table, section, by.id, at)
    return draft


def undo(draft_id: uuid.UUID, *, by: Member | None, at: datetime) -> Draft:
    """Back to the revision before, as a new revision: undoing can be undone."""
    with transaction.atomic():
        draft = _locked(draft_id)
        _check_writable(draft, by)
        before = draft.revisions.filter(number=draft.revision - 1).first()
        if before is None or by is None:
            raise BadInput("There is nothing to undo: this is the first revision.")
        last = draft.revisions.get(number=draft.revision)
        _revise(draft, before.terms, last.section, by.id, at, apart=True)
    return draft


def _revise(
    draft: Draft, table: dict[str, Any], section: str, by: str, at: datetime, *, apart: bool = False
) -> None:
    last = draft.revisions.get(number=draft.revision)
    together = last.by == by and last.section == section and at - last.at < ONE_SITTING
    draft.terms, draft.changed = table, at
    if together and not apart and not _spoken_of(draft):
        last.terms, last.at = table, at
        last.save(update_fields=["terms", "at"])
    else:
        draft.revision += 1
        Revision.objects.create(
            draft=draft, number=draft.revision, terms=table, by=by, at=at, section=section
        )
    draft.save(update_fields=["terms", "changed", "revision"])


def _spoken_of(draft: Draft) -> bool:
    """Whether somebody has said something about the revision: then it stays as it was read."""
    return (
        draft.comments.filter(revision=draft.revision).exists()
        or draft.opinions.filter(revision=draft.revision).exists()
    )


def share(draft_id: uuid.UUID, *, by: Member | None, at: datetime) -> Draft:
    """Let the parties named read it, comment on it, and say whether they are content."""
    with transaction.atomic():
        draft = _locked(draft_id)
        _check_writable(draft, by)
        if len(parties(draft)) < 2:
            raise BadInput(
                "The draft names no party but yours.", mend="Add the others under Parties."
            )
        if draft.state == DRAFTING:
            draft.state, draft.changed = NEGOTIATING, at
            draft.save(update_fields=["state", "changed"])
    return draft


def abandon(draft_id: uuid.UUID, *, by: Member | None, at: datetime) -> Draft:
    """End a draft that nobody needs any more; what it said is kept."""
    with transaction.atomic():
        draft = _locked(draft_id)
        _check_writable(draft, by)
        draft.state, draft.changed = ABANDONED, at
        draft.save(update_fields=["state", "changed"])
    return draft


def offer(draft_id: uuid.UUID, broker: Broker, *, by: Member | None, at: datetime) -> Draft:
    """Hand the terms to the broker, where they wait for signatures. Raises with every problem.

    The broker's entry is durable first; offering the same words again, after a crash between the
    two, changes nothing there.
    """
    with transaction.atomic():
        draft = _locked(draft_id)
        _check_writable(draft, by)
    reading = read(draft.terms)
    if reading.terms is None:
        raise BadInput("The draft is not complete.", reading.problems)
    if stopping := [each for each in clashes(draft, broker) if each.stops]:
        raise BadInput(
            "Choices in the draft do not go together.",
            (Problem(f"agreement.{each.path}", each.message, each.mend) for each in stopping),
        )
    broker.apply([Document(f"{reading.terms.reference}.toml", {"agreement": draft.terms})])
    status = broker.status(reading.terms.reference)
    with transaction.atomic():
        now = _locked(draft_id)
        if now.terms != draft.terms or now.state not in OPEN:
            raise SavedMeanwhile
        now.state, now.changed = OFFERED, at
        now.offered_digest = (status.draft or status).digest
        now.save(update_fields=["state", "changed", "offered_digest"])
    return now


def clashes(draft: Draft, broker: Broker) -> tuple[Conflict, ...]:
    """Where legal choices do not go together, as far as an unfinished draft can be read."""
    standing, terms = broker.standing(), provisional(draft.terms).terms
    return conflicts(terms, standing.partners, standing.contracts) if terms else ()


def suggestions(draft: Draft, broker: Broker) -> tuple[Suggestion, ...]:
    """The risks that the draft suggests by what it says, without those that it names already."""
    terms = provisional(draft.terms).terms
    if terms is None:
        return ()
    named = {risk.id for risk in terms.risks}
    found = suggested_risks(terms, broker.standing().contracts)
    return tuple(each for each in found if each.id not in named)


def _locked(draft_id: uuid.UUID) -> Draft:
    found = Draft.objects.select_for_update().filter(id=draft_id).first()
    if found is None:
        raise BadInput("There is no such draft.")
    return found


def _check_writable(draft: Draft, by: Member | None) -> None:
    if not may_write(draft, by):
        raise _only("Only a governance officer of the partner that leads it changes a draft.")
    if draft.state not in OPEN:
        said = "has been offered for signature" if draft.state == OFFERED else "was abandoned"
        raise BadInput(f"This draft {said}.", mend="Start a new version from the agreement.")


def _sound(table: Mapping[str, Any]) -> dict[str, Any]:
    """The table if it can be stored as it is: plain values, not too many of them."""
    made = plain(dict(table), "draft")
    if not isinstance(made, dict) or len(repr(made)) > LARGEST_TABLE:
        raise BadInput("The draft is too large.", mend="Split it into two agreements.")
    return made


def _only(said: str) -> Refused:
    return Refused([Reason("draft", "draft", said)])
