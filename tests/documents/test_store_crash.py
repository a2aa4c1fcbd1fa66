"""Documents after a crash, and in several processes at once."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lwtui.documents.library import list_documents
from lwtui.documents.model import Brief, Origin, Plan, Status
from lwtui.documents.store import Document
from lwtui.errors import DocumentError
from lwtui.models.usage import Usage
from tests.documents.support import LIGHT, PLAN, PROVENANCE, SOIL, WATER, new_document, run, start, texts
from tests.errors import has_code
from tests.support.disk import connection

# Streams numbered words into a section, prints the time of each append, and runs until it is killed.
STREAMER = """
import sys, time
from pathlib import Path
from lwtui.documents.model import Provenance
from lwtui.documents.store import Document
document = Document.open(Path(sys.argv[1]))
assert not document.read_only
document.begin(sys.argv[2], Provenance("demo", seed=3), int(sys.argv[3]))
number = 0
while True:
    document.append(sys.argv[2], f"w{number} ")
    print(number, time.time(), flush=True)
    number += 1
    time.sleep(0.004)
"""

# Records a model that stalls after its first words, as the app does.
STALLED = """
import asyncio, sys
from pathlib import Path
from lwtui.agentwrite.events import SectionStarted, TextDelta
from lwtui.agentwrite.record import recording
from lwtui.documents.model import Provenance
from lwtui.documents.store import Document
from lwtui.models.metering import UsageTracker

async def main():
    section = sys.argv[2]
    async with recording(Document.open(Path(sys.argv[1])), UsageTracker()) as recorder:
        for event in (
            SectionStarted(section, 1, 3, "Soil", 100, False, 0, Provenance("demo")),
            TextDelta(section, "The only words."),
        ):
            recorder.store(event)
            print(type(event).__name__, flush=True)
        await asyncio.sleep(600)

asyncio.run(main())
"""

# Kills itself when half of a new document is written.
MAKER = """
import io, os, signal, sys
from pathlib import Path
from lwtui.documents.model import Brief, Plan, PlannedSection
from lwtui.documents.store import Document
class Half(io.FileIO):
    def write(self, data):
        super().write(data[: len(data) // 2])
        os.kill(os.getpid(), signal.SIGKILL)
os.fdopen = Half
plan = Plan("Long", tuple(PlannedSection(f"Part {n}", "words " * 200, 100) for n in range(3000)))
Document.create(Path(sys.argv[1]), Brief("Write it", 300000), plan)
"""

READER = """
import sys
from pathlib import Path
from lwtui.documents.store import Document
with Document.open(Path(sys.argv[1])) as document:
    print(document.read_only, document.read_only_reason, [section.text for section in document.sections()], sep="|")
"""

# Creates a document and changes it, and reports each step once it has been stored.
STORER = """
import sys
from pathlib import Path
from lwtui.documents.build import build
from lwtui.documents.model import Brief, Plan, PlannedSection, Provenance
from lwtui.documents.store import Document
path = Path(sys.argv[1])
build(path, Brief("Write it", 100), Plan("Tomatoes", (PlannedSection("Soil", "", 100, "a"),)))
print("created", flush=True)
with Document.open(path) as document:
    document.edit("a", "Loam.")
    print("edited", flush=True)
    document.begin("a", Provenance("demo"), 0)
    document.append("a", "Clay.")
    document.flush()
    print("flushed", flush=True)
"""


def kill(process: subprocess.Popen[str]) -> tuple[float, list[tuple[int, float]]]:
    """Kill a streamer; the time of the kill, and the number and time of each word that it had appended."""
    killed = time.time()
    process.send_signal(signal.SIGKILL)
    printed, _ = process.communicate(timeout=30)
    assert process.returncode == -signal.SIGKILL
    words = []
    for line in printed.split("\n")[:-1]:
        number, when = line.split(" ")
        words.append((int(number), float(when)))
    return killed, words


def read_until(process: subprocess.Popen[str], seconds: float) -> list[str]:
    """Return what a streamer prints in its first ``seconds``."""
    assert process.stdout is not None
    lines = [process.stdout.readline()]
    end = time.time() + seconds
    while time.time() < end:
        lines.append(process.stdout.readline())
    return lines


def test_a_crash_while_creating_leaves_no_document(tmp_path: Path) -> None:
    process = start(MAKER, tmp_path / "long.lw")
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    [left] = tmp_path.iterdir()
    assert (left.name.startswith("."), left.suffix, left.stat().st_size > 0) == (True, ".tmp", True)
    with Document.create(tmp_path / "long.lw", Brief("Write it", 300000), PLAN) as document:
        assert document.plan == PLAN


@pytest.mark.parametrize("seconds", [0.05, 0.6, 1.3])
def test_a_killed_writer_loses_at_most_a_second(tmp_path: Path, seconds: float) -> None:
    with new_document(tmp_path) as document:
        document.edit(WATER.id, "Daily.")
    process = start(STREAMER, document.path, SOIL.id, 0)
    early = read_until(process, seconds)
    killed, late = kill(process)
    appended = len(early) + len(late)
    with Document.open(document.path) as again:
        assert not again.read_only
        section = again.section(SOIL.id)
        stored = section.text.split()
        assert stored == [f"w{number}" for number in range(len(stored))]  # without gaps
        lost = [when for number, when in [split(line) for line in early] + late if number >= len(stored)]
        assert len(stored) + len(lost) >= appended
        assert not lost or killed - min(lost) < 1.0
        assert section.length == len(stored)
        assert again.section(WATER.id).text == "Daily."
        if stored:
            assert section.status is Status.PARTIAL
            [revision] = again.revisions(SOIL.id)
            assert (revision.text, revision.origin) == (section.text, Origin.MODEL)
            assert revision.provenance is not None
            assert revision.provenance.seed == 3
        else:
            assert section.status is Status.EMPTY


def split(line: str) -> tuple[int, float]:
    number, when = line.split(" ")
    return int(number), float(when)


def test_a_document_resumes_after_repeated_crashes(tmp_path: Path) -> None:
    document = new_document(tmp_path)
    document.close()
    length = 0
    for _ in range(3):
        process = start(STREAMER, document.path, SOIL.id, length)
        read_until(process, 0.6)
        kill(process)
        with Document.open(document.path) as again:
            text = again.section(SOIL.id).text
            assert len(text) > length
            length = len(text)
            assert again.section(SOIL.id).status is Status.PARTIAL
    with Document.open(document.path) as again:
        assert len(again.revisions(SOIL.id)) == 3
        again.begin(SOIL.id, PROVENANCE, length)
        again.append(SOIL.id, "The end.")
        again.finish(SOIL.id, Status.DONE, Usage())
        assert again.section(SOIL.id).text == f"{text}The end."
    assert [path.name for path in tmp_path.iterdir()] == ["tomatoes.lw"]


def test_a_stalled_stream_is_stored_too(tmp_path: Path) -> None:
    document = new_document(tmp_path)
    document.close()
    process = start(STALLED, document.path, SOIL.id)
    assert process.stdout is not None
    assert [process.stdout.readline().strip() for _ in range(2)] == ["SectionStarted", "TextDelta"]
    end = time.time() + 10
    while time.time() < end and not list_documents(tmp_path)[0].words:
        time.sleep(0.05)
    process.kill()
    process.communicate(timeout=30)
    with Document.open(document.path) as again:
        assert again.section(SOIL.id).text == "The only words."


def test_the_log_is_synced_at_every_transaction(tmp_path: Path) -> None:
    full = 2
    with new_document(tmp_path) as document:
        assert connection(document).execute("PRAGMA synchronous").fetchone() == (full,)
        document.edit(SOIL.id, "Loam.")
    with Document.open(document.path) as again:
        assert connection(again).execute("PRAGMA synchronous").fetchone() == (full,)


def test_everything_is_on_the_disk_before_it_is_reported_as_stored(tmp_path: Path) -> None:
    """A power cut then loses nothing that was reported: shown by the order of the system calls."""
    strace = shutil.which("strace")
    if strace is None or subprocess.run([strace, "-o", os.devnull, "true"], capture_output=True).returncode != 0:
        pytest.skip("this system does not allow tracing a process")
    path, trace = tmp_path / "tomatoes.lw", tmp_path / "trace"
    calls = "trace=write,pwrite64,ftruncate,fsync,fdatasync,link,linkat,rename,renameat,renameat2"
    command = [strace, "-f", "-y", "-s", "16", "-e", calls, "-o", str(trace), sys.executable, "-c", STORER, str(path)]
    subprocess.run(command, check=True, stdout=subprocess.PIPE)
    unsynced: set[str] = set()
    reported = []
    for line in trace.read_text().splitlines():
        if (named := re.search(r"\b(?:link|rename)\w*\(.*\"(.*\.tmp)\"", line)) is not None:
            assert named[1] not in unsynced, line  # a name must not lead to contents that are not there yet
            unsynced.add(str(tmp_path))
        elif (call := re.search(r"\b(\w+)\((\d+)<([^>]*)>", line)) is not None:
            name, descriptor, file = call.groups()
            if name in ("fsync", "fdatasync"):
                unsynced.discard(file)
            elif descriptor == "1":
                assert not unsynced, line
                reported.append(line.split('"')[1].removesuffix("\\n"))
            elif file.startswith(f"{tmp_path}/") and not file.endswith(("-shm", ".lock")):
                unsynced.add(file)
    assert [step for step in reported if step] == ["created", "edited", "flushed"]


def test_a_killed_editor_leaves_complete_edits(tmp_path: Path) -> None:
    editor = """
import sys
from pathlib import Path
from lwtui.documents.model import Plan, PlannedSection
from lwtui.documents.store import Document
document = Document.open(Path(sys.argv[1]))
number = 0
while True:
    number += 1
    soil = PlannedSection(f"Soil {number}", "", number, "0000000a")
    water = PlannedSection(f"Water {number}", "", number, "0000000b")
    texts = {soil.id: f"{number} soil", water.id: f"{number} water"}
    sections = (soil, water) if number % 2 else (water, soil)
    document.set_plan(Plan(f"Plan {number}", sections), f"step {number}", texts)
    print(number, flush=True)
"""
    document = new_document(tmp_path)
    document.close()
    process = start(editor, document.path)
    read_until(process, 0.3)
    process.kill()
    printed, _ = process.communicate(timeout=30)
    with Document.open(document.path) as again:
        number = again.plan.words // 2
        assert number >= max([int(line) for line in printed.split()], default=1)
        expected = [f"{number} soil", f"{number} water"]
        assert texts(again) == (expected if number % 2 else expected[::-1])
        assert again.title == f"Plan {number}"
        assert again.undo_plan() == f"step {number}"
        assert again.title == f"Plan {number - 1}"


def test_a_second_process_can_read_while_the_first_writes(tmp_path: Path) -> None:
    with new_document(tmp_path) as document:
        document.edit(WATER.id, "Daily.")
        document.begin(SOIL.id, PROVENANCE, 0)
        document.append(SOIL.id, "Half a")
        document.flush()
        read_only, reason, found = run(READER, document.path).split("|")
        assert read_only == "True"
        assert f"{os.getpid()}" in reason
        assert found == "['Half a', 'Daily.', '']"
        document.append(SOIL.id, " sentence.")
        document.finish(SOIL.id, Status.DONE, Usage())  # the reader does not block it
    assert run(READER, document.path).startswith("False||")


def test_a_reader_can_be_open_while_the_writer_comes_and_goes(tmp_path: Path) -> None:
    document = new_document(tmp_path)
    other = Document.open(document.path)
    assert other.read_only
    document.edit(SOIL.id, "Loam.")
    document.close()
    assert [revision.text for revision in other.revisions(SOIL.id)] == ["Loam."]
    with Document.open(document.path) as again:
        assert not again.read_only
        again.edit(WATER.id, "Daily.")
    other.close()
    with Document.open(document.path) as again:
        assert texts(again) == ["Loam.", "Daily.", ""]


def test_opening_a_document_twice_makes_the_second_read_only(tmp_path: Path) -> None:
    link = tmp_path / "link.lw"
    with new_document(tmp_path) as document:
        link.symlink_to(document.path)
        for path in (document.path, link):
            with Document.open(path) as second:
                assert second.read_only
                assert second.read_only_reason and f"{os.getpid()}" not in second.read_only_reason
                with pytest.raises(DocumentError, check=has_code("read-only")):
                    second.edit(SOIL.id, "Loam.")
        document.edit(SOIL.id, "Clay.")  # closing the second did not release the lock
        with Document.open(document.path) as third:
            assert third.read_only
    with Document.open(document.path) as again:
        assert not again.read_only
        again.require_writable()


def test_every_change_of_a_read_only_document_is_rejected(tmp_path: Path) -> None:
    with new_document(tmp_path) as document:
        document.edit(SOIL.id, "Loam.")
        [revision] = document.revisions(SOIL.id)
    with Document.open(document.path, read_only=True) as reader:
        before = document.path.read_bytes()
        for change in (
            reader.require_writable,
            lambda: reader.set_brief(Brief("Another", 10)),
            lambda: reader.set_plan(Plan("None", ()), "Delete all"),
            reader.undo_plan,
            lambda: reader.edit(SOIL.id, "Clay."),
            lambda: reader.edit(SOIL.id, "Loam."),
            lambda: reader.clear(SOIL.id),
            lambda: reader.mark_done(SOIL.id),
            lambda: reader.restore(revision.id),
            lambda: reader.begin(LIGHT.id, PROVENANCE, 0),
            lambda: reader.append(LIGHT.id, "text"),
        ):
            with pytest.raises(DocumentError, check=has_code("read-only")):
                change()
        reader.flush()
        assert reader.plan == PLAN
        assert texts(reader) == ["Loam.", "", ""]
        assert reader.revisions(SOIL.id) == [revision]
    assert document.path.read_bytes() == before


def test_reading_a_crashed_document_does_not_change_it(tmp_path: Path) -> None:
    document = new_document(tmp_path)
    document.close()
    process = start(STREAMER, document.path, SOIL.id, 0)
    read_until(process, 0.6)
    kill(process)
    log = Path(f"{document.path}-wal")
    before = document.path.read_bytes(), log.read_bytes()
    [entry] = list_documents(tmp_path)
    assert entry.words > 0
    with Document.open(document.path, read_only=True) as reader:
        section = reader.section(SOIL.id)
        assert section.status is Status.PARTIAL
        assert section.length == entry.words == len(section.text.split())
    assert (document.path.read_bytes(), log.read_bytes()) == before
