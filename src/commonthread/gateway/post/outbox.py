"""Messages wait here until they are sent. Each has a key, and there is one of each key.

What is promised, and what is not. A message is claimed before it is handed to the mail server and
marked as sent afterwards. Two processes never claim the same one, so nothing is sent twice by
running twice. A process that dies between the server's acceptance and the mark leaves a claim that
ends after ten minutes; then the message is sent again, since nobody can know whether it went: SMTP
has no way to ask. It goes with the same Message-ID, by which mail programs know a second copy.
Nothing is lost: what is not marked as sent is tried again, or is shown as failed.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import QuerySet

from commonthread.broker.access import BadInput
from commonthread.gateway.models import FAILED, SENDING, SENT, WAITING, MemberAddress, Message

CLAIMED_FOR = timedelta(minutes=10)
FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=6)
MOST_TRIES = 10
# What could not be sent for so long would only mislead.
STALE = timedelta(days=14)
LONGEST_SUBJECT, LONGEST_TEXT = 200, 20_000
LONGEST_KEY = 800

Send = Callable[[str, str, str, str], None]


def queue(key: str, to: str, subject: str, text: str, at: datetime) -> bool:
    """Put a message to a member in the outbox; False when one of this key is there already."""
    if not key or len(key) > LONGEST_KEY:
        key = sha256(key.encode()).hexdigest()
    _, made = Message.objects.get_or_create(
        key=key,
        defaults={
            "to": to,
            "subject": _line(subject),
            "text": text[:LONGEST_TEXT],
            "made": at,
            "next_try": at,
        },
    )
    return made


def _line(subject: str) -> str:
    """One line: the name of a partner or an agreement cannot add a header to a mail."""
    return " ".join("".join(m if m.isprintable() else " " for m in subject).split())[
        :LONGEST_SUBJECT
    ]


def deliver(at: datetime, send: Send) -> int:
    """Send what is due, once round; how many were sent.

    `send(address, subject, text, message_id)` hands one mail to a server, and raises `OSError`
    (of which the errors of SMTP are) when it was not taken.
    """
    give_up(at)
    began, sent = time.monotonic(), 0
    for number in list(_due(at).values_list("pk", flat=True)):
        # A slow server makes a long round: a claim lasts from when it is made.
        then = at + timedelta(seconds=time.monotonic() - began)
        message = _claim(number, then)
        if message is not None and _send(message, then, send):
            sent += 1
    return sent


def _due(at: datetime) -> QuerySet[Message]:
    """What may be tried now: waiting, or claimed by somebody who is gone; with an address."""
    known = MemberAddress.objects.values("member")
    ready = Message.objects.filter(state__in=(WAITING, SENDING), next_try__lte=at, to__in=known)
    return ready.order_by("next_try", "pk")


def _claim(number: int, at: datetime) -> Message | None:
    """The message, if nobody else has it; the claim is committed before anything is sent."""
    claim = secrets.token_hex(16)
    with transaction.atomic():
        taken = (
            _due(at)
            .filter(pk=number)
            .order_by()
            .update(state=SENDING, claim=claim, next_try=at + CLAIMED_FOR)
        )
    return Message.objects.filter(pk=number, claim=claim).first() if taken else None


def _send(message: Message, at: datetime, send: Send) -> bool:
    address = MemberAddress.objects.filter(member=message.to).first()
    if address is None:
        return _put_back(message, at)
    try:
        send(address.address, message.subject, message.text, message_id(message.key))
    except OSError:
        return _put_back(message, at)
    return bool(_mine(message).update(state=SENT, claim="", sent_at=at, tries=message.tries + 1))


def _put_back(message: Message, at: datetime) -> bool:
    tries = message.tries + 1
    state = FAILED if tries >= MOST_TRIES else WAITING
    _mine(message).update(state=state, claim="", tries=tries, next_try=at + wait(tries))
    return False


def _mine(message: Message) -> QuerySet[Message]:
    """The row, while our claim on it holds: somebody else may have taken it after ours was over."""
    return Message.objects.filter(pk=message.pk, state=SENDING, claim=message.claim)


def wait(tries: int) -> timedelta:
    """How long after the n-th failure: a minute, doubled each time, six hours at the most."""
    return min(FIRST_WAIT * (1 << min(tries - 1, 20)), LONGEST_WAIT)


def give_up(at: datetime) -> int:
    """Fail what has waited too long to be worth saying; how many messages that were."""
    old = Message.objects.filter(state=WAITING, made__lt=at - STALE)
    return old.update(state=FAILED)


def retry(number: int, at: datetime) -> bool:
    """Try a failed message again, from the beginning."""
    failed = Message.objects.filter(pk=number, state=FAILED)
    return bool(failed.update(state=WAITING, tries=0, made=at, next_try=at))


def message_id(key: str) -> str:
    """The same for every try of the same message; it says nothing of what the key says."""
    return f"<{sha256(key.encode()).hexdigest()[:40]}@commonthread.invalid>"


def address_of(member: str) -> str:
    found = MemberAddress.objects.filter(member=member).first()
    return found.address if found else ""


def keep_address(member: str, address: str) -> None:
    """Where a member's mail goes from now on; an empty address: nowhere."""
    if not address:
        MemberAddress.objects.filter(member=member).delete()
        return
    try:
        validate_email(address)
    except ValidationError:
        raise BadInput("This is not an e-mail address.", mend="Such as name@example.org.") from None
    MemberAddress.objects.update_or_create(member=member, defaults={"address": address})


def queue_of(*, of: list[str] | None = None) -> QuerySet[Message]:
    """The messages, the newest first; of some members only, where they are named."""
    chosen = Message.objects.all() if of is None else Message.objects.filter(to__in=of)
    return chosen.order_by("-made", "-pk")
