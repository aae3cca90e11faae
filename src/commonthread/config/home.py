"""The home folder as the settings see it: where it is, its page secret, its control database."""

import os
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

SECRET_FILE = Path("keys", "pages.secret")


def page_secret(home: Path) -> str:
    """The key that signs cookies and forms, from a file that only its owner may read.

    Made on first use. Before there is a home nothing is written: the secret then lasts as long as
    the process. Two processes that start together agree, for only one can place the file.
    """
    path = home / SECRET_FILE
    if not path.exists():
        if not home.is_dir():
            return secrets.token_urlsafe(48)
        place_secret(path, secrets.token_urlsafe(48))
    if path.stat().st_mode & 0o077:
        raise ImproperlyConfigured(f"{path} may be read by others: run chmod 600 on it")
    return path.read_text(encoding="ascii")


def place_secret(path: Path, secret: str) -> None:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secret)
            file.flush()
            os.fsync(file.fileno())
        path.hardlink_to(draft)
    except FileExistsError:
        return  # another process was first: its secret holds
    finally:
        draft.unlink()


def control_database(home: Path, url: str) -> dict[str, Any]:
    """Django's description of the control database: SQLite in the home, or what `url` names."""
    if not url:
        return sqlite(home / "control.db")
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        return sqlite(Path(unquote(parts.path.removeprefix("/"))))
    if parts.scheme not in ("postgresql", "postgres"):
        # The address may hold a password: say its scheme only.
        raise ImproperlyConfigured(
            f"DATABASE_URL begins with {parts.scheme}:, and only postgresql: and sqlite: are known"
        )
    options = dict(parse_qsl(parts.query))
    # No CONN_MAX_AGE: under ASGI the next request may run in a thread that never sees it again.
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.removeprefix("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": options.pop("host", parts.hostname or ""),
        "PORT": options.pop("port", str(parts.port or "")),
        "OPTIONS": options,
    }


def sqlite(path: Path) -> dict[str, Any]:
    """SQLite so that a commit survives a power cut and a writer waits instead of failing late."""
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": path,
        "OPTIONS": {
            # A transaction that reads first and then writes would otherwise fail without waiting.
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
        },
        # A file, not memory: the processes that a test starts see the same database.
        "TEST": {"NAME": path.with_name(f"test-{path.name}")},
    }
