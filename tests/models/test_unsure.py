"""A GGUF reports the tokens that it was unsure of, and its text is the same as without."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

from lwtui.config import ModelSettings
from lwtui.models.base import Prompt, Request, Sampling, TextPiece, UnsurePiece
from lwtui.models.llama_cpp.client import LlamaModel
from lwtui.models.llama_cpp.sampler import _entropy

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def models(demo_gguf: Path) -> AsyncIterator[tuple[LlamaModel, LlamaModel]]:
    """One without marks and one with, asked the same things: earlier texts may change how numbers are rounded."""
    settings = ModelSettings("demo", provider="llama_cpp", state_gb=0, context_length=512, threads=1)
    plain = await LlamaModel.load(demo_gguf, "demo", settings)
    marking = await LlamaModel.load(demo_gguf, "demo", replace(settings, mark_unsure=True))
    yield plain, marking
    await plain.aclose()
    await marking.aclose()


@pytest.mark.parametrize(
    ("sampling", "grammar"),
    [
        (Sampling(temperature=0.9, top_k=40), ""),
        (Sampling(temperature=0.0), ""),
        (Sampling(temperature=0.8, top_k=0, dry_multiplier=0.8, repeat_penalty=1.1), ""),
        (Sampling(temperature=0.8), 'root ::= "yes" | "no"'),
    ],
)
async def test_the_text_is_the_same_and_unsure_tokens_are_in_it(
    models: tuple[LlamaModel, LlamaModel], sampling: Sampling, grammar: str
) -> None:
    request = Request(
        Prompt(text="The old lighthouse keeper said that"), 40, sampling=sampling, seed=7, grammar=grammar
    )
    plain, marked = [[part async for part in model.stream(request)] for model in models]
    text = "".join(part.text for part in marked if isinstance(part, TextPiece))
    assert text == "".join(part.text for part in plain if isinstance(part, TextPiece))
    unsure = [part for part in marked if isinstance(part, UnsurePiece)]
    assert not any(isinstance(part, UnsurePiece) for part in plain)
    assert bool(unsure) != bool(grammar)
    for part in unsure:
        assert part.before + part.text in text and 1.2 <= part.entropy < math.log(300_000)


async def test_entropy_is_that_of_the_softmax() -> None:
    assert _entropy(np.zeros(8, np.float32)) == pytest.approx(math.log(8))
    assert _entropy(np.array([0.0, -np.inf, -np.inf], np.float32)) == 0.0
    assert _entropy(np.array([5.0, 5.0, -80.0], np.float32)) == pytest.approx(math.log(2))
