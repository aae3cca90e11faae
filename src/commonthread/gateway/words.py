"""Terms in plain English: filters, treatments, dates, how long. Nothing here decides anything."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime

from commonthread.broker.rules.filters import All, Among, Any_, Compare, Filter, Not
from commonthread.broker.rules.terms import PERSON_INDEX, Grant, GrantedColumn

ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
COMPARISONS = {
    "=": "is",
    "!=": "is not",
    "<": "is under",
    "<=": "is at most",
    ">": "is over",
    ">=": "is at least",
}
DAY_COMPARISONS = {
    **COMPARISONS,
    "<": "is before",
    "<=": "is on or before",
    ">": "is after",
    ">=": "is on or after",
}
TREATMENTS = {
    "plain": "as it is",
    "pseudonym": "as a pseudonym",
    "year": "the year only",
    "month": "the month only",
    "outward": "the first half of the postcode only",
    "flag": "only whether it is there",
}
MODES = {
    "rows": "Rows",
    "statistics": "Statistics only",
    "lookup": "One person at a time",
}
ROLES = {
    "signatory": "signs agreements for the partner",
    "caldicott-guardian": "advises on the use of health and care records",
    "data-engineer": "deposits the partner’s data",
    "data-protection-officer": "advises on data protection",
    "governance-officer": "drafts and negotiates agreements",
}
DELIVERIES = {
    "snapshot": "Each file is the whole dataset",
    "append": "Each file adds rows",
    "changes": "Each file says what changes: rows added, corrected and removed",
}
# What a column says about who somebody is, as the linker reads it.
IDENTITY = {
    "given_name": "given name",
    "family_name": "family name",
    "full_name": "full name",
    "date_of_birth": "date of birth",
    "nhs_number": "NHS number",
    "own_id": "the partner’s own number for a person",
}
PERIOD = re.compile(r"P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?")


def day(value: date) -> str:
    """23 November 2026."""
    return f"{value.day} {value:%B %Y}"


def rows_in_words(rows: Filter | None) -> str:
    """Which rows a filter keeps; a missing value never passes it."""
    return "All rows" if rows is None else f"Rows where {_words(rows)}"


def _words(rows: Filter, inside: bool = False) -> str:
    match rows:
        case Compare(column=column, operator=operator, value=value):
            known = DAY_COMPARISONS if _is_day(value) else COMPARISONS
            return f"{column} {known[operator]} {_literal(value)}"
        case Among(column=column, values=values):
            return f"{column} is {joined([_literal(value) for value in values], 'or')}"
        case Not(part=part):
            return f"it is not so that {_words(part, True)}"
        case All(parts=parts) | Any_(parts=parts):
            said = joined(
                [_words(part, True) for part in parts], "and" if isinstance(rows, All) else "or"
            )
            return f"({said})" if inside and len(parts) > 1 else said


def _is_day(value: object) -> bool:
    return isinstance(value, str) and ISO_DAY.match(value) is not None


def _literal(value: str | int | bool) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and ISO_DAY.fullmatch(value):
        return day(date.fromisoformat(value))
    return value.replace("T", " ") if isinstance(value, str) and _is_day(value) else str(value)


def joined(parts: list[str], last: str = "and") -> str:
    """a, b and c."""
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} {last} {parts[-1]}"


def column_in_words(column: GrantedColumn) -> str:
    """How one granted column may be seen."""
    if column.treatment == "age-band" and column.as_at is not None:
        said = f"the age in bands of five years such as 85-89, as at {day(column.as_at)}"
    else:
        said = TREATMENTS.get(column.treatment, column.treatment)
    return said if column.exposed == column.name else f"{said}, made of {column.name}"


def columns(grant: Grant) -> Iterator[tuple[str, str]]:
    """(name, how it is shown) of each column that a grant opens."""
    if grant.person:
        yield "person", "a pseudonym of the resident, under this agreement only"
    for column in grant.columns:
        yield column.exposed, column_in_words(column)


def conditions(grant: Grant) -> Iterator[str]:
    """What else narrows a grant, one sentence each."""
    yield rows_in_words(grant.rows)
    if grant.persons:
        yield f"Only residents who are in {grant.persons}"
    if grant.mode == "statistics":
        yield f"No figure about fewer than {grant.minimum_count} residents"
        yield f"Figures rounded to {grant.round_to}"
    if grant.mode == "lookup":
        yield f"Looked up by {grant.by}, at most {grant.per_day} times a day, with a reason"
    for need in grant.needs:
        yield f"Needs {need} first"
    yield "May be downloaded" if grant.export else "May not be downloaded"
    if grant.retention:
        yield f"What is kept is destroyed after {period(grant.retention)}"


def group(id_: str, names: Mapping[str, str]) -> tuple[str, str]:
    """(group, its partner) of `wychshire/analysts`, both as people call them."""
    partner, _, name = id_.partition("/")
    if id_ == PERSON_INDEX:
        return "the person index", "the platform"
    return name.replace("-", " "), names.get(partner, partner)


def groups(grant: Grant, names: Mapping[str, str]) -> str:
    """Who takes, in one line that begins with a capital."""
    said = "; ".join(" of ".join(group(each, names)) for each in grant.recipients)
    return said[:1].upper() + said[1:]


def period(text: str) -> str:
    """P90D → 90 days."""
    found = PERIOD.fullmatch(text)
    if not found:
        return text
    units = zip(found.groups(), ("year", "month", "week", "day"), strict=True)
    parts = [f"{number} {unit}{'' if number == '1' else 's'}" for number, unit in units if number]
    return joined(parts, "and") or text


def moment(value: datetime | str) -> datetime:
    """A ledger's time, which may come as its text."""
    return datetime.fromisoformat(value) if isinstance(value, str) else value
