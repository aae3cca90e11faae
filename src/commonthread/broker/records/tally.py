"""How many entries of a kind carry a token since a time: what limits rest on.

Counted from the entries themselves, proven against the signed root: whoever could delete rows of
the token table would otherwise buy another look-up. Entries are read once and kept as long as the
widest window that anybody asked for.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator

from commonthread.broker.rules.errors import IntegrityFailure
from commonthread.broker.rules.ledger import Frontier

from .entries import read_entry
from .replay import State
from .tree import frontier_at, select
from .values import Entry

AT_ONCE = 2_000
# Beyond so many times kept, those before the window that is asked for are let go.
MOST_KEPT = 300_000


class Tally:
    """Times by kind and token, of all entries from `_floor` on; safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._forget()

    def count(self, kind: str, token: str, since: str, state: State) -> int:
        """Entries of the kind with the token at `since` or later, in the ledger as `state` has it.

        Times are text as in the entries.
        """
        with self._lock:
            try:
                if self._floor is None or since < self._floor:
                    self._start(since, state)
                if self._frontier.size < state.size:
                    self._extend(state)
                if self._kept > MOST_KEPT:
                    self._let_go(since)
            except BaseException:
                self._forget()
                raise
            times = self._times.get((kind, token), [])
            return len(times) - bisect_left(times, since)

    def _forget(self) -> None:
        self._floor: str | None = None
        self._kept = 0
        self._frontier = Frontier()
        self._times: dict[tuple[str, str], list[str]] = defaultdict(list)

    def _start(self, since: str, state: State) -> None:
        """Begin at the entry before the window, which shows that nothing in it is left out."""
        self._forget()
        rows = select("SELECT min(seq) FROM ledger_entry WHERE at >= %s", [since])
        first = state.size if rows[0][0] is None else int(rows[0][0])
        start = max(min(first, state.size) - 1, 0)
        self._frontier, self._floor = frontier_at(start), since
        for number, entry in enumerate(self._read(state.size)):
            if number == 0 and start > 0 and entry.at >= since:
                raise IntegrityFailure(
                    "The times of the ledger's rows are not those of its entries."
                )
            self._note(entry)
        self._check(state)

    def _extend(self, state: State) -> None:
        for entry in self._read(state.size):
            self._note(entry)
        self._check(state)

    def _read(self, end: int) -> Iterator[Entry]:
        while self._frontier.size < end:
            start = self._frontier.size
            rows = select(
                "SELECT seq, text FROM ledger_entry WHERE seq >= %s AND seq < %s ORDER BY seq",
                [start, min(start + AT_ONCE, end)],
            )
            if not rows:
                raise IntegrityFailure(f"Entry {start} of the ledger is missing.")
            for seq, text in rows:
                if seq != self._frontier.size:
                    raise IntegrityFailure(f"Entry {self._frontier.size} of the ledger is missing.")
                entry = read_entry(text, seq=seq)
                self._frontier.append(entry.leaf)
                yield entry

    def _note(self, entry: Entry) -> None:
        if self._floor is not None and entry.at >= self._floor:
            self._kept += len(entry.tokens)
            for token in entry.tokens:
                self._times[entry.kind, token].append(entry.at)

    def _let_go(self, since: str) -> None:
        if self._floor == since:
            return
        kept = {name: times[bisect_left(times, since) :] for name, times in self._times.items()}
        self._times.clear()
        self._times.update((name, times) for name, times in kept.items() if times)
        self._kept = sum(map(len, self._times.values()))
        self._floor = since

    def _check(self, state: State) -> None:
        if self._frontier.root() != state.frontier.root():
            raise IntegrityFailure("Entries of the ledger are not as they were signed.")
