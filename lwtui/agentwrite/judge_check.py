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
from lwtui.errors import LwtuiError
from lwtui.text import counts_characters, sentences_of
from lwtui.translation import _

_ABLE = CacheTable("judges.json")  # models that have passed
_LEAST_SENTENCES = 4  # of a text whose damage shows


class UnableJudge(LwtuiError):
    """The judge prefers no text to a damaged copy of it."""

    code = "unable-judge"


async def check_judge(agent: Agent, brief: Brief, plan: Plan, sections: Sequence[Section], emit: Emit = ignore) -> None:
    """Check that a model on this machine can judge, unless it is known. Others are trusted.

    Args:
        agent: The judge.
        brief: What the writer asked for.
        plan: The plan.
        sections: Finished sections; the longest of them is judged.
        emit: Awaited for retries.

    Raises:
        UnableJudge: It prefers the section to neither copy in both orders.
        ModelError: A call failed for good.
        BudgetReached: The budget is used up.
    """
    key = model_key(agent.settings)
    longest = max(sections, key=lambda section: section.length, default=None)
    if not agent.model.capabilities.weights or longest is None or _ABLE.get(key):
        return
    copies = damaged_copies(longest.text, brief.language)
    criteria = general_criteria(agent)
    for copy in copies:
        if await is_better(agent, brief, plan, replace(longest, text=copy), longest.text, criteria, emit):
            _ABLE.put(key, True)
            return
    if copies:
        raise UnableJudge(
            _(
                "{name} cannot judge: it prefers a section neither to half of it nor to its sentences in reverse "
                "order, so polishing would change nothing. Choose a larger model as the judge.",
                name=agent.model.name,
            )
        )


def damaged_copies(text: str, language: str) -> tuple[str, ...]:
    """Return the first half of a text, and its sentences in reverse order; nothing if it has few sentences."""
    sentences = sentences_of(text)
    if len(sentences) < _LEAST_SENTENCES:
        return ()
    space = "" if counts_characters(language) else " "
    return space.join(sentences[: len(sentences) // 2]), space.join(reversed(sentences))
