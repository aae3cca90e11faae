"""What is said around agreements that are signed: declines, delegations, attestations, refusals.

Nothing here governs. A decline stops nobody's signature by itself, a delegation gives nobody a
right, and an attestation is one partner's word.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import CheckConstraint, F, Index, Q, UniqueConstraint

from .drafts import an_id

DIGEST_CHARACTERS, CLAUSE_CHARACTERS, VIEW_CHARACTERS = 64, 400, 2_000
GRANTED, REFUSED_TO_SHARE, TAKEN_BACK = "granted", "refused", "taken-back"
ANSWERS = (GRANTED, REFUSED_TO_SHARE, TAKEN_BACK)


def about_a_version() -> models.CharField[str, str]:
    """The digest of the terms that something is said about."""
    return models.CharField(max_length=DIGEST_CHARACTERS)


class Decline(models.Model):
    """A party's signatory will not sign a version, and says why; it may be taken back."""

    reference = an_id()
    digest = about_a_version()
    partner = an_id()
    by = an_id()
    at = models.DateTimeField()
    reason = models.TextField()
    taken_back = models.DateTimeField(null=True)
    taken_back_by = models.CharField(max_length=200, blank=True)

    class Meta:
        db_table = "gateway_decline"
        constraints: ClassVar = [
            UniqueConstraint(
                fields=["digest", "partner"],
                condition=Q(taken_back__isnull=True),
                name="decline_is_one_of_each_party",
            ),
            CheckConstraint(condition=~Q(reason=""), name="decline_has_a_reason"),
            CheckConstraint(
                condition=Q(taken_back__isnull=True) ^ ~Q(taken_back_by=""),
                name="decline_taken_back_says_by_whom",
            ),
        ]


class Delegation(models.Model):
    """One signatory hands the reading and signing to another of the same partner until a day."""

    reference = an_id()
    digest = about_a_version()
    partner = an_id()
    by = an_id()
    to = an_id()
    at = models.DateTimeField()
    until = models.DateField()
    note = models.TextField(blank=True)
    taken_back = models.DateTimeField(null=True)
    taken_back_by = models.CharField(max_length=200, blank=True)

    class Meta:
        db_table = "gateway_delegation"
        constraints: ClassVar = [
            UniqueConstraint(
                fields=["digest", "partner"],
                condition=Q(taken_back__isnull=True),
                name="delegation_is_one_of_each_party",
            ),
            CheckConstraint(condition=~Q(by=F("to")), name="delegation_is_to_somebody_else"),
            CheckConstraint(
                condition=Q(taken_back__isnull=True) ^ ~Q(taken_back_by=""),
                name="delegation_taken_back_says_by_whom",
            ),
        ]


class Attestation(models.Model):
    """A partner's word that it did what it owed on a day; `note` says where the evidence is."""

    reference = an_id()
    clause = models.CharField(max_length=CLAUSE_CHARACTERS)
    partner = an_id()
    due = models.DateField()
    by = an_id()
    at = models.DateTimeField()
    note = models.TextField()

    class Meta:
        db_table = "gateway_attestation"
        constraints: ClassVar = [
            UniqueConstraint(
                fields=["reference", "clause", "partner", "due"], name="attestation_is_made_once"
            ),
            CheckConstraint(condition=~Q(note=""), name="attestation_says_its_evidence"),
        ]


class Asking(models.Model):
    """One partner asked another to share something, and what came of it by when."""

    asker = an_id()
    asked = an_id()
    what = models.TextField()
    why = models.TextField()
    asked_on = models.DateField()
    due = models.DateField()
    recorded_by = an_id()
    recorded = models.DateTimeField()
    answer = models.CharField(max_length=20, blank=True)
    reason = models.TextField(blank=True)
    agreement = models.CharField(max_length=200, blank=True)
    answered_on = models.DateField(null=True)
    answered_by = models.CharField(max_length=200, blank=True)

    class Meta:
        db_table = "gateway_asking"
        indexes: ClassVar = [
            Index(fields=["asker", "-asked_on"], name="asking_by_asker"),
            Index(fields=["asked", "-asked_on"], name="asking_by_asked"),
        ]
        constraints: ClassVar = [
            CheckConstraint(condition=~Q(asker=F("asked")), name="asking_is_of_another_partner"),
            CheckConstraint(condition=Q(due__gte=F("asked_on")), name="asking_is_due_after_it"),
            CheckConstraint(
                condition=Q(answer="", reason="", answered_on__isnull=True, answered_by="")
                | (
                    Q(answer__in=ANSWERS, answered_on__isnull=False)
                    & ~Q(reason="")
                    & ~Q(answered_by="")
                ),
                name="asking_is_answered_with_a_reason",
            ),
        ]


class SavedView(models.Model):
    """A member's own filter of a list, under a name; `query` is what stands in the address."""

    member = an_id()
    name = models.CharField(max_length=80)
    query = models.CharField(max_length=VIEW_CHARACTERS, blank=True)
    at = models.DateTimeField()

    class Meta:
        db_table = "gateway_saved_view"
        constraints: ClassVar = [
            UniqueConstraint(fields=["member", "name"], name="saved_view_has_its_own_name"),
            CheckConstraint(condition=~Q(name=""), name="saved_view_has_a_name"),
        ]
