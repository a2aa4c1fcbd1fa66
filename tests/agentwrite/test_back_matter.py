"""What surrounds a text, such as thanks and appendices, is in no plan that does not have to have it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lwtui.agentwrite.back_matter import without_back_matter
from lwtui.documents.model import Plan, PlannedSection


def titles_of(plan: Plan) -> list[str]:
    return [section.title for section in plan.sections]


def plan_with(*titles: str) -> Plan:
    return Plan("P", tuple(PlannedSection(title, "x", 100, str(number)) for number, title in enumerate(titles)))


@pytest.mark.parametrize(
    "title",
    [
        "Acknowledgments",
        "7. Acknowledgements",
        "Appendices",
        "Appendix A",
        "Author's Note",
        "Table of Contents",
        "Title page",
        "About the Author:",
        "Contact Information",
        "Legal Disclaimer",
        "Copyright Statement",
        "Acknowledgment of Funding",
        "致谢",
        "第六章 致谢",
        "附录",
        "目录",
        "附录A",
        "感谢大家的阅读和参与",
        "版权信息",
        "联系方式或地址",
    ],
)
def test_it_is_left_out_and_the_others_have_its_length(title: str) -> None:
    plan = without_back_matter(plan_with("The harbor", "The town", title), "Write a report on a harbor town.")
    assert titles_of(plan) == ["The harbor", "The town"] and plan.words == 300


@pytest.mark.parametrize(
    ("title", "instruction"),
    [
        ("Acknowledgments", "Write a report, with acknowledgments at the end."),
        ("附录", "写一份报告，最后有附录。"),
        ("The contents of the letter", "Tell a story."),
        ("The index of prices", "Write a report."),
        ("Thanks to the nurses", "Write a speech."),
    ],
)
def test_what_was_asked_for_or_says_something_stays(title: str, instruction: str) -> None:
    plan = plan_with("The harbor", title)
    assert without_back_matter(plan, instruction) is plan


def test_what_the_brief_does_not_mention_is_left_out() -> None:
    plan = plan_with("The harbor", "Glossary")
    plan = plan.with_section(replace(plan.sections[1], main_point="The brief does not mention any glossary."))
    assert titles_of(without_back_matter(plan, "Write a report.")) == ["The harbor"]


def test_a_plan_of_nothing_else_stays() -> None:
    plan = plan_with("Appendix")
    assert without_back_matter(plan, "") is plan
