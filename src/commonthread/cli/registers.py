"""The command that writes registers as files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from commonthread.broker.access import BadInput
from commonthread.broker.access import open_broker as opened
from commonthread.broker.access.exports import demand_place, whole
from commonthread.broker.access.leases import now
from commonthread.gateway.registers import REGISTERS, Reading, build, hold

from .facts import Json, Overwrite
from .output import print_json, print_table

NAMES = ", ".join(register.name for register in REGISTERS)


def registers(
    out: Annotated[Path, typer.Option(help="Folder to write into; made if it is not there.")],
    register: Annotated[
        list[str] | None, typer.Option(help=f"One of {NAMES}; may be repeated. None: all.")
    ] = None,
    overwrite: Overwrite = False,
    json: Json = False,
) -> None:
    """Write the registers that are made of signed agreements and the ledger, as files.

    The same facts on the same day give the same bytes.
    """
    broker = opened()
    activity = Reading().activity(broker.ledger)
    files = build(hold(broker.standing(), activity, now()), *(register or ()))
    _folder(out)
    for name in files:
        demand_place(out / name, overwrite=overwrite)
    for name, content in files.items():
        with whole(out / name) as draft:
            draft.write_bytes(content)
    sizes = {name: len(content) for name, content in sorted(files.items())}
    if json:
        print_json({"folder": str(out), "files": sizes})
        return
    print_table(("file", "bytes"), sizes.items(), title=str(out), most=10_000)


def _folder(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(
            f"{out} cannot be a folder: {error.strerror}.", mend="Name another with --out."
        ) from None


def register(app: typer.Typer) -> None:
    app.command(
        epilog="Examples: commonthread registers --out registers; "
        "commonthread registers --out public --register public --register notices --overwrite"
    )(registers)
