"""Where a section ends: its share of the remaining length, and the end of a sentence near it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lwtui.agentwrite.filters import SectionText, TextFilter
from lwtui.agentwrite.length import (
    CLOSE,
    ENOUGH,
    LONG,
    RUNAWAY,
    SHORT,
    LengthTarget,
    ParagraphStopper,
    SentenceStopper,
    section_target,
)
from lwtui.documents.model import Section, Status
from lwtui.text import count_words
from tests.support.author import sentence
from tests.support.feeding import feed, look


def section(number: int, words: int, length: int = 0, status: Status = Status.EMPTY) -> Section:
    return Section(f"s{number}", f"Part {number}", "point", words, status, "x " * length, length)


def done(number: int, words: int, length: int) -> Section:
    return section(number, words, length, Status.DONE)


def prose(words: int, number: int = 1, language: str = "en", each: tuple[int, int] = (8, 16)) -> str:
    """Return at least that many words."""
    sentences: list[str] = []
    length = 0
    while length < words:
        sentences.append(sentence(number, len(sentences), language, each))
        length += count_words(sentences[-1])
    return "".join(sentences).lstrip()


def ended(stopper: TextFilter, text: str, step: int = 5) -> str | None:
    """Stream ``text`` in pieces of ``step`` characters. Returns the text up to its end, or ``None`` if none was set."""
    if (found := feed(stopper, text, step)) is None:
        return None
    verdict, _ = found
    assert verdict.final and not verdict.loop
    return text[: verdict.keep]


def base(target: int, slack: int | None = None) -> SentenceStopper:
    return SentenceStopper(LengthTarget(target, False, slack))


def chat(target: int, slack: int | None = None) -> ParagraphStopper:
    return ParagraphStopper(LengthTarget(target, True, slack))


# ---- shares -----------------------------------------------------------------------------------------------------


def test_targets_equal_the_plan_while_nothing_is_written() -> None:
    sections = [section(1, 300), section(2, 500)]
    assert [section_target(sections, section.id) for section in sections] == [300, 500]


def test_the_remaining_sections_compensate_for_the_finished_ones() -> None:
    assert section_target([done(1, 300, 240), section(2, 300), section(3, 600)], "s2") == 320
    assert section_target([done(1, 300, 240), section(2, 300), section(3, 600)], "s3") == 640
    assert section_target([done(1, 300, 390), section(2, 300), section(3, 600)], "s2") == 270


def test_a_target_stays_near_its_planned_length() -> None:
    assert section_target([done(1, 1000, 3000), section(2, 300)], "s2") == 150
    assert section_target([done(1, 1000, 10), section(2, 300)], "s2") == 480
    assert section_target([done(1, 10, 3000), section(2, 1)], "s2") == 1


def test_a_started_section_keeps_its_whole_share() -> None:
    sections = [done(1, 300, 300), section(2, 300, 200, Status.PARTIAL), section(3, 300)]
    assert section_target(sections, "s2") == 300


@given(st.lists(st.tuples(st.integers(1, 3000), st.integers(0, 5000)), min_size=1, max_size=20), st.data())
def test_remaining_targets_add_up_to_the_remaining_length(rows: list[tuple[int, int]], data: st.DataObject) -> None:
    finished = data.draw(st.integers(0, len(rows) - 1))
    sections = [
        done(index, words, length) if index < finished else section(index, words)
        for index, (words, length) in enumerate(rows)
    ]
    targets = [section_target(sections, section.id) for section in sections[finished:]]
    planned = [section.words for section in sections[finished:]]
    assert all(
        max(1, round(0.5 * plan) - 1) <= target <= 1.6 * plan + 1 for target, plan in zip(targets, planned, strict=True)
    )
    left = sum(words for words, _ in rows) - sum(section.length for section in sections[:finished])
    if 0.5 * sum(planned) <= left <= 1.6 * sum(planned):
        assert abs(sum(targets) - left) <= len(targets)


# ---- base models: at the end of a sentence ------------------------------------------------------------------------


@pytest.mark.parametrize("target", [60, 150, 300, 800])
@pytest.mark.parametrize("slack", [None, 10])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_an_endless_text_ends_near_its_target(target: int, slack: int | None, language: str) -> None:
    for number in range(1, 8):
        text = ended(base(target, slack), prose(target * 3 // 2, number, language))
        assert text is not None
        assert text.rstrip().endswith((".", "。"))
        length = count_words(text)
        assert not LengthTarget(target, False, slack).is_short(length)
        assert abs(length - target) <= max(13, target * (0.15 if slack is None else 0.05))


def test_a_short_text_is_not_stopped() -> None:
    assert ended(base(300), prose(280)) is None
    assert ended(chat(300), prose(280)) is None


def test_large_pieces_are_stopped_correctly() -> None:
    text = prose(700)
    for step in (1, 7, 100, 10_000):
        for stopper in (base(300), chat(300)):
            kept = ended(stopper, text, step)
            assert kept is not None
            assert 300 * SHORT <= count_words(kept) <= 300 * LONG


def test_long_sentences_do_not_carry_a_section_far_past_its_target() -> None:
    for number in range(1, 20):
        text = ended(base(200), prose(600, number, each=(40, 60)))
        assert text is not None
        assert 200 * SHORT <= count_words(text) <= 200 * LONG + 1


def test_a_sentence_at_the_end_of_the_text_may_still_grow() -> None:
    text = f"{prose(50)} It costs, as all the people on the market of this town know, about 3."
    length = count_words(text)
    assert look(base(length, 0), text) is None
    assert look(base(length, 0), f"{text}5 and more") is None
    assert look(base(length, 0), f"{text} And more") is not None


def test_a_text_without_sentences_is_cut_between_words() -> None:
    text = "word " * 1000
    kept = ended(base(300), text)
    assert kept is not None
    assert 300 * RUNAWAY <= count_words(kept) <= 300 * RUNAWAY + 3
    assert kept == text[: len(kept)] and text[len(kept)] == " "


def test_a_text_without_further_sentences_goes_back_to_its_last_one() -> None:
    sound = prose(280)
    assert ended(base(300), f"{sound} Word " + "word " * 1000) == sound


@pytest.mark.parametrize("make", [base, chat])
def test_nothing_before_the_floor_is_cut(make: Callable[[int], TextFilter]) -> None:
    text = prose(900)
    for floor in range(100, len(text), 333):
        # The text up to the floor exists already.
        found = feed(make(100), text, start=floor, floor=floor)
        assert found is not None
        assert found[0].keep >= floor


@pytest.mark.parametrize("make", [base, chat])
def test_a_text_that_was_cut_is_checked_again(make: Callable[[int], TextFilter]) -> None:
    text = prose(400)
    stopper = make(300)
    section = SectionText(text)
    first = stopper.feed(section)
    assert first is not None
    section.cut(first.keep // 2)
    stopper.cut(first.keep // 2)
    assert stopper.feed(section) is None
    section.append(text[first.keep // 2 :])
    assert stopper.feed(section) == first


@pytest.mark.parametrize("make", [base, chat])
def test_a_text_that_ended_is_not_cut(make: Callable[[int], TextFilter]) -> None:
    assert look(make(100), prose(300), ended=True) is None


@given(st.integers(1, 2000), st.one_of(st.none(), st.integers(0, 300)), st.integers(0, 4000))
def test_a_text_never_ends_where_it_is_short(target: int, slack: int | None, length: int) -> None:
    aim = LengthTarget(target, False, slack)
    if length >= aim.stop_at:
        assert not aim.is_short(length)


@pytest.mark.parametrize("make", [base, chat])
def test_only_the_new_part_of_a_long_text_is_scanned(
    make: Callable[[int], TextFilter], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cost of a piece does not grow with the text: 30,000 words come in 200,000 pieces."""
    counted = 0

    def counting(text: str) -> int:
        nonlocal counted
        counted += len(text)
        return count_words(text)

    monkeypatch.setattr("lwtui.agentwrite.length.count_words", counting)
    text = prose(40_000)
    found = feed(make(30_000), text, 400)
    assert found is not None
    assert counted < 30 * len(text)


# ---- chat models: their own end, or that of a paragraph ------------------------------------------------------------


def paragraphs(*lengths: int) -> str:
    """Return paragraphs of about that many words."""
    return "\n\n".join(prose(length, number).replace("\n\n", " ") for number, length in enumerate(lengths, 1))


def test_a_text_within_reach_of_its_target_is_not_stopped() -> None:
    assert ended(chat(300), prose(330)) is None


def test_a_text_that_runs_on_is_cut_at_the_paragraph_nearest_to_its_target() -> None:
    text = paragraphs(120, 150, 130, 150)
    kept = ended(chat(300), text)
    assert kept == paragraphs(120, 150)


def test_a_single_line_break_ends_a_paragraph() -> None:
    text = paragraphs(120, 150, 130, 150).replace("\n\n", "\n")
    assert ended(chat(300), text) == paragraphs(120, 150).replace("\n\n", "\n")


def test_a_text_does_not_end_on_a_heading_or_list_item() -> None:
    text = f"{paragraphs(250)}\n\n### Heading\n\n- first\n- second\n\n{prose(200, 3)}"
    assert ended(chat(260), text) == paragraphs(250)


def test_an_endless_paragraph_is_cut_after_a_sentence() -> None:
    text = prose(900).replace("\n\n", " ")
    kept = ended(chat(300), text)
    assert kept is not None and kept.endswith(".")
    assert abs(count_words(kept) - 300) <= 17


def test_a_length_far_from_the_target_is_worth_another_draft() -> None:
    assert LengthTarget(300, True).is_off(int(300 * ENOUGH) - 1)
    assert not LengthTarget(300, True).is_off(int(300 * ENOUGH) + 1)
    assert not LengthTarget(300, True).is_off(500)  # later sections compensate
    alone = LengthTarget(300, True, slack=20)
    assert [alone.is_off(length) for length in (270, 285, 315, 330)] == [True, False, False, True]
    assert LengthTarget(300, False, slack=20).least_words == round(300 * CLOSE)


# ---- lists, tables and blocks ---------------------------------------------------------------------------------------

BULLETS = "\n".join(f"- the thing number {number} of the many things" for number in range(60))
TABLE = "| day | what | where |\n| --- | --- | --- |\n" + "\n".join(
    f"| {day}. May | go there. Stay the night | the inn no. {day} |" for day in range(1, 60)
)
CODE = "```python\n" + "".join(f"x{number} = one + two  # So. Then it is. Next\n" for number in range(20)) + "```\n\n"
FORMULA = "$$\n" + "".join(f"a_{number} = b. C\n\n" for number in range(20)) + "$$\n\n"
MAKERS = [base, chat]


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("step", [1, 5, 40])
@pytest.mark.parametrize("before", ["", "You need many things:\n\n", "Here they are.\n\n"])
def test_a_long_list_ends_with_a_whole_item(make: Callable[[int], TextFilter], step: int, before: str) -> None:
    text = ended(make(200), before + BULLETS, step)
    assert text is not None and text.rstrip().endswith("of the many things")
    assert 200 * SHORT <= count_words(text) <= 200 * LONG + 9


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("step", [1, 5, 40])
def test_a_long_table_ends_with_a_whole_row(make: Callable[[int], TextFilter], step: int) -> None:
    text = ended(make(200), TABLE, step)
    assert text is not None and text.endswith("|") and text.rpartition("\n")[2].count("|") == 4
    assert 200 * SHORT <= count_words(text) <= 200 * LONG + 12


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("block", [CODE, FORMULA], ids=["code", "formula"])
@pytest.mark.parametrize("before", [0, 60, 110])
def test_a_block_is_not_cut(make: Callable[[int], TextFilter], block: str, before: int) -> None:
    sound = f"{prose(before)}\n\n" if before else ""
    text = ended(make(120), f"{sound}{block}{prose(400, 2)}")
    assert text is not None
    assert text.count("```") % 2 == 0 and text.count("$$") % 2 == 0
    assert not text.rstrip().endswith(("Then", "C", "="))


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize(
    "sentence",
    [
        "See [the work of Mr. Gray. A life](https://example.org/a. B) and so on.",
        "Miller et al. Showed it am 3. Mai in St. Petersburg, z. B. Peter, bzw. Paul, ca. 10 times.",
        "Why does it go on? asks J. R. R. Smith vs. Brown.",
    ],
)
def test_no_link_and_no_abbreviation_ends_a_section(make: Callable[[int], TextFilter], sentence: str) -> None:
    text = ended(make(100), " ".join([sentence] * 60))
    assert text is not None and text.endswith(sentence[-8:])


@pytest.mark.parametrize(
    ("sentence", "mark"),
    [
        ("وہ آج شہر گیا", "۔"),
        ("គាត់ ទៅ ផ្សារ", "។"),
        ("သူ မြို့ သွားတယ်", "။"),
        ("እሱ ወደ ከተማ ሄደ", "።"),
        ("Նա գնաց քաղաք", "։"),
        ("वह शहर गया", "।"),
    ],
)
def test_a_section_ends_with_the_full_stop_of_its_script(sentence: str, mark: str) -> None:
    text = ended(base(100), f"{sentence}{mark} " * 100)
    assert text is not None and text.endswith(mark)
    assert 100 * SHORT <= count_words(text) <= 100 * LONG
