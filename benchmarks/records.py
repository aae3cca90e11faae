"""How fast entries become durable, and how long a start takes.

    python benchmarks/records.py [READS]

Builds a home with a thousand facts and that many reads (20,000 unless told) in a throw-away folder,
on the database that $DATABASE_URL names or on SQLite. Prints what this disk's fsync costs beside
each figure, since a durable entry cannot cost less. Fails, exit 1, when
- 256 waiting callers get fewer than 2,000 entries a second,
- `epoch()` takes 5 ms, or
- a new process needs a second to start.
"""

from __future__ import annotations

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
LEAST_PER_SECOND, MOST_EPOCH, MOST_START = 2_000, 0.005, 1.0


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


def record(ledger: Any, count: int) -> None:
    for number in range(count):
        ledger.record(
            "lease.opened",
            public={"agreement": "ISA-2026-014", "rows": number},
            body={"member": "in.analysts", "question": "select " + "x" * 100},
            tokens=[ledger.token("member"), ledger.token(str(number))],
        )


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
    rates = {callers: rate(ledger, callers, reads // len(CALLERS)) for callers in CALLERS}
    for callers, found in rates.items():
        print(f"| {callers} callers | {found:,.0f} durable entries/s |")
    epoch, standing = timed(ledger.epoch, 200), timed(ledger.standing, 200)
    close_ledgers()
    start = timed(lambda: Ledger(keyring).standing())
    checked = timed(lambda: Ledger(keyring).verify())
    print(f"| epoch / standing, nothing new | {epoch * 1e3:.2f} / {standing * 1e3:.2f} ms |")
    print(f"| start, {FACTS:,} facts and {ledger.size - FACTS:,} reads | {start:.2f} s |")
    print(f"| full check | {checked:.1f} s |")
    return rates[CALLERS[-1]] >= LEAST_PER_SECOND and epoch < MOST_EPOCH and start < MOST_START


def main() -> int:
    reads = int(sys.argv[1]) if sys.argv[1:] else 20_000
    with tempfile.TemporaryDirectory() as place:
        os.environ["COMMONTHREAD_HOME"] = place
        os.environ["DJANGO_SETTINGS_MODULE"] = "commonthread.config.settings"
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0, skip_checks=True)
        return 0 if measure(Path(place), reads) else 1


if __name__ == "__main__":
    sys.exit(main())
