"""A broker in memory for tests of the pages: real facts, signatures and decisions, made-up rows.

Everything that is decided is decided by the rules over a `County` of real signed facts, loaded
from the example county. Only the reading is made up: a query that holds one of the words in
`ANSWERS` gets those rows; one with `forever` runs until it is stopped or its permit ends.
"""

from __future__ import annotations

import re
import time
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.factories import County, home_standing, map_dataset

from commonthread.broker.access import (
    AgreementStatus,
    BadInput,
    Decision,
    LeaseEnded,
    Lookup,
    OwnData,
    Problem,
    Reason,
    Refused,
    Request,
    Sql,
)
from commonthread.broker.access.proofs import Opened, Report
from commonthread.broker.access.status import statuses
from commonthread.broker.records import Notice
from commonthread.broker.records.caches import notices_of
from commonthread.broker.records.writing import SHOWN
from commonthread.broker.rules.binding import exposed_types
from commonthread.broker.rules.canonical import instant_text
from commonthread.broker.rules.charter import parse_dpia
from commonthread.broker.rules.decisions import decide, what_can
from commonthread.broker.rules.facts import CHARTER, DPIA, MEMBER, PARTNER, Fact
from commonthread.broker.rules.keys import public_key
from commonthread.broker.rules.requests import DEPOSITS
from commonthread.broker.rules.standing import Member, Partner, Standing
from commonthread.broker.rules.terms import PLATFORM

LINKAGE, FALLS, CARE = "ISA-2026-001", "ISA-2026-014", "ISA-2026-020"
CHARTER_REFERENCE = "CHARTER-2026"
TABLE = re.compile(r"\b(?:FROM|JOIN)\s+([a-z_0-9]+)", re.IGNORECASE)
FOREVER = "forever"

Columns = tuple[tuple[str, str], ...]
ANSWERS: dict[str, tuple[Columns, list[tuple[Any, ...]]]] = {
    "device": (
        (("device", "text"), ("records", "integer")),
        [("bed-sensor", 35), ("door-sensor", 20), ("falls-detector", 110), ("pendant", 185)],
    ),
    "hostile": (
        (("note", "text"), ("balance", "integer"), ("person", "person")),
        [("=1+1", -5, 9007199254740993), ("@x", None, 9223372036854775807), ("<b>bold</b>", 3, 1)],
    ),
    "monthly": (
        (("arrived", "text"), ("visits", "integer")),
        [("2026-03", 40), ("2026-01", 35), ("2026-06", 60), ("2026-02", 1_200), ("2026-05", 25)],
    ),
    "crossed": (
        (("device", "text"), ("alarmed", "boolean"), ("records", "integer")),
        [("pendant", True, 185), ("pendant", False, 40), ("bed-sensor", True, 35)],
    ),
    "crowded": (
        (("area", "text"), ("records", "integer")),
        [(f"area {number}", number) for number in range(41)],
    ),
    "many": ((("number", "integer"),), [(number,) for number in range(1_500)]),
    "clients": (
        (
            ("install_ref", "text"),
            ("forename", "text"),
            ("surname", "text"),
            ("alarms_90d", "integer"),
            ("since", "date"),
        ),
        [("AT0007", "Mabel", "Oakes", 4, date(2026, 3, 1)), ("AT0011", None, "Fenn", 3, None)],
    ),
    "lookup": (
        (("person", "person"), ("arrived", "timestamp"), ("outcome", "text")),
        [(4611686018427387905, date(2026, 9, 4), "discharged")],
    ),
    FOREVER: ((("combinations", "integer"),), []),
}


@dataclass(frozen=True, slots=True)
class Batch:
    """What the pages use of a record batch."""

    columns: Columns
    rows: Sequence[tuple[Any, ...]]

    def to_pylist(self) -> list[dict[str, Any]]:
        names = [name for name, _ in self.columns]
        return [dict(zip(names, row, strict=True)) for row in self.rows]


class StandInAnswer(AbstractContextManager["StandInAnswer"]):
    """An answer under a lease that is decided anew before each batch."""

    def __init__(self, broker: StandInBroker, request: Request, decision: Decision) -> None:
        self._broker, self._request, self._stopped = broker, request, False
        question = request.question
        text = question.text if isinstance(question, Sql) else "lookup"
        self.word = next((word for word in ANSWERS if word in text), "device")
        self.columns, self._rows = ANSWERS[self.word]
        tables = question.tables if isinstance(question, Sql) else (question.grant,)  # type: ignore[union-attr]
        grants = [grant for grant in broker.terms(request.agreement).grants]
        touched = [grant for grant in grants if grant.table in tables or grant.id in tables]
        self.export = all(grant.export for grant in touched)
        self.mode = touched[0].mode
        self.digest = decision.digest
        self.pins: Mapping[str, int] = {grant.dataset: 1 for grant in touched}
        self.entry = broker.ledger.record("lease.opened", {"reference": request.agreement})

    def batches(self) -> Iterator[Batch]:
        while True:
            time.sleep(0.02)
            self._check()
            yield Batch(self.columns, self._rows)
            if self.word != FOREVER:
                return

    def _check(self) -> None:
        if self._stopped:
            raise LeaseEnded((Reason("stopped", "member", "The member stopped it."),))
        decision = self._broker.decide(self._request)
        if not decision.permitted:
            raise LeaseEnded(decision.reasons)

    def stop(self) -> None:
        self._stopped = True

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self._broker.ledger.record("lease.closed", {"lease": self.entry})


@dataclass(frozen=True, slots=True)
class StandInEntry:
    seq: int
    at: str
    kind: str
    public: Mapping[str, Any]
    leaf: bytes = b""


class StandInLedger:
    """Entries in a list; the tree over them is the ledger's own tests' affair."""

    origin = "first.county"

    def __init__(self, county: County) -> None:
        self._county = county
        self.broken = False
        self._entries: list[StandInEntry] = []
        self._notices: list[Notice] = []
        for fact in county.facts:
            self.record(fact.kind, _public(fact), bytes.fromhex(fact.leaf))

    @property
    def size(self) -> int:
        return len(self._entries)

    def record(self, kind: str, public: Mapping[str, Any], leaf: bytes = b"") -> int:
        at = f"{self._county.at:%Y-%m-%dT%H:%M:%SZ}"
        self._entries.append(StandInEntry(self.size, at, kind, public, leaf))
        return self.size - 1

    def tell(self, fact: Fact, before: Standing) -> None:
        """Record a fact that came after the ledger was made, with its notices."""
        seq = self.record(fact.kind, _public(fact), bytes.fromhex(fact.leaf))
        self._notices += notices_of(fact, seq, before, self._county.standing)

    def notices(self, party: str = "") -> tuple[Notice, ...]:
        return tuple(notice for notice in self._notices if party in ("", notice.party))

    def entries(self, first: int = 0, limit: int = 100) -> tuple[StandInEntry, ...]:
        return tuple(self._entries[first : first + limit])

    def facts(self, kinds: Sequence[str], *, reference: str = "") -> Iterator[Opened]:
        for seq, fact in enumerate(self._county.facts):
            if fact.kind in kinds and reference in ("", fact.body.get("reference")):
                yield Opened(seq, fact.kind, instant_text(fact.at), fact.leaf, fact.body, b"")

    def checkpoint(self) -> str:
        return f"{self.origin}\n{self.size}\n{'A' * 43}=\n\n— {self.origin} {'B' * 92}\n"

    def key_text(self) -> str:
        return f"{self.origin}+00000000+{'C' * 44}"

    def export(self) -> Iterator[bytes]:
        yield self.checkpoint().encode()
        for entry in self._entries:
            yield f"{entry.seq} {entry.kind}\n".encode()

    def verify(self) -> Report:
        if self.broken:
            return Report(0, 0, "", ("Entry 3 is not the one that was signed.",))
        return Report(self.size, len(self._county.facts), "0" * 64)


def _public(fact: Fact) -> Mapping[str, Any]:
    """What the real ledger shows of a fact, and no more."""
    return {name: fact.body[name] for name in SHOWN.get(fact.kind, ()) if name in fact.body}


class StandInBroker:
    """What the pages ask of a broker; `demo` can be switched off to be a real home."""

    origin = "first.county"

    def __init__(self, county: County) -> None:
        self.county, self.demo = county, True
        self.ledger = StandInLedger(county)

    def members(self) -> tuple[Member, ...]:
        return tuple(self.county.standing.members.values())

    def partners(self) -> tuple[Partner, ...]:
        return tuple(self.county.standing.partners.values())

    def standing(self) -> Standing:
        return self.county.standing

    def agreements(self) -> tuple[AgreementStatus, ...]:
        return statuses(self.county.standing, self.county.at)

    def can(self, member: str) -> tuple[tuple[str, Decision], ...]:
        return what_can(member, self.county.standing, self.county.at)

    def decide(self, request: Request) -> Decision:
        question = request.question
        if isinstance(question, Sql) and not question.tables:
            tables = tuple(sorted({name.lower() for name in TABLE.findall(question.text)}))
            if not tables:
                problem = Problem("query", "expected FROM", "name a table")
                raise BadInput("The query cannot be read.", [problem])
            request = replace(request, question=replace(question, tables=tables))
        return decide(request, self.county.standing, self.county.at)

    def tables(
        self, member: str, reference: str, purpose: str
    ) -> tuple[tuple[str, str, dict[str, tuple[str, bool]]], ...]:
        decision = decide(
            Request(member, Sql(""), reference, purpose), self.county.standing, self.county.at
        )
        contracts = self.county.standing.contracts
        return tuple(
            (grant.table, grant.mode, exposed_types(grant, contracts[grant.dataset]))
            for grant in self.terms(reference).grants
            if grant.id in decision.open
        )

    def read(self, request: Request) -> StandInAnswer:
        decision = self.decide(request)
        if not decision.permitted:
            raise Refused(decision.reasons)
        question = request.question
        if isinstance(question, Sql) and not question.tables:
            tables = tuple(sorted({name.lower() for name in TABLE.findall(question.text)}))
            request = replace(request, question=replace(question, tables=tables))
        assert isinstance(request.question, Sql | Lookup)
        return StandInAnswer(self, request, decision)

    def own(self, request: Request) -> Any:
        decision = self.decide(request)
        if not decision.permitted:
            raise Refused(decision.reasons)
        question, standing = request.question, self.county.standing
        assert isinstance(question, OwnData)
        self.ledger.record("own-data.read", {"dataset": question.dataset})
        deposits = standing.deposits.get(question.dataset, ())
        return deposits if question.what == DEPOSITS else self._profile(question.dataset)

    def _profile(self, dataset: str) -> dict[str, Any]:
        """One in four values is missing, and of those that say who one in eight is malformed."""
        contract = self.county.standing.contracts[dataset]
        who = {column for _, column in contract.identity}
        columns = [
            {"name": column.name, "rows": 400, "missing": 100, "distinct": 20}
            | ({"malformed": 50} if column.name in who else {})
            for column in contract.columns
        ]
        reasons = [{"reason": "born: is missing", "rows": 3}]
        return {"rows": 400, "quarantined": 3, "reasons": reasons, "columns": columns}

    def act(self, reference: str, what: str, member: str, reason: str = "") -> None:
        partner = self.county.standing.members[member].partner
        before, facts = self.county.standing.copy(), len(self.county.facts)
        if reference in self.county.standing.charters:
            self.county.accede(partner, reference)
        elif what == "sign":
            self.county.sign(reference, partner)
        else:
            getattr(self.county, what)(reference, partner, reason)
        for fact in self.county.facts[facts:]:
            self.ledger.tell(fact, before)

    def terms(self, reference: str) -> Any:
        version = self.county.standing.governing(reference)
        assert version is not None
        return version.terms


def stand_in(example: Path, *, signed: Sequence[str] = (LINKAGE, FALLS, CARE)) -> StandInBroker:
    """The example county with its agreements proposed, and those named signed by all."""
    county = home_standing(demo=True, origin="first.county")
    _people(county, tomllib.loads((example / "county.toml").read_text(encoding="utf-8")))
    charter = tomllib.loads((example / "charter.toml").read_text(encoding="utf-8"))["charter"]
    county.add(CHARTER, _plain(charter))
    partners = [partner for partner in county.standing.partners if partner != PLATFORM]
    for partner in [*partners, PLATFORM]:
        county.accede(partner)
    for name in ("linkage", "falls-prevention", "rising-alarms"):
        table = tomllib.loads((example / "agreements" / f"{name}.toml").read_text(encoding="utf-8"))
        terms = dict(table["agreement"])
        dpia = tomllib.loads((example / "agreements" / terms["dpia"]).read_text(encoding="utf-8"))
        parsed = parse_dpia(_plain(dpia["dpia"]))
        county.add(DPIA, parsed.to_plain())
        county.propose(_plain(terms | {"dpia": parsed.digest}))
        if terms["reference"] in signed:
            county.sign_all(terms["reference"])
    county.add_dataset(map_dataset(LINKAGE))
    for dataset in list(county.standing.contracts):
        county.deposit(dataset, rows=1_400, quarantined=3)
    return StandInBroker(county)


def _people(county: County, table: Mapping[str, Any]) -> None:
    for partner in table["partner"]:
        private = Ed25519PrivateKey.generate()
        county.add(PARTNER, {**_plain(partner), "root_key": str(public_key(private))})
        county.root_keys[partner["id"]] = private
    for member in table["member"]:
        county.add(MEMBER, _plain(member))
        county.admit_key(member["id"])
    for dataset in table["dataset"]:
        county.add_dataset(_plain(dataset))


def _plain(value: Any) -> Any:
    """TOML's dates as text, as facts hold them."""
    if isinstance(value, dict):
        return {name: _plain(inside) for name, inside in value.items()}
    if isinstance(value, list):
        return [_plain(inside) for inside in value]
    return value.isoformat() if isinstance(value, date) else value


REPORT = """# A county that does not exist

2,000 residents, seed 1. Nobody in it is real.

![Map of the county](map.svg)

## What happened

| Event | Number |
|---|---|
| births | 937 |
| <script>alert(1)</script> | 2 |

## How partners record it

Errors found in the files. Rates stand in `county/rates.py`.

| Dataset | Rows | Delivery | Errors |
|---|---|---|---|
| wychshire/telecare | 2,196 | snapshot | typing 70 of 2,194; old-name 1 of 3 |
| severn-acute/emergency-attendance | 32,032 | append | typing 193 of 31,992; old-name 4 of 40 |
| riverside-homes/voids | 14 | snapshot | none |

What the errors are: **typing**, a slip of the keys; **old-name**, the name of before a marriage.

## The answer key

| Effect | Of | On | Size |
|---|---|---|---|
| damp-breathing | a damp home | breathing | 2.1 |
"""
PICTURE = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 90 60" role="img">
<title id="t">{name} &amp; &lt;b&gt;more&lt;/b&gt;</title><desc id="d">Words of {name}.</desc>
<script>document.title = "ran"</script><rect width="90" height="60" onclick="alert(1)"/></svg>
"""


def write_county(home: Path) -> Path:
    """The folder of a synthetic county in a home, with pictures that try to run something."""
    folder = home / "county"
    folder.mkdir(parents=True)
    (folder / "report.md").write_text(REPORT, encoding="utf-8")
    for name in ("people", "map", "seasons"):
        text = PICTURE.format(name=name)
        (folder / f"{name}.svg").write_text(text, encoding="utf-8")
    return folder


__all__ = ["CARE", "FALLS", "LINKAGE", "REPORT", "StandInBroker", "stand_in", "write_county"]
