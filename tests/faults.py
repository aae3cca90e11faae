"""What can be wrong with a county, or with a request: one small change each. See `worlds`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from parts import (
    COLUMNS,
    CORE,
    CORE_END,
    LATE,
    LATEST,
    OWNERS,
    TICK,
    ZERO,
    act,
    after,
    deposit,
    midnight,
)

from commonthread.broker.rules.contracts import Contract
from commonthread.broker.rules.filters import Compare
from commonthread.broker.rules.requests import Lookup, Request, Sql
from commonthread.broker.rules.standing import Credential, Standing, Version
from commonthread.broker.rules.terms import (
    PERSON_INDEX,
    PLATFORM,
    Demand,
    Grant,
    GrantedColumn,
    Party,
    Terms,
)

if TYPE_CHECKING:
    from worlds import County


class Focus:
    """A standing that is being varied, and the grant that the faults and requests are about."""

    def __init__(self, county: County, standing: Standing, reference: str, grant: Grant) -> None:
        self.county, self.random = county, county.random
        self.standing, self.reference, self.grant = standing, reference, grant
        self.extra: list[datetime] = []

    @property
    def version(self) -> Version:
        return self.standing.agreements[self.reference][-1]

    def change(self, **fields: object) -> None:
        versions = self.standing.agreements[self.reference]
        changed = replace(self.version, **fields)
        self.standing.agreements[self.reference] = (*versions[:-1], changed)

    def declared(self) -> Contract:
        """The contract of the focus's dataset; what it was at first if it was taken away."""
        name = self.grant.dataset
        return self.standing.contracts.get(name) or self.county.sound.contracts[name]

    def a_party(self) -> str:
        return self.random.choice(sorted(self.version.signatures) or list(OWNERS))

    def boundaries(self) -> list[datetime]:
        """Whatever begins or ends near the focus."""
        found, version = list(self.extra), self.version
        terms = version.terms
        found += [midnight(terms.starts), after(terms.ends), version.proposed]
        if charter := self.standing.charters.get(terms.charter):
            found += [midnight(charter.starts), after(charter.ends)]
        if dpia := self.standing.dpias.get(terms.dpia):
            found += [midnight(dpia.approved), after(dpia.review)] * 2
        for other in terms.rests_on:
            for below in self.standing.agreements.get(other, ())[-1:]:
                found += [midnight(below.terms.starts), after(below.terms.ends)]
                if dpia := self.standing.dpias.get(below.terms.dpia):
                    found += [midnight(dpia.approved), after(dpia.review)]
        for fact in self.standing.fulfilments:
            if (fact.reference, fact.grant) == (self.reference, self.grant.id):
                found += [fact.starts, fact.ends] * 2
        found += self._credentials(terms)
        return found

    def _credentials(self, terms: Terms) -> list[datetime]:
        demanded = {demand.scheme for demand in terms.demands if demand.on_lapse != "warn"}
        held = [
            credential
            for party in terms.parties
            if party.partner in self.standing.partners
            for credential in self.standing.partners[party.partner].credentials
            if credential.scheme in demanded
        ]
        return [moment for one in held for moment in (one.recorded, after(one.expires))]


def _unsign(focus: Focus) -> None:
    signatures = dict(focus.version.signatures)
    signatures.pop(focus.a_party(), None)
    completed = None if focus.random.random() < 0.8 else focus.version.completed
    focus.change(signatures=signatures, completed=completed)


def _propose(focus: Focus) -> None:
    """A newer version, signed by nobody: the older one goes on."""
    terms = replace(
        focus.version.terms, version=9, title="Newer", grants=focus.version.terms.grants[:1]
    )
    versions = focus.standing.agreements[focus.reference]
    focus.standing.agreements[focus.reference] = (
        *versions,
        Version(terms, focus.version.proposed, ZERO),
    )


def _supersede(focus: Focus) -> None:
    """A newer version that all signed: what happened to the older one no longer counts."""
    if focus.random.random() < 0.5:
        _withdraw(focus)
    terms = replace(focus.version.terms, version=8, title="Newer")
    made = focus.county.signed(terms, focus.version.proposed)
    focus.standing.agreements[focus.reference] += (made,)


def _withdraw(focus: Focus) -> None:
    count = focus.random.choices((1, 2, 3), (7, 2, 1))[0]
    gone = dict(focus.version.withdrawals)
    gone |= {
        name: act("withdraw", name, ZERO, focus.version.proposed)
        for name in (focus.a_party() for _ in range(count))
    }
    if focus.version.withdrawals == {} and focus.random.random() < 0.6:
        terms = replace(focus.version.terms, on_withdrawal="continue-without")
        focus.change(terms=terms)
    focus.change(withdrawals=gone)


def _suspend(focus: Focus) -> None:
    partner = focus.a_party()
    focus.change(suspensions={partner: act("suspend", partner, ZERO, focus.version.proposed)})


def _no_charter(focus: Focus) -> None:
    focus.standing.charters.pop(focus.version.terms.charter, None)


def _charter_dates(focus: Focus) -> None:
    charter = focus.standing.charters.get(focus.version.terms.charter)
    if charter is not None:
        starts = focus.county.day(CORE, CORE_END)
        changed = replace(charter, starts=starts, ends=starts + timedelta(days=30))
        focus.standing.charters[charter.reference] = changed
        focus.extra += [midnight(changed.starts), after(changed.ends)] * 3
        for partner in focus.standing.partners.values():
            focus.county.accede(focus.standing, changed, partner)


def _charter_changed(focus: Focus) -> None:
    """A higher version to which only some acceded again."""
    charter = focus.standing.charters.get(focus.version.terms.charter)
    if charter is not None:
        changed = replace(charter, version=charter.version + 1)
        focus.standing.charters[charter.reference] = changed
        for partner in focus.standing.partners.values():
            if focus.random.random() < 0.9:
                focus.county.accede(focus.standing, changed, partner)


def _not_acceded(focus: Focus) -> None:
    partner = focus.a_party()
    for reference in focus.random.choice(
        ([focus.version.terms.charter], list(focus.standing.charters))
    ):
        focus.standing.accessions.pop((reference, partner), None)


def _another_root(focus: Focus) -> None:
    partner = focus.standing.partners.get(focus.a_party())
    if partner is not None:
        focus.standing.partners[partner.id] = replace(partner, root_key="another")


def _no_partner(focus: Focus) -> None:
    focus.standing.partners.pop(focus.a_party(), None)


def _credentials(focus: Focus) -> None:
    """Histories with gaps, touching spans, late beginnings and other levels."""
    terms = focus.version.terms
    demands = [demand for demand in terms.demands if demand.on_lapse != "warn"]
    parties = [party.partner for party in terms.parties if party.role != "processor"]
    if not demands or not parties:
        return
    demand, partner = (
        focus.random.choice(demands),
        focus.standing.partners.get(focus.random.choice(parties)),
    )
    if partner is None:
        return
    kept = tuple(held for held in partner.credentials if held.scheme != demand.scheme)
    history = tuple(_history(focus, demand))
    focus.standing.partners[partner.id] = replace(partner, credentials=kept + history)


def _history(focus: Focus, demand: Demand) -> Iterator[Credential]:
    random, version = focus.random, focus.version
    since = max(version.completed or version.proposed, midnight(version.terms.starts))
    first = random.choice((since - timedelta(days=20), since, since - TICK, since + TICK))
    lapse = random.choice((since.date() - timedelta(days=2), focus.county.day(CORE, CORE_END)))
    level = "met" if random.random() < 0.8 else "not met"
    if random.random() < 0.1:
        return
    yield Credential(demand.scheme, "1", level, max(lapse, first.date()), first)
    end = after(max(lapse, first.date()))
    again = random.choice((end - TICK, end, end + TICK, end + timedelta(days=9)))
    focus.extra += [end, again, again, since]
    if random.random() < 0.7:
        level = "met" if random.random() < 0.8 else ""
        yield Credential(demand.scheme, "2", level, focus.county.day(LATE, LATEST), again)


def _no_dpia(focus: Focus) -> None:
    if focus.version.terms.dpia:
        focus.standing.dpias.pop(focus.version.terms.dpia, None)
    else:
        focus.change(terms=replace(focus.version.terms, dpia="1" * 64))


def _below(focus: Focus) -> None:
    """Something is wrong with an agreement that this one rests on."""
    references = [
        name for name in focus.version.terms.rests_on if name in focus.standing.agreements
    ]
    if references:
        reference = focus.random.choice(references)
        grant = focus.standing.agreements[reference][-1].terms.grants[0]
        below = Focus(focus.county, focus.standing, reference, grant)
        focus.random.choice((_unsign, _withdraw, _suspend, _below, _no_dpia, _credentials))(below)


def _nothing_below(focus: Focus) -> None:
    if focus.version.terms.rests_on:
        focus.standing.agreements.pop(focus.random.choice(focus.version.terms.rests_on), None)


def _contract_changed(focus: Focus) -> None:
    contract = focus.declared()
    changed = _change(focus, contract)
    focus.standing.contracts[contract.name] = changed
    focus.standing.past_contracts[changed.digest] = changed
    if focus.random.random() < 0.5:
        number = len(focus.standing.deposits.get(contract.name, ())) + 1
        made = deposit(contract.name, number, changed.digest)
        before = focus.standing.deposits.get(contract.name, ())
        focus.standing.deposits[contract.name] = (*before, made)


def _change(focus: Focus, contract: Contract) -> Contract:
    name = focus.random.choice(COLUMNS)
    match focus.random.randint(0, 4):
        case 0:  # nothing that a grant rests on
            return replace(contract, title="Another title")
        case 1:
            columns = tuple(
                replace(each, optional=not each.optional)
                if each.name == name and name not in contract.key
                else each
                for each in contract.columns
            )
            return replace(contract, columns=columns)
        case 2:
            return replace(
                contract, columns=tuple(c for c in contract.columns if c.name in ("ref", name))
            )
        case 3:
            return replace(contract, derived_from=("elm/omega",) if contract.owner != "elm" else ())
    return replace(contract, delivery="append" if contract.delivery == "snapshot" else "snapshot")


def _undeclared(focus: Focus) -> None:
    focus.standing.contracts.pop(focus.grant.dataset, None)


def _old_deposit(focus: Focus) -> None:
    """One of the deposits was made under a contract with another meaning, or one nobody knows."""
    contract = focus.declared()
    other = replace(contract, classification="open")
    digest = other.digest if focus.random.random() < 0.7 else "2" * 64
    focus.standing.past_contracts[other.digest] = other
    deposits = list(focus.standing.deposits.get(contract.name, ()))
    if deposits:
        place = focus.random.randrange(len(deposits))
        deposits[place] = replace(deposits[place], contract=digest)
    focus.standing.deposits[contract.name] = tuple(deposits)


def _no_contract(focus: Focus) -> None:
    wrong = replace(focus.grant, contract=focus.random.choice(("", "3" * 64)))
    _regrant(focus, wrong)


def _unfit(focus: Focus) -> None:
    """A treatment or a filter that does not fit the contract, though its digest is right."""
    contract = focus.declared()
    column = focus.grant.columns[0].name
    rows = focus.random.choice((Compare("score", "=", "text"), Compare("nowhere", "=", 1)))
    changed = replace(
        focus.grant,
        **focus.random.choice(({"rows": rows}, {"columns": (GrantedColumn(column, "month"),)})),
    )
    _regrant(focus, replace(changed, contract=contract.digest_of(changed.used_columns())))


def _regrant(focus: Focus, grant: Grant) -> None:
    terms = focus.version.terms
    grants = tuple(grant if each.id == grant.id else each for each in terms.grants)
    focus.change(terms=replace(terms, grants=grants))
    focus.grant = grant


def _no_data(focus: Focus) -> None:
    focus.standing.deposits.pop(focus.grant.dataset, None)


def _no_data_of_persons(focus: Focus) -> None:
    persons = focus.version.terms.grant(focus.grant.persons)
    focus.standing.deposits.pop(persons.dataset if persons else "elm/omega", None)


def _not_linked(focus: Focus) -> None:
    reference = focus.random.choice(("LINK-1", "LINK-1", "LINK-2"))
    focus.standing.deposits.pop(f"{PLATFORM}/map-{reference}", None)


def _no_linkage(focus: Focus) -> None:
    """The linkage agreement is about another dataset, or a second one is about this."""
    reference = focus.random.choice(focus.version.terms.rests_on or ("LINK-1",))
    below = focus.standing.agreements.get(reference)
    if below is None:
        return
    version = below[-1]
    dataset = focus.random.choice(("elm/omega", focus.grant.dataset, "ash/alpha", "birch/beta"))
    changed = replace(version.terms.grants[0], dataset=dataset, recipients=(PERSON_INDEX,))
    parties = {p.partner: p for p in version.terms.parties}
    for name in (changed.owner, PLATFORM):
        parties.setdefault(name, Party(name, "processor"))
    terms = replace(version.terms, grants=(changed,), parties=tuple(parties.values()))
    made = focus.county.signed(terms, version.proposed)
    focus.standing.agreements[reference] = (*below[:-1], made)


def _needs(focus: Focus) -> None:
    """Facts that are gone, for one member only, for two members, or soon over."""
    random, mine = focus.random, []
    kept = []
    for fact in focus.standing.fulfilments:
        here = (fact.reference, fact.grant) == (focus.reference, focus.grant.id)
        (mine if here else kept).append(fact)
    if not mine:
        return
    changed = random.choice(mine)
    mine.remove(changed)
    for _ in range(random.randint(0, 2)):
        member = random.choice(("", "a.ash", "t.birch", "a.cedar", "t.elm"))
        ends = focus.county.moment(CORE, LATEST)
        mine.append(replace(changed, member=member, ends=ends))
    focus.standing.fulfilments = (*kept, *mine)


FAULTS: tuple[Callable[[Focus], None], ...] = (
    _unsign,
    _propose,
    _supersede,
    _withdraw,
    _withdraw,
    _suspend,
    _no_charter,
    _charter_dates,
    _charter_changed,
    _not_acceded,
    _another_root,
    _no_partner,
    _credentials,
    _credentials,
    _credentials,
    _credentials,
    _no_dpia,
    _below,
    _nothing_below,
    _contract_changed,
    _contract_changed,
    _undeclared,
    _old_deposit,
    _no_contract,
    _unfit,
    _no_data,
    _no_data_of_persons,
    _not_linked,
    _no_linkage,
    _no_linkage,
    _needs,
    _needs,
)


def _stranger(county: County, focus: Focus, request: Request) -> Request:
    return replace(request, member="nobody")


def _colleague(county: County, focus: Focus, request: Request) -> Request:
    return replace(request, member=county.random.choice(sorted(county.sound.members)))


def _nowhere(county: County, focus: Focus, request: Request) -> Request:
    return replace(request, agreement="NOWHERE")


def _no_purpose(county: County, focus: Focus, request: Request) -> Request:
    return replace(request, purpose=county.random.choice(("", "fun")))


def _other_purpose(county: County, focus: Focus, request: Request) -> Request:
    return replace(request, purpose=county.random.choice(("care", "plan", "link")))


def _no_table(county: County, focus: Focus, request: Request) -> Request:
    if isinstance(request.question, Lookup):
        return replace(request, question=replace(request.question, grant="nothing"))
    return replace(request, question=Sql("SELECT 1", (focus.grant.table, "nothing")))


def _more_tables(county: County, focus: Focus, request: Request) -> Request:
    others = [grant.table for grant in focus.version.terms.grants]
    chosen = tuple(county.random.sample(others, min(2, len(others))))
    return replace(request, question=Sql("SELECT 1", chosen))


def _other_mode(county: County, focus: Focus, request: Request) -> Request:
    if isinstance(request.question, Lookup):
        return replace(
            request, question=Sql("SELECT 1", (request.question.grant.replace("-", "_"),))
        )
    return replace(request, question=Lookup(focus.grant.id, "7", "a visit"))


def _looked_up(**fields: object) -> Callable[[County, Focus, Request], Request]:
    def slip(county: County, focus: Focus, request: Request) -> Request:
        if not isinstance(request.question, Lookup):
            return request
        changed = {name: county.random.choice(list(values)) for name, values in fields.items()}
        return replace(request, question=replace(request.question, **changed))

    return slip


SLIPS: tuple[Callable[[County, Focus, Request], Request], ...] = (
    _stranger,
    _colleague,
    _nowhere,
    _no_purpose,
    _other_purpose,
    _no_table,
    _more_tables,
    _other_mode,
)
LOOK_UP_SLIPS: tuple[Callable[[County, Focus, Request], Request], ...] = (
    _looked_up(reason=("", " \n")),
    _looked_up(by_person=(True, False)),
    _looked_up(used_today=(2, 3, 4)),
)
