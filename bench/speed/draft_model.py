"""Measure what a small model that drafts for a larger one would gain (speculative decoding with a draft model).

    .venv/bin/python bench/speed/draft_model.py MODEL.gguf DRAFT.gguf [--tokens 200] [--rounds 2]

Both models must have the same vocabulary. The draft guesses up to N tokens, the engine computes them together with the
next token and keeps those that the model has sampled itself, as with prompt lookup. Each row is measured with and
without by turns, and tells if the texts differ. Goal: 1.15 of the rate without, from which a draft model would be used.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from time import perf_counter

import llama_cpp as C
import numpy as np

from lwtui.models.llama_cpp.bindings import NativeLog
from lwtui.models.llama_cpp.engine import Engine
from lwtui.models.llama_cpp.fit import LoadOptions, Machine, fit
from lwtui.models.llama_cpp.generation import Generation
from lwtui.models.llama_cpp.gguf_header import read_header
from lwtui.models.llama_cpp.kv_cache import common_prefix_len
from lwtui.models.llama_cpp.output import OutputDecoder
from lwtui.models.llama_cpp.prompt import tokenize_text
from lwtui.models.llama_cpp.prompt_lookup import PromptLookup
from lwtui.models.llama_cpp.sampler import Sampler

TASK = (
    "<|im_start|>system\nYou write long texts.<|im_end|>\n<|im_start|>user\nWrite the section “Light and weather” of a "
    "practical guide for first-time visitors to the Lofoten Islands in winter, in about 200 words.<|im_end|>\n"
    "<|im_start|>assistant\n"
)
GOAL = 1.15


class DraftModel(PromptLookup):
    """Guesses tokens with a small model, greedily, as long as it is sure of them.

    Args:
        engine: The loaded draft model.
        longest: Tokens to guess at most.
        sure: Probability that each of them must have.
    """

    def __init__(self, engine: Engine, longest: int, sure: float) -> None:
        super().__init__(())
        self._engine, self._at_most, self._sure = engine, longest, sure
        self.guessed = self.right = 0

    def guess(self, text: Sequence[int]) -> list[int]:
        """Guess how ``text`` goes on."""
        cache = self._engine.kv_cache
        sequence = cache.sequences[0]
        cache.truncate(sequence, min(common_prefix_len(sequence.tokens, text), len(text) - 1))
        pending = list(text[len(sequence.tokens) :])
        guess: list[int] = []
        while True:
            logits = self._decode(pending)
            token = int(logits.argmax())
            probability = 1.0 / float(np.exp(logits - logits[token]).sum())
            if probability < self._sure or self._engine.gguf.is_end(token):
                return guess
            guess.append(token)
            if len(guess) == self._at_most:
                return guess
            pending = [token]

    def learn(self, guessed: int, right: int) -> None:
        """Count."""
        self.guessed += guessed
        self.right += right

    def _decode(self, tokens: Sequence[int]) -> np.ndarray:
        sequence = self._engine.kv_cache.sequences[0]
        batch, context = self._engine._batch, self._engine._context
        batch.clear()
        index = batch.add(tokens, len(sequence.tokens), 0, logits=1)
        assert batch.decode(context) == 0
        sequence.tokens += tokens
        return np.ctypeslib.as_array(C.llama_get_logits_ith(context, index), (self._engine.gguf.n_vocab,))


def open_engine(path: Path, log: NativeLog) -> Engine:
    """Load a model with a context of 2,048 tokens."""
    return Engine(str(path), fit(read_header(path), Machine.detect(), LoadOptions(context_length=2048)), log)


def generate(
    engine: Engine, log: NativeLog, temperature: float, tokens: int, draft: DraftModel | None
) -> tuple[str, float]:
    """Write a section. Returns its text and the tokens per second after the first."""
    sampler = Sampler(engine.gguf, log, {"temperature": temperature, "top_p": 0.9}, 1)
    prompt = tokenize_text(engine.gguf, TASK)
    generation = Generation(prompt, sampler, OutputDecoder(()), tokens, min_words=10_000, lookup=draft)
    engine.submit(generation)
    text, start = "", 0.0
    while generation.reason is None:
        engine.admit()
        for _, piece in engine.step():
            text += piece
        start = start or (perf_counter() if generation.completion else 0.0)
    took = perf_counter() - start
    engine.release(generation)
    return text, (generation.completion - 1) / took


def main() -> None:
    """Read the command line, measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("draft", type=Path)
    parser.add_argument("--tokens", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    log = NativeLog()
    engine, small = open_engine(options.model, log), open_engine(options.draft, log)
    if engine.gguf.n_vocab != small.gguf.n_vocab:
        parser.error("The two models have different vocabularies.")
    print("| temperature | guesses at most | sure from | guesses that were right | tokens/s without | with | ratio |")
    print("| --- " * 7 + "|")
    for temperature in (0.0, 0.7):
        generate(engine, log, temperature, 8, None)  # the prompt is in the KV cache from now on
        for longest, sure in ((2, 0.0), (3, 0.7), (4, 0.9), (7, 0.9)):
            draft = DraftModel(small, longest, sure)
            rates: tuple[list[float], list[float]] = ([], [])
            texts = set()
            for _ in range(options.rounds):
                for used, kept in zip((None, draft), rates, strict=True):
                    text, rate = generate(engine, log, temperature, options.tokens, used)
                    texts.add(text)
                    kept.append(rate)
            without, using = median(rates[0]), median(rates[1])
            share = f"{draft.right} of {draft.guessed}"
            same = "" if len(texts) == 1 else " (texts differ)"
            print(
                f"| {temperature} | {longest} | {sure} | {share} | {without:.1f} | {using:.1f} "
                f"| {using / without:.2f}{same} |",
                flush=True,
            )
    print(f"\nA draft model would be used from {GOAL} on.")


if __name__ == "__main__":
    main()
