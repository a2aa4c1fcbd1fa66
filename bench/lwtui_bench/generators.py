"""Generators answer samples: with one call, or with AgentWrite. They know nothing of scores or other samples."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any, Protocol

import regex

from lwtui.agentwrite.agent import Agent
from lwtui.agentwrite.events import Event, PlanDelta, Retrying
from lwtui.agentwrite.judge_check import UnableJudge
from lwtui.agentwrite.plan import direct_plan, plan_document
from lwtui.agentwrite.polish import PolishTeam, polish_document
from lwtui.agentwrite.polish_progress import POLISH, PolishProgress, stored_criteria, stored_progress
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
from lwtui.translation import _
from lwtui_bench.tasks import Sample

# A Chinese prompt may ask for an English text.
_ASKS_FOR_ENGLISH = regex.compile(r"[用以](?:英文|英语)|(?:英文|英语)(?:作文|写作|文章|短文|演讲)")

_FLUSH_SECONDS = 1.0
OnEvent = Callable[[Event], None]


@dataclass(frozen=True)
class Job:
    """One answer to generate: ``repeat`` counts the answers to the same sample, from 1."""

    sample: Sample
    repeat: int
    seed: int | None


@dataclass(frozen=True)
class GeneratedAnswer:
    """A generator's result.

    Attributes:
        fields: Further fields for the answer's row.
        earlier_usage: Token usage of interrupted runs that this answer continued.
    """

    text: str
    finish_reason: FinishReason
    fields: Mapping[str, Any]
    earlier_usage: Usage = field(default_factory=Usage)


class Generator(Protocol):
    """Generates answers to samples."""

    async def generate(self, agent: Agent, job: Job, on_event: OnEvent) -> GeneratedAnswer:
        """Generate one answer.

        Raises:
            LwtuiError: The sample cannot be answered.
        """
        ...

    def discard_progress(self, job: Job) -> None:
        """Delete what was kept to resume a job, now that its answer is stored."""
        ...


@dataclass(frozen=True)
class Completion:
    """The result of one call. ``thought`` says whether the model reasoned first; the text holds no reasoning."""

    text: str
    reason: FinishReason
    thought: bool = False


async def complete(agent: Agent, request: Request, on_event: OnEvent) -> Completion:
    """Make one call, and repeat it from the start if it breaks off.

    Raises:
        ModelError: The call fails for good.
    """

    async def emit(event: Event) -> None:
        on_event(event)

    answer = await ask_once(agent, await agent.fitted(request), emit)
    return Completion(clean(answer.text).strip(), answer.reason, answer.thought)


def plain_prompt(agent: Agent, text: str) -> Prompt:
    """Wrap ``text`` as a chat message, in the model's raw prompt format, or not at all, as its profile says."""
    if agent.profile.form == "completion":
        return Prompt(text=text)
    if agent.profile.template:
        return Prompt(text=agent.profile.template.replace("{prompt}", text))
    return Prompt(messages=(Message("user", text),))


class PartialAnswer:
    """Keeps what there is of an answer in a file while it streams."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._pending: list[str] = []
        self._flushed = 0.0
        self._begun = False

    def __enter__(self) -> PartialAnswer:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._flush()

    def follow(self, event: Event) -> None:
        """Take in an event of the call: text, or a retry, after which the text begins again."""
        if isinstance(event, Retrying):
            self._pending, self._begun = [], False
        elif isinstance(event, PlanDelta):
            self._pending.append(event.text)
            if monotonic() - self._flushed >= _FLUSH_SECONDS:
                self._flush()

    def _flush(self) -> None:
        if not self._pending:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a" if self._begun else "w", encoding="utf-8") as file:
            file.write("".join(self._pending))
        self._pending, self._begun, self._flushed = [], True, monotonic()


@dataclass(frozen=True)
class DirectGenerator:
    """Sends the prompt alone in one call, as for the published results, and takes the answer as it is.

    While an answer streams, what there is of it is kept in a text file in ``folder``, so that a run that is stopped
    after many minutes leaves it. One call cannot be resumed, so the prompt is asked again.
    """

    max_tokens: int
    folder: Path

    async def generate(self, agent: Agent, job: Job, on_event: OnEvent) -> GeneratedAnswer:
        """Generate one answer, of at most ``max_tokens`` tokens."""
        request = Request(
            self._prompt(agent, job),
            self.max_tokens,
            stop=agent.profile.stop,
            sampling=agent.profile.sampling,
            seed=job.seed,
        )
        with PartialAnswer(self._path(job)) as partial:

            def follow(event: Event) -> None:
                partial.follow(event)
                on_event(event)

            completion = await complete(agent, request, follow)
        if not completion.text and completion.reason == "length":
            remedy = agent.less_reasoning(request.role, _("raise --max-tokens"))
            raise ModelError(
                _("The model spent all its tokens on reasoning and gave no answer. {remedy}.", remedy=remedy),
                kind="no-answer",
            )
        return GeneratedAnswer(completion.text, completion.reason, {})

    def discard_progress(self, job: Job) -> None:
        """Delete the partial answer, and the folder with the last one."""
        self._path(job).unlink(missing_ok=True)
        if self.folder.is_dir() and not any(self.folder.iterdir()):
            self.folder.rmdir()

    def _path(self, job: Job) -> Path:
        return self.folder / f"{job.sample.id}-{job.repeat}.txt"

    def _prompt(self, agent: Agent, job: Job) -> Prompt:
        if agent.profile.form == "chat":
            return plain_prompt(agent, job.sample.prompt)
        # A base model does not follow instructions; its prompts turn the instruction into the beginning of a text.
        brief = _brief(agent, job, Mode.DIRECT)
        plan = direct_plan(brief)
        task = SectionTask(brief, plan, Draft(plan).sections()[0], 1, brief.words)
        return agent.prompts.section(task, SectionView(brief.words))


@dataclass(frozen=True)
class AgentWriteGenerator:
    """Plans, then writes section by section (AgentWrite, arXiv 2408.07055), and may polish the text.

    The text goes into a document in ``folder``, so that a killed run can resume it.
    """

    mode: Mode
    folder: Path
    passes: int = 0  # of polishing, once the text is written

    async def generate(self, agent: Agent, job: Job, on_event: OnEvent) -> GeneratedAnswer:
        """Generate one answer, or resume its document if there is one."""
        brief = _brief(agent, job, self.mode)
        path = self._path(job)
        if not path.exists():
            plan = await _make_plan(agent, brief, on_event)
            self.folder.mkdir(parents=True, exist_ok=True)
            with Document.create(path, brief, plan) as document:
                if self.passes:
                    document.set_setting(POLISH, PolishProgress(self.passes).to_json())
        with Document.open(path) as document:
            earlier_usage = document.usage
            tracker = UsageTracker(record=document.add_usage)
            async with recording(document, tracker) as recorder:

                async def emit(event: Event) -> None:
                    recorder.store(event)
                    on_event(event)

                await write_document(agent, brief, document, emit, tracker=tracker)
                if (progress := stored_progress(document)) is not None:
                    with suppress(UnableJudge):  # the text then stays as it is, which is what polishing with it gives
                        await polish_document(
                            PolishTeam(agent, agent, agent),
                            brief,
                            recorder,
                            emit,
                            criteria=stored_criteria(document),
                            progress=progress,
                            tracker=tracker,
                        )
            text, sections = _join_sections(document)
            fields: dict[str, Any] = {"title": document.title, "sections": sections}
            if self.passes:
                fields["polished"] = sum(_is_polished(document, section.id) for section in document.sections())
            return GeneratedAnswer(text, "stop", fields, earlier_usage)

    def discard_progress(self, job: Job) -> None:
        """Delete the job's document, and the folder with the last one."""
        self._path(job).unlink(missing_ok=True)
        if self.folder.is_dir() and not any(self.folder.iterdir()):
            self.folder.rmdir()

    def _path(self, job: Job) -> Path:
        return self.folder / f"{job.sample.id}-{job.repeat}.lw"


async def _make_plan(agent: Agent, brief: Brief, on_event: OnEvent) -> Plan:
    async def emit(event: Event) -> None:
        on_event(event)

    return await plan_document(agent, brief, emit)


def _is_polished(document: Document, section_id: str) -> bool:
    """Tell whether the section's text is a rewritten one."""
    current = next((version for version in document.revisions(section_id) if not version.is_alternative), None)
    return current is not None and current.provenance is not None and current.provenance.task == "polish"


def _join_sections(document: Document) -> tuple[str, list[dict[str, Any]]]:
    """Join the sections' texts with blank lines and without headings, as in the paper; return where each one is."""
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
    language = "en" if _ASKS_FOR_ENGLISH.search(sample.prompt) else sample.language
    return Brief(sample.prompt, sample.length, language, mode, agent.model.name, job.seed)
