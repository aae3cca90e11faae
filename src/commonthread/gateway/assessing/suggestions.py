"""Suggested risks of a draft: taken over, or dismissed with a reason, and what the owners counted.

The rules are the gateway's `risks`. Every suggestion is answered before an assessment is approved,
and every answer is kept. One that says something else than when it was answered is open again.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from django.db import transaction

from commonthread.broker.access import BadInput, Broker, OwnData, Request
from commonthread.broker.rules.canonical import digest, plain
from commonthread.broker.rules.dates import london_day
from commonthread.broker.rules.errors import Problem
from commonthread.broker.rules.standing import Member, Standing
from commonthread.broker.rules.terms import IMPACTS, LEVELS, LIKELIHOODS, Grant, Terms
from commonthread.gateway.law import provisional
from commonthread.gateway.models import (
    DISMISSED,
    TAKEN,
    Assessment,
    SuggestionAnswer,
    UniqueCount,
)
from commonthread.gateway.risks import Counted, Suggestion, level, suggested_risks

from . import people
from .asked import BY_ID, MEASURES, REDUCED, RISKS
from .assessments import BEING_WRITTEN, check_writer, is_spoken_of, locked, put, revised
from .steps import rows

LARGEST_COUNT = 10**15
WHAT_IS_SHOWN = ("dataset", "columns", "rows", "persons")


@dataclass(frozen=True, slots=True)
class Offered:
    """A suggestion with the newest answer to it as it stands, and any to what it said before."""

    suggestion: Suggestion
    word: str
    answer: SuggestionAnswer | None
    before: SuggestionAnswer | None

    @property
    def open(self) -> bool:
        return self.answer is None


@dataclass(frozen=True, slots=True)
class ToCount:
    """A grant of personal data whose owner may count what is unique on it."""

    grant: Grant
    newest: UniqueCount | None
    outdated: bool


def offered(found: Assessment, standing: Standing) -> list[Offered]:
    """What the draft suggests, as far as it can be read; nothing without a draft."""
    terms = _terms(found)
    if terms is None:
        return []
    answers = list(found.suggestion_answers.order_by("-id"))
    made = []
    for each in suggested_risks(terms, standing.contracts, counted(found, terms)):
        word = digest(plain(_said(each), "suggestion"))
        own = [one for one in answers if one.suggestion == each.id]
        made.append(
            Offered(
                each,
                word,
                next((one for one in own if one.word == word), None),
                next((one for one in own if one.word != word), None),
            )
        )
    return made


def _terms(found: Assessment) -> Terms | None:
    return provisional(found.draft.terms).terms if found.draft else None


def _said(suggestion: Suggestion) -> dict[str, Any]:
    return {**asdict(suggestion), "clauses": list(suggestion.clauses)}


def take_over(
    assessment_id: uuid.UUID, suggestion: str, standing: Standing, *, by: Member, at: datetime
) -> Assessment:
    """Make a suggestion a risk of the assessment, owned by the lead, with what would help."""
    with transaction.atomic():
        found = locked(assessment_id)
        check_writer(found, by)
        chosen = _open(found, suggestion, standing)
        each = chosen.suggestion
        risk = {
            "id": each.id,
            "text": f"{each.text} {each.explanation}",
            "owner": found.lead,
            "likelihood": each.likelihood,
            "impact": each.impact,
        }
        likelihood, impact = after(each)
        measure = {
            "risk": each.id,
            "text": each.mitigation,
            "owner": found.lead,
            "effect": REDUCED,
            "likelihood": likelihood,
            "impact": impact,
        }
        _replace(found, RISKS, "id", risk, by, at)
        _replace(found, MEASURES, "risk", measure, by, at)
        _answer(found, chosen, TAKEN, "", by, at)
    return found


def _replace(
    found: Assessment, step: str, key: str, row: Mapping[str, Any], by: Member, at: datetime
) -> None:
    """Put a row into a step's list in the place of the one of the same name, or at its end."""
    chosen = BY_ID[step]
    held = [dict(each) for each in rows(found.steps, chosen)]
    names = [each.get(key) for each in held]
    if row[key] in names:
        held[names.index(row[key])] = dict(row)
    else:
        held.append(dict(row))
    name = chosen.rows.name if chosen.rows else ""
    put(found, step, {name: held}, by=by, at=at)


def after(suggestion: Suggestion) -> tuple[str, str]:
    """Where the matrix has a suggestion once its mitigation is done: less likely, then less bad.

    The rules say which level is left and not how; its authors change that where they know better.
    """
    likelihood = LIKELIHOODS.index(suggestion.likelihood)
    impact = IMPACTS.index(suggestion.impact)
    wanted = LEVELS.index(suggestion.residual)
    while LEVELS.index(level(LIKELIHOODS[likelihood], IMPACTS[impact])) > wanted:
        if likelihood:
            likelihood -= 1
        else:
            impact -= 1
    return LIKELIHOODS[likelihood], IMPACTS[impact]


def dismiss(
    assessment_id: uuid.UUID,
    suggestion: str,
    reason: str,
    standing: Standing,
    *,
    by: Member,
    at: datetime,
) -> Assessment:
    """Leave a suggestion out, and say why."""
    if not reason.strip():
        raise BadInput("Say why this risk does not arise here.", mend="Enter a reason.")
    with transaction.atomic():
        found = locked(assessment_id)
        check_writer(found, by)
        _answer(found, _open(found, suggestion, standing), DISMISSED, reason.strip(), by, at)
        # What advisers have read said nothing of it: they are asked again.
        if is_spoken_of(found):
            revised(found, found.steps, RISKS, by.id, at)
    return found


def _open(found: Assessment, suggestion: str, standing: Standing) -> Offered:
    for each in offered(found, standing):
        if each.suggestion.id == suggestion:
            return each
    raise BadInput("The draft no longer suggests this risk.")


def _answer(
    found: Assessment, chosen: Offered, how: str, reason: str, by: Member, at: datetime
) -> None:
    SuggestionAnswer.objects.create(
        assessment=found,
        suggestion=chosen.suggestion.id,
        word=chosen.word,
        said=_said(chosen.suggestion),
        how=how,
        reason=reason[:4_000],
        by=by.id,
        at=at,
    )


def unanswered(found: Assessment, standing: Standing) -> Iterator[Problem]:
    """Each suggestion that is still to be taken over or dismissed."""
    for each in offered(found, standing):
        if each.open:
            yield Problem(
                f"risks.suggestion[{each.suggestion.id}]",
                "this suggested risk is not answered",
                "take it over, or dismiss it with a reason",
            )


# What owners count of their own rows.


def to_count(found: Assessment, standing: Standing, owner: str = "") -> list[ToCount]:
    """The grants of personal rows of an owner, or of all, each with what was counted."""
    terms = _terms(found)
    made = []
    for grant in terms.grants if terms else ():
        contract = standing.contracts.get(grant.dataset)
        if contract is None or contract.classification == "open":
            continue
        if grant.mode != "statistics" and owner in ("", grant.owner):
            newest = found.counts.filter(grant=grant.id).order_by("-id").first()
            outdated = newest is not None and newest.shows != shows(grant)
            made.append(ToCount(grant, newest, outdated))
    return made


def shows(grant: Grant) -> str:
    """Names what a count is of: the dataset, the columns as they are seen, and the rows."""
    table = grant.to_plain()
    return digest({name: table[name] for name in WHAT_IS_SHOWN if name in table})


def counted(found: Assessment, terms: Terms) -> dict[str, Counted]:
    """By grant, the newest count of what it shows now."""
    wanted = {grant.id: shows(grant) for grant in terms.grants}
    return {
        each.grant: Counted(each.unique, each.rows)
        for each in found.counts.order_by("id")
        if wanted.get(each.grant) == each.shows
    }


def count(
    assessment_id: uuid.UUID,
    grant: str,
    unique: int,
    total: int,
    counted_on: date | None,
    broker: Broker,
    *,
    by: Member,
    at: datetime,
) -> UniqueCount:
    """Record what the owner's data engineer counted of the owner's own rows.

    The broker decides, under the charter's own-data clause, whether the member may see them, and
    records that they were asked for. Raises `Refused` with its reasons.
    """
    found = Assessment.objects.select_related("draft").filter(id=assessment_id).first()
    if found is None or not people.may_count(found, by):
        raise people.only("Only a data engineer of a party counts its own rows.")
    each = next(
        (one for one in to_count(found, broker.standing(), by.partner) if one.grant.id == grant),
        None,
    )
    if each is None:
        raise people.only("A partner counts its own rows, and no others.")
    deposits = broker.own(Request(by.id, OwnData(each.grant.dataset)))
    if not deposits:
        raise BadInput("There is no deposit to count.", mend="Deposit the dataset first.")
    if not 0 <= unique <= total <= LARGEST_COUNT:
        raise BadInput("No more rows can be unique than there are.", mend="Count again.")
    if counted_on is None or counted_on > london_day(at):
        raise BadInput("Enter the day on which you counted.", mend="It is not still to come.")
    with transaction.atomic():
        found = locked(assessment_id)
        if found.state not in BEING_WRITTEN:
            raise BadInput("This assessment is approved: what it counted stays as it is.")
        return UniqueCount.objects.create(
            assessment=found,
            grant=grant,
            shows=shows(each.grant),
            unique=unique,
            rows=total,
            counted_on=counted_on,
            deposit=deposits[-1].number,
            by=by.id,
            at=at,
        )
