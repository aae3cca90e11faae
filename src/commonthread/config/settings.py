"""Django's settings. Everything that differs between homes comes from config/environment.py."""

from pathlib import Path

from csp.constants import NONCE, NONE, SELF

from commonthread.config.environment import read, whole
from commonthread.config.home import control_database, page_secret
from commonthread.config.mail import mail_server

HOME = Path(read("COMMONTHREAD_HOME") or "home").resolve()
HOME_KEY_FILE = read("COMMONTHREAD_HOME_KEY")
WORKER_GIB = whole("COMMONTHREAD_WORKER_GIB", 4, least=1, most=1_024)
TIMESTAMP_AUTHORITY = read("COMMONTHREAD_TIMESTAMP_AUTHORITY")
TIMESTAMP_ROOTS = read("COMMONTHREAD_TIMESTAMP_ROOTS")

DEBUG = False
SECRET_KEY = page_secret(HOME)
ALLOWED_HOSTS = read("COMMONTHREAD_HOSTS").split() or ["localhost", "127.0.0.1", "[::1]"]

# No accounts and no admin: who may do what is signed, and no table makes anybody more than that.
INSTALLED_APPS = [
    "commonthread.broker.records",
    "commonthread.gateway",
    "commonthread.web",
    "django.contrib.staticfiles",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "commonthread.config.static.StaticFiles",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "commonthread.config.urls"
ASGI_APPLICATION = "commonthread.config.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "csp.context_processors.nonce",
            ]
        },
    }
]

DATABASES = {"default": control_database(HOME, read("DATABASE_URL"))}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# The session is a signed cookie, never a row: whoever writes to the database cannot become
# somebody else. A cookie cannot be called back, so it lives for one working day at most.
SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
SESSION_COOKIE_AGE = 8 * 60 * 60
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_HTTPONLY = True
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"

HTTPS = read("COMMONTHREAD_HTTPS") == "1"
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60 if HTTPS else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "base-uri": [NONE],
        "connect-src": [SELF],
        "font-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "img-src": [SELF, "data:"],
        "manifest-src": [SELF],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
    }
}

_MAIL = mail_server(read("COMMONTHREAD_SMTP_URL"), read("COMMONTHREAD_MAIL_FROM"))
# Whether mail leaves at all; without a server it stays in the outbox.
MAIL = bool(_MAIL.host)
EMAIL_BACKEND = _MAIL.backend
EMAIL_HOST, EMAIL_PORT = _MAIL.host, _MAIL.port
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _MAIL.user, _MAIL.password
EMAIL_USE_TLS, EMAIL_USE_SSL = _MAIL.starttls, _MAIL.tls
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = _MAIL.sender or "nobody@commonthread.invalid"

STATIC_URL = "/static/"
# Served from where they lie in the source: there is no collecting step to forget.
WHITENOISE_USE_FINDERS = True
WHITENOISE_ALLOW_ALL_ORIGINS = False

LANGUAGE_CODE = "en-gb"
TIME_ZONE = "Europe/London"
USE_TZ = True

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "quiet": {
            "()": "commonthread.config.logs.QuietFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s: %(message)s",
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "quiet"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {
        # Django's own handlers mail whole requests and print their paths.
        "django": {"handlers": [], "level": "WARNING", "propagate": True},
        "django.server": {"handlers": [], "level": "ERROR", "propagate": False},
        # Its lines hold the query string of each request.
        "uvicorn.access": {"handlers": [], "level": "CRITICAL", "propagate": False},
    },
}
