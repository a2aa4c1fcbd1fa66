"""From the bytes of tokens to the text that a reader may see."""

from __future__ import annotations

import codecs
from collections.abc import Sequence

State = tuple[tuple[bytes, int], str]


class TextOut:
    """Decodes an answer's bytes as they come and looks for stop strings in its text.

    A character may be split over tokens; bytes that are no UTF-8 become U+FFFD. Text is held back only as far as it
    may be the beginning of a stop string, which is itself never passed on.
    """

    def __init__(self, stop: Sequence[str] = ()) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._stop = tuple(filter(None, stop))
        self._held = ""
        self.stopped = False

    def add(self, piece: bytes) -> str:
        """The text that ``piece`` completes; ``stopped`` then says whether the answer is to end here."""
        return self._pass(self._decoder.decode(piece))

    def state(self) -> State:
        """What :meth:`restore` needs to undo what is added after this."""
        return self._decoder.getstate(), self._held

    def restore(self, state: State) -> None:
        """Go back to ``state``, as if nothing had been added since; text that was passed on stays so."""
        decoder, self._held = state
        self._decoder.setstate(decoder)
        self.stopped = False

    def close(self) -> str:
        """What was held back, at the end of an answer that no stop string ended."""
        text = self._pass(self._decoder.decode(b"", final=True))
        if not self.stopped:
            text, self._held = text + self._held, ""
        return text

    def _pass(self, text: str) -> str:
        if self.stopped:
            return ""
        text, self._held = self._held + text, ""
        found = [at for at in map(text.find, self._stop) if at >= 0]
        if found:
            self.stopped = True
            return text[: min(found)]
        if keep := max((_overlap(text, stop) for stop in self._stop), default=0):
            text, self._held = text[:-keep], text[-keep:]
        return text


def _overlap(text: str, stop: str) -> int:
    """How many characters at the end of ``text`` may be the beginning of ``stop``."""
    return next((size for size in range(min(len(text), len(stop) - 1), 0, -1) if stop.startswith(text[-size:])), 0)
