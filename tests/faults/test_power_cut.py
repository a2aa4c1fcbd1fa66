"""What a power cut leaves: a log that ends anywhere, or in garbage. The document is one that there was before."""

from __future__ import annotations

import random
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from lwtui.documents.library import list_documents
from lwtui.documents.model import Plan, PlannedSection, Status
from lwtui.documents.store import Document
from lwtui.models.usage import Usage
from tests.documents.support import PLAN, PROVENANCE, SOIL, WATER, new_document, texts
from tests.faults.conftest import Tried
from tests.faults.scale import times
from tests.faults.test_kill import integrity

State = tuple[str, tuple[str, ...]]


@dataclass
class Worked:
    """A document with a log, as it is on the disk at some moment, and all that it has been."""

    folder: Path
    states: list[State] = field(default_factory=list)

    def note(self, document: Document) -> None:
        self.states.append((document.title, tuple(texts(document))))


def state_of(document: Document) -> State:
    return document.title, tuple(texts(document))


def work(folder: Path, draw: random.Random) -> Worked:
    """Write, edit and plan; then copy the files as they are, which is what a power cut leaves."""
    worked = Worked(folder / "cut")
    worked.folder.mkdir()
    with new_document(folder) as document:
        worked.note(document)
        for number in range(6):
            document.begin(SOIL.id, PROVENANCE, len(document.section(SOIL.id).text))
            worked.note(document)
            for _ in range(draw.randint(1, 4)):
                document.append(SOIL.id, "".join(draw.choices("abcde fghij. ", k=draw.randint(1, 3000))).strip() + ".")
                document.flush()
                worked.note(document)
            document.finish(SOIL.id, Status.DONE, Usage(1, 2))
            worked.note(document)
            document.edit(WATER.id, f"By hand, {number}.")
            worked.note(document)
            more = PlannedSection(f"More {number}", "and more", 50, f"more{number}")
            document.set_plan(Plan(f"Plan {number}", (*PLAN.sections, more)), "More", {})
            worked.note(document)
        for name in ("tomatoes.lw", "tomatoes.lw-wal"):
            shutil.copy(folder / name, worked.folder)
    return worked


def test_a_log_that_was_cut_anywhere_gives_a_document_that_there_was(tmp_path: Path, tried: Tried) -> None:
    draw = random.Random(11)
    worked = work(tmp_path, draw)
    file, log = (worked.folder / name for name in ("tomatoes.lw", "tomatoes.lw-wal"))
    whole, size = log.read_bytes(), log.stat().st_size
    before, latest = file.read_bytes(), -1
    assert size > 100_000
    cuts = sorted([0, 31, 32, size, *(draw.randrange(size) for _ in range(times(60, 1000) - 4))])
    for at in cuts:
        for tail in (b"", draw.randbytes(min(5000, size - at)), bytes(min(5000, size - at))):
            file.write_bytes(before)
            log.write_bytes(whole[:at] + tail)
            for side in worked.folder.glob("*-shm"):
                side.unlink()
            (summary,) = list_documents(worked.folder)
            assert not summary.problem
            with Document.open(file) as document:
                assert not document.read_only
                found = worked.states.index(state_of(document))
                assert document.section(SOIL.id).status is not Status.WRITING
            integrity(file)
        assert found >= latest  # the more of the log there is, the more is known
        latest = found
    assert latest == len(worked.states) - 1
    tried("power cut: the log ends anywhere, in garbage or zeros", "a document that there was", 3 * len(cuts))


def test_one_flipped_bit_is_damage_that_is_told_or_harmless(tmp_path: Path, tried: Tried) -> None:
    draw = random.Random(12)
    worked = work(tmp_path, draw)
    file, log = (worked.folder / name for name in ("tomatoes.lw", "tomatoes.lw-wal"))
    whole, before = log.read_bytes(), file.read_bytes()
    for _ in range(number := times(60, 1000)):
        torn = bytearray(whole)
        torn[draw.randrange(len(torn))] ^= 1 << draw.randrange(8)
        file.write_bytes(before)
        log.write_bytes(torn)
        with Document.open(file) as document:  # the log has checksums: what comes after the bit is left out
            assert state_of(document) in worked.states
        integrity(file)
    tried("power cut: a flipped bit in the log", "a document that there was", number)
