"""From stored rows to what holds: checked against what was signed, or refused.

Each reading starts with the watermark beside the keys, then takes the newest signed checkpoint:
- it must not be behind the watermark, nor behind what this process has seen;
- no entry may lie beyond it, and none may be missing at either end;
- the stored tree's right edge must give its root, and at the watermark's size the watermark's;
- the facts, in their order, must give the chain of facts that it signs, and open, and be possible;
- every cache must be what the facts make it.
Only facts are replayed, and only new ones; reads cost nothing.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise

from commonthread.broker.keyring import Keyring
from commonthread.broker.rules.errors import BadInput, IntegrityFailure
from commonthread.broker.rules.facts import Fact
from commonthread.broker.rules.ledger import (
    FACTS_START,
    Checkpoint,
    Frontier,
    inclusion_proof,
    leaf_hash,
    next_head,
    open_note,
    verify_inclusion,
)
from commonthread.broker.rules.replay import apply
from commonthread.broker.rules.standing import Standing

from .caches import Rows, check_caches, notices_of, rows_of
from .entries import instant_of, open_body, read_entry
from .tree import frontier_at, select, with_nodes
from .values import Entry, Notice

HEAD = (
    "SELECT (SELECT note FROM ledger_checkpoint WHERE id = 1),"
    " (SELECT min(seq) FROM ledger_entry), (SELECT max(seq) FROM ledger_entry),"
    " (SELECT max(fact) FROM ledger_entry)"
)
COUNTS = ", (SELECT count(*) FROM ledger_entry), (SELECT count(fact) FROM ledger_entry)"
FACTS = (
    "SELECT e.seq, e.at, e.kind, e.fact, e.text, k.wrapped FROM ledger_entry e"
    " LEFT JOIN ledger_key k ON k.seq = e.seq WHERE e.fact > %s AND e.fact <= %s ORDER BY e.fact"
)
# Another process may add facts while the caches are read; then they are read again.
MOST_ATTEMPTS = 20


@dataclass(frozen=True, slots=True)
class State:
    """What has been read and checked. `standing` is shared: nobody changes it."""

    note: str = ""
    origin: str = ""
    frontier: Frontier = field(default_factory=Frontier)
    head: bytes = FACTS_START
    standing: Standing = field(default_factory=Standing)
    notices: tuple[Notice, ...] = ()

    @property
    def size(self) -> int:
        return self.frontier.size


class Replay:
    """The checked state of one home's ledger in this process; safe to share between threads."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self.key = keyring.checkpoint_key()
        self._public = self.key.public_key()
        self._state = State()
        self._last_opened: tuple[str, Checkpoint] | None = None
        self._loaded = False
        self._lock = threading.RLock()

    def current(self) -> State:
        """The state as of now; `IntegrityFailure` if what is stored is not what was signed."""
        with self._lock:
            for _ in range(MOST_ATTEMPTS):
                state = self._read()
                if state is not None:
                    self._state, self._loaded = state, True
                    return state
        raise IntegrityFailure(
            "The ledger changes faster than it can be checked.", mend="Try again."
        )

    def advance(self, state: State) -> None:
        """Take over what this process has just committed, under the ledger's lock."""
        with self._lock:
            # Another thread may have read it already, or even what came after it.
            if state.size > self._state.size:
                self._state = state

    def newest(self) -> Checkpoint | None:
        """The newest checkpoint alone: its signature and the watermark, not what it covers."""
        size, _ = self._keyring.watermark()
        rows = select("SELECT note FROM ledger_checkpoint WHERE id = 1")
        if not rows:
            _refuse_if(size > 0 or self._state.size > 0, "The ledger is behind what was recorded.")
            return None
        checkpoint = self._opened(str(rows[0][0]))
        _refuse_if(checkpoint.size < size, "The ledger is behind what was recorded.")
        return checkpoint

    def _opened(self, note: str) -> Checkpoint:
        """The checkpoint under its own origin, which the home's first fact must confirm."""
        last = self._last_opened
        if last is None or last[0] != note:
            last = note, open_note(note, note.partition("\n")[0], self._public)
            self._last_opened = last
        return last[1]

    def _read(self) -> State | None:
        """One attempt; None when somebody wrote meanwhile."""
        old = self._state
        # Before the database: a commit raises the mark afterwards, never the other way round.
        mark, mark_root = self._keyring.watermark()
        note, first, last, last_fact, *counts = select(HEAD + ("" if self._loaded else COUNTS))[0]
        if note is None:
            _refuse_if(last is not None, "The ledger has entries and no checkpoint.")
            _refuse_if(mark > 0 or old.size > 0, "The ledger is behind what was recorded.")
            if not self._loaded:
                check_caches(rows_of(old.standing, ()))
            return old
        checkpoint = self._opened(note)
        _refuse_if(
            checkpoint.size < max(mark, old.size) or checkpoint.facts < old.standing.facts,
            "The ledger is behind what was recorded.",
        )
        _refuse_if(
            (first, last, last_fact or 0) != (0, checkpoint.size - 1, checkpoint.facts)
            or counts not in ([], [checkpoint.size, checkpoint.facts]),
            "The ledger has more entries, or fewer, than its checkpoint covers.",
        )
        if note == old.note:
            return old
        return self._advanced(old, note, checkpoint, (mark, mark_root))

    def _advanced(
        self, old: State, note: str, checkpoint: Checkpoint, mark: tuple[int, str]
    ) -> State | None:
        frontier = frontier_at(checkpoint.size)
        _refuse_if(frontier.root() != checkpoint.root, "The ledger's tree is not what was signed.")
        for size, root in (mark, (old.size, old.frontier.root().hex())):
            _refuse_if(
                size > 0 and frontier_at(size).root().hex() != root,
                "The ledger's tree does not contain what was recorded before.",
            )
        newest = read_proven(checkpoint.size - 1, checkpoint)
        standing, head, notices = self._replayed(old, checkpoint)
        if standing is not old.standing or not self._loaded:
            home = standing.home
            _refuse_if(
                home is None or home.origin != checkpoint.origin, "This is another home's ledger."
            )
            try:
                check_caches(rows_of(standing, notices))
            except IntegrityFailure:
                # Caches change with facts alone, so a newer fact excuses what an older one cannot.
                again = self.newest()
                if again is not None and again.facts != checkpoint.facts:
                    return None
                raise
        standing = seen_until(standing, newest)
        return State(note, checkpoint.origin, frontier, head, standing, notices)

    def _replayed(
        self, old: State, checkpoint: Checkpoint
    ) -> tuple[Standing, bytes, tuple[Notice, ...]]:
        """The standing after the new facts, with the chain's head, which must be as signed."""
        if checkpoint.facts == old.standing.facts:
            _refuse_if(old.head != checkpoint.facts_head, "The ledger's facts are not as signed.")
            return old.standing, old.head, old.notices
        facts = list(self._facts(old.standing.facts, checkpoint.facts))
        head = old.head
        for entry, _ in facts:
            head = next_head(head, entry.leaf)
        _refuse_if(
            head != checkpoint.facts_head or len(facts) != checkpoint.facts - old.standing.facts,
            "The ledger's facts are not as signed.",
        )
        _refuse_if(
            any(one.seq >= other.seq for (one, _), (other, _) in pairwise(facts)),
            "The ledger's facts are out of order.",
        )
        standing, notices = old.standing.copy(), list(old.notices)
        for entry, wrapped in facts:
            notices += apply_fact(self._keyring, standing, entry, wrapped)
        return standing, head, tuple(notices)

    def _facts(self, after: int, until: int) -> Iterator[tuple[Entry, str]]:
        for seq, at, kind, fact, text, wrapped in select(FACTS, [after, until]):
            entry = read_entry(text, seq=seq)
            _refuse_if(
                (entry.at, entry.kind, entry.fact) != (at, kind, fact),
                f"The row of entry {seq} does not say what the entry says.",
            )
            _refuse_if(wrapped is None, f"The key of entry {seq}, a fact, is missing.")
            yield entry, wrapped


def apply_fact(
    keyring: Keyring, standing: Standing, entry: Entry, wrapped: str
) -> tuple[Notice, ...]:
    """Apply a stored fact; what no honest ledger holds is an integrity failure."""
    body = open_body(keyring, entry, wrapped)
    fact = Fact(entry.kind, body, instant_of(entry), entry.leaf.hex())
    before = before_fact(standing, fact)
    try:
        apply(standing, fact)
    except BadInput as error:
        where = ", ".join(problem.where for problem in error.problems)
        raise IntegrityFailure(
            f"Entry {entry.seq} holds a fact that cannot be: {where or entry.kind}."
        ) from None
    return notices_of(fact, entry.seq, before, standing)


def before_fact(standing: Standing, fact: Fact) -> Standing:
    """As much of the standing before a fact as its notices compare with."""
    reference = str(fact.body.get("reference"))
    versions = standing.agreements.get(reference, ())
    return Standing(agreements={reference: versions})


def read_proven(seq: int, checkpoint: Checkpoint) -> Entry:
    """One entry that the tree under this checkpoint is proven to hold."""
    rows = select("SELECT text FROM ledger_entry WHERE seq = %s", [seq])
    _refuse_if(not rows, f"Entry {seq} of the ledger is missing.")
    text = str(rows[0][0])
    proof = with_nodes(partial(inclusion_proof, seq, checkpoint.size))
    verify_inclusion(leaf_hash(text.encode()), seq, checkpoint.size, proof, checkpoint.root)
    return read_entry(text, seq=seq)


def seen_until(standing: Standing, newest: Entry) -> Standing:
    """The same standing, its last time that of the newest entry, fact or not."""
    seen = copy.copy(standing)
    seen.last_at = instant_of(newest)
    return seen


def rows_of_state(state: State) -> Rows:
    return rows_of(state.standing, state.notices)


def _refuse_if(wrong: bool, message: str) -> None:
    if wrong:
        raise IntegrityFailure(message, mend="Nothing is released until it is put right.")
