"""How much of an endpoint's throughput `lwtui bench run` gets, beside a bare asyncio loop with the same concurrency.

    .venv/bin/python bench/speed/bench_runner.py

120 prompts, 8 at once, against an endpoint on the loopback that fails in every fifth call, from a process of its own.
The bare loop does the least that gets all answers: it posts, reads the stream and, after a fault, waits as long as the
runner would and posts again; it parses, counts and stores nothing. Both are measured in turns. Goal: a ratio of 0.9.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from lwtui.agentwrite.agent import open_agent
from lwtui.agentwrite.events import Event
from lwtui.agentwrite.retry import RetryPolicy
from lwtui.config import ModelSettings, Settings
from lwtui.errors import LwtuiError
from lwtui.models.metering import UsageTracker
from lwtui_bench.generators import Direct, Job
from lwtui_bench.jsonl import JsonLines
from lwtui_bench.run import Identity, Runner, jobs_for, open_jobs
from lwtui_bench.tasks import Sample
from tests.support.fault_server import Answer, Fault, FaultServer

GOAL = 0.9
PROMPTS, CONCURRENCY, FAULTS = 120, 8, 0.2
PIECES, PIECE_SECONDS = 60, 0.01  # of an answer
DELAY = 0.05  # seconds before another try, in both loops


def serve(port: Any) -> None:
    """The endpoint: every answer takes 0.6 s, every fifth call fails in one of four ways."""
    random.seed(6)
    kinds = [Fault.http(500), Fault.http(503), Fault.cut(5), Fault.ends(5)]
    faults = (random.choice(kinds) if random.random() < FAULTS else None for _ in iter(int, 1))

    async def run() -> None:
        script = [f"word{at} and more of it. " for at in range(PIECES)]
        async with FaultServer(lambda _: Answer(script, delay=PIECE_SECONDS), faults) as server:
            port.put(server.port)
            await asyncio.Event().wait()

    asyncio.run(run())


def prompts() -> list[str]:
    return [f"Write about lighthouse number {at}." for at in range(PROMPTS)]


async def bare(address: str) -> float:
    """Seconds that the least takes."""
    import httpx2

    waiting = prompts()
    done: Counter[str] = Counter()

    async def work(client: httpx2.AsyncClient) -> None:
        while waiting:
            prompt = waiting.pop()
            body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": prompt}]}
            while True:
                data = b""
                with suppress(httpx2.HTTPError):
                    async with client.stream("POST", f"{address}/chat/completions", json=body) as response:
                        data = b"".join([piece async for piece in response.aiter_bytes()])
                if data.rstrip().endswith(b"[DONE]"):
                    break
                await asyncio.sleep(DELAY)
            done[prompt] += 1

    began = time.perf_counter()
    async with httpx2.AsyncClient(trust_env=False) as client:
        await asyncio.gather(*(work(client) for _ in range(CONCURRENCY)))
    assert len(done) == PROMPTS
    return time.perf_counter() - began


class Silent:
    """Watches a run and says nothing."""

    def started(self, job: Job) -> None: ...

    def happened(self, job: Job, event: Event) -> None: ...

    def stored(self, job: Job, row: Any) -> None: ...

    def failed(self, job: Job, error: LwtuiError) -> None:
        raise AssertionError(f"{job.sample.prompt} was not answered: {error}")


async def runner(address: str, folder: Path) -> float:
    """Seconds that the runner takes, with every answer on the disk."""
    model = ModelSettings("m", base_url=address, context_length=100_000)
    samples = [Sample(prompt, "News Report", 240) for prompt in prompts()]
    agent = await open_agent("m", Settings(), model=model)
    agent.policy = RetryPolicy(attempts=50, first_delay=DELAY, most_delay=DELAY)
    began = time.perf_counter()
    with JsonLines.open(folder / f"{time.monotonic_ns()}.jsonl") as store:
        identity = Identity("m", "direct", "speed", {})
        jobs = open_jobs(jobs_for(samples, 1, 0), identity, store)
        await Runner(agent, Direct(4096), identity, store, UsageTracker(), Silent()).run(jobs, CONCURRENCY)
    took = time.perf_counter() - began
    await agent.aclose()
    rows = [json.loads(line) for line in store.path.read_text(encoding="utf-8").splitlines()]
    assert Counter(row["prompt"] for row in rows) == Counter(prompts()), "each prompt is to be answered once"
    assert all(row["response"].endswith(f"word{PIECES - 1} and more of it.") for row in rows), "answers are to be whole"
    return took


async def measure(address: str, rounds: int) -> list[tuple[float, float]]:
    with tempfile.TemporaryDirectory() as folder:
        return [(await runner(address, Path(folder)), await bare(address)) for _ in range(rounds)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each (default: 3)")
    rounds = max(1, parser.parse_args().rounds)
    context = multiprocessing.get_context("spawn")
    port = context.Queue()
    server = context.Process(target=serve, args=(port,), daemon=True)
    server.start()
    try:
        times = asyncio.run(measure(f"http://127.0.0.1:{port.get(timeout=30)}/v1", rounds))
    finally:
        server.terminate()
    ours, least = (statistics.median(column) for column in zip(*times, strict=True))
    ratio = least / ours
    print(f"{PROMPTS} prompts, {CONCURRENCY} at once, {FAULTS:.0%} faults, median of {rounds}")
    print(f"lwtui bench run    {ours:6.2f} s  {PROMPTS / ours:5.1f} answers/s")
    print(f"bare asyncio loop  {least:6.2f} s  {PROMPTS / least:5.1f} answers/s")
    print(f"ratio {ratio:.3f}, goal {GOAL}: {'met' if ratio >= GOAL else 'missed'}")
    return 0 if ratio >= GOAL else 1


if __name__ == "__main__":
    raise SystemExit(main())
