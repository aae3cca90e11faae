"""Adding to the ledger: one writer at a time, everything of a batch in one transaction.

Order: the home's lock file (`flock`, fair, freed by the kernel when a process dies), then the
transaction, then the watermark. Only then may anybody be told that an entry is durable. A death
between commit and watermark leaves a database ahead of the watermark, which is accepted.
"""

from __future__ import annotations

import copy
import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from django.db import connection, transaction

from commonthread.broker.keyring import Keyring
from commonthread.broker.rules.canonical import canonical_bytes, instant_text, parse_json
from commonthread.broker.rules.errors import BadInput, IntegrityFailure
from commonthread.broker.rules.facts import Fact
from commonthread.broker.rules.ledger import (
    Checkpoint,
    Node,
    key_text,
    leaf_hash,
    next_head,
    sign_note,
)
from commonthread.broker.rules.replay import apply

from .caches import check_caches, notices_of, write_caches
from .entries import Sealed, seal
from .replay import Replay, State, before_fact, rows_of_state
from .tree import insert, store_nodes

LOCK_FILE = "ledger.lock"
POSTGRES_LOCK = 0x636F6D6D6F6E  # "common": one number for every home on one server's database
# Entries wait for their turn, so one may carry a time just before the newest; it then takes that.
LATE = timedelta(seconds=10)
# What an entry shows openly: names of agreements, datasets and partners, and of nobody else.
SHOWN = {
    "partner": ("id",),
    "dataset": ("owner", "id"),
    "charter": ("reference",),
    "dpia": ("reference",),
    "agreement": ("reference",),
    "act": ("reference",),
    "fulfilment": ("reference",),
    "deposit": ("dataset", "number"),
}
Result = TypeVar("Result")


class Draft:
    """A batch in the making on top of a state: nothing of it is written before `save`."""

    def __init__(self, keyring: Keyring, replay: Replay, state: State) -> None:
        self._keyring, self._key, self.before = keyring, replay.key, state
        self.frontier, self.head = state.frontier.copy(), state.head
        self.standing, self.origin = state.standing, state.origin
        self.notices = list(state.notices)
        self.last_at = state.standing.last_at
        self._time = ""  # of `last_at`, once an entry of this draft has it
        self.sealed: list[tuple[int, str, int, Sealed, str]] = []
        self.nodes: list[Node] = []

    def time(self, at: datetime | None) -> datetime:
        """The time of the next entry; raises `IntegrityFailure` when the clock is behind."""
        if at is not None and at.tzinfo is None:
            raise BadInput("A time without its zone cannot be recorded.")
        now = (at or datetime.now(UTC)).astimezone(UTC).replace(microsecond=0)
        if self.last_at is None or now >= self.last_at:
            return now
        if self.last_at - now > LATE:
            raise IntegrityFailure("The clock is behind the newest entry.", mend="Set the clock.")
        return self.last_at

    def append(self, sealed: Sealed, at: datetime, fact: int = 0) -> tuple[int, bytes]:
        """Add an entry; returns its number and its leaf hash."""
        # Most entries of a draft are of one second, which need not be written out for each.
        if at != self.last_at or not self._time:
            self._time = instant_text(at)
        seq, time = self.frontier.size, self._time
        text = sealed.text(seq=seq, at=time, fact=fact)
        leaf = leaf_hash(text)
        self.nodes += self.frontier.append(leaf)
        self.sealed.append((seq, time, fact, sealed, text.decode()))
        self.last_at = at
        return seq, leaf

    def add_fact(self, kind: str, body: dict[str, Any], at: datetime) -> None:
        """Add a fact and apply it; raises `BadInput` for one that cannot be taken."""
        if self.standing is self.before.standing:
            self.standing = self.standing.copy()
        written = parse_json(canonical_bytes(body))
        names = SHOWN.get(kind, ())
        public = {name: written[name] for name in names if isinstance(written.get(name), str | int)}
        sealed = seal(self._keyring, kind, public=public, body=written)
        seq, leaf = self.append(sealed, at, self.standing.facts + 1)
        fact = Fact(kind, written, at, leaf.hex())
        before = before_fact(self.standing, fact)
        apply(self.standing, fact)
        self.notices += notices_of(fact, seq, before, self.standing)
        self.head = next_head(self.head, leaf)
        if self.standing.home and not self.origin:
            self.origin = self._origin(self.standing.home.origin)

    def _origin(self, origin: str) -> str:
        try:
            key_text(origin, self._key.public_key())
        except IntegrityFailure as error:
            raise BadInput("The home's origin cannot name a ledger.", mend=error.message) from None
        return origin

    def state(self) -> State:
        """The state once this is committed, its checkpoint signed."""
        if not self.origin:
            raise BadInput("There is no home yet.", mend="Make one: commonthread init.")
        checkpoint = Checkpoint(
            self.origin, self.frontier.size, self.frontier.root(), self.standing.facts, self.head
        )
        note = sign_note(checkpoint, self.origin, self._key)
        standing = copy.copy(self.standing)
        standing.last_at = self.last_at
        return State(note, self.origin, self.frontier, self.head, standing, tuple(self.notices))

    def save(self) -> State:
        """Write everything on this thread's connection; inside a transaction only."""
        state = self.state()
        rows = self.sealed
        insert(
            "ledger_entry",
            ("seq", "at", "kind", "fact", "text"),
            [(seq, at, one.kind, fact or None, text) for seq, at, fact, one, text in rows],
        )
        insert("ledger_key", ("seq", "wrapped"), [(seq, one.wrapped) for seq, _, _, one, _ in rows])
        insert(
            "ledger_token",
            ("seq", "token", "kind", "at"),
            [(seq, token, one.kind, at) for seq, at, _, one, _ in rows for token in one.tokens],
        )
        store_nodes(self.nodes)
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO ledger_checkpoint (id, size, note) VALUES (1, %s, %s)"
                " ON CONFLICT (id) DO UPDATE SET size = excluded.size, note = excluded.note",
                [state.size, state.note],
            )
        if self.standing is not self.before.standing:
            before, after = rows_of_state(self.before), rows_of_state(state)
            # A row that was tampered with must stop this, not be put right unseen.
            check_caches(before)
            write_caches(before, after)
            check_caches(after)
        return state

    def matching(self, kind: str, token: str, since: str) -> int:
        """Entries of this draft that a limit counts besides those committed."""
        return sum(
            one.kind == kind and token in one.tokens and at >= since
            for _, at, _, one, _ in self.sealed
        )


class Writer:
    """Writes batches to the ledger of one home; any thread of any process may have one."""

    def __init__(self, keyring: Keyring, replay: Replay) -> None:
        self._keyring, self._replay = keyring, replay

    def commit(self, build: Callable[[Draft], Result]) -> Result:
        """Let `build` fill a draft under the lock, and commit it; an error writes nothing."""
        with exclusive(self._keyring.home):
            with transaction.atomic(durable=True):
                if connection.vendor == "postgresql":
                    with connection.cursor() as cursor:
                        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [POSTGRES_LOCK])
                draft = Draft(self._keyring, self._replay, self._replay.current())
                result = build(draft)
                state = draft.save() if draft.sealed else None
            if state is not None:
                self._replay.advance(state)
                self._keyring.raise_watermark(state.size, state.frontier.root().hex())
        return result


@contextmanager
def exclusive(home: Path) -> Iterator[None]:
    """The ledger's lock among all processes of this home."""
    descriptor = os.open(home / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def time_text(at: datetime) -> str:
    """A time as entries have it, to compare with theirs; a part of a second counts as whole."""
    whole = at.astimezone(UTC)
    if whole.microsecond:
        whole = whole.replace(microsecond=0) + timedelta(seconds=1)
    return instant_text(whole)
