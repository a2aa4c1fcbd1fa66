"""Guessing tokens from the prompt."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lwtui.models.llama_cpp.bindings import NativeLog
from lwtui.models.llama_cpp.engine import Engine
from lwtui.models.llama_cpp.generation import Generation
from lwtui.models.llama_cpp.output import OutputDecoder
from lwtui.models.llama_cpp.prompt import tokenize_text
from lwtui.models.llama_cpp.prompt_lookup import MAX_GUESS, PromptLookup
from lwtui.models.llama_cpp.sampler import Sampler
from tests.models.test_llama_cpp_engine import clear_cache, open_engine

REPEATING = "The garden lies behind the old house. Nobody has been there for many years. " * 6


@pytest.fixture(scope="module")
def engine(demo_gguf: Path) -> Iterator[Engine]:
    engine = open_engine(demo_gguf, 512, NativeLog())
    yield engine
    engine.close()


def write(
    engine: Engine, *, lookup: bool, max_tokens: int = 40, stop: tuple[str, ...] = (), temperature: float = 0.0
) -> tuple[str, int, Generation]:
    """Return the text, the number of steps that computed tokens of it, and the generation."""
    clear_cache(engine)
    prompt = tokenize_text(engine.gguf, REPEATING)
    sampler = Sampler(engine.gguf, NativeLog(), {"temperature": temperature}, seed=3)
    guesses = PromptLookup(prompt) if lookup else None
    generation = Generation(prompt, sampler, OutputDecoder(list(stop)), max_tokens, lookup=guesses)
    engine.submit(generation)
    text, steps = "", 0
    while generation.reason is None:
        engine.admit()
        for _, piece in engine.step():
            text, steps = text + piece, steps + 1
    engine.release(generation)
    return text, steps, generation


def test_a_text_that_repeats_the_prompt_takes_fewer_steps(engine: Engine) -> None:
    plain, plain_steps, _ = write(engine, lookup=False)
    text, steps, generation = write(engine, lookup=True)
    assert text == plain
    assert plain_steps == generation.completion == 40
    assert steps < 20


def test_guesses_leave_the_cache_as_it_would_be_without(engine: Engine) -> None:
    _, _, plain = write(engine, lookup=False)
    assert plain.sequence is not None
    expected = plain.sequence.tokens[:]
    _, _, generation = write(engine, lookup=True)
    assert generation.sequence is not None
    assert generation.sequence.tokens == expected
    # What was guessed wrongly is gone from the cache: the text goes on as from a cache that never had it.
    assert write(engine, lookup=True)[0] == write(engine, lookup=False)[0]


@pytest.mark.parametrize("max_tokens", [1, 2, 7, 23])
def test_no_token_beyond_the_bound(engine: Engine, max_tokens: int) -> None:
    text, _, generation = write(engine, lookup=True, max_tokens=max_tokens)
    assert generation.completion == max_tokens and generation.reason == "length"
    assert text == write(engine, lookup=False, max_tokens=max_tokens)[0]


def test_a_stop_string_within_a_guess_ends_the_text(engine: Engine) -> None:
    text, _, generation = write(engine, lookup=True, stop=("Nobody has",))
    assert generation.reason == "stop"
    assert text == write(engine, lookup=False, stop=("Nobody has",))[0]
    assert "Nobody" not in text


def test_sampling_with_guesses_is_repeatable(engine: Engine) -> None:
    assert write(engine, lookup=True, temperature=1.0)[0] == write(engine, lookup=True, temperature=1.0)[0]


@given(st.lists(st.integers(0, 3), min_size=1, max_size=40), st.lists(st.integers(0, 3), max_size=20))
def test_a_guess_is_what_follows_the_same_tokens(prompt: list[int], completion: list[int]) -> None:
    text = prompt + completion
    guess = PromptLookup(prompt).guess(text)
    assert len(guess) <= MAX_GUESS
    if guess:
        joined = text[-3:] + guess
        assert any(prompt[at : at + len(joined)] == joined for at in range(len(prompt)))


def test_wrong_guesses_become_short_and_rare() -> None:
    prompt = list(range(100))
    lookup = PromptLookup(prompt)
    text = [*prompt, 3, 4, 5]
    assert lookup.guess(text) == [6, 7, 8]
    lookup.learn(3, 0)
    assert lookup.guess(text) == []  # three tokens are no longer enough
    longer = [*prompt, *range(10, 20)]
    assert len(lookup.guess(longer)) == 3
    lookup.learn(3, 3)
    assert len(lookup.guess(longer)) == MAX_GUESS
