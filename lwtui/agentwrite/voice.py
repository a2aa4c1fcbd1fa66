"""The voice of sample texts: measured habits and two passages, as a style note that every section's prompt shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import regex

from lwtui.documents.model import Note
from lwtui.errors import UsageError
from lwtui.text import clean, count_words, counts_characters, detect_language
from lwtui.text.readability import Readability, readability
from lwtui.translation import _

VOICE = "Voice"  # the title of the note
_LEAST_WORDS = 150  # of samples, from which habits can be measured
_PASSAGE = (60, 220)  # bounds for the length of a passage that is quoted
_MARKS = {"semicolon": ";；", "dash": "—–", "exclamation mark": "!！", "question mark": "?？", "parenthesis": "(（"}
_MARK_NAMES = {
    "semicolon": _("semicolon"),
    "dash": _("dash"),
    "exclamation mark": _("exclamation mark"),
    "question mark": _("question mark"),
    "parenthesis": _("parenthesis"),
}
_PERSON_NAMES = {"first": _("first"), "second": _("second"), "third": _("third")}
_TENSE_NAMES = {"past": _("past"), "present": _("present")}
_PERSONS = {
    "en": {
        "first": ("i", "me", "my", "we", "us", "our"),
        "second": ("you", "your", "yours"),
        "third": ("he", "she", "they", "him", "her", "his", "their"),
    },
    "zh": {"first": ("我",), "second": ("你", "您"), "third": ("他", "她")},
}
_ENGLISH_PAST = regex.compile(r"(?i)\b(?:was|were|had|did|went|came|saw|took|made|thought|knew|\w{2,}ed)\b")
_ENGLISH_PRESENT = regex.compile(r"(?i)\b(?:is|are|has|have|does|do|goes|comes|sees|takes|makes|thinks|knows)\b")
_WORD = regex.compile(r"[\p{L}\p{M}]+(?:['’][\p{L}]+)?")
_FUNCTION_WORDS = 45  # the most frequent words, which every text has
_NEAR = 0.35  # relative difference of a figure above which a text has another voice


@dataclass(frozen=True)
class Voice:
    """Habits of one or more texts.

    Attributes:
        language: Their language.
        length: How long the texts are, in the counter's unit.
        figures: The length of sentences, and more.
        paragraph: The mean length of a paragraph.
        person: The person in which they mostly speak: first, second or third; empty if unknown.
        tense: Past or present; empty if unknown.
        marks: How often each mark of punctuation occurs in 1,000 words or characters.
        turns: Turns of two and three words that they use more than once, the most frequent first.
    """

    language: str
    length: int
    figures: Readability
    paragraph: float
    person: str
    tense: str
    marks: dict[str, float]
    turns: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the habits for JSON."""
        return {**vars(self), "figures": self.figures.to_dict()}


def read_samples(paths: Sequence[Path]) -> list[str]:
    """Read sample texts: documents, Markdown, plain text or DOCX.

    Raises:
        LwtuiError: A file cannot be read.
    """
    from lwtui.documents.importing import read_file
    from lwtui.documents.store import Document

    texts = []
    for path in paths:
        if path.suffix.lower() == ".lw":
            with Document.open(path.expanduser(), read_only=True) as document:
                texts.append("\n\n".join(section.text for section in document.sections()))
        else:
            texts.append("\n\n".join(part.text for part in read_file(path).parts))
    return texts


def voice_of(paths: Sequence[Path], language: str = "") -> tuple[Voice, list[str]]:
    """Return the voice of sample texts, and the texts.

    Raises:
        LwtuiError: A file cannot be read, or the texts are too short.
    """
    texts = read_samples(paths)
    voice = measure_voice(texts, language)
    if voice is None:
        raise UsageError(
            _(
                "The samples are too short to have a voice: give at least {count} words.",
                count=_LEAST_WORDS,
            ),
            code="too-short",
        )
    return voice, texts


def measure_voice(texts: Sequence[str], language: str = "") -> Voice | None:
    """Measure the habits of texts; ``None`` if they are too short to tell."""
    text = clean("\n\n".join(texts)).strip()
    language = language or detect_language(text[:5000])
    length = count_words(text)
    if length < _LEAST_WORDS:
        return None
    paragraphs = [count_words(block) for block in _paragraphs(text)]
    marks = {name: round(1000 * sum(map(text.count, signs)) / length, 1) for name, signs in _MARKS.items()}
    return Voice(
        language,
        length,
        readability(text),
        round(sum(paragraphs) / len(paragraphs), 1),
        _person(text, language),
        _tense(text, language),
        marks,
        _turns(text, language),
    )


def voice_note(voice: Voice, texts: Sequence[str]) -> Note:
    """Return the note that has a model write in a voice, with two passages of the texts."""
    unit, figures = _unit(voice.language), voice.figures
    lines = [
        f"Write in the voice of the passages below. Sentences have about {figures.sentence_length:g} {unit}, "
        f"and vary by about {figures.sentence_spread:g}; paragraphs have about {voice.paragraph:g}."
    ]
    if voice.person:
        lines.append(f"The text speaks in the {voice.person} person.")
    if voice.tense:
        lines.append(f"It is in the {voice.tense} tense.")
    has_dialogue = figures.dialogue >= 0.02
    lines.append(f"Dialogue makes up {figures.dialogue:.0%} of it." if has_dialogue else "It has no dialogue.")
    often = [f"{name} {share:g}" for name, share in voice.marks.items() if share]
    if often:
        lines.append(f"Punctuation in 1,000 {unit}: {', '.join(often)}.")
    lines += [f"Passage: “{passage}”" for passage in _passages(texts)]
    return Note(VOICE, " ".join(lines), kind="style")


def compare_voices(wanted: Voice, found: Voice) -> list[str]:
    """Return in which habits a text differs from a voice, a line for each."""
    old, new, characters = wanted.figures, found.figures, counts_characters(wanted.language)
    lines = []
    if _differs(old.sentence_length, new.sentence_length):
        lines.append(_sentence_lengths(new.sentence_length, old.sentence_length, characters=characters))
    if _differs(old.sentence_spread, new.sentence_spread):
        lines.append(_sentence_spreads(new.sentence_spread, old.sentence_spread, characters=characters))
    if _differs(wanted.paragraph, found.paragraph):
        lines.append(_paragraph_lengths(found.paragraph, wanted.paragraph, characters=characters))
    if abs(old.dialogue - new.dialogue) > 0.1:
        lines.append(_("{now:.0%} dialogue, where the voice has {before:.0%}", now=new.dialogue, before=old.dialogue))
    if wanted.person and found.person and wanted.person != found.person:
        now, before = _PERSON_NAMES[found.person], _PERSON_NAMES[wanted.person]
        lines.append(_("{now} person, where the voice has {before}", now=now, before=before))
    if wanted.tense and found.tense and wanted.tense != found.tense:
        now, before = _TENSE_NAMES[found.tense], _TENSE_NAMES[wanted.tense]
        lines.append(_("{now} tense, where the voice has {before}", now=now, before=before))
    for name, before_share in wanted.marks.items():
        if abs(before_share - found.marks[name]) > max(3.0, before_share):
            mark = _MARK_NAMES.get(name, name)
            lines.append(_mark_counts(mark, found.marks[name], before_share, characters=characters))
    return lines


def _sentence_lengths(now: float, before: float, *, characters: bool) -> str:
    if characters:
        return _("sentences of {now:g} characters, where the voice has {before:g}", now=now, before=before)
    return _("sentences of {now:g} words, where the voice has {before:g}", now=now, before=before)


def _sentence_spreads(now: float, before: float, *, characters: bool) -> str:
    if characters:
        return _("sentences that vary by {now:g} characters, where the voice has {before:g}", now=now, before=before)
    return _("sentences that vary by {now:g} words, where the voice has {before:g}", now=now, before=before)


def _paragraph_lengths(now: float, before: float, *, characters: bool) -> str:
    if characters:
        return _("paragraphs of {now:g} characters, where the voice has {before:g}", now=now, before=before)
    return _("paragraphs of {now:g} words, where the voice has {before:g}", now=now, before=before)


def _mark_counts(mark: str, now: float, before: float, *, characters: bool) -> str:
    values = {"mark": mark, "now": now, "before": before}
    if characters:
        return _("{mark}: {now:g} in 1,000 characters, where the voice has {before:g}", **values)
    return _("{mark}: {now:g} in 1,000 words, where the voice has {before:g}", **values)


def with_voice(notes: Sequence[Note], note: Note) -> list[Note]:
    """Return notes with the note of a voice, in place of an earlier one."""
    if any(one.title == VOICE for one in notes):
        return [replace(one, text=note.text, kind=note.kind) if one.title == VOICE else one for one in notes]
    return [*notes, note]


def _unit(language: str) -> str:
    return "characters" if counts_characters(language) else "words"


def _differs(before: float, now: float) -> bool:
    return abs(now - before) > _NEAR * max(before, 1.0)


def _paragraphs(text: str) -> list[str]:
    blocks = (block.strip() for block in regex.split(r"\n\s*\n", text))
    return [block for block in blocks if block and not block.startswith("#")] or [text]


def _passages(texts: Sequence[str]) -> list[str]:
    """Return a passage from the beginning and one from the middle of the texts."""
    blocks = [" ".join(block.split()) for text in texts for block in _paragraphs(clean(text))]
    fitting = [block for block in blocks if _PASSAGE[0] <= count_words(block) <= _PASSAGE[1]] or sorted(
        blocks, key=lambda block: abs(count_words(block) - _PASSAGE[0])
    )
    chosen = [fitting[0], fitting[len(fitting) // 2]]
    return [block for block in dict.fromkeys(chosen) if count_words(block) <= 2 * _PASSAGE[1]]


def _person(text: str, language: str) -> str:
    words = _PERSONS.get(language.split("-")[0].lower())
    if words is None:
        return ""
    narration = regex.sub(r"“[^”]*”|\"[^\"\n]*\"|「[^」]*」", "", text).casefold()
    if counts_characters(language):
        counts = {person: sum(map(narration.count, of_person)) for person, of_person in words.items()}
    else:
        found = Counter(_WORD.findall(narration))
        counts = {person: sum(found[word] for word in of_person) for person, of_person in words.items()}
    person, most = max(counts.items(), key=lambda item: item[1])
    return person if most >= 3 and most > 1.5 * sorted(counts.values())[-2] else ""


def _tense(text: str, language: str) -> str:
    if language.split("-")[0].lower() != "en":
        return ""
    past, present = len(_ENGLISH_PAST.findall(text)), len(_ENGLISH_PRESENT.findall(text))
    if max(past, present) < 5 or max(past, present) < 1.5 * min(past, present):
        return ""
    return "past" if past > present else "present"


def _turns(text: str, language: str) -> tuple[str, ...]:
    """Return turns of two and three words that occur more than once and have a word of some weight."""
    if counts_characters(language):
        return ()
    words = [word.casefold() for word in _WORD.findall(text)]
    common = {word for word, _times in Counter(words).most_common(_FUNCTION_WORDS)}
    turns = Counter(
        " ".join(words[at : at + size])
        for size in (2, 3)
        for at in range(len(words) - size + 1)
        if not all(word in common for word in words[at : at + size])
    )
    return tuple(turn for turn, count in turns.most_common(8) if count > 2)
