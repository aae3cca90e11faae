"""In the fenced child: the text of a PDF, line by line, as its pages place it.

A PDF knows no paragraphs. A line that begins with a small letter goes on from the line before it;
every other line stands by itself, which guesses nothing and loses nothing.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator

from pypdf import PdfReader
from pypdf.errors import FileNotDecryptedError

from .found import MOST_CHARACTERS, Paragraph, Parsed, Unreadable

MOST_PAGES = 300
# "a) …" and "iv. …" begin with small letters and are points of a list all the same.
GOES_ON = re.compile(r"(?!\(?(?:[a-z]|[ivx]+)[.)])[a-z]")


def read_pdf(content: bytes) -> Parsed:
    """The paragraphs of a PDF; raises `Unreadable` for one that is encrypted, scanned or broken."""
    try:
        reader = PdfReader(io.BytesIO(content))
        if reader.is_encrypted:
            raise Unreadable("encrypted")
        pages = _pages(reader)
        forms = ("forms",) if "/AcroForm" in reader.root_object else ()
    except (Unreadable, MemoryError):
        raise
    except FileNotDecryptedError:
        raise Unreadable("encrypted") from None
    except Exception:  # noqa: BLE001 - a parser meets a stranger's file: whatever it raises, it says
        raise Unreadable("damaged") from None
    if not any(page.strip() for page in pages):
        raise Unreadable("scanned")
    empty = () if all(page.strip() for page in pages) else ("pages-without-text",)
    return Parsed("pdf", tuple(map(Paragraph, _lines(pages))), (*forms, *empty))


def _pages(reader: PdfReader) -> list[str]:
    if len(reader.pages) > MOST_PAGES:
        raise Unreadable("too-large")
    pages, characters = [], 0
    for page in reader.pages:
        pages.append(page.extract_text())
        characters += len(pages[-1])
        if characters > MOST_CHARACTERS:
            raise Unreadable("too-large")
    return pages


def _lines(pages: list[str]) -> Iterator[str]:
    held = ""
    for page in pages:
        for line in page.splitlines():
            said = line.strip()
            if held and GOES_ON.match(said):
                held = f"{held} {said}"
                continue
            if held:
                yield held
            held = said
    if held:
        yield held
