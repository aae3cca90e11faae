"""People and events of the invented county, as files, as deposits, and as grants over them.

`people` is the general practices' register, `events` are emergency attendances and telecare alarms.
Where the county has fewer events than are wanted, all of them are written again with shifted days.
Where only the numbers of rows matter, `invented_files` needs no county.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
from tests.homes import charter, partner, party

from commonthread.broker.access import Broker, Document, create_home
from commonthread.catalogue.deposits import receive
from commonthread.county.build import build
from commonthread.county.settings import Settings

PRACTICES, HOSPITAL, COUNCIL = "vale-gps", "severn-acute", "wychshire"
PARTNERS = (PRACTICES, HOSPITAL, COUNCIL)
PERSON_INDEX = "commonthread/person-index"
OWNERS = {"people": PRACTICES, "events": HOSPITAL}
ENGINEERS = {"people": "i.finch", "events": "n.crane"}
SIGNATORIES = ("p.lark", "m.dove", "d.ashe")
ANALYST = "a.reed"
LINKAGE = "ISA-2026-990"
# Two purposes, each with its agreement: published figures about linked people, and rows.
FIGURES, ROWS = "planning", "operations"
REFERENCES = {FIGURES: "ISA-2026-991", ROWS: "ISA-2026-992"}
COLUMNS = {
    "people": {
        "patient_ref": "text",
        "resident": "text",
        "birth_date": "date",
        "gender": "text",
        "practice": "text",
        "frailty": "text",
        "protected": "boolean",
        "note": "text",
    },
    "events": {
        "event_ref": "text",
        "resident": "text",
        "service": "text",
        "happened": "timestamp",
        "reason": "text",
        "mode": "text",
        "outcome": "text",
        "protected": "boolean",
        "note": "text",
    },
}
KEYS = {"people": "patient_ref", "events": "event_ref"}
# What the grants open; the others (the key of people, whom to hide, notes) are never read.
OPEN = {
    "people": ("resident", "birth_date", "gender", "practice", "frailty"),
    "events": ("event_ref", "resident", "service", "happened", "reason", "mode", "outcome"),
}
SHIFT_DAYS = 37
IN_A_FILE = 4_000_000
# What DuckDB may take for making files: the rest of the machine is the broker's.
MEMORY = "6GB"


@dataclass(frozen=True)
class Files:
    """The two files, how many rows each has, and how many of the events are copies."""

    paths: dict[str, Path]
    rows: dict[str, int]
    copies: int


def county_of(residents: int, folder: Path) -> Path:
    """A county of so many residents, built now unless it stands there already."""
    if not (folder / "county.json").is_file():
        build(Settings(residents=residents), folder)
    return folder


def write_files(county: Path, folder: Path, events: int) -> Files:
    paths = {name: folder / f"{name}.parquet" for name in OWNERS}
    with duckdb.connect(
        config={"temp_directory": str(folder / "spill"), "memory_limit": MEMORY}
    ) as engine:
        truth = f"{county}/truth/records"
        _copy(
            engine,
            "SELECT patient_ref, 'R' || lpad(w.person::VARCHAR, 8, '0') AS resident, birth_date,"
            f" gender, practice, frailty, protected, note FROM '{_register(county)}' r"
            f" JOIN '{truth}/{PRACTICES}/gp-register.parquet' w USING (patient_ref)"
            " ORDER BY patient_ref",
            paths["people"],
        )
        engine.execute(f"CREATE TEMP TABLE own AS {_events(county, truth)}")
        own = _count(engine, "own")
        times = -(-events // own)
        _copy(
            engine,
            "SELECT 'EV' || lpad(row_number() OVER (ORDER BY happened, ref, i)::VARCHAR, 9, '0')"
            " AS event_ref, * EXCLUDE (ref, i) FROM (SELECT o.* REPLACE"
            f" (happened - to_days(({SHIFT_DAYS} * i)::INTEGER) AS happened), i"
            f" FROM own o, range({times}) s(i) ORDER BY i LIMIT {events}) ORDER BY event_ref",
            paths["events"],
        )
        rows = {name: _count(engine, f"'{path}'") for name, path in paths.items()}
    return Files(paths, rows, max(0, rows["events"] - own))


def _events(county: Path, truth: str) -> str:
    attended = _dataset(county, f"{HOSPITAL}/emergency-attendances")
    alarms = _dataset(county, f"{COUNCIL}/telecare-alarms")
    columns = "ref, 'R' || lpad(person::VARCHAR, 8, '0') AS resident, * EXCLUDE (ref, person)"
    return (
        f"SELECT {columns} FROM (SELECT attendance_ref AS ref, person, 'attendance' AS service,"
        " arrived AS happened, reason, mode, outcome, protected, note"
        f" FROM '{attended}' JOIN '{truth}/{HOSPITAL}/emergency-attendances.parquet' w"
        " USING (attendance_ref) UNION ALL SELECT alarm_ref, person, 'alarm', raised,"
        " CAST(kind AS VARCHAR), NULL, NULL, protected, note"
        f" FROM '{alarms}' JOIN '{truth}/{COUNCIL}/telecare-alarms.parquet' w USING (alarm_ref))"
    )


def _register(county: Path) -> Path:
    return _dataset(county, f"{PRACTICES}/gp-register/0000-all")


def _dataset(county: Path, name: str) -> Path:
    return next((county / "datasets").glob(f"{name}.*"))


def _count(engine: duckdb.DuckDBPyConnection, table: str) -> int:
    found = engine.execute(f"SELECT count(*) FROM {table}").fetchone()
    return int(found[0]) if found else 0


def _copy(engine: duckdb.DuckDBPyConnection, query: str, path: Path) -> None:
    engine.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet, COMPRESSION zstd)")


def invented_files(folder: Path, events: int) -> Files:
    """Files like the county's, of any size in seconds; the events as text. 3 people for 20 events.

    Every person has events, most of them few; what happens to them is drawn evenly.
    """
    files = invented(folder, events)
    with duckdb.connect(config={"temp_directory": str(folder / "spill")}) as engine:
        for name, path in files.paths.items():
            query = INVENTED[name].format(**files.rows)
            engine.execute(f"COPY ({query}) TO '{path}' (FORMAT {path.suffix[1:]})")
    return files


def invented(folder: Path, events: int) -> Files:
    """Where `invented_files` writes."""
    rows = {"people": max(events * 3 // 20, 1), "events": events}
    return Files({"people": folder / "people.parquet", "events": folder / "events.csv"}, rows, 0)


def _drawn(values: str, seed: int) -> str:
    """One of the words, the same for the same row."""
    words = values.split()
    return f"{words}[1 + (hash(range + {seed}) % {len(words)})::INTEGER]"


INVENTED = {
    "people": "SELECT 'P' || lpad(range::VARCHAR, 9, '0') AS patient_ref,"
    " 'R' || lpad(range::VARCHAR, 8, '0') AS resident,"
    " DATE '1925-01-01' + (hash(range) % 36000)::INTEGER AS birth_date,"
    f" {_drawn('female male', 1)} AS gender, 'practice-' || hash(range + 2) % 60 AS practice,"
    f" {_drawn('none mild moderate severe', 3)} AS frailty,"
    " hash(range + 4) % 200 = 0 AS protected, NULL::VARCHAR AS note FROM range({people})",
    "events": "SELECT 'EV' || lpad(range::VARCHAR, 9, '0') AS event_ref,"
    " 'R' || lpad((CASE WHEN range < {people} THEN range"
    " ELSE hash(range) % {people} * (hash(range + 1) % 1000) // 1000 END)::VARCHAR, 8, '0')"
    f" AS resident, {_drawn('attendance attendance alarm', 2)} AS service,"
    " TIMESTAMP '2022-01-01' + to_seconds(hash(range + 3) % 126000000) AS happened,"
    f" {_drawn('fall chest breathing injury stroke wandering smoke battery', 4)} AS reason,"
    f" {_drawn('ambulance walk-in car police', 5)} AS mode,"
    f" {_drawn('admitted discharged referred left', 6)} AS outcome,"
    " hash(range + 7) % 200 = 0 AS protected, NULL::VARCHAR AS note FROM range({events})",
}


# A home that holds them.


def home_of(folder: Path, files: Files) -> Broker:
    """A real home, needs an empty database: documents, signatures and deposits by its own door."""
    broker = signed_home(folder)
    for name in files.paths:
        deposit(broker, files, name)
    link(broker, files)
    return broker


def signed_home(folder: Path) -> Broker:
    home = folder / "home"
    home.mkdir(mode=0o700, exist_ok=True)
    broker = create_home(home, demo=True, origin="benchmark.example/ledger")
    broker.apply(_documents())
    for reference in ("CHARTER-2026", LINKAGE, *REFERENCES.values()):
        for member in SIGNATORIES:
            broker.act(reference, "sign", member)
    return broker


def deposit(broker: Broker, files: Files, name: str) -> None:
    """In one file, or Parquet in several of `IN_A_FILE` rows: a child has so much memory."""
    rows = files.rows[name]
    if rows <= IN_A_FILE or files.paths[name].suffix != ".parquet":
        receive(broker, _id(name), files.paths[name], ENGINEERS[name])
        return
    for first in range(0, rows, IN_A_FILE):
        part = files.paths[name].with_suffix(f".{first}.parquet")
        with duckdb.connect() as engine:
            here = f"file_row_number >= {first} AND file_row_number < {first + IN_A_FILE}"
            scan = f"read_parquet('{files.paths[name]}', file_row_number = true)"
            _copy(engine, f"SELECT * EXCLUDE (file_row_number) FROM {scan} WHERE {here}", part)
        receive(broker, _id(name), part, ENGINEERS[name])
        part.unlink()


def link(broker: Broker, files: Files) -> None:
    pins = {_id(name): broker.standing().pinned(_id(name))[-1].id for name in files.paths}
    broker.deposit_map(LINKAGE, pins, _residents(files))


def _residents(files: Files) -> Any:
    """The map as a linker without a fault would make it: the county knows who is who."""
    each = (
        f"SELECT '{_id(name)}' AS dataset, strlen({KEYS[name]}) || ':' || {KEYS[name]} AS record,"
        f" resident FROM '{path}'"
        for name, path in files.paths.items()
    )
    return duckdb.connect().execute(" UNION ALL ".join(each)).to_arrow_table()


def _id(name: str) -> str:
    return f"{OWNERS[name]}/{name}"


def _documents() -> list[Document]:
    members = [
        {"id": signatory, "name": "S", "partner": owner, "roles": ["signatory"]}
        for signatory, owner in zip(SIGNATORIES, PARTNERS, strict=True)
    ]
    members += [
        {"id": ENGINEERS[name], "name": "E", "partner": owner, "roles": ["data-engineer"]}
        for name, owner in OWNERS.items()
    ]
    members.append({"id": ANALYST, "name": "A", "partner": COUNCIL, "groups": [_ANALYSTS]})
    county = {
        "partner": [partner(each) for each in PARTNERS],
        "member": members,
        "dataset": [_dataset_table(name) for name in OWNERS],
    }
    return [
        Document("county.toml", county),
        Document("charter.toml", charter()),
        Document("linkage.toml", {"agreement": _linkage()}),
        *(Document(f"{each}.toml", {"agreement": _agreement(each)}) for each in REFERENCES),
    ]


_ANALYSTS = f"{COUNCIL}/analysts"


def _dataset_table(name: str) -> dict[str, Any]:
    optional = ("mode", "outcome", "note", "frailty")
    return {
        "id": name,
        "owner": OWNERS[name],
        "title": name.capitalize(),
        "classification": "personal",
        "delivery": "append",
        "key": [KEYS[name]],
        "column": [
            {"name": column, "type": kind, **({"optional": True} if column in optional else {})}
            for column, kind in COLUMNS[name].items()
        ],
        "identity": {"own_id": "resident"},
    }


def _terms(reference: str, purpose: str) -> dict[str, Any]:
    return {
        "reference": reference,
        "title": f"Two tables for {purpose}",
        "version": 1,
        "charter": "CHARTER-2026",
        "starts": "2026-01-01",
        "ends": "2034-12-31",
        "review": "2029-12-31",
        "party": [party(each) for each in PARTNERS],
        "purpose": [{"id": purpose, "text": purpose.capitalize()}],
    }


def _linkage() -> dict[str, Any]:
    terms = _terms(LINKAGE, "linkage")
    terms["party"].append({"partner": "commonthread", "role": "processor"})
    grants = [
        _grant(name, name, "linkage", [KEYS[name], "resident"], recipients=[PERSON_INDEX])
        for name in OWNERS
    ]
    for each in grants:
        del each["rows"]
    return {**terms, "grant": grants}


def _agreement(purpose: str) -> dict[str, Any]:
    band = {"name": "birth_date", "treatment": "age-band", "as_at": "2026-09-30", "as": "age"}
    month = {"name": "happened", "treatment": "month", "as": "month"}
    key = {"name": "resident", "treatment": "pseudonym"}
    person, event = ["gender", "practice", "frailty"], ["service", "reason", "mode", "outcome"]
    if purpose == FIGURES:
        modal = {"mode": "statistics", "minimum_count": 10, "round_to": 5, "person": "pseudonym"}
        grants = [
            _grant("people", "people", purpose, [band, *person], **modal),
            _grant("events", "events", purpose, [month, *event], **modal),
        ]
        return {**_terms(REFERENCES[purpose], purpose), "rests_on": [LINKAGE], "grant": grants}
    grants = [
        _grant("person-rows", "people", purpose, [key, band, *person]),
        _grant("event-rows", "events", purpose, [key, "event_ref", "happened", *event]),
    ]
    return {**_terms(REFERENCES[purpose], purpose), "grant": grants}


def _grant(id_: str, name: str, purpose: str, columns: list[Any], **more: Any) -> dict[str, Any]:
    return {
        "id": id_,
        "dataset": _id(name),
        "purpose": purpose,
        "recipients": [_ANALYSTS],
        "mode": "rows",
        "columns": columns,
        "rows": ["protected", "=", False],
        "export": False,
        "retention": "P30D",
        **more,
    }
