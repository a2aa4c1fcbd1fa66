"""Hours of streaming, as fast as it goes: file, log and memory stay as large as the text wants them.

The clock is that of the text, at 100 tokens a second, so that the file is written to as often as in those hours.
``bench/speed/app.py --minutes 120`` shows the same of the whole app.
"""

from __future__ import annotations

import asyncio
import math
import os
import random
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lwtui.agentwrite import recording
from lwtui.agentwrite.events import Event, Grounded, SectionFinished, SectionStarted, SummaryMade, TextDelta
from lwtui.documents import streaming
from lwtui.documents.model import Brief, Plan, PlannedSection, Provenance, Status
from lwtui.documents.schema import basis_to_json
from lwtui.documents.stale import fingerprint, make_basis
from lwtui.documents.store import Document
from lwtui.models.metering import UsageTracker
from lwtui.models.usage import Usage
from tests.faults.conftest import Tried
from tests.faults.scale import times
from tests.faults.test_kill import integrity

SECTIONS = times(80, 540)  # 540,000 words are two hours
WORDS = 1000
WORDS_A_SECOND = 75  # 100 tokens
TOOK = Usage(9000, 1300)  # a section
MOST_LOG = 6_000_000  # bytes; SQLite begins the log anew at 4 MB
SHOWN, SUMMED_UP = 20, 100  # sections that are in a prompt word for word, and those that a few lines stand for


class Soak:
    """A document into which text streams; ``clock`` is how many seconds that would have taken."""

    def __init__(self, document: Document, monkeypatch: pytest.MonkeyPatch) -> None:
        self.document = document
        self.clock = 0.0
        self.written = 0  # bytes of text
        self.rests = 0  # bytes of what the sections rest on, which is kept with each text and with each section
        self._drawn = random.Random(1)
        self._words = ["".join(self._drawn.choices("abcdefghijklmnopqrstuvwxyz", k=5)) for _ in range(3000)]
        monkeypatch.setattr(streaming, "monotonic", lambda: self.clock)

    async def write(self, at: int) -> None:
        """Have the section at that position written, as a run does it."""
        async with recording(self.document, UsageTracker()) as recorder:
            for event in self._events(at):
                recorder.store(event)
        await asyncio.sleep(0)  # what the run has cancelled ends
        assert size(f"{self.document.path}-wal") <= MOST_LOG

    def _events(self, at: int) -> Iterator[Event]:
        sections = self.document.sections()
        section, first = sections[at], max(0, at - SHOWN)
        if first and sections[first - 1].id not in self.document.summaries:
            summed_up = sections[first - 1]
            yield SummaryMade(summed_up.id, summed_up.text[:300], fingerprint(summed_up.text))
        summarised = {one.id: one.text[:300] for one in sections[max(0, first - SUMMED_UP) : first]}
        basis = make_basis("", section, (), sections[first:at], summarised)
        self.rests += 2 * len(basis_to_json(basis) or "")
        yield Grounded(section.id, basis)
        made = Provenance("writer", "", {"temperature": 0.8}, "1234567890abcdef", at)
        yield SectionStarted(section.id, at + 1, len(sections), section.title, WORDS, False, 0, made)
        for _ in range(WORDS // 4):
            text = " ".join(self._drawn.choices(self._words, k=4)) + self._drawn.choice((" ", ". ", ".\n\n"))
            self.clock += 4 / WORDS_A_SECOND
            self.written += len(text)
            yield TextDelta(section.id, text)
        self.document.add_usage(TOOK)  # as the tracker of a run does when the call has ended
        yield SectionFinished(section.id, WORDS, WORDS, TOOK, 13.0)


@contextmanager
def traced() -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
    finally:
        tracemalloc.stop()


def size(path: Path | str) -> int:
    return os.stat(path).st_size  # noqa: PTH116


def memory() -> int:
    return tracemalloc.get_traced_memory()[0]


def a_plan(sections: int) -> Plan:
    return Plan("The Sea", tuple(PlannedSection(f"Part {n}", f"what {n} is", WORDS, f"s{n}") for n in range(sections)))


async def test_hours_of_text_take_no_more_than_their_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tried: Tried
) -> None:
    path = tmp_path / "sea.lw"
    with traced(), Document.create(path, Brief("Write about the sea", 1000), a_plan(SECTIONS)) as document:
        empty = size(path)
        soak = Soak(document, monkeypatch)
        for at in range(SECTIONS // 8):
            await soak.write(at)
        memory_at_first, text_at_first = memory(), soak.written
        for at in range(SECTIONS // 8, SECTIONS):
            await soak.write(at)
        grown, text = memory() - memory_at_first, soak.written - text_at_first
        assert {section.status for section in document.sections()} == {Status.DONE}
    assert grown <= 1.5 * text + soak.rests
    assert size(path) - empty <= 1.5 * (soak.written + soak.rests)
    assert os.listdir(tmp_path) == [path.name]  # noqa: PTH208
    integrity(path)
    outcome = f"file {size(path) / soak.written:.1f} and memory {grown / text:.1f} times the text, log 4 MB"
    tried("an hour of streaming at 100 tokens a second", outcome, math.ceil(soak.clock / 3600))


async def test_sections_written_anew_again_and_again_add_what_was_written_and_no_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tried: Tried
) -> None:
    path, rewritings = tmp_path / "sea.lw", times(30, 1000)
    with traced(), Document.create(path, Brief("Write about the sea", 1000), a_plan(10)) as document:
        empty = size(path)
        soak = Soak(document, monkeypatch)
        for at in range(20):
            await soak.write(at % 10)
        at_first = memory()
        for at in range(rewritings):
            await soak.write(at % 10)
        assert memory() - at_first <= 100_000 + 300 * rewritings  # a text has 6,000 bytes
        assert len(document.revisions("s0")) == 2 + rewritings / 10
    assert size(path) - empty <= 1.5 * (soak.written + soak.rests)
    integrity(path)
    tried("a section that is written anew", "the file grows by its text, memory stays", rewritings)
