"""Files that nobody here wrote, through the same door as everything else.

A hospital's encounters (81,452 rows, 50 columns, patients repeat) are deposited, granted as
statistics and as a look-up, and counted. What is published is compared with a count by hand.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.homes import (
    ANALYST,
    ENGINEER,
    OWNER,
    PURPOSE,
    READER,
    REFERENCE,
    agreement,
    documents,
    grant,
    sign,
)

from commonthread.broker.access import Broker, Document, Refused, Request, Sql, create_home
from commonthread.broker.access.exports import records
from commonthread.broker.records import close_ledgers
from commonthread.catalogue.deposits import receive

pytestmark = pytest.mark.django_db(transaction=True)
DATASET = f"{OWNER}/encounters"
MINIMUM = ROUND = 5


def contract(schema: pa.Schema) -> dict[str, Any]:
    """What an engineer would declare: numbers as integers, everything else as text."""
    columns = [
        {
            "name": field.name,
            "type": "integer" if pa.types.is_integer(field.type) else "text",
            "optional": field.name != "encounter_id",
        }
        for field in schema
    ]
    return {
        "id": "encounters",
        "owner": OWNER,
        "title": "Encounters",
        "classification": "personal",
        "delivery": "snapshot",
        "key": ["encounter_id"],
        "identity": {"own_id": "patient_nbr"},
        "column": columns,
    }


@pytest.fixture
def encounters(shared: Path, tmp_path: Path, scale: Callable[[int, int], int]) -> Path:
    whole = pq.read_table(shared / "data/health_diabetes130/encounters_80pct.parquet")
    path = tmp_path / "encounters.parquet"
    pq.write_table(whole.slice(0, scale(5_000, whole.num_rows)), path)
    return path


@pytest.fixture
def broker(tmp_path: Path, encounters: Path) -> Iterator[Broker]:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    county, charter, _ = documents()
    county.table["dataset"].append(contract(pq.read_schema(encounters)))
    table = dict(agreement().table["agreement"])
    counted = ["gender", "age", "readmitted", "time_in_hospital"]
    table["grant"] = [
        grant(
            "encounters", "statistics", dataset=DATASET, columns=counted, rows=["gender", "!=", "X"]
        ),
        grant("one", "lookup", dataset=DATASET, columns=counted, by="encounter_id", per_day=9)
        | {"rows": ["gender", "!=", "X"]},
    ]
    made = create_home(home, demo=True, origin="test.example/ledger")
    made.apply([county, charter, Document("agreement.toml", {"agreement": table})])
    sign(made)
    yield made
    made.close()
    close_ledgers()


def by_hand(path: Path) -> dict[tuple[str, str], int]:
    """Cells of `MINIMUM` patients and more, none of whom makes more than half, rounded."""
    rows = pq.read_table(path, columns=["age", "readmitted", "gender", "patient_nbr"]).to_pylist()
    patients: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for row in rows:
        if row["gender"] is not None:
            patients[row["age"], row["readmitted"]][row["patient_nbr"]] += 1
    return {
        cell: (2 * counts.total() + ROUND) // (2 * ROUND) * ROUND
        for cell, counts in patients.items()
        if len(counts) >= MINIMUM and 2 * max(counts.values()) <= counts.total()
    }


def ask(broker: Broker, sql: str) -> list[dict[str, Any]]:
    with broker.read(Request(ANALYST, Sql(sql), REFERENCE, PURPOSE)) as answer:
        return list(records(answer))


def test_a_hospitals_encounters_are_deposited_and_counted(broker: Broker, encounters: Path) -> None:
    received = receive(broker, DATASET, encounters, ENGINEER)
    assert received.rows == pq.read_metadata(encounters).num_rows
    assert received.quarantined == 0
    found = ask(broker, "select age, readmitted, count(*) n from encounters group by 1, 2")
    assert {(row["age"], row["readmitted"]): row["n"] for row in found} == by_hand(encounters)
    with pytest.raises(Refused):
        ask(broker, "select patient_nbr, count(*) from encounters group by 1")
    assert READER in {notice.party for notice in broker.ledger.notices()}
