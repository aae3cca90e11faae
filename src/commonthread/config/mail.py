"""The mail server as the settings see it: one address in, Django's names for its parts out."""

from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

SMTP = "django.core.mail.backends.smtp.EmailBackend"
# Where there is no mail server nothing is ever handed to one: mail that went nowhere would be
# marked as sent.
NOWHERE = "django.core.mail.backends.dummy.EmailBackend"
PORTS = {"smtp": 587, "smtps": 465}


@dataclass(frozen=True, slots=True)
class MailServer:
    """How mail leaves; `backend` is `NOWHERE` without a server."""

    backend: str = NOWHERE
    host: str = ""
    port: int = 0
    user: str = ""
    password: str = ""
    starttls: bool = False
    tls: bool = False
    sender: str = ""


def mail_server(url: str, sender: str) -> MailServer:
    """The server that `url` names. What is wrong is said without the address: it has a password."""
    if not url:
        return MailServer()
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query))
    if parts.scheme not in PORTS or not parts.hostname:
        raise ImproperlyConfigured("COMMONTHREAD_SMTP_URL is not smtp://HOST or smtps://HOST")
    if not sender:
        raise ImproperlyConfigured("COMMONTHREAD_MAIL_FROM is empty, and mail needs a sender")
    try:
        port = parts.port or PORTS[parts.scheme]
    except ValueError:
        raise ImproperlyConfigured("COMMONTHREAD_SMTP_URL has no such port") from None
    return MailServer(
        backend=SMTP,
        host=parts.hostname,
        port=port,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        starttls=parts.scheme == "smtp" and options.get("starttls") != "off",
        tls=parts.scheme == "smtps",
        sender=sender,
    )
