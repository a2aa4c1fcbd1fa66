"""Notices what a chat model should not say in a text: its own instructions, or the next sections.

Small models do both. They go on from the text with the words that asked for it, tags and all, or run on past the end
of their section under the heading of another.
"""

from __future__ import annotations

from collections.abc import Iterable

import regex

from lwtui.agentwrite.filters import FilterVerdict, SectionText
from lwtui.agentwrite.stream_cleaner import heading_key, in_code

_TAG = regex.compile(r"</?[a-z_]{3,}>")
_LINE = regex.compile(r"[^\n]*(?:\n|$)")
_HEADING = regex.compile(r" {0,3}#{1,6}[ \t]+(.+?)\s*")
_STEP = regex.compile(r"(?i)^\W*paragraph \d+ ?- ?main point\b")  # the plan's own shape
_LEAST = 20  # characters: a shorter line of the instructions may well stand in a text


class PromptLeakFilter:
    """Looks at a section line by line (see :class:`lwtui.agentwrite.filters.TextFilter`).

    Args:
        section_title: The section's own heading.
        titles: The headings of all sections.
    """

    def __init__(self, section_title: str, titles: Iterable[str]) -> None:
        own = heading_key(section_title)
        self._titles = {key for title in titles if (key := heading_key(title)) and key != own}
        self._lines: frozenset[str] = frozenset()
        self._tags: tuple[str, ...] = ()
        self._checked = 0

    def ask(self, prompt: str, given: Iterable[str]) -> None:
        """Note what the model is asked next.

        Args:
            prompt: The whole prompt.
            given: The parts of it that are the writer's or the document's own words, which may be said.
        """
        own = {_folded(line) for part in given for line in part.splitlines()}
        lines = {_folded(line) for line in prompt.splitlines()} - own
        self._lines = frozenset(line for line in lines if len(line) >= _LEAST)
        said = "\n".join(given)
        self._tags = tuple(sorted(tag for tag in set(_TAG.findall(prompt)) if tag not in said))

    def trust(self, text: str) -> None:
        self._checked = len(text)

    def cut(self, keep: int) -> None:
        self._checked = min(self._checked, keep)

    def feed(self, text: SectionText, *, ended: bool = False) -> FilterVerdict | None:
        whole = text.text
        while self._checked < len(whole):
            match = _LINE.match(whole, self._checked)
            assert match is not None
            line = match[0]
            if (tag := min((at for at in map(line.find, self._tags) if at >= 0), default=-1)) >= 0:
                return _verdict(whole, match.start() + tag, "the model repeated its instructions")
            if not line.endswith("\n") and not ended:
                return None
            if _folded(line) in self._lines or _STEP.search(line):
                return _verdict(whole, match.start(), "the model repeated its instructions")
            heading = _HEADING.fullmatch(line)
            if heading and heading_key(heading[1]) in self._titles and not in_code(whole[: match.start()]):
                return _verdict(whole, match.start(), "the model went on to another section")
            self._checked = match.end()
        return None


def _verdict(text: str, at: int, reason: str) -> FilterVerdict:
    return FilterVerdict(len(text[:at].rstrip()), reason)


def _folded(line: str) -> str:
    """A line without marks, numbers and spaces that may differ."""
    return regex.sub(r"\d+(?:[.,]\d+)*", "0", " ".join(line.strip(" \t\n#*>-_").casefold().split()))
