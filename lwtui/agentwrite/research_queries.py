"""Makes search queries of a plan: with the planner model, or without one from the headings."""

from __future__ import annotations

import regex

from lwtui.agentwrite.agent import Agent
from lwtui.agentwrite.events import Emit, ignore
from lwtui.agentwrite.json_answers import STRING, ask_for_json, list_schema, object_schema, read_object, string_rule
from lwtui.agentwrite.plan_view import Detail, view_plan
from lwtui.agentwrite.prompt_builder import instruction_of
from lwtui.config import Role
from lwtui.documents.model import Brief, Plan
from lwtui.sources.research.results import tidy_queries

LIKELY_QUERIES = 120  # completion tokens of an answer
_TOKENS_PER_QUERY = 60
_PLAN_SHARE = 4  # characters of the plan per token of the context, at most: the prompt is short otherwise
_SALT = 7_919
_ITEM = regex.compile(r"\s*(?:[-*•]|\d{1,2}[.)、:])\s*(?P<query>\S.*)|\s*[\"“](?P<quoted>[^\"”]+)[\"”],?\s*")
_GRAMMAR = r"""root ::= "{\"queries\": [" query (", " query){0,MORE} "]}"
""" + string_rule("query", 120)


async def make_queries(agent: Agent, brief: Brief, plan: Plan, most: int, emit: Emit = ignore) -> list[str]:
    """Have a model make queries of a plan. A base model cannot: then they are the plan's headings.

    Args:
        agent: The model that plans.
        brief: What the writer asked for.
        plan: The plan; it may be empty.
        most: How many queries to ask for.
        emit: Awaited for retries.

    Raises:
        ModelError: The call failed for good.
        BudgetReached: The budget is used up.
    """
    if not agent.follows_instructions:
        return queries_of(brief, plan, most)
    shown = view_plan(plan, 1, Detail.FULL) if plan.sections else ""
    text = agent.prompts.templates.render(
        "research_queries",
        instruction=instruction_of(brief),
        plan=shown[: agent.context_length * _PLAN_SHARE // 2] or "(none yet)",
        most=most,
    )
    answer = await ask_for_json(
        agent,
        brief,
        text,
        role=Role.PLAN,
        tokens=64 + _TOKENS_PER_QUERY * most,
        salt=_SALT,
        grammar=_GRAMMAR.replace("MORE", str(max(0, most - 1))),
        schema=object_schema(queries=list_schema(STRING)),
        emit=emit,
    )
    return read_queries(answer, most) or queries_of(brief, plan, most)


def read_queries(answer: str, most: int) -> list[str]:
    """Return the queries in a model's answer: JSON, or one a line."""
    found = read_object(answer).get("queries")
    if isinstance(found, list):
        return tidy_queries(query for query in found if isinstance(query, str))[:most]
    lines = (_ITEM.fullmatch(line) for line in answer.split("\n"))
    return tidy_queries(match["query"] or match["quoted"] for match in lines if match)[:most]


def queries_of(brief: Brief, plan: Plan, most: int) -> list[str]:
    """Return queries without a model: the title, and the headings of the longest sections with it."""
    title = plan.title.rstrip("…") or brief.instruction
    longest = sorted((section for section in plan.sections if section.title), key=lambda section: -section.words)
    chosen = {section.id for section in longest[: most - 1]}
    headings = [section.title for section in plan.sections if section.id in chosen]
    return tidy_queries([title, *(f"{title} {heading}" for heading in headings)])[:most]
