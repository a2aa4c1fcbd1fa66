"""Runs downloads without waiting, and records what they report."""

from __future__ import annotations

import asyncio
from typing import Any

from lwtui.models.download import DownloadProgress, DownloadResult, download
from lwtui.models.known_ggufs import DownloadSource


class DownloadRecorder:
    """Records the progress of a download and how long it waits."""

    def __init__(self) -> None:
        self.reports: list[DownloadProgress] = []
        self.waits: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)

    def download(self, source: DownloadSource, **options: Any) -> DownloadResult:
        return asyncio.run(download(source, self.reports.append, sleep=self.sleep, **options))
