"""A pool of open models, kept between runs so that each is loaded once."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Collection, Mapping
from importlib import import_module
from typing import TYPE_CHECKING

from lwtui.config import ModelSettings, Role, Settings, has_default_model
from lwtui.errors import UsageError
from lwtui.models.catalog import DEMO, resolve
from lwtui.translation import _

if TYPE_CHECKING:
    from lwtui.agentwrite import Agent
    from lwtui.app.model_download import ModelDownload
    from lwtui.documents.store import Document


class ModelRoles:
    """The model of each role for one document.

    Args:
        document: Has choices of its own.
        models: Has the settings' choices and the default model.
    """

    def __init__(self, document: Document, models: ModelPool) -> None:
        self._document = document
        self._models = models

    def name(self, role: Role) -> str:
        """Return the name of a role's model: the document's choice, else the settings', else the document's writer.

        The judge is the critic unless another model has that role.
        """
        writer = self._document.brief.model or self._models.default
        if role is Role.WRITE:
            return writer
        if own := self._document.setting(role.setting) or self._models.settings.roles.get(role.value, ""):
            return own
        return self.name(Role.CRITIC) if role is Role.JUDGE else writer


class ModelPool:
    """Opens models by name and keeps them open.

    All endpoints stay open. Only one local model does, since each takes memory, unless :meth:`get` is told to keep
    others beside it.

    Args:
        settings: The user's settings.
        given: Models that are not in the settings, from the command line.
    """

    def __init__(self, settings: Settings, given: Mapping[str, ModelSettings] | None = None) -> None:
        self.given = dict(given or {})
        self.preferred = next(iter(self.given), "")  # overrides the settings' default until lwtui quits
        self.coming = ""  # the name of a model that becomes the default once its download is complete
        self.downloads: dict[str, ModelDownload] = {}  # in progress, by the model's name
        self._open: dict[str, Agent] = {}
        self._lock = asyncio.Lock()
        self._best: tuple[Settings, ModelSettings] | None = None  # with the settings that it was chosen for
        self._best_lock = threading.Lock()
        self.settings = settings

    @property
    def settings(self) -> Settings:
        """The user's settings."""
        return self._settings

    @settings.setter
    def settings(self, settings: Settings) -> None:
        self._settings = settings
        self._is_chosen = settings.model != DEMO.name or has_default_model()

    @property
    def default(self) -> str:
        """The name of the model for documents that name none.

        Where the settings name none, it is the best one that is installed, as for the commands.
        """
        return self.preferred or self.coming or (self.settings.model if self._is_chosen else self.best.name)

    @property
    def default_is_known(self) -> bool:
        """Whether :attr:`default` is known at once."""
        found = self._best
        return bool(self.preferred or self.coming or self._is_chosen or (found and found[0] is self._settings))

    @property
    def best(self) -> ModelSettings:
        """The best model that is installed; the demo model if none is. May take some tenths of a second at first."""
        with self._best_lock:
            settings, found = self._settings, self._best
            if found is None or found[0] is not settings:
                from lwtui.best_model import best_model

                installed = best_model(settings)
                self._best = found = (settings, installed.settings if installed else DEMO)
            return found[1]

    def resolve(self, name: str) -> ModelSettings:
        """Return the settings of the model called ``name``, or of the default model.

        Raises:
            UsageError: No such model is configured on this machine.
        """
        name = name or self.default
        if name in self.given:
            return self.given[name]
        if name in self.downloads:
            return self.downloads[name].settings
        try:
            return resolve(name, self.settings)
        except UsageError:
            if not self._is_chosen and name == self.best.name:
                return self.best  # it was downloaded, but is not in the settings
            raise UsageError(
                _("There is no model {name} on this machine. Choose another, or add it.", name=name)
            ) from None

    def knows(self, name: str) -> bool:
        """Return whether a model called ``name`` is configured on this machine."""
        try:
            self.resolve(name)
        except UsageError:
            return False
        return True

    def names(self) -> list[str]:
        """Return the names of all models the user can choose from."""
        from lwtui.models.catalog import known_models

        best = [] if self._is_chosen else [self.best.name]
        return list(dict.fromkeys([*self.given, *known_models(self.settings), *self.downloads, *best]))

    async def get(self, name: str, beside: Collection[str] = ()) -> Agent:
        """Return a model, and open it first if necessary. If it is being downloaded, wait for that.

        Args:
            name: The model's name; empty for the default model.
            beside: The models that are in use and stay open.

        Raises:
            LwtuiError: The model cannot be opened.
        """
        from lwtui.agentwrite import open_agent  # imported late: the first screen does not need the method

        name = name or self.default
        if (download := self.downloads.get(name)) is not None:
            await download.wait()
        wanted = self.resolve(name)
        async with self._lock:
            agent = self._open.get(name)
            if agent is not None and agent.settings == wanted:
                return agent
            for other in self.closes(name, beside):
                await self._close(other)
            if wanted.provider != "llama_cpp":
                # The import takes a moment; the screen stays responsive meanwhile.
                await asyncio.to_thread(import_module, "httpx2")
            self._open[name] = agent = await open_agent(name, self.settings, model=wanted)
            return agent

    def closes(self, name: str, beside: Collection[str] = ()) -> list[str]:
        """Return the models that :meth:`get` would close to open this one. Raises :class:`UsageError`."""
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
