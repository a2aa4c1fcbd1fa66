"""Helpers that run the real command in its own process, with a scripted endpoint to write with."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.fault_server import Answer, Fault, FaultServer
from tests.support.forks import fork

KEY = "tok-0123456789abcdefVERYSECRET"
PLAN = (
    "Title: Tomatoes in Pots\n\n"
    "Paragraph 1 - Main Point: Soil and Pots: what they stand in - Word Count: 200 words\n"
    "Paragraph 2 - Main Point: Light and Water: what they need each day - Word Count: 200 words\n"
    "Paragraph 3 - Main Point: Harvest: when they are ripe - Word Count: 200 words\n"
)
TITLES = ["Soil and Pots", "Light and Water", "Harvest"]
PLAN_JSON = {
    "title": "Tomatoes in Pots",
    "sections": [
        {"title": "Soil and Pots", "main_point": "what they stand in", "words": 60},
        {"title": "Light and Water", "main_point": "what they need each day", "words": 60},
        {"title": "Harvest", "main_point": "when they are ripe", "words": 60},
    ],
}
_WORDS = """
    amber basil cedar delta ember fennel garden harbour island jasmine kettle lantern meadow nectar orchard pepper
    quince river saffron thistle umber violet willow yarrow zephyr apple birch clover daisy elder fern grape hazel
"""


def prose(seed: object, words: int) -> list[str]:
    """Return sentences without repetition, of at least ``words`` words in total."""
    draw = random.Random(str(seed))
    sentences: list[str] = []
    while 8 * len(sentences) < words:
        sentences.append(" ".join(draw.sample(_WORDS.split(), 8)).capitalize() + ". ")
    return sentences


@dataclass
class ScriptedWriter:
    """Answers of the endpoint: a plan for a request to plan, else prose. ``delay`` is in seconds per sentence."""

    plan: str = PLAN
    delay: float = 0.0
    words: int = 400
    sections: int = field(default=0, init=False)

    def __call__(self, request: Any) -> Answer:
        prompt = json.dumps(request["messages"])
        if not re.search(r"[Ss]ection \d+ of \d+|Word Count: \d", prompt):
            return Answer([self.plan])
        return self.sentences(request)

    def sentences(self, _: Any) -> Answer:
        """Answer with prose, which is different each time."""
        self.sections += 1
        sentences = prose(self.sections, self.words)
        pieces = [said if number % 3 else f"{said.rstrip()}\n\n" for number, said in enumerate(sentences, 1)]
        return Answer(pieces, delay=self.delay)


def endpoint(author: Callable[[Any], Answer] | None = None, faults: Iterable[Fault | None] = ()) -> FaultServer:
    """Return a server that runs in its own thread: ``with endpoint() as server``."""
    return FaultServer(author or ScriptedWriter(), faults, models=[{"id": "m-1"}])


@dataclass
class Shell:
    """Runs ``lwtui`` in ``folder``, with its own settings, cache and home."""

    folder: Path

    @property
    def config(self) -> Path:
        return self.folder / "config" / "settings.toml"

    @property
    def documents(self) -> Path:
        return self.folder / "documents"

    def settings(self, text: str) -> None:
        self.config.parent.mkdir(exist_ok=True)
        self.config.write_text(text)

    def environment(self, **more: str) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "LD_LIBRARY_PATH") if name in os.environ}
        return {
            **kept,
            "HOME": str(self.folder),
            "LWTUI_CONFIG_DIR": str(self.config.parent),
            "LWTUI_CACHE_DIR": str(self.folder / "cache"),
            "LWTUI_STATE_DIR": str(self.folder / "state"),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
            "PYTHONPATH": str(Path(__file__).parents[2]),
            **more,
        }

    def start(self, *arguments: object, **more: Any) -> subprocess.Popen[str]:
        """Start a command."""
        return subprocess.Popen(
            [sys.executable, "-m", "lwtui", *map(str, arguments)],
            cwd=self.folder,
            env=self.environment(**more),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )

    def run(self, *arguments: object, stdin: str | None = None, timeout: float = 240, **more: str) -> CommandResult:
        """Run a command to its end; ``timeout`` is in seconds.

        Its process is forked from one that has imported everything, unless the environment affects how Python starts.
        """
        command, environment = list(map(str, arguments)), self.environment(**more)
        if any(name.startswith(("PYTHON", "LANG", "LC_", "OPENAI")) for name in more):
            return self._run_in_new_interpreter(command, environment, stdin or "", timeout)
        with tempfile.TemporaryDirectory() as folder:
            files = (Path(folder) / "in", Path(folder) / "out", Path(folder) / "err")
            files[0].write_text(stdin or "", encoding="utf-8")
            running = fork(command, self.folder, environment, files)
            code = running.wait(timeout)
            if code is None:
                running.send(signal.SIGKILL)
                raise subprocess.TimeoutExpired(command, timeout)
            out, err = (file.read_text(encoding="utf-8") if file.exists() else "" for file in files[1:])
        return CommandResult(code, out, err)

    def fails(self, exit_code: int, error_code: str, *arguments: object, **more: Any) -> CommandResult:
        """Run a command, and check that it fails with that exit code and that ``code`` of its error."""
        result = self.ends(exit_code, error_code, *arguments, **more)
        result.failed(exit_code)
        return result

    def ends(self, exit_code: int, error_code: str, *arguments: object, **more: Any) -> CommandResult:
        """Run a command that may print, and check that it ends with that exit code and that ``code`` of its error."""
        result = self.run(*arguments, **more, LWTUI_LOG_LEVEL="debug")
        codes = re.findall(r"the command failed: ([\w-]+)", (self.folder / "state" / "lwtui.log").read_text())
        assert (result.code, codes[-1:]) == (exit_code, [error_code]), result.err
        return result

    def _run_in_new_interpreter(
        self, arguments: list[str], environment: dict[str, str], stdin: str, timeout: float
    ) -> CommandResult:
        ended = subprocess.run(
            [sys.executable, "-m", "lwtui", *arguments],
            cwd=self.folder,
            env=environment,
            input=stdin,
            capture_output=True,
            encoding="utf-8",
            timeout=timeout,
            check=False,
        )
        return CommandResult(ended.returncode, ended.stdout, ended.stderr)


@dataclass(frozen=True)
class CommandResult:
    """The result of a command."""

    code: int
    out: str
    err: str

    def failed(self, code: int, *words: str) -> None:
        """Check that it failed with one line on standard error that contains ``words``, and printed nothing else."""
        assert self.code == code, self.err
        assert len(self.err.splitlines()) == 1, self.err
        assert self.err.startswith("lwtui: ")
        for word in words:
            assert word in self.err
        assert "Traceback" not in self.err and "Internal error" not in self.err
        assert self.out == ""

    def worked(self) -> CommandResult:
        """Check that it succeeded."""
        assert self.code == 0, self.err
        return self


def model_options(server: FaultServer) -> list[str]:
    """Return the options for a model of ``server``."""
    return ["--model", "m-1", "--base-url", server.base_url]


def headings(markdown: str) -> list[str]:
    """Return the headings of the sections."""
    return re.findall(r"(?m)^## (.+)$", markdown)
