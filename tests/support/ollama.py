"""A server like Ollama: it states the context length of a loaded model only at ``/api/ps``."""

from __future__ import annotations

import asyncio
import json

from tests.support.fault_server import FaultServer, RecordedRequest, send_response

CONTEXT = 4096  # tokens


class Ollama(FaultServer):
    """Lists ``qwen3:8b``, and loads it at the first call."""

    def __init__(self, *script: object) -> None:
        super().__init__(*script, models=[{"id": "qwen3:8b", "object": "model", "owned_by": "library"}])  # type: ignore[arg-type]

    async def _serve(self, request: RecordedRequest, writer: asyncio.StreamWriter) -> None:
        if request.path == "/api/ps":
            entry = {"name": "qwen3:8b", "model": "qwen3:8b", "context_length": CONTEXT}
            await send_response(writer, 200, json.dumps({"models": [entry] if self.calls else []}).encode())
        else:
            await super()._serve(request, writer)
