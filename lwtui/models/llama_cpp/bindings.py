"""llama.cpp's model and vocabulary, and the few calls of its C interface that the engine makes.

Only the model process imports this module: a fault in native code ends that process and nothing else.
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

_ERROR, _CONTINUED = 4, 5  # ggml's levels
_GPU, _INTEGRATED_GPU = 1, 2  # ggml's kinds of devices
_HIDDEN = C.LLAMA_TOKEN_ATTR_CONTROL | C.LLAMA_TOKEN_ATTR_UNKNOWN
_CALLBACKS: list[Any] = []  # llama.cpp may call them until the process ends, so they are never let go
_MEDIA = re.compile(rb"[<\[]\|?\w*(?:image|audio|video|multimodal)\w*\|?[>\]]")


class LoadError(Exception):
    """llama.cpp cannot open a model or make room for it; the text is its own reason."""


class NativeLog:
    """The last lines that llama.cpp logged. Nothing of them reaches the terminal."""

    def __init__(self, most_lines: int = 200) -> None:
        self._lines: deque[tuple[int, str]] = deque(maxlen=most_lines)
        self._level = 0
        _CALLBACKS.append(C.llama_log_callback(self._add))
        C.llama_log_set(_CALLBACKS[-1], ctypes.c_void_p(0))

    def _add(self, level: int, text: bytes | None, _: Any) -> None:
        line = (text or b"").decode("utf-8", "replace").rstrip("\n")
        if level == _CONTINUED:
            level = self._level
        self._level = level
        if line.strip(" ."):
            self._lines.append((level, line))

    def clear(self) -> None:
        self._lines.clear()

    def first_error(self) -> str:
        """The first error since :meth:`clear`: later ones only say that something failed because of it."""
        return next((_without_function(line) for level, line in self._lines if level == _ERROR), "")


def _without_function(line: str) -> str:
    """``llama_model_load: error loading model: why`` → ``why``."""
    for prefix in ("llama_model_load: ", "llama_model_load_from_file_impl: ", "error loading model: "):
        line = line.removeprefix(prefix)
    name, colon, rest = line.partition(": ")
    return rest if colon and " " not in name else line


@contextmanager
def printed_errors() -> Iterator[list[str]]:
    """Collect what native code prints to standard error, where it has no better way to say what is wrong."""
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
    """The GPUs that llama.cpp can compute on."""
    if not C.llama_supports_gpu_offload():
        return ()
    C.llama_backend_init()
    ggml = ctypes.CDLL(next(map(str, sorted(Path(C.__file__).parent.glob("lib/*ggml.*")))))
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
    """An open model: its metadata and its vocabulary. Raises :class:`LoadError`."""

    def __init__(self, path: str, log: NativeLog, gpu_layers: int = 0) -> None:
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
            raise LoadError("it is not a model that writes text")
        self._pieces: dict[int, bytes] = {}
        # Looked for now, not while somebody waits for a first token.
        self.ends_of_answers, self.media_marks = self._special_tokens()

    def close(self) -> None:
        C.llama_model_free(self.model)

    @property
    def trained_length(self) -> int:
        """The context length the model was trained for, in tokens."""
        return int(C.llama_model_n_ctx_train(self.model))

    @property
    def description(self) -> str:
        """Architecture, size and quantisation in a few words."""
        buffer = ctypes.create_string_buffer(256)
        C.llama_model_desc(self.model, buffer, len(buffer))
        return buffer.value.decode("utf-8", "replace")

    def meta(self, key: str) -> str:
        """A value of the GGUF's metadata as text; empty if it is not there."""
        size = 256
        while True:
            buffer = ctypes.create_string_buffer(size)
            length = C.llama_model_meta_val_str(self.model, key.encode(), buffer, size)
            if length < size:
                return buffer.value.decode("utf-8", "replace") if length >= 0 else ""
            size = length + 1

    @property
    def chat_template(self) -> str:
        return self.meta("tokenizer.chat_template")

    # Text and tokens.

    @property
    def bos(self) -> int:
        """The token that begins every text, or -1 if this model has none or wants none."""
        return int(C.llama_vocab_bos(self.vocab)) if C.llama_vocab_get_add_bos(self.vocab) else -1

    def tokens(self, text: str, *, special: bool = False) -> list[int]:
        """The tokens of ``text``, without a beginning token. With ``special``, marks such as ``<eos>`` in it count.

        Safe to call from another thread while the model computes.
        """
        data = text.encode("utf-8", "replace")
        room = len(data) + 16
        while True:
            buffer = (C.llama_token * room)()
            count = C.llama_tokenize(self.vocab, data, len(data), buffer, room, False, special)
            if count >= 0:
                return list(buffer[:count])
            room = -count

    def piece(self, token: int) -> bytes:
        """The bytes that ``token`` adds to a text; control tokens add none."""
        if token not in self._pieces:
            self._pieces[token] = self._piece(token, special=False)
        return self._pieces[token]

    def text(self, token: int) -> bytes:
        """The bytes that stand for ``token`` in a grammar and in a chat template; control tokens have some too."""
        return self._piece(token, special=True)

    def texts(self) -> Iterator[bytes]:
        """:meth:`text` of every token, in order; quicker than one by one."""
        buffer = ctypes.create_string_buffer(1024)
        for token in range(self.n_vocab):
            length = C.llama_token_to_piece(self.vocab, token, buffer, len(buffer), 0, True)
            yield ctypes.string_at(buffer, length) if length >= 0 else self.text(token)

    def mark(self, token: int) -> str:
        """How a token is written in a chat template; empty for -1."""
        return self.text(token).decode("utf-8", "replace") if token >= 0 else ""

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
        """The vocabulary by the beginnings of its tokens, for grammars; made when it is first asked for."""
        return TokenPrefixIndex(b"" if self.ends(token) else text for token, text in enumerate(self.texts()))

    def ends(self, token: int) -> bool:
        """Whether ``token`` ends an answer."""
        return bool(C.llama_vocab_is_eog(self.vocab, token))

    def is_hidden(self, token: int) -> bool:
        """Whether ``token`` is a mark with a meaning of its own, which no text may contain by accident."""
        return bool(C.llama_vocab_get_attr(self.vocab, token) & _HIDDEN)

    def _special_tokens(self) -> tuple[Sequence[int], Sequence[int]]:
        """The tokens that end an answer, and those that stand for pictures or sound, which a text has no use for."""
        ends, media = [], []
        for token in range(self.n_vocab):
            attributes = C.llama_vocab_get_attr(self.vocab, token)
            if attributes & _HIDDEN and self.ends(token):
                ends.append(token)
            if attributes & C.LLAMA_TOKEN_ATTR_USER_DEFINED and _MEDIA.fullmatch(self.text(token)):
                media.append(token)
        return ends, media

    def strips(self, token: int) -> tuple[bool, bool]:
        """Whether white space before and after this mark is not part of the text."""
        attributes = C.llama_vocab_get_attr(self.vocab, token)
        return bool(attributes & C.LLAMA_TOKEN_ATTR_LSTRIP), bool(attributes & C.LLAMA_TOKEN_ATTR_RSTRIP)

    @cached_property
    def end_mark(self) -> str:
        return self.mark(int(C.llama_vocab_eos(self.vocab)))

    @cached_property
    def begin_mark(self) -> str:
        return self.mark(int(C.llama_vocab_bos(self.vocab)))


class Batch:
    """Room for the tokens of one computation, of one or several sequences."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._batch = C.llama_batch_init(size, 0, 1)

    def close(self) -> None:
        C.llama_batch_free(self._batch)

    def clear(self) -> None:
        self._batch.n_tokens = 0

    @property
    def room(self) -> int:
        return self.size - int(self._batch.n_tokens)

    def add(self, tokens: Sequence[int], position: int, sequence: int, *, answer: bool) -> int:
        """Add tokens from ``position`` on; with ``answer``, the last one is asked what comes next.

        Returns the index at which that answer will be found.
        """
        batch = self._batch
        at = int(batch.n_tokens)
        for offset, token in enumerate(tokens):
            index = at + offset
            batch.token[index] = token
            batch.pos[index] = position + offset
            batch.n_seq_id[index] = 1
            batch.seq_id[index][0] = sequence
            batch.logits[index] = 0
        batch.n_tokens = at + len(tokens)
        batch.logits[batch.n_tokens - 1] = answer
        return int(batch.n_tokens) - 1

    def decode(self, context: Any) -> int:
        """Compute. 0: done, 1: no room, 2: aborted, below 0: failed."""
        return int(C.llama_decode(context, self._batch))
