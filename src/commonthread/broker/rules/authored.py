"""Terms as people write them: one `[agreement]` table, read with every fault and its path."""

from __future__ import annotations

from typing import Any

from .fields import (
    COLUMN,
    DATASET,
    DIGEST,
    GRANT,
    GROUP,
    IDENTIFIER,
    PERIOD,
    REFERENCE,
    Fields,
    read,
)
from .filters import Filter, parse_filter
from .terms import (
    COMMONEST_MINIMUM,
    COMMONEST_RATE,
    CONDITIONS,
    IMPACTS,
    LATER_MODES,
    LAWFUL_BASES,
    LEVELS,
    LIKELIHOODS,
    MODES,
    NEEDS,
    ON_LAPSE,
    ON_WITHDRAWAL,
    PARTY_ROLES,
    PERSON,
    SECTIONS,
    Demand,
    Duty,
    Grant,
    GrantedColumn,
    Party,
    Purpose,
    Risk,
    Statement,
    Terms,
)
from .treatments import TREATMENTS


def parse_terms(table: Any, where: str = "agreement") -> Terms:
    """Read one `[agreement]` table; raises `BadInput` with every fault and its path."""
    terms: Terms = read(table, where, _terms, "The agreement")
    return terms


def parse_grant(table: Any, where: str = "grant") -> Grant:
    """Read one `[[agreement.grant]]` table by itself; raises `BadInput` with every fault."""
    grant: Grant = read(table, where, _grant, "The grant")
    return grant


def _terms(fields: Fields) -> Terms | None:
    made: Terms | None = fields.make(
        Terms,
        reference=fields.text("reference", like=REFERENCE),
        title=fields.text("title"),
        version=fields.whole("version", 1, least=1),
        charter=fields.text("charter", like=REFERENCE),
        starts=fields.day("starts"),
        ends=fields.day("ends"),
        review=fields.day("review"),
        parties=fields.tables("party", _party, least=1),
        purposes=fields.tables("purpose", _purpose, least=1),
        grants=fields.tables("grant", _grant, least=1),
        demands=fields.tables("requires_credentials", _demand),
        on_withdrawal=fields.choice("on_withdrawal", ON_WITHDRAWAL, "end"),
        dpia=fields.text("dpia", "", like=DIGEST),
        rests_on=fields.texts("rests_on", (), like=REFERENCE),
        single_out=fields.flag("single_out", False),
        statements=fields.tables("statement", _statement),
        duties=fields.tables("duty", _duty),
        risks=fields.tables("risk", _risk),
    )
    return made


def _party(fields: Fields) -> Any:
    return fields.make(
        Party,
        partner=fields.text("partner", like=IDENTIFIER),
        role=fields.choice("role", PARTY_ROLES),
        lawful_basis=fields.choice("lawful_basis", LAWFUL_BASES, ""),
        condition=fields.choice("condition", CONDITIONS, ""),
        legal_power=fields.text("legal_power", ""),
        confidentiality=fields.text("confidentiality", "", like=IDENTIFIER),
        opt_out=fields.text("opt_out", "", like=IDENTIFIER),
    )


def _purpose(fields: Fields) -> Any:
    return fields.make(Purpose, id=fields.text("id", like=IDENTIFIER), text=fields.text("text"))


def _demand(fields: Fields) -> Any:
    return fields.make(
        Demand,
        scheme=fields.text("scheme", like=IDENTIFIER),
        level=fields.text("level", ""),
        on_lapse=fields.choice("on_lapse", ON_LAPSE, "suspend"),
    )


def _statement(fields: Fields) -> Any:
    return fields.make(
        Statement, section=fields.choice("section", SECTIONS), text=fields.text("text")
    )


def _duty(fields: Fields) -> Any:
    return fields.make(
        Duty,
        id=fields.text("id", like=IDENTIFIER),
        text=fields.text("text"),
        owner=fields.text("owner", like=IDENTIFIER),
        due=fields.day("due"),
        every=fields.text("every", "", like=PERIOD),
    )


def _risk(fields: Fields) -> Any:
    return fields.make(
        Risk,
        id=fields.text("id", like=IDENTIFIER),
        text=fields.text("text"),
        owner=fields.text("owner", like=IDENTIFIER),
        likelihood=fields.choice("likelihood", LIKELIHOODS),
        impact=fields.choice("impact", IMPACTS),
        mitigation=fields.text("mitigation"),
        residual=fields.choice("residual", LEVELS),
    )


def _mode(fields: Fields) -> str:
    if fields.raw("mode") in LATER_MODES:
        fields.wrong("mode", "this mode is not served yet", "one of: " + ", ".join(MODES))
        return "rows"
    return str(fields.choice("mode", MODES))


def _grant(fields: Fields) -> Any:
    mode = _mode(fields)
    statistics, lookup = mode == "statistics", mode == "lookup"
    return fields.make(
        Grant,
        id=fields.text("id", like=GRANT),
        dataset=fields.text("dataset", like=DATASET),
        contract=fields.text("contract", "", like=DIGEST),
        purpose=fields.text("purpose", like=IDENTIFIER),
        recipients=_recipients(fields),
        mode=mode,
        columns=_columns(fields),
        rows=_rows(fields),
        person=fields.choice("person", ("pseudonym",), "") == "pseudonym",
        persons=fields.text("persons", "", like=GRANT),
        minimum_count=fields.whole("minimum_count", COMMONEST_MINIMUM * statistics, least=0),
        round_to=fields.whole("round_to", COMMONEST_MINIMUM * statistics, least=0),
        by=fields.text("by", PERSON if lookup else "", like=COLUMN),
        per_day=fields.whole("per_day", COMMONEST_RATE * lookup, least=0),
        needs=_needs(fields),
        export=fields.flag("export", False),
        retention=fields.text("retention", like=PERIOD),
    )


def _recipients(fields: Fields) -> tuple[str, ...]:
    recipients: tuple[str, ...] = fields.texts("recipients", like=GROUP)
    if not recipients:
        fields.wrong("recipients", "at least one group is needed here")
    return recipients


def _needs(fields: Fields) -> tuple[str, ...]:
    needs: tuple[str, ...] = fields.texts("needs", ())
    for need in needs:
        if need not in NEEDS:
            fields.wrong("needs", "a need is not known", "one of: " + ", ".join(NEEDS))
    return needs


def _rows(fields: Fields) -> Filter | None:
    if not fields.has("rows"):
        fields.raw("rows")
        return None
    return parse_filter(fields.raw("rows"), f"{fields.where}.rows", fields.problems)


def _columns(fields: Fields) -> tuple[GrantedColumn, ...]:
    values = fields.raw("columns", [])
    if not isinstance(values, list):
        fields.wrong("columns", "a list of columns is needed here")
        return ()
    made = [
        _column(Fields(value, f"{fields.where}.columns[{index}]", fields.problems))
        for index, value in enumerate(
            {"name": item} if isinstance(item, str) else item for item in values
        )
    ]
    return tuple(column for column in made if column is not None)


def _column(fields: Fields) -> Any:
    return fields.make(
        GrantedColumn,
        name=fields.text("name", like=COLUMN),
        treatment=fields.choice("treatment", TREATMENTS, "plain"),
        as_at=fields.day("as_at", None),
        exposed=fields.text("as", "", like=COLUMN),
    )
