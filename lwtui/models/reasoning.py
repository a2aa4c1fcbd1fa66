"""Separates a model's reasoning from its answer where both arrive as one text.

Many chat templates and servers put the reasoning between ``<think>`` and ``</think>`` at the beginning of the answer.
"""

from __future__ import annotations

from lwtui.models.base import ReasoningPiece, TextPiece

OPENING_TAG, CLOSING_TAG = "<think>", "</think>"


class ReasoningSplitter:
    """Splits off ``<think>…</think>`` at the beginning of an answer. Pieces may cut the tags anywhere."""

    def __init__(self) -> None:
        self._held = ""
        self._state = "beginning"  # then either "thinking", "after" and "text", or "text" at once

    def add(self, piece: str) -> list[TextPiece | ReasoningPiece]:
        """Return the parts that ``piece`` completes, and hold back what may still become a tag."""
        self._held += piece
        parts: list[TextPiece | ReasoningPiece] = []
        if self._state == "beginning":
            body = self._held.lstrip()
            if body.startswith(OPENING_TAG):
                self._state, self._held = "thinking", body.removeprefix(OPENING_TAG)
            elif not OPENING_TAG.startswith(body):
                self._state = "text"
        if self._state == "thinking":
            reasoning, tag, after = self._held.partition(CLOSING_TAG)
            held_len = 0 if tag else _partial_tag_len(reasoning)
            if complete := reasoning[: len(reasoning) - held_len]:
                parts.append(ReasoningPiece(complete))
            self._held = after if tag else reasoning[len(reasoning) - held_len :]
            if tag:
                self._state = "after"
        if self._state == "after" and self._held.lstrip():
            self._state, self._held = "text", self._held.lstrip()
        if self._state == "text" and self._held:
            parts.append(TextPiece(self._held))
            self._held = ""
        return parts

    def close(self) -> list[TextPiece | ReasoningPiece]:
        """Return what was held back and did not become a tag."""
        rest, self._held = self._held, ""
        if not rest or self._state == "after":
            return []
        return [ReasoningPiece(rest) if self._state == "thinking" else TextPiece(rest)]


def _partial_tag_len(text: str) -> int:
    """Count the characters at the end of ``text`` that may begin the closing tag."""
    return next((size for size in range(len(CLOSING_TAG) - 1, 0, -1) if text.endswith(CLOSING_TAG[:size])), 0)
