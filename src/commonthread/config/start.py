"""The command `commonthread`: chooses the home, sets Django up, hands over to the command line."""

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

import django
from django.core.exceptions import ImproperlyConfigured


def home_named(arguments: Sequence[str]) -> str | None:
    """The folder that `--home DIR` or `--home=DIR` names; the last one holds, `--` ends options."""
    home = None
    for place, argument in enumerate(arguments):
        if argument == "--":
            break
        if argument == "--home" and place + 1 < len(arguments):
            home = arguments[place + 1]
        elif argument.startswith("--home="):
            home = argument.removeprefix("--home=")
    return home


def without_home(arguments: Sequence[str]) -> list[str]:
    """The arguments less `--home`, which may stand behind any command."""
    left: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        if argument == "--":
            return [*left, argument, *rest]
        if argument == "--home":
            if next(rest, None) is None:
                left.append(argument)
        elif not argument.startswith("--home="):
            left.append(argument)
    return left


def stop(why: str) -> NoReturn:
    """End as the command line does for what a person can mend, before there is one."""
    sys.stderr.write(f"{why}\n")
    sys.exit(2)


def main() -> None:
    """Settings read the home when they load, so it is found before the command line is parsed."""
    home = home_named(sys.argv[1:])
    if home:
        os.environ["COMMONTHREAD_HOME"] = home
    os.environ["DJANGO_SETTINGS_MODULE"] = "commonthread.config.settings"
    try:
        django.setup()
    except ImproperlyConfigured as error:
        stop(str(error))
    except OSError as error:
        stop(f"{error.filename} cannot be used: {error.strerror}. Name another folder with --home.")
    from commonthread.cli import app  # its modules need the set-up

    app(args=without_home(sys.argv[1:]), prog_name="commonthread")


if __name__ == "__main__":
    main()
