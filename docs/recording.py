"""Record a minute of the app in use: a plan, its text, a look at a prompt, the export.

    .venv/bin/python docs/recording.py [--model starter] [--output docs/lwtui.cast]

Writes an asciinema cast (version 2), for ``asciinema play docs/lwtui.cast``. The app and the model are real, in a
terminal of tmux. Waits of more than a few seconds are shortened to these; nothing else is changed.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from screenshots import model_settings

from lwtui.config import ModelSettings, add_model, cache_folder, set_value

COLUMNS, LINES = 104, 30
INSTRUCTION = "Write a guide of 600 words to growing tomatoes on a balcony"
WORKS = "F6 stops"  # stands on the screen while the model works
TYPING_SECONDS = 0.05  # between two characters
WAIT_SECONDS = 4.0  # a longer wait for the model is shown in this time
PATIENCE = 900.0  # seconds that the model may take for one step

# Reads what the terminal gets from standard input, and writes each piece with the moment at which it came.
STAMP = """
import codecs, json, os, sys, time
decode = codecs.getincrementaldecoder("utf-8")("replace").decode
with open(sys.argv[1], "a", encoding="utf-8", buffering=1) as file:
    while data := os.read(0, 65536):
        file.write(json.dumps([time.time(), decode(data)], ensure_ascii=False) + "\\n")
"""


class Recording:
    """A shell in tmux, what its terminal got, and the stretches of time in which the model was waited for."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        """Open the shell, in ``folder``, and begin to record."""
        self._socket = folder / "tmux"
        self._events = folder / "events.jsonl"
        self._environment = environment
        self._waits: list[tuple[float, float]] = []
        stamp = folder / "stamp.py"
        stamp.write_text(STAMP)
        self._tmux("-f", "/dev/null", "new-session", "-d", "-x", str(COLUMNS), "-y", str(LINES), "bash --norc")
        self._tmux("set-option", "-g", "status", "off")
        self._tmux("set-option", "-g", "default-terminal", "tmux-256color")
        self.press("PS1='$ '", "Enter", "clear", "Enter")
        time.sleep(1.0)
        self._tmux("pipe-pane", "-O", shlex.join([sys.executable, str(stamp), str(self._events)]))

    def _tmux(self, *arguments: str) -> str:
        command = ["tmux", "-u", "-S", str(self._socket), *arguments]
        return subprocess.run(command, env=self._environment, capture_output=True, encoding="utf-8", check=True).stdout

    def press(self, *keys: str, pause: float = 0.15) -> None:
        """Press keys by tmux's names, with ``pause`` seconds after each."""
        for key in keys:
            self._tmux("send-keys", key)
            time.sleep(pause)

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
        began = time.time()
        while not condition(screen := self._tmux("capture-pane", "-p")):
            if time.time() - began > PATIENCE:
                raise TimeoutError(f"What was waited for did not come. The screen:\n{screen}")
            time.sleep(0.05)
        self._waits.append((began, time.time()))

    def until_seen(self, *texts: str) -> None:
        """Wait until the screen shows each of ``texts``."""
        self.until(lambda screen: all(text in screen for text in texts))

    def close(self) -> None:
        """End the shell."""
        self._tmux("kill-server")

    def cast(self) -> Iterator[str]:
        """Yield the lines of the cast."""
        head = {"version": 2, "width": COLUMNS, "height": LINES, "title": "lwtui", "env": {"TERM": "xterm-256color"}}
        yield json.dumps(head)
        events = [json.loads(line) for line in self._events.read_text(encoding="utf-8").splitlines()]
        start = events[0][0]
        for moment, text in events:
            yield json.dumps([round(moment - start - self._skipped(moment), 3), "o", text], ensure_ascii=False)

    def _skipped(self, moment: float) -> float:
        """Return the seconds left out before ``moment``."""
        skipped = 0.0
        for began, ended in self._waits:
            length = ended - began
            if length > WAIT_SECONDS and moment > began:
                skipped += (min(moment, ended) - began) * (1 - WAIT_SECONDS / length)
        return skipped


def play(recording: Recording) -> None:
    """Use the app as a writer does."""
    recording.type("lwtui")
    recording.press("Enter")
    recording.until_seen("Library")
    recording.press("n")
    recording.until_seen("New document")
    recording.type(INSTRUCTION)
    time.sleep(1.5)
    recording.press("F5")
    recording.until(lambda screen: re.search(r"[1-9]\d* sections?\b", screen) is not None and WORKS not in screen)
    time.sleep(2.0)
    recording.press("Down", "+", "+", pause=0.8)
    time.sleep(1.0)
    recording.press("F5")
    recording.until(lambda screen: sum(len(line.strip(" │")) > 40 for line in screen.splitlines()) > 8)
    time.sleep(6.0)
    recording.press("i", pause=3.0)
    recording.press("Escape")
    recording.until(lambda screen: WORKS not in screen)
    time.sleep(2.0)
    recording.press("x", pause=2.5)
    recording.press("Enter", pause=3.0)
    recording.press("Escape", pause=1.5)
    recording.press("q")
    time.sleep(1.5)


@contextmanager
def recorded(model: ModelSettings) -> Iterator[Recording]:
    """Open a recording in a home folder of its own, with one model."""
    with tempfile.TemporaryDirectory() as home:
        settings = Path(home, "config", "settings.toml")
        add_model(model, settings)
        set_value("model", model.name, settings)
        set_value("welcome", "false", settings)
        Path(home, "Documents", "lwtui").mkdir(parents=True)
        environment = {
            **os.environ,
            "HOME": home,
            "LWTUI_CONFIG_DIR": str(settings.parent),
            "LWTUI_STATE_DIR": f"{home}/state",
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
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="starter", help="what plans and writes (default: starter)")
    parser.add_argument("--output", type=Path, default=Path(__file__).with_name("lwtui.cast"))
    options = parser.parse_args()
    with recorded(model_settings(options.model)) as recording:
        play(recording)
        time.sleep(0.5)
        lines = list(recording.cast())
    options.output.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{options.output}: {json.loads(lines[-1])[0]:.0f} seconds")


if __name__ == "__main__":
    main()
