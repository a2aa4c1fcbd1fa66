"""Measure what two processes with local models on one machine write together, next to one alone.

    .venv/bin/python bench/speed/two_at_once.py MODEL.gguf [--tokens 100] [--rounds 3]

Both have a thread for each core. One and both are measured by turns. Goal: at least 0.9.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
from pathlib import Path
from time import perf_counter

from lwtui.config import ModelSettings
from lwtui.models.base import Prompt, Request, TextPiece
from lwtui.models.llama_cpp.client import LlamaModel

PROMPT = "The harbor lies between steep mountains, and in winter the light comes for four hours only."


async def write(model: LlamaModel, tokens: int) -> None:
    """Write a completion that does not end early."""
    request = Request(Prompt(text=PROMPT), tokens, seed=1, min_words=10 * tokens)
    async for part in model.stream(request):
        assert not isinstance(part, TextPiece) or part.usage is not None


async def rate(models: list[LlamaModel], tokens: int) -> float:
    """Return the tokens per second that the models write together."""
    began = perf_counter()
    await asyncio.gather(*(write(model, tokens) for model in models))
    return len(models) * tokens / (perf_counter() - began)


async def run(path: Path, tokens: int, rounds: int) -> None:
    """Measure, and print the table."""
    settings = ModelSettings("bench", context_length=1024, state_gb=0.0)
    models = [await LlamaModel.load(path, "bench", settings) for _ in range(2)]
    rates: dict[int, list[float]] = {1: [], 2: []}
    try:
        await rate(models, 2)
        for _ in range(rounds):
            for count, measured in rates.items():
                measured.append(await rate(models[:count], tokens))
    finally:
        for model in models:
            await model.aclose()
    alone, together = (statistics.median(measured) for measured in rates.values())
    print("| one process, tokens/s | two, together | ratio |\n| --- | --- | --- |")
    print(f"| {alone:.1f} | {together:.1f} | {together / alone:.2f} |")


def main() -> None:
    """Read the command line, and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--tokens", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    asyncio.run(run(options.model, options.tokens, options.rounds))


if __name__ == "__main__":
    main()
