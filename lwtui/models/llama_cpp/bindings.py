"""llama.cpp's model and vocabulary, and the few calls of its C API that the engine makes.

Only the worker process imports this module: a fault in native code ends that process and nothing else.
"""

from __future__ import annotations

import ctypes
import os
import re
import sys
import tempfile
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import llama_cpp.llama_cpp as C

from lwtui.models.llama_cpp.fit import Device
from lwtui.models.llama_cpp.token_prefix_index import TokenPrefixIndex
from lwtui.translation import _

_ERROR, _CONTINUED = 4, 5  # ggml's log levels
_GPU, _INTEGRATED_GPU = 1, 2  # ggml's device types
_SPECIAL = C.LLAMA_TOKEN_ATTR_CONTROL | C.LLAMA_TOKEN_ATTR_UNKNOWN
_CALLBACKS: list[Any] = []  # llama.cpp may call them until the process ends, so they must stay alive
_MEDIA = re.compile(rb"[<\[]\|?\w*(?:image|audio|video|multimodal)\w*\|?[>\]]")


class LoadError(Exception):
    """llama.cpp cannot open a model or allocate memory for it; ``str`` is its own reason."""


class NativeLog:
    """Collects the last lines that llama.cpp logs, so that none of them reaches the terminal."""

    def __init__(self, max_lines: int = 200) -> None:
        self._lines: deque[tuple[int, str]] = deque(maxlen=max_lines)
        self._level = 0
        _CALLBACKS.append(C.llama_log_callback(self._add))
        C.llama_log_set(_CALLBACKS[-1], ctypes.c_void_p(0))

    def _add(self, level: int, text: bytes | None, _data: Any) -> None:
        line = (text or b"").decode("utf-8", "replace").rstrip("\n")
        if level == _CONTINUED:
            level = self._level
        self._level = level
        if line.strip(" ."):
            self._lines.append((level, line))

    def clear(self) -> None:
        """Forget all lines."""
        self._lines.clear()

    def first_error(self) -> str:
        """Return the first error since :meth:`clear`; later errors are only consequences of it."""
        return next((_without_function(line) for level, line in self._lines if level == _ERROR), "")


def _without_function(line: str) -> str:
    """Remove the prefixes: ``llama_model_load: error loading model: why`` → ``why``."""
    for prefix in ("llama_model_load: ", "llama_model_load_from_file_impl: ", "error loading model: "):
        line = line.removeprefix(prefix)
    name, colon, rest = line.partition(": ")
    return rest if colon and " " not in name else line


@contextmanager
def captured_stderr() -> Iterator[list[str]]:
    """Collect the lines that native code prints to standard error, where it reports errors in no better way."""
    lines: list[str] = []
    saved = os.dup(2)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 2)
        try:
            yield lines
        finally:
            os.dup2(saved, 2)
            os.close(saved)
            file.seek(0)
            lines += file.read().decode("utf-8", "replace").splitlines()


def devices() -> tuple[Device, ...]:
    """List the GPUs that llama.cpp can use."""
    if not C.llama_supports_gpu_offload():
        return ()
    C.llama_backend_init()
    libraries = (
        file for file in Path(C.__file__).parent.glob("lib/*ggml.*") if file.suffix in (".so", ".dylib", ".dll")
    )
    ggml = ctypes.CDLL(str(min(libraries)))
    for name in ("ggml_backend_dev_get", "ggml_backend_dev_description"):
        getattr(ggml, name).restype = ctypes.c_void_p
    ggml.ggml_backend_dev_count.restype = ctypes.c_size_t
    found = []
    for number in range(ggml.ggml_backend_dev_count()):
        device = ctypes.c_void_p(ggml.ggml_backend_dev_get(ctypes.c_size_t(number)))
        kind = ggml.ggml_backend_dev_type(device)
        if kind in (_GPU, _INTEGRATED_GPU):
            free, total = ctypes.c_size_t(), ctypes.c_size_t()
            ggml.ggml_backend_dev_memory(device, ctypes.byref(free), ctypes.byref(total))
            name = ctypes.string_at(ggml.ggml_backend_dev_description(device)).decode("utf-8", "replace")
            found.append(Device(name, free.value, shared=kind == _INTEGRATED_GPU or sys.platform == "darwin"))
    return tuple(found)


class Gguf:
    """An open model: its metadata and its vocabulary. Free it with :meth:`close`.

    Args:
        path: The GGUF.
        log: llama.cpp's log.
        gpu_layers: How many layers go to the GPUs.
        writes: Whether it is to write text; otherwise it may also be a model that only makes embeddings.

    Attributes:
        model: llama.cpp's model.
        vocab: llama.cpp's vocabulary.
        n_vocab: How many tokens the vocabulary has.
        end_tokens: The special tokens that end a completion.
        media_tokens: The tokens that stand for pictures or sound, which have no use in a text.

    Raises:
        LoadError: The model cannot be opened.
    """

    def __init__(self, path: str, log: NativeLog, gpu_layers: int = 0, *, writes: bool = True) -> None:
        C.llama_backend_init()
        log.clear()
        params = C.llama_model_default_params()
        params.n_gpu_layers = gpu_layers
        self.model = C.llama_model_load_from_file(os.fsencode(path), params)
        if not self.model:
            raise LoadError(log.first_error())
        self.vocab = C.llama_model_get_vocab(self.model)
        self.n_vocab: int = C.llama_vocab_n_tokens(self.vocab)
        if not self.n_vocab or C.llama_model_has_encoder(self.model) or not C.llama_model_has_decoder(self.model):
            raise LoadError(_("it is not a model that writes text") if writes else _("it makes no embeddings"))
        self._pieces: dict[int, bytes] = {}
        # Found now, so that nobody waits for it before a first token.
        self.end_tokens, self.media_tokens = self._find_special_tokens()

    def close(self) -> None:
        """Free the model."""
        C.llama_model_free(self.model)

    @property
    def training_context(self) -> int:
        """The context length that the model was trained for, in tokens."""
        return int(C.llama_model_n_ctx_train(self.model))

    @property
    def description(self) -> str:
        """Architecture, size and quantization in a few words."""
        buffer = ctypes.create_string_buffer(256)
        C.llama_model_desc(self.model, buffer, len(buffer))
        return buffer.value.decode("utf-8", "replace")

    def metadata(self, key: str) -> str:
        """Return a metadata value as text; empty if the GGUF does not have it."""
        size = 256
        while True:
            buffer = ctypes.create_string_buffer(size)
            length = C.llama_model_meta_val_str(self.model, key.encode(), buffer, size)
            if length < size:
                return buffer.value.decode("utf-8", "replace") if length >= 0 else ""
            size = length + 1

    @property
    def chat_template(self) -> str:
        """The GGUF's chat template; empty if it has none."""
        return self.metadata("tokenizer.chat_template")

    # Text and tokens.

    @property
    def bos(self) -> int:
        """The token that begins every text, or -1 if this model has none or wants none."""
        return int(C.llama_vocab_bos(self.vocab)) if C.llama_vocab_get_add_bos(self.vocab) else -1

    def tokenize(self, text: str, *, special: bool = False, whole: bool = False) -> list[int]:
        """Tokenize ``text``.

        Safe to call from another thread while the model computes.

        Args:
            text: The text.
            special: Whether special tokens such as ``<eos>`` are recognized in it.
            whole: Whether to add the tokens with which the model wants a text to begin and end.
        """
        data = text.encode("utf-8", "replace")
        room = len(data) + 16
        while True:
            buffer = (C.llama_token * room)()
            count = C.llama_tokenize(self.vocab, data, len(data), buffer, room, whole, special)
            if count >= 0:
                return list(buffer[:count])
            room = -count

    def piece(self, token: int) -> bytes:
        """Return the bytes that ``token`` adds to a text; special tokens add none."""
        if token not in self._pieces:
            self._pieces[token] = self._piece(token, special=False)
        return self._pieces[token]

    def piece_with_special(self, token: int) -> bytes:
        """Return the bytes of ``token`` in grammars and chat templates, where special tokens have some too."""
        return self._piece(token, special=True)

    def pieces_with_special(self) -> Iterator[bytes]:
        """Yield :meth:`piece_with_special` of every token, in order; faster than one call for each."""
        buffer = ctypes.create_string_buffer(1024)
        for token in range(self.n_vocab):
            length = C.llama_token_to_piece(self.vocab, token, buffer, len(buffer), 0, True)
            yield ctypes.string_at(buffer, length) if length >= 0 else self.piece_with_special(token)

    def special_text(self, token: int) -> str:
        """Return how a special token is written in a chat template; empty for -1."""
        return self.piece_with_special(token).decode("utf-8", "replace") if token >= 0 else ""

    def _piece(self, token: int, *, special: bool) -> bytes:
        size = 64
        while True:
            buffer = ctypes.create_string_buffer(size)
            length = C.llama_token_to_piece(self.vocab, token, buffer, size, 0, special)
            if length >= 0:
                return buffer.raw[:length]
            size = -length

    @cached_property
    def prefix_index(self) -> TokenPrefixIndex:
        """The vocabulary indexed by prefixes, for grammars; built at the first use."""
        pieces = enumerate(self.pieces_with_special())
        return TokenPrefixIndex(b"" if self.is_end(token) else piece for token, piece in pieces)

    def is_end(self, token: int) -> bool:
        """Whether ``token`` ends a completion."""
        return bool(C.llama_vocab_is_eog(self.vocab, token))

    def is_special(self, token: int) -> bool:
        """Whether ``token`` is a special token, which no plain text may contain by accident."""
        return bool(C.llama_vocab_get_attr(self.vocab, token) & _SPECIAL)

    def _find_special_tokens(self) -> tuple[Sequence[int], Sequence[int]]:
        """Find the end tokens and the media tokens."""
        end_tokens, media_tokens = [], []
        for token in range(self.n_vocab):
            attributes = C.llama_vocab_get_attr(self.vocab, token)
            if attributes & _SPECIAL and self.is_end(token):
                end_tokens.append(token)
            if attributes & C.LLAMA_TOKEN_ATTR_USER_DEFINED and _MEDIA.fullmatch(self.piece_with_special(token)):
                media_tokens.append(token)
        return end_tokens, media_tokens

    def strips(self, token: int) -> tuple[bool, bool]:
        """Return whether a special token strips the white space before it, and after it."""
        attributes = C.llama_vocab_get_attr(self.vocab, token)
        return bool(attributes & C.LLAMA_TOKEN_ATTR_LSTRIP), bool(attributes & C.LLAMA_TOKEN_ATTR_RSTRIP)

    @cached_property
    def eos_text(self) -> str:
        """How a chat template writes the end-of-text token."""
        return self.special_text(int(C.llama_vocab_eos(self.vocab)))

    @cached_property
    def bos_text(self) -> str:
        """How a chat template writes the beginning-of-text token."""
        return self.special_text(int(C.llama_vocab_bos(self.vocab)))


class Batch:
    """The tokens of one computation, of one or several sequences. Free it with :meth:`close`.

    Args:
        size: How many tokens it holds.
    """

    def __init__(self, size: int) -> None:
        self._batch = C.llama_batch_init(size, 0, 1)

    def close(self) -> None:
        """Free the batch."""
        C.llama_batch_free(self._batch)

    def clear(self) -> None:
        """Remove all tokens."""
        self._batch.n_tokens = 0

    def add(self, tokens: Sequence[int], position: int, sequence: int, *, logits: int) -> int:
        """Add tokens.

        Args:
            tokens: The tokens.
            position: The position of the first one in its sequence.
            sequence: The number of the sequence.
            logits: For how many of the last ones logits are computed.

        Returns:
            The index of the first of those logits.
        """
        batch = self._batch
        at = int(batch.n_tokens)
        for offset, token in enumerate(tokens):
            index = at + offset
            batch.token[index] = token
            batch.pos[index] = position + offset
            batch.n_seq_id[index] = 1
            batch.seq_id[index][0] = sequence
            batch.logits[index] = offset >= len(tokens) - logits
        batch.n_tokens = at + len(tokens)
        return int(batch.n_tokens) - logits

    def decode(self, context: Any) -> int:
        """Compute the batch.

        Returns:
            0: done, 1: no room in the KV cache, 2: aborted, below 0: failed.
        """
        return int(C.llama_decode(context, self._batch))
