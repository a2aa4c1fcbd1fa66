"""Backups by day: made once a day, bounded in number, and restored as new documents."""

from __future__ import annotations

import os
import stat
from datetime import date, timedelta
from pathlib import Path

import pytest

from lwtui.documents.backups import back_up_today, find_backup, list_backups, restore_backup
from lwtui.documents.library import list_documents
from lwtui.documents.model import Brief, Plan, PlannedSection
from lwtui.documents.store import Document
from lwtui.errors import DocumentError
from tests.errors import has_code

PLAN = Plan("Soil", (PlannedSection("Loam", "What it is.", 50),))
DAY = date(2026, 12, 1)


@pytest.fixture
def document(tmp_path: Path) -> Path:
    path = tmp_path / "soil.lw"
    Document.create(path, Brief("Write about soil", 50), PLAN).close()
    return path


def write(path: Path, text: str) -> None:
    with Document.open(path) as document:
        document.edit(PLAN.sections[0].id, text)


def test_a_day_has_one_backup_of_its_beginning(document: Path) -> None:
    write(document, "one two")
    first = back_up_today(document, 3, DAY)
    assert first is not None
    write(document, "one two three")
    assert back_up_today(document, 3, DAY) is None
    (backup,) = list_backups(document)
    assert (backup.day, backup.words, backup.path) == (DAY, 2, first)
    assert [Path(entry.path).name for entry in list_documents(document.parent)] == ["soil.lw"]


def test_the_oldest_backups_are_removed_and_0_makes_none(document: Path) -> None:
    for back in range(5, 0, -1):
        write(document, "word " * back)
        assert back_up_today(document, 3, DAY - timedelta(back))
    assert [backup.words for backup in list_backups(document)] == [1, 2, 3]
    write(document, "no backup of this")
    assert back_up_today(document, 0, DAY) is None
    assert len(list_backups(document)) == 3


def test_a_document_that_has_not_changed_is_not_backed_up_again(document: Path) -> None:
    assert back_up_today(document, 3, DAY)
    assert back_up_today(document, 3, DAY + timedelta(1)) is None
    write(document, "changed")
    assert back_up_today(document, 3, DAY + timedelta(2))


def test_a_document_that_was_only_opened_is_not_backed_up_again(document: Path) -> None:
    backup = back_up_today(document, 3, DAY)
    assert backup
    Document.open(document).close()
    os.utime(document, (after := backup.stat().st_mtime + 60, after))  # whatever the clock's resolution
    assert back_up_today(document, 3, DAY + timedelta(1)) is None
    with Document.open(document):
        assert back_up_today(document, 3, DAY + timedelta(2)) is None
    assert [each.day for each in list_backups(document)] == [DAY]


def test_a_document_is_backed_up_again_if_it_is_older_or_the_last_backup_is_damaged(document: Path) -> None:
    old = document.read_bytes()
    write(document, "one two")
    assert back_up_today(document, 3, DAY)
    document.write_bytes(old)  # from elsewhere
    backup = back_up_today(document, 3, DAY + timedelta(1))
    assert backup
    backup.write_bytes(b"garbage" * 100)
    assert back_up_today(document, 3, DAY + timedelta(2))


def test_an_open_document_is_backed_up_with_all_that_is_written(document: Path) -> None:
    with Document.open(document) as opened:
        opened.edit(PLAN.sections[0].id, "just typed")
        opened.flush()
        assert back_up_today(document, 3, DAY)
        opened.edit(PLAN.sections[0].id, "typed after it")
    (backup,) = list_backups(document)
    with Document.open(backup.path, read_only=True) as copy:
        assert copy.sections()[0].text == "just typed"
    with Document.open(document, read_only=True) as opened:
        assert opened.sections()[0].text == "typed after it"


def test_a_backup_is_restored_as_a_new_document(document: Path) -> None:
    write(document, "old text")
    back_up_today(document, 3, DAY)
    write(document, "new text")
    restored = restore_backup(document, find_backup(document, "2026-12-01"))
    assert restored.name == "soil 2026-12-01.lw"
    again = restore_backup(document, find_backup(document, "2026-12-01"))
    assert again.name == "soil 2026-12-01 2.lw"
    for path, text in ((restored, "old text"), (document, "new text")):
        with Document.open(path) as opened:
            assert (opened.sections()[0].text, opened.read_only) == (text, False)


@pytest.mark.posix
def test_copies_have_the_permissions_of_new_files(document: Path) -> None:
    before = os.umask(0o027)
    try:
        backup = back_up_today(document, 3, DAY)
        restored = restore_backup(document, find_backup(document, "2026-12-01"))
    finally:
        os.umask(before)
    assert backup
    assert [stat.S_IMODE(path.stat().st_mode) for path in (backup, restored)] == [0o640, 0o640]


def test_what_cannot_be_restored_is_said(document: Path) -> None:
    back_up_today(document, 3, DAY)
    with pytest.raises(DocumentError, match="2026-12-01", check=has_code("not-found")):
        find_backup(document, "2026-12-02")
    backup = find_backup(document, "2026-12-01")
    backup.path.write_bytes(b"garbage" * 100)
    with pytest.raises(DocumentError, check=has_code("not-a-document")):
        restore_backup(document, backup)
    (document.parent / ".backups" / "soil" / "notes.lw").write_bytes(b"")  # no day: not a backup
    assert [each.day for each in list_backups(document)] == [DAY]
