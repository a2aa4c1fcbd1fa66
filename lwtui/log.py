"""The log: a rotating file in the state folder, with the traceback of whatever fails.

It holds no keys and, above the level DEBUG, no text of documents: the messages of exceptions, which may quote some, are
written at DEBUG only.
"""

from __future__ import annotations

import logging
import os
import re
import traceback
from copy import copy
from pathlib import Path

from lwtui.config import state_folder

LEVELS = ("debug", "info", "warning", "error")
_MOST_BYTES = 2**20
_BACKUPS = 3
_LEAST_SECRET = 8  # characters; a shorter value of a variable is no key
_SECRET_NAMES = ("KEY", "TOKEN", "SECRET", "PASSWORD")
_KEY_SHAPES = re.compile(r"\bsk-[\w*.…-]{4,}")
_secrets: set[str] = set()


def log_file() -> Path:
    """Where the log is."""
    return state_folder() / "lwtui.log"


def hide(secret: str) -> None:
    """Keep ``secret`` out of the log, wherever it may stand."""
    if len(secret) >= _LEAST_SECRET:
        _secrets.add(secret)


def redact(text: str) -> str:
    """``text`` without keys: those that lwtui used, those in the environment, and what looks like one."""
    for name, value in os.environ.items():
        if any(word in name.upper() for word in _SECRET_NAMES) and len(value.strip()) >= _LEAST_SECRET:
            text = text.replace(value.strip(), f"[{name}]")
    for secret in _secrets:
        text = text.replace(secret, "[key]")
    return _KEY_SHAPES.sub("[key]", text)


def start_log(level: str = "warning") -> None:
    """Log into the file from now on: lwtui's own records from ``level`` on, other libraries' from WARNING on."""
    from logging.handlers import RotatingFileHandler

    class Handler(RotatingFileHandler):
        """A log that cannot be written is no reason to fail, nor to write on the screen."""

        def emit(self, record: logging.LogRecord) -> None:
            try:
                log_file().parent.mkdir(parents=True, exist_ok=True)
            except OSError:
                return
            super().emit(record)

        def handleError(self, record: logging.LogRecord) -> None:
            return

    handler = Handler(log_file(), maxBytes=_MOST_BYTES, backupCount=_BACKUPS, encoding="utf-8", delay=True)
    handler.setFormatter(_Formatter(with_messages=level == "debug"))
    root = logging.getLogger()
    for old in [one for one in root.handlers if isinstance(one, RotatingFileHandler)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.getLogger("lwtui").setLevel(level.upper())
    for package in ("lwtui_bench", "lwtui_training"):
        logging.getLogger(package).setLevel(level.upper())


class _Formatter(logging.Formatter):
    def __init__(self, *, with_messages: bool) -> None:
        super().__init__("%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s")
        self._with_messages = with_messages

    def format(self, record: logging.LogRecord) -> str:
        own = copy(record)
        own.exc_text = None  # another handler may have put the whole traceback there
        return redact(super().format(own))

    def formatException(self, ei: object) -> str:
        """The traceback; the exceptions' messages only where they may stand in the log."""
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
        for one in error.exceptions:
            if id(one) not in seen:
                lines += ["", "with:", *_without_messages(one, seen)]
    return lines
