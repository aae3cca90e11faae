"""The register of the Digital Economy Act 2017, Part 5: its 18 fields, none of them blank.

An agreement that lacks a field is not published: it is listed with what is missing and where in
the terms to say it. The form is the Act's; whether an agreement rests on the Act is for its legal
power to say, and `under_the_act` shows it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from commonthread.broker.rules.terms import Grant

from .fields import Field, Missing, filled
from .files import as_csv, as_json
from .held import Held, Signed
from .wording import MODES, columns, kept, listed

NONE = "none"
ACT = "Digital Economy Act 2017"
# The Office for National Statistics names an area by a letter and eight digits.
AREA = re.compile(r"([EJKMNSW]\d{8})\s+(.+)")
CONTACT = "agreement.statement: a line `Contact: …`, best in the section complaints"
AREAS = "agreement.statement: a line `Areas: E10000034 Worcestershire; …`, with each area's code"


def _purpose(held: Held, signed: Signed) -> tuple[str, ...]:
    return tuple(sorted(purpose.text for purpose in signed.terms.purposes))


def _legal_power(held: Held, signed: Signed) -> tuple[str, ...]:
    return tuple(
        f"{held.name(party.partner)}: {party.legal_power}" for party in signed.controllers()
    )


def _disclosed(held: Held, signed: Signed) -> tuple[str, ...]:
    return tuple(_given(held, grant) for grant in signed.grants())


def _given(held: Held, grant: Grant) -> str:
    what = f"{held.title(grant.dataset)} of {held.name(grant.owner)}"
    return f"{what}: {', '.join(columns(grant))}"


def _method(held: Held, signed: Signed) -> tuple[str, ...]:
    modes = {grant.mode for grant in signed.terms.grants}
    said = tuple(f"Through commonthread: {MODES[mode]}" for mode in sorted(modes))
    leaves = any(grant.export for grant in signed.terms.grants)
    return (*said, "Some answers may be downloaded" if leaves else "Nothing may be downloaded")


def _processors(held: Held, signed: Signed) -> tuple[str, ...]:
    return tuple(party.partner for party in signed.processors()) or (NONE,)


def _processor_names(held: Held, signed: Signed) -> tuple[str, ...]:
    return tuple(held.name(party.partner) for party in signed.processors()) or (NONE,)


def _retention(held: Held, signed: Signed) -> tuple[str, ...]:
    periods = {f"{held.title(grant.dataset)}: {kept(grant)}" for grant in signed.terms.grants}
    return tuple(sorted(periods))


def areas(signed: Signed) -> Iterator[tuple[str, str]]:
    """(code, name) of each area that the terms name; one without a code is none."""
    for line in signed.labelled("Areas"):
        for part in line.split(";"):
            if found := AREA.fullmatch(part.strip()):
                yield found[1], found[2]


FIELDS: tuple[Field[Signed], ...] = (
    Field("id", "A reference of its own", "agreement.reference", lambda h, s: s.reference),
    Field("name", "What the agreement is called", "agreement.title", lambda h, s: s.terms.title),
    Field("purpose", "Why information is shared", "agreement.purpose.text", _purpose),
    Field(
        "benefits",
        "What good is expected of it",
        "agreement.statement of the section benefits",
        lambda h, s: s.section("benefits"),
    ),
    Field("legal_power", "Under which power", "agreement.party.legal_power", _legal_power),
    Field(
        "disclosed_information",
        "What is disclosed",
        "agreement.grant: dataset and columns",
        _disclosed,
    ),
    Field(
        "controllers",
        "Who are the controllers",
        "agreement.party with a role of controller or joint",
        lambda h, s: tuple(party.partner for party in s.controllers()),
    ),
    Field(
        "controllers_names",
        "The controllers' names",
        "partner.name of each",
        lambda h, s: tuple(h.name(party.partner) for party in s.controllers()),
    ),
    Field("method", "How it is shared", "agreement.grant: mode and export", _method),
    Field("processors", "Who processes for them", "agreement.party, role processor", _processors),
    Field("processors_names", "The processors' names", "partner.name of each", _processor_names),
    Field("retention", "How long it is kept", "agreement.grant.retention", _retention),
    Field("start", "From when", "agreement.starts", lambda h, s: s.terms.starts.isoformat()),
    Field("end", "Until when", "agreement.ends", lambda h, s: s.terms.ends.isoformat()),
    Field(
        "review",
        "When it is looked at again",
        "agreement.review",
        lambda h, s: s.terms.review.isoformat(),
    ),
    Field("contact", "Whom to ask", CONTACT, lambda h, s: s.labelled("Contact")),
    Field("areas", "Which areas", AREAS, lambda h, s: tuple(code for code, _ in areas(s))),
    Field("areas_names", "Their names", AREAS, lambda h, s: tuple(name for _, name in areas(s))),
)
NAMES = tuple(each.name for each in FIELDS)


@dataclass(frozen=True, slots=True)
class Row:
    """One agreement: published when nothing is missing."""

    reference: str
    digest: str
    under_the_act: bool
    is_in_force: bool
    fields: dict[str, Any]
    missing: tuple[Missing, ...]


def rows(held: Held) -> tuple[Row, ...]:
    return tuple(_row(held, signed) for signed in held.agreements)


def _row(held: Held, signed: Signed) -> Row:
    said, missing = filled(FIELDS, held, signed)
    under = any(ACT.lower() in party.legal_power.lower() for party in signed.terms.parties)
    return Row(signed.reference, signed.terms.digest, under, signed.is_in_force, said, missing)


def register_json(held: Held) -> bytes:
    found = rows(held)
    return as_json(
        {
            "made_of": held.about(),
            "published": [_published(row) for row in found if not row.missing],
            "not_published": [_withheld(row) for row in found if row.missing],
        }
    )


def _published(row: Row) -> dict[str, Any]:
    return {
        "fields": row.fields,
        "digest": row.digest,
        "in_force": row.is_in_force,
        "under_the_act": row.under_the_act,
    }


def _withheld(row: Row) -> dict[str, Any]:
    missing = [each.to_plain() for each in row.missing]
    return {"id": row.reference, "digest": row.digest, "missing": missing}


def register_csv(held: Held) -> bytes:
    """The published rows in the Act's 18 fields and nothing else."""
    return as_csv(NAMES, (row.fields for row in rows(held) if not row.missing))


def missing_csv(held: Held) -> bytes:
    """What keeps the others from being published, one line for each field."""
    lines = (
        {"id": row.reference, "field": each.field, "where": each.where}
        for row in rows(held)
        for each in row.missing
    )
    return as_csv(("id", "field", "where"), lines)


def why_not(row: Row) -> str:
    """`Lacks benefits and contact`, or nothing."""
    return f"Lacks {listed(each.field for each in row.missing)}" if row.missing else ""
