"""Notices a paragraph in which one sentence after the other begins with the same words, while it streams.

"It is a set of tools … It is a set of strategies …": a small model that has nothing left to say goes on like this, with
sentences that are new but say nothing. Three in a row may be rhetoric.
"""

from __future__ import annotations

from itertools import takewhile

from lwtui.agentwrite.filters import RESCAN, FilterVerdict, ForwardFilter, SectionText, new_sentence_ends
from lwtui.text.repeats import choose_thresholds, tokenize
from lwtui.translation import _

_MOST = 3  # sentences in a row with the same opening
_KEPT = 2  # of them, once there are more


class RepeatedOpeningFilter(ForwardFilter):
    """Checks a section sentence by sentence (see :class:`lwtui.agentwrite.filters.TextFilter`)."""

    def __init__(self) -> None:
        """Start with an empty section."""
        super().__init__()
        self._scanned = 0  # no sentence ends between _checked and here
        self._sentences: list[tuple[int, tuple[str, ...]]] = []  # of the present line: where each ends, its opening

    def trust(self, text: str) -> None:
        """See :meth:`lwtui.agentwrite.filters.TextFilter.trust`."""
        super().trust(text)
        self._scanned = len(text)
        self._sentences = []

    def cut(self, keep: int) -> None:
        """See :meth:`lwtui.agentwrite.filters.TextFilter.cut`."""
        super().cut(keep)
        self._scanned = min(self._scanned, keep)
        self._sentences = [(end, opening) for end, opening in self._sentences if end <= keep]
        if self._sentences:
            self._checked = min(self._checked, self._sentences[-1][0])

    def feed(self, text: SectionText, *, ended: bool = False) -> FilterVerdict | None:
        """See :meth:`lwtui.agentwrite.filters.TextFilter.feed`."""
        whole = text.without_blocks
        for end in new_sentence_ends(whole, max(self._checked, self._scanned)):
            sentence = whole[self._checked : end]
            if "\n" in sentence.strip(" "):  # a paragraph, a list item or a verse of its own
                self._sentences = []
            self._sentences.append((end, _opening(sentence)))
            self._checked = self._scanned = end
            if (keep := self._end_of_kept()) is not None:
                return FilterVerdict(keep, _("sentences in a row begin with the same words"), loop=True)
        self._scanned = max(self._checked, len(whole) - RESCAN)
        return None

    def _end_of_kept(self) -> int | None:
        """Return where the last sentence to keep ends, if too many in a row begin in the same way."""
        last = self._sentences[-1][1]
        same = list(takewhile(lambda sentence: last and sentence[1] == last, reversed(self._sentences)))
        return same[-_KEPT][0] if len(same) > _MOST else None


def _opening(sentence: str) -> tuple[str, ...]:
    """Return the first words of a sentence; none if it has hardly more."""
    size = choose_thresholds([sentence]).opening
    words = tuple(token.text for token in tokenize(sentence))
    return words[:size] if len(words) > size else ()
