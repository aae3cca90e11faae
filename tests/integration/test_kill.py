"""`kill -9` at each durable step of deposit, sign, link and read: nothing is half-done afterwards.

A child process does the work and kills itself at its n-th durable step: an fsync, a file moved into
place, a file removed, a commit. Then the home is opened again and looked at.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.homes import (
    ANALYST,
    DATASET,
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


def check_deposit(broker: Broker, said: str) -> None:
    count = len(broker.standing().deposits[DATASET])
    assert count in (1, 2)
    if "done" in said:
        assert count == 2
    wanted = [{"n": 300 if count == 1 else 375}]
    with broker.read(
        Request(ANALYST, Sql("select count(*) n from calls"), REFERENCE, PURPOSE)
    ) as answer:
        assert answer.rows() == wanted


def check_sign(broker: Broker, said: str) -> None:
    newest = broker.standing().newest(REFERENCE)
    assert newest is not None
    assert len(newest.signatures) in (0, 1)
    if "done" in said:
        assert len(newest.signatures) == 1


def check_link(broker: Broker, said: str) -> None:
    maps = broker.standing().deposits.get(map_of(LINKAGE), ())
    # Linked again after a kill, the same records and residents are the same map.
    assert len(maps) in (0, 1)
    if maps:
        assert maps[0].pins == ((DATASET, broker.standing().deposits[DATASET][-1].id),)
        assert len(broker.map(LINKAGE)) == maps[0].rows == 400
    if "done" in said:
        assert maps


def check_read(broker: Broker, said: str) -> None:
    opened = [e for e in broker.ledger.entries(0, 10_000) if e.kind == "lease.opened"]
    if "n" in said:
        assert opened


WORK: dict[str, Callable[[Broker, str], None]] = {
    "deposit": check_deposit,
    "sign": check_sign,
    "link": check_link,
    "read": check_read,
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("work", WORK)
def test_killed_at_any_step_it_is_done_or_not_begun(
    work: str, tmp_path: Path, same_database: dict[str, str], scale: Callable[[int, int], int]
) -> None:
    small_home(tmp_path).close()
    close_ledgers()
    write_calls(tmp_path / "more.csv", 100, start=400)
    home = tmp_path / "home"
    if work in ("sign", "link"):
        broker = open_broker(home)
        if work == "sign":
            broker.apply([agreement(version=2)])
        else:
            broker.apply([linkage()])
            broker.act(LINKAGE, "sign", SIGNATORY)
        broker.close()
        close_ledgers()
    environment = {**same_database, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}
    killed, step, stride = 0, 1, scale(5, 1)
    while True:
        done = subprocess.run(
            [sys.executable, "-c", CHILD, str(home), work, str(step)],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        broker = open_broker(home)
        try:
            whole(broker)
            WORK[work](broker, done.stdout)
        finally:
            broker.close()
            close_ledgers()
        if done.returncode == 0:
            break
        assert done.returncode == -9, done.stderr
        killed, step = killed + 1, step + stride
    assert killed
