"""A scripted editor behind the fault server: it makes criteria, reviews sections, rewrites them and compares texts."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.support.author import sentence
from tests.support.fault_server import Answer
from tests.support.studio import prompt_of

CRITERIA_ANSWER = {"criteria": ["Every claim has a number.", "No sentence is empty.", "The tone is dry."]}


def old_text(number: int) -> str:
    return "".join(sentence(number, index) for index in range(5)).strip()


def new_text(number: int) -> str:
    return "".join(sentence(number + 40, index) for index in range(5)).strip()


def kind_of(prompt: str) -> str:
    marks = {"<version_1>": "compare", "You review one section": "review", "An editor has read": "rewrite"}
    return next((kind for mark, kind in marks.items() if mark in prompt), "criteria")


@dataclass
class Editor:
    """Answers all prompts of polishing.

    It prefers texts by ``likes``, given the two versions in the prompt's order. ``afresh`` writes where the old text is
    not shown.
    """

    likes: Callable[[str, str], int] = lambda first, second: 1 if first.startswith(new_text(1)[:20]) else 2
    points: Callable[[str], list[dict[str, str]]] | None = None
    rewrites: Callable[[int], str] = new_text
    afresh: Callable[[int], str] | None = None
    asked: list[str] = field(default_factory=list)

    def __call__(self, body: Any) -> Answer:
        prompt = prompt_of(body)
        kind = kind_of(prompt)
        self.asked.append(kind)
        if kind == "criteria":
            return Answer([json.dumps(CRITERIA_ANSWER)], usage=None)
        if kind == "rewrite":
            number = int(re.findall(r"section (\d+) of", prompt)[-1])
            seen = "<section>" in prompt
            return Answer([(self.rewrites if seen or self.afresh is None else self.afresh)(number)], usage=None)
        if kind == "compare":
            versions = re.findall(r"<version_\d>\n(.*?)\n</version_\d>", prompt, re.DOTALL)
            verdict = ("neither", "version 1", "version 2")[self.likes(*versions)]
            return Answer([json.dumps({"why": "It is.", "better": verdict})], usage=None)
        text = re.findall(r"<section>\n(.*?)\n</section>", prompt, re.DOTALL)[0]
        return Answer([json.dumps({"points": self.points(text) if self.points else one_point(text)})], usage=None)


def one_point(text: str) -> list[dict[str, str]]:
    quote = text.split(". ")[1]
    return [
        {"quote": quote, "problem": "This is vague.", "advice": "Name a number."},
        {"quote": "Nowhere to be found in it.", "problem": "Made up.", "advice": ""},
    ]


def newer(first: str, second: str) -> int:
    """Prefer the rewritten text in either order."""
    return 1 if any(first == new_text(number) for number in range(1, 9)) else 2


def older(first: str, second: str) -> int:
    return 3 - newer(first, second)


def second_one(first: str, second: str) -> int:
    """Prefer what comes second, like many models."""
    return 2
