"""Reads and writes GGUF headers, to make variants of a real model: other metadata, damaged weights."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

_STRING, _ARRAY = 8, 9
_SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
_ALIGNMENT = 32


@dataclass
class HeaderOffsets:
    """Where things are in a GGUF: offsets from the beginning of the file, in bytes."""

    entries_at: int = 24
    entries: int = 0
    tensors: int = 0
    infos_end: int = 0
    data_at: int = 0
    offsets: dict[str, int] = field(default_factory=dict)


def read_offsets(path: Path) -> HeaderOffsets:
    header = HeaderOffsets()
    with path.open("rb") as file:
        magic, _, header.tensors, header.entries = struct.unpack("<4sIQQ", file.read(24))
        assert magic == b"GGUF"
        for _ in range(header.entries):
            _string(file)
            _skip(file, _number(file, "<I"))
        offsets = {}
        for _ in range(header.tensors):
            name = _string(file)
            file.seek(8 * _number(file, "<I") + 4, 1)
            offsets[name] = _number(file, "<Q")
        header.infos_end = file.tell()
    header.data_at = _aligned(header.infos_end)
    header.offsets = {name: header.data_at + offset for name, offset in offsets.items()}
    return header


def with_texts(source: Path, target: Path, texts: dict[str, str]) -> None:
    """Write ``source`` to ``target`` with additional texts in its metadata."""
    header = read_offsets(source)
    added = b"".join(_packed(key) + struct.pack("<I", _STRING) + _packed(value) for key, value in texts.items())
    with source.open("rb") as old, target.open("wb") as new:
        new.write(old.read(8) + struct.pack("<QQ", header.tensors, header.entries + len(texts)) + added)
        old.seek(header.entries_at)
        new.write(old.read(header.infos_end - header.entries_at))
        new.write(b"\0" * (_aligned(new.tell()) - new.tell()))
        old.seek(header.data_at)
        while block := old.read(2**22):
            new.write(block)


def _aligned(offset: int) -> int:
    return -(-offset // _ALIGNMENT) * _ALIGNMENT


def _packed(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def _number(file: BinaryIO, form: str) -> int:
    return int(struct.unpack(form, file.read(struct.calcsize(form)))[0])


def _string(file: BinaryIO) -> str:
    return file.read(_number(file, "<Q")).decode()


def _skip(file: BinaryIO, kind: int) -> None:
    if kind == _STRING:
        _string(file)
    elif kind == _ARRAY:
        inner, count = _number(file, "<I"), _number(file, "<Q")
        if inner in _SIZES:
            file.seek(_SIZES[inner] * count, 1)
        else:
            for _ in range(count):
                _skip(file, inner)
    else:
        file.seek(_SIZES[kind], 1)


def write_header(path: Path, values: dict[str, object], tensors: dict[str, int] | None = None) -> Path:
    """Write a GGUF with this metadata. Its tensors (name → bytes) are a hole in the file, so it cannot be run."""
    tensors = tensors or {}
    out = bytearray(b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(values)))
    for key, value in values.items():
        out += _packed(key) + _typed(value)
    offset = 0
    for name, size in tensors.items():
        out += _packed(name) + struct.pack("<IQIQ", 1, size, 24, offset)  # of type I8: an element is a byte
        offset = _aligned(offset + size)
    with path.open("wb") as file:
        file.write(out)
        file.truncate(_aligned(len(out)) + offset)
    return path


def _typed(value: object) -> bytes:
    if isinstance(value, bool):
        return struct.pack("<I?", 7, value)
    if isinstance(value, int):
        return struct.pack("<II", 4, value)
    if isinstance(value, float):
        return struct.pack("<If", 6, value)
    if isinstance(value, str):
        return struct.pack("<I", _STRING) + _packed(value)
    assert isinstance(value, list) and value
    items = [_typed(item) for item in value]
    header = struct.pack("<I", _ARRAY) + items[0][:4] + struct.pack("<Q", len(items))
    return header + b"".join(item[4:] for item in items)
