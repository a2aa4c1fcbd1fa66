"""Exactly what the next call for a section would see, without making it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from lwtui.agentwrite.agent import Agent
from lwtui.agentwrite.context import ContextBuilder
from lwtui.agentwrite.events import Emit, Event, NotesLeftOut
from lwtui.agentwrite.section_requests import SectionRequests
from lwtui.agentwrite.write import WorkingDocument, section_task
from lwtui.documents.model import Brief, Origin, Section, Status
from lwtui.text import count_words

TASK = "The task"
WHOLE = "All of it, as it is sent"


@dataclass(frozen=True)
class PromptPart:
    """A part of a prompt. ``tokens`` is an estimate where the model's own tokenizer is not at hand."""

    name: str
    text: str
    tokens: int


@dataclass(frozen=True)
class PromptPreview:
    """A call that would be made.

    Attributes:
        section: The section that it is for.
        parts: The parts of its prompt, and last the whole.
        tokens: Tokens of the whole.
        answer: The most tokens of an answer.
        context_length: Tokens that prompt and answer may have together.
        exact: Whether the counts are by the model's own tokenizer.
        summaries_to_make: Summaries of earlier sections that another call would write before this one; the first and
            last sentences of those sections stand in their place.
        left_out: Titles of notes that the prompt has no room for.
    """

    section: Section
    parts: tuple[PromptPart, ...]
    tokens: int
    answer: int
    context_length: int
    exact: bool
    summaries_to_make: int = 0
    left_out: tuple[str, ...] = ()


class _QuietContext(ContextBuilder):
    """Chooses what is shown, and asks nobody for a summary."""

    asked = 0

    async def _ask_for_summary(self, agent: Agent, section: Section, emit: Emit) -> str:
        self.asked += agent.prompts.summary(section.text, self.brief) is not None
        return ""


async def preview(agent: Agent, brief: Brief, document: WorkingDocument, section_id: str) -> PromptPreview:
    """What the next call for a section would see; a finished section is taken to be written anew.

    Raises:
        KeyError: There is no such section.
        ModelError: Not even the plan fits the context.
    """
    section = next((one for one in document.sections() if one.id == section_id), None)
    if section is None:
        raise KeyError(section_id)
    if section.status is Status.DONE:
        section = replace(section, text="", length=0, origin=None)
    keep = len(section.text) if section.origin is Origin.USER else agent.prompts.resume_at(section.text)
    text = section.text[:keep]
    left_out: list[str] = []

    async def hear(event: Event) -> None:
        if isinstance(event, NotesLeftOut):
            left_out.extend(event.titles)

    context = _QuietContext(agent, brief, document.summaries)
    task = section_task(brief, document, section, alone=False)
    requests = SectionRequests(agent, task, context, hear)
    await requests.prepare()
    request = await requests.request(text, task.target - count_words(text), salt=0, loops=0)
    whole = request.prompt.plain()
    tokens = await agent.model.count_tokens(whole)
    shown = requests.parts(text).items()
    parts = [PromptPart(name, part, await agent.model.count_tokens(part)) for name, part in shown]
    rest = max(0, tokens - sum(part.tokens for part in parts))
    how = "What the model is told to do, and how: the prompts in the folder of settings.toml, or lwtui's own."
    return PromptPreview(
        section,
        (*parts, PromptPart(TASK, how, rest), PromptPart(WHOLE, whole, tokens)),
        tokens,
        request.max_tokens,
        agent.context_length,
        agent.model.capabilities.exact_tokens,
        context.asked,
        tuple(left_out),
    )
