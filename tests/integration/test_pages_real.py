"""The pages with the real broker behind them: sign in, read, withdraw, verify."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from tests.homes import ANALYST, PURPOSE, REFERENCE, SECRET, SIGNATORY, small_home

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


def test_a_withdrawal_ends_the_running_query_on_its_page(client: Client, broker: Broker) -> None:
    address = asked(client, LONG)
    broker.act(REFERENCE, "withdraw", SIGNATORY, "review")
    assert "has withdrawn" in settled(client, address)


def test_the_verify_button_says_whether_the_ledger_holds(client: Client) -> None:
    assert "<title>The ledger verifies" in client.post("/ledger/verify/").content.decode()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE ledger_entry SET text = replace(text, 'a', 'b') WHERE seq = 3")
    assert "<title>The ledger verifies" not in client.post("/ledger/verify/").content.decode()
