"""Plans that end with their own instructions, as small models write them."""

from __future__ import annotations

import pytest

from lwtui.agentwrite.plan_leak import without_leaked_sections
from lwtui.agentwrite.prompt_templates import PromptTemplates
from lwtui.documents.model import Plan, PlannedSection

SOIL = PlannedSection("Soil", "What soil is made of, and what each part of it does for the plants that grow in it", 400)
SEEDS = PlannedSection("Seeds", "How seeds are chosen", 600)
CHAT = PromptTemplates("chat")


@pytest.mark.parametrize(
    "leak",
    [
        PlannedSection(
            "This report", "It covers everything the brief asks for, in an order in which each section builds", 9
        ),
        PlannedSection("Rules", "No section restates another, and only the last one may conclude.", 500),
        PlannedSection("Keep the words Paragraph, Main Point and Word Count in English", "", 500),
    ],
)
def test_a_section_that_repeats_the_prompt_is_removed(leak: PlannedSection) -> None:
    plan = without_leaked_sections(Plan("Soil", (SOIL, leak, SEEDS)), CHAT, "Write about soil")
    assert [section.title for section in plan.sections] == ["Soil", "Seeds"]
    assert plan.words == 1000 + leak.words


def test_the_writers_own_words_may_be_repeated() -> None:
    words = "Cover everything the brief asks for, in an order that helps"
    plan = Plan("Soil", (SOIL, PlannedSection("Briefs", words, 500)))
    assert without_leaked_sections(plan, CHAT, "Write a guide to briefs. " + words) == plan


def test_the_usual_words_of_a_plan_stay_and_a_plan_is_never_emptied() -> None:
    plan = Plan(
        "Soil", (SOIL, PlannedSection("", "The last section concludes and covers what the brief asks for", 300))
    )
    assert without_leaked_sections(plan, CHAT, "") == plan
    leaked = Plan("", (PlannedSection("Rules", "No section restates another, and only the last one may conclude.", 5),))
    assert without_leaked_sections(leaked, CHAT, "") == leaked
    assert without_leaked_sections(leaked, PromptTemplates("completion"), "") == leaked
