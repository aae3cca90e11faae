"""Reading: decide → view → run → record, in that order, here and nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from types import TracebackType
from typing import Any

import pyarrow as pa

from commonthread.broker.fence import survey
from commonthread.broker.keyring import Keyring
from commonthread.broker.lake import gate as gates
from commonthread.broker.lake.extracts import Extract, Extracts
from commonthread.broker.lake.lookups import look_up
from commonthread.broker.lake.shapes import shape_of
from commonthread.broker.lake.workers import Pool, WorkerFailed
from commonthread.broker.records import Ledger
from commonthread.broker.rules.dates import begins, london_day
from commonthread.broker.rules.decisions import Decision, decide
from commonthread.broker.rules.errors import BadInput, Reason, Refused, UserFacing
from commonthread.broker.rules.requests import Lookup, Request, Sql
from commonthread.broker.rules.standing import Standing
from commonthread.broker.rules.views import GovernedView, govern

from .leases import Lease, LeaseEnded, Watchdog, now

OPENED, CLOSED, REFUSED, LOOKED_UP = "lease.opened", "lease.closed", "request.refused", "lookup"
WEAKER = "fence.weaker"
DEADLINE_SECONDS = 120.0
# One reason for each way out, so that a refusal names whichever was asked for.
STAYS = Reason(
    "export",
    "export",
    "The agreement does not let this answer leave the platform, neither as a file (--out, a "
    "download) nor as data (--json).",
    "Look at it on the screen.",
)


class Answer:
    """A governed answer on its way out; use it as a context manager.

    - `columns`: (name, type) in order; pseudonyms are of type `pseudonym` and 63-bit integers.
    - `pins`: dataset → number of the newest deposit it was read from.
    - `entry`: the ledger's number of its opening entry; `digest`: the terms it rests on.
    - `export`: whether every grant read allows downloads.
    - `batches()`: record batches; raises `LeaseEnded` as soon as the lease does not hold.
    """

    def __init__(
        self,
        lease: Lease,
        opened: Mapping[str, Any],
        columns: tuple[tuple[str, str], ...],
        batches: Iterator[pa.RecordBatch],
        close: Callable[[int, str], None],
    ) -> None:
        self.columns = columns
        self.mode: str = opened["mode"]
        self.digest: str = opened["agreement"]
        self.reference: str = opened["reference"]
        self.pins: Mapping[str, int] = opened["pins"]
        self.export: bool = opened["export"]
        self.entry: int = opened["entry"]
        self._lease, self._batches, self._close = lease, batches, close
        self._rows, self._how = 0, "stopped"

    def batches(self) -> Iterator[pa.RecordBatch]:
        try:
            for batch in self._batches:
                self._lease.check()
                self._rows += batch.num_rows
                yield batch
            self._lease.check()
            self._how = "complete"
        except LeaseEnded:
            self._how = "ended"
            raise
        except WorkerFailed as failed:
            self._how = failed.kind
            # What it ran on may have been destroyed by a process that heard of the end first.
            self._lease.watchdog.look()
            self._lease.check()
            raise refusal(failed) from None

    def rows(self) -> list[dict[str, Any]]:
        """All rows, for answers known to be small."""
        return [row for batch in self.batches() for row in batch.to_pylist()]

    def table(self) -> pa.Table:
        """The whole answer as one table."""
        batches = list(self.batches())
        if batches:
            return pa.Table.from_batches(batches)
        return pa.table({name: pa.array([], pa.string()) for name, _ in self.columns})

    def stop(self) -> None:
        """End the answer from another thread."""
        self._lease.end((Reason("stopped", "member", "The member stopped it."),))

    def __enter__(self) -> Answer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        if self._lease.ended.is_set():
            self._how = "ended"
        if isinstance(self._batches, Generator):
            self._batches.close()
        self._close(self._rows, self._how)


def refusal(failed: WorkerFailed) -> Refused:
    """One constant refusal for whatever went wrong inside: an error text would tell of data."""
    if failed.kind == "fence":
        names = ", ".join(sorted(failed.missing or {}))
        return Refused([Reason("fence", "fence", f"This machine cannot fence a worker: {names}.")])
    mends = {
        "deadline": f"It took longer than {DEADLINE_SECONDS:.0f} seconds: ask for less.",
        "memory": "It needed more memory than it may have: ask for less.",
        "size": "Its answer is larger than an answer may be: ask for less.",
    }
    mend = mends.get(failed.kind, "Check its casts, divisions and functions.")
    return Refused([Reason("run-failed", "query", "The query failed while it ran.", mend)])


class Reader:
    """Answers requests of one process, from the ledger's facts and the lake's extracts."""

    def __init__(
        self, ledger: Ledger, keyring: Keyring, extracts: Extracts, pool: Pool, watchdog: Watchdog
    ) -> None:
        self._ledger, self._keyring = ledger, keyring
        self._extracts, self._pool, self._watchdog = extracts, pool, watchdog
        self._fence_noted = False

    def decide(self, request: Request) -> tuple[Request, Decision, Standing]:
        """The decision on a request, with what it needs to know filled in."""
        standing = self._ledger.standing()
        question = request.question
        at = now()
        if isinstance(question, Sql) and question.text and not question.tables:
            request = replace(
                request, question=replace(question, tables=gates.tables_of(question.text))
            )
        if isinstance(question, Lookup):
            used = self._ledger.count(LOOKED_UP, self._rate_token(request), _midnight(at))
            request = replace(request, question=replace(question, used_today=used))
        return request, decide(request, standing, at), standing

    def read(self, request: Request, *, export: bool = False) -> Answer:
        """Answer a query or a look-up; raises `Refused` or `BadInput`, both recorded.

        `export`: the answer is to leave the platform; refused, before it is opened, where a grant
        does not allow that.
        """
        try:
            request, decision, standing = self.decide(request)
            if not decision.permitted:
                raise Refused(decision.reasons)
            view = govern(decision, standing)
            if isinstance(request.question, Lookup):
                return self._look_up(request, request.question, decision, view, export=export)
            if isinstance(request.question, Sql):
                return self._query(request, request.question, decision, view, export=export)
            raise BadInput("This question has a way of its own.")
        except (Refused, BadInput) as error:
            self._record_refusal(request, error)
            raise

    def _query(
        self,
        request: Request,
        question: Sql,
        decision: Decision,
        view: GovernedView,
        *,
        export: bool,
    ) -> Answer:
        self._note_fence()
        shapes = {table.table: shape_of(table) for table in view.tables}
        gated = gates.gate(question.text, shapes, None)
        touched = [table for table in view.tables if table.table in gated.tables]
        may_leave = all(table.grant.export for table in touched)
        if export and not may_leave:
            raise Refused([STAYS])
        extracts = [self._extracts.ensure(table) for table in view.tables]
        key = "|".join([view.member, view.digest, view.purpose, *(e.address for e in extracts)])
        public = {
            "grants": sorted(table.grant.id for table in touched),
            "mode": gated.mode,
            "pins": _pins(touched),
            "purpose": view.purpose,
        }
        body = {"member": view.member, "question": question.text, "extracts": _addresses(touched)}

        def end() -> None:
            self._pool.kill(key)

        lease = self._lease(request, decision, end)
        entry = self._open(lease, OPENED, view, public, body)
        opened = _opened(public, view, entry, may_leave)
        batches = self._run(key, extracts, gated.sql, lease)
        return Answer(lease, opened, gated.columns, batches, self._closer(lease, entry))

    def _note_fence(self) -> None:
        """Once in each process: write down what this machine cannot fence a worker with."""
        if self._fence_noted:
            return
        self._fence_noted = True
        missing = survey()
        if missing:
            public = {"missing": sorted(missing)}
            self._ledger.record(WEAKER, public=public, body={}, tokens=[], at=now())

    def _run(
        self, key: str, extracts: list[Extract], sql: str, lease: Lease
    ) -> Iterator[pa.RecordBatch]:
        """Runs when the first batch is asked for, so that every failure ends in one place."""
        run = self._pool.run(
            key, extracts, sql, deadline_seconds=DEADLINE_SECONDS, on_start=lease.check
        )
        with run as batches:
            yield from batches

    def _look_up(
        self,
        request: Request,
        question: Lookup,
        decision: Decision,
        view: GovernedView,
        *,
        export: bool,
    ) -> Answer:
        table = next(item for item in view.tables if item.grant.id == question.grant)
        if export and not table.grant.export:
            raise Refused([STAYS])
        public = {
            "grants": [question.grant],
            "mode": "lookup",
            "pins": _pins([table]),
            "purpose": view.purpose,
        }
        body = {
            "member": view.member,
            "value": question.value,
            "reason": question.reason,
            "extracts": _addresses([table]),
        }
        self._extracts.ensure(table)
        lease = self._lease(request, decision, lambda: None)
        entry = self._open(lease, LOOKED_UP, view, public, body, table.grant.per_day)
        found = look_up(self._extracts, table, question)
        columns = tuple((name, kind) for name, (kind, _) in table.columns.items())
        opened = _opened(public, view, entry, table.grant.export)
        batches = iter(found.to_batches())
        return Answer(lease, opened, columns, batches, self._closer(lease, entry))

    def _lease(self, request: Request, decision: Decision, on_end: Callable[[], None]) -> Lease:
        lease = Lease(request, decision, on_end, self._watchdog)
        self._watchdog.register(lease)
        return lease

    def _open(
        self,
        lease: Lease,
        kind: str,
        view: GovernedView,
        public: Mapping[str, Any],
        body: Mapping[str, Any],
        per_day: int = 0,
    ) -> int:
        """Make the opening entry durable, then look once more: no window for a withdrawal."""
        said = {**public, "agreement": view.digest, "reference": view.reference}
        tokens = [self._ledger.token(f"member:{view.member}")]
        at = now()
        try:
            if kind == LOOKED_UP:
                token = self._rate_token(lease.request)
                entry = self._ledger.record_limited(
                    kind,
                    public=said,
                    body=dict(body),
                    tokens=[*tokens, token],
                    at=at,
                    limit_token=token,
                    since=_midnight(at),
                    limit=per_day,
                )
                if entry is None:
                    raise Refused([_used_up(lease.request, per_day)])
            else:
                entry = self._ledger.record(
                    kind, public=said, body=dict(body), tokens=tokens, at=at
                )
            again = decide(lease.request, self._ledger.standing(), now())
            if not again.permitted or again.digest != lease.decision.digest:
                lease.end(again.reasons)
            lease.check()
        except UserFacing as error:
            self._watchdog.release(lease)
            if isinstance(error, LeaseEnded):
                # It was made while its ground went away, perhaps after the watch had swept.
                for table in view.tables:
                    self._extracts.destroy(table.address)
            raise
        return entry

    def _closer(self, lease: Lease, entry: int) -> Callable[[int, str], None]:
        def close(rows: int, how: str) -> None:
            self._watchdog.release(lease)
            said = {"lease": entry, "rows": rows, "how": how}
            self._ledger.record(CLOSED, public=said, body={}, tokens=[], at=now())

        return close

    def _rate_token(self, request: Request) -> str:
        grant = request.question.grant if isinstance(request.question, Lookup) else ""
        return self._ledger.token(f"rate:{request.member}:{request.agreement}:{grant}")

    def _record_refusal(self, request: Request, error: Refused | BadInput) -> None:
        codes = [reason.code for reason in error.reasons] if isinstance(error, Refused) else []
        text = request.question.text if isinstance(request.question, Sql) else ""
        self._ledger.record(
            REFUSED,
            public={"codes": sorted(set(codes)) or ["bad-input"], "reference": request.agreement},
            body={"member": request.member, "purpose": request.purpose, "question": text},
            tokens=[self._ledger.token(f"member:{request.member}")],
            at=now(),
        )


def _opened(
    public: Mapping[str, Any], view: GovernedView, entry: int, export: bool
) -> Mapping[str, Any]:
    return {
        **public,
        "agreement": view.digest,
        "reference": view.reference,
        "entry": entry,
        "export": export,
    }


def _used_up(request: Request, per_day: int) -> Reason:
    question = request.question
    grant = question.grant if isinstance(question, Lookup) else ""
    return Reason(
        "rate",
        f"grant[{grant}].per_day",
        f"All {per_day} look-ups of today are used.",
        "The count begins anew at midnight in London.",
    )


def _pins(tables: list[Any]) -> dict[str, int]:
    pins: dict[str, int] = {}
    for table in tables:
        pins.update(table.pins())
    return pins


def _addresses(tables: list[Any]) -> list[str]:
    return sorted(table.address for table in tables)


def _midnight(at: datetime) -> datetime:
    return begins(london_day(at))
