"""The report on the synthetic county that a home may hold, with its pictures, as values.

The folder `county` of a home is written by `commonthread county build`, and is read here as if
a stranger had written it: what is not of a known form is left out, and all of it is text.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

FOLDER, REPORT = "county", "report.md"
PICTURES = ("people", "map", "seasons")
MOST_BYTES = 8_000_000
# Each repeat has a bound, so that no file can keep a page busy.
TITLE = re.compile(r"<title\b[^>]{0,200}>([^<]{1,200})</title>")
DESCRIPTION = re.compile(r"<desc\b[^>]{0,200}>([^<]{1,2000})</desc>")
SPAN = re.compile(r"\*\*([^*]{1,200})\*\*|`([^`]{1,200})`")
ERROR = re.compile(r"([a-z-]{1,40}) ([\d,]{1,15}) of ([\d,]{1,15})")
MEANING = re.compile(r"\*\*([a-z-]{1,40})\*\*, ([^;.]{1,300})")
# Of fewer records a share says nothing: one of three is a third.
FEWEST = 30
ERRORS_HEAD = ("Dataset", "Rows", "Delivery", "Errors")


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture with the title and the words that stand in it."""

    name: str
    title: str
    said: str


@dataclass(frozen=True, slots=True)
class Table:
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @property
    def is_errors(self) -> bool:
        return self.head == ERRORS_HEAD

    @property
    def labelled(self) -> list[list[tuple[str, str]]]:
        """Each row as (heading of the column, cell)."""
        return [list(zip(self.head, row, strict=True)) for row in self.rows]


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Text in spans (`strong`, `code` or nothing, text)."""

    spans: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Section:
    heading: str
    blocks: tuple[Paragraph | Table, ...]

    @property
    def has_errors(self) -> bool:
        return any(isinstance(block, Table) and block.is_errors for block in self.blocks)


@dataclass(frozen=True, slots=True)
class Found:
    """One kind of error in one dataset: how many records have it, of how many that could."""

    kind: str
    wrong: int
    able: int

    @property
    def share(self) -> float:
        return 100 * self.wrong / self.able if self.able else 0.0

    @property
    def name(self) -> str:
        return self.kind.replace("-", " ")

    @property
    def text(self) -> str:
        return f"{self.share:.1f}%, {self.wrong:,} of {self.able:,}"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of error over all datasets, what it is, and where there is most of it."""

    total: Found
    meaning: str
    datasets: int
    worst: str
    worst_share: float


@dataclass(frozen=True, slots=True)
class Partnered:
    """One row of the table of errors; `errors` has the most frequent first."""

    dataset: str
    rows: str
    delivery: str
    errors: tuple[Found, ...]


def folder() -> Path:
    return Path(settings.HOME) / FOLDER


def here() -> bool:
    return (folder() / REPORT).is_file()


def text_of(name: str) -> str | None:
    """A file of the county, where it is one, is not too long, and is text."""
    path = folder() / name
    try:
        if path.is_symlink() or not path.is_file() or path.stat().st_size > MOST_BYTES:
            return None
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def picture_of(name: str) -> Picture | None:
    text = text_of(f"{name}.svg")
    if text is None:
        return None
    title, said = TITLE.search(text), DESCRIPTION.search(text)
    return Picture(
        name,
        html.unescape(title[1]) if title else name.capitalize(),
        html.unescape(said[1]) if said else "",
    )


def parsed(report: str) -> tuple[str, tuple[Paragraph, ...], tuple[Section, ...]]:
    """(title, paragraphs before the first heading, sections) of a report. Pictures are left out."""
    title, intro, sections = "The county", list[Paragraph](), list[Section]()
    for block in re.split(r"\n\s*\n", report.strip()):
        if block.startswith("# "):
            title = block[2:].strip()
        elif block.startswith("## "):
            sections.append(Section(block[3:].strip(), ()))
        elif not block.startswith("!["):
            made = _table(block) if block.startswith("|") else _paragraph(block)
            if sections:
                last = sections[-1]
                sections[-1] = Section(last.heading, (*last.blocks, made))
            elif isinstance(made, Paragraph):
                intro.append(made)
    return title, tuple(intro), tuple(sections)


def _table(block: str) -> Table:
    lines = [
        tuple(cell.strip() for cell in line.strip().strip("|").split("|"))
        for line in block.splitlines()
    ]
    head, rows = lines[0], [line for line in lines[2:] if len(line) == len(lines[0])]
    return Table(head, tuple(rows))


def _paragraph(block: str) -> Paragraph:
    spans, end = list[tuple[str, str]](), 0
    text = " ".join(block.split())
    for found in SPAN.finditer(text):
        spans.append(("", text[end : found.start()]))
        spans.append(("strong", found[1]) if found[1] else ("code", found[2]))
        end = found.end()
    return Paragraph(tuple(span for span in [*spans, ("", text[end:])] if span[1]))


def errors(sections: Sequence[Section]) -> Iterator[Partnered]:
    """The table of errors, each dataset with its errors as numbers."""
    for section in sections:
        for block in section.blocks:
            if isinstance(block, Table) and block.is_errors:
                for dataset, rows, delivery, said in block.rows:
                    found = sorted(_found(said), key=lambda one: -one.share)
                    yield Partnered(dataset, rows, delivery, tuple(found))


def _found(said: str) -> Iterator[Found]:
    for kind, wrong, able in ERROR.findall(said):
        yield Found(kind, _number(wrong), _number(able))


def _number(text: str) -> int:
    digits = text.replace(",", "")
    return int(digits) if digits else 0


def kinds(sections: Sequence[Section], report: str) -> list[Kind]:
    """Each kind of error over all datasets, the most frequent first."""
    meanings = dict(MEANING.findall(report))
    everywhere: dict[str, list[tuple[str, Found]]] = {}
    for partnered in errors(sections):
        for found in partnered.errors:
            everywhere.setdefault(found.kind, []).append((partnered.dataset, found))
    made = [_kind(kind, all_, meanings.get(kind, "")) for kind, all_ in everywhere.items()]
    return sorted(made, key=lambda kind: -kind.total.share)


def _kind(kind: str, everywhere: Sequence[tuple[str, Found]], meaning: str) -> Kind:
    wrong = sum(found.wrong for _, found in everywhere)
    able = sum(found.able for _, found in everywhere)
    worst, most = max(everywhere, key=lambda one: (one[1].able >= FEWEST, one[1].share))
    held = sum(found.wrong > 0 for _, found in everywhere)
    return Kind(Found(kind, wrong, able), meaning, held, worst, most.share)
