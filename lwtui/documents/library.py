"""The folder of documents: listing documents, naming new ones, and moving them to the trash and back."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable
from contextlib import closing, suppress
from pathlib import Path

from lwtui.documents.database import (
    SIDE_FILES,
    check_header,
    close_writer,
    connect_peek,
    connect_writer,
    document_error,
)
from lwtui.documents.model import LibraryEntry, title_from
from lwtui.documents.schema import clamp_time
from lwtui.errors import DocumentError
from lwtui.files import FileLock, FileLocked, move_file
from lwtui.system import is_reserved_name, max_name_length, retry_busy
from lwtui.text import clean
from lwtui.translation import _

TRASH = ".trash"
_SIDE_NAME_LENGTH = 24  # of what the names of temporary files and side files have more
_MAX_NAME_BYTES = 200  # file systems allow 255, and the names of side files are longer
# Characters that some systems forbid in file names, or that shells interpret.
_NOT_IN_NAMES = frozenset('/\\:*?"<>|')
# Progress counts a section up to its target, and in full when it is done. A streaming text replaces the old one.
_ENTRY_QUERY = """
    SELECT d.title, d.instruction, d.words, d.model, d.changed,
        coalesce(sum(s.words), 0), coalesce(sum(coalesce(w.length, r.length, 0)), 0),
        coalesce(sum(CASE
            WHEN w.length IS NULL AND s.status = 'done' THEN s.words
            ELSE min(s.words, coalesce(w.length, r.length, 0)) END), 0)
    FROM document d LEFT JOIN section s ON s.position IS NOT NULL
        LEFT JOIN revision r ON r.id = s.revision LEFT JOIN stream w ON w.section_id = s.id
"""


def list_documents(folder: Path) -> list[LibraryEntry]:
    """List the documents in a folder, the last changed first. A folder that does not exist is empty.

    A file that cannot be read is listed with its ``problem``. No file is opened for writing. For many documents,
    :class:`lwtui.documents.library_index.LibraryIndex` is faster.

    Raises:
        DocumentError: The folder cannot be read.
    """
    return newest_first(read_entry(Path(file.path)) for file in scan_folder(folder) if is_document(file.name))


def scan_folder(folder: Path) -> list[os.DirEntry[str]]:
    """Return all entries of a folder. A folder that does not exist is empty.

    Raises:
        DocumentError: The folder cannot be read.
    """
    try:
        with os.scandir(folder) as found:
            return list(found)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise DocumentError(
            _(
                "Cannot read {folder}: {reason}. Check the folder and its permissions.",
                folder=folder,
                reason=error.strerror,
            ),
            code="unreadable",
        ) from None


def is_document(name: str) -> bool:
    """Tell whether a file of this name is listed as a document."""
    return name.endswith(".lw") and not name.startswith(".")


def newest_first(entries: Iterable[LibraryEntry]) -> list[LibraryEntry]:
    """Sort documents, the last changed first."""
    return sorted(entries, key=lambda entry: (-entry.changed, entry.path))


def new_path(folder: Path, title: str) -> Path:
    """Return a free path in ``folder`` for a new document, named after its title."""
    number, longest = 1, min(_MAX_NAME_BYTES, max_name_length(folder) - _SIDE_NAME_LENGTH)
    while True:
        ending = ".lw" if number == 1 else f" {number}.lw"
        path = folder / (safe_name(title, longest - len(ending)) + ending)
        if not _is_taken(path):
            return path
        number += 1


def safe_name(title: str, max_bytes: int = _MAX_NAME_BYTES - 10) -> str:
    """Return a file name for a title, without an extension: portable, never empty, at most ``max_bytes`` long."""
    name = "".join(char if char.isprintable() and char not in _NOT_IN_NAMES else " " for char in clean(title))
    name = " ".join(name.split()).lstrip(". ")
    if is_reserved_name(name):
        name = f"{name.partition('.')[0]} document"
    return _truncate(name, max_bytes).rstrip(". ") or "Untitled"


def move_to_trash(path: Path) -> Path:
    """Move a document, with its SQLite side files, into the ``.trash`` folder beside it.

    Returns:
        The new path.

    Raises:
        DocumentError: The document is open, or cannot be moved.
    """
    return _move(path, path.parent / TRASH)


def restore_from_trash(trashed: Path) -> Path:
    """Move a document out of the trash, into the folder that contains the trash.

    Returns:
        The new path. It has a number if the old name is taken.

    Raises:
        DocumentError: The document cannot be moved.
    """
    return _move(trashed, trashed.parent.parent)


def _move(path: Path, folder: Path) -> Path:
    if not path.exists():
        raise DocumentError(_("There is no document at {path}. It may have been moved.", path=path), code="not-found")
    try:
        folder.mkdir(exist_ok=True)
        lock = FileLock.acquire(path)
    except FileLocked as holder:
        raise DocumentError(
            _("{name} is open {holder}. Close it there first.", name=path.name, holder=holder), code="open-elsewhere"
        ) from None
    except OSError as error:
        raise document_error(error, path) from error
    try:
        _merge_log(path)
        target = _free_path(folder / path.name)
        retry_busy(lambda: path.rename(target))
        for side in SIDE_FILES:
            with suppress(FileNotFoundError):
                move_file(Path(f"{path}{side}"), Path(f"{target}{side}"))
    except OSError as error:
        raise document_error(error, path) from error
    finally:
        lock.release()
    return target


def _merge_log(path: Path) -> None:
    """Write the changes in a document's log into the document, if it can be opened."""
    with suppress(DocumentError, sqlite3.Error):  # a damaged document can be deleted too
        check_header(path)
        close_writer(connect_writer(path))


def read_entry(path: Path) -> LibraryEntry:
    """Read what the library lists of a document. If it cannot be read, the entry has a ``problem``."""
    try:
        check_header(path)
        with closing(connect_peek(path)) as db:
            row = db.execute(_ENTRY_QUERY).fetchone()
    except DocumentError as error:
        return _with_problem(path, str(error))
    except (sqlite3.Error, OSError) as error:
        return _with_problem(path, str(document_error(error, path)))
    title, instruction, words, model, changed, planned, written, counted = row
    if title is None:
        return _with_problem(path, _("{path} is damaged (it is empty). Restore it from a backup.", path=path))
    return LibraryEntry(
        path=str(path),
        title=title or title_from(instruction),
        words=written,
        target=planned or words,
        progress=counted / planned if planned else 0.0,
        changed=clamp_time(changed),
        model=model,
    )


def _with_problem(path: Path, problem: str) -> LibraryEntry:
    try:
        changed = path.lstat().st_mtime
    except OSError:
        changed = 0.0
    return LibraryEntry(str(path), path.stem, 0, 0, 0.0, changed, "", problem)


def _truncate(name: str, max_bytes: int) -> str:
    """Truncate ``name`` to ``max_bytes`` in UTF-8, without splitting a character."""
    return name.encode("utf-8")[:max_bytes].decode("utf-8", "ignore")


def _is_taken(path: Path) -> bool:
    """Tell whether the name is in use, be it only by the log of a deleted document."""
    return any(Path(f"{path}{side}").exists() for side in ("", *SIDE_FILES))


def _free_path(path: Path) -> Path:
    """Return ``path`` if it is free, else the same path with the lowest number that is."""
    number, stem = 1, path.stem
    while _is_taken(path):
        number += 1
        path = path.with_name(f"{stem} {number}{path.suffix}")
    return path
