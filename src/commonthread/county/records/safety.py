"""The fire service's visits, the police's notices, and the network operator's priority list."""

from __future__ import annotations

import numpy as np

from commonthread.county.settings import NEVER

from . import identity
from .care import GUARDED
from .drawing import Array, Ask, Column, Plan, Sheet, homes_at

FIRE, POLICE, POWER = "hereward-fire", "mercia-police", "severn-power"
# Shares of homes that crews find, and of people whom the operator knows of (assumptions).
OXYGEN, HOARDING = 0.015, 0.03
NEEDS = ("dialysis", "oxygen", "stairlift", "age")
AGED = 75 * 365 + 19
DIALYSIS, OXYGEN_AT_HOME, STAIRLIFT, ASKED = 0.0006, 0.004, 0.06, 0.35
# The list began in 2002.
FIRST_LISTED = 11_688


def _fire_visits(ask: Ask) -> Sheet:
    found = ask.events("fire-visit")
    sheet = ask.sheet(found["person"], since=found["day"], told=found["day"])
    sheet.live_at(found["address"])
    identity.names(sheet, "occupier_forename", "occupier_surname")
    identity.born(sheet, "occupier_born")
    identity.postcode(sheet, "postcode")
    identity.uprn(sheet, "uprn")
    sheet.put(visited=found["day"], smoke_alarms=found["alarms"], risk=found["risk"])
    sheet.write(
        oxygen=ask.dice.roll("oxygen", sheet.home) < OXYGEN,
        hoarding=ask.dice.roll("hoarding", sheet.home) < HOARDING,
    )
    return sheet


FIRE_VISITS = Plan(
    owner=FIRE,
    id="home-fire-safety-visits",
    title="Home fire safety visits",
    classification="special-category",
    delivery="snapshot",
    key=("visit_ref",),
    columns=(
        Column("visit_ref", "text", label="Visit"),
        Column("occupier_forename", "text", label="Forename of the occupier"),
        Column("occupier_surname", "text", label="Surname of the occupier"),
        Column("occupier_born", "date", optional=True, label="Date of birth"),
        Column("postcode", "text", optional=True, label="Postcode"),
        Column("uprn", "integer", label="Property number"),
        Column("visited", "date", label="Visited on"),
        Column("smoke_alarms", "integer", label="Smoke alarms fitted"),
        Column("risk", "text", label="Risk"),
        Column("oxygen", "boolean", label="Oxygen in the home"),
        Column("hoarding", "boolean", label="Hoarding"),
        *GUARDED,
    ),
    identity=(
        ("given_name", "occupier_forename"),
        ("family_name", "occupier_surname"),
        ("date_of_birth", "occupier_born"),
        ("postcode", "postcode"),
    ),
    draw=_fire_visits,
    prefix="V",
    notes=("Smokes in bed.", "Hard of hearing.", "Exit kept clear.", "Asked to call again."),
)


def _notices(ask: Ask) -> Sheet:
    found = ask.events("notice")
    sheet = ask.sheet(found["person"], since=found["day"], told=found["day"])
    identity.names(sheet, "forename_1", "surname")
    identity.born(sheet, "date_of_birth")
    identity.sex(sheet, "gender", ("Female", "Male"))
    identity.postcode(sheet, "postcode_of_home")
    sheet.put(raised=found["day"], kind=found["kind"], risk=found["risk"])
    return sheet


NOTICES = Plan(
    owner=POLICE,
    id="vulnerability-notices",
    title="Notices of vulnerable people whom officers met",
    classification="special-category",
    delivery="snapshot",
    key=("notice_ref",),
    columns=(
        Column("notice_ref", "text", label="Notice"),
        Column("forename_1", "text", label="First forename"),
        Column("surname", "text", label="Surname"),
        Column("date_of_birth", "date", optional=True, label="Date of birth"),
        Column("gender", "text", values=("Female", "Male"), label="Sex"),
        Column("postcode_of_home", "text", optional=True, label="Postcode of home"),
        Column("raised", "date", label="Raised on"),
        Column("kind", "text", label="Kind"),
        Column("risk", "text", label="Risk"),
        *GUARDED,
    ),
    identity=(
        ("given_name", "forename_1"),
        ("family_name", "surname"),
        ("date_of_birth", "date_of_birth"),
        ("sex", "gender"),
        ("postcode", "postcode_of_home"),
    ),
    draw=_notices,
    prefix="VN-",
    notes=(
        "Passed to the safeguarding hub.",
        "Neighbour called.",
        "Taken home.",
        "Body camera on.",
    ),
)


def _priority_services(ask: Ask) -> Sheet:
    people = ask.world.people
    numbers = np.arange(len(people.born), dtype=np.int32)
    need, since = _needs(ask, numbers)
    until = ask.gone(numbers)
    here = homes_at(ask.world.residence, numbers, np.full(len(numbers), ask.at, np.int32)) >= 0
    sheet = ask.sheet(numbers, since=since, until=until, keep=(need >= 0) & here, closed_stay=False)
    identity.names(sheet, "customer_forename", "customer_surname")
    identity.born(sheet, "customer_born")
    identity.postcode(sheet, "supply_postcode")
    identity.uprn(sheet, "uprn")
    sheet.put(since=since)
    sheet.write(need=np.array(NEEDS, dtype=object)[need[sheet.row]])
    return sheet


def _needs(ask: Ask, numbers: Array) -> tuple[Array, Array]:
    """Per person: place in NEEDS or -1, and the day they asked to be listed.

    The frail are on oxygen or dialysis four times as often, and the disabled have stairlifts.
    """
    people, roll = ask.world.people, ask.dice.roll("need", numbers)
    frailer = np.where(people.frail > np.quantile(people.frail, 0.75), 4.0, 1.0)
    aged = (people.born <= ask.world.settings.end - AGED) & (ask.dice.roll("aged", numbers) < ASKED)
    dialysis, oxygen = DIALYSIS * frailer, (DIALYSIS + OXYGEN_AT_HOME) * frailer
    stairlift = people.disabled & (roll > 1 - STAIRLIFT)
    need = np.select([roll < dialysis, roll < oxygen, stairlift, aged], [0, 1, 2, 3], -1)
    eldest = np.where(need == 3, people.born + AGED, people.born)
    came = np.maximum(np.maximum(people.arrived, eldest), FIRST_LISTED)
    since = ask.some_day("listed", numbers, came, ask.world.settings.end)
    return need, np.where(since > np.minimum(people.died, people.left), NEVER, since)


PRIORITY_SERVICES = Plan(
    owner=POWER,
    id="priority-services",
    title="Customers who need power most",
    classification="special-category",
    delivery="snapshot",
    key=("psr_ref",),
    columns=(
        Column("psr_ref", "text", label="Entry"),
        Column("customer_forename", "text", label="Forename of the customer"),
        Column("customer_surname", "text", label="Surname of the customer"),
        Column("customer_born", "date", optional=True, label="Date of birth"),
        Column("supply_postcode", "text", optional=True, label="Postcode"),
        Column("uprn", "integer", optional=True, label="Property number"),
        Column("need", "text", values=NEEDS, label="Need"),
        Column("since", "date", label="Listed since"),
        *GUARDED,
    ),
    identity=(
        ("given_name", "customer_forename"),
        ("family_name", "customer_surname"),
        ("date_of_birth", "customer_born"),
        ("postcode", "supply_postcode"),
    ),
    draw=_priority_services,
    prefix="PSR",
    notes=("Password agreed.", "Ring before a planned cut.", "Has a generator.", "Knock loudly."),
)

PLANS = (FIRE_VISITS, NOTICES, PRIORITY_SERVICES)
