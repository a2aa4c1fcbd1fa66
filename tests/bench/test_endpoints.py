"""One model behind several endpoints, with one bound on the calls in flight."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from lwtui.cli import main
from lwtui.config import ModelSettings, Settings
from lwtui.models.base import Finished, Message, ModelError, Prompt, Request
from lwtui_bench.endpoints import EndpointPool, open_endpoints
from tests.support.fault_server import Answer, Fault, FaultServer

MODELS = [{"id": "m-1", "context_length": 8000}]
REQUEST = Request(Prompt(messages=(Message("user", "x"),)), 10)


class Gate:
    """Answers only when ``expected`` calls are in flight at once; ``most`` is how many there have been."""

    def __init__(self, expected: int) -> None:
        self.expected, self.now, self.most = expected, 0, 0

    def answer(self, _: Any) -> Answer:
        self.now += 1
        self.most = max(self.most, self.now)
        return Answer(["Once ", "upon."], delay=self._wait)

    async def _wait(self) -> None:
        while self.most < self.expected:  # noqa: ASYNC110 - the servers may run in several event loops
            await asyncio.sleep(0.005)
        await asyncio.sleep(0.005)

    def leave(self) -> None:
        self.now -= 1


async def call(pool: EndpointPool, gate: Gate | None = None) -> str:
    parts = [part async for part in pool.stream(REQUEST)]
    if gate:
        gate.leave()
    assert isinstance(parts[-1], Finished)
    return "".join(getattr(part, "text", "") for part in parts)


def choices(*servers: FaultServer) -> list[ModelSettings]:
    return [ModelSettings(f"m@{at}", model="m-1", base_url=server.base_url) for at, server in enumerate(servers)]


@pytest.mark.parametrize("count", [1, 3])
async def test_as_many_calls_as_asked_for_are_in_flight_and_no_more(count: int) -> None:
    """The servers answer nothing until 64 calls have come in, so fewer would never end."""
    gate = Gate(64)
    servers = [await FaultServer(gate.answer, models=MODELS).__aenter__() for _ in range(count)]
    agent = await open_endpoints(choices(*servers), Settings(), 64)
    pool = agent.model
    assert isinstance(pool, EndpointPool)
    texts = await asyncio.gather(*(call(pool, gate) for _ in range(150)))
    assert texts == ["Once upon."] * 150
    assert pool.most_in_flight == gate.most == 64
    shares = [len(server.calls) for server in servers]
    assert sum(shares) == 150 and max(shares) - min(shares) < 40
    await agent.aclose()
    for server in servers:
        await server.__aexit__()


async def test_the_others_do_the_work_of_an_endpoint_that_fails() -> None:
    async with (
        FaultServer(models=MODELS) as good,
        FaultServer(faults=[Fault.http(503)] * 99, models=MODELS) as bad,
    ):
        agent = await open_endpoints(choices(bad, good), Settings(), 4)
        pool = agent.model
        assert isinstance(pool, EndpointPool)
        with pytest.raises(ModelError) as caught:
            await call(pool)
        assert caught.value.retryable
        for _ in range(5):
            await call(pool)
        assert (len(bad.calls), len(good.calls)) == (1, 5)
        await agent.aclose()


async def test_an_endpoint_that_is_not_there_is_left_out_unless_it_is_the_only_one() -> None:
    async with FaultServer(models=MODELS) as good:
        gone = ModelSettings("gone", model="m-1", base_url="http://127.0.0.1:9/v1")
        agent = await open_endpoints([gone, *choices(good)], Settings(), 4)
        for _ in range(3):
            try:
                await call(agent.model)  # type: ignore[arg-type]
            except ModelError as error:
                assert error.retryable
        assert good.calls
        await agent.aclose()


def test_the_benchmark_uses_all_endpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LWTUI_CONFIG_DIR", str(tmp_path))
    monkeypatch.setenv("LWTUI_API_KEY", "k")
    prompts = [{"prompt": f"Write {at} words.", "type": "News Report", "length": 20} for at in range(20, 28)]
    (tmp_path / "p.jsonl").write_text("".join(json.dumps(prompt) + "\n" for prompt in prompts))
    gate = Gate(8)
    with FaultServer(gate.answer, models=MODELS) as one, FaultServer(gate.answer, models=MODELS) as two:
        command = ["bench", "run", "--model", "m-1", "--data", str(tmp_path / "p.jsonl"), "--quiet"]
        command += ["--output", str(tmp_path / "a.jsonl"), "--concurrency", "8"]
        assert main([*command, "--base-url", one.base_url, two.base_url]) == 0
        assert len(one.calls) == len(two.calls) == 4
    assert len((tmp_path / "a.jsonl").read_text().splitlines()) == 8
