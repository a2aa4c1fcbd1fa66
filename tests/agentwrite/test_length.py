"""Where a section is to end: shares of what is left, and landings at a sentence's end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lwtui.agentwrite.length import LONG, RUNAWAY, SHORT, Lander, Landing, section_target
from lwtui.documents.model import Section, Status
from lwtui.text import RunningCount, count_words
from tests.support.author import sentence


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


def landed(landing: Landing, text: str, step: int = 5, floor: int = 0) -> str | None:
    """What is left of ``text`` when it has come in pieces of ``step`` characters; ``None`` if it never landed."""
    lander, count = Lander(landing, floor), RunningCount()
    for end in range(step, len(text) + step, step):
        so_far = text[:end]
        count.add(text[end - step : end])
        if (at := lander.look(so_far, count.words)) is not None:
            return so_far[:at]
    return None


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


# ---- landings ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", [60, 150, 300, 800])
@pytest.mark.parametrize("precise", [False, True])
@pytest.mark.parametrize("ends_itself", [False, True])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_an_endless_text_lands_near_its_target(target: int, precise: bool, ends_itself: bool, language: str) -> None:
    landing = Landing(target, ends_itself, precise)
    for number in range(1, 8):
        text = landed(landing, prose(target * 3 // 2, number, language))
        assert text is not None
        assert text.rstrip().endswith((".", "。"))
        length = count_words(text)
        assert not landing.is_short(length)
        assert abs(length - target) <= max(13, target * (0.05 if precise else 0.15))


def test_a_text_that_is_not_long_enough_goes_on() -> None:
    for ends_itself in (True, False):
        assert landed(Landing(300, ends_itself), prose(280)) is None


def test_a_piece_may_be_large() -> None:
    text = prose(700)
    for step in (1, 7, 100, 10_000):
        ended = landed(Landing(300, True), text, step)
        assert ended is not None
        assert 300 * SHORT <= count_words(ended) <= 300 * LONG


def test_long_sentences_do_not_carry_a_section_far_past_its_target() -> None:
    for number in range(1, 20):
        text = landed(Landing(200, True), prose(600, number, each=(40, 60)))
        assert text is not None
        assert 200 * SHORT <= count_words(text) <= 200 * LONG + 1


def test_the_end_of_what_has_come_may_still_grow() -> None:
    text = f"{prose(50)} It costs 3."
    length = count_words(text)
    landing = Landing(length - 1, False)
    assert Lander(landing).look(text, length) is None or landing.target < 60
    ends_later = Lander(Landing(length, True, precise=True))
    assert ends_later.look(f"{text}5 and more", length + 2) is None


def test_a_text_without_sentences_is_cut_between_words() -> None:
    text = "word " * 1000
    ended = landed(Landing(300, True), text)
    assert ended is not None
    assert 300 * RUNAWAY <= count_words(ended) <= 300 * RUNAWAY + 3
    assert ended == text[: len(ended)] and text[len(ended)] == " "


def test_a_text_that_stopped_having_sentences_goes_back_to_its_last() -> None:
    sound = prose(280)
    ended = landed(Landing(300, True), f"{sound} " + "word " * 1000)
    assert ended == sound


def test_nothing_before_the_floor_is_taken_back() -> None:
    text = prose(900)
    for floor in range(100, len(text), 333):
        # The text up to there stands already.
        lander, found = Lander(Landing(100, True), floor), None
        for end in range(floor, len(text), 5):
            found = lander.look(text[:end], count_words(text[:end])) if found is None else found
        assert found is not None
        assert found >= floor


@given(st.integers(1, 2000), st.booleans(), st.booleans(), st.integers(0, 4000))
def test_what_is_short_is_never_where_a_text_lands(target: int, precise: bool, ends_itself: bool, length: int) -> None:
    landing = Landing(target, ends_itself, precise)
    if length >= landing.stop_at:
        assert not landing.is_short(length)


def test_a_long_text_is_looked_at_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The work for a piece does not grow with the text: 30,000 words come in 200,000 pieces."""
    counted = 0

    def counting(text: str) -> int:
        nonlocal counted
        counted += len(text)
        return count_words(text)

    monkeypatch.setattr("lwtui.agentwrite.length.count_words", counting)
    text = prose(40_000)
    lander, length, at = Lander(Landing(30_000, True)), 0, None
    for end in range(0, len(text), 400):
        length += count_words(text[max(0, end - 400) : end])
        if (at := lander.look(text[:end], length)) is not None:
            break
    assert at is not None
    assert counted < 30 * len(text)
