"""What the log may say: that something happened and where in the code, never about whom."""

import copy
import logging
import traceback
from types import TracebackType


class QuietFormatter(logging.Formatter):
    """Formats records so that no personal data is in them.

    - A record about a request names its status, method and route pattern: no path, no query.
    - An exception is its class and the places it passed: its text may hold someone's data.
    """

    def format(self, record: logging.LogRecord) -> str:
        quiet = copy.copy(record)
        quiet.exc_text = None
        quiet.stack_info = None
        request = getattr(record, "request", None)
        if request is not None:
            quiet.msg, quiet.args = "%s", (self._about(record, request),)
        return super().format(quiet)

    def formatException(
        self,
        ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, ...],
    ) -> str:
        error, lines = ei[1], []
        while isinstance(error, BaseException):
            lines.append(f"{type(error).__module__}.{type(error).__qualname__}")
            lines += [
                f"  at {frame.filename}:{frame.lineno} in {frame.name}"
                for frame in traceback.extract_tb(error.__traceback__, limit=-20)
            ]
            error = error.__cause__ or error.__context__
        return "\n".join(lines)

    def _about(self, record: logging.LogRecord, request: object) -> str:
        route = getattr(getattr(request, "resolver_match", None), "route", None)
        status = getattr(record, "status_code", "unanswered")
        method = getattr(request, "method", "")
        return f"{status} {method} {'no page' if route is None else repr(route)}"
