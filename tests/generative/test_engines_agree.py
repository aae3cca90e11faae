"""DuckDB's extract is the reference engine's, whatever the contract, the rows and the grant."""

import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from factories import PURPOSE, REFERENCE, County, dataset, grant, signed
from hypothesis import given
from hypothesis import strategies as st
from stored import Lake, Rows, multiset

from commonthread.broker.rules.filters import truth
from commonthread.broker.rules.treatments import TREATMENTS, fits, record_text
from commonthread.broker.rules.views import GrantView

OURS, THEIRS = "wychshire/ours", "severn-acute/theirs"
ODD_TEXT = [
    "",
    " ",
    "o'Neill; --",
    'say "hello"',
    "Zoë",
    "Zoe\u0308",
    "straße",
    "İ",
    "\U0001f9f5",
    "\ue000",
    "a\nb\tc",
    "NULL",
    "None",
    "%_\\",
    "SW1A 1AA",
    "wr1\t2ab",
    "WR1",
    "wr12 3",
    "B1 1BB ",
    "ＷＲ１",
    "WR1 2AB\n",
    "K1 2AB",
    "\u017f1 2AB",
]


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


VALUES: dict[str, st.SearchStrategy[Any]] = {
    "text": st.sampled_from(ODD_TEXT)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6),
    "integer": st.integers(-3, 3) | st.integers(-(2**63), 2**63 - 1),
    "decimal": st.sampled_from(
        [Decimal("0"), Decimal("-0.1"), Decimal("1.10"), Decimal("0.0000000001"), Decimal(10**17)]
    )
    | st.decimals(-(10**18) + 1, 10**18 - 1, places=10),
    "boolean": st.booleans(),
    "date": st.sampled_from([date(1936, 2, 29), date(2026, 1, 1), date(1, 1, 1)]) | st.dates(),
    "timestamp": st.sampled_from(
        [moment("2025-01-01T00:00:00"), moment("2024-02-29T23:59:59.999999")]
    )
    | st.datetimes(moment("1000-01-01T00:00:00")),
}
OPERATORS = ["=", "!=", "<", "<=", ">", ">="]
KEYS = st.integers(0, 12)


def literal(kind: str) -> st.SearchStrategy[Any]:
    """What a filter may compare a column of this type with."""
    if kind == "decimal":
        return st.sampled_from(["0", "-0.1", "1.1", "0.0000000001", 7])
    if kind == "integer":
        return st.integers(-3, 3)
    if kind == "boolean":
        return st.booleans()
    if kind == "date":
        return st.sampled_from(["1936-02-29", "2026-01-01", "2000-06-15"])
    if kind == "timestamp":
        return st.sampled_from(["2025-01-01", "2024-02-29T23:59:59", "2000-06-15"])
    return st.sampled_from(
        ["", "o'Neill; --", 'say "hello"', "Zoë", "straße", "\U0001f9f5", "\ue000", "SW1A 1AA", "b"]
    )


@st.composite
def comparisons(draw: st.DrawFn, columns: Mapping[str, str]) -> Any:
    name = draw(st.sampled_from(sorted(columns)))
    kind = columns[name]
    if kind != "boolean" and draw(st.booleans()):
        return [name, "in", draw(st.lists(literal(kind), min_size=1, max_size=3))]
    operators = ["=", "!="] if kind == "boolean" else OPERATORS
    return [name, draw(st.sampled_from(operators)), draw(literal(kind))]


def filters(columns: Mapping[str, str]) -> st.SearchStrategy[Any]:
    return st.recursive(
        comparisons(columns),
        lambda inner: (
            st.builds(lambda part: {"not": part}, inner)
            | st.builds(lambda parts: {"and": parts}, st.lists(inner, min_size=1, max_size=3))
            | st.builds(lambda parts: {"or": parts}, st.lists(inner, min_size=1, max_size=3))
        ),
        max_leaves=4,
    )


@st.composite
def rows_of(draw: st.DrawFn, columns: Mapping[str, str]) -> list[dict[str, Any]]:
    """Rows whose key repeats now and then, whose other columns are missing now and then."""
    row = st.fixed_dictionaries(
        {
            name: VALUES[kind] if name == "ref" else st.none() | VALUES[kind]
            for name, kind in columns.items()
        }
    )
    rows = draw(st.lists(row, max_size=8))
    for extra in rows:
        if draw(st.booleans()):
            extra.update(draw(st.sampled_from(rows)) | {"ref": extra["ref"]})
    return rows


@st.composite
def grants(draw: st.DrawFn, id_: str, name: str, columns: Mapping[str, str]) -> dict[str, Any]:
    shown = []
    for column in draw(st.lists(st.sampled_from(sorted(columns)), max_size=4)):
        treatment = draw(
            st.sampled_from([item for item in TREATMENTS if fits(item, columns[column])])
        )
        as_at = {"as_at": draw(st.sampled_from(["2026-01-01", "2000-02-29", "1936-02-28"]))}
        shown.append(
            {
                "name": column,
                "treatment": treatment,
                "as": f"c{len(shown)}",
                **(as_at if treatment == "age-band" else {}),
            }
        )
    rows = {"rows": draw(filters(columns))} if draw(st.booleans()) else {}
    return grant(id_, name, shown, person="pseudonym", **rows)


@dataclass(frozen=True)
class Case:
    """A grant over `OURS`, whose `persons` may name one over `THEIRS`, and all that it rests on."""

    columns: dict[str, str]
    grants: tuple[dict[str, Any], dict[str, Any]]
    ours: tuple[list[dict[str, Any]], ...]
    theirs: list[dict[str, Any]]
    own_id: bool
    residents: dict[tuple[str, str], str | None]
    objections: tuple[tuple[str, str], ...]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    kinds = st.sampled_from(sorted(VALUES))
    columns = {"ref": draw(kinds), "own": draw(kinds)}
    columns |= {f"v{index}": draw(kinds) for index in range(draw(st.integers(0, 4)))}
    ours = tuple(draw(st.lists(rows_of(columns), min_size=1, max_size=2)))
    theirs = draw(rows_of(columns))
    first = draw(grants("first", OURS, columns))
    mode = draw(st.sampled_from(["rows", "lookup"]))
    if mode == "lookup":
        by = draw(st.sampled_from(["person", "ref", "own"]))
        first |= {"mode": "lookup", "by": by, "per_day": 5}
    second = draw(grants("second", THEIRS, columns))
    if draw(st.booleans()):
        first["persons"] = "second"
    records = [(OURS, record_text([row["ref"]])) for rows in ours for row in rows]
    records += [(THEIRS, record_text([row["ref"]])) for row in theirs]
    records.append((OURS, "7:nowhere"))
    chosen = draw(st.lists(st.sampled_from(records), unique=True))
    who = st.sampled_from(["R1", "R2", "R3"])
    return Case(
        columns=columns,
        grants=(first, second),
        ours=ours,
        theirs=theirs,
        own_id=draw(st.booleans()),
        residents={record: draw(who) for record in chosen},
        objections=tuple(draw(st.lists(st.sampled_from(records), max_size=2, unique=True))),
    )


def arranged(case: Case, home: Path) -> tuple[County, Lake]:
    identity = {"own_id": "own"} if case.own_id else {}
    tables = [
        dataset("wychshire", "ours", case.columns, identity=identity, delivery="append"),
        dataset("severn-acute", "theirs", case.columns, identity=identity),
    ]
    county, lake = signed(tables, case.grants), Lake(home)
    for rows in case.ours:
        lake.deposit(county, OURS, rows)
    lake.deposit(county, THEIRS, case.theirs)
    lake.link(county, case.residents)
    for name, record in case.objections:
        county.object(name, record, [f"{REFERENCE}/{PURPOSE}"])
    return county, lake


@given(cases())
def test_the_extract_is_what_the_reference_says_and_shows_nothing_else(case: Case) -> None:
    with tempfile.TemporaryDirectory() as home:
        county, lake = arranged(case, Path(home))
        view = county.grant_view("first")
        extract = lake.extracts.ensure(view)
        rows = lake.rows(extract)
        check_nothing_outside_the_grant(case, view, rows)
        assert multiset(rows) == multiset(lake.reference(view))
        assert extract.rows == len(rows)


def check_nothing_outside_the_grant(case: Case, view: GrantView, rows: Rows) -> None:
    """The first property, without either engine's idea of it: by names, and by the filter alone."""
    hidden = {record for name, record in case.objections if name == OURS}
    opened = [
        row
        for part in case.ours
        for row in part
        if truth(view.grant.rows, row, view.contract) is True
        and record_text([row["ref"]]) not in hidden
    ]
    asked_by = {"_by"} if view.grant.by not in ("", "person") else set()
    for row in rows:
        assert set(row) == set(view.columns) | {"_resident"} | asked_by
    for column in view.grant.columns:
        if column.treatment == "plain":
            shown = Counter(row[column.exposed] for row in rows)
            assert shown <= Counter(row[column.name] for row in opened)
