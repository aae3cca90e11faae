"""The county as files: what partners would deposit, the place, who decides what, and the truth.

    DIR/place/        GeoJSON and county.gpkg
    DIR/datasets/     OWNER/ID.csv, or .parquet where a file is long; changes in OWNER/ID/
    DIR/governance/   county.toml, charter.toml, agreements/*.toml
    DIR/truth/        who is who, what caused what, who is a canary; never to be deposited
    DIR/report.md     figures, errors and pictures
    DIR/county.json   the settings, and the SHA-256 of every file

Written beside and moved into place whole: a killed build leaves nothing that looks like a county.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import tomli_w

from commonthread.broker.rules.errors import BadInput

from . import governance
from .causes import EFFECTS
from .changes import OPERATION, weekly
from .maps import map_svg, write_place
from .pictures import pyramid, seasons
from .records import PLANS, Drawn, Plan
from .report import report
from .settings import Settings
from .simulation import make_world
from .world import World

Progress = Callable[[str, float], None]
LONG = 200_000
MANIFEST = "county.json"
ISO_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
# The version of what is written: another one gives other bytes for the same settings.
VERSION = 1


@dataclass(frozen=True, slots=True)
class Built:
    """What was built: the folder, how many rows each dataset has, and the digest of it all."""

    folder: Path
    rows: Mapping[str, int]
    digest: str


def build(settings: Settings, folder: Path, progress: Progress | None = None) -> Built:
    """Build the county of these settings into `folder`, which must not hold anything else.

    Raises `BadInput` where the folder is there and is not a county. `progress` is told what is
    being done and which part is done, 0 to 1.
    """
    say = progress or (lambda _what, _part: None)
    _check_target(folder)
    draft = folder.with_name(f".{folder.name}.building")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    try:
        world = make_world(settings, lambda what, part: say(what, 0.4 * part))
        say("drawing the map", 0.4)
        write_place(world.place, draft / "place")
        drawn = _write_datasets(world, draft, lambda what, part: say(what, 0.5 + 0.35 * part))
        say("writing the truth", 0.87)
        _write_truth(world, draft / "truth")
        _write_governance(draft / "governance")
        say("writing the report", 0.95)
        _write_report(world, drawn, draft)
        digest = _write_manifest(
            settings, {name: len(d.person) for name, d in drawn.items()}, draft
        )
        shutil.rmtree(folder, ignore_errors=True)
        draft.replace(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return Built(folder, {name: len(each.person) for name, each in drawn.items()}, digest)


def _check_target(folder: Path) -> None:
    if folder.is_dir() and any(folder.iterdir()) and not (folder / MANIFEST).is_file():
        raise BadInput(
            f"{folder} holds something that is not a county.",
            mend="Give a new folder, or one that a county was built into.",
        )
    if folder.exists() and not folder.is_dir():
        raise BadInput(f"{folder} is not a folder.", mend="Give a folder.")


def built(folder: Path) -> Settings | None:
    """The settings of the county that stands in a folder, or None."""
    try:
        said = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return Settings(**said["settings"]) if said.get("version") == VERSION else None


# What partners deposit


def _write_datasets(world: World, draft: Path, say: Progress) -> dict[str, Drawn]:
    found = {}
    for number, plan in enumerate(PLANS):
        name = f"{plan.owner}/{plan.id}"
        say(f"writing {name}", number / len(PLANS))
        drawn = plan.rows(world)
        found[name] = drawn
        folder = draft / "datasets" / plan.owner
        folder.mkdir(parents=True, exist_ok=True)
        if plan.delivery == "changes":
            _write_changes(world, plan, drawn, folder / plan.id)
        else:
            write_table(drawn.table, folder / plan.id)
        _write_who(plan, drawn, draft / "truth" / "records" / plan.owner)
    return found


def _write_changes(world: World, plan: Plan, drawn: Drawn, folder: Path) -> None:
    """The first file is named so that the names sort in the order of deposit."""
    folder.mkdir(parents=True)
    if not world.settings.weeks:
        added = pa.array(["add"] * drawn.table.num_rows, pa.string())
        write_table(drawn.table.add_column(0, OPERATION, added), folder / "0000-all")
        return
    deposits = weekly(world, plan, world.settings.weeks)
    write_table(deposits.initial, folder / "0000-all")
    for week, table in deposits.weeks.items():
        write_table(table, folder / week)


def write_table(table: pa.Table, path: Path) -> Path:
    """As CSV, or as Parquet where it is long; the path with its ending."""
    if table.num_rows > LONG:
        path = path.with_name(f"{path.name}.parquet")
        pyarrow.parquet.write_table(table, path, compression="zstd")
        return path
    path = path.with_name(f"{path.name}.csv")
    options = pyarrow.csv.WriteOptions(quoting_style="needed")
    pyarrow.csv.write_csv(_as_text(table), path, write_options=options)
    return path


def _as_text(table: pa.Table) -> pa.Table:
    """Times as people write them: without fractions of a second."""
    for place, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type):
            seconds = table.column(place).cast(pa.timestamp("s"))
            table = table.set_column(place, field.name, seconds)
    return table


# The truth


def _write_who(plan: Plan, drawn: Drawn, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    table = drawn.table.select(list(plan.key)).append_column(
        "person", pa.array(drawn.person, pa.int32())
    )
    for habit in sorted(drawn.touched):
        table = table.append_column(f"error_{habit}", pa.array(drawn.touched[habit], pa.bool_()))
    pyarrow.parquet.write_table(table, folder / f"{plan.id}.parquet", compression="zstd")


def _write_truth(world: World, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    tables: dict[str, Mapping[str, Any]] = {
        "people": {name: getattr(world.people, name) for name in world.people.__dataclass_fields__},
        "residences": {
            name: getattr(world.residence, name) for name in world.residence.__dataclass_fields__
        },
        **{f"event-{kind}": columns for kind, columns in world.events.items()},
    }
    for name, columns in tables.items():
        table = pa.table({key: _array(values) for key, values in columns.items()})
        pyarrow.parquet.write_table(table, folder / f"{name}.parquet", compression="zstd")
    causes = [asdict(effect) for effect in EFFECTS]
    _write_json(folder / "causes.json", causes)
    persons = np.flatnonzero(world.people.canary)
    _write_json(
        folder / "canaries.json",
        {
            "people": [
                {"person": int(person), "family": str(world.people.family[person])}
                for person in persons
            ],
            "columns": {
                f"{plan.owner}/{plan.id}": list(plan.canary_columns)
                for plan in PLANS
                if plan.canary_columns
            },
        },
    )


def _array(values: np.ndarray) -> pa.Array:
    return pa.array(values, pa.string()) if values.dtype == object else pa.array(values)


# Who decides what


def _write_governance(folder: Path) -> None:
    for name, document in governance.documents().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(tomli_w.dumps(_dated(document)).encode())


def _dated(value: Any) -> Any:
    """Days as TOML's own dates."""
    if isinstance(value, Mapping):
        return {name: _dated(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_dated(each) for each in value]
    if isinstance(value, str) and ISO_DAY.fullmatch(value):
        return date.fromisoformat(value)
    return value


# The report and the manifest


def _write_report(world: World, drawn: Mapping[str, Drawn], draft: Path) -> None:
    (draft / "map.svg").write_text(map_svg(world.place), encoding="utf-8")
    (draft / "people.svg").write_text(pyramid(world), encoding="utf-8")
    (draft / "seasons.svg").write_text(seasons(world), encoding="utf-8")
    (draft / "report.md").write_text(report(world, drawn), encoding="utf-8")


def _write_manifest(settings: Settings, rows: Mapping[str, int], draft: Path) -> str:
    files = {
        path.relative_to(draft).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in _files(draft)
    }
    digest = hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()
    said = {
        "version": VERSION,
        "settings": asdict(settings),
        "rows": rows,
        "digest": digest,
        "files": files,
    }
    _write_json(draft / MANIFEST, said)
    return digest


def _files(folder: Path) -> Iterator[Path]:
    yield from sorted(path for path in folder.rglob("*") if path.is_file())


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=1, sort_keys=True) + "\n", encoding="utf-8")
