"""The index of the library: lists a folder, and reads only the documents that have changed.

Entries are kept in memory, and between runs in a small cache file, so that listing a thousand documents takes little
longer than a ``stat`` of each. The cache never overrides a document: an entry is valid only for a file of the same
size and times, a document that is being written has no entry, and without a usable cache all documents are read.
"""

from __future__ import annotations

import json
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, time
from zlib import crc32

from lwtui.documents.database import SIDE_FILES
from lwtui.documents.library import is_document, newest_first, read_entry, scan_folder
from lwtui.documents.model import LibraryEntry
from lwtui.documents.schema import VERSION
from lwtui.text import clean

_FORMAT = f"lwtui library 1.{VERSION}"
_MAX_ENTRIES = 10_000
_MAX_CACHE_BYTES = 16_000_000
_MAX_TEXT = 1000  # characters of a title or a model's name; documents with longer ones are not cached
_FIRST_SECONDS = 0.05  # of reading before the first listing
_STEP_SECONDS = 0.2  # of reading between two listings
_SETTLED_SECONDS = 2.0  # within this time two changes may have the same time stamp on some file systems

Stamp = tuple[int, int, int]


@dataclass(frozen=True)
class _File:
    """A file of the folder.

    Attributes:
        stamp: Changes whenever the contents of the file change; ``None`` if that cannot be guaranteed.
        changed: The time of the last change, in seconds since the epoch.
    """

    stamp: Stamp | None
    changed: float


class LibraryIndex:
    """The index of a library. Several :meth:`listings` may run at once, in different threads."""

    def __init__(self, cache: Path) -> None:
        """Create an index that keeps its entries in the file ``cache`` between runs."""
        self._cache = cache
        self._known: dict[str, tuple[Stamp, LibraryEntry]] | None = None

    def listings(self, folder: Path) -> Iterator[list[LibraryEntry]]:
        """List the documents in a folder, quickly at first and again whenever more of them have been read.

        Yields:
            All documents, the last changed first. Documents that have not been read yet appear as they were when they
            were last read, or by their file name (:attr:`LibraryEntry.unread`).

        Raises:
            DocumentError: The folder cannot be read.
        """
        known = self._load()
        found = scan_folder(folder)
        names = {entry.name for entry in found}
        files = {str(folder / entry.name): _stat(entry, names) for entry in found if is_document(entry.name)}
        shown, unread = {}, []
        for path, file in files.items():
            stamp, shown[path] = known.get(path) or (None, _unread_entry(path, file.changed))
            if stamp is None or stamp != file.stamp:
                unread.append(path)
        unread.sort(key=lambda path: -files[path].changed)
        due = monotonic() + _FIRST_SECONDS
        for path in unread:
            shown[path] = self._read(path, files[path].stamp, known)
            if monotonic() > due:
                yield newest_first(shown.values())
                due = monotonic() + _STEP_SECONDS
        yield newest_first(shown.values())
        gone = [path for path in list(known) if path not in files]
        for path in gone:
            known.pop(path, None)
        if unread or gone:
            self._save(known)

    def _read(self, path: str, stamp: Stamp | None, known: dict[str, tuple[Stamp, LibraryEntry]]) -> LibraryEntry:
        entry = read_entry(Path(path))
        if stamp is None or entry.problem or max(len(entry.title), len(entry.model)) > _MAX_TEXT:
            known.pop(path, None)
        else:
            known[path] = (stamp, entry)
        return entry

    # -- the cache

    def _load(self) -> dict[str, tuple[Stamp, LibraryEntry]]:
        if self._known is None:
            try:
                self._known = self._read_cache()
            except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
                self._known = {}  # there is no cache yet, or this version did not write it
        return self._known

    def _read_cache(self) -> dict[str, tuple[Stamp, LibraryEntry]]:
        with self._cache.open("rb") as file:
            header, _, body = file.read(_MAX_CACHE_BYTES).partition(b"\n")
        if header.decode("ascii") != _header(body):
            raise ValueError("another format, or damaged")
        return {path: (tuple(stamp), _entry(path, *rest)) for path, stamp, *rest in json.loads(body)}

    def _save(self, known: dict[str, tuple[Stamp, LibraryEntry]]) -> None:
        rows = [
            (path, stamp, entry.title, entry.words, entry.target, entry.progress, entry.changed, entry.model)
            for path, (stamp, entry) in list(known.items())[:_MAX_ENTRIES]
        ]
        body = json.dumps(rows).encode("ascii")
        # Replaced in one step but not flushed: if a power cut loses the cache, all documents are read once more.
        with suppress(OSError):  # the same on a full disk or in a read-only home
            self._cache.parent.mkdir(parents=True, exist_ok=True)
            # mkstemp makes the file private to its owner.
            handle, name = tempfile.mkstemp(prefix=f".{self._cache.name}.", dir=self._cache.parent)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(_header(body).encode("ascii") + b"\n" + body)
                Path(name).replace(self._cache)
            except OSError:
                Path(name).unlink()
                raise


def _header(body: bytes) -> str:
    return f"{_FORMAT} {crc32(body):08x}"


def _entry(path: str, title: str, words: int, target: int, progress: float, changed: float, model: str) -> LibraryEntry:
    return LibraryEntry(path, clean(title), words, target, progress, changed, clean(model))


def _stat(entry: os.DirEntry[str], names: set[str]) -> _File:
    """Return the stamp and time of a file. ``names`` are the names of all files in its folder."""
    now = time()
    try:
        found = entry.stat(follow_symlinks=False)
    except OSError:
        return _File(None, 0.0)
    # A document that is being written, or whose writer was killed, has its changes in a log beside the file. The
    # target of a symbolic link may change unnoticed.
    plain = stat.S_ISREG(found.st_mode) and not any(f"{entry.name}{side}" in names for side in SIDE_FILES)
    settled = max(found.st_mtime, found.st_ctime) < now - _SETTLED_SECONDS
    stamp = (found.st_size, found.st_mtime_ns, found.st_ctime_ns)
    return _File(stamp if plain and settled else None, found.st_mtime)


def _unread_entry(path: str, changed: float) -> LibraryEntry:
    return LibraryEntry(path, clean(Path(path).stem), 0, 0, 0.0, changed, "", unread=True)
