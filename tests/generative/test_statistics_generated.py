"""DuckDB on the regenerated SQL publishes what the plain-Python oracle publishes, and no more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.statistics_oracle import From, Question, published
from tests.summed import sum_up

from commonthread.broker.lake.gate import TableShape, gate

COLUMNS = {
    "person": ("person", True),
    "area": ("text", True),
    "sort": ("integer", True),
    "cost": ("integer", True),
    "paid": ("decimal", True),
    "met": ("date", True),
}
NAMES = ("_resident", *COLUMNS)
AREAS = ("north", "south", None)


def number_between(low: int, high: int) -> st.SearchStrategy[int | None]:
    return st.one_of(st.none(), st.integers(low, high))


money = st.one_of(
    st.none(),
    st.decimals(Decimal(-30), Decimal(30), places=2),
    st.sampled_from([Decimal("999999999999999999.5"), Decimal("-0.0000000001")]),
)


@st.composite
def rows_of(draw: st.DrawFn, most: int) -> list[dict[str, Any]]:
    found = []
    alone = draw(st.booleans())  # with one row each, most cells are safe whoever stands in them
    for number in range(draw(st.sampled_from([0, 4, most, most]))):
        resident = number if alone else draw(st.integers(1, 8))
        found.append(
            {
                "_resident": resident,
                "person": resident,
                "area": draw(st.sampled_from(AREAS)),
                "sort": draw(number_between(0, 1)),
                "cost": draw(number_between(-9, 9)),
                "paid": draw(money),
                "met": None,
            }
        )
    return found


@st.composite
def questions(draw: st.DrawFn) -> Question:
    tables = [From("visit", "v")]
    if draw(st.booleans()):
        joined = draw(st.sampled_from(["person", "area", "sort"]))
        pairs = [(("v", joined), ("s", joined))]
        tables.append(From("stay", "s", draw(st.booleans()), tuple(pairs)))
    aliases = [source.alias for source in tables]
    column = st.tuples(st.sampled_from(aliases), st.sampled_from(["area", "sort"]))
    value = st.tuples(st.sampled_from(aliases), st.sampled_from(["cost", "paid"]))
    figure = st.one_of(
        st.just(("count", None)),
        st.tuples(st.just("persons"), st.tuples(st.sampled_from(aliases), st.just("person"))),
        st.tuples(st.sampled_from(["sum", "avg"]), value),
    )
    figures = tuple(draw(st.lists(figure, min_size=1, max_size=3, unique=True)))
    return Question(
        tuple(tables),
        tuple(draw(st.lists(column, max_size=2, unique=True))),
        figures,
        tuple(draw(st.lists(conditions(aliases), max_size=2))),
        tuple(
            draw(
                st.lists(
                    st.tuples(
                        st.integers(0, len(figures) - 1),
                        st.sampled_from(["=", "<>", "<", "<=", ">", ">="]),
                        st.integers(-20, 20),
                    ),
                    max_size=1,
                )
            )
        ),
    )


@st.composite
def conditions(draw: st.DrawFn, aliases: list[str]) -> tuple[tuple[str, str], str, Any]:
    alias = draw(st.sampled_from(aliases))
    sign = draw(st.sampled_from(["=", "<>", "<", "<=", ">", ">=", "in", "is null", "is not null"]))
    name, value = draw(
        st.one_of(
            st.tuples(st.just("cost"), st.integers(-5, 5)),
            st.tuples(st.just("paid"), st.sampled_from([Decimal("-1.5"), Decimal("7")])),
            st.tuples(st.just("area"), st.sampled_from(["north", "south"])),
        )
    )
    return (alias, name), sign, (value,) if sign == "in" else value


def text_of(question: Question, limit: str = "") -> str:
    """The question as an analyst writes it."""

    def name(column: tuple[str, str]) -> str:
        return f"{column[0]}.{column[1]}"

    def literal(value: Any) -> str:
        if isinstance(value, tuple):
            return f"({', '.join(literal(one) for one in value)})"
        return f"'{value}'" if isinstance(value, str) else str(value)

    shown = [f"{name(key)} as key{index}" for index, key in enumerate(question.keys)]
    for index, (kind, column) in enumerate(question.figures):
        inside = "*" if column is None else name(column)
        call = f"count(distinct {inside})" if kind == "persons" else f"{kind}({inside})"
        shown.append(f"{call} as figure{index}")
    first, *rest = question.tables
    source = f"{first.table} {first.alias}"
    for joined in rest:
        on = " and ".join(f"{name(a)} = {name(b)}" for a, b in joined.on)
        word = "left join" if joined.left else "join"
        source += f" {word} {joined.table} {joined.alias} on {on}"
    text = f"select {', '.join(shown)} from {source}"
    if question.where:
        tests = [
            f"{name(column)} {sign}" + ("" if "null" in sign else f" {literal(value)}")
            for column, sign, value in question.where
        ]
        text += f" where {' and '.join(tests)}"
    if question.keys:
        text += f" group by {', '.join(name(key) for key in question.keys)}"
    if question.having:
        tests = [f"figure{index} {sign} {value}" for index, sign, value in question.having]
        text += f" having {' and '.join(tests)}"
    return text + limit


@pytest.fixture(scope="module")
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("SET threads = 1")
        for table in ("visit", "stay"):
            connection.execute(
                f"CREATE TABLE {table} (_resident BIGINT, person BIGINT, area VARCHAR,"
                " sort BIGINT, cost BIGINT, paid DECIMAL(28, 10), met DATE)"
            )
        yield connection


def fill(engine: duckdb.DuckDBPyConnection, tables: dict[str, list[dict[str, Any]]]) -> None:
    for name, rows in tables.items():
        engine.execute(f"DELETE FROM {name}")
        if rows:
            marks = ", ".join([f"({', '.join('?' for _ in NAMES)})"] * len(rows))
            values = [row[column] for row in rows for column in NAMES]
            engine.execute(f"INSERT INTO {name} VALUES {marks}", values)
        sum_up(engine, name, COLUMNS)


def shapes(minimum: int, step: int, stay: str = "statistics") -> dict[str, TableShape]:
    counted = stay == "statistics"
    return {
        "visit": TableShape("visit", "statistics", COLUMNS, minimum, step),
        "stay": TableShape("stay", stay, COLUMNS, minimum * counted, step * counted),
    }


def answers(engine: duckdb.DuckDBPyConnection, question: Question, known: Any) -> list[Any]:
    return engine.execute(gate(text_of(question), known).sql).fetchall()


def same(got: list[Any], expected: dict[Any, Any]) -> bool:
    return sorted(got, key=repr) == sorted(
        (key + value for key, value in expected.items()), key=repr
    )


@given(st.data())
def test_duckdb_publishes_what_the_oracle_publishes(
    engine: duckdb.DuckDBPyConnection, data: st.DataObject
) -> None:
    question = data.draw(questions())
    tables = {"visit": data.draw(rows_of(30)), "stay": data.draw(rows_of(12))}
    minimum, step = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 10))
    mode = data.draw(st.sampled_from(["statistics", "rows"]))
    fill(engine, tables)
    got = answers(engine, question, shapes(minimum, step, mode))
    assert same(got, published(question, tables, minimum, step))


@given(st.data())
def test_a_cell_that_is_published_has_the_minimum_of_residents(
    engine: duckdb.DuckDBPyConnection, data: st.DataObject
) -> None:
    question = replace(data.draw(questions()), where=(), having=(), keys=(("v", "area"),))
    question = replace(question, tables=question.tables[:1], figures=(("count", None),))
    visits = data.draw(rows_of(30))
    fill(engine, {"visit": visits, "stay": []})
    for area, _ in answers(engine, question, shapes(4, 3)):
        assert len({row["_resident"] for row in visits if row["area"] == area}) >= 4


@given(st.data())
def test_the_order_is_a_function_of_what_is_published(
    engine: duckdb.DuckDBPyConnection, data: st.DataObject
) -> None:
    visits = data.draw(rows_of(30))
    sql = gate("select area, sort, count(*) n from visit group by all", shapes(2, 5)).sql
    fill(engine, {"visit": visits, "stay": []})
    first = engine.execute(sql).fetchall()
    fill(engine, {"visit": visits[::-1], "stay": []})
    assert engine.execute(sql).fetchall() == first


@given(rows_of(30), st.integers(0, 4))
def test_a_limit_takes_from_what_is_published(
    engine: duckdb.DuckDBPyConnection, visits: list[dict[str, Any]], limit: int
) -> None:
    text = "select area, sort, count(*) n from visit group by all order by n desc"
    fill(engine, {"visit": visits, "stay": []})
    everything = engine.execute(gate(text, shapes(2, 5)).sql).fetchall()
    some = engine.execute(gate(f"{text} limit {limit}", shapes(2, 5), 10).sql).fetchall()
    assert some == everything[:limit]


def rows(*several: tuple[int, int | None]) -> list[dict[str, Any]]:
    """Rows in the north: (resident, cost)."""
    blank = {"area": "north", "sort": 0, "paid": None, "met": None}
    return [{"_resident": one, "person": one, "cost": cost, **blank} for one, cost in several]


# Cases that chance seldom draws: what each rule alone makes absent.
COUNT, SUM, AVG = ("count", None), ("sum", ("v", "cost")), ("avg", ("v", "cost"))
JOINED = (From("visit", "v"), From("stay", "s", False, ((("v", "area"), ("s", "area")),)))
BY_PERSON = (From("visit", "v"), From("stay", "s", False, ((("v", "person"), ("s", "person")),)))
SIX = rows(*((resident, 1) for resident in range(1, 7)))
EXAMPLES = {
    "few residents of the joined table": (JOINED, COUNT, SIX, SIX[:3], False),
    "enough residents of the joined table": (JOINED, COUNT, SIX, SIX[:4], True),
    "few residents with a value": (
        JOINED[:1],
        SUM,
        SIX[:3] + rows((7, None), (8, None)),
        [],
        False,
    ),
    "enough residents with a value": (JOINED[:1], SUM, SIX[:4] + rows((8, None)), [], True),
    "one has most of the values": (JOINED[:1], AVG, SIX + rows(*[(9, 0)] * 7), [], False),
    "one has half of the values": (JOINED[:1], AVG, SIX + rows(*[(9, 0)] * 6), [], True),
    "one has most of the rows": (JOINED[:1], COUNT, SIX + rows(*[(9, 0)] * 7), [], False),
    "one has most of the sum": (JOINED[:1], SUM, SIX + rows((9, -7)), [], False),
    "one has most of the sum by a join": (
        BY_PERSON,
        SUM,
        SIX + rows(*((resident, 0) for resident in range(7, 200))),
        rows(*((resident, 0) for resident in range(1, 200)), *[(1, 0)] * 19),
        False,
    ),
    "one has half of the sum": (JOINED[:1], SUM, SIX + rows((9, -6)), [], True),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_rule_alone_makes_a_cell_absent(engine: duckdb.DuckDBPyConnection, name: str) -> None:
    sources, figure, visits, stays, shown = EXAMPLES[name]
    question = Question(sources, (), (figure,))
    tables = {"visit": visits, "stay": stays}
    fill(engine, tables)
    got = answers(engine, question, shapes(4, 1))
    assert same(got, published(question, tables, 4, 1))
    assert bool(got) == shown


# Worlds in which one rule alone decides. Rows are (resident, area, paid).


def small(*rows: tuple[int, str | None, str | None]) -> list[dict[str, Any]]:
    empty = {"sort": None, "cost": None, "met": None}
    return [
        {
            **empty,
            "_resident": who,
            "person": who,
            "area": area,
            "paid": None if paid is None else Decimal(paid),
        }
        for who, area, paid in rows
    ]


BY_AREA = (From("visit", "v"), From("stay", "s", False, ((("v", "area"), ("s", "area")),)))
BY_AREA_OR_NOT = (BY_AREA[0], replace(BY_AREA[1], left=True))
BY_PERSON = (From("visit", "v"), From("stay", "s", False, ((("v", "person"), ("s", "person")),)))
BY_PERSON_OR_NOT = (BY_PERSON[0], replace(BY_PERSON[1], left=True))
ROWS = (("count", None),)
PERSONS = (("persons", ("v", "person")),)
PAID = (("sum", ("v", "paid")),)
NORTH = small(*((who, "north", None) for who in range(1, 4)))

DECIDED = [
    ("one person is not counted", Question(BY_AREA[:1], (), PERSONS), NORTH[:1], [], {}),
    (
        "most persons through one resident of the other table",
        Question(BY_AREA, (), PERSONS),
        [*NORTH, *small((9, "south", None))],
        small((1, "north", None), (2, "south", None)),
        {},
    ),
    (
        "persons also through nobody",
        Question(BY_AREA_OR_NOT, (), PERSONS),
        [*NORTH, *small(*((who, "south", None) for who in range(1, 4)))],
        small((1, "north", None)),
        {(): (3,)},
    ),
    (
        "persons through two residents",
        Question(BY_AREA, (), PERSONS),
        NORTH,
        small((1, "north", None), (2, "north", None)),
        {(): (3,)},
    ),
    (
        "nobody does not dominate",
        Question(BY_PERSON_OR_NOT, (), ROWS),
        small(*((who, "north", None) for who in range(10))),
        small(*((who, "north", None) for who in range(4))),
        {(): (10,)},
    ),
    (
        "a missing area is a cell",
        Question(BY_PERSON, (("v", "area"),), ROWS),
        small(*((who, None, None) for who in range(3))),
        NORTH + small((0, None, None)),
        {(None,): (3,)},
    ),
    (
        "fractions are added before they are rounded",
        Question(BY_AREA[:1], (), PAID),
        small(*((who, None, "0.1") for who in range(3))),
        [],
        {(): (0,)},
    ),
    (
        "halves go up below zero too",
        Question(BY_AREA[:1], (), PAID),
        small((1, None, "-1.25"), (2, None, "-1.25")),
        [],
        {(): (-2,)},
    ),
]


@pytest.mark.parametrize(
    ("question", "visits", "stays", "expected"),
    [case[1:] for case in DECIDED],
    ids=[case[0] for case in DECIDED],
)
def test_one_rule_decides(
    engine: duckdb.DuckDBPyConnection,
    question: Question,
    visits: list[dict[str, Any]],
    stays: list[dict[str, Any]],
    expected: dict[Any, Any],
) -> None:
    tables = {"visit": visits, "stay": stays}
    fill(engine, tables)
    assert published(question, tables, 1, 1) == expected
    assert same(answers(engine, question, shapes(1, 1)), expected)


STEPS = ["joined", "counted", "most", "published", "doubtful", "cells0", "residents0", "t0", "m0"]


@pytest.mark.parametrize("name", STEPS)
def test_a_table_may_have_the_name_of_a_step(name: str) -> None:
    with duckdb.connect() as own:
        own.execute(f"CREATE TABLE {name} (_resident BIGINT, person BIGINT, area VARCHAR)")
        own.execute(f"INSERT INTO {name} SELECT i, i, 'north' FROM range(40) t(i)")
        columns = {"person": ("person", True), "area": ("text", True)}
        sum_up(own, name, columns)
        shape = TableShape(name, "statistics", columns, 5, 5)
        sql = f"select area as f0, count(*) as k0, count(distinct person) c from {name} group by 1"
        got = own.execute(gate(f"{sql} order by 2", {name: shape}).sql).fetchall()
        counted = gate(f"select area, count(*) n from {name} group by 1", {name: shape}).sql
        assert got == [("north", 40, 40)]
        assert own.execute(counted).fetchall() == [("north", 40)]
