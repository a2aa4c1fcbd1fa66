"""Whether a text is connected prose or may have lists: what the brief says, or what its instruction asks for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lwtui.agentwrite.style import style_of
from lwtui.documents.model import Brief, Style


@pytest.mark.parametrize(
    "instruction",
    [
        "Write a practical guide for first-time visitors to the Lofoten Islands in winter.",
        "Write a story about a lighthouse keeper.",
        "Write an essay on the history of the list as a literary form.",
        "A letter to my grandmother about the schedule of the trains",
        "Write a report on rivers without bullet points and lists.",
        "写一篇关于茶的散文。",
        "写一个故事，讲一个人列出了他所有的梦。",
        "Discuss the listing of the building.",
    ],
)
def test_prose_is_the_default(instruction: str) -> None:
    assert style_of(Brief(instruction, 500)) is Style.PROSE


@pytest.mark.parametrize(
    "instruction",
    [
        "Write a step-by-step tutorial on knots.",
        "A packing list for Norway in winter",
        "Write a business plan for a bakery.",
        "Give me a checklist of what to do before moving house.",
        "Write an FAQ for new tenants.",
        "写一份三天的旅行攻略。",
        "列出十个提高效率的方法并说明。",
    ],
)
def test_lists_where_the_instruction_asks_for_them(instruction: str) -> None:
    assert style_of(Brief(instruction, 500)) is Style.LISTS


def test_the_briefs_own_style_counts_first() -> None:
    tutorial = Brief("Write a tutorial on knots.", 500)
    assert style_of(replace(tutorial, style=Style.PROSE)) is Style.PROSE
    assert style_of(replace(Brief("Write a story.", 500), style=Style.LISTS)) is Style.LISTS
