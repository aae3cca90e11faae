"""The county council's care: clients, alarms in the home, blue badges."""

from __future__ import annotations

import numpy as np

from commonthread.county.settings import NEVER

from . import identity, occupancy
from .drawing import (
    Array,
    Ask,
    Column,
    Plan,
    Sheet,
    World,
    last_at_or_before,
    references,
)

OWNER = "wychshire"
GUARDED = (
    Column("protected", "boolean", label="In the scheme for safe addresses"),
    Column("note", "text", label="Free text; no agreement grants it"),
)
DEVICES = ("pendant", "falls-detector", "bed-sensor", "smoke-link")
ALARMS = ("fall", "pendant", "inactivity", "smoke", "false")
BADGES = ("walking", "automatic", "hidden-disability")
RECENT = 90


def _adult_social_care(ask: Ask) -> Sheet:
    found = ask.events("care")
    until = np.minimum(found["until"], ask.gone(found["person"]))
    sheet = ask.sheet(found["person"], since=found["since"], until=until)
    identity.nhs_number(sheet, "nhs_number", grouped=True)
    identity.names(sheet, "first_name", "surname")
    identity.born(sheet, "birth_date")
    identity.postcode(sheet, "postcode")
    identity.sex(sheet, "sex", ("F", "M"))
    sheet.put(need=found["need"], hours=found["hours"], since=found["since"])
    alone = occupancy.lives_alone(ask.world, ask.at)
    sheet.write(until=sheet.until, lives_alone=alone[sheet.person])
    return sheet


ADULT_SOCIAL_CARE = Plan(
    owner=OWNER,
    id="adult-social-care",
    title="Adults who receive care from the county council",
    classification="special-category",
    delivery="snapshot",
    key=("client_ref",),
    columns=(
        Column("client_ref", "text", label="Client"),
        Column("nhs_number", "text", optional=True, label="NHS number"),
        Column("first_name", "text", label="First name"),
        Column("surname", "text", label="Surname"),
        Column("birth_date", "date", optional=True, label="Date of birth"),
        Column("sex", "text", values=("F", "M"), label="Sex"),
        Column("postcode", "text", optional=True, label="Postcode"),
        Column("need", "text", label="Main need"),
        Column("hours", "integer", label="Hours of care a week"),
        Column("since", "date", label="First day of care"),
        Column("until", "date", optional=True, label="Last day of care"),
        Column("lives_alone", "boolean", label="Lives alone"),
        *GUARDED,
    ),
    identity=(
        ("given_name", "first_name"),
        ("family_name", "surname"),
        ("date_of_birth", "birth_date"),
        ("sex", "sex"),
        ("postcode", "postcode"),
        ("nhs_number", "nhs_number"),
    ),
    draw=_adult_social_care,
    prefix="ASC-",
    notes=(
        "Prefers morning visits.",
        "Key safe by the back door.",
        "Daughter asks to be rung first.",
        "Dog in the house.",
        "Reassessment asked for.",
    ),
)


def _telecare(ask: Ask) -> Sheet:
    found = ask.events("install")
    removed = np.minimum(found["removed"], ask.gone(found["person"]))
    sheet = ask.sheet(found["person"], since=found["day"], until=removed)
    _resident(sheet)
    identity.district(sheet, "district")
    sheet.put(device=found["device"], installed=found["day"])
    sheet.write(removed=sheet.until, alarms_90d=_recent_alarms(ask)[sheet.row])
    return sheet


def _resident(sheet: Sheet) -> None:
    identity.names(sheet, "forename", "surname")
    identity.born(sheet, "born")
    identity.postcode(sheet, "postcode")


def _installed_for(world: World) -> Array:
    """int64 per alarm: the number of the installation that raised it, the newest of the person's;
    -1 for none."""
    installs, alarms = world.events["install"], world.events["alarm"]
    order = np.lexsort((installs["day"], installs["person"]))
    rows = last_at_or_before(
        installs["person"][order], installs["day"][order], alarms["person"], alarms["day"]
    )
    return np.where(rows >= 0, order[rows], -1)


def _recent_alarms(ask: Ask) -> Array:
    """int64 per installation: alarms in the 90 days up to `ask.at`."""
    day, install = ask.events("alarm")["day"], _installed_for(ask.world)
    recent = (day > ask.at - RECENT) & (day <= ask.at) & (install >= 0)
    return np.bincount(install[recent], minlength=len(ask.events("install")["day"]))


RESIDENT = (
    Column("forename", "text", label="Forename"),
    Column("surname", "text", label="Surname"),
    Column("born", "date", optional=True, label="Date of birth"),
    Column("postcode", "text", optional=True, label="Postcode"),
)
RESIDENT_ROLES = (
    ("given_name", "forename"),
    ("family_name", "surname"),
    ("date_of_birth", "born"),
    ("postcode", "postcode"),
)
TELECARE = Plan(
    owner=OWNER,
    id="telecare",
    title="Assistive technology in homes",
    classification="special-category",
    delivery="snapshot",
    key=("install_ref",),
    columns=(
        Column("install_ref", "text", label="Installation"),
        *RESIDENT,
        Column("district", "text", optional=True, label="District"),
        Column("device", "text", values=DEVICES, label="Device"),
        Column("installed", "date", label="Installed on"),
        Column("removed", "date", optional=True, label="Removed on"),
        Column("alarms_90d", "integer", label="Alarms in the last 90 days"),
        *GUARDED,
    ),
    identity=RESIDENT_ROLES,
    draw=_telecare,
    prefix="TC",
    notes=(
        "Speak slowly, hard of hearing.",
        "Neighbour at the next door holds a key.",
        "Test call each first Monday.",
        "Unit is in the hall.",
    ),
)


def _telecare_alarms(ask: Ask) -> Sheet:
    found = ask.events("alarm")
    install = _installed_for(ask.world)
    sheet = ask.sheet(
        found["person"], since=found["day"], keep=install >= 0, told=_told(ask, install)
    )
    numbers = install[sheet.row]
    sheet.write(install_ref=references(TELECARE, numbers))
    raised = found["day"].astype(np.int64) * 86_400 + found["minute"].astype(np.int64) * 60
    sheet.put(raised=raised, kind=found["kind"])
    slow = sheet.touch("clock")
    sheet.columns["raised"][slow] -= 3_600
    sheet.as_written_in(TELECARE.id, numbers)
    _resident(sheet)
    return sheet


def _told(ask: Ask, install: Array) -> Array:
    """The monitoring centre keeps the details of the day of the installation."""
    days: Array = ask.events("install")["day"]
    return np.where(install >= 0, days[install], NEVER)


TELECARE_ALARMS = Plan(
    owner=OWNER,
    id="telecare-alarms",
    title="Alarms that reached the monitoring centre",
    classification="special-category",
    delivery="append",
    key=("alarm_ref",),
    columns=(
        Column("alarm_ref", "text", label="Alarm"),
        Column("install_ref", "text", label="Installation"),
        *RESIDENT,
        Column("raised", "timestamp", label="Raised at"),
        Column("kind", "text", values=ALARMS, label="Kind"),
        *GUARDED,
    ),
    identity=(*RESIDENT_ROLES, ("own_id", "install_ref")),
    draw=_telecare_alarms,
    prefix="AL",
    notes=("No answer at first.", "Resident answered.", "Keyholder sent.", "Closed by operator."),
)


def _blue_badges(ask: Ask) -> Sheet:
    found = ask.events("badge")
    until = np.minimum(found["until"], ask.gone(found["person"]))
    sheet = ask.sheet(found["person"], since=found["since"], until=until, closed_stay=False)
    identity.names(sheet, "given_names", "last_name", middle=True)
    identity.born(sheet, "birthdate")
    identity.postcode(sheet, "post_code")
    reasons = np.array(BADGES, dtype=object)
    sheet.put(issued=found["since"], expires=found["until"])
    sheet.write(reason=reasons[ask.dice.pick("reason", sheet.row, len(reasons))])
    return sheet


BLUE_BADGES = Plan(
    owner=OWNER,
    id="blue-badges",
    title="Blue badges in use",
    classification="special-category",
    delivery="snapshot",
    key=("badge_ref",),
    columns=(
        Column("badge_ref", "text", label="Badge"),
        Column("given_names", "text", label="Given names"),
        Column("last_name", "text", label="Last name"),
        Column("birthdate", "date", optional=True, label="Date of birth"),
        Column("post_code", "text", optional=True, label="Postcode"),
        Column("issued", "date", label="Issued on"),
        Column("expires", "date", optional=True, label="Expires on"),
        Column("reason", "text", values=BADGES, label="Reason"),
        *GUARDED,
    ),
    identity=(
        ("given_name", "given_names"),
        ("family_name", "last_name"),
        ("date_of_birth", "birthdate"),
        ("postcode", "post_code"),
    ),
    draw=_blue_badges,
    prefix="BB-",
    notes=("Photograph to be renewed.", "Collected at the library.", "Sent by post."),
)

PLANS = (ADULT_SOCIAL_CARE, TELECARE, TELECARE_ALARMS, BLUE_BADGES)
