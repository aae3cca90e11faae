"""The synthetic county from the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .output import print_json, said, share


def build(
    out: Annotated[Path, typer.Option(help="Folder to build into; an older county is replaced.")],
    residents: Annotated[int, typer.Option(help="People on the first day.")] = 20_000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 1,
    years: Annotated[int, typer.Option(help="Years of events.")] = 5,
    weeks: Annotated[int, typer.Option(help="Weeks of change files.")] = 8,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Build a county of people who do not exist: place, records with errors, agreements, truth."""
    from commonthread.county.build import build as build_county
    from commonthread.county.settings import Settings

    settings = Settings(residents=residents, seed=seed, years=years, weeks=weeks)
    with share("building the county") as say:
        made = build_county(settings, out, say)
    if json:
        print_json({"folder": str(out), "rows": dict(made.rows), "digest": made.digest})
        return
    total = sum(made.rows.values())
    typer.echo(f"{out}: {len(made.rows)} datasets, {total:,} rows, digest {made.digest}")
    said().print(f"Read {out / 'report.md'} first.", markup=False)


def register(app: typer.Typer) -> None:
    county = typer.Typer(no_args_is_help=True, help="The synthetic county: data to try things on.")
    county.command(
        "build", epilog="Example: commonthread county build --residents 20000 --seed 1 --out county"
    )(build)
    county.callback()(lambda: None)
    app.add_typer(county, name="county")
