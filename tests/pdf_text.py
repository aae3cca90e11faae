"""The words on the pages of a PDF that our typesetter made, by its fonts' own tables of letters."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator

from pyhanko.pdf_utils.reader import PdfFileReader

FONT = re.compile(rb"/(f\d+) [\d.]+ Tf")
LETTER = re.compile(rb"<([0-9A-Fa-f]+)> <([0-9A-Fa-f]+)>")
ESCAPES = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}


def page_texts(content: bytes) -> list[str]:
    """The text of each page, without the spaces that lines and columns make."""
    reader = PdfFileReader(io.BytesIO(content))
    return [_text(kid.get_object()) for kid in reader.root["/Pages"]["/Kids"]]


def _text(page: object) -> str:
    fonts = page["/Resources"]["/Font"]  # type: ignore[index]
    letters = {name[1:].encode(): _letters(fonts[name]) for name in fonts}
    said, font = [], b""
    for kind, value in _tokens(page["/Contents"].data):  # type: ignore[index]
        if kind == "font":
            font = value
        elif font:
            pairs = [value[place : place + 2] for place in range(0, len(value), 2)]
            # What no font shows is a text of another kind, such as a language.
            said.append("".join(letters[font].get(pair, "") for pair in pairs))
    return "".join(said)


def _letters(font: object) -> dict[bytes, str]:
    table = font["/ToUnicode"].data  # type: ignore[index]
    blocks = re.findall(rb"beginbfchar(.*?)endbfchar", table, re.DOTALL)
    return {
        bytes.fromhex(code.decode()): bytes.fromhex(letter.decode()).decode("utf-16-be")
        for block in blocks
        for code, letter in LETTER.findall(block)
    }


def _tokens(content: bytes) -> Iterator[tuple[str, bytes]]:
    """Fonts as they are chosen, and the strings that are shown, in their order."""
    place = 0
    while place < len(content):
        if found := FONT.match(content, place):
            yield "font", found[1]
            place = found.end()
        elif content[place : place + 1] == b"(":
            value, place = _literal(content, place + 1)
            yield "text", value
        elif found := re.compile(rb"<([0-9A-Fa-f]*)>").match(content, place):
            yield "text", bytes.fromhex(found[1].decode())
            place = found.end()
        else:
            place += 1


def _literal(content: bytes, place: int) -> tuple[bytes, int]:
    value, depth = b"", 1
    while True:
        mark = content[place : place + 1]
        place += 1
        if mark == b"\\":
            if found := re.compile(rb"[0-7]{1,3}").match(content, place):
                value += bytes([int(found[0], 8)])
                place = found.end()
            else:
                mark = content[place : place + 1]
                value += ESCAPES.get(mark, mark)
                place += 1
            continue
        depth += (mark == b"(") - (mark == b")")
        if not depth:
            return value, place
        value += mark
