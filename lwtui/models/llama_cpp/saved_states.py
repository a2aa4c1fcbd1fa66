"""Saved states of the KV cache on disk, so that the model need not process a reopened text again.

They are only a cache: its size is bounded, the least recently used states go first, and damaged files are removed when
they are found. Each model has states of its own, and so has each way of computing it. A state is found by its text.
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

from lwtui.files import move_file
from lwtui.models.llama_cpp.kv_cache import CachedSequence, common_prefix_len

_MAGIC = b"lwtui-kv-state-1"
# A file consists of the header, the tokens, a checksum of both, the state and its checksum.
_HEADER = struct.Struct("<16s32sQQQ")  # magic, hash of the key, number of tokens, prefill length, bytes of the state
_CHECKSUM = struct.Struct("<I")
_SUFFIX = ".kv"
_DISK_SHARE = 0.1  # at most, of the free disk space
_MIN_NEW = 256  # tokens; a text with fewer new ones is not saved again


class _InvalidState(Exception):
    """A file is not a state of this model."""


@dataclass(frozen=True)
class SavedState:
    """A state on disk.

    Attributes:
        path: Its file.
        tokens: The text.
        prefill_len: How many of the first tokens were computed as a prompt (see :class:`CachedSequence`).
        size: Size of the state in bytes.
    """

    path: Path
    tokens: list[int]
    prefill_len: int
    size: int


class SavedStates:
    """The saved states of one model.

    Args:
        folder: Where all states are, those of other models too.
        key: Identifies the model and the way of computing it.
        max_bytes: Upper bound of all states in ``folder`` together.
        has_windows: Whether the model has sliding windows. Its states then hold only the last window.
    """

    def __init__(self, folder: Path, key: str, max_bytes: int, *, has_windows: bool) -> None:
        self._folder = folder
        self._key = hashlib.sha256(key.encode()).digest()
        self._prefix = self._key.hex()[:16]
        self._max_bytes = max_bytes
        self._has_windows = has_windows
        self._states: list[SavedState] = []
        for path in folder.glob(f"{self._prefix}-*{_SUFFIX}"):
            try:
                self._states.append(_read_header(path, self._key))
            except (OSError, _InvalidState):
                _remove(path)

    def closest(self, text: Sequence[int]) -> tuple[SavedState | None, int]:
        """Find the state that saves the most computation for ``text``.

        Returns:
            The state, and how many tokens of ``text`` it saves.
        """
        return self._longest_prefix(text, whole=self._has_windows)

    def _longest_prefix(self, text: Sequence[int], *, whole: bool) -> tuple[SavedState | None, int]:
        """Find the state that shares the longest prefix with ``text``; with ``whole``, all of it must be a prefix."""
        best, longest = None, 0
        for state in self._states:
            shared = common_prefix_len(state.tokens, text)
            if shared > longest and (not whole or shared == len(state.tokens)):
                best, longest = state, shared
        return best, longest

    def save(self, context: Any, sequence: CachedSequence) -> None:
        """Save the state of ``sequence``, unless the disk has no room for it."""
        known, shared = self._longest_prefix(sequence.tokens, whole=False)
        if known is not None and shared >= len(sequence.tokens) - _MIN_NEW:
            return
        size = int(C.llama_state_seq_get_size(context, sequence.number))
        if not size or not self._make_room(size):
            return
        name = hashlib.sha256(np.array(sequence.tokens, np.int32).tobytes()).hexdigest()[:24]
        path = self._folder / f"{self._prefix}-{name}{_SUFFIX}"
        part = path.with_suffix(f".{os.getpid()}.part")
        try:
            self._write(context, sequence, size, part)
            move_file(part, path)
        except OSError:
            _remove(part)
            return
        self._states.append(SavedState(path, sequence.tokens[:], sequence.prefill_len, size))
        if known is not None and shared >= len(known.tokens) - _MIN_NEW:
            self._remove_state(known)  # the new state replaces it

    def _write(self, context: Any, sequence: CachedSequence, size: int, path: Path) -> None:
        tokens = np.array(sequence.tokens, np.int32).tobytes()
        header = _HEADER.pack(_MAGIC, self._key, len(sequence.tokens), sequence.prefill_len, size) + tokens
        header += _checksum(header)
        with path.open("wb") as file:
            file.write(header)
            file.truncate(len(header) + size + _CHECKSUM.size)
        # Written straight into the file, because the state may be larger than the free memory.
        state = np.memmap(path, np.uint8, "r+", offset=len(header), shape=(size,))
        if int(C.llama_state_seq_get_data(context, _pointer(state), size, sequence.number)) != size:
            raise OSError("llama.cpp returned less of the state than it announced")
        with path.open("r+b") as file:
            file.seek(len(header) + size)
            file.write(_checksum(state.data))

    def load(self, context: Any, sequence: CachedSequence, state: SavedState) -> bool:
        """Load a state into ``sequence``, which must be empty. A damaged file is removed.

        Returns:
            False if the state was not loaded.
        """
        try:
            whole = np.memmap(state.path, np.uint8, "r")
            end = len(whole) - _CHECKSUM.size
            data = whole[end - state.size : end]
            if _checksum(data.data) != whole[end:].tobytes():
                raise _InvalidState
            if not C.llama_state_seq_set_data(context, _pointer(data), state.size, sequence.number):
                return False  # the KV cache has no room
            os.utime(state.path)
        except (OSError, ValueError, _InvalidState):
            self._remove_state(state)
            return False
        sequence.tokens, sequence.prefill_len = state.tokens[:], state.prefill_len
        sequence.min_keep = len(sequence.tokens) if self._has_windows else 0
        return True

    def _make_room(self, size: int) -> bool:
        """Remove the least recently used states until ``size`` bytes fit; false if they never will."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # private: a state reveals its text
            limit = min(self._max_bytes, int(shutil.disk_usage(self._folder).free * _DISK_SHARE))
            files = sorted(((path.stat().st_mtime, path) for path in self._folder.glob(f"*{_SUFFIX}")), reverse=True)
            sizes = {path: path.stat().st_size for _, path in files}
        except OSError:
            return False
        if size > limit:
            return False
        while files and sum(sizes.values()) + size > self._max_bytes:
            _, oldest = files.pop()
            del sizes[oldest]
            _remove(oldest)
            self._states = [state for state in self._states if state.path != oldest]
        return True

    def _remove_state(self, removed: SavedState) -> None:
        _remove(removed.path)
        self._states = [state for state in self._states if state.path != removed.path]


def _read_header(path: Path, key: bytes) -> SavedState:
    with path.open("rb") as file:
        header = file.read(_HEADER.size)
        if len(header) < _HEADER.size:
            raise _InvalidState
        magic, found_key, count, prefill_len, size = _HEADER.unpack(header)
        file_size = _HEADER.size + 4 * count + size + 2 * _CHECKSUM.size
        if magic != _MAGIC or found_key != key or path.stat().st_size != file_size:
            raise _InvalidState
        tokens = file.read(4 * count)
        if file.read(_CHECKSUM.size) != _checksum(header + tokens):
            raise _InvalidState
    return SavedState(path, np.frombuffer(tokens, np.int32).tolist(), prefill_len, size)


def _checksum(data: bytes | memoryview) -> bytes:
    return _CHECKSUM.pack(zlib.crc32(data))


def _pointer(state: np.ndarray) -> Any:
    return state.ctypes.data_as(ctypes.POINTER(ctypes.c_uint8))


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):  # a cache may fail to clean up
        path.unlink()
