"""How many of a model's plans are usable: plans alone, for every prompt of a benchmark.

    python bench/plans.py --model starter --prompts longbench_write.jsonl --out plans.jsonl
    python bench/plans.py --model starter --prompts longbench_write.jsonl --out free.jsonl --no-grammar

The prompts are rows with ``prompt`` and ``length``, as those of LongBench-Write. Each plan is written to the file as it
comes, so the same command goes on where it stopped. ``--no-grammar`` hides grammars and schemas from the planner, as
with an endpoint that has neither; ``--report`` only prints the table of a file.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import monotonic
from typing import Any

from lwtui.agentwrite.agent import Agent, open_agent
from lwtui.agentwrite.events import Event, PlanDelta, PlanRejected, PlanStarted
from lwtui.agentwrite.plan import plan_document
from lwtui.agentwrite.plan_format import PlanError
from lwtui.agentwrite.plan_repair import distinct
from lwtui.config import load_settings
from lwtui.documents.model import Brief, Plan
from lwtui.models.base import Capabilities, Model
from lwtui.text.language import detect_language

_LONGEST = 32_000  # words asked for; the longest prompt of the benchmark


@dataclass
class WithoutGrammar:
    """A model of which the planner does not know that it takes grammars or schemas."""

    model: Model

    def __getattr__(self, name: str) -> Any:
        return getattr(self.model, name)

    @property
    def capabilities(self) -> Capabilities:
        """What the model can do, but for these two."""
        return replace(self.model.capabilities, grammar=False, json_schema=False)


@dataclass
class Answers:
    """What came for one prompt: the text of every attempt, and why it was refused."""

    texts: list[str] = field(default_factory=list)
    refused: list[tuple[str, ...]] = field(default_factory=list)

    async def emit(self, event: Event) -> None:
        """Take up an event of the planner."""
        match event:
            case PlanStarted():
                self.texts.append("")
            case PlanDelta(text=text):
                self.texts[-1] += text
            case PlanRejected(findings=findings):
                self.refused.append(findings)
            case _:
                return


def repeated_sections(plan: Plan) -> int:
    """How many sections of a plan say what another one says, or have its heading."""
    headings = {section.title.casefold() for section in plan.sections}
    return len(plan.sections) - min(len(headings), len(distinct(plan).sections))


async def plan_one(agent: Agent, row: dict[str, Any], number: int, seed: int) -> dict[str, Any]:
    """The row of results for one prompt."""
    words = min(_LONGEST, int(row["length"]))
    brief = Brief(row["prompt"], words, language=detect_language(row["prompt"]), seed=seed + number)
    answers, began = Answers(), monotonic()
    plan: Plan | None = None
    try:
        plan = await plan_document(agent, brief, answers.emit)
    except PlanError as error:
        answers.refused.append(error.findings)
    return {
        "number": number,
        "words": words,
        "language": brief.language,
        "attempts": len(answers.texts),
        "refused": answers.refused,
        "texts": answers.texts,
        "sections": None if plan is None else [[one.title, one.main_point, one.words] for one in plan.sections],
        "repeated": 0 if plan is None else repeated_sections(plan),
        "seconds": round(monotonic() - began, 2),
    }


def report(rows: list[dict[str, Any]]) -> str:
    """The figures of a file of plans."""
    usable = [row for row in rows if row["sections"]]
    first = [row for row in usable if not row["refused"]]
    share = 100 / max(1, len(rows))
    return "\n".join(
        [
            f"plans                    {len(rows)}",
            f"usable at the first call {len(first)} ({len(first) * share:.1f} %)",
            f"usable at all            {len(usable)} ({len(usable) * share:.1f} %)",
            f"repeated sections        {sum(row['repeated'] for row in rows)}",
            f"sections                 {sum(len(row['sections']) for row in usable)}",
            f"calls                    {sum(row['attempts'] for row in rows)}",
        ]
    )


async def run(args: argparse.Namespace, rows: list[dict[str, Any]]) -> None:
    """Plan for every prompt of which the file has no row."""
    prompts = [json.loads(line) for line in args.prompts.read_text(encoding="utf-8").splitlines() if line.strip()]
    done = {row["number"] for row in rows}
    agent = await open_agent(args.model, load_settings())
    if not args.grammar:
        agent = replace(agent, model=WithoutGrammar(agent.model))
    todo = iter([number for number in range(len(prompts)) if number not in done])

    async def work() -> None:
        for number in todo:
            row = await plan_one(agent, prompts[number], number, args.seed)
            rows.append(row)
            with args.out.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
            print(f"{len(rows)}/{len(prompts)} {row['attempts']} {row['seconds']} s", file=sys.stderr, flush=True)

    try:
        await asyncio.gather(*(work() for _ in range(args.at_once)))
    finally:
        await agent.aclose()


def main() -> None:
    """Read the arguments, plan, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="starter", help="a model of the settings, or the path of a GGUF")
    parser.add_argument("--prompts", type=Path, help="JSON Lines with prompt and length")
    parser.add_argument("--out", type=Path, required=True, help="the file of results")
    parser.add_argument("--no-grammar", dest="grammar", action="store_false", help="as an endpoint without schemas")
    parser.add_argument("--at-once", type=int, default=4, help="plans side by side")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--report", action="store_true", help="print the table of the file, plan nothing")
    args = parser.parse_args()
    lines = args.out.read_text(encoding="utf-8").splitlines() if args.out.exists() else []
    rows = [json.loads(line) for line in lines]
    if not args.report:
        if args.prompts is None:
            parser.error("--prompts is needed")
        asyncio.run(run(args, rows))
    print(report(rows))


if __name__ == "__main__":
    main()
