"""Four processes read under load; a withdrawal in a fifth ends them all.

That it takes less than a second is measured in benchmarks/revocation.py.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.homes import REFERENCE, SIGNATORY, small_home

from commonthread.broker.records import close_ledgers

ROOT = Path(__file__).resolve().parents[2]
# A join that runs for hours: it ends because the lease does.
READING = """
import sys, pathlib, django
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
        print("answered", list(answer.batches()), flush=True)
    except LeaseEnded as ended:
        print("ended", *[reason.code for reason in ended.reasons], flush=True)
"""


@pytest.mark.django_db(transaction=True)
def test_a_withdrawal_reaches_the_last_of_four_processes(
    tmp_path: Path, same_database: dict[str, str]
) -> None:
    broker = small_home(tmp_path, rows=4_000)
    environment = {**same_database, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}
    command = [sys.executable, "-c", READING, str(tmp_path / "home")]
    readers = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    try:
        for reader in readers:
            assert reader.stdout is not None
            assert reader.stdout.readline() == "reading\n"
        broker.act(REFERENCE, "withdraw", SIGNATORY, "review")
        said = [reader.communicate(timeout=60)[0] for reader in readers]
    finally:
        for reader in readers:
            reader.kill()
        broker.close()
        close_ledgers()
    assert said == ["ended withdrawn\n"] * 4
