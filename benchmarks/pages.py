"""How long the pages take with 1,200 partners and 10,000 agreements.

    python benchmarks/pages.py [AGREEMENTS [PARTNERS]]

Every fact is signed and taken by the rules, in memory; the pages are the real ones, asked through
Django's client, whose answers pass every middleware. Each agreement has two parties and three
grants; one in twenty waits for signatures, one in fifty is suspended, and all demand a credential.

Prints p50, p95 and the number of database queries of each page, and what the first page after a new
fact costs, for which the statuses that the fact touches are made anew. Exit 1 when a page takes 200
ms at p95, or when a list makes more queries than with a twentieth of the agreements.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import quantiles
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT), str(ROOT / "tests")]
AGREEMENTS, PARTNERS, TIMES = 10_000, 1_200, 60
MOST_SECONDS = 0.2
COLUMNS = {"ref": "text", "born": "date", "district": "text", "minutes": "integer"}
DATASETS = 4
WORDS = ("falls", "winter", "housing", "school", "fire", "flood", "care", "bins", "ways", "voids")


def main() -> int:
    number = int(sys.argv[1]) if sys.argv[1:] else AGREEMENTS
    partners = int(sys.argv[2]) if sys.argv[2:] else PARTNERS
    with tempfile.TemporaryDirectory() as folder:
        os.environ["COMMONTHREAD_HOME"] = folder
        os.environ["DJANGO_SETTINGS_MODULE"] = "commonthread.config.settings"
        os.environ["DATABASE_URL"] = f"sqlite:///{folder}/pages.db"
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0, interactive=False)
        return measure(number, partners)


def measure(number: int, partners: int) -> int:
    from tests.stand_in_broker import StandInBroker

    from commonthread.web import pages

    fill = Filling(partners)
    fill.agreements(max(number // 20, 1))
    broker = StandInBroker(fill.county)
    pages.open_broker = lambda *_: broker
    few = {name: run(asked, 1)[2] for name, asked in questions(fill).items()}
    started = time.perf_counter()
    fill.agreements(number)
    print(f"filled in {time.perf_counter() - started:.0f} s", file=sys.stderr)
    started = time.perf_counter()
    broker.agreements()
    print(f"{number:,} agreements, {partners:,} partners\n")
    print(f"| every status made anew (first page of a process) | {_since(started)} |")
    print(f"| a list after one new fact | {after_a_fact(fill, broker)} |\n")
    print("| page | p50 | p95 | database queries |\n|---|---|---|---|")
    worst, grown = 0.0, []
    for name, asked in questions(fill).items():
        half, most, queries = run(asked, TIMES)
        worst = max(worst, most)
        grown += [name] if queries > few[name] else []
        print(f"| {name} | {half * 1000:.0f} ms | {most * 1000:.0f} ms | {queries} |", flush=True)
    if grown:
        print(f"more queries with more agreements: {', '.join(grown)}", file=sys.stderr)
    return 0 if worst < MOST_SECONDS and not grown else 1


def _since(started: float) -> str:
    return f"{(time.perf_counter() - started) * 1000:.0f} ms"


class Filling:
    """A county that is filled with agreements, each signed as an honest home would."""

    def __init__(self, partners: int) -> None:
        from tests.factories import CHARTER_REFERENCE, dataset, home_standing

        self.county = home_standing(demo=True, origin="benchmark.example/pages")
        self.county.add_charter()
        self.chance = random.Random(4)
        self.partners = [f"partner-{place:04}" for place in range(partners)]
        for name in self.partners:
            self.county.add_partner(name)
            self.county.add_member(f"sign.{name}", name, roles=["signatory"])
            for place in range(DATASETS):
                self.county.add_dataset(dataset(name, f"set-{place}", COLUMNS))
        for name in self.partners:
            self.county.accede(name, CHARTER_REFERENCE)
        self.made = 0

    def agreements(self, number: int) -> None:
        """Up to so many agreements in all."""
        while self.made < number:
            self.made += 1
            self._agreement(f"ISA-2027-{self.made:05}", self.made)

    def _agreement(self, reference: str, place: int) -> None:
        from tests.factories import agreement, grant

        giver, taker = self.chance.sample(self.partners, 2)
        grants = [
            grant(
                f"{word}-{number}",
                f"{giver}/set-{self.chance.randrange(DATASETS)}",
                ["ref", "district"],
                recipients=[f"{taker}/analysts"],
                rows=["minutes", ">=", number],
            )
            for number, word in enumerate(self.chance.sample(WORDS, 3))
        ]
        title = f"Sharing for {' and '.join(self.chance.sample(WORDS, 2))}, {place}"
        demands = [{"scheme": "ico-registration"}]
        self.county.propose(
            agreement(grants, reference=reference, title=title, requires_credentials=demands)
        )
        if place % 20:
            self.county.sign_all(reference)
        if place % 20 and not place % 50:
            self.county.suspend(reference, giver)


def questions(fill: Filling) -> dict[str, Callable[[], Any]]:
    from django.test import Client

    client = Client(SERVER_NAME="localhost")
    client.post("/sign-in/", {"member": f"sign.{fill.partners[0]}"})

    def asks(address: str) -> Callable[[], Any]:
        return lambda: client.get(address)

    one = f"/agreements/ISA-2027-{fill.made // 2 + 1:05}/"
    last = max(fill.made // 20, 1)
    return {
        "list": asks("/agreements/"),
        "list, last page": asks(f"/agreements/?page={last}"),
        "list, by title": asks("/agreements/?sort=title"),
        "search for two words": asks("/agreements/?q=falls+winter"),
        "search for nothing there": asks("/agreements/?q=nonesuch"),
        "filter by partner and state": asks("/agreements/?partner=partner-0001&state=in-force"),
        "waits for my partner": asks("/agreements/?state=mine"),
        "ends within a year": asks("/agreements/?within=365"),
        "one agreement": asks(one),
        "its summary": asks(f"{one}summary/"),
        "its duties": asks(f"{one}duties/"),
        "who gives what to whom": asks("/flows/"),
        "flows of one partner": asks("/flows/?partner=partner-0001"),
        "saved views": asks("/agreements/views/"),
        "refusals": asks("/refusals/"),
        "my calendar": asks("/calendar.ics"),
    }


def run(asked: Callable[[], Any], times: int) -> tuple[float, float, int]:
    """(median, 95th percentile, queries of one answer), in seconds."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as captured:
        answer = asked()
    # Counted at once: the next request forgets them.
    queries = len(captured)
    if answer.status_code != 200:
        raise SystemExit(f"{answer.request['PATH_INFO']} answered {answer.status_code}")
    took = []
    for _ in range(times):
        started = time.perf_counter()
        asked()
        took.append(time.perf_counter() - started)
    parts = quantiles(took, n=20) if len(took) > 1 else took * 19
    return parts[9], parts[18], queries


def after_a_fact(fill: Filling, broker: Any) -> str:
    """A list right after somebody signed: what the signature touches is made anew."""
    from django.test import Client

    client = Client(SERVER_NAME="localhost")
    client.post("/sign-in/", {"member": f"sign.{fill.partners[0]}"})
    client.get("/agreements/")
    fill.county.suspend("ISA-2027-00001", _giver(broker, "ISA-2027-00001"))
    started = time.perf_counter()
    client.get("/agreements/")
    return _since(started)


def _giver(broker: Any, reference: str) -> str:
    return str(broker.standing().governing(reference).terms.grants[0].owner)


if __name__ == "__main__":
    sys.exit(main())
