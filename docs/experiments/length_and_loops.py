"""Compare texts of the demo model with and without length control and repetition filter.

    .venv/bin/python docs/experiments/length_and_loops.py [--only length loops]

``length``: a document of 20 sections of 150 words each, written by lwtui and by plain AgentWrite, which uses the same
prompts, makes one call per section and takes whatever comes. ``loops``: five long texts, each in one call, written by
lwtui with and without the repetition filter. Takes about half an hour on two cores.
"""

from __future__ import annotations

import argparse
import asyncio
import os
from contextlib import aclosing
from pathlib import Path
from statistics import fmean

from lwtui.agentwrite.agent import Agent
from lwtui.agentwrite.events import Continuing, TextRolledBack
from lwtui.agentwrite.plan import direct_plan
from lwtui.agentwrite.prompt_builder import builder_for
from lwtui.agentwrite.prompt_templates import PromptTemplates
from lwtui.agentwrite.section_task import SectionTask, SectionView
from lwtui.agentwrite.write import Draft, write
from lwtui.config import Role
from lwtui.documents.model import Brief, Mode, Plan, PlannedSection
from lwtui.models.base import Request, TextPiece
from lwtui.models.llama_cpp.client import LlamaModel
from lwtui.models.llama_cpp.demo import demo_path
from lwtui.models.profiles import PROFILES
from lwtui.text import count_words
from lwtui_bench.metrics import distinct_n, longest_repeat, tokens_of

WORDS = 150
TOPICS = ["soil", "pots", "seeds", "water", "light", "wind", "pests", "pruning", "harvest", "tools"]
TEXTS = [
    "Write a story about a lighthouse keeper",
    "Write an essay on why people keep diaries",
    "Write a report on the state of a small town's library",
    "Write a travel guide to an island that nobody visits",
    "Write a speech for the opening of a museum of clocks",
]
LONG = 1500  # words


def gardening() -> Plan:
    """Return a plan of 20 sections with equal targets."""
    return Plan(
        "Gardening",
        tuple(
            PlannedSection(f"{topic} in {place}".capitalize(), f"What to know about {topic} in {place}", WORDS)
            for place in ("spring", "autumn")
            for topic in TOPICS
        ),
    )


def task_of(brief: Brief, plan: Plan, number: int) -> SectionTask:
    """Return the task for section ``number`` (from 1) of a plan without any text."""
    section = Draft(plan).sections()[number - 1]
    return SectionTask(brief, plan, section, number, section.words)


async def plain_section(agent: Agent, task: SectionTask, written: str) -> str:
    """Return the completion of one call for a section; ``written`` is the text before it."""
    prompt = agent.prompts.section(task, SectionView(task.target, written))
    request = Request(prompt, max_tokens=task.target * 3 + 128)
    return await answered(agent, agent.prepared(await agent.fitted(request), task.brief, task.number, role=Role.WRITE))


async def answered(agent: Agent, request: Request) -> str:
    """Make one call and return its text."""
    parts = [part async for part in agent.model.stream(request)]
    return "".join(part.text for part in parts if isinstance(part, TextPiece)).strip()


async def lengths(agent: Agent) -> None:
    """Print the table of lengths."""
    plan, brief = gardening(), Brief("Write a guide to gardening", words=20 * WORDS, seed=1)
    draft, continued = Draft(plan), 0
    async with aclosing(write(agent, brief, draft)) as events:
        async for event in events:
            draft.apply(event)
            continued += isinstance(event, Continuing)
    controlled = [count_words(text) for text in draft.texts.values()]
    written, plain = "", []
    for number, section in enumerate(plan.sections, 1):
        text = await plain_section(agent, task_of(brief, plan, number), written)
        plain.append(count_words(text))
        written = "\n\n".join(filter(None, (written, agent.prompts.earlier(section.title, section.main_point, text))))
        written = written[-8000:]  # always fits the context
    print("| 20 sections of 150 words | mean distance from the target | shortest | longest | words in all |")
    print("| --- | --- | --- | --- | --- |")
    for name, found in ((f"lwtui ({continued} continued)", controlled), ("plain AgentWrite", plain)):
        distance = fmean(abs(length - WORDS) / WORDS for length in found)
        print(f"| {name} | {distance:.2f} | {min(found)} | {max(found)} | {sum(found)} |", flush=True)


async def loops(agent: Agent) -> None:
    """Print the table of repetition."""
    print("| text | distinct-4 with | without | longest repeat with | without | rolled back |")
    print("| --- | --- | --- | --- | --- | --- |")
    for seed, instruction in enumerate(TEXTS):
        brief = Brief(instruction, words=LONG, seed=seed, mode=Mode.DIRECT)
        plan = direct_plan(brief)
        draft, rolled_back = Draft(plan), 0
        async with aclosing(write(agent, brief, draft)) as events:
            async for event in events:
                draft.apply(event)
                rolled_back += isinstance(event, TextRolledBack)
        (filtered,) = draft.texts.values()
        prompt = agent.prompts.section(task_of(brief, plan, 1), SectionView(LONG))
        request = agent.prepared(Request(prompt, LONG * 2, min_words=LONG), brief, 1, role=Role.WRITE)
        free = await answered(agent, request)
        row = [instruction.removeprefix("Write ")]
        for text, measure in ((filtered, distinct_4), (free, distinct_4), (filtered, longest), (free, longest)):
            row.append(measure(" ".join(text.split()[:LONG])))
        print(f"| {' | '.join(row)} | {rolled_back} |", flush=True)


def distinct_4(text: str) -> str:
    return f"{distinct_n(tokens_of(text)[0], 4) or 0:.2f}"


def longest(text: str) -> str:
    return f"{longest_repeat(tokens_of(text)[0])}"


async def main(only: list[str]) -> None:
    model = await LlamaModel.load(demo_path(), "demo")
    profile = PROFILES["base"]
    agent = Agent(model, profile, builder_for(profile, PromptTemplates(profile.form, Path(os.devnull))))
    try:
        if "length" in only:
            await lengths(agent)
        if "loops" in only:
            await loops(agent)
    finally:
        await model.aclose()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=["length", "loops"], default=["length", "loops"])
    asyncio.run(main(parser.parse_args().only))
