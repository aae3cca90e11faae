"""What a governed answer costs beside raw DuckDB on the same encrypted deposit, warm and cold.

    python benchmarks/governed.py [ROWS]

One dataset of a million rows, one partner's statistics and rows grants over it, no linkage. In one
run, each question three times, the least taken:
- raw: DuckDB in this process reads the encrypted deposit, with the grant's filter, no broker;
- warm: through the door (decide, gate, lease, worker, two entries), extract and worker ready;
- cold: the same with the extract destroyed and no worker, so that both are made first.

Prints seconds and ratios.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT)]
FILTER = "district <> 'West'"
QUESTIONS = {
    "count": (
        "select count(*) n from calls",
        "select count(*) n from {raw} where " + FILTER,
    ),
    "group": (
        "select district, minutes, count(*) n from calls group by all",
        "select district, minutes, count(*) n from {raw} where " + FILTER + " group by all",
    ),
    "statistics": (
        "select district, count(*) n, avg(minutes) m from counted group by district",
        "select district, count(*) n, avg(minutes) m from {raw} where " + FILTER + " group by all",
    ),
    "small filter": (
        "select * from calls where ref = 'C0000001'",
        "select ref, district, minutes from {raw} where ref = 'C0000001' and " + FILTER,
    ),
    "top n": (
        "select ref, minutes from calls order by minutes desc, ref limit 20",
        "select ref, minutes from {raw} where " + FILTER + " order by minutes desc, ref limit 20",
    ),
}


def least(work: Callable[[], object], times: int = 3) -> float:
    found = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        found.append(time.perf_counter() - started)
    return min(found)


def main() -> int:
    count = int(sys.argv[1]) if sys.argv[1:] else 1_000_000
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        os.environ["COMMONTHREAD_HOME"] = str(folder / "home")
        os.environ["DJANGO_SETTINGS_MODULE"] = "commonthread.config.settings"
        os.environ.pop("DATABASE_URL", None)
        measure(folder, count)
    return 0


def measure(folder: Path, count: int) -> None:
    (folder / "home").mkdir(mode=0o700)
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0, interactive=False)
    from tests.homes import ANALYST, DATASET, PURPOSE, REFERENCE, small_home

    from commonthread.broker.access import Request, Sql
    from commonthread.broker.lake.workers import Pool

    started = time.perf_counter()
    broker = small_home(folder, rows=count)
    print(f"deposited {count:,} rows in {time.perf_counter() - started:.1f} s", file=sys.stderr)
    deposit = broker.standing().pinned(DATASET)[-1]
    connection = broker._store.connect()
    raw = broker._store.open_deposit(connection, deposit)

    def governed(sql: str) -> object:
        with broker.read(Request(ANALYST, Sql(sql), REFERENCE, PURPOSE)) as answer:
            return answer.rows()

    def cold(sql: str) -> object:
        broker._pool.close()
        broker._pool = broker._reader._pool = Pool()
        broker._extracts.sweep(set)
        return governed(sql)

    print("| question | raw s | warm s | warm / raw | cold s |\n|---|---|---|---|---|")
    for name, (sql, plain) in QUESTIONS.items():
        beside = least(lambda plain=plain: connection.execute(plain.format(raw=raw)).fetchall())
        first = least(lambda sql=sql: cold(sql), 1)
        warm = least(lambda sql=sql: governed(sql))
        print(f"| {name} | {beside:.3f} | {warm:.3f} | {warm / beside:.2f} | {first:.2f} |")


if __name__ == "__main__":
    sys.exit(main())
