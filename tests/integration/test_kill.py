"""`kill -9` at each durable step of deposit, sign, link and read: nothing is half-done afterwards.

A child process does the work and kills itself at its n-th durable step: an fsync, a file moved into
place, a file removed, a commit. Then the home is opened again and looked at.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.homes import (
    ANALYST,
    DATASET,
    ENGINEER,
    LINKAGE,
    PURPOSE,
    REFERENCE,
    SIGNATORY,
    agreement,
    linkage,
    small_home,
    write_calls,
)

from commonthread.broker.access import Broker, Request, Sql, open_broker
from commonthread.broker.records import close_ledgers
from commonthread.broker.rules.standing import map_of
from commonthread.catalogue.deposits import receive

ROOT = Path(__file__).resolve().parents[2]
CHILD = """
import os, pathlib, signal, sys
import django
django.setup()
from django.db.backends.base.base import BaseDatabaseWrapper
from commonthread.broker.access import Request, Sql, open_broker
from commonthread.catalogue.deposits import receive
from commonthread.people import linker, linking
import pyarrow as pa
from tests.homes import *

home, work, last = pathlib.Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
broker, steps = open_broker(home), 0

def deadly(real, after):
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

after = last % 2 == 0
os.fsync = deadly(os.fsync, after)
pathlib.Path.replace = deadly(pathlib.Path.replace, after)
pathlib.Path.unlink = deadly(pathlib.Path.unlink, after)
BaseDatabaseWrapper.commit = deadly(BaseDatabaseWrapper.commit, after)
BaseDatabaseWrapper._commit = deadly(BaseDatabaseWrapper._commit, after)
if work == "deposit":
    receive(broker, DATASET, home.parent / "more.csv", ENGINEER)
elif work == "sign":
    broker.act(REFERENCE, "sign", SIGNATORY)
elif work == "link":
    # Who is whom is not what may be half-done: everybody is alone, and found at once.
    def alone(sources, progress):
        rows = [(source.dataset, ref) for source in sources for ref in source.records()]
        names = zip(("dataset", "record"), zip(*rows))
        return linker.Linked(pa.table({**dict(names), "cluster": range(len(rows))}))

    linking.link = alone
    linking.run(broker, LINKAGE)
else:
    request = Request(ANALYST, Sql("select count(*) n from calls"), REFERENCE, PURPOSE)
    with broker.read(request) as answer:
        print(answer.rows(), flush=True)
print("done", steps, flush=True)
"""


def whole(broker: Broker) -> None:
    report = broker.ledger.verify()
    assert report.verified, report.failures
    home = broker.ledger._ledger._keyring.home
    deposits = broker.standing().deposits[DATASET]
    deposits += broker.standing().deposits.get(map_of(LINKAGE), ())
    for kind in ("deposits", "profiles"):
        stored = {path.name.split(".")[0] for path in (home / kind).rglob("*.parquet*")}
        assert stored == {deposit.id for deposit in deposits}
    assert not list(home.rglob("*.tmp"))


class Deposit:
    """A file of 100 calls, 75 of which are granted."""

    def __init__(self, broker: Broker, folder: Path, number: int) -> None:
        write_calls(folder / "more.csv", 100, start=1_000 * number)
        self.before = len(broker.standing().deposits[DATASET])

    def check(self, broker: Broker, said: str) -> None:
        count = len(broker.standing().deposits[DATASET])
        assert count - self.before in ((1,) if "done" in said else (0, 1))
        question = Request(ANALYST, Sql("select count(*) n from calls"), REFERENCE, PURPOSE)
        with broker.read(question) as answer:
            assert answer.rows() == [{"n": 300 + 75 * (count - 1)}]


class Sign:
    """One of two signatures under a version that nobody has signed."""

    def __init__(self, broker: Broker, folder: Path, number: int) -> None:
        newest = broker.standing().newest(REFERENCE)
        assert newest is not None
        if newest.signatures:
            broker.apply([agreement(version=newest.terms.version + 1)])

    def check(self, broker: Broker, said: str) -> None:
        newest = broker.standing().newest(REFERENCE)
        assert newest is not None
        assert len(newest.signatures) in ((1,) if "done" in said else (0, 1))


class Link:
    """The index of a dataset that has grown since the last."""

    def __init__(self, broker: Broker, folder: Path, number: int) -> None:
        if LINKAGE not in broker.standing().agreements:
            broker.apply([linkage()])
            broker.act(LINKAGE, "sign", SIGNATORY)
        receive(broker, DATASET, write_calls(folder / "more.csv", 4, 1_000 * number), ENGINEER)
        self.before = len(self.maps(broker))

    def maps(self, broker: Broker) -> tuple[Any, ...]:
        return broker.standing().deposits.get(map_of(LINKAGE), ())

    def check(self, broker: Broker, said: str) -> None:
        maps = self.maps(broker)
        assert len(maps) - self.before in ((1,) if "done" in said else (0, 1))
        deposits = broker.standing().deposits[DATASET]
        if len(maps) > self.before:
            assert maps[-1].pins == ((DATASET, deposits[-1].id),)
            assert maps[-1].rows == len(broker.map(LINKAGE)) == sum(each.rows for each in deposits)


class Read:
    def __init__(self, broker: Broker, folder: Path, number: int) -> None:
        pass

    def check(self, broker: Broker, said: str) -> None:
        opened = [e for e in broker.ledger.entries(0, 10_000) if e.kind == "lease.opened"]
        if "n" in said:
            assert opened


WORK = {"deposit": Deposit, "sign": Sign, "link": Link, "read": Read}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("work", WORK)
def test_killed_at_any_step_it_is_done_or_not_begun(
    work: str, tmp_path: Path, same_database: dict[str, str], scale: Callable[[int, int], int]
) -> None:
    small_home(tmp_path).close()
    close_ledgers()
    home = tmp_path / "home"
    environment = {**same_database, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}
    killed, step, stride = 0, 1, scale(5, 1)
    while True:
        with opened(home) as broker:
            task = WORK[work](broker, tmp_path, step)
        done = subprocess.run(
            [sys.executable, "-c", CHILD, str(home), work, str(step)],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        with opened(home) as broker:
            whole(broker)
            task.check(broker, done.stdout)
        if done.returncode == 0:
            break
        assert done.returncode == -9, done.stderr
        killed, step = killed + 1, step + stride
    assert killed


@contextmanager
def opened(home: Path) -> Iterator[Broker]:
    broker = open_broker(home)
    try:
        yield broker
    finally:
        broker.close()
        close_ledgers()
