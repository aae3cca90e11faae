"""In the fenced child: the text of a Word file (ECMA-376), paragraph by paragraph.

- A part is found by its name inside the archive; no name is ever a path on this machine.
- A document type declaration is refused, so no entity is ever defined: none grows, none is fetched.
- Only the parts named here are opened, within bounds: macros, pictures and links stay shut.
- Text that was marked as inserted is taken, text marked as deleted is not, and that is noted.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from posixpath import dirname, join, normpath
from typing import NoReturn
from xml.parsers import expat

from .found import Paragraph, Parsed, Unreadable
from .numbering import Numbering, Styles

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
STRICT = "http://purl.oclc.org/ooxml/wordprocessingml/main"
PACKAGE_LINKS = "_rels/.rels"
MOST_FILES, LARGEST_PART, LARGEST_RATIO = 2_000, 24 * 1024 * 1024, 200
# Small parts of white space pack well and harm nobody.
RATIO_FROM = 1024 * 1024
DEEPEST = 200
BREAKS = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "\u2011", "softHyphen": ""}
# What a document can hold besides, and the code of the note that it was left out.
BESIDES = {
    "ins": "tracked-changes",
    "del": "tracked-changes",
    "moveFrom": "tracked-changes",
    "drawing": "pictures",
    "pict": "pictures",
    "object": "pictures",
    "commentReference": "comments",
    "tbl": "tables",
    "sym": "symbols",
    "oMath": "equations",
    "altChunk": "embedded",
    "subDoc": "embedded",
}
NOTED_PARTS = {"header": "headers", "footer": "headers", "vbaProject": "macros"}
NOTES = ("footnotes", "endnotes")
# What is passed by: text that was taken out, how a paragraph looked before, the second telling.
PASSED = ("del", "moveFrom", "pPrChange", "Fallback")

Started = Callable[[str, dict[str, str]], None]


def read_word(content: bytes) -> Parsed:
    """The paragraphs of a .docx; raises `Unreadable`."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return _read(Archive(archive))
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, OSError, NotImplementedError):
        raise Unreadable("damaged") from None
    except (expat.ExpatError, KeyError, RuntimeError):
        raise Unreadable("damaged") from None


class Archive:
    """The parts of the file by their names, each opened within bounds."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        listed = archive.infolist()
        if len(listed) > MOST_FILES:
            raise Unreadable("too-large")
        self._archive = archive
        self._parts = {about.filename: about for about in listed}
        if len(self._parts) != len(listed):
            raise Unreadable("damaged")
        if any(about.flag_bits & 1 for about in listed):
            raise Unreadable("encrypted")

    @property
    def names(self) -> list[str]:
        return list(self._parts)

    def part(self, name: str) -> bytes:
        """A part, unpacked; empty if there is none of that name."""
        about = self._parts.get(name)
        if about is None:
            return b""
        grows = about.file_size > LARGEST_RATIO * max(about.compress_size, 1)
        if about.file_size > LARGEST_PART or (grows and about.file_size > RATIO_FROM):
            raise Unreadable("too-large")
        with self._archive.open(about) as file:
            found = file.read(LARGEST_PART + 1)
        if len(found) > LARGEST_PART:
            raise Unreadable("too-large")
        return found


def _read(archive: Archive) -> Parsed:
    main = _main_part(archive)
    beside = dirname(main)
    styles, numbering = Styles(), Numbering()
    walk(archive.part(join(beside, "styles.xml")), styles.started, styles.ended)
    walk(archive.part(join(beside, "numbering.xml")), numbering.started, numbering.ended)
    body = Body(styles, numbering)
    content = archive.part(main)
    if not content:
        raise Unreadable("damaged")
    walk(content, body.started, body.ended, body.said)
    for name in NOTES:
        walk(archive.part(join(beside, f"{name}.xml")), body.started, body.ended, body.said)
    notes = {*body.notes, *_noted(archive)}
    return Parsed("word", tuple(body.paragraphs), tuple(sorted(notes)))


def _main_part(archive: Archive) -> str:
    """The name of the document's own part, as the package names it."""
    found: list[str] = []

    def started(name: str, given: dict[str, str]) -> None:
        kind = given.get("Type", "").rpartition("/")[2]
        if name == "Relationship" and kind == "officeDocument":
            if given.get("TargetMode") == "External":
                raise Unreadable("damaged")
            found.append(normpath(given.get("Target", "")).lstrip("/"))

    walk(archive.part(PACKAGE_LINKS), started, lambda _: None, any_name=True)
    if len(found) != 1 or not found[0].startswith("word/"):
        raise Unreadable("unknown")
    return found[0]


def _noted(archive: Archive) -> Iterator[str]:
    for name in archive.names:
        for part, note in NOTED_PARTS.items():
            if name.startswith(f"word/{part}"):
                yield note


def walk(
    content: bytes,
    started: Started,
    ended: Callable[[str], None],
    said: Callable[[str], None] = lambda _: None,
    *,
    any_name: bool = False,
) -> None:
    """Go through a part: its elements of WordprocessingML by their bare names, and its text.

    Elements of other vocabularies are passed by with `any_name` false, their content is not.
    """
    if not content:
        return
    depth = 0

    def refuse(*_: object) -> NoReturn:
        raise Unreadable("declared")

    def start(name: str, given: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > DEEPEST:
            raise Unreadable("too-large")
        if any_name or _is_word(name):
            started(_bare(name), {_bare(key): value for key, value in given.items()})

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        if any_name or _is_word(name):
            ended(_bare(name))

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.ExternalEntityRefHandler = refuse
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = said
    parser.Parse(content, True)


def _is_word(name: str) -> bool:
    """Whether an element is the text's own, or one of two others that have to be noticed.

    A reader that knows the newer form takes the choice; the fallback says the same again.
    """
    return name.startswith((f"{W} ", f"{STRICT} ")) or name.endswith((" Fallback", " oMath"))


def _bare(name: str) -> str:
    return name.rpartition(" ")[2]


@dataclass(slots=True)
class _Open:
    """A paragraph that has begun and not ended; a text box holds paragraphs within one."""

    pieces: list[str] = field(default_factory=list)
    style: str = ""
    outline: int = -1
    numbered: str | None = None
    indent: int | None = None


class Body:
    """The paragraphs of the document, as its elements go by."""

    def __init__(self, styles: Styles, numbering: Numbering) -> None:
        self.paragraphs: list[Paragraph] = []
        self.notes: set[str] = set()
        self._styles, self._numbering = styles, numbering
        self._open: list[_Open] = []
        self._in_text = False
        # How many of them are open around what goes by.
        self._passed = 0

    def started(self, name: str, given: dict[str, str]) -> None:
        if name in BESIDES:
            self.notes.add(BESIDES[name])
        if name in PASSED:
            self._passed += 1
        elif name == "p":
            self._open.append(_Open())
        elif self._open and not self._passed:
            self._within(name, given)

    def _within(self, name: str, given: dict[str, str]) -> None:
        now, value = self._open[-1], given.get("val", "")
        if name == "t":
            self._in_text = True
        elif name in BREAKS and not given.get("pos"):
            now.pieces.append(BREAKS[name])
        elif name == "pStyle":
            now.style = value
        elif name == "outlineLvl":
            now.outline = _whole(value)
        elif name == "numId":
            now.numbered = value
        elif name == "ilvl":
            now.indent = _whole(value)

    def said(self, text: str) -> None:
        if self._in_text and self._open and not self._passed:
            self._open[-1].pieces.append(text)

    def ended(self, name: str) -> None:
        if name == "t":
            self._in_text = False
        elif name in PASSED:
            self._passed -= 1
        elif name == "p" and self._open:
            self._close(self._open.pop())

    def _close(self, done: _Open) -> None:
        if self._passed:
            return
        style = self._styles.of(done.style)
        level = done.outline if done.outline >= 0 else style.outline
        list_id = style.numbered if done.numbered is None else done.numbered
        indent = style.indent if done.indent is None else done.indent
        text = "".join(done.pieces)
        number = self._numbering.next(list_id, indent) if list_id and text.strip() else ""
        self.paragraphs.append(Paragraph(text, number, level + 1 if 0 <= level < 9 else 0))


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 0
