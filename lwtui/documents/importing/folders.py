"""Reading of folders: an Obsidian vault or any folder of texts, an mdBook, a project of novelWriter or Scrivener."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from urllib.parse import unquote

import regex

from lwtui.documents.export.markup import slug
from lwtui.documents.importing.encodings import Guess
from lwtui.documents.importing.file_types import ENDINGS, PANDOC_ENDINGS
from lwtui.documents.importing.imported import Imported, ImportedPart, ImportReport, some
from lwtui.documents.importing.kept_pictures import FolderPictures
from lwtui.documents.importing.reading import read_part
from lwtui.documents.markdown_source import outside_code
from lwtui.documents.model import MAX_LEVEL, Note
from lwtui.errors import DocumentError
from lwtui.text import count_words
from lwtui.translation import _

_MAX_FILES = 5_000
_LONG_FILE = 2_000  # words; a longer file is divided at the headings within it
_PICTURES = frozenset(("png", "jpg", "jpeg", "gif", "svg", "webp", "avif", "bmp", "tif", "tiff", "heic"))
_TEXTS = frozenset({*ENDINGS, *(ending for ending in PANDOC_ENDINGS if ending != "pptx")})
_FILE_LINK = regex.compile(
    r"\]\(<?(?P<path>[^()\s<>#:]+\.[A-Za-z]{2,8})(?:#(?P<anchor>[^()\s<>]*))?>?(?:[ \t]+\"[^\"\n]*\")?\)"
)
_INDEX_NAMES = ("index", "_index", "readme", "00", "_folder")
# Folders of a vault whose files are what the writer knows, not what is read.
_NOTE_FOLDERS = regex.compile(
    r"(?i)(?:\d+[ ._-]*)?(?:notes?|characters?|people|cast|places?|locations?|settings?|world(?: ?building)?|lore|"
    r"research|(?:story|series) bible|codex|glossary|notizen|figuren|charaktere|personen|orte|recherche|personnages|"
    r"lieux|personajes|lugares|notas|personaggi|luoghi|персонажи|места|заметки|人物|角色|设定|設定|笔记|キャラクター|등장인물|설정)"
)
_SKIPPED_FOLDERS = regex.compile(r"(?i)templates?|vorlagen|attachments?|assets|archive|trash|node_modules|__pycache__")


@dataclass(frozen=True)
class Entry:
    """A file or heading of a folder, in the order of the document.

    Attributes:
        title: The heading; empty: that of the file.
        level: The level in the outline, from 1.
        source: The file with the text; ``None``: there is only a heading.
        synopsis: What the section says.
        is_planned: Whether it is a section that has still to be written.
        note: The kind of note that the file is, if it is one.
    """

    title: str
    level: int
    source: Path | None
    synopsis: str = ""
    is_planned: bool = False
    note: str = ""


def read_folder(folder: Path, encoding: str = "") -> Imported:
    """Read a folder.

    Raises:
        DocumentError: There is no text in it, or it cannot be read.
        LwtuiError: A package is missing; the message says what to install.
    """
    from lwtui.documents.importing import mdbook, novelwriter, scrivener

    for project in (scrivener, novelwriter, mdbook):
        if found := project.read_project(folder, encoding):
            return found
    report = ImportReport()
    return read_entries(folder.resolve().name, _entries(folder, report), report, encoding)


def read_entries(
    title: str, entries: Sequence[Entry], report: ImportReport, encoding: str = "", author: str = ""
) -> Imported:
    """Read the files of a folder into one document.

    Raises:
        DocumentError: None of them has a text.
        LwtuiError: A package is missing; the message says what to install.
    """
    parts: list[ImportedPart] = []
    notes: list[Note] = []
    failed: list[str] = []
    titles: dict[Path, str] = {}  # the heading of each file
    sources: list[Path | None] = []  # the file of each part
    guesses: tuple[Guess, ...] = ()
    pictures = FolderPictures([entry.source for entry in entries if entry.source is not None])
    for entry in entries:
        if entry.source is None:
            parts.append(ImportedPart(entry.title, _level(entry), "", not entry.is_planned, entry.synopsis))
            sources.append(None)
            continue
        try:
            imported = read_part(entry.source, encoding)
        except DocumentError as error:
            failed.append(f"{entry.source.name} ({error.code})")
            continue
        imported = pictures.gathered(imported, entry.source)
        report.add(imported.report)
        guesses = guesses or imported.guesses
        author = author or imported.author
        if entry.note:
            notes += _notes(entry, imported)
        else:
            made = list(_parts(entry, imported))
            titles[entry.source.resolve()] = made[0].title
            sources += [entry.source] * len(made)
            parts += made
    if failed:
        report.lose("unread file", len(failed))
        report.remark(_("These files cannot be read: {names}.", names=some(failed)))
    linked = [
        replace(part, text=_linked(part.text, source, titles)) if source else part
        for part, source in zip(parts, sources, strict=True)
    ]
    parts = _without_empty_ends(linked)
    if not parts:
        raise DocumentError(
            _(
                "{title} has no text to import. Name a folder with Markdown or text files, or a single file.",
                title=title,
            ),
            code="no-text",
        )
    return Imported(
        title,
        tuple(parts),
        report,
        author=author,
        notes=tuple(notes),
        pictures=tuple(pictures.found),
        guesses=guesses,
    )


def is_inside(path: Path, folder: Path) -> bool:
    """Tell whether a path leads into a folder, with all its symbolic links."""
    return path.resolve().is_relative_to(folder.resolve())


def natural_key(name: str) -> list[tuple[int, int, str]]:
    """Return a key that sorts names with their numbers: "Part 2" before "Part 10"."""
    pieces = regex.split(r"(\d+)", name.casefold())
    return [(0, int(piece), "") if piece.isdecimal() else (1, 0, piece) for piece in pieces if piece]


def _level(entry: Entry) -> int:
    return min(MAX_LEVEL, entry.level)


def _entries(folder: Path, report: ImportReport) -> list[Entry]:
    entries = list(islice(_walk(folder, folder, 1, "", report), _MAX_FILES + 1))
    if len(entries) > _MAX_FILES:
        raise DocumentError(
            _(
                "{folder} has more than {limit:,} files. Name a folder with fewer files.",
                folder=folder,
                limit=_MAX_FILES,
            ),
            code="too-many-files",
        )
    return entries


def _walk(folder: Path, top: Path, level: int, note: str, report: ImportReport) -> Iterator[Entry]:
    """Yield the files of a folder and of those in it, by their names."""
    try:
        with os.scandir(folder) as found:
            names = sorted((item.name for item in found if not item.name.startswith((".", "~$"))), key=natural_key)
    except OSError as error:
        raise DocumentError(
            _(
                "Cannot read {folder}: {reason}. Check the folder and its permissions.",
                folder=folder,
                reason=error.strerror,
            ),
            code="unreadable",
        ) from None
    index = _index(folder, names) if folder != top else ""
    if index and not note:
        yield Entry("", level - 1, folder / index)
    for name in names:
        path = folder / name
        if name == index or not is_inside(path, top):
            continue
        if path.is_dir():
            if not _SKIPPED_FOLDERS.fullmatch(name):
                yield from _subfolder(path, top, level, note, report)
            elif any(path.iterdir()):
                report.remark(_("The folder {name} was left out.", name=name))
        else:
            yield from _file(path, level, note, report)


def _subfolder(path: Path, top: Path, level: int, note: str, report: ImportReport) -> Iterator[Entry]:
    note = note or ("fact" if _NOTE_FOLDERS.fullmatch(path.name) else "")
    inner = list(_walk(path, top, level + 1, note, report))
    has_own = any(entry.level == level and not entry.note for entry in inner)
    if any(not entry.note for entry in inner) and not has_own:
        yield Entry(path.name, level, None)
    yield from inner


def _file(path: Path, level: int, note: str, report: ImportReport) -> Iterator[Entry]:
    ending = path.suffix.removeprefix(".").lower()
    if ending in _TEXTS:
        yield Entry("", level, path, note=note)
    elif ending in _PICTURES:
        report.lose("picture")
    elif ending != "lw":
        report.lose("file of another type")


def _index(folder: Path, names: Sequence[str]) -> str:
    """Return the file with the text of a folder itself."""
    stems = {Path(name).stem.casefold(): name for name in names if Path(name).suffix[1:].lower() in ENDINGS}
    return next((stems[stem] for stem in (*_INDEX_NAMES, folder.name.casefold()) if stem in stems), "")


def _parts(entry: Entry, imported: Imported) -> Iterator[ImportedPart]:
    """Make one section of a file, or several of a long one."""
    level = _level(entry)
    title = entry.title or imported.title
    first, *others = imported.parts
    has_lead = first.title in ("", "Introduction")
    lead = first if has_lead else ImportedPart("", 1, "")
    inner = others if has_lead else list(imported.parts)
    point = entry.synopsis or lead.main_point
    if len(inner) == 1 and not lead.text and inner[0].title.casefold() == title.casefold():
        yield replace(inner[0], level=level, main_point=entry.synopsis or inner[0].main_point)
        return
    words = sum(count_words(part.text) for part in imported.parts)
    if words < _LONG_FILE or level == MAX_LEVEL:
        below = [f"{'#' * min(6, level + 1 + part.level)} {part.title}\n\n{part.text}".rstrip() for part in inner]
        yield ImportedPart(title, level, "\n\n".join(text for text in (lead.text, *below) if text), main_point=point)
        return
    yield ImportedPart(title, level, lead.text, is_heading_only=not lead.text, main_point=point)
    for part in inner:
        yield replace(part, level=min(MAX_LEVEL, level + part.level))


def _linked(text: str, source: Path, titles: Mapping[Path, str]) -> str:
    """Let links to other files of the folder lead to their headings."""

    def link(match: regex.Match[str]) -> str:
        target = (source.parent / unquote(match["path"])).resolve()
        if target not in titles:
            return str(match[0])
        return f"](#{match['anchor'] or slug(titles[target])})"

    return outside_code(text, lambda stretch: _FILE_LINK.sub(link, stretch))


def _notes(entry: Entry, imported: Imported) -> Iterator[Note]:
    """Make a note of a file. It is shown to the model where its title occurs."""
    texts = [f"{part.title}\n{part.text}".strip() for part in imported.parts]
    title = entry.title or imported.title
    if text := "\n\n".join(text for text in texts if text):
        yield Note(title, text, kind=entry.note, always=False, triggers=(title,))


def _without_empty_ends(parts: Sequence[ImportedPart]) -> list[ImportedPart]:
    """Drop headings of folders that have nothing in them; a heading without text elsewhere is a section to write."""
    kept: list[ImportedPart] = []
    for part in reversed(parts):
        has_inner = bool(kept) and kept[-1].level > part.level
        if has_inner or not part.is_heading_only:
            kept.append(part)
    return kept[::-1]
