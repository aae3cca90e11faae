"""How long a large file takes to read and check, and the memory of both processes.

    python benchmarks/deposit.py [ROWS]

Writes a CSV file of 3 million telecare rows (8 columns, one row in a thousand with a fault, every
tenth postcode badly formed) and the same rows as Parquet. Each is read in a process of its own as
a deposit would be: parsed in the fenced child, then all good rows and the quarantine streamed out.

Prints a table of seconds and of peak resident memory of the trusted process and of the child.
Fails, exit 1, when 3 million rows take 120 seconds, or both together 3 GB.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import duckdb

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))

from commonthread.broker.rules.contracts import parse_contract  # noqa: E402 - path comes first
from commonthread.catalogue.reading import read_file  # noqa: E402 - likewise

SECONDS, MEGABYTES = 120.0, 3_000.0
CONTRACT = {
    "owner": "wychshire",
    "id": "telecare",
    "title": "Assistive technology in use",
    "classification": "special-category",
    "delivery": "snapshot",
    "key": ["install_ref"],
    "identity": {
        "given_name": "forename",
        "family_name": "surname",
        "date_of_birth": "born",
        "postcode": "postcode",
    },
    "column": [
        *({"name": name, "type": "text"} for name in ("install_ref", "forename", "surname")),
        {"name": "born", "type": "date"},
        {"name": "postcode", "type": "text"},
        {"name": "district", "type": "text"},
        {"name": "device", "type": "text", "values": ["pendant", "falls-detector", "bed-sensor"]},
        {"name": "alarms_90d", "type": "integer", "minimum": 0},
    ],
}
ROWS = """
    SELECT 'AT' || lpad(CAST(range AS VARCHAR), 8, '0') AS install_ref,
        'Forename' || hash(range) % 5000 AS forename,
        'Surname' || hash(range + 1) % 20000 AS surname,
        CASE WHEN range % 1000 = 7 THEN '1940-13-03'
             ELSE CAST(DATE '1925-01-01' + CAST(hash(range) % 30000 AS INTEGER) AS VARCHAR) END
             AS born,
        CASE WHEN range % 10 = 3 THEN 'unknown'
             ELSE 'WX' || hash(range) % 30 || ' ' || hash(range) % 10 || 'AB' END AS postcode,
        ['Saltbridge', 'Teme Valley', 'Wychbury'][(1 + hash(range) % 3)::INT] AS district,
        ['pendant', 'falls-detector', 'bed-sensor'][(1 + hash(range + 2) % 3)::INT] AS device,
        hash(range) % 20 AS alarms_90d
    FROM range(?)
"""


def write(folder: Path, count: int) -> None:
    engine = duckdb.connect()
    for form in ("csv", "parquet"):
        engine.execute(f"COPY ({ROWS}) TO '{folder / f'rows.{form}'}' (FORMAT {form})", [count])


def one(path: Path) -> None:
    started = time.perf_counter()
    taken = 0
    with read_file(path, parse_contract(CONTRACT), at=datetime.now(UTC)) as reading:
        checked = time.perf_counter() - started
        for batch in reading.good():
            taken += batch.num_rows
        reading.quarantine()
        quarantined = reading.quarantined
    seconds = time.perf_counter() - started
    peaks = [
        resource.getrusage(who).ru_maxrss / 1024
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    ]
    print(checked, seconds, *peaks, taken, quarantined)


def main() -> int:
    if sys.argv[1:2] == ["--one"]:
        one(Path(sys.argv[2]))
        return 0
    count = int(sys.argv[1]) if sys.argv[1:] else 3_000_000
    failed = False
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        print(f"writing {count:,} rows ...", file=sys.stderr)
        write(folder, count)
        print("| file | MB | checked s | streamed s | trusted MB | child MB | good | quarantined |")
        print("|---|---|---|---|---|---|---|---|")
        for path in (folder / "rows.csv", folder / "rows.parquet"):
            done = subprocess.run(
                [sys.executable, __file__, "--one", str(path)],
                check=True,
                capture_output=True,
                text=True,
            )
            checked, seconds, trusted, child, good, bad = map(float, done.stdout.split())
            size = path.stat().st_size / 1e6
            print(
                f"| {path.suffix[1:]} | {size:,.0f} | {checked:.1f} | {seconds:.1f} "
                f"| {trusted:,.0f} | {child:,.0f} | {good:,.0f} | {bad:,.0f} |"
            )
            scale = count / 3_000_000
            failed |= seconds > SECONDS * max(scale, 0.1) or trusted + child > MEGABYTES
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
