"""How long a decision takes with a thousand agreements in force.

    python benchmarks/decide.py [AGREEMENTS]

Every agreement has five grants, a credential that it demands, and rests on a linkage agreement.
Prints the median and the 99th percentile of one decision, and the time of "what may I?" over all of
them. Exit 1 when the 99th percentile reaches a millisecond.
"""

from __future__ import annotations

import random
import sys
import time
from pathlib import Path
from statistics import median, quantiles

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT), str(ROOT / "tests")]
AGREEMENTS, REQUESTS = 1_000, 20_000
MOST_SECONDS = 0.001
COLUMNS = {"ref": "text", "name": "text", "born": "date", "alarms": "integer"}


def main() -> int:
    from tests.factories import PURPOSE, County, agreement, dataset, grant, signed

    from commonthread.broker.rules.decisions import decide, what_can
    from commonthread.broker.rules.requests import Request, Sql

    number = int(sys.argv[1]) if sys.argv[1:] else AGREEMENTS
    telecare = "wychshire/telecare"

    def grants() -> list[dict[str, object]]:
        rows = {"and": [["alarms", ">=", 3], ["born", "<=", "1961-01-01"]]}
        return [
            grant(f"g{place}", telecare, ["ref", "alarms"], person="pseudonym", rows=rows)
            for place in range(5)
        ]

    county: County = signed(
        [dataset("wychshire", "telecare", COLUMNS)],
        grants(),
        deposits={telecare: ["1" * 64], "commonthread/map-ISA-2026-001": ["2" * 64]},
    )
    for place in range(number - 1):
        table = agreement(
            grants(),
            reference=f"ISA-2027-{place:04}",
            rests_on=["ISA-2026-001"],
            requires_credentials=[{"scheme": "ico-registration"}],
        )
        county.propose(table)
        county.sign_all(str(table["reference"]))
    references = sorted(set(county.standing.agreements) - {"ISA-2026-001"})
    chance, took, permitted = random.Random(1), [], 0
    for _ in range(REQUESTS):
        tables = tuple(f"g{chance.randrange(6)}" for _ in range(chance.randint(1, 2)))
        request = Request("in.analysts", Sql("", tables), chance.choice(references), PURPOSE)
        started = time.perf_counter()
        decision = decide(request, county.standing, county.at)
        took.append(time.perf_counter() - started)
        permitted += decision.permitted
    worst = quantiles(took, n=100)[98]
    started = time.perf_counter()
    listed = what_can("in.analysts", county.standing, county.at)
    every = time.perf_counter() - started
    print(f"| agreements in force | {len(references):,} |")
    print(f"| one decision, median / 99th | {median(took) * 1e6:.0f} / {worst * 1e6:.0f} µs |")
    print(f"| permitted | {permitted / REQUESTS:.0%} of {REQUESTS:,} |")
    print(f"| all {len(listed):,} grants of one member | {every:.2f} s |")
    return 0 if worst < MOST_SECONDS and permitted else 1


if __name__ == "__main__":
    sys.exit(main())
