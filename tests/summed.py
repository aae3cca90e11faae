"""Summaries beside a table that a test fills again and again."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb

from commonthread.broker.lake.shapes import TableShape, cells_of, most_of
from commonthread.broker.lake.summaries import add_summaries


def sum_up(
    engine: duckdb.DuckDBPyConnection, name: str, columns: Mapping[str, tuple[str, bool]]
) -> None:
    """What a worker adds beside a statistics table, in place of what is there."""
    for other in (cells_of(name), most_of(name)):
        kinds = "SELECT table_type FROM information_schema.tables WHERE table_name = ?"
        for (kind,) in engine.execute(kinds, [other]).fetchall():
            engine.execute(f'DROP {"VIEW" if kind == "VIEW" else "TABLE"} "{other}"')
    summed = TableShape(name, "statistics", columns).summed
    assert summed
    add_summaries(engine, name, summed)
