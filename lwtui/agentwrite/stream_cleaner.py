"""Cleans and joins what streams in: from the pieces of an answer to text that can be appended to a section."""

from __future__ import annotations

import regex

from lwtui.text import ControlStripper

_BLANK = " \t\r\n\v\f\u00a0\u2003\u3000\u200b\u2060"  # also what has no width: some models begin with it
_HEADING = regex.compile(r"(?P<marks>#{1,6})[ \t]+(?P<text>[^\n]*)|\*\*(?P<bold>[^*\n]+)\*\*:?[ \t]*")
_LONGEST_HEADING = 120  # characters of a first line that may be a heading
_TAIL = 1500  # characters of the existing text that an answer may begin with once more
_LEAST_OVERLAP = 12  # characters
_CJK = r"\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}"
_CLOSING = regex.compile(rf"[\s{_CJK}.,;:!?…%)\]}}”’»、。，！？；：）」』】]")  # no space before it
_ENDS_CJK = regex.compile(rf"[{_CJK}。！？」』）]$")
_BLOCK = regex.compile(r"#{1,6}[ \t]|[-*+][ \t]|>|\||\d+[.)][ \t]|```")  # begins a line in Markdown

_LINE = regex.compile(r"[^\n]*\n|[^\n]+")
_UNDECIDED = regex.compile(r" {0,3}(?:#{1,2}|`{1,2}|~{1,2})?")
_TOP_HEADING = regex.compile(r" {0,3}#{1,2}(?=[ \t])")
_FENCE_LINE = regex.compile(r"(?m)^ {0,3}(?:```|~~~)")


class StreamCleaner:
    """Turns one answer's pieces into text that fits after ``existing``.

    Control characters go. A heading that repeats the section's own goes; headings that would pass for a section's
    are put a level below. An answer that goes on from ``existing`` may begin with its last words once more: they
    are dropped. Model output is only ever text here, nothing in it is followed. However an answer is cut into
    pieces, the text is the same.
    """

    def __init__(self, existing: str, title: str, *, exact: bool) -> None:
        """``exact`` says that the answer carries ``existing`` on to the letter, as a base model's does."""
        self._stripper = ControlStripper()
        self._existing = existing if existing.strip() else ""
        self._tail = self._existing.rstrip()[-_TAIL:]
        self._title = title
        self._exact = exact
        self._opening: str | None = ""
        self._levels = _Levels(self._existing)
        self._at_line = self._existing.endswith("\n") and not self._levels.in_code

    def add(self, piece: str) -> str:
        """The text that ``piece`` completes."""
        return self._levels.add(self._opened(self._stripper.add(piece)))

    def close(self, *, broken_off: bool = False) -> str:
        """The rest, at the end of the answer. The beginning of one that was broken off, if it could not be judged yet,
        is dropped: it may be half a heading, and comes again."""
        if broken_off and self._opening is not None:
            return ""
        return self._levels.add(self._opened(self._stripper.close(), ended=True)) + self._levels.close()

    def _opened(self, text: str, ended: bool = False) -> str:
        """Pass on everything but the beginning, which waits until it can be judged."""
        if self._opening is None:
            return text
        opening = self._opening + text
        if not ended and self._is_open(opening):
            self._opening = opening
            return ""
        self._opening = None
        return self._joined(self._without_heading(opening))

    def _is_open(self, opening: str) -> bool:
        """Whether more of the answer could change what becomes of its beginning."""
        body = opening.lstrip(_BLANK)
        if not body:
            return True
        first, newline, rest = body.partition("\n")
        if self._exact and self._existing:
            waits = not rest.strip() and self._moves_on(first) if newline else len(first) <= _LONGEST_HEADING
            return self._at_line and first.startswith("#") and waits
        if newline and self._is_heading(first):
            body = rest.lstrip()
        elif not newline and len(first) <= _LONGEST_HEADING and self._may_be_heading(first):
            return True
        if not body or _folded(body) in _folded(self._tail) or self._may_be_block(body):
            return True
        return not body[_overlap(self._tail, body) :].strip()

    def _may_be_block(self, body: str) -> bool:
        if not self._existing or self._existing[-1].isspace():
            return False
        match = _BLOCK.fullmatch(body, partial=True)
        return match is not None and match.partial

    def _may_be_heading(self, line: str) -> bool:
        return line.startswith(("#", "*")) or heading_key(self._title).startswith(heading_key(line))

    def _is_heading(self, line: str) -> bool:
        """Whether a first line is the section's heading: a top one, a bold line, or the title in any shape."""
        if len(line) > _LONGEST_HEADING:
            return False
        match = _HEADING.fullmatch(line.strip())
        if match is None or (match["marks"] and len(match["marks"]) > 2):
            return bool(heading_key(self._title)) and heading_key(line) == heading_key(self._title)
        return True

    def _moves_on(self, line: str) -> bool:
        """Whether a base model, through with the section, begins another: what it says there belongs here."""
        is_heading = line.startswith("#") and _HEADING.fullmatch(line.strip()) is not None
        return self._at_line and is_heading and len(line) <= _LONGEST_HEADING

    def _without_heading(self, opening: str) -> str:
        body = opening.lstrip(_BLANK)
        first, newline, rest = body.partition("\n")
        if self._exact and self._existing:
            return rest.lstrip() if self._moves_on(first) else opening
        # A bold first line is a heading only if something follows it.
        is_heading = self._is_heading(first) and (bool(newline) or first.startswith("#"))
        return rest.lstrip() if is_heading else body

    def _joined(self, opening: str) -> str:
        existing = self._existing
        if not existing:
            return opening.lstrip(_BLANK)
        if self._exact:
            # The prompt ended without the last spaces.
            return opening.lstrip(" \n" if existing.endswith("\n") else " ") if existing[-1].isspace() else opening
        overlap = _overlap(self._tail, opening)
        opening = opening[overlap:]
        if not opening.strip():
            return ""
        if existing[-1].isspace():
            return opening.lstrip()
        if not overlap and _BLOCK.match(opening):
            return f"\n\n{opening}"
        return opening if _CLOSING.match(opening) or _ENDS_CJK.search(existing) else f" {opening}"


class _Levels:
    """Puts headings of a section's level or above a level below; what stands in a code block is none.

    The beginning of a line waits until it can be told what it is.
    """

    def __init__(self, existing: str) -> None:
        self._line_starts = not existing or existing.endswith("\n")
        self.in_code = in_code(existing)
        self._held = ""

    def add(self, text: str) -> str:
        text, self._held = self._held + text, ""
        done: list[str] = []
        for line in _LINE.findall(text):
            if self._line_starts and _UNDECIDED.fullmatch(line):
                self._held = line
                break
            done.append(self._levelled(line) if self._line_starts else line)
            self._line_starts = line.endswith("\n")
        return "".join(done)

    def close(self) -> str:
        rest, self._held = self._held, ""
        return rest

    def _levelled(self, line: str) -> str:
        if _FENCE_LINE.match(line):
            self.in_code = not self.in_code
        top = None if self.in_code else _TOP_HEADING.match(line)
        return f"###{line[top.end() :]}" if top else line


def in_code(text: str) -> bool:
    """Whether what follows ``text`` stands in a block of code, where # begins a comment."""
    return len(_FENCE_LINE.findall(text)) % 2 == 1


def _overlap(end: str, opening: str) -> int:
    """How much of ``opening`` repeats the ``end`` of what stands (characters), or 0. White space may differ."""
    lead = len(opening) - len(opening.lstrip())
    body = opening[lead:]
    folded = _folded(body)
    end = _folded(end)
    least = min(_LEAST_OVERLAP, len(end))  # all of a text that is shorter
    for size in range(min(len(folded), len(end)), max(least, 1) - 1, -1):
        within_word = folded[size - 1].isalnum() and folded[size : size + 1].isalnum()
        if end.endswith(folded[:size]) and (not within_word or _CLOSING.match(folded[size])):
            return lead + _unfolded(body, size)
    return 0


def _folded(text: str) -> str:
    """``text`` with each run of white space as one space."""
    return regex.sub(r"\s+", " ", text)


def _unfolded(text: str, size: int) -> int:
    """Offset in ``text`` of the first ``size`` characters of it folded."""
    spaces = [match for match in regex.finditer(r"\s+", text) if len(match[0]) > 1]
    for match in spaces:
        if match.start() + 1 > size:
            break
        size += len(match[0]) - 1
    return size


def heading_key(line: str) -> str:
    """A heading without its number and marks, for comparing."""
    return regex.sub(r"[\W_]+", "", line).lstrip("0123456789").casefold()
