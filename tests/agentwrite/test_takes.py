"""Takes of a section: the same request under other seeds, side by side where the backend can."""

from __future__ import annotations

from contextlib import aclosing
from typing import Any

import pytest

from lwtui.agentwrite import Draft
from lwtui.agentwrite.takes import Take, TakeMoved, TakeState, make_takes
from lwtui.documents.model import Brief
from lwtui.errors import LwtuiError
from tests.support.author import Author
from tests.support.fault_server import Answer, Fault
from tests.support.studio import Studio, open_studio, plan_of, prompt_of

BRIEF = Brief("Write a guide", 300, seed=5)


def by_seed(body: Any) -> Answer:
    """An author who says something else under each seed."""
    author = Author()
    answer = author(body)
    return Answer([f"Seed {body['seed']}. ", *answer.pieces], usage=answer.usage)


async def taken(studio: Studio, draft: Draft, count: int, brief: Brief = BRIEF) -> tuple[list[Take], list[TakeMoved]]:
    moves: list[TakeMoved] = []
    async with aclosing(make_takes(studio.agent, brief, draft, "s2", count)) as events:
        async for event in events:
            moves.append(event)
    takes = {move.take.number: move.take for move in moves}
    return [takes[number] for number in sorted(takes)], moves


async def test_takes_differ_by_their_seed_alone_and_leave_the_document_as_it_is() -> None:
    draft = Draft(plan_of(80, 90, 80), {"s1": "Before.", "s2": "What stands there.", "s3": "After."}, {"s1", "s2"})
    async with open_studio(by_seed) as studio:
        takes, moves = await taken(studio, draft, 3)
        calls = [seen.json for seen in studio.server.calls]
    assert [take.state for take in takes] == [TakeState.DONE] * 3
    assert len({take.text for take in takes}) == len({body["seed"] for body in calls}) == 3
    assert len({prompt_of(body) for body in calls}) == 1
    assert "Before." in prompt_of(calls[0]) and "What stands there." not in prompt_of(calls[0])
    for take, body in zip(takes, sorted(calls, key=lambda one: one["seed"]), strict=True):
        assert take.provenance is not None
        assert (take.provenance.task, take.provenance.seed) == (f"take {take.number}", body["seed"])
        assert take.text.startswith(f"Seed {body['seed']}. ") and 75 < take.length < 110
        assert take.usage.completion > 50
    assert len({take.provenance and take.provenance.prompt_hash for take in takes}) == 1
    assert draft.texts["s2"] == "What stands there."
    # They are written side by side: one begins before another ends.
    finished = [move.take.number for move in moves].index(1)
    assert {move.take.number for move in moves[finished : finished + 12]} == {1, 2, 3}


async def test_without_a_seed_one_is_drawn_so_that_it_can_be_kept() -> None:
    async with open_studio(by_seed) as studio:
        takes, _ = await taken(studio, Draft(plan_of(60, 60)), 2, Brief("Write", 120))
    assert len({take.provenance.seed for take in takes if take.provenance}) == 2


async def test_a_take_that_fails_does_not_stop_the_others() -> None:
    async with open_studio(by_seed, [Fault.http(401, message="no such key")]) as studio:
        takes, _ = await taken(studio, Draft(plan_of(60, 60)), 2)
    assert sorted(take.state for take in takes) == [TakeState.DONE, TakeState.FAILED]
    async with open_studio(by_seed, [Fault.http(401, message="no such key")] * 2) as studio:
        with pytest.raises(LwtuiError, match="key"):
            await taken(studio, Draft(plan_of(60, 60)), 2)
    async with open_studio(by_seed) as studio:
        with pytest.raises(LwtuiError, match="Between 1 and 8"):
            await taken(studio, Draft(plan_of(60, 60)), 9)
