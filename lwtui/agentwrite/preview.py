"""Builds the exact prompt of the next call for a section, without making the call."""

from __future__ import annotations

from dataclasses import dataclass

from lwtui.agentwrite.agent import Agent
from lwtui.agentwrite.context import ContextBuilder
from lwtui.agentwrite.events import Emit, Event, NotesLeftOut
from lwtui.agentwrite.section_requests import SectionRequests
from lwtui.agentwrite.write import WorkingDocument, section_task
from lwtui.documents.model import Brief, Origin, Section, Status
from lwtui.text import count_words
from lwtui.translation import _

TASK = _("The task")
WHOLE = _("All of it, as it is sent")
_PARTS = {
    "Instruction": _("Instruction"),
    "Notes": _("Notes"),
    "Facts": _("Facts"),
    "Passages": _("Passages"),
    "Plan": _("Plan"),
    "Text before": _("Text before"),
    "Section as it stands": _("Section as it stands"),
    "This section so far": _("This section so far"),
}  # the names of the parts of a request on the screen


@dataclass(frozen=True)
class PromptPart:
    """A part of a prompt. ``tokens`` is an estimate if the model's own tokenizer is not available."""

    name: str
    text: str
    tokens: int


@dataclass(frozen=True)
class PromptPreview:
    """The next call for a section.

    Attributes:
        section: The section.
        parts: The parts of its prompt, and as the last one the whole prompt.
        tokens: Tokens of the whole prompt.
        answer: The most tokens that the answer may have.
        context_length: How many tokens prompt and answer may have together.
        exact: Whether the model's own tokenizer counted the tokens.
        summaries_to_make: How many earlier sections would first be summarized by calls of their own. The preview shows
            the first and last sentences of these sections instead.
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


class _PreviewContext(ContextBuilder):
    """Chooses the earlier text without calling a model, and counts the summaries that it would ask for."""

    missing_summaries = 0

    async def _ask_for_summary(self, agent: Agent, section: Section, emit: Emit) -> str:
        self.missing_summaries += agent.prompts.summary(section.text, self.brief) is not None
        return ""


async def preview(agent: Agent, brief: Brief, document: WorkingDocument, section_id: str) -> PromptPreview:
    """Return what the next call for a section would show the model. A finished section would be written again.

    Raises:
        KeyError: There is no such section.
        ModelError: Not even the plan fits the context.
    """
    section = next((section for section in document.sections() if section.id == section_id), None)
    if section is None:
        raise KeyError(section_id)
    if section.status is Status.DONE or section.starts_again:
        section = section.blank()
    keep = len(section.text) if section.origin is Origin.USER else agent.prompts.resume_at(section.text)
    text = section.text[:keep]
    left_out: list[str] = []

    async def keep_left_out(event: Event) -> None:
        if isinstance(event, NotesLeftOut):
            left_out.extend(event.titles)

    context = _PreviewContext(agent, brief, document.summaries)
    task = section_task(agent, brief, document, section, alone=False)
    requests = SectionRequests(agent, task, context, keep_left_out)
    await requests.prepare()
    request = await requests.request(text, count_words(text), salt=0, loops=0)
    whole = request.prompt.plain()
    tokens = await agent.model.count_tokens(whole)
    shown = requests.parts(text).items()
    parts = [PromptPart(_PARTS[name], part, await agent.model.count_tokens(part)) for name, part in shown]
    rest = max(0, tokens - sum(part.tokens for part in parts))
    how = _("The instructions to the model: your own prompts beside settings.toml, or those of lwtui.")
    return PromptPreview(
        section,
        (*parts, PromptPart(TASK, how, rest), PromptPart(WHOLE, whole, tokens)),
        tokens,
        request.max_tokens,
        agent.context_length,
        agent.model.capabilities.exact_tokens,
        context.missing_summaries,
        tuple(left_out),
    )
