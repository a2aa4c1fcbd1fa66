"""Where a section is to end: its share of what is left, and the end of a sentence near that length."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lwtui.agentwrite.filters import SectionText
from lwtui.agentwrite.length import LONG, RUNAWAY, SHORT, LengthStopper, LengthTarget, section_target
from lwtui.documents.model import Section, Status
from lwtui.text import count_words
from tests.support.author import sentence
from tests.support.feeding import feed, look


def section(number: int, words: int, length: int = 0, status: Status = Status.EMPTY) -> Section:
    return Section(f"s{number}", f"Part {number}", "point", words, status, "x " * length, length)


def done(number: int, words: int, length: int) -> Section:
    return section(number, words, length, Status.DONE)


def prose(words: int, number: int = 1, language: str = "en", each: tuple[int, int] = (8, 16)) -> str:
    """At least so many words."""
    sentences: list[str] = []
    length = 0
    while length < words:
        sentences.append(sentence(number, len(sentences), language, each))
        length += count_words(sentences[-1])
    return "".join(sentences).lstrip()


def ended(target: LengthTarget, text: str, step: int = 5) -> str | None:
    """What is left of ``text`` when it has come in pieces of ``step`` characters; ``None`` if it was not ended."""
    if (found := feed(LengthStopper(target), text, step)) is None:
        return None
    verdict, _ = found
    assert verdict.final and not verdict.loop
    return text[: verdict.keep]


# ---- shares -----------------------------------------------------------------------------------------------------


def test_without_text_each_section_has_its_planned_length() -> None:
    sections = [section(1, 300), section(2, 500)]
    assert [section_target(sections, one.id) for one in sections] == [300, 500]


def test_what_came_out_short_or_long_is_spread_over_those_that_are_left() -> None:
    assert section_target([done(1, 300, 240), section(2, 300), section(3, 600)], "s2") == 320
    assert section_target([done(1, 300, 240), section(2, 300), section(3, 600)], "s3") == 640
    assert section_target([done(1, 300, 390), section(2, 300), section(3, 600)], "s2") == 270


def test_a_target_keeps_within_sight_of_its_plan() -> None:
    assert section_target([done(1, 1000, 3000), section(2, 300)], "s2") == 150
    assert section_target([done(1, 1000, 10), section(2, 300)], "s2") == 480
    assert section_target([done(1, 10, 3000), section(2, 1)], "s2") == 1


def test_a_section_that_was_begun_still_has_its_whole_share() -> None:
    sections = [done(1, 300, 300), section(2, 300, 200, Status.PARTIAL), section(3, 300)]
    assert section_target(sections, "s2") == 300


@given(st.lists(st.tuples(st.integers(1, 3000), st.integers(0, 5000)), min_size=1, max_size=20), st.data())
def test_the_rest_of_the_document_has_the_rest_of_its_length(rows: list[tuple[int, int]], data: st.DataObject) -> None:
    finished = data.draw(st.integers(0, len(rows) - 1))
    sections = [
        done(at, words, length) if at < finished else section(at, words) for at, (words, length) in enumerate(rows)
    ]
    targets = [section_target(sections, one.id) for one in sections[finished:]]
    planned = [one.words for one in sections[finished:]]
    assert all(
        max(1, round(0.5 * plan) - 1) <= target <= 1.6 * plan + 1 for target, plan in zip(targets, planned, strict=True)
    )
    left = sum(words for words, _ in rows) - sum(one.length for one in sections[:finished])
    if 0.5 * sum(planned) <= left <= 1.6 * sum(planned):
        assert abs(sum(targets) - left) <= len(targets)


# ---- ends -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", [60, 150, 300, 800])
@pytest.mark.parametrize("precise", [False, True])
@pytest.mark.parametrize("ends_itself", [False, True])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_an_endless_text_ends_near_its_target(target: int, precise: bool, ends_itself: bool, language: str) -> None:
    aim = LengthTarget(target, ends_itself, precise)
    for number in range(1, 8):
        text = ended(aim, prose(target * 3 // 2, number, language))
        assert text is not None
        assert text.rstrip().endswith((".", "。"))
        length = count_words(text)
        assert not aim.is_short(length)
        assert abs(length - target) <= max(13, target * (0.05 if precise else 0.15))


def test_a_text_that_is_not_long_enough_goes_on() -> None:
    for ends_itself in (True, False):
        assert ended(LengthTarget(300, ends_itself), prose(280)) is None


def test_a_piece_may_be_large() -> None:
    text = prose(700)
    for step in (1, 7, 100, 10_000):
        kept = ended(LengthTarget(300, True), text, step)
        assert kept is not None
        assert 300 * SHORT <= count_words(kept) <= 300 * LONG


def test_long_sentences_do_not_carry_a_section_far_past_its_target() -> None:
    for number in range(1, 20):
        text = ended(LengthTarget(200, True), prose(600, number, each=(40, 60)))
        assert text is not None
        assert 200 * SHORT <= count_words(text) <= 200 * LONG + 1


def test_the_end_of_what_has_come_may_still_grow() -> None:
    text = f"{prose(50)} It costs 3."
    length = count_words(text)
    aim = LengthTarget(length - 1, False)
    assert look(LengthStopper(aim), text) is None or aim.target < 60
    ends_later = LengthStopper(LengthTarget(length, True, precise=True))
    assert look(ends_later, f"{text}5 and more") is None


def test_a_text_without_sentences_is_cut_between_words() -> None:
    text = "word " * 1000
    kept = ended(LengthTarget(300, True), text)
    assert kept is not None
    assert 300 * RUNAWAY <= count_words(kept) <= 300 * RUNAWAY + 3
    assert kept == text[: len(kept)] and text[len(kept)] == " "


def test_a_text_that_stopped_having_sentences_goes_back_to_its_last() -> None:
    sound = prose(280)
    assert ended(LengthTarget(300, True), f"{sound} " + "word " * 1000) == sound


def test_nothing_before_the_floor_is_taken_back() -> None:
    text = prose(900)
    for floor in range(100, len(text), 333):
        # The text up to there stands already.
        found = feed(LengthStopper(LengthTarget(100, True)), text, start=floor, floor=floor)
        assert found is not None
        assert found[0].keep >= floor


def test_a_text_that_was_cut_is_looked_at_anew() -> None:
    text = prose(400)
    stopper = LengthStopper(LengthTarget(300, True))
    section = SectionText(text)
    first = stopper.feed(section)
    assert first is not None
    section.cut(first.keep // 2)
    stopper.cut(first.keep // 2)
    assert stopper.feed(section) is None
    section.append(text[first.keep // 2 :])
    assert stopper.feed(section) == first


def test_a_text_that_ends_by_itself_is_left_as_it_is() -> None:
    assert look(LengthStopper(LengthTarget(100, True)), prose(300), ended=True) is None


@given(st.integers(1, 2000), st.booleans(), st.booleans(), st.integers(0, 4000))
def test_what_is_short_is_never_where_a_text_ends(target: int, precise: bool, ends_itself: bool, length: int) -> None:
    aim = LengthTarget(target, ends_itself, precise)
    if length >= aim.stop_at:
        assert not aim.is_short(length)


def test_a_long_text_is_looked_at_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The work for a piece does not grow with the text: 30,000 words come in 200,000 pieces."""
    counted = 0

    def counting(text: str) -> int:
        nonlocal counted
        counted += len(text)
        return count_words(text)

    monkeypatch.setattr("lwtui.agentwrite.length.count_words", counting)
    text = prose(40_000)
    found = feed(LengthStopper(LengthTarget(30_000, True)), text, 400)
    assert found is not None
    assert counted < 30 * len(text)
