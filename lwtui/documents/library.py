"""The folder of documents: listing it, naming new files, deleting so that it can be undone."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable
from contextlib import closing, suppress
from pathlib import Path

import regex

from lwtui.documents.database import SIDE_FILES, check_header, close_writer, connect_glance, connect_writer, explain
from lwtui.documents.model import Summary, title_from
from lwtui.documents.schema import moment
from lwtui.errors import DocumentError
from lwtui.files import FileLock, Locked
from lwtui.text import clean

TRASH = ".trash"
_MOST_BYTES = 200  # of a file's name; the names of its side files are longer, and 255 is what file systems take
# What some system forbids or a shell would trip over.
_NOT_IN_NAMES = frozenset('/\\:*?"<>|')
_RESERVED = regex.compile(r"(?i)(?:con|prn|aux|nul|com\d|lpt\d)(?=\.|$)")
# A section counts as far as its target; one that is done counts whole. What streams in now replaces the text before.
_SUMMARY = """
    SELECT d.title, d.instruction, d.words, d.model, d.changed,
        coalesce(sum(s.words), 0), coalesce(sum(coalesce(w.length, r.length, 0)), 0),
        coalesce(sum(CASE
            WHEN w.length IS NULL AND s.status = 'done' THEN s.words
            ELSE min(s.words, coalesce(w.length, r.length, 0)) END), 0)
    FROM document d LEFT JOIN section s ON s.position IS NOT NULL
        LEFT JOIN revision r ON r.id = s.revision LEFT JOIN stream w ON w.section_id = s.id
"""


def list_documents(folder: Path) -> list[Summary]:
    """A line for each ``.lw`` file in ``folder``, the last changed first; none if there is no folder.

    Opens nothing for writing. A file that cannot be read is listed with its ``problem``. Raises
    :class:`DocumentError` if the folder itself cannot be read. For many documents see
    :class:`lwtui.documents.library_index.LibraryIndex`.
    """
    return by_change(summary_of(Path(one.path)) for one in files_in(folder) if is_document(one.name))


def files_in(folder: Path) -> list[os.DirEntry[str]]:
    """All that is in ``folder``; nothing if there is none. Raises :class:`DocumentError`."""
    try:
        with os.scandir(folder) as found:
            return list(found)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise DocumentError(f"Cannot read {folder}: {error.strerror}. Check the folder and its permissions.") from None


def is_document(name: str) -> bool:
    """Whether a file of that name is to be listed."""
    return name.endswith(".lw") and not name.startswith(".")


def by_change(summaries: Iterable[Summary]) -> list[Summary]:
    """The last changed first."""
    return sorted(summaries, key=lambda one: (-one.changed, one.path))


def new_path(folder: Path, title: str) -> Path:
    """A path in ``folder`` for a document called ``title``: a plain file name that is not taken."""
    number = 1
    while True:
        ending = ".lw" if number == 1 else f" {number}.lw"
        path = folder / (safe_name(title, _MOST_BYTES - len(ending)) + ending)
        if not _is_taken(path):
            return path
        number += 1


def safe_name(title: str, most: int = _MOST_BYTES - 10) -> str:
    """A file name without its ending for ``title``: plain, at most ``most`` bytes long, and never empty."""
    name = "".join(one if one.isprintable() and one not in _NOT_IN_NAMES else " " for one in clean(title))
    name = " ".join(name.split()).lstrip(". ")
    if _RESERVED.match(name):
        name = f"{name.partition('.')[0]} document"
    return _cut(name, most).rstrip(". ") or "Untitled"


def move_to_trash(path: Path) -> Path:
    """Move a document (with its SQLite side files) into the ``.trash`` folder beside it; where it is now.

    Raises :class:`DocumentError` if it is open somewhere or cannot be moved.
    """
    return _move(path, path.parent / TRASH)


def restore_from_trash(trashed: Path) -> Path:
    """Bring a document back beside the trash; where it is now, which is another name if its own is taken."""
    return _move(trashed, trashed.parent.parent)


def _move(path: Path, folder: Path) -> Path:
    if not path.exists():
        raise DocumentError(f"There is no document at {path}. It may have been moved.")
    try:
        folder.mkdir(exist_ok=True)
        lock = FileLock.acquire(path)
    except Locked as holder:
        raise DocumentError(f"{path.name} is open {holder}. Close it there first.") from None
    except OSError as error:
        raise explain(error, path) from error
    try:
        _fold_log(path)
        target = _free(folder / path.name)
        path.rename(target)
        for side in SIDE_FILES:
            with suppress(FileNotFoundError):
                Path(f"{path}{side}").rename(f"{target}{side}")
    except OSError as error:
        raise explain(error, path) from error
    finally:
        lock.release()
    return target


def _fold_log(path: Path) -> None:
    """Put what stands in a log beside the document into it, where it is one that can be opened."""
    with suppress(DocumentError, sqlite3.Error):  # one that is damaged may be thrown away all the same
        check_header(path)
        close_writer(connect_writer(path))


def summary_of(path: Path) -> Summary:
    """A document's line; with a ``problem`` if it cannot be read."""
    try:
        check_header(path)
        with closing(connect_glance(path)) as db:
            row = db.execute(_SUMMARY).fetchone()
    except DocumentError as error:
        return _with_problem(path, str(error))
    except (sqlite3.Error, OSError) as error:
        return _with_problem(path, str(explain(error, path)))
    title, instruction, words, model, changed, planned, written, counted = row
    if title is None:
        return _with_problem(path, f"{path} is damaged (it has no contents). Restore it from a backup.")
    return Summary(
        path=str(path),
        title=title or title_from(instruction),
        words=written,
        target=planned or words,
        progress=counted / planned if planned else 0.0,
        changed=moment(changed),
        model=model,
    )


def _with_problem(path: Path, problem: str) -> Summary:
    try:
        changed = path.lstat().st_mtime
    except OSError:
        changed = 0.0
    return Summary(str(path), path.stem, 0, 0, 0.0, changed, "", problem)


def _cut(name: str, most: int) -> str:
    """The beginning of ``name`` in at most ``most`` bytes, in whole characters."""
    return name.encode("utf-8")[:most].decode("utf-8", "ignore")


def _is_taken(path: Path) -> bool:
    """Whether the name is used, if only by the log of a document that is gone."""
    return any(Path(f"{path}{side}").exists() for side in ("", *SIDE_FILES))


def _free(path: Path) -> Path:
    """``path``, or the same with the first number that makes it free."""
    number, stem = 1, path.stem
    while _is_taken(path):
        number += 1
        path = path.with_name(f"{stem} {number}{path.suffix}")
    return path
