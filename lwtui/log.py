"""The log: a rotating file in the state folder, with tracebacks.

It never contains API keys. Above level DEBUG it contains no text of documents either: exception messages, which may
quote documents, are logged at DEBUG only.
"""

from __future__ import annotations

import logging
import os
import re
import traceback
from copy import copy
from pathlib import Path

from lwtui.folders import state_folder
from lwtui.translation import log_problems

LEVELS = ("debug", "info", "warning", "error")
_MAX_BYTES = 2**20
_BACKUPS = 3
_MIN_SECRET_LENGTH = 8  # characters; a shorter value is not an API key
_SECRET_WORDS = ("KEY", "TOKEN", "SECRET", "PASSWORD")
_KEY_PATTERN = re.compile(r"\bsk-[\w*.…-]{4,}")
_secrets: set[str] = set()


def log_file() -> Path:
    """Return the path of the log."""
    return state_folder() / "lwtui.log"


def add_secret(secret: str) -> None:
    """Redact ``secret`` in every future record of the log."""
    if len(secret) >= _MIN_SECRET_LENGTH:
        _secrets.add(secret)


def redact(text: str) -> str:
    """Return ``text`` without API keys: those that lwtui used, those in the environment, and anything like ``sk-…``."""
    for name, value in os.environ.items():
        if any(word in name.upper() for word in _SECRET_WORDS) and len(value.strip()) >= _MIN_SECRET_LENGTH:
            text = text.replace(value.strip(), f"[{name}]")
    for secret in _secrets:
        text = text.replace(secret, "[key]")
    return _KEY_PATTERN.sub("[key]", text)


def start_log(level: str = "warning") -> None:
    """Start logging to the file: lwtui's own records from ``level`` on, those of other libraries from WARNING on.

    Args:
        level: One of :data:`LEVELS`.
    """
    from logging.handlers import RotatingFileHandler

    class LogFileHandler(RotatingFileHandler):
        """Ignores errors: a log that cannot be written must neither stop lwtui nor print on its screen."""

        def emit(self, record: logging.LogRecord) -> None:
            try:
                log_file().parent.mkdir(parents=True, exist_ok=True)
            except OSError:
                return
            super().emit(record)

        def handleError(self, record: logging.LogRecord) -> None:
            return

    handler = LogFileHandler(log_file(), maxBytes=_MAX_BYTES, backupCount=_BACKUPS, encoding="utf-8", delay=True)
    handler.setFormatter(_Formatter(with_messages=level == "debug"))
    root = logging.getLogger()
    for old_handler in [each for each in root.handlers if isinstance(each, RotatingFileHandler)]:
        root.removeHandler(old_handler)
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.getLogger("lwtui").setLevel(level.upper())
    for package in ("lwtui_bench", "lwtui_training"):
        logging.getLogger(package).setLevel(level.upper())
    log_problems()


class _Formatter(logging.Formatter):
    def __init__(self, *, with_messages: bool) -> None:
        super().__init__("%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s")
        self._with_messages = with_messages

    def format(self, record: logging.LogRecord) -> str:
        record = copy(record)
        record.exc_text = None  # another handler may have cached the full traceback here
        return redact(super().format(record))

    def formatException(self, ei: object) -> str:
        """Format a traceback, with the messages of its exceptions only at level DEBUG."""
        error = ei[1] if isinstance(ei, tuple) else None
        if not isinstance(error, BaseException):
            return ""
        if self._with_messages:
            return "".join(traceback.format_exception(error)).rstrip()
        return "\n".join(_without_messages(error, set())).rstrip()


def _without_messages(error: BaseException, seen: set[int]) -> list[str]:
    seen.add(id(error))
    lines: list[str] = []
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None and id(cause) not in seen:
        lines += [*_without_messages(cause, seen), "", "which led to:", ""]
    lines += ["Traceback (most recent call last):", *"".join(traceback.format_tb(error.__traceback__)).splitlines()]
    lines.append(f"{type(error).__module__}.{type(error).__qualname__}")
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            if id(inner) not in seen:
                lines += ["", "with:", *_without_messages(inner, seen)]
    return lines
