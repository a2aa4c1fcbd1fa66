"""The documents of a folder are read again only where a file has changed, and always where one has."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from shutil import copyfile
from zlib import crc32

import pytest

from lwtui.documents import library, library_index
from lwtui.documents.library import list_documents
from lwtui.documents.library_index import LibraryIndex
from lwtui.documents.model import Status, Summary
from lwtui.documents.store import Document
from lwtui.errors import DocumentError
from lwtui.models.usage import Usage
from tests.documents.support import MADE, SOIL, new_document

Reading = Callable[[LibraryIndex | None], list[str]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "documents"
    folder.mkdir()
    for name in ("a", "b", "c"):
        new_document(folder, f"{name}.lw").close()
    return folder


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "library.json"


@pytest.fixture
def read(folder: Path, kept: Path, monkeypatch: pytest.MonkeyPatch) -> Reading:
    """List the folder, some seconds after it was changed; the names of the documents that were read for it."""
    were_read: list[str] = []

    def summary_of(path: Path) -> Summary:
        were_read.append(path.stem)
        return library.summary_of(path)

    def listed(used: LibraryIndex | None = None) -> list[str]:
        were_read.clear()
        *_, last = (used or LibraryIndex(kept)).listings(folder)
        assert last == list_documents(folder)
        return sorted(were_read)

    monkeypatch.setattr(library_index, "summary_of", summary_of)
    monkeypatch.setattr(library_index, "time", lambda: time.time() + 10)
    return listed


def test_what_has_not_changed_is_read_once_and_what_has_is_read_again(folder: Path, read: Reading, kept: Path) -> None:
    same = LibraryIndex(kept)
    assert read(same) == ["a", "b", "c"]
    assert read(same) == []
    assert read(None) == []  # another run
    with Document.open(folder / "b.lw") as document:
        document.edit(SOIL.id, "Loam.")
    assert read(same) == ["b"]
    (folder / "c.lw").rename(folder / "d.lw")
    (folder / "a.lw").unlink()
    assert read(same) == ["d"]
    assert [path for path, *_ in json.loads(kept.read_bytes().split(b"\n", 1)[1])] == [
        str(folder / "b.lw"),
        str(folder / "d.lw"),
    ]


def test_a_file_of_the_same_size_and_date_is_another_all_the_same(folder: Path, read: Reading) -> None:
    for name, text in (("a", "Loam."), ("b", "Sand.")):
        with Document.open(folder / f"{name}.lw") as document:
            document.edit(SOIL.id, text)
    read(None)
    found = (folder / "a.lw").stat()
    copyfile(folder / "b.lw", folder / "a.lw")
    os.utime(folder / "a.lw", ns=(found.st_atime_ns, found.st_mtime_ns))
    assert (folder / "a.lw").stat().st_size == found.st_size
    assert read(None) == ["a"]


def test_what_changed_a_moment_ago_is_not_relied_on(
    folder: Path, read: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library_index, "time", time.time)  # now, not some seconds later
    same = LibraryIndex(folder / "none")
    assert read(same) == ["a", "b", "c"]
    assert read(same) == ["a", "b", "c"]


def test_a_document_that_is_being_written_is_read_each_time(folder: Path, read: Reading, kept: Path) -> None:
    same = LibraryIndex(kept)
    read(same)
    with Document.open(folder / "b.lw") as document:
        document.begin(SOIL.id, MADE, 0)
        for number in range(1, 4):
            document.append(SOIL.id, "word " * 20)
            document.flush()  # into the log: the file itself stays as it is
            assert read(same) == read(None) == ["b"]
            *_, last = same.listings(folder)
            assert max(one.words for one in last) == 20 * number
        for side in ("", "-wal"):  # as a killed writer leaves them
            copyfile(f"{document.path}{side}", folder / f"killed.lw{side}")
        document.finish(SOIL.id, Status.DONE, Usage())
    assert read(same) == ["b", "killed"]
    assert read(same) == ["killed"]


def test_documents_that_cannot_be_read_or_lie_elsewhere_are_tried_each_time(
    folder: Path, read: Reading, tmp_path: Path
) -> None:
    (folder / "bad.lw").write_bytes(b"bad" * 100)
    (folder / "gone.lw").symlink_to(tmp_path / "nowhere")
    (folder / "a.lw").rename(tmp_path / "a.lw")
    (folder / "a.lw").symlink_to(tmp_path / "a.lw")
    read(None)
    assert read(None) == ["a", "bad", "gone"]


def _with_sum(rows: object) -> bytes:
    body = json.dumps(rows).encode()
    return f"{library_index._FORMAT} {crc32(body):08x}\n".encode() + body


@pytest.mark.parametrize(
    "spoil",
    [
        lambda stored: b"",
        lambda stored: stored[: len(stored) // 2],
        lambda stored: stored.replace(b"Tomatoes", b"Potatoes"),
        lambda stored: stored.replace(b"lwtui library 1.", b"lwtui library 0."),
        lambda stored: b"\xff\x00" * 99,
        lambda stored: _with_sum({"a": 1}),
        lambda stored: _with_sum([["a.lw"]]),
        lambda stored: _with_sum([["a.lw", 5, 1, 2, 3, 4, 5, 6]]),
        lambda stored: stored.partition(b"\n")[0] + b"\n" + b"[" * 100_000,
    ],
)
def test_a_damaged_or_foreign_cache_is_made_anew(read: Reading, kept: Path, spoil: Callable[[bytes], bytes]) -> None:
    read(None)
    kept.write_bytes(spoil(kept.read_bytes()))
    assert read(None) == ["a", "b", "c"]
    assert read(None) == []


def test_the_cache_is_for_its_owner_alone_and_holds_no_text(folder: Path, read: Reading, kept: Path) -> None:
    with Document.open(folder / "b.lw") as document:
        document.edit(SOIL.id, "Loam holds water.")
    read(None)
    assert kept.stat().st_mode & 0o777 == 0o600
    assert b"Loam" not in kept.read_bytes()
    assert [one.name for one in kept.parent.iterdir()] == [kept.name]


def test_without_a_place_for_the_cache_all_is_listed(read: Reading, kept: Path) -> None:
    kept.parent.write_text("a file where the folder should be")
    assert read(None) == ["a", "b", "c"]
    assert read(None) == ["a", "b", "c"]


def test_the_list_is_there_before_all_is_read(folder: Path, kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for seconds in ("_FIRST_SECONDS", "_STEP_SECONDS"):
        monkeypatch.setattr(library_index, seconds, -1.0)
    for age, name in enumerate("acb"):
        os.utime(folder / f"{name}.lw", (0, 1e9 - age))
    first, *_, last = LibraryIndex(kept).listings(folder)
    read_at_once = next(one for one in first if not one.unread)
    assert Path(read_at_once.path).stem == "a"
    assert [one.title for one in first if one.unread] == ["c", "b"]  # the last changed first
    assert last == list_documents(folder)
    assert not any(one.unread for one in last)


def test_a_folder_that_cannot_be_read_is_told_and_none_is_empty(tmp_path: Path, kept: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(DocumentError, match="Cannot read"):
        list(LibraryIndex(kept).listings(tmp_path / "file"))
    assert list(LibraryIndex(kept).listings(tmp_path / "none")) == [[]]
