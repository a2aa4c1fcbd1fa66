"""A pool of open models, kept between runs so that each is loaded once."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from importlib import import_module
from typing import TYPE_CHECKING

from lwtui.config import ModelSettings, Role, Settings
from lwtui.errors import UsageError
from lwtui.models.catalog import resolve

if TYPE_CHECKING:
    from lwtui.agentwrite import Agent
    from lwtui.documents.store import Document


class ModelRoles:
    """Which model does what for one document.

    Args:
        document: Keeps its own choices.
        models: Knows the settings' choices and the model that writes by default.
    """

    def __init__(self, document: Document, models: ModelPool) -> None:
        self._document = document
        self._models = models

    def name(self, role: Role) -> str:
        """The name of the model that has a role: the document's own choice, the settings', or its writer."""
        writer = self._document.brief.model or self._models.default
        if role is Role.WRITE:
            return writer
        own = self._document.setting(role.setting)
        return own or self._models.settings.roles.get(role.value, "") or writer


class ModelPool:
    """Opens models by name. ``given`` are models that are not in the settings (from the command line).

    Endpoints stay open. Of the models on this machine one is, unless others are asked to be kept beside it: each
    takes memory.
    """

    def __init__(self, settings: Settings, given: Mapping[str, ModelSettings] | None = None) -> None:
        self.settings = settings
        self.given = dict(given or {})
        self.preferred = next(iter(self.given), "")  # comes before the settings' own model, until lwtui is left
        self._open: dict[str, Agent] = {}
        self._lock = asyncio.Lock()

    @property
    def default(self) -> str:
        """The name of the model that writes where a document names none."""
        return self.preferred or self.settings.model

    def resolve(self, name: str) -> ModelSettings:
        """The settings of the model called ``name``, or of the default one. Raises :class:`UsageError`."""
        name = name or self.default
        if name in self.given:
            return self.given[name]
        try:
            return resolve(name, self.settings)
        except UsageError:
            raise UsageError(f"The model {name} is not known on this machine: choose another, or add it.") from None

    def knows(self, name: str) -> bool:
        """Whether there is a model called ``name`` on this machine."""
        try:
            self.resolve(name)
        except UsageError:
            return False
        return True

    def names(self) -> list[str]:
        """The models a person can choose from."""
        from lwtui.models.catalog import known_models

        return list(dict.fromkeys([*self.given, *known_models(self.settings)]))

    async def get(self, name: str, beside: Collection[str] = ()) -> Agent:
        """The model called ``name`` (none: the default), opened if it is not; those in ``beside`` are in use, and stay
        open.

        Raises :class:`lwtui.errors.LwtuiError` with one line.
        """
        from lwtui.agentwrite import open_agent  # the whole method, which the first screen does not need

        name = name or self.default
        wanted = self.resolve(name)
        async with self._lock:
            agent = self._open.get(name)
            if agent is not None and agent.settings == wanted:
                return agent
            for other in self.closes(name, beside):
                await self._close(other)
            if wanted.provider != "llama_cpp":
                # It takes a moment to import, in which keys are typed and painted.
                await asyncio.to_thread(import_module, "httpx2")
            self._open[name] = agent = await open_agent(name, self.settings, model=wanted)
            return agent

    def closes(self, name: str, beside: Collection[str] = ()) -> list[str]:
        """The models that :meth:`get` would close to open this one. Raises :class:`UsageError`."""
        wanted = self.resolve(name)
        if (agent := self._open.get(name)) is not None and agent.settings == wanted:
            return []
        local = wanted.provider == "llama_cpp"
        return [
            other
            for other, opened in self._open.items()
            if other == name or (local and opened.settings.provider == wanted.provider and other not in beside)
        ]

    async def release(self) -> None:
        """Close all models and free their memory."""
        async with self._lock:
            for name in list(self._open):
                await self._close(name)

    async def _close(self, name: str) -> None:
        await self._open.pop(name).aclose()
