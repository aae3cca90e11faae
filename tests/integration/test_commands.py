"""What the commands print, refuse and leave alone: on a small home, in this process."""

import json
import stat
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from tests.homes import (
    ANALYST,
    DATASET,
    ENGINEER,
    OTHER_SIGNATORY,
    OWNER,
    PURPOSE,
    READER,
    REFERENCE,
    SIGNATORY,
    agreement,
    small_home,
)
from typer.main import get_command
from typer.testing import CliRunner

from commonthread.broker.access import Broker
from commonthread.broker.records import close_ledgers
from commonthread.cli import VERSION, app

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parents[2]
ASKING = ("--under", REFERENCE, "--purpose", PURPOSE, "--as", ANALYST)
COUNTING = ("query", "select count(*) n from counted", *ASKING)
Command = Callable[..., Result]


@pytest.fixture
def broker(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Broker]:
    settings.HOME = tmp_path / "home"
    monkeypatch.setenv("COLUMNS", "200")
    made = small_home(tmp_path)
    yield made
    made.close()
    close_ledgers()


@pytest.fixture
def run(broker: Broker) -> Command:
    return command


def command(*arguments: str, code: int = 0) -> Result:
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == code, f"{done.stdout}\n{done.stderr}\n{done.exception!r}"
    return done


def kinds(broker: Broker) -> list[str]:
    return [entry.kind for entry in broker.ledger.entries(0, 10_000)]


def test_sign_and_status_say_the_draft_and_who_has_still_to_sign_it(
    run: Command, broker: Broker
) -> None:
    governing = broker.status(REFERENCE).digest
    broker.apply([agreement(version=2)])
    signed = run("sign", REFERENCE, "--as", SIGNATORY).stdout
    draft = broker.status(REFERENCE).draft
    assert draft is not None
    assert f"version 2, digest {draft.digest}: a draft" in signed
    assert governing not in signed
    assert f"still to sign: {READER}" in signed
    shown = run("status").stdout
    assert f"version 2 is a draft, digest {draft.digest}; still to sign: {READER}" in shown
    (said,) = json.loads(run("status", REFERENCE, "--json").stdout)["agreements"]
    assert (said["version"], said["digest"], said["in_force"]) == (1, governing, True)
    assert (said["draft"]["version"], said["draft"]["digest"]) == (2, draft.digest)
    assert said["draft"]["still_to_sign"] == [READER]
    last = json.loads(run("sign", REFERENCE, "--as", OTHER_SIGNATORY, "--json").stdout)
    assert last["done"] == {"act": "sign", "version": 2, "digest": draft.digest}
    assert last["draft"] is None


@pytest.mark.parametrize(
    "arguments",
    [
        (*COUNTING, "--out", "{}/nowhere/x.csv"),
        (*COUNTING, "--out", "{}/x.txt"),
        ("quarantine", DATASET, "--as", ENGINEER, "--out", "{}/nowhere/x.csv"),
        ("quarantine", DATASET, "--as", ENGINEER, "--out", "{}"),
        ("ledger", "checkpoint", "--out", "{}/nowhere/x"),
        ("ledger", "prove", "3", "--out", "{}/nowhere/x"),
        ("ledger", "export", "--out", "{}/nowhere/x"),
        ("ledger", "export", "--out", "{}"),
        ("ledger", "export", "--out", "{}/calls.csv"),
        ("ledger", "export", "--out", "{}/" + "x" * 300),
        ("key", "new", "{}/nowhere/k.pem"),
    ],
    ids=lambda arguments: " ".join([arguments[0], arguments[-1][-12:]]),
)
def test_a_place_that_cannot_be_written_is_said_before_anything_is_opened(
    run: Command, broker: Broker, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    before = broker.ledger.size
    done = run(*(argument.replace("{}", str(tmp_path)) for argument in arguments), code=2)
    assert isinstance(done.exception, SystemExit)
    assert done.stderr.strip()
    assert broker.ledger.size == before


def test_an_answer_that_may_not_leave_is_refused_before_it_is_opened(
    run: Command, broker: Broker, tmp_path: Path
) -> None:
    rows = ("query", "select * from calls", *ASKING)
    said = json.loads(run(*rows, "--json", code=3).stderr)
    assert [reason["code"] for reason in said["reasons"]] == ["export"]
    assert "--json" in said["reasons"][0]["message"]
    run(*rows, "--out", str(tmp_path / "x.csv"), code=3)
    looked = ("lookup", "one-call", "--value", "C0000001", "--reason", "r", *ASKING)
    run(*looked, "--json", code=3)
    assert not {"lease.opened", "lookup"} & set(kinds(broker))
    assert kinds(broker).count("request.refused") == 3


def test_files_are_their_owners_only_and_are_not_written_over_unasked(
    run: Command, tmp_path: Path
) -> None:
    out = tmp_path / "n.csv"
    run(*COUNTING, "--out", str(out))
    made = [out, tmp_path / "n.csv-metadata.json"]
    assert [stat.S_IMODE(path.stat().st_mode) for path in made] == [0o600, 0o600]
    assert "is there already" in run(*COUNTING, "--out", str(out), code=2).stderr
    run(*COUNTING, "--out", str(out), "--overwrite")
    run("quarantine", DATASET, "--as", ENGINEER, "--out", str(tmp_path / "q.csv"))
    assert stat.S_IMODE((tmp_path / "q.csv").stat().st_mode) == 0o600


def test_a_quarantine_shows_line_and_reason_first_and_a_file_says_how_to_correct_it(
    run: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    faulty = tmp_path / "faulty.csv"
    faulty.write_text("ref,district,minutes,note\nC9,North,many,=1+1\nD9,North,-4.5,x\n")
    deposited = run("deposit", DATASET, str(faulty), "--as", ENGINEER).stdout
    assert "delimiter comma" in deposited
    shown = run("quarantine", DATASET, "--as", ENGINEER).stdout
    head = next(line for line in shown.splitlines() if "line" in line)
    assert [word for word in head.split() if word.isalpha()] == ["line", "reason", "ref"]
    assert "minutes: is not a whole number" in shown
    out = tmp_path / "q.csv"
    told = run("quarantine", DATASET, "--as", ENGINEER, "--out", str(out)).stderr
    assert "deposit" in told
    assert "remove it before you deposit" in told
    lines = out.read_text().splitlines()
    assert "'=1+1" in lines[1]
    assert ",-4.5," in lines[2]


def test_errors_are_json_where_json_was_asked_for(run: Command, tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("[[partner]]\nid = 3\n")
    said = json.loads(run("apply", str(tmp_path / "a.toml"), "--json", code=2).stderr)
    assert (said["error"], said["exit_code"]) == ("bad-input", 2)
    assert all(problem["where"] and problem["message"] for problem in said["problems"])
    said = json.loads(run("deposit", DATASET, "x.csv", "--as", ANALYST, "--json", code=3).stderr)
    assert (said["error"], said["exit_code"]) == ("refused", 3)
    assert said["reasons"][0]["code"] == "deposit"


def test_statistics_say_that_small_groups_are_absent_and_figures_rounded(run: Command) -> None:
    told = run(*COUNTING).stderr
    assert "left out" in told
    assert "rounded" in told
    assert "left out" in json.loads(run(*COUNTING, "--json").stdout)["note"]
    rows = run("query", "select count(*) n from calls", *ASKING)
    assert "left out" not in rows.stderr
    assert "1 row\n" in rows.stdout


def test_a_pseudonym_is_a_number(run: Command, broker: Broker) -> None:
    before = broker.ledger.size
    done = run("lookup", "one-call", "--person", "abc", "--reason", "r", *ASKING, code=2)
    assert "a number" in done.stderr
    assert "abc" not in done.stderr
    assert broker.ledger.size == before


def test_a_typing_error_in_sql_is_told_by_its_place(run: Command) -> None:
    wrong = run("query", "select *\nform calls where ref = 'CANARY'", *ASKING, code=2).stderr
    assert "line 2, column 6" in wrong
    assert "CANARY" not in wrong
    assert "empty" in run("query", " ", *ASKING, code=2).stderr


def test_what_is_printed_is_words_and_no_notation(
    run: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("query", "select count(*) n from calls", *ASKING)
    shown = run("ledger", "show").stdout
    assert "grants calls" in shown
    assert f"pins {DATASET} 1" in shown
    assert "demo: yes" in run("status").stderr
    again = run("sign", REFERENCE, "--as", SIGNATORY, code=2).stderr
    assert "has signed already" in again
    report = {"records": 3, "datasets": {DATASET: {"records": 3, "clusters": 2}}, "new": True}
    monkeypatch.setattr("commonthread.people.linking.run", lambda *_: report)
    linked = run("link", "--under", REFERENCE).stdout
    assert f"{DATASET}: records 3, clusters 2" in linked
    for text in (shown, again, linked):
        assert not set("[]{}'") & set(text)
        assert "act:" not in text


def test_the_outbox_is_shown_to_each_partner(run: Command) -> None:
    run("withdraw", REFERENCE, "--as", SIGNATORY, "--reason", "review")
    told = json.loads(run("ledger", "notices", "--partner", READER, "--json").stdout)
    assert {notice["party"] for notice in told} == {READER}
    last = {name: told[-1][name] for name in ("what", "agreement", "by")}
    assert last == {"what": "withdraw", "agreement": REFERENCE, "by": OWNER}
    assert OWNER in run("ledger", "notices").stdout
    assert READER in run("ledger", "notices", "--partner", "nobody", code=2).stderr


def test_an_agreement_that_has_ended_is_taken_with_a_warning(run: Command, tmp_path: Path) -> None:
    table = {
        **agreement(version=2).table["agreement"],
        "ends": "2026-02-01",
        "review": "2026-01-31",
    }
    (tmp_path / "past.toml").write_text(f"agreement = {inline(table)}\n")
    done = run("apply", str(tmp_path / "past.toml"))
    assert "warning" in done.stderr
    assert "2026-02-01" in done.stderr
    (change,) = json.loads(run("apply", str(tmp_path / "past.toml"), "--json").stdout)
    assert "2026-02-01" in change["warning"]


def inline(value: Any) -> str:
    """A value as inline TOML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name} = {inline(item)}" for name, item in value.items()) + "}"
    if isinstance(value, list):
        return f"[{', '.join(map(inline, value))}]"
    return json.dumps(value)


def every_command(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, child in group.commands.items():
        if hasattr(child, "commands"):
            yield from every_command(child, (*path, name))
        else:
            yield (*path, name), child


def test_every_command_prints_json_but_those_that_serve() -> None:
    without = {
        path
        for path, found in every_command(get_command(app))
        if not any("--json" in parameter.opts for parameter in found.params)
    }
    assert without == {("serve",), ("demo",)}


def test_the_help_of_every_command_names_the_home() -> None:
    for path, _ in every_command(get_command(app)):
        assert "--home" in command(*path, "--help").stdout, path


def test_the_version_is_the_projects() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert command("--version").stdout == f"commonthread {VERSION}\n"
    assert project["version"] == VERSION
