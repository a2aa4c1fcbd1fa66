"""Loops and repeated sentences are found while a text streams. Text that may repeat is left alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lwtui.agentwrite.filters import FilterVerdict, SectionText
from lwtui.agentwrite.repetition import RepetitionFilter
from lwtui.agentwrite.similar_paragraphs import SimilarParagraphFilter
from lwtui.text.blocks import blank_blocks
from lwtui.text.code_blocks import in_code
from tests.support.author import sentence
from tests.support.feeding import feed, look


def prose(count: int, number: int = 1, language: str = "en") -> str:
    return "".join(sentence(number, index, language) for index in range(count)).lstrip()


def found(
    text: str, earlier: tuple[str, ...] = (), step: int = 3, *, ended: bool = False
) -> tuple[FilterVerdict, int] | None:
    """Stream ``text`` in pieces. Returns the first verdict and how much text had come."""
    verdict = feed(RepetitionFilter(earlier), text, step, ended=ended)
    assert verdict is None or (verdict[0].loop and not verdict[0].final)
    return verdict


@pytest.mark.parametrize("language", ["en", "zh"])
def test_prose_without_repetition_is_sound(language: str) -> None:
    assert found(prose(300, 1, language), (prose(300, 2, language), prose(300, 3, language))) is None


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_repeated_sentence_is_found(language: str) -> None:
    earlier = prose(40, 2, language)
    sound = prose(10, 1, language)
    for again in (sentence(2, 33, language).strip(), sentence(1, 3, language).strip()):
        if language == "zh" and len(again) < 15:
            continue
        verdict = found(f"{sound} {again} ", (earlier,))
        assert verdict is not None
        end = len(f"{sound} {again}")
        assert verdict[0] == FilterVerdict(len(sound), "a sentence repeats an earlier one", loop=True, end=end)


def test_a_sentence_repeated_in_slightly_different_words_is_found() -> None:
    first = "The roots of a young tomato plant need loose and warm soil that holds the water well. "
    again = "Indeed the roots of a young tomato plant need loose and warm soil that holds moisture. "
    assert found(first + again) is not None


@pytest.mark.parametrize(
    "phrase",
    [
        "and so on ",
        "very ",
        "the rain falls on the roof and the roof leads it to ",
        "one two three four five six, ",
        "我们走在路上看见了山",
    ],
)
def test_a_phrase_that_loops_within_a_sentence_is_found_soon(phrase: str) -> None:
    for sound in ("", "It began well. ", prose(8) + " "):
        verdict = found(sound + phrase * 100)
        assert verdict is not None
        kept, seen = verdict[0].keep, verdict[1]
        assert kept <= len(sound) + len(phrase)
        assert seen <= len(sound) + max(6 * len(phrase), 200) + 50


@pytest.mark.parametrize(
    "phrase", ["I am happy. ", "Yes. ", "Go on. Stop it. Wait here. ", "我很高兴。", "走吧。等一下。"]
)
def test_looping_short_sentences_are_found_and_the_first_one_stays(phrase: str) -> None:
    sound = prose(8) + " "
    verdict = found(sound + phrase * 60)
    assert verdict is not None
    assert len(sound) - 1 <= verdict[0].keep <= len(sound) + len(phrase)
    assert verdict[0].reason == "a phrase loops"


@pytest.mark.parametrize(
    "paragraph",
    [
        "1. How to choose plants",
        "2. The crop\n3. The harvest",
        "Now it rains.\nAnd then.",
        "山上下了很大的雨",
    ],
)
def test_a_repeated_short_paragraph_is_found(paragraph: str) -> None:
    sound = prose(4)
    text = f"{paragraph}\n\n{sound}\n\n{paragraph}\n\nMore"
    verdict = found(text)
    assert verdict is not None
    assert verdict[0].reason == "a paragraph repeats an earlier one"
    assert text[: verdict[0].keep].endswith(sound)
    # That it stood in an earlier section is no fault.
    earlier = f"{prose(3, 2)}\n\n{paragraph}\n\n{prose(3, 3)}"
    assert found(f"{sound}\n\n{paragraph}\n\nMore", (earlier,)) is None


@pytest.mark.parametrize("step", [1, 2, 3, 1000])
def test_white_space_after_a_paragraph_is_no_repetition(step: int) -> None:
    text = "A first line stands here\n\n\n\n\nA second line stands here \n \n\n  \n\nAnd a third one here"
    assert found(text, step=step, ended=True) is None
    repetitions = RepetitionFilter()
    assert look(repetitions, text, ended=True) is None  # the answer has ended
    for end in range(1, 40):
        assert look(repetitions, (text + "\n\nThis is what comes after it all")[: len(text) + end]) is None
    trusting = RepetitionFilter()
    trusting.trust(text)
    for end in range(1, 40):
        assert look(trusting, (text + "\n\nThis is what comes after it all")[: len(text) + end]) is None


def test_the_last_paragraph_is_checked_at_the_end() -> None:
    text = f"We need water.\nAnd light\n\n{prose(4)}\n\nWe need water.\nAnd light"
    assert found(text) is None
    assert found(text, ended=True) is not None


def test_lines_that_are_most_of_a_section_and_stood_in_an_earlier_one_are_found() -> None:
    lines = ["Check the seeds and the soil in spring", "Talk openly about what each bed needs", "Plant beans by corn"]
    earlier = f"{prose(3)}\nMake a plan of all the beds\n" + "\n".join(lines)
    again = "\n".join([lines[0], "Talk openly about what eachbed needs", lines[2]])
    verdict = found(again, (earlier,), ended=True)
    assert verdict is not None and verdict[0].keep == 0
    assert found(f"{prose(6, 2)}\n\n{again}", (earlier,), ended=True) is None
    refrain = "\n".join(f"{lines[0]}\n{sentence(7, index).strip()}" for index in range(4))
    assert found(refrain, (earlier,), ended=True) is None
    table = "\n".join(["| day | what |", "|---|---|", *[f"| {day} | run for thirty minutes |" for day in "abcdef"]])
    assert found(table.replace("| e |", "| g |"), (f"{prose(3)}\n\n{table}",), ended=True) is None


def test_a_loop_of_paragraphs_is_found() -> None:
    paragraph = prose(4)
    assert found("\n\n".join([paragraph] * 5)) is not None


@pytest.mark.parametrize(
    "text",
    [
        "Why? Because. Why? Because. And why not? " + prose(3),
        "He laughed: ha ha ha ha ha. Then he went home. " + prose(3),
        "“No,” she said. “No,” he said. “No,” they all said. " + prose(3),
        "- water\n- light\n- soil\n- water again\n- light again\n\n" + prose(3),
        "| one | two |\n|---|---|\n| 1 | 2 |\n| 1 | 3 |\n| 2 | 2 |\n\n" + prose(3),
        "The United States of America grew. " + prose(2) + " The United States of America shrank then. " + prose(2, 3),
        "### What you will need\n\nA pot.\n\n### What you will need\n\nA pan.\n\n" + prose(3),
        "“I do not know,” he said.\n\n" + prose(3) + "\n\n“I do not know,” he said.\n\nMore",
        "A short line.\n\n" + prose(3) + "\n\nA short line.\n\nMore",
        "他笑了。她也笑了。他们都笑了。" + prose(5, 1, "zh"),
        "人工智能技术的发展很快。" + prose(5, 1, "zh") + "人工智能技术的发展改变了许多人的生活和工作。",
    ],
)
def test_text_that_may_repeat_is_left_alone(text: str) -> None:
    assert found(text, ended=True) is None


def test_the_last_sentence_is_checked_at_the_end() -> None:
    sound = prose(10)
    again = sentence(1, 3).strip().removesuffix(".")
    assert found(f"{sound} {again}") is None
    verdict = found(f"{sound} {again}", ended=True)
    assert verdict is not None and verdict[0].keep == len(sound)


def test_text_that_was_cut_counts_as_known() -> None:
    repetitions = RepetitionFilter()
    first, second = sentence(1, 0).strip() + " ", sentence(1, 1).strip() + " "
    assert look(repetitions, first + second + "And") is None
    repetitions.cut(len(first))
    assert look(repetitions, first + second + "And") is not None


def test_trusted_text_may_repeat_itself() -> None:
    refrain = "Row, row, row your boat gently down the stream. " * 6
    repetitions = RepetitionFilter()
    repetitions.trust(refrain)
    text = refrain + prose(6)
    assert feed(repetitions, text, 4, start=len(refrain)) is None
    # Trusted text is known, so later repetitions of it are found.
    verdict = look(repetitions, f"{text} Row, row, row your boat gently down the stream. And")
    assert verdict is not None and verdict.keep >= len(refrain)


@given(
    st.lists(st.sampled_from(["word", "a b c", ". ", "? ", "\n\n", "雨。", " ", "x" * 50]), max_size=60),
    st.integers(1, 30),
)
def test_a_verdict_is_always_within_the_text(parts: list[str], step: int) -> None:
    text = "".join(parts)
    if verdict := found(text, step=step, ended=True):
        assert 0 <= verdict[0].keep <= verdict[1]


def test_the_cost_of_a_piece_does_not_grow_with_the_text(monkeypatch: pytest.MonkeyPatch) -> None:
    from lwtui.agentwrite import repetition

    read = 0
    ends, tokens = repetition.sentence_ends, repetition._tokens

    def counting_ends(text: str) -> list[int]:
        nonlocal read
        read += len(text)
        return ends(text)

    def counting_tokens(text: str) -> object:
        nonlocal read
        read += len(text)
        return tokens(text)

    monkeypatch.setattr(repetition, "sentence_ends", counting_ends)
    monkeypatch.setattr(repetition, "_tokens", counting_tokens)
    for text in (prose(800), "\n".join(f"item {index} of a list that has no end" for index in range(1500))):
        read = 0
        assert feed(RepetitionFilter(), text, 5) is None
        assert read < len(text) / 5 * 600  # a few sentences for each piece


CODE = "```python\nfor cup in cups:\n    fill(cup, water, heat)\n```"
ROWS = "| cup | water |\n| --- | --- |\n| one | hot |\n| two | cold |"


class _ReadAfresh(SectionText):
    """A section that reads its whole text for each look."""

    @property
    def without_blocks(self) -> str:
        return blank_blocks(self.text)


class _SimilarAfresh(SimilarParagraphFilter):
    def _is_in_code(self, text: str, start: int) -> bool:
        return in_code(text[:start])


def verdicts(kind: type[RepetitionFilter | SimilarParagraphFilter], section: SectionText, text: str) -> list[object]:
    """Stream a text, with each cut that the filter wants. Returns all verdicts."""
    judge, found = kind(), []
    for start in range(0, len(text), 17):
        section.append(text[start : start + 17])
        if verdict := judge.feed(section):
            found.append(verdict)
            section.cut(verdict.keep)
            judge.cut(verdict.keep)
    return [*found, judge.feed(section, ended=True)]


@pytest.mark.parametrize("order", ["pcptp", "cpcpp", "tptpcc", "ppppp", "xpxtp"])
def test_what_is_found_does_not_depend_on_how_often_the_text_was_read(order: str) -> None:
    again, parts = prose(6, 9), []
    for number, letter in enumerate(order):
        parts += [{"c": CODE, "t": ROWS, "x": f"```\n{again}"}.get(letter, prose(12, number)), again]
    text = "\n\n".join(parts)
    found = verdicts(RepetitionFilter, SectionText(), text)
    assert found == verdicts(RepetitionFilter, _ReadAfresh(), text) and len(found) > 1
    similar = verdicts(SimilarParagraphFilter, SectionText(), text)
    assert similar == verdicts(_SimilarAfresh, SectionText(), text) and len(similar) > 1
