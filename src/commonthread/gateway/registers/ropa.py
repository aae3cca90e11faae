"""Records of processing activities (UK GDPR Art 30): of each controller, and of each processor.

One record for each agreement and each of its parties, out of what the party gives and gets. A
field that nothing says reads `not stated` and is listed as missing, with where to say it. The
records name data protection officers as Art 30(1)(a) asks, so they are not public.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from commonthread.broker.rules.standing import DPO
from commonthread.broker.rules.terms import Grant, Party

from .fields import Field, Missing, Value, filled
from .files import as_csv, as_json
from .held import Held, Signed
from .wording import CLASSIFICATIONS, MODES, basis, columns, condition, kept, listed, takers

NO_TRANSFER = "the terms state no transfer out of the United Kingdom"
ENFORCED = (
    "a request is answered only under this signed agreement, for its purpose",
    "every request and every refusal is in a ledger that shows any change",
    "deposits and extracts are encrypted where they are stored",
    "a withdrawal ends access within one second",
)


@dataclass(frozen=True, slots=True)
class Processing:
    """One party of one agreement, with the grants that concern it."""

    signed: Signed
    party: Party

    def gives(self) -> tuple[Grant, ...]:
        who = self.party.partner
        return tuple(grant for grant in self.signed.grants() if grant.owner == who)

    def gets(self) -> tuple[Grant, ...]:
        own = f"{self.party.partner}/"
        return tuple(
            grant
            for grant in self.signed.grants()
            if any(group.startswith(own) for group in grant.recipients)
        )

    def grants(self) -> tuple[Grant, ...]:
        """What it gives or gets; what all give and get where it does neither."""
        concerned = {grant.id for grant in (*self.gives(), *self.gets())}
        found = tuple(grant for grant in self.signed.grants() if grant.id in concerned)
        return found or self.signed.grants()


def _officer(held: Held, one: Processing) -> tuple[str, ...]:
    members = sorted(held.standing.members.items())
    who = one.party.partner
    return tuple(m.name for _, m in members if m.partner == who and DPO in m.roles)


def _joint(held: Held, one: Processing) -> tuple[str, ...]:
    """Art 26: the others that decide together with it; `none` for one that decides alone."""
    others = [p for p in one.signed.controllers() if p.role == "joint" and p != one.party]
    names = tuple(held.name(party.partner) for party in others)
    return names if one.party.role == "joint" and names else ("none",)


def _role(held: Held, one: Processing) -> str:
    does = [word for word, held_ in (("gives", one.gives()), ("gets", one.gets())) if held_]
    return f"{one.party.role}: {listed(does)}" if does else one.party.role


def _purposes(held: Held, one: Processing) -> tuple[str, ...]:
    wanted = {grant.purpose for grant in one.grants()}
    return tuple(sorted(p.text for p in one.signed.terms.purposes if p.id in wanted))


def _people(held: Held, one: Processing) -> tuple[str, ...]:
    return _each(one, lambda grant: f"people in {_dataset(held, grant)}")


def _data(held: Held, one: Processing) -> tuple[str, ...]:
    return _each(one, lambda grant: _categories(held, grant))


def _categories(held: Held, grant: Grant) -> str:
    contract = held.contract(grant.dataset)
    kind = CLASSIFICATIONS[contract.classification] if contract else "not declared"
    return f"{_dataset(held, grant)} ({kind}): {', '.join(columns(grant))}"


def _dataset(held: Held, grant: Grant) -> str:
    return f"{held.title(grant.dataset)} of {held.name(grant.owner)}"


def _recipients(held: Held, one: Processing) -> tuple[str, ...]:
    return tuple(sorted({who for grant in one.grants() for who in takers(grant, held)}))


def _erasure(held: Held, one: Processing) -> tuple[str, ...]:
    return _each(one, lambda grant: f"{_dataset(held, grant)}: {kept(grant)}")


def _transfers(held: Held, one: Processing) -> tuple[str, ...]:
    return one.signed.section("transfers") or (NO_TRANSFER,)


def _security(held: Held, one: Processing) -> tuple[str, ...]:
    counted = [grant for grant in one.grants() if grant.mode == "statistics"]
    small = {f"no figure about fewer than {grant.minimum_count} residents" for grant in counted}
    coded = any(grant.person for grant in one.grants())
    codes = ("people are shown by codes of this agreement alone",) if coded else ()
    return (*one.signed.section("security"), *ENFORCED, *codes, *sorted(small))


def _source(held: Held, one: Processing) -> tuple[str, ...]:
    return tuple(sorted({held.name(grant.owner) for grant in one.grants()}))


def _processing(held: Held, one: Processing) -> tuple[str, ...]:
    return tuple(sorted({MODES[grant.mode] for grant in one.grants()}))


def _dpia(held: Held, one: Processing) -> Value:
    known = held.standing.dpias.get(one.signed.terms.dpia)
    return f"{known.reference} ({known.digest})" if known else "none: the terms carry no DPIA"


def _each(one: Processing, said: Any) -> tuple[str, ...]:
    return tuple(sorted({said(grant) for grant in one.grants()}))


STATEMENT = "agreement.statement: a line `Contact: …`"
COMMON: tuple[Field[Processing], ...] = (
    Field("partner", "Whose record", "agreement.party", lambda h, o: o.party.partner),
    Field("name", "30(1)(a), 30(2)(a): name", "partner.name", lambda h, o: h.name(o.party.partner)),
    Field(
        "contact",
        "30(1)(a), 30(2)(a): contact details",
        STATEMENT,
        lambda h, o: o.signed.labelled("Contact"),
    ),
    Field(
        "data_protection_officer",
        "30(1)(a), 30(2)(a): data protection officer",
        "member of the partner with the role data-protection-officer",
        _officer,
    ),
    Field(
        "representative",
        "30(1)(a), 30(2)(a): representative (Art 27), where one is needed",
        "agreement.statement: a line `Representative: …`",
        lambda h, o: o.signed.labelled("Representative") or ("none named",),
    ),
)
AGREED: tuple[Field[Processing], ...] = (
    Field(
        "transfers",
        "30(1)(e), 30(2)(c): transfers abroad and their safeguards",
        "agreement.statement of the section transfers",
        _transfers,
    ),
    Field(
        "security",
        "30(1)(g), 30(2)(d): security measures",
        "what the software enforces, with agreement.statement of the section security",
        _security,
    ),
    Field("agreement", "Which agreement", "agreement.reference", lambda h, o: o.signed.reference),
    Field("digest", "Which version, to the byte", "the terms", lambda h, o: o.signed.terms.digest),
    Field(
        "in_force",
        "Whether it holds now for this party",
        "signatures, dates, acts",
        lambda h, o: "yes" if o.signed.holds_for(o.party.partner) else "no",
    ),
)
CONTROLLER: tuple[Field[Processing], ...] = (
    *COMMON,
    Field("role", "Controller or joint; gives, gets or both", "agreement.party, grant", _role),
    Field(
        "joint_controllers", "30(1)(a): joint controllers", "agreement.party, role joint", _joint
    ),
    Field("purposes", "30(1)(b): purposes", "agreement.purpose.text", _purposes),
    Field("people", "30(1)(c): categories of people", "dataset.title of each grant", _people),
    Field(
        "data",
        "30(1)(c): categories of personal data",
        "agreement.grant.columns, dataset.classification",
        _data,
    ),
    Field("recipients", "30(1)(d): recipients", "agreement.grant.recipients", _recipients),
    Field("erasure", "30(1)(f): time limits", "agreement.grant.retention", _erasure),
    Field("source", "Where the data comes from", "agreement.grant.dataset", _source),
    Field("lawful_basis", "Art 6", "agreement.party.lawful_basis", lambda h, o: basis(o.party)),
    Field(
        "condition",
        "Art 9, where special categories are shared",
        "agreement.party.condition",
        lambda h, o: condition(o.party) or "none claimed",
    ),
    Field(
        "legal_power",
        "By which power",
        "agreement.party.legal_power",
        lambda h, o: o.party.legal_power,
    ),
    Field("dpia", "Art 35", "agreement.dpia", _dpia),
    *AGREED,
)
PROCESSOR: tuple[Field[Processing], ...] = (
    *COMMON,
    Field(
        "controllers",
        "30(2)(a): for whom",
        "agreement.party with a role of controller or joint",
        lambda h, o: tuple(h.name(party.partner) for party in o.signed.controllers()),
    ),
    Field("processing", "30(2)(b): categories of processing", "agreement.grant.mode", _processing),
    *AGREED,
)


@dataclass(frozen=True, slots=True)
class Record:
    """One record of one party under one agreement."""

    fields: dict[str, Any]
    missing: tuple[Missing, ...]

    def to_plain(self) -> dict[str, Any]:
        return {"fields": self.fields, "missing": [each.to_plain() for each in self.missing]}


def controllers(held: Held) -> tuple[Record, ...]:
    """Art 30(1), in the order of partners and then of agreements."""
    found = ((p, s) for s in held.agreements for p in s.controllers())
    return _records(held, CONTROLLER, found)


def processors(held: Held) -> tuple[Record, ...]:
    """Art 30(2)."""
    found = ((p, s) for s in held.agreements for p in s.processors())
    return _records(held, PROCESSOR, found)


def _records(
    held: Held, fields: Sequence[Field[Processing]], found: Iterator[tuple[Party, Signed]]
) -> tuple[Record, ...]:
    ordered = sorted(found, key=lambda pair: (pair[0].partner, pair[1].reference))
    return tuple(
        Record(*filled(fields, held, Processing(signed, party))) for party, signed in ordered
    )


def register_json(held: Held) -> bytes:
    return as_json(
        {
            "made_of": held.about(),
            "controllers": [record.to_plain() for record in controllers(held)],
            "processors": [record.to_plain() for record in processors(held)],
        }
    )


def controllers_csv(held: Held) -> bytes:
    return _csv(CONTROLLER, controllers(held))


def processors_csv(held: Held) -> bytes:
    return _csv(PROCESSOR, processors(held))


def _csv(fields: Sequence[Field[Processing]], records: Sequence[Record]) -> bytes:
    return as_csv([each.name for each in fields], (record.fields for record in records))
