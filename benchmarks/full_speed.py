"""Eight questions over people and events of the county: governed, raw and PostgreSQL, side by side.

    python benchmarks/full_speed.py [--people N] [--events N] [--county DIR] [--no-postgres]
        [--worker-gib N]

- governed: the whole answer through the door (decision, gate, lease, two durable entries, worker);
- raw: DuckDB in this process over the same encrypted deposits, with the grants' filter and columns;
- PostgreSQL: the same rows with row-level security, column grants, indexes and an audit log.

Warm: the least of five rounds after one that is not counted. Cold: no extract, no worker. Governed
figures are compared with the raw ones, so that nothing is fast by being wrong. Prints Markdown.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "src"), str(HERE.parent), str(HERE)]


@dataclass(frozen=True)
class Question:
    """`governed` in the analyst's words; `plain` over {people} and {events}, for both peers."""

    name: str
    purpose: str
    governed: str
    plain: str
    tables: tuple[str, ...] = ("events",)


QUESTIONS = (
    Question(
        "counts",
        "planning",
        "select service, reason, count(*) n from events group by all",
        "select service, reason, count(*) n from {events} group by 1, 2",
    ),
    Question(
        "join across partners",
        "planning",
        "select p.frailty, e.reason, count(*) n from people p join events e"
        " on e.person = p.person group by all",
        "select p.frailty, e.reason, count(*) n from {people} p join {events} e"
        " on e.resident = p.resident group by 1, 2",
        ("people", "events"),
    ),
    Question(
        "distinct people",
        "planning",
        "select reason, count(distinct person) n from events group by reason",
        "select reason, count(distinct resident) n from {events} group by 1",
    ),
    Question(
        "time series",
        "planning",
        "select month, service, count(*) n from events group by all",
        "select date_trunc('month', happened) m, service, count(*) n from {events} group by 1, 2",
    ),
    Question(
        "top n",
        "planning",
        "select practice, count(*) n from people group by practice order by n desc limit 10",
        "select practice, count(*) n from {people} group by 1 order by n desc, practice limit 10",
        ("people",),
    ),
    Question(
        "window",
        "operations",
        "select outcome, count(*) n from (select outcome, row_number() over"
        " (partition by resident order by happened desc, event_ref) k from event_rows"
        " where service = 'attendance') latest where k = 1 group by outcome",
        "select outcome, count(*) n from (select outcome, row_number() over"
        " (partition by resident order by happened desc, event_ref) k from {events}"
        " where service = 'attendance') latest where k = 1 group by outcome",
    ),
    Question(
        "small filter",
        "operations",
        "select event_ref, service, happened, reason, mode, outcome from event_rows"
        " where event_ref = 'EV000012345'",
        "select event_ref, service, happened, reason, mode, outcome from {events}"
        " where event_ref = 'EV000012345'",
    ),
    Question(
        "wide scan",
        "operations",
        "select service, reason, mode, outcome, count(*) n, min(happened), max(happened),"
        " min(event_ref), max(event_ref) from event_rows group by all",
        "select service, reason, mode, outcome, count(*) n, min(happened), max(happened),"
        " min(event_ref), max(event_ref) from {events} group by 1, 2, 3, 4",
    ),
)
EMPTY = "select service from event_rows limit 0"
ROUNDS = 5


@dataclass
class Seen:
    """Seconds of one question."""

    raw: float
    warm: float
    postgres: float | None = None


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    started = time.perf_counter()
    found = work()
    return time.perf_counter() - started, found


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=20_000)
    parser.add_argument("--events", type=int, help="20 for every 3 people, if not given")
    parser.add_argument("--county", type=Path, help="a built county, or where to build one")
    parser.add_argument("--no-postgres", action="store_true")
    parser.add_argument("--worker-gib", default="4", help="memory of one worker")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ct-speed-") as place:
        folder = Path(place)
        os.environ["COMMONTHREAD_HOME"] = str(folder / "home")
        os.environ["DJANGO_SETTINGS_MODULE"] = "commonthread.config.settings"
        os.environ["COMMONTHREAD_WORKER_GIB"] = options.worker_gib
        os.environ.pop("DATABASE_URL", None)
        (folder / "home").mkdir(mode=0o700)
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0, interactive=False)
        measure(folder, options)
    return 0


def measure(folder: Path, options: argparse.Namespace) -> None:
    import two_tables
    from beside_postgres import beside

    county_seconds, county = timed(
        lambda: two_tables.county_of(options.people, options.county or folder / "county")
    )
    events = options.events or options.people * 20 // 3
    files = two_tables.write_files(county, folder, events)
    say(f"county in {county_seconds:.0f} s; {files.rows}, {files.copies:,} events are copies")
    deposit_seconds, broker = timed(lambda: two_tables.home_of(folder, files))
    say(f"deposited in {deposit_seconds:.0f} s")
    governed = Governed(broker)
    cold = governed.make_cold()
    raw = Raw(broker)
    server = nullcontext() if options.no_postgres else beside(
        files.paths, two_tables.COLUMNS, two_tables.KEYS, two_tables.OPEN
    )  # fmt: skip
    with server as postgres:
        if postgres:
            say("PostgreSQL is loaded")
        seen = {each.name: one(each, governed, raw, postgres) for each in QUESTIONS}
        print(f"\n{files.rows['people']:,} people, {files.rows['events']:,} events, of which")
        print(f"{files.copies:,} are copies with shifted days; load {os.getloadavg()[0]:.1f}\n")
        show(seen, postgres)
        show_costs(governed, raw, cold, seen, deposit_seconds)
        if postgres:
            print(
                f"- PostgreSQL {postgres.version}, {postgres.megabytes:,.0f} MB, {postgres.audit}"
            )
            print(f"  (its log holds {postgres.log.stat().st_size:,} bytes)")
    broker._pool.close()


class Governed:
    """Answers through the door, and what had to be made before they were warm."""

    def __init__(self, broker: Any) -> None:
        import two_tables

        self.broker, self.world = broker, two_tables

    def ask(self, sql: str, purpose: str) -> list[dict[str, Any]]:
        from commonthread.broker.access import Request, Sql

        world = self.world
        request = Request(world.ANALYST, Sql(sql), world.REFERENCES[purpose], purpose)
        with self.broker.read(request) as answer:
            rows: list[dict[str, Any]] = answer.rows()
        return rows

    def make_cold(self) -> dict[str, tuple[float, float, float]]:
        """For each purpose: seconds of its extracts, of a worker that loads them; MB of them."""
        found = {}
        for purpose in (self.world.FIGURES, self.world.ROWS):
            views = self.views(purpose)
            build, made = timed(lambda views=views: [self.extract(view) for view in views])
            first = next(each for each in QUESTIONS if each.purpose == purpose)
            load, _ = timed(lambda first=first: self.ask(first.governed, first.purpose))
            size = sum(each.path.stat().st_size for each in made) / 1e6
            found[purpose] = (build, load, size)
        return found

    def views(self, purpose: str) -> list[Any]:
        from commonthread.broker.rules.views import every_view

        at = datetime.now().astimezone()
        every = every_view(self.broker.standing(), at)
        return [view for view in every if view.grant.purpose == purpose]

    def extract(self, view: Any) -> Any:
        return self.broker._extracts.ensure(view)

    def memory(self) -> dict[str, float]:
        """Resident and highest MB of each worker, by the purpose it serves."""
        found = {}
        for worker in self.broker._pool._workers:
            purpose = worker.key.split("|")[2]
            said = Path(f"/proc/{worker._process.pid}/status").read_text(encoding="ascii")
            lines = dict(line.split(":", 1) for line in said.splitlines() if ":" in line)
            for word in ("VmRSS", "VmHWM"):
                found[f"{purpose} {word}"] = int(lines[word].split()[0]) / 1e3
        return found


class Raw:
    """DuckDB over the same encrypted deposits, with the grants' filter, in this process."""

    def __init__(self, broker: Any) -> None:
        import two_tables

        self.connection = broker._store.connect()
        self.bytes: dict[str, int] = {}
        self.tables = {}
        for name, owner in two_tables.OWNERS.items():
            deposits = broker.standing().pinned(f"{owner}/{name}")
            self.tables[name] = f"raw_{name}"
            opened = ", ".join(two_tables.OPEN[name])
            parts = (broker._store.open_deposit(self.connection, each) for each in deposits)
            selects = (f"SELECT {opened} FROM {part} WHERE NOT protected" for part in parts)
            self.connection.execute(f"CREATE TEMP VIEW raw_{name} AS {' UNION ALL '.join(selects)}")
            paths = (broker._store.deposit_path(each.dataset, each.id) for each in deposits)
            self.bytes[name] = sum(path.stat().st_size for path in paths)

    def ask(self, plain: str) -> list[tuple[Any, ...]]:
        rows: list[tuple[Any, ...]] = self.connection.execute(
            plain.format(**self.tables)
        ).fetchall()
        return rows


def one(question: Question, governed: Governed, raw: Raw, postgres: Any) -> Seen:
    """Turn and turn about, so that other work on the machine slows each of them alike."""
    text = question.plain.format(people="people", events="events")
    ways: dict[str, Callable[[], Any]] = {
        "raw": lambda: raw.ask(question.plain),
        "warm": lambda: governed.ask(question.governed, question.purpose),
    }
    if postgres:
        ways["postgres"] = lambda: postgres.ask(text)
    answers = {name: way() for name, way in ways.items()}
    check(question, answers["warm"], answers["raw"])
    if postgres and set(answers["postgres"]) != set(answers["raw"]):
        raise SystemExit(f"{question.name}: PostgreSQL answers something else")
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            times[name].append(timed(way)[0])
    seen = Seen(**{name: min(found) for name, found in times.items()})
    say(f"{question.name}: {seen}")
    return seen


def check(question: Question, governed: list[dict[str, Any]], raw: list[tuple[Any, ...]]) -> None:
    """Rows are the same; figures are the same rounded to five, with small cells absent."""
    if question.purpose == "operations":
        same = {tuple(row.values()) for row in governed} == set(raw)
    else:
        count = {_cell(row[:-1]): row[-1] for row in raw}
        shown = {_cell(tuple(row.values())[:-1]): row["n"] for row in governed}
        same = bool(shown) and all(abs(n - count[cell]) <= 2.5 for cell, n in shown.items())
    if not same:
        raise SystemExit(f"{question.name}: the governed answer is not the raw one")


def _cell(values: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(f"{one:%Y-%m}" if isinstance(one, datetime) else one for one in values)


def show(seen: dict[str, Seen], postgres: Any) -> None:
    print(
        "| question | raw s | governed s | governed / raw | PostgreSQL s | PostgreSQL / governed |"
    )
    print("|---|---|---|---|---|---|")
    for name, each in seen.items():
        slow = each.postgres
        print(
            f"| {name} | {each.raw:.4f} | {each.warm:.4f} | {each.warm / each.raw:.2f}"
            + (f" | {slow:.3f} | {slow / each.warm:.1f} |" if slow else " | | |")
        )
    ratios = [each.warm / each.raw for each in seen.values()]
    faster = [each.postgres / each.warm for each in seen.values() if each.postgres]
    print(
        f"| **median** | | | {statistics.median(ratios):.2f} | |"
        f" {statistics.median(faster) if postgres else 0:.1f} |"
    )
    print(f"| **worst** | | | {max(ratios):.2f} | | {min(faster) if postgres else 0:.1f} |\n")


def show_costs(
    governed: Governed,
    raw: Raw,
    cold: dict[str, tuple[float, float, float]],
    seen: dict[str, Seen],
    deposit_seconds: float,
) -> None:
    times = sorted(timed(lambda: governed.ask(EMPTY, "operations"))[0] for _ in range(41))
    read = {name: f"{size / 1e6:,.1f} MB" for name, size in raw.bytes.items()}
    print(f"- Fixed cost, an empty question: median {1e3 * statistics.median(times):.1f} ms, ")
    print(f"  least {1e3 * times[0]:.1f} ms")
    print(f"- Deposited, checked and encrypted: {deposit_seconds:.1f} s; files {read}")
    for purpose, (build, load, size) in cold.items():
        mine = [seen[each.name] for each in QUESTIONS if each.purpose == purpose]
        saved = statistics.fmean(each.raw - each.warm for each in mine)
        even = f"{(build + load) / saved:,.0f} questions" if saved > 0 else "never against raw"
        print(
            f"- {purpose}: extracts {build:.1f} s ({size:,.1f} MB, read once when a worker loads;"
            f" warm answers read no file), first answer with a new worker {load:.1f} s,"
            f" even after {even}"
        )
    print(f"- A worker may take {os.environ['COMMONTHREAD_WORKER_GIB']} GiB")
    print(f"- Worker MB: { {name: round(size) for name, size in governed.memory().items()} }")


if __name__ == "__main__":
    sys.exit(main())
