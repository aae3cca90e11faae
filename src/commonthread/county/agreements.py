"""The county's agreements, each in a few lines; `governance` writes them out in full."""

from __future__ import annotations

from dataclasses import dataclass

from .records import PLANS

LINKAGE = "ISA-2026-001"
BORN_BY, TODAY = "1961-01-01", "2026-01-01"
Columns = tuple[str | tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Given:
    """One grant. `columns`: a name, or (name, treatment[, as at]); `rows` all hold."""

    id: str
    dataset: str
    to: tuple[str, ...]
    mode: str
    columns: Columns
    rows: tuple[tuple[str, str, object], ...] = ()
    person: bool = False
    persons: str = ""
    by: str = "person"
    per_day: int = 40
    needs: tuple[str, ...] = ()
    export: bool = False
    retention: str = "P90D"


@dataclass(frozen=True, slots=True)
class Agreed:
    """One agreement with what its DPIA says. `unsigned`: who has still to sign in the demo."""

    reference: str
    file: str
    title: str
    lead: str
    purpose: str
    purpose_text: str
    grants: tuple[Given, ...]
    need: str
    necessity: str
    risk: str
    mitigation: str
    consulted: tuple[str, ...] = ()
    rests_on: tuple[str, ...] = (LINKAGE,)
    on_withdrawal: str = "end"
    single_out: bool = False
    lawful_basis: str = "public-task"
    condition: str = "health-or-social-care"
    confidentiality: str = "section-251-support"
    opt_out: str = "national-data-opt-out"
    unsigned: tuple[str, ...] = ()


def _index() -> tuple[Given, ...]:
    """Every dataset about people, to the person index: keys and identity, nothing else."""
    found = []
    for plan in PLANS:
        if plan.identity:
            columns = dict.fromkeys([*plan.key, *(column for _, column in plan.identity)])
            found.append(
                Given(
                    id=f"index-{plan.id}",
                    dataset=f"{plan.owner}/{plan.id}",
                    to=("commonthread/person-index",),
                    mode="rows",
                    columns=tuple(columns),
                    retention="P10Y",
                )
            )
    return tuple(found)


TELECARE, ALARMS = "wychshire/telecare", "wychshire/telecare-alarms"
CARE, BADGES = "wychshire/adult-social-care", "wychshire/blue-badges"
ATTENDANCES, STAYS = "severn-acute/emergency-attendances", "severn-acute/inpatient-stays"
REGISTER, TENANCIES = "vale-gps/gp-register", "riverside-homes/tenancies"
HOUSING, BENEFITS = "saltbridge/housing-register", "saltbridge/benefits"
COUNCIL_TAX, VISITS = "saltbridge/council-tax", "hereward-fire/home-fire-safety-visits"
NOTICES, PRIORITY = "mercia-police/vulnerability-notices", "severn-power/priority-services"
BIRTHS, DEATHS = "registration/births", "registration/deaths"
SCHOOLS = "wychshire/school-roll"

AGREEMENTS = (
    Agreed(
        LINKAGE,
        "linkage",
        "One resident, many records: the person index",
        "wychshire",
        "linkage",
        "Decide which records of the partners belong to the same resident.",
        _index(),
        need="Matching of identities at scale across nine organisations.",
        necessity="No purpose that crosses partners can be served without knowing who is who.",
        risk="Two people are taken for one, and somebody acts on the wrong record.",
        mitigation="Clerical review of doubtful matches; the index holds no purpose of its own.",
        consulted=("residents' panel", "Caldicott guardians"),
        rests_on=(),
    ),
    Agreed(
        "ISA-2026-014",
        "falls-prevention",
        "Keeping people who use assistive technology out of hospital",
        "wychshire",
        "falls-prevention",
        "Find which uses of assistive technology go with fewer emergency attendances.",
        (
            Given(
                "telecare-over-65",
                TELECARE,
                ("wychshire/analysts",),
                "statistics",
                (("born", "age-band", TODAY), "district", "device", "alarms_90d"),
                (("born", "<=", BORN_BY),),
                person=True,
                export=True,
            ),
            Given(
                "attendances",
                ATTENDANCES,
                ("wychshire/analysts",),
                "statistics",
                (("arrived", "month"), "reason", "mode", "outcome"),
                (("arrived", ">=", "2025-01-01"),),
                person=True,
                persons="telecare-over-65",
                export=True,
            ),
        ),
        need="Innovative use of special category data about older people.",
        necessity="Neither service alone sees both the device and the attendance.",
        risk="A rare combination of device, district and age could point to a person.",
        mitigation="Counts under five are not published; figures are rounded to five.",
        consulted=("carers' forum",),
    ),
    Agreed(
        "ISA-2026-020",
        "rising-alarms",
        "A visit before the fall: rising alarms",
        "wychshire",
        "direct-care",
        "Visit residents whose alarms rise before an emergency happens.",
        (
            Given(
                "clients",
                TELECARE,
                ("wychshire/telecare-team",),
                "rows",
                ("forename", "surname", "postcode", "device", "alarms_90d"),
                (("alarms_90d", ">=", 2),),
                person=True,
            ),
            Given(
                "visits-to-hospital",
                ATTENDANCES,
                ("wychshire/telecare-team",),
                "rows",
                ("arrived", "reason", "outcome"),
                (("arrived", ">=", "2026-07-01"),),
                person=True,
                persons="clients",
            ),
            Given(
                "before-a-visit",
                REGISTER,
                ("wychshire/telecare-team",),
                "lookup",
                ("given_name", "family_name", "frailty", "lives_alone", "carer"),
                person=True,
            ),
        ),
        need="Records of identifiable patients are seen by council staff.",
        necessity="A visit cannot be made without the name and the address.",
        risk="Someone is looked up who is not to be visited.",
        mitigation="Every look-up has a reason and a daily limit, and stands in the ledger.",
        confidentiality="implied-consent-direct-care",
        opt_out="not-applicable-direct-care",
    ),
    Agreed(
        "ISA-2026-031",
        "safe-and-well",
        "Safe and well: where a fire would be worst",
        "hereward-fire",
        "fire-prevention",
        "Offer home fire safety visits first to those who could not get out alone.",
        (
            Given(
                "care-at-home",
                CARE,
                ("hereward-fire/prevention",),
                "rows",
                ("first_name", "surname", "postcode", "need", "lives_alone"),
                (("lives_alone", "=", True),),
                person=True,
            ),
            Given(
                "oxygen-at-home",
                PRIORITY,
                ("hereward-fire/prevention",),
                "rows",
                ("customer_forename", "customer_surname", "supply_postcode", "need"),
                (("need", "in", ["oxygen", "dialysis", "stairlift"]),),
                person=True,
            ),
            Given(
                "visited",
                VISITS,
                ("hereward-fire/prevention",),
                "rows",
                ("visited", "risk", "smoke_alarms"),
                (("visited", ">=", "2024-01-01"),),
                person=True,
            ),
        ),
        need="Vulnerable adults' details go to another service.",
        necessity="A visit needs a door to knock on; a list by area would visit hundreds in vain.",
        risk="An officer learns of a care need that the visit does not need.",
        mitigation="Needs are codes; no notes are granted.",
        lawful_basis="public-task",
        condition="substantial-public-interest",
    ),
    Agreed(
        "ISA-2026-032",
        "emergency",
        "Who needs help now: an emergency in this area",
        "wychshire",
        "civil-protection",
        "In an activated emergency, find and help residents who are vulnerable where it happens.",
        (
            Given(
                "care-clients",
                CARE,
                ("wychshire/emergency-planning", "hereward-fire/prevention"),
                "rows",
                ("first_name", "surname", "postcode", "need", "lives_alone"),
                person=True,
                needs=("activation",),
            ),
            Given(
                "telecare-users",
                TELECARE,
                ("wychshire/emergency-planning", "hereward-fire/prevention"),
                "rows",
                ("forename", "surname", "postcode", "device"),
                person=True,
                needs=("activation",),
            ),
            Given(
                "power-dependent",
                PRIORITY,
                ("wychshire/emergency-planning", "hereward-fire/prevention"),
                "rows",
                ("customer_forename", "customer_surname", "supply_postcode", "need"),
                person=True,
                needs=("activation",),
            ),
        ),
        need="Lists of vulnerable people, ready before the emergency.",
        necessity="In a flood there is no time to ask each service for a list.",
        risk="The lists are opened without an emergency.",
        mitigation="Nothing opens until a controller attests an activation, for hours.",
        on_withdrawal="continue-without",
        lawful_basis="vital-interests",
        condition="vital-interests",
    ),
    Agreed(
        "ISA-2026-040",
        "damp-and-breathing",
        "Homes that make people ill",
        "saltbridge",
        "housing-and-health",
        "Find out how attendances for breathing differ between homes with and without damp.",
        (
            Given(
                "homes",
                TENANCIES,
                ("saltbridge/analysts",),
                "statistics",
                ("damp_reported", ("property_postcode", "outward"), ("since", "year")),
                person=True,
                export=True,
            ),
            Given(
                "breathing",
                ATTENDANCES,
                ("saltbridge/analysts",),
                "statistics",
                ("reason", ("arrived", "month"), "outcome"),
                (("reason", "in", ["breathing", "infection"]),),
                person=True,
                persons="homes",
                export=True,
            ),
        ),
        need="Health data joined to landlords' records.",
        necessity="The landlord knows the damp, the hospital the breath; the question needs both.",
        risk="A landlord learns of a tenant's illness.",
        mitigation="Statistics only; recipients are analysts of the council, not of the landlord.",
        condition="public-health",
    ),
    Agreed(
        "ISA-2026-041",
        "single-person-discount",
        "Reviewing single person discounts",
        "saltbridge",
        "revenue-protection",
        "Count how many single person discounts stand against other records of who lives there.",
        (
            Given(
                "discounts",
                COUNCIL_TAX,
                ("saltbridge/analysts",),
                "statistics",
                ("discount", "band", ("postcode", "outward")),
                person=True,
            ),
            Given(
                "patients",
                REGISTER,
                ("saltbridge/analysts",),
                "statistics",
                ("lives_alone", ("postcode", "outward")),
                person=True,
            ),
        ),
        need="Patient registers used for revenue.",
        necessity="Disputed: the Caldicott guardian has asked whether a sample would do.",
        risk="Patients stay away from the doctor for fear of the taxman.",
        mitigation="Counts only; still under negotiation.",
        unsigned=("vale-gps",),
    ),
    Agreed(
        "ISA-2026-050",
        "births",
        "A health visitor for every birth",
        "registration",
        "birth-notification",
        "Tell health visitors of births, so that every family is seen in a fortnight.",
        (
            Given(
                "new-births",
                BIRTHS,
                ("vale-gps/health-visitors",),
                "rows",
                (
                    *("child_given_names", "child_family_name", "born"),
                    *("mother_given_name", "mother_family_name", "mother_postcode"),
                ),
                (("born", ">=", "2026-04-01"),),
                export=True,
            ),
        ),
        need="Data about children.",
        necessity="Parents are told of it when they register.",
        risk="A family under protection is found.",
        mitigation="Protected families are never in the rows.",
        rests_on=(),
        confidentiality="implied-consent-direct-care",
        opt_out="not-applicable-direct-care",
    ),
    Agreed(
        "ISA-2026-051",
        "tell-us-once",
        "Tell us once: deaths",
        "registration",
        "death-notification",
        "Tell the services that a family should not have to write to.",
        (
            Given(
                "deaths-to-tell",
                DEATHS,
                ("saltbridge/lettings", "riverside-homes/tenancy-support"),
                "rows",
                ("forenames", "surname", "date_of_birth", "usual_postcode", "died"),
                (("died", ">=", "2026-01-01"),),
                export=True,
            ),
        ),
        need="Data about people who died lately, of interest to their families.",
        necessity="Letters to the dead are the complaint that councils get most.",
        risk="A notice about the wrong person ends somebody's support.",
        mitigation="Recipients check the date of birth before they act.",
        rests_on=(),
        on_withdrawal="continue-without",
    ),
    Agreed(
        "ISA-2026-060",
        "school-places",
        "School places and special needs to come",
        "wychshire",
        "school-planning",
        "Plan places by counting pupils, special needs and births by area.",
        (
            Given(
                "pupils",
                SCHOOLS,
                ("wychshire/analysts",),
                "statistics",
                ("year_group", "send", "free_meals", ("home_postcode", "outward")),
                export=True,
            ),
            Given(
                "births-by-area",
                BIRTHS,
                ("wychshire/analysts",),
                "statistics",
                (("born", "month"), ("mother_postcode", "outward"), "sex"),
                export=True,
            ),
        ),
        need="Children's data at scale.",
        necessity="Counts by area and year are enough, and nothing else is asked for.",
        risk="A lone pupil with a statement in a small area.",
        mitigation="Counts under five are not published.",
        rests_on=(),
        condition="substantial-public-interest",
    ),
    Agreed(
        "ISA-2026-061",
        "safeguarding",
        "Safeguarding adults: the duty desk",
        "mercia-police",
        "safeguarding",
        "See what police and care know of an adult about whom there is a concern.",
        (
            Given(
                "notices",
                NOTICES,
                ("wychshire/duty-desk",),
                "lookup",
                ("forename_1", "surname", "raised", "kind", "risk"),
                person=True,
                needs=("training",),
                per_day=25,
            ),
            Given(
                "care-of-one",
                CARE,
                ("mercia-police/harm-reduction",),
                "lookup",
                ("first_name", "surname", "need", "hours", "lives_alone"),
                person=True,
                needs=("approval",),
                per_day=10,
            ),
        ),
        need="Police intelligence about adults in need.",
        necessity="Care Act 2014 s.45: each must tell the board what it knows.",
        risk="Browsing of neighbours and acquaintances.",
        mitigation="One person at a time, for a reason; training or approval first; daily limits.",
        condition="substantial-public-interest",
    ),
    Agreed(
        "ISA-2026-070",
        "priority-services",
        "No one left in the dark: priority services",
        "severn-power",
        "priority-services",
        "Offer the priority services register to those whose care depends on power.",
        (
            Given(
                "on-the-register",
                PRIORITY,
                ("wychshire/telecare-team",),
                "rows",
                ("need", "since"),
                person=True,
            ),
            Given(
                "telecare-homes",
                TELECARE,
                ("severn-power/priority-services",),
                "rows",
                ("forename", "surname", "postcode", "device"),
                person=True,
            ),
        ),
        need="A company receives details of vulnerable customers.",
        necessity="Four in ten who could be on the register are not.",
        risk="The company uses the list for something else.",
        mitigation="No export; retention of 90 days; audit by the county.",
        condition="substantial-public-interest",
        unsigned=("severn-power",),
    ),
    Agreed(
        "ISA-2026-080",
        "housing-list",
        "A housing list that is true",
        "saltbridge",
        "housing-allocation",
        "Check applications against tenancies and benefits before a home is offered.",
        (
            Given(
                "applicants",
                HOUSING,
                ("saltbridge/lettings",),
                "rows",
                ("application_ref", "forename", "surname", "band", "bedrooms", "applied"),
                person=True,
                export=True,
                retention="P30D",
            ),
            Given(
                "tenants",
                TENANCIES,
                ("saltbridge/lettings",),
                "rows",
                ("tenancy_ref", "since", "until", "arrears_weeks"),
                person=True,
                persons="applicants",
            ),
            Given(
                "claims",
                BENEFITS,
                ("saltbridge/lettings",),
                "rows",
                ("kind", "since", "until"),
                person=True,
                persons="applicants",
            ),
        ),
        need="Records of three services joined for decisions about homes.",
        necessity="Homes are scarce; one in twenty applications is out of date.",
        risk="A home is refused because of an error in a record.",
        mitigation="Nobody is refused on the data alone; applicants see what was used.",
        lawful_basis="legal-obligation",
    ),
)
