"""The models that a command has open: each once, however many roles it plays."""

from __future__ import annotations

from contextlib import AsyncExitStack

from lwtui.agentwrite.agent import Agent, open_agent
from lwtui.config import ModelSettings, Settings


class OpenAgents:
    """Opens each model once. They are closed together with ``closing``."""

    def __init__(self, settings: Settings, closing: AsyncExitStack) -> None:
        self._settings = settings
        self._closing = closing
        self._open: list[Agent] = []

    async def get(self, model: ModelSettings) -> Agent:
        """Return the agent of a model, and open it first if necessary.

        Raises:
            LwtuiError: The model cannot be opened.
        """
        for agent in self._open:
            if agent.settings == model:
                return agent
        agent = await open_agent(model.name, self._settings, model=model)
        self._closing.push_async_callback(agent.aclose)
        self._open.append(agent)
        return agent
