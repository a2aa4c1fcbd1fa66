"""Notices when a chat model repeats its prompt in the text, or goes on to another section.

Small models do both: they continue the text with their instructions, tags included, or run past the end of their
section under the heading of another one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache
from itertools import pairwise

import regex

from lwtui.agentwrite.filters import FilterVerdict, ForwardFilter, SectionText
from lwtui.agentwrite.stream_cleaner import heading_key
from lwtui.text import sentence_ends
from lwtui.text.code_blocks import in_code
from lwtui.text.word_runs import word_runs, words_in_line
from lwtui.translation import _

_TAG = regex.compile(r"</?[a-z_]{3,}>")
_LINE = regex.compile(r"[^\n]*(?:\n|$)")
_HEADING = regex.compile(r" {0,3}#{1,6}[ \t]+(.+?)\s*")
_SEVERAL_WORDS = regex.compile(r"(\p{L}[^\n]* [^\n]+?)\s*")  # a line that may be a heading without marks
_STEP = regex.compile(r"(?i)^\W*paragraph \d+ ?- ?main point\b")  # a step in the shape of a plan
_PLACE = regex.compile(r"(?i)\bsection \d{1,3} of \d{1,3}\b")  # how the prompts name a section
# A text that announces the length it was asked for: "Here are 700 words about what to do."
_LENGTH = regex.compile(
    r"(?i)\bhere(?:['’]s| is| are)(?: about| roughly| a| an)? \d[\d,.]*[ -]words?\b"
    r"|(?:以下|下面)是?(?:大?约)?\s?\d+\s?字"
)
_SHORTEST_LEAK = 20  # characters; a shorter line of the instructions may occur in a text by chance
_SHORTEST_POINT = 40  # the same for a sentence of another section's main point
_RUN = 6  # words in a row that a sentence shares with the instructions only by repeating them


class PromptLeakFilter(ForwardFilter):
    """Checks a section line by line (see :class:`lwtui.agentwrite.filters.TextFilter`).

    Args:
        section_title: The section's own heading.
        headings: The keys of the headings of all sections (see :func:`lwtui.agentwrite.stream_cleaner.heading_key`).
        points: The passages of the main points of the other sections, which belong there (see :func:`passages_in`).
    """

    def __init__(self, section_title: str, headings: Collection[str], points: Collection[str] = ()) -> None:
        """Start with an empty section."""
        super().__init__()
        self._points = points
        self._own = heading_key(section_title)
        self._headings = headings
        self._instructions: frozenset[str] = frozenset()  # passages of the prompt, perhaps without given ones
        self._given: tuple[str, ...] = ()
        self._given_passages: frozenset[str] | None = None  # once they are needed
        self._runs: frozenset[str] = frozenset()  # of words in the instructions, perhaps given ones too
        self._given_words: str | None = None  # once they are needed
        self._quoting = ""
        self._tags: tuple[str, ...] = ()
        self._names_places = False  # whether the given parts name a section in this way, too

    def set_prompt(self, prompt: str, given: Iterable[str], quoting: str = "") -> None:
        """Set the prompt of the next call.

        Args:
            prompt: The whole prompt.
            given: The parts of it that the text may repeat: the writer's own words, and the document's.
            quoting: A part that quotes such texts, as a review does: the text may have words in a row with it.
        """
        self._given, self._given_passages, self._given_words = tuple(given), None, None
        self._quoting = quoting
        # Most lines of a long prompt are given, and all that is in these may be repeated.
        lines = set(prompt.splitlines(keepends=True))
        for part in self._given:
            lines.difference_update(part.splitlines(keepends=True))
        self._instructions = passages_in(lines)
        self._runs = frozenset().union(*map(_runs_of, lines))
        given_text = "\n".join(self._given)
        self._names_places = _PLACE.search(given_text) is not None
        self._tags = tuple(sorted(tag for tag in set(_TAG.findall(prompt)) if tag not in given_text))

    def feed(self, text: SectionText, *, ended: bool = False) -> FilterVerdict | None:
        """See :meth:`lwtui.agentwrite.filters.TextFilter.feed`."""
        whole = text.text
        while self._checked < len(whole):
            match = _LINE.match(whole, self._checked)
            assert match is not None
            line = match[0]
            if (tag := min((offset for offset in map(line.find, self._tags) if offset >= 0), default=-1)) >= 0:
                return _verdict(whole, match.start() + tag, _("the model repeated its instructions"))
            if not line.endswith("\n") and not ended:
                return None
            if (leak := self._leak_in(line)) is not None:
                return _verdict(whole, match.start() + leak, _("the model repeated its instructions"))
            heading = _HEADING.fullmatch(line) or _SEVERAL_WORDS.fullmatch(line)
            if heading and self._is_other_heading(heading[1]) and not in_code(whole[: match.start()]):
                return _verdict(whole, match.start(), _("the model went on to another section"))
            self._checked = match.end()
        return None

    def _leak_in(self, line: str) -> int | None:
        """Return the offset of the first passage of ``line`` that comes from the instructions."""
        passages = list(_lines_and_sentences(line))
        known = [start for start, passage in passages if self._is_known(_folded(passage))]
        places = [_LENGTH.search(line), None if self._names_places else _PLACE.search(line)]
        for place in filter(None, places):
            known.append(max(end for end in (0, *sentence_ends(line)) if end <= place.start()))
        cuts = sorted({0, *sentence_ends(line), len(line)})
        known += [begin for begin, end in pairwise(cuts) if self._has_run(line[begin:end])]
        return min(known, default=0 if _STEP.search(line) else None)

    def _has_run(self, sentence: str) -> bool:
        """Tell whether some words in a row come from the instructions, as where a model varies them."""
        runs = self._runs.intersection(_runs_of(sentence))
        if not runs:
            return False
        if self._given_words is None:
            self._given_words = f" {' '.join(map(words_in_line, (*self._given, self._quoting)))} "
        return any(f" {run} " not in self._given_words for run in runs)

    def _is_known(self, passage: str) -> bool:
        if (passage in self._instructions or self._is_point(passage)) and not self._may_repeat(passage):
            return True
        title, _colon, point = passage.partition(": ")  # as a line of the plan has it
        return self._is_point(point) and self._is_other_heading(title) and not self._may_repeat(point)

    def _is_point(self, passage: str) -> bool:
        return len(passage) >= _SHORTEST_POINT and passage in self._points

    def _is_other_heading(self, line: str) -> bool:
        key = heading_key(line)
        return bool(key) and key != self._own and key in self._headings

    def _may_repeat(self, passage: str) -> bool:
        """Tell whether a passage is in the given parts. They are long, and hardly a text asks for it."""
        if self._given_passages is None:
            self._given_passages = passages_in(self._given)
        return passage in self._given_passages


def _lines_and_sentences(text: str) -> Iterator[tuple[int, str]]:
    """Yield the offset and text of each line, and of each sentence in lines that have several."""
    start = 0
    for line in text.splitlines(keepends=True):
        yield start, line
        cuts = [0, *sentence_ends(line)]
        if len(cuts) > 2:
            yield from ((start + begin, line[begin:end]) for begin, end in pairwise(cuts))
        start += len(line)


def passages_in(texts: Iterable[str]) -> frozenset[str]:
    """Return all lines and sentences of texts that are long enough to be a leak, folded."""
    lines = (line for text in texts for line in text.splitlines(keepends=True))
    return frozenset().union(*map(_passages_of, lines))


@lru_cache(maxsize=8192)
def _passages_of(line: str) -> tuple[str, ...]:
    """Return the passages of a line. Most lines of a prompt stood in the prompt of the section before."""
    folded = (_folded(passage) for _start, passage in _lines_and_sentences(line))
    return tuple(passage for passage in folded if len(passage) >= _SHORTEST_LEAK)


@lru_cache(maxsize=8192)
def _runs_of(text: str) -> frozenset[str]:
    return word_runs(text, _RUN)


def _verdict(text: str, end: int, reason: str) -> FilterVerdict:
    return FilterVerdict(len(text[:end].rstrip()), reason)


def _folded(line: str) -> str:
    """Return a line in a form for comparison: without marks, case, spacing and the values of numbers."""
    return regex.sub(r"\d+(?:[.,]\d+)*", "0", " ".join(line.strip(" \t\n#*>-_").casefold().split()))
