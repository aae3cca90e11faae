"""The environment variables that commonthread reads; docs/settings.md is made from this list."""

import os
from dataclasses import dataclass

from django.core.exceptions import ImproperlyConfigured


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable: what it is for and what holds without it. An empty value counts as absent."""

    name: str
    without: str
    meaning: str


VARIABLES = (
    Variable(
        "COMMONTHREAD_HOME",
        "./home",
        "Folder that holds everything of one trust: keys, control database, deposits, extracts. "
        "The option --home goes before it.",
    ),
    Variable(
        "COMMONTHREAD_HOME_KEY",
        "keys/home.key in the home folder",
        "File of the key that wraps all data keys, kept apart from the data; mode 0600.",
    ),
    Variable(
        "DATABASE_URL",
        "sqlite, control.db in the home folder",
        "Control database: postgresql://user:password@host:port/name?sslmode=require, "
        "postgresql://user@/name?host=/folder/of/the/socket, or sqlite:///file.",
    ),
    Variable(
        "COMMONTHREAD_HOSTS",
        "localhost 127.0.0.1 [::1]",
        "Host names that the pages answer to, separated by spaces.",
    ),
    Variable(
        "COMMONTHREAD_HTTPS",
        "off",
        "Set to 1 behind a proxy that speaks HTTPS: cookies travel only there, and browsers are "
        "told to come back only there.",
    ),
    Variable(
        "COMMONTHREAD_WORKER_GIB",
        "4",
        "Memory of one worker, in GiB: it holds the tables of one member's grants, and what a "
        "query needs beside them. Up to eight workers are kept.",
    ),
    Variable(
        "COMMONTHREAD_TIMESTAMP_AUTHORITY",
        "none: seals carry this machine's own time",
        "Address of a timestamp authority (RFC 3161 over HTTP), which stamps the seal of each "
        "document. One that does not answer is done without, and the file's name says so.",
    ),
    Variable(
        "COMMONTHREAD_TIMESTAMP_ROOTS",
        "none: a stamp is shown, and nobody here vouches for it",
        "File of the authorities' root certificates (PEM), whose stamps the check of a document "
        "vouches for.",
    ),
    Variable(
        "COMMONTHREAD_SMTP_URL",
        "none: reminders stay in the outbox, to be read there",
        "Mail server for reminders: smtp://user:password@host:587 (STARTTLS), "
        "smtps://user:password@host:465, or smtp://host:25?starttls=off for a relay on this "
        "machine.",
    ),
    Variable(
        "COMMONTHREAD_MAIL_FROM",
        "needed once there is a mail server",
        "Address that reminders come from.",
    ),
)


def whole(name: str, default: int, least: int, most: int) -> int:
    """The whole number of a variable; raises `ImproperlyConfigured` with what is needed."""
    text = read(name) or str(default)
    if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
        raise ImproperlyConfigured(f"{name} is a whole number from {least} to {most}.")
    return int(text)


def read(name: str) -> str:
    """The value of a variable of the list above, or an empty text; an unlisted name is a bug."""
    if name not in {variable.name for variable in VARIABLES}:
        raise KeyError(name)
    return os.environ.get(name, "").strip()
