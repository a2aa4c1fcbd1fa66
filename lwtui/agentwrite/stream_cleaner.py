"""Cleans streamed pieces of an answer and joins them to a section's text."""

from __future__ import annotations

from functools import lru_cache

import regex

from lwtui.agentwrite.chatter import ChatterStripper
from lwtui.sources.citation_cleaner import CitationCleaner
from lwtui.text import ControlStripper, count_words
from lwtui.text.code_blocks import CodeBlocks
from lwtui.text.list_marks import BULLET, NUMBER, RULE

_BLANK = " \t\r\n\v\f\u00a0\u2003\u3000\u200b\u2060"  # some models begin with zero-width characters
_HEADING = regex.compile(r"(?P<marks>#{1,6})[ \t]+(?P<text>[^\n]*)|\*\*(?P<bold>[^*\n]+)\*\*:?[ \t]*")
# A line that names a passage and ends like no sentence, as small models begin with one.
_CITED_HEADING = regex.compile(r"(?:[\[［【]\s*\d{1,3}[^\]］】\n]*[\]］】]\s*)+[\p{Lu}\p{Lo}][^.!?。！？:：,，;；]*")
# Keys of headings that a small model puts over any section, and of how many letters a beginning of another is one.
_ANY_HEADING = frozenset(
    {"introduction", "overview", "background", "conclusion", "summary", "引言", "简介", "前言", "导言", "概述", "背景"}
    | {"正文", "结论", "总结"}
)
_LEAST_PART = 12
_NO_HEADING = regex.compile(r"[\d,.!?…，。！？:：“”\"「」]")
_LONGEST_HEADING = 120  # characters of a first line that may be a heading
_LABEL_END = regex.compile(r"\**[:：]\**(?:[ \t]+|(?<=：\**))")
_TAIL = 1500  # characters of the existing text in which a repeated beginning is looked for
_LEAST_OVERLAP = 12  # characters
_CJK = r"\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}"
_CLOSING = regex.compile(rf"[\s{_CJK}.,;:!?…%)\]}}”’»、。，！？；：）」』】]")  # no space before it
_ENDS_CJK = regex.compile(rf"[{_CJK}。！？」』）]$")
_BLOCK = regex.compile(rf"#{{1,6}}[ \t]|{BULLET}[ \t]|>|\||{NUMBER}[ \t]|```")  # begins a block in Markdown

LINE = regex.compile(r"[^\n]*\n|[^\n]+")
_UNDECIDED = regex.compile(r" {0,3}(?:#{1,2}|`{1,2}|~{1,2})?")
_TOP_HEADING = regex.compile(r" {0,3}#{1,2}(?=[ \t])")
_LEAST_SENTENCE = 6  # words; shorter items of a list make no prose
# A plain dash may begin speech.
_ITEM_MARK = regex.compile(r" {0,3}(?:(?P<number>\d{1,2})(?:[.)][ \t]+|、[ \t]*)|[*•][ \t]+|-[ \t]+(?=\*\*))")
_LIST_MARK = regex.compile(r" {0,3}(?:1(?:[.)][ \t]+|、[ \t]*)|[-*+•][ \t]+)(?=\S)")
_NUMBER_OF_HEADING = regex.compile(
    r"\A(?:\d{1,2}(?:\.\d{1,2})*(?:[.)、]|(?<=\.\d{1,2})(?=\s))|[一二三四五六七八九十]{1,3}、)\s*"
)
_FENCE_START = regex.compile(r" {0,3}(?:```|~~~)")
_RULE = regex.compile(rf" {{0,3}}{RULE}\n?")
_LONGEST_FENCE = 200  # characters of a line that opens or closes a block of code


class StreamCleaner:
    """Turns the pieces of one answer into text that continues ``existing``.

    It removes control characters, chatter (see :mod:`lwtui.agentwrite.chatter`), a heading that repeats the section's
    own, and words at the beginning that repeat the end of ``existing``. Headings on the level of sections move below
    it. The result does not depend on how the answer is divided into pieces. Model output is only data:
    nothing in it is interpreted.
    """

    def __init__(
        self,
        existing: str,
        title: str,
        *,
        exact: bool,
        plain: bool = False,
        others: frozenset[str] = frozenset(),
        about: str = "",
        citations: CitationCleaner | None = None,
        keep_fences: bool = False,
    ) -> None:
        """Start an answer.

        Args:
            existing: The section's text so far.
            title: The section's heading.
            exact: Whether the answer continues ``existing`` exactly, as a base model's does.
            plain: Whether to remove headings, bold marks and the marks of long list items, for plain prose.
            others: Keys of the headings of other sections (see :func:`heading_key`). These headings are not removed,
                so that a filter can notice them.
            about: What the text is about, in any words.
            citations: Turns the numbers by which the answer cites passages into citations; ``None`` without sources.
            keep_fences: Whether a fence around the whole answer is wanted, as in a section of code.
        """
        self._citations = citations
        self._stripper = ControlStripper()
        self._existing = existing if existing.strip() else ""
        self._chatter = ChatterStripper(title, about, self._existing, tokens_only=exact, keep_fences=keep_fences)
        self._tail = self._existing.rstrip()[-_TAIL:]
        self._title = title
        self._exact = exact
        self._others = others
        # Headings of which a first line of plain prose may be a part, and those that it may be besides.
        self._partial = frozenset({heading_key(title), *others}) if plain else frozenset()
        self._any = _ANY_HEADING if plain else frozenset()
        self._opening: str | None = ""
        self._lines = _LineCleaner(self._existing, plain=plain, kept=others)
        self._at_line = self._existing.endswith("\n") and not self._lines.in_code

    @property
    def ended(self) -> bool:
        """Whether a token of a chat template has ended the answer, whatever follows."""
        return self._chatter.ended

    def add(self, piece: str) -> str:
        """Add a piece. Returns the text that is ready."""
        text = self._chatter.add(self._stripper.add(piece))
        if self._citations is None:
            return self._lines.add(self._opened(text))
        return self._citations.add(self._lines.add(self._opened(self._citations.cut_lists(text))))

    def close(self, *, broken_off: bool = False) -> str:
        """Return the rest, at the end of the answer.

        Args:
            broken_off: Whether the answer broke off and will be asked for again. If its beginning could not be judged
                yet, it is dropped: it may be half a heading.
        """
        if broken_off and self._opening is not None:
            return ""
        rest = self._chatter.add(self._stripper.close()) + self._chatter.close(cut_off=broken_off)
        if self._citations is None:
            return self._lines.add(self._opened(rest, ended=True)) + self._lines.close()
        rest = self._citations.cut_lists(rest) + self._citations.close_lists()
        text = self._lines.add(self._opened(rest, ended=True)) + self._lines.close()
        return self._citations.add(text) + self._citations.close()

    def take_dropped(self) -> tuple[str, ...]:
        """Return the citations that stood for nothing, each once."""
        return () if self._citations is None else self._citations.take_dropped()

    def _opened(self, text: str, ended: bool = False) -> str:
        """Pass text on, except the beginning of the answer, which is held back until it can be judged."""
        if self._opening is None:
            return text
        opening = self._opening + text
        if not ended and self._is_undecided(opening):
            self._opening = opening
            return ""
        self._opening = None
        return self._joined(self._without_heading(opening))

    def _is_undecided(self, opening: str) -> bool:
        """Tell whether more text could change what becomes of the beginning."""
        body = opening.lstrip(_BLANK)
        if not body:
            return True
        first, newline, rest = body.partition("\n")
        if self._exact and self._existing:
            waits = not rest.strip() and self._is_next_heading(first) if newline else len(first) <= _LONGEST_HEADING
            return self._at_line and first.startswith("#") and waits
        if newline and not rest and self._may_be_in_title(first):
            return True
        if (newline and self._is_heading(first)) or self._is_in_title(first, rest):
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
        marks = ("#", "*") if self._citations is None else ("#", "*", "[", "［", "【")
        key = heading_key(line)
        likely = (heading_key(self._title), *self._partial, *self._any)
        may_be = self._may_be_in_title(line) or any(heading.startswith(key) for heading in likely)
        return line.startswith(marks) or may_be

    def _is_heading(self, line: str) -> bool:
        """Tell whether a first line is the section's heading: a top-level heading, a bold line, or the title."""
        if len(line) > _LONGEST_HEADING:
            return False
        if self._citations is not None and _CITED_HEADING.fullmatch(line.strip()):
            return True
        match = _HEADING.fullmatch(line.strip())
        if match is None or (match["marks"] and len(match["marks"]) > 2):
            key = heading_key(line)
            return bool(key) and (key == heading_key(self._title) or self._is_part_of_heading(key))
        return True

    def _is_part_of_heading(self, key: str) -> bool:
        """Tell whether a line of plain prose is a heading for any text, or the beginning of one of the plan."""
        if key in self._others:
            return False  # the model writes another section, which a filter notices
        is_long = len(key) >= _LEAST_PART
        return key in self._any or (is_long and any(heading.startswith(key) for heading in self._partial))

    def _is_in_title(self, line: str, rest: str) -> bool:
        """Tell whether a first line of plain prose is words of the section's heading, in a paragraph of its own.

        A salutation, direct speech and a date may well be in the heading, too.
        """
        long_enough = len(heading_key(line)) >= _LEAST_PART
        return long_enough and rest.startswith("\n") and self._may_be_in_title(line)

    def _may_be_in_title(self, line: str) -> bool:
        words = line.strip().casefold()
        if not self._partial or self._existing or _NO_HEADING.search(words):
            return False
        return f" {words}" in f" {self._title.casefold()}"

    def _is_next_heading(self, line: str) -> bool:
        """Tell whether a base model begins another section. The heading is removed, and the text after it is kept."""
        is_heading = line.startswith("#") and _HEADING.fullmatch(line.strip()) is not None
        return self._at_line and is_heading and len(line) <= _LONGEST_HEADING

    def _without_heading(self, opening: str) -> str:
        body = opening.lstrip(_BLANK)
        first, newline, rest = body.partition("\n")
        if self._exact and self._existing:
            return rest.lstrip() if self._is_next_heading(first) else opening
        # A bold first line is a heading only if another line follows.
        is_heading = self._is_heading(first) and (bool(newline) or first.startswith("#"))
        is_heading = is_heading or self._is_in_title(first, rest)
        return rest.lstrip() if is_heading else body[self._label_size(first) :]

    def _label_size(self, line: str) -> int:
        """Return the size of the section's heading where a first line begins with it: "Light: In December …"."""
        title = heading_key(self._title)
        for colon in _LABEL_END.finditer(line[:_LONGEST_HEADING]):
            if title and heading_key(line[: colon.start()]) == title and not line[colon.end() :][:1].islower():
                return colon.end() if line[colon.end() :] else 0
        return 0

    def _joined(self, opening: str) -> str:
        existing = self._existing
        if not existing:
            return opening.lstrip(_BLANK)
        if self._exact:
            # The prompt did not have the spaces at the end.
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


class _LineCleaner:
    """Moves headings below the level of sections; for plain prose, removes them and makes sentences of list items.

    A list begins after a line that ends with a colon, and its numbers count from 1: others may be dates. A list whose
    first item is no sentence keeps its marks. A removed heading before a list becomes the line that leads to it. Code
    blocks stay as they are. The beginning of a line is held back until it is clear what it is.
    """

    def __init__(self, existing: str, *, plain: bool, kept: frozenset[str]) -> None:
        self._plain = plain
        self._kept = kept
        self._line_starts = not existing or existing.endswith("\n")
        self._heading = ""  # the last line, if that is a removed heading; blank lines after it are removed, too
        self._last = existing.rstrip()[-1:]  # the last character before the present line that is not blank
        self._items = 0  # of the present list
        self._keeps_marks = False  # whether that list does
        self._blocks = CodeBlocks(existing)
        self._held = ""

    @property
    def in_code(self) -> bool:
        """Whether the text so far ends within a block of code."""
        return self._blocks.inside

    def add(self, text: str) -> str:
        """Add text. Returns the text that is ready."""
        text, self._held = self._held + text, ""
        ready: list[str] = []
        for line in LINE.findall(text):
            if self._is_undecided(line):
                self._held = line
                break
            ready.append(self._cleaned(line))
            self._line_starts = line.endswith("\n")
        return "".join(ready)

    def close(self) -> str:
        """Return the rest, at the end of the answer."""
        rest, self._held = self._held, ""
        return self._cleaned(rest) if rest else ""

    def _is_undecided(self, line: str) -> bool:
        if line.endswith("\n"):
            return False
        if self._line_starts and (_UNDECIDED.fullmatch(line) or self._may_be_fence(line)):
            return True
        if not self._plain or self.in_code:
            return False
        if self._line_starts and self._may_be_item and self._is_undecided_item(line):
            return True
        if self._heading and _LIST_MARK.fullmatch(line, partial=True):
            return True
        if not self._last and _RULE.fullmatch(line, partial=True):
            return True
        may_be_heading = self._line_starts and line.lstrip(" ").startswith(("#", "**"))
        return line.endswith("*") or (may_be_heading and len(line) <= _LONGEST_HEADING)

    def _may_be_fence(self, line: str) -> bool:
        return len(line) <= _LONGEST_FENCE and _FENCE_START.match(line) is not None

    def _cleaned(self, line: str) -> str:
        if self._line_starts and self._may_be_fence(line):
            if self._blocks.add(line):
                return line
        elif self.in_code:
            return line
        if self._plain:
            heading = _HEADING.fullmatch(line.strip()) if self._line_starts and len(line) <= _LONGEST_HEADING else None
            if heading and heading_key(line) not in self._kept:
                self._heading = line.strip()
                return ""
            if self._heading and not line.strip():
                return ""
            if not self._last and (not line.strip() or _RULE.fullmatch(line)):
                return ""  # nothing stands before it that a rule could end
            lead_in = self._lead_in(line)
            self._heading = ""
            if self._line_starts and line.strip():
                line = self._without_mark(line)
            self._last = line.rstrip()[-1:] or self._last
            return lead_in + line.replace("**", "")
        top = _TOP_HEADING.match(line) if self._line_starts else None
        return f"###{line[top.end() :]}" if top else line

    def _lead_in(self, line: str) -> str:
        """Return the removed heading as a line that leads to a list, which nobody would understand without it."""
        if not self._heading or not _LIST_MARK.match(line):
            return ""
        words = _NUMBER_OF_HEADING.sub("", self._heading.strip("#* \t")).rstrip(":：* \t")
        if not any(map(str.isalpha, words)):
            return ""
        self._last, self._items = ":", 0
        return f"{words}{'：' if _ENDS_CJK.search(words) else ':'}\n"

    @property
    def _may_be_item(self) -> bool:
        return self._items > 0 or self._last in (":", "：") or bool(self._heading)

    def _is_undecided_item(self, line: str) -> bool:
        if _ITEM_MARK.fullmatch(line, partial=True):
            return True
        mark = _ITEM_MARK.match(line)
        return mark is not None and self._items == 0 and count_words(line[mark.end() :]) < _LEAST_SENTENCE

    def _without_mark(self, line: str) -> str:
        """Return a line without the mark of a list item, if it is one of a list of sentences."""
        if self._items and line[:2].isspace():
            return line  # belongs to the item before
        mark = _ITEM_MARK.match(line) if self._may_be_item else None
        if mark is None or (mark["number"] and int(mark["number"]) != self._items + 1):
            self._items = 0
            return line
        if self._items == 0:
            self._keeps_marks = count_words(line[mark.end() :]) < _LEAST_SENTENCE
        self._items += 1
        return line if self._keeps_marks else line[mark.end() :]


def _overlap(end: str, opening: str) -> int:
    """Return how many characters of ``opening`` repeat the end of the existing text. White space may differ."""
    lead = len(opening) - len(opening.lstrip())
    body = opening[lead:]
    folded = _folded(body)
    end = _folded(end)
    least = min(_LEAST_OVERLAP, len(end))  # a shorter text must be repeated as a whole
    for size in range(min(len(folded), len(end)), max(least, 1) - 1, -1):
        within_word = folded[size - 1].isalnum() and folded[size : size + 1].isalnum()
        if end.endswith(folded[:size]) and (not within_word or _CLOSING.match(folded[size])):
            return lead + _unfolded(body, size)
    return 0


def _folded(text: str) -> str:
    """Return ``text`` with each run of white space as one space."""
    return regex.sub(r"\s+", " ", text)


def _unfolded(text: str, size: int) -> int:
    """Return the length in ``text`` of the first ``size`` characters of the folded text."""
    spaces = [match for match in regex.finditer(r"\s+", text) if len(match[0]) > 1]
    for match in spaces:
        if match.start() + 1 > size:
            break
        size += len(match[0]) - 1
    return size


@lru_cache(maxsize=4096)
def heading_key(line: str) -> str:
    """Return a heading without number, marks, spaces and case, for comparison."""
    return regex.sub(r"[\W_]+", "", line).lstrip("0123456789").casefold()
