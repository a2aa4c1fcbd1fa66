"""What the local engine spares: every ratio of the README's table, each pair measured in one run on the demo model.

    .venv/bin/python bench/speed/local_engine.py [--only NAME …]

Takes about ten minutes on two quiet cores. Timed pairs are measured in turns and their medians compared; the token
counts need no clock.
"""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import os
import statistics
import tempfile
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import llama_cpp.llama_cpp as C

from lwtui.agentwrite.agent import Agent
from lwtui.agentwrite.plan_format import plan_grammar
from lwtui.agentwrite.prompt_builder import builder_for
from lwtui.agentwrite.prompt_templates import PromptTemplates
from lwtui.agentwrite.write import Draft, write
from lwtui.config import ModelSettings
from lwtui.documents.model import Brief, Plan, PlannedSection
from lwtui.models.base import Capabilities, Finished, Prompt, Request, StreamPart, TextPiece
from lwtui.models.llama_cpp.bindings import Gguf, NativeLog
from lwtui.models.llama_cpp.client import LlamaModel
from lwtui.models.llama_cpp.demo import demo_path
from lwtui.models.llama_cpp.machine import usable_cores
from lwtui.models.llama_cpp.prompt import text_tokens
from lwtui.models.llama_cpp.protocol import Cancel, Done, Generate
from lwtui.models.profiles import PROFILES

SAMPLING = PROFILES["base"].sampling
STORY = "# The house by the river\n\nA story in many chapters.\n\n## The first evening\n\nWhen the ferry had gone, "
LONG = "The garden lies behind the house, and nobody has been there for years. "
TOPICS = ["soil", "pots", "seeds", "water", "light", "wind", "pests", "pruning", "harvest", "tools"]


@dataclass(frozen=True)
class Row:
    """A line of the table. ``goal`` holds for ``measured`` as written."""

    what: str
    goal: str
    measured: str
    detail: str


async def collect(model: LlamaModel, request: Request) -> tuple[int, float, float]:
    """Tokens of the answer, seconds to the first piece of text, seconds from there to the end."""
    began = time.perf_counter()
    first = 0.0
    async for part in model.stream(request):
        if isinstance(part, TextPiece) and not first:
            first = time.perf_counter()
            early = part.usage.completion if part.usage else 0
        if isinstance(part, Finished):
            usage = part.usage
    return usage.completion - early, first - began, time.perf_counter() - first


# ---- decoding -------------------------------------------------------------------------------------------------------


class BareLoop:
    """The least that C's interface asks for: decode a token, sample the next, turn it into bytes."""

    def __init__(self, context_length: int = 8192) -> None:
        self._gguf = Gguf(str(demo_path()), NativeLog())
        params = C.llama_context_default_params()
        params.n_ctx = context_length
        params.n_threads = params.n_threads_batch = usable_cores()
        self._context = C.llama_init_from_model(self._gguf.model, params)

    def rate(self, text: str, tokens: int) -> float:
        """Tokens a second after ``text`` has been read."""
        C.llama_memory_clear(C.llama_get_memory(self._context), True)
        prompt = text_tokens(self._gguf, text)
        chain = self._chain()
        buffer = ctypes.create_string_buffer(256)
        array = (C.llama_token * len(prompt))(*prompt)
        C.llama_decode(self._context, C.llama_batch_get_one(array, len(prompt)))
        one = (C.llama_token * 1)(C.llama_sampler_sample(chain, self._context, -1))
        began = time.perf_counter()
        for _ in range(tokens):
            C.llama_decode(self._context, C.llama_batch_get_one(one, 1))
            one[0] = C.llama_sampler_sample(chain, self._context, -1)
            C.llama_token_to_piece(self._gguf.vocab, one[0], buffer, 256, 0, False)
        took = time.perf_counter() - began
        C.llama_sampler_free(chain)
        return tokens / took

    def _chain(self) -> int:
        chain = C.llama_sampler_chain_init(C.llama_sampler_chain_default_params())
        for part in (
            C.llama_sampler_init_penalties(self._gguf.n_vocab, 64, SAMPLING.repeat_penalty, 0.0, 0.0),
            C.llama_sampler_init_top_k(SAMPLING.top_k),
            C.llama_sampler_init_top_p(SAMPLING.top_p, 1),
            C.llama_sampler_init_min_p(SAMPLING.min_p, 1),
            C.llama_sampler_init_temp(SAMPLING.temperature),
            C.llama_sampler_init_dist(1),
        ):
            C.llama_sampler_chain_add(chain, part)
        return chain


async def streamed(model: LlamaModel) -> Row:
    bare = await asyncio.to_thread(BareLoop)
    tokens = 300
    request = Request(Prompt(text=STORY), tokens, sampling=SAMPLING, seed=1, least_words=10_000)
    ours, theirs = [], []
    for _ in range(5):
        count, _, took = await collect(model, request)
        ours.append(count / took)
        theirs.append(await asyncio.to_thread(bare.rate, STORY, tokens))
    a, b = statistics.median(ours), statistics.median(theirs)
    return Row("streamed decode against a bare C-API loop", "≥ 0.98", f"{a / b:.2f}", f"{a:.1f} and {b:.1f} tokens/s")


async def constrained(model: LlamaModel) -> Row:
    prompt = Prompt(text="The outline of a guide to growing tomatoes on a balcony, in ten steps.\n\n# Title: ")
    free = Request(prompt, 300, sampling=SAMPLING, least_words=10_000)
    held = Request(prompt, 300, sampling=SAMPLING, grammar=plan_grammar(range(10, 13), ""))
    await collect(model, replace(held, max_tokens=8))  # the vocabulary is grouped once
    ours, theirs = [], []
    for seed in range(5):
        for request, rates in ((held, ours), (free, theirs)):
            count, _, took = await collect(model, replace(request, seed=seed))
            rates.append(count / took)
    a, b = statistics.median(ours), statistics.median(theirs)
    return Row("plan under a grammar against free decode", "≥ 0.85", f"{a / b:.2f}", f"{a:.1f} and {b:.1f} tokens/s")


async def together(model: LlamaModel) -> list[Row]:
    tokens = 150
    rates: dict[int, list[float]] = {1: [], 4: [], 8: []}
    for turn in range(3):
        for count, found in rates.items():
            requests = [
                Request(Prompt(text=f"{STORY}{topic}"), tokens, sampling=SAMPLING, seed=turn, least_words=10_000)
                for topic in TOPICS[:count]
            ]
            began = time.perf_counter()
            done = await asyncio.gather(*(collect(model, request) for request in requests))
            latest_start = max(first for _, first, _ in done)
            took = time.perf_counter() - began - latest_start if count == 1 else time.perf_counter() - began
            found.append(count * tokens / took)
    one, *_ = medians = [statistics.median(found) for found in rates.values()]
    return [
        Row(
            f"{count} sequences together against one, total tokens/s",
            f"≥ {goal}",
            f"{median / one:.2f}",
            f"{median:.1f} and {one:.1f} tokens/s, reading the prompts included",
        )
        for count, goal, median in zip((4, 8), (1.5, 1.9), medians[1:], strict=True)
    ]


# ---- tokens evaluated -----------------------------------------------------------------------------------------------


class CallLog:
    """A model that keeps what each call asked, answered and used."""

    def __init__(self, model: LlamaModel) -> None:
        self._model = model
        self.name, self.model_hash = model.name, model.model_hash
        self.calls: list[tuple[str, str, int, int, int]] = []  # prompt, answer, tokens of each, of these cached

    @property
    def capabilities(self) -> Capabilities:
        return self._model.capabilities

    async def stream(self, request: Request) -> AsyncGenerator[StreamPart, None]:
        text, usage = "", None
        try:
            async with aclosing(self._model.stream(request)) as parts:
                async for part in parts:
                    if isinstance(part, TextPiece):
                        text += part.text
                        usage = part.usage
                    yield part
        finally:
            if usage is not None:
                self.calls.append((request.prompt.plain(), text, usage.prompt, usage.completion, usage.cached))

    async def count_tokens(self, text: str) -> int:
        return await self._model.count_tokens(text)

    async def aclose(self) -> None:
        return


def distinct(texts: Sequence[Sequence[int]]) -> int:
    """How many tokens have to be evaluated at least: common beginnings once."""
    ordered = sorted(map(list, texts))
    shared = 0
    for before, after in pairwise(ordered):
        shared += next((at for at, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), len(before))
    return sum(map(len, ordered)) - shared


async def document(model: LlamaModel) -> list[Row]:
    sections = tuple(
        PlannedSection(f"{topic} in {place}".capitalize(), f"What a gardener should know about {topic} in {place}", 150)
        for place in ("spring", "autumn")
        for topic in TOPICS
    )
    draft = Draft(Plan("Gardening", sections))
    log = CallLog(model)
    profile = PROFILES["base"]
    agent = Agent(log, profile, builder_for(profile, PromptTemplates(profile.form, Path(os.devnull))))
    async for event in write(agent, Brief("Write a guide to gardening", words=3000, seed=1), draft):
        draft.apply(event)
    gguf = Gguf(str(demo_path()), NativeLog())
    anew = sum(prompt for _, _, prompt, _, _ in log.calls)
    read = sum(prompt - cached for _, _, prompt, _, cached in log.calls)
    written = sum(completion for _, _, _, completion, _ in log.calls)
    least = distinct([text_tokens(gguf, prompt + answer) for prompt, answer, *_ in log.calls])
    gguf.close()
    return [
        Row(
            "prompt tokens evaluated for a document of 20 sections against reading each prompt anew",
            "≤ 1/8",
            f"1/{anew / read:.1f}",
            f"{read:,} of {anew:,} in {len(log.calls)} calls",
        ),
        Row(
            "all tokens evaluated for it, read and written, against the least possible",
            "≤ 1.15",
            f"{(read + written) / least:.2f}",
            f"{read + written:,} and {least:,}",
        ),
    ]


async def candidates(model: LlamaModel) -> Row:
    prompt = Prompt(text=LONG * 40)
    one = Request(prompt, 24, sampling=SAMPLING, least_words=10_000)

    async def read(seed: int) -> tuple[int, int]:
        async for part in model.stream(replace(one, seed=seed)):
            if isinstance(part, Finished):
                return part.usage.prompt, part.usage.prompt - part.usage.cached
        raise AssertionError

    used = await asyncio.gather(*map(read, range(4)))
    size = used[0][0]
    return Row(
        "4 candidates of a section: prompt tokens read, in prompts",
        "once",
        f"{sum(tokens for _, tokens in used) / size:.2f}",
        f"{sum(tokens for _, tokens in used)} for a prompt of {size}",
    )


# ---- opening a document again ---------------------------------------------------------------------------------------


async def reopened() -> Row:
    with tempfile.TemporaryDirectory() as folder:
        os.environ["LWTUI_CACHE_DIR"] = folder
        request = Request(Prompt(text=LONG * 650), 8, sampling=SAMPLING, seed=1)
        anew, again = [], []
        for seconds in (anew, again):
            model = await LlamaModel.load(demo_path(), "demo", ModelSettings("demo", context_length=12_288))
            tokens = await model.count_tokens(request.prompt.text)
            seconds.append((await collect(model, request))[1])
            await model.aclose()
        size = sum(entry.stat().st_size for entry in os.scandir(f"{folder}/kv"))
        del os.environ["LWTUI_CACHE_DIR"]
    return Row(
        f"reopening a document of {tokens:,} tokens: first token with saved state against reading it",
        "≤ 1/10",
        f"1/{anew[0] / again[0]:.0f}",
        f"{again[0]:.2f} and {anew[0]:.1f} s; {size / 2**20:.0f} MiB on disk",
    )


async def cancelled(model: LlamaModel) -> Row:
    """From the moment the app cancels to the process's word that it has stopped."""
    worker = await model._running()
    took = []
    for turn in range(40):
        text = f"{turn} {LONG * 60}" if turn % 2 else STORY
        with worker.call() as (number, answers):
            worker.send(Generate(number, 400, text=text, least=10_000))
            await asyncio.sleep(0.1 + 0.02 * turn)
            began = time.perf_counter()
            worker.send(Cancel(number))
            while not isinstance(await worker.next(answers), Done):
                pass
            took.append(time.perf_counter() - began)
    return Row(
        "cancel: from the key to stopped, while reading and while writing",
        "≤ 150 ms",
        f"{max(took) * 1000:.0f} ms",
        f"the longest of {len(took)}; median {statistics.median(took) * 1000:.0f} ms",
    )


MEASURES: dict[str, Callable[[LlamaModel], Awaitable[Row | list[Row]]]] = {
    "streamed": streamed,
    "constrained": constrained,
    "together": together,
    "document": document,
    "candidates": candidates,
    "cancelled": cancelled,
    "reopened": lambda _: reopened(),
}


async def main(only: Sequence[str]) -> None:
    print("| what | goal | measured | |\n| --- | --- | --- | --- |")
    model = await LlamaModel.load(demo_path(), "demo")
    try:
        for name in only or MEASURES:
            rows = await MEASURES[name](model)
            for row in rows if isinstance(rows, list) else [rows]:
                print(f"| {row.what} | {row.goal} | {row.measured} | {row.detail} |", flush=True)
    finally:
        await model.aclose()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=list(MEASURES), default=[])
    asyncio.run(main(parser.parse_args().only))
