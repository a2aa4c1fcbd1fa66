"""Findings of a LanguageTool server: grammar, style and spelling."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from lwtui.agentwrite.lint import Finding, TextPart, place_of
from lwtui.agentwrite.spelling import SPELLING, without_code
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
