"""Delimited text as strangers write it: which encoding, which delimiter, and its records.

Standard library only; runs in the fenced child. Engines' own readers guess, skip or pad where a
row is odd; here each row is either whole, or odd with its line and its reason.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, TextIO

from commonthread.broker.rules.errors import BadInput

DELIMITERS = (",", "\t", ";", "|")
BLOCK = 1 << 20
BEYOND_ASCII, STRANGE = re.compile(r"[^\x00-\x7f]"), re.compile("[\udc80-\udcff]")
LONGEST_FIELD = 1_000_000
LONGEST_LINE = 16_000_000
# Bytes that cp1252 uses and ISO 8859-1 keeps for control characters nobody writes.
WINDOWS = frozenset(range(0x80, 0xA0))
UNDEFINED_IN_WINDOWS = frozenset((0x81, 0x8D, 0x8F, 0x90, 0x9D))
BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True, slots=True)
class Odd:
    """A row that is not shaped like its header: the text that could be had, and the reason."""

    fields: tuple[str | None, ...]
    reason: str


def encoding_of(file: BinaryIO) -> str:
    """The encoding of the whole file, not of a sample; raises `BadInput` if it is mostly UTF-8."""
    file.seek(0)
    start = file.read(BLOCK)
    for mark, name in BOMS:
        if start.startswith(mark):
            return name
    if zeros := start.count(0):
        # Latin text in UTF-16 has a zero in every other byte, always on the same side.
        for side, name in ((1, "utf-16-le"), (0, "utf-16-be")):
            if zeros * 4 > len(start) and start[side::2].count(0) * 10 > zeros * 9:
                return name
    return _without_mark(file)


def _blocks(file: BinaryIO) -> Iterator[bytes]:
    file.seek(0)
    while block := file.read(BLOCK):
        yield block


def _without_mark(file: BinaryIO) -> str:
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    try:
        for block in _blocks(file):
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return _one_byte_each(file)
    return "utf-8"


def _one_byte_each(file: BinaryIO) -> str:
    """cp1252 or Latin-1, unless the file is UTF-8 with a few strange bytes in it."""
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    good, strange, line, first, high = 0, 0, 1, 0, set[int]()
    for block in _blocks(file):
        text = decoder.decode(block)
        escaped = STRANGE.search(text)
        if escaped and not first:
            first = line + text.count("\n", 0, escaped.start())
        strange += len(STRANGE.findall(text))
        good += len(BEYOND_ASCII.findall(text))
        line += block.count(b"\n")
        high |= WINDOWS.intersection(block)
    if good - strange > strange:
        raise BadInput(
            f"Line {first} of the file is not text in UTF-8, though most of the file is.",
            mend="Save the whole file in one encoding, UTF-8 by preference.",
        )
    return "cp1252" if high and not high & UNDEFINED_IN_WINDOWS else "latin-1"


def named(header: Iterable[str], known: Iterable[str]) -> list[str]:
    """The names of a header, trimmed. A name that differs from a known one by capitals and by
    what stands between its words is that one: `First Name` is `first_name`.
    """
    names = set(known)

    def name(text: str) -> str:
        plain = re.sub(r"[^a-z0-9]+", "_", text.lower())
        return plain if text not in names and plain in names else text

    return [name(text.strip()) for text in header]


def delimiter_of(header: str, known: Iterable[str]) -> str:
    """The delimiter under which the header names most columns that the contract knows."""
    names = set(known)

    def worth(delimiter: str) -> tuple[int, int]:
        fields = named(next(csv.reader([header], delimiter=delimiter), []), names)
        return len(names.intersection(fields)), len(fields)

    return max(DELIMITERS, key=worth)


class Lines:
    """The lines of a text, counted; the last one is kept, for a row whose quotes are broken."""

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self.number = 0
        self.characters = 0
        self.last = ""

    def __iter__(self) -> Lines:
        return self

    def __next__(self) -> str:
        line = self._text.readline(LONGEST_LINE)
        if not line:
            raise StopIteration
        if len(line) == LONGEST_LINE:
            raise _too_long(self.number + 1)
        self.number += 1
        self.characters += len(line)
        self.last = line
        return line


def _too_long(line: int) -> BadInput:
    return BadInput(
        f"Line {line} of the file holds a field of more than {LONGEST_FIELD:,} characters, or a "
        "quote is opened there and never closed.",
        mend="Correct that line, and deposit the file again.",
    )


class Delimited:
    """A delimited file: `encoding`, `delimiter`, `header`, and its `records`.

    Raises `BadInput` if there is no header, or where quotes are broken beyond one line.
    """

    def __init__(self, file: BinaryIO, known: Sequence[str]) -> None:
        self.encoding = encoding_of(file)
        file.seek(0)
        text = io.TextIOWrapper(file, encoding=self.encoding, errors="strict", newline="")
        self.lines = Lines(text)
        first = self._first()
        self.delimiter = delimiter_of(first, known)
        csv.field_size_limit(LONGEST_FIELD)
        self._reader = csv.reader(self._chained(first), delimiter=self.delimiter, strict=True)
        try:
            self.header = named(next(self._reader), known)
        except csv.Error:
            raise BadInput(
                f"Line {self.lines.number} of the file, its header row, cannot be read: a quote in "
                "it is not closed.",
                mend="Close the quote, or check that this is a CSV or Parquet file.",
            ) from None

    def _first(self) -> str:
        for line in self.lines:
            if line.strip():
                return line
        raise BadInput("The file is empty.", mend="It needs a header row that names its columns.")

    def _chained(self, first: str) -> Iterator[str]:
        yield first
        yield from self.lines

    def records(self) -> Iterator[tuple[int, Sequence[str] | Odd]]:
        """Each record with the line it begins on; blank lines are passed over."""
        width, lines, reader = len(self.header), self.lines, self._reader
        begins = lines.number + 1
        while True:
            try:
                for row in reader:
                    if len(row) == width:
                        yield begins, row
                    elif row:
                        yield begins, self._ragged(row)
                    begins = lines.number + 1
                return
            except csv.Error as error:
                yield begins, self._broken(begins, str(error))
                begins = lines.number + 1

    def _ragged(self, row: list[str]) -> Odd:
        width = len(self.header)
        reason = f"the row has {len(row)} field{'s' * (len(row) > 1)} and the header {width}"
        kept: list[str | None] = [*row[: width - 1], self.delimiter.join(row[width - 1 :])]
        return Odd(tuple((kept if len(row) > width else [*row, *[None] * width])[:width]), reason)

    def _broken(self, begins: int, error: str) -> Odd:
        if "field larger" in error or begins != self.lines.number:
            raise _too_long(begins)
        # Only the row's own text can be shown: nobody knows where its fields begin.
        text = self.lines.last.rstrip("\r\n")
        return Odd((text, *[None] * (len(self.header) - 1)), "a quote in the row is not closed")
