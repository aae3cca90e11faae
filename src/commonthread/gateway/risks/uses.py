"""Risks that lie in what is done with the data: linked, downloaded, kept, passed on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

from commonthread.broker.rules.terms import PLATFORM
from commonthread.gateway.clauses import after

from .matrix import Suggestion
from .scene import Scene

Rule = Callable[[Scene], Iterator[Suggestion]]
MANY_GROUPS = 5
MANY_LOOKUPS = 50
LONG = timedelta(days=366)
NO_OPT_OUT = ("", "none")
CARE_CONDITION = "health-or-social-care"


def linkage(scene: Scene) -> Iterator[Suggestion]:
    linked = [grant for grant in scene.terms.grants if grant.person]
    owners = sorted({grant.owner for grant in linked})
    if len(owners) < 2:
        return
    clauses = tuple(f"grant[{grant.id}].person" for grant in linked)
    yield Suggestion(
        "linkage",
        "Records that say little apart draw a picture of a person together.",
        f"Records of {', '.join(owners)} can be joined by the resident they are about.",
        clauses,
        "possible",
        "significant",
        "Join only what the purpose needs, and give statistics of what is joined.",
        "low" if all(grant.mode == "statistics" for grant in linked) else "medium",
    )
    if any(grant.mode != "statistics" for grant in linked):
        yield Suggestion(
            "wrong-person",
            "Two people are taken for one, and somebody acts on the wrong record.",
            "Rows of several partners are joined by the person index, which can err.",
            clauses,
            "possible",
            "severe",
            "Check name and date of birth with the person before acting; review doubtful matches.",
            "low",
        )


def export(scene: Scene) -> Iterator[Suggestion]:
    grants = [grant for grant in scene.personal() if grant.export]
    if grants:
        rows = any(grant.mode != "statistics" for grant in grants)
        yield Suggestion(
            "export",
            "What was downloaded goes astray, or is kept and used for something else.",
            "No software ends what was downloaded, and this may be: "
            f"{', '.join(grant.id for grant in grants)}.",
            tuple(f"grant[{grant.id}].export" for grant in grants),
            "possible" if rows else "unlikely",
            "severe" if rows else "minor",
            "Set export to false, or keep a duty to destroy with a short retention.",
            "medium" if rows else "low",
        )


def retention(scene: Scene) -> Iterator[Suggestion]:
    starts = scene.terms.starts
    grants = [
        grant
        for grant in scene.personal()
        if grant.retention and after(starts, grant.retention) - starts > LONG
    ]
    if grants:
        yield Suggestion(
            "long-retention",
            "Old data are kept and believed when they are no longer true.",
            "Recipients keep "
            + ", ".join(f"{grant.id} for {grant.retention}" for grant in grants)
            + ", longer than a year.",
            tuple(f"grant[{grant.id}].retention" for grant in grants),
            "possible",
            "minor",
            "Shorten the retention to what the purpose needs; ask anew instead of keeping.",
            "low",
        )


def recipients(scene: Scene) -> Iterator[Suggestion]:
    grants = [grant for grant in scene.personal() if scene.recipients(grant)]
    groups = {group for grant in grants for group in grant.recipients}
    if len(groups) >= MANY_GROUPS:
        yield Suggestion(
            "many-recipients",
            "More people see the data than anybody can watch or train.",
            f"{len(groups)} groups may read what other partners hold.",
            tuple(f"grant[{grant.id}].recipients" for grant in grants),
            "likely",
            "minor",
            "Name only the groups that do the work, and ask for training first (needs).",
            "low",
        )


def browsing(scene: Scene) -> Iterator[Suggestion]:
    grants = [
        grant
        for grant in scene.personal()
        if grant.mode == "lookup" and (grant.per_day >= MANY_LOOKUPS or not grant.needs)
    ]
    if grants:
        yield Suggestion(
            "browsing",
            "Somebody looks up a neighbour or an acquaintance.",
            "One person at a time can be looked up with "
            + ", ".join(f"{grant.id} ({grant.per_day} a day)" for grant in grants)
            + ", without training or approval first, or very often.",
            tuple(f"grant[{grant.id}].per_day" for grant in grants),
            "possible",
            "significant",
            "Lower per_day, ask for training or approval first, and review who looked up whom.",
            "low",
        )


def no_opt_out(scene: Scene) -> Iterator[Suggestion]:
    owners = {grant.owner for grant in scene.grants_of("special-category")}
    parties = [
        party
        for party in scene.terms.parties
        if party.partner in owners
        and party.condition == CARE_CONDITION
        and party.opt_out in NO_OPT_OUT
    ]
    if parties:
        yield Suggestion(
            "no-opt-out",
            "People who said no find that their records were shared, and trust nobody any more.",
            "Care data are shared without an opt-out by "
            f"{', '.join(party.partner for party in parties)}.",
            tuple(f"party[{party.partner}].opt_out" for party in parties),
            "possible",
            "significant",
            "Apply the national data opt-out or a local objection, or say why the law allows none.",
            "low",
        )


def confidential_care(scene: Scene) -> Iterator[Suggestion]:
    by_party = {party.partner: party for party in scene.terms.parties}
    grants = [
        grant
        for grant in scene.grants_of("special-category")
        if (owner := by_party.get(grant.owner)) is not None
        and (owner.condition == CARE_CONDITION or owner.confidentiality)
        and scene.recipients(grant)
    ]
    if grants:
        yield Suggestion(
            "confidential-care",
            "What was told to a doctor or a carer in confidence reaches others.",
            "These grants take care records to another body: "
            f"{', '.join(grant.id for grant in grants)}.",
            tuple(f"grant[{grant.id}].recipients" for grant in grants),
            "possible",
            "severe",
            "Ask the Caldicott guardian, state what lifts the confidence, and tell people.",
            "low",
        )


def processors(scene: Scene) -> Iterator[Suggestion]:
    found = [
        party.partner
        for party in scene.terms.parties
        if party.role == "processor" and party.partner != PLATFORM
    ]
    if found:
        yield Suggestion(
            "processors",
            "A processor, or one that it employs, uses the data for itself or loses them.",
            f"Processors work on the data for the controllers: {', '.join(found)}.",
            tuple(f"party[{partner}].role" for partner in found),
            "unlikely",
            "severe",
            "A contract as UK GDPR Article 28 asks, with audit and return of the data.",
            "low",
        )


def transfers(scene: Scene) -> Iterator[Suggestion]:
    said = [each.text for each in scene.terms.statements if each.section == "transfers"]
    if any(not text.casefold().startswith(("no ", "none", "nothing")) for text in said):
        yield Suggestion(
            "transfers",
            "Data outside the United Kingdom are out of reach of its law.",
            "The agreement has a statement on transfers, and it does not say that there are none.",
            ("statement[transfers]",),
            "unlikely",
            "severe",
            "Keep the data in the United Kingdom, or name the safeguard of UK GDPR Chapter V.",
            "low",
        )


def singled_out(scene: Scene) -> Iterator[Suggestion]:
    if scene.terms.single_out:
        yield Suggestion(
            "singled-out",
            "A published figure is traced to one person by those who also see rows.",
            "The parties sign single_out: rows and statistics stand on the same residents.",
            ("single_out",),
            "possible",
            "significant",
            "Split the agreement in two, or give rows and statistics to different groups.",
            "medium",
        )


USE_RULES: tuple[Rule, ...] = (
    linkage,
    export,
    retention,
    recipients,
    browsing,
    no_opt_out,
    confidential_care,
    processors,
    transfers,
    singled_out,
)
