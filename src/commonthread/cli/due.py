"""What has to be done when its day has come: once by a command, every minute beside the pages."""

from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import typer
from django.conf import settings
from django.db import DatabaseError, connections

from commonthread.broker.access import Broker, UserFacing
from commonthread.broker.access import open_broker as opened

from .facts import Json
from .output import counted, print_json

if TYPE_CHECKING:
    from commonthread.gateway.due import Round, Seen

EACH_SECONDS = 60
log = logging.getLogger(__name__)


def run_due(json: Json = False) -> None:
    """Make the reminders that are due and send what waits in the outbox, once.

    Run it as often as you like, from cron or by hand, or twice at once: each reminder is made
    once, and each message is claimed by one process before it is sent.
    """
    done = round_of(opened())
    if json:
        mail = bool(settings.MAIL)
        print_json({"made": done.made, "sent": done.sent, "swept": done.swept, "mail": mail})
        return
    sent = f"{counted(done.sent, 'message')} sent"
    if not settings.MAIL:
        sent = "nothing sent: no mail server is set (COMMONTHREAD_SMTP_URL)"
    typer.echo(f"{counted(done.made, 'reminder')} made, {sent}")


def round_of(broker: Broker, seen: Seen | None = None) -> Round:
    from commonthread.gateway.due import run_due as run
    from commonthread.gateway.post.mail import sender

    return run(broker.standing(), settings.HOME, datetime.now(UTC), sender(), seen)


class EveryMinute:
    """Runs what is due in a thread of its own, now and every minute, until `stop`."""

    def __init__(self, broker: Broker, each: float = EACH_SECONDS) -> None:
        from commonthread.gateway.due import Seen

        self._broker, self._each, self._seen = broker, each, Seen()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="due", daemon=True)

    def start(self) -> EveryMinute:
        self._thread.start()
        return self

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        while not self._stop.is_set():
            self._round()
            self._stop.wait(self._each)

    def _round(self) -> None:
        """One round; what goes wrong is logged without its text, and the next round tries again."""
        try:
            round_of(self._broker, self._seen)
        except (UserFacing, DatabaseError, OSError):
            log.exception("What is due could not be done; it is tried again in a minute.")
        finally:
            connections.close_all()


def register(app: typer.Typer) -> None:
    app.command("run-due", epilog="Example: commonthread run-due --home ./county")(run_due)
