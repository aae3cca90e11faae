"""A dataset that is delivered as changes: added, corrected and removed rows, file after file."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.homes import (
    ANALYST,
    DATASET,
    ENGINEER,
    PURPOSE,
    REFERENCE,
    agreement,
    documents,
    sign,
)

from commonthread.broker.access import (
    BadInput,
    Broker,
    Document,
    OwnData,
    Request,
    Sql,
    create_home,
)
from commonthread.broker.records import close_ledgers
from commonthread.catalogue.deposits import Received, receive

pytestmark = pytest.mark.django_db(transaction=True)
Deposit = Callable[..., Received]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    county, charter, _ = documents()
    table = county.table["dataset"][0]
    changed = {**county.table, "dataset": [{**table, "delivery": "changes"}]}
    made = create_home(home, demo=True, origin="test.example/ledger")
    made.apply([Document("county.toml", changed), charter, agreement()])
    sign(made)
    yield made
    made.close()
    close_ledgers()


@pytest.fixture
def deposit(broker: Broker, tmp_path: Path) -> Deposit:
    def deposit(*rows: str, header: str = "operation,ref,district,minutes,note") -> Received:
        path = tmp_path / "changes.csv"
        path.write_text("\n".join([header, *rows]) + "\n")
        return receive(broker, DATASET, path, ENGINEER)

    return deposit


def shown(broker: Broker) -> list[dict[str, Any]]:
    question = Sql("select ref, minutes from calls order by ref")
    with broker.read(Request(ANALYST, question, REFERENCE, PURPOSE)) as answer:
        return answer.rows()


def reasons(broker: Broker) -> list[tuple[str, str]]:
    held = broker.own(Request(ENGINEER, OwnData(DATASET, "quarantine"))).to_pylist()
    return [(row["ref"], row["quarantine_reason"]) for row in held]


def test_rows_are_added_corrected_and_removed(broker: Broker, deposit: Deposit) -> None:
    first = deposit("add,A,North,1,", "add,B,South,2,", "add,C,East,3,")
    assert (first.number, first.rows, first.quarantined) == (1, 3, 0)
    second = deposit("correct,B,South,20,", "remove,C,,,", "add,D,North,4,")
    assert (second.number, second.rows, second.quarantined) == (2, 3, 0)
    assert shown(broker) == [
        {"ref": "A", "minutes": 1},
        {"ref": "B", "minutes": 20},
        {"ref": "D", "minutes": 4},
    ]


def test_changes_that_do_not_fit_are_quarantined_and_change_nothing(
    broker: Broker, deposit: Deposit
) -> None:
    deposit("add,A,North,1,")
    received = deposit("add,A,North,9,", "correct,X,North,9,", "remove,Y,,,", "add,B,East,2,")
    assert (received.rows, received.quarantined) == (2, 3)
    assert sorted(reasons(broker)) == [
        ("A", "ref: this key is there already: correct it instead of adding it"),
        ("X", "ref: there is no such key to correct or remove"),
        ("Y", "ref: there is no such key to correct or remove"),
    ]
    assert [row["minutes"] for row in shown(broker)] == [1, 2]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("replace,A,North,1,", "operation: is not one of the values that the contract lists"),
        (",A,North,1,", "operation: is missing"),
        ("correct,A,,1,", "district: is missing"),
        ("remove,,,,", "ref: is missing"),
    ],
)
def test_a_faulty_change_is_quarantined_with_its_reason(
    broker: Broker, deposit: Deposit, row: str, reason: str
) -> None:
    deposit("add,A,North,1,")
    deposit("add,B,North,2,", row)
    assert [said for _, said in reasons(broker)] == [reason]


def test_a_file_has_one_change_of_a_key(broker: Broker, deposit: Deposit) -> None:
    received = deposit("add,A,North,1,", "correct,A,North,2,")
    assert (received.rows, received.quarantined) == (1, 1)
    assert shown(broker) == [{"ref": "A", "minutes": 1}]


def test_the_same_changes_are_made_once_even_after_others(broker: Broker, deposit: Deposit) -> None:
    deposit("add,A,North,1,")
    deposit("correct,A,North,2,")
    deposit("correct,A,North,3,")
    again = deposit("correct,A,North,2,")
    assert (again.new, again.number) == (False, 2)
    assert shown(broker) == [{"ref": "A", "minutes": 3}]


def test_a_file_without_operations_is_refused_whole(deposit: Deposit) -> None:
    with pytest.raises(BadInput, match="operation"):
        deposit("A,North,1,", header="ref,district,minutes,note")


def test_everything_may_be_removed(broker: Broker, deposit: Deposit) -> None:
    deposit("add,A,North,1,", "add,B,East,2,")
    received = deposit("remove,A,,,", "remove,B,,,")
    assert (received.rows, received.quarantined) == (0, 0)
    assert shown(broker) == []
