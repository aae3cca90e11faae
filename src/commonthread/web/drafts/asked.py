"""What each section of a draft asks: the fields of the form, with what may be chosen.

Only the words are of this page: which answers are sound is the broker's to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from commonthread.broker.access import Broker
from commonthread.broker.rules.terms import (
    IMPACTS,
    LEVELS,
    LIKELIHOODS,
    ON_LAPSE,
    PARTY_ROLES,
    PLATFORM,
)
from commonthread.gateway.law import BASES, CONDITIONS, CONFIDENTIALITY, OPT_OUTS, POWERS, Entry

from .fields import CHOICE, DAY, FLAG, LINE, SEVERAL, TEXT, WHOLE, Choices, Field

LAPSES = {
    "warn": "Warn everybody; sharing goes on",
    "suspend": "Suspend the agreement until it is renewed",
    "end": "End the agreement",
}
WITHDRAWALS = (
    ("end", "The agreement ends for all"),
    ("continue-without", "It goes on between the others"),
)
STATEMENTS = {
    "benefits": "Benefits: what residents and services gain",
    "rights": "Rights: how requests for access, correction and erasure are handled",
    "complaints": "Complaints: who answers, and within 30 days of receipt acknowledges",
    "accuracy": "Accuracy: how partners tell each other of corrections",
    "onward-sharing": "Onward sharing: whether recipients may pass data on, and to whom",
    "security": "Security: what each party does to keep the data safe",
    "breach": "Breaches: who is told, how, and within how many hours",
    "transfers": "Transfers: whether data leaves the United Kingdom",
    "accession": "Accession: how a partner joins later",
}


@dataclass(frozen=True, slots=True)
class Many:
    """A section that is a list: the name in the table, what one item is called, its fields."""

    name: str
    one: str
    fields: tuple[Field, ...]
    most: int = 60


@dataclass(frozen=True, slots=True)
class Asked:
    """A section's form: fields of its own, and at most one list."""

    fields: tuple[Field, ...] = ()
    many: Many | None = None


def asked(section: str, broker: Broker, table: Mapping[str, Any]) -> Asked:
    """The form of a section; `data` and `rights` have pages of their own."""
    made = {
        "about": _about,
        "purposes": _purposes,
        "parties": _parties,
        "assurance": _assurance,
        "duties": _duties,
        "risks": _risks,
        "assessment": _assessment,
        "rights": _rights,
    }[section]
    return made(broker, table)


def words(values: tuple[str, ...]) -> Choices:
    return [(value, value.replace("-", " ").capitalize()) for value in values]


def listed(entries: Mapping[str, Entry]) -> Choices:
    """A list of the law, each with its source; the page of the section says when one fits."""
    return [(id_, f"{entry.title} ({entry.citation})") for id_, entry in entries.items()]


def partners(broker: Broker) -> Choices:
    return [(each.id, each.name) for each in broker.partners() if each.id != PLATFORM]


def named(table: Mapping[str, Any], broker: Broker) -> Choices:
    """The parties that the draft names, for whoever owns a duty or a risk."""
    rows = table.get("party", [])
    chosen = {row.get("partner") for row in rows if isinstance(row, Mapping)}
    return [(id_, name) for id_, name in partners(broker) if id_ in chosen]


def _about(broker: Broker, table: Mapping[str, Any]) -> Asked:
    standing = broker.standing()
    charters = [(name, charter.title) for name, charter in sorted(standing.charters.items())]
    own = table.get("reference")
    others = [
        (name, f"{name}: {versions[-1].terms.title}")
        for name, versions in sorted(standing.agreements.items())
        if name != own
    ]
    return Asked(
        (
            Field("reference", "Reference", LINE, "Capitals, figures and hyphens: ISA-2027-003."),
            Field("title", "Title", LINE, "What it is for, as a resident would say it."),
            Field("version", "Version", WHOLE, "1 for a new agreement."),
            Field("charter", "Charter", CHOICE, "It stands under this charter.", charters),
            Field("starts", "First day", DAY, "It is in force from midnight in London."),
            Field("ends", "Last day", DAY, "Access ends at the midnight after it."),
            Field("review", "Review by", DAY, "A date that has passed warns everybody."),
            Field("on_withdrawal", "When a party withdraws", CHOICE, "", WITHDRAWALS),
            Field(
                "rests_on",
                "Rests on",
                SEVERAL,
                "It stops when one of these stops. To join residents across datasets it rests on "
                "the linkage agreement.",
                others,
                optional=True,
            ),
            Field(
                "single_out",
                "Rows and statistics about the same residents may stand side by side",
                FLAG,
                "A figure could then be traced to somebody: the parties accept that by signing.",
                optional=True,
            ),
        )
    )


def _purposes(broker: Broker, table: Mapping[str, Any]) -> Asked:
    fields = (
        Field("id", "Short name", LINE, "Small letters and hyphens, such as falls-prevention."),
        Field("text", "What the data is used for", TEXT, "One purpose, in plain English."),
    )
    return Asked(many=Many("purpose", "purpose", fields))


def _parties(broker: Broker, table: Mapping[str, Any]) -> Asked:
    fields = (
        Field("partner", "Partner", CHOICE, "", [*partners(broker), (PLATFORM, "The platform")]),
        Field("role", "Role", CHOICE, "", words(PARTY_ROLES)),
        Field("lawful_basis", "Lawful basis (UK GDPR Article 6)", CHOICE, "", listed(BASES)),
        Field(
            "condition",
            "Condition for special-category data (Article 9)",
            CHOICE,
            "Needed where a dataset says something about health, ethnicity, belief or sex life.",
            listed(CONDITIONS),
            optional=True,
        ),
        Field(
            "legal_power",
            "Legal power",
            LINE,
            "The Act and section; several with a semicolon between them. It has to bind this body.",
            [(each.citation, each.title) for each in POWERS.values()],
        ),
        Field(
            "confidentiality",
            "Basis for confidential information",
            CHOICE,
            "For health and care records.",
            listed(CONFIDENTIALITY),
            optional=True,
        ),
        Field(
            "opt_out",
            "Opt-out that is respected",
            CHOICE,
            "How somebody can keep their records out of it.",
            listed(OPT_OUTS),
            optional=True,
        ),
    )
    return Asked(many=Many("party", "party", fields))


def _assurance(broker: Broker, table: Mapping[str, Any]) -> Asked:
    fields = (
        Field("scheme", "Scheme", LINE, "Such as ico-registration, dspt or cyber-essentials-plus."),
        Field("level", "Level", LINE, "Where the scheme has levels.", optional=True),
        Field("on_lapse", "When it lapses", CHOICE, "", [(one, LAPSES[one]) for one in ON_LAPSE]),
    )
    return Asked(many=Many("requires_credentials", "credential", fields))


def _duties(broker: Broker, table: Mapping[str, Any]) -> Asked:
    fields = (
        Field("id", "Short name", LINE, "Small letters and hyphens."),
        Field("text", "What has to be done", TEXT),
        Field("owner", "Who does it", CHOICE, "", named(table, broker)),
        Field("due", "By when", DAY),
        Field("every", "And then every", LINE, "A period such as P1Y or P3M.", optional=True),
    )
    return Asked(many=Many("duty", "duty", fields))


def _risks(broker: Broker, table: Mapping[str, Any]) -> Asked:
    fields = (
        Field("id", "Short name", LINE, "Small letters and hyphens."),
        Field("text", "What could go wrong", TEXT),
        Field("owner", "Who owns it", CHOICE, "", named(table, broker)),
        Field("likelihood", "How likely", CHOICE, "", words(LIKELIHOODS)),
        Field("impact", "How bad for residents", CHOICE, "", words(IMPACTS)),
        Field("mitigation", "What is done about it", TEXT),
        Field("residual", "What is left", CHOICE, "", words(LEVELS)),
    )
    return Asked(many=Many("risk", "risk", fields))


def _assessment(broker: Broker, table: Mapping[str, Any]) -> Asked:
    choices = [
        (dpia.digest, f"{dpia.reference}: {dpia.title}, residual risk {dpia.residual_risk}")
        for dpia in sorted(broker.standing().dpias.values(), key=lambda one: one.reference)
    ]
    hint = "Once signed, access ends at its review date and when it changes."
    return Asked((Field("dpia", "Assessment", CHOICE, hint, choices, optional=True),))


def _rights(broker: Broker, table: Mapping[str, Any]) -> Asked:
    return Asked(
        tuple(
            Field(section, label, TEXT, optional=True, rows=4)
            for section, label in STATEMENTS.items()
        )
    )
