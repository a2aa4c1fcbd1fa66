"""Misspelled words, and findings of a LanguageTool server: grammar, style and spelling."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from lwtui.agentwrite.lint import Finding, TextPart, place_of
from lwtui.agentwrite.spelling import SPELLING, find_misspellings, known_words, open_speller, without_code
from lwtui.errors import LwtuiError
from lwtui.models.languagetool import check_language

GRAMMAR = "grammar"  # the kind of what is neither spelling nor style
STYLE = "style"
_KINDS = {"misspelling": SPELLING, "style": STYLE, "register": STYLE, "locale-violation": STYLE}


def find_language_faults(
    parts: Sequence[TextPart], address: str, language: str, known: Collection[str] = ()
) -> list[Finding]:
    """Return what a LanguageTool server finds in a text.

    Args:
        parts: The sections.
        address: The server's address.
        language: The language of the text.
        known: Words that count as spelled correctly, in lower case.

    Raises:
        LwtuiError: The server cannot be reached, or does not answer as LanguageTool does.
    """
    findings = []
    for number, part in enumerate(parts):
        for fault in check_language(address, without_code(part.text), language):
            kind = _KINDS.get(fault.kind, GRAMMAR)
            word = part.text[fault.start : fault.end]
            if kind == SPELLING and word.casefold() in known:
                continue
            others = f" {', '.join(fault.replacements)}?" if fault.replacements else ""
            place = place_of(parts, number, fault.start, max(fault.end, fault.start + 1))
            findings.append(Finding(kind, f"{fault.message}{others}", (place,)))
    return findings


def find_language_problems(
    parts: Sequence[TextPart], language: str, folder: Path, names: Iterable[str], *, spelling: bool, address: str
) -> tuple[list[Finding], LwtuiError | None]:
    """Return misspelled words, and what a LanguageTool server finds besides.

    Args:
        parts: The sections.
        language: The language of the text.
        folder: The folder of the settings.
        names: Names and words of the document that count as spelled correctly.
        spelling: Whether to look for misspelled words with a dictionary.
        address: The server's address; empty for none.

    Returns:
        The findings, and an error if the server could not be asked; the findings of the dictionary remain valid.

    Raises:
        LwtuiError: There is no dictionary for the language.
    """
    found: list[Finding] = []
    known: Collection[str] | None = None
    if spelling:
        speller = open_speller(language, folder, names)
        found, known = find_misspellings(parts, speller, language), speller.known
    if not address:
        return found, None
    try:
        faults = find_language_faults(parts, address, language, known_words(folder, names) if known is None else known)
    except LwtuiError as error:
        return found, error
    misspelled = {place for finding in found for place in finding.places}
    return found + [one for one in faults if one.kind != SPELLING or not misspelled.intersection(one.places)], None
