"""Each field of the terms, classed: enforced by the broker, a duty of somebody, or a statement.

Officers see the class beside the clause, so that nobody takes a duty for something that software
does. `FIELDS` follows DESIGN §5; a test holds it against the values that the terms are made of,
and each enforced field against the function that enforces it.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from commonthread.broker.rules.errors import Problem
from commonthread.broker.rules.fields import check
from commonthread.broker.rules.terms import CONTROLLING, PLATFORM, Terms

ENFORCED, DUTY, STATEMENT = "enforced", "duty", "statement"
CLASSES = (ENFORCED, DUTY, STATEMENT)
PERIOD = re.compile(r"P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?")


@dataclass(frozen=True, slots=True)
class Field:
    """One field of the terms and what becomes of it.

    - `path`: `party.role`: the value it stands in, and its name there
    - `rule`: for enforced fields, the function of the broker that holds it, `module:function`
    - `owner`, `due`: for duties, in words, whose it is and when it falls due
    """

    path: str
    title: str
    kind: str
    rule: str = ""
    owner: str = ""
    due: str = ""

    def __post_init__(self) -> None:
        check(self._problems(), "A field of the terms")

    def _problems(self) -> Iterator[Problem]:
        if self.kind not in CLASSES:
            yield Problem(".kind", "a field is enforced, a duty or a statement")
        if (self.kind == ENFORCED) != bool(self.rule):
            yield Problem(".rule", "an enforced field names its rule, and only that")
        if (self.kind == DUTY) != bool(self.owner and self.due):
            yield Problem(".owner", "a duty has an owner and a date, and only that")


def _enforced(path: str, title: str, rule: str) -> Field:
    return Field(path, title, ENFORCED, rule=f"commonthread.broker.{rule}")


def _statement(path: str, title: str) -> Field:
    return Field(path, title, STATEMENT)


def _duty(path: str, title: str, owner: str, due: str) -> Field:
    return Field(path, title, DUTY, owner=owner, due=due)


CONTROLLERS, RECIPIENTS = "the controllers", "the partners of the recipients"
GRANT_OWNER = "the party it names"
FIELDS = {
    field.path: field
    for field in (
        _enforced("terms.reference", "Reference", "rules.replay:_agreement"),
        _statement("terms.title", "Title"),
        _enforced("terms.version", "Version", "rules.replay:_agreement"),
        _enforced("terms.charter", "Charter", "rules.force:_charter_reasons"),
        _enforced("terms.starts", "First day", "rules.force:_date_reasons"),
        _enforced("terms.ends", "Last day", "rules.force:_date_reasons"),
        _duty("terms.review", "Review", CONTROLLERS, "the review date"),
        _enforced("terms.parties", "Parties", "rules.terms:required_parties"),
        _enforced("terms.purposes", "Purposes", "rules.decisions:_decide_under_agreement"),
        _enforced("terms.grants", "Grants", "rules.decisions:_decide_under_agreement"),
        _enforced("terms.demands", "Credentials asked for", "rules.force:_credential_reasons"),
        _enforced("terms.on_withdrawal", "When a party withdraws", "rules.force:_act_reasons"),
        _enforced("terms.dpia", "Assessment", "rules.force:_dpia_reasons"),
        _enforced("terms.rests_on", "Rests on", "rules.force:in_force"),
        _enforced("terms.single_out", "Rows and statistics together", "rules.terms:Terms"),
        _statement("terms.statements", "Statements"),
        _duty("terms.duties", "Duties", GRANT_OWNER, "the date it names"),
        _duty("terms.risks", "Risks and mitigation", GRANT_OWNER, "the review date"),
        _enforced("party.partner", "Party", "rules.terms:required_parties"),
        _enforced("party.role", "Role", "rules.force:_credential_reasons"),
        _statement("party.lawful_basis", "Lawful basis"),
        _statement("party.condition", "Special-category condition"),
        _statement("party.legal_power", "Legal power"),
        _statement("party.confidentiality", "Basis for confidentiality"),
        _statement("party.opt_out", "Opt-out rule"),
        _enforced("purpose.id", "Purpose", "rules.decisions:_decide_under_agreement"),
        _statement("purpose.text", "Purpose in words"),
        _enforced("grantedcolumn.name", "Column", "rules.binding:grant_problems"),
        _enforced("grantedcolumn.treatment", "Treatment", "lake.compiler:_treated"),
        _enforced("grantedcolumn.as_at", "Age as at", "lake.compiler:_treated"),
        _enforced(
            "grantedcolumn.exposed", "Name in the grant’s table", "rules.binding:exposed_types"
        ),
        _enforced("grant.id", "Grant", "rules.decisions:data_reasons"),
        _enforced("grant.dataset", "Dataset", "rules.decisions:_contract_reasons"),
        _enforced("grant.purpose", "Purpose of the grant", "rules.decisions:_reader_reasons"),
        _enforced("grant.recipients", "Recipients", "rules.decisions:_reader_reasons"),
        _enforced("grant.mode", "Mode", "rules.decisions:_reader_reasons"),
        _enforced("grant.columns", "Columns", "rules.binding:exposed_types"),
        _enforced("grant.contract", "Contract", "rules.decisions:_contract_reasons"),
        _enforced("grant.rows", "Rows", "lake.compiler:_governed"),
        _enforced("grant.person", "Person", "rules.decisions:_linkage_reasons"),
        _enforced(
            "grant.persons", "Only residents of another grant", "rules.decisions:data_reasons"
        ),
        _enforced("grant.minimum_count", "Smallest count", "lake.statistics:publish"),
        _enforced("grant.round_to", "Rounding", "lake.statistics:publish"),
        _enforced("grant.by", "Looked up by", "rules.decisions:_lookup_reasons"),
        _enforced("grant.per_day", "Look-ups a day", "rules.decisions:_lookup_reasons"),
        _enforced("grant.needs", "Needs first", "rules.decisions:_need_reasons"),
        _enforced("grant.export", "Download", "access.exports:demand_export"),
        _duty(
            "grant.retention",
            "Destruction of what was kept",
            RECIPIENTS,
            "the retention after the last day",
        ),
        _enforced("demand.scheme", "Credential", "rules.force:credential_state"),
        _enforced("demand.level", "Level", "rules.force:credential_state"),
        _enforced("demand.on_lapse", "When it lapses", "rules.force:_credential_reasons"),
        _statement("statement.section", "Section"),
        _statement("statement.text", "Statement"),
        _duty("duty.id", "Duty", GRANT_OWNER, "the date it names"),
        _duty("duty.text", "What is to be done", GRANT_OWNER, "the date it names"),
        _duty("duty.owner", "Who does it", GRANT_OWNER, "the date it names"),
        _duty("duty.due", "By when", GRANT_OWNER, "the date it names"),
        _duty("duty.every", "How often", GRANT_OWNER, "the date it names, then each period"),
        _statement("risk.id", "Risk"),
        _statement("risk.text", "What may go wrong"),
        _statement("risk.owner", "Who owns the risk"),
        _statement("risk.likelihood", "Likelihood"),
        _statement("risk.impact", "Impact"),
        _duty("risk.mitigation", "Mitigation", GRANT_OWNER, "the review date"),
        _statement("risk.residual", "Residual risk"),
    )
}
PARTS = {
    "party": "parties",
    "purpose": "purposes",
    "grant": "grants",
    "demand": "demands",
    "statement": "statements",
    "duty": "duties",
    "risk": "risks",
}


@dataclass(frozen=True, slots=True)
class Undertaking:
    """A duty of one agreement: what, whose, by when, and how often; `clause` is its path."""

    clause: str
    text: str
    owner: str
    due: date
    every: str = ""


def undertakings(terms: Terms) -> tuple[Undertaking, ...]:
    """All that software does not do for the parties, soonest first, each with owner and date."""
    found = [*_written(terms), *_reviews(terms), *_destructions(terms), *_mitigations(terms)]
    return tuple(sorted(found, key=lambda each: (each.due, each.owner, each.clause)))


def _written(terms: Terms) -> Iterator[Undertaking]:
    for duty in terms.duties:
        yield Undertaking(f"duty[{duty.id}]", duty.text, duty.owner, duty.due, duty.every)


def _reviews(terms: Terms) -> Iterator[Undertaking]:
    for party in terms.parties:
        if party.role in CONTROLLING:
            text = "Review the agreement: is it still needed, and does it still do what it should?"
            yield Undertaking("review", text, party.partner, terms.review)


def _destructions(terms: Terms) -> Iterator[Undertaking]:
    for grant in terms.grants:
        holders = {group.split("/")[0] for group in grant.recipients} - {PLATFORM}
        for partner in sorted(holders if grant.retention else ()):
            yield Undertaking(
                f"grant[{grant.id}].retention",
                f"Destroy what was kept of {grant.id}, and say so.",
                partner,
                after(terms.ends, grant.retention),
            )


def _mitigations(terms: Terms) -> Iterator[Undertaking]:
    for risk in terms.risks:
        yield Undertaking(f"risk[{risk.id}]", risk.mitigation, risk.owner, terms.review)


def after(day: date, period: str) -> date:
    """The day an ISO period later; the 31st becomes the last day of a shorter month."""
    found = PERIOD.fullmatch(period)
    if found is None:
        raise ValueError("a period such as P1Y2M10D is needed here")
    years, months, weeks, days = (int(number or 0) for number in found.groups())
    month = day.month - 1 + months + 12 * years
    year, month = day.year + month // 12, month % 12 + 1
    moved = date(year, month, min(day.day, monthrange(year, month)[1]))
    return moved + timedelta(days=days, weeks=weeks)


def values(terms: Terms, path: str) -> tuple[Any, ...]:
    """Every value that a field has in the terms: `grant.columns` gives one for each grant."""
    where, name = path.split(".")
    return tuple(getattr(item, name) for item in _items(terms, where))


def _items(terms: Terms, where: str) -> tuple[Any, ...]:
    if where == "terms":
        return (terms,)
    if where == "grantedcolumn":
        return tuple(column for grant in terms.grants for column in grant.columns)
    return tuple(getattr(terms, PARTS[where]))
