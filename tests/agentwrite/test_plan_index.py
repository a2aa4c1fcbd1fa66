"""What filters look up in a plan is the same as if it were read again for each section."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lwtui.agentwrite import plan_index
from lwtui.agentwrite.plan_index import PlanIndex
from lwtui.agentwrite.prompt_leak import passages_in
from lwtui.agentwrite.stream_cleaner import heading_key
from lwtui.documents.model import Plan, PlannedSection

TITLES = st.sampled_from(["Soil", "1. Soil", "soil", "Pots", "Water & light", "", "2."])
POINTS = st.sampled_from(
    [
        "",
        "Short.",
        "The rope walk offers stunning views of the harbor and the hills behind it.",
        "It is old. The rope walk offers stunning views of the harbor and the hills behind it.",
        "What the harbor master has told nobody, not even his own daughter.",
    ]
)


@given(st.lists(st.tuples(TITLES, POINTS), min_size=1, max_size=6))
def test_the_other_sections_are_those_but_one(lines: list[tuple[str, str]]) -> None:
    sections = tuple(PlannedSection(title, point, 100, f"s{at}") for at, (title, point) in enumerate(lines))
    index = PlanIndex(Plan("A plan", sections))
    assert index.headings == {key for title, _point in lines if (key := heading_key(title))}
    for section in sections:
        others = [other for other in sections if other is not section]
        assert index.other_points(section.id) == passages_in(other.main_point for other in others)
        assert index.other_headings(section.title) == {
            heading_key(other.title) for other in sections if other.title != section.title
        }
    assert index.other_headings("No heading of it") == {heading_key(title) for title, _point in lines}
    assert index.other_points("no section of it") == passages_in(point for _title, point in lines)


def test_a_plan_is_read_once() -> None:
    plan = Plan("A plan", (PlannedSection("Soil", "what to fill them with", 100),))
    assert plan_index.plan_index(plan) is plan_index.plan_index(plan)
    other = Plan("A plan", plan.sections)
    assert plan_index.plan_index(other) is not plan_index.plan_index(plan)
