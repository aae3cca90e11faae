"""Who takes which part in a request for access. Nobody takes two.

- The asker is who is to be granted the access, and writes why.
- Their line manager, named by the asker, is another member of the same partner.
- A signatory or guardian of the same partner states the training: the ledger takes their word.
- A governance officer or guardian of the owner judges; a signatory of the owner grants.
- A governance officer, guardian or data protection officer of the owner reviews.

A part stays with whoever took it, whatever role they have later: so the author of the request and
of the judgement, those who approve, and the grantee are always different people.
"""

from __future__ import annotations

from dataclasses import dataclass

from commonthread.broker.rules.errors import Reason, Refused
from commonthread.broker.rules.standing import DPO, GUARDIAN, OFFICER, SIGNATORY, Member, Standing
from commonthread.gateway.models import (
    APPROVAL,
    GRANTING,
    JUDGEMENT,
    REVIEW,
    TRAINING,
    AccessRequest,
)

ASKER = "asker"


@dataclass(frozen=True, slots=True)
class Part:
    """A part, named by the kind of step that it takes: on whose side it is, in which roles."""

    kind: str
    title: str
    of_owner: bool
    roles: tuple[str, ...] = ()

    def partner(self, request: AccessRequest) -> str:
        return request.owner if self.of_owner else request.partner


PARTS = {
    part.kind: part
    for part in (
        Part(APPROVAL, "line manager", False),
        Part(TRAINING, "signatory or guardian", False, (SIGNATORY, GUARDIAN)),
        Part(JUDGEMENT, "governance officer or guardian", True, (OFFICER, GUARDIAN)),
        Part(GRANTING, "signatory", True, (SIGNATORY,)),
        Part(
            REVIEW,
            "governance officer, guardian or data protection officer",
            True,
            (OFFICER, GUARDIAN, DPO),
        ),
    )
}


def did(request: AccessRequest) -> set[tuple[str, str]]:
    """(member, part) for everybody who took a part in it, however long ago."""
    taken = {(step.by, step.kind) for step in request.steps.all() if step.kind in PARTS}
    return taken | {(request.member, ASKER)}


def twice(request: AccessRequest) -> bool:
    """Whether somebody has taken two parts."""
    taken = did(request)
    return len({member for member, _ in taken}) < len(taken)


def takes(request: AccessRequest, kind: str, member: str, standing: Standing) -> bool:
    """Whether the member is, by partner and role, one who takes this part."""
    known, part = standing.members.get(member), PARTS[kind]
    if known is None or known.partner != part.partner(request):
        return False
    if kind == APPROVAL:
        return known.id == request.manager
    return bool(set(part.roles) & set(known.roles))


def is_free(request: AccessRequest, kind: str, member: str) -> bool:
    """Whether the member has taken no other part in it."""
    return all(part == kind for who, part in did(request) if who == member)


def may(request: AccessRequest, kind: str, member: Member | None, standing: Standing) -> bool:
    if member is None:
        return False
    return takes(request, kind, member.id, standing) and is_free(request, kind, member.id)


def check(request: AccessRequest, kind: str, member: Member, standing: Standing) -> None:
    """Refuse whoever does not take this part, or has taken another."""
    part = PARTS[kind]
    if not takes(request, kind, member.id, standing):
        raise only(f"The {part.title} of {part.partner(request)} does this.")
    if not is_free(request, kind, member.id):
        raise only(
            "You have another part in this request.",
            "Nobody asks, approves, judges and grants: somebody else does this.",
        )


def may_read(request: AccessRequest, member: Member | None) -> bool:
    """Who asks, their manager, and those with a role at either of the two partners."""
    if member is None:
        return False
    if member.id in (request.member, request.manager):
        return True
    return bool(member.roles) and member.partner in (request.partner, request.owner)


def only(said: str, mend: str = "") -> Refused:
    return Refused([Reason("access", "access", said, mend)])
