"""The full check of a stored ledger: every entry, every node, every token, every row.

A start replays facts alone; this reads everything and says the first thing that is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from commonthread.broker.rules.errors import BadInput, IntegrityFailure
from commonthread.broker.rules.ledger import FACTS_START, Frontier, Node, next_head

from .entries import read_entry, spelling
from .replay import State
from .tree import load_level, select
from .values import Entry, Verified

AT_ONCE = 2_000
COUNTS = (
    "SELECT (SELECT note FROM ledger_checkpoint WHERE id = 1),"
    " (SELECT size FROM ledger_checkpoint WHERE id = 1),"
    " (SELECT count(*) FROM ledger_entry), (SELECT count(*) FROM ledger_node),"
    " (SELECT count(*) FROM ledger_token),"
    " (SELECT count(*) FROM ledger_key WHERE seq NOT IN (SELECT seq FROM ledger_entry))"
)


class FullCheck:
    """One pass over the entries that `state` covers; others may be added meanwhile."""

    def __init__(self, state: State, progress: Callable[[int], None] | None = None) -> None:
        self._state, self._progress = state, progress
        self._frontier, self._head = Frontier(), FACTS_START
        self._at, self._facts, self._keys, self._tokens = "", 0, 0, 0

    def run(self) -> Verified:
        """Raises `IntegrityFailure` naming the first thing that is wrong."""
        size = self._state.size
        while self._frontier.size < size:
            self._check_some(min(self._frontier.size + AT_ONCE, size))
            if self._progress:
                self._progress(self._frontier.size)
        if self._frontier.root() != self._state.frontier.root():
            raise IntegrityFailure("The ledger's entries are not as they were signed.")
        if (self._facts, self._head) != (self._state.standing.facts, self._state.head):
            raise IntegrityFailure("The ledger's facts are not as they were signed.")
        self._check_counts()
        root = self._frontier.root().hex()
        return Verified(size, self._facts, root, erased=size - self._keys)

    def _check_some(self, end: int) -> None:
        start = self._frontier.size
        rows = select(
            "SELECT e.seq, e.at, e.kind, e.fact, e.text, k.seq FROM ledger_entry e"
            " LEFT JOIN ledger_key k ON k.seq = e.seq"
            " WHERE e.seq >= %s AND e.seq < %s ORDER BY e.seq",
            [start, end],
        )
        entries, nodes = [], list[Node]()
        for number, (seq, at, kind, fact, text, key) in enumerate(rows, start):
            if seq != number:
                break
            entry = read_entry(text, seq=seq)
            if (entry.at, entry.kind, entry.fact) != (at, kind, fact or 0) or fact == 0:
                raise IntegrityFailure(f"The row of entry {seq} does not say what the entry says.")
            self._check_entry(entry)
            self._keys += key is not None
            nodes += self._frontier.append(entry.leaf)
            entries.append(entry)
        self._check_nodes(nodes)
        if self._frontier.size != end:
            raise IntegrityFailure(f"Entry {self._frontier.size} of the ledger is missing.")
        self._check_tokens(entries, start, end)

    def _check_entry(self, entry: Entry) -> None:
        try:
            spelt = spelling(entry)
        except (BadInput, TypeError, ValueError):
            spelt = b""
        if spelt != entry.text:
            raise IntegrityFailure(f"Entry {entry.seq} is not in its one spelling.")
        if entry.at < self._at:
            raise IntegrityFailure(f"Entry {entry.seq} is earlier than the one before it.")
        self._at = entry.at
        if entry.fact:
            self._facts += 1
            self._head = next_head(self._head, entry.leaf)
            if entry.fact != self._facts:
                raise IntegrityFailure(f"Entry {entry.seq} is not the next fact.")

    def _check_nodes(self, nodes: Iterable[Node]) -> None:
        levels: dict[int, list[Node]] = {}
        for node in nodes:
            levels.setdefault(node.level, []).append(node)
        for level, made in levels.items():
            stored = load_level(level, made[0].place, made[-1].place + 1)
            for node in made:
                if stored.get((level, node.place)) != node.hash:
                    first = node.place << level
                    raise IntegrityFailure(f"The ledger's tree is wrong from entry {first} on.")

    def _check_tokens(self, entries: Iterable[Entry], start: int, end: int) -> None:
        rows = select(
            "SELECT seq, token, kind, at FROM ledger_token WHERE seq >= %s AND seq < %s",
            [start, end],
        )
        said = {(one.seq, token, one.kind, one.at) for one in entries for token in one.tokens}
        if said != set(rows):
            raise IntegrityFailure(
                "The table ledger_token does not say what the ledger says, "
                f"in entries {start} to {end - 1}."
            )
        self._tokens += len(said)

    def _check_counts(self) -> None:
        """What lies beyond the entries; only if nobody wrote meanwhile can that be said."""
        note, size, entries, nodes, tokens, stray = select(COUNTS)[0]
        if note != self._state.note and (note is not None or self._state.size):
            return
        covered = self._state.size
        if (size or 0) != covered:
            raise IntegrityFailure("The table ledger_checkpoint does not say what its note says.")
        whole = 2 * covered - covered.bit_count()
        for name, found, expected in (
            ("ledger_entry", entries, covered),
            ("ledger_node", nodes, whole),
            ("ledger_token", tokens, self._tokens),
            ("ledger_key", stray, 0),
        ):
            if found != expected:
                raise IntegrityFailure(f"The table {name} has rows that belong to no entry.")
