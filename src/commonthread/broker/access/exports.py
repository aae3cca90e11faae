"""Files that leave the broker: only where every grant that was read allows it.

A file appears whole or not at all. Beside it lies `FILE-metadata.json` (CSV on the Web's name for
it), which says under which agreement it was made and, in a demo home, that it is a demonstration.
Only their owner may read either of them.

Text that a spreadsheet would take for a formula is written with a ' before it; a number is not.
"""

from __future__ import annotations

import csv
import json
import os
import re
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from commonthread.broker.rules.errors import BadInput, Refused

from .reading import STAYS, Answer

# What a spreadsheet takes for the beginning of a formula (OWASP, CSV injection).
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
NUMBER = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?")
SMALL_GROUPS = (
    "Statistics: figures about too few residents are left out, and the others are rounded, as the "
    "agreement says."
)
DEMO = "Made in a demo home, which holds the keys of its personas."
# Beyond this a number is no longer exact where JSON is read as floating point (RFC 8259 §6).
LARGEST_EXACT = 2**53 - 1


def shown(value: Any, kind: str) -> Any:
    """A value as JSON and pages show it: pseudonyms and times as text, missing as None."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        exact = abs(value) <= LARGEST_EXACT and kind not in ("pseudonym", "person")
        return value if exact else str(value)
    if isinstance(value, Decimal):
        plain = value.normalize()
        return int(plain) if plain == plain.to_integral_value() else format(plain, "f")
    if isinstance(value, datetime):
        return value.isoformat(sep="T", timespec="auto")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str | float):
        return value
    return str(value)


def records(answer: Answer) -> Iterator[dict[str, Any]]:
    """The answer's rows as shown."""
    kinds = dict(answer.columns)
    for batch in answer.batches():
        for row in batch.to_pylist():
            yield {name: shown(value, kinds.get(name, "")) for name, value in row.items()}


def demand_export(answer: Answer) -> None:
    """Refuse where a grant says `export = false`."""
    if not answer.export:
        raise Refused([STAYS])


def demand_place(path: Path, endings: Sequence[str] = (), *, overwrite: bool = False) -> None:
    """Raise `BadInput` where no file of this name can be written; ask before data is opened."""
    if endings and path.suffix.lower() not in endings:
        raise BadInput("The file's ending is not known.", mend=f"Use {' or '.join(endings)}.")
    with _placing(path):
        _demand_room(path, overwrite=overwrite)


def _demand_room(path: Path, *, overwrite: bool) -> None:
    if not path.parent.is_dir():
        raise BadInput(f"There is no folder {path.parent}.", mend="Make it, or name another.")
    if path.is_dir():
        raise BadInput(f"{path} is a folder.", mend="Name a file in it.")
    if path.exists() and not overwrite:
        raise BadInput(f"{path} is there already.", mend="Name another file, or add --overwrite.")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise BadInput(f"Nothing can be written into {path.parent}.", mend="Name another folder.")


def write(answer: Answer, path: Path, *, demo: bool) -> int:
    """Write a CSV or Parquet file by its ending, over one that is there; returns its rows."""
    demand_place(path, tuple(WRITERS), overwrite=True)
    demand_export(answer)
    with whole(path) as draft:
        rows = WRITERS[path.suffix.lower()](answer, draft)
    with whole(Path(f"{path}-metadata.json")) as draft:
        draft.write_text(json.dumps(_about(answer, path, rows, demo), indent=2) + "\n")
    return rows


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A draft beside the file, its owner's only, moved into place when all went well.

    Raises `BadInput` where it cannot be made or moved.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        with _placing(path):
            draft.touch(mode=0o600, exist_ok=False)
        yield draft
        with _placing(path):
            draft.replace(path)
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


@contextmanager
def _placing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BadInput(
            f"{path} cannot be written: {error.strerror}.", mend="Name another file or folder."
        ) from None


def _about(answer: Answer, path: Path, rows: int, demo: bool) -> Mapping[str, Any]:
    return {
        "url": path.name,
        "rows": rows,
        "agreement": answer.reference,
        "digest": answer.digest,
        "ledger_entry": answer.entry,
        "versions": dict(answer.pins),
        **({"note": SMALL_GROUPS} if answer.mode == "statistics" else {}),
        **({"notice": DEMO} if demo else {}),
    }


def _write_csv(answer: Answer, path: Path) -> int:
    kinds, rows = dict(answer.columns), 0
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([safe(name) for name in kinds])
        for batch in answer.batches():
            for row in batch.to_pylist():
                writer.writerow([_cell(row[name], kind) for name, kind in kinds.items()])
                rows += 1
    return rows


def _cell(value: Any, kind: str) -> Any:
    said = shown(value, kind)
    if said is None:
        return ""
    if isinstance(said, bool):
        return "true" if said else "false"
    return safe(said) if isinstance(value, str) else said


def safe(text: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    formula = text.startswith(FORMULA) and not NUMBER.fullmatch(text)
    return f"'{text}" if formula else text


def _write_parquet(answer: Answer, path: Path) -> int:
    rows, writer = 0, None
    try:
        for batch in answer.batches():
            table = pa.Table.from_batches([batch])
            if writer is None:
                writer = pq.ParquetWriter(path, table.schema)
            writer.write_table(table)
            rows += batch.num_rows
        if writer is None:
            pq.write_table(
                pa.table({name: pa.array([], pa.string()) for name, _ in answer.columns}), path
            )
    finally:
        if writer is not None:
            writer.close()
    return rows


WRITERS: Mapping[str, Callable[[Answer, Path], int]] = {
    ".csv": _write_csv,
    ".parquet": _write_parquet,
}
