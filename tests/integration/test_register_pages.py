"""Registers through their doors: the command and the pages, on a real home and on the example."""

import filecmp
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from tests.homes import ANALYST, PURPOSE, REFERENCE, SIGNATORY, agreement, small_home
from tests.processes import Run
from tests.stand_in_broker import FALLS, LINKAGE, StandInBroker, stand_in
from typer.testing import CliRunner

from commonthread.broker.access import Broker, Refused, Request, Sql, open_broker
from commonthread.broker.records import close_ledgers
from commonthread.cli import app
from commonthread.gateway.registers import REGISTERS, Reading, build, hold
from commonthread.gateway.registers.odrl import read_back
from commonthread.web import pages
from commonthread.web.registers import MOST_KEPT, Shelf

pytestmark = pytest.mark.django_db(transaction=True)
PUBLIC = {"agreements.csv", "agreements.json", "agreements.md", "dea.csv", "terms-schema.json"}
FOR_MEMBERS = {"ropa.json", "ropa-controllers.csv", "odrl.jsonld", "dcat.jsonld"}


@pytest.fixture
def broker(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Broker]:
    settings.HOME = tmp_path / "home"
    monkeypatch.setenv("COLUMNS", "200")
    made = small_home(tmp_path)
    yield made
    made.close()
    close_ledgers()


@pytest.fixture
def example(shared: Path, monkeypatch: pytest.MonkeyPatch) -> StandInBroker:
    made = stand_in(shared / "examples" / "first-county")
    monkeypatch.setattr(pages, "open_broker", lambda: made)
    return made


def signed_in() -> Client:
    client = Client()
    assert client.post("/sign-in/", {"member": ANALYST}).status_code == 302
    return client


def run(*arguments: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, ["registers", *arguments])
    assert done.exit_code == code, f"{done.stdout}\n{done.stderr}\n{done.exception!r}"
    return done.stdout + done.stderr


# The facts of a real home.


def test_two_fresh_replays_of_a_home_give_the_same_bytes(broker: Broker) -> None:
    at = broker.standing().last_at
    assert at is not None
    made = []
    for _ in range(2):
        close_ledgers()
        broker.close()
        fresh = open_broker()
        made.append(build(hold(fresh.standing(), Reading().activity(fresh.ledger), at)))
        fresh.close()
    assert made[0] == made[1]
    assert len(made[0]) == 17 + 2  # and a notice for each partner


def test_what_the_ledger_counts_is_what_was_asked(broker: Broker) -> None:
    request = Request(ANALYST, Sql("select ref from calls limit 3"), REFERENCE, PURPOSE)
    for _ in range(3):
        broker.read(request).rows()
    broker.act(REFERENCE, "suspend", SIGNATORY, "review")
    with pytest.raises(Refused):
        broker.read(request)
    counts = Reading().activity(broker.ledger).counts[REFERENCE]
    assert {what: count for (_, what), count in counts.items()} == {"answered": 3, "refused": 1}


def test_a_policy_of_a_real_home_is_read_back_as_signed(broker: Broker) -> None:
    standing = broker.standing()
    assert standing.last_at is not None
    held = hold(standing, Reading().activity(broker.ledger), standing.last_at)
    back = {
        terms.reference: terms.digest for terms in read_back(build(held, "odrl")["odrl.jsonld"])
    }
    assert back == {REFERENCE: broker.status(REFERENCE).digest}


# The command.


@pytest.mark.usefixtures("broker")
def test_the_command_writes_every_register_and_says_so(tmp_path: Path) -> None:
    out = tmp_path / "new" / "registers"
    said = run("--out", str(out))
    names = {path.name for path in out.iterdir()}
    assert names >= PUBLIC | FOR_MEMBERS
    assert all(name in said for name in names)
    (row,) = json.loads((out / "dea.json").read_text())["not_published"]
    assert row["id"] == REFERENCE


@pytest.mark.usefixtures("broker")
def test_one_register_alone_is_written(tmp_path: Path) -> None:
    said = json.loads(run("--out", str(tmp_path / "r"), "--register", "schema", "--json"))
    assert list(said["files"]) == ["terms-schema.json"]
    assert [path.name for path in (tmp_path / "r").iterdir()] == ["terms-schema.json"]


@pytest.mark.usefixtures("broker")
def test_nothing_is_written_over_unless_it_is_asked(tmp_path: Path) -> None:
    out = tmp_path / "r"
    out.mkdir()
    (out / "terms-schema.json").write_text("mine")
    said = run("--out", str(out), code=2)
    assert "is there already" in said
    assert [path.name for path in out.iterdir()] == ["terms-schema.json"]
    assert (out / "terms-schema.json").read_text() == "mine"
    run("--out", str(out), "--overwrite")
    assert (out / "terms-schema.json").read_text() != "mine"


@pytest.mark.usefixtures("broker")
def test_an_unknown_register_and_a_file_for_a_folder_are_bad_input(tmp_path: Path) -> None:
    assert "Known are: public" in run("--out", str(tmp_path / "r"), "--register", "tax", code=2)
    assert not (tmp_path / "r").exists()
    (tmp_path / "file").write_text("")
    assert "cannot be a folder" in run("--out", str(tmp_path / "file"), code=2)


def test_two_processes_with_other_hash_seeds_write_the_same_bytes(
    broker: Broker, same_database: dict[str, str], tmp_path: Path, settings: Any
) -> None:
    """Sets and tables of Python come in another order in each process."""
    for seed in ("1", "2"):
        environment = {**same_database, "PYTHONHASHSEED": seed}
        environment["COMMONTHREAD_HOME"] = str(settings.HOME)
        Run(tmp_path, environment)("registers", "--out", seed)
    names = sorted(path.name for path in (tmp_path / "1").iterdir())
    same, other, odd = filecmp.cmpfiles(tmp_path / "1", tmp_path / "2", names, shallow=False)
    assert (sorted(same), other, odd) == (names, [], [])


# The pages.


@pytest.mark.usefixtures("example")
def test_the_list_names_each_register_with_its_files() -> None:
    page = signed_in().get("/registers/").content.decode()
    for register in REGISTERS:
        assert register.title in page
    for name in PUBLIC | FOR_MEMBERS | {"notice-wychshire.md"}:
        assert f'href="/registers/{name}"' in page


@pytest.mark.usefixtures("example")
def test_the_list_is_for_members() -> None:
    answer = Client().get("/registers/")
    assert (answer.status_code, answer["Location"]) == (302, "/")


def test_anybody_reads_the_public_register(example: StandInBroker) -> None:
    answer = Client().get("/registers/public/")
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "Keeping people who use assistive technology out of hospital" in page
    assert "Wychshire County Council gives some records of" in page
    assert "UK GDPR Art 6(1)(e), public task" in page
    assert example.terms(FALLS).digest in page
    assert "Demo home: holds the keys of its personas." in page
    assert answer["Cache-Control"] == "no-store"
    assert "unsafe" not in answer["Content-Security-Policy"]
    # A row filter of the terms, and personas, are not for everybody.
    assert "1961" not in page
    assert "a.reed" not in page


def test_a_draft_is_not_on_the_public_page(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = stand_in(shared / "examples" / "first-county", signed=[LINKAGE])
    monkeypatch.setattr(pages, "open_broker", lambda: made)
    page = Client().get("/registers/public/").content.decode()
    assert LINKAGE in page
    assert FALLS not in page


def test_what_is_suspended_is_not_in_force_on_the_public_page(example: StandInBroker) -> None:
    before = Client().get("/registers/public/").content.decode().count("Not in force")
    example.county.suspend(FALLS, "severn-acute")
    after = Client().get("/registers/public/").content.decode().count("Not in force")
    assert (before, after) == (0, 1)


def test_use_is_shown_once_its_month_is_over(example: StandInBroker) -> None:
    for _ in range(8):
        example.ledger.record("lease.opened", {"reference": FALLS})
    entries = example.ledger._entries
    assert "fewer than 5" not in Client().get("/registers/public/").content.decode()
    example.ledger._entries = [
        replace(entry, at=entry.at.replace("2026-11", "2026-10")) for entry in entries
    ]
    example.ledger = _again(example)
    page = Client().get("/registers/public/").content.decode()
    assert "2026-10" in page
    assert ">10</td>" in page


def _again(example: StandInBroker) -> Any:
    """The same entries as a ledger that nobody has counted yet."""
    fresh = type(example.ledger)(example.county)
    fresh._entries = example.ledger._entries
    return fresh


def test_the_public_register_comes_in_pages(
    example: StandInBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("commonthread.web.registers.PER_PAGE", 2)
    first, second = (
        Client().get(f"/registers/public/?page={number}").content.decode() for number in (1, 2)
    )
    assert "1 to 2 of 3" in first
    assert "3 to 3 of 3" in second
    assert 'href="?page=2"' in first
    assert 'href="?page=1"' in second


@pytest.mark.usefixtures("example")
@pytest.mark.parametrize("number", ["0", "-1", "x", "²", "9", "99999999"])
def test_a_page_that_is_not_there_is_not_found(number: str) -> None:
    assert Client().get("/registers/public/", {"page": number}).status_code == 404


@pytest.mark.usefixtures("example")
@pytest.mark.parametrize("name", sorted(PUBLIC | {"notice-wychshire.md"}))
def test_anybody_takes_a_public_file(name: str) -> None:
    answer = Client().get(f"/registers/{name}")
    assert answer.status_code == 200
    assert answer["Content-Disposition"] == f'attachment; filename="{name}"'
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.usefixtures("example")
@pytest.mark.parametrize("name", sorted(FOR_MEMBERS))
def test_other_files_are_for_members(name: str) -> None:
    assert Client().get(f"/registers/{name}").status_code == 302
    assert signed_in().get(f"/registers/{name}").status_code == 200


def test_a_download_is_the_file_that_the_register_makes(example: StandInBroker) -> None:
    held = hold(example.standing(), Reading().activity(example.ledger), example.county.at)
    made = build(held)
    client = signed_in()
    for name, content in made.items():
        assert client.get(f"/registers/{name}").content == content, name


def test_a_file_is_made_once_of_the_same_facts_and_again_of_others(
    example: StandInBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []

    def held(*arguments: Any) -> Any:
        made.append(1)
        return hold(*arguments)

    monkeypatch.setattr("commonthread.web.registers.hold", held)
    one, two = (Client().get("/registers/agreements.json").content for _ in range(2))
    assert (one, len(made)) == (two, 1)
    example.county.suspend(FALLS, "severn-acute")
    assert Client().get("/registers/agreements.json").content != one
    assert len(made) == 2


def test_only_so_many_files_are_kept() -> None:
    shelf, made = Shelf(), []

    def take(number: int) -> None:
        shelf.file((1, date(2026, 11, 25), f"{number}"), lambda: made.append(number) or b"x")  # type: ignore[func-returns-value]

    for number in [*range(MOST_KEPT + 1), MOST_KEPT, 0]:
        take(number)
    assert made == [*range(MOST_KEPT + 1), 0]


@pytest.mark.usefixtures("example")
def test_every_file_of_a_demo_home_says_so_or_has_one_beside_it_that_does() -> None:
    client = signed_in()
    # The schema is of no home.
    for name in (PUBLIC | FOR_MEMBERS | {"notice-wychshire.md"}) - {"terms-schema.json"}:
        beside = f"{name}-metadata.json" if name.endswith(".csv") else name
        assert "Made in a demo home" in client.get(f"/registers/{beside}").content.decode()


@pytest.mark.usefixtures("example")
@pytest.mark.parametrize("name", ["taxes.json", "notice-nobody.md", "ropa.exe", "ropa"])
def test_a_file_of_no_register_is_not_found(name: str) -> None:
    assert signed_in().get(f"/registers/{name}").status_code == 404


def test_a_new_version_is_in_the_registers_once_all_have_signed(broker: Broker) -> None:
    changed = agreement(2)
    changed.table["agreement"]["title"] = "Calls, planned anew"
    changed.table["agreement"]["ends"] = date(2033, 12, 31)
    broker.apply([changed])
    assert "Calls, planned anew" not in Client().get("/registers/agreements.json").content.decode()
    for member in (SIGNATORY, "h.ode"):
        broker.act(REFERENCE, "sign", member)
    assert "Calls, planned anew" in Client().get("/registers/agreements.json").content.decode()
