"""Legal powers and duties to share: whom each can bind or empower, and whom it leaves out.

A party's `legal_power` is text. It cites one or more of these, each after a semicolon, by the
`citation`, another `spelling`, or the id.
"""

from __future__ import annotations

from dataclasses import dataclass

from . import bodies as b
from .entry import FROM_MEMORY, Entry, listed

DEA_CODE = "gov.uk, DEA 2017 Part 5 codes of practice, updated 12 February 2020"
DEA_OBJECTIVES = "legislation.gov.uk/uksi/2018/912/schedule/made"
DEA_PERSONS = (
    "Schedule 4 was read in part only: look up whether this very body is a specified person of "
    "this objective. English health and adult social care bodies are understood not to be."
)
REGISTER = "An entry in the public register of DEA agreements, and regard to the code of practice."
OBJECTIVE_BODIES = (b.COUNCIL, b.FIRE, b.POLICE, b.SCHOOL, b.GOVERNMENT, b.UTILITY)
SAFEGUARDING_PARTNERS = (b.CHILDREN, b.COUNCIL, b.HEALTH, b.POLICE, b.PROBATION, b.PRISON)
CARE_ACT = "legislation.gov.uk/ukpga/2014/23"


@dataclass(frozen=True, slots=True, kw_only=True)
class Power(Entry):
    """A power, or (`duty`) an obligation that leaves no choice.

    - `towards`: the classes of bodies that may be told under it; none named means any body
    - `excludes`: the classes that the Act leaves out, even where another class of theirs is in
    - `confidence`: whether it sets a duty of confidence aside by its own words
    - `spellings`: other ways in which agreements cite it
    """

    duty: bool = False
    towards: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    confidence: bool = False
    spellings: tuple[str, ...] = ()


def _objective(id_: str, title: str, fits: str, section: str = "s.35") -> Power:
    return Power(
        id=f"dea-{id_}",
        title=f"Public service delivery: {title}",
        citation=f"Digital Economy Act 2017 {section} ({title})",
        fits=fits,
        needs=(REGISTER,),
        source=DEA_OBJECTIVES,
        bodies=OBJECTIVE_BODIES,
        excludes=(b.HEALTH,),
        confidence=True,
        doubt=DEA_PERSONS,
    )


DIGITAL_ECONOMY = (
    _objective(
        "multiple-disadvantages",
        "multiple disadvantages",
        "Finding and helping people or households with two or more listed disadvantages, such as "
        "homelessness, ill-health or a disability.",
    ),
    _objective("fuel-poverty", "fuel poverty", "Helping people who cannot afford to heat homes."),
    _objective("water-poverty", "water poverty", "Helping people who cannot afford water."),
    _objective("television-retuning", "television retuning", "Helping people to retune."),
    Power(
        id="dea-debt",
        title="Debt owed to a public authority",
        citation="Digital Economy Act 2017 s.48",
        fits="Identifying or collecting a debt to a public authority that is overdue.",
        needs=(REGISTER, "A pilot, and regard to the code (s.52) and its fairness principles."),
        source="legislation.gov.uk/ukpga/2017/30/section/48",
        bodies=(b.COUNCIL, b.GOVERNMENT),
        excludes=(b.HEALTH,),
        confidence=True,
        doubt="Schedule 7 was not read: look up whether this very body is in it.",
    ),
    Power(
        id="dea-fraud",
        title="Fraud against a public authority",
        citation="Digital Economy Act 2017 s.56",
        fits="Preventing, detecting or acting on fraud against a public authority.",
        needs=(REGISTER, "A pilot, and regard to the code (s.60)."),
        source=DEA_CODE,
        bodies=(b.COUNCIL, b.GOVERNMENT),
        excludes=(b.HEALTH,),
        confidence=True,
        doubt="Schedule 8 was not read: look up whether this very body is in it.",
    ),
    Power(
        id="dea-research",
        title="Research",
        citation="Digital Economy Act 2017 s.64",
        fits="Accredited research, in an accredited place, on data that show nobody.",
        needs=("Accreditation of project, people and processor by the UK Statistics Authority.",),
        source="HMRC information disclosure guide IDG55450",
        bodies=(b.COUNCIL, b.GOVERNMENT, b.POLICE, b.FIRE, b.SCHOOL, b.PROBATION),
        excludes=(b.HEALTH,),
        confidence=True,
        doubt="That information held for health services or adult social care is left out was read "
        "in a print of the Bill (there clause 61(4)), not in the Act.",
    ),
    Power(
        id="dea-statistics",
        title="Official statistics",
        citation="Digital Economy Act 2017 s.80",
        fits="The Statistics Authority asks for data for its functions.",
        source=DEA_CODE,
        towards=(b.STATISTICS,),
        checked=None,
        doubt=f"{FROM_MEMORY} The power stands in the Statistics and Registration Service Act "
        "2007, which that Act changed.",
    ),
)
CIVIL_REGISTRATION = (
    Power(
        id="registration-service-act-19aa",
        title="Civil registration",
        citation="Registration Service Act 1953 s.19AA",
        fits="A registration official gives registration data that the recipient’s functions need.",
        needs=(
            "An agreement before the first disclosure, and regard to the code of practice.",
            "A fee of £57 an hour (local) or £52 (Registrar General), which may be waived.",
        ),
        source="legislation.gov.uk/uksi/2018/709; the code, updated 12 February 2020",
        bodies=(b.REGISTRARS, b.COUNCIL, b.GOVERNMENT),
        confidence=True,
        doubt="Whether bulk data need the Registrar General’s consent; whom s.19AB specifies.",
    ),
    Power(
        id="births-and-deaths-registration-act",
        title="Registration of births and deaths",
        citation="Births and Deaths Registration Act 1953",
        fits="Registering births and deaths themselves; sharing them rests on s.19AA.",
        needs=("A power to share, such as the Registration Service Act 1953 s.19AA.",),
        source="legislation.gov.uk/ukpga/Eliz2/1-2/20",
        bodies=(b.REGISTRARS,),
        checked=None,
        doubt=FROM_MEMORY,
    ),
)
EMERGENCIES = (
    Power(
        id="civil-contingencies-act",
        title="Civil contingencies: planning together",
        citation="Civil Contingencies Act 2004 s.2",
        fits="Responders plan for an emergency, and share what the plan needs.",
        needs=("Category 1 or 2 responders on both sides (Schedule 1).",),
        source="legislation.gov.uk/ukpga/2004/36/schedule/1",
        bodies=(b.COUNCIL, b.POLICE, b.FIRE, b.HEALTH, b.UTILITY),
        duty=True,
        spellings=("Civil Contingencies Act 2004", "CCA 2004"),
        doubt="An NHS trust is one for ambulances or emergency departments; other health bodies "
        "and duties of category 2 responders differ. The emergency itself may need no agreement.",
    ),
    Power(
        id="contingency-planning-regulations",
        title="Civil contingencies: a request for information",
        citation="Civil Contingencies Act 2004 (Contingency Planning) Regulations 2005 reg.47",
        fits="One responder asks another for information it already holds, and says what and why.",
        needs=("A recorded request: who of category 1 or 2, what, why.",),
        source="legislation.gov.uk/uksi/2005/2042",
        bodies=(b.COUNCIL, b.POLICE, b.FIRE, b.HEALTH, b.UTILITY),
        towards=(b.COUNCIL, b.POLICE, b.FIRE, b.HEALTH, b.UTILITY),
        duty=True,
        spellings=("SI 2005/2042",),
        doubt="Regulations 44A, 47 and 49 are known by number, not read in their present text.",
    ),
)


def _care(
    section: int, title: str, fits: str, bodies: tuple[str, ...], *, duty: bool = True
) -> Power:
    return Power(
        id=f"care-act-{section}",
        title=title,
        citation=f"Care Act 2014 s.{section}",
        fits=fits,
        source=f"{CARE_ACT}/section/{section}",
        bodies=bodies,
        duty=duty,
        checked=None,
        doubt=FROM_MEMORY,
    )


CARE = (
    _care(
        2,
        "Preventing needs for care",
        "Preventing, reducing or delaying needs for care and support.",
        (b.SOCIAL_CARE,),
        duty=False,
    ),
    _care(
        6,
        "Co-operating generally",
        "A council and its relevant partners co-operate in adults’ care and support.",
        (b.SOCIAL_CARE, b.COUNCIL, b.HEALTH, b.POLICE, b.PROBATION, b.PRISON, b.JOBCENTRE),
    ),
    _care(
        7,
        "Co-operating in specific cases",
        "A council or partner asks for co-operation about one adult or carer.",
        (b.SOCIAL_CARE, b.COUNCIL, b.HEALTH, b.POLICE, b.PROBATION, b.PRISON, b.JOBCENTRE),
    ),
    Power(
        id="care-act-42",
        title="Enquiry about an adult at risk",
        citation="Care Act 2014 s.42",
        fits="A council suspects abuse or neglect of an adult with care needs, and enquires.",
        source=f"{CARE_ACT}/section/42",
        bodies=(b.SOCIAL_CARE,),
        duty=True,
    ),
    Power(
        id="care-act-45",
        title="Supply of information to a safeguarding adults board",
        citation="Care Act 2014 s.45",
        fits="The board asks somebody who is likely to have information that its work needs.",
        needs=("A request by the safeguarding adults board.",),
        source=f"{CARE_ACT}/section/45",
        duty=True,
    ),
)
CHILDREN = (
    Power(
        id="children-act-10",
        title="Co-operation for children’s well-being",
        citation="Children Act 2004 s.10",
        fits="A council and its relevant partners improve the well-being of children together.",
        source="legislation.gov.uk/ukpga/2004/31/section/10/enacted",
        bodies=(*SAFEGUARDING_PARTNERS, b.SCHOOL, b.JOBCENTRE),
        duty=True,
        doubt="Read as enacted; the list of relevant partners has been changed since.",
    ),
    Power(
        id="children-act-11",
        title="Safeguarding children in all that a body does",
        citation="Children Act 2004 s.11",
        fits="A listed body has regard to children’s safety and welfare in what it does.",
        source="legislation.gov.uk/ukpga/2004/31/section/11",
        bodies=SAFEGUARDING_PARTNERS,
        duty=True,
    ),
    Power(
        id="children-information-sharing-duty",
        title="Children’s information-sharing duty",
        citation="Children’s Wellbeing and Schools Act 2026 s.4",
        fits="A listed body holds information relevant to a child’s safety or welfare, and telling "
        "another may help it; unless telling would harm the child more.",
        needs=(
            "Fact and opinion kept apart, the context of request and reply, and who the child’s "
            "contacts are.",
            "A record of each refusal with its reason. Consent is not required.",
        ),
        source="legislation.gov.uk/ukpga/2026/21/section/4/enacted; escb.co.uk for the date",
        bodies=(*SAFEGUARDING_PARTNERS, b.SCHOOL, b.CARE_PROVIDER, b.CHARITY, b.COMPANY),
        duty=True,
        spellings=("Children's Wellbeing and Schools Act 2026 s.4", "Children Act 2004 s.16LA"),
        doubt="It was announced for 30 September 2026: whether it has commenced, and the final "
        "guidance and template, were not seen. A provider is bound only by its arrangement with a "
        "listed body.",
    ),
    Power(
        id="education-act-2002-175",
        title="Schools’ duty towards pupils’ welfare",
        citation="Education Act 2002 s.175",
        fits="A council or a maintained school safeguards children and promotes their welfare.",
        source="legislation.gov.uk/ukpga/2002/32/section/175",
        bodies=(b.CHILDREN, b.SCHOOL),
        duty=True,
        checked=None,
        doubt=f"{FROM_MEMORY} Academies have a like duty under s.157.",
    ),
    Power(
        id="education-act-1996-13",
        title="Education in the area",
        citation="Education Act 1996 s.13",
        fits="A council plans so that there is enough education for the people of its area.",
        source="legislation.gov.uk/ukpga/1996/56/section/13",
        bodies=(b.CHILDREN,),
        checked=None,
        doubt=f"{FROM_MEMORY} It says nothing of sharing.",
    ),
)
HEALTH = (
    Power(
        id="hsca-251b",
        title="Duty to share for care",
        citation="Health and Social Care Act 2012 s.251B",
        fits="Commissioners and providers of health or adult social care share about one person "
        "whose care it helps and whose interests it serves, unless the person objects.",
        source="legislation.gov.uk/ukpga/2015/28/notes (explanatory notes to s.3)",
        bodies=(b.HEALTH, b.SOCIAL_CARE, b.CARE_PROVIDER),
        towards=(b.HEALTH, b.SOCIAL_CARE, b.CARE_PROVIDER),
        duty=True,
    ),
    Power(
        id="copi-regulation-3",
        title="Control of patient information: risks to public health",
        citation="Health Service (Control of Patient Information) Regulations 2002 reg.3",
        fits="Watching and controlling communicable diseases and other risks to public health.",
        source="legislation.gov.uk/uksi/2002/1438; digital.nhs.uk, opt-out policy 6.2",
        bodies=(b.HEALTH, b.COUNCIL, b.GOVERNMENT),
        confidence=True,
        spellings=("SI 2002/1438 reg.3",),
    ),
    Power(
        id="copi-regulation-5",
        title="Control of patient information: medical purposes",
        citation="Health Service (Control of Patient Information) Regulations 2002 reg.5",
        fits="Research, or managing care services, where consent cannot be had.",
        needs=("Support under NHS Act 2006 s.251, on the advice of its advisory group (CAG).",),
        source="digital.nhs.uk, opt-out guidance for researchers, appendix 1",
        confidence=True,
        spellings=("SI 2002/1438 reg.5", "National Health Service Act 2006 s.251"),
    ),
    Power(
        id="nhs-act-82",
        title="Co-operation of NHS and councils",
        citation="National Health Service Act 2006 s.82",
        fits="NHS bodies and councils co-operate for the health and welfare of people.",
        source="legislation.gov.uk/ukpga/2006/41/section/82",
        bodies=(b.HEALTH, b.COUNCIL),
        duty=True,
        checked=None,
        doubt="Its forerunner was read (Health Act 1999 s.27), not s.82 itself. It is understood "
        "to set no confidence aside.",
    ),
)
SAFETY = (
    Power(
        id="crime-and-disorder-act-115",
        title="Crime and disorder: power to tell",
        citation="Crime and Disorder Act 1998 s.115",
        fits="Anybody tells a relevant authority what a provision of this Act needs. It is a "
        "power, not a duty.",
        source="cps.gov.uk, Gwent information exchange protocol, appendix 2 (the section’s text)",
        towards=(b.POLICE, b.COUNCIL, b.PROBATION, b.HEALTH, b.FIRE, b.LANDLORD),
        doubt="Read as enacted: police, councils, probation, health. Fire authorities and "
        "landlords are understood to have been added.",
    ),
    Power(
        id="fire-and-rescue-services-act-6",
        title="Promoting fire safety",
        citation="Fire and Rescue Services Act 2004 s.6",
        fits="A fire authority promotes fire safety, such as by visits to homes.",
        source="legislation.gov.uk/ukpga/2004/21/part/2/crossheading/core-functions/enacted",
        bodies=(b.FIRE,),
    ),
    Power(
        id="police-act-30",
        title="Powers of constables",
        citation="Police Act 1996 s.30",
        fits="Constables act in all of England and Wales; it says nothing of sharing.",
        needs=("A power to share, such as the police’s duties at common law.",),
        source="legislation.gov.uk/ukpga/1996/16/section/30",
        bodies=(b.POLICE,),
        checked=None,
        doubt=FROM_MEMORY,
    ),
    Power(
        id="policing-at-common-law",
        title="Policing at common law",
        citation="common law policing purposes",
        fits="Protecting life and property, preserving order, preventing offences, bringing "
        "offenders to justice.",
        source="College of Policing, APP on information sharing; thamesvalley.police.uk",
        bodies=(b.POLICE,),
    ),
)
HOMES_AND_COUNCILS = (
    Power(
        id="homelessness-duty-to-refer",
        title="Duty to refer",
        citation="Housing Act 1996 s.213B",
        fits="A listed body thinks that somebody may be homeless or soon will be, and tells the "
        "housing authority which that person has chosen.",
        needs=("The person’s consent to the referral.",),
        source="cannockchasedc.gov.uk, duty to refer; legislation.gov.uk/uksi/2018/223",
        bodies=(b.SOCIAL_CARE, b.CHILDREN, b.HEALTH, b.PROBATION, b.PRISON, b.JOBCENTRE),
        towards=(b.HOUSING_AUTHORITY,),
        duty=True,
        spellings=("Homelessness Reduction Act 2017", "Homelessness Reduction Act 2017 s.10"),
        doubt="Of health, only emergency, urgent treatment and in-patient services.",
    ),
    Power(
        id="housing-act-1996-part-6",
        title="Allocation of housing",
        citation="Housing Act 1996 Part 6",
        fits="A housing authority decides who is offered a home.",
        source="legislation.gov.uk/ukpga/1996/52/part/VI",
        bodies=(b.HOUSING_AUTHORITY,),
        checked=None,
        doubt=FROM_MEMORY,
    ),
    Power(
        id="localism-act-1",
        title="General power of competence",
        citation="Localism Act 2011 s.1",
        fits="A council does what individuals generally may, where no older law limits it.",
        needs=("A look at what limits it (s.2). It sets no duty of confidence aside.",),
        source="legislation.gov.uk/ukpga/2011/20/section/1",
        bodies=(b.COUNCIL,),
    ),
    Power(
        id="local-government-act-111",
        title="Power to do what helps a function",
        citation="Local Government Act 1972 s.111",
        fits="A council does what is calculated to help one of its functions.",
        needs=("The function that it helps, cited beside it.",),
        source="lag.org.uk, A plain English guide to the Localism Act 17.1, which quotes it",
        bodies=(b.COUNCIL,),
    ),
)
POWERS = listed(
    (
        *DIGITAL_ECONOMY,
        *CIVIL_REGISTRATION,
        *EMERGENCIES,
        *CARE,
        *CHILDREN,
        *HEALTH,
        *SAFETY,
        *HOMES_AND_COUNCILS,
    )
)
