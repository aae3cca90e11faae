"""Entries of births, deaths and marriages, as the registration service makes them."""

from __future__ import annotations

import numpy as np

from . import identity
from .care import GUARDED
from .drawing import Array, Ask, Column, Plan, Sheet

OWNER = "registration"
# Days from a death to its entry, at these shares of deaths: a median of 4 days and 75 % within 7
# are of 2019 (ONS, Impact of registration delays on mortality statistics); the tail, of deaths
# that a coroner looks into, is an assumption.
DEATH_SHARES = (0.0, 0.5, 0.75, 0.92, 0.98, 1.0)
DEATH_DAYS = (1, 4, 7, 30, 180, 400)
# A birth is to be registered within 42 days (Births and Deaths Registration Act 1953, s 2); how
# the days are used is an assumption.
BIRTH_SHARES = (0.0, 0.5, 0.95, 1.0)
BIRTH_DAYS = (2, 18, 42, 90)


def _entered(ask: Ask, days: Array, shares: tuple[float, ...], delays: tuple[int, ...]) -> Array:
    """int32 day of each entry."""
    roll = ask.dice.roll("delay", np.arange(len(days)))
    return (days + np.interp(roll, shares, delays)).astype(np.int32)


def _births(ask: Ask) -> Sheet:
    found = ask.events("birth")
    entered = _entered(ask, found["day"], BIRTH_SHARES, BIRTH_DAYS)
    sheet = ask.sheet(found["person"], since=entered, told=found["day"])
    identity.names(sheet, "child_given_names", "child_family_name", middle=True)
    identity.sex(sheet, "sex", ("girl", "boy"))
    identity.postcode(sheet, "mother_postcode")
    identity.relative(sheet, found["mother"][sheet.row], "mother_given_name", "mother_family_name")
    father = ask.world.people.father[sheet.person]
    identity.relative(sheet, father, "father_given_name", "father_family_name")
    sheet.put(born=found["day"], registered=entered)
    return sheet


BIRTHS = Plan(
    owner=OWNER,
    id="births",
    title="Registrations of births",
    classification="personal",
    delivery="append",
    key=("entry_ref",),
    columns=(
        Column("entry_ref", "text", label="Entry"),
        Column("child_given_names", "text", label="Given names of the child"),
        Column("child_family_name", "text", label="Family name of the child"),
        Column("born", "date", label="Born on"),
        Column("sex", "text", values=("girl", "boy"), label="Sex"),
        Column("mother_given_name", "text", optional=True, label="Given name of the mother"),
        Column("mother_family_name", "text", optional=True, label="Family name of the mother"),
        Column("father_given_name", "text", optional=True, label="Given name of the father"),
        Column("father_family_name", "text", optional=True, label="Family name of the father"),
        Column("mother_postcode", "text", optional=True, label="Postcode of the mother"),
        Column("registered", "date", label="Registered on"),
        *GUARDED,
    ),
    identity=(
        ("given_name", "child_given_names"),
        ("family_name", "child_family_name"),
        ("date_of_birth", "born"),
        ("sex", "sex"),
        ("postcode", "mother_postcode"),
    ),
    draw=_births,
    prefix="B",
    notes=("Declared by the mother.", "Declared by both.", "Certificate bought.", "Short form."),
)


def _deaths(ask: Ask) -> Sheet:
    found = ask.events("death")
    entered = _entered(ask, found["day"], DEATH_SHARES, DEATH_DAYS)
    # The details are those of the day before: nobody lives anywhere on the day they die.
    sheet = ask.sheet(found["person"], since=entered, told=found["day"] - 1)
    identity.names(sheet, "forenames", "surname", middle=True)
    identity.born(sheet, "date_of_birth")
    identity.sex(sheet, "sex", ("Female", "Male"))
    identity.postcode(sheet, "usual_postcode")
    sheet.put(died=found["day"], cause=found["cause"], registered=entered)
    return sheet


DEATHS = Plan(
    owner=OWNER,
    id="deaths",
    title="Registrations of deaths",
    classification="special-category",
    delivery="append",
    key=("entry_ref",),
    columns=(
        Column("entry_ref", "text", label="Entry"),
        Column("forenames", "text", label="Forenames"),
        Column("surname", "text", label="Surname"),
        Column("date_of_birth", "date", label="Date of birth"),
        Column("sex", "text", values=("Female", "Male"), label="Sex"),
        Column("usual_postcode", "text", optional=True, label="Postcode of the usual address"),
        Column("died", "date", label="Died on"),
        Column("cause", "text", label="Cause"),
        Column("registered", "date", label="Registered on"),
        *GUARDED,
    ),
    identity=(
        ("given_name", "forenames"),
        ("family_name", "surname"),
        ("date_of_birth", "date_of_birth"),
        ("sex", "sex"),
        ("postcode", "usual_postcode"),
    ),
    draw=_deaths,
    prefix="D",
    notes=("Informant: son.", "Informant: daughter.", "Informant: present.", "Green form given."),
)


def _marriages(ask: Ask) -> Sheet:
    found = ask.events("marriage")
    # Each couple once, however often the events name it.
    couple = np.stack([*np.sort([found["person"], found["other"]], axis=0), found["day"]])
    _, once = np.unique(couple, axis=1, return_index=True)
    keep = np.zeros(len(found["day"]), bool)
    keep[once] = True
    # Names are those of the day before: the entry has what both were called until then.
    sheet = ask.sheet(found["person"], since=found["day"], keep=keep, told=found["day"] - 1)
    other = found["other"][sheet.row]
    identity.names(sheet, "first_given_names", "first_family_name", middle=True)
    identity.born(sheet, "first_born")
    identity.postcode(sheet, "first_postcode")
    identity.relative(sheet, other, "second_given_names", "second_family_name")
    sheet.write(second_born=ask.world.people.born[other])
    sheet.put(married=found["day"])
    return sheet


MARRIAGES = Plan(
    owner=OWNER,
    id="marriages",
    title="Registrations of marriages",
    classification="personal",
    delivery="append",
    key=("entry_ref",),
    columns=(
        Column("entry_ref", "text", label="Entry"),
        Column("first_given_names", "text", label="Given names of one"),
        Column("first_family_name", "text", label="Family name of one"),
        Column("first_born", "date", label="Date of birth of one"),
        Column("first_postcode", "text", optional=True, label="Postcode of one"),
        Column("second_given_names", "text", label="Given name of the other"),
        Column("second_family_name", "text", label="Family name of the other"),
        Column("second_born", "date", label="Date of birth of the other"),
        Column("married", "date", label="Married on"),
        *GUARDED,
    ),
    identity=(
        ("given_name", "first_given_names"),
        ("family_name", "first_family_name"),
        ("date_of_birth", "first_born"),
        ("postcode", "first_postcode"),
    ),
    draw=_marriages,
    prefix="M",
    notes=("At the register office.", "At a church.", "At a hotel.", "Certificates sent."),
)

PLANS = (BIRTHS, DEATHS, MARRIAGES)
