"""Record a minute of lwtui in use: planning, writing, changing a sentence, exporting.

    .venv/bin/python docs/recording.py [--model starter-small] [--output docs/lwtui.cast]

Writes an asciinema cast (version 2), to be played with ``asciinema play docs/lwtui.cast``. The app and the model are
real, in a terminal of tmux. Waits of more than a few seconds are shortened, and nothing else is changed.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lwtui.config import ModelSettings, add_model, cache_folder, load_settings, set_value
from lwtui.models.catalog import resolve

COLUMNS, LINES = 104, 30
INSTRUCTION = "Write a guide of 600 words to growing tomatoes on a balcony"
TYPING_SECONDS = 0.05  # between two characters
WAIT_SECONDS = 4.0  # a longer wait for the model is shown in this time
PATIENCE = 600.0

# Reads what the terminal gets from standard input, and writes each piece with the moment at which it came.
STAMP = """
import json, os, sys, time
begun = time.time()
decode = __import__("codecs").getincrementaldecoder("utf-8")("replace").decode
with open(sys.argv[1], "a", encoding="utf-8", buffering=1) as file:
    while data := os.read(0, 65536):
        file.write(json.dumps([time.time(), "o", decode(data)], ensure_ascii=False) + "\\n")
"""


class Recording:
    """A shell in tmux, and the stretches of time in which the model was waited for."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._socket = folder / "tmux"
        self._events = folder / "events.jsonl"
        self._environment = environment
        self._waits: list[tuple[float, float]] = []
        stamp = folder / "stamp.py"
        stamp.write_text(STAMP)
        self._tmux("-f", "/dev/null", "new-session", "-d", "-x", str(COLUMNS), "-y", str(LINES), "bash --norc")
        self._tmux("set-option", "-g", "status", "off")
        self.press("PS1='$ '", "Enter", "clear", "Enter")
        time.sleep(1.0)
        self._tmux("pipe-pane", "-O", f"{sys.executable} {stamp} {self._events}")

    def _tmux(self, *arguments: str) -> str:
        command = ["tmux", "-u", "-S", str(self._socket), *arguments]
        return subprocess.run(command, env=self._environment, capture_output=True, encoding="utf-8", check=True).stdout

    def press(self, *keys: str) -> None:
        """Press keys by tmux's names."""
        for key in keys:
            self._tmux("send-keys", key)
            time.sleep(0.15)

    def type(self, text: str) -> None:
        """Type as a person does."""
        for character in text:
            self._tmux("send-keys", "-l", character)
            time.sleep(TYPING_SECONDS)

    def until(self, condition: Callable[[str], bool]) -> None:
        """Wait until the screen's text meets ``condition``.

        Raises:
            TimeoutError: It does not.
        """
        begun = time.time()
        while not condition(screen := self._tmux("capture-pane", "-p")):
            if time.time() - begun > PATIENCE:
                raise TimeoutError(f"It did not come. The screen:\n{screen}")
            time.sleep(0.05)
        self._waits.append((begun, time.time()))

    def until_seen(self, text: str) -> None:
        """Wait until the screen shows ``text``."""
        self.until(lambda screen: text in screen)

    def close(self) -> None:
        """End the shell."""
        self._tmux("kill-server")

    def cast(self) -> Iterator[str]:
        """Yield the lines of the cast."""
        head = {"version": 2, "width": COLUMNS, "height": LINES, "title": "lwtui", "env": {"TERM": "xterm-256color"}}
        yield json.dumps(head)
        events = [json.loads(line) for line in self._events.read_text(encoding="utf-8").splitlines()]
        start = events[0][0]
        for moment, kind, text in events:
            yield json.dumps([round(moment - start - self._skipped(moment), 3), kind, text], ensure_ascii=False)

    def _skipped(self, moment: float) -> float:
        """Return the seconds left out before ``moment``."""
        skipped = 0.0
        for begun, ended in self._waits:
            length = ended - begun
            if length > WAIT_SECONDS and moment > begun:
                passed = min(moment, ended) - begun
                skipped += passed * (1 - WAIT_SECONDS / length)
        return skipped


def play(recording: Recording) -> None:
    """Use the app as a writer does."""
    recording.type("lwtui")
    recording.press("Enter")
    recording.until_seen("Library")
    time.sleep(1.5)
    recording.press("n")
    recording.until_seen("New document")
    time.sleep(0.5)
    recording.type(INSTRUCTION)
    time.sleep(1.5)
    recording.press("F5")
    recording.until(lambda screen: re.search(r"0 of [1-9]\d* sections? written", screen) is not None)
    time.sleep(2.0)
    recording.press("Down")
    time.sleep(1.0)
    recording.press("Down")
    time.sleep(1.5)
    recording.press("F5")
    recording.until_seen("tokens/s")
    time.sleep(8.0)
    recording.press("i")
    time.sleep(4.0)
    recording.press("Escape")
    recording.until_seen("■ Idle")
    time.sleep(3.0)
    recording.press("F9")
    recording.until_seen("Export “")
    time.sleep(2.5)
    recording.press("Enter")
    recording.until_seen("Exported to")
    time.sleep(2.5)
    recording.press("C-q")
    time.sleep(1.5)


@contextmanager
def recorded(model: ModelSettings) -> Iterator[Recording]:
    """Open a recording in a home folder of its own, where ``model`` writes."""
    with tempfile.TemporaryDirectory() as home:
        settings = Path(home, "config", "settings.toml")
        add_model(model, settings)
        set_value("model", model.name, settings)
        set_value("welcome", "false", settings)
        environment = {
            **os.environ,
            "HOME": home,
            "LWTUI_CONFIG_DIR": f"{home}/config",
            "LWTUI_CACHE_DIR": str(cache_folder()),
            "LWTUI_LANGUAGE": os.environ.get("LWTUI_LANGUAGE", "en"),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "COLORTERM": "truecolor",
        }
        recording = Recording(Path(home), environment)
        try:
            yield recording
        finally:
            recording.close()


def main() -> None:
    """Record, and write the cast."""
    parser = argparse.ArgumentParser(description="Record a minute of lwtui in use.")
    parser.add_argument("--model", default="starter-small", help="what writes, or the path of a GGUF")
    parser.add_argument("--output", type=Path, default=Path(__file__).with_name("lwtui.cast"))
    options = parser.parse_args()
    path = Path(options.model)
    if path.suffix == ".gguf":
        model = ModelSettings(path.stem, provider="llama_cpp", path=str(path.absolute()))
    else:
        model = resolve(options.model, load_settings())
    with recorded(model) as recording:
        play(recording)
        time.sleep(0.5)
        options.output.write_text("\n".join(recording.cast()) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
