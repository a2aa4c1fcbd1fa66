"""A model that follows a script, without a server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence

from lwtui.models.base import Capabilities, ModelError, Request, StreamPart

Script = Sequence[StreamPart | ModelError | asyncio.Event]


class ScriptedModel:
    """Follows the next of ``scripts`` in each call, and the last one in all further calls.

    A script's steps are parts to yield, errors to raise and events to wait for. Every character is a token.

    Attributes:
        requests: The requests of all calls so far.
        ended: How many of these calls have ended, in any way.
        counted: The texts whose tokens were counted.
    """

    name = "scripted"
    model_hash = "5c1"

    def __init__(self, *scripts: Script, exact_tokens: bool = False, parallel: int = 4) -> None:
        self.capabilities = Capabilities(8192, exact_tokens=exact_tokens, parallel=parallel)
        self.requests: list[Request] = []
        self.ended = 0
        self.counted: list[str] = []
        self.is_closed = False
        self._scripts = scripts

    @property
    def running(self) -> int:
        """The number of calls under way."""
        return len(self.requests) - self.ended

    async def stream(self, request: Request) -> AsyncGenerator[StreamPart, None]:
        script = self._scripts[min(len(self.requests), len(self._scripts) - 1)]
        self.requests.append(request)
        try:
            for step in script:
                await asyncio.sleep(0)
                if isinstance(step, asyncio.Event):
                    await step.wait()
                elif isinstance(step, ModelError):
                    raise step
                else:
                    yield step
        finally:
            self.ended += 1

    async def count_tokens(self, text: str) -> int:
        self.counted.append(text)
        return len(text)

    async def aclose(self) -> None:
        self.is_closed = True
