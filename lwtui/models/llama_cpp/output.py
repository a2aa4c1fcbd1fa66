"""Decodes the bytes of tokens to text and finds stop strings in it."""

from __future__ import annotations

import codecs
from collections.abc import Sequence

State = tuple[tuple[bytes, int], str]


class OutputDecoder:
    """Decodes a completion's bytes as they come and looks for stop strings.

    A character may be split across tokens; bytes that are not UTF-8 become U+FFFD. Text is held back only while it may
    be the beginning of a stop string, and the stop string itself is never returned.

    Args:
        stop: The stop strings.

    Attributes:
        stopped: Whether a stop string has come.
    """

    def __init__(self, stop: Sequence[str] = ()) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._stop = tuple(filter(None, stop))
        self._held = ""
        self.stopped = False

    def add(self, piece: bytes) -> str:
        """Return the text that ``piece`` completes; :attr:`stopped` then says whether the completion ends here."""
        return self._filter(self._decoder.decode(piece))

    def state(self) -> State:
        """Return what :meth:`restore` needs to undo later additions."""
        return self._decoder.getstate(), self._held

    def restore(self, state: State) -> None:
        """Go back to ``state`` as if nothing had been added since. Text that was already returned stays returned."""
        decoder, self._held = state
        self._decoder.setstate(decoder)
        self.stopped = False

    def close(self) -> str:
        """Return the text held back, at the end of a completion that no stop string ended."""
        text = self._filter(self._decoder.decode(b"", final=True))
        if not self.stopped:
            text, self._held = text + self._held, ""
        return text

    def _filter(self, text: str) -> str:
        if self.stopped:
            return ""
        text, self._held = self._held + text, ""
        found = [at for at in map(text.find, self._stop) if at >= 0]
        if found:
            self.stopped = True
            return text[: min(found)]
        if held_len := max((_overlap_len(text, stop) for stop in self._stop), default=0):
            text, self._held = text[:-held_len], text[-held_len:]
        return text


def _overlap_len(text: str, stop: str) -> int:
    """Count the characters at the end of ``text`` that may begin ``stop``."""
    return next((size for size in range(min(len(text), len(stop) - 1), 0, -1) if stop.startswith(text[-size:])), 0)
