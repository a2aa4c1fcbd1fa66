"""Atomic writes: a file has either its old contents or its new ones. Locks: a file has one holder at a time."""

from __future__ import annotations

import errno
import os
import stat
import threading
import time
from pathlib import Path

import pytest

from lwtui import system
from lwtui.files import FileLock, FileLocked, lock_path, move_file, write_atomically


def test_text_is_written_as_utf8_and_bytes_unchanged(tmp_path: Path) -> None:
    write_atomically(tmp_path / "text", "番茄\n")
    write_atomically(tmp_path / "bytes", b"\x00\xff\r\n")
    assert (tmp_path / "text").read_bytes() == "番茄\n".encode()
    assert (tmp_path / "bytes").read_bytes() == b"\x00\xff\r\n"
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.posix
def test_a_new_file_has_default_permissions_and_an_old_one_keeps_its_own(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_atomically(tmp_path / "new", "x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640
    (tmp_path / "new").chmod(0o600)
    write_atomically(tmp_path / "new", "y")
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o600
    assert (tmp_path / "new").read_text() == "y"


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failed_write_leaves_only_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    path = tmp_path / "file"
    path.write_text("old")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(f"os.{step}", full)
    with pytest.raises(OSError) as caught:
        write_atomically(path, "new")
    assert caught.value.errno == errno.ENOSPC
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_another_program_holds_for_a_moment_is_moved_on_windows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "new").write_text("new")
    (tmp_path / "file").write_text("old")
    replace, tried = os.replace, []

    def busy(source: Path, target: Path) -> None:
        tried.append(target)
        if len(tried) < 3:
            raise PermissionError(errno.EACCES, "The file is being used by another process")
        replace(source, target)

    monkeypatch.setattr("os.replace", busy)
    monkeypatch.setattr(system, "WINDOWS", True)
    monkeypatch.setattr(system, "_BUSY_SECONDS", 0)
    move_file(tmp_path / "new", tmp_path / "file")
    assert len(tried) == 3
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("file", "new")]


def test_an_invalid_path_is_an_os_error(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "none" / "file", tmp_path / "folder", tmp_path / ("n" * 300)):
        with pytest.raises(OSError):
            write_atomically(path, "x")
    assert list(tmp_path.iterdir()) == [tmp_path / "folder"]


@pytest.mark.posix
def test_a_reader_keeps_the_file_it_opened(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_atomically(path, "old")
    with path.open() as reader:
        write_atomically(path, "new and longer")
        assert reader.read() == "old"
    assert path.read_text() == "new and longer"


def test_a_lock_has_one_holder_and_leaves_no_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    first = FileLock.acquire(path)
    with pytest.raises(FileLocked):
        FileLock.acquire(path)
    first.release()
    second = FileLock.acquire(path)
    first.release()  # a second call does nothing, not even to the lock of the next holder
    with pytest.raises(FileLocked):
        FileLock.acquire(path)
    second.release()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.posix
def test_a_lock_file_that_its_holder_removes_meanwhile_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, real_open = tmp_path / "file", os.open
    before = FileLock.acquire(path)

    def open_before_the_release(*arguments: int) -> int:
        descriptor = real_open(*arguments)
        before.release()
        return descriptor

    monkeypatch.setattr("os.open", open_before_the_release)
    lock = FileLock.acquire(path)
    monkeypatch.undo()
    assert lock_path(path).exists()
    with pytest.raises(FileLocked):
        FileLock.acquire(path)
    lock.release()


def test_a_lock_that_many_race_for_has_one_holder_at_a_time(tmp_path: Path) -> None:
    path, rounds = tmp_path / "file", 100
    holders, most, acquired = set[int](), 0, 0

    def race(number: int) -> None:
        nonlocal most, acquired
        while acquired < rounds:
            try:
                lock = FileLock.acquire(path)
            except FileLocked:
                continue
            holders.add(number)
            most, acquired = max(most, len(holders)), acquired + 1
            time.sleep(0)
            holders.discard(number)
            lock.release()

    threads = [threading.Thread(target=race, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert acquired >= rounds
    assert most == 1
