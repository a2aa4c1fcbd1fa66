"""Adding of sources to a document: files, folders and web addresses, one after the other."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

import regex

from lwtui.errors import DocumentError, LwtuiError, UsageError
from lwtui.sources.csl import accessed
from lwtui.sources.model import ReadSource, Source
from lwtui.sources.reading.files import FOLDER_ENDINGS, ReadResult, read_path, source_types
from lwtui.sources.reading.job import ReadJob, ReadStopped, SourceError
from lwtui.sources.reading.page import read_page
from lwtui.sources.reading.records import RECORD_ENDINGS
from lwtui.sources.reading.web import Fetched, PageFetcher
from lwtui.sources.store import SourceStore
from lwtui.text import one_line
from lwtui.translation import _

_SCHEME = regex.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]+)://")
_MAX_FILES = 10_000  # of a folder
# What a server may send that is no page, and the ending by which it is read.
_MEDIA_TYPES = {
    "application/pdf": "pdf",
    "application/x-pdf": "pdf",
    "text/csv": "csv",
    "text/tab-separated-values": "tsv",
    "text/markdown": "md",
    "text/x-markdown": "md",
    "text/plain": "txt",
    "application/epub+zip": "epub",
    "application/vnd.oasis.opendocument.text": "odt",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/rtf": "rtf",
    "text/rtf": "rtf",
    "application/x-bibtex": "bib",
    "text/x-bibtex": "bib",
    "application/x-research-info-systems": "ris",
    "application/vnd.citationstyles.csl+json": "json",
}
_PAGES = ("text/html", "application/xhtml+xml")
_UNKNOWN = ("", "application/octet-stream", "binary/octet-stream", "application/download", "application/force-download")


@dataclass(frozen=True)
class AddedSource:
    """A source that is in the document now, and what the user should know about its reading."""

    source: Source
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class UnreadSource:
    """What cannot be a source, and why."""

    location: str
    problem: str


def locations(given: Sequence[str]) -> list[str]:
    """Return what to read: addresses and files as they are given, and the files in folders that can be sources.

    Raises:
        UsageError: There is no such file, a folder has none that can be a source, or it is no address of the web.
    """
    found: list[str] = []
    for name in given:
        check_location(name)
        found += [name] if is_address(name) else _paths(name)
    return list(dict.fromkeys(found))


def check_location(name: str) -> None:
    """Check that there is something at ``name`` that may be read: a file, a folder or an address of the web.

    Raises:
        UsageError: There is not. Whether an address can be reached is not tried.
    """
    if is_address(name):
        return
    if match := _SCHEME.match(name):
        raise UsageError(
            _(
                "{name} cannot be read: {scheme}:// is no address of the web. Use http:// or "
                "https://, or the path of a file.",
                name=one_line(name),
                scheme=match["scheme"],
            ),
            code="no-address",
        )
    try:
        exists = Path(name).expanduser().exists()
    except (OSError, ValueError, RuntimeError):  # RuntimeError: the home of nobody
        exists = False
    if not exists:
        raise UsageError(_("There is no file or folder {name}. Check the path.", name=one_line(name)), code="not-found")


def is_address(name: str) -> bool:
    """Tell whether ``name`` is an address of the web, not a path."""
    return name.lower().startswith(("http://", "https://"))


def _paths(name: str) -> list[str]:
    path = Path(name).expanduser()
    if not path.is_dir():
        return [os.path.normpath(name)]
    files = sorted(islice(_files(path), _MAX_FILES + 1))
    if not files:
        raise UsageError(
            _(
                "The folder {name} has no file that can be a source: {types}.",
                name=name,
                types=source_types(),
            ),
            code="no-sources",
        )
    if len(files) > _MAX_FILES:
        raise UsageError(
            _(
                "The folder {name} has more than {limit:,} files. Add its folders one by one.",
                name=name,
                limit=_MAX_FILES,
            )
        )
    # Bibliographies come first: what they say of a file is better than what the file says of itself.
    files.sort(key=lambda file: _ending(file) not in RECORD_ENDINGS)
    return [os.path.normpath(Path(name) / file.relative_to(path)) for file in files]


def _files(folder: Path) -> Iterator[Path]:
    for path, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in names:
            file = Path(path) / name
            if not name.startswith((".", "~$")) and _ending(file) in FOLDER_ENDINGS and file.is_file():
                yield file


def _ending(file: Path) -> str:
    return file.suffix.removeprefix(".").lower()


class LocationReader(Protocol):
    """Reads what is at a location."""

    def read(self, location: str) -> Generator[ReadResult, None, None]:
        """Read it; see :meth:`SourceReader.read`."""
        ...


class SourceReader:
    """Reads sources from where they are. It may be used in any thread, by one at a time."""

    def __init__(self, job: ReadJob, *, public_only: bool = False) -> None:
        """Create a reader. ``job`` reports progress, and can stop it. ``public_only``: nothing of the local network."""
        self._job = job
        self._fetcher = PageFetcher(job, public_only=public_only)

    def read(self, location: str) -> Generator[ReadResult, None, None]:
        """Read what is at a location of :func:`locations`; a bibliography has several sources.

        Raises:
            SourceError: It cannot be read as a source.
            ReadStopped: The job was stopped.
            LwtuiError: A package is missing, or the network cannot be used.
        """
        today = date.today()
        if not is_address(location):
            yield from read_path(Path(location).expanduser(), location, self._job, today.isoformat())
            return
        self._job.check()
        fetched = self._fetcher.fetch(location)
        for result in self._fetched(fetched, location, today.isoformat()):
            csl = {"URL": fetched.address, **result.source.csl, "accessed": accessed(today)}
            if result.source.kind not in ("web", "record"):
                csl.setdefault("type", "document")
            yield ReadResult(_at(result.source, _public(location, fetched), csl), result.notes)

    def _fetched(self, fetched: Fetched, location: str, today: str) -> Iterator[ReadResult]:
        ending = _ending_of(fetched)
        shown = _public(location, fetched)
        if not ending:
            yield ReadResult(
                read_page(fetched.body, shown, self._job, today, address=fetched.address, encoding=fetched.encoding)
            )
            return
        with TemporaryDirectory(prefix="lwtui-") as folder:
            path = Path(folder) / f"{_name(fetched.address)}.{ending}"
            path.write_bytes(fetched.body)
            yield from read_path(path, shown, self._job, today)


def _ending_of(fetched: Fetched) -> str:
    """Return the ending by which something fetched is read; empty for a page in HTML."""
    start = fetched.body[:1_024].lstrip()
    if b"%PDF-" in start:
        return "pdf"
    by_name = _ending(Path(regex.sub(r"[?#].*", "", fetched.address)))
    if fetched.media_type in _PAGES or regex.match(rb"(?i)<(?:!doctype html|html)\b", start):
        return ""
    if fetched.media_type == "text/plain" and by_name in FOLDER_ENDINGS:
        return by_name
    if fetched.media_type in _MEDIA_TYPES:
        return _MEDIA_TYPES[fetched.media_type]
    if by_name in FOLDER_ENDINGS and fetched.media_type in (*_UNKNOWN, "application/zip", "application/json"):
        return by_name
    if fetched.media_type in _UNKNOWN:
        raise SourceError(
            _("{address} does not say what it is. Download it, and add the file.", address=fetched.address),
            code="unknown-type",
        )
    raise SourceError(
        _(
            "{address} is {type}, which cannot be a source. Name a page, a PDF or a text.",
            address=fetched.address,
            type=fetched.media_type[:60],
        ),
        code="unknown-type",
    )


def _name(address: str) -> str:
    """Return a name for a file that was fetched, which is its title if it has no other."""
    last = regex.sub(r"[?#].*", "", address).rstrip("/").rpartition("/")[2].rpartition(".")[0]
    return regex.sub(r"[^\p{L}\p{N}._-]+", "-", one_line(last))[:80].strip(".-") or "page"


def _public(location: str, fetched: Fetched) -> str:
    """Return an address as the user gave it, unless it has a password in it."""
    host = location.partition("://")[2].partition("/")[0]
    return fetched.address if "@" in host else location


def _at(source: ReadSource, location: str, csl: dict[str, object]) -> ReadSource:
    return ReadSource(source.kind, source.title, location, source.retrieved, source.passages, csl, source.key)


def read_sources(
    names: Sequence[str],
    job: ReadJob,
    on_start: Callable[[str], None] | None = None,
    reader: LocationReader | None = None,
) -> Iterator[ReadResult | UnreadSource]:
    """Read sources, one after the other. A file that came with a bibliography is not read again by itself.

    Args:
        names: From :func:`locations`.
        job: Reports progress, and can stop.
        on_start: Called with each name before it is read.
        reader: Reads them; a :class:`SourceReader` by default.

    Yields:
        Each source that was read, and each that cannot be read.

    Raises:
        ReadStopped: The job was stopped.
        DocumentError: A file is a document.
        LwtuiError: A package is missing.
    """
    reader = reader or SourceReader(job)
    done: set[str] = set()
    for name in names:
        if name in done:
            continue
        if on_start is not None:
            on_start(name)
        try:
            with closing(reader.read(name)) as results:
                for result in results:
                    done.add(result.source.location)
                    yield result
        except (ReadStopped, DocumentError):
            raise
        except LwtuiError as error:
            if error.code == "missing-extra":
                raise
            yield UnreadSource(name, str(error))


def add_sources(
    store: SourceStore,
    names: Sequence[str],
    job: ReadJob,
    on_start: Callable[[str], None] | None = None,
    reader: LocationReader | None = None,
) -> Iterator[AddedSource | UnreadSource]:
    """Read sources as :func:`read_sources` does, and add them to a document. What was added stays if that is stopped.

    Args:
        store: The document's sources.
        names: From :func:`locations`.
        job: Reports progress, and can stop.
        on_start: Called with each name before it is read.
        reader: Reads them; a :class:`SourceReader` by default.

    Yields:
        Each source that was added, and each that cannot be read.

    Raises:
        ReadStopped: The job was stopped.
        DocumentError: A source cannot be stored.
        LwtuiError: A package is missing.
    """
    for result in read_sources(names, job, on_start, reader):
        if isinstance(result, UnreadSource):
            yield result
        else:
            yield AddedSource(store.add(result.source), result.notes)
