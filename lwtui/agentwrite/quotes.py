"""Finds quotes in a document, whatever their white space, capitals and kinds of quotation marks."""

from __future__ import annotations

from collections.abc import Sequence

from lwtui.agentwrite.lint import TextPart, TextPlace, place_of

_SHORTEST_QUOTE = 8  # characters without white space; a shorter one could be anywhere
_FOLDED = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "«": '"', "»": '"', "–": "-", "—": "-", "‑": "-"})


class QuoteFinder:
    """Finds quotes in the parts of a document, each of which it indexes once."""

    def __init__(self, parts: Sequence[TextPart]) -> None:
        self._parts = parts
        self._folded: list[tuple[str, list[int]] | None] = [None] * len(parts)

    def find(self, quote: str) -> TextPlace | None:
        """Return the first place of ``quote``, without the marks around it; ``None`` if it is missing or too short."""
        wanted, _ = _fold(quote.strip().strip("\"'“”…. "))
        if len(wanted) < _SHORTEST_QUOTE:
            return None
        for number in range(len(self._parts)):
            folded, offsets = self._folded_part(number)
            start = folded.find(wanted)
            if start >= 0:
                return place_of(self._parts, number, offsets[start], offsets[start + len(wanted) - 1] + 1)
        return None

    def _folded_part(self, number: int) -> tuple[str, list[int]]:
        folded = self._folded[number]
        if folded is None:
            folded = self._folded[number] = _fold(self._parts[number].text)
        return folded


def relocate(text: str, place: TextPlace) -> tuple[int, int]:
    """Return where the quote of ``place`` is now in a section's ``text`` (start and end); (0, 0) if it is gone."""
    if " ".join(text[place.start : place.end].split()).startswith(place.quote.rstrip("…")):
        return place.start, place.end
    found = QuoteFinder([TextPart(place.title, text)]).find(place.quote)
    return (found.start, found.end) if found else (0, 0)


def _fold(text: str) -> tuple[str, list[int]]:
    """Return ``text`` in lower case without white space, and the offset of each of its characters in ``text``."""
    kept = [(character, offset) for offset, character in enumerate(text) if not character.isspace()]
    # A few characters become two in lower case. These stay as they are, to keep the offsets right.
    folded = "".join(low if len(low := character.lower()) == 1 else character for character, _ in kept)
    return folded.translate(_FOLDED), [offset for _, offset in kept]
