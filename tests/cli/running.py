"""Running the real command in a process of its own, and a scripted endpoint for it to write with."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable
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
    """Sentences that repeat nothing, ``words`` long together, or a few more."""
    draw = random.Random(str(seed))
    sentences: list[str] = []
    while 8 * len(sentences) < words:
        sentences.append(" ".join(draw.sample(_WORDS.split(), 8)).capitalize() + ". ")
    return sentences


@dataclass
class Author:
    """What the endpoint says: a plan where one is asked for, prose elsewhere. ``delay`` is seconds a sentence."""

    plan: str = PLAN
    delay: float = 0.0
    words: int = 400
    sections: int = field(default=0, init=False)

    def __call__(self, request: Any) -> Answer:
        asked = json.dumps(request["messages"])
        if not re.search(r"Word Count: \d", asked):
            return Answer([self.plan])
        return self.sentences(request)

    def sentences(self, _: Any) -> Answer:
        """Prose, whatever was asked; another each time."""
        self.sections += 1
        return Answer(prose(self.sections, self.words), delay=self.delay)


def endpoint(author: Author | None = None, faults: Iterable[Fault | None] = ()) -> FaultServer:
    """A server in a thread of its own: ``with endpoint() as server``."""
    return FaultServer(author or Author(), faults, models=[{"id": "m-1"}])


@dataclass
class Shell:
    """Runs ``lwtui`` in ``folder``, with settings, cache and home of its own."""

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
        """The command, running."""
        return subprocess.Popen(
            [sys.executable, "-m", "lwtui", *map(str, arguments)],
            cwd=self.folder,
            env=self.environment(**more),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )

    def run(self, *arguments: object, stdin: str | None = None, timeout: float = 60, **more: str) -> Done:
        """The command, when it has ended; ``timeout`` is in seconds.

        Its process is forked from one that has imported everything, unless its environment says how Python starts.
        """
        given, environment = list(map(str, arguments)), self.environment(**more)
        if any(name.startswith(("PYTHON", "LANG", "LC_", "OPENAI")) for name in more):
            return self._run_anew(given, environment, stdin or "", timeout)
        with tempfile.TemporaryDirectory() as place:
            files = (Path(place) / "in", Path(place) / "out", Path(place) / "err")
            files[0].write_text(stdin or "", encoding="utf-8")
            running = fork(given, self.folder, environment, files)
            code = running.wait(timeout)
            if code is None:
                running.send(signal.SIGKILL)
                raise subprocess.TimeoutExpired(given, timeout)
            out, err = (file.read_text(encoding="utf-8") if file.exists() else "" for file in files[1:])
        return Done(code, out, err)

    def _run_anew(self, arguments: list[str], environment: dict[str, str], stdin: str, timeout: float) -> Done:
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
        return Done(ended.returncode, ended.stdout, ended.stderr)


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    def failed(self, code: int, *words: str) -> None:
        """It failed with one line on standard error that holds ``words``, and with nothing on standard output."""
        assert self.code == code, self.err
        assert len(self.err.splitlines()) == 1, self.err
        assert self.err.startswith("lwtui: ")
        for word in words:
            assert word in self.err
        assert "Traceback" not in self.err and "should not have happened" not in self.err
        assert self.out == ""

    def worked(self) -> Done:
        assert self.code == 0, self.err
        return self


def at(server: FaultServer) -> list[str]:
    """The options for a model of ``server``."""
    return ["--model", "m-1", "--base-url", server.base_url]


def headings(markdown: str) -> list[str]:
    """The sections' headings."""
    return re.findall(r"(?m)^## (.+)$", markdown)
