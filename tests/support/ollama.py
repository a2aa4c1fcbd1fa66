"""A server like Ollama: its own API beside the OpenAI-compatible one."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from tests.support.fault_server import Answer, FaultServer, RecordedRequest, send_response

CONTEXT = 4096  # tokens of a model that no request asks for more
MOST_CONTEXT = 40_960  # tokens
_OWN_PATHS = ("/api/chat", "/api/generate")


class Ollama(FaultServer):
    """Lists ``qwen3:8b``, and loads it at the first call.

    Attributes:
        loaded: The context length with which the model is loaded; 0 if it is not.
        thinks: Whether the model can reason.
    """

    def __init__(self, *script: object, thinks: bool = True) -> None:
        super().__init__(*script, models=[{"id": "qwen3:8b", "object": "model", "owned_by": "library"}])  # type: ignore[arg-type]
        self.loaded = 0
        self.thinks = thinks

    @property
    def calls(self) -> list[RecordedRequest]:
        """The calls, through either API."""
        own = [request for request in self.requests if request.path in _OWN_PATHS]
        return [*super().calls, *own]

    async def _serve(self, request: RecordedRequest, writer: asyncio.StreamWriter) -> None:
        page: dict[str, Any] | None = None
        if request.path == "/api/version":
            page = {"version": "0.12.3"}
        elif request.path == "/api/ps":
            entry = {"name": "qwen3:8b", "model": "qwen3:8b", "context_length": self.loaded}
            page = {"models": [entry] if self.loaded else []}
        elif request.path == "/api/show":
            abilities = ["completion", *["thinking"] * self.thinks]
            page = {"model_info": {"qwen3.context_length": MOST_CONTEXT}, "capabilities": abilities}
        if page is not None:
            return await send_response(writer, 200, json.dumps(page).encode())
        if request.path not in _OWN_PATHS:
            self.loaded = self.loaded or (CONTEXT if request.path.endswith("/completions") else 0)
            return await super()._serve(request, writer)
        return await self._complete(request, writer)

    async def _complete(self, request: RecordedRequest, writer: asyncio.StreamWriter) -> None:
        body = request.json
        if body["model"] != "qwen3:8b":
            return await send_response(
                writer, 404, json.dumps({"error": f"model '{body['model']}' not found"}).encode()
            )
        if body.get("think") and not self.thinks:
            return await send_response(writer, 400, b'{"error":"\\"qwen3:8b\\" does not support thinking"}')
        self.loaded = body["options"].get("num_ctx", CONTEXT)
        answer = self._answer(body | {"max_tokens": body["options"]["num_predict"]})
        if not isinstance(answer, Answer):
            answer = Answer(answer)
        lines = [self._line(body, thinking=piece) for piece in answer.reasoning]
        lines += [self._line(body, content=piece) for piece in answer.pieces]
        usage = answer.usage or {}
        counts = {"prompt_eval_count": usage.get("prompt_tokens"), "eval_count": usage.get("completion_tokens")}
        lines.append(self._line(body, content="") | {"done": True, "done_reason": answer.finish} | counts)
        data = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
        return await send_response(writer, 200, data, [("Content-Type", "application/x-ndjson")])

    def _line(self, body: dict[str, Any], content: str = "", thinking: str = "") -> dict[str, Any]:
        line: dict[str, Any] = {"model": body["model"], "done": False}
        if "prompt" in body:
            return line | {"response": content}
        return line | {"message": {"role": "assistant", "content": content, "thinking": thinking}}
