"""The stored ledger: durable, replayed, and refused whenever its rows say what was not signed."""

import base64
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from tests.factories import AT, REFERENCE, County, dataset, grant, signed

from commonthread.broker.keyring import Keyring
from commonthread.broker.records import Ledger, close_ledgers, open_ledger
from commonthread.broker.records.entries import seal
from commonthread.broker.rules import keys
from commonthread.broker.rules.canonical import canonical_bytes, parse_json
from commonthread.broker.rules.errors import BadInput, IntegrityFailure
from commonthread.broker.rules.facts import DEPOSIT, HOME, MEMBER, PARTNER, Fact, fact_digest
from commonthread.broker.rules.keys import public_key
from commonthread.broker.rules.ledger import (
    leaf_hash,
    open_note,
    read_key,
    verify_consistency,
    verify_inclusion,
)
from commonthread.broker.rules.standing import SERVICE_MEMBER, Standing, partner_reference
from commonthread.broker.rules.terms import PLATFORM

pytestmark = pytest.mark.django_db(transaction=True)

ORIGIN = "trust.example/ledger"
ROOT = Path(__file__).resolve().parents[2]
# As an outsider has it: the one file, without the package around it.
SPEC = importlib.util.spec_from_file_location(
    "outside_verify", ROOT / "src/commonthread/cli/verify.py"
)
TABLES = (
    "ledger_entry",
    "ledger_token",
    "ledger_key",
    "ledger_node",
    "ledger_checkpoint",
    "cache_partner",
    "cache_member",
    "cache_dataset",
    "cache_charter",
    "cache_agreement",
    "cache_act",
    "cache_deposit",
    "cache_notice",
)
CACHES = tuple(name for name in TABLES if name.startswith("cache_"))
CARE = "wychshire/care-plans"


@pytest.fixture(scope="module")
def verifier() -> ModuleType:
    assert SPEC is not None and SPEC.loader is not None
    module = importlib.util.module_from_spec(SPEC)
    sys.modules[SPEC.name] = module
    SPEC.loader.exec_module(module)
    return module


@dataclass(slots=True)
class RecordedCounty(County):
    """A county whose facts are entries of a ledger, so that envelopes follow its leaf hashes."""

    ledger: Any = None

    def add(self, kind: str, body: Mapping[str, Any]) -> Fact:
        self.at += timedelta(seconds=1)
        self.standing = self.ledger.add([(kind, body)], self.at)
        return Fact(kind, body, self.at, "")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    """Keys that every home of this module has, so that one county can be put into each."""
    return Keyring.create(tmp_path_factory.mktemp("template") / "trust")


@pytest.fixture
def keyring(template: Keyring, tmp_path: Path) -> Keyring:
    return Keyring.load(shutil.copytree(template.home, tmp_path / "trust"))


@pytest.fixture
def ledger(keyring: Keyring, transactional_db: None) -> Iterator[Ledger]:
    yield open_ledger(keyring)
    close_ledgers()


def home_body(keyring: Keyring, origin: str = ORIGIN) -> dict[str, Any]:
    return {"origin": origin, "service_key": str(public_key(keyring.service_key()))}


@pytest.fixture
def home(ledger: Ledger, keyring: Keyring) -> Ledger:
    """A ledger that has its home fact and nothing else."""
    ledger.add([(HOME, home_body(keyring))], AT)
    return ledger


@dataclass(frozen=True, slots=True)
class Saved:
    """A county as it was built once: its rows, its watermark, and who holds which key."""

    rows: dict[str, list[tuple[Any, ...]]]
    watermark: tuple[int, str]
    county: RecordedCounty


@pytest.fixture(scope="module")
def saved() -> list[Saved]:
    """Where the first test that needs a county leaves it for those that follow."""
    return []


@pytest.fixture
def county(ledger: Ledger, keyring: Keyring, saved: list[Saved]) -> RecordedCounty:
    """A small county in force, with a deposit and three reads."""
    if not saved:
        made = build_county(ledger, keyring)
        made.ledger = None
        saved.append(Saved({table: rows(table) for table in TABLES}, keyring.watermark(), made))
    else:
        restore(saved[0].rows)
        keyring.raise_watermark(*saved[0].watermark)
    standing = ledger.standing()
    return replace(saved[0].county, ledger=ledger, standing=standing)


def build_county(ledger: Ledger, keyring: Keyring) -> RecordedCounty:
    ledger.add([(HOME, home_body(keyring))], AT)
    made = RecordedCounty(at=AT, ledger=ledger, standing=ledger.standing())
    made.keys[SERVICE_MEMBER] = made.root_keys[PLATFORM] = keyring.service_key()
    table = dataset("wychshire", "care-plans", {"client": "text", "born": "date"})
    signed([table], [grant("plans", CARE, ["born"])], county=made, deposits={CARE: ["a" * 64]})
    for number in range(3):
        read(ledger, number, at=made.at)
    return made


def read(ledger: Ledger, number: int, *, at: datetime = AT, who: str = "reader") -> int:
    return ledger.record(
        "lease.opened",
        public={"agreement": REFERENCE},
        body={"member": "in.analysts", "number": number},
        tokens=[ledger.token(who)],
        at=at,
    )


def again(keyring: Keyring) -> Ledger:
    """The ledger as another process would find it."""
    return Ledger(keyring)


def execute(statement: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        assert cursor.rowcount > 0, "the attack changed nothing"


def rows(table: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {table}")
        return list(cursor.fetchall())


def columns(table: str) -> list[str]:
    with connection.cursor() as cursor:
        return [
            column.name for column in connection.introspection.get_table_description(cursor, table)
        ]


def restore(saved: Mapping[str, list[tuple[Any, ...]]]) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        for table, kept in saved.items():
            cursor.execute(f"DELETE FROM {table}")
            if kept:
                cursor.executemany(
                    f"INSERT INTO {table} VALUES ({', '.join(['%s'] * len(kept[0]))})", kept
                )


# Writing and reading back.


def test_a_second_ledger_replays_the_same_standing(
    county: RecordedCounty, keyring: Keyring
) -> None:
    assert again(keyring).standing() == county.ledger.standing()


def test_a_running_ledger_sees_facts_that_another_wrote(
    county: RecordedCounty, keyring: Keyring
) -> None:
    other = again(keyring)
    other.standing()
    county.withdraw(REFERENCE, "wychshire")
    assert other.standing().agreements[REFERENCE][0].withdrawals
    assert other.standing() == again(keyring).standing()


def test_the_epoch_grows_with_facts_only(county: RecordedCounty, keyring: Keyring) -> None:
    before = again(keyring).epoch()
    read(county.ledger, 9, at=county.at)
    assert again(keyring).epoch() == before
    county.suspend(REFERENCE, "wychshire")
    assert again(keyring).epoch() == before + 1


def test_last_at_is_that_of_the_newest_entry(home: Ledger, keyring: Keyring) -> None:
    read(home, 1, at=AT + timedelta(hours=1))
    assert home.standing().last_at == AT + timedelta(hours=1)
    assert again(keyring).standing().last_at == AT + timedelta(hours=1)


def test_bodies_come_back_and_are_not_in_the_text(home: Ledger) -> None:
    seq = home.record("lease.opened", public={}, body={"asked": "canary-7261"}, at=AT)
    assert home.body(seq) == {"asked": "canary-7261"}
    assert b"canary" not in home.entry(seq).text


def test_an_entry_is_canonical_json(county: RecordedCounty) -> None:
    for entry in county.ledger.entries(limit=1_000):
        assert canonical_bytes(parse_json(entry.text)) == entry.text


def test_an_entry_shows_when_it_was_written_in_whole_seconds(home: Ledger) -> None:
    seq = read(home, 1, at=AT.replace(microsecond=999_999))
    assert home.entry(seq).at == "2026-11-25T09:00:00Z"


def test_all_facts_of_one_call_are_written_or_none(home: Ledger, keyring: Keyring) -> None:
    key = str(public_key(keyring.service_key()))
    partner = {"id": "wychshire", "name": "W", "kind": "county-council", "root_key": key}
    saved = {table: rows(table) for table in TABLES}
    with pytest.raises(BadInput):
        home.add([(PARTNER, partner), (PARTNER, {"id": "no"})], AT)
    assert {table: rows(table) for table in TABLES} == saved
    assert "wychshire" not in home.standing().partners


def test_envelopes_that_name_each_other_go_in_one_call(county: RecordedCounty) -> None:
    def member(id_: str) -> Callable[[Standing], tuple[str, dict[str, Any]]]:
        def made(standing: Standing) -> tuple[str, dict[str, Any]]:
            county.standing = standing
            body = {"id": id_, "name": id_, "partner": "wychshire"}
            envelope = county.envelope(
                keys.DECLARE,
                fact_digest(MEMBER, body),
                member="sign.wychshire",
                reference=partner_reference("wychshire"),
                private=county.root_keys["wychshire"],
            )
            return MEMBER, {**body, "envelope": envelope.to_plain()}

        return made

    standing = county.ledger.add([member("one"), member("two")], county.at)
    assert {"one", "two"} <= set(standing.members)


def test_a_deposit_that_the_rules_refuse_writes_nothing(home: Ledger) -> None:
    with pytest.raises(BadInput):
        home.add([(DEPOSIT, {"dataset": CARE})], AT)
    assert home.size == 1


def test_there_is_nothing_to_record_before_there_is_a_home(ledger: Ledger) -> None:
    with pytest.raises(BadInput, match="no home"):
        read(ledger, 1)


def test_an_origin_that_cannot_name_a_key_is_refused(ledger: Ledger, keyring: Keyring) -> None:
    with pytest.raises(BadInput, match="origin"):
        ledger.add([(HOME, home_body(keyring, "a name"))], AT)


def test_a_clock_behind_the_newest_entry_refuses_a_read(home: Ledger) -> None:
    with pytest.raises(IntegrityFailure, match="clock"):
        read(home, 1, at=AT - timedelta(minutes=1))


def test_a_clock_behind_the_newest_entry_refuses_a_fact(county: RecordedCounty) -> None:
    county.at = AT - timedelta(days=1)
    with pytest.raises(IntegrityFailure, match="clock"):
        county.suspend(REFERENCE, "wychshire")


def test_an_entry_that_waited_its_turn_takes_the_newest_time(home: Ledger) -> None:
    seq = read(home, 1, at=AT - timedelta(seconds=1))
    assert home.entry(seq).at == "2026-11-25T09:00:00Z"


def test_a_time_without_a_zone_is_refused(home: Ledger) -> None:
    with pytest.raises(BadInput, match="zone"):
        read(home, 1, at=AT.replace(tzinfo=None))


def test_a_fact_inside_the_callers_transaction_is_a_bug(home: Ledger) -> None:
    with transaction.atomic(), pytest.raises(RuntimeError, match="durable"):
        home.add([(PARTNER, {})], AT)


# Limits.


def limited(ledger: Ledger, *, limit: int, at: datetime = AT, since: datetime = AT) -> int | None:
    return ledger.record_limited(
        "lookup",
        public={},
        body={},
        at=at,
        limit_token=ledger.token("member"),
        since=since,
        limit=limit,
    )


def test_a_limit_is_used_up(home: Ledger) -> None:
    assert [limited(home, limit=2) is None for _ in range(4)] == [False, False, True, True]
    assert home.count("lookup", home.token("member"), AT) == 2


def test_a_limit_forgets_what_lies_before_its_time(home: Ledger) -> None:
    limited(home, limit=1)
    later = AT + timedelta(days=1)
    assert limited(home, limit=1, at=later, since=AT + timedelta(seconds=1)) is not None


def test_a_limit_holds_in_another_process(home: Ledger, keyring: Keyring) -> None:
    limited(home, limit=1)
    other = again(keyring)
    assert limited(other, limit=1) is None
    other.close()


def test_a_limit_holds_among_threads(home: Ledger) -> None:
    given: list[int | None] = []
    threads = [
        threading.Thread(target=lambda: given.append(limited(home, limit=5))) for _ in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([seq for seq in given if seq is not None]) == 5


def test_a_tally_that_let_go_of_old_times_counts_the_same(
    home: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("commonthread.broker.records.tally.MOST_KEPT", 1)
    for hour in range(4):
        limited(home, limit=9, at=AT + timedelta(hours=hour))
    member = home.token("member")
    counted = [home.count("lookup", member, AT + timedelta(hours=hour)) for hour in (2, 3, 0, 3)]
    assert counted == [2, 1, 4, 1]


def test_deleting_tokens_buys_no_further_look_up(home: Ledger, keyring: Keyring) -> None:
    limited(home, limit=1)
    execute("DELETE FROM ledger_token")
    other = again(keyring)
    assert limited(other, limit=1) is None
    other.close()


def test_moving_the_times_of_rows_buys_no_further_look_up(home: Ledger, keyring: Keyring) -> None:
    limited(home, limit=1)
    later = AT + timedelta(hours=1)
    read(home, 1, at=later)
    execute("UPDATE ledger_entry SET at = '1999-01-01T00:00:00Z' WHERE seq < 2")
    other = again(keyring)
    # The entry before the first row of the window is read as well, and betrays the lie.
    with pytest.raises(IntegrityFailure):
        limited(other, limit=1, at=later)
    other.close()
    assert home.size == 3


# Whoever writes to the database can make the broker refuse, never release more.


def refuses(keyring: Keyring) -> str:
    """What a new process says to the database as it stands; it must not start."""
    with pytest.raises(IntegrityFailure) as caught:
        again(keyring).standing()
    return str(caught.value)


def is_found(keyring: Keyring) -> None:
    with pytest.raises(IntegrityFailure):
        again(keyring).verify()


@pytest.mark.parametrize("table", CACHES)
def test_a_cache_row_edited(county: RecordedCounty, keyring: Keyring, table: str) -> None:
    prepare_notice(county)
    column = columns(table)[-1]
    execute(f"UPDATE {table} SET {connection.ops.quote_name(column)} = '2099-01-01T00:00:00Z'")
    assert table in refuses(keyring)


@pytest.mark.parametrize("table", CACHES)
def test_a_cache_row_deleted(county: RecordedCounty, keyring: Keyring, table: str) -> None:
    prepare_notice(county)
    execute(f"DELETE FROM {table}")
    assert table in refuses(keyring)


@pytest.mark.parametrize("table", CACHES)
def test_a_cache_row_added(county: RecordedCounty, keyring: Keyring, table: str) -> None:
    prepare_notice(county)
    names = columns(table)
    row = list(rows(table)[0])
    for place, value in enumerate(row):
        # Unique columns need another value; every text column may have one.
        row[place] = value + 1 if isinstance(value, int) else "ffff"
    quoted = ", ".join(map(connection.ops.quote_name, names))
    execute(f"INSERT INTO {table} ({quoted}) VALUES ({', '.join(['%s'] * len(row))})", *row)
    assert table in refuses(keyring)


def test_a_cache_edited_under_a_running_ledger_stops_the_next_fact(county: RecordedCounty) -> None:
    execute("UPDATE cache_agreement SET state = 'signed elsewhere'")
    with pytest.raises(IntegrityFailure, match="cache_agreement"):
        county.suspend(REFERENCE, "wychshire")
    with pytest.raises(IntegrityFailure, match="cache_agreement"):
        county.ledger.check_tables()
    assert county.ledger.size == len(rows("ledger_entry"))


def prepare_notice(county: RecordedCounty) -> None:
    county.suspend(REFERENCE, "wychshire")


FACT = "(SELECT max(seq) FROM ledger_entry WHERE fact IS NOT NULL)"
READ = "(SELECT max(seq) FROM ledger_entry WHERE fact IS NULL)"


@pytest.mark.parametrize(
    "attack",
    [
        f"UPDATE ledger_entry SET text = replace(text, '2026', '2027') WHERE seq = {FACT}",
        f"UPDATE ledger_entry SET at = '2030-01-01T00:00:00Z' WHERE seq = {FACT}",
        f"UPDATE ledger_entry SET kind = 'member' WHERE seq = {FACT}",
        f"UPDATE ledger_entry SET fact = NULL WHERE seq = {FACT}",
        f"UPDATE ledger_entry SET fact = fact + 1 WHERE seq = {FACT}",
        f"DELETE FROM ledger_entry WHERE seq = {FACT}",
        f"DELETE FROM ledger_entry WHERE seq = {READ}",
        "DELETE FROM ledger_entry WHERE seq = 0",
        "DELETE FROM ledger_entry",
        "INSERT INTO ledger_entry (seq, at, kind, fact, text)"
        " SELECT seq + 1, at, kind, NULL, text FROM ledger_entry ORDER BY seq DESC LIMIT 1",
        "INSERT INTO ledger_entry (seq, at, kind, fact, text)"
        " SELECT seq + 1, at, kind, (SELECT max(fact) + 1 FROM ledger_entry), text"
        " FROM ledger_entry ORDER BY seq DESC LIMIT 1",
        f"UPDATE ledger_entry SET text = replace(text, '2026', '2027') WHERE seq = {READ}",
        f"UPDATE ledger_key SET wrapped = (SELECT wrapped FROM ledger_key WHERE seq = 0)"
        f" WHERE seq = {FACT}",
        f"DELETE FROM ledger_key WHERE seq = {FACT}",
        "DELETE FROM ledger_key",
        "DELETE FROM ledger_node",
        "DELETE FROM ledger_node WHERE level = (SELECT max(level) FROM ledger_node)",
        "UPDATE ledger_node SET hash = (SELECT hash FROM ledger_node WHERE level = 0 AND place = 0)"
        " WHERE level = (SELECT max(level) FROM ledger_node)",
        "DELETE FROM ledger_checkpoint",
        "UPDATE ledger_checkpoint SET note = replace(note, 'facts ', 'facts 1')",
        "UPDATE ledger_checkpoint SET note = ''",
    ],
)
def test_a_ledger_row_edited_deleted_or_added(
    county: RecordedCounty, keyring: Keyring, attack: str
) -> None:
    execute(attack)
    refuses(keyring)


@pytest.mark.parametrize(
    "attack",
    [
        "UPDATE ledger_token SET kind = 'other'",
        "DELETE FROM ledger_token WHERE seq = (SELECT max(seq) FROM ledger_token)",
        "INSERT INTO ledger_token (seq, token, kind, at) VALUES (1, 'x', 'lease.opened', '')",
        "INSERT INTO ledger_token (seq, token, kind, at) VALUES (9000, 'x', 'lease.opened', '')",
        "INSERT INTO ledger_key (seq, wrapped) VALUES (9000, 'x')",
        "UPDATE ledger_node SET hash = (SELECT hash FROM ledger_node WHERE level = 0 AND place = 1)"
        " WHERE level = 0 AND place = 3",
        "DELETE FROM ledger_node WHERE level = 0 AND place = 3",
        "INSERT INTO ledger_node (level, place, hash)"
        " SELECT 9, 9, hash FROM ledger_node WHERE level = 0 AND place = 0",
        "UPDATE ledger_checkpoint SET size = size + 1",
        "UPDATE ledger_entry SET at = '2030-01-01T00:00:00Z'"
        " WHERE seq = (SELECT max(seq) - 1 FROM ledger_entry)",
        "UPDATE ledger_entry SET text = replace(text, '2026', '2027')"
        " WHERE seq = (SELECT max(seq) - 1 FROM ledger_entry)",
    ],
)
def test_the_full_check_finds_what_a_start_does_not_read(
    county: RecordedCounty, keyring: Keyring, attack: str
) -> None:
    assert again(keyring).verify().size == county.ledger.size
    execute(attack)
    is_found(keyring)


def test_an_edited_read_is_not_handed_out(county: RecordedCounty) -> None:
    seq = county.ledger.size - 2
    execute("UPDATE ledger_entry SET text = replace(text, '2026', '2027') WHERE seq = %s", seq)
    for look in (county.ledger.entry, county.ledger.body, county.ledger.entries):
        with pytest.raises(IntegrityFailure):
            look(seq)


def test_yesterdays_database_is_refused(county: RecordedCounty, keyring: Keyring) -> None:
    yesterday = {table: rows(table) for table in TABLES}
    county.withdraw(REFERENCE, "wychshire")
    restore(yesterday)
    assert "behind" in refuses(keyring)
    with pytest.raises(IntegrityFailure, match="behind"):
        county.ledger.standing()
    with pytest.raises(IntegrityFailure, match="behind"):
        county.ledger.epoch()


def test_nothing_is_added_to_yesterdays_database(county: RecordedCounty, keyring: Keyring) -> None:
    yesterday = {table: rows(table) for table in TABLES}
    county.withdraw(REFERENCE, "wychshire")
    restore(yesterday)
    other = again(keyring)
    with pytest.raises(IntegrityFailure, match="behind"):
        read(other, 1, at=county.at)
    other.close()
    assert {table: rows(table) for table in TABLES} == yesterday


def test_an_emptied_database_is_refused(county: RecordedCounty, keyring: Keyring) -> None:
    restore({table: [] for table in TABLES})
    refuses(keyring)
    with pytest.raises(IntegrityFailure):
        county.ledger.standing()


def test_caches_without_a_ledger_are_refused(ledger: Ledger, keyring: Keyring) -> None:
    execute("INSERT INTO cache_dataset (name, owner, contract) VALUES ('a/b', 'a', '')")
    assert "cache_dataset" in refuses(keyring)


def test_another_homes_ledger_is_refused(
    county: RecordedCounty, tmp_path: Path, keyring: Keyring
) -> None:
    with pytest.raises(IntegrityFailure):
        again(Keyring.create(tmp_path / "elsewhere")).standing()


# Deaths and errors.


def test_a_death_between_commit_and_watermark_is_accepted(
    county: RecordedCounty, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Keyring, "raise_watermark", die)
        county.suspend(REFERENCE, "wychshire")
    assert keyring.watermark()[0] == county.ledger.size - 1
    assert again(keyring).standing().agreements[REFERENCE][0].suspensions
    assert again(keyring).verify().size == county.ledger.size


def test_a_tree_that_does_not_contain_the_watermarks_is_refused(
    county: RecordedCounty, keyring: Keyring
) -> None:
    size, _ = keyring.watermark()
    keyring.raise_watermark(size - 1, "00" * 32)
    assert "recorded before" in refuses(keyring)


def test_an_error_reaches_everyone_who_waits(
    home: Ledger, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise DatabaseError("disk full")

    met: list[str] = []

    def one(number: int) -> None:
        try:
            read(home, number)
        except IntegrityFailure as error:
            met.append(str(error))

    with monkeypatch.context() as patch:
        patch.setattr("commonthread.broker.records.writing.store_nodes", fail)
        threads = [threading.Thread(target=one, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert met == ["The ledger cannot be written. Nothing was released."] * 4
    assert again(keyring).verify().size == 1
    assert read(home, 9) == 1


WRITER = """
import sys
import django
django.setup()
from datetime import UTC, datetime
from pathlib import Path
from commonthread.broker.keyring import Keyring
from commonthread.broker.records import close_ledgers, open_ledger
ledger = open_ledger(Keyring.load(Path(sys.argv[1])))
for number in range(int(sys.argv[2])):
    seq = ledger.record("read", public={}, body={"number": number}, tokens=["writer"])
    print(seq, flush=True)
close_ledgers()
"""


def writer(keyring: Keyring, environment: Mapping[str, str], count: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(keyring.home), str(count)],
        env={**environment, "PYTHONPATH": str(ROOT / "src")},
        stdout=subprocess.PIPE,
        text=True,
    )


def test_processes_and_threads_leave_no_gap(
    home: Ledger, keyring: Keyring, same_database: dict[str, str], scale: Callable[[int, int], int]
) -> None:
    each = scale(15, 1_000)
    processes = [writer(keyring, same_database, each) for _ in range(2)]
    mine: list[int] = []

    def work() -> None:
        mine.extend(read(home, number, at=datetime.now(UTC)) for number in range(each))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    theirs = [int(line) for process in processes for line in process.communicate()[0].split()]
    assert [process.returncode for process in processes] == [0, 0]
    assert sorted(mine + theirs) == list(range(1, 6 * each + 1))
    assert again(keyring).verify().size == 6 * each + 1


def test_what_was_reported_durable_outlives_kill_9(
    home: Ledger, keyring: Keyring, same_database: dict[str, str]
) -> None:
    process = writer(keyring, same_database, 1_000_000)
    assert process.stdout is not None
    durable = [int(process.stdout.readline()) for _ in range(20)]
    os.kill(process.pid, signal.SIGKILL)
    durable += [int(line) for line in process.stdout.read().split()]
    process.wait()
    process.stdout.close()
    found = again(keyring)
    assert durable == list(range(1, len(durable) + 1))
    assert found.verify().size > durable[-1]


def test_the_committer_ends_and_closes_its_connection(home: Ledger) -> None:
    read(home, 1)
    until = time.monotonic() + 10
    while any(thread.name == "ledger" for thread in threading.enumerate()):
        assert time.monotonic() < until
        time.sleep(0.02)
    assert read(home, 2) == 2


# Erasure, proofs and exports.


def test_an_erased_body_leaves_the_tree_whole(county: RecordedCounty, keyring: Keyring) -> None:
    seq = county.ledger.size - 1
    assert county.ledger.erase([seq]) == 1
    with pytest.raises(BadInput, match="erased"):
        county.ledger.body(seq)
    verified = again(keyring).verify()
    assert (verified.size, verified.erased) == (county.ledger.size, 1)


def test_a_fact_cannot_be_erased(county: RecordedCounty) -> None:
    with pytest.raises(BadInput, match="fact"):
        county.ledger.erase([0])


def test_an_entry_is_proven_to_lie_under_the_checkpoint(county: RecordedCounty) -> None:
    name, key = read_key(county.ledger.key_text())
    for seq in range(county.ledger.size):
        shown = county.ledger.inclusion(seq)
        head = open_note(shown.note, name, key)
        verify_inclusion(shown.leaf, seq, head.size, shown.proof, head.root)
        assert leaf_hash(county.ledger.entry(seq).text) == shown.leaf


def test_a_checkpoint_is_proven_to_add_to_an_older_one(county: RecordedCounty) -> None:
    name, key = read_key(county.ledger.key_text())
    old = open_note(county.ledger.checkpoint(), name, key)
    county.suspend(REFERENCE, "wychshire")
    shown = county.ledger.consistency(old.size)
    new = open_note(shown.note, name, key)
    verify_consistency(old.size, new.size, old.root, new.root, shown.proof)


def test_pages_of_entries_are_the_entries(county: RecordedCounty) -> None:
    size = county.ledger.size
    singly = tuple(county.ledger.entry(seq) for seq in range(size))
    assert county.ledger.entries(limit=size) == singly
    assert county.ledger.entries(size - 2, 10) == singly[-2:]
    assert county.ledger.entries(size, 10) == ()


def test_entries_are_found_by_their_token(county: RecordedCounty) -> None:
    found = county.ledger.find(county.ledger.token("reader"))
    assert [entry.seq for entry in found] == sorted((entry.seq for entry in found), reverse=True)
    assert len(found) == 3
    assert county.ledger.find(county.ledger.token("reader"), kind="other") == ()
    assert county.ledger.find(county.ledger.token("nobody")) == ()


def test_a_token_is_of_its_home(home: Ledger, tmp_path: Path) -> None:
    other = Ledger(Keyring.create(tmp_path / "elsewhere"))
    assert home.token("a resident") == home.token("a resident")
    assert home.token("a resident") != other.token("a resident")


def export(ledger: Ledger, folder: Path) -> list[bytes]:
    lines = list(ledger.export())
    (folder / "key").write_text(ledger.key_text() + "\n")
    (folder / "held").write_text(ledger.checkpoint())
    return lines


@pytest.fixture
def holds(verifier: ModuleType, tmp_path: Path) -> Callable[[list[bytes]], bool]:
    """Whether an export verifies against the key and the checkpoint that `export` kept."""

    def verified(lines: list[bytes]) -> bool:
        path = tmp_path / "county.ledger"
        path.write_bytes(b"".join(lines))
        held = [tmp_path / "held"]
        report = verifier.verify_export(path, key=str(tmp_path / "key"), checkpoints=held)
        return bool(report.verified)

    return verified


def test_an_export_verifies_against_a_checkpoint_kept_earlier(
    county: RecordedCounty, tmp_path: Path, holds: Callable[[list[bytes]], bool]
) -> None:
    export(county.ledger, tmp_path)
    county.suspend(REFERENCE, "wychshire")
    read(county.ledger, 1, at=county.at)
    assert holds(list(county.ledger.export()))


def test_an_export_cut_short_does_not(
    county: RecordedCounty, tmp_path: Path, holds: Callable[[list[bytes]], bool]
) -> None:
    lines = export(county.ledger, tmp_path)
    assert not holds(lines[:-1])


def test_every_single_change_of_an_export_is_detected(
    county: RecordedCounty,
    tmp_path: Path,
    holds: Callable[[list[bytes]], bool],
    scale: Callable[[int, int], int],
) -> None:
    wanted = scale(60, 1_000)
    while county.ledger.size < wanted:
        read(county.ledger, 7, at=county.at)
    lines = export(county.ledger, tmp_path)
    assert holds(lines)
    for place in range(1, len(lines)):
        before, here, after = lines[:place], lines[place], lines[place + 1 :]
        assert not holds([*before, edited(here), *after]), f"edit of {place}"
        assert not holds([*before, *after]), f"deletion of {place}"
        assert not holds([*before, here, here, *after]), f"insertion at {place}"
        if after:
            assert not holds([*before, after[0], here, *after[1:]]), f"swap at {place}"


def edited(line: bytes) -> bytes:
    said = json.loads(line)
    body = bytearray(base64.b64decode(said["body"]))
    body[0] ^= 1
    said["body"] = base64.b64encode(bytes(body)).decode()
    return canonical_bytes(said) + b"\n"


# The outbox, and what rows cannot be.


def test_parties_are_told_of_the_last_signature_and_of_each_halt(county: RecordedCounty) -> None:
    told = [notice.kind for notice in county.ledger.outbox("wychshire")]
    assert told == ["signed"]
    county.suspend(REFERENCE, "wychshire")
    county.resume(REFERENCE, "wychshire")
    county.withdraw(REFERENCE, "wychshire")
    notices = county.ledger.outbox("wychshire")
    assert [notice.kind for notice in notices] == ["signed", "suspend", "resume", "withdraw"]
    assert county.ledger.outbox("wychshire", after=notices[-2].seq) == notices[-1:]
    assert county.ledger.outbox("somebody-else") == ()
    assert [row[0] for row in rows("cache_notice")] == [notice.seq for notice in notices]


@pytest.mark.parametrize(
    ("name", "attack"),
    [
        (
            "entry_counts_from_nought",
            "INSERT INTO ledger_entry (seq, at, kind, text) VALUES (-1, '', '', '')",
        ),
        (
            "entry_fact_counts_from_one",
            "INSERT INTO ledger_entry (seq, at, kind, fact, text) VALUES (900, '', '', 0, '')",
        ),
        (
            "fact",
            "INSERT INTO ledger_entry (seq, at, kind, fact, text) VALUES (900, '', '', 1, '')",
        ),
        ("node_lies_in_the_tree", "UPDATE ledger_node SET level = 63"),
        ("checkpoint_is_one", "INSERT INTO ledger_checkpoint (id, size, note) VALUES (2, 1, '')"),
        ("checkpoint_covers_an_entry", "UPDATE ledger_checkpoint SET size = 0"),
        ("agreement_versions_from_one", "UPDATE cache_agreement SET version = 0"),
        (
            "digest",
            "INSERT INTO cache_agreement SELECT 'X', version, digest, title, state, proposed,"
            " completed FROM cache_agreement",
        ),
        (
            "act",
            "INSERT INTO cache_act (leaf, reference, subject, act, partner, member, at)"
            " SELECT 'f', reference, subject, act, partner, member, at FROM cache_act LIMIT 1",
        ),
        ("deposit_numbers_from_one", "UPDATE cache_deposit SET number = 0"),
        ("deposit_counts_are_counts", "UPDATE cache_deposit SET quarantined = -1"),
    ],
)
def test_a_row_that_cannot_be_is_refused_by_name(
    county: RecordedCounty, name: str, attack: str
) -> None:
    with pytest.raises(DatabaseError, match=name), connection.cursor() as cursor:
        cursor.execute(attack)


@pytest.mark.parametrize(
    ("kind", "token"), [("Upper", "a"), ("read", "with space"), ("read", ""), ("", "a")]
)
def test_an_entry_of_another_form_is_refused(keyring: Keyring, kind: str, token: str) -> None:
    with pytest.raises(BadInput):
        seal(keyring, kind, public={}, body={}, tokens=[token])
