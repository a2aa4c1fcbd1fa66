"""Can a model judge? It compares sections with damaged copies of them, as a polishing pass compares old and new texts.

    python docs/experiments/judges.py --models starter-small starter --limit 8 --out judges.jsonl
    python docs/experiments/judges.py --out judges.jsonl --report

The sections are those of lwtui's documents in ``docs/experiments/real_chat``, or in the folder ``--texts``. Each is
damaged in four ways that a reader sees at once: its second half is missing, its sentences are shuffled, a paragraph
comes twice, or the text is that of another section. The model compares sound and damaged text in both orders. Where it
names the sound text both times, polishing would mend the damage; where it names the damaged one both times, polishing
would do the damage; where it names the same place both times, it does not judge. Every comparison is a line of the
output file, so the same command resumes where it stopped.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lwtui.agentwrite.agent import Agent, open_agent
from lwtui.agentwrite.pairwise import preferred
from lwtui.config import load_settings
from lwtui.documents.model import Brief, Plan, PlannedSection, Section, Status
from lwtui.text import count_words, sentences_of
from lwtui.text.language import detect_language

TEXTS = Path(__file__).parent / "real_chat"
CRITERIA = (
    "It says what its main point promises, and nothing of other sections.",
    "It is complete, and its sentences are in a sensible order.",
    "It says nothing twice.",
)
OUTCOMES = ("sound", "damaged", "always the first", "always the second", "undecided")


@dataclass(frozen=True)
class Sample:
    """A section and the document it belongs to."""

    name: str
    instruction: str
    title: str
    heading: str
    text: str


def samples_in(folder: Path) -> list[Sample]:
    """Return the sections of the documents in a folder that have more than one paragraph."""
    samples: list[Sample] = []
    for path in sorted(folder.glob("*-lwtui-*.txt")):
        title, *sections = re.split(r"(?m)^## ", path.read_text(encoding="utf-8"))
        title = title.strip().lstrip("# ")
        for section in sections:
            heading, _, text = section.partition("\n")
            if "\n\n" in text.strip():
                name = f"{path.stem} {len(samples)}"
                samples.append(Sample(name, f"Write “{title}”.", title, heading.strip(), text.strip()))
    return samples


def damaged(sample: Sample, other: Sample, draw: random.Random) -> dict[str, str]:
    """Return the damaged copies of a section, by the kind of damage."""
    paragraphs = sample.text.split("\n\n")
    sentences = sentences_of(sample.text)
    space = "" if detect_language(sample.text).startswith("zh") else " "
    shuffled = draw.sample(sentences, len(sentences))
    twice = draw.randrange(len(paragraphs))
    return {
        "half missing": space.join(sentences[: len(sentences) // 2]),
        "shuffled": space.join(shuffled),
        "paragraph twice": "\n\n".join([*paragraphs[: twice + 1], paragraphs[twice], *paragraphs[twice + 1 :]]),
        "another section": other.text,
    }


def outcome_of(verdicts: Sequence[int]) -> str:
    """Name what came of two verdicts: on sound and damaged text, and on damaged and sound text."""
    match tuple(verdicts):
        case (1, 2):
            return "sound"
        case (2, 1):
            return "damaged"
        case (1, 1):
            return "always the first"
        case (2, 2):
            return "always the second"
        case _:
            return "undecided"


async def compare(agent: Agent, sample: Sample, text: str) -> list[int]:
    """Return the verdicts on a section and its damaged copy, in both orders."""
    brief = Brief(sample.instruction, count_words(sample.text), language=detect_language(sample.text), seed=0)
    planned = PlannedSection(sample.heading, sample.heading, count_words(sample.text))
    plan = Plan(sample.title, (planned,))
    section = Section(
        planned.id, planned.title, planned.main_point, planned.words, Status.DONE, sample.text, planned.words
    )
    orders = [(sample.text, text), (text, sample.text)]
    return [await preferred(agent, brief, plan, section, order, CRITERIA) for order in orders]


async def run(options: argparse.Namespace, rows: list[dict[str, Any]]) -> None:
    """Make the comparisons that the file lacks."""
    done = {(row["model"], row["section"], row["damage"]) for row in rows}
    samples = samples_in(options.texts)
    chosen = samples[:: max(1, len(samples) // options.limit)][: options.limit]
    for model in options.models:
        agent = await open_agent(model, load_settings())
        try:
            for number, sample in enumerate(chosen):
                other = samples[(samples.index(sample) + len(samples) // 2) % len(samples)]
                for damage, text in damaged(sample, other, random.Random(number)).items():
                    if (model, sample.name, damage) in done:
                        continue
                    verdicts = await compare(agent, sample, text)
                    row = {"model": model, "section": sample.name, "damage": damage, "verdicts": verdicts}
                    rows.append(row)
                    with options.out.open("a", encoding="utf-8") as file:
                        file.write(json.dumps(row, ensure_ascii=False) + "\n")
        finally:
            await agent.aclose()


def report(rows: list[dict[str, Any]]) -> str:
    """Return the table of all comparisons."""
    lines = [f"| model | damage | comparisons | {' | '.join(OUTCOMES)} |", "| --- " * (3 + len(OUTCOMES)) + "|"]
    for model in sorted({row["model"] for row in rows}):
        mine = [row for row in rows if row["model"] == model]
        for damage in [*dict.fromkeys(row["damage"] for row in mine), "all"]:
            some = [row for row in mine if damage in ("all", row["damage"])]
            times = Counter(outcome_of(row["verdicts"]) for row in some)
            lines.append(f"| {model} | {damage} | {len(some)} | {' | '.join(str(times[one]) for one in OUTCOMES)} |")
    return "\n".join(lines)


def main() -> None:
    """Read the arguments, compare, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=[], help="models of the settings, or paths of GGUFs")
    parser.add_argument("--texts", type=Path, default=TEXTS, help="a folder of documents *-lwtui-*.txt")
    parser.add_argument("--limit", type=int, default=8, help="sections to take, from all of the documents")
    parser.add_argument("--out", type=Path, required=True, help="the file of results")
    parser.add_argument("--report", action="store_true", help="print the table of the file, compare nothing")
    options = parser.parse_args()
    lines = options.out.read_text(encoding="utf-8").splitlines() if options.out.exists() else []
    rows = [json.loads(line) for line in lines]
    if not options.report:
        asyncio.run(run(options, rows))
    print(report(rows))


if __name__ == "__main__":
    main()
