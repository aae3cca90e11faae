"""Handing one mail to a mail server, by Django's own e-mail backend."""

from __future__ import annotations

from django.conf import settings
from django.core.mail import EmailMessage

from .outbox import Send


def sender() -> Send | None:
    """How mail is sent here; None in a home without a mail server, where it stays to be read."""
    return send if settings.MAIL else None


def send(address: str, subject: str, text: str, message_id: str) -> None:
    """Raises `OSError` when the server did not take it: every error of SMTP is one."""
    mail = EmailMessage(
        subject=subject,
        body=text,
        to=[address],
        headers={"Message-ID": message_id, "Auto-Submitted": "auto-generated"},
    )
    mail.send()
