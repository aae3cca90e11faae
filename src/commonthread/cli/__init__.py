"""The command line. One function for each command; no rules in them.

Exit codes: 0 done, 2 bad input, 3 refused, 4 integrity failure, 1 a bug.
"""

from __future__ import annotations

from typing import Annotated, Any

import typer
import typer.core

from commonthread.broker.rules.errors import UserFacing
from commonthread.cli import (
    asking,
    county,
    data,
    documents,
    due,
    facts,
    ledger,
    registers,
    serving,
)

from .facts import JSON_ASKED
from .output import print_error

VERSION = "0.1.0"


class Commands(typer.core.TyperGroup):
    """Ends a command by the kind of its error, without a traceback for what a person can mend."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except UserFacing as error:
            print_error(error, as_json=bool(ctx.meta.get(JSON_ASKED)))
            raise typer.Exit(error.exit_code) from None
        except BrokenPipeError:
            raise typer.Exit(0) from None


class Command(typer.core.TyperCommand):
    """Says below its own help what stands behind every command."""

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        super().format_epilog(ctx, formatter)
        formatter.write("\nEvery command takes --home DIR, the folder of the home (./home).\n")


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="The signed sharing agreement is the access policy.",
    epilog="Exit codes: 0 done, 2 bad input, 3 refused, 4 integrity failure, 1 a bug.",
)


def print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"commonthread {VERSION}")
        raise typer.Exit


@app.callback()
def main(
    home: Annotated[
        str, typer.Option(help="Folder of the home; may stand behind any command.")
    ] = "./home",
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", callback=print_version, is_eager=True),
    ] = False,
) -> None:
    """The signed sharing agreement is the access policy: deposit, sign, ask, prove."""


for module in (facts, data, asking, ledger, documents, registers, county, due, serving):
    module.register(app)
for group in (app, *(info.typer_instance for info in app.registered_groups)):
    for info in group.registered_commands if group else ():
        info.cls = Command
