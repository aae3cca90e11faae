"""In the fenced child: what a stranger's file is, what it carries, and whether its seal holds.

Everything here may be wrong about a hostile file, die of it or be taken over by it: whoever reads
the answer believes no shape of it, and makes the digest of the terms anew from their bytes.
"""

from __future__ import annotations

import base64
import io
import json
import tomllib
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, BinaryIO

from asn1crypto import x509  # type: ignore[import-untyped]
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import ModificationLevel
from pyhanko.sign.validation import async_validate_pdf_signature
from pyhanko.sign.validation.generic_cms import extract_tst_data_iter
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko.sign.validation.status import PdfSignatureStatus, SignatureCoverageLevel
from pyhanko_certvalidator import ValidationContext

from commonthread.broker.rules.canonical import parse_json
from commonthread.broker.rules.errors import BadInput

from .pack import ZIP_MARK, unpack
from .reading import is_pdf

ATTACHED = ("terms.json", "about.json")
LARGEST_ATTACHED = 2 * 1024 * 1024
MOST_ATTACHED = 32
TRUSTED = ("roots", "seals", "stamp_roots")
MOST_TEXT = 2 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Trusted:
    """Whose seals are ours, by root and by the very certificate; whose stamps we vouch for."""

    roots: list[x509.Certificate]
    seals: list[x509.Certificate]
    stamp_roots: list[x509.Certificate]


def serve(asked: BinaryIO, answer: BinaryIO, unfenced: Mapping[str, str]) -> None:
    """Read one question, a line of JSON and the document after it; write one line of JSON."""
    header = json.loads(asked.readline())
    content = asked.read()
    try:
        said = read(content, Trusted(*(_certificates(header[name]) for name in TRUSTED)))
    except MemoryError:
        said = {"kind": "none", "problem": "too-large"}
    said["unfenced"] = sorted(unfenced)
    answer.write(_answered(said) + b"\n")
    answer.flush()


def _certificates(given: list[str]) -> list[x509.Certificate]:
    return [x509.Certificate.load(base64.b64decode(one)) for one in given]


def read(content: bytes, trusted: Trusted) -> dict[str, Any]:
    """What the file is: `pdf`, `pack`, `terms` or `none`, as plain values."""
    if is_pdf(content):
        return _pdf(content, trusted)
    if content.startswith(ZIP_MARK):
        return _pack(content)
    return _text(content)


def _pack(content: bytes) -> dict[str, Any]:
    try:
        files = unpack(content)
    except BadInput:
        return {"kind": "pack", "problem": "no-pack"}
    return {"kind": "pack", "files": {name: _base64(inside) for name, inside in files.items()}}


def _text(content: bytes) -> dict[str, Any]:
    """Terms as canonical JSON, or as the TOML that people write."""
    if len(content) > MOST_TEXT:
        return {"kind": "none", "problem": "too-large"}
    try:
        text = content.decode()
        table = parse_json(text) if text.lstrip().startswith("{") else tomllib.loads(text)
    except (ValueError, RecursionError, BadInput):
        return {"kind": "none", "problem": "unknown"}
    terms = table.get("agreement", table)
    known = isinstance(terms, dict) and "reference" in terms and "grant" in terms
    return {"kind": "terms", "table": terms} if known else {"kind": "none", "problem": "unknown"}


def _answered(said: dict[str, Any]) -> bytes:
    """The answer as JSON; TOML knows values, such as times and infinity, that no terms have."""
    try:
        return json.dumps(said, default=date.isoformat, allow_nan=False).encode()
    except (ValueError, TypeError):
        return json.dumps({"kind": "none", "problem": "unknown"}).encode()


def _pdf(content: bytes, trusted: Trusted) -> dict[str, Any]:
    try:
        reader = PdfFileReader(io.BytesIO(content))
        if reader.encrypted:
            return {"kind": "pdf", "problem": "encrypted"}
        attached = dict(_attached(reader))
        seals = list(reader.embedded_signatures)
        seal = _seal(seals[0], trusted) if len(seals) == 1 else None
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - a parser meets a stranger's file: whatever it raises, it says
        return {"kind": "pdf", "problem": "damaged"}
    return {
        "kind": "pdf",
        "attached": {name: _base64(inside) for name, inside in attached.items()},
        "seals": len(seals),
        "seal": seal,
    }


def _attached(reader: PdfFileReader) -> list[tuple[str, bytes]]:
    """The attachments of ours, where a document of ours has them."""
    names = reader.root.get("/Names", {}).get("/EmbeddedFiles", {}).get("/Names", [])
    found: list[tuple[str, bytes]] = []
    for place in range(0, min(len(names), 2 * MOST_ATTACHED), 2):
        about = names[place + 1]
        name = str(about.get("/UF", about.get("/F", "")))
        stream = about["/EF"]["/F"]
        if name in ATTACHED and isinstance(stream, generic.StreamObject):
            content = stream.data
            if len(content) > LARGEST_ATTACHED or name in {known for known, _ in found}:
                raise ValueError(name)
            found.append((name, content))
    return found


def _seal(seal: EmbeddedPdfSignature, trusted: Trusted) -> dict[str, Any]:
    """Whether the one seal holds. `bottom_line` is all that counts (never `valid` or `intact`).

    The whole file has to be under it besides: not even what a seal permits may come after.
    """
    stamps = _stamp_context(seal, trusted.stamp_roots)
    context = ValidationContext(trust_roots=trusted.roots, allow_fetching=False)
    status = _run(async_validate_pdf_signature(seal, context, stamps))
    whole = (
        status.coverage == SignatureCoverageLevel.ENTIRE_FILE
        and status.modification_level == ModificationLevel.NONE
    )
    return {
        "holds": bool(status.bottom_line and whole),
        "ours": seal.signer_cert.dump() in {one.dump() for one in trusted.seals},
        "stamp": _stamp(status, vouched=bool(trusted.stamp_roots)),
    }


def _run(validation: Coroutine[Any, Any, PdfSignatureStatus]) -> PdfSignatureStatus:
    """Nothing is fetched, so nothing waits; and a fence gives an event loop no sockets."""
    try:
        validation.send(None)
    except StopIteration as end:
        status: PdfSignatureStatus = end.value
        return status
    raise RuntimeError("the validation waits for something")


def _stamp_context(
    seal: EmbeddedPdfSignature, stamp_roots: list[x509.Certificate]
) -> ValidationContext | None:
    """As of the stamp's own time, for authorities' certificates end and stamps stay.

    Without roots to trust, the stamp's own are taken, and nobody is told that it is vouched for.
    """
    token = next(extract_tst_data_iter(seal.signer_info, signed=False), None)
    if token is None:
        return None
    own = [one.chosen for one in token["certificates"]]
    moment = token["encap_content_info"]["content"].parsed["gen_time"].native
    return ValidationContext(
        trust_roots=stamp_roots or own, other_certs=own, moment=moment, allow_fetching=False
    )


def _stamp(status: PdfSignatureStatus, *, vouched: bool) -> dict[str, Any] | None:
    stamp = status.timestamp_validity
    if stamp is None:
        return None
    by = stamp.signing_cert.subject.human_friendly
    return {"at": stamp.timestamp.isoformat(), "by": str(by)[:200], "vouched": vouched}


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
