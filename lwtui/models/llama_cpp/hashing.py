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
    state = _state(path)
    if known := _known(_entry(path), state):
        return known
    found = compute_hash(path, cancelled)
    _keep(path, state, found)
    return found


def remember(path: Path, sha256: str) -> None:
    """Keep what was just found out about a file, as :func:`file_hash` would. ``OSError`` if it is not there."""
    path = path.resolve()
    _keep(path, _state(path), sha256)


def compute_hash(path: Path, cancelled: threading.Event | None = None) -> str:
    """The SHA-256 of what the file holds now. Raises as :func:`file_hash`."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            if cancelled is not None and cancelled.is_set():
                raise HashCancelled
            digest.update(block)
    return digest.hexdigest()


def _entry(path: Path) -> Path:
    return cache_folder() / "hashes" / f"{hashlib.sha256(str(path).encode()).hexdigest()[:32]}.json"


def _state(path: Path) -> dict[str, object]:
    stat = path.stat()
    return {"path": str(path), "size": stat.st_size, "changed": stat.st_mtime_ns}


def _keep(path: Path, state: dict[str, object], sha256: str) -> None:
    entry = _entry(path)
    with contextlib.suppress(OSError):  # without a cache it is computed again the next time
        entry.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(entry, json.dumps(state | {"sha256": sha256}))


def _known(entry: Path, state: dict[str, object]) -> str:
    try:
        kept = json.loads(entry.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    if not isinstance(kept, dict) or any(kept.get(name) != value for name, value in state.items()):
        return ""
    return str(kept.get("sha256", ""))
