"""Measure how fast lwtui starts: its help and the app's first frame, each next to the minimum that Python needs.

    .venv/bin/python bench/speed/startup.py

The two commands of a pair are measured alternately, so that other load on the machine affects both. The table shows
medians and their ratio. Goals: help within 100 ms, the first frame within 500 ms.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import pty
import select
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

LWTUI = str(Path(sys.executable).with_name("lwtui"))
BARE_APP = """
from textual.app import App
from textual.widgets import Footer, Static

class Bare(App):
    BINDINGS = [("q", "quit", "Quit")]

    def compose(self):
        yield Static("ready-to-write")
        yield Footer()

Bare().run()
"""
# Text in the middle and on the last line of a complete frame.
BARE_FRAME, LWTUI_FRAME = (b"ready-to-write", b"Quit"), (b"No documents yet", b"Help")
MAX_SECONDS = 30.0


@dataclass(frozen=True)
class Pair:
    """A command and its baseline; the goal is in seconds."""

    name: str
    measured: Callable[[], float]
    baseline_name: str
    baseline: Callable[[], float]
    goal: float


def time_to_end(command: list[str], environment: dict[str, str]) -> float:
    """Return the seconds until a command exits."""
    start = time.perf_counter()
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start


def time_to_text(command: list[str], environment: dict[str, str], frame: tuple[bytes, ...]) -> float:
    """Return the seconds until a program on an 80×24 terminal has drawn all of ``frame``, then kill it."""
    start = time.perf_counter()
    process, terminal = pty.fork()
    if process == 0:
        os.execve(command[0], command, environment)
    try:
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        return _wait_for(terminal, frame, start)
    finally:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        os.close(terminal)


def _wait_for(terminal: int, frame: tuple[bytes, ...], start: float) -> float:
    drawn = b""
    while (left := start + MAX_SECONDS - time.perf_counter()) > 0:
        if not select.select([terminal], [], [], left)[0]:
            break
        try:
            drawn += os.read(terminal, 65536)
        except OSError:  # on Linux, the program has exited
            break
        if all(part in drawn for part in frame):
            return time.perf_counter() - start
    raise SystemExit(f"{frame!r} was never drawn. The terminal received: {drawn[-2000:]!r}")


def measure(pair: Pair, rounds: int) -> tuple[float, float]:
    """Return the medians of a pair, measured alternately after a round that fills the caches."""
    pair.measured(), pair.baseline()
    times = [(pair.measured(), pair.baseline()) for _ in range(rounds)]
    return statistics.median(took for took, _ in times), statistics.median(took for _, took in times)


def pairs(home: str) -> list[Pair]:
    settings = Path(home, "config", "settings.toml")
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text("welcome = false\n", encoding="utf-8")  # start with the library
    environment = {
        **os.environ,
        "HOME": home,
        "LWTUI_CONFIG_DIR": f"{home}/config",
        "LWTUI_CACHE_DIR": f"{home}/cache",
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
    }
    python = sys.executable
    return [
        Pair(
            "lwtui --help",
            lambda: time_to_end([LWTUI, "--help"], environment),
            "python -c pass",
            lambda: time_to_end([python, "-c", "pass"], environment),
            0.1,
        ),
        Pair(
            "lwtui, first frame",
            lambda: time_to_text([LWTUI], environment, LWTUI_FRAME),
            "bare Textual app",
            lambda: time_to_text([python, "-c", BARE_APP], environment, BARE_FRAME),
            0.5,
        ),
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15, help="measurements of each (default: 15)")
    rounds = max(1, parser.parse_args().rounds)
    print(f"{'':<20} {'median':>8} {'':<18} {'median':>8} {'ratio':>6} {'goal':>8}")
    with tempfile.TemporaryDirectory() as home:
        for pair in pairs(home):
            took, baseline = measure(pair, rounds)
            met = "met" if took <= pair.goal else "missed"
            print(
                f"{pair.name:<20} {took * 1000:>5.0f} ms {pair.baseline_name:<18} {baseline * 1000:>5.0f} ms"
                f" {took / baseline:>6.2f} {pair.goal * 1000:>5.0f} ms {met}"
            )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
