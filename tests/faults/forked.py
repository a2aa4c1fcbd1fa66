"""``lwtui`` commands in processes of their own that begin at once, because all is imported already: for many kills."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from time import monotonic
from typing import Any

from tests.cli.running import Shell

_PRELOADED = [
    "lwtui.cli.write",
    "lwtui.documents.store",
    "lwtui.models.openai_api",
    "openai",
    "httpx2",
    "keyring",
    "tests.faults.forked",
]
_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(_PRELOADED)


def _run(arguments: list[str], folder: str, environment: dict[str, str], out: Connection, before: Any) -> None:
    """In the new process: be the command."""
    from lwtui.cli import main

    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    os.dup2(out.fileno(), 1)
    os.dup2(os.open("err.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8")
    sys.stderr = os.fdopen(2, "w", encoding="utf-8")
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if before is not None:
        before()
    code = main(arguments)
    sys.stdout.flush()
    os._exit(code)


@dataclass
class Forked:
    """A command that runs. ``said`` are its lines on standard output, each with the moment when it came."""

    process: Any
    said: list[tuple[float, str]] = field(default_factory=list)

    def kill(self) -> float:
        """End it as a power cut would; when that was."""
        now = monotonic()
        os.kill(self.process.pid, signal.SIGKILL)
        self.end()
        return now

    def end(self, seconds: float = 60) -> int:
        """Wait until it has ended; its exit code."""
        self.process.join(seconds)
        assert self.process.exitcode is not None, "it never ends"
        self._reader.join(seconds)
        return int(self.process.exitcode)

    def read(self, pipe: Connection) -> None:
        """Take lines as they come, in a thread."""

        def take() -> None:
            with os.fdopen(os.dup(pipe.fileno()), encoding="utf-8", errors="replace") as lines:
                pipe.close()
                for line in lines:
                    self.said.append((monotonic(), line))

        self._reader = threading.Thread(target=take, daemon=True)
        self._reader.start()

    @property
    def events(self) -> list[tuple[float, dict[str, Any]]]:
        """What ``--events`` told, but for a line that was cut."""
        return [(when, json.loads(line)) for when, line in self.said if line.endswith("}\n")]


def start(shell: Shell, *arguments: object, before: Callable[[], None] | None = None, **more: str) -> Forked:
    """The command, running. ``before`` (a function of a module) is called in its process first."""
    shell.folder.mkdir(exist_ok=True)
    reads, writes = _forks.Pipe(duplex=False)
    given = (list(map(str, arguments)), str(shell.folder), shell.environment(**more), writes, before)
    process = _forks.Process(target=_run, args=given)
    process.start()
    writes.close()
    running = Forked(process)
    running.read(reads)
    return running


def errors(shell: Shell) -> str:
    """All that its commands have said on standard error."""
    return Path(shell.folder / "err.txt").read_text(encoding="utf-8")
