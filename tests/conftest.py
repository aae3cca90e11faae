"""What every test can ask for, and what no test may do.

- The home and the database are made for the run; nothing of the developer's is touched.
- A run that ./check calls a PostgreSQL run fails when it would meet another database.
- unit, spec and generative tests have no network; the others reach this machine only.
"""

import ipaddress
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote, urlencode

import django
import hypothesis
import pytest
from tests.processes import Run

ROOT = Path(__file__).resolve().parents[1]
WITHOUT_NETWORK = {"unit", "spec", "generative"}
Size = TypeVar("Size")

# Settings read the environment when they load, so it stands before any test imports them.
HOME = Path(tempfile.mkdtemp(prefix="ct-home-"))
os.environ["COMMONTHREAD_HOME"] = str(HOME)
os.environ["DJANGO_SETTINGS_MODULE"] = "commonthread.config.settings"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--long",
        action="store_true",
        help="run the long tests and the large sizes of scaled ones, and nothing else",
    )


def pytest_configure(config: pytest.Config) -> None:
    # One check says the same twice; the long run looks where nobody has looked before.
    hypothesis.settings.register_profile(
        "check", deadline=None, max_examples=50, derandomize=True, database=None
    )
    hypothesis.settings.register_profile("long", deadline=None, max_examples=5_000, print_blob=True)
    hypothesis.settings.load_profile("long" if config.getoption("--long") else "check")
    django.setup()


def pytest_sessionstart(session: pytest.Session) -> None:
    from django.db import connection

    said = os.environ.get("COMMONTHREAD_CHECK_DATABASE", connection.vendor)
    if connection.vendor != said:
        pytest.exit(f"this run is for {said}, the settings say {connection.vendor}", returncode=1)


def pytest_unconfigure(config: pytest.Config) -> None:
    shutil.rmtree(HOME, ignore_errors=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """--long chooses what is long or scaled; without it the long ones wait."""
    long = config.getoption("--long")

    def chosen(item: pytest.Item) -> bool:
        marked = item.get_closest_marker("long") is not None
        scaled = "scale" in getattr(item, "fixturenames", ())
        return (marked or scaled) if long else not marked

    left = [item for item in items if not chosen(item)]
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if chosen(item)]


@pytest.fixture(scope="session")
def scale(request: pytest.FixtureRequest) -> Callable[[Size, Size], Size]:
    """scale(small, large): small in ./check, large in ./check --long. Same test, other size."""
    long = request.config.getoption("--long")
    return lambda small, large: large if long else small


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data and examples beside the checkout."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.fail(f"needs the folder {folder.name} beside the checkout", pytrace=False)
    return folder


@pytest.fixture(scope="session")
def chromium() -> Path:
    """A browser that starts, brought if need be; see scripts/chromium.py."""
    from chromium import NoChromium, chromium

    try:
        return chromium()
    except NoChromium as error:
        pytest.fail(str(error), pytrace=False)


@dataclass(frozen=True, slots=True)
class TestHome:
    """An empty home with its own empty database, for tests that start processes."""

    __test__ = False  # not a test, whatever its name

    path: Path
    environment: dict[str, str]


@pytest.fixture
def new_home(tmp_path: Path) -> Iterator[Callable[[], TestHome]]:
    """Makes homes for `commonthread` as a process. On PostgreSQL each has a database of its own.

    The environment is what a process needs: subprocess.run(..., env=home.environment).
    """
    from django.db import connection

    from postgres import scratch_database

    with ExitStack() as databases:
        made: list[TestHome] = []

        def make() -> TestHome:
            path = tmp_path / f"home-{len(made) + 1}"
            environment = {**os.environ, "COMMONTHREAD_HOME": str(path)}
            environment.pop("DATABASE_URL", None)
            if connection.vendor == "postgresql":
                server = os.environ["DATABASE_URL"]
                environment["DATABASE_URL"] = databases.enter_context(scratch_database(server))
            made.append(TestHome(path, environment))
            return made[-1]

        yield make


@pytest.fixture
def commands(new_home: Callable[[], TestHome]) -> Callable[[Path], Run]:
    """commands(FOLDER) runs the commands there, on a new home."""
    return lambda folder: Run(folder, new_home().environment)


@pytest.fixture
def same_database(transactional_db: None) -> dict[str, str]:
    """The environment of a process that is to see this test's own home and database.

    The test's rows are committed (a transactional test), or no other process would meet them.
    """
    from django.db import connection

    place = connection.settings_dict
    if connection.vendor == "sqlite":
        url = f"sqlite:///{quote(str(place['NAME']))}"
    else:
        options = {**place["OPTIONS"], "host": place["HOST"], "port": place["PORT"]}
        who = ":".join(quote(place[part], safe="") for part in ("USER", "PASSWORD") if place[part])
        query = urlencode({key: value for key, value in options.items() if value})
        url = f"postgresql://{who}@/{place['NAME']}?{query}"
    return {**os.environ, "DATABASE_URL": url}


class Network:
    """Refuses connections by what kind of test runs. An audit hook stays for the process's life."""

    def __init__(self) -> None:
        self.allowed = "machine"

    def hook(self, event: str, arguments: tuple[object, ...]) -> None:
        if event in ("socket.connect", "socket.sendto") and not self._may(*arguments):
            raise PermissionError(f"a test reached for the network: {arguments[-1]!r}")
        if event == "socket.getaddrinfo" and not self._named(arguments[0]):
            raise PermissionError(f"a test asked for the address of {arguments[0]!r}")

    def _may(self, socket_used: object, address: object) -> bool:
        family = getattr(socket_used, "family", None)
        if family not in (socket.AF_INET, socket.AF_INET6):
            return True
        host = address[0] if isinstance(address, tuple) else address
        return self.allowed == "machine" and self._named(host)

    def _named(self, host: object) -> bool:
        if host is None or host in ("", "localhost", b"localhost"):
            return True
        try:
            text = host.decode() if isinstance(host, bytes) else str(host)
            return ipaddress.ip_address(text).is_loopback
        except ValueError:
            return False


NETWORK = Network()
sys.addaudithook(NETWORK.hook)


@pytest.fixture(autouse=True)
def network(request: pytest.FixtureRequest) -> Iterator[None]:
    """No network in unit, spec and generative tests; this machine only in all others."""
    folder = request.path.relative_to(ROOT / "tests").parts[0]
    NETWORK.allowed = "nothing" if folder in WITHOUT_NETWORK else "machine"
    yield
    NETWORK.allowed = "machine"
