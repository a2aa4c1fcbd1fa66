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
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

from screenshots import model_settings

from lwtui.config import ModelSettings, add_model, cache_folder, set_value

COLUMNS, LINES = 104, 30
INSTRUCTION = "Write a guide of 600 words to growing tomatoes on a balcony"
WORKS = "F6 stops"  # stands on the screen while the model works
TYPING_SECONDS = 0.05  # between two characters
FRAME_SECONDS = 0.08  # between two pictures of the terminal
WAIT_SECONDS = 7.0  # a longer wait for the model is shown in this time
PATIENCE = 900.0  # seconds that the model may take for one step


class Recording:
    """A shell in tmux, pictures of its terminal, and the stretches of time in which the model was waited for."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        """Open the shell, in ``folder``, and begin to record."""
        self._socket = folder / "tmux"
        self._environment = environment
        self._waits: list[tuple[float, float]] = []
        self._frames: list[tuple[float, list[str]]] = []
        self._over = Event()
        self._tmux("-f", "/dev/null", "new-session", "-d", "-x", str(COLUMNS), "-y", str(LINES), "bash --norc")
        self._tmux("set-option", "-g", "status", "off")
        self.press("PS1='$ '", "Enter", "clear", "Enter")
        time.sleep(1.0)
        self._camera = Thread(target=self._record, daemon=True)
        self._camera.start()

    def _tmux(self, *arguments: str) -> str:
        command = ["tmux", "-u", "-S", str(self._socket), *arguments]
        return subprocess.run(command, env=self._environment, capture_output=True, encoding="utf-8", check=True).stdout

    def _record(self) -> None:
        while not self._over.wait(FRAME_SECONDS):
            lines = self._tmux("capture-pane", "-e", "-N", "-p").splitlines()
            if not self._frames or lines != self._frames[-1][1]:
                self._frames.append((time.time(), lines))

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
        """End the recording and the shell."""
        self._over.set()
        self._camera.join()
        self._tmux("kill-server")

    def cast(self) -> Iterator[str]:
        """Yield the lines of the cast: what differs from picture to picture."""
        head = {"version": 2, "width": COLUMNS, "height": LINES, "title": "lwtui", "env": {"TERM": "xterm-256color"}}
        yield json.dumps(head)
        start, last, shown = self._frames[0][0], -1.0, [""] * LINES
        for moment, lines in self._frames:
            seconds = moment - start - self._skipped(moment)
            if seconds - last < FRAME_SECONDS and moment != self._frames[-1][0]:
                continue  # one of many in a wait that is shortened
            changed = (number for number, line in enumerate(lines) if line != shown[number])
            text = "".join(f"\x1b[{number + 1};1H{lines[number]}\x1b[0m\x1b[K" for number in changed)
            yield json.dumps([round(seconds, 2), "o", text], ensure_ascii=False)
            last, shown = seconds, lines

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
    time.sleep(8.0)
    recording.until(lambda screen: re.search(r"\b(\d+) of \1 done\b", screen) is not None and "▶" not in screen[-300:])
    time.sleep(3.0)
    recording.press("i", pause=4.0)
    recording.press("Escape", pause=1.0)
    recording.press("x", pause=3.0)
    recording.press("Enter", pause=4.0)
    recording.press("Escape", pause=2.0)
    recording.press("q")
    time.sleep(1.5)


@contextmanager
def recorded(model: ModelSettings) -> Iterator[Recording]:
    """Open a recording in a home folder of its own, with one model."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        settings = Path(home, "config", "settings.toml")
        add_model(model, settings)
        set_value("model", model.name, settings)
        for setting in ("welcome", "restore"):
            set_value(setting, "false", settings)
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
    lines = list(recording.cast())
    options.output.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{options.output}: {json.loads(lines[-1])[0]:.0f} seconds")


if __name__ == "__main__":
    main()
