"""Where a quote stands in a document, whatever its white space, capitals and kinds of quotation marks."""

from __future__ import annotations

from collections.abc import Sequence

from lwtui.agentwrite.lint import TextPart, TextPlace, place_of

_LEAST = 8  # characters, without white space: less stands anywhere
_FOLDED = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "«": '"', "»": '"', "–": "-", "—": "-", "‑": "-"})


class QuoteFinder:
    """Finds quotes in the same parts, again and again."""

    def __init__(self, parts: Sequence[TextPart]) -> None:
        self._parts = parts
        self._folded: list[tuple[str, list[int]] | None] = [None] * len(parts)

    def find(self, quote: str) -> TextPlace | None:
        """The first place where ``quote`` stands, but for marks around it; ``None`` if there is none or it is short."""
        wanted, _ = _fold(quote.strip().strip("\"'“”…. "))
        if len(wanted) < _LEAST:
            return None
        for number in range(len(self._parts)):
            folded, offsets = self._of(number)
            at = folded.find(wanted)
            if at >= 0:
                return place_of(self._parts, number, offsets[at], offsets[at + len(wanted) - 1] + 1)
        return None

    def _of(self, number: int) -> tuple[str, list[int]]:
        known = self._folded[number]
        if known is None:
            known = self._folded[number] = _fold(self._parts[number].text)
        return known


def where_now(text: str, place: TextPlace) -> tuple[int, int]:
    """Where what ``place`` quotes stands in a section's ``text`` by now; its beginning if it is gone."""
    if " ".join(text[place.start : place.end].split()).startswith(place.quote.rstrip("…")):
        return place.start, place.end
    found = QuoteFinder([TextPart(place.title, text)]).find(place.quote)
    return (found.start, found.end) if found else (0, 0)


def _fold(text: str) -> tuple[str, list[int]]:
    """``text`` without white space, in small letters, and where each of its characters stood."""
    kept = [(character, at) for at, character in enumerate(text) if not character.isspace()]
    # One character may become two in small letters; those keep their shape.
    folded = "".join(low if len(low := one.lower()) == 1 else one for one, _ in kept).translate(_FOLDED)
    return folded, [at for _, at in kept]
