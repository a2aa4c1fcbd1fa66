"""Reading of an mdBook or GitBook: ``SUMMARY.md`` has the chapters in order."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

from markdown_it.token import Token

from lwtui.documents.importing.folders import Entry, is_inside, read_entries
from lwtui.documents.importing.imported import Imported, ImportReport, some
from lwtui.documents.plain_text import parser, without_marks
from lwtui.text import clean, one_line
from lwtui.translation import _

_SUMMARY_TITLES = ("summary", "table of contents", "contents")


def read_project(folder: Path, encoding: str = "") -> Imported | None:
    """Read a book; ``None`` if the folder is none.

    Raises:
        DocumentError: None of its chapters has a text.
    """
    settings = _settings(folder)
    for base in dict.fromkeys((str(settings.get("src", "src")), ".", "docs")):
        source = folder / base
        summary = source / "SUMMARY.md"
        if summary.is_file() and is_inside(summary, folder):
            break
    else:
        return None
    report = ImportReport()
    entries = list(_entries(clean(summary.read_text(encoding="utf-8", errors="replace")), source, report))
    listed = {entry.source.resolve() for entry in entries if entry.source}
    others = [path.name for path in sorted(source.rglob("*.md")) if path.resolve() not in listed and path != summary]
    if others:
        report.lose("file that SUMMARY.md does not list", len(others))
        report.remark(_("SUMMARY.md does not list {names}.", names=some(others)))
    authors = settings.get("authors", [])
    author = ", ".join(str(name) for name in authors) if isinstance(authors, list) else str(authors)
    title = one_line(str(settings.get("title", ""))) or folder.resolve().name
    return read_entries(title, entries, report, encoding, one_line(author))


def _settings(folder: Path) -> dict[str, object]:
    try:
        found = tomllib.loads((folder / "book.toml").read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return {}
    book = found.get("book", {})
    return book if isinstance(book, dict) else {}


def _entries(summary: str, source: Path, report: ImportReport) -> Iterator[Entry]:
    """Yield the chapters: links in nested lists, below headings for the parts, and links beside the lists."""
    tokens = parser().parse(summary)
    depth, part_level = 0, 0
    seen: set[Path] = set()
    for at, token in enumerate(tokens):
        if token.type in ("bullet_list_open", "ordered_list_open"):
            depth += 1
        elif token.type in ("bullet_list_close", "ordered_list_close"):
            depth -= 1
        elif token.type == "heading_open" and token.level == 0:
            title = one_line(without_marks(tokens[at + 1].content))
            if title and title.lower() not in _SUMMARY_TITLES:
                part_level = 1
                yield Entry(title, 1, None)
        elif token.type == "inline" and not (at and tokens[at - 1].type == "heading_open"):
            for title, address in _links(token):
                level = max(1, depth) + (part_level if depth else 0)
                entry = _entry(title, address, level, source, seen, report)
                if entry is not None:
                    yield entry


def _links(token: Token) -> Iterator[tuple[str, str]]:
    children = token.children or []
    for at, child in enumerate(children):
        if child.type == "link_open":
            shown = []
            for following in children[at + 1 :]:
                if following.type == "link_close":
                    break
                shown.append(following.content)
            yield one_line("".join(shown)), unquote(str(child.attrGet("href") or ""))


def _entry(title: str, address: str, level: int, source: Path, seen: set[Path], report: ImportReport) -> Entry | None:
    name, _mark, anchor = address.partition("#")
    if not name:
        return (
            Entry(title, level, None, is_planned=True) if not anchor else None
        )  # a chapter that is still to be written
    path = source / name
    if "://" in name or not is_inside(path, source):
        report.lose("chapter outside the book")
        return None
    if path.resolve() in seen:
        return None
    seen.add(path.resolve())
    if not path.is_file():
        report.lose("missing file")
        report.remark(_("There is no file {name}, which SUMMARY.md lists.", name=name))
        return Entry(title, level, None, is_planned=True)
    return Entry(title, level, path)
