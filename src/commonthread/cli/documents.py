"""Commands about documents: the sealed PDF, the evidence pack, and whether a document holds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from django.conf import settings

from commonthread.broker.access import BadInput
from commonthread.broker.access import open_broker as opened
from commonthread.broker.access.exports import demand_place, whole

from . import verify as verifier
from .facts import Json, Overwrite, Reference
from .output import print_json

if TYPE_CHECKING:
    from commonthread.gateway.documents.issue import Issued

# What makes and reads documents takes a while to load: each command loads what it needs.
NOT_IN_FORCE, NOT_OURS, UNREADABLE = 3, 4, 2
EXITS = {"in-force": 0, "unreadable": UNREADABLE}
EXITS |= dict.fromkeys(("changed", "foreign", "unsealed"), NOT_OURS)

Out = Annotated[Path, typer.Option(help="File to write.")]
OfDraft = Annotated[
    bool, typer.Option("--draft", help="Of the version that waits for signatures beside it.")
]


def document(
    reference: Reference,
    out: Out,
    draft: OfDraft = False,
    overwrite: Overwrite = False,
    json: Json = False,
) -> None:
    """Write an agreement as a sealed PDF (PDF/UA, PDF/A-3), its terms attached."""
    from commonthread.gateway.documents.issue import issue_document

    demand_place(out, (".pdf",), overwrite=overwrite)
    authority = settings.TIMESTAMP_AUTHORITY
    issued = issue_document(opened(), reference, draft=draft, authority=authority)
    _put(issued, out)
    if json:
        print_json({"file": str(out), "time_stamp": issued.stamped})
        return
    typer.echo(f"sealed and written to {out}")
    if not issued.stamped:
        why = "The timestamp authority did not answer" if authority else "No authority is set"
        typer.echo(f"{why}: the seal has no independent time stamp.")


def evidence(
    reference: Reference,
    out: Out,
    draft: OfDraft = False,
    overwrite: Overwrite = False,
    json: Json = False,
) -> None:
    """Write the evidence of an agreement: terms, signatures and proofs, verifiable off line."""
    from commonthread.gateway.documents.issue import issue_evidence

    demand_place(out, (".zip",), overwrite=overwrite)
    broker = opened()
    _put(issue_evidence(broker, reference, draft=draft), out)
    key = broker.ledger.key_text()
    if json:
        print_json({"file": str(out), "key": key})
    else:
        typer.echo(f"written to {out}; the ledger's key is {key}")


def _put(issued: Issued, out: Path) -> None:
    with whole(out) as draft:
        draft.write_bytes(issued.content)


def check_document(
    file: Annotated[Path, typer.Argument(help="A PDF, an evidence pack, or terms.")],
    key: Annotated[
        str,
        typer.Option(help="Verify a pack off line: the ledger's public key, or a file of it."),
    ] = "",
    json: Json = False,
) -> None:
    """Say whether a document is the one in force.

    Exit code 0: in force (with --key: the pack holds); 3: it is ours and not in force; 4: it was
    changed or is not this trust's; 2: it cannot be read.
    """
    content = _content(file)
    if key:
        _off_line(content, key, json)
        return
    from commonthread.gateway.documents.check import check_document as check
    from commonthread.gateway.documents.seal import stamp_roots

    verdict = check(content, opened(), stamp_roots=stamp_roots(settings.TIMESTAMP_ROOTS))
    if json:
        names = ("code", "says", "notes", "reference", "version", "digest")
        print_json({name: getattr(verdict, name) for name in names})
    else:
        typer.echo("\n".join([verdict.says, *(f"  {note}" for note in verdict.notes)]))
    raise typer.Exit(EXITS.get(verdict.code, NOT_IN_FORCE))


def _off_line(content: bytes, key: str, json: bool) -> None:
    from commonthread.gateway.documents.evidence import verify_pack

    try:
        found = verify_pack(content, verifier.read_key(key).text)
    except verifier.Unusable as error:
        raise BadInput(str(error)) from None
    if json:
        print_json(_plain(found))
    else:
        typer.echo("\n".join(_said(found)))
    raise typer.Exit(0 if found.holds else NOT_OURS)


def _plain(found: Any) -> dict[str, Any]:
    names = ("holds", "origin", "reference", "version", "digest", "entries", "missing", "failures")
    signatures = [
        {"partner": one.partner, "member": one.member, "at": one.at} for one in found.signatures
    ]
    return {**{name: getattr(found, name) for name in names}, "signatures": signatures}


def _said(found: Any) -> list[str]:
    if not found.holds:
        return ["The pack does NOT hold.", *(f"  {failure}" for failure in found.failures)]
    return [
        f"The pack holds: {found.reference}, version {found.version}, of {found.origin}.",
        *(f"  signed for {one.partner} by {one.member}, {one.at}" for one in found.signatures),
        *(f"  not signed by {partner}" for partner in found.missing),
        "Whether it is in force today only the trust can say.",
    ]


def _content(file: Path) -> bytes:
    from commonthread.gateway.documents.reading import LARGEST_DOCUMENT

    try:
        with file.open("rb") as stream:
            return stream.read(LARGEST_DOCUMENT + 1)
    except OSError as error:
        raise BadInput(f"{file} cannot be read: {error.strerror}.") from None


def register(app: typer.Typer) -> None:
    app.command(epilog="Example: commonthread document ISA-2026-014 --out falls.pdf")(document)
    app.command(epilog="Example: commonthread evidence ISA-2026-014 --out falls.zip")(evidence)
    app.command("check-document", epilog="Example: commonthread check-document falls.pdf")(
        check_document
    )
