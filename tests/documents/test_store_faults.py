"""Invalid files, unwritable folders and full disks: each is reported in one clear line."""

from __future__ import annotations

import errno
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
from tests.documents.support import BRIEF, PLAN, PROVENANCE, SOIL, WATER, new_document, reachable_folder, run, texts
from tests.errors import has_code
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
        print(document.read_only, document.read_only_reason, [section.text for section in document.sections()], sep="|")
    print([(entry.words, entry.problem) for entry in list_documents(path.parent)])
    Document.create(path.parent / "new.lw", document.brief)
except DocumentError as error:
    print(error.code)
"""


def assert_opening_fails(path: Path, code: str) -> None:
    """Check that opening ``path`` fails with ``code``, and does not change the file."""
    before = path.read_bytes() if path.is_file() else None
    for read_only in (False, True):
        with pytest.raises(DocumentError, check=has_code(code)) as caught:
            Document.open(path, read_only=read_only)
        assert str(path) in str(caught.value)
    if before is not None:
        assert path.read_bytes() == before
        assert str(path) in [entry.path for entry in list_documents(path.parent)]


def test_opening_a_missing_file_fails(tmp_path: Path) -> None:
    assert_opening_fails(tmp_path / "none.lw", "not-found")
    assert list(tmp_path.iterdir()) == []  # not even a lock file


def test_opening_a_folder_fails(tmp_path: Path) -> None:
    assert_opening_fails(tmp_path, "is-folder")


@pytest.mark.parametrize(
    "content", [b"", b"# A Markdown file\n", os.urandom(5000), b"SQLite format 3\0", b"\0" * 5000], ids=range(5)
)
def test_opening_a_file_that_is_not_a_document_fails(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other.lw"
    path.write_bytes(content)
    assert_opening_fails(path, "not-a-document")
    [entry] = list_documents(tmp_path)
    assert "is not a lwtui document" in entry.problem


def test_opening_a_database_of_another_program_fails(tmp_path: Path) -> None:
    path = tmp_path / "other.lw"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE cookies (name TEXT)")
    db.close()
    assert_opening_fails(path, "other-program")


def test_opening_a_document_of_a_newer_version_fails(tmp_path: Path) -> None:
    document = new_document(tmp_path)
    document.close()
    with sqlite3.connect(document.path) as db:
        db.execute(f"PRAGMA user_version = {VERSION + 1}")
    db.close()
    assert_opening_fails(document.path, "newer-format")


@pytest.mark.parametrize("share", [0.05, 0.3, 0.6, 0.95])
def test_opening_a_truncated_document_fails(tmp_path: Path, share: float) -> None:
    document = long_document(tmp_path)
    data = document.path.read_bytes()
    document.path.write_bytes(data[: int(len(data) * share)])
    assert_opening_fails(document.path, "damaged")


def test_opening_a_document_with_garbage_pages_fails(tmp_path: Path) -> None:
    document = long_document(tmp_path)
    data = bytearray(document.path.read_bytes())
    for page in range(1, len(data) // 4096):  # every page but the first
        data[page * 4096 : page * 4096 + 64] = b"\xa5" * 64
    document.path.write_bytes(data)
    assert_opening_fails(document.path, "damaged")


@pytest.mark.parametrize(
    "change",
    [
        "DROP TABLE section",
        "DELETE FROM document",
        "UPDATE document SET mode = 'unheard of'",
        "UPDATE revision SET origin = 'unheard of'",
    ],
)
def test_opening_a_document_with_unexpected_contents_fails(tmp_path: Path, change: str) -> None:
    document = long_document(tmp_path)
    with sqlite3.connect(document.path) as db:
        db.execute("PRAGMA foreign_keys = OFF")
        db.execute(change)
    db.close()
    for read_only in (False, True):
        with pytest.raises(DocumentError, check=has_code("damaged")):
            Document.open(document.path, read_only=read_only)
    assert len(list_documents(tmp_path)) == 1  # perhaps with a problem, but without an exception


def test_damage_found_later_is_reported(tmp_path: Path) -> None:
    with new_document(tmp_path) as document:
        document.edit(SOIL.id, "Loam.")
        connection(document).execute("UPDATE revision SET origin = 'unheard of'")
        with pytest.raises(DocumentError, check=has_code("damaged")):
            document.revisions(SOIL.id)


def test_creating_never_overwrites_a_file(tmp_path: Path) -> None:
    document = new_document(tmp_path)
    document.close()
    before = document.path.read_bytes()
    with pytest.raises(DocumentError, check=has_code("already-exists")):
        new_document(tmp_path)
    assert document.path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [document.path]


def test_creating_requires_the_extension(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, check=has_code("wrong-extension")):
        Document.create(tmp_path / "tomatoes.txt", BRIEF)


def test_a_new_document_ignores_the_log_of_a_deleted_one(tmp_path: Path) -> None:
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


def test_a_failed_creation_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(DocumentError, check=has_code("unwritable")):
        Document.create(tmp_path / "file" / "new.lw", BRIEF)
    with pytest.raises(DocumentError, check=has_code("duplicate-section")):
        Document.create(tmp_path / "new.lw", BRIEF, Plan("Bad", (SOIL, SOIL)))
    with pytest.raises(DocumentError, check=has_code("unwritable")):
        Document.create(tmp_path / f"{'n' * 300}.lw", BRIEF)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_file_locked_by_another_program_is_reported(tmp_path: Path) -> None:
    document = new_document(tmp_path)
    document.close()
    other = sqlite3.connect(document.path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(DocumentError, check=has_code("locked")):
        Document.open(document.path)
    other.close()
    with Document.open(document.path) as again:
        assert not again.read_only


# -- unwritable files and folders


@pytest.fixture
def shared() -> Iterator[Path]:
    with reachable_folder() as folder:
        yield folder


def test_a_document_in_a_read_only_folder_can_be_read(shared: Path) -> None:
    with new_document(shared) as document:
        document.edit(SOIL.id, "Loam.")
    shared.chmod(0o555)
    opened, listed, created = run(OPENER, document.path, as_nobody=True).split("\n")
    read_only, reason, found = opened.split("|")
    assert read_only == "True"
    assert str(shared) not in reason and reason  # it is about the folder, not the file
    assert found == "['Loam.', '', '']"
    assert listed == "[(1, '')]"
    assert created == "unwritable"


def test_a_crashed_document_in_a_read_only_folder_is_read_completely(shared: Path) -> None:
    with new_document(shared) as document:
        document.begin(SOIL.id, PROVENANCE, 0)
        document.append(SOIL.id, "Half a")
        document.flush()
        for name in ("tomatoes.lw", "tomatoes.lw-wal"):  # a copy of the open document, as after a crash
            (shared / "crash").mkdir(exist_ok=True)
            shutil.copy(shared / name, shared / "crash")
    (shared / "crash").chmod(0o555)
    opened, listed, _ = run(OPENER, shared / "crash" / "tomatoes.lw", as_nobody=True).split("\n")
    assert opened.startswith("True|")
    assert opened.endswith("|['Half a', '', '']")
    assert listed == "[(2, '')]"
    (shared / "crash").chmod(0o755)


def test_a_read_only_document_can_be_read(shared: Path) -> None:
    with new_document(shared) as document:
        document.edit(SOIL.id, "Loam.")
    shared.chmod(0o777)
    document.path.chmod(0o444)
    opened, listed = run(OPENER, document.path, as_nobody=True).split("\n")
    assert opened.startswith(f"True|{document.path} ")  # the reason is about the file, not its folder
    assert opened.endswith("|['Loam.', '', '']")
    assert listed == "[(1, '')]"


def test_an_unreadable_document_is_reported(shared: Path) -> None:
    document = new_document(shared)
    document.close()
    document.path.chmod(0)
    assert run(OPENER, document.path, as_nobody=True) == "unreadable"


def test_a_new_document_has_default_permissions(tmp_path: Path) -> None:
    with new_document(tmp_path) as document:
        (tmp_path / "other").touch()
        mode = stat.S_IMODE(document.path.stat().st_mode)
        assert mode == stat.S_IMODE((tmp_path / "other").stat().st_mode)


# -- a full disk


LONG = "Many words that need room. " * 400


def test_on_a_full_disk_changes_fail_completely(tmp_path: Path) -> None:
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
        with pytest.raises(DocumentError, check=has_code("disk-full")):
            change()
        assert (document.plan, document.brief, texts(document)) == (PLAN, BRIEF, ["Loam.", "", ""])
    document.close()
    with Document.open(document.path) as again:
        assert (again.plan, again.brief, texts(again)) == (PLAN, BRIEF, ["Loam.", "", ""])
        assert again.undo_plan() is None


def test_streamed_text_survives_a_full_disk(tmp_path: Path) -> None:
    document = new_document(tmp_path)
    document.begin(SOIL.id, PROVENANCE, 0)
    fill(document)
    document.append(SOIL.id, LONG)
    with pytest.raises(DocumentError, check=has_code("disk-full")):
        document.flush()
    document.append(SOIL.id, "And the rest.")
    with pytest.raises(DocumentError, check=has_code("disk-full")):
        document.finish(SOIL.id, Status.DONE, Usage(1, 2, 3))
    with pytest.raises(DocumentError, check=has_code("disk-full")):
        document.finish(SOIL.id, Status.PARTIAL, Usage())  # as a recorder does after an error
    with pytest.raises(DocumentError, check=has_code("disk-full")):
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
def test_usage_survives_a_full_disk(tmp_path: Path, stored_by: Callable[[Document], None]) -> None:
    document = new_document(tmp_path)
    document.begin(SOIL.id, PROVENANCE, 0)
    fill(document)
    document.append(SOIL.id, LONG)
    for expected in (Usage(1, 2, 3), Usage(2, 4, 6)):
        document.add_usage(Usage(1, 2, 3))  # raises nothing
        assert document.usage == expected
        with Document.open(document.path, read_only=True) as other:
            assert other.usage == NO_USAGE
    with pytest.raises(DocumentError, check=has_code("disk-full")):
        document.flush()
    free(document)
    stored_by(document)
    with Document.open(document.path, read_only=True) as other:
        assert (other.usage, other.section(SOIL.id).text) == (Usage(2, 4, 6), LONG)
    document.close()
    with Document.open(document.path) as again:
        assert again.usage == Usage(2, 4, 6)  # counted once, not with each attempt


async def test_a_recording_on_a_full_disk_loses_no_text(tmp_path: Path) -> None:
    document = new_document(tmp_path)

    with pytest.raises(DocumentError, check=has_code("disk-full")):
        async with recording(document, UsageTracker()) as recorder:
            for position, section in enumerate((SOIL, WATER), 1):
                recorder.store(
                    SectionStarted(section.id, position, 3, section.title, section.words, False, 0, PROVENANCE)
                )
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


def test_closing_on_a_full_disk_reports_it_and_releases_the_file(tmp_path: Path) -> None:
    document = new_document(tmp_path)
    document.begin(SOIL.id, PROVENANCE, 0)
    document.append(SOIL.id, "Some words that are stored. ")
    document.flush()
    fill(document)
    document.append(SOIL.id, LONG)
    with pytest.raises(DocumentError, check=has_code("disk-full")):
        document.close()
    with Document.open(document.path) as again:
        assert not again.read_only
        assert again.section(SOIL.id).text == "Some words that are stored. "


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a real file system of one mebibyte."""
    mount_point = tmp_path / "disk"
    mount_point.mkdir()
    mount = shutil.which("mount")
    if mount is None or os.getuid() != 0:
        pytest.skip("mounting a file system requires root")
    mounted = subprocess.run([mount, "-t", "tmpfs", "-o", "size=1m", "tmpfs", mount_point], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("this system does not allow mounting a file system")
    yield mount_point
    subprocess.run(["umount", "-l", mount_point], check=True)


def fill_up(disk: Path) -> Path:
    """Fill a disk completely with one file, and return the file."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, pytest.raises(OSError) as full:
        while True:
            file.write(b"x" * 4096)
    assert full.value.errno == errno.ENOSPC
    return ballast


def test_a_really_full_disk_loses_no_text(small_disk: Path) -> None:
    document = new_document(small_disk)
    document.edit(WATER.id, "Daily.")
    document.begin(SOIL.id, PROVENANCE, 0)
    ballast = fill_up(small_disk)
    written = 0
    with pytest.raises(DocumentError, check=has_code("disk-full")):
        for _ in range(100):
            document.append(SOIL.id, LONG)
            written += 1
            document.flush()
    with pytest.raises(DocumentError, check=has_code("disk-full")):
        Document.create(small_disk / "new.lw", BRIEF, PLAN)
    assert not (small_disk / "new.lw").exists()
    with Document.open(document.path) as reader:
        assert reader.section(WATER.id).text == "Daily."
    ballast.unlink()
    document.finish(SOIL.id, Status.DONE, Usage())
    document.close()
    with Document.open(document.path) as again:
        assert texts(again) == [LONG * written, "Daily.", ""]


def test_usage_is_stored_once_a_full_disk_has_room_again(small_disk: Path) -> None:
    document = new_document(small_disk)
    ballast = fill_up(small_disk)
    for _ in range(100):
        document.add_usage(Usage(1, 2, 3))
    assert document.usage == Usage(100, 200, 300)
    with pytest.raises(DocumentError, check=has_code("disk-full")):
        document.flush()
    ballast.unlink()
    document.add_usage(Usage(1, 2, 3))  # stores the pending usage too
    with Document.open(document.path) as reader:
        assert reader.usage == Usage(101, 202, 303)
    document.close()
    with Document.open(document.path) as again:
        assert again.usage == Usage(101, 202, 303)


def test_on_a_nearly_full_disk_a_new_document_is_complete_or_absent(small_disk: Path) -> None:
    made = failed = 0
    for room in range(0, 256 * 1024, 8192):
        ballast = fill_up(small_disk)
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


def test_a_document_that_cannot_be_recovered_on_a_full_disk_can_be_read(small_disk: Path) -> None:
    with new_document(small_disk) as document:
        document.begin(SOIL.id, PROVENANCE, 0)
        document.append(SOIL.id, LONG * 10)
        document.flush()
        crash = small_disk / "crash"
        crash.mkdir()
        for name in ("tomatoes.lw", "tomatoes.lw-wal"):
            shutil.copy(small_disk / name, crash)
    ballast = fill_up(small_disk)
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
