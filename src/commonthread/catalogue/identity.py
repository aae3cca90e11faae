"""Which identity values are well formed enough to say who somebody is.

A badly formed value keeps its row; it counts as missing for linking and is reported (issue 2).
`checks.malformed` says the same in SQL, and a test holds the two together.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Any

from commonthread.broker.rules.contracts import Contract
from commonthread.broker.rules.dates import london_day
from commonthread.broker.rules.treatments import WHOLE_POSTCODE, value_text

NHS_NUMBER = re.compile(r"[0-9]{10}")
# A dirty source declares its dates as text; these three forms cannot be taken for one another.
WRITTEN_DATES = (
    (re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}"), "%Y-%m-%d"),
    (re.compile(r"[0-9]{8}"), "%Y%m%d"),
    (re.compile(r"[0-9]{2}/[0-9]{2}/[0-9]{4}"), "%d/%m/%Y"),
)
BLANKS = " \t\r\n"


def linkable(role: str, value: Any, contract: Contract, at: datetime) -> Any:
    """The value of an identity column as it may be linked by, or None.

    - nhs_number: ten digits, not all the same, with a sound check digit (NHS Data Dictionary,
      modulus 11), returned without spaces and hyphens.
    - postcode: a whole UK postcode (BS 7666), returned in capitals with one space.
    - date_of_birth: a `date` from the contract's earliest birth year up to the day, in London, on
      which the file arrived (`at`); text is read as 1942-03-15, 19420315 or 15/03/1942.
    - any other role: the text without blanks round it, if there is some.
    """
    if value is None:
        return None
    match role:
        case "nhs_number":
            return nhs_number(value_text(value))
        case "postcode":
            return postcode(value_text(value))
        case "date_of_birth":
            return _born(value, contract.earliest_birth_year, london_day(at))
    return value_text(value).strip(BLANKS) or None


def nhs_number(text: str) -> str | None:
    digits = re.sub(r"[ \t\r\n-]", "", text)
    # Ten equal digits pass the check and are what people type when they have no number.
    if not NHS_NUMBER.fullmatch(digits) or len(set(digits)) == 1:
        return None
    total = sum(int(digit) * (10 - place) for place, digit in enumerate(digits[:9]))
    # 11 - remainder, where 11 stands for 0 and no number has a check digit of 10.
    return digits if -total % 11 == int(digits[9]) else None


def postcode(text: str) -> str | None:
    squeezed = re.sub(r"[ \t\r\n]", "", text)
    whole = WHOLE_POSTCODE.fullmatch(squeezed)
    return f"{whole.group(1)} {squeezed[-3:]}".upper() if whole else None


def _born(value: Any, earliest: int, arrived: date) -> date | None:
    day = _written(value.strip(BLANKS)) if isinstance(value, str) else value
    if isinstance(day, datetime):
        day = day.date()
    sound = isinstance(day, date) and day.year >= earliest and day <= arrived
    return day if sound else None


def _written(text: str) -> date | None:
    for shape, form in WRITTEN_DATES:
        if shape.fullmatch(text):
            try:
                return datetime.strptime(text, form).date()  # noqa: DTZ007 - a birth has no zone
            except ValueError:
                return None
    return None
