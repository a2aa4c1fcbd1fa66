"""Measure how lwtui's own cost grows with the size of a document and of the library.

    .venv/bin/python bench/speed/growth.py [--only words] [--most 10000] [--plot docs/growth.svg]

A scripted author writes, without a model and without pauses. All CPU time is lwtui's but the author's own, which is
measured and left out. Measured are:

- words: writing 1,000 to 100,000 words in sections of 250, with the document's file, its checks and its prompts, and
  opening and searching such documents;
- sections: writing 1 to 1,000 sections of 40 words;
- documents: listing a library of 1 to 10,000 documents, and searching its titles;
- notes, facts: storing 1 to 5,000 of them, and the prompt of a section with these.

For each, the exponent of a power law is fitted to the upper part of the total cost: 1 is linear. The goal is 1.1 at
most. Words also tell what streamed tokens take on their whole way into the file, and how the sections of the last tenth
compare with those of the first.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import math
import os
import random
import re
import shutil
import statistics
import sys
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ParamSpec

from lwtui.agentwrite.agent import Agent
from lwtui.agentwrite.context import ContextBuilder
from lwtui.agentwrite.events import Event, SectionFinished
from lwtui.agentwrite.prompt_builder import builder_for
from lwtui.agentwrite.prompt_templates import PromptTemplates
from lwtui.agentwrite.record import Recorder, recording
from lwtui.agentwrite.section_requests import SectionRequests
from lwtui.agentwrite.write import section_task, write_document
from lwtui.documents.build import build
from lwtui.documents.facts import Fact
from lwtui.documents.library_index import LibraryIndex
from lwtui.documents.model import Brief, Note, Origin, Plan, PlannedSection, new_id
from lwtui.documents.search import Query, find
from lwtui.documents.store import Document
from lwtui.models.base import Capabilities, Finished, Request, StreamPart, TextPiece
from lwtui.models.metering import UsageTracker
from lwtui.models.profiles import PROFILES
from lwtui.models.usage import Usage, estimate_tokens

P = ParamSpec("P")
GOAL = 1.1  # exponent of the total cost
STEADY_GOAL = 1.1  # cost of the last tenth of the sections, compared with the first
CONTEXT = 32_768  # tokens of the scripted model
SECTION_WORDS, SHORT_SECTION = 250, 40
FACTS_A_SECTION = 5
WORDS = (1_000, 3_000, 10_000, 30_000, 100_000)
SECTIONS = (1, 10, 30, 100, 300, 1_000)
DOCUMENTS = (1, 10, 100, 1_000, 10_000)
ENTRIES = (1, 10, 100, 1_000, 5_000)
UPPER_POINTS = 3  # to which the exponent is fitted


@dataclass(frozen=True)
class Curve:
    """The total cost of several sizes, in seconds of CPU time."""

    name: str
    unit: str
    sizes: tuple[int, ...]
    seconds: tuple[float, ...]

    @property
    def exponent(self) -> float:
        """The exponent of the power law through the upper points, by least squares of the logarithms."""
        x = [math.log(size) for size in self.sizes[-UPPER_POINTS:]]
        y = [math.log(max(each, 1e-9)) for each in self.seconds[-UPPER_POINTS:]]
        return statistics.linear_regression(x, y).slope


class Lexicon:
    """Made-up words, a few of which are frequent, as in a language."""

    def __init__(self, seed: int, size: int = 4_000) -> None:
        self._random = random.Random(seed)
        syllables = re.findall("..", "bacedifoguhajekilomunaperisotuvawexiyozu")
        self._words = ["".join(self._random.choices(syllables, k=2 + at % 3)) for at in range(size)]
        self._weights = [1 / (at + 3) for at in range(size)]

    def pieces(self, words: int) -> list[str]:
        """Return so many words as tokens: sentences of 8 to 16 words, and a paragraph of five sentences."""
        found: list[str] = []
        sentences = 0
        while len(found) < words:
            chosen = self._random.choices(self._words, self._weights, k=self._random.randint(8, 16))
            found.append(("" if not found else "\n\n" if sentences % 5 == 0 else " ") + chosen[0].capitalize())
            found += [f" {word}" for word in chosen[1:]]
            found[-1] += "."
            sentences += 1
        return [*found[: words - 1], f"{found[words - 1].rstrip('.')}."]


@dataclass
class ScriptedAuthor:
    """A chat model that writes sections of the length that is asked for, and sentences as summaries.

    Attributes:
        seconds: CPU time of its own.
        tokens: Tokens that it has written.
    """

    name: str = "script"
    model_hash: str = ""
    capabilities: Capabilities = field(default_factory=lambda: Capabilities(CONTEXT))
    seconds: float = 0.0
    tokens: int = 0
    _lexicon: Lexicon = field(default_factory=lambda: Lexicon(7))

    async def stream(self, request: Request) -> AsyncGenerator[StreamPart, None]:
        """Write, one token after the other."""
        began = time.process_time()
        prompt = request.prompt.messages[-1].content
        wanted = re.findall(r"about (\d+) words", prompt[-3000:])
        pieces = self._lexicon.pieces(int(wanted[-1]) if wanted else 30)
        usage = Usage(round(estimate_tokens(request.prompt.plain())), len(pieces))
        self.tokens += len(pieces)
        self.seconds += time.process_time() - began
        for piece in pieces:
            yield TextPiece(piece)
        yield Finished("stop", usage)

    async def count_tokens(self, text: str) -> int:
        """Estimate the tokens."""
        return round(estimate_tokens(text))

    async def aclose(self) -> None:
        """Do nothing."""


def scripted_agent() -> tuple[Agent, ScriptedAuthor]:
    author, profile = ScriptedAuthor(), PROFILES["chat"]
    return Agent(author, profile, builder_for(profile, PromptTemplates("chat"))), author


def plan_of(sections: int, words: int) -> Plan:
    lexicon = Lexicon(3)
    titles = ["".join(lexicon.pieces(2)).split(".", 1)[0] for _ in range(sections)]
    return Plan(
        "A Long Book",
        tuple(
            PlannedSection(f"{title[:40]} {at}", f"what {title} has to do with it", words, f"s{at}")
            for at, title in enumerate(titles)
        ),
    )


# -- writing


@dataclass
class Written:
    """What writing a document took: seconds of CPU time of each section, without the author's, and all tokens."""

    sections: list[float]
    tokens: int

    @property
    def seconds(self) -> float:
        return sum(self.sections)


async def write(folder: Path, sections: int, words: int) -> Written:
    """Write a document into its file."""
    agent, author = scripted_agent()
    plan = plan_of(sections, words)
    path = folder / f"{sections} of {words}.lw"
    brief = Brief("Write a long book about a harbor town.", plan.words, "en", seed=1)
    taken: list[float] = []
    began = 0.0

    def now() -> float:
        return time.process_time() - author.seconds

    with Document.create(path, brief, plan) as document:
        async with recording(document, UsageTracker(record=document.add_usage)) as recorder:

            async def emit(event: Event) -> None:
                nonlocal began
                recorder.store(event)
                if isinstance(event, SectionFinished):
                    taken.append(now() - began)
                    began = now()

            began = now()
            await write_document(agent, brief, recorder, emit)
        assert len(taken) == sections
        assert 0.7 * plan.words < document.words < 1.5 * plan.words
    path.unlink()
    return Written(taken, author.tokens)


def writing(folder: Path, sizes: Sequence[tuple[int, int]]) -> list[Written]:
    """Write documents, each of so many sections of so many words."""
    asyncio.run(write(folder, 2, SECTION_WORDS))  # imports modules, and compiles patterns
    return [asyncio.run(write(folder, sections, words)) for sections, words in sizes]


def open_and_close(path: Path) -> None:
    Document.open(path, read_only=True).close()


def measure_words(folder: Path, most: int) -> list[Curve]:
    """Measure writing, opening and searching documents of many words."""
    sizes = tuple(size for size in WORDS if size <= most)
    written = writing(folder, [(size // SECTION_WORDS, SECTION_WORDS) for size in sizes])
    curves = [Curve("writing words", "words", sizes, tuple(each.seconds for each in written))]
    longest = written[-1]
    if (tenth := len(longest.sections) // 10) > 1:
        first, last = (sum(each) / tenth for each in (longest.sections[:tenth], longest.sections[-tenth:]))
        print(
            f"{sizes[-1]:,} words in {len(longest.sections)} sections: {first * 1000:.1f} ms a section in the first"
            f" tenth, {last * 1000:.1f} ms in the last. {goal(last / first, STEADY_GOAL)}"
        )
    a_token = longest.seconds / longest.tokens
    print(f"The whole way of 100,000 tokens into the file: {a_token * 1e5:.1f} s of CPU time")
    opened, found = [], []
    for size in sizes:
        path = made_document(folder / f"{size}.lw", size // SECTION_WORDS, SECTION_WORDS)
        opened.append(median_seconds(open_and_close, path))
        with Document.open(path, read_only=True) as document:
            texts = {section.id: section.text for section in document.sections()}
        found.append(median_seconds(find, texts, Query("bace")))
    curves.append(Curve("opening a document", "words", sizes, tuple(opened)))
    curves.append(Curve("searching it", "words", sizes, tuple(found)))
    return curves


def measure_sections(folder: Path, most: int) -> list[Curve]:
    """Measure writing documents of many sections."""
    sizes = tuple(size for size in SECTIONS if size <= most)
    written = writing(folder, [(size, SHORT_SECTION) for size in sizes])
    if tenth := len(written[-1].sections) // 10:
        tenths = [written[-1].sections[start : start + tenth] for start in range(0, tenth * 10, tenth)]
        shown = ", ".join(f"{sum(each) / tenth * 1000:.1f}" for each in tenths)
        print(f"ms a section in each tenth of {sizes[-1]:,} sections: {shown}")
    return [Curve("writing sections", "sections", sizes, tuple(each.seconds for each in written))]


# -- the library


def measure_documents(folder: Path, most: int) -> list[Curve]:
    """Measure listing a library that is not indexed yet and one that is, and searching its titles."""
    sizes = tuple(size for size in DOCUMENTS if size <= most)
    library = folder / "library"
    library.mkdir()
    template = made_document(folder / "template.lw", 2, 50)
    curves: dict[str, list[float]] = {"listing, not indexed": [], "listing, indexed": [], "searching titles": []}
    for size in sizes:
        for number in range(len(list(library.iterdir())), size):
            shutil.copyfile(template, library / f"document {number}.lw")
            os.utime(library / f"document {number}.lw", (number, number))
        time.sleep(2.5)  # files that have changed just now are not indexed
        cache = folder / f"{size}.cache"
        curves["listing, not indexed"].append(seconds(titles_in, library, cache))
        curves["listing, indexed"].append(median_seconds(titles_in, library, cache))
        titles = titles_in(library, cache)
        curves["searching titles"].append(median_seconds(matching, titles, "long boo"))
    return [Curve(name, "documents", sizes, tuple(each)) for name, each in curves.items()]


def titles_in(library: Path, cache: Path) -> list[str]:
    """List a library as at the start of the app."""
    return [entry.title for entry in list(LibraryIndex(cache).listings(library))[-1]]


def matching(titles: Sequence[str], wanted: str) -> list[str]:
    """Search titles as the library does."""
    return [title for title in titles if all(word in title.casefold() for word in wanted.split())]


# -- notes and facts


def measure_notes(folder: Path, most: int) -> list[Curve]:
    """Measure storing notes, and the prompt of a section with them."""
    sizes = tuple(size for size in ENTRIES if size <= most)
    stored, prompts = [], []
    for size in sizes:
        lexicon = Lexicon(5)
        path = made_document(folder / f"{size} notes.lw", 4, 100)
        with Document.open(path) as document:
            notes = [
                Note(title, "".join(lexicon.pieces(20)), always=number % 2 == 0, triggers=(title,))
                for number, title in enumerate(map(str.strip, lexicon.pieces(size)))
            ]
            stored.append(seconds(document.notebook.set_notes, notes, "All"))
            prompts.append(median_seconds(build_prompt, document))
    return [
        Curve("storing notes", "notes", sizes, tuple(stored)),
        Curve("a prompt with notes", "notes", sizes, tuple(prompts)),
    ]


def measure_facts(folder: Path, most: int) -> list[Curve]:
    """Measure storing the facts of one section after the other, and the prompt of a section with them."""
    sizes = tuple(size for size in ENTRIES if size <= most)
    stored, prompts = [], []
    for size in sizes:
        lexicon = Lexicon(6)
        sections = max(2, size // FACTS_A_SECTION + 1)
        path = made_document(folder / f"{size} facts.lw", sections, 20)
        with Document.open(path) as document:
            facts = [
                Fact("thing", lexicon.pieces(2)[0], "".join(lexicon.pieces(12)), "", f"s{number // FACTS_A_SECTION}")
                for number in range(size)
            ]
            stored.append(seconds(note_all, document, facts))
        with Document.open(made_document(folder / f"{size} facts of one section.lw", 4, 100)) as document:
            document.fact_book.renew("s0", "", [replace(fact, section_id="s0", id=new_id()) for fact in facts])
            prompts.append(median_seconds(build_prompt, document))
    return [
        Curve("storing facts", "facts", sizes, tuple(stored)),
        Curve("a prompt with facts", "facts", sizes, tuple(prompts)),
    ]


def note_all(document: Document, facts: Sequence[Fact]) -> None:
    for at in range(0, len(facts), FACTS_A_SECTION):
        group = facts[at : at + FACTS_A_SECTION]
        document.fact_book.renew(group[0].section_id, f"{at:x}", group)


def build_prompt(document: Document) -> None:
    """Build the prompt for the last section of a document."""
    asyncio.run(_build_prompt(document))


async def _build_prompt(document: Document) -> None:
    agent, _author = scripted_agent()
    recorder = Recorder(document, UsageTracker())
    section = document.sections()[-1]
    task = section_task(document.brief, recorder, section.blank(), alone=True)
    requests = SectionRequests(agent, task, ContextBuilder(agent, document.brief, document.summaries), _ignore)
    await requests.prepare()
    await requests.request("", 0, salt=0, loops=0)


async def _ignore(event: Event) -> None: ...


# -- figures


def made_document(path: Path, sections: int, words: int) -> Path:
    """Make a document whose sections are written."""
    plan, lexicon = plan_of(sections, words), Lexicon(9)
    texts = {section.id: "".join(lexicon.pieces(words)) for section in plan.sections}
    build(path, Brief("A long book about a harbor town", plan.words, "en"), plan, texts, Origin.MODEL)
    return path


def seconds(work: Callable[P, object], *args: P.args, **options: P.kwargs) -> float:
    """Return the CPU time that work takes, in seconds."""
    gc.collect()
    began = time.process_time()
    work(*args, **options)
    return time.process_time() - began


def median_seconds(work: Callable[P, object], *args: P.args, **options: P.kwargs) -> float:
    return statistics.median(seconds(work, *args, **options) for _ in range(3))


def goal(measured: float, most: float) -> str:
    return f"Ratio {measured:.2f}, goal {most}: {'met' if measured <= most else 'missed'}"


def report(curve: Curve) -> bool:
    """Print a curve. Returns whether its exponent is as it should be."""
    cells = [f"{size:,}: {shown(each)}" for size, each in zip(curve.sizes, curve.seconds, strict=True)]
    print(f"{curve.name:<22} {curve.unit:<10} {'  '.join(cells)}")
    exponent = curve.exponent
    print(f"{'':<33} exponent {exponent:.2f}, goal {GOAL}: {'met' if exponent <= GOAL else 'missed'}")
    return exponent <= GOAL


def shown(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.1f} ms"


def plot(curves: Sequence[Curve], path: Path) -> None:
    """Draw the curves, each next to a line of the same beginning that is linear."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "lwtui"  # the same figures make the same file
    mpl.rcParams["svg.fonttype"] = "none"  # text as text, in a third of the space
    from matplotlib import pyplot as plt

    units = list(dict.fromkeys(curve.unit for curve in curves))
    figure, axes = plt.subplots(1, len(units), figsize=(3.2 * len(units), 3.2), squeeze=False, layout="constrained")
    for unit, axis in zip(units, axes[0], strict=True):
        for curve in (each for each in curves if each.unit == unit):
            (line,) = axis.loglog(curve.sizes, curve.seconds, marker="o", markersize=3, label=curve.name)
            linear = [curve.seconds[-1] * size / curve.sizes[-1] for size in curve.sizes]
            axis.loglog(curve.sizes, linear, linewidth=0.6, linestyle="dotted", color=line.get_color())
        axis.minorticks_off()
        axis.set_xlabel(unit)
        axis.legend(fontsize=6, frameon=False)
    axes[0][0].set_ylabel("seconds of CPU time; dotted: linear")
    figure.savefig(path, metadata={"Date": None})


MEASURES: dict[str, tuple[Callable[[Path, int], list[Curve]], int]] = {
    "words": (measure_words, WORDS[-1]),
    "sections": (measure_sections, SECTIONS[-1]),
    "documents": (measure_documents, DOCUMENTS[-1]),
    "notes": (measure_notes, ENTRIES[-1]),
    "facts": (measure_facts, ENTRIES[-1]),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=MEASURES, action="append", help="measure only this; may be repeated")
    parser.add_argument("--most", type=int, default=10**9, help="leave out larger sizes")
    parser.add_argument("--plot", type=Path, metavar="FILE.svg", help="draw the curves (needs the extra bench)")
    options = parser.parse_args()
    curves: list[Curve] = []
    met = True
    for name, (measure, most) in MEASURES.items():
        if options.only and name not in options.only:
            continue
        with TemporaryDirectory() as folder:
            found = measure(Path(folder), min(most, options.most))
        curves += found
        for curve in found:
            met &= report(curve)
    if options.plot:
        plot(curves, options.plot)
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
