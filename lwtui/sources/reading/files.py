"""Files as sources, by what they are: PDF, HTML, CSV, bibliographies, and all that lwtui imports."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from lwtui.documents.importing.encodings import decode
from lwtui.documents.importing.file_types import (
    ENDINGS,
    KNOWN_TYPES,
    PANDOC_ENDINGS,
    FileType,
    UnknownTypeError,
    file_type,
)
from lwtui.documents.importing.imported import Imported
from lwtui.documents.importing.reading import read_file
from lwtui.documents.plain_text import without_marks
from lwtui.errors import DocumentError
from lwtui.sources.csl import item_from
from lwtui.sources.model import ReadSource, Stretch
from lwtui.sources.reading.job import ReadJob, SourceError
from lwtui.sources.reading.page import read_page
from lwtui.sources.reading.passages import divide
from lwtui.sources.reading.pdf import read_pdf
from lwtui.sources.reading.properties import file_properties
from lwtui.sources.reading.records import RECORD_ENDINGS, Record, read_records, record_format
from lwtui.sources.reading.tables import table_rows
from lwtui.text import clean, one_line
from lwtui.translation import _

_TABLE_ENDINGS = ("csv", "tsv", "tab")
# What is read of a folder. A file that is named is read whatever its name ends in.
FOLDER_ENDINGS = frozenset({"pdf", *_TABLE_ENDINGS, *RECORD_ENDINGS, *ENDINGS, *PANDOC_ENDINGS} - {"json", "nwd"})
_MAX_BYTES = 500_000_000
_MAX_TEXT_BYTES = 50_000_000  # of a file that is parsed in this process
_HEAD = 4_096  # bytes
_PDF_WITHIN = 1_024  # bytes before which a PDF says that it is one
# How a source is called by pandoc's name for its format.
_KINDS = {"docx": "docx", "odt": "odt", "epub": "epub", "html": "html", "": "markdown"}
_CSL_TYPES = {"epub": "book", "csv": "dataset"}


@dataclass(frozen=True)
class ReadResult:
    """A source that was read, and what the user should know about that."""

    source: ReadSource
    notes: tuple[str, ...] = ()


def source_types() -> str:
    """Return a list of the types of files that can be sources."""
    return _("PDF, CSV, bibliographies (BibTeX, CSL-JSON, RIS), {imported}", imported=KNOWN_TYPES)


def read_path(path: Path, location: str, job: ReadJob, retrieved: str) -> Iterator[ReadResult]:
    """Read a file. A bibliography has several sources; they come one by one.

    Args:
        path: The file.
        location: How the user named it, for messages and the source.
        job: Reports progress, and can stop.
        retrieved: The day.

    Raises:
        SourceError: The file cannot be read as a source.
        DocumentError: The same, of a type that can be imported too.
        ReadStopped: The job was stopped.
        LwtuiError: A package is missing.
    """
    job.check()
    head = _head(path, location)
    ending = path.suffix.removeprefix(".").lower()
    if b"%PDF-" in head[:_PDF_WITHIN]:
        yield ReadResult(*read_pdf(path, location, job, retrieved))
    elif reader := record_format(path, head):
        records = read_records(_text(path, location), reader, path, location)
        yield from _records(records, path, location, job, retrieved)
    elif ending in _TABLE_ENDINGS:
        rows = table_rows(_text(path, location), location)
        yield ReadResult(_source("csv", path.stem, location, retrieved, rows))
    elif ending == "pdf":
        raise SourceError(
            _("{location} is not a PDF, whatever its name says. Download it again.", location=location),
            code="pdf-malformed",
        )
    else:
        yield _other(path, location, job, retrieved)


def _other(path: Path, location: str, job: ReadJob, retrieved: str) -> ReadResult:
    """Read HTML, or what lwtui imports."""
    data = _bytes(path, location, _MAX_BYTES)
    try:
        kind = file_type(path, data)
        if kind.reader == "html":
            return ReadResult(read_page(data, location, job, retrieved))
        if not kind.is_binary and len(data) > _MAX_TEXT_BYTES:
            raise _too_large(location, _MAX_TEXT_BYTES)
        imported = read_file(path)
        stretches = list(_stretches(imported))
    except DocumentError as error:
        raise _source_error(error, path, location) from None
    except RecursionError:
        raise SourceError(
            _("{location} is nested too deeply to be read. Add a part of it.", location=location), code="too-deep"
        ) from None
    notes = tuple(one_line(guess.remark()) for guess in imported.guesses[:1])
    return ReadResult(_described(imported, kind, data, location, retrieved, stretches), notes)


def _described(
    imported: Imported, kind: FileType, data: bytes, location: str, retrieved: str, stretches: list[Stretch]
) -> ReadSource:
    known = file_properties(data, kind.reader)
    name = "text" if kind.kind == "text" else _KINDS.get(kind.reader, "other")
    is_named = imported.title != Path(location).stem
    title = imported.title if is_named or not known.title else known.title
    source = _source(name, title, location, retrieved, stretches)
    item = item_from(
        _CSL_TYPES.get(name, "document"),
        title=title,
        author=imported.author or known.author,
        issued=imported.date or known.date,
        publisher=known.publisher,
        language=imported.language or known.language,
    )
    return replace(source, csl=item)


def _source(
    kind: str, title: str, location: str, retrieved: str, text: Iterator[Stretch] | list[Stretch]
) -> ReadSource:
    passages = divide(Stretch(clean(stretch.text), stretch.page) for stretch in text)
    if not passages:
        raise SourceError(_("{location} has no text. Add a file with text.", location=location), code="no-text")
    item = item_from(_CSL_TYPES.get(kind, "document"), title=title)
    return ReadSource(kind, title, location, retrieved, passages, item)


def _stretches(imported: Imported) -> Iterator[Stretch]:
    """Yield the headings and paragraphs of an imported file as plain text."""
    for part in imported.parts:
        if part.title:
            yield Stretch(part.title)
        for block in without_marks(part.text).split("\n\n"):
            yield Stretch(block)


def _records(records: list[Record], path: Path, location: str, job: ReadJob, retrieved: str) -> Iterator[ReadResult]:
    for number, record in enumerate(records, 1):
        job.check()
        job.pages(number, len(records))
        title = str(record.item.get("title") or record.key)
        abstract = divide([Stretch(record.abstract)]) if record.abstract else ()
        found = ReadSource("record", title, location, retrieved, abstract, record.item, record.key)
        notes = []
        if record.others:
            notes.append(
                _(
                    "{key}: its file is not below the folder of {location}, so it was not read. Add it by itself.",
                    key=record.key,
                    location=location,
                )
            )
        for file in record.files:
            if file.suffix.removeprefix(".").lower() in RECORD_ENDINGS:
                continue  # a bibliography that names itself
            beside = f"{Path(location).parent / file.relative_to(path.parent)}"
            try:
                result = next(read_path(file, beside, job, retrieved))
            except (SourceError, DocumentError) as error:
                notes.append(str(error))
                continue
            csl = {**result.source.csl, **record.item}
            found = replace(result.source, title=title, csl=csl, key=record.key)
            notes += result.notes
            break
        yield ReadResult(found, tuple(notes))


def _text(path: Path, location: str) -> str:
    try:
        return decode(_bytes(path, location, _MAX_TEXT_BYTES), path).text
    except DocumentError as error:
        raise _source_error(error, path, location) from None


def _source_error(error: DocumentError, path: Path, location: str) -> SourceError:
    told = str(error)
    if isinstance(error, UnknownTypeError):
        advice = _("Sources can be {types}; rename a plain text to end in .txt.", types=source_types())
        told = _("{problem} {advice}", problem=error.problem, advice=advice)
    return SourceError(told.replace(str(path), location), code=error.code)


def _head(path: Path, location: str) -> bytes:
    with _opened(path, location) as file:
        return file.read(_HEAD)


def _bytes(path: Path, location: str, most: int) -> bytes:
    with _opened(path, location) as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise _too_large(location, most)
    return data


@contextmanager
def _opened(path: Path, location: str) -> Iterator[BinaryIO]:
    try:
        if path.is_dir() or (path.exists() and not path.is_file()):
            raise SourceError(
                _("{location} is not a file. Name a file or a folder.", location=location), code="unreadable"
            )
        with path.open("rb") as file:
            yield file
    except FileNotFoundError:
        raise SourceError(
            _("There is no file {location}. Check the path.", location=location), code="not-found"
        ) from None
    except (OSError, ValueError) as error:  # ValueError for a name with a null byte
        reason = getattr(error, "strerror", None) or _("its name is not valid")
        raise SourceError(
            _("Cannot read {location}: {reason}. Check its permissions.", location=location, reason=reason),
            code="unreadable",
        ) from None


def _too_large(location: str, most: int) -> SourceError:
    return SourceError(
        _("{location} is larger than {size} MB. Divide it.", location=location, size=most // 1_000_000),
        code="too-large",
    )
