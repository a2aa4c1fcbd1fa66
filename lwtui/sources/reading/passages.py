"""Division of a text into passages: 80 to 250 words each, at the ends of sentences, where the text allows it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lwtui.sources.model import Stretch
from lwtui.sources.reading.job import SourceError
from lwtui.text import count_words, sentence_ends
from lwtui.translation import _

LEAST, USUAL, MOST = 80, 150, 250  # words of a passage
_MAX_HEADING = 20  # words
_MAX_TEXT = 10_000_000  # characters of a source
_MAX_RUN = 1_500  # characters of a passage without the end of a sentence or a space
_MAX_PASSAGE = 6 * _MAX_RUN  # characters
_MAX_SENTENCE = 20_000  # characters in which ends of sentences are looked for


@dataclass(frozen=True)
class _Piece:
    """A sentence or less."""

    text: str
    words: int
    page: int | None
    opens_paragraph: bool
    is_heading: bool


def divide(paragraphs: Iterable[Stretch]) -> tuple[Stretch, ...]:
    """Divide the paragraphs of a source into passages.

    A passage has one page where that leaves it at least :data:`LEAST` words, and begins with a heading if there is one.

    Raises:
        SourceError: The text is too long.
    """
    texts = _bounded(paragraphs)
    passages: list[list[_Piece]] = [[]]
    words = 0
    for piece in _pieces(texts):
        if passages[-1] and _is_full(passages[-1], words, piece):
            passages.append(_headings_at_the_end(passages[-1]))
            words = sum(heading.words for heading in passages[-1])
        passages[-1].append(piece)
        words += piece.words
    if len(passages) > 1 and _fits_before(passages[-2], passages[-1]):
        last = passages.pop()
        passages[-1] += last
    return tuple(Stretch(_text(pieces), pieces[0].page) for pieces in passages if pieces)


def _bounded(paragraphs: Iterable[Stretch]) -> list[Stretch]:
    result, length = [], 0
    for paragraph in paragraphs:
        length += len(paragraph.text)
        if length > _MAX_TEXT:
            raise SourceError(
                _("The source has more than {limit:,} characters of text. Divide it.", limit=_MAX_TEXT),
                code="too-large",
            )
        result.append(paragraph)
    return result


def _is_full(pieces: list[_Piece], words: int, piece: _Piece) -> bool:
    if words + piece.words > MOST or sum(len(before.text) for before in pieces) + len(piece.text) > _MAX_PASSAGE:
        return True
    if words >= LEAST and (piece.page != pieces[-1].page or piece.is_heading):
        return True
    return words >= USUAL and piece.opens_paragraph


def _headings_at_the_end(pieces: list[_Piece]) -> list[_Piece]:
    """Take the headings from the end of a full passage: they belong to what follows."""
    moved: list[_Piece] = []
    while len(pieces) > 1 and pieces[-1].is_heading:
        moved.insert(0, pieces.pop())
    return moved


def _fits_before(before: list[_Piece], last: list[_Piece]) -> bool:
    together = [*before, *last]
    return (
        sum(piece.words for piece in last) < LEAST
        and last[0].page == before[0].page
        and sum(piece.words for piece in together) <= MOST
        and sum(len(piece.text) for piece in together) <= _MAX_PASSAGE
    )


def _text(pieces: list[_Piece]) -> str:
    parts: list[str] = []
    for piece in pieces:
        if parts and piece.opens_paragraph:
            parts[-1] = parts[-1].rstrip()
            parts.append("\n")
        parts.append(piece.text)
    return "".join(parts).strip()


def _pieces(paragraphs: Iterable[Stretch]) -> Iterator[_Piece]:
    for paragraph in paragraphs:
        text = paragraph.text.strip()
        is_heading = False
        opens = True
        for part in _sentences(text):
            words = count_words(part)
            if opens:
                is_heading = part == text and 0 < words <= _MAX_HEADING and not text.endswith(tuple(".!?。！？:：;,|"))
            yield _Piece(part, words, paragraph.page, opens, is_heading)
            opens = False


def _sentences(text: str) -> Iterator[str]:
    """Yield the sentences of a paragraph with the space after each; what is too long for a passage in parts."""
    for start in range(0, len(text), _MAX_SENTENCE):
        block = text[start : start + _MAX_SENTENCE]
        at = 0
        for end in (*sentence_ends(block), len(block)):
            while end < len(block) and block[end].isspace():
                end += 1
            if end > at:
                yield from _short(block[at:end])
                at = end


def _short(sentence: str) -> Iterator[str]:
    while len(sentence) > MOST and (len(sentence) > _MAX_RUN or count_words(sentence) > MOST):
        cut = _cut(sentence)
        yield sentence[:cut]
        sentence = sentence[cut:]
    if sentence:
        yield sentence


def _cut(sentence: str) -> int:
    """Return where to cut a sentence that is too long: behind a space, or where a passage is full."""
    reach = min(_MAX_RUN, len(sentence))
    while count_words(sentence[:reach]) > MOST:
        reach = reach * 3 // 4
    space = max(sentence.rfind(mark, reach // 2, reach) for mark in " \t\n，、；,;")
    return space + 1 if space > 0 else reach
