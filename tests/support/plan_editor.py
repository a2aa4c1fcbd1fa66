"""A scripted editor of plans behind the fault server: it reviews a plan, revises it, and compares two plans."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.support.author import Author
from tests.support.fault_server import Answer

REVISED, WHEN = "A section on frost", "when it comes"  # heading and words of the section in each revised plan
POINTS = [
    {"kind": "gap", "steps": [1, 2], "problem": "Frost is missing.", "advice": "Add it between them."},
    {"kind": "overlap", "steps": [2, 99], "problem": "There is no such step.", "advice": ""},
]


@dataclass
class PlanEditor:
    """Answers the prompts of a plan review, and all others as ``author`` does.

    ``likes`` returns the number of the better plan, given the two in the prompt's order.
    """

    likes: Callable[[str, str], int] = lambda first, second: 1 if WHEN in first else 2
    points: Any = field(default_factory=lambda: POINTS)
    revises: Callable[[list[str]], str] | None = None
    author: Author = field(default_factory=Author)
    asked: list[str] = field(default_factory=list)

    def __call__(self, body: Any) -> Answer:
        prompt = body["messages"][1]["content"]  # the first of a chat, also when a plan is asked for again
        if "You review the plan" in prompt:
            self.asked.append("review")
            return Answer([json.dumps({"points": self.points})], usage=None)
        if "An editor has read the plan" in prompt:
            self.asked.append("revise")
            (plan,) = re.findall(r"<plan>\n(.*?)\n</plan>", prompt, re.DOTALL)
            return Answer([(self.revises or with_frost)(plan.splitlines())], usage=None)
        if "You compare two plans" in prompt:
            self.asked.append("compare")
            plans = re.findall(r"<version_\d>\n(.*?)\n</version_\d>", prompt, re.DOTALL)
            verdict = ("neither", "version 1", "version 2")[self.likes(*plans)]
            return Answer([json.dumps({"why": "It is.", "better": verdict})], usage=None)
        self.asked.append("other")
        return self.author(body)


def with_frost(lines: list[str]) -> str:
    """Return a plan with one more section after the first one."""
    subject = lines[0].split(":")[2].split(" - ")[0].strip()
    more = f"Paragraph 2 - Main Point: {REVISED}: {WHEN}, and {subject} - Word Count: 200 words"
    return "\n".join(["Title: Another title", lines[0], more, *lines[1:]])
