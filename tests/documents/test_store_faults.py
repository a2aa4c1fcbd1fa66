"""Files that are no documents, places that cannot be written, disks that are full: one clear line each."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lwtui.agentwrite.events import SectionFinished, SectionStarted, TextDelta
from lwtui.agentwrite.record import recording
from lwtui.documents.library import list_documents
from lwtui.documents.model import Brief, Plan, PlannedSection, Status
from lwtui.documents.schema import VERSION
from lwtui.documents.store import Document
from lwtui.errors import DocumentError
from lwtui.models.metering import UsageTracker
from lwtui.models.usage import NO_USAGE, Usage
from tests.documents.support import BRIEF, MADE, PLAN, SOIL, WATER, new_document, reachable_folder, run, texts
from tests.support.disk import connection, fill, free

OPENER = """
import sys
from pathlib import Path
from lwtui.documents.library import list_documents
from lwtui.documents.store import Document
from lwtui.errors import DocumentError
path = Path(sys.argv[1])
try:
    with Document.open(path) as document:
        print(document.read_only, document.read_only_reason, [one.text for one in document.sections()], sep="|")
    print([(one.words, one.problem) for one in list_documents(path.parent)])
    Document.create(path.parent / "new.lw", document.brief)
except DocumentError as error:
    print(f"error: {error}")
"""


def fails(path: Path, match: str) -> None:
    """Opening ``path`` is one line that says why, and the file stays as it is."""
    before = path.read_bytes() if path.is_file() else None
    for read_only in (False, True):
        with pytest.raises(DocumentError, match=match) as caught:
            Document.open(path, read_only=read_only)
        assert "\n" not in str(caught.value)
    if before is not None:
        assert path.read_bytes() == before
        assert str(path) in [one.path for one in list_documents(path.parent)]


def test_a_missing_file(tmp_path: Path) -> None:
    fails(tmp_path / "none.lw", "There is no document at")
    assert list(tmp_path.iterdir()) == []  # not even a lock


def test_a_folder(tmp_path: Path) -> None:
    fails(tmp_path, "is a folder")


@pytest.mark.parametrize(
    "content", [b"", b"# A Markdown file\n", os.urandom(5000), b"SQLite format 3\0", b"\0" * 5000], ids=range(5)
)
def test_a_file_that_is_no_document(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other.lw"
    path.write_bytes(content)
    fails(path, "is not a lwtui document")
    [summary] = list_documents(tmp_path)
    assert "is not a lwtui document" in summary.problem


def test_a_database_of_another_program(tmp_path: Path) -> None:
    path = tmp_path / "other.lw"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE cookies (name TEXT)")
    db.close()
    fails(path, "database of another program")


def test_a_document_of_a_newer_version(tmp_path: Path) -> None:
    document = new_document(tmp_path)
    document.close()
    with sqlite3.connect(document.path) as db:
        db.execute(f"PRAGMA user_version = {VERSION + 1}")
    db.close()
    fails(document.path, "newer version of lwtui")


@pytest.mark.parametrize("share", [0.05, 0.3, 0.6, 0.95])
def test_a_truncated_document(tmp_path: Path, share: float) -> None:
    document = long_document(tmp_path)
    data = document.path.read_bytes()
    document.path.write_bytes(data[: int(len(data) * share)])
    fails(document.path, "is damaged")


def test_a_document_with_a_page_of_garbage(tmp_path: Path) -> None:
    document = long_document(tmp_path)
    data = bytearray(document.path.read_bytes())
    for page in range(1, len(data) // 4096):  # every page but the first
        data[page * 4096 : page * 4096 + 64] = b"\xa5" * 64
    document.path.write_bytes(data)
    fails(document.path, "is damaged")


@pytest.mark.parametrize(
    "change",
    [
        "DROP TABLE section",
        "DELETE FROM document",
        "UPDATE document SET mode = 'unheard of'",
        "UPDATE revision SET origin = 'unheard of'",
    ],
)
def test_a_document_with_strange_contents(tmp_path: Path, change: str) -> None:
    document = long_document(tmp_path)
    with sqlite3.connect(document.path) as db:
        db.execute("PRAGMA foreign_keys = OFF")
        db.execute(change)
    db.close()
    for read_only in (False, True):
        with pytest.raises(DocumentError, match="is damaged"):
            Document.open(document.path, read_only=read_only)
    assert len(list_documents(tmp_path)) == 1  # with or without a problem, but without an exception


def test_damage_that_shows_later(tmp_path: Path) -> None:
    with new_document(tmp_path) as document:
        document.edit(SOIL.id, "Loam.")
        connection(document).execute("UPDATE revision SET origin = 'unheard of'")
        with pytest.raises(DocumentError, match="is damaged"):
            document.revisions(SOIL.id)


def test_creating_never_overwrites(tmp_path: Path) -> None:
    document = new_document(tmp_path)
    document.close()
    before = document.path.read_bytes()
    with pytest.raises(DocumentError, match=r"There is a file at .* already"):
        new_document(tmp_path)
    assert document.path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [document.path]


def test_creating_needs_the_ending(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match=r"does not end in \.lw"):
        Document.create(tmp_path / "tomatoes.txt", BRIEF)


def test_creating_does_not_take_over_the_log_of_a_document_that_is_gone(tmp_path: Path) -> None:
    document = new_document(tmp_path)
    document.edit(SOIL.id, "Of the old one.")
    log = Path(f"{document.path}-wal").read_bytes()
    document.close()
    document.path.unlink()
    Path(f"{document.path}-wal").write_bytes(log)
    with new_document(tmp_path, plan=Plan("Another", (WATER,))) as new:
        assert new.title == "Another"
        assert texts(new) == [""]
    assert list(tmp_path.iterdir()) == [new.path]


def test_creating_below_a_file_or_with_a_plan_that_is_wrong_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(DocumentError, match="Cannot write"):
        Document.create(tmp_path / "file" / "new.lw", BRIEF)
    with pytest.raises(DocumentError, match="twice"):
        Document.create(tmp_path / "new.lw", BRIEF, Plan("Bad", (SOIL, SOIL)))
    with pytest.raises(DocumentError, match="name"):
        Document.create(tmp_path / f"{'n' * 300}.lw", BRIEF)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_another_program_that_locks_the_file_is_named_as_the_reason(tmp_path: Path) -> None:
    document = new_document(tmp_path)
    document.close()
    other = sqlite3.connect(document.path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(DocumentError, match="Another program keeps"):
        Document.open(document.path)
    other.close()
    with Document.open(document.path) as again:
        assert not again.read_only


# -- places that cannot be written


@pytest.fixture
def shared() -> Iterator[Path]:
    with reachable_folder() as folder:
        yield folder


def test_a_document_in_a_folder_that_may_not_be_written_can_be_read(shared: Path) -> None:
    with new_document(shared) as document:
        document.edit(SOIL.id, "Loam.")
    shared.chmod(0o555)
    opened, listed, created = run(OPENER, document.path, as_nobody=True).split("\n")
    read_only, reason, found = opened.split("|")
    assert read_only == "True"
    assert "may not be written" in reason
    assert found == "['Loam.', '', '']"
    assert listed == "[(1, '')]"
    assert created.startswith("error: Cannot write")


def test_a_crashed_document_in_a_folder_that_may_not_be_written_is_read_whole(shared: Path) -> None:
    with new_document(shared) as document:
        document.begin(SOIL.id, MADE, 0)
        document.append(SOIL.id, "Half a")
        document.flush()
        for name in ("tomatoes.lw", "tomatoes.lw-wal"):  # as it is at this moment: a crash
            (shared / "crash").mkdir(exist_ok=True)
            shutil.copy(shared / name, shared / "crash")
    (shared / "crash").chmod(0o555)
    opened, listed, _ = run(OPENER, shared / "crash" / "tomatoes.lw", as_nobody=True).split("\n")
    assert opened.startswith("True|")
    assert opened.endswith("|['Half a', '', '']")
    assert listed == "[(2, '')]"
    (shared / "crash").chmod(0o755)


def test_a_document_that_may_not_be_written_can_be_read(shared: Path) -> None:
    with new_document(shared) as document:
        document.edit(SOIL.id, "Loam.")
    shared.chmod(0o777)
    document.path.chmod(0o444)
    opened, listed = run(OPENER, document.path, as_nobody=True).split("\n")
    assert opened.startswith("True|")
    assert "may not be written" in opened
    assert opened.endswith("|['Loam.', '', '']")
    assert listed == "[(1, '')]"


def test_a_document_that_may_not_be_read(shared: Path) -> None:
    document = new_document(shared)
    document.close()
    document.path.chmod(0)
    assert run(OPENER, document.path, as_nobody=True).startswith("error: Cannot read")


def test_a_new_document_has_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    with new_document(tmp_path) as document:
        (tmp_path / "other").touch()
        mode = stat.S_IMODE(document.path.stat().st_mode)
        assert mode == stat.S_IMODE((tmp_path / "other").stat().st_mode)


# -- a full disk


LONG = "Many words that need room. " * 400


def test_no_change_is_half_done_on_a_full_disk(tmp_path: Path) -> None:
    document = new_document(tmp_path)
    document.edit(SOIL.id, "Loam.")
    fill(document)
    more = Plan("Other", (*PLAN.sections, *(PlannedSection(f"{n}", LONG, 10) for n in range(5))))
    for change in (
        lambda: document.edit(SOIL.id, LONG),
        lambda: document.edit(WATER.id, LONG),
        lambda: document.set_plan(more, "Too much", {SOIL.id: LONG}),
        lambda: document.set_brief(Brief(LONG, 5)),
    ):
        with pytest.raises(DocumentError, match="The disk is full") as caught:
            change()
        assert "\n" not in str(caught.value)
        assert (document.plan, document.brief, texts(document)) == (PLAN, BRIEF, ["Loam.", "", ""])
    document.close()
    with Document.open(document.path) as again:
        assert (again.plan, again.brief, texts(again)) == (PLAN, BRIEF, ["Loam.", "", ""])
        assert again.undo_plan() is None


def test_streamed_text_outlives_a_full_disk(tmp_path: Path) -> None:
    document = new_document(tmp_path)
    document.begin(SOIL.id, MADE, 0)
    fill(document)
    document.append(SOIL.id, LONG)
    with pytest.raises(DocumentError, match="The disk is full"):
        document.flush()
    document.append(SOIL.id, "And the rest.")
    with pytest.raises(DocumentError, match="The disk is full"):
        document.finish(SOIL.id, Status.DONE, Usage(1, 2, 3))
    with pytest.raises(DocumentError, match="The disk is full"):
        document.finish(SOIL.id, Status.PARTIAL, Usage())  # as a recording does when it gives up
    with pytest.raises(DocumentError, match="The disk is full"):
        document.edit(SOIL.id, "by hand")
    assert document.section(SOIL.id).text == f"{LONG}And the rest."
    assert document.section(SOIL.id).status is Status.DONE
    free(document)
    document.flush()
    document.close()
    with Document.open(document.path) as again:
        assert again.section(SOIL.id).text == f"{LONG}And the rest."
        assert again.section(SOIL.id).status is Status.DONE
        assert again.revisions(SOIL.id)[0].usage == Usage(1, 2, 3)


@pytest.mark.parametrize("stored_by", [Document.flush, Document.close])
def test_usage_outlives_a_full_disk(tmp_path: Path, stored_by: Callable[[Document], None]) -> None:
    document = new_document(tmp_path)
    document.begin(SOIL.id, MADE, 0)
    fill(document)
    document.append(SOIL.id, LONG)
    for expected in (Usage(1, 2, 3), Usage(2, 4, 6)):
        document.add_usage(Usage(1, 2, 3))  # it raises nothing
        assert document.usage == expected
        with Document.open(document.path, read_only=True) as other:
            assert other.usage == NO_USAGE
    with pytest.raises(DocumentError, match="The disk is full"):
        document.flush()
    free(document)
    stored_by(document)
    with Document.open(document.path, read_only=True) as other:
        assert (other.usage, other.section(SOIL.id).text) == (Usage(2, 4, 6), LONG)
    document.close()
    with Document.open(document.path) as again:
        assert again.usage == Usage(2, 4, 6)  # once, and not with each try


async def test_a_recording_that_meets_a_full_disk_leaves_every_section_whole_for_later(tmp_path: Path) -> None:
    document = new_document(tmp_path)

    with pytest.raises(DocumentError, match="The disk is full"):
        async with recording(document, UsageTracker()) as recorder:
            for position, section in enumerate((SOIL, WATER), 1):
                recorder.store(SectionStarted(section.id, position, 3, section.title, section.words, False, 0, MADE))
            recorder.store(TextDelta(WATER.id, "Half a"))
            fill(document)
            recorder.store(TextDelta(SOIL.id, LONG))
            document.add_usage(Usage(1, 2, 3))
            recorder.store(SectionFinished(SOIL.id, 2000, 100, Usage(1, 2, 3), 0.1))
    assert texts(document) == [LONG, "Half a", ""]
    assert [section.status for section in document.sections()] == [Status.DONE, Status.PARTIAL, Status.EMPTY]
    free(document)
    document.flush()
    before = document.sections()
    document.close()
    with Document.open(document.path) as again:
        assert again.sections() == before
        assert again.usage == Usage(1, 2, 3)


def test_closing_on_a_full_disk_says_so_and_lets_go_of_the_file(tmp_path: Path) -> None:
    document = new_document(tmp_path)
    document.begin(SOIL.id, MADE, 0)
    document.append(SOIL.id, "Some words that are stored. ")
    document.flush()
    fill(document)
    document.append(SOIL.id, LONG)
    with pytest.raises(DocumentError, match="The disk is full"):
        document.close()
    with Document.open(document.path) as again:
        assert not again.read_only
        assert again.section(SOIL.id).text == "Some words that are stored. "


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of one mebibyte."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = shutil.which("mount")
    if mount is None or os.getuid() != 0:
        pytest.skip("mounting a small file system takes root")
    mounted = subprocess.run([mount, "-t", "tmpfs", "-o", "size=1m", "tmpfs", place], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("this system lets no file system be mounted")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def test_a_disk_that_is_really_full_loses_nothing(small_disk: Path) -> None:
    document = new_document(small_disk)
    document.edit(WATER.id, "Daily.")
    document.begin(SOIL.id, MADE, 0)
    ballast = small_disk / "ballast"
    with ballast.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space"):
        while True:
            file.write(b"x" * 4096)
    written = 0
    with pytest.raises(DocumentError, match="The disk is full"):
        for _ in range(100):
            document.append(SOIL.id, LONG)
            written += 1
            document.flush()
    with pytest.raises(DocumentError, match="The disk is full"):
        Document.create(small_disk / "new.lw", BRIEF, PLAN)
    assert not (small_disk / "new.lw").exists()
    with Document.open(document.path) as reader:
        assert reader.section(WATER.id).text == "Daily."
    ballast.unlink()
    document.finish(SOIL.id, Status.DONE, Usage())
    document.close()
    with Document.open(document.path) as again:
        assert texts(again) == [LONG * written, "Daily.", ""]


def test_usage_is_stored_once_a_disk_that_was_really_full_has_room(small_disk: Path) -> None:
    document = new_document(small_disk)
    ballast = small_disk / "ballast"
    with ballast.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space"):
        while True:
            file.write(b"x" * 4096)
    for _ in range(100):
        document.add_usage(Usage(1, 2, 3))
    assert document.usage == Usage(100, 200, 300)
    with pytest.raises(DocumentError, match="The disk is full"):
        document.flush()
    ballast.unlink()
    document.add_usage(Usage(1, 2, 3))  # stores what was waiting too
    with Document.open(document.path) as reader:
        assert reader.usage == Usage(101, 202, 303)
    document.close()
    with Document.open(document.path) as again:
        assert again.usage == Usage(101, 202, 303)


def test_a_document_for_which_the_room_is_too_small_is_whole_or_not_there(small_disk: Path) -> None:
    made = failed = 0
    for room in range(0, 128 * 1024, 4096):
        ballast = small_disk / "ballast"
        with ballast.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space"):
            while True:
                file.write(b"x" * 4096)
        os.truncate(ballast, ballast.stat().st_size - room)
        try:
            Document.create(small_disk / "new.lw", BRIEF, PLAN).close()
        except DocumentError:
            failed += 1
        else:
            made += 1
            with Document.open(small_disk / "new.lw", read_only=True) as document:
                assert (document.brief, document.plan) == (BRIEF, PLAN)
            (small_disk / "new.lw").unlink()
        ballast.unlink()
        assert list(small_disk.iterdir()) == []
    assert made
    assert failed


def test_a_document_that_cannot_be_recovered_for_want_of_room_can_be_read(small_disk: Path) -> None:
    with new_document(small_disk) as document:
        document.begin(SOIL.id, MADE, 0)
        document.append(SOIL.id, LONG * 10)
        document.flush()
        crash = small_disk / "crash"
        crash.mkdir()
        for name in ("tomatoes.lw", "tomatoes.lw-wal"):
            shutil.copy(small_disk / name, crash)
    ballast = small_disk / "ballast"
    with ballast.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space"):
        while True:
            file.write(b"x" * 4096)
    with Document.open(crash / "tomatoes.lw") as reader:
        assert reader.section(SOIL.id).text == LONG * 10
        assert reader.read_only
        assert reader.read_only_reason
    ballast.unlink()
    with Document.open(crash / "tomatoes.lw") as again:
        assert not again.read_only
        assert again.section(SOIL.id).text == LONG * 10


def long_document(folder: Path) -> Document:
    with new_document(folder) as document:
        for section in PLAN.sections:
            document.edit(section.id, f"{section.title}: {LONG}")
    return document
