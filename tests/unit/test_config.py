"""The settings: where the home is, what is kept in it, and what the log may say."""

import logging
import os
import re
import stat
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpResponse
from django.test import RequestFactory

from commonthread.config import environment
from commonthread.config.home import SECRET_FILE, control_database, page_secret
from commonthread.config.logs import QuietFormatter
from commonthread.config.start import home_named
from commonthread.config.static import StaticFiles

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("arguments", "home"),
    [
        (["status"], None),
        (["status", "--home", "a"], "a"),
        (["--home=a", "status"], "a"),
        (["--home", "a", "--home=b"], "b"),
        (["query", "--", "--home", "a"], None),
        (["status", "--home"], None),
        (["status", "--homely=a"], None),
    ],
)
def test_the_home_is_found_in_the_command_line(arguments: Sequence[str], home: str | None) -> None:
    assert home_named(arguments) == home


def test_the_page_secret_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    secret = page_secret(tmp_path)
    assert len(secret) >= 50
    assert page_secret(tmp_path) == secret
    assert stat.S_IMODE((tmp_path / SECRET_FILE).stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "keys").iterdir()] == [SECRET_FILE.name]


def test_without_a_home_nothing_is_written(tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert page_secret(home) != page_secret(home)
    assert not home.exists()


def test_a_page_secret_that_others_can_read_is_refused(tmp_path: Path) -> None:
    page_secret(tmp_path)
    (tmp_path / SECRET_FILE).chmod(0o640)
    with pytest.raises(ImproperlyConfigured, match="chmod 600"):
        page_secret(tmp_path)


def test_processes_that_start_together_agree_on_the_secret(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from commonthread.config.home import page_secret;"
        f"sys.stdin.read(); print(page_secret(Path({str(tmp_path)!r})))"
    )
    command = [sys.executable, "-c", code]
    places = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    racers = [
        subprocess.Popen(
            command, env=places, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.close()
        racer.stdin = None
    assert len({racer.communicate()[0] for racer in racers}) == 1


def test_without_an_address_the_database_lies_in_the_home(tmp_path: Path) -> None:
    database = control_database(tmp_path, "")
    assert database["NAME"] == tmp_path / "control.db"
    assert database["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    assert "synchronous=FULL" in database["OPTIONS"]["init_command"]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (
            "postgresql://jo:p%40ss@db.example:5433/trust?sslmode=require",
            {
                "NAME": "trust",
                "USER": "jo",
                "PASSWORD": "p@ss",
                "HOST": "db.example",
                "PORT": "5433",
                "OPTIONS": {"sslmode": "require"},
            },
        ),
        (
            "postgres://ct@/postgres?host=%2Frun%2Fpg",
            {"NAME": "postgres", "USER": "ct", "HOST": "/run/pg", "PORT": "", "OPTIONS": {}},
        ),
        ("sqlite:////srv/a%20b.db", {"NAME": Path("/srv/a b.db")}),
        ("sqlite:///a.db", {"NAME": Path("a.db")}),
    ],
)
def test_an_address_says_which_database(url: str, said: dict[str, Any]) -> None:
    assert said.items() <= control_database(Path("home"), url).items()


def test_an_unknown_kind_of_database_is_refused_without_its_password() -> None:
    with pytest.raises(ImproperlyConfigured, match="begins with mysql:") as refusal:
        control_database(Path("home"), "mysql://jo:secret@db/trust")
    assert "secret" not in str(refusal.value)


def test_every_variable_that_the_source_reads_is_listed() -> None:
    listed = {variable.name for variable in environment.VARIABLES}
    named = set()
    for path in (ROOT / "src").rglob("*.py"):
        named |= set(re.findall(r"\bCOMMONTHREAD_[A-Z_]+\b", path.read_text()))
    assert named <= listed


def test_an_unlisted_variable_cannot_be_read() -> None:
    with pytest.raises(KeyError):
        environment.read("COMMONTHREAD_SECRET_SWITCH")


def test_a_whole_number_is_read_between_its_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "COMMONTHREAD_WORKER_GIB"
    monkeypatch.delenv(name, raising=False)
    assert environment.whole(name, 4, least=1, most=64) == 4
    monkeypatch.setenv(name, " 8 ")
    assert environment.whole(name, 4, least=1, most=64) == 8
    for wrong in ("0", "65", "-1", "many", "4.5", "٤"):
        monkeypatch.setenv(name, wrong)
        with pytest.raises(ImproperlyConfigured, match=f"{name} is a whole number from 1 to 64"):
            environment.whole(name, 4, least=1, most=64)


def test_no_table_makes_anybody_somebody() -> None:
    assert settings.SESSION_ENGINE == "django.contrib.sessions.backends.signed_cookies"
    assert not {
        "django.contrib.admin",
        "django.contrib.auth",
        "django.contrib.sessions",
    } & set(settings.INSTALLED_APPS)


def test_pages_run_no_script_but_ours() -> None:
    directives = settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]
    assert directives["default-src"] == ["'none'"]
    assert "'unsafe-inline'" not in str(directives)
    assert "'unsafe-eval'" not in str(directives)


def logged(**extra: object) -> str:
    """One record with a resident's data wherever a record can carry some, as it is printed."""
    try:
        try:
            raise ValueError("cannot read 'Ada Lovelace'")
        except ValueError as cause:
            raise RuntimeError("row of 943 476 5919") from cause
    except RuntimeError:
        failure = sys.exc_info()
    record = logging.LogRecord(
        "django.request", logging.ERROR, __file__, 1, "failed: %s", ("/p/9434765919",), failure
    )
    for name, value in extra.items():
        setattr(record, name, value)
    # Another formatter may have been first and left the exception's text behind.
    record.exc_text = "row of 943 476 5919"
    return QuietFormatter("%(levelname)s %(name)s: %(message)s").format(record)


def test_a_logged_request_names_its_route_and_no_resident() -> None:
    match = SimpleNamespace(route="lookup/<str:key>")
    request = SimpleNamespace(method="GET", path="/p/9434765919?q=Ada", resolver_match=match)
    said = logged(request=request, status_code=500)
    assert said.startswith("ERROR django.request: 500 GET 'lookup/<str:key>'")
    assert not re.search("Ada|943", said)


def test_a_logged_exception_is_its_class_and_place() -> None:
    said = logged(request=SimpleNamespace(method="GET", resolver_match=None), status_code=404)
    assert "404 GET no page" in said
    assert "builtins.RuntimeError" in said
    assert "builtins.ValueError" in said
    assert "in logged" in said
    assert not re.search("Ada|943", said)


@pytest.fixture
def static_files(tmp_path: Path) -> StaticFiles:
    (tmp_path / "a.css").write_text("body {}")
    middleware = StaticFiles(lambda request: HttpResponse("a page"))
    middleware.add_files(str(tmp_path), prefix="/static/")
    return middleware


@pytest.mark.parametrize(
    ("headers", "status", "content"),
    [
        ({}, 200, b"body {}"),
        ({"Range": "bytes=1-3"}, 206, b"ody"),
        ({"Range": "bytes=5-"}, 206, b"{}"),
    ],
)
def test_a_static_file_is_answered_whole(
    static_files: StaticFiles, headers: dict[str, str], status: int, content: bytes
) -> None:
    response = static_files(RequestFactory().get("/static/a.css", headers=headers))
    assert (response.status_code, response.content) == (status, content)
    assert response["Content-Type"].startswith("text/css")
    assert response["Content-Length"] == str(len(content))
    assert not response.streaming


def test_a_static_file_that_has_not_changed_is_not_sent_again(static_files: StaticFiles) -> None:
    requests = RequestFactory()
    first = static_files(requests.get("/static/a.css"))
    again = static_files(requests.get("/static/a.css", headers={"If-None-Match": first["ETag"]}))
    assert (again.status_code, again.content) == (304, b"")


def test_what_is_no_static_file_is_a_page(static_files: StaticFiles) -> None:
    assert static_files(RequestFactory().get("/static/b.css")).content == b"a page"
