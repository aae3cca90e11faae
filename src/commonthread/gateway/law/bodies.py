"""What kinds of bodies there are, as the law sees them.

A partner says its `kind` in its own words (`county-council`, `nhs-trust`, `police`). The law speaks
of classes: whoever is a local authority with adult social care, whoever provides NHS services. A
wide kind such as `council` may be in every class that some council is in, since nobody has said
which; the narrower kind gives the sharper warning.
"""

from __future__ import annotations

from dataclasses import dataclass

COUNCIL, SOCIAL_CARE, CHILDREN = "council", "social-care-authority", "childrens-services-authority"
HOUSING_AUTHORITY, REGISTRARS = "housing-authority", "civil-registration"
HEALTH, POLICE, FIRE, PROBATION = "health-body", "police", "fire-and-rescue", "probation"
SCHOOL, LANDLORD, UTILITY = "school", "social-landlord", "utility"
CARE_PROVIDER, GOVERNMENT, JOBCENTRE = "care-provider", "government", "jobcentre"
PRISON, STATISTICS, RESEARCHER = "prison", "statistics-authority", "research-body"
CHARITY, COMPANY, ICB, AMBULANCE = "charity", "company", "health-commissioner", "ambulance"
CLASSES = {
    COUNCIL: "a local authority",
    SOCIAL_CARE: "a local authority with adult social care",
    CHILDREN: "a local authority with children’s services",
    HOUSING_AUTHORITY: "a local housing authority",
    REGISTRARS: "a civil registration official",
    HEALTH: "a body that provides or commissions NHS services",
    ICB: "an integrated care board",
    AMBULANCE: "an ambulance service",
    POLICE: "a police force",
    FIRE: "a fire and rescue authority",
    PROBATION: "a probation service",
    PRISON: "a prison or youth custody service",
    JOBCENTRE: "Jobcentre Plus",
    SCHOOL: "a school or academy",
    LANDLORD: "a registered provider of social housing",
    UTILITY: "a supplier or distributor of energy or water",
    CARE_PROVIDER: "a provider of adult social care",
    GOVERNMENT: "a government department",
    STATISTICS: "the UK Statistics Authority",
    RESEARCHER: "a university or other research body",
    CHARITY: "a voluntary organisation",
    COMPANY: "a company",
}
ALL_COUNCIL = (COUNCIL, SOCIAL_CARE, CHILDREN, HOUSING_AUTHORITY, REGISTRARS)
ALL_HEALTH = (HEALTH, ICB, AMBULANCE)


@dataclass(frozen=True, slots=True)
class Kind:
    """A partner's kind: the classes it may be in, and whether it is a public authority.

    Public authority is as in the Freedom of Information Act 2000, which the Data Protection Act
    2018 s.7 refers to. A GP practice and an academy are ones for their public functions.
    """

    id: str
    title: str
    classes: tuple[str, ...]
    public: bool


KINDS = {
    kind.id: kind
    for kind in (
        Kind("council", "Council", ALL_COUNCIL, True),
        Kind(
            "county-council", "County council", (COUNCIL, SOCIAL_CARE, CHILDREN, REGISTRARS), True
        ),
        Kind("district-council", "District council", (COUNCIL, HOUSING_AUTHORITY), True),
        Kind("unitary-council", "Unitary council", ALL_COUNCIL, True),
        Kind("registration", "Registration service", (COUNCIL, REGISTRARS), True),
        Kind("health", "Health body", ALL_HEALTH, True),
        Kind("nhs-trust", "NHS trust", (HEALTH,), True),
        Kind("ambulance", "Ambulance service", (HEALTH, AMBULANCE), True),
        Kind("gp", "GP practice or federation", (HEALTH,), True),
        Kind("icb", "Integrated care board", (HEALTH, ICB), True),
        Kind("police", "Police force", (POLICE,), True),
        Kind("fire", "Fire and rescue service", (FIRE,), True),
        Kind("probation", "Probation service", (PROBATION,), True),
        Kind("prison", "Prison or youth custody", (PRISON,), True),
        Kind("jobcentre", "Jobcentre Plus", (JOBCENTRE, GOVERNMENT), True),
        Kind("school", "School", (SCHOOL,), True),
        Kind("academy", "Academy", (SCHOOL,), True),
        Kind("university", "University", (RESEARCHER,), True),
        Kind("government", "Government department", (GOVERNMENT,), True),
        Kind("statistics-authority", "UK Statistics Authority", (STATISTICS, GOVERNMENT), True),
        Kind("housing", "Housing association", (LANDLORD,), False),
        Kind("utility", "Utility", (UTILITY, COMPANY), False),
        Kind("care-provider", "Provider of social care", (CARE_PROVIDER,), False),
        Kind("charity", "Voluntary organisation", (CHARITY,), False),
        Kind("company", "Company", (COMPANY,), False),
        Kind("registry", "Research registry", (RESEARCHER,), False),
    )
}


def is_one_of(kind: str, classes: tuple[str, ...]) -> bool | None:
    """Whether a body of this kind is in one of the classes; None where the kind is not known."""
    known = KINDS.get(kind)
    if known is None:
        return None
    return not classes or bool(set(known.classes) & set(classes))


def is_certainly(kind: str, classes: tuple[str, ...]) -> bool:
    """Whether every body of this kind is in one of the classes."""
    return kind in KINDS and bool(set(KINDS[kind].classes) & set(classes))


def is_public(kind: str) -> bool:
    """Whether it is a public authority; a kind that is not known is none."""
    return kind in KINDS and KINDS[kind].public


def in_words(classes: tuple[str, ...]) -> str:
    """`a police force, a fire and rescue authority`, or `any body`."""
    return ", ".join(CLASSES[each] for each in classes) or "any body"
