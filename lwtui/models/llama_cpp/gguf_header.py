"""What a GGUF says about itself in its header, read without loading it: enough to tell how much memory it takes.

The file may come from anywhere: every length in it is checked against the file before it is believed.
"""

from __future__ import annotations

import mmap
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from lwtui.models.base import ModelError

_STRING, _ARRAY = 8, 9
_FORMS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
_MOST_ENTRIES = 100_000
_MOST_TEXT = 2**20  # bytes of one text that is kept: a chat template
_MOST_KEPT = 4096  # elements of an array that is kept: one for each layer; tokens are only counted
_PART = re.compile(r"-00001-of-(\d{5})\.gguf$")
# Models of these kinds take turns: this many layers, of which all but the last see a sliding window only. llama.cpp
# knows it by the kind where the file does not say it.
_WINDOW_TURNS = {"gemma2": 2, "gemma3": 6, "gemma3n": 5, "gpt-oss": 2, "cohere2": 4, "exaone4": 4, "olmo2": 4}


@dataclass(frozen=True)
class Layer:
    """One layer: bytes of its weights, and numbers kept for each token in the cache of keys and values."""

    weights: int = 0
    keys: int = 0
    values: int = 0
    window: bool = False  # sees only a sliding window


@dataclass(frozen=True)
class GgufHeader:
    """A model as its file describes it. Sizes are in bytes, lengths in tokens."""

    architecture: str
    file_size: int  # of all parts
    weights: int
    layers: tuple[Layer, ...]
    context_length: int  # what it was trained for; 0: not said
    vocabulary: int
    embedding: int
    feed_forward: int
    heads: int
    head_length: int
    sliding_window: int = 0
    recurrent_state: int = 0  # bytes for each sequence, of models that keep one
    name: str = ""
    chat_template: str = ""


def read_header(path: Path) -> GgufHeader:
    """The header of the GGUF at ``path``, and of its further parts where it is the first of several.

    Raises :class:`ModelError` with one line if it cannot be read or is no whole GGUF.
    """
    header = _read_part(path)
    found = _PART.search(path.name)
    if found is None:
        return header
    for number in range(2, int(found[1]) + 1):
        part = path.with_name(_PART.sub(f"-{number:05d}-of-{found[1]}.gguf", path.name))
        header = _joined(header, _read_part(part, base=header))
    return header


def _read_part(path: Path, base: GgufHeader | None = None) -> GgufHeader:
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            values, tensors = _Reader(data).read()
            return _described(values, tensors, len(data), base)
    except (OSError, ValueError) as error:
        # An empty file cannot be mapped, which is a ValueError.
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ModelError(
            f"Cannot read the GGUF {path}: {reason}. Check it, or get it again.", kind="malformed"
        ) from None
    except (struct.error, OverflowError, IndexError):
        line = f"The GGUF {path} is damaged or cut short: its header makes no sense. Get it again."
        raise ModelError(line, kind="malformed") from None


class _Reader:
    """Walks through a header."""

    def __init__(self, data: mmap.mmap) -> None:
        self._data = data
        self._at = 0

    def read(self) -> tuple[dict[str, Any], dict[str, int]]:
        """The metadata, and the size of each tensor in bytes."""
        if self._data[:4] != b"GGUF":
            raise ValueError("it does not begin as one")
        self._at = 4
        version = self._number("<I")
        if version not in (2, 3):
            raise ValueError(f"version {version} of the format is not known")
        tensors, entries = self._number("<Q"), self._number("<Q")
        if max(tensors, entries) > _MOST_ENTRIES:
            raise IndexError
        values = {}
        for _ in range(entries):
            key = self._text()
            values[key] = self._value(self._number("<I"))
        alignment = values.get("general.alignment", 32)
        return values, self._tensors(tensors, alignment if isinstance(alignment, int) and alignment > 0 else 32)

    def _tensors(self, count: int, alignment: int) -> dict[str, int]:
        offsets = {}
        for _ in range(count):
            name = self._text()
            self._skip(8 * min(self._number("<I"), 2**32) + 4)
            offsets[name] = self._number("<Q")
        begin = -(-self._at // alignment) * alignment
        places = sorted((offset, name) for name, offset in offsets.items())
        size = max(0, len(self._data) - begin)
        if places and places[-1][0] >= size:
            raise IndexError
        ends = [(size, ""), *reversed(places)]
        return {name: end - offset for (end, _), (offset, name) in pairwise(ends)}

    def _value(self, kind: int) -> Any:
        if kind == _STRING:
            return self._text()
        if kind == _ARRAY:
            return self._array()
        return self._number(self._form(kind))

    def _array(self) -> list[Any] | int:
        """The elements of a short array; of a long one, how many there are."""
        kind, count = self._number("<I"), self._number("<Q")
        if count > len(self._data):
            raise IndexError
        if kind == _STRING:
            self._skip_texts(count)
            return count
        if kind == _ARRAY:
            raise ValueError("it has arrays of arrays, which no model has")
        form = self._form(kind)
        if count > _MOST_KEPT:
            self._skip(struct.calcsize(form) * count)
            return count
        return [self._number(form) for _ in range(count)]

    def _skip_texts(self, count: int) -> None:
        """Past the texts of a vocabulary: hundreds of thousands, so without a call for each."""
        data, at, unpack = self._data, self._at, struct.Struct("<Q").unpack_from
        for _ in range(count):
            at += 8 + unpack(data, at)[0]
        self._at = at
        self._skip(0)

    def _form(self, kind: int) -> str:
        if kind not in _FORMS:
            raise IndexError
        return _FORMS[kind]

    def _number(self, form: str) -> Any:
        value = struct.unpack_from(form, self._data, self._at)[0]
        self._at += struct.calcsize(form)
        return value

    def _text(self) -> str:
        length = self._number("<Q")
        start = self._at
        self._skip(length)
        return self._data[start : start + min(length, _MOST_TEXT)].decode("utf-8", "replace")

    def _skip(self, length: int) -> None:
        if length > len(self._data) - self._at:  # also where it is past the end already
            raise IndexError
        self._at += length


def _described(values: dict[str, Any], tensors: dict[str, int], file_size: int, base: GgufHeader | None) -> GgufHeader:
    """A model from its metadata. A further part has next to none, so ``base``, the first one, lends its shape."""
    weights = sum(tensors.values())
    if base is not None:
        layers = tuple(Layer(size) for size in _by_layer(tensors, len(base.layers)))
        return replace(base, file_size=file_size, weights=weights, layers=layers)
    kind = _text(values.get("general.architecture"))
    own = {key.removeprefix(f"{kind}."): value for key, value in values.items() if key.startswith(f"{kind}.")}
    count = _whole(own.get("block_count"), most=10_000)
    heads = _one(own.get("attention.head_count"))
    embedding = _whole(own.get("embedding_length"))
    head_length = _whole(own.get("attention.key_length")) or embedding // max(1, heads)
    experts = _one(own.get("expert_feed_forward_length")) * max(1, _whole(own.get("expert_used_count")))
    return GgufHeader(
        architecture=kind,
        file_size=file_size,
        weights=weights,
        layers=_layers(kind, own, _by_layer(tensors, count), head_length),
        context_length=_whole(own.get("context_length")),
        vocabulary=_whole(own.get("vocab_size")) or _length(values.get("tokenizer.ggml.tokens")),
        embedding=embedding,
        feed_forward=max(_one(own.get("feed_forward_length")), experts),
        heads=heads,
        head_length=head_length,
        sliding_window=_whole(own.get("attention.sliding_window")),
        recurrent_state=_recurrent_state(own, count),
        name=_text(values.get("general.name")),
        chat_template=_text(values.get("tokenizer.chat_template")),
    )


def _layers(kind: str, own: dict[str, Any], weights: list[int], head_length: int) -> tuple[Layer, ...]:
    count = len(weights)
    kv_heads = _each(own.get("attention.head_count_kv", own.get("attention.head_count")), count)
    value_length = _whole(own.get("attention.value_length")) or head_length
    shared = min(count, _whole(own.get("attention.shared_kv_layers")))  # the last ones use what earlier ones keep
    window = _windows(kind, own, count)
    lengths = {False: (head_length, value_length), True: (head_length, value_length)}
    if own_length := _whole(own.get("attention.key_length_swa")):
        lengths[True] = (own_length, _whole(own.get("attention.value_length_swa")) or own_length)
    return tuple(
        Layer(
            weights[number],
            keys=kv_heads[number] * lengths[window[number]][0] if number < count - shared else 0,
            values=kv_heads[number] * lengths[window[number]][1] if number < count - shared else 0,
            window=window[number],
        )
        for number in range(count)
    )


def _windows(kind: str, own: dict[str, Any], count: int) -> list[bool]:
    """Which layers see a sliding window only."""
    pattern = own.get("attention.sliding_window_pattern", _WINDOW_TURNS.get(kind, 0))
    if not _whole(own.get("attention.sliding_window")):
        return [False] * count
    if isinstance(pattern, list):
        return [bool(one) for one in _each(pattern, count)]
    turns = _whole(pattern)
    return [turns > 0 and number % turns < turns - 1 for number in range(count)]


def _recurrent_state(own: dict[str, Any], count: int) -> int:
    inner, state = _whole(own.get("ssm.inner_size")), _whole(own.get("ssm.state_size"))
    groups, kernel = _whole(own.get("ssm.group_count")), _whole(own.get("ssm.conv_kernel"))
    return 4 * count * (inner * state + max(0, kernel - 1) * (inner + 2 * groups * state))


def _by_layer(tensors: dict[str, int], count: int) -> list[int]:
    sizes = [0] * count
    for name, size in tensors.items():
        found = re.match(r"blk\.(\d{1,5})\.", name)
        if found and int(found[1]) < count:
            sizes[int(found[1])] += size
    return sizes


def _joined(first: GgufHeader, part: GgufHeader) -> GgufHeader:
    layers = tuple(
        replace(one, weights=one.weights + more.weights) for one, more in zip(first.layers, part.layers, strict=True)
    )
    file_size, weights = first.file_size + part.file_size, first.weights + part.weights
    return replace(first, file_size=file_size, weights=weights, layers=layers)


def _whole(value: Any, most: int = 2**40) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most else 0


def _one(value: Any) -> int:
    """A number, or the largest of those that each layer has."""
    return max(map(_whole, value), default=0) if isinstance(value, list) else _whole(value)


def _each(value: Any, count: int) -> list[int]:
    """A number for each layer: the list, repeated where it is short, or the one number for all."""
    numbers: list[Any] = value if isinstance(value, list) and value else [value]
    whole: Callable[[Any], int] = lambda one: int(one) if isinstance(one, bool) else _whole(one)  # noqa: E731
    return [whole(numbers[number % len(numbers)]) for number in range(count)]


def _length(value: Any) -> int:
    return len(value) if isinstance(value, list) else _whole(value)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
