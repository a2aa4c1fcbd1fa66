"""A terminal that goes away without a signal, as that of a lost connection may."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from select import select

import pytest

from lwtui.config import ModelSettings, add_model
from lwtui.documents.model import Brief, Plan, PlannedSection
from lwtui.documents.store import Document
from tests.support.author import Author, title_of
from tests.support.fault_server import FaultServer

pytestmark = [pytest.mark.posix, pytest.mark.timeout(300)]
_F5 = b"\x1b[15~"


@contextmanager
def app(home: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Start the app in a terminal that is not its controlling one, so that there is no SIGHUP. Yields both."""
    ours, theirs = os.openpty()
    environment = os.environ | {
        "TERM": "xterm-256color",
        "LWTUI_CONFIG_DIR": str(home / "config"),
        "LWTUI_STATE_DIR": str(home / "state"),
        "LWTUI_CACHE_DIR": str(home / "cache"),
    }
    command = [sys.executable, "-m", "lwtui", *arguments]
    process = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True
    )
    os.close(theirs)
    try:
        yield process, ours
    finally:
        process.kill()
        process.wait()


def see(terminal: int, text: bytes) -> None:
    """Wait until the app has painted ``text``."""
    shown = b""
    while text not in shown:
        assert select([terminal], [], [], 120)[0], shown[-500:]
        shown = shown[-1000:] + os.read(terminal, 65536)


def test_the_app_ends_when_its_terminal_is_gone(home: Path) -> None:
    with app(home) as (process, terminal):
        see(terminal, b"Library")
        os.close(terminal)
        assert process.wait(60) == 0


def test_the_app_ends_when_its_terminal_is_gone_while_a_model_writes(home: Path) -> None:
    """What it paints goes nowhere then, and must not keep it from ending."""
    path = home / "guide.lw"
    step = PlannedSection(title_of(1), "what part 1 is about", 3000, "s1")
    Document.create(path, Brief("Tell of tea", 3000, model="writer"), Plan("Tea", (step,))).close()
    with FaultServer(Author(delay=0.01)) as server:
        settings = home / "config" / "settings.toml"
        add_model(ModelSettings("writer", model="m-1", base_url=server.base_url, context_length=32_768), settings)
        with app(home, str(path)) as (process, terminal):
            see(terminal, b"F2 ")
            os.write(terminal, _F5)
            see(terminal, b"Writing")
            os.close(terminal)
            assert process.wait(60) == 0
    with Document.open(path, read_only=True) as document:
        assert document.sections()[0].text
