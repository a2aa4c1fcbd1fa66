"""The SHA-256 of a model's file, computed once for as long as the file stays the same."""

from __future__ import annotations

import contextlib
import hashlib
import json
import threading
from pathlib import Path

from lwtui.config import cache_folder
from lwtui.files import write_atomically

_BLOCK = 2**20


class HashCancelled(Exception):
    """The hash is no longer wanted."""


def file_hash(path: Path, cancelled: threading.Event | None = None) -> str:
    """The SHA-256 of the file, from the cache where its size and time of change are as they were.

    Raises ``OSError``, and :class:`HashCancelled` once ``cancelled`` is set.
    """
    path = path.resolve()
    stat = path.stat()
    state = {"path": str(path), "size": stat.st_size, "changed": stat.st_mtime_ns}
    entry = cache_folder() / "hashes" / f"{hashlib.sha256(str(path).encode()).hexdigest()[:32]}.json"
    if known := _known(entry, state):
        return known
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            if cancelled is not None and cancelled.is_set():
                raise HashCancelled
            digest.update(block)
    found = digest.hexdigest()
    with contextlib.suppress(OSError):  # without a cache it is computed again the next time
        entry.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(entry, json.dumps(state | {"sha256": found}))
    return found


def _known(entry: Path, state: dict[str, object]) -> str:
    try:
        kept = json.loads(entry.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    if not isinstance(kept, dict) or any(kept.get(name) != value for name, value in state.items()):
        return ""
    return str(kept.get("sha256", ""))
