"""How long a withdrawal takes to reach the last of four processes that read under load.

    python benchmarks/revocation.py [ROUNDS]

Each round: four processes run a query that would take hours, a fifth withdraws. Measured from the
moment it begins to withdraw, its commit included, until the last reader has been cut off.
Fails, exit 1, when that takes more than a second.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
READING = """
import sys, pathlib, time, django
django.setup()
from commonthread.broker.access import LeaseEnded, Request, Sql, open_broker
from tests.homes import ANALYST, PURPOSE, REFERENCE
sql = ("select count(*) from calls a join calls b on a.district = b.district"
       " join calls c on b.district = c.district join calls d on c.district = d.district"
       " where a.minutes + b.minutes + c.minutes + d.minutes > 0")
broker = open_broker(pathlib.Path(sys.argv[1]))
with broker.read(Request(ANALYST, Sql(sql), REFERENCE, PURPOSE)) as answer:
    print("reading", flush=True)
    try:
        list(answer.batches())
    except LeaseEnded:
        print(time.time(), flush=True)
"""
WITHDRAWING = """
import sys, pathlib, time, django
django.setup()
from commonthread.broker.access import open_broker
from tests.homes import REFERENCE, SIGNATORY
broker = open_broker(pathlib.Path(sys.argv[1]))
print(time.time(), flush=True)
broker.act(REFERENCE, "withdraw", SIGNATORY, "benchmark")
"""
BUILDING = """
import sys, pathlib, django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0, interactive=False)
from tests.homes import small_home
small_home(pathlib.Path(sys.argv[1]), rows=20_000)
"""


def once() -> float:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        home.mkdir(mode=0o700)
        environment = {
            **os.environ,
            "COMMONTHREAD_HOME": str(home),
            "DJANGO_SETTINGS_MODULE": "commonthread.config.settings",
            "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)]),
        }
        environment.pop("DATABASE_URL", None)

        def start(code: str, place: Path) -> subprocess.Popen[str]:
            command = [sys.executable, "-c", code, str(place)]
            return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)

        if start(BUILDING, Path(folder)).wait():
            raise SystemExit("the home could not be built")
        readers = [start(READING, home) for _ in range(4)]
        for reader in readers:
            assert reader.stdout is not None  # noqa: S101 - it was asked for
            reader.stdout.readline()
        time.sleep(2)
        asked = float(start(WITHDRAWING, home).communicate()[0])
        ends = [float(reader.communicate()[0].strip()) for reader in readers]
        return max(ends) - asked


def main() -> int:
    rounds = int(sys.argv[1]) if sys.argv[1:] else 5
    times = sorted(once() for _ in range(rounds))
    print(
        f"| rounds | fastest s | slowest s |\n|---|---|---|\n"
        f"| {rounds} | {times[0]:.2f} | {times[-1]:.2f} |"
    )
    return int(times[-1] > 1.0)


if __name__ == "__main__":
    sys.exit(main())
