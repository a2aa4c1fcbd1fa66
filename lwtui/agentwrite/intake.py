"""From the pieces of an answer to text that can be appended to a section."""

from __future__ import annotations

import regex

from lwtui.text import StreamCleaner, last_sentence_end

_HEADING = regex.compile(r"#{1,6}[ \t]+(?P<text>[^\n]*)|\*\*(?P<bold>[^*\n]+)\*\*:?[ \t]*")
_TOP_HEADING = regex.compile(r"(?m)^#{1,2}(?=[ \t])")
_MAYBE_HEADING = regex.compile(r"(?:^|\n)#{1,2}$")
_OPENING = 400  # characters of an answer held back to see whether it repeats the end of what stands
_LEAST_OVERLAP = 12  # characters
_NO_SPACE = regex.compile(r"[\s\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{P}]")


class Intake:
    """Turns one answer's pieces into text that fits after ``existing``.

    Control characters go. A heading that repeats the section's own goes; headings that would pass for a section's
    are put a level below. An answer that goes on from ``existing`` may begin with its last words once more: they
    are dropped. Model output is only ever text here, nothing in it is followed.
    """

    def __init__(self, existing: str, title: str, *, exact: bool) -> None:
        """``exact`` says that the answer carries ``existing`` on to the letter, as a base model's does."""
        self._cleaner = StreamCleaner()
        self._existing = existing
        self._title = title
        self._exact = exact
        self._opening: str | None = ""
        self._held = ""

    def add(self, piece: str) -> str:
        """The text that ``piece`` completes."""
        return self._levelled(self._opened(self._cleaner.add(piece)))

    def close(self) -> str:
        """The rest, at the end of the answer."""
        text = self._opened(self._cleaner.close(), ended=True)
        return self._levelled(text, ended=True)

    def _opened(self, text: str, ended: bool = False) -> str:
        """Pass on everything but the beginning, which waits until it can be judged."""
        if self._opening is None:
            return text
        self._opening += text
        ready = ended or self._is_judgeable(self._opening)
        if not ready:
            return ""
        opening, self._opening = self._opening, None
        return self._joined(self._without_heading(opening))

    def _is_judgeable(self, opening: str) -> bool:
        body = opening.lstrip()
        if not body:
            return False
        if not self._existing.strip():
            # A heading is one line; anything else can be told from its first characters.
            return "\n" in body or len(body) > 120 or not body.startswith(("#", "*", self._title[:1] or "#"))
        return self._exact or len(body) >= _OPENING or bool(last_sentence_end(body[:-1]))

    def _without_heading(self, opening: str) -> str:
        if self._exact and self._existing.strip():
            return opening
        body = opening.lstrip()
        first, newline, rest = body.partition("\n")
        match = _HEADING.fullmatch(first.strip())
        is_heading = match is not None and (match["text"] is not None or bool(newline))
        if is_heading or (self._title and newline and _same(first, self._title)):
            return rest.lstrip()
        return body

    def _joined(self, opening: str) -> str:
        existing = self._existing
        if not existing.strip():
            return opening.lstrip()
        if self._exact:
            return opening.lstrip(" ") if existing[-1:].isspace() else opening
        opening = opening[_overlap(existing, opening) :]
        if existing[-1:].isspace():
            return opening.lstrip()
        starts_close = not opening or bool(_NO_SPACE.match(opening[0]))
        ends_close = bool(
            regex.search(r"[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}。！？」』）]$", existing)
        )
        return opening if starts_close or ends_close else f" {opening}"

    def _levelled(self, text: str, ended: bool = False) -> str:
        """Headings of a section's level or above become sub-headings; a line's first ``#`` waits for its rest."""
        text = self._held + text
        self._held = ""
        if not ended and (match := _MAYBE_HEADING.search(text)):
            text, self._held = text[: match.start()], text[match.start() :]
        return _TOP_HEADING.sub("###", text)


def _overlap(existing: str, opening: str) -> int:
    """How much of ``opening`` repeats the end of ``existing`` (characters), or 0."""
    lead = len(opening) - len(opening.lstrip())
    body, end = opening[lead:], existing.rstrip()[-_OPENING:]
    for size in range(min(len(body), len(end)), _LEAST_OVERLAP - 1, -1):
        if end.endswith(body[:size]):
            return lead + size
    return 0


def _same(line: str, title: str) -> bool:
    return regex.sub(r"[\W_]+", "", line).casefold() == regex.sub(r"[\W_]+", "", title).casefold()
