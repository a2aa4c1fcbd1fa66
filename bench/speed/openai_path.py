"""Measure what lwtui's client for OpenAI-compatible endpoints takes, next to httpx and json alone.

    .venv/bin/python bench/speed/openai_path.py

An HTTP server in a process of its own streams chunks as OpenAI and vLLM send them, one token in each. Two clients read
the same stream: lwtui's, from the bytes of the socket to the pieces of a metered call, and a loop that takes the lines
from httpx and the text from each line with ``json.loads``. Both keep the text.

CPU time (user and system, without the server's) is measured in one process, in which the two alternate; the ratio is
the median of those of the rounds. The growth of the most resident memory is measured in a process for each, which has
made a short call before. Tokens come as fast as the client reads, in calls of 1,000 and in one long call, and then one
at a time, so that the process wakes up for each. Goals: at most 1.3 × the CPU time and 1.3 × the growth of the loop.
Needs Linux.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import multiprocessing
import re
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from lwtui.config import ModelSettings
from lwtui.models.base import Finished, Message, Prompt, Request, TextPiece
from lwtui.models.budget import Prices
from lwtui.models.metering import UsageTracker
from lwtui.models.openai_api import OpenAIModel

GOAL = 1.3
TEXT = "the sea was calm and a lamp burned far out, where nobody had seen one for years."
WORDS = [*TEXT.split() * 5, "\n\n"]  # a paragraph
PROMPT = "Write about the lighthouse."
WARM_UP = 200  # tokens
BATCH = 64  # events that the server hands over at once where tokens have no pace; the client reads as they come


@dataclass(frozen=True)
class Load:
    """What a client reads in a round: ``calls`` answers of ``tokens`` each."""

    name: str
    tokens: int
    calls: int = 1
    rounds: int = 1
    pace: int = 0  # tokens a second; 0 for no pause


# -- the server


def event(delta: dict[str, str], finish: str | None = None, **more: Any) -> bytes:
    """Return one chunk of a completion as a chunk of HTTP."""
    choices = [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]
    chunk: dict[str, Any] = {"id": "chatcmpl-8f14e45fceea167a5a36dedd4bea2543", "object": "chat.completion.chunk"}
    chunk |= {"created": 1764489600, "model": "m", "system_fingerprint": "fp_44709d6fcb", "choices": choices} | more
    return http_chunk(f"data: {json.dumps(chunk, separators=(',', ':'))}\n\n".encode())


def http_chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, pace: int) -> None:
    """Answer the calls of one connection; ``max_tokens`` says how long each answer is."""
    words = [event({"content": f" {word}"}) for word in WORDS]
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            size = int(re.findall(rb"(?i)content-length: *(\d+)", head)[0])
            tokens = json.loads(await reader.readexactly(size))["max_tokens"]
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
            writer.write(event({"role": "assistant", "content": ""}))
            step = 1 if pace else BATCH
            began = time.perf_counter()
            for at in range(0, tokens, step):
                writer.write(b"".join(words[token % len(words)] for token in range(at, min(at + step, tokens))))
                await writer.drain()
                if pace and (early := began + at / pace - time.perf_counter()) > 0:
                    await asyncio.sleep(early)
            writer.write(event({}, "stop"))
            usage = {"prompt_tokens": 11, "completion_tokens": tokens, "total_tokens": tokens + 11}
            writer.write(event({}, choices=[], usage=usage) + http_chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n")
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()  # the client has left


def serve(port: Any, pace: int) -> None:
    """Run the server in a process of its own."""

    async def run() -> None:
        server = await asyncio.start_server(partial(answer, pace=pace), "127.0.0.1")
        port.put(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


@contextmanager
def serving(pace: int) -> Iterator[str]:
    """Run the server; yield its address."""
    context = multiprocessing.get_context("spawn")
    port = context.Queue()
    server = context.Process(target=serve, args=(port, pace), daemon=True)
    server.start()
    try:
        yield f"http://127.0.0.1:{port.get(timeout=60)}/v1"
    finally:
        server.terminate()
        server.join()


# -- the clients

Read = Callable[[int, list[str]], Awaitable[None]]  # adds the texts of an answer of so many tokens to a list


@asynccontextmanager
async def lwtui(address: str) -> AsyncIterator[Read]:
    """Read with lwtui's client."""
    model = OpenAIModel(ModelSettings("m", base_url=address, context_length=1_000_000), "")
    metered = UsageTracker().task("a test").model(model, Prices())

    async def read(tokens: int, texts: list[str]) -> None:
        request = Request(Prompt((Message("user", PROMPT),)), tokens)
        async with aclosing(metered.stream(request)) as parts:
            async for part in parts:
                if isinstance(part, TextPiece):
                    texts.append(part.text)
        assert isinstance(part, Finished) and part.usage.completion == tokens

    yield read
    await model.aclose()


@asynccontextmanager
async def bare_loop(address: str) -> AsyncIterator[Read]:
    """Read with httpx and json alone."""
    import httpx2

    async with httpx2.AsyncClient(trust_env=False, timeout=None) as client:

        async def read(tokens: int, texts: list[str]) -> None:
            body = {"model": "m", "stream": True, "max_tokens": tokens}
            body |= {"messages": [{"role": "user", "content": PROMPT}]}
            async with client.stream("POST", f"{address}/chat/completions", json=body) as response:
                async for line in response.aiter_lines():
                    if line.startswith("data: ") and line != "data: [DONE]":
                        choices = json.loads(line[6:])["choices"]
                        if choices and (text := choices[0]["delta"].get("content")):
                            texts.append(text)

        yield read


CLIENTS = {"lwtui": lwtui, "httpx and json": bare_loop}


def check(texts: list[str], load: Load) -> None:
    expected = "".join(f" {WORDS[token % len(WORDS)]}" for token in range(load.tokens)) * load.calls
    assert "".join(texts) == expected, "each client has to read the whole text"


async def seconds(address: str, load: Load) -> list[tuple[float, float]]:
    """Return the seconds of CPU time that the clients take in each round."""
    rounds = []
    async with lwtui(address) as ours, bare_loop(address) as theirs:
        for number in range(-1, load.rounds):
            taken = {}
            for read in (ours, theirs) if number % 2 else (theirs, ours):
                texts: list[str] = []
                gc.collect()
                began = time.process_time()
                for _ in range(load.calls):
                    await read(load.tokens, texts)
                taken[read] = time.process_time() - began
                check(texts, load)
            rounds.append((taken[ours], taken[theirs]))
    return rounds[1:]  # the first one imported modules


def memory(field: str) -> int:
    """Return a figure of this process's memory, in bytes."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(re.findall(rf"{field}:\s+(\d+)", status)[0]) * 1024


def forget_most_memory() -> int:
    """Let VmHWM, the most memory, count from now. Returns the memory of now, in bytes."""
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return memory("VmRSS")


async def read_once(name: str, address: str, load: Load) -> int:
    """Read with one client. Returns by how many bytes the most resident memory has grown."""
    texts: list[str] = []
    async with CLIENTS[name](address) as read:
        await read(WARM_UP, [])
        before = forget_most_memory()
        for _ in range(load.calls):
            await read(load.tokens, texts)
        growth = memory("VmHWM") - before
    check(texts, load)
    return growth


def put_growth(result: Any, name: str, address: str, load: Load) -> None:
    result.put(asyncio.run(read_once(name, address, load)))


def growth(name: str, address: str, load: Load) -> int:
    """Measure the growth of memory with one client, in a process of its own."""
    context = multiprocessing.get_context("spawn")
    result = context.Queue()
    process = context.Process(target=put_growth, args=(result, name, address, load))
    process.start()
    process.join()
    if process.exitcode:
        raise SystemExit(f"{name} failed.")
    return int(result.get(timeout=60))


def is_met(ratio: float) -> str:
    return f"{ratio:.2f}, goal {GOAL}: {'met' if ratio <= GOAL else 'missed'}"


def measure_time(load: Load) -> bool:
    """Print the CPU time that both clients take. Returns whether the goal is met."""
    with serving(load.pace) as address:
        rounds = asyncio.run(seconds(address, load))
    tokens = load.tokens * load.calls * load.rounds
    print(f"{load.name}, {tokens:,} tokens in {load.rounds} rounds")
    for name, each in zip(CLIENTS, zip(*rounds, strict=True), strict=True):
        a_token = statistics.median(each) / load.tokens / load.calls
        print(f"  {name:<15} {sum(each):6.2f} s of CPU time, median {a_token * 1e6:6.1f} µs a token")
    ratio = statistics.median(ours / theirs for ours, theirs in rounds)
    print(f"  ratio of CPU time {is_met(ratio)}")
    return ratio <= GOAL


def measure_memory(load: Load) -> bool:
    """Print by how much memory grows with both clients. Returns whether the goal is met."""
    with serving(load.pace) as address:
        grown = [[growth(name, address, load) for name in CLIENTS] for _ in range(load.rounds)]
    print(f"{load.name}, {load.tokens * load.calls:,} tokens, {load.rounds} times")
    for name, each in zip(CLIENTS, zip(*grown, strict=True), strict=True):
        print(f"  {name:<15} {statistics.median(each) / 1e6:6.1f} MB more")
    ratio = statistics.median(ours / theirs for ours, theirs in grown)
    print(f"  ratio of growth {is_met(ratio)}")
    return ratio <= GOAL


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokens", type=int, default=100_000, help="tokens of a measurement (default: 100000)")
    tokens = max(10_000, parser.parse_args().tokens)
    met = [
        measure_time(Load("calls of 1,000 tokens", 1000, 5, tokens // 5000)),
        measure_time(Load("one call", tokens, 1, 3)),
        measure_time(Load("one token at a time, 2,000 a second", 500, 1, tokens // 5000, pace=2000)),
        measure_memory(Load("memory, one call", tokens, 1, 3)),
    ]
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
