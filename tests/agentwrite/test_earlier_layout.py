"""The layout of the earlier sections is always that of the sections it holds, and each is laid out once."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lwtui.agentwrite.context import ContextBuilder, _first
from lwtui.agentwrite.earlier_layout import EarlierLayout, ShownSummary
from lwtui.documents.model import Section, SectionSummary
from tests.agentwrite.test_context import BRIEF, fit_earlier, prose, section
from tests.support.author import Author
from tests.support.studio import open_studio


class CountingBuilder:
    """Lays sections out, and notes which."""

    def __init__(self, mark: str = "##") -> None:
        self.laid_out: list[str] = []
        self._mark = mark

    def earlier(self, title: str, main_point: str, text: str) -> str:
        self.laid_out.append(title)
        return f"{self._mark} {title} ({main_point})\n\n{text}"


SECTIONS = st.lists(st.builds(section, st.integers(1, 5), st.sampled_from(["one", "two"])), max_size=6)


@given(st.lists(SECTIONS, min_size=2, max_size=6))
def test_it_is_the_same_as_one_that_is_made_new(lists: list[list[Section]]) -> None:
    kept, builder = EarlierLayout(), CountingBuilder()
    for sections in lists:
        fresh = EarlierLayout()
        fresh.hold(sections, builder)
        kept.hold(sections, builder)
        assert kept.blocks == fresh.blocks
        assert len(kept.sizes) == len(kept.summaries) == len(sections)
        for at, each in enumerate(sections):  # what is known of a section is never known of another
            assert kept.sizes[at] in (0, len(each.text) + each.words)
            kept.sizes[at] = len(each.text) + each.words
            shown = kept.summaries[at]
            assert shown is None or shown.text == f"{each.title} {each.text}"
            kept.summaries[at] = ShownSummary(each.title, f"{each.title} {each.text}", "", None, by_hand=False)


def test_each_section_is_laid_out_once_until_it_changes() -> None:
    layout, builder = EarlierLayout(), CountingBuilder()
    sections = [section(number, prose(number, 2)) for number in range(1, 6)]
    for count in range(1, 6):
        layout.hold(sections[:count], builder)
    assert builder.laid_out == [each.title for each in sections]
    builder.laid_out.clear()
    layout.hold([replace(each) for each in sections], builder)  # equal ones are the same
    assert not builder.laid_out
    sections[3] = replace(sections[3], text="Another text.")
    layout.hold(sections, builder)
    assert builder.laid_out == [each.title for each in sections[3:]]


def test_another_prompt_builder_lays_out_all_sections() -> None:
    layout = EarlierLayout()
    sections = [section(number, prose(number, 2)) for number in range(1, 4)]
    layout.hold(sections, CountingBuilder())
    layout.hold(sections, CountingBuilder("#"))
    assert [block.partition(" ")[0] for block in layout.blocks] == ["#"] * 3


async def test_what_is_kept_changes_no_prompt() -> None:
    """Sections are written, edited, moved and removed, and summarized by hand, on both sides of the border."""
    sections = [section(number, prose(number, 8)) for number in range(1, 25)]
    summaries: dict[str, SectionSummary] = {}
    async with open_studio(Author()) as studio:
        kept = ContextBuilder(studio.agent, BRIEF, summaries)
        shown = set()
        for step in range(60):
            count = min(4 + step // 2, len(sections))
            match step % 7:
                case 2:
                    at = step * 5 % count
                    sections[at] = replace(sections[at], text=prose(30 + step, 8))
                case 3:
                    at = step * 3 % count
                    summaries[sections[at].id] = SectionSummary(sections[at].id, f"By hand {step}.", "", by_hand=True)
                case 4:
                    at = 1 + step * 11 % (count - 1)
                    sections[at - 1 : at + 1] = sections[at], sections[at - 1]
                case 5:
                    sections.append(sections.pop(step * 2 % count))
                case 6:
                    summaries.pop(sections[step % count].id, None)
            fresh = ContextBuilder(studio.agent, BRIEF, summaries, _border=kept._border, _made=kept._made)
            budget = 1500 if step % 10 else 900
            found, _events = await fit_earlier(studio, kept, sections[:count], budget)
            expected, _events = await fit_earlier(studio, fresh, sections[:count], budget)
            assert found == expected and kept._border == fresh._border
            shown.add((len(found.summaries), kept._bare))
    assert len(shown) > 6  # it is not always the same prompt


@pytest.mark.parametrize("near", [None, *range(14)])
async def test_the_first_number_is_found_from_anywhere(near: int | None) -> None:
    for count in (0, 1, 2, 9):
        for first in range(count + 1):
            asked: list[int] = []

            async def holds(number: int, first: int = first, asked: list[int] = asked) -> bool:
                asked.append(number)
                return number >= first

            assert await _first(count, holds, near) == first
            assert all(0 <= number < count for number in asked)
            if near == first:
                assert len(asked) <= 2
