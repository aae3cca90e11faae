"""Generated rows through the checks of a deposit, without the process around them.

The fenced child is started once per file in tests/integration; here its two halves, the text
reader and the SQL checks, meet thousands of files.
"""

import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from commonthread.broker.rules.contracts import Column, Contract
from commonthread.broker.rules.errors import BadInput
from commonthread.catalogue.identity import linkable
from commonthread.catalogue.parsing import Held

AT = datetime(2026, 7, 1, 9, 0, tzinfo=UTC)
CONTRACT = Contract(
    owner="wychshire",
    id="clients",
    title="Clients",
    classification="personal",
    delivery="snapshot",
    key=("ref",),
    columns=(
        Column("ref", "integer"),
        Column("words", "text", optional=True),
        Column("amount", "decimal", optional=True),
        Column("yes", "boolean", optional=True),
        Column("day", "date", optional=True),
        Column("moment", "timestamp", optional=True),
    ),
)
PEOPLE = Contract(
    owner="wychshire",
    id="people",
    title="People",
    classification="personal",
    delivery="snapshot",
    key=("ref",),
    columns=(
        Column("ref", "integer"),
        *(Column(name, "text", optional=True) for name in ("nhs", "post", "born", "name")),
    ),
    identity=(
        ("date_of_birth", "born"),
        ("family_name", "name"),
        ("nhs_number", "nhs"),
        ("postcode", "post"),
    ),
)

words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)
amounts = st.decimals(-(10**17), 10**17, places=10)
moments = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31))  # noqa: DTZ001 - local times
rows = st.tuples(
    st.integers(-(2**63), 2**63 - 1),
    st.none() | words,
    st.none() | amounts,
    st.none() | st.booleans(),
    st.none() | st.dates(),
    st.none() | moments,
)
delimiters = st.sampled_from([",", ";", "\t", "|"])
encodings = st.sampled_from(["utf-8", "utf-8-sig", "utf-16"])


def read(content: bytes, contract: Contract) -> Held:
    held = Held(contract, AT, "256MiB")
    held.take(io.BytesIO(content), lambda **_: None)
    return held


def sent(held: Held, which: str) -> list[dict[str, Any]]:
    answer = io.BytesIO()
    held.send(which, answer)
    table = pa.ipc.open_stream(answer.getvalue()).read_all()
    return list(table.to_pylist())


def written(names: list[str], rows: list[tuple[Any, ...]], delimiter: str = ",") -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerow(names)
    writer.writerows([_text(value) for value in row] for row in rows)
    return text.getvalue()


def _text(value: Any) -> str:
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value.isoformat() if isinstance(value, date) else "" if value is None else str(value)


@given(st.lists(rows, max_size=8, unique_by=lambda row: row[0]), delimiters, encodings)
def test_what_is_written_comes_back(
    rows: list[tuple[Any, ...]], delimiter: str, encoding: str
) -> None:
    names = [column.name for column in CONTRACT.columns]
    held = read(written(names, rows, delimiter).encode(encoding), CONTRACT)
    assert sent(held, "good") == [dict(zip(names, row, strict=True)) for row in rows]
    assert sent(held, "quarantine") == []


cells = st.sampled_from(["1", "2", "", "x", "2026-01-01", "yes", "1.5", '"', "a\nb", "\0", "é"])


@given(st.lists(st.lists(cells, min_size=1, max_size=8), max_size=8))
def test_every_row_is_taken_or_quarantined_with_a_reason(table: list[list[str]]) -> None:
    names = [column.name for column in CONTRACT.columns]
    held = read(written(names, [tuple(row) for row in table]).encode(), CONTRACT)
    report, quarantine = held.report(), sent(held, "quarantine")
    assert report["rows"] + report["quarantined"] == len(table)
    assert report["quarantined"] == len(quarantine)
    assert all(row["quarantine_reason"] for row in quarantine)
    assert len({row["ref"] for row in sent(held, "good")}) == report["rows"]


@given(st.lists(st.lists(cells, min_size=6, max_size=6), max_size=6))
def test_a_quarantine_deposited_again_is_quarantined_again(table: list[list[str]]) -> None:
    """Its text is as it stood, so that a partner corrects what it sent and nothing else."""
    names = [column.name for column in CONTRACT.columns]
    first = sent(
        read(written(names, [tuple(row) for row in table]).encode(), CONTRACT), "quarantine"
    )
    alone = [row for row in first if "repeats" not in row["quarantine_reason"]]
    columns = [*names, "quarantine_line", "quarantine_reason"]
    again = written(columns, [tuple(row[name] for name in columns) for row in alone])
    held = read(again.encode(), CONTRACT)
    assert [{name: row[name] for name in names} for row in sent(held, "quarantine")] == [
        {name: row[name] for name in names} for row in alone
    ]


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    try:
        held = read(b"ref,words\n" + content, CONTRACT)
    except BadInput:
        return
    report = held.report()
    assert report["rows"] + report["quarantined"] >= 0


digits = st.text("0123456789", min_size=9, max_size=10)
spaced = st.sampled_from(["", " ", "-", "\t"])
nhs_numbers = st.builds(lambda text, gap: text[:3] + gap + text[3:], digits, spaced)
postcodes = st.from_regex(r"\A[A-Za-z]{1,3}[0-9][A-Za-z0-9]? ?[0-9][A-Za-z]{1,3}\Z")
births = st.builds(
    lambda day, form: form.format(y=day.year, m=day.month, d=day.day),
    st.dates(date(1870, 1, 1), date(2030, 1, 1)),
    st.sampled_from(["{y:04}-{m:02}-{d:02}", "{y:04}{m:02}{d:02}", "{d:02}/{m:02}/{y}", "{y}-{d}"]),
)
blanks = st.text(" \t\r\n\u00a0x", max_size=3)


@given(st.none() | nhs_numbers, st.none() | postcodes, st.none() | births, st.none() | blanks)
def test_sql_and_python_agree_on_what_links(
    nhs: str | None, post: str | None, born: str | None, name: str | None
) -> None:
    row = {"nhs": nhs, "post": post, "born": born, "name": name or None}
    held = read(written(["ref", *row], [(1, *row.values())]).encode(), PEOPLE)
    counted = {
        column["name"]: column.get("malformed") for column in held.report()["profile"]["columns"]
    }
    for role, column in PEOPLE.identity:
        value = row[column]
        expected = value is not None and linkable(role, value, PEOPLE, AT) is None
        assert counted[column] == expected, (role, value)
