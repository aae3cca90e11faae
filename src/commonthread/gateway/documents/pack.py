"""An evidence pack as bytes: a ZIP in which nothing is left to choice, so that it has one spelling.

Files in the order of their names, stored and not packed, all of one time. Reading takes that
spelling and no other: what is put together again has to be the same bytes, so nothing hides
between the files, nothing grows when it is opened, and no name leads out of the folder.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping

from commonthread.broker.rules.errors import BadInput

ZIP_MARK = b"PK\x03\x04"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,120}(?:/[A-Za-z0-9][A-Za-z0-9._-]{0,120})?")
MOST_FILES, MOST_BYTES = 5_000, 16 * 1024 * 1024
# The earliest time that a ZIP can say.
AT = (1980, 1, 1, 0, 0, 0)
READABLE, MADE_ON_UNIX = 0o644 << 16, 3


def pack(files: Mapping[str, bytes]) -> bytes:
    """The pack of these files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, content in sorted(files.items()):
            about = zipfile.ZipInfo(name, AT)
            about.create_system, about.external_attr = MADE_ON_UNIX, READABLE
            archive.writestr(about, content)
    return out.getvalue()


def unpack(content: bytes) -> dict[str, bytes]:
    """The files of a pack; raises `BadInput` for what `pack` did not write."""
    if len(content) > MOST_BYTES:
        raise _no_pack("it is too large")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            listed = archive.infolist()
            _check(listed)
            files = {about.filename: archive.read(about) for about in listed}
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError, EOFError, OSError):
        raise _no_pack("it is damaged or cut off") from None
    if pack(files) != content:
        raise _no_pack("it was put together by something else")
    return files


def _check(listed: list[zipfile.ZipInfo]) -> None:
    if len(listed) > MOST_FILES or sum(about.file_size for about in listed) > MOST_BYTES:
        raise _no_pack("it would grow too large")
    for about in listed:
        stored = about.compress_type == zipfile.ZIP_STORED and not about.flag_bits & 1
        if not stored or not NAME.fullmatch(about.filename):
            raise _no_pack("it was put together by something else")


def _no_pack(why: str) -> BadInput:
    return BadInput(f"This is not an evidence pack: {why}.")
