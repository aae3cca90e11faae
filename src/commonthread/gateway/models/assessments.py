"""Assessments (DPIAs): their seven steps, what was advised and decided on them, and by whom."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import CheckConstraint, Index, Q, UniqueConstraint

from commonthread.broker.rules.standing import DPO, GUARDIAN

from .drafts import DRAFTING, ID_CHARACTERS, Draft, an_id

WITH_ADVISERS, APPROVED, SUPERSEDED = "with-advisers", "approved", "superseded"
ASSESSMENT_STATES = (DRAFTING, WITH_ADVISERS, APPROVED, SUPERSEDED)
ADVISERS = (DPO, GUARDIAN)
SUPPORTS, WITH_CONDITIONS, AGAINST = "supports", "supports-with-conditions", "advises-against"
ADVICE = (SUPPORTS, WITH_CONDITIONS, AGAINST)
ADVICE_ACCEPTED, OVERRULED = "accepted", "overruled"
TAKEN, DISMISSED = "taken", "dismissed"


class Assessment(models.Model):
    """One assessment; `steps` is what its authors wrote, by step, complete or not.

    - `reference` and `title` repeat what the first step says, for lists
    - `about` names what the draft shared when the advisers were asked
    - `digest` is that of the record in the ledger, once approved
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    lead = an_id()
    author = an_id()
    draft = models.ForeignKey(
        Draft, on_delete=models.PROTECT, null=True, related_name="assessments"
    )
    follows = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, related_name="followers"
    )
    reference = models.CharField(max_length=ID_CHARACTERS, blank=True)
    title = models.CharField(max_length=ID_CHARACTERS, blank=True)
    steps: models.JSONField[dict[str, object], dict[str, object]] = models.JSONField()
    revision = models.PositiveIntegerField(default=1)
    state = models.CharField(max_length=20, default=DRAFTING)
    created = models.DateTimeField()
    changed = models.DateTimeField()
    asked_by = models.CharField(max_length=ID_CHARACTERS, blank=True)
    asked_at = models.DateTimeField(null=True)
    about = models.CharField(max_length=64, blank=True)
    digest = models.CharField(max_length=64, blank=True)
    approved_by = models.CharField(max_length=ID_CHARACTERS, blank=True)
    approved_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "gateway_assessment"
        indexes: ClassVar = [Index(fields=["state", "-changed"], name="assessment_by_state")]
        constraints: ClassVar = [
            CheckConstraint(
                condition=Q(state__in=ASSESSMENT_STATES), name="assessment_state_is_known"
            ),
            CheckConstraint(
                condition=Q(state__in=(APPROVED, SUPERSEDED)) ^ Q(digest=""),
                name="assessment_approved_names_its_digest",
            ),
            CheckConstraint(
                condition=Q(digest="") ^ (~Q(approved_by="") & Q(approved_at__isnull=False)),
                name="assessment_approved_names_who",
            ),
            CheckConstraint(
                condition=Q(state=DRAFTING) | (~Q(asked_by="") & Q(asked_at__isnull=False)),
                name="assessment_with_advisers_was_asked",
            ),
            CheckConstraint(
                condition=Q(approved_by="") | ~Q(approved_by=models.F("author")),
                name="assessment_author_does_not_approve",
            ),
        ]


class AssessmentRevision(models.Model):
    """What an assessment said once, who saved it, and which step they were at."""

    assessment = models.ForeignKey(Assessment, on_delete=models.CASCADE, related_name="revisions")
    number = models.PositiveIntegerField()
    steps: models.JSONField[dict[str, object], dict[str, object]] = models.JSONField()
    by = an_id()
    at = models.DateTimeField()
    step = models.CharField(max_length=40)

    class Meta:
        db_table = "gateway_assessment_revision"
        constraints: ClassVar = [
            UniqueConstraint(
                fields=["assessment", "number"], name="assessment_revision_is_one_of_its_number"
            )
        ]


class Advice(models.Model):
    """What an adviser says of one revision; the newest of each member counts."""

    assessment = models.ForeignKey(Assessment, on_delete=models.CASCADE, related_name="advice")
    revision = models.PositiveIntegerField()
    role = models.CharField(max_length=40)
    member = an_id()
    partner = an_id()
    says = models.CharField(max_length=40)
    text = models.TextField()
    at = models.DateTimeField()

    class Meta:
        db_table = "gateway_advice"
        constraints: ClassVar = [
            CheckConstraint(condition=Q(role__in=ADVISERS), name="advice_role_is_known"),
            CheckConstraint(condition=Q(says__in=ADVICE), name="advice_is_known"),
            CheckConstraint(condition=~Q(text=""), name="advice_says_something"),
        ]


class AdviceDecision(models.Model):
    """A signatory's answer to the data protection officers' advice; `advice` are its ids."""

    assessment = models.ForeignKey(Assessment, on_delete=models.CASCADE, related_name="decisions")
    revision = models.PositiveIntegerField()
    advice: models.JSONField[list[int], list[int]] = models.JSONField()
    how = models.CharField(max_length=20)
    reason = models.TextField(blank=True)
    by = an_id()
    at = models.DateTimeField()

    class Meta:
        db_table = "gateway_advice_decision"
        constraints: ClassVar = [
            CheckConstraint(
                condition=Q(how__in=(ADVICE_ACCEPTED, OVERRULED)), name="advice_decision_is_known"
            ),
            CheckConstraint(
                condition=Q(how=ADVICE_ACCEPTED) | ~Q(reason=""),
                name="advice_overruled_says_why",
            ),
        ]


class IcoConsultation(models.Model):
    """That the ICO was asked about one revision (UK GDPR Article 36), and what it answered."""

    assessment = models.ForeignKey(
        Assessment, on_delete=models.CASCADE, related_name="consultations"
    )
    revision = models.PositiveIntegerField()
    asked_on = models.DateField()
    answer = models.TextField()
    by = an_id()
    at = models.DateTimeField()

    class Meta:
        db_table = "gateway_ico_consultation"
        constraints: ClassVar = [
            CheckConstraint(condition=~Q(answer=""), name="ico_consultation_says_the_answer")
        ]


class SuggestionAnswer(models.Model):
    """That a suggested risk was taken over, or dismissed with a reason; all are kept.

    `word` names the suggestion as it was: one that says something else now is open again.
    """

    assessment = models.ForeignKey(
        Assessment, on_delete=models.CASCADE, related_name="suggestion_answers"
    )
    suggestion = models.CharField(max_length=ID_CHARACTERS)
    word = models.CharField(max_length=64)
    said: models.JSONField[dict[str, object], dict[str, object]] = models.JSONField()
    how = models.CharField(max_length=20)
    reason = models.TextField(blank=True)
    by = an_id()
    at = models.DateTimeField()

    class Meta:
        db_table = "gateway_suggestion_answer"
        constraints: ClassVar = [
            CheckConstraint(
                condition=Q(how__in=(TAKEN, DISMISSED)), name="suggestion_answer_is_known"
            ),
            CheckConstraint(
                condition=Q(how=TAKEN) | ~Q(reason=""), name="suggestion_dismissed_says_why"
            ),
        ]


class UniqueCount(models.Model):
    """How many rows an owner's data engineer found unique on what a grant shows, and when.

    `shows` names what the grant showed then: a count of something else is no count of it.
    """

    assessment = models.ForeignKey(Assessment, on_delete=models.CASCADE, related_name="counts")
    grant = models.CharField(max_length=ID_CHARACTERS)
    shows = models.CharField(max_length=64)
    unique = models.PositiveBigIntegerField()
    rows = models.PositiveBigIntegerField()
    counted_on = models.DateField()
    deposit = models.PositiveIntegerField()
    by = an_id()
    at = models.DateTimeField()

    class Meta:
        db_table = "gateway_unique_count"
        constraints: ClassVar = [
            CheckConstraint(
                condition=Q(unique__lte=models.F("rows")), name="unique_count_is_of_its_rows"
            )
        ]
