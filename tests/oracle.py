"""A second opinion on every decision, written from the rules in words and from nothing else.

It shares the frozen values with `decide`, and two digests that have tests of their own; each rule
is worked out again here, in another way: sets of codes and plain loops, slow and easy to read.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from commonthread.broker.rules.binding import grant_problems
from commonthread.broker.rules.contracts import Contract
from commonthread.broker.rules.filters import All, Among, Any_, Compare, Filter, Not
from commonthread.broker.rules.requests import Lookup, OwnData, Request, Sql
from commonthread.broker.rules.standing import Credential, Deposit, Member, Standing, Version
from commonthread.broker.rules.terms import Demand, Grant, Terms

LONDON = ZoneInfo("Europe/London")
FOR_EVER = datetime.max.replace(tzinfo=UTC)
DEEPEST = 8
KNOWN_MODES = {"lookup", "rows", "statistics"}
KNOWN_NEEDS = {"activation", "approval", "training"}
KNOWN_TREATMENTS = {"plain", "pseudonym", "year", "month", "age-band", "outward", "flag"}
KNOWN_COMPARISONS = {"=", "!=", "<", "<=", ">", ">="}
OWN_DATA = {"deposits", "quarantine", "profile"}


@dataclass(frozen=True)
class Verdict:
    """`expires` is meant for permits only."""

    codes: frozenset[str]
    expires: datetime

    @property
    def permitted(self) -> bool:
        return not self.codes


def midnight(day: date, later: int = 0) -> datetime:
    """00:00 in London at the beginning of `day`, or of the day so many later."""
    shifted = day + timedelta(days=later)
    return datetime(shifted.year, shifted.month, shifted.day, tzinfo=LONDON).astimezone(UTC)


def judge(request: Request, standing: Standing, at: datetime) -> Verdict:
    """Permit or refuse, with the codes of all reasons."""
    return Oracle(standing, at).judge(request)


class Oracle:
    """All questions at one instant in one standing; keeps what it worked out."""

    def __init__(self, standing: Standing, at: datetime) -> None:
        self.standing = standing
        self.at = at
        self._digests: dict[tuple[str, frozenset[str]], str] = {}

    def judge(self, request: Request) -> Verdict:
        codes: set[str] = set()
        # Nothing that a wrong clock says about dates is worth saying.
        if self.standing.last_at is not None and self.at < self.standing.last_at:
            return Verdict(frozenset({"clock-behind"}), FOR_EVER)
        member = self.standing.members.get(request.member)
        if member is None:
            codes.add("member-unknown")
        if isinstance(request.question, OwnData):
            found, expires = self._own(request.question, member)
        else:
            found, expires = self._under_agreement(request, member)
        return Verdict(frozenset(codes | found), expires)

    # A partner's own data

    def _own(self, question: OwnData, member: Member | None) -> tuple[set[str], datetime]:
        codes: set[str] = set()
        if question.what not in OWN_DATA:
            codes.add("clause-unknown")
        contract = self.standing.contracts.get(question.dataset)
        if contract is None or (member is not None and contract.owner != member.partner):
            codes.add("own-data")
        if member is None:
            return codes, FOR_EVER
        if "data-engineer" not in member.roles:
            codes.add("own-data-role")
        ends = [
            midnight(charter.ends, 1)
            for reference, charter in sorted(self.standing.charters.items())
            if not self._charter_codes(reference, [member.partner])
        ]
        if not ends:
            codes.add("own-charter")
        # It rests on one charter, the first by reference; the renewal may find the next.
        return codes, ends[0] if ends else FOR_EVER

    # An agreement

    def _under_agreement(
        self, request: Request, member: Member | None
    ) -> tuple[set[str], datetime]:
        version = self._governing(request.agreement)
        if version is None:
            return {"agreement-unknown"}, FOR_EVER
        codes, expires = self.in_force(request.agreement)
        codes = set(codes)
        if all(purpose.id != request.purpose for purpose in version.terms.purposes):
            codes.add("purpose-unknown")
        grants = {
            grant.id: self._grant(grant, request, member, version) for grant in version.terms.grants
        }
        by_table = {grant.id.replace("-", "_"): grant.id for grant in version.terms.grants}
        question = request.question
        if isinstance(question, Lookup):
            asked = [question.grant]
        elif isinstance(question, Sql) and question.tables:
            asked = [by_table.get(table, "") for table in question.tables]
        else:
            still_open = [id_ for id_, (reasons, _) in grants.items() if not reasons]
            asked = still_open or list(grants)
        for id_ in asked:
            if id_ not in grants:
                codes.add("grant-unknown")
                continue
            reasons, until = grants[id_]
            codes |= reasons
            expires = min(expires, until)
        return codes, expires

    def _governing(self, reference: str) -> Version | None:
        chosen = None
        for version in self.standing.agreements.get(reference, ()):
            if version.completed is not None or chosen is None or chosen.completed is None:
                chosen = version
        return chosen

    def in_force(self, reference: str, depth: int = 0) -> tuple[set[str], datetime]:
        """What keeps the agreement from being in force, and the earliest end of what carries it."""
        version = self._governing(reference)
        if version is None:
            return {"agreement-unknown"}, FOR_EVER
        if depth > DEEPEST:
            return {"rests-on-depth"}, FOR_EVER
        terms, required = version.terms, self._required(version.terms)
        codes = self._signed_and_dated(version, required)
        ends = [midnight(terms.ends, 1)]
        staying = [partner for partner in required if partner not in version.withdrawals]
        codes |= self._charter_codes(terms.charter, staying) if staying else set()
        if terms.charter in self.standing.charters:
            ends.append(midnight(self.standing.charters[terms.charter].ends, 1))
        for party in terms.parties:
            if party.role in ("controller", "joint") and party.partner in staying:
                for demand in terms.demands:
                    code, until = self._credential(demand, party.partner, version)
                    codes |= {code} - {""}
                    ends.append(until)
        codes |= self._dpia(terms)
        if terms.dpia in self.standing.dpias:
            ends.append(midnight(self.standing.dpias[terms.dpia].review, 1))
        for other in terms.rests_on:
            not_in_force, until = self.in_force(other, depth + 1)
            if not_in_force:
                codes.add("rests-on")
            ends.append(until)
        return codes, min(ends)

    def _signed_and_dated(self, version: Version, required: set[str]) -> set[str]:
        codes = set()
        if required - set(version.signatures):
            codes.add("unsigned")
        if self.at < midnight(version.terms.starts):
            codes.add("not-started")
        if self.at >= midnight(version.terms.ends, 1):
            codes.add("ended")
        if version.withdrawals:
            # Whatever is not plainly "continue without" is an end.
            goes_on = version.terms.on_withdrawal == "continue-without"
            enough = len(required - set(version.withdrawals)) >= 2
            if not (goes_on and enough and version.completed is not None):
                codes.add("withdrawn")
        if version.suspensions:
            codes.add("suspended")
        return codes

    def _required(self, terms: Terms) -> set[str]:
        owners = {
            source.split("/")[0]
            for grant in terms.grants
            for source in self._lineage(grant.dataset)
        }
        return owners | {party.partner for party in terms.parties}

    def _lineage(self, dataset: str, above: frozenset[str] = frozenset()) -> set[str]:
        found = {dataset}
        contract = self.standing.contracts.get(dataset)
        for source in contract.derived_from if contract and dataset not in above else ():
            found |= self._lineage(source, above | {dataset})
        return found

    def _charter_codes(self, reference: str, partners: list[str]) -> set[str]:
        charter = self.standing.charters.get(reference)
        if charter is None:
            return {"charter-unknown"}
        codes = set()
        if not midnight(charter.starts) <= self.at < midnight(charter.ends, 1):
            codes.add("charter-dates")
        for partner in partners:
            act = self.standing.accessions.get((reference, partner))
            known = self.standing.partners.get(partner)
            if not act or not known or act.envelope.subject != charter.accession(known.root_key):
                codes.add("not-acceded")
        return codes

    def _credential(self, demand: Demand, partner: str, version: Version) -> tuple[str, datetime]:
        if demand.on_lapse == "warn":
            return "", FOR_EVER
        known = self.standing.partners.get(partner)
        spans = [
            (credential.recorded, midnight(credential.expires, 1))
            for credential in (known.credentials if known else ())
            if _answers(demand, credential)
        ]
        if demand.on_lapse == "end" and version.completed is not None:
            since = max(version.completed, midnight(version.terms.starts))
            if since <= self.at and _held_at(since, spans) and _gap(since, self.at, spans):
                return "credential-ended", FOR_EVER
        if not _held_at(self.at, spans):
            return "credential-missing", FOR_EVER
        return "", _end_of_cover(self.at, spans)

    def _dpia(self, terms: Terms) -> set[str]:
        if not terms.dpia:
            return set()
        dpia = self.standing.dpias.get(terms.dpia)
        if dpia is None:
            return {"dpia-unknown"}
        codes = set()
        if self.at < midnight(dpia.approved):
            codes.add("dpia-not-approved")
        if self.at >= midnight(dpia.review, 1):
            codes.add("dpia-review")
        return codes

    # A grant

    def _grant(
        self, grant: Grant, request: Request, member: Member | None, version: Version
    ) -> tuple[set[str], datetime]:
        codes = self._data(grant, version) | self._reader(grant, request, member, version)
        ends = [FOR_EVER]
        for need in grant.needs:
            until = self._fulfilled(need, grant, version.terms.reference, request.member)
            if until is None:
                codes.add("needs")
            else:
                ends.append(until)
        return codes, min(ends)

    def _reader(
        self, grant: Grant, request: Request, member: Member | None, version: Version
    ) -> set[str]:
        codes = set()
        if grant.purpose != request.purpose:
            codes.add("purpose")
        if member is not None and not set(member.groups) & set(grant.recipients):
            codes.add("recipient")
        if member is not None and self._left(member.partner, version):
            codes.add("party-left")
        question = request.question
        if isinstance(question, Lookup):
            if grant.mode != "lookup":
                codes.add("mode")
            else:
                codes |= _look_up(question, grant)
        elif grant.mode not in ("rows", "statistics"):
            codes.add("mode")
        return codes

    def _left(self, partner: str, version: Version) -> bool:
        """Where a withdrawal ends the agreement for all, nobody is left behind."""
        goes_on = version.terms.on_withdrawal == "continue-without"
        return goes_on and partner in version.withdrawals

    def _fulfilled(self, need: str, grant: Grant, reference: str, who: str) -> datetime | None:
        ends = [
            fact.ends
            for fact in self.standing.fulfilments
            if (fact.reference, fact.grant, fact.need) == (reference, grant.id, need)
            and fact.member in ("", who)
            and fact.starts <= self.at < fact.ends
        ]
        return max(ends, default=None) if need in KNOWN_NEEDS else None

    def _data(self, grant: Grant, version: Version) -> set[str]:
        """Everything about the data of the grant, and of the grant that its persons come from."""
        codes = set()
        if any(self._left(name.split("/")[0], version) for name in self._lineage(grant.dataset)):
            codes.add("party-left")
        if _unknown_clause(grant):
            codes.add("clause-unknown")
        contract = self.standing.contracts.get(grant.dataset)
        pinned = self._pinned(grant.dataset)
        contracts = [contract, *(self.standing.past_contracts.get(d.contract) for d in pinned)]
        if not all(self._fits(grant, each) for each in contracts):
            codes.add("contract")
        if contract is not None and not pinned:
            codes.add("no-data")
        if grant.person:
            linking = self._linking(grant, version.terms)
            if len(linking) != 1:
                codes.add("linkage")
            elif not self.standing.deposits.get(f"commonthread/map-{linking[0]}"):
                codes.add("not-linked")
        if grant.persons:
            other = next(each for each in version.terms.grants if each.id == grant.persons)
            # Residents of two person indexes are not the same numbers.
            if self._linking(other, version.terms) != self._linking(grant, version.terms):
                codes.add("linkage")
            codes |= self._data(other, version)
        return codes

    def _pinned(self, dataset: str) -> tuple[Deposit, ...]:
        deposits = self.standing.deposits.get(dataset, ())
        contract = self.standing.contracts.get(dataset)
        if contract is not None and contract.delivery == "append":
            return deposits
        return deposits[-1:]

    def _fits(self, grant: Grant, contract: Contract | None) -> bool:
        if contract is None:
            return False
        key = contract.digest, frozenset(grant.used_columns())
        if key not in self._digests:
            self._digests[key] = contract.digest_of(key[1])
        return self._digests[key] == grant.contract and not any(grant_problems(grant, contract, ""))

    def _linking(self, grant: Grant, terms: Terms) -> list[str]:
        return [name for name in terms.rests_on if self._links(name, grant.dataset)]

    def _links(self, reference: str, dataset: str) -> bool:
        version = self._governing(reference)
        return version is not None and any(
            grant.dataset == dataset and "commonthread/person-index" in grant.recipients
            for grant in version.terms.grants
        )


def _answers(demand: Demand, credential: Credential) -> bool:
    level_holds = not demand.level or credential.level == demand.level
    return credential.scheme == demand.scheme and level_holds


Spans = list[tuple[datetime, datetime]]


def _held_at(moment: datetime, spans: Spans) -> bool:
    return any(start <= moment < end for start, end in spans)


def _gap(since: datetime, until: datetime, spans: Spans) -> bool:
    """Whether cover fails anywhere in [since, until]: it begins to fail only where a span ends."""
    moments = [since, until, *(end for _, end in spans if since <= end <= until)]
    return not all(_held_at(moment, spans) for moment in moments)


def _end_of_cover(moment: datetime, spans: Spans) -> datetime:
    while _held_at(moment, spans):
        moment = max(end for start, end in spans if start <= moment < end)
    return moment


def _look_up(question: Lookup, grant: Grant) -> set[str]:
    codes = set()
    if not question.reason.strip():
        codes.add("reason")
    if question.by_person != (grant.by == "person"):
        codes.add("by")
    if question.used_today >= grant.per_day:
        codes.add("rate")
    return codes


def _unknown_clause(grant: Grant) -> bool:
    treatments = {column.treatment for column in grant.columns}
    return bool(
        grant.mode not in KNOWN_MODES
        or set(grant.needs) - KNOWN_NEEDS
        or treatments - KNOWN_TREATMENTS
        or set(_operators(grant.rows)) - KNOWN_COMPARISONS
    )


def _operators(part: Filter | None) -> Iterator[str]:
    if isinstance(part, Compare):
        yield part.operator
    elif isinstance(part, All | Any_):
        for inner in part.parts:
            yield from _operators(inner)
    elif isinstance(part, Not):
        yield from _operators(part.part)
    elif part is not None and not isinstance(part, Among):
        yield "a kind of filter that nobody knows"
