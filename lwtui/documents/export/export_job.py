"""Export jobs: progress, cancellation and notes of an export that takes seconds, and its external programs."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryFile
from threading import Event

from lwtui.errors import LwtuiError
from lwtui.text import one_line
from lwtui.translation import _

_POLL_SECONDS = 0.05  # between two checks whether to stop
_MAX_ERROR = 300  # characters of a program's error message
# The variables that an external program gets. It needs no others, least of all those with API keys.
_ENVIRONMENT = (
    *("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT", "USERPROFILE"),
    *("PYTHONPATH", "LD_LIBRARY_PATH", "XDG_DATA_HOME", "FONTCONFIG_PATH"),
)


REINSTALL = _('Reinstall the extra: pip install --force-reinstall "lwtui[export]"')


class ExportStopped(LwtuiError):
    """The user stopped the export."""


class ToolFailed(LwtuiError):
    """An external program could not do its work.

    Attributes:
        problem: What it printed.
    """

    code = "tool-failed"

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(
            _("{program} could not create the file: {problem}. Try another format.", program=name, problem=problem)
        )
        self.problem = problem


class ExportJob:
    """Reports the progress of one export, and can stop it.

    Attributes:
        notes: Lines for the user after the export, such as that a font is missing.
    """

    def __init__(self, on_step: Callable[[str], None] | None = None) -> None:
        """Create a job. ``on_step`` is called with a description of each step, in the thread of the export."""
        self.notes: list[str] = []
        self._on_step = on_step
        self._stop = Event()

    def stop(self) -> None:
        """Stop the export soon, with :class:`ExportStopped`. It may be called from another thread."""
        self._stop.set()

    def step(self, text: str) -> None:
        """Report the next step.

        Raises:
            ExportStopped: :meth:`stop` was called.
        """
        self.check()
        if self._on_step is not None:
            self._on_step(text)

    def check(self) -> None:
        """Check whether to go on.

        Raises:
            ExportStopped: :meth:`stop` was called.
        """
        if self._stop.is_set():
            raise ExportStopped(_("The export was stopped. Nothing was written."))

    def run(self, command: Sequence[str], folder: Path, name: str) -> None:
        """Run a program to its end.

        Args:
            command: The program and its arguments.
            folder: The working directory.
            name: The name of the program in error messages.

        Raises:
            ExportStopped: :meth:`stop` was called.
            LwtuiError: The program cannot be started.
            ToolFailed: It failed; the message includes what it printed.
        """
        environment = {key: os.environ[key] for key in _ENVIRONMENT if key in os.environ}
        with TemporaryFile() as output:
            try:
                process = subprocess.Popen(
                    command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output
                )
            except OSError as error:
                raise LwtuiError(
                    _(
                        "Cannot start {program}: {reason}. {reinstall}",
                        program=name,
                        reason=error.strerror,
                        reinstall=REINSTALL,
                    ),
                    code="tool-missing",
                ) from None
            with process:
                try:
                    self._wait(process)
                finally:
                    if process.poll() is None:
                        process.kill()
            if process.returncode != 0:
                output.seek(0)
                problem = one_line(output.read().decode("utf-8", "replace"))
                problem = problem[:_MAX_ERROR] or _("it ended with exit code {code}", code=process.returncode)
                raise ToolFailed(name, problem)

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        while True:
            self.check()
            try:
                process.wait(_POLL_SECONDS)
            except subprocess.TimeoutExpired:
                continue
            return
