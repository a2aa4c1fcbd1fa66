"""Tells whether a model on this machine can judge texts, before a document is polished with it.

Small models name the version that they read first, whatever the two say. With such a judge no rewritten text wins, so
that polishing would take minutes and change nothing. A judge is therefore shown a section beside damaged copies of it,
and has to prefer the section to one of them, in both orders.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lwtui.agentwrite.agent import Agent
from lwtui.agentwrite.cache_table import CacheTable, model_key
from lwtui.agentwrite.criteria import general_criteria
from lwtui.agentwrite.events import Emit, ignore
from lwtui.agentwrite.pairwise import is_better
from lwtui.documents.model import Brief, Plan, Section
from lwtui.documents.section_kind import SectionKind
from lwtui.errors import LwtuiError
from lwtui.models.base import ModelError
from lwtui.text import counts_characters, sentences_of
from lwtui.translation import _

_ABLE = CacheTable("judges.json")  # models that have passed
_LEAST_SENTENCES, _MOST_SENTENCES = 4, 20  # of the text that is judged: so many that damage shows


class UnableJudge(LwtuiError):
    """The judge prefers no text to a damaged copy of it."""

    code = "unable-judge"


async def check_judge(agent: Agent, brief: Brief, plan: Plan, sections: Sequence[Section], emit: Emit = ignore) -> None:
    """Check that a model on this machine can judge, unless it has passed before. Others are trusted.

    Args:
        agent: The judge.
        brief: What the writer asked for.
        plan: The plan.
        sections: Sections of the document; the beginning of the longest prose of them is judged.
        emit: Awaited for retries.

    Raises:
        UnableJudge: It prefers the section to neither copy in both orders.
        ModelError: A call failed for good.
        BudgetReached: The budget is used up.
    """
    key = model_key(agent.settings)
    if not agent.model.capabilities.weights or _ABLE.get(key):
        return
    prose = [section for section in sections if section.is_finished and section.kind is SectionKind.PROSE]
    longest = max(prose, key=lambda section: section.length, default=None)
    if longest is None or len(sentences := sentences_of(longest.text)[:_MOST_SENTENCES]) < _LEAST_SENTENCES:
        return
    space = "" if counts_characters(brief.language) else " "
    text, criteria = space.join(sentences), general_criteria(agent)
    for damaged in (sentences[: len(sentences) // 2], sentences[::-1]):
        copy = replace(longest, text=space.join(damaged))
        try:
            if await is_better(agent, brief, plan, copy, text, criteria, emit):
                _ABLE.put(key, True)
                return
        except ModelError as error:
            if error.kind != "context":
                raise
            return  # each section that does not fit will be told of
    raise UnableJudge(
        _(
            "{name} cannot judge: it prefers a section neither to half of it nor to its sentences in reverse "
            "order, so polishing would change nothing. Choose a larger model as the judge.",
            name=agent.model.name,
        )
    )
