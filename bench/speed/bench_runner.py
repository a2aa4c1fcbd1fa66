"""Compare the throughput of `lwtui bench run` with a bare asyncio loop of the same concurrency.

    .venv/bin/python bench/speed/bench_runner.py

Both send 120 prompts, 8 at a time, to a local endpoint in a process of its own that fails every fifth call. The bare
loop does the minimum to get all answers: it posts, reads the stream, and after a fault waits as long as the runner does
and posts again; it parses, counts and stores nothing. The two are measured alternately. Goal: a ratio of 0.9.
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
from lwtui_bench.generators import DirectGenerator, Job
from lwtui_bench.jsonl import JsonLinesFile
from lwtui_bench.run import RunIdentity, SuiteRunner, make_jobs, pending_jobs
from lwtui_bench.tasks import Sample
from tests.support.fault_server import Answer, Fault, FaultServer

GOAL = 0.9
PROMPTS, CONCURRENCY, FAULTS = 120, 8, 0.2
PIECES, PIECE_SECONDS = 60, 0.01  # per answer
RETRY_DELAY = 0.05  # seconds, in both loops


def serve(port: Any) -> None:
    """Run the endpoint: every answer takes 0.6 s, and every fifth call fails in one of four ways."""
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


async def bare_loop(address: str) -> float:
    """Return the seconds that the bare loop takes."""
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
                await asyncio.sleep(RETRY_DELAY)
            done[prompt] += 1

    start = time.perf_counter()
    async with httpx2.AsyncClient(trust_env=False) as client:
        await asyncio.gather(*(work(client) for _ in range(CONCURRENCY)))
    assert len(done) == PROMPTS
    return time.perf_counter() - start


class SilentWatcher:
    """Follows a run without output."""

    def on_start(self, job: Job) -> None: ...

    def on_event(self, job: Job, event: Event) -> None: ...

    def on_answer(self, job: Job, row: Any) -> None: ...

    def on_failure(self, job: Job, error: LwtuiError) -> None:
        raise AssertionError(f"{job.sample.prompt} was not answered: {error}")


async def suite_runner(address: str, folder: Path) -> float:
    """Return the seconds that the runner takes, with every answer on disk."""
    model = ModelSettings("m", base_url=address, context_length=100_000)
    samples = [Sample(prompt, "News Report", 240) for prompt in prompts()]
    agent = await open_agent("m", Settings(), model=model)
    agent.policy = RetryPolicy(attempts=50, first_delay=RETRY_DELAY, most_delay=RETRY_DELAY)
    start = time.perf_counter()
    with JsonLinesFile.open(folder / f"{time.monotonic_ns()}.jsonl") as store:
        identity = RunIdentity("m", "direct", "speed", {})
        jobs = pending_jobs(make_jobs(samples, 1, 0), identity, store)
        generator = DirectGenerator(4096, store.path.with_suffix(".parts"))
        runner = SuiteRunner(agent, generator, identity, store, UsageTracker(), SilentWatcher())
        await runner.run(jobs, CONCURRENCY)
    took = time.perf_counter() - start
    await agent.aclose()
    rows = [json.loads(line) for line in store.path.read_text(encoding="utf-8").splitlines()]
    assert Counter(row["prompt"] for row in rows) == Counter(prompts()), "each prompt must be answered once"
    assert all(row["response"].endswith(f"word{PIECES - 1} and more of it.") for row in rows), (
        "answers must be complete"
    )
    return took


async def measure(address: str, rounds: int) -> list[tuple[float, float]]:
    with tempfile.TemporaryDirectory() as folder:
        return [(await suite_runner(address, Path(folder)), await bare_loop(address)) for _ in range(rounds)]


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
    runner, bare = (statistics.median(column) for column in zip(*times, strict=True))
    ratio = bare / runner
    print(f"{PROMPTS} prompts, {CONCURRENCY} at once, {FAULTS:.0%} faults, median of {rounds}")
    print(f"lwtui bench run    {runner:6.2f} s  {PROMPTS / runner:5.1f} answers/s")
    print(f"bare asyncio loop  {bare:6.2f} s  {PROMPTS / bare:5.1f} answers/s")
    print(f"ratio {ratio:.3f}, goal {GOAL}: {'met' if ratio >= GOAL else 'missed'}")
    return 0 if ratio >= GOAL else 1


if __name__ == "__main__":
    raise SystemExit(main())
