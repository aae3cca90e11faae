"""What deposit, extract, query and verification cost as they grow, as a table and a picture.

    python benchmarks/curves.py [--sizes 100000,1000000,10000000] [--results FILE] [--picture FILE]
    python benchmarks/curves.py --from FILE    # measures nothing: says and draws what FILE holds

Each step runs in a process of its own, on so many invented events of a sixth as many people:
- deposit: one CSV file of the events received, parsed, checked, sealed and recorded;
- extract: one statistics grant over the events built, with their residents from a map;
- query: a statistics and a rows question through the door, warm: the least of five rounds of both;
- verify: the stand-alone verification of a ledger of so many entries, not rows.

Each result is kept in FILE as soon as it is there, and is not measured again: a run that was cut
short goes on where it was. Ten million need 12 GB of disk. Prints Markdown; the picture says the
same. What bends first is the step whose seconds a row grow most from one size to the next.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "src"), str(HERE.parent), str(HERE)]
SIZES = (100_000, 1_000_000, 10_000_000)
STEPS = ("deposit", "extract", "query", "verify")
PICTURE = HERE.parent / "docs/pictures/cost-curves.svg"
RESULTS = Path(tempfile.gettempdir()) / "commonthread-curves.json"
EXTRACTED, ASKED, ROUNDS = "events", ("time series", "wide scan"), 5
EVERY_SECONDS = 0.05
# A tenth more is within what one run differs from another.
STRAIGHT = 1.1


@dataclass(frozen=True)
class Cost:
    """`children` is the highest memory of the largest of the processes that the step started."""

    seconds: float
    cpu: float
    trusted: float
    children: float


Costs = Mapping[int, Mapping[str, Cost]]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)))
    parser.add_argument("--results", type=Path, default=RESULTS, help="default: %(default)s")
    parser.add_argument("--from", type=Path, dest="held", metavar="FILE")
    parser.add_argument("--picture", type=Path, default=PICTURE, help="default: %(default)s")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        name, folder, size = options.one
        print(json.dumps(one(name, Path(folder), int(size))))
        return 0
    if options.held is None:
        measure(options.results, [int(size) for size in options.sizes.split(",")])
    costs = read(options.held or options.results)
    print(as_table(costs))
    options.picture.write_text(drawn(costs), encoding="utf-8")
    return 0


# Measuring, each step in a process of its own.


def measure(results: Path, sizes: Sequence[int]) -> None:
    for size in sorted(sizes):
        done = read(results).get(size, {}) if results.exists() else {}
        if not {"deposit", "extract", "query"} <= done.keys():
            names = ("write", "deposit", "link", "extract", "query")
            measure_in_turn(results, size, names)
        if "verify" not in done:
            measure_in_turn(results, size, ("log", "verify"))


def measure_in_turn(results: Path, size: int, names: Sequence[str]) -> None:
    """They share a folder, each finding there what those before it left."""
    with tempfile.TemporaryDirectory(prefix="ct-curves-") as place:
        environment = {name: said for name, said in os.environ.items() if name != "DATABASE_URL"}
        environment["COMMONTHREAD_HOME"] = f"{place}/home"
        environment["DJANGO_SETTINGS_MODULE"] = "commonthread.config.settings"
        for name in names:
            done = subprocess.run(
                [sys.executable, __file__, "--one", name, place, str(size)],
                check=True,
                stdout=subprocess.PIPE,
                text=True,
                env=environment,
            )
            print(f"{size:,} {name}: {done.stdout.strip()}", file=sys.stderr, flush=True)
            if name in STEPS:
                keep(results, size, name, json.loads(done.stdout))


def one(name: str, folder: Path, size: int) -> dict[str, float]:
    work, rounds = WORK[name](folder, size)
    with Family() as family:
        costs = []
        for _ in range(rounds):
            started, before = time.perf_counter(), family.cpu()
            work()
            costs.append((time.perf_counter() - started, family.cpu() - before))
        seconds, cpu = min(costs)
        return asdict(Cost(seconds, cpu, *family.peaks()))


class Family:
    """This process and those that it started: their processor time and highest memory.

    Looked at again and again: what the system says of ended children counts their parent's memory.
    """

    def __init__(self) -> None:
        self._highest, self._ended = 0, threading.Event()
        self._watch = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Family:
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._watch.join()

    def _look(self) -> None:
        while not self._ended.wait(EVERY_SECONDS):
            self._highest = max([self._highest, *map(highest, descendants())])

    def cpu(self) -> float:
        waited = resource.getrusage(resource.RUSAGE_CHILDREN)
        ticks = sum(sum(map(int, fields[11:15])) for fields in descendants().values())
        alive = ticks / os.sysconf("SC_CLK_TCK")
        return time.process_time() + waited.ru_utime + waited.ru_stime + alive

    def peaks(self) -> tuple[float, float]:
        """Megabytes of this process, and of the largest child."""
        return highest(os.getpid()) / 1e3, self._highest / 1e3


def descendants() -> dict[int, list[str]]:
    """Children and theirs: number → fields of /proc/N/stat from the third on."""
    every = {}
    for place in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            every[int(place.parent.name)] = place.read_text().rpartition(") ")[2].split()
    found = {os.getpid()}
    while more := {pid for pid, fields in every.items() if int(fields[1]) in found} - found:
        found |= more
    return {pid: every[pid] for pid in found - {os.getpid()}}


def highest(pid: int) -> int:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1])
    return 0


# The steps. Each makes ready, and returns what is to be measured and how often.

Work = tuple[Callable[[], object], int]


def write(folder: Path, size: int) -> Work:
    """Files, and a home in which all is signed; not measured."""
    set_up()
    from django.core.management import call_command

    call_command("migrate", verbosity=0, interactive=False)
    import two_tables

    def work() -> None:
        files = two_tables.invented_files(folder, size)
        two_tables.deposit(two_tables.signed_home(folder), files, "people")

    return work, 1


def deposit(folder: Path, size: int) -> Work:
    two_tables, broker = opened()
    return lambda: two_tables.deposit(broker, two_tables.invented(folder, size), "events"), 1


def link(folder: Path, size: int) -> Work:
    """Not measured: linking has figures of its own, and here the map is known."""
    two_tables, broker = opened()
    return lambda: two_tables.link(broker, two_tables.invented(folder, size)), 1


def extract(folder: Path, size: int) -> Work:
    governed = asking()
    views = governed.views(governed.world.FIGURES)
    (view,) = (view for view in views if view.grant.id == EXTRACTED)
    return lambda: governed.extract(view), 1


def query(folder: Path, size: int) -> Work:
    from full_speed import QUESTIONS

    governed = asking()
    questions = [each for each in QUESTIONS if each.name in ASKED]

    def work() -> None:
        for each in questions:
            if not governed.ask(each.governed, each.purpose):
                raise SystemExit(f"{each.name}: no answer")

    work()
    return work, ROUNDS


def log(folder: Path, size: int) -> Work:
    """A ledger's export; not measured."""
    import ledger

    return lambda: ledger.write(folder, size), 1


def verify(folder: Path, size: int) -> Work:
    import ledger

    return lambda: ledger.verifying(folder), 1


WORK: dict[str, Callable[[Path, int], Work]] = {
    each.__name__: each for each in (write, deposit, link, extract, query, log, verify)
}


def set_up() -> None:
    Path(os.environ["COMMONTHREAD_HOME"]).mkdir(mode=0o700, exist_ok=True)
    import django

    django.setup()


def opened() -> tuple[Any, Any]:
    set_up()
    import two_tables

    from commonthread.broker.access import open_broker

    return two_tables, open_broker()


def asking() -> Any:
    _, broker = opened()
    from full_speed import Governed

    return Governed(broker)


# What was measured.


def read(results: Path) -> Costs:
    held = json.loads(results.read_text(encoding="utf-8"))
    return {
        int(size): {name: Cost(**cost) for name, cost in steps.items()}
        for size, steps in sorted(held.items(), key=lambda item: int(item[0]))
    }


def keep(results: Path, size: int, name: str, cost: dict[str, float]) -> None:
    held = json.loads(results.read_text(encoding="utf-8")) if results.exists() else {}
    held.setdefault(str(size), {})[name] = cost
    draft = results.with_name(f"{results.name}.{os.getpid()}.tmp")
    draft.write_text(json.dumps(held, indent=1) + "\n", encoding="utf-8")
    draft.replace(results)


def line_of(costs: Costs, step: str) -> list[tuple[int, float]]:
    """Size and seconds, smallest first."""
    return [(size, steps[step].seconds) for size, steps in costs.items() if step in steps]


@dataclass(frozen=True)
class Bend:
    """How many times as long each row takes at the larger size."""

    times: float
    step: str
    small: int
    large: int


def bends(costs: Costs) -> Iterator[Bend]:
    for step in STEPS:
        for (small, before), (large, after) in pairwise(line_of(costs, step)):
            yield Bend(after / large / (before / small), step, small, large)


def what_bends(costs: Costs) -> str:
    first = max(bends(costs), key=lambda bend: bend.times, default=None)
    if first is None:
        return "One size says nothing of what bends first."
    where = f"from {words(first.small)} to {words(first.large)}"
    if first.times <= STRAIGHT:
        return "Nothing bends: no step takes a tenth longer for each row at a larger size."
    times = f"{first.times:.2f} times as long"
    thing = "entry" if first.step == "verify" else "row"
    return f"What bends first: {first.step}. Each {thing} takes it {times} {where}."


def words(size: int) -> str:
    return f"{size / 1_000_000:g} million" if size >= 1_000_000 else f"{size:,}"


def seconds_text(seconds: float) -> str:
    return f"{seconds:,.0f} s" if seconds >= 10 else f"{seconds:.2g} s"


def as_table(costs: Costs) -> str:
    lines = [
        "| Rows | Step | Seconds | CPU s | Microseconds a row | Trusted MB | Largest child MB |",
        "|---|---|---|---|---|---|---|",
    ]
    for size, steps in costs.items():
        for step in (step for step in STEPS if step in steps):
            cost = steps[step]
            each = 1e6 * cost.seconds / size
            lines.append(
                f"| {size:,} | {step} | {cost.seconds:,.3f} | {cost.cpu:,.2f} | {each:,.2f}"
                f" | {cost.trusted:,.0f} | {cost.children:,.0f} |"
            )
    notes = "Verify: entries of a ledger, not rows. Query: two questions, warm."
    return "\n".join([*lines, "", notes, what_bends(costs)])


# The picture: both axes go up tenfold at equal steps.

WIDTH, HEIGHT = 720, 560
LEFT, RIGHT, TOP, FLOOR = 90.0, 510.0, 70.0, 440.0
APART = 20.0
MEANING = {
    "deposit": "Deposit a file",
    "extract": "Build an extract",
    "query": "Ask two questions",
    "verify": "Verify a ledger",
}


@dataclass(frozen=True)
class Axes:
    """Places in the picture, by the powers of ten of size and of seconds."""

    sizes: tuple[float, float]
    seconds: tuple[int, int]

    def x(self, size: float) -> float:
        low, high = self.sizes
        return LEFT + (RIGHT - LEFT) * (math.log10(size) - low) / (high - low or 1)

    def y(self, seconds: float) -> float:
        low, high = self.seconds
        return FLOOR - (FLOOR - TOP) * (math.log10(seconds) - low) / (high - low)


def drawn(costs: Costs) -> str:
    from commonthread.web.drawing import SERIES, WHITE, element, picture, writing

    lines = {step: line for step in STEPS if (line := line_of(costs, step))}
    every = [seconds for line in lines.values() for _, seconds in line]
    powers = math.floor(math.log10(min(every))), math.ceil(math.log10(max(every)))
    axes = Axes((math.log10(min(costs)), math.log10(max(costs))), powers)
    parts = [element("rect", width=WIDTH, height=HEIGHT, fill=WHITE), *grid(axes, list(costs))]
    colours = dict(zip(STEPS, SERIES, strict=False))
    for step, line in lines.items():
        parts += curve(axes, line, colours[step])
    for step, y in spread({step: axes.y(line[-1][1]) for step, line in lines.items()}).items():
        mark = {"x1": RIGHT + 14, "x2": RIGHT + 30, "stroke": colours[step], "stroke_width": 3}
        parts.append(element("line", y1=y, y2=y, **mark))
        parts.append(writing(RIGHT + 36, y + 5, MEANING[step], font_size=14))
        last = f"{seconds_text(lines[step][-1][1])} at {words(lines[step][-1][0])}"
        parts.append(writing(RIGHT + 36, y + 22, last, font_size=14, font_weight="bold"))
    parts.append(writing(20, 30, "What it costs as it grows", font_size=19, font_weight="bold"))
    below = [
        what_bends(costs),
        "Dashed: if ten times as many rows took ten times as long. Both axes grow tenfold.",
    ]
    parts += [writing(20, 508 + 24 * n, text, font_size=14) for n, text in enumerate(below)]
    said = "; ".join(
        f"{step}: " + ", ".join(f"{seconds_text(s)} at {words(n)}" for n, s in line)
        for step, line in lines.items()
    )
    return str(
        picture(
            "cost-curves",
            "What it costs as it grows",
            f"Seconds of four steps by the number of rows, or of entries for verify. {said}. "
            + what_bends(costs),
            parts,
            xmlns="http://www.w3.org/2000/svg",
            view_box=f"0 0 {WIDTH} {HEIGHT}",
            font_family="Arial, Helvetica, sans-serif",
        )
        + "\n"
    )


def grid(axes: Axes, sizes: Sequence[int]) -> Iterator[str]:
    from commonthread.web.drawing import PALE, QUIET, element, writing

    look = {"fill": QUIET, "font_size": 14}
    low, high = axes.seconds
    for power in range(low, high + 1):
        y = axes.y(10.0**power)
        yield element("line", x1=LEFT, y1=y, x2=RIGHT, y2=y, stroke=PALE)
        yield writing(LEFT - 10, y + 5, f"{10.0**power:,.4g} s", text_anchor="end", **look)
    for size in sizes:
        x = axes.x(size)
        yield element("line", x1=x, y1=TOP, x2=x, y2=FLOOR, stroke=PALE)
        yield writing(x, FLOOR + 24, words(size), text_anchor="middle", **look)
    middle = (LEFT + RIGHT) / 2
    yield writing(
        middle, FLOOR + 44, "rows, or entries of the ledger", text_anchor="middle", **look
    )


def curve(axes: Axes, line: Sequence[tuple[int, float]], colour: str) -> Iterator[str]:
    from commonthread.web.drawing import WHITE, element

    size, seconds = line[0]
    (x, y), end = (axes.x(size), axes.y(seconds)), line[-1][0]
    if len(line) > 1:
        # Where the straight line would leave the plot, it ends.
        far = min(end, size * 10 ** axes.seconds[1] / seconds)
        to = {"x2": axes.x(far), "y2": axes.y(seconds * far / size)}
        dashes = {"stroke_width": 1, "stroke_dasharray": "4 4"}
        yield element("line", x1=x, y1=y, **to, stroke=colour, **dashes)
    points = " ".join(f"{axes.x(n):.1f},{axes.y(s):.1f}" for n, s in line)
    yield element("polyline", points=points, fill="none", stroke=colour, stroke_width=3)
    for n, s in line:
        look = {"fill": WHITE, "stroke": colour, "stroke_width": 2.5}
        said = element("title", [f"{words(n)}: {seconds_text(s)}"])
        yield element("circle", [said], cx=axes.x(n), cy=axes.y(s), r=4, **look)


def spread(places: Mapping[str, float]) -> dict[str, float]:
    """Labels of two lines each, moved down until none covers another, then up from the floor."""
    found: dict[str, float] = {}
    last = -math.inf
    for step, y in sorted(places.items(), key=lambda item: item[1]):
        last = max(y, last + 2 * APART)
        found[step] = last
    over = max(0.0, last + APART - FLOOR)
    return {step: y - over for step, y in found.items()}


if __name__ == "__main__":
    sys.exit(main())
