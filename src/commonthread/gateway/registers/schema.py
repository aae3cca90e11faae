"""The published JSON Schema (2020-12) of an agreement's canonical terms.

Made from the very lists and patterns that `broker.rules` reads terms by. It says what canonical
terms look like, which is narrower than what may be typed: defaults are written out, and sets are
in order. What holds between fields (a grant's purpose stands in the agreement) the rules check.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from commonthread.broker.rules import fields, terms
from commonthread.broker.rules.canonical import LARGEST
from commonthread.broker.rules.filters import COMPARISONS, MOST_VALUES
from commonthread.broker.rules.treatments import TREATMENTS

from .files import as_json

DIALECT = "https://json-schema.org/draft/2020-12/schema"
IDENTITY = "urn:commonthread:schema:terms:1"
Schema = dict[str, Any]
# The end of the text in every engine: in some, `$` stands before a last line end as well.
END = r"(?![\s\S])"
# The years that the rules take; which months have 31 days is left to them.
DAY = "^(?:19[0-9]{2}|[2-8][0-9]{3}|9000)-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])" + END


def schema() -> Schema:
    return {
        "$schema": DIALECT,
        "$id": IDENTITY,
        "title": "The terms of an agreement, in canonical form",
        "description": "SHA-256 of these terms as RFC 8785 bytes is the digest that is signed.",
        **_whole(),
        "$defs": {
            "period": _like(fields.PERIOD, longest=fields.LONGEST_NAME),
            "day": {"type": "string", "pattern": DAY},
            "digest": _like(fields.DIGEST),
            "party": _party(),
            "purpose": _table({"id": _id(), "text": _text()}),
            "demand": _demand(),
            "statement": _table({"section": _one_of(terms.SECTIONS), "text": _text()}),
            "duty": _duty(),
            "risk": _risk(),
            "column": _column(),
            "grant": _grant(),
            "filter": _filter(),
        },
    }


def schema_bytes() -> bytes:
    return as_json(schema())


def _whole() -> Schema:
    return _table(
        {
            "reference": _like(fields.REFERENCE),
            "title": _text(),
            "version": _number(1),
            "charter": _like(fields.REFERENCE),
            "starts": _see("day"),
            "ends": _see("day"),
            "review": _see("day"),
            "requires_credentials": _set(_see("demand")),
            "on_withdrawal": _one_of(terms.ON_WITHDRAWAL),
            "rests_on": _set(_like(fields.REFERENCE)),
            "single_out": {"type": "boolean"},
            "party": _set(_see("party"), least=1),
            "purpose": _set(_see("purpose"), least=1),
            "grant": _set(_see("grant"), least=1),
            "statement": _set(_see("statement")),
            "duty": _set(_see("duty")),
            "risk": _set(_see("risk")),
        },
        {"dpia": _see("digest")},
    )


def _party() -> Schema:
    shape = _table(
        {
            "partner": _id(),
            "role": _one_of(terms.PARTY_ROLES),
            "lawful_basis": _one_of(("", *terms.LAWFUL_BASES)),
            "condition": _one_of(("", *terms.CONDITIONS)),
            "legal_power": {"type": "string", "maxLength": fields.LONGEST},
            "confidentiality": _or_empty(fields.IDENTIFIER),
            "opt_out": _or_empty(fields.IDENTIFIER),
        }
    )
    said = {"lawful_basis": {"minLength": 1}, "legal_power": {"minLength": 1}}
    controlling = {"properties": {"role": _one_of(terms.CONTROLLING)}}
    return {**shape, "if": controlling, "then": {"properties": said}}


def _demand() -> Schema:
    level = {"type": "string", "maxLength": fields.LONGEST}
    return _table({"scheme": _id(), "level": level, "on_lapse": _one_of(terms.ON_LAPSE)})


def _duty() -> Schema:
    needed = {"id": _id(), "text": _text(), "owner": _id(), "due": _see("day")}
    return _table(needed, {"every": _see("period")})


def _risk() -> Schema:
    return _table(
        {
            "id": _id(),
            "text": _text(),
            "owner": _id(),
            "likelihood": _one_of(terms.LIKELIHOODS),
            "impact": _one_of(terms.IMPACTS),
            "mitigation": _text(),
            "residual": _one_of(terms.LEVELS),
        }
    )


def _column() -> Schema:
    """An age-band, and only that, is as at a date."""
    name = _like(fields.COLUMN)
    shape = _table(
        {"name": name, "treatment": _one_of(TREATMENTS), "as": name}, {"as_at": _see("day")}
    )
    banded = {"properties": {"treatment": {"const": "age-band"}}}
    needs, lacks = {"required": ["as_at"]}, {"properties": {"as_at": False}}
    return {**shape, "if": banded, "then": needs, "else": lacks}


def _grant() -> Schema:
    """Three shapes of one table: what a mode needs belongs to it, and to no other."""
    statistics = {"minimum_count": _number(1), "round_to": _number(1)}
    lookup = {"by": _like(fields.COLUMN), "per_day": _number(1)}
    return {
        "oneOf": [
            _granted("rows", {}),
            _granted("statistics", statistics),
            _granted("lookup", lookup),
        ]
    }


def _granted(mode: str, modal: Mapping[str, Schema]) -> Schema:
    needed = {
        "id": _like(fields.GRANT),
        "dataset": _like(fields.DATASET),
        "contract": _or_empty(fields.DIGEST),
        "purpose": _id(),
        "recipients": _set(_like(fields.GROUP), least=1),
        "mode": {"const": mode},
        "columns": _set(_see("column")),
        "needs": _set(_one_of(terms.NEEDS)),
        "export": {"type": "boolean"},
        "retention": _see("period"),
        **modal,
    }
    persons = _like(fields.GRANT)
    more = {"rows": _see("filter"), "person": {"const": "pseudonym"}, "persons": persons}
    return _table(needed, more)


def _filter() -> Schema:
    literal = {"type": ["string", "integer", "boolean"]}
    among = {"type": "array", "items": literal, "minItems": 1, "maxItems": MOST_VALUES}
    parts = {"type": "array", "items": _see("filter"), "minItems": 1}
    return {
        "oneOf": [
            _triple(_one_of(COMPARISONS), literal),
            _triple({"const": "in"}, among),
            _table({"and": parts}),
            _table({"or": parts}),
            _table({"not": _see("filter")}),
        ]
    }


def _triple(operator: Schema, value: Schema) -> Schema:
    items = [{"type": "string"}, operator, value]
    return {"type": "array", "prefixItems": items, "items": False, "minItems": 3}


def _table(needed: Mapping[str, Schema], may: Mapping[str, Schema] | None = None) -> Schema:
    """A table of exactly these fields: a clause that nobody reads would seem to bind somebody."""
    return {
        "type": "object",
        "properties": {**needed, **(may or {})},
        "required": sorted(needed),
        "additionalProperties": False,
    }


def _set(items: Schema, least: int = 0) -> Schema:
    return {"type": "array", "items": items, "minItems": least, "uniqueItems": True}


def _see(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _one_of(values: Iterable[str]) -> Schema:
    return {"enum": list(values)}


def _number(least: int) -> Schema:
    return {"type": "integer", "minimum": least, "maximum": LARGEST}


def _text() -> Schema:
    return {"type": "string", "minLength": 1, "maxLength": fields.LONGEST, "pattern": r"\S"}


def _id() -> Schema:
    return _like(fields.IDENTIFIER)


def _like(form: re.Pattern[str], longest: int = fields.LONGEST_NAME) -> Schema:
    """The pattern as ECMA-262 has it: anchored, and its digits are ASCII digits."""
    pattern = form.pattern.replace(r"\d", "[0-9]")
    return {"type": "string", "pattern": f"^(?:{pattern}){END}", "maxLength": longest}


def _or_empty(form: re.Pattern[str]) -> Schema:
    return {"anyOf": [{"const": ""}, _like(form)]}
