"""Workers as processes: when they start, how long they are kept, and how they end."""

import base64
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow
import pytest
from tests.sealed import ENDLESS, PERSON, Sealed, answer, children, failure, seal, until

from commonthread.broker.lake import child
from commonthread.broker.lake.workers import Pool, WorkerFailed

SOURCES = Path(__file__).resolve().parents[2] / "src"


@pytest.fixture(scope="module")
def person(tmp_path_factory: pytest.TempPathFactory) -> Sealed:
    return seal(tmp_path_factory.mktemp("extracts") / "person.parquet", PERSON)


@pytest.fixture
def pool() -> Iterator[Pool]:
    with Pool() as made:
        yield made
    assert children() == []


# Workers are kept, and not mixed up


def test_three_questions_need_one_worker(pool: Pool, person: Sealed) -> None:
    seen = set()
    for _ in range(3):
        answer(pool, person, "select count(*) from person")
        seen.update(children())
    assert len(seen) == 1


def test_another_key_has_another_worker(pool: Pool, person: Sealed) -> None:
    answer(pool, person, "select 1", key="one")
    answer(pool, person, "select 1", key="other")
    assert len(children()) == 2


def test_a_new_extract_needs_a_new_worker(pool: Pool, person: Sealed, tmp_path: Path) -> None:
    answer(pool, person, "select 1")
    before = children()
    newer = seal(tmp_path / "newer.parquet", PERSON + " LIMIT 3")
    assert "[{'n': 3}]" in answer(pool, newer, "select count(*) as n from person")
    until(lambda: len(children()) == 1)
    assert children() != before


def test_the_worker_that_waited_longest_makes_room(person: Sealed) -> None:
    with Pool(most=2) as pool:
        answer(pool, person, "select 1", key="first")
        first = children()
        answer(pool, person, "select 1", key="second")
        answer(pool, person, "select 1", key="third")
        until(lambda: len(children()) == 2)
        assert not set(first) & set(children())


def test_an_idle_worker_is_not_kept_for_ever(person: Sealed) -> None:
    with Pool(idle_seconds=0.2) as pool:
        answer(pool, person, "select 1")
        until(lambda: not children(), seconds=2)
        assert "2000" in answer(pool, person, "select count(*) from person")


def test_an_extract_that_is_destroyed_leaves_every_worker(pool: Pool, person: Sealed) -> None:
    answer(pool, person, "select 1", key="one")
    answer(pool, person, "select 1", key="other")
    assert pool.forget("no such address") == 0
    assert pool.forget(person.address) == 2
    assert until(lambda: not children()) < 1


def test_runs_under_one_key_queue_for_its_workers(person: Sealed) -> None:
    with Pool(most_each=1) as pool:
        answers: list[str] = []
        sql = "select sum(a.k * b.k) as n from person a, person b"
        threads = [
            threading.Thread(target=lambda: answers.append(answer(pool, person, sql)))
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(answers) == 4
        assert len(set(answers)) == 1
        assert len(children()) == 1


def test_waiting_for_a_worker_counts_towards_the_deadline(person: Sealed) -> None:
    with Pool(most_each=1) as pool:
        first = pool.run("member", [person], "select * from person", deadline_seconds=30)
        start = time.monotonic()
        assert failure(pool, person, "select 1", seconds=0.3) == "deadline"
        assert time.monotonic() - start < 1
        first.close()


def test_a_worker_outlives_the_thread_that_asked_for_it(pool: Pool, person: Sealed) -> None:
    thread = threading.Thread(target=lambda: answer(pool, person, "select 1"))
    thread.start()
    thread.join()
    before = children()
    time.sleep(0.1)
    answer(pool, person, "select 1")
    assert children() == before != []


# Ends


def test_a_killed_run_stops_at_once(pool: Pool, person: Sealed) -> None:
    answer(pool, person, "select 1")
    killed: list[float] = []

    def kill() -> None:
        time.sleep(0.3)
        killed.append(time.monotonic())
        pool.kill("member")

    thread = threading.Thread(target=kill)
    thread.start()
    assert failure(pool, person, ENDLESS) == "ended"
    assert time.monotonic() - killed[0] < 0.2
    thread.join()
    assert until(lambda: not children()) < 1


def test_what_lay_in_the_pipe_is_not_given_out_after_a_kill(pool: Pool, person: Sealed) -> None:
    sql = "select a.person_id, b.surname from person a, person b limit 1000000"
    with pool.run("member", [person], sql, deadline_seconds=30) as batches:
        next(batches)
        time.sleep(0.2)
        assert pool.kill("member") == 1
        with pytest.raises(WorkerFailed, match="ended"):
            next(batches)


def test_a_worker_that_is_still_loading_is_killed_too(pool: Pool, person: Sealed) -> None:
    threading.Timer(0.15, pool.kill, ["member"]).start()
    start = time.monotonic()
    assert failure(pool, person, ENDLESS) == "ended"
    assert time.monotonic() - start < 0.6


def test_an_end_between_registering_and_starting_is_not_missed(pool: Pool, person: Sealed) -> None:
    with pytest.raises(WorkerFailed, match="ended"):
        pool.run(
            "member",
            [person],
            "select 1",
            deadline_seconds=30,
            on_start=lambda: pool.kill("member"),
        )
    assert children() == []


def test_a_kill_leaves_other_keys_alone(pool: Pool, person: Sealed) -> None:
    answer(pool, person, "select 1", key="other")
    before = children()
    assert pool.kill("member") == 0
    assert children() == before


def test_after_a_kill_the_next_run_has_a_fresh_worker(pool: Pool, person: Sealed) -> None:
    answer(pool, person, "select 1")
    pool.kill("member")
    assert "2000" in answer(pool, person, "select count(*) from person")


def test_a_deadline_kills(pool: Pool, person: Sealed) -> None:
    answer(pool, person, "select 1")
    start = time.monotonic()
    assert failure(pool, person, ENDLESS, seconds=0.5) == "deadline"
    assert time.monotonic() - start < 0.8
    assert "2000" in answer(pool, person, "select count(*) from person")


def test_an_answer_left_unread_ends_at_its_deadline(pool: Pool, person: Sealed) -> None:
    answer(pool, person, "select 1")
    sql = "select a.person_id, b.surname from person a, person b"
    batches = pool.run("member", [person], sql, deadline_seconds=1.5)
    until(lambda: not children(), seconds=4)
    with pytest.raises(WorkerFailed, match="longer"):
        list(batches)


def test_an_answer_closed_early_frees_the_key(pool: Pool, person: Sealed) -> None:
    sql = "select a.person_id, b.surname from person a, person b"
    with pool.run("member", [person], sql, deadline_seconds=30) as batches:
        next(batches)
    assert "2000" in answer(pool, person, "select count(*) from person")


def test_what_the_caller_raises_at_the_start_ends_the_run(pool: Pool, person: Sealed) -> None:
    def refuse() -> None:
        raise LookupError

    with pytest.raises(LookupError):
        pool.run("member", [person], "select 1", deadline_seconds=30, on_start=refuse)
    assert children() == []


def test_what_the_caller_raises_at_a_batch_withholds_it(pool: Pool, person: Sealed) -> None:
    def refuse(batch: pyarrow.RecordBatch) -> None:
        raise LookupError

    with pool.run("member", [person], "select 1", deadline_seconds=30, on_batch=refuse) as batches:
        with pytest.raises(LookupError):
            next(batches)
        assert list(batches) == []


def test_a_closed_pool_has_no_workers_and_takes_no_runs(person: Sealed) -> None:
    pool = Pool()
    answer(pool, person, "select 1")
    pool.close()
    assert children() == []
    assert failure(pool, person, "select 1") == "ended"


def test_a_worker_that_died_unseen_is_replaced(pool: Pool, person: Sealed) -> None:
    answer(pool, person, "select 1")
    worker = children()[0]
    os.kill(worker, 9)
    # The first thread of a process is a corpse before the last one is, and only then is it gone.
    os.waitid(os.P_PID, worker, os.WEXITED | os.WNOWAIT)
    assert "2000" in answer(pool, person, "select count(*) from person")


PARENT = """
import base64, json, sys, threading, time
from pathlib import Path
from types import SimpleNamespace
sys.path.insert(0, sys.argv[1])
from commonthread.broker import fence
from commonthread.broker.lake.workers import Pool, WorkerFailed
told = json.loads(sys.stdin.readline())
told["key"] = base64.b64decode(told["key"])
extract = SimpleNamespace(**told)
def ask(pool, sql):
    try:
        with pool.run("member", [extract], sql, deadline_seconds=30) as batches:
            return str([row for batch in batches for row in batch.to_pylist()])
    except WorkerFailed as error:
        return f"{error.kind} {sorted(error.missing)} {error}"
"""


def parent(script: str, extract: Sealed) -> "subprocess.Popen[str]":
    """Another trusted process with a pool, told of one extract as a worker is: by its input."""
    process = subprocess.Popen(
        [sys.executable, "-c", PARENT + script, str(SOURCES)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    key = base64.b64encode(extract.key).decode()
    told = {
        "table": extract.table,
        "path": str(extract.path),
        "key": key,
        "address": "a",
        "summed": None,
    }
    process.stdin.write(json.dumps(told) + "\n")
    process.stdin.flush()
    return process


@pytest.mark.parametrize("doing", ["select 1", ENDLESS], ids=["idle", "busy"])
def test_workers_die_with_their_parent(person: Sealed, doing: str) -> None:
    script = f"""
pool = Pool()
ask(pool, "select 1")
print("up", flush=True)
ask(pool, {doing!r})
time.sleep(60)
"""
    with parent(script, person) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        time.sleep(0.1)
        workers = children(process.pid)
        process.kill()
    assert len(workers) == 1
    assert until(lambda: is_corpse(workers[0])) < 1


def is_corpse(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_a_process_that_ends_in_order_leaves_no_worker(person: Sealed) -> None:
    script = "print(ask(Pool(), 'select 42 as n'), flush=True)"
    with parent(script, person) as process:
        said, _ = process.communicate(timeout=60)
    assert (said, process.returncode) == ("[{'n': 42}]\n", 0)


# A machine that cannot fence

WITHOUT_LANDLOCK = """
fence._install([(0x20, 0, 0, 0), (0x15, 0, 1, 444), (6, 0, 0, 0x50026), (6, 0, 0, 0x7FFF0000)])
"""


def test_no_key_is_handed_to_a_worker_without_its_fence(person: Sealed) -> None:
    script = WITHOUT_LANDLOCK + "print(ask(Pool(), 'select 42 as n'))"
    with parent(script, person) as process:
        said, _ = process.communicate(timeout=60)
    assert said == "fence ['files'] this machine cannot shut a worker in, files\n"


def test_a_weaker_fence_works_only_when_accepted_and_is_named(person: Sealed) -> None:
    script = WITHOUT_LANDLOCK + (
        "pool = Pool(accept_missing={'files', 'network'})\n"
        "print(ask(pool, 'select 42 as n'), 'files' in pool.missing)"
    )
    with parent(script, person) as process:
        said, _ = process.communicate(timeout=60)
    assert said == "[{'n': 42}] True\n"


# A worker that somebody took over

HOSTILE = {
    "a frame without end": b"S" + (1 << 60).to_bytes(8, "big"),
    "a large frame": b"S" + (1 << 26).to_bytes(8, "big") + b"x" * 100,
    "an answer before the fence": b"E" + (2).to_bytes(8, "big") + b"{}",
    "no JSON": b"F" + (2).to_bytes(8, "big") + b"{{",
    "not a table": b"F" + (2).to_bytes(8, "big") + b"[]",
    "no word of fences": b"F" + (2).to_bytes(8, "big") + b"{}",
    "odd fences": b"F" + (15).to_bytes(8, "big") + b'{"missing": []}',
    "an unknown kind": b"X" + (15).to_bytes(8, "big") + b'{"kind":"gift"}',
    "silence": b"",
}


@pytest.mark.parametrize("says", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_worker_that_talks_nonsense_is_ended(
    person: Sealed, says: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = f"import sys; sys.stdout.buffer.write({says!r}); sys.stdout.flush() # lake.worker"
    monkeypatch.setattr(child, "_BOOT", script)
    with Pool() as pool:
        assert failure(pool, person, "select 1", seconds=5) in {"error", "size", "fence"}
        until(lambda: not children())
