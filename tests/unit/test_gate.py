"""The gate: what is refused and why, and what the regenerated SQL says."""

from __future__ import annotations

import pytest

from commonthread.broker.lake.gate import Gated, TableShape, gate, tables_of
from commonthread.broker.rules.errors import BadInput, Refused

PERSON = TableShape(
    "person",
    "rows",
    {
        "person": ("person", True),
        "person_id": ("pseudonym", False),
        "surname": ("text", True),
        "district": ("text", True),
        "born": ("date", True),
        "k": ("integer", True),
    },
)
VISIT = TableShape("visit", "rows", {"person": ("person", True), "k": ("integer", True)})
FILE = TableShape("file", "lookup", {"k": ("integer", True)})
SHAPES = {"person": PERSON, "visit": VISIT, "file": FILE}

REFUSED = [
    ("two statements", "select 1; select 2", "gate-statement"),
    ("a statement behind a comment", "select * from person; -- \n select 1", "gate-statement"),
    ("no SELECT", "delete from person", "gate-statement"),
    ("a copy", "copy (select * from person) to 'x.csv'", "gate-statement"),
    ("nothing shown", "select /* /* */ k from hidden /* */ */", "gate-statement"),
    ("values", "(values (1))", "gate-statement"),
    ("a control character", "select 1\0", "gate-text"),
    ("much text", f"select '{'x' * 20_001}'", "gate-size"),
    ("many brackets", f"select {'(' * 60}1{')' * 60}", "gate-size"),
    ("a long chain", f"select {'not ' * 200}true", "gate-size"),
    ("many words", f"select {', '.join('1' for _ in range(3000))}", "gate-size"),
    (
        "a long list",
        f"select k in ({', '.join('1' for _ in range(1500))}) from person",
        "gate-size",
    ),
    (
        "many joins",
        "select 1 from visit a " + " ".join(f"join visit b{i} on a.k = b{i}.k" for i in range(7)),
        "gate-size",
    ),
    ("many unions", " union all ".join(["select k from person"] * 12), "gate-size"),
    (
        "many named queries",
        "with " + ", ".join(f"c{i} as (select 1 a)" for i in range(11)) + " select 1",
        "gate-size",
    ),
    ("a file as a table", "select * from 'x.parquet'", "gate-name"),
    ("a quoted path", 'select * from "a/b.csv"', "gate-name"),
    ("a kept name", "select _resident from person", "gate-name"),
    ("a kept name, quoted", 'select "_RESIDENT" from person', "gate-name"),
    ("another kept name", "select p._by from person p", "gate-name"),
    ("a kept name as alias", "select k as _k from person", "gate-name"),
    (
        "a sub-query named as a table",
        "with person as (select 1 a) select * from visit",
        "gate-name",
    ),
    (
        "a sub-query that hides a table",
        "with person as (select k from person) select k from person join visit using (k)",
        "gate-name",
    ),
    ("a function of files", "select * from read_csv('x')", "gate-table"),
    ("a function that makes rows", "select * from range(10)", "gate-table"),
    ("an unknown function", "select hash(k) from person", "gate-function"),
    ("the environment", "select getenv('HOME')", "gate-function"),
    ("a setting", "select current_setting('threads')", "gate-function"),
    ("the version", "select version()", "gate-function"),
    ("a function that no interrupt stops", "select repeat('x', 9)", "gate-function"),
    ("a padding function", "select lpad(surname, 9, 'x') from person", "gate-function"),
    ("a list", "select list(k) from person", "gate-function"),
    ("a clock", "select current_date", "gate-function"),
    ("dice", "select random()", "gate-function"),
    ("chosen columns", "select columns('.*') from person", "gate-function"),
    ("an error on purpose", "select error(surname) from person", "gate-function"),
    ("a subscript", "select surname[1] from person", "gate-node"),
    ("a parameter", "select $1", "gate-node"),
    ("a question mark", "select ?", "gate-node"),
    ("a position", "select #1 from person", "gate-node"),
    ("an operator read otherwise", "select surname ~ 'x' from person", "gate-node"),
    ("an escaped string", "select e'x'", "gate-node"),
    ("a lateral query", "select 1 from person, lateral (select 1)", "gate-node"),
    ("a whole row", "select p from person p", "gate-node"),
    ("a whole row inside a count", "select count(p) from person p", "gate-node"),
    ("a star without some", "select * exclude (k) from person", "gate-part"),
    ("a star with others", "select * replace (1 as k) from person", "gate-part"),
    ("a natural join", "select k from person natural join visit", "gate-part"),
    ("a positional join", "select 1 from person positional join visit", "gate-part"),
    ("a union by name", "select k from person union by name select k from visit", "gate-part"),
    ("a sample", "select k from person using sample 3", "gate-part"),
    ("recursion", "with recursive a as (select 1 b) select b from a", "gate-part"),
    ("a database", "select * from main.person", "gate-part"),
    ("a lock", "select k from person for update", "gate-part"),
    ("another version", "select * from person at (version => 1)", "gate-part"),
    ("a percentage", "select k from person limit 10 percent", "gate-part"),
    ("a star in a count", "select count(p.*) from person p", "gate-star"),
    ("a semi join", "select k from person p semi join visit v on p.k = v.k", "gate-join"),
    ("a product", "select 1 from person, visit", "gate-join"),
    ("a cross join", "select 1 from person cross join visit", "gate-join"),
    ("a join on true", "select 1 from person join visit on true", "gate-join"),
    ("a join on itself", "select 1 from person p join visit v on p.k = p.k", "gate-join"),
    ("a join on either", "select 1 from person p join visit v on p.k = v.k or true", "gate-join"),
    ("a computed limit", "select k from person limit (select 1)", "gate-limit"),
    ("an odd type", "select cast(k as blob) from person", "gate-type"),
    ("a table not granted", "select * from hidden", "gate-table"),
    (
        "a table not granted, deep",
        "select k from person where k in (select k from hidden)",
        "gate-table",
    ),
    ("a column not granted", "select nhs_no from person", "gate-column"),
    ("a column not granted, in order", "select k from person order by nhs_no", "gate-column"),
    ("a column not granted, in having", "select k as p from person having nhs_no", "gate-column"),
    ("an order inside a union", "select k from person order by k union select 1", "gate-part"),
    ("a column of the engine", "select rowid from person", "gate-column"),
    ("a column of two", "select k from person p join visit v on p.k = v.k", "gate-ambiguous"),
    ("a table of another mode", "select k from file", "gate-mode"),
]


@pytest.mark.parametrize(
    ("sql", "code"), [(sql, code) for _, sql, code in REFUSED], ids=[name for name, *_ in REFUSED]
)
def test_is_refused_with_one_reason(sql: str, code: str) -> None:
    with pytest.raises(Refused) as caught:
        gate(sql, SHAPES)
    assert [reason.code for reason in caught.value.reasons] == [code]


@pytest.mark.parametrize("sql", ["", "select from where", "select 'x", "select (1"])
def test_what_is_no_sql_is_bad_input(sql: str) -> None:
    with pytest.raises(BadInput):
        gate(sql, SHAPES)


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("select * form person", "line 1, column 15"),
        ("select k\nfrom person\nwhere surname = 'zebra' an k", "line 3, column 25"),
        ("select (1", "line 1, column 9"),
        ("select k from person where surname = 'zebra", "a quote or a comment in it is not closed"),
        (" -- zebra", "The query is empty"),
    ],
)
def test_what_is_no_sql_is_told_by_its_place_and_never_by_its_text(sql: str, said: str) -> None:
    with pytest.raises(BadInput) as caught:
        gate(sql, SHAPES)
    assert said in str(caught.value)
    assert "zebra" not in str(caught.value)


@pytest.mark.parametrize(
    "sql",
    [
        "select zebra from person",
        "select * from zebra",
        "select zebra('zebra')",
        "select k as zebra from person limit (select zebra)",
        "select 'zebra' ~ 'zebra'",
        "select zebra zebra zebra",
    ],
)
def test_no_message_repeats_what_was_typed(sql: str) -> None:
    with pytest.raises((Refused, BadInput)) as caught:
        gate(sql, SHAPES)
    assert "zebra" not in str(caught.value)


def rows(sql: str, limit: int | None = None) -> Gated:
    return gate(sql, SHAPES, limit)


def test_columns_are_named_with_their_table() -> None:
    assert (
        rows("SELECT K FROM Person").sql == 'SELECT "person"."k" AS "k" FROM "person" AS "person"'
    )


def test_a_star_is_the_granted_columns() -> None:
    assert [name for name, _ in rows("from person").columns] == list(PERSON.columns)


def test_comments_go_no_further() -> None:
    assert "hello" not in rows("select /* hello */ k -- hello\n from person").sql


def test_a_limit_asks_for_one_more_row() -> None:
    assert rows("select k from person", 10).sql.endswith("LIMIT 11")


def test_a_smaller_limit_stays() -> None:
    assert rows("select k from person limit 3", 10).sql.endswith("LIMIT 3")


def test_a_larger_limit_is_cut() -> None:
    assert rows("select k from person limit 300", 10).sql.endswith("LIMIT 11")


def test_tables_of_names_each_table_once_without_sub_queries() -> None:
    sql = "with a as (select k from Visit) select a.k from a join person using (k)"
    sql += " where k in (select k from visit)"
    assert sorted(tables_of(sql)) == ["person", "visit"]


def test_tables_of_names_a_table_that_is_not_granted() -> None:
    assert tables_of("select 1 from hidden") == ("hidden",)


def test_a_text_is_written_out_as_one_text() -> None:
    assert "'it''s \\'" in rows("select surname = 'it''s \\' from person").sql


def test_outputs_without_a_name_are_named() -> None:
    columns = rows("select count(*), count(k), 1 + k from person group by 3").columns
    assert [name for name, _ in columns] == ["count", "count_2", "column"]


def test_two_outputs_of_one_name_are_told_apart() -> None:
    columns = rows("select p.k, v.k from person p join visit v on p.k = v.k").columns
    assert [name for name, _ in columns] == ["k", "k_2"]


def test_a_question_without_a_table_is_answered() -> None:
    assert rows("select 1 as one").tables == ()


@pytest.mark.parametrize(
    "item",
    [
        "person",
        "person_id",
        "max(person)",
        "coalesce(person_id, 0)",
        "case when k = 1 then person end",
        "lag(person) over (order by k)",
        "(select max(person) from visit)",
        "person + 1",
        "any_value(person)",
    ],
)
def test_what_may_hold_a_pseudonym_is_marked(item: str) -> None:
    assert rows(f"select {item} as shown from person").pseudonyms == {"shown"}


@pytest.mark.parametrize(
    "sql",
    [
        "with a as (select person as p from person) select p as shown from a",
        "select p as shown from (select max(person) as p from person) q",
        "select k as shown from person union all select person from visit",
        "select * from (select k as shown from person union select person from visit) q",
    ],
)
def test_a_pseudonym_is_marked_through_queries(sql: str) -> None:
    assert rows(sql).pseudonyms == {"shown"}


@pytest.mark.parametrize("item", ["count(person)", "count(distinct person)", "person = 3", "k"])
def test_what_holds_no_pseudonym_is_not_marked(item: str) -> None:
    assert rows(f"select {item} as shown from person").pseudonyms == frozenset()


def test_a_statistics_table_makes_the_whole_question_statistics() -> None:
    shapes = {**SHAPES, "visit": TableShape("visit", "statistics", VISIT.columns, 5, 5)}
    sql = "select count(*) from person p join visit v on p.person = v.person"
    assert gate(sql, shapes).mode == "statistics"
