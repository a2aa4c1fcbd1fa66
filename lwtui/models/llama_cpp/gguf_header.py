"""Reads a GGUF's header without loading the model: enough to estimate how much memory it takes.

The file may come from anywhere, so every length in it is checked against the file's size before it is used.
"""

from __future__ import annotations

import mmap
import re
import struct
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from lwtui.models.base import ModelError, Sampling
from lwtui.models.recommended_sampling import recommended_sampling
from lwtui.translation import _

_STRING, _ARRAY = 8, 9
_FORMATS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
_MAX_ENTRIES = 100_000
_MAX_TEXT = 2**20  # bytes to keep of a text, such as a chat template
_MAX_ARRAY = 4096  # elements of an array to keep, such as one per layer; longer ones (tokens) are only counted
_PART = re.compile(r"-00001-of-(\d{5})\.gguf$")
# These architectures repeat a pattern of this many layers, of which all but the last see only a sliding window.
# llama.cpp knows the pattern by the architecture where the file does not state it.
_WINDOW_PERIODS = {"gemma2": 2, "gemma3": 6, "gemma3n": 5, "gpt-oss": 2, "cohere2": 4, "exaone4": 4, "olmo2": 4}


@dataclass(frozen=True)
class Layer:
    """One layer of a model.

    Attributes:
        weights: Bytes of its weights.
        keys: Numbers per token that it keeps as keys in the KV cache.
        values: Numbers per token that it keeps as values.
        window: Whether it sees only a sliding window.
    """

    weights: int = 0
    keys: int = 0
    values: int = 0
    window: bool = False


@dataclass(frozen=True)
class GgufHeader:
    """A model as its file describes it.

    Attributes:
        architecture: The architecture, such as ``llama``.
        file_size: Bytes of all its files.
        weights: Bytes of all weights.
        layers: Its layers.
        context_length: Tokens of context that it was trained for; 0 if unknown.
        vocabulary: How many tokens its vocabulary has.
        embedding: Size of an embedding.
        feed_forward: Size of the feed-forward layers that are active for a token.
        heads: Attention heads per layer.
        head_length: Size of a head.
        sliding_window: Tokens of the sliding window; 0 without one.
        recurrent_state: Bytes per sequence, for models with a recurrent state.
        name: Its name.
        chat_template: Its chat template; empty without one.
        sampling: The sampling options that its authors recommend.
    """

    architecture: str
    file_size: int
    weights: int
    layers: tuple[Layer, ...]
    context_length: int
    vocabulary: int
    embedding: int
    feed_forward: int
    heads: int
    head_length: int
    sliding_window: int = 0
    recurrent_state: int = 0
    name: str = ""
    chat_template: str = ""
    sampling: Sampling = field(default_factory=Sampling)


def read_header(path: Path) -> GgufHeader:
    """Read the header of a GGUF, including its further parts if it is the first of several.

    Raises:
        ModelError: The file cannot be read or is not a complete GGUF; the message is one line.
    """
    header = _read_part(path)
    found = _PART.search(path.name)
    if found is None:
        return header
    for number in range(2, int(found[1]) + 1):
        part = path.with_name(_PART.sub(f"-{number:05d}-of-{found[1]}.gguf", path.name))
        header = _join(header, _read_part(part, base=header))
    return header


def _read_part(path: Path, base: GgufHeader | None = None) -> GgufHeader:
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            values, tensors = _Reader(data).read()
            return _describe(values, tensors, len(data), base)
    except (OSError, ValueError) as error:
        # Mapping an empty file raises ValueError.
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ModelError(
            _("Cannot read the GGUF {path}: {reason}. Check the file, or download it again.", path=path, reason=reason),
            kind="malformed",
            code="unreadable",
        ) from None
    except (struct.error, OverflowError, IndexError):
        line = _("The GGUF {path} is damaged or cut short: its header makes no sense. Download it again.", path=path)
        raise ModelError(line, kind="malformed", code="cut-short") from None


class _Reader:
    """Reads a header from beginning to end."""

    def __init__(self, data: mmap.mmap) -> None:
        self._data = data
        self._at = 0

    def read(self) -> tuple[dict[str, Any], dict[str, int]]:
        """Return the metadata, and the size of each tensor in bytes."""
        if self._data[:4] != b"GGUF":
            raise ValueError(_("it lacks the GGUF signature"))
        self._at = 4
        version = self._number("<I")
        if version not in (2, 3):
            raise ValueError(_("version {version} of the format is not supported", version=version))
        tensors, entries = self._number("<Q"), self._number("<Q")
        if max(tensors, entries) > _MAX_ENTRIES:
            raise IndexError
        values = {}
        for _entry in range(entries):
            key = self._text()
            values[key] = self._value(self._number("<I"))
        alignment = values.get("general.alignment", 32)
        return values, self._tensors(tensors, alignment if isinstance(alignment, int) and alignment > 0 else 32)

    def _tensors(self, count: int, alignment: int) -> dict[str, int]:
        offsets = {}
        for _item in range(count):
            name = self._text()
            self._skip(8 * min(self._number("<I"), 2**32) + 4)
            offsets[name] = self._number("<Q")
        data_start = -(-self._at // alignment) * alignment
        ordered = sorted((offset, name) for name, offset in offsets.items())
        size = max(0, len(self._data) - data_start)
        if ordered and ordered[-1][0] >= size:
            raise IndexError
        ends = [(size, ""), *reversed(ordered)]
        return {name: end - offset for (end, _end_name), (offset, name) in pairwise(ends)}

    def _value(self, kind: int) -> Any:
        if kind == _STRING:
            return self._text()
        if kind == _ARRAY:
            return self._array()
        return self._number(self._format(kind))

    def _array(self) -> list[Any] | int:
        """Read an array: the elements of a short one, or the number of elements of a long one."""
        kind, count = self._number("<I"), self._number("<Q")
        if count > len(self._data):
            raise IndexError
        if kind == _STRING:
            self._skip_texts(count)
            return count
        if kind == _ARRAY:
            raise ValueError(_("it has arrays of arrays, which no model has"))
        format = self._format(kind)
        if count > _MAX_ARRAY:
            self._skip(struct.calcsize(format) * count)
            return count
        return [self._number(format) for _item in range(count)]

    def _skip_texts(self, count: int) -> None:
        """Skip the texts of a vocabulary: hundreds of thousands, so without a function call for each."""
        data, at, unpack = self._data, self._at, struct.Struct("<Q").unpack_from
        for _item in range(count):
            at += 8 + unpack(data, at)[0]
        self._at = at
        self._skip(0)

    def _format(self, kind: int) -> str:
        if kind not in _FORMATS:
            raise IndexError
        return _FORMATS[kind]

    def _number(self, format: str) -> Any:
        value = struct.unpack_from(format, self._data, self._at)[0]
        self._at += struct.calcsize(format)
        return value

    def _text(self) -> str:
        length = self._number("<Q")
        start = self._at
        self._skip(length)
        return self._data[start : start + min(length, _MAX_TEXT)].decode("utf-8", "replace")

    def _skip(self, length: int) -> None:
        if length > len(self._data) - self._at:  # also if it is already past the end
            raise IndexError
        self._at += length


def _describe(values: dict[str, Any], tensors: dict[str, int], file_size: int, base: GgufHeader | None) -> GgufHeader:
    """Describe a model by its metadata. A further part has next to none, so it inherits from the first, ``base``."""
    weights = sum(tensors.values())
    if base is not None:
        layers = tuple(Layer(size) for size in _layer_sizes(tensors, len(base.layers)))
        return replace(base, file_size=file_size, weights=weights, layers=layers)
    architecture = _text(values.get("general.architecture"))
    prefix = f"{architecture}."
    own = {key.removeprefix(prefix): value for key, value in values.items() if key.startswith(prefix)}
    count = _integer(own.get("block_count"), maximum=10_000)
    heads = _largest(own.get("attention.head_count"))
    embedding = _integer(own.get("embedding_length"))
    head_length = _integer(own.get("attention.key_length")) or embedding // max(1, heads)
    experts = _largest(own.get("expert_feed_forward_length")) * max(1, _integer(own.get("expert_used_count")))
    return GgufHeader(
        architecture=architecture,
        file_size=file_size,
        weights=weights,
        layers=_layers(architecture, own, _layer_sizes(tensors, count), head_length),
        context_length=_integer(own.get("context_length")),
        vocabulary=_integer(own.get("vocab_size")) or _length(values.get("tokenizer.ggml.tokens")),
        embedding=embedding,
        feed_forward=max(_largest(own.get("feed_forward_length")), experts),
        heads=heads,
        head_length=head_length,
        sliding_window=_integer(own.get("attention.sliding_window")),
        recurrent_state=_recurrent_state(own, count),
        name=_text(values.get("general.name")),
        chat_template=_text(values.get("tokenizer.chat_template")),
        sampling=recommended_sampling(values),
    )


def _layers(architecture: str, own: dict[str, Any], weights: list[int], head_length: int) -> tuple[Layer, ...]:
    count = len(weights)
    kv_heads = _per_layer(own.get("attention.head_count_kv", own.get("attention.head_count")), count)
    value_length = _integer(own.get("attention.value_length")) or head_length
    # The last layers reuse the keys and values of earlier ones.
    shared = min(count, _integer(own.get("attention.shared_kv_layers")))
    window = _windows(architecture, own, count)
    lengths = {False: (head_length, value_length), True: (head_length, value_length)}
    if key_length := _integer(own.get("attention.key_length_swa")):
        lengths[True] = (key_length, _integer(own.get("attention.value_length_swa")) or key_length)
    return tuple(
        Layer(
            weights[number],
            keys=kv_heads[number] * lengths[window[number]][0] if number < count - shared else 0,
            values=kv_heads[number] * lengths[window[number]][1] if number < count - shared else 0,
            window=window[number],
        )
        for number in range(count)
    )


def _windows(architecture: str, own: dict[str, Any], count: int) -> list[bool]:
    """Tell for each layer whether it sees only a sliding window."""
    pattern = own.get("attention.sliding_window_pattern", _WINDOW_PERIODS.get(architecture, 0))
    if not _integer(own.get("attention.sliding_window")):
        return [False] * count
    if isinstance(pattern, list):
        return [bool(value) for value in _per_layer(pattern, count)]
    period = _integer(pattern)
    return [period > 0 and number % period < period - 1 for number in range(count)]


def _recurrent_state(own: dict[str, Any], count: int) -> int:
    inner, state = _integer(own.get("ssm.inner_size")), _integer(own.get("ssm.state_size"))
    groups, kernel = _integer(own.get("ssm.group_count")), _integer(own.get("ssm.conv_kernel"))
    return 4 * count * (inner * state + max(0, kernel - 1) * (inner + 2 * groups * state))


def _layer_sizes(tensors: dict[str, int], count: int) -> list[int]:
    """Add up the bytes of the tensors of each layer."""
    sizes = [0] * count
    for name, size in tensors.items():
        found = re.match(r"blk\.(\d{1,5})\.", name)
        if found and int(found[1]) < count:
            sizes[int(found[1])] += size
    return sizes


def _join(first: GgufHeader, part: GgufHeader) -> GgufHeader:
    layers = tuple(
        replace(layer, weights=layer.weights + more.weights)
        for layer, more in zip(first.layers, part.layers, strict=True)
    )
    file_size, weights = first.file_size + part.file_size, first.weights + part.weights
    return replace(first, file_size=file_size, weights=weights, layers=layers)


def _integer(value: Any, maximum: int = 2**40) -> int:
    """Return ``value`` if it is an integer from 0 to ``maximum``, otherwise 0."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= maximum else 0


def _largest(value: Any) -> int:
    """Return an integer, or the largest one of a list."""
    return max(map(_integer, value), default=0) if isinstance(value, list) else _integer(value)


def _per_layer(value: Any, count: int) -> list[int]:
    """Return an integer for each layer: those of a list, repeated if it is short, or one integer for all layers."""
    values: list[Any] = value if isinstance(value, list) and value else [value]
    integers = [int(each) if isinstance(each, bool) else _integer(each) for each in values]
    return [integers[number % len(integers)] for number in range(count)]


def _length(value: Any) -> int:
    return len(value) if isinstance(value, list) else _integer(value)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
