"""Which form an instruction asks for, and that the prompts for its plan and its sections say so."""

from __future__ import annotations

import pytest

from lwtui.documents.model import Brief
from lwtui.text.asked_form import asked_form
from tests.support.author import Author
from tests.support.studio import open_studio

NAMED = {
    "letter": [
        "Draft a cover letter for a nurse",
        "请给出一个理由充分的申请信，600字左右",
        "Write my aunt a letter.",
    ],
    "speech": [
        "You marry soon: please prepare a 500-word speech",
        "A eulogy for a caretaker",
        "优化你的年终PPT讲稿：",
    ],
    "story": ["Write me a touching short story about rain", "Tell the story of a keeper", "创作一部悬疑小说的第一章："],
    "diary": ["创作五篇关于旅行的日记。", "Write a diary entry of a cook"],
    "": [
        "Write a guide on how to write a letter to a landlord",
        "Write an essay about short stories",
        "Write a report on the letter of credit",
        "Write a blog post telling the story of our company",
        "Write a book review of the novel Emma",
        "Write a newsletter",
        "Write a research paper proposing a novel architecture",
        "Write a novel approach to caching",
        "Write a report on urban heat. I want a novel angle.",
        "Write a handbook for new managers. Give examples, tell stories, and be kind.",
        "Write a user story for the login page",
        "Write a comprehensive email marketing guide",
        "Write a tutorial. Users need an email address.",
        "Write a guide for job seekers, who need a cover letter and a CV.",
        "Write a speech recognition tutorial",
        "Write a toast recipe",
        "写一篇论文讨论迷信。",
        "写一篇议论文：自信",
        "写一份微信",
        "请写一份操作手册，讲如何发邮件。",
        "写一份关于演讲技巧的指南",
        "介绍如何写故事的方法",
        "写一篇小说评论",
    ],
}


@pytest.mark.parametrize(("form", "instruction"), [(form, one) for form, some in NAMED.items() for one in some])
def test_an_instruction_names_its_form(form: str, instruction: str) -> None:
    assert asked_form(instruction) == form


@pytest.mark.parametrize("instruction", ["Write a speech against a car park.", "Write a guide to soil."])
async def test_the_form_is_in_the_prompts(instruction: str) -> None:
    brief = Brief(instruction, 900)
    async with open_studio(Author()) as studio:
        plan, _ = await studio.plan(brief)
        await studio.write(brief, plan)
    named = ["speech" in prompt.replace(instruction, "") for prompt in studio.prompts]
    assert all(named) if "speech" in instruction else not any(named)
