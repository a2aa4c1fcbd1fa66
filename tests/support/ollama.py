"""A server as Ollama is one: it tells what context it has loaded its model with, once it has, and only if asked so."""

from __future__ import annotations

import asyncio
import json

from tests.support.fault_server import FaultServer, Seen, _send

CONTEXT = 4096  # tokens


class Ollama(FaultServer):
    """Lists ``qwen3:8b``, and has it loaded after the first call for text."""

    def __init__(self, *script: object) -> None:
        super().__init__(*script, models=[{"id": "qwen3:8b", "object": "model", "owned_by": "library"}])  # type: ignore[arg-type]

    async def _serve(self, seen: Seen, writer: asyncio.StreamWriter) -> None:
        if seen.path == "/api/ps":
            entry = {"name": "qwen3:8b", "model": "qwen3:8b", "context_length": CONTEXT}
            await _send(writer, 200, json.dumps({"models": [entry] if self.calls else []}).encode())
        else:
            await super()._serve(seen, writer)
