"""What a draft can start from: nothing, a template, or what an agreement says now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from commonthread.broker.access import Broker
from commonthread.broker.rules.terms import PLATFORM
from commonthread.gateway.drafting.drafts import copy_of, next_version
from commonthread.gateway.templates import Place, Template, templates

from .fields import CHOICE, DAY, LINE, Field

BLANK, TEMPLATE, COPY, VERSION = "blank", "template", "copy", "version"


@dataclass(frozen=True, slots=True)
class Origin:
    """One thing to start from: its id in the form, its title, what it is, and what it says."""

    id: str
    title: str
    says: str
    table: Mapping[str, Any]


def origins(broker: Broker) -> list[tuple[str, list[Origin]]]:
    """(heading, origins) in the order in which they are offered."""
    standing = broker.standing()
    newest = [versions[-1].terms for _, versions in sorted(standing.agreements.items())]
    blank = Origin(
        BLANK, "A blank agreement", "Every section is still to be written.", {"version": 1}
    )
    from_templates = [
        Origin(f"{TEMPLATE}:{one.id}", one.title, one.when, {}) for one in templates()
    ]
    versions = [
        Origin(
            f"{VERSION}:{terms.reference}",
            f"A new version of {terms.reference}",
            terms.title,
            next_version(terms),
        )
        for terms in newest
    ]
    copies = [
        Origin(f"{COPY}:{terms.reference}", f"Like {terms.reference}", terms.title, copy_of(terms))
        for terms in newest
    ]
    groups = [
        ("Something new", [blank, *from_templates]),
        ("A new version of what was signed", versions),
        ("Another agreement’s words", copies),
    ]
    return [(heading, found) for heading, found in groups if found]


def origin(broker: Broker, id_: str) -> Origin | None:
    every = (one for _, found in origins(broker) for one in found)
    return next((one for one in every if one.id == id_), None)


def places(chosen: Template, broker: Broker) -> list[Field]:
    """What a template asks before it can be a draft: who plays which part, and its name."""
    charters = [(name, one.title) for name, one in sorted(broker.standing().charters.items())]
    return [
        *(
            Field(f"place-{place.id}", place.title, CHOICE, "", _able(place, broker))
            for place in chosen.places
        ),
        Field("reference", "Reference", LINE, "Capitals, figures and hyphens: ISA-2027-003."),
        Field("charter", "Charter", CHOICE, "", charters),
        Field("starts", "First day", DAY),
    ]


def _able(place: Place, broker: Broker) -> list[tuple[str, str]]:
    partners = (one for one in broker.partners() if one.id != PLATFORM)
    return [(one.id, one.name) for one in partners if place.takes(one.kind)]


def from_template(
    chosen: Template, broker: Broker, answers: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, str]]:
    """The table of a draft, or what is missing of the answers by the name of the field."""
    wanted = places(chosen, broker)
    missing = {field.name: "Choose or write something here." for field in wanted
               if field.name not in answers}  # fmt: skip
    starts = _day(answers.get("starts"))
    if "starts" in answers and starts is None:
        missing["starts"] = "Enter a day, such as 1 4 2027."
    if missing or starts is None:
        return {}, missing
    partners = {place.id: str(answers[f"place-{place.id}"]) for place in chosen.places}
    reference, charter = str(answers["reference"]), str(answers["charter"])
    return chosen.draft(partners, reference=reference, charter=charter, starts=starts), {}


def _day(value: Any) -> date | None:
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        return None
