"""Parses streamed completions: server-sent events, and the chunks in them.

Only pure functions and small state machines; nothing here touches the network.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing, suppress
from typing import Any, NamedTuple

from lwtui.models.usage import Usage
from lwtui.translation import _

MAX_EVENT_BYTES = 2**20

# Upper bounds, in characters, for servers that ignore max_tokens; no text has tokens that long. Reasoning has a bound
# of its own, because some servers do not count its tokens.
_MAX_CHARACTERS_PER_TOKEN = 16
_MIN_TEXT_LIMIT = 2**12
_MIN_REASONING_LIMIT = 2**20

_SURROGATE = re.compile("[\ud800-\udfff]")
_BOM = b"\xef\xbb\xbf"
_LINE_END = re.compile(rb"\r\n|\n|\r")
_FIELD_NAME = re.compile(rb"[\w-]{0,32}")
_DECODER = json.JSONDecoder()
_SAMPLE = 200  # bytes of an unreadable answer that are quoted
_LEAST_REPEAT = 20  # characters of the text so far that a piece must repeat to be dropped

# Parts of the reasons with which servers end a completion, and what they mean. The first kind that fits counts.
_FINISH_KINDS = (
    ("filter", re.compile("filter|safety|sensitive|refus|block|prohibit|moderat|recitation|guardrail|spii")),
    ("error", re.compile("error|abort|fail|network|time_?out|cancel|insufficient|overload|rate_?limit")),
    ("length", re.compile("length|max|limit|context|window|truncat|incomplete|unfinished")),
    ("stop", re.compile(r"stop|eos|(^|[^a-z])(end|complete|completed|done|finish|finished)([^a-z]|$)")),
)


class MalformedStream(Exception):
    """The response is not a stream of completion chunks; the message says what is wrong with it.

    Attributes:
        sample: The beginning of what cannot be read; empty if it is not text.
    """

    def __init__(self, why: str, data: bytes = b"") -> None:
        super().__init__(why)
        self.sample = data[:_SAMPLE].decode("utf-8", "replace")


class StreamError(Exception):
    """The server sent an error within the stream. ``body`` is the object that holds it."""

    def __init__(self, body: dict[str, Any]) -> None:
        super().__init__("error in the stream")
        self.body = body


class Chunk(NamedTuple):  # one is made for each token, and a dataclass takes four times as long to make
    """The contents of one event.

    Attributes:
        text: A piece of the answer; the whole of it if ``is_whole``.
        reasoning: A piece of the reasoning.
        finish: The server's finish reason; empty until the completion ends.
        usage: The usage, if the event reports it.
        is_whole: Whether ``text`` is the whole answer, as some servers send it once more at the end.
        refusal: A piece of a refusal, which some services send in place of an answer.
    """

    text: str = ""
    reasoning: str = ""
    finish: str = ""
    usage: Usage | None = None
    is_whole: bool = False
    refusal: str = ""


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
        refusal: The refusal so far.
        timeout: Seconds to wait for the next chunk.
        texts: The pieces of text.
        is_too_long: Whether more text has come than ``max_tokens`` tokens can hold.
    """

    def __init__(self, max_tokens: int, stall_seconds: float, usage_seconds: float) -> None:
        self.began = False
        self.finish = ""
        self.usage: Usage | None = None
        self.refusal = ""
        self.timeout = stall_seconds
        self.is_too_long = False
        self.texts: list[str] = []
        self._length = 0  # of all texts, in characters
        self._reasoning_length = 0
        self._pieces = 0  # in which they came; a server may also send messages in pieces
        self._half_pair = ""  # the first half of a character that JSON writes as two
        self._stall_seconds = stall_seconds
        self._usage_seconds = usage_seconds
        self._text_limit = max(max_tokens * _MAX_CHARACTERS_PER_TOKEN, _MIN_TEXT_LIMIT)
        self._reasoning_limit = max(self._text_limit, _MIN_REASONING_LIMIT)

    def update(self, chunk: Chunk, waited: float) -> Chunk:
        """Record a chunk that came after ``waited`` seconds. Returns it with only the text that is new."""
        text, reasoning, finish, usage, _is_whole, refusal = chunk
        new = self._new_text(chunk)
        if new != text:
            chunk = chunk._replace(text=new)
        if finish and not self.finish:
            self.timeout = min(self._stall_seconds, self._usage_seconds)
        elif self.finish or not (new or reasoning):
            self.timeout -= waited  # an empty chunk counts as silence
        else:
            self.timeout = self._stall_seconds
        self.began = True
        if finish or usage or refusal:
            self.finish = finish or self.finish
            self.usage = usage or self.usage
            self.refusal += refusal[: _SAMPLE * 2]
        self._reasoning_length += len(reasoning)
        self.is_too_long = self._length > self._text_limit or self._reasoning_length > self._reasoning_limit
        return chunk

    def _new_text(self, chunk: Chunk) -> str:
        text = chunk.text
        if self._length and chunk.is_whole:
            so_far = "".join(self.texts)
            if text.startswith(so_far):
                text = text.removeprefix(so_far)
            elif self._pieces:
                text = ""
        elif len(text) == self._length and self._length >= _LEAST_REPEAT and self._pieces > 1:
            text = "" if text == "".join(self.texts) else text
        if self._half_pair or not text.isascii():
            text = self._with_whole_characters(text)
        if text:
            self.texts.append(text)
            self._length += len(text)
            self._pieces += not chunk.is_whole
        return text

    def _with_whole_characters(self, text: str) -> str:
        """Join the halves of characters that JSON writes as two; a last half waits for the next piece."""
        text = self._half_pair + text
        self._half_pair = text[-1:] if "\ud800" <= text[-1:] <= "\udbff" else ""
        text = text.removesuffix(self._half_pair)
        if _SURROGATE.search(text):
            text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return text


async def read_events(pieces: AsyncIterator[bytes]) -> AsyncGenerator[dict[str, Any] | None, None]:
    """Yield the JSON object of each event, and ``None`` for ``[DONE]``; anything after it is discarded.

    Closes ``pieces`` at the end.

    Reads what servers send in place of events, too, as long as it is clear: a byte order mark, lines that end with CR,
    one JSON object a line, a whole JSON object. Buffers at most ``MAX_EVENT_BYTES`` and one piece.

    Raises:
        MalformedStream: The body is not a stream of such events.
        StreamError: The server sent an error.
    """
    reader = _EventReader()
    rest, at_start = b"", True
    async with AsyncExitStack() as stack:
        if isinstance(pieces, AsyncGenerator):
            await stack.enter_async_context(aclosing(pieces))
        async for piece in pieces:
            if not rest and (event := reader.single(piece)) is not None:
                at_start = False
                yield event
                continue
            has_line = b"\n" in piece or b"\r" in piece or rest.endswith(b"\r")  # a long line is searched once
            rest = rest + piece if rest else piece
            if at_start:
                if len(rest) < len(_BOM) and _BOM.startswith(rest):
                    continue
                rest, at_start = rest.removeprefix(_BOM), False
            lines: list[bytes] = []
            if has_line:
                *lines, rest = _lines(rest)
            for line in lines:
                for event in reader.add(line):
                    yield event
                    if event is None:
                        async for _piece in pieces:
                            continue
                        return
            if len(rest) + reader.size > MAX_EVENT_BYTES:
                raise MalformedStream(_("an event is larger than 1 MiB"))
        for event in reader.close(rest.removesuffix(b"\r")):
            yield event


def _lines(data: bytes) -> list[bytes]:
    """Split ``data`` into lines without their ends; the last is the one that is not complete."""
    if b"\r" not in data:
        return data.split(b"\n")
    cr = data[-1:] if data.endswith(b"\r") else b""  # LF may follow
    *lines, rest = _LINE_END.split(data.removesuffix(b"\r"))
    return [*lines, rest + cr]


class _EventReader:
    """Reads events line by line.

    Attributes:
        size: Bytes of the event that is not complete yet.
    """

    def __init__(self) -> None:
        self.size = 0
        self._data: list[bytes] = []
        self._is_error = False
        self._is_json = False  # whether the body is one JSON object on several lines, and no stream
        self._began = False

    def single(self, piece: bytes) -> dict[str, Any] | None:
        """Read a piece that is one ordinary event as a whole, as most are; ``None`` for all others."""
        if self._data or self._is_error or self._is_json or not piece.startswith(b"data: {"):
            return None
        if not piece.endswith(b"\n\n") or piece.find(b"\n") != len(piece) - 2:
            return None
        try:
            data = piece[6:-2].decode()
            event, end = _DECODER.raw_decode(data)
        except (ValueError, RecursionError):
            return None
        if end != len(data) or event.get("error"):
            return None
        self._began = True
        return event

    def add(self, line: bytes) -> list[dict[str, Any] | None]:
        """Add a line. Returns the events that it completes."""
        if self._is_json:
            self._append(line)
            return []
        if not line or line.isspace():
            return self._end() if self._data or self._is_error else []
        name, colon, value = line.partition(b":")
        if name != b"data" and line.lstrip().startswith(b"{"):
            return self._bare(line)
        self._began = True
        if name != b"data" and not _FIELD_NAME.fullmatch(name):
            raise MalformedStream(_("it holds a line that belongs to no event"), line)
        value = value.removeprefix(b" ")
        if name == b"event":
            self._is_error = value == b"error"
        elif colon and name in (b"data", b"error"):  # some versions of llama-server write "error: {…}"
            # Events that no blank line divides.
            ended = self._end() if self._data and self._is_complete(value) else []
            self._is_error |= name == b"error"
            self._append(value)
            return ended
        return []

    def close(self, rest: bytes) -> list[dict[str, Any] | None]:
        """Return the last events, whose blank line may be missing; ``rest`` is the line that is not complete."""
        if self._is_json:
            self._append(rest)
            return self._end()
        events = self._end()
        # Half a line means that the stream was cut, unless it is complete without its end.
        value = rest.removeprefix(b"data:").strip()
        if value == b"[DONE]":
            events.append(None)
        elif value.startswith(b"{"):
            with suppress(MalformedStream):
                events += self._parsed(value.decode("utf-8", "replace"))
        elif value and not (self._began or events or _FIELD_NAME.fullmatch(rest.partition(b":")[0])):
            raise MalformedStream(_("it holds a line that belongs to no event"), rest)
        return events

    def _bare(self, line: bytes) -> list[dict[str, Any] | None]:
        """Read a line of JSON that is in no event."""
        self._append(line)
        try:
            json.loads(line)
        except (ValueError, RecursionError):
            if self._began:
                raise MalformedStream(_("it holds a line that belongs to no event"), line) from None
            self._is_json = True
            return []
        self._began = True
        return self._end()

    def _is_complete(self, value: bytes) -> bool:
        """Whether the collected data is an event, since ``value`` begins another one."""
        if not value.lstrip().startswith((b"{", b"[DONE]", b":")):
            return False
        try:
            json.loads(b"\n".join(self._data))
        except (ValueError, RecursionError):
            return self._data[-1].lstrip().startswith(b":")
        return True

    def _append(self, value: bytes) -> None:
        self._data.append(value)
        self.size += len(value)

    def _end(self) -> list[dict[str, Any] | None]:
        lines, is_error = self._data, self._is_error
        self._data, self._is_error, self.size = [], False, 0
        try:
            data = b"\n".join(lines).decode("utf-8").strip()
        except UnicodeDecodeError:
            raise MalformedStream(_("it holds bytes that are not UTF-8"), b"\n".join(lines)) from None
        if not data or data.startswith(":"):  # a comment, as it is sent to keep the connection alive
            return []
        if data == "[DONE]":
            return [None]
        events = self._parsed(data)
        if is_error:
            raise StreamError(next((event for event in events if event), {}))
        return events

    def _parsed(self, data: str) -> list[dict[str, Any] | None]:
        """Parse the objects in ``data``, of which there may be several. Other JSON is left out."""
        events: list[dict[str, Any] | None] = []
        at = 0
        while at < len(data):
            try:
                value, at = _DECODER.raw_decode(data, at)
            except (ValueError, RecursionError):
                raise MalformedStream(
                    _("it holds something that is not JSON"), data.encode("utf-8", "replace")
                ) from None
            while at < len(data) and data[at].isspace():
                at += 1
            if isinstance(value, list):  # Google wraps an error in a list
                value = next((item for item in value if isinstance(item, dict)), None)
                if value is None:
                    raise MalformedStream(_("it holds JSON that is not an object"), data.encode("utf-8", "replace"))
            if isinstance(value, dict):
                if value.get("error"):
                    raise StreamError(value)
                events.append(value)
        return events


def parse_object(data: str | bytes) -> dict[str, Any]:
    """Parse the JSON object in ``data``.

    Raises:
        MalformedStream: There is none.
    """
    try:
        parsed = json.loads(data)
    except (ValueError, RecursionError):
        raise MalformedStream(_("it holds something that is not JSON")) from None
    if not isinstance(parsed, dict):
        raise MalformedStream(_("it holds JSON that is not an object"))
    return parsed


def read_chunk(chunk: dict[str, Any]) -> Chunk:
    """Read a chunk of ``/chat/completions`` or ``/completions``, or a whole response that was not streamed.

    Raises:
        MalformedStream: A value has the wrong type.
    """
    usage = _usage(chunk["usage"]) if chunk.get("usage") else None
    if isinstance(service := chunk.get("x_groq"), dict) and service.get("error"):
        raise StreamError({"error": service["error"]})
    if not (choices := _typed(chunk, "choices", list)):
        return Chunk(usage=usage)
    choice = choices[0]
    if not isinstance(choice, dict):
        raise MalformedStream(_("a choice is not an object"))
    delta = _typed(choice, "delta", dict)
    finish = _typed(choice, "finish_reason", str) or ""
    if delta and len(delta) == 1 and isinstance(content := delta.get("content"), str) and content:
        return Chunk(content, "", finish, usage)  # nearly all are like this
    is_whole = not delta
    delta = delta or _typed(choice, "message", dict) or {}
    content, thinking = delta.get("content"), ""
    if isinstance(content, list):
        text, thinking = _content_parts(content)
    else:
        text = _typed(delta, "content", str) or _typed(choice, "text", str) or ""
    reasoning = _text(delta.get("reasoning_content")) or _text(delta.get("reasoning")) or thinking
    # Only a message is whole; "text" is that of a plain completion, in pieces.
    return Chunk(text, reasoning, finish, usage, is_whole and "message" in choice, _text(delta.get("refusal")))


def finish_kind(reason: str) -> str:
    """Classify a server's finish reason as ``stop``, ``length``, ``filter`` or ``error``; empty if it is not known."""
    folded = reason.casefold()
    return next((kind for kind, pattern in _FINISH_KINDS if pattern.search(folded)), "")


def _content_parts(parts: list[Any]) -> tuple[str, str]:
    """Separate text and thinking in a list of content parts, as Mistral's reasoning models send them."""
    text, thinking = "", ""
    for part in parts:
        if isinstance(part, str):
            text += part
            continue
        if not isinstance(part, dict):
            raise MalformedStream(_("a part of the content is not an object"))
        text += _typed(part, "text", str) or ""
        thinking += _content_parts(_typed(part, "thinking", list) or [])[0]
    return text, thinking


def _typed(table: dict[str, Any], key: str, kind: type) -> Any:
    value = table.get(key)
    if value is not None and not isinstance(value, kind):
        raise MalformedStream(_("its {key} has the wrong type", key=key))
    return value


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _usage(table: object) -> Usage | None:
    """Read a usage; ``None`` for one of an unknown shape."""
    if not isinstance(table, dict) or not table:
        return None
    details = table.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, dict) else 0
    # DeepSeek's name, and the one of gateways to Anthropic.
    cached = cached or table.get("prompt_cache_hit_tokens") or table.get("cache_read_input_tokens")
    prompt, completion, cached, total = (
        value if isinstance(value, int) and value > 0 else 0
        for value in (table.get("prompt_tokens"), table.get("completion_tokens"), cached, table.get("total_tokens"))
    )
    # xAI and Gemini count the tokens of reasoning in the total alone, but charge for them.
    if prompt and completion:
        completion = max(completion, total - prompt)
    return Usage(prompt, completion, min(cached, prompt))
