"""How often each partner's records are wrong, in which way, and who says so.

Few error rates of British administrative records are published. Where one is, the source is
named; where a published figure only bounds a sum, the split is ours and says so; the rest is
marked `assumption`. A rate is the share of the records that can have the error: only who has
moved can have an old address.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

DESCRIPTIONS: Mapping[str, str] = MappingProxyType(
    {
        "typing": "a slip of the keys in the given or the family name",
        "sound": "a name written as it was heard",
        "nickname": "the short form of a given name",
        "initial": "an initial for the given name",
        "swapped": "given and family name in each other's place",
        "upper": "names in capitals",
        "old-name": "the family name of before a marriage or other change",
        "twin": "the given name of the twin",
        "day-month": "day and month of birth swapped",
        "year": "a slip in the year of birth",
        "placeholder": "1900-01-01 or 1 January for a day of birth not known",
        "no-birth-date": "the date of birth left empty",
        "spacing": "a postcode without its space, or in small letters",
        "postcode-typing": "a slip of the keys in the postcode",
        "no-postcode": "the postcode left empty",
        "old-address": "the address of before the last move",
        "late": "a change that is heard of months late",
        "lingering": "a record kept open after a death or a move away",
        "duplicate": "the same person or event under a second key",
        "no-number": "the NHS number left empty",
        "number-typing": "a wrong digit in the NHS number",
        "clock": "a clock that is an hour wrong",
    }
)


@dataclass(frozen=True, slots=True)
class Rate:
    """The share of the records that can have an error that do have it."""

    rate: float
    source: str = "assumption"

    def __post_init__(self) -> None:
        if not 0 <= self.rate <= 1 or not self.source:
            raise ValueError("A rate is from 0 to 1 and names its source.")


def _rates(**found: float | tuple[float, str]) -> MappingProxyType[str, Rate]:
    given = {
        name.replace("_", "-"): Rate(*value) if isinstance(value, tuple) else Rate(value)
        for name, value in found.items()
    }
    if unknown := set(given) - set(DESCRIPTIONS):
        raise ValueError(f"These habits are not described: {sorted(unknown)}")
    return MappingProxyType(given)


BIRTH_DATE = (
    "split is an assumption; a sex or date of birth is wrong or missing in 0.11 % of hospital"
    " records (Harron and others 2017, doi 10.1186/s12874-017-0306-8; patients under 20)"
)
HOSPITAL_NAME = (
    "split is an assumption; the sum is near 1.5 %: 4.1 % of hospital records miss their match"
    " (Hagger-Johnson and others 2015, doi 10.1136/bmjopen-2015-008118), 37 in 100 by the name"
    " (HSCIC 2009, in doi 10.1111/1475-6773.12272)"
)
HOSPITAL_ADDRESS = (
    "assumption, kept under a bound: 53 % of postcodes differ or are missing, true moves included"
    " (Harron and others 2017, doi 10.1186/s12874-017-0306-8; patients under 20)"
)
MOVERS = (
    "40 % have not registered with a GP six months after a move (Millett and others 2005, as cited"
    " in doi 10.1111/1475-6773.12272); how many more months they take is an assumption"
)
GHOSTS = (
    "assumption, set so that some 5 % of a list have died or left; GP lists were 3.9 million people"
    " above the population estimate in 2020 (NHS Digital, Patients Registered at a GP Practice,"
    " April 2022), 4 % above it in 2015 (House of Commons Library)"
)
TWICE = (
    "assumption, after the census: about 1 million records of Census 2021 were of people counted"
    " at two addresses (ONS, Census 2021 to Personal Demographics Service linkage report)"
)
SOCIAL_CARE_NUMBER = "assumption: the design of this county gives 60 % of clients a number"

_CALLER = _rates(typing=0.030, sound=0.020, nickname=0.060, upper=0.02, old_name=0.10, twin=0.02)

RATES: Mapping[str, Mapping[str, Rate]] = MappingProxyType(
    {
        "adult-social-care": _rates(
            typing=0.020,
            sound=0.008,
            nickname=0.030,
            swapped=0.004,
            old_name=0.08,
            day_month=0.006,
            year=0.005,
            no_birth_date=0.005,
            spacing=0.03,
            no_postcode=0.01,
            old_address=0.06,
            late=0.20,
            lingering=0.15,
            duplicate=(0.015, TWICE),
            no_number=(0.40, SOCIAL_CARE_NUMBER),
            number_typing=0.003,
        ),
        "telecare": MappingProxyType(
            _CALLER
            | _rates(
                day_month=0.010,
                year=0.010,
                placeholder=0.020,
                no_birth_date=0.04,
                spacing=0.06,
                postcode_typing=0.012,
                old_address=0.05,
                lingering=0.25,
                duplicate=0.012,
            )
        ),
        "telecare-alarms": MappingProxyType(
            _CALLER
            | _rates(
                day_month=0.010,
                year=0.010,
                placeholder=0.020,
                no_birth_date=0.04,
                spacing=0.06,
                postcode_typing=0.012,
                old_address=0.05,
                duplicate=0.004,
                clock=0.01,
            )
        ),
        "blue-badges": _rates(
            typing=0.012,
            sound=0.003,
            initial=0.010,
            upper=0.05,
            old_name=0.05,
            day_month=0.004,
            year=0.003,
            postcode_typing=0.004,
            old_address=0.10,
            lingering=0.30,
        ),
        "school-roll": _rates(
            typing=0.008,
            sound=0.006,
            nickname=0.050,
            swapped=0.003,
            twin=0.03,
            day_month=0.003,
            year=0.001,
            spacing=0.02,
            old_address=0.05,
            late=0.10,
        ),
        "emergency-attendances": _rates(
            typing=(0.006, HOSPITAL_NAME),
            sound=(0.004, HOSPITAL_NAME),
            nickname=(0.004, HOSPITAL_NAME),
            swapped=(0.001, HOSPITAL_NAME),
            upper=0.25,
            old_name=0.06,
            twin=0.01,
            day_month=(0.0004, BIRTH_DATE),
            year=(0.0003, BIRTH_DATE),
            placeholder=(0.0004, BIRTH_DATE),
            spacing=0.04,
            postcode_typing=0.003,
            no_postcode=(0.01, HOSPITAL_ADDRESS),
            old_address=(0.12, HOSPITAL_ADDRESS),
            duplicate=0.002,
            no_number=0.04,
            number_typing=0.0005,
        ),
        "inpatient-stays": _rates(
            typing=(0.006, HOSPITAL_NAME),
            sound=(0.003, HOSPITAL_NAME),
            nickname=(0.004, HOSPITAL_NAME),
            swapped=(0.001, HOSPITAL_NAME),
            old_name=0.05,
            twin=0.01,
            day_month=(0.0004, BIRTH_DATE),
            year=(0.0005, BIRTH_DATE),
            no_postcode=(0.005, HOSPITAL_ADDRESS),
            old_address=(0.10, HOSPITAL_ADDRESS),
            no_number=0.01,
            number_typing=0.0003,
        ),
        "gp-register": _rates(
            typing=0.003,
            sound=0.001,
            nickname=0.002,
            old_name=0.10,
            day_month=(0.0005, BIRTH_DATE),
            year=(0.0006, BIRTH_DATE),
            old_address=0.05,
            late=(0.40, MOVERS),
            lingering=(0.80, GHOSTS),
            duplicate=0.002,
            no_number=0.001,
        ),
        "council-tax": _rates(
            typing=0.010,
            sound=0.003,
            initial=0.25,
            swapped=0.006,
            upper=0.30,
            old_name=0.12,
            spacing=0.01,
            late=0.10,
        ),
        "housing-register": _rates(
            typing=0.015,
            sound=0.006,
            nickname=0.030,
            swapped=0.005,
            old_name=0.05,
            day_month=0.006,
            year=0.004,
            spacing=0.05,
            postcode_typing=0.008,
            old_address=0.15,
            late=0.25,
            lingering=0.10,
            duplicate=(0.017, TWICE),
        ),
        "benefits": _rates(
            typing=0.006,
            sound=0.002,
            nickname=0.008,
            old_name=0.06,
            day_month=0.002,
            year=0.002,
            spacing=0.01,
            old_address=0.08,
            late=0.15,
            lingering=0.08,
            duplicate=0.004,
        ),
        "tenancies": _rates(
            typing=0.012,
            sound=0.004,
            nickname=0.045,
            initial=0.015,
            old_name=0.12,
            day_month=0.006,
            year=0.004,
            placeholder=0.008,
            no_birth_date=0.02,
            spacing=0.03,
            lingering=0.12,
            duplicate=0.003,
        ),
        "voids": _rates(),
        "home-fire-safety-visits": _rates(
            typing=0.025,
            sound=0.030,
            nickname=0.070,
            initial=0.06,
            swapped=0.004,
            old_name=0.06,
            placeholder=0.03,
            no_birth_date=0.35,
            spacing=0.10,
            postcode_typing=0.010,
            no_postcode=0.02,
            duplicate=0.008,
        ),
        "vulnerability-notices": _rates(
            typing=0.025,
            sound=0.030,
            nickname=0.050,
            swapped=0.012,
            upper=0.60,
            old_name=0.10,
            twin=0.02,
            day_month=0.008,
            year=0.010,
            placeholder=0.015,
            no_birth_date=0.05,
            spacing=0.08,
            postcode_typing=0.015,
            no_postcode=0.06,
            old_address=0.15,
            duplicate=0.020,
        ),
        "births": _rates(typing=0.001, sound=0.001, old_address=0.01),
        "deaths": _rates(typing=0.002, sound=0.002, day_month=0.001, year=0.004, old_address=0.02),
        "marriages": _rates(typing=0.001, sound=0.001),
        "priority-services": _rates(
            typing=0.020,
            sound=0.015,
            nickname=0.040,
            initial=0.08,
            upper=0.15,
            old_name=0.10,
            placeholder=0.01,
            no_birth_date=0.30,
            spacing=0.05,
            postcode_typing=0.006,
            old_address=0.08,
            late=0.20,
            lingering=0.35,
            duplicate=0.010,
        ),
    }
)
