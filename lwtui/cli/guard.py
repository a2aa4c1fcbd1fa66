"""How every command ends: with an exit code, and where something failed, with a line that says what to do."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable

from lwtui.errors import LwtuiError

INTERRUPTED = 130  # what a shell expects of a program that Ctrl-C ended
_PIPE_CLOSED = 141  # and of one whose reader went away
_LEAST_SECRET = 8  # characters; a shorter value of a variable is no key


def say(line: str) -> None:
    """Print a line for the person on standard error, if there is one: whatever is named in it, it is text."""
    from lwtui.text import clean

    if sys.stderr is not None:
        print(clean(line), file=sys.stderr, flush=True)


def guarded(command: Callable[[], int]) -> int:
    """Run a command and return its exit code; its errors become one line each, and never a traceback.

    The notes of an error (:meth:`BaseException.add_note`) are lines of their own after it.
    """
    _tolerate_narrow_encodings()
    try:
        return _with_output_written(command)
    except LwtuiError as error:
        _report(str(error), error)
        return error.exit_code
    except KeyboardInterrupt as stop:
        # A command that has something to resume says how; there is nothing to add to that.
        _report("" if _notes(stop) else "Stopped.", stop)
        return INTERRUPTED
    except BrokenPipeError:
        _abandon_output()
        return _PIPE_CLOSED
    except OSError as error:
        _abandon_output()
        where = f": {error.filename}" if error.filename else ""
        _report(f"{error.strerror or error}{where}. Check the path, its permissions and the free space.", error)
        return 1
    except Exception as error:  # noqa: BLE001 - the last resort: whatever it is, it is told and logged
        return _unexpected(error)


def _with_output_written(command: Callable[[], int]) -> int:
    """Run ``command``, and find out here, not at the interpreter's end, that standard output cannot be written."""
    try:
        code = command()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    if sys.stdout is not None:
        sys.stdout.flush()
    return code


def _tolerate_narrow_encodings() -> None:
    """A terminal that cannot show a character gets a ``?``; a pipe or a file always gets UTF-8."""
    for stream in (sys.stdout, sys.stderr):
        if stream is None or not hasattr(stream, "reconfigure"):
            continue
        if stream.isatty():
            stream.reconfigure(errors="replace")
        else:
            stream.reconfigure(encoding="utf-8", errors="replace")


def _report(line: str, error: BaseException) -> None:
    if line:
        say("lwtui: " + " ".join(line.split()))
    for note in _notes(error):
        say(note)


def _notes(error: BaseException) -> Iterable[str]:
    return getattr(error, "__notes__", ())


def _abandon_output() -> None:
    """Keep the interpreter from trying once more to write what cannot be written."""
    if sys.stdout is not None:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def _unexpected(error: Exception) -> int:
    """A fault of lwtui itself: its details go into a file, or with ``LWTUI_DEBUG=1`` to standard error."""
    import traceback

    details = _redacted("".join(traceback.format_exception(error)))
    if os.environ.get("LWTUI_DEBUG"):
        say(details.rstrip())
        return 1
    name = type(error).__name__
    try:
        where = _log(details)
    except OSError:
        _report(f"This should not have happened ({name}). Set LWTUI_DEBUG=1 to see the details.", error)
    else:
        _report(f"This should not have happened ({name}). The details are in {where}; please report them.", error)
    return 1


def _log(details: str) -> str:
    """Write ``details`` where the next fault of this kind finds room; the path."""
    from datetime import UTC, datetime

    from lwtui.config import cache_folder
    from lwtui.files import write_atomically

    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "last-error.txt"
    write_atomically(path, f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC\n{details}")
    return str(path)


def _redacted(text: str) -> str:
    """``text`` without anything that is the value of a variable named like a secret."""
    for name, value in os.environ.items():
        secret = any(word in name.upper() for word in ("KEY", "TOKEN", "SECRET", "PASSWORD"))
        if secret and len(value.strip()) >= _LEAST_SECRET:
            text = text.replace(value.strip(), f"[{name}]")
    return text
