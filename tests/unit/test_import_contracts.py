"""The import contracts hold, and each class of fault they are there for is caught by name."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LINT_IMPORTS = Path(sys.executable).with_name("lint-imports")

DOWN = "Parts depend downwards"
BROKER = "Inside the broker: one door over pure rules"
PURE = "Rules are pure"
FENCE = "The fence needs nothing"
ENGINE = "One module per engine"
DOOR = "The door is the only way in"
CYCLES = "No cycles"

# What is planted where, and the contract that has to name it. The text is added to the module.
FAULTS = {
    "upward import": ("catalogue/planted.py", "import commonthread.people", DOWN),
    "import of settings": ("web/planted.py", "import commonthread.config.settings", DOWN),
    "sibling import": ("web/planted.py", "import commonthread.cli", DOWN),
    "unknown top-level package": ("planted/__init__.py", "", DOWN),
    "upward import in the broker": ("broker/rules/planted.py", "from ..access import x", BROKER),
    "sibling import in the broker": (
        "broker/records/planted.py",
        "import commonthread.broker.lake",
        BROKER,
    ),
    "rules that import the fence": (
        "broker/rules/planted.py",
        "import commonthread.broker.fence",
        BROKER,
    ),
    "unknown part of the broker": ("broker/planted.py", "", BROKER),
    "rules with a clock": ("broker/rules/planted.py", "import time", PURE),
    "rules with an environment": ("broker/rules/planted.py", "from os import environ", PURE),
    "rules with a log": ("broker/rules/planted.py", "import logging", PURE),
    "rules with a framework": ("broker/rules/planted.py", "from django.utils import dates", PURE),
    "a fence behind an engine": ("broker/fence.py", "import duckdb", FENCE),
    "second DuckDB module": ("catalogue/planted.py", "import duckdb", ENGINE),
    "second Splink module": ("people/planted.py", "from splink import Linker", ENGINE),
    "Arrow in a door": ("cli/planted.py", "import pyarrow", ENGINE),
    "a query parser outside the lake": ("broker/access/planted.py", "import sqlglot", ENGINE),
    "round the door to the data": ("cli/planted.py", "import commonthread.broker.lake", DOOR),
    "round the door to the facts": (
        "people/planted.py",
        "import commonthread.broker.records",
        DOOR,
    ),
    "a cycle of neighbours": (
        "catalogue/deposits.py",
        "import commonthread.catalogue.planted",
        CYCLES,
    ),
}


def test_the_tree_keeps_every_contract(tree: Path) -> None:
    code, said = lint(tree)
    assert code == 0, said
    for contract in (DOWN, BROKER, PURE, FENCE, ENGINE, DOOR, CYCLES):
        assert f"{contract} KEPT" in said


@pytest.mark.parametrize(
    ("path", "text", "contract"), FAULTS.values(), ids=[name.replace(" ", "-") for name in FAULTS]
)
def test_a_planted_fault_is_caught_by_name(tree: Path, path: str, text: str, contract: str) -> None:
    if contract == CYCLES:
        plant(tree, "catalogue/planted.py", "import commonthread.catalogue.deposits")
    plant(tree, path, text)
    code, said = lint(tree)
    assert code != 0
    assert f"{contract} BROKEN" in said, said


def test_an_exception_that_nothing_needs_any_more_is_caught(tree: Path) -> None:
    pyproject = tree / "pyproject.toml"
    needed = '"commonthread.people.linker -> splink",'
    unneeded = '"commonthread.people.index -> splink",'
    text = pyproject.read_text()
    assert needed in text
    pyproject.write_text(text.replace(needed, f"{needed}\n  {unneeded}"))
    code, said = lint(tree)
    assert code != 0
    assert "commonthread.people.index -> splink" in " ".join(said.split())


def test_rules_import_the_standard_library_and_two_packages_only() -> None:
    """A forbidden list names what was thought of; this names what is allowed."""
    allowed = sys.stdlib_module_names | {"rfc8785", "cryptography", "commonthread"}
    for path in (ROOT / "src/commonthread/broker/rules").rglob("*.py"):
        assert outside(path) <= allowed, path.name


def outside(path: Path) -> set[str]:
    """The top-level names of the absolute imports of a file."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add(str(node.module).split(".")[0])
    return names


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the source and its contracts, to plant faults in."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    only_python = shutil.ignore_patterns("__pycache__", "static", "templates", "migrations")
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=only_python)
    return tmp_path


def plant(tree: Path, path: str, text: str) -> None:
    module = tree / "src/commonthread" / path
    module.parent.mkdir(exist_ok=True)
    before = module.read_text() if module.exists() else ""
    module.write_text(f"{before}\n{text}\n")


def lint(tree: Path) -> tuple[int, str]:
    environment = {**os.environ, "PYTHONPATH": str(tree / "src"), "COLUMNS": "200"}
    command = [str(LINT_IMPORTS), "--no-cache", "--no-logo"]
    done = subprocess.run(
        command, cwd=tree, env=environment, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr
