"""Everything that must hold before a change is done. ./check runs this in the locked environment.

Each step runs even when one before it failed; the exit code is 1 when any did.
PostgreSQL is the server that $DATABASE_URL names, else a throw-away one. The browser tests take
$CHROMIUM, else a Chromium that scripts/chromium.py finds or brings.
"""

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from xml.etree import ElementTree

import psycopg

import chromium
import postgres

ROOT = Path(__file__).resolve().parents[1]
PYTHON = sys.executable
LINT_IMPORTS = str(Path(PYTHON).with_name("lint-imports"))
# A browser sees the same pages whatever database lies below them: once is enough.
DATABASE_TESTS = "tests/integration"
# A lock or a page that names a registry installs from nowhere else.
REGISTRY = re.compile(r"https?://[a-z0-9.-]*(pypi|pythonhosted|npmjs|debian)[a-z0-9.-]*")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many tests of a step passed and failed; a step without tests counts as one."""

    passed: int = 0
    failed: int = 0

    @property
    def good(self) -> bool:
        return self.failed == 0 and self.passed > 0


class Bench:
    """What the steps share: a scratch folder, and a database server started when first needed."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ct-check-")))

    @cached_property
    def server(self) -> str:
        print("starting PostgreSQL ...", flush=True)
        return self._stack.enter_context(postgres.server())

    @cached_property
    def browser(self) -> dict[str, str]:
        """Found once, before two test processes both try to bring one."""
        try:
            return {"CHROMIUM": str(chromium.chromium())}
        except chromium.NoChromium as error:
            print(f"chromium: {error}", flush=True)
            return {}

    def run(self, *command: str, environment: Mapping[str, str] | None = None) -> Outcome:
        base = {name: text for name, text in os.environ.items() if name != "DATABASE_URL"}
        done = subprocess.run(command, cwd=ROOT, env={**base, **(environment or {})}, check=False)
        return Outcome(passed=1) if done.returncode == 0 else Outcome(failed=1)

    @contextmanager
    def database(self, kind: str) -> Iterator[dict[str, str]]:
        """An environment with an empty home and an empty control database of that kind."""
        with ExitStack() as stack:
            home = stack.enter_context(tempfile.TemporaryDirectory(dir=self.folder))
            environment = {
                "COMMONTHREAD_HOME": home,
                "COMMONTHREAD_CHECK_DATABASE": kind,
                "DJANGO_SETTINGS_MODULE": "commonthread.config.settings",
            }
            if kind == "postgresql":
                scratch = postgres.scratch_database(self.server)
                environment["DATABASE_URL"] = stack.enter_context(scratch)
            yield environment

    def tests(self, kind: str, *arguments: str) -> Outcome:
        report = self.folder / "report.xml"
        report.unlink(missing_ok=True)
        command = [PYTHON, "-m", "pytest", "-q", "-n", "2", f"--junitxml={report}", *arguments]
        with self.database(kind) as environment:
            ended = self.run(*command, environment={**environment, **self.browser})
        return counted(report, ended)


def counted(report: Path, ended: Outcome) -> Outcome:
    """The tests in pytest's report. No report, no test, or a bad end: something failed."""
    if not report.exists():
        return Outcome(failed=1)
    suites = ElementTree.parse(report).getroot().iter("testsuite")  # noqa: S314 - pytest wrote it
    total = failed = 0
    for suite in suites:
        total += int(suite.get("tests", 0))
        # A skipped test did not say that anything holds.
        failed += sum(int(suite.get(kind, 0)) for kind in ("failures", "errors", "skipped"))
    if failed == 0 and (ended.failed or total == 0):
        failed = 1
    return Outcome(passed=max(total - failed, 0), failed=failed)


def lock(bench: Bench) -> Outcome:
    return bench.run(PYTHON, "scripts/lock.py", "--check")


def tracked(bench: Bench) -> Outcome:
    """No registry's address and no path of one machine in a tracked file."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"],  # noqa: S607 - git is wherever the checkout came from
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listed.returncode:
        print("tracked: this is not a git checkout, so nothing says what is tracked")
        return Outcome(failed=1)
    found = foreign(ROOT, listed.stdout.decode().split("\0")[:-1])
    print("\n".join(found) or "no addresses of registries, no paths of one machine")
    return Outcome(failed=len(found)) if found else Outcome(passed=1)


def foreign(root: Path, names: Sequence[str]) -> list[str]:
    """Lines that only make sense here, as `file:line: what`."""
    homes = {f"/{name}/" for name in ("home", "root", "work", "Users")}
    folders = homes | {f"{root.resolve()}/", f"{Path.home()}/"}
    here = re.compile("|".join(rf"(?<![\w.~-]){re.escape(folder)}" for folder in folders))
    found = []
    for name in names:
        path = root / name
        if not path.is_file():
            continue
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            if REGISTRY.search(line):
                found.append(f"{name}:{number}: address of a registry")
            elif here.search(line):
                found.append(f"{name}:{number}: path of one machine")
    return found


def format_(bench: Bench) -> Outcome:
    return bench.run(PYTHON, "-m", "ruff", "format", "--check", ".")


def lint(bench: Bench) -> Outcome:
    return bench.run(PYTHON, "-m", "ruff", "check", ".")


def types(bench: Bench) -> Outcome:
    return bench.run(PYTHON, "-m", "mypy")


def imports(bench: Bench) -> Outcome:
    return bench.run(LINT_IMPORTS, "--no-logo")


def docs(bench: Bench) -> Outcome:
    return bench.run(PYTHON, "scripts/docs.py", "--check")


def migrations(bench: Bench) -> Outcome:
    """Models and migrations agree, and the migrations run on an empty database of each kind."""
    django = (PYTHON, "-m", "django")
    passed = failed = 0
    for kind in ("sqlite", "postgresql"):
        with bench.database(kind) as environment:
            for command in (
                ("check", "--fail-level", "WARNING"),
                ("makemigrations", "--check", "--dry-run"),
                ("migrate", "--no-input", "--verbosity", "0"),
            ):
                outcome = bench.run(*django, *command, environment=environment)
                passed, failed = passed + outcome.passed, failed + outcome.failed
    return Outcome(passed, failed)


def tests_sqlite(bench: Bench) -> Outcome:
    return bench.tests("sqlite")


def tests_postgresql(bench: Bench) -> Outcome:
    return bench.tests("postgresql", DATABASE_TESTS)


def tests_long(bench: Bench) -> Outcome:
    return bench.tests("sqlite", "--long")


STEPS: dict[str, tuple[str, Callable[[Bench], Outcome]]] = {
    "lock": ("requirements/*.txt are what pyproject.toml gives", lock),
    "tracked": ("no registry's address, no path of one machine in tracked files", tracked),
    "format": ("ruff format", format_),
    "lint": ("ruff check", lint),
    "types": ("mypy, strict", types),
    "imports": ("the import contracts", imports),
    "docs": ("the generated pages in docs/ are fresh", docs),
    "migrations": ("models, migrations, and an empty database of each kind", migrations),
    "tests-sqlite": ("all tests, control database on SQLite", tests_sqlite),
    "tests-postgresql": ("the tests that meet the database, on PostgreSQL", tests_postgresql),
    "tests-long": ("only with --long: long tests, scaled tests at full size", tests_long),
}


def options() -> argparse.Namespace:
    steps = "\n".join(f"  {name:18}{what}" for name, (what, _) in STEPS.items())
    parser = argparse.ArgumentParser(
        prog="./check",
        description=__doc__,
        epilog=f"steps:\n{steps}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--only",
        action="append",
        metavar="NAME",
        choices=STEPS,
        help="run this step only (may be repeated)",
    )
    parser.add_argument("--long", action="store_true", help="run the long tests too")
    return parser.parse_args()


def perform(names: Sequence[str]) -> dict[str, tuple[Outcome, float]]:
    results = {}
    with ExitStack() as stack:
        bench = Bench(stack)
        for name in names:
            what, step = STEPS[name]
            print(f"\n{name}: {what}", flush=True)
            begun = time.monotonic()
            try:
                outcome = step(bench)
            except (OSError, SystemExit, psycopg.Error) as error:
                print(f"{name}: {error}", flush=True)
                outcome = Outcome(failed=1)
            results[name] = (outcome, time.monotonic() - begun)
    return results


def main() -> int:
    chosen = options()
    # So that a stopped check takes its server with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    names = chosen.only or [name for name in STEPS if chosen.long or name != "tests-long"]
    results = perform(names)
    print()
    for name, (outcome, seconds) in results.items():
        print(f"{'ok    ' if outcome.good else 'FAILED'} {name:18}{seconds:7.1f} s")
    passed = sum(outcome.passed for outcome, _ in results.values())
    failed = sum(outcome.failed for outcome, _ in results.values())
    print(f"{passed} passed, {failed} failed")
    return 0 if all(outcome.good for outcome, _ in results.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
