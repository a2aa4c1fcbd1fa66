"""Sentences in a row that begin with the same words are noticed, and rhetoric is not."""

from __future__ import annotations

import pytest

from lwtui.agentwrite.filters import FilterVerdict, SectionText
from lwtui.agentwrite.repeated_openings import RepeatedOpeningFilter

START = "Marketing is the work of being found. "
SAME = [f"It is a set of {what} that businesses use every day. " for what in ("methods", "tools", "plans", "ideas")]
CHINESE = [f"它是一种帮助企业{what}的方法。" for what in ("吸引顾客", "保持优势", "提高销量", "建立品牌")]


def feed(text: str, size: int, text_filter: RepeatedOpeningFilter | None = None) -> tuple[str, FilterVerdict | None]:
    """Feed ``text`` in pieces of ``size`` characters. Returns what is kept, and the verdict."""
    text_filter, section = text_filter or RepeatedOpeningFilter(), SectionText()
    for at in range(0, len(text), size):
        section.append(text[at : at + size])
        if (verdict := text_filter.feed(section)) is not None:
            return section.text[: verdict.keep], verdict
    return section.text, text_filter.feed(section, ended=True)


@pytest.mark.parametrize("size", [1, 7, 10_000])
@pytest.mark.parametrize(("start", "sentences"), [(START, SAME), ("", SAME), ("营销很重要。", CHINESE)])
def test_the_fourth_sentence_with_one_opening_is_too_many(size: int, start: str, sentences: list[str]) -> None:
    kept, verdict = feed(start + "".join(sentences) + " The end", size)
    assert verdict is not None and verdict.loop and not verdict.final
    assert kept == (start + "".join(sentences[:2])).rstrip()


@pytest.mark.parametrize(
    "text",
    [
        START + "".join(SAME[:3]) + "That is all there is to say about it. ",
        "".join(SAME[:2]) + "That is the first half of it. " + "".join(SAME[2:]) + "The end. ",
        "\n\n".join(sentence + "It does more than that." for sentence in SAME) + "\n\n",
        "\n".join(f"- {sentence}" for sentence in SAME) + "\n",
        "\n".join(SAME) + "\n",
        "I do not know. " * 6,
        "He asked me why. He asked me when. He asked me where. He asked me who. ",
    ],
)
def test_rhetoric_lists_and_verses_stay(text: str) -> None:
    assert feed(text, 1) == (text, None)


def test_what_was_cut_does_not_count() -> None:
    text_filter = RepeatedOpeningFilter()
    kept, _ = feed(START + "".join(SAME) + "It ends.", 10_000, text_filter)
    text_filter.cut(len(kept))
    section = SectionText(kept)
    section.append(" Nobody can do without it. It is a set of rules that everybody knows by heart. And so on")
    assert text_filter.feed(section) is None
    section.append(". It is a set of rules that nobody follows. It is a set of rules in the end. Or not")
    assert text_filter.feed(section) is None


def test_a_kept_beginning_is_not_judged() -> None:
    text_filter, text = RepeatedOpeningFilter(), "".join(SAME)
    text_filter.trust(text)
    section = SectionText(text)
    section.append("It is a set of surprises that nobody has asked for. So it is")
    assert text_filter.feed(section) is None
