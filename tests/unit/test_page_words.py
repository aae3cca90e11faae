"""What the pages say, without a page: words, cells, examples, and the files that others wrote."""

import hashlib
import inspect
import re
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.factories import agreement, grant
from tests.stand_in_broker import StandInAnswer, StandInBroker, StandInLedger

from commonthread.broker.access import Answer, Broker, Reason, Refused
from commonthread.broker.access.proofs import LedgerView
from commonthread.broker.lake.gate import TableShape, gate
from commonthread.broker.rules.authored import parse_terms
from commonthread.broker.rules.filters import parse_filter
from commonthread.broker.rules.terms import Duty, Grant, GrantedColumn, Statement
from commonthread.gateway import words
from commonthread.gateway.changes import changes
from commonthread.web.cells import as_text, csv_lines
from commonthread.web.examples import Table, examples
from commonthread.web.jobs import FAULTY, REFUSED, UNFINISHED, kind_of

ROOT = Path(__file__).resolve().parents[2]
VENDOR = ROOT / "src" / "commonthread" / "web" / "static" / "vendor"


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (["born", "<=", "1961-01-01"], "Rows where born is on or before 1 January 1961"),
        (["alarms", ">=", 3], "Rows where alarms is at least 3"),
        (["active", "=", True], "Rows where active is true"),
        (["district", "in", ["North", "South"]], "Rows where district is North or South"),
        ({"not": ["band", "=", "gold"]}, "Rows where it is not so that band is gold"),
        (
            {"or": [["a", "=", 1], {"and": [["b", ">", 2], ["c", "!=", 3]]}]},
            "Rows where a is 1 or (b is over 2 and c is not 3)",
        ),
    ],
    ids=["date", "number", "truth", "list", "not", "nested"],
)
def test_a_filter_in_words(rows: Any, said: str) -> None:
    assert words.rows_in_words(parse_filter(rows, "rows", [])) == said


def test_a_grant_without_a_filter_opens_all_rows() -> None:
    assert words.rows_in_words(None) == "All rows"


@pytest.mark.parametrize(
    ("period", "said"),
    [("P90D", "90 days"), ("P1Y", "1 year"), ("P1Y6M", "1 year and 6 months"), ("odd", "odd")],
)
def test_a_period_in_words(period: str, said: str) -> None:
    assert words.period(period) == said


def test_a_renamed_column_says_what_it_is_made_of() -> None:
    column = GrantedColumn("born", "year", exposed="birth_year")
    assert words.column_in_words(column) == "the year only, made of born"


def test_a_need_is_among_a_grants_conditions() -> None:
    grant = Grant(
        "g", "a/d", "p", ("a/g",), "rows", (GrantedColumn("x"),), needs=("approval",), export=False
    )
    assert list(words.conditions(grant)) == [
        "All rows",
        "Needs approval first",
        "May not be downloaded",
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, None),
        (True, "true"),
        (Decimal("0.0000001"), "0.0000001"),
        (date(2026, 11, 23), "2026-11-23"),
        (datetime(2026, 11, 23, 9, 5), "2026-11-23 09:05:00"),  # noqa: DTZ001 - data is naive
        (9223372036854775807, "9223372036854775807"),
    ],
)
def test_a_value_as_text(value: Any, text: str | None) -> None:
    assert as_text(value) == text


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_text_in_a_download_begins_a_formula(start: str) -> None:
    lines = list(csv_lines([(f"{start}a", "text")], [(f"{start}1",)], ""))
    assert [line.lstrip('"')[0] for line in lines] == ["'", "'"]


def test_a_number_in_a_download_stays_a_number() -> None:
    assert list(csv_lines([("n", "integer")], [(-5,)], "")) == ["n\r\n", "-5\r\n"]


def test_a_negative_name_in_a_download_is_text() -> None:
    assert list(csv_lines([("n", "pseudonym")], [("-5",)], ""))[1] == "'-5\r\n"


OLD = parse_terms(
    agreement(
        [
            grant("calls", "wychshire/calls", ["ref", "born"], contract="0" * 64),
            grant("visits", "severn-acute/visits", ["ref"], contract="1" * 64),
        ]
    )
)
CALLS, VISITS_GRANT = OLD.grants


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"version": 2}, []),
        (
            {"ends": date(2033, 1, 2)},
            ["The last day is now 2 January 2033; it was 31 December 2034"],
        ),
        ({"title": "Other"}, ["The title is now Other; it was A test of sharing"]),
        ({"rests_on": ("ISA-2026-001",)}, ["What it rests on is now ISA-2026-001; it was nothing"]),
        ({"grants": (CALLS,)}, ["No longer a grant: visits"]),
        (
            {"grants": (replace(CALLS, columns=(GrantedColumn("ref"),)), VISITS_GRANT)},
            ["Grant calls no longer says: The column born, as it is"],
        ),
        (
            {"grants": (replace(CALLS, export=True), VISITS_GRANT)},
            [
                "Grant calls now says: May be downloaded",
                "Grant calls no longer says: May not be downloaded",
            ],
        ),
        (
            {"grants": (replace(CALLS, contract="2" * 64), VISITS_GRANT)},
            ["Grant calls has another contract"],
        ),
        (
            {"parties": (replace(OLD.parties[0], legal_power="Another Act"), *OLD.parties[1:])},
            ["Party severn-acute has another legal power"],
        ),
        ({"duties": (Duty("tell", "Tell.", "wychshire", date(2027, 1, 1)),)}, ["New duty: tell"]),
    ],
    ids=[
        "version",
        "date",
        "title",
        "rests-on",
        "grant-gone",
        "column-gone",
        "condition",
        "contract",
        "party",
        "duty",
    ],
)
def test_what_a_new_version_says_otherwise(changed: dict[str, Any], said: list[str]) -> None:
    assert list(changes(OLD, replace(OLD, **changed))) == said


def test_of_two_statements_in_one_section_each_change_is_said() -> None:
    both = (Statement("breach", "Tell us."), Statement("breach", "Tell the ICO."))
    old = replace(OLD, statements=both)
    new = replace(OLD, statements=(Statement("breach", "Tell us at once."), both[1]))
    assert list(changes(old, new)) == ["Statement breach has another text"]


@pytest.mark.parametrize(
    ("code", "state"),
    [
        ("recipient", REFUSED),
        ("grant-unknown", REFUSED),
        ("gate-column", REFUSED),
        ("gate-mode", REFUSED),
        ("gate-statement", FAULTY),
        ("statistics-join", FAULTY),
        ("run-failed", UNFINISHED),
    ],
)
def test_a_refusal_is_of_what_was_agreed_or_of_how_it_was_written(code: str, state: str) -> None:
    assert kind_of(Refused([Reason(code, "clause", "Said.")])) == state


def test_a_refusal_by_the_agreement_outweighs_how_it_was_written() -> None:
    reasons = [Reason("gate-statement", "gate", "One."), Reason("recipient", "grant", "Two.")]
    assert kind_of(Refused(reasons)) == REFUSED


PEOPLE = {"person": ("person", True), "device": ("text", True), "alarms": ("integer", True)}
VISITS = {"person": ("person", True), "arrived": ("integer", False), "outcome": ("text", True)}


@pytest.mark.parametrize("mode", ["rows", "statistics"])
def test_every_example_passes_the_gate(mode: str) -> None:
    tables = [Table("clients", mode, PEOPLE), Table("visits", mode, VISITS)]
    counts = (5, 5) if mode == "statistics" else (0, 0)
    shapes = {table.name: TableShape(table.name, mode, table.columns, *counts) for table in tables}
    ready = examples(tables)
    assert len(ready) >= 3
    for example in ready:
        assert gate(example.sql, shapes, 1_000).mode == mode


def test_there_is_an_example_for_each_way_to_end_a_long_query() -> None:
    titles = [example.title for example in examples([Table("clients", "rows", PEOPLE)])]
    assert any("runs long" in title for title in titles)


def test_without_tables_there_are_no_examples() -> None:
    assert examples([Table("one", "lookup", PEOPLE)]) == []


@pytest.mark.parametrize("folder", [VENDOR, ROOT / "tests" / "browser" / "vendor"])
def test_files_that_others_wrote_are_as_they_were_brought(folder: Path) -> None:
    listed = re.findall(r"^([0-9a-f]{64})  (\S+)$", (folder / "README.md").read_text(), re.M)
    assert {name for _, name in listed} == {path.name for path in folder.iterdir()} - {"README.md"}
    for digest, name in listed:
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest


@pytest.mark.parametrize("word", ["GDS Transport", "crest", "url(", "sourceMappingURL"])
def test_nothing_of_govuks_own_is_served(word: str) -> None:
    files = [path for path in VENDOR.iterdir() if path.suffix in (".css", ".js")]
    assert len(files) == 2
    assert all(word not in path.read_text() for path in files)


INVENTED = {"record", "tell", "terms", "county", "word", "broken"}


@pytest.mark.parametrize(
    ("real", "fake"),
    [(Broker, StandInBroker), (LedgerView, StandInLedger), (Answer, StandInAnswer)],
    ids=["broker", "ledger", "answer"],
)
def test_the_stand_in_has_the_real_surface(real: type, fake: type) -> None:
    names = {name for name in vars(fake) if not name.startswith("_")} - INVENTED
    for name in sorted(names & set(dir(real))):
        made, asked = getattr(fake, name), getattr(real, name)
        if inspect.isfunction(made):
            given = list(inspect.signature(made).parameters)
            assert given == list(inspect.signature(asked).parameters)[: len(given)], name
    attributes = set(getattr(real, "__annotations__", {})) | {"demo", "origin", "ledger"}
    assert names - set(dir(real)) - attributes == set()
