"""Plans as small chat models wrote them, without a grammar: many kinds of texts in several languages.

``plan_answers.jsonl`` holds the answers of Qwen2.5-Coder-0.5B-Instruct and Qwen2.5-Coder-1.5B-Instruct to the prompts
for these instructions, as they came.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
import regex

from lwtui.agentwrite.plan_format import format_plan
from lwtui.agentwrite.plan_repair import parse_plan
from lwtui.documents.model import Brief

ANSWERS = [
    json.loads(line) for line in (Path(__file__).parent / "plan_answers.jsonl").read_text(encoding="utf-8").splitlines()
]
# What belongs to the shape of a plan, not to what it says
LABELS = regex.compile(
    r"word\s*count|字数|main\s+points?\s*[:：]|主点|^\s*(?:paragraph|section)\s+\d|#{2,}|\*\*", regex.IGNORECASE
)
INTRODUCTIONS = {"however", "finally", "additionally", "in addition", "首先", "其次", "最后", "此外"}


@pytest.mark.parametrize("answer", ANSWERS, ids=[f"{row['language']}-{row['words']}" for row in ANSWERS])
def test_a_real_answer_is_a_plan(answer: dict[str, str | int]) -> None:
    brief = Brief(str(answer["instruction"]), int(answer["words"]), language=str(answer["language"]))
    plan = parse_plan(str(answer["answer"]), brief)
    assert plan.title and plan.words == brief.words
    headings = [section.title.casefold() for section in plan.sections]
    assert [heading for heading, times in Counter(headings).items() if times > 1] == []
    assert INTRODUCTIONS & set(headings) == set()
    for section in plan.sections:
        assert section.words > 0 and section.title and section.main_point
        assert not LABELS.search(section.title) and not LABELS.search(section.main_point), section
    again = parse_plan(format_plan(plan), brief, strict=True)
    assert [section.title for section in again.sections] == [section.title for section in plan.sections]


def test_there_are_many_answers() -> None:
    assert len(ANSWERS) >= 60
    assert {row["language"] for row in ANSWERS} >= {"en", "zh", "de", "fr", "it"}
