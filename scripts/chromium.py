"""Find a Chromium for the browser tests, or bring one; print its path.

In this order: $CHROMIUM; /usr/bin/chromium; as root Debian's package; npm's @sparticuz/chromium,
which needs no root. Where none can be had, one line says so and the exit code is 1.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DEBIAN = Path("/usr/bin/chromium")
NPM_PACKAGE = "@sparticuz/chromium@153.0.0"
PRINT_PATH = 'import("@sparticuz/chromium").then(m => m.default.executablePath()).then(console.log)'


class NoChromium(Exception):
    """No way led to a browser; the text says how to get one."""


def chromium() -> Path:
    """The browser's path; brings it when the machine has none."""
    named = os.environ.get("CHROMIUM")
    if named:
        if not os.access(named, os.X_OK):
            raise NoChromium(f"$CHROMIUM names {named}, which cannot be run")
        return Path(named)
    ways: list[Callable[[], Path | None]] = [from_the_machine, from_debian, from_npm]
    for way in ways:
        found = way()
        if found is not None and starts(found):
            return found
    raise NoChromium(
        "no Chromium for the browser tests: apt install chromium, or name one in $CHROMIUM"
    )


def from_the_machine() -> Path | None:
    return DEBIAN if DEBIAN.exists() else None


def from_debian() -> Path | None:
    apt = shutil.which("apt-get")
    if os.geteuid() != 0 or apt is None:
        return None
    print("bringing chromium by apt-get (once) ...", file=sys.stderr)
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done(apt, "-qq", "update", environment=quiet)
    packages = ("chromium", "fonts-liberation")
    done(apt, "-qq", "install", "-y", "--no-install-recommends", *packages, environment=quiet)
    return from_the_machine()


def from_npm() -> Path | None:
    npm, node, tools = shutil.which("npm"), shutil.which("node"), ROOT / ".tools"
    if npm is None or node is None:
        return None
    room = tools / "chromium"
    room.mkdir(parents=True, exist_ok=True)
    # It unpacks itself into TMPDIR, with the libraries it needs beside it.
    environment = {**os.environ, "TMPDIR": str(room)}
    if not (tools / "node_modules" / "@sparticuz").exists():
        print("bringing chromium by npm (once) ...", file=sys.stderr)
        done(npm, "install", "--prefix", str(tools), "--no-save", "--ignore-scripts", NPM_PACKAGE)
    told = done(node, "--input-type=module", "-e", PRINT_PATH, environment=environment, cwd=tools)
    return Path(told) if told else None


def starts(path: Path) -> bool:
    """A browser whose libraries are missing is none."""
    return bool(done(str(path), "--version", "--no-sandbox"))


def done(*command: str, environment: dict[str, str] | None = None, cwd: Path = ROOT) -> str:
    """What a command printed; empty when it failed, with its last line on stderr."""
    ran = subprocess.run(
        command, env=environment, cwd=cwd, capture_output=True, text=True, check=False
    )
    if ran.returncode:
        said = (ran.stderr or ran.stdout).strip().splitlines() or ["no message"]
        print(f"chromium: {Path(command[0]).name} failed: {said[-1]}", file=sys.stderr)
        return ""
    return ran.stdout.strip()


def main() -> int:
    try:
        print(chromium())
    except NoChromium as error:
        print(f"chromium: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
