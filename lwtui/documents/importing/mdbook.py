"""Reading of an mdBook or GitBook: ``SUMMARY.md`` has the chapters in order.

The folder of a mirror is such a book. Its files are lwtui's own, so that their texts are taken as they are.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote, unquote

from markdown_it import MarkdownIt
from markdown_it.token import Token

from lwtui.documents.importing.folders import Entry, is_inside, read_entries
from lwtui.documents.importing.imported import Imported, ImportedPart, ImportReport, some
from lwtui.documents.importing.reading import read_text
from lwtui.documents.mirror_folder import OWN_MARK
from lwtui.documents.mirror_links import from_folder
from lwtui.documents.plain_text import without_marks
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
    tokens = _parser().parse(clean(summary.read_text(encoding="utf-8", errors="replace")))
    is_own = any(token.type == "html_block" and token.content.startswith(OWN_MARK) for token in tokens)
    own_title, tokens = _split_title(tokens) if is_own else ("", tokens)
    entries = list(_entries(tokens, source, report))
    listed = {entry.source.resolve() for entry in entries if entry.source}
    others = [path.name for path in sorted(source.rglob("*.md")) if path.resolve() not in listed and path != summary]
    if others:
        report.lose("file that SUMMARY.md does not list", len(others))
        report.remark(_("SUMMARY.md does not list {names}.", names=some(others)))
    authors = settings.get("authors", [])
    author = ", ".join(str(name) for name in authors) if isinstance(authors, list) else str(authors)
    title = one_line(str(settings.get("title", ""))) or own_title or folder.resolve().name
    if is_own and any(entry.source for entry in entries):
        return _own(Imported(title, (), report, one_line(author)), entries, source, encoding)
    return read_entries(title, entries, report, encoding, one_line(author))


def _settings(folder: Path) -> dict[str, object]:
    try:
        found = tomllib.loads((folder / "book.toml").read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return {}
    book = found.get("book", {})
    return book if isinstance(book, dict) else {}


def _parser() -> MarkdownIt:
    """Return the parser of mdBook: it knows no formulas and the like, and a chapter in a comment is none."""
    return MarkdownIt("commonmark")


def _split_title(tokens: list[Token]) -> tuple[str, list[Token]]:
    """Split off the heading that comes first."""
    if [token.type for token in tokens[:3]] != ["heading_open", "inline", "heading_close"]:
        return "", tokens
    return one_line("".join(child.content for child in tokens[1].children or ())), tokens[3:]


def _own(book: Imported, entries: Sequence[Entry], folder: Path, encoding: str) -> Imported:
    """Read the files of a mirror, each of which is a section: a heading of the first level, and the text.

    Raises:
        DocumentError: A file cannot be read.
    """
    names = {entry.source.name for entry in entries if entry.source}

    def inside(address: str) -> str:
        is_there = os.path.isfile(folder / unquote(address))  # noqa: PTH113 - Path.is_file raises for a long name
        return f"{quote(folder.resolve().name)}/{address}" if is_there else address

    parts = []
    for entry, following in zip(entries, [*entries[1:], None], strict=True):
        text = read_text(entry.source, encoding) if entry.source else ""
        first, _newline, rest = text.partition("\n")
        text = rest if entry.title and first.startswith("# ") else text
        text = from_folder(text.strip("\n").rstrip(), names, inside)
        is_part = following is not None and following.level > entry.level
        parts.append(ImportedPart(entry.title, entry.level, text, is_heading_only=is_part and not text))
    return replace(book, parts=tuple(parts), folder=folder.parent, is_own=True)


def _entries(tokens: Sequence[Token], source: Path, report: ImportReport) -> Iterator[Entry]:
    """Yield the chapters: links in nested lists, below headings for the parts, and links beside the lists."""
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
