"""Samples the next token: a chain of llama.cpp's samplers, and a grammar that is asked about as few tokens as possible.

To mask the vocabulary, a grammar has to check every token, which takes several times as long as the model itself. So a
token is sampled freely first. Only if the grammar rejects it are the likeliest tokens masked, and the others only if
that leaves too few.
"""

from __future__ import annotations

import ctypes
import math
import secrets
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import llama_cpp.llama_cpp as C
import numpy as np

from lwtui.models.llama_cpp.bindings import Gguf, NativeLog, captured_stderr
from lwtui.translation import _

# llama.cpp's own defaults, for the options that a request leaves open.
_DEFAULTS = {
    "temperature": 0.8,
    "top_p": 0.95,
    "top_k": 40,
    "min_p": 0.05,
    "repeat_penalty": 1.0,
    "frequency_penalty": 0.0,
    "presence_penalty": 0.0,
    "dry_multiplier": 0.0,
    "dry_base": 1.75,
    "dry_allowed_length": 2,
    "xtc_probability": 0.0,
    "xtc_threshold": 0.1,
}
_PENALTY_WINDOW = 64  # tokens that the penalties look back on
_DRY_WINDOW = 1024  # tokens in which DRY looks for repetitions
_DRY_BREAKERS = ("\n", ":", '"', "*", "#")  # no repetition extends across these
_EXTRA_CANDIDATES = _PENALTY_WINDOW  # beyond top_k: penalties may push this many of the likeliest tokens back
_NEAR = 10.0  # tokens whose logits are within this distance of the best are masked first
_FAR = 15.0  # a token whose logit is this far below the best can be left out: e^-15 of the best one's probability
_PENALTY = 3.0  # roughly how far penalties may lower the best logit

_CANDIDATE = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])
_SIZE = _CANDIDATE.itemsize


class GrammarError(Exception):
    """A grammar is not valid GBNF; ``str`` says why."""


class Sampler:
    """Samples the tokens of one completion. Free it with :meth:`close`.

    Args:
        gguf: The model.
        log: llama.cpp's log.
        sampling: Options with the names of the fields of :class:`lwtui.models.base.Sampling`.
        seed: Makes sampling repeatable; ``None`` draws a random seed.
        grammar: A GBNF grammar; empty for none.
        measures: Whether to measure the entropy of each token, unless there is a grammar.

    Attributes:
        entropy: That of the distribution which the last token was sampled from, in nats; 0.0 if it is not measured.

    Raises:
        GrammarError: The grammar is invalid.
    """

    def __init__(
        self,
        gguf: Gguf,
        log: NativeLog,
        sampling: Mapping[str, Any],
        seed: int | None,
        grammar: str = "",
        *,
        measures: bool = False,
    ) -> None:
        self.entropy = 0.0
        self._measures = measures
        self._gguf = gguf
        self._values = _DEFAULTS | {name: value for name, value in sampling.items() if name != "logit_bias"}
        self._zero_logits = np.broadcast_to(np.float32(0), gguf.n_vocab)  # for checks that need no logits
        self._biases = _biases(gguf, sampling.get("logit_bias") or {})
        self._grammar = _compile_grammar(gguf, log, grammar) if grammar else None
        self._context: Any = None
        self._index = 0
        self._logits: Any = None
        self._chain = self._build_chain(secrets.randbits(31) if seed is None else seed % C.LLAMA_DEFAULT_SEED)

    def _build_chain(self, seed: int) -> Any:
        values = self._values
        penalties = self._penalties()
        if values["temperature"] <= 0:
            samplers = [*penalties, C.llama_sampler_init_greedy()]
        else:
            top_k = int(values["top_k"])
            # The penalties check every remaining token, so most of a large vocabulary is dropped before them.
            preselection = [C.llama_sampler_init_top_k(top_k + _EXTRA_CANDIDATES)] if penalties and top_k > 0 else []
            samplers = [
                *preselection,
                *penalties,
                C.llama_sampler_init_top_k(top_k),
                C.llama_sampler_init_top_p(values["top_p"], 1),
                C.llama_sampler_init_min_p(values["min_p"], 1),
            ]
            if values["xtc_probability"] > 0:
                samplers.append(C.llama_sampler_init_xtc(values["xtc_probability"], values["xtc_threshold"], 1, seed))
            samplers += [C.llama_sampler_init_temp(values["temperature"]), C.llama_sampler_init_dist(seed)]
        chain = C.llama_sampler_chain_init(C.llama_sampler_chain_default_params())
        for sampler in samplers:
            C.llama_sampler_chain_add(chain, sampler)
        return chain

    def _penalties(self) -> list[Any]:
        values = self._values
        repeat = values["repeat_penalty"] if values["repeat_penalty"] > 0 else 1.0
        frequency, presence = values["frequency_penalty"], values["presence_penalty"]
        samplers = []
        if repeat != 1.0 or frequency or presence:
            size = self._gguf.n_vocab
            samplers.append(C.llama_sampler_init_penalties(size, _PENALTY_WINDOW, repeat, frequency, presence))
        if values["dry_multiplier"] > 0:
            breakers = (ctypes.c_char_p * len(_DRY_BREAKERS))(*(breaker.encode() for breaker in _DRY_BREAKERS))
            samplers.append(
                C.llama_sampler_init_dry(
                    self._gguf.vocab,
                    values["dry_multiplier"],
                    values["dry_base"],
                    int(values["dry_allowed_length"]),
                    _DRY_WINDOW,
                    breakers,
                    len(breakers),
                )
            )
        return samplers

    def accept_earlier(self, tokens: Sequence[int]) -> None:
        """Show the end of earlier text to the penalties, so that it and the completion are one text to them."""
        for token in tokens[-(_DRY_WINDOW if self._values["dry_multiplier"] > 0 else _PENALTY_WINDOW) :]:
            C.llama_sampler_accept(self._chain, token)

    def load_logits(self, context: Any, index: int) -> None:
        """Load the logits at ``index`` of the last batch for :meth:`sample`."""
        self._context, self._index = context, index
        self._logits = C.llama_get_logits_ith(context, index)
        for token, bias in self._biases.items():
            self._logits[token] += bias
        self.ban(self._gguf.media_tokens)

    def ban(self, tokens: Iterable[int]) -> None:
        """Exclude ``tokens`` from the logits that are loaded."""
        for token in tokens:
            self._logits[token] = -math.inf

    def sample(self) -> int:
        """Sample the next token.

        Raises:
            ArithmeticError: The logits are not numbers, or the grammar allows no token.
        """
        if self._grammar is None and self._measures:
            return self._sample_measured()
        if self._grammar is None:
            token = int(C.llama_sampler_sample(self._chain, self._context, self._index))
            _check_logit(float(self._logits[token]))
            return token
        token = self._sample_constrained(np.ctypeslib.as_array(self._logits, (self._gguf.n_vocab,)))
        self.accept(token)
        return token

    def _sample_measured(self) -> int:
        """Sample as llama.cpp does, and measure what is left of the candidates at the end of the chain."""
        logits = np.ctypeslib.as_array(self._logits, (self._gguf.n_vocab,))
        candidates = np.empty(len(logits), _CANDIDATE)
        candidates["id"] = np.arange(len(logits), dtype=np.int32)
        candidates["logit"] = logits
        array = _as_array(candidates)
        C.llama_sampler_apply(self._chain, ctypes.byref(array))
        token = int(array.data[array.selected].id)
        _check_logit(float(logits[token]))
        left = np.ctypeslib.as_array(ctypes.cast(array.data, ctypes.POINTER(ctypes.c_byte)), (array.size * _SIZE,))
        self.entropy = _entropy(np.frombuffer(left, _CANDIDATE)["logit"])
        self.accept(token)
        return token

    def accept(self, token: int) -> None:
        """Record ``token`` as the next one of the completion."""
        C.llama_sampler_accept(self._chain, token)
        if self._grammar is not None:
            C.llama_sampler_accept(self._grammar, token)

    def allowed(self, tokens: np.ndarray) -> np.ndarray:
        """Return those of ``tokens`` (shape ``(n,)``) that the grammar allows next."""
        return self._apply_grammar(_candidates(tokens, self._zero_logits))["id"]

    def _sample_constrained(self, logits: np.ndarray) -> int:
        candidates = np.empty(len(logits), _CANDIDATE)
        candidates["id"] = np.arange(len(logits), dtype=np.int32)
        candidates["logit"] = logits
        token = _apply_chain(self._chain, candidates)
        _check_logit(float(logits[token]))
        if len(self._apply_grammar(np.array([(token, 1.0, 0.0)], _CANDIDATE))):
            return token
        threshold = float(logits.max()) - _NEAR
        allowed = self._apply_grammar(_candidates(np.flatnonzero(logits >= threshold), logits))
        if not len(allowed) or not self._is_enough(allowed, threshold):
            possible = self._gguf.prefix_index.narrow(self.allowed)
            allowed = self._apply_grammar(_candidates(possible, logits))
        if not len(allowed):
            raise ArithmeticError(_("the grammar allows no token here"))
        return _apply_chain(self._chain, allowed)

    def _is_enough(self, allowed: np.ndarray, threshold: float) -> bool:
        """Whether tokens with logits below ``threshold`` would be irrelevant beside the ``allowed`` ones."""
        values = self._values
        if values["temperature"] <= 0 or len(allowed) >= values["top_k"] > 0:
            return True
        reach = _FAR if values["min_p"] <= 0 else _PENALTY - math.log(values["min_p"])
        return threshold < float(allowed["logit"].max()) - reach

    def _apply_grammar(self, candidates: np.ndarray) -> np.ndarray:
        """Return the ``candidates`` that the grammar allows next."""
        array = _as_array(candidates)
        C.llama_sampler_apply(self._grammar, ctypes.byref(array))
        return candidates[candidates["logit"] > -np.inf]

    def close(self) -> None:
        """Free the native samplers; this one cannot be used afterwards."""
        C.llama_sampler_free(self._chain)
        if self._grammar is not None:
            C.llama_sampler_free(self._grammar)


def _compile_grammar(gguf: Gguf, log: NativeLog, text: str) -> Any:
    log.clear()
    with captured_stderr() as lines:
        grammar = C.llama_sampler_init_grammar(gguf.vocab, text.encode("utf-8", "replace"), b"root")
    if not grammar:
        reason = lines[0].removeprefix("parse: error parsing grammar: ") if lines else log.first_error()
        raise GrammarError(reason or _("llama.cpp does not say why"))
    return grammar


def _biases(gguf: Gguf, logit_bias: Mapping[str, float]) -> dict[int, float]:
    """Map token ids to the numbers added to their logits. A key is a token id, or text that is one token."""
    biases: dict[int, float] = {}
    for key, bias in logit_bias.items():
        tokens = [int(key)] if key.isdecimal() else _single_tokens(gguf, key)
        biases |= {token: float(bias) for token in tokens if 0 <= token < gguf.n_vocab}
    return biases


def _single_tokens(gguf: Gguf, text: str) -> list[int]:
    """Return the tokens that consist of ``text`` alone, within a word and at its beginning."""
    tokenized = (gguf.tokenize(variant) for variant in (text, f" {text}"))
    return [tokens[0] for tokens in tokenized if len(tokens) == 1]


def _candidates(ids: np.ndarray, logits: np.ndarray) -> np.ndarray:
    candidates = np.zeros(len(ids), _CANDIDATE)
    candidates["id"] = ids
    candidates["logit"] = logits[ids]
    return candidates


def _as_array(candidates: np.ndarray) -> Any:
    data = ctypes.cast(candidates.ctypes.data, C.llama_token_data_p)
    return C.llama_token_data_array(data, len(candidates), -1, False)


def _apply_chain(chain: Any, candidates: np.ndarray) -> int:
    """Return the token that the chain selects. Changes the order of ``candidates``."""
    array = _as_array(candidates)
    C.llama_sampler_apply(chain, ctypes.byref(array))
    return int(array.data[array.selected].id)


def _entropy(logits: np.ndarray) -> float:
    """Return the entropy of the softmax of ``logits``, shape ``(n,)``, in nats."""
    weights = np.exp(logits - logits.max())
    total = float(weights.sum())
    shares = weights[weights > 0] / total
    return float(-(shares * np.log(shares)).sum())


def _check_logit(logit: float) -> None:
    if not np.isfinite(logit):
        raise ArithmeticError(_("the model computed values that are not numbers"))
