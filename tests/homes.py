"""A small real home for tests of the door: one partner's dataset, granted to its neighbour.

Everything is made through the door itself: documents, signatures, deposits. No linkage, so that it
stands in seconds.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from commonthread.broker.access import Broker, Document, create_home
from commonthread.catalogue.deposits import receive

OWNER, READER = "wychshire", "saltbridge"
DATASET = f"{OWNER}/calls"
REFERENCE, PURPOSE = "ISA-2026-900", "planning"
LINKAGE = "ISA-2026-901"
SIGNATORY, ENGINEER, ANALYST, OTHER_SIGNATORY = "d.ashe", "e.wren", "a.reed", "h.ode"
SECRET = "CANARY-7f3a"
DISTRICTS = ("North", "South", "East", "West")


def partner(id_: str) -> dict[str, Any]:
    credential = {"scheme": "ico-registration", "reference": "Z1", "expires": "2036-03-31"}
    return {"id": id_, "name": id_, "kind": "council", "credential": [credential]}


def documents() -> list[Document]:
    columns = [
        {"name": "ref", "type": "text"},
        {"name": "district", "type": "text"},
        {"name": "minutes", "type": "integer"},
        {"name": "note", "type": "text", "optional": True},
    ]
    dataset = {
        "id": "calls",
        "owner": OWNER,
        "title": "Calls",
        "classification": "personal",
        "delivery": "append",
        "key": ["ref"],
        "column": columns,
    }
    members = [
        {"id": SIGNATORY, "name": "S", "partner": OWNER, "roles": ["signatory"]},
        {"id": ENGINEER, "name": "E", "partner": OWNER, "roles": ["data-engineer"]},
        {"id": OTHER_SIGNATORY, "name": "O", "partner": READER, "roles": ["signatory"]},
        {"id": ANALYST, "name": "A", "partner": READER, "groups": [f"{READER}/analysts"]},
    ]
    county = {"partner": [partner(OWNER), partner(READER)], "member": members, "dataset": [dataset]}
    return [Document("county.toml", county), Document("charter.toml", charter()), agreement()]


def charter() -> dict[str, Any]:
    return {
        "charter": {
            "reference": "CHARTER-2026",
            "title": "Charter",
            "version": 1,
            "starts": "2026-01-01",
            "ends": "2035-12-31",
            "review": "2030-01-01",
            "principles": ["We share no more than the purpose needs."],
            "own_data": "A partner may see what it deposited itself.",
        }
    }


def grant(id_: str, mode: str, **more: Any) -> dict[str, Any]:
    return {
        "id": id_,
        "dataset": DATASET,
        "purpose": PURPOSE,
        "recipients": [f"{READER}/analysts"],
        "mode": mode,
        "columns": ["ref", "district", "minutes"],
        "rows": ["district", "!=", "West"],
        "export": False,
        "retention": "P30D",
        **more,
    }


def party(id_: str) -> dict[str, str]:
    return {
        "partner": id_,
        "role": "controller",
        "lawful_basis": "public-task",
        "legal_power": "Local Government Act 1972 s.111",
    }


def linkage() -> Document:
    """The calls alone, granted to the person index."""
    table = {
        **agreement().table["agreement"],
        "reference": LINKAGE,
        "title": "Who is who",
        "party": [party(OWNER), {"partner": "commonthread", "role": "processor"}],
        "grant": [
            grant("calls", "rows", columns=["ref"], recipients=["commonthread/person-index"])
        ],
    }
    del table["grant"][0]["rows"]
    return Document("linkage.toml", {"agreement": table})


def agreement(version: int = 1) -> Document:
    table = {
        "reference": REFERENCE,
        "title": "Calls for planning",
        "version": version,
        "charter": "CHARTER-2026",
        "starts": "2026-01-01",
        "ends": "2034-12-31",
        "review": "2029-12-31",
        "requires_credentials": [{"scheme": "ico-registration"}],
        "party": [party(OWNER), party(READER)],
        "purpose": [{"id": PURPOSE, "text": "Plan."}],
        "grant": [
            grant("calls", "rows"),
            grant("counted", "statistics", columns=["district", "minutes"], export=True),
            grant("one-call", "lookup", by="ref", per_day=3),
        ],
    }
    return Document("agreement.toml", {"agreement": table})


def write_calls(path: Path, rows: int, start: int = 0) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["ref", "district", "minutes", "note"])
        for number in range(start, start + rows):
            writer.writerow([f"C{number:07}", DISTRICTS[number % 4], number % 60, SECRET])
    return path


def sign(broker: Broker, members: Sequence[str] = (SIGNATORY, OTHER_SIGNATORY)) -> None:
    for reference in ("CHARTER-2026", REFERENCE):
        for member in members:
            broker.act(reference, "sign", member)


def small_home(folder: Path, rows: int = 400) -> Broker:
    """A demo home in which `ANALYST` may read under `REFERENCE`; needs an empty database."""
    home = folder / "home"
    home.mkdir(mode=0o700, exist_ok=True)
    broker = create_home(home, demo=True, origin="test.example/ledger")
    broker.apply(documents())
    sign(broker)
    receive(broker, DATASET, write_calls(folder / "calls.csv", rows), ENGINEER)
    return broker
