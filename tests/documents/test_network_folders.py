"""Documents in folders without shared memory or locks, as on the network, and in synchronized folders."""

from __future__ import annotations

import os
import platform
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from lwtui.documents import file_system
from lwtui.documents.conflicts import conflicting_copy
from lwtui.documents.database import document_error
from lwtui.documents.file_system import folder_kind, has_file_locks
from lwtui.documents.library import list_documents
from lwtui.documents.store import Document
from lwtui.errors import DocumentError
from tests.documents.support import SOIL, new_document, texts
from tests.errors import has_code
from tests.support.disk import connection

FAULTS = [
    "memory",
    "memory-locks",
    "locks",
    "flock",
    "memory,memory-locks,locks,flock",
]
WRITER = """
import os, sys
from pathlib import Path
from lwtui.documents.library import list_documents
from lwtui.documents.store import Document
from tests.documents.support import SOIL, new_document, texts
folder, ending = Path(sys.argv[1]), sys.argv[2]
path = folder / "tomatoes.lw"
document = Document.open(path) if path.exists() else new_document(folder)
assert not document.read_only, document.read_only_reason
document.edit(SOIL.id, f"{texts(document)[0]} {ending}")
with Document.open(path, read_only=True) as reader:
    print(texts(reader)[0])
second = Document.open(path)
print(second.read_only, "open in this window" in second.read_only_reason)
second.close()
print([entry.problem for entry in list_documents(folder)])
if ending == "crash":
    os._exit(9)
if ending == "wait":
    print("ready", flush=True)
    sys.stdin.readline()
document.close()
print(sorted(entry.name for entry in folder.iterdir()))
"""


@pytest.fixture(scope="session")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library that makes system calls fail; to load before others."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None or platform.system() != "Linux":
        pytest.skip("needs Linux and a C compiler")
    made = tmp_path_factory.mktemp("shim") / "broken_locks.so"
    source = Path(__file__).with_name("broken_locks.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-o", made, source, "-ldl"], check=True)
    return made


def write(shim: Path, broken: str, folder: Path, ending: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, folder, ending],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "LD_PRELOAD": str(shim), "BROKEN": broken},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("broken", FAULTS)
def test_a_document_is_written_and_read_without_shared_memory_or_locks(shim: Path, tmp_path: Path, broken: str) -> None:
    for ending, text in (("one", " one"), ("crash", " one crash"), ("two", " one crash two")):
        out, error = write(shim, broken, tmp_path, ending).communicate(timeout=60)
        assert out.startswith(f"{text}\nTrue True\n['']\n"), error
    assert out.endswith("['tomatoes.lw']\n")
    with Document.open(tmp_path / "tomatoes.lw") as document:  # and where everything works again
        assert not document.read_only and texts(document)[0] == " one crash two"


def test_the_log_that_a_crash_left_is_read_without_shared_memory(shim: Path, tmp_path: Path) -> None:
    write(shim, "", tmp_path, "crash").communicate(timeout=60)
    assert (tmp_path / "tomatoes.lw-wal").stat().st_size
    out, error = write(shim, "memory", tmp_path, "two").communicate(timeout=60)
    assert out.startswith(" crash two\n"), error


def test_only_one_program_writes_where_there_are_no_locks(shim: Path, tmp_path: Path) -> None:
    with write(shim, "locks,flock", tmp_path, "wait") as first:
        assert first.stdout is not None and first.stdin is not None
        while "ready" not in first.stdout.readline():
            assert first.poll() is None
        second = write(shim, "locks,flock", tmp_path, "two")
        _, error = second.communicate(timeout=60)
        assert second.returncode and f"process {first.pid} on {platform.node()}" in error
        first.stdin.write("\n")
        first.stdin.close()
        assert first.wait(timeout=60) == 0
    assert [entry.name for entry in tmp_path.iterdir()] == ["tomatoes.lw"]


def test_the_lock_of_another_machine_is_told_with_its_file(shim: Path, tmp_path: Path) -> None:
    write(shim, "flock", tmp_path, "one").communicate(timeout=60)
    owner = tmp_path / ".tomatoes.lw.owner"
    owner.write_text("12 another-machine")
    _, error = write(shim, "flock", tmp_path, "two").communicate(timeout=60)
    assert "process 12 on another-machine" in error and str(owner) in error
    owner.unlink()
    out, _ = write(shim, "flock", tmp_path, "two").communicate(timeout=60)
    assert out.startswith(" one two")


MOUNTS = """\
/dev/sda1 / ext4 rw 0 0
server:/home {top}/nfs nfs4 rw 0 0
//server/share {top}/smb\\040share cifs rw 0 0
C:\\134 {top}/wsl 9p rw 0 0
me@host:/ {top}/ssh fuse.sshfs rw 0 0
/dev/sdb1 {top}/usb fuseblk rw 0 0
"""


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("nfs/deep", "a network folder (NFS)"),
        ("smb share", "a network folder (SMB)"),
        ("wsl", "a network folder (9p, as Windows folders in WSL are)"),
        ("ssh", "a network folder (sshfs)"),
        ("usb", ""),
        ("nfs-not", ""),
        ("Dropbox/Books", "a folder that Dropbox synchronizes"),
        ("Dropbox (Home)", "a folder that Dropbox synchronizes"),
        ("OneDrive - Firm", "a folder that OneDrive synchronizes"),
        ("Library/Mobile Documents/x", "a folder that iCloud synchronizes"),
        ("Google Drive", "a folder that Google Drive synchronizes"),
        ("Nextcloud", "a folder that Nextcloud synchronizes"),
        ("onedrives", ""),
        ("synced/sub", "a folder that Syncthing synchronizes"),
    ],
)
def test_special_folders_are_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str, kind: str) -> None:
    (tmp_path / "mounts").write_text(MOUNTS.format(top=tmp_path))
    (tmp_path / "synced" / ".stfolder").mkdir(parents=True)
    monkeypatch.setattr(file_system, "_MOUNTS", tmp_path / "mounts")
    (tmp_path / folder).mkdir(parents=True, exist_ok=True)
    assert folder_kind(tmp_path / folder / "a.lw") == kind
    with new_document(tmp_path / folder) as document:
        (mode,) = connection(document).execute("PRAGMA journal_mode").fetchone()
        assert mode == ("delete" if kind else "wal")
        document.edit(SOIL.id, "Loam.")
        assert [entry.problem for entry in list_documents(tmp_path / folder)] == [""]
    failed = sqlite3.OperationalError("disk I/O error")
    failed.sqlite_errorcode = sqlite3.SQLITE_IOERR
    told = document_error(failed, tmp_path / folder / "a.lw")
    with pytest.raises(DocumentError, check=has_code("network-folder" if kind else "disk-failed")):
        raise told
    assert kind in str(told)


def test_a_folder_that_nobody_can_write_to_needs_no_locks(tmp_path: Path) -> None:
    assert has_file_locks(tmp_path / "a.lw") and has_file_locks(tmp_path / "none" / "a.lw")
    assert list(tmp_path.iterdir()) == []


def test_a_document_that_icloud_has_taken_away_is_told(tmp_path: Path) -> None:
    (tmp_path / ".a.lw.icloud").touch()
    with pytest.raises(DocumentError, check=has_code("not-downloaded")):
        Document.open(tmp_path / "a.lw")


@pytest.mark.parametrize(
    ("name", "original", "service"),
    [
        ("Walk (Mia's conflicted copy 2024-05-06).lw", "Walk.lw", "Dropbox"),
        ("Walk (conflicted copy 2024-05-06 101112).lw", "Walk.lw", "Nextcloud"),
        ("Walk (Case Conflict 2).lw", "Walk.lw", "Dropbox"),
        ("Walk (Mias in Konflikt stehende Kopie 2024-05-06).lw", "Walk.lw", "Dropbox"),
        ("Walk.sync-conflict-20240506-101112-ABCDEFG.lw", "Walk.lw", "Syncthing"),
        ("Walk_conflict-20240506-101112.lw", "Walk.lw", "Nextcloud"),
        ("Walk-DESKTOP-1A2B3C4.lw", "Walk.lw", "OneDrive"),
        ("Walk (SFConflict mia@e.org 2024-05-06-10-11-12).lw", "Walk.lw", "Seafile"),
        ("Walk.Conflict.lw", "Walk.lw", "Resilio"),
        ("Walk (conflict).lw", "Walk.lw", "service"),
        ("Walk 2.lw", "", ""),
        ("Walk (2024).lw", "", ""),
        ("The conflict.lw", "", ""),
        ("A conflicted copy.lw", "", ""),
        ("Conflict of Walk-DESKTOP.lw", "", ""),
    ],
)
def test_copies_after_a_conflict_are_known_by_their_names(name: str, original: str, service: str) -> None:
    found = conflicting_copy(Path(name))
    assert (found.original if found else "") == original
    assert found is None or service in found.service
