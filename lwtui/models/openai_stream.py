"""Parses streamed completions: server-sent events, and the chunks in them.

Only pure functions and small state machines; nothing here touches the network.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from typing import Any

from lwtui.models.usage import Usage

MAX_EVENT_BYTES = 2**20

# Upper bounds, in characters, for servers that ignore max_tokens; no text has tokens that long. Reasoning has a bound
# of its own, because some servers do not count its tokens.
_MAX_CHARACTERS_PER_TOKEN = 16
_MIN_TEXT_LIMIT = 2**12
_MIN_REASONING_LIMIT = 2**20

_FIELD = re.compile(rb"[\w-]{0,32}:")


class MalformedStream(Exception):
    """The response is not a stream of completion chunks; the message says what is wrong with it."""


class StreamError(Exception):
    """The server sent an error within the stream. ``body`` is the object that holds it."""

    def __init__(self, body: dict[str, Any]) -> None:
        super().__init__("error in the stream")
        self.body = body


@dataclass(frozen=True)
class Chunk:
    """The contents of one event. ``finish`` is the server's finish reason, empty until the completion ends."""

    text: str = ""
    reasoning: str = ""
    finish: str = ""
    usage: Usage | None = None


class StreamState:
    """The state of one streamed completion, and how much longer to read it.

    Args:
        max_tokens: The completion's upper bound, in tokens.
        stall_seconds: How long the server may stay silent.
        usage_seconds: How long the server may take to report the usage after the completion has ended.

    Attributes:
        began: Whether any chunk has come.
        finish: The finish reason; empty until it has come.
        usage: The usage as the server reported it.
        timeout: Seconds to wait for the next chunk.
    """

    def __init__(self, max_tokens: int, stall_seconds: float, usage_seconds: float) -> None:
        self.began = False
        self.finish = ""
        self.usage: Usage | None = None
        self.timeout = stall_seconds
        self._stall_seconds = stall_seconds
        self._usage_seconds = usage_seconds
        self._text_limit = max(max_tokens * _MAX_CHARACTERS_PER_TOKEN, _MIN_TEXT_LIMIT)
        self._reasoning_limit = max(self._text_limit, _MIN_REASONING_LIMIT)

    def update(self, chunk: Chunk, waited: float) -> None:
        """Record a chunk that came after ``waited`` seconds."""
        if chunk.finish and not self.finish:
            self.timeout = min(self._stall_seconds, self._usage_seconds)
        elif self.finish or not (chunk.text or chunk.reasoning):
            self.timeout -= waited  # an empty chunk counts as silence
        else:
            self.timeout = self._stall_seconds
        self.began = True
        self.finish = chunk.finish or self.finish
        self.usage = chunk.usage or self.usage
        self._text_limit -= len(chunk.text)
        self._reasoning_limit -= len(chunk.reasoning)

    @property
    def is_too_long(self) -> bool:
        """Whether more text has come than ``max_tokens`` tokens can hold."""
        return self._text_limit < 0 or self._reasoning_limit < 0


async def read_events(pieces: AsyncIterator[bytes]) -> AsyncGenerator[dict[str, Any] | None, None]:
    """Yield the JSON object of each event, and ``None`` for ``[DONE]``; anything after it is discarded.

    Buffers at most ``MAX_EVENT_BYTES`` and one piece.

    Raises:
        MalformedStream: The body is not a stream of such events.
        StreamError: The server sent an error.
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
        if len(rest) + event.size > MAX_EVENT_BYTES:
            raise MalformedStream("an event is larger than 1 MiB")
    # The last blank line may be missing. Half a line at the end means that the stream was cut.
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
        """Add a line. A blank line ends the event and returns its data; any other line returns ``""``."""
        if not line:
            data = b"\n".join(self._data)
            self._was_error = self._is_error
            self._data, self._is_error, self.size = [], False, 0
            try:
                return data.decode("utf-8").strip()
            except UnicodeDecodeError:
                raise MalformedStream("it holds bytes that are not UTF-8") from None
        if not _FIELD.match(line):
            raise MalformedStream("it holds a line that belongs to no event")
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
        """Parse ``data``, of the event that ended last."""
        chunk = parse_object(data)
        if self._was_error or chunk.get("error"):
            raise StreamError(chunk)
        return chunk


def parse_object(data: str | bytes) -> dict[str, Any]:
    """Parse the JSON object in ``data``.

    Raises:
        MalformedStream: There is none.
    """
    try:
        parsed = json.loads(data)
    except (ValueError, RecursionError):
        raise MalformedStream("it holds something that is not JSON") from None
    if not isinstance(parsed, dict):
        raise MalformedStream("it holds JSON that is not an object")
    return parsed


def read_chunk(chunk: dict[str, Any]) -> Chunk:
    """Read a chunk of ``/chat/completions`` or ``/completions``, or a whole response that was not streamed.

    Raises:
        MalformedStream: A value has the wrong type.
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
        text, thinking = _content_parts(content)
    else:
        text, thinking = _typed(delta, "content", str) or _typed(choice, "text", str) or "", ""
    reasoning = _typed(delta, "reasoning_content", str) or _typed(delta, "reasoning", str) or thinking
    return Chunk(text, reasoning, _typed(choice, "finish_reason", str) or "", usage)


def _content_parts(parts: list[Any]) -> tuple[str, str]:
    """Separate text and thinking in a list of content parts, as Mistral's reasoning models send them."""
    text, thinking = "", ""
    for part in parts:
        if not isinstance(part, dict):
            raise MalformedStream("a part of the content is not an object")
        text += _typed(part, "text", str) or ""
        thinking += _content_parts(_typed(part, "thinking", list) or [])[0]
    return text, thinking


def _typed(table: dict[str, Any], key: str, kind: type) -> Any:
    value = table.get(key)
    if value is not None and not isinstance(value, kind):
        raise MalformedStream(f"its {key} has the wrong type")
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
