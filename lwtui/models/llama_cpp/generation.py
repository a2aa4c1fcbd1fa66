"""One completion in the making: samples its tokens and decides when it ends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lwtui.models.base import FinishReason
from lwtui.models.llama_cpp.bindings import Gguf
from lwtui.models.llama_cpp.kv_cache import CachedSequence
from lwtui.models.llama_cpp.output import OutputDecoder
from lwtui.models.llama_cpp.prompt_lookup import PromptLookup
from lwtui.models.llama_cpp.sampler import Sampler
from lwtui.text import RunningCount

_MAX_REJECTED = 32  # tokens at one position that would end the completion too early


class Generation:
    """One completion in the making.

    Args:
        prompt: The tokens of the prompt.
        sampler: Samples the completion's tokens.
        output: Decodes them and finds stop strings.
        max_tokens: Upper bound of the completion, in tokens.
        min_words: Words (characters in Chinese and Japanese) before which neither the model's own end nor a stop string
            ends the completion.
        lookup: Guesses tokens of the completion.
        penalized: Tokens that penalties count besides the completion; ``None``: the prompt's.

    Attributes:
        prompt: The tokens of the prompt.
        penalized: Tokens that penalties count besides the completion.
        completion: How many tokens have been sampled.
        cached: How many tokens of the prompt were not computed again.
        reason: Why the completion ended; ``None`` while it goes on.
        sequence: The sequence it runs in, once the engine has admitted it.
        pending: Tokens that still have to be evaluated.
        is_prefilling: Whether it is still processing its prompt (or, after a preemption, its whole text).
        fault: Why it cannot go on; empty if it can.
        sampler: Samples the completion's tokens.
        lookup: Guesses tokens of the completion, if it is likely to repeat parts of its prompt.
    """

    def __init__(
        self,
        prompt: Sequence[int],
        sampler: Sampler,
        output: OutputDecoder,
        max_tokens: int,
        *,
        min_words: int = 0,
        lookup: PromptLookup | None = None,
        penalized: Sequence[int] | None = None,
    ) -> None:
        self.prompt = list(prompt)
        self.penalized = self.prompt if penalized is None else penalized
        self.completion = 0
        self.cached = 0
        self.reason: FinishReason | None = None
        self.sequence: CachedSequence | None = None
        self.pending: list[int] = []
        self.is_prefilling = True
        self.fault = ""
        self.sampler = sampler
        self.lookup = lookup
        self._output = output
        self._max_tokens = max(1, max_tokens)
        self._min_words = min_words
        self._written = RunningCount()

    def sample(self, gguf: Gguf, context: Any, index: int, room: int) -> str:
        """Sample a token and return the text that it completes. Sets ``reason`` at the end.

        Args:
            gguf: The model.
            context: llama.cpp's context.
            index: Where in the last batch the logits are.
            room: How many more tokens the context holds.

        Raises:
            ArithmeticError: The logits are not numbers, or the grammar allows no token.
        """
        self.is_prefilling = False
        token, text = self._next_token(gguf, context, index)
        self.completion += 1
        if gguf.is_end(token):
            return self._end("stop", self._output.close())
        if self._min_words:
            self._written.add(text)
        if self._output.stopped:
            return self._end("stop", text)
        if self.completion >= self._max_tokens or room < 1:
            return self._end("length", text + self._output.close())
        self.pending.append(token)
        return text

    def _next_token(self, gguf: Gguf, context: Any, index: int) -> tuple[int, str]:
        """Sample a token that does not end the completion too early, and return it with the text that it completes."""
        self.sampler.load_logits(context, index)
        if self._written.words >= self._min_words:
            token = self.sampler.sample()
            return token, "" if gguf.is_end(token) else self._output.add(gguf.piece(token))
        self.sampler.ban(gguf.end_tokens)
        before = self._output.state()
        for _ in range(_MAX_REJECTED):
            token = self.sampler.sample()
            text = self._output.add(gguf.piece(token))
            if not self._output.stopped:
                return token, text
            self._output.restore(before)
            self.sampler.ban([token])
        token = self.sampler.sample()
        return token, self._output.add(gguf.piece(token))

    def _end(self, reason: FinishReason, text: str) -> str:
        self.reason = "stop" if self._output.stopped else reason
        self.pending.clear()
        return text
