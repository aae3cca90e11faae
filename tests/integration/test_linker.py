"""Who is one resident, on small made-up sources; each case stands among strangers."""

import logging
from datetime import date

import pyarrow as pa
import pytest

from commonthread.broker.rules.errors import BadInput
from commonthread.people import linker
from commonthread.people.linker import Linked, Source, link

ROLES = {
    "given_name": "given",
    "family_name": "family",
    "date_of_birth": "born",
    "postcode": "postcode",
    "nhs_number": "nhs",
}
COLUMNS = ("id", *ROLES.values())
Row = tuple[object, ...]
HOSTILE = "'; DROP TABLE people; --"

ANN = ("Ann", "Whitcombe", "1950-03-12", "WX5 2DE", None)
LENA = ("Lena", "Quarrell", "1971-08-23", "WX1 4FG", "9434765919")


def source(dataset: str, *rows: Row, roles: dict[str, str] | None = None) -> Source:
    columns = [[row[place] for row in rows] for place in range(len(COLUMNS))]
    table = pa.table([pa.array(column, pa.string()) for column in columns], names=list(COLUMNS))
    return Source(dataset, ("id",), ROLES if roles is None else roles, table)


def groups(found: Linked) -> set[frozenset[str]]:
    """The records of each cluster, as dataset and key without its length."""
    by: dict[int, set[str]] = {}
    for dataset, record, cluster in zip(*found.rows.to_pydict().values(), strict=True):
        by.setdefault(cluster, set()).add(f"{dataset}{record.partition(':')[2]}")
    return {frozenset(members) for members in by.values()}


def together(one: Row, other: Row, datasets: str = "ab") -> bool:
    sources = [source(datasets[0], ("1", *one)), source(datasets[1], ("2", *other))]
    if datasets[0] == datasets[1]:
        sources = [source(datasets[0], ("1", *one), ("2", *other))]
    return len(groups(link(sources))) == 1


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(ANN, id="exact"),
        pytest.param(("Anne", "Whitcomb", "1950-03-12", "WX5 2DE", None), id="typing errors"),
        pytest.param(("Whitcombe", "Ann", "1950-03-12", "WX5 2DE", None), id="names swapped"),
        pytest.param(("Ann", "Whitcombe", "1950-12-03", "WX5 2DE", None), id="day and month"),
        pytest.param(("Ann", "Whitcombe", "12/03/1950", "wx52de", None), id="written otherwise"),
        pytest.param(("Ann", "Whitcombe", None, "WX5 2DE", None), id="no date of birth"),
        pytest.param(("Ann", "Whitcombe", "1900-01-01", "WX5 2DE", None), id="placeholder date"),
        pytest.param(("Ann", "Whitcombe", "1950-03-12", None, None), id="no postcode"),
        pytest.param(("A", "Whitcombe", "1950-03-12", "WX5 2DE", None), id="initial"),
        pytest.param(("Ann", "Insall", "1950-03-12", "WX5 2DE", None), id="married"),
    ],
)
def test_one_person_written_twice(other: Row) -> None:
    assert together(ANN, other)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(("Ruth", "Whitcombe", "1950-03-12", "WX5 2DE", None), id="twins"),
        pytest.param(("Ann", "Whitcombe", "1981-11-30", "WX5 2DE", None), id="mother, daughter"),
        pytest.param(("George", "Whitcombe", "1948-10-05", "WX5 2DE", None), id="couple"),
        pytest.param(("Ann", "Whitcombe", None, None, None), id="name only"),
        pytest.param((None, None, "1950-03-12", None, None), id="date only"),
        pytest.param((None, None, None, None, None), id="nothing"),
    ],
)
def test_two_people_across_datasets(other: Row) -> None:
    assert not together(ANN, other)


def test_twins_in_one_dataset_are_two_people() -> None:
    assert not together(ANN, ("Ruth", "Whitcombe", "1950-03-12", "WX5 2DE", None), "aa")


def test_twins_seen_by_two_partners_stay_two_people() -> None:
    ruth = ("Ruth", *ANN[1:])
    found = link([source("a", ("1", *ANN), ("2", *ruth)), source("b", ("1", *ANN), ("2", *ruth))])
    assert groups(found) == {frozenset({"a1", "b1"}), frozenset({"a2", "b2"})}


def test_one_number_overrules_another_name() -> None:
    assert together(LENA, ("Magdalena", "Kaur", "1971-08-23", None, LENA[4]))


def test_two_valid_numbers_are_two_people() -> None:
    assert not together(LENA, ("Lina", "Quarrell", None, "WX1 4FG", "9990001006"))


def test_a_number_whose_check_digit_is_wrong_joins_nobody() -> None:
    wrong = "9434765918"
    assert not together(("Ann", "Lench", None, None, wrong), ("Bob", "Farr", None, None, wrong))


def test_two_rows_about_nobody_are_two_records() -> None:
    assert not together((None,) * 5, (None,) * 5, "aa")


def test_the_same_own_id_is_one_resident_whatever_else_differs() -> None:
    roles = {**ROLES, "own_id": "nhs"}
    rows = [("1", *ANN[:4], "c-7"), ("2", "Bob", "Farr", "1999-09-09", "WX9 9AB", "c-7")]
    assert len(groups(link([source("a", *rows, roles=roles)]))) == 1


def test_own_ids_of_two_datasets_have_nothing_to_do_with_each_other() -> None:
    roles = {**ROLES, "own_id": "nhs"}
    one = source("a", ("1", *ANN[:4], "c-7"), roles=roles)
    other = source("b", ("1", "Bob", "Farr", "1999-09-09", "WX9 9AB", "c-7"), roles=roles)
    assert len(groups(link([one, other]))) == 2


def test_sources_with_other_roles_are_compared_on_what_they_share() -> None:
    table = pa.table(
        {"ref": pa.array([5]), "who": ["WHITCOMBE, Ann"], "born": pa.array([date(1950, 3, 12)])}
    )
    full = Source("b", ("ref",), {"full_name": "who", "date_of_birth": "born"}, table)
    assert groups(link([source("a", ("1", *ANN)), full])) == {frozenset({"a1", "b5"})}


@pytest.mark.parametrize("count", [0, 1, 2])
def test_tiny_inputs(count: int) -> None:
    found = link([source("a", *[(str(number), *ANN) for number in range(count)]), source("b")])
    assert found.rows.schema == linker.ROWS
    assert found.rows.num_rows == count
    assert len(groups(found)) == min(count, 1)


def test_no_source_at_all() -> None:
    assert link([]).rows.num_rows == 0


def test_a_source_without_identity_has_a_cluster_a_record() -> None:
    assert len(groups(link([source("a", ("1", *ANN), ("2", *ANN), roles={})]))) == 2


def test_hostile_text_is_text() -> None:
    row = (HOSTILE, "\x00\ud7ff%s{}", "1950-03-12", "$(rm -rf)" * 9_999, '"')
    assert together(row, row)


def test_rows_come_in_the_order_of_the_sources_under_the_text_of_their_key() -> None:
    rows = [("10", *ANN), ("é", *LENA)]
    found = link([source("b", *rows), source("a", ("10", *ANN))]).rows.to_pydict()
    assert found["dataset"] == ["b", "b", "a"]
    assert found["record"] == ["2:10", "2:é", "2:10"]
    assert found["cluster"] == [0, 1, 0]


def test_the_report_counts_and_names_nobody() -> None:
    report = link([source("a", ("1", *ANN), ("2", *LENA)), source("b", ("1", *ANN))]).report
    assert report["records"] == 3
    assert report["clusters"] == 2
    assert report["pairs"] == 1
    assert report["datasets"] == {
        "a": {"records": 2, "clusters": 2},
        "b": {"records": 1, "clusters": 1},
    }
    assert "Whitcombe" not in str(report)


def test_progress_names_the_stages() -> None:
    said: list[str] = []
    link([source("a", ("1", *ANN), ("2", *LENA))], progress=said.append)
    assert said[0] == "reading identities"
    assert said[-1] == "grouping records into residents"


def test_nothing_is_logged_or_printed(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.DEBUG):
        link(county(600))
    assert caplog.text == ""
    assert capfd.readouterr() == ("", "")


def test_the_same_input_gives_the_same_groups() -> None:
    sources = county(600)
    assert link(sources, seed=7).rows.equals(link(sources, seed=7).rows)


def test_everybody_of_a_small_county_is_found_once() -> None:
    found = link(county(600))
    assert len(groups(found)) == found.report["datasets"]["a"]["records"]


def county(count: int) -> list[Source]:
    """Half in both datasets, and nobody like anybody else."""
    given = ("Ann", "Bob", "Cyril", "Dora", "Edith", "Farid", "Grace", "Hugo", "Imran", "Joan")
    family = ("Abbot", "Blythe", "Coker", "Dunmore", "Eke", "Frith", "Gupta", "Hobday", "Ibe")
    people = [
        (
            str(number),
            given[number % 10],
            family[number % 9] + "bcdfghklmnprst"[number % 14] * (number % 3),
            date.fromordinal(706_000 + number * 37).isoformat(),
            f"WX{number % 9 + 1} {number % 7 + 1}{'ABCDEFG'[number % 7]}{'HJLNP'[number % 5]}",
            None,
        )
        for number in range(count)
    ]
    return [source("a", *people), source("b", *people[::2])]


def test_a_role_that_is_not_known_is_refused() -> None:
    with pytest.raises(BadInput, match="role"):
        source("a", ("1", *ANN), roles={"shoe_size": "given"})


def test_a_column_that_is_not_there_is_refused() -> None:
    with pytest.raises(BadInput, match="lacks a column"):
        source("a", ("1", *ANN), roles={"sex": "sex"})


def test_a_source_without_a_key_is_refused() -> None:
    with pytest.raises(BadInput, match="key"):
        Source("a", (), ROLES, source("a").table)


def test_an_engine_that_fails_repeats_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linker.model, "WEIGHT", "CAST(given_l AS INTEGER)")
    with pytest.raises(linker.LinkFailed) as failed:
        link([source("a", ("1", *ANN), ("2", "Anne", *ANN[1:]))])
    assert "Ann" not in str(failed.value)
    assert failed.value.__cause__ is None
    assert failed.value.__suppress_context__
