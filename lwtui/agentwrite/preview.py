"""Exactly what the next call for a section would see, without making it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace

from lwtui.agentwrite.agent import Agent
from lwtui.agentwrite.context import Context
from lwtui.agentwrite.events import NotesLeftOut, Retrying
from lwtui.agentwrite.section_prompts import SectionPrompts
from lwtui.agentwrite.write import Manuscript, job_for
from lwtui.documents.model import Brief, Origin, Section, Status
from lwtui.text import count_words

TASK = "The task"
WHOLE = "All of it, as it is sent"


@dataclass(frozen=True)
class Part:
    """A part of a prompt. ``tokens`` is an estimate where the model's own tokenizer is not at hand."""

    name: str
    text: str
    tokens: int


@dataclass(frozen=True)
class Preview:
    """A call that would be made: its parts, and last the whole prompt. ``answer`` is how many tokens may come.

    ``summaries_to_make``: of earlier sections, which a call before this one would sum up; their first and last
    sentences stand there now. ``left_out``: titles of notes that there is no room for.
    """

    section: Section
    parts: tuple[Part, ...]
    tokens: int
    answer: int
    context_length: int
    exact: bool
    summaries_to_make: int = 0
    left_out: tuple[str, ...] = ()


class _Quiet(Context):
    """Chooses what is shown, and asks nobody for a summary."""

    asked = 0

    async def _asked_for(self, section: Section) -> AsyncGenerator[str | Retrying, None]:
        self.asked += self.agent.form.summary(section.text, self.brief) is not None
        return
        yield ""  # which makes it a generator


async def preview(agent: Agent, brief: Brief, manuscript: Manuscript, section_id: str) -> Preview:
    """What the next call for a section would see; one that is done is taken to be written anew.

    Raises ``KeyError`` for a section that is not there and :class:`~lwtui.models.base.ModelError` where not even the
    plan fits.
    """
    section = next((one for one in manuscript.sections() if one.id == section_id), None)
    if section is None:
        raise KeyError(section_id)
    if section.status is Status.DONE:
        section = replace(section, text="", length=0, origin=None)
    keep = len(section.text) if section.origin is Origin.USER else agent.form.resume_at(section.text)
    text = section.text[:keep]
    context = _Quiet(agent, brief, manuscript.summaries)
    prompts = SectionPrompts(agent, job_for(brief, manuscript, section, alone=False, take=0), context)
    left_out: tuple[str, ...] = ()
    async with aclosing(prompts.prepare()) as events:
        async for event in events:
            if isinstance(event, NotesLeftOut):
                left_out = event.titles
    request = await prompts.request(text, count_words(text), salt=0, loops=0)
    whole = request.prompt.plain()
    tokens = await agent.model.count_tokens(whole)
    parts = [Part(name, part, await agent.model.count_tokens(part)) for name, part in prompts.parts(text).items()]
    rest = max(0, tokens - sum(part.tokens for part in parts))
    task = "What the model is told to do, and how: the prompts in the folder of settings.toml, or lwtui's own."
    return Preview(
        section,
        (*parts, Part(TASK, task, rest), Part(WHOLE, whole, tokens)),
        tokens,
        request.max_tokens,
        agent.context_length,
        agent.model.capabilities.exact_tokens,
        context.asked,
        left_out,
    )
