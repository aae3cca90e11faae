"""Drafts: what is being written, each revision of it, and what is said about it."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import CheckConstraint, Index, Q, UniqueConstraint

ID_CHARACTERS = 200
DRAFTING, NEGOTIATING, OFFERED, ABANDONED = "drafting", "negotiating", "offered", "abandoned"
STATES = (DRAFTING, NEGOTIATING, OFFERED, ABANDONED)
OPEN = (DRAFTING, NEGOTIATING)
COMMENT, SUGGESTION = "comment", "suggestion"
CONTENT, CHANGES_WANTED = "content", "changes-wanted"
ACCEPTED, REFUSED, SETTLED = "accepted", "refused", "settled"


def an_id() -> models.CharField[str, str]:
    return models.CharField(max_length=ID_CHARACTERS)


class Draft(models.Model):
    """One agreement that is being written: `terms` is the authored table as it stands.

    It may be incomplete or wrong; `drafting.sections` says in which part. `revision` counts what
    was saved; every one is kept.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    lead = an_id()
    author = an_id()
    terms: models.JSONField[dict[str, object], dict[str, object]] = models.JSONField()
    revision = models.PositiveIntegerField(default=1)
    state = models.CharField(max_length=20, default=DRAFTING)
    made_from = models.CharField(max_length=ID_CHARACTERS, blank=True)
    created = models.DateTimeField()
    changed = models.DateTimeField()
    offered_digest = models.CharField(max_length=64, blank=True)

    class Meta:
        db_table = "gateway_draft"
        indexes: ClassVar = [Index(fields=["state", "-changed"], name="draft_by_state")]
        constraints: ClassVar = [
            CheckConstraint(condition=Q(state__in=STATES), name="draft_state_is_known"),
            CheckConstraint(
                condition=Q(state=OFFERED) ^ Q(offered_digest=""),
                name="draft_offered_names_its_digest",
            ),
        ]


class Revision(models.Model):
    """What a draft said once, who saved it, and in which part it differs from the one before."""

    draft = models.ForeignKey(Draft, on_delete=models.CASCADE, related_name="revisions")
    number = models.PositiveIntegerField()
    terms: models.JSONField[dict[str, object], dict[str, object]] = models.JSONField()
    by = an_id()
    at = models.DateTimeField()
    section = models.CharField(max_length=40)

    class Meta:
        db_table = "gateway_revision"
        constraints: ClassVar = [
            UniqueConstraint(fields=["draft", "number"], name="revision_is_one_of_its_number")
        ]


class Comment(models.Model):
    """What somebody says about a part of a draft; a suggestion says what it would put there."""

    draft = models.ForeignKey(Draft, on_delete=models.CASCADE, related_name="comments")
    kind = models.CharField(max_length=20, default=COMMENT)
    section = models.CharField(max_length=40)
    revision = models.PositiveIntegerField()
    by = an_id()
    partner = an_id()
    at = models.DateTimeField()
    text = models.TextField()
    proposed = models.JSONField(null=True)
    answers = models.ForeignKey("self", on_delete=models.CASCADE, null=True, related_name="replies")
    settled = models.CharField(max_length=20, blank=True)
    settled_by = models.CharField(max_length=ID_CHARACTERS, blank=True)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "gateway_comment"
        constraints: ClassVar = [
            CheckConstraint(
                condition=Q(kind__in=(COMMENT, SUGGESTION)), name="comment_kind_is_known"
            ),
            CheckConstraint(
                condition=Q(kind=SUGGESTION) ^ Q(proposed__isnull=True),
                name="comment_that_suggests_says_what",
            ),
            CheckConstraint(
                condition=Q(settled__in=("", ACCEPTED, REFUSED, SETTLED)),
                name="comment_is_settled_in_a_known_way",
            ),
        ]


class Opinion(models.Model):
    """What a partner says of a draft as it stands: content with a revision, or wanting changes."""

    draft = models.ForeignKey(Draft, on_delete=models.CASCADE, related_name="opinions")
    partner = an_id()
    says = models.CharField(max_length=20)
    revision = models.PositiveIntegerField()
    by = an_id()
    at = models.DateTimeField()

    class Meta:
        db_table = "gateway_opinion"
        constraints: ClassVar = [
            UniqueConstraint(fields=["draft", "partner"], name="opinion_is_one_of_each_partner"),
            CheckConstraint(
                condition=Q(says__in=(CONTENT, CHANGES_WANTED)), name="opinion_is_known"
            ),
        ]
