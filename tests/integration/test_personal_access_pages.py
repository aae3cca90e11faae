"""The pages of personal access: the whole story in forms, who sees which, and what it costs."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from tests.asked_access import (
    ASKER,
    GRANTER,
    JUDGE,
    JUDGED,
    MANAGER,
    OTHER_ASKER,
    OTHER_MANAGER,
    REFERENCE,
    REVIEWER,
    TRAINER,
    AskedBroker,
    approve,
    asked,
    grant,
    ready,
    train,
    world,
)

from commonthread.gateway.models import AccessRequest
from commonthread.web import pages
from commonthread.web.access import pages as access_pages

pytestmark = pytest.mark.django_db


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> AskedBroker:
    """The pages are of this broker, at its time."""
    broker = world()
    monkeypatch.setattr(pages, "open_broker", lambda: broker)
    monkeypatch.setattr(access_pages, "now", lambda: broker.at)
    return broker


def signed_in(id_: str) -> Client:
    client = Client()
    assert client.post("/sign-in/", {"member": id_}).status_code == 302
    return client


def text_of(answer: Any) -> str:
    bare = re.sub(r"<[^>]+>", " ", answer.content.decode())
    return re.sub(r"\s+", " ", bare.replace("&#x27;", "'"))


def on(name: str, day: date) -> dict[str, str]:
    return {f"{name}-day": str(day.day), f"{name}-month": str(day.month), f"{name}-year": "2027"}


def test_the_story_from_a_refusal_to_its_review(here: AskedBroker) -> None:
    asker = signed_in(ASKER)
    assert 'href="/access/new/"' in asker.get(f"/agreements/{REFERENCE}/").content.decode()
    form = {"grant": f"{REFERENCE}/both", "purpose": "See notices.", "reason": "My cases."}
    form |= {"manager": MANAGER} | on("until", date(2027, 5, 1))
    address = asker.post("/access/new/", form)["Location"]
    assert "Line manager’s approval" in text_of(asker.get(address))

    training = {"what": "Level 3", "evidence": "Staff record.", "done-day": "1"}
    training |= {"done-month": "11", "done-year": "2026"} | on("until", date(2027, 8, 1))
    acts: list[tuple[str, str, dict[str, str]]] = [
        (MANAGER, "approve", {"note": "It is her work."}),
        (TRAINER, "training", training),
        (JUDGE, "judge", JUDGED),
        (GRANTER, "grant", {}),
        (TRAINER, "confirm", {}),
    ]
    for who, act, sent in acts:
        client = signed_in(who)
        assert "Waits for you" in text_of(client.get("/access/"))
        assert f"{address}{act}/" in client.get(address).content.decode()
        assert not here.opens(ASKER, "both")
        assert client.post(f"{address}{act}/", sent).status_code == 302
    assert here.opens(ASKER, "both")
    assert "Ends by itself 1 May 2027, at the end of the day" in text_of(asker.get(address))

    made = AccessRequest.objects.get()
    assert made.ends
    here.county.at = made.ends
    reviewer = signed_in(REVIEWER)
    assert "Waits for you" in text_of(reviewer.get("/access/"))
    assert "Ended by itself" in text_of(reviewer.get(address))
    said = {"finding": "as-agreed", "text": "Ten look-ups."}
    assert reviewer.post(f"{address}review/", said).status_code == 302
    assert "Ended and reviewed" in text_of(reviewer.get(address))


def test_nothing_waits_for_whoever_has_done_their_step(here: AskedBroker) -> None:
    ready(here)
    for who in (ASKER, MANAGER, TRAINER, JUDGE, REVIEWER):
        assert "Waits for you" not in text_of(signed_in(who).get("/access/"))
    assert "Waits for you" in text_of(signed_in(GRANTER).get("/access/"))


def test_what_was_granted_is_shown_as_it_stood_then(here: AskedBroker) -> None:
    made = grant(here, ready(here, "approved"))
    here.county.at += timedelta(days=100)
    page = text_of(signed_in(ASKER).get(f"/access/{made.id}/"))
    assert "As they stood when it was granted" in page
    assert "To be done again" not in page


def test_who_grants_reads_when_it_would_end(here: AskedBroker) -> None:
    made = train(here, ready(here), until=date(2026, 12, 31))
    page = text_of(signed_in(GRANTER).get(f"/access/{made.id}/grant/"))
    assert "If it is granted now it ends by itself on 31 December 2026" in page


def test_what_is_not_yours_to_do_is_not_there(here: AskedBroker) -> None:
    made = ready(here)
    address = f"/access/{made.id}/"
    for who, act in ((ASKER, "grant"), (MANAGER, "training"), (JUDGE, "grant"), (GRANTER, "judge")):
        client = signed_in(who)
        assert client.get(f"{address}{act}/").status_code == 404
        assert client.post(f"{address}{act}/", JUDGED).status_code == 404
    assert here.standing().fulfilments == ()


def test_a_request_is_read_by_those_whom_it_concerns(here: AskedBroker) -> None:
    made = asked(here)
    for who in (ASKER, MANAGER, OTHER_MANAGER, JUDGE, REVIEWER):
        assert signed_in(who).get(f"/access/{made.id}/").status_code == 200
    client = signed_in(OTHER_ASKER)
    assert client.get(f"/access/{made.id}/").status_code == 404
    assert str(made.id) not in client.get("/access/").content.decode()


def test_a_form_with_a_gap_says_how_to_mend_it(here: AskedBroker) -> None:
    asker = signed_in(ASKER)
    answer = asker.post("/access/new/", {"grant": f"{REFERENCE}/both", "purpose": "See."})
    assert answer.status_code == 400
    assert "Enter until when you need it" in text_of(answer)
    made = approve(here, asked(here))
    answer = signed_in(JUDGE).post(f"/access/{made.id}/judge/", JUDGED | {"data": ""})
    assert answer.status_code == 400
    assert "Safe data: enter your judgement" in text_of(answer)


def test_who_can_be_granted_nothing_is_told_so(here: AskedBroker) -> None:
    assert "No agreement has a grant" in text_of(signed_in(GRANTER).get("/access/new/"))
    assert 'href="/access/new/"' not in signed_in(GRANTER).get("/access/").content.decode()


def test_the_list_asks_the_database_no_more_for_more_requests(here: AskedBroker) -> None:
    client = signed_in(JUDGE)
    counts = []
    for grant_id in ("both", "trained", "approved"):
        ready(here, grant_id)
        with CaptureQueriesContext(connection) as asked_of_it:
            client.get("/access/")
        counts.append(len(asked_of_it))
    assert counts[0] == counts[-1]
