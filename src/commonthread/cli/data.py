"""Commands about data: deposit, quarantine, link, query, look up."""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer

from commonthread.broker.access import Answer, BadInput, Lookup, Request, Sql
from commonthread.broker.access import open_broker as opened
from commonthread.broker.access.exports import (
    SMALL_GROUPS,
    WRITERS,
    demand_place,
    records,
    safe,
    whole,
    write,
)

from .facts import As, Json, Overwrite
from .output import (
    DEMO,
    MOST_ROWS,
    counted,
    print_json,
    print_table,
    progress,
    said,
    stages,
    words,
)

Under = Annotated[str, typer.Option(help="Reference of the agreement.")]
Purpose = Annotated[str, typer.Option(help="Id of the purpose.")]
Out = Annotated[Path | None, typer.Option(help="Write to this file: .csv or .parquet.")]
DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}


def deposit(
    dataset: Annotated[str, typer.Argument(help="Dataset as owner/id.")],
    file: Annotated[Path, typer.Argument(help="CSV or Parquet file.")],
    member: As,
    yes: Annotated[
        bool,
        typer.Option("--yes", help="A snapshot may have less than half of the last one's rows."),
    ] = False,
    json: Json = False,
) -> None:
    """Deposit a file as its owner's data engineer: the good rows; the others go to quarantine."""
    from commonthread.catalogue.deposits import receive

    broker = opened()
    with progress(f"depositing {dataset}") as done:
        received = receive(broker, _full(broker, dataset), file, member, done, may_shrink=yes)
    if json:
        print_json({name: getattr(received, name) for name in received.__slots__})
        return
    what = "deposited" if received.new else "unchanged, deposited before"
    typer.echo(f"{what}: {received.dataset} deposit {received.number}")
    typer.echo(f"rows {received.rows}, quarantined {received.quarantined}")
    if received.new and received.delivery == "snapshot" and received.previous_rows is not None:
        typer.echo(f"it replaces a snapshot of {counted(received.previous_rows, 'row')}")
    typer.echo(_stated(received.stated))
    malformed = {
        column["name"]: column["malformed"]
        for column in received.profile["columns"]
        if column.get("malformed")
    }
    for name, count in malformed.items():
        typer.echo(f"{name}: {count} badly formed, counted as missing for linking")
    if received.quarantined:
        typer.echo(f"see: commonthread quarantine {received.dataset} --as {member}")


def _stated(stated: Mapping[str, Any]) -> str:
    said_of_it = {**stated, "delimiter": DELIMITERS.get(stated.get("delimiter", ""), "")}
    return "read as " + ", ".join(
        f"{name.replace('_', ' ')} {value}" for name, value in said_of_it.items() if value != ""
    )


def _full(broker: Any, dataset: str) -> str:
    """`telecare` for `wychshire/telecare` where only one owner has a dataset of that id."""
    known = broker.standing().contracts
    if dataset in known or "/" in dataset:
        return dataset
    named = [name for name in known if name.partition("/")[2] == dataset]
    return named[0] if len(named) == 1 else dataset


def quarantine(
    dataset: Annotated[str, typer.Argument(help="Dataset as owner/id.")],
    member: As,
    out: Annotated[Path | None, typer.Option(help="Write to this CSV file.")] = None,
    overwrite: Overwrite = False,
    json: Json = False,
) -> None:
    """Show the rows of the newest deposit that were not taken, each with its reason."""
    from commonthread.catalogue.deposits import quarantine as rows_of

    if out:
        demand_place(out, overwrite=overwrite)
    broker = opened()
    name = _full(broker, dataset)
    rows = rows_of(broker, name, member)
    contract = broker.standing().contracts[name]
    if out:
        changed = _write_quarantine(rows, out)
        if json:
            print_json({"file": str(out), "rows": len(rows)})
            return
        typer.echo(f"{counted(len(rows), 'row')} written to {out}")
        _say_how_to_correct(contract.delivery, changed)
    elif json:
        print_json(rows)
    else:
        _show_quarantine(rows, contract.key)


def _write_quarantine(rows: list[dict[str, Any]], out: Path) -> bool:
    """Write the rows as CSV; returns whether a text had to be made safe for spreadsheets."""
    names = list(rows[0]) if rows else ["quarantine_line", "quarantine_reason"]
    changed = False
    with whole(out) as draft, draft.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        for row in rows:
            cells = [safe(v) if isinstance(v, str) else v for v in (row[n] for n in names)]
            changed = changed or cells != [row[name] for name in names]
            writer.writerow(cells)
    return changed


def _say_how_to_correct(delivery: str, changed: bool) -> None:
    how = "Correct the rows in it and deposit it; the columns quarantine_... may stay."
    if delivery == "snapshot":
        how = (
            "Correct the rows where they come from and deposit the whole file: a snapshot replaces "
            "the one before."
        )
    said().print(how, markup=False)
    if changed:
        said().print(
            "A ' stands before each text that a spreadsheet would take for a formula: remove it "
            "before you deposit.",
            markup=False,
        )


def _show_quarantine(rows: list[dict[str, Any]], key: Sequence[str]) -> None:
    """Line and reason first, and what finds the row again; a screen has no room for all of it."""
    print_table(
        ("line", "reason", *key),
        [(r["quarantine_line"], r["quarantine_reason"], *(r[name] for name in key)) for r in rows],
    )
    typer.echo(f"{counted(len(rows), 'row')} in quarantine; all columns: --out FILE.csv, --json")


def link(
    under: Under,
    json: Json = False,
) -> None:
    """Link the records of an agreement's datasets to residents; the platform's own work."""
    from commonthread.people.linking import run

    with stages(f"linking under {under}") as say:
        report = run(opened(), under, say)
    if json:
        print_json(report)
        return
    for name, value in report.items():
        if isinstance(value, Mapping) and any(isinstance(v, Mapping) for v in value.values()):
            for inner, counts in value.items():
                typer.echo(f"{inner}: {words(counts)}")
        else:
            typer.echo(f"{name.replace('_', ' ')}: {words(value)}")


def query(
    sql: Annotated[str, typer.Argument(help="SQL; each grant is a table, - written as _.")],
    under: Under,
    purpose: Purpose,
    member: As,
    out: Out = None,
    overwrite: Overwrite = False,
    json: Json = False,
) -> None:
    """Ask in SQL what an agreement grants. --out and --json need a grant that allows export."""
    if out:
        demand_place(out, tuple(WRITERS), overwrite=overwrite)
    broker = opened()
    request = Request(member, Sql(sql), under, purpose)
    with broker.read(request, export=json or out is not None) as answer:
        _give(answer, out, json, broker.demo)


def lookup(
    grant: Annotated[str, typer.Argument(help="Id of the look-up grant.")],
    reason: Annotated[str, typer.Option(help="Why this resident, now.")],
    under: Under,
    purpose: Purpose,
    member: As,
    value: Annotated[str, typer.Option(help="The key; - reads it from standard input.")] = "",
    person: Annotated[str, typer.Option(help="The person's pseudonym in this agreement.")] = "",
    json: Json = False,
) -> None:
    """Look up one resident or one key, for a reason, within the day's allowance."""
    if bool(value) == bool(person):
        raise BadInput("A look-up needs --value or --person, one of them.")
    if person and not re.fullmatch(r"[0-9]{1,19}", person):
        raise BadInput(
            "--person takes a pseudonym, which is a number.",
            mend="Copy it from the column `person` of an answer under this agreement.",
        )
    asked = sys.stdin.readline().strip() if value == "-" else value or person
    broker = opened()
    question = Lookup(grant, asked, reason, by_person=bool(person))
    with broker.read(Request(member, question, under, purpose), export=json) as answer:
        _give(answer, None, json, broker.demo)


def _give(answer: Answer, out: Path | None, json: bool, demo: bool) -> None:
    if demo:
        said().print(DEMO)
    if out:
        rows = write(answer, out, demo=demo)
        if json:
            print_json({**_about(answer), "file": str(out), "rows_written": rows})
            return
        typer.echo(f"{counted(rows, 'row')} written to {out}")
    elif json:
        print_json({**_about(answer), "rows": list(records(answer))})
        return
    else:
        _show(answer)
    if answer.mode == "statistics":
        said().print(SMALL_GROUPS)
    about = _about(answer)
    said().print(
        f"{about['agreement']} · ledger entry {about['entry']} · "
        + ", ".join(f"{name} deposit {number}" for name, number in answer.pins.items()),
        markup=False,
    )


def _show(answer: Answer) -> None:
    names = [name for name, _ in answer.columns]
    found = records(answer)
    rows = list(islice(found, MOST_ROWS))
    more = next(found, None) is not None
    print_table(names, ([row[name] for name in names] for row in rows))
    if more:
        typer.echo(f"The first {MOST_ROWS} rows; a screen shows no more.")
    else:
        typer.echo(counted(len(rows), "row"))


def _about(answer: Answer) -> dict[str, Any]:
    return {
        "agreement": answer.reference,
        "digest": answer.digest,
        "entry": answer.entry,
        "mode": answer.mode,
        "versions": dict(answer.pins),
        "columns": [{"name": name, "type": kind} for name, kind in answer.columns],
        **({"note": SMALL_GROUPS} if answer.mode == "statistics" else {}),
    }


def register(app: typer.Typer) -> None:
    examples: dict[Callable[..., None], str] = {
        deposit: "commonthread deposit wychshire/telecare telecare.csv --as e.wren",
        quarantine: "commonthread quarantine wychshire/telecare --as e.wren --out faults.csv",
        link: "commonthread link --under ISA-2026-001",
        query: 'commonthread query "select device, count(*) n from telecare_over_65 group by 1" '
        "--under ISA-2026-014 --purpose falls-prevention --as a.reed",
        lookup: 'commonthread lookup before-a-visit --person 123 --reason "visit at 3" '
        "--under ISA-2026-020 --purpose direct-care --as t.vale",
    }
    for command, example in examples.items():
        app.command(epilog=f"Example: {example}")(command)
