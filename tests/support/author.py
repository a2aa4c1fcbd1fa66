"""A believable author behind the fault server: it plans, writes, continues and summarizes, always in the same words.

Its answers depend on the prompt alone, so that a run with faults can be compared with a run without. It understands the
prompts that come with lwtui, chat and completion, and has the habits of real models, which can be switched on one by
one::

    author = Author(pace=0.6, heading=True)
    async with open_studio(author) as studio:
        draft, events = await studio.write(brief, plan)
"""

from __future__ import annotations

import random
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from lwtui.text import count_words
from tests.support.fault_server import Answer

_CHARACTERS_PER_TOKEN = 4
SYLLABLES = re.findall("..", "bacedifoguhajekilomunaperisotuvawexiyozu")
COMMON_WORDS = (
    "the",
    "a",
    "of",
    "and",
    "in",
    "to",
    "with",
    "for",
    "from",
    "by",
    "on",
    "as",
    "at",
    "its",
    "this",
    "each",
)
_HANZI = "天地人山水火木金土日月星云风雨雪花草树叶春夏秋冬东西南北大小多少高低长短新旧明暗冷暖红黄蓝绿黑白" + (
    "书画琴棋笔墨纸车船路桥门窗家国城市乡村田园河海湖江鱼鸟马牛羊狗猫手足目耳口心思想言语文字声色光影时年"
)
_OPEN_PROMPT = re.compile(r"<written>\n(.*?)\n?</written>", re.DOTALL)
_SO_FAR = re.compile(r"This is the text so far:\n\n(.*)\n\nThe text breaks off in section \d+ of \d+, “", re.DOTALL)
_WORDS_WANTED = re.compile(r"about (\d+) (?:more )?(?:words|characters)")
_SECTION = re.compile(r"[Ss]ection (\d+) of (\d+)")


@dataclass
class Author:
    """The author, as a script for :class:`tests.support.fault_server.FaultServer`.

    Attributes:
        pace: The share of the requested length that it writes, or a function of section and call that returns it.
        language: ``en`` or ``zh``.
        plan: Its answer to a request for a plan, or a function of the attempt (from 1); empty means a good plan.
        heading: What it puts before each section: ``markdown``, ``bold``, ``title`` or nothing.
        restates: How many sentences it repeats when it continues a section.
        loops: How many of the first calls end in a loop.
        thinks: How many tokens it spends on reasoning before it answers.
        dirt: Text to insert after every fourth sentence.
        sentence_words: The least and greatest number of words in a sentence.
        piece: Words in a piece.
        delay: Seconds between pieces, or a function to await after each.
        asked: The kinds of all calls so far.
    """

    pace: float | Callable[[int, int], float] = 1.0
    language: str = "en"
    plan: str | Callable[[int], str] = ""
    heading: str = ""
    restates: int = 0
    loops: int = 0
    thinks: int = 0
    dirt: str = ""
    sentence_words: tuple[int, int] = (8, 16)
    piece: int = 1
    delay: float | Callable[[], Awaitable[None]] = 0.0
    asked: list[str] = field(default_factory=list)
    _calls: dict[int, int] = field(default_factory=dict)

    def __call__(self, body: Any) -> Answer:
        prompt = body["prompt"] if "prompt" in body else body["messages"][-1]["content"]
        kind = _kind(body, prompt)
        self.asked.append(kind)
        most = body.get("max_tokens") or body.get("max_completion_tokens")
        if self.thinks >= most:
            return Answer(reasoning=["Hmm. "] * 3, finish="length", usage=_usage(body, most))
        if kind in ("plan", "chapter", "repair"):
            text = self._plan(prompt, body)
        elif kind == "plan_line":
            text = self._plan_line(prompt)
        elif kind == "trial":
            text = "The sea is wide. The sky is blue."
        elif kind == "summary":
            text = f"It says {' '.join(re.findall('[a-z]{6,}', prompt)[-12:])}."
        else:
            text = self._section(kind, prompt)
        return self._answer(body, text, most - self.thinks)

    def _answer(self, body: Any, text: str, most: int) -> Answer:
        finish = "stop"
        if len(text) > most * _CHARACTERS_PER_TOKEN:
            text, finish = text[: most * _CHARACTERS_PER_TOKEN], "length"
        for stop in body.get("stop", ()):
            text = text.split(stop)[0]
        pieces = re.findall(rf"(?:\s*\S+){{1,{self.piece}}}|\s+$", text) if self.language == "en" else list(text)
        usage = _usage(body, self.thinks + len(text) // _CHARACTERS_PER_TOKEN)
        reasoning = ["Let me think. "] if self.thinks else []
        return Answer(pieces, reasoning, finish, usage, delay=self.delay)

    # -- plans

    def _plan(self, prompt: str, body: Any) -> str:
        attempt = sum(map(self.asked.count, ("plan", "chapter", "repair")))
        if self.plan:
            return self.plan if isinstance(self.plan, str) else self.plan(attempt)
        first = body["messages"][1]["content"]
        words = int(re.findall(r"together they have (\d+)", first)[0])
        (least, most, part) = re.findall(r"Use (\d+) to (\d+) (sections|chapters)", first)[0]
        chapter = re.search(r"Plan chapter (\d+),", first)
        steps = max(int(least), min(int(most), round(words / (5000 if part == "chapters" else 300))))
        return f"Title: A Plan\n{plan_text(steps, words, after=100 * int(chapter[1]) if chapter else 0)}"

    def _plan_line(self, prompt: str) -> str:
        """Write the rest of a line of an outline and, like a base model, more lines after it."""
        number, heading = re.findall(r"^(\d+)?\.?(.*)$", prompt.rsplit("\n", 1)[-1])[0]
        if not number:
            return " A Plan\n1. More"
        chapter = re.search(r"Write about (.+?): .* It is one chapter of", prompt)
        section = int(number) + (100 * number_of(chapter[1]) if chapter else 0)
        return f" {_point(section)}\n{int(number) + 1}. More" if heading else f" {title_of(section)}: and so on"

    # -- prose

    def _section(self, kind: str, prompt: str) -> str:
        number, wanted, partial = _task(kind, prompt)
        call = self._calls[number] = self._calls.get(number, 0) + 1
        if kind == "completion":
            return self._complete(number, partial)
        target = wanted * (self.pace if isinstance(self.pace, int | float) else self.pace(number, call))
        written = self._count_written(number, partial)
        first = written if not written else max(0, written - self.restates)
        sentences, length, index = [self._sentence(number, again) for again in range(first, written)], 0, written
        while length < target:
            sentences.append(self._sentence(number, index))
            length += count_words(sentences[-1])
            index += 1
        text = "".join(sentences).lstrip()
        if call <= self.loops:
            text += f" {_loop(self.language)}" * 40
        if self.dirt:
            for end in [match.end() for match in re.finditer(r"[.。]", text)][-1::-4]:
                text = text[:end] + self.dirt + text[end:]
        return self._heading(number) + text

    def _complete(self, number: int, partial: str) -> str:
        """Continue at the exact character and never end, like a base model."""
        sentences = [self._sentence(number, index) for index in range(600)]
        text = "".join(sentences).lstrip()
        end = partial[-80:]  # the prompt may show only the end of the text so far
        if end in text:
            return text[text.find(end) + len(end) :]
        return text[sum(map(len, sentences[: self._count_written(number, partial)])) :]

    def _heading(self, number: int) -> str:
        title = title_of(number)
        shapes = {"markdown": f"## {title}\n\n", "bold": f"**{title}**\n\n", "title": f"{title}\n\n", "": ""}
        return shapes[self.heading]

    def _count_written(self, number: int, partial: str) -> int:
        """Count the sentences of this section that are already written; a sentence that was cut does not count."""
        written = [" ".join(found.split()) for found in re.findall(r"[^.。\n]+[.。]", partial)]
        for known in (400, 6000):
            indices = _sentence_indices(number, known, self.language, self.sentence_words)
            for text in reversed(written):
                if text in indices:
                    return indices[text] + 1
        return 0

    def _sentence(self, number: int, index: int) -> str:
        return sentence(number, index, self.language, self.sentence_words)


def title_of(number: int) -> str:
    """Return the heading of section ``number`` in plans by :func:`plan_text`."""
    return f"Part {_word(number)}"


def number_of(title: str) -> int:
    """Return the number of the section with that heading."""
    return next(number for number in range(1, 10_000) if title_of(number) == title)


def plan_text(steps: int, words: int, after: int = 0) -> str:
    """Return a plan in the paper's format, whose headings and points are those of the numbers after ``after``."""
    share = words // steps
    return "\n".join(
        f"Paragraph {number} - Main Point: {title_of(after + number)}: {_point(after + number)} - "
        f"Word Count: {share} words"
        for number in range(1, steps + 1)
    )


def _point(number: int) -> str:
    return f"how {_word(number * 7)} goes with {_word(number * 11)}"


@cache
def sentence(number: int, index: int, language: str = "en", words: tuple[int, int] = (8, 16)) -> str:
    """Return sentence ``index`` (from 0) of section ``number``, with the white space before it. No two are alike."""
    rng = random.Random(number * 1_000_003 + index * 7 + 1)
    size = rng.randint(*words)
    if language == "zh":
        text = "".join(rng.choice(_HANZI) for _ in range(size)) + "。"
        return text if index % 5 else f"\n\n{text}"
    parts = [rng.choice(COMMON_WORDS) if place % 3 == 2 else _word(rng.randrange(8000)) for place in range(size)]
    text = " ".join(parts).capitalize() + "."
    return f" {text}" if index % 5 else f"\n\n{text}"


@cache
def _sentence_indices(number: int, known: int, language: str, words: tuple[int, int]) -> dict[str, int]:
    return {sentence(number, index, language, words).strip(): index for index in range(known)}


def _word(number: int) -> str:
    """Return a word for ``number``, different for every number."""
    syllables = []
    number += 20
    while number:
        number, rest = divmod(number, 20)
        syllables.append(SYLLABLES[rest])
    return "".join(syllables)


def _loop(language: str) -> str:
    return "我们走在路上看见了山" if language == "zh" else "and so it goes on and on"


def _kind(body: Any, prompt: str) -> str:
    if "prompt" in body:
        if prompt.startswith("Below are the contents of articles"):
            return "plan_line"
        return "completion"
    for words, kind in (
        ("That plan cannot be used as it is", "repair"),
        ("Plan it: break it into", "plan"),
        ("break that chapter into", "chapter"),
        ("wants another idea", "replan"),
        ("note what that author must know", "summary"),
        ("The text breaks off in section", "continue"),
        ("each by another author", "parallel"),
        ("Now write section", "section"),
        ("Write section", "first_section"),
        ("Go on from the exact point", "direct_continue"),
        ("Write the whole text", "direct"),
        ("Write two sentences about spring", "trial"),
    ):
        if words in prompt:
            return kind
    raise AssertionError(f"The author does not recognize the prompt: {prompt[-400:]}")


def _task(kind: str, prompt: str) -> tuple[int, int, str]:
    """Return the number of the section (1 in direct mode), the requested words, and its text so far."""
    if kind == "completion":
        heading, _, partial = re.split(r"(?m)^## ", prompt)[-1].partition("\n\n")
        number = number_of(heading)
        return number, 0, partial.partition("\n\n")[2]
    wanted = _WORDS_WANTED.findall(prompt)
    if kind == "direct":
        return 1, int(wanted[-1]), ""
    if kind == "direct_continue":
        match = _OPEN_PROMPT.search(prompt)
        return 1, int(wanted[-1]), match[1] if match else ""
    written = match[1] if (match := _SO_FAR.search(prompt)) else ""
    partial = re.split(r"(?m)^## .*$", written)[-1] if kind == "continue" else ""
    return int(_SECTION.findall(prompt)[-1][0]), int(wanted[-1]), partial


def _usage(body: Any, completion: int) -> dict[str, int]:
    text = body["prompt"] if "prompt" in body else "".join(message["content"] for message in body["messages"])
    return {"prompt_tokens": len(text) // _CHARACTERS_PER_TOKEN, "completion_tokens": max(1, completion)}
