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

from lwtui.models.llama_cpp.kv_cache import CachedSequence, common

_MAGIC = b"lwtui-kv-state-1"
# A file is the head, the tokens, their checksum, the state and its checksum.
_HEAD = struct.Struct("<16s32sQQQ")  # magic, hash of the key, number of tokens, length of the prefill, bytes of state
_CHECKSUM = struct.Struct("<I")
_SUFFIX = ".kv"
_DISK_SHARE = 0.1  # of what is free on the disk, at most
_NOTHING_NEW = 256  # tokens: a text that is saved but for so many is not saved again


class _Unusable(Exception):
    """A file is no state of this model."""


@dataclass(frozen=True)
class Saved:
    """A state on disk, and the text it is of."""

    path: Path
    tokens: list[int]
    prefill_len: int
    size: int  # bytes


class SavedStates:
    """The states in ``folder`` that were made under ``key``; all states in it take ``most_bytes`` at most."""

    def __init__(self, folder: Path, key: str, most_bytes: int, *, windows: bool) -> None:
        """``windows``: the model has sliding windows, and a state therefore nothing of what lies before its last."""
        self._folder = folder
        self._key = hashlib.sha256(key.encode()).digest()
        self._prefix = self._key.hex()[:16]
        self._most = most_bytes
        self._windows = windows
        self._states: list[Saved] = []
        for path in folder.glob(f"{self._prefix}-*{_SUFFIX}"):
            try:
                self._states.append(_read_head(path, self._key))
            except (OSError, _Unusable):
                _remove(path)

    def closest(self, text: Sequence[int]) -> tuple[Saved | None, int]:
        """The state that spares reading the most of ``text``, and how many tokens that is."""
        return self._most_alike(text, whole=self._windows)

    def _most_alike(self, text: Sequence[int], *, whole: bool) -> tuple[Saved | None, int]:
        """The state that has the most in common with ``text``, and how many tokens that is.

        ``whole``: one that is not all in it counts as having nothing.
        """
        best, most = None, 0
        for state in self._states:
            shared = common(state.tokens, text)
            if shared > most and (not whole or shared == len(state.tokens)):
                best, most = state, shared
        return best, most

    def save(self, context: Any, sequence: CachedSequence) -> None:
        """Keep the state of ``sequence``. Where there is no room on the disk, nothing is kept."""
        known, in_common = self._most_alike(sequence.tokens, whole=False)
        if known is not None and in_common >= len(sequence.tokens) - _NOTHING_NEW:
            return
        size = int(C.llama_state_seq_get_size(context, sequence.number))
        if not size or not self._make_room(size):
            return
        name = hashlib.sha256(np.array(sequence.tokens, np.int32).tobytes()).hexdigest()[:24]
        path = self._folder / f"{self._prefix}-{name}{_SUFFIX}"
        part = path.with_suffix(f".{os.getpid()}.part")
        try:
            self._write(context, sequence, size, part)
            part.replace(path)
        except OSError:
            _remove(part)
            return
        self._states.append(Saved(path, sequence.tokens[:], sequence.prefill_len, size))
        if known is not None and in_common >= len(known.tokens) - _NOTHING_NEW:
            self._forget(known)  # the new one has grown out of it

    def _write(self, context: Any, sequence: CachedSequence, size: int, path: Path) -> None:
        tokens = np.array(sequence.tokens, np.int32).tobytes()
        head = _HEAD.pack(_MAGIC, self._key, len(sequence.tokens), sequence.prefill_len, size) + tokens
        head += _checksum(head)
        with path.open("wb") as file:
            file.write(head)
            file.truncate(len(head) + size + _CHECKSUM.size)
        # Straight into the file, for it may be larger than the memory that is left.
        state = np.memmap(path, np.uint8, "r+", offset=len(head), shape=(size,))
        if int(C.llama_state_seq_get_data(context, _pointer(state), size, sequence.number)) != size:
            raise OSError("llama.cpp gave less of the state than it said")
        with path.open("r+b") as file:
            file.seek(len(head) + size)
            file.write(_checksum(state.data))

    def load(self, context: Any, sequence: CachedSequence, saved: Saved) -> bool:
        """Put a state into ``sequence``, which is empty; a file that is damaged goes."""
        try:
            whole = np.memmap(saved.path, np.uint8, "r")
            end = len(whole) - _CHECKSUM.size
            state = whole[end - saved.size : end]
            if _checksum(state.data) != whole[end:].tobytes():
                raise _Unusable
            if not C.llama_state_seq_set_data(context, _pointer(state), saved.size, sequence.number):
                return False  # no room
            os.utime(saved.path)
        except (OSError, ValueError, _Unusable):
            self._forget(saved)
            return False
        sequence.tokens, sequence.prefill_len = saved.tokens[:], saved.prefill_len
        sequence.min_keep = len(sequence.tokens) if self._windows else 0
        return True

    def _make_room(self, size: int) -> bool:
        """Remove the states used longest ago until ``size`` bytes fit; false if they never will."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # a state tells what a text says
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
        magic, found, count, prefill_len, size = _HEAD.unpack(head)
        whole = _HEAD.size + 4 * count + size + 2 * _CHECKSUM.size
        if magic != _MAGIC or found != key or path.stat().st_size != whole:
            raise _Unusable
        tokens = file.read(4 * count)
        if file.read(_CHECKSUM.size) != _checksum(head + tokens):
            raise _Unusable
    return Saved(path, np.frombuffer(tokens, np.int32).tolist(), prefill_len, size)


def _checksum(data: bytes | memoryview) -> bytes:
    return _CHECKSUM.pack(zlib.crc32(data))


def _pointer(state: np.ndarray) -> Any:
    return state.ctypes.data_as(ctypes.POINTER(ctypes.c_uint8))


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):  # it is only a cache
        path.unlink()
