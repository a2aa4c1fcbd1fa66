"""Measure how lwtui's own cost grows with the size of a document and of the library.

    .venv/bin/python bench/speed/growth.py [--only words] [--plot docs/growth.svg]

A scripted author writes, without a model and without pauses, so that all CPU time is lwtui's but the author's own, which
is measured and left out. Measured are:

- words: writing 1,000 to 100,000 words in sections of 250, with the document's file, its checks and its prompts;
- sections: writing 1 to 1,000 sections of 25 words;
- documents: listing a library of 1 to 10,000 documents and searching its titles;
- notes, facts: the prompt of a section, with 1 to 5,000 of them.

For each, the exponent of a power law is fitted to the upper part of the total cost: 1 is linear. The goal is 1.1 at
most. Then follows what a streamed token takes on its whole way into the file. ``--profile`` tells where the time goes.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import random
import re
import statistics
import sys
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from lwtui.agentwrite.agent import Agent
from lwtui.agentwrite.context import ContextBuilder
from lwtui.agentwrite.events import Event, SectionFinished, SectionStarted
from lwtui.agentwrite.prompt_builder import builder_for
from lwtui.agentwrite.prompt_templates import PromptTemplates
from lwtui.agentwrite.record import recording
from lwtui.agentwrite.section_requests import SectionRequests
from lwtui.agentwrite.write import section_task, write_document
from lwtui.documents.build import build
from lwtui.documents.facts import Fact
from lwtui.documents.library_index import LibraryIndex
from lwtui.documents.model import Brief, Note, Origin, Plan, PlannedSection
from lwtui.documents.store import Document
from lwtui.models.base import Capabilities, Finished, Request, StreamPart, TextPiece
from lwtui.models.metering import UsageTracker
from lwtui.models.profiles import PROFILES
from lwtui.models.usage import Usage, estimate_tokens

GOAL = 1.1  # exponent of the total cost
STEADY_GOAL = 1.1  # cost of the last tenth of the sections, compared with the first
CONTEXT = 32_768  # tokens of the scripted model
SECTION_WORDS = 250
TOKENS_A_WORD = 1.3
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
        return found


@dataclass
class ScriptedAuthor:
    """A chat model that writes sections of the length that is asked for, and sentences as summaries.

    Attributes:
        seconds: CPU time of its own.
        tokens: Tokens that it has written.
    """

    name: str = "script"
    model_hash: str = ""
    capabilities: Capabilities = Capabilities(CONTEXT)
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
        assert 0.8 * plan.words < document.words < 1.3 * plan.words
    path.unlink()
    return Written(taken, author.tokens)


def measure_words(folder: Path, most: int) -> tuple[Curve, Written]:
    sizes = [size for size in WORDS if size <= most]
    written = [asyncio.run(write(folder, size // SECTION_WORDS, SECTION_WORDS)) for size in sizes]
    return Curve("words", "words", tuple(sizes), tuple(each.seconds for each in written)), written[-1]


def measure_sections(folder: Path, most: int) -> Curve:
    sizes = tuple(size for size in SECTIONS if size <= most)
    return Curve(
        "sections", "sections", sizes, tuple(asyncio.run(write(folder, size, 25)).seconds for size in sizes)
    )


if __name__ == "__main__":
    with TemporaryDirectory() as t:
        f = Path(t)
        asyncio.run(write(f, 2, 250))
        w = asyncio.run(write(f, int(sys.argv[1]), int(sys.argv[2])))
        n = max(1, len(w.sections) // 10)
        print(w.seconds, w.tokens, w.seconds / w.tokens * 1e5, "s per 100k tokens", sum(w.sections[:n]) / n, sum(w.sections[-n:]) / n)
