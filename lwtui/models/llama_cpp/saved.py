"""States of the model's memory on disk, so that a text that is opened again need not be read by the model again.

A cache and no more: its size is bounded, the states used longest ago go first, and a damaged file is removed when it is
found. Each model has its own, and so has each way of computing it. A state is looked for by its text.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import os
import shutil
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import llama_cpp.llama_cpp as C
import numpy as np

from lwtui.models.llama_cpp.memory import Strand, common

_MAGIC = b"lwtui-kv-state-1"
_HEAD = struct.Struct("<16s32sQQQI")  # magic, hash of the key, tokens, even ones, bytes of state, checksum
_SUFFIX = ".kv"
_DISK_SHARE = 0.1  # of what is free on the disk, at most
_NOTHING_NEW = 256  # tokens: a text that is saved but for so many is not saved again


class _Unusable(Exception):
    """A file is no state of this model."""


@dataclass
class Saved:
    """A state on disk and the text it is of; ``in_common`` is what that shares with the text that was asked for."""

    path: Path
    tokens: list[int]
    even: int
    in_common: int = 0


class SavedStates:
    """The states in ``folder`` that were made under ``key``; all states in it take ``most_bytes`` at most."""

    def __init__(self, folder: Path, key: str, most_bytes: int) -> None:
        self._folder = folder
        self._key = hashlib.sha256(key.encode()).digest()
        self._prefix = self._key.hex()[:16]
        self._most = most_bytes
        self._states: list[Saved] = []
        for path in folder.glob(f"{self._prefix}-*{_SUFFIX}"):
            try:
                self._states.append(_read_head(path, self._key))
            except (OSError, _Unusable):
                _remove(path)

    def closest(self, text: Sequence[int]) -> Saved | None:
        """The state whose text has the most in common with ``text`` at its beginning."""
        for state in self._states:
            state.in_common = common(state.tokens, text)
        return max(self._states, key=lambda state: state.in_common, default=None)

    def save(self, context: Any, strand: Strand) -> None:
        """Keep the state of ``strand``. Where there is no room on the disk, nothing is kept."""
        known = self.closest(strand.tokens)
        if known is not None and known.in_common >= len(strand.tokens) - _NOTHING_NEW:
            return
        size = int(C.llama_state_seq_get_size(context, strand.number))
        if not size or not self._make_room(size):
            return
        name = hashlib.sha256(np.array(strand.tokens, np.int32).tobytes()).hexdigest()[:24]
        path = self._folder / f"{self._prefix}-{name}{_SUFFIX}"
        part = path.with_suffix(f".{os.getpid()}.part")
        try:
            self._write(context, strand, size, part)
            part.replace(path)
        except OSError:
            _remove(part)
            return
        self._states.append(Saved(path, strand.tokens[:], strand.even))
        if known is not None and known.in_common >= len(known.tokens) - _NOTHING_NEW:
            self._forget(known)  # the new one has grown out of it

    def _write(self, context: Any, strand: Strand, size: int, path: Path) -> None:
        tokens = np.array(strand.tokens, np.int32)
        start = _HEAD.size + tokens.nbytes
        with path.open("wb") as file:
            file.truncate(start + size)
        state = np.memmap(path, np.uint8, "r+", offset=start, shape=(size,))
        written = int(C.llama_state_seq_get_data(context, _pointer(state), size, strand.number))
        if written != size:
            raise OSError("llama.cpp gave less of the state than it said")
        checksum = zlib.crc32(state.data, zlib.crc32(tokens.data))
        del state
        with path.open("r+b") as file:
            file.write(_HEAD.pack(_MAGIC, self._key, len(tokens), strand.even, size, checksum))
            file.write(tokens.tobytes())

    def load(self, context: Any, strand: Strand, saved: Saved) -> bool:
        """Put a state into ``strand``, which is empty; a file that is damaged goes."""
        try:
            start = _HEAD.size + 4 * len(saved.tokens)
            with saved.path.open("rb") as file:
                *_, size, checksum = _HEAD.unpack(file.read(_HEAD.size))
            state = np.memmap(saved.path, np.uint8, "r", offset=start, shape=(size,))
            if zlib.crc32(state.data, zlib.crc32(np.array(saved.tokens, np.int32).data)) != checksum:
                raise _Unusable
            if not C.llama_state_seq_set_data(context, _pointer(state), size, strand.number):
                raise _Unusable
            os.utime(saved.path)
        except (OSError, ValueError, struct.error, _Unusable):
            self._forget(saved)
            return False
        strand.tokens, strand.even = saved.tokens[:], saved.even
        return True

    def _make_room(self, size: int) -> bool:
        """Remove the states used longest ago until ``size`` bytes fit; false if they never will."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            most = min(self._most, int(shutil.disk_usage(self._folder).free * _DISK_SHARE))
            files = sorted(((path.stat().st_mtime, path) for path in self._folder.glob(f"*{_SUFFIX}")), reverse=True)
            sizes = {path: path.stat().st_size for _, path in files}
        except OSError:
            return False
        if size > most:
            return False
        while files and sum(sizes.values()) + size > self._most:
            _, oldest = files.pop()
            del sizes[oldest]
            _remove(oldest)
            self._states = [state for state in self._states if state.path != oldest]
        return True

    def _forget(self, saved: Saved) -> None:
        _remove(saved.path)
        self._states = [state for state in self._states if state.path != saved.path]


def _read_head(path: Path, key: bytes) -> Saved:
    with path.open("rb") as file:
        head = file.read(_HEAD.size)
        if len(head) < _HEAD.size:
            raise _Unusable
        magic, found, count, even, size, _ = _HEAD.unpack(head)
        if magic != _MAGIC or found != key or path.stat().st_size != _HEAD.size + 4 * count + size:
            raise _Unusable
        tokens = np.frombuffer(file.read(4 * count), np.int32)
    return Saved(path, [int(token) for token in tokens], even)


def _pointer(state: np.ndarray) -> Any:
    return state.ctypes.data_as(ctypes.POINTER(ctypes.c_uint8))


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):  # it is only a cache
        path.unlink()
