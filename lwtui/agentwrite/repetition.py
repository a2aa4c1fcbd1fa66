"""Notices loops, and sentences and paragraphs that occur twice, while a text streams.

A short paragraph that stood in an earlier section may be wanted: a refrain, a lead-in to a list, the same question. It
is a loop only if several come in a row, or if they are most of the section. Blocks of code may stand in each section,
and neither their lines nor the rows of tables are compared.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import regex

from lwtui.agentwrite.filters import RESCAN, EarlierTexts, FilterVerdict, SectionText, new_sentence_ends
from lwtui.text import last_sentence_end, sentence_ends
from lwtui.text.blocks import is_row
from lwtui.text.code_blocks import without_code
from lwtui.text.list_marks import MARK
from lwtui.translation import _

_TOKEN = regex.compile(r"(?P<character>[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}])|[\p{L}\p{N}]+")
_BREAK = regex.compile(r"\n\s*\n")
_LAST_BREAK = regex.compile(r"(?r)\n\s*\n")
_MAY_REPEAT = regex.compile(r"\s*[#“\"«„‘「『—–]")  # headings and direct speech
_ITEM = regex.compile(rf"\s*{MARK}\s")
_KNOWN_SHARE = 0.6  # a sentence with this share of known n-grams says nothing new
_LOOP_TOKENS = 24  # a phrase that repeats over this many tokens is a loop
_LOOP_REACH = 700  # last characters of the text, in which loops are looked for
_TIMES_IN_BLOCK = 4  # how much longer a loop has to be in code and in tables
_CHECK_EVERY = 40  # characters between two checks for loops
_MOST_IN_A_ROW = 3  # short paragraphs (or list items) of earlier sections, from which they are a loop
_MOST_SENTENCES = 6  # the same for sentences
_LEAST_CODE = 60  # tokens of code that repeat, from which they count
_LEAST_SHARE_OF_LINES = 0.6  # share of a paragraph that lines of earlier sections have, from which they count
_LEAST_SHARE = 0.5  # share of a section that short paragraphs of earlier ones have, from which they are a loop
_HASH_MASK = 2**24 - 1  # of the n-grams in the set


@dataclass(frozen=True)
class _Measure:
    """Sizes in tokens.

    Attributes:
        gram: The length of an n-gram.
        least: Shorter sentences may repeat: "Why?" is no loop.
        least_paragraph: Shorter paragraphs may repeat.
        most_refrain: Longer paragraphs must not stand in an earlier section.
    """

    gram: int
    least: int
    least_paragraph: int
    most_refrain: int


# A Chinese or Japanese character carries about half as much as a word.
_WORDS, _CHARACTERS = _Measure(4, 7, 4, 30), _Measure(6, 12, 8, 60)


class EarlierSentences(EarlierTexts):
    """The sentences and paragraphs of the earlier sections, as hashes.

    Attributes:
        grams: The n-grams of their sentences.
        paragraphs: Their paragraphs, without code.
        lines: The lines of these.
        with_code: Their paragraphs, those of code as well.
        refrains: Their short lines and paragraphs, and the beginnings of these.
    """

    def __init__(self) -> None:
        """Know no text."""
        super().__init__()
        self._forget()

    def _forget(self) -> None:
        self.grams = _Grams()
        self.paragraphs: set[int] = set()
        self.lines: set[int] = set()
        self.with_code: set[int] = set()
        self.refrains: set[int] = set()

    def _learn(self, text: str) -> None:
        self.with_code |= _paragraphs_of(text)
        prose = without_code(text)
        self.grams.update(_grams_of(prose))
        self.paragraphs |= _paragraphs_of(prose)
        self.lines |= _lines_of(prose)
        self.refrains |= _refrains_of(prose)


class RepetitionFilter:
    """Compares a growing section with itself and with the earlier sections.

    See :class:`lwtui.agentwrite.filters.TextFilter`.

    Args:
        earlier: The texts of the earlier sections.
        known: What was kept of them from section to section.
    """

    def __init__(self, earlier: Iterable[str] = (), known: EarlierSentences | None = None) -> None:
        self._earlier = known or EarlierSentences()
        self._earlier.hold(earlier)
        self._known = _Grams()  # of this section
        self._paragraphs: set[int] = set()  # of this section
        self._repeats = _Repeats()
        # Offsets in the section's text:
        self._checked = 0  # up to here, all sentences are sound and known
        self._scanned = 0  # no sentence ends between _checked and here
        self._paragraphs_checked = 0  # paragraphs that end before it are known
        self._paragraph_end = 0  # the end of the last known paragraph
        self._trusted = 0  # nothing before it is cut
        self._loops_checked = 0  # the length at the last check for loops

    def trust(self, text: str) -> None:
        """See :meth:`lwtui.agentwrite.filters.TextFilter.trust`."""
        end = last_sentence_end(text)
        self._known.update(_grams_of(text[:end]))
        self._paragraphs |= _paragraphs_of(text[:end])
        self._checked = self._scanned = end
        self._trusted = self._loops_checked = self._paragraphs_checked = len(text)
        self._paragraph_end = len(text.rstrip())

    def feed(self, text: SectionText, *, ended: bool = False) -> FilterVerdict | None:
        """See :meth:`lwtui.agentwrite.filters.TextFilter.feed`."""
        written = text.text
        whole = text.without_blocks
        for end in self._sentence_ends(whole, ended):
            tokens, measure = _tokens(whole[self._checked : end])
            grams = _grams(tokens, measure)
            if len(tokens) >= measure.least and grams:
                earlier = self._earlier.grams
                known = sum(gram in self._known or gram in earlier for gram in grams) / len(grams)
                repeated = 1 - len(set(grams)) / len(grams)
                if repeated >= _KNOWN_SHARE or (known >= _KNOWN_SHARE and not self._is_refrain(whole, end)):
                    # A block between the sentences stays.
                    start = end - len(whole[self._checked : end].lstrip())
                    keep = max(self._checked, self._trusted, len(written[:start].rstrip()))
                    return _loop(keep, _("a sentence repeats an earlier one"), end)
                run = self._repeats.add_sentence(self._checked, known=known >= _KNOWN_SHARE)
                if run is not None:
                    return _loop(max(run, self._trusted), _("sentences repeat earlier ones"))
            self._known.update(grams)
            self._checked = self._scanned = end
        self._scanned = max(self._checked, len(whole) - RESCAN)
        if (verdict := self._check_paragraphs(whole, ended)) is not None:
            return verdict
        if ended and (verdict := self._check_share(written)) is not None:
            return verdict
        if len(whole) - self._loops_checked < _CHECK_EVERY:
            return None
        self._loops_checked = len(whole)
        times = 1 if whole[-_CHECK_EVERY:] == written[-_CHECK_EVERY:] else _TIMES_IN_BLOCK
        loop = _loop_in(written, max(self._trusted, len(whole) - _LOOP_REACH * times), times)
        return None if loop is None else _loop(loop, _("a phrase loops"))

    def cut(self, keep: int) -> None:
        """See :meth:`lwtui.agentwrite.filters.TextFilter.cut`. The text that was cut stays known."""
        self._checked = min(self._checked, keep)
        self._scanned = min(self._scanned, keep)
        self._paragraphs_checked = min(self._paragraphs_checked, keep)
        self._paragraph_end = min(self._paragraph_end, keep)
        self._trusted = min(self._trusted, keep)
        self._loops_checked = min(self._loops_checked, keep)
        self._repeats.cut(keep)

    def _is_refrain(self, text: str, end: int) -> bool:
        """Tell whether the line or paragraph with the sentence that ends at ``end`` begins a short one from earlier."""
        last = _LAST_BREAK.search(text, 0, end)
        starts = {last.end() if last else 0, text.rfind("\n", 0, max(0, end - 1)) + 1}
        keys = [hash(tuple(_tokens(text[start:end])[0])) for start in starts]
        return any(key in self._earlier.refrains and not self._repeats.has(key) for key in keys)

    def _check_paragraphs(self, text: str, ended: bool) -> FilterVerdict | None:
        """Check the paragraphs that have ended since the last call."""
        for match in _BREAK.finditer(text, self._paragraphs_checked):
            self._paragraphs_checked = match.end()
            if (verdict := self._check_paragraph(text, match.start())) is not None:
                return verdict
        self._paragraphs_checked = max(self._paragraphs_checked, len(text) - RESCAN)
        return self._check_paragraph(text, len(text)) if ended else None

    def _check_share(self, text: str) -> FilterVerdict | None:
        """Check at the end of a section whether most of it stood in earlier ones."""
        first, repeated, total, start, least = None, 0, 0, self._trusted, _LOOP_TOKENS // 2
        for end in [*(match.start() for match in _BREAK.finditer(text, start)), len(text)]:
            paragraph = text[start:end].strip()
            tokens = len(_tokens(paragraph)[0])
            total += tokens
            if (key := _paragraph_hash(paragraph)) in self._earlier.with_code and key is not None:
                least = least if key in self._earlier.paragraphs else _LEAST_CODE
            else:
                tokens = sum(len(_tokens(line)[0]) for line in self._known_lines(paragraph))
            first = start if tokens and first is None else first
            repeated += tokens
            start = end
        if first is None or repeated < max(least, _LEAST_SHARE * total):
            return None
        return _loop(len(text[:first].rstrip()), _("most paragraphs repeat earlier ones"))

    def _known_lines(self, paragraph: str) -> list[str]:
        """Return the lines of a paragraph that stood in earlier sections, if it has little else. Rows do not count."""
        lines = [line for line in paragraph.split("\n") if not is_row(line)]
        known = [line for line in lines if _paragraph_hash(line) in self._earlier.lines]
        share = sum(map(len, known)) / max(1, len(paragraph))
        return known if share >= _LEAST_SHARE_OF_LINES else []

    def _check_paragraph(self, text: str, end: int) -> FilterVerdict | None:
        """Check the paragraph that ends at ``end``. If it is new, remember it."""
        found = _LAST_BREAK.search(text, 0, end)
        start, sound = (found.end(), len(text[: found.start()].rstrip())) if found else (0, 0)
        end = start + len(text[start:end].rstrip())
        if end == self._paragraph_end:
            return None  # only more white space after a known paragraph
        self._paragraph_end = end
        paragraph = _paragraph_hash(text[start:end])
        if paragraph is None:
            return None
        is_known = paragraph in self._earlier.paragraphs
        if paragraph in self._paragraphs or self._repeats.has(paragraph):
            return _loop(max(sound, self._trusted), _("a paragraph repeats an earlier one"), end)
        if not is_known:
            self._paragraphs.add(paragraph)
            self._repeats.end_run()
            return None
        tokens, measure = _tokens(text[start:end])
        if len(tokens) > measure.most_refrain:
            return _loop(max(sound, self._trusted), _("a paragraph repeats an earlier one"), end)
        items = sum(_ITEM.match(line) is not None for line in text[start:end].split("\n"))
        run = self._repeats.add(paragraph, sound, max(1, items))
        return None if run is None else _loop(max(run, self._trusted), _("paragraphs repeat earlier ones"))

    def _sentence_ends(self, text: str, ended: bool) -> list[int]:
        """Return the offsets at which the sentences end that were not checked yet."""
        ends = new_sentence_ends(text, max(self._checked, self._scanned))
        if ended and text[ends[-1] if ends else self._checked :].strip():
            ends.append(len(text))
        return ends


class _Repeats:
    """The short paragraphs of a section that stood in earlier ones, each of which may be wanted."""

    def __init__(self) -> None:
        self._found: list[tuple[int, int]] = []  # hash and offset
        self._run: list[int] = []  # the offsets of those in a row
        self._sentences: list[int] = []

    def has(self, paragraph: int) -> bool:
        """Tell whether the section already has this paragraph."""
        return any(key == paragraph for key, _place in self._found)

    def add(self, paragraph: int, offset: int, weight: int) -> int | None:
        """Add a paragraph that counts for ``weight``. Returns where the run begins, if it is too long."""
        self._found.append((paragraph, offset))
        self._run += [offset] * weight
        return self._run[0] if len(self._run) >= _MOST_IN_A_ROW else None

    def add_sentence(self, offset: int, *, known: bool) -> int | None:
        """Add a sentence. Returns where the run of known ones begins, if it is too long."""
        self._sentences = [*self._sentences, offset] if known else []
        return self._sentences[0] if len(self._sentences) >= _MOST_SENTENCES else None

    def end_run(self) -> None:
        """Take note of a new paragraph."""
        self._run = []

    def cut(self, keep: int) -> None:
        """Take note that the section was cut."""
        self._found = [found for found in self._found if found[1] < keep]
        self._run = [offset for offset in self._run if offset < keep]
        self._sentences = [offset for offset in self._sentences if offset < keep]


def _loop(keep: int, reason: str, end: int | None = None) -> FilterVerdict:
    return FilterVerdict(keep, reason, loop=True, end=end)


class _Grams:
    """A set of n-grams in constant memory: one bit for each of 2**24 hash values (2 MiB).

    With the n-grams of a million words in it, about one in seventeen others is a false positive. That is harmless: a
    sentence counts as known only if most of its n-grams do.
    """

    def __init__(self) -> None:
        self._bits = bytearray((_HASH_MASK + 1) // 8)

    def update(self, grams: Iterable[int]) -> None:
        bits = self._bits
        for gram in grams:
            bit = gram & _HASH_MASK
            bits[bit >> 3] |= 1 << (bit & 7)

    def __contains__(self, gram: int) -> bool:
        bit = gram & _HASH_MASK
        return bool(self._bits[bit >> 3] & 1 << (bit & 7))


@lru_cache(maxsize=512)
def _grams_of(text: str) -> array[int]:
    """Return the hashes of all n-grams in a text. Cached, since each run needs those of all sections."""
    cuts = [0, *sentence_ends(text), len(text)]
    return array("I", (gram & _HASH_MASK for a, b in pairwise(cuts) if b > a for gram in _grams(*_tokens(text[a:b]))))


@lru_cache(maxsize=512)
def _paragraphs_of(text: str) -> frozenset[int]:
    return _hashes_of(_BREAK.split(text))


@lru_cache(maxsize=512)
def _lines_of(text: str) -> frozenset[int]:
    return _hashes_of(text.split("\n"))


def _hashes_of(parts: Iterable[str]) -> frozenset[int]:
    return frozenset(key for part in parts if (key := _paragraph_hash(part)) is not None)


@lru_cache(maxsize=512)
def _refrains_of(text: str) -> frozenset[int]:
    """Return hashes of the short lines and paragraphs of a text, and of their beginnings that end with a sentence."""
    found = set()
    for part in {*_BREAK.split(text), *text.split("\n")}:
        tokens, measure = _tokens(part)
        if 0 < len(tokens) <= measure.most_refrain:
            ends = {*sentence_ends(part), len(part)}
            found |= {hash(tuple(_tokens(part[:end])[0])) for end in ends}
    return frozenset(found)


def _paragraph_hash(text: str) -> int | None:
    """Return the hash of a paragraph, or ``None`` if it may repeat."""
    tokens, measure = _tokens(text)
    if len(tokens) < measure.least_paragraph or _MAY_REPEAT.match(text):
        return None
    return hash(tuple(tokens))


def _tokens(text: str) -> tuple[list[str], _Measure]:
    matches = list(_TOKEN.finditer(text))
    characters = sum(match["character"] is not None for match in matches)
    tokens = [match.group().casefold() for match in matches]
    return tokens, _CHARACTERS if characters * 2 > len(tokens) else _WORDS


def _grams(tokens: list[str], measure: _Measure) -> list[int]:
    """Return the hashes of the n-grams; the n-grams of a long document would take too much memory."""
    size = measure.gram
    return [hash(tuple(tokens[start : start + size])) for start in range(len(tokens) - size + 1)]


def _loop_in(text: str, start: int, times: int = 1) -> int | None:
    """Find a loop at the end of ``text``: a phrase that is repeated at least three times.

    Args:
        text: The text.
        start: Where to begin the search (offset).
        times: How many times the usual length it must have.

    Returns:
        Where the first repetition ends, moved back to the end of a sentence if possible; ``None`` without a loop.
    """
    matches = list(_TOKEN.finditer(text, start))
    tokens = [match.group().casefold() for match in matches]
    for period in range(1, _LOOP_TOKENS + 1):
        span = max(period * 3, _LOOP_TOKENS) * times
        if len(tokens) < span:
            return None
        first = len(tokens)
        while first > period and tokens[first - 1] == tokens[first - 1 - period]:
            first -= 1
        if len(tokens) - first >= span - period:
            second = matches[first].start()
            return start + (last_sentence_end(text[start:second]) or len(text[start:second].rstrip()))
    return None
