"""What agreements open, drawn: datasets on the left, grants in the middle, groups on the right."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from commonthread.broker.rules.terms import Grant
from commonthread.gateway import words
from commonthread.web.drawing import (
    BRAND,
    INK,
    QUIET,
    WHITE,
    element,
    picture,
    wrapped,
    writing,
)

ROOMS, WIDTHS = ("wide", "narrow"), (960, 290)
GAP, PADDING, MARGIN = 14, 12, 2
# (left edge, width) of the three columns, with room for arrows between them; and in a narrow
# window of the three steps of a tree.
DATASETS, GRANTS, GROUPS = (MARGIN, 270), (346, 290), (710, 248)
STEPS = ((MARGIN, 286), (24, 264), (46, 242))
FILLS = {"statistics": "#e6f1f4", "rows": "#fdf3d8", "lookup": "#f0e8f4"}
CLOSED = "7 5"
SMALL, LARGE = 14, 16


@dataclass(frozen=True, slots=True)
class Line:
    """One grant to draw. `agreement` is named in it where lines of several stand together."""

    grant: Grant
    open: bool = True
    agreement: str = ""


@dataclass(slots=True)
class Box:
    """A box with its lines of text (text, bold); `top` is known once it is placed."""

    column: tuple[int, int]
    lines: list[tuple[str, bool]]
    fill: str = WHITE
    top: float = 0.0

    @property
    def height(self) -> float:
        return 2 * PADDING + sum(_leading(bold) for _, bold in self.lines) - 4

    @property
    def middle(self) -> float:
        return self.top + self.height / 2


def _leading(bold: bool) -> int:
    return 21 if bold else 18


def draw_flow(
    lines: Sequence[Line], titles: Mapping[str, str], names: Mapping[str, str], title: str
) -> SafeString:
    """The drawing twice, for a wide and a narrow window; pages.css shows the one that fits.

    `titles`: dataset → its title; `names`: partner → its name. Dashed is what is not open.
    """
    lines = _by_owner(lines)
    told = _said(lines, titles, names)
    drawn = (_wide(lines, titles, names), _narrow(lines, titles, names))
    return format_html_join(
        "",
        "{}",
        (
            (
                picture(
                    f"flow-{room}",
                    title,
                    told,
                    parts,
                    view_box=f"0 0 {width} {round(bottom + MARGIN)}",
                    **{"class": f"ct-drawing ct-drawing--{room}"},
                ),
            )
            for room, width, (parts, bottom) in zip(ROOMS, WIDTHS, drawn, strict=True)
        ),
    )


def _by_owner(lines: Sequence[Line]) -> list[Line]:
    """What one partner gives stands together, and so does what is of one dataset."""
    owners = list(dict.fromkeys(line.grant.owner for line in lines))
    datasets = list(dict.fromkeys(line.grant.dataset for line in lines))
    return sorted(
        lines,
        key=lambda line: (owners.index(line.grant.owner), datasets.index(line.grant.dataset)),
    )


def _wide(
    lines: Sequence[Line], titles: Mapping[str, str], names: Mapping[str, str]
) -> tuple[list[SafeString], float]:
    """(marks, lowest edge): each dataset beside its grants, and the groups beside theirs."""
    grants = [_grant_box(line, GRANTS) for line in lines]
    datasets: dict[str, Box] = {}
    bottom = float(MARGIN)
    for name in dict.fromkeys(line.grant.dataset for line in lines):
        box = datasets[name] = _dataset_box(name, DATASETS, titles, names)
        own = [box_ for line, box_ in zip(lines, grants, strict=True) if line.grant.dataset == name]
        height = sum(each.height + GAP for each in own) - GAP
        lane = max(height, box.height)
        box.top = bottom + (lane - box.height) / 2
        _stack(own, bottom + (lane - height) / 2)
        bottom += lane + GAP
    groups = _groups_beside(lines, grants, names)
    arrows = [
        arrow
        for line, box in zip(lines, grants, strict=True)
        for arrow in _arrows(line, box, datasets, groups)
    ]
    boxes = [*datasets.values(), *grants, *groups.values()]
    return [*arrows, *map(_drawn, boxes)], max(box.top + box.height for box in boxes)


def _groups_beside(
    lines: Sequence[Line], grants: Sequence[Box], names: Mapping[str, str]
) -> dict[str, Box]:
    """The groups at the mean height of their grants, one below the other."""
    middles: dict[str, list[float]] = {}
    for line, grant in zip(lines, grants, strict=True):
        for group in line.grant.recipients:
            middles.setdefault(group, []).append(grant.middle)
    means = {group: sum(found) / len(found) for group, found in middles.items()}
    boxes: dict[str, Box] = {}
    bottom = float(MARGIN)
    for group in sorted(means, key=lambda group: means[group]):
        box = boxes[group] = _group_box(group, GROUPS, names)
        box.top = max(bottom, means[group] - box.height / 2)
        bottom = box.top + box.height + GAP
    return boxes


def _narrow(
    lines: Sequence[Line], titles: Mapping[str, str], names: Mapping[str, str]
) -> tuple[list[SafeString], float]:
    """(marks, lowest edge): a tree, each dataset above its grants, each grant above its groups."""
    marks: list[SafeString] = []
    bottom, dataset = float(MARGIN), Box(STEPS[0], [])
    for number, line in enumerate(lines):
        if not number or line.grant.dataset != lines[number - 1].grant.dataset:
            dataset = _dataset_box(line.grant.dataset, STEPS[0], titles, names)
            bottom = _stack([dataset], bottom + (GAP if number else 0)) + GAP
            marks.append(_drawn(dataset))
        grant = _grant_box(line, STEPS[1])
        groups = [_group_box(group, STEPS[2], names) for group in line.grant.recipients]
        bottom = _stack([grant, *groups], bottom) + GAP
        marks += [_branch(dataset, grant, line.open)]
        marks += [_branch(grant, group, line.open) for group in groups]
        marks += map(_drawn, [grant, *groups])
    return marks, bottom - GAP


def _stack(boxes: Sequence[Box], top: float) -> float:
    """Place boxes one below the other from `top`; the lowest edge."""
    for box in boxes:
        box.top = top
        top += box.height + GAP
    return top - GAP


def _dataset_box(
    name: str, column: tuple[int, int], titles: Mapping[str, str], names: Mapping[str, str]
) -> Box:
    owner = name.split("/")[0]
    parts = [(names.get(owner, owner), False), (titles.get(name, name), True), (name, False)]
    return Box(column, _lines(parts, column))


def _group_box(group: str, column: tuple[int, int], names: Mapping[str, str]) -> Box:
    name, partner = words.group(group, names)
    return Box(column, _lines([(partner, False), (name, True)], column))


def _grant_box(line: Line, column: tuple[int, int]) -> Box:
    grant = line.grant
    parts = [(grant.id, True), *((said, False) for said in narrowed(grant))]
    if line.agreement:
        closed = "" if line.open else ", not in force"
        parts.insert(0, (f"{line.agreement}{closed}", False))
    return Box(column, _lines(parts, column), FILLS.get(grant.mode, WHITE))


def narrowed(grant: Grant) -> list[str]:
    """What a grant opens, in a few words a line: how, how much, and what comes first."""
    count = len(grant.columns) + grant.person
    said = [f"{count} column{'' if count == 1 else 's'}, {'some' if grant.rows else 'all'} rows"]
    if grant.mode == "statistics":
        said.insert(0, f"Statistics: no figure under {grant.minimum_count},")
        said.insert(1, f"all rounded to {grant.round_to}")
    elif grant.mode == "lookup":
        said.insert(0, f"One person at a time, {grant.per_day} a day")
    else:
        said[0] = f"Rows: {said[0]}"
    if grant.persons:
        said.append(f"Only residents in {grant.persons}")
    said += [f"Needs {need} first" for need in grant.needs]
    return said


def _lines(parts: Iterable[tuple[str, bool]], column: tuple[int, int]) -> list[tuple[str, bool]]:
    room = column[1] - 2 * PADDING
    return [
        (line, bold)
        for text, bold in parts
        for line in wrapped(text, room, LARGE if bold else SMALL, bold=bold)
    ]


def _drawn(box: Box) -> SafeString:
    x, width = box.column
    parts: list[SafeString] = [
        element(
            "rect",
            x=x,
            y=box.top,
            width=width,
            height=box.height,
            rx=4,
            fill=box.fill,
            stroke=BRAND,
            stroke_width=2,
        )
    ]
    y = box.top + PADDING - 6
    for text, bold in box.lines:
        y += _leading(bold)
        look = {"font_weight": "bold", "fill": INK} if bold else {"fill": QUIET}
        parts.append(writing(x + PADDING, y - 1, text, font_size=LARGE if bold else SMALL, **look))
    return element("g", parts)


def _arrows(
    line: Line, grant: Box, datasets: Mapping[str, Box], groups: Mapping[str, Box]
) -> Iterable[SafeString]:
    yield _arrow(datasets[line.grant.dataset], grant, line.open)
    for group in line.grant.recipients:
        yield _arrow(grant, groups[group], line.open)


def _arrow(start: Box, end: Box, is_open: bool) -> SafeString:
    x, y, to_x, to_y = sum(start.column), start.middle, end.column[0] - 2, end.middle
    bend = (to_x - x) / 2
    path = (
        f"M{x:.1f} {y:.1f}C{x + bend:.1f} {y:.1f} {to_x - bend:.1f} {to_y:.1f} "
        f"{to_x - 9:.1f} {to_y:.1f}"
    )
    return _led(path, to_x, to_y, is_open)


def _branch(start: Box, end: Box, is_open: bool) -> SafeString:
    x, y, to_x, to_y = start.column[0] + 9, start.top + start.height, end.column[0] - 1, end.middle
    return _led(f"M{x} {y:.1f}V{to_y:.1f}H{to_x - 9}", to_x, to_y, is_open)


def _led(path: str, x: float, y: float, is_open: bool) -> SafeString:
    """A path with the head of an arrow at its end; dashed where it is not open."""
    colour = BRAND if is_open else QUIET
    dashes = {} if is_open else {"stroke_dasharray": CLOSED}
    head = f"M{x - 11:.1f} {y - 6:.1f}L{x:.1f} {y:.1f}L{x - 11:.1f} {y + 6:.1f}Z"
    return element(
        "g",
        [
            element("path", d=path, fill="none", stroke=colour, stroke_width=2, **dashes),
            element("path", d=head, fill=colour),
        ],
    )


def _said(lines: Sequence[Line], titles: Mapping[str, str], names: Mapping[str, str]) -> str:
    said = []
    for line in lines:
        grant = line.grant
        owner = names.get(grant.owner, grant.owner)
        takers = " and ".join(" of ".join(words.group(each, names)) for each in grant.recipients)
        what = f"{titles.get(grant.dataset, grant.dataset)} of {owner}"
        closed = "" if line.open else "not in force, "
        how = words.MODES.get(grant.mode, grant.mode).lower()
        said.append(f"{what}, by {grant.id} ({closed}{how}), to {takers}.")
    return " ".join(said)
