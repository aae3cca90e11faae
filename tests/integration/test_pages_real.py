"""The pages with the real broker behind them: sign in, read, withdraw, verify."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from tests.homes import (
    ANALYST,
    DATASET,
    ENGINEER,
    OTHER_SIGNATORY,
    PURPOSE,
    REFERENCE,
    SECRET,
    SIGNATORY,
    agreement,
    small_home,
)

from commonthread.broker.access import Broker
from commonthread.broker.records import close_ledgers

pytestmark = pytest.mark.django_db(transaction=True)
LONG = (
    "select count(*) from calls a join calls b on a.district = b.district"
    " join calls c on b.district = c.district join calls d on c.district = d.district"
    " where a.minutes + b.minutes + c.minutes + d.minutes > 0"
)


@pytest.fixture
def broker(tmp_path: Path, settings: Any) -> Iterator[Broker]:
    settings.HOME = tmp_path / "home"
    made = small_home(tmp_path, rows=4_000)
    yield made
    made.close()
    close_ledgers()


@pytest.fixture
def client(broker: Broker) -> Client:
    client = Client()
    assert client.post("/sign-in/", {"member": ANALYST}).status_code == 302
    return client


def asked(client: Client, sql: str) -> str:
    """The address of the answer's page."""
    sent = client.post("/query/", {"under": f"{REFERENCE}/{PURPOSE}", "sql": sql})
    assert sent.status_code == 302, sent.content.decode()
    return str(sent["Location"])


def settled(client: Client, address: str) -> str:
    for _ in range(300):
        if client.get(f"{address}state/").json()["state"] not in ("running", "starting"):
            return client.get(address).content.decode()
        time.sleep(0.1)
    raise AssertionError("the query did not settle")


def test_a_granted_answer_is_shown_and_nothing_else(client: Client) -> None:
    page = settled(client, asked(client, "select * from calls order by ref limit 3"))
    assert "C0000000" in page
    assert SECRET not in page


def test_what_is_counted_is_drawn_as_well(client: Client) -> None:
    sql = "select district, count(*) n from counted group by district"
    page = settled(client, asked(client, sql))
    chart = page.split('class="ct-chart"')[1].split("</figure>")[0]
    assert "<svg" in chart
    assert "<title" in chart
    for name in ("North", "South", "East"):
        assert name in chart
    assert "West" not in page


@pytest.mark.parametrize("member", [ENGINEER, ANALYST, OTHER_SIGNATORY])
def test_only_the_owners_engineer_sees_deposits_and_quality(
    client: Client, broker: Broker, member: str
) -> None:
    assert client.post("/sign-in/", {"member": member}).status_code == 302
    page = client.get(f"/datasets/{DATASET}/").content.decode()
    assert "minutes" in page
    assert REFERENCE in page
    assert ("4,000" in page) == (member == ENGINEER)
    assert SECRET not in page
    seen = [entry.kind for entry in broker.ledger.entries(0, 10_000)]
    assert ("own-data.read" in seen) == (member == ENGINEER)
    assert "request.refused" not in seen


def test_a_withdrawal_ends_the_running_query_on_its_page(client: Client, broker: Broker) -> None:
    address = asked(client, LONG)
    broker.act(REFERENCE, "withdraw", SIGNATORY, "review")
    assert "has withdrawn" in settled(client, address)


def test_the_verify_button_says_whether_the_ledger_holds(client: Client) -> None:
    assert "<title>The ledger verifies" in client.post("/ledger/verify/").content.decode()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE ledger_entry SET text = replace(text, 'a', 'b') WHERE seq = 3")
    assert "<title>The ledger verifies" not in client.post("/ledger/verify/").content.decode()


@pytest.mark.parametrize(
    "sql",
    [
        "selct ref from calls",
        "select * form calls",
        "select ref, from",
        "select foo(ref) from calls",
    ],
    ids=["verb", "form", "comma", "function"],
)
def test_a_slip_of_the_pen_is_no_matter_of_the_agreement(client: Client, sql: str) -> None:
    page = settled(client, asked(client, sql))
    assert "The query cannot be taken</h1>" in page
    assert "The agreement does not allow this" not in page
    assert sql in page


@pytest.mark.parametrize("sql", ["select * from call", "select minuts from calls"])
def test_a_name_that_nothing_opens_may_be_a_slip(client: Client, sql: str) -> None:
    page = settled(client, asked(client, sql))
    assert "Check the spelling first" in page
    assert "The agreement does not allow this" not in page
    assert SECRET not in page


def test_what_takes_too_long_says_so_and_what_to_do(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("commonthread.broker.access.reading.DEADLINE_SECONDS", 2.0)
    page = settled(client, asked(client, LONG))
    assert "The query did not finish</h1>" in page
    assert "It took longer than 2 seconds" in page
    assert "keep fewer rows with WHERE" in page
    assert "The agreement does not allow this" not in page


def test_a_new_version_is_read_and_signed_on_the_pages(client: Client, broker: Broker) -> None:
    broker.act(REFERENCE, "withdraw", SIGNATORY, "review")
    broker.apply([agreement(2)])
    draft = broker.status(REFERENCE).draft
    assert draft is not None
    assert draft.digest in client.get(f"/agreements/{REFERENCE}/").content.decode()
    for member in (SIGNATORY, OTHER_SIGNATORY):
        client.post("/sign-in/", {"member": member})
        address = f"/agreements/{REFERENCE}/sign/"
        assert draft.digest in client.get(address).content.decode()
        assert client.post(address, {"digest": draft.digest}).status_code == 302
    assert broker.status(REFERENCE).digest == draft.digest
    assert broker.status(REFERENCE).in_force


def test_the_ledger_page_says_who_did_what(client: Client, broker: Broker) -> None:
    broker.act(REFERENCE, "suspend", SIGNATORY, "review")
    page = client.get("/ledger/").content.decode()
    assert "An agreement suspended" in page
    assert SIGNATORY in page
    assert "An agreement signed" in page


def test_a_worker_has_the_memory_that_the_home_gives_it(tmp_path: Path, settings: Any) -> None:
    settings.HOME, settings.WORKER_GIB = tmp_path / "home", 2
    made = small_home(tmp_path, rows=40)
    try:
        assert made._pool._limit_bytes == 2 << 30
    finally:
        made.close()
        close_ledgers()
