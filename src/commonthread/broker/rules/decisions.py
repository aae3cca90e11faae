"""May this be read? One pure calculation for "may I?", "what may I?" and "who may?".

`decide` is total: whatever is asked, it answers permit or refuse, with every reason and the clause
that made it. Silence is refusal, and so is doubt. A permit is a lease until `expires`, the
earliest instant at which anything it rests on could end (DESIGN §4 rules 1 to 4).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from .binding import grant_problems
from .errors import Reason
from .filters import COMPARISONS, operators_of
from .force import FOREVER, charter_reasons, distinct, in_force
from .requests import OWN_DATA, Lookup, OwnData, Request, Sql
from .standing import ENGINEER, Member, Standing, Version, map_of
from .terms import (
    MODES,
    NEEDS,
    PERSON,
    PERSON_INDEX,
    Grant,
    Terms,
    sources_of,
)
from .treatments import TREATMENTS

SQL_MODES = ("rows", "statistics")


@dataclass(frozen=True, slots=True)
class GrantDecision:
    """What was decided about one grant, for this member, purpose and question."""

    grant: str
    reasons: tuple[Reason, ...]
    expires: datetime

    @property
    def permitted(self) -> bool:
        return not self.reasons


@dataclass(frozen=True, slots=True)
class Decision:
    """Permit or refuse. `grants` are all grants of the agreement, `open` those that may be read.

    `digest` names the terms, or the charter for a partner's own data.
    """

    request: Request
    at: datetime
    digest: str
    reasons: tuple[Reason, ...]
    grants: tuple[GrantDecision, ...]
    expires: datetime
    warnings: tuple[Reason, ...] = ()

    @property
    def permitted(self) -> bool:
        return not self.reasons

    @property
    def open(self) -> tuple[str, ...]:
        if self.reasons:
            return ()
        return tuple(grant.grant for grant in self.grants if grant.permitted)

    @property
    def clauses(self) -> tuple[str, ...]:
        """The ids of the clauses that made the decision, in a stable order."""
        if self.permitted:
            return tuple(f"grant[{grant}]" for grant in self.open)
        return tuple(sorted({reason.clause for reason in self.reasons}))


def decide(request: Request, standing: Standing, at: datetime) -> Decision:
    """The one calculation. `at` is an instant with a zone; the standing is what holds then."""
    if standing.last_at is not None and at < standing.last_at:
        behind = Reason(
            "clock-behind", "clock", "The clock is behind the last entry.", "Set the clock."
        )
        return Decision(request, at, "", (behind,), (), at)
    member = standing.members.get(request.member)
    if isinstance(request.question, OwnData):
        return _decide_own(request, request.question, member, standing, at)
    return _decide_under_agreement(request, member, standing, at)


def _decide_under_agreement(
    request: Request, member: Member | None, standing: Standing, at: datetime
) -> Decision:
    force = in_force(request.agreement, standing, at)
    reasons = list(force.reasons)
    if member is None:
        reasons.append(Reason("member-unknown", "member", "No member of this id is known."))
    if force.version is None:
        return Decision(request, at, "", tuple(reasons), (), force.expires)
    terms = force.version.terms
    if request.purpose not in {purpose.id for purpose in terms.purposes}:
        known = ", ".join(sorted(purpose.id for purpose in terms.purposes))
        reasons.append(
            Reason(
                "purpose-unknown",
                "purpose",
                "The agreement has no purpose of this id.",
                f"It has: {known}.",
            )
        )
    grants = tuple(
        _decide_grant(grant, request, member, force.version, standing, at) for grant in terms.grants
    )
    wanted = _wanted(request, terms, grants)
    reasons += [reason for grant in wanted for reason in grant.reasons]
    reasons += _missing_grants(request, terms, grants)
    expires = min([force.expires, *(grant.expires for grant in wanted)])
    return Decision(request, at, terms.digest, distinct(reasons), grants, expires, force.warnings)


def _wanted(
    request: Request, terms: Terms, grants: tuple[GrantDecision, ...]
) -> list[GrantDecision]:
    """The grants that the question reads; for a query without tables, all that are open."""
    by_id = {grant.grant: grant for grant in grants}
    match request.question:
        case Lookup(grant=wanted):
            return [by_id[wanted]] if wanted in by_id else []
        case Sql(tables=tables) if tables:
            ids = {grant.table: grant.id for grant in terms.grants}
            return [by_id[ids[table]] for table in sorted(set(tables)) if table in ids]
    return [grant for grant in grants if grant.permitted]


def _missing_grants(
    request: Request, terms: Terms, grants: tuple[GrantDecision, ...]
) -> Iterator[Reason]:
    match request.question:
        case Lookup(grant=wanted):
            if terms.grant(wanted) is None:
                yield Reason("grant-unknown", "grant", "The agreement has no grant of this id.")
        case Sql(tables=tables) if tables:
            known = {grant.table for grant in terms.grants}
            if set(tables) - known:
                yield Reason(
                    "grant-unknown",
                    "grant",
                    "The query names a table that no grant of the agreement opens.",
                    f"Its tables: {', '.join(sorted(known))}.",
                )
        case Sql():
            if not any(grant.permitted for grant in grants):
                yield from distinct([reason for grant in grants for reason in grant.reasons])


def _decide_grant(
    grant: Grant,
    request: Request,
    member: Member | None,
    version: Version,
    standing: Standing,
    at: datetime,
) -> GrantDecision:
    boundaries = [FOREVER]
    reasons = [
        *_reader_reasons(grant, request, member, version, standing, at, boundaries),
        *data_reasons(grant, version, standing),
    ]
    return GrantDecision(grant.id, distinct(reasons), min(boundaries))


def _reader_reasons(
    grant: Grant,
    request: Request,
    member: Member | None,
    version: Version,
    standing: Standing,
    at: datetime,
    boundaries: list[datetime],
) -> Iterator[Reason]:
    clause = f"grant[{grant.id}]"
    if grant.purpose != request.purpose:
        yield Reason(
            "purpose", f"{clause}.purpose", f"{grant.id} is for the purpose {grant.purpose}."
        )
    if member is not None and not set(grant.recipients) & set(member.groups):
        yield Reason(
            "recipient",
            f"{clause}.recipients",
            f"{grant.id} is for {', '.join(grant.recipients)}.",
            "The member's partner keeps the groups.",
        )
    if member is not None and member.partner in _left_behind(version):
        yield Reason("party-left", clause, f"{member.partner} has withdrawn.")
    served = ("lookup",) if isinstance(request.question, Lookup) else SQL_MODES
    if grant.mode not in served:
        yield Reason(
            "mode", f"{clause}.mode", f"{grant.id} is for the mode {grant.mode}.", _use(grant)
        )
    yield from _need_reasons(grant, member, version, standing, at, boundaries)
    if isinstance(request.question, Lookup) and grant.mode == "lookup":
        yield from _lookup_reasons(grant, request.question)


def _left_behind(version: Version) -> set[str]:
    """Those without whom the agreement goes on; otherwise a withdrawal ends it for all."""
    goes_on = version.terms.on_withdrawal == "continue-without"
    return set(version.withdrawals) if goes_on else set()


def _use(grant: Grant) -> str:
    return "Use a look-up." if grant.mode == "lookup" else "Use a query."


def _need_reasons(
    grant: Grant,
    member: Member | None,
    version: Version,
    standing: Standing,
    at: datetime,
    boundaries: list[datetime],
) -> Iterator[Reason]:
    for need in grant.needs:
        met = [
            item.ends
            for item in standing.fulfilments
            if need in NEEDS
            and (item.reference, item.grant, item.need) == (version.terms.reference, grant.id, need)
            and item.member in ("", member.id if member else "")
            and item.starts <= at < item.ends
        ]
        if met:
            boundaries.append(max(met))
        else:
            yield Reason(
                "needs",
                f"grant[{grant.id}].needs[{need}]",
                f"{grant.id} needs {need}, and there is none now.",
            )


def _lookup_reasons(grant: Grant, question: Lookup) -> Iterator[Reason]:
    clause = f"grant[{grant.id}]"
    if not question.reason.strip():
        yield Reason("reason", f"{clause}.reason", "A look-up needs a reason.", "Give --reason.")
    if (grant.by == PERSON) != question.by_person:
        asked = "a person" if grant.by == PERSON else f"a value of {grant.by}"
        yield Reason("by", f"{clause}.by", f"{grant.id} is looked up by {asked}.")
    if question.used_today >= grant.per_day:
        yield Reason(
            "rate",
            f"{clause}.per_day",
            f"All {grant.per_day} look-ups of today are used.",
            "The count begins anew at midnight in London.",
        )


def data_reasons(
    grant: Grant, version: Version, standing: Standing, seen: tuple[str, ...] = ()
) -> Iterator[Reason]:
    """Whether the grant's data may be read at all, whoever asks: contract, deposits, linkage.

    `persons` is a condition on another grant's data, so that grant's data is checked as well.
    """
    clause = f"grant[{grant.id}]"
    if grant.id in seen:
        yield Reason("clause-unknown", f"{clause}.persons", "Grants name each other in a circle.")
        return
    for path in unknown_clauses(grant):
        yield Reason(
            "clause-unknown", f"{clause}{path}", "The grant holds a clause that is not known."
        )
    sources = sources_of(grant.dataset, standing.contracts)
    gone = sorted({source.split("/")[0] for source in sources} & _left_behind(version))
    for partner in gone:
        yield Reason("party-left", clause, f"{partner}, whose data this is, has withdrawn.")
    yield from _contract_reasons(grant, standing)
    yield from _linkage_reasons(grant, version.terms, standing)
    if grant.persons:
        other = version.terms.grant(grant.persons)
        if other is None:
            yield Reason("clause-unknown", f"{clause}.persons", "It names no grant.")
        else:
            if linkages_of(grant, version.terms, standing) != linkages_of(
                other, version.terms, standing
            ):
                yield Reason(
                    "linkage",
                    f"{clause}.persons",
                    "Residents of different person indexes cannot be compared.",
                    "One agreement under rests_on links both datasets.",
                )
            yield from data_reasons(other, version, standing, (*seen, grant.id))


def unknown_clauses(grant: Grant) -> Iterator[str]:
    """The paths of what no engine of this version may be asked to apply (rule 1)."""
    if grant.mode not in MODES:
        yield ".mode"
    if any(column.treatment not in TREATMENTS for column in grant.columns):
        yield ".columns"
    if set(grant.needs) - set(NEEDS):
        yield ".needs"
    if any(operator not in COMPARISONS for operator in operators_of(grant.rows)):
        yield ".rows"


def _contract_reasons(grant: Grant, standing: Standing) -> Iterator[Reason]:
    clause = f"grant[{grant.id}].contract"
    contract = standing.contracts.get(grant.dataset)
    if contract is None:
        yield Reason("contract", clause, f"No dataset {grant.dataset} is declared.")
        return
    pinned = standing.pinned(grant.dataset)
    made_under = [standing.past_contracts.get(deposit.contract) for deposit in pinned]
    for declared in (contract, *made_under):
        if (
            declared is None
            or declared.digest_of(grant.used_columns()) != grant.contract
            or any(True for _ in grant_problems(grant, declared, clause))
        ):
            yield Reason(
                "contract",
                clause,
                f"The columns of {grant.dataset} are not those that were signed.",
                "The owner deposits as declared, or the parties sign a new version.",
            )
            break
    if not pinned:
        yield Reason(
            "no-data",
            clause,
            f"{grant.dataset} has no deposit yet.",
            "A data engineer of the owner deposits it.",
        )


def _linkage_reasons(grant: Grant, terms: Terms, standing: Standing) -> Iterator[Reason]:
    if not grant.person:
        return
    linkages = linkages_of(grant, terms, standing)
    clause = f"grant[{grant.id}].person"
    if len(linkages) != 1:
        yield Reason(
            "linkage",
            clause,
            f"{len(linkages)} agreements under rests_on link {grant.dataset}; one is needed.",
        )
    elif not standing.pinned(map_of(linkages[0])):
        yield Reason(
            "not-linked",
            clause,
            "The records have not been linked yet.",
            f"Run link --under {linkages[0]}.",
        )


def linkages_of(grant: Grant, terms: Terms, standing: Standing) -> tuple[str, ...]:
    """The agreements that it rests on which grant its dataset to the person index."""
    found = []
    for reference in terms.rests_on:
        version = standing.governing(reference)
        if version is not None and any(
            other.dataset == grant.dataset and PERSON_INDEX in other.recipients
            for other in version.terms.grants
        ):
            found.append(reference)
    return tuple(found)


def _decide_own(
    request: Request, question: OwnData, member: Member | None, standing: Standing, at: datetime
) -> Decision:
    """A partner's own data rests on the standing clause of a charter that it acceded to."""
    reasons: list[Reason] = []
    if question.what not in OWN_DATA:
        reasons.append(
            Reason(
                "clause-unknown",
                "own_data",
                "No such thing is shown of a partner's own data.",
                f"Ask for one of: {', '.join(OWN_DATA)}.",
            )
        )
    if member is None:
        reasons.append(Reason("member-unknown", "member", "No member of this id is known."))
    contract = standing.contracts.get(question.dataset)
    if contract is None or (member is not None and member.partner != contract.owner):
        reasons.append(
            Reason("own-data", "own_data", "A partner sees its own deposits, and no others.")
        )
    if member is not None and ENGINEER not in member.roles:
        reasons.append(
            Reason("own-data-role", "own_data", "Only a data engineer of the partner may see this.")
        )
    digest, expires = "", at
    if member is not None:
        found = _own_charters(member.partner, standing, at)
        if found:
            digest, expires = found[0]
        else:
            reasons.append(
                Reason(
                    "own-charter",
                    "charter",
                    f"{member.partner} has no charter in force.",
                    f"A signatory of {member.partner} accedes to one.",
                )
            )
    return Decision(request, at, digest, distinct(reasons), (), expires)


def _own_charters(partner: str, standing: Standing, at: datetime) -> list[tuple[str, datetime]]:
    found = []
    for reference, charter in sorted(standing.charters.items()):
        boundaries = [FOREVER]
        if not any(True for _ in charter_reasons(partner, reference, standing, at, boundaries)):
            found.append((charter.digest, min(boundaries)))
    return found


def what_can(member: str, standing: Standing, at: datetime) -> tuple[tuple[str, Decision], ...]:
    """`(grant, decision)` for every grant of every agreement, by the calculation of `decide`."""
    return tuple(
        (grant.id, decide(probe(member, version.terms, grant), standing, at))
        for reference in sorted(standing.agreements)
        if (version := standing.governing(reference)) is not None
        for grant in version.terms.grants
    )


def who_can(
    dataset: str, standing: Standing, at: datetime
) -> tuple[tuple[str, str, Decision], ...]:
    """`(member, grant, decision)` for every member and every grant over the dataset."""
    return tuple(
        (member, grant, decision)
        for member in sorted(standing.members)
        for grant, decision in what_can(member, standing, at)
        if _dataset_of(decision, grant, standing) == dataset
    )


def _dataset_of(decision: Decision, grant: str, standing: Standing) -> str:
    version = standing.governing(decision.request.agreement)
    found = version.terms.grant(grant) if version else None
    return found.dataset if found else ""


def probe(member: str, terms: Terms, grant: Grant) -> Request:
    """The request that asks for one grant and nothing else."""
    question: Lookup | Sql = Sql("", (grant.table,))
    if grant.mode == "lookup":
        question = Lookup(grant.id, "", "asking what is possible", grant.by == PERSON)
    return Request(member, question, terms.reference, grant.purpose)
