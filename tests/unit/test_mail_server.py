"""The mail server out of one variable; what is wrong with it is said without its password."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from commonthread.config.mail import NOWHERE, SMTP, MailServer, mail_server

SENDER = "trust@example.org"


def test_without_a_server_mail_goes_nowhere() -> None:
    assert mail_server("", "") == MailServer()
    assert mail_server("", SENDER).backend == NOWHERE


@pytest.mark.parametrize(
    ("url", "port", "starttls", "tls"),
    [
        ("smtp://mail.example.org", 587, True, False),
        ("smtp://mail.example.org:2525", 2525, True, False),
        ("smtp://localhost:25?starttls=off", 25, False, False),
        ("smtps://mail.example.org", 465, False, True),
    ],
)
def test_a_server_is_spoken_to_in_secret_unless_told(
    url: str, port: int, starttls: bool, tls: bool
) -> None:
    found = mail_server(url, SENDER)
    assert (found.backend, found.port, found.starttls, found.tls) == (SMTP, port, starttls, tls)


def test_user_and_password_may_hold_any_mark() -> None:
    found = mail_server("smtp://me%40example.org:p%3Aw%2F@mail.example.org", SENDER)
    assert (found.user, found.password, found.host) == (
        "me@example.org",
        "p:w/",
        "mail.example.org",
    )
    assert found.sender == SENDER


@pytest.mark.parametrize(
    ("url", "sender", "said"),
    [
        ("http://u:secret@mail", SENDER, "not smtp://HOST"),
        ("smtp://", SENDER, "not smtp://HOST"),
        ("smtp://u:secret@mail:99999", SENDER, "no such port"),
        ("smtp://u:secret@mail", "", "needs a sender"),
    ],
)
def test_what_is_wrong_is_said_without_the_password(url: str, sender: str, said: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=said) as error:
        mail_server(url, sender)
    assert "secret" not in str(error.value)
