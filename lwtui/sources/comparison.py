"""Compares a sentence with passages of the sources that it cites: which of its details do they have?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import regex

from lwtui.documents.relevance import terms
from lwtui.sources.csl import ROLES, issued_parts, people
from lwtui.sources.details import ClaimDetail, find_details, fold, is_acronym_of, other_names, same_name
from lwtui.sources.figures import Figure, find_figures
from lwtui.sources.han_names import replaced_names
from lwtui.sources.model import Passage, Source
from lwtui.text import sentence_ends

_MOST_CANDIDATES = 12  # passages of a source that are compared with a sentence
_CLOSE = 0.6  # share of its words that a sentence has in common with one that it was made from
_CLOSE_UNSPACED = 0.4  # the same without spaces, where each change touches several pairs of characters
_FAR = 0.2  # share of its words below which a passage is about something else
_LEAST_WORDS = 5  # of a sentence that is judged by its words alone
_NO_SPACES = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}"
# A name in other letters stands within Chinese without spaces around it.
_WORD = regex.compile(
    rf"[[\p{{L}}\p{{M}}\p{{N}}]--[{_NO_SPACES}]]+(?:['’][[\p{{L}}\p{{M}}]--[{_NO_SPACES}]]+)*"
    rf"|[{_NO_SPACES}\p{{M}}]+",
    regex.VERSION1,
)
_UNSPACED = regex.compile(f"[{_NO_SPACES}]")
_PRONOUN = regex.compile(
    r"\b(?:he|she|it|they|his|her|its|their|him|them|er|sie|ihr|ihre|sein|seine|il|elle|ils|elles|son|sa|ses|él|ella"
    r"|su|sus)\b|[他她它其]",
    regex.IGNORECASE,
)
_NO_LETTERS = regex.compile(r"[\W_]+")
_LEAST_WORD = 2  # the greatest number in words that says little: "the two of them"
_TITLES = ("title", "container-title", "collection-title", "publisher", "publisher-place", "event-title")
_INITIAL = 3  # letters by which names are looked up
_COMMON = frozenset(
    regex.split(
        " ",
        "the and for with from that this these those their there they was were are has have had been which when where "
        "while what who whom into onto over under after before between about also more most than then only such some "
        "many much very each other its his her our your not but can could would should will may might must does did",
    )
)


@dataclass
class ComparedText:
    """A passage, as it is compared. What takes time is found when it is needed."""

    text: str

    @cached_property
    def terms(self) -> frozenset[str]:
        """The terms that say something."""
        return frozenset(_terms(self.text))

    @cached_property
    def folded(self) -> str:
        """The text for comparison."""
        return fold(self.text)

    @cached_property
    def words(self) -> list[str]:
        """Its words for comparison, and the parts of those with a hyphen."""
        return [word for found in _WORD.findall(self.folded) for word in (found, *found.split("-"))]

    @cached_property
    def letters(self) -> str:
        """Its letters and digits alone."""
        return _NO_LETTERS.sub("", self.folded)

    @cached_property
    def figures(self) -> list[Figure]:
        """Its figures."""
        return find_figures(self.text)

    @cached_property
    def capitals(self) -> list[str]:
        """Its words with a capital."""
        return regex.findall(r"\p{Lu}[\p{L}\p{M}]*", self.text)

    @cached_property
    def sentences(self) -> list[ComparedText]:
        """Its sentences."""
        cuts = sorted({0, *sentence_ends(self.text), len(self.text)})
        return [
            ComparedText(self.text[start:end].strip()) for start, end in pairwise(cuts) if self.text[start:end].strip()
        ]

    @cached_property
    def sure_names(self) -> frozenset[str]:
        """Its words that are names wherever they stand, for comparison."""
        found = (detail for detail in find_details(self.text) if detail.figure is None and detail.is_sure)
        return frozenset(fold(detail.text) for detail in found)

    @cached_property
    def by_initial(self) -> dict[str, set[str]]:
        """Its words for comparison, by their first letters."""
        found: dict[str, set[str]] = defaultdict(set)
        for word in self.words:
            found[word[:_INITIAL]].add(word)
        return found

    def has(self, detail: ClaimDetail) -> bool:
        """Tell whether the text has a detail, in whatever form."""
        if detail.figure is not None:
            return any(detail.figure.matches(figure) for figure in self.figures)
        if detail.is_quote or _UNSPACED.search(detail.text):
            return _NO_LETTERS.sub("", fold(detail.text)) in self.letters
        return self.names(fold(detail.text)) or is_acronym_of(detail.text, self.capitals)

    def names(self, name: str) -> bool:
        """Tell whether the text has a folded name in any form."""
        return _has_name(name, self.by_initial)


class ComparedSource:
    """A source whose passages are compared with sentences. It keeps what it has found in them."""

    def __init__(self, source: Source, passages: Sequence[Passage]) -> None:
        self.source = source
        self.passages = passages
        self.read = [ComparedText(passage.text) for passage in passages]
        self.record = ComparedText(_record(source))
        self._windows: dict[int, ComparedText] = {}

    @cached_property
    def _words(self) -> dict[str, set[str]]:
        """The words of all passages by their first letters."""
        found: dict[str, set[str]] = defaultdict(set)
        for read in self.read:
            for initial, words in read.by_initial.items():
                found[initial] |= words
        return found

    @cached_property
    def _places(self) -> dict[str, list[int]]:
        """The indexes of the passages that have a term."""
        places: dict[str, list[int]] = defaultdict(list)
        for index, read in enumerate(self.read):
            for term in read.terms:
                places[term].append(index)
        return places

    def names(self, detail: ClaimDetail) -> bool:
        """Tell whether any passage has a name."""
        if _UNSPACED.search(detail.text):
            return any(detail.text in read.text for read in self.read)
        return _has_name(fold(detail.text), self._words)

    def best(self, sentence: str, details: Sequence[ClaimDetail], pages: Sequence[int] = ()) -> int | None:
        """Return the index of the passage that fits a sentence best; ``None`` if there are no passages.

        Args:
            sentence: The sentence, without its citations.
            details: What is to be found.
            pages: The pages that are cited, which are preferred.
        """
        if not self.read:
            return None
        wanted = frozenset(_terms(sentence))
        shared = [0.0] * len(self.read)
        for term in wanted:
            for index in self._places.get(term, ()):
                shared[index] += 1 / len(wanted)
        for index, passage in enumerate(self.passages):
            if passage.page in pages:
                shared[index] += 0.1
        ranked = sorted(range(len(self.read)), key=lambda index: -shared[index])[:_MOST_CANDIDATES]

        def score(index: int) -> float:
            found = sum(2.0 if detail.figure else 1.0 for detail in details if self.read[index].has(detail))
            return found + 3 * shared[index]

        return max(ranked, key=score)

    def window(self, index: int) -> ComparedText:
        """Return a passage together with those beside it."""
        if index not in self._windows:
            texts = [passage.text for passage in self.passages[max(0, index - 1) : index + 2]]
            self._windows[index] = ComparedText("\n\n".join(texts))
        return self._windows[index]


@dataclass(frozen=True)
class Comparison:
    """A sentence, and the passages that may have been its source.

    Attributes:
        text: The sentence, without its citations.
        details: What is to be found.
        windows: The passages, each with those beside it.
        sources: The sources that are cited.
    """

    text: str
    details: Sequence[ClaimDetail]
    windows: Sequence[ComparedText]
    sources: Sequence[ComparedSource]

    @cached_property
    def _own(self) -> ComparedText:
        return ComparedText(self.text)

    def missing(self) -> list[str]:
        """Return what of the sentence no passage has, in order."""
        closest = self._closest()
        found = [
            detail
            for detail in self.details
            if self._is_missing(detail) or (closest is not None and self._is_replaced(detail, closest))
        ]
        words = {detail.text: detail.start for detail in found}
        for name in replaced_names(self.text, closest.text) if closest is not None else ():
            known = any(name in read.text for read in self.windows)
            if not known and not any(name in word or word in name for word in words):
                words[name] = self.text.find(name)
        return sorted(words, key=lambda word: words[word])

    def is_about_something_else(self) -> bool:
        """Tell whether the sentence has hardly a word in common with the passages."""
        wanted = frozenset(_terms(self.text))
        if len(wanted) < _LEAST_WORDS or not self.windows or not self._same_script(self.text):
            return False
        return max(len(wanted & window.terms) for window in self.windows) / len(wanted) < _FAR

    def _is_missing(self, detail: ClaimDetail) -> bool:
        if not detail.is_sure or any(read.has(detail) for read in self.windows) or self._is_of_the_record(detail):
            return False
        if detail.figure is not None:
            return True
        is_name = not detail.is_quote
        return self._same_script(detail.text) and not (is_name and any(read.names(detail) for read in self.sources))

    def _is_of_the_record(self, detail: ClaimDetail) -> bool:
        """Tell whether the title, an author or the year of a source is meant."""
        figure = detail.figure
        if figure is not None and (figure.kind != "number" or not 1400 <= figure.value < 2200):
            return False
        return any(read.record.has(detail) for read in self.sources)

    def _is_replaced(self, detail: ClaimDetail, closest: ComparedText) -> bool:
        """Tell whether the sentence that the claim was made from has something else in place of a detail."""
        if detail.is_quote or closest.has(detail) or self._is_of_the_record(detail):
            return False
        if self._is_said_elsewhere(detail, closest):
            return False
        if detail.figure is not None:
            return self._is_replaced_figure(detail, detail.figure, closest)
        if _PRONOUN.search(closest.text) and any(window.has(detail) for window in self.windows):
            return False  # "He employed …": a sentence before it names him
        return any(not self._own.has(name) for name in self._names_in(closest))

    def _is_replaced_figure(self, detail: ClaimDetail, own: Figure, closest: ComparedText) -> bool:
        others = [
            figure
            for figure in closest.figures
            if figure.kind == own.kind
            and (not figure.is_word or figure.value > _LEAST_WORD)
            and not any(known.figure is not None and known.figure.matches(figure) for known in self.details)
        ]
        return bool(others)

    def _names_in(self, closest: ComparedText) -> list[ClaimDetail]:
        """Return the names in a sentence of a source. Its first word is one if it is elsewhere in a sentence, too."""
        names = [detail for detail in find_details(closest.text) if detail.figure is None and not detail.is_quote]
        known = {name for window in self.windows for name in window.sure_names}
        return [name for name in names if name.is_sure or fold(name.text) in known]

    def _is_said_elsewhere(self, detail: ClaimDetail, closest: ComparedText) -> bool:
        """Tell whether another sentence has a detail, and more that the claim says: then the claim is of both."""
        others = [s for window in self.windows for s in window.sentences if s.text != closest.text and s.has(detail)]
        wanted = frozenset(_terms(self.text)) - closest.terms - frozenset(_terms(detail.text))
        least = 2 if _UNSPACED.search(self.text) else 1
        if any(len(wanted & sentence.terms) >= least for sentence in others):
            return True
        unit = next(_behind(self.text, detail.end), "")  # "thirteen hours"
        return bool(unit and detail.figure) and any(
            detail.figure is not None and detail.figure.matches(figure) and unit in _behind(sentence.text, figure.end)
            for sentence in others
            for figure in sentence.figures
        )

    def _closest(self) -> ComparedText | None:
        """Return the sentence of the passages that the claim repeats but for some details; ``None`` without one."""
        blanked = self.text
        for detail in self.details:
            if not detail.is_quote:
                blanked = blanked[: detail.start] + " " * (detail.end - detail.start) + blanked[detail.end :]
        wanted = frozenset(_terms(blanked))
        if not wanted:
            return None
        sentences = [sentence for window in self.windows for sentence in window.sentences]
        shares = [
            (len(wanted & sentence.terms) / len(wanted), sum(sentence.has(detail) for detail in self.details), index)
            for index, sentence in enumerate(sentences)
        ]
        share, _, index = max(shares, default=(0.0, 0, 0))
        return sentences[index] if share >= (_CLOSE_UNSPACED if _UNSPACED.search(self.text) else _CLOSE) else None

    def _same_script(self, text: str) -> bool:
        """Tell whether words of a text can stand in the passages: a Chinese source writes names in its own script."""
        unspaced = _UNSPACED.search(text) is not None
        return not self.windows or any(
            unspaced == _mostly_unspaced(window.text) or text in window.text for window in self.windows
        )


def _has_name(name: str, words: Mapping[str, set[str]]) -> bool:
    """Tell whether words, by their first letters, have a folded name in any form."""
    for one in (name, *other_names(name)):
        same = words.get(one[:_INITIAL], ())
        if one in same or any(same_name(one, word) for word in same):
            return True
    return False


def _mostly_unspaced(text: str) -> bool:
    return len(_UNSPACED.findall(text)) * 2 > sum(character.isalpha() for character in text)


def _behind(text: str, end: int) -> Iterator[str]:
    """Yield the terms of the two words behind a place."""
    return _terms(" ".join(text[end : end + 60].split()[:2]))


def _terms(text: str) -> Iterator[str]:
    """Yield the terms of a text that say something: no short and common words, and pairs of characters."""
    for term in terms(text):
        if _UNSPACED.match(term):
            if len(term) > 1:
                yield term
        elif len(term) > 3 and term not in _COMMON:
            yield term


def _record(source: Source) -> str:
    """Return what a source's record says of it: its titles, its people, its year."""
    parts = [source.title, *(str(source.csl.get(name) or "") for name in _TITLES)]
    parts += [str(word) for person in people(source.csl, ROLES) for word in person.values()]
    parts += [str(number) for part in issued_parts(source.csl) for number in part]
    return "\n".join(parts)
