"""Finds faults in a text without a model: repetition, headings out of order, sections far from their target.

In a document with sources, claims without support are faults, too (see :mod:`lwtui.sources.support`).

Each finding has the places in the text, with a quote of each.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import regex

from lwtui.agentwrite.conclusions import CONCLUDES
from lwtui.agentwrite.section_kinds import KIND_KINDS, kind_problems
from lwtui.documents.model import Section
from lwtui.documents.section_kind import SectionKind
from lwtui.sources.citations import find_citations, without_citations
from lwtui.sources.support import SUPPORT_KINDS, SupportChecker
from lwtui.text import count_words, sentence_ends
from lwtui.text.placeholders import find_placeholders
from lwtui.text.repeats import (
    RepeatThresholds,
    Token,
    choose_thresholds,
    repeated_phrases,
    repeated_spans,
    similar_passages,
    tokenize,
)
from lwtui.translation import _, _n

KINDS = {
    "restated-paragraph": _("a paragraph restates another one"),
    "repeated-span": _("a long run of words occurs more than once"),
    "repeated-phrase": _("a phrase occurs again and again"),
    "repeated-opening": _("sections begin alike"),
    "repeated-conclusion": _("sections end alike, or a section before the last one concludes"),
    "heading-order": _("headings skip a level, are numbered out of order, or occur twice"),
    "off-target": _("a section is far from its target length"),
    "placeholder": _("a placeholder was left to be filled in"),
    **KIND_KINDS,
    **SUPPORT_KINDS,
}
TOLERANCE = 0.25  # share of its target that a section may be off
_SLACK = 15  # words that a section may be off, whatever its target
_LONGEST_QUOTE = 160  # characters
_MOST_PLACES = 12  # of one finding
_MOST_PHRASES = 40
_BREAK = regex.compile(r"\n[ \t]*\n\s*")
_CODE = regex.compile(r"(?ms)^ {0,3}(```|~~~).*?(?:^ {0,3}\1[^\n]*$|\Z)")
_TABLE = regex.compile(
    r"(?m)^[^\n|]*\|[^\n]*\n {0,3}\|?(?:[ \t]*:?-+:?[ \t]*\|)+(?:[ \t]*:?-+:?)?[ \t]*$(?:\n[^\n]*\S[^\n]*)*"
)
_HEADING_LINE = regex.compile(r"(?m)^ {0,3}(?P<marks>#{1,6})[ \t]+(?P<title>[^\n]+?)[ \t]*#*$")
_NUMBER = regex.compile(
    r"\A(?:(?:(?:chapter|part|section|step|kapitel|teil|chapitre|partie|capítulo|parte)\s+|第\s*)"
    r"(?P<named>\d{1,3})(?!\d)|(?P<digits>\d{1,3})[.):：](?!\d))",
    regex.IGNORECASE,
)


@dataclass(frozen=True)
class TextPart:
    """A section to check.

    Attributes:
        title: Its heading.
        text: Its text.
        line: The line on which its text begins, from 1.
        heading_line: The line of its heading.
        level: The level of its heading, from 1.
        target: The length that it should have, in the counter's unit; 0 for none.
        id: Its id, if it belongs to a document.
        kind: What the section consists of in the main. A table, code or formulas have no length to keep to.
    """

    title: str
    text: str
    line: int = 1
    heading_line: int = 1
    level: int = 1
    target: int = 0
    id: str = ""
    kind: SectionKind = SectionKind.PROSE


@dataclass(frozen=True)
class TextPlace:
    """A place in a part's text.

    Attributes:
        part: The number of the part, from 0.
        section_id: Its id.
        title: Its heading.
        start: Where the place starts in the part's text (offset).
        end: Where it ends (offset).
        line: Its line in the whole text, from 1.
        quote: Its words, shortened if they are many.
    """

    part: int
    section_id: str
    title: str
    start: int
    end: int
    line: int
    quote: str

    def to_dict(self) -> dict[str, Any]:
        """Return the place for JSON."""
        return {
            "section": self.part + 1,
            "title": self.title,
            "line": self.line,
            "offset": self.start,
            "length": self.end - self.start,
            "quote": self.quote,
        }


@dataclass(frozen=True)
class Finding:
    """Something that is wrong with a text.

    Attributes:
        kind: One of :data:`KINDS`, or a kind of the critic's.
        message: What is wrong.
        places: Where; the first place is the one to change.
        by_critic: Whether a model found it.
    """

    kind: str
    message: str
    places: tuple[TextPlace, ...]
    by_critic: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return the finding for JSON."""
        return {"kind": self.kind, "message": self.message, "places": [place.to_dict() for place in self.places]}


def lint(
    parts: Sequence[TextPart],
    *,
    tolerance: float = TOLERANCE,
    support: SupportChecker | None = None,
    language: str = "",
) -> list[Finding]:
    """Return all findings, grouped by kind.

    Args:
        parts: The sections to check.
        tolerance: The share of its target that a section may be off.
        support: Checks what the sections cite; ``None`` for a text without sources.
        language: The language of the text (BCP 47), if it is known.
    """
    text = _LintText(parts)
    checks: tuple[Callable[[], Iterator[Finding]], ...] = (
        lambda: _restated(text),
        lambda: _spans(text),
        lambda: _phrases(text),
        lambda: _openings(text),
        lambda: _conclusions(text),
        lambda: _headings(text),
        lambda: _lengths(text, tolerance),
        lambda: _placeholders(text),
        lambda: _kinds(text),
        lambda: _claims(text, support, language),
    )
    return [finding for check in checks for finding in check()]


def parts_of(sections: Sequence[Section]) -> list[TextPart]:
    """Return a document's sections as parts to check. Sections without text have no target."""
    return [
        TextPart(
            section.title,
            section.text,
            level=section.level,
            target=section.words if section.text.strip() else 0,
            id=section.id,
            kind=section.kind,
        )
        for section in sections
    ]


def place_of(parts: Sequence[TextPart], number: int, start: int, end: int) -> TextPlace:
    """Return a place in part ``number`` (from 0), with its line and a quote."""
    part = parts[number]
    quote = " ".join(part.text[start:end].split())
    if len(quote) > _LONGEST_QUOTE:
        quote = quote[:_LONGEST_QUOTE].rsplit(" ", 1)[0].rstrip() + "…"
    line = part.line + part.text.count("\n", 0, start)
    return TextPlace(number, part.id, part.title, start, end, line, quote)


@dataclass(frozen=True)
class _Passage:
    part: int
    start: int
    end: int
    first: int  # the number of its first token in the whole text
    last: int  # the number after that of its last token


@dataclass
class _LintText:
    """The parts as one sequence of tokens, and their paragraphs.

    In ``prose``, code, tables and citations are blanked out.
    """

    parts: Sequence[TextPart]
    prose: list[str] = field(default_factory=list)
    tokens: list[Token] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)  # the number of each part's first token
    passages: list[_Passage] = field(default_factory=list)
    covered: set[int] = field(default_factory=set)  # numbers of tokens that a finding already reports as repeated
    restated: list[_Passage] = field(default_factory=list)  # paragraphs that a finding already reports

    def __post_init__(self) -> None:
        self.prose = [
            _TABLE.sub(_blank, _CODE.sub(_blank, without_citations(part.text, find_citations(part.text))))
            for part in self.parts
        ]
        self.measure: RepeatThresholds = choose_thresholds(self.prose)
        for number, text in enumerate(self.prose):
            self.starts.append(len(self.tokens))
            cuts = [0, *(offset for match in _BREAK.finditer(text) for offset in match.span()), len(text)]
            for start, end in zip(cuts[::2], cuts[1::2], strict=True):
                block = text[start:end]
                start, end = start + len(block) - len(block.lstrip()), end - len(block) + len(block.rstrip())
                if text.startswith("#", start):
                    continue  # headings are checked on their own
                first = len(self.tokens)
                self.tokens += [Token(t.text, t.start + start, t.end + start) for t in tokenize(text[start:end])]
                if len(self.tokens) > first:
                    self.passages.append(_Passage(number, start, end, first, len(self.tokens)))

    @property
    def words(self) -> list[str]:
        return [token.text for token in self.tokens]

    def part_at(self, token: int) -> int:
        return bisect_right(self.starts, token) - 1

    def place(self, first: int, length: int) -> TextPlace:
        """Return the place of ``length`` tokens from number ``first`` on, up to the end of the part."""
        number = self.part_at(first)
        following = self.starts[number + 1] if number + 1 < len(self.starts) else len(self.tokens)
        last = min(first + length, following) - 1
        return place_of(self.parts, number, self.tokens[first].start, self.tokens[last].end)

    def is_restated(self, part: int, start: int, end: int) -> bool:
        """Tell whether a place is within a paragraph that is already reported as restated."""
        return any(passage.part == part and passage.start <= start and end <= passage.end for passage in self.restated)

    def passage_place(self, passage: _Passage) -> TextPlace:
        return place_of(self.parts, passage.part, passage.start, passage.end)

    def parts_with_text(self) -> list[int]:
        return [number for number, text in enumerate(self.prose) if text.strip()]


def _restated(text: _LintText) -> Iterator[Finding]:
    passages = [passage for passage in text.passages if passage.last - passage.first >= text.measure.passage]
    words = text.words
    reported: set[int] = set()
    token_lists = [words[passage.first : passage.last] for passage in passages]
    for first, again, share in similar_passages(token_lists, text.measure):
        if again in reported:
            continue  # one finding is enough for a paragraph
        reported.add(again)
        original, repeat = passages[first], passages[again]
        text.covered.update(range(repeat.first, repeat.last))
        text.restated.append(repeat)
        message = _("This paragraph restates another one ({share:.0%} alike)", share=share)
        yield Finding("restated-paragraph", message, (text.passage_place(repeat), text.passage_place(original)))


def _spans(text: _LintText) -> Iterator[Finding]:
    for span in repeated_spans(text.words, text.measure.span):
        again = range(span.again, span.again + span.length)
        if sum(token in text.covered for token in again) * 2 > span.length:
            continue  # the paragraph is already reported
        text.covered.update(again)
        message = _("These {count} words occur before, word for word", count=span.length)
        places = (text.place(span.again, span.length), text.place(span.first, span.length))
        yield Finding("repeated-span", message, places)


def _phrases(text: _LintText) -> Iterator[Finding]:
    times = max(4, len(text.tokens) // 4000)
    phrases = repeated_phrases(text.words, text.measure.phrase, times, text.covered)
    for length, starts in phrases[:_MOST_PHRASES]:
        places = tuple(text.place(start, length) for start in starts[:_MOST_PLACES])
        message = _("“{phrase}” occurs {count} times", phrase=places[0].quote, count=len(starts))
        yield Finding("repeated-phrase", message, places)


def _openings(text: _LintText) -> Iterator[Finding]:
    yield from _alike_at(text, "repeated-opening", _first_sentence, lambda words, size: words[:size])


def _conclusions(text: _LintText) -> Iterator[Finding]:
    yield from _alike_at(text, "repeated-conclusion", _last_sentence, lambda words, size: words[-size:])
    early = []
    for number in text.parts_with_text()[:-1]:
        start, end = _last_paragraph(text.prose[number])
        if CONCLUDES.match(text.prose[number][start:end].lstrip("*_ ")):
            early.append(place_of(text.parts, number, start, end))
    if early:
        message = _n(
            "A section concludes although more follows", "{count} sections conclude although more follows", len(early)
        )
        yield Finding("repeated-conclusion", message, tuple(early[:_MOST_PLACES]))


def _same_words(kind: str, count: int) -> str:
    if kind == "repeated-opening":
        return _("{count} sections begin with the same words", count=count)
    return _("{count} sections end with the same words", count=count)


def _nearly_alike(kind: str, share: float) -> str:
    if kind == "repeated-opening":
        return _("Two sections begin nearly alike ({share:.0%})", share=share)
    return _("Two sections end nearly alike ({share:.0%})", share=share)


def _alike_at(
    text: _LintText,
    kind: str,
    sentence: Callable[[str], tuple[int, int]],
    edge: Callable[[list[str], int], list[str]],
) -> Iterator[Finding]:
    """Find sections that begin, or end, with the same words or with similar sentences."""
    found = []
    for number in text.parts_with_text():
        start, end = sentence(text.prose[number])
        if not text.is_restated(number, start, end):
            words = [token.text for token in tokenize(text.prose[number][start:end])]
            found.append((number, start, end, words))
    size = text.measure.opening
    groups: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for index, (*_place, words) in enumerate(found):
        if len(words) >= size:
            groups[tuple(edge(words, size))].append(index)
    reported = set()
    for members in groups.values():
        if len(members) > 1:
            reported.update(members)
            places = tuple(place_of(text.parts, *found[index][:3]) for index in members[:_MOST_PLACES])
            yield Finding(kind, _same_words(kind, len(members)), places)
    # Sentences are short, so they must have more in common than paragraphs.
    for first, second, share in similar_passages(
        [words if len(words) > size else [] for *_place, words in found], text.measure, 0.55
    ):
        if not (first in reported and second in reported):
            reported.update((first, second))
            places = (place_of(text.parts, *found[second][:3]), place_of(text.parts, *found[first][:3]))
            yield Finding(kind, _nearly_alike(kind, share), places)


def _first_sentence(text: str) -> tuple[int, int]:
    start = next((match.end() for match in regex.finditer(r"\A(?:\s*#[^\n]*\n)*\s*", text)), 0)
    ends = sentence_ends(text[start:])
    return start, start + ends[0] if ends else len(text)


def _last_sentence(text: str) -> tuple[int, int]:
    stripped = text.rstrip()
    ends = [end for end in sentence_ends(stripped) if end < len(stripped)]
    start = ends[-1] if ends else 0
    return start + len(stripped[start:]) - len(stripped[start:].lstrip()), len(stripped)


def _last_paragraph(text: str) -> tuple[int, int]:
    stripped = text.rstrip()
    breaks = list(_BREAK.finditer(stripped))
    return breaks[-1].end() if breaks else 0, len(stripped)


@dataclass(frozen=True)
class _Heading:
    level: int
    title: str
    place: TextPlace
    within: int  # the number of the part whose text has it, or -1 for a part's own heading


def _headings(text: _LintText) -> Iterator[Finding]:
    headings = list(_all_headings(text.parts))
    for before, after in pairwise(headings):
        if after.level > before.level + 1:
            levels = after.level - before.level
            message = _("This heading is {count} levels below the one before it", count=levels)
            yield Finding("heading-order", message, (after.place, before.place))
    numbered: dict[int, tuple[int, _Heading]] = {}
    first: dict[tuple[str, int], _Heading] = {}
    for heading in headings:
        numbered = {level: known for level, known in numbered.items() if level <= heading.level}
        if match := _NUMBER.match(heading.title):
            number = int(match["named"] or match["digits"])
            last = numbered.get(heading.level)
            if last is not None and number != last[0] + 1:
                message = _("Number {number} follows number {before}", number=number, before=last[0])
                yield Finding("heading-order", message, (heading.place, last[1].place))
            numbered[heading.level] = (number, heading)
        known = first.setdefault((heading.title.casefold().strip(), heading.within), heading)
        if known is not heading:
            yield Finding("heading-order", _("This heading occurs twice"), (heading.place, known.place))


def _all_headings(parts: Sequence[TextPart]) -> Iterator[_Heading]:
    for number, part in enumerate(parts):
        if part.title:
            place = TextPlace(number, part.id, part.title, 0, 0, part.heading_line, part.title)
            yield _Heading(part.level, part.title, place, -1)
        for match in _HEADING_LINE.finditer(_CODE.sub(_blank, part.text)):
            # In Markdown, the document's title is level 1 and its sections are level 2.
            level = max(part.level + 1, len(match["marks"]) - 1)
            yield _Heading(level, match["title"], place_of(parts, number, *match.span()), number)


def _blank(match: regex.Match[str]) -> str:
    return " " * len(match.group())


def _lengths(text: _LintText, tolerance: float) -> Iterator[Finding]:
    for number, part in enumerate(text.parts):
        length = count_words(part.text)
        if (
            part.kind.has_free_length
            or not part.target
            or not length
            or abs(length - part.target) <= max(_SLACK, part.target * tolerance)
        ):
            continue
        message = _(
            "{length:,} words, where {target:,} were planned ({share:.0%})",
            length=length,
            target=part.target,
            share=length / part.target,
        )
        yield Finding("off-target", message, (place_of(text.parts, number, 0, min(len(part.text), 80)),))


def _placeholders(text: _LintText) -> Iterator[Finding]:
    found: dict[str, list[TextPlace]] = defaultdict(list)
    for number, prose in enumerate(text.prose):
        for start, end in find_placeholders(prose):
            found[prose[start:end].casefold()].append(place_of(text.parts, number, start, end))
    for places in found.values():
        message = _("“{text}” was left to be filled in", text=places[0].quote)
        yield Finding("placeholder", message, tuple(places[:_MOST_PLACES]))


def _kinds(text: _LintText) -> Iterator[Finding]:
    for number, part in enumerate(text.parts):
        for kind, message, start, end in kind_problems(part.text, part.kind):
            yield Finding(kind, message, (place_of(text.parts, number, start, end),))


def _claims(text: _LintText, support: SupportChecker | None, language: str) -> Iterator[Finding]:
    if support is None:
        return
    for number, part in enumerate(text.parts):
        for found in support.check(part.text, language):
            yield Finding(found.kind, found.message, (place_of(text.parts, number, found.start, found.end),))
