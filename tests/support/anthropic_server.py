"""A server that speaks Anthropic's Messages API: ``/v1/messages`` with its event stream, and ``/v1/models``."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from tests.support.fault_server import Answer, FaultServer, RecordedRequest, send_response


def api_error(kind: str, message: str) -> dict[str, Any]:
    """Make an error object of the API."""
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"}


class AnthropicServer(FaultServer):
    """The server.

    Args:
        answer: Takes the JSON of a request, with its prompt as one text, and returns an :class:`Answer` or its pieces.
        errors: One for each call, in order: a status and an error object, or ``None``.
        breaks: What to send in place of the end of each stream: raw bytes, or nothing.
    """

    def __init__(
        self,
        answer: Callable[[Any], Answer | Sequence[str]] = lambda _: ["Once ", "upon ", "a ", "time."],
        errors: Iterable[tuple[int, object] | None] = (),
        breaks: bytes | None = None,
    ) -> None:
        super().__init__(answer)
        self._errors = iter(errors)
        self._breaks = breaks

    @property
    def calls(self) -> list[RecordedRequest]:
        return [request for request in self.requests if request.path.endswith("/messages")]

    async def _serve(self, request: RecordedRequest, writer: asyncio.StreamWriter) -> None:
        if request.path.endswith("/models"):
            is_known = "x-api-key" in request.headers
            page: Any = {"data": [{"id": "claude-x", "type": "model"}]} if is_known else api_error("auth", "no key")
            return await send_response(writer, 200 if is_known else 401, json.dumps(page).encode())
        if error := next(self._errors, None):
            return await send_response(writer, error[0], json.dumps(error[1]).encode(), [("Retry-After", "7")])
        body = request.json
        plain = {"messages": [{"role": "user", "content": _plain(body)}], "max_tokens": body["max_tokens"]}
        answer = self._answer(plain)
        if not isinstance(answer, Answer):
            answer = Answer(answer)
        events = list(_events(answer))
        cut = len(events) - 2 if self._breaks is not None else len(events)
        data = b"".join(f"event: {e['type']}\ndata: {json.dumps(e)}\n\n".encode() for e in events[:cut])
        data += self._breaks or b""
        return await send_response(writer, 200, data, [("Content-Type", "text/event-stream")])


def _plain(body: dict[str, Any]) -> str:
    content = body["messages"][-1]["content"]
    return content if isinstance(content, str) else "".join(block["text"] for block in content)


def _events(answer: Answer) -> Iterable[dict[str, Any]]:
    usage = answer.usage or {}
    yield {
        "type": "message_start",
        "message": {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "claude-x",
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {"input_tokens": 11, "output_tokens": 1} | usage,
        },
    }
    yield {"type": "ping"}
    blocks = (("thinking", answer.reasoning), ("text", answer.pieces))
    for index, (kind, pieces) in enumerate(blocks):
        if not pieces:
            continue
        start = {"type": kind, kind: ""} | ({"signature": ""} if kind == "thinking" else {})
        yield {"type": "content_block_start", "index": index, "content_block": start}
        for piece in pieces:
            yield {"type": "content_block_delta", "index": index, "delta": {"type": f"{kind}_delta", kind: piece}}
        if kind == "thinking":
            delta = {"type": "signature_delta", "signature": "c2ln"}
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    delta = {"stop_reason": answer.finish, "stop_sequence": None}
    yield {"type": "message_delta", "delta": delta, "usage": {"output_tokens": usage.get("output_tokens", 7)}}
    yield {"type": "message_stop"}
