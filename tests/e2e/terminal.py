"""A real terminal (tmux) with the real ``lwtui`` command in it, driven as a person does."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep

PATIENCE = 300.0  # seconds; a real model writes some tokens a second on a busy machine
_LOOK_SECONDS = 0.05  # between two looks at the screen


@dataclass(frozen=True)
class Terminal:
    """A shell in a terminal of its own."""

    socket: Path

    def _tmux(self, *arguments: str) -> str:
        command = ["tmux", "-u", "-S", str(self.socket), *arguments]
        return subprocess.run(command, capture_output=True, encoding="utf-8", check=True).stdout

    # -- doing

    def run(self, command: str) -> None:
        """Type a command to the shell."""
        self.type(command)
        self.press("Enter")

    def type(self, text: str) -> None:
        """Type, and wait until the screen shows it."""
        self._tmux("send-keys", "-l", text)
        self.sees(text.strip())

    def press(self, *keys: str) -> None:
        """Keys by tmux's names: ``F5``, ``Escape``, ``C-q``, ``Tab``."""
        for key in keys:
            self._tmux("send-keys", key)
            if key == "Escape":
                sleep(0.15)  # what follows at once would be read as Alt and that key

    def move(self, key: str) -> None:
        """Press a key that takes the focus elsewhere, and wait until the colors show that it did."""
        before = ""
        while before != (before := self._painting):
            sleep(_LOOK_SECONDS)
        self.press(key)
        self.until(lambda: self._painting != before)

    @property
    def _painting(self) -> str:
        return self._tmux("capture-pane", "-p", "-e")

    def resize(self, columns: int, lines: int) -> None:
        self._tmux("resize-window", "-x", str(columns), "-y", str(lines))

    # -- seeing

    @property
    def screen(self) -> str:
        return self._tmux("capture-pane", "-p")

    def until(self, condition: Callable[[], object], seconds: float = PATIENCE) -> None:
        """Wait for ``condition``; fail with the screen if it does not come about."""
        end = monotonic() + seconds
        while not condition():
            assert monotonic() < end, f"It did not happen. The screen:\n{self.screen}"
            sleep(_LOOK_SECONDS)

    def sees(self, *texts: str, seconds: float = PATIENCE) -> None:
        """Wait until the screen shows all of ``texts``."""
        self.until(lambda: all(text in self.screen for text in texts), seconds)

    def is_at(self, text: str) -> None:
        """Wait until the cursor is in a line that holds ``text``: a key that leads there may need its time."""
        self.until(lambda: text in self.screen.split("\n")[int(self.asks("#{cursor_y}"))])

    def asks(self, format: str) -> str:
        """A property of the terminal, in tmux's words."""
        return self._tmux("display-message", "-p", format).strip()

    @property
    def app(self) -> int:
        """The process that the shell runs."""
        shell = self.asks("#{pane_pid}")
        children = Path(f"/proc/{shell}/task/{shell}/children").read_text().split()
        assert len(children) == 1, children
        return int(children[0])

    @property
    def is_at_prompt(self) -> bool:
        shell = self.asks("#{pane_pid}")
        return not Path(f"/proc/{shell}/task/{shell}/children").read_text().split()

    @property
    def is_sane(self) -> bool:
        """No alternate screen, a cursor, no mouse reports: as the shell wants it."""
        return self.asks("#{alternate_on} #{cursor_flag} #{mouse_any_flag}") == "0 1 0"


@contextmanager
def terminal(home: Path, columns: int = 80, lines: int = 24) -> Iterator[Terminal]:
    """A shell in ``home``, with ``lwtui`` on its path and settings of its own."""
    socket = home / f"tmux-{os.urandom(4).hex()}"
    kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
    environment = {
        **kept,
        "HOME": str(home),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "LANG": "C.UTF-8",
        "SHELL": shutil.which("bash") or "/bin/sh",
        "LWTUI_CONFIG_DIR": str(home / "config"),
        "LWTUI_CACHE_DIR": str(home / "cache"),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
        "PS1": "ready> ",
    }
    command = ["tmux", "-u", "-f", "/dev/null", "-S", str(socket), "new-session", "-d"]
    size = ["-x", str(columns), "-y", str(lines)]
    subprocess.run([*command, *size, "bash", "--norc", "--noprofile"], env=environment, cwd=home, check=True)
    shell = Terminal(socket)
    try:
        shell.sees("ready>")
        yield shell
    finally:
        subprocess.run(["tmux", "-S", str(socket), "kill-server"], check=False, capture_output=True)
