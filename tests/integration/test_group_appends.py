"""Groups of entries: all or none, each in its own order, whoever else writes or is killed."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from commonthread.broker.keyring import Keyring
from commonthread.broker.records import Ledger, close_ledgers, open_ledger
from commonthread.broker.records.committer import MOST_IN_BATCH
from commonthread.broker.records.entries import Sealed
from commonthread.broker.rules.errors import IntegrityFailure
from commonthread.broker.rules.facts import HOME
from commonthread.broker.rules.keys import public_key

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).resolve().parents[2]
AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
# Appends groups, says the numbers of each once they are durable, and kills itself before or after
# its n-th durable step: a commit, an fsync, a file moved into place.
CHILD = """
import os, pathlib, signal, sys
import django
django.setup()
from django.db.backends.base.base import BaseDatabaseWrapper
from commonthread.broker.keyring import Keyring
from commonthread.broker.records import close_ledgers, open_ledger

home, name, groups, size, last, after = pathlib.Path(sys.argv[1]), *map(int, sys.argv[2:])
ledger, steps = open_ledger(Keyring.load(home)), 0

def deadly(real):
    def step(*arguments, **named):
        global steps
        steps += 1
        if steps == last and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        done = real(*arguments, **named)
        if steps == last:
            os.kill(os.getpid(), signal.SIGKILL)
        return done
    return step

os.fsync = deadly(os.fsync)
pathlib.Path.replace = deadly(pathlib.Path.replace)
BaseDatabaseWrapper._commit = deadly(BaseDatabaseWrapper._commit)
for group in range(groups):
    said = [{"process": name, "group": group, "place": place} for place in range(size)]
    written = ledger.record_all([ledger.seal("read", public=one, body=one) for one in said])
    print(written.start, written.stop, flush=True)
close_ledgers()
"""


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    return Keyring.create(tmp_path / "trust")


@pytest.fixture
def home(keyring: Keyring, transactional_db: None) -> Iterator[Ledger]:
    """A ledger that has its home fact and nothing else."""
    ledger = open_ledger(keyring)
    service = str(public_key(keyring.service_key()))
    ledger.add([(HOME, {"origin": "trust.example/ledger", "service_key": service})], AT)
    yield ledger
    close_ledgers()


def sealed(ledger: Ledger, count: int, **said: Any) -> list[Sealed]:
    return [
        ledger.seal("read", public={**said, "place": place}, body={}, tokens=[f"place:{place}"])
        for place in range(count)
    ]


def child(home: Ledger, environment: dict[str, str], *said: int) -> subprocess.Popen[str]:
    """A process that appends: its name, groups, size of each, and at which step it dies, if any."""
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(home._keyring.home), *map(str, said)],
        env={**environment, "PYTHONPATH": str(ROOT / "src")},
        stdout=subprocess.PIPE,
        text=True,
    )


def test_a_group_has_its_order_and_no_gap(home: Ledger) -> None:
    written = home.record_all(sealed(home, 5), AT)
    assert written == range(1, 6)
    found = home.entries(1)
    assert [entry.public["place"] for entry in found] == [0, 1, 2, 3, 4]
    assert [entry.seq for entry in home.find("place:3")] == [4]
    assert {entry.at for entry in found} == {"2026-06-01T12:00:00Z"}
    assert home.verify().size == 6


def test_an_empty_group_writes_nothing(home: Ledger) -> None:
    assert len(home.record_all([])) == 0
    assert home.size == 1


def test_what_an_entry_says_is_stored_as_it_was_said(home: Ledger) -> None:
    said = {
        "text": 'a "quoted" \\N back\\slash\tand\ttabs\nand lines, \\x41, caf\u00e9, \U0001f9f5'
    }
    home.record_all([home.seal("read", public=said, body=said)] * 2, AT)
    assert [dict(entry.public) for entry in home.entries(1)] == [said, said]
    assert home.body(2) == said
    assert home.verify().size == 3


def test_a_group_that_the_database_stops_leaves_nothing(home: Ledger) -> None:
    with connection.cursor() as cursor:
        # In the way of the group's third entry, after rows of others have gone in.
        cursor.execute("INSERT INTO ledger_key (seq, wrapped) VALUES (3, 'in the way')")
    with pytest.raises(IntegrityFailure, match="cannot be written"):
        home.record_all(sealed(home, 5), AT)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM ledger_key WHERE seq = 3")
        for table in ("entry", "key", "token", "node"):
            cursor.execute(f"SELECT count(*) FROM ledger_{table}")
            assert cursor.fetchone() == (0 if table == "token" else 1,)
    assert home.record_all(sealed(home, 5), AT) == range(1, 6)
    assert home.verify().size == 6


def test_a_group_of_a_time_before_the_newest_is_refused_whole(home: Ledger) -> None:
    with pytest.raises(IntegrityFailure, match="clock"):
        home.record_all(sealed(home, 5), AT - timedelta(hours=1))
    assert home.size == 1


def test_a_group_larger_than_a_batch_is_not_split(home: Ledger) -> None:
    large, ranges = MOST_IN_BATCH + 100, list[range]()

    def append(count: int) -> None:
        ranges.append(home.record_all(sealed(home, count), AT))

    threads = [threading.Thread(target=append, args=(size,)) for size in (large, 1, 300, 300, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for written in ranges:
        places = [entry.public["place"] for entry in home.entries(written.start, len(written))]
        assert places == list(range(len(written)))
    assert sorted(seq for written in ranges for seq in written) == list(range(1, large + 603))
    assert home.verify().size == large + 603


def test_four_processes_keep_every_entry_in_its_groups_order(
    home: Ledger, same_database: dict[str, str]
) -> None:
    groups, size = 6, 40
    processes = [child(home, same_database, name, groups, size, 0, 0) for name in range(4)]
    said = [process.communicate()[0].split() for process in processes]
    assert [process.returncode for process in processes] == [0] * 4
    assert home.verify().size == 4 * groups * size + 1
    entries = home.entries(0, home.size)
    for name, numbers in enumerate(said):
        starts = list(map(int, numbers[::2]))
        assert starts == sorted(starts) and len(starts) == groups
        for group, start in enumerate(starts):
            assert [dict(entry.public) for entry in entries[start : start + size]] == [
                {"process": name, "group": group, "place": place} for place in range(size)
            ]


# The steps are the commit, the watermark's fsync, and its move into place.
@pytest.mark.parametrize(("step", "after"), [(1, 0), (1, 1), (2, 0), (2, 1), (3, 0), (3, 1)])
def test_a_group_killed_at_any_step_is_whole_or_absent(
    home: Ledger, same_database: dict[str, str], step: int, after: int
) -> None:
    process = child(home, same_database, 0, 1, 20, step, after)
    reported = process.communicate()[0]
    assert (process.returncode, reported) == (-9, "")
    there = 1 if (step, after) == (1, 0) else 21
    assert Ledger(home._keyring).verify().size == there
    assert home.record_all(sealed(home, 3), datetime.now(UTC)) == range(there, there + 3)
