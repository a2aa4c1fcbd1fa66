"""Measure the local engine: every ratio in the tables of docs/performance.md.

    .venv/bin/python bench/speed/local_engine.py [MODEL.gguf] [--only NAME …]

Takes about ten minutes with the demo model on two idle cores. The two sides of a timed ratio are measured alternately,
and their medians are compared. Token counts need no clock. For a cold start, a process loads the model, reads a prompt
of about 600 tokens, samples one and ends; the other side does so with the C API alone.
"""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import os
import statistics
import sys
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
from lwtui.models.llama_cpp.prompt import tokenize_text
from lwtui.models.llama_cpp.protocol import Cancel, Generate, GenerationDone
from lwtui.models.profiles import PROFILES

SAMPLING = PROFILES["base"].sampling
STORY = "# The house by the river\n\nA story in many chapters.\n\n## The first evening\n\nWhen the ferry had gone, "
LONG = "The garden lies behind the house, and nobody has been there for years. "
TOPICS = ["soil", "pots", "seeds", "water", "light", "wind", "pests", "pruning", "harvest", "tools"]

# Each loads the model, reads a prompt and samples a token.
LWTUI_START = """
import asyncio, sys
from pathlib import Path
from lwtui.config import ModelSettings
from lwtui.models.base import Prompt, Request
from lwtui.models.llama_cpp.client import LlamaModel

async def main(path, text):
    settings = ModelSettings("measured", context_length=2048, state_gb=0.0)
    model = await LlamaModel.load(Path(path), "measured", settings)
    async for part in model.stream(Request(Prompt(text=text), 1, seed=1)):
        pass
    await model.aclose()

asyncio.run(main(*sys.argv[1:3]))
"""
BARE_START = """
import sys
import llama_cpp.llama_cpp as C

C.llama_backend_init()
model = C.llama_model_load_from_file(sys.argv[1].encode(), C.llama_model_default_params())
params = C.llama_context_default_params()
params.n_ctx = 2048
params.n_threads = params.n_threads_batch = int(sys.argv[3])
context = C.llama_init_from_model(model, params)
text = sys.argv[2].encode()
tokens = (C.llama_token * len(text))()
count = C.llama_tokenize(C.llama_model_get_vocab(model), text, len(text), tokens, len(text), True, True)
assert C.llama_decode(context, C.llama_batch_get_one(tokens, count)) == 0
C.llama_sampler_sample(C.llama_sampler_init_greedy(), context, -1)
"""


@dataclass(frozen=True)
class TableRow:
    """A line of the table. ``goal`` is for ``measured``, in the same format."""

    what: str
    goal: str
    measured: str
    detail: str


async def collect(model: LlamaModel, request: Request) -> tuple[int, float, float]:
    """Return the tokens after the first piece of text, the seconds to that piece, and the seconds after it."""
    start = time.perf_counter()
    first = 0.0
    async for part in model.stream(request):
        if isinstance(part, TextPiece) and not first:
            first = time.perf_counter()
            first_tokens = part.usage.completion if part.usage else 0
        if isinstance(part, Finished):
            usage = part.usage
    return usage.completion - first_tokens, first - start, time.perf_counter() - first


class BareLoop:
    """The minimum with the C API: decode a token, sample the next, convert it to bytes."""

    def __init__(self, path: Path, context_length: int = 8192) -> None:
        self._gguf = Gguf(str(path), NativeLog())
        params = C.llama_context_default_params()
        params.n_ctx = context_length
        params.n_threads = params.n_threads_batch = usable_cores()
        self._context = C.llama_init_from_model(self._gguf.model, params)

    def rate(self, text: str, tokens: int) -> float:
        """Return the tokens per second after the prompt ``text`` has been evaluated."""
        C.llama_memory_clear(C.llama_get_memory(self._context), True)
        prompt = tokenize_text(self._gguf, text)
        chain = self._chain()
        buffer = ctypes.create_string_buffer(256)
        array = (C.llama_token * len(prompt))(*prompt)
        C.llama_decode(self._context, C.llama_batch_get_one(array, len(prompt)))
        token = (C.llama_token * 1)(C.llama_sampler_sample(chain, self._context, -1))
        start = time.perf_counter()
        for _ in range(tokens):
            C.llama_decode(self._context, C.llama_batch_get_one(token, 1))
            token[0] = C.llama_sampler_sample(chain, self._context, -1)
            C.llama_token_to_piece(self._gguf.vocab, token[0], buffer, 256, 0, False)
        took = time.perf_counter() - start
        C.llama_sampler_free(chain)
        return tokens / took

    def _chain(self) -> int:
        chain = C.llama_sampler_chain_init(C.llama_sampler_chain_default_params())
        for sampler in (
            C.llama_sampler_init_penalties(self._gguf.n_vocab, 64, SAMPLING.repeat_penalty, 0.0, 0.0),
            C.llama_sampler_init_top_k(SAMPLING.top_k),
            C.llama_sampler_init_top_p(SAMPLING.top_p, 1),
            C.llama_sampler_init_min_p(SAMPLING.min_p, 1),
            C.llama_sampler_init_temp(SAMPLING.temperature),
            C.llama_sampler_init_dist(1),
        ):
            C.llama_sampler_chain_add(chain, sampler)
        return chain


async def measure_streamed(model: LlamaModel, path: Path) -> TableRow:
    bare_loop = await asyncio.to_thread(BareLoop, path)
    tokens = 300
    request = Request(Prompt(text=STORY), tokens, sampling=SAMPLING, seed=1, min_words=10_000)
    streamed, bare = [], []
    for _ in range(5):
        count, _, took = await collect(model, request)
        streamed.append(count / took)
        bare.append(await asyncio.to_thread(bare_loop.rate, STORY, tokens))
    a, b = statistics.median(streamed), statistics.median(bare)
    return TableRow(
        "streamed decoding vs. a bare C API loop", "≥ 0.98", f"{a / b:.2f}", f"{a:.1f} and {b:.1f} tokens/s"
    )


async def measure_constrained(model: LlamaModel, _path: Path) -> TableRow:
    prompt = Prompt(text="The outline of a guide to growing tomatoes on a balcony, in ten steps.\n\n# Title: ")
    free = Request(prompt, 300, sampling=SAMPLING, min_words=10_000)
    constrained = Request(prompt, 300, sampling=SAMPLING, grammar=plan_grammar(range(10, 13), ""))
    await collect(model, replace(constrained, max_tokens=8))  # build the token prefix index, which is kept
    constrained_rates, free_rates = [], []
    for seed in range(5):
        for request, rates in ((constrained, constrained_rates), (free, free_rates)):
            count, _, took = await collect(model, replace(request, seed=seed))
            rates.append(count / took)
    a, b = statistics.median(constrained_rates), statistics.median(free_rates)
    return TableRow(
        "plan with a grammar vs. unconstrained decoding", "≥ 0.85", f"{a / b:.2f}", f"{a:.1f} and {b:.1f} tokens/s"
    )


async def measure_batched(model: LlamaModel, _path: Path) -> list[TableRow]:
    tokens = 150
    rates: dict[int, list[float]] = {1: [], 4: [], 8: []}
    for turn in range(3):
        for count, rates_of_count in rates.items():
            requests = [
                Request(Prompt(text=f"{STORY}{topic}"), tokens, sampling=SAMPLING, seed=turn, min_words=10_000)
                for topic in TOPICS[:count]
            ]
            start = time.perf_counter()
            done = await asyncio.gather(*(collect(model, request) for request in requests))
            latest_first = max(first for _, first, _ in done)
            took = time.perf_counter() - start - latest_first if count == 1 else time.perf_counter() - start
            rates_of_count.append(count * tokens / took)
    single, *_ = medians = [statistics.median(rates_of_count) for rates_of_count in rates.values()]
    return [
        TableRow(
            f"{count} sequences in a batch vs. one, total tokens/s",
            f"≥ {goal}",
            f"{median / single:.2f}",
            f"{median:.1f} and {single:.1f} tokens/s, prompt evaluation included",
        )
        for count, goal, median in zip((4, 8), (1.5, 1.9), medians[1:], strict=True)
    ]


class CallLog:
    """A model that records the prompt, completion and token usage of each call."""

    def __init__(self, model: LlamaModel) -> None:
        self._model = model
        self.name, self.model_hash = model.name, model.model_hash
        self.calls: list[tuple[str, str, int, int, int]] = []  # prompt, completion, tokens of each, cached

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


def min_tokens(texts: Sequence[Sequence[int]]) -> int:
    """Return the minimum number of tokens to evaluate for ``texts``: shared prefixes count once."""
    ordered = sorted(map(list, texts))
    shared = 0
    for before, after in pairwise(ordered):
        shared += next((at for at, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), len(before))
    return sum(map(len, ordered)) - shared


async def measure_document(model: LlamaModel, path: Path) -> list[TableRow]:
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
    gguf = Gguf(str(path), NativeLog())
    prompts = sum(prompt for _, _, prompt, _, _ in log.calls)
    evaluated = sum(prompt - cached for _, _, prompt, _, cached in log.calls)
    completions = sum(completion for _, _, _, completion, _ in log.calls)
    minimum = min_tokens([tokenize_text(gguf, prompt + answer) for prompt, answer, *_ in log.calls])
    gguf.close()
    return [
        TableRow(
            "prompt tokens evaluated for a document of 20 sections vs. without a KV cache",
            "≤ 1/8",
            f"1/{prompts / evaluated:.1f}",
            f"{evaluated:,} of {prompts:,} in {len(log.calls)} calls",
        ),
        TableRow(
            "all tokens evaluated for it, input and output, vs. the minimum",
            "≤ 1.15",
            f"{(evaluated + completions) / minimum:.2f}",
            f"{evaluated + completions:,} and {minimum:,}",
        ),
    ]


async def measure_candidates(model: LlamaModel, _path: Path) -> TableRow:
    prompt = Prompt(text=LONG * 40)
    request = Request(prompt, 24, sampling=SAMPLING, min_words=10_000)

    async def prompt_tokens(seed: int) -> tuple[int, int]:
        async for part in model.stream(replace(request, seed=seed)):
            if isinstance(part, Finished):
                return part.usage.prompt, part.usage.prompt - part.usage.cached
        raise AssertionError

    usage = await asyncio.gather(*map(prompt_tokens, range(4)))
    size, evaluated = usage[0][0], sum(tokens for _, tokens in usage)
    return TableRow(
        "4 candidates for a section: prompt tokens evaluated, in prompts",
        "once",
        f"{evaluated / size:.2f}",
        f"{evaluated} for a prompt of {size}",
    )


async def measure_reopened(_model: LlamaModel, path: Path) -> TableRow:
    with tempfile.TemporaryDirectory() as folder:
        os.environ["LWTUI_CACHE_DIR"] = folder
        request = Request(Prompt(text=LONG * 650), 8, sampling=SAMPLING, seed=1)
        cold, warm = [], []
        for seconds in (cold, warm):
            model = await LlamaModel.load(path, "measured", ModelSettings("measured", context_length=12_288))
            tokens = await model.count_tokens(request.prompt.text)
            seconds.append((await collect(model, request))[1])
            await model.aclose()
        size = sum(entry.stat().st_size for entry in os.scandir(f"{folder}/kv"))
        del os.environ["LWTUI_CACHE_DIR"]
    return TableRow(
        f"first token after reopening a document of {tokens:,} tokens: with the saved KV cache vs. without",
        "≤ 1/10",
        f"1/{cold[0] / warm[0]:.0f}",
        f"{warm[0]:.2f} and {cold[0]:.1f} s; {size / 2**20:.0f} MiB on disk",
    )


async def measure_canceled(model: LlamaModel, _path: Path) -> TableRow:
    """Measure from the app's cancel request to the engine process's confirmation."""
    worker = await model._running_worker()
    took = []
    for turn in range(40):
        text = f"{turn} {LONG * 60}" if turn % 2 else STORY
        with worker.call() as (call_id, replies):
            worker.send(Generate(call_id, 400, text=text, min_words=10_000))
            await asyncio.sleep(0.1 + 0.02 * turn)
            start = time.perf_counter()
            worker.send(Cancel(call_id))
            while not isinstance(await worker.next(replies), GenerationDone):
                pass
            took.append(time.perf_counter() - start)
    return TableRow(
        "cancel: from the key to a stopped call, during prompt evaluation and decoding",
        "≤ 150 ms",
        f"{max(took) * 1000:.0f} ms",
        f"the longest of {len(took)}; median {statistics.median(took) * 1000:.0f} ms",
    )


async def measure_cold_start(_model: LlamaModel, path: Path) -> TableRow:
    seconds: dict[str, list[float]] = {"lwtui": [], "bare": []}
    scripts = {"lwtui": LWTUI_START, "bare": BARE_START}
    for _ in range(5):
        for way, found in seconds.items():
            start = time.perf_counter()
            command = [sys.executable, "-c", scripts[way], str(path), LONG * 40, str(usable_cores())]
            # llama.cpp's log is long, and lwtui has it off.
            process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.DEVNULL)
            if await process.wait():
                raise SystemExit(f"The cold start of {way} failed.")
            found.append(time.perf_counter() - start)
    a, b = (statistics.median(found) for found in seconds.values())
    return TableRow(
        "a process that loads the model, reads 600 tokens, samples one and ends vs. the C API alone",
        "≤ 1.15",
        f"{a / b:.2f}",
        f"{a:.2f} and {b:.2f} s",
    )


MEASUREMENTS: dict[str, Callable[[LlamaModel, Path], Awaitable[TableRow | list[TableRow]]]] = {
    "streamed": measure_streamed,
    "constrained": measure_constrained,
    "batched": measure_batched,
    "document": measure_document,
    "candidates": measure_candidates,
    "canceled": measure_canceled,
    "reopened": measure_reopened,
    "cold": measure_cold_start,
}


async def main(path: Path, only: Sequence[str]) -> None:
    print("| what | goal | measured | |\n| --- | --- | --- | --- |")
    model = await LlamaModel.load(path, "measured")
    try:
        for name in only or MEASUREMENTS:
            rows = await MEASUREMENTS[name](model, path)
            for row in rows if isinstance(rows, list) else [rows]:
                print(f"| {row.what} | {row.goal} | {row.measured} | {row.detail} |", flush=True)
    finally:
        await model.aclose()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", type=Path, default=demo_path(), help="a GGUF (default: the demo model)")
    parser.add_argument("--only", nargs="+", choices=list(MEASUREMENTS), default=[])
    options = parser.parse_args()
    asyncio.run(main(options.model, options.only))
