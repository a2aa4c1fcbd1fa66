"""Makes vectors of texts with a GGUF: of a model that is made for it, or of any other by the mean over its tokens."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from typing import Any

import llama_cpp.llama_cpp as C
import numpy as np

from lwtui.models.llama_cpp.bindings import Batch, Gguf, LoadError, NativeLog
from lwtui.models.llama_cpp.fit import Fit
from lwtui.models.llama_cpp.loading import CallRefused
from lwtui.models.llama_cpp.turns import Turns
from lwtui.translation import _

CONTEXT = 1024  # tokens that are computed at once, of one text or several; passages have a few hundred
MAX_SEQUENCES = 16  # texts that are computed at once


class EmbeddingError(Exception):
    """The vectors cannot be computed; ``str`` says why."""


class EmbeddingEngine:
    """A loaded model that makes vectors. Free it with :meth:`close`.

    Args:
        path: The GGUF.
        fit: How to load it, with a context and a batch of :data:`CONTEXT` tokens.
        log: llama.cpp's log.
        turns: Shared with other processes that compute on this machine.

    Raises:
        LoadError: The model cannot be loaded.
        CallRefused: It is made for something else.
    """

    def __init__(self, path: str, fit: Fit, log: NativeLog, turns: Turns | None = None) -> None:
        self._gguf = Gguf(path, log, fit.gpu_layers, writes=False)
        self._log, self._fit, self._turns = log, fit, turns
        self._context = self._open()
        pooling = C.llama_pooling_type(self._context)
        self._has_pooling = pooling != C.LLAMA_POOLING_TYPE_NONE
        if pooling == C.LLAMA_POOLING_TYPE_RANK:
            self.close()
            message = _("{path} ranks passages and makes no embeddings. Name another model.", path=path)
            raise CallRefused(message, "refused")
        self._size = int(C.llama_model_n_embd_out(self._gguf.model))
        self._batch = Batch(CONTEXT)
        # A model that was not made for this has no pooling of its own: the mean over the tokens serves best.
        bos = self._gguf.bos
        self._start = [bos] if bos >= 0 else self._gguf.tokenize("\n")[:1]
        trained = self._gguf.training_context
        self._most_tokens = min(CONTEXT, trained) if trained > 0 else CONTEXT

    def _open(self) -> Any:
        params = C.llama_context_default_params()
        params.n_ctx = params.n_batch = params.n_ubatch = params.n_outputs_max = CONTEXT  # a text is computed at once
        params.n_seq_max = MAX_SEQUENCES
        params.kv_unified = True
        params.n_threads = params.n_threads_batch = self._fit.threads
        params.embeddings = True
        params.no_perf = True
        self._log.clear()
        context = C.llama_init_from_model(self._gguf.model, params)
        if not context:
            self._gguf.close()
            raise LoadError(self._log.first_error())
        return context

    def close(self) -> None:
        """Free the memory; the engine cannot be used afterwards."""
        C.llama_free(self._context)
        self._gguf.close()

    def embed(self, texts: Sequence[str]) -> tuple[list[np.ndarray], int]:
        """Return the vector of each text, and how many tokens were computed. A long text counts by its beginning.

        Raises:
            EmbeddingError: llama.cpp cannot compute them.
        """
        tokens = [self._tokens(text) for text in texts]
        vectors = [vector for group in _groups(tokens) for vector in self._compute(group)]
        return vectors, sum(map(len, tokens))

    def _tokens(self, text: str) -> list[int]:
        tokens = self._gguf.tokenize(text, whole=True)
        if not self._has_pooling:
            tokens = self._start + tokens[1 if tokens[:1] == self._start else 0 :]
        if len(tokens) <= (0 if self._has_pooling else 1):
            raise EmbeddingError(_("a text has no tokens"))
        if len(tokens) <= self._most_tokens:
            return tokens
        # Some models read the whole text from its last token, the one that ends it.
        end = tokens[-1:] if self._gguf.is_special(tokens[-1]) else tokens[self._most_tokens - 1 : self._most_tokens]
        return tokens[: self._most_tokens - 1] + end

    def _compute(self, group: Sequence[Sequence[int]]) -> list[np.ndarray]:
        self._batch.clear()
        if memory := C.llama_get_memory(self._context):
            C.llama_memory_clear(memory, True)
        for number, tokens in enumerate(group):
            self._batch.add(tokens, 0, number, logits=len(tokens))
        self._log.clear()
        with self._turns.turn(lambda: False) if self._turns else nullcontext():
            result = self._batch.decode(self._context)
        if result:
            raise EmbeddingError(self._log.first_error() or _("llama_decode returned {result}", result=result))
        if self._has_pooling:
            return [self._pooled(number) for number in range(len(group))]
        return self._means([len(tokens) for tokens in group])

    def _pooled(self, number: int) -> np.ndarray:
        found = C.llama_get_embeddings_seq(self._context, number)
        if not found:
            raise EmbeddingError(_("llama.cpp gives no vector"))
        return np.ctypeslib.as_array(found, (self._size,)).astype("<f4")

    def _means(self, lengths: Sequence[int]) -> list[np.ndarray]:
        """Return the mean over the tokens of each text, but the first: that one attends to nothing but itself.

        What a model makes of a first token is large and says nothing of the text.
        """
        found = C.llama_get_embeddings(self._context)
        if not found:
            raise EmbeddingError(_("llama.cpp gives no vector"))
        rows = np.ctypeslib.as_array(found, (sum(lengths), self._size))
        ends = np.cumsum(lengths)
        return [
            rows[end - length + 1 : end].mean(axis=0).astype("<f4") for end, length in zip(ends, lengths, strict=True)
        ]


def _groups(texts: Sequence[list[int]]) -> Iterator[list[list[int]]]:
    """Yield texts in groups that are computed at once."""
    group: list[list[int]] = []
    for tokens in texts:
        if group and (len(group) == MAX_SEQUENCES or sum(map(len, group)) + len(tokens) > CONTEXT):
            yield group
            group = []
        group.append(tokens)
    if group:
        yield group
