"""The child that runs an analyst's statements, started by `workers.Pool` only.

It is shut in before it imports an engine, and the engine is locked before the first statement.

The talk, over standard input (one JSON line each) and standard output (frames: one letter, eight
bytes of length, content):

    parent                                   child
    {"readable", "limit_bytes"}              F  {"held", "missing"}       fenced; nothing secret yet
    {"tables": [{"name", "path", "key",
       "summed": null or {"few", "numbers"}}],
     "memory_bytes", "threads"}              L  {}                        loaded and locked
    {"sql", "rows", "bytes"}                 S  the schema, an Arrow IPC message
                                             B  a record batch, an Arrow IPC message; any number
                                             E  {}                        end, ready for the next
    at any step                              X  {"kind", "ready"}         ready: for another

The text of an error stays here: it may hold a value of a row.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import struct
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from commonthread.broker.fence import fence
from commonthread.broker.lake.shapes import Summed
from commonthread.broker.lake.summaries import add_summaries

ROWS_IN_A_BATCH = 65_536
BYTES_IN_A_FRAME = 16 << 20
# Eight groups of an extract's rows (`store.ROW_GROUP`), so that each group is read once.
ROWS_IN_A_SLICE = 8 * 122_880
ROW_PLACE = "file_row_number"
_HEAD = struct.Struct(">cQ")
_KEY_BYTES = {16, 24, 32}

# No file, no network, no spill in clear, no Python variable, no second thought.
_LOCK = (
    "SET python_enable_replacements = false",
    "SET python_scan_all_frames = false",
    "SET autoinstall_known_extensions = false",
    "SET autoload_known_extensions = false",
    "SET allow_community_extensions = false",
    "SET enable_progress_bar = false",
    "SET temp_directory = ''",
    "SET max_temp_directory_size = '0B'",
    "SET max_expression_depth = 250",
    "SET TimeZone = 'UTC'",
    "SET enable_external_access = false",
    "SET lock_configuration = true",
)


class TooMuch(Exception):
    """The answer is larger than what was asked for allows."""


def main() -> None:
    """Shut in, load, lock, answer until standard input ends."""
    asks, says = sys.stdin.buffer, _own_output()
    first = json.loads(asks.readline())
    held, missing = fence(readable=first["readable"], limit_bytes=first["limit_bytes"])
    _say(says, b"F", json.dumps({"held": held, "missing": missing}).encode())
    sys.modules["numpy"] = None  # type: ignore[assignment]  # a third of the start, and not needed
    line = asks.readline()
    if not line:  # the parent will not use a child with this fence
        return
    try:
        connection = load(json.loads(line))
    except Exception as error:  # noqa: BLE001  whatever it is, its text stays here
        _say(says, b"X", _kind(error))
        return
    _say(says, b"L", b"{}")
    for line in asks:
        if not _answer(connection, json.loads(line), says):
            return


def _own_output() -> BinaryIO:
    """Keep standard output for frames: what an engine prints goes nowhere."""
    says = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    return says


def _say(says: BinaryIO, letter: bytes, content: bytes | memoryview) -> None:
    for part in (_HEAD.pack(letter, len(content)), memoryview(content)):
        rest = memoryview(part)
        while rest:
            rest = rest[says.write(rest) or 0 :]


def load(order: Mapping[str, Any]) -> Any:
    """A locked connection whose memory holds the tables, and no key.

    Tables are copied into memory, so no path needs to stay allowed, and compressed there: a quarter
    of the room, and columns of few values are grouped by their dictionaries. Each key is
    overwritten as soon as its table is read: a statement that found a way to list keys would find
    noise.
    """
    import duckdb

    connection = duckdb.connect(
        config={
            "threads": int(order["threads"]),
            "memory_limit": f"{int(order['memory_bytes'])}B",
            "temp_directory": "",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        }
    )
    connection.execute(f"LOAD {_text(str(httpfs(duckdb.__version__)))}")
    for number, table in enumerate(order["tables"]):
        name, key = f"extract_{number}", checked_key(table["key"])
        connection.execute(f"PRAGMA add_parquet_key('{name}', '{key}')")
        scan = f"read_parquet({_text(table['path'])}, encryption_config = {{footer_key: '{name}'}})"
        _copy(connection, _name(table["name"]), scan)
        if summed := table["summed"]:
            add_summaries(connection, table["name"], _summed(summed))
        noise = base64.b64encode(os.urandom(32)).decode()
        connection.execute(f"PRAGMA add_parquet_key('{name}', '{noise}')")
    for setting in _LOCK:
        connection.execute(setting)
    return connection


def _copy(connection: Any, name: str, scan: str) -> None:
    """Slice by slice, each compressed before the next: in whole, a table takes ten times the room.

    A slice is found by the row's place in the file, which a column of that name would hide.
    """
    connection.execute(f"CREATE TABLE {name} AS FROM {scan} LIMIT 0")
    columns = [found[0].lower() for found in connection.execute(f"DESCRIBE {name}").fetchall()]
    rows = connection.execute(f"SELECT count(*) FROM {scan}").fetchone()[0]
    step = max(rows, 1) if ROW_PLACE in columns else ROWS_IN_A_SLICE
    for first in range(0, rows, step):
        here = f" WHERE {ROW_PLACE} >= {first} AND {ROW_PLACE} < {first + step}"
        connection.execute(f"INSERT INTO {name} SELECT * FROM {scan}{here if step < rows else ''}")
        connection.execute("CHECKPOINT")
    if connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] != rows:
        raise ValueError("not all rows of an extract were read")


def _summed(said: Mapping[str, Any]) -> Summed:
    return Summed(tuple(said["few"]), tuple(said["numbers"]))


def httpfs(version: str) -> Path:
    """The extension in its wheel: with it, encrypted Parquet is read six times faster."""
    import duckdb_extension_httpfs  # type: ignore[import-untyped]

    folder = Path(duckdb_extension_httpfs.__file__).parent / "extensions" / f"v{version}"
    return folder / "httpfs.duckdb_extension"


def checked_key(text: str) -> str:
    """The same text if it is base64 of a key: a key cannot be a bound parameter."""
    try:
        size = len(base64.b64decode(text, validate=True))
    except binascii.Error:
        size = 0
    if size not in _KEY_BYTES:
        raise ValueError("not a key")
    return text


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _answer(connection: Any, ask: Mapping[str, Any], says: BinaryIO) -> bool:
    """Answer one statement; whether the connection can take another."""
    import duckdb

    try:
        cursor = connection.cursor()  # so that nothing a statement leaves behind meets the next
        try:
            for letter, content in _frames(cursor, ask):
                _say(says, letter, content)
        finally:
            cursor.close()
    except BrokenPipeError:
        return False
    except Exception as error:  # noqa: BLE001  whatever it is, its text stays here
        # After an engine's own fault nothing is certain; after want of memory it gives little back.
        fault = isinstance(error, duckdb.FatalException | duckdb.InternalException)
        ready = not fault and not _is_out_of_memory(error)
        _say(says, b"X", _kind(error, ready=ready))
        return ready
    _say(says, b"E", b"{}")
    return True


def _frames(cursor: Any, ask: Mapping[str, Any]) -> Iterator[tuple[bytes, memoryview]]:
    """The messages of an Arrow stream: its schema, then batches small enough for one frame."""
    reader = _run(cursor, ask["sql"]).to_arrow_reader(ROWS_IN_A_BATCH)
    rows_left, bytes_left = int(ask["rows"]), int(ask["bytes"])
    schema = _without_dictionaries(reader.schema)
    yield b"S", memoryview(schema.serialize())
    for batch in reader:
        for piece in _pieces(batch.cast(schema) if schema != reader.schema else batch):
            content = memoryview(piece.serialize())
            rows_left, bytes_left = rows_left - piece.num_rows, bytes_left - len(content)
            if rows_left < 0 or bytes_left < 0:
                raise TooMuch
            yield b"B", content


def _without_dictionaries(schema: Any) -> Any:
    """Each batch speaks for itself: the parent does not have to keep what earlier ones said."""
    import pyarrow

    plain = [
        field.with_type(field.type.value_type) if pyarrow.types.is_dictionary(field.type) else field
        for field in schema
    ]
    return pyarrow.schema(plain)


def _run(cursor: Any, sql: str) -> Any:
    """One SELECT. The gate has seen to that; PRAGMA, CALL, COPY and SET end here once more."""
    import duckdb

    statements = cursor.extract_statements(sql)
    if [statement.type for statement in statements] != [duckdb.StatementType.SELECT]:
        raise ValueError("not one SELECT")
    return cursor.execute(statements[0])


def _pieces(batch: Any) -> Iterator[Any]:
    if batch.nbytes <= BYTES_IN_A_FRAME // 2:
        yield batch
    elif batch.num_rows == 1:
        raise TooMuch
    else:
        half = batch.num_rows // 2
        yield from _pieces(batch.slice(0, half))
        yield from _pieces(batch.slice(half))


def _is_out_of_memory(error: Exception) -> bool:
    """In the middle of an answer Arrow turns every error into an OSError; the words stay."""
    return isinstance(error, MemoryError) or str(error).startswith("Out of Memory")


def _kind(error: Exception, *, ready: bool = False) -> bytes:
    """The class of an error in the words of `child.WorkerFailed`, never its text."""
    memory = _is_out_of_memory(error)
    kind = "size" if isinstance(error, TooMuch) else "memory" if memory else "error"
    return json.dumps({"kind": kind, "ready": ready}).encode()
