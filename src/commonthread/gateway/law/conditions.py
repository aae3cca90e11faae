"""Special categories (Article 9), criminal offences (Article 10), and Schedule 1 of the DPA 2018.

The terms have a field for the condition of Article 9. The condition of Schedule 1 that it needs is
cited in the party's `legal_power`, after a semicolon: `Care Act 2014 s.42; DPA 2018 Sch 1 para 18`.
The appropriate policy document is a duty of that party whose id begins with `policy-document`.
"""

from __future__ import annotations

from dataclasses import dataclass

from .bodies import CARE_PROVIDER, CHILDREN, HEALTH, SOCIAL_CARE
from .entry import CHECKED, FROM_MEMORY, Entry, listed

ARTICLE_9 = (
    "ico.org.uk, What are the rules on special category data? (Article 9, DPA 2018 ss.10, 11)"
)
SCHEDULE = "legislation.gov.uk/ukpga/2018/12/schedule/1"
HEADING = "Its heading was read (ICO, substantial public interest conditions), not its text."
POLICY = "An appropriate policy document (DPA 2018 Sch 1 paras 5, 38 and 39)."
PART_1 = "The condition of DPA 2018 Sch 1 Part 1 that goes with it (s.10)."
POLICY_DUTY = "policy-document"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition(Entry):
    """Article 9(2). `part`: the part of Schedule 1 it needs; `implies`: the one paragraph of it."""

    part: int = 0
    implies: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleCondition(Entry):
    """A paragraph of Schedule 1. `criminal`: it also carries criminal-offence data (s.10(5))."""

    part: int
    paragraph: int
    policy_document: bool
    criminal: bool = True


CONDITIONS = listed(
    (
        Condition(
            id="explicit-consent",
            title="Explicit consent",
            citation="UK GDPR Art 9(2)(a)",
            fits="People have said yes in so many words, and can say no without harm.",
            source=ARTICLE_9,
        ),
        Condition(
            id="employment-social-security-and-protection",
            title="Employment, social security and social protection",
            citation="UK GDPR Art 9(2)(b)",
            fits="A law on employment, social security or social protection asks for it.",
            needs=(PART_1, POLICY),
            source=ARTICLE_9,
            part=1,
            implies="sch-1-para-1",
        ),
        Condition(
            id="vital-interests",
            title="Vital interests",
            citation="UK GDPR Art 9(2)(c)",
            fits="Someone’s life is in danger and the person cannot give consent.",
            source=ARTICLE_9,
        ),
        Condition(
            id="not-for-profit-bodies",
            title="Not-for-profit bodies",
            citation="UK GDPR Art 9(2)(d)",
            fits="A body with a political, philosophical, religious or trade union aim uses its "
            "members’ data; it does not cover giving them to others without consent.",
            source=ARTICLE_9,
        ),
        Condition(
            id="made-public",
            title="Made public by the person",
            citation="UK GDPR Art 9(2)(e)",
            fits="The people themselves have plainly made it public.",
            source=ARTICLE_9,
        ),
        Condition(
            id="legal-claims",
            title="Legal claims and courts",
            citation="UK GDPR Art 9(2)(f)",
            fits="It is needed for a legal claim, or a court acts as a court.",
            source=ARTICLE_9,
        ),
        Condition(
            id="substantial-public-interest",
            title="Substantial public interest",
            citation="UK GDPR Art 9(2)(g)",
            fits="One of the purposes that Parliament has listed applies, such as safeguarding.",
            needs=("A condition of DPA 2018 Sch 1 Part 2, cited by its paragraph.", POLICY),
            source=ARTICLE_9,
            part=2,
        ),
        Condition(
            id="health-or-social-care",
            title="Health or social care",
            citation="UK GDPR Art 9(2)(h)",
            fits="It is for giving or managing health or social care.",
            bodies=(HEALTH, SOCIAL_CARE, CHILDREN, CARE_PROVIDER),
            needs=(
                PART_1,
                "People under a duty of confidentiality handle it (Art 9(3), DPA 2018 s.11(1)).",
            ),
            source=ARTICLE_9,
            part=1,
            implies="sch-1-para-2",
        ),
        Condition(
            id="public-health",
            title="Public health",
            citation="UK GDPR Art 9(2)(i)",
            fits="It is to protect the health of the public, such as against infections.",
            needs=(PART_1, "A health professional, or a person with a duty of confidentiality."),
            source=ARTICLE_9,
            part=1,
            implies="sch-1-para-3",
        ),
        Condition(
            id="archiving-research-and-statistics",
            title="Archiving, research and statistics",
            citation="UK GDPR Art 9(2)(j)",
            fits="It is research, statistics or archiving, and decides about nobody.",
            needs=(PART_1, "The safeguards of UK GDPR Articles 84A to 84D."),
            source=ARTICLE_9,
            part=1,
            implies="sch-1-para-4",
            doubt="The numbers 84A to 84D of the safeguards were not read at their source.",
        ),
    )
)


def _paragraph(
    number: int,
    title: str,
    fits: str,
    part: int,
    policy: bool = True,
    *,
    doubt: str = "",
    read: bool = False,
) -> ScheduleCondition:
    if not doubt and not read:
        doubt = HEADING if part == 2 else FROM_MEMORY
    return ScheduleCondition(
        id=f"sch-1-para-{number}",
        title=title,
        citation=f"DPA 2018 Sch 1 para {number}",
        fits=fits,
        needs=(POLICY,) if policy else (),
        source=SCHEDULE,
        checked=CHECKED if read or part == 2 else None,
        doubt=doubt,
        part=part,
        paragraph=number,
        policy_document=policy,
    )


SCHEDULE_1 = listed(
    (
        _paragraph(
            1,
            "Employment, social security and social protection",
            "A law about these obliges or entitles the controller or the person.",
            1,
            read=True,
        ),
        _paragraph(
            2,
            "Health or social care purposes",
            "Care, treatment, prevention, or the running of care services.",
            1,
            policy=False,
            read=True,
        ),
        _paragraph(3, "Public health", "Protecting the health of the public.", 1, policy=False),
        _paragraph(
            4, "Research and statistics", "Archiving, research, statistics.", 1, policy=False
        ),
        _paragraph(
            6,
            "Statutory and government purposes",
            "A function that a law gives, for reasons of substantial public interest.",
            2,
        ),
        _paragraph(
            8,
            "Equality of opportunity or treatment",
            "Watching whether people of different groups are treated alike.",
            2,
        ),
        _paragraph(
            10,
            "Preventing or detecting unlawful acts",
            "Asking the person would spoil the prevention or detection of an unlawful act.",
            2,
            doubt=f"{HEADING} A disclosure to a competent authority such as the police is "
            "understood to need no policy document.",
        ),
        _paragraph(
            11,
            "Protecting the public against dishonesty",
            "A protective function against dishonesty, malpractice or mismanagement.",
            2,
        ),
        _paragraph(12, "Regulatory requirements", "Finding out about unlawful acts.", 2),
        _paragraph(14, "Preventing fraud", "Disclosure to or by an anti-fraud organisation.", 2),
        _paragraph(
            16,
            "Support for people with a disability or medical condition",
            "A not-for-profit body supports people with that condition.",
            2,
        ),
        _paragraph(
            17,
            "Counselling",
            "Confidential counselling, advice or support, where consent cannot be asked for.",
            2,
        ),
        _paragraph(
            18,
            "Safeguarding of children and of individuals at risk",
            "Protecting a child or an adult at risk, where asking for consent is not possible or "
            "would do harm.",
            2,
        ),
        _paragraph(
            19,
            "Economic well-being of certain individuals",
            "Protecting the economic well-being of an adult at risk.",
            2,
        ),
        _paragraph(
            24,
            "Disclosure to elected representatives",
            "A member of Parliament or councillor asks on someone’s behalf.",
            2,
        ),
        _paragraph(29, "Consent", "The person consented. For criminal data.", 3, policy=False),
        _paragraph(
            30,
            "Vital interests",
            "A life is in danger and consent cannot be given. For criminal data.",
            3,
            policy=False,
            read=True,
        ),
        _paragraph(32, "Public domain", "The person made it public.", 3, policy=False, read=True),
        _paragraph(33, "Legal claims", "Needed for a legal claim or advice.", 3, policy=False),
        _paragraph(
            36,
            "Part 2 conditions without substantial public interest",
            "A purpose of Part 2 applies to criminal data; cite that paragraph as well.",
            3,
            read=True,
        ),
    )
)
ARTICLE_10 = Entry(
    id="official-authority",
    title="Criminal-offence data under official authority",
    citation="UK GDPR Art 10",
    fits="A body such as the police or a court acts with official authority; any other body needs "
    "a condition of DPA 2018 Sch 1 Part 1, 2 or 3 (s.10(5)).",
    needs=("Where the police act for law enforcement, DPA 2018 Part 3 applies in place of this.",),
    source="gdpr-dpa.co.uk, table of Article 10",
    doubt="Article 10 was read as enacted in the EU; DPA 2018 s.10(5) was not read.",
)
