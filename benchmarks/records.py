"""How fast entries become durable, and how long a start takes.

    python benchmarks/records.py [READS]

Builds a home with a thousand facts and that many reads (20,000 unless told) in a throw-away folder,
on the database that $DATABASE_URL names or on SQLite; then four processes append as many again at
once, for each size of group. Prints beside the figures what this disk's fsync costs, since a
durable entry cannot cost less, and the load, since other work slows it all. Fails, exit 1, when
- 256 waiting callers get fewer than 2,000 entries a second,
- four processes get fewer than 10,000 entries a second in groups of 1,000,
- `epoch()` takes 5 ms, or
- a new process needs a second to start.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))
FACTS, CALLERS = 1_000, (1, 8, 64, 256)
PROCESSES, GROUPS = 4, (100, 500, 1_000)
LEAST_PER_SECOND, LEAST_IN_GROUPS, MOST_EPOCH, MOST_START = 2_000, 10_000, 0.005, 1.0
MOST_WAIT = 600  # seconds


def timed(work: Any, times: int = 1) -> float:
    started = time.perf_counter()
    for _ in range(times):
        work()
    return (time.perf_counter() - started) / times


def fsync_seconds(folder: Path) -> float:
    with (folder / "fsync").open("wb") as file:

        def once() -> None:
            file.write(bytes(4096))
            file.flush()
            os.fsync(file.fileno())

        return timed(once, 50)


def said(ledger: Any, number: int) -> dict[str, Any]:
    """What an entry says: the opening of a lease, found again by two tokens."""
    return {
        "kind": "lease.opened",
        "public": {"agreement": "ISA-2026-014", "rows": number},
        "body": {"member": "in.analysts", "question": "select " + "x" * 100},
        "tokens": [ledger.token("member"), ledger.token(str(number))],
    }


def record(ledger: Any, count: int) -> None:
    for number in range(count):
        ledger.record(**said(ledger, number))


def rate(ledger: Any, callers: int, count: int) -> float:
    """Durable entries a second, with so many callers that each wait for their own."""
    each = max(count // callers, 1)
    threads = [threading.Thread(target=record, args=(ledger, each)) for _ in range(callers)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return callers * each / (time.perf_counter() - started)


def append_groups(home: Path, size: int, count: int, gate: Any) -> None:
    """One of the processes: waits for the others before the first group and after the last."""
    set_up(home)
    from commonthread.broker.keyring import Keyring
    from commonthread.broker.records import open_ledger

    ledger = open_ledger(Keyring.load(home))
    ledger.standing()
    gate.wait()
    for _ in range(count):
        ledger.record_all([ledger.seal(**said(ledger, number)) for number in range(size)])
    gate.wait()


def rate_in_groups(home: Path, size: int, entries: int) -> float:
    """Durable entries a second of all processes together; sealing them is in the time."""
    count = max(entries // PROCESSES // size, 1)
    context = multiprocessing.get_context("spawn")
    gate = context.Barrier(PROCESSES + 1, timeout=MOST_WAIT)
    processes = [
        context.Process(target=append_groups, args=(home, size, count, gate))
        for _ in range(PROCESSES)
    ]
    for process in processes:
        process.start()
    gate.wait()
    seconds = timed(gate.wait)
    for process in processes:
        process.join()
    return PROCESSES * count * size / seconds


def set_up(home: Path) -> None:
    os.environ["COMMONTHREAD_HOME"] = str(home)
    os.environ["DJANGO_SETTINGS_MODULE"] = "commonthread.config.settings"
    import django

    django.setup()


def fill(ledger: Any, keyring: Any) -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from commonthread.broker.rules.keys import public_key

    service = str(public_key(keyring.service_key()))
    facts: list[Any] = [("home", {"origin": "benchmark.example/ledger", "service_key": service})]
    for number in range(FACTS - 1):
        root = str(public_key(Ed25519PrivateKey.generate()))
        body = {"id": f"p{number}", "name": "A partner", "kind": "council", "root_key": root}
        facts.append(("partner", body))
    ledger.add(facts)


def measure(home: Path, reads: int) -> bool:
    from commonthread.broker.keyring import Keyring
    from commonthread.broker.records import Ledger, close_ledgers, open_ledger

    keyring = Keyring.create(home)
    ledger = open_ledger(keyring)
    fill(ledger, keyring)
    print(f"| fsync | {fsync_seconds(home) * 1000:.2f} ms |")
    print(f"| load, before | {os.getloadavg()[0]:.1f} of {os.cpu_count()} cores |")
    rates = {callers: rate(ledger, callers, reads // len(CALLERS)) for callers in CALLERS}
    for callers, found in rates.items():
        print(f"| {callers} callers | {found:,.0f} durable entries/s |")
    grouped = {size: rate_in_groups(home, size, reads) for size in GROUPS}
    for size, found in grouped.items():
        print(f"| {PROCESSES} processes, groups of {size:,} | {found:,.0f} durable entries/s |")
    epoch, standing = timed(ledger.epoch, 200), timed(ledger.standing, 200)
    close_ledgers()
    start = timed(lambda: Ledger(keyring).standing())
    checked = timed(lambda: Ledger(keyring).verify())
    print(f"| epoch / standing, nothing new | {epoch * 1e3:.2f} / {standing * 1e3:.2f} ms |")
    print(f"| start, {FACTS:,} facts and {ledger.size - FACTS:,} reads | {start:.2f} s |")
    print(f"| full check | {checked:.1f} s |")
    fast = rates[CALLERS[-1]] >= LEAST_PER_SECOND and grouped[GROUPS[-1]] >= LEAST_IN_GROUPS
    return fast and epoch < MOST_EPOCH and start < MOST_START


def main() -> int:
    reads = int(sys.argv[1]) if sys.argv[1:] else 20_000
    with tempfile.TemporaryDirectory() as place:
        set_up(Path(place))
        from django.core.management import call_command

        call_command("migrate", verbosity=0, skip_checks=True)
        return 0 if measure(Path(place), reads) else 1


if __name__ == "__main__":
    sys.exit(main())
