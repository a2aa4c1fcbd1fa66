"""How fast the app is with a document of 100,000 words into which text streams at 100 tokens a second.

    .venv/bin/python bench/speed/app.py
    sudo chrt -f 10 .venv/bin/python bench/speed/app.py     # on a machine that has other work

The app runs on a terminal (a pseudo-terminal of 120×40 cells) as it does for a person; what is timed is from the key
that goes in to the painted cells that come out. Beside it, in the same run and before and after, the same keys in a
bare Textual app with nothing but a text area of 1,000 words. The text comes from an endpoint on the loopback, from a
process of its own. Then a library of 1,000 documents, and an hour of streaming (``--minutes 120`` for two), sent as
fast as the app takes it.
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
from lwtui.documents.library import summary_of
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
MOST_SECONDS = 60.0
# Each key types a letter that stands nowhere else, so that its painted cell can be told from all others.
LETTERS = [chr(code) for code in range(0x100, 0x250) if chr(code).isalpha()]


@dataclass
class Screen:
    """A program on a terminal."""

    process: int
    terminal: int
    seen: bytearray = field(default_factory=bytearray)

    def send(self, keys: str) -> None:
        os.write(self.terminal, keys.encode())

    def until(self, *wanted: str, seconds: float = MOST_SECONDS) -> float:
        """Read what is painted until all of ``wanted`` were; the moment of the last."""
        end = time.perf_counter() + seconds
        needles = [one.encode() for one in wanted]
        while not all(needle in self.seen for needle in needles):
            left = end - time.perf_counter()
            if left <= 0 or not self._read(left):
                raise SystemExit(f"{wanted} was never painted. The screen got: {self.text[-1500:]!r}")
        return time.perf_counter()

    def rest(self, seconds: float) -> None:
        """Let time pass, and forget what is painted meanwhile."""
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            self._read(left)
        self.forget()

    def forget(self) -> None:
        self.seen.clear()

    @property
    def text(self) -> str:
        """What was painted lately, without its colours."""
        return re.sub(r"\x1b\[[0-9;?]*[ -/]*[@-~]", "", self.seen.decode(errors="replace"))

    def _read(self, seconds: float) -> bool:
        if select.select([self.terminal], [], [], seconds)[0]:
            try:
                self.seen += os.read(self.terminal, 65536)
            except OSError:  # how Linux says that the program has ended
                return False
        return True

    def memory(self) -> float:
        """Megabytes that the program has in memory, without those it shares with nothing but its file."""
        status = Path(f"/proc/{self.process}/status").read_text()
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
    """The endpoint, in a process of its own."""

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


# -- what is measured


@dataclass(frozen=True)
class Row:
    """A line of the table; a ``goal`` is the most that is well."""

    name: str
    measured: float
    unit: str
    goal: float | None = None

    def __str__(self) -> str:
        shown = f"{self.name:<58} {self.measured:>8.1f} {self.unit:<3}"
        if self.goal is None:
            return shown
        return f"{shown} {self.goal:>7g} {self.unit:<3} {'met' if self.measured <= self.goal else 'MISSED'}"


def strokes(screen: Screen, count: int, letters: Iterator[str]) -> list[float]:
    """Milliseconds from key to painted cell, for so many keys at a typist's speed."""
    took = []
    for _ in range(count):
        screen.rest(0.06)
        letter = next(letters)
        began = time.perf_counter()
        screen.send(letter)
        took.append((screen.until(letter) - began) * 1000)
    return took


def percentile(values: list[float], share: float) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[round(share * 100) - 1]


def prose(number: int, words: int) -> str:
    """Paragraphs as the author writes them."""
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


def home_with(port: int, home: str, context: int) -> dict[str, str]:
    config = Path(home, "config")
    config.mkdir(exist_ok=True)
    (config / "settings.toml").write_text(
        f'documents = "{home}/documents"\nmodel = "writer"\n[models.writer]\n'
        f'base_url = "http://127.0.0.1:{port}/v1"\ncontext_length = {context}\n'
    )
    environment = {**os.environ, "HOME": home, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
    environment |= {"LWTUI_CONFIG_DIR": str(config), "LWTUI_CACHE_DIR": f"{home}/cache", "LWTUI_API_KEY": "none"}
    return environment


def with_the_book(home: str, count: int) -> Iterator[Row]:
    """Everything that is measured on the document of 100,000 words."""
    letters = iter(LETTERS * 9)
    short = Path(home, "short.txt")
    short.write_text(prose(1, 1000))
    documents = Path(home, "documents")
    make_document(documents / "book.lw", SECTIONS, SECTION_WORDS, 4, 20_000)
    with endpoint(1 / TOKENS_A_SECOND) as port:
        environment = home_with(port, home, 1_000_000)
        bare_command = [sys.executable, "-c", BARE.format(path=str(short))]
        with on_terminal(bare_command, environment) as bare, on_terminal([LWTUI], environment) as app:
            bare.rest(2.0)
            app.until("Documents", "Help")
            app.rest(1.0)
            app.send("\r")
            began = time.perf_counter()
            yield Row("opening the document", (app.until("Chapter 1", "Idle") - began) * 1000, "ms", 300)
            app.rest(1.0)
            yield from searching(app)
            app.send("\x1b[15~")  # F5
            app.until("Writing")
            app.until("tokens/s  "), app.rest(3.0)
            app.send("\x1b[H")  # the first section
            app.rest(0.5)
            app.send("\r")
            app.rest(0.5)
            strokes(bare, 20, letters), strokes(app, 20, letters)
            least, took = strokes(bare, count // 2, letters), strokes(app, count, letters)
            least += strokes(bare, count // 2, letters)
            app.forget()
            app.until("tokens/s", seconds=3)  # it streamed all the while
            for share in (0.5, 0.95):
                yield Row(f"key to painted cell, bare text area, p{share * 100:.0f}", percentile(least, share), "ms")
                goal = 16 if share == 0.95 else None
                yield Row(f"key to painted cell, lwtui, p{share * 100:.0f}", percentile(took, share), "ms", goal)
            yield Row("the same, p95 over p95", percentile(took, 0.95) / percentile(least, 0.95), "×", 1.5)
            yield Row("memory, with the document open and streaming", app.memory(), "MB", 200)


def searching(app: Screen) -> Iterator[Row]:
    """From the last letter of a word to the number of its places."""
    took = []
    for word in ("the", "of", "by", "in", "from t", "e"):
        app.send("\x06")  # Ctrl+F, where what was looked for last is selected: typing replaces it
        app.rest(0.3)
        app.send(word[:-1])
        app.rest(0.5)
        began = time.perf_counter()
        app.send(word[-1])
        end = time.perf_counter() + 5
        while not re.search(r"\d+ found|Not found", app.text) and time.perf_counter() < end:
            app._read(0.01)
        took.append((time.perf_counter() - began) * 1000)
        app.send("\x1b")
        app.rest(0.3)
    app.send("\x1b")
    app.rest(0.3)
    yield Row("search in all of it, the slowest of six words", max(took), "ms", 100)


def a_library(home: str, count: int) -> Iterator[Row]:
    """So many documents: opening their list, coming back to it, finding in it."""
    environment, all_of_them = home_with(1, home, 32_768), f"{count:,} documents"
    cache, empty = Path(home, "cache", "library.json"), environment | {"LWTUI_CONFIG_DIR": f"{home}/none"}
    texts = {f"s{at}": prose(at, 250) for at in range(1, 13)}
    plan = tuple(PlannedSection(f"Chapter {at}", f"what part {at} is about", 250, f"s{at}") for at in range(1, 13))
    for at in range(count):
        path, brief = Path(home, "documents", f"book {at}.lw"), Brief("Write a book", 3000, model="writer")
        build(path, brief, Plan(f"Book {at} about the sea", plan), texts, Origin.MODEL)
    time.sleep(2.5)  # what changed a moment ago is read each time
    without, unknown, whole, known = [], [], [], []
    for _ in range(5):
        cache.unlink(missing_ok=True)
        without.append(start(empty, "begin a document"))
        unknown.append(start(environment, all_of_them))
        cache.unlink()
        whole.append(start(environment, all_of_them, cache))
        known.append(start(environment, all_of_them))
    least = statistics.median(without)
    yield Row("start to an empty library", least, "ms")
    yield Row(f"start to {all_of_them}, known from before", statistics.median(known), "ms", round(least + 300))
    yield Row(f"start to {all_of_them}, none of them known", statistics.median(unknown), "ms", round(least + 300))
    yield Row("  until all of them have been read", statistics.median(whole), "ms")
    with on_terminal([LWTUI, "--library"], environment) as app:
        app.until(all_of_them, "Help")
        took = []
        for _ in range(5):
            app.rest(1.0)
            app.send("\r")
            app.until("Chapter 1", "Idle")
            app.rest(1.0)
            began = time.perf_counter()
            app.send("\x1b[27u")  # Escape, of which a terminal says that nothing follows
            took.append((app.until(all_of_them, "Help") - began) * 1000)
        yield Row(f"back to the {all_of_them}, the slowest of five", max(took), "ms", 300)
        app.rest(1.0)
        app.send("/")
        took = []
        for at in range(1, 4):
            app.rest(0.5)
            found = sum("9" * at in str(number) for number in range(count))
            began = time.perf_counter()
            app.send("9")
            took.append((app.until(f"{found:,} of {all_of_them}") - began) * 1000)
        yield Row("finding in their titles, the slowest of three letters", max(took), "ms", 100)


def start(environment: dict[str, str], painted: str, made: Path | None = None) -> float:
    """Milliseconds from the command to what is painted, or until the file is there that is ``made`` after that."""
    began = time.perf_counter()
    with on_terminal([LWTUI, "--library"], environment) as app:
        end = app.until(painted, "Help")
        while made is not None and not made.exists():
            app.rest(0.005)
            end = time.perf_counter()
        app.rest(0.0 if made else 1.0)  # in which it keeps what it has read
    return (end - began) * 1000


def hours(home: str, minutes: float) -> Iterator[Row]:
    """What so many minutes' worth of text leave in memory and in the file."""
    tokens = minutes * 60 * TOKENS_A_SECOND
    words = round(tokens * 0.75)
    document = Path(home, "documents", "hours.lw")
    make_document(document, 1, 500, max(2, words // HOUR_SECTION_WORDS), HOUR_SECTION_WORDS)
    with endpoint(0.0) as port, on_terminal([LWTUI], home_with(port, home, 32_768)) as app:
        app.until("Documents", "Help")
        app.rest(1.0)
        app.send("\r")
        app.until("Idle")
        app.rest(1.0)
        app.send("\x1b[15~")
        app.until("Writing")
        app.rest(5.0)  # the first sections: everything has been loaded
        before, began = app.memory(), time.perf_counter()
        half, looked, log = 0.0, began, 0
        while b"Finished" not in app.seen:
            del app.seen[:-65536]
            if not app._read(1.0):
                raise SystemExit(f"lwtui has ended. The screen got: {app.text[-3000:]!r}")
            if time.perf_counter() - looked > 1:
                looked, log = time.perf_counter(), max(log, Path(f"{document}-wal").stat().st_size)
                half = half or (app.memory() if summary_of(document).words > words / 2 else 0.0)
        after = app.memory()
        yield Row(f"{minutes:g} minutes of streaming took", time.perf_counter() - began, "s")
        yield Row("memory before it", before, "MB")
        yield Row("memory after half of it", half, "MB")
        yield Row("memory after it", after, "MB")
        yield Row("growth", (after / before - 1) * 100, "%", 10 * max(1, minutes / 60))
        yield Row("growth in the second half", (after / half - 1) * 100, "%", 10 * max(1, minutes / 120))
        yield Row("the log beside the document, at most", log / 1e6, "MB", 6)
        app.send("\x11")  # Ctrl+Q
        while app._read(1.0) and Path(f"{document}-wal").exists():
            del app.seen[:-65536]
    with Document.open(document, read_only=True) as written:
        text = sum(len(section.text) for section in written.sections())
    yield Row("the file, in bytes for each of its text", document.stat().st_size / text, "×", 3)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--keys", type=int, default=200, help="keys that are timed in each program; 0 for none (default: 200)"
    )
    parser.add_argument(
        "--documents", type=int, default=1000, help="that the library has; 0 for no library (default: 1000)"
    )
    parser.add_argument("--minutes", type=float, default=60, help="of streaming, compressed; 0 for none (default: 60)")
    options = parser.parse_args()
    print(f"{'':<58} {'measured':>12} {'goal':>11}")
    for measure, amount in ((with_the_book, options.keys), (a_library, options.documents), (hours, options.minutes)):
        if amount:
            with tempfile.TemporaryDirectory() as home:
                Path(home, "documents").mkdir()
                for row in measure(home, amount):
                    print(row, flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
