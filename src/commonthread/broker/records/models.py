"""The tables of the control database: the ledger's own, and the caches of what it says.

Times are text as the entries have it (`2026-11-23T20:00:00Z`), so both databases compare them
alike. No row of the ledger points to another table: an entry outlives whatever it names.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import CheckConstraint, CompositePrimaryKey, Index, Q, UniqueConstraint

INSTANT_CHARACTERS = 20
NAME_CHARACTERS = 200


def instant() -> models.CharField[str, str]:
    return models.CharField(max_length=INSTANT_CHARACTERS)


def short() -> models.CharField[str, str]:
    return models.CharField(max_length=NAME_CHARACTERS)


class Entry(models.Model):
    """One entry: its verbatim canonical JSON, and what is looked up in it."""

    seq = models.BigIntegerField(primary_key=True)
    at = instant()
    kind = models.CharField(max_length=64)
    fact = models.BigIntegerField(null=True)
    text = models.TextField()

    class Meta:
        db_table = "ledger_entry"
        indexes: ClassVar = [Index(fields=["at"], name="entry_at")]
        constraints: ClassVar = [
            CheckConstraint(condition=Q(seq__gte=0), name="entry_counts_from_nought"),
            CheckConstraint(condition=Q(fact__gte=1), name="entry_fact_counts_from_one"),
            UniqueConstraint(fields=["fact"], name="entry_fact_is_one_of_its_number"),
        ]


class EntryToken(models.Model):
    """A keyed token that an entry carries, for finding it again."""

    pk = CompositePrimaryKey("seq", "token")
    seq = models.BigIntegerField()
    token = short()
    kind = models.CharField(max_length=64)
    at = instant()

    class Meta:
        db_table = "ledger_token"
        indexes: ClassVar = [Index(fields=["token", "kind", "at"], name="token_by_kind_and_time")]


class EntryKey(models.Model):
    """The wrapped key of one entry's body; without it the body is erased and the tree is whole."""

    seq = models.BigIntegerField(primary_key=True)
    wrapped = models.TextField()

    class Meta:
        db_table = "ledger_key"


class Node(models.Model):
    """A complete subtree of the Merkle tree."""

    pk = CompositePrimaryKey("level", "place")
    level = models.SmallIntegerField()
    place = models.BigIntegerField()
    hash = models.BinaryField()

    class Meta:
        db_table = "ledger_node"
        constraints: ClassVar = [
            CheckConstraint(
                condition=Q(level__gte=0, level__lte=62, place__gte=0), name="node_lies_in_the_tree"
            ),
        ]


class Checkpoint(models.Model):
    """The newest signed checkpoint: one row, replaced by each batch."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    size = models.BigIntegerField()
    note = models.TextField()

    class Meta:
        db_table = "ledger_checkpoint"
        constraints: ClassVar = [
            CheckConstraint(condition=Q(id=1), name="checkpoint_is_one"),
            CheckConstraint(condition=Q(size__gte=1), name="checkpoint_covers_an_entry"),
        ]


class Notice(models.Model):
    """The outbox: what a party is told of an act on one of its agreements."""

    pk = CompositePrimaryKey("seq", "party")
    seq = models.BigIntegerField()
    party = short()
    kind = models.CharField(max_length=64)
    reference = short()
    at = instant()
    body = models.TextField()

    class Meta:
        db_table = "cache_notice"
        indexes: ClassVar = [Index(fields=["party", "seq"], name="notice_by_party")]


class Partner(models.Model):
    id = models.CharField(max_length=NAME_CHARACTERS, primary_key=True)
    name = models.TextField()
    kind = short()
    root_key = short()
    credentials = models.TextField()

    class Meta:
        db_table = "cache_partner"


class Member(models.Model):
    id = models.CharField(max_length=NAME_CHARACTERS, primary_key=True)
    name = models.TextField()
    partner = short()
    roles = models.TextField()
    groups = models.TextField()
    key = short()

    class Meta:
        db_table = "cache_member"


class Dataset(models.Model):
    name = models.CharField(max_length=NAME_CHARACTERS, primary_key=True)
    owner = short()
    contract = models.CharField(max_length=64)

    class Meta:
        db_table = "cache_dataset"


class Charter(models.Model):
    reference = models.CharField(max_length=NAME_CHARACTERS, primary_key=True)
    version = models.BigIntegerField()
    digest = models.CharField(max_length=64)

    class Meta:
        db_table = "cache_charter"


class Agreement(models.Model):
    """One version of an agreement, and how far it came."""

    pk = CompositePrimaryKey("reference", "version")
    reference = short()
    version = models.BigIntegerField()
    digest = models.CharField(max_length=64)
    title = models.TextField()
    state = short()
    proposed = instant()
    completed = models.CharField(max_length=INSTANT_CHARACTERS, blank=True)

    class Meta:
        db_table = "cache_agreement"
        constraints: ClassVar = [
            CheckConstraint(condition=Q(version__gte=1), name="agreement_versions_from_one"),
            UniqueConstraint(fields=["digest"], name="agreement_digest_is_of_one_version"),
        ]


class Act(models.Model):
    """An act that still counts: by whom, on what."""

    leaf = models.CharField(max_length=64, primary_key=True)
    reference = short()
    subject = models.CharField(max_length=64)
    act = short()
    partner = short()
    member = short()
    at = instant()

    class Meta:
        db_table = "cache_act"
        constraints: ClassVar = [
            UniqueConstraint(
                fields=["reference", "subject", "act", "partner"], name="act_counts_once"
            ),
        ]


class Deposit(models.Model):
    pk = CompositePrimaryKey("dataset", "number")
    dataset = short()
    number = models.BigIntegerField()
    digest = models.CharField(max_length=64)
    contract = models.CharField(max_length=64)
    file = models.CharField(max_length=64)
    rows = models.BigIntegerField()
    quarantined = models.BigIntegerField()
    member = short()
    at = instant()

    class Meta:
        db_table = "cache_deposit"
        constraints: ClassVar = [
            CheckConstraint(condition=Q(number__gte=1), name="deposit_numbers_from_one"),
            CheckConstraint(
                condition=Q(rows__gte=0, quarantined__gte=0), name="deposit_counts_are_counts"
            ),
        ]
