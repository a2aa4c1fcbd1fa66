"""The tokens of every call are counted, however it ends, and no call exceeds the budget."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from math import ceil
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lwtui.models.base import (
    Finished,
    Model,
    ModelError,
    Prompt,
    PromptProgress,
    ReasoningPiece,
    Request,
    StreamPart,
    TextPiece,
)
from lwtui.models.budget import Budget, BudgetReached, Prices
from lwtui.models.metering import UsageTracker
from lwtui.models.usage import NO_USAGE, Usage, estimate_tokens
from tests.errors import has_code
from tests.support.scripted import Script, ScriptedModel
from tests.support.studio import eventually

PROMPT = 10  # tokens
ASK = Request(Prompt(text="x" * PROMPT), max_tokens=50)
FREE = Prices()
PRICES = Prices(input=1e6, output=4e6)  # 1 and 4 per token
WORD = "seven!!"  # two tokens by the estimate
SAYS: Script = [TextPiece(WORD)] * 5 + [Finished("stop", Usage(12, 9))]
DROPPED = ModelError("Dropped.", kind="dropped", retryable=True)


class Limit:
    """A budget that a test changes."""

    def __init__(self, budget: Budget | None) -> None:
        self.budget = budget

    def __call__(self) -> Budget | None:
        return self.budget


class Bill(list[Usage]):
    """The usage that a tracker has recorded, call by call."""


def tracked(budget: Budget | None = None, **more: Any) -> tuple[UsageTracker, Bill]:
    bill = Bill()
    return UsageTracker(lambda: budget, record=bill.append, **more), bill


async def make_call(model: Model, request: Request = ASK) -> list[StreamPart]:
    async with aclosing(model.stream(request)) as parts:
        return [part async for part in parts]


async def collect(model: Model, request: Request = ASK) -> tuple[list[StreamPart], Exception | None]:
    """Make a call, and return its parts and the error that ended it."""
    parts: list[StreamPart] = []
    try:
        async with aclosing(model.stream(request)) as source:
            async for part in source:
                parts.append(part)
    except (BudgetReached, ModelError) as error:
        return parts, error
    return parts, None


# ---- counting ---------------------------------------------------------------------------------------------------


def estimated(*texts: str) -> Usage:
    return Usage(PROMPT, ceil(sum(map(estimate_tokens, texts))))


@pytest.mark.parametrize(
    ("script", "usage"),
    [
        # The usage reported at the end counts.
        (SAYS, Usage(12, 9)),
        ([TextPiece("a", Usage(11, 1)), TextPiece("b"), Finished("stop", Usage(11, 5, 3))], Usage(11, 5, 3)),
        # Without it, the last usage reported before counts; otherwise everything is estimated.
        ([TextPiece("a", Usage(11, 1)), TextPiece("b", Usage(11, 2)), Finished("stop")], Usage(11, 2)),
        ([TextPiece("a", Usage(11, 1)), TextPiece(WORD), Finished("stop")], Usage(11, 1)),
        ([TextPiece(WORD), TextPiece("字字字"), Finished("length")], estimated(WORD, "字字字")),
        ([ReasoningPiece(WORD), ReasoningPiece(WORD), TextPiece(WORD), Finished("stop")], estimated(*[WORD] * 3)),
        ([ReasoningPiece(WORD), Finished("length")], estimated(WORD)),
        # Processing the prompt does not count until text comes.
        ([PromptProgress(5, 10), TextPiece(WORD), Finished("stop")], estimated(WORD)),
        ([PromptProgress(5, 10), Finished("canceled")], NO_USAGE),
        ([Finished("stop", Usage(12, 0))], Usage(12, 0)),
        ([Finished("stop")], NO_USAGE),
        # A failed call counts by what came before.
        ([TextPiece(WORD), DROPPED], estimated(WORD)),
        ([TextPiece("a", Usage(11, 1)), DROPPED], Usage(11, 1)),
        ([PromptProgress(5, 10), DROPPED], NO_USAGE),
        ([DROPPED], NO_USAGE),
    ],
)
async def test_the_usage_of_a_call_is_counted_whatever_comes(script: Script, usage: Usage) -> None:
    tracker, bill = tracked()
    task = tracker.task("a plan")
    parts, error = await collect(task.model(ScriptedModel(script), FREE))
    assert [*parts, *([error] if error else [])] == script
    assert task.usage == tracker.usage == tracker.total == usage
    assert bill == ([usage] if usage != NO_USAGE else [])


async def test_a_call_under_way_is_counted_piece_by_piece() -> None:
    tracker, bill = tracked()
    task = tracker.task("a plan", key="s1")
    script: Script = [
        TextPiece(WORD),
        ReasoningPiece(WORD),
        TextPiece("a", Usage(11, 3)),
        Finished("stop", Usage(11, 8)),
    ]
    seen = []
    async with aclosing(task.model(ScriptedModel(script), PRICES).stream(ASK)) as parts:
        async for _ in parts:
            assert task.usage == tracker.usage == tracker.usage_of("s1")
            seen.append((tracker.usage, tracker.pieces, tracker.cost))
            assert not bill
    assert seen == [
        (Usage(10, 2), 1, 18.0),
        (Usage(10, 4), 2, 26.0),
        (Usage(11, 3), 3, 23.0),
        (Usage(11, 8), 3, 43.0),
    ]
    assert (tracker.usage, tracker.cost, bill) == (Usage(11, 8), 43.0, [Usage(11, 8)])


@pytest.mark.parametrize("way", ["close", "cancel"])
async def test_an_abandoned_call_ends_at_once_and_counts_by_what_came(way: str) -> None:
    tracker, bill = tracked()
    task = tracker.task("a plan")
    never = asyncio.Event()
    model = ScriptedModel([TextPiece(WORD), TextPiece(WORD), never, *SAYS])
    stream = task.model(model, FREE).stream(ASK)
    received: list[StreamPart] = []

    async def read() -> None:
        async with aclosing(stream) as parts:
            async for part in parts:
                received.append(part)
                if way == "close" and len(received) == 2:
                    return

    reading = asyncio.create_task(read())
    assert await eventually(lambda: len(received) == 2)
    if way == "cancel":
        reading.cancel()
    await asyncio.wait({reading}, timeout=5)
    assert (len(model.requests), model.running) == (1, 0)
    assert task.usage == tracker.usage == estimated(WORD, WORD) and bill == [estimated(WORD, WORD)]


async def test_the_prompt_of_a_local_model_is_counted_only_for_a_budget() -> None:
    """Counting costs a round trip, and the first piece reports the true number."""
    for budget, exact, counts in ((None, True, 0), (Budget(tokens=999), True, 1), (None, False, 1)):
        tracker, _ = tracked(budget)
        model = ScriptedModel(SAYS, exact_tokens=exact)
        await make_call(tracker.task("a plan").model(model, FREE))
        assert len(model.counted) == counts
        assert tracker.usage == Usage(12, 9)


async def test_tasks_are_counted_separately_and_found_by_their_keys() -> None:
    tracker, _ = tracked()
    plan, first, second = tracker.task("a plan"), tracker.task("section 1", key="s1"), tracker.task("more", key="s2")
    model = ScriptedModel(SAYS)
    for task in (plan, first, first, second):
        await make_call(task.model(model, FREE))
    assert (plan.usage, first.usage, second.usage) == (Usage(12, 9), Usage(24, 18), Usage(12, 9))
    assert tracker.usage == Usage(48, 36)
    assert (tracker.usage_of("s1"), tracker.usage_of("s2")) == (Usage(24, 18), Usage(12, 9))
    assert tracker.usage_of("s3") == NO_USAGE
    again = tracker.task("section 1 again", key="s1")  # the last task with a key counts
    assert tracker.usage_of("s1") == NO_USAGE
    await make_call(again.model(model, FREE))
    assert tracker.usage_of("s1") == Usage(12, 9) and tracker.usage == Usage(60, 45)


async def test_one_task_may_use_several_models_at_their_own_prices() -> None:
    tracker, bill = tracked(spent_amount=5.0)
    task = tracker.task("section 1")
    await make_call(task.model(ScriptedModel(SAYS), PRICES))
    await make_call(task.model(ScriptedModel(SAYS), Prices(1e6, 1e6)))
    await make_call(task.model(ScriptedModel(SAYS), FREE))
    assert task.usage == Usage(36, 27) and bill == [Usage(12, 9)] * 3
    assert tracker.cost == 5.0 + (12 + 36) + (12 + 9)


async def test_earlier_usage_is_only_in_the_total() -> None:
    tracker, _ = tracked(spent=Usage(100, 10))
    await make_call(tracker.task("a plan").model(ScriptedModel(SAYS), FREE))
    assert (tracker.usage, tracker.total) == (Usage(12, 9), Usage(112, 19))


async def test_a_metered_model_otherwise_behaves_like_the_model() -> None:
    model = ScriptedModel(SAYS)
    metered = tracked()[0].task("a plan").model(model, FREE)
    assert (metered.name, metered.model_hash, metered.capabilities) == ("scripted", "5c1", model.capabilities)
    assert await metered.count_tokens("four") == 4
    await metered.aclose()
    assert model.is_closed


# ---- budgets ----------------------------------------------------------------------------------------------------

# The same budgets in tokens and in money: prompt and completion cost the same.
EVEN = Prices(input=1e6, output=1e6)
BUDGETS = [lambda size: Budget(tokens=size), lambda size: Budget(amount=float(size))]
in_tokens_and_in_money = pytest.mark.parametrize("budget_of", BUDGETS, ids=["tokens", "money"])


@in_tokens_and_in_money
async def test_a_call_that_exceeds_the_budget_is_not_made(budget_of: Any) -> None:
    model = ScriptedModel(SAYS)
    for size, likely, made in (
        (60, None, True),  # 10 for the prompt and 50 for the completion
        (59, None, False),
        (59, 49, True),
        (30, 20, True),
        (29, 20, False),
        (59, 400, False),  # a completion never takes more than the call allows
        (60, 400, True),
    ):
        tracker, bill = tracked(budget_of(size))
        calls = len(model.requests)
        task = tracker.task("a plan", likely_completion=likely)
        _, error = await collect(task.model(model, EVEN))
        assert len(model.requests) == calls + made
        if made:
            assert error is None and bill == [Usage(12, 9)]
        else:
            assert isinstance(error, BudgetReached)
            assert str(error) == (
                f"The budget of {budget_of(size)} has no room for a plan. All text is kept. Raise the budget to go on."
            )
            assert tracker.usage == NO_USAGE and not bill


@in_tokens_and_in_money
async def test_ended_calls_and_earlier_usage_count_against_the_budget(budget_of: Any) -> None:
    for more in ({"spent": Usage(20, 1), "spent_prices": lambda: EVEN}, {}):
        tracker, _ = tracked(budget_of(80), **more)
        task = tracker.task("a plan")
        if not more:
            await make_call(task.model(ScriptedModel(SAYS), EVEN))
        model = ScriptedModel(SAYS)
        _, error = await collect(task.model(model, EVEN))
        assert isinstance(error, BudgetReached) and not model.requests
        await make_call(tracker.task("a plan", likely_completion=49).model(model, EVEN))


async def test_an_earlier_amount_counts_even_if_its_usage_is_unknown() -> None:
    tracker, _ = tracked(Budget(amount=80.0), spent_amount=21.0)
    _, error = await collect(tracker.task("a plan").model(ScriptedModel(SAYS), EVEN))
    assert isinstance(error, BudgetReached)
    assert tracker.share(Budget(amount=42.0)) == 0.5
    assert tracker.share(Budget(tokens=42)) == 0.0


async def test_a_model_without_prices_costs_no_money() -> None:
    tracker, _ = tracked(Budget(amount=0.01))
    parts, error = await collect(tracker.task("a plan").model(ScriptedModel(SAYS), FREE))
    assert error is None and parts == SAYS


@in_tokens_and_in_money
async def test_a_call_ends_when_the_budget_runs_out_and_its_text_is_kept(budget_of: Any) -> None:
    tracker, bill = tracked(budget_of(16))
    model = ScriptedModel([*[TextPiece(WORD)] * 9, Finished("stop", Usage(10, 18))])
    task = tracker.task("section 3 of 12", key="s3", likely_completion=1)
    parts, error = await collect(task.model(model, EVEN))
    assert parts == [TextPiece(WORD)] * 3  # 10 and three times 2
    assert isinstance(error, BudgetReached)
    assert str(error) == (
        f"The budget of {budget_of(16)} was used up during section 3 of 12. All text is kept. "
        "Raise the budget to go on."
    )
    assert model.running == 0
    assert tracker.usage == tracker.usage_of("s3") == Usage(10, 6) and bill == [Usage(10, 6)]
    _, error = await collect(task.model(model, EVEN))
    assert isinstance(error, BudgetReached) and len(model.requests) == 1


async def test_reasoning_can_exhaust_the_budget_but_the_last_part_cannot() -> None:
    tracker, _ = tracked(Budget(tokens=14))
    parts, error = await collect(
        tracker.task("a plan", likely_completion=1).model(ScriptedModel([ReasoningPiece(WORD)] * 9), FREE)
    )
    assert parts == [ReasoningPiece(WORD)] * 2 and isinstance(error, BudgetReached)
    tracker, _ = tracked(Budget(tokens=14))
    script: Script = [TextPiece(WORD), Finished("stop", Usage(10, 40))]  # more than the estimate
    parts, error = await collect(tracker.task("a plan", likely_completion=1).model(ScriptedModel(script), FREE))
    assert (parts, error, tracker.usage) == (script, None, Usage(10, 40))


@in_tokens_and_in_money
async def test_a_call_waits_for_a_running_call_that_may_make_room(budget_of: Any) -> None:
    for took, goes_on in ((Usage(12, 9), True), (Usage(12, 19), True), (Usage(12, 49), False)):
        gate = asyncio.Event()
        model = ScriptedModel([TextPiece(WORD), gate, Finished("stop", took)], SAYS)
        tracker, bill = tracked(budget_of(100))
        first = asyncio.create_task(collect(tracker.task("section 1").model(model, EVEN)))
        await asyncio.sleep(0.02)
        assert tracker.pieces == 1
        second = asyncio.create_task(collect(tracker.task("section 2").model(model, EVEN)))
        await asyncio.sleep(0.05)
        assert len(model.requests) == 1 and not second.done()  # each may take 60
        gate.set()
        assert (await first)[1] is None
        parts, error = await second
        assert isinstance(error, BudgetReached) is not goes_on
        assert len(model.requests) == 1 + goes_on and (parts == SAYS) is goes_on
        assert error is None or (error.code, error.purpose) == ("no-room", "section 2")
        assert bill == [took, Usage(12, 9)][: 1 + goes_on]


async def test_as_many_waiting_calls_are_made_as_the_budget_allows() -> None:
    gate = asyncio.Event()
    model = ScriptedModel([gate, Finished("stop", Usage(10, 10))])
    tracker, _ = tracked(Budget(tokens=130))
    calls = [asyncio.create_task(collect(tracker.task(f"call {at}").model(model, FREE))) for at in range(6)]
    await asyncio.sleep(0.05)
    assert len(model.requests) == 2
    gate.set()
    outcomes = await asyncio.gather(*calls)
    made = sum(error is None for _, error in outcomes)
    # Each takes 20 tokens and needs room for 60.
    assert made == len(model.requests) == 4 and tracker.usage.total == 80
    assert all(isinstance(error, BudgetReached) for _, error in outcomes if error)


async def test_a_waiting_call_can_be_canceled() -> None:
    gate = asyncio.Event()
    model = ScriptedModel([gate, *SAYS])
    tracker, bill = tracked(Budget(tokens=100))
    first, second = (asyncio.create_task(collect(tracker.task("a call").model(model, FREE))) for _ in range(2))
    await asyncio.sleep(0.05)
    second.cancel()
    await asyncio.wait({second}, timeout=5)
    assert second.cancelled()
    gate.set()
    assert (await first)[1] is None
    assert len(model.requests) == 1 and bill == [Usage(12, 9)] and tracker.usage == Usage(12, 9)


async def test_a_running_call_reserves_the_tokens_it_may_still_use() -> None:
    gate = asyncio.Event()
    tracker, _ = tracked(Budget(tokens=100))
    running = asyncio.create_task(collect(tracker.task("a plan").model(ScriptedModel([gate, *SAYS]), FREE)))
    await asyncio.sleep(0.02)
    tracker.check_room("section 1", Usage(30, 10), FREE)
    with pytest.raises(BudgetReached, check=has_code("no-room")):
        tracker.check_room("section 1", Usage(30, 11), FREE)
    tracker.check_left("section 1")
    gate.set()
    await running
    tracker.check_room("section 1", Usage(30, 49), FREE)
    assert tracker.share(Budget(tokens=100)) == 0.21
    assert tracker.share(Budget(tokens=100), Usage(4, 0), FREE) == 0.25


async def test_an_exhausted_budget_leaves_nothing() -> None:
    for spent, left in ((Usage(90, 9), True), (Usage(90, 10), False)):
        tracker, _ = tracked(Budget(tokens=100), spent=spent)
        if left:
            tracker.check_left("a plan")
        else:
            with pytest.raises(BudgetReached, check=has_code("no-room")):
                tracker.check_left("a plan")
    unlimited, _ = tracked()
    unlimited.check_left("a plan")
    unlimited.check_room("a plan", Usage(10**12, 10**12), FREE)


@given(
    size=st.integers(20, 400),
    takes=st.lists(st.integers(1, 50), min_size=1, max_size=8),
    at_once=st.integers(1, 8),
)
async def test_concurrent_calls_never_exceed_the_budget(size: int, takes: list[int], at_once: int) -> None:
    """As long as no completion is longer than its call allows."""
    tracker, bill = tracked(Budget(tokens=size))
    slots = asyncio.Semaphore(at_once)

    async def make(took: int) -> Exception | None:
        async with slots:
            model = ScriptedModel([TextPiece("a"), Finished("stop", Usage(PROMPT, took))])
            return (await collect(tracker.task("a call").model(model, FREE)))[1]

    errors = await asyncio.gather(*map(make, takes))
    assert tracker.usage.total == sum(usage.total for usage in bill) <= size
    if not any(errors):
        assert tracker.usage == Usage(PROMPT * len(takes), sum(takes))
    elif sum(takes) + 10 * len(takes) + 50 <= size:
        raise AssertionError("there was room for all")


# ---- budgets that change ----------------------------------------------------------------------------------------


async def test_lowering_the_budget_ends_a_running_call() -> None:
    limit = Limit(None)
    tracker = UsageTracker(limit)
    gate = asyncio.Event()
    model = ScriptedModel([TextPiece(WORD), TextPiece(WORD), gate, TextPiece(WORD), TextPiece(WORD)])
    running = asyncio.create_task(collect(tracker.task("section 1").model(model, FREE)))
    assert await eventually(lambda: tracker.pieces == 2)
    limit.budget = Budget(tokens=15)
    gate.set()
    parts, error = await running
    assert len(parts) == 3 and isinstance(error, BudgetReached)
    assert (error.code, error.purpose) == ("used-up", "section 1")


async def test_raising_or_removing_the_budget_allows_calls_again() -> None:
    for raised in (Budget(tokens=60), None):
        limit = Limit(Budget(tokens=20))
        tracker = UsageTracker(limit)
        model = tracker.task("section 1").model(ScriptedModel(SAYS), FREE)
        assert isinstance((await collect(model))[1], BudgetReached)
        limit.budget = raised
        assert await collect(model) == (SAYS, None)


async def test_raising_the_budget_during_a_call_lets_it_go_on() -> None:
    limit = Limit(Budget(tokens=14))
    tracker = UsageTracker(limit)
    gate = asyncio.Event()
    model = ScriptedModel([TextPiece(WORD), gate, *[TextPiece(WORD)] * 9])
    running = asyncio.create_task(collect(tracker.task("section 1", likely_completion=1).model(model, FREE)))
    assert await eventually(lambda: tracker.pieces == 1)
    limit.budget = Budget(tokens=20)
    gate.set()
    parts, error = await running
    assert len(parts) == 5 and isinstance(error, BudgetReached)


async def test_a_waiting_call_obeys_the_budget_in_force_when_another_ends() -> None:
    for later, made in ((Budget(tokens=1000), True), (None, True), (Budget(tokens=80), False)):
        limit = Limit(Budget(tokens=100))
        tracker = UsageTracker(limit)
        gate = asyncio.Event()
        model = ScriptedModel([gate, Finished("stop", Usage(10, 20))], SAYS)
        first = asyncio.create_task(collect(tracker.task("section 1").model(model, FREE)))
        await asyncio.sleep(0.02)
        second = asyncio.create_task(collect(tracker.task("section 2").model(model, FREE)))
        await asyncio.sleep(0.02)
        limit.budget = later
        gate.set()
        await first
        assert ((await second)[1] is None) is made and len(model.requests) == 1 + made


# ---- nested metering --------------------------------------------------------------------------------------------


async def test_a_model_metered_twice_is_counted_by_both_trackers() -> None:
    document, document_bill = tracked()
    run, run_bill = tracked()
    outer = run.task("section 1", key="s1")
    inner = document.task("a document", key="doc")
    model = ScriptedModel(SAYS, [TextPiece(WORD), DROPPED])
    nested = outer.model(inner.model(model, EVEN), EVEN)
    assert (nested.name, nested.model_hash) == ("scripted", "5c1")
    for _ in range(2):
        await collect(nested)
    both = Usage(12, 9) + estimated(WORD)
    assert document.usage == run.usage == inner.usage == outer.usage == both
    assert document.usage_of("doc") == run.usage_of("s1") == both
    assert document_bill == run_bill == [Usage(12, 9), estimated(WORD)]
    await nested.aclose()
    assert model.is_closed


@pytest.mark.parametrize("who", ["outer", "inner"])
async def test_either_budget_ends_a_call_metered_twice(who: str) -> None:
    outer, outer_bill = tracked(Budget(tokens=16) if who == "outer" else None)
    inner, inner_bill = tracked(Budget(tokens=16) if who == "inner" else None)
    model = ScriptedModel([TextPiece(WORD)] * 9)
    nested = outer.task("a run", likely_completion=1).model(
        inner.task("a document", likely_completion=1).model(model, FREE), FREE
    )
    parts, error = await collect(nested)
    assert isinstance(error, BudgetReached) and error.purpose == ("a run" if who == "outer" else "a document")
    assert len(parts) == 3 and model.running == 0
    assert outer.usage == inner.usage == Usage(10, 6) and outer_bill == inner_bill == [Usage(10, 6)]
    # And neither lets another call begin.
    _, error = await collect(nested)
    assert isinstance(error, BudgetReached) and len(model.requests) == 1
    assert outer.usage == inner.usage == Usage(10, 6)
