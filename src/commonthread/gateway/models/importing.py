"""Existing agreements that were brought in: the text kept whole, and where its clauses went."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import CheckConstraint, Q, UniqueConstraint

from .drafts import ID_CHARACTERS, Draft, an_id

LEFT_OUT = "left-out"
FILE_NAME_CHARACTERS, REASON_CHARACTERS = 160, 500


class ImportedText(models.Model):
    """One file as it was read: its text, its digest, and that of the text as it was kept.

    `notes` are sentences on what the file held besides. One that was brought in by mistake is put
    away, and stays.
    """

    draft = models.ForeignKey(Draft, on_delete=models.CASCADE, related_name="imported")
    file_name = models.CharField(max_length=FILE_NAME_CHARACTERS)
    kind = models.CharField(max_length=10)
    file_digest = models.CharField(max_length=64)
    file_bytes = models.PositiveIntegerField()
    text = models.TextField()
    text_digest = models.CharField(max_length=64)
    notes: models.JSONField[list[str], list[str]] = models.JSONField()
    by = an_id()
    at = models.DateTimeField()
    put_away_by = models.CharField(max_length=ID_CHARACTERS, blank=True)
    put_away_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "gateway_imported_text"
        constraints: ClassVar = [
            CheckConstraint(condition=~Q(text=""), name="imported_text_says_something"),
            CheckConstraint(
                condition=Q(put_away_at__isnull=True) ^ ~Q(put_away_by=""),
                name="imported_text_put_away_says_by_whom",
            ),
            UniqueConstraint(
                fields=["draft", "file_digest"],
                condition=Q(put_away_at__isnull=True),
                name="imported_text_is_brought_in_once",
            ),
        ]


class ImportedClause(models.Model):
    """One clause: its text as it stands, where somebody put it, and whether it was copied there.

    `section` is a target of `importing.targets`, `left-out` with a reason, or empty: not mapped.
    """

    imported = models.ForeignKey(ImportedText, on_delete=models.CASCADE, related_name="clauses")
    number = models.PositiveIntegerField()
    under = models.TextField(blank=True)
    text = models.TextField()
    section = models.CharField(max_length=40, blank=True)
    reason = models.CharField(max_length=REASON_CHARACTERS, blank=True)
    mapped_by = models.CharField(max_length=ID_CHARACTERS, blank=True)
    mapped_at = models.DateTimeField(null=True)
    copied_by = models.CharField(max_length=ID_CHARACTERS, blank=True)
    copied_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "gateway_imported_clause"
        constraints: ClassVar = [
            UniqueConstraint(
                fields=["imported", "number"], name="imported_clause_is_one_of_its_number"
            ),
            CheckConstraint(
                condition=Q(section=LEFT_OUT) ^ Q(reason=""),
                name="imported_clause_left_out_says_why",
            ),
            CheckConstraint(
                condition=Q(section="", mapped_by="", mapped_at__isnull=True)
                | (~Q(section="") & ~Q(mapped_by="") & Q(mapped_at__isnull=False)),
                name="imported_clause_mapped_says_by_whom",
            ),
            CheckConstraint(
                condition=Q(copied_by="", copied_at__isnull=True)
                | (
                    ~Q(copied_by="")
                    & Q(copied_at__isnull=False)
                    & ~Q(section="")
                    & ~Q(section=LEFT_OUT)
                ),
                name="imported_clause_copied_is_mapped",
            ),
        ]
