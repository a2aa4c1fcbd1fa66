"""How a sample is answered: by one call, or by AgentWrite. A generator knows nothing of scores or of other samples."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import regex

from lwtui.agentwrite.agent import Agent
from lwtui.agentwrite.events import Event, PlanDelta
from lwtui.agentwrite.plan import direct_plan, plan_document
from lwtui.agentwrite.record import recording
from lwtui.agentwrite.section_task import SectionTask, SectionView
from lwtui.agentwrite.short_calls import ask_once
from lwtui.agentwrite.write import Draft, write_document
from lwtui.documents.model import Brief, Mode, Plan
from lwtui.documents.store import Document
from lwtui.models.base import FinishReason, Message, ModelError, Prompt, Request
from lwtui.models.metering import UsageTracker
from lwtui.models.usage import Usage
from lwtui.text import clean
from lwtui_bench.tasks import Sample

# A Chinese prompt may ask for an English text.
_IN_ENGLISH = regex.compile(r"[用以](?:英文|英语)|(?:英文|英语)(?:作文|写作|文章|短文|演讲)")

Tell = Callable[[Event], None]


@dataclass(frozen=True)
class Job:
    """A sample to be answered, for the ``number``-th time (from 1), with this seed."""

    sample: Sample
    number: int
    seed: int | None


@dataclass(frozen=True)
class Outcome:
    """An answer, how it ended, and the row's further fields. ``earlier`` was used by runs that were interrupted."""

    text: str
    finish_reason: FinishReason
    fields: Mapping[str, Any]
    earlier: Usage = field(default_factory=Usage)


class Generator(Protocol):
    """Answers samples."""

    async def answer(self, agent: Agent, job: Job, tell: Tell) -> Outcome:
        """Raises :class:`lwtui.errors.LwtuiError`."""
        ...

    def stored(self, job: Job) -> None:
        """The answer is safe; what was kept to go on with it can go."""
        ...


@dataclass(frozen=True)
class Reply:
    """What one call brought."""

    text: str
    reason: FinishReason
    thought: bool = False


async def ask(agent: Agent, request: Request, tell: Tell) -> Reply:
    """The answer to one call, made again from the beginning where it breaks off. Raises :class:`ModelError`."""

    async def emit(event: Event) -> None:
        if not isinstance(event, PlanDelta):
            tell(event)

    answer = await ask_once(agent, await agent.fitted(request), emit)
    return Reply(clean(answer.text).strip(), answer.reason, answer.thought)


def plain_prompt(agent: Agent, text: str) -> Prompt:
    """``text`` as the one message of a chat, in the raw shape that a model was tuned with, or as it is."""
    if agent.profile.form == "completion":
        return Prompt(text=text)
    if agent.profile.template:
        return Prompt(text=agent.profile.template.replace("{prompt}", text))
    return Prompt(messages=(Message("user", text),))


@dataclass(frozen=True)
class Direct:
    """One call with the prompt alone, as the published figures were made; the answer is taken as it comes."""

    max_tokens: int

    async def answer(self, agent: Agent, job: Job, tell: Tell) -> Outcome:
        request = Request(
            self._prompt(agent, job),
            self.max_tokens,
            stop=agent.profile.stop,
            sampling=agent.profile.sampling,
            seed=job.seed,
        )
        reply = await ask(agent, request, tell)
        if not reply.text and reply.reason == "length":
            raise ModelError(
                "All tokens went into reasoning, and no answer came. Raise --max-tokens, or lower the effort.",
                kind="no-answer",
            )
        return Outcome(reply.text, reply.reason, {})

    def stored(self, job: Job) -> None:
        """Nothing was kept: one call cannot be gone on with."""

    def _prompt(self, agent: Agent, job: Job) -> Prompt:
        if agent.profile.form == "chat":
            return plain_prompt(agent, job.sample.prompt)
        # A base model does not follow an instruction; its prompts make one the beginning of a text.
        brief = _brief(agent, job, Mode.DIRECT)
        plan = direct_plan(brief)
        task = SectionTask(brief, plan, Draft(plan).sections()[0], 1, brief.words)
        return agent.prompts.section(task, SectionView(brief.words))


@dataclass(frozen=True)
class AgentWrite:
    """A plan, then section by section, into a document in ``folder``: a run that is killed goes on with it."""

    mode: Mode
    folder: Path

    async def answer(self, agent: Agent, job: Job, tell: Tell) -> Outcome:
        brief = _brief(agent, job, self.mode)
        path = self._path(job)
        if not path.exists():
            plan = await _planned(agent, brief, tell)
            self.folder.mkdir(parents=True, exist_ok=True)
            Document.create(path, brief, plan).close()
        with Document.open(path) as document:
            earlier = document.usage
            tracker = UsageTracker(record=document.add_usage)
            async with recording(document, tracker) as recorder:

                async def emit(event: Event) -> None:
                    recorder.store(event)
                    tell(event)

                await write_document(agent, brief, document, emit, tracker=tracker)
            text, sections = _joined(document)
            return Outcome(text, "stop", {"title": document.title, "sections": sections}, earlier)

    def stored(self, job: Job) -> None:
        self._path(job).unlink(missing_ok=True)
        if self.folder.is_dir() and not any(self.folder.iterdir()):
            self.folder.rmdir()

    def _path(self, job: Job) -> Path:
        return self.folder / f"{job.sample.id}-{job.number}.lw"


async def _planned(agent: Agent, brief: Brief, tell: Tell) -> Plan:
    async def emit(event: Event) -> None:
        tell(event)

    return await plan_document(agent, brief, emit)


def _joined(document: Document) -> tuple[str, list[dict[str, Any]]]:
    """The sections' texts with blank lines between, without headings, as in the paper; and where each is."""
    text = ""
    sections = []
    for section in document.sections():
        text += "\n\n" if text else ""
        start, text = len(text), text + section.text
        about = {"title": section.title, "main_point": section.main_point, "words": section.words}
        sections.append(about | {"length": section.length, "start": start, "end": len(text)})
    return text, sections


def _brief(agent: Agent, job: Job, mode: Mode) -> Brief:
    sample = job.sample
    language = "en" if _IN_ENGLISH.search(sample.prompt) else sample.language
    return Brief(sample.prompt, sample.length, language, mode, agent.model.name, job.seed)
