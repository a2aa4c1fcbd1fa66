"""The wire form of a streamed answer: server-sent events, chunks of an answer, and thinking within the text.

Pure functions and small state machines; nothing here touches the network.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from typing import Any

from lwtui.models.base import ReasoningPiece, TextPiece
from lwtui.models.usage import Usage

MOST_EVENT_BYTES = 2**20

# Where a server does not keep to max_tokens, so much is taken of its answer; no text has tokens that long. Thinking has
# its own measure, because some servers do not count it.
_MOST_CHARACTERS_A_TOKEN = 16
_LEAST_ROOM = 2**12  # characters
_LEAST_ROOM_TO_THINK = 2**20

_OPEN, _CLOSE = "<think>", "</think>"
_FIELD = re.compile(rb"[\w-]{0,32}:")


class MalformedStream(Exception):
    """What came is not a stream of events that hold chunks; the message says what is wrong with it."""


class StreamError(Exception):
    """An error that the server put into the stream instead of a chunk. ``body`` is the object that holds it."""

    def __init__(self, body: dict[str, Any]) -> None:
        super().__init__("error in the stream")
        self.body = body


@dataclass(frozen=True)
class Chunk:
    """What one event says. ``finish`` is the server's own reason, empty while the answer goes on."""

    text: str = ""
    reasoning: str = ""
    finish: str = ""
    usage: Usage | None = None


class Heard:
    """What has been heard of one answer, and how long and for how much more it is worth listening."""

    def __init__(self, max_tokens: int, stall_seconds: float, usage_seconds: float) -> None:
        """``usage_seconds`` is how long an answer that has ended may take to tell its usage."""
        self.began = False
        self.finish = ""
        self.usage: Usage | None = None
        self.patience = stall_seconds  # how long the next chunk is waited for
        self._stall_seconds = stall_seconds
        self._usage_seconds = usage_seconds
        self._room = max(max_tokens * _MOST_CHARACTERS_A_TOKEN, _LEAST_ROOM)
        self._room_to_think = max(self._room, _LEAST_ROOM_TO_THINK)

    def take(self, chunk: Chunk, waited: float) -> None:
        """Note what came after so many seconds."""
        if chunk.finish and not self.finish:
            self.patience = min(self._stall_seconds, self._usage_seconds)
        elif self.finish or not (chunk.text or chunk.reasoning):
            self.patience -= waited  # a chunk that says nothing is silence too
        else:
            self.patience = self._stall_seconds
        self.began = True
        self.finish = chunk.finish or self.finish
        self.usage = chunk.usage or self.usage
        self._room -= len(chunk.text)
        self._room_to_think -= len(chunk.reasoning)

    @property
    def is_enough(self) -> bool:
        """Whether the answer is longer than it can be, however long the tokens are."""
        return self._room < 0 or self._room_to_think < 0


async def read_events(pieces: AsyncIterator[bytes]) -> AsyncGenerator[dict[str, Any] | None, None]:
    """The JSON object of each event, and ``None`` for ``[DONE]``, after which the rest of the body is passed over.

    Raises :class:`MalformedStream` and :class:`StreamError`. Holds at most ``MOST_EVENT_BYTES`` and one piece.
    """
    event = _Event()
    rest = b""
    async for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            data = event.add(line.removesuffix(b"\r"))
            if data == "[DONE]":
                yield None
                async for _ in pieces:
                    continue
                return
            if data:
                yield event.parsed(data)
        if len(rest) + event.size > MOST_EVENT_BYTES:
            raise MalformedStream("an event is larger than 1 MiB")
    # The last blank line may be missing; half a line at the end means that the stream was cut.
    data = event.add(b"") or rest.decode("utf-8", "replace").removeprefix("data:").strip()
    if data == "[DONE]":
        yield None
    elif not rest and data:
        yield event.parsed(data)


class _Event:
    """Collects the lines of one event."""

    def __init__(self) -> None:
        self._data: list[bytes] = []
        self._is_error = False
        self._was_error = False
        self.size = 0

    def add(self, line: bytes) -> str:
        """Take a line; the blank one after an event returns the event's data, every other ''."""
        if not line:
            data = b"\n".join(self._data)
            self._was_error = self._is_error
            self._data, self._is_error, self.size = [], False, 0
            try:
                return data.decode("utf-8").strip()
            except UnicodeDecodeError:
                raise MalformedStream("it holds bytes that are not UTF-8") from None
        if not _FIELD.match(line):
            raise MalformedStream("it holds a line that is no event")
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"event":
            self._is_error = value == b"error"
        elif name in (b"data", b"error"):  # some versions of llama-server write "error: {…}"
            self._is_error |= name == b"error"
            self._data.append(value)
            self.size += len(value)
        return ""

    def parsed(self, data: str) -> dict[str, Any]:
        """The object in ``data``, of the event that ended last."""
        chunk = parse_object(data)
        if self._was_error or chunk.get("error"):
            raise StreamError(chunk)
        return chunk


def parse_object(data: str | bytes) -> dict[str, Any]:
    """The JSON object in ``data``; raises :class:`MalformedStream` if there is none."""
    try:
        parsed = json.loads(data)
    except (ValueError, RecursionError):
        raise MalformedStream("it holds something that is not JSON") from None
    if not isinstance(parsed, dict):
        raise MalformedStream("it holds JSON that is not an object")
    return parsed


def read_chunk(chunk: dict[str, Any]) -> Chunk:
    """What a chunk of ``/chat/completions`` or ``/completions`` says, or a whole answer that was not streamed.

    Raises :class:`MalformedStream` where a value has a type that it cannot have.
    """
    usage = _usage(_typed(chunk, "usage", dict))
    choices = _typed(chunk, "choices", list) or []
    if not choices:
        return Chunk(usage=usage)
    choice = choices[0]
    if not isinstance(choice, dict):
        raise MalformedStream("a choice is not an object")
    delta = _typed(choice, "delta", dict) or _typed(choice, "message", dict) or {}
    content = delta.get("content")
    if isinstance(content, list):
        text, thought = _content_parts(content)
    else:
        text, thought = _typed(delta, "content", str) or _typed(choice, "text", str) or "", ""
    reasoning = _typed(delta, "reasoning_content", str) or _typed(delta, "reasoning", str) or thought
    return Chunk(text, reasoning, _typed(choice, "finish_reason", str) or "", usage)


def _content_parts(parts: list[Any]) -> tuple[str, str]:
    """Text and thinking of a content that comes as a list of parts, as Mistral's reasoning models send it."""
    text, thought = "", ""
    for part in parts:
        if not isinstance(part, dict):
            raise MalformedStream("a part of the content is not an object")
        text += _typed(part, "text", str) or ""
        thought += _content_parts(_typed(part, "thinking", list) or [])[0]
    return text, thought


def _typed(table: dict[str, Any], key: str, kind: type) -> Any:
    value = table.get(key)
    if value is not None and not isinstance(value, kind):
        raise MalformedStream(f"its {key} is of a wrong type")
    return value


def _usage(table: dict[str, Any] | None) -> Usage | None:
    if not table:
        return None
    details = table.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, dict) else 0
    prompt, completion, cached = (
        value if isinstance(value, int) and value > 0 else 0
        for value in (table.get("prompt_tokens"), table.get("completion_tokens"), cached)
    )
    return Usage(prompt, completion, cached)


class ThinkSplitter:
    """Takes ``<think>…</think>`` at the beginning of an answer for reasoning. Pieces may cut the tags anywhere."""

    def __init__(self) -> None:
        self._held = ""
        self._state = "beginning"  # then "thinking", "after", "text"; or "text" at once

    def add(self, piece: str) -> list[TextPiece | ReasoningPiece]:
        """The parts that ``piece`` completes; what may yet become a tag is held back."""
        self._held += piece
        parts: list[TextPiece | ReasoningPiece] = []
        if self._state == "beginning":
            body = self._held.lstrip()
            if body.startswith(_OPEN):
                self._state, self._held = "thinking", body.removeprefix(_OPEN)
            elif not _OPEN.startswith(body):
                self._state = "text"
        if self._state == "thinking":
            thought, tag, after = self._held.partition(_CLOSE)
            keep = 0 if tag else _overlap(thought)
            if shown := thought[: len(thought) - keep]:
                parts.append(ReasoningPiece(shown))
            self._held = after if tag else thought[len(thought) - keep :]
            if tag:
                self._state = "after"
        if self._state == "after" and self._held.lstrip():
            self._state, self._held = "text", self._held.lstrip()
        if self._state == "text" and self._held:
            parts.append(TextPiece(self._held))
            self._held = ""
        return parts

    def close(self) -> list[TextPiece | ReasoningPiece]:
        """What was held back and did not become a tag."""
        rest, self._held = self._held, ""
        if not rest or self._state == "after":
            return []
        return [ReasoningPiece(rest) if self._state == "thinking" else TextPiece(rest)]


def _overlap(text: str) -> int:
    """How many characters at the end of ``text`` may be the beginning of the closing tag."""
    return next((size for size in range(len(_CLOSE) - 1, 0, -1) if text.endswith(_CLOSE[:size])), 0)
