"""A document that another window has open is read-only until that window closes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lwtui.app.screens.plan import PlanScreen
from lwtui.app.screens.writing import WritingScreen
from tests.app.person import someone
from tests.app.place import Place

_HOLDER = """
import sys, time
from pathlib import Path
from lwtui.documents.store import Document
document = Document.open(Path(sys.argv[1]))
print("open", flush=True)
time.sleep(600)
"""


@pytest.fixture
def hold() -> Iterator[Callable[[Path], subprocess.Popen[str]]]:
    """Have another process open a document."""
    holders: list[subprocess.Popen[str]] = []

    def start(path: Path) -> subprocess.Popen[str]:
        holder = subprocess.Popen([sys.executable, "-c", _HOLDER, str(path)], stdout=subprocess.PIPE, text=True)
        holders.append(holder)
        assert holder.stdout is not None and holder.stdout.readline() == "open\n"
        return holder

    yield start
    for holder in holders:
        holder.kill()
        holder.wait()


@pytest.mark.parametrize("written", [True, False])
async def test_f5_opens_the_document_for_writing_once_its_holder_has_died(
    place: Place, hold: Callable[[Path], subprocess.Popen[str]], written: bool
) -> None:
    path = place.make(60, 60, texts={1: "The first text."} if written else {})
    screen = WritingScreen if written else PlanScreen
    holder = hold(path)
    async with someone(path) as person:
        await person.at(screen)
        reason = person.document.read_only_reason
        assert str(holder.pid) in reason
        await person.is_told(f"Opened read-only: {reason}")
        await person.press("f5")
        await person.is_told(f"Read-only: {reason}")
        assert person.document.read_only
        holder.kill()
        holder.wait()
        await person.press("f5")
        await person.gets_notice("editable")
        await person.at(screen)
        assert not person.document.read_only
        person.document.edit("s1", "Mine.")
    assert place.read(path)["s1"] == "Mine."
