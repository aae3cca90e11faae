"""Where the choices of an agreement do not go together: `conflicts` is the whole of it.

Each rule looks at one thing, and names its source in the message or in the entry that it cites.
The absence of a conflict does not make anything lawful: an agreement is no lawful basis.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from commonthread.broker.rules.contracts import Contract
from commonthread.broker.rules.standing import Partner
from commonthread.broker.rules.terms import Party, Terms

from .bases import ANNEX_1, BASES
from .bodies import KINDS, in_words, is_certainly, is_one_of, is_public
from .conditions import CONDITIONS, SCHEDULE_1
from .confidence import CONFIDENTIALITY, OPT_OUTS
from .finding import STOP, Conflict, Scene
from .flows import FLOW_RULES

PartyRule = Callable[[Scene, Party, str], Iterator[Conflict]]


def conflicts(
    terms: Terms, partners: Mapping[str, Partner], contracts: Mapping[str, Contract]
) -> tuple[Conflict, ...]:
    """Everything that does not go together, each once, in the order of the terms.

    A partner or a dataset that is not known is passed over where a rule would need it, and the
    partner is named in a warning: nothing is guessed.
    """
    scene = Scene(terms, partners, contracts)
    found: list[Conflict] = []
    for party in scene.controllers():
        path = f"party[{party.partner}]"
        for of_party in PARTY_RULES:
            found += of_party(scene, party, path)
    found += _joint(scene)
    for grant in terms.grants:
        path = f"grant[{grant.id}]"
        for of_grant in FLOW_RULES:
            found += (replace(each, grants=(grant.id,)) for each in of_grant(scene, grant, path))
    return _merged(found)


def _merged(found: list[Conflict]) -> tuple[Conflict, ...]:
    """The same thing said of several grants is one conflict with all of them."""
    merged: dict[Conflict, list[str]] = {}
    for each in found:
        merged.setdefault(replace(each, grants=()), []).extend(each.grants)
    return tuple(
        replace(each, grants=tuple(dict.fromkeys(grants))) for each, grants in merged.items()
    )


def _kind(scene: Scene, party: Party, path: str) -> Iterator[Conflict]:
    if not scene.knows(party.partner):
        yield Conflict(
            "kind-unknown",
            path,
            f"What kind of body {party.partner} is, is not known: its powers cannot be checked.",
            f"Its kind is one of: {', '.join(KINDS)}.",
        )


def _power_known(scene: Scene, party: Party, path: str) -> Iterator[Conflict]:
    for citation in scene.cited[party.partner]:
        if citation.entry is None:
            yield Conflict(
                "power-unlisted",
                f"{path}.legal_power",
                f"The maintained lists do not have “{citation.text}”.",
                "Choose one of the list, or let a lawyer confirm this one. A Digital Economy Act "
                "power names its objective.",
            )
    if not scene.powers(party.partner) and scene.entries(party.partner):
        yield Conflict(
            "power-missing",
            f"{path}.legal_power",
            f"{party.partner} cites a condition, and no power to share.",
            "Cite the power first, the condition after a semicolon.",
            STOP,
        )


def _power_binds(scene: Scene, party: Party, path: str) -> Iterator[Conflict]:
    kind = scene.kind(party.partner)
    for power in scene.powers(party.partner):
        if is_certainly(kind, power.excludes):
            yield Conflict(
                "power-excludes",
                f"{path}.legal_power",
                f"{power.citation} leaves out {in_words(power.excludes)}, such as {party.partner}.",
                "Use a power of health or social care law.",
                STOP,
            )
        elif is_one_of(kind, power.bodies) is False:
            yield Conflict(
                "power-not-theirs",
                f"{path}.legal_power",
                f"{power.citation} is not for {party.partner}: it is for {in_words(power.bodies)}.",
                f"Choose a power of a body such as {party.partner}.",
                STOP,
            )


def _basis_of_authority(scene: Scene, party: Party, path: str) -> Iterator[Conflict]:
    basis = BASES.get(party.lawful_basis)
    if basis and basis.closed_to_tasks and is_public(scene.kind(party.partner)):
        yield Conflict(
            "basis-closed-to-authority",
            f"{path}.lawful_basis",
            f"{party.partner} is a public authority; its tasks cannot rest on {basis.citation}.",
            "Use public task, Article 6(1)(e), with the power that gives the task.",
            STOP,
        )


def _basis_annex(scene: Scene, party: Party, path: str) -> Iterator[Conflict]:
    basis = BASES.get(party.lawful_basis)
    cited = {entry.id for entry in scene.entries(party.partner)}
    if basis and basis.annex and not cited & set(ANNEX_1):
        yield Conflict(
            "annex-1-missing",
            f"{path}.legal_power",
            f"{basis.citation} needs one of the five conditions of Annex 1, and none is cited.",
            "Cite it after the power, such as UK GDPR Annex 1 para 6.",
            STOP,
        )


def _basis_obligation(scene: Scene, party: Party, path: str) -> Iterator[Conflict]:
    powers = scene.powers(party.partner)
    if (
        party.lawful_basis == "legal-obligation"
        and powers
        and not any(power.duty for power in powers)
    ):
        yield Conflict(
            "obligation-without-duty",
            f"{path}.lawful_basis",
            f"{party.partner} names a legal obligation, and the power it cites leaves it a choice.",
            "Cite the law that obliges it, or use public task.",
        )


def _basis_consent(scene: Scene, party: Party, path: str) -> Iterator[Conflict]:
    if party.lawful_basis != "consent":
        return
    for power in scene.powers(party.partner):
        # A duty to refer that itself waits for consent is no contradiction.
        if power.duty and not any("consent to" in need for need in power.needs):
            yield Conflict(
                "consent-and-duty",
                f"{path}.lawful_basis",
                f"Consent goes ill with {power.citation}, a duty: nobody could say no.",
                "Use legal obligation or public task, and tell people.",
            )
    if is_public(scene.kind(party.partner)):
        yield Conflict(
            "consent-of-authority",
            f"{path}.lawful_basis",
            f"{party.partner} is a public authority: consent given to it is seldom free.",
            "Use public task where a law gives the task.",
        )


def _basis_vital(scene: Scene, party: Party, path: str) -> Iterator[Conflict]:
    if party.lawful_basis == "vital-interests":
        yield Conflict(
            "vital-interests-planned",
            f"{path}.lawful_basis",
            "Vital interests are for the moment when nothing else can be used; this is planned.",
            "Use public task, and keep vital interests for the emergency itself (Recital 46).",
        )


def _schedule_1(scene: Scene, party: Party, path: str) -> Iterator[Conflict]:
    condition = CONDITIONS.get(party.condition)
    parts = {each.part for each in scene.schedule(party.partner)}
    if condition and condition.part == 2 and 2 not in parts:
        yield Conflict(
            "schedule-1-missing",
            f"{path}.legal_power",
            f"{condition.citation} needs a condition of DPA 2018 Schedule 1 Part 2, and "
            f"{party.partner} cites none.",
            "Cite it after the power, such as DPA 2018 Sch 1 para 18 (safeguarding).",
            STOP,
        )


def _condition_theirs(scene: Scene, party: Party, path: str) -> Iterator[Conflict]:
    condition = CONDITIONS.get(party.condition)
    if condition and is_one_of(scene.kind(party.partner), condition.bodies) is False:
        yield Conflict(
            "condition-not-theirs",
            f"{path}.condition",
            f"{condition.citation} is for {in_words(condition.bodies)}; {party.partner} is none.",
            "Choose another condition, or say who with a duty of confidentiality handles the data.",
        )


def _policy_document(scene: Scene, party: Party, path: str) -> Iterator[Conflict]:
    condition = CONDITIONS.get(party.condition)
    relied_on = list(scene.schedule(party.partner))
    if condition and condition.implies:
        relied_on.append(SCHEDULE_1[condition.implies])
    wanting = sorted({each.citation for each in relied_on if each.policy_document})
    if wanting and not scene.has_policy_document(party.partner):
        yield Conflict(
            "policy-document-missing",
            f"{path}.condition",
            f"{', '.join(wanting)} needs an appropriate policy document, and no duty of "
            f"{party.partner} keeps one.",
            "Add a duty of this party with an id that begins with policy-document.",
        )


def _confidentiality_known(scene: Scene, party: Party, path: str) -> Iterator[Conflict]:
    for name, table in (("confidentiality", CONFIDENTIALITY), ("opt_out", OPT_OUTS)):
        value = getattr(party, name)
        if value and value not in table:
            yield Conflict(
                f"{name.replace('_', '-')}-unlisted",
                f"{path}.{name}",
                f"The maintained list does not have “{value}”.",
                f"One of: {', '.join(table)}.",
            )


def _statutory_confidence(scene: Scene, party: Party, path: str) -> Iterator[Conflict]:
    lifted = any(power.confidence or power.duty for power in scene.powers(party.partner))
    if party.confidentiality == "statutory-requirement" and not lifted:
        yield Conflict(
            "confidence-not-lifted",
            f"{path}.confidentiality",
            f"No power that {party.partner} cites obliges it to tell, or lifts the confidence.",
            "Cite the Act that does, or choose another basis for confidentiality.",
        )


def _opt_out_matches(scene: Scene, party: Party, path: str) -> Iterator[Conflict]:
    basis = CONFIDENTIALITY.get(party.confidentiality)
    rule = OPT_OUTS.get(party.opt_out)
    if basis and rule and basis.opt_out_applies and rule.id != "national-data-opt-out":
        yield Conflict(
            "opt-out-contradicts",
            f"{path}.opt_out",
            f"{basis.title} comes with the national data opt-out; the agreement says otherwise.",
            "Choose national-data-opt-out, or attach the advice that it does not apply.",
        )
    elif basis and rule and rule.for_care and not basis.for_care:
        yield Conflict(
            "opt-out-contradicts",
            f"{path}.opt_out",
            "The opt-out is said not to apply to direct care, and the confidence is not lifted for "
            "direct care.",
            "Choose both for direct care, or neither.",
        )


def _joint(scene: Scene) -> Iterator[Conflict]:
    joint = [party.partner for party in scene.terms.parties if party.role == "joint"]
    if joint and not any(each.section == "rights" for each in scene.terms.statements):
        yield Conflict(
            "joint-without-arrangement",
            "statement[rights]",
            f"{', '.join(joint)} are joint controllers, and who answers to people is not said.",
            "Add a statement on rights: who does what, and whom people may ask (Article 26).",
        )


PARTY_RULES: tuple[PartyRule, ...] = (
    _kind,
    _power_known,
    _power_binds,
    _basis_of_authority,
    _basis_annex,
    _basis_obligation,
    _basis_consent,
    _basis_vital,
    _schedule_1,
    _condition_theirs,
    _policy_document,
    _confidentiality_known,
    _statutory_confidence,
    _opt_out_matches,
)
