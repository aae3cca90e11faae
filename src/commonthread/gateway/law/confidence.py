"""Beside data protection: what lifts the duty of confidence, and whether people can opt out."""

from __future__ import annotations

from dataclasses import dataclass

from .bodies import CARE_PROVIDER, HEALTH, SOCIAL_CARE
from .entry import FROM_MEMORY, Entry, listed

OPT_OUT_POLICY = "digital.nhs.uk, National data opt-out operational policy, sections 5 and 6"


@dataclass(frozen=True, slots=True, kw_only=True)
class Confidence(Entry):
    """What lifts the duty of confidence. `for_care`: only among those who care for the person.

    `opt_out_applies`: whether the national data opt-out applies to data released on this basis.
    """

    for_care: bool = False
    opt_out_applies: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OptOut(Entry):
    """What an objection does here. `honoured`: people who opted out are left out."""

    honoured: bool = False
    for_care: bool = False


CONFIDENTIALITY = listed(
    (
        Confidence(
            id="implied-consent-direct-care",
            title="Implied consent for direct care",
            citation="common law; NHS confidentiality policy",
            fits="Those who see the record care for this very person, who would expect it.",
            needs=("Recipients in the person’s health or care team, and nobody else.",),
            source=OPT_OUT_POLICY,
            bodies=(HEALTH, SOCIAL_CARE, CARE_PROVIDER),
            for_care=True,
            checked=None,
            doubt=FROM_MEMORY,
        ),
        Confidence(
            id="explicit-consent",
            title="Explicit consent",
            citation="common law",
            fits="The person was asked, understood, and said yes.",
            needs=("A record of the consent.",),
            source=OPT_OUT_POLICY,
            checked=None,
            doubt=FROM_MEMORY,
        ),
        Confidence(
            id="statutory-requirement",
            title="A statute requires or allows it",
            citation="the Act cited as legal power",
            fits="An Act or a court order requires it, or says that no confidence is breached.",
            needs=("A legal power that sets confidence aside, or is a duty to tell.",),
            source=OPT_OUT_POLICY,
            checked=None,
            doubt=FROM_MEMORY,
        ),
        Confidence(
            id="section-251-support",
            title="Section 251 support",
            citation="NHS Act 2006 s.251; SI 2002/1438 regs 2 and 5",
            fits="The Secretary of State or the Health Research Authority supports this very use.",
            needs=("The approval letter, and its review date.", "The national data opt-out."),
            source=OPT_OUT_POLICY,
            opt_out_applies=True,
        ),
        Confidence(
            id="public-health-regulation-3",
            title="Risks to public health",
            citation="SI 2002/1438 reg.3",
            fits="Watching and controlling communicable diseases and other risks to public health.",
            source=OPT_OUT_POLICY,
        ),
        Confidence(
            id="public-interest",
            title="Overriding public interest",
            citation="common law",
            fits="The public interest in telling outweighs confidence, such as to prevent serious "
            "harm, and somebody has weighed it case by case.",
            needs=("A recorded public interest test.",),
            source=OPT_OUT_POLICY,
        ),
        Confidence(
            id="not-confidential",
            title="Not confidential",
            citation="common law",
            fits="Nobody was told it in confidence, or nobody can be recognised in it.",
            source=OPT_OUT_POLICY,
            checked=None,
            doubt=FROM_MEMORY,
        ),
    )
)
OPT_OUTS = listed(
    (
        OptOut(
            id="national-data-opt-out",
            title="The national data opt-out applies",
            citation="National data opt-out operational policy s.5",
            fits="Confidential patient information is used beyond the care of that person.",
            needs=("The list is checked before each release, and not kept on the record.",),
            source=OPT_OUT_POLICY,
            honoured=True,
        ),
        OptOut(
            id="not-applicable-direct-care",
            title="No national opt-out: the person’s own care",
            citation="National data opt-out operational policy",
            fits="Only those who care for the person see it.",
            source=OPT_OUT_POLICY,
            for_care=True,
        ),
        OptOut(
            id="exempt-public-health",
            title="Exempt: risks to public health",
            citation="National data opt-out operational policy 6.2",
            fits="Regulation 3 of SI 2002/1438 lifts the confidence.",
            source=OPT_OUT_POLICY,
        ),
        OptOut(
            id="exempt-public-interest",
            title="Exempt: overriding public interest",
            citation="National data opt-out operational policy 6.3",
            fits="A public interest test was made and recorded.",
            source=OPT_OUT_POLICY,
        ),
        OptOut(
            id="exempt-required-by-law",
            title="Exempt: required by law",
            citation="National data opt-out operational policy s.6",
            fits="An Act or a court order requires this release.",
            source=OPT_OUT_POLICY,
            checked=None,
            doubt=FROM_MEMORY,
        ),
        OptOut(
            id="exempt-anonymised",
            title="Exempt: nobody can be recognised",
            citation="National data opt-out operational policy",
            fits="What leaves is anonymous in the sense of the ICO’s code.",
            source=OPT_OUT_POLICY,
            checked=None,
            doubt=FROM_MEMORY,
        ),
        OptOut(
            id="local-objection",
            title="Local objection",
            citation="UK GDPR Art 21",
            fits="The parties themselves take objections and leave out those they uphold.",
            source="legislation.gov.uk/eur/2016/679/article/21",
            honoured=True,
        ),
        OptOut(
            id="none",
            title="No opt-out",
            citation="none",
            fits="No confidential patient information, and Article 21 does not apply.",
            needs=("A sentence on why nobody can opt out, for the privacy notice.",),
            source=OPT_OUT_POLICY,
        ),
    )
)
