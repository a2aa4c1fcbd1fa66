"""A download of a model that goes on while the user works."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from lwtui.config import ModelSettings
from lwtui.errors import LwtuiError
from lwtui.models.download import DownloadProgress, download_model
from lwtui.models.known_ggufs import DownloadSource
from lwtui.text import duration
from lwtui.translation import _

_LOGGER = logging.getLogger(__name__)
_PHASES = {"checking": _("checking …"), "waiting": _("waiting …")}


class ModelDownload:
    """A download in the background. It begins at once.

    Args:
        source: The file.
        settings: The model's entry for the settings.
        report: Called with each new :attr:`status`.
        install: Called when the file is complete, to make the model known. Raises :class:`LwtuiError` if that fails.
    """

    def __init__(
        self,
        source: DownloadSource,
        settings: ModelSettings,
        report: Callable[[str], None],
        install: Callable[[ModelSettings], None],
    ) -> None:
        self.settings = settings
        self.status = f"↓ {settings.name}"  # a few words on the progress
        self._source = source
        self._report = report
        self._install = install
        self._task = asyncio.create_task(self._run())

    async def wait(self) -> None:
        """Wait until the model is installed. Canceling this does not stop the download.

        Raises:
            LwtuiError: The download failed or was stopped.
        """
        name = self.settings.name
        await asyncio.wait({self._task})
        if self._task.cancelled():
            raise LwtuiError(
                _("The download of {name} was stopped. What has arrived is kept.", name=name), code="download-stopped"
            )
        error = self._task.exception()
        if isinstance(error, LwtuiError):
            raise LwtuiError(str(error), code=error.code) from error
        if error is not None:
            _LOGGER.error("an internal error ended a download", exc_info=error)
            raise LwtuiError(
                _("An internal error ended the download of {name} ({error}).", name=name, error=type(error).__name__)
            ) from error

    async def stop(self) -> None:
        """Stop the download. What has arrived is kept."""
        self._task.cancel()
        await asyncio.wait({self._task})

    async def _run(self) -> None:
        await download_model(self._source, self._show)
        self._install(self.settings)

    def _show(self, progress: DownloadProgress) -> None:
        name, left = self.settings.name, progress.seconds_left
        if progress.phase == "downloading":
            self.status = f"↓ {name} {progress.percent} %"
            if left is not None:
                self.status = _("{progress}, {time} left", progress=self.status, time=duration(left))
        else:
            self.status = f"↓ {name}: {_PHASES[progress.phase]}"
        self._report(self.status)
