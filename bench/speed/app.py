"""Measure the app with a 100,000-word document into which text streams at 100 tokens per second.

    .venv/bin/python bench/speed/app.py
    sudo chrt -f 10 .venv/bin/python bench/speed/app.py     # on a machine with other load

The app runs on a pseudo-terminal of 120×40 cells; latency is timed from sending a key to reading the painted cells. As
a baseline, the same keys go to a bare Textual app with a text area of 1,000 words, before and after. The text comes
from a local endpoint in a process of its own. Then follow a library of 1,000 documents, and an hour of streaming
(``--minutes 120`` for two), sent as fast as the app takes it.
"""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import multiprocessing
import os
import pty
import re
import select
import signal
import statistics
import struct
import sys
import tempfile
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from lwtui.documents.build import build
from lwtui.documents.library import read_entry
from lwtui.documents.model import Brief, Origin, Plan, PlannedSection
from lwtui.documents.store import Document
from tests.support.author import Author, sentence
from tests.support.fault_server import FaultServer

LWTUI = str(Path(sys.executable).with_name("lwtui"))
BARE = """
from textual.app import App
from textual.widgets import TextArea

class Bare(App):
    def compose(self):
        yield TextArea(open({path!r}).read(), soft_wrap=True)

Bare().run()
"""
TOKENS_A_SECOND = 100
SECTIONS, SECTION_WORDS = 200, 500
HOUR_SECTION_WORDS = 1000
MAX_SECONDS = 60.0
# Letters that occur nowhere else on the screen, so that the cell painted for a key can be recognized.
LETTERS = [chr(code) for code in range(0x100, 0x250) if chr(code).isalpha()]


@dataclass
class Screen:
    """A program on a pseudo-terminal; ``received`` holds what it has painted lately."""

    process: int
    terminal: int
    received: bytearray = field(default_factory=bytearray)

    def send(self, keys: str) -> None:
        os.write(self.terminal, keys.encode())

    def wait_for(self, *texts: str, seconds: float = MAX_SECONDS) -> float:
        """Read until all of ``texts`` have been painted; return the time."""
        deadline = time.perf_counter() + seconds
        needles = [text.encode() for text in texts]
        while not all(needle in self.received for needle in needles):
            left = deadline - time.perf_counter()
            if left <= 0 or not self.read(left):
                raise SystemExit(f"{texts} was never painted. The terminal received: {self.text[-1500:]!r}")
        return time.perf_counter()

    def pause(self, seconds: float) -> None:
        """Read for some time, and discard what is painted."""
        deadline = time.perf_counter() + seconds
        while (left := deadline - time.perf_counter()) > 0:
            self.read(left)
        self.discard()

    def discard(self) -> None:
        self.received.clear()

    @property
    def text(self) -> str:
        """What was painted lately, without escape sequences."""
        return re.sub(r"\x1b\[[0-9;?]*[ -/]*[@-~]", "", self.received.decode(errors="replace"))

    def read(self, seconds: float) -> bool:
        """Read what is painted within some seconds; return whether the program is still running."""
        if select.select([self.terminal], [], [], seconds)[0]:
            try:
                self.received += os.read(self.terminal, 65536)
            except OSError:  # on Linux, the program has exited
                return False
        return True

    def memory(self) -> float:
        """Return the program's resident memory (VmRSS), in megabytes."""
        status = Path(f"/proc/{self.process}/status").read_text(encoding="utf-8")
        (kilobytes,) = re.findall(r"VmRSS:\s+(\d+)", status)
        return int(kilobytes) / 1000


@contextmanager
def on_terminal(command: list[str], environment: dict[str, str]) -> Iterator[Screen]:
    process, terminal = pty.fork()
    if process == 0:
        os.execve(command[0], command, environment)
    try:
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        yield Screen(process, terminal)
    finally:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        os.close(terminal)


def serve(port: Any, delay: float) -> None:
    """Run the endpoint; call this in a process of its own."""

    async def run() -> None:
        async with FaultServer(Author(delay=delay, piece=1)) as server:
            port.put(server.port)
            await asyncio.Event().wait()

    asyncio.run(run())


@contextmanager
def endpoint(delay: float) -> Iterator[int]:
    port: Any = multiprocessing.Queue()
    process = multiprocessing.Process(target=serve, args=(port, delay), daemon=True)
    process.start()
    try:
        yield port.get()
    finally:
        process.kill()
        process.join()


@dataclass(frozen=True)
class Measurement:
    """A line of the table; a measurement meets its goal if it is not above it."""

    name: str
    measured: float
    unit: str
    goal: float | None = None

    def __str__(self) -> str:
        shown = f"{self.name:<58} {self.measured:>8.1f} {self.unit:<3}"
        if self.goal is None:
            return shown
        return f"{shown} {self.goal:>7g} {self.unit:<3} {'met' if self.measured <= self.goal else 'MISSED'}"


def type_letters(screen: Screen, count: int, letters: Iterator[str]) -> list[float]:
    """Type ``count`` letters at a typist's speed; return the milliseconds from each key to its painted cell."""
    latencies = []
    for _ in range(count):
        screen.pause(0.06)
        letter = next(letters)
        start = time.perf_counter()
        screen.send(letter)
        latencies.append((screen.wait_for(letter) - start) * 1000)
    return latencies


def percentile(values: list[float], share: float) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[round(share * 100) - 1]


def prose(number: int, words: int) -> str:
    """Return paragraphs as the test author writes them."""
    text, at = "", 0
    while text.count(" ") < words - 1:
        text += sentence(number, at)
        at += 1
        if at % 6 == 0:
            text = text.rstrip() + "\n\n"
    return text.strip()


def make_document(path: Path, sections: int, words: int, open_sections: int, open_words: int) -> None:
    plan = [
        PlannedSection(f"Chapter {at}", f"what part {at} is about", words, f"s{at}") for at in range(1, sections + 1)
    ]
    plan += [
        PlannedSection(f"Still open {at}", f"what open part {at} is about", open_words, f"o{at}")
        for at in range(1, open_sections + 1)
    ]
    texts = {f"s{at}": prose(at, words) for at in range(1, sections + 1)}
    brief = Brief("Write a very long book about the sea", sections * words, model="writer")
    build(path, brief, Plan("The Sea", tuple(plan)), texts, Origin.MODEL)


def make_home(port: int, home: str, context: int) -> dict[str, str]:
    """Write settings for the endpoint into ``home``; return the environment that uses them."""
    config = Path(home, "config")
    config.mkdir(exist_ok=True)
    (config / "settings.toml").write_text(
        f'documents = "{home}/documents"\nmodel = "writer"\n[models.writer]\n'
        f'base_url = "http://127.0.0.1:{port}/v1"\ncontext_length = {context}\n'
    )
    environment = {**os.environ, "HOME": home, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
    environment |= {"LWTUI_CONFIG_DIR": str(config), "LWTUI_CACHE_DIR": f"{home}/cache", "LWTUI_API_KEY": "none"}
    return environment


def measure_editing(home: str, count: int) -> Iterator[Measurement]:
    """Measure the app on the document of 100,000 words, with ``count`` keys."""
    letters = iter(LETTERS * 9)
    short = Path(home, "short.txt")
    short.write_text(prose(1, 1000), encoding="utf-8")
    documents = Path(home, "documents")
    make_document(documents / "book.lw", SECTIONS, SECTION_WORDS, 4, 20_000)
    with endpoint(1 / TOKENS_A_SECOND) as port:
        environment = make_home(port, home, 1_000_000)
        bare_command = [sys.executable, "-c", BARE.format(path=str(short))]
        with on_terminal(bare_command, environment) as bare, on_terminal([LWTUI], environment) as app:
            bare.pause(2.0)
            app.wait_for("Documents", "Help")
            app.pause(1.0)
            app.send("\r")
            start = time.perf_counter()
            yield Measurement("opening the document", (app.wait_for("Chapter 1", "Idle") - start) * 1000, "ms", 300)
            app.pause(1.0)
            yield from measure_search(app)
            app.send("\x1b[15~")  # F5
            app.wait_for("Writing")
            app.wait_for("tokens/s  "), app.pause(3.0)
            app.send("\x1b[H")  # the first section
            app.pause(0.5)
            app.send("\r")
            app.pause(0.5)
            type_letters(bare, 20, letters), type_letters(app, 20, letters)
            baseline, latencies = type_letters(bare, count // 2, letters), type_letters(app, count, letters)
            baseline += type_letters(bare, count // 2, letters)
            app.discard()
            app.wait_for("tokens/s", seconds=3)  # it is still streaming
            for share in (0.5, 0.95):
                name = f"p{share * 100:.0f}"
                yield Measurement(f"key to painted cell, bare text area, {name}", percentile(baseline, share), "ms")
                goal = 16 if share == 0.95 else None
                yield Measurement(f"key to painted cell, lwtui, {name}", percentile(latencies, share), "ms", goal)
            ratio = percentile(latencies, 0.95) / percentile(baseline, 0.95)
            yield Measurement("the same, p95 over p95", ratio, "×", 1.5)
            yield Measurement("memory, with the document open and streaming", app.memory(), "MB", 200)


def measure_search(app: Screen) -> Iterator[Measurement]:
    """Measure the time from the last letter of a word to the number of matches."""
    took = []
    for word in ("the", "of", "by", "in", "from t", "e"):
        app.send("\x06")  # Ctrl+F selects the previous query, so typing replaces it
        app.pause(0.3)
        app.send(word[:-1])
        app.pause(0.5)
        start = time.perf_counter()
        app.send(word[-1])
        deadline = time.perf_counter() + 5
        while not re.search(r"\d+ found|Not found", app.text) and time.perf_counter() < deadline:
            app.read(0.01)
        took.append((time.perf_counter() - start) * 1000)
        app.send("\x1b")
        app.pause(0.3)
    app.send("\x1b")
    app.pause(0.3)
    yield Measurement("search in the whole document, the slowest of six words", max(took), "ms", 100)


def measure_library(home: str, count: int) -> Iterator[Measurement]:
    """Measure a library of ``count`` documents: opening it, returning to it, searching it."""
    environment, documents = make_home(1, home, 32_768), f"{count:,} documents"
    cache, empty = Path(home, "cache", "library.json"), environment | {"LWTUI_CONFIG_DIR": f"{home}/empty"}
    Path(home, "empty").mkdir(exist_ok=True)
    Path(home, "empty", "settings.toml").write_text("welcome = false\n", encoding="utf-8")
    texts = {f"s{at}": prose(at, 250) for at in range(1, 13)}
    plan = tuple(PlannedSection(f"Chapter {at}", f"what part {at} is about", 250, f"s{at}") for at in range(1, 13))
    for at in range(count):
        path, brief = Path(home, "documents", f"book {at}.lw"), Brief("Write a book", 3000, model="writer")
        build(path, brief, Plan(f"Book {at} about the sea", plan), texts, Origin.MODEL)
    time.sleep(2.5)  # files that have just changed are read every time
    empty_library, not_indexed, indexing, indexed = [], [], [], []
    for _ in range(5):
        cache.unlink(missing_ok=True)
        empty_library.append(time_startup(empty, "create a document"))
        not_indexed.append(time_startup(environment, documents))
        cache.unlink()
        indexing.append(time_startup(environment, documents, cache))
        indexed.append(time_startup(environment, documents))
    baseline = statistics.median(empty_library)
    goal = round(baseline + 300)
    yield Measurement("start to an empty library", baseline, "ms")
    yield Measurement(f"start to {documents}, indexed", statistics.median(indexed), "ms", goal)
    yield Measurement(f"start to {documents}, not indexed", statistics.median(not_indexed), "ms", goal)
    yield Measurement("  until all have been indexed", statistics.median(indexing), "ms")
    with on_terminal([LWTUI, "--library"], environment) as app:
        app.wait_for(documents, "Help")
        took = []
        for _ in range(5):
            app.pause(1.0)
            app.send("\r")
            app.wait_for("Chapter 1", "Idle")
            app.pause(1.0)
            start = time.perf_counter()
            app.send("\x1b[27u")  # Escape in the Kitty protocol, which is not the start of a sequence
            took.append((app.wait_for(documents, "Help") - start) * 1000)
        yield Measurement(f"back to the {documents}, the slowest of five", max(took), "ms", 300)
        app.pause(1.0)
        app.send("/")
        took = []
        for length in range(1, 4):
            app.pause(0.5)
            matches = sum("9" * length in str(number) for number in range(count))
            start = time.perf_counter()
            app.send("9")
            took.append((app.wait_for(f"{matches:,} of {documents}") - start) * 1000)
        yield Measurement("search in the titles, the slowest of three letters", max(took), "ms", 100)


def time_startup(environment: dict[str, str], painted: str, file: Path | None = None) -> float:
    """Return the milliseconds from the command until ``painted`` is painted and, if given, ``file`` exists."""
    start = time.perf_counter()
    with on_terminal([LWTUI, "--library"], environment) as app:
        end = app.wait_for(painted, "Help")
        while file is not None and not file.exists():
            app.pause(0.005)
            end = time.perf_counter()
        app.pause(0.0 if file else 1.0)  # time to store the index
    return (end - start) * 1000


def measure_streaming(home: str, minutes: float) -> Iterator[Measurement]:
    """Measure what so many minutes' worth of text leave in memory and on disk."""
    tokens = minutes * 60 * TOKENS_A_SECOND
    words = round(tokens * 0.75)
    document = Path(home, "documents", "hours.lw")
    make_document(document, 1, 500, max(2, words // HOUR_SECTION_WORDS), HOUR_SECTION_WORDS)
    with endpoint(0.0) as port, on_terminal([LWTUI], make_home(port, home, 32_768)) as app:
        app.wait_for("Documents", "Help")
        app.pause(1.0)
        app.send("\r")
        app.wait_for("Idle")
        app.pause(1.0)
        app.send("\x1b[15~")  # F5
        app.wait_for("Writing")
        app.pause(5.0)  # until everything has been loaded
        before, start = app.memory(), time.perf_counter()
        half, checked_at, journal = 0.0, start, 0
        while b"Finished" not in app.received:
            del app.received[:-65536]
            if not app.read(1.0):
                raise SystemExit(f"lwtui has exited. The terminal received: {app.text[-3000:]!r}")
            if time.perf_counter() - checked_at > 1:
                checked_at, journal = time.perf_counter(), max(journal, Path(f"{document}-wal").stat().st_size)
                half = half or (app.memory() if read_entry(document).words > words / 2 else 0.0)
        after = app.memory()
        yield Measurement(f"{minutes:g} minutes of streaming took", time.perf_counter() - start, "s")
        yield Measurement("memory before", before, "MB")
        yield Measurement("memory halfway", half, "MB")
        yield Measurement("memory after", after, "MB")
        yield Measurement("growth", (after / before - 1) * 100, "%", 10 * max(1, minutes / 60))
        yield Measurement("growth in the second half", (after / half - 1) * 100, "%", 10 * max(1, minutes / 120))
        yield Measurement("largest size of the write-ahead log", journal / 1e6, "MB", 6)
        app.send("\x11")  # Ctrl+Q
        while app.read(1.0) and Path(f"{document}-wal").exists():
            del app.received[:-65536]
    with Document.open(document, read_only=True) as written:
        text = sum(len(section.text) for section in written.sections())
    yield Measurement("size of the file relative to its text", document.stat().st_size / text, "×", 3)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keys", type=int, default=200, help="keys to time in each program; 0 to skip (default: 200)")
    parser.add_argument(
        "--documents", type=int, default=1000, help="documents in the library; 0 to skip (default: 1000)"
    )
    parser.add_argument(
        "--minutes", type=float, default=60, help="of streaming, time-compressed; 0 to skip (default: 60)"
    )
    options = parser.parse_args()
    print(f"{'':<58} {'measured':>12} {'goal':>11}")
    for measure, amount in (
        (measure_editing, options.keys),
        (measure_library, options.documents),
        (measure_streaming, options.minutes),
    ):
        if amount:
            with tempfile.TemporaryDirectory() as home:
                Path(home, "documents").mkdir()
                for measurement in measure(home, amount):
                    print(measurement, flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
