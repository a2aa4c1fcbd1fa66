"""Faults are waited out, the waiting is told, and it ends."""

from __future__ import annotations

from contextlib import aclosing

import pytest

from lwtui.agentwrite.calls import Patience, RetryPolicy, always, complete, stream_patiently
from lwtui.agentwrite.events import Retrying
from lwtui.documents.model import Usage
from lwtui.models.base import Finished, ModelError, Request, TextPiece
from tests.support.fault_server import Answer, Fault, FaultServer
from tests.support.served import CHAT, Served
from tests.support.studio import QUICK, eventually

STORY = "Once upon a time."


async def listen(
    server: FaultServer, policy: RetryPolicy = QUICK, *, gained: bool = False
) -> tuple[str, list[Retrying], ModelError | None]:
    """The text of all tries, the waits, and how it failed."""
    text, waits = "", []
    async with Served(server) as model:
        parts = stream_patiently(model, always(CHAT), Patience(policy), "s1", lambda: gained)
        try:
            async with aclosing(parts):
                async for part in parts:
                    if isinstance(part, Retrying):
                        waits.append(part)
                    elif isinstance(part, TextPiece):
                        text += part.text
        except ModelError as error:
            return text, waits, error
    return text, waits, None


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault.http(429), "rate-limit"),
        (Fault.http(500), "server"),
        (Fault.http(503), "server"),
        (Fault.cut(0), "dropped"),
        (Fault.ends(0), "dropped"),
        (Fault.malformed(0), "malformed"),
        (Fault.garbage(0), "malformed"),
        (Fault.utf8(0), "malformed"),
        (Fault.error(0), "server"),
    ],
)
async def test_each_transient_fault_is_told_and_tried_again(fault: Fault, kind: str) -> None:
    text, waits, error = await listen(FaultServer(faults=[fault]))
    assert (text, error) == (STORY, None)
    assert [(wait.fault, wait.attempt, wait.section_id) for wait in waits] == [(kind, 1, "s1")]
    assert waits[0].reason and "\n" not in waits[0].reason


async def test_several_faults_in_a_row_are_counted_and_waited_for_longer_and_longer() -> None:
    policy = RetryPolicy(attempts=6, first_delay=0.01, most_delay=0.04)
    text, waits, error = await listen(FaultServer(faults=[Fault.http(500)] * 5), policy)
    assert (text, error) == (STORY, None)
    assert [wait.attempt for wait in waits] == [1, 2, 3, 4, 5]
    for wait, middle in zip(waits, (0.01, 0.02, 0.04, 0.04, 0.04), strict=True):
        assert middle * 0.8 - 0.005 <= wait.delay <= middle * 1.2 + 0.005


async def test_the_wait_is_the_one_that_the_server_asks_for() -> None:
    _, waits, error = await listen(FaultServer(faults=[Fault.http(429, retry_after="0.15")]))
    assert error is None
    assert [wait.delay for wait in waits] == [0.15]


async def test_retries_end_with_one_clear_line() -> None:
    server = FaultServer(faults=[Fault.http(500)] * 100)
    text, waits, error = await listen(server)
    assert (text, len(waits), len(server.calls)) == ("", QUICK.attempts - 1, QUICK.attempts)
    assert error is not None and error.kind == "server"
    assert "\n" not in str(error)
    assert "Gave up after 6 tries" in str(error) and "what was written is kept" in str(error)


async def test_a_wait_past_the_total_limit_is_not_begun() -> None:
    server = FaultServer(faults=[Fault.http(429, retry_after=3600)] * 3)
    _, waits, error = await listen(server)
    assert (waits, len(server.calls)) == ([], 1)
    assert error is not None and error.kind == "rate-limit"
    assert "Gave up after the first try: the next may be made in 3600 s only" in str(error)


async def test_the_total_limit_counts_from_the_first_failure_in_a_row() -> None:
    policy = RetryPolicy(attempts=1000, first_delay=0.05, most_delay=0.05, total_seconds=0.3)
    server = FaultServer(faults=[Fault.http(503)] * 1000)
    _, waits, error = await listen(server, policy)
    assert error is not None
    assert 3 <= len(waits) <= 8


async def test_a_pause_before_the_first_failure_does_not_use_up_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("lwtui.agentwrite.calls.monotonic", lambda: now[0])
    patience = Patience(RetryPolicy(total_seconds=300))
    now[0] += 3600  # the writer paused
    dropped = ModelError("Dropped.", kind="dropped", retryable=True)
    assert patience.delay_after(dropped) < 1
    now[0] += 301
    with pytest.raises(ModelError, match="Gave up after 2 tries in 301 s"):
        patience.delay_after(dropped)


async def test_pieces_that_have_to_be_asked_for_again_are_no_progress() -> None:
    server = FaultServer(faults=[Fault.cut(2)] * 100)  # always breaks off after two pieces
    text, _, error = await listen(server)
    assert len(server.calls) == QUICK.attempts
    assert text == "Once upon " * QUICK.attempts
    assert error is not None and error.kind == "dropped"


async def test_what_was_gained_restores_patience() -> None:
    server = FaultServer(faults=[Fault.cut(2)] * 20)
    _, waits, error = await listen(server, gained=True)
    assert error is None
    assert [wait.attempt for wait in waits] == [1] * 20


@pytest.mark.parametrize("fault", [Fault.http(401), Fault.http(400, message="No."), Fault.http(402)])
async def test_a_fault_that_lasts_is_raised_at_once(fault: Fault) -> None:
    server = FaultServer(faults=[fault] * 5)
    _, waits, error = await listen(server)
    assert error is not None and "Gave up" not in str(error)
    assert (waits, len(server.calls)) == ([], 1)


async def test_each_try_asks_for_its_request_anew() -> None:
    prompts = iter([CHAT, CHAT, CHAT])
    made = []

    async def next_request() -> Request:
        made.append(1)
        return next(prompts)

    async with Served(FaultServer(faults=[Fault.http(500), Fault.cut(1)])) as model:
        parts = [part async for part in stream_patiently(model, next_request, Patience(QUICK))]
    assert len(made) == 3
    assert isinstance(parts[-1], Finished)


async def test_a_short_answer_comes_whole_with_its_usage_whatever_was_cut_before() -> None:
    async with Served(FaultServer(faults=[Fault.cut(2), Fault.http(500)])) as model:
        items = [item async for item in complete(model, CHAT, Patience(QUICK))]
    assert [type(item) for item in items] == [Retrying, Retrying, Usage, str]
    assert items[-2:] == [Usage(11, 7), STORY]


async def test_closing_the_iterator_ends_the_call() -> None:
    server = FaultServer(lambda _: Answer(["word "] * 500, delay=0.01))
    async with Served(server) as model:
        parts = stream_patiently(model, always(CHAT), Patience(QUICK))
        async with aclosing(parts):
            async for _ in parts:
                break
        # The server sees it with its next piece.
        assert await eventually(lambda: server.calls[0].hung_up)
