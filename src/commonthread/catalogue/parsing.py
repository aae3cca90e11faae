# ruff: noqa: S608 - only names made here and quoted literals of a contract stand in this SQL
"""Inside the fence: a file and a contract in; a report, typed rows and quarantined rows out.

Run by `fenced.main` only. The conversation, over two pipes:

1. in: one line of JSON, the contract and the time. Out: lines of JSON, `{"progress": rows}` …,
   then `{"refused": …}` and the end, or `{"report": …}`.
2. in: `good` or `quarantine`. Out: one Arrow stream. Again and again, until the input ends.

Rows are held in memory and never spill: nothing of a partner's lies on a disk in clear.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, BinaryIO

import duckdb
import pyarrow as pa
import pyarrow.parquet as parquet

from commonthread.broker.rules.contracts import RESERVED, Contract, parse_contract
from commonthread.broker.rules.errors import BadInput, Problem

from . import checks
from .delimited import Delimited, Odd, named

CHUNK_ROWS = 50_000
CHUNK_CHARACTERS = 32_000_000
BATCH_ROWS = 50_000
IGNORED = tuple(name for name in RESERVED if name.startswith("quarantine_"))
# What is often handed in by mistake, by its first bytes.
OTHER_FILES = (
    (b"PK\x03\x04", "This is a spreadsheet or a zip file.", "Save the sheet as CSV (UTF-8)."),
    (b"\xd0\xcf\x11\xe0", "This is an old spreadsheet.", "Save the sheet as CSV (UTF-8)."),
    (b"\x1f\x8b", "This file is compressed.", "Unpack it first."),
    (b"PARE", "This Parquet file is encrypted.", "Deposit it without encryption."),
    (b"%PDF", "This is a PDF.", "Deposit CSV or Parquet."),
)


def serve(descriptor: int, asked: BinaryIO, answer: BinaryIO, unfenced: dict[str, str]) -> None:
    """Answer until the input ends. A refusal is said; anything else ends the process."""
    with open(descriptor, "rb", closefd=False) as file:
        wanted = json.loads(asked.readline())
        say = _Speaker(answer)
        try:
            held = Held(
                parse_contract(wanted["contract"]),
                datetime.fromisoformat(wanted["at"]),
                wanted["engine_memory"],
            )
            stated = held.take(file, say)
        except BadInput as error:
            problems = [[p.where, p.message, p.mend] for p in error.problems]
            say(refused={"message": error.message, "mend": error.mend, "problems": problems})
            return
        say(report={"stated": stated, "unfenced": unfenced, **held.report()})
    for line in asked:
        held.send(line.strip().decode(), answer)


class _Speaker:
    def __init__(self, answer: BinaryIO) -> None:
        self._answer = answer

    def __call__(self, **message: Any) -> None:
        self._answer.write(json.dumps(message).encode() + b"\n")
        self._answer.flush()


class Held:
    """The rows of one file in an engine's memory: `good` as typed, `quarantine` as text."""

    def __init__(self, contract: Contract, at: datetime, memory: str) -> None:
        self.contract, self.at = contract, at
        # The declared columns decide the names; one a stranger wrote never reaches the engine.
        self._places = range(len(contract.delivered))
        self._engine = duckdb.connect(
            config={
                "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false",
                "enable_external_access": "false",
                "memory_limit": memory,
                "python_enable_replacements": "false",
                "temp_directory": "",
                "threads": "2",
            }
        )
        self._run("SET enable_progress_bar = false")
        kinds = [checks.SQL_TYPES[column.type] for column in contract.delivered]
        typed = ", ".join(f"t{n} {kind}" for n, kind in enumerate(kinds))
        texts = ", ".join(f"c{n} VARCHAR" for n in self._places)
        self._run(f"CREATE TABLE good (line BIGINT, {typed})")
        self._run(f"CREATE TABLE quarantine ({texts}, line BIGINT, reason VARCHAR)")

    def _run(self, sql: str) -> Any:
        return self._engine.execute(sql)

    def take(self, file: BinaryIO, say: _Speaker) -> dict[str, Any]:
        """Read the whole file into the two tables; returns what the file turned out to be."""
        checks.check_formats(self.contract)
        start, done = file.read(8), 0
        for magic, message, mend in OTHER_FILES:
            if start.startswith(magic):
                raise BadInput(message, mend=mend)
        source = (
            Columnar(file, self.contract)
            if start.startswith(b"PAR1")
            else Textual(file, self.contract)
        )
        header = checks.header_columns(source.header, self.contract, IGNORED)
        checked = checks.checked(self.contract, iso=source.iso)
        for chunk in source.chunks():
            self._add(self._arranged(chunk, header), checked)
            done += chunk.num_rows
            say(progress=done)
        return {**source.stated, "rows_read": done}

    def _arranged(self, chunk: pa.RecordBatch, header: list[str]) -> pa.Table:
        """The chunk's columns under their places in the contract; an absent one is missing."""
        absent = pa.nulls(chunk.num_rows, pa.string())
        columns = {"line": chunk["line"], "odd": chunk["odd"]}
        for place, column in enumerate(self.contract.delivered):
            known = column.name in header
            columns[f"c{place}"] = chunk[f"h{header.index(column.name)}"] if known else absent
        return pa.table(columns)

    def _add(self, chunk: pa.Table, checked: str) -> None:
        self._engine.register("chunk", chunk)
        try:
            self._run(f"CREATE OR REPLACE TEMP TABLE checked AS {checked}")
            self._find_repeated()
            self._keep()
        except duckdb.InvalidInputException as error:
            if "format specifier" not in str(error):
                raise
            raise BadInput("A date format in the contract is not one that can be read.") from None
        finally:
            self._engine.unregister("chunk")

    def _find_repeated(self) -> None:
        """The first row that can be taken keeps its key; only rows after it repeat it."""
        names = [column.name for column in self.contract.delivered]
        places = sorted({names.index(name) for name in self.contract.key})
        key = ", ".join(f"t{n}" for n in places)
        same = " AND ".join(f"checked.t{n} = earlier.t{n}" for n in places)
        self._run(
            "CREATE OR REPLACE TEMP TABLE repeated AS SELECT DISTINCT checked.line FROM checked "
            f"JOIN (SELECT {key}, min(line) AS line FROM checked WHERE reasons = '' GROUP BY ALL "
            f"UNION ALL SELECT {key}, line FROM good) AS earlier "
            f"ON {same} AND checked.line > earlier.line WHERE checked.odd IS NULL"
        )

    def _keep(self) -> None:
        typed = ", ".join(f"t{n}" for n in self._places)
        texts = ", ".join(f"chunk.c{n}" for n in self._places)
        said = checks.literal(checks.repeats(self.contract))
        again = "line IN (SELECT line FROM repeated)"
        self._run(
            f"INSERT INTO good SELECT line, {typed} FROM checked "
            f"WHERE reasons = '' AND NOT {again} ORDER BY line"
        )
        self._run(
            f"INSERT INTO quarantine SELECT {texts}, faulty.line, faulty.reason FROM chunk JOIN "
            "(SELECT line, concat_ws('; ', nullif(reasons, ''), "
            f"CASE WHEN {again} THEN {said} END) AS reason FROM checked "
            f"WHERE reasons <> '' OR {again}) AS faulty ON chunk.line = faulty.line "
            "ORDER BY faulty.line"
        )

    def report(self) -> dict[str, Any]:
        rows = self._one("SELECT count(*) FROM good")
        quarantined = self._one("SELECT count(*) FROM quarantine")
        reasons = self._run(
            "SELECT said, count(*) FROM (SELECT unnest(string_split(reason, '; ')) AS said "
            "FROM quarantine) GROUP BY said ORDER BY count(*) DESC, said LIMIT 100"
        ).fetchall()
        profile = {
            "rows": rows,
            "quarantined": quarantined,
            "reasons": [{"reason": reason, "rows": count} for reason, count in reasons],
            "columns": [self._profile(n) for n in self._places],
        }
        return {"rows": rows, "quarantined": quarantined, "profile": profile}

    def _one(self, sql: str) -> Any:
        return self._run(sql).fetchone()[0]

    def _profile(self, place: int) -> dict[str, Any]:
        """Counts of one column of the good rows; nothing that could show a person."""
        column, value = self.contract.delivered[place], f"t{place}"
        rows, present, distinct = self._run(
            f"SELECT count(*), count({value}), count(DISTINCT {value}) FROM good"
        ).fetchone()
        found: dict[str, Any] = {
            "name": column.name,
            "type": column.type,
            "rows": rows,
            "missing": rows - present,
            "distinct": distinct,
        }
        roles = [role for role, name in self.contract.identity if name == column.name]
        if not roles and present and column.type not in ("text", "boolean"):
            least, most = self._run(
                f"SELECT CAST(min({value}) AS VARCHAR), CAST(max({value}) AS VARCHAR) FROM good"
            ).fetchone()
            found |= {
                "minimum": _as_stated(least, column.type),
                "maximum": _as_stated(most, column.type),
            }
        if column.values:
            counted = self._run(
                f"SELECT {value}, count(*) FROM good WHERE {value} IS NOT NULL "
                "GROUP BY ALL ORDER BY 2 DESC, 1 LIMIT 100"
            ).fetchall()
            found["values"] = [{"value": text, "rows": count} for text, count in counted]
        if roles:
            tests = [
                f"({checks.malformed(role, value, column, self.contract, self.at)})"
                for role in roles
            ]
            found["malformed"] = self._one(f"SELECT count(*) FROM good WHERE {' OR '.join(tests)}")
        return found

    def send(self, which: str, answer: BinaryIO) -> None:
        names = [column.name for column in self.contract.delivered]
        if which == "good":
            selected = [f't{n} AS "{name}"' for n, name in enumerate(names)]
        else:
            selected = [f'c{n} AS "{name}"' for n, name in enumerate(names)]
            selected += ["line AS quarantine_line", "reason AS quarantine_reason"]
        table = "good" if which == "good" else "quarantine"
        reader = self._run(f"SELECT {', '.join(selected)} FROM {table}").to_arrow_reader(BATCH_ROWS)
        with pa.ipc.new_stream(answer, reader.schema) as stream:
            for batch in reader:
                stream.write_batch(batch)
        answer.flush()


def _as_stated(text: str, kind: str) -> int | str:
    """Whole numbers as numbers, decimals and dates as text: canonical JSON has no fractions."""
    if kind == "integer":
        return int(text)
    return text.replace(" ", "T") if kind == "timestamp" else text


def _known(contract: Contract) -> list[str]:
    return [*(column.name for column in contract.delivered), *IGNORED]


class Textual:
    """Delimited text as chunks of columns: line, odd (the reason, if the row is), h0, h1 …"""

    iso = frozenset[str]()

    def __init__(self, file: BinaryIO, contract: Contract) -> None:
        known = _known(contract)
        try:
            self._text = Delimited(file, known)
        except UnicodeError:
            raise _not_as_it_begins() from None
        self.header = self._text.header
        encoding = "utf-16" if self._text.encoding.startswith("utf-16") else self._text.encoding
        self.stated = {"format": "csv", "delimiter": self._text.delimiter, "encoding": encoding}

    def chunks(self) -> Iterator[pa.RecordBatch]:
        try:
            yield from self._chunks()
        except UnicodeError:
            raise _not_as_it_begins() from None

    def _chunks(self) -> Iterator[pa.RecordBatch]:
        lines: list[int] = []
        rows: list[Sequence[str | None]] = []
        odd: dict[int, str] = {}
        full = self._text.lines.characters + CHUNK_CHARACTERS
        for line, row in self._text.records():
            if isinstance(row, Odd):
                odd[len(rows)] = row.reason
            lines.append(line)
            rows.append(row.fields if isinstance(row, Odd) else row)
            if len(rows) == CHUNK_ROWS or self._text.lines.characters > full:
                yield self._batch(lines, rows, odd)
                lines, rows, odd = [], [], {}
                full = self._text.lines.characters + CHUNK_CHARACTERS
        if rows:
            yield self._batch(lines, rows, odd)

    def _batch(
        self, lines: list[int], rows: list[Sequence[str | None]], odd: dict[int, str]
    ) -> pa.RecordBatch:
        columns = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]
        reasons = (
            [odd.get(n) for n in range(len(rows))] if odd else pa.nulls(len(rows), pa.string())
        )
        odds = pa.array(reasons, pa.string())
        names = ["line", "odd", *(f"h{n}" for n in range(len(columns)))]
        return pa.record_batch([pa.array(lines, pa.int64()), odds, *columns], names=names)


def _not_as_it_begins() -> BadInput:
    return BadInput(
        "The file is not text throughout in the encoding that its first bytes announce.",
        mend="Save it again as UTF-8.",
    )


class Columnar:
    """A Parquet file as the same chunks: each value as its text, to meet the same checks."""

    def __init__(self, file: BinaryIO, contract: Contract) -> None:
        try:
            self._file = parquet.ParquetFile(file)
        except (pa.ArrowException, OSError, ValueError):
            raise BadInput(
                "The file begins as Parquet and cannot be read as Parquet.",
                mend="It may be cut short: write it again.",
            ) from None
        schema = self._file.schema_arrow
        self.header = named(schema.names, _known(contract))
        self.stated = {"format": "parquet"}
        declared = [contract.column(name) for name in self.header]
        self._declared = [column.type if column else "" for column in declared]
        self._refuse(schema)
        self.iso = frozenset(
            name for name, kind in zip(self.header, schema.types, strict=True) if _temporal(kind)
        )
        self._engine = duckdb.connect(config={"temp_directory": "", "threads": "2"})

    def _refuse(self, schema: pa.Schema) -> None:
        problems = []
        for place, kind in enumerate(schema.types):
            if pa.types.is_timestamp(kind) and kind.tz is not None:
                problems.append((place, "has a time zone", "give local times without one"))
            elif pa.types.is_nested(kind) or _bytes(kind):
                problems.append((place, "does not hold single values", "give text or numbers"))
        if problems:
            raise BadInput(
                "The Parquet file cannot be taken.",
                [Problem(f"column {place + 1}", said, mend) for place, said, mend in problems],
            )

    def chunks(self) -> Iterator[pa.RecordBatch]:
        first = 1
        for batch in self._file.iter_batches(batch_size=CHUNK_ROWS):
            if batch.num_rows:
                yield self._texts(batch, first)
            first += batch.num_rows

    def _texts(self, batch: pa.RecordBatch, first: int) -> pa.RecordBatch:
        names = [f"h{n}" for n in range(batch.num_columns)]
        renamed = pa.Table.from_arrays(batch.columns, names=names)
        self._engine.register("batch", renamed)
        texts = ", ".join(
            f"{_text(name, kind, declared)} AS {name}"
            for name, kind, declared in zip(names, batch.schema.types, self._declared, strict=True)
        )
        made = self._engine.execute(f"SELECT {texts} FROM batch").to_arrow_table().combine_chunks()
        self._engine.unregister("batch")
        lines = pa.array(range(first, first + batch.num_rows), pa.int64())
        odd = pa.nulls(batch.num_rows, pa.string())
        columns = [made[name].combine_chunks() for name in names]
        return pa.record_batch([lines, odd, *columns], names=["line", "odd", *names])


def _temporal(kind: pa.DataType) -> bool:
    return bool(pa.types.is_date(kind) or pa.types.is_timestamp(kind))


def _bytes(kind: pa.DataType) -> bool:
    types = pa.types
    return bool(
        types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind)
    )


def _text(name: str, kind: pa.DataType, declared: str) -> str:
    """SQL for the text of a typed value, in the form in which a CSV file would have it."""
    if pa.types.is_floating(kind):
        # Whole numbers that had gaps become fractions in many tools; 3.0 is 3 again here.
        exact = f"CAST(try_cast({name} AS DECIMAL(28,10)) AS VARCHAR)"
        short = f"regexp_replace({exact}, '\\.?0+$', '')"
        return f"CASE WHEN contains({exact}, '.') THEN {short} ELSE CAST({name} AS VARCHAR) END"
    if pa.types.is_timestamp(kind):
        moment = f"CAST({name} AS TIMESTAMP)"
        text = f"CAST({moment} AS VARCHAR)"
        if declared != "date":
            return text
        # Many tools know no date without a time; a day is one whose time is midnight.
        midnight = f"{moment} = date_trunc('day', {moment})"
        return f"CASE WHEN {midnight} THEN CAST(CAST({moment} AS DATE) AS VARCHAR) ELSE {text} END"
    return f"CAST({name} AS VARCHAR)"


__all__ = ["Held", "serve"]
