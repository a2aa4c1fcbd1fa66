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


class HashCanceled(Exception):
    """The hash is no longer wanted."""


def file_hash(path: Path, canceled: threading.Event | None = None) -> str:
    """Return the SHA-256 of a file, from the cache if its size and modification time are unchanged.

    Args:
        path: The file.
        canceled: Ends the computation when it is set.

    Raises:
        OSError: The file cannot be read.
        HashCanceled: ``canceled`` was set.
    """
    path = path.resolve()
    state = _state(path)
    if cached := _cached(_cache_entry(path), state):
        return cached
    sha256 = compute_hash(path, canceled)
    _store(path, state, sha256)
    return sha256


def store_hash(path: Path, sha256: str) -> None:
    """Put the hash of a file, computed elsewhere, into the cache of :func:`file_hash`.

    Raises:
        OSError: The file does not exist.
    """
    path = path.resolve()
    _store(path, _state(path), sha256)


def compute_hash(path: Path, canceled: threading.Event | None = None) -> str:
    """Compute the SHA-256 of a file without the cache. Raises the same errors as :func:`file_hash`."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            if canceled is not None and canceled.is_set():
                raise HashCanceled
            digest.update(block)
    return digest.hexdigest()


def _cache_entry(path: Path) -> Path:
    return cache_folder() / "hashes" / f"{hashlib.sha256(str(path).encode()).hexdigest()[:32]}.json"


def _state(path: Path) -> dict[str, object]:
    stat = path.stat()
    return {"path": str(path), "size": stat.st_size, "changed": stat.st_mtime_ns}


def _store(path: Path, state: dict[str, object], sha256: str) -> None:
    entry = _cache_entry(path)
    with contextlib.suppress(OSError):  # without a cache the hash is computed again next time
        entry.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(entry, json.dumps(state | {"sha256": sha256}))


def _cached(entry: Path, state: dict[str, object]) -> str:
    try:
        cached = json.loads(entry.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    if not isinstance(cached, dict) or any(cached.get(name) != value for name, value in state.items()):
        return ""
    return str(cached.get("sha256", ""))
