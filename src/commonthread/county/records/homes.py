"""Who waits for a home, who rents one, and which stand empty."""

from __future__ import annotations

import numpy as np

from commonthread.county.figures import DWELLINGS
from commonthread.county.settings import MISSING, NEVER

from . import identity, occupancy
from .care import GUARDED
from .drawing import Array, Ask, Column, Plan, Sheet, recoded

DISTRICT, LANDLORD = "saltbridge", "riverside-homes"
BANDS = {"A": "emergency", "B": "gold", "C": "silver", "D": "bronze"}
CONNECTION = 0.85
# Place in TENURES of the design: housing association.
TENURES = (4,)
# The association's share of dwellings that nobody lived in for five years (assumption).
OWNED = 0.10
# Pounds a week, by bedrooms (assumption).
RENT, PER_BEDROOM, SPREAD = 72.0, 11.0, 9.0
IN_ARREARS, LONGEST_ARREARS = 0.14, 26
REPORTED = 0.45
# The association's oldest letting.
FIRST_LET = 7_305


def _housing_register(ask: Ask) -> Sheet:
    found = ask.events("application")
    closed = np.minimum(found["closed"], ask.gone(found["person"]))
    sheet = ask.sheet(found["person"], since=found["day"], until=closed, closed_stay=False)
    identity.names(sheet, "forename", "surname")
    identity.born(sheet, "date_of_birth")
    identity.postcode(sheet, "postcode")
    sheet.put(band=recoded(found["band"], BANDS), bedrooms=found["bedrooms"])
    sheet.put(reason=found["reason"], applied=found["day"])
    sheet.write(local_connection=ask.dice.roll("connection", sheet.row) < CONNECTION)
    return sheet


HOUSING_REGISTER = Plan(
    owner=DISTRICT,
    id="housing-register",
    title="Social housing register",
    classification="personal",
    delivery="changes",
    key=("application_ref",),
    columns=(
        Column("application_ref", "text", label="Application"),
        Column("forename", "text", label="Forename"),
        Column("surname", "text", label="Surname"),
        Column("date_of_birth", "date", label="Date of birth"),
        Column("postcode", "text", optional=True, label="Postcode"),
        Column("band", "text", values=tuple(BANDS.values()), label="Band"),
        Column("bedrooms", "integer", label="Bedrooms needed"),
        Column("reason", "text", label="Reason for the application"),
        Column("applied", "date", label="Applied on"),
        Column("local_connection", "boolean", label="Has a local connection"),
        *GUARDED,
    ),
    identity=(
        ("given_name", "forename"),
        ("family_name", "surname"),
        ("date_of_birth", "date_of_birth"),
        ("postcode", "postcode"),
    ),
    draw=_housing_register,
    prefix="HR-",
    notes=("Proof of address seen.", "Wants a garden.", "Needs a level entrance.", "Bids weekly."),
)


def _tenancies(ask: Ask) -> Sheet:
    residence, addresses = ask.world.residence, ask.world.place.addresses
    rows, ends = occupancy.tenancies(ask.world, TENURES)
    until = np.full(len(residence.person), NEVER, np.int64)
    until[rows] = ends
    let = np.zeros(len(until), bool)
    let[rows] = True
    sheet = ask.sheet(residence.person, since=residence.since, until=until, keep=let)
    sheet.live_at(residence.address)
    identity.names(sheet, "tenant_first", "tenant_last")
    identity.born(sheet, "tenant_dob")
    identity.postcode(sheet, "property_postcode")
    identity.uprn(sheet, "uprn")
    damp = addresses.damp[sheet.home] & (ask.dice.roll("damp", sheet.row) < REPORTED)
    sheet.write(
        since=_let_on(ask, sheet, residence.since[sheet.row]),
        until=sheet.until,
        rent_weekly=_rent(ask, sheet),
        arrears_weeks=_arrears(ask, sheet),
        damp_reported=damp,
    )
    return sheet


def _let_on(ask: Ask, sheet: Sheet, since: Array) -> Array:
    adult = np.maximum(ask.world.people.born[sheet.person] + occupancy.ADULT, FIRST_LET)
    long_ago = ask.some_day("let", sheet.row, adult, ask.world.settings.start)
    return np.where(since == MISSING, long_ago, since)


def _rent(ask: Ask, sheet: Sheet) -> Array:
    """Pounds a week; a dwelling's rent is that of its size and its own."""
    bedrooms = ask.world.place.addresses.bedrooms[sheet.home].astype(np.float64)
    rent = RENT + PER_BEDROOM * bedrooms + SPREAD * (ask.dice.roll("rent", sheet.home) - 0.5)
    pounds: Array = np.round(rent, 2)
    return pounds


def _arrears(ask: Ask, sheet: Sheet) -> Array:
    weeks = 1 + ask.dice.pick("weeks", sheet.row, LONGEST_ARREARS)
    return np.where(ask.dice.roll("arrears", sheet.row) < IN_ARREARS, weeks, 0)


TENANCIES = Plan(
    owner=LANDLORD,
    id="tenancies",
    title="Tenancies of the housing association",
    classification="personal",
    delivery="snapshot",
    key=("tenancy_ref",),
    columns=(
        Column("tenancy_ref", "text", label="Tenancy"),
        Column("tenant_first", "text", label="First name of the tenant"),
        Column("tenant_last", "text", label="Last name of the tenant"),
        Column("tenant_dob", "date", optional=True, label="Date of birth"),
        Column("property_postcode", "text", label="Postcode"),
        Column("uprn", "integer", label="Property number"),
        Column("since", "date", label="Let on"),
        Column("until", "date", optional=True, label="Ended on"),
        Column("rent_weekly", "decimal", label="Rent a week, in pounds"),
        Column("arrears_weeks", "integer", label="Weeks of rent owed"),
        Column("damp_reported", "boolean", label="Damp or mould reported"),
        *GUARDED,
    ),
    identity=(
        ("given_name", "tenant_first"),
        ("family_name", "tenant_last"),
        ("date_of_birth", "tenant_dob"),
        ("postcode", "property_postcode"),
    ),
    draw=_tenancies,
    prefix="T",
    notes=("Two to visit.", "Gas check booked.", "Rent by direct debit.", "Repairs asked for."),
)


def _voids(ask: Ask) -> Sheet:
    world, addresses = ask.world, ask.world.place.addresses
    numbers = np.arange(len(addresses.uprn))
    lived, left = _last_lived_in(ask)
    owned = lived | ((left == MISSING) & (ask.dice.roll("owned", numbers) < OWNED))
    taken = np.zeros(len(numbers), bool)
    taken[world.residence.address[occupancy.present(world, ask.at)]] = True
    since = np.where(left == MISSING, world.settings.start, left)
    keep = owned & ~taken & (addresses.building != 3)
    sheet = ask.sheet(np.full(len(numbers), -1, np.int32), since=since, keep=keep)
    kinds = np.array([*DWELLINGS, "care-home"], dtype=object)
    sheet.put(uprn=addresses.uprn, void_since=since, bedrooms=addresses.bedrooms)
    sheet.put(kind=kinds[addresses.kind])
    return sheet


def _last_lived_in(ask: Ask) -> tuple[Array, Array]:
    """Per address: whether its last household rented of the association, and when it left."""
    residence = ask.world.residence
    until = np.where(residence.until <= ask.at, residence.until, MISSING)
    left = np.full(len(ask.world.place.addresses.uprn), MISSING, np.int32)
    np.maximum.at(left, residence.address, until)
    last = (until == left[residence.address]) & (until != MISSING)
    rented = np.zeros(len(left), bool)
    rented[residence.address[last & np.isin(residence.tenure, TENURES)]] = True
    return rented, left


VOIDS = Plan(
    owner=LANDLORD,
    id="voids",
    title="Homes of the housing association that stand empty",
    classification="open",
    delivery="snapshot",
    key=("uprn",),
    columns=(
        Column("uprn", "integer", label="Property number"),
        Column("void_since", "date", label="Empty since"),
        Column("bedrooms", "integer", label="Bedrooms"),
        Column("kind", "text", values=DWELLINGS, label="Kind of dwelling"),
    ),
    identity=(),
    draw=_voids,
)

PLANS = (HOUSING_REGISTER, TENANCIES, VOIDS)
