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

_LOGGER = logging.getLogger(__name__)


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
            raise LwtuiError(f"The download of {name} was stopped. What has arrived is kept.", code="download-stopped")
        error = self._task.exception()
        if isinstance(error, LwtuiError):
            raise LwtuiError(str(error), code=error.code) from error
        if error is not None:
            _LOGGER.error("an internal error ended a download", exc_info=error)
            raise LwtuiError(f"An internal error ended the download of {name} ({type(error).__name__}).") from error

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
            rest = "" if left is None else f", {duration(left)} left"
            self.status = f"↓ {name} {progress.percent} %{rest}"
        else:
            self.status = f"↓ {name}: {progress.phase} …"
        self._report(self.status)
