"""Candidates for a section: the same request under different seeds, in parallel where the backend can."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from lwtui.agentwrite import Draft
from lwtui.agentwrite.candidates import Candidate, CandidateChanged, CandidateState, write_candidates
from lwtui.agentwrite.events import SectionFinished, SectionStarted, TextDelta, TextRolledBack
from lwtui.documents.model import Brief
from lwtui.errors import LwtuiError
from lwtui.models.base import Capabilities
from lwtui.models.budget import Budget, BudgetReached
from lwtui.models.metering import UsageTracker
from lwtui.models.usage import NO_USAGE
from tests.support.author import Author
from tests.support.fault_server import Answer, Fault
from tests.support.studio import Studio, open_studio, plan_of, prompt_of

BRIEF = Brief("Write a guide", 300, seed=5)


def by_seed(body: Any) -> Answer:
    """An author whose text depends on the seed."""
    author = Author()
    answer = author(body)
    return Answer([f"Seed {body['seed']}. ", *answer.pieces], usage=answer.usage)


class Changes(list[CandidateChanged]):
    """The changes that were emitted, and the candidates after them."""

    async def add(self, change: CandidateChanged) -> None:
        self.append(change)

    @property
    def candidates(self) -> list[Candidate]:
        by_number = {change.candidate.number: change.candidate for change in self}
        return [by_number[number] for number in sorted(by_number)]


async def candidates_of(
    studio: Studio, draft: Draft, count: int, brief: Brief = BRIEF, tracker: UsageTracker | None = None
) -> tuple[list[Candidate], Changes]:
    changes = Changes()
    await write_candidates(studio.agent, brief, draft, "s2", count, changes.add, tracker)
    return changes.candidates, changes


async def test_candidates_differ_only_by_seed_and_do_not_change_the_document() -> None:
    draft = Draft(plan_of(80, 90, 80), {"s1": "Before.", "s2": "What stands there.", "s3": "After."}, {"s1", "s2"})
    tracker = UsageTracker()
    async with open_studio(by_seed) as studio:
        candidates, changes = await candidates_of(studio, draft, 3, tracker=tracker)
        calls = [seen.json for seen in studio.server.calls]
    assert [candidate.state for candidate in candidates] == [CandidateState.DONE] * 3
    assert len({candidate.text for candidate in candidates}) == len({body["seed"] for body in calls}) == 3
    assert len({prompt_of(body) for body in calls}) == 1
    assert "Before." in prompt_of(calls[0]) and "What stands there." not in prompt_of(calls[0])
    for candidate, body in zip(candidates, sorted(calls, key=lambda candidate: candidate["seed"]), strict=True):
        assert candidate.provenance is not None
        assert (candidate.provenance.task, candidate.provenance.seed) == (f"candidate {candidate.number}", body["seed"])
        assert candidate.provenance.basis is not None and "s1" in candidate.provenance.basis.shown
        assert candidate.text.startswith(f"Seed {body['seed']}. ") and 75 < candidate.length < 110
        assert candidate.usage.completion > 50
    assert sum((candidate.usage for candidate in candidates), NO_USAGE) == tracker.usage
    assert len({candidate.provenance and candidate.provenance.prompt_hash for candidate in candidates}) == 1
    assert draft.texts["s2"] == "What stands there."
    # They are written in parallel: a candidate starts before another one ends.
    finished = [change.candidate.number for change in changes].index(1)
    assert {change.candidate.number for change in changes[finished : finished + 12]} == {1, 2, 3}


async def test_a_candidate_applies_each_event_before_it_is_emitted() -> None:
    streamed: dict[int, str] = {}

    async def on_change(change: CandidateChanged) -> None:
        number, candidate = change.candidate.number, change.candidate
        match change.event:
            case SectionStarted():
                streamed[number] = ""
                assert candidate.state is CandidateState.WRITING
            case TextDelta(text=text):
                streamed[number] += text
            case TextRolledBack(keep=keep):
                streamed[number] = streamed[number][:keep]
            case SectionFinished(length=length):
                assert candidate.state is CandidateState.DONE and candidate.length == length
        assert candidate.text == streamed.get(number, "")

    async with open_studio(by_seed) as studio:
        await write_candidates(studio.agent, BRIEF, Draft(plan_of(60, 60)), "s2", 2, on_change)
    assert sorted(streamed) == [1, 2] and all(streamed.values())


async def test_a_backend_without_parallel_calls_writes_candidates_one_by_one() -> None:
    async with open_studio(by_seed) as studio:
        one_call = replace(studio.agent.model.capabilities, parallel=1)
        studio.agent = replace(studio.agent, model=WithCapabilities(studio.agent.model, one_call))
        _, changes = await candidates_of(studio, Draft(plan_of(60, 60)), 3)
    order = [change.candidate.number for change in changes]
    assert order == sorted(order) and set(order) == {1, 2, 3}


class WithCapabilities:
    """A model with other capabilities."""

    def __init__(self, model: Any, capabilities: Capabilities) -> None:
        self._model = model
        self.capabilities = capabilities

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)


async def test_a_brief_without_a_seed_gets_a_random_one_that_is_stored() -> None:
    async with open_studio(by_seed) as studio:
        candidates, _ = await candidates_of(studio, Draft(plan_of(60, 60)), 2, Brief("Write", 120))
    assert len({candidate.provenance.seed for candidate in candidates if candidate.provenance}) == 2


async def test_a_candidate_that_fails_does_not_stop_the_others() -> None:
    no_key = Fault.http(401, message="no such key")
    async with open_studio(by_seed, [no_key]) as studio:
        candidates, changes = await candidates_of(studio, Draft(plan_of(60, 60)), 2)
    assert sorted(candidate.state for candidate in candidates) == [CandidateState.DONE, CandidateState.FAILED]
    (failed,) = [change.candidate for change in changes if change.event is None]
    assert failed.state is CandidateState.FAILED and "key" in failed.error and failed.usage == NO_USAGE
    async with open_studio(by_seed, [no_key] * 2) as studio:
        with pytest.raises(LwtuiError, match="key"):
            await candidates_of(studio, Draft(plan_of(60, 60)), 2)
    async with open_studio(by_seed) as studio:
        with pytest.raises(LwtuiError, match="Between 1 and 8"):
            await candidates_of(studio, Draft(plan_of(60, 60)), 9)


async def test_candidates_stopped_by_the_budget_keep_their_text() -> None:
    draft = Draft(plan_of(60, 200))

    async def within(studio: Studio, tokens: int, likely: int) -> tuple[list[Candidate], UsageTracker]:
        changes, tracker = Changes(), UsageTracker(lambda: Budget(tokens=tokens))
        with pytest.raises(BudgetReached, match="another candidate"):
            await write_candidates(studio.agent, BRIEF, draft, "s2", 2, changes.add, tracker, likely)
        return changes.candidates, tracker

    async with open_studio(lambda body: replace(by_seed(body), delay=0.001)) as studio:
        whole, _ = await candidates_of(studio, draft, 1)
        took = whole[0].usage
        # Room for one candidate, when two have started.
        candidates, tracker = await within(studio, 2 * took.prompt + took.completion, likely=1)
        stopped = [candidate for candidate in candidates if candidate.state is CandidateState.STOPPED]
        assert stopped and {candidate.state for candidate in candidates} <= {
            CandidateState.STOPPED,
            CandidateState.DONE,
        }
        for candidate in stopped:
            assert 20 < candidate.length < 200 and "All text is kept" in candidate.error
            assert candidate.usage.prompt > 50 and candidate.usage.completion > 20 and candidate.provenance is not None
        assert sum((candidate.usage for candidate in candidates), NO_USAGE) == tracker.usage
        # The second candidate is not started without room for all of it.
        calls = len(studio.server.calls)
        candidates, tracker = await within(studio, took.total * 4 // 3, likely=took.completion)
        assert len(studio.server.calls) == calls + 1
        assert [candidate.state for candidate in candidates] == [CandidateState.DONE, CandidateState.FAILED]
        assert candidates[1].usage == NO_USAGE and not candidates[1].text
