"""Where a local model was unsure while it wrote: words that it chose from many likely ones, for the list of findings.

The entropy of a token is that of the distribution it was sampled from, so it costs nothing beyond the sampling. Names
and numbers are marked from a lower entropy on than other words: there, another choice is another fact.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import regex

from lwtui.agentwrite.lint import Finding, TextPart, place_of
from lwtui.text import sentence_ends
from lwtui.translation import _

UNSURE = "unsure"  # the kind of these findings, and the document setting that holds the marks
LEAST_ENTROPY = 1.2  # nats, of a name or a number: as if of about three equally likely words
_LEAST_OF_OTHERS = 2.4  # about eleven
_MOST_MARKS = 30  # of one section
_MOST_FINDINGS = 100
_WORD = regex.compile(r"[\p{L}\p{M}\p{N}]+(?:['’.,\-][\p{L}\p{M}\p{N}]+)*")


@dataclass(frozen=True)
class UnsureMark:
    """A piece of text that the model was unsure of, with the text before it and the entropy in nats."""

    before: str
    text: str
    entropy: float


def marks_to_keep(text: str, marks: Iterable[UnsureMark]) -> list[UnsureMark]:
    """Return the marks that are worth showing in a finished section, as whole words, in the order of the text."""
    starts = [0, *sentence_ends(text)]
    first_words = {match.start() for start in starts if (match := _WORD.search(text, start))}
    found: dict[tuple[int, int], float] = {}
    searched = 0
    for mark in marks:
        at = _locate(text, mark, searched)
        if at < 0:
            continue
        searched = max(0, at - len(mark.before))
        word = next((one for one in _WORD.finditer(text, max(0, at - 60)) if one.end() > at), None)
        if word is None or word.start() >= at + len(mark.text):
            continue
        is_name = word.group()[0].isupper() and word.start() not in first_words
        is_fact = is_name or any(character.isdigit() for character in word.group())
        if mark.entropy >= (LEAST_ENTROPY if is_fact else _LEAST_OF_OTHERS):
            span = word.span()
            found[span] = max(found.get(span, 0.0), mark.entropy)
    best = sorted(found, key=lambda span: -found[span])[:_MOST_MARKS]
    return [UnsureMark(text[max(0, a - 40) : a], text[a:b], round(found[a, b], 2)) for a, b in sorted(best)]


def to_setting(marks: Mapping[str, Sequence[UnsureMark]]) -> str:
    """Return the marks of all sections as a document stores them; empty if there are none."""
    rows = {id: [[one.before, one.text, one.entropy] for one in some] for id, some in marks.items() if some}
    return json.dumps(rows, ensure_ascii=False) if rows else ""


def from_setting(stored: str) -> dict[str, list[UnsureMark]]:
    """Return the marks that a document stores, by section id; without those that lwtui did not write."""
    try:
        rows = json.loads(stored or "{}")
    except (ValueError, RecursionError):
        return {}
    if not isinstance(rows, dict):
        return {}
    lists = {str(id): some for id, some in rows.items() if isinstance(some, list)}
    return {id: [mark for row in some if (mark := _mark(row))] for id, some in lists.items()}


def unsure_findings(parts: Sequence[TextPart], stored: str) -> list[Finding]:
    """Return a finding for each marked word that is still in its section, the most unsure first."""
    marks = from_setting(stored)
    findings: list[tuple[float, Finding]] = []
    for number, part in enumerate(parts):
        for mark in marks.get(part.id, ()):
            start = _locate(part.text, mark, 0)
            if start >= 0:
                message = _(
                    "The model was unsure of “{word}”: it had about {count} words to choose from",
                    word=mark.text,
                    count=round(math.exp(mark.entropy)),
                )
                place = place_of(parts, number, start, start + len(mark.text))
                findings.append((mark.entropy, Finding(UNSURE, message, (place,))))
    findings.sort(key=lambda one: -one[0])
    return [finding for _score, finding in findings[:_MOST_FINDINGS]]


def _locate(text: str, mark: UnsureMark, start: int) -> int:
    """Return where the marked text is, at or after ``start``; -1 if it is no longer there."""
    for before in (mark.before, mark.before[-12:]):
        at = text.find(before + mark.text, start)
        if at >= 0:
            return at + len(before)
    # What stands before it was edited: the word is told by itself if it occurs once.
    return text.find(mark.text) if not start and text.count(mark.text) == 1 else -1


def _mark(row: object) -> UnsureMark | None:
    match row:
        case [str(before), str(text), int() | float() as entropy] if text and 0 <= entropy < 100:
            return UnsureMark(before, text, float(entropy))
    return None
