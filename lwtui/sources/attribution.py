"""Adds the citations that a model has left out, where a passage that it was shown says the same.

Small models write from passages and forget to cite them. A sentence is cited only if its figures, names and quotations
all stand in one passage, and most of its words with them (fewer, where there are three or more such details), so what
is added is checked as strictly as any citation.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import regex

from lwtui.sources.citations import cite
from lwtui.sources.comparison import ComparedSource, ComparedText, Comparison
from lwtui.sources.details import ClaimDetail, find_details
from lwtui.sources.model import FoundPassage
from lwtui.sources.support import Claim, find_claims

_SAID = 0.75  # share of its words that a sentence has in common with one sentence of a passage
_SAID_IN_ALL = 0.9  # the same with a whole passage, of which it may join several sentences
_LEAST_DETAILS = 2  # figures, names and quotations without which a sentence may come from anywhere
_MANY_DETAILS = 3  # that stand in one passage by no accident, so that fewer of the other words have to:
_SAID_WITH_MANY = 0.7
_LEAST_WORDS = 4
_END = regex.compile(r"[.!?…。！？．｡]+(?P<closing>[\"'”’»）)」』】]*)\s*\Z|\s*\Z")
_NO_SPACE_AFTER = regex.compile(
    r"(?:[\p{Han}\p{Hiragana}\p{Katakana}。，；：！？、」』》）]|(?<=[\p{Han}。！？，；])[”’])\Z"
)


@dataclass(frozen=True)
class AddedCitations:
    """A text with the citations that were missing.

    Attributes:
        text: The text.
        start: Where the first one was added (offset); the text before it is as it was.
        citations: What was added, in order.
    """

    text: str
    start: int
    citations: tuple[str, ...]


def add_citations(
    text: str, passages: Sequence[FoundPassage], keys: Collection[str], language: str = "", begin: int = 0
) -> AddedCitations | None:
    """Cite the passages from which sentences were taken.

    Args:
        text: The text of a section, in Markdown.
        passages: The passages that the model was shown.
        keys: The citation keys of all sources.
        language: The language of the text (BCP 47), if it is known.
        begin: How much of the text stays as it is.

    Returns:
        The text with the citations, or ``None`` if none was missing.
    """
    read = [ComparedSource(found.source, [found.passage]) for found in passages]
    pieces: list[str] = []
    citations: list[str] = []
    start = done = 0
    for claim in find_claims(text, keys):
        if claim.start < begin or claim.citations:
            continue
        if (found := _source_of(claim, read, language)) is None:
            continue
        at = _place(text, claim)
        citation = cite([found])
        space = "" if _NO_SPACE_AFTER.search(text[:at]) else " "
        pieces += [text[done:at], space, citation]
        start = start if citations else at
        citations.append(citation)
        done = at
    if not citations:
        return None
    return AddedCitations("".join(pieces) + text[done:], start, tuple(citations))


def _source_of(claim: Claim, passages: Sequence[ComparedSource], language: str) -> FoundPassage | None:
    """Return the passage that says what a sentence says; of several, the one that is nearest to its words."""
    details = find_details(claim.text, language)
    if sum(detail.is_sure for detail in details) < _LEAST_DETAILS:
        return None
    best = max(_likenesses(claim, details, passages), key=lambda pair: pair[0], default=None)
    return best[1] if best else None


def _likenesses(
    claim: Claim, details: Sequence[ClaimDetail], passages: Sequence[ComparedSource]
) -> Iterator[tuple[float, FoundPassage]]:
    own = ComparedText(claim.text).terms
    if len(own) < _LEAST_WORDS:
        return
    sure = [detail for detail in details if detail.is_sure]
    needed = _SAID_WITH_MANY if len(sure) >= _MANY_DETAILS else _SAID_IN_ALL
    for source in passages:  # each with one passage
        (read,) = source.read
        if not all(map(read.has, sure)):
            continue
        near = max((len(own & sentence.terms) / len(own) for sentence in read.sentences), default=0.0)
        if near < _SAID and len(own & read.terms) / len(own) < needed:
            continue
        if not Comparison(claim.text, details, [read], [source]).missing():
            yield near, FoundPassage(source.passages[0], source.source)


def _place(text: str, claim: Claim) -> int:
    """Return where the citation of a sentence belongs: before its full stop, or after a quotation that has that."""
    match = _END.search(text, claim.start, claim.end)
    assert match is not None  # at least the end itself matches
    return match.end("closing") if match["closing"] else match.start()
