"""Footnotes of the sections of a document: each section has the definitions of its own, under names of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import regex

from lwtui.documents.markdown_source import outside_code, without_lines
from lwtui.documents.plain_text import parser


@dataclass
class _Notes:
    """The footnotes of one text.

    Attributes:
        text: The text, with its definitions.
        references: The labels that the text refers to, in order.
        definitions: The lines of each definition, by label.
        lines: The first line of each definition and the line after it, by label.
    """

    text: str
    references: list[str] = field(default_factory=list)
    definitions: dict[str, str] = field(default_factory=dict)
    lines: dict[str, tuple[int, int]] = field(default_factory=dict)


def share_footnotes(texts: Sequence[str]) -> list[str]:
    """Make the footnotes of several texts independent of each other.

    A text that refers to a footnote which another text defines gets a copy of the definition. A label that two texts
    define is changed in the second. Nothing else changes, and a text without footnotes stays as it is.
    """
    if not any("[^" in text for text in texts):
        return list(texts)
    found = [_notes(text) for text in texts]
    owners: dict[str, _Notes] = {}  # the text from which others take a definition
    for notes in found:
        for label in notes.definitions:
            owners.setdefault(label, notes)
    borrowed = {label for notes in found for label in notes.references if label not in notes.definitions}
    known = {label for notes in found for label in [*notes.references, *notes.definitions]}
    taken: set[str] = set()
    result = []
    for notes in found:
        text = _with_definitions(notes, owners, borrowed)
        for label in dict.fromkeys([*notes.references, *notes.definitions]):
            if label not in owners:
                continue
            if label in taken:
                new = _free_label(label, known)
                text = _renamed(text, label, new)
                known.add(new)
            taken.add(label)
        result.append(text)
    return result


def _notes(text: str) -> _Notes:
    notes = _Notes(text)
    if "[^" not in text:
        return notes
    lines = text.split("\n")
    for token in parser(undefined_notes=True).parse(text):
        if token.type == "footnote_reference_open" and token.level == 0 and token.map:
            label, (first, last) = token.meta["label"], token.map
            if label not in notes.definitions:
                notes.definitions[label] = "\n".join(lines[first:last]).rstrip()
                notes.lines[label] = (first, last)
        for child in token.children or ():
            if child.type == "footnote_ref" and child.meta["label"] not in notes.references:
                notes.references.append(child.meta["label"])
    return notes


def _with_definitions(notes: _Notes, owners: dict[str, _Notes], borrowed: set[str]) -> str:
    """Add the definitions that a text lacks, and remove those that only other texts use."""
    needless = [
        label
        for label in notes.definitions
        if label not in notes.references and label in borrowed and owners[label] is notes
    ]
    text = without_lines(notes.text.split("\n"), [notes.lines[label] for label in needless])
    lacking = [
        owners[label].definitions[label]
        for label in notes.references
        if label in owners and label not in notes.definitions
    ]
    if not needless and not lacking:
        return notes.text
    return "\n\n".join(part for part in (text.rstrip(), *lacking) if part)


def _free_label(label: str, known: set[str]) -> str:
    number = int(label) + 1 if label.isdecimal() and len(label) < 9 else 2
    while (new := str(number) if label.isdecimal() else f"{label}-{number}") in known:
        number += 1
    return new


def _renamed(text: str, label: str, new: str) -> str:
    reference = regex.compile(rf"(?<!\\)\[\^{regex.escape(label)}\]")
    return outside_code(text, lambda stretch: reference.sub(f"[^{new}]", stretch))
