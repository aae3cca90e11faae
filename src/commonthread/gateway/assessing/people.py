"""Who may do what about an assessment. No one person writes, advises and approves.

- Governance officers of the lead write; data protection officers and Caldicott guardians advise;
  a signatory of the lead decides on the advice and approves.
- A role may pass from one person to another. What somebody has done to this assessment does not:
  who wrote in it once advises on it and approves it never, and so on round.
"""

from __future__ import annotations

from collections.abc import Mapping

from commonthread.broker.rules.errors import Reason, Refused
from commonthread.broker.rules.standing import DPO, ENGINEER, GUARDIAN, SIGNATORY, Member
from commonthread.gateway.drafting import drafts
from commonthread.gateway.models import DRAFTING, Assessment

AUTHOR = "author"


def parties(assessment: Assessment) -> list[str]:
    """The partners whom it concerns, the lead first."""
    return drafts.parties(assessment.draft) if assessment.draft else [assessment.lead]


def did(assessment: Assessment) -> dict[str, str]:
    """member → what they have done to it or to what it follows: wrote, advised, or signed."""
    found = did(assessment.follows) if assessment.follows else {}
    found[assessment.author] = AUTHOR
    found |= dict.fromkeys(assessment.revisions.values_list("by", flat=True), AUTHOR)
    found |= dict.fromkeys(assessment.suggestion_answers.values_list("by", flat=True), AUTHOR)
    found |= dict(assessment.advice.values_list("member", "role"))
    found |= dict.fromkeys(assessment.decisions.values_list("by", flat=True), SIGNATORY)
    if assessment.approved_by:
        found[assessment.approved_by] = SIGNATORY
    return found


def may_start(member: Member | None) -> bool:
    return drafts.may_start(member)


def may_write(assessment: Assessment, member: Member | None) -> bool:
    return member is not None and may_start(member) and member.partner == assessment.lead


def may_sign(assessment: Assessment, member: Member | None) -> bool:
    """Whether the member decides on advice and approves, by role."""
    return member is not None and SIGNATORY in member.roles and member.partner == assessment.lead


def advises_as(assessment: Assessment, member: Member | None) -> str:
    """The role in which the member advises, or "": officers and guardians of any party."""
    if member is None or member.partner not in parties(assessment):
        return ""
    return next((role for role in (DPO, GUARDIAN) if role in member.roles), "")


def may_read(assessment: Assessment, member: Member | None) -> bool:
    """The lead's own people; once advice is asked, the advisers of every party, and whoever may
    read its draft: they sign what rests on it.
    """
    if member is None:
        return False
    if member.partner == assessment.lead:
        return True
    if assessment.state == DRAFTING:
        return False
    shared = assessment.draft is not None and drafts.may_read(assessment.draft, member)
    return shared or bool(advises_as(assessment, member))


def may_count(assessment: Assessment, member: Member | None) -> bool:
    """Whether the member counts rows of their own partner for it: an engineer of a party."""
    return member is not None and ENGINEER in member.roles and member.partner in parties(assessment)


def check_apart(done: Mapping[str, str], member: Member, wants: str) -> None:
    """Refuse whoever has done another part before: duties are kept apart."""
    before = done.get(member.id, wants)
    if before != wants:
        raise only(
            "You have had another part in this assessment.",
            "Nobody writes, advises and approves: somebody else does this.",
        )


def only(said: str, mend: str = "") -> Refused:
    return Refused([Reason("assessment", "dpia", said, mend)])
