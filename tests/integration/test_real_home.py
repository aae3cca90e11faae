"""A home without demo keys: partners and members bring their own, and nothing is signed without."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.homes import OTHER_SIGNATORY, OWNER, READER, REFERENCE, SIGNATORY, agreement, documents

ROOT = Path(__file__).resolve().parents[2]
Run = Callable[..., str]


@pytest.fixture
def run(new_home: Callable[[], Any], tmp_path: Path) -> Run:
    home = new_home()
    environment = {**home.environment, "PYTHONPATH": str(ROOT / "src")}

    def command(*arguments: str, code: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "commonthread.config.start", *arguments],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, f"{arguments}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    return command


def toml(value: Any) -> str:
    """A value as inline TOML; enough for what these documents hold."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        inside = ", ".join(f"{name} = {toml(item)}" for name, item in value.items())
        return f"{{ {inside} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    return f'"{value}"' if isinstance(value, str) else str(value)


def write(path: Path, table: dict[str, Any]) -> str:
    path.write_text("\n".join(f"{name} = {toml(value)}" for name, value in table.items()) + "\n")
    return path.name


def county(folder: Path, run: Run) -> list[str]:
    """The small county with root keys of the partners' own making."""
    made = documents()
    for partner in made[0].table["partner"]:
        partner["root_key"] = run("key", "new", f"{partner['id']}.pem").strip()
    names = [write(folder / made[0].name, dict(made[0].table))]
    return [*names, *(write(folder / each.name, dict(each.table)) for each in made[1:])]


def test_keys_never_come_to_the_server_and_signatures_need_them(run: Run, tmp_path: Path) -> None:
    run("init", "--origin", "real.example/ledger")
    files = county(tmp_path, run)
    run("apply", *files)
    refused = run("sign", "CHARTER-2026", "--as", SIGNATORY, code=2)
    assert "--key" in refused
    for member, partner, kind in ((SIGNATORY, OWNER, []), (OTHER_SIGNATORY, READER, ["--p256"])):
        public = run("key", "new", f"{member}.pem", *kind).strip()
        # Before the partner's root key admits it, the key signs nothing.
        run("sign", "CHARTER-2026", "--as", member, "--key", f"{member}.pem", code=2)
        admit = ("member", "admit", member, "--public-key", public)
        stranger = READER if partner == OWNER else OWNER
        run(*admit, "--partner-key", f"{stranger}.pem", code=2)
        run(*admit, "--partner-key", f"{partner}.pem")
        for reference in ("CHARTER-2026", REFERENCE):
            run("sign", reference, "--as", member, "--key", f"{member}.pem")
    assert "in force" in run("status", REFERENCE)
    # Somebody else's key is not this member's.
    again = write(tmp_path / "next.toml", dict(agreement(version=2).table))
    run("apply", again)
    run("sign", REFERENCE, "--as", SIGNATORY, "--key", f"{OTHER_SIGNATORY}.pem", code=2)


def test_without_a_root_key_a_partner_is_told_how_to_make_one_and_nothing_else(
    run: Run, tmp_path: Path
) -> None:
    run("init")
    names = [write(tmp_path / each.name, dict(each.table)) for each in documents()]
    said = run("apply", *names, code=2)
    problems = [line for line in said.splitlines() if line.startswith("  ")]
    assert len(problems) == 2
    for partner, problem in zip((OWNER, READER), problems, strict=True):
        assert "root_key" in problem
        assert "ed25519:" in problem
        assert f"commonthread key new {partner}.pem" in problem
    assert "6 more" in said


def test_a_fault_of_its_own_is_named_beside_that_of_a_partner(run: Run, tmp_path: Path) -> None:
    run("init")
    made = documents()
    faulty = {**made[1].table["charter"], "ends": "never"}
    names = [write(tmp_path / made[0].name, dict(made[0].table))]
    names.append(write(tmp_path / "charter.toml", {"charter": faulty}))
    said = run("apply", *names, code=2)
    assert "root_key" in said
    assert "charter.ends" in said


def test_a_home_that_is_not_there_or_cannot_be_made_is_named(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    nowhere = tmp_path / "nowhere"
    assert str(nowhere) in run("status", "--home", str(nowhere), code=2)
    assert str(file) in run("init", "--home", str(file), code=2)
    run("init")
    assert str(tmp_path / "home-1") in run("init", code=2)


def test_after_accession_a_partners_facts_need_its_root_key(run: Run, tmp_path: Path) -> None:
    run("init")
    run("apply", *county(tmp_path, run))
    public = run("key", "new", "ashe.pem").strip()
    root = ("--partner-key", f"{OWNER}.pem")
    run("member", "admit", SIGNATORY, "--public-key", public, *root)
    run("sign", "CHARTER-2026", "--as", SIGNATORY, "--key", "ashe.pem")
    new = {"id": "n.ew", "name": "N", "partner": OWNER, "groups": [f"{OWNER}/analysts"]}
    more = {"id": "m.ore", "name": "M", "partner": OWNER, "groups": [f"{OWNER}/analysts"]}
    name = write(tmp_path / "members.toml", {"member": [new, more]})
    assert "root key" in run("apply", name, code=2)
    run("apply", name, "--partner-key", f"{OWNER}={READER}.pem", code=2)
    run("apply", name, "--partner-key", f"{OWNER}={OWNER}.pem")
    assert "unchanged" in run("apply", name)


def test_a_key_file_that_others_can_read_is_refused(run: Run, tmp_path: Path) -> None:
    run("key", "new", "a.pem")
    (tmp_path / "a.pem").chmod(0o644)
    run("init")
    assert "chmod 600" in run("sign", "CHARTER-2026", "--as", "a", "--key", "a.pem", code=2)
    run("key", "new", "a.pem", code=2)
