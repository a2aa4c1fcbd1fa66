"""Watching an answer for what a chat model should not say there: its own instructions, or the next sections.

Small models do both. They go on from the text with the words that asked for it, tags and all, or run on past the end
of their section under the heading of another.
"""

from __future__ import annotations

from collections.abc import Iterable

import regex

from lwtui.agentwrite.intake import heading_key, in_code
from lwtui.agentwrite.repetition import Finding

_TAG = regex.compile(r"</?[a-z_]{3,}>")
_LINE = regex.compile(r"[^\n]*(?:\n|$)")
_HEADING = regex.compile(r" {0,3}#{1,6}[ \t]+(.+?)\s*")
_STEP = regex.compile(r"(?i)^\W*paragraph \d+ ?- ?main point\b")  # as plans are shown to the model
_LEAST = 20  # characters: a shorter line of the instructions may well stand in a text


class RecitalWatch:
    """Looks at a section's text as it grows, line by line."""

    def __init__(self, section_title: str, titles: Iterable[str]) -> None:
        """``titles`` are those of all sections."""
        own = heading_key(section_title)
        self._titles = {known for title in titles if (known := heading_key(title)) and known != own}
        self._lines: frozenset[str] = frozenset()
        self._tags: tuple[str, ...] = ()
        self._checked = 0

    def ask(self, prompt: str, given: Iterable[str]) -> None:
        """What the model is asked next. ``given`` are the parts of the prompt that are the writer's or the document's
        own words, which may be said."""
        own = {_folded(line) for part in given for line in part.splitlines()}
        lines = {_folded(line) for line in prompt.splitlines()} - own
        self._lines = frozenset(line for line in lines if len(line) >= _LEAST)
        said = "\n".join(given)
        self._tags = tuple(sorted(tag for tag in set(_TAG.findall(prompt)) if tag not in said))

    def trust(self, text: str) -> None:
        """Take ``text``, with which the section begins, as it is."""
        self._checked = len(text)

    def rolled_back(self, keep: int) -> None:
        """The section was cut to ``keep`` characters."""
        self._checked = min(self._checked, keep)

    def look(self, text: str, *, ended: bool = False) -> Finding | None:
        """The first such line past what was checked before, or ``None``. ``ended``: no more of it is coming."""
        while self._checked < len(text):
            match = _LINE.match(text, self._checked)
            assert match is not None
            line = match[0]
            if (tag := min((at for at in map(line.find, self._tags) if at >= 0), default=-1)) >= 0:
                return self._found(text, match.start() + tag, "the model repeated its instructions")
            if not line.endswith("\n") and not ended:
                return None
            if _folded(line) in self._lines or _STEP.search(line):
                return self._found(text, match.start(), "the model repeated its instructions")
            heading = _HEADING.fullmatch(line)
            if heading and heading_key(heading[1]) in self._titles and not in_code(text[: match.start()]):
                return self._found(text, match.start(), "the model went on to another section")
            self._checked = match.end()
        return None

    def _found(self, text: str, at: int, reason: str) -> Finding:
        return Finding(len(text[:at].rstrip()), reason)


def _folded(line: str) -> str:
    """A line, whatever its marks, numbers and spaces are."""
    return regex.sub(r"\d+(?:[.,]\d+)*", "0", " ".join(line.strip(" \t\n#*>-_").casefold().split()))
