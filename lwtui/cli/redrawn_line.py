"""Progress in a line on standard error that is redrawn on a terminal; elsewhere, a new line every few seconds."""

from __future__ import annotations

import shutil
import sys
from time import monotonic

from lwtui.command_line.guard import say
from lwtui.terminal_cells import fitted


class RedrawnLine:
    """The line of one task."""

    def __init__(self, line_seconds: float, *, redraw_seconds: float = 0.0, quiet: bool = False) -> None:
        """Begin without a line.

        Args:
            line_seconds: The least time between two lines where nothing can be redrawn.
            redraw_seconds: The least time before the line is redrawn.
            quiet: Whether to show nothing.
        """
        self._quiet = quiet or sys.stderr is None
        self._live = not self._quiet and sys.stderr.isatty()
        self._least_seconds = redraw_seconds if self._live else line_seconds
        self._shown_at = monotonic()
        self._drawn = False

    def show(self, line: str, *, at_once: bool = False) -> None:
        """Show a line in place of the one before, if it is time for it or ``at_once`` is set."""
        if self._quiet or not (at_once or monotonic() - self._shown_at >= self._least_seconds):
            return
        self._shown_at = monotonic()
        if not self._live:
            say(line)
            return
        sys.stderr.write(f"\r\x1b[K{fitted(line, shutil.get_terminal_size().columns - 1)}")
        sys.stderr.flush()
        self._drawn = True

    def clear(self) -> None:
        """Erase the line that is redrawn."""
        if self._drawn:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self._drawn = False
