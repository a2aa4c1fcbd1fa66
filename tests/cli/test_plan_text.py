from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lwtui.agentwrite.plan_format import PlanError, format_plan
from lwtui.cli.plan_text import load_plan, read_plan, show_plan
from lwtui.documents.model import Plan, PlannedSection
from lwtui.errors import UsageError

PLAN = Plan(
    "Tomatoes in Pots",
    (
        PlannedSection("Soil (and pots)", "What they stand in. " * 12, 250),
        PlannedSection("Light: how much", "At least six hours (more is better)", 1200),
    ),
)

_text = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=30)
_line = st.lists(_text, min_size=1, max_size=8).map(" ".join)


def same(left: Plan, right: Plan) -> bool:
    return left.to_dict() == right.to_dict()


def with_single_spaces(plan: Plan) -> Plan:
    sections = (
        PlannedSection(section.title, " ".join(section.main_point.split()), section.words) for section in plan.sections
    )
    return Plan(plan.title, tuple(sections))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_printed_plan_can_be_read(language: str) -> None:
    assert same(read_plan(show_plan(PLAN, language), "Tomatoes", None), with_single_spaces(PLAN))


@given(
    _line,
    st.lists(
        st.tuples(_line, _line, st.integers(1, 99999)),
        min_size=1,
        max_size=12,
        unique_by=(lambda section: section[0].casefold(), lambda section: section[1].casefold()),
    ),
)
def test_any_printed_plan_can_be_read(title: str, sections: list[tuple[str, str, int]]) -> None:
    plan = Plan(title, tuple(PlannedSection(*section) for section in sections))
    assert same(read_plan(show_plan(plan, "en"), "Tomatoes", None), plan)


def test_a_nested_plan_can_be_printed_and_read() -> None:
    steps = (("Soil", "", 0, 1), ("Loam", "what it is", 300, 2), ("Peat", "", 0, 2), ("Moss", "a bog", 200, 3))
    plan = Plan("Pots", tuple(PlannedSection(*step[:3], level=step[3]) for step in (*steps, ("Sun", "hours", 100, 1))))
    shown = show_plan(plan, "en")
    assert [line for line in shown.split("\n") if line[:4].strip() and "(" in line] == [
        " 1. Soil (500 words in 2 sections)",
        "  1.1 Loam (300 words)",
        "  1.2 Peat (200 words in 1 section)",
        "   1.2.1 Moss (200 words)",
        " 2. Sun (100 words)",
    ]
    assert "600 words in 3 sections" in shown
    assert same(read_plan(shown, "Pots", None), plan)
    assert same(read_plan(plan.to_json(), "Pots", None), plan)
    assert read_plan(shown, "Pots", 1200).words == 1200
    for wrong, finding in (("1.1 Loam", "1.2 Loam"), ("1.2.1 Moss", "1.3.1 Moss"), (" 2. Sun", " 3. Sun")):
        expected, found = wrong.split()[0].rstrip("."), finding.split()[0].rstrip(".")
        with pytest.raises(PlanError, match=rf"{expected}\b.* {found}\b"):
            read_plan(shown.replace(wrong, finding), "Pots", None)
    with pytest.raises(PlanError, match=r"\b2\b"):  # a part without sections
        read_plan("1. Sun (100 words)\n    hours\n2. Soil (500 words in 2 sections)", "Pots", None)


def test_json_and_step_lines_can_be_read() -> None:
    assert same(read_plan(PLAN.to_json(), "Tomatoes", None), with_single_spaces(PLAN))
    steps = read_plan(format_plan(PLAN), "Tomatoes", None)
    assert [section.words for section in steps.sections] == [250, 1200]
    assert [section.title for section in steps.sections] == ["Soil (and pots)", "Light"]


def test_targets_are_scaled_to_the_given_words() -> None:
    assert read_plan(show_plan(PLAN, "en"), "Tomatoes", 2900).words == 2900


def test_untidy_edits_can_be_read() -> None:
    text = "\nTomatoes\n\n1) Soil (200)\n  What they\nstand in\n2. Water (1,000 words)\n      Every day\n"
    plan = read_plan(text, "Tomatoes", None)
    assert plan.to_dict() == {
        "title": "Tomatoes",
        "sections": [
            {"title": "Soil", "main_point": "What they stand in", "words": 200},
            {"title": "Water", "main_point": "Every day", "words": 1000},
        ],
    }


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("1. Soil (200 words)\n   a\n3. Water (200 words)\n   b", "Expected section 2"),
        ("1. Soil (200 words)\n2. Water (200 words)\n   b", "Step 1 has no main point"),
        ("1. Soil (0 words)\n   a", "Step 1 has no word count"),
        ("Soil\nWater", "not a step"),
        ("", "no steps"),
        ("{", "not valid JSON"),
        ('{"sections": 3}', "not a step"),
    ],
)
def test_an_unusable_plan_is_rejected_with_a_reason(text: str, finding: str) -> None:
    with pytest.raises(PlanError, match=finding):
        read_plan(text, "Tomatoes", None)


def test_files_that_are_not_plans_are_reported(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00\x01")
    (tmp_path / "large").write_bytes(b"x" * (2**22 + 1))
    for name, words in (
        ("binary", "not UTF-8"),
        ("large", "too large"),
        ("missing", "No such file"),
        (".", "directory"),
    ):
        with pytest.raises(UsageError, match=words):
            load_plan(tmp_path / name, "Tomatoes", None)
