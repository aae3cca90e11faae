"""Reading an existing agreement that somebody handed in, without trusting it.

The file is parsed by a fenced child that has no keys, no network, no files, and bounded memory and
time. Its death is a problem that is said plainly; what it answers is a stranger's work too, and
each part of it is checked and cleaned. At most `AT_ONCE` are read at a time.
"""

from __future__ import annotations

import json
import logging
import re
import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from commonthread.broker.fence import NAMES
from commonthread.broker.rules.errors import BadInput
from commonthread.gateway.child import ask

from .found import Paragraph

LARGEST_FILE = 10 * 1024 * 1024
LIMIT_BYTES = 1 << 30
LONGEST_SECONDS = 30.0
LONGEST_ANSWER = 16 * 1024 * 1024
AT_ONCE, WAIT_SECONDS = 2, 10.0
MOST_PARAGRAPHS, MOST_CHARACTERS = 5_000, 400_000
LONGEST_NUMBER, DEEPEST_HEADING = 40, 9
KINDS = {"word": "Word", "pdf": "PDF", "text": "Text"}
# code → (what is wrong, what to do about it)
PROBLEMS = {
    "empty": ("The file is empty.", "Choose the agreement itself."),
    "too-large": (
        "The file is too large to be read: it, or what it unpacks to, passes the bounds.",
        "Save the agreement without pictures and annexes, or in parts, and bring these in.",
    ),
    "encrypted": ("The file is encrypted.", "Save a copy without a password."),
    "scanned": (
        "The PDF holds pictures of pages and no text.",
        "Bring in the file it was printed from, or one that text recognition has gone over.",
    ),
    "no-text": ("There is no text in the file.", "Choose the agreement itself."),
    "old-word": ("This is an old Word file (.doc).", "Save it as .docx."),
    "unknown": ("This is not a Word file (.docx), a PDF or a text.", "Save it as one of these."),
    "damaged": ("The file is damaged, or cut off.", "Save it again, and bring in the new copy."),
    "declared": (
        "The file defines things of its own that no Word file does, so it is not read.",
        "Open it in Word and save it again.",
    ),
    "stopped": (
        "Reading the file took too long or broke off.",
        "Save it again, or copy its text into a text file.",
    ),
}
# code → what the file holds besides, and what became of it
NOTES = {
    "tracked-changes": "Changes are tracked in it: what was inserted is in the text, what was deleted is not.",  # noqa: E501
    "comments": "Its comments were left out.",
    "pictures": "Its pictures and drawings were left out; the text in text boxes was taken.",
    "tables": "The cells of its tables are lines of the text, row by row.",
    "symbols": "Signs that only a special font can show were left out.",
    "equations": "Its equations were left out.",
    "embedded": "Documents that are embedded in it were left out.",
    "forms": "What stands in its form fields, and its signatures, were left out.",
    "headers": "What stands above and below its pages was left out.",
    "macros": "It holds macros. They were neither opened nor kept.",
    "pages-without-text": "Some of its pages hold no text, such as scans. Nothing of these was read.",  # noqa: E501
}
INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
SURROGATE = re.compile("[\ud800-\udfff]")
LOG = logging.getLogger(__name__)
_TURNS = threading.BoundedSemaphore(AT_ONCE)


@dataclass(frozen=True, slots=True)
class Text:
    """What a file says. `notes` are sentences on what else it holds and what became of that."""

    kind: str
    paragraphs: tuple[Paragraph, ...]
    notes: tuple[str, ...] = ()


def read_text(content: bytes) -> Text:
    """The paragraphs of a Word file, a PDF or a text; raises `BadInput` that says what to do."""
    if not content:
        raise _problem("empty")
    if len(content) > LARGEST_FILE:
        raise _problem("too-large")
    with _turn():
        answer = _ask(content)
    try:
        said = json.loads(answer)
        if unfenced := [name for name in said.get("unfenced", ()) if name in NAMES]:
            LOG.warning("An agreement was read without these fences: %s.", ", ".join(unfenced))
        found = None if said.get("problem") else _believed(said)
        problem = "" if found else str(said.get("problem"))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise _problem("stopped") from None
    if found is None:
        raise _problem(problem if problem in PROBLEMS else "stopped")
    return _bounded(found)


def _ask(content: bytes) -> bytes:
    return ask(
        "commonthread.gateway.importing.fenced",
        content,
        seconds=LONGEST_SECONDS,
        answer_bytes=LONGEST_ANSWER,
        limit_bytes=LIMIT_BYTES,
    )


@contextmanager
def _turn() -> Iterator[None]:
    if not _TURNS.acquire(timeout=WAIT_SECONDS):
        raise BadInput("Too many agreements are being read.", mend="Try again in a minute.")
    try:
        yield
    finally:
        _TURNS.release()


def _problem(code: str) -> BadInput:
    said, mend = PROBLEMS[code]
    return BadInput(said, mend=mend)


def _believed(said: Any) -> Text:
    """The child belongs to whoever made the file, if they broke its parser: believe no shape."""
    kind = said["kind"]
    if kind not in KINDS:
        raise ValueError(kind)
    rows = said["paragraphs"]
    if not isinstance(rows, list):
        raise TypeError(kind)
    found = tuple(_paragraph(*row) for row in rows)
    notes = {NOTES[code] for code in said["notes"] if code in NOTES}
    return Text(kind, found, tuple(sorted(notes)))


def _paragraph(text: Any, number: Any, level: Any) -> Paragraph:
    if not (isinstance(text, str) and isinstance(number, str) and isinstance(level, int)):
        raise TypeError
    return Paragraph(
        clean(text).strip(),
        clean(number).replace("\n", " ").strip()[:LONGEST_NUMBER],
        min(max(level, 0), DEEPEST_HEADING),
    )


def clean(text: str) -> str:
    """Text as terms may hold it: composed, lines ended alike, nothing invisible, no tabs."""
    ended = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ").replace("\u00a0", " ")
    return unicodedata.normalize("NFC", SURROGATE.sub("\ufffd", INVISIBLE.sub("", ended)))


def _bounded(text: Text) -> Text:
    kept = tuple(one for one in text.paragraphs if one.line.strip())
    if not kept:
        raise _problem("no-text")
    if len(kept) > MOST_PARAGRAPHS or sum(len(one.line) for one in kept) > MOST_CHARACTERS:
        raise _problem("too-large")
    return Text(text.kind, kept, text.notes)
