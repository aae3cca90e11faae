"""Commands about the ledger: show, verify, checkpoint, prove, export; and the off-line verifier."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from commonthread.broker.access import BadInput, IntegrityFailure
from commonthread.broker.access import open_broker as opened
from commonthread.broker.access.exports import demand_place, whole

from . import verify as verifier
from .facts import Json, Overwrite
from .output import print_json, print_table, words

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
    return "; ".join(f"{name} {words(value)}" for name, value in public.items())


def notices(
    partner: Annotated[str, typer.Option(help="Id of the partner; none: all partners.")] = "",
    json: Json = False,
) -> None:
    """Show the outbox: what each party is told of acts on its agreements, oldest first."""
    broker = opened()
    known = [one.id for one in broker.partners()]
    if partner and partner not in known:
        raise BadInput("No partner of this id is known.", mend=f"Known are: {', '.join(known)}.")
    names = ("entry", "at", "party", "what", "agreement", "version", "by")
    rows = [
        (n.seq, n.at, n.party, n.kind, n.reference, n.body.get("version"), n.body.get("by"))
        for n in broker.ledger.notices(partner)
    ]
    if json:
        print_json([dict(zip(names, row, strict=True)) for row in rows])
        return
    shown = [place for place, name in enumerate(names) if name != "party" or not partner]
    table = [[row[place] for place in shown] for row in rows]
    print_table([names[place] for place in shown], table, most=10_000)


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


def checkpoint(out: Out = None, overwrite: Overwrite = False, json: Json = False) -> None:
    """Print the newest signed checkpoint: give it to somebody else to keep."""
    if out:
        demand_place(out, overwrite=overwrite)
    note = opened().ledger.checkpoint()
    if json and out is None:
        print_json({"checkpoint": note})
    else:
        _put(note.encode(), out, json)


def prove(
    entry: Annotated[int, typer.Argument(help="Number of the entry.")],
    out: Out = None,
    overwrite: Overwrite = False,
    json: Json = False,
) -> None:
    """Prove that an entry is in the ledger (RFC 9162 inclusion), as JSON."""
    import json as notation

    if out:
        demand_place(out, overwrite=overwrite)
    proof = opened().ledger.proof(entry)
    _put(notation.dumps(proof, indent=2).encode() + b"\n", out, json)


def export(
    out: Annotated[Path, typer.Option(help="File to write, usually *.ledger.")],
    overwrite: Overwrite = False,
    json: Json = False,
) -> None:
    """Write the whole ledger to a file that anybody can verify off line."""
    demand_place(out, overwrite=overwrite)
    ledger = opened().ledger
    with whole(out) as draft, draft.open("wb") as file:
        file.writelines(ledger.export())
    if json:
        print_json({"file": str(out), "entries": ledger.size, "key": ledger.key_text()})
    else:
        typer.echo(f"{ledger.size} entries written to {out}; its key is {ledger.key_text()}")


def _put(content: bytes, out: Path | None, json: bool) -> None:
    if out is None:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    with whole(out) as draft:
        draft.write_bytes(content)
    if json:
        print_json({"file": str(out)})
    else:
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
    group.command(epilog="Example: commonthread ledger notices --partner wychshire")(notices)
    group.command(epilog="Example: commonthread ledger verify")(verify)
    group.command(epilog="Example: commonthread ledger checkpoint --out today.note")(checkpoint)
    group.command(epilog="Example: commonthread ledger prove 12")(prove)
    group.command(epilog="Example: commonthread ledger export --out county.ledger")(export)
    app.add_typer(group, name="ledger")
    app.command(
        "verify",
        epilog="Example: commonthread verify county.ledger --key county.vkey --checkpoint a.note",
    )(verify_export)
