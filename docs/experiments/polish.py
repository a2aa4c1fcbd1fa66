"""Does polishing help, are contradictions found, and do the facts that a section needs reach its prompt?

    python docs/experiments/polish.py --models starter gpt --prompts prompts.jsonl --seeds 0 1 --out runs
    python docs/experiments/polish.py --out runs --report
    python docs/experiments/polish.py --out runs --pairs pairs.json
    python docs/experiments/polish.py --plants
    python docs/experiments/polish.py --facts

The prompts are rows with ``prompt``, ``type`` and ``length``, as those of LongBench-Write; without ``--prompts``, they
are the twelve of the task ``trial``. Each model answers each prompt in one call (``direct``), by plain AgentWrite, and
polished. All of it goes through ``lwtui bench run``, so the same command resumes where it stopped. ``--pairs`` writes
plain and polished texts in an order drawn by chance for readers who must not know which is whose, and the key.

``--plants`` and ``--facts`` need no model. A scripted author writes documents into which statements are planted: 20
that contradict an earlier one, among as many that agree; and 40 facts that a section far behind needs. A scripted
critic reads what lwtui shows it, and quotes without a mistake, but also makes up quotes. What is measured is therefore
lwtui's own part: how the text is divided, which quotes count, and what is shown where; a real critic finds less.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import subprocess
import sys
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory

from lwtui.agentwrite.agent import Agent
from lwtui.agentwrite.critic import CriticEvent, Found, review
from lwtui.agentwrite.events import ignore
from lwtui.agentwrite.fact_notes import contradiction_findings, note_facts
from lwtui.agentwrite.fact_selection import FACT_SHARE, choose_facts, facts_before
from lwtui.agentwrite.lint import Finding, parts_of
from lwtui.agentwrite.preview import preview
from lwtui.agentwrite.prompt_builder import builder_for
from lwtui.agentwrite.prompt_templates import PromptTemplates
from lwtui.documents.facts import Fact
from lwtui.documents.model import Brief, Origin, Plan, PlannedSection
from lwtui.documents.store import Document
from lwtui.models.base import Capabilities, Finished, Request, StreamPart, TextPiece
from lwtui.models.profiles import PROFILES
from lwtui.models.usage import estimate_tokens
from lwtui.text import count_words
from lwtui_bench.summary import Run, load_runs

MODES = ("direct", "agentwrite", "agentwrite+polish")
CONTEXT = 8192  # tokens
PLANTS, NEEDED = 20, 40
SYLLABLES = re.findall("..", "bacedifoguhajekilomunaperisotuvawexiyozu")
HANZI = "天地人山水火木金土日月星云风雨雪花草树叶春夏秋冬东西南北红黄蓝绿黑白书画琴棋笔墨纸车船路桥门窗家国城"
STATEMENT = re.compile(
    r"([A-Z][a-z]+) (was born in|keeps|lives in the town of|has a debt of) ([A-Za-z0-9]+)(?: crowns| bees)?\."
)


# -- models at work


def run_models(options: argparse.Namespace) -> None:
    """Have each model answer the prompts in each mode; what is there already is not asked for again."""
    for model in options.models:
        for seed in options.seeds:
            for mode in MODES:
                command = [sys.executable, "-m", "lwtui", "bench", "run", "--model", model, "--task", "trial"]
                command += ["--mode", mode, "--seed", str(seed), "--output", str(options.out / f"seed-{seed}")]
                command += ["--data", str(options.prompts)] if options.prompts else []
                command += ["--limit", str(options.limit)] if options.limit else []
                subprocess.run(command, check=True)


def files_in(folder: Path) -> list[Path]:
    """Return the files of answers."""
    found = sorted(path for path in folder.glob("seed-*/*.jsonl") if path.stat().st_size)
    return [path for path in found if not path.stem.endswith((".judged", ".errors", ".duels"))]


def report(folder: Path) -> None:
    """Print a table of all runs: lengths, repetition, stock phrases, contradictions, tokens and time."""
    columns = "S_l | near duplicates | stock phrases /1,000 | contradictions /10,000 | tokens | seconds"
    print(f"| run | {columns} |")
    print(f"| --- |{' --- |' * (columns.count('|') + 1)}")
    for path in files_in(folder):
        for run in load_runs([path]):
            print(f"| {path.parent.name} {run.label} | {' | '.join(figures_of(run))} |")


def figures_of(run: Run) -> list[str]:
    """Return the cells of a run."""
    length, stock, errors = run.figure("S_l"), run.stock_phrases, run.contradictions
    answers = [scored.answer for scored in run.answers]
    return [
        f"{length.mean:.1f}" if length else "–",
        f"{run.metrics.get('duplicate_paragraphs', 0.0):.1%}",
        f"{stock.mean:.1f}" if stock else "–",
        f"{errors.mean:.1f}" if errors else "–",
        f"{fmean(answer.usage.total for answer in answers):,.0f}",
        f"{fmean(answer.seconds for answer in answers):,.0f}",
    ]


def write_pairs(folder: Path, target: Path) -> None:
    """Write plain and polished texts of the same model, prompt and seed, in an order drawn by chance, and the key."""
    pairs, key, draw = [], [], random.Random(1)
    for polished_path in (path for path in files_in(folder) if path.stem.endswith("agentwrite+polish")):
        plain_path = polished_path.with_name(polished_path.name.replace("agentwrite+polish", "agentwrite"))
        (plain,), (polished,) = load_runs([plain_path]), load_runs([polished_path])
        for prompt_id, answers in plain.by_prompt.items():
            if prompt_id in polished.by_prompt:
                both = [("plain", answers[0]), ("polished", polished.by_prompt[prompt_id][0])]
                draw.shuffle(both)
                pairs.append({"prompt": answers[0].answer.prompt, "texts": [scored.answer.text for _, scored in both]})
                key.append([name for name, _ in both])
    target.write_text(json.dumps(pairs, ensure_ascii=False, indent=1), encoding="utf-8")
    target.with_suffix(".key.json").write_text(json.dumps(key), encoding="utf-8")
    print(f"{len(pairs)} pairs in {target}")


# -- the scripted author and critic


class ScriptedModel:
    """A model with a short context that answers by a function of the prompt."""

    model_hash = ""
    name = "script"
    capabilities = Capabilities(CONTEXT, exact_tokens=True)

    def __init__(self, answer: Callable[[str], str]) -> None:
        self.answer = answer

    async def stream(self, request: Request) -> AsyncGenerator[StreamPart, None]:
        """Answer at once."""
        yield TextPiece(self.answer(request.prompt.messages[-1].content))
        yield Finished("stop")

    async def count_tokens(self, text: str) -> int:
        """Estimate the tokens."""
        return round(estimate_tokens(text))

    async def aclose(self) -> None:
        """Do nothing."""


def agent_of(answer: Callable[[str], str]) -> Agent:
    """Return an agent that answers by a function of the prompt."""
    profile = PROFILES["chat"]
    return Agent(ScriptedModel(answer), profile, builder_for(profile, PromptTemplates("chat")))


@dataclass
class Author:
    """Writes sentences of made-up words. Those of the sentences are shorter than names, and occur again and again."""

    draw: random.Random
    language: str = "en"

    def word(self, length: int) -> str:
        """Return a made-up word of some syllables, or of some characters in Chinese."""
        letters = HANZI if self.language == "zh" else SYLLABLES
        return "".join(self.draw.choice(letters) for _ in range(length))

    def filler(self) -> str:
        """Return a sentence that states nothing."""
        if self.language == "zh":
            return self.word(self.draw.randint(12, 24)) + "。"
        words = [self.word(self.draw.randint(1, 2)) for _ in range(self.draw.randint(8, 16))]
        return " ".join(words).capitalize() + "."

    def section(self, words: int, statements: Sequence[str]) -> str:
        """Return a section of some length with these statements at places drawn by chance."""
        sentences: list[str] = []
        while sum(map(count_words, sentences)) < words:
            sentences.append(self.filler())
        for statement in statements:
            sentences.insert(self.draw.randrange(len(sentences)), statement)
        gap = "" if self.language == "zh" else " "
        return "\n\n".join(gap.join(sentences[at : at + 6]) for at in range(0, len(sentences), 6))

    def statement(self, name: str) -> tuple[str, str]:
        """Return a statement about somebody, and another that cannot be true beside it."""
        form, values = self.draw.choice(
            [
                ("{} was born in {}.", ["1871", "1880", "1893", "1902"]),
                ("{} lives in the town of {}.", [self.word(3).capitalize() for _ in range(4)]),
                ("{} keeps {} bees.", ["two", "nine", "forty", "ninety"]),
                ("{} has a debt of {} crowns.", ["300", "475", "810", "990"]),
            ]
        )
        first, second = self.draw.sample(values, 2)
        return form.format(name, first), form.format(name, second)


@dataclass
class PlantedDocument:
    """A document with statements that contradict earlier ones (``plants``), and others that repeat them."""

    plan: Plan
    texts: dict[str, str]
    plants: set[frozenset[str]]


def planted(seed: int, sections: int = 30, words: int = 400) -> PlantedDocument:
    """Plant 20 contradictions and 20 repetitions, each in another section than the statement."""
    author = Author(random.Random(seed))
    titles = [author.word(3).capitalize() for _ in range(sections)]
    plan = Plan("A Valley", tuple(PlannedSection(title, "", words, f"s{at}") for at, title in enumerate(titles)))
    inside: dict[int, list[str]] = {at: [] for at in range(sections)}
    plants = set()
    for number in range(2 * PLANTS):
        true, false = author.statement(author.word(4).capitalize())
        early, late = sorted(author.draw.sample(range(sections), 2))
        inside[early].append(true)
        inside[late].append(false if number < PLANTS else true)
        if number < PLANTS:
            plants.add(frozenset((true, false)))
    texts = {f"s{at}": author.section(words, said) for at, said in inside.items()}
    return PlantedDocument(plan, texts, plants)


def clashes(statements: Sequence[str]) -> list[tuple[str, str]]:
    """Return the pairs of statements that cannot both be true, as a careful reader of them finds."""
    parsed = [(match[1], match[2], match[3], match[0]) for one in statements if (match := STATEMENT.search(one))]
    pairs = combinations(parsed, 2)
    return [(a[3], b[3]) for a, b in pairs if a[:2] == b[:2] and a[2] != b[2]]


def critic(prompt: str) -> str:
    """Answer as a critic that overlooks nothing and quotes without a mistake, but also makes up two quotes."""
    said = list(dict.fromkeys(match[0] for match in STATEMENT.finditer(prompt)))
    findings = [{"kind": "contradiction", "first": a, "second": b, "why": "Not both."} for a, b in clashes(said)]
    findings += [
        {"kind": "contradiction", "first": "The bridge has three arches.", "second": one, "why": "Made up."}
        for one in said[:2]
    ]
    return json.dumps({"findings": findings, "facts": said})


def keeper(prompt: str) -> str:
    """Note the statements of a section, and which of the known facts they contradict."""
    known = re.findall(r"(?m)^(\d+)\. (.*)$", prompt.partition("<facts>")[2].partition("</facts>")[0])
    said = [match[0] for match in STATEMENT.finditer(prompt.partition("<section")[2].partition("</section>")[0])]
    facts = [{"kind": "person", "subject": one.split()[0], "fact": one, "quote": one} for one in said]
    against = [
        {"number": int(number), "quote": one, "why": "Not both."}
        for number, fact in known
        for one in said
        if clashes([fact.split(": ", 1)[-1], one])
    ]
    against.append({"number": 1, "quote": "The bridge has three arches.", "why": "Made up."})
    return json.dumps({"facts": facts, "contradictions": against})


# -- contradictions


async def measure_plants(seeds: Sequence[int]) -> None:
    """Print recall and precision of both ways to find contradictions."""
    print(f"| document of 12,000 words, {PLANTS} planted, {CONTEXT:,} tokens of context | recall | precision |")
    print("| --- | --- | --- |")
    for name, find in (("review of the document", by_review), ("facts, section by section", by_facts)):
        recalls, precisions = [], []
        for seed in seeds:
            with TemporaryDirectory() as folder:
                written = planted(seed)
                with Document.create(Path(folder) / "a.lw", Brief("A valley", 12_000, "en"), written.plan) as document:
                    for section_id, text in written.texts.items():
                        document.edit(section_id, text, Origin.MODEL)
                    found = [as_pair(finding) for finding in await find(document)]
            true = [pair for pair in found if pair in written.plants]
            recalls.append(len(set(true)) / len(written.plants))
            precisions.append(len(true) / len(found) if found else 1.0)
        print(f"| {name} | {fmean(recalls):.0%} | {fmean(precisions):.0%} |", flush=True)


def as_pair(finding: Finding) -> frozenset[str]:
    """Return the two statements of a finding, however much of them it quotes."""
    return frozenset(f"{place.quote.rstrip('.')}." for place in finding.places)


async def by_review(document: Document) -> list[Finding]:
    """Return the contradictions that the review of the whole document finds."""
    found: list[Finding] = []

    async def emit(event: CriticEvent) -> None:
        if isinstance(event, Found):
            found.append(event.finding)

    await review(agent_of(critic), document.brief, parts_of(document.sections()), emit)
    return found


class Noted:
    """A document that keeps the facts it is told, for :func:`note_facts`."""

    def __init__(self, document: Document) -> None:
        self.sections = document.sections
        self.facts: list[Fact] = []

    def noted(self) -> dict[str, str]:
        """Return nothing: no section is noted twice here."""
        return {}


async def by_facts(document: Document) -> list[Finding]:
    """Return the contradictions with earlier facts that are found while facts are noted."""
    agent, noted, found = agent_of(keeper), Noted(document), []
    for section in document.sections():
        event = await note_facts(agent, document.brief, noted, section, ignore)
        assert event is not None
        noted.facts += event.facts
        found += contradiction_findings(event, document.sections())
    return found


# -- facts in the prompts


async def measure_facts(seeds: Sequence[int]) -> None:
    """Print which share of the needed facts is in the prompt, by relevance and by recency alone."""
    print(f"| 20,000 words, {NEEDED} needed facts, {CONTEXT:,} tokens of context | by relevance | the latest alone |")
    print("| --- | --- | --- |")
    kinds = (("English, named in the main point", "en", False), ("English, named only in the text before", "en", True))
    for name, language, before in (*kinds, ("Chinese, named in the main point", "zh", False)):
        shares = [await share_of_needed(seed, language, before=before) for seed in seeds]
        print(f"| {name} | {fmean(one[0] for one in shares):.0%} | {fmean(one[1] for one in shares):.0%} |", flush=True)


async def share_of_needed(seed: int, language: str, *, before: bool) -> tuple[float, float]:
    """Return the shares of needed facts in the prompts: as lwtui chooses, and if it showed the latest facts alone."""
    author, agent = Author(random.Random(seed), language), agent_of(lambda prompt: "")
    sections, words = 50, 400
    name_size, stop = (3, "。") if language == "zh" else (4, ".")
    facts: list[Fact] = []
    inside: dict[int, list[str]] = {at: [] for at in range(sections)}
    for at in range(sections):
        for _ in range(12):
            subject = author.word(name_size).capitalize()
            said = f"{subject}{author.word(6)}{stop}" if language == "zh" else f"{subject} {author.filler()}"
            inside[at].append(said)
            facts.append(Fact("person", subject, said, said, f"s{at}"))
    needed: dict[int, list[Fact]] = {}
    for at in author.draw.sample(range(sections - 8), NEEDED):
        needed.setdefault(author.draw.randrange(at + 6, sections), []).append(facts[12 * at])
    points = {at: author.filler() for at in range(sections)}
    for at, wanted in needed.items():
        names = " ".join(fact.subject for fact in wanted)
        if before:
            inside[at - 1].append(f"{names} {author.filler()}")
        else:
            points[at] = f"{names} {points[at]}"
    titles = [author.word(3).capitalize() for _ in range(sections)]
    plan = Plan("A Valley", tuple(PlannedSection(titles[at], points[at], words, f"s{at}") for at in range(sections)))
    with TemporaryDirectory() as folder:
        brief = Brief("A valley", sections * words, language)
        with Document.create(Path(folder) / "a.lw", brief, plan) as document:
            for at, statements in inside.items():
                text = author.section(words, statements[:12])
                document.edit(f"s{at}", f"{text}\n\n{' '.join(statements[12:])}".strip(), Origin.MODEL)
                document.fact_book.renew(f"s{at}", "", [fact for fact in facts if fact.section_id == f"s{at}"])
            hits = [await shown(agent, document, at, fact) for at, wanted in needed.items() for fact in wanted]
    return fmean(hit[0] for hit in hits), fmean(hit[1] for hit in hits)


async def shown(agent: Agent, document: Document, at: int, fact: Fact) -> tuple[bool, bool]:
    """Tell whether a fact is in the prompt of a section: in its facts or the text before; and so by recency alone."""
    parts = {part.name: part.text for part in (await preview(agent, document.brief, document, f"s{at}")).parts}
    in_text = fact.quote in parts.get("Text before", "")
    latest = choose_facts(facts_before(document.facts, document.sections(), at), "", "", int(CONTEXT * FACT_SHARE))
    by_recency = any(one.text == fact.text for one in latest)
    return in_text or fact.text in parts.get("Facts", ""), in_text or by_recency


def main() -> None:
    """Run what the options say."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=[], help="models, as lwtui bench run takes them")
    parser.add_argument("--prompts", type=Path, help="a file of prompts (default: those of the task trial)")
    parser.add_argument("--limit", type=int, help="use only the first prompts")
    parser.add_argument(
        "--seeds", type=int, nargs="+", default=[0, 1, 2], help="of the sampling, or of the scripted author"
    )
    parser.add_argument("--out", type=Path, default=Path("polish-runs"), help="the folder of the answers")
    parser.add_argument("--report", action="store_true", help="print the table of all answers")
    parser.add_argument("--pairs", type=Path, help="write pairs for blind readers to this file")
    parser.add_argument("--plants", action="store_true", help="measure how contradictions are found, without a model")
    parser.add_argument("--facts", action="store_true", help="measure which facts reach the prompts, without a model")
    options = parser.parse_args()
    run_models(options)
    if options.report:
        report(options.out)
    if options.pairs:
        write_pairs(options.out, options.pairs)
    if options.plants:
        asyncio.run(measure_plants(options.seeds))
    if options.facts:
        asyncio.run(measure_facts(options.seeds))


if __name__ == "__main__":
    main()
