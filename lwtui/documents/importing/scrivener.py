"""Reading of a project of Scrivener: a ``.scriv`` folder, whose ``.scrivx`` file has the binder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import regex

from lwtui.documents.importing.folders import Entry, read_entries
from lwtui.documents.importing.imported import Imported, ImportReport
from lwtui.documents.importing.novelwriter import parse_xml
from lwtui.text import clean, one_line
from lwtui.translation import _

_NAME = regex.compile(r"[0-9A-Za-z-]{1,64}")
_COMMENT = regex.compile(r"<Comment\b")
_FOOTNOTE = regex.compile(r"<Comment\b[^>]*\bFootnote=\"Yes\"")
_TEXT_ENDINGS = ("rtf", "txt", "md")


def read_project(folder: Path, encoding: str = "") -> Imported | None:
    """Read a project; ``None`` if the folder is none.

    Raises:
        DocumentError: Its main file is damaged, or it has no text.
        LwtuiError: A package is missing; the message says what to install.
    """
    found = sorted(folder.glob("*.scrivx"))
    if not found:
        return None
    report = ImportReport()
    entries: list[Entry] = []
    notes: list[Entry] = []
    binder = parse_xml(found[0]).find("Binder")
    for item in [] if binder is None else binder.findall("BinderItem"):
        match item.get("Type"):
            case "DraftFolder":
                for child in _children(item):
                    entries += _entries(folder, child, 1, report, notes)
            case "TrashFolder":
                if trashed := sum(1 for _inner in item.iter("BinderItem")) - 1:
                    report.lose("document in the trash", trashed)
            case _:
                notes += _note_entries(folder, item, report)
    return read_entries(found[0].stem, [*entries, *notes], report, encoding)


def _children(item: ElementTree.Element) -> list[ElementTree.Element]:
    return item.findall("Children/BinderItem")


def _entries(
    folder: Path, item: ElementTree.Element, level: int, report: ImportReport, notes: list[Entry]
) -> Iterator[Entry]:
    """Yield a document of the draft and those within it."""
    title = one_line(item.findtext("Title") or "") or "Untitled"
    if (item.findtext("MetaData/IncludeInCompile") or "Yes").strip().lower() == "no":
        report.lose("document that is not compiled")
        report.remark(_("“{title}” is not included when Scrivener compiles, and was left out.", title=title))
    elif item.get("Type") in ("Folder", "Text", None):
        source = _file(folder, item, "content", "")
        synopsis = _synopsis(folder, item)
        _count_comments(folder, item, report)
        if own := _file(folder, item, "notes", "_notes"):
            notes.append(Entry(f"{title} (notes)", 1, own, note="story"))
        yield Entry(title, level, source, synopsis, is_planned=not source and not _children(item))
    else:
        report.lose("picture" if item.get("Type") == "Image" else "file of another type")
    for child in _children(item):
        yield from _entries(folder, child, level + 1, report, notes)


def _note_entries(folder: Path, item: ElementTree.Element, report: ImportReport) -> Iterator[Entry]:
    """Yield the documents outside of the draft, such as characters and research, as notes."""
    kind = "fact" if item.get("Type") == "ResearchFolder" else "story"
    for document in item.iter("BinderItem"):
        if source := _file(folder, document, "content", ""):
            yield Entry(one_line(document.findtext("Title") or "") or "Untitled", 1, source, note=kind)
        elif document.get("Type") not in ("Folder", "ResearchFolder", "Root", "Text", None):
            report.lose("picture" if document.get("Type") == "Image" else "file of another type")


def _file(folder: Path, item: ElementTree.Element, name: str, suffix: str) -> Path | None:
    """Return the file of a document, in the layout of Scrivener 3 or of versions before it."""
    identifier = item.get("UUID") or item.get("ID") or ""
    if not _NAME.fullmatch(identifier):
        return None
    stems = (f"Files/Data/{identifier}/{name}", f"Files/Docs/{identifier}{suffix}")
    paths = (folder / f"{stem}.{ending}" for stem in stems for ending in _TEXT_ENDINGS)
    return next((path for path in paths if path.is_file() and path.stat().st_size), None)


def _count_comments(folder: Path, item: ElementTree.Element, report: ImportReport) -> None:
    """Count the comments and footnotes of a document, which Scrivener keeps beside its text."""
    identifier = item.get("UUID") or item.get("ID") or ""
    if not _NAME.fullmatch(identifier):
        return
    for path in (folder / f"Files/Data/{identifier}/content.comments", folder / f"Files/Docs/{identifier}.comments"):
        if path.is_file():
            found = path.read_text(encoding="utf-8", errors="replace")
            footnotes = len(_FOOTNOTE.findall(found))
            report.lose("footnote in a comment", footnotes)
            report.lose("comment", len(_COMMENT.findall(found)) - footnotes)


def _synopsis(folder: Path, item: ElementTree.Element) -> str:
    identifier = item.get("UUID") or item.get("ID") or ""
    if not _NAME.fullmatch(identifier):
        return ""
    for path in (folder / f"Files/Data/{identifier}/synopsis.txt", folder / f"Files/Docs/{identifier}_synopsis.txt"):
        if path.is_file():
            return one_line(clean(path.read_text(encoding="utf-8", errors="replace")))
    return ""
