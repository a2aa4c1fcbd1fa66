"""Downloads a model's file so that it is there whole and right, or not at all.

What has come lies in ``FILE.part`` beside its place, with a note of what it is part of. Whatever ends a download (a
dropped connection, Ctrl-C, ``kill -9``, a full disk), the next one goes on from there. Only a file whose SHA-256 is
right is moved to its place, in one step; one that is wrong is removed.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from io import FileIO
from pathlib import Path
from time import monotonic
from typing import Literal

from lwtui.files import FileLock, Locked, write_atomically
from lwtui.models.download_http import Client, DownloadError, DownloadResponse, Interrupted, Unsatisfiable
from lwtui.models.known_ggufs import Source, parts_of, pin, pinned
from lwtui.models.llama_cpp.fit import in_gb
from lwtui.models.llama_cpp.hashing import compute_hash, file_hash, remember

_BLOCK = 2**19  # bytes that are written at once; kill -9 loses no more
_WAITS = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 30.0)  # seconds between tries that brought nothing new
_MOST_RESTARTS = 5  # from the beginning: a server that cannot go on is no use for a large file
_SPARE = 64 * 2**20  # bytes that are left free on the disk
_RATE_SECONDS = 10.0
_TELL_SECONDS = 0.1
_MAGIC = b"GGUF"


@dataclass(frozen=True)
class DownloadProgress:
    """How far a download is, in bytes; ``rate`` is bytes a second and 0 while that is not known."""

    phase: Literal["downloading", "waiting", "checking"]
    done: int
    size: int
    rate: float = 0.0
    note: str = ""  # why it waits
    part: str = ""  # which one, of a model in several files

    @property
    def seconds_left(self) -> float | None:
        return (self.size - self.done) / self.rate if self.rate > 0 and self.phase == "downloading" else None

    def words(self) -> str:
        """``34 %, 1.7 GB of 4.9 GB, 12 MB/s``, or what it does instead."""
        part = f"{self.part}: " if self.part else ""
        if self.phase == "checking":
            return f"{part}checking its SHA-256 …"
        if self.phase == "waiting":
            return f"{part}{self.note}"
        rate = f", {in_gb(int(self.rate))}/s" if self.rate else ""
        return f"{part}{100 * self.done // max(1, self.size)} %, {in_gb(self.done)} of {in_gb(self.size)}{rate}"


@dataclass(frozen=True)
class Downloaded:
    """A file that is in its place and right. ``fresh`` is false where it was there already; ``said_by_hub`` means that
    its SHA-256 was not known beforehand, but is from now on."""

    path: Path
    sha256: str
    revision: str = ""
    fresh: bool = True
    said_by_hub: bool = False


@dataclass(frozen=True)
class _PartialFile:
    """What ``FILE.part`` is part of. ``place`` is a hash of where it came from."""

    place: str
    sha256: str
    size: int
    etag: str = ""
    revision: str = ""


Phase = Literal["downloading", "waiting", "checking"]
Tell = Callable[[DownloadProgress], None]
Pause = Callable[[float], Awaitable[None]]


async def download_model(source: Source, tell: Tell = lambda _: None) -> Downloaded:
    """Get ``source``, and where it is the first file of several, all of them. The first one is what is opened.

    Raises as :func:`download` does, and :class:`~lwtui.errors.UsageError` as :func:`parts_of` does.
    """
    parts = parts_of(source)
    got = []
    for number, one in enumerate(parts, 1):
        part = f"part {number} of {len(parts)}" if len(parts) > 1 else ""
        got.append(await download(one, partial(_tell_of, tell, part)))
    return replace(got[0], fresh=any(one.fresh for one in got))


def _tell_of(tell: Tell, part: str, progress: DownloadProgress) -> None:
    tell(replace(progress, part=part))


async def download(
    source: Source,
    tell: Tell = lambda _: None,
    *,
    token: str | None = None,
    pause: Pause = asyncio.sleep,
    silence: float = 30.0,
) -> Downloaded:
    """Get ``source`` into its place. ``token`` is the hub's (by default ``HF_TOKEN``); a connection that is silent for
    ``silence`` seconds is taken for broken.

    Raises :class:`DownloadError` with one line; what has come so far stays, except where it is wrong. Cancelling is
    safe at any moment.
    """
    token = os.environ.get("HF_TOKEN", "").strip() if token is None else token
    try:
        source.path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock.acquire(source.path)
    except Locked as error:
        raise DownloadError(f"{source.path.name} is being downloaded {error}. Wait for that one.") from None
    except OSError as error:
        raise _disk_error(source.path, error) from None
    try:
        return await _Download(source, Client(source.url, source.hub, token, silence), tell, pause).run()
    except OSError as error:
        raise _disk_error(source.path, error) from None
    finally:
        lock.release()


def part_size(source: Source) -> int:
    """Bytes of ``source`` that are here from an earlier try."""
    return sum(_PartFile(one).size() for one in parts_of(source))


class _PartFile:
    """``FILE.part`` and the note beside it, without which it is worth nothing."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.path = source.path.with_name(f"{source.path.name}.part")
        self._note = source.path.with_name(f".{source.path.name}.part.json")
        self.place = hashlib.sha256(source.url.encode()).hexdigest()[:32]

    def known(self) -> _PartialFile | None:
        """What it is part of; None if that is nothing that is wanted."""
        try:
            part = _PartialFile(**json.loads(self._note.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None
        wanted = self._source.sha256
        fits = part.sha256 == wanted if wanted else part.place == self.place
        return part if fits and isinstance(part.size, int) and isinstance(part.etag, str) else None

    def size(self) -> int:
        try:
            return self.path.stat().st_size if self.known() is not None else 0
        except OSError:
            return 0

    def begin(self, part: _PartialFile, *, anew: bool) -> None:
        """Note what comes from now on, after what is there or in its stead."""
        if anew:
            self.path.unlink(missing_ok=True)
        write_atomically(self._note, json.dumps(asdict(part)))

    def open(self) -> FileIO:
        return FileIO(self.path, "ab")

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)

    def move_to_place(self, part: _PartialFile) -> None:
        """It is whole and right: from here on it is the file itself."""
        with self.path.open("rb+") as file:
            os.fsync(file.fileno())
        pin(self._source.path, part.sha256, part.revision)
        self.path.replace(self._source.path)
        self._note.unlink(missing_ok=True)
        remember(self._source.path, part.sha256)


class _Download:
    """One download, under its lock."""

    def __init__(self, source: Source, client: Client, tell: Tell, pause: Pause) -> None:
        self._source = source
        self._client = client
        self._pause = pause
        self._file = _PartFile(source)
        self._meter = _Meter(tell)
        self._restarts = 0

    async def run(self) -> Downloaded:
        try:
            return await self._there_already() or await self._put_in_place(await self._transferred())
        finally:
            await self._client.aclose()

    async def _there_already(self) -> Downloaded | None:
        path, kept = self._source.path, pinned(self._source.path)
        wanted = self._source.sha256 or kept.get("sha256", "")
        if not path.is_file() or not wanted:
            return None
        if await self._hashed(path, file_hash) != wanted:
            return None  # damaged, or another one is wanted now: it is replaced once the right one is here
        return Downloaded(path, wanted, kept.get("revision", ""), fresh=False)

    async def _transferred(self) -> _PartialFile:
        """Try until all of it is here, for as long as a few tries together bring something new."""
        waits = 0
        while True:
            part, before = self._file.known(), self._file.size()
            if part is not None and before == part.size:
                return part
            reason, wait = await self._tried(before, part.etag if part else "")
            if not reason:
                continue
            waits = 0 if self._file.size() > before else waits + 1
            if waits > len(_WAITS) or self._restarts > _MOST_RESTARTS:
                raise DownloadError(f"{reason[:1].upper()}{reason[1:]}, again and again. Try again later.")
            wait = max(wait, _WAITS[max(0, waits - 1)])
            self._meter.show("waiting", self._file.size(), f"{reason}; trying again in {max(1, round(wait))} s")
            await self._pause(wait)

    async def _tried(self, offset: int, etag: str) -> tuple[str, float]:
        """Get what one connection brings; why it brought no more, and the seconds that the server asks to wait."""
        client = self._client
        try:
            async with client.open(offset, etag) as answer:
                self._begin(answer, offset)
                await self._receive(answer)
        except Unsatisfiable as error:
            self._start_anew()
            return str(error), 0.0
        except Interrupted as error:
            return str(error), error.wait
        part = self._file.known()
        whole = part is not None and self._file.size() >= part.size
        return "" if whole else f"{client.host} sent less than it said", 0.0

    def _begin(self, answer: DownloadResponse, asked: int) -> None:
        """Check what the server says about the file, and make the part file fit for what comes."""
        source, old = self._source, self._file.known()
        wanted = source.sha256 or answer.sha256
        if not wanted:
            raise DownloadError(f"Nobody says what the SHA-256 of {source.path.name} is. Give it with --sha256.")
        if answer.sha256 and answer.sha256 != wanted:
            raise DownloadError(
                f"The hub has another {source.path.name} than the one wanted: its SHA-256 is {answer.sha256[:12]}…, "
                f"not {wanted[:12]}…. Name a revision: hf:OWNER/REPO/FILE.gguf@REVISION."
            )
        if not answer.size:
            raise DownloadError(f"{self._client.host} does not say how large {source.path.name} is.")
        if answer.offset and not self._goes_on(old, answer, wanted):
            self._start_anew()
            raise Interrupted(f"{self._client.host} has another file there now")
        if asked and not answer.offset:
            self._restarts += 1
        revision = answer.revision or (old.revision if old else "")
        self._check_room(answer.size - answer.offset)
        part = _PartialFile(self._file.place, wanted, answer.size, answer.etag, revision)
        self._file.begin(part, anew=not answer.offset)
        self._meter.size = answer.size

    def _goes_on(self, old: _PartialFile | None, answer: DownloadResponse, wanted: str) -> bool:
        """Whether the answer goes on where the part file ends. The hub's hash is better proof than an ETag."""
        if old is None or answer.offset != self._file.size():
            return False
        same_tag = bool(answer.sha256) or old.etag == answer.etag
        return (old.sha256, old.size) == (wanted, answer.size) and same_tag

    async def _receive(self, answer: DownloadResponse) -> None:
        left, done = answer.size - answer.offset, answer.offset
        block = bytearray()
        with self._file.open() as file, self._written(file, block):
            async with aclosing(self._client.pieces(answer)) as pieces:
                async for piece in pieces:
                    block += piece[:left]
                    left -= len(piece)
                    done += len(piece)
                    if len(block) >= _BLOCK:
                        _write(file, block)
                    self._meter.show("downloading", min(done, answer.size))
                    if left <= 0:
                        return  # a server that sends more than it said is not listened to

    @contextmanager
    def _written(self, file: FileIO, block: bytearray) -> Iterator[None]:
        """Whatever ends the transfer, what has come is put into the file."""
        try:
            yield
        finally:
            _write(file, block)

    def _start_anew(self) -> None:
        self._restarts += 1
        self._file.remove()

    def _check_room(self, needed: int) -> None:
        folder = self._source.path.parent
        free = shutil.disk_usage(folder).free - _SPARE
        if needed > free:
            raise DownloadError(
                f"{self._source.path.name} needs {in_gb(needed)}, and {in_gb(max(0, free))} are free in {folder}. "
                "Make room, or name another folder with LWTUI_CACHE_DIR."
            )

    async def _put_in_place(self, part: _PartialFile) -> Downloaded:
        path = self._source.path
        found = await self._hashed(self._file.path, compute_hash)
        if found != part.sha256:
            self._file.remove()
            raise DownloadError(
                f"What came for {path.name} is not that file: its SHA-256 is {found[:12]}…, not {part.sha256[:12]}…. "
                "It was removed. Try again; if that happens twice, the server has another file there."
            )
        if not _is_gguf(self._file.path):
            self._file.remove()
            raise DownloadError(f"{path.name} is no GGUF, though it is the file that was asked for. It was removed.")
        await asyncio.to_thread(self._file.move_to_place, part)
        return Downloaded(path, found, part.revision, said_by_hub=not self._source.sha256)

    async def _hashed(self, path: Path, how: Callable[[Path, threading.Event], str]) -> str:
        """The SHA-256 of a file, computed beside everything else that goes on."""
        size = await asyncio.to_thread(lambda: path.stat().st_size)
        self._meter.size = size
        self._meter.show("checking", size)
        stop = threading.Event()
        try:
            return await asyncio.to_thread(how, path, stop)
        finally:
            stop.set()


class _Meter:
    """Tells how far it is, a few times a second, and how fast it was lately."""

    def __init__(self, tell: Tell) -> None:
        self.size = 0
        self._tell = tell
        self._told = 0.0
        self._phase: Phase | None = None
        self._marks: deque[tuple[float, int]] = deque()

    def show(self, phase: Phase, done: int, note: str = "") -> None:
        now = monotonic()
        if phase == self._phase == "downloading" and now - self._told < _TELL_SECONDS:
            return
        if phase != self._phase:
            self._marks.clear()
        self._told, self._phase = now, phase
        self._marks.append((now, done))
        while len(self._marks) > 2 and now - self._marks[0][0] > _RATE_SECONDS:
            self._marks.popleft()
        (since, had) = self._marks[0]
        rate = (done - had) / (now - since) if now - since >= 0.5 else 0.0
        self._tell(DownloadProgress(phase, done, self.size, rate, note))


def _write(file: FileIO, block: bytearray) -> None:
    """Write ``block`` and empty it; what could not be written stays in it."""
    while block:
        del block[: file.write(block) or 0]


def _is_gguf(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_MAGIC)) == _MAGIC


def _disk_error(path: Path, error: OSError) -> DownloadError:
    return DownloadError(
        f"Cannot write {path.name} into {path.parent}: {error.strerror or error}. Make room or check its permissions; "
        "LWTUI_CACHE_DIR names another folder."
    )
