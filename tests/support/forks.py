"""Runs ``lwtui`` in processes that start at once: they are forked from a process that has already imported everything.

A test that runs a command fifty times would otherwise spend its time on imports. Everything else about the command is
real: its process, folder, environment, files and exit code. Tests of how Python starts (encodings, what is imported
when, what an installed script does) start a new interpreter themselves.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from time import monotonic, sleep

ROOT = Path(__file__).parents[2]

# Forks twice for each job: the command, and a process that waits for it and reports how it ended. The server itself
# ends when its standard input closes, which is when the tests end.
_SERVER = """
import importlib, json, os, random, select, signal, socket, sys, threading

for name in sys.argv[2].split():
    importlib.import_module(name)


def be_the_command(job):
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(job["folder"])
    os.environ.clear()
    os.environ.update(job["environment"])
    for number, (path, flags) in enumerate(job["files"]):
        opened = os.open(path, flags, 0o644)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdin = open(0, encoding="utf-8", closefd=False)
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False)
    sys.argv = ["lwtui", *job["arguments"]]
    random.seed()
    if job["before"]:
        module, _, function = job["before"].partition(":")
        getattr(importlib.import_module(module), function)()
    from lwtui.cli import main

    code = main(job["arguments"])
    threading._shutdown()
    sys.stdout.flush()
    os._exit(code)


def serve(connection):
    # As in a subprocess of the tests.
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    with connection, connection.makefile("rw") as line:
        job = json.loads(line.readline())
        pid = os.fork()
        if not pid:
            try:
                be_the_command(job)
            finally:
                os._exit(70)
        print(pid, file=line, flush=True)
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), file=line, flush=True)


signal.signal(signal.SIGCHLD, signal.SIG_IGN)
signal.signal(signal.SIGINT, signal.SIG_IGN)
listening = socket.socket(socket.AF_UNIX)
listening.bind(sys.argv[1])
listening.listen(64)
while listening in select.select([listening, sys.stdin], [], [])[0]:
    connection, _ = listening.accept()
    if not os.fork():
        listening.close()
        try:
            serve(connection)
        finally:
            os._exit(0)
    connection.close()
"""
# None of these modules reads the environment when it is imported.
_PRELOADED = """
    asyncio httpx2 regex tomlkit sqlite3 lwtui.cli.app lwtui.cli.checks lwtui.cli.config lwtui.cli.doctor
    lwtui.cli.export lwtui.command_line.guard lwtui.cli.headless lwtui.cli.models lwtui.cli.plan lwtui.cli.write
    lwtui.cli.sources lwtui.documents.library lwtui.models.openai_api
"""
_FOR_BENCH = "numpy lwtui_bench.cli lwtui_bench.commands.run lwtui_bench.commands.judge lwtui_bench.run"


@cache
def _server() -> str:
    """Return the address of the forking server, which the first command starts."""
    address = str(Path(tempfile.mkdtemp(prefix="lwtui-forks-")) / "socket")
    server = subprocess.Popen(
        [sys.executable, "-c", _SERVER, address, f"{_PRELOADED} {_FOR_BENCH}"],
        stdin=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (ROOT, ROOT / "bench", ROOT / "training")))},
    )
    _kept.append(server)
    end = monotonic() + 60
    while not _answers(address):
        assert server.poll() is None and monotonic() < end, "the forking server does not start"
        sleep(0.01)
    return address


_kept: list[subprocess.Popen[bytes]] = []  # keeps its standard input open


def _answers(address: str) -> bool:
    return Path(address).exists()


@dataclass
class Fork:
    """A running command. ``pid`` is its process."""

    pid: int
    _status: socket.socket
    code: int | None = None

    def wait(self, seconds: float) -> int | None:
        """Return its exit code (or minus the signal that ended it) once it has ended, or ``None`` after a timeout."""
        if self.code is None:
            self._status.settimeout(max(seconds, 0.001))
            try:
                self.code = int(self._status.recv(16) or b"70")
            except TimeoutError:
                return None
            self._status.close()
        return self.code

    def send(self, number: signal.Signals) -> None:
        """Send a signal if the command is still running."""
        if self.wait(0) is None:
            os.kill(self.pid, number)


def fork(
    arguments: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    files: tuple[Path, Path, Path],
    before: str = "",
) -> Fork:
    """Run ``lwtui`` with these arguments.

    Args:
        arguments: The command's arguments.
        folder: Its working directory.
        environment: Its environment.
        files: Its standard input, output and error; it appends to the last two.
        before: A function to call first in its process, as ``module:function``.
    """
    connection = socket.socket(socket.AF_UNIX)
    address = _server()
    end = monotonic() + 10
    while connection.connect_ex(address):
        assert monotonic() < end
        sleep(0.01)
    appending = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    job = {
        "arguments": list(arguments),
        "folder": str(folder),
        "environment": dict(environment),
        "files": [(str(files[0]), os.O_RDONLY), (str(files[1]), appending), (str(files[2]), appending)],
        "before": before,
    }
    connection.sendall(f"{json.dumps(job)}\n".encode())
    connection.settimeout(30)
    pid = b""
    while not pid.endswith(b"\n"):
        pid += connection.recv(1)
    return Fork(int(pid), connection)
