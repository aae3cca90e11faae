"""Schools of a trust; council tax and benefits, which Saltbridge runs for all six."""

from __future__ import annotations

import numpy as np

from commonthread.county.settings import MISSING

from . import identity, occupancy
from .care import GUARDED
from .drawing import Array, Ask, Column, Plan, Sheet, recoded

SCHOOLS, DISTRICT = "vale-schools", "saltbridge"
YEARS = ("N", "R", *(str(year) for year in range(1, 14)))
BANDS = tuple("ABCDEFGH")
# Near the shares of England (Valuation Office Agency, stock of properties), rounded by us.
BAND_SHARES = (0.24, 0.195, 0.22, 0.155, 0.095, 0.05, 0.035, 0.01)
DISCOUNTS = ("single-person", "disabled", "none")
DISABLED_BAND = 0.10
BENEFITS = {
    "housing-benefit": "HB",
    "pip": "PIP",
    "attendance-allowance": "AA",
    "pension-credit": "PC",
    "universal-credit": "UC",
}
# Council tax began on 1 April 1993.
FIRST_BILL = 8_491


def _school_roll(ask: Ask) -> Sheet:
    found = ask.events("school")
    people = ask.world.people
    sheet = ask.sheet(
        found["person"], since=found["since"], until=found["until"], closed_stay=False
    )
    identity.names(sheet, "forename", "surname")
    identity.born(sheet, "dob")
    identity.sex(sheet, "sex", ("F", "M"))
    identity.postcode(sheet, "home_postcode")
    parent = np.where(people.mother >= 0, people.mother, people.father)[sheet.person]
    identity.relative(sheet, parent, "parent_given_name", "parent_family_name")
    sheet.put(send=found["send"], free_meals=found["free_meals"])
    sheet.write(school=_school(found["school"][sheet.row]))
    sheet.write(year_group=_year_group(people.born[sheet.person], ask.at))
    return sheet


def _school(index: Array) -> Array:
    """The number that a school goes by: 4001, 4002, ..."""
    many = int(index.max()) + 1 if len(index) else 0
    found: Array = np.array([f"{4001 + number}" for number in range(many)], dtype=object)[index]
    return found


def _year_group(born: Array, at: int) -> Array:
    """object per pupil: years begin on 1 September, and the reception year at the age of 4."""
    year = _school_year(np.array([at]))[0] - _school_year(born) - 5
    found: Array = np.array(YEARS, dtype=object)[np.clip(year + 1, 0, len(YEARS) - 1)]
    return found


def _school_year(days: Array) -> Array:
    """int64: the year in which the school year of each day began."""
    months = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    return (months - 8) // 12 + 1970


SCHOOL_ROLL = Plan(
    owner=SCHOOLS,
    id="school-roll",
    title="Pupils on the rolls of schools",
    classification="special-category",
    delivery="snapshot",
    key=("upn",),
    columns=(
        Column("upn", "text", label="Unique pupil number"),
        Column("forename", "text", label="Forename"),
        Column("surname", "text", label="Surname"),
        Column("dob", "date", label="Date of birth"),
        Column("sex", "text", values=("F", "M"), label="Sex"),
        Column("home_postcode", "text", optional=True, label="Postcode of home"),
        Column("school", "text", label="School"),
        Column("year_group", "text", values=YEARS, label="Year group"),
        Column("send", "boolean", label="Special educational needs or disability"),
        Column("free_meals", "boolean", label="Free school meals"),
        Column("parent_given_name", "text", optional=True, label="Given name of a parent"),
        Column("parent_family_name", "text", optional=True, label="Family name of a parent"),
        *GUARDED,
    ),
    identity=(
        ("given_name", "forename"),
        ("family_name", "surname"),
        ("date_of_birth", "dob"),
        ("sex", "sex"),
        ("postcode", "home_postcode"),
    ),
    draw=_school_roll,
    prefix="W9990",
    notes=("Collected by grandparent.", "Inhaler at the office.", "Walks home.", "Bus pass."),
)


def _council_tax(ask: Ask) -> Sheet:
    residence = ask.world.residence
    rows, adults = occupancy.signatories(ask.world, ask.at)
    # An account is of a person at a dwelling: its number is that of the stay there.
    since = residence.since.astype(np.int64)
    liable = np.zeros(len(since), np.int64)
    liable[rows] = adults
    numbers = np.arange(len(since))
    known = np.where(since == MISSING, since, since + ask.lags(numbers))
    sheet = ask.sheet(residence.person, since=known, keep=liable > 0)
    sheet.live_at(residence.address)
    identity.full_name(sheet, "full_name")
    identity.postcode(sheet, "postcode")
    identity.address_line(sheet, "address")
    identity.uprn(sheet, "uprn")
    sheet.write(
        band=_band(ask, sheet),
        discount=_discount(ask, sheet, liable[sheet.row]),
        since=_first_bill(ask, sheet, since[sheet.row]),
    )
    return sheet


def _band(ask: Ask, sheet: Sheet) -> Array:
    roll = ask.dice.roll("band", sheet.home)
    band = np.searchsorted(np.cumsum(BAND_SHARES)[:-1], roll, side="right")
    found: Array = np.array(BANDS, dtype=object)[band]
    return found


def _discount(ask: Ask, sheet: Sheet, adults: Array) -> Array:
    disabled = ask.world.people.disabled[sheet.person]
    disabled &= ask.dice.roll("discount", sheet.row) < DISABLED_BAND
    code = np.select([disabled, adults == 1], [1, 0], 2)
    found: Array = np.array(DISCOUNTS, dtype=object)[code]
    return found


def _first_bill(ask: Ask, sheet: Sheet, since: Array) -> Array:
    adult = np.maximum(ask.world.people.born[sheet.person] + occupancy.ADULT, FIRST_BILL)
    long_ago = ask.some_day("first bill", sheet.row, adult, ask.world.settings.start)
    return np.where(since == MISSING, long_ago, since)


COUNCIL_TAX = Plan(
    owner=DISTRICT,
    id="council-tax",
    title="Council tax accounts",
    classification="personal",
    delivery="snapshot",
    key=("account_ref",),
    columns=(
        Column("account_ref", "text", label="Account"),
        Column("full_name", "text", label="Name of the liable person"),
        Column("address", "text", label="First line of the address"),
        Column("postcode", "text", label="Postcode"),
        Column("uprn", "integer", label="Property number"),
        Column("band", "text", values=BANDS, label="Band"),
        Column("discount", "text", values=DISCOUNTS, label="Discount"),
        Column("since", "date", label="Liable since"),
        *GUARDED,
    ),
    identity=(("full_name", "full_name"), ("address", "address"), ("postcode", "postcode")),
    draw=_council_tax,
    prefix="7",
    notes=("Direct debit.", "Bill sent by post.", "Instalments agreed.", "Review of discount."),
)


def _benefits(ask: Ask) -> Sheet:
    found = ask.events("benefit")
    until = np.minimum(found["until"], ask.gone(found["person"]))
    sheet = ask.sheet(found["person"], since=found["since"], until=until)
    identity.names(sheet, "claimant_forename", "claimant_surname")
    identity.born(sheet, "claimant_dob")
    identity.postcode(sheet, "claim_postcode")
    sheet.put(kind=recoded(found["kind"], BENEFITS), since=found["since"])
    sheet.write(until=sheet.until)
    return sheet


BENEFIT_CLAIMS = Plan(
    owner=DISTRICT,
    id="benefits",
    title="Benefits that people receive",
    classification="personal",
    delivery="snapshot",
    key=("claim_ref",),
    columns=(
        Column("claim_ref", "text", label="Claim"),
        Column("claimant_forename", "text", label="Forename of the claimant"),
        Column("claimant_surname", "text", label="Surname of the claimant"),
        Column("claimant_dob", "date", label="Date of birth"),
        Column("claim_postcode", "text", optional=True, label="Postcode"),
        Column("kind", "text", values=tuple(BENEFITS.values()), label="Benefit"),
        Column("since", "date", label="Paid from"),
        Column("until", "date", optional=True, label="Paid until"),
        *GUARDED,
    ),
    identity=(
        ("given_name", "claimant_forename"),
        ("family_name", "claimant_surname"),
        ("date_of_birth", "claimant_dob"),
        ("postcode", "claim_postcode"),
    ),
    draw=_benefits,
    prefix="CLM",
    notes=("Evidence seen.", "Change of income told.", "Paid to the landlord.", "Appointee."),
)

PLANS = (SCHOOL_ROLL, COUNCIL_TAX, BENEFIT_CLAIMS)
