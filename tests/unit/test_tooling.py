"""./check, ./demo and the test run itself: what they notice, what they say when they cannot."""

import os
import re
import shutil
import socket
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import typer

import check
import chromium
import docs

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
BANS = PYPROJECT["tool"]["ruff"]["lint"]["flake8-tidy-imports"]["banned-api"]


def ruff(path: str, text: str) -> str:
    command = [sys.executable, "-m", "ruff", "check", "--stdin-filename", path, "-"]
    done = subprocess.run(
        command, cwd=ROOT, input=text, capture_output=True, text=True, check=False
    )
    return done.stdout


@pytest.mark.parametrize("name", BANS)
def test_a_clock_in_the_rules_is_refused(name: str) -> None:
    module, *rest = name.split(".")
    text = f"from {module} import {rest[0]}\n\nvalue = {'.'.join(rest)}()\n"
    assert "TID251" in ruff("src/commonthread/broker/rules/planted.py", text)
    assert "TID251" not in ruff("src/commonthread/broker/access/planted.py", text)


def test_the_rules_have_every_clock_banned_that_python_has_in_datetime() -> None:
    assert {"datetime.datetime.now", "datetime.datetime.utcnow", "datetime.date.today"} <= set(BANS)


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("see https" + "://pypi.org/simple", "address of a registry"),
        ('url = "https' + '://registry.npmjs.org/x"', "address of a registry"),
        ("cd /" + "root/project", "path of one machine"),
        ("cd /" + "home/jo/project", "path of one machine"),
    ],
)
def test_what_belongs_to_one_machine_is_found(tmp_path: Path, line: str, what: str) -> None:
    (tmp_path / "page.md").write_text(f"first\n{line}\n")
    assert check.foreign(tmp_path, ["page.md"]) == [f"page.md:2: {what}"]


def test_ordinary_text_belongs_to_no_machine(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text("home/keys, ./home/x, https://example.org/home/x, /usr/bin\n")
    assert check.foreign(tmp_path, ["page.md", "gone.md"]) == []


@pytest.mark.parametrize(
    ("suite", "ended", "passed", "failed"),
    [
        ('tests="3" failures="0" errors="0" skipped="0"', check.Outcome(passed=1), 3, 0),
        ('tests="3" failures="1" errors="0" skipped="0"', check.Outcome(failed=1), 2, 1),
        ('tests="3" failures="0" errors="0" skipped="1"', check.Outcome(passed=1), 2, 1),
        ('tests="0" failures="0" errors="0" skipped="0"', check.Outcome(failed=1), 0, 1),
        ('tests="3" failures="0" errors="0" skipped="0"', check.Outcome(failed=1), 2, 1),
    ],
    ids=["all-pass", "one-fails", "skipped-is-failed", "no-test-is-failed", "bad-end-is-failed"],
)
def test_tests_are_counted_so_that_doubt_is_failure(
    tmp_path: Path, suite: str, ended: check.Outcome, passed: int, failed: int
) -> None:
    report = tmp_path / "report.xml"
    report.write_text(f"<testsuites><testsuite {suite}/></testsuites>")
    outcome = check.counted(report, ended)
    assert outcome.good is (failed == 0)
    assert outcome.failed == failed
    if ended.failed == 0 or failed == 0:
        assert outcome.passed == passed


def test_a_test_run_that_left_no_report_failed(tmp_path: Path) -> None:
    assert not check.counted(tmp_path / "report.xml", check.Outcome(passed=1)).good


def test_a_failed_step_does_not_stop_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(bench: check.Bench) -> check.Outcome:
        raise OSError("no such program")

    steps = {"one": ("breaks", breaks), "two": ("holds", lambda _: check.Outcome(passed=2))}
    monkeypatch.setattr(check, "STEPS", steps)
    results = check.perform(["one", "two"])
    assert [outcome.good for outcome, _ in results.values()] == [False, True]


@pytest.mark.parametrize("name", ["check", "demo", ".ci/run"])
def test_the_commands_can_be_run(name: str) -> None:
    assert os.access(ROOT / name, os.X_OK)
    subprocess.run(["sh", "-n", name], cwd=ROOT, check=True)


def test_the_integration_run_is_the_check() -> None:
    assert re.search(r"^exec \./check\b", (ROOT / ".ci/run").read_text(), re.MULTILINE)


def bare_machine(tmp_path: Path, python: str = "") -> subprocess.CompletedProcess[str]:
    """./check from a bare checkout, on a machine with a shell and that `python3` only."""
    checkout, programs = tmp_path / "checkout", tmp_path / "bin"
    (checkout / "scripts").mkdir(parents=True)
    programs.mkdir()
    for name in ("check", "scripts/bootstrap.sh"):
        shutil.copy(ROOT / name, checkout / name)
    for name in ("sh", "dirname", "basename"):
        (programs / name).symlink_to(str(shutil.which(name)))
    if python:
        (programs / "python3").write_text(python)
        (programs / "python3").chmod(0o755)
    return subprocess.run(
        [str(programs / "sh"), "check"],
        cwd=checkout,
        env={"PATH": str(programs)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_machine_without_python_is_told_in_one_line(tmp_path: Path) -> None:
    done = bare_machine(tmp_path)
    assert done.returncode == 1
    assert done.stderr == (
        "check: needs Python 3.11 or newer (Debian, Ubuntu: apt install python3 python3-venv)\n"
    )


def test_a_python_that_cannot_make_environments_is_told_how(tmp_path: Path) -> None:
    # It answers for its own name too, which would lead past it.
    wrapper = f"""#!/bin/sh
case "$*" in
    *ensurepip*) exit 1 ;;
    *sys.executable*) echo "$0" ;;
    *) exec {sys.executable} "$@" ;;
esac
"""
    done = bare_machine(tmp_path, wrapper)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith("check: this Python cannot make environments")
    assert "apt install python3-venv" in last


def test_a_browser_that_is_named_but_not_there_is_not_replaced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CHROMIUM", "/nowhere/chromium")
    with pytest.raises(chromium.NoChromium, match="/nowhere/chromium, which cannot be run"):
        chromium.chromium()


def test_a_machine_where_no_browser_starts_is_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setattr(chromium, "from_the_machine", lambda: Path("/bin/false"))
    monkeypatch.setattr(chromium, "from_debian", lambda: None)
    monkeypatch.setattr(chromium, "from_npm", lambda: None)
    with pytest.raises(chromium.NoChromium, match="apt install chromium"):
        chromium.chromium()


def test_the_command_reference_shows_every_command_and_option() -> None:
    app = typer.Typer(help="What it is for.")
    ledger = typer.Typer(help="The ledger.")
    app.add_typer(ledger, name="ledger")

    @app.command(epilog="commonthread sign A --as B")
    def sign(reference: str, key: str = typer.Option("", help="File | of the key.")) -> None:
        """Sign an agreement."""

    @ledger.command()
    def show() -> None:
        """Show entries."""

    page = docs.commands_page(app)
    assert "### commonthread sign\n" in page
    assert "#### commonthread ledger show\n" in page
    assert "Sign an agreement." in page
    assert "commonthread sign A --as B" in page
    assert "--key" in page
    assert "File \\| of the key." in page


def test_no_test_here_reaches_the_network() -> None:
    with pytest.raises(PermissionError, match="reached for the network"):
        socket.create_connection(("127.0.0.1", 9))
    with pytest.raises(PermissionError, match="asked for the address"):
        socket.getaddrinfo("example.org", 443)


SAMPLE = """
import pytest

def test_plain(): pass

@pytest.mark.long
def test_long(): pass

def test_scaled(scale): assert scale(1, 2) == {size}
"""


def run_pytest(tmp_path: Path, *arguments: str, size: int = 1, **environment: str) -> str:
    """pytest on a small folder of its own, under the real conftest and settings."""
    (tmp_path / "tests/unit").mkdir(parents=True)
    for name in ("conftest.py", "processes.py"):
        shutil.copy(ROOT / "tests" / name, tmp_path / "tests")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "tests/unit/test_sample.py").write_text(SAMPLE.format(size=size))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", *arguments],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


def test_an_ordinary_run_leaves_the_long_tests(tmp_path: Path) -> None:
    said = run_pytest(tmp_path)
    assert "test_plain PASSED" in said
    assert "test_scaled PASSED" in said
    assert "test_long" not in said


def test_a_long_run_takes_what_is_long_or_scaled(tmp_path: Path) -> None:
    said = run_pytest(tmp_path, "--long", size=2)
    assert "test_long PASSED" in said
    assert "test_scaled PASSED" in said
    assert "test_plain" not in said


def test_a_run_on_the_wrong_database_fails(tmp_path: Path) -> None:
    said = run_pytest(tmp_path, COMMONTHREAD_CHECK_DATABASE="postgresql", DATABASE_URL="")
    assert "this run is for postgresql, the settings say sqlite" in said
    assert "PASSED" not in said
