"""Commands that decide without reading: explain, who-can, what-can."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from commonthread.broker.access import BadInput, Decision, Lookup, Request, Sql
from commonthread.broker.access import open_broker as opened

from .facts import As, Json
from .output import print_json, print_table, reasons_table


def explain(
    member: As,
    under: Annotated[str, typer.Option(help="Reference of the agreement.")],
    purpose: Annotated[str, typer.Option(help="Id of the purpose.")],
    sql: Annotated[str, typer.Argument(help="A query; none: whatever may be asked.")] = "",
    grant: Annotated[str, typer.Option(help="A look-up grant instead of a query.")] = "",
    person: Annotated[bool, typer.Option(help="The look-up is by person.")] = False,
    json: Json = False,
) -> None:
    """Say what would be decided, and by which clauses, without reading anything."""
    question = Lookup(grant, "", "explained", person) if grant else Sql(sql)
    decision = opened().decide(Request(member, question, under, purpose))
    if json:
        print_json(_plain(decision))
        return
    typer.echo("permitted" if decision.permitted else "refused")
    for clause in decision.clauses:
        typer.echo(f"  {clause}")
    for reason in decision.reasons:
        typer.echo(f"  {reason}")
    if decision.permitted:
        typer.echo(f"until {decision.expires.isoformat()} at the latest")
    raise typer.Exit(0 if decision.permitted else 3)


def who_can(
    dataset: Annotated[str, typer.Argument(help="Dataset as owner/id.")], json: Json = False
) -> None:
    """Say who may read a dataset now, by which grant; and who could, and why not yet."""
    found = [
        (member, grant, decision)
        for member, grant, decision in opened().who_can(dataset)
        if not _hopeless(decision)
    ]
    if json:
        print_json([{"member": m, "grant": g, **_plain(d)} for m, g, d in found])
        return
    print_table(
        ("member", "agreement", "grant", "now"),
        [(m, d.request.agreement, g, _now(d)) for m, g, d in found],
    )


def what_can(
    member: Annotated[str, typer.Argument(help="The member's id.")], json: Json = False
) -> None:
    """Say what a member may read now, by which grant; and what not yet, and why."""
    broker = opened()
    if member not in {known.id for known in broker.members()}:
        raise BadInput("No member of this id is known.")
    found = [(grant, decision) for grant, decision in broker.can(member) if not _hopeless(decision)]
    if json:
        print_json([{"grant": g, **_plain(d)} for g, d in found])
        return
    print_table(
        ("agreement", "purpose", "grant", "now"),
        [(d.request.agreement, d.request.purpose, g, _now(d)) for g, d in found],
    )


def _hopeless(decision: Decision) -> bool:
    """Whether the grant is for other people: nothing that happens to it would open it to these."""
    return any(reason.code in ("recipient", "member-unknown") for reason in decision.reasons)


def _now(decision: Decision) -> str:
    if decision.permitted:
        return f"yes, until {decision.expires.date().isoformat()} at the latest"
    return "no: " + " ".join(reason.message for reason in decision.reasons)


def _plain(decision: Decision) -> dict[str, Any]:
    return {
        "agreement": decision.request.agreement,
        "purpose": decision.request.purpose,
        "permitted": decision.permitted,
        "digest": decision.digest,
        "clauses": list(decision.clauses),
        "reasons": reasons_table(decision.reasons),
        "warnings": reasons_table(decision.warnings),
        "expires": decision.expires.isoformat(),
    }


def register(app: typer.Typer) -> None:
    app.command(
        epilog='Example: commonthread explain "select count(*) from attendances" '
        "--under ISA-2026-014 --purpose falls-prevention --as a.reed"
    )(explain)
    app.command("who-can", epilog="Example: commonthread who-can wychshire/telecare")(who_can)
    app.command("what-can", epilog="Example: commonthread what-can a.reed")(what_can)
