"""The eight steps of examples/first-county/README.md, from the command line, as written."""

import json
import re
import shlex
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.processes import SOURCE, Run

ROOT = Path(__file__).resolve().parents[2]
COUNTY = ROOT / "examples" / "first-county"
COUNTING = ("--under", "ISA-2026-014", "--purpose", "falls-prevention", "--as", "a.reed")
CARING = ("--under", "ISA-2026-020", "--purpose", "direct-care", "--as", "t.vale")


@pytest.fixture
def county(commands: Callable[[Path], Run]) -> Run:
    return commands(COUNTY)


def written(step: str) -> list[list[str]]:
    """The commands of one step of the story, as the README of the project has them."""
    blocks = re.findall(r"```\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    story = next(block for block in blocks if "# 1 " in block)
    text = story.split(f"# {step} ")[1].split("\n\n")[0].split("\n", 1)[1]
    found = re.findall(r"^commonthread (.*(?:\n    .*)*)", text, re.MULTILINE)
    return [shlex.split(one.replace("\\\n", " ")) for one in found]


def sign_everything(run: Run) -> None:
    for member in ("d.ashe", "h.ode", "m.dove"):
        run("sign", "CHARTER-2026", "--as", member)
        run("sign", "ISA-2026-001", "--as", member)
    for member in ("d.ashe", "m.dove"):
        run("sign", "ISA-2026-014", "--as", member)
        run("sign", "ISA-2026-020", "--as", member)


def test_the_story_of_the_first_county(county: Run, tmp_path: Path) -> None:
    run = county
    # 1
    run("init", "--demo-keys")
    files = ["county.toml", "charter.toml", *sorted(map(str, COUNTY.glob("agreements/*.toml")))]
    run("apply", *files)
    refused = run("query", "select count(*) from attendances", *COUNTING, code=3).err
    assert "severn-acute has not signed ISA-2026-014" in refused
    assert "wychshire has not signed ISA-2026-014" in refused
    again = run("apply", *files, "--json").json()
    assert {change["what"] for change in again} == {"unchanged"}
    # 2
    sign_everything(run)
    now = {item["reference"]: item for item in run("status", "--json").json()["agreements"]}
    assert all(item["in_force"] for item in now.values())
    signed = {party["partner"]: party["signed"] for party in now["ISA-2026-001"]["parties"]}
    assert signed["commonthread"]
    # 3
    run("deposit", "wychshire/telecare", "telecare.csv", "--as", "e.wren")
    attendances = "severn-acute/emergency-attendance"
    run("deposit", attendances, "emergency-attendance.csv", "--as", "n.crane")
    run("deposit", "saltbridge/housing-register", "housing-register.csv", "--as", "s.pike")
    for stranger in ("e.wren", "d.ashe", "a.reed"):
        run("deposit", attendances, "emergency-attendance.csv", "--as", stranger, code=3)
    repeated = run("deposit", "wychshire/telecare", "telecare.csv", "--as", "e.wren", "--json")
    assert not repeated.json()["new"]
    # 4
    report = run("link", "--under", "ISA-2026-001", "--json").json()
    assert report["records"] == 1243
    assert report["clusters"] < 700
    run("query", "select * from housing_register", *COUNTING, code=3)
    # 5
    visits = run(
        "query",
        "select t.device, t.born, count(*) as visits, count(distinct a.person) as people"
        " from telecare_over_65 t join attendances a on a.person = t.person"
        " group by t.device, t.born",
        *COUNTING,
        "--json",
    ).json()
    assert visits["mode"] == "statistics"
    assert visits["rows"]
    for row in visits["rows"]:
        assert row["visits"] % 5 == 0
        assert row["people"] >= 5
    for singled_out in (
        "select person, count(*) from attendances group by person",
        "select count(*) from attendances where person = 1",
        "select max(outcome) from attendances",
        "select outcome from attendances",
        "select sum(case when outcome = 'admitted' then 1 else 0 end) from attendances",
    ):
        run("query", singled_out, *COUNTING, code=3)
    # 6
    run("query", "select * from clients", *CARING, "--json", code=3)
    shown = run("query", "select count(*) n, min(alarms_90d) least from clients", *CARING)
    assert " 3 " in shown.out
    clients = int(re.findall(r"\d+", shown.out)[0])
    assert run(*written("6")[0]).out.splitlines()[-1] == f"{clients} rows"
    run("query", "select * from telecare_over_65", *CARING, code=3)
    # 7
    run("withdraw", "ISA-2026-014", "--as", "m.dove", "--reason", "Review of the flow")
    ended = run("query", "select count(*) from attendances", *COUNTING, code=3).err
    assert "severn-acute has withdrawn from ISA-2026-014" in ended
    run("query", "select count(*) from clients", *CARING)
    # 8
    run("ledger", "verify")
    note, export = tmp_path / "held.note", tmp_path / "county.ledger"
    run("ledger", "checkpoint", "--out", str(note))
    run("ledger", "export", "--out", str(export))
    key = json.loads(export.read_bytes().split(b"\n")[0])["key"]
    run("verify", str(export), "--key", key, "--checkpoint", str(note))
    content = bytearray(export.read_bytes())
    content[len(content) // 2] ^= 1
    export.write_bytes(content)
    run("verify", str(export), "--key", key, "--checkpoint", str(note), code=4)


def test_the_faulty_file_goes_in_with_four_rows_quarantined(county: Run) -> None:
    run = county
    run("init", "--demo-keys")
    run("apply", "county.toml", "charter.toml")
    run("sign", "CHARTER-2026", "--as", "d.ashe")
    received = run(
        "deposit", "telecare", "telecare-with-faults.csv", "--as", "e.wren", "--json"
    ).json()
    assert (received["rows"], received["quarantined"]) == (1, 4)
    rows = run("quarantine", "wychshire/telecare", "--as", "e.wren", "--json").json()
    assert [row["quarantine_line"] for row in rows] == [3, 4, 5, 6]
    named = [row["quarantine_reason"].split(":")[0].split(" ")[0] for row in rows]
    assert named == ["born", "alarms_90d", "device", "install_ref"]
    run("quarantine", "wychshire/telecare", "--as", "d.ashe", code=3)


def test_a_broken_snapshot_replaces_a_good_one_only_when_that_is_meant(county: Run) -> None:
    run = county
    run("init", "--demo-keys")
    run("apply", "county.toml")
    deposit = ("deposit", "telecare", "--as", "e.wren")
    run(*deposit, "telecare.csv")
    stopped = run(*deposit, "telecare-with-faults.csv", code=2).err
    assert "400" in stopped
    assert "--yes" in stopped
    again = run(*deposit, "telecare.csv", "--json").json()
    assert (again["new"], again["number"]) == (False, 1)
    taken = run(*deposit, "telecare-with-faults.csv", "--yes").out
    assert "rows 1, quarantined 4" in taken
    assert "replaces a snapshot of 400 rows" in taken


def test_a_demo_home_that_is_served_is_not_thrown_away(county: Run) -> None:
    run = county
    run("init", "--demo-keys")
    run("apply", "county.toml")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    served = subprocess.Popen(
        [sys.executable, "-P", "-m", "commonthread.config.start", "serve", "--port", port],
        env={**run.environment, "PYTHONPATH": str(SOURCE)},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert served.stderr is not None
        assert "Serving" in served.stderr.readline()
        kept = run("demo", "--reset", "--build-only", code=2).err
        assert "in use" in kept
        run("status")
    finally:
        served.terminate()
        served.communicate(timeout=30)


def test_personal_data_is_in_no_ledger_and_no_error(county: Run) -> None:
    run = county
    run("init", "--demo-keys")
    run("apply", "county.toml", "charter.toml")
    refused = run("query", "select 'Zebedee Quux'", *COUNTING, code=3)
    assert "Zebedee" not in refused.out + refused.err
    assert "Zebedee" not in run("ledger", "show", "--json").out
