"""Identity values in the one form in which they are compared."""

from datetime import date, datetime, time

import pytest

from commonthread.people import cleaning
from commonthread.people.clusters import cluster

NEVER = float("-inf")


@pytest.mark.parametrize(
    ("written", "cleaned"),
    [
        ("Ann", "ANN"),
        (" o'neil - SMITH ", "ONEILSMITH"),
        ("José", "JOSE"),
        ("Jose\u0301", "JOSE"),
        ("Straße", "STRASSE"),
        ("John2", "JOHN"),
        ("李", "李"),
        ("N/A", None),
        ("not known", None),
        ("XXX", None),
        ("000", None),
        ("", None),
        ("--", None),
        (None, None),
    ],
)
def test_name(written: str | None, cleaned: str | None) -> None:
    assert cleaning.name(written) == cleaned


@pytest.mark.parametrize(
    ("written", "names"),
    [
        ("Ann Smith", ("ANN", "SMITH")),
        ("Dr. Ann Mary Smith", ("ANN", "SMITH")),
        ("SMITH, Ann Mary", ("ANN", "SMITH")),
        ("Van Dyke, Ann", ("ANN", "VANDYKE")),
        ("Sir Thomas Chaloner, 2nd baronet", ("THOMAS", "CHALONER")),
        ("Smith", (None, "SMITH")),
        ("Mr", (None, None)),
        ("unknown", (None, None)),
        (None, (None, None)),
    ],
)
def test_names_of_a_full_name(written: str | None, names: tuple[str | None, str | None]) -> None:
    assert cleaning.names_of(written) == names


@pytest.mark.parametrize(
    ("written", "cleaned"),
    [
        (date(1940, 2, 3), "19400203"),
        (datetime.combine(date(1940, 2, 3), time(4, 5)), "19400203"),
        ("1940-02-03", "19400203"),
        ("1940-2-3", "19400203"),
        ("19400203", "19400203"),
        (19400203, "19400203"),
        ("03/02/1940", "19400203"),
        ("3.2.1940", "19400203"),
        ("1940-02-03T00:00:00", "19400203"),
        ("19401399", "19401399"),  # a slip of the pen still compares
        ("1900-01-01", None),
        ("01-01-1900", None),
        ("1879-12-31", None),
        ("2027-01-01", None),
        ("00000000", None),
        ("١٩٤٠-٠٢-٠٣", None),
        ("yesterday", None),
        ("", None),
        (None, None),
    ],
)
def test_date_of_birth(written: object, cleaned: str | None) -> None:
    assert cleaning.born(written, 1880, 2026) == cleaned


@pytest.mark.parametrize(
    ("written", "cleaned", "sector", "outward"),
    [
        ("wr5 3ab", "WR53AB", "WR53", "WR5"),
        ("SW1A2BJ", "SW1A2BJ", "SW1A2", "SW1A"),
        ("4223", "4223", None, None),
        ("WR5", "WR5", None, None),
        ("ZZ99 3VZ", None, None, None),
        ("unknown", None, None, None),
        (None, None, None, None),
    ],
)
def test_postcode(
    written: str | None, cleaned: str | None, sector: str | None, outward: str | None
) -> None:
    found = cleaning.postcode(written)
    assert (found, cleaning.sector(found), cleaning.outward(found)) == (cleaned, sector, outward)


@pytest.mark.parametrize(
    ("written", "cleaned"),
    [
        ("943 476 5919", "9434765919"),
        (9434765919, "9434765919"),
        ("9434765918", None),
        ("943476591", None),
        ("0000000000", None),
        ("９434765919", None),
        (None, None),
    ],
)
def test_nhs_number(written: object, cleaned: str | None) -> None:
    assert cleaning.nhs_number(written) == cleaned


@pytest.mark.parametrize(
    ("written", "cleaned"),
    [("Female", "F"), ("m", "M"), (2, "F"), ("1", "M"), ("9", None), ("other", None), (None, None)],
)
def test_sex(written: object, cleaned: str | None) -> None:
    assert cleaning.sex(written) == cleaned


@pytest.mark.parametrize(
    ("written", "sound"),
    [("ROBERT", "R163"), ("RUPERT", "R163"), ("ASHCRAFT", "A261"), ("PFISTER", "P236"), ("", None)],
)
def test_sound(written: str, sound: str | None) -> None:
    assert cleaning.sound(written) == sound


def test_an_own_id_that_says_nothing_is_missing() -> None:
    assert [cleaning.own_id(value) for value in (" a-1 ", "A1", "0", "unknown", 7)] == [
        "a-1",
        "A1",
        None,
        None,
        "7",
    ]


def test_each_keeps_the_order_and_what_is_missing() -> None:
    assert cleaning.each(cleaning.name, ["b", None, "a", "b"]) == ["B", None, "A", "B"]


def test_one_strong_pair_does_not_join_two_crowds() -> None:
    crowds = [(0, 1, 20.0), (0, 2, 20.0), (1, 2, 20.0), (3, 4, 20.0), (3, 5, 20.0), (4, 5, 20.0)]
    assert cluster(6, sorted([*crowds, (2, 3, 12.0)]), 2.0) == [0, 0, 0, 1, 1, 1]


def test_pairs_that_support_one_another_join() -> None:
    assert cluster(3, [(0, 1, 9.0), (0, 2, 1.0), (1, 2, 8.0)], 2.0) == [0, 0, 0]


def test_a_pair_that_must_not_join_keeps_its_friends_apart() -> None:
    edges = [(0, 1, NEVER), (0, 2, 20.0), (1, 2, 19.0)]
    assert cluster(3, edges, 2.0) == [0, 1, 0]


def test_what_is_the_same_for_sure_joins_without_a_pair() -> None:
    assert cluster(3, [], 2.0, same=[(0, 2)]) == [0, 1, 0]


def test_no_group_outgrows_the_largest() -> None:
    edges = [(left, right, 9.0) for left in range(4) for right in range(left + 1, 4)]
    assert max(map(cluster(4, edges, 2.0, largest=2).count, range(4))) == 2
