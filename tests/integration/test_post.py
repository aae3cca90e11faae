"""The outbox: one of each key, sent once, tried again, and nothing lost by a kill."""

from __future__ import annotations

import json
import os
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, connections, transaction
from tests.factories import County, dataset, grant, home_standing, signed
from typer.testing import CliRunner

from commonthread.broker.access import BadInput, IntegrityFailure, Refused
from commonthread.broker.rules.standing import OFFICER, Member, Standing
from commonthread.cli import app, due
from commonthread.gateway.due import Round, Seen, remind, run_due
from commonthread.gateway.models import (
    FAILED,
    NEGOTIATING,
    SENDING,
    SENT,
    WAITING,
    Attestation,
    Draft,
    MemberAddress,
    Message,
)
from commonthread.gateway.post import mail, nudges, outbox
from commonthread.gateway.post.outbox import CLAIMED_FOR, MOST_TRIES, STALE, deliver, queue, wait

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parents[2]
AT = datetime(2026, 11, 25, 12, tzinfo=UTC)
WHO, ADDRESS = "g.penn", "g.penn@example.org"
Sent = list[tuple[str, str, str, str]]


@pytest.fixture
def sent() -> Sent:
    return []


@pytest.fixture
def address() -> str:
    outbox.keep_address(WHO, ADDRESS)
    return ADDRESS


def to(taken: Sent) -> outbox.Send:
    return lambda *parts: taken.append(parts)


def refuse(*parts: str) -> None:
    raise ConnectionRefusedError


def put(key: str = "k", at: datetime = AT) -> Message:
    assert queue(key, WHO, "Subject", "Text", at)
    return Message.objects.get(key=key)


# What is queued


def test_there_is_one_message_of_a_key() -> None:
    assert queue("k", WHO, "First", "Text", AT)
    assert not queue("k", WHO, "Second", "Text", AT)
    assert Message.objects.get().subject == "First"


def test_a_subject_is_one_line_and_not_endless() -> None:
    queue("k", WHO, "Agreement\r\nBcc: all@example.org " + "x" * 400, "Text", AT)
    subject = Message.objects.get().subject
    assert subject.startswith("Agreement Bcc: all@example.org xxx")
    assert len(subject) == outbox.LONGEST_SUBJECT


def test_a_key_that_is_too_long_is_still_one_key() -> None:
    assert queue("k" * 5_000, WHO, "S", "T", AT)
    assert not queue("k" * 5_000, WHO, "S", "T", AT)


@pytest.mark.parametrize(
    ("fault", "name"),
    [
        ({"state": "lost"}, "message_state_is_known"),
        ({"sent_at": AT}, "message_sent_says_when"),
        ({"claim": "x"}, "message_sending_is_claimed"),
    ],
)
def test_a_row_of_the_outbox_holds_together(fault: dict[str, Any], name: str) -> None:
    row = {"key": "k", "to": WHO, "subject": "S", "text": "T", "made": AT, "next_try": AT}
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        Message.objects.create(**row | fault)


# What is sent


@pytest.mark.usefixtures("address")
def test_a_message_is_sent_once(sent: Sent) -> None:
    message = put()
    assert deliver(AT, to(sent)) == 1
    assert deliver(AT + timedelta(days=1), to(sent)) == 0
    assert sent == [(ADDRESS, "Subject", "Text", outbox.message_id("k"))]
    message.refresh_from_db()
    assert (message.state, message.tries) == (SENT, 1)
    assert message.sent_at is not None


def test_a_message_waits_for_an_address(sent: Sent) -> None:
    put()
    assert deliver(AT, to(sent)) == 0
    assert Message.objects.get().state == WAITING
    outbox.keep_address(WHO, ADDRESS)
    assert deliver(AT, to(sent)) == 1


def test_an_address_can_be_taken_back(address: str, sent: Sent) -> None:
    put()
    outbox.keep_address(WHO, "")
    assert deliver(AT, to(sent)) == 0
    assert not MemberAddress.objects.exists()


@pytest.mark.parametrize("text", ["no", "a@b", "a@b.org\nBcc: c@d.org", "a b@example.org"])
def test_what_is_no_address_is_not_kept(text: str) -> None:
    with pytest.raises(BadInput):
        outbox.keep_address(WHO, text)
    assert not MemberAddress.objects.exists()


@pytest.mark.usefixtures("address")
def test_what_the_server_did_not_take_is_tried_later_and_later(sent: Sent) -> None:
    message = put()
    assert deliver(AT, refuse) == 0
    message.refresh_from_db()
    assert (message.state, message.tries, message.claim) == (WAITING, 1, "")
    due = message.next_try
    assert timedelta(minutes=1) <= due - AT < timedelta(minutes=2)
    assert deliver(due - timedelta(microseconds=1), to(sent)) == 0
    assert deliver(due, to(sent)) == 1
    assert [wait(n) for n in (1, 2, 3)] == [timedelta(minutes=n) for n in (1, 2, 4)]
    assert wait(50) == timedelta(hours=6)


@pytest.mark.usefixtures("address")
def test_what_is_never_taken_fails_in_the_end_and_can_be_tried_again(sent: Sent) -> None:
    message = put()
    at = AT
    for _ in range(MOST_TRIES):
        deliver(at, refuse)
        at += timedelta(hours=7)
    message.refresh_from_db()
    assert (message.state, message.tries) == (FAILED, MOST_TRIES)
    assert deliver(at, to(sent)) == 0
    assert outbox.retry(message.pk, at)
    assert deliver(at, to(sent)) == 1
    assert not outbox.retry(message.pk, at)


@pytest.mark.usefixtures("address")
def test_what_waited_too_long_is_not_sent_any_more(sent: Sent) -> None:
    put()
    assert deliver(AT + STALE + timedelta(seconds=1), to(sent)) == 0
    assert Message.objects.get().state == FAILED


@pytest.mark.usefixtures("address")
def test_one_that_is_refused_does_not_hold_up_the_others(sent: Sent) -> None:
    put("bad")
    put("good")

    def send(*parts: str) -> None:
        if parts[3] == outbox.message_id("bad"):
            raise TimeoutError
        sent.append(parts)  # type: ignore[arg-type]

    assert deliver(AT, send) == 1
    assert {one.key: one.state for one in Message.objects.all()} == {"bad": WAITING, "good": SENT}


# Twice at once, and killed


@pytest.mark.usefixtures("address")
def test_two_at_once_send_each_once(sent: Sent) -> None:
    for number in range(12):
        put(f"k{number}")
    start = threading.Barrier(2)

    def work() -> None:
        try:
            start.wait()
            deliver(AT, to(sent))
        finally:
            connections.close_all()

    both = [threading.Thread(target=work) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert sorted(parts[3] for parts in sent) == sorted(
        outbox.message_id(f"k{n}") for n in range(12)
    )


CHILD = """
import os, pathlib, signal, sys
import django
django.setup()
from datetime import datetime
from commonthread.gateway.post.outbox import deliver

def send(address, subject, text, message_id):
    if sys.argv[1] == "after":
        pathlib.Path(sys.argv[2]).write_text(message_id)
    os.kill(os.getpid(), signal.SIGKILL)

deliver(datetime.fromisoformat(sys.argv[3]), send)
"""


def killed(code: str, environment: Mapping[str, str], *arguments: str) -> int:
    paths = os.pathsep.join(map(str, (ROOT / "src", ROOT)))
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env={**environment, "PYTHONPATH": paths},
        capture_output=True,
        check=False,
    )
    return done.returncode


@pytest.mark.usefixtures("address")
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_sender_that_is_killed_leaves_a_claim_that_ends(
    same_database: dict[str, str], tmp_path: Path, sent: Sent, when: str
) -> None:
    """Killed before the server took it: sent later. Killed after: sent again, under the same id."""
    put()
    taken = tmp_path / "taken"
    assert killed(CHILD, same_database, when, str(taken), AT.isoformat()) == -9
    assert Message.objects.get().state == SENDING
    assert deliver(AT + CLAIMED_FOR - timedelta(seconds=1), to(sent)) == 0
    assert deliver(AT + CLAIMED_FOR + timedelta(minutes=1), to(sent)) == 1
    assert Message.objects.get().state == SENT
    if when == "after":
        assert sent[0][3] == taken.read_text()


@pytest.mark.usefixtures("address")
def test_whoever_comes_back_after_its_claim_was_over_marks_nothing(sent: Sent) -> None:
    message = put()

    def slow(*parts: str) -> None:
        # While this one hangs, its claim ends, and somebody else tries and is refused.
        Message.objects.update(next_try=AT)
        deliver(AT, refuse)

    assert deliver(AT, slow) == 0
    message.refresh_from_db()
    assert (message.state, message.tries) == (WAITING, 1)


# A real server


class Smtp(socketserver.StreamRequestHandler):
    """As much of RFC 5321 as a relay needs to take one mail, or to refuse it for now."""

    def handle(self) -> None:
        server: Any = self.server
        self._say("220 relay.example")
        body: list[bytes] | None = None
        for raw in self.rfile:
            if body is not None:
                if raw == b".\r\n":
                    server.taken.append(b"".join(body))
                    self._say("250 taken")
                    body = None
                else:
                    body.append(raw)
                continue
            word = raw[:4].upper()
            if word == b"DATA":
                body = []
                self._say("354 go on")
            elif word == b"RCPT" and server.busy:
                self._say("451 try again later")
            else:
                self._say("221 bye" if word == b"QUIT" else "250 relay.example")

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


@pytest.fixture
def relay(settings: Any) -> Iterator[Any]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Smtp) as server:
        server.taken, server.busy, server.daemon_threads = [], False, True  # type: ignore[attr-defined]
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.server_address[1]
        settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
        settings.DEFAULT_FROM_EMAIL = "trust@example.org"
        settings.MAIL = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.mark.usefixtures("address")
def test_a_mail_goes_through_a_real_server(relay: Any) -> None:
    put()
    send = mail.sender()
    assert send is not None
    assert deliver(AT, send) == 1
    [taken] = relay.taken
    text = taken.decode()
    assert f"Message-ID: {outbox.message_id('k')}" in text
    for line in ("From: trust@example.org", f"To: {ADDRESS}", "Subject: Subject"):
        assert line in text
    assert "Auto-Submitted: auto-generated" in text


@pytest.mark.usefixtures("address")
def test_a_server_that_is_busy_is_tried_again(relay: Any, caplog: pytest.LogCaptureFixture) -> None:
    put()
    relay.busy = True
    assert deliver(AT, mail.send) == 0
    # Nor does a log ever name an address.
    assert caplog.text == ""
    relay.busy = False
    assert deliver(AT + timedelta(hours=1), mail.send) == 1
    assert len(relay.taken) == 1


def test_without_a_server_nothing_is_sent(settings: Any) -> None:
    settings.MAIL = False
    assert mail.sender() is None


# Reminders


def county() -> County:
    made = home_standing()
    credential = {"scheme": "ico-registration", "reference": "Z1", "expires": "2026-12-25"}
    for partner in ("wychshire", "severn-acute"):
        made.add_partner(partner, credentials=[credential])
        made.add_member(f"o.{partner}", partner, roles=[OFFICER])
    return made


@pytest.fixture
def standing() -> Standing:
    return county().standing


def test_reminders_are_made_once_and_nobody_else_is_told(
    standing: Standing, tmp_path: Path
) -> None:
    assert run_due(standing, tmp_path, AT, None) == Round(2, 0, 0)
    assert run_due(standing, tmp_path, AT + timedelta(hours=5), None) == Round(0, 0, 0)
    assert sorted(Message.objects.values_list("to", flat=True)) == ["o.severn-acute", "o.wychshire"]
    # 30 days before the last day; the next one is due on 18 December.
    assert remind(standing, datetime(2026, 12, 17, 23, 59, tzinfo=UTC)) == 0
    assert remind(standing, datetime(2026, 12, 18, tzinfo=UTC)) == 2


def test_reminders_are_made_again_for_new_facts_a_new_day_and_after_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, looked, seen = county(), [], Seen()
    monkeypatch.setattr("commonthread.gateway.due.remind", lambda *of: looked.append(of) or 0)

    def go(at: datetime = AT) -> int:
        run_due(made.standing, tmp_path, at, None, seen)
        return len(looked)

    assert [go(), go(), go(AT + timedelta(hours=11))] == [1, 1, 1]
    assert go(AT + timedelta(hours=13)) == 2
    made.add_partner("albion")
    assert go(AT + timedelta(hours=13)) == 3

    def fail(*of: object) -> int:
        raise ConnectionError

    made.add_partner("hereward-fire")
    with monkeypatch.context() as broken:
        broken.setattr("commonthread.gateway.due.remind", fail)
        with pytest.raises(ConnectionError):
            go(AT + timedelta(hours=13))
    assert go(AT + timedelta(hours=13)) == 4


def test_a_duty_that_was_attested_is_not_reminded_of(tmp_path: Path) -> None:
    made = signed(
        [dataset(LEAD, "calls", {"ref": "text"})],
        [grant("calls", f"{LEAD}/calls", ["ref"])],
        duty=[{"id": "train", "text": "Train.", "owner": LEAD, "due": "2026-12-20"}],
    )
    run_due(made.standing, tmp_path, AT, None)
    assert [one.subject for one in Message.objects.all()] == [
        "Duty under ISA-2026-014, A test of sharing: 25 days left"
    ]
    Message.objects.all().delete()
    Attestation.objects.create(
        reference="ISA-2026-014",
        clause="duty[train]",
        partner=LEAD,
        due=date(2026, 12, 20),
        by="s",
        at=AT,
        note="Register of training",
    )
    run_due(made.standing, tmp_path, AT, None)
    assert not Message.objects.exists()


def test_reminders_made_twice_at_once_are_one(standing: Standing) -> None:
    start, made = threading.Barrier(2), []

    def work() -> None:
        try:
            start.wait()
            made.append(remind(standing, AT))
        finally:
            connections.close_all()

    both = [threading.Thread(target=work) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert sum(made) == 2
    assert Message.objects.count() == 2


REMINDING = """
import os, signal, sys
import django
django.setup()
from tests.integration.test_post import AT, county
from commonthread.gateway import due

real = due.queue
def queue(*parts):
    real(*parts)
    os.kill(os.getpid(), signal.SIGKILL)
due.queue = queue
due.remind(county().standing, AT)
"""


def test_a_round_that_is_killed_is_finished_by_the_next(
    same_database: dict[str, str], standing: Standing
) -> None:
    assert killed(REMINDING, same_database) == -9
    assert Message.objects.count() == 1
    assert remind(standing, AT) == 1
    assert Message.objects.count() == 2


# The command, and the thread beside the pages


class Trust:
    """As much of a broker as a round asks for."""

    def __init__(self) -> None:
        self.rounds, self.faults = threading.Semaphore(0), 0

    def standing(self) -> Standing:
        self.rounds.release()
        if self.faults:
            self.faults -= 1
            raise IntegrityFailure("The ledger does not verify.")
        return county().standing


def test_the_command_says_what_it_did(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    settings.MAIL = False
    monkeypatch.setattr(due, "opened", Trust)
    monkeypatch.setattr(due, "datetime", Clock)
    first = CliRunner().invoke(app, ["run-due"])
    assert first.output == (
        "2 reminders made, nothing sent: no mail server is set (COMMONTHREAD_SMTP_URL)\n"
    )
    again = CliRunner().invoke(app, ["run-due", "--json"])
    assert json.loads(again.output) == {"made": 0, "sent": 0, "swept": 0, "mail": False}


class Clock(datetime):
    @classmethod
    def now(cls, tz: Any = None) -> Any:
        return AT


def test_beside_the_pages_it_is_done_again_and_again_whatever_fails(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(due, "datetime", Clock)
    trust = Trust()
    trust.faults = 1
    running = due.EveryMinute(trust, each=0.01).start()  # type: ignore[arg-type]
    for _ in range(3):
        assert trust.rounds.acquire(timeout=20)
    running.stop()
    assert not running._thread.is_alive()
    assert Message.objects.count() == 2
    assert "tried again" in caplog.text


# Nudges

LEAD, OTHER = "wychshire", "severn-acute"


def officer(partner: str) -> Member:
    return Member(f"o.{partner}", "Officer", partner, (OFFICER,))


@pytest.fixture
def draft() -> Draft:
    parties = [{"partner": LEAD}, {"partner": OTHER}]
    return Draft.objects.create(
        lead=LEAD,
        author=f"o.{LEAD}",
        terms={"title": "Falls\nprevention", "party": parties},
        state=NEGOTIATING,
        created=AT,
        changed=AT,
    )


def told(partner: str) -> tuple[Member, ...]:
    return (officer(partner),)


def test_a_party_is_nudged_once_a_day(draft: Draft) -> None:
    assert nudges.nudge(draft, told, by=officer(LEAD), at=AT) == [OTHER]
    assert nudges.nudged_today(draft, OTHER, AT)
    assert nudges.nudge(draft, told, by=officer(LEAD), at=AT + timedelta(hours=11)) == []
    assert nudges.nudge(draft, told, by=officer(LEAD), at=AT + timedelta(hours=13)) == [OTHER]
    first = Message.objects.order_by("pk")[0]
    assert (first.to, first.subject) == (
        f"o.{OTHER}",
        "Falls prevention: your partner is waited for",
    )


def test_who_is_content_is_not_nudged(draft: Draft) -> None:
    draft.opinions.create(partner=OTHER, says="content", revision=1, by=f"o.{OTHER}", at=AT)
    with pytest.raises(BadInput, match="Nobody else"):
        nudges.nudge(draft, told, by=officer(LEAD), at=AT)
    assert not Message.objects.exists()


@pytest.mark.parametrize(
    "by",
    [
        None,
        officer("hereward-fire"),
        Member("s", "S", LEAD, ("signatory",)),
        Member("a", "A", LEAD, (), ("wychshire/analysts",)),
    ],
)
def test_only_an_officer_of_a_party_nudges(draft: Draft, by: Member | None) -> None:
    with pytest.raises(Refused):
        nudges.nudge(draft, told, by=by, at=AT)
    assert not Message.objects.exists()


def test_nobody_is_nudged_about_a_draft_that_only_its_lead_sees(draft: Draft) -> None:
    draft.state = "drafting"
    with pytest.raises(Refused):
        nudges.nudge(draft, told, by=officer(LEAD), at=AT)
