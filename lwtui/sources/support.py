"""Checks whether the sources of a text say what it cites them for.

Each sentence with a citation is compared with the passages of the cited source. Its figures, names and quotations have
to stand in the passage that fits best, or in one beside it. Nothing here judges what a sentence means: a sentence
without a finding may still be wrong, and one with a finding may only use other words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

import regex

from lwtui.documents.relevance import terms
from lwtui.sources.citations import Citation, find_citations
from lwtui.sources.details import Detail, find_details, fold, is_acronym_of, same_name
from lwtui.sources.figures import Figure, find_figures
from lwtui.sources.han_names import replaced_names
from lwtui.sources.model import FoundPassage, Passage, Source
from lwtui.sources.prose import without_code
from lwtui.text import sentence_ends

UNKNOWN_SOURCE = "unknown-source"
UNSUPPORTED = "unsupported-claim"
UNCITED = "uncited-figure"
SUPPORT_KINDS = {
    UNKNOWN_SOURCE: "a citation names a source that the document does not have",
    UNSUPPORTED: "a name, figure or quotation is not in the passage that is cited for it",
    UNCITED: "a sentence has figures and no citation, in a document with sources",
}
_MOST_CANDIDATES = 12  # passages of a source that are compared with a sentence
_CLOSE = 0.6  # share of its words that a sentence has in common with one that it was made from
_FAR = 0.2  # share of its words below which a passage is about something else
_LEAST_WORDS = 5  # of a sentence that is judged by its words alone
_LEAST_FIGURE = 20  # the least number in words that needs a citation
_MOST_NAMED = 6  # details that a message names
_BLOCK = regex.compile(
    r"\n(?=[ \t]*(?:[-*+•][ \t]|\p{Nd}{1,3}[.)][ \t]|#{1,6}[ \t]|\||>))|(?<=\n[ \t]*(?:#|\|)[^\n]*)\n"
)
_MARK = regex.compile(r"\s*(?:(?:[-*+•]|\p{Nd}{1,3}[.)])[ \t]+|>[ \t]*)*")
_HEADING = regex.compile(r"\s*#{1,6}[ \t]")
_WORD = regex.compile(r"[\p{L}\p{M}\p{N}]+(?:['’][\p{L}\p{M}]+)*")
_UNSPACED = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}]")
_NO_LETTERS = regex.compile(r"[\W_]+")
_COMMON = frozenset(
    regex.split(
        " ",
        "the and for with from that this these those their there they were was are have has had been which when where "
        "while what who whom into onto over under after before between about also more most than then only such some "
        "many much very each other its his her our your not but can could would should will may might must does did",
    )
)


@dataclass(frozen=True)
class SupportFinding:
    """A claim without support.

    Attributes:
        kind: One of :data:`SUPPORT_KINDS`.
        message: What is wrong.
        start: Where the claim starts in the text (offset).
        end: Where it ends.
        keys: The citation keys of the sentence.
        missing: The words that were not found.
    """

    kind: str
    message: str
    start: int
    end: int
    keys: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Sentence:
    text: str  # with blanks in place of citations and code
    start: int
    end: int
    citations: tuple[Citation, ...]


@dataclass
class _Read:
    """A passage, as it is compared. What takes time is found when it is needed."""

    text: str

    @cached_property
    def terms(self) -> frozenset[str]:
        return frozenset(_terms(self.text))

    @cached_property
    def folded(self) -> str:
        return fold(self.text)

    @cached_property
    def words(self) -> list[str]:
        return [word for found in _WORD.findall(self.folded) for word in (found, *found.split("-"))]

    @cached_property
    def letters(self) -> str:
        return _NO_LETTERS.sub("", self.folded)

    @cached_property
    def figures(self) -> list[Figure]:
        return find_figures(self.text)

    @cached_property
    def capitals(self) -> list[str]:
        return regex.findall(r"\p{Lu}[\p{L}\p{M}]*", self.text)

    @cached_property
    def sentences(self) -> list[_Read]:
        cuts = sorted({0, *sentence_ends(self.text), len(self.text)})
        return [_Read(self.text[start:end].strip()) for start, end in pairwise(cuts) if self.text[start:end].strip()]

    def has(self, detail: Detail) -> bool:
        if detail.figure is not None:
            return any(detail.figure.matches(figure) for figure in self.figures)
        if detail.is_quote or _UNSPACED.search(detail.text):
            return _NO_LETTERS.sub("", fold(detail.text)) in self.letters
        name = fold(detail.text)
        return any(same_name(name, word) for word in self.words) or is_acronym_of(detail.text, self.capitals)


@dataclass
class _ReadSource:
    source: Source
    passages: Sequence[Passage]
    read: list[_Read] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.read = [_Read(passage.text) for passage in self.passages]
        self.record = _Read(_record(self.source))

    def best(self, sentence: str, details: Sequence[Detail], pages: Sequence[int] = ()) -> int | None:
        """Return the index of the passage that fits a sentence best; ``None`` if there are no passages."""
        if not self.read:
            return None
        wanted = frozenset(_terms(sentence))
        shared = [len(wanted & read.terms) / max(1, len(wanted)) for read in self.read]
        for index, passage in enumerate(self.passages):
            if passage.page in pages:
                shared[index] += 0.1
        ranked = sorted(range(len(self.read)), key=lambda index: -shared[index])[:_MOST_CANDIDATES]

        def score(index: int) -> float:
            found = sum(2.0 if detail.figure else 1.0 for detail in details if self.read[index].has(detail))
            return found + 3 * shared[index]

        return max(ranked, key=score)

    def window(self, index: int) -> _Read:
        """Return a passage together with those beside it."""
        return _Read("\n\n".join(passage.text for passage in self.passages[max(0, index - 1) : index + 2]))


class SupportChecker:
    """Checks texts against the sources of a document. It keeps what it has read of them.

    Args:
        sources: The sources of the document.
        passages: Returns the passages of a source by its id.
    """

    def __init__(self, sources: Sequence[Source], passages: Callable[[str], Sequence[Passage]]) -> None:
        self._sources: Mapping[str, Source] = {source.key: source for source in sources}
        self._passages = passages
        self._read: dict[str, _ReadSource] = {}

    def check(self, text: str, language: str = "") -> list[SupportFinding]:
        """Return the findings about a text in order; none without sources.

        Args:
            text: The text of a section, in Markdown.
            language: Its language (BCP 47), if it is known.
        """
        if not self._sources and "@" not in text:
            return []
        return [finding for sentence in _sentences(text, self._sources) for finding in self._judge(sentence, language)]

    def best_passage(self, text: str, citation: Citation, language: str = "") -> FoundPassage | None:
        """Return the passage that fits the sentence of a citation best; ``None`` if the source is not there."""
        if citation.key not in self._sources:
            return None
        for sentence in _sentences(text, self._sources):
            if sentence.start <= citation.start < sentence.end:
                read = self._source(citation.key)
                index = read.best(sentence.text, find_details(sentence.text, language), citation.pages)
                return None if index is None else FoundPassage(read.passages[index], read.source)
        return None

    def _source(self, key: str) -> _ReadSource:
        if key not in self._read:
            source = self._sources[key]
            self._read[key] = _ReadSource(source, self._passages(source.id))
        return self._read[key]

    def _judge(self, sentence: _Sentence, language: str) -> Iterator[SupportFinding]:
        keys = tuple(dict.fromkeys(citation.key for citation in sentence.citations))
        for citation in sentence.citations:
            if citation.key not in self._sources:
                message = f"No source has the key “{citation.key}”"
                yield SupportFinding(UNKNOWN_SOURCE, message, citation.start, citation.end, (citation.key,))
        known = tuple(key for key in keys if key in self._sources)
        if known:
            yield from self._judge_claim(sentence, known, language)
        elif not keys and self._sources and (figures := _bare_figures(sentence.text)):
            message = f"{'Figures' if len(figures) > 1 else 'A figure'} without a citation: {_listed(figures)}"
            yield SupportFinding(UNCITED, message, sentence.start, sentence.end, (), tuple(figures))

    def _judge_claim(self, sentence: _Sentence, keys: tuple[str, ...], language: str) -> Iterator[SupportFinding]:
        details = find_details(sentence.text, language)
        windows, records, labels = [], [], []
        for key in keys:
            read = self._source(key)
            pages = [page for citation in sentence.citations if citation.key == key for page in citation.pages]
            records.append(read.record)
            index = read.best(sentence.text, details, pages)
            if index is None:
                continue
            labels.append(_label(FoundPassage(read.passages[index], read.source)))
            windows.append(read.window(index))
            times = sum(citation.key == key for citation in sentence.citations)
            rest = [detail for detail in details if not windows[-1].has(detail)]
            # A source that is cited twice, or with several pages, may have said this in several places.
            for _ in range(max(times, len(pages)) - 1):
                if rest and (more := read.best(sentence.text, rest, pages)) is not None:
                    windows.append(read.window(more))
                    rest = [detail for detail in rest if not windows[-1].has(detail)]
        missing = _missing(sentence.text, details, windows, records)
        where = " or ".join(dict.fromkeys(labels)) or " or ".join(self._sources[key].title for key in keys)
        if missing:
            message = f"Not found in {where}: {_listed(missing)}"
            yield SupportFinding(UNSUPPORTED, message, sentence.start, sentence.end, keys, tuple(missing))
        elif not details and _is_about_something_else(sentence.text, windows):
            message = f"Hardly a word of this is in {where}"
            yield SupportFinding(UNSUPPORTED, message, sentence.start, sentence.end, keys)


def _missing(text: str, details: Sequence[Detail], windows: Sequence[_Read], records: Sequence[_Read]) -> list[str]:
    """Return what of a sentence no passage has, in order."""
    nowhere = [
        detail
        for detail in details
        if not any(read.has(detail) for read in windows)
        and not (_may_be_of_the_record(detail) and any(record.has(detail) for record in records))
        and (detail.figure is not None or _same_script(detail.text, windows))
    ]
    closest = _closest(text, details, windows)
    found = [detail for detail in nowhere if detail.is_sure]
    if closest is not None:
        found += [
            detail
            for detail in details
            if detail not in found and not closest.has(detail) and _is_replaced(detail, details, closest, text)
            and not any(record.has(detail) for record in records)
            and not _is_said_elsewhere(detail, text, windows)
        ]  # fmt: skip
        found += [
            Detail(name, text.find(name), text.find(name) + len(name))
            for name in replaced_names(text, closest.text)
            if not any(name in read.text for read in windows)
            and not any(name in detail.text or detail.text in name for detail in found)
        ]
    return list(dict.fromkeys(detail.text for detail in sorted(found, key=lambda detail: detail.start)))


def _is_replaced(detail: Detail, details: Sequence[Detail], closest: _Read, text: str) -> bool:
    """Tell whether the sentence that a claim was made from has something else in place of a detail."""
    if detail.is_quote:
        return False
    own = _Read(text)
    if detail.figure is not None:
        kind = detail.figure.kind
        if detail.figure.is_word and detail.figure.value < 3:
            return False
        return any(
            figure.kind == kind
            and (not figure.is_word or figure.value > 2)
            and not any(other.figure is not None and other.figure.matches(figure) for other in details)
            for figure in closest.figures
        )
    names = [other for other in find_details(closest.text) if other.figure is None and not other.is_quote]
    return any(not own.has(name) for name in names)


def _is_said_elsewhere(detail: Detail, text: str, windows: Sequence[_Read]) -> bool:
    """Tell whether another sentence of the passages has a figure with the same word behind it: "thirteen hours"."""
    if detail.figure is None:
        return False
    unit = next(iter(_terms(" ".join(text[detail.end :].split()[:2]))), "")
    sentences = (sentence for window in windows for sentence in window.sentences)
    return bool(unit) and any(
        detail.figure.matches(figure) and unit in _terms(" ".join(sentence.text[figure.end :].split()[:2]))
        for sentence in sentences
        for figure in sentence.figures
    )


def _closest(text: str, details: Sequence[Detail], windows: Sequence[_Read]) -> _Read | None:
    """Return the sentence of the passages that a claim repeats but for some details; ``None`` without one."""
    blanked = text
    for detail in details:
        if not detail.is_quote:
            blanked = blanked[: detail.start] + " " * (detail.end - detail.start) + blanked[detail.end :]
    wanted = frozenset(_terms(blanked))
    if not wanted:
        return None
    sentences = [sentence for window in windows for sentence in window.sentences]
    shares = [
        (len(wanted & sentence.terms) / len(wanted), sum(sentence.has(detail) for detail in details), index)
        for index, sentence in enumerate(sentences)
    ]
    if not shares:
        return None
    share, _, index = max(shares, key=lambda entry: (entry[0], entry[1]))
    return sentences[index] if share >= _CLOSE else None


def _may_be_of_the_record(detail: Detail) -> bool:
    """Tell whether the title, the author or the year of a source may be meant."""
    return detail.figure is None or (detail.figure.kind == "number" and 1400 <= detail.figure.value < 2200)


def _is_about_something_else(text: str, windows: Sequence[_Read]) -> bool:
    wanted = frozenset(_terms(text))
    if len(wanted) < _LEAST_WORDS or not windows or not _same_script(text, windows):
        return False
    return max(len(wanted & window.terms) for window in windows) / len(wanted) < _FAR


def _same_script(text: str, windows: Sequence[_Read]) -> bool:
    """Tell whether words of a text can stand in the passages: a Chinese source writes names in its own script."""
    if not windows:
        return True
    return any(
        (_UNSPACED.search(text) is not None) == (_mostly_unspaced(window.text)) or text in window.text
        for window in windows
    )


def _mostly_unspaced(text: str) -> bool:
    return len(_UNSPACED.findall(text)) * 2 > sum(character.isalpha() for character in text)


def _bare_figures(text: str) -> list[str]:
    """Return the figures of a sentence that needs a citation for them."""
    return [
        detail.text
        for detail in find_details(text)
        if (figure := detail.figure) is not None
        and (figure.kind == "percent" or not figure.is_word or figure.value >= _LEAST_FIGURE)
    ]


def _sentences(text: str, keys: Mapping[str, Source]) -> Iterator[_Sentence]:
    """Yield the sentences of a text, but for headings and the rows between a table and its head."""
    prose = without_code(text)
    citations = find_citations(text, keys)
    blanked = prose
    for start, end in {citation.group for citation in citations}:
        blanked = blanked[:start] + " " * (end - start) + blanked[end:]
    cuts = sorted({0, len(text), *sentence_ends(prose), *(match.start() for match in _BLOCK.finditer(prose))})
    inside = {offset for citation in citations for offset in range(citation.group[0] + 1, citation.group[1])}
    for start, end in pairwise([cut for cut in cuts if cut not in inside]):
        if not prose[start:end].strip() or _HEADING.match(prose, start, end):
            continue
        mark = _MARK.match(prose, start, end)
        begin = mark.end() if mark else start
        stop = begin + len(prose[begin:end].rstrip())
        own = tuple(citation for citation in citations if begin <= citation.start < end)
        yield _Sentence(
            regex.sub(r"[*_]{1,3}", lambda found: " " * len(found[0]), blanked[begin:stop]), begin, stop, own
        )


def _terms(text: str) -> Iterator[str]:
    """Yield the terms of a text that say something: no short and common words, and pairs of characters."""
    for term in terms(text):
        if _UNSPACED.match(term):
            if len(term) > 1:
                yield term
        elif len(term) > 3 and term not in _COMMON:
            yield term


def _record(source: Source) -> str:
    """Return what a source's record says of it: its title, its people, its year."""
    parts: list[str] = [source.title]
    for value in source.csl.values():
        if isinstance(value, str):
            parts.append(value)
        elif isinstance(value, Sequence):
            parts += [str(word) for person in value if isinstance(person, Mapping) for word in person.values()]
        elif isinstance(value, Mapping):
            parts += [str(number) for part in value.get("date-parts") or () for number in part]
    return "\n".join(parts)


def _label(found: FoundPassage) -> str:
    page = f", p. {found.passage.page}" if found.passage.page is not None else f", passage {found.passage.number}"
    return f"{found.source.title}{page}"


def _listed(details: Sequence[str]) -> str:
    shown = ", ".join(" ".join(detail.split()) for detail in details[:_MOST_NAMED])
    return f"{shown}, …" if len(details) > _MOST_NAMED else shown
