"""Advice on an assessment: whose is needed, what was said, and what the signatory made of it.

- The data protection officer of the lead advises (UK GDPR Article 35(2)); those of other parties
  may. The lead's signatory accepts the advice, or overrules it and says why.
- Where confidential care data are concerned, the Caldicott guardian of each partner that gives
  them approves; where no giver has one, a guardian of another party stands in. No guardian, no
  approval: and a guardian who advises against it is not overruled.
- Advice is on one revision. What is written after it needs advice again.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction

from commonthread.broker.access import BadInput
from commonthread.broker.rules.dates import london_day
from commonthread.broker.rules.standing import DPO, GUARDIAN, OFFICER, SIGNATORY, Member, Standing
from commonthread.gateway.law import provisional
from commonthread.gateway.law.finding import Scene
from commonthread.gateway.models import (
    ADVICE_ACCEPTED,
    AGAINST,
    DRAFTING,
    OVERRULED,
    SUPPORTS,
    WITH_ADVISERS,
    WITH_CONDITIONS,
    Advice,
    AdviceDecision,
    Assessment,
    IcoConsultation,
)

from . import people
from .asked import PROCESSING
from .assessments import check_writer, locked, reading, substance
from .steps import part
from .suggestions import unanswered

SAYS = (SUPPORTS, WITH_CONDITIONS, AGAINST)
LONGEST_ADVICE = 3_000
ANY_PARTY = ""


@dataclass(frozen=True, slots=True)
class Needed:
    """Advice that is needed: in which role, and of which partner (`ANY_PARTY`: of any)."""

    role: str
    partner: str
    given: Advice | None

    @property
    def against(self) -> bool:
        return self.given is not None and self.given.says == AGAINST


def ask(
    assessment_id: uuid.UUID, standing: Standing, *, by: Member | None, at: datetime
) -> Assessment:
    """Ask the advisers: only for what is complete, so that they advise on the whole of it."""
    with transaction.atomic():
        found = locked(assessment_id)
        writer = check_writer(found, by, state=(DRAFTING,))
        problems = [*reading(found, at).problems, *unanswered(found, standing)]
        if problems:
            raise BadInput("The assessment is not complete.", problems)
        found.state, found.asked_by, found.asked_at = WITH_ADVISERS, writer.id, at
        found.about = substance(found.draft)
        found.save()
    return found


def take_back(assessment_id: uuid.UUID, *, by: Member | None, at: datetime) -> Assessment:
    """Take it back from the advisers to write on."""
    with transaction.atomic():
        found = locked(assessment_id)
        check_writer(found, by, state=(WITH_ADVISERS,))
        found.state, found.changed = DRAFTING, at
        found.save(update_fields=["state", "changed"])
    return found


def needed(found: Assessment, standing: Standing) -> list[Needed]:
    """Each adviser who is needed, with the advice on the assessment as it stands, if given."""
    said = current(found)
    wanted = [(DPO, found.lead), *((GUARDIAN, one) for one in guardians(found, standing))]
    return [Needed(role, partner, _given(said, role, partner)) for role, partner in wanted]


def _given(said: Sequence[Advice], role: str, partner: str) -> Advice | None:
    own = [each for each in said if each.role == role and partner in (ANY_PARTY, each.partner)]
    # Of several officers of one partner the sternest counts: nobody asks round for a yes.
    return max(own, key=lambda each: SAYS.index(each.says), default=None)


def current(found: Assessment) -> list[Advice]:
    """The newest advice of each member on the revision as it stands."""
    newest: dict[str, Advice] = {}
    for each in sorted(found.advice.all(), key=lambda each: each.id):
        if each.revision == found.revision:
            newest[each.member] = each
    return list(newest.values())


def givers_of_care_data(found: Assessment, standing: Standing) -> list[str]:
    """The partners that give confidential care data, by the draft or by the authors' word."""
    givers: set[str] = set()
    terms = provisional(found.draft.terms).terms if found.draft else None
    if terms is not None:
        scene = Scene(terms, standing.partners, standing.contracts)
        givers = {grant.owner for grant in terms.grants if scene.is_confidential(grant)}
    if not givers and part(found.steps, PROCESSING).get("care_data") is True:
        givers = {found.lead}
    return sorted(givers)


def guardians(found: Assessment, standing: Standing) -> list[str]:
    """The partners whose guardian has to approve; `[ANY_PARTY]` where no giver has one."""
    givers = givers_of_care_data(found, standing)
    have = {each.partner for each in standing.members.values() if GUARDIAN in each.roles}
    own = [partner for partner in givers if partner in have]
    return own or ([ANY_PARTY] if givers else [])


def advise(
    assessment_id: uuid.UUID, says: str, text: str, revision: int, *, by: Member, at: datetime
) -> Advice:
    """Advise on the revision that was read; the newest advice of each member counts."""
    if says not in SAYS:
        raise BadInput("Choose what you advise.", mend="Support it, with conditions or without, "
                       "or advise against it.")  # fmt: skip
    with transaction.atomic():
        found = _with_advisers(assessment_id, revision)
        role = people.advises_as(found, by)
        if not role:
            raise people.only(
                "A data protection officer or a Caldicott guardian of a party advises."
            )
        people.check_apart(people.did(found), by, role)
        return Advice.objects.create(
            assessment=found,
            revision=found.revision,
            role=role,
            member=by.id,
            partner=by.partner,
            says=says,
            text=_text(text, "Say what your advice rests on."),
            at=at,
        )


def decide(
    assessment_id: uuid.UUID, how: str, reason: str, revision: int, *, by: Member, at: datetime
) -> AdviceDecision:
    """Accept the data protection officers' advice, or overrule it with a reason."""
    if how not in (ADVICE_ACCEPTED, OVERRULED):
        raise BadInput("Accept the advice, or overrule it.")
    if how == OVERRULED and not reason.strip():
        raise BadInput("Advice that is overruled needs a reason.", mend="Enter the reason.")
    with transaction.atomic():
        found = _with_advisers(assessment_id, revision)
        check_signatory(found, by)
        advice = of_officers(found)
        if not any(each.partner == found.lead for each in advice):
            raise BadInput("The lead’s data protection officer has not advised yet.")
        return AdviceDecision.objects.create(
            assessment=found,
            revision=found.revision,
            advice=sorted(each.id for each in advice),
            how=how,
            reason=_text(reason, "", least=0),
            by=by.id,
            at=at,
        )


def of_officers(found: Assessment) -> list[Advice]:
    """What data protection officers say of it as it stands."""
    return [each for each in current(found) if each.role == DPO]


def decision(found: Assessment) -> AdviceDecision | None:
    """The decision on the advice as it stands; advice that came after it is not decided on."""
    newest = found.decisions.filter(revision=found.revision).order_by("-id").first()
    decided = sorted(each.id for each in of_officers(found))
    return newest if newest is not None and newest.advice == decided else None


def consult(
    assessment_id: uuid.UUID,
    asked_on: date | None,
    answer: str,
    revision: int,
    *,
    by: Member,
    at: datetime,
) -> IcoConsultation:
    """Record that the ICO was asked before the processing began, and what it answered."""
    with transaction.atomic():
        found = _with_advisers(assessment_id, revision)
        allowed = by.partner == found.lead and (OFFICER in by.roles or DPO in by.roles)
        if not allowed:
            raise people.only(
                "A governance officer or the data protection officer of the lead records it."
            )
        if asked_on is None or asked_on > london_day(at):
            raise BadInput("Enter the day on which the ICO was asked.", mend="It has passed.")
        return IcoConsultation.objects.create(
            assessment=found,
            revision=found.revision,
            asked_on=asked_on,
            answer=_text(answer, "Say what the ICO answered."),
            by=by.id,
            at=at,
        )


def consultation(found: Assessment) -> IcoConsultation | None:
    return found.consultations.filter(revision=found.revision).order_by("-id").first()


def check_signatory(found: Assessment, by: Member | None) -> None:
    if by is None or not people.may_sign(found, by):
        raise people.only("Only a signatory of the lead decides on advice and approves.")
    people.check_apart(people.did(found), by, SIGNATORY)


def waits_for(found: Assessment, standing: Standing) -> Iterator[tuple[str, str]]:
    """(role, partner) of everybody who is waited for, the next first; nobody once approved."""
    if found.state != WITH_ADVISERS:
        return
    missing = [each for each in needed(found, standing) if each.given is None]
    yield from ((each.role, each.partner) for each in missing)
    if not missing:
        yield SIGNATORY, found.lead


def _with_advisers(assessment_id: uuid.UUID, revision: int) -> Assessment:
    found = locked(assessment_id)
    if found.state != WITH_ADVISERS:
        raise BadInput("This assessment is not with its advisers.")
    if found.revision != revision:
        raise BadInput("The assessment has changed since you opened it.", mend="Read it again.")
    return found


def _text(text: str, missing: str, least: int = 1) -> str:
    said = text.strip()
    if not least <= len(said) <= LONGEST_ADVICE:
        raise BadInput(missing or f"At most {LONGEST_ADVICE:,} characters.",
                       mend=f"1 to {LONGEST_ADVICE:,} characters.")  # fmt: skip
    return said
