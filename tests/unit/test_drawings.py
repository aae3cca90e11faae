"""Drawings: whole, escaped, inside their edges, and of what was published only."""

import inspect
import json
import re
from datetime import date
from decimal import Decimal
from itertools import combinations
from typing import Any
from xml.etree import ElementTree

import pytest
from tests.stand_in_broker import REPORT

from commonthread.broker.rules.terms import Grant, GrantedColumn
from commonthread.county import report as writer
from commonthread.web.charts import MOST_MARKS, ceiling, chart, figures_of, when
from commonthread.web.drawing import cut, element, picture, wrapped
from commonthread.web.flow import Line, draw_flow
from commonthread.web.report import ERRORS_HEAD, Paragraph, Table, errors, kinds, parsed
from commonthread.web.tries import TRIES, tries

SPACE = "{http://www.w3.org/2000/svg}"
HOSTILE = '"><script>alert(1)</script>'
NAMES = {"wychshire": "Wychshire County Council", "severn-acute": "Severn Acute & Sons"}


def grant(id_: str, dataset: str = "wychshire/telecare", **changes: Any) -> Grant:
    """A grant of statistics, where nothing else is said."""
    modal = {"minimum_count": 5, "round_to": 10} if "mode" not in changes else {}
    told = {"recipients": ("wychshire/analysts",), "mode": "statistics", **modal, **changes}
    return Grant(id_, dataset, "falls", columns=(GrantedColumn("device"),), **told)


def drawings(lines: list[Line], titles: dict[str, str] | None = None) -> list[ElementTree.Element]:
    """The wide and the narrow drawing, as trees: text that is no XML fails here."""
    return trees(draw_flow(lines, titles or {}, NAMES, "What opens"))


def trees(text: str) -> list[ElementTree.Element]:
    root = f'<div xmlns="http://www.w3.org/2000/svg">{text}</div>'
    return list(ElementTree.fromstring(root))  # noqa: S314 - our own drawing


def texts(tree: ElementTree.Element) -> list[str]:
    return ["".join(each.itertext()) for each in tree.iter(f"{SPACE}text")]


def boxes(tree: ElementTree.Element) -> list[tuple[float, float, float, float]]:
    names = ("x", "y", "width", "height")
    return [tuple(float(each.attrib[name]) for name in names) for each in tree.iter(f"{SPACE}rect")]  # type: ignore[misc]


def test_text_and_attributes_are_escaped() -> None:
    drawn = element("text", [HOSTILE], fill=HOSTILE)
    assert "<script" not in drawn
    assert trees(drawn)[0].text == trees(drawn)[0].attrib["fill"] == HOSTILE


def test_a_picture_is_named_and_described() -> None:
    (tree,) = trees(picture("x", "Title", "Words", [], view_box="0 0 1 1"))
    assert tree.attrib["aria-labelledby"] == "x-title"
    assert tree.attrib["aria-describedby"] == "x-said"
    assert [child.text for child in tree] == ["Title", "Words"]


def test_lines_are_as_long_as_there_is_room() -> None:
    assert wrapped("one two three", 60, 15) == ["one two", "three"]
    assert wrapped("unbreakable", 30, 15) == ["unbr", "eaka", "ble"]
    assert cut("abcdef", 4) == "abc…"


MANY = [
    Line(grant("telecare-over-65")),
    Line(grant("attendances", "severn-acute/visits", person=True, persons="telecare-over-65")),
    Line(grant("clients", mode="rows", recipients=("wychshire/telecare-team",))),
    Line(grant("one", mode="lookup", by="device", per_day=40, needs=("training", "approval"))),
    Line(grant("both", recipients=("wychshire/analysts", "severn-acute/discharge-team"))),
]


def test_all_of_an_agreement_is_in_both_drawings() -> None:
    for tree in drawings(MANY, {"wychshire/telecare": "Assistive technology"}):
        said = " ".join(texts(tree))
        for line in MANY:
            assert line.grant.id in said
        for words in (
            "Assistive technology",
            "Severn Acute & Sons",
            "Statistics: no figure under 5, all rounded to 10",
            "Only residents in telecare-over-65",
            "One person at a time, 40 a day",
            "Needs training first Needs approval first",
            "telecare team",
            "discharge team",
        ):
            assert words in said


@pytest.mark.parametrize("count", [1, 2, 20])
def test_boxes_stand_inside_the_drawing_and_on_no_other(count: int) -> None:
    lines = [Line(grant(f"g{n}", f"wychshire/d{n % 7}")) for n in range(count)] + MANY
    for tree in drawings(lines):
        _, _, width, height = map(float, tree.attrib["viewBox"].split())
        found = boxes(tree)
        assert all(x >= 0 and y >= 0 and x + w <= width and y + h <= height for x, y, w, h in found)
        for one, other in combinations(found, 2):
            assert not overlap(one, other)


def test_what_one_partner_gives_stands_together() -> None:
    datasets = ("wychshire/a", "severn-acute/b", "wychshire/c", "severn-acute/b", "wychshire/a")
    lines = [Line(grant(f"g{n}", dataset)) for n, dataset in enumerate(datasets)]
    for tree in drawings(lines):
        said = [text for text in texts(tree) if re.fullmatch(r"g\d", text)]
        assert said == ["g0", "g4", "g2", "g1", "g3"]


def overlap(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    (x, y, w, h), (x2, y2, w2, h2) = one, other
    return x < x2 + w2 and x2 < x + w and y < y2 + h2 and y2 < y + h


def test_what_is_not_in_force_is_dashed_and_said() -> None:
    lines = [Line(grant("open")), Line(grant("closed"), open=False, agreement="ISA-2026-070")]
    for tree in drawings(lines):
        dashed = [path for path in tree.iter(f"{SPACE}path") if "stroke-dasharray" in path.attrib]
        assert len(dashed) == 2
        assert "ISA-2026-070, not in force" in texts(tree)
        assert "by closed (not in force, statistics only)" in (tree[1].text or "")


def test_a_drawing_holds_no_script_and_no_style() -> None:
    drawn = draw_flow(MANY, {"wychshire/telecare": HOSTILE}, {"wychshire": HOSTILE}, HOSTILE)
    assert not re.search(r"<script|<style|\sstyle=|\son\w+=|href", drawn)
    assert "alert(1)" in drawn


DEVICES = (("device", "text"), ("records", "integer"))


def drawn(columns: Any, rows: Any, grouping: Any = ()) -> ElementTree.Element:
    made = chart(columns, rows, grouping)
    assert made is not None and made.picture, made
    (tree,) = trees(made.picture)
    return tree


def test_bars_are_as_long_as_their_figures_and_say_them() -> None:
    tree = drawn(DEVICES, [("pendant", 1_204), ("bed-sensor", 301), (None, 0)])
    assert texts(tree) == ["pendant  1,204", "bed-sensor  301", "missing  0"]
    widths = [each.attrib["width"] for each in tree.iter(f"{SPACE}rect")]
    assert widths[1::2] == ["100.00%", "25.00%", "0.00%"]


MONTHS = (("arrived", "text"), ("visits", "integer"))


def test_times_are_a_line_in_order_that_is_broken_where_a_month_is_left_out() -> None:
    rows = [("2026-03", 5), ("2025-12", 10), ("2026-01", 15), ("2026-05", 5), ("2026-06", 5)]
    tree = drawn(MONTHS, rows)
    points = [each[0].text for each in tree.iter(f"{SPACE}circle")]
    assert points == ["Dec 2025: 10", "Jan 2026: 15", "Mar 2026: 5", "May 2026: 5", "Jun 2026: 5"]
    joined = [each for each in tree.iter(f"{SPACE}line") if each.attrib["stroke-width"] == "3"]
    assert len(joined) == 2


@pytest.mark.parametrize(
    "times",
    [[2024, 2025, 2026], [date(2026, 1, 5), date(2026, 1, 12), date(2026, 1, 19)]],
    ids=["years", "weeks"],
)
def test_years_and_days_are_times_too(times: list[Any]) -> None:
    rows = [(time, place) for place, time in enumerate(times)]
    tree = drawn((("born", ""), ("records", "integer")), rows, ["born"])
    assert len(list(tree.iter(f"{SPACE}circle"))) == 3
    assert "Line chart" in (tree[1].text or "")


def test_the_highest_and_the_lowest_of_many_points_are_written() -> None:
    rows = [(f"2025-{month:02}", month * 11) for month in range(1, 13)]
    said = texts(drawn(MONTHS, rows))
    assert {"11", "132"} <= set(said)
    assert "66" not in said


def test_two_categories_are_bars_in_groups() -> None:
    columns = (("district", "text"), ("active", "boolean"), ("records", "integer"))
    rows = [("North", True, 4), ("South", True, 2), ("North", False, 1)]
    tree = drawn(columns, rows)
    assert texts(tree) == [
        "district: North",
        "active: yes  4",
        "active: no  1",
        "district: South",
        "active: yes  2",
    ]
    colours = [each.attrib["fill"] for each in tree.iter(f"{SPACE}rect")][1::2]
    assert colours[0] == colours[2] != colours[1]


@pytest.mark.parametrize("marks", [MOST_MARKS, MOST_MARKS + 1])
def test_more_than_forty_figures_are_not_drawn(marks: int) -> None:
    made = chart(DEVICES, [(f"d{n}", n) for n in range(marks)], ())
    assert made is not None
    assert bool(made.picture) == (marks <= MOST_MARKS)
    assert bool(made.instead) == (marks > MOST_MARKS)


@pytest.mark.parametrize(
    ("columns", "rows"),
    [
        (DEVICES, [("pendant", 3)]),
        (DEVICES, [("pendant", 3), ("pendant", 4)]),
        (DEVICES, [("pendant", -3), ("bed-sensor", 4)]),
        (DEVICES, [("pendant", None), ("bed-sensor", 4)]),
        (DEVICES, [("pendant", float("nan")), ("bed-sensor", 4.0)]),
        ((("device", "text"), ("outcome", "text")), [("a", "b"), ("c", "d")]),
        ((("person", "person"), ("visits", "integer")), [(1, 2), (2, 3)]),
        ((("device", ""), ("visits", ""), ("mean", "")), [("a", 2, 3), ("b", 3, 4)]),
        ((("a", ""), ("b", ""), ("c", ""), ("n", "")), [("a", "b", "c", 1), ("a", "b", "d", 1)]),
    ],
    ids=[
        "one-row",
        "twice",
        "negative",
        "one-figure",
        "no-number",
        "no-figure",
        "person",
        "two",
        "three-groups",
    ],
)
def test_what_is_no_figure_by_groups_is_not_drawn(columns: Any, rows: Any) -> None:
    assert chart(columns, rows, ()) is None


def test_a_granted_column_of_numbers_says_which_group() -> None:
    columns = (("alarms_90d", "integer"), ("records", "integer"))
    rows = [(3, 10), (0, 20)]
    assert figures_of(columns, rows, ()) is None
    found = figures_of(columns, rows, ["alarms_90d"])
    assert found is not None and found.title == "records by alarms 90d"


def test_a_chart_says_nothing_that_was_not_published() -> None:
    rows = [("pendant", Decimal("12.50")), ("bed-sensor", Decimal("3"))]
    tree = drawn(DEVICES, rows)
    numbers = re.findall(r"\d+(?:\.\d+)?", " ".join(tree.itertext()))
    assert set(numbers) == {"12.5", "3"}


def test_names_in_an_answer_are_escaped() -> None:
    columns = ((HOSTILE, "text"), ("records", "integer"))
    made = chart(columns, [(HOSTILE, 3), ("b", 4)], ())
    assert made is not None and made.picture
    assert "<script" not in made.picture
    assert len(trees(made.picture)) == 1


@pytest.mark.parametrize(
    ("value", "top"), [(0, 1), (0.07, 0.08), (3, 3), (7, 8), (110, 120), (1_000, 1_000)]
)
def test_an_axis_ends_at_the_next_round_number(value: float, top: float) -> None:
    assert ceiling(value) == pytest.approx(top)


@pytest.mark.parametrize("value", ["2026-13", "2026", "65-69", True, 12, None, 3.5])
def test_what_is_no_time_is_none(value: Any) -> None:
    assert when(value) is None


def test_a_report_is_read_into_its_parts() -> None:
    title, intro, sections = parsed(REPORT)
    assert title == "A county that does not exist"
    assert [span for block in intro for span in block.spans] == [
        ("", "2,000 residents, seed 1. Nobody in it is real.")
    ]
    headings = [section.heading for section in sections]
    assert headings == ["What happened", "How partners record it", "The answer key"]
    key = sections[2].blocks[0]
    assert isinstance(key, Table)
    assert key.labelled[0][3] == ("Size", "2.1")


def test_errors_are_summed_over_all_datasets() -> None:
    _, _, sections = parsed(REPORT)
    assert [len(one.errors) for one in errors(sections)] == [2, 2, 0]
    old_name, typing = kinds(sections, REPORT)
    assert (old_name.total.text, old_name.worst) == (
        "11.6%, 5 of 43",
        "severn-acute/emergency-attendance",
    )
    assert typing.meaning == "a slip of the keys"
    assert typing.total.text == "0.8%, 263 of 34,186"


@pytest.mark.parametrize(
    "report",
    [
        "",
        "|",
        "| a |",
        "| a | b |\n|---|---|\n| 1 |",
        "## \n\n## x",
        "**a",
        "![x](y)",
        "| a |\n" * 9,
    ],
)
def test_any_text_is_a_report(report: str) -> None:
    _, _, sections = parsed(report)
    assert list(errors(sections)) == []
    assert kinds(sections, report) == []


def test_spans_keep_every_word() -> None:
    _, intro, _ = parsed("say **this** and `that` now")
    assert intro == (
        Paragraph(
            (("", "say "), ("strong", "this"), ("", " and "), ("code", "that"), ("", " now"))
        ),
    )


def test_the_errors_are_found_by_the_heading_that_the_report_gives_them() -> None:
    written = "\n".join(writer._table(ERRORS_HEAD, [("a/b", "3", "append", "typing 1 of 3")]))
    _, _, sections = parsed(f"## Errors\n\n{written}\n")
    assert [one.dataset for one in errors(sections)] == ["a/b"]
    source = inspect.getsource(writer.report)
    assert json.dumps(ERRORS_HEAD)[1:-1] in source


def test_what_to_try_needs_its_persona_and_its_agreement() -> None:
    assert len(TRIES) == 6
    everyone, everything = {one.member for one in TRIES}, {one.agreement for one in TRIES}
    assert tries(everyone, everything) == list(TRIES)
    assert [one.id for one in tries(["a.reed"], everything)] == ["count"]
    assert tries(everyone, []) == []


@pytest.mark.parametrize("one", TRIES, ids=lambda one: one.id)
def test_what_to_try_begins_on_a_page(one: Any) -> None:
    assert one.address.startswith("/")
