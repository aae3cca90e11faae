"""Which identity values are well formed enough to link by. One fault per test."""

from datetime import UTC, date, datetime

import pytest

from commonthread.broker.rules.contracts import Column, Contract
from commonthread.catalogue.identity import linkable

AT = datetime(2026, 6, 30, 23, 30, tzinfo=UTC)  # half past midnight of 1 July in London
CONTRACT = Contract(
    owner="wychshire",
    id="clients",
    title="Clients",
    classification="personal",
    delivery="snapshot",
    key=("ref",),
    columns=(Column("ref", "text"),),
)


def links(role: str, value: object) -> object:
    return linkable(role, value, CONTRACT, AT)


@pytest.mark.parametrize("role", ["nhs_number", "postcode", "date_of_birth", "given_name"])
def test_what_is_missing_stays_missing(role: str) -> None:
    assert links(role, None) is None


def test_an_nhs_number_is_returned_as_ten_digits() -> None:
    assert links("nhs_number", "999 000-1006") == "9990001006"


def test_an_nhs_number_may_be_stored_as_a_number() -> None:
    assert links("nhs_number", 9990001006) == "9990001006"


def test_an_nhs_number_whose_check_digit_is_zero_is_sound() -> None:
    assert links("nhs_number", "4000000020") == "4000000020"


@pytest.mark.parametrize("digit", "0123456789")
def test_ten_equal_digits_are_no_nhs_number(digit: str) -> None:
    assert links("nhs_number", digit * 10) is None


@pytest.mark.parametrize("digit", "012345789")
def test_any_other_check_digit_is_wrong(digit: str) -> None:
    assert links("nhs_number", f"999000100{digit}") is None


def test_an_nhs_number_that_would_need_a_check_digit_of_ten_is_none() -> None:
    # A remainder of 1 asks for a check digit of ten, and such numbers are not given out.
    bad = next(n for n in range(1000) if _remainder(f"{n:09d}") == 1)
    assert all(links("nhs_number", f"{bad:09d}{digit}") is None for digit in range(10))


def _remainder(nine: str) -> int:
    return sum(int(digit) * (10 - place) for place, digit in enumerate(nine)) % 11


@pytest.mark.parametrize("value", ["999000100", "99900010061", "999000100X", "٩٩٩٠٠٠١٠٠٦", ""])
def test_an_nhs_number_has_ten_digits(value: str) -> None:
    assert links("nhs_number", value) is None


@pytest.mark.parametrize(
    ("written", "linked"),
    [
        ("wx58de", "WX5 8DE"),
        (" WX5  8DE ", "WX5 8DE"),
        ("EC1A 1BB", "EC1A 1BB"),
        ("m11ae", "M1 1AE"),
    ],
)
def test_a_postcode_is_returned_in_one_form(written: str, linked: str) -> None:
    assert links("postcode", written) == linked


@pytest.mark.parametrize("value", ["WX5", "5WX 8DE", "WX5 8D", "WX5 8DEE", "unknown", "3 The Lane"])
def test_what_is_not_a_whole_postcode_does_not_link(value: str) -> None:
    assert links("postcode", value) is None


@pytest.mark.parametrize("value", ["1942-03-15", "19420315", "15/03/1942", " 1942-03-15 "])
def test_a_birth_written_as_text_is_read(value: str) -> None:
    assert links("date_of_birth", value) == date(1942, 3, 15)


@pytest.mark.parametrize(
    "value", ["1942-13-15", "31/02/1942", "1942", "15 March 1942", "15/3/1942"]
)
def test_a_birth_in_another_form_does_not_link(value: str) -> None:
    assert links("date_of_birth", value) is None


def test_a_birth_as_a_timestamp_counts_as_its_day() -> None:
    assert links("date_of_birth", datetime(1942, 3, 15, 10, 0)) == date(1942, 3, 15)  # noqa: DTZ001


def test_the_earliest_birth_year_is_inside() -> None:
    assert links("date_of_birth", date(1880, 1, 1)) == date(1880, 1, 1)


def test_a_birth_before_the_earliest_year_does_not_link() -> None:
    assert links("date_of_birth", date(1879, 12, 31)) is None


def test_a_birth_on_the_day_of_arrival_in_london_links() -> None:
    assert links("date_of_birth", date(2026, 7, 1)) == date(2026, 7, 1)


def test_a_birth_after_the_day_of_arrival_does_not_link() -> None:
    assert links("date_of_birth", date(2026, 7, 2)) is None


def test_a_birth_that_is_a_number_does_not_link() -> None:
    assert links("date_of_birth", 19420315) is None


def test_a_name_loses_its_blanks() -> None:
    assert links("family_name", " Tandy ") == "Tandy"


def test_a_name_of_blanks_does_not_link() -> None:
    assert links("family_name", " \t") is None
