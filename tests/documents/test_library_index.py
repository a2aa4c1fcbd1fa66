"""The index of the library: a document is read again if and only if its file has changed."""

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
from lwtui.documents.model import LibraryEntry, Status
from lwtui.documents.store import Document
from lwtui.errors import DocumentError
from lwtui.models.usage import Usage
from tests.documents.support import PROVENANCE, SOIL, new_document
from tests.errors import has_code

ReadFolder = Callable[[LibraryIndex | None], list[str]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "documents"
    folder.mkdir()
    for name in ("a", "b", "c"):
        new_document(folder, f"{name}.lw").close()
    return folder


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "library.json"


@pytest.fixture
def read(folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> ReadFolder:
    """Return a function that lists the folder and returns which documents it read.

    It runs as if some seconds after the last change of the folder.
    """
    names: list[str] = []

    def read_entry(path: Path) -> LibraryEntry:
        names.append(path.stem)
        return library.read_entry(path)

    def read_folder(index: LibraryIndex | None = None) -> list[str]:
        names.clear()
        *_, last = (index or LibraryIndex(cache)).listings(folder)
        assert last == list_documents(folder)
        return sorted(names)

    monkeypatch.setattr(library_index, "read_entry", read_entry)
    monkeypatch.setattr(library_index, "time", lambda: time.time() + 10)
    return read_folder


def test_only_changed_documents_are_read_again(folder: Path, read: ReadFolder, cache: Path) -> None:
    index = LibraryIndex(cache)
    assert read(index) == ["a", "b", "c"]
    assert read(index) == []
    assert read(None) == []  # a new index, as in the next run
    with Document.open(folder / "b.lw") as document:
        document.edit(SOIL.id, "Loam.")
    assert read(index) == ["b"]
    (folder / "c.lw").rename(folder / "d.lw")
    (folder / "a.lw").unlink()
    assert read(index) == ["d"]
    assert [path for path, *_ in json.loads(cache.read_bytes().split(b"\n", 1)[1])] == [
        str(folder / "b.lw"),
        str(folder / "d.lw"),
    ]


def test_a_replaced_file_of_the_same_size_and_date_is_read_again(folder: Path, read: ReadFolder) -> None:
    for name, text in (("a", "Loam."), ("b", "Sand.")):
        with Document.open(folder / f"{name}.lw") as document:
            document.edit(SOIL.id, text)
    read(None)
    found = (folder / "a.lw").stat()
    copyfile(folder / "b.lw", folder / "a.lw")
    os.utime(folder / "a.lw", ns=(found.st_atime_ns, found.st_mtime_ns))
    assert (folder / "a.lw").stat().st_size == found.st_size
    assert read(None) == ["a"]


def test_recently_changed_documents_are_read_each_time(
    folder: Path, read: ReadFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library_index, "time", time.time)  # now, not some seconds later
    index = LibraryIndex(folder / "none")
    assert read(index) == ["a", "b", "c"]
    assert read(index) == ["a", "b", "c"]


def test_a_document_that_is_being_written_is_read_each_time(folder: Path, read: ReadFolder, cache: Path) -> None:
    index = LibraryIndex(cache)
    read(index)
    with Document.open(folder / "b.lw") as document:
        document.begin(SOIL.id, PROVENANCE, 0)
        for number in range(1, 4):
            document.append(SOIL.id, "word " * 20)
            document.flush()  # into the log: the file itself does not change
            assert read(index) == read(None) == ["b"]
            *_, last = index.listings(folder)
            assert max(entry.words for entry in last) == 20 * number
        for side in ("", "-wal"):  # as a killed writer leaves the files
            copyfile(f"{document.path}{side}", folder / f"killed.lw{side}")
        document.finish(SOIL.id, Status.DONE, Usage())
    assert read(index) == ["b", "killed"]
    assert read(index) == ["killed"]


def test_unreadable_and_linked_documents_are_read_each_time(folder: Path, read: ReadFolder, tmp_path: Path) -> None:
    (folder / "bad.lw").write_bytes(b"bad" * 100)
    (folder / "gone.lw").symlink_to(tmp_path / "nowhere")
    (folder / "a.lw").rename(tmp_path / "a.lw")
    (folder / "a.lw").symlink_to(tmp_path / "a.lw")
    read(None)
    assert read(None) == ["a", "bad", "gone"]


def _with_checksum(rows: object) -> bytes:
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
        lambda stored: _with_checksum({"a": 1}),
        lambda stored: _with_checksum([["a.lw"]]),
        lambda stored: _with_checksum([["a.lw", 5, 1, 2, 3, 4, 5, 6]]),
        lambda stored: stored.partition(b"\n")[0] + b"\n" + b"[" * 100_000,
    ],
)
def test_a_damaged_or_foreign_cache_is_replaced(read: ReadFolder, cache: Path, spoil: Callable[[bytes], bytes]) -> None:
    read(None)
    cache.write_bytes(spoil(cache.read_bytes()))
    assert read(None) == ["a", "b", "c"]
    assert read(None) == []


def test_the_cache_is_private_and_contains_no_text(folder: Path, read: ReadFolder, cache: Path) -> None:
    with Document.open(folder / "b.lw") as document:
        document.edit(SOIL.id, "Loam holds water.")
    read(None)
    assert cache.stat().st_mode & 0o777 == 0o600
    assert b"Loam" not in cache.read_bytes()
    assert [file.name for file in cache.parent.iterdir()] == [cache.name]


def test_without_a_cache_all_documents_are_listed(read: ReadFolder, cache: Path) -> None:
    cache.parent.write_text("a file where the folder should be")
    assert read(None) == ["a", "b", "c"]
    assert read(None) == ["a", "b", "c"]


def test_a_listing_comes_before_all_documents_are_read(
    folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seconds in ("_FIRST_SECONDS", "_STEP_SECONDS"):
        monkeypatch.setattr(library_index, seconds, -1.0)
    for age, name in enumerate("acb"):
        os.utime(folder / f"{name}.lw", (0, 1e9 - age))
    first, *_, last = LibraryIndex(cache).listings(folder)
    first_entry = next(entry for entry in first if not entry.unread)
    assert Path(first_entry.path).stem == "a"
    assert [entry.title for entry in first if entry.unread] == ["c", "b"]  # the last changed first
    assert last == list_documents(folder)
    assert not any(entry.unread for entry in last)


def test_an_unreadable_folder_is_an_error_and_a_missing_one_is_empty(tmp_path: Path, cache: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(DocumentError, check=has_code("unreadable")):
        list(LibraryIndex(cache).listings(tmp_path / "file"))
    assert list(LibraryIndex(cache).listings(tmp_path / "none")) == [[]]
