"""Output to a terminal that may go away.

Textual writes from a thread of its own, which an error would end. The app would then wait forever for room in the
queue of that thread, hold its document, and could not even be ended by a signal.
"""

from __future__ import annotations

import errno
from typing import IO, Any

from textual.driver import Driver


def with_output(driver: type[Driver]) -> type[Driver]:
    """Have a driver of Textual for terminals write with :class:`TerminalOutput`. Others are returned as they are."""
    if not driver.__module__.startswith("textual.drivers.linux"):
        return driver

    class TerminalDriver(driver):  # type: ignore[valid-type, misc]
        _file: Any

        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            self._file = TerminalOutput(self._file)

    return TerminalDriver


class TerminalOutput:
    """A terminal's file, to which writing does nothing once the terminal is gone. All else is the file's."""

    def __init__(self, file: IO[str]) -> None:
        """Write to ``file``."""
        self._file = file

    def __getattr__(self, name: str) -> Any:
        """Return an attribute of the file."""
        return getattr(self._file, name)

    def write(self, text: str) -> int:
        """Write text.

        Raises:
            OSError: It cannot be written, for another reason than that the terminal is gone.
        """
        try:
            return self._file.write(text)
        except OSError as error:
            _check_gone(error)
            return len(text)

    def flush(self) -> None:
        """Write what is buffered.

        Raises:
            OSError: As for :meth:`write`.
        """
        try:
            self._file.flush()
        except OSError as error:
            _check_gone(error)


def _check_gone(error: OSError) -> None:
    """Raise ``error`` unless it says that the terminal is gone."""
    if error.errno != errno.EIO:
        raise error
