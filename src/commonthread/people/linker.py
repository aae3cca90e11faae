"""Which records are of one resident: Splink on an in-memory DuckDB, then average linkage.

- Datasets are linked and deduplicated at once: all records stand in one table.
- Rows of one dataset with the same `own_id` are of one resident for sure.
- Missing or badly formed identity values are evidence neither for nor against.
- The same sources and seed give the same groups.
- Nothing is written to disk, and no error or log line holds a value out of the data.

This is the only module that knows Splink.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import duckdb
import pyarrow as pa

from commonthread.broker.rules.contracts import EARLIEST_BIRTH_YEAR, ROLES
from commonthread.broker.rules.errors import BadInput, CommonthreadError
from commonthread.broker.rules.treatments import record_text

from . import cleaning, model
from .clusters import Edge, cluster

Progress = Callable[[str], None]

COLUMNS = (
    "given",
    "family",
    "given_sound",
    "family_sound",
    "born",
    "sex",
    "postcode",
    "sector",
    "outward",
    "area",
    "address",
    "nhs",
)
ROWS = pa.schema([("dataset", pa.string()), ("record", pa.string()), ("cluster", pa.int64())])
# A key shared by more records than this proposes no pairs: half a hospital born on 1 January 1970
# would be compared with itself. Tighter keys still do.
LARGEST_BLOCK = 100
U_PAIRS = 2e6
# Pairs under this weight are not handed to clustering, where they count as UNWEIGHED.
FLOOR = -10.0
# The mean weight at which two groups join, for this many records: 3 is odds of eight to one. More
# records make more chance likenesses, so each tenfold asks for one more.
THRESHOLD = 3.0
THRESHOLD_SIZE = 100_000
THRESHOLD_STEP = 1.0
LEAST_THRESHOLD = 2.0
LEAST_PAIRS = 200
SHIFT_STEPS = 5
MOST_SHIFT = 4.0
MEMORY = "2GB"


class LinkFailed(CommonthreadError):
    """The engine could not link; its own words may hold data and are not repeated."""


@dataclass(frozen=True, slots=True)
class Source:
    """One dataset to link: the columns of its key, which column plays which role, and its rows."""

    dataset: str
    key_columns: tuple[str, ...]
    roles: Mapping[str, str]
    table: pa.Table
    earliest_birth_year: int = EARLIEST_BIRTH_YEAR

    def __post_init__(self) -> None:
        if set(self.roles) - set(ROLES):
            raise BadInput("A source names an identity role that is not known.")
        if not self.key_columns:
            raise BadInput("A source needs a key.")
        if {*self.key_columns, *self.roles.values()} - set(self.table.column_names):
            raise BadInput("A source lacks a column that its key or its roles name.")

    def values(self, role: str) -> list[Any]:
        column = self.roles.get(role)
        if column is None:
            return [None] * self.table.num_rows
        return list(self.table.column(column).to_pylist())

    def records(self) -> list[str]:
        """The text of each record's key, in the order of the rows."""
        return list(map(record_text, zip(*self._keys(), strict=True)))

    def _keys(self) -> list[list[Any]]:
        return [self.table.column(name).to_pylist() for name in self.key_columns]


@dataclass(frozen=True, slots=True)
class Linked:
    """`rows`: dataset, record, cluster; one row per record, in the order of the sources."""

    rows: pa.Table
    report: dict[str, Any] = field(default_factory=dict)

    def named(self, residents: Sequence[str]) -> pa.Table:
        """The same rows with a resident's id each, in place of the number of the cluster."""
        kept = self.rows.select(["dataset", "record"])
        return kept.append_column("resident", pa.array(residents, pa.string()))


@dataclass(frozen=True, slots=True)
class Node:
    """Rows of one dataset that say the same of who they are about; compared once."""

    dataset: int
    own_id: str | None
    values: tuple[str | None, ...]


def link(sources: Sequence[Source], *, seed: int = 1, progress: Progress | None = None) -> Linked:
    """The clusters of all records of `sources`, each held to be of one resident."""
    say = progress or (lambda stage: None)
    started = time.monotonic()
    _no_engine_logs()
    say("reading identities")
    nodes, placed = _nodes(sources)
    threshold = threshold_for(len(nodes))
    pairs = _weigh(nodes, seed, say)
    say("grouping records into residents")
    found = cluster(len(nodes), pairs, threshold, _same_own_id(nodes))
    numbers: dict[int, int] = {}
    clusters = [numbers.setdefault(found[node], len(numbers)) for node in placed]
    rows = _rows(sources, clusters)
    return Linked(
        rows,
        {
            "records": rows.num_rows,
            "clusters": len(numbers),
            "pairs": sum(weight >= threshold for _, _, weight in pairs),
            "datasets": _per_dataset(sources, clusters),
            "threshold": round(threshold, 3),
            "seconds": round(time.monotonic() - started, 3),
        },
    )


def threshold_for(count: int) -> float:
    """The mean weight at which groups join among `count` nodes."""
    size = max(count, 1) / THRESHOLD_SIZE
    return max(LEAST_THRESHOLD, THRESHOLD + THRESHOLD_STEP * math.log10(size))


def _no_engine_logs() -> None:
    # Splink's messages name columns and figures only, but a county's log is no place for them.
    logger = logging.getLogger("splink")
    logger.setLevel(logging.CRITICAL)


def _rows(sources: Sequence[Source], clusters: list[int]) -> pa.Table:
    datasets = [source.dataset for source in sources for _ in range(source.table.num_rows)]
    records = [record for source in sources for record in source.records()]
    return pa.table([datasets, records, clusters], schema=ROWS)


def _per_dataset(sources: Sequence[Source], clusters: list[int]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    first = 0
    for source in sources:
        own = clusters[first : first + source.table.num_rows]
        found[source.dataset] = {"records": len(own), "clusters": len(set(own))}
        first += len(own)
    return found


def _nodes(sources: Sequence[Source]) -> tuple[list[Node], list[int]]:
    """The distinct nodes, and for each record the place of its node.

    Equal rows are one node only where they say enough: two rows with no more than a sex are not.
    """
    nodes: list[Node] = []
    places: dict[Node, int] = {}
    placed = []
    for number, source in enumerate(sources):
        own_ids = cleaning.each(cleaning.own_id, source.values("own_id"))
        for own_id, values in zip(own_ids, _cleaned(source), strict=True):
            node = Node(number, own_id, values)
            place = places.get(node)
            if place is None:
                place = len(nodes)
                nodes.append(node)
                if own_id is not None or _says_who(values):
                    places[node] = place
            placed.append(place)
    return nodes, placed


def _says_who(values: tuple[str | None, ...]) -> bool:
    said = dict(zip(COLUMNS, values, strict=True))
    names = said["given"] is not None and said["family"] is not None
    return said["nhs"] is not None or (names and said["born"] is not None)


def _cleaned(source: Source) -> Iterator[tuple[str | None, ...]]:
    """The COLUMNS of each record."""
    latest = datetime.now(UTC).year

    def born(value: Any) -> str | None:
        return cleaning.born(value, source.earliest_birth_year, latest)

    clean = cleaning.each
    given, family = _names(source)
    postcode = clean(cleaning.postcode, source.values("postcode"))
    return zip(
        given,
        family,
        clean(cleaning.sound, given),
        clean(cleaning.sound, family),
        clean(born, source.values("date_of_birth")),
        clean(cleaning.sex, source.values("sex")),
        postcode,
        clean(cleaning.sector, postcode),
        clean(cleaning.outward, postcode),
        clean(cleaning.squeezed, source.values("area")),
        clean(cleaning.squeezed, source.values("address")),
        clean(cleaning.nhs_number, source.values("nhs_number")),
        strict=True,
    )


def _names(source: Source) -> tuple[list[str | None], list[str | None]]:
    """Given and family name; where both are missing, out of the full name."""
    given = cleaning.each(cleaning.name, source.values("given_name"))
    family = cleaning.each(cleaning.name, source.values("family_name"))
    full = cleaning.each(cleaning.names_of, source.values("full_name"))
    for place, parts in enumerate(full):
        if parts is not None and given[place] is None and family[place] is None:
            given[place], family[place] = parts
    return given, family


def _same_own_id(nodes: list[Node]) -> list[tuple[int, int]]:
    first: dict[tuple[int, str], int] = {}
    return [
        (first.setdefault((node.dataset, node.own_id), place), place)
        for place, node in enumerate(nodes)
        if node.own_id is not None
    ]


def _weigh(nodes: list[Node], seed: int, say: Progress) -> list[Edge]:
    """The match weight of each pair that a blocking rule proposes, sorted."""
    filled = {
        column
        for place, column in enumerate(COLUMNS)
        if sum(node.values[place] is not None for node in nodes) > 1
    }
    if not filled & {comparison.name for comparison in model.COMPARISONS}:
        return []
    connection = _locked(nodes)
    try:
        say("learning how records differ")
        learnt = _learn(connection, model.settings(filled), len(nodes), seed)
        say("comparing records")
        return _predict(connection, learnt, len(nodes))
    except duckdb.Error:
        raise LinkFailed("The records could not be compared: the engine failed.") from None
    finally:
        connection.close()


def _locked(nodes: list[Node]) -> duckdb.DuckDBPyConnection:
    """A database in memory with the cleaned records and keys, that can reach nothing else."""
    connection = duckdb.connect(":memory:", config={"memory_limit": MEMORY, "threads": 2})
    connection.execute("SET enable_progress_bar = false; SET temp_directory = ''")
    columns = zip(*(node.values for node in nodes), strict=True)
    table = pa.table(
        [
            pa.array(range(len(nodes)), pa.int64()),
            pa.array([node.dataset for node in nodes], pa.int32()),
            *(pa.array(column, pa.string()) for column in columns),
        ],
        names=["node", "dataset", *COLUMNS],
    )
    connection.register("arrived", table)
    connection.execute("CREATE TABLE cleaned AS FROM arrived")
    connection.unregister("arrived")
    connection.execute(f"CREATE TABLE people AS {_keyed()}")
    connection.execute(
        "SET enable_external_access = false; SET python_enable_replacements = false; "
        "SET lock_configuration = true"
    )
    return connection


def _keyed() -> str:
    keys = ", ".join(f"{sql} AS {key}" for key, sql in model.KEYS.items())
    capped = ", ".join(
        f"CASE WHEN count(*) OVER (PARTITION BY {key}) <= {LARGEST_BLOCK} THEN {key} END AS {key}"
        for key in model.KEYS
    )
    return f"WITH k AS (SELECT *, {keys} FROM cleaned) SELECT * REPLACE ({capped}) FROM k"  # noqa: S608


def _learn(
    connection: duckdb.DuckDBPyConnection, settings: model.Settings, count: int, seed: int
) -> model.Settings:
    """The settings with what the data teach, and the defaults where they teach nothing."""
    if count < model.LEAST_TO_LEARN:
        return model.untaught(settings)
    settings = {**settings, "probability_two_random_records_match": _prior(connection, count)}
    linker = _linker(connection, settings)
    linker.training.estimate_u_using_random_sampling(max_pairs=U_PAIRS, seed=seed, num_chunks=1)
    strangers: model.Settings = linker.misc.save_model_to_json()
    taught = model.sane(settings, strangers, [], count)
    lessons = [
        lesson
        for columns in model.TRAINING
        if _count(connection, columns) >= LEAST_PAIRS
        for lesson in _lesson(connection, taught, columns)
    ]
    return model.sane(settings, strangers, lessons, count)


def _lesson(
    connection: duckdb.DuckDBPyConnection, settings: model.Settings, columns: Sequence[str]
) -> Iterator[model.Settings]:
    """The comparisons as expectation maximisation sees them among pairs that share `columns`."""
    from splink.internals.exceptions import EMTrainingException

    # A linker of its own, for a session that fails leaves its linker without comparisons.
    linker = _linker(connection, settings)
    try:
        linker.training.estimate_parameters_using_expectation_maximisation(model.equal(*columns))
    except (EMTrainingException, ValueError):  # no pairs, or a probability that ran to nought
        return
    learnt: model.Settings = linker.misc.save_model_to_json()
    free = [part for part in learnt["comparisons"] if part["output_column_name"] not in columns]
    yield {**learnt, "comparisons": free}


def _linker(connection: duckdb.DuckDBPyConnection, settings: model.Settings) -> Any:
    # Here and not above: Splink takes a second to import, and most commands never link.
    from splink import DuckDBAPI, Linker

    people = DuckDBAPI(connection=connection).register("people")
    return Linker(people, settings, log_level=None, validate_settings=False)


def _prior(connection: duckdb.DuckDBPyConnection, count: int) -> float:
    """The share of all pairs that are of one person, from the pairs that surely are."""
    sure = _count(connection, model.SURE)
    pairs = count * (count - 1) / 2
    return min(max(sure / model.SURE_RECALL, 1.0) / max(pairs, 2.0), 0.5)


def _count(connection: duckdb.DuckDBPyConnection, columns: Sequence[str]) -> int:
    """How many pairs agree on all of `columns`, leaving out the largest blocks."""
    filled = " AND ".join(f"{column} IS NOT NULL" for column in columns)
    sql = (
        "SELECT coalesce(sum(n * (n - 1) // 2), 0)::BIGINT FROM (SELECT count(*) AS n FROM people "  # noqa: S608
        f"WHERE {filled} GROUP BY {', '.join(columns)}) WHERE n <= {LARGEST_BLOCK}"
    )
    return int(connection.execute(sql).fetchall()[0][0])


def _predict(
    connection: duckdb.DuckDBPyConnection, settings: model.Settings, count: int
) -> list[Edge]:
    """Splink's weights, with what no sum of weights can see: twins, and parent and child."""
    pairs = _linker(connection, settings).inference.predict(threshold_match_weight=FLOOR)
    weighed = connection.execute(
        f"SELECT node_l, node_r, {model.WEIGHT} AS weight FROM {pairs.physical_name} "  # noqa: S608
        f"JOIN ({_side('l')}) USING (node_l) JOIN ({_side('r')}) USING (node_r) ORDER BY ALL"
    ).to_arrow_table()
    left, right, weights = (column.to_pylist() for column in weighed.columns)
    prior = settings["probability_two_random_records_match"]
    shift = _shift(weights, prior, count) if count >= model.LEAST_TO_LEARN else 0.0
    return [
        (one, other, weight + shift)
        for one, other, weight in zip(left, right, weights, strict=True)
    ]


def _shift(weights: list[float], prior: float, count: int) -> float:
    """What all weights gain once the prior is what the weights themselves make of it.

    The sure pairs are too few where dates or names are dirty; the sum of the probabilities says how
    many pairs of one person there are. Fixed steps, and bounds, for it to settle.
    """
    odds = [2.0 ** min(weight, 60.0) for weight in weights]
    base, shift = math.log2(prior / (1 - prior)), 0.0
    for _ in range(SHIFT_STEPS):
        factor = 2.0**shift
        expected = math.fsum(odd * factor / (1 + odd * factor) for odd in odds)
        share = min(max(expected, 1.0) / max(count * (count - 1) / 2, 2.0), 0.5)
        shift = min(max(math.log2(share / (1 - share)) - base, -MOST_SHIFT), MOST_SHIFT)
    return shift


def _side(side: str) -> str:
    columns = ", ".join(f"{column} AS {column}_{side}" for column in ("node", "dataset", *COLUMNS))
    return f"SELECT {columns} FROM cleaned"  # noqa: S608
