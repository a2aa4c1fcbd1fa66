"""A model that says what a test has written down, one part after the other, without a server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence

from lwtui.models.base import Capabilities, ModelError, Request, StreamPart

Script = Sequence[StreamPart | ModelError | asyncio.Event]


class ScriptedModel:
    """Each call follows the next of ``scripts``, and all further calls the last: it yields parts, raises errors and
    waits for events. A prompt has as many tokens as characters.

    Attributes:
        requests: The calls that were begun.
        ended: How many of them have ended, in any way.
        counted: The texts whose tokens were asked for.
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
        """How many calls are under way."""
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
