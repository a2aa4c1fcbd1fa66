"""Measure tokens per second of edited passages on a local model, with prompt lookup next to without.

    .venv/bin/python bench/speed/prompt_lookup.py MODEL.gguf [--rounds 3]

Each edit is computed with and without by turns, at temperature 0, and both texts should be the same. The last row is a
text that has nothing in common with its prompt. Goals: 1.5 for edits, 0.97 where nothing matches.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
from pathlib import Path
from time import perf_counter

from lwtui.config import ModelSettings
from lwtui.models.base import Finished, Message, Prompt, Request, Sampling, TextPiece
from lwtui.models.llama_cpp.client import LlamaModel

PASSAGE = (
    "The harbor of Svolvær lies between steep mountains, and in winter the light comes for four hours only. In the "
    "morning the fishing boats leave with their lamps lit; by noon they are back, and the cod hangs on wooden racks "
    "along the shore, where the wind dries it until June. Visitors who come by the bus from Narvik should book a "
    "cabin early, because the old red cabins on the piers are few, and most of them are taken by the people who come "
    "for the northern lights. Bring boots with spikes, a lamp for the forehead and a thermos. The roads are cleared "
    "every day, but the path to the white beach is not, and after a storm it may be closed for a day or two. If the "
    "sky is clear, walk to the lighthouse after supper: there the lamps of the town do not disturb, and one sees the "
    "green bands from the first minute."
)
TYPOS = (
    ("mountains", "montains"),
    ("morning", "mornning"),
    ("should", "shuold"),
    ("because", "becuase"),
    ("storm", "strom"),
)
EDITS = {
    "correct": "Correct the spelling. Change nothing else.",
    "tone": "Make it sound warmer. Keep the facts and the sentences where you can.",
    "shorten": "Shorten it to about 80 words. Keep the wording where you can.",
}
FREE = "Write about the life of a lighthouse keeper, in about 150 words."
SYSTEM = "You edit texts. Answer with the text alone."


async def measure(model: LlamaModel, text: str, *, lookup: bool) -> tuple[str, float]:
    """Return the answer and its tokens per second, from the first token on."""
    prompt = Prompt(messages=(Message("system", SYSTEM), Message("user", text)))
    request = Request(prompt, 400, sampling=Sampling(temperature=0.0), repeats_prompt=lookup)
    answer, began, first, tokens = "", 0.0, 0, 0
    async for part in model.stream(request):
        if isinstance(part, TextPiece):
            answer, tokens = answer + part.text, part.usage.completion if part.usage else tokens
            if not began:
                began, first = perf_counter(), tokens
        elif isinstance(part, Finished):
            return answer, (part.usage.completion - first) / (perf_counter() - began)
    raise AssertionError("the stream did not end")


async def run(path: str, rounds: int) -> None:
    """Measure all edits, and print the table."""
    passage = PASSAGE
    for right, wrong in TYPOS:
        passage = passage.replace(right, wrong)
    texts = {name: f"{order}\n\n{passage}" for name, order in EDITS.items()} | {"nothing matches": FREE}
    model = await LlamaModel.load(Path(path), "bench", ModelSettings("bench", context_length=2048, state_gb=0.0))
    try:
        print("| answer | tokens/s without | with | ratio | same text |\n| --- | --- | --- | --- | --- |")
        for name, text in texts.items():
            rates: dict[bool, list[float]] = {False: [], True: []}
            answers: set[str] = set()
            await measure(model, text, lookup=False)  # the prompt is in the KV cache from now on
            for _ in range(rounds):
                for lookup in (False, True):
                    answer, rate = await measure(model, text, lookup=lookup)
                    answers.add(answer)
                    rates[lookup].append(rate)
            without, using = statistics.median(rates[False]), statistics.median(rates[True])
            same = "yes" if len(answers) == 1 else "no"
            print(f"| {name} | {without:.1f} | {using:.1f} | {using / without:.2f} | {same} |", flush=True)
    finally:
        await model.aclose()


def main() -> None:
    """Read the command line, and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    asyncio.run(run(options.model, options.rounds))


if __name__ == "__main__":
    main()
