"""The environment variables that commonthread reads; docs/settings.md is made from this list."""

import os
from dataclasses import dataclass


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
)


def read(name: str) -> str:
    """The value of a variable of the list above, or an empty text; an unlisted name is a bug."""
    if name not in {variable.name for variable in VARIABLES}:
        raise KeyError(name)
    return os.environ.get(name, "").strip()
