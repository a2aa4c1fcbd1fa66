"""Edits of a flat plan."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lwtui.documents import plan_edits
from lwtui.documents.model import Plan, PlannedSection
from tests.documents.support import LIGHT, PLAN, SOIL, WATER


def titles(plan: Plan) -> list[str]:
    return [section.title for section in plan.sections]


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (0, ["Pots", "Soil", "Water", "Light"]),
        (2, ["Soil", "Water", "Pots", "Light"]),
        (3, ["Soil", "Water", "Light", "Pots"]),
        (99, ["Soil", "Water", "Light", "Pots"]),
        (-5, ["Pots", "Soil", "Water", "Light"]),
    ],
)
def test_inserting_a_section(at: int, expected: list[str]) -> None:
    assert titles(plan_edits.insert(PLAN, at, PlannedSection("Pots", "", 10))) == expected
    assert titles(PLAN) == ["Soil", "Water", "Light"]


def test_removing_a_section() -> None:
    assert plan_edits.remove(PLAN, WATER.id) == Plan("Tomatoes", (SOIL, LIGHT))
    with pytest.raises(KeyError):
        plan_edits.remove(PLAN, "nothing")


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        (1, ["Soil", "Light", "Water"]),
        (-1, ["Water", "Soil", "Light"]),
        (0, ["Soil", "Water", "Light"]),
        (7, ["Soil", "Light", "Water"]),
        (-7, ["Water", "Soil", "Light"]),
    ],
)
def test_moving_a_section_stops_at_the_ends(by: int, expected: list[str]) -> None:
    assert titles(plan_edits.move(PLAN, WATER.id, by)) == expected


def test_splitting_a_section_at_a_sentence() -> None:
    section = PlannedSection("Soil", "Say what loam is. Then say how to mix it from peat and sand.", 301)
    plan, second_id = plan_edits.split(Plan("T", (section, LIGHT)), section.id)
    first, second, _ = plan.sections
    assert (first.id, first.title, first.main_point) == (section.id, "Soil", "Say what loam is.")
    assert (second.id, second.title) == (second_id, "Soil (2)")
    assert second.main_point == "Then say how to mix it from peat and sand."
    assert (first.words, second.words) == (151, 150)


@pytest.mark.parametrize(
    ("point", "first", "second"),
    [
        ("Explain loam, and how to mix it", "Explain loam", "and how to mix it"),
        ("Explain loam and how to mix it", "Explain loam", "and how to mix it"),
        ("说明土壤的种类，以及如何混合", "说明土壤的种类", "以及如何混合"),
        ("What loam is; what peat is; what sand does", "What loam is; what peat is", "what sand does"),
        ("Loam", "Loam", "Loam"),
        ("1. Loam holds water. 2. Sand does not.", "Loam holds water.", "Sand does not."),
        ("壤土很重要。2. 种类：沙土与黏土。3. 如何混合它们。", "壤土很重要。种类：沙土与黏土。", "如何混合它们。"),
        ("1. Soil 2. Water 3. Air 4. Light", "Soil; Water", "Air; Light"),
        ("1、土壤的种类；2、水的作用；3、空气", "土壤的种类；水的作用", "空气"),
        ("30. Januar: er wird Kanzler; 27. Februar: Brand", "30. Januar: er wird Kanzler", "27. Februar: Brand"),
        ("Explain the rules of chapter 5. Then test them.", "Explain the rules of chapter 5.", "Then test them."),
        ("", "", ""),
    ],
)
def test_a_main_point_is_split_where_possible(point: str, first: str, second: str) -> None:
    plan, _ = plan_edits.split(Plan("T", (PlannedSection("Soil", point, 10, "a"),)), "a")
    assert [section.main_point for section in plan.sections] == [first, second]


@pytest.mark.parametrize(
    ("point", "several"),
    [
        ("Say what loam is. Then say how to mix it.", True),
        ("what loam is; how peat is mixed", True),
        ("1. Soil types here 2. Water in soil", True),
        ("Explain loam, and how to mix it", False),
        ("五个搞笑的角色，包括李明、张三、王五", False),
        ("角色的性格特点；他们的背景故事", True),
        ("Loam. Why?", False),
    ],
)
def test_a_main_point_of_several_parts_can_be_several_sections(point: str, several: bool) -> None:
    assert plan_edits.has_parts(point) is several


def test_a_split_section_gets_a_unique_title() -> None:
    plan, second = plan_edits.split(PLAN, SOIL.id)
    plan, _ = plan_edits.split(plan, second)
    plan, _ = plan_edits.split(plan, SOIL.id)
    assert titles(plan) == ["Soil", "Soil (4)", "Soil (2)", "Soil (3)", "Water", "Light"]
    untitled, _ = plan_edits.split(Plan("T", (PlannedSection("", "All.", 10, "a"),)), "a")
    assert titles(untitled) == ["", ""]


def test_merging_sections() -> None:
    plan = plan_edits.merge(PLAN, SOIL.id)
    joined, last = plan.sections
    assert (joined.id, joined.title, joined.words) == (SOIL.id, "Soil", 300)
    assert joined.main_point == "What tomatoes root in. How much, and when."
    assert last == LIGHT
    with pytest.raises(ValueError):
        plan_edits.merge(PLAN, LIGHT.id)


@pytest.mark.parametrize(
    ("first", "second", "joined"),
    [
        ("Who paid", "how it ended", "Who paid; how it ended"),
        ("Who paid.", "How it ended.", "Who paid. How it ended."),
        ("谁付钱", "怎样结束", "谁付钱；怎样结束"),
        ("谁付钱。", "怎样结束。", "谁付钱。怎样结束。"),
        ("", "How it ended.", "How it ended."),
        ("The same.", "The same.", "The same."),
    ],
)
def test_merged_main_points_stay_apart(first: str, second: str, joined: str) -> None:
    plan = Plan("T", (PlannedSection("A", first, 10, "a"), PlannedSection("B", second, 10, "b")))
    assert plan_edits.merge(plan, "a").sections[0].main_point == joined


def test_merging_undoes_splitting() -> None:
    plan, _ = plan_edits.split(PLAN, SOIL.id)
    assert plan_edits.merge(plan, SOIL.id) == PLAN


def test_rescaling_keeps_proportions() -> None:
    assert [section.words for section in plan_edits.rescale(PLAN, 900).sections] == [200, 400, 300]
    assert plan_edits.rescale(Plan("T", ()), 900) == Plan("T", ())


@given(st.lists(st.integers(0, 5000), min_size=1, max_size=60), st.integers(1, 200_000))
def test_rescaled_targets_add_up_exactly(words: list[int], total: int) -> None:
    plan = Plan("T", tuple(PlannedSection(f"S{number}", "", target) for number, target in enumerate(words)))
    scaled = plan_edits.rescale(plan, total)
    has_text = [bool(target) for target in words] if any(words) else [True] * len(words)  # the others are headings
    assert scaled.words == max(total, sum(has_text))
    assert [section.words >= 1 for section in scaled.sections] == has_text
    assert [section.id for section in scaled.sections] == [section.id for section in plan.sections]


@given(st.integers(1, 150), st.integers(1, 5000), st.integers(1, 200_000))
def test_equal_targets_stay_equal_up_to_rounding(count: int, each: int, total: int) -> None:
    plan = Plan("T", tuple(PlannedSection(f"S{number}", "", each) for number in range(count)))
    targets = [section.words for section in plan_edits.rescale(plan, total).sections]
    assert max(targets) - min(targets) <= 20
