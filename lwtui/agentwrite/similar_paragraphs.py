"""Notices headings and list items that occur twice, and paragraphs that restate others, while a text streams.

:mod:`lwtui.agentwrite.repetition` finds sentences that are repeated word for word. A model that has nothing left to say
repeats larger pieces: the same list under another heading, the same paragraph with a few words changed. A paragraph is
a restatement if it shares a third of its n-grams with an earlier one. Each line counts as a paragraph, since models
write one paragraph a line.

A heading within an earlier section may come again, and so may one of its list items or short paragraphs, word for word:
recipes and chapters have such lines. Several in a row are a repetition. Code and rows of tables are not compared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache, partial

import regex

from lwtui.agentwrite.filters import EarlierTexts, FilterVerdict, ForwardFilter, SectionText
from lwtui.agentwrite.stream_cleaner import heading_key
from lwtui.text.blocks import is_row
from lwtui.text.code_blocks import CodeBlocks, without_code
from lwtui.text.list_marks import MARK
from lwtui.text.repeats import choose_thresholds, tokenize
from lwtui.translation import _

SIMILAR = 1 / 3  # share of common n-grams from which a paragraph is a restatement
_LINE = regex.compile(r"[^\n]*\n?")
_HEADING = regex.compile(r"\s{0,3}#{1,6}\s+(?P<text>\S.*)|\s{0,3}\*\*(?P<bold>[^*\n]{2,80})\*\*\s*[:：]?\s*")
_ITEM = regex.compile(rf"\s*{MARK}\s+(?P<text>\S.*)")
_MOST_IN_A_ROW = 3  # list items or short paragraphs of earlier sections, from which they are a repetition
_MOST_OF_A_VERSE = 3  # times the least length of a paragraph that is compared: what all lines in a row may have
_SHORT = (1 / 3, 2.5)  # shares of the least length of a paragraph that is compared: it may be wanted again
_LEAST_ITEM = 3  # words; a shorter item may repeat


@dataclass(frozen=True)
class _ComparedLine:
    """What a line may repeat.

    Attributes:
        heading: The key of the heading that it is; ``None`` if it is none.
        item: The words of the list item that it is, unless the item is short and may repeat.
        grams: Hashes of the n-grams of the paragraph that it is, unless it is too short to be compared.
        short: The hash of its words, if it is a short paragraph.
        is_item: Whether it is a list item.
    """

    heading: str | None
    item: tuple[str, ...] = ()
    grams: frozenset[int] = frozenset()
    short: int | None = None
    is_item: bool = False

    @classmethod
    def of(cls, line: str) -> _ComparedLine:
        if is_row(line):
            return _NOTHING
        if heading := _heading_in(line):
            return cls(heading_key(heading))
        return cls(None, _item_in(line), *_paragraph(line), _ITEM.match(line) is not None)


_NOTHING = _ComparedLine(None)  # a line that may well be like another


class _Paragraphs:
    """Paragraphs, as the hashes of their n-grams."""

    def __init__(self) -> None:
        self._numbers: dict[int, tuple[int, ...]] = {}  # of the paragraphs with an n-gram
        self._sizes: list[int] = []  # how many n-grams each paragraph has

    def add(self, grams: frozenset[int]) -> int:
        """Add a paragraph. Returns its number."""
        number = len(self._sizes)
        self._sizes.append(len(grams))
        for gram in grams:
            self._numbers[gram] = (*self._numbers.get(gram, ()), number)
        return number

    def remove(self, number: int, grams: frozenset[int]) -> None:
        """Remove a paragraph."""
        for gram in grams:
            self._numbers[gram] = tuple(other for other in self._numbers[gram] if other != number)

    def has_like(self, grams: frozenset[int]) -> bool:
        """Tell whether a paragraph with these n-grams restates one of these."""
        shared = self._shared(grams)
        return any(count >= SIMILAR * min(len(grams), self._sizes[number]) for number, count in shared.items())

    def has_whole(self, grams: frozenset[int]) -> bool:
        """Tell whether such a paragraph as a whole is restated: what it shares is not a small part of it."""
        return any(count >= SIMILAR * len(grams) for count in self._shared(grams).values())

    def _shared(self, grams: frozenset[int]) -> Counter[int]:
        return Counter(number for gram in grams for number in self._numbers.get(gram, ()))


class EarlierParagraphs(EarlierTexts):
    """The paragraphs of the earlier sections.

    Attributes:
        paragraphs: Those that are long enough to be compared.
        items: Their list items.
        short: Hashes of the short ones.
    """

    def __init__(self) -> None:
        """Know no text."""
        super().__init__()
        self._forget()

    def _forget(self) -> None:
        self.paragraphs = _Paragraphs()
        self.items: set[tuple[str, ...]] = set()
        self.short: set[int] = set()

    def _learn(self, text: str) -> None:
        for line in _lines_of(without_code(text)):
            self.items |= {line.item} if line.item else set()
            self.short |= {line.short} if line.short is not None else set()
            if line.grams:
                self.paragraphs.add(line.grams)


class SimilarParagraphFilter(ForwardFilter):
    """Checks a section line by line (see :class:`lwtui.agentwrite.filters.TextFilter`).

    Args:
        earlier: The texts of the earlier sections.
        headings: The keys of the headings of all sections, which must not occur within a section.
        known: What was kept of the earlier sections from section to section.
    """

    def __init__(
        self, earlier: Iterable[str] = (), headings: Iterable[str] = (), known: EarlierParagraphs | None = None
    ) -> None:
        """Start with an empty section."""
        super().__init__()
        self._earlier = known or EarlierParagraphs()
        self._earlier.hold(earlier)
        self._headings = set(headings)
        self._items: set[tuple[str, ...]] = set()
        self._paragraphs = _Paragraphs()  # of this section
        self._undo: list[tuple[int, Callable[[], object]]] = []  # offsets in this section, and how to undo adding them
        self._run: list[tuple[int, int, float]] = []  # lines in a row from earlier sections: offset, weight and length
        self._goes_on = False  # whether the next line belongs to the paragraph of the last
        self._code: CodeBlocks | None = None  # of the text to the offset beside it; ``None`` for the beginning
        self._code_end = 0

    def trust(self, text: str) -> None:
        """See :meth:`lwtui.agentwrite.filters.TextFilter.trust`."""
        super().trust(text)
        self._add_text(text)
        self._undo.clear()

    def cut(self, keep: int) -> None:
        """See :meth:`lwtui.agentwrite.filters.TextFilter.cut`. The text that was cut may occur again."""
        super().cut(keep)
        self._code = None
        self._run = [line for line in self._run if line[0] < keep]
        while self._undo and self._undo[-1][0] >= keep:
            self._undo.pop()[1]()

    def feed(self, text: SectionText, *, ended: bool = False) -> FilterVerdict | None:
        """See :meth:`lwtui.agentwrite.filters.TextFilter.feed`."""
        whole = text.text
        while self._checked < len(whole):
            match = _LINE.match(whole, self._checked)
            assert match is not None
            if not match[0].endswith("\n") and not ended:
                return None
            start = match.start()
            line = _NOTHING if self._is_in_code(whole, start) else _ComparedLine.of(match[0])
            if match[0].strip():
                if reason := self._repetition(line):
                    end = start + len(match[0].rstrip()) if self._is_restated(line) else None
                    return FilterVerdict(len(whole[:start].rstrip()), reason, loop=True, end=end)
                if self._is_run(start, line, match[0]):
                    first = self._run[0][0]
                    return FilterVerdict(len(whole[:first].rstrip()), _("lines repeat earlier ones"), loop=True)
            self._goes_on = bool(match[0].strip())
            self._add_line(start, line)
            self._checked = match.end()
        return None

    def _is_in_code(self, text: str, start: int) -> bool:
        """Tell whether the line that begins at ``start`` is within a block of code."""
        if self._code is None:
            self._code, self._code_end = CodeBlocks(), 0
        while (end := text.find("\n", self._code_end, start)) >= 0:
            self._code.add(text[self._code_end : end])
            self._code_end = end + 1
        return self._code.inside

    def _is_run(self, start: int, line: _ComparedLine, text: str) -> bool:
        """Tell whether a line ends a run of lines that stood in earlier sections. The lines of a verse count as one."""
        if line.item not in self._earlier.items and line.short not in self._earlier.short:
            self._run = []
            return False
        is_verse = self._goes_on and not line.is_item and bool(self._run)
        length = len(tokenize(text)) / choose_thresholds([text]).passage
        self._run.append((start, 0 if is_verse else 1, length))
        weight, length = (sum(column) for column in list(zip(*self._run, strict=True))[1:])
        return weight >= _MOST_IN_A_ROW or length > _MOST_OF_A_VERSE

    def _repetition(self, line: _ComparedLine) -> str:
        """Return what a line repeats, or an empty string."""
        if line.heading in self._headings:
            return _("a heading repeats an earlier one")
        if line.item in self._items:
            return _("a list item repeats an earlier one")
        if line.short in self._earlier.short:
            return ""
        if self._earlier.paragraphs.has_like(line.grams) or self._paragraphs.has_like(line.grams):
            return _("a paragraph restates an earlier one")
        return ""

    def _is_restated(self, line: _ComparedLine) -> bool:
        """Tell whether a paragraph has nothing else to say, so that it can be left out."""
        known = (self._earlier.paragraphs, self._paragraphs)
        return not line.is_item and any(paragraphs.has_whole(line.grams) for paragraphs in known)

    def _add_line(self, offset: int, line: _ComparedLine) -> None:
        if line.heading is not None:
            self._add_heading(offset, line.heading)
        self._add_item(offset, line.item)
        self._add_paragraph(offset, line.grams)

    def _add_text(self, text: str) -> None:
        for line in _lines_of(without_code(text)):
            self._add_line(0, line)

    def _add_heading(self, offset: int, key: str) -> None:
        if key and key not in self._headings:
            self._headings.add(key)
            self._undo.append((offset, partial(self._headings.discard, key)))

    def _add_item(self, offset: int, item: tuple[str, ...]) -> None:
        if item and item not in self._items:
            self._items.add(item)
            self._undo.append((offset, partial(self._items.discard, item)))

    def _add_paragraph(self, offset: int, grams: frozenset[int]) -> None:
        if not grams:
            return
        number = self._paragraphs.add(grams)
        self._undo.append((offset, partial(self._paragraphs.remove, number, grams)))


@lru_cache(maxsize=512)
def _lines_of(text: str) -> tuple[_ComparedLine, ...]:
    """Return the lines of a section. Each run asks for those of all sections."""
    return tuple(map(_ComparedLine.of, text.splitlines()))


def _heading_in(line: str) -> str:
    """Return the text of a heading in Markdown or in bold; empty if the line is none."""
    match = _HEADING.fullmatch(line.rstrip("\n"))
    return (match["text"] or match["bold"]) if match else ""


def _item_in(line: str) -> tuple[str, ...]:
    """Return the words of a list item; none if the line is none, or if the item is short and may repeat."""
    match = _ITEM.fullmatch(line.rstrip("\n"))
    words = tuple(token.text for token in tokenize(match["text"])) if match else ()
    return words if len(words) >= _LEAST_ITEM else ()


def _paragraph(line: str) -> tuple[frozenset[int], int | None]:
    """Return hashes of the n-grams of a paragraph, unless it is too short to be compared, and of a short one."""
    measure = choose_thresholds([line])
    tokens = [token.text for token in tokenize(line)]
    may_be_wanted = _SHORT[0] <= len(tokens) / measure.passage <= _SHORT[1]
    short = hash(tuple(tokens)) if may_be_wanted else None
    if len(tokens) < measure.passage:
        return frozenset(), short
    size = measure.shingle
    return frozenset(hash(tuple(tokens[start : start + size])) for start in range(len(tokens) - size + 1)), short
