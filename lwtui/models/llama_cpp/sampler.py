"""Drawing the next token: a chain of samplers in C, and a grammar that is asked only about what was drawn.

A grammar has to look at every token of the vocabulary to mask it, which takes several times as long as the model
itself. So a token is drawn freely first; only where the grammar refuses it are the likeliest tokens masked, and the
others only if that leaves too few.
"""

from __future__ import annotations

import ctypes
import math
import secrets
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import llama_cpp.llama_cpp as C
import numpy as np

from lwtui.models.llama_cpp.bindings import Gguf, NativeLog, printed_errors

# What is used where a request leaves a value open: llama.cpp's own defaults.
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
_LOOK_BACK = 64  # tokens that the penalties look back on
_DRY_LOOK_BACK = 1024  # tokens in which DRY looks for what is about to be said again
_DRY_BREAKERS = ("\n", ":", '"', "*", "#")  # a repetition does not reach over these
_SPARE = _LOOK_BACK  # more tokens than top_k takes: so many of the likeliest may fall behind others by penalties
_NEAR = 10.0  # tokens whose logits are within this of the best one's are masked first
_FAR = 15.0  # a logit that is lower by this can be left out: e^-15 of the best one's probability
_PENALTY = 3.0  # by how much penalties may lower the best logit, about

_CANDIDATE = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])


class GrammarError(Exception):
    """The text of a grammar is not GBNF; says why."""


class Sampler:
    """Draws the tokens of one answer. Free it with :meth:`close`."""

    def __init__(
        self, gguf: Gguf, log: NativeLog, sampling: Mapping[str, Any], seed: int | None, grammar: str = ""
    ) -> None:
        """Without a ``seed`` each answer is another one. Raises :class:`GrammarError`.

        ``sampling`` has the fields of :class:`lwtui.models.base.Sampling`.
        """
        self._gguf = gguf
        self._values = _DEFAULTS | {name: value for name, value in sampling.items() if name != "logit_bias"}
        self._even = np.broadcast_to(np.float32(0), gguf.n_vocab)  # logits where they do not matter
        self._biases = _biases(gguf, sampling.get("logit_bias") or {})
        self._grammar = _grammar(gguf, log, grammar) if grammar else None
        self._context: Any = None
        self._index = 0
        self._logits: Any = None
        self._chain = self._build(secrets.randbits(31) if seed is None else seed % C.LLAMA_DEFAULT_SEED)

    def _build(self, seed: int) -> Any:
        values = self._values
        penalties = self._penalties()
        if values["temperature"] <= 0:
            parts = [*penalties, C.llama_sampler_init_greedy()]
        else:
            top_k = int(values["top_k"])
            # The penalties look at each token that is left, so most of a large vocabulary goes before them.
            fewer = [C.llama_sampler_init_top_k(top_k + _SPARE)] if penalties and top_k > 0 else []
            parts = [
                *fewer,
                *penalties,
                C.llama_sampler_init_top_k(top_k),
                C.llama_sampler_init_top_p(values["top_p"], 1),
                C.llama_sampler_init_min_p(values["min_p"], 1),
            ]
            if values["xtc_probability"] > 0:
                parts.append(C.llama_sampler_init_xtc(values["xtc_probability"], values["xtc_threshold"], 1, seed))
            parts += [C.llama_sampler_init_temp(values["temperature"]), C.llama_sampler_init_dist(seed)]
        chain = C.llama_sampler_chain_init(C.llama_sampler_chain_default_params())
        for part in parts:
            C.llama_sampler_chain_add(chain, part)
        return chain

    def _penalties(self) -> list[Any]:
        values = self._values
        repeat = values["repeat_penalty"] if values["repeat_penalty"] > 0 else 1.0
        frequency, presence = values["frequency_penalty"], values["presence_penalty"]
        parts = []
        if repeat != 1.0 or frequency or presence:
            size = self._gguf.n_vocab
            parts.append(C.llama_sampler_init_penalties(size, _LOOK_BACK, repeat, frequency, presence))
        if values["dry_multiplier"] > 0:
            breakers = (ctypes.c_char_p * len(_DRY_BREAKERS))(*(one.encode() for one in _DRY_BREAKERS))
            parts.append(
                C.llama_sampler_init_dry(
                    self._gguf.vocab,
                    values["dry_multiplier"],
                    values["dry_base"],
                    int(values["dry_allowed_length"]),
                    _DRY_LOOK_BACK,
                    breakers,
                    len(breakers),
                )
            )
        return parts

    def read(self, prompt: Sequence[int]) -> None:
        """Let the penalties know the end of the prompt, so that a text that is continued is one text to them."""
        for token in prompt[-(_DRY_LOOK_BACK if self._values["dry_multiplier"] > 0 else _LOOK_BACK) :]:
            C.llama_sampler_accept(self._chain, token)

    def look(self, context: Any, index: int) -> None:
        """Take the logits at ``index`` of the last batch for those to draw from."""
        self._context, self._index = context, index
        self._logits = C.llama_get_logits_ith(context, index)
        for token, bias in self._biases.items():
            self._logits[token] += bias
        self.refuse(self._gguf.media_marks)

    def refuse(self, tokens: Iterable[int]) -> None:
        """None of ``tokens`` is to be drawn from these logits."""
        for token in tokens:
            self._logits[token] = -math.inf

    def draw(self) -> int:
        """The next token. Raises :class:`ArithmeticError` for logits that are no numbers."""
        if self._grammar is None:
            token = int(C.llama_sampler_sample(self._chain, self._context, self._index))
            _check(float(self._logits[token]))
            return token
        token = self._constrained(np.ctypeslib.as_array(self._logits, (self._gguf.n_vocab,)))
        self.accept(token)
        return token

    def accept(self, token: int) -> None:
        """Take ``token`` for the next one of the answer."""
        C.llama_sampler_accept(self._chain, token)
        if self._grammar is not None:
            C.llama_sampler_accept(self._grammar, token)

    def allowed(self, tokens: np.ndarray) -> np.ndarray:
        """Those of ``tokens`` that the grammar allows next."""
        return self._masked(_candidates(tokens, self._even))["id"]

    def _constrained(self, logits: np.ndarray) -> int:
        candidates = np.empty(len(logits), _CANDIDATE)
        candidates["id"] = np.arange(len(logits), dtype=np.int32)
        candidates["logit"] = logits
        token = _apply(self._chain, candidates)
        _check(float(logits[token]))
        if len(self._masked(np.array([(token, 1.0, 0.0)], _CANDIDATE))):
            return token
        least = float(logits.max()) - _NEAR
        allowed = self._masked(_candidates(np.flatnonzero(logits >= least), logits))
        if not len(allowed) or not self._are_enough(allowed, least):
            possible = self._gguf.prefix_index.narrowed(self.allowed)
            allowed = self._masked(_candidates(possible, logits))
        if not len(allowed):
            raise ArithmeticError("the grammar allows no token here")
        return _apply(self._chain, allowed)

    def _are_enough(self, allowed: np.ndarray, rest: float) -> bool:
        """Whether tokens whose logits are at most ``rest`` would play no part beside those in ``allowed``."""
        values = self._values
        if values["temperature"] <= 0 or len(allowed) >= values["top_k"] > 0:
            return True
        reach = _FAR if values["min_p"] <= 0 else _PENALTY - math.log(values["min_p"])
        return rest < float(allowed["logit"].max()) - reach

    def _masked(self, candidates: np.ndarray) -> np.ndarray:
        """Those of ``candidates`` that the grammar allows as the next token."""
        array = _as_array(candidates)
        C.llama_sampler_apply(self._grammar, ctypes.byref(array))
        return candidates[candidates["logit"] > -np.inf]

    def close(self) -> None:
        """Free the native parts; the sampler is of no use afterwards."""
        C.llama_sampler_free(self._chain)
        if self._grammar is not None:
            C.llama_sampler_free(self._grammar)


def _grammar(gguf: Gguf, log: NativeLog, text: str) -> Any:
    log.clear()
    with printed_errors() as printed:
        grammar = C.llama_sampler_init_grammar(gguf.vocab, text.encode("utf-8", "replace"), b"root")
    if not grammar:
        said = printed[0].removeprefix("parse: error parsing grammar: ") if printed else log.first_error()
        raise GrammarError(said or "llama.cpp does not say why")
    return grammar


def _biases(gguf: Gguf, wanted: Mapping[str, float]) -> dict[int, float]:
    """Tokens and what is added to their logits. A key is a token's number, or a text that is one token."""
    biases: dict[int, float] = {}
    for key, bias in wanted.items():
        numbers = [int(key)] if key.isdecimal() else _tokens_of(gguf, key)
        biases |= {token: float(bias) for token in numbers if 0 <= token < gguf.n_vocab}
    return biases


def _tokens_of(gguf: Gguf, text: str) -> list[int]:
    """The tokens that ``text`` is, at the beginning of a word and within one."""
    spelled = (gguf.tokens(one) for one in (text, f" {text}"))
    return [tokens[0] for tokens in spelled if len(tokens) == 1]


def _candidates(ids: np.ndarray, logits: np.ndarray) -> np.ndarray:
    candidates = np.zeros(len(ids), _CANDIDATE)
    candidates["id"] = ids
    candidates["logit"] = logits[ids]
    return candidates


def _as_array(candidates: np.ndarray) -> Any:
    data = ctypes.cast(candidates.ctypes.data, C.llama_token_data_p)
    return C.llama_token_data_array(data, len(candidates), -1, False)


def _apply(chain: Any, candidates: np.ndarray) -> int:
    """The token that the chain selects; the order of ``candidates`` changes."""
    array = _as_array(candidates)
    C.llama_sampler_apply(chain, ctypes.byref(array))
    return int(array.data[array.selected].id)


def _check(logit: float) -> None:
    if not np.isfinite(logit):
        raise ArithmeticError("the model computed values that are no numbers")
