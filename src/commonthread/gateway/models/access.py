"""Requests for personal access (Tier 3b), and every step that somebody took in one.

Nothing here opens data: what opens is a fact in the ledger, signed by whose word it is. A step is
never changed: doing it again is another row, and the newest of its kind counts.
"""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import CheckConstraint, F, Index, Q, UniqueConstraint

from .drafts import an_id

ASKED, MANAGER_APPROVED, JUDGED = "asked", "manager-approved", "judged"
ALLOWED, ACCESS_GRANTED, REVIEWED = "allowed", "granted", "reviewed"
ACCESS_REFUSED, ACCESS_WITHDRAWN = "refused", "withdrawn"
ACCESS_OPEN = (ASKED, MANAGER_APPROVED, JUDGED, ALLOWED)
ACCESS_STATES = (*ACCESS_OPEN, ACCESS_GRANTED, REVIEWED, ACCESS_REFUSED, ACCESS_WITHDRAWN)
APPROVAL, TRAINING, JUDGEMENT, GRANTING = "approval", "training", "judgement", "granting"
REFUSAL, WITHDRAWAL, REVIEW = "refusal", "withdrawal", "review"
STEP_KINDS = (APPROVAL, TRAINING, JUDGEMENT, GRANTING, REFUSAL, WITHDRAWAL, REVIEW)


class AccessRequest(models.Model):
    """One member asks for one grant of one agreement, until a day.

    `ends` is set when the owner's signatory allows it: the instant at which it ends by itself.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    member = an_id()
    partner = an_id()
    manager = an_id()
    owner = an_id()
    reference = an_id()
    grant = an_id()
    purpose = models.TextField()
    reason = models.TextField()
    until = models.DateField()
    state = models.CharField(max_length=20, default=ASKED)
    asked = models.DateTimeField()
    changed = models.DateTimeField()
    ends = models.DateTimeField(null=True)

    class Meta:
        db_table = "gateway_access_request"
        indexes: ClassVar = [
            Index(fields=["member", "-asked"], name="access_by_member"),
            Index(fields=["partner", "-asked"], name="access_by_partner"),
            Index(fields=["owner", "-asked"], name="access_by_owner"),
        ]
        constraints: ClassVar = [
            CheckConstraint(condition=Q(state__in=ACCESS_STATES), name="access_state_is_known"),
            CheckConstraint(
                condition=~Q(purpose="") & ~Q(reason=""), name="access_says_what_for_and_why"
            ),
            CheckConstraint(
                condition=~Q(member=F("manager")), name="access_is_approved_by_somebody_else"
            ),
            CheckConstraint(
                condition=~Q(partner=F("owner")), name="access_is_to_another_partners_records"
            ),
            CheckConstraint(
                condition=~Q(state__in=(ALLOWED, ACCESS_GRANTED, REVIEWED)) | Q(ends__isnull=False),
                name="access_that_is_granted_ends",
            ),
            UniqueConstraint(
                fields=["member", "reference", "grant"],
                condition=Q(state__in=ACCESS_OPEN),
                name="access_is_asked_once_at_a_time",
            ),
        ]


class AccessStep(models.Model):
    """What one member did in a request, and when; `said` is what they stated."""

    request = models.ForeignKey(AccessRequest, on_delete=models.CASCADE, related_name="steps")
    kind = models.CharField(max_length=20)
    by = an_id()
    partner = an_id()
    at = models.DateTimeField()
    said: models.JSONField[dict[str, str], dict[str, str]] = models.JSONField()

    class Meta:
        db_table = "gateway_access_step"
        constraints: ClassVar = [
            CheckConstraint(condition=Q(kind__in=STEP_KINDS), name="access_step_is_known"),
        ]
