"""What was checked of a credential, where reminders go, and the outbox they go through.

None of it is a fact: a check says what somebody looked at, and no decision asks for it. Addresses
stand here and nowhere else, never in the ledger and never in a log.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import CheckConstraint, Index, Q, UniqueConstraint

from .drafts import an_id

WAITING, SENDING, SENT, FAILED = "waiting", "sending", "sent", "failed"
MESSAGE_STATES = (WAITING, SENDING, SENT, FAILED)


class CredentialCheck(models.Model):
    """One look at a partner's credential: what of it was checked, by whom, on which evidence.

    `expires` is that of the credential that was looked at: a check says nothing of its renewal.
    `file` is the random name under which the evidence store keeps the file; empty without one.
    """

    partner = an_id()
    scheme = an_id()
    expires = models.DateField()
    scope = models.TextField()
    note = models.TextField(blank=True)
    file = models.CharField(max_length=64, blank=True)
    file_name = models.CharField(max_length=120, blank=True)
    file_digest = models.CharField(max_length=64, blank=True)
    file_bytes = models.PositiveIntegerField(default=0)
    checked_by = an_id()
    checked_on = models.DateField()
    at = models.DateTimeField()

    class Meta:
        db_table = "gateway_credential_check"
        indexes: ClassVar = [Index(fields=["partner", "scheme"], name="check_by_credential")]
        constraints: ClassVar = [
            CheckConstraint(
                condition=Q(file="", file_name="", file_digest="", file_bytes=0)
                | ~Q(file="") & ~Q(file_name="") & ~Q(file_digest="") & Q(file_bytes__gt=0),
                name="check_has_a_whole_file_or_none",
            ),
            UniqueConstraint(
                fields=["file"], condition=~Q(file=""), name="check_file_is_of_one_check"
            ),
        ]


class MemberAddress(models.Model):
    """Where a member wants reminders to go; a member without a row gets no mail."""

    member = models.CharField(max_length=200, primary_key=True)
    address = models.EmailField(max_length=254)

    class Meta:
        db_table = "gateway_member_address"


class Message(models.Model):
    """One mail to one member. `key` says what it is about, and there is one of each key.

    Whoever sends it claims it first: `sending`, with a mark of its own, until `next_try`. A claim
    that is over was left by a process that died, and the message is tried again.
    """

    key = models.CharField(max_length=800, unique=True)
    to = an_id()
    subject = models.CharField(max_length=300)
    text = models.TextField()
    made = models.DateTimeField()
    state = models.CharField(max_length=10, default=WAITING)
    claim = models.CharField(max_length=32, blank=True)
    tries = models.PositiveIntegerField(default=0)
    next_try = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "gateway_message"
        indexes: ClassVar = [
            Index(fields=["state", "next_try"], name="message_by_state"),
            Index(fields=["to", "-made"], name="message_by_member"),
        ]
        constraints: ClassVar = [
            CheckConstraint(condition=Q(state__in=MESSAGE_STATES), name="message_state_is_known"),
            CheckConstraint(
                condition=Q(state=SENT) ^ Q(sent_at__isnull=True),
                name="message_sent_says_when",
            ),
            CheckConstraint(
                condition=Q(state=SENDING) ^ Q(claim=""), name="message_sending_is_claimed"
            ),
        ]
