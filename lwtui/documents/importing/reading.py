"""Reading of one file or folder, by what it is."""

from __future__ import annotations

import stat
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import regex

from lwtui.documents.footnotes import share_footnotes
from lwtui.documents.importing.dialects import SYNOPSIS, core_markdown, document_name
from lwtui.documents.importing.encodings import Decoded, check_encoding, declared_encoding, decode, guesses
from lwtui.documents.importing.file_types import (
    MARKDOWN,
    NOVELWRITER,
    TEXT,
    FileType,
    check_is_no_document,
    file_type,
    project_folder,
    unzipped,
)
from lwtui.documents.importing.front_matter import split_front_matter
from lwtui.documents.importing.imported import Imported, ImportedPart, ImportReport, count_kept, some
from lwtui.documents.importing.pandoc_reader import read_with_pandoc
from lwtui.documents.importing.sections import divide
from lwtui.documents.importing.text_file import is_markdown, normalized, read_plain_text, with_chapter_headings
from lwtui.errors import DocumentError
from lwtui.text import clean, count_words
from lwtui.translation import _

_LONG_TEXT = 2_000  # words, above which one section is worth telling
_MAX_BYTES = 500_000_000
_SYNOPSIS_LINE = regex.compile(rf"(?m)^[ \t]*{SYNOPSIS}(?P<text>[^\n]*)(?:\n|\Z)")
_XML_ENCODING = regex.compile(r"(?i)(<\?xml[^>]*?encoding=[\"'])[\w.-]+")
_PANDOC_NAMES = {"docx": "DOCX", "odt": "ODT", "rtf": "RTF", "html": "HTML", "epub": "EPUB", "fb2": "FB2"}


def read_file(source: Path, encoding: str = "") -> Imported:
    """Read a file or folder. It may take seconds, and may run in any thread.

    Args:
        source: The file or folder.
        encoding: The encoding of a text file; empty: find it out.

    Raises:
        DocumentError: The source cannot be read, or is of a type that lwtui does not know.
        UsageError: It is a document already, or there is no such encoding.
        LwtuiError: A package is missing; the message says what to install.
    """
    from lwtui.documents.importing.folders import read_folder

    source = source.expanduser()
    if encoding:
        check_encoding(encoding)
    if folder := project_folder(source):
        try:
            return _finished(read_folder(folder, encoding))
        except RecursionError:
            raise _too_deep(source) from None
    check_is_no_document(source)
    try:
        return _finished(read_part(source, encoding))
    except RecursionError:
        raise _too_deep(source) from None


def check_source(source: Path) -> None:
    """Check quickly that a file or folder can be imported, without converting it.

    Raises:
        DocumentError: It cannot be read, or is of a type that lwtui does not know.
        UsageError: It is a document already.
    """
    if project_folder(source):
        return
    check_is_no_document(source)
    data = _bytes(source)
    kind = file_type(source, data)
    if kind.kind != "pandoc":
        decode(data, source)


def read_text(source: Path, encoding: str = "") -> str:
    """Read a file of lwtui's own Markdown.

    Raises:
        DocumentError: It cannot be read.
    """
    return clean(decode(_bytes(source), source, encoding).text)


def read_part(source: Path, encoding: str = "") -> Imported:
    """Read a file that is a document or a part of one, whose footnotes are not yet shared between its sections."""
    data = _bytes(source)
    kind = file_type(source, data)
    report = ImportReport()
    if kind.is_binary or kind.reader == "rtf":
        return _from_pandoc(source, data, kind, report)
    if kind.reader == "fb2" and data.startswith(b"PK"):
        data = unzipped(data)
    decoded = _decoded(data, source, kind, encoding)
    found = () if decoded.guess is None else (decoded.guess, *(g for g in guesses(data) if g != decoded.guess))
    if decoded.guess is not None:
        report.remark(decoded.guess.remark())
    if decoded.bad:
        report.lose("damaged character (shown as \ufffd)", decoded.bad)
    if kind.kind == "pandoc":
        text = _XML_ENCODING.sub(r"\g<1>utf-8", decoded.text)
        return replace(_from_pandoc(source, text.encode("utf-8"), kind, report), guesses=found)
    text = normalized(decoded.text)
    if kind.kind == TEXT and not is_markdown(text):
        return replace(_from_text(source, text, report), guesses=found)
    if kind.kind == TEXT:
        report.remark(_("The file was read as Markdown: it has lines of their own that begin with #."))
    return replace(_from_markdown(source, text, report, kind), guesses=found)


def _decoded(data: bytes, source: Path, kind: FileType, encoding: str) -> Decoded:
    """Decode a text, in the encoding that it names itself if it is not UTF-8."""
    if not encoding and kind.kind == "pandoc" and (declared := declared_encoding(data)):
        try:
            data.decode("utf-8")
        except UnicodeDecodeError:
            if declared not in ("utf-8", "ascii"):
                return decode(data, source, declared)
    return decode(data, source, encoding)


def _from_markdown(source: Path, text: str, report: ImportReport, kind: FileType) -> Imported:
    name = document_name(text)
    front, text = split_front_matter(text)
    if front.others:
        report.lose("value of the front matter", len(front.others))
        report.remark(_("Left out of the front matter: {names}.", names=some(front.others)))
    if kind.kind in (MARKDOWN, NOVELWRITER, TEXT):
        text = with_chapter_headings(core_markdown(text, report), report)
    title, parts = divide(text, front.title)
    return Imported(
        title or name or source.stem,
        with_synopses(parts),
        report,
        author=front.author,
        language=front.language,
        date=front.date,
        folder=source.parent,
    )


def _from_text(source: Path, text: str, report: ImportReport) -> Imported:
    found = read_plain_text(text, report)
    title, parts = divide(found.text, found.title)
    return Imported(title or source.stem, tuple(parts), report, author=found.author)


def _from_pandoc(source: Path, data: bytes, kind: FileType, report: ImportReport) -> Imported:
    if not kind.expected:
        name = _PANDOC_NAMES.get(kind.reader, kind.reader)
        report.remark(
            _(
                "{name} is a file in {format}, whatever the ending of its name says, and was read as that.",
                name=source.name,
                format=name,
            )
        )
    found = read_with_pandoc(source, data, kind.reader, report)
    title, parts = divide(with_chapter_headings(clean(found.text), report), found.title)
    folder = None if kind.is_binary else source.parent
    return Imported(
        title or source.stem,
        tuple(parts),
        report,
        author=found.author,
        date=found.date,
        pictures=found.pictures,
        folder=folder,
    )


def with_synopses(parts: Sequence[ImportedPart]) -> tuple[ImportedPart, ...]:
    """Make the synopsis in a text the main point of its section."""
    result = []
    for part in parts:
        lines = [match["text"].strip() for match in _SYNOPSIS_LINE.finditer(part.text)]
        if lines:
            text = _SYNOPSIS_LINE.sub("", part.text).strip("\n")
            part = replace(part, text=regex.sub(r"\n{3,}", "\n\n", text), main_point=" ".join(lines))
        result.append(part)
    return tuple(result)


def _finished(imported: Imported) -> Imported:
    """Share the footnotes between the sections, and count what is in them."""
    texts = [part.text for part in imported.parts]
    texts = texts if imported.is_own else share_footnotes(texts)
    parts = tuple(replace(part, text=text) for part, text in zip(imported.parts, texts, strict=True))
    report = imported.report
    count_kept(parts, report)
    if len(parts) == 1 and not parts[0].title and count_words(parts[0].text) > _LONG_TEXT:
        report.remark(_("The file has no headings: the whole text is one section."))
    if synopses := sum(bool(part.main_point) for part in parts):
        report.keep("synopsis", synopses)
    if imported.notes:
        report.keep("note", len(imported.notes))
    if imported.author:
        report.remark(_("The author, for the title page of an export: {author}.", author=imported.author.rstrip(".")))
    return replace(imported, parts=parts)


def _too_deep(source: Path) -> DocumentError:
    return DocumentError(
        _("{source} is nested too deeply to be read. Import a part of it.", source=source), code="too-deep"
    )


def _bytes(source: Path) -> bytes:
    try:
        found = source.stat()
        if stat.S_ISCHR(found.st_mode) or stat.S_ISBLK(found.st_mode):
            raise DocumentError(_("{source} is a device. Name a file.", source=source), code="unknown-type")
        if found.st_size > _MAX_BYTES:
            raise DocumentError(
                _(
                    "{source} is larger than {size} MB. Divide it, or import it without its pictures.",
                    source=source,
                    size=_MAX_BYTES // 1_000_000,
                ),
                code="too-large",
            )
        return source.read_bytes()
    except FileNotFoundError:
        raise DocumentError(_("There is no file {source}. Check the path.", source=source), code="not-found") from None
    except IsADirectoryError:
        raise DocumentError(_("{source} is a folder. Name a file in it.", source=source), code="is-folder") from None
    except OSError as error:
        raise DocumentError(
            _("Cannot read {source}: {reason}. Check its permissions.", source=source, reason=error.strerror),
            code="unreadable",
        ) from None
