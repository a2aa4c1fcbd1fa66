"""No key is in anything that a run leaves behind: files, logs, output, or the arguments of other processes."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.support import PromptWriter, write_prompts
from tests.cli.running import KEY, PLAN_JSON, ScriptedWriter, Shell, endpoint
from tests.faults.conftest import Tried
from tests.support.fault_server import Fault, FaultServer

# The key as it is, and as an address with a password puts it on the wire.
FORMS = [KEY.encode(), base64.b64encode(f"me:{KEY}".encode())]


LOG = "OPENAI_LOG"  # has the SDK tell what it sends
CHILDLESS = ("plan", "export", "config")  # commands that start no process, and so have no arguments to look at


def holds_key(data: bytes) -> bool:
    return any(form in data for form in FORMS)


def arguments_below(process: int) -> Iterator[bytes]:
    """The command lines of the processes that ``process`` has started, and of those that they did."""
    for task in Path(f"/proc/{process}/task").glob("*/children"):
        for child in task.read_text().split():
            yield Path(f"/proc/{child}/cmdline").read_bytes()
            yield from arguments_below(int(child))


@contextmanager
def looking(process: int, seen: set[bytes]) -> Iterator[None]:
    """Collect the arguments of all processes below ``process`` for as long as this lasts."""
    end = threading.Event()

    def look() -> None:
        while not end.wait(0.005):
            try:
                seen.update(arguments_below(process))
            except OSError:
                continue  # one of them has just ended

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()


class Traces:
    """Runs commands and remembers all that they say; ``check`` searches this and every file."""

    def __init__(self, shell: Shell, **environment: str) -> None:
        self.shell = shell
        self.environment = {LOG: "debug"} | environment
        self.said = b""
        self.ran: list[str] = []
        self.arguments: set[bytes] = set()

    def run(self, *arguments: object, kill: bool = False) -> int:
        """The exit code. With ``kill`` the command is killed as soon as its document has a log."""
        if arguments[0] in CHILDLESS:
            more = {name: value for name, value in self.environment.items() if name != LOG}
            done = self.shell.run(*arguments, **more)
            return self._ended(arguments, done.code, done.out, done.err)
        process = self.shell.start(*arguments, **self.environment)
        own = b"".join(os.fsencode(str(one)) + b"\0" for one in (sys.executable, "-m", "lwtui", *arguments))
        with looking(process.pid, self.arguments):
            if kill:
                self._kill(process)
            out, err = process.communicate(timeout=60)
        self.arguments.discard(own)  # a child that has not yet become another program
        return self._ended(arguments, process.returncode, out, err)

    def _ended(self, arguments: tuple[object, ...], code: int, out: str, err: str) -> int:
        self.said += f"{out}\n{err}\n".encode()
        self.ran.append(str(arguments[0]))
        assert "Traceback" not in err, err
        return code

    def _kill(self, process: subprocess.Popen[str]) -> None:
        end = time.monotonic() + 30
        while not any(log.stat().st_size for log in self.shell.folder.rglob("*-wal")):
            assert process.poll() is None and time.monotonic() < end
            time.sleep(0.01)
        time.sleep(0.3)
        process.send_signal(signal.SIGKILL)

    def check(self) -> int:
        """Fail if the key is anywhere; how many things were searched."""
        assert not holds_key(self.said), self.said.decode()
        assert not [one for one in self.arguments if holds_key(one)]
        files = [path for path in self.shell.folder.rglob("*") if path.is_file()]
        found = [path for path in files if holds_key(path.read_bytes()) or holds_key(os.fsencode(path))]
        assert not found
        return len(files) + len(self.ran) + len(self.arguments)


def use(shell: Shell, address: str, **more: str) -> None:
    """Make the endpoint at ``address`` the model of the settings, by hand."""
    values = {"model": "m-1", "base_url": address} | more
    table = "\n".join(f"{name} = {json.dumps(value)}" for name, value in values.items())
    documents = json.dumps(str(shell.documents))
    shell.settings(f'documents = {documents}\nmodel = "writer"\n[models.writer]\n{table}\nretry_seconds = 1\n')
    (shell.folder / "plan.json").write_text(json.dumps(PLAN_JSON))


WRITE = ("write", "Tomatoes", "--plan", "plan.json", "--output", "out.md")


def test_a_key_that_works_is_nowhere(shell: Shell, tried: Tried) -> None:
    traces = Traces(shell, MY_KEY=KEY)
    with endpoint(ScriptedWriter(delay=0.05)) as server:
        add = ("models", "add", "writer", "--base-url", server.base_url, "--model", "m-1", "--key-env", "MY_KEY")
        assert traces.run(*add, "--use") == 0
        (shell.folder / "plan.json").write_text(json.dumps(PLAN_JSON))
        assert traces.run(*WRITE, kill=True) == -signal.SIGKILL
        assert list(shell.folder.glob("out.lw-wal"))
        found = traces.check()
        assert traces.run("write", "--resume", "out.lw", "--output", "out.md", "--events") == 0
        for command in (
            ("plan", "Tomatoes", "--json"),
            ("export", "out.lw", "--to", "html"),
            ("export", "out.lw", "--to", "txt", "--output", "-"),
            ("models", "verify", "writer"),
            ("models", "list", "--json"),
            ("config",),
            ("doctor", "--json"),
        ):
            assert traces.run(*command) in (0, 1)
        assert all(seen.headers.get("authorization") == f"Bearer {KEY}" for seen in server.calls)
    with FaultServer(PromptWriter(), models=[{"id": "m-1"}]) as server:
        use(shell, server.base_url, key_env="MY_KEY")
        write_prompts(shell.folder / "prompts.jsonl", [20])
        bench = ("bench", "run", "--model", "writer", "--task", "trial", "--data", "prompts.jsonl")
        assert traces.run(*bench, "--output", "answers.jsonl") == 0
        assert traces.run("bench", "report", "answers.jsonl", "--html", "report.html") == 0
        assert server.calls[0].headers["authorization"] == f"Bearer {KEY}"
    tried("a key that works", "is in no file, log, output or argument", found + traces.check())


def test_a_key_that_is_refused_by_a_server_that_repeats_it_is_nowhere(shell: Shell, tried: Tried) -> None:
    traces = Traces(shell, LWTUI_API_KEY=KEY)
    refused = Fault.http(401, message=f"Incorrect API key provided: {KEY}")
    midway = Fault.error(0, message=f"Bearer {KEY} has expired", code="401")
    for faults in ([refused] * 8, [midway] * 8):
        with endpoint(faults=faults) as server:
            use(shell, server.base_url)
            assert traces.run(*WRITE, "--force", "--events") == 1
            assert traces.run("plan", "Tomatoes") == 1
            assert traces.run("models", "verify", "writer") == 1
            assert server.calls
    assert b"[key]" in traces.said
    tried("a key that is refused", "is in no file, log, output or argument", traces.check())


def test_a_password_in_an_address_is_nowhere_but_where_a_person_wrote_it(shell: Shell, tried: Tried) -> None:
    traces = Traces(shell)
    with endpoint(faults=[None, Fault.http(401, message=f"No {KEY}"), Fault.http(403)]) as server:
        address = server.base_url.replace("//", f"//me:{KEY}@")
        (shell.folder / "plan.json").write_text(json.dumps(PLAN_JSON))
        at = ("--model", "m-1", "--base-url", address)
        assert traces.run(*WRITE, *at) == 1
        assert b"Resume with: lwtui write --resume out.lw" in traces.said
        assert traces.run("write", "--resume", "out.lw", "--output", "out.md", *at) == 1
        assert traces.run("write", "--resume", "out.lw", "--output", "out.md", *at) == 0
        assert traces.run("models", "add", "writer", "--base-url", address) == 2
        assert traces.run("config", "set", "models.writer.base_url", address) == 2
        assert traces.run("plan", "Tomatoes", "--model", "m", "--base-url", address.replace("/v1", ":x/v1")) == 2
        found = traces.check()
        use(shell, address)
        for command in (("models", "list", "--json"), ("models",), ("doctor",), ("models", "verify", "writer")):
            assert traces.run(*command) in (0, 1)
        shell.config.unlink()
        assert all(seen.headers["authorization"].startswith("Basic ") for seen in server.calls)
    tried("a password in an address", "is in no file, log, output or argument", found + traces.check())
