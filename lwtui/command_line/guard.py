"""Exit codes and error reports of all commands: one line per error, and never a traceback."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable

from lwtui.errors import LwtuiError
from lwtui.system import enable_escape_sequences
from lwtui.translation import _

INCOMPLETE = 3  # a document was written, but some of its sections are short, or the model refused them
INTERRUPTED = 130  # by convention, after Ctrl-C
_PIPE_CLOSED = 141  # by convention, after the reader of a pipe is gone


def say(line: str) -> None:
    """Print a line for the user on standard error, if there is one, without escape sequences."""
    from lwtui.text import clean

    if sys.stderr is not None:
        print(clean(line), file=sys.stderr, flush=True)


def guarded(command: Callable[[], int]) -> int:
    """Run a command and return its exit code. An error is printed as one line, followed by its notes.

    Notes (:meth:`BaseException.add_note`) are lines of their own.
    """
    _configure_encodings()
    try:
        return _with_output_written(command)
    except LwtuiError as error:
        _log_failure(error)
        _report(str(error), error)
        return error.exit_code
    except KeyboardInterrupt as stop:
        # A command that can be resumed adds a note that says how; that is enough.
        _report("" if _notes(stop) else _("Stopped."), stop)
        return INTERRUPTED
    except BrokenPipeError:
        _abandon_output()
        return _PIPE_CLOSED
    except OSError as error:
        _log_failure(error)
        _abandon_output()
        problem = f"{error.strerror or error}" + (f": {error.filename}" if error.filename else "")
        _report(_("{problem}. Check the path, its permissions and the free space.", problem=problem), error)
        return 1
    except Exception as error:  # noqa: BLE001 - the last resort: any other error is reported and logged
        return _report_internal_error(error)


def _with_output_written(command: Callable[[], int]) -> int:
    """Run ``command`` and flush standard output, so that a write error is raised here and not at interpreter exit."""
    try:
        code = command()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    if sys.stdout is not None:
        sys.stdout.flush()
    return code


def _configure_encodings() -> None:
    """Print ``?`` for characters that a terminal cannot show, and UTF-8 to pipes and files."""
    enable_escape_sequences()
    for stream in (sys.stdout, sys.stderr):
        if stream is None or not hasattr(stream, "reconfigure"):
            continue
        if stream.isatty():
            stream.reconfigure(errors="replace")
        else:
            stream.reconfigure(encoding="utf-8", errors="replace")


def _log_failure(error: Exception) -> None:
    """Log how a command failed, at DEBUG only: the user has already read why."""
    if "logging" in sys.modules:
        code = error.code if isinstance(error, LwtuiError) else type(error).__name__
        sys.modules["logging"].getLogger("lwtui").debug("the command failed: %s", code, exc_info=error)


def _report(line: str, error: BaseException) -> None:
    if line:
        say("lwtui: " + " ".join(line.split()))
    for note in _notes(error):
        say(note)


def _notes(error: BaseException) -> Iterable[str]:
    return getattr(error, "__notes__", ())


def _abandon_output() -> None:
    """Keep the interpreter from writing standard output again at exit, where it would fail again."""
    if sys.stdout is not None:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)


def _report_internal_error(error: Exception) -> int:
    """Log an internal error and tell the user where; the exit code."""
    import logging

    from lwtui.log import log_file

    logging.getLogger("lwtui").error("an internal error ended the command", exc_info=error)
    name = type(error).__name__
    if log_file().exists():
        line = _("Internal error ({name}). Please report it with the log, {log}.", name=name, log=log_file())
    else:
        line = _(
            "Internal error ({name}). The details are lost, because the log cannot be written: {log}.",
            name=name,
            log=log_file(),
        )
    _report(line, error)
    return 1
