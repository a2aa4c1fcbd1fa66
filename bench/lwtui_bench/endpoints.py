"""One model behind several endpoints, with one bound on the calls in flight over all of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace
from time import monotonic

from lwtui.agentwrite.agent import Agent, open_agent
from lwtui.config import ModelSettings, Settings
from lwtui.models.base import Capabilities, Finished, Model, ModelError, Request, StreamPart

_REST_SECONDS = 15.0  # after an endpoint could not be reached
_DOWN = frozenset({"unreachable", "server", "dropped", "stalled"})


class EndpointPool:
    """A :class:`~lwtui.models.base.Model` that sends each call to the endpoint with the fewest calls in flight.

    An endpoint that fails rests for some seconds while the others do its work, so that one dead server out of many
    costs a retry and not the run.

    Attributes:
        most_in_flight: The largest number of calls that were in flight at once.
    """

    def __init__(self, models: Sequence[Model], concurrency: int) -> None:
        """Take over the models, which :meth:`aclose` closes.

        Args:
            models: The same model, once per endpoint.
            concurrency: Maximum number of calls in flight, over all endpoints.
        """
        self.name = models[0].name
        self.model_hash = models[0].model_hash
        self.most_in_flight = 0
        self._models = list(models)
        self._in_flight = [0] * len(models)
        self._rests_until = [0.0] * len(models)
        self._slots = asyncio.Semaphore(concurrency)
        self._concurrency = concurrency

    @property
    def capabilities(self) -> Capabilities:
        """What every endpoint can do."""
        every = [model.capabilities for model in self._models]
        return replace(
            every[0],
            context_length=min(one.context_length for one in every),
            grammar=all(one.grammar for one in every),
            json_schema=all(one.json_schema for one in every),
            completion=all(one.completion for one in every),
            parallel=self._concurrency,
        )

    async def stream(self, request: Request) -> AsyncGenerator[StreamPart, None]:
        """Make one call at one endpoint.

        Raises:
            ModelError: The call failed. If only this endpoint is down, the call may be repeated at another one.
        """
        async with self._slots:
            at = self._choose()
            self._in_flight[at] += 1
            self.most_in_flight = max(self.most_in_flight, sum(self._in_flight))
            try:
                async with aclosing(self._models[at].stream(request)) as parts:
                    async for part in parts:
                        if isinstance(part, Finished):
                            self._rests_until[at] = 0.0
                        yield part
            except ModelError as error:
                if error.kind in _DOWN and len(self._models) > 1:
                    self._rests_until[at] = monotonic() + _REST_SECONDS
                    if any(until <= monotonic() for until in self._rests_until):
                        raise ModelError(str(error), kind="server", retryable=True, retry_after=0.0) from None
                raise
            finally:
                self._in_flight[at] -= 1

    async def count_tokens(self, text: str) -> int:
        """Count the tokens of ``text`` as the first endpoint does."""
        return await self._models[0].count_tokens(text)

    async def aclose(self) -> None:
        """Close all connections."""
        for model in self._models:
            await model.aclose()

    def _choose(self) -> int:
        now = monotonic()
        return min(range(len(self._models)), key=lambda at: (self._rests_until[at] > now, self._in_flight[at]))


async def open_endpoints(choices: Sequence[ModelSettings], settings: Settings, concurrency: int) -> Agent:
    """Open a model at all its endpoints, as one agent.

    Args:
        choices: The model's settings, once per endpoint; a model on this machine is one choice.
        settings: lwtui's settings.
        concurrency: Maximum number of calls in flight. A GGUF on this machine has its own limit.

    Raises:
        LwtuiError: No endpoint can be opened.
    """
    agents: list[Agent] = []
    failure: ModelError | None = None
    for choice in choices:
        try:
            agents.append(await open_agent(choice.name, settings, model=choice))
        except ModelError as error:
            if error.kind not in _DOWN:
                raise
            failure = error
    if not agents:
        assert failure is not None
        raise failure
    first = agents[0]
    if choices[0].provider != "openai":
        concurrency = min(concurrency, first.model.capabilities.parallel)
    return replace(first, model=EndpointPool([agent.model for agent in agents], concurrency))
