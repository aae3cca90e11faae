"""Random standings and requests, from a seed: whole small counties with nothing or little wrong.

Values are made directly, unsigned: what a signature is worth is tested elsewhere. Each county is
sound at first; then copies of it get up to three faults beside the agreement that is asked about,
and clocks stand at boundaries as often as between them, so that each rule alone decides often.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from random import Random

from faults import FAULTS, LOOK_UP_SLIPS, SLIPS, Focus
from parts import (
    CORE,
    CORE_END,
    FIRST,
    LAST,
    LATE,
    LATEST,
    OWNERS,
    SCHEMES,
    TICK,
    ZERO,
    a_filter,
    act,
    after,
    contract,
    deposit,
    lineage,
    midnight,
)

from commonthread.broker.rules.charter import Charter, Dpia
from commonthread.broker.rules.filters import All, Any_, Compare, Not
from commonthread.broker.rules.requests import Lookup, OwnData, Question, Request, Sql
from commonthread.broker.rules.standing import (
    Credential,
    Fulfilment,
    Member,
    Partner,
    Standing,
    Version,
)
from commonthread.broker.rules.terms import (
    PERSON_INDEX,
    PLATFORM,
    Demand,
    Grant,
    GrantedColumn,
    Party,
    Purpose,
    Terms,
)


@dataclass(frozen=True)
class Case:
    """One request in one standing at one instant."""

    standing: Standing
    request: Request
    at: datetime


def cases(seed: int, count: int) -> Iterator[Case]:
    """`count` cases; the same seed gives the same ones."""
    random, left = Random(seed), count
    while left > 0:
        county = County(random)
        for _ in range(min(40, left)):
            asked = county.variation(min(5, left))
            left -= len(asked)
            yield from asked


class County:
    """A sound county, and variations of it."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.sound = Standing(last_at=midnight(date(2026, 1, 1)))
        self._people()
        self._data()
        self._charters()
        self._agreements()

    def day(self, first: date, last: date) -> date:
        return first + timedelta(days=self.random.randint(0, (last - first).days))

    def moment(self, first: date, last: date) -> datetime:
        return midnight(self.day(first, last)) + timedelta(seconds=self.random.randint(0, 86_399))

    def chance(self, of: float) -> bool:
        return self.random.random() < of

    # The sound county

    def _people(self) -> None:
        for name in (*OWNERS, PLATFORM):
            held = tuple(self._credential(scheme) for scheme in SCHEMES)
            self.sound.partners[name] = Partner(name, name, "council", f"root of {name}", held)
        for name in OWNERS:
            self._member("s", name, ("signatory",), ())
            self._member("e", name, ("data-engineer",), ())
            self._member("a", name, (), (f"{name}/analysts",))
            self._member("t", name, (), (f"{name}/team", f"{name}/others"))
        self.sound.members["linker"] = Member("linker", "linker", PLATFORM, (), (PERSON_INDEX,))

    def _member(
        self, kind: str, partner: str, roles: tuple[str, ...], groups: tuple[str, ...]
    ) -> None:
        id_ = f"{kind}.{partner}"
        self.sound.members[id_] = Member(id_, id_, partner, roles, groups)

    def _credential(self, scheme: str) -> Credential:
        expires = self.day(LATE, date(2027, 12, 31))
        return Credential(scheme, "1", "met", expires, self.moment(FIRST, LAST))

    def _data(self) -> None:
        for owner, id_, delivery, sources in (
            ("ash", "alpha", "snapshot", ()),
            ("birch", "beta", "append", ()),
            ("cedar", "gamma", "snapshot", ("ash/alpha",)),
            ("birch", "delta", "append", ("cedar/gamma", "elm/omega")),
            ("elm", "omega", "snapshot", ()),
        ):
            declared = contract(owner, id_, delivery, sources)
            self.sound.contracts[declared.name] = declared
            self.sound.past_contracts[declared.digest] = declared
            count = self.random.randint(1, 3)
            self.sound.deposits[declared.name] = tuple(
                deposit(declared.name, number, declared.digest) for number in range(1, count + 1)
            )
        for reference in ("LINK-1", "LINK-2"):
            name = f"{PLATFORM}/map-{reference}"
            self.sound.deposits[name] = (deposit(name, 1, ZERO),)

    def _charters(self) -> None:
        for reference in ("CHARTER-A", "CHARTER-B")[: self.random.randint(1, 2)]:
            starts, ends = self.day(FIRST, LAST), self.day(LATE, date(2027, 12, 31))
            charter = Charter(reference, "Charter", 1, starts, ends, ends, ("Share.",), "Own data.")
            self.sound.charters[reference] = charter
            for partner in self.sound.partners.values():
                self.accede(self.sound, charter, partner)

    def accede(self, standing: Standing, charter: Charter, partner: Partner) -> None:
        subject = charter.accession(partner.root_key)
        standing.accessions[charter.reference, partner.id] = act(
            "accede", partner.id, subject, midnight(charter.starts)
        )

    def _agreements(self) -> None:
        self._admit(self._linkage("LINK-1", ("ash/alpha", "birch/beta")))
        self._admit(self._linkage("LINK-2", ("cedar/gamma", "birch/delta")))
        self._admit(self._terms("ISA-0", self._grants_without_people(), ()))
        self._admit(self._terms("ISA-1", self._grants_of_people(), ("LINK-1",)))
        both = (*self._grants_of_people(), *self._grants_without_people())
        self._admit(self._terms("ISA-2", both, ("ISA-0", "LINK-1", "LINK-2")))
        odd = tuple(self._odd_grants())
        self._admit(self._terms("ISA-3", odd, ("LINK-1",)))
        self._chain()

    def _chain(self) -> None:
        """Agreements that rest on one another: 6 to 11 in a row, or in a circle."""
        length, circle = self.random.choice((4, 6, 8, 9, 9, 10)), self.chance(0.1)
        lean = self._grants_without_people()[:1]
        for number in range(length):
            below = f"CHAIN-{(number + 1) % length}"
            last = number == length - 1 and not circle
            self._admit(self._terms(f"CHAIN-{number}", lean, () if last else (below,)))

    def _linkage(self, reference: str, datasets: tuple[str, ...]) -> Terms:
        grants = tuple(
            self._grant(f"link-{number}", dataset, "rows", ("ref",), recipients=(PERSON_INDEX,))
            for number, dataset in enumerate(datasets)
        )
        return self._terms(reference, grants, ())

    def _grants_without_people(self) -> tuple[Grant, ...]:
        return (
            self._grant("plain-rows", "ash/alpha", "rows", ("ref", "born")),
            self._grant("counts", "birch/beta", "statistics", ("place",)),
            self._grant("by-ref", "cedar/gamma", "lookup", ("score",), by="ref", per_day=3),
            self._grant("derived", "birch/delta", "rows", ("score",)),
            self._grant("urgent", "birch/beta", "rows", ("ref",), needs=("activation", "training")),
        )

    def _grants_of_people(self) -> tuple[Grant, ...]:
        by = {"by": "person", "per_day": 2, "person": True}
        return (
            self._grant("people", "ash/alpha", "rows", ("born",), person=True),
            self._grant("known", "birch/beta", "rows", ("ref",), person=True, persons="people"),
            self._grant("one", "birch/beta", "lookup", ("score",), persons="known", **by),
            self._grant("figures", "ash/alpha", "statistics", ("place",), person=True),
            self._grant("break-glass", "ash/alpha", "lookup", ("ref",), needs=("approval",), **by),
        )

    def _odd_grants(self) -> Iterator[Grant]:
        """Each with one clause that this version does not know, among two that it does."""
        strange = Compare("score", "~", 3)
        for number, rows in enumerate((strange, Not(strange), All((a_filter(), strange)))):
            yield self._grant(f"odd-rows-{number}", "ash/alpha", "rows", ("ref",), rows=rows)
        yield self._grant("odd-or", "ash/alpha", "rows", ("ref",), rows=Any_((strange, a_filter())))
        yield self._grant("odd-view", "ash/alpha", "rows", ("ref",), treatment="blur", person=True)
        yield self._grant("odd-need", "ash/alpha", "rows", ("ref",), needs=("moonlight",))
        yield self._grant("odd-mode", "ash/alpha", "area", ("ref",))
        yield self._grant("by-odd", "birch/beta", "rows", ("ref",), person=True, persons="odd-view")
        yield self._grant("fine", "ash/alpha", "rows", ("ref",))
        yield self._grant("fine-people", "birch/beta", "rows", ("ref",), person=True)

    def _grant(
        self,
        id_: str,
        dataset: str,
        mode: str,
        columns: tuple[str, ...],
        recipients: tuple[str, ...] = (),
        treatment: str = "plain",
        **more: object,
    ) -> Grant:
        groups = [f"{owner}/{kind}" for owner in OWNERS for kind in ("analysts", "team")]
        chosen = recipients or tuple(self.random.sample(groups, 3))
        statistics = {"minimum_count": 5, "round_to": 5} if mode == "statistics" else {}
        fields: dict[str, object] = {"rows": a_filter() if self.chance(0.3) else None}
        shown = tuple(GrantedColumn(name, treatment) for name in columns)
        purpose = "link" if recipients else self.random.choice(("care", "plan"))
        made: dict[str, object] = {**fields, **statistics, **more}
        grant = Grant(id_, dataset, purpose, chosen, mode, shown, **made)
        contract = self.sound.contracts[dataset]
        return replace(grant, contract=contract.digest_of(grant.used_columns()))

    def _terms(self, reference: str, grants: tuple[Grant, ...], rests_on: tuple[str, ...]) -> Terms:
        starts, ends = self.day(FIRST, LAST), self.day(LATE, LATEST)
        needed = {grant.owner for grant in grants}
        needed |= {group.split("/")[0] for grant in grants for group in grant.recipients}
        return Terms(
            reference,
            "Agreement",
            self.random.randint(1, 3),
            self.random.choice(sorted(self.sound.charters)),
            starts,
            ends,
            ends,
            tuple(self._party(name) for name in sorted(needed)),
            (Purpose("care", "Care"), Purpose("plan", "Plan"), Purpose("link", "Link")),
            grants,
            self._demands(),
            self.random.choice(("end", "continue-without")),
            self._dpia() if self.chance(0.6) else "",
            rests_on,
            single_out=True,
        )

    def _party(self, name: str) -> Party:
        role = self.random.choice(("controller", "controller", "joint", "processor"))
        if name == PLATFORM:
            role = "processor"
        return Party(name, role, "public-task", legal_power="Act")

    def _demands(self) -> tuple[Demand, ...]:
        schemes = self.random.sample(SCHEMES, self.random.randint(0, 2))
        return tuple(
            Demand(
                scheme,
                self.random.choice(("", "met")),
                self.random.choice(("warn", "suspend", "end", "end")),
            )
            for scheme in schemes
        )

    def _dpia(self) -> str:
        dpia = Dpia(
            "DPIA-1",
            "Assessment",
            "Need",
            (),
            "Yes",
            "Go on",
            True,
            "low",
            "s.ash",
            self.day(FIRST, LAST),
            self.day(LATE, LATEST),
        )
        self.sound.dpias[dpia.digest] = dpia
        return dpia.digest

    def _admit(self, terms: Terms) -> None:
        version = self.signed(terms, self.moment(FIRST, LAST))
        self.sound.agreements[terms.reference] = (version,)
        for grant in terms.grants:
            for need in grant.needs:
                self.sound.fulfilments += (self._fulfilment(terms.reference, grant.id, need),)

    def signed(self, terms: Terms, at: datetime) -> Version:
        """A version that every party signed, with the owners of all that its datasets come from."""
        parties = {party.partner for party in terms.parties}
        for grant in terms.grants:
            parties |= {name.split("/")[0] for name in lineage(self.sound, grant.dataset)}
        signatures = {name: act("sign", name, terms.digest, at) for name in sorted(parties)}
        return Version(terms, at, ZERO, signatures, completed=at)

    def _fulfilment(self, reference: str, grant: str, need: str, member: str = "") -> Fulfilment:
        starts, ends = self.moment(FIRST, LAST), self.moment(LATE, LATEST)
        return Fulfilment(reference, grant, need, member, starts, ends)

    # Variations

    def variation(self, count: int) -> list[Case]:
        """A copy with some faults, and requests mostly about what has the faults."""
        standing = self.sound.copy()
        references = ["ISA-0", "ISA-1", "ISA-1", "ISA-2", "ISA-2", "ISA-3", "LINK-1", "CHAIN-0"]
        if self.chance(0.1):
            references = ["CHAIN-1", "CHAIN-2", "CHAIN-3", "LINK-2"]
        reference = self.random.choice(references)
        grants = standing.agreements[reference][-1].terms.grants
        focus = Focus(self, standing, reference, self.random.choice(grants))
        for _ in range(self.random.choices((0, 1, 2, 3), (42, 46, 10, 2))[0]):
            self.random.choice(FAULTS)(focus)
        return [self._case(focus) for _ in range(count)]

    def _case(self, focus: "Focus") -> Case:
        standing, at = focus.standing, self._instant(focus)
        if self.chance(0.07):
            return Case(standing, self._own_request(), at)
        request = self._request(focus)
        if self.chance(0.2):
            looks_up = isinstance(request.question, Lookup) and self.chance(0.8)
            slips = LOOK_UP_SLIPS if looks_up else SLIPS
            request = self.random.choice(slips)(self, focus, request)
        if self.chance(0.04):
            standing = replace(standing, last_at=at + self.random.choice((-TICK, 0 * TICK, TICK)))
        return Case(standing, request, at)

    def _request(self, focus: "Focus") -> Request:
        terms = focus.version.terms
        grant = focus.grant if self.chance(0.8) else self.random.choice(terms.grants)
        readers = [
            member.id
            for member in focus.standing.members.values()
            if set(member.groups) & set(grant.recipients)
        ]
        member = self.random.choice(readers or ["a.ash"])
        return Request(member, self._question(grant), terms.reference, grant.purpose)

    def _question(self, grant: Grant) -> Question:
        if grant.mode == "lookup":
            by_person, used = grant.by == "person", self.random.randint(0, grant.per_day - 1)
            return Lookup(grant.id, "7", "a visit", by_person, used)
        return Sql("SELECT 1", (grant.table,) if self.chance(0.8) else ())

    def _own_request(self) -> Request:
        dataset = self.random.choice(sorted(self.sound.contracts))
        owner = dataset.split("/")[0]
        member = f"e.{owner}"
        if self.chance(0.15):
            member = self.random.choice([*sorted(self.sound.members), "nobody"])
        if self.chance(0.1):
            dataset = self.random.choice(["ash/alpha", "elm/omega", "ash/unknown"])
        what = self.random.choice(("deposits", "quarantine", "profile") * 5 + ("everything",))
        return Request(member, OwnData(dataset, what))

    def _instant(self, focus: "Focus") -> datetime:
        if self.chance(0.6):
            return self.moment(CORE, CORE_END)
        moments = _near(focus.boundaries())
        return self.random.choice(moments) + self.random.choice((-TICK, 0 * TICK, TICK))


def _near(moments: list[datetime]) -> list[datetime]:
    """The last of what begins, the first of what ends, and all between: there one rule decides."""
    begin, end = midnight(CORE), after(CORE_END)
    between = [moment for moment in moments if begin <= moment < end]
    before = sorted(moment for moment in moments if moment < begin)[-4:]
    later = sorted(moment for moment in moments if moment >= end)[:3]
    return [*before, *before[-2:], *between, *later, *later[:2]]
