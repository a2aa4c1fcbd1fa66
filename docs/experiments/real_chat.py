"""Documents by a real chat model: by lwtui, by an earlier lwtui, by the method without control, and in one call.

    python docs/experiments/real_chat.py --models starter --prompts longbench_write.jsonl --out runs
    python docs/experiments/real_chat.py --out runs --report
    python docs/experiments/real_chat.py --out runs --pairs pairs.json

The prompts are rows with ``prompt`` and ``length``, as those of LongBench-Write. Every document is a file in the output
folder, so the same command resumes where it stopped. The methods:

- ``lwtui``: this tree.
- ``before``: another tree of lwtui, named with ``--before``, by its own command line.
- ``plain``: a call for the plan and one call a section, each with the plan and all the text so far. No check, no
  control of length or repetition. Every line of the plan is a step.
- ``direct``: one call for the whole document.

``--pairs`` writes pairs of texts for readers who must not know which is whose: each pair in an order drawn by chance,
and the key in a file of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import sqlite3
import subprocess
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import fmean
from time import monotonic
from typing import Any

from lwtui.agentwrite.agent import Agent, open_agent
from lwtui.agentwrite.events import Event, Redrafting, SectionFinished, TextRolledBack
from lwtui.agentwrite.length_habits import LengthHabits
from lwtui.agentwrite.plan import plan_document
from lwtui.agentwrite.write import Draft, write_document
from lwtui.config import load_settings
from lwtui.documents.export import has_headings
from lwtui.documents.model import Brief
from lwtui.models.base import AnswerVoided, Finished, Message, Model, Prompt, Request, Sampling, StreamPart, TextPiece
from lwtui.models.usage import NO_USAGE, Usage
from lwtui.text import count_words
from lwtui.text.language import detect_language
from lwtui_bench.length_score import length_score
from lwtui_bench.metrics import distinct_n, tokens_of

METHODS = ("lwtui", "before", "plain", "direct")
SIMILAR = 1 / 3  # share of common trigrams (of characters: sixgrams) from which paragraphs are near duplicates
PLAN = """Here is a writing task:

{instruction}

Divide it into steps, one paragraph of the text each. Answer with one line a step, all in this form:

Paragraph 1 - Main Point: [what the paragraph says in detail] - Word Count: [such as 400 words]

Each paragraph has between 200 and 1000 words, and together they have {words} {unit}. Write nothing but these lines."""
SECTION = """Here is a writing task, the plan for it, and the text so far.

Task:
{instruction}

Plan:
{plan}

Text so far:
{written}

Now write this step of the plan, and nothing else: {step}

The text so far must not be repeated, and nothing must be concluded before the last step."""
DIRECT = "{instruction}\n\nWrite about {words} {unit}."


@dataclass(frozen=True)
class Cell:
    """One document to write."""

    method: str
    model: str
    number: int  # of the prompt
    seed: int

    @property
    def name(self) -> str:
        """The name of its file."""
        return f"{self.model}-{self.method}-{self.number}-{self.seed}"


@dataclass
class Recorder:
    """A model that notes how its calls ended and what they used."""

    model: Model
    usage: Usage = NO_USAGE
    reasons: list[str] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.model, name)

    async def stream(self, request: Request) -> AsyncGenerator[StreamPart, None]:
        """Make a call."""
        self.reasons.append("closed")
        usage = NO_USAGE
        try:
            async with aclosing(self.model.stream(request)) as parts:
                async for part in parts:
                    if isinstance(part, Finished):
                        self.reasons[-1] = part.reason
                    if isinstance(part, TextPiece | Finished) and part.usage is not None:
                        usage = part.usage  # counts if the caller closes the call, too
                    yield part
        finally:
            self.usage += usage


@dataclass
class Result:
    """What came of a cell."""

    text: str
    lengths: list[tuple[int, int]] = field(default_factory=list)  # each section's length and target
    ended: int = 0  # sections of which the last call was ended by the model
    rollbacks: int = 0
    redrafts: int = 0
    usage: Usage = NO_USAGE

    @property
    def tokens(self) -> int:
        """Tokens of all calls."""
        return self.usage.total

    @property
    def computed(self) -> int:
        """Those of them that were not in the KV cache."""
        return self.usage.total - self.usage.cached


def row_of(prompts: Path, number: int) -> dict[str, Any]:
    """Return a row of the prompts."""
    row: dict[str, Any] = json.loads(prompts.read_text(encoding="utf-8").splitlines()[number])
    return row


def brief_of(row: dict[str, Any], seed: int) -> Brief:
    """Return the brief for a row."""
    return Brief(row["prompt"], int(row["length"]), language=detect_language(row["prompt"]), seed=seed)


async def by_lwtui(agent: Agent, brief: Brief) -> Result:
    """Write a document with this tree."""
    recorder = Recorder(agent.model)
    agent = replace(agent, model=recorder)
    result = Result("")

    async def ignore(_: Event) -> None:
        return

    plan = await plan_document(agent, brief, ignore)
    draft = Draft(plan)

    async def note(event: Event) -> None:
        draft.apply(event)
        match event:
            case TextRolledBack():
                result.rollbacks += 1
            case Redrafting():
                result.redrafts += 1
            case SectionFinished():
                result.lengths.append((event.length, event.target))
                result.ended += recorder.reasons[-1] == "stop"
            case _:
                return

    await write_document(agent, brief, draft, note)
    parts = [f"# {plan.title}"]
    for section in plan.sections:
        parts += [f"## {section.title}"] if has_headings(brief) else []
        parts.append(draft.texts.get(section.id, ""))
    result.text = "\n\n".join(parts)
    result.usage = recorder.usage
    return result


def by_earlier(tree: Path, model: str, brief: Brief, folder: Path, name: str) -> Result:
    """Write a document with another tree of lwtui, by its command line."""
    home = folder / "home-before"
    environment = os.environ | {"PYTHONPATH": str(tree), "HOME": str(home), "XDG_CONFIG_HOME": str(home / "config")}
    home.mkdir(exist_ok=True)
    output, document = folder / f"{name}.before.md", folder / f"{name}.before.lw"
    for file in (output, document):
        file.unlink(missing_ok=True)
    options = ["--words", brief.words, "--language", brief.language, "--seed", brief.seed, "--model", model]
    command = [sys.executable, "-m", "lwtui", "write", brief.instruction, *map(str, options), "--events"]
    command += ["--output", str(output), "--document", str(document)]
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False)
    events = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    result = Result(output.read_text(encoding="utf-8") if output.exists() else "")
    for event in events:
        if event["event"] == "SectionFinished":
            result.lengths.append((event["length"], event["target"]))
        result.rollbacks += event["event"] == "TextRolledBack"
    if document.exists():
        with sqlite3.connect(document) as connection:
            columns = "prompt_tokens, completion_tokens, cached_tokens"
            result.usage = Usage(*connection.execute(f"SELECT {columns} FROM document").fetchone())
    if not result.text:
        print(done.stderr[-500:], file=sys.stderr)
    return result


async def by_plain(agent: Agent, brief: Brief, seed: int) -> Result:
    """Write a document with one call for the plan and one a section, and no control."""
    recorder = Recorder(agent.model)
    unit = _unit(brief)
    plan = await _answer(recorder, PLAN.format(instruction=brief.instruction, words=brief.words, unit=unit), seed, 2000)
    steps = [line.strip() for line in plan.splitlines() if line.strip()]
    result, written = Result(""), ""
    for number, step in enumerate(steps):
        prompt = SECTION.format(instruction=brief.instruction, plan=plan, written=written, step=step)
        text = await _answer(recorder, prompt, seed + number + 1, 4000)
        wanted = re.search(r"(\d[\d,]*)\s*(?:words|字|characters|个)", step)
        result.lengths.append((count_words(text), int(wanted[1].replace(",", "")) if wanted else 0))
        result.ended += recorder.reasons[-1] == "stop"
        written = f"{written}\n\n{text}".strip()
    result.text, result.usage = written, recorder.usage
    return result


async def by_direct(agent: Agent, brief: Brief, seed: int) -> Result:
    """Write a document in one call."""
    recorder = Recorder(agent.model)
    prompt = DIRECT.format(instruction=brief.instruction, words=brief.words, unit=_unit(brief))
    text = await _answer(recorder, prompt, seed, 8000)
    ended = recorder.reasons[-1] == "stop"
    return Result(text, [(count_words(text), brief.words)], int(ended), usage=recorder.usage)


def _unit(brief: Brief) -> str:
    return "字" if brief.language.startswith("zh") else "words"


async def _answer(model: Recorder, prompt: str, seed: int, limit: int) -> str:
    """Make one call. Returns an empty text where the prompt leaves no room."""
    used = await model.count_tokens(prompt)
    room = min(limit, model.capabilities.context_length - used - 64)
    if room < 32:
        model.reasons.append("no room")
        return ""
    request = Request(
        Prompt(messages=(Message("user", prompt),)), room, sampling=Sampling(temperature=0.7, top_p=0.9), seed=seed
    )
    text = ""
    async for part in model.stream(request):
        match part:
            case TextPiece(piece):
                text += piece
            case AnswerVoided():
                text = ""
            case _:
                continue
    return text.strip()


# -- figures


def repeated_headings(text: str) -> int:
    """Count the headings that occur a second time."""
    headings = re.findall(r"(?m)^\s{0,3}(?:#{1,6}\s+(.+)|\*\*([^*\n]{2,80})\*\*\s*[:：]?\s*)$", text)
    keys = [re.sub(r"[\W\d_]+", "", "".join(found)).casefold() for found in headings]
    return len(keys) - len(set(keys))


def similar_paragraphs(text: str) -> int:
    """Count the pairs of paragraphs that share a third of the shorter one's n-grams."""
    sets = []
    for paragraph in re.split(r"\n\s*", text):
        tokens, _ = tokens_of(paragraph)
        size = 6 if re.search(r"[\u4e00-\u9fff]", paragraph) else 3
        if len(tokens) >= 4 * size:
            sets.append({tokens[at : at + size] for at in range(len(tokens) - size + 1)})
    pairs = ((one, other) for at, one in enumerate(sets) for other in sets[:at])
    return sum(len(one & other) >= SIMILAR * min(len(one), len(other)) for one, other in pairs)


def figures(row: dict[str, Any]) -> dict[str, float]:
    """Return the figures of one document."""
    text, target = row["text"], row["words"]
    body = re.sub(r"(?m)^#.*$", "", text)
    length = count_words(body)
    tokens, _ = tokens_of(body)
    lengths = [(got, wanted) for got, wanted in row["lengths"] if wanted]
    return {
        "S_l": length_score(target, length),
        "section": fmean(abs(got - wanted) / wanted for got, wanted in lengths) if lengths else 1.0,
        "within": abs(length - target) <= 0.05 * target,
        "ended": row["ended"],
        "sections": len(row["lengths"]),
        "headings": repeated_headings(text),
        "similar": similar_paragraphs(body),
        "length": length,
        "distinct": distinct_n(tokens, 4) or 0.0,
        "seconds": row["seconds"],
    }


def report(folder: Path) -> str:
    """Return the table of all documents in the folder."""
    rows = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*-*-*-*.json"))]
    lines = [
        "| model | method | documents | S_l | sections off by | within 5 % | end by themselves | headings twice "
        "| similar paragraphs in 10,000 words | distinct-4 | tokens by plain | computed by plain |",
        "| --- " * 12 + "|",
    ]
    for model in sorted({row["model"] for row in rows}):
        plain = {(row["number"], row["seed"]): row for row in rows if (row["model"], row["method"]) == (model, "plain")}
        for method in METHODS:
            mine = [row for row in rows if (row["model"], row["method"]) == (model, method)]
            if not mine:
                continue
            found = [figures(row) for row in mine]
            both = [(row, plain[key]) for row in mine if (key := (row["number"], row["seed"])) in plain]
            shares = [
                sum(row[key] for row, _ in both) / max(1, sum(other[key] for _, other in both))
                for key in ("tokens", "computed")
            ]
            sections = sum(one["sections"] for one in found)
            ended = f"{sum(one['ended'] for one in found) / sections:.0%}" if method != "before" else "–"
            words = sum(one["length"] for one in found)
            values = [
                model,
                method,
                len(mine),
                f"{fmean(one['S_l'] for one in found):.1f}",
                f"{fmean(one['section'] for one in found):.2f}",
                f"{fmean(one['within'] for one in found):.0%}",
                ended,
                sum(one["headings"] for one in found),
                f"{sum(one['similar'] for one in found) * 10_000 / max(1, words):.1f}",
                f"{fmean(one['distinct'] for one in found):.3f}",
                *(f"{share:.2f}" for share in shares),
            ]
            lines.append(f"| {' | '.join(map(str, values))} |")
    return "\n".join(lines)


def write_pairs(folder: Path, out: Path, seed: int) -> None:
    """Write the pairs for blind reading, and their key beside them."""
    rows = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*-*-*-*.json"))}
    draw = random.Random(seed)
    pairs: list[dict[str, Any]] = []
    key: list[dict[str, Any]] = []
    for row in rows.values():
        if row["method"] != "lwtui":
            continue
        for method in ("plain", "before"):
            cell = Cell(method, row["model"], row["number"], row["seed"])
            if (other := rows.get(cell.name)) and other["text"]:
                texts = [("lwtui", row["text"]), (method, other["text"])]
                draw.shuffle(texts)
                number = len(pairs)
                pairs.append({"pair": number, "task": row["prompt"], "A": texts[0][1], "B": texts[1][1]})
                key.append({"pair": number, "A": texts[0][0], "B": texts[1][0], "cell": cell.name})
    out.write_text(json.dumps(pairs, ensure_ascii=False, indent=1), encoding="utf-8")
    out.with_suffix(".key.json").write_text(json.dumps(key, indent=1), encoding="utf-8")


# -- the run


async def write_cells(args: argparse.Namespace, model: str, cells: Sequence[Cell]) -> None:
    """Write the documents of one model that are not there yet."""
    agent = await open_agent(model, load_settings())
    agent = replace(agent, lengths=LengthHabits())  # learned within this run only
    try:
        for cell in cells:
            path = args.out / f"{cell.name}.json"
            if path.exists():
                continue
            row = row_of(args.prompts, cell.number)
            brief, began = brief_of(row, cell.seed), monotonic()
            match cell.method:
                case "lwtui":
                    result = await by_lwtui(agent, brief)
                case "before":
                    result = await asyncio.to_thread(
                        by_earlier, args.before, agent.settings.path, brief, args.out, cell.name
                    )
                case "plain":
                    result = await by_plain(agent, brief, cell.seed)
                case _:
                    result = await by_direct(agent, brief, cell.seed)
            entry = {
                "model": Path(cell.model).stem,
                "method": cell.method,
                "number": cell.number,
                "seed": cell.seed,
                "words": brief.words,
                "prompt": brief.instruction,
                "seconds": round(monotonic() - began, 1),
                **{name: value for name, value in vars(result).items() if name != "usage"},
                "tokens": result.tokens,
                "computed": result.computed,
            }
            path.write_text(json.dumps(entry, ensure_ascii=False, indent=1), encoding="utf-8")
            print(
                f"{cell.name}: {count_words(result.text)} of {brief.words}, {result.tokens} tokens, "
                f"{result.rollbacks} rolled back, {result.redrafts} drafts, {entry['seconds']} s",
                file=sys.stderr,
                flush=True,
            )
    finally:
        await agent.aclose()


def main() -> None:
    """Read the arguments, and write documents, the table or the pairs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", default="starter", help="models of the settings or paths of GGUFs, by comma")
    parser.add_argument("--methods", default="lwtui,plain,direct", help=f"of {', '.join(METHODS)}, by comma")
    parser.add_argument("--prompts", type=Path, help="JSON Lines with prompt and length")
    parser.add_argument("--numbers", default="", help="which rows of it, by comma (default: all)")
    parser.add_argument("--seeds", type=int, default=1, help="documents for each prompt and method")
    parser.add_argument("--before", type=Path, help="another tree of lwtui")
    parser.add_argument("--out", type=Path, required=True, help="the folder of the documents")
    parser.add_argument("--report", action="store_true", help="print the table, write nothing")
    parser.add_argument("--pairs", type=Path, help="write pairs for blind reading to this file")
    args = parser.parse_args()
    args.out = args.out.resolve()
    args.out.mkdir(parents=True, exist_ok=True)
    if args.pairs:
        write_pairs(args.out, args.pairs, seed=1)
    elif not args.report:
        if args.prompts is None:
            parser.error("--prompts is needed to write documents")
        count = len(args.prompts.read_text(encoding="utf-8").splitlines())
        numbers = [int(number) for number in args.numbers.split(",")] if args.numbers else list(range(count))
        for model in args.models.split(","):
            cells = [
                Cell(method, Path(model).stem, number, seed)
                for seed in range(1, args.seeds + 1)
                for number in numbers
                for method in args.methods.split(",")
            ]
            asyncio.run(write_cells(args, model, cells))
    print(report(args.out))


if __name__ == "__main__":
    main()
