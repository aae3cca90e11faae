"""The tables that mirror the replayed standing, and the outbox: written and compared whole.

A table that says more than the facts, less, or something else is an `IntegrityFailure` that names
it. Nothing is ever decided on these rows: they are for lists and for other programs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection

from commonthread.broker.rules import keys
from commonthread.broker.rules.canonical import canonical_bytes, instant_text
from commonthread.broker.rules.errors import BadInput, IntegrityFailure
from commonthread.broker.rules.facts import ACT, Fact
from commonthread.broker.rules.standing import Act, Standing, Version
from commonthread.broker.rules.terms import required_parties

from .models import NAME_CHARACTERS
from .tree import select
from .values import Notice

Row = tuple[Any, ...]
Rows = Mapping[str, frozenset[Row]]
IN_FORCE = "signed"
TOLD_OF = (keys.WITHDRAW, keys.SUSPEND, keys.RESUME)


@dataclass(frozen=True, slots=True)
class Table:
    """A cache: its columns, the first `keys` of which are its key, and the rows of a standing."""

    name: str
    columns: tuple[str, ...]
    keys: int
    rows: Callable[[Standing], Iterator[Row]]

    def stored(self) -> frozenset[Row]:
        return frozenset(select(f"SELECT {self._list()} FROM {self.name}"))

    def remove(self, rows: Iterable[Row]) -> None:
        condition = " AND ".join(f"{_quoted(column)} = %s" for column in self.columns[: self.keys])
        statement = f"DELETE FROM {self.name} WHERE {condition}"
        _execute(statement, [row[: self.keys] for row in rows])

    def insert(self, rows: Iterable[Row]) -> None:
        places = ", ".join(["%s"] * len(self.columns))
        statement = f"INSERT INTO {self.name} ({self._list()}) VALUES ({places})"
        _execute(statement, list(rows))

    def _list(self) -> str:
        return ", ".join(map(_quoted, self.columns))


def _quoted(column: str) -> str:
    return connection.ops.quote_name(column)


def _execute(statement: str, rows: list[Row]) -> None:
    if rows:
        with connection.cursor() as cursor:
            cursor.executemany(statement, rows)


def rows_of(standing: Standing, notices: Iterable[Notice]) -> Rows:
    """Every row of every cache, by table."""
    made = {table.name: frozenset(table.rows(standing)) for table in TABLES}
    return {**made, OUTBOX.name: frozenset(map(_notice_row, notices))}


def check_caches(expected: Rows) -> None:
    """Compare every cache with the replayed facts; raises `IntegrityFailure` naming the table."""
    for table in (*TABLES, OUTBOX):
        if table.stored() != expected[table.name]:
            raise IntegrityFailure(
                f"The table {table.name} does not say what the ledger says.",
                mend="Nothing is released until it does: restore the database as it was.",
            )


def write_caches(before: Rows, after: Rows) -> None:
    for table in (*TABLES, OUTBOX):
        added = after[table.name] - before[table.name]
        for row in added:
            if any(len(str(part)) > NAME_CHARACTERS for part in row[: table.keys]):
                raise BadInput(f"A name is longer than {NAME_CHARACTERS} characters.")
        table.remove(before[table.name] - after[table.name])
        table.insert(added)


def notices_of(fact: Fact, seq: int, before: Standing, after: Standing) -> tuple[Notice, ...]:
    """What each party is told of a fact: an end, a halt, its lifting, a last signature."""
    if fact.kind != ACT:
        return ()
    envelope, reference = fact.body["envelope"], str(fact.body["reference"])
    version = _version(after, reference, envelope["subject"])
    if version is None:
        return ()
    kind = envelope["act"]
    if kind == keys.SIGN:
        kind = IN_FORCE
        old = _version(before, reference, envelope["subject"])
        if version.completed is None or (old is not None and old.completed is not None):
            return ()
    elif kind not in TOLD_OF:
        return ()
    said = {"by": envelope["partner"], "digest": version.terms.digest}
    body = {**said, "version": version.terms.version}
    parties = required_parties(version.terms, after.contracts)
    at = instant_text(fact.at)
    return tuple(Notice(seq, party, kind, reference, at, body) for party in parties)


def _version(standing: Standing, reference: str, digest: str) -> Version | None:
    versions = standing.agreements.get(reference, ())
    return next((version for version in versions if version.terms.digest == digest), None)


def _notice_row(notice: Notice) -> Row:
    body = _text(dict(notice.body))
    return notice.seq, notice.party, notice.kind, notice.reference, notice.at, body


def _text(value: Any) -> str:
    return canonical_bytes(value).decode()


def _partners(standing: Standing) -> Iterator[Row]:
    for partner in standing.partners.values():
        credentials = [
            {
                "scheme": held.scheme,
                "reference": held.reference,
                "level": held.level,
                "expires": held.expires,
                "recorded": held.recorded,
            }
            for held in partner.credentials
        ]
        yield partner.id, partner.name, partner.kind, partner.root_key, _text(credentials)


def _members(standing: Standing) -> Iterator[Row]:
    for member in standing.members.values():
        roles, groups = " ".join(member.roles), " ".join(member.groups)
        key = standing.key_of(member.id)
        yield member.id, member.name, member.partner, roles, groups, key


def _datasets(standing: Standing) -> Iterator[Row]:
    for contract in standing.contracts.values():
        yield contract.name, contract.owner, contract.digest


def _charters(standing: Standing) -> Iterator[Row]:
    for charter in standing.charters.values():
        yield charter.reference, charter.version, charter.digest


def _agreements(standing: Standing) -> Iterator[Row]:
    for versions in standing.agreements.values():
        for version in versions:
            terms = version.terms
            completed = instant_text(version.completed) if version.completed else ""
            proposed = instant_text(version.proposed)
            state = _state(version)
            yield (
                terms.reference,
                terms.version,
                terms.digest,
                terms.title,
                state,
                proposed,
                completed,
            )


def _state(version: Version) -> str:
    """What the parties did to it, whatever the date; a decision asks the rules instead."""
    if version.withdrawals:
        return "withdrawn"
    if version.suspensions:
        return "suspended"
    return "signed" if version.completed else "proposed"


def _acts(standing: Standing) -> Iterator[Row]:
    for (reference, _), act in standing.accessions.items():
        yield _act(reference, act)
    for reference, versions in standing.agreements.items():
        for version in versions:
            for acts in (version.signatures, version.withdrawals, version.suspensions):
                for act in acts.values():
                    yield _act(reference, act)


def _act(reference: str, act: Act) -> Row:
    said = act.envelope
    at = instant_text(act.at)
    return act.leaf, reference, said.subject, said.act, said.partner, said.member, at


def _deposits(standing: Standing) -> Iterator[Row]:
    for deposits in standing.deposits.values():
        for deposit in deposits:
            yield (
                deposit.dataset,
                deposit.number,
                deposit.id,
                deposit.contract,
                deposit.file,
                deposit.rows,
                deposit.quarantined,
                deposit.member,
                instant_text(deposit.at),
            )


def _table(name: str, columns: str, rows: Callable[[Standing], Iterator[Row]], keys: int) -> Table:
    return Table(name, tuple(columns.split()), keys, rows)


TABLES = (
    _table("cache_partner", "id name kind root_key credentials", _partners, 1),
    _table("cache_member", "id name partner roles groups key", _members, 1),
    _table("cache_dataset", "name owner contract", _datasets, 1),
    _table("cache_charter", "reference version digest", _charters, 1),
    _table(
        "cache_agreement",
        "reference version digest title state proposed completed",
        _agreements,
        2,
    ),
    _table("cache_act", "leaf reference subject act partner member at", _acts, 1),
    _table(
        "cache_deposit",
        "dataset number digest contract file rows quarantined member at",
        _deposits,
        2,
    ),
)
OUTBOX = Table(
    "cache_notice",
    ("seq", "party", "kind", "reference", "at", "body"),
    2,
    lambda _: iter(()),
)
