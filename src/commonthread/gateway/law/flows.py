"""What goes wrong between what a grant opens and what its parties rely on."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from commonthread.broker.rules.terms import Grant

from .bodies import POLICE, PRISON, PROBATION, in_words, is_certainly, is_one_of
from .confidence import CONFIDENTIALITY
from .finding import PUBLIC, STOP, WARN, Conflict, Scene

FlowRule = Callable[[Scene, Grant, str], Iterator[Conflict]]
OFFICIAL_AUTHORITY = (POLICE, PRISON, PROBATION)


def _condition(scene: Scene, grant: Grant, path: str) -> Iterator[Conflict]:
    if scene.classification(grant) != "special-category":
        return
    for party in scene.handlers(grant):
        if not party.condition:
            yield Conflict(
                "condition-missing",
                f"party[{party.partner}].condition",
                f"Special-category data are shared, and {party.partner} states no condition.",
                "Choose a condition of UK GDPR Article 9(2).",
                STOP,
            )


def _criminal(scene: Scene, grant: Grant, path: str) -> Iterator[Conflict]:
    if scene.classification(grant) != "criminal":
        return
    for party in scene.handlers(grant):
        official = is_certainly(scene.kind(party.partner), OFFICIAL_AUTHORITY)
        if not official and not any(each.criminal for each in scene.schedule(party.partner)):
            yield Conflict(
                "criminal-condition-missing",
                f"party[{party.partner}].legal_power",
                f"Criminal-offence data are shared, and {party.partner} cites no condition "
                "of DPA 2018 Schedule 1.",
                "Cite one of Part 1, 2 or 3 after the power (UK GDPR Article 10).",
                STOP,
            )


def _public(scene: Scene, grant: Grant, path: str) -> Iterator[Conflict]:
    personal = scene.classification(grant) not in ("open", "")
    if PUBLIC in scene.recipients(grant) and personal and grant.mode != "statistics":
        yield Conflict(
            "personal-to-public",
            f"{path}.recipients",
            "Personal data would be published row by row.",
            "Publish statistics, or a dataset that is classified as open.",
            STOP,
        )


def _confidence(scene: Scene, grant: Grant, path: str) -> Iterator[Conflict]:
    owner = scene.terms.party(grant.owner)
    if owner and scene.is_confidential(grant) and not owner.confidentiality:
        yield Conflict(
            "confidentiality-missing",
            f"party[{owner.partner}].confidentiality",
            f"Confidential care data are shared, and {owner.partner} does not say what lifts the "
            "duty of confidence.",
            "Choose a basis for confidentiality, beside the lawful basis.",
            STOP if scene.is_patient_data(grant) else WARN,
        )


def _opt_out(scene: Scene, grant: Grant, path: str) -> Iterator[Conflict]:
    owner = scene.terms.party(grant.owner)
    if owner is None or not scene.is_confidential(grant) or owner.opt_out:
        return
    basis = CONFIDENTIALITY.get(owner.confidentiality)
    if basis and basis.for_care and grant.mode != "statistics":
        return
    yield Conflict(
        "opt-out-missing",
        f"party[{owner.partner}].opt_out",
        f"Confidential care data of {owner.partner} are used beyond direct care, without an "
        "opt-out rule.",
        "Choose national-data-opt-out, or the exemption that applies.",
        STOP if basis and basis.opt_out_applies else WARN,
    )


def _implied_consent(scene: Scene, grant: Grant, path: str) -> Iterator[Conflict]:
    owner = scene.terms.party(grant.owner)
    basis = CONFIDENTIALITY.get(owner.confidentiality) if owner else None
    if basis is None or not basis.for_care or not scene.is_confidential(grant):
        return
    if grant.mode == "statistics":
        yield Conflict(
            "implied-consent-reach",
            f"{path}.mode",
            "Implied consent covers a person’s own care, and statistics are not that.",
            "Use section 251 support, or explicit consent, for planning.",
        )
    outside = [
        partner
        for partner in scene.recipients(grant)
        if is_one_of(scene.kind(partner), basis.bodies) is False
    ]
    if outside:
        yield Conflict(
            "implied-consent-reach",
            f"{path}.recipients",
            f"Implied consent covers those who care for the person, and {', '.join(outside)} is "
            "not a care body.",
            "Choose another basis for confidentiality, or other recipients.",
        )


def _power_reaches(scene: Scene, grant: Grant, path: str) -> Iterator[Conflict]:
    """The owner tells under a power: it must reach those who are told."""
    powers = scene.powers(grant.owner)
    for recipient in scene.recipients(grant):
        if recipient == grant.owner or not powers:
            continue
        kind = scene.kind(recipient)
        if all(is_one_of(kind, power.towards) is False for power in powers):
            told = in_words(
                tuple(dict.fromkeys(each for power in powers for each in power.towards))
            )
            yield Conflict(
                "power-does-not-reach",
                f"{path}.recipients",
                f"What {grant.owner} cites is for telling {told}, and {recipient} is none.",
                f"Cite a power under which {grant.owner} may tell {recipient}.",
            )


def _excluded_side(scene: Scene, grant: Grant, path: str) -> Iterator[Conflict]:
    """A power that leaves a class of bodies out cannot carry data to or from one of them."""
    sides = [grant.owner, *scene.recipients(grant)]
    for party in scene.handlers(grant):
        powers = scene.powers(party.partner)
        for other in sides:
            kind = scene.kind(other)
            if (
                other != party.partner
                and powers
                and all(is_certainly(kind, power.excludes) for power in powers)
            ):
                yield Conflict(
                    "power-excludes",
                    path,
                    f"{powers[0].citation}, which {party.partner} cites, leaves out "
                    f"{in_words(powers[0].excludes)}, such as {other}.",
                    "Cite a power of health or social care law for this flow.",
                    STOP,
                )


def _assessment(scene: Scene, grant: Grant, path: str) -> Iterator[Conflict]:
    if scene.classification(grant) in ("special-category", "criminal") and not scene.terms.dpia:
        yield Conflict(
            "dpia-missing",
            "dpia",
            "Special-category or criminal-offence data are shared, and no assessment is attached.",
            "Make a DPIA (UK GDPR Article 35), or record why none is needed.",
        )


FLOW_RULES: tuple[FlowRule, ...] = (
    _condition,
    _criminal,
    _public,
    _confidence,
    _opt_out,
    _implied_consent,
    _power_reaches,
    _excluded_side,
    _assessment,
)
