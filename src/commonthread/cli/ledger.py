"""Commands about the ledger: show, verify, checkpoint, prove, export; and the off-line verifier."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from commonthread.broker.access import IntegrityFailure
from commonthread.broker.access import open_broker as opened
from commonthread.broker.access.exports import whole

from . import verify as verifier
from .facts import Json
from .output import print_json, print_table

Out = Annotated[Path | None, typer.Option(help="Write to this file.")]


def show(
    first: Annotated[int | None, typer.Option(min=0, help="Number of the first entry.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many.")] = 20,
    json: Json = False,
) -> None:
    """Show entries, the newest by default. They name no resident."""
    ledger = opened().ledger
    start = max(ledger.size - limit, 0) if first is None else first
    entries = ledger.entries(start, limit)
    if json:
        print_json([_plain(entry) for entry in entries])
        return
    rows = [(e.seq, e.at, e.kind, _said(e.public)) for e in entries]
    print_table(("entry", "at", "kind", "says"), rows, most=10_000)


def _plain(entry: Any) -> dict[str, Any]:
    return {
        "seq": entry.seq,
        "at": entry.at,
        "kind": entry.kind,
        "public": entry.public,
    }


def _said(public: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in public.items())


def verify(json: Json = False) -> None:
    """Verify the whole ledger as it lies in the database; exit code 4 when it does not hold."""
    report = opened().ledger.verify()
    if json:
        print_json(
            {
                "verified": report.verified,
                "entries": report.entries,
                "facts": report.facts,
                "failures": list(report.failures),
            }
        )
    else:
        word = "Verified" if report.verified else "NOT VERIFIED"
        typer.echo(f"{word}: {report.entries} entries, {report.facts} facts")
    if not report.verified:
        raise IntegrityFailure("\n".join(["The ledger does not hold.", *report.failures]))


def checkpoint(out: Out = None) -> None:
    """Print the newest signed checkpoint: give it to somebody else to keep."""
    note = opened().ledger.checkpoint()
    _put(note.encode(), out)


def prove(
    entry: Annotated[int, typer.Argument(help="Number of the entry.")], out: Out = None
) -> None:
    """Prove that an entry is in the ledger (RFC 9162 inclusion), as JSON."""
    import json

    proof = opened().ledger.proof(entry)
    _put(json.dumps(proof, indent=2).encode() + b"\n", out)


def export(
    out: Annotated[Path, typer.Option(help="File to write, usually *.ledger.")],
) -> None:
    """Write the whole ledger to a file that anybody can verify off line."""
    ledger = opened().ledger
    with whole(out) as draft, draft.open("wb") as file:
        file.writelines(ledger.export())
    typer.echo(f"{ledger.size} entries written to {out}; its key is {ledger.key_text()}")


def _put(content: bytes, out: Path | None) -> None:
    if out is None:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    with whole(out) as draft:
        draft.write_bytes(content)
    typer.echo(f"written to {out}")


def verify_export(
    export: Annotated[Path, typer.Argument(help="The exported ledger.")],
    key: Annotated[str, typer.Option(help="The ledger's public key, or a file of it.")],
    checkpoint: Annotated[
        list[Path] | None, typer.Option(help="A checkpoint held elsewhere; may be repeated.")
    ] = None,
    json: Json = False,
) -> None:
    """Verify an exported ledger off line, against a key and checkpoints from outside."""
    arguments = [str(export), "--key", key]
    for path in checkpoint or []:
        arguments += ["--checkpoint", str(path)]
    raise typer.Exit(verifier.main([*arguments, *(["--json"] if json else [])]))


def register(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True, help="The ledger of everything that happened.")
    group.command(epilog="Example: commonthread ledger show --limit 50")(show)
    group.command(epilog="Example: commonthread ledger verify")(verify)
    group.command(epilog="Example: commonthread ledger checkpoint --out today.note")(checkpoint)
    group.command(epilog="Example: commonthread ledger prove 12")(prove)
    group.command(epilog="Example: commonthread ledger export --out county.ledger")(export)
    app.add_typer(group, name="ledger")
    app.command(
        "verify",
        epilog="Example: commonthread verify county.ledger --key county.vkey --checkpoint a.note",
    )(verify_export)
