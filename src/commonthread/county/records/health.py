"""The hospital's attendances and stays, and the register of the general practices."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from commonthread.county.settings import MISSING

from . import identity, occupancy
from .care import GUARDED
from .drawing import Array, Ask, Column, Plan, Sheet, World

HOSPITAL, PRACTICES = "severn-acute", "vale-gps"
REASONS = ("fall", "chest-pain", "breathing", "injury", "infection", "mental-health", "other")
MODES = ("ambulance", "walk-in", "gp")
OUTCOMES = ("admitted", "discharged", "transferred", "died")
FRAILTY = ("none", "mild", "moderate", "severe")
# Clegg and others 2016 (electronic frailty index): 50, 35, 12 and 3 % of those over 65.
FRAILTY_SHARES = (0.50, 0.35, 0.12, 0.03)
PENSION_AGE = 65 * 365 + 16
# Near Census 2021's share of people who give unpaid care.
CARERS = 0.09
# A practice asks at a review who lives alone; half of the people had one (assumption).
REVIEWED = 0.5
TRANSFERRED = 0.02
AREAS_PER_PRACTICE = 4


def _emergency(ask: Ask) -> Sheet:
    found = ask.events("attendance")
    sheet = ask.sheet(found["person"], since=found["day"], told=found["day"])
    identity.nhs_number(sheet, "nhs_number")
    identity.names(sheet, "first_name", "last_name")
    identity.born(sheet, "dob")
    identity.postcode(sheet, "home_postcode")
    arrived = found["day"].astype(np.int64) * 86_400 + found["minute"].astype(np.int64) * 60
    sheet.put(arrived=arrived, reason=found["reason"], mode=found["mode"])
    sheet.write(outcome=_outcome(ask, sheet, found["admitted"][sheet.row], found["day"]))
    return sheet


def _outcome(ask: Ask, sheet: Sheet, admitted: Array, days: Array) -> Array:
    died = ask.world.people.died[sheet.person] == days[sheet.row]
    moved = ask.dice.roll("transferred", sheet.row) < TRANSFERRED
    code = np.select([admitted, died, moved], [0, 3, 2], 1)
    found: Array = np.array(OUTCOMES, dtype=object)[code]
    return found


EMERGENCY = Plan(
    owner=HOSPITAL,
    id="emergency-attendances",
    title="Emergency department attendances",
    classification="special-category",
    delivery="append",
    key=("attendance_ref",),
    columns=(
        Column("attendance_ref", "text", label="Attendance"),
        Column("nhs_number", "text", optional=True, label="NHS number"),
        Column("first_name", "text", label="First name"),
        Column("last_name", "text", label="Last name"),
        Column("dob", "date", optional=True, label="Date of birth"),
        Column("home_postcode", "text", optional=True, label="Postcode of home"),
        Column("arrived", "timestamp", label="Arrived at"),
        Column("reason", "text", values=REASONS, label="Reason"),
        Column("mode", "text", values=MODES, label="Came by"),
        Column("outcome", "text", values=OUTCOMES, label="Outcome"),
        *GUARDED,
    ),
    identity=(
        ("given_name", "first_name"),
        ("family_name", "last_name"),
        ("date_of_birth", "dob"),
        ("postcode", "home_postcode"),
        ("nhs_number", "nhs_number"),
    ),
    draw=_emergency,
    prefix="ED",
    notes=("Brought by family.", "Seen in triage.", "Allergy band on.", "Asked about falls."),
)


def _inpatient(ask: Ask) -> Sheet:
    found = ask.events("stay")
    discharged = found["day"] + found["days"]
    # A stay is reported when it is over.
    sheet = ask.sheet(found["person"], since=discharged, told=found["day"])
    identity.nhs_number(sheet, "nhs_number")
    identity.names(sheet, "pat_forename", "pat_surname", middle=True)
    identity.born(sheet, "pat_dob")
    identity.sex(sheet, "pat_sex", ("2", "1"))
    identity.postcode(sheet, "pat_postcode")
    sheet.put(admitted=found["day"], discharged=discharged, specialty=found["specialty"])
    return sheet


INPATIENT = Plan(
    owner=HOSPITAL,
    id="inpatient-stays",
    title="Stays in hospital",
    classification="special-category",
    delivery="append",
    key=("stay_ref",),
    columns=(
        Column("stay_ref", "text", label="Stay"),
        Column("nhs_number", "text", optional=True, label="NHS number"),
        Column("pat_forename", "text", label="Forenames of the patient"),
        Column("pat_surname", "text", label="Surname of the patient"),
        Column("pat_dob", "date", optional=True, label="Date of birth"),
        Column("pat_sex", "text", values=("1", "2"), label="Sex: 1 male, 2 female"),
        Column("pat_postcode", "text", optional=True, label="Postcode"),
        Column("admitted", "date", label="Admitted on"),
        Column("discharged", "date", label="Discharged on"),
        Column("specialty", "text", label="Specialty"),
        *GUARDED,
    ),
    identity=(
        ("given_name", "pat_forename"),
        ("family_name", "pat_surname"),
        ("date_of_birth", "pat_dob"),
        ("sex", "pat_sex"),
        ("postcode", "pat_postcode"),
        ("nhs_number", "nhs_number"),
    ),
    draw=_inpatient,
    prefix="IP",
    notes=("Home with medicines.", "Discharge letter sent.", "Ward moved once.", "Fit to go."),
)


def _gp_register(ask: Ask) -> Sheet:
    people = ask.world.people
    numbers = np.arange(len(people.born))
    came = people.arrived != MISSING
    first = np.maximum(people.arrived, people.born)
    # The newborn are registered by the midwife; it is who moves here that puts it off.
    since = np.where(people.arrived > people.born, first + ask.lags(numbers), first)
    until = ask.gone(numbers)
    sheet = ask.sheet(numbers, since=since, until=until, closed_stay=False, keep=since < until)
    identity.nhs_number(sheet, "nhs_number")
    identity.names(sheet, "given_name", "family_name", middle=True)
    identity.born(sheet, "birth_date")
    identity.sex(sheet, "gender", ("female", "male"))
    identity.postcode(sheet, "postcode")
    sheet.put(registered=_registered(ask, since, came), frailty=frailty(ask.world, ask.at))
    sheet.write(practice=_practice(sheet), lives_alone=_said_alone(ask, sheet))
    adult = people.born[sheet.person] <= ask.at - occupancy.ADULT
    sheet.write(carer=adult & (ask.dice.roll("carer", sheet.person) < CARERS))
    return sheet


def _registered(ask: Ask, since: Array, came: Array) -> Array:
    """Who was always here registered on some day of their life, and is not asked for it."""
    start = ask.world.settings.start
    long_ago = ask.some_day("registered", np.arange(len(since)), since, start)
    return np.where(came | (since >= start), since, long_ago)


def _practice(sheet: Sheet) -> Array:
    area = sheet.world.place.addresses.area[sheet.home].astype(np.int64)
    many = int(sheet.world.place.addresses.area.max()) // AREAS_PER_PRACTICE + 1
    codes = np.array([f"WX{practice + 101}" for practice in range(many)], dtype=object)
    practices: Array = codes[area // AREAS_PER_PRACTICE]
    return practices


def _said_alone(ask: Ask, sheet: Sheet) -> pa.Array:
    alone = occupancy.lives_alone(ask.world, ask.at)[sheet.person]
    return pa.array(alone, mask=ask.dice.roll("reviewed", sheet.person) >= REVIEWED)


def frailty(world: World, at: int) -> Array:
    """object per person: the frailest shares of those aged 65 or more; "none" below that age."""
    people = world.people
    old = people.born <= world.settings.end - PENSION_AGE
    code = np.zeros(len(people.born), np.int64)
    if old.any():
        bounds = np.quantile(people.frail[old], np.cumsum(FRAILTY_SHARES)[:-1])
        code = np.searchsorted(bounds, people.frail, side="left")
    code[people.born > at - PENSION_AGE] = 0
    found: Array = np.array(FRAILTY, dtype=object)[code]
    return found


GP_REGISTER = Plan(
    owner=PRACTICES,
    id="gp-register",
    title="People registered with a general practice",
    classification="special-category",
    delivery="changes",
    key=("patient_ref",),
    columns=(
        Column("patient_ref", "text", label="Patient"),
        Column("nhs_number", "text", optional=True, label="NHS number"),
        Column("given_name", "text", label="Given names"),
        Column("family_name", "text", label="Family name"),
        Column("birth_date", "date", label="Date of birth"),
        Column("gender", "text", values=("female", "male"), label="Sex"),
        Column("postcode", "text", optional=True, label="Postcode"),
        Column("practice", "text", label="Practice"),
        Column("registered", "date", label="Registered on"),
        Column("lives_alone", "boolean", optional=True, label="Lives alone, if asked"),
        Column("frailty", "text", values=FRAILTY, label="Electronic frailty index"),
        Column("carer", "boolean", label="Cares for somebody"),
        *GUARDED,
    ),
    identity=(
        ("given_name", "given_name"),
        ("family_name", "family_name"),
        ("date_of_birth", "birth_date"),
        ("sex", "gender"),
        ("postcode", "postcode"),
        ("nhs_number", "nhs_number"),
    ),
    draw=_gp_register,
    prefix="P",
    notes=("Letters in large print.", "Review due.", "Consent to texts.", "Prefers telephone."),
    late=(180, 540),
    lingering=(180, 1460),
)

PLANS = (EMERGENCY, INPATIENT, GP_REGISTER)
