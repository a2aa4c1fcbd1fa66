"""An agent on a scripted server, over real HTTP, with helpers for tests."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Iterable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, TypeVar

from lwtui.agentwrite import Agent, Draft, RetryPolicy, make_plan, write
from lwtui.agentwrite.events import Event, PlanReady, TextDelta
from lwtui.agentwrite.prompt_builder import builder_for
from lwtui.agentwrite.prompt_templates import PromptTemplates
from lwtui.documents.model import Brief, Plan, PlannedSection
from lwtui.models.base import Capabilities, Model, ModelError, Request, StreamPart
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
    """An agent with its server. ``error`` is the :class:`ModelError` that ended the last run, if one did."""

    agent: Agent
    server: FaultServer
    author: Any
    error: ModelError | None = None
    tracker: UsageTracker = field(default_factory=UsageTracker)
    events: list[Event] = field(default_factory=list)

    async def plan(self, brief: Brief) -> tuple[Plan, list[Event]]:
        """Make a plan, and return it with all events. Raises what planning raises."""
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
        """Write the document to its end, or close the iterator after ``stop_after`` events."""
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
        """The last message (or the raw prompt) of every call."""
        return [prompt_of(seen.json) for seen in self.server.calls]


@dataclass
class Small:
    """A model of which one knows that it is small."""

    model: Model
    requests: list[Request] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.model, name)

    @property
    def capabilities(self) -> Capabilities:
        return replace(self.model.capabilities, weights=10**9)

    def stream(self, request: Request) -> AsyncGenerator[StreamPart, None]:
        self.requests.append(request)
        return self.model.stream(request)


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
    """Serve ``author`` and connect an agent to it. ``settings`` are the model's, including ``context_length``."""
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
    """Make a plan with these target lengths, as the author would."""
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
    """Replace each run of white space by one space."""
    return " ".join(text.split())


def sentences(text: str) -> list[str]:
    cuts = [0, *sentence_ends(text)]
    return [stripped for start, end in pairwise(cuts) if (stripped := text[start:end].strip())]


def doubled(draft: Draft) -> list[str]:
    """Return the sentences that occur more than once in the document."""
    counts = Counter(found for text in texts(draft) for found in sentences(text))
    return [found for found, times in counts.items() if times > 1]


def streamed(events: Sequence[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


async def eventually(condition: Callable[[], bool], seconds: float = 5.0) -> bool:
    """Return whether ``condition`` becomes true within ``seconds``."""
    for _ in range(round(seconds / 0.01)):
        if condition():
            return True
        await asyncio.sleep(0.01)
    return False
