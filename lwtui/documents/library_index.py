"""What the documents of a folder are, read again only where a file has changed.

A thousand documents are listed in little more time than it takes to look at their files: what each is stands in
memory and, from one run to the next, in a small file in the cache folder. That file is never believed over a document.
An entry counts for a file of the same size and times alone, there is none for a document that is being written, and
where the file is missing, damaged or of another version all documents are read.
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
from lwtui.documents.library import by_change, files_in, is_document, summary_of
from lwtui.documents.model import Summary
from lwtui.documents.schema import VERSION
from lwtui.text import clean

_FORMAT = f"lwtui library 1.{VERSION}"
_MOST_KEPT = 10_000  # documents
_MOST_BYTES = 16_000_000  # of the file in the cache folder
_MOST_CHARACTERS = 1000  # of a title and a model's name; what has longer ones is read each time
_FIRST_SECONDS = 0.05  # of reading before the first list
_STEP_SECONDS = 0.2  # of reading between two lists
_SETTLED_SECONDS = 2.0  # a file may change twice in this time without having two times: some systems are no finer

Stamp = tuple[int, int, int]


@dataclass(frozen=True)
class _File:
    """``stamp`` is another one whenever what is in the file is; ``None`` where that cannot be told."""

    stamp: Stamp | None
    changed: float


class LibraryIndex:
    """Documents by path. The generators of :meth:`listings` may run in threads, also several of them at once."""

    def __init__(self, file: Path) -> None:
        """``file`` is where the summaries are kept between two runs."""
        self._file = file
        self._known: dict[str, tuple[Stamp, Summary]] | None = None

    def listings(self, folder: Path) -> Iterator[list[Summary]]:
        """All documents in ``folder``, the last changed first: soon, and again whenever more of them have been read.

        Those that have not been are in their places under their file's name, :attr:`Summary.unread`, or as they were
        when they were read last. Raises :class:`lwtui.errors.DocumentError` if the folder cannot be read.
        """
        known = self._recall()
        found = files_in(folder)
        names = {one.name for one in found}
        files = {str(folder / one.name): _look_at(one, names) for one in found if is_document(one.name)}
        shown, unread = {}, []
        for path, file in files.items():
            stamp, shown[path] = known.get(path) or (None, _unread(path, file.changed))
            if stamp is None or stamp != file.stamp:
                unread.append(path)
        unread.sort(key=lambda path: -files[path].changed)
        due = monotonic() + _FIRST_SECONDS
        for path in unread:
            shown[path] = self._read(path, files[path].stamp, known)
            if monotonic() > due:
                yield by_change(shown.values())
                due = monotonic() + _STEP_SECONDS
        yield by_change(shown.values())
        gone = [path for path in list(known) if path not in files]
        for path in gone:
            known.pop(path, None)
        if unread or gone:
            self._keep(known)

    def _read(self, path: str, stamp: Stamp | None, known: dict[str, tuple[Stamp, Summary]]) -> Summary:
        summary = summary_of(Path(path))
        if stamp is None or summary.problem or max(len(summary.title), len(summary.model)) > _MOST_CHARACTERS:
            known.pop(path, None)
        else:
            known[path] = (stamp, summary)
        return summary

    # -- from one run to the next

    def _recall(self) -> dict[str, tuple[Stamp, Summary]]:
        if self._known is None:
            try:
                self._known = self._stored()
            except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
                self._known = {}  # none yet, or nothing that this version wrote
        return self._known

    def _stored(self) -> dict[str, tuple[Stamp, Summary]]:
        with self._file.open("rb") as file:
            head, _, body = file.read(_MOST_BYTES).partition(b"\n")
        if head.decode("ascii") != _head(body):
            raise ValueError("another format, or damaged")
        return {path: (tuple(stamp), _summary(path, *rest)) for path, stamp, *rest in json.loads(body)}

    def _keep(self, known: dict[str, tuple[Stamp, Summary]]) -> None:
        rows = [
            (path, stamp, one.title, one.words, one.target, one.progress, one.changed, one.model)
            for path, (stamp, one) in list(known.items())[:_MOST_KEPT]
        ]
        body = json.dumps(rows).encode("ascii")
        # In one step, but not flushed to the disk: after a power cut all documents are read once more.
        with suppress(OSError):  # a full disk or a read-only home: the same
            self._file.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(prefix=f".{self._file.name}.", dir=self._file.parent)  # for its owner alone
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(_head(body).encode("ascii") + b"\n" + body)
                Path(name).replace(self._file)
            except OSError:
                Path(name).unlink()
                raise


def _head(body: bytes) -> str:
    return f"{_FORMAT} {crc32(body):08x}"


def _summary(path: str, title: str, words: int, target: int, progress: float, changed: float, model: str) -> Summary:
    return Summary(path, clean(title), words, target, progress, changed, clean(model))


def _look_at(entry: os.DirEntry[str], names: set[str]) -> _File:
    """``names`` are all that the folder has."""
    now = time()
    try:
        found = entry.stat(follow_symlinks=False)
    except OSError:
        return _File(None, 0.0)
    # What is being written, or was when its writer was killed, stands in a log beside the file. What a link leads to
    # may be anywhere.
    plain = stat.S_ISREG(found.st_mode) and not any(f"{entry.name}{side}" in names for side in SIDE_FILES)
    settled = max(found.st_mtime, found.st_ctime) < now - _SETTLED_SECONDS
    stamp = (found.st_size, found.st_mtime_ns, found.st_ctime_ns)
    return _File(stamp if plain and settled else None, found.st_mtime)


def _unread(path: str, changed: float) -> Summary:
    return Summary(path, clean(Path(path).stem), 0, 0, 0.0, changed, "", unread=True)
