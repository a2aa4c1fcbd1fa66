"""The files of a mirror that is a folder: ``SUMMARY.md`` as mdBook has it, and a Markdown file for each section.

The files change as little as the document does: nothing in them depends on the time, and a section keeps the name of
its file as long as it keeps its heading. :mod:`lwtui.documents.importing.mdbook` makes a document of them again.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path

import regex

from lwtui.documents.export.manuscript import book_title
from lwtui.documents.library import safe_name
from lwtui.documents.markdown_extensions import escape_marks
from lwtui.documents.mirror_links import link_targets, to_folder
from lwtui.documents.mirror_state import SectionName
from lwtui.documents.model import Section
from lwtui.documents.store import Document
from lwtui.system import max_name_length

SUMMARY = "SUMMARY.md"
ATTRIBUTES = ".gitattributes"
# By this an import knows a folder of lwtui's, whose files are sections as they are.
OWN_MARK = "<!-- Kept up to date by lwtui."
_NOTICE = f"{OWN_MARK} What is changed here does not go into the document. -->"
_ATTRIBUTES = "*.md text eol=lf diff=markdown\n"
_MAX_NAME_BYTES = 100  # of a heading in the name of a file
_MORE_IN_NAMES = 24  # bytes of numbers, the ending, and what temporary files have more
# What Markdown, an address or a shell would interpret in a name that safe_name lets pass.
_NOT_IN_ADDRESSES = regex.compile(r"[\s#%&()\[\]{}`^~$;*-]+")
_FINAL_MARKS = regex.compile(r"(?<![^ ])(#+)$")


def folder_name(document: Path) -> str:
    """Return the name of the folder beside a document."""
    return f"{document.stem}-markdown"


def folder_files(document: Document, names: Mapping[str, SectionName]) -> dict[str, bytes]:
    """Return the contents of the files by their names, ``SUMMARY.md`` last.

    Args:
        document: The document.
        names: The names of the sections' files by section id, as :func:`section_names` returns them.
    """
    sections = document.sections()
    texts = [section.text.strip("\n").rstrip() for section in sections]
    order = [names[section.id].name for section in sections]
    targets = link_targets([section.title for section in sections], texts, order)
    files = {ATTRIBUTES: _ATTRIBUTES}
    for section, text, name in zip(sections, texts, order, strict=True):
        parts = [_heading(section.title)] if section.title else []
        parts += [to_folder(text, name, targets)] if text else []
        files[name] = "\n\n".join(parts) + ("\n" if parts else "")
    files[SUMMARY] = _summary(book_title(document), sections, order)
    return {name: content.encode("utf-8") for name, content in files.items()}


def section_names(
    sections: Sequence[Section], known: Mapping[str, SectionName], folder: Path
) -> dict[str, SectionName]:
    """Return the name of each section's file, by section id.

    Args:
        sections: All sections, in order.
        known: The names that sections had before. They keep them if their headings are the same.
        folder: The folder of the files.
    """
    longest = min(_MAX_NAME_BYTES, max_name_length(folder) - _MORE_IN_NAMES)
    stems = {section.id: _stem(section.title, longest) for section in sections}
    taken = {_key(SUMMARY)}
    names: dict[str, SectionName] = {}
    for section_id, stem in stems.items():
        before = known.get(section_id)
        if before is not None and before.stem == stem and _key(before.name) not in taken:
            names[section_id] = before
            taken.add(_key(before.name))
    for number, (section_id, stem) in enumerate(stems.items(), 1):
        if section_id not in names:
            names[section_id] = SectionName(stem, _free_name(stem or f"section-{number}", taken))
            taken.add(_key(names[section_id].name))
    return names


def _stem(title: str, longest: int) -> str:
    """Return what of a heading goes into the name of its file; empty if it has no letter, digit or picture."""
    if not _is_name(title):
        return ""  # for which safe_name has a word of its own
    name = safe_name(unicodedata.normalize("NFC", title).lower(), longest)
    stem = unicodedata.normalize("NFC", _NOT_IN_ADDRESSES.sub("-", name).strip("-._"))
    return stem if _is_name(stem) else ""


def _is_name(text: str) -> bool:
    return any(unicodedata.category(char)[0] in "LN" or unicodedata.category(char) == "So" for char in text)


def _free_name(stem: str, taken: set[str]) -> str:
    name, number = f"{stem}.md", 1
    while _key(name) in taken:
        number += 1
        name = f"{stem}-{number}.md"
    return name


def _key(name: str) -> str:
    """Return what two names have in common that are the same file on some systems."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _summary(title: str, sections: Sequence[Section], names: Sequence[str]) -> str:
    links = [
        f"{'  ' * (section.level - 1)}- [{escape_marks(section.title)}]({name})"
        for section, name in zip(sections, names, strict=True)
    ]
    return "\n".join([_heading(title), "", _NOTICE, *([""] if links else []), *links]) + "\n"


def _heading(title: str) -> str:
    """Return a heading of the first level. Marks at its end would close it."""
    return "# " + _FINAL_MARKS.sub(r"\\\1", escape_marks(title))
