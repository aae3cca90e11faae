"""The ledger of one home: add facts, record reads, and hand out what holds, proven.

- `standing` is what decisions rest on: facts replayed from the entries, checked against the signed
  checkpoint, the watermark and every cache. It is shared and read-only.
- `add` writes facts, all or none; `record` writes any other entry and returns when it is durable,
  and `record_all` a group of them, all or none: one wait on the disk for all.
- Everything read back is proven to lie in the signed tree first.

Anything that does not agree raises `IntegrityFailure`. To write inside a transaction of the
caller's is a bug: what a caller can roll back is not durable.
"""

from __future__ import annotations

import atexit
import hmac
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from commonthread.broker.keyring import Keyring
from commonthread.broker.rules import ledger as arithmetic
from commonthread.broker.rules.errors import BadInput, IntegrityFailure
from commonthread.broker.rules.ledger import export_lines, inclusion_proof, verify_inclusion
from commonthread.broker.rules.standing import Standing

from .caches import check_caches
from .checking import FullCheck
from .committer import Committer, Limit, Request
from .entries import Sealed, open_body, read_entry, seal
from .models import EntryKey
from .replay import Replay, State, read_proven, rows_of_state
from .tally import Tally
from .tree import load_level, select, with_nodes
from .values import Consistency, Entry, Inclusion, Notice, Verified
from .writing import Draft, Writer, time_text

Body = Mapping[str, Any] | Callable[[Standing], Mapping[str, Any]]
TOKEN_CHARACTERS = 32
AT_ONCE = 1_000
Fact = tuple[str, Mapping[str, Any]]
MadeFact = Callable[[Standing], Fact]
OPEN: dict[Path, Ledger] = {}
OPENING = threading.Lock()


def open_ledger(keyring: Keyring) -> Ledger:
    """The ledger of the keyring's home; one for each home in a process."""
    home = keyring.home.resolve()
    with OPENING:
        if home not in OPEN:
            OPEN[home] = Ledger(keyring)
        return OPEN[home]


def close_ledgers() -> None:
    """End the committer threads, and forget the ledgers opened so far."""
    with OPENING:
        ledgers = list(OPEN.values())
        OPEN.clear()
    for ledger in ledgers:
        ledger.close()


atexit.register(close_ledgers)
# A fork has neither the threads nor the right to share a connection.
os.register_at_fork(after_in_child=OPEN.clear)


class Ledger:
    """One home's ledger in this process; every method may be called from any thread."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._replay, self._tally = Replay(keyring), Tally()
        self._writer = Writer(keyring, self._replay)
        self._committer = Committer(self._writer, self._tally)
        self._token_key = keyring.derive("tokens")

    # What holds, and adding to it.

    def standing(self) -> Standing:
        """What holds as of the newest checkpoint; `last_at` is the time of the newest entry."""
        return self._replay.current().standing

    def add(self, facts: Sequence[Fact | MadeFact], at: datetime | None = None) -> Standing:
        """Add facts, all or nothing; raises `BadInput` for what the standing cannot take.

        A fact is its kind and its body, or a function that makes them of the standing after the
        facts before it: so can a batch hold envelopes of which each names the entry before.
        """

        def build(draft: Draft) -> None:
            time = draft.time(at)
            for fact in facts:
                kind, body = fact(draft.standing) if callable(fact) else fact
                draft.add_fact(kind, dict(body), time)

        self._writer.commit(build)
        return self.standing()

    def record(
        self,
        kind: str,
        *,
        public: Mapping[str, Any],
        body: Mapping[str, Any],
        tokens: Iterable[str] = (),
        at: datetime | None = None,
    ) -> int:
        """Write an entry that is no fact; its number, once it is durable."""
        sealed = self.seal(kind, public=public, body=body, tokens=tokens)
        return self.record_all([sealed], at)[0]

    def seal(
        self,
        kind: str,
        *,
        public: Mapping[str, Any],
        body: Mapping[str, Any],
        tokens: Iterable[str] = (),
    ) -> Sealed:
        """An entry for `record_all`: encrypted, and not yet written. Waits for nobody."""
        return seal(self._keyring, kind, public=public, body=body, tokens=tokens)

    def record_all(self, group: Sequence[Sealed], at: datetime | None = None) -> range:
        """Write entries that are no facts, all or nothing, in their order and at one time.

        Their numbers, which have no gap, once all are durable.
        """
        if not group:
            return range(0)
        first = self._committer.submit(Request(tuple(group), at))
        if first is None:
            raise IntegrityFailure("The ledger cannot be written.")
        return range(first, first + len(group))

    def record_limited(
        self,
        kind: str,
        *,
        public: Mapping[str, Any],
        body: Mapping[str, Any],
        tokens: Iterable[str] = (),
        at: datetime | None = None,
        limit_token: str,
        since: datetime,
        limit: int,
    ) -> int | None:
        """As `record`, unless `limit` entries of the kind carry `limit_token` since then: None.

        `limit_token` is added to the entry's tokens, or it would not count itself.
        """
        own = {*tokens, limit_token}
        sealed = self.seal(kind, public=public, body=body, tokens=own)
        bound = Limit(kind, limit_token, since, limit)
        return self._committer.submit(Request((sealed,), at, bound))

    def erase(self, seqs: Iterable[int]) -> int:
        """Delete the keys of these entries' bodies, which nobody can read again; the tree stays.

        Returns how many there were. A fact cannot be erased: decisions rest on it.
        """
        wanted = sorted(set(seqs))
        if any(self.entry(seq).fact for seq in wanted):
            raise BadInput("A fact cannot be erased.", mend="Erase entries of reads.")
        return EntryKey.objects.filter(seq__in=wanted).delete()[0]

    # Cheap questions.

    def epoch(self) -> int:
        """The number of facts, signed: it grows with each; for a watchdog to poll."""
        newest = self._replay.newest()
        return newest.facts if newest else 0

    def count(self, kind: str, token: str, since: datetime) -> int:
        """Entries of the kind that carry the token, from `since` on; counted in the entries."""
        return self._tally.count(kind, token, time_text(since), self._replay.current())

    def token(self, text: str) -> str:
        """A keyed token of a text: the same for the same text in this home, and saying nothing."""
        return hmac.digest(self._token_key, text.encode(), "sha256").hex()[:TOKEN_CHARACTERS]

    @property
    def size(self) -> int:
        return self._replay.current().size

    @property
    def origin(self) -> str:
        """The name under which checkpoints are signed; raises `BadInput` before there is a home."""
        return self._made().origin

    def checkpoint(self) -> str:
        """The newest signed checkpoint: a C2SP note."""
        return self._made().note

    def key_text(self) -> str:
        """The public key of the checkpoints, as verifiers are given it."""
        return arithmetic.key_text(self.origin, self._replay.key.public_key())

    # Reading back, proven.

    def entry(self, seq: int) -> Entry:
        """One entry, proven to lie in the signed tree."""
        return self._entry(seq, self._made())

    def entries(self, first: int = 0, limit: int = 100) -> tuple[Entry, ...]:
        """Entries from `first` on, in their order, each proven to lie in the signed tree."""
        state = self._replay.current()
        end = min(first + limit, state.size)
        return tuple(self._proven(max(first, 0), end, state)) if first < end else ()

    def find(self, token: str, *, kind: str = "", limit: int = 1_000) -> tuple[Entry, ...]:
        """The newest entries that carry the token, newest first, each proven.

        Whoever writes to the database can hide one from this list, as `verify` would say.
        """
        statement = "SELECT seq FROM ledger_token WHERE token = %s"
        values: list[Any] = [token]
        if kind:
            statement, values = statement + " AND kind = %s", [token, kind]
        state = self._replay.current()
        rows = select(statement + " ORDER BY seq DESC LIMIT %s", [*values, limit])
        found = [self._entry(seq, state) for (seq,) in rows if seq < state.size]
        if any(token not in entry.tokens for entry in found):
            raise IntegrityFailure("The table ledger_token does not say what the ledger says.")
        return tuple(found)

    def body(self, seq: int) -> dict[str, Any]:
        """The decrypted body of an entry; raises `BadInput` when it was erased."""
        entry = self.entry(seq)
        rows = select("SELECT wrapped FROM ledger_key WHERE seq = %s", [seq])
        if not rows:
            raise BadInput(f"The body of entry {seq} was erased.")
        return open_body(self._keyring, entry, rows[0][0])

    def inclusion(self, seq: int) -> Inclusion:
        """The proof that the newest checkpoint covers an entry."""
        state = self._made()
        leaf = self._entry(seq, state).leaf
        proof = with_nodes(partial(inclusion_proof, seq, state.size))
        verify_inclusion(leaf, seq, state.size, proof, state.frontier.root())
        return Inclusion(seq, state.size, leaf, proof, state.note)

    def consistency(self, old: int) -> Consistency:
        """The proof that the newest checkpoint only adds to the tree of `old` entries."""
        state = self._made()
        if not 0 <= old <= state.size:
            raise BadInput("The ledger has no such size.", mend=f"It has {state.size} entries.")
        proof = with_nodes(partial(arithmetic.consistency_proof, old, state.size))
        return Consistency(old, state.size, proof, state.note)

    def export(self) -> Iterator[bytes]:
        """A `*.ledger` file, line by line, up to the newest checkpoint."""
        state = self._made()
        return export_lines(state.note, self.key_text(), self._texts(state.size))

    def verify(self, progress: Callable[[int], None] | None = None) -> Verified:
        """Check everything that is stored, from the first entry on; raises `IntegrityFailure`."""
        state = Replay(self._keyring).current()
        return FullCheck(state, progress).run()

    def outbox(self, party: str = "", *, after: int = -1) -> tuple[Notice, ...]:
        """The notices to a party, or to all, of entries after that number; oldest first."""
        state = self._replay.current()
        return tuple(
            notice for notice in state.notices if notice.seq > after and party in ("", notice.party)
        )

    def check_tables(self) -> None:
        """Compare every cache with the facts now, whether or not anything changed."""
        check_caches(rows_of_state(self._replay.current()))

    def close(self) -> None:
        """End the committer thread; the ledger can be used again afterwards."""
        self._committer.close()

    def _made(self) -> State:
        state = self._replay.current()
        if not state.size:
            raise BadInput("There is no home yet.", mend="Make one: commonthread init.")
        return state

    def _entry(self, seq: int, state: State) -> Entry:
        if not 0 <= seq < state.size:
            raise BadInput("The ledger has no entry of that number.")
        checkpoint = arithmetic.Checkpoint(
            state.origin, state.size, state.frontier.root(), state.standing.facts, state.head
        )
        return read_proven(seq, checkpoint)

    def _proven(self, first: int, end: int, state: State) -> Iterator[Entry]:
        """Entries whose proofs share their nodes: one statement for each level of the tree."""
        levels = state.size.bit_length()
        nodes: dict[tuple[int, int], bytes] = {}
        for level in range(levels):
            nodes |= load_level(level, (first >> level) - 1, ((end - 1) >> level) + 2)
        root = state.frontier.root()
        for entry in self._read(first, end):
            proof = with_nodes(partial(inclusion_proof, entry.seq, state.size), known=nodes)
            verify_inclusion(entry.leaf, entry.seq, state.size, proof, root)
            yield entry

    def _read(self, first: int, end: int) -> Iterator[Entry]:
        for seq, text in enumerate(self._texts(end, first), first):
            yield read_entry(text.decode(), seq=seq)

    def _texts(self, end: int, first: int = 0) -> Iterator[bytes]:
        while first < end:
            rows = select(
                "SELECT seq, text FROM ledger_entry WHERE seq >= %s AND seq < %s ORDER BY seq",
                [first, min(first + AT_ONCE, end)],
            )
            if not rows:
                raise IntegrityFailure(f"Entry {first} of the ledger is missing.")
            for seq, text in rows:
                if seq != first:
                    raise IntegrityFailure(f"Entry {first} of the ledger is missing.")
                first += 1
                yield text.encode()
