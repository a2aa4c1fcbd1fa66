"""Has a model compare two texts in both orders: only two agreeing verdicts count."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from zlib import crc32

from lwtui.agentwrite.agent import Agent
from lwtui.agentwrite.criteria import criteria_list
from lwtui.agentwrite.events import Emit, ignore
from lwtui.agentwrite.json_answers import STRING, ask_for_json, choice_schema, object_schema, read_object, string_rule
from lwtui.agentwrite.prompt_builder import instruction_of
from lwtui.agentwrite.prompt_templates import language_name
from lwtui.config import Role
from lwtui.documents.model import Brief, Plan, Section

JUDGMENT_TOKENS = 300  # most tokens of a verdict
# Small models give a number that their own reason contradicts, but repeat a name.
_VERDICTS = {"version 1": 1, "version 2": 2, "neither": 0}
VERDICT_SCHEMA = object_schema(why=STRING, better=choice_schema(_VERDICTS))
VERDICT_GRAMMAR = (
    r'root ::= "{\"why\": " why ", \"better\": \"" verdict "\"}"'
    "\n"
    f"verdict ::= {' | '.join(map(json.dumps, _VERDICTS))}\n" + string_rule("why", 240)
)


async def is_better(
    agent: Agent,
    brief: Brief,
    plan: Plan,
    section: Section,
    text: str,
    criteria: Sequence[str],
    emit: Emit = ignore,
) -> bool:
    """Tell whether ``text`` is better than the section's own text, by two verdicts in both orders.

    A second verdict is asked for only if the first one prefers ``text``.

    Args:
        agent: The judge.
        brief: What the writer asked for.
        plan: The plan.
        section: The section, with its text.
        text: The other text.
        criteria: What they are judged by.
        emit: Awaited for retries.

    Raises:
        ModelError: A call failed for good, or the texts do not fit the model's context.
        BudgetReached: The budget is used up.
    """

    async def ask(first: str, second: str) -> int:
        return await preferred(agent, brief, plan, section, (first, second), criteria, emit)

    return await wins_both(ask, section.text, text)


async def wins_both(ask: Callable[[str, str], Awaitable[int]], old: str, new: str) -> bool:
    """Tell whether ``new`` wins in both orders. ``ask`` returns the verdict on two texts: 1, 2 or 0."""
    return await ask(old, new) == 2 and await ask(new, old) == 1


async def preferred(
    agent: Agent,
    brief: Brief,
    plan: Plan,
    section: Section,
    texts: tuple[str, str],
    criteria: Sequence[str],
    emit: Emit = ignore,
) -> int:
    """Return the number of the better of two texts in this order, 1 or 2, or 0 if the model prefers neither."""
    first, second = texts
    prompt = agent.prompts.templates.render(
        "polish_compare",
        instruction=instruction_of(brief),
        title=section.title or plan.title,
        main_point=section.main_point or section.title or plan.title,
        criteria=criteria_list(criteria),
        first=first,
        second=second,
        language=language_name(brief.language),
    )
    return await ask_verdict(agent, brief, prompt, emit)


async def ask_verdict(agent: Agent, brief: Brief, prompt: str, emit: Emit = ignore) -> int:
    """Ask a judge which of two versions is better, and return 1, 2, or 0 if it prefers neither.

    Args:
        agent: The judge.
        brief: What the writer asked for.
        prompt: The instruction, which has both versions and asks for the answer in the shape of ``polish_compare``.
        emit: Awaited for retries.

    Raises:
        ModelError: The call failed for good.
        BudgetReached: The budget is used up.
    """
    answer = await ask_for_json(
        agent,
        brief,
        prompt,
        role=Role.JUDGE,
        tokens=JUDGMENT_TOKENS,
        salt=crc32(prompt.encode("utf-8", "replace")) % 100_000,
        grammar=VERDICT_GRAMMAR,
        schema=VERDICT_SCHEMA,
        emit=emit,
    )
    return read_verdict(answer)


def read_verdict(answer: str) -> int:
    """Return the verdict in an answer: 1, 2, or 0 if it prefers neither or has none."""
    return find_verdict(answer) or 0


def find_verdict(answer: str) -> int | None:
    """Return the verdict in an answer: 1, 2, 0 if it prefers neither, or ``None`` if it has none."""
    better = str(read_object(answer).get("better", "")).strip().casefold().replace("_", " ")
    return int(better) if better in ("0", "1", "2") else _VERDICTS.get(better)
