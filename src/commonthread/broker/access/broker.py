"""One home, opened: the surface that command line, pages and services call."""

from __future__ import annotations

import atexit
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings

from commonthread.broker.fence import survey
from commonthread.broker.keyring import Keyring, no_home
from commonthread.broker.lake.deliveries import Deliveries
from commonthread.broker.lake.extracts import Extracts
from commonthread.broker.lake.shapes import shape_of
from commonthread.broker.lake.store import Store
from commonthread.broker.lake.workers import Pool
from commonthread.broker.records import Ledger, open_ledger
from commonthread.broker.rules import keys
from commonthread.broker.rules.decisions import Decision, decide, what_can, who_can
from commonthread.broker.rules.errors import BadInput, Refused
from commonthread.broker.rules.facts import HOME, KEY
from commonthread.broker.rules.keys import PrivateKey, parse_key
from commonthread.broker.rules.requests import OwnData, Request, Sql
from commonthread.broker.rules.standing import Member, Partner, Standing, map_of
from commonthread.broker.rules.views import every_view, govern

from . import acts
from .deposits import Delivery, Depositor, Receipt
from .documents import Change, Document, Plan, admission, written
from .leases import Watchdog, now
from .proofs import LedgerView
from .reading import Answer, Reader
from .status import AgreementStatus, agreement_status, charter_status, statuses

_OPEN: dict[Path, Broker] = {}
_OPENING = threading.Lock()


def create_home(
    home: Path, *, demo: bool, origin: str = "commonthread", home_key_file: str = ""
) -> Broker:
    """Make a new home: its keys, its empty ledger with the first fact. The database is migrated."""
    keyring = Keyring.create(home, home_key_file)
    service = str(keys.public_key(keyring.service_key()))
    open_ledger(keyring).add(
        [(HOME, {"origin": origin, "demo": demo, "service_key": service})], at=None
    )
    return open_broker(home, home_key_file)


def open_broker(home: Path | None = None, home_key_file: str = "") -> Broker:
    """The broker of a home, one for each process; raises `BadInput` where there is no home."""
    if home is None:
        home, home_key_file = settings.HOME, settings.HOME_KEY_FILE
    place = Path(home).resolve()
    with _OPENING:
        if place not in _OPEN:
            _OPEN[place] = Broker(Keyring.load(place, home_key_file))
        return _OPEN[place]


@contextmanager
def _plainly(outcome: str) -> Iterator[None]:
    """Say of a fact that was not taken what its author did; the fields of facts are not theirs."""
    try:
        yield
    except BadInput as error:
        if not error.problems:
            raise
        said = "; ".join(problem.message for problem in error.problems)
        mend = "; ".join(problem.mend for problem in error.problems if problem.mend)
        raise BadInput(
            f"{outcome}: {said}.", mend=f"{mend[0].upper()}{mend[1:]}." if mend else ""
        ) from None


class Broker:
    """Facts in, decisions and answers out. Made by `open_broker`."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._ledger: Ledger = open_ledger(keyring)
        self.ledger = LedgerView(self._ledger)
        standing = self._ledger.standing()
        if standing.home is None:
            raise no_home(keyring.home)
        self.demo, self.origin = standing.home.demo, standing.home.origin
        self._store = Store(keyring.home, keyring)
        self._extracts = Extracts(self._store)
        self._pool = Pool(limit_bytes=settings.WORKER_GIB << 30)
        self._watchdog = Watchdog(self._ledger.epoch, self._ledger.standing, self._changed)
        self._reader = Reader(self._ledger, keyring, self._extracts, self._pool, self._watchdog)
        self._depositor = Depositor(self._ledger, Deliveries(self._store))
        self._depositor.sweep()
        self._sweep()
        self._platform_acts()
        atexit.register(self.close)

    def close(self) -> None:
        """Stop the watch and the workers; the home can be opened again."""
        self._watchdog.close()
        self._pool.close()
        _OPEN.pop(self._keyring.home.resolve(), None)

    # Facts

    def apply(
        self, documents: Sequence[Document], partner_keys: Mapping[str, PrivateKey] | None = None
    ) -> tuple[Change, ...]:
        """Take authored documents, all or none; raises `BadInput` with every problem."""
        plan = Plan(self._ledger.standing(), self._keyring, partner_keys or {})
        plan.add(documents)
        if plan.facts:
            self._ledger.add(written(plan.facts))
        return tuple(plan.changes)

    def act(
        self,
        reference: str,
        what: str,
        member: str,
        reason: str = "",
        key: PrivateKey | None = None,
    ) -> AgreementStatus:
        """Sign, accede, withdraw, suspend or resume; the platform then does what it owes."""
        standing = self._ledger.standing()
        fact = acts.act(standing, self._keyring, reference, what, member, reason, key)
        with _plainly(f"Nothing was done on {reference}"):
            self._ledger.add(written([fact]))
        self._platform_acts()
        self._watchdog.look()
        return self.status(reference)

    def admit_member(self, member: str, public_key: str, root: PrivateKey) -> None:
        """Admit a member's key under the partner's root key."""
        standing = self._ledger.standing()
        known = standing.members.get(member)
        if known is None:
            raise BadInput("No member of this id is known.", mend="Apply the member first.")
        parse_key(public_key, "--public-key")
        with _plainly("The key was not admitted"):
            self._ledger.add(written([(KEY, admission(member, known.partner, public_key, root))]))

    def fulfil(
        self,
        reference: str,
        grant: str,
        need: str,
        *,
        member: str,
        starts: datetime,
        ends: datetime,
        by: str,
        key: PrivateKey | None = None,
    ) -> None:
        """Attest that a grant's need is met: approval, activation or training."""
        said = {"reference": reference, "grant": grant, "need": need}
        said |= {"member": member} if member else {}
        standing = self._ledger.standing()
        fact = acts.fulfilment(standing, self._keyring, said, starts, ends, by, key)
        with _plainly(f"Nothing was attested for the grant {grant} of {reference}"):
            self._ledger.add(written([fact]))

    def object(
        self,
        dataset: str,
        values: Sequence[str],
        purposes: Sequence[str],
        *,
        by: str,
        lifted: bool = False,
        key: PrivateKey | None = None,
    ) -> None:
        """Uphold an objection about one record for purposes `REFERENCE/purpose`, or lift it.

        `values`: the record's key, one text for each of its columns. Raises `BadInput` for an
        objection that would hide nothing: a record, a purpose or an objection that is not there.
        """
        standing = self._ledger.standing()
        record = acts.objected(standing, dataset, values, purposes, lifted=lifted)
        if not lifted and not self._depositor.holds(standing.contracts[dataset], record):
            raise BadInput(
                "No record of the dataset has this key.",
                mend="Write each value as it was deposited; a date is 2026-01-31.",
            )
        said = {
            "dataset": dataset,
            "record": record,
            "purposes": sorted(purposes),
            "lifted": lifted,
        }
        with _plainly(f"No objection about {dataset} was written"):
            self._ledger.add(written([acts.objection(standing, self._keyring, said, by, key)]))
        self._watchdog.look()

    def _platform_acts(self) -> None:
        owed = acts.platform_acts(self._ledger.standing(), self._keyring)
        if owed:
            self._ledger.add(written(owed))

    # How things stand

    def standing(self) -> Standing:
        """The facts as they hold now; not to be changed."""
        return self._ledger.standing()

    def members(self) -> tuple[Member, ...]:
        return tuple(member for _, member in sorted(self._ledger.standing().members.items()))

    def partners(self) -> tuple[Partner, ...]:
        return tuple(partner for _, partner in sorted(self._ledger.standing().partners.items()))

    def agreements(self) -> tuple[AgreementStatus, ...]:
        return statuses(self._ledger.standing(), now())

    def status(self, reference: str) -> AgreementStatus:
        """One agreement or charter; raises `BadInput` when it is not known."""
        standing = self._ledger.standing()
        if reference in standing.charters:
            return charter_status(reference, standing, now())
        return agreement_status(reference, standing, now())

    def unfenced(self) -> Mapping[str, str]:
        """What this machine cannot fence a worker with, and why; empty when all holds."""
        return survey()

    def can(self, member: str) -> tuple[tuple[str, Decision], ...]:
        """Each grant with the decision for this member now."""
        return what_can(member, self._ledger.standing(), now())

    def who_can(self, dataset: str) -> tuple[tuple[str, str, Decision], ...]:
        """(member, grant, decision) over a dataset."""
        standing = self._ledger.standing()
        if dataset not in standing.contracts:
            raise BadInput("No dataset of this name is declared.")
        return who_can(dataset, standing, now())

    def decide(self, request: Request) -> Decision:
        """The decision on a request, without reading anything."""
        return self._reader.decide(request)[1]

    def tables(
        self, member: str, reference: str, purpose: str
    ) -> tuple[tuple[str, str, dict[str, tuple[str, bool]]], ...]:
        """(table, mode, columns) of what the member may query now; empty when nothing."""
        standing = self._ledger.standing()
        decision = decide(Request(member, Sql(""), reference, purpose), standing, now())
        if not decision.permitted:
            return ()
        view = govern(decision, standing)
        return tuple((v.table, v.grant.mode, dict(shape_of(v).columns)) for v in view.tables)

    # Data

    def read(self, request: Request, *, export: bool = False) -> Answer:
        """Answer a query or a look-up under a lease; raises `Refused` or `BadInput`.

        `export`: the answer is to leave the platform, which each grant read must allow.
        """
        return self._reader.read(request, export=export)

    def own(self, request: Request) -> Any:
        """A partner's own deposits, quarantine or profile."""
        standing = self._ledger.standing()
        decision = decide(request, standing, now())
        question = request.question
        dataset = question.dataset if isinstance(question, OwnData) else ""
        kind = "own-data.read" if decision.permitted else "request.refused"
        codes = sorted({reason.code for reason in decision.reasons})
        self._ledger.record(
            kind,
            public={"dataset": dataset, "codes": codes},
            body={"member": request.member},
            tokens=[self._ledger.token(f"member:{request.member}")],
            at=now(),
        )
        if not decision.permitted:
            raise Refused(decision.reasons)
        return self._depositor.own(request, standing)

    @property
    def depositor(self) -> Depositor:
        return self._depositor

    def deposit(self, dataset: str, member: str, delivery: Delivery) -> Receipt:
        """Take a delivery that was read from a file; see `catalogue.deposits.receive`."""
        receipt = self._depositor.deposit(dataset, member, delivery)
        self._watchdog.look()
        return receipt

    def map(self, reference: str) -> dict[tuple[str, str], str]:
        """(dataset, record) → resident, as the newest map of a linkage agreement says."""
        deposits = self._ledger.standing().pinned(map_of(reference))
        return self._depositor.map(deposits[-1]) if deposits else {}

    def deposit_map(self, reference: str, sources: Mapping[str, str], residents: Any) -> Receipt:
        """Deposit a person index that was made under a linkage agreement."""
        receipt = self._depositor.deposit_map(map_of(reference), sources, residents)
        self._watchdog.look()
        return receipt

    def _changed(self) -> None:
        self._sweep()

    def _sweep(self) -> None:
        """Destroy the extracts that nothing in force rests on any more."""
        at = now()

        def alive() -> set[str]:
            return {view.address for view in every_view(self._ledger.standing(), at)}

        for address in self._extracts.sweep(alive):
            self._pool.forget(address)
