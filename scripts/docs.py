"""Write the pages of docs/ that are made from the code, or say that they are stale.

python scripts/docs.py          write them
python scripts/docs.py --check  compare only; exit 1 when one differs
"""

import argparse
import inspect
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
MADE = "<!-- Made by scripts/docs.py from the code: change it there. -->"


def commands_page(app: Any) -> str:
    """The reference of the command line, one section for each command, from its Typer app."""
    from typer.main import get_command

    lines = ["# Commands", "", MADE]
    for path, command, context in walk(get_command(app), "commonthread"):
        lines += section(path, command, context)
    return "\n".join(lines).rstrip() + "\n"


def walk(command: Any, path: str, parent: Any = None) -> Iterator[tuple[str, Any, Any]]:
    """Each command under its full name, groups before what is in them."""
    context = command.context_class(command, info_name=path.split()[-1], parent=parent)
    yield path, command, context
    for name, child in getattr(command, "commands", {}).items():
        if not child.hidden:
            yield from walk(child, f"{path} {name}", context)


def section(path: str, command: Any, context: Any) -> list[str]:
    level = "#" * (len(path.split()) + 1)
    usage = " ".join([path, *command.collect_usage_pieces(context)])
    lines = ["", f"{level} {path}", "", "```", usage, "```"]
    for text in (command.help, command.epilog):
        if text:
            lines += ["", plain(text)]
    rows = [row for parameter in command.params if (row := describe(parameter, context))]
    if rows:
        lines += ["", "| | |", "|---|---|", *rows]
    return lines


def describe(parameter: Any, context: Any) -> str:
    """One row of a table; an option that says nothing of itself is shown all the same."""
    if getattr(parameter, "hidden", False) or parameter.name == "help":
        return ""
    names, text = parameter.get_help_record(context) or (parameter.name, "")
    names, text = (part.replace("|", "\\|") for part in (names, " ".join(text.split())))
    return f"| `{names}` | {text} |"


def plain(text: str) -> str:
    """A help text as prose: click's own mark for `leave these lines alone` goes."""
    return inspect.cleandoc(text.replace("\b\n", "").replace("\f", ""))


def settings_page() -> str:
    """The table of environment variables."""
    from commonthread.config.environment import VARIABLES

    rows = [
        f"| `{variable.name}` | {variable.meaning} | {variable.without} |" for variable in VARIABLES
    ]
    head = ["| Variable | Meaning | Without it |", "|---|---|---|"]
    return "\n".join(["# Settings", "", MADE, "", *head, *rows]) + "\n"


def sql_page() -> str:
    """What a query may use: made from the very lists that the gate goes by."""
    from commonthread.broker.lake import grammar

    functions = sorted({kind.sql_names()[0].lower() for kind in grammar.FUNCTIONS})
    types = sorted(kind.value.lower() for kind in grammar.DATA_TYPES)
    lines = [
        "# SQL",
        "",
        MADE,
        "",
        "A query is one SELECT in DuckDB's dialect over the tables of the grants. What is not on",
        "these lists is refused. Under a statistics grant the normal form is narrower still:",
        "grouping columns, `count(*)`, `count(distinct person)`, `sum` and `avg` (docs/adr/0003).",
        "",
        "## Functions",
        "",
        ", ".join(f"`{name}`" for name in functions) + ".",
        "",
        "## Types to cast to",
        "",
        ", ".join(f"`{name}`" for name in types) + ".",
    ]
    return "\n".join(lines) + "\n"


def county_page() -> str:
    """The county's datasets, error rates with their sources, rates of life, and answer key."""
    from commonthread.county.causes import EFFECTS
    from commonthread.county.rates import DESCRIPTIONS, RATES
    from commonthread.county.records import PLANS

    lines = ["# The county in tables", "", MADE, "", "What it is: [county.md](county.md)."]
    lines += ["", "## Datasets", "", "| Dataset | Delivery | Columns |", "|---|---|---|"]
    for plan in PLANS:
        columns = ", ".join(f"`{column.name}`" for column in plan.columns)
        lines.append(f"| {plan.owner}/{plan.id}: {plan.title} | {plan.delivery} | {columns} |")
    lines += ["", "## Errors", "", "| Error | What it is |", "|---|---|"]
    lines += [f"| {name} | {said} |" for name, said in DESCRIPTIONS.items()]
    lines += ["", "How often, of the records that can have it, and who says so:", ""]
    lines += ["| Dataset | Error | Share | Source |", "|---|---|---|---|"]
    for dataset, rates in RATES.items():
        for name, rate in rates.items():
            lines.append(f"| {dataset} | {name} | {rate.rate:.1%} | {rate.source} |")
    lines += ["", "## The answer key", "", "| Effect | Of | On | Kind | Size | |"]
    lines.append("|---|---|---|---|---|---|")
    for each in EFFECTS:
        size = f"{each.size} {each.unit}"
        lines.append(
            f"| {each.name} | {each.of} | {each.on} | {each.kind} | {size} | {each.note} |"
        )
    return "\n".join(lines) + "\n"


def law_page() -> str:
    """The maintained lists of the law, and what becomes of each field of the terms."""
    from commonthread.gateway import law
    from commonthread.gateway.clauses import FIELDS
    from commonthread.gateway.templates import SIXTEEN

    lines = [
        "# The law that agreements name",
        "",
        MADE,
        "",
        *inspect.cleandoc(law.__doc__ or "").splitlines(),
    ]
    for title, entries in (
        ("Lawful bases", law.BASES),
        ("Conditions of Annex 1", law.ANNEX_1),
        ("Special-category conditions", law.CONDITIONS),
        ("Criminal-offence data", {law.ARTICLE_10.id: law.ARTICLE_10}),
        ("Conditions of Schedule 1", law.SCHEDULE_1),
        ("Legal powers and duties", law.POWERS),
        ("Bases for confidentiality", law.CONFIDENTIALITY),
        ("Opt-out rules", law.OPT_OUTS),
    ):
        lines += ["", f"## {title}", "", "| Id | What | For | When it fits | Beside it | Read |"]
        lines += ["|---|---|---|---|---|---|", *(law_row(each) for each in entries.values())]
    lines += ["", "## What becomes of each field", "", "| Field | | Class | Held by |"]
    lines.append("|---|---|---|---|")
    for field in FIELDS.values():
        held = f"`{field.rule.removeprefix('commonthread.')}`" if field.rule else field.owner
        lines.append(f"| `{field.path}` | {field.title} | {field.kind} | {held} |")
    lines += ["", "## The sixteen clauses of a paper agreement", "", "| | Clause | Says | Fields |"]
    lines.append("|---|---|---|---|")
    for clause in SIXTEEN:
        said = ", ".join(f"`{path}`" for path in (*clause.fields, *clause.sometimes))
        lines.append(f"| {clause.number} | {clause.title} | {clause.says} | {said} |")
    return "\n".join(lines) + "\n"


def law_row(entry: Any) -> str:
    """One entry: who read it, when and where, and what has still to be verified."""
    from commonthread.gateway.law import in_words

    read = f"{entry.checked.isoformat()}: {entry.source}" if entry.checked else entry.source
    doubt = f" **Verify:** {entry.doubt}" if entry.verify else ""
    what = f"{entry.title}. {entry.citation}"
    needs = " ".join(entry.needs)
    cells = (f"`{entry.id}`", what, in_words(entry.bodies), entry.fits, needs, read + doubt)
    return f"| {' | '.join(cells)} |"


def pages() -> dict[str, str]:
    import django

    with tempfile.TemporaryDirectory() as home:
        os.environ["COMMONTHREAD_HOME"] = home
        os.environ["DJANGO_SETTINGS_MODULE"] = "commonthread.config.settings"
        # Help is folded to the terminal's width: fix it, or the page depends on who makes it.
        os.environ.update(COLUMNS="100", TERMINAL_WIDTH="100", NO_COLOR="1")
        django.setup()
        from commonthread.cli import app

        return {
            "commands.md": commands_page(app),
            "county-tables.md": county_page(),
            "law.md": law_page(),
            "settings.md": settings_page(),
            "sql.md": sql_page(),
        }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare only")
    compare = parser.parse_args().check
    stale = []
    for name, text in pages().items():
        path = DOCS / name
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(f"docs/{name}")
        if not compare:
            DOCS.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
    if compare and stale:
        print(f"docs: stale, run python scripts/docs.py: {', '.join(stale)}")
    return 1 if compare and stale else 0


if __name__ == "__main__":
    sys.exit(main())
