"""Writes the citations of a manuscript in a citation style, and its list of references.

Pandoc's citeproc gets nothing but the citations and the records of the sources. What it makes of them goes into the
Markdown of the manuscript, so that every format has the same citations.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import regex

from lwtui.documents.disclosure import TITLE, literal
from lwtui.documents.export.csl_styles import find_style
from lwtui.documents.export.export_job import ExportJob, ToolFailed
from lwtui.documents.export.manuscript import Manuscript, ManuscriptPart
from lwtui.documents.export.pandoc import API_VERSION, pandoc, require_packages
from lwtui.documents.export.translations import references_title
from lwtui.errors import LwtuiError
from lwtui.sources.citations import Citation, find_citations
from lwtui.sources.model import Source
from lwtui.sources.titles import kept_words, mark_words, words_with_capitals
from lwtui.translation import _

_SUPERSCRIPTS = str.maketrans("0123456789-–", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁻")
_PUNCTUATION = regex.compile(r"[.,;:!?]+[\"”’»)]?")
_SPACES_BEFORE = regex.compile(r"[ \t]+\Z")
_IN_NOTE = regex.compile(r"[ ]{0,3}\[\^[^\]\n]+\]:")
_SAFE = ("http://", "https://")
_MOST_NAMED = 5  # unknown keys that a note names
_TITLES = ("title", "title-short", "container-title", "collection-title", "original-title")
_NO_CASE = ('<span class="nocase">', "</span>")  # CSL's marks around what keeps its case
_LOCALES = {"zh": "zh-CN", "ja": "ja-JP", "ko": "ko-KR", "pt": "pt-PT", "en": "en-US"}


@dataclass(frozen=True)
class _CitedGroup:
    """Citations that belong together, at one place of a part."""

    part: int
    start: int
    end: int
    citations: tuple[Citation, ...]

    @property
    def key(self) -> tuple[int, int]:
        return self.part, self.start


def with_citations(book: Manuscript, job: ExportJob) -> Manuscript:
    """Return a manuscript whose citations are written out, with a list of references at its end.

    Citations of no source are left out, and told in ``job.notes``.

    Raises:
        LwtuiError: The style is unknown, pandoc is missing or failed, or the export was stopped.
    """
    sources = {source.key: source for source in book.sources}
    groups = [group for number, part in enumerate(book.parts) for group in _groups(number, part.text, sources)]
    if not sources or not groups:
        return book
    known = [group for group in groups if any(citation.key in sources for citation in group.citations)]
    unknown = dict.fromkeys(c.key for group in groups for c in group.citations if c.key not in sources)
    if unknown:
        names = ", ".join(list(unknown)[:_MOST_NAMED])
        job.notes.append(_("Citations of no source were left out: {names}. lwtui lint lists them.", names=names))
    written, references = _written_out(book, known, sources, job) if known else ({}, [])
    parts = list(book.parts)
    notes = _NoteLabels("\n".join(part.text for part in parts))
    for number, part in enumerate(parts):
        own = [group for group in groups if group.part == number]
        if own:
            parts[number] = replace(part, text=_with_groups(part.text, own, written, notes))
    if references:
        listed = ManuscriptPart(references_title(book.language), 1, "\n\n".join(references))
        parts.insert(len(parts) - (parts[-1].title == TITLE), listed)
    return replace(book, parts=tuple(parts))


def cited_sources(book: Manuscript) -> list[Source]:
    """Return the sources that a manuscript cites, in the order in which they were added."""
    keys = {source.key for source in book.sources}
    cited = {citation.key for part in book.parts for citation in find_citations(part.text, keys)}
    return [source for source in book.sources if source.key in cited]


def bibliography(sources: Sequence[Source], to: str = "bibtex") -> str:
    """Return the records of sources as BibTeX, or in another of pandoc's bibliography formats.

    Raises:
        LwtuiError: Pandoc is missing or failed.
    """
    require_packages(_("A bibliography file"), "pypandoc")
    job = ExportJob()
    with TemporaryDirectory(prefix="lwtui-") as temporary:
        folder = Path(temporary)
        _write_records(folder, map(_for_bibtex, sources))
        job.run([*pandoc(), "--from=csljson", f"--to={to}", "--output=out", "refs.json"], folder, "pandoc")
        return (folder / "out").read_text(encoding="utf-8").rstrip() + "\n"


def _groups(number: int, text: str, keys: Mapping[str, Source]) -> Iterator[_CitedGroup]:
    groups: dict[tuple[int, int], list[Citation]] = {}
    for citation in find_citations(text, keys):
        groups.setdefault(citation.group, []).append(citation)
    for (start, end), citations in groups.items():
        yield _CitedGroup(number, start, end, tuple(citations))


# -- citeproc


def _written_out(
    book: Manuscript, groups: Sequence[_CitedGroup], sources: Mapping[str, Source], job: ExportJob
) -> tuple[dict[tuple[int, int], Mapping[str, Any]], list[str]]:
    """Return what citeproc makes of each group, by its key, and the entries of the list of references."""
    require_packages(_("A text with citations"), "pypandoc")
    style = find_style(book.csl)
    job.step(_("Writing out the citations"))
    language = book.language.split("-")[0].lower()
    meta = {"lang": {"t": "MetaString", "c": _LOCALES.get(language, book.language or "en-US")}}
    blocks = [{"t": "Para", "c": [_cite(group, book.parts[group.part].text, sources)]} for group in groups]
    with TemporaryDirectory(prefix="lwtui-") as temporary:
        folder = Path(temporary)
        _write_records(folder, map(_for_styles, sources.values()))
        tree = {"pandoc-api-version": API_VERSION, "meta": meta, "blocks": blocks}
        (folder / "cited.json").write_text(json.dumps(tree), encoding="utf-8")
        command = [*pandoc(), "--from=json", "--to=json", "--citeproc", "--bibliography=refs.json", "--output=out"]
        if style is not None:
            (folder / "style.csl").write_bytes(style.read_bytes())
            command.append("--csl=style.csl")
        try:
            job.run([*command, "cited.json"], folder, "pandoc")
        except ToolFailed as error:
            if style is None:
                raise
            raise LwtuiError(
                _(
                    "pandoc cannot use the citation style {style}: {problem} Choose another style.",
                    style=style,
                    problem=error,
                ),
                code="invalid-style",
            ) from None
        result = json.loads((folder / "out").read_text(encoding="utf-8"))
    paragraphs = [block for block in result["blocks"] if block["t"] == "Para"]
    written = {group.key: paragraph for group, paragraph in zip(groups, paragraphs, strict=False)}
    references = [
        text
        for block in result["blocks"]
        if block["t"] == "Div" and block["c"][0][0] == "refs"
        for entry in block["c"][1]
        if (text := " ".join(_block_texts(entry)).strip())
    ]
    return written, references


def _cite(group: _CitedGroup, text: str, sources: Mapping[str, Source]) -> dict[str, Any]:
    items = []
    for citation in group.citations:
        if citation.key not in sources:
            continue
        at = text.index("@", citation.start)
        before = text[citation.start : at]
        mode = "AuthorInText" if citation.is_bare else "SuppressAuthor" if before.endswith("-") else "NormalCitation"
        items.append(
            {
                "citationId": citation.key,
                "citationPrefix": _plain(before.removesuffix("-").strip()),
                "citationSuffix": _plain(f", {citation.locator}" if citation.locator else ""),
                "citationMode": {"t": mode},
                "citationNoteNum": 0,
                "citationHash": 0,
            }
        )
    return {"t": "Cite", "c": [items, []]}


def _plain(text: str) -> list[dict[str, Any]]:
    """Return text as pandoc's inlines, without any markup."""
    inlines: list[dict[str, Any]] = []
    for word in text.split():
        inlines += [{"t": "Space"}, {"t": "Str", "c": word}]
    return inlines[1:]


def _write_records(folder: Path, records: Iterable[Mapping[str, Any]]) -> None:
    (folder / "refs.json").write_text(json.dumps(list(records), ensure_ascii=False), encoding="utf-8")


def _for_styles(source: Source) -> dict[str, Any]:
    """Return the record of a source whose names keep their capitals in every style."""
    language = str(source.csl.get("language", ""))
    titles = {name: source.csl[name] for name in _TITLES if name in source.csl}
    kept = {name: mark_words(title, kept_words(title, language), *_NO_CASE) for name, title in titles.items()}
    return {**source.csl, **kept, "id": source.key}


def _for_bibtex(source: Source) -> dict[str, Any]:
    """Return the record of a source as pandoc is to write it. Pandoc itself protects titles, but not those of books."""
    record = {**source.csl, "id": source.key}
    if "container-title" in record and not str(record.get("type", "")).startswith("article"):
        title = str(record["container-title"])
        record["container-title"] = mark_words(title, words_with_capitals(title), *_NO_CASE)
    return record


# -- back to Markdown


class _NoteLabels:
    """Gives footnotes labels that a text does not have yet."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._number = 0

    def label(self) -> str:
        self._number += 1
        while f"[^cite-{self._number}]" in self._text:
            self._number += 1
        return f"cite-{self._number}"


def _with_groups(
    text: str, groups: Sequence[_CitedGroup], written: Mapping[tuple[int, int], Mapping[str, Any]], notes: _NoteLabels
) -> str:
    pieces: list[str] = []
    definitions: list[str] = []
    at = 0
    for group in groups:
        before, end = text[at : group.start], group.end
        paragraph = written.get(group.key)
        shown, note = ("", None) if paragraph is None else _parts_of(paragraph)
        if note is not None and _IN_NOTE.match(text[text.rfind("\n", 0, group.start) + 1 :]):
            shown, note = note, None  # a footnote within a footnote
            shown = shown.removesuffix(".") if text[end : end + 1] == "." else shown
        if note is not None:
            label = notes.label()
            definitions.append(f"[^{label}]: {note}")
            mark = _PUNCTUATION.match(text, end)
            stop = mark[0] if mark else ""
            gap = before if shown else _SPACES_BEFORE.sub("", before)
            pieces.append(f"{gap}{shown}{stop}[^{label}]")
            end += len(stop)
        else:
            pieces.append(before + shown if shown else _SPACES_BEFORE.sub("", before))
        at = end
    result = "".join([*pieces, text[at:]])
    return "\n\n".join([result, *definitions]) if definitions else result


def _parts_of(paragraph: Mapping[str, Any]) -> tuple[str, str | None]:
    """Return what citeproc wrote for a group: in the text, and in a note."""
    note: list[str] = []

    def take(blocks: Sequence[Mapping[str, Any]]) -> str:
        note.append(" ".join(text for block in blocks for text in _block_texts(block)))
        return ""

    shown = _inlines(paragraph["c"], take).strip()
    return shown, "; ".join(note) if note else None


def _block_texts(block: Mapping[str, Any]) -> Iterator[str]:
    match block["t"]:
        case "Para" | "Plain":
            yield _inlines(block["c"])
        case "Div":
            for inner in block["c"][1]:
                yield from _block_texts(inner)


def _inlines(
    inlines: Sequence[Mapping[str, Any]], on_note: Callable[[Sequence[Mapping[str, Any]]], str] | None = None
) -> str:
    """Return pandoc's inlines as Markdown. What a record has of markup stays text."""
    parts: list[str] = []
    for inline in inlines:
        content: Any = inline.get("c")
        match inline["t"]:
            case "Str":
                parts.append(_literal(str(content)))
            case "Space" | "SoftBreak" | "LineBreak":
                parts.append(" ")
            case "Emph":
                parts.append(_marked("*", _inlines(content, on_note)))
            case "Strong":
                parts.append(_marked("**", _inlines(content, on_note)))
            case "Superscript":
                parts.append(_inlines(content, on_note).translate(_SUPERSCRIPTS))
            case "Quoted":
                opening, closing = "‘’" if content[0]["t"] == "SingleQuote" else "“”"
                parts.append(f"{opening}{_inlines(content[1], on_note)}{closing}")
            case "Link":
                shown, address = _inlines(content[1], on_note), str(content[2][0])
                is_safe = address.startswith(_SAFE) and not regex.search(r"[\s()<>]", address)
                parts.append(f"[{shown}]({address})" if is_safe else shown)
            case "Span" | "Cite":
                text = _inlines(content[1], on_note)
                margin = inline["t"] == "Span" and "csl-left-margin" in content[0][1]
                parts.append(f"{text.rstrip()} " if margin else text)
            case "Note":
                parts.append(on_note(content) if on_note else "")
            case "SmallCaps" | "Underline" | "Strikeout" | "Subscript":
                parts.append(_inlines(content, on_note))
            case "Code" | "Math":
                parts.append(_literal(str(content[1])))
    return "".join(parts)


def _literal(text: str) -> str:
    """Escape text also for the formulas and superscripts of Markdown's extensions."""
    return regex.sub(r"([$^])", r"\\\1", literal(text))


def _marked(mark: str, text: str) -> str:
    """Return text between marks, with the white space outside of them."""
    inner = text.strip()
    if not inner:
        return text
    at = text.index(inner)
    return f"{text[:at]}{mark}{inner}{mark}{text[at + len(inner) :]}"
