"""Two partners' files that nobody here wrote, linked by the commands that everybody uses.

Documents, accession, deposits, `link`, and an agreement under which an analyst exports each record
with its person: who was found to be whom is compared with the sets' own truth.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow.csv
import pyarrow.parquet
from linkage_truth import Truth, febrl, historical, pairwise
from tests.homes import charter
from tests.processes import Run

from commonthread.people.linker import Source

LINKAGE, QUALITY, PURPOSE = "ISA-2026-201", "ISA-2026-202", "linkage"


def toml(table: dict[str, Any], path: str = "") -> str:
    """Enough TOML for documents: tables, lists of tables, texts, numbers, flags, lists of texts."""
    plain, nested = [], []
    for name, value in table.items():
        whole = f"{path}.{name}".lstrip(".")
        if isinstance(value, dict):
            nested.append(f"[{whole}]\n{toml(value, whole)}")
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            nested += [f"[[{whole}]]\n{toml(one, whole)}" for one in value]
        elif isinstance(value, str) and name in ("starts", "ends", "review", "expires"):
            plain.append(f"{name} = {value}")
        else:
            text = str(value).lower() if isinstance(value, bool) else repr(value)
            plain.append(f"{name} = {text}")
    return "\n".join(plain + nested) + "\n"


def partner_of(source: Source) -> str:
    return source.dataset.split("/")[0]


def county(sources: Sequence[Source]) -> dict[str, Any]:
    owners = [partner_of(source) for source in sources]
    members = [{"id": f"d.{o}", "name": "S", "partner": o, "roles": ["signatory"]} for o in owners]
    members += [
        {"id": f"e.{o}", "name": "E", "partner": o, "roles": ["data-engineer"]} for o in owners
    ]
    groups = [f"{owners[0]}/analysts"]
    members.append({"id": "a.reed", "name": "A", "partner": owners[0], "groups": groups})
    return {
        "partner": [{"id": owner, "name": owner, "kind": "registry"} for owner in owners],
        "member": members,
        "dataset": [
            {
                "id": source.dataset.split("/")[1],
                "owner": partner_of(source),
                "title": "Register",
                "classification": "personal",
                "delivery": "snapshot",
                "key": list(source.key_columns),
                "earliest_birth_year": source.earliest_birth_year,
                "identity": dict(source.roles),
                "column": [
                    {"name": name, "type": "text", "optional": name not in source.key_columns}
                    for name in source.table.column_names
                ],
            }
            for source in sources
        ],
    }


def agreement(reference: str, sources: Sequence[Source], linking: bool) -> dict[str, Any]:
    owners = [partner_of(source) for source in sources]
    power = {"role": "controller", "lawful_basis": "public-task", "legal_power": "Registration Act"}
    grants = []
    for source in sources:
        columns = (
            sorted({*source.key_columns, *source.roles.values()})
            if linking
            else list(source.key_columns)
        )
        grants.append(
            {
                "id": partner_of(source),
                "dataset": source.dataset,
                "purpose": PURPOSE,
                "recipients": ["commonthread/person-index" if linking else f"{owners[0]}/analysts"],
                "mode": "rows",
                "columns": columns,
                "export": not linking,
                "retention": "P1Y",
                **({} if linking else {"person": "pseudonym"}),
            }
        )
    return {
        "agreement": {
            "reference": reference,
            "title": "Who is who",
            "charter": "CHARTER-2026",
            "starts": "2026-01-01",
            "ends": "2034-12-31",
            "review": "2029-12-31",
            "rests_on": [] if linking else [LINKAGE],
            "party": [{"partner": owner, **power} for owner in owners]
            + ([{"partner": "commonthread", "role": "processor"}] if linking else []),
            "purpose": [{"id": PURPOSE, "text": "Find who is who."}],
            "grant": grants,
        }
    }


def linked(
    run: Run, sources: Sequence[Source], write: Callable[[Source, Path], Path]
) -> dict[str, str]:
    """Record → person, as an analyst exports them."""
    documents = {
        "county": county(sources),
        "charter": charter(),
        "linkage": agreement(LINKAGE, sources, linking=True),
        "quality": agreement(QUALITY, sources, linking=False),
    }
    for name, table in documents.items():
        (run.folder / f"{name}.toml").write_text(toml(table))
    run("init", "--demo-keys")
    run("apply", *(f"{name}.toml" for name in documents))
    for source in sources:
        owner = partner_of(source)
        for reference in ("CHARTER-2026", LINKAGE, QUALITY):
            run("sign", reference, "--as", f"d.{owner}")
        file = write(source, run.folder / owner)
        received = run("deposit", source.dataset, file.name, "--as", f"e.{owner}", "--json").json()
        assert (received["rows"], received["quarantined"]) == (source.table.num_rows, 0)
    report = run("link", "--under", LINKAGE, "--json").json()
    assert report["records"] == sum(source.table.num_rows for source in sources)
    persons: dict[str, str] = {}
    for source in sources:
        table, out = partner_of(source).replace("-", "_"), f"{partner_of(source)}-persons.csv"
        (key,) = source.key_columns
        asked = ("--under", QUALITY, "--purpose", PURPOSE, "--as", "a.reed", "--out", out)
        run("query", f"select {key}, person from {table}", *asked)
        with (run.folder / out).open(newline="", encoding="utf-8-sig") as lines:
            persons |= {row[key]: row["person"] for row in csv.DictReader(lines)}
    return persons


def as_csv(source: Source, path: Path) -> Path:
    pyarrow.csv.write_csv(source.table, path.with_suffix(".csv"))
    return path.with_suffix(".csv")


def as_parquet(source: Source, path: Path) -> Path:
    pyarrow.parquet.write_table(source.table, path.with_suffix(".parquet"))
    return path.with_suffix(".parquet")


def figures(persons: dict[str, str], sources: Sequence[Source], truth: Truth) -> Sequence[float]:
    (key,) = sources[0].key_columns
    records = [record for s in sources for record in s.table.column(key).to_pylist()]
    return pairwise(truth, [persons[record] for record in records])


def test_febrl_4_by_the_commands(commands: Callable[[Path], Run], tmp_path: Path) -> None:
    sources, truth = febrl()
    persons = linked(commands(tmp_path), sources, as_csv)
    precision, _, f1 = figures(persons, sources, truth)
    assert precision >= 0.998
    assert f1 >= 0.985


def test_historical_figures_by_the_commands(
    commands: Callable[[Path], Run],
    tmp_path: Path,
    shared: Path,
    scale: Callable[[object, object], object],
) -> None:
    people = scale(300, None)
    sources, truth = historical(shared, people if isinstance(people, int) else None)
    persons = linked(commands(tmp_path), sources, as_parquet)
    precision, _, f1 = figures(persons, sources, truth)
    assert precision >= 0.98
    assert f1 >= 0.75
