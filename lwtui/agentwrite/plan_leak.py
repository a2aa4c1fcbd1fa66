"""Removes sections from a plan that only repeat the instructions for plans, as small models append them."""

from __future__ import annotations

import regex

from lwtui.agentwrite.prompt_templates import PromptTemplates
from lwtui.documents.model import Plan
from lwtui.documents.plan_edits import without_sections
from lwtui.text.word_runs import word_runs

_INSTRUCTIONS = ("plan", "plan_json", "plan_kinds", "plan_form", "plan_sources", "chapters", "chapter", "plan_revise")
_RUN = 8  # words in a row that a plan shares with its instructions only by repeating them
_PLACEHOLDER = regex.compile(r"\$\w+|<[^>\n]*>")  # what an instruction leaves to others to say


def without_leaked_sections(plan: Plan, templates: PromptTemplates, instruction: str) -> Plan:
    """Return a plan without the sections that repeat the prompt; if all do, the plan as it is.

    Args:
        plan: The plan.
        templates: The prompts with which it was made.
        instruction: The writer's own words, which a plan may repeat.
    """
    if templates.folder != "chat":
        return plan
    texts = [part for name in _INSTRUCTIONS for part in _PLACEHOLDER.split(templates.text(name))]
    leaked = frozenset().union(*(word_runs(text, _RUN) for text in texts)) - word_runs(instruction, _RUN)
    return without_sections(plan, lambda one: not leaked.isdisjoint(word_runs(f"{one.title}\n{one.main_point}", _RUN)))
