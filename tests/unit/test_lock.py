"""The hash-pinned files are what pyproject.toml gives, and install from any index."""

import re
import shutil
import tomllib
from pathlib import Path

import pytest

import lock

ROOT = Path(__file__).resolve().parents[2]
ENGINES = ("duckdb", "duckdb-extension-httpfs", "splink", "sqlglot")


def requirements(name: str) -> dict[str, str]:
    """Package name to the whole text of its requirement, with its hashes."""
    text = "\n".join(lock.pins(ROOT / "requirements" / name)).replace("\\\n", " ")
    return {line.split("==")[0]: line for line in text.splitlines() if line.strip()}


def test_compiling_again_changes_nothing() -> None:
    assert lock.stale(ROOT) == []


def test_a_dependency_that_is_not_in_the_lock_is_noticed(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements")
    text = (ROOT / "pyproject.toml").read_text()
    assert '"whitenoise>=' in text
    (tmp_path / "pyproject.toml").write_text(text.replace('"whitenoise>=', '# "whitenoise>='))
    assert lock.stale(tmp_path) == ["requirements/run.txt", "requirements/check.txt"]


def test_what_cannot_be_compiled_is_said_plainly(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements")
    text = (ROOT / "pyproject.toml").read_text()
    (tmp_path / "pyproject.toml").write_text(text.replace('"duckdb==', '"duckdb>2,=='))
    with pytest.raises(lock.LockError, match=r"run\.txt could not be compiled"):
        lock.stale(tmp_path)


@pytest.mark.parametrize("name", lock.FILES)
def test_every_package_has_one_version_and_a_hash_and_no_address(name: str) -> None:
    text = (ROOT / "requirements" / name).read_text()
    assert "://" not in text
    assert "--index" not in text
    assert "--find-links" not in text
    for package, line in requirements(name).items():
        assert re.match(rf"{re.escape(package)}==\S+ ", line), package
        assert "--hash=sha256:" in line, package


def test_what_is_tested_is_what_runs() -> None:
    run, check = requirements("run.txt"), requirements("check.txt")
    assert run.items() <= check.items()


def test_pandas_is_not_needed_to_run() -> None:
    assert not {"pandas", "recordlinkage", "pytest"} & requirements("run.txt").keys()


def test_engines_are_pinned_exactly() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for engine in ENGINES:
        assert any(re.match(rf"{engine}==[\d.]+$", line) for line in project["dependencies"])


def test_every_dependency_and_every_ignored_lint_says_why() -> None:
    lines = (ROOT / "pyproject.toml").read_text().splitlines()
    for table in ("dependencies = [", "check = [", "ignore = ["):
        begin = lines.index(table) + 1
        entries = lines[begin : lines.index("]", begin)]
        assert entries
        assert all(re.match(r'  "[^"]+", +# \w', entry) for entry in entries), table


def test_there_is_no_other_lock() -> None:
    assert not (ROOT / "uv.lock").exists()
