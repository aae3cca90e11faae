"""Files as strangers write them, read by the fenced child. One fault per test."""

import hashlib
import os
import signal
import subprocess
import sys
import tomllib
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from commonthread.broker.fence import survey
from commonthread.broker.rules.contracts import Column, Contract, parse_contract
from commonthread.broker.rules.errors import BadInput
from commonthread.catalogue import reading as reading_module
from commonthread.catalogue.reading import Reading, read_file

AT = datetime(2026, 7, 1, 9, 0, tzinfo=UTC)
REF = Column("ref", "text")


def contract(*columns: Column, key: tuple[str, ...] = ("ref",), **more: Any) -> Contract:
    return Contract(
        owner="wychshire",
        id="clients",
        title="Clients",
        classification="personal",
        delivery="snapshot",
        key=key,
        columns=(REF, *columns),
        **more,
    )


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Reading]:
    """Write the bytes to a file and read it; the child is ended with the test."""
    opened: list[Reading] = []

    def reader(content: str | bytes | pa.Table, wanted: Contract, **more: Any) -> Reading:
        path = tmp_path / "delivery"
        if isinstance(content, pa.Table):
            parquet.write_table(content, path)
        else:
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        opened.append(read_file(path, wanted, at=AT, **more))
        return opened[-1]

    yield reader
    for reading in opened:
        reading.close()


Read = Callable[..., Reading]


def good(reading: Reading) -> list[dict[str, Any]]:
    return list(reading.good().read_all().to_pylist())


def reasons(reading: Reading) -> list[tuple[int, str]]:
    rows = reading.quarantine().to_pylist()
    return [(row["quarantine_line"], row["quarantine_reason"]) for row in rows]


def refused(read: Read, content: str | bytes | pa.Table, wanted: Contract, **more: Any) -> str:
    with pytest.raises(BadInput) as caught:
        read(content, wanted, **more)
    return str(caught.value)


# --- the example county ---------------------------------------------------------------------------


def example(shared: Path, dataset: str) -> tuple[Path, Contract]:
    folder = shared / "examples" / "first-county"
    tables = tomllib.loads((folder / "county.toml").read_text())["dataset"]
    return folder, parse_contract(next(table for table in tables if table["id"] == dataset))


@pytest.mark.parametrize(
    ("dataset", "rows"),
    [("telecare", 400), ("emergency-attendance", 623), ("housing-register", 220)],
)
def test_the_example_files_are_taken_whole(shared: Path, dataset: str, rows: int) -> None:
    folder, wanted = example(shared, dataset)
    with read_file(folder / f"{dataset}.csv", wanted, at=AT) as reading:
        assert (reading.rows, reading.quarantined) == (rows, 0)
        assert reading.good().read_all().num_rows == rows


def test_the_faulty_example_gives_one_row_and_four_reasons(shared: Path) -> None:
    folder, wanted = example(shared, "telecare")
    with read_file(folder / "telecare-with-faults.csv", wanted, at=AT) as reading:
        assert reading.stated == {
            "format": "csv",
            "delimiter": ",",
            "encoding": "utf-8",
            "rows_read": 5,
        }
        assert [row["install_ref"] for row in good(reading)] == ["AT9001"]
        assert reasons(reading) == [
            (3, "born: is not a date such as 2026-01-31"),
            (4, "alarms_90d: is below the minimum, 0"),
            (5, "device: is not one of the values that the contract lists"),
            (6, "install_ref: repeats the key of an earlier row"),
        ]


# --- encodings and delimiters ---------------------------------------------------------------------

NAMED = contract(Column("name", "text"))


@pytest.mark.parametrize(
    ("name", "encoding", "stated"),
    [
        ("Zoë", "utf-8", "utf-8"),
        ("Zoë", "utf-8-sig", "utf-8-sig"),
        ("Zoë – “Zo”", "cp1252", "cp1252"),
        ("Zoë", "latin-1", "latin-1"),
        ("Zoë", "utf-16", "utf-16"),
        ("Zoë", "utf-16-le", "utf-16"),
        ("Zoë", "utf-16-be", "utf-16"),
    ],
)
def test_an_encoding_is_found_and_stated(read: Read, name: str, encoding: str, stated: str) -> None:
    reading = read(f"ref,name\n1,{name}\n".encode(encoding), NAMED)
    assert reading.stated["encoding"] == stated
    assert good(reading) == [{"ref": "1", "name": name}]


def test_utf8_with_a_strange_byte_is_refused_by_its_line(read: Read) -> None:
    content = "ref,name\n" + "1,Zoë Ångström\n" * 3
    said = refused(read, content.encode() + b"4,Zo\xeb\n", NAMED)
    assert "Line 5" in said


def test_half_a_character_of_utf16_is_refused(read: Read) -> None:
    said = refused(read, "ref,name\n1,Zoë\n".encode("utf-16")[:-1], NAMED)
    assert "encoding" in said


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_a_delimiter_is_found_and_stated(read: Read, delimiter: str) -> None:
    reading = read(f"ref{delimiter}name\n1{delimiter}Tandy\n", NAMED)
    assert reading.stated["delimiter"] == delimiter
    assert good(reading) == [{"ref": "1", "name": "Tandy"}]


def test_another_delimiter_inside_the_values_does_not_mislead(read: Read) -> None:
    reading = read("ref;name\n1;a,b,c,d\n", NAMED)
    assert good(reading) == [{"ref": "1", "name": "a,b,c,d"}]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_each_end_of_line_counts_as_one_line(read: Read, end: str) -> None:
    reading = read(end.join(["ref,name", "1,a", "1,b", ""]), NAMED)
    assert [line for line, _ in reasons(reading)] == [3]


def test_a_quoted_field_may_hold_delimiters_quotes_and_lines(read: Read) -> None:
    reading = read('ref,name\n1,"a, ""b""\nc"\n1,x\n', NAMED)
    assert good(reading) == [{"ref": "1", "name": 'a, "b"\nc'}]
    assert [line for line, _ in reasons(reading)] == [4]


# --- the header -----------------------------------------------------------------------------------


def test_headers_are_trimmed(read: Read) -> None:
    assert good(read(" ref , name \n1,a\n", NAMED)) == [{"ref": "1", "name": "a"}]


def test_a_header_may_differ_in_capitals_and_in_what_parts_its_words(read: Read) -> None:
    wanted = contract(Column("first_name", "text"))
    assert good(read("REF,First-Name\n1,a\n", wanted)) == [{"ref": "1", "first_name": "a"}]


def test_two_spellings_of_one_column_are_refused(read: Read) -> None:
    assert "stands twice" in refused(read, "ref,name,Name\n1,a,b\n", NAMED)


def test_columns_come_back_in_the_order_of_the_contract(read: Read) -> None:
    reading = read("name,ref\na,1\n", NAMED)
    assert reading.schema.names == ["ref", "name"]
    assert good(reading) == [{"ref": "1", "name": "a"}]


def test_an_absent_optional_column_is_missing(read: Read) -> None:
    reading = read("ref\n1\n", contract(Column("age", "integer", optional=True)))
    assert good(reading) == [{"ref": "1", "age": None}]


def test_an_unknown_column_is_refused_by_name(read: Read) -> None:
    assert "column shoe_size" in refused(read, "ref,name,shoe_size\n1,a,9\n", NAMED)


def test_a_fault_of_the_file_begins_with_its_name(read: Read) -> None:
    assert refused(read, "ref,name,shoe_size\n1,a,9\n", NAMED).startswith("delivery: ")


def test_a_header_with_an_open_quote_is_refused_by_its_line(read: Read) -> None:
    assert "Line 2" in refused(read, '\nref,"na"me\n1,a\n', NAMED)


def test_an_unknown_name_that_may_be_a_value_is_refused_by_its_place(read: Read) -> None:
    said = refused(read, "ref,name,O'Brien\n1,a,b\n", NAMED)
    assert "column 3" in said
    assert "Brien" not in said


def test_a_file_without_a_header_shows_nobody(read: Read) -> None:
    said = refused(read, "AT1,Beryl Tandy\nAT2,Ann Good\n", NAMED)
    assert "header row missing" in said
    assert "Tandy" not in said


def test_a_missing_column_is_refused_by_name(read: Read) -> None:
    assert "column name: this column is missing" in refused(read, "ref\n1\n", NAMED)


def test_a_repeated_column_is_refused_by_name(read: Read) -> None:
    assert "column name: this column stands twice" in refused(read, "ref,name,name\n", NAMED)


def test_a_corrected_quarantine_is_taken(read: Read) -> None:
    reading = read("ref,name,quarantine_line,quarantine_reason\n1,a,7,was wrong\n", NAMED)
    assert good(reading) == [{"ref": "1", "name": "a"}]


# --- values ---------------------------------------------------------------------------------------

VALUES = [
    ("text", " a b ", " a b "),
    ("integer", " -7 ", -7),
    ("integer", "9223372036854775807", 2**63 - 1),
    ("decimal", "1.5", Decimal("1.5")),
    ("decimal", "-.0000000001", Decimal("-0.0000000001")),
    ("decimal", "2.50000000000000", Decimal("2.5")),
    *(("boolean", text, True) for text in ("true", "Yes", "Y", "t", "1")),
    *(("boolean", text, False) for text in ("False", "no", "n", "F", "0")),
    ("date", " 2024-02-29", date(2024, 2, 29)),
    ("timestamp", "2026-03-26T18:47", datetime(2026, 3, 26, 18, 47)),  # noqa: DTZ001 - local
    ("timestamp", "2026-03-26 18:47:01", datetime(2026, 3, 26, 18, 47, 1)),  # noqa: DTZ001
    ("timestamp", "2026-03-26T18:47:01.5", datetime(2026, 3, 26, 18, 47, 1, 500000)),  # noqa: DTZ001
]


KINDS = ("text", "integer", "decimal", "boolean", "date", "timestamp")
EACH_KIND = contract(*(Column(kind, kind, optional=True) for kind in KINDS))


def one_row_each(values: list[tuple[str, str, Any]]) -> str:
    """A file with a row for each of the values, each in the column of its type."""
    rows = [
        ",".join([str(n), *(f'"{text}"' if kind == of else "" for of in KINDS)])
        for n, (kind, text, _) in enumerate(values)
    ]
    return "\n".join([",".join(["ref", *KINDS]), *rows])


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Any]:
    """What became of every value below, from one child: a value, or the reason against it."""
    values = [*VALUES, *BAD_VALUES]
    path = tmp_path_factory.mktemp("values") / "values.csv"
    path.write_text(one_row_each(values))
    with read_file(path, EACH_KIND, at=AT) as reading:
        found = {int(row["ref"]): row for row in good(reading)}
        said = {
            int(row["ref"]): row["quarantine_reason"] for row in reading.quarantine().to_pylist()
        }
    return {
        (kind, text): found[n][kind] if n in found else said[n]
        for n, (kind, text, _) in enumerate(values)
    }


@pytest.mark.parametrize(("kind", "text", "value"), VALUES)
def test_a_value_of_each_type_is_read(
    taken: dict[tuple[str, str], Any], kind: str, text: str, value: Any
) -> None:
    assert taken[kind, text] == value
    assert type(taken[kind, text]) is type(value)


BAD_VALUES = [
    ("integer", "1.0", "is not a whole number"),
    ("integer", "9223372036854775808", "is not a whole number"),
    ("integer", "1_000", "is not a whole number"),
    ("integer", "1e3", "is not a whole number"),
    ("integer", "٣", "is not a whole number"),
    ("decimal", "1,5", "is not a number"),
    ("decimal", "1e3", "is not a number"),
    ("decimal", "0.00000000001", "is not a number"),
    ("decimal", "1234567890123456789", "is not a number"),
    ("decimal", "nan", "is not a number"),
    ("boolean", "maybe", "is not yes or no"),
    ("date", "2023-02-29", "is not a date"),
    ("date", "01/02/2026", "is not a date"),
    ("date", "0000-01-01", "is not a date"),
    ("date", "12026-01-01", "is not a date"),
    ("date", "infinity", "is not a date"),
    ("timestamp", "2026-03-26", "is not a date and time"),
    ("timestamp", "2026-03-26T24:00", "is not a date and time"),
    ("timestamp", "2026-03-26T18:60", "is not a date and time"),
    ("timestamp", "2026-03-26T18:47Z", "has a time zone"),
    ("timestamp", "2026-03-26T18:47:00+01:00", "has a time zone"),
]


@pytest.mark.parametrize(("kind", "text", "reason"), BAD_VALUES)
def test_a_value_that_is_not_of_its_type_is_quarantined(
    taken: dict[tuple[str, str], Any], kind: str, text: str, reason: str
) -> None:
    assert str(taken[kind, text]).startswith(f"{kind}: {reason}")
    assert text not in taken[kind, text]


def test_a_date_of_a_declared_format_is_read(read: Read) -> None:
    reading = read("ref,it\n1,19420315\n", contract(Column("it", "date", format="%Y%m%d")))
    assert good(reading)[0]["it"] == date(1942, 3, 15)


def test_a_date_of_another_format_than_the_declared_is_quarantined(read: Read) -> None:
    reading = read("ref,it\n1,1942-03-15\n", contract(Column("it", "date", format="%Y%m%d")))
    assert reasons(reading) == [(2, "it: is not a date of the form %Y%m%d")]


def test_a_timestamp_of_a_declared_format_is_read(read: Read) -> None:
    wanted = contract(Column("it", "timestamp", format="%d/%m/%Y %H.%M"))
    reading = read("ref,it\n1,15/03/2026 18.47\n", wanted)
    assert good(reading)[0]["it"] == datetime(2026, 3, 15, 18, 47)  # noqa: DTZ001 - local


def test_a_format_that_nobody_knows_is_refused(read: Read) -> None:
    wanted = contract(Column("it", "date", format="%Q"))
    assert "format" in refused(read, "ref,it\n1,1\n", wanted)


def test_a_format_with_a_zone_is_refused(read: Read) -> None:
    wanted = contract(Column("it", "timestamp", format="%Y-%m-%d %H:%M %z"))
    assert "column it" in refused(read, "ref,it\n1,1\n", wanted)


def test_an_empty_field_is_missing(read: Read) -> None:
    reading = read('ref,it\n1,\n2,""\n', contract(Column("it", "text", optional=True)))
    assert [row["it"] for row in good(reading)] == [None, None]


def test_a_missing_value_is_quarantined(read: Read) -> None:
    assert reasons(read("ref,name\n1,\n", NAMED)) == [(2, "name: is missing")]


@pytest.mark.parametrize("text", ["2", "11"])
def test_the_bounds_of_a_number_are_inside(read: Read, text: str) -> None:
    wanted = contract(Column("it", "integer", minimum=2, maximum=11))
    assert read(f"ref,it\n1,{text}\n", wanted).rows == 1


def test_a_number_under_the_minimum_is_quarantined(read: Read) -> None:
    wanted = contract(Column("it", "decimal", minimum=2))
    assert reasons(read("ref,it\n1,1.9\n", wanted)) == [(2, "it: is below the minimum, 2")]


def test_a_number_over_the_maximum_is_quarantined(read: Read) -> None:
    wanted = contract(Column("it", "integer", maximum=11))
    assert reasons(read("ref,it\n1,12\n", wanted)) == [(2, "it: is above the maximum, 11")]


def test_a_date_before_the_minimum_is_quarantined(read: Read) -> None:
    wanted = contract(Column("it", "date", minimum=date(2026, 1, 1)))
    assert reasons(read("ref,it\n1,2025-12-31\n", wanted)) == [
        (2, "it: is below the minimum, 2026-01-01")
    ]


def test_the_last_day_of_a_range_of_timestamps_is_inside(read: Read) -> None:
    wanted = contract(Column("it", "timestamp", maximum=date(2026, 1, 1)))
    assert read("ref,it\n1,2026-01-01T23:59\n", wanted).rows == 1


def test_a_value_outside_the_list_is_quarantined(read: Read) -> None:
    wanted = contract(Column("it", "text", values=("gold", "it's")))
    reading = read("ref,it\n1,it's\n2,Gold\n", wanted)
    assert reasons(reading) == [(3, "it: is not one of the values that the contract lists")]


def test_a_row_carries_all_its_reasons_and_its_text_as_it_stood(read: Read) -> None:
    wanted = contract(Column("age", "integer"), Column("born", "date"))
    reading = read("ref,age,born\n1, x ,y\n", wanted)
    assert reading.quarantine().to_pylist() == [
        {
            "ref": "1",
            "age": " x ",
            "born": "y",
            "quarantine_line": 2,
            "quarantine_reason": "age: is not a whole number; "
            "born: is not a date such as 2026-01-31",
        }
    ]


# --- keys -----------------------------------------------------------------------------------------


def test_the_first_of_a_repeated_key_stays(read: Read) -> None:
    reading = read("ref,name\n1,a\n2,b\n1,c\n1,d\n", NAMED)
    assert [row["name"] for row in good(reading)] == ["a", "b"]
    assert [line for line, _ in reasons(reading)] == [4, 5]


def test_a_row_in_quarantine_takes_no_key(read: Read) -> None:
    reading = read("ref,name\n1,\n1,b\n", NAMED)
    assert [row["name"] for row in good(reading)] == ["b"]
    assert reasons(reading) == [(2, "name: is missing")]


def test_two_ways_to_write_a_number_are_one_key(read: Read) -> None:
    wanted = contract(Column("part", "integer"), key=("part",))
    assert [line for line, _ in reasons(read("ref,part\na,7\nb,07\n", wanted))] == [3]


def test_a_key_of_two_columns_is_repeated_only_as_a_whole(read: Read) -> None:
    wanted = contract(Column("part", "integer"), key=("ref", "part"))
    reading = read("ref,part\na,1\na,2\nb,1\na,1\n", wanted)
    assert reasons(reading) == [(5, "ref, part: repeat the key of an earlier row")]


def test_a_key_is_known_again_far_down_the_file(read: Read, scale: Callable[..., int]) -> None:
    count = scale(120_000, 600_000)
    rows = "".join(f"{n},x\n" for n in range(count))
    reading = read(f"ref,name\n{rows}5,again\n", NAMED)
    assert (reading.rows, reading.quarantined) == (count, 1)
    assert [line for line, _ in reasons(reading)] == [count + 2]


# --- identity values and the profile --------------------------------------------------------------


def test_a_badly_formed_identity_value_keeps_its_row_and_is_counted(read: Read) -> None:
    wanted = contract(Column("nhs", "text", optional=True), identity=(("nhs_number", "nhs"),))
    reading = read("ref,nhs\n1,9990001006\n2,9990001007\n3,\n", wanted)
    assert reading.rows == 3
    assert reading.profile["columns"][1]["malformed"] == 1


def test_a_profile_counts_and_bounds_each_column(read: Read) -> None:
    wanted = contract(
        Column("band", "text", values=("gold", "silver")),
        Column("age", "integer", optional=True),
        Column("born", "date"),
        identity=(("date_of_birth", "born"),),
    )
    text = "1,gold,7,1942-01-01\n2,gold,,1942-01-01\n3,silver,9,2027-01-01\n4,tin,1,1942-01-01\n"
    profile = read(f"ref,band,age,born\n{text}", wanted).profile
    assert (profile["rows"], profile["quarantined"]) == (3, 1)
    ref, band, age, born = profile["columns"]
    assert ref == {"name": "ref", "type": "text", "rows": 3, "missing": 0, "distinct": 3}
    assert band["values"] == [{"value": "gold", "rows": 2}, {"value": "silver", "rows": 1}]
    assert (age["missing"], age["distinct"], age["minimum"], age["maximum"]) == (1, 2, 7, 9)
    assert born["malformed"] == 1
    assert "minimum" not in born


# --- files that are not well --------------------------------------------------------------------


@pytest.mark.parametrize("content", ["", "\n\n", "\ufeff"])
def test_an_empty_file_is_refused(read: Read, content: str) -> None:
    assert "empty" in refused(read, content, NAMED)


def test_a_header_alone_is_a_file_of_no_rows(read: Read) -> None:
    reading = read("ref,name\n", NAMED)
    assert (reading.rows, good(reading)) == (0, [])


def test_a_short_row_is_quarantined(read: Read) -> None:
    reading = read("ref,name\n1\n2,b\n", NAMED)
    assert reasons(reading) == [(2, "the row has 1 field and the header 2")]


def test_a_long_row_is_quarantined_with_all_its_text(read: Read) -> None:
    reading = read("ref,name\n1,a,b,c\n2,b\n", NAMED)
    assert reasons(reading) == [(2, "the row has 4 fields and the header 2")]
    assert reading.quarantine().to_pylist()[0]["name"] == "a,b,c"


def test_blank_lines_are_passed_over(read: Read) -> None:
    assert read("ref,name\n\n1,a\n\n", NAMED).rows == 1


def test_a_nul_character_is_quarantined(read: Read) -> None:
    reading = read("ref,name\n1,a\0b\n2,b\n", NAMED)
    assert reasons(reading) == [(2, "name: holds a NUL character")]


def test_a_stray_quote_on_one_line_is_quarantined(read: Read) -> None:
    reading = read('ref,name\n1,"O"Brien"\n2,b\n', NAMED)
    assert reasons(reading) == [(2, "a quote in the row is not closed")]
    assert reading.rows == 1


def test_a_quote_that_swallows_lines_is_refused_by_its_line(read: Read) -> None:
    said = refused(read, 'ref,name\n1,"a\n2,b\n3,c\n', NAMED)
    assert "Line 2" in said


def test_a_huge_field_is_refused_by_its_line(read: Read) -> None:
    said = refused(read, "ref,name\n1,a\n2," + "x" * 1_000_001 + "\n", NAMED)
    assert "Line 3" in said


def test_a_huge_line_is_refused_by_its_line(read: Read) -> None:
    said = refused(read, "ref,name\n" + "1," * 9_000_000, NAMED)
    assert "Line 2" in said


def test_a_spreadsheet_is_refused_with_what_to_do(read: Read) -> None:
    assert "Save the sheet as CSV" in refused(read, b"PK\x03\x04rest", NAMED)


def test_noise_is_refused(read: Read) -> None:
    refused(read, bytes(range(256)) * 64, NAMED)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="is not a file"):
        read_file(tmp_path, NAMED, at=AT)


def test_a_pipe_without_a_writer_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BadInput, match="is not a file"):
        read_file(tmp_path / "pipe", NAMED, at=AT)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be opened"):
        read_file(tmp_path / "nothing.csv", NAMED, at=AT)


# --- Parquet --------------------------------------------------------------------------------------


def table(**columns: Any) -> pa.Table:
    return pa.table({"ref": ["1"], **columns})


PARQUET_VALUES = [
    ("text", pa.array(["a"]).dictionary_encode(), "a"),
    ("text", pa.array(["a"], pa.large_string()), "a"),
    ("text", pa.array([7]), "7"),
    ("integer", pa.array([7], pa.int16()), 7),
    ("integer", pa.array([7.0]), 7),
    ("integer", pa.array(["7"]), 7),
    ("decimal", pa.array([0.1]), Decimal("0.1")),
    ("decimal", pa.array([Decimal("1.50")]), Decimal("1.5")),
    ("boolean", pa.array([True]), True),
    ("date", pa.array([date(1942, 3, 15)]), date(1942, 3, 15)),
    ("date", pa.array([datetime(1942, 3, 15)], pa.timestamp("ns")), date(1942, 3, 15)),  # noqa: DTZ001
    (
        "timestamp",
        pa.array([datetime(2026, 3, 26, 18, 47)], pa.timestamp("ns")),  # noqa: DTZ001 - local
        datetime(2026, 3, 26, 18, 47),  # noqa: DTZ001 - local
    ),
]


@pytest.fixture(scope="module")
def columns(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The one row of a Parquet file with a column for each of the values below."""
    named = {f"it{n}": array for n, (_, array, _) in enumerate(PARQUET_VALUES)}
    wanted = contract(*(Column(f"it{n}", kind) for n, (kind, _, _) in enumerate(PARQUET_VALUES)))
    path = tmp_path_factory.mktemp("values") / "values"
    parquet.write_table(table(**named), path)
    with read_file(path, wanted, at=AT) as reading:
        assert reading.stated == {"format": "parquet", "rows_read": 1}
        [row] = good(reading)
    return row


@pytest.mark.parametrize("place", range(len(PARQUET_VALUES)))
def test_a_typed_value_of_parquet_is_read(columns: dict[str, Any], place: int) -> None:
    assert columns[f"it{place}"] == PARQUET_VALUES[place][2]


def test_a_typed_date_of_parquet_needs_no_format(read: Read) -> None:
    wanted = contract(Column("it", "date", format="%Y%m%d"))
    reading = read(table(it=pa.array([date(1942, 3, 15)])), wanted)
    assert good(reading)[0]["it"] == date(1942, 3, 15)


def test_a_fraction_in_parquet_is_not_a_whole_number(read: Read) -> None:
    reading = read(table(it=pa.array([7.5])), contract(Column("it", "integer")))
    assert reasons(reading) == [(1, "it: is not a whole number")]


def test_a_time_on_a_day_in_parquet_is_not_a_date(read: Read) -> None:
    moment = pa.array([datetime(2026, 3, 26, 18, 47)])  # noqa: DTZ001 - local
    reading = read(table(it=moment), contract(Column("it", "date")))
    assert reasons(reading) == [(1, "it: is not a date such as 2026-01-31")]


def test_parquet_is_known_by_its_bytes_and_its_rows_are_numbered(read: Read) -> None:
    reading = read(pa.table({"ref": ["1", "1"], "name": ["a", "b"]}), NAMED)
    assert reasons(reading) == [(2, "ref: repeats the key of an earlier row")]


def test_a_zone_in_parquet_is_refused(read: Read) -> None:
    zoned = pa.array([datetime(2026, 1, 1, tzinfo=UTC)])
    said = refused(read, table(it=zoned), contract(Column("it", "timestamp")))
    assert "time zone" in said


@pytest.mark.parametrize("array", [pa.array([[1]]), pa.array([b"a"]), pa.array([{"a": 1}])])
def test_what_is_not_a_single_value_is_refused(read: Read, array: Any) -> None:
    said = refused(read, table(it=array), contract(Column("it", "text")))
    assert "column 2" in said


def test_an_unknown_column_of_parquet_is_refused_by_name(read: Read) -> None:
    assert "column it" in refused(read, table(it=["a"]), contract())


def test_half_a_parquet_file_is_refused(read: Read, tmp_path: Path) -> None:
    parquet.write_table(table(name=["a"]), tmp_path / "whole")
    whole = (tmp_path / "whole").read_bytes()
    assert "cut short" in refused(read, whole[: len(whole) // 2], NAMED)


@pytest.mark.parametrize("place", range(4, 400, 67))
def test_a_damaged_parquet_file_is_refused_or_read(read: Read, tmp_path: Path, place: int) -> None:
    """Whatever a bent byte does to the child, this process sees rows or a `BadInput`."""
    parquet.write_table(table(name=["a"]), tmp_path / "whole")
    bent = bytearray((tmp_path / "whole").read_bytes())
    bent[place] ^= 0xFF
    try:
        reading = read(bytes(bent), NAMED)
        reading.good().read_all()
    except BadInput:
        return
    assert reading.rows + reading.quarantined <= 1


# --- the child ------------------------------------------------------------------------------------


def test_progress_is_told_and_ends_at_the_rows_read(read: Read) -> None:
    told: list[int] = []
    reading = read(
        "ref,name\n" + "".join(f"{n},x\n" for n in range(60_000)), NAMED, progress=told.append
    )
    assert told == sorted(told)
    assert told[-1] == reading.stated["rows_read"] == 60_000
    assert len(told) > 1


def test_good_rows_can_be_asked_for_again(read: Read) -> None:
    reading = read("ref,name\n1,a\n", NAMED)
    assert good(reading) == good(reading) == [{"ref": "1", "name": "a"}]


def test_the_digest_is_that_of_the_bytes(read: Read, tmp_path: Path) -> None:
    reading = read("ref,name\n1,a\n", NAMED)
    assert reading.digest == hashlib.sha256((tmp_path / "delivery").read_bytes()).hexdigest()


def test_a_child_without_enough_memory_is_bad_input(read: Read) -> None:
    assert "could not be read" in refused(read, "ref,name\n1,a\n", NAMED, limit_bytes=200 << 20)


def test_a_child_that_takes_too_long_is_bad_input(read: Read) -> None:
    said = refused(read, "ref,name\n1,a\n", NAMED, longest_seconds=0.05)
    assert "could not be read" in said


def test_a_child_that_dies_before_its_rows_are_out_is_bad_input(read: Read) -> None:
    reading = read("ref,name\n1,a\n", NAMED)
    os.kill(reading._child._process.pid, signal.SIGKILL)
    with pytest.raises(BadInput, match="could not be read"):
        reading.quarantine()
    assert reading.broken is not None


def test_a_child_that_sends_fewer_rows_than_it_counted_is_bad_input(read: Read) -> None:
    reading = read("ref,name\n1,a\n", NAMED)
    reading.quarantined = 1
    with pytest.raises(BadInput, match="could not be read"):
        reading.quarantine()


def test_a_child_that_sends_other_columns_is_bad_input(read: Read) -> None:
    reading = read("ref,name\n1,a\n", NAMED)
    reading.schema = pa.schema([("ref", pa.string())])
    with pytest.raises(BadInput, match="could not be read"):
        reading.good().read_all()


def test_nothing_outlives_a_reading(read: Read) -> None:
    reading = read("ref,name\n1,a\n", NAMED)
    process = reading._child._process
    reading.close()
    assert process.returncode == -signal.SIGKILL


def test_the_child_is_started_with_an_empty_environment_and_one_file(
    read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMMONTHREAD_HOME_KEY", "secret")
    reading = read("ref,name\n1,a\n", NAMED)
    # The child is undumpable, so /proc shows root-owned files: what was passed is asked of Popen.
    seen: dict[str, Any] = {}
    real = subprocess.Popen

    def popen(*arguments: Any, **named: Any) -> Any:
        seen.update(named)
        return real(*arguments, **named)

    monkeypatch.setattr(reading_module.subprocess, "Popen", popen)
    reading = read("ref,name\n1,a\n", NAMED)
    assert seen["env"] == {}
    assert len(seen["pass_fds"]) == 1
    assert reading.rows == 1


def test_what_an_engine_prints_is_not_taken_for_an_answer(
    read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A statement that takes seconds draws a progress bar on standard output."""
    noisy = "import commonthread.catalogue.fenced, os; " + (
        "real = os.dup2; os.dup2 = lambda *a: (real(*a), os.write(1, b'  0% done\\n')); "
    )
    start = reading_module.START.replace("from commonthread", f"{noisy}from commonthread", 1)
    monkeypatch.setattr(reading_module, "START", start)
    assert read("ref,name\n1,a\n", NAMED).rows == 1


def test_what_the_child_could_not_fence_is_said(read: Read) -> None:
    assert read("ref,name\n1,a\n", NAMED).unfenced == survey()


def test_no_engine_is_loaded_before_the_fence_stands() -> None:
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); import commonthread.catalogue.fenced; "
        "print({'duckdb', 'pyarrow', 'numpy'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", program, reading_module.SOURCE],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "set()"


def test_nothing_is_left_in_a_temporary_folder(
    read: Read, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setenv("TMPDIR", str(place))
    monkeypatch.chdir(place)
    lie = (Path("/tmp"), Path("/dev/shm"))
    before = {path for folder in lie for path in folder.iterdir()}
    reading = read("ref,name\n" + "".join(f"{n},Canary\n" for n in range(60_000)), NAMED)
    reading.good().read_all()
    reading.quarantine()
    new = {path for folder in lie for path in folder.iterdir()} - before
    assert list(place.iterdir()) == []
    assert not [path for path in new if "duckdb" in path.name or "arrow" in path.name]
