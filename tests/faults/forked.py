"""``lwtui`` commands that are killed, and what they had told by then."""

from __future__ import annotations

import json
import os
import signal
import threading
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

from tests.cli.running import Shell
from tests.support.forks import Fork, fork


@dataclass
class Forked:
    """A command that runs. ``said`` are its lines on standard output, each with the moment when it came."""

    process: Fork
    said: list[tuple[float, str]] = field(default_factory=list)

    def kill(self) -> float:
        """End it as a power cut would; when that was."""
        now = monotonic()
        self.process.send(signal.SIGKILL)
        self.end()
        return now

    def wait(self, seconds: float) -> int | None:
        """Its exit code if it ends within so many seconds."""
        return self.process.wait(seconds)

    def end(self, seconds: float = 60) -> int:
        """Wait until it has ended; its exit code."""
        code = self.process.wait(seconds)
        assert code is not None, "it never ends"
        self._reader.join(seconds)
        return code

    def read(self, pipe: Path) -> None:
        """Take lines as they come, in a thread."""

        def take() -> None:
            with pipe.open(encoding="utf-8", errors="replace") as lines:
                for line in lines:
                    self.said.append((monotonic(), line))

        self._reader = threading.Thread(target=take, daemon=True)
        self._reader.start()

    @property
    def events(self) -> list[tuple[float, dict[str, Any]]]:
        """What ``--events`` told, but for a line that was cut."""
        return [(when, json.loads(line)) for when, line in self.said if line.endswith("}\n")]


def start(shell: Shell, *arguments: object, before: str = "", **more: str) -> Forked:
    """The command, running. ``before``, as ``module:function``, is called in its process first."""
    nothing, pipe = shell.folder / "nothing.in", shell.folder / f"pipe-{os.urandom(4).hex()}"
    nothing.touch()
    os.mkfifo(pipe)
    files = (nothing, pipe, shell.folder / "err.txt")
    running = Forked(fork(list(map(str, arguments)), shell.folder, shell.environment(**more), files, before))
    running.read(pipe)
    return running


def errors(shell: Shell) -> str:
    """All that its commands have said on standard error."""
    return (shell.folder / "err.txt").read_text(encoding="utf-8")
