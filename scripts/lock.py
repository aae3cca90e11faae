"""Write requirements/*.txt from pyproject.toml, or say that they are stale.

    python scripts/lock.py            add what pyproject.toml asks for, keep every other version
    python scripts/lock.py --upgrade  take the newest versions that pyproject.toml allows
    python scripts/lock.py --check    compile again and compare; exit 1 when something differs

The files name versions and hashes and no index, so that they install from any mirror.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COMPILE = ["pip", "compile", "--quiet", "--universal", "--python-version", "3.11"]
COMPILE += ["--fork-strategy", "fewest", "--generate-hashes"]
COMPILE += ["--no-emit-index-url", "--no-emit-find-links"]
COMPILE += ["--custom-compile-command", "python scripts/lock.py"]
# check.txt holds to the versions of run.txt: what is tested is what runs.
FILES = {
    "run.txt": (),
    "check.txt": ("--group", "check", "--constraints", "requirements/run.txt"),
}


class LockError(Exception):
    """The lock could not be compiled; the text says why and what to do."""


def uv() -> str:
    """Where uv is: on the path, or where ./check put it."""
    found = shutil.which("uv") or shutil.which("uv", path=str(ROOT / ".tools/bin"))
    if not found:
        raise LockError("uv is missing: run ./check once, it brings uv into .tools")
    return found


def compile_lock(root: Path, *, upgrade: bool = False) -> None:
    """Compile the files of the checkout at `root` in place; versions already there are kept."""
    for name, extra in FILES.items():
        command = [uv(), *COMPILE, *extra, "pyproject.toml"]
        command += ["--output-file", f"requirements/{name}", *(["--upgrade"] if upgrade else [])]
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
        if done.returncode:
            lines = done.stderr.strip().splitlines() or ["no message"]
            raise LockError(f"requirements/{name} could not be compiled: " + "\n  ".join(lines))


def stale(root: Path) -> list[str]:
    """Names of the files that a fresh compilation would change. Newer releases change nothing."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        shutil.copy(root / "pyproject.toml", copy)
        shutil.copytree(root / "requirements", copy / "requirements")
        compile_lock(copy)
        return [
            f"requirements/{name}"
            for name in FILES
            if pins(copy / "requirements" / name) != pins(root / "requirements" / name)
        ]


def pins(path: Path) -> list[str]:
    """The lines that install something: comments differ between versions of uv."""
    return [line for line in path.read_text().splitlines() if not line.lstrip().startswith("#")]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare only")
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions allowed")
    options = parser.parse_args()
    try:
        if not options.check:
            compile_lock(ROOT, upgrade=options.upgrade)
            return 0
        changed = stale(ROOT)
    except LockError as error:
        print(f"lock: {error}", file=sys.stderr)
        return 1
    for name in changed:
        print(f"lock: {name} is not what pyproject.toml gives: run python scripts/lock.py")
    return 1 if changed else 0


if __name__ == "__main__":
    sys.exit(main())
