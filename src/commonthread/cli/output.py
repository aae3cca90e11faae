"""What the command line prints: tables, JSON, progress; and how errors end it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from commonthread.broker.access import BadInput, IntegrityFailure, Refused, UserFacing

MOST_ROWS = 1_000
DEMO = "Demo home: it holds the keys of its personas. Put no real data in it."


def console() -> Console:
    return Console(highlight=False)


def said() -> Console:
    """For people, beside the answer: progress, notices, errors; lines are not folded."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def print_error(error: UserFacing, *, as_json: bool) -> None:
    """What a person can mend, on standard error: as text, or as JSON where JSON was asked for."""
    if as_json:
        sys.stderr.write(json.dumps(_plain(error), indent=2, ensure_ascii=False) + "\n")
    else:
        said().print(str(error), markup=False, style="bold red" if sys.stderr.isatty() else "")


def _plain(error: UserFacing) -> dict[str, Any]:
    kind = "bad-input"
    if isinstance(error, Refused):
        kind = "refused"
    elif isinstance(error, IntegrityFailure):
        kind = "integrity-failure"
    problems = error.problems if isinstance(error, BadInput) else ()
    return {
        "error": kind,
        "exit_code": error.exit_code,
        "message": error.message,
        "mend": error.mend,
        "reasons": reasons_table(error.reasons if isinstance(error, Refused) else ()),
        "problems": [{"where": p.where, "message": p.message, "mend": p.mend} for p in problems],
    }


def print_json(value: Any) -> None:
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n")


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[Any]], *, title: str = "", most: int = MOST_ROWS
) -> int:
    """Print rows as a table, `most` at the most; returns how many were shown."""
    table = Table(title=title or None, title_justify="left", title_style="bold")
    for name in columns:
        table.add_column(Text(name), overflow="fold")
    count = 0
    for row in rows:
        if count == most:
            break
        count += 1
        table.add_row(*(Text("" if value is None else _text(value)) for value in row))
    console().print(table)
    return count


def counted(number: int, noun: str) -> str:
    """`1 row`, `2 rows`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def words(value: Any) -> str:
    """A plain value as people write it: no brackets, no quotes, yes and no."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {words(inner)}" for name, inner in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(words, value)) or "none"
    return str(value)


def _text(value: Any) -> str:
    text = words(value)
    # A value out of somebody's file may hold escape sequences for the terminal.
    return "".join(mark if mark.isprintable() or mark == "\n" else "\ufffd" for mark in text)


@contextmanager
def progress(what: str) -> Iterator[Callable[[int], None]]:
    """A moving line with a count, on a terminal only; call it with the rows done so far."""
    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,.0f} rows"),
        TimeElapsedColumn(),
        console=said(),
        transient=True,
        disable=not sys.stderr.isatty(),
    )
    with bar:
        task = bar.add_task(what, total=None)
        yield lambda done: bar.update(task, completed=done)


@contextmanager
def share(what: str) -> Iterator[Callable[[str, float], None]]:
    """A bar from 0 to 1 that names the stage, on a terminal only; call it with stage and share."""
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        console=said(),
        transient=True,
        disable=not sys.stderr.isatty(),
    )
    with bar:
        task = bar.add_task(what, total=1.0)
        yield lambda stage, part: bar.update(task, description=f"{what}: {stage}", completed=part)


@contextmanager
def stages(what: str) -> Iterator[Callable[[str], None]]:
    """A moving line that names the stage of long work, on a terminal only."""
    if not sys.stderr.isatty():
        yield lambda stage: None
        return
    with said().status(what) as line:
        yield lambda stage: line.update(f"{what}: {stage}")


def reasons_table(reasons: Iterable[Any]) -> list[Mapping[str, str]]:
    return [
        {"code": r.code, "clause": r.clause, "message": r.message, "mend": r.mend} for r in reasons
    ]
