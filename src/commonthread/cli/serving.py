"""Commands that serve the pages: serve, and demo, which builds a county and its home first."""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
from pathlib import Path
from typing import Annotated

import typer
from django.conf import settings

from commonthread.broker.access import BadInput
from commonthread.broker.access import open_broker as opened

from . import facts
from .due import EveryMinute
from .output import DEMO, said

DONE = "demo.done"
IN_USE = "in-use.lock"

TRY_FIRST = (
    "Try first: sign in as t.vale (telecare team lead), run the long example under ISA-2026-020,"
    " then withdraw severn-acute in another window."
)

Port = Annotated[int, typer.Option(min=1, max=65535, help="Port on this machine.")]


def serve(port: Port = 8000) -> None:
    """Serve the pages of a home on this machine, until Ctrl-C; do what is due every minute."""
    import uvicorn

    broker = opened()
    use(settings.HOME)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise BadInput(f"Port {port} is in use.", mend="Choose another with --port.") from None
    said().print(f"Serving http://localhost:{port}/ - stop with Ctrl-C.", markup=False)
    due = EveryMinute(broker).start()
    uvicorn.run(
        "commonthread.config.asgi:application",
        host="127.0.0.1",
        port=port,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=3,
    )
    due.stop()


def demo(
    port: Port = 8000,
    reset: Annotated[bool, typer.Option(help="Throw the demo home away first.")] = False,
    build_only: Annotated[bool, typer.Option(help="Build the home and stop.")] = False,
    residents: Annotated[int | None, typer.Option(help="People of the county; 20,000.")] = None,
) -> None:
    """Build a county of people who do not exist and a home with its partners, once; serve it."""
    # Only this command needs the county and the linker, which take a second to import.
    from commonthread.county.settings import Settings

    from . import demo_home

    home, wanted = settings.HOME, Settings() if residents is None else Settings(residents)
    finished = (home / DONE).exists()
    if home.exists() and (reset or not finished):
        throw_away(home)
        finished = False
    if not finished:
        facts.init(demo_keys=True, origin="demo.commonthread")
        use(home)
        demo_home.build(home, wanted)
        (home / DONE).touch()
    if residents is not None:
        demo_home.demand_same(home, wanted)
    said().print(DEMO)
    said().print(TRY_FIRST, markup=False)
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


def register(app: typer.Typer) -> None:
    app.command(epilog="Example: commonthread serve --home ./county --port 8001")(serve)
    app.command(epilog="Example: commonthread demo --reset")(demo)
