"""In the fenced child: what a file is by its bytes, and its paragraphs as plain values.

Everything here may be wrong about a hostile file, die of it or be taken over by it: whoever reads
the answer believes no shape of it. A problem is a code, `reading.PROBLEMS` says it in words.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, BinaryIO

from .found import MOST_CHARACTERS, MOST_PARAGRAPHS, Paragraph, Parsed, Unreadable

PDF_MARK, MARK_WITHIN = b"%PDF-", 1024
ZIP_MARK, OLD_OFFICE_MARK = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# How Office names the part that holds an encrypted document, as its folder spells it.
ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
TEXT_ENCODINGS = ("utf-8-sig", "cp1252")
WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff")


def serve(asked: BinaryIO, answer: BinaryIO, unfenced: Mapping[str, str]) -> None:
    """Read one file to its end; write one line of JSON."""
    try:
        said = _plain(parse(asked.read()))
    except Unreadable as error:
        said = {"problem": error.problem}
    except (MemoryError, RecursionError):
        said = {"problem": "too-large"}
    said["unfenced"] = sorted(unfenced)
    answer.write(json.dumps(said).encode() + b"\n")
    answer.flush()


def parse(content: bytes) -> Parsed:
    """The paragraphs of a Word file, a PDF or a text; raises `Unreadable`."""
    # A parser is imported for its own kind alone: a text costs no PDF library.
    if PDF_MARK in content[:MARK_WITHIN]:
        from .paper import read_pdf

        return _bounded(read_pdf(content))
    if content.startswith(ZIP_MARK):
        from .word import read_word

        return _bounded(read_word(content))
    if content.startswith(OLD_OFFICE_MARK):
        raise Unreadable("encrypted" if ENCRYPTED in content else "old-word")
    return _bounded(_text(content))


def _text(content: bytes) -> Parsed:
    """Plain text or Markdown, whose headings begin with number signs."""
    lines = _decoded(content).splitlines()
    found = tuple(Paragraph(line, level=_markdown_level(line)) for line in lines)
    return Parsed("text", found)


def _decoded(content: bytes) -> str:
    if content.startswith(WIDE_MARKS):
        return _decoded_as(content, "utf-16")
    if b"\x00" in content:
        raise Unreadable("unknown")
    for encoding in TEXT_ENCODINGS:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Unreadable("unknown")


def _decoded_as(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        raise Unreadable("unknown") from None


def _markdown_level(line: str) -> int:
    marks = len(line) - len(line.lstrip("#"))
    return marks if 1 <= marks <= 6 and line[marks : marks + 1] == " " else 0


def _bounded(parsed: Parsed) -> Parsed:
    characters = sum(len(one.text) + len(one.number) for one in parsed.paragraphs)
    if len(parsed.paragraphs) > MOST_PARAGRAPHS or characters > MOST_CHARACTERS:
        raise Unreadable("too-large")
    if not any(one.text.strip() for one in parsed.paragraphs):
        raise Unreadable("no-text")
    return parsed


def _plain(parsed: Parsed) -> dict[str, Any]:
    return {
        "kind": parsed.kind,
        "paragraphs": [[one.text, one.number, one.level] for one in parsed.paragraphs],
        "notes": list(parsed.notes),
    }
