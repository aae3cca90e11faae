"""Hostile questions: the corpus, and what a grammar makes of it, through the gate into DuckDB.

A question passes when it is refused, or when what DuckDB then runs holds no canary in row or error,
reads nothing but granted tables and calls nothing but listed functions, as DuckDB's own parser sees
it. And statistics are played as a game: two worlds that differ only in what is under the minimum in
both must answer alike, or an analyst could tell them apart.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.hostile import CANARY, Grammar
from tests.summed import sum_up

from commonthread.broker.lake.gate import Gated, TableShape, gate
from commonthread.broker.rules.errors import BadInput, Refused

Scale = Callable[[int, int], int]
PERSON = TableShape(
    "person",
    "rows",
    {
        "person_id": ("pseudonym", False),
        "surname": ("text", True),
        "district": ("text", True),
        "sex": ("text", True),
        "dob": ("integer", True),
        "k": ("integer", True),
    },
)
# What DuckDB may call: functions of the list as its own parser names them, operators among them;
# typeof and octet_length are how the length of what is not a column is written out.
CALLED = frozenset(
    (
        *("+", "-", "*", "/", "//", "%", "||", "~~", "!~~", "~~*", "!~~*", "abs", "ceil"),
        *("floor", "round", "trunc", "sqrt", "lower", "upper", "length", "substring", "concat"),
        *("concat_ws", "replace", "contains", "starts_with", "regexp_matches"),
        *("regexp_replace", "coalesce", "year", "date_trunc", "count", "count_star", "sum"),
        *("avg", "min", "max", "median", "mode", "stddev", "quantile_cont", "any_value"),
        *(
            "first",
            "listagg",
            "typeof",
            "octet_length",
            "row_number",
            "rank",
            "lag",
            "lead",
            "power",
            "left",
            "right",
        ),
        *("not", "isnull"),
    )
)


@pytest.fixture(scope="module")
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    """A worker's memory, with a table beside it that no grant opens."""
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE person AS SELECT (i * 7919)::BIGINT AS person_id, 'N' || i AS surname,"
            " 'd' || (i % 3) AS district, CASE WHEN i % 2 = 0 THEN 'F' ELSE 'M' END AS sex,"
            " 1940 + i % 50 AS dob, i % 7 AS k, 4242424242 + i AS _resident,"
            f" '{CANARY}' || i AS _by FROM range(60) t(i)"
        )
        connection.execute(f"CREATE TABLE hidden_src AS SELECT '{CANARY}1' AS nhs_no")
        connection.execute(
            "SET memory_limit = '200MB'; SET threads = 1; SET lock_configuration = true"
        )
        yield connection


def gated(sql: str) -> Gated | None:
    try:
        return gate(sql, {"person": PERSON}, 50)
    except (Refused, BadInput) as error:
        assert CANARY not in str(error)
        return None


def run(engine: duckdb.DuckDBPyConnection, sql: str) -> str:
    try:
        return repr(engine.execute(sql).fetchall())
    except duckdb.Error as error:
        return f"error {error}"


def test_the_corpus_leaves_no_canary(
    engine: duckdb.DuckDBPyConnection, shared: Path, tmp_path: Path
) -> None:
    corpus = json.loads((shared / "attacks" / "queries.json").read_text())
    (tmp_path / "secret.txt").write_text(CANARY)
    for attack in corpus:
        found = gated(attack["sql"].replace("{D}", str(tmp_path)))
        answer = run(engine, found.sql) if found else ""
        # An attacker's own text may come back to him; the marked rows and columns may not.
        assert CANARY not in answer.replace("CANARYROW", ""), attack["id"]
        assert "42424242" not in answer, attack["id"]
    assert [path.name for path in tmp_path.iterdir()] == ["secret.txt"]


def test_only_inference_on_granted_rows_passes_the_gate(shared: Path, tmp_path: Path) -> None:
    corpus = json.loads((shared / "attacks" / "queries.json").read_text())
    passed = {
        attack["aims_to"] for attack in corpus if gated(attack["sql"].replace("{D}", str(tmp_path)))
    }
    assert passed == {"infer a hidden row"}


def test_ordinary_questions_have_the_answer_of_the_text_as_it_was_typed(
    engine: duckdb.DuckDBPyConnection, shared: Path
) -> None:
    for sql in json.loads((shared / "attacks" / "ordinary.json").read_text()):
        # The two hidden columns are not the analyst's, so the typed text runs without them.
        typed = sql.replace("select * ", "select * exclude (_resident, _by) ")
        typed = typed.replace("select p.* ", "select p.* exclude (_resident, _by) ")
        got = engine.execute(gate(sql, {"person": PERSON}, 100).sql).fetchall()
        expected = engine.execute(typed).fetchall()
        if "order by" in sql or "limit" in sql:
            assert len(got) == len(expected), sql
        else:
            assert sorted(got, key=repr) == sorted(expected, key=repr), sql


def named_by_duckdb(tree: Any) -> Iterator[tuple[str, str]]:
    """("table" | "function" | "star" | "column", name) of each node, as DuckDB parses it."""
    if isinstance(tree, list):
        for part in tree:
            yield from named_by_duckdb(part)
    elif isinstance(tree, dict):
        kind = str(tree.get("type"))
        if kind == "BASE_TABLE":
            yield "table", f"{tree['schema_name']}{tree['table_name']}"
        elif kind == "TABLE_FUNCTION":
            yield "table function", kind
        elif kind == "COLUMN_REF":
            yield "column", tree["column_names"][-1]
        elif kind == "STAR":
            yield "star", kind
        elif "function_name" in tree:
            yield "function", tree["function_name"]
        for part in tree.values():
            yield from named_by_duckdb(part)


def faults(engine: duckdb.DuckDBPyConnection, sql: str) -> set[tuple[str, str]]:
    row = engine.execute("SELECT json_serialize_sql(?)", [sql]).fetchone()
    assert row is not None
    tree = json.loads(row[0])
    if tree["error"]:
        # The engine's own parser does not take it either: nothing of it runs.
        assert run(engine, sql).startswith("error Parser Error"), sql
        return set()
    assert len(tree["statements"]) == 1
    allowed = {"table": {"person", "a"}, "function": CALLED}
    return {
        (kind, name)
        for kind, name in named_by_duckdb(tree)
        if kind in ("star", "table function")
        or (kind in allowed and name not in allowed[kind])
        or (kind == "column" and name in ("_resident", "_by", "nhs_no", "rowid"))
    }


def test_generated_hostile_questions_leave_no_canary(
    engine: duckdb.DuckDBPyConnection, scale: Scale
) -> None:
    rounds = scale(500, 100_000)
    passed = 0
    for seed in range(rounds):
        sql = Grammar(seed).statement()
        found = gated(sql)
        if found is None:
            continue
        passed += 1
        assert faults(engine, found.sql) == set(), (seed, found.sql)
        answer = run(engine, found.sql)
        assert CANARY not in answer, (seed, found.sql)
        assert "42424242" not in answer, (seed, found.sql)
    # A gate that refuses everything would pass as well.
    assert passed > rounds // 50


# The game

VISIT = {
    "person": ("person", True),
    "area": ("text", True),
    "sort": ("integer", True),
    "cost": ("integer", True),
    "paid": ("decimal", True),
}
MINIMUM = 5
QUESTIONS = (
    "select area, count(*) n from visit group by area",
    "select area, count(*) n, sum(cost), avg(paid) from visit group by 1 order by n desc, 2",
    "select area, sort, count(distinct person) n from visit group by all having n > 0 order by n",
    "select area, sum(paid) s from visit where cost > 0 group by area having s <> 3 limit 2",
    "select count(*) from visit where area = 'hidden'",
    "select sum(cost), avg(cost) from visit where area in ('hidden', 'other')",
    "select v.area, count(*) from visit v join stay s on v.person = s.person group by 1",
    "select v.area, count(distinct s.person) from visit v left join stay s on v.area = s.area"
    " group by 1 order by 1 nulls first",
    "select area, avg(paid) a from visit group by area order by a desc limit 1 offset 1",
    "select sort, count(*) from visit where area = 'hidden' group by sort having count(*) < 9",
)


def hidden_rows(chance: random.Random) -> list[tuple[Any, ...]]:
    """Rows of fewer residents than the minimum, in areas that nobody else is in."""
    most = 999_999_999_999_999_999
    people = range(100, 100 + chance.randint(0, MINIMUM - 1))
    return [
        (
            person,
            person,
            chance.choice(["hidden", "other"]),
            chance.choice([0, 1, None]),
            chance.choice([-(2**63), 2**63 - 1, 0, 7, None]),
            chance.choice([None, "0.0000000001", f"-{most}.5", f"{most}.9999999999"]),
        )
        for person in people
        for _ in range(chance.randint(1, 4))
    ]


def world(engine: duckdb.DuckDBPyConnection, shown: list[Any], hidden: list[Any]) -> None:
    for table in ("visit", "stay"):
        engine.execute(f"DELETE FROM {table}")
        rows = shown + hidden
        marks = ", ".join(["(?, ?, ?, ?, ?, ?)"] * len(rows))
        engine.execute(
            f"INSERT INTO {table} VALUES {marks}", [value for row in rows for value in row]
        )
        sum_up(engine, table, VISIT)


@pytest.fixture
def counted() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("SET threads = 2")
        for table in ("visit", "stay"):
            connection.execute(
                f"CREATE TABLE {table} (_resident BIGINT, person BIGINT, area VARCHAR,"
                " sort BIGINT, cost BIGINT, paid DECIMAL(28, 10))"
            )
        yield connection


def test_two_worlds_that_differ_under_the_minimum_answer_alike(
    counted: duckdb.DuckDBPyConnection, scale: Scale
) -> None:
    shapes = {name: TableShape(name, "statistics", VISIT, MINIMUM, 3) for name in ("visit", "stay")}
    statements = [gate(text, shapes, 10).sql for text in QUESTIONS]
    chance = random.Random(2026)
    rounds = scale(200, 40_000)
    played = answered = 0
    while played < rounds:
        shown = [
            (i, i, f"a{i % 3}", i % 2, chance.randint(-5, 50), f"{chance.randint(0, 99)}.5")
            for i in range(1, 60)
        ]
        answers: list[list[str]] = []
        for _ in range(2):
            world(counted, shown, hidden_rows(chance))
            answers.append([run(counted, sql) for sql in statements])
        played += len(statements)
        answered += sum(len(answer) > 2 for answer in answers[0])
        assert answers[0] == answers[1]
        assert not any(answer.startswith("error") for answer in answers[0])
    assert answered > rounds // 2
