"""The sixteen clauses of the agreements that councils and ministries sign, and what says each.

The order is ours; the content is that of the ICO's data sharing code (what an agreement includes)
and of the eighteen fields of the public register under the Digital Economy Act 2017. A paper that
has all sixteen is expressed by terms in which each of these fields is filled.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from commonthread.broker.rules.errors import Problem
from commonthread.broker.rules.fields import check
from commonthread.broker.rules.terms import SECTIONS, Terms
from commonthread.gateway.clauses import FIELDS, values

SECTION = "statement[{}]"


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause: its number on paper, what it says, and the fields of the terms that say it.

    - `fields`: paths such as `grant.columns`, or `statement[breach]`; a clause is expressed when
      each is there and not empty
    - `sometimes`: fields that belong to it and may be empty, since not every agreement needs them
    """

    number: int
    title: str
    says: str
    fields: tuple[str, ...]
    sometimes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check(self._problems(), "A clause")

    def _problems(self) -> Iterator[Problem]:
        if not self.fields:
            yield Problem(".fields", "a clause is said somewhere in the terms")
        sections = {SECTION.format(section) for section in SECTIONS}
        for path in (*self.fields, *self.sometimes):
            if path not in FIELDS and path not in sections:
                yield Problem(".fields", f"the terms have no field {path}")

    def empty(self, terms: Terms) -> tuple[str, ...]:
        """Those of its fields that the terms leave empty."""
        return tuple(path for path in self.fields if not _said(terms, path))


SIXTEEN = (
    Clause(
        1,
        "Parties",
        "Who shares, in which role, and who answers for what.",
        ("terms.parties", "party.partner", "party.role"),
    ),
    Clause(
        2,
        "Purpose",
        "What the data are for, and what they are not for.",
        ("terms.title", "terms.purposes", "purpose.id", "purpose.text", "grant.purpose"),
    ),
    Clause(
        3,
        "Benefits",
        "What good it does to people and services.",
        ("terms.statements", "statement.section", "statement.text", "statement[benefits]"),
    ),
    Clause(
        4,
        "Legal power and lawful basis",
        "The law that lets or makes each party share, and its basis under Article 6.",
        ("party.legal_power", "party.lawful_basis"),
    ),
    Clause(
        5,
        "Special-category and criminal-offence data",
        "The condition of each party, and its policy document.",
        ("party.condition",),
    ),
    Clause(
        6,
        "Confidentiality and opt-out",
        "What lifts the duty of confidence, and what an objection does.",
        ("party.confidentiality", "party.opt_out"),
    ),
    Clause(
        7,
        "Data to be shared",
        "Which datasets, columns and rows, and how each is treated.",
        (
            "terms.grants",
            "grant.id",
            "grant.dataset",
            "grant.columns",
            "grantedcolumn.name",
            "grantedcolumn.treatment",
            "grantedcolumn.exposed",
        ),
        ("grant.contract", "grant.rows", "grant.persons", "grantedcolumn.as_at"),
    ),
    Clause(
        8,
        "Access and use",
        "Who may see it, in which way, how often, and what has to be met first.",
        ("grant.recipients", "grant.mode", "grant.person"),
        (
            "grant.needs",
            "grant.by",
            "grant.per_day",
            "grant.minimum_count",
            "grant.round_to",
            "terms.rests_on",
            "terms.single_out",
        ),
    ),
    Clause(
        9,
        "Security",
        "How it is kept safe, and which assurance each party holds.",
        (
            "statement[security]",
            "terms.charter",
            "terms.demands",
            "demand.scheme",
            "demand.on_lapse",
        ),
        ("demand.level",),
    ),
    Clause(
        10,
        "Accuracy",
        "How data are kept right, and who is told when they were wrong.",
        ("statement[accuracy]",),
    ),
    Clause(
        11,
        "Retention and destruction",
        "How long what was kept is kept, and who destroys it.",
        ("grant.retention", "terms.duties", "duty.id", "duty.text", "duty.owner", "duty.due"),
        ("duty.every",),
    ),
    Clause(
        12,
        "Onward sharing, processors and transfers",
        "Whether it may be passed on or downloaded, and whether it leaves the country.",
        ("statement[onward-sharing]", "statement[transfers]", "grant.export"),
    ),
    Clause(
        13,
        "Rights and complaints",
        "How people are told, whom they ask, and how complaints are answered.",
        ("statement[rights]", "statement[complaints]"),
    ),
    Clause(
        14,
        "Breaches",
        "Whom to tell about a breach, and how fast.",
        ("statement[breach]",),
    ),
    Clause(
        15,
        "Assessment and risks",
        "The assessment it rests on, the risks, their owners, and what is left of them.",
        (
            "terms.dpia",
            "terms.risks",
            "risk.id",
            "risk.text",
            "risk.owner",
            "risk.likelihood",
            "risk.impact",
            "risk.mitigation",
            "risk.residual",
        ),
    ),
    Clause(
        16,
        "Start, review, change and end",
        "From when to when, when it is looked at again, and how parties join, leave and sign.",
        (
            "terms.reference",
            "terms.version",
            "terms.starts",
            "terms.ends",
            "terms.review",
            "terms.on_withdrawal",
            "statement[accession]",
        ),
    ),
)


def unexpressed(terms: Terms) -> dict[int, tuple[str, ...]]:
    """Number of the clause → what the terms leave empty of it; nothing when all are expressed."""
    return {clause.number: empty for clause in SIXTEEN if (empty := clause.empty(terms))}


def _said(terms: Terms, path: str) -> bool:
    if path.startswith("statement["):
        wanted = path.removeprefix("statement[").removesuffix("]")
        return any(each.section == wanted and each.text for each in terms.statements)
    return any(_filled(value) for value in values(terms, path))


def _filled(value: Any) -> bool:
    """Whether something is said: `false` says something, an empty text or list does not."""
    return value is not None and value != "" and value != ()
