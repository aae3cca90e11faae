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


def insert(table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Add rows of whole numbers, text, bytes and None; raises what Django's databases raise."""
    if not rows:
        return
    names = ", ".join(columns)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # Here `executemany` sends a statement for each row, which takes four times as long.
            with (
                connection.wrap_database_errors,
                cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy,
            ):
                copy.write("".join(map(_copied, rows)))
        else:
            marks = ", ".join(["%s"] * len(columns))
            cursor.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", rows)


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
        statement = f"SELECT level, place, hash FROM ledger_node WHERE {condition}"
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


def store_nodes(nodes: Sequence[Node]) -> None:
    insert("ledger_node", ("level", "place", "hash"), nodes)


def _copied(row: Sequence[Any]) -> str:
    """One line of PostgreSQL's COPY in its text format."""
    return "\t".join(map(_copied_value, row)) + "\n"


def _copied_value(value: Any) -> str:
    if value is None:
        return r"\N"
    if isinstance(value, bytes):
        return rf"\\x{value.hex()}"
    text = str(value).replace("\\", r"\\")
    return text.replace("\t", r"\t").replace("\n", r"\n").replace("\r", r"\r")
