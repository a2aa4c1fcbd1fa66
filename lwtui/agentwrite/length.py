"""How long each section should become, and where it is to land.

Lengths are in the counter's unit (:mod:`lwtui.text.counting`): words, or characters of Chinese and Japanese.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

import regex

from lwtui.documents.model import Plan, PlannedSection, Section, Status
from lwtui.text import count_words, sentence_ends

SHORT = 0.85  # a section under this share of its target is continued
LONG = 1.15  # a section over this share lands at the next sentence's end
RUNAWAY = 1.35  # over this share it is cut, sentence's end or not
CLOSE = 0.97  # the last section is continued until the whole document reaches this share
# One section's target never strays further than this from its plan, however far off the others came out.
_MOST_SHRINK, _MOST_GROWTH = 0.5, 1.6


def section_target(sections: Sequence[Section], section_id: str) -> int:
    """The share of a section in the words still to be written.

    What the finished sections came out over or under their plan is spread over those that are left, in
    proportion to their planned lengths.
    """
    at = next(position for position, section in enumerate(sections) if section.id == section_id)
    section = sections[at]
    open_ones = [s for s in sections if s.status is not Status.DONE or s.id == section_id]
    total = sum(s.words for s in sections)
    written = sum(s.length for s in sections if s not in open_ones)
    planned = sum(s.words for s in open_ones) or 1
    share = section.words * max(0, total - written) / planned
    return max(1, round(min(max(share, section.words * _MOST_SHRINK), section.words * _MOST_GROWTH)))


@dataclass(frozen=True)
class Landing:
    """Where a section's text should end. ``last`` asks for precision: nothing after it can make up for it."""

    target: int
    ends_itself: bool
    last: bool = False

    @property
    def stop_at(self) -> float:
        """The length from which the next sentence's end is the end of the section."""
        if not self.ends_itself:
            return self.target - 8  # about half a sentence, so that the end falls evenly on both sides
        return self.target * (1.03 if self.last else LONG - 0.05)

    @property
    def runaway_at(self) -> float:
        return max(self.target * RUNAWAY, self.target + 60)

    def is_short(self, length: int) -> bool:
        """Whether a section that ended at ``length`` should be continued."""
        return length < self.target * (CLOSE if self.last else SHORT) and self.target - length >= 12


def land(text: str, length: int, landing: Landing) -> int | None:
    """The offset at which ``text`` (of ``length`` by the counter) has reached its landing, or ``None`` if not yet.

    A text that runs on without a sentence's end is cut where it last had one within reach, or else at a white
    space.
    """
    if length < landing.stop_at:
        return None
    # The very end of what has come may still grow: "3." could become "3.5", a closing quote may follow.
    ends = [end for end in sentence_ends(text) if end < len(text)]
    first = bisect_left(ends, landing.stop_at, key=lambda end: count_words(text[:end]))
    if first < len(ends):
        return ends[first]
    if length < landing.runaway_at:
        return None
    within_reach = bisect_left(ends, landing.target * SHORT, key=lambda end: count_words(text[:end]))
    if within_reach < len(ends):
        return ends[within_reach]
    space = regex.search(r"\s\S*$", text)
    return space.start() if space else len(text)


def balance(plan: Plan, total: int) -> Plan:
    """The plan with its targets scaled so that they sum to exactly ``total``, each at least 1."""
    if not plan.sections:
        return plan
    weights = [max(1, section.words) for section in plan.sections]
    scale = total / sum(weights)
    step = 10 if total >= 50 * len(weights) else 1
    targets = [max(1, round(weight * scale / step) * step) for weight in weights]
    # Rounding leaves a difference; the largest sections carry it best.
    order = sorted(range(len(targets)), key=lambda at: -targets[at])
    difference = total - sum(targets)
    for at in order if difference > 0 else order * (1 + math.ceil(-difference / max(1, len(order)))):
        change = difference if difference > 0 else max(difference, 1 - targets[at])
        targets[at] += change
        difference -= change
        if difference == 0:
            break
    return Plan(
        plan.title,
        tuple(
            PlannedSection(section.title, section.main_point, words, section.id)
            for section, words in zip(plan.sections, targets, strict=True)
        ),
    )


_SCRIPTS = (
    ("ja", r"[\p{Script=Hiragana}\p{Script=Katakana}]", 0.05),
    ("zh", r"\p{Script=Han}", 0.2),
    ("ko", r"\p{Script=Hangul}", 0.2),
    ("ru", r"\p{Script=Cyrillic}", 0.3),
    ("ar", r"\p{Script=Arabic}", 0.3),
    ("he", r"\p{Script=Hebrew}", 0.3),
    ("el", r"\p{Script=Greek}", 0.3),
    ("hi", r"\p{Script=Devanagari}", 0.3),
    ("th", r"\p{Script=Thai}", 0.3),
)
_COMMON_WORDS = {
    "de": "der die das und ist nicht ein eine über schreibe für mit von zu",
    "fr": "le la les des une est et pour dans sur avec écris écrire du un",
    "es": "el los las una es y para con sobre escribe escribir del por en",
    "pt": "o os as uma é e para com sobre escreva escrever do da em não",
    "it": "il lo gli una è e per con su scrivi scrivere della di che un",
    "nl": "de het een en is van voor met over schrijf niet op te",
    "en": "the a an and of to for about write in with on is how",
}


def detect_language(text: str) -> str:
    """A BCP 47 tag for the language of an instruction: by script, then by common words; ``en`` in doubt."""
    letters = len(regex.findall(r"\p{L}", text)) or 1
    for language, script, share in _SCRIPTS:
        if len(regex.findall(script, text)) / letters >= share:
            return language
    words = regex.findall(r"\p{L}+", text.lower())
    scores = {language: sum(word in common.split() for word in words) for language, common in _COMMON_WORDS.items()}
    best = max(scores, key=lambda language: (scores[language], language == "en"))
    return best if scores[best] else "en"
