"""Checks whether the sources of a text say what it cites them for.

Each sentence with a citation is compared with the passages of the cited source. Its figures, names and quotations have
to stand in the passage that fits best, or in one beside it. Nothing here judges what a sentence means: a sentence
without a finding may still be wrong, and one with a finding may only use other words.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise

import regex

from lwtui.sources.citations import Citation, find_citations, without_citations
from lwtui.sources.comparison import ComparedSource, ComparedText, Comparison
from lwtui.sources.details import find_details
from lwtui.sources.model import FoundPassage, Passage, Source
from lwtui.sources.prose import without_code
from lwtui.sources.store import SourceStore
from lwtui.text import sentence_ends
from lwtui.translation import _, _n, listed

UNKNOWN_SOURCE = "unknown-source"
UNSUPPORTED = "unsupported-claim"
UNCITED = "uncited-figure"
SUPPORT_KINDS = {
    UNKNOWN_SOURCE: _("a citation names a source that the document does not have"),
    UNSUPPORTED: _("a name, figure or quotation is not in the passage that is cited for it"),
    UNCITED: _("a sentence has figures and no citation, in a document with sources"),
}
_LEAST_FIGURE = 20  # the least number in words that needs a citation
_MOST_NAMED = 6  # details that a message names
_BLOCK = regex.compile(
    r"\n(?=[ \t]*(?:[-*+•][ \t]|\p{Nd}{1,3}[.)][ \t]|#{1,6}[ \t]|\||>))|(?<=\n[ \t]*(?:#|\|)[^\n]*)\n"
)
_MARK = regex.compile(r"\s*(?:(?:[-*+•]|\p{Nd}{1,3}[.)])[ \t]+|>[ \t]*)*")
_HEADING = regex.compile(r"\s*#{1,6}[ \t]")


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
class Claim:
    """A sentence that may need support.

    Attributes:
        text: Its text, with blanks in place of citations, code and marks.
        start: Where it starts (offset).
        end: Where it ends.
        citations: Its citations.
    """

    text: str
    start: int
    end: int
    citations: tuple[Citation, ...]


class SupportChecker:
    """Checks texts against the sources of a document. It keeps what it has read of them.

    Args:
        sources: The sources of the document.
        passages: Returns the passages of a source by its id.
    """

    def __init__(self, sources: Sequence[Source], passages: Callable[[str], Sequence[Passage]]) -> None:
        self._sources: Mapping[str, Source] = {source.key: source for source in sources}
        self._passages = passages
        self._read: dict[str, ComparedSource] = {}

    def check(self, text: str, language: str = "") -> list[SupportFinding]:
        """Return the findings about a text in order; none without sources.

        Args:
            text: The text of a section, in Markdown.
            language: Its language (BCP 47), if it is known.
        """
        if not self._sources and "@" not in text:
            return []
        return [finding for sentence in find_claims(text, self._sources) for finding in self._judge(sentence, language)]

    def at(self, text: str, citation: Citation, language: str = "") -> tuple[FoundPassage | None, list[SupportFinding]]:
        """Return what there is for the sentence of a citation.

        Returns:
            The passage of the cited source that fits the sentence best, if there is one, and the findings about the
            sentence, as :meth:`check` has them.
        """
        within = (one for one in find_claims(text, self._sources) if one.start <= citation.start < one.end)
        sentence = next(within, None)
        if sentence is None:
            return None, []
        findings = list(self._judge(sentence, language))
        if citation.key not in self._sources:
            return None, findings
        read = self._source(citation.key)
        index = read.best(sentence.text, find_details(sentence.text, language), citation.pages)
        return None if index is None else FoundPassage(read.passages[index], read.source), findings

    def passages(self, key: str) -> list[FoundPassage]:
        """Return the passages of the source with a citation key, in order."""
        source = self._sources[key]
        return [FoundPassage(passage, source) for passage in self._passages(source.id)]

    def _source(self, key: str) -> ComparedSource:
        if key not in self._read:
            source = self._sources[key]
            self._read[key] = ComparedSource(source, self._passages(source.id))
        return self._read[key]

    def _judge(self, sentence: Claim, language: str) -> Iterator[SupportFinding]:
        keys = tuple(dict.fromkeys(citation.key for citation in sentence.citations))
        for citation in sentence.citations:
            if citation.key not in self._sources:
                message = _("No source has the key “{key}”", key=citation.key)
                yield SupportFinding(UNKNOWN_SOURCE, message, citation.start, citation.end, (citation.key,))
        known = tuple(key for key in keys if key in self._sources)
        if known:
            yield from self._judge_claim(sentence, known, language)
        elif not keys and self._sources and (figures := _bare_figures(sentence.text)):
            message = _n(
                "A figure without a citation: {figures}",
                "Figures without a citation: {figures}",
                len(figures),
                figures=_listed(figures),
            )
            yield SupportFinding(UNCITED, message, sentence.start, sentence.end, (), tuple(figures))

    def _judge_claim(self, sentence: Claim, keys: tuple[str, ...], language: str) -> Iterator[SupportFinding]:
        details = find_details(sentence.text, language)
        sources = [self._source(key) for key in keys]
        windows: list[ComparedText] = []
        labels: list[str] = []
        for read in sources:
            pages = [page for cited in sentence.citations if cited.key == read.source.key for page in cited.pages]
            times = sum(cited.key == read.source.key for cited in sentence.citations)
            rest = details
            # A source that is cited twice, or with several pages, may have said this in several places.
            for _time in range(max(1, times, len(pages))):
                index = read.best(sentence.text, rest, pages)
                if index is None:
                    break
                windows.append(read.window(index))
                labels.append(_label(FoundPassage(read.passages[index], read.source)))
                rest = [detail for detail in rest if not windows[-1].has(detail)]
                if not rest:
                    break
        comparison = Comparison(sentence.text, details, windows, sources)
        missing = comparison.missing()
        where = _either(labels or [read.source.title for read in sources])
        if missing:
            message = _("Not found in {places}: {details}", places=where, details=_listed(missing))
            yield SupportFinding(UNSUPPORTED, message, sentence.start, sentence.end, keys, tuple(missing))
        elif not details and comparison.is_about_something_else():
            message = _("Hardly a word of this is in {places}", places=where)
            yield SupportFinding(UNSUPPORTED, message, sentence.start, sentence.end, keys)


def _bare_figures(text: str) -> list[str]:
    """Return the figures of a sentence that needs a citation for them."""
    return [
        detail.text
        for detail in find_details(text)
        if (figure := detail.figure) is not None
        and (figure.kind == "percent" or not figure.is_word or figure.value >= _LEAST_FIGURE)
    ]


def find_claims(text: str, keys: Collection[str]) -> Iterator[Claim]:
    """Yield the sentences of a text, but for headings and the rows between a table and its head."""
    prose = without_code(text)
    citations = find_citations(text, keys)
    blanked = without_citations(prose, citations)
    cuts = sorted({0, len(text), *sentence_ends(prose), *(match.start() for match in _BLOCK.finditer(prose))})
    inside = {offset for citation in citations for offset in range(citation.group[0] + 1, citation.group[1])}
    for start, end in pairwise([cut for cut in cuts if cut not in inside]):
        if not prose[start:end].strip() or _HEADING.match(prose, start, end):
            continue
        mark = _MARK.match(prose, start, end)
        begin = mark.end() if mark else start
        stop = begin + len(prose[begin:end].rstrip())
        own = tuple(citation for citation in citations if begin <= citation.start < end)
        yield Claim(regex.sub(r"[*_]{1,3}", lambda found: " " * len(found[0]), blanked[begin:stop]), begin, stop, own)


def _label(found: FoundPassage) -> str:
    title, passage = found.source.title, found.passage
    if passage.page is not None:
        return _("{title}, p. {page}", title=title, page=passage.page)
    return _("{title}, passage {number}", title=title, number=passage.number)


def _either(places: Iterable[str]) -> str:
    """Join the names of places; each counts once."""
    first, *others = dict.fromkeys(places)
    return reduce(lambda before, place: _("{places} or {place}", places=before, place=place), others, first)


def _listed(details: Sequence[str]) -> str:
    shown = listed(" ".join(detail.split()) for detail in details[:_MOST_NAMED])
    return f"{shown}, …" if len(details) > _MOST_NAMED else shown


def support_checker(store: SourceStore, texts: Iterable[str]) -> SupportChecker | None:
    """Return a checker for some texts of a document; ``None`` if it has no sources and they cite none.

    The checker has read all that it needs, so that it may work in another thread.
    """
    sources = store.list()
    keys = [source.key for source in sources]
    cited = {citation.key for text in texts for citation in find_citations(text, keys)}
    if not sources and not cited:
        return None
    passages = {source.id: store.passages(source.id) for source in sources if source.key in cited}
    return SupportChecker(sources, lambda source_id: passages.get(source_id, ()))
