"""What the map of a person index says, in whatever order its rows stand."""

from __future__ import annotations

import contextlib
import hashlib
import json
from dataclasses import replace

import pyarrow
import pyarrow.compute

from .store import Store

# A map has a row for each record of a county: what does not fit is spilled, encrypted.
MEMORY = "400MB"
BATCH_ROWS = 50_000
COLUMNS = ("dataset", "record", "resident")
# What JSON writes as it stands.
PLAIN = r"^[ !#-\[\]-~]*$"


def content(store: Store, residents: pyarrow.Table) -> str:
    """SHA-256 of a map: of `json.dumps` of each (dataset, record, resident), in their order.

    Residents' ids are random, so it tells nothing of who is in it. Raises `KeyError` for a column
    that is not there, `TypeError` where a dataset or a record is missing.
    """
    rows, hashed = residents.select(COLUMNS), hashlib.sha256()
    if any(rows.column(name).null_count for name in COLUMNS[:2]):
        raise TypeError("a row of a map names no record")
    with contextlib.closing(replace(store, memory=MEMORY).connect()) as connection:
        connection.register("residents", rows)
        in_order = connection.execute("SELECT * FROM residents ORDER BY ALL")
        for batch in in_order.to_arrow_reader(BATCH_ROWS):
            hashed.update(_lines(batch))
    return hashed.hexdigest()


def _lines(batch: pyarrow.RecordBatch) -> bytes | memoryview:
    """The rows as JSON. Nearly all are plain text, which is put together without a look at each."""
    if not all(map(_plain, batch.columns)):
        rows = zip(*(column.to_pylist() for column in batch.columns), strict=True)
        return "".join(map(json.dumps, rows)).encode()
    first, second, third = batch.columns
    joined = pyarrow.compute.binary_join_element_wise(
        '["', first, '", "', second, '", "', third, '"]', ""
    )
    size = pyarrow.compute.sum(pyarrow.compute.binary_length(joined)).as_py()
    return memoryview(joined.buffers()[2])[:size]


def _plain(column: pyarrow.Array) -> bool:
    """Whether every value is there, and text that JSON writes as it stands."""
    if not pyarrow.types.is_string(column.type):
        return False
    matches = pyarrow.compute.match_substring_regex(column, PLAIN)
    return bool(pyarrow.compute.all(matches, skip_nulls=False).as_py())
