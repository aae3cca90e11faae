"""The normal form of statistics: each way out of it is refused by its own reason."""

from __future__ import annotations

import pytest

from commonthread.broker.lake.gate import Gated, TableShape, gate
from commonthread.broker.rules.errors import Refused

COLUMNS = {
    "person": ("person", True),
    "area": ("text", True),
    "cost": ("integer", True),
    "paid": ("decimal", True),
    "year": ("integer", False),
    "code": ("pseudonym", False),
    "met": ("date", True),
    "seen": ("timestamp", True),
    "open": ("boolean", True),
}
VISIT = TableShape("visit", "statistics", COLUMNS, 10, 5)
STAY = TableShape("stay", "statistics", COLUMNS, 20, 10)
LIST = TableShape("list", "rows", COLUMNS)
NAMELESS = TableShape("nameless", "statistics", {"area": ("text", True)}, 10, 5)
SHAPES = {shape.name: shape for shape in (VISIT, STAY, LIST, NAMELESS)}
GROUPED = "select area, count(*) n from visit group by area"

REFUSED = [
    ("a named sub-query", "with a as (select area from visit) select count(*) from a", "query"),
    ("a union", "select count(*) from visit union all select 1", "query"),
    ("a sub-query in FROM", "select count(*) from (select area from visit) q", "query"),
    (
        "a sub-query in WHERE",
        "select count(*) from visit where cost in (select cost from stay)",
        "query",
    ),
    ("exists", "select count(*) from visit where exists (select 1 from stay)", "query"),
    ("a scalar sub-query", "select (select count(*) from visit)", "query"),
    ("distinct", "select distinct area from visit group by area", "distinct"),
    ("a window", "select count(*) over () from visit", "window"),
    ("qualify", "select area from visit group by area qualify row_number() over () = 1", "window"),
    ("a table twice", "select count(*) from visit a join visit b on a.area = b.area", "self-join"),
    ("one name twice", "select count(*) from visit a join stay a on a.area = a.area", "from"),
    ("a right join", "select count(*) from visit v right join stay s on v.area = s.area", "join"),
    ("a full join", "select count(*) from visit v full join stay s on v.area = s.area", "join"),
    ("a product", "select count(*) from visit v, stay s", "join"),
    ("a join by an order", "select count(*) from visit v join stay s on v.cost < s.cost", "on"),
    (
        "or in ON",
        "select count(*) from visit v join stay s on v.area = s.area or v.cost = s.cost",
        "on",
    ),
    ("not in ON", "select count(*) from visit v join stay s on not v.area = s.area", "on"),
    ("a literal in ON", "select count(*) from visit v join stay s on v.area = 'x'", "on"),
    ("one side in ON", "select count(*) from visit v join stay s on s.cost = s.year", "on"),
    ("a computed ON", "select count(*) from visit v join stay s on v.cost = s.cost + 1", "on"),
    ("types in ON", "select count(*) from visit v join stay s on v.area = s.cost", "on"),
    (
        "person equal to another",
        "select count(*) from visit v join stay s on v.person = s.code",
        "person",
    ),
    ("person shown", "select person, count(*) from visit group by person", "person"),
    ("person grouped", "select count(*) from visit group by person", "person"),
    ("person compared", "select count(*) from visit where person = 17", "person"),
    ("person tested for null", "select count(*) from visit where person is null", "person"),
    ("person in a list", "select count(*) from visit where person in (1, 2)", "person"),
    ("person in order", f"{GROUPED} order by person", "person"),
    ("person in having", f"{GROUPED} having person = 3", "person"),
    ("person summed", "select sum(person) from visit", "person"),
    ("or in WHERE", "select count(*) from visit where cost = 1 or cost = 2", "filter"),
    ("not in WHERE", "select count(*) from visit where not cost = 1", "filter"),
    ("not in a list", "select count(*) from visit where cost not in (1)", "filter"),
    ("a computed WHERE", "select count(*) from visit where cost + 1 = 2", "filter"),
    ("two columns in WHERE", "select count(*) from visit where cost = year", "filter"),
    ("like", "select count(*) from visit where area like 'x%'", "filter"),
    ("a bare flag", "select count(*) from visit where open", "filter"),
    (
        "a case in WHERE",
        "select count(*) from visit where case when cost = 1 then true end",
        "filter",
    ),
    ("a cast in WHERE", "select count(*) from visit where cast(area as int) = 1", "filter"),
    ("a number for a text", "select count(*) from visit where area = 1", "literal"),
    ("a text for a number", "select count(*) from visit where cost = 'x'", "literal"),
    ("a fraction for a whole", "select count(*) from visit where cost = 1.5", "literal"),
    ("a large number", "select count(*) from visit where cost = 99999999999999999999", "literal"),
    ("many digits", "select count(*) from visit where paid = 0.00000000001", "literal"),
    ("no date", "select count(*) from visit where met = 'soon'", "literal"),
    (
        "a time with a zone",
        "select count(*) from visit where seen = '2026-01-01T00:00+01:00'",
        "literal",
    ),
    ("a number for a flag", "select count(*) from visit where open = 1", "literal"),
    ("null as a literal", "select count(*) from visit where cost = null", "filter"),
    ("an expression shown", "select count(*) * 2 from visit", "expression"),
    ("a literal shown", "select 1, count(*) from visit", "expression"),
    ("a star shown", "select * from visit", "expression"),
    ("a case shown", "select case when count(*) > 1 then 1 end from visit", "expression"),
    ("a cast shown", "select cast(count(*) as text) from visit", "expression"),
    ("a computed sum", "select sum(cost + 1) from visit", "expression"),
    ("a case in a sum", "select sum(case when cost = 1 then 1 end) from visit", "expression"),
    ("a sum of distinct values", "select sum(distinct cost) from visit", "expression"),
    ("a filtered figure", "select count(*) filter (where cost = 1) from visit", "figure"),
    ("the greatest", "select max(cost) from visit", "figure"),
    ("the least", "select min(cost) from visit", "figure"),
    ("a median", "select median(cost) from visit", "figure"),
    ("a quantile", "select quantile_cont(cost, 0.9) from visit", "figure"),
    ("any value", "select any_value(area) from visit", "expression"),
    ("a text of all", "select string_agg(area, ',') from visit", "figure"),
    ("a count of a column", "select count(cost) from visit", "count"),
    ("a count of other things", "select count(distinct area) from visit", "count"),
    ("a count of a number", "select count(1) from visit", "count"),
    ("a count of two", "select count(distinct person, area) from visit", "count"),
    ("a sum of text", "select sum(area) from visit", "sum"),
    ("a sum of a treated column", "select sum(year) from visit", "sum"),
    ("a sum of a pseudonym", "select avg(code) from visit", "sum"),
    ("a column not grouped by", "select area, cost, count(*) from visit group by area", "group"),
    ("an expression grouped by", "select count(*) from visit group by cost + 1", "group"),
    ("a figure grouped by", "select count(*) from visit group by 1", "group"),
    ("no such position", "select count(*) from visit group by 7", "position"),
    ("having a hidden column", f"{GROUPED} having cost > 3", "published"),
    ("having an expression", f"{GROUPED} having n + 1 > 3", "having"),
    ("having two figures", f"{GROUPED} having n > sum(cost)", "having"),
    ("having the greatest", f"{GROUPED} having max(cost) > 3", "figure"),
    ("order by a hidden column", f"{GROUPED} order by cost", "published"),
    ("order by an expression", f"{GROUPED} order by n * 2", "order"),
    (
        "a column of two",
        "select area, count(*) from visit v join stay s on v.cost = s.cost group by 1",
        "ambiguous",
    ),
    (
        "person of two",
        "select count(distinct person) from visit v join stay s on v.person = s.person",
        "ambiguous",
    ),
]


@pytest.mark.parametrize(
    ("sql", "code"), [(sql, code) for _, sql, code in REFUSED], ids=[name for name, *_ in REFUSED]
)
def test_is_refused_with_one_reason(sql: str, code: str) -> None:
    with pytest.raises(Refused) as caught:
        gate(sql, SHAPES)
    assert [reason.code for reason in caught.value.reasons] == [f"statistics-{code}"]


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("select count(*) from visit group by cube (area)", "gate-node"),
        ("select count(*) from visit group by rollup (area)", "gate-node"),
        ("select area, _resident, count(*) from visit group by all", "gate-name"),
        ("select count(*) from visit where v._resident = 3", "gate-name"),
        ("select sum(salary) from visit", "gate-column"),
        ("select count(distinct person) from nameless", "gate-column"),
    ],
)
def test_the_gate_holds_before_the_normal_form(sql: str, code: str) -> None:
    with pytest.raises(Refused) as caught:
        gate(sql, SHAPES)
    assert [reason.code for reason in caught.value.reasons] == [code]


@pytest.mark.parametrize(
    "sql",
    [
        "select count(*) from visit",
        "select area, count(*), count(distinct person), sum(cost), avg(paid) from visit group by 1",
        "select area a, count(*) n from visit group by a having n > 3 order by n desc, a limit 3",
        "select area, code, year from visit group by 1, 2, 3",
        "select count(*) from visit where cost in (1, -2) and paid <= 1.5 and area <> 'x''y'",
        "select count(*) from visit where 3 < cost and (cost between 1 and 7) and open = true",
        "select count(*) from visit where met >= date '2026-01-01' and met < '2026-02-01'",
        "select count(*) from visit where seen > '2026-01-01 12:00' and code = '123'",
        "select count(*) from visit where area is null and cost is not null",
        "select count(distinct v.person) from visit v left join stay s on v.person = s.person",
        "select area, count(*) from visit join stay using (area) group by area",
        "select v.area from visit v join list l on l.area = v.area and v.cost = l.cost group by 1",
        "select area from visit group by area having count(*) > 3.5 or sum(cost) in (1, 2)",
        "select area from visit group by area having area in ('x', 'y') and avg(cost) is not null",
        "select area, count(*) from visit group by area order by 2 desc nulls first offset 2",
    ],
)
def test_is_answered(sql: str) -> None:
    assert gate(sql, SHAPES, 10).mode == "statistics"


def published(sql: str) -> Gated:
    return gate(sql, SHAPES)


def test_the_largest_minimum_holds_for_every_table() -> None:
    sql = published("select count(*) from visit v join stay s on v.person = s.person").sql
    assert "_cells0.c >= 20 AND _cells1.c >= 20" in sql


def test_a_rows_table_is_held_to_the_minimum_of_the_others() -> None:
    sql = published("select count(*) from list l join visit v on v.person = l.person").sql
    assert "_cells0.c >= 10 AND _cells1.c >= 10" in sql


def test_the_columns_of_the_answer_are_told() -> None:
    gated = published("select area, code, avg(cost) mean, count(*) from visit group by all")
    assert gated.columns == (
        ("area", "text"),
        ("code", "pseudonym"),
        ("mean", "number"),
        ("count", "integer"),
    )


def test_a_pseudonym_that_is_grouped_by_is_marked() -> None:
    assert published("select code, count(*) from visit group by 1").pseudonyms == {"code"}


def test_no_literal_of_another_type_reaches_the_engine() -> None:
    sql = published("select count(*) from visit where paid < 3 and met > '2026-01-01'").sql
    assert "CAST('3.0000000000' AS DECIMAL(38, 10))" in sql
    assert "CAST('2026-01-01' AS DATE)" in sql


def test_the_smaller_limit_holds() -> None:
    assert gate(f"{GROUPED} limit 3", SHAPES, 10).sql.endswith("LIMIT 3")


def test_ties_are_ordered_by_the_grouping_columns() -> None:
    sql = published(f"{GROUPED} order by n desc").sql
    assert "ORDER BY _published.f0 DESC NULLS LAST, _published.k0 ASC" in sql
