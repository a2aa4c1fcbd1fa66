"""Records of a bibliography in BibTeX, CSL-JSON or RIS, with the files that they name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import regex

from lwtui.documents.export.export_job import ExportJob, ToolFailed
from lwtui.documents.export.pandoc import pandoc, require_packages
from lwtui.sources.csl import clean_item
from lwtui.sources.reading.job import SourceError
from lwtui.sources.titles import kept_words, mark_words
from lwtui.text import clean, one_line
from lwtui.translation import _

# Pandoc's names for the formats, by the ending of the name.
RECORD_ENDINGS = {"bib": "biblatex", "bibtex": "biblatex", "biblatex": "biblatex", "ris": "ris", "json": "csljson"}
_NAMES = {"biblatex": "BibTeX", "ris": "RIS", "csljson": "CSL-JSON"}
_MAX_RECORDS = 20_000
_MAX_PROBLEM = 150  # characters of what pandoc says
_ENTRY = regex.compile(r"@\s*\w+\s*[{(]\s*(?P<key>[^\s,{}()]+)\s*,")
_FILE_FIELD = regex.compile(r"(?i)[,\s]file\s*=\s*(?:\{(?P<braced>(?:[^{}]|\{[^{}]*\})*)\}|\"(?P<quoted>[^\"]*)\")")
_BRACED = regex.compile(r"\{(?:[^{}]|\{[^{}]*+\})*+\}")
_TITLE_FIELD = regex.compile(
    r"(?i)(?P<before>[,\s](?:title|subtitle|shorttitle|booktitle|booksubtitle|maintitle|mainsubtitle)\s*=\s*)"
    rf"(?:(?P<open>\{{)(?P<title>(?:[^{{}}]|{_BRACED.pattern})*+)(?P<close>\}})"
    r'|(?P<open>")(?P<title>[^"{}]*+)(?P<close>"))'
)
_MARKUP = regex.compile(r"</?(?:i|b|em|strong|sup|sub|sc|span)\b[^<>]{0,100}>")
_MEDIA_TYPE = regex.compile(r"[a-z]+/[\w.+-]+")
_MAX_FILES = 10  # of a record


@dataclass(frozen=True)
class Record:
    """A record of a bibliography.

    Attributes:
        key: Its citation key.
        item: The CSL-JSON item.
        abstract: Its abstract as plain text, or empty.
        files: The files that it names, of those below the folder of the bibliography.
        others: How many of its files are elsewhere, and not read.
    """

    key: str
    item: dict[str, Any]
    abstract: str
    files: tuple[Path, ...] = ()
    others: int = 0


def record_format(path: Path, head: bytes) -> str:
    """Return pandoc's name for the format of a bibliography; empty for another file."""
    reader = RECORD_ENDINGS.get(path.suffix.removeprefix(".").lower(), "")
    if reader == "csljson" and not (head.lstrip()[:1] == b"[" or b'"references"' in head):
        return ""  # a notebook or another JSON file
    return reader


def read_records(text: str, reader: str, path: Path, location: str) -> list[Record]:
    """Read the records of a bibliography.

    Args:
        text: The file's text.
        reader: Pandoc's name for its format.
        path: The file.
        location: How the user named it, for messages.

    Raises:
        SourceError: It cannot be read, or has no records.
        LwtuiError: A package is missing.
    """
    items = _items(text, reader, location)
    if not items:
        raise SourceError(
            _(
                "{location} has no records. Export them again from the program that you keep them in.",
                location=location,
            ),
            code="no-text",
        )
    files = dict(_file_fields(text)) if reader == "biblatex" else {}
    return [_record(item, files.get(str(item.get("id", "")), ""), path.parent) for item in items[:_MAX_RECORDS]]


def _items(text: str, reader: str, location: str) -> list[dict[str, Any]]:
    require_packages(_("Reading {location}", location=location), "pypandoc", extra="sources")
    with TemporaryDirectory(prefix="lwtui-") as made:
        folder = Path(made)
        given = _TITLE_FIELD.sub(_with_braces, text) if reader == "biblatex" else text
        (folder / "in").write_text(given, encoding="utf-8")
        command = [*pandoc(), f"--from={reader}", "--to=csljson", "--output=out.json", "in"]
        try:
            ExportJob().run(command, folder, "pandoc")
            found = json.loads((folder / "out.json").read_text(encoding="utf-8"))
        except ToolFailed as error:
            raise SourceError(
                _(
                    "{location} is not valid {format} ({problem}). Export it again from the program that you keep your "
                    "references in.",
                    location=location,
                    format=_NAMES[reader],
                    problem=error.problem[:_MAX_PROBLEM],
                ),
                code="no-records",
            ) from None
        except (ValueError, RecursionError, OSError):
            raise SourceError(
                _(
                    "{location} is not valid {format}. Export it again from the program that you keep your references "
                    "in.",
                    location=location,
                    format=_NAMES[reader],
                ),
                code="no-records",
            ) from None
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def _with_braces(field: regex.Match[str]) -> str:
    """Return a title field of BibTeX whose names have braces. Without them, pandoc writes "Tea in assam"."""
    title = field["title"]
    if regex.search(r"[\\$]", title):
        return field[0]  # braces could change what its commands apply to
    braced = [match.span() for match in _BRACED.finditer(title)]
    free = [
        (start, end)
        for start, end in kept_words(title)
        if not any(first < end and start < last for first, last in braced)
    ]
    return "".join([field["before"], field["open"], mark_words(title, free, "{", "}"), field["close"]])


def _record(given: dict[str, Any], field: str, folder: Path) -> Record:
    item = clean_item(given)
    abstract = _MARKUP.sub("", str(item.pop("abstract", "")))
    for name in ("title", "container-title", "title-short"):
        if name in item:
            item[name] = _MARKUP.sub("", item[name])
    files, others = _files(field, folder)
    return Record(one_line(str(given.get("id", ""))), item, clean(abstract).strip(), files, others)


def _file_fields(text: str) -> Iterator[tuple[str, str]]:
    """Yield the key and the file field of each BibTeX entry; pandoc leaves the field out."""
    entries = list(_ENTRY.finditer(text))
    ends = [entry.start() for entry in entries[1:]] + [len(text)]
    for entry, end in zip(entries, ends, strict=True):
        if field := _FILE_FIELD.search(text, entry.end(), end):
            yield entry["key"], field["braced"] or field["quoted"] or ""


def _files(field: str, folder: Path) -> tuple[tuple[Path, ...], int]:
    """Return the files of a field such as "Full text:files/a.pdf:application/pdf", and how many are elsewhere.

    A bibliography may come from anybody, so it can name no file outside its own folder.
    """
    found: list[Path] = []
    others = 0
    for entry in regex.split(r"(?<!\\);", field)[:_MAX_FILES]:
        parts = [regex.sub(r"\\(.)", r"\1", part).strip("{} ") for part in regex.split(r"(?<!\\):", entry)]
        path = _first_file([*parts, regex.sub(r"\\(.)", r"\1", entry).strip()], folder)
        if path is not None:
            found.append(path)
        elif any(regex.search(r"[/\\]", part) and not _MEDIA_TYPE.fullmatch(part) for part in parts):
            others += 1
    return tuple(dict.fromkeys(found)), others


def _first_file(names: list[str], folder: Path) -> Path | None:
    for name in names:
        if not name or "\0" in name:
            continue
        path = folder / name
        try:
            if path.is_file() and path.resolve().is_relative_to(folder.resolve()):
                return path
        except (OSError, RuntimeError):
            continue  # a name that is too long, or a link that leads to itself
    return None
