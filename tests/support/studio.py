"""An agent on a scripted server, over real HTTP, and what a test asks of it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, TypeVar

from lwtui.agentwrite import Agent, Draft, RetryPolicy, make_plan, write
from lwtui.agentwrite.events import Event, PlanReady, TextDelta
from lwtui.agentwrite.prompt_builder import builder_for
from lwtui.agentwrite.prompt_templates import PromptTemplates
from lwtui.documents.model import Brief, Plan, PlannedSection
from lwtui.models.base import ModelError
from lwtui.models.metering import UsageTracker
from lwtui.models.openai_api import OpenAIModel
from lwtui.models.profiles import PROFILES
from lwtui.text import count_words, sentence_ends
from tests.support.author import title_of
from tests.support.fault_server import Fault, FaultServer
from tests.support.served import settings_for

_T = TypeVar("_T")
QUICK = RetryPolicy(attempts=6, first_delay=0.001, most_delay=0.005, total_seconds=20.0)


@dataclass
class Studio:
    """``error`` is what the last run raised, if it was a :class:`ModelError`."""

    agent: Agent
    server: FaultServer
    author: Any
    error: ModelError | None = None
    tracker: UsageTracker = field(default_factory=UsageTracker)
    events: list[Event] = field(default_factory=list)

    async def plan(self, brief: Brief) -> tuple[Plan, list[Event]]:
        """The plan, and all events. What planning raises, this raises."""
        self.events = []
        async with aclosing(make_plan(self.agent, brief)) as events:
            async for event in events:
                self.events.append(event)
        assert isinstance(self.events[-1], PlanReady)
        return self.events[-1].plan, self.events

    async def write(
        self,
        brief: Brief,
        draft: Draft | Plan,
        *,
        only: Collection[str] | None = None,
        stop_after: int | None = None,
        may_fail: bool = False,
    ) -> tuple[Draft, list[Event]]:
        """Write to the end, or close the iterator after so many events."""
        draft = draft if isinstance(draft, Draft) else Draft(draft)
        self.events, self.error = [], None
        try:
            async with aclosing(write(self.agent, brief, draft, only, self.tracker)) as events:
                async for event in events:
                    draft.apply(event)
                    self.events.append(event)
                    if stop_after is not None and len(self.events) >= stop_after:
                        break
        except ModelError as error:
            if not may_fail:
                raise
            self.error = error
        return draft, self.events

    @property
    def prompts(self) -> list[str]:
        """The last message, or the raw prompt, of every call."""
        return [prompt_of(seen.json) for seen in self.server.calls]


@asynccontextmanager
async def open_studio(
    author: Callable[[Any], Any],
    faults: Iterable[Fault | None] = (),
    *,
    profile: str = "chat",
    policy: RetryPolicy = QUICK,
    prompts: PromptTemplates | None = None,
    **settings: Any,
) -> AsyncIterator[Studio]:
    """Serve ``author`` and connect an agent to it. ``settings`` are those of the model, ``context_length`` too."""
    kind = PROFILES[profile]
    async with FaultServer(author, faults) as server:
        model = OpenAIModel(settings_for(server, **({"context_length": 32_768} | settings)), "")
        try:
            yield Studio(
                Agent(model, kind, builder_for(kind, prompts or PromptTemplates(kind.form)), policy), server, author
            )
        finally:
            await model.aclose()


def plan_of(*words: int) -> Plan:
    """A plan with these targets, as the author plans."""
    sections = (
        PlannedSection(title_of(number), f"what part {number} is about", target, f"s{number}")
        for number, target in enumerate(words, 1)
    )
    return Plan("A Plan", tuple(sections))


def prompt_of(body: Any) -> str:
    return body["prompt"] if "prompt" in body else body["messages"][-1]["content"]


def of_kind(kind: type[_T], events: Sequence[object]) -> list[_T]:
    return [event for event in events if isinstance(event, kind)]


def texts(draft: Draft) -> list[str]:
    return [section.text for section in draft.sections()]


def words(draft: Draft) -> int:
    return sum(map(count_words, texts(draft)))


def flat(text: str) -> str:
    """``text`` with each run of white space as one space."""
    return " ".join(text.split())


def sentences(text: str) -> list[str]:
    cuts = [0, *sentence_ends(text)]
    return [one for start, end in pairwise(cuts) if (one := text[start:end].strip())]


def doubled(draft: Draft) -> list[str]:
    """Sentences that the document says more than once."""
    counts = Counter(one for text in texts(draft) for one in sentences(text))
    return [one for one, times in counts.items() if times > 1]


def streamed(events: Sequence[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


async def eventually(true: Callable[[], bool], seconds: float = 5.0) -> bool:
    """Whether something becomes true within some time."""
    for _ in range(round(seconds / 0.01)):
        if true():
            return True
        await asyncio.sleep(0.01)
    return False
