"""A believable author behind the scripted server: it plans, writes, goes on and sums up, always in the same words.

What it writes follows from the prompt alone, so that a run with faults can be compared with one without. It reads the
prompts that come with lwtui, chat and completion, and has the habits that real models have, one by one::

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

_CHARACTERS_A_TOKEN = 4
_SYLLABLES = re.findall("..", "bacedifoguhajekilomunaperisotuvawexiyozu")
_COMMON = ("the", "a", "of", "and", "in", "to", "with", "for", "from", "by", "on", "as", "at", "its", "this", "each")
_HANZI = "天地人山水火木金土日月星云风雨雪花草树叶春夏秋冬东西南北大小多少高低长短新旧明暗冷暖红黄蓝绿黑白" + (
    "书画琴棋笔墨纸车船路桥门窗家国城市乡村田园河海湖江鱼鸟马牛羊狗猫手足目耳口心思想言语文字声色光影时年"
)
_OPEN_PROMPT = re.compile(r"<written>\n(.*?)\n?</written>", re.DOTALL)
_WORDS_WANTED = re.compile(r"about (\d+) (?:more )?(?:words|characters)")
_SECTION = re.compile(r"[Ss]ection (\d+) of (\d+)")


@dataclass
class Author:
    """``pace``: how much it writes of what it is asked for, or a function of section and call that says so."""

    pace: float | Callable[[int, int], float] = 1.0
    language: str = "en"
    plan: str | Callable[[int], str] = ""  # what it answers when asked for a plan, by attempt from 1; empty: a good one
    heading: str = ""  # put before each section: ``markdown``, ``bold``, ``title``
    restates: int = 0  # sentences that it says once more when asked to go on
    loops: int = 0  # calls, from the first, whose text ends in a loop
    thinks: int = 0  # tokens it needs for thinking before it answers
    dirt: str = ""  # put into every fourth sentence
    sentence_words: tuple[int, int] = (8, 16)
    piece: int = 1  # words in a piece
    delay: float | Callable[[], Awaitable[None]] = 0.0  # seconds between pieces, or what to wait for
    asked: list[str] = field(default_factory=list)  # what kinds of calls came
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
        if len(text) > most * _CHARACTERS_A_TOKEN:
            text, finish = text[: most * _CHARACTERS_A_TOKEN], "length"
        for stop in body.get("stop", ()):
            text = text.split(stop)[0]
        pieces = re.findall(rf"(?:\s*\S+){{1,{self.piece}}}|\s+$", text) if self.language == "en" else list(text)
        usage = _usage(body, self.thinks + len(text) // _CHARACTERS_A_TOKEN)
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
        """The rest of a line of an outline, and as a base model does, more lines after it."""
        number, heading = re.findall(r"^(\d+)?\.?(.*)$", prompt.rsplit("\n", 1)[-1])[0]
        if not number:
            return " A Plan\n1. More"
        chapter = re.search(r"Write about (.+?): .* It is one chapter of", prompt)
        at = int(number) + (100 * number_of(chapter[1]) if chapter else 0)
        return f" {_point(at)}\n{int(number) + 1}. More" if heading else f" {title_of(at)}: and so on"

    # -- prose

    def _section(self, kind: str, prompt: str) -> str:
        number, wanted, partial = _task(kind, prompt)
        call = self._calls[number] = self._calls.get(number, 0) + 1
        if kind == "completion":
            return self._carried_on(number, partial)
        target = wanted * (self.pace if isinstance(self.pace, int | float) else self.pace(number, call))
        begun = self._said(number, partial)
        first = begun if not begun else max(0, begun - self.restates)
        sentences, length, at = [self._sentence(number, one) for one in range(first, begun)], 0, begun
        while length < target:
            sentences.append(self._sentence(number, at))
            length += count_words(sentences[-1])
            at += 1
        text = "".join(sentences).lstrip()
        if call <= self.loops:
            text += f" {_loop(self.language)}" * 40
        if self.dirt:
            for end in [match.end() for match in re.finditer(r"[.。]", text)][-1::-4]:
                text = text[:end] + self.dirt + text[end:]
        return self._heading(number) + text

    def _carried_on(self, number: int, partial: str) -> str:
        """A base model carries on to the letter, and never ends."""
        text = "".join(self._sentence(number, at) for at in range(600)).lstrip()
        begun = self._said(number, partial)
        end = partial[-80:]  # the prompt may show no more than the end of what stands
        done = text.find(end) + len(end) if end in text else sum(len(self._sentence(number, at)) for at in range(begun))
        return text[done:]

    def _heading(self, number: int) -> str:
        title = title_of(number)
        shapes = {"markdown": f"## {title}\n\n", "bold": f"**{title}**\n\n", "title": f"{title}\n\n", "": ""}
        return shapes[self.heading]

    def _said(self, number: int, partial: str) -> int:
        """How many of this section's sentences stand already; one that was cut does not count."""
        said = [" ".join(one.split()) for one in re.findall(r"[^.。\n]+[.。]", partial)]
        for known in (400, 6000):
            places = _places(number, known, self.language, self.sentence_words)
            for one in reversed(said):
                if one in places:
                    return places[one] + 1
        return 0

    def _sentence(self, number: int, at: int) -> str:
        return sentence(number, at, self.language, self.sentence_words)


def title_of(number: int) -> str:
    """The heading of a section in plans by :func:`plan_text`."""
    return f"Part {_word(number)}"


def number_of(title: str) -> int:
    """The number that a heading is of."""
    return next(number for number in range(1, 10_000) if title_of(number) == title)


def plan_text(steps: int, words: int, after: int = 0) -> str:
    """A plan in the paper's shape; its titles and points are those of the numbers ``after`` one."""
    share = words // steps
    return "\n".join(
        f"Paragraph {number} - Main Point: {title_of(after + number)}: {_point(after + number)} - "
        f"Word Count: {share} words"
        for number in range(1, steps + 1)
    )


def _point(number: int) -> str:
    return f"how {_word(number * 7)} goes with {_word(number * 11)}"


@cache
def sentence(number: int, at: int, language: str = "en", words: tuple[int, int] = (8, 16)) -> str:
    """Sentence ``at`` (from 0) of a section, with the white space before it. No two are alike."""
    drawn = random.Random(number * 1_000_003 + at * 7 + 1)
    size = drawn.randint(*words)
    if language == "zh":
        text = "".join(drawn.choice(_HANZI) for _ in range(size)) + "。"
        return text if at % 5 else f"\n\n{text}"
    parts = [drawn.choice(_COMMON) if place % 3 == 2 else _word(drawn.randrange(8000)) for place in range(size)]
    text = " ".join(parts).capitalize() + "."
    return f" {text}" if at % 5 else f"\n\n{text}"


@cache
def _places(number: int, known: int, language: str, words: tuple[int, int]) -> dict[str, int]:
    return {sentence(number, at, language, words).strip(): at for at in range(known)}


def _word(number: int) -> str:
    """The word of a number: the same for the same, another for another."""
    syllables = []
    number += 20
    while number:
        number, rest = divmod(number, 20)
        syllables.append(_SYLLABLES[rest])
    return "".join(syllables)


def _loop(language: str) -> str:
    return "我们走在路上看见了山" if language == "zh" else "and so it goes on and on"


def _kind(body: Any, prompt: str) -> str:
    if "prompt" in body:
        if prompt.startswith("Below are the contents of articles"):
            return "plan_line"
        return "completion"
    if len(body["messages"]) > 2:
        return "repair"
    for words, kind in (
        ("Plan it: break it into", "plan"),
        ("break that chapter into", "chapter"),
        ("wants another idea", "replan"),
        ("note what that author must know", "summary"),
        ("has been begun", "continue"),
        ("Write section", "parallel"),
        ("Now write section", "section"),
        ("Go on from the exact point", "direct_continue"),
        ("Write the whole text", "direct"),
        ("Write two sentences about spring", "trial"),
    ):
        if words in prompt:
            return kind
    raise AssertionError(f"The author does not know what is asked: {prompt[-400:]}")


def _task(kind: str, prompt: str) -> tuple[int, int, str]:
    """Number of the section (1 in direct mode), how much is wanted, and what stands of it."""
    if kind == "completion":
        heading, _, partial = re.split(r"(?m)^## ", prompt)[-1].partition("\n\n")
        number = number_of(heading)
        return number, 0, partial.partition("\n\n")[2]
    wanted = _WORDS_WANTED.findall(prompt)
    if kind == "direct":
        return 1, int(wanted[-1]), ""
    written = match[1] if (match := _OPEN_PROMPT.search(prompt)) else ""
    if kind == "direct_continue":
        return 1, int(wanted[-1]), written
    match = _SECTION.search(prompt.rsplit("</written>", 1)[-1].rsplit("</plan>", 1)[-1])
    assert match
    partial = re.split(r"(?m)^## .*$", written)[-1] if kind == "continue" else ""
    return int(match[1]), int(wanted[-1]), partial


def _usage(body: Any, completion: int) -> dict[str, int]:
    text = body["prompt"] if "prompt" in body else "".join(one["content"] for one in body["messages"])
    return {"prompt_tokens": len(text) // _CHARACTERS_A_TOKEN, "completion_tokens": max(1, completion)}
