"""What is wrong with a text that can be told without a model: what it says twice, where its headings jump, and which
sections are far from their length. Each finding has the places and the words there."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import regex

from lwtui.documents.model import Section
from lwtui.text import count_words, sentence_ends
from lwtui.text.repeats import (
    RepeatMeasure,
    Token,
    alike,
    measure_of,
    repeated_phrases,
    repeated_spans,
    tokens_of,
)

KINDS = {
    "restated-paragraph": "a paragraph says what another has said",
    "repeated-span": "a long run of words stands more than once",
    "repeated-phrase": "a phrase returns again and again",
    "repeated-opening": "sections begin alike",
    "repeated-conclusion": "sections end alike, or one that is not the last concludes",
    "heading-order": "headings skip a level, are numbered out of order, or stand twice",
    "off-target": "a section is far from its length",
}
TOLERANCE = 0.25  # a section may be this share of its target off
_SLACK = 15  # words that a section may be off whatever its target
_LONGEST_QUOTE = 160  # characters
_MOST_PLACES = 12  # told of one finding
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
_CONCLUDES = regex.compile(
    r"(?:in (?:conclusion|summary|closing|short|the end)|to (?:conclude|sum up|summari[sz]e)|overall|ultimately|"
    r"all in all|zusammenfassend|abschließend|alles in allem|insgesamt|en (?:conclusion|résumé|somme)|pour conclure|"
    r"en (?:conclusión|resumen)|para concluir|in conclusione|em (?:conclusão|resumo))\b"
    r"|总之|总而言之|总的来说|综上|最后|結論|まとめると",
    regex.IGNORECASE,
)


@dataclass(frozen=True)
class TextPart:
    """A section of what is looked at. ``line`` is where its text begins (from 1), ``heading_line`` where its heading
    stands; a ``target`` of 0 means none. One of a document has an ``id``."""

    title: str
    text: str
    line: int = 1
    heading_line: int = 1
    level: int = 1
    target: int = 0
    id: str = ""


@dataclass(frozen=True)
class TextPlace:
    """From ``start`` to ``end`` (offsets) in the text of part number ``part`` (from 0); ``line`` counts from 1."""

    part: int
    section_id: str
    title: str
    start: int
    end: int
    line: int
    quote: str

    def to_dict(self) -> dict[str, Any]:
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
    """``kind`` is one of :data:`KINDS`, or what a critic calls it."""

    kind: str
    message: str
    places: tuple[TextPlace, ...]
    by_critic: bool = False

    def to_dict(self) -> dict[str, Any]:
        return {"kind": self.kind, "message": self.message, "places": [place.to_dict() for place in self.places]}


def lint(parts: Sequence[TextPart], *, tolerance: float = TOLERANCE) -> list[Finding]:
    """All findings, those of a kind together, each kind in the order of the text."""
    text = _LintText(parts)
    checks: tuple[Callable[[], Iterator[Finding]], ...] = (
        lambda: _restated(text),
        lambda: _spans(text),
        lambda: _phrases(text),
        lambda: _openings(text),
        lambda: _conclusions(text),
        lambda: _headings(text),
        lambda: _lengths(text, tolerance),
    )
    return [finding for check in checks for finding in check()]


def parts_of(sections: Sequence[Section]) -> list[TextPart]:
    """A document's sections; what is not written yet has no length to be far from."""
    return [
        TextPart(one.title, one.text, level=one.level, target=one.words if one.text.strip() else 0, id=one.id)
        for one in sections
    ]


def place_of(parts: Sequence[TextPart], number: int, start: int, end: int) -> TextPlace:
    """The place in a part, with its line and what stands there."""
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
    first: int  # its tokens, by their numbers in the whole text
    last: int


@dataclass
class _LintText:
    """The parts as one run of tokens, and their paragraphs. ``prose`` are the parts' texts with blanks for code and
    tables, in which nobody writes sentences."""

    parts: Sequence[TextPart]
    prose: list[str] = field(default_factory=list)
    tokens: list[Token] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)  # the number of each part's first token
    passages: list[_Passage] = field(default_factory=list)
    covered: set[int] = field(default_factory=set)  # tokens that a finding has shown to be said again
    restated: list[_Passage] = field(default_factory=list)  # paragraphs that one has

    def __post_init__(self) -> None:
        self.prose = [_TABLE.sub(_blank, _CODE.sub(_blank, part.text)) for part in self.parts]
        self.measure: RepeatMeasure = measure_of(self.prose)
        for number, text in enumerate(self.prose):
            self.starts.append(len(self.tokens))
            cuts = [0, *(at for match in _BREAK.finditer(text) for at in match.span()), len(text)]
            for start, end in zip(cuts[::2], cuts[1::2], strict=True):
                block = text[start:end]
                start, end = start + len(block) - len(block.lstrip()), end - len(block) + len(block.rstrip())
                if text.startswith("#", start):
                    continue  # a heading says nothing
                first = len(self.tokens)
                self.tokens += [Token(t.text, t.start + start, t.end + start) for t in tokens_of(text[start:end])]
                if len(self.tokens) > first:
                    self.passages.append(_Passage(number, start, end, first, len(self.tokens)))

    @property
    def words(self) -> list[str]:
        return [token.text for token in self.tokens]

    def part_at(self, token: int) -> int:
        return bisect_right(self.starts, token) - 1

    def place(self, first: int, length: int) -> TextPlace:
        """Where ``length`` tokens from number ``first`` stand, as far as they are in one part."""
        number = self.part_at(first)
        following = self.starts[number + 1] if number + 1 < len(self.starts) else len(self.tokens)
        last = min(first + length, following) - 1
        return place_of(self.parts, number, self.tokens[first].start, self.tokens[last].end)

    def is_restated(self, part: int, start: int, end: int) -> bool:
        """Whether a stretch is within a paragraph of which it has been told that it says nothing new."""
        return any(one.part == part and one.start <= start and end <= one.end for one in self.restated)

    def passage_place(self, passage: _Passage) -> TextPlace:
        return place_of(self.parts, passage.part, passage.start, passage.end)

    def with_text(self) -> list[int]:
        return [number for number, text in enumerate(self.prose) if text.strip()]


def _restated(text: _LintText) -> Iterator[Finding]:
    whole = [one for one in text.passages if one.last - one.first >= text.measure.passage]
    words = text.words
    told: set[int] = set()
    for first, again, share in alike([words[one.first : one.last] for one in whole], text.measure):
        if again in told:
            continue  # once is enough for a paragraph, however often it is said
        told.add(again)
        one, other = whole[first], whole[again]
        text.covered.update(range(other.first, other.last))
        text.restated.append(other)
        message = f"This paragraph says what another has said ({share:.0%} alike)"
        yield Finding("restated-paragraph", message, (text.passage_place(other), text.passage_place(one)))


def _spans(text: _LintText) -> Iterator[Finding]:
    for span in repeated_spans(text.words, text.measure.span):
        again = range(span.again, span.again + span.length)
        if sum(at in text.covered for at in again) * 2 > span.length:
            continue  # its paragraph has been told
        text.covered.update(again)
        message = f"{span.length} words stand here once more, word for word"
        places = (text.place(span.again, span.length), text.place(span.first, span.length))
        yield Finding("repeated-span", message, places)


def _phrases(text: _LintText) -> Iterator[Finding]:
    times = max(4, len(text.tokens) // 4000)
    phrases = repeated_phrases(text.words, text.measure.phrase, times, text.covered)
    for length, starts in phrases[:_MOST_PHRASES]:
        places = tuple(text.place(start, length) for start in starts[:_MOST_PLACES])
        yield Finding("repeated-phrase", f"“{places[0].quote}” stands {len(starts)} times", places)


def _openings(text: _LintText) -> Iterator[Finding]:
    yield from _alike_at(text, "repeated-opening", "begin", _first_sentence, lambda words, size: words[:size])


def _conclusions(text: _LintText) -> Iterator[Finding]:
    yield from _alike_at(text, "repeated-conclusion", "end", _last_sentence, lambda words, size: words[-size:])
    early = []
    for number in text.with_text()[:-1]:
        start, end = _last_paragraph(text.prose[number])
        if _CONCLUDES.match(text.prose[number][start:end].lstrip("*_ ")):
            early.append(place_of(text.parts, number, start, end))
    if early:
        few = "A section concludes" if len(early) == 1 else f"{len(early)} sections conclude"
        yield Finding("repeated-conclusion", f"{few} although more follows", tuple(early[:_MOST_PLACES]))


def _alike_at(
    text: _LintText,
    kind: str,
    verb: str,
    sentence: Callable[[str], tuple[int, int]],
    edge: Callable[[list[str], int], list[str]],
) -> Iterator[Finding]:
    """Sections that begin, or end, with the same words or nearly the same sentence."""
    found = []
    for number in text.with_text():
        start, end = sentence(text.prose[number])
        if not text.is_restated(number, start, end):
            words = [token.text for token in tokens_of(text.prose[number][start:end])]
            found.append((number, start, end, words))
    size = text.measure.opening
    groups: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for at, (_, _, _, words) in enumerate(found):
        if len(words) >= size:
            groups[tuple(edge(words, size))].append(at)
    told = set()
    for members in groups.values():
        if len(members) > 1:
            told.update(members)
            places = tuple(place_of(text.parts, *found[at][:3]) for at in members[:_MOST_PLACES])
            yield Finding(kind, f"{len(members)} sections {verb} with the same words", places)
    # Sentences are short: for these, more has to be the same than for paragraphs.
    for one, other, share in alike([words if len(words) > size else [] for *_, words in found], text.measure, 0.55):
        if not (one in told and other in told):
            told.update((one, other))
            places = (place_of(text.parts, *found[other][:3]), place_of(text.parts, *found[one][:3]))
            yield Finding(kind, f"Two sections {verb} nearly alike ({share:.0%})", places)


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
    within: int  # the part that it stands in, or -1 for a part's own


def _headings(text: _LintText) -> Iterator[Finding]:
    headings = list(_all_headings(text.parts))
    for before, after in pairwise(headings):
        if after.level > before.level + 1:
            message = f"This heading is {after.level - before.level} levels below the one before it"
            yield Finding("heading-order", message, (after.place, before.place))
    numbered: dict[int, tuple[int, _Heading]] = {}
    first: dict[tuple[str, int], _Heading] = {}
    for heading in headings:
        numbered = {level: known for level, known in numbered.items() if level <= heading.level}
        if match := _NUMBER.match(heading.title):
            number = int(match["named"] or match["digits"])
            last = numbered.get(heading.level)
            if last is not None and number != last[0] + 1:
                message = f"Number {number} follows number {last[0]}"
                yield Finding("heading-order", message, (heading.place, last[1].place))
            numbered[heading.level] = (number, heading)
        known = first.setdefault((heading.title.casefold().strip(), heading.within), heading)
        if known is not heading:
            yield Finding("heading-order", "This heading stands twice", (heading.place, known.place))


def _all_headings(parts: Sequence[TextPart]) -> Iterator[_Heading]:
    for number, part in enumerate(parts):
        if part.title:
            place = TextPlace(number, part.id, part.title, 0, 0, part.heading_line, part.title)
            yield _Heading(part.level, part.title, place, -1)
        for match in _HEADING_LINE.finditer(_CODE.sub(_blank, part.text)):
            # A document's own title is one level above its sections.
            level = max(part.level + 1, len(match["marks"]) - 1)
            yield _Heading(level, match["title"], place_of(parts, number, *match.span()), number)


def _blank(match: regex.Match[str]) -> str:
    return " " * len(match.group())


def _lengths(text: _LintText, tolerance: float) -> Iterator[Finding]:
    for number, part in enumerate(text.parts):
        length = count_words(part.text)
        if not part.target or not length or abs(length - part.target) <= max(_SLACK, part.target * tolerance):
            continue
        message = f"{length:,} words, where {part.target:,} were planned ({length / part.target:.0%})"
        yield Finding("off-target", message, (place_of(text.parts, number, 0, min(len(part.text), 80)),))
