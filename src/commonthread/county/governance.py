"""Who is in the county's trust, and what they agree: partners, members, a charter, agreements.

Agreements are values here and become the TOML that people read and apply. Legal entries show the
form of an agreement and are not advice. No agreement covers a canary: every grant over people
hides those under the police's safe-address scheme (`protected`), and no grant has a `note`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .agreed import LINKAGE, Agreed, Given
from .agreements import AGREEMENTS
from .records import PLANS, Plan, contract

__all__ = ["BY_ID", "CHARTER", "LINKAGE", "documents", "signatures"]

CHARTER = "CHARTER-2026"
STARTS, ENDS, REVIEW = "2026-01-01", "2034-12-31", "2029-12-31"
# One address for all partners: whoever writes reaches whom it concerns.
# The clauses that software does not enforce, under the headings of the ICO's code. The code of the
# area is of the form that statistics uses, and of no real place.
STATEMENTS = {
    "accession": "A partner that joins later signs a new version with the others.",
    "accuracy": "Who finds an error tells the owner of the record within five working days.",
    "benefits": "{agreed.purpose_text}\nAreas: E10999999 Wychshire",
    "breach": "Each party tells the others within 24 hours of finding a breach.",
    "complaints": "Any party takes a complaint and acknowledges it within 30 days.\n"
    "Contact: data.protection@wychshire-trust.example",
    "onward-sharing": "Recipients pass nothing on without a new agreement.",
    "rights": "A request about somebody's own data is answered by the owner of the record.",
    "security": "Recipients work on the platform, and keep what they download encrypted.",
    "transfers": "Nothing leaves the United Kingdom.",
}
# No agreement asks for these: one has lapsed and some will soon, so that the grid has colours.
ASSURED = {
    "wychshire": ("cyber-essentials-plus", "2027-01-15"),
    "severn-acute": ("cyber-essentials-plus", "2026-12-20"),
    "hereward-fire": ("cyber-essentials", "2026-09-30"),
    "saltbridge": ("cyber-essentials", "2027-11-01"),
}
PUBLIC_INTEREST = "substantial-public-interest"
CREDENTIAL = {"scheme": "ico-registration", "on_lapse": "suspend"}


@dataclass(frozen=True, slots=True)
class Organisation:
    """A partner: its power to share, its people by id, and the groups that they are in."""

    id: str
    name: str
    kind: str
    power: str
    signatory: tuple[str, str]
    engineer: tuple[str, str]
    groups: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    guardian: tuple[str, str] | None = None
    officer: tuple[str, str] | None = None
    dpo: tuple[str, str] | None = None
    deputy: tuple[str, str] | None = None


ORGANISATIONS = (
    Organisation(
        "wychshire",
        "Wychshire County Council",
        "council",
        "Care Act 2014 s.2",
        ("d.ashe", "Director of Adult Social Care"),
        ("e.wren", "Data engineer"),
        {
            "analysts": ("a.reed", "Analyst, office of data analytics"),
            "telecare-team": ("t.vale", "Telecare team lead"),
            "duty-desk": ("c.lowe", "Social worker, duty desk"),
            "emergency-planning": ("b.holt", "Emergency planning officer"),
        },
        officer=("g.penn", "Information governance officer"),
        dpo=("i.vane", "Data protection officer"),
        deputy=("n.hale", "Deputy director of adult social care"),
    ),
    Organisation(
        "severn-acute",
        "Severn Acute Hospitals NHS Trust",
        "health",
        "National Health Service Act 2006 s.82",
        ("m.dove", "Medical director"),
        ("n.crane", "Data engineer"),
        {"discharge-team": ("y.bell", "Discharge coordinator")},
        ("g.stone", "Caldicott guardian"),
        officer=("a.quill", "Information governance manager"),
        dpo=("h.lyle", "Data protection officer"),
    ),
    Organisation(
        "vale-gps",
        "Vale GP Federation",
        "health",
        "Health and Social Care Act 2012 s.251B",
        ("p.lark", "Clinical chair"),
        ("i.finch", "Informatics lead"),
        {"health-visitors": ("v.ross", "Health visitor")},
        ("w.heath", "Caldicott guardian"),
    ),
    Organisation(
        "saltbridge",
        "Saltbridge District Council (shared revenues and housing service)",
        "council",
        "Localism Act 2011 s.1",
        ("h.ode", "Head of housing"),
        ("s.pike", "Data engineer"),
        {
            "lettings": ("l.marsh", "Lettings officer"),
            "analysts": ("q.dale", "Policy analyst"),
        },
        officer=("p.crewe", "Information governance officer"),
    ),
    Organisation(
        "riverside-homes",
        "Riverside Homes",
        "housing",
        "Housing Act 1996 s.1",
        ("r.birch", "Director of homes"),
        ("k.thorn", "Data engineer"),
        {"tenancy-support": ("u.fern", "Tenancy support officer")},
    ),
    Organisation(
        "hereward-fire",
        "Hereward Fire and Rescue Service",
        "fire",
        "Fire and Rescue Services Act 2004 s.6",
        ("f.oakes", "Deputy chief fire officer"),
        ("j.rook", "Data engineer"),
        {"prevention": ("x.hill", "Prevention officer")},
        officer=("m.tarn", "Information governance officer"),
    ),
    Organisation(
        "mercia-police",
        "Mercia Police",
        "police",
        "Police Act 1996 s.30",
        ("o.hawke", "Chief superintendent"),
        ("z.moor", "Data engineer"),
        {"harm-reduction": ("d.glen", "Harm reduction officer")},
        officer=("c.vale", "Information governance manager"),
        dpo=("e.ford", "Data protection officer"),
    ),
    Organisation(
        "registration",
        "Wychshire Registration Service",
        "council",
        "Births and Deaths Registration Act 1953",
        ("s.abel", "Superintendent registrar"),
        ("t.cope", "Records officer"),
    ),
    Organisation(
        "vale-schools",
        "Vale Schools Trust",
        "school",
        "Education Act 2002 s.175",
        ("j.wood", "Chief executive of the trust"),
        ("l.carr", "Data manager"),
        {"welfare": ("i.lowe", "Education welfare officer")},
    ),
    Organisation(
        "severn-power",
        "Severn Power Distribution",
        "utility",
        "Civil Contingencies Act 2004 s.2; Electricity Act 1989 s.9",
        ("n.wade", "Head of customer safeguarding"),
        ("b.flint", "Data engineer"),
        {"priority-services": ("e.gale", "Priority services adviser")},
    ),
)
BY_ID = {organisation.id: organisation for organisation in ORGANISATIONS}


def documents() -> dict[str, dict[str, Any]]:
    """File name → document, as `commonthread apply` takes them."""
    found: dict[str, dict[str, Any]] = {
        "county.toml": {
            "partner": [_partner(each) for each in ORGANISATIONS],
            "member": [member for each in ORGANISATIONS for member in _members(each)],
            "dataset": [contract(plan) for plan in PLANS],
        },
        "charter.toml": {"charter": _charter()},
    }
    for agreed in AGREEMENTS:
        name = agreed.file
        found[f"agreements/dpia-{name}.toml"] = {"dpia": _dpia(agreed)}
        found[f"agreements/{name}.toml"] = {"agreement": _agreement(agreed)}
    return found


def signatures() -> list[tuple[str, str]]:
    """(reference, signatory) of what the demo signs: the charter, and agreements not left open."""
    found = [(CHARTER, each.signatory[0]) for each in ORGANISATIONS]
    for agreed in AGREEMENTS:
        parties = sorted(_parties(agreed))
        signing = (
            parties if not agreed.unsigned else [p for p in parties if p not in agreed.unsigned]
        )
        found += [(agreed.reference, BY_ID[partner].signatory[0]) for partner in signing]
    return found


def _partner(each: Organisation) -> dict[str, Any]:
    number = 200 + ORGANISATIONS.index(each)
    credentials = [
        {"scheme": "ico-registration", "reference": f"Z0000{number}", "expires": "2036-03-31"}
    ]
    if each.kind == "health":
        credentials.append(
            {"scheme": "dspt", "reference": f"8HX{number}", "level": "met", "expires": "2036-06-30"}
        )
    if each.id in ASSURED:
        scheme, expires = ASSURED[each.id]
        credentials.append({"scheme": scheme, "reference": f"CE-{number}", "expires": expires})
    return {"id": each.id, "name": each.name, "kind": each.kind, "credential": credentials}


def _members(each: Organisation) -> list[dict[str, Any]]:
    def member(who: tuple[str, str], **more: Any) -> dict[str, Any]:
        return {"id": who[0], "name": who[1], "partner": each.id, **more}

    found = [
        member(each.signatory, roles=["signatory"]),
        member(each.engineer, roles=["data-engineer"]),
    ]
    advising = (
        (each.guardian, "caldicott-guardian"),
        (each.officer, "governance-officer"),
        (each.dpo, "data-protection-officer"),
        (each.deputy, "signatory"),
    )
    found += [member(who, roles=[role]) for who, role in advising if who]
    found += [member(who, groups=[f"{each.id}/{name}"]) for name, who in each.groups.items()]
    return found


def _charter() -> dict[str, Any]:
    return {
        "reference": CHARTER,
        "title": "Wychshire data sharing charter",
        "version": 1,
        "starts": STARTS,
        "ends": "2035-12-31",
        "review": "2030-01-01",
        "principles": [
            "We treat the duty to share as equal to the duty to protect.",
            "We share unless there is a legal or ethical reason not to, and we record that reason.",
            "We share no more than the purpose needs.",
            "Residents can see what is shared about them, why, and with whom.",
        ],
        "own_data": (
            "A partner may see what it deposited itself, its quarantine and its quality profile."
        ),
    }


def _dpia(agreed: Agreed) -> dict[str, Any]:
    return {
        "reference": agreed.reference.replace("ISA", "DPIA"),
        "title": agreed.title,
        "need": agreed.need,
        "consulted": ["data protection officers of the parties", *agreed.consulted],
        "necessity": agreed.necessity,
        "dpo_advice": "Proceed on these terms.",
        "dpo_advice_accepted": True,
        "residual_risk": "low",
        "approved_by": BY_ID[agreed.lead].signatory[0],
        "approved": "2025-12-15",
        "review": "2033-12-15",
    }


def _agreement(agreed: Agreed) -> dict[str, Any]:
    linking = not agreed.rests_on and any(
        group.startswith("commonthread/") for given in agreed.grants for group in given.to
    )
    parties = [_party(partner, agreed) for partner in sorted(_parties(agreed))]
    if linking:
        parties.append({"partner": "commonthread", "role": "processor"})
    return {
        "reference": agreed.reference,
        "title": agreed.title,
        "version": 1,
        "charter": CHARTER,
        "starts": STARTS,
        "ends": ENDS,
        "review": REVIEW,
        "requires_credentials": [CREDENTIAL],
        "on_withdrawal": agreed.on_withdrawal,
        "dpia": f"dpia-{agreed.file}.toml",
        "rests_on": list(agreed.rests_on),
        "single_out": agreed.single_out,
        "party": parties,
        "purpose": [{"id": agreed.purpose, "text": agreed.purpose_text}],
        "grant": [_grant(given, agreed) for given in agreed.grants],
        "statement": [
            {"section": section, "text": text.format(agreed=agreed)}
            for section, text in STATEMENTS.items()
        ],
        "duty": [
            {
                "id": "destroy",
                "text": "Destroy what was exported when its time is over, and say so.",
                "owner": agreed.lead,
                "due": "2027-03-31",
            },
            *_policies(parties, agreed),
        ],
        "risk": [
            {
                "id": "more-than-needed",
                "text": agreed.risk,
                "owner": agreed.lead,
                "likelihood": "possible",
                "impact": "significant",
                "mitigation": agreed.mitigation,
                "residual": "low",
            }
        ],
    }


def _policies(parties: list[dict[str, Any]], agreed: Agreed) -> list[dict[str, Any]]:
    """Each controller keeps the document that Schedule 1 asks for, and looks at it every year."""
    if agreed.condition != PUBLIC_INTEREST:
        return []
    return [
        {
            "id": f"policy-document-{each['partner']}",
            "text": "Keep the appropriate policy document for special-category data.",
            "owner": each["partner"],
            "due": "2026-12-31",
            "every": "P1Y",
        }
        for each in parties
        if each["role"] == "controller"
    ]


def _parties(agreed: Agreed) -> set[str]:
    owners = {given.dataset.split("/")[0] for given in agreed.grants}
    recipients = {group.split("/")[0] for given in agreed.grants for group in given.to}
    return (owners | recipients) - {"commonthread"}


def _party(partner: str, agreed: Agreed) -> dict[str, Any]:
    organisation = BY_ID[partner]
    party = {
        "partner": partner,
        "role": "controller",
        "lawful_basis": agreed.lawful_basis,
        "condition": agreed.condition,
        "legal_power": f"{organisation.power}; {agreed.schedule}"
        if agreed.condition == PUBLIC_INTEREST
        else organisation.power,
    }
    if organisation.kind == "health":
        party |= {"confidentiality": agreed.confidentiality, "opt_out": agreed.opt_out}
    return party


def _grant(given: Given, agreed: Agreed) -> dict[str, Any]:
    grant: dict[str, Any] = {
        "id": given.id,
        "dataset": given.dataset,
        "purpose": agreed.purpose,
        "recipients": list(given.to),
        "mode": given.mode,
        "columns": [_column(each) for each in given.columns],
    }
    rows = [*given.rows]
    if any(column.name == "protected" for column in plan_of(given.dataset).columns):
        rows.insert(0, ("protected", "!=", True))
    if rows:
        listed = [list(each) for each in rows]
        grant["rows"] = listed[0] if len(listed) == 1 else {"and": listed}
    if given.person:
        grant["person"] = "pseudonym"
    if given.persons:
        grant["persons"] = given.persons
    if given.needs:
        grant["needs"] = list(given.needs)
    if given.mode == "lookup":
        grant |= {"by": given.by, "per_day": given.per_day}
    if given.mode == "statistics":
        grant |= {"minimum_count": 5, "round_to": 5}
    return {**grant, "export": given.export, "retention": given.retention}


def _column(column: str | tuple[str, ...]) -> Any:
    if isinstance(column, str):
        return column
    name, treatment, *more = column
    return {"name": name, "treatment": treatment, **({"as_at": more[0]} if more else {})}


def plan_of(dataset: str) -> Plan:
    return next(plan for plan in PLANS if f"{plan.owner}/{plan.id}" == dataset)


def covered(agreements: Sequence[Agreed] = AGREEMENTS) -> set[str]:
    """The datasets that some agreement grants."""
    return {given.dataset for agreed in agreements for given in agreed.grants}
