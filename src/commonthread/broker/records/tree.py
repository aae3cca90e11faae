"""The stored tree: complete nodes by level and place, read in few statements."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from django.db import connection

from commonthread.broker.rules.errors import IntegrityFailure
from commonthread.broker.rules.ledger import HASH_BYTES, Frontier, Node, NodeAt

Proof = TypeVar("Proof")
NodeKey = tuple[int, int]
# SQLite takes a thousand conditions in one statement at most.
AT_ONCE = 400


def select(statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """All rows of one statement, on this thread's connection."""
    with connection.cursor() as cursor:
        cursor.execute(statement, list(values))
        return list(cursor.fetchall())


def with_nodes(
    work: Callable[[NodeAt], Proof], known: Mapping[NodeKey, bytes] | None = None
) -> Proof:
    """What `work` makes of stored nodes: it runs once to say which, then with all of them."""
    wanted: list[NodeKey] = []

    def asked(level: int, place: int) -> bytes:
        wanted.append((level, place))
        return bytes(HASH_BYTES)

    work(asked)
    held = known or {}
    found = {**held, **load_nodes(key for key in wanted if key not in held)}

    def given(level: int, place: int) -> bytes:
        try:
            return found[level, place]
        except KeyError:
            raise IntegrityFailure("The ledger's tree lacks a node.") from None

    return work(given)


def frontier_at(size: int) -> Frontier:
    """The stored tree's right edge when it had that many entries."""
    return with_nodes(partial(Frontier.load, size))


def load_nodes(keys: Iterable[NodeKey]) -> dict[NodeKey, bytes]:
    unique, found = sorted(set(keys)), dict[NodeKey, bytes]()
    for start in range(0, len(unique), AT_ONCE):
        some = unique[start : start + AT_ONCE]
        condition = " OR ".join(["(level = %s AND place = %s)"] * len(some))
        statement = f"SELECT level, place, hash FROM ledger_node WHERE {condition}"  # noqa: S608
        rows = select(statement, [number for key in some for number in key])
        found |= {(level, place): bytes(hash_) for level, place, hash_ in rows}
    return found


def load_level(level: int, first: int, end: int) -> dict[NodeKey, bytes]:
    """The nodes of one level from place `first` up to, not including, `end`."""
    rows = select(
        "SELECT place, hash FROM ledger_node WHERE level = %s AND place >= %s AND place < %s",
        [level, first, end],
    )
    return {(level, place): bytes(hash_) for place, hash_ in rows}


def store_nodes(nodes: Iterable[Node]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO ledger_node (level, place, hash) VALUES (%s, %s, %s)",
            [(node.level, node.place, node.hash) for node in nodes],
        )
