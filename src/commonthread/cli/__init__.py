"""The command line. One function for each command; no rules in them.

Exit codes: 0 done, 2 bad input, 3 refused, 4 integrity failure, 1 a bug.
"""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer
import typer.core

from commonthread.broker.rules.errors import UserFacing
from commonthread.cli import asking, data, facts, ledger, serving

from .output import said


class Commands(typer.core.TyperGroup):
    """Ends a command by the kind of its error, without a traceback for what a person can mend."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except UserFacing as error:
            said().print(str(error), markup=False, style="bold red" if sys.stderr.isatty() else "")
            raise typer.Exit(error.exit_code) from None
        except BrokenPipeError:
            raise typer.Exit(0) from None


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="The signed sharing agreement is the access policy.",
    epilog="Exit codes: 0 done, 2 bad input, 3 refused, 4 integrity failure, 1 a bug.",
)


@app.callback()
def main(
    home: Annotated[
        str, typer.Option(help="Folder of the home; may stand behind any command.")
    ] = "./home",
) -> None:
    """The signed sharing agreement is the access policy: deposit, sign, ask, prove."""


for module in (facts, data, asking, ledger, serving):
    module.register(app)
