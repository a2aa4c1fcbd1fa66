"""The one model that is open, kept between runs so that it is loaded once."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

from lwtui.config import ModelSettings, Settings
from lwtui.models.catalog import resolve

if TYPE_CHECKING:
    from lwtui.agentwrite import Agent


class Agents:
    """Opens models by name. ``given`` are models that are not in the settings (from the command line)."""

    def __init__(self, settings: Settings, given: Mapping[str, ModelSettings] | None = None) -> None:
        self.settings = settings
        self.given = dict(given or {})
        self._open: Agent | None = None
        self._lock = asyncio.Lock()

    def resolve(self, name: str) -> ModelSettings:
        """The settings of the model called ``name``. Raises :class:`lwtui.errors.UsageError`."""
        return self.given[name] if name in self.given else resolve(name, self.settings)

    def names(self) -> list[str]:
        """The models a person can choose from."""
        from lwtui.models.catalog import known_models

        return list(dict.fromkeys([*self.given, *known_models(self.settings)]))

    async def get(self, name: str) -> Agent:
        """The open model, if it is this one; else this one is opened and the other closed first.

        Raises :class:`lwtui.errors.LwtuiError` with one line.
        """
        from lwtui.agentwrite import open_agent  # the whole method, which the first screen does not need

        wanted = self.resolve(name)
        async with self._lock:
            if self._open is not None and self._open.settings == wanted:
                return self._open
            await self._close()
            self._open = await open_agent(name, self.settings, model=wanted)
            return self._open

    async def release(self) -> None:
        """Close the open model and free its memory."""
        async with self._lock:
            await self._close()

    async def _close(self) -> None:
        agent, self._open = self._open, None
        if agent is not None:
            await agent.aclose()
