"""An export that takes seconds: what it is at, whether it is to stop, and what is worth telling at its end."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryFile
from threading import Event

from lwtui.errors import LwtuiError
from lwtui.text import one_line

_LOOK_SECONDS = 0.05  # how long a stop may go unnoticed
_LONGEST_ERROR = 300  # characters of what a program says that went wrong
# What another program needs to know. The rest of the environment, keys among it, is not its business.
_ENVIRONMENT = (
    *("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT", "USERPROFILE"),
    *("PYTHONPATH", "LD_LIBRARY_PATH", "XDG_DATA_HOME", "FONTCONFIG_PATH"),
)


class Stopped(LwtuiError):
    """The person no longer wants it."""


class ExportJob:
    """Handed to an export. ``tell`` is called with what it is at, in the thread that it runs in."""

    def __init__(self, tell: Callable[[str], None] | None = None) -> None:
        self.notes: list[str] = []  # lines for the person, such as that a font is missing
        self._tell = tell
        self._stop = Event()

    def stop(self) -> None:
        """End it soon, with :class:`Stopped`. May be called from another thread."""
        self._stop.set()

    def step(self, text: str) -> None:
        """Say what comes next. Raises :class:`Stopped`."""
        self.check()
        if self._tell is not None:
            self._tell(text)

    def check(self) -> None:
        """Raises :class:`Stopped` if it is to end."""
        if self._stop.is_set():
            raise Stopped("The export was stopped. Nothing was written.")

    def run(self, command: Sequence[str], folder: Path, name: str) -> None:
        """Run a program in ``folder`` to its end.

        Raises :class:`Stopped`, or :class:`lwtui.errors.LwtuiError` with what the program, called ``name``, said.
        """
        environment = {key: os.environ[key] for key in _ENVIRONMENT if key in os.environ}
        with TemporaryFile() as said:
            try:
                process = subprocess.Popen(
                    command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=said, stderr=said
                )
            except OSError as error:
                raise LwtuiError(f"{name} could not be started: {error.strerror}. Install the extra anew.") from None
            with process:
                try:
                    self._wait(process)
                finally:
                    if process.poll() is None:
                        process.kill()
            if process.returncode != 0:
                said.seek(0)
                words = one_line(said.read().decode("utf-8", "replace"))
                words = words[:_LONGEST_ERROR] or f"it ended with {process.returncode}"
                raise LwtuiError(f"{name} could not make the file: {words}. Try another format.")

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        while True:
            self.check()
            try:
                process.wait(_LOOK_SECONDS)
            except subprocess.TimeoutExpired:
                continue
            return
