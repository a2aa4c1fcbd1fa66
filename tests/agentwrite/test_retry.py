"""Calls are retried after transient faults; each wait is an event, and there is a limit."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing

import pytest

from lwtui.agentwrite.events import Event, Retrying
from lwtui.agentwrite.retry import Retries, RetryPolicy, with_retries
from lwtui.models.base import ModelError, TextPiece
from lwtui.models.openai_api import OpenAIModel
from tests.support.fault_server import Answer, Fault, FaultServer
from tests.support.served import CHAT, ServedModel
from tests.support.studio import QUICK, eventually

STORY = "Once upon a time."


def listening(model: OpenAIModel, into: list[str]) -> Callable[[], Awaitable[None]]:
    """Make one attempt, which adds its text to ``into``."""

    async def call() -> None:
        async with aclosing(model.stream(CHAT)) as parts:
            async for part in parts:
                if isinstance(part, TextPiece):
                    into.append(part.text)

    return call


async def listen(
    server: FaultServer, policy: RetryPolicy = QUICK, *, gained: bool | None = None
) -> tuple[str, list[Retrying], ModelError | None]:
    """Return the text of all attempts, the waits and the error. ``gained`` says if failed attempts made progress."""
    text: list[str] = []
    waits: list[Retrying] = []

    async def emit(event: Event) -> None:
        assert isinstance(event, Retrying)
        waits.append(event)

    async def failed() -> bool:
        assert gained is not None
        return gained

    async with ServedModel(server) as model:
        try:
            await with_retries(
                listening(model, text),
                Retries(policy),
                emit,
                section_id="s1",
                failed=None if gained is None else failed,
            )
        except ModelError as error:
            return "".join(text), waits, error
    return "".join(text), waits, None


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault.http(429), "rate-limit"),
        (Fault.http(500), "server"),
        (Fault.http(503), "server"),
        (Fault.cut(0), "dropped"),
        (Fault.malformed(0), "malformed"),
        (Fault.garbage(0), "malformed"),
        (Fault.utf8(0), "malformed"),
        (Fault.error(0), "server"),
    ],
)
async def test_each_transient_fault_is_an_event_and_the_call_is_repeated(fault: Fault, kind: str) -> None:
    text, waits, error = await listen(FaultServer(faults=[fault]))
    assert (text, error) == (STORY, None)
    assert [(wait.fault, wait.attempt, wait.section_id) for wait in waits] == [(kind, 1, "s1")]
    assert waits[0].reason and "\n" not in waits[0].reason


async def test_an_empty_answer_is_a_fault_if_it_is_empty_without_a_system_message_too() -> None:
    text, waits, error = await listen(FaultServer(faults=[Fault.ends(0), Fault.ends(0)]))
    assert (text, error) == (STORY, None)
    assert [(wait.fault, wait.attempt) for wait in waits] == [("dropped", 1)]


async def test_consecutive_faults_are_counted_and_delays_grow() -> None:
    policy = RetryPolicy(attempts=6, first_delay=0.01, most_delay=0.04)
    text, waits, error = await listen(FaultServer(faults=[Fault.http(500)] * 5), policy)
    assert (text, error) == (STORY, None)
    assert [wait.attempt for wait in waits] == [1, 2, 3, 4, 5]
    for wait, middle in zip(waits, (0.01, 0.02, 0.04, 0.04, 0.04), strict=True):
        assert middle * 0.8 - 0.005 <= wait.delay <= middle * 1.2 + 0.005


async def test_the_delay_is_what_the_server_asks_for() -> None:
    _, waits, error = await listen(FaultServer(faults=[Fault.http(429, retry_after="0.15")]))
    assert error is None
    assert [wait.delay for wait in waits] == [0.15]


async def test_retries_end_with_one_clear_line() -> None:
    server = FaultServer(faults=[Fault.http(500)] * 100)
    text, waits, error = await listen(server)
    assert (text, len(waits), len(server.calls)) == ("", QUICK.attempts - 1, QUICK.attempts)
    assert error is not None and error.kind == "server"
    assert "\n" not in str(error)
    assert "Gave up after 6 tries" in str(error)


async def test_a_delay_past_the_total_limit_is_not_started() -> None:
    server = FaultServer(faults=[Fault.http(429, retry_after=3600)] * 3)
    _, waits, error = await listen(server)
    assert (waits, len(server.calls)) == ([], 1)
    assert error is not None and error.kind == "rate-limit"
    assert "Gave up after the first try: the server asks to wait 3600 s" in str(error)


async def test_the_total_limit_counts_from_the_first_failure_in_a_row() -> None:
    policy = RetryPolicy(attempts=1000, first_delay=0.05, most_delay=0.05, total_seconds=0.3)
    server = FaultServer(faults=[Fault.http(503)] * 1000)
    _, waits, error = await listen(server, policy)
    assert error is not None
    assert 3 <= len(waits) <= 8


async def test_a_pause_before_the_first_failure_does_not_use_up_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("lwtui.agentwrite.retry.monotonic", lambda: now[0])
    retries = Retries(RetryPolicy(total_seconds=300))
    now[0] += 3600  # the writer paused
    dropped = ModelError("Dropped.", kind="dropped", retryable=True)
    assert retries.delay_after(dropped) < 1
    now[0] += 301
    with pytest.raises(ModelError, match="Gave up after 2 tries in 301 s"):
        retries.delay_after(dropped)


@pytest.mark.parametrize("gained", [None, False])
async def test_pieces_without_progress_do_not_reset_the_count(gained: bool | None) -> None:
    server = FaultServer(faults=[Fault.cut(2)] * 100)  # always breaks off after two pieces
    text, _, error = await listen(server, gained=gained)
    assert len(server.calls) == QUICK.attempts
    assert text == "Once upon " * QUICK.attempts
    assert error is not None and error.kind == "dropped"


async def test_progress_resets_the_count_of_failures() -> None:
    server = FaultServer(faults=[Fault.cut(2)] * 20)
    _, waits, error = await listen(server, gained=True)
    assert error is None
    assert [wait.attempt for wait in waits] == [1] * 20


@pytest.mark.parametrize("fault", [Fault.http(401), Fault.http(400, message="No."), Fault.http(402)])
async def test_a_permanent_fault_is_raised_at_once(fault: Fault) -> None:
    server = FaultServer(faults=[fault] * 5)
    _, waits, error = await listen(server)
    assert error is not None and "Gave up" not in str(error)
    assert (waits, len(server.calls)) == ([], 1)


async def test_the_result_is_that_of_the_successful_attempt() -> None:
    dropped = ModelError("Dropped.", kind="dropped", retryable=True)
    outcomes: list[ModelError | str] = [dropped, dropped, "an answer"]
    order: list[str] = []

    async def call() -> str:
        order.append("call")
        outcome = outcomes.pop(0)
        if isinstance(outcome, ModelError):
            raise outcome
        return outcome

    async def failed() -> bool:
        order.append("failed")
        return False

    async def emit(event: Event) -> None:
        order.append("emit")

    assert await with_retries(call, Retries(QUICK), emit, failed=failed) == "an answer"
    assert order == ["call", "failed", "emit", "call", "failed", "emit", "call"]


async def test_other_errors_are_not_retried() -> None:
    calls = []

    async def call() -> None:
        calls.append(1)
        raise ZeroDivisionError

    async def emit(event: Event) -> None:
        raise AssertionError

    with pytest.raises(ZeroDivisionError):
        await with_retries(call, Retries(QUICK), emit)
    assert len(calls) == 1


async def test_canceling_ends_the_call() -> None:
    server = FaultServer(lambda _: Answer(["word "] * 500, delay=0.01))
    text: list[str] = []

    async def emit(event: Event) -> None:
        raise AssertionError

    async with ServedModel(server) as model:
        task = asyncio.create_task(with_retries(listening(model, text), Retries(QUICK), emit))
        assert await eventually(lambda: bool(text))
        task.cancel()
        await asyncio.wait({task}, timeout=5)
        assert task.cancelled()
        # The server notices with its next piece.
        assert await eventually(lambda: server.calls[0].hung_up)
    assert len(server.calls) == 1 and len(text) < 400
