"""How every command ends: with an exit code, and where something failed, with a line that says what to do."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable

from lwtui.errors import LwtuiError

INTERRUPTED = 130  # what a shell expects of a program that Ctrl-C ended
_PIPE_CLOSED = 141  # and of one whose reader went away


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
        _note(error)
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
        _note(error)
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


def _note(error: Exception) -> None:
    """Put into the log how a command came to fail, at DEBUG: a person has been told why."""
    if "logging" in sys.modules:
        sys.modules["logging"].getLogger("lwtui").debug("the command failed", exc_info=error)


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
    """An internal error: its details go into the log."""
    import logging

    from lwtui.log import log_file

    logging.getLogger("lwtui").error("an internal error ended the command", exc_info=error)
    name = type(error).__name__
    if log_file().exists():
        where = f"The log has the details: {log_file()}. Please report it"
    else:
        where = f"The log cannot be written: {log_file()}"
    _report(f"This should not have happened ({name}). {where}.", error)
    return 1
